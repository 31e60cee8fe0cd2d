//! Claims about the gateway, with the cycle played by the test.

mod commands;
mod events;
mod fixture;
mod jogs;
mod leases;
mod panics;
mod parameters;
mod silence;
