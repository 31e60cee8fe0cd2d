//! Objects that a device is given at start, as bytes on the wire.

use super::super::reader::{Place, Reader};
use super::super::schema::{BusKind, Device, DeviceKind, MappingWord, ObjectType, Startup};
use super::common::Common;
use crate::fieldbus::ethercat::mailbox::Address;
use crate::fieldbus::ethercat::objects::ObjectWrite;
use crate::limits::MAX_STARTUP_OBJECTS;

/// What the mapping writes: PDOs, and which of them go by which sync manager.
const fn is_mapping(index: u16) -> bool {
    matches!(index, 0x1400..=0x1BFF | 0x1C10..=0x1C2F)
}

/// The writes, in the order of the file. What is wrong with them is reported.
pub fn startup(reader: &mut Reader<'_>, bus: BusKind, device: &Device, common: &Common) -> Vec<ObjectWrite> {
    if let Some(beyond) = device.startup.get(MAX_STARTUP_OBJECTS) {
        let found = format!("{} objects", device.startup.len());
        reader.report_found(&beyond.place, found, format!("at most {MAX_STARTUP_OBJECTS} for one device"));
        return Vec::new();
    }
    let mapped = *device.kind == DeviceKind::Drive && common.mapping == MappingWord::Free;
    // Places of a profile's objects are in another file.
    let place = &device.profile.place;
    let of_profile = common.startup.iter().filter_map(|object| match fault_of(bus, mapped, object) {
        Some((_, allowed)) => {
            let found = format!("object {:04X}h:{:02X} of the profile", *object.index, *object.subindex);
            reader.report_found(place, found, allowed);
            None
        }
        None => Some(write(object)),
    });
    let mut writes: Vec<ObjectWrite> = of_profile.collect();
    for object in &device.startup {
        match fault_of(bus, mapped, object) {
            Some((place, allowed)) if place.written.is_none() => reader.report_found(place, "this table", allowed),
            Some((place, allowed)) => reader.report(place, allowed),
            None => writes.push(write(object)),
        }
    }
    writes
}

/// What is wrong with an object: where, and what may stand there.
fn fault_of(bus: BusKind, mapped: bool, object: &Startup) -> Option<(&Place, String)> {
    if bus == BusKind::Simulated {
        return Some((&object.place, "nothing: objects at start are written on real buses only".to_string()));
    }
    if mapped && is_mapping(*object.index) {
        let allowed = "another object: a drive's process data are mapped by pdo-outputs and pdo-inputs";
        return Some((&object.index.place, allowed.to_string()));
    }
    let (lowest, highest, _) = object.kind.range();
    if !(lowest..=highest).contains(&object.value) {
        let word = object.kind.word();
        return Some((&object.value.place, format!("from {lowest} to {highest}, which is what type \"{word}\" holds")));
    }
    None
}

fn write(object: &Startup) -> ObjectWrite {
    let (.., bytes) = object.kind.range();
    let address = Address::entry(*object.index, *object.subindex);
    ObjectWrite { address, value: object.value.to_le_bytes()[..bytes].into() }
}

impl ObjectType {
    /// Lowest and highest value, and bytes. Of u64, what a whole number of TOML holds.
    fn range(self) -> (i64, i64, usize) {
        match self {
            ObjectType::U8 => (0, u8::MAX.into(), 1),
            ObjectType::U16 => (0, u16::MAX.into(), 2),
            ObjectType::U32 => (0, u32::MAX.into(), 4),
            ObjectType::U64 => (0, i64::MAX, 8),
            ObjectType::I8 => (i8::MIN.into(), i8::MAX.into(), 1),
            ObjectType::I16 => (i16::MIN.into(), i16::MAX.into(), 2),
            ObjectType::I32 => (i32::MIN.into(), i32::MAX.into(), 4),
            ObjectType::I64 => (i64::MIN, i64::MAX, 8),
        }
    }
}
