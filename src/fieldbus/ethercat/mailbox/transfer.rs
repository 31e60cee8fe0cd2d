//! What every transfer has in common: it gives the messages to send and takes the device's, one at a time.

use super::emergency::Emergency;
use super::foe::{Busy, FileErrorCode, Words};
use super::frame::{FrameError, MailboxError, Message, Protocol};
use super::sdo::{AbortCode, Address, Service};
use std::fmt;

/// One service that is asked of a device, from its first message to its last. It does no I/O and knows no time.
///
/// The messages that it gives are bounded in number by what it transfers, whatever the device answers.
pub trait Transfer {
    /// Writes the next message to send into `out`, whose length is that of the device's receive mailbox; its length, or
    /// nothing where there is none to send now. Call it once a message: what it wrote is repeated by the caller.
    ///
    /// After its end there may be one more, the last word to the device, to which no answer comes.
    fn next(&mut self, out: &mut [u8]) -> Option<usize>;

    /// Takes one mailbox that was read from the device: all of it, header included.
    fn take(&mut self, answer: &[u8]) -> Step;

    /// Ends it because no answer came. What stands in the error is the likelier reason: `silence`, or the answer to
    /// something else that came instead.
    fn abandon(&mut self, silence: Silence) -> TransferError;
}

/// How a transfer stands after a message was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The answer was taken; ask for the next message.
    Continue,
    /// The answer was taken; its next part comes unasked.
    More,
    /// The device has no time: ask for the next message after a pause.
    Busy(Busy),
    /// Everything is transferred.
    Done,
    /// It has failed.
    Failed(TransferError),
    /// The message was none of this transfer's, which still waits for its answer.
    NotForUs(Aside),
}

/// A message that belongs to no transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aside {
    /// The device told of a fault.
    Emergency(Emergency),
    /// An answer to something else: most likely one that came after its transfer was given up.
    Late,
    /// A CoE service that nobody here waits for.
    Service(Service),
    /// A protocol that nobody here waits for.
    Protocol(Protocol),
    /// Bytes that are no message.
    Garbage(FrameError),
}

/// Why nothing came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The device did not take the message: its receive mailbox stayed full, or it did not answer at all.
    NoRoom,
    /// It took the message and did not answer.
    NoAnswer,
    /// Its answer was lost on the way, and it did not repeat it.
    NoRepeat,
    /// It answered each time, and yet the whole took longer than it may.
    TooSlow,
}

/// Why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// The device refused or gave up.
    Aborted {
        /// Its reason.
        code: AbortCode,
    },
    /// The device refused the mailbox as a whole: it may not have the protocol or the service.
    Refused(MailboxError),
    /// What it answered is no mailbox message.
    Garbage(FrameError),
    /// Its answer is shorter than what an answer of its kind holds.
    CutOff {
        /// Bytes of it behind the mailbox header.
        bytes: usize,
    },
    /// It answered with another command than the one that belongs here.
    Command {
        /// The command byte, or number, that it sent.
        received: u8,
    },
    /// It answered about something else than what was asked.
    Object {
        /// What was asked about.
        asked: Address,
        /// Index that it answered about.
        index: u16,
        /// Subindex that it answered about.
        subindex: u8,
    },
    /// A segment came twice or out of turn.
    Toggle,
    /// A segment in the middle of a value held nothing.
    EmptySegment,
    /// The value, list or file is larger than what is taken here.
    TooLarge {
        /// Its bytes, as far as they are known.
        bytes: u64,
        /// Bytes that are taken.
        room: u64,
    },
    /// More came than the device had said the value has.
    TooLong {
        /// Bytes that it had said.
        announced: u32,
    },
    /// The fragments of a list or description do not count down.
    Fragments {
        /// How many should have been left.
        expected: u16,
        /// How many the device said were left.
        received: u16,
    },
    /// A packet of a file came out of turn.
    Packet {
        /// The number that should have come.
        expected: u32,
        /// The number that came.
        received: u32,
    },
    /// The device ended the transfer of a file.
    File {
        /// Its reason.
        code: FileErrorCode,
        /// What it said about it.
        words: Words,
    },
    /// The device had no time for longer than is waited.
    StillBusy,
    /// The request does not fit the device's mailbox.
    MailboxTooSmall,
    /// No answer came.
    Silent(Silence),
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferError::Aborted { code } => write!(f, "{code}"),
            TransferError::Refused(error) => write!(f, "{error}"),
            TransferError::Garbage(error) => write!(f, "the device answered with garbage: {error}"),
            TransferError::CutOff { bytes } => write!(f, "the device's answer is cut off after {bytes} bytes"),
            TransferError::Command { received } => {
                write!(f, "the device answered with a command that does not belong here ({received:02X}h)")
            }
            TransferError::Object { asked, index, subindex } => {
                write!(f, "asked about {asked}, the device answered about {index:04X}h:{subindex:02X}")
            }
            TransferError::Toggle => f.write_str("a segment came twice or out of turn"),
            TransferError::EmptySegment => f.write_str("a segment in the middle of the value is empty"),
            TransferError::TooLarge { bytes, room } => write!(f, "{bytes} bytes, at most {room} are taken"),
            TransferError::TooLong { announced } => {
                write!(f, "the device sent more than the {announced} bytes that it had said")
            }
            TransferError::Fragments { expected, received } => {
                write!(f, "a fragment is missing: {expected} should be left, the device says {received}")
            }
            TransferError::Packet { expected, received } => {
                write!(f, "packet {received} of the file came in the place of packet {expected}")
            }
            TransferError::File { code, words } => write!(f, "{code}{words}"),
            TransferError::MailboxTooSmall => f.write_str("the request does not fit the device's mailbox"),
            TransferError::StillBusy => f.write_str("the device was busy for longer than is waited"),
            TransferError::Silent(silence) => f.write_str(match silence {
                Silence::NoRoom => "the device did not take the message in time",
                Silence::NoAnswer => "the device did not answer in time",
                Silence::NoRepeat => "the device's answer was lost, and it did not repeat it in time",
                Silence::TooSlow => "the transfer took too long as a whole",
            }),
        }
    }
}

impl std::error::Error for TransferError {}

/// The message when it is of this protocol; otherwise what it is to a transfer of it.
///
/// A refusal of the mailbox and garbage end a transfer that waits for an answer: a device answers one request at a time.
pub(super) fn open(answer: &[u8], protocol: Protocol, waiting: bool) -> Result<&[u8], Step> {
    let message = match Message::decode(answer) {
        Ok(message) => message,
        Err(error) if waiting => return Err(Step::Failed(TransferError::Garbage(error))),
        Err(error) => return Err(Step::NotForUs(Aside::Garbage(error))),
    };
    if let Some(emergency) = emergency(&message) {
        return Err(Step::NotForUs(Aside::Emergency(emergency)));
    }
    match message.header.protocol {
        Protocol::Error if waiting => Err(Step::Failed(match MailboxError::decode(message.body) {
            Some(error) => TransferError::Refused(error),
            None => TransferError::CutOff { bytes: message.body.len() },
        })),
        _ if message.header.protocol == protocol && waiting => Ok(message.body),
        _ if message.header.protocol == protocol => Err(Step::NotForUs(Aside::Late)),
        other => Err(Step::NotForUs(Aside::Protocol(other))),
    }
}

/// What a message is when no transfer runs.
pub fn aside(mailbox: &[u8]) -> Aside {
    match Message::decode(mailbox) {
        Err(error) => Aside::Garbage(error),
        Ok(message) => match (emergency(&message), message.header.protocol) {
            (Some(emergency), _) => Aside::Emergency(emergency),
            (None, Protocol::Can) => match Service::split(message.body) {
                Some((Service::SdoResponse | Service::SdoRequest | Service::SdoInformation, _)) => Aside::Late,
                Some((service, _)) => Aside::Service(service),
                None => Aside::Protocol(Protocol::Can),
            },
            (None, Protocol::File | Protocol::Error) => Aside::Late,
            (None, other) => Aside::Protocol(other),
        },
    }
}

fn emergency(message: &Message<'_>) -> Option<Emergency> {
    if message.header.protocol != Protocol::Can {
        return None;
    }
    match Service::split(message.body) {
        Some((Service::Emergency, bytes)) => Emergency::decode(bytes),
        _ => None,
    }
}
