//! CiA 402 drives, one object an axis. Pure: it takes the axis's bytes of the process image and gives
//! bytes back, and never knows which bus carries them.
//!
//! ```text
//! inputs ─► pdo ─► scaling ─► sequence.observe ─► Feedback ─► (motion) ─► Demand
//! outputs ◄─ pdo ◄─ scaling ◄─ servo ◄─ sequence.advance ◄───────────────────┘
//! ```

mod brake;
pub mod cia402;
mod handover;
mod parameters;
mod pdo;
mod scaling;
mod sequence;
mod servo;

pub use cia402::State;
pub use parameters::{Brake, DriveParameters, Mode, ParameterError, ScalingParameters, ServoGains, Timing};

use std::ops::Range;

use cia402::{controlword, statusword};
use handover::Handover;
use pdo::{InputMap, Inputs, OutputMap, Outputs};
use scaling::{Place, Scaling};
use sequence::{Observation, Phase, Sequence, Target};
use servo::Servo;

use crate::fault::Fault;
use crate::units::Setpoint;

/// What a drive tells in one cycle, in drive coordinates (axis units at the load, no reference offset).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Feedback {
    /// Whole modulo ranges of `position`; 0 for a linear axis.
    pub turns: i64,
    /// Axis units (modulo axes: beyond `turns`).
    pub position: f64,
    /// Axis units/s: from 606Ch where it is mapped, else differenced over fresh cycles.
    pub velocity: f64,
    /// Actual torque of the rated torque (6077h), in the axis's direction; 0 where it is not mapped.
    pub torque_ratio: f64,
    /// State by the statusword.
    pub state: State,
    /// The drive follows setpoints from now on: enabled, mode confirmed, brake open.
    pub operational: bool,
    /// The target that the drive holds, or held last: where motion starts when `operational` becomes true.
    pub held: Setpoint,
    /// The fault that the drive (or its handling) latched; stays until it is reset by command.
    pub fault: Option<Fault>,
    /// A fault reset is under way; it ends with `fault` cleared or `ResetRefused`.
    pub resetting: bool,
    /// The drive's error code (603Fh): of the latched drive fault, else as it is now.
    pub error_code: u16,
    /// Statusword bit 7.
    pub warning: bool,
    /// Statusword bit 11.
    pub internal_limit: bool,
    /// The holding brake is open, or there is none.
    pub brake_open: bool,
    /// Digital inputs (60FDh), 0 where they are not mapped.
    pub digital_inputs: u32,
    /// Cycles since the values above were fresh; 0 when they are.
    pub stale_cycles: u32,
    /// Turns and position are extrapolated, and not what was measured last.
    pub extrapolated: bool,
}

/// What a drive shall do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// It shall be enabled. Enabling starts at the rising edge only.
    pub power: bool,
    /// It shall stop by its own ramp and not come back before a new rising edge of `power`.
    pub quick_stop: bool,
    /// Latched faults shall be reset: true for one cycle a command.
    pub reset: bool,
}

/// Why the loops may not get other gains now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TuningRefusal {
    /// The drive is enabled.
    Enabled,
    /// The loops ask for more than one of the two velocity limits, axis units/s.
    Saturated {
        /// What it asks for.
        asked: f64,
        /// The lower of the two.
        clamp: f64,
    },
}

/// One drive. [`Drive::prepare`] is called once, and after [`Drive::set_tuning`]; [`Drive::decode`] and
/// [`Drive::encode`] are called in turn, once each a cycle.
#[derive(Clone, Debug)]
pub struct Drive {
    input_range: Range<usize>,
    output_range: Range<usize>,
    input_map: InputMap,
    output_map: OutputMap,
    mode: Mode,
    gains: ServoGains,
    torque_limit: f64,
    scaling: Scaling,
    servo: Servo,
    sequence: Sequence,
    handover: Handover,
    /// Half of the reciprocal of 6084h in profile position, else 0: times the square of the velocity it is the way that a
    /// stop takes, by which a target is ahead of its setpoint.
    stop_per_square: f64,
    period_s: f64,
    /// More than the position is sent.
    closes_loops: bool,
    heard: bool,
    place: Place,
    /// Where it was measured last, while `place` is a guess.
    measured: Option<Place>,
    extrapolated_cycles: u32,
    extrapolated_velocity: f64,
    feedback: Feedback,
    /// Increments of the target that the drive was given last.
    target: i64,
    /// Velocity of the last setpoint, axis units/s.
    velocity: f64,
}

impl Drive {
    /// A drive that has not been heard yet.
    pub fn new(parameters: &DriveParameters, period_s: f64) -> Result<Drive, ParameterError> {
        let scaling = Scaling::new(&parameters.scaling)?;
        parameters.check(period_s, scaling.highest_velocity())?;
        let layout = &parameters.layout;
        let brake_bit = match parameters.brake {
            Brake::Output { bit, .. } => Some(bit),
            Brake::None | Brake::Drive { .. } => None,
        };
        let servo = Servo::new(
            parameters.gains,
            parameters.torque_limit,
            parameters.feedback_delay_periods,
            scaling.modulo(),
            period_s,
        );
        let output_map = OutputMap::new(
            &layout.outputs,
            layout.output_bytes(),
            parameters.mode,
            brake_bit,
            parameters.torque_limit,
        )?;
        Ok(Drive {
            input_range: layout.input_offset..layout.input_offset + layout.input_bytes(),
            output_range: layout.output_offset..layout.output_offset + layout.output_bytes(),
            input_map: InputMap::new(&layout.inputs, layout.input_bytes(), parameters.mode)?,
            output_map,
            mode: parameters.mode,
            gains: parameters.gains,
            torque_limit: parameters.torque_limit,
            scaling,
            servo,
            sequence: Sequence::new(parameters, period_s),
            handover: Handover::new(parameters.mode, cycles(parameters.timing.mode_timeout_s, period_s)),
            stop_per_square: if parameters.mode == Mode::Pp { 0.5 / parameters.profile_deceleration } else { 0.0 },
            period_s,
            closes_loops: !parameters.mode.takes_position() || parameters.mode == Mode::Csp && output_map.has_offsets(),
            heard: false,
            place: Place::default(),
            measured: None,
            extrapolated_cycles: parameters.extrapolated_cycles,
            extrapolated_velocity: parameters.extrapolated_velocity,
            feedback: Feedback::default(),
            target: 0,
            velocity: 0.0,
        })
    }

    /// Where its inputs stand in the bus's input image.
    pub fn input_range(&self) -> Range<usize> {
        self.input_range.clone()
    }

    /// Where its outputs stand in the bus's output image.
    pub fn output_range(&self) -> Range<usize> {
        self.output_range.clone()
    }

    /// Writes what is not written in each cycle into the bytes that [`Drive::encode`] is given from then on.
    pub fn prepare(&self, outputs: &mut [u8]) {
        self.output_map.write_fixed(outputs);
    }

    /// Whether the loops may get these gains and this torque limit now: at any time what they have, always while the
    /// drive holds nothing. Under load a step in a gain would be one in what the drive is told.
    pub fn check_tuning(&self, gains: &ServoGains, torque_limit: f64) -> Result<(), TuningRefusal> {
        if self.sequence.is_off() || (*gains, torque_limit) == (self.gains, self.torque_limit) {
            return Ok(());
        }
        let same_but_limit = ServoGains { velocity_limit: self.gains.velocity_limit, ..*gains } == self.gains;
        if !same_but_limit || torque_limit != self.torque_limit {
            return Err(TuningRefusal::Enabled);
        }
        // A clamp that is not in force makes no difference, neither the old nor the new one.
        let asked = self.servo.asked_velocity();
        let clamp = gains.velocity_limit.min(self.gains.velocity_limit);
        if self.mode.takes_position() || asked <= clamp {
            Ok(())
        } else {
            Err(TuningRefusal::Saturated { asked, clamp })
        }
    }

    /// Takes other gains and another torque limit over; [`Drive::prepare`] is then due for the latter.
    pub fn set_tuning(&mut self, gains: ServoGains, torque_limit: f64) {
        (self.gains, self.torque_limit) = (gains, torque_limit);
        self.servo.set_gains(gains, torque_limit);
        self.output_map.set_torque_limit(torque_limit);
    }

    /// What was decoded last.
    #[inline]
    pub fn feedback(&self) -> &Feedback {
        &self.feedback
    }

    /// Reads the drive's own bytes ([`Drive::input_range`] of the image). With `fresh` false (or too few bytes) nothing
    /// is taken from them: the last values stay, or the position is extrapolated, and their age is counted.
    #[inline]
    pub fn decode(&mut self, inputs: &[u8], fresh: bool) -> &Feedback {
        match self.input_map.read(inputs) {
            Some(values) if fresh => self.take(&values),
            _ => {
                self.feedback.stale_cycles = self.feedback.stale_cycles.saturating_add(1);
                self.extrapolate();
                self.tell_sequence();
            }
        }
        &self.feedback
    }

    /// The drive is heard again: what was guessed is forgotten.
    #[cold]
    fn resume(&mut self) {
        if let Some(measured) = self.measured.take() {
            self.place = measured;
        }
        (self.feedback.extrapolated, self.feedback.stale_cycles) = (false, 0);
    }

    /// Goes on for a period as it was measured last, so long as it may be guessed; then it is held, and no loop is closed over
    /// a place that stands while its setpoint goes on.
    #[cold]
    fn extrapolate(&mut self) {
        self.feedback.extrapolated = false;
        if self.feedback.stale_cycles > self.extrapolated_cycles || !self.heard {
            return;
        }
        self.measured.get_or_insert(self.place);
        let Feedback { turns, position, velocity, .. } = self.feedback;
        // Unlike `f64::clamp` it cannot panic.
        let velocity = velocity.min(self.extrapolated_velocity).max(-self.extrapolated_velocity);
        if let Some(there) = self.scaling.increments(turns, position + velocity * self.period_s) {
            self.scaling.advance(&mut self.place, self.scaling.raw(there));
            self.feedback.turns = self.place.turns;
            self.feedback.position = self.scaling.position(&self.place);
            self.feedback.extrapolated = true;
        }
    }

    #[inline]
    fn take(&mut self, values: &Inputs) {
        let stale_cycles = self.feedback.stale_cycles;
        if stale_cycles != 0 {
            self.resume();
        }
        let moved = if self.heard {
            self.scaling.advance(&mut self.place, values.position)
        } else {
            self.place = self.scaling.first(values.position);
            self.heard = true;
            0
        };
        let feedback = &mut self.feedback;
        feedback.turns = self.place.turns;
        feedback.position = self.scaling.position(&self.place);
        feedback.velocity = match values.velocity {
            Some(raw) => self.scaling.velocity(raw),
            None => self.scaling.distance(moved) / (self.period_s * (f64::from(stale_cycles) + 1.0)),
        };
        feedback.torque_ratio = self.scaling.torque_ratio(values.torque);
        feedback.digital_inputs = values.digital_inputs;
        feedback.error_code = values.error_code;
        let mode_confirmed = values.mode == self.mode.code();
        if !self.handover.is_silent() {
            let in_operation = State::from_statusword(values.statusword) == State::OperationEnabled;
            self.handover.observe(values.statusword, in_operation && mode_confirmed);
        }
        let follows = self.handover.follows();
        if !(feedback.operational && self.sequence.is_steady(values.statusword, mode_confirmed && follows)) {
            self.sequence.observe(&Observation {
                statusword: values.statusword,
                mode_confirmed,
                follows,
                error_code: values.error_code,
                velocity: feedback.velocity,
            });
            self.tell_change(values);
        }
    }

    /// What an observation may have changed.
    fn tell_change(&mut self, values: &Inputs) {
        self.tell_sequence();
        let feedback = &mut self.feedback;
        feedback.state = self.sequence.state();
        feedback.warning = values.statusword & statusword::WARNING != 0;
        feedback.internal_limit = values.statusword & statusword::INTERNAL_LIMIT != 0;
        if matches!(feedback.fault, Some(Fault::DriveFault | Fault::ResetRefused)) {
            feedback.error_code = self.sequence.fault_code();
        }
        if self.sequence.target() == Target::Follow {
            let (turns, position) = (feedback.turns, feedback.position);
            feedback.held = Setpoint { turns, position, velocity: 0.0, acceleration: 0.0 };
        }
    }

    /// What changes by time and command too, and is told even where the drive is silent.
    fn tell_sequence(&mut self) {
        self.feedback.operational = self.sequence.is_operational();
        self.feedback.fault = self.sequence.fault();
        self.feedback.resetting = matches!(self.sequence.phase(), Phase::Resetting(_));
        self.feedback.brake_open = self.sequence.brake().is_open();
    }

    /// Writes what changes of the drive's outputs ([`Drive::output_range`] of the image, which [`Drive::prepare`] has
    /// written the rest of). `setpoint` is where to be, looked at only while the feedback says `operational`; one that
    /// the drive cannot represent is not sent: the drive is stopped and latches `SetpointRange`.
    #[inline(always)] // one caller a program, in the loop over the axes
    pub fn encode(&mut self, demand: Demand, setpoint: &Setpoint, outputs: &mut [u8]) {
        let mut controlword = self.sequence.advance(demand, self.velocity);
        let mut values = Outputs::default();
        let streams = self.sequence.is_operational();
        if !(streams && self.stream(setpoint, &mut values)) {
            if streams {
                self.sequence.raise(Fault::SetpointRange);
                controlword = self.sequence.advance(Demand { reset: false, ..demand }, self.velocity);
            }
            self.stay(&mut values);
        }
        let mut target = self.target;
        if !self.handover.is_silent() {
            let bits;
            (target, bits) = self.hand_over(controlword);
            controlword |= bits;
        }
        values.controlword = controlword;
        values.position = self.scaling.raw(target);
        values.brake_bit = self.sequence.brake().bit();
        self.output_map.write(&values, outputs);
    }

    /// The target that goes out beside this controlword, and what is added to the word.
    fn hand_over(&mut self, controlword: u16) -> (i64, u16) {
        if controlword == controlword::ENABLE_OPERATION && self.sequence.state() == State::OperationEnabled {
            return self.handover.hand(self.target);
        }
        self.handover.rest(self.target);
        (self.target, 0)
    }

    /// The target where no setpoint is taken: the last one, or the feedback.
    fn stay(&mut self, values: &mut Outputs) {
        self.velocity = 0.0;
        if self.sequence.target() == Target::Hold {
            if matches!(self.sequence.phase(), Phase::Releasing | Phase::Engaging { quick: false }) {
                let held = self.feedback.held;
                self.close_loops(&held, values);
            }
        } else {
            self.target = self.place.increments;
            if !self.mode.takes_position() {
                self.servo.start(&self.feedback.held);
            }
        }
    }

    /// Takes motion's setpoint as the target; false where the drive cannot represent it.
    #[inline(always)] // only `encode` calls it
    fn stream(&mut self, setpoint: &Setpoint, values: &mut Outputs) -> bool {
        // A drive with a profile of its own stops at each target: it is given the place where it would stand if it stopped now.
        let ahead = self.stop_per_square * setpoint.velocity * setpoint.velocity.abs();
        let Some(target) = self.scaling.increments(setpoint.turns, setpoint.position + ahead) else { return false };
        // Half of 2³² or more from where the drive is, its 32 bits would mean a place on the other side.
        let reachable = i32::try_from(target.wrapping_sub(self.place.increments)).is_ok();
        let finite = (setpoint.velocity + setpoint.acceleration).abs() < f64::INFINITY;
        if !reachable || !finite {
            return false;
        }
        self.target = target;
        self.velocity = setpoint.velocity;
        self.feedback.held.turns = setpoint.turns;
        self.feedback.held.position = setpoint.position;
        if self.closes_loops {
            self.close_loops(setpoint, values);
        }
        true
    }

    fn close_loops(&mut self, setpoint: &Setpoint, values: &mut Outputs) {
        let inertia = self.gains.acceleration_feed_forward;
        match self.mode {
            Mode::Csp => {
                let velocity = self.gains.velocity_feed_forward * setpoint.velocity;
                values.velocity_offset = self.scaling.raw_velocity(velocity);
                values.torque_offset = self.scaling.raw_torque(inertia * setpoint.acceleration);
            }
            Mode::Csv => {
                values.velocity = self.scaling.raw_velocity(self.servo.velocity(setpoint, &self.feedback));
                values.torque_offset = self.scaling.raw_torque(inertia * setpoint.acceleration);
            }
            Mode::Cst => values.torque = self.scaling.raw_torque(self.servo.torque(setpoint, &self.feedback)),
            Mode::Ip | Mode::Pp => {}
        }
    }
}

/// Whole cycles of a time, the last one begun; less a little, lest rounding of the quotient adds a cycle.
fn cycles(seconds: f64, period_s: f64) -> u32 {
    (seconds / period_s - 1e-6).ceil() as u32
}

#[cfg(test)]
mod tests;
