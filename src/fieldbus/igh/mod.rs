//! EtherCAT by the IgH master, which runs in the kernel: the same segment, another master.
//!
//! ```text
//! off the real-time thread:  bring_up ─┬─► layer (kernel, or a recorder in tests)
//!                            desk ─────┤   objects by a handle of its own: those calls sleep
//! on it:                     exchange ─┘
//! ```
//!
//! The kernel configures the devices, also again when they come back. Here is what is asked of it, and in which order.

pub mod bring_up;
pub mod desk;
pub mod error;
pub mod exchange;
#[cfg(feature = "igh-from-source")]
pub mod kernel;
pub mod layer;
#[cfg(test)]
mod tests;

/// This program can talk to the kernel's master.
pub const BUILT: bool = cfg!(feature = "igh-from-source");
