//! What an SDO names, what is written by it, and what an abort says: the same over a mailbox and over CAN (CiA 301,
//! ETG.1000.6).

use std::fmt;

/// An object and what is written to it, little-endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectWrite {
    /// The object.
    pub address: Address,
    /// Its new value.
    pub value: Box<[u8]>,
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

    /// An answer about this index and subindex is about this address.
    pub fn matches(self, index: u16, subindex: u8) -> bool {
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
    /// The command is not known, or does not belong here.
    pub const COMMAND: AbortCode = AbortCode(0x0504_0001);
    /// A block of no segments, or of more than 127.
    pub const BLOCK_SIZE: AbortCode = AbortCode(0x0504_0002);
    /// A segment of a block has a number that cannot be.
    pub const SEQUENCE: AbortCode = AbortCode(0x0504_0003);
    /// The checksum of a block transfer is wrong.
    pub const CHECKSUM: AbortCode = AbortCode(0x0504_0004);
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
