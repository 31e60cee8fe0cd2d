//! An element of a path as a file has it: whole, in axis coordinates, in the group's order.

use crate::geometry::{Arc, ArcError};
use crate::limits::MAX_GROUP_AXES;
use crate::planner::axes::PathOrder;
use crate::planner::program::{Caps, Corner, Element, Feed, Point, Shape};

/// How an arc is given. Vectors are over the first three linear axes of the group; what it has less of is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArcForm {
    /// About a centre.
    Centre {
        /// Axis coordinates.
        centre: [f64; 3],
        /// Of the plane, of any length.
        normal: [f64; 3],
        /// Counter-clockwise, seen against the normal.
        left: bool,
        /// Whole turns beyond the part of one that leads to the end.
        turns: u32,
    },
    /// Through a point on the way.
    Through([f64; 3]),
    /// With a radius: the shorter way for a positive one, the longer for a negative one.
    Radius {
        /// mm.
        radius: f64,
        /// Of the plane.
        normal: [f64; 3],
        /// Counter-clockwise, seen against the normal.
        left: bool,
    },
}

/// The curve to the end of an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WrittenShape {
    /// Straight.
    Line,
    /// Along a circle or helix.
    Arc(ArcForm),
}

/// One element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Written {
    /// Its curve.
    pub shape: WrittenShape,
    /// Where it ends.
    pub to: Point,
    /// How fast.
    pub feed: Feed,
    /// And at most so.
    pub caps: Caps,
    /// At its end.
    pub corner: Corner,
    /// Line of the file, from 1.
    pub line: u32,
}

impl Written {
    /// The same for the planner, from `from` on; that, and what is returned, is in the planner's order and drive coordinates.
    /// `offsets` are axis minus drive coordinates, in the group's order.
    ///
    /// # Errors
    /// Where there is no such arc.
    pub fn element(&self, order: &PathOrder, from: &Point, offsets: &Point) -> Result<Element, ArcError> {
        let offset = order.to_planner(offsets);
        let mut to = order.to_planner(&self.to);
        to.iter_mut().zip(&offset).for_each(|(value, offset)| *value -= offset);
        let shape = match self.shape {
            WrittenShape::Line => Shape::Line(to),
            WrittenShape::Arc(form) => {
                let linear = order.linear.min(3);
                let drive = |at: [f64; 3]| std::array::from_fn(|i| if i < linear { at[i] - offset[i] } else { 0.0 });
                Shape::Arc(arc(&from[..order.count()], &to[..order.count()], linear, form, drive)?)
            }
        };
        Ok(Element { shape, feed: self.feed, caps: self.caps, corner: self.corner, line: self.line })
    }
}

fn arc(
    from: &[f64],
    to: &[f64],
    linear: usize,
    form: ArcForm,
    drive: impl Fn([f64; 3]) -> [f64; 3],
) -> Result<Arc, ArcError> {
    if linear < 2 || from.len() > MAX_GROUP_AXES {
        return Err(ArcError::Coordinates);
    }
    match form {
        ArcForm::Centre { centre, normal, left, turns } => Arc::about(from, to, drive(centre), normal, left, turns),
        // With two linear axes the third coordinate of the planner is no place in space.
        ArcForm::Through(via) if linear == 2 => {
            let (centre, left) = circle(from, drive(via), to)?;
            Arc::about(from, to, centre, [0.0, 0.0, 1.0], left, 0)
        }
        ArcForm::Through(via) => Arc::through(from, drive(via), to),
        ArcForm::Radius { radius, normal, left } => Arc::with_radius(from, to, radius, normal, left),
    }
}

/// Centre of the circle through three points of a plane, and whether they go round it to the left.
fn circle(a: &[f64], b: [f64; 3], c: &[f64]) -> Result<([f64; 3], bool), ArcError> {
    let (b, c) = ([b[0] - a[0], b[1] - a[1]], [c[0] - a[0], c[1] - a[1]]);
    let area = b[0] * c[1] - b[1] * c[0];
    let (bb, cc) = (b[0] * b[0] + b[1] * b[1], c[0] * c[0] + c[1] * c[1]);
    if area * area <= 1e-18 * bb * cc {
        return Err(ArcError::Straight);
    }
    let x = (c[1] * bb - b[1] * cc) / (2.0 * area);
    let y = (b[0] * cc - c[0] * bb) / (2.0 * area);
    Ok(([a[0] + x, a[1] + y, 0.0], area > 0.0))
}
