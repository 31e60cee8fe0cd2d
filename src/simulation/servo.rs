//! The drive's own loops: interpolation, position, velocity, torque.

use std::f64::consts::TAU;

use crate::simulation::encoder::Encoder;
use crate::simulation::profile::{ProfileLimits, next_velocity};

/// How a drive gets from one cyclic target to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// In a straight line over the interpolation period (60C2h).
    #[default]
    Linear,
    /// On a cubic with continuous velocity over the interpolation period.
    Cubic,
}

/// Gains of the cascade.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServoParameters {
    /// Position gain Kv, 1/s.
    pub position_gain_per_s: f64,
    /// Velocity gain, newton metres per rad/s.
    pub velocity_gain_nm_s: f64,
    /// Integral gain of the velocity loop, newton metres per rad.
    pub velocity_integral_nm: f64,
    /// Part of the setpoint's velocity that is fed forward, 0 to 1.
    pub velocity_feed_forward: f64,
    /// Time constant of the torque loop, seconds; 0 is immediate.
    pub torque_time_constant_s: f64,
    /// How it moves between targets.
    pub interpolation: Interpolation,
}

impl ServoParameters {
    /// Loops for this inertia: velocity loop at 400 rad/s, position gain 100 1/s, 98 % velocity feed-forward, so that
    /// the following error is small but grows with speed.
    pub fn tuned_for(inertia_kg_m2: f64) -> ServoParameters {
        let bandwidth = 400.0;
        ServoParameters {
            position_gain_per_s: 100.0,
            velocity_gain_nm_s: bandwidth * inertia_kg_m2,
            velocity_integral_nm: 0.15 * bandwidth * bandwidth * inertia_kg_m2,
            velocity_feed_forward: 0.98,
            torque_time_constant_s: 0.0003,
            interpolation: Interpolation::Linear,
        }
    }
}

/// Which loop follows the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServoMode {
    /// Cyclic synchronous position, or interpolated position.
    Position,
    /// Profile position.
    Profile,
    /// Cyclic synchronous velocity.
    Velocity,
    /// Cyclic synchronous torque.
    Torque,
}

/// What the servo does in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ServoMotion {
    /// No torque.
    Off,
    /// Hold the reference.
    Hold,
    /// Follow the master.
    Follow,
    /// Bring the reference to rest at this many turns/s².
    Ramp(f64),
    /// Come to rest as hard as the limits allow, then hold.
    Limit,
}

/// What the master wants, in turns and newton metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServoCommand {
    /// Which loop.
    pub mode: ServoMode,
    /// What its own profile keeps to.
    pub profile: ProfileLimits,
    /// Target velocity with its offset (60FFh + 60B1h), turns/s.
    pub velocity_turns_s: f64,
    /// 60B1h as feed-forward in position mode; `None` derives it from the targets.
    pub velocity_feed_forward_turns_s: Option<f64>,
    /// Target torque (6071h), newton metres; without meaning in the other modes.
    pub torque_nm: f64,
    /// Torque offset (60B2h), newton metres, in every mode.
    pub torque_offset_nm: f64,
    /// Torque limits (6072h, 60E0h, 60E1h, motor), newton metres: at most forwards, at least backwards.
    pub torque_limits_nm: (f64, f64),
    /// Speed limit, turns/s.
    pub max_velocity_turns_s: f64,
}

/// Below this speed a motor counts as at rest, turns/s (3 rpm).
const REST_TURNS_S: f64 = 0.05;

/// A way from one target to the next, in increments from `Servo::base`.
#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    start: f64,
    delta: f64,
    start_velocity: f64,
    end_velocity: f64,
    period_s: f64,
    elapsed_s: f64,
}

impl Segment {
    /// Half a nanosecond of slack: the sum of the steps of a period may miss it by rounding.
    fn over(&self) -> bool {
        self.elapsed_s >= self.period_s - 5e-10
    }

    /// It ends now, so what comes next begins with its last velocity.
    fn just_over(&self) -> bool {
        self.over() && self.elapsed_s < self.period_s + 5e-10
    }

    /// Position and velocity now; at rest on its end once it is over.
    fn at(&self, interpolation: Interpolation) -> (f64, f64) {
        if self.over() {
            return (self.start + self.delta, 0.0);
        }
        let s = self.elapsed_s / self.period_s;
        match interpolation {
            Interpolation::Linear => (self.start + self.delta * s, self.delta / self.period_s),
            Interpolation::Cubic => {
                let (v0, v1) = (self.start_velocity * self.period_s, self.end_velocity * self.period_s);
                let (square, cube) = (s * s, s * s * s);
                let position = self.start
                    + v0 * (cube - 2.0 * square + s)
                    + self.delta * (3.0 * square - 2.0 * cube)
                    + v1 * (cube - square);
                let slope = v0 * (3.0 * square - 4.0 * s + 1.0)
                    + self.delta * 6.0 * (s - square)
                    + v1 * (3.0 * square - 2.0 * s);
                (position, slope / self.period_s)
            }
        }
    }
}

/// Cascade of position, velocity and torque loop, stepped with the plant.
#[derive(Clone, Copy, Debug)]
pub struct Servo {
    parameters: ServoParameters,
    /// Increments in one motor turn, and turns in one fine count of the encoder.
    increments_per_turn: f64,
    turns_per_fine: f64,
    shift: u32,
    /// The reference is `base + offset` increments; `base` is near, so that `offset` stays exact.
    base: i64,
    offset: f64,
    /// Velocity of the reference, increments/s.
    reference_velocity: f64,
    segment: Segment,
    /// Last target of the master, increments, unwrapped.
    target: i64,
    integral_nm: f64,
    torque_nm: f64,
    fine: i64,
    velocity_turns_s: f64,
    limited: bool,
    /// A stop at the limit has come to rest and holds.
    caught: bool,
    /// `1 - exp(-dt/τ)` for this dt.
    lag: (f64, f64),
}

impl Servo {
    /// Loops that look at this encoder.
    pub fn new(parameters: &ServoParameters, encoder: &Encoder) -> Servo {
        let fine_per_increment = (1u64 << encoder.shift()) as f64;
        Servo {
            parameters: *parameters,
            increments_per_turn: encoder.fine_per_turn() / fine_per_increment,
            turns_per_fine: 1.0 / encoder.fine_per_turn(),
            shift: encoder.shift(),
            base: encoder.increments(),
            offset: 0.0,
            reference_velocity: 0.0,
            segment: Segment::default(),
            target: encoder.increments(),
            integral_nm: 0.0,
            torque_nm: 0.0,
            fine: encoder.fine(),
            velocity_turns_s: 0.0,
            limited: false,
            caught: false,
            lag: (0.0, 1.0),
        }
    }

    /// Takes the encoder's reading at the end of a step.
    pub fn measure(&mut self, encoder: &Encoder, dt_s: f64) {
        let fine = encoder.fine();
        self.velocity_turns_s = (fine - self.fine) as f64 * self.turns_per_fine / dt_s;
        self.fine = fine;
    }

    /// Sets the reference to where the motor is, moving as the motor does or at rest.
    pub fn catch_actual(&mut self, moving: bool) {
        self.base = self.fine >> self.shift;
        let rest = self.fine - (self.base << self.shift);
        self.offset = rest as f64 * self.turns_per_fine * self.increments_per_turn;
        self.reference_velocity = if moving { self.velocity_turns_s * self.increments_per_turn } else { 0.0 };
        self.hold_reference();
    }

    /// Ends the way to the last target where the reference is.
    pub fn hold_reference(&mut self) {
        self.segment = Segment { start: self.offset, elapsed_s: 1.0, ..Segment::default() };
        self.target = self.reference_increments();
        self.caught = false;
    }

    /// Takes the reference from the way to the last target, with the velocity that it has there.
    pub fn leave_segment(&mut self) {
        (self.offset, self.reference_velocity) = self.segment.at(self.parameters.interpolation);
        if self.segment.just_over() {
            self.reference_velocity = self.segment.end_velocity;
        }
    }

    /// A new 607Ah (with 60B0h), to be reached after `period_s`. The 32-bit value is taken as the nearest to the last
    /// target, so that its wrap is no jump.
    pub fn retarget(&mut self, raw: i32, period_s: f64) {
        let step = i64::from(raw.wrapping_sub(self.target as i32));
        self.target += step;
        self.leave_segment();
        let start_velocity = self.reference_velocity;
        // The reference keeps its place; only the origin of its small part moves.
        let whole = self.offset.floor();
        self.base += whole as i64;
        self.offset -= whole;
        let delta = (self.target - self.base) as f64 - self.offset;
        let end_velocity = match self.parameters.interpolation {
            Interpolation::Linear => delta / period_s,
            Interpolation::Cubic => step as f64 / period_s,
        };
        self.segment = Segment { start: self.offset, delta, start_velocity, end_velocity, period_s, elapsed_s: 0.0 };
    }

    /// A new target of the drive's own profile, taken as the nearest to the last one; or so far from that.
    pub fn aim(&mut self, raw: i32, relative: bool) {
        let step = if relative { i64::from(raw) } else { i64::from(raw.wrapping_sub(self.target as i32)) };
        self.target += step;
    }

    /// The drive's own profile has come to its target.
    pub fn arrived(&self) -> bool {
        self.reference_velocity == 0.0 && self.reference_increments() == self.target
    }

    /// One step of the drive's own profile.
    fn step_profile(&mut self, limits: &ProfileLimits, dt_s: f64) {
        let whole = self.offset.floor();
        self.base += whole as i64;
        self.offset -= whole;
        let target = (self.target - self.base) as f64;
        let before = self.reference_velocity;
        let after = next_velocity(target - self.offset, before, limits, dt_s);
        self.offset += 0.5 * (before + after) * dt_s;
        let landed = (target - self.offset).abs() <= 0.5 && after.abs() <= limits.deceleration * dt_s;
        (self.offset, self.reference_velocity) = if landed { (target, 0.0) } else { (self.offset, after) };
    }

    /// The torque for the next `dt_s`.
    pub fn step(&mut self, motion: ServoMotion, command: &ServoCommand, dt_s: f64) -> f64 {
        let mut torque_mode = None;
        let mut feed_forward = 0.0;
        let velocity_target = match motion {
            ServoMotion::Off => {
                (self.integral_nm, self.torque_nm, self.limited) = (0.0, 0.0, false);
                return 0.0;
            }
            ServoMotion::Hold => {
                self.reference_velocity = 0.0;
                None
            }
            ServoMotion::Ramp(deceleration_turns_s2) => {
                let change = deceleration_turns_s2 * self.increments_per_turn * dt_s;
                let (before, now) = (self.reference_velocity, self.offset);
                let after = if before.abs() <= change { 0.0 } else { before - change.copysign(before) };
                self.reference_velocity = after;
                feed_forward = self.parameters.velocity_feed_forward * before / self.increments_per_turn;
                self.offset += 0.5 * (before + after) * dt_s;
                let error_turns = self.error_turns_of(now);
                Some(feed_forward + self.parameters.position_gain_per_s * error_turns)
            }
            ServoMotion::Limit if !self.caught => {
                self.caught = self.velocity_turns_s.abs() < REST_TURNS_S;
                if self.caught {
                    self.catch_actual(false);
                    self.caught = true;
                }
                Some(0.0)
            }
            ServoMotion::Limit => None,
            ServoMotion::Follow => match command.mode {
                ServoMode::Position => {
                    (self.offset, self.reference_velocity) = self.segment.at(self.parameters.interpolation);
                    self.segment.elapsed_s += dt_s;
                    feed_forward = command.velocity_feed_forward_turns_s.unwrap_or(
                        self.parameters.velocity_feed_forward * self.reference_velocity / self.increments_per_turn,
                    );
                    None
                }
                ServoMode::Profile => {
                    let (before, now) = (self.reference_velocity, self.offset);
                    feed_forward = self.parameters.velocity_feed_forward * before / self.increments_per_turn;
                    let error_turns = self.error_turns_of(now);
                    self.step_profile(&command.profile, dt_s);
                    Some(feed_forward + self.parameters.position_gain_per_s * error_turns)
                }
                ServoMode::Velocity => {
                    self.catch_actual(true);
                    Some(command.velocity_turns_s)
                }
                ServoMode::Torque => {
                    self.catch_actual(true);
                    let limit = command.max_velocity_turns_s;
                    // Beyond the speed limit there is no more torque outwards.
                    let outwards = command.torque_nm * self.velocity_turns_s > 0.0;
                    let fast = self.velocity_turns_s.abs() > limit && outwards;
                    torque_mode = Some(if fast { 0.0 } else { command.torque_nm });
                    None
                }
            },
        };
        let (forwards, backwards) = command.torque_limits_nm;
        let wanted = if let Some(torque_nm) = torque_mode {
            torque_nm + command.torque_offset_nm
        } else {
            let gain = self.parameters.position_gain_per_s;
            let velocity = velocity_target.unwrap_or(feed_forward + gain * self.error_turns_of(self.offset));
            let limit = command.max_velocity_turns_s;
            let error_rad_s = (velocity.clamp(-limit, limit) - self.velocity_turns_s) * TAU;
            let proportional = self.parameters.velocity_gain_nm_s * error_rad_s + command.torque_offset_nm;
            let wanted = proportional + self.integral_nm;
            // Anti-windup: integrate only what the limits let through.
            if !(wanted > forwards && error_rad_s > 0.0 || wanted < backwards && error_rad_s < 0.0) {
                self.integral_nm += self.parameters.velocity_integral_nm * error_rad_s * dt_s;
            }
            wanted
        };
        let allowed = wanted.max(backwards).min(forwards);
        self.limited = allowed != wanted;
        if self.lag.0 != dt_s {
            let constant = self.parameters.torque_time_constant_s;
            self.lag = (dt_s, if constant > 0.0 { 1.0 - (-dt_s / constant).exp() } else { 1.0 });
        }
        self.torque_nm += self.lag.1 * (allowed - self.torque_nm);
        if torque_mode.is_some() {
            // What another mode starts from.
            self.integral_nm = self.torque_nm;
        }
        self.torque_nm
    }

    /// Reference at `offset` minus actual, turns.
    fn error_turns_of(&self, offset: f64) -> f64 {
        let whole = (self.base << self.shift) - self.fine;
        whole as f64 * self.turns_per_fine + offset / self.increments_per_turn
    }

    /// The reference, rounded to increments.
    pub fn reference_increments(&self) -> i64 {
        self.base + self.offset.round() as i64
    }

    /// Velocity of the reference, turns/s.
    pub fn reference_velocity_turns_s(&self) -> f64 {
        self.reference_velocity / self.increments_per_turn
    }

    /// Where the reference is at the end of the last step (6062h and 60F4h are told of this instant).
    pub fn reference_now(&self, motion: ServoMotion, mode: ServoMode) -> i64 {
        if motion == ServoMotion::Follow && mode == ServoMode::Position {
            self.base + self.segment.at(self.parameters.interpolation).0.round() as i64
        } else {
            self.reference_increments()
        }
    }

    /// The last target of the master, increments, unwrapped.
    pub fn target(&self) -> i64 {
        self.target
    }

    /// Torque of the motor, newton metres.
    pub fn torque_nm(&self) -> f64 {
        self.torque_nm
    }

    /// Measured velocity, turns/s.
    pub fn velocity_turns_s(&self) -> f64 {
        self.velocity_turns_s
    }

    /// The torque limit cut the last step.
    pub fn limited(&self) -> bool {
        self.limited
    }

    /// Reference and motor are at rest.
    pub fn at_rest(&self) -> bool {
        self.reference_velocity == 0.0 && self.velocity_turns_s.abs() < REST_TURNS_S
    }
}
