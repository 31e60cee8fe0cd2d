//! What a device says about an object and about a part of one.

use crate::fieldbus::ethercat::mailbox::bytes::Reader;

/// What kind of object it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectCode {
    /// One value.
    Variable,
    /// Values of one type.
    Array,
    /// Values of several types.
    Record,
    /// A number that CiA 301 does not give to objects of a device.
    Other(u8),
}

impl ObjectCode {
    fn from_number(number: u8) -> ObjectCode {
        match number {
            7 => ObjectCode::Variable,
            8 => ObjectCode::Array,
            9 => ObjectCode::Record,
            other => ObjectCode::Other(other),
        }
    }
}

/// What an object is. The name is the device's, of any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectDescription<'a> {
    /// Type of its value, or the number of its record type (CiA 301: 0005h is unsigned of 8 bits).
    pub data_type: u16,
    /// Its highest subindex.
    pub max_subindex: u8,
    /// What kind of object it is.
    pub code: ObjectCode,
    /// Its name.
    pub name: &'a [u8],
}

impl<'a> ObjectDescription<'a> {
    /// The answer behind its index.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<ObjectDescription<'a>> {
        let mut reader = Reader::new(bytes);
        let (data_type, max_subindex) = (reader.u16()?, reader.u8()?);
        let code = ObjectCode::from_number(reader.u8()?);
        Some(ObjectDescription { data_type, max_subindex, code, name: reader.rest() })
    }
}

/// Who may do what with a part of an object, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ObjectAccess(pub u16);

impl ObjectAccess {
    /// Readable in Pre-Operational, Safe-Operational and Operational.
    pub fn readable(self) -> [bool; 3] {
        [self.0 & 0x01 != 0, self.0 & 0x02 != 0, self.0 & 0x04 != 0]
    }

    /// Writable in Pre-Operational, Safe-Operational and Operational.
    pub fn writable(self) -> [bool; 3] {
        [self.0 & 0x08 != 0, self.0 & 0x10 != 0, self.0 & 0x20 != 0]
    }

    /// Can be mapped into the outputs (RxPDO).
    pub fn maps_to_outputs(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// Can be mapped into the inputs (TxPDO).
    pub fn maps_to_inputs(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// Belongs to what is stored for the replacement of the device.
    pub fn is_backup(self) -> bool {
        self.0 & 0x100 != 0
    }

    /// Belongs to what is written at start-up.
    pub fn is_setting(self) -> bool {
        self.0 & 0x200 != 0
    }
}

/// What a part of an object is. The values are little-endian, as long as the part; the name is the device's, of any bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryDescription<'a> {
    /// Type of its value (CiA 301: 0005h is unsigned of 8 bits).
    pub data_type: u16,
    /// Length of its value, bits.
    pub bits: u16,
    /// Who may do what with it.
    pub access: ObjectAccess,
    /// Its unit as ETG.1004 numbers it.
    pub unit: Option<u32>,
    /// Its value when the device leaves the factory.
    pub default: Option<&'a [u8]>,
    /// Its lowest value.
    pub minimum: Option<&'a [u8]>,
    /// Its highest value.
    pub maximum: Option<&'a [u8]>,
    /// Its name.
    pub name: &'a [u8],
}

impl<'a> EntryDescription<'a> {
    /// The answer behind index and subindex.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<EntryDescription<'a>> {
        let mut reader = Reader::new(bytes);
        let values = reader.u8()?;
        let (data_type, bits) = (reader.u16()?, reader.u16()?);
        let access = ObjectAccess(reader.u16()?);
        let unit = if values & 0x08 != 0 { Some(reader.u32()?) } else { None };
        let length = usize::from(bits).div_ceil(8);
        let mut value = |bit: u8| if values & bit != 0 { reader.bytes(length).map(Some) } else { Some(None) };
        let (default, minimum, maximum) = (value(0x10)?, value(0x20)?, value(0x40)?);
        Some(EntryDescription { data_type, bits, access, unit, default, minimum, maximum, name: reader.rest() })
    }
}
