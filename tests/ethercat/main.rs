//! The EtherCAT master on a simulated segment: raw frames on virtual time, from the scan to a machine in motion.

mod bring_up;
mod wire;
