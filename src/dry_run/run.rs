//! A whole path through the planner and the generator of the cycle.

use crate::geometry::Piece;
use crate::limits::MAX_GROUP_AXES;
use crate::motion::Limits;
use crate::motion::path::PathMotion;
use crate::motion::profile::State;
use crate::planner::Planner;
use crate::planner::axes::PathOrder;
use crate::planner::program::{Element, Point, Shape};
use crate::units::AxisUnit;

use super::axis::RunAxis;
use super::continuity::Continuity;
use super::deviation::Comparison;
use super::peaks::{Peak, Peaks, SHARES, look};
use super::report::{AxisReport, DryRunError, DryRunReport};
use super::trace::{Spot, Trace};

/// Cycles without motion before the end after which nothing is expected any more.
const STANDING: u32 = 1000;
/// Rounding that is no violation of a soft limit, as a share of the magnitude.
const ROUNDING: f64 = 1e-9;

/// Runs one path. Elements go in as they are read; the clock goes on as far as they allow, so that memory is bounded.
#[derive(Clone, Debug)]
pub struct DryRun {
    axes: Vec<RunAxis>,
    order: PathOrder,
    offsets: Point,
    planner: Planner,
    motion: PathMotion,
    period_s: f64,
    comparison: Comparison,
    trace: Trace,
    peaks: Peaks,
    fastest: Peak,
    continuity: Continuity,
    /// In the planner's order.
    limits: Vec<Limits>,
    /// Lowest and highest drive position of each of the planner's axes, and the line in which it is outside first.
    ranges: [(f64, f64); MAX_GROUP_AXES],
    outside: [Option<u32>; MAX_GROUP_AXES],
    elements: u64,
    lengths: [f64; 2],
    cycles: u64,
    standing: u32,
    /// Nothing follows.
    ended: bool,
}

impl DryRun {
    /// From a rest at `start`; axis coordinates, in the group's order like `axes`.
    pub fn new(axes: Vec<RunAxis>, period_s: f64, start: &Point) -> DryRun {
        let units: Vec<AxisUnit> = axes.iter().map(|axis| axis.unit).collect();
        let limits: Vec<Limits> = axes.iter().map(|axis| axis.limits).collect();
        let order = PathOrder::new(&units);
        let mut offsets = [0.0; MAX_GROUP_AXES];
        offsets.iter_mut().zip(&axes).for_each(|(offset, axis)| *offset = axis.offset);
        let mut at = *start;
        at.iter_mut().zip(&offsets).for_each(|(value, offset)| *value -= offset);
        let at = order.to_planner(&at);
        let mut run = DryRun {
            planner: Planner::new(order.axes(&limits, period_s), at, 0),
            motion: PathMotion::new(period_s),
            period_s,
            comparison: Comparison::new(order.count(), order.linear),
            trace: Trace::new(order.count()),
            peaks: Peaks::default(),
            fastest: Peak::default(),
            continuity: Continuity::default(),
            limits: order.axes(&limits, period_s).limits,
            ranges: at.map(|value| (value, value)),
            outside: [None; MAX_GROUP_AXES],
            elements: 0,
            lengths: [0.0; 2],
            cycles: 0,
            standing: 0,
            ended: false,
            axes,
            order,
            offsets,
        };
        run.trace.push(Spot { at: *start, speed: 0.0 });
        run
    }

    /// The planner's order of the axes.
    pub fn order(&self) -> &PathOrder {
        &self.order
    }

    /// Axis minus drive coordinates, in the group's order.
    pub fn offsets(&self) -> &Point {
        &self.offsets
    }

    /// Where the last element ends: drive coordinates, in the planner's order.
    pub fn end(&self) -> &Point {
        self.planner.end()
    }

    /// One element more, in the planner's order and drive coordinates, and as many cycles as it allows.
    ///
    /// # Errors
    /// Where the motion does not go on.
    pub fn push(&mut self, element: &Element) -> Result<(), DryRunError> {
        self.give(element);
        self.advance(usize::MAX).map(drop)
    }

    /// One element more, without a cycle.
    pub fn give(&mut self, element: &Element) {
        let (from, begin) = (*self.planner.end(), self.planner.distance());
        self.planner.push(element);
        let end = self.planner.distance();
        if end > begin {
            self.elements += 1;
            self.measure(&element.shape, &from);
            self.comparison.program(element.shape, from, begin, end, element.line);
        }
    }

    /// The path ends with what was given.
    pub fn end_path(&mut self) {
        if !self.ended {
            self.ended = true;
            if self.elements > 0 {
                self.planner.finish(true);
            }
        }
    }

    fn measure(&mut self, shape: &Shape, from: &Point) {
        let (linear, count) = (self.order.linear, self.order.count());
        let (to, length) = match shape {
            Shape::Line(to) => (*to, (0..linear).map(|axis| (to[axis] - from[axis]).powi(2)).sum::<f64>().sqrt()),
            Shape::Arc(arc) => (*self.planner.end(), arc.linear_length(linear)),
        };
        let rotary: f64 = (linear..count).map(|axis| (to[axis] - from[axis]).powi(2)).sum();
        self.lengths[0] += length;
        self.lengths[1] += rotary.sqrt();
    }

    /// The path ends. Runs it to its end.
    ///
    /// # Errors
    /// Where the motion does not go on.
    pub fn finish(mut self) -> Result<DryRunReport, DryRunError> {
        self.end_path();
        self.advance(usize::MAX)?;
        Ok(self.report())
    }

    /// What was found; of a path that was run to its end.
    pub fn report(mut self) -> DryRunReport {
        self.comparison.end();
        let report = |(axis, of): (usize, RunAxis)| {
            let place = self.order.order.iter().position(|of| *of == axis).unwrap_or(axis);
            let (peaks, (low, high)) = (self.peaks[place], self.ranges[place]);
            let limits = [of.limits.velocity, of.limits.acceleration, of.limits.jerk];
            AxisReport {
                range: (low + of.offset, high + of.offset),
                soft_limits: of.soft_limits,
                outside: self.outside[place],
                shares: [0, 1, 2].map(|order| peaks[order].value / limits[order]),
                peaks,
                name: of.name,
                unit: of.unit,
            }
        };
        DryRunReport {
            elements: self.elements,
            linear_length: self.lengths[0],
            rotary_length: self.lengths[1],
            cycles: self.cycles,
            period_s: self.period_s,
            axes: std::mem::take(&mut self.axes).into_iter().enumerate().map(report).collect(),
            deviation: self.comparison.worst(),
            fastest: self.fastest,
            jump: self.continuity.worst(),
            trace: self.trace.spots(),
        }
    }

    /// So many cycles at most. The clock goes on while the generator is as well supplied as it can be: what it does depends on the path
    /// alone. Returns whether there are more to come of what it has.
    ///
    /// # Errors
    /// Where the motion does not go on.
    pub fn advance(&mut self, cycles: usize) -> Result<bool, DryRunError> {
        for _ in 0..cycles {
            while self.motion.room() > 0
                && let Some(piece) = self.planner.take()
            {
                self.look_at(&piece);
                self.motion.push(&piece);
            }
            let waits = self.motion.room() > 0 && !self.ended;
            if self.elements == 0 || self.motion.arrived() || waits {
                return Ok(false);
            }
            self.cycle()?;
        }
        Ok(true)
    }

    /// Cycles since it began, s.
    pub fn time_s(&self) -> f64 {
        self.cycles as f64 * self.period_s
    }

    /// What an axis of the group was told in the last cycle; drive coordinates.
    pub fn state(&self, axis: usize) -> State {
        self.motion.member(self.order.order.iter().position(|of| *of == axis).unwrap_or(axis))
    }

    /// Where the curve of a piece goes.
    fn look_at(&mut self, piece: &Piece) {
        self.comparison.follow(piece);
        for (place, of) in self.order.order.iter().enumerate() {
            let (low, high) = piece.axes[place].range(piece.length);
            let range = &mut self.ranges[place];
            *range = (range.0.min(low), range.1.max(high));
            let RunAxis { soft_limits, offset, .. } = &self.axes[*of];
            let Some((least, most)) = soft_limits else { continue };
            let slack = |limit: f64| ROUNDING * (1.0 + limit.abs());
            if (low + offset < least - slack(*least) || high + offset > most + slack(*most))
                && self.outside[place].is_none()
            {
                self.outside[place] = Some(piece.line);
            }
        }
    }

    fn cycle(&mut self) -> Result<(), DryRunError> {
        // What it does in this cycle, it does in the line that it begins in.
        let line = self.motion.line();
        self.motion.step(1.0);
        self.cycles += 1;
        let (linear, count) = (self.order.linear, self.order.count());
        let of_tool = if linear > 0 { linear } else { count };
        let mut before = 0.0;
        for share in SHARES {
            let seconds = (share - before) * self.period_s;
            before = share;
            let states = look(&self.motion, share, count, line, &mut self.peaks);
            self.continuity.look(&states, seconds, &self.limits, line);
            let speed = states[..of_tool].iter().map(|[_, velocity]| velocity * velocity).sum::<f64>().sqrt();
            self.fastest.take(speed, line);
            if share > 0.0 {
                let mut at = self.order.from_planner(&states.map(|[position, _]| position));
                at.iter_mut().zip(&self.offsets).for_each(|(value, offset)| *value += offset);
                self.trace.push(Spot { at, speed });
            }
        }
        self.standing = if self.motion.moving() { 0 } else { self.standing + 1 };
        if self.standing > STANDING && !self.motion.arrived() {
            return Err(DryRunError::Stuck { line: self.motion.line(), distance: self.motion.distance() });
        }
        Ok(())
    }
}
