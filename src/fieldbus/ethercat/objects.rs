//! The objects of one device, read and written through its mailbox before the cycle runs.

use std::fmt;

use super::datagram::{Command, Target};
use super::dialogue::Dialogue;
use super::mailbox::client::PATIENCE;
use super::mailbox::exchange::{SEND_ACTIVATE, SEND_PDI_CONTROL, SEND_STATUS, SizeError};
use super::mailbox::{
    Access, Address, Aside, Client, Download, Emergency, Report, Sizes, Transfer, TransferError, Upload, Wanted,
};
use super::sii::MailboxAreas;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
use crate::limits::MAX_MAILBOX_BYTES;

/// How long one object may take altogether, nanoseconds.
const OBJECT_NS: u64 = 30_000_000_000;
/// Between two looks for an answer, nanoseconds.
const LOOK_NS: u64 = 200_000;
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

/// One device's objects.
pub struct Objects<'a, 'w> {
    dialogue: &'a mut Dialogue<'w>,
    station: u16,
    areas: MailboxAreas,
    client: Box<Client>,
    /// What the device told of by itself meanwhile.
    pub emergencies: Vec<Emergency>,
}

impl<'a, 'w> Objects<'a, 'w> {
    /// Of a device in PREOP or above.
    ///
    /// # Errors
    /// Where its mailboxes are too small or too large.
    pub fn of(dialogue: &'a mut Dialogue<'w>, station: u16, areas: MailboxAreas) -> Result<Objects<'a, 'w>, SizeError> {
        let sizes = Sizes::new(areas.receive.length, areas.send.length)?;
        let client = Box::new(Client::new(sizes, PATIENCE, 0));
        Ok(Objects { dialogue, station, areas, client, emergencies: Vec::new() })
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

    /// Maps what a layout says, and nothing else: first assigned to nothing, then mapped, then assigned.
    ///
    /// # Errors
    /// Where the device refuses one of it.
    pub fn map(&mut self, layout: &DeviceLayout) -> Result<(), ObjectError> {
        let ways = [(OUTPUT_ASSIGNMENT, OUTPUT_PDO, &layout.outputs), (INPUT_ASSIGNMENT, INPUT_PDO, &layout.inputs)];
        for (assignment, pdo, entries) in ways {
            self.write(Address::entry(assignment, 0), &[0])?;
            if entries.is_empty() {
                continue;
            }
            self.write(Address::entry(pdo, 0), &[0])?;
            for (number, entry) in entries.iter().enumerate() {
                let PdoEntry { index, subindex, bits } = *entry;
                let mapped = u32::from(index) << 16 | u32::from(subindex) << 8 | u32::from(bits);
                self.write(Address::entry(pdo, number as u8 + 1), &mapped.to_le_bytes())?;
            }
            self.write(Address::entry(pdo, 0), &[entries.len() as u8])?;
            self.write(Address::entry(assignment, 1), &pdo.to_le_bytes())?;
            self.write(Address::entry(assignment, 0), &[1])?;
        }
        Ok(())
    }

    fn carry_out(&mut self, transfer: &mut dyn Transfer) -> Result<(), TransferError> {
        // Nothing else was begun: this object is the client's only one.
        let _ = self.client.begin(self.dialogue.now_ns(), OBJECT_NS);
        let mut buffer = [0; MAX_MAILBOX_BYTES];
        let mut happened = Happened::Nothing;
        // Bounded by the patience of the client.
        loop {
            let access = happened.access(&buffer);
            let turn = self.client.step(Some(transfer), access, self.dialogue.now_ns());
            match turn.report {
                Report::Done => return Ok(()),
                Report::Failed(error) => return Err(error),
                Report::Aside(Aside::Emergency(emergency)) if self.emergencies.len() < EMERGENCIES => {
                    self.emergencies.push(emergency);
                }
                _ => {}
            }
            happened = self.send(turn.wanted, &mut buffer);
            if matches!(happened, Happened::Byte(0) | Happened::Nothing | Happened::Refused) {
                self.dialogue.pause(LOOK_NS);
            }
        }
    }

    fn send(&mut self, wanted: Wanted, buffer: &mut [u8; MAX_MAILBOX_BYTES]) -> Happened {
        let (command, register, length) = match wanted {
            Wanted::Nothing => return Happened::Nothing,
            Wanted::WriteMailbox(length) => {
                buffer[..length].copy_from_slice(self.client.outgoing());
                (Command::Fpwr, self.areas.receive.start, length)
            }
            Wanted::PollStatus => (Command::Fprd, SEND_STATUS, 1),
            Wanted::ReadMailbox(length) => (Command::Fprd, self.areas.send.start, length),
            Wanted::AskRepeat(value) => {
                buffer[0] = value;
                (Command::Fpwr, SEND_ACTIVATE, 1)
            }
            Wanted::ReadRepeatAcknowledge => (Command::Fprd, SEND_PDI_CONTROL, 1),
        };
        let asked = self.dialogue.ask(command, Target::Station(self.station, register), &mut buffer[..length]);
        match (asked, wanted) {
            (Err(_), _) => Happened::Lost,
            (Ok(0), _) => Happened::Refused,
            (Ok(_), Wanted::ReadMailbox(length)) => Happened::Mailbox(length),
            (Ok(_), Wanted::PollStatus | Wanted::ReadRepeatAcknowledge) => Happened::Byte(buffer[0]),
            (Ok(_), _) => Happened::Written,
        }
    }
}

/// What became of the last datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happened {
    Nothing,
    Lost,
    Refused,
    Written,
    Byte(u8),
    /// So many bytes of the buffer.
    Mailbox(usize),
}

impl Happened {
    fn access(self, buffer: &[u8]) -> Option<Access<'_>> {
        match self {
            Happened::Nothing => None,
            Happened::Lost => Some(Access::Lost),
            Happened::Refused => Some(Access::Refused),
            Happened::Written => Some(Access::Written),
            Happened::Byte(byte) => Some(Access::Byte(byte)),
            Happened::Mailbox(length) => buffer.get(..length).map(Access::Mailbox),
        }
    }
}
