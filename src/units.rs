//! Quantities that cross module borders.
//!
//! An axis counts in its own unit: millimetres (linear) or degrees (rotary) of the *load*, behind the
//! gear reducer; velocity, acceleration and jerk are that unit per s, s², s³. Time on the real-time
//! side is nanoseconds of `CLOCK_MONOTONIC` in a `u64`.

/// What an axis counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisUnit {
    /// Linear axis, millimetres.
    Millimetre,
    /// Rotary axis, degrees.
    Degree,
}

impl AxisUnit {
    /// The unit's symbol as printed to people.
    pub fn symbol(self) -> &'static str {
        match self {
            AxisUnit::Millimetre => "mm",
            AxisUnit::Degree => "deg",
        }
    }
}

/// A number in a message: one that takes a whole line to write out is written with a power of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure(pub f64);

impl Figure {
    /// With six digits behind the point, which are more than any axis has.
    pub fn rounded(value: f64) -> Figure {
        Figure((value * 1e6).round() / 1e6)
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Figure(value) = self;
        let plain = *value == 0.0 || !value.is_finite() || (1e-9..1e15).contains(&value.abs());
        if plain { write!(out, "{value}") } else { write!(out, "{value:e}") }
    }
}

/// Where an axis shall be at one instant.
///
/// For a modulo axis the position is `turns` whole modulo ranges plus `position`; the pair keeps a turntable
/// exact for years. For any other axis `turns` is 0. `position` is in *drive coordinates*: the
/// offset that a reference gives to an axis is added by `motion` for people only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Setpoint {
    /// Whole modulo ranges.
    pub turns: i64,
    /// Axis units beyond `turns`.
    pub position: f64,
    /// Axis units per second.
    pub velocity: f64,
    /// Axis units per second².
    pub acceleration: f64,
}

/// An exact positive ratio of whole numbers, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    numerator: i64,
    denominator: i64,
}

impl Ratio {
    /// `numerator / denominator`, reduced; `None` unless both are positive.
    pub fn new(numerator: i64, denominator: i64) -> Option<Ratio> {
        if numerator <= 0 || denominator <= 0 {
            return None;
        }
        let (mut a, mut b) = (numerator, denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Ratio { numerator: numerator / a, denominator: denominator / a })
    }

    /// The reduced numerator.
    pub fn numerator(self) -> i64 {
        self.numerator
    }

    /// The reduced denominator.
    pub fn denominator(self) -> i64 {
        self.denominator
    }

    /// The product, or `None` where it does not fit 64 bits in lowest terms.
    pub fn times(self, other: Ratio) -> Option<Ratio> {
        let a = Ratio::new(self.numerator, other.denominator)?;
        let b = Ratio::new(other.numerator, self.denominator)?;
        Ratio::new(a.numerator.checked_mul(b.numerator)?, a.denominator.checked_mul(b.denominator)?)
    }

    /// The nearest floating-point value.
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}
