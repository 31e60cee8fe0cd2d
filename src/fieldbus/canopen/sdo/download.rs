//! Writing an object.
//!
//! ```text
//! Start ─► First ─► over                          the value stood in the request
//!            ├─► Send ─► Segment ─► …              in segments, each confirmed
//!            └─► Block ─► … ─► Acknowledge ─► … ─► Finish ─► End    in blocks of up to 127
//! ```

use super::command::{
    self, ANSWER_BLOCK_DOWNLOAD, ANSWER_DOWNLOAD, ANSWER_DOWNLOAD_SEGMENT, BLOCK_ACKNOWLEDGE, BLOCK_DOWNLOAD,
    BLOCK_END, BLOCK_SIZE_GIVEN, CHECKSUM, DOWNLOAD, EXPEDITED, LAST, LAST_OF_BLOCK, LONGEST_BLOCK, SEGMENT,
    SIZE_GIVEN, SPECIFIER, TOGGLE,
};
use super::transfer::{Bytes, Step, Transfer, TransferError};
use crate::fieldbus::sdo::{AbortCode, Address};
use crate::limits::MAX_SDO_BYTES;

/// The writing of one object.
#[derive(Clone, Debug)]
pub struct Download {
    address: Address,
    in_blocks: bool,
    state: State,
    toggle: bool,
    /// Bytes that the node has confirmed, and in a block those before it.
    confirmed: usize,
    /// Bytes that were sent.
    sent: usize,
    /// Segments in a block, and how many of this one were sent.
    block: u8,
    sequence: u8,
    checks: bool,
    length: usize,
    data: [u8; MAX_SDO_BYTES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    First,
    Send,
    Segment,
    Block,
    Acknowledge,
    Finish,
    End,
    Abort(AbortCode),
    Over,
}

impl Download {
    /// Writes nothing yet: [`Download::set`] says what.
    pub const fn nothing() -> Download {
        Download {
            address: Address::entry(0, 0),
            in_blocks: false,
            state: State::Over,
            toggle: false,
            confirmed: 0,
            sent: 0,
            block: 0,
            sequence: 0,
            checks: false,
            length: 0,
            data: [0; MAX_SDO_BYTES],
        }
    }

    /// Writes `value` to the object at `address`, in blocks where that is wanted and it does not fit one frame.
    ///
    /// # Errors
    /// Where it is too long.
    pub fn new(address: Address, value: &[u8], in_blocks: bool) -> Result<Download, TransferError> {
        let mut download = Download::nothing();
        download.set(address, value, in_blocks)?;
        Ok(download)
    }

    /// The same in place.
    ///
    /// # Errors
    /// As [`Download::new`].
    pub fn set(&mut self, address: Address, value: &[u8], in_blocks: bool) -> Result<(), TransferError> {
        let Some(place) = self.data.get_mut(..value.len()) else {
            return Err(TransferError::TooLarge { bytes: value.len() as u64, room: MAX_SDO_BYTES as u64 });
        };
        place.copy_from_slice(value);
        (self.address, self.length) = (address, value.len());
        self.restart(in_blocks);
        Ok(())
    }

    /// Begins anew, in another way.
    pub fn restart(&mut self, in_blocks: bool) {
        (self.in_blocks, self.state, self.toggle) = (in_blocks && self.length > 4, State::Start, false);
        (self.confirmed, self.sent, self.block, self.sequence, self.checks) = (0, 0, 0, 0, false);
    }

    fn fail(&mut self, error: TransferError, code: AbortCode) -> Step {
        self.state = State::Abort(code);
        Step::Failed(error)
    }

    fn garbled(&mut self, frame: &Bytes) -> Step {
        self.fail(TransferError::Command { received: frame[0] }, AbortCode::COMMAND)
    }

    fn start(&self) -> Bytes {
        let size = self.length as u32;
        if self.in_blocks {
            return command::about(BLOCK_DOWNLOAD | CHECKSUM | BLOCK_SIZE_GIVEN, self.address, size.to_le_bytes());
        }
        if (1..=4).contains(&self.length) {
            let mut value = [0; 4];
            value[..self.length].copy_from_slice(&self.data[..self.length]);
            let unused = (4 - self.length as u8) << 2;
            return command::about(DOWNLOAD | EXPEDITED | SIZE_GIVEN | unused, self.address, value);
        }
        command::about(DOWNLOAD | SIZE_GIVEN, self.address, size.to_le_bytes())
    }

    /// The next part of the value behind a command byte, and how many bytes it is.
    fn part(&self, command: u8) -> (Bytes, usize) {
        let mut frame = [command, 0, 0, 0, 0, 0, 0, 0];
        let part = self.data.get(self.sent..self.length).unwrap_or_default();
        let count = part.len().min(SEGMENT);
        frame[1..1 + count].copy_from_slice(&part[..count]);
        (frame, count)
    }

    fn segment(&mut self) -> Bytes {
        let (mut frame, count) = self.part(u8::from(self.toggle) << 4);
        self.sent += count;
        frame[0] |= ((SEGMENT - count) as u8) << 1;
        if self.sent == self.length {
            frame[0] |= LAST;
        }
        frame
    }

    fn block_segment(&mut self) -> Bytes {
        let (mut frame, count) = self.part(self.sequence + 1);
        self.sequence += 1;
        self.sent += count;
        if self.sent == self.length {
            frame[0] |= LAST_OF_BLOCK;
        }
        frame
    }

    fn first(&mut self, frame: &Bytes) -> Step {
        let (index, subindex) = command::object(frame);
        if !self.address.matches(index, subindex) {
            return Step::NotForUs;
        }
        if self.in_blocks {
            if frame[0] & (SPECIFIER | 3) != ANSWER_BLOCK_DOWNLOAD {
                return self.garbled(frame);
            }
            self.checks = frame[0] & CHECKSUM != 0;
            return self.next_block(frame[4]);
        }
        if frame[0] & SPECIFIER != ANSWER_DOWNLOAD {
            return self.garbled(frame);
        }
        if (1..=4).contains(&self.length) {
            return self.done();
        }
        self.state = State::Send;
        Step::Continue
    }

    fn next_block(&mut self, segments: u8) -> Step {
        if segments == 0 || segments > LONGEST_BLOCK {
            return self.fail(TransferError::Block { received: segments }, AbortCode::BLOCK_SIZE);
        }
        (self.block, self.sequence, self.state) = (segments, 0, State::Block);
        Step::Continue
    }

    fn confirm_segment(&mut self, frame: &Bytes) -> Step {
        if frame[0] & SPECIFIER != ANSWER_DOWNLOAD_SEGMENT {
            return self.garbled(frame);
        }
        if (frame[0] & TOGGLE != 0) != self.toggle {
            return self.fail(TransferError::Toggle, AbortCode::TOGGLE);
        }
        self.toggle = !self.toggle;
        if self.sent == self.length {
            return self.done();
        }
        self.state = State::Send;
        Step::Continue
    }

    fn confirm_block(&mut self, frame: &Bytes) -> Step {
        if frame[0] & (SPECIFIER | 3) != ANSWER_BLOCK_DOWNLOAD | BLOCK_ACKNOWLEDGE {
            return self.garbled(frame);
        }
        let taken = frame[1];
        // A block of which nothing was taken would be sent for ever.
        if taken == 0 || taken > self.sequence {
            return self.fail(TransferError::Block { received: taken }, AbortCode::SEQUENCE);
        }
        self.confirmed = (self.confirmed + SEGMENT * usize::from(taken)).min(self.length);
        self.sent = self.confirmed;
        if self.confirmed == self.length {
            self.state = State::Finish;
            return Step::Continue;
        }
        self.next_block(frame[2])
    }

    fn done(&mut self) -> Step {
        self.state = State::Over;
        Step::Done
    }
}

impl Transfer for Download {
    fn next(&mut self) -> Option<Bytes> {
        let (frame, state) = match self.state {
            State::Start => (self.start(), State::First),
            State::Send => (self.segment(), State::Segment),
            State::Block => {
                let frame = self.block_segment();
                let ends = self.sequence == self.block || self.sent == self.length;
                (frame, if ends { State::Acknowledge } else { State::Block })
            }
            State::Finish => {
                let unused = (SEGMENT - 1 - (self.length + SEGMENT - 1) % SEGMENT) as u8;
                let sum = if self.checks { command::checksum(&self.data[..self.length]) } else { 0 };
                let [low, high] = sum.to_le_bytes();
                ([BLOCK_DOWNLOAD | BLOCK_END | unused << 2, low, high, 0, 0, 0, 0, 0], State::End)
            }
            State::Abort(code) => (command::abort(self.address, code), State::Over),
            State::First | State::Segment | State::Acknowledge | State::End | State::Over => return None,
        };
        self.state = state;
        Some(frame)
    }

    fn take(&mut self, frame: &Bytes) -> Step {
        // Between the segments of a block the node may acknowledge early, or abort.
        let waits =
            matches!(self.state, State::First | State::Segment | State::Block | State::Acknowledge | State::End);
        if !waits {
            return Step::NotForUs;
        }
        if frame[0] == command::ABORT {
            let (index, subindex) = command::object(frame);
            if !self.address.matches(index, subindex) && self.state == State::First {
                return Step::NotForUs;
            }
            self.state = State::Over;
            return Step::Failed(TransferError::Aborted { code: AbortCode(command::number(frame)) });
        }
        match self.state {
            State::First => self.first(frame),
            State::Segment => self.confirm_segment(frame),
            State::Block | State::Acknowledge => self.confirm_block(frame),
            _ if frame[0] & (SPECIFIER | 3) == ANSWER_BLOCK_DOWNLOAD | BLOCK_END => self.done(),
            _ => self.garbled(frame),
        }
    }

    fn abandon(&mut self) -> TransferError {
        let asked = self.state != State::Start && self.state != State::Over;
        self.state = if asked { State::Abort(AbortCode::TIMEOUT) } else { State::Over };
        TransferError::Silent
    }
}
