//! What a dry run found.

use crate::kinematics::Unreachable;
use crate::planner::Astray;
use crate::planner::{Nearest, Obstacle, Slowed};
use crate::units::AxisUnit;

use super::deviation::Deviation;
use super::peaks::Peak;
use super::trace::Spot;

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisReport {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: AxisUnit,
    /// Lowest and highest position, axis coordinates.
    pub range: (f64, f64),
    /// Lowest and highest position that is permitted.
    pub soft_limits: Option<(f64, f64)>,
    /// Line of the program in which it is outside first.
    pub outside: Option<u32>,
    /// Peaks of velocity, acceleration and jerk.
    pub peaks: [Peak; 3],
    /// The same as shares of the axis's limits.
    pub shares: [f64; 3],
}

/// A coordinate that the path is given in.
#[derive(Clone, Debug, PartialEq)]
pub struct CoordinateReport {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: AxisUnit,
    /// Lowest and highest value.
    pub range: (f64, f64),
}

/// The tool as a whole: its linear coordinates together, or all where none is linear.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolReport {
    /// Peaks of velocity, acceleration and jerk.
    pub peaks: [Peak; 3],
    /// The same as shares of the limits of the group's path.
    pub shares: [f64; 3],
}

/// The whole path.
#[derive(Clone, Debug, PartialEq)]
pub struct DryRunReport {
    /// Elements, those without length not counted.
    pub elements: u64,
    /// Programmed, over the linear axes, mm.
    pub linear_length: f64,
    /// Programmed, over the rotary axes, deg.
    pub rotary_length: f64,
    /// From the first cycle to that in which it rests at its end.
    pub cycles: u64,
    /// What each takes, s.
    pub period_s: f64,
    /// The axes, in the group's order.
    pub axes: Vec<AxisReport>,
    /// The coordinates of the path: the axes again, or those of a tool.
    pub coordinates: Vec<CoordinateReport>,
    /// The tool, where something limits it.
    pub tool: Option<ToolReport>,
    /// The singularity that it comes nearest to, where the machine has any.
    pub nearest: Option<Nearest>,
    /// Where singularities slow it the most, and for how many cycles each does.
    pub slowed: Vec<(Slowed, u64)>,
    /// How far the motion is off the programmed path.
    pub deviation: Deviation,
    /// The fastest that the tool was, mm/s; deg/s where no axis is linear.
    pub fastest: Peak,
    /// The largest step of an axis's position that its velocity does not explain, mm or deg: 0, unless the generator has a fault.
    pub jump: Peak,
    /// Where it went, thinned, for a picture.
    pub trace: Vec<Spot>,
}

impl DryRunReport {
    /// Seconds.
    pub fn duration_s(&self) -> f64 {
        self.cycles as f64 * self.period_s
    }

    /// Every axis stays where it may be.
    pub fn inside(&self) -> bool {
        self.axes.iter().all(|axis| axis.outside.is_none())
    }
}

/// Why there is no report.
#[derive(Clone, Debug, PartialEq)]
pub enum DryRunError {
    /// No joints take the tool to where the path begins.
    Start(Unreachable),
    /// An element that the machine cannot follow, and no daemon would take.
    Astray {
        /// Line of the program.
        line: u32,
        /// Why, and where the tool would be.
        astray: Box<Astray>,
    },
    /// The machine cannot follow the path to its end.
    Obstacle(Obstacle),
    /// The motion stands still before the end of the path: a fault of the planner or of the generator.
    Stuck {
        /// Line of the program.
        line: u32,
        /// How far it came, units of path.
        distance: f64,
    },
}

impl std::fmt::Display for DryRunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DryRunError::Start(why) => write!(f, "the path begins where the machine cannot be: {why}"),
            DryRunError::Astray { line, astray } => write!(f, "line {line}: {}", astray.fault),
            DryRunError::Obstacle(Obstacle { fault, sigma, line }) => {
                write!(f, "line {line}, {sigma:.3} units of path from the beginning: {fault}")
            }
            DryRunError::Stuck { line, distance } => write!(
                f,
                "the motion stands still in line {line}, {distance} mm from the beginning: a fault of this program; please report it \
                 with the file"
            ),
        }
    }
}

impl std::error::Error for DryRunError {}
