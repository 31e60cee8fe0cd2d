//! A group on a path: from the command that begins it to its end.
//!
//! The pieces of a path come one by one, for as long as the program lasts; each carries the number of its program, and those of a program
//! that has ended go away unseen. Hold, override and stop are ratios of the programmed velocity; the path itself is never left.

use crate::geometry::Piece;
use crate::ids::Handle;
use crate::limits::{MAX_GROUP_AXES, PATH_START_S};

use super::axis::Axis;
use super::group::{Goal, Group, Phase};
use super::reports::Reports;
use super::stream_clock::{StreamClock, StreamPace};
use super::target::Target;
use super::types::GroupState::*;
use super::types::{AxisState, GroupShape, Limits, PathAct, PathState, Progress, Reason, Rejection};

/// A path that begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathRequest<'a> {
    /// The number that its pieces carry.
    pub epoch: u32,
    /// Where it begins, axis coordinates, in the group's order: where the axes are.
    pub start: &'a [f64],
    /// How it is followed, where it is a stream of timed points.
    pub stream: Option<StreamPace>,
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
        PathPlace { epoch: 0, shift: [0.0; MAX_GROUP_AXES], turns: [0; MAX_GROUP_AXES], supplied: false, clock: None }
    }
}

impl Group {
    /// Begins a path where the members rest. They move as soon as enough pieces are there, or all of them.
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
        if self.goal.is_some() || self.halting.is_some() || self.moving(axes) {
            return Err(Rejection::of(Reason::StillMoving));
        }
        for (member, start) in self.members().zip(request.start) {
            let axis = &axes[member];
            if !axis.referenced {
                return Err(Rejection::of(Reason::NotReferenced).at(member));
            }
            let gap = axis.position() - start;
            if gap.is_nan() || gap.abs() > AT_START {
                return Err(Rejection::with(Reason::PathStart, *start, axis.position()).at(member));
            }
        }
        self.leave_line(axes);
        self.path.clear();
        // Points have their times: a stream does not go in steps.
        self.path.set_steps(self.path_steps && request.stream.is_none());
        let clock = request.stream.map(StreamClock::new);
        self.path_place = PathPlace { epoch: request.epoch, clock, ..PathPlace::none() };
        for (i, (member, start)) in self.members().zip(request.start).enumerate() {
            let axis = &mut axes[member];
            self.path_place.shift[i] = axis.setpoint.position - start;
            self.path_place.turns[i] = axis.setpoint.turns;
            axis.in_position.clear();
            axis.enter(AxisState::SynchronizedMotion);
            axis.trajectory.cancel();
            axis.follows_line = true;
        }
        reports.progress(handle, Progress::Active);
        let whole = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };
        let targets = [Target::default(); MAX_GROUP_AXES];
        self.goal = Some(Goal { handle, shape: GroupShape::Path, targets, limits: whole });
        self.begun = true;
        self.on_path = true;
        self.phase = Phase::Running;
        self.enter(GroupMoving);
        Ok(())
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
        self.check_ready(axes)?;
        if !self.on_path || self.path_place.clock.is_some() || self.goal.is_none() || self.path.arrived() {
            return Err(Rejection::of(Reason::NoPath));
        }
        match act {
            PathAct::Retreat => self.path.retreat(true),
            PathAct::Advance => self.path.retreat(false),
            PathAct::Next if self.path.next_step() => {}
            PathAct::Next | PathAct::Steps(_) => return Err(Rejection::of(Reason::NotWaiting)),
        }
        if self.interrupted {
            return self.resume(handle, axes, reports);
        }
        reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// The command of the path that it follows, as long as that has not ended.
    pub fn path_handle(&self) -> Handle {
        match &self.goal {
            Some(goal) if self.on_path => goal.handle,
            _ => Handle::NONE,
        }
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
        if !self.on_path || self.goal.is_none() || piece.epoch != self.path_place.epoch {
            PieceFate::Dropped
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
