//! From any state to rest at a position, in the least time.
//!
//! Go towards full speed in the direction σ in which the target lies beyond the point where an immediate stop would
//! end, and stop so that the stop ends at the target. With γ the ramp to full speed,
//! F(τ) = σ·(place where a stop from γ(τ) ends − target) rises along γ from a negative value: the one phase of γ in which it
//! turns positive holds the switching point; where it stays negative to γ's end, full speed is held for the rest.

use super::super::Limits;
use super::ramp::{Ramp, stopping_distance};
use super::{Profile, State};
use crate::limits::PROFILE_ITERATIONS;

/// Where a stop may miss the target, as a share of the largest distance or coordinate involved; what is left is
/// rounding, and the profile ends at the target itself.
const PLACE_TOLERANCE: f64 = 4.0 * f64::EPSILON;

/// Solves for rest at `target`. Phases: at most 4 of γ, 1 of full speed, 3 (4 only when γ is left in its first phase) of the stop.
pub(super) fn solve(start: State, target: f64, limits: &Limits) -> Profile {
    // Distances are counted from the start, so that a far-off origin costs no precision.
    let distance = target - start.position;
    let origin = State { position: 0.0, ..start };
    let overshoot =
        |state: State| state.position + stopping_distance(state.velocity, state.acceleration, limits) - distance;

    let mut profile = Profile::begin();
    let miss = overshoot(origin);
    let tolerance = PLACE_TOLERANCE * (distance.abs() + miss.abs() + start.position.abs());
    let mut state = origin;
    if miss.abs() > tolerance {
        let sigma = -miss.signum();
        let ramp = Ramp::to(origin, sigma * limits.velocity, limits);
        let mut before = sigma * miss;
        let mut switched = false;
        for (length_s, jerk) in ramp.phases().filter(|(length_s, _)| *length_s > 0.0) {
            let ends = state.advanced(length_s, jerk);
            let after = sigma * overshoot(ends);
            if after >= 0.0 {
                let at_s =
                    rising_root(|t_s| sigma * overshoot(state.advanced(t_s, jerk)), length_s, before, after, tolerance);
                state = profile.append(state, at_s, jerk);
                switched = true;
                break;
            }
            state = profile.append(state, length_s, jerk);
            before = after;
        }
        if !switched {
            state = State { velocity: sigma * limits.velocity, acceleration: 0.0, ..state };
            state = profile.append(state, -sigma * overshoot(state) / limits.velocity, 0.0);
        }
    }
    profile.append_ramp(state, &Ramp::to(state, 0.0, limits));
    profile.shift(start.position);
    profile.ending_at(State::rest(target))
}

/// The place in [0, `length`] where the rising `f` is 0, given its values `low` < 0 ≤ `high` at the ends, by Chandrupatla's
/// method (T. R. Chandrupatla, Advances in Engineering Software 28, 1997): inverse quadratic interpolation where three
/// points lie well for it, else bisection. At most `PROFILE_ITERATIONS` evaluations.
fn rising_root(f: impl Fn(f64) -> f64, length: f64, low: f64, high: f64, tolerance: f64) -> f64 {
    // `newer` is the last point, `other` the end of the bracket across the root, `older` the one that was dropped.
    let (mut newer, mut f_newer) = (length, high);
    let (mut other, mut f_other) = (0.0, low);
    let mut share = 0.5;
    for _ in 0..PROFILE_ITERATIONS {
        let middle = newer + share * (other - newer);
        let f_middle = f(middle);
        let (older, f_older);
        if (f_middle < 0.0) == (f_newer < 0.0) {
            (older, f_older) = (newer, f_newer);
        } else {
            (older, f_older) = (other, f_other);
            (other, f_other) = (newer, f_newer);
        }
        (newer, f_newer) = (middle, f_middle);

        let (best, f_best) = if f_newer.abs() < f_other.abs() { (newer, f_newer) } else { (other, f_other) };
        let width = (other - newer).abs();
        // As near as the coordinate can be told from its neighbours.
        let resolution = 2.0 * f64::EPSILON * best.abs();
        if f_best.abs() <= tolerance || width <= resolution {
            return best;
        }
        let xi = (newer - other) / (older - other);
        let phi = (f_newer - f_other) / (f_older - f_other);
        share = if phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi {
            f_newer / (f_other - f_newer) * f_older / (f_other - f_older)
                + (older - newer) / (other - newer) * f_newer / (f_older - f_newer) * f_other / (f_older - f_other)
        } else {
            0.5
        };
        let margin = (resolution / width).min(0.5);
        share = share.clamp(margin, 1.0 - margin);
    }
    if f_newer.abs() < f_other.abs() { newer } else { other }
}
