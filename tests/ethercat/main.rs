//! The EtherCAT master on a simulated segment: raw frames on virtual time, from the scan to a machine in motion.

mod analogs;
mod bring_up;
mod commissioning;
mod faults;
mod files;
mod handed_over;
mod load;
#[path = "../support/many_drives.rs"]
mod many_drives;
mod modes;
mod motion;
mod objects;
mod recovery;
mod ride_through;
mod ring;
#[allow(dead_code, reason = "each test program uses a part")]
#[path = "../support/mod.rs"]
mod support;
mod synchronisation;
mod topology;
mod two_axes;
mod wire;
