//! Reading an object: expedited, in one mailbox, or in segments (ETG.1000.6, CiA 301).
//!
//! ```text
//! Start ─ask─► First ─► over                    the value stood in the first answer
//!                └─► Fetch ─ask─► Segment ─► over    or in as many segments as it takes
//!                      ▲             │
//!                      └─────────────┘
//! ```

use super::bytes::{Reader, append};
use super::frame::{self, Protocol};
use super::sdo::{
    AbortCode, Address, EXPEDITED, LAST_SEGMENT, SHORTEST_SEGMENT, SIZE_GIVEN, Service, TOGGLE, answer, put_abort,
};
use super::transfer::{Aside, Silence, Step, Transfer, TransferError, open};
use crate::limits::MAX_SDO_BYTES;

/// The reading of one object.
#[derive(Clone, Debug)]
pub struct Upload {
    address: Address,
    state: State,
    toggle: bool,
    announced: u32,
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
    Fetch,
    /// Waiting for a segment.
    Segment,
    /// The device is still to be told that the transfer is off.
    Abort(AbortCode),
    Over,
}

impl Upload {
    /// Reads the object at `address`.
    pub const fn new(address: Address) -> Upload {
        Upload {
            address,
            state: State::Start,
            toggle: false,
            announced: 0,
            length: 0,
            stray: None,
            data: [0; MAX_SDO_BYTES],
        }
    }

    /// What is read.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The value, little-endian; whole once the transfer is done.
    pub fn data(&self) -> &[u8] {
        self.data.get(..self.length).unwrap_or_default()
    }

    /// How many bytes the device had said that the value has. Some devices end a text before that; it is then for the reader
    /// of the value to judge whether [`Upload::data`] is long enough.
    pub fn announced(&self) -> u32 {
        self.announced
    }

    fn fail(&mut self, error: TransferError, code: AbortCode) -> Step {
        self.state = State::Abort(code);
        Step::Failed(error)
    }

    /// An answer of the right kind to something else: it may have been late, so the wait goes on.
    fn stray(&mut self, error: TransferError) -> Step {
        self.stray = Some(error);
        Step::NotForUs(Aside::Late)
    }

    fn first(&mut self, body: &[u8]) -> Step {
        let mut reader = Reader::new(body);
        let cut_off = TransferError::CutOff { bytes: body.len() };
        let (Some(command), Some(index), Some(subindex)) = (reader.u8(), reader.u16(), reader.u8()) else {
            return self.fail(cut_off, AbortCode::GENERAL);
        };
        if !self.address.matches(index, subindex) {
            return self.stray(TransferError::Object { asked: self.address, index, subindex });
        }
        if command >> 5 != answer::UPLOAD {
            return self.stray(TransferError::Command { received: command });
        }
        if command & EXPEDITED != 0 {
            let unused = if command & SIZE_GIVEN != 0 { command >> 2 & 3 } else { 0 };
            let count = 4 - usize::from(unused);
            let Some(data) = reader.bytes(count) else { return self.fail(cut_off, AbortCode::GENERAL) };
            self.announced = count as u32;
            return self.put(data, true);
        }
        let Some(announced) = reader.u32() else { return self.fail(cut_off, AbortCode::GENERAL) };
        if u64::from(announced) > MAX_SDO_BYTES as u64 {
            let error = TransferError::TooLarge { bytes: announced.into(), room: MAX_SDO_BYTES as u64 };
            return self.fail(error, AbortCode::MEMORY);
        }
        self.announced = announced;
        let data = reader.rest();
        // Bytes behind the value are padding.
        let data = data.get(..announced as usize).unwrap_or(data);
        self.put(data, data.len() == announced as usize)
    }

    fn segment(&mut self, body: &[u8]) -> Step {
        let Some((&command, data)) = body.split_first() else {
            return self.fail(TransferError::CutOff { bytes: 0 }, AbortCode::GENERAL);
        };
        if command >> 5 != answer::UPLOAD_SEGMENT {
            return self.stray(TransferError::Command { received: command });
        }
        if (command & TOGGLE != 0) != self.toggle {
            return self.fail(TransferError::Toggle, AbortCode::TOGGLE);
        }
        let unused = if data.len() <= SHORTEST_SEGMENT { usize::from(command >> 1 & 7) } else { 0 };
        let used = if data.len() <= SHORTEST_SEGMENT { data.len().min(SHORTEST_SEGMENT - unused) } else { data.len() };
        let data = data.get(..used).unwrap_or_default();
        let last = command & LAST_SEGMENT != 0;
        // Each segment brings the end nearer: this bounds their number.
        if data.is_empty() && !last {
            return self.fail(TransferError::EmptySegment, AbortCode::GENERAL);
        }
        self.toggle = !self.toggle;
        self.put(data, last)
    }

    fn put(&mut self, data: &[u8], last: bool) -> Step {
        let end = append(&mut self.data, self.length, data).filter(|end| *end <= self.announced as usize);
        let Some(end) = end else {
            return self.fail(TransferError::TooLong { announced: self.announced }, AbortCode::TOO_LONG);
        };
        self.length = end;
        self.state = if last { State::Over } else { State::Fetch };
        if last { Step::Done } else { Step::Continue }
    }
}

impl Transfer for Upload {
    fn next(&mut self, out: &mut [u8]) -> Option<usize> {
        let (address, toggle) = (self.address, u8::from(self.toggle) << 4);
        let (length, next) = match self.state {
            State::Start => {
                let length = frame::write(out, Protocol::Can, |writer| {
                    writer.u16(Service::SdoRequest.header());
                    writer.u8(0x40 | address.flag());
                    address.put(writer);
                    writer.u32(0);
                });
                (length, State::First)
            }
            State::Fetch => {
                let length = frame::write(out, Protocol::Can, |writer| {
                    writer.u16(Service::SdoRequest.header());
                    writer.u8(0x60 | toggle);
                    writer.bytes(&[0; SHORTEST_SEGMENT]);
                });
                (length, State::Segment)
            }
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
            Ok(body) if self.state == State::Segment => self.segment(body),
            Ok(body) => self.first(body),
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

/// What a mailbox is to a transfer of an SDO where it is not its answer.
pub(super) enum Answer {
    /// Perhaps an answer to an earlier transfer.
    Stray(TransferError),
    /// Nothing of an SDO, or the end.
    Step(Step),
}

/// What follows the CoE header of an SDO response. Aborts about `address` end the transfer; while segments go to and fro
/// there is no other that an abort can be about.
pub(super) fn answer_of(mailbox: &[u8], waiting: bool, address: Address, segments: bool) -> Result<&[u8], Answer> {
    let body = open(mailbox, Protocol::Can, waiting).map_err(Answer::Step)?;
    let Some((service, body)) = Service::split(body) else {
        return Err(Answer::Step(Step::Failed(TransferError::CutOff { bytes: body.len() })));
    };
    let is_abort = body.first().is_some_and(|command| command >> 5 == answer::ABORT);
    match service {
        // Devices send aborts as requests, as the standard has it, or as responses.
        Service::SdoRequest | Service::SdoResponse if is_abort => Err(abort(body, address, segments)),
        Service::SdoResponse => Ok(body),
        service => Err(Answer::Step(Step::NotForUs(Aside::Service(service)))),
    }
}

fn abort(body: &[u8], address: Address, segments: bool) -> Answer {
    let mut reader = Reader::new(body);
    let (_command, index, subindex, code) = (reader.u8(), reader.u16(), reader.u8(), reader.u32());
    let (Some(index), Some(subindex), Some(code)) = (index, subindex, code) else {
        return Answer::Step(Step::Failed(TransferError::CutOff { bytes: body.len() }));
    };
    // Some devices leave the object out.
    if segments || address.matches(index, subindex) || (index, subindex) == (0, 0) {
        Answer::Step(Step::Failed(TransferError::Aborted { code: AbortCode(code) }))
    } else {
        Answer::Stray(TransferError::Object { asked: address, index, subindex })
    }
}
