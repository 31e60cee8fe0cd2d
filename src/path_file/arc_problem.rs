//! What is wrong with an arc, with figures that people can read.

use std::fmt;

use crate::geometry::ArcError;
use crate::units::Figure;

/// By how much beginning and end may differ in their distance from the centre: as a share of the first, and mm at least.
const RADII_AGREE: f64 = 1e-3;
/// See there.
const RADII_AGREE_MM: f64 = 0.01;

/// Why there is no such arc.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArcProblem(pub ArcError);

impl fmt::Display for ArcProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ArcError::Radii { start, end } => {
                let allowed = RADII_AGREE_MM.max(RADII_AGREE * start);
                let [start, end, allowed] = [start, end, allowed].map(Figure::rounded);
                write!(
                    f,
                    "the arc begins {start} mm from its centre and ends {end} mm from it, allowed: {allowed} mm more or less"
                )
            }
            ArcError::Chord { chord, radius } => {
                let [chord, radius] = [chord, radius].map(Figure::rounded);
                write!(f, "the arc's ends are {chord} mm apart, further than twice its radius of {radius} mm")
            }
            other => other.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Arc;

    #[test]
    fn what_is_said_to_be_allowed_is() {
        for radius in [1.0, 9.9, 10.1, 500.0] {
            let allowed = RADII_AGREE_MM.max(RADII_AGREE * radius);
            let about = |apart: f64| {
                Arc::about(&[radius, 0.0], &[0.0, radius + apart], [0.0; 3], [0.0, 0.0, 1.0], true, 0).map(|_| ())
            };
            assert_eq!(about(0.999 * allowed), Ok(()));
            let refused = about(1.001 * allowed).unwrap_err();
            assert!(matches!(refused, ArcError::Radii { .. }), "{refused:?}");
            let said = ArcProblem(refused).to_string();
            assert!(said.ends_with(&format!("allowed: {} mm more or less", Figure::rounded(allowed))), "{said}");
        }
    }
}
