//! What stands where in a device's part of the process image (PDO mapping, CiA 301 / ETG.1000.6).

use crate::limits::MAX_DEVICE_AXES;

/// First object of the first axis of a drive (CiA 402-2).
const FIRST_AXIS: u16 = 0x6000;
/// Objects from one axis of a device to the next (CiA 402-2, ETG.6010): 6840h is the second axis's controlword.
const AXIS_OBJECTS: u16 = 0x800;
/// PDOs from one axis of a device to the next (ETG.6010): 1610h is the second axis's first.
const AXIS_PDOS: u16 = 0x10;

/// One mapped object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PdoEntry {
    /// Object index, for example 6040h.
    pub index: u16,
    /// Object sub-index.
    pub subindex: u8,
    /// Length in bits; a multiple of 8.
    pub bits: u8,
}

impl PdoEntry {
    /// The axis of a drive whose object it is, from 0; `None` for objects of the whole device, and for gaps.
    pub fn axis(&self) -> Option<u8> {
        let axis = self.index.checked_sub(FIRST_AXIS)? / AXIS_OBJECTS;
        (axis < MAX_DEVICE_AXES as u16).then_some(axis as u8)
    }

    /// The same object of another axis, where it is one of the first axis's.
    pub fn of_axis(self, axis: u8) -> PdoEntry {
        if self.axis() == Some(0) { PdoEntry { index: axis_object(self.index, axis), ..self } } else { self }
    }
}

/// The index of an axis's object, by that of the same object of the first axis.
pub fn axis_object(index: u16, axis: u8) -> u16 {
    index + AXIS_OBJECTS * u16::from(axis)
}

/// The first PDO of an axis, behind 1600h or 1A00h.
pub fn axis_pdo(axis: u8) -> u16 {
    AXIS_PDOS * u16::from(axis)
}

/// The axis of a PDO, by its place behind 1600h or 1A00h.
pub fn axis_of_pdo(number: u16) -> u8 {
    (number / AXIS_PDOS).min(u16::from(u8::MAX)) as u8
}

/// The PDOs of a drive that hold these entries in their order: each with its place behind 1600h or 1A00h. A new one begins
/// where another axis's objects begin.
pub fn drive_pdos(entries: &[PdoEntry]) -> Vec<(u16, &[PdoEntry])> {
    let mut pdos: Vec<(u16, &[PdoEntry])> = Vec::new();
    let mut begun = [0; MAX_DEVICE_AXES];
    let mut rest = entries;
    while let Some(axis) = rest.iter().map(|entry| entry.axis().unwrap_or(0)).next() {
        // Objects of the whole device stay with the axis before them.
        let other = |entry: &PdoEntry| entry.axis().is_some_and(|other| other != axis);
        let (of_axis, others) = rest.split_at(rest.iter().position(other).unwrap_or(rest.len()));
        let number = &mut begun[usize::from(axis)];
        pdos.push((axis_pdo(axis) + *number, of_axis));
        *number += 1;
        rest = others;
    }
    pdos
}

/// The place of one device in the process images of its bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceLayout {
    /// First byte of its outputs (master to device).
    pub output_offset: usize,
    /// What the outputs hold, in order, without gaps.
    pub outputs: Vec<PdoEntry>,
    /// First byte of its inputs (device to master).
    pub input_offset: usize,
    /// What the inputs hold, in order, without gaps.
    pub inputs: Vec<PdoEntry>,
}

impl DeviceLayout {
    /// Bytes of its outputs.
    pub fn output_bytes(&self) -> usize {
        bytes(&self.outputs)
    }

    /// Bytes of its inputs.
    pub fn input_bytes(&self) -> usize {
        bytes(&self.inputs)
    }

    /// The same place as one axis of the device has it: its objects as if it were the first, the other axes' as gaps.
    pub fn of_axis(&self, axis: u8) -> DeviceLayout {
        let seen = |entry: &PdoEntry| match entry.axis() {
            None => *entry,
            Some(other) if other == axis => PdoEntry { index: entry.index - AXIS_OBJECTS * u16::from(axis), ..*entry },
            Some(_) => PdoEntry { index: 0, subindex: 0, ..*entry },
        };
        DeviceLayout {
            outputs: self.outputs.iter().map(seen).collect(),
            inputs: self.inputs.iter().map(seen).collect(),
            output_offset: self.output_offset,
            input_offset: self.input_offset,
        }
    }
}

fn bytes(entries: &[PdoEntry]) -> usize {
    entries.iter().map(|entry| usize::from(entry.bits / 8)).sum()
}

/// Byte offset and length of an object within a mapping.
pub fn place(entries: &[PdoEntry], index: u16, subindex: u8) -> Option<(usize, usize)> {
    let mut offset = 0;
    for entry in entries {
        let length = usize::from(entry.bits / 8);
        if entry.index == index && entry.subindex == subindex {
            return Some((offset, length));
        }
        offset += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u16) -> PdoEntry {
        PdoEntry { index, subindex: 0, bits: 16 }
    }

    #[test]
    fn each_axis_has_pdos_of_its_own_in_the_order_of_the_image() {
        let entries = [0x6040, 0x2001, 0x6840, 0x687A, 0x607A, 0xB000].map(entry);
        let pdos = drive_pdos(&entries);
        let expected: [(u16, &[PdoEntry]); 3] = [(0x00, &entries[..2]), (0x10, &entries[2..4]), (0x01, &entries[4..])];
        assert_eq!(pdos, expected);
        assert_eq!(drive_pdos(&[]), []);
        assert_eq!(entry(0x6040).of_axis(7).index, 0x9840);
        assert_eq!(entry(0x9840).axis(), Some(7));
    }

    #[test]
    fn an_axis_sees_its_own_objects_where_they_are() {
        let outputs = [0x6040, 0x2001, 0x6840].map(entry).to_vec();
        let device = DeviceLayout { output_offset: 4, outputs, input_offset: 9, inputs: vec![entry(0x6841)] };
        let (first, second) = (device.of_axis(0), device.of_axis(1));
        assert_eq!(place(&first.outputs, 0x6040, 0), Some((0, 2)));
        assert_eq!(place(&second.outputs, 0x6040, 0), Some((4, 2)));
        assert_eq!(place(&second.inputs, 0x6041, 0), Some((0, 2)));
        assert_eq!(place(&first.inputs, 0x6041, 0), None);
        assert_eq!((second.output_offset, second.output_bytes(), second.input_offset), (4, 6, 9));
    }
}
