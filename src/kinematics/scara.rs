//! A SCARA arm: shoulder and elbow turn about vertical axes, a quill goes up and down and turns.
//!
//! ```text
//!   z, c        x = l₁·cos j1 + l₂·cos(j1+j2)      j1: shoulder, degrees; 0 along x
//!    │          y = l₁·sin j1 + l₂·sin(j1+j2)      j2: elbow, degrees; 0 stretched, positive to the left
//!    o──l₂──o   z = j3                             j3: quill, mm
//!           │   c = j1 + j2 + j4                   j4: rotation, degrees
//!           l₁
//!    base ──o
//! ```
//!
//! c counts turns: it is the sum of the joints, whatever it is, and the rotation j4 follows from it without a choice.
//! Two branches: j2 ≥ 0 and j2 ≤ 0. They meet at the borders of the reach, where the arm is stretched or folded; the
//! distance from these singularities is |sin j2|, which is |det J| / (l₁·l₂) of the tool's Jacobian.

use super::Transformation;
use super::angle::{degrees, in_turn_of, radians, way};
use super::conditioning::{self, Conditioning, SINGULAR};
use super::error::{self, Origin, ParameterError, Unreachable, within};
use super::scalar::Scalar;
use super::two_links::TwoLinks;

/// Shortest and longest link, mm.
const LENGTHS: (f64, f64) = (0.1, 100_000.0);

/// Shoulder, elbow, quill, rotation ↔ x, y, z, c.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scara {
    links: TwoLinks,
}

impl Scara {
    /// With the length of the upper arm (shoulder to elbow) and of the forearm (elbow to quill), 0.1 to 100 000 mm.
    pub fn new(upper_arm: f64, forearm: f64) -> Result<Scara, ParameterError> {
        let upper_arm = within("the length of the upper arm", upper_arm, LENGTHS.0, LENGTHS.1)?;
        let forearm = within("the length of the forearm", forearm, LENGTHS.0, LENGTHS.1)?;
        Ok(Scara { links: TwoLinks::new(upper_arm, forearm) })
    }

    fn solved<S: Scalar>(&self, [x, y, z, c]: [S; 4], near: &[f64; 4], left: bool) -> Result<[S; 4], Unreachable> {
        let (shoulder, elbow) =
            self.links.angles(x, y, left, radians(near[0])).map_err(|beyond| Unreachable::Reach {
                what: "the tool",
                at: [x.value(), y.value(), z.value()],
                from: Origin::Shoulder,
                found: beyond.found,
                lowest: beyond.lowest,
                highest: beyond.highest,
            })?;
        let shoulder = in_turn_of(near[0], degrees(shoulder));
        let elbow = in_turn_of(near[1], degrees(elbow));
        Ok([shoulder, elbow, z, c - shoulder - elbow])
    }
}

impl Transformation for Scara {
    fn joints(&self) -> usize {
        4
    }

    fn coordinates(&self) -> usize {
        4
    }

    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        let [shoulder, elbow, quill, rotation] = *joints else {
            return Err(error::wrong_count("joint position", joints.len(), 4));
        };
        let (x, y) = self.links.place(radians(shoulder), radians(elbow));
        super::pass(&[x, y, quill, shoulder + elbow + rotation], tool);
        Ok(())
    }

    fn joints_at<S: Scalar>(&self, tool: &[S], near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        let Ok(tool) = <[S; 4]>::try_from(tool) else {
            return Err(error::wrong_count("tool coordinate", tool.len(), 4));
        };
        let Ok(near) = <&[f64; 4]>::try_from(near) else {
            return Err(error::wrong_count("joint position", near.len(), 4));
        };
        let sine = radians(near[1]).sin();
        let mut left = sine >= 0.0;
        if sine.abs() < SINGULAR {
            let values = tool.map(Scalar::value);
            let ways = [true, false].map(|left| self.solved(values, near, left).map(|joints| way(&joints, near)));
            if let [Ok(with_left), Ok(with_right)] = ways {
                left = with_left <= with_right;
            }
        }
        super::pass(&self.solved(tool, near, left)?, joints);
        Ok(())
    }

    fn conditioning_at(&self, joints: &[f64]) -> Conditioning {
        let (sine, cosine) = radians(joints.get(1).copied().unwrap_or(0.0)).sin_cos();
        conditioning::two_links(sine, cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Jet, Singularity};
    use super::*;

    fn arm() -> Scara {
        Scara::new(300.0, 200.0).unwrap()
    }

    fn inverse(tool: [f64; 4], near: [f64; 4]) -> [f64; 4] {
        let mut joints = [0.0; 4];
        arm().inverse(&tool, &near, &mut joints).unwrap();
        joints
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        let near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-9);
        assert!(near && found.len() == expected.len(), "{found:?}, expected {expected:?}");
    }

    #[test]
    fn the_elbow_stays_on_its_side() {
        // A right angle at the elbow: shoulder along x, forearm along ±y.
        assert_near(&inverse([300.0, 200.0, -5.0, 0.0], [0.0, 1.0, 0.0, 0.0]), &[0.0, 90.0, -5.0, -90.0]);
        let turn = 2.0 * (200.0_f64 / 300.0).atan().to_degrees();
        assert_near(&inverse([300.0, 200.0, -5.0, 0.0], [0.0, -1.0, 0.0, 0.0]), &[turn, -90.0, -5.0, 90.0 - turn]);
    }

    #[test]
    fn joints_stay_in_their_turn() {
        assert_near(&inverse([300.0, 200.0, 0.0, 0.0], [710.0, 95.0, 0.0, 0.0]), &[720.0, 90.0, 0.0, -810.0]);
        let [shoulder, ..] = inverse([-499.0, -1.0, 0.0, 0.0], [179.0, 5.0, 0.0, 0.0]);
        assert!((shoulder - 180.0).abs() < 10.0, "{shoulder}");
    }

    #[test]
    fn from_a_stretched_arm_the_nearer_elbow_is_taken() {
        let near = [30.0, 0.0, 0.0, 0.0];
        let mut joints = near;
        for side in [1.0, -1.0] {
            let mut tool = [0.0; 4];
            arm().forward(&[30.0 - side, 3.0 * side, 0.0, 0.0], &mut tool).unwrap();
            arm().inverse(&tool, &near, &mut joints).unwrap();
            assert_near(&joints, &[30.0 - side, 3.0 * side, 0.0, 0.0]);
        }
    }

    #[test]
    fn beyond_the_reach_there_is_a_message() {
        let mut joints = [0.0; 4];
        let beyond = |x: f64| arm().inverse(&[x, 0.0, 3.0, 0.0], &[0.0; 4], &mut [0.0; 4]).unwrap_err().to_string();
        let says = "the tool at (512.000, 0.000, 3.000) is 512.000 mm from the shoulder; the machine reaches 100.000 to \
                    500.000 mm";
        assert_eq!(beyond(512.0), says);
        assert!(beyond(99.0).contains("99.000 mm from the shoulder"));
        arm().inverse(&[500.0, 0.0, 0.0, 0.0], &[0.0; 4], &mut joints).unwrap();
        assert_near(&joints, &[0.0; 4]);
    }

    #[test]
    fn near_a_border_derivatives_are_refused_and_say_why() {
        let along = [Jet::new([500.0, -1.0, 0.0, 0.0]), Jet::constant(0.0), Jet::constant(0.0), Jet::constant(0.0)];
        let refused = arm().inverse(&along, &[0.0; 4], &mut [Jet::constant(0.0); 4]).unwrap_err();
        let Unreachable::Singular { singularity: Singularity::ArmStretched, distance: 0.0, .. } = refused else {
            panic!("{refused}")
        };
        assert!(refused.to_string().starts_with("the arm is stretched: "), "{refused}");
        let folded = arm().conditioning(&[10.0, 180.0, 0.0, 0.0]).unwrap();
        assert!(folded.distance < 1e-15 && folded.nearest == Some(Singularity::ArmFolded), "{folded:?}");
    }

    #[test]
    fn impossible_arms_are_refused() {
        assert!(Scara::new(0.0, 200.0).is_err() && Scara::new(f64::INFINITY, 200.0).is_err());
        let says = Scara::new(300.0, -1.0).unwrap_err().to_string();
        assert_eq!(says, "the length of the forearm is -1; allowed is 0.1 to 100000");
    }
}
