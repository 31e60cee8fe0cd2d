//! The whole drive against a small scripted one, byte for byte.

mod bench;
mod brake;
mod enabling;
mod extrapolation;
mod faults;
mod garbage;
mod handover;
mod loops;
mod planted;
mod tuning;
