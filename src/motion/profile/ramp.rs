//! From any velocity and acceleration to a velocity with no acceleration, in the least time.
//!
//! Where the acceleration is beyond its limit it is first relaxed. Then the acceleration goes up to a peak (at most the
//! limit, held as long as needed) and back to 0, in the direction σ in which the velocity that releasing the acceleration alone
//! would lead to, v + a|a|/2J, lies short of the wanted one.

use super::super::Limits;
use super::State;

/// Up to four phases of constant jerk: relax, build up, hold, release.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ramp {
    lengths_s: [f64; 4],
    jerks: [f64; 4],
}

impl Ramp {
    /// The fastest ramp from `start` to `velocity`.
    pub fn to(start: State, velocity: f64, limits: &Limits) -> Ramp {
        let Limits { acceleration: limit, jerk, .. } = *limits;
        let (mut v, mut a) = (start.velocity, start.acceleration);
        let mut relax_s = 0.0;
        let relax_jerk = -jerk.copysign(a);
        if a.abs() > limit {
            relax_s = (a.abs() - limit) / jerk;
            v += relax_s * (a + relax_s * relax_jerk / 2.0);
            a = limit.copysign(a);
        }
        let released = v + a * a.abs() / (2.0 * jerk);
        let sigma = if velocity >= released { 1.0 } else { -1.0 };
        let gap = sigma * (velocity - v);
        let b = sigma * a;
        let mut peak = (jerk * gap + b * b / 2.0).max(0.0).sqrt();
        let mut hold_s = 0.0;
        if peak > limit {
            hold_s = ((gap - (2.0 * limit * limit - b * b) / (2.0 * jerk)) / limit).max(0.0);
            peak = limit;
        }
        Ramp {
            lengths_s: [relax_s, ((peak - b) / jerk).max(0.0), hold_s, (peak / jerk).max(0.0)],
            jerks: [relax_jerk, sigma * jerk, 0.0, -sigma * jerk],
        }
    }

    /// Length and jerk of each phase, also of those of no length.
    pub fn phases(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.lengths_s.iter().copied().zip(self.jerks.iter().copied())
    }

    /// Where it leads.
    fn end(&self, start: State) -> State {
        self.phases().fold(start, |state, (length_s, jerk)| state.advanced(length_s, jerk))
    }

    /// How long it takes, seconds.
    pub fn duration_s(&self) -> f64 {
        self.lengths_s.iter().sum()
    }
}

/// The signed distance that a stop from this velocity and acceleration takes.
pub fn stopping_distance(velocity: f64, acceleration: f64, limits: &Limits) -> f64 {
    let start = State { position: 0.0, velocity, acceleration };
    Ramp::to(start, 0.0, limits).end(start).position
}
