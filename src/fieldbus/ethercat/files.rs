//! A device's files, read and written through its mailbox while no cycle runs (FoE): parameters, logs, firmware.

use super::correspondence::Correspondence;
use super::dialogue::Dialogue;
use super::mailbox::exchange::SizeError;
use super::mailbox::{FileName, FileRead, FileWrite, Report, TransferError};
use super::sii::MailboxAreas;
use crate::limits::MAX_FILE_BYTES;

/// How long one file may take altogether, nanoseconds: firmware of some megabytes, at a device that erases between.
const FILE_NS: u64 = 3_600_000_000_000;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many bytes are over.
    Bytes(u64),
    /// The device is busy with what it does, so much of so much; the latter is 0 where it does not say.
    Busy(u16, u16),
}

/// One device's files.
pub struct Files<'a, 'w> {
    correspondence: Correspondence<'a, 'w>,
    areas: MailboxAreas,
}

impl<'a, 'w> Files<'a, 'w> {
    /// Of a device whose mailboxes these are, and are on.
    ///
    /// # Errors
    /// Where they are too small or too large.
    pub fn of(dialogue: &'a mut Dialogue<'w>, station: u16, areas: MailboxAreas) -> Result<Files<'a, 'w>, SizeError> {
        Ok(Files { correspondence: Correspondence::with(dialogue, station, areas)?, areas })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Where the device refuses, does not answer, or has more than `MAX_FILE_BYTES`.
    pub fn read(
        &mut self,
        name: FileName,
        password: u32,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<u8>, TransferError> {
        let mut read = Box::new(FileRead::new(name, password, self.areas.send.length.into(), MAX_FILE_BYTES));
        let mut content = Vec::new();
        self.correspondence.begin(FILE_NS);
        // Bounded by the size of a file, and by the patience with the device.
        loop {
            let report = self.correspondence.step(&mut *read);
            if matches!(report, Report::Progress | Report::Done)
                && let Some(packet) = read.packet()
            {
                content.extend_from_slice(packet);
                read.release();
                progress(Progress::Bytes(content.len() as u64));
            }
            match report {
                Report::Done => return Ok(content),
                Report::Failed(error) => return Err(error),
                Report::Busy(busy) => progress(Progress::Busy(busy.done, busy.entire)),
                _ => {}
            }
        }
    }

    /// Writes a file.
    ///
    /// # Errors
    /// Where the device refuses, or does not answer.
    pub fn write(
        &mut self,
        name: FileName,
        password: u32,
        content: &[u8],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), TransferError> {
        let mut write = Box::new(FileWrite::new(name, password, self.areas.receive.length.into()));
        let mut rest = content;
        self.correspondence.begin(FILE_NS);
        // Bounded by the size of the file, and by the patience with the device.
        loop {
            rest = &rest[write.give(rest)..];
            if rest.is_empty() {
                write.finish();
            }
            match self.correspondence.step(&mut *write) {
                Report::Done => return Ok(()),
                Report::Failed(error) => return Err(error),
                Report::Progress => progress(Progress::Bytes(write.total())),
                Report::Busy(busy) => progress(Progress::Busy(busy.done, busy.entire)),
                _ => {}
            }
        }
    }
}
