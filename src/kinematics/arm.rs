//! A six-axis arm as most makers build it: axes 2 and 3 parallel and square to axis 1 (an ortho-parallel basis), axes 4,
//! 5 and 6 meeting in one point (a spherical wrist).
//!
//! Geometry and parameters are those of Brandstötter, Angerer, Hofbaur: An Analytical Solution of the Inverse Kinematics
//! Problem of Industrial Serial Manipulators with an Ortho-parallel Basis and a Spherical Wrist (Austrian Robotics
//! Workshop 2014). With all angles θ = 0 the arm stands upright:
//!
//! ```text
//!     z ▲   6 flange, its z axis up       c4: wrist centre to flange
//!       │ c4│
//!       │   o 5 wrist centre              θ1, θ4, θ6 turn about z,
//!       │ c3│                             θ2, θ3, θ5 about y (forward, towards +x)
//!       │   └──o 3 elbow                  a2: wrist before the elbow, negative as drawn
//!       │    a2│ c2
//!       │      o 2 shoulder               a1: shoulder before axis 1
//!       │  c1  │                          b: arm beside axis 1, towards +y
//!       └──a1──┘──► x
//! ```
//!
//! A joint counts sign·(θ + offset) degrees, so that it can count as its maker's does. The tool is the flange: x, y, z in
//! mm, then a, b, c in degrees (see [`super`]); its z axis points out of the flange.
//!
//! **Eight postures** reach a place, told apart by a [`Configuration`]: the wrist centre before the shoulder axis or behind it,
//! the elbow up or down, axis 5 at positive or negative angles. With X the wrist centre's coordinate along the arm's own x,
//! φ the angle at the elbow, K the length from elbow to wrist centre, the determinant of the tool's Jacobian is
//! ±c2·K·sin φ·X·sin θ5: one factor for each choice, and one singularity where it is 0. The distance is the least of
//! |sin θ5|, |sin φ| and |X| / (|a1| + c2 + K).

use super::Transformation;
use super::angle::{degrees, in_turn_of, radians, way};
use super::conditioning::{self, Conditioning, SINGULAR, Singularity};
use super::error::{self, Origin, ParameterError, Unreachable, within};
use super::rotation::Rotation;
use super::scalar::Scalar;
use super::two_links::{TwoLinks, not_negative};

/// Postures that reach one place at most, but for turns.
pub const SOLUTIONS: usize = 8;

/// Longest link, mm.
const MAX_LENGTH: f64 = 100_000.0;
/// Shortest upper arm and forearm, mm.
const MIN_LENGTH: f64 = 0.1;
/// |sin θ5| below which θ4 keeps its present value: there it is rounding errors only, and θ6 makes up for it.
const WRIST_FREE: f64 = 1e-10;
/// Share of the reach within which the wrist centre is on axis 1, and θ1 keeps its present value.
const SHOULDER_FREE: f64 = 1e-12;

/// The geometry of an arm; lengths in mm, angles in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArmParameters {
    /// Axis 2 before axis 1.
    pub a1: f64,
    /// Wrist centre before axis 3; negative on most arms.
    pub a2: f64,
    /// Wrist centre beside axis 1, towards +y.
    pub b: f64,
    /// Axis 2 above the base.
    pub c1: f64,
    /// Axis 3 above axis 2: the upper arm.
    pub c2: f64,
    /// Wrist centre above axis 3: the forearm.
    pub c3: f64,
    /// Flange above the wrist centre.
    pub c4: f64,
    /// What each joint shows with the arm upright, before its sign: joint = sign·(θ + offset), -360 to 360.
    pub offsets: [f64; 6],
    /// The joint counts against θ: its sign is -1.
    pub reversed: [bool; 6],
}

/// On which side of the shoulder the wrist centre is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shoulder {
    /// Where axis 1 points (X ≥ 0).
    Front,
    /// Behind axis 1: the arm reaches over its head.
    Back,
}

/// To which side the elbow bends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elbow {
    /// φ ≥ 0: the forearm bends forward; with the shoulder in front the elbow is above the line to the wrist.
    Up,
    /// φ < 0: it bends backward.
    Down,
}

/// To which side the wrist bends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrist {
    /// sin θ5 ≥ 0.
    Positive,
    /// sin θ5 < 0: axes 4 and 6 half a turn round.
    Negative,
}

/// One of the eight postures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Shoulder.
    pub shoulder: Shoulder,
    /// Elbow.
    pub elbow: Elbow,
    /// Wrist.
    pub wrist: Wrist,
}

impl Configuration {
    /// All of them; the least change of an index is the wrist's.
    pub const ALL: [Configuration; SOLUTIONS] = [
        Configuration { shoulder: Shoulder::Front, elbow: Elbow::Up, wrist: Wrist::Positive },
        Configuration { shoulder: Shoulder::Front, elbow: Elbow::Up, wrist: Wrist::Negative },
        Configuration { shoulder: Shoulder::Front, elbow: Elbow::Down, wrist: Wrist::Positive },
        Configuration { shoulder: Shoulder::Front, elbow: Elbow::Down, wrist: Wrist::Negative },
        Configuration { shoulder: Shoulder::Back, elbow: Elbow::Up, wrist: Wrist::Positive },
        Configuration { shoulder: Shoulder::Back, elbow: Elbow::Up, wrist: Wrist::Negative },
        Configuration { shoulder: Shoulder::Back, elbow: Elbow::Down, wrist: Wrist::Positive },
        Configuration { shoulder: Shoulder::Back, elbow: Elbow::Down, wrist: Wrist::Negative },
    ];
}

/// Distances from the three singularities, signed: the sign is the branch.
struct Distances {
    shoulder: f64,
    elbow: f64,
    /// The cosine at the elbow tells a stretched one from a folded one.
    elbow_cosine: f64,
    wrist: f64,
}

impl Distances {
    fn configuration(&self) -> Configuration {
        Configuration {
            shoulder: if self.shoulder >= 0.0 { Shoulder::Front } else { Shoulder::Back },
            elbow: if self.elbow >= 0.0 { Elbow::Up } else { Elbow::Down },
            wrist: if self.wrist >= 0.0 { Wrist::Positive } else { Wrist::Negative },
        }
    }

    /// `other` differs only in what is not decided here.
    fn permits(&self, other: Configuration) -> bool {
        let own = self.configuration();
        (own.shoulder == other.shoulder || self.shoulder.abs() < SINGULAR)
            && (own.elbow == other.elbow || self.elbow.abs() < SINGULAR)
            && (own.wrist == other.wrist || self.wrist.abs() < SINGULAR)
    }

    fn decided(&self) -> bool {
        [self.shoulder, self.elbow, self.wrist].iter().all(|distance| distance.abs() >= SINGULAR)
    }
}

/// Six joints ↔ x, y, z, a, b, c.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arm {
    parameters: ArmParameters,
    /// Upper arm c2, and K from elbow to wrist centre.
    links: TwoLinks,
    /// ψ: the wrist centre leans this much from the forearm, radians.
    lean: f64,
    /// |a1| + c2 + K.
    reach: f64,
}

impl Arm {
    /// An arm of this geometry.
    ///
    /// # Errors
    /// A length beyond 100 m, or an upper arm or a forearm shorter than 0.1 mm.
    pub fn new(parameters: ArmParameters) -> Result<Arm, ParameterError> {
        let ArmParameters { a1, a2, b, c1, c2, c3, c4, offsets, .. } = parameters;
        for (what, length) in [("a1", a1), ("a2", a2), ("b", b), ("c1", c1), ("c3", c3), ("c4", c4)] {
            within(what, length, -MAX_LENGTH, MAX_LENGTH)?;
        }
        within("c2", c2, MIN_LENGTH, MAX_LENGTH)?;
        let forearm = within("the length of the forearm √(a2² + c3²)", a2.hypot(c3), MIN_LENGTH, 2.0 * MAX_LENGTH)?;
        for offset in offsets {
            within("the offset of a joint", offset, -360.0, 360.0)?;
        }
        let links = TwoLinks::new(c2, forearm);
        Ok(Arm { parameters, links, lean: a2.atan2(c3), reach: a1.abs() + links.reach() })
    }

    /// What it was built from.
    pub fn parameters(&self) -> &ArmParameters {
        &self.parameters
    }

    /// The posture of these joints.
    pub fn configuration(&self, joints: &[f64; 6]) -> Configuration {
        self.distances(joints).configuration()
    }

    /// The joints of one posture that take the flange to `tool`, each in the turn next to `near`.
    pub fn inverse_as(
        &self,
        tool: &[f64; 6],
        configuration: Configuration,
        near: &[f64; 6],
    ) -> Result<[f64; 6], Unreachable> {
        super::checked("tool coordinate", tool, 6)?;
        super::checked("joint position", near, 6)?;
        self.solved(tool, configuration, near)
    }

    /// Where the flange is, mm: what it has of a place even where its angles are undecided.
    pub fn place(&self, joints: &[f64; 6]) -> [f64; 3] {
        self.posed(joints).0
    }

    /// Place and orientation of the flange.
    fn posed<S: Scalar>(&self, joints: &[S; 6]) -> ([S; 3], Rotation<S>) {
        let ArmParameters { a1, b, c1, c4, .. } = self.parameters;
        let [first, second, third, fourth, fifth, sixth] = self.angles(joints);
        let (up, forward) = self.links.place(second, third + self.lean);
        let (sine, cosine) = first.sin_cos();
        let along = forward + a1;
        let flange = Rotation::about_y(fifth.sin_cos())
            .about_own_z(sixth.sin_cos())
            .turned_about_z(fourth.sin_cos())
            .turned_about_y((second + third).sin_cos())
            .turned_about_z((sine, cosine));
        let [out_x, out_y, out_z] = flange.z_axis();
        let x = cosine * along - sine * b + out_x * c4;
        let y = sine * along + cosine * b + out_y * c4;
        ([x, y, up + c1 + out_z * c4], flange)
    }

    /// θ of joint positions.
    fn angles<S: Scalar>(&self, joints: &[S; 6]) -> [S; 6] {
        let ArmParameters { offsets, reversed, .. } = &self.parameters;
        let mut angles = *joints;
        for ((angle, offset), reversed) in angles.iter_mut().zip(offsets).zip(reversed) {
            *angle = radians(if *reversed { -*angle } else { *angle } - *offset);
        }
        angles
    }

    /// Joint positions of θ, in the turn next to `near`.
    fn joints<S: Scalar>(&self, angles: [S; 6], near: &[f64; 6]) -> [S; 6] {
        let ArmParameters { offsets, reversed, .. } = &self.parameters;
        let mut joints = angles;
        for (((joint, offset), reversed), near) in joints.iter_mut().zip(offsets).zip(reversed).zip(near) {
            let counted = degrees(*joint) + *offset;
            *joint = in_turn_of(*near, if *reversed { -counted } else { counted });
        }
        joints
    }

    fn distances(&self, joints: &[f64; 6]) -> Distances {
        let [_, second, third, _, fifth, _] = self.angles(joints);
        let phi = third + self.lean;
        let (_, forward) = self.links.place(second, phi);
        let (elbow, elbow_cosine) = phi.sin_cos();
        let shoulder = (forward + self.parameters.a1) / self.reach;
        Distances { shoulder, elbow, elbow_cosine, wrist: fifth.sin() }
    }

    /// The posture that `near` is in; where it is between two, the one with the least way to `tool`.
    fn chosen(&self, tool: &[f64; 6], near: &[f64; 6]) -> Configuration {
        let distances = self.distances(near);
        let mut best = distances.configuration();
        if distances.decided() {
            return best;
        }
        let mut least = f64::INFINITY;
        // At most SOLUTIONS times; twice where one choice is open.
        for configuration in Configuration::ALL.into_iter().filter(|other| distances.permits(*other)) {
            let Ok(joints) = self.solved(tool, configuration, near) else { continue };
            let way = way(&joints, near);
            if way < least {
                (best, least) = (configuration, way);
            }
        }
        best
    }

    fn solved<S: Scalar>(
        &self,
        tool: &[S; 6],
        configuration: Configuration,
        near: &[f64; 6],
    ) -> Result<[S; 6], Unreachable> {
        let ArmParameters { a1, b, c1, c4, .. } = self.parameters;
        let present = self.angles(near);
        let [x, y, z, turns @ ..] = *tool;
        let flange = Rotation::of_angles(turns);
        let [out_x, out_y, out_z] = flange.z_axis();
        let (x, y, z) = (x - out_x * c4, y - out_y * c4, z - out_z * c4);

        // Axis 1 turns the wrist centre from (X, b) to (x, y).
        let square = x.squared() + y.squared() - b * b;
        let beyond = |from, found, lowest, highest| Unreachable::Reach {
            what: "the wrist centre",
            at: [x.value(), y.value(), z.value()],
            from,
            found,
            lowest,
            highest,
        };
        let free = SHOULDER_FREE * self.reach;
        if square.value() < -2.0 * b.abs() * free {
            let found = x.value().hypot(y.value());
            return Err(beyond(Origin::Axis1, found, b.abs(), self.reach.hypot(b)));
        }
        let mut along = not_negative(square).sqrt();
        if configuration.shoulder == Shoulder::Back {
            along = -along;
        }
        let first = if b == 0.0 && along.value().abs() <= free {
            S::constant(present[0])
        } else {
            (y * along - x * b).atan2(x * along + y * b)
        };

        // Upper arm and forearm, in the plane that axis 1 has turned.
        let (second, phi) = self
            .links
            .angles(z - c1, along - a1, configuration.elbow == Elbow::Up, present[1])
            .map_err(|found| beyond(Origin::Axis2, found.found, found.lowest, found.highest))?;
        let third = phi - self.lean;

        // What is left for the wrist: Rz(θ4)·Ry(θ5)·Rz(θ6).
        let wrist = flange.turned_about_z((-first).sin_cos()).turned_about_y((-(second + third)).sin_cos());
        let [row_x, row_y, row_z] = *wrist.rows();
        let bent = row_x[2].value().hypot(row_y[2].value());
        let fourth = if bent < WRIST_FREE {
            S::constant(present[3])
        } else if configuration.wrist == Wrist::Positive {
            row_y[2].atan2(row_x[2])
        } else {
            (-row_y[2]).atan2(-row_x[2])
        };
        // With θ4 out of the way both others follow, and make up for whatever θ4 is where it is free.
        let (sine, cosine) = fourth.sin_cos();
        let fifth = (cosine * row_x[2] + sine * row_y[2]).atan2(row_z[2]);
        let sixth = (cosine * row_y[0] - sine * row_x[0]).atan2(cosine * row_y[1] - sine * row_x[1]);
        Ok(self.joints([first, second, third, fourth, fifth, sixth], near))
    }
}

impl Transformation for Arm {
    fn joints(&self) -> usize {
        6
    }

    fn coordinates(&self) -> usize {
        6
    }

    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        let Ok(joints) = <&[S; 6]>::try_from(joints) else {
            return Err(error::wrong_count("joint position", joints.len(), 6));
        };
        let ([x, y, z], flange) = self.posed(joints);
        let [turn_a, turn_b, turn_c] = flange.angles()?;
        super::pass(&[x, y, z, turn_a, turn_b, turn_c], tool);
        Ok(())
    }

    fn joints_at<S: Scalar>(&self, tool: &[S], near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        let Ok(tool) = <&[S; 6]>::try_from(tool) else {
            return Err(error::wrong_count("tool coordinate", tool.len(), 6));
        };
        let Ok(near) = <&[f64; 6]>::try_from(near) else {
            return Err(error::wrong_count("joint position", near.len(), 6));
        };
        let configuration = self.chosen(&tool.map(Scalar::value), near);
        super::pass(&self.solved(tool, configuration, near)?, joints);
        Ok(())
    }

    fn conditioning_at(&self, joints: &[f64]) -> Conditioning {
        let Ok(joints) = <&[f64; 6]>::try_from(joints) else { return Conditioning::PERFECT };
        let distances = self.distances(joints);
        Conditioning::of(distances.wrist, Singularity::WristInLine)
            .or(conditioning::two_links(distances.elbow, distances.elbow_cosine))
            .or(Conditioning::of(distances.shoulder, Singularity::WristOverShoulder))
    }
}

#[cfg(test)]
#[path = "arm_tests.rs"]
mod tests;
