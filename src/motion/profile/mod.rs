//! The scalar profile: one coordinate from any state to a velocity or to rest at a position, in the least time that
//! velocity, acceleration and jerk limits permit.
//!
//! A profile is at most [`PROFILE_PHASES`] phases of constant jerk, then a constant velocity (0 for a position). A
//! start beyond the limits comes back inside at the permitted jerk and never leaves further. There is no failure: any
//! finite start and target and any positive finite limits have a profile.
//!
//! Times are seconds; positions are in any unit, and velocity, acceleration, jerk in that unit per s, s², s³.

mod position;
mod ramp;
mod synchronised;

pub use ramp::stopping_distance;

use super::Limits;
use crate::limits::PROFILE_PHASES;
use ramp::Ramp;

/// Position, velocity and acceleration at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Position.
    pub position: f64,
    /// Velocity.
    pub velocity: f64,
    /// Acceleration.
    pub acceleration: f64,
}

impl State {
    /// At rest.
    pub fn rest(position: f64) -> State {
        State { position, velocity: 0.0, acceleration: 0.0 }
    }

    /// After `t_s` seconds of constant `jerk`.
    #[inline]
    pub fn advanced(self, t_s: f64, jerk: f64) -> State {
        let State { position: p, velocity: v, acceleration: a } = self;
        State {
            position: p + t_s * (v + t_s * (a / 2.0 + t_s * jerk / 6.0)),
            velocity: v + t_s * (a + t_s * jerk / 2.0),
            acceleration: a + t_s * jerk,
        }
    }
}

/// One phase: constant jerk from a state on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Phase {
    /// When it begins, seconds after the start of the profile.
    begins_s: f64,
    /// The state then.
    from: State,
    /// Its jerk.
    jerk: f64,
}

/// A motion of one coordinate from its start to a constant velocity or to rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    phases: [Phase; PROFILE_PHASES],
    count: usize,
    duration_s: f64,
    /// The state at the end: acceleration 0, and the velocity that holds from then on.
    end: State,
}

impl Profile {
    /// At rest, for ever.
    pub fn rest(position: f64) -> Profile {
        Profile::begin().ending_at(State::rest(position))
    }

    /// From `start` to the constant `velocity`, which may be beyond the velocity limit: it limits only moves to positions.
    pub fn to_velocity(start: State, velocity: f64, limits: &Limits) -> Profile {
        let mut profile = Profile::begin();
        let reached = profile.append_ramp(start, &Ramp::to(start, velocity, limits));
        profile.ending_at(State { velocity, acceleration: 0.0, ..reached })
    }

    /// From `start` to rest as fast as acceleration and jerk permit.
    pub fn stop(start: State, limits: &Limits) -> Profile {
        Profile::to_velocity(start, 0.0, limits)
    }

    /// From `start` to rest at `target`.
    pub fn to_position(start: State, target: f64, limits: &Limits) -> Profile {
        position::solve(start, target, limits)
    }

    /// From `start` to rest at `target` in `duration_s`, by going slower than [`Profile::to_position`] would. The second value
    /// is true if that duration was met; else the profile is the longest found below or the shortest above it.
    ///
    /// Costs at most [`crate::limits::SYNCHRONISED_SOLVES`] times a `to_position`.
    pub fn to_position_in(start: State, target: f64, limits: &Limits, duration_s: f64) -> (Profile, bool) {
        synchronised::solve(start, target, limits, duration_s)
    }

    /// The state `t_s` seconds after the start; the start for times before it. At most `PROFILE_PHASES` comparisons.
    #[inline]
    pub fn at(&self, t_s: f64) -> State {
        if t_s >= self.duration_s || self.count == 0 {
            let after_s = (t_s - self.duration_s).max(0.0);
            return State { position: self.end.position + self.end.velocity * after_s, ..self.end };
        }
        let phase = self.phase_at(t_s);
        phase.from.advanced((t_s - phase.begins_s).max(0.0), phase.jerk)
    }

    /// The jerk `t_s` seconds after the start.
    pub fn jerk_at(&self, t_s: f64) -> f64 {
        if t_s >= self.duration_s { 0.0 } else { self.phase_at(t_s).jerk }
    }

    #[inline]
    fn phase_at(&self, t_s: f64) -> &Phase {
        let mut found = 0;
        for index in 1..self.count.min(PROFILE_PHASES) {
            if t_s < self.phases[index].begins_s {
                break;
            }
            found = index;
        }
        &self.phases[found]
    }

    /// Seconds until the constant velocity (or rest) is reached.
    pub fn duration_s(&self) -> f64 {
        self.duration_s
    }

    /// The state at the end of the last phase.
    pub fn end(&self) -> State {
        self.end
    }

    /// Moves the whole profile by `distance`.
    pub fn shift(&mut self, distance: f64) {
        for phase in &mut self.phases[..self.count.min(PROFILE_PHASES)] {
            phase.from.position += distance;
        }
        self.end.position += distance;
    }

    /// The lowest and highest position from `from_s` on, until rest; a profile that ends with a velocity is looked at until its
    /// last phase ends. At most three points a phase are looked at.
    pub fn extent(&self, from_s: f64) -> (f64, f64) {
        let now = self.at(from_s).position;
        let (mut low, mut high) = (now.min(self.end.position), now.max(self.end.position));
        let mut look = |position: f64| {
            low = low.min(position);
            high = high.max(position);
        };
        for (begins_s, length_s, from, jerk) in self.phases() {
            let ends_s = begins_s + length_s;
            if ends_s <= from_s {
                continue;
            }
            look(from.advanced(length_s, jerk).position);
            for at_s in turning_points(from.velocity, from.acceleration, jerk) {
                if at_s > 0.0 && at_s < length_s && begins_s + at_s >= from_s {
                    look(from.advanced(at_s, jerk).position);
                }
            }
        }
        (low, high)
    }

    /// Each phase as (begin, length, state at its begin, jerk).
    pub fn phases(&self) -> impl Iterator<Item = (f64, f64, State, f64)> + '_ {
        let phases = &self.phases[..self.count.min(PROFILE_PHASES)];
        phases.iter().enumerate().map(|(index, phase)| {
            let ends_s = phases.get(index + 1).map_or(self.duration_s, |next| next.begins_s);
            (phase.begins_s, ends_s - phase.begins_s, phase.from, phase.jerk)
        })
    }

    fn begin() -> Profile {
        Profile { phases: [Phase::default(); PROFILE_PHASES], count: 0, duration_s: 0.0, end: State::default() }
    }

    /// Adds a phase and returns the state at its end.
    fn append(&mut self, from: State, length_s: f64, jerk: f64) -> State {
        // A phase beyond the last place cannot come about (`position` counts them); it would end the profile early.
        if length_s > 0.0 && self.count < PROFILE_PHASES {
            self.phases[self.count] = Phase { begins_s: self.duration_s, from, jerk };
            self.count += 1;
            self.duration_s += length_s;
            return from.advanced(length_s, jerk);
        }
        from
    }

    fn append_ramp(&mut self, from: State, ramp: &Ramp) -> State {
        ramp.phases().fold(from, |state, (length_s, jerk)| self.append(state, length_s, jerk))
    }

    fn ending_at(mut self, end: State) -> Profile {
        self.end = end;
        self
    }
}

/// Times at which v + a t + j t²/2 = 0; NaN where there are none.
fn turning_points(velocity: f64, acceleration: f64, jerk: f64) -> [f64; 2] {
    if jerk == 0.0 {
        return [-velocity / acceleration, f64::NAN];
    }
    let root = (acceleration * acceleration - 2.0 * jerk * velocity).sqrt();
    [(-acceleration - root) / jerk, (-acceleration + root) / jerk]
}
