//! The real-time cycle: it alone joins motion, drives and buses.

pub mod bus_watch;
pub mod clock;
pub mod machine_inputs;
pub mod schedule;
pub mod supervision;
