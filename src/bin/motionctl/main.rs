//! Command-line client of motiond.
fn main() {}
