//! The segment as it was found: ethercrab counts the devices, gives them their addresses, reads their identities, measures
//! the delays between them and brings them to PREOP. It runs on one thread: its futures are polled between sending and
//! receiving, and its timers only look at the time.
//!
//! Everything later is ours: what a device is configured to is then known register by register, and can be done again to
//! one device while the others go on.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::datagram::{Command, Target};
use super::dialogue::Dialogue;
#[cfg(not(miri))]
use super::ethercrab_scan;
use super::register::TYPE;
use super::ring_end::{self, RingError};
use super::sii::{Sii, SiiError};
use super::wire::Wire;
use crate::limits::MAX_BUS_DEVICES;

/// How long a scan may take altogether, nanoseconds: 64 devices, whose SII takes some milliseconds a word, and the drift of
/// their clocks.
pub(super) const PATIENCE_NS: u64 = 120_000_000_000;

/// One device as it was found, in PREOP.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundDevice {
    /// Its place on the wire, from 0.
    pub position: u16,
    /// The address that it was given.
    pub station: u16,
    /// Its alias; 0 for none.
    pub alias: u16,
    /// Its name in the SII.
    pub name: String,
    /// Vendor ID.
    pub vendor: u32,
    /// Product code.
    pub product: u32,
    /// Revision number.
    pub revision: u32,
    /// Serial number.
    pub serial: u32,
    /// It has a clock of its own.
    pub has_clock: bool,
    /// From the first device with a clock to this one, nanoseconds.
    pub delay_ns: u32,
    /// What else stands in the SII.
    pub sii: Sii,
}

/// Why a segment could not be scanned.
#[derive(Clone, Debug, PartialEq)]
pub enum ScanError {
    /// Nothing answers.
    NoDevices,
    /// More than can be served.
    TooMany,
    /// It did not come to an end.
    TimedOut,
    /// A device's SII is not as it must be.
    Sii {
        /// Its place on the wire, from 0.
        position: u16,
        /// What is wrong.
        error: SiiError,
    },
    /// It is to be a ring and is none.
    Ring(RingError),
    /// What ethercrab says.
    Master(String),
    /// ethercrab failed an internal check: a device did what it does not expect.
    Panicked(String),
}

impl fmt::Display for ScanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScanError::NoDevices => out
                .write_str("no device answers: look at cable, link and supply of the first one, and at the interface"),
            ScanError::TooMany => write!(out, "more than {MAX_BUS_DEVICES} devices answer"),
            ScanError::TimedOut => write!(out, "no end after {} s", PATIENCE_NS / 1_000_000_000),
            ScanError::Sii { position, error } => write!(out, "the device at position {position}: {error}"),
            ScanError::Ring(error) => write!(out, "{error}"),
            ScanError::Master(error) => write!(out, "{error}"),
            ScanError::Panicked(what) => write!(out, "a device answered what was not expected ({what})"),
        }
    }
}

impl std::error::Error for ScanError {}

/// Brings every device of a segment to PREOP and tells what they are, in the order of the wire. Takes its time: not for
/// the real-time thread. A ring is opened for it, and left open: [`ring_end::close`].
///
/// # Errors
/// Where nothing answers, or something does that cannot be served.
pub fn scan(wire: &mut dyn Wire) -> Result<Vec<FoundDevice>, ScanError> {
    if wire.ring().is_some() {
        ring_end::open(wire).map_err(ScanError::Ring)?;
    }
    // Each device counts in a read of all.
    match Dialogue::over(wire).ask(Command::Brd, Target::All(TYPE), &mut [0]) {
        Ok(1..) => {}
        Ok(0) | Err(_) => return Err(ScanError::NoDevices),
    }
    let scanned = catch_unwind(AssertUnwindSafe(|| ethercrab_scan::scan(wire)));
    scanned.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err(ScanError::Panicked(text.unwrap_or_default()))
    })
}

#[cfg(miri)]
mod ethercrab_scan {
    /// ethercrab does not build without std under miri, which interprets other parts.
    pub fn scan(_wire: &mut dyn super::Wire) -> Result<Vec<super::FoundDevice>, super::ScanError> {
        Err(super::ScanError::NoDevices)
    }
}
