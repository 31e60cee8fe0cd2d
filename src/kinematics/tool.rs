//! The machine of a group, and what the coordinates of its tool are called.

use super::{Kinematics, Machine, Transformation};
use crate::units::AxisUnit;

/// One coordinate of a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coordinate {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: AxisUnit,
}

/// A group whose tool has coordinates of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTool {
    /// From tool to joints; the joints are the axes of the group, in its order.
    pub kinematics: Kinematics,
    /// The coordinates, in their order.
    pub coordinates: Vec<Coordinate>,
}

impl GroupTool {
    /// What the coordinates count in.
    pub fn units(&self) -> Vec<AxisUnit> {
        self.coordinates.iter().map(|coordinate| coordinate.unit).collect()
    }

    /// Where the tool is with these joints; `None` where it has no such place, or its angles are undecided.
    pub fn place(&self, joints: &[f64]) -> Option<Vec<f64>> {
        let mut tool = vec![0.0; self.kinematics.coordinates()];
        self.kinematics.forward(joints, &mut tool).ok()?;
        Some(tool)
    }

    /// What sort of machine it is, as the configuration calls it.
    pub fn word(&self) -> &'static str {
        match self.kinematics.machine() {
            Machine::Identity(_) => "cartesian",
            Machine::Gantry(_) => "gantry",
            Machine::CoreXy(_) => "corexy",
            Machine::Scara(_) => "scara",
            Machine::LinearDelta(_) => "linear-delta",
            Machine::Arm(_) => "arm",
        }
    }
}
