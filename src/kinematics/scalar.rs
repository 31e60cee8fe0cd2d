//! What transformations reckon with: plain numbers, or numbers that carry their derivatives along a path.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number of a transformation. Each transformation is written once over it: with `f64` it gives places, with
/// [`Series`](super::Series) places and their exact derivatives. Angles are in radians here.
pub trait Scalar:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// How many derivatives it carries.
    const ORDER: usize;

    /// A number that does not change along the path.
    fn constant(value: f64) -> Self;

    /// The number without its derivatives.
    fn value(self) -> f64;

    /// The number and its derivatives are finite.
    fn is_finite(self) -> bool;

    /// Square root of a number ≥ 0. At 0 the derivatives are not finite.
    fn sqrt(self) -> Self;

    /// Sine and cosine.
    fn sin_cos(self) -> (Self, Self);

    /// The angle of the vector (`x`, `self`) from the x axis, -π to π. At (0, 0) the derivatives are not finite.
    fn atan2(self, x: Self) -> Self;

    /// Its square.
    #[inline]
    fn squared(self) -> Self {
        self * self
    }
}

impl Scalar for f64 {
    const ORDER: usize = 0;

    #[inline]
    fn constant(value: f64) -> f64 {
        value
    }

    #[inline]
    fn value(self) -> f64 {
        self
    }

    #[inline]
    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }

    #[inline]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }

    #[inline]
    fn sin_cos(self) -> (f64, f64) {
        f64::sin_cos(self)
    }

    #[inline]
    fn atan2(self, x: f64) -> f64 {
        f64::atan2(self, x)
    }
}
