//! What reading and writing have in common.

use crate::fieldbus::sdo::{AbortCode, Address};
use std::fmt;

/// One SDO frame: always eight bytes.
pub type Bytes = [u8; 8];

/// One object that is read or written, from its first frame to its last. It does no I/O and knows no time.
///
/// The frames that it gives are bounded in number by what it transfers, whatever the node answers.
pub trait Transfer {
    /// The next frame to send; nothing where the node has the word. After the end there may be one more: the last word to
    /// the node, to which no answer comes.
    fn next(&mut self) -> Option<Bytes>;

    /// Takes a frame of the node.
    fn take(&mut self, frame: &Bytes) -> Step;

    /// Ends it because no answer came. Its last word tells the node so.
    fn abandon(&mut self) -> TransferError;
}

/// How a transfer stands after a frame was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It goes on: ask for the next frame.
    Continue,
    /// Everything is transferred.
    Done,
    /// It has failed.
    Failed(TransferError),
    /// The frame was none of this transfer's, which still waits.
    NotForUs,
}

/// Why a transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferError {
    /// The node refused or gave up.
    Aborted {
        /// Its reason.
        code: AbortCode,
    },
    /// It answered with another command than the one that belongs here.
    Command {
        /// The command byte that it sent.
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
    /// The value is larger than what is taken here.
    TooLarge {
        /// Its bytes, as far as they are known.
        bytes: u64,
        /// Bytes that are taken.
        room: u64,
    },
    /// More, or less, came than the node had said.
    Length {
        /// Bytes that it had said.
        announced: u32,
        /// Bytes that came.
        received: u32,
    },
    /// The node named a block of no segments, or of more than 127, or acknowledged what was not sent.
    Block {
        /// The number that it sent.
        received: u8,
    },
    /// The value's checksum is not the one that the node sent.
    Checksum {
        /// Of what came.
        computed: u16,
        /// As the node says.
        received: u16,
    },
    /// No answer came.
    Silent,
}

impl fmt::Display for TransferError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransferError::Aborted { code } => write!(out, "{code}"),
            TransferError::Command { received } => {
                write!(out, "the device answered with a command that does not belong here ({received:02X}h)")
            }
            TransferError::Object { asked, index, subindex } => {
                write!(out, "asked about {asked}, the device answered about {index:04X}h:{subindex:02X}")
            }
            TransferError::Toggle => out.write_str("a segment came twice or out of turn"),
            TransferError::EmptySegment => out.write_str("a segment in the middle of the value is empty"),
            TransferError::TooLarge { bytes, room } => write!(out, "{bytes} bytes, at most {room} are taken"),
            TransferError::Length { announced, received } => {
                write!(out, "the device said {announced} bytes and sent {received}")
            }
            TransferError::Block { received } => {
                write!(out, "the device named a block of {received} segments, or acknowledged as many, which cannot be")
            }
            TransferError::Checksum { computed, received } => {
                write!(out, "the checksum of the value is {computed:04X}h, the device says {received:04X}h")
            }
            TransferError::Silent => out.write_str("the device did not answer in time"),
        }
    }
}

impl std::error::Error for TransferError {}
