//! A CiA 402 servo drive: state machine, servo, motor, brake and encoder behind an object dictionary.

use crate::simulation::brake::Brake;
use crate::simulation::cia402::{Conditions, Options, PowerDemand, PowerState, StateMachine, Stop};
use crate::simulation::control::PlantState;
use crate::simulation::drive_objects::{DriveObject, mode_supported};
use crate::simulation::encoder::Encoder;
use crate::simulation::mode::{CYCLIC_POSITION, ModeState, PROFILE_POSITION, Targets};
use crate::simulation::motor::Motor;
use crate::simulation::object_dictionary::Values;
use crate::simulation::parameters::{BrakeControl, PowerLossReaction, SimulatedDriveParameters};
use crate::simulation::profile::ProfileLimits;
use crate::simulation::servo::{Servo, ServoCommand, ServoMotion};

/// The drive's own step, nanoseconds.
pub const STEP_NS: u64 = 500_000;
/// The step over a gap longer than [`LONG_GAP_NS`], nanoseconds.
pub const COARSE_STEP_NS: u64 = 1_000_000;
/// A gap between two exchanges that is stepped coarsely, nanoseconds.
pub const LONG_GAP_NS: u64 = 100_000_000;
/// Steps over one gap at most: after [`COARSE_STEP_NS`] × `MAX_STEPS` = 1 s the plant's time stands still.
pub const MAX_STEPS: u64 = 1000;

/// Error code of a following error (603Fh).
pub const ERROR_FOLLOWING: u16 = 0x8611;
/// Error code of missing mains (603Fh).
pub const ERROR_MAINS: u16 = 0x3220;
/// Error code of safe torque off, of the vendor's range (603Fh).
pub const ERROR_SAFE_TORQUE_OFF: u16 = 0xFF01;

/// Bit of the controlword: halt.
const HALT: u16 = 1 << 8;

/// What is wrong with a drive from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriveDisturbance {
    /// A fault whose cause is there, with its error code.
    pub fault: Option<u16>,
    /// Safe torque off is active.
    pub safe_torque_off: bool,
    /// Mains are missing.
    pub voltage_loss: bool,
    /// The encoder stands still.
    pub stuck_encoder: bool,
}

/// A drive, its motor and its load.
#[derive(Clone, Debug)]
pub struct SimulatedDrive {
    parameters: SimulatedDriveParameters,
    machine: StateMachine,
    servo: Servo,
    motor: Motor,
    encoder: Encoder,
    brake: Option<Brake>,
    /// Who moves the brake.
    brake_control: Option<BrakeControl>,
    disturbance: DriveDisturbance,
    /// Inputs of 60FDh that were set from outside.
    forced_inputs: u32,
    demand: PowerDemand,
    mode: ModeState,
    /// A stop that keeps the target: the controlword says halt.
    halts: bool,
    /// 60B1h is among the outputs, so it is the feed-forward in position mode.
    velocity_offset_mapped: bool,
    start_left_s: f64,
    power_left_s: f64,
    /// A brake of the drive was told to close at the end of a stop.
    closing: bool,
    following_error_ns: u64,
    following_error: bool,
}

impl SimulatedDrive {
    /// A drive at power-on; fills its objects.
    pub fn new(parameters: &SimulatedDriveParameters, dictionary: &mut Values<'_>) -> SimulatedDrive {
        let geometry = &parameters.geometry;
        let motor = Motor::new(&parameters.motor, (geometry.negative_stop_turns, geometry.positive_stop_turns));
        let encoder = Encoder::new(&parameters.encoder, motor.position());
        let mut set = |object: DriveObject, raw: u64| dictionary.set_raw(object as usize, raw);
        let increments = parameters.encoder.increments_per_turn;
        let unsigned = |value: f64| u64::from(value as u32);
        set(DriveObject::EncoderIncrements, u64::from(increments));
        set(DriveObject::Feed, u64::from(increments));
        set(DriveObject::RatedTorque, unsigned(parameters.motor.rated_torque_nm * 1000.0));
        set(DriveObject::MaxMotorSpeed, unsigned(parameters.motor.max_velocity_turns_s * 60.0));
        let per_mille = u64::from((parameters.motor.peak_torque_ratio * 1000.0) as u16);
        for object in [DriveObject::MaxTorque, DriveObject::PositiveTorqueLimit, DriveObject::NegativeTorqueLimit] {
            set(object, per_mille);
        }
        set(DriveObject::SupportedModes, u64::from(parameters.supported_modes));
        let ramp = |turns_s2: f64| unsigned(turns_s2 * parameters.velocity_units_per_turn_s);
        set(DriveObject::ProfileVelocity, ramp(parameters.profile_velocity_turns_s));
        set(DriveObject::ProfileAcceleration, ramp(parameters.slow_down_deceleration_turns_s2));
        set(DriveObject::SlowDownDeceleration, ramp(parameters.slow_down_deceleration_turns_s2));
        set(DriveObject::QuickStopDeceleration, ramp(parameters.quick_stop_deceleration_turns_s2));
        set(DriveObject::FollowingWindow, u64::from(parameters.following_error_window));
        set(DriveObject::FollowingTime, u64::from(parameters.following_error_time_ms));
        // Half a degree of the motor.
        set(DriveObject::PositionWindow, u64::from(increments.div_ceil(720)));
        let mut drive = SimulatedDrive {
            machine: StateMachine::default(),
            servo: Servo::new(&parameters.servo, &encoder),
            motor,
            encoder,
            brake: parameters.brake.as_ref().map(Brake::new),
            brake_control: parameters.brake.map(|brake| brake.control),
            disturbance: DriveDisturbance::default(),
            forced_inputs: 0,
            demand: PowerDemand::Off,
            mode: ModeState::default(),
            halts: false,
            velocity_offset_mapped: false,
            start_left_s: parameters.start_time_s,
            power_left_s: parameters.power_on_time_s,
            closing: false,
            following_error_ns: 0,
            following_error: false,
            parameters: parameters.clone(),
        };
        drive.show(dictionary);
        drive
    }

    /// Tells whether 60B1h is among the outputs.
    pub fn set_velocity_offset_mapped(&mut self, mapped: bool) {
        self.velocity_offset_mapped = mapped;
    }

    /// What is wrong from now on.
    pub fn set_disturbance(&mut self, disturbance: DriveDisturbance) {
        self.disturbance = disturbance;
        self.encoder.set_stuck(disturbance.stuck_encoder);
    }

    /// Forces a bit of 60FDh to 1, or lets it go.
    pub fn set_input(&mut self, bit: u8, value: bool) {
        let mask = 1u32.checked_shl(u32::from(bit)).unwrap_or(0);
        self.forced_inputs = if value { self.forced_inputs | mask } else { self.forced_inputs & !mask };
    }

    /// At power-on, on the shaft that `before` had: where that is, how it moves, and what is wired to the drive, stays.
    pub fn keep_shaft_of(&mut self, before: &SimulatedDrive) {
        self.motor = before.motor;
        self.encoder = before.encoder;
        self.forced_inputs = before.forced_inputs;
        self.servo = Servo::new(&self.parameters.servo, &self.encoder);
    }

    /// Shows where it is.
    pub fn refresh(&mut self, dictionary: &mut Values<'_>) {
        self.show(dictionary);
    }

    /// What really happens on the shaft.
    pub fn plant(&self) -> PlantState {
        PlantState {
            position_turns: self.motor.position_turns(),
            velocity_turns_s: self.motor.velocity_turns_s(),
            torque_nm: self.servo.torque_nm(),
            brake_released: self.brake.is_none_or(|brake| brake.released()),
            powered: self.powered(),
        }
    }

    /// The state of its power state machine.
    pub fn state(&self) -> PowerState {
        self.machine.state()
    }

    /// New outputs are in the dictionary: a new target begins its interpolation period. The target beside an order to
    /// stop does not count, so that the stop begins with the velocity of the way so far.
    pub fn take_outputs(&mut self, dictionary: &Values<'_>) {
        let controlword = dictionary.raw(DriveObject::Controlword as usize) as u16;
        let follows = controlword & (HALT | 0x0F) == 0x0F && self.demand == PowerDemand::Follow;
        let i32_of = |object: DriveObject| dictionary.i32(object as usize);
        let targets = Targets {
            target: i32_of(DriveObject::TargetPosition),
            offset: i32_of(DriveObject::PositionOffset),
            record: i32_of(DriveObject::InterpolationData),
            period_s: interpolation_period_s(dictionary),
        };
        self.mode.take(controlword, follows, &targets, &mut self.servo);
    }

    /// Goes on by `duration_ns`, in steps of at most [`STEP_NS`] (see [`MAX_STEPS`] for long gaps). The master falls
    /// silent `silent_after_ns` into it, if at all.
    pub fn advance(&mut self, dictionary: &mut Values<'_>, duration_ns: u64, silent_after_ns: Option<u64>) {
        let longest = if duration_ns > LONG_GAP_NS { COARSE_STEP_NS } else { STEP_NS };
        // Bound: MAX_STEPS.
        let steps = duration_ns.div_ceil(longest).min(MAX_STEPS);
        let stepped_ns = duration_ns.min(MAX_STEPS * longest);
        let step_ns = stepped_ns / steps.max(1);
        let dt_s = stepped_ns as f64 / steps.max(1) as f64 * 1e-9;
        self.take_mode(dictionary);
        let command = self.command(dictionary);
        let options = options(dictionary);
        let ramps = ramps_turns_s2(dictionary, self.parameters.velocity_units_per_turn_s);
        let controlword = dictionary.raw(DriveObject::Controlword as usize) as u16;
        let outputs = dictionary.raw(DriveObject::DigitalOutputs as usize)
            & dictionary.raw(DriveObject::DigitalOutputsMask as usize);
        let mut conditions = self.conditions(controlword);
        let mut demand = self.demand;
        let mut steady = false;
        for step in 0..steps {
            // The state machine looks again only where something that it knows has changed.
            let link_lost = silent_after_ns.is_some_and(|after_ns| step * step_ns >= after_ns);
            let now = self.changing_conditions();
            let (started, ready, stopped) = now;
            if !steady
                || now != (conditions.started, conditions.ready, conditions.stopped)
                || link_lost != conditions.link_lost
            {
                conditions = Conditions { started, ready, stopped, link_lost, ..conditions };
                let state = self.machine.state();
                demand = self.machine.step(&conditions, &options);
                steady = state == self.machine.state();
            }
            if self.demand == PowerDemand::Follow {
                self.mode.go_on(&mut self.servo);
            }
            let motion = self.power(demand, ramps, dt_s);
            let torque_nm = self.servo.step(motion, &command, dt_s);
            let brake_nm = self.step_brake(outputs, dt_s);
            self.motor.step(torque_nm, brake_nm, dt_s);
            self.encoder.read(self.motor.position());
            self.servo.measure(&self.encoder, dt_s);
        }
        self.watch_following_error(dictionary, duration_ns);
        self.show(dictionary);
    }

    fn powered(&self) -> bool {
        self.demand != PowerDemand::Off && self.power_left_s == 0.0
    }

    /// What the state machine knows, as far as it stays over one call of `advance`.
    fn conditions(&self, controlword: u16) -> Conditions {
        let DriveDisturbance { fault, safe_torque_off, voltage_loss, stuck_encoder: _ } = self.disturbance;
        let power_loss_fault = match (self.parameters.on_voltage_loss, self.parameters.on_safe_torque_off) {
            (PowerLossReaction::Fault, _) if voltage_loss => Some(ERROR_MAINS),
            (_, PowerLossReaction::Fault) if safe_torque_off => Some(ERROR_SAFE_TORQUE_OFF),
            _ => None,
        };
        Conditions {
            controlword,
            started: false,
            mains: !voltage_loss,
            safe_torque_off,
            fault: fault.or(self.following_error.then_some(ERROR_FOLLOWING)),
            power_loss_fault,
            ready: false,
            stopped: false,
            link_lost: false,
        }
    }

    /// Started, ready, stopped.
    fn changing_conditions(&self) -> (bool, bool, bool) {
        let brake = if self.drives_brake() { self.brake.as_ref() } else { None };
        let stopped = match self.demand {
            PowerDemand::Stop { then_off: true, .. } => self.closing && brake.is_none_or(Brake::engaged),
            PowerDemand::Stop { then_off: false, .. } => self.servo.at_rest(),
            _ => false,
        };
        (self.start_left_s == 0.0, self.powered() && brake.is_none_or(Brake::released), stopped)
    }

    fn drives_brake(&self) -> bool {
        self.brake_control == Some(BrakeControl::Drive)
    }

    /// Turns what the state machine demands into what the servo does.
    fn power(&mut self, demand: PowerDemand, (slow_down, quick_stop): (f64, f64), dt_s: f64) -> ServoMotion {
        self.start_left_s = (self.start_left_s - dt_s).max(0.0);
        if demand != self.demand {
            match (self.demand, demand) {
                (_, PowerDemand::Off) => self.power_left_s = self.parameters.power_on_time_s,
                (PowerDemand::Off, _) => self.servo.catch_actual(false),
                (PowerDemand::Follow, _) if self.mode.goes_by_segments() => self.servo.leave_segment(),
                // After a halt the profile goes on to its target.
                (_, PowerDemand::Follow) if self.halts && self.mode.mode() == PROFILE_POSITION => {}
                (_, PowerDemand::Follow) => self.servo.hold_reference(),
                _ => {}
            }
            let stays = matches!(demand, PowerDemand::Stop { then_off: false, .. });
            self.halts = stays && self.machine.state() == PowerState::OperationEnabled;
            self.mode.leave(self.halts || demand == PowerDemand::Follow);
            self.closing = false;
            self.demand = demand;
        }
        if demand == PowerDemand::Off {
            return ServoMotion::Off;
        }
        if self.power_left_s > 0.0 {
            self.power_left_s = (self.power_left_s - dt_s).max(0.0);
            self.servo.catch_actual(false);
            return ServoMotion::Off;
        }
        match demand {
            PowerDemand::Off => ServoMotion::Off,
            PowerDemand::Hold => ServoMotion::Hold,
            PowerDemand::Follow if self.mode.waits() => ServoMotion::Ramp(slow_down),
            PowerDemand::Follow => ServoMotion::Follow,
            PowerDemand::Stop { stop, then_off } => {
                self.closing |= then_off && self.servo.at_rest();
                match stop {
                    Stop::Coast => ServoMotion::Off,
                    Stop::SlowDown => ServoMotion::Ramp(slow_down),
                    Stop::QuickStop => ServoMotion::Ramp(quick_stop),
                    Stop::Limit => ServoMotion::Limit,
                }
            }
        }
    }

    fn step_brake(&mut self, outputs: u64, dt_s: f64) -> f64 {
        let powered = self.powered();
        let release = match self.brake_control {
            None => return 0.0,
            Some(BrakeControl::Drive) => powered && !self.closing,
            Some(BrakeControl::Output60Fe { bit, released }) => (outputs >> (bit & 31) & 1 != 0) == released,
        };
        self.brake.as_mut().map_or(0.0, |brake| brake.step(release, dt_s))
    }

    /// Takes 6060h, if the mode exists.
    fn take_mode(&mut self, dictionary: &Values<'_>) {
        let wanted = i64::from(dictionary.raw(DriveObject::Mode as usize) as i8);
        let mode = wanted as i8;
        if mode != self.mode.mode() && mode_supported(wanted, self.parameters.supported_modes) {
            if self.mode.goes_by_segments() && self.demand == PowerDemand::Follow {
                self.servo.leave_segment();
            }
            self.servo.hold_reference();
            self.mode.change(mode);
        }
    }

    /// The master's targets in the servo's units.
    fn command(&self, dictionary: &Values<'_>) -> ServoCommand {
        let raw = |object: DriveObject| dictionary.raw(object as usize);
        let motor = &self.parameters.motor;
        let velocity_unit = 1.0 / self.parameters.velocity_units_per_turn_s;
        let torque_unit = motor.rated_torque_nm * 0.001;
        let velocity = |object: DriveObject| f64::from(raw(object) as i32) * velocity_unit;
        let torque = |object: DriveObject| f64::from(raw(object) as i16) * torque_unit;
        let limit = |object: DriveObject| {
            let per_mille = (raw(object) as u16).min(raw(DriveObject::MaxTorque) as u16);
            (f64::from(per_mille) * torque_unit).min(motor.rated_torque_nm * motor.peak_torque_ratio)
        };
        let offset = velocity(DriveObject::VelocityOffset);
        // What counts as no ramp at all would never end.
        let profile = |object: DriveObject| {
            raw(object) as f64 * velocity_unit * f64::from(self.parameters.encoder.increments_per_turn)
        };
        ServoCommand {
            mode: self.mode.servo_mode(),
            profile: ProfileLimits {
                velocity: profile(DriveObject::ProfileVelocity),
                acceleration: profile(DriveObject::ProfileAcceleration).max(1.0),
                deceleration: profile(DriveObject::SlowDownDeceleration).max(1.0),
            },
            velocity_turns_s: velocity(DriveObject::TargetVelocity) + offset,
            velocity_feed_forward_turns_s: (self.velocity_offset_mapped && self.mode.mode() == CYCLIC_POSITION)
                .then_some(offset),
            torque_nm: torque(DriveObject::TargetTorque),
            torque_offset_nm: torque(DriveObject::TorqueOffset),
            torque_limits_nm: (limit(DriveObject::PositiveTorqueLimit), -limit(DriveObject::NegativeTorqueLimit)),
            max_velocity_turns_s: motor
                .max_velocity_turns_s
                .min(f64::from(raw(DriveObject::MaxMotorSpeed) as u32) * (1.0 / 60.0)),
        }
    }

    fn motion(&self) -> ServoMotion {
        let powered = self.demand == PowerDemand::Follow && self.powered();
        if powered && !self.mode.waits() { ServoMotion::Follow } else { ServoMotion::Hold }
    }

    /// Increments from the actual position to the reference.
    fn following_error_increments(&self) -> i64 {
        if self.demand == PowerDemand::Off {
            return 0;
        }
        self.servo.reference_now(self.motion(), self.mode.servo_mode()) - self.encoder.increments()
    }

    fn watch_following_error(&mut self, dictionary: &Values<'_>, duration_ns: u64) {
        let window = dictionary.raw(DriveObject::FollowingWindow as usize);
        let following = self.demand == PowerDemand::Follow && self.mode.holds_position();
        let outside =
            following && window != u64::from(u32::MAX) && self.following_error_increments().unsigned_abs() > window;
        self.following_error_ns = if outside { self.following_error_ns.saturating_add(duration_ns) } else { 0 };
        let limit_ns = dictionary.raw(DriveObject::FollowingTime as usize) * 1_000_000;
        self.following_error = outside && self.following_error_ns > limit_ns;
    }

    fn digital_inputs(&self) -> u32 {
        let geometry = &self.parameters.geometry;
        let position = self.motor.position_turns();
        let negative = geometry.negative_switch_turns.is_some_and(|switch| position <= switch);
        let positive = geometry.positive_switch_turns.is_some_and(|switch| position >= switch);
        let home = geometry.home_switch_turns.is_some_and(|(from, to)| position >= from && position <= to);
        let open = self.brake.is_some_and(|brake| brake.released());
        u32::from(negative)
            | u32::from(positive) << 1
            | u32::from(home) << 2
            | u32::from(self.disturbance.safe_torque_off) << 3
            | u32::from(open) << BRAKE_OPEN_BIT
            | self.forced_inputs
    }

    /// Brings what the bus can read up to date.
    fn show(&mut self, dictionary: &mut Values<'_>) {
        let rated = self.parameters.motor.rated_torque_nm;
        let unit = self.parameters.velocity_units_per_turn_s;
        let inputs = self.digital_inputs();
        let reference = self.servo.reference_now(self.motion(), self.mode.servo_mode());
        let error = self.following_error_increments();
        let torque = (self.servo.torque_nm() / rated * 1000.0) as i16;
        let error_code = self.machine.error_code();
        let statusword = self.statusword(dictionary, inputs);
        let link_millivolts = if self.disturbance.voltage_loss { 12_000 } else { 560_000 };
        dictionary.set_raw(DriveObject::Statusword as usize, u64::from(statusword));
        dictionary.set_i32(DriveObject::PositionActual as usize, self.encoder.increments() as i32);
        dictionary.set_i32(DriveObject::PositionDemand as usize, reference as i32);
        dictionary.set_i32(DriveObject::VelocityActual as usize, (self.servo.velocity_turns_s() * unit).round() as i32);
        let velocity_demand = (self.servo.reference_velocity_turns_s() * unit).round() as i32;
        dictionary.set_i32(DriveObject::VelocityDemand as usize, velocity_demand);
        dictionary.set_i16(DriveObject::TorqueActual as usize, torque);
        dictionary.set_i16(DriveObject::TorqueDemand as usize, torque);
        dictionary.set_i16(DriveObject::CurrentActual as usize, torque);
        dictionary.set_i32(
            DriveObject::FollowingErrorActual as usize,
            error.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32,
        );
        dictionary.set_raw(DriveObject::ModeDisplay as usize, u64::from(self.mode.mode() as u8));
        dictionary.set_raw(DriveObject::DigitalInputs as usize, u64::from(inputs));
        dictionary.set_raw(DriveObject::ErrorCode as usize, u64::from(error_code));
        // Bit 0: generic error; the code says more.
        dictionary.set_raw(DriveObject::ErrorRegister as usize, u64::from(error_code != 0));
        dictionary.set_raw(DriveObject::LinkVoltage as usize, link_millivolts);
    }

    fn statusword(&self, dictionary: &Values<'_>, inputs: u32) -> u16 {
        let following = self.machine.state() == PowerState::OperationEnabled && self.demand == PowerDemand::Follow;
        let reached = match self.demand {
            PowerDemand::Stop { .. } => self.servo.at_rest(),
            PowerDemand::Follow if self.mode.mode() == PROFILE_POSITION && !self.servo.arrived() => false,
            PowerDemand::Follow if self.mode.holds_position() => {
                let distance = (self.servo.target() - self.encoder.increments()).unsigned_abs();
                distance <= dictionary.raw(DriveObject::PositionWindow as usize)
            }
            _ => false,
        };
        // Missing mains are a warning while they are not a fault.
        let warning = self.disturbance.voltage_loss && self.machine.error_code() == 0;
        let limited = self.powered() && (self.servo.limited() || inputs & 0b11 != 0);
        let late = self.mode.holds_position() && self.following_error_ns > 0;
        self.machine.state().status_bits()
            | u16::from(!self.disturbance.voltage_loss) << 4
            | u16::from(warning) << 7
            | 1 << 9
            | u16::from(reached) << 10
            | u16::from(limited) << 11
            | u16::from(following && self.mode.answer()) << 12
            | u16::from(late) << 13
    }
}

/// Bit of 60FDh (of the vendor's range) that shows an open brake.
pub const BRAKE_OPEN_BIT: u32 = 16;

fn options(dictionary: &Values<'_>) -> Options {
    let option = |object: DriveObject| dictionary.i16(object as usize);
    Options {
        quick_stop: option(DriveObject::QuickStopOption),
        shutdown: option(DriveObject::ShutdownOption),
        disable_operation: option(DriveObject::DisableOption),
        halt: option(DriveObject::HaltOption),
        fault_reaction: option(DriveObject::FaultOption),
        abort_connection: option(DriveObject::AbortConnection),
    }
}

/// Slow-down and quick-stop ramp, turns/s², as they are counted, by the unit of velocities; a ramp of 0 would never end, so it
/// counts as 1.
fn ramps_turns_s2(dictionary: &Values<'_>, units_per_turn: f64) -> (f64, f64) {
    let ramp = |object: DriveObject| dictionary.raw(object as usize).max(1) as f64 / units_per_turn;
    (ramp(DriveObject::SlowDownDeceleration), ramp(DriveObject::QuickStopDeceleration))
}

/// 60C2h as seconds, at least 100 µs and at most 1 s.
fn interpolation_period_s(dictionary: &Values<'_>) -> f64 {
    let value = dictionary.raw(DriveObject::InterpolationPeriod as usize) as u8;
    let exponent = dictionary.raw(DriveObject::InterpolationExponent as usize) as i8;
    let unit = match exponent {
        ..=-6 => 1e-6,
        -5 => 1e-5,
        -4 => 1e-4,
        -3 => 1e-3,
        -2 => 1e-2,
        _ => 1e-1,
    };
    (f64::from(value) * unit).clamp(1e-4, 1.0)
}
