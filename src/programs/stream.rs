//! What is checked before points become part of a stream.

use std::collections::VecDeque;
use std::fmt;

use super::plan::Plan;
use crate::gateway::Limits;
use crate::limits::{MAX_GROUP_AXES, MAX_POINT_SPACING_S, MAX_POSITION};
use crate::planner::StreamPlanner;
use crate::planner::points::{Node, Nodes, TimedPoint};
use crate::planner::program::Point;
use crate::planner::reserve::{Excess, Quantity, Reserve};
use crate::planner::segment::Segment;

/// How far a point at time 0 may be from where the axes are, axis units.
const AT_START: f64 = 1e-6;
/// Times are written with few digits.
const TIME_ROUNDING: f64 = 1e-6;

/// Where and how a stream begins.
#[derive(Clone, Debug)]
pub struct StreamStart {
    /// One value an axis of the group, in its order, axis coordinates.
    pub place: Vec<f64>,
    /// What one cycle advances.
    pub period_s: f64,
    /// What is kept for slowing down.
    pub reserve: Reserve,
}

impl StreamStart {
    fn point(&self) -> Point {
        let mut point = Point::default();
        point.iter_mut().zip(&self.place).for_each(|(to, from)| *to = *from);
        point
    }

    pub(super) fn plan(&self, epoch: u32) -> Plan {
        let planner = StreamPlanner::new(self.place.len(), self.period_s, self.reserve, self.point(), epoch);
        Plan::Stream { planner: Box::new(planner), waiting: VecDeque::new() }
    }
}

/// What is wrong with a point. Axes are places in the group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PointFault {
    /// No finite number, or one that no axis can be told.
    Number {
        /// The axis.
        axis: usize,
        /// Its value.
        found: f64,
    },
    /// The first point is at time 0, and the axis is not there, or shall move.
    Elsewhere {
        /// The axis.
        axis: usize,
        /// Where the point is, or how fast.
        found: f64,
        /// Where the axis is, or 0.
        allowed: f64,
    },
    /// Its time is before this, or too soon after the point before.
    Early {
        /// s.
        found: f64,
        /// The earliest, s.
        allowed: f64,
    },
    /// It is too long after the point before, or its time is no number.
    Far {
        /// s.
        found: f64,
        /// The latest, s.
        allowed: f64,
    },
    /// The curve to it leaves the soft limits.
    SoftLimit {
        /// The axis.
        axis: usize,
        /// How far it would go.
        found: f64,
        /// How far it may.
        allowed: f64,
    },
    /// The curve to it needs more than a limit.
    Limit(Excess),
}

/// Why points are not taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointError {
    /// Which: the first of the stream is 1.
    pub number: u32,
    /// When it is, s.
    pub time_s: f64,
    /// What is wrong with it, or with the curve to it.
    pub fault: PointFault,
}

impl fmt::Display for PointError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PointError { number, time_s, fault } = self;
        write!(out, "point {number} at {time_s} s: {fault}")
    }
}

impl std::error::Error for PointError {}

impl fmt::Display for PointFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PointFault::Number { found, .. } => write!(
                out,
                "found {found}, allowed: positions, velocities and accelerations from -{MAX_POSITION} to {MAX_POSITION}"
            ),
            PointFault::Elsewhere { found, allowed, .. } => {
                write!(out, "a point at time 0 is where the axes rest: found {found}, allowed {allowed}")
            }
            PointFault::Early { found, allowed } => {
                write!(out, "time {found} s is too soon after the point before: {allowed} s at the earliest")
            }
            PointFault::Far { found, allowed } => {
                write!(out, "time {found} s is too long after the point before: {allowed} s at the latest")
            }
            PointFault::SoftLimit { found, allowed, .. } => {
                write!(out, "the curve to this point goes to {found:.6}, the soft limit is {allowed}")
            }
            PointFault::Limit(Excess { quantity, asked, needed, allowed, .. }) => {
                write!(out, "the curve to this point takes {} {asked:.3}", quantity_name(*quantity))?;
                if needed - asked > 0.0005 {
                    write!(out, ", {needed:.3} with what is kept for a stop and for catching up")?;
                }
                write!(out, ", and {allowed} is permitted: give it more time")?;
                if asked <= allowed { write!(out, ", or allow a longer stop") } else { Ok(()) }
            }
        }
    }
}

/// As people call it.
pub fn quantity_name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Velocity => "velocity",
        Quantity::Acceleration => "acceleration",
        Quantity::Jerk => "jerk",
    }
}

/// What points are checked against, and what came before them.
#[derive(Clone, Debug)]
pub struct StreamGround {
    limits: Vec<Limits>,
    soft_limits: Vec<Option<(f64, f64)>>,
    reserve: Reserve,
    period_s: f64,
    nodes: Nodes,
    /// Points that were taken.
    taken: u32,
}

impl StreamGround {
    /// Of a stream that begins so; limits in the group's order, soft limits in axis coordinates.
    pub fn new(start: &StreamStart, limits: Vec<Limits>, soft_limits: Vec<Option<(f64, f64)>>) -> StreamGround {
        let nodes = Nodes::new(start.place.len(), start.point());
        let StreamStart { period_s, reserve, .. } = *start;
        StreamGround { limits, soft_limits, reserve, period_s, nodes, taken: 0 }
    }

    /// How many axes a point has.
    pub fn axes(&self) -> usize {
        self.limits.len().min(MAX_GROUP_AXES)
    }

    /// How close two points may be, s.
    pub fn spacing_s(&self) -> f64 {
        self.reserve.spacing_s(self.period_s)
    }

    /// When the last point is, s.
    pub fn end_s(&self) -> f64 {
        self.nodes.time_s()
    }

    /// Where the axes are at its last point, one value an axis, axis coordinates; once it was closed.
    pub fn end(&self) -> Vec<f64> {
        self.nodes.last().position[..self.axes()].to_vec()
    }

    /// Points that were taken.
    pub fn taken(&self) -> u32 {
        self.taken
    }

    /// What is known behind these points, and what the next are checked against.
    ///
    /// # Errors
    /// Says what is wrong with which of them.
    pub fn take(&self, points: &[TimedPoint]) -> Result<(StreamGround, Vec<Node>), PointError> {
        let mut next = self.clone();
        let mut nodes = Vec::with_capacity(points.len() + 1);
        for point in points {
            next.take_one(point, &mut nodes)?;
        }
        Ok((next, nodes))
    }

    /// The same where nothing follows.
    ///
    /// # Errors
    /// Where the last point cannot be a rest, as it does not say that it is none.
    pub fn close(&self) -> Result<(StreamGround, Vec<Node>), PointError> {
        let mut next = self.clone();
        let before = *next.nodes.last();
        let mut nodes = Vec::new();
        next.nodes.end(&mut |node| nodes.push(*node));
        next.check(before, &nodes)?;
        Ok((next, nodes))
    }

    fn take_one(&mut self, point: &TimedPoint, out: &mut Vec<Node>) -> Result<(), PointError> {
        let number = self.taken.saturating_add(1);
        let at = |fault: PointFault| PointError { number, time_s: point.time_s, fault };
        let unfit = |value: &&f64| !value.is_finite() || value.abs() > MAX_POSITION;
        for values in
            [Some(&point.position), point.velocity.as_ref(), point.acceleration.as_ref()].into_iter().flatten()
        {
            if let Some((axis, found)) = values.iter().enumerate().take(self.axes()).find(|(_, value)| unfit(value)) {
                return Err(at(PointFault::Number { axis, found: *found }));
            }
        }
        let first = self.taken == 0;
        self.taken = number;
        if first && point.time_s == 0.0 {
            self.nodes.count();
            return self.check_start(point).map_err(at);
        }
        let earliest = self.nodes.time_s() + self.spacing_s() * (1.0 - TIME_ROUNDING);
        let latest = self.nodes.time_s() + MAX_POINT_SPACING_S;
        if point.time_s < earliest {
            return Err(at(PointFault::Early { found: point.time_s, allowed: earliest }));
        }
        if point.time_s.is_nan() || point.time_s > latest {
            return Err(at(PointFault::Far { found: point.time_s, allowed: latest }));
        }
        let before = *self.nodes.last();
        let known = out.len();
        self.nodes.push(point, &mut |node| out.push(*node));
        self.check(before, &out[known..])
    }

    fn check_start(&self, point: &TimedPoint) -> Result<(), PointFault> {
        let still = Point::default();
        let start = self.nodes.last();
        let pairs = [
            (&point.position, &start.position),
            (point.velocity.as_ref().unwrap_or(&still), &still),
            (point.acceleration.as_ref().unwrap_or(&still), &still),
        ];
        for (found, allowed) in pairs {
            for (axis, (found, allowed)) in found.iter().zip(allowed).enumerate().take(self.axes()) {
                if (found - allowed).abs() > AT_START {
                    return Err(PointFault::Elsewhere { axis, found: *found, allowed: *allowed });
                }
            }
        }
        Ok(())
    }

    /// Holds the curve from `before` over `nodes` against every limit.
    fn check(&self, before: Node, nodes: &[Node]) -> Result<(), PointError> {
        let mut from = before;
        for node in nodes {
            let segment = Segment::between(&from, node, self.axes(), self.period_s);
            self.check_segment(&segment).map_err(|fault| PointError {
                number: node.number,
                time_s: node.time_s,
                fault,
            })?;
            from = *node;
        }
        Ok(())
    }

    fn check_segment(&self, segment: &Segment) -> Result<(), PointFault> {
        for (axis, soft_limits) in self.soft_limits.iter().enumerate().take(self.axes()) {
            let Some((lowest, highest)) = *soft_limits else { continue };
            // What is written with few digits meets a limit all the same.
            let slack = 1e-9 * (1.0 + highest.abs().max(lowest.abs()));
            for part in &segment.parts {
                let (low, high) = part[axis].range(segment.part_s);
                if high > highest + slack {
                    return Err(PointFault::SoftLimit { axis, found: high, allowed: highest });
                }
                if low < lowest - slack {
                    return Err(PointFault::SoftLimit { axis, found: low, allowed: lowest });
                }
            }
        }
        self.reserve.excess(segment, &self.limits).map_or(Ok(()), |excess| Err(PointFault::Limit(excess)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground() -> StreamGround {
        let start = StreamStart { place: vec![10.0, 20.0], period_s: 0.001, reserve: Reserve::new(0.4, 0.0) };
        let limits = Limits { velocity: 100.0, acceleration: 1000.0, jerk: 20_000.0 };
        StreamGround::new(&start, vec![limits; 2], vec![Some((0.0, 50.0)), None])
    }

    fn point(time_s: f64, place: [f64; 2]) -> TimedPoint {
        let mut position = Point::default();
        position[..2].copy_from_slice(&place);
        TimedPoint { time_s, position, velocity: None, acceleration: None }
    }

    fn fault(points: &[TimedPoint]) -> (u32, PointFault) {
        let error = ground().take(points).map(|_| ()).unwrap_err();
        (error.number, error.fault)
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let there = point(0.0, [10.0, 20.0]);
        assert!(ground().take(&[there]).is_ok_and(|(ground, nodes)| nodes.is_empty() && ground.taken() == 1));
        let off = fault(&[point(0.0, [10.0, 20.5])]);
        assert_eq!(off, (1, PointFault::Elsewhere { axis: 1, found: 20.5, allowed: 20.0 }));
        assert!(matches!(fault(&[there, point(0.0005, [10.0, 20.0])]), (2, PointFault::Early { .. })));
        assert!(matches!(fault(&[point(100.0, [10.0, 20.0])]), (1, PointFault::Far { .. })));
        assert!(matches!(fault(&[point(f64::NAN, [10.0, 20.0])]), (1, PointFault::Far { .. })));
        assert!(matches!(fault(&[point(1.0, [f64::INFINITY, 20.0])]), (1, PointFault::Number { axis: 0, .. })));
        // A jump at the beginning, of the second axis; told when the point behind it says how it is passed.
        let jump = [point(0.01, [10.0, 21.0]), point(0.02, [10.0, 22.0])];
        let (number, PointFault::Limit(excess)) = fault(&jump) else { panic!() };
        assert_eq!((number, excess.axis), (1, 1));
        assert!(excess.needed > excess.asked && excess.asked > excess.allowed, "{excess:?}");
        // The curve goes beyond a point where its neighbours bend it so.
        let over =
            [point(1.0, [30.0, 20.0]), point(2.0, [49.9, 20.0]), point(3.0, [49.9, 20.0]), point(4.0, [40.0, 20.0])];
        let (number, PointFault::SoftLimit { axis: 0, found, allowed }) = fault(&over) else { panic!() };
        assert!(number == 3 && found > 50.0 && allowed == 50.0, "{number} {found}");
    }

    #[test]
    fn an_end_comes_to_rest_within_the_limits_or_is_refused() {
        let at = |i: u32| {
            let time = 0.02 * f64::from(i);
            let there = 10.0 * (std::f64::consts::PI * time / 1.6).sin().powi(4);
            point(time, [10.0, 20.0 + there])
        };
        let moving: Vec<TimedPoint> = (1..=20).map(at).collect();
        let (ground, _) = ground().take(&moving).unwrap();
        let error = ground.close().map(|_| ()).unwrap_err();
        assert_eq!(error.number, 20);
        let (ground, _) = ground.take(&(21..=80).map(at).collect::<Vec<_>>()).unwrap();
        assert!(ground.close().is_ok());
    }
}
