//! Whether a corner is passed sooner by stopping in it.
//!
//! Around a corner that is rounded from h before it to h behind it, with the direction q′ changing by Δ, an axis has q″ = Δ/h and q‴ = Δ/h²
//! at most, so that its acceleration permits √(A·h/Δ) and its jerk ∛(J·h²/Δ). A stop leaves all of the jerk to braking and speeding up:
//! where jerk is what there is little of, a sharp corner takes longer than that. A corner of a distance has the shape that was asked for, however
//! long it takes.

use crate::limits::MAX_GROUP_AXES;

use super::PathAxes;
use super::legs::{Leg, Way};
use super::program::Corner;
use super::spot::Spot;

/// Of the jerk along the path: what coming to a corner that is passed is planned with, beside one that is stopped in.
const PASSING: f64 = 0.5;
/// A stop takes so many cycles more than that, and is worth it where it takes less than this of the time.
const STOP_CYCLES: f64 = 4.0;
const WORTH: f64 = 0.95;
/// Steps to the greatest speed between two corners.
const HALVINGS: usize = 30;

/// Limits along a line.
struct Along {
    velocity: f64,
    acceleration: f64,
    jerk: f64,
}

/// The line between `before` and `after` is passed sooner with a stop between them than rounded from `rounded` before to the same behind.
pub fn is_sooner(before: &Leg, after: &Leg, rounded: f64, axes: &PathAxes) -> bool {
    let limits = &axes.limits;
    let (Way::Lines(_), Way::Lines(_)) = (&before.way, &after.way) else { return false };
    if matches!(before.corner, Corner::Distance(_)) {
        return false;
    }
    let smooth = rounded >= before.length().max(after.length());
    let shorter = before.length().min(after.length());
    let rounded = if smooth { shorter } else { rounded.min(0.5 * shorter) };
    let corner = corner(before, after, rounded, axes);
    let passing = corner.cap(limits);
    let (mut stopped, mut passed) = (STOP_CYCLES * axes.period_s, 0.0);
    for (leg, direction) in [(before, &before.last), (after, &after.first)] {
        let along = along(leg, direction, axes);
        let half = 0.5 * leg.length();
        let speed = (2.0 * passing).sqrt().min(along.velocity);
        let beside = rounded.min(half);
        stopped += time(0.0, half, along.jerk, &along);
        passed += beside / speed + time(speed, half - beside, PASSING * along.jerk, &along);
    }
    stopped < WORTH * passed
}

/// The middle of the corner.
fn corner(before: &Leg, after: &Leg, rounded: f64, axes: &PathAxes) -> Spot {
    let mut spot = Spot { tool: before.caps.and(after.caps).within(None), ..Spot::default() };
    let turn = |axis: usize| (after.first[axis] - before.last[axis]).abs();
    for axis in 0..axes.limits.len() {
        (spot.second[axis], spot.third[axis]) = (turn(axis) / rounded, turn(axis) / (rounded * rounded));
    }
    let (row, turn) = (axes.limits.len(), size(&std::array::from_fn(turn), axes));
    (spot.second[row], spot.third[row]) = (turn / rounded, turn / (rounded * rounded));
    spot
}

/// Of the coordinates that caps are for.
fn size(vector: &[f64; MAX_GROUP_AXES], axes: &PathAxes) -> f64 {
    let count = if axes.linear > 0 { axes.linear } else { axes.limits.len() };
    vector.iter().take(count).map(|part| part * part).sum::<f64>().sqrt()
}

fn along(leg: &Leg, direction: &[f64; MAX_GROUP_AXES], axes: &PathAxes) -> Along {
    let mut along = Along { velocity: leg.feed, acceleration: f64::INFINITY, jerk: f64::INFINITY };
    let capped = leg.caps.within(None).map(|caps| (size(direction, axes), caps));
    let shares = direction.iter().map(|share| share.abs()).zip(axes.limits.iter().copied());
    for (share, limits) in shares.chain(capped) {
        if share > 0.0 {
            along.velocity = along.velocity.min(limits.velocity / share);
            along.acceleration = along.acceleration.min(limits.acceleration / share);
            along.jerk = along.jerk.min(limits.jerk / share);
        }
    }
    along
}

/// How long `way` takes that begins with a velocity and ends with the greatest that is reached.
fn time(from: f64, way: f64, jerk: f64, along: &Along) -> f64 {
    let ramp = |to: f64| {
        let change = to - from;
        let full = along.acceleration * along.acceleration / jerk;
        if change <= full {
            2.0 * (change / jerk).sqrt()
        } else {
            change / along.acceleration + along.acceleration / jerk
        }
    };
    let taken = |to: f64| 0.5 * (from + to) * ramp(to);
    let (mut low, mut high) = (from, along.velocity);
    if taken(high) <= way {
        return ramp(high) + (way - taken(high)) / high;
    }
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if taken(middle) <= way { low = middle } else { high = middle }
    }
    ramp(high)
}
