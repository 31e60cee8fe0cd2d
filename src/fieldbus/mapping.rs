//! What stands where in a device's part of the process image (PDO mapping, CiA 301 / ETG.1000.6).

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
