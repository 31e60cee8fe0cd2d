//! The range that setpoints stay in.

use crate::limits::SOFT_LIMIT_SLACK;

use super::profile::Profile;
use super::types::{Limits, Reason, Rejection};

/// Lowest and highest drive position; infinite where there is no limit, or none in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SoftLimits {
    pub low: f64,
    pub high: f64,
}

/// Rounding that is no violation, as a share of the magnitude.
const ROUNDING: f64 = 1e-9;

impl SoftLimits {
    pub const NONE: SoftLimits = SoftLimits { low: f64::NEG_INFINITY, high: f64::INFINITY };

    pub fn in_force(&self) -> bool {
        self.low.is_finite() || self.high.is_finite()
    }

    /// From outside, motion back inwards is permitted: the range up to `position`.
    pub fn reaching(&self, position: f64) -> SoftLimits {
        SoftLimits { low: self.low.min(position), high: self.high.max(position) }
    }

    /// How far (`low`, `high`) leaves the range; 0 inside, to rounding.
    pub fn excess(&self, (low, high): (f64, f64)) -> f64 {
        let above = high - self.high - ROUNDING * (1.0 + high.abs());
        let below = self.low - low - ROUNDING * (1.0 + low.abs());
        above.max(below).max(0.0)
    }

    pub fn contains(&self, position: f64) -> bool {
        self.excess((position, position)) == 0.0
    }

    /// The refusal of a motion that would reach from `low` to `high`, in axis coordinates.
    pub fn refusal(&self, (low, high): (f64, f64), offset: f64) -> Rejection {
        let above = high - self.high >= self.low - low;
        let (found, allowed) = if above { (high, self.high) } else { (low, self.low) };
        Rejection::with(Reason::SoftLimit, found + offset, allowed + offset)
    }

    /// Whether the axis is outside at `position`, by more than the curve of a path may be, and moves further out at `velocity` (faster than
    /// `creep`).
    #[inline]
    pub fn left(&self, position: f64, velocity: f64, creep: f64) -> bool {
        let outside = |by: f64| by > SOFT_LIMIT_SLACK + ROUNDING * (1.0 + position.abs());
        (velocity > creep && outside(position - self.high)) || (velocity < -creep && outside(self.low - position))
    }
}

/// The stop that is never refused: as short as `limits` permit, and inside `range` wherever any stop would be.
///
/// The quickest way to rest releases the acceleration as soon as it may. Where that carries the axis past its range (it was turning
/// round just before the limit), holding the braking acceleration longer stays inside, and the axis comes to rest a little further in.
pub(super) fn stop_profile(start: super::profile::State, limits: &Limits, range: &SoftLimits) -> Profile {
    let plain = Profile::stop(start, limits);
    if !range.in_force() {
        return plain;
    }
    let range = range.reaching(start.position);
    let extent = plain.extent(0.0);
    let excess = range.excess(extent);
    if excess == 0.0 {
        return plain;
    }
    let held = start.acceleration.abs().max(limits.acceleration);
    let inwards = held * held * held / (limits.jerk * limits.jerk);
    let target = if extent.1 - range.high > range.low - extent.0 { range.high - inwards } else { range.low + inwards };
    let turning = Profile::to_position(start, target, limits);
    if range.excess(turning.extent(0.0)) < excess { turning } else { plain }
}

/// Whether a profile stays in `range`, or no farther out than the stop that could not be avoided from its start; else
/// what it would reach.
pub(super) fn admits(profile: &Profile, limits: &Limits, range: &SoftLimits) -> Result<(), (f64, f64)> {
    if !range.in_force() {
        return Ok(());
    }
    let start = profile.at(0.0);
    let extent = profile.extent(0.0);
    let reach = range.reaching(start.position);
    if reach.excess(extent) == 0.0 {
        return Ok(());
    }
    let stop = stop_profile(start, limits, range).extent(0.0);
    if reach.reaching(stop.0).reaching(stop.1).excess(extent) == 0.0 { Ok(()) } else { Err(extent) }
}

#[cfg(test)]
mod tests {
    use super::super::profile::State;
    use super::*;

    #[test]
    fn a_stop_while_turning_round_before_the_limit_stays_inside() {
        let limits = Limits { velocity: 200.0, acceleration: 1000.0, jerk: 10_000.0 };
        let start = State { position: 0.0, velocity: 30.0, acceleration: -1000.0 };
        let turn = Profile::to_position(start, -500.0, &limits).extent(0.0).1;
        let range = SoftLimits { low: -1000.0, high: turn };
        assert!(Profile::stop(start, &limits).extent(0.0).1 > turn + 0.05, "the case is worth a test");
        let stop = stop_profile(start, &limits, &range);
        assert_eq!(range.excess(stop.extent(0.0)), 0.0);
        assert_eq!((stop.end().velocity, stop.end().acceleration), (0.0, 0.0));
    }

    #[test]
    fn outside_only_the_way_back_is_inside() {
        let range = SoftLimits { low: 0.0, high: 10.0 };
        assert!(range.reaching(15.0).contains(12.0));
        assert!(!range.reaching(15.0).contains(16.0));
        assert!(range.left(10.1, 1.0, 1e-3) && !range.left(10.1, -1.0, 1e-3) && !range.left(10.0, 1.0, 1e-3));
    }
}
