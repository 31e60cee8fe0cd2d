//! One request and its answer, which may come in fragments.

use super::ListKind;
use crate::fieldbus::ethercat::mailbox::bytes::{Reader, append};
use crate::fieldbus::ethercat::mailbox::frame::{self, Protocol};
use crate::fieldbus::ethercat::mailbox::sdo::{AbortCode, Address, Service};
use crate::fieldbus::ethercat::mailbox::transfer::{Aside, Silence, Step, Transfer, TransferError, open};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    List(ListKind),
    Object { index: u16 },
    Entry { index: u16, subindex: u8 },
}

/// Unit, default, minimum and maximum of an entry, where there are such.
const EVERY_VALUE: u8 = 0x78;

impl Request {
    fn opcode(self) -> u8 {
        match self {
            Request::List(_) => 1,
            Request::Object { .. } => 3,
            Request::Entry { .. } => 5,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Inquiry<const N: usize> {
    request: Request,
    state: State,
    length: usize,
    /// An answer that did not match, for when nothing better comes.
    stray: Option<TransferError>,
    bytes: [u8; N],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    /// Waiting for the first fragment.
    First,
    /// Waiting for the fragment after which so many are left.
    Rest(u16),
    Over,
}

impl<const N: usize> Inquiry<N> {
    pub(super) const fn new(request: Request) -> Inquiry<N> {
        Inquiry { request, state: State::Start, length: 0, stray: None, bytes: [0; N] }
    }

    /// The answer behind what was asked about.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    fn fail(&mut self, error: TransferError) -> Step {
        self.state = State::Over;
        Step::Failed(error)
    }

    fn stray(&mut self, error: TransferError) -> Step {
        self.stray = Some(error);
        Step::NotForUs(Aside::Late)
    }

    fn take_information(&mut self, body: &[u8]) -> Step {
        let mut reader = Reader::new(body);
        let (opcode, _reserved, left) = (reader.u8(), reader.u8(), reader.u16());
        let (Some(opcode), Some(left)) = (opcode, left) else {
            return self.fail(TransferError::CutOff { bytes: body.len() });
        };
        let opcode = opcode & 0x7F;
        if opcode == 7 {
            return match reader.u32() {
                Some(code) => self.fail(TransferError::Aborted { code: AbortCode(code) }),
                None => self.fail(TransferError::CutOff { bytes: body.len() }),
            };
        }
        if opcode != self.request.opcode() + 1 {
            return self.stray(TransferError::Command { received: opcode });
        }
        match self.state {
            State::Rest(expected) if left != expected => {
                return self.fail(TransferError::Fragments { expected, received: left });
            }
            State::Rest(_) => {}
            _ => match self.about_us(&mut reader) {
                Some(Ok(())) => {}
                Some(Err(error)) => return self.stray(error),
                None => return self.fail(TransferError::CutOff { bytes: body.len() }),
            },
        }
        let data = reader.rest();
        // The count of fragments runs down, so this bounds their number: each may hold one byte or more.
        let at_least = self.length as u64 + data.len() as u64 + u64::from(left);
        let Some(length) = append(&mut self.bytes, self.length, data).filter(|_| at_least <= N as u64) else {
            return self.fail(TransferError::TooLarge { bytes: at_least, room: N as u64 });
        };
        self.length = length;
        match left.checked_sub(1) {
            Some(next) => {
                self.state = State::Rest(next);
                Step::More
            }
            None => {
                self.state = State::Over;
                Step::Done
            }
        }
    }

    /// Takes what the first fragment is about; nothing where it is cut off.
    fn about_us(&self, reader: &mut Reader<'_>) -> Option<Result<(), TransferError>> {
        let number = reader.u16()?;
        let (asked, subindex, received) = match self.request {
            Request::List(kind) if number == kind.number() => return Some(Ok(())),
            Request::List(_) => return Some(Err(TransferError::Command { received: number as u8 })),
            Request::Object { index } => (Address::entry(index, 0), 0, 0),
            Request::Entry { index, subindex } => (Address::entry(index, subindex), subindex, reader.u8()?),
        };
        if number == asked.index && received == subindex {
            return Some(Ok(()));
        }
        Some(Err(TransferError::Object { asked, index: number, subindex: received }))
    }
}

impl<const N: usize> Transfer for Inquiry<N> {
    fn next(&mut self, out: &mut [u8]) -> Option<usize> {
        if self.state != State::Start {
            return None;
        }
        let request = self.request;
        let length = frame::write(out, Protocol::Can, |writer| {
            writer.u16(Service::SdoInformation.header());
            writer.u8(request.opcode());
            writer.u8(0);
            writer.u16(0);
            match request {
                Request::List(kind) => writer.u16(kind.number()),
                Request::Object { index } => writer.u16(index),
                Request::Entry { index, subindex } => {
                    writer.u16(index);
                    writer.u8(subindex);
                    writer.u8(EVERY_VALUE);
                }
            }
        })?;
        self.state = State::First;
        Some(length)
    }

    fn take(&mut self, mailbox: &[u8]) -> Step {
        let waiting = matches!(self.state, State::First | State::Rest(_));
        let body = match open(mailbox, Protocol::Can, waiting) {
            Ok(body) => body,
            Err(Step::Failed(error)) => return self.fail(error),
            Err(step) => return step,
        };
        match Service::split(body) {
            Some((Service::SdoInformation, body)) => self.take_information(body),
            // A device without SDO information may abort an SDO that there is none of.
            Some((Service::SdoRequest | Service::SdoResponse, body)) => {
                let mut reader = Reader::new(body);
                let (command, _object, code) = (reader.u8(), reader.bytes(3), reader.u32());
                match (command, code) {
                    (Some(0x80), Some(code)) => self.stray(TransferError::Aborted { code: AbortCode(code) }),
                    (command, _) => self.stray(TransferError::Command { received: command.unwrap_or(0) }),
                }
            }
            Some((service, _)) => Step::NotForUs(Aside::Service(service)),
            None => self.fail(TransferError::CutOff { bytes: body.len() }),
        }
    }

    fn abandon(&mut self, silence: Silence) -> TransferError {
        self.state = State::Over;
        self.stray.filter(|_| silence == Silence::NoAnswer).unwrap_or(TransferError::Silent(silence))
    }
}
