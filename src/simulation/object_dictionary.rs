//! The object dictionary of a device (CiA 301, ETG.1000.6): typed entries, access rights, SDO-like access.
//!
//! An entry is found by index and sub-index (SDO) or by its [`Slot`], its place in the table (process data and the
//! device itself). Nothing allocates after construction but a download of text.

use crate::simulation::sdo_abort::SdoAbort;

/// Longest text that is taken, bytes: several mailboxes of the simulated devices.
const MAX_TEXT_BYTES: usize = 512;

/// Place of an entry in the table; never changes.
pub type Slot = usize;

/// Basic data types (CiA 301 table 44).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum DataType {
    /// INTEGER8.
    I8 = 0x0002,
    /// INTEGER16.
    I16 = 0x0003,
    /// INTEGER32.
    I32 = 0x0004,
    /// UNSIGNED8.
    U8 = 0x0005,
    /// UNSIGNED16.
    U16 = 0x0006,
    /// UNSIGNED32.
    U32 = 0x0007,
    /// VISIBLE_STRING.
    Text = 0x0009,
    /// UNSIGNED64.
    U64 = 0x001B,
}

impl DataType {
    /// Bytes of a value; 0 for text.
    pub fn bytes(self) -> usize {
        match self {
            DataType::I8 | DataType::U8 => 1,
            DataType::I16 | DataType::U16 => 2,
            DataType::I32 | DataType::U32 => 4,
            DataType::U64 => 8,
            DataType::Text => 0,
        }
    }

    /// The unsigned type of this many bits.
    pub fn unsigned(bits: u8) -> Option<DataType> {
        match bits {
            8 => Some(DataType::U8),
            16 => Some(DataType::U16),
            32 => Some(DataType::U32),
            64 => Some(DataType::U64),
            _ => None,
        }
    }

    /// The value of these raw bits.
    pub fn value(self, raw: u64) -> i64 {
        match self {
            DataType::I8 => i64::from(raw as i8),
            DataType::I16 => i64::from(raw as i16),
            DataType::I32 => i64::from(raw as i32),
            _ => raw as i64,
        }
    }

    /// The raw bits of a value, or `None` where it does not fit.
    pub fn raw(self, value: i64) -> Option<u64> {
        let raw = match self.bytes() {
            0 => return None,
            8 => value as u64,
            bytes => value as u64 & ((1 << (8 * bytes)) - 1),
        };
        (self.value(raw) == value).then_some(raw)
    }
}

/// Who may write an entry by SDO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nobody; the device changes it.
    ReadOnly,
    /// Nobody; it never changes.
    Constant,
    /// The master, in every state.
    ReadWrite,
    /// The master, in Pre-Operational only.
    PreOperational,
}

/// Into which PDOs an entry can be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// None.
    No,
    /// Receive PDOs (master to device).
    Receive,
    /// Transmit PDOs (device to master).
    Transmit,
    /// Both.
    Both,
}

/// One entry's description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Object index.
    pub index: u16,
    /// Object sub-index.
    pub subindex: u8,
    /// Type of its value.
    pub data_type: DataType,
    /// Who may write it.
    pub access: Access,
    /// Where it can be mapped.
    pub mapping: Mapping,
    /// Its name, for object descriptions.
    pub name: &'static str,
}

/// A value as transferred by SDO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Which entry.
    pub slot: Slot,
    /// Its new raw bits.
    pub raw: u64,
}

/// All objects of one device.
#[derive(Clone, Debug, Default)]
pub struct ObjectDictionary {
    entries: Vec<Entry>,
    values: Vec<u64>,
    texts: Vec<String>,
    /// Slots by rising index and sub-index.
    order: Vec<Slot>,
}

/// The values of consecutive entries, counted from the first of them: what one axis of a drive has.
#[derive(Debug)]
pub struct Values<'a>(&'a mut [u64]);

impl Values<'_> {
    /// The raw bits of an entry.
    #[inline]
    pub fn raw(&self, slot: Slot) -> u64 {
        self.0[slot]
    }

    /// Stores raw bits, without any check.
    #[inline]
    pub fn set_raw(&mut self, slot: Slot, raw: u64) {
        self.0[slot] = raw;
    }

    /// An entry as INTEGER32.
    #[inline]
    pub fn i32(&self, slot: Slot) -> i32 {
        self.0[slot] as i32
    }

    /// An entry as INTEGER16.
    #[inline]
    pub fn i16(&self, slot: Slot) -> i16 {
        self.0[slot] as i16
    }

    /// Stores a number as INTEGER32.
    #[inline]
    pub fn set_i32(&mut self, slot: Slot, value: i32) {
        self.0[slot] = u64::from(value as u32);
    }

    /// Stores a number as INTEGER16.
    #[inline]
    pub fn set_i16(&mut self, slot: Slot, value: i16) {
        self.0[slot] = u64::from(value as u16);
    }
}

impl ObjectDictionary {
    /// Adds an entry; its slot is the number of entries before it.
    pub fn add(&mut self, entry: Entry, raw: u64) -> Slot {
        let slot = self.entries.len();
        self.entries.push(entry);
        self.values.push(raw);
        let key = (entry.index, entry.subindex);
        let place = self.order.partition_point(|&other| self.key(other) < key);
        self.order.insert(place, slot);
        slot
    }

    /// Adds a place for a value that no index leads to.
    pub fn add_hidden(&mut self, entry: Entry, raw: u64) -> Slot {
        self.entries.push(entry);
        self.values.push(raw);
        self.entries.len() - 1
    }

    /// The values of so many entries from `first` on.
    pub fn window(&mut self, first: Slot, count: usize) -> Values<'_> {
        Values(&mut self.values[first..first + count])
    }

    /// Adds a constant text.
    pub fn add_text(&mut self, index: u16, name: &'static str, text: &str) -> Slot {
        self.texts.push(text.to_owned());
        let raw = self.texts.len() as u64 - 1;
        let (data_type, access) = (DataType::Text, Access::Constant);
        self.add(Entry { index, subindex: 0, data_type, access, mapping: Mapping::No, name }, raw)
    }

    /// Adds a text that the master may write.
    pub fn add_writable_text(&mut self, index: u16, name: &'static str) -> Slot {
        let slot = self.add_text(index, name, "");
        self.entries[slot].access = Access::ReadWrite;
        slot
    }

    /// Takes a text over; `None` where the entry is none that can be written.
    pub fn take_text(&mut self, index: u16, subindex: u8, bytes: &[u8]) -> Option<Result<(), SdoAbort>> {
        let slot = self.find(index, subindex).ok()?;
        let Entry { data_type: DataType::Text, access: Access::ReadWrite, .. } = self.entries[slot] else {
            return None;
        };
        if bytes.len() > MAX_TEXT_BYTES {
            return Some(Err(SdoAbort::TooLong));
        }
        self.texts[self.values[slot] as usize] = String::from_utf8_lossy(bytes).into_owned();
        Some(Ok(()))
    }

    fn key(&self, slot: Slot) -> (u16, u8) {
        (self.entries[slot].index, self.entries[slot].subindex)
    }

    /// The slot of an entry, if it exists.
    pub fn find(&self, index: u16, subindex: u8) -> Result<Slot, SdoAbort> {
        match self.order.binary_search_by_key(&(index, subindex), |&slot| self.key(slot)) {
            Ok(place) => Ok(self.order[place]),
            Err(_) if self.entries(index).next().is_some() => Err(SdoAbort::NoSubindex),
            Err(_) => Err(SdoAbort::NoObject),
        }
    }

    /// The entries of one object by rising sub-index, for complete access and object descriptions.
    pub fn entries(&self, index: u16) -> impl Iterator<Item = (Slot, &Entry)> {
        let first = self.order.partition_point(|&slot| self.entries[slot].index < index);
        let of_this = self.order[first..].iter().take_while(move |&&slot| self.entries[slot].index == index);
        of_this.map(|&slot| (slot, &self.entries[slot]))
    }

    /// Every object index, rising.
    pub fn indices(&self) -> impl Iterator<Item = u16> {
        let mut last = None;
        self.order.iter().map(|&slot| self.entries[slot].index).filter(move |&index| last.replace(index) != Some(index))
    }

    /// The description of an entry.
    pub fn entry(&self, slot: Slot) -> &Entry {
        &self.entries[slot]
    }

    /// The raw bits of an entry.
    #[inline]
    pub fn raw(&self, slot: Slot) -> u64 {
        self.values[slot]
    }

    /// Stores raw bits, without any check: for the device itself.
    #[inline]
    pub fn set_raw(&mut self, slot: Slot, raw: u64) {
        self.values[slot] = raw;
    }

    /// An entry as INTEGER32.
    #[inline]
    pub fn i32(&self, slot: Slot) -> i32 {
        self.values[slot] as i32
    }

    /// An entry as INTEGER16.
    #[inline]
    pub fn i16(&self, slot: Slot) -> i16 {
        self.values[slot] as i16
    }

    /// Stores a number as INTEGER32.
    #[inline]
    pub fn set_i32(&mut self, slot: Slot, value: i32) {
        self.values[slot] = u64::from(value as u32);
    }

    /// Stores a number as INTEGER16.
    #[inline]
    pub fn set_i16(&mut self, slot: Slot, value: i16) {
        self.values[slot] = u64::from(value as u16);
    }

    /// Reads an entry into `buffer`; the number of bytes, or why not.
    pub fn upload(&self, index: u16, subindex: u8, buffer: &mut [u8]) -> Result<usize, SdoAbort> {
        let slot = self.find(index, subindex)?;
        let raw = self.values[slot].to_le_bytes();
        let bytes = match self.entries[slot].data_type {
            DataType::Text => self.texts[self.values[slot] as usize].as_bytes(),
            number => &raw[..number.bytes()],
        };
        buffer.get_mut(..bytes.len()).ok_or(SdoAbort::TooLong)?.copy_from_slice(bytes);
        Ok(bytes.len())
    }

    /// Checks a download against existence, access and length. The device checks the value and stores it.
    pub fn check(&self, index: u16, subindex: u8, bytes: &[u8], pre_operational: bool) -> Result<Checked, SdoAbort> {
        let slot = self.find(index, subindex)?;
        let entry = &self.entries[slot];
        match entry.access {
            Access::ReadOnly | Access::Constant => return Err(SdoAbort::ReadOnly),
            Access::PreOperational if !pre_operational => return Err(SdoAbort::DeviceState),
            Access::PreOperational | Access::ReadWrite => {}
        }
        let length = entry.data_type.bytes();
        if bytes.len() > length {
            return Err(SdoAbort::TooLong);
        } else if bytes.len() < length {
            return Err(SdoAbort::TooShort);
        }
        let mut raw = [0; 8];
        raw[..length].copy_from_slice(bytes);
        Ok(Checked { slot, raw: u64::from_le_bytes(raw) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u16, subindex: u8, data_type: DataType, access: Access) -> Entry {
        Entry { index, subindex, data_type, access, mapping: Mapping::No, name: "test" }
    }

    fn dictionary() -> ObjectDictionary {
        let mut dictionary = ObjectDictionary::default();
        dictionary.add(entry(0x607A, 0, DataType::I32, Access::ReadWrite), 0xFFFF_FFFF);
        dictionary.add(entry(0x1018, 1, DataType::U32, Access::Constant), 0x1234);
        dictionary.add(entry(0x1018, 0, DataType::U8, Access::Constant), 1);
        dictionary.add(entry(0x1C12, 0, DataType::U8, Access::PreOperational), 1);
        dictionary.add_text(0x1008, "Device name", "x drive");
        dictionary
    }

    #[test]
    fn upload_gives_little_endian_bytes_of_the_type() {
        let dictionary = dictionary();
        let mut buffer = [0; 16];
        assert_eq!(dictionary.upload(0x607A, 0, &mut buffer), Ok(4));
        assert_eq!(buffer[..4], [0xFF; 4]);
        assert_eq!(dictionary.upload(0x1018, 1, &mut buffer), Ok(4));
        assert_eq!(buffer[..4], [0x34, 0x12, 0, 0]);
        assert_eq!(dictionary.upload(0x1008, 0, &mut buffer), Ok(7));
        assert_eq!(&buffer[..7], b"x drive");
        assert_eq!(dictionary.upload(0x1008, 0, &mut [0; 3]), Err(SdoAbort::TooLong));
    }

    #[test]
    fn each_wrong_access_has_its_abort_code() {
        let dictionary = dictionary();
        let check = |index, subindex, bytes: &[u8], pre| dictionary.check(index, subindex, bytes, pre).map(|c| c.raw);
        assert_eq!(check(0x607A, 0, &[1, 0, 0, 0], false), Ok(1));
        assert_eq!(check(0x607A, 0, &[1, 0, 0], false), Err(SdoAbort::TooShort));
        assert_eq!(check(0x607A, 0, &[1, 0, 0, 0, 0], false), Err(SdoAbort::TooLong));
        assert_eq!(check(0x607A, 1, &[1], false), Err(SdoAbort::NoSubindex));
        assert_eq!(check(0x607B, 0, &[1], false), Err(SdoAbort::NoObject));
        assert_eq!(check(0x1018, 1, &[0; 4], true), Err(SdoAbort::ReadOnly));
        assert_eq!(check(0x1008, 0, b"name", true), Err(SdoAbort::ReadOnly));
        assert_eq!(check(0x1C12, 0, &[0], false), Err(SdoAbort::DeviceState));
        assert_eq!(check(0x1C12, 0, &[0], true), Ok(0));
        assert_eq!(SdoAbort::NoSubindex.code(), 0x0609_0011);
    }

    #[test]
    fn objects_are_listed_in_order_however_they_were_added() {
        let dictionary = dictionary();
        assert_eq!(dictionary.indices().collect::<Vec<_>>(), [0x1008, 0x1018, 0x1C12, 0x607A]);
        let subindices: Vec<u8> = dictionary.entries(0x1018).map(|(_, entry)| entry.subindex).collect();
        assert_eq!(subindices, [0, 1]);
    }

    #[test]
    fn a_value_fits_its_type_or_is_refused() {
        assert_eq!(DataType::I8.raw(-1), Some(0xFF));
        assert_eq!(DataType::I8.raw(128), None);
        assert_eq!(DataType::U16.raw(-1), None);
        assert_eq!(DataType::U32.raw(0xFFFF_FFFF), Some(0xFFFF_FFFF));
        assert_eq!(DataType::I32.value(0xFFFF_FFFE), -2);
    }
}
