//! A spline that is being read.

use crate::limits::{MAX_PATH_COORDINATE, MAX_SPLINE_DEGREE};
use crate::planner::program::Point;
use crate::units::AxisUnit;

use super::group::PathGroup;
use super::problem::ProblemKind;
use super::settings::Settings;
use super::spline::{Spline, WEIGHTS};
use super::words::{Words, number, ranged, whole};
use super::written::Written;

/// The words behind `spline`.
pub const HEAD_WORDS: &str = "degree, weight, feed, duration, inverse-time, cap, tolerance, corner";

/// Between `spline` and `end`.
#[derive(Clone, Debug)]
pub struct OpenSpline {
    pub line: u32,
    pub settings: Settings,
    spline: Spline,
    /// What is wrong with it was told already.
    pub faulty: bool,
}

/// A weight.
pub fn weight(words: &mut Words<'_>) -> Result<f64, ProblemKind> {
    ranged("weight", words, WEIGHTS, "")
}

impl OpenSpline {
    /// One that begins at `from`.
    pub fn new(line: u32, from: Point, settings: Settings) -> OpenSpline {
        OpenSpline { line, settings, spline: Spline::from(from), faulty: false }
    }

    /// Takes a word behind `spline`; else false.
    pub fn take(&mut self, word: &str, words: &mut Words<'_>) -> Result<bool, ProblemKind> {
        match word {
            "degree" => self.spline.degree = whole("degree", words, (1, MAX_SPLINE_DEGREE as u32))? as usize,
            "weight" => self.spline.controls[0].1 = weight(words)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// One control point more.
    pub fn push(&mut self, point: Point, weight: f64) -> Result<(), ProblemKind> {
        self.spline.push(point, weight).map_err(ProblemKind::Spline)
    }

    /// The last control point.
    pub fn last(&self) -> &Point {
        self.spline.last()
    }

    /// A line of knots.
    pub fn push_knots(&mut self, words: &mut Words<'_>) -> Result<(), ProblemKind> {
        for word in words {
            let knot = number(word)?;
            if knot.abs() > MAX_PATH_COORDINATE {
                let most = MAX_PATH_COORDINATE;
                return Err(ProblemKind::Range("knot", knot, -most, most, ""));
            }
            self.spline.push_knot(knot).map_err(ProblemKind::Spline)?;
        }
        Ok(())
    }

    /// Its lines.
    pub fn close(self, group: &PathGroup) -> Result<Vec<Written>, ProblemKind> {
        let is_linear = |axis: usize| group.axes()[axis].unit == AxisUnit::Millimetre;
        let Settings { feed, caps, corner } = self.settings;
        self.spline.lines(group.count(), is_linear, feed, caps, corner, self.line).map_err(ProblemKind::Spline)
    }
}
