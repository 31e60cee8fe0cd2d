//! Digital inputs and outputs on the bus, and numbers behind them.

use crate::simulation::object_dictionary::{ObjectDictionary, Slot};
use crate::simulation::parameters::SimulatedTerminalParameters;
use crate::simulation::process_data::{Direction, ProcessData};

/// A terminal: up to 64 input bits and 64 output bits, by their place in its process data. A number is an object that is as it
/// was written: an input by whoever plays the world, an output by the master.
#[derive(Clone, Debug)]
pub struct DigitalTerminal {
    inputs: u64,
    /// Bits of the inputs and of the outputs that are digital.
    digital_bits: [u32; 2],
    /// Slot, first bit and bits of each mapped object.
    input_objects: Vec<(Slot, u32, u32)>,
    output_objects: Vec<(Slot, u32, u32)>,
    /// Everything that the master writes.
    outputs: Vec<Slot>,
}

impl DigitalTerminal {
    /// A terminal at power-on.
    pub fn new(
        parameters: &SimulatedTerminalParameters,
        process_data: &ProcessData,
        dictionary: &mut ObjectDictionary,
    ) -> DigitalTerminal {
        let SimulatedTerminalParameters { inputs, digital_input_bits, digital_output_bits } = *parameters;
        let mut terminal = DigitalTerminal {
            inputs,
            digital_bits: [digital_input_bits.min(64), digital_output_bits.min(64)],
            input_objects: Vec::new(),
            output_objects: Vec::new(),
            outputs: Vec::new(),
        };
        terminal.map(process_data);
        terminal.show(dictionary);
        terminal
    }

    /// Takes the mapping; on the side of bring-up, as it allocates.
    pub fn map(&mut self, process_data: &ProcessData) {
        let objects = |direction, bits| -> Vec<(Slot, u32, u32)> {
            process_data.places(direction).filter(|&(_, first, _)| first < bits).collect()
        };
        let [inputs, outputs] = self.digital_bits;
        self.input_objects = objects(Direction::Transmit, inputs);
        self.output_objects = objects(Direction::Receive, outputs);
        self.outputs = process_data.places(Direction::Receive).map(|(slot, ..)| slot).collect();
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
        for &slot in &self.outputs {
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
