//! Profiles of a given duration, so that several axes arrive together.
//!
//! The same way as the fastest, under a lower velocity limit. As the limit falls from V towards 0 the duration rises
//! steadily from its minimum without bound: the way is solved by the same formulas on both sides of the velocity at
//! which the axis starts, and they agree where they meet. So there is no duration above the minimum that cannot be
//! had, and a caller never has to raise a common duration. Only a start whose immediate stop ends exactly at the
//! target has one duration; it waits there.

use super::Profile;
use super::piece::State;
use super::position::Problem;
use crate::limits::SYNCHRONISED_SOLVES;
use crate::motion::Limits;

/// The duration that was asked for is met to this part of itself, but for rounding.
pub const DURATION_TOLERANCE: f64 = 1e-12;

impl Profile {
    /// The way to rest at `target` that takes `duration_s`. The second value tells whether the axis is at rest there by
    /// then; it is false only where the fastest way takes longer, and then the profile is the fastest.
    ///
    /// Costs at most [`SYNCHRONISED_SOLVES`] and four solutions, on average about three times what
    /// [`Profile::to_position`] costs (`benches/profile_cost.rs`). A caller with many axes may do one axis a cycle.
    pub fn to_position_in(start: State, target: f64, limits: &Limits, duration_s: f64) -> (Profile, bool) {
        let problem = Problem::new(&start, target, limits);
        let speed = slowed(&problem, limits.velocity * limits.jerk, duration_s * limits.jerk);
        let profile = problem.solve(speed).assemble(&problem, start, target, limits);
        (profile, profile.duration_s() <= duration_s * (1.0 + 1e3 * DURATION_TOLERANCE))
    }
}

/// The velocity limit at which the course takes `time`, at most `speed`. It never takes longer than `time` unless the
/// fastest does: every limit that is returned has been tried.
fn slowed(problem: &Problem, speed: f64, time: f64) -> f64 {
    // Over 1/velocity the duration is nearly a straight line, from the highest velocity of the fastest course on.
    let late = |slowness: f64| problem.solve(1.0 / slowness).time(problem) - time;
    let fastest = problem.solve(speed);
    let (mut low, mut low_late) = (1.0 / speed, fastest.time(problem) - time);
    if low_late >= 0.0 || problem.gap <= 0.0 {
        return speed;
    }
    let bend = 1.0 / fastest.speed();
    if bend > low && late(bend) < 0.0 {
        low = bend;
    }
    // The gap is made up at no more than the velocity limit, so this limit takes at least `time`, but for rounding.
    let mut high = time / problem.gap;
    if high <= low {
        return 1.0 / low;
    }
    let mut high_late = late(high);
    if high_late <= 0.0 {
        return 1.0 / high;
    }
    // Regula falsi; the weight of an end that stays is halved (Illinois).
    let mut side = 0.0;
    for _ in 0..SYNCHRONISED_SOLVES {
        let middle = (low * high_late - high * low_late) / (high_late - low_late);
        if !(middle > low && middle < high) {
            break;
        }
        let value = late(middle);
        if value.abs() <= DURATION_TOLERANCE * time {
            return 1.0 / middle;
        }
        if value > 0.0 {
            (high, high_late) = (middle, value);
            if side > 0.0 {
                low_late /= 2.0;
            }
            side = 1.0;
        } else {
            (low, low_late) = (middle, value);
            if side < 0.0 {
                high_late /= 2.0;
            }
            side = -1.0;
        }
    }
    // Only rounding is left (a gap of few units in the last place is made up at a velocity as small): rather early.
    1.0 / low
}
