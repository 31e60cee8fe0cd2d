//! A device's objects, read and written through its mailbox before the cycle runs.

use std::fmt;

use super::correspondence::Correspondence;
use super::dialogue::Dialogue;
use super::mailbox::exchange::SizeError;
use super::mailbox::{Address, Aside, Download, Emergency, Report, Transfer, TransferError, Upload};
use super::sii::MailboxAreas;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry, drive_pdos};
pub use crate::fieldbus::sdo::ObjectWrite;

/// How long one object may take altogether, nanoseconds.
pub const OBJECT_NS: u64 = 30_000_000_000;
/// Emergencies that are kept, at most.
const EMERGENCIES: usize = 16;

// Objects of process data (ETG.1000.6).
const OUTPUT_PDO: u16 = 0x1600;
const INPUT_PDO: u16 = 0x1A00;
const OUTPUT_ASSIGNMENT: u16 = 0x1C12;
const INPUT_ASSIGNMENT: u16 = 0x1C13;

/// Why an object could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectError {
    /// The object.
    pub address: Address,
    /// Why.
    pub error: TransferError,
}

impl fmt::Display for ObjectError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "object {}: {}", self.address, self.error)
    }
}

impl std::error::Error for ObjectError {}

/// The writes that map what a layout of a drive says, and nothing else: first assigned to nothing, then mapped, then
/// assigned.
pub fn mapping(layout: &DeviceLayout) -> Vec<ObjectWrite> {
    let mut writes = Vec::new();
    let mut write = |index, subindex, value: &[u8]| {
        writes.push(ObjectWrite { address: Address::entry(index, subindex), value: value.into() });
    };
    let ways = [(OUTPUT_ASSIGNMENT, OUTPUT_PDO, &layout.outputs), (INPUT_ASSIGNMENT, INPUT_PDO, &layout.inputs)];
    for (assignment, pdo, entries) in ways {
        write(assignment, 0, &[0]);
        let pdos = drive_pdos(entries);
        for (number, entries) in &pdos {
            write(pdo + number, 0, &[0]);
            for (place, entry) in entries.iter().enumerate() {
                let PdoEntry { index, subindex, bits } = *entry;
                let mapped = u32::from(index) << 16 | u32::from(subindex) << 8 | u32::from(bits);
                write(pdo + number, place as u8 + 1, &mapped.to_le_bytes());
            }
            write(pdo + number, 0, &[entries.len() as u8]);
        }
        for (place, (number, _)) in pdos.iter().enumerate() {
            write(assignment, place as u8 + 1, &(pdo + number).to_le_bytes());
        }
        if !pdos.is_empty() {
            write(assignment, 0, &[pdos.len() as u8]);
        }
    }
    writes
}

/// One device's objects.
pub struct Objects<'a, 'w> {
    correspondence: Correspondence<'a, 'w>,
    /// What the device told of by itself meanwhile.
    pub emergencies: Vec<Emergency>,
}

impl<'a, 'w> Objects<'a, 'w> {
    /// Of a device in PREOP or above.
    ///
    /// # Errors
    /// Where its mailboxes are too small or too large.
    pub fn of(dialogue: &'a mut Dialogue<'w>, station: u16, areas: MailboxAreas) -> Result<Objects<'a, 'w>, SizeError> {
        let correspondence = Correspondence::with(dialogue, station, areas)?;
        Ok(Objects { correspondence, emergencies: Vec::new() })
    }

    /// Writes an object, little-endian.
    ///
    /// # Errors
    /// Where the device refuses it, or does not answer.
    pub fn write(&mut self, address: Address, value: &[u8]) -> Result<(), ObjectError> {
        let failed = |error| ObjectError { address, error };
        let mut download = Box::new(Download::new(address, value).map_err(failed)?);
        self.carry_out(&mut *download).map_err(failed)
    }

    /// Reads an object, little-endian.
    ///
    /// # Errors
    /// Where the device refuses it, or does not answer.
    pub fn read(&mut self, address: Address) -> Result<Vec<u8>, ObjectError> {
        let mut upload = Box::new(Upload::new(address));
        self.carry_out(&mut *upload).map_err(|error| ObjectError { address, error })?;
        Ok(upload.data().to_vec())
    }

    fn carry_out(&mut self, transfer: &mut dyn Transfer) -> Result<(), TransferError> {
        self.correspondence.begin(OBJECT_NS);
        // Bounded by the patience with the device.
        loop {
            match self.correspondence.step(transfer) {
                Report::Done => return Ok(()),
                Report::Failed(error) => return Err(error),
                Report::Aside(Aside::Emergency(emergency)) if self.emergencies.len() < EMERGENCIES => {
                    self.emergencies.push(emergency);
                }
                _ => {}
            }
        }
    }
}
