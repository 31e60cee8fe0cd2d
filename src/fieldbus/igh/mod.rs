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

#[cfg(feature = "igh-from-source")]
use bring_up::bring_up;
use desk::IghDesk;
use error::IghError;
use exchange::IghBus;

use super::ethercat::bring_up::SegmentParameters;

/// Has a segment brought up by a master of the kernel: N of /dev/EtherCATN.
///
/// # Errors
/// Where that master cannot be used, or the segment is not the one that is configured.
#[cfg(feature = "igh-from-source")]
pub fn start(master: u32, parameters: &SegmentParameters) -> Result<(IghBus, IghDesk), IghError> {
    let (cyclic, objects) = kernel::open(master)?;
    bring_up(Box::new(cyclic), Box::new(objects), parameters)
}

/// As with the feature `igh`, without which there is none.
///
/// # Errors
/// Always.
#[cfg(not(feature = "igh-from-source"))]
pub fn start(_master: u32, _parameters: &SegmentParameters) -> Result<(IghBus, IghDesk), IghError> {
    Err(IghError::NotBuilt)
}

/// This program can talk to the kernel's master.
pub const BUILT: bool = cfg!(feature = "igh-from-source");
