//! From solved times, in reduced coordinates, to a profile in axis units.

use super::Profile;
use super::brake::{Brake, Relaxed};
use super::piece::{Piece, State};
use crate::limits::PROFILE_PHASES;

/// Adds phases one after the other. Every profile has at most: release, three phases of a change of speed, constant
/// velocity, three phases of the next change: [`PROFILE_PHASES`].
pub(super) struct Assembly {
    profile: Profile,
    time_s: f64,
    state: State,
    jerk: f64,
}

impl Assembly {
    pub fn new(start: State, jerk: f64) -> Assembly {
        Assembly { profile: Profile::constant(start), time_s: 0.0, state: start, jerk }
    }

    /// The release of an acceleration beyond its limit.
    pub fn relax(&mut self, relaxed: &Relaxed) {
        self.add(-relaxed.acceleration.signum(), relaxed.time, relaxed.acceleration);
    }

    /// A phase with jerk `direction` (−1, 0, 1 times the limit) for the reduced `time`, after which the
    /// acceleration is exactly `acceleration`. One too short for the clock at this point is left out.
    pub fn add(&mut self, direction: f64, time: f64, acceleration: f64) {
        let (begin_s, begin, jerk) = (self.time_s, self.state, direction * self.jerk);
        let until_s = begin_s + time / self.jerk;
        if until_s > begin_s {
            self.state = State { acceleration, ..begin.advanced(until_s - begin_s, jerk) };
            self.time_s = until_s;
            self.push(Piece::new(until_s, begin_s, begin, jerk));
        }
    }

    /// A time at constant `velocity`.
    pub fn cruise(&mut self, velocity: f64, time: f64) {
        self.state = State { velocity, acceleration: 0.0, ..self.state };
        self.add(0.0, time, 0.0);
    }

    /// Ends with `brake` in the state `end`. The phases are anchored there, so that the end is exact and nothing
    /// oscillates around it; what rounding has left is where `brake` begins.
    pub fn brake_to(mut self, brake: &Brake, end: State) -> Profile {
        let jerk = brake.sign * self.jerk;
        let first_s = self.time_s + brake.first / self.jerk;
        let hold_s = first_s + brake.hold / self.jerk;
        let end_s = hold_s + brake.peak / self.jerk;
        let held = State { acceleration: -brake.sign * brake.peak, ..end.advanced(-(brake.peak / self.jerk), jerk) };
        let peaked = held.advanced(-(brake.hold / self.jerk), 0.0);
        for (until_s, state, jerk) in [(first_s, peaked, -jerk), (hold_s, held, 0.0), (end_s, end, jerk)] {
            if until_s > self.time_s {
                self.time_s = until_s;
                self.push(Piece::new(until_s, until_s, state, jerk));
            }
        }
        self.finish(end)
    }

    /// Ends with `brake` at `velocity`, wherever that is: anchored at the start, and only the last phase at the end.
    pub fn brake_from_here(mut self, brake: &Brake, velocity: f64) -> Profile {
        let (sign, peak) = (brake.sign, brake.peak);
        self.add(-sign, brake.first, -sign * peak);
        self.add(0.0, brake.hold, -sign * peak);
        let position = self.state.advanced(peak / self.jerk, sign * self.jerk).position;
        let end = State { position, velocity, acceleration: 0.0 };
        let last = Brake { sign, first: 0.0, hold: 0.0, peak };
        self.brake_to(&last, end)
    }

    fn push(&mut self, piece: Piece) {
        if let Some(place) = self.profile.pieces.get_mut(self.profile.count) {
            *place = piece;
            self.profile.count += 1;
        }
    }

    fn finish(mut self, end: State) -> Profile {
        let after = Piece::constant(self.time_s, end);
        for place in self.profile.pieces.iter_mut().skip(self.profile.count) {
            *place = after;
        }
        debug_assert!(self.profile.count <= PROFILE_PHASES);
        self.profile.duration_s = self.time_s;
        self.profile
    }
}
