//! A machine whose joints are not its coordinates, as a path sees it.

use std::fmt;

use crate::kinematics::{
    Conditioning, GroupTool, Jet, Kinematics, Machine, SINGULAR, Scalar, Transformation, Unreachable,
};
use crate::limits::{LEAST_CONDITIONING, MAX_GROUP_AXES};

use super::axes::PathOrder;
use super::program::Point;

/// Of what a programmed path must keep from a singularity: what the curve keeps that is off it by its tolerance.
const PLANNED: f64 = 0.5;

/// A path is programmed in coordinates of the tool; what moves are joints, in the group's order.
#[derive(Clone, Debug, PartialEq)]
pub struct Mechanism {
    /// From tool to joints.
    pub kinematics: Kinematics,
    /// Which coordinate of the tool each of the planner's is.
    pub order: PathOrder,
    /// Lowest and highest position of each joint.
    pub soft_limits: Vec<Option<(f64, f64)>>,
}

/// Why a path cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PathFault {
    /// No posture reaches a place of it.
    Unreachable(Unreachable),
    /// A joint would leave its soft limits.
    SoftLimit {
        /// The joint, in the group's order.
        joint: usize,
        /// How far it would go.
        found: f64,
        /// How far it may.
        allowed: f64,
    },
    /// The joints bend more than any cubic does: so near to a singularity, or somewhere behind it.
    Bent(Conditioning),
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathFault::Unreachable(Unreachable::Singular { singularity, distance, lowest }) => write!(
                f,
                "{singularity}: the path comes within {distance:.2e} of that singularity, allowed: {lowest} at least; lead it \
                 past at a distance, or begin in another posture"
            ),
            PathFault::Unreachable(why) => write!(f, "{why}"),
            PathFault::SoftLimit { found, allowed, .. } => {
                write!(f, "the path goes to {found} with this joint, the soft limit is {allowed}")
            }
            PathFault::Bent(Conditioning { nearest: Some(singularity), distance }) => {
                write!(
                    f,
                    "{singularity}: the joints cannot follow the path past that singularity ({distance:.2e} away)"
                )
            }
            PathFault::Bent(_) => write!(f, "the joints cannot follow the path"),
        }
    }
}

impl std::error::Error for PathFault {}

/// Joints at a place of the path, and how they go on: value and three derivatives of each over its length.
pub type Joints = [[f64; 4]; MAX_GROUP_AXES];

/// Their positions.
pub fn positions(joints: &Joints) -> Point {
    joints.map(|[position, ..]| position)
}

impl Mechanism {
    /// How many joints.
    pub fn joints(&self) -> usize {
        self.kinematics.joints()
    }

    /// How many coordinates.
    pub fn coordinates(&self) -> usize {
        self.kinematics.coordinates()
    }

    /// The machine of a group, whose joints have these soft limits.
    pub fn new(tool: &GroupTool, soft_limits: Vec<Option<(f64, f64)>>) -> Mechanism {
        Mechanism { kinematics: tool.kinematics, order: PathOrder::new(&tool.units()), soft_limits }
    }

    /// How far these joints are from a singularity.
    pub fn kinematics_conditioning(&self, joints: &Point) -> Conditioning {
        let found = self.kinematics.conditioning(&joints[..self.joints()]);
        found.unwrap_or(Conditioning::PERFECT)
    }

    /// Joint `joint` turns, and more than one turn of it may be meant.
    pub fn turns(&self, joint: usize) -> bool {
        match self.kinematics.machine() {
            Machine::Scara(_) => joint < 4 && joint != 2,
            Machine::Arm(_) => joint < 6,
            _ => false,
        }
    }

    /// Where the tool is, in the order of its coordinates.
    ///
    /// # Errors
    /// Where no tool has such joints.
    pub fn tool(&self, joints: &[f64]) -> Result<Point, Unreachable> {
        let mut tool = [0.0; MAX_GROUP_AXES];
        self.kinematics.forward(joints, &mut tool[..self.coordinates()])?;
        Ok(tool)
    }

    /// Joints for a place of the tool, in the planner's order, from `near` on: in its posture and turns, and far enough
    /// from a singularity for that to mean something.
    ///
    /// # Errors
    /// Where there are none.
    pub fn reach(&self, tool: &Point, near: &Point) -> Result<(Point, Conditioning), Unreachable> {
        let tool = self.order.from_planner(tool);
        let mut joints = [0.0; MAX_GROUP_AXES];
        let count = self.joints();
        self.kinematics.inverse(&tool[..self.coordinates()], &near[..count], &mut joints[..count])?;
        let conditioning = self.conditioned(&joints)?;
        Ok((joints, conditioning))
    }

    /// The same with derivatives; `tool` has the value and three derivatives of each of the planner's coordinates.
    ///
    /// # Errors
    /// Where there are none.
    pub fn follow(&self, tool: &Joints, near: &Point) -> Result<(Joints, Conditioning), Unreachable> {
        let mut along = [Jet::constant(0.0); MAX_GROUP_AXES];
        for (derivatives, coordinate) in tool.iter().zip(&self.order.order) {
            along[*coordinate] = Jet::new(*derivatives);
        }
        let mut jets = [Jet::constant(0.0); MAX_GROUP_AXES];
        let count = self.joints();
        self.kinematics.inverse(&along[..self.coordinates()], &near[..count], &mut jets[..count])?;
        let joints = jets.map(Jet::derivatives);
        let conditioning = self.conditioned(&positions(&joints))?;
        Ok((joints, conditioning))
    }

    fn conditioned(&self, joints: &Point) -> Result<Conditioning, Unreachable> {
        let conditioning = self.kinematics.conditioning(&joints[..self.joints()])?;
        match conditioning.nearest {
            Some(singularity) if conditioning.distance < PLANNED * LEAST_CONDITIONING => {
                let (distance, lowest) = (conditioning.distance, LEAST_CONDITIONING);
                Err(Unreachable::Singular { singularity, distance, lowest })
            }
            _ => Ok(conditioning),
        }
    }

    /// How far the tool with `joints` is from where `exact` joints have it, which is `tool` in the planner's order: over the linear
    /// coordinates, and over the rotary ones. Of an arm's orientation it is an upper bound.
    ///
    /// # Errors
    /// Where no tool has such joints.
    pub fn gap(&self, joints: &Point, exact: &Point, tool: &Point) -> Result<(f64, f64), Unreachable> {
        let (count, mut found) = (self.joints(), self.order.from_planner(tool));
        let mut turned = 0.0;
        if let Machine::Arm(arm) = self.kinematics.machine() {
            let own: [f64; 6] = std::array::from_fn(|joint| joints[joint]);
            found[..3].copy_from_slice(&arm.place(&own));
            // No joint turns the tool by more than itself.
            turned = joints[..6].iter().zip(exact).map(|(joint, exact)| (joint - exact).abs()).sum::<f64>();
            found[6..self.coordinates()].copy_from_slice(&joints[6..count]);
        } else {
            self.kinematics.forward(&joints[..count], &mut found[..self.coordinates()])?;
        }
        let found = self.order.to_planner(&found);
        let apart = |range: std::ops::Range<usize>| {
            found[range.clone()].iter().zip(&tool[range]).fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b)).sqrt()
        };
        Ok((apart(0..self.order.linear), turned + apart(self.order.linear..self.coordinates())))
    }
}

const _: () = assert!(PLANNED * LEAST_CONDITIONING > SINGULAR);
