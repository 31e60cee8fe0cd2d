//! File access over EtherCAT (FoE), for firmware (ETG.1000.6).
//!
//! ```text
//! opcode    u8: 1 read, 2 write, 3 data, 4 acknowledge, 5 error, 6 busy
//! reserved  u8
//! number    u32: password (1, 2), packet (3, 4), error code (5); u16 done, u16 of how many (6)
//! rest      file name (1, 2), data (3), text (5, 6)
//! ```
//!
//! The packet that is shorter than the mailbox holds, if need be an empty one, is the last of a file.

mod read;
mod write;

pub use read::FileRead;
pub use write::FileWrite;

use super::bytes::{Reader, Writer};
use super::frame::{self, HEADER_BYTES, Protocol};
use super::transfer::TransferError;
use crate::limits::{MAX_FILE_NAME_BYTES, MAX_MAILBOX_BYTES};
use std::fmt;

/// Bytes of a message with data before the data.
pub const BEFORE_DATA: usize = HEADER_BYTES + 6;
/// Data of the largest packet.
pub const MAX_PACKET_BYTES: usize = MAX_MAILBOX_BYTES - BEFORE_DATA;

/// The name of a file, as the device knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileName {
    bytes: [u8; MAX_FILE_NAME_BYTES],
    length: u8,
}

impl FileName {
    /// Checks a name: 1…[`MAX_FILE_NAME_BYTES`] bytes of printable ASCII.
    pub fn new(name: &str) -> Option<FileName> {
        let printable = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        let mut bytes = [0; MAX_FILE_NAME_BYTES];
        bytes.get_mut(..name.len()).filter(|_| printable && !name.is_empty())?.copy_from_slice(name.as_bytes());
        Some(FileName { bytes, length: name.len() as u8 })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// Why a device ended the transfer of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileErrorCode(pub u32);

impl FileErrorCode {
    /// A larger file than is taken.
    pub(super) const DISK_FULL: FileErrorCode = FileErrorCode(0x8003);
    /// A message that does not belong here.
    pub(super) const ILLEGAL: FileErrorCode = FileErrorCode(0x8004);
    /// A packet out of turn.
    pub(super) const PACKET: FileErrorCode = FileErrorCode(0x8005);

    /// Whether the device takes the file in another state only.
    pub fn wants_boot(self) -> bool {
        self.0 & !0x8000 == 0x08
    }

    /// What it means, for the person at the machine.
    pub fn meaning(self) -> &'static str {
        // Older devices send the code without its highest bit.
        match self.0 & !0x8000 {
            0x00 => "the device gives no reason",
            0x01 => "the device has no such file",
            0x02 => "the file may not be accessed",
            0x03 => "the device has no room for the file",
            0x04 => "the operation is not allowed",
            0x05 => "a packet of the file came out of turn",
            0x06 => "the file is there already",
            0x07 => "the device knows no such user",
            0x08 => "the device takes files only in its bootstrap state",
            0x09 => "the device does not take this file in its bootstrap state",
            0x0A => "the password is wrong or not enough",
            0x0B => "the device could not program it",
            0x0C => "the checksum of the file is wrong",
            0x0D => "the firmware is not for this hardware",
            0x0F => "there is no file to read",
            0x10 => "the file has no header",
            0x11 => "the device's flash memory failed",
            0x12 => "the file is for something else",
            _ => "a code of the vendor's: look it up in the device's manual",
        }
    }
}

impl fmt::Display for FileErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (FoE error {:04X}h)", self.meaning(), self.0)
    }
}

/// The beginning of a text that a device sent, with what is not printable taken out when it is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Words {
    bytes: [u8; Words::MAX_BYTES],
    length: u8,
}

impl Words {
    const MAX_BYTES: usize = 47;

    fn new(text: &[u8]) -> Words {
        let mut words = Words { bytes: [0; Words::MAX_BYTES], length: 0 };
        for (place, byte) in words.bytes.iter_mut().zip(text.iter().take_while(|byte| **byte != 0)) {
            *place = *byte;
            words.length += 1;
        }
        words
    }

    /// The bytes as the device sent them.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// `: "the text"`, or nothing where there is none.
impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == 0 {
            return Ok(());
        }
        f.write_str(": \"")?;
        for byte in self.bytes() {
            let shown = if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' };
            write!(f, "{shown}")?;
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({})", self.bytes().escape_ascii())
    }
}

/// How far a device that has no time is with what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Done so far, in parts of `entire`.
    pub done: u16,
    /// All of it; 0 where the device does not say.
    pub entire: u16,
    /// What the device said about it.
    pub words: Words,
}

/// A message of a device during the transfer of a file.
enum Packet<'a> {
    Data {
        number: u32,
        data: &'a [u8],
    },
    Acknowledge {
        number: u32,
    },
    Error {
        code: FileErrorCode,
        words: Words,
    },
    Busy(Busy),
    /// None that a device sends.
    Unknown(u8),
}

impl<'a> Packet<'a> {
    fn decode(body: &'a [u8]) -> Result<Packet<'a>, TransferError> {
        let mut reader = Reader::new(body);
        let (opcode, _reserved, number) = (reader.u8(), reader.u8(), reader.u32());
        let (Some(opcode), Some(number)) = (opcode, number) else {
            return Err(TransferError::CutOff { bytes: body.len() });
        };
        let rest = reader.rest();
        Ok(match opcode {
            3 => Packet::Data { number, data: rest },
            4 => Packet::Acknowledge { number },
            5 => Packet::Error { code: FileErrorCode(number), words: Words::new(rest) },
            6 => Packet::Busy(Busy { done: number as u16, entire: (number >> 16) as u16, words: Words::new(rest) }),
            other => Packet::Unknown(other),
        })
    }
}

/// Writes a message whose opcode is followed by a number and by some bytes.
fn put(out: &mut [u8], opcode: u8, number: u32, rest: &[u8]) -> Option<usize> {
    frame::write(out, Protocol::File, |writer: &mut Writer<'_>| {
        writer.u8(opcode);
        writer.u8(0);
        writer.u32(number);
        writer.bytes(rest);
    })
}

fn put_error(out: &mut [u8], code: FileErrorCode) -> Option<usize> {
    put(out, 5, code.0, &[])
}

const _: () = assert!(MAX_FILE_NAME_BYTES <= u8::MAX as usize, "their lengths are kept in a byte");
const _: () = assert!(Words::MAX_BYTES <= u8::MAX as usize, "their lengths are kept in a byte");
