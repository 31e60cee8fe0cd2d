//! Writing a file to a device.
//!
//! ```text
//! Start ─name─► First ─0 acknowledged─► Fill ─packet─► Wait ─acknowledged─► Fill …
//!                                                       └─last one acknowledged─► over
//! ```

use super::{BEFORE_DATA, Busy, FileErrorCode, FileName, MAX_PACKET_BYTES, Packet, put, put_error};
use crate::fieldbus::ethercat::mailbox::bytes::append;
use crate::fieldbus::ethercat::mailbox::frame::Protocol;
use crate::fieldbus::ethercat::mailbox::transfer::{Silence, Step, Transfer, TransferError, open};
use crate::limits::MAX_BUSY_ANSWERS;

/// The writing of one file, whose bytes the caller gives as they are wanted: as many as [`FileWrite::give`] takes, and
/// [`FileWrite::finish`] behind the last.
#[derive(Clone, Debug)]
pub struct FileWrite {
    name: FileName,
    password: u32,
    /// Data of a full packet: one with less is the last.
    full: usize,
    state: State,
    finished: bool,
    number: u32,
    total: u64,
    busy: u32,
    length: usize,
    packet: [u8; MAX_PACKET_BYTES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// Waiting for the device to agree.
    First,
    /// A packet is being filled, or to be sent again.
    Fill,
    /// Waiting for the acknowledgement of a packet.
    Wait,
    /// The device is still to be told that the transfer is off.
    Refuse(FileErrorCode),
    Over,
}

impl FileWrite {
    /// Writes a file under `name`. `receive_mailbox` are the bytes of the device's receive mailbox.
    pub fn new(name: FileName, password: u32, receive_mailbox: usize) -> FileWrite {
        FileWrite {
            name,
            password,
            full: receive_mailbox.saturating_sub(BEFORE_DATA).clamp(1, MAX_PACKET_BYTES),
            state: State::Start,
            finished: false,
            number: 1,
            total: 0,
            busy: 0,
            length: 0,
            packet: [0; MAX_PACKET_BYTES],
        }
    }

    /// Takes bytes of the file, in order, and says how many: until the packet is full. The rest is to be given again.
    pub fn give(&mut self, bytes: &[u8]) -> usize {
        let filling = matches!(self.state, State::Start | State::First | State::Fill) && !self.finished;
        let room = if filling { self.full.saturating_sub(self.length) } else { 0 };
        let taken = bytes.get(..room).unwrap_or(bytes);
        let Some(length) = append(&mut self.packet, self.length, taken) else { return 0 };
        self.length = length;
        taken.len()
    }

    /// All bytes were given.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Bytes of the file that the device has acknowledged.
    pub fn total(&self) -> u64 {
        self.total
    }

    fn fail(&mut self, error: TransferError, code: FileErrorCode) -> Step {
        self.state = State::Refuse(code);
        Step::Failed(error)
    }

    fn over(&mut self, error: TransferError) -> Step {
        self.state = State::Over;
        Step::Failed(error)
    }

    fn acknowledged(&mut self, number: u32) -> Step {
        let first = self.state == State::First;
        let expected = if first { 0 } else { self.number };
        if number != expected {
            return self.fail(TransferError::Packet { expected, received: number }, FileErrorCode::PACKET);
        }
        self.busy = 0;
        self.state = State::Fill;
        if first {
            return Step::Continue;
        }
        let last = self.length < self.full;
        self.total = self.total.saturating_add(self.length as u64);
        self.number = self.number.wrapping_add(1);
        self.length = 0;
        if last {
            self.state = State::Over;
            return Step::Done;
        }
        Step::Continue
    }

    fn busy(&mut self, busy: Busy) -> Step {
        self.busy += 1;
        if self.busy > MAX_BUSY_ANSWERS {
            return self.fail(TransferError::StillBusy, FileErrorCode::ILLEGAL);
        }
        // What it had no time for is sent again.
        self.state = if self.state == State::First { State::Start } else { State::Fill };
        Step::Busy(busy)
    }
}

impl Transfer for FileWrite {
    fn next(&mut self, out: &mut [u8]) -> Option<usize> {
        let (length, next) = match self.state {
            State::Start => (put(out, 2, self.password, self.name.bytes()), State::First),
            State::Fill if self.finished || self.length == self.full => {
                (put(out, 3, self.number, self.packet.get(..self.length)?), State::Wait)
            }
            State::Refuse(code) => (put_error(out, code), State::Over),
            State::Fill | State::First | State::Wait | State::Over => (None, self.state),
        };
        if length.is_some() {
            self.state = next;
        }
        length
    }

    fn take(&mut self, mailbox: &[u8]) -> Step {
        let waiting = matches!(self.state, State::First | State::Wait);
        let body = match open(mailbox, Protocol::File, waiting) {
            Ok(body) => body,
            Err(Step::Failed(error)) => return self.over(error),
            Err(step) => return step,
        };
        match Packet::decode(body) {
            Ok(Packet::Acknowledge { number }) => self.acknowledged(number),
            Ok(Packet::Error { code, words }) => self.over(TransferError::File { code, words }),
            Ok(Packet::Busy(busy)) => self.busy(busy),
            Ok(Packet::Data { .. }) => self.fail(TransferError::Command { received: 3 }, FileErrorCode::ILLEGAL),
            Ok(Packet::Unknown(received)) => self.fail(TransferError::Command { received }, FileErrorCode::ILLEGAL),
            Err(error) => self.fail(error, FileErrorCode::ILLEGAL),
        }
    }

    fn abandon(&mut self, silence: Silence) -> TransferError {
        // A device that was never asked need not be told.
        let asked = self.state != State::Start;
        self.state = if asked { State::Refuse(FileErrorCode::ILLEGAL) } else { State::Over };
        TransferError::Silent(silence)
    }
}
