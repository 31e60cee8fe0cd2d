//! Command bytes of SDO frames (CiA 301, 7.2.4.3).

use super::transfer::Bytes;
use crate::fieldbus::sdo::{AbortCode, Address};
use crc::{CRC_16_XMODEM, Crc, Table};

/// Bytes in a segment.
pub const SEGMENT: usize = 7;
/// Segments of the longest block.
pub const LONGEST_BLOCK: u8 = 127;
/// A block upload of so few bytes comes as an ordinary one.
pub const PROTOCOL_SWITCH: u8 = 28;

pub const DOWNLOAD: u8 = 0x20;
pub const UPLOAD: u8 = 0x40;
pub const UPLOAD_SEGMENT: u8 = 0x60;
pub const ABORT: u8 = 0x80;
pub const BLOCK_UPLOAD: u8 = 0xA0;
pub const BLOCK_DOWNLOAD: u8 = 0xC0;

pub const ANSWER_UPLOAD_SEGMENT: u8 = 0x00;
pub const ANSWER_DOWNLOAD_SEGMENT: u8 = 0x20;
pub const ANSWER_UPLOAD: u8 = 0x40;
pub const ANSWER_DOWNLOAD: u8 = 0x60;
pub const ANSWER_BLOCK_DOWNLOAD: u8 = 0xA0;
pub const ANSWER_BLOCK_UPLOAD: u8 = 0xC0;

/// The upper three bits: what a frame is.
pub const SPECIFIER: u8 = 0xE0;
/// The size is given.
pub const SIZE_GIVEN: u8 = 0x01;
/// The value stands in the frame.
pub const EXPEDITED: u8 = 0x02;
/// Alternates from segment to segment.
pub const TOGGLE: u8 = 0x10;
/// No more segments follow.
pub const LAST: u8 = 0x01;
/// The last segment of a block transfer, beside its number.
pub const LAST_OF_BLOCK: u8 = 0x80;
/// A block transfer has a checksum.
pub const CHECKSUM: u8 = 0x04;
/// The size of what a block download brings is given.
pub const BLOCK_SIZE_GIVEN: u8 = 0x02;

/// Sub-commands of a block download (lower two bits).
pub const BLOCK_END: u8 = 0x01;
pub const BLOCK_ACKNOWLEDGE: u8 = 0x02;
pub const BLOCK_START: u8 = 0x03;

static CHECKSUMS: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_XMODEM);

/// The checksum of a value in a block transfer.
pub fn checksum(value: &[u8]) -> u16 {
    CHECKSUMS.checksum(value)
}

/// A frame about an object.
pub fn about(command: u8, address: Address, last: [u8; 4]) -> Bytes {
    let ([low, high], [a, b, c, d]) = (address.index.to_le_bytes(), last);
    [command, low, high, address.subindex, a, b, c, d]
}

/// The end of a transfer, by this side.
pub fn abort(address: Address, code: AbortCode) -> Bytes {
    about(ABORT, address, code.0.to_le_bytes())
}

/// Which object a frame is about.
pub fn object(frame: &Bytes) -> (u16, u8) {
    (u16::from_le_bytes([frame[1], frame[2]]), frame[3])
}

/// The last four bytes as a number.
pub fn number(frame: &Bytes) -> u32 {
    u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]])
}
