//! Reading an object.
//!
//! ```text
//! Start ─ask─► First ─► over                     the value stood in the answer
//!                ├─► Fetch ─ask─► Segment ─► …    in segments, each asked for
//!                └─► Begin ─ask─► Block ─► Acknowledge ─► … ─► End ─► Confirm    in blocks of up to 127
//! ```

use super::command::{
    self, ANSWER_BLOCK_UPLOAD, ANSWER_UPLOAD, ANSWER_UPLOAD_SEGMENT, BLOCK_ACKNOWLEDGE, BLOCK_END, BLOCK_SIZE_GIVEN,
    BLOCK_START, BLOCK_UPLOAD, CHECKSUM, EXPEDITED, LAST, LAST_OF_BLOCK, LONGEST_BLOCK, PROTOCOL_SWITCH, SEGMENT,
    SIZE_GIVEN, SPECIFIER, TOGGLE, UPLOAD, UPLOAD_SEGMENT,
};
use super::transfer::{Bytes, Step, Transfer, TransferError};
use crate::fieldbus::sdo::{AbortCode, Address};
use crate::limits::MAX_SDO_BYTES;

/// What a value takes while it comes: a block's last segment is filled up, which is taken off at its end.
const ROOM: usize = MAX_SDO_BYTES + 6;

/// The reading of one object.
#[derive(Clone, Debug)]
pub struct Upload {
    address: Address,
    in_blocks: bool,
    state: State,
    toggle: bool,
    announced: Option<u32>,
    checks: bool,
    /// Segments of the block that have come.
    sequence: u8,
    length: usize,
    data: [u8; ROOM],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    First,
    Fetch,
    Segment,
    Begin,
    Block,
    Acknowledge { last: bool },
    End,
    Confirm,
    Abort(AbortCode),
    Over,
}

impl Upload {
    /// Reads the object at `address`, in blocks where that is wanted and the node has more than a few bytes. A node that knows
    /// no blocks aborts that.
    pub const fn new(address: Address, in_blocks: bool) -> Upload {
        Upload {
            address,
            in_blocks,
            state: State::Start,
            toggle: false,
            announced: None,
            checks: false,
            sequence: 0,
            length: 0,
            data: [0; ROOM],
        }
    }

    /// The value, little-endian; whole once the transfer is done.
    pub fn data(&self) -> &[u8] {
        self.data.get(..self.length).unwrap_or_default()
    }

    /// Reads another object, in segments where it takes them.
    pub fn ask(&mut self, address: Address) {
        self.address = address;
        self.restart(false);
    }

    /// Begins anew, in another way.
    pub fn restart(&mut self, in_blocks: bool) {
        (self.in_blocks, self.state, self.toggle, self.announced) = (in_blocks, State::Start, false, None);
        (self.checks, self.sequence, self.length) = (false, 0, 0);
    }

    fn fail(&mut self, error: TransferError, code: AbortCode) -> Step {
        self.state = State::Abort(code);
        Step::Failed(error)
    }

    fn garbled(&mut self, frame: &Bytes) -> Step {
        self.fail(TransferError::Command { received: frame[0] }, AbortCode::COMMAND)
    }

    /// The node says how long the value is.
    fn announce(&mut self, bytes: u32) -> Result<(), Step> {
        self.announced = Some(bytes);
        if u64::from(bytes) <= MAX_SDO_BYTES as u64 {
            return Ok(());
        }
        let error = TransferError::TooLarge { bytes: bytes.into(), room: MAX_SDO_BYTES as u64 };
        Err(self.fail(error, AbortCode::MEMORY))
    }

    fn first(&mut self, frame: &Bytes) -> Step {
        let (index, subindex) = command::object(frame);
        if !self.address.matches(index, subindex) {
            // It may be an answer to something that was given up.
            return Step::NotForUs;
        }
        match frame[0] & SPECIFIER {
            ANSWER_UPLOAD if frame[0] & EXPEDITED != 0 => {
                let unused = if frame[0] & SIZE_GIVEN != 0 { frame[0] >> 2 & 3 } else { 0 };
                match self.put(&frame[4..8 - usize::from(unused)]) {
                    Ok(()) => self.done(),
                    Err(step) => step,
                }
            }
            ANSWER_UPLOAD => {
                if frame[0] & SIZE_GIVEN != 0
                    && let Err(step) = self.announce(command::number(frame))
                {
                    return step;
                }
                self.state = State::Fetch;
                Step::Continue
            }
            ANSWER_BLOCK_UPLOAD if self.in_blocks && frame[0] & 1 == 0 => {
                if frame[0] & BLOCK_SIZE_GIVEN != 0
                    && let Err(step) = self.announce(command::number(frame))
                {
                    return step;
                }
                self.checks = frame[0] & CHECKSUM != 0;
                self.state = State::Begin;
                Step::Continue
            }
            _ => self.garbled(frame),
        }
    }

    fn segment(&mut self, frame: &Bytes) -> Step {
        if frame[0] & SPECIFIER != ANSWER_UPLOAD_SEGMENT {
            return self.garbled(frame);
        }
        if (frame[0] & TOGGLE != 0) != self.toggle {
            return self.fail(TransferError::Toggle, AbortCode::TOGGLE);
        }
        self.toggle = !self.toggle;
        let (unused, last) = (usize::from(frame[0] >> 1 & 7), frame[0] & LAST != 0);
        // Each segment brings the end nearer: this bounds their number.
        if unused == SEGMENT && !last {
            return self.fail(TransferError::EmptySegment, AbortCode::GENERAL);
        }
        if let Err(step) = self.put(&frame[1..8 - unused]) {
            return step;
        }
        if last {
            return self.whole();
        }
        self.state = State::Fetch;
        Step::Continue
    }

    /// One segment of a block. One that is out of turn is not taken: the acknowledgement asks for it again.
    fn block(&mut self, frame: &Bytes) -> Step {
        let (number, last) = (frame[0] & !LAST_OF_BLOCK, frame[0] & LAST_OF_BLOCK != 0);
        if number == 0 || number > LONGEST_BLOCK {
            return self.fail(TransferError::Block { received: number }, AbortCode::SEQUENCE);
        }
        let in_turn = number == self.sequence + 1;
        if in_turn {
            self.sequence = number;
            if let Err(step) = self.put(&frame[1..]) {
                return step;
            }
        }
        if last || number == LONGEST_BLOCK {
            self.state = State::Acknowledge { last: last && in_turn };
        }
        Step::Continue
    }

    fn end(&mut self, frame: &Bytes) -> Step {
        if frame[0] & (SPECIFIER | 3) != ANSWER_BLOCK_UPLOAD | BLOCK_END {
            return self.garbled(frame);
        }
        let unused = usize::from(frame[0] >> 2 & 7);
        self.length = self.length.saturating_sub(unused);
        let (computed, received) = (command::checksum(self.data()), u16::from_le_bytes([frame[1], frame[2]]));
        if self.checks && computed != received {
            return self.fail(TransferError::Checksum { computed, received }, AbortCode::CHECKSUM);
        }
        let step = self.whole();
        if step == Step::Done {
            self.state = State::Confirm;
        }
        step
    }

    fn put(&mut self, data: &[u8]) -> Result<(), Step> {
        let end = self.length + data.len();
        let Some(place) = self.data.get_mut(self.length..end) else {
            let error = TransferError::TooLarge { bytes: end as u64, room: MAX_SDO_BYTES as u64 };
            return Err(self.fail(error, AbortCode::MEMORY));
        };
        place.copy_from_slice(data);
        self.length = end;
        Ok(())
    }

    fn whole(&mut self) -> Step {
        if self.length > MAX_SDO_BYTES {
            let error = TransferError::TooLarge { bytes: self.length as u64, room: MAX_SDO_BYTES as u64 };
            return self.fail(error, AbortCode::MEMORY);
        }
        let received = self.length as u32;
        match self.announced {
            Some(announced) if announced != received => {
                let code = if received > announced { AbortCode::TOO_LONG } else { AbortCode::TOO_SHORT };
                self.fail(TransferError::Length { announced, received }, code)
            }
            _ => self.done(),
        }
    }

    fn done(&mut self) -> Step {
        self.state = State::Over;
        Step::Done
    }
}

impl Transfer for Upload {
    fn next(&mut self) -> Option<Bytes> {
        let address = self.address;
        let (frame, state) = match self.state {
            State::Start if self.in_blocks => {
                let last = [LONGEST_BLOCK, PROTOCOL_SWITCH, 0, 0];
                (command::about(BLOCK_UPLOAD | CHECKSUM, address, last), State::First)
            }
            State::Start => (command::about(UPLOAD, address, [0; 4]), State::First),
            State::Fetch => ([UPLOAD_SEGMENT | u8::from(self.toggle) << 4, 0, 0, 0, 0, 0, 0, 0], State::Segment),
            State::Begin => {
                self.sequence = 0;
                ([BLOCK_UPLOAD | BLOCK_START, 0, 0, 0, 0, 0, 0, 0], State::Block)
            }
            State::Acknowledge { last } => {
                let taken = std::mem::take(&mut self.sequence);
                let frame = [BLOCK_UPLOAD | BLOCK_ACKNOWLEDGE, taken, LONGEST_BLOCK, 0, 0, 0, 0, 0];
                (frame, if last { State::End } else { State::Block })
            }
            State::Confirm => ([BLOCK_UPLOAD | BLOCK_END, 0, 0, 0, 0, 0, 0, 0], State::Over),
            State::Abort(code) => (command::abort(address, code), State::Over),
            State::First | State::Segment | State::Block | State::End | State::Over => return None,
        };
        self.state = state;
        Some(frame)
    }

    fn take(&mut self, frame: &Bytes) -> Step {
        let waits = matches!(self.state, State::First | State::Segment | State::Block | State::End);
        if !waits {
            return Step::NotForUs;
        }
        // In a block the first byte is a number, and 80h would be a segment of number 0.
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
            State::Segment => self.segment(frame),
            State::Block => self.block(frame),
            _ => self.end(frame),
        }
    }

    fn abandon(&mut self) -> TransferError {
        let asked = self.state != State::Start && self.state != State::Over;
        self.state = if asked { State::Abort(AbortCode::TIMEOUT) } else { State::Over };
        TransferError::Silent
    }
}
