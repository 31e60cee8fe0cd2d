//! Paths in files: elements of a program as text, one a line, and what is wrong with it. Pure: bytes in, elements out.
//!
//! ```text
//! # A plate with a slot.          what stands behind # is for people
//! start x=0 y=0 z=5               where the path begins: every axis of the group, before the first element
//! tolerance 0.02                  corners are passed within this, mm and deg; `rotary 0.1` behind it sets rotary axes apart
//! feed 200                        mm/s of the tool; deg/s where no linear axis moves
//! line x=10 y=5                   what is not named stays
//! arc x=20 y=5 centre x=15 y=5 left
//! 30 5 5                          a bare number for each axis, in the group's order: a line
//! ```
//!
//! Settings hold from their line on; behind an element's words they hold for it alone.
//!
//! | setting | |
//! |---|---|
//! | `feed V` | velocity, mm/s (deg/s where no linear axis moves); at first the velocity limit of the group's path, and what is above that is as fast as limits permit |
//! | `cap [speed V] [acceleration A] [jerk J]`, `cap none` | the tool does no more than that in any direction, whatever the override; what is not named or 0 is not capped |
//! | `duration T`, `inverse-time R` | each element takes T seconds, or 1/R, at least |
//! | `corner exact` | on the programmed path, with a stop in each corner; so it is at first |
//! | `corner stop` | at rest at the end of each element |
//! | `corner distance D` | rounded from D mm before a corner to D behind it |
//! | `tolerance D [rotary E]` | off the programmed path by D mm and E deg at most (D for both); short lines become the curve they stand for |
//! | `absolute`, `relative` | coordinates are places, or count from where the element begins (in a spline: from the point before) |
//! | `normal z`, `normal x=0 y=1 z=1` | of the plane of arcs; at first the third linear axis |
//!
//! | element | |
//! |---|---|
//! | `line PLACE` | straight |
//! | `arc PLACE centre PLACE left\|right [turns N] [normal …]` | about a centre, a helix where the end is out of the plane; without a place a full circle; N whole turns more |
//! | `arc PLACE through PLACE` | a circle through a point on the way |
//! | `arc PLACE radius R left\|right [normal …]` | the shorter way, for a negative radius the longer |
//! | `spline [degree N] [weight W]` … `end` | a B-spline (NURBS), see below |
//!
//! Circles turn in space, which is the first three linear axes of the group (or two); all other axes go along evenly. A spline begins where
//! the path is, that is its first control point (`weight` of it behind `spline`); the others follow, each on its line:
//! `point x=1 y=2 [weight W]` or bare numbers, and `knots …` over any number of lines, where it is not uniform. Its degree is 3 where nothing else
//! is said. It becomes lines that are off it by a tenth of the tolerance at most (of [`crate::limits::EXACT_PATH_MM`] with another kind of corner),
//! which are passed within the other nine; the corner that is asked for is that at its end.
//!
//! | file | what it is |
//! |---|---|
//! | `reader` | [`PathReader`]: statements, and what holds |
//! | `words` | numbers and places |
//! | `settings`, `arc_words`, `spline_words` | the words of each |
//! | `spline` | [`Spline`]: one, whole, and its lines |
//! | `nurbs` | its curve, chopped as finely as it must be |
//! | `group` | [`PathGroup`]: the axes that a path is for |
//! | `written` | [`Written`]: an element as it was read |
//! | `problem` | [`Problem`]: what is wrong, in words |

mod arc_words;
mod group;
mod nurbs;
mod problem;
mod reader;
mod settings;
mod spline;
mod spline_words;
#[cfg(test)]
mod tests;
mod words;
mod written;

pub use group::{GroupAxis, PathGroup};
pub use problem::{Problem, ProblemKind};
pub use reader::PathReader;
pub use settings::corner_line;
pub use spline::{Spline, SplineError};
pub use written::{ArcForm, Written, WrittenShape};
