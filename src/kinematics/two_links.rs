//! Two links in a plane, joined by an elbow: what a SCARA arm and the basis of a six-axis arm share.
//!
//! The first link leaves the origin at an angle θ from the u axis, the second leaves the first's end at θ + φ:
//! (u, v) = l₁·(cos θ, sin θ) + l₂·(cos(θ+φ), sin(θ+φ)).

use super::scalar::Scalar;

/// Share of the reach by which a place may be beyond it: rounding errors, and no more.
const SLACK: f64 = 1e-12;

/// Two links.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TwoLinks {
    first: f64,
    second: f64,
}

/// A place that they do not reach.
pub(super) struct Beyond {
    pub found: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl TwoLinks {
    /// Both lengths are positive.
    pub fn new(first: f64, second: f64) -> TwoLinks {
        TwoLinks { first, second }
    }

    /// Longest distance.
    pub fn reach(&self) -> f64 {
        self.first + self.second
    }

    /// The place (u, v), and the sine and cosine of θ + φ.
    pub fn place<S: Scalar>(&self, theta: S, phi: S) -> (S, S) {
        let (sine, cosine) = theta.sin_cos();
        let (sine_both, cosine_both) = (theta + phi).sin_cos();
        (cosine * self.first + cosine_both * self.second, sine * self.first + sine_both * self.second)
    }

    /// θ and φ for a place, with φ from 0 to π where `left`, from -π to 0 otherwise. θ at the origin itself, which equal
    /// links reach folded with any θ, is `free`.
    ///
    /// The sine of φ comes from the distances to both borders of the reach, not from 1 - cos²: it keeps its digits
    /// near a stretched and near a folded elbow.
    pub fn angles<S: Scalar>(&self, u: S, v: S, left: bool, free: f64) -> Result<(S, S), Beyond> {
        let (first, second) = (self.first, self.second);
        let square = u.squared() + v.squared();
        let (highest, lowest) = (first + second, (first - second).abs());
        let found = square.value().sqrt();
        if found > highest * (1.0 + SLACK) || found < lowest - highest * SLACK {
            return Err(Beyond { found, lowest, highest });
        }
        // 2·l₁·l₂·(1 - cos φ) and 2·l₁·l₂·(1 + cos φ); a place beyond a border by rounding is on it.
        let outer = not_negative(-square + highest * highest);
        let inner = not_negative(square - lowest * lowest);
        // l₁·l₂·sin φ and l₁·l₂·cos φ.
        let sine = (outer * inner).sqrt() * if left { 0.5 } else { -0.5 };
        let cosine = (inner - outer) * 0.25;
        let phi = sine.atan2(cosine);
        if found <= highest * SLACK {
            return Ok((S::constant(free), phi));
        }
        // l₁ times where the second link ends, seen along the first.
        let (along, across) = (cosine + first * first, sine);
        let theta = (v * along - u * across).atan2(u * along + v * across);
        Ok((theta, phi))
    }
}

/// 0 for what rounding made negative.
pub(super) fn not_negative<S: Scalar>(value: S) -> S {
    if value.value() > 0.0 { value } else { S::constant(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_elbows_reach_the_place() {
        let links = TwoLinks::new(3.0, 2.0);
        for (u, v) in [(4.0, 0.0), (0.0, -2.5), (-1.2, 0.9), (5.0, 0.0), (-1.0, 0.0), (3.0, 4.0 - 1e-13)] {
            for left in [true, false] {
                let (theta, phi) = links.angles(u, v, left, 0.0).ok().expect("in reach");
                assert!(if left { phi >= 0.0 } else { phi <= 0.0 });
                let (found_u, found_v) = links.place(theta, phi);
                assert!((found_u - u).hypot(found_v - v) < 1e-12, "({u}, {v}) became ({found_u}, {found_v})");
            }
        }
    }

    #[test]
    fn beyond_the_borders_there_is_no_answer() {
        let links = TwoLinks::new(3.0, 2.0);
        for (u, v) in [(5.000_001, 0.0), (0.0, 0.999_999), (0.0, 0.0)] {
            let Err(beyond) = links.angles(u, v, true, 0.0) else { panic!("({u}, {v}) is out of reach") };
            assert_eq!((beyond.lowest, beyond.highest), (1.0, 5.0));
        }
    }

    #[test]
    fn equal_links_fold_onto_the_origin_without_turning() {
        let (theta, phi) = TwoLinks::new(2.0, 2.0).angles(0.0, 0.0, true, 0.7).ok().expect("in reach");
        assert_eq!((theta, phi), (0.7, std::f64::consts::PI));
    }
}
