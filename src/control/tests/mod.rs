//! Sessions from the first byte to the last reply, against a machine whose cycle is played by the test.

mod bad_input;
mod device;
pub mod fixture;
mod interfaces;
mod leases;
mod listening;
mod machine;
mod parameters;
mod roles;
mod sessions;
mod streams;
