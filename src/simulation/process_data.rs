//! PDO mapping and assignment: 1600h/1A00h say what a PDO holds, 1C12h/1C13h which PDOs make up the process data.
//!
//! The mapping lives in the object dictionary and can be changed by SDO in Pre-Operational; from it follows a flat list of
//! slots, by which bytes are copied in a cycle.

use crate::fieldbus::mapping::{PdoEntry, axis_of_pdo, axis_pdo, drive_pdos};
use crate::simulation::object_dictionary::{Access, Checked, DataType, Entry, Mapping, ObjectDictionary, Slot};
use crate::simulation::sdo_abort::SdoAbort;

/// Receive PDOs of an axis or a terminal, and as many transmit PDOs.
pub const PDOS: usize = 4;
/// Entries of one PDO.
pub const PDO_ENTRIES: usize = 16;
/// Entries of one direction.
const FLAT: usize = PDOS * PDO_ENTRIES;
/// A mapped gap: bytes without an object.
const GAP: u16 = u16::MAX;

/// Master to device, or device to master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Master to device: 1600h and 1C12h.
    Receive,
    /// Device to master: 1A00h and 1C13h.
    Transmit,
}

impl Direction {
    fn mapping_index(self) -> u16 {
        match self {
            Direction::Receive => 0x1600,
            Direction::Transmit => 0x1A00,
        }
    }

    fn assignment_index(self) -> u16 {
        match self {
            Direction::Receive => 0x1C12,
            Direction::Transmit => 0x1C13,
        }
    }

    fn allows(self, mapping: Mapping) -> bool {
        match self {
            Direction::Receive => matches!(mapping, Mapping::Receive | Mapping::Both),
            Direction::Transmit => matches!(mapping, Mapping::Transmit | Mapping::Both),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Mapped {
    slot: u16,
    /// First byte within the direction's process data.
    offset: u16,
    bytes: u8,
}

/// One direction, ready to copy.
#[derive(Clone, Debug)]
struct Flat {
    entries: [Mapped; FLAT],
    count: usize,
    bytes: usize,
    /// The PDOs that there are, behind 1600h or 1A00h.
    pdos: Vec<u16>,
    /// First slot of 1600h/1A00h, which that of the other PDOs follow, and of 1C12h/1C13h.
    mapping_slot: Slot,
    assignment_slot: Slot,
    direction: Direction,
}

/// Both directions.
#[derive(Clone, Debug)]
pub struct ProcessData {
    receive: Flat,
    transmit: Flat,
}

impl ProcessData {
    /// Adds the mapping objects to `dictionary` and maps `outputs` and `inputs`, 16 entries a PDO and each axis of a drive in
    /// its own; a terminal has no axes. An object that the device does not have becomes plain storage, as a vendor's object
    /// would be.
    pub fn new(
        dictionary: &mut ObjectDictionary,
        axes: usize,
        outputs: &[PdoEntry],
        inputs: &[PdoEntry],
    ) -> Result<ProcessData, String> {
        for (direction, entries) in [(Direction::Receive, outputs), (Direction::Transmit, inputs)] {
            if entries.len() > FLAT {
                return Err(format!("{} mapped objects in one direction, {FLAT} are possible", entries.len()));
            }
            entries.iter().try_for_each(|entry| provide(dictionary, direction, entry))?;
        }
        let mut process_data = ProcessData {
            receive: Flat::new(dictionary, Direction::Receive, axes, outputs)?,
            transmit: Flat::new(dictionary, Direction::Transmit, axes, inputs)?,
        };
        process_data.rebuild(dictionary).map_err(|abort| format!("mapping refused: {abort:?}"))?;
        Ok(process_data)
    }

    /// Bytes of the outputs (master to device).
    pub fn output_bytes(&self) -> usize {
        self.receive.bytes
    }

    /// Bytes of the inputs (device to master).
    pub fn input_bytes(&self) -> usize {
        self.transmit.bytes
    }

    /// Whether the object is among the outputs.
    pub fn receives(&self, slot: Slot) -> bool {
        self.receive.entries[..self.receive.count].iter().any(|mapped| usize::from(mapped.slot) == slot)
    }

    /// Slot, first bit and bits of each mapped object of one direction.
    pub fn places(&self, direction: Direction) -> impl Iterator<Item = (Slot, u32, u32)> {
        let flat = match direction {
            Direction::Receive => &self.receive,
            Direction::Transmit => &self.transmit,
        };
        let mut next = 0;
        let places = flat.entries[..flat.count].iter().map(move |mapped| {
            let first = next;
            next += 8 * u32::from(mapped.bytes);
            (mapped.slot, first, 8 * u32::from(mapped.bytes))
        });
        places.filter(|&(slot, ..)| slot != GAP).map(|(slot, first, bits)| (usize::from(slot), first, bits))
    }

    /// Takes outputs into the dictionary. Bytes beyond the mapping are ignored, missing ones leave their objects.
    pub fn write(&self, dictionary: &mut ObjectDictionary, bytes: &[u8]) {
        // Bound: FLAT entries.
        for mapped in &self.receive.entries[..self.receive.count] {
            let (offset, length) = (usize::from(mapped.offset), usize::from(mapped.bytes));
            // Eight bytes at once where there are as many; a word by bytes at the end.
            let raw = if let Some(&word) = bytes.get(offset..).and_then(|rest| rest.first_chunk::<8>()) {
                u64::from_le_bytes(word) & mask(length)
            } else if let Some(own) = bytes.get(offset..offset + length) {
                from_bytes(own)
            } else {
                return;
            };
            if mapped.slot != GAP {
                dictionary.set_raw(usize::from(mapped.slot), raw);
            }
        }
    }

    /// Gives inputs from the dictionary; gaps become 0. Bytes beyond the mapping stay.
    pub fn read(&self, dictionary: &ObjectDictionary, bytes: &mut [u8]) {
        let end = bytes.len().min(self.transmit.bytes);
        let bytes = &mut bytes[..end];
        // Bound: FLAT entries. Rising offsets, so that an entry overwrites what the word before it had too much.
        for mapped in &self.transmit.entries[..self.transmit.count] {
            let (offset, length) = (usize::from(mapped.offset), usize::from(mapped.bytes));
            let raw = if mapped.slot == GAP { 0 } else { dictionary.raw(usize::from(mapped.slot)) };
            if let Some(word) = bytes.get_mut(offset..).and_then(|rest| rest.first_chunk_mut::<8>()) {
                *word = raw.to_le_bytes();
            } else if let Some(own) = bytes.get_mut(offset..offset + length) {
                to_bytes(raw, own);
            } else {
                return;
            }
        }
    }

    /// Checks the value of a download to a mapping object; `None` for any other object.
    pub fn check(&self, dictionary: &ObjectDictionary, checked: Checked) -> Option<Result<(), SdoAbort>> {
        [&self.receive, &self.transmit].into_iter().find_map(|flat| flat.check(dictionary, checked))
    }

    /// Takes the mapping from the dictionary, after its objects changed.
    pub fn rebuild(&mut self, dictionary: &ObjectDictionary) -> Result<(), SdoAbort> {
        self.receive.rebuild(dictionary)?;
        self.transmit.rebuild(dictionary)
    }
}

fn mask(bytes: usize) -> u64 {
    u64::MAX >> (64 - 8 * bytes.clamp(1, 8))
}

fn from_bytes(bytes: &[u8]) -> u64 {
    match *bytes {
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

fn to_bytes(raw: u64, bytes: &mut [u8]) {
    match bytes.len() {
        1 => bytes[0] = raw as u8,
        2 => bytes.copy_from_slice(&(raw as u16).to_le_bytes()),
        4 => bytes.copy_from_slice(&(raw as u32).to_le_bytes()),
        8 => bytes.copy_from_slice(&raw.to_le_bytes()),
        _ => bytes.fill(0),
    }
}

/// Makes sure that an object of a layout exists and can be mapped.
fn provide(dictionary: &mut ObjectDictionary, direction: Direction, wanted: &PdoEntry) -> Result<(), String> {
    let PdoEntry { index, subindex, bits } = *wanted;
    if index == 0 && bits % 8 == 0 {
        return Ok(());
    }
    let name = format!("object {index:04X}h:{subindex:02X}");
    match dictionary.find(index, subindex) {
        Ok(slot) => {
            let entry = dictionary.entry(slot);
            if entry.data_type.bytes() * 8 != usize::from(bits) {
                return Err(format!("{name} has {} bits, mapped are {bits}", entry.data_type.bytes() * 8));
            }
            if !direction.allows(entry.mapping) {
                return Err(format!("{name} ({}) cannot be mapped in this direction", entry.name));
            }
        }
        Err(_) => {
            let data_type = DataType::unsigned(bits)
                .ok_or_else(|| format!("{name}: {bits} bits; 8, 16, 32 and 64 are possible"))?;
            let (access, mapping) = (Access::ReadWrite, Mapping::Both);
            dictionary.add(Entry { index, subindex, data_type, access, mapping, name: "Vendor object" }, 0);
        }
    }
    Ok(())
}

/// The PDOs of a device, behind 1600h or 1A00h: each axis has its own.
fn pdo_numbers(axes: usize) -> Vec<u16> {
    (0..axes.max(1) as u16).flat_map(|axis| (0..PDOS as u16).map(move |pdo| axis_pdo(axis as u8) + pdo)).collect()
}

/// What stands in which PDO at power-on.
fn at_start<'a>(axes: usize, entries: &'a [PdoEntry], pdos: &[u16]) -> Result<Vec<(u16, &'a [PdoEntry])>, String> {
    let whole = if axes == 0 { vec![(0, entries)] } else { drive_pdos(entries) };
    let mut mapped: Vec<(u16, &[PdoEntry])> = Vec::new();
    for (number, entries) in whole {
        let axis = axis_of_pdo(number);
        for chunk in entries.chunks(PDO_ENTRIES) {
            let used = mapped.iter().filter(|(other, _)| axis_of_pdo(*other) == axis).count() as u16;
            let number = axis_pdo(axis) + used;
            if !pdos.contains(&number) {
                return Err(format!("more than {PDOS} PDOs, or PDOs of an axis that is not there"));
            }
            mapped.push((number, chunk));
        }
    }
    Ok(mapped)
}

impl Flat {
    fn new(
        dictionary: &mut ObjectDictionary,
        direction: Direction,
        axes: usize,
        entries: &[PdoEntry],
    ) -> Result<Flat, String> {
        let pdos: Vec<u16> = pdo_numbers(axes);
        let mapped = at_start(axes, entries, &pdos)?;
        let mut add = |index, subindex: usize, data_type, name, raw| {
            let (subindex, access, mapping) = (subindex as u8, Access::PreOperational, Mapping::No);
            dictionary.add(Entry { index, subindex, data_type, access, mapping, name }, raw)
        };
        let mut mapping_slot = 0;
        for (place, number) in pdos.iter().enumerate() {
            let mapped = mapped.iter().find(|(pdo, _)| pdo == number).map_or(&[][..], |(_, entries)| entries);
            let index = direction.mapping_index() + number;
            let count = add(index, 0, DataType::U8, "PDO mapping", mapped.len() as u64);
            if place == 0 {
                mapping_slot = count;
            }
            for place in 0..PDO_ENTRIES {
                let raw = mapped.get(place).map_or(0, |entry| {
                    u64::from(entry.index) << 16 | u64::from(entry.subindex) << 8 | u64::from(entry.bits)
                });
                add(index, place + 1, DataType::U32, "Mapped object", raw);
            }
        }
        let index = direction.assignment_index();
        let assignment_slot = add(index, 0, DataType::U8, "PDO assignment", mapped.len() as u64);
        for place in 0..pdos.len() {
            let raw = mapped.get(place).map_or(0, |(number, _)| u64::from(direction.mapping_index() + number));
            add(index, place + 1, DataType::U16, "Assigned PDO", raw);
        }
        let entries = [Mapped::default(); FLAT];
        Ok(Flat { entries, count: 0, bytes: 0, pdos, mapping_slot, assignment_slot, direction })
    }

    /// The place of a PDO among those that there are.
    fn place_of(&self, index: u64) -> Option<usize> {
        let number = index.checked_sub(u64::from(self.direction.mapping_index()))?;
        self.pdos.iter().position(|pdo| u64::from(*pdo) == number)
    }

    /// Slot of sub-index 0 of a PDO's mapping.
    fn mapping(&self, pdo: usize) -> Slot {
        self.mapping_slot + pdo * (PDO_ENTRIES + 1)
    }

    fn rebuild(&mut self, dictionary: &ObjectDictionary) -> Result<(), SdoAbort> {
        let (mut count, mut bytes) = (0, 0);
        let mut entries = [Mapped::default(); FLAT];
        let assigned = (dictionary.raw(self.assignment_slot) as usize).min(self.pdos.len());
        for place in 1..=assigned {
            let pdo = self.place_of(dictionary.raw(self.assignment_slot + place)).ok_or(SdoAbort::Range)?;
            let mapped = (dictionary.raw(self.mapping(pdo)) as usize).min(PDO_ENTRIES);
            for place in 1..=mapped {
                // A PDO can be assigned twice, so the flat list can run full.
                if count == FLAT {
                    return Err(SdoAbort::PdoLength);
                }
                let mapped = self.resolve(dictionary, dictionary.raw(self.mapping(pdo) + place))?;
                entries[count] = Mapped { offset: bytes as u16, ..mapped };
                bytes += usize::from(entries[count].bytes);
                count += 1;
            }
        }
        (self.entries, self.count, self.bytes) = (entries, count, bytes);
        Ok(())
    }

    /// The slot of a mapping entry's value.
    fn resolve(&self, dictionary: &ObjectDictionary, raw: u64) -> Result<Mapped, SdoAbort> {
        let (index, subindex, bits) = ((raw >> 16) as u16, (raw >> 8) as u8, raw as u8);
        if index == 0 {
            return if bits % 8 == 0 {
                Ok(Mapped { slot: GAP, offset: 0, bytes: bits / 8 })
            } else {
                Err(SdoAbort::CannotMap)
            };
        }
        let slot = dictionary.find(index, subindex)?;
        let entry = dictionary.entry(slot);
        if !self.direction.allows(entry.mapping) {
            return Err(SdoAbort::CannotMap);
        }
        if entry.data_type.bytes() * 8 != usize::from(bits) {
            return Err(SdoAbort::Length);
        }
        Ok(Mapped { slot: slot as u16, offset: 0, bytes: bits / 8 })
    }

    fn check(&self, dictionary: &ObjectDictionary, checked: Checked) -> Option<Result<(), SdoAbort>> {
        let Checked { slot, raw } = checked;
        let pdos = self.pdos.len();
        if (self.mapping_slot..self.mapping(pdos)).contains(&slot) {
            let place = (slot - self.mapping_slot) % (PDO_ENTRIES + 1);
            let count = slot - place;
            return Some(if place != 0 {
                if dictionary.raw(count) != 0 {
                    Err(SdoAbort::CountNotZero)
                } else if raw == 0 {
                    Ok(())
                } else {
                    self.resolve(dictionary, raw).map(|_| ())
                }
            } else if raw as usize > PDO_ENTRIES {
                Err(SdoAbort::PdoLength)
            } else {
                (1..=raw as usize).try_for_each(|n| self.resolve(dictionary, dictionary.raw(count + n)).map(|_| ()))
            });
        }
        if (self.assignment_slot..=self.assignment_slot + pdos).contains(&slot) {
            let place = slot - self.assignment_slot;
            return Some(if place == 0 {
                let valid = |n| self.place_of(dictionary.raw(self.assignment_slot + n)).is_some();
                if raw as usize > pdos {
                    Err(SdoAbort::TooHigh)
                } else if (1..=raw as usize).all(valid) {
                    Ok(())
                } else {
                    Err(SdoAbort::Range)
                }
            } else if dictionary.raw(self.assignment_slot) != 0 {
                Err(SdoAbort::CountNotZero)
            } else if raw == 0 || self.place_of(raw).is_some() {
                Ok(())
            } else {
                Err(SdoAbort::Range)
            });
        }
        None
    }
}
