//! The hand that reaches into a running simulation: faults, inputs, and a look at the plant.
//!
//! [`SimulationControl`] is for ordinary threads (the test-only command, tests); the simulation itself holds the
//! [`ControlPort`] and only loads and stores atomics, a bounded number an exchange.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::simulation::fault_plan::{SimulatedFault, SimulatedFaultKind};

/// Commands that wait for the next exchange.
pub const CONTROL_COMMANDS: usize = 64;

/// What really happens on the motor shaft, independent of encoder, scaling and bus.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlantState {
    /// Position of the motor shaft, turns.
    pub position_turns: f64,
    /// Velocity of the motor shaft, turns per second.
    pub velocity_turns_s: f64,
    /// Torque of the motor, newton metres.
    pub torque_nm: f64,
    /// The brake is fully open (always, without a brake).
    pub brake_released: bool,
    /// The power stage is on.
    pub powered: bool,
}

/// One command to the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlCommand {
    /// A fault begins with the next exchange.
    Inject(SimulatedFault),
    /// Every active fault ends with the next exchange; the plan goes on.
    ClearFaults,
    /// A digital input of a device changes: of a terminal its bit, of a drive the bit of 60FDh (16 and above).
    SetInput {
        /// The device, by its place on the bus.
        device: u8,
        /// Bit of its inputs, below 64.
        bit: u8,
        /// Its new value.
        value: bool,
    },
}

/// Why a command did not reach the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// No device has this place on the bus.
    NoSuchDevice,
    /// The bit is not below 64.
    NoSuchInput,
    /// [`CONTROL_COMMANDS`] commands already wait.
    Full,
}

/// The outer end, for ordinary threads; clones share one simulation.
#[derive(Clone, Debug)]
pub struct SimulationControl {
    shared: Arc<Shared>,
    /// Place of the next command. Only senders lock it: the simulation never does.
    write: Arc<Mutex<usize>>,
}

/// The simulation's end.
#[derive(Debug)]
pub struct ControlPort {
    shared: Arc<Shared>,
    read: usize,
}

#[derive(Debug)]
struct Shared {
    /// Encoded commands; 0 is an empty place. A sender fills with Release, the simulation empties with Release, and
    /// each side looks with Acquire.
    commands: [AtomicU64; CONTROL_COMMANDS],
    plants: Vec<[AtomicU64; PLANT_WORDS]>,
}

/// Position, velocity, torque, flags, outputs.
const PLANT_WORDS: usize = 5;

/// Both ends for a bus of this many devices.
pub fn control(devices: usize) -> (SimulationControl, ControlPort) {
    let shared = Arc::new(Shared {
        commands: [const { AtomicU64::new(0) }; CONTROL_COMMANDS],
        plants: (0..devices).map(|_| [const { AtomicU64::new(0) }; PLANT_WORDS]).collect(),
    });
    let control = SimulationControl { shared: Arc::clone(&shared), write: Arc::new(Mutex::new(0)) };
    (control, ControlPort { shared, read: 0 })
}

impl SimulationControl {
    /// Begins a fault with the next exchange.
    pub fn inject(&self, fault: SimulatedFault) -> Result<(), ControlError> {
        self.known(fault.device)?;
        self.send(ControlCommand::Inject(fault))
    }

    /// Ends every active fault with the next exchange.
    pub fn clear_faults(&self) -> Result<(), ControlError> {
        self.send(ControlCommand::ClearFaults)
    }

    /// Sets a digital input with the next exchange.
    pub fn set_input(&self, device: u8, bit: u8, value: bool) -> Result<(), ControlError> {
        self.known(device)?;
        if bit >= 64 {
            return Err(ControlError::NoSuchInput);
        }
        self.send(ControlCommand::SetInput { device, bit, value })
    }

    /// The plant of a device as of the last exchange. Its fields may be of two exchanges when read while one runs.
    pub fn plant(&self, device: usize) -> Option<PlantState> {
        let words = self.shared.plants.get(device)?;
        let float = |word: usize| f64::from_bits(words[word].load(Ordering::Relaxed));
        let flags = words[3].load(Ordering::Relaxed);
        Some(PlantState {
            position_turns: float(0),
            velocity_turns_s: float(1),
            torque_nm: float(2),
            brake_released: flags & 1 != 0,
            powered: flags & 2 != 0,
        })
    }

    /// The outputs of a terminal, or 60FEh:01 of a drive, as of the last exchange.
    pub fn outputs(&self, device: usize) -> Option<u64> {
        Some(self.shared.plants.get(device)?[4].load(Ordering::Relaxed))
    }

    /// Devices on the bus.
    pub fn devices(&self) -> usize {
        self.shared.plants.len()
    }

    fn known(&self, device: u8) -> Result<(), ControlError> {
        if usize::from(device) < self.devices() { Ok(()) } else { Err(ControlError::NoSuchDevice) }
    }

    fn send(&self, command: ControlCommand) -> Result<(), ControlError> {
        // A sender that panicked while it held the lock left a place that is still right: it moves last.
        let mut write = self.write.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let place = &self.shared.commands[*write % CONTROL_COMMANDS];
        if place.load(Ordering::Acquire) != 0 {
            return Err(ControlError::Full);
        }
        place.store(encode(command), Ordering::Release);
        *write = write.wrapping_add(1);
        Ok(())
    }
}

impl ControlPort {
    /// The next command, if there is one.
    pub fn take(&mut self) -> Option<ControlCommand> {
        let place = &self.shared.commands[self.read % CONTROL_COMMANDS];
        let word = place.load(Ordering::Acquire);
        if word == 0 {
            return None;
        }
        place.store(0, Ordering::Release);
        self.read = self.read.wrapping_add(1);
        decode(word)
    }

    /// Shows the plant and outputs of a device to the outside.
    pub fn publish(&self, device: usize, plant: &PlantState, outputs: u64) {
        if let Some(words) = self.shared.plants.get(device) {
            words[0].store(plant.position_turns.to_bits(), Ordering::Relaxed);
            words[1].store(plant.velocity_turns_s.to_bits(), Ordering::Relaxed);
            words[2].store(plant.torque_nm.to_bits(), Ordering::Relaxed);
            words[3].store(u64::from(plant.brake_released) | u64::from(plant.powered) << 1, Ordering::Relaxed);
            words[4].store(outputs, Ordering::Relaxed);
        }
    }
}

// A command in one word: tag (8 bits, never 0), device (8), argument (16), exchanges (32).
const TAG_CLEAR: u64 = 1;
const TAG_INPUT: u64 = 2;
const TAG_FAULT: u64 = 16;

fn encode(command: ControlCommand) -> u64 {
    let word = |tag: u64, device: u8, argument: u16, exchanges: u32| {
        tag | u64::from(device) << 8 | u64::from(argument) << 16 | u64::from(exchanges) << 32
    };
    match command {
        ControlCommand::ClearFaults => word(TAG_CLEAR, 0, 0, 0),
        ControlCommand::SetInput { device, bit, value } => {
            word(TAG_INPUT, device, u16::from(bit) | u16::from(value) << 8, 0)
        }
        ControlCommand::Inject(SimulatedFault { kind, device, exchanges }) => {
            let (number, argument) = match kind {
                SimulatedFaultKind::DriveFault { code } => (0, code),
                SimulatedFaultKind::SafeTorqueOff => (1, 0),
                SimulatedFaultKind::VoltageLoss => (2, 0),
                SimulatedFaultKind::StuckEncoder => (3, 0),
                SimulatedFaultKind::StaleFeedback => (4, 0),
                SimulatedFaultKind::WrongWorkingCounter => (5, 0),
                SimulatedFaultKind::LostFrame => (6, 0),
                SimulatedFaultKind::LostReply => (7, 0),
                SimulatedFaultKind::LateFrame => (8, 0),
            };
            word(TAG_FAULT + number, device, argument, exchanges)
        }
    }
}

fn decode(word: u64) -> Option<ControlCommand> {
    let (tag, device) = (word & 0xFF, (word >> 8) as u8);
    let (argument, exchanges) = ((word >> 16) as u16, (word >> 32) as u32);
    let kind = match tag {
        TAG_CLEAR => return Some(ControlCommand::ClearFaults),
        TAG_INPUT => {
            return Some(ControlCommand::SetInput { device, bit: argument as u8, value: argument >> 8 != 0 });
        }
        16 => SimulatedFaultKind::DriveFault { code: argument },
        17 => SimulatedFaultKind::SafeTorqueOff,
        18 => SimulatedFaultKind::VoltageLoss,
        19 => SimulatedFaultKind::StuckEncoder,
        20 => SimulatedFaultKind::StaleFeedback,
        21 => SimulatedFaultKind::WrongWorkingCounter,
        22 => SimulatedFaultKind::LostFrame,
        23 => SimulatedFaultKind::LostReply,
        24 => SimulatedFaultKind::LateFrame,
        _ => return None,
    };
    Some(ControlCommand::Inject(SimulatedFault { kind, device, exchanges }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_arrives_as_sent_and_in_order() {
        let (outer, mut port) = control(4);
        let kinds = [
            SimulatedFaultKind::DriveFault { code: 0x8611 },
            SimulatedFaultKind::SafeTorqueOff,
            SimulatedFaultKind::VoltageLoss,
            SimulatedFaultKind::StuckEncoder,
            SimulatedFaultKind::StaleFeedback,
            SimulatedFaultKind::WrongWorkingCounter,
            SimulatedFaultKind::LostFrame,
            SimulatedFaultKind::LostReply,
            SimulatedFaultKind::LateFrame,
        ];
        for round in 0..20u32 {
            for kind in kinds {
                outer.inject(SimulatedFault { kind, device: 3, exchanges: u32::MAX - round }).unwrap();
            }
            outer.set_input(2, 63, round % 2 == 0).unwrap();
            outer.clear_faults().unwrap();
            for kind in kinds {
                let fault = SimulatedFault { kind, device: 3, exchanges: u32::MAX - round };
                assert_eq!(port.take(), Some(ControlCommand::Inject(fault)));
            }
            assert_eq!(port.take(), Some(ControlCommand::SetInput { device: 2, bit: 63, value: round % 2 == 0 }));
            assert_eq!(port.take(), Some(ControlCommand::ClearFaults));
            assert_eq!(port.take(), None);
        }
    }

    #[test]
    fn a_full_mailbox_refuses_and_loses_nothing() {
        let (outer, mut port) = control(1);
        for _ in 0..CONTROL_COMMANDS {
            outer.clear_faults().unwrap();
        }
        assert_eq!(outer.clear_faults(), Err(ControlError::Full));
        for _ in 0..CONTROL_COMMANDS {
            assert_eq!(port.take(), Some(ControlCommand::ClearFaults));
        }
        assert_eq!(port.take(), None);
        assert_eq!(outer.set_input(1, 0, true), Err(ControlError::NoSuchDevice));
        assert_eq!(outer.set_input(0, 64, true), Err(ControlError::NoSuchInput));
    }
}
