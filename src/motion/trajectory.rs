//! A profile on its way: one period a step.

use crate::units::Setpoint;

use super::profile::{Profile, State};
use super::target::{Target, wrapped};
use super::types::Limits;

/// Limits of a profile that changes nothing.
const ANY: Limits = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };

/// A profile in the frame of one turn, how far it has come, and the exact place where it ends.
#[derive(Clone, Debug)]
pub(super) struct Trajectory {
    profile: Profile,
    /// Signed, because such a number is converted in one instruction.
    ticks: i64,
    running: bool,
    turns: i64,
    end: Option<Target>,
}

impl Trajectory {
    /// Nothing to do.
    pub fn none() -> Trajectory {
        Trajectory { profile: Profile::rest(0.0), ticks: 0, running: false, turns: 0, end: None }
    }

    /// `profile` from now on, in the frame of turn `turns`. A profile that ends at rest ends exactly at `end`, if given.
    pub fn start(profile: Profile, turns: i64, end: Option<Target>) -> Trajectory {
        Trajectory { profile, ticks: 0, running: true, turns, end }
    }

    #[inline]
    pub fn running(&self) -> bool {
        self.running
    }

    /// Forgets the rest of it.
    pub fn cancel(&mut self) {
        self.running = false;
    }

    /// The turn whose frame the profile is in.
    pub fn turns(&self) -> i64 {
        self.turns
    }

    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The state `ticks` periods from now, in the frame of [`Trajectory::turns`].
    pub fn ahead(&self, ticks: u64, period_s: f64) -> State {
        self.profile.at((self.ticks + ticks as i64) as f64 * period_s)
    }

    /// Where it comes to rest.
    pub fn end(&self, modulo: Option<f64>) -> Target {
        self.end.unwrap_or_else(|| Target::new(self.turns, self.profile.end().position, modulo))
    }

    /// One period on.
    #[inline]
    pub fn advance(&mut self, period_s: f64, modulo: Option<f64>) -> Setpoint {
        self.ticks += 1;
        let elapsed_s = self.ticks as f64 * period_s;
        let ended = elapsed_s >= self.profile.duration_s();
        if ended && self.profile.end().velocity == 0.0 {
            self.running = false;
            let end = self.end(modulo);
            return Setpoint { turns: end.turns, position: end.position, velocity: 0.0, acceleration: 0.0 };
        }
        let state = self.profile.at(elapsed_s);
        let mut setpoint = Setpoint {
            turns: self.turns,
            position: state.position,
            velocity: state.velocity,
            acceleration: state.acceleration,
        };
        if let Some(modulo) = modulo {
            let (whole, position) = wrapped(state.position, modulo);
            setpoint.turns += whole;
            setpoint.position = position;
            if ended && whole != 0 {
                // Endless motion: start again from this turn, so that positions never grow and lose digits.
                let State { velocity, .. } = state;
                let from = State { position, velocity, acceleration: 0.0 };
                self.profile = Profile::to_velocity(from, velocity, &ANY);
                self.turns = setpoint.turns;
                self.ticks = 0;
            }
        }
        setpoint
    }
}

#[cfg(test)]
impl Trajectory {
    /// State and jerk at a share of the period that has just passed.
    pub fn within(&self, share: f64, period_s: f64) -> Option<(State, f64)> {
        let at_s = (self.ticks as f64 - 1.0 + share) * period_s;
        (self.ticks > 0).then(|| (self.profile.at(at_s), self.profile.jerk_at(at_s)))
    }

    /// Seconds until it ends.
    pub fn left_s(&self, period_s: f64) -> f64 {
        if self.running { self.profile.duration_s() - self.ticks as f64 * period_s } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { velocity: 100.0, acceleration: 1000.0, jerk: 10_000.0 };

    #[test]
    fn a_move_ends_exactly_at_its_target() {
        let target = Target::new(3, 0.1, Some(360.0));
        let profile = Profile::to_position(State::rest(12.3), target.seen_from(0, Some(360.0)), &LIMITS);
        let mut trajectory = Trajectory::start(profile, 0, Some(target));
        let mut last = Setpoint::default();
        for _ in 0..100_000 {
            if !trajectory.running() {
                break;
            }
            last = trajectory.advance(0.001, Some(360.0));
            assert!((0.0..360.0).contains(&last.position));
        }
        assert_eq!((last.turns, last.position, last.velocity), (3, 0.1, 0.0));
    }

    #[test]
    fn endless_motion_keeps_its_precision() {
        let mut trajectory = Trajectory::start(Profile::to_velocity(State::rest(0.0), 3600.0, &LIMITS), 0, None);
        let mut before = trajectory.advance(0.001, Some(360.0));
        for _ in 0..200_000 {
            let now = trajectory.advance(0.001, Some(360.0));
            let moved = (now.turns - before.turns) as f64 * 360.0 + now.position - before.position;
            let expected = (now.velocity + before.velocity) / 2.0 * 0.001;
            assert!((moved - expected).abs() < 1e-5, "{before:?} {now:?}");
            if now.acceleration == 0.0 && before.acceleration == 0.0 {
                assert!((moved - 3.6).abs() < 1e-9);
            }
            before = now;
        }
        assert!(before.turns > 1900);
    }
}
