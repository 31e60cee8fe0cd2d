//! What a CANopen node tells of itself beyond what it is: its axes, its inputs and outputs, its PDOs. Nothing is written to it.

use super::nodes::{FoundNode, read};
use super::survey::DriveFacts;
use crate::fieldbus::canopen::connection::PDOS;
use crate::fieldbus::canopen::sdo::TransferError;
use crate::fieldbus::canopen::wire::CanWire;
use crate::fieldbus::mapping::axis_object;
use crate::fieldbus::sdo::Address;
use crate::limits::MAX_DEVICE_AXES;

// Objects (CiA 301, CiA 401, CiA 402-2).
const RECEIVE_PARAMETERS: u16 = 0x1400;
const RECEIVE_MAPPING: u16 = 0x1600;
const TRANSMIT_PARAMETERS: u16 = 0x1800;
const TRANSMIT_MAPPING: u16 = 0x1A00;
const CONTROLWORD: u16 = 0x6040;
const SUPPORTED_MODES: u16 = 0x6502;
const ENCODER_RESOLUTION: u16 = 0x608F;
const GEAR_RATIO: u16 = 0x6091;
const FEED_CONSTANT: u16 = 0x6092;
const DIGITAL_INPUTS: u16 = 0x6000;
const DIGITAL_OUTPUTS: u16 = 0x6200;
const ANALOG_INPUTS: u16 = 0x6401;
const ANALOG_OUTPUTS: u16 = 0x6411;
/// Entries of one PDO: each bit of eight bytes.
const MOST_ENTRIES: u32 = 64;
/// Bytes of digital inputs, or outputs, that a configuration has.
pub const MOST_BYTES: u8 = 8;

/// PDOs of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pdos {
    /// As many as it has, of those that have an identifier from the set.
    pub count: usize,
    /// What is mapped into them now: index, subindex and bits.
    pub mapped: Vec<(u16, u8, u8)>,
}

/// What a node tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFacts {
    /// Its axes, where it is a drive.
    pub axes: Vec<DriveFacts>,
    /// Bytes of digital inputs and outputs, where it is a terminal.
    pub digital: [u8; 2],
    /// Analogue inputs and outputs likewise.
    pub analog: [u32; 2],
    /// PDOs to it and from it.
    pub pdos: [Pdos; 2],
    /// Why it told no more.
    pub failed: Option<TransferError>,
}

/// Asks a node.
pub fn facts(wire: &mut dyn CanWire, node: &FoundNode) -> NodeFacts {
    let mut facts = NodeFacts::default();
    facts.failed = Asked { wire, node: node.node }.all(node.what(), &mut facts).err();
    facts
}

struct Asked<'a> {
    wire: &'a mut dyn CanWire,
    node: u8,
}

impl Asked<'_> {
    /// The object as a number; nothing where the node has none.
    fn number(&mut self, index: u16, subindex: u8) -> Result<Option<u32>, TransferError> {
        match read(self.wire, self.node, Address::entry(index, subindex)) {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            Ok(bytes) => Ok(Some(bytes.iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte)))),
            Err(TransferError::Aborted { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn pair(&mut self, index: u16) -> Result<Option<(u32, u32)>, TransferError> {
        Ok(self.number(index, 1)?.zip(self.number(index, 2)?))
    }

    /// How many entries an object has: by its subindex 0, else by those that can be read.
    fn entries(&mut self, index: u16) -> Result<u8, TransferError> {
        if let Some(count) = self.number(index, 0)? {
            return Ok(count.min(u32::from(MOST_BYTES)) as u8);
        }
        for subindex in 1..=MOST_BYTES {
            if self.number(index, subindex)?.is_none() {
                return Ok(subindex - 1);
            }
        }
        Ok(MOST_BYTES)
    }

    fn pdos(&mut self, parameters: u16, mapping: u16) -> Result<Pdos, TransferError> {
        let mut pdos = Pdos::default();
        for number in 0..PDOS as u16 {
            if self.number(parameters + number, 1)?.is_none() {
                break;
            }
            pdos.count += 1;
            // From 254 on: parts of another kind (CiA 301, 7.5.2.36).
            let entries = self.number(mapping + number, 0)?.filter(|entries| *entries <= MOST_ENTRIES).unwrap_or(0);
            for place in 1..=entries as u8 {
                let Some(entry) = self.number(mapping + number, place)? else { continue };
                let [bits, subindex, ..] = entry.to_le_bytes();
                pdos.mapped.push(((entry >> 16) as u16, subindex, bits));
            }
        }
        Ok(pdos)
    }

    fn all(&mut self, what: &str, facts: &mut NodeFacts) -> Result<(), TransferError> {
        facts.pdos[0] = self.pdos(RECEIVE_PARAMETERS, RECEIVE_MAPPING)?;
        facts.pdos[1] = self.pdos(TRANSMIT_PARAMETERS, TRANSMIT_MAPPING)?;
        match what {
            "drive" => {
                for axis in 0..MAX_DEVICE_AXES as u8 {
                    let base = axis_object(0, axis);
                    if axis > 0 && self.number(CONTROLWORD + base, 0)?.is_none() {
                        break;
                    }
                    facts.axes.push(DriveFacts {
                        encoder: self.pair(ENCODER_RESOLUTION + base)?,
                        gear: self.pair(GEAR_RATIO + base)?,
                        feed: self.pair(FEED_CONSTANT + base)?,
                        modes: self.number(SUPPORTED_MODES + base, 0)?,
                    });
                }
            }
            "terminal" => {
                facts.digital = [self.entries(DIGITAL_INPUTS)?, self.entries(DIGITAL_OUTPUTS)?];
                facts.analog = [
                    self.number(ANALOG_INPUTS, 0)?.unwrap_or_default(),
                    self.number(ANALOG_OUTPUTS, 0)?.unwrap_or_default(),
                ];
            }
            _ => {}
        }
        Ok(())
    }
}
