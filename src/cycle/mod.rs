//! The real-time cycle: it alone joins motion, drives and buses.

pub mod bus_watch;
pub mod machine_inputs;
pub mod supervision;
