//! The machine's names and limits, from the configuration to those who show them.

use crate::config::{AnalogInputConfig, AnalogOutputConfig, MachineConfig};
use crate::cycle::machine_analogs::{AnalogPlace, AnalogScale};
use crate::gateway::{AnalogDescription, AxisDescription, GroupDescription, InForce, MachineDescription, boot_id};
use std::sync::Arc;

/// The description that clients get.
pub fn machine(config: &MachineConfig) -> MachineDescription {
    MachineDescription {
        name: config.name.clone(),
        boot_id: boot_id(),
        period_ns: config.period_ns,
        simulated: config.is_simulated(),
        axes: config
            .axes
            .iter()
            .map(|axis| AxisDescription {
                name: axis.name.clone(),
                unit: axis.motion.unit,
                at_start: InForce {
                    figures: axis.figures(),
                    overrides: Arc::new(config.overrides_of(&axis.name)),
                    latest: None,
                },
                modulo: axis.motion.modulo,
            })
            .collect(),
        groups: config
            .groups
            .iter()
            .map(|group| GroupDescription {
                name: group.name.clone(),
                unit: group.unit,
                axes: group.motion.axes.clone(),
                path_limits: group.motion.path_limits,
                tool: group.tool.clone(),
            })
            .collect(),
        buses: config.buses.iter().map(|bus| bus.name.clone()).collect(),
        devices: devices(config),
        inputs: config.inputs.iter().map(|input| input.name.clone()).collect(),
        outputs: config.outputs.iter().map(|output| output.name.clone()).collect(),
        analog_inputs: config.analog_inputs.iter().map(analog_input).collect(),
        analog_outputs: config.analog_outputs.iter().map(analog_output).collect(),
    }
}

fn analog_input(input: &AnalogInputConfig) -> AnalogDescription {
    let AnalogPlace { format, scale: AnalogScale { zero, per_count }, .. } = input.parameters;
    let (lowest, highest) = format.range();
    let ends = [lowest, highest].map(|raw| zero + raw as f64 * per_count);
    let range = (ends[0].min(ends[1]), ends[0].max(ends[1]));
    AnalogDescription { name: input.name.clone(), unit: input.unit.clone(), range }
}

fn analog_output(output: &AnalogOutputConfig) -> AnalogDescription {
    let (name, unit) = (output.name.clone(), output.unit.clone());
    AnalogDescription { name, unit, range: output.parameters.range }
}

/// The names of the devices of each bus, in the order of the bits of `BusSnapshot::not_operational`.
pub fn devices(config: &MachineConfig) -> Vec<Vec<String>> {
    config.buses.iter().map(|bus| bus.devices.iter().map(|device| device.name.clone()).collect()).collect()
}
