//! An element as a client gives it, and what is checked before it becomes part of a program.

use std::fmt;

use crate::gateway::Limits;
use crate::geometry::{Arc, ArcError};
use crate::limits::{MAX_POSITION, MIN_FEED_SHARE, SHORTEST_DURATION_S};
use crate::planner::PathOrder;
use crate::planner::program::{Corner, Element, Feed, Point, Shape};

/// The curve of an element, in the order of the group's axes, axis coordinates.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftShape {
    /// Straight to a place.
    Line(Vec<f64>),
    /// Along a circle or helix to a place.
    Arc {
        /// Where it ends.
        end: Vec<f64>,
        /// Which circle: of the first three linear axes.
        circle: Circle,
    },
}

/// Which circle leads to the end of an arc; mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Circle {
    /// About a centre.
    Centre {
        /// The centre.
        centre: [f64; 3],
        /// Of its plane.
        normal: [f64; 3],
        /// Turning to the left, seen against the normal.
        left: bool,
        /// Whole turns more.
        turns: u32,
    },
    /// Through a point.
    Via([f64; 3]),
    /// With a radius; negative: the longer way.
    Radius {
        /// mm.
        radius: f64,
        /// Of its plane.
        normal: [f64; 3],
        /// Turning to the left, seen against the normal.
        left: bool,
    },
}

/// An element as it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its curve.
    pub shape: DraftShape,
    /// How fast.
    pub feed: Feed,
    /// At its end.
    pub corner: Corner,
    /// The line of the program.
    pub line: u32,
}

/// Why an element is not taken. Axes are places in the group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DraftError {
    /// Another number of values than the group has axes.
    Count {
        /// Values.
        found: usize,
        /// Axes.
        allowed: usize,
    },
    /// No finite number, or one that no axis can be told.
    Position {
        /// The axis.
        axis: usize,
        /// Its value.
        found: f64,
    },
    /// The path leaves the soft limits, somewhere on this element.
    SoftLimit {
        /// The axis.
        axis: usize,
        /// How far it would go.
        found: f64,
        /// How far it may.
        allowed: f64,
    },
    /// There is no such arc.
    Arc(ArcError),
    /// A velocity or duration that is none.
    Feed {
        /// As given.
        found: f64,
        /// The least.
        allowed: f64,
    },
    /// A tolerance or distance that is none.
    Corner {
        /// As given.
        found: f64,
    },
}

impl fmt::Display for DraftError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DraftError::Count { found, allowed } => write!(out, "{found} values for {allowed} axes"),
            DraftError::Position { found, .. } => write!(out, "{found} is no position"),
            DraftError::SoftLimit { found, allowed, .. } => {
                write!(out, "the path goes to {found}, the soft limit is {allowed}")
            }
            DraftError::Arc(error) => error.fmt(out),
            DraftError::Feed { found, allowed } => write!(out, "{found} is too slow or too short: {allowed} at least"),
            DraftError::Corner { found } => write!(out, "{found} is no tolerance or distance: above 0"),
        }
    }
}

impl std::error::Error for DraftError {}

/// What elements are checked against, and where the last one ended.
#[derive(Clone, Debug)]
pub struct Ground {
    /// Which axis is which.
    pub order: PathOrder,
    /// Of each axis of the group, in its order.
    pub limits: Vec<Limits>,
    /// Likewise; axis coordinates.
    pub soft_limits: Vec<Option<(f64, f64)>>,
    /// Where the next element begins, as the planner has it.
    pub at: Point,
}

impl Ground {
    /// The element, if it can be followed; what comes next begins at its end.
    ///
    /// # Errors
    /// Says what is wrong, and changes nothing.
    pub fn take(&mut self, draft: &Draft) -> Result<Element, DraftError> {
        self.check_feed(draft.feed)?;
        check_corner(draft.corner)?;
        let (shape, to) = match &draft.shape {
            DraftShape::Line(end) => {
                let to = self.place(end)?;
                (Shape::Line(to), to)
            }
            DraftShape::Arc { end, circle } => {
                let to = self.place(end)?;
                let count = self.order.order.len();
                let (from, end) = (&self.at[..count], &to[..count]);
                if self.order.linear < 2 {
                    return Err(DraftError::Arc(ArcError::Coordinates));
                }
                let arc = match *circle {
                    Circle::Centre { centre, normal, left, turns } => {
                        Arc::about(from, end, centre, normal, left, turns)
                    }
                    Circle::Via(via) => Arc::through(from, via, end),
                    Circle::Radius { radius, normal, left } => Arc::with_radius(from, end, radius, normal, left),
                };
                let arc = arc.map_err(DraftError::Arc)?;
                (Shape::Arc(arc), to)
            }
        };
        for (place, axis) in self.order.order.iter().enumerate() {
            let (low, high) = match &shape {
                Shape::Line(to) => (to[place], to[place]),
                Shape::Arc(arc) => arc.range(place),
            };
            if let Some((lowest, highest)) = self.soft_limits[*axis] {
                // What is written with few digits meets a limit all the same.
                let slack = 1e-9 * (1.0 + highest.abs().max(lowest.abs()));
                if high > highest + slack {
                    return Err(DraftError::SoftLimit { axis: *axis, found: high, allowed: highest });
                }
                if low < lowest - slack {
                    return Err(DraftError::SoftLimit { axis: *axis, found: low, allowed: lowest });
                }
            }
        }
        self.at = to;
        Ok(Element { shape, feed: draft.feed, corner: draft.corner, line: draft.line })
    }

    fn place(&self, values: &[f64]) -> Result<Point, DraftError> {
        let allowed = self.order.order.len();
        if values.len() != allowed {
            return Err(DraftError::Count { found: values.len(), allowed });
        }
        match values.iter().position(|value| !value.is_finite() || value.abs() > MAX_POSITION) {
            Some(axis) => Err(DraftError::Position { axis, found: values[axis] }),
            None => Ok(self.order.to_planner(values)),
        }
    }

    fn check_feed(&self, feed: Feed) -> Result<(), DraftError> {
        let fastest = self.limits.iter().map(|limits| limits.velocity).fold(0.0, f64::max);
        let (found, allowed) = match feed {
            Feed::Speed(speed) => (speed, fastest * MIN_FEED_SHARE),
            Feed::Duration(seconds) => (seconds, SHORTEST_DURATION_S),
        };
        if found.is_finite() && found >= allowed { Ok(()) } else { Err(DraftError::Feed { found, allowed }) }
    }
}

fn check_corner(corner: Corner) -> Result<(), DraftError> {
    let given = match corner {
        Corner::Stop | Corner::Exact => return Ok(()),
        Corner::Distance(distance) => [distance, distance],
        Corner::Tolerance { linear, rotary } => [linear, rotary],
    };
    match given.into_iter().find(|value| !(value.is_finite() && *value > 0.0)) {
        Some(found) => Err(DraftError::Corner { found }),
        None => Ok(()),
    }
}
