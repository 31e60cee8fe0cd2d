//! Named digital inputs and outputs: where their bits stand in the process images.

use super::super::machine::{BusConfig, DeviceConfig, InputConfig, OutputConfig};
use super::super::reader::{At, Reader};
use super::super::schema::{BrakeKind, DeviceKind, File, Input, InputReaction, Output, OutputWord, RoleWord};
use super::buses::{DIGITAL_INPUTS, DIGITAL_OUTPUTS};
use super::{find, find_axis};
use crate::cycle::machine_inputs::{BitPlace, InputParameters, InputRole, OutputParameters};
use crate::fault::{Reaction, Scope, StopKind};
use crate::fieldbus::mapping::{PdoEntry, place};
use crate::ids::BusId;

/// Bits of 60FDh and 60FEh.
pub const AXIS_BITS: u16 = 32;

/// Every input that has a place.
pub fn inputs(reader: &mut Reader<'_>, file: &File, buses: &[BusConfig]) -> Vec<InputConfig> {
    let mut inputs: Vec<InputConfig> = Vec::new();
    for input in &file.inputs {
        let bit = input_bit(reader, input, file, buses);
        let role = role(reader, input, file);
        if let (Some(place), Some(role)) = (bit, role) {
            if let Some(other) = inputs.iter().find(|other| other.parameters.place == place) {
                reader.report(&input.bit.place, format!("a bit of its own (input \"{}\" has this one)", other.name));
            }
            let parameters = InputParameters { place, active_low: *input.active_low, role };
            inputs.push(InputConfig { name: input.name.value.clone(), parameters });
        }
    }
    inputs
}

/// Every output that has a place.
pub fn outputs(reader: &mut Reader<'_>, file: &File, buses: &[BusConfig]) -> Vec<OutputConfig> {
    let mut outputs: Vec<OutputConfig> = Vec::new();
    for output in &file.outputs {
        let Some(place) = output_bit(reader, output, file, buses) else { continue };
        if let Some(other) = outputs.iter().find(|other| other.parameters.place == place) {
            reader.report(&output.bit.place, format!("a bit of its own (output \"{}\" has this one)", other.name));
        }
        let on_fault = match *output.on_fault {
            OutputWord::Keep => None,
            OutputWord::Off => Some(false),
            OutputWord::On => Some(true),
        };
        outputs
            .push(OutputConfig { name: output.name.value.clone(), parameters: OutputParameters { place, on_fault } });
    }
    outputs
}

fn role(reader: &mut Reader<'_>, input: &Input, file: &File) -> Option<InputRole> {
    let word = input.role.word();
    let limit = matches!(*input.role, RoleWord::PositiveLimit | RoleWord::NegativeLimit);
    let axis = match &input.axis.value {
        Some(name) if limit => Some(find_axis(reader, &input.axis.place, name, file)?),
        Some(_) => {
            reader.report(&input.axis.place, format!("nothing: role \"{word}\" concerns no axis"));
            None
        }
        None if limit => {
            reader.report(&input.axis.place, format!("the name of an axis: role \"{word}\" needs it"));
            None
        }
        None => None,
    };
    if *input.reaction != InputReaction::None && *input.role != RoleWord::General {
        reader
            .report(&input.reaction.place, format!("\"none\": what \"{word}\" does is chosen by a table [[reaction]]"));
    }
    let reaction = |stop| Some(Reaction { scope: Scope::All, stop });
    match (*input.role, axis) {
        (RoleWord::General, _) => Some(InputRole::General(match *input.reaction {
            InputReaction::None => None,
            InputReaction::Ramp => reaction(StopKind::Ramp),
            InputReaction::QuickStop => reaction(StopKind::QuickStop),
        })),
        (RoleWord::EmergencyStop, _) => Some(InputRole::EmergencyStop),
        (RoleWord::EnablingDevice, _) => Some(InputRole::EnablingDevice),
        (RoleWord::PositiveLimit, axis) => axis.map(InputRole::PositiveLimit),
        (RoleWord::NegativeLimit, axis) => axis.map(InputRole::NegativeLimit),
    }
}

fn input_bit(reader: &mut Reader<'_>, input: &Input, file: &File, buses: &[BusConfig]) -> Option<BitPlace> {
    let (bus, device) = find_device(reader, &input.bus, &input.device, file, buses)?;
    let layout = &device.layout;
    let bits = file.buses.iter().find(|bus| bus.name.value == *input.bus)?.devices.iter();
    let terminal_bits = bits.into_iter().find(|device| device.name.value == *input.device)?.digital_inputs.value;
    let (first, bit) = first_bit(reader, &input.bit, device, terminal_bits, &layout.inputs, DIGITAL_INPUTS, "inputs")?;
    Some(bit_place(bus, layout.input_offset + first, bit))
}

fn output_bit(reader: &mut Reader<'_>, output: &Output, file: &File, buses: &[BusConfig]) -> Option<BitPlace> {
    let (bus, device) = find_device(reader, &output.bus, &output.device, file, buses)?;
    let here = |bus: &str, device: &str| bus == *output.bus && device == *output.device;
    let braked = file.axes.iter().find(|axis| {
        here(&axis.bus, &axis.device)
            && u16::from(*axis.device_axis) == *output.bit / AXIS_BITS
            && axis.brake.as_ref().is_some_and(|brake| *brake.kind == BrakeKind::Output)
    });
    if let Some(axis) = braked {
        let allowed = format!("another device: the outputs of this drive work the brake of axis \"{}\"", *axis.name);
        reader.report(&output.device.place, allowed);
        return None;
    }
    let layout = &device.layout;
    let bits = file.buses.iter().find(|bus| bus.name.value == *output.bus)?.devices.iter();
    let terminal_bits = bits.into_iter().find(|device| device.name.value == *output.device)?.digital_outputs.value;
    let (first, bit) =
        first_bit(reader, &output.bit, device, terminal_bits, &layout.outputs, DIGITAL_OUTPUTS, "outputs")?;
    Some(bit_place(bus, layout.output_offset + first, bit))
}

/// The device of an input or output.
pub fn find_device<'b>(
    reader: &mut Reader<'_>,
    bus: &At<String>,
    device: &At<String>,
    file: &File,
    buses: &'b [BusConfig],
) -> Option<(BusId, &'b DeviceConfig)> {
    let written = reader.names("bus");
    find(reader, &bus.place, bus, file.buses.iter().map(|bus| bus.name.as_str()), &written, "a bus")?;
    let index = buses.iter().position(|known| known.name == **bus)?;
    let devices = &buses[index].devices;
    let written = reader.device_names(bus);
    let names = devices.iter().map(|device| device.name.as_str());
    let device = find(reader, &device.place, device, names, &written, "a device on this bus")?;
    Some((BusId(index as u8), &devices[device]))
}

/// The first byte of a device's digital inputs or outputs among its own, and the bit from there on; checks that the bit is
/// one of them.
fn first_bit(
    reader: &mut Reader<'_>,
    bit: &At<u16>,
    device: &DeviceConfig,
    terminal_bits: u16,
    entries: &[PdoEntry],
    object: PdoEntry,
    what: &str,
) -> Option<(usize, u16)> {
    // Each axis of a drive has an object of its own.
    let first_object = object;
    let (object, of_object) = match device.kind {
        DeviceKind::Drive => (object.of_axis((**bit / AXIS_BITS) as u8), **bit % AXIS_BITS),
        DeviceKind::Terminal | DeviceKind::Coupler => (object, **bit),
    };
    let (first, bits) = match device.kind {
        DeviceKind::Terminal | DeviceKind::Coupler => (0, terminal_bits),
        DeviceKind::Drive => match place(entries, object.index, object.subindex) {
            Some((offset, bytes)) => (offset, bytes as u16 * 8),
            None => (0, 0),
        },
    };
    if of_object < bits {
        return Some((first, of_object));
    }
    let name = &device.name;
    // One whose first axis has them has no second one in use.
    let first_bits = place(entries, first_object.index, first_object.subindex).map_or(0, |(_, bytes)| bytes as u16 * 8);
    let bits = if device.kind == DeviceKind::Drive { bits.max(first_bits) } else { bits };
    let allowed = match (bits, device.kind) {
        (0, DeviceKind::Drive) => format!("a drive that maps {:04X}h; \"{name}\" does not", object.index),
        (0, DeviceKind::Terminal | DeviceKind::Coupler) => format!("a device with digital {what}; \"{name}\" has none"),
        _ => format!("from 0 to {} (\"{name}\" has {bits} {what})", bits - 1),
    };
    reader.report(&bit.place, allowed);
    None
}

fn bit_place(bus: BusId, first_byte: usize, bit: u16) -> BitPlace {
    BitPlace { bus, byte: first_byte + usize::from(bit / 8), bit: (bit % 8) as u8 }
}
