//! Digital inputs and outputs on the bus.

use crate::simulation::object_dictionary::{ObjectDictionary, Slot};
use crate::simulation::process_data::{Direction, ProcessData};

/// A terminal: up to 64 input bits and 64 output bits, by their place in its process data.
#[derive(Clone, Debug)]
pub struct DigitalTerminal {
    inputs: u64,
    /// Slot, first bit and bits of each mapped object.
    input_objects: Vec<(Slot, u32, u32)>,
    output_objects: Vec<(Slot, u32, u32)>,
}

impl DigitalTerminal {
    /// A terminal whose inputs have these values.
    pub fn new(inputs: u64, process_data: &ProcessData, dictionary: &mut ObjectDictionary) -> DigitalTerminal {
        let mut terminal = DigitalTerminal { inputs, input_objects: Vec::new(), output_objects: Vec::new() };
        terminal.map(process_data);
        terminal.show(dictionary);
        terminal
    }

    /// Takes the mapping; on the side of bring-up, as it allocates.
    pub fn map(&mut self, process_data: &ProcessData) {
        let objects = |direction| -> Vec<(Slot, u32, u32)> {
            process_data.places(direction).filter(|&(_, first, _)| first < 64).collect()
        };
        (self.input_objects, self.output_objects) = (objects(Direction::Transmit), objects(Direction::Receive));
    }

    /// Sets one input.
    pub fn set_input(&mut self, dictionary: &mut ObjectDictionary, bit: u8, value: bool) {
        let mask = 1u64.checked_shl(u32::from(bit)).unwrap_or(0);
        self.inputs = if value { self.inputs | mask } else { self.inputs & !mask };
        self.show(dictionary);
    }

    /// One input.
    pub fn input(&self, bit: u8) -> bool {
        self.inputs.checked_shr(u32::from(bit)).unwrap_or(0) & 1 != 0
    }

    /// The outputs as wired: bit `n` is bit `n % 8` of byte `n / 8` of the outputs.
    pub fn outputs(&self, dictionary: &ObjectDictionary) -> u64 {
        self.output_objects.iter().fold(0, |outputs, &(slot, first, _)| outputs | dictionary.raw(slot) << first)
    }

    /// Takes every output back, as without outputs from the master.
    pub fn clear_outputs(&self, dictionary: &mut ObjectDictionary) {
        for &(slot, ..) in &self.output_objects {
            dictionary.set_raw(slot, 0);
        }
    }

    fn show(&self, dictionary: &mut ObjectDictionary) {
        for &(slot, first, bits) in &self.input_objects {
            let mask = if bits < 64 { (1 << bits) - 1 } else { u64::MAX };
            dictionary.set_raw(slot, self.inputs >> first & mask);
        }
    }
}
