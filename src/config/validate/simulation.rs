//! The simulated machine that stands in for the real one: a drive that fits each axis, terminals whose contacts are
//! as on a machine that is ready to run.

use super::super::machine::{BusConfig, DeviceConfig, InputConfig};
use super::super::schema::{Axis, DeviceKind};
use super::axes::AxisPlan;
use crate::cycle::machine_inputs::InputRole;
use crate::drive::{Brake, DriveParameters};
use crate::ids::BusId;
use crate::simulation::{
    BrakeControl, BrakeParameters, SimulatedDeviceKind, SimulatedDeviceParameters, SimulatedDriveParameters,
    SimulatedIdentity, SimulatedTerminalParameters, servo::ServoParameters,
};

/// Vendor of devices for which the configuration names none: nobody's.
const SIMULATED_VENDOR: u32 = 0x0A5A;
/// Torque that a simulated brake holds, of the rated torque of its motor.
const BRAKE_TORQUE_RATIO: f64 = 2.0;

/// Drive, motor and load for an axis.
pub fn simulated_drive(axis: &Axis, parameters: &DriveParameters) -> SimulatedDriveParameters {
    let scaling = &parameters.scaling;
    let wanted = &axis.simulation;
    let turns_per_unit = scaling.gear.as_f64() / scaling.feed.as_f64();
    let increments = scaling.increments_per_motor_turn.numerator() as u32;
    let mut drive = SimulatedDriveParameters::sized_for(
        increments,
        *wanted.rated_torque,
        *axis.limits.velocity * turns_per_unit,
        *axis.limits.acceleration * turns_per_unit,
    );
    let motor = &mut drive.motor;
    motor.gear_ratio = scaling.gear.as_f64();
    // `sized_for` gives the load at the motor's shaft.
    let load_at_motor = motor.load_inertia_kg_m2;
    motor.load_inertia_kg_m2 = wanted.load_inertia.unwrap_or(load_at_motor * motor.gear_ratio * motor.gear_ratio);
    motor.rotor_inertia_kg_m2 = wanted.rotor_inertia.unwrap_or(motor.rotor_inertia_kg_m2);
    motor.viscous_friction_nm_s = wanted.viscous_friction.unwrap_or(motor.viscous_friction_nm_s);
    if let Some(friction) = *wanted.coulomb_friction {
        motor.coulomb_friction_nm = friction;
        motor.static_friction_nm = 1.25 * friction;
    }
    let sign = if scaling.inverted { -1.0 } else { 1.0 };
    let motor_turns = |position: f64| sign * (position - *axis.offset) * turns_per_unit;
    motor.gravity_torque_nm = sign * *wanted.gravity;
    motor.start_turns = motor_turns(*wanted.start);
    drive.servo = ServoParameters::tuned_for(motor.inertia_kg_m2());
    drive.velocity_units_per_turn_s = f64::from(increments) * scaling.velocity_factor.as_f64();
    let [mut negative, mut positive] =
        [*wanted.negative_switch, *wanted.positive_switch].map(|position| position.map(motor_turns));
    if scaling.inverted {
        std::mem::swap(&mut negative, &mut positive);
    }
    drive.geometry.negative_switch_turns = negative;
    drive.geometry.positive_switch_turns = positive;
    drive.brake = brake(axis, &parameters.brake, drive.motor.rated_torque_nm);
    drive
}

fn brake(axis: &Axis, brake: &Brake, rated_torque_nm: f64) -> Option<BrakeParameters> {
    let control = match *brake {
        Brake::None => return None,
        Brake::Drive { .. } => BrakeControl::Drive,
        Brake::Output { bit, set_opens, .. } => BrakeControl::Output60Fe { bit, released: set_opens },
    };
    let wanted = axis.brake.as_ref()?;
    Some(BrakeParameters {
        control,
        holding_torque_nm: BRAKE_TORQUE_RATIO * rated_torque_nm,
        release_time_s: *wanted.release_time_ms / 1000.0,
        engage_time_s: *wanted.engage_time_ms / 1000.0,
    })
}

/// Gives each bus the simulated devices for its list. A drive without an axis is there, and stands still.
pub fn plan(buses: &mut [BusConfig], axes: &[AxisPlan], inputs: &[InputConfig]) {
    for (bus_index, bus) in buses.iter_mut().enumerate() {
        let id = BusId(bus_index as u8);
        let simulated = bus.devices.iter().enumerate().map(|(index, device)| {
            let kind = match device.kind {
                DeviceKind::Drive => {
                    let here = |axis: &&AxisPlan| {
                        let wiring = &axis.config.wiring;
                        wiring.bus == id && usize::from(wiring.device) == index
                    };
                    let last = axes.iter().filter(here).map(|axis| axis.device_axis).max().unwrap_or(0);
                    let drive = |number| {
                        let axis = axes.iter().filter(here).find(|axis| axis.device_axis == number);
                        axis.map_or_else(SimulatedDriveParameters::default, |axis| axis.simulated.clone())
                    };
                    SimulatedDeviceKind::Drive((0..=last).map(drive).collect())
                }
                DeviceKind::Terminal | DeviceKind::Coupler => {
                    SimulatedDeviceKind::Terminal(SimulatedTerminalParameters {
                        inputs: ready(inputs, id, device),
                        digital_input_bits: device.digital_bits[0],
                        digital_output_bits: device.digital_bits[1],
                    })
                }
            };
            SimulatedDeviceParameters {
                name: device.name.clone(),
                layout: device.layout.clone(),
                identity: SimulatedIdentity {
                    vendor: device.identity.vendor_id.unwrap_or(SIMULATED_VENDOR),
                    // Devices of one product have the same process data, for masters that look no further.
                    product: device.identity.product_code.unwrap_or(match &kind {
                        // What has another number of axes is another product.
                        SimulatedDeviceKind::Drive(drives) => 402 + 1000 * (drives.len() as u32 - 1),
                        SimulatedDeviceKind::Terminal(_) => 401,
                    }),
                    revision: device.identity.revision.unwrap_or(1),
                    serial: device.identity.serial_number.unwrap_or(index as u32 + 1),
                },
                watchdog_ns: u64::from(device.watchdog_ms) * 1_000_000,
                objects: Vec::new(),
                kind,
            }
        });
        bus.simulation.devices = simulated.collect();
    }
}

/// The contacts of a machine that is ready: emergency stops closed, enabling devices held, everything else at rest.
fn ready(inputs: &[InputConfig], bus: BusId, device: &DeviceConfig) -> u64 {
    let bytes = device.layout.input_offset..device.layout.input_offset + device.layout.input_bytes();
    let here = inputs
        .iter()
        .map(|input| &input.parameters)
        .filter(|input| input.place.bus == bus && bytes.contains(&input.place.byte));
    here.fold(0, |bits, input| {
        let active = matches!(input.role, InputRole::EmergencyStop | InputRole::EnablingDevice);
        let bit = (input.place.byte - bytes.start) * 8 + usize::from(input.place.bit);
        bits | u64::from(active != input.active_low) << bit
    })
}
