//! How an SDO stands in a message of a mailbox (ETG.1000.6, CiA 301).
//!
//! ```text
//! CoE header    u16: number (9 bits, 0), reserved, service (4 bits)
//! command       u8: specifier (3 bits) and its flags
//! index         u16
//! subindex      u8
//! data          4 bytes, or u32 size and the data
//! ```

use super::bytes::{Reader, Writer};
pub use crate::fieldbus::sdo::{AbortCode, Address};

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

impl Address {
    /// Bit 4 of a command.
    pub(super) fn flag(self) -> u8 {
        u8::from(self.complete) << 4
    }

    pub(super) fn put(self, writer: &mut Writer<'_>) {
        writer.u16(self.index);
        writer.u8(self.subindex);
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
