//! Writing an object: expedited, in one mailbox, or in segments (ETG.1000.6, CiA 301).
//!
//! ```text
//! Start ─value─► First ─► over                       all of it went with the request
//!                  └─► Send ─segment─► Segment ─► over    or in as many segments as it takes
//!                        ▲                │
//!                        └────────────────┘
//! ```

use super::bytes::Reader;
use super::frame::{self, HEADER_BYTES, Protocol};
use super::sdo::{AbortCode, Address, LAST_SEGMENT, SHORTEST_SEGMENT, Service, TOGGLE, answer, put_abort};
use super::transfer::{Aside, Silence, Step, Transfer, TransferError};
use super::upload::{Answer, answer_of};
use crate::limits::{MAX_MAILBOX_BYTES, MAX_SDO_BYTES};

/// Bytes of a message with a value before the value: CoE header, command, index, subindex, size.
const BEFORE_VALUE: usize = HEADER_BYTES + 10;
/// The same of a segment: CoE header, command.
const BEFORE_SEGMENT: usize = HEADER_BYTES + 3;

/// The writing of one object.
#[derive(Clone, Debug)]
pub struct Download {
    address: Address,
    state: State,
    toggle: bool,
    /// Bytes that the device has confirmed or that are on their way to it.
    sent: usize,
    length: usize,
    /// An answer that did not match, for when nothing better comes.
    stray: Option<TransferError>,
    data: [u8; MAX_SDO_BYTES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// Waiting for the answer to the request.
    First,
    Send,
    /// Waiting for the confirmation of a segment.
    Segment,
    /// The device is still to be told that the transfer is off.
    Abort(AbortCode),
    Over,
}

impl Download {
    /// Writes `value`, little-endian, to the object at `address`. Fails with [`TransferError::TooLarge`] above
    /// [`MAX_SDO_BYTES`].
    pub fn new(address: Address, value: &[u8]) -> Result<Download, TransferError> {
        let mut data = [0; MAX_SDO_BYTES];
        let Some(place) = data.get_mut(..value.len()) else {
            return Err(TransferError::TooLarge { bytes: value.len() as u64, room: MAX_SDO_BYTES as u64 });
        };
        place.copy_from_slice(value);
        Ok(Download { address, state: State::Start, toggle: false, sent: 0, length: value.len(), stray: None, data })
    }

    /// What is written.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The value that is written.
    pub fn data(&self) -> &[u8] {
        self.data.get(..self.length).unwrap_or_default()
    }

    /// The next part of the value, at most `room` bytes of it.
    fn part(&self, room: usize) -> &[u8] {
        let rest = self.data().get(self.sent..).unwrap_or_default();
        rest.get(..room).unwrap_or(rest)
    }

    fn fail(&mut self, error: TransferError, code: AbortCode) -> Step {
        self.state = State::Abort(code);
        Step::Failed(error)
    }

    fn stray(&mut self, error: TransferError) -> Step {
        self.stray = Some(error);
        Step::NotForUs(Aside::Late)
    }

    fn start(&mut self, out: &mut [u8]) -> Option<usize> {
        let (address, size) = (self.address, self.length as u32);
        // With complete access the value goes in the long form, whatever its length: every device knows that one.
        if (1..=4).contains(&self.length) && !address.complete {
            let mut value = [0; 4];
            value.get_mut(..self.length)?.copy_from_slice(self.data());
            let length = frame::write(out, Protocol::Can, |writer| {
                writer.u16(Service::SdoRequest.header());
                writer.u8(0x23 | (4 - size as u8) << 2);
                address.put(writer);
                writer.bytes(&value);
            })?;
            self.sent = self.length;
            return Some(length);
        }
        let room = out.len().min(MAX_MAILBOX_BYTES).checked_sub(BEFORE_VALUE)?;
        let part = self.part(room);
        let length = frame::write(out, Protocol::Can, |writer| {
            writer.u16(Service::SdoRequest.header());
            writer.u8(0x21 | address.flag());
            address.put(writer);
            writer.u32(size);
            writer.bytes(part);
        })?;
        self.sent += part.len();
        Some(length)
    }

    fn segment(&mut self, out: &mut [u8]) -> Option<usize> {
        let room = out.len().min(MAX_MAILBOX_BYTES).checked_sub(BEFORE_SEGMENT)?;
        // A segment brings the end nearer: this bounds their number.
        if room < SHORTEST_SEGMENT {
            return None;
        }
        let part = self.part(room);
        let padding = SHORTEST_SEGMENT.saturating_sub(part.len());
        let last = if self.sent + part.len() == self.length { LAST_SEGMENT } else { 0 };
        let command = u8::from(self.toggle) << 4 | (padding as u8) << 1 | last;
        let length = frame::write(out, Protocol::Can, |writer| {
            writer.u16(Service::SdoRequest.header());
            writer.u8(command);
            writer.bytes(part);
            for _ in 0..padding {
                writer.u8(0);
            }
        })?;
        self.sent += part.len();
        Some(length)
    }

    fn confirmed(&mut self) -> Step {
        let done = self.sent == self.length;
        self.state = if done { State::Over } else { State::Send };
        if done { Step::Done } else { Step::Continue }
    }

    fn first_answer(&mut self, body: &[u8]) -> Step {
        let mut reader = Reader::new(body);
        let (Some(command), Some(index), Some(subindex)) = (reader.u8(), reader.u16(), reader.u8()) else {
            return self.fail(TransferError::CutOff { bytes: body.len() }, AbortCode::GENERAL);
        };
        if !self.address.matches(index, subindex) {
            return self.stray(TransferError::Object { asked: self.address, index, subindex });
        }
        if command >> 5 != answer::DOWNLOAD {
            return self.stray(TransferError::Command { received: command });
        }
        self.confirmed()
    }

    fn segment_answer(&mut self, body: &[u8]) -> Step {
        let Some(&command) = body.first() else {
            return self.fail(TransferError::CutOff { bytes: 0 }, AbortCode::GENERAL);
        };
        if command >> 5 != answer::DOWNLOAD_SEGMENT {
            return self.stray(TransferError::Command { received: command });
        }
        if (command & TOGGLE != 0) != self.toggle {
            return self.fail(TransferError::Toggle, AbortCode::TOGGLE);
        }
        self.toggle = !self.toggle;
        self.confirmed()
    }
}

impl Transfer for Download {
    fn next(&mut self, out: &mut [u8]) -> Option<usize> {
        let address = self.address;
        let (length, next) = match self.state {
            State::Start => (self.start(out), State::First),
            State::Send => (self.segment(out), State::Segment),
            State::Abort(code) => {
                (frame::write(out, Protocol::Can, |writer| put_abort(writer, address, code)), State::Over)
            }
            State::First | State::Segment | State::Over => (None, self.state),
        };
        if length.is_some() {
            self.state = next;
        }
        length
    }

    fn take(&mut self, mailbox: &[u8]) -> Step {
        let waiting = matches!(self.state, State::First | State::Segment);
        match answer_of(mailbox, waiting, self.address, self.state == State::Segment) {
            Ok(body) if self.state == State::Segment => self.segment_answer(body),
            Ok(body) => self.first_answer(body),
            Err(Answer::Stray(error)) => self.stray(error),
            Err(Answer::Step(Step::Failed(error))) => {
                self.state = State::Over;
                Step::Failed(error)
            }
            Err(Answer::Step(step)) => step,
        }
    }

    fn abandon(&mut self, silence: Silence) -> TransferError {
        // A device that was never asked need not be told.
        let asked = self.state != State::Start;
        self.state = if asked { State::Abort(AbortCode::TIMEOUT) } else { State::Over };
        self.stray.filter(|_| silence == Silence::NoAnswer).unwrap_or(TransferError::Silent(silence))
    }
}
