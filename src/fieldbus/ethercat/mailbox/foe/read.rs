//! Reading a file from a device.
//!
//! ```text
//! Start ─name─► Wait ─packet─► Chunk ─release─► Acknowledge ─► Wait …
//!                 └─last packet─► LastWord ─► over
//! ```

use super::{BEFORE_DATA, FileErrorCode, FileName, MAX_PACKET_BYTES, Packet, put, put_error};
use crate::fieldbus::ethercat::mailbox::bytes::append;
use crate::fieldbus::ethercat::mailbox::frame::Protocol;
use crate::fieldbus::ethercat::mailbox::transfer::{Silence, Step, Transfer, TransferError, open};
use crate::limits::MAX_BUSY_ANSWERS;

/// The reading of one file. Each packet is the caller's to store ([`FileRead::packet`]) before the next is asked for
/// ([`FileRead::release`]); the last one stays readable after the end.
#[derive(Clone, Debug)]
pub struct FileRead {
    name: FileName,
    password: u32,
    /// Data of a full packet: one with less is the last.
    full: usize,
    /// Bytes of the whole file that are taken.
    limit: u64,
    state: State,
    number: u32,
    total: u64,
    busy: u32,
    length: usize,
    packet: [u8; MAX_PACKET_BYTES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// Waiting for a packet.
    Wait,
    /// The caller has a packet to store.
    Chunk,
    Acknowledge,
    /// The last packet is still to be acknowledged.
    LastWord,
    /// The device is still to be told that the transfer is off.
    Refuse(FileErrorCode),
    Over,
}

impl FileRead {
    /// Reads the file `name`. `send_mailbox` are the bytes of the device's send mailbox, which tell the last packet from
    /// the others; a file of more than `limit` bytes is refused.
    pub fn new(name: FileName, password: u32, send_mailbox: usize, limit: u64) -> FileRead {
        FileRead {
            name,
            password,
            full: send_mailbox.saturating_sub(BEFORE_DATA).clamp(1, MAX_PACKET_BYTES),
            limit,
            state: State::Start,
            number: 0,
            total: 0,
            busy: 0,
            length: 0,
            packet: [0; MAX_PACKET_BYTES],
        }
    }

    /// The packet that came last, until it is released.
    pub fn packet(&self) -> Option<&[u8]> {
        let there =
            matches!(self.state, State::Chunk | State::LastWord) || self.state == State::Over && self.length > 0;
        if there { self.packet.get(..self.length) } else { None }
    }

    /// The packet is stored; the next one may come.
    pub fn release(&mut self) {
        self.length = 0;
        if self.state == State::Chunk {
            self.state = State::Acknowledge;
        }
    }

    /// Bytes of the file that have come so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    fn fail(&mut self, error: TransferError, code: FileErrorCode) -> Step {
        self.length = 0;
        self.state = State::Refuse(code);
        Step::Failed(error)
    }

    fn over(&mut self, error: TransferError) -> Step {
        self.length = 0;
        self.state = State::Over;
        Step::Failed(error)
    }

    fn data(&mut self, number: u32, data: &[u8]) -> Step {
        let expected = self.number.wrapping_add(1);
        if number != expected {
            return self.fail(TransferError::Packet { expected, received: number }, FileErrorCode::PACKET);
        }
        let total = self.total.saturating_add(data.len() as u64);
        if total > self.limit {
            return self.fail(TransferError::TooLarge { bytes: total, room: self.limit }, FileErrorCode::DISK_FULL);
        }
        let Some(length) = append(&mut self.packet, 0, data).filter(|length| *length <= self.full) else {
            let error = TransferError::TooLarge { bytes: data.len() as u64, room: self.full as u64 };
            return self.fail(error, FileErrorCode::ILLEGAL);
        };
        (self.number, self.total, self.length, self.busy) = (number, total, length, 0);
        let last = length < self.full;
        self.state = if last { State::LastWord } else { State::Chunk };
        if last { Step::Done } else { Step::Continue }
    }
}

impl Transfer for FileRead {
    fn next(&mut self, out: &mut [u8]) -> Option<usize> {
        let (length, next) = match self.state {
            State::Start => (put(out, 1, self.password, self.name.bytes()), State::Wait),
            State::Acknowledge => (put(out, 4, self.number, &[]), State::Wait),
            State::LastWord => (put(out, 4, self.number, &[]), State::Over),
            State::Refuse(code) => (put_error(out, code), State::Over),
            State::Wait | State::Chunk | State::Over => (None, self.state),
        };
        if length.is_some() {
            self.state = next;
        }
        length
    }

    fn take(&mut self, mailbox: &[u8]) -> Step {
        let body = match open(mailbox, Protocol::File, self.state == State::Wait) {
            Ok(body) => body,
            Err(Step::Failed(error)) => return self.over(error),
            Err(step) => return step,
        };
        match Packet::decode(body) {
            Ok(Packet::Data { number, data }) => self.data(number, data),
            Ok(Packet::Error { code, words }) => self.over(TransferError::File { code, words }),
            Ok(Packet::Busy(busy)) => {
                self.busy += 1;
                if self.busy > MAX_BUSY_ANSWERS {
                    return self.fail(TransferError::StillBusy, FileErrorCode::ILLEGAL);
                }
                // What it had no time for is asked again.
                self.state = if self.number == 0 { State::Start } else { State::Acknowledge };
                Step::Busy(busy)
            }
            Ok(Packet::Acknowledge { .. }) => self.fail(TransferError::Command { received: 4 }, FileErrorCode::ILLEGAL),
            Ok(Packet::Unknown(received)) => self.fail(TransferError::Command { received }, FileErrorCode::ILLEGAL),
            Err(error) => self.fail(error, FileErrorCode::ILLEGAL),
        }
    }

    fn abandon(&mut self, silence: Silence) -> TransferError {
        // A device that was never asked need not be told.
        let asked = self.state != State::Start;
        self.length = 0;
        self.state = if asked { State::Refuse(FileErrorCode::ILLEGAL) } else { State::Over };
        TransferError::Silent(silence)
    }
}
