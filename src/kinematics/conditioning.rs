//! How far a machine is from the postures in which a small way of the tool takes a large way of a joint.

use std::fmt;

/// Distance below which a machine counts as being in a singularity: derivatives are refused there, and the branch
/// that it is on is not decided by it. An elbow is then within a thousandth of a degree of being stretched.
pub const SINGULAR: f64 = 1e-5;

/// A posture in which joints and tool do not determine each other's velocities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Singularity {
    /// Upper arm and forearm of a SCARA arm or the elbow of a six-axis arm in line, stretched: the border of the reach.
    ArmStretched = 0,
    /// The same, folded back.
    ArmFolded = 1,
    /// Axes 4 and 6 of an arm in line: axis 5 at 0° or 180°.
    WristInLine = 2,
    /// The wrist centre of an arm above or below its shoulder, on axis 1.
    WristOverShoulder = 3,
    /// A rod of a linear delta lies horizontally: the border of its tower's reach.
    RodHorizontal = 4,
    /// The three rods of a linear delta lie in one plane or are parallel in one: they do not hold the tool.
    RodsInPlane = 5,
    /// The tool's b angle is ±90°: a and c turn about the same line. Only the tool's own angles have it, no joint does.
    OrientationPole = 6,
}

impl Singularity {
    /// All of them, by their numbers.
    pub const ALL: [Singularity; 7] = [
        Singularity::ArmStretched,
        Singularity::ArmFolded,
        Singularity::WristInLine,
        Singularity::WristOverShoulder,
        Singularity::RodHorizontal,
        Singularity::RodsInPlane,
        Singularity::OrientationPole,
    ];
}

impl fmt::Display for Singularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Singularity::ArmStretched => "the arm is stretched",
            Singularity::ArmFolded => "the arm is folded",
            Singularity::WristInLine => "axes 4 and 6 are in line (axis 5 is near 0° or 180°)",
            Singularity::WristOverShoulder => "the wrist is over axis 1",
            Singularity::RodHorizontal => "a rod is near horizontal",
            Singularity::RodsInPlane => "the rods lie in one plane",
            Singularity::OrientationPole => "the tool's b angle is near 90° or -90°",
        })
    }
}

/// The nearest singularity and how far it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conditioning {
    /// 0 in a singularity, 1 as far from it as the machine gets; what is between, each machine says. 1 for a machine
    /// without singularities.
    pub distance: f64,
    /// Which one; `None` for a machine without.
    pub nearest: Option<Singularity>,
}

impl Conditioning {
    /// Of a machine that has no singularity.
    pub const PERFECT: Conditioning = Conditioning { distance: 1.0, nearest: None };

    /// `distance` from `nearest`, brought into 0 to 1.
    pub(super) fn of(distance: f64, nearest: Singularity) -> Conditioning {
        Conditioning { distance: distance.abs().clamp(0.0, 1.0), nearest: Some(nearest) }
    }

    /// The nearer of the two.
    pub(super) fn or(self, other: Conditioning) -> Conditioning {
        if other.distance < self.distance { other } else { self }
    }
}

/// How far two links with this angle between them are from being in line: |sin|.
pub(super) fn two_links(sine: f64, cosine: f64) -> Conditioning {
    Conditioning::of(sine, if cosine >= 0.0 { Singularity::ArmStretched } else { Singularity::ArmFolded })
}
