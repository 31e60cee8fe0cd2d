//! A spline as it is asked for, and the lines that become of it.

use std::fmt;

use crate::limits::{EXACT_PATH_MM, MAX_SPLINE_DEGREE, MAX_SPLINE_LINES, MAX_SPLINE_POINTS};
use crate::planner::program::{Caps, Corner, Feed, Point};

use super::nurbs::{Flatness, Nurbs};
use super::written::{Written, WrittenShape};

/// Share of the tolerance that its lines may be off the spline; the rest is left to the planner.
const CHORD_SHARE: f64 = 0.1;
/// Least and greatest weight.
pub const WEIGHTS: (f64, f64) = (1e-6, 1e6);

/// Why there is no such spline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SplineError {
    /// A degree that is none.
    Degree(usize),
    /// So many knots where so many are needed.
    Knots(usize, usize),
    /// A knot that is lower than the one before it.
    KnotOrder(f64, f64),
    /// Knots that do not begin and end with the same value degree + 1 times: the spline would not begin or end where it is said.
    KnotEnds(usize),
    /// A knot within that stands there more often than the degree: found, degree.
    KnotMany(f64, usize),
    /// So many control points, the place before included, where a spline of this degree needs one more than that.
    Points(usize, usize),
    /// Too many control points.
    PointsMany,
    /// A weight that is none.
    Weight(f64),
    /// Too many lines for the tolerance, mm.
    Lines(f64),
}

impl fmt::Display for SplineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SplineError::Degree(found) => write!(f, "found degree {found}, allowed: 1 to {MAX_SPLINE_DEGREE}"),
            SplineError::Knots(found, wanted) => write!(
                f,
                "found {found} knots, allowed: {wanted} (control points, with the place before the spline, + degree + 1) or none"
            ),
            SplineError::KnotOrder(before, knot) => {
                write!(f, "found knot {knot} behind {before}, allowed: knots that do not fall")
            }
            SplineError::KnotEnds(times) => write!(
                f,
                "found knots that do not begin and end with one value {times} times each, allowed: those that do, so that the \
                 spline begins where the path is and ends at its last point"
            ),
            SplineError::KnotMany(knot, degree) => {
                write!(f, "found knot {knot} more than {degree} times, allowed: as often as the degree within a spline")
            }
            SplineError::Points(found, degree) => write!(
                f,
                "found {found} control points, the place before the spline included, allowed: {} or more for degree {degree}",
                degree + 1
            ),
            SplineError::PointsMany => write!(f, "found more control points, allowed: {MAX_SPLINE_POINTS}"),
            SplineError::Weight(found) => {
                write!(f, "weight: found {found}, allowed: {} to {}", WEIGHTS.0, WEIGHTS.1)
            }
            SplineError::Lines(tolerance) => write!(
                f,
                "found a curve that takes more than {MAX_SPLINE_LINES} lines within {tolerance} mm, allowed: fewer; give a larger \
                 tolerance, or divide the spline"
            ),
        }
    }
}

impl std::error::Error for SplineError {}

/// A B-spline with weights (NURBS), in axis coordinates, in the group's order.
#[derive(Clone, Debug)]
pub struct Spline {
    /// Of its polynomials.
    pub degree: usize,
    /// With their weights; the first is where it begins.
    pub controls: Vec<(Point, f64)>,
    /// As many as `controls` + `degree` + 1; without any they are equally far apart.
    pub knots: Vec<f64>,
}

impl From<Point> for Spline {
    /// A cubic that begins there.
    fn from(begin: Point) -> Spline {
        Spline { degree: 3, controls: vec![(begin, 1.0)], knots: Vec::new() }
    }
}

impl Spline {
    /// One control point more.
    ///
    /// # Errors
    /// Where there are too many, or the weight is none.
    pub fn push(&mut self, point: Point, weight: f64) -> Result<(), SplineError> {
        if self.controls.len() >= MAX_SPLINE_POINTS {
            return Err(SplineError::PointsMany);
        }
        check_weight(weight)?;
        self.controls.push((point, weight));
        Ok(())
    }

    /// One knot more.
    ///
    /// # Errors
    /// Where it falls, or there are too many.
    pub fn push_knot(&mut self, knot: f64) -> Result<(), SplineError> {
        if let Some(before) = self.knots.last().filter(|before| knot < **before) {
            return Err(SplineError::KnotOrder(*before, knot));
        }
        if self.knots.len() > MAX_SPLINE_POINTS + MAX_SPLINE_DEGREE + 1 {
            return Err(SplineError::PointsMany);
        }
        self.knots.push(knot);
        Ok(())
    }

    /// The last control point.
    pub fn last(&self) -> &Point {
        &self.controls[self.controls.len() - 1].0
    }

    /// Lines along it, of `axes` axes of which `is_linear` tells the linear ones. They are off it by a share of the tolerance of
    /// `corner`, which holds at its end.
    ///
    /// # Errors
    /// Where there is no such spline, or its lines are too many.
    pub fn lines(
        self,
        axes: usize,
        is_linear: impl Fn(usize) -> bool,
        feed: Feed,
        caps: Caps,
        corner: Corner,
        line: u32,
    ) -> Result<Vec<Written>, SplineError> {
        let Spline { degree, controls, knots } = self;
        if !(1..=MAX_SPLINE_DEGREE).contains(&degree) {
            return Err(SplineError::Degree(degree));
        }
        if controls.len() <= degree {
            return Err(SplineError::Points(controls.len(), degree));
        }
        check_weight(controls[0].1)?;
        let knots = if knots.is_empty() { Nurbs::uniform(degree, controls.len()) } else { knots };
        check_knots(&knots, degree, controls.len())?;
        let (linear, rotary) = match corner {
            Corner::Tolerance { linear, rotary } => (linear, rotary),
            Corner::Stop | Corner::Exact | Corner::Distance(_) => (EXACT_PATH_MM, EXACT_PATH_MM),
        };
        let flatness = Flatness { linear: linear * CHORD_SHARE, rotary: rotary * CHORD_SHARE };
        let rest = 1.0 - CHORD_SHARE;
        let within = Corner::Tolerance { linear: linear * rest, rotary: rotary * rest };
        let mut ends = Vec::new();
        let from = controls[0].0;
        let last = controls[controls.len() - 1].0;
        let curve = Nurbs::new(degree, knots, &controls);
        if !curve.flatten(axes, is_linear, flatness, MAX_SPLINE_LINES, &mut ends) {
            return Err(SplineError::Lines(linear));
        }
        // To the last digit as it was written.
        if let Some(end) = ends.last_mut() {
            *end = last;
        }
        let lengths = lengths(&from, &ends);
        let whole: f64 = lengths.iter().sum();
        let count = ends.len();
        let written = ends.into_iter().zip(lengths).enumerate().map(|(index, (to, length))| Written {
            shape: WrittenShape::Line,
            to,
            feed: match feed {
                Feed::Duration(seconds) if whole > 0.0 => Feed::Duration((seconds * length / whole).max(1e-12)),
                feed => feed,
            },
            caps,
            corner: if index + 1 == count { corner } else { within },
            line,
        });
        Ok(written.collect())
    }
}

fn check_weight(weight: f64) -> Result<(), SplineError> {
    if (WEIGHTS.0..=WEIGHTS.1).contains(&weight) { Ok(()) } else { Err(SplineError::Weight(weight)) }
}

fn lengths(from: &Point, ends: &[Point]) -> Vec<f64> {
    let mut before = from;
    let length = |end: &Point, before: &Point| end.iter().zip(before).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    ends.iter().map(|end| length(end, std::mem::replace(&mut before, end))).collect()
}

fn check_knots(knots: &[f64], degree: usize, controls: usize) -> Result<(), SplineError> {
    let wanted = controls + degree + 1;
    if knots.len() != wanted {
        return Err(SplineError::Knots(knots.len(), wanted));
    }
    let (first, last) = (knots[0], knots[wanted - 1]);
    if knots[degree] != first || knots[controls] != last || first >= last {
        return Err(SplineError::KnotEnds(degree + 1));
    }
    if knots[degree + 1] == first || knots[controls - 1] == last {
        return Err(SplineError::KnotEnds(degree + 1));
    }
    match knots[degree + 1..controls].windows(degree + 1).find(|same| same[0] == same[degree]) {
        Some(same) => Err(SplineError::KnotMany(same[0], degree)),
        None => Ok(()),
    }
}
