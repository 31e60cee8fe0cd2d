//! Increments ↔ axis units, exactly.
//!
//! With k = increments per motor turn · gear / feed (increments per axis unit, an exact ratio) and, on a modulo
//! axis, n/d = k · modulo (increments per modulo range in lowest terms), the whole position of a modulo axis is kept
//! as `turns` and a remainder counted in 1/d increments, 0 ≤ remainder < n: nothing is ever rounded away, however
//! many turns it makes. Positions on the bus are 32 bits wide and wrap; only differences modulo 2³² are used of them.

use super::parameters::{ParameterError, ScalingParameters};
use crate::units::Ratio;

/// Largest numerator and denominator that a product may have: exact in an `f64`.
const MAX_TERM: i64 = 1 << 52;
/// Largest denominator of increments per modulo range: a 32-bit step times it, plus a range, fits an `i64`.
const MAX_TURN_DENOMINATOR: i64 = 1 << 31;
/// Increments beyond a turn at which a setpoint is out of range.
const MAX_OFFSET: f64 = (1u64 << 62) as f64;
/// Below this `nearest_fast` is right.
const MAX_FAST: f64 = (1u64 << 51) as f64;

/// Where a drive is, unwrapped.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Increments in the axis's direction. Its low 32 bits are the drive's (negated where inverted).
    pub increments: i64,
    /// Those 32 bits as the drive showed them.
    raw: u32,
    /// Whole modulo ranges; 0 for a linear axis.
    pub turns: i64,
    /// Beyond `turns`, in 1/d increments; 0 for a linear axis.
    remainder: i64,
}

/// One modulo range.
#[derive(Clone, Copy, Debug)]
struct Turn {
    /// n: parts of 1/d increments in one range.
    parts: i64,
    /// d: parts in one increment.
    parts_per_increment: i64,
    parts_per_unit: f64,
    units: f64,
    /// The range that `start` was computed for: setpoints stay in one range for many cycles.
    start_of: i64,
    /// Increments at which it begins: whole ones (`None`: out of range) and their fraction.
    start: Option<i64>,
    start_fraction: f64,
}

impl Turn {
    fn begin(&mut self, turns: i64) {
        let parts = i128::from(turns) * i128::from(self.parts);
        let per_increment = i128::from(self.parts_per_increment);
        self.start_of = turns;
        self.start = i64::try_from(parts.div_euclid(per_increment)).ok();
        self.start_fraction = parts.rem_euclid(per_increment) as f64 / per_increment as f64;
    }
}

/// The scaling of one axis.
#[derive(Clone, Copy, Debug)]
pub struct Scaling {
    inverted: bool,
    increments_numerator: f64,
    increments_denominator: f64,
    increments_per_unit: f64,
    turn: Option<Turn>,
    /// Per mille, with the sign of the direction.
    torque_per_ratio: f64,
    drive_velocity_per_unit: f64,
}

fn exact(ratio: Option<Ratio>, max_denominator: i64, what: &'static str) -> Result<Ratio, ParameterError> {
    ratio
        .filter(|ratio| ratio.numerator() <= MAX_TERM && ratio.denominator() <= max_denominator)
        .ok_or(ParameterError::Ratio { what })
}

impl Scaling {
    /// The scaling of these ratios; fails where their products cannot be kept exactly.
    pub fn new(parameters: &ScalingParameters) -> Result<Scaling, ParameterError> {
        let per_load_turn = parameters.increments_per_motor_turn.times(parameters.gear);
        let reciprocal_feed = Ratio::new(parameters.feed.denominator(), parameters.feed.numerator());
        let per_unit = per_load_turn.zip(reciprocal_feed).and_then(|(a, b)| a.times(b));
        let per_unit = exact(per_unit, MAX_TERM, "increments per axis unit (encoder, gear, feed)")?;
        let turn = match parameters.modulo {
            None => None,
            Some(modulo) => {
                let per_turn = exact(per_unit.times(modulo), MAX_TURN_DENOMINATOR, "increments per modulo range")?;
                let mut turn = Turn {
                    parts: per_turn.numerator(),
                    parts_per_increment: per_turn.denominator(),
                    parts_per_unit: per_turn.denominator() as f64 * per_unit.as_f64(),
                    units: modulo.as_f64(),
                    start_of: 0,
                    start: None,
                    start_fraction: 0.0,
                };
                turn.begin(0);
                Some(turn)
            }
        };
        let sign = if parameters.inverted { -1.0 } else { 1.0 };
        Ok(Scaling {
            inverted: parameters.inverted,
            increments_numerator: per_unit.numerator() as f64,
            increments_denominator: per_unit.denominator() as f64,
            increments_per_unit: per_unit.as_f64(),
            turn,
            torque_per_ratio: sign * 1000.0,
            drive_velocity_per_unit: sign * per_unit.as_f64() * parameters.velocity_factor.as_f64(),
        })
    }

    /// Axis units in one modulo range; 0 for a linear axis.
    pub fn modulo(&self) -> f64 {
        self.turn.map_or(0.0, |turn| turn.units)
    }

    /// The place that a drive shows when it is heard first: its 32 bits, signed.
    pub fn first(&self, raw: u32) -> Place {
        let mut place = Place::default();
        self.advance(&mut place, raw);
        place
    }

    /// Moves `place` to where the drive is now, the shorter way round 2³²; returns the increments moved.
    #[inline]
    pub fn advance(&self, place: &mut Place, raw: u32) -> i64 {
        let step = i64::from(raw.wrapping_sub(place.raw) as i32);
        place.raw = raw;
        let step = if self.inverted { -step } else { step };
        place.increments = place.increments.wrapping_add(step);
        if let Some(turn) = &self.turn {
            let parts = place.remainder + step * turn.parts_per_increment;
            if parts >= 0 && parts < turn.parts {
                place.remainder = parts;
            } else {
                place.turns = place.turns.wrapping_add(parts.div_euclid(turn.parts));
                place.remainder = parts.rem_euclid(turn.parts);
            }
        }
        step
    }

    /// Axis units of a place beyond its turns.
    #[inline]
    pub fn position(&self, place: &Place) -> f64 {
        match &self.turn {
            Some(turn) => place.remainder as f64 / turn.parts_per_unit,
            None => self.distance(place.increments),
        }
    }

    /// Axis units of a number of increments.
    #[inline]
    pub fn distance(&self, increments: i64) -> f64 {
        increments as f64 * self.increments_denominator / self.increments_numerator
    }

    /// The nearest increment to a place, or `None` where 64 bits do not reach (or the place is not finite, or a
    /// linear axis is given turns).
    #[inline]
    pub fn increments(&mut self, turns: i64, position: f64) -> Option<i64> {
        let (start, fraction) = match &mut self.turn {
            Some(turn) => {
                if turn.start_of != turns {
                    turn.begin(turns);
                }
                (turn.start?, turn.start_fraction)
            }
            None if turns == 0 => (0, 0.0),
            None => return None,
        };
        let offset = position * self.increments_per_unit + fraction;
        if offset.abs() < MAX_FAST {
            start.checked_add(nearest_fast(offset))
        } else if offset.abs() < MAX_OFFSET {
            start.checked_add(nearest(offset))
        } else {
            None
        }
    }

    /// The 32 bits by which the drive calls a number of increments (607Ah, 6064h).
    #[inline]
    pub fn raw(&self, increments: i64) -> u32 {
        if self.inverted { increments.wrapping_neg() as u32 } else { increments as u32 }
    }

    /// Axis units/s of the drive's velocity (606Ch).
    #[inline]
    pub fn velocity(&self, raw: i32) -> f64 {
        f64::from(raw) / self.drive_velocity_per_unit
    }

    /// The drive's velocity (60FFh, 60B1h) of axis units/s; saturates at 32 bits.
    #[inline]
    pub fn raw_velocity(&self, velocity: f64) -> i32 {
        saturate32(velocity * self.drive_velocity_per_unit)
    }

    /// Highest velocity in axis units/s that 60FFh can hold.
    pub fn highest_velocity(&self) -> f64 {
        f64::from(i32::MAX) / self.drive_velocity_per_unit.abs()
    }

    /// Torque as a ratio of the rated torque, of per mille (6077h).
    #[inline]
    pub fn torque_ratio(&self, raw: i16) -> f64 {
        f64::from(raw) / self.torque_per_ratio
    }

    /// Per mille of the rated torque (6071h, 60B2h), of a ratio; saturates at 16 bits.
    #[inline]
    pub fn raw_torque(&self, ratio: f64) -> i16 {
        nearest(ratio * self.torque_per_ratio).clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
    }
}

/// The nearest whole number; saturates, and 0 for NaN. (`f64::round` is a library call on plain x86-64.)
#[inline]
fn nearest(value: f64) -> i64 {
    (value + 0.5f64.copysign(value)) as i64
}

/// The nearest whole number of |value| < [`MAX_FAST`]: next to 1.5 · 2⁵² the last bit of an `f64` counts ones, so that its
/// bits are a whole number.
#[inline]
fn nearest_fast(value: f64) -> i64 {
    const ONES: f64 = 1.5 * (1u64 << 52) as f64;
    (value + ONES).to_bits().wrapping_sub(ONES.to_bits()) as i64
}

#[inline]
fn saturate32(value: f64) -> i32 {
    nearest(value).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

#[cfg(test)]
mod tests;
