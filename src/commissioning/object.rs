//! One object of one device, where no daemon runs.

use std::fmt;

use crate::fieldbus::ethercat::dialogue::Dialogue;
use crate::fieldbus::ethercat::mailbox::Address;
use crate::fieldbus::ethercat::objects::{ObjectError, Objects};
use crate::fieldbus::ethercat::ring_end;
use crate::fieldbus::ethercat::scan::{ScanError, scan};
use crate::fieldbus::ethercat::wire::Wire;

/// Why it could not be read or written.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceObjectError {
    /// The segment could not be scanned.
    Scan(ScanError),
    /// There is no device at this place.
    NoDevice {
        /// Its place on the wire, from 0.
        position: u16,
        /// So many answer.
        found: usize,
    },
    /// The device has no mailbox for CoE.
    NoMailbox,
    /// The device refused it, or did not answer.
    Object(ObjectError),
}

impl fmt::Display for DeviceObjectError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceObjectError::Scan(error) => write!(out, "{error}"),
            DeviceObjectError::NoDevice { position, found } => {
                write!(out, "there is no device at position {position}: {found} answer, counted from 0")
            }
            DeviceObjectError::NoMailbox => {
                out.write_str("the device has no mailbox for CoE, so it has no objects to show")
            }
            DeviceObjectError::Object(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for DeviceObjectError {}

/// Brings every device to PREOP and writes an object of one, where there is a value, else reads it; little-endian. What was
/// written is not read back.
///
/// # Errors
/// Where there is no such device, or it refuses.
pub fn exchange(
    wire: &mut dyn Wire,
    position: u16,
    address: Address,
    value: Option<&[u8]>,
) -> Result<Vec<u8>, DeviceObjectError> {
    let found = scan(wire).map_err(DeviceObjectError::Scan)?;
    let device = found.get(usize::from(position));
    let device = device.ok_or(DeviceObjectError::NoDevice { position, found: found.len() })?;
    let areas = device.sii.mailbox.filter(|areas| areas.coe).ok_or(DeviceObjectError::NoMailbox)?;
    let mut dialogue = Dialogue::over(wire);
    let mut objects = Objects::of(&mut dialogue, device.station, areas).map_err(|_| DeviceObjectError::NoMailbox)?;
    let done = match value {
        Some(value) => objects.write(address, value).map(|()| Vec::new()),
        None => objects.read(address),
    };
    ring_end::leave(wire);
    done.map_err(DeviceObjectError::Object)
}
