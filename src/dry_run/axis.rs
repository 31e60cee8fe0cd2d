//! What a dry run knows of an axis.

use crate::kinematics::GroupTool;
use crate::motion::Limits;
use crate::units::AxisUnit;

/// A group.
#[derive(Clone, Debug, PartialEq)]
pub struct RunGroup {
    /// Its axes, in its order.
    pub axes: Vec<RunAxis>,
    /// The most that its tool may do.
    pub path_limits: Option<Limits>,
    /// Its tool, where that has coordinates of its own.
    pub tool: Option<RunTool>,
    /// What a cycle takes.
    pub period_s: f64,
}

/// A tool with coordinates of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct RunTool {
    /// The machine.
    pub tool: GroupTool,
    /// Joints near which the path begins: of several postures that reach its beginning, the nearest is taken.
    pub posture: Vec<f64>,
}

/// One axis of the group.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAxis {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: AxisUnit,
    /// The most that it may do.
    pub limits: Limits,
    /// Lowest and highest position, axis coordinates.
    pub soft_limits: Option<(f64, f64)>,
    /// Axis minus drive coordinates.
    pub offset: f64,
}
