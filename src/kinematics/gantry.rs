//! A beam that two motors carry, one at each end, and what travels along the beam.
//!
//! ```text
//!   second motor  ├─────┐ beam      x: along the rails, which both motors move
//!                 │     │           y: square to x; the beam leans from it by `skew`
//!   first motor   ├─────┘
//! ```
//!
//! With the skew α (positive: the beam leans towards +x with +y) the carriage on the beam travels u = y / cos α and the
//! beam stands at v = x - y·tan α; the first motor is at v, the second at v + offset. So a machine that is built, or homed,
//! a little out of square moves squarely.

use super::conditioning::Conditioning;
use super::error::{self, ParameterError, Unreachable, within};
use super::scalar::Scalar;
use super::{Transformation, pass};
use crate::limits::{MAX_GROUP_AXES, MAX_POSITION};

/// Largest lean of a beam, degrees.
const MAX_SKEW: f64 = 30.0;

/// Two motors on one coordinate. The joints are the coordinates' axes in their order, then the second motor. It has no
/// singularity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gantry {
    coordinates: usize,
    /// The coordinate with two motors.
    driven: usize,
    /// The coordinate along the beam.
    beam: usize,
    offset: f64,
    tangent: f64,
    cosine: f64,
}

impl Gantry {
    /// With 2 to [`MAX_GROUP_AXES`] - 1 `coordinates` (the joints are one more), of which `driven` has two motors and `beam`
    /// is along the beam, both from 0. `offset`: by how much the second motor is ahead of the first when the beam
    /// stands as it shall, mm. `skew`: how far the beam leans, -30° to 30°.
    pub fn new(
        coordinates: usize,
        driven: usize,
        beam: usize,
        offset: f64,
        skew: f64,
    ) -> Result<Gantry, ParameterError> {
        let coordinates = error::count(coordinates, 2, MAX_GROUP_AXES - 1)?;
        let driven = error::coordinate("the coordinate with two motors", driven, coordinates)?;
        let beam = error::coordinate("the coordinate along the beam", beam, coordinates)?;
        if driven == beam {
            let what = "the coordinates with two motors and along the beam";
            return Err(ParameterError::SameCoordinate { what, index: beam });
        }
        let offset = within("the offset of the second motor", offset, -MAX_POSITION, MAX_POSITION)?;
        let skew = within("the skew of the beam", skew, -MAX_SKEW, MAX_SKEW)?.to_radians();
        Ok(Gantry { coordinates, driven, beam, offset, tangent: skew.tan(), cosine: skew.cos() })
    }
}

impl Transformation for Gantry {
    fn joints(&self) -> usize {
        self.coordinates + 1
    }

    fn coordinates(&self) -> usize {
        self.coordinates
    }

    /// The place of a beam that one motor has left behind is that of its middle.
    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        let (Some(first), Some(second), Some(along)) =
            (joints.get(self.driven), joints.get(self.coordinates), joints.get(self.beam))
        else {
            return Err(error::wrong_count("joint position", joints.len(), self.joints()));
        };
        pass(joints, tool);
        let across = *along * self.cosine;
        let place = (*first + *second - self.offset) * 0.5 + across * self.tangent;
        set(tool, self.beam, across);
        set(tool, self.driven, place);
        Ok(())
    }

    fn joints_at<S: Scalar>(&self, tool: &[S], _near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        let (Some(place), Some(across)) = (tool.get(self.driven), tool.get(self.beam)) else {
            return Err(error::wrong_count("tool coordinate", tool.len(), self.coordinates));
        };
        pass(tool, joints);
        let beam = *place - *across * self.tangent;
        set(joints, self.driven, beam);
        set(joints, self.beam, *across * self.cosine.recip());
        set(joints, self.coordinates, beam + self.offset);
        Ok(())
    }

    fn conditioning_at(&self, _joints: &[f64]) -> Conditioning {
        Conditioning::PERFECT
    }
}

fn set<S: Scalar>(values: &mut [S], index: usize, value: S) {
    if let Some(place) = values.get_mut(index) {
        *place = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaning_beam_moves_squarely() {
        // 3-4-5: the beam leans by atan(3/4) in 0.8 of its length; smaller here, for the range.
        let skew = (0.5_f64 / 1.2).atan().to_degrees();
        let gantry = Gantry::new(3, 0, 1, 2.0, skew).unwrap();
        let mut joints = [0.0; 4];
        gantry.inverse(&[100.0, 120.0, 7.0], &[0.0; 4], &mut joints).unwrap();
        for (found, expected) in joints.iter().zip([50.0, 130.0, 7.0, 52.0]) {
            assert!((found - expected).abs() < 1e-9, "{joints:?}");
        }
        let mut tool = [0.0; 3];
        gantry.forward(&[50.0, 130.0, 7.0, 54.0], &mut tool).unwrap();
        assert!((tool[0] - 101.0).abs() < 1e-9 && (tool[1] - 120.0).abs() < 1e-9, "{tool:?}");
    }

    #[test]
    fn impossible_gantries_are_refused_in_words() {
        let says = |found: Result<Gantry, ParameterError>| found.unwrap_err().to_string();
        assert_eq!(says(Gantry::new(1, 0, 0, 0.0, 0.0)), "the number of coordinates is 1; allowed is 2 to 15");
        assert_eq!(says(Gantry::new(3, 3, 0, 0.0, 0.0)), "the coordinate with two motors is 3; allowed is 0 to 2");
        let same = "the coordinates with two motors and along the beam are both coordinate 2: name two";
        assert_eq!(says(Gantry::new(3, 1, 1, 0.0, 0.0)), same);
        assert_eq!(says(Gantry::new(3, 0, 1, 0.0, -31.0)), "the skew of the beam is -31; allowed is -30 to 30");
        assert!(Gantry::new(3, 0, 1, f64::NAN, 0.0).is_err());
    }
}
