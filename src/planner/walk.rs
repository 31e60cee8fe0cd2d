//! Whether a machine can follow an element at all, before that becomes part of a program: the whole of it, and how it is joined to
//! the one before.
//!
//! What is looked at is the programmed curve, and the middle of the curve by which a corner is rounded. Where that curve is
//! near the ends of what is looked at, joints are as straight as can be over it, so that what both ends keep, it keeps.

use crate::geometry::Cubic;
use crate::kinematics::{Conditioning, Unreachable};
use crate::limits::{LEAST_CONDITIONING, MAX_GROUP_AXES};

use super::mechanism::{Joints, Mechanism, PathFault, positions};
use super::program::{Corner, Element, Point, Shape};

/// A rotary joint turns by this at most from one place that is looked at to the next, deg.
const TURN: f64 = 20.0;
/// So far may a joint be off the cubic between two places, mm or deg.
const NEAR: f64 = 1e-3;
/// The way between two places is divided into two, and each half again, so many times at most.
const DIVIDED: u32 = 40;
/// Rounding that leaves no soft limit, as a share of its magnitude: what is written with few digits meets it all the same.
const ROUNDING: f64 = 1e-9;

/// How the last element ended.
#[derive(Clone, Debug)]
struct End {
    direction: Point,
    length: f64,
    corner: Corner,
}

/// A machine on its way along the elements.
#[derive(Clone, Debug)]
pub struct Walk {
    mechanism: Mechanism,
    joints: Point,
    last: Option<End>,
}

/// An element that cannot be followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Astray {
    /// Why.
    pub fault: PathFault,
    /// The place of the tool, in the order of its coordinates.
    pub at: Point,
}

impl Walk {
    /// From a rest with these joints.
    pub fn new(mechanism: Mechanism, joints: Point) -> Walk {
        Walk { mechanism, joints, last: None }
    }

    /// Where its joints are, in the group's order.
    pub fn joints(&self) -> &[f64] {
        &self.joints[..self.mechanism.joints()]
    }

    /// One element more, which begins `from` a place in the planner's order. Where it cannot be followed nothing changes.
    ///
    /// # Errors
    /// Says why, and where.
    pub fn take(&mut self, element: &Element, from: &Point) -> Result<(), Box<Astray>> {
        let count = self.mechanism.coordinates();
        let length = match element.shape {
            Shape::Line(to) => (0..count).map(|axis| (to[axis] - from[axis]).powi(2)).sum::<f64>().sqrt(),
            Shape::Arc(arc) => arc.length(),
        };
        if length < super::legs::SHORTEST {
            return Ok(());
        }
        let tool = |s: f64| -> Joints {
            std::array::from_fn(|axis| match element.shape {
                _ if axis >= count => [0.0; 4],
                Shape::Line(to) => {
                    let way = (to[axis] - from[axis]) / length;
                    [from[axis] + s * way, way, 0.0, 0.0]
                }
                Shape::Arc(arc) => [arc.at(s, 0, axis), arc.at(s, 1, axis), arc.at(s, 2, axis), 0.0],
            })
        };
        let direction = tool(0.0).map(|[_, way, ..]| way);
        self.corner(from, &direction, length)?;
        let last = self.along(&tool, length)?;
        self.joints = positions(&last);
        let direction = tool(length).map(|[_, way, ..]| way);
        self.last = Some(End { direction, length, corner: element.corner });
        Ok(())
    }

    /// The whole of an element; returns the joints at its end.
    fn along(&self, tool: &impl Fn(f64) -> Joints, length: f64) -> Result<Joints, Box<Astray>> {
        let mut before = (0.0, self.follow(tool, 0.0, &self.joints)?);
        let mut ahead = vec![(length, 0)];
        // Bound: DIVIDED.
        while let Some((s, divided)) = ahead.pop() {
            let (from, joints) = before;
            let near = positions(&joints);
            let (middle, here) = (0.5 * (from + s), self.follow(tool, s, &near)?);
            let cubics = between(&joints, &here, s - from);
            let half = self.follow(tool, middle, &near)?;
            let off = |joint: usize| (cubics[joint].at(middle - from) - half[joint][0]).abs();
            let far = |joint: usize| self.mechanism.turns(joint) && (here[joint][0] - joints[joint][0]).abs() > TURN;
            if (0..self.mechanism.joints()).any(|joint| far(joint) || off(joint) > NEAR) {
                if divided >= DIVIDED || middle <= from || middle >= s {
                    let conditioning = self.mechanism.kinematics_conditioning(&near);
                    return Err(self.astray(PathFault::Bent(conditioning), &tool(s)));
                }
                ahead.extend([(s, divided + 1), (middle, divided + 1)]);
                continue;
            }
            for (joint, cubic) in cubics.iter().enumerate().take(self.mechanism.joints()) {
                let (low, high) = cubic.range(s - from);
                self.inside(joint, low, &tool(middle))?;
                self.inside(joint, high, &tool(middle))?;
            }
            before = (s, here);
        }
        Ok(before.1)
    }

    /// The middle of the curve by which a corner is rounded.
    fn corner(&self, at: &Point, direction: &Point, length: f64) -> Result<(), Box<Astray>> {
        let Some(End { direction: before, length: way, corner }) = &self.last else { return Ok(()) };
        let turn: Point = std::array::from_fn(|axis| direction[axis] - before[axis]);
        let size = turn.iter().map(|part| part * part).sum::<f64>().sqrt();
        let off = match *corner {
            Corner::Tolerance { linear, rotary } => linear.max(rotary),
            Corner::Distance(distance) => distance / 6.0 * size,
            Corner::Stop | Corner::Exact => return Ok(()),
        };
        let off = off.min(0.5 * way.min(length) / 6.0 * size);
        if size > 0.0 && off > 0.0 {
            let middle: Point = std::array::from_fn(|axis| at[axis] + off * turn[axis] / size);
            let tool = middle.map(|value| [value, 0.0, 0.0, 0.0]);
            let (joints, _) = self
                .mechanism
                .reach(&middle, &self.joints)
                .map_err(|why| self.astray(PathFault::Unreachable(why), &tool))?;
            for (joint, value) in joints.iter().enumerate().take(self.mechanism.joints()) {
                self.inside(joint, *value, &tool)?;
            }
        }
        Ok(())
    }

    fn follow(&self, tool: &impl Fn(f64) -> Joints, s: f64, near: &Point) -> Result<Joints, Box<Astray>> {
        let tool = tool(s);
        let unreachable = |why| self.astray(PathFault::Unreachable(why), &tool);
        let (joints, Conditioning { distance, nearest }) = self.mechanism.follow(&tool, near).map_err(unreachable)?;
        match nearest {
            Some(singularity) if distance < LEAST_CONDITIONING => {
                Err(unreachable(Unreachable::Singular { singularity, distance, lowest: LEAST_CONDITIONING }))
            }
            _ => Ok(joints),
        }
    }

    fn inside(&self, joint: usize, found: f64, tool: &Joints) -> Result<(), Box<Astray>> {
        let Some((lowest, highest)) = self.mechanism.soft_limits.get(joint).copied().flatten() else { return Ok(()) };
        let slack = ROUNDING * (1.0 + highest.abs().max(lowest.abs()));
        let allowed = if found > highest + slack { highest } else { lowest };
        if found > highest + slack || found < lowest - slack {
            return Err(self.astray(PathFault::SoftLimit { joint, found, allowed }, tool));
        }
        Ok(())
    }

    fn astray(&self, fault: PathFault, tool: &Joints) -> Box<Astray> {
        Box::new(Astray { fault, at: self.mechanism.order.from_planner(&positions(tool)) })
    }
}

/// The cubics with the same values and slopes at both ends.
fn between(a: &Joints, b: &Joints, length: f64) -> [Cubic; MAX_GROUP_AXES] {
    std::array::from_fn(|joint| {
        let ([from, slope, ..], [to, end_slope, ..]) = (a[joint], b[joint]);
        let mean = (to - from) / length;
        let second = (3.0 * mean - 2.0 * slope - end_slope) / length;
        let third = (slope + end_slope - 2.0 * mean) / (length * length);
        Cubic([from, slope, second, third])
    })
}
