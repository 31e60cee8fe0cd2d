//! What a stream leaves for slowing down, and whether its curve keeps within the limits with that.
//!
//! A stream is a curve over time τ that is followed at the rate r = dτ/dt: 1, less where it is held up, a little more where it catches
//! up. With q′, q″, q‴ the derivatives of an axis over τ, what the axis does is
//!
//! ```text
//! velocity q′r    acceleration q″r² + q′ṙ    jerk q‴r³ + 3q″rṙ + q′r̈
//! ```
//!
//! The cycle keeps 0 ≤ r ≤ R, |ṙ| ≤ a and |r̈| ≤ j, whatever is asked of it. So limits hold at every instant and for every hold,
//! override and stop if on the whole curve
//!
//! ```text
//! |q′|R ≤ V    |q″|R² + |q′|a ≤ A    |q‴|R³ + 3|q″|Ra + |q′|j ≤ J
//! ```
//!
//! which is looked at in the extrema of the cubics that the cycle evaluates. `a` and `j` follow from the time that a stop from the rate
//! 1 may take.

use crate::geometry::{Ceiling, Cubic, Envelope};
use crate::limits::{MAX_POINTS_PER_STOP, MIN_POINT_PERIODS};
use crate::motion::Limits;

use super::segment::Segment;

/// Of the time that a stop takes: building up the braking, and releasing it.
const RELEASE: f64 = 1.0 / 3.0;
/// Excesses below this share are rounding, of the numbers of points.
const ROUNDING: f64 = 1e-6;
/// How much more than the greatest rate the cycle's ceiling has, for what comes to it.
const ABOVE: f64 = 1e-7;

/// What changes of the rate may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reserve {
    /// The greatest rate.
    pub fastest: f64,
    /// The greatest change of the rate, 1/s.
    pub acceleration: f64,
    /// How fast the used share of that may change, 1/s.
    pub rate: f64,
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Units/s.
    Velocity,
    /// Units/s².
    Acceleration,
    /// Units/s³.
    Jerk,
}

/// By how much a curve exceeds a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Excess {
    /// The axis, a place in the group.
    pub axis: usize,
    /// What of it.
    pub quantity: Quantity,
    /// What the points ask for.
    pub asked: f64,
    /// The same, with what is kept for slowing down and catching up.
    pub needed: f64,
    /// The limit of the axis.
    pub allowed: f64,
}

impl Reserve {
    /// A stop from the rate 1 takes `stop_s`; what was lost is caught up at the rate 1 + `catch_up`.
    pub fn new(stop_s: f64, catch_up: f64) -> Reserve {
        let release = RELEASE * stop_s;
        Reserve { fastest: 1.0 + catch_up, acceleration: 1.0 / (stop_s - release), rate: 1.0 / release }
    }

    /// The greatest change of that change, 1/s².
    fn jerk(&self) -> f64 {
        self.acceleration * self.rate
    }

    /// How far before a rest it is passed on a profile that ends exactly there, s: twice a stop from the greatest rate.
    pub fn landing_s(&self) -> f64 {
        self.fastest * (self.fastest / self.acceleration + 1.0 / self.rate)
    }

    /// How close two points may be, s.
    pub fn spacing_s(&self, period_s: f64) -> f64 {
        (MIN_POINT_PERIODS * period_s).max(self.landing_s() / MAX_POINTS_PER_STOP)
    }

    /// As pieces say it.
    pub fn envelope(&self) -> Envelope {
        let Reserve { acceleration, rate, .. } = *self;
        Envelope { acceleration, slope: 0.0, rate, lag: acceleration / rate }
    }

    /// Likewise; the energy of the greatest rate.
    pub fn ceiling(&self) -> Ceiling {
        let rate = self.fastest * (1.0 + ABOVE);
        Ceiling { energy: 0.5 * rate * rate, slope: 0.0, bend: 0.0 }
    }

    /// The worst excess of a segment, if there is one.
    pub fn excess(&self, segment: &Segment, limits: &[Limits]) -> Option<Excess> {
        let mut worst: Option<Excess> = None;
        let mut share = 1.0 + ROUNDING;
        for part in &segment.parts {
            for (axis, (cubic, limits)) in part.iter().zip(limits).enumerate() {
                for (quantity, allowed, asked, needed) in self.demands(cubic, segment.part_s, limits) {
                    if needed > share * allowed {
                        share = needed / allowed;
                        worst = Some(Excess { axis, quantity, asked, needed, allowed });
                    }
                }
            }
        }
        worst
    }

    /// What a cubic asks for, alone and with the reserve.
    fn demands(&self, cubic: &Cubic, length: f64, limits: &Limits) -> [(Quantity, f64, f64, f64); 3] {
        let (r, a) = (self.fastest, self.acceleration);
        let third = cubic.derivatives(0.0)[3].abs();
        let (velocity, bend) = (greatest(cubic, length, 1.0, 0.0), greatest(cubic, length, 0.0, 1.0));
        [
            (Quantity::Velocity, limits.velocity, velocity, velocity * r),
            (Quantity::Acceleration, limits.acceleration, bend, greatest(cubic, length, a, r * r)),
            (Quantity::Jerk, limits.jerk, third, third * r * r * r + greatest(cubic, length, self.jerk(), 3.0 * r * a)),
        ]
    }
}

/// The greatest value of p|q′| + k|q″| on a cubic: at an end, or where one of the parabolas pq′ ± kq″ has its vertex.
fn greatest(cubic: &Cubic, length: f64, first: f64, second: f64) -> f64 {
    let at = |x: f64| {
        let [_, slope, bend, _] = cubic.derivatives(x);
        first * slope.abs() + second * bend.abs()
    };
    let [_, _, bend, third] = cubic.derivatives(0.0);
    let vertex = |sign: f64| -(bend + sign * second * third / first) / third;
    let inside = |x: &f64| *x > 0.0 && *x < length;
    [vertex(1.0), vertex(-1.0)].into_iter().filter(inside).fold(at(0.0).max(at(length)), |most, x| most.max(at(x)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_is_no_less_than_any_sample_and_is_reached() {
        let cubics =
            [[0.0, 3.0, -4.5, 1.5], [0.0, -1.0, 2.0, -1.0], [1.0, 0.0, 0.0, 5.0], [0.0, 2.0, 0.0, 0.0], [0.0; 4]];
        for cubic in cubics.map(Cubic) {
            for (first, second) in [(1.0, 0.0), (0.0, 1.0), (2.0, 0.3), (0.5, 4.0)] {
                let most = greatest(&cubic, 2.0, first, second);
                let sampled = (0..=20_000).map(|i| {
                    let [_, slope, bend, _] = cubic.derivatives(f64::from(i) * 1e-4);
                    first * slope.abs() + second * bend.abs()
                });
                let sampled = sampled.fold(0.0, f64::max);
                assert!(most >= sampled && most <= sampled + 1e-6, "{cubic:?} {first} {second}: {most} {sampled}");
            }
        }
    }

    #[test]
    fn a_stop_takes_its_time() {
        let Reserve { acceleration, rate, .. } = Reserve::new(0.5, 0.0);
        assert!((1.0 / acceleration + 1.0 / rate - 0.5).abs() < 1e-15);
    }
}
