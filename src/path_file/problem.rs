//! What is wrong with a path file, in words for who wrote it.

use std::fmt;

use crate::geometry::ArcError;
use crate::limits::{MAX_PATH_LINE_BYTES, MAX_SPLINE_DEGREE};
use crate::units::Figure;

use super::spline::SplineError;

/// Characters of the file that a message shows.
const SHOWN_CHARS: usize = 40;

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Line of the file, from 1.
    pub line: u32,
    /// The statement that it stands in; `point` for a line of numbers.
    pub statement: &'static str,
    /// What.
    pub kind: ProblemKind,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum ProblemKind {
    /// Not UTF-8.
    Text,
    /// A carriage return that ends no line.
    CarriageReturn,
    /// A line that is too long, with its bytes as far as they were counted.
    LineLength(usize),
    /// A statement or word that there is not; with those that there are.
    Word(String, &'static str),
    /// What shall be a number and is none, or no finite one.
    Number(String),
    /// A number that is not allowed: what it is of, found, least, most, unit.
    Range(&'static str, f64, f64, f64, &'static str),
    /// A number that is too small: what it is of, found, least, unit.
    Least(&'static str, f64, f64, &'static str),
    /// An axis that the group has not; with those that may stand there.
    Axis(String, String),
    /// The same axis again.
    AxisTwice(String),
    /// A place of so many numbers, where the group has so many axes.
    Coordinates(usize, usize),
    /// Something that is lacking; what may stand there.
    Missing(&'static str, &'static str),
    /// Something that stands there twice.
    Twice(&'static str),
    /// Where the path begins is not known.
    NoStart,
    /// A start that lacks axes, with those.
    StartOf(String),
    /// A start after the first element, or behind another.
    StartAgain,
    /// There is no such arc.
    Arc(ArcError),
    /// There is no such spline.
    Spline(SplineError),
    /// What belongs into a spline stands outside of one.
    Outside,
    /// What does not belong into a spline stands in one.
    Inside(String),
    /// The file ends within a spline that began on this line.
    Open(u32),
    /// The file ends without an element.
    Empty,
}

fn quoted(found: &str) -> String {
    let shown: String = found.chars().map(|c| if c.is_control() { '?' } else { c }).take(SHOWN_CHARS).collect();
    format!("\"{shown}\"")
}

impl ProblemKind {
    /// What is wrong with a word that shall be a number.
    pub fn number(word: &str) -> ProblemKind {
        ProblemKind::Number(word.chars().take(SHOWN_CHARS).collect())
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProblemKind::Text => write!(f, "found bytes that are no text, allowed: UTF-8"),
            ProblemKind::CarriageReturn => {
                write!(f, "found a carriage return within a line, allowed: lines that end with LF or CR LF")
            }
            ProblemKind::LineLength(bytes) => {
                write!(f, "found a line of more than {bytes} bytes, allowed: {MAX_PATH_LINE_BYTES}")
            }
            ProblemKind::Word(found, allowed) => write!(f, "found {}, allowed: {allowed}", quoted(found)),
            ProblemKind::Number(found) => write!(f, "found {}, allowed: a finite number", quoted(found)),
            ProblemKind::Range(what, found, least, most, unit) => {
                let space = if unit.is_empty() { "" } else { " " };
                write!(
                    f,
                    "{what}: found {}, allowed: {} to {}{space}{unit}",
                    Figure(*found),
                    Figure(*least),
                    Figure(*most)
                )
            }
            ProblemKind::Least(what, found, least, unit) => {
                write!(f, "{what}: found {}, allowed: {} {unit} at least", Figure(*found), Figure(*least))
            }
            ProblemKind::Axis(found, allowed) => write!(f, "found axis {}, allowed: {allowed}", quoted(found)),
            ProblemKind::AxisTwice(axis) => write!(f, "found axis {axis} twice, allowed: once"),
            ProblemKind::Coordinates(found, wanted) => {
                let plural = if *found == 1 { "" } else { "s" };
                write!(f, "found {found} number{plural}, allowed: {wanted}, one for each axis of the group")
            }
            ProblemKind::Missing(what, allowed) => write!(f, "found no {what}, allowed: {allowed}"),
            ProblemKind::Twice(what) => write!(f, "found {what} twice, allowed: once"),
            ProblemKind::NoStart => write!(
                f,
                "found an element, but nothing says where the path begins, allowed: a line \"start\" with every axis before it"
            ),
            ProblemKind::StartOf(axes) => write!(f, "found a start without {axes}, allowed: every axis of the group"),
            ProblemKind::StartAgain => {
                write!(f, "found a start where it is known already, allowed: once, before the first element")
            }
            ProblemKind::Arc(error) => write!(f, "{error}"),
            ProblemKind::Spline(error) => write!(f, "{error}"),
            ProblemKind::Outside => write!(f, "found outside of a spline, allowed: between \"spline\" and \"end\""),
            ProblemKind::Inside(found) => write!(
                f,
                "found {} within a spline, allowed: points, \"knots\", \"end\"; degree 1 to {MAX_SPLINE_DEGREE} stands behind \"spline\"",
                quoted(found)
            ),
            ProblemKind::Open(line) => {
                write!(f, "found the end of the file in the spline of line {line}, allowed: \"end\" first")
            }
            ProblemKind::Empty => {
                write!(f, "found no element, allowed: line, arc, spline, or a number for each axis of the group")
            }
        }
    }
}

impl fmt::Display for Problem {
    /// Without the file's name, which who prints it knows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { line, statement, kind } = self;
        match kind {
            // Its name stands there already.
            ProblemKind::Range(what, ..) | ProblemKind::Least(what, ..) if what == statement => {
                write!(f, "{line}: {kind}")
            }
            _ => write!(f, "{line}: {statement}: {kind}"),
        }
    }
}

impl std::error::Error for Problem {}
