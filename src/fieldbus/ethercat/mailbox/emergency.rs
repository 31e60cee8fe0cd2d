//! Emergencies: faults that a device tells of by itself (CiA 301, ETG.1000.6).

use super::bytes::Reader;
use crate::fieldbus::error_code::ErrorCode;
use std::fmt;

/// A fault, or the end of one, as the device told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Emergency {
    /// Error code; the same as in object 603Fh. 0000h: no fault any more.
    pub code: u16,
    /// Error register, object 1001h: which kinds of fault stand.
    pub register: ErrorRegister,
    /// The vendor's own details; for codes A0xxh those of ETG.1000.6.
    pub data: [u8; 5],
}

impl Emergency {
    /// What follows the CoE header of an emergency.
    pub fn decode(bytes: &[u8]) -> Option<Emergency> {
        let mut reader = Reader::new(bytes);
        let (code, register) = (reader.u16()?, reader.u8()?);
        let data = reader.bytes(5)?.try_into().ok()?;
        Some(Emergency { code, register: ErrorRegister(register), data })
    }

    /// The device says that its faults are gone.
    pub fn is_reset(self) -> bool {
        self.code >> 8 == 0
    }

    /// What its code means.
    pub fn meaning(self) -> &'static str {
        ErrorCode(self.code).meaning()
    }
}

impl fmt::Display for Emergency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}h: {}; error register {}", self.code, self.meaning(), self.register)?;
        match self.data {
            [0, 0, 0, 0, 0] => Ok(()),
            [a, b, c, d, e] => write!(f, "; data {a:02X} {b:02X} {c:02X} {d:02X} {e:02X}"),
        }
    }
}

/// The kinds of fault that stand in a device, one bit each (object 1001h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ErrorRegister(pub u8);

impl ErrorRegister {
    /// The kinds that are set, in words.
    pub fn kinds(self) -> impl Iterator<Item = &'static str> {
        const KINDS: [&str; 8] = [
            "generic",
            "current",
            "voltage",
            "temperature",
            "communication",
            "device profile",
            "reserved",
            "manufacturer",
        ];
        KINDS.into_iter().enumerate().filter(move |(bit, _)| self.0 >> bit & 1 == 1).map(|(_, kind)| kind)
    }
}

impl fmt::Display for ErrorRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}h", self.0)?;
        for (place, kind) in self.kinds().enumerate() {
            f.write_str(if place == 0 { " (" } else { ", " })?;
            f.write_str(kind)?;
        }
        if self.0 == 0 { Ok(()) } else { f.write_str(")") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emergency_is_read_and_said_in_words() {
        let emergency = Emergency::decode(&[0x10, 0x32, 0x05, 1, 2, 3, 4, 0xFF]).unwrap();
        assert_eq!(emergency, Emergency { code: 0x3210, register: ErrorRegister(5), data: [1, 2, 3, 4, 0xFF] });
        assert_eq!(
            emergency.to_string(),
            "3210h: over-voltage in the DC link; error register 05h (generic, voltage); data 01 02 03 04 FF"
        );
        assert!(!emergency.is_reset());
    }

    #[test]
    fn an_emergency_that_is_cut_off_is_none() {
        for length in 0..8 {
            assert_eq!(Emergency::decode(&[0x10, 0x32, 0x05, 1, 2, 3, 4, 5][..length]), None, "{length} bytes");
        }
    }

    #[test]
    fn a_device_that_says_all_is_well_is_told_from_a_fault() {
        let well = Emergency { code: 0, register: ErrorRegister(0), data: [0; 5] };
        assert!(well.is_reset());
        assert_eq!(well.to_string(), "0000h: no fault any more; error register 00h");
    }
}
