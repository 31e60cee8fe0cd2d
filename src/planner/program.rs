//! What a program asks for: elements of a path, how fast, and how corners are passed.

use crate::geometry::Arc;
use crate::limits::{EXACT_PATH_MM, JOINT_SHARE, MAX_GROUP_AXES};
use crate::motion::Limits;

/// A place: one value an axis of the group, drive coordinates; the linear axes first come first, as the group has them.
pub type Point = [f64; MAX_GROUP_AXES];

/// How fast an element is passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Feed {
    /// The velocity of the tool: over the linear axes, mm/s; over all axes where no linear axis moves (deg/s).
    Speed(f64),
    /// How long the element takes, s, if nothing else limits it. Inverse time is 1 / this.
    Duration(f64),
}

/// What the tool does on an element at most, whatever the override: its linear coordinates together, in any direction, as limits of a group's
/// path are; all coordinates together where the program has no linear one. What is absent caps nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Caps {
    /// mm/s, or deg/s.
    pub velocity: Option<f64>,
    /// Per s².
    pub acceleration: Option<f64>,
    /// Per s³.
    pub jerk: Option<f64>,
}

impl Caps {
    /// Nothing is capped.
    pub const NONE: Caps = Caps { velocity: None, acceleration: None, jerk: None };

    /// Both hold.
    pub fn and(self, other: Caps) -> Caps {
        let tighter = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Caps {
            velocity: tighter(self.velocity, other.velocity),
            acceleration: tighter(self.acceleration, other.acceleration),
            jerk: tighter(self.jerk, other.jerk),
        }
    }

    /// The same below limits that hold anyway; `None` where nothing does.
    pub(super) fn within(self, limits: Option<Limits>) -> Option<Limits> {
        if self == Caps::NONE {
            return limits;
        }
        let free = Limits { velocity: f64::INFINITY, acceleration: f64::INFINITY, jerk: f64::INFINITY };
        let Limits { velocity, acceleration, jerk } = limits.unwrap_or(free);
        let capped = |cap: Option<f64>, limit: f64| cap.map_or(limit, |cap| cap.min(limit));
        Some(Limits {
            velocity: capped(self.velocity, velocity),
            acceleration: capped(self.acceleration, acceleration),
            jerk: capped(self.jerk, jerk),
        })
    }
}

/// What is done where one element ends and the next begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Corner {
    /// The path comes to rest.
    Stop,
    /// The path stays where it is programmed: a corner is a stop, and where only the curvature changes, or directions by no more than a
    /// thousandth, it is passed within [`crate::limits::EXACT_PATH_MM`].
    Exact,
    /// The corner is rounded from this distance before it to this distance behind it, units of path: tolerances of elements beside it are not held
    /// there, and it is so where a stop were sooner, too. At most from the middle of an element to the middle of the next (of all that is gathered
    /// there, where that has a tolerance), and over 0.4 rad of an arc.
    Distance(f64),
    /// The path may leave the programmed one by this much, linear axes (mm) and rotary axes (deg) for themselves. Short elements
    /// are passed as the curve that they stand for.
    Tolerance {
        /// mm.
        linear: f64,
        /// deg.
        rotary: f64,
    },
}

impl Corner {
    /// The same with what joints that are not the tool's coordinates need of its tolerance set aside.
    pub fn for_joints(self) -> Corner {
        match self {
            Corner::Tolerance { linear, rotary } => {
                Corner::Tolerance { linear: linear * (1.0 - JOINT_SHARE), rotary: rotary * (1.0 - JOINT_SHARE) }
            }
            other => other,
        }
    }

    /// How far the path may be off the programmed one, mm and deg, where the corner says so.
    pub(super) fn within(self) -> Option<[f64; 2]> {
        match self {
            Corner::Tolerance { linear, rotary } => Some([linear, rotary]),
            Corner::Exact => Some([EXACT_PATH_MM; 2]),
            Corner::Stop | Corner::Distance(_) => None,
        }
    }

    /// What was set aside, mm and deg; what is exact may be off by a share of [`EXACT_PATH_MM`] all the same.
    pub(super) fn left_to_joints(self) -> [f64; 2] {
        match self {
            Corner::Tolerance { linear, rotary } => {
                [linear, rotary].map(|within| within * JOINT_SHARE / (1.0 - JOINT_SHARE))
            }
            _ => [EXACT_PATH_MM * JOINT_SHARE; 2],
        }
    }
}

/// The curve of an element, from where the one before ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Straight to a place.
    Line(Point),
    /// Along a circle or helix.
    Arc(Arc),
}

/// An element of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Element {
    /// Its curve.
    pub shape: Shape,
    /// How fast.
    pub feed: Feed,
    /// And at most so.
    pub caps: Caps,
    /// At its end.
    pub corner: Corner,
    /// For whoever watches the program.
    pub line: u32,
}
