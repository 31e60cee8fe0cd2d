//! A whole path through the planner and the generator of the cycle.

use crate::geometry::{Piece, Singularity};
use crate::limits::{MAX_GROUP_AXES, SOFT_LIMIT_SLACK};
use crate::motion::Limits;
use crate::motion::path::PathMotion;
use crate::motion::profile::State;
use crate::planner::axes::PathOrder;
use crate::planner::program::{Element, Point, Shape};
use crate::planner::{Mechanism, PathAxes, Planner, Walk};
use crate::units::AxisUnit;

use super::axis::{RunAxis, RunGroup, RunTool};
use super::continuity::Continuity;
use super::deviation::Comparison;
use super::peaks::{Peak, Peaks, SHARES, look};
use super::report::{AxisReport, CoordinateReport, DryRunError, DryRunReport, ToolReport};
use super::tool::RunningTool;
use super::trace::{Spot, Trace};

/// Cycles without motion before the end after which nothing is expected any more.
const STANDING: u32 = 1000;
/// Rounding that is no violation of a soft limit, as a share of the magnitude.
const ROUNDING: f64 = 1e-9;

/// Runs one path. Elements go in as they are read; the clock goes on as far as they allow, so that memory is bounded.
#[derive(Clone, Debug)]
pub struct DryRun {
    axes: Vec<RunAxis>,
    /// What the path is given in, in its order, and the planner's order of it.
    coordinates: Vec<(String, AxisUnit)>,
    order: PathOrder,
    /// The planner's order of the axes.
    joint_order: PathOrder,
    offsets: Point,
    planner: Planner,
    motion: PathMotion,
    period_s: f64,
    comparison: Comparison,
    trace: Trace,
    peaks: Peaks,
    tool_peaks: [Peak; 3],
    /// Where axes are no coordinates of the tool: as it moves, and as the curve goes.
    tool: Option<RunningTool>,
    tool_on_curve: Option<RunningTool>,
    /// An element cannot be followed: nothing behind it is looked at.
    failed: Option<DryRunError>,
    /// What the daemon asks of each element before it takes it.
    walk: Option<Walk>,
    tool_limits: Option<Limits>,
    fastest: Peak,
    continuity: Continuity,
    /// In the planner's order.
    limits: Vec<Limits>,
    /// Lowest and highest drive position of each of the planner's axes, and the line in which it is outside first.
    ranges: [(f64, f64); MAX_GROUP_AXES],
    outside: [Option<u32>; MAX_GROUP_AXES],
    /// Lowest and highest value of each coordinate, in their order.
    seen: [(f64, f64); MAX_GROUP_AXES],
    elements: u64,
    lengths: [f64; 2],
    cycles: u64,
    /// Cycles in which each singularity slows it.
    slowed: [u64; Singularity::ALL.len()],
    standing: u32,
    /// Nothing follows.
    ended: bool,
}

impl DryRun {
    /// From a rest at `start`; axis coordinates, in the group's order like `axes`.
    pub fn new(axes: Vec<RunAxis>, period_s: f64, start: &Point) -> DryRun {
        DryRun::of_axes(RunGroup { axes, path_limits: None, tool: None, period_s }, start)
    }

    /// From a rest at `start`: axis coordinates, or those of the tool, in their order.
    ///
    /// # Errors
    /// Where no joints take the tool there.
    pub fn of(group: RunGroup, start: &Point) -> Result<DryRun, DryRunError> {
        match group.tool.clone() {
            Some(tool) => DryRun::of_tool(group, &tool, start),
            None => Ok(DryRun::of_axes(group, start)),
        }
    }

    fn of_axes(group: RunGroup, start: &Point) -> DryRun {
        let units: Vec<AxisUnit> = group.axes.iter().map(|axis| axis.unit).collect();
        let limits: Vec<Limits> = group.axes.iter().map(|axis| axis.limits).collect();
        let order = PathOrder::new(&units);
        let mut offsets = [0.0; MAX_GROUP_AXES];
        offsets.iter_mut().zip(&group.axes).for_each(|(offset, axis)| *offset = axis.offset);
        let mut at = *start;
        at.iter_mut().zip(&offsets).for_each(|(value, offset)| *value -= offset);
        let at = order.to_planner(&at);
        let inside = |axis: &RunAxis| axis.soft_limits.map(|(least, most)| (least - axis.offset, most - axis.offset));
        let soft_limits: Vec<_> = group.axes.iter().map(inside).collect();
        let axes = PathAxes { tool: group.path_limits, ..order.axes(&limits, &soft_limits, group.period_s) };
        let coordinates = group.axes.iter().map(|axis| (axis.name.clone(), axis.unit)).collect();
        DryRun::assemble(group, axes, (at, at), order.clone(), order, offsets, coordinates, start)
    }

    /// Joints are in axis coordinates, and in the group's order.
    fn of_tool(group: RunGroup, tool: &RunTool, start: &Point) -> Result<DryRun, DryRunError> {
        let count = group.axes.len();
        // Soft limits are reported, with all that leaves them.
        let mechanism = Mechanism::new(&tool.tool, vec![None; count]);
        let mut near = [0.0; MAX_GROUP_AXES];
        near.iter_mut().zip(&tool.posture).for_each(|(to, from)| *to = *from);
        let order = mechanism.order.clone();
        let place = order.to_planner(start);
        let (joints, _) = mechanism.reach(&place, &near).map_err(DryRunError::Start)?;
        let limits = group.axes.iter().map(|axis| axis.limits).collect();
        let axes = PathAxes {
            tool: group.path_limits,
            mechanism: Some(mechanism),
            ..PathAxes::new(limits, order.linear, group.period_s)
        };
        let joint_order = PathOrder { order: (0..count).collect(), linear: 0 };
        let coordinates = tool.tool.coordinates.iter().map(|of| (of.name.clone(), of.unit)).collect();
        let offsets = [0.0; MAX_GROUP_AXES];
        // Nothing is taken off what joints count from.
        let axes_of = group.axes.iter().map(|axis| RunAxis { offset: 0.0, ..axis.clone() }).collect();
        let group = RunGroup { axes: axes_of, ..group };
        Ok(DryRun::assemble(group, axes, (joints, place), order, joint_order, offsets, coordinates, start))
    }

    #[allow(clippy::too_many_arguments, reason = "called from the two above alone")]
    fn assemble(
        group: RunGroup,
        axes: PathAxes,
        (at, place): (Point, Point),
        order: PathOrder,
        joint_order: PathOrder,
        offsets: Point,
        coordinates: Vec<(String, AxisUnit)>,
        start: &Point,
    ) -> DryRun {
        let period_s = group.period_s;
        let mut run = DryRun {
            motion: PathMotion::new(period_s),
            period_s,
            comparison: Comparison::new(order.count(), order.linear),
            trace: Trace::new(order.count()),
            peaks: Peaks::default(),
            tool_peaks: [Peak::default(); 3],
            tool: axes.mechanism.as_ref().map(|mechanism| RunningTool::new(mechanism, place)),
            tool_on_curve: axes.mechanism.as_ref().map(|mechanism| RunningTool::new(mechanism, place)),
            walk: axes.mechanism.clone().map(|mechanism| Walk::new(mechanism, at)),
            tool_limits: axes.tool,
            fastest: Peak::default(),
            continuity: Continuity::default(),
            limits: axes.limits.clone(),
            ranges: at.map(|value| (value, value)),
            seen: start.map(|value| (value, value)),
            outside: [None; MAX_GROUP_AXES],
            elements: 0,
            lengths: [0.0; 2],
            cycles: 0,
            slowed: [0; Singularity::ALL.len()],
            standing: 0,
            ended: false,
            failed: None,
            planner: Planner::new(axes, at, 0),
            axes: group.axes,
            coordinates,
            order,
            joint_order,
            offsets,
        };
        run.trace.push(Spot { at: *start, speed: 0.0 });
        run
    }

    /// The planner's order of the coordinates.
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
        if self.failed.is_some() {
            return;
        }
        if let Some(Err(astray)) = self.walk.as_mut().map(|walk| walk.take(element, &from)) {
            self.failed = Some(DryRunError::Astray { line: element.line, astray });
            return;
        }
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
            let place = self.joint_order.order.iter().position(|of| *of == axis).unwrap_or(axis);
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
        let tool = self.tool_limits.map(|limits| {
            let limits = [limits.velocity, limits.acceleration, limits.jerk];
            let peaks = self.tool_peaks;
            ToolReport { peaks, shares: [0, 1, 2].map(|order| peaks[order].value / limits[order]) }
        });
        let coordinates = self.coordinates.iter().zip(self.seen);
        DryRunReport {
            coordinates: coordinates
                .map(|((name, unit), range)| CoordinateReport { name: name.clone(), unit: *unit, range })
                .collect(),
            tool,
            nearest: self.planner.nearest(),
            slowed: self.planner.slowed().map(|slowed| (slowed, self.slowed[slowed.singularity as usize])).collect(),
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
            if let Some(error) = self.failed.clone().or(self.planner.obstacle().map(DryRunError::Obstacle)) {
                return Err(error);
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
        self.motion.member(self.joint_order.order.iter().position(|of| *of == axis).unwrap_or(axis))
    }

    /// Where the curve of a piece goes.
    fn look_at(&mut self, piece: &Piece) {
        let curve = match &mut self.tool_on_curve {
            Some(tool) => tool.piece(piece),
            None => Some(*piece),
        };
        if let Some(curve) = &curve {
            self.comparison.follow(curve);
            for (place, of) in self.order.order.iter().enumerate() {
                let (low, high) = curve.axes[place].range(curve.length);
                let (seen, offset) = (&mut self.seen[*of], self.offsets[*of]);
                *seen = (seen.0.min(low + offset), seen.1.max(high + offset));
            }
        }
        for (place, of) in self.joint_order.order.iter().enumerate() {
            let (low, high) = piece.axes[place].range(piece.length);
            let range = &mut self.ranges[place];
            *range = (range.0.min(low), range.1.max(high));
            let RunAxis { soft_limits, offset, .. } = &self.axes[*of];
            let Some((least, most)) = soft_limits else { continue };
            // As in motion.
            let slack = |limit: f64| SOFT_LIMIT_SLACK + ROUNDING * (1.0 + limit.abs());
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
        if let Some(singularity) = self.motion.slowed_by() {
            self.slowed[singularity as usize] += 1;
        }
        self.motion.step(1.0);
        self.cycles += 1;
        let (linear, count) = (self.order.linear, self.order.count());
        let of_tool = if linear > 0 { linear } else { count };
        let mut before = 0.0;
        for share in SHARES {
            let seconds = (share - before) * self.period_s;
            before = share;
            let joints = look(&self.motion, share, self.axes.len(), line, &mut self.peaks);
            self.continuity.look(&joints.map(|[place, velocity, ..]| [place, velocity]), seconds, &self.limits, line);
            let states = match &mut self.tool {
                Some(tool) => tool.state(&joints),
                None => Some(joints),
            };
            let Some(states) = states else { continue };
            let sizes = [1, 2, 3]
                .map(|order| states[..of_tool].iter().map(|state| state[order] * state[order]).sum::<f64>().sqrt());
            self.tool_peaks.iter_mut().zip(sizes).for_each(|(peak, size)| peak.take(size, line));
            let [speed, ..] = sizes;
            self.fastest.take(speed, line);
            if share > 0.0 {
                let mut at = self.order.from_planner(&states.map(|[position, ..]| position));
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
