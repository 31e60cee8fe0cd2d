//! The mailbox header and the device's refusal of a whole mailbox (ETG.1000.4, ETG.1000.6).
//!
//! ```text
//! byte 0   length of what follows the header, u16
//!      2   station address of the other end when a device talks to a device; 0 for the master, u16
//!      4   channel (6 bits, 0), priority (2 bits, 0 lowest)
//!      5   protocol (4 bits), counter (3 bits: 1…7, 0 = not numbered)
//! ```

use super::bytes::{Reader, Writer};
use crate::limits::MAX_MAILBOX_BYTES;
use std::fmt;

/// Bytes of the mailbox header.
pub const HEADER_BYTES: usize = 6;

/// What a mailbox carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// The device refuses a mailbox as a whole.
    Error,
    /// ADS over EtherCAT.
    Ads,
    /// Ethernet over EtherCAT.
    Ethernet,
    /// CANopen over EtherCAT (CoE).
    Can,
    /// File access over EtherCAT (FoE).
    File,
    /// Servo drive profile over EtherCAT (SoE).
    Servo,
    /// The vendor's own.
    Vendor,
    /// A number that the standard does not give.
    Unknown(u8),
}

impl Protocol {
    fn number(self) -> u8 {
        match self {
            Protocol::Error => 0,
            Protocol::Ads => 1,
            Protocol::Ethernet => 2,
            Protocol::Can => 3,
            Protocol::File => 4,
            Protocol::Servo => 5,
            Protocol::Vendor => 15,
            Protocol::Unknown(number) => number & 0x0F,
        }
    }

    fn from_number(number: u8) -> Protocol {
        match number {
            0 => Protocol::Error,
            1 => Protocol::Ads,
            2 => Protocol::Ethernet,
            3 => Protocol::Can,
            4 => Protocol::File,
            5 => Protocol::Servo,
            15 => Protocol::Vendor,
            other => Protocol::Unknown(other),
        }
    }
}

/// The six bytes before each message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Bytes behind the header.
    pub length: u16,
    /// Station address of the other end; 0 is the master.
    pub address: u16,
    /// Reserved for several channels, 0…63.
    pub channel: u8,
    /// 0 (lowest) … 3.
    pub priority: u8,
    /// What follows.
    pub protocol: Protocol,
    /// 1…7, counted up with every new message of a direction; 0 where a device does not count.
    pub counter: u8,
}

impl Header {
    /// As it stands in the mailbox.
    pub fn encode(self) -> [u8; HEADER_BYTES] {
        let [length_low, length_high] = self.length.to_le_bytes();
        let [address_low, address_high] = self.address.to_le_bytes();
        [
            length_low,
            length_high,
            address_low,
            address_high,
            (self.channel & 0x3F) | (self.priority << 6),
            self.protocol.number() | ((self.counter & 0x07) << 4),
        ]
    }

    /// The header at the front of a mailbox.
    pub fn decode(mailbox: &[u8]) -> Result<Header, FrameError> {
        let mut reader = Reader::new(mailbox);
        let fields = (reader.u16(), reader.u16(), reader.u8(), reader.u8());
        let (Some(length), Some(address), Some(channel), Some(kind)) = fields else {
            return Err(FrameError::Truncated { bytes: mailbox.len() });
        };
        Ok(Header {
            length,
            address,
            channel: channel & 0x3F,
            priority: channel >> 6,
            protocol: Protocol::from_number(kind & 0x0F),
            counter: (kind >> 4) & 0x07,
        })
    }
}

/// A mailbox taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its header.
    pub header: Header,
    /// What the header says belongs to it; the mailbox behind it is not looked at.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes a mailbox apart as it was read: the whole sync manager area, or at least the message.
    pub fn decode(mailbox: &'a [u8]) -> Result<Message<'a>, FrameError> {
        let header = Header::decode(mailbox)?;
        let body = mailbox.get(HEADER_BYTES..).unwrap_or_default();
        match body.get(..usize::from(header.length)) {
            Some([]) => Err(FrameError::Empty),
            Some(body) => Ok(Message { header, body }),
            None => Err(FrameError::Overlong { length: header.length, room: body.len() }),
        }
    }
}

/// Why bytes are no mailbox message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Fewer bytes than a header has.
    Truncated {
        /// Bytes there are.
        bytes: usize,
    },
    /// The header says that nothing follows.
    Empty,
    /// The header says that more follows than the mailbox holds.
    Overlong {
        /// Bytes that it says follow.
        length: u16,
        /// Bytes behind the header.
        room: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Truncated { bytes } => write!(f, "{bytes} bytes are no mailbox, its header alone has six"),
            FrameError::Empty => f.write_str("the mailbox is empty by its own header"),
            FrameError::Overlong { length, room } => {
                write!(f, "the mailbox says that {length} bytes follow its header, there are {room}")
            }
        }
    }
}

impl std::error::Error for FrameError {}

/// Why a device refused a mailbox as a whole (reply of type 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxError {
    /// The reason, 1…9 (ETG.1000.4).
    pub detail: u16,
}

impl MailboxError {
    /// The body of a reply of type 0: command 1, detail.
    pub fn decode(body: &[u8]) -> Option<MailboxError> {
        let mut reader = Reader::new(body);
        let _command = reader.u16()?;
        Some(MailboxError { detail: reader.u16()? })
    }

    /// The reason in words.
    pub fn meaning(self) -> &'static str {
        match self.detail {
            1 => "the mailbox header is malformed",
            2 => "the device does not speak this mailbox protocol",
            3 => "the channel field has a wrong value",
            4 => "the device does not have this service of the protocol",
            5 => "the protocol's own header is malformed",
            6 => "the message is too short",
            7 => "the device is out of memory",
            8 => "the length of the data contradicts itself",
            9 => "the service is in use",
            _ => "for a reason that the standard does not list",
        }
    }
}

impl fmt::Display for MailboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the device refused the mailbox: {} (detail {})", self.meaning(), self.detail)
    }
}

/// Writes one message, not yet numbered: header, then what `put` writes. Bytes of it, or nothing where it does not fit.
/// What lies behind it in `out` is cleared, because the whole mailbox has to be written to hand it over.
pub(super) fn write(out: &mut [u8], protocol: Protocol, put: impl FnOnce(&mut Writer<'_>)) -> Option<usize> {
    let room = out.len().min(MAX_MAILBOX_BYTES);
    let (head, body) = out.get_mut(..room)?.split_at_mut_checked(HEADER_BYTES)?;
    let mut writer = Writer::new(body);
    put(&mut writer);
    let length = writer.finish()?;
    let header = Header { length: length as u16, address: 0, channel: 0, priority: 0, protocol, counter: 0 };
    head.copy_from_slice(&header.encode());
    out.get_mut(HEADER_BYTES + length..)?.fill(0);
    Some(HEADER_BYTES + length)
}

/// Numbers a message that was written.
pub(super) fn stamp(message: &mut [u8], counter: u8) {
    if let Some(kind) = message.get_mut(HEADER_BYTES - 1) {
        *kind = (*kind & 0x0F) | ((counter & 0x07) << 4);
    }
}

const _: () = assert!(MAX_MAILBOX_BYTES <= u16::MAX as usize);
