//! A group on a path: from the command that begins it to its end.
//!
//! The pieces of a path come one by one, for as long as the program lasts; each carries the number of its program, and those of a program
//! that has ended go away unseen. Hold, override and stop are ratios of the programmed velocity; the path itself is never left.

use crate::geometry::Piece;
use crate::ids::Handle;
use crate::limits::{GROUP_QUEUE, MAX_GROUP_AXES, PATH_START_S};

use super::axis::Axis;
use super::group::{Goal, Group, Phase};
use super::group_blend::Border;
use super::path::Along;
use super::reports::Reports;
use super::stream_clock::StreamClock;
use super::target::Target;
use super::types::GroupState::*;
use super::types::{
    AxisState, BufferMode, GroupShape, Limits, PathAct, PathState, Progress, Reason, Rejection, StreamPace,
};

/// A path that begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathRequest<'a> {
    /// The number that its pieces carry.
    pub epoch: u32,
    /// Where it begins, axis coordinates, in the group's order: where the axes are.
    pub start: &'a [f64],
    /// `Buffered`: behind what the group does, where it does something. Else it must rest.
    pub buffer: BufferMode,
    /// The program from which it goes on without a rest, on one path with that: it is the newest of the group's moves.
    pub joins: Option<u32>,
    /// How it is followed, where it is a stream of timed points.
    pub stream: Option<StreamPace>,
}

/// The same, kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct PathStart {
    pub epoch: u32,
    pub start: [f64; MAX_GROUP_AXES],
    /// It goes on from the move before it.
    pub joins: bool,
    /// Where it does, as soon as that is known.
    pub border: Option<Border>,
    pub stream: Option<StreamPace>,
}

impl PathStart {
    pub const NONE: PathStart =
        PathStart { epoch: 0, start: [0.0; MAX_GROUP_AXES], joins: false, border: None, stream: None };
}

/// What became of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceFate {
    /// The group has it.
    Taken,
    /// Its program has ended.
    Dropped,
    /// There is no room now.
    Later,
}

/// How far an axis may be from where a path begins, axis units.
const AT_START: f64 = 1e-6;

/// What a path of a group needs besides its motion.
#[derive(Clone, Debug)]
pub(super) struct PathPlace {
    pub epoch: u32,
    /// Where the program of that begins.
    pub begin: Along,
    /// Drive coordinates in the frame of `turns`, minus axis coordinates.
    shift: [f64; MAX_GROUP_AXES],
    turns: [i64; MAX_GROUP_AXES],
    /// Enough of it is there, or was.
    supplied: bool,
    /// Of a stream.
    pub clock: Option<StreamClock>,
}

impl PathPlace {
    pub fn none() -> PathPlace {
        PathPlace {
            epoch: 0,
            begin: Along::default(),
            shift: [0.0; MAX_GROUP_AXES],
            turns: [0; MAX_GROUP_AXES],
            supplied: false,
            clock: None,
        }
    }
}

impl Group {
    /// Begins a path where the members rest, or will, behind other moves. They move as soon as enough pieces are there, or all of them.
    pub(super) fn begin_path(
        &mut self,
        handle: Handle,
        request: &PathRequest<'_>,
        axes: &mut [Axis],
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        self.check_ready(axes)?;
        if request.start.len() != self.count {
            return Err(Rejection::with(Reason::NotFinite, request.start.len() as f64, self.count as f64));
        }
        let mut path = PathStart { epoch: request.epoch, stream: request.stream, ..PathStart::NONE };
        path.start[..self.count].copy_from_slice(request.start);
        let whole = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };
        let targets = [Target::default(); MAX_GROUP_AXES];
        let goal = Goal { handle, shape: GroupShape::Path, targets, limits: whole, path };
        if let Some(before) = request.joins {
            return self.join_path(goal, before);
        }
        let busy = self.goal.is_some() || self.halting.is_some();
        if request.buffer == BufferMode::Buffered && busy {
            return self.queue_path(goal, axes);
        }
        if busy || self.moving(axes) {
            return Err(Rejection::of(Reason::StillMoving));
        }
        self.check_start(request.start, axes)?;
        reports.progress(handle, Progress::Active);
        self.follow_path(goal, axes);
        Ok(())
    }

    /// Behind what was accepted before, where the path begins where that ends; of another path's end it is looked at when that is there.
    fn queue_path(&mut self, goal: Goal, axes: &[Axis]) -> Result<(), Rejection> {
        if self.queue.is_full() {
            return Err(Rejection::with(Reason::QueueFull, self.queue.len() as f64, GROUP_QUEUE as f64));
        }
        for (i, member) in self.members().enumerate() {
            let axis = &axes[member];
            if !axis.referenced {
                return Err(Rejection::of(Reason::NotReferenced).at(member));
            }
            if let Some(end) = self.planned_end(i, axis) {
                at_start(axis.to_axis_coordinates(end.position), goal.path.start[i])
                    .map_err(|rejection| rejection.at(member))?;
            }
        }
        self.queue.push(goal);
        Ok(())
    }

    /// The members rest where the path begins.
    pub(super) fn check_start(&self, start: &[f64], axes: &[Axis]) -> Result<(), Rejection> {
        for (member, start) in self.members().zip(start) {
            let axis = &axes[member];
            if !axis.referenced {
                return Err(Rejection::of(Reason::NotReferenced).at(member));
            }
            at_start(axis.position(), *start).map_err(|rejection| rejection.at(member))?;
        }
        Ok(())
    }

    /// From where the members rest.
    pub(super) fn follow_path(&mut self, goal: Goal, axes: &mut [Axis]) {
        self.leave_line(axes);
        self.path.clear();
        // Points have their times: a stream does not go in steps.
        self.path.set_steps(self.path_steps && goal.path.stream.is_none());
        let clock = goal.path.stream.map(StreamClock::new);
        self.path_place = PathPlace { epoch: goal.path.epoch, clock, ..PathPlace::none() };
        for (i, (member, start)) in self.members().zip(&goal.path.start).enumerate() {
            let axis = &mut axes[member];
            self.path_place.shift[i] = axis.setpoint.position - start;
            self.path_place.turns[i] = axis.setpoint.turns;
            axis.in_position.clear();
            axis.enter(AxisState::SynchronizedMotion);
            axis.trajectory.cancel();
            axis.follows_line = true;
        }
        self.goal = Some(goal);
        self.begun = true;
        self.on_path = true;
        self.phase = Phase::Running;
        self.enter(GroupMoving);
    }

    /// Where a member rests at the end of the path, once that is known.
    pub(super) fn path_end(&self, i: usize, axis: &Axis) -> Option<Target> {
        let position = self.path.path().end(i)? + self.path_place.shift[i];
        Some(Target::new(self.path_place.turns[i], position, axis.parameters.modulo))
    }

    pub(super) fn path_goal(&self) -> Option<&Goal> {
        self.goal.as_ref().filter(|goal| self.on_path && goal.shape == GroupShape::Path)
    }

    /// What an operator does with the path under way.
    pub(super) fn act_on_path(
        &mut self,
        handle: Handle,
        act: PathAct,
        axes: &mut [Axis],
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        if let PathAct::Steps(on) = act {
            self.path_steps = on;
            if self.on_path && self.path_place.clock.is_none() {
                self.path.set_steps(on);
            }
            reports.progress(handle, Progress::Done);
            return Ok(());
        }
        if let PathAct::Cancel(path) = act {
            return self.cancel_path(handle, path, axes, reports);
        }
        self.check_ready(axes)?;
        if self.path_goal().is_none() || self.path.arrived() {
            return Err(Rejection::of(Reason::NoPath));
        }
        if self.path_place.clock.is_some() {
            return Err(Rejection::of(Reason::TimedPoints));
        }
        match act {
            PathAct::Retreat => self.path.retreat(true),
            PathAct::Advance => self.path.retreat(false),
            PathAct::Next if self.path.next_step() => {}
            PathAct::Next | PathAct::Steps(_) | PathAct::Cancel(_) => return Err(Rejection::of(Reason::NotWaiting)),
        }
        if self.interrupted {
            return self.resume(handle, axes, reports);
        }
        reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// One that waits is no more; one that moves comes to rest, and what waits behind it has its turn there. Those that are joined to it, or it to
    /// them, are one motion and end together.
    fn cancel_path(
        &mut self,
        handle: Handle,
        path: Handle,
        axes: &mut [Axis],
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        match self.cancel_joined(path, reports) {
            None => return Err(Rejection::of(Reason::NoPath)),
            Some(true) => self.rest_from_path(handle, axes, reports),
            Some(false) => reports.progress(handle, Progress::Done),
        }
        Ok(())
    }

    /// The command of the path that it follows, as long as that has not ended.
    pub fn path_handle(&self) -> Handle {
        self.path_goal().map_or(Handle::NONE, |goal| goal.handle)
    }

    /// How its path is.
    pub fn path_state(&self) -> PathState {
        let path = &self.path;
        match () {
            () if !self.on_path => PathState::None,
            () if self.phase != Phase::Running || self.override_ratio == 0.0 => PathState::Held,
            () if path.arrived() => PathState::Ending,
            () if path.at_far_end() && path.retreats() => PathState::Retreated,
            () if path.retreats() => PathState::Retreating,
            () if path.waits() => PathState::Waiting,
            () if !self.path_place.supplied => PathState::Filling,
            () if path.starved() => PathState::Starved,
            () => PathState::Moving,
        }
    }

    /// Its paths rest at the end of each line.
    pub fn path_steps(&self) -> bool {
        self.path_steps
    }

    /// A piece of a path, behind those before it.
    pub(super) fn offer(&mut self, piece: &Piece) -> PieceFate {
        if self.path_goal().is_none() || piece.epoch != self.path_place.epoch {
            self.offer_waiting(piece)
        } else if self.path.push(piece) {
            PieceFate::Taken
        } else {
            PieceFate::Later
        }
    }

    /// One period on the path.
    pub(super) fn step_path(&mut self, axes: &mut [Axis], reports: &mut Reports) {
        let path = self.path.path();
        let enough = self.path_place.clock.as_ref().map_or(PATH_START_S, StreamClock::lead_s);
        self.path_place.supplied |= path.ends() || path.supply_s() >= enough || path.is_full();
        let running = self.phase == Phase::Running && self.path_place.supplied;
        let ratio = if running { self.override_ratio } else { 0.0 };
        match &mut self.path_place.clock {
            Some(clock) => clock.step(&mut self.path, ratio, axes[usize::from(self.members[0])].period_s),
            None => self.path.step(ratio),
        }
        self.hand_over(reports);
        if self.path.path().begun() {
            for i in 0..self.count {
                let axis = &mut axes[usize::from(self.members[i])];
                if axis.follows_line {
                    let mut state = self.path.member(i);
                    state.position += self.path_place.shift[i];
                    axis.write(state, self.path_place.turns[i]);
                }
            }
        }
        match self.phase {
            Phase::Running if self.path.arrived() && self.settled(axes) => {
                if let Some(goal) = self.goal.take() {
                    reports.progress(goal.handle, Progress::Done);
                }
                self.next(axes, reports);
            }
            Phase::Ramping if !self.path.moving() => self.rested(axes, reports),
            _ => {}
        }
    }
}

/// A member is, or will be, where the path begins.
fn at_start(is: f64, begins: f64) -> Result<(), Rejection> {
    let gap = is - begins;
    if gap.is_nan() || gap.abs() > AT_START { Err(Rejection::with(Reason::PathStart, begins, is)) } else { Ok(()) }
}
