//! What is checked before an element becomes part of a program.

use std::fmt;

use crate::geometry::ArcError;
use crate::limits::{FEED_RANGE, MAX_POSITION, MIN_CAPS, SHORTEST_DURATION_S};
use crate::path_file::{Written, WrittenShape};
use crate::planner::axes::PathOrder;
use crate::planner::program::{Caps, Corner, Element, Feed, Point, Shape};
use crate::planner::{Astray, Walk};

/// Why an element is not taken. Axes are places in the group.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftError {
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
    /// The machine cannot follow it; with a place of the tool where that shows. Axes are joints.
    Path(Box<Astray>),
    /// There is no such arc.
    Arc(ArcError),
    /// A velocity or duration that is none.
    Feed {
        /// As given.
        found: f64,
        /// The least.
        allowed: f64,
    },
    /// A cap that is none, or too small to be followed.
    Cap {
        /// Of what.
        what: &'static str,
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
            DraftError::Position { found, .. } => write!(out, "{found} is no position"),
            DraftError::SoftLimit { found, allowed, .. } => {
                write!(out, "the path goes to {found}, the soft limit is {allowed}")
            }
            DraftError::Path(astray) => astray.fault.fmt(out),
            DraftError::Arc(error) => error.fmt(out),
            DraftError::Feed { found, allowed } => write!(out, "{found} is too slow or too short: {allowed} at least"),
            DraftError::Cap { what, found, allowed } => {
                write!(out, "a cap of {found} for the {what}: {allowed} at least, or 0 for none")
            }
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
    /// The velocity limit of the group's path.
    pub fastest: f64,
    /// Of each axis of the group, in its order; axis coordinates.
    pub soft_limits: Vec<Option<(f64, f64)>>,
    /// Where the next element begins, as the planner has it.
    pub at: Point,
    /// The machine there, where its joints are no coordinates of the tool.
    pub walk: Option<Walk>,
}

impl Ground {
    /// Where the axes are at the end of the last element, in the group's order.
    pub fn axes(&self) -> Vec<f64> {
        match &self.walk {
            Some(walk) => walk.joints().to_vec(),
            None => self.order.from_planner(&self.at)[..self.order.count()].to_vec(),
        }
    }

    /// The element, if it can be followed; what comes next begins at its end.
    ///
    /// # Errors
    /// Says what is wrong, and changes nothing.
    pub fn take(&mut self, written: &Written) -> Result<Element, DraftError> {
        self.check_feed(written.feed)?;
        check_caps(written.caps)?;
        check_corner(written.corner)?;
        let count = self.order.count();
        let unfit = |value: &&f64| !value.is_finite() || value.abs() > MAX_POSITION;
        if let Some((axis, found)) = written.to.iter().enumerate().take(count).find(|(_, value)| unfit(value)) {
            return Err(DraftError::Position { axis, found: *found });
        }
        if matches!(written.shape, WrittenShape::Arc(_)) && self.order.linear < 2 {
            return Err(DraftError::Arc(ArcError::Coordinates));
        }
        let element = written.element(&self.order, &self.at, &Point::default()).map_err(DraftError::Arc)?;
        let Element { shape, .. } = &element;
        for (place, axis) in self.order.order.iter().enumerate() {
            let (low, high) = match shape {
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
        if let Some(walk) = &mut self.walk {
            walk.take(&element, &self.at).map_err(DraftError::Path)?;
        }
        self.at = self.order.to_planner(&written.to);
        Ok(element)
    }

    fn check_feed(&self, feed: Feed) -> Result<(), DraftError> {
        let (found, allowed) = match feed {
            Feed::Speed(speed) => (speed, self.fastest / FEED_RANGE),
            Feed::Duration(seconds) => (seconds, SHORTEST_DURATION_S),
        };
        if found.is_finite() && found >= allowed { Ok(()) } else { Err(DraftError::Feed { found, allowed }) }
    }
}

fn check_caps(Caps { velocity, acceleration, jerk }: Caps) -> Result<(), DraftError> {
    let named = [("speed", velocity), ("acceleration", acceleration), ("jerk", jerk)];
    for ((what, cap), allowed) in named.into_iter().zip(MIN_CAPS) {
        match cap {
            Some(found) if !(found.is_finite() && found >= allowed) => {
                return Err(DraftError::Cap { what, found, allowed });
            }
            _ => {}
        }
    }
    Ok(())
}

/// A corner that is one.
///
/// # Errors
/// Where a tolerance or a distance is none.
pub fn check_corner(corner: Corner) -> Result<(), DraftError> {
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
