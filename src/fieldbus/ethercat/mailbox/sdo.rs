//! What an SDO names, what an abort says, and how both stand in a message (ETG.1000.6, CiA 301).
//!
//! ```text
//! CoE header    u16: number (9 bits, 0), reserved, service (4 bits)
//! command       u8: specifier (3 bits) and its flags
//! index         u16
//! subindex      u8
//! data          4 bytes, or u32 size and the data
//! ```

use super::bytes::{Reader, Writer};
use std::fmt;

/// What a CoE message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// The device tells of a fault of its own.
    Emergency,
    /// From the client; an abort of either side goes under it too.
    SdoRequest,
    /// From the device.
    SdoResponse,
    /// SDO information: what objects there are.
    SdoInformation,
    /// PDOs through the mailbox, or a number that the standard does not give.
    Other(u8),
}

impl Service {
    /// The CoE header as a number.
    pub(super) fn header(self) -> u16 {
        let number = match self {
            Service::Emergency => 1,
            Service::SdoRequest => 2,
            Service::SdoResponse => 3,
            Service::SdoInformation => 8,
            Service::Other(number) => u16::from(number & 0x0F),
        };
        number << 12
    }

    /// Takes the CoE header from the front of a body.
    pub(super) fn split(body: &[u8]) -> Option<(Service, &[u8])> {
        let mut reader = Reader::new(body);
        let service = match reader.u16()? >> 12 {
            1 => Service::Emergency,
            2 => Service::SdoRequest,
            3 => Service::SdoResponse,
            8 => Service::SdoInformation,
            other => Service::Other(other as u8),
        };
        Some((service, reader.rest()))
    }
}

/// An object, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Object index, for example 6040h.
    pub index: u16,
    /// Its part; with complete access the first part, 0 or 1.
    pub subindex: u8,
    /// All parts from `subindex` on as one value (subindex 0 then takes two bytes).
    pub complete: bool,
}

impl Address {
    /// One part of an object.
    pub const fn entry(index: u16, subindex: u8) -> Address {
        Address { index, subindex, complete: false }
    }

    /// The whole object with its number of parts in front.
    pub const fn whole(index: u16) -> Address {
        Address { index, subindex: 0, complete: true }
    }

    /// The whole object from subindex 1 on.
    pub const fn parts(index: u16) -> Address {
        Address { index, subindex: 1, complete: true }
    }

    /// Bit 4 of a command.
    pub(super) fn flag(self) -> u8 {
        u8::from(self.complete) << 4
    }

    pub(super) fn put(self, writer: &mut Writer<'_>) {
        writer.u16(self.index);
        writer.u8(self.subindex);
    }

    /// An answer about this index and subindex is about this address.
    pub(super) fn matches(self, index: u16, subindex: u8) -> bool {
        self.index == index && self.subindex == subindex
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}h:{:02X}", self.index, self.subindex)?;
        if self.complete { f.write_str(" (complete access)") } else { Ok(()) }
    }
}

/// Why one side gave a transfer up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AbortCode(pub u32);

impl AbortCode {
    /// A segment came twice or out of turn.
    pub const TOGGLE: AbortCode = AbortCode(0x0503_0000);
    /// No answer in time.
    pub const TIMEOUT: AbortCode = AbortCode(0x0504_0000);
    /// No room for the value.
    pub const MEMORY: AbortCode = AbortCode(0x0504_0005);
    /// The value is longer than was said.
    pub const TOO_LONG: AbortCode = AbortCode(0x0607_0012);
    /// The value is shorter than was said.
    pub const TOO_SHORT: AbortCode = AbortCode(0x0607_0013);
    /// Anything else.
    pub const GENERAL: AbortCode = AbortCode(0x0800_0000);

    /// What it means, for the person at the machine (CiA 301, ETG.1000.6).
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x0503_0000 => "the toggle bit did not change between two segments",
            0x0504_0000 => "the transfer took too long",
            0x0504_0001 => "the device does not know the command",
            0x0504_0002 => "the block size is not allowed",
            0x0504_0003 => "the sequence number of a block is wrong",
            0x0504_0004 => "the checksum of a block is wrong",
            0x0504_0005 => "the device is out of memory",
            0x0601_0000 => "the object cannot be accessed in this way",
            0x0601_0001 => "the object can only be written",
            0x0601_0002 => "the object can only be read",
            0x0601_0003 => "the part can be written only while subindex 0 is 0",
            0x0601_0004 => "complete access is not possible for an object of variable length",
            0x0601_0005 => "the object is longer than the mailbox",
            0x0601_0006 => "the object is mapped into the outputs, which are what sets it",
            0x0602_0000 => "the device has no such object",
            0x0604_0041 => "the object cannot be mapped into a PDO",
            0x0604_0042 => "the mapped objects are longer than the PDO",
            0x0604_0043 => "the parameters do not go together",
            0x0604_0047 => "the device is incompatible within itself",
            0x0606_0000 => "the device's hardware failed on it",
            0x0607_0010 => "the length does not fit the type of the object",
            0x0607_0012 => "the value is longer than the object",
            0x0607_0013 => "the value is shorter than the object",
            0x0609_0011 => "the object has no such subindex",
            0x0609_0030 => "the value is outside what the object takes",
            0x0609_0031 => "the value is too high",
            0x0609_0032 => "the value is too low",
            0x0609_0036 => "the maximum is below the minimum",
            0x060A_0023 => "what the object needs is not available",
            0x0800_0000 => "the device gives no reason",
            0x0800_0020 => "the value cannot be transferred or stored",
            0x0800_0021 => "the value cannot be transferred or stored: the device is under local control",
            0x0800_0022 => "the value cannot be transferred or stored in the device's present state",
            0x0800_0023 => "the device has no object dictionary to look it up in",
            0x0800_0024 => "the device has no value for it",
            _ => "a code of the vendor's: look it up in the device's manual",
        }
    }
}

impl fmt::Debug for AbortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AbortCode({:08X}h)", self.0)
    }
}

impl fmt::Display for AbortCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (abort code {:08X}h)", self.meaning(), self.0)
    }
}

/// Command specifiers of the device, bits 5–7.
pub(super) mod answer {
    pub const UPLOAD_SEGMENT: u8 = 0;
    pub const DOWNLOAD_SEGMENT: u8 = 1;
    pub const UPLOAD: u8 = 2;
    pub const DOWNLOAD: u8 = 3;
    pub const ABORT: u8 = 4;
}

/// Bit 0 of an upload's or download's first command: the size is given.
pub(super) const SIZE_GIVEN: u8 = 0x01;
/// Bit 1 of it: the value stands in the command itself, and bits 2–3 count its unused bytes.
pub(super) const EXPEDITED: u8 = 0x02;
/// Bit 0 of a segment: none follows.
pub(super) const LAST_SEGMENT: u8 = 0x01;
/// Bit 4 of a segment, the other way round each time.
pub(super) const TOGGLE: u8 = 0x10;
/// Bytes of the data of the shortest segment; with fewer, bits 1–3 count the unused ones.
pub(super) const SHORTEST_SEGMENT: usize = 7;

/// Writes a client's abort.
pub(super) fn put_abort(writer: &mut Writer<'_>, address: Address, code: AbortCode) {
    writer.u16(Service::SdoRequest.header());
    writer.u8(answer::ABORT << 5);
    address.put(writer);
    writer.u32(code.0);
}
