//! Axes: from encoder to load, what the drive can count, and what fits together.

use super::super::machine::{AxisConfig, BusConfig};
use super::super::reader::Reader;
use super::super::schema::{Axis, AxisKind, Brake, BrakeKind, Bus, DeviceKind, ModeWord, ReferenceKind, StaleFeedback};
use super::find;
use super::simulation::simulated_drive;
use crate::cycle::supervision::SupervisionParameters;
use crate::cycle::{AxisWiring, DriveLimitSwitches};
use crate::drive::{self, Drive, DriveParameters, Mode, ParameterError, ScalingParameters, ServoGains, Timing};
use crate::fieldbus::mapping::axis_object;
use crate::ids::BusId;
use crate::motion::{AxisParameters, Limits};
use crate::simulation::SimulatedDriveParameters;
use crate::units::{AxisUnit, Ratio};

/// Periods from the computation of a setpoint to its feedback on a simulated bus.
const SIMULATED_DELAY_PERIODS: f64 = 2.0;
/// Position gain times period above which a loop through the bus rings: a phase margin of 45° at three periods of
/// delay (two of the bus and half a period each of hold and computation) ends at π/4/3 ≈ 0.26.
const MOST_GAIN_TIMES_PERIOD: f64 = 0.25;
/// Longest ramp from the highest velocity to rest, seconds: a stop of the daemon waits for it.
const LONGEST_RAMP_S: f64 = 30.0;
/// Position loop's highest velocity over the axis's, where nothing else is said.
const VELOCITY_HEADROOM: f64 = 1.2;

/// An axis that fits its drive.
pub struct AxisPlan {
    /// What the machine is built from.
    pub config: AxisConfig,
    /// The drive that stands for it in a simulation.
    pub simulated: SimulatedDriveParameters,
    /// Which axis of its drive.
    pub device_axis: u8,
}

impl ModeWord {
    /// The mode that it stands for.
    pub fn mode(self) -> Mode {
        match self {
            ModeWord::Csp => Mode::Csp,
            ModeWord::Csv => Mode::Csv,
            ModeWord::Cst => Mode::Cst,
            ModeWord::Ip => Mode::Ip,
            ModeWord::Pp => Mode::Pp,
        }
    }
}

/// What an axis counts in.
pub fn unit(axis: &Axis) -> AxisUnit {
    match *axis.kind {
        AxisKind::Linear => AxisUnit::Millimetre,
        AxisKind::Rotary => AxisUnit::Degree,
    }
}

/// Every axis that fits.
pub fn axes(
    reader: &mut Reader<'_>,
    axes: &[Axis],
    written_buses: &[Bus],
    buses: &[BusConfig],
    period_ns: u64,
) -> Vec<AxisPlan> {
    let mut used: Vec<(usize, usize, u8, &str)> = Vec::new();
    let mut plans = Vec::new();
    for axis in axes {
        let drive = find_drive(reader, axis, written_buses, buses);
        if let Some((bus, device)) = drive {
            let number = *axis.device_axis;
            match used.iter().find(|(b, d, n, _)| (*b, *d, *n) == (bus, device, number)) {
                Some((.., other)) => {
                    let allowed = format!(
                        "a drive, or a device-axis of it, of its own (axis \"{other}\" has {number} of this one)"
                    );
                    reader.report(&axis.device.place, allowed);
                }
                None => used.push((bus, device, number, &axis.name)),
            }
        }
        let problems_before = reader.problem_count();
        let scaling = scaling(reader, axis);
        if let Some(scaling) = &scaling {
            what_the_drive_can_count(reader, axis, scaling);
        }
        what_motion_needs(reader, axis);
        let highest_velocity = scaling.as_ref().map_or(f64::INFINITY, highest_velocity);
        let gains = gains(reader, axis, highest_velocity, period_ns);
        let brake = brake(reader, axis);
        if let (Some((bus, device)), Some(scaling)) = (drive, scaling) {
            let layout = buses[bus].devices[device].layout.of_axis(*axis.device_axis);
            let divisor = buses[bus].divisor;
            let drive = drive_parameters(axis, layout, scaling, gains, brake, divisor);
            // What it would say of an axis with a problem has been said better.
            if reader.problem_count() == problems_before
                && let Err(error) = Drive::new(&drive, period_ns as f64 * 1e-9)
            {
                what_the_drive_says(reader, axis, error);
                continue;
            }
            let simulated = simulated_drive(axis, &drive);
            let config = axis_config(axis, (bus, device), drive, divisor);
            plans.push(AxisPlan { config, simulated, device_axis: *axis.device_axis });
        }
    }
    plans
}

fn find_drive(
    reader: &mut Reader<'_>,
    axis: &Axis,
    written_buses: &[Bus],
    buses: &[BusConfig],
) -> Option<(usize, usize)> {
    let written = reader.names("bus");
    let names = written_buses.iter().map(|bus| bus.name.as_str());
    find(reader, &axis.bus.place, &axis.bus, names, &written, "a bus")?;
    let bus = buses.iter().position(|bus| bus.name == *axis.bus)?;
    let devices = &buses[bus].devices;
    let written = reader.device_names(&axis.bus);
    let names = devices.iter().map(|device| device.name.as_str());
    let device = find(reader, &axis.device.place, &axis.device, names, &written, "a drive on this bus")?;
    if devices[device].kind != DeviceKind::Drive {
        reader.report(&axis.device.place, "a device of kind \"drive\"");
        return None;
    }
    Some((bus, device))
}

/// How the drive counts: everything exact, or refused.
fn scaling(reader: &mut Reader<'_>, axis: &Axis) -> Option<ScalingParameters> {
    let mechanics = &axis.mechanics;
    let full_turn = Ratio::new(360, 1);
    let feed = match (*axis.kind, *mechanics.lead) {
        (AxisKind::Linear, Some(lead)) => Some(lead),
        (AxisKind::Linear, None) => {
            reader.report(&mechanics.lead.place, "a number above 0: a linear axis needs it");
            None
        }
        (AxisKind::Rotary, None) => full_turn,
        (AxisKind::Rotary, Some(_)) => {
            reader.report(&mechanics.lead.place, "nothing: one turn of a rotary axis is 360 deg");
            None
        }
    }?;
    let increments = Ratio::new(*mechanics.increments, 1)?;
    // Increments for one axis unit, then for one modulo range, both exact.
    let per_feed = increments.times(*mechanics.gear);
    let inverse_feed = Ratio::new(feed.denominator(), feed.numerator())?;
    let Some(per_unit) = per_feed.and_then(|per_feed| per_feed.times(inverse_feed)) else {
        let allowed = "rounder numbers: encoder increments, gear and lead together do not fit 64 bits exactly";
        reader.report(&mechanics.gear.place, allowed);
        return None;
    };
    if axis.modulo.is_some_and(|modulo| per_unit.times(modulo).is_none()) {
        reader.report(
            &axis.modulo.place,
            "a rounder number: with encoder, gear and lead it does not fit 64 bits exactly",
        );
        return None;
    }
    Some(ScalingParameters {
        increments_per_motor_turn: increments,
        gear: *mechanics.gear,
        feed,
        inverted: *axis.inverted,
        modulo: *axis.modulo,
        velocity_factor: *mechanics.velocity_factor,
    })
}

/// Encoder increments for one axis unit.
pub fn increments_per_unit(scaling: &ScalingParameters) -> f64 {
    scaling.increments_per_motor_turn.as_f64() * scaling.gear.as_f64() / scaling.feed.as_f64()
}

/// What is left of an acceleration where the drive counts it, axis units/s²: never so little that it counts none.
fn in_whole_units(acceleration: f64, scaling: &ScalingParameters) -> f64 {
    let per_unit = increments_per_unit(scaling) * scaling.velocity_factor.as_f64();
    (acceleration * per_unit).floor().max(1.0) / per_unit
}

/// What the drive's 32-bit velocities (606Ch, 60FFh) and position differences can hold, axis units/s.
fn highest_velocity(scaling: &ScalingParameters) -> f64 {
    f64::from(i32::MAX) / (increments_per_unit(scaling) * scaling.velocity_factor.as_f64().max(1.0))
}

/// Objects of 32 bits, and windows that are not finer than the encoder.
fn what_the_drive_can_count(reader: &mut Reader<'_>, axis: &Axis, scaling: &ScalingParameters) {
    let symbol = unit(axis).symbol();
    let per_unit = increments_per_unit(scaling);
    let limit = &axis.limits.velocity;
    let most = highest_velocity(scaling);
    if **limit > most {
        let allowed = format!(
            "above 0 up to {most:.6} {symbol}/s: beyond that the drive's velocity does not fit 32 bits ({per_unit:.3} increments a {symbol})"
        );
        reader.report(&limit.place, allowed);
    }
    let increment = 1.0 / per_unit;
    if *axis.in_position.window < increment {
        let allowed = format!("at least one encoder increment, {increment:.3e} {symbol}");
        reader.report(&axis.in_position.window.place, allowed);
    }
    if *axis.following.window < 2.0 * increment {
        let allowed = format!("at least two encoder increments, {:.3e} {symbol}", 2.0 * increment);
        reader.report(&axis.following.window.place, allowed);
    }
    if let (ReferenceKind::Absolute, None) = (*axis.reference, *axis.modulo) {
        // Positions of an absolute encoder are 32-bit increments; what they cannot tell apart after a power
        // cycle is refused.
        let reach = f64::from(i32::MAX) * increment;
        let (lowest, highest) = (*axis.offset - reach, *axis.offset + reach);
        for limit in [&axis.limits.min_position, &axis.limits.max_position] {
            if limit.is_some_and(|limit| !(lowest..=highest).contains(&limit)) {
                let allowed = format!(
                    "from {lowest:.3} to {highest:.3} {symbol}: beyond that the drive's 32-bit position repeats and is no absolute reference"
                );
                reader.report(&limit.place, allowed);
            }
        }
    }
}

/// Limits that contradict each other.
fn what_motion_needs(reader: &mut Reader<'_>, axis: &Axis) {
    let limits = &axis.limits;
    let symbol = unit(axis).symbol();
    match (*limits.min_position, *limits.max_position) {
        (Some(_), Some(_)) if axis.modulo.is_some() => {
            reader.report(&limits.min_position.place, "nothing: a modulo axis has no ends");
        }
        (Some(min), Some(max)) if min >= max => {
            reader.report(&limits.max_position.place, format!("above min-position-{symbol} ({min})"));
        }
        (Some(_), None) => reader.report(&limits.max_position.place, "a value, as there is a lower soft limit"),
        (None, Some(_)) => reader.report(&limits.min_position.place, "a value, as there is an upper soft limit"),
        _ => {}
    }
    if *axis.offset != 0.0 && *axis.reference == ReferenceKind::None {
        reader.report(&axis.offset.place, "0: without an absolute reference the position is set by command");
    }
    let ramp_s = *limits.velocity / *limits.acceleration + *limits.acceleration / *limits.jerk;
    if ramp_s > LONGEST_RAMP_S {
        let allowed = format!(
            "limits with which it stops from its highest velocity within {LONGEST_RAMP_S} s (now {ramp_s:.1} s)"
        );
        let slower = *limits.acceleration / *limits.jerk > LONGEST_RAMP_S / 2.0;
        reader.report(if slower { &limits.jerk.place } else { &limits.acceleration.place }, allowed);
    }
    let following = &axis.following;
    let window = &axis.in_position.window;
    if **window > *following.window {
        reader.report(&window.place, format!("up to the following-error window, {} {symbol}", *following.window));
    }
}

fn gains(reader: &mut Reader<'_>, axis: &Axis, highest_velocity: f64, period_ns: u64) -> ServoGains {
    let mode = axis.mode.word();
    let (gains, cst) = match (&axis.gains, *axis.mode) {
        (None, ModeWord::Csp | ModeWord::Ip | ModeWord::Pp) => return ServoGains::default(),
        (None, _) => {
            reader.report(
                &axis.mode.place,
                format!("\"csp\", or a table [axis.gains]: in {mode} the cycle closes the loop"),
            );
            return ServoGains::default();
        }
        (Some(gains), ModeWord::Csp | ModeWord::Ip | ModeWord::Pp) => {
            let allowed = format!("nothing: in {mode} the drive closes all loops");
            reader.report_found(&gains.place, "this table", allowed);
            return ServoGains::default();
        }
        (Some(gains), mode) => (gains, mode == ModeWord::Cst),
    };
    let most = MOST_GAIN_TIMES_PERIOD * 1e9 / period_ns as f64;
    if *gains.position > most {
        let allowed = format!("above 0 up to {most:.0} at this period: beyond that a loop through the bus rings");
        reader.report(&gains.position.place, allowed);
    }
    if cst && gains.velocity.is_none() {
        reader.report(&gains.velocity.place, "a number above 0: in cst the cycle closes the velocity loop");
    }
    if !cst {
        let only_cst = [
            (&gains.velocity.place, gains.velocity.is_some()),
            (&gains.integral_time_ms.place, gains.integral_time_ms.is_some()),
            (&gains.acceleration.place, *gains.acceleration != 0.0),
        ];
        for (place, _) in only_cst.into_iter().filter(|(_, given)| *given) {
            reader.report(place, "nothing: only in cst does the cycle close the velocity loop");
        }
    }
    let velocity_limit =
        gains.velocity_limit.unwrap_or((VELOCITY_HEADROOM * *axis.limits.velocity).min(highest_velocity));
    if gains.velocity_limit.is_some() && velocity_limit < *axis.limits.velocity {
        let allowed = format!("at least the highest velocity of the axis, {}", *axis.limits.velocity);
        reader.report(&gains.velocity_limit.place, allowed);
    }
    if velocity_limit > highest_velocity && *axis.limits.velocity <= highest_velocity {
        let allowed = format!("up to {highest_velocity:.6}: beyond that the drive's velocity does not fit 32 bits");
        reader.report(&gains.velocity_limit.place, allowed);
    }
    ServoGains {
        position_gain: *gains.position,
        velocity_feed_forward: *gains.velocity_feed_forward,
        velocity_limit,
        velocity_gain: gains.velocity.unwrap_or(0.0),
        integral_time_s: gains.integral_time_ms.map(|ms| ms / 1000.0),
        acceleration_feed_forward: *gains.acceleration,
    }
}

fn brake(reader: &mut Reader<'_>, axis: &Axis) -> drive::Brake {
    let Some(brake) = &axis.brake else { return drive::Brake::None };
    let Brake { release_time_ms, engage_time_ms, .. } = brake;
    let (release_time_s, engage_time_s) = (**release_time_ms / 1000.0, **engage_time_ms / 1000.0);
    match (*brake.kind, *brake.output_bit) {
        (BrakeKind::Drive, None) => drive::Brake::Drive { release_time_s, engage_time_s },
        (BrakeKind::Drive, Some(_)) => {
            reader.report(&brake.output_bit.place, "nothing: the drive works its brake by itself");
            drive::Brake::None
        }
        (BrakeKind::Output, Some(bit)) => {
            drive::Brake::Output { bit, set_opens: *brake.set_opens, release_time_s, engage_time_s }
        }
        (BrakeKind::Output, None) => {
            reader.report(&brake.output_bit.place, "a whole number from 0 to 31: the bit of 60FEh:1");
            drive::Brake::None
        }
    }
}

fn drive_parameters(
    axis: &Axis,
    layout: crate::fieldbus::mapping::DeviceLayout,
    scaling: ScalingParameters,
    gains: ServoGains,
    brake: drive::Brake,
    divisor: u32,
) -> DriveParameters {
    let times = &axis.drive;
    let seconds = |ms: f64| ms / 1000.0;
    DriveParameters {
        layout,
        mode: axis.mode.mode(),
        scaling,
        gains,
        torque_limit: *times.torque_limit_percent / 100.0,
        profile_deceleration: in_whole_units(*axis.limits.acceleration, &scaling),
        feedback_delay_periods: SIMULATED_DELAY_PERIODS,
        extrapolated_cycles: match *axis.following.stale_feedback {
            // Between two exchanges it goes on as it was.
            StaleFeedback::Held => divisor - 1,
            StaleFeedback::Extrapolated => rides_through(*axis.following.stale_cycles, divisor),
        },
        extrapolated_velocity: *axis.limits.velocity,
        brake,
        timing: Timing {
            enable_timeout_s: seconds(*times.enable_timeout_ms),
            mode_timeout_s: seconds(*times.mode_timeout_ms),
            disable_timeout_s: seconds(*times.disable_timeout_ms),
            reset_timeout_s: seconds(*times.reset_timeout_ms),
            quick_stop_timeout_s: seconds(*times.quick_stop_timeout_ms),
            standstill_velocity: *times.standstill,
        },
        remote_bit: *times.remote_bit,
    }
}

/// What the drive refuses of what it is given.
fn what_the_drive_says(reader: &mut Reader<'_>, axis: &Axis, mut error: ParameterError) {
    if let ParameterError::MissingOutput { index, .. }
    | ParameterError::MissingInput { index, .. }
    | ParameterError::Length { index, .. } = &mut error
    {
        *index = axis_object(*index, *axis.device_axis);
    }
    let place = match error {
        ParameterError::MissingOutput { .. } | ParameterError::MissingInput { .. } | ParameterError::Length { .. } => {
            &axis.device.place
        }
        ParameterError::Ratio { .. } if axis.modulo.is_some() => &axis.modulo.place,
        ParameterError::Ratio { .. } => &axis.mechanics.gear.place,
        ParameterError::Range { .. } => &axis.place,
    };
    match error {
        ParameterError::Range { what, found, lowest, highest } => {
            reader.report_found(place, format!("{what} {found}"), format!("{lowest} to {highest}"));
        }
        _ => reader.report(place, format!("what the drive can work with ({error})")),
    }
}

/// Cycles without fresh feedback for so many exchanges, of which there is one in `divisor` cycles.
fn rides_through(exchanges: u32, divisor: u32) -> u32 {
    exchanges * divisor + divisor - 1
}

fn axis_config(axis: &Axis, (bus, device): (usize, usize), drive: DriveParameters, divisor: u32) -> AxisConfig {
    let limits = &axis.limits;
    let modulo = axis.modulo.map(Ratio::as_f64);
    // Bit 0 is the drive's negative switch, bit 1 its positive one; an inverted axis runs the other way.
    let switches = match *axis.inverted {
        false => DriveLimitSwitches { negative_bit: 0, positive_bit: 1 },
        true => DriveLimitSwitches { negative_bit: 1, positive_bit: 0 },
    };
    AxisConfig {
        name: axis.name.value.clone(),
        motion: AxisParameters {
            unit: unit(axis),
            limits: Limits { velocity: *limits.velocity, acceleration: *limits.acceleration, jerk: *limits.jerk },
            soft_limits: limits.min_position.zip(*limits.max_position),
            modulo,
            in_position_window: *axis.in_position.window,
            in_position_time_s: *axis.in_position.time_ms / 1000.0,
            offset: *axis.offset,
            referenced: *axis.reference == ReferenceKind::Absolute,
        },
        wiring: AxisWiring {
            bus: BusId(bus as u8),
            device: device as u8,
            drive,
            supervision: SupervisionParameters {
                following_window: Some(*axis.following.window),
                following_time_s: *axis.following.time_ms / 1000.0,
                stale_cycles_tolerated: rides_through(*axis.following.stale_cycles, divisor),
                modulo,
            },
            limit_switches: limits.drive_switches.then_some(switches),
        },
    }
}
