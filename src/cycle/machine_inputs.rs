//! Digital inputs and outputs of the machine: emergency stop, enabling device, limit switches, and named inputs
//! and outputs with reactions to faults.

use crate::fault::{Fault, Reaction};
use crate::ids::{AxisId, BusId};

/// Where one bit stands in the process images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BitPlace {
    /// The bus.
    pub bus: BusId,
    /// Byte in that bus's image of the direction.
    pub byte: usize,
    /// Bit in the byte, 0 is the lowest.
    pub bit: u8,
}

/// What an input is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputRole {
    /// Active = closed = safe. Open stops the whole machine and latches a fault.
    EmergencyStop,
    /// Active = held. Without it nothing moves; let go in motion, it is a fault.
    EnablingDevice,
    /// Active = the axis stands on its positive limit switch.
    PositiveLimit(AxisId),
    /// Active = the axis stands on its negative limit switch.
    NegativeLimit(AxisId),
    /// Shown to clients; a fault with this reaction when active, if there is one.
    General(Option<Reaction>),
}

/// One named input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputParameters {
    /// Where it is.
    pub place: BitPlace,
    /// Active when the bit is 0.
    pub active_low: bool,
    /// What it is for.
    pub role: InputRole,
}

/// One named output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputParameters {
    /// Where it is.
    pub place: BitPlace,
    /// Switched to this while the machine has a fault; `None` leaves it.
    pub on_fault: Option<bool>,
}

/// What the inputs say in one cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputState {
    /// Active inputs, one bit each, in the configuration's order.
    pub active: u64,
    /// Every emergency stop is closed.
    pub safe: bool,
    /// Every enabling device is held.
    pub enabled: bool,
    /// One bit an axis: on its positive limit switch.
    pub positive_limits: u64,
    /// One bit an axis: on its negative limit switch.
    pub negative_limits: u64,
}

/// The machine's digital inputs and outputs. Loops are bounded by `MAX_DIGITAL_INPUTS` and `MAX_DIGITAL_OUTPUTS`.
pub struct MachineInputs {
    inputs: Box<[InputParameters]>,
    outputs: Box<[OutputParameters]>,
    switched_on: u64,
}

impl MachineInputs {
    /// Inputs and outputs as configured; every output off.
    pub fn new(inputs: Vec<InputParameters>, outputs: Vec<OutputParameters>) -> MachineInputs {
        MachineInputs { inputs: inputs.into(), outputs: outputs.into(), switched_on: 0 }
    }

    /// Reads every input; `byte_of` gives a byte of a bus's input image.
    pub fn read(&self, byte_of: impl Fn(BusId, usize) -> u8) -> InputState {
        let mut state = InputState { safe: true, enabled: true, ..InputState::default() };
        for (index, input) in self.inputs.iter().enumerate() {
            let bit = byte_of(input.place.bus, input.place.byte) >> input.place.bit & 1 != 0;
            let active = bit != input.active_low;
            state.active |= u64::from(active) << index;
            match input.role {
                InputRole::EmergencyStop => state.safe &= active,
                InputRole::EnablingDevice => state.enabled &= active,
                InputRole::PositiveLimit(axis) => state.positive_limits |= u64::from(active) << axis.0,
                InputRole::NegativeLimit(axis) => state.negative_limits |= u64::from(active) << axis.0,
                InputRole::General(_) => {}
            }
        }
        state
    }

    /// The first active input that is a fault, with its reaction.
    pub fn fault(&self, active: u64) -> Option<(u8, Fault, Reaction)> {
        self.inputs.iter().enumerate().find_map(|(index, input)| match input.role {
            InputRole::General(Some(reaction)) if active >> index & 1 != 0 => {
                Some((index as u8, Fault::InputFault, reaction))
            }
            _ => None,
        })
    }

    /// How many outputs there are.
    pub fn output_count(&self) -> usize {
        self.outputs.len()
    }

    /// Switches an output; false if there is no such output.
    pub fn switch(&mut self, output: u8, on: bool) -> bool {
        let known = usize::from(output) < self.outputs.len();
        if known {
            self.switched_on = self.switched_on & !(1 << output) | u64::from(on) << output;
        }
        known
    }

    /// Writes every output; `faulted` applies the reactions to faults. A reaction stays until the output is switched again.
    /// Returns the outputs that are on, one bit each.
    pub fn write(&mut self, faulted: bool, mut byte_of: impl FnMut(BusId, usize, u8, bool)) -> u64 {
        for (index, output) in self.outputs.iter().enumerate() {
            if let (true, Some(on)) = (faulted, output.on_fault) {
                self.switched_on = self.switched_on & !(1 << index) | u64::from(on) << index;
            }
            byte_of(output.place.bus, output.place.byte, output.place.bit, self.switched_on >> index & 1 != 0);
        }
        self.switched_on
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Scope, StopKind};

    fn input(bit: u8, active_low: bool, role: InputRole) -> InputParameters {
        InputParameters { place: BitPlace { bus: BusId(0), byte: 0, bit }, active_low, role }
    }

    #[test]
    fn a_normally_closed_switch_is_active_when_its_wire_breaks() {
        let machine = MachineInputs::new(vec![input(3, true, InputRole::PositiveLimit(AxisId(5)))], Vec::new());
        assert_eq!(machine.read(|_, _| 0).positive_limits, 1 << 5);
        assert_eq!(machine.read(|_, _| 1 << 3).positive_limits, 0);
    }

    #[test]
    fn every_emergency_stop_and_enabling_device_must_be_closed() {
        let roles = [InputRole::EmergencyStop, InputRole::EmergencyStop, InputRole::EnablingDevice];
        let inputs = roles.iter().enumerate().map(|(bit, role)| input(bit as u8, false, *role)).collect();
        let machine = MachineInputs::new(inputs, Vec::new());
        for bits in 0..8u8 {
            let state = machine.read(|_, _| bits);
            assert_eq!(state.safe, bits & 0b11 == 0b11, "{bits:03b}");
            assert_eq!(state.enabled, bits & 0b100 != 0, "{bits:03b}");
            assert_eq!(state.active, u64::from(bits));
        }
    }

    #[test]
    fn an_active_fault_input_names_itself_and_its_reaction() {
        let reaction = Reaction { scope: Scope::All, stop: StopKind::Ramp };
        let inputs =
            vec![input(0, false, InputRole::General(None)), input(1, false, InputRole::General(Some(reaction)))];
        let machine = MachineInputs::new(inputs, Vec::new());
        assert_eq!(machine.fault(0b01), None);
        assert_eq!(machine.fault(0b11), Some((1, Fault::InputFault, reaction)));
    }

    #[test]
    fn outputs_take_their_fault_state_and_keep_it_until_switched_again() {
        let place = |bit| BitPlace { bus: BusId(0), byte: 0, bit };
        let outputs = vec![
            OutputParameters { place: place(0), on_fault: Some(false) },
            OutputParameters { place: place(1), on_fault: None },
            OutputParameters { place: place(2), on_fault: Some(true) },
        ];
        let mut machine = MachineInputs::new(Vec::new(), outputs);
        assert!(machine.switch(0, true) && machine.switch(1, true) && !machine.switch(3, true));
        let image = |machine: &mut MachineInputs, faulted| {
            let mut byte = 0u8;
            let on = machine.write(faulted, |_, _, bit, on| byte |= u8::from(on) << bit);
            assert_eq!(u64::from(byte), on);
            byte
        };
        assert_eq!(image(&mut machine, false), 0b011);
        assert_eq!(image(&mut machine, true), 0b110);
        assert_eq!(image(&mut machine, false), 0b110);
        machine.switch(0, true);
        assert_eq!(image(&mut machine, false), 0b111);
    }
}
