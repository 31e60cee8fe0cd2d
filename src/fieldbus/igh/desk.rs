//! Objects of devices by the kernel's master, from ordinary threads: a handle of its own, whose calls sleep.

use std::fmt;
use std::sync::{Mutex, TryLockError};

use super::layer::{LayerError, ObjectLayer};
use crate::fieldbus::ethercat::mailbox::Address;

/// Longest object that is read, bytes.
const OBJECT_BYTES: usize = 64 * 1024;

/// Why nothing came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IghDeskError {
    /// Another request is under way.
    Occupied,
    /// There is no such device.
    NoSuchDevice,
    /// The kernel's interface reads single parts only.
    CompleteRead,
    /// The device refused it, or did not answer.
    Refused(LayerError),
}

impl fmt::Display for IghDeskError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IghDeskError::Occupied => out.write_str("another request to the devices of this bus is under way"),
            IghDeskError::NoSuchDevice => out.write_str("the bus has no such device"),
            IghDeskError::CompleteRead => out.write_str("the IgH master reads no object as a whole, only its parts"),
            IghDeskError::Refused(LayerError::Os(libc::EIO)) => {
                out.write_str("the device refused it, or did not answer; the kernel log has the abort code")
            }
            IghDeskError::Refused(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for IghDeskError {}

/// The way to the objects of one bus's devices.
pub struct IghDesk {
    objects: Mutex<Box<dyn ObjectLayer>>,
    /// Of each device, by its place in the bus's configuration: where it is on the wire.
    positions: Vec<u16>,
}

impl fmt::Debug for IghDesk {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("IghDesk").field("positions", &self.positions).finish_non_exhaustive()
    }
}

impl IghDesk {
    /// For the devices at these places on the wire.
    pub fn new(objects: Box<dyn ObjectLayer>, positions: Vec<u16>) -> IghDesk {
        IghDesk { objects: Mutex::new(objects), positions }
    }

    /// Reads an object, little-endian.
    ///
    /// # Errors
    /// Where nothing came of it.
    pub fn read(&self, device: u8, address: Address) -> Result<Vec<u8>, IghDeskError> {
        if address.complete {
            return Err(IghDeskError::CompleteRead);
        }
        let mut buffer = vec![0; OBJECT_BYTES];
        let length = self
            .with(device, |objects, position| objects.upload(position, address.index, address.subindex, &mut buffer))?;
        buffer.truncate(length);
        Ok(buffer)
    }

    /// Writes an object, little-endian.
    ///
    /// # Errors
    /// Where nothing came of it; the device may have taken a write whose answer was lost.
    pub fn write(&self, device: u8, address: Address, value: &[u8]) -> Result<(), IghDeskError> {
        let Address { index, subindex, complete } = address;
        self.with(device, |objects, position| objects.download(position, index, subindex, complete, value))
    }

    fn with<T>(
        &self,
        device: u8,
        work: impl FnOnce(&mut dyn ObjectLayer, u16) -> Result<T, LayerError>,
    ) -> Result<T, IghDeskError> {
        let position = *self.positions.get(usize::from(device)).ok_or(IghDeskError::NoSuchDevice)?;
        let mut objects = match self.objects.try_lock() {
            Ok(objects) => objects,
            // A caller that panicked has left nothing half-done: each request is one call.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(IghDeskError::Occupied),
        };
        work(&mut **objects, position).map_err(IghDeskError::Refused)
    }
}
