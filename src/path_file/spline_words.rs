//! A spline that is being read, and the lines that become of it.

use crate::limits::{EXACT_PATH_MM, MAX_PATH_COORDINATE, MAX_SPLINE_DEGREE, MAX_SPLINE_LINES, MAX_SPLINE_POINTS};
use crate::planner::program::{Corner, Feed, Point};
use crate::units::AxisUnit;

use super::group::PathGroup;
use super::nurbs::{Flatness, Nurbs};
use super::problem::ProblemKind;
use super::settings::Settings;
use super::words::{Words, number, ranged, whole};
use super::written::{Written, WrittenShape};

/// Share of the tolerance that its lines may be off the spline; the rest is left to the planner.
const CHORD_SHARE: f64 = 0.1;
/// The words behind `spline`.
pub const HEAD_WORDS: &str = "degree, weight, feed, duration, inverse-time, tolerance, corner";

/// Between `spline` and `end`.
#[derive(Clone, Debug)]
pub struct OpenSpline {
    pub line: u32,
    pub settings: Settings,
    degree: usize,
    controls: Vec<(Point, f64)>,
    knots: Vec<f64>,
    /// What is wrong with it was told already.
    pub faulty: bool,
}

/// A weight.
pub fn weight(words: &mut Words<'_>) -> Result<f64, ProblemKind> {
    ranged("weight", words, (1e-6, 1e6), "")
}

impl OpenSpline {
    /// One that begins at `from`.
    pub fn new(line: u32, from: Point, settings: Settings) -> OpenSpline {
        OpenSpline { line, settings, degree: 3, controls: vec![(from, 1.0)], knots: Vec::new(), faulty: false }
    }

    /// Takes a word behind `spline`; else false.
    pub fn take(&mut self, word: &str, words: &mut Words<'_>) -> Result<bool, ProblemKind> {
        match word {
            "degree" => self.degree = whole("degree", words, (1, MAX_SPLINE_DEGREE as u32))? as usize,
            "weight" => self.controls[0].1 = weight(words)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// One control point more.
    pub fn push(&mut self, point: Point, weight: f64) -> Result<(), ProblemKind> {
        if self.controls.len() >= MAX_SPLINE_POINTS {
            return Err(ProblemKind::PointsMany);
        }
        self.controls.push((point, weight));
        Ok(())
    }

    /// The last control point.
    pub fn last(&self) -> &Point {
        &self.controls[self.controls.len() - 1].0
    }

    /// A line of knots.
    pub fn push_knots(&mut self, words: &mut Words<'_>) -> Result<(), ProblemKind> {
        for word in words {
            let knot = number(word)?;
            if knot.abs() > MAX_PATH_COORDINATE {
                let most = MAX_PATH_COORDINATE;
                return Err(ProblemKind::Range("knot", knot, -most, most, ""));
            }
            if let Some(before) = self.knots.last().filter(|before| knot < **before) {
                return Err(ProblemKind::KnotOrder(*before, knot));
            }
            if self.knots.len() > MAX_SPLINE_POINTS + MAX_SPLINE_DEGREE + 1 {
                return Err(ProblemKind::PointsMany);
            }
            self.knots.push(knot);
        }
        Ok(())
    }

    /// Its lines.
    pub fn close(self, group: &PathGroup) -> Result<Vec<Written>, ProblemKind> {
        let OpenSpline { line, settings, degree, controls, knots, .. } = self;
        if controls.len() <= degree {
            return Err(ProblemKind::Points(controls.len(), degree));
        }
        let knots = if knots.is_empty() { Nurbs::uniform(degree, controls.len()) } else { knots };
        check_knots(&knots, degree, controls.len())?;
        let (linear, rotary) = match settings.corner {
            Corner::Tolerance { linear, rotary } => (linear, rotary),
            Corner::Stop | Corner::Exact | Corner::Distance(_) => (EXACT_PATH_MM, EXACT_PATH_MM),
        };
        let flatness = Flatness { linear: linear * CHORD_SHARE, rotary: rotary * CHORD_SHARE };
        let rest = 1.0 - CHORD_SHARE;
        let within = Corner::Tolerance { linear: linear * rest, rotary: rotary * rest };
        let is_linear = |axis: usize| group.axes()[axis].unit == AxisUnit::Millimetre;
        let mut ends = Vec::new();
        let from = controls[0].0;
        let last = controls[controls.len() - 1].0;
        let curve = Nurbs::new(degree, knots, &controls);
        if !curve.flatten(group.count(), is_linear, flatness, MAX_SPLINE_LINES, &mut ends) {
            return Err(ProblemKind::SplineLines(linear));
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
            feed: match settings.feed {
                Feed::Duration(seconds) if whole > 0.0 => Feed::Duration((seconds * length / whole).max(1e-12)),
                feed => feed,
            },
            corner: if index + 1 == count { settings.corner } else { within },
            line,
        });
        Ok(written.collect())
    }
}

fn lengths(from: &Point, ends: &[Point]) -> Vec<f64> {
    let mut before = from;
    let length = |end: &Point, before: &Point| end.iter().zip(before).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    ends.iter().map(|end| length(end, std::mem::replace(&mut before, end))).collect()
}

fn check_knots(knots: &[f64], degree: usize, controls: usize) -> Result<(), ProblemKind> {
    let wanted = controls + degree + 1;
    if knots.len() != wanted {
        return Err(ProblemKind::Knots(knots.len(), wanted));
    }
    let (first, last) = (knots[0], knots[wanted - 1]);
    if knots[degree] != first || knots[controls] != last || first >= last {
        return Err(ProblemKind::KnotEnds(degree + 1));
    }
    if knots[degree + 1] == first || knots[controls - 1] == last {
        return Err(ProblemKind::KnotEnds(degree + 1));
    }
    match knots[degree + 1..controls].windows(degree + 1).find(|same| same[0] == same[degree]) {
        Some(same) => Err(ProblemKind::KnotMany(same[0], degree)),
        None => Ok(()),
    }
}
