//! Truncated Taylor series: a number and how it changes along a path, exactly.
//!
//! With t_k = f⁽ᵏ⁾/k! each operation is a short recurrence over the terms (Griewank, Walther: Evaluating Derivatives,
//! 2nd ed., §13.2): no differences are taken, so the derivatives are as good as the values. Every loop runs over
//! `TERMS` terms at most twice.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::scalar::Scalar;

/// The first `TERMS` terms of a Taylor series: value and `TERMS` - 1 derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series<const TERMS: usize> {
    /// f⁽ᵏ⁾/k!.
    terms: [f64; TERMS],
}

/// A value with three derivatives: what bounds velocity, acceleration and jerk along a path.
pub type Jet = Series<4>;

/// A value with one derivative.
pub type Dual = Series<2>;

impl<const TERMS: usize> Series<TERMS> {
    /// Value, first, second … derivative.
    #[inline]
    pub fn new(derivatives: [f64; TERMS]) -> Series<TERMS> {
        let mut terms = derivatives;
        let mut factorial = 1.0;
        for (k, term) in terms.iter_mut().enumerate().skip(2) {
            factorial *= k as f64;
            *term /= factorial;
        }
        Series { terms }
    }

    /// Value, first, second … derivative.
    #[inline]
    pub fn derivatives(self) -> [f64; TERMS] {
        let mut derivatives = self.terms;
        let mut factorial = 1.0;
        for (k, derivative) in derivatives.iter_mut().enumerate().skip(2) {
            factorial *= k as f64;
            *derivative *= factorial;
        }
        derivatives
    }
}

impl<const TERMS: usize> Add for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn add(mut self, other: Self) -> Self {
        self.terms.iter_mut().zip(other.terms).for_each(|(term, other)| *term += other);
        self
    }
}

impl<const TERMS: usize> Sub for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn sub(mut self, other: Self) -> Self {
        self.terms.iter_mut().zip(other.terms).for_each(|(term, other)| *term -= other);
        self
    }
}

impl<const TERMS: usize> Neg for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn neg(mut self) -> Self {
        self.terms.iter_mut().for_each(|term| *term = -*term);
        self
    }
}

impl<const TERMS: usize> Mul for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        let mut terms = [0.0; TERMS];
        for (k, term) in terms.iter_mut().enumerate() {
            for i in 0..=k {
                *term += self.terms[i] * other.terms[k - i];
            }
        }
        Series { terms }
    }
}

impl<const TERMS: usize> Div for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn div(self, other: Self) -> Self {
        let mut terms = self.terms;
        for k in 0..TERMS {
            for i in 1..=k {
                terms[k] -= other.terms[i] * terms[k - i];
            }
            terms[k] /= other.terms[0];
        }
        Series { terms }
    }
}

impl<const TERMS: usize> Add<f64> for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn add(mut self, other: f64) -> Self {
        self.terms[0] += other;
        self
    }
}

impl<const TERMS: usize> Sub<f64> for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn sub(mut self, other: f64) -> Self {
        self.terms[0] -= other;
        self
    }
}

impl<const TERMS: usize> Mul<f64> for Series<TERMS> {
    type Output = Self;

    #[inline]
    fn mul(mut self, other: f64) -> Self {
        self.terms.iter_mut().for_each(|term| *term *= other);
        self
    }
}

impl<const TERMS: usize> Scalar for Series<TERMS> {
    const ORDER: usize = TERMS - 1;

    #[inline]
    fn constant(value: f64) -> Self {
        let mut terms = [0.0; TERMS];
        terms[0] = value;
        Series { terms }
    }

    #[inline]
    fn value(self) -> f64 {
        self.terms[0]
    }

    #[inline]
    fn is_finite(self) -> bool {
        self.terms.iter().all(|term| term.is_finite())
    }

    /// s² = f, so s_k = (f_k - Σ s_i s_{k-i}) / 2s_0 over 0 < i < k.
    #[inline]
    fn sqrt(self) -> Self {
        let mut terms = self.terms;
        terms[0] = terms[0].sqrt();
        for k in 1..TERMS {
            for i in 1..k {
                terms[k] -= terms[i] * terms[k - i];
            }
            terms[k] /= 2.0 * terms[0];
        }
        Series { terms }
    }

    /// s′ = c f′ and c′ = -s f′.
    #[inline]
    fn sin_cos(self) -> (Self, Self) {
        let (mut sine, mut cosine) = ([0.0; TERMS], [0.0; TERMS]);
        (sine[0], cosine[0]) = self.terms[0].sin_cos();
        for k in 1..TERMS {
            for i in 1..=k {
                let slope = i as f64 / k as f64 * self.terms[i];
                sine[k] += slope * cosine[k - i];
                cosine[k] -= slope * sine[k - i];
            }
        }
        (Series { terms: sine }, Series { terms: cosine })
    }

    /// θ′ = (x y′ - y x′) / (x² + y²).
    #[inline]
    fn atan2(self, x: Self) -> Self {
        let y = self;
        let square = x * x + y * y;
        let mut terms = [0.0; TERMS];
        terms[0] = y.terms[0].atan2(x.terms[0]);
        for k in 1..TERMS {
            // k θ_k square_0 = [x y′ - y x′]_{k-1} - Σ i θ_i square_{k-i} over 0 < i < k.
            let mut sum = 0.0;
            for i in 1..=k {
                sum += i as f64 * (x.terms[k - i] * y.terms[i] - y.terms[k - i] * x.terms[i]);
            }
            for (i, term) in terms.iter().enumerate().take(k).skip(1) {
                sum -= i as f64 * term * square.terms[k - i];
            }
            terms[k] = sum / (k as f64 * square.terms[0]);
        }
        Series { terms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path with known derivatives: e^(ωt) at t = 0.3 and a shift.
    fn exponential(rate: f64, shift: f64) -> Jet {
        let value = (rate * 0.3_f64).exp();
        Jet::new([value + shift, rate * value, rate * rate * value, rate * rate * rate * value])
    }

    fn assert_near(found: Jet, expected: [f64; 4]) {
        for (k, (found, expected)) in found.derivatives().iter().zip(expected).enumerate() {
            let slack = 1e-12 * (1.0 + expected.abs());
            assert!((found - expected).abs() <= slack, "derivative {k}: {found}, expected {expected}");
        }
    }

    #[test]
    fn products_quotients_and_roots_of_exponentials_are_exponentials() {
        let (f, g) = (exponential(0.7, 0.0), exponential(-1.9, 0.0));
        assert_near(f * g, exponential(-1.2, 0.0).derivatives());
        assert_near(f / g, exponential(2.6, 0.0).derivatives());
        assert_near(f.sqrt(), exponential(0.35, 0.0).derivatives());
        assert_near(f + 2.0 - 3.0, exponential(0.7, -1.0).derivatives());
        assert_near(f * 2.0 - f, f.derivatives());
        assert_near(-f + g, (g - f).derivatives());
    }

    #[test]
    fn the_angle_of_sine_and_cosine_is_the_angle() {
        for rate in [0.7, -1.9, 2.5] {
            let angle = exponential(rate, -1.0);
            let (sine, cosine) = angle.sin_cos();
            assert_near(sine * sine + cosine * cosine, [1.0, 0.0, 0.0, 0.0]);
            let length = exponential(0.3, 1.0);
            assert_near((length * sine).atan2(length * cosine), angle.derivatives());
        }
        // sin at constant speed: (s, c, -s, -c).
        let (sine, cosine) = Jet::new([0.4, 1.0, 0.0, 0.0]).sin_cos();
        let (s, c) = 0.4_f64.sin_cos();
        assert_near(sine, [s, c, -s, -c]);
        assert_near(cosine, [c, -s, -c, s]);
    }

    #[test]
    fn one_derivative_is_the_first_of_three() {
        let dual = Dual::new([1.25, 0.5]);
        let jet = Jet::new([1.25, 0.5, 3.0, -7.0]);
        let of_dual = (dual.sqrt() * dual.sin_cos().0).atan2(dual).derivatives();
        let of_jet = (jet.sqrt() * jet.sin_cos().0).atan2(jet).derivatives();
        assert_eq!(of_dual, of_jet[..2]);
        assert!(!Jet::new([0.0, 1.0, 0.0, 0.0]).sqrt().is_finite());
    }
}
