//! The daemon's entry: arguments, configuration, daemon, exit code.
fn main() {}
