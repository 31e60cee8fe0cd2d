//! The objects of a node that are about its communication (CiA 301, 7.5.2): those that a simulated device has on no other bus.

use std::collections::BTreeMap;

use crate::simulation::sdo_abort::SdoAbort;

/// PDOs of each direction.
pub const PDOS: usize = 4;
/// The PDO is off.
const OFF: u32 = 1 << 31;

#[derive(Clone, Copy, Debug)]
struct Object {
    bytes: usize,
    value: u32,
    constant: bool,
}

/// One direction of PDOs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the node: 1400h, 1600h.
    Receive,
    /// From the node: 1800h, 1A00h.
    Transmit,
}

impl Way {
    fn parameters(self) -> u16 {
        if self == Way::Receive { 0x1400 } else { 0x1800 }
    }

    /// The first mapping object.
    pub fn mapping(self) -> u16 {
        if self == Way::Receive { 0x1600 } else { 0x1A00 }
    }

    fn identifier(self) -> u32 {
        if self == Way::Receive { 0x200 } else { 0x180 }
    }
}

/// The communication objects of one node.
#[derive(Clone, Debug)]
pub struct CommunicationObjects {
    objects: BTreeMap<(u16, u8), Object>,
}

impl CommunicationObjects {
    /// As at power-on: every PDO off, no heartbeat. A node without heartbeats has no such objects.
    pub fn new(node: u8, has_heartbeat: bool) -> CommunicationObjects {
        let mut objects = BTreeMap::new();
        let mut add = |index, subindex, bytes, value, constant| {
            objects.insert((index, subindex), Object { bytes, value, constant });
        };
        add(0x1005, 0, 4, 0x80, false);
        add(0x1006, 0, 4, 0, false);
        add(0x100C, 0, 2, 0, false);
        add(0x100D, 0, 1, 0, false);
        add(0x1014, 0, 4, 0x80 + u32::from(node), false);
        if has_heartbeat {
            add(0x1016, 0, 1, 1, true);
            add(0x1016, 1, 4, 0, false);
            add(0x1017, 0, 2, 0, false);
        }
        for way in [Way::Receive, Way::Transmit] {
            for number in 0..PDOS as u16 {
                let index = way.parameters() + number;
                add(index, 0, 1, 2, true);
                add(index, 1, 4, OFF | (way.identifier() + 0x100 * u32::from(number) + u32::from(node)), false);
                add(index, 2, 1, 255, false);
            }
        }
        CommunicationObjects { objects }
    }

    /// Whether the object is one of these.
    pub fn has(&self, index: u16) -> bool {
        self.objects.keys().any(|(other, _)| *other == index)
    }

    /// Reads one.
    pub fn read(&self, index: u16, subindex: u8) -> Result<Vec<u8>, SdoAbort> {
        let object = self.objects.get(&(index, subindex)).ok_or(SdoAbort::NoSubindex)?;
        Ok(object.value.to_le_bytes()[..object.bytes].to_vec())
    }

    /// Writes one.
    pub fn write(&mut self, index: u16, subindex: u8, bytes: &[u8]) -> Result<(), SdoAbort> {
        let object = self.objects.get_mut(&(index, subindex)).ok_or(SdoAbort::NoSubindex)?;
        if object.constant {
            return Err(SdoAbort::ReadOnly);
        }
        if bytes.len() != object.bytes {
            return Err(if bytes.len() > object.bytes { SdoAbort::TooLong } else { SdoAbort::TooShort });
        }
        object.value = bytes.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
        Ok(())
    }

    fn value(&self, index: u16, subindex: u8) -> u32 {
        self.objects.get(&(index, subindex)).map_or(0, |object| object.value)
    }

    /// The identifier of a PDO; `None` where it is off.
    pub fn identifier(&self, way: Way, number: usize) -> Option<u16> {
        let value = self.value(way.parameters() + number as u16, 1);
        (value & OFF == 0).then_some(value as u16 & 0x7FF)
    }

    /// The PDO goes with each SYNC, or is applied at one.
    pub fn is_synchronous(&self, way: Way, number: usize) -> bool {
        self.value(way.parameters() + number as u16, 2) <= 240
    }

    /// Time from heartbeat to heartbeat, milliseconds; 0 is none.
    pub fn heartbeat_ms(&self) -> u32 {
        self.value(0x1017, 0)
    }

    /// Whose heartbeat is awaited, and for how long, milliseconds.
    pub fn consumed(&self) -> Option<(u8, u32)> {
        let value = self.value(0x1016, 1);
        let (node, ms) = ((value >> 16) as u8, value & 0xFFFF);
        (node != 0 && ms != 0).then_some((node, ms))
    }

    /// How long the master may ask for nothing, milliseconds; 0 is for ever.
    pub fn life_time_ms(&self) -> u32 {
        self.value(0x100C, 0) * self.value(0x100D, 0)
    }
}
