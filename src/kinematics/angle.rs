//! Degrees outside, radians inside, and the turn that an angle is in.

use super::scalar::Scalar;

/// Radians of a degree.
const DEGREE: f64 = std::f64::consts::PI / 180.0;

/// Degrees as radians.
pub(super) fn radians<S: Scalar>(degrees: S) -> S {
    degrees * DEGREE
}

/// Radians as degrees.
pub(super) fn degrees<S: Scalar>(radians: S) -> S {
    radians * DEGREE.recip()
}

/// The same direction in the turn that is nearest to `near`, degrees.
pub(super) fn in_turn_of<S: Scalar>(near: f64, angle: S) -> S {
    angle + 360.0 * ((near - angle.value()) / 360.0).round()
}

/// How far the most different of the joints is from `near`; what decides between two branches.
pub(super) fn way<const N: usize>(joints: &[f64; N], near: &[f64; N]) -> f64 {
    joints.iter().zip(near).fold(0.0, |most, (joint, near)| (joint - near).abs().max(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_angle_takes_the_turn_next_to_it() {
        assert_eq!(in_turn_of(170.0, -170.0), 190.0);
        assert_eq!(in_turn_of(-725.0, 10.0), -710.0);
        assert_eq!(in_turn_of(5.0, 10.0), 10.0);
    }
}
