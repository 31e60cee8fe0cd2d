//! One group of axes: its state, and one period of its motion. Commands are in `group_move`.
//!
//! A line is driven from here: the group writes its members' setpoints. In all other motion (direct moves, ramps of a direct move) the
//! members follow trajectories of their own, which the group gives them and watches.

use crate::fault::Fault;
use crate::ids::{AxisId, Handle};
use crate::limits::{GROUP_QUEUE, MAX_GROUP_AXES};

use super::axis::Axis;
use super::direct::Direct;
use super::group_path::{PathPlace, PathStart};
use super::group_state::may_follow;
use super::line::Line;
use super::parameters::GroupParameters;
use super::path::Passage;
use super::queue::Queue;
use super::reports::Reports;
use super::stream_clock::StreamClock;
use super::target::Target;
use super::types::{AxisState, GroupShape, GroupState, Limits, Progress};

/// A move of the group, its targets settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    pub handle: Handle,
    pub shape: GroupShape,
    pub targets: [Target; MAX_GROUP_AXES],
    /// Of the path (linear), or shares of each axis's limits (direct).
    pub limits: Limits,
    /// Of a path.
    pub path: PathStart,
}

/// What the members are doing for the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing.
    Idle,
    /// Whatever they did before, while a direct move is planned.
    Planning,
    /// The active move, or held by an override of 0.
    Running,
    /// Coming to rest; what comes then is decided there.
    Ramping,
}

/// One group.
#[derive(Clone, Debug)]
pub struct Group {
    pub(super) parameters: GroupParameters,
    pub(super) members: [u8; MAX_GROUP_AXES],
    pub(super) count: usize,
    pub(super) state: GroupState,
    pub(super) fault: Option<Fault>,
    pub(super) phase: Phase,
    /// Members follow `line` (those with `follows_line`).
    pub(super) on_line: bool,
    pub(super) line: Line,
    pub(super) direct: Direct,
    /// Members follow `path` (those with `follows_line`).
    pub(super) on_path: bool,
    pub(super) path: Passage,
    pub(super) path_place: PathPlace,
    /// Paths rest at the end of each line.
    pub(super) path_steps: bool,
    /// The active move. It has begun unless the group still ramps down for it.
    pub(super) goal: Option<Goal>,
    pub(super) begun: bool,
    pub(super) queue: Queue<Goal, GROUP_QUEUE>,
    pub(super) override_ratio: f64,
    /// The active move is interrupted.
    pub(super) interrupted: bool,
    pub(super) interrupting: Handle,
    /// A halt without an end.
    pub(super) halting: Option<Handle>,
    /// Disabling as soon as it rests.
    pub(super) disabling: Option<Handle>,
    /// A stop of this group.
    pub(super) stopped: bool,
    /// A stop of this group, of a member, or of the machine.
    pub(super) locked: bool,
}

impl Group {
    pub(super) fn new(parameters: GroupParameters, period_s: f64) -> Group {
        let mut members = [0; MAX_GROUP_AXES];
        let count = parameters.axes.len().min(MAX_GROUP_AXES);
        for (member, axis) in members.iter_mut().zip(&parameters.axes) {
            *member = axis.0;
        }
        Group {
            parameters,
            members,
            count,
            state: GroupState::GroupDisabled,
            fault: None,
            phase: Phase::Idle,
            on_line: false,
            line: Line::none(),
            direct: Direct::none(),
            on_path: false,
            path: Passage::new(period_s),
            path_place: PathPlace::none(),
            path_steps: false,
            goal: None,
            begun: false,
            queue: Queue::new(),
            override_ratio: 1.0,
            interrupted: false,
            interrupting: Handle::NONE,
            halting: None,
            disabling: None,
            stopped: false,
            locked: false,
        }
    }

    /// Its axes, in the order of a move's targets.
    pub fn axes(&self) -> &[AxisId] {
        &self.parameters.axes
    }

    /// PLCopen state.
    pub fn state(&self) -> GroupState {
        self.state
    }

    /// The command that moves it; [`Handle::NONE`] for none.
    pub fn active(&self) -> Handle {
        match (self.halting, &self.goal) {
            (Some(handle), _) => handle,
            (None, Some(goal)) => goal.handle,
            (None, None) => Handle::NONE,
        }
    }

    /// Moves that wait behind the active one.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// A move is interrupted and can be continued.
    pub fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// Locked by a stop of itself, of a member, or of the machine.
    pub fn locked(&self) -> bool {
        self.locked
    }

    /// What stopped it: a member's fault, or one of the machine.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// Share of the active move that is done, 0 to 1: of the line; of the time of a direct move since it was last planned.
    pub fn progress(&self) -> f64 {
        match &self.goal {
            Some(goal) if self.begun && goal.shape == GroupShape::Linear => self.line.progress(),
            Some(goal) if goal.shape == GroupShape::Path => self.path_progress(),
            Some(_) if self.begun => self.direct.progress(),
            _ => 0.0,
        }
    }

    /// Velocity override in force, ratio.
    pub fn override_ratio(&self) -> f64 {
        self.override_ratio
    }

    /// Velocity along the line (linear moves) or path, units per second; negative on the way back.
    pub fn path_velocity(&self) -> f64 {
        if self.on_line {
            self.line.velocity()
        } else if self.on_path {
            self.path.velocity()
        } else {
            0.0
        }
    }

    /// The path that it follows.
    pub fn path(&self) -> Option<&Passage> {
        self.on_path.then_some(&self.path)
    }

    /// The clock of the stream that it follows.
    pub fn stream(&self) -> Option<&StreamClock> {
        self.path_place.clock.as_ref().filter(|_| self.on_path)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = usize> + use<> {
        self.members.into_iter().take(self.count).map(usize::from)
    }

    pub(super) fn enter(&mut self, state: GroupState) {
        debug_assert!(may_follow(self.state, state), "{:?} → {state:?}", self.state);
        self.state = state;
    }

    /// A member moves, for whatever reason.
    pub(super) fn moving(&self, axes: &[Axis]) -> bool {
        (self.on_line && self.line.running())
            || (self.on_path && self.path.moving())
            || self.members().any(|member| axes[member].trajectory.running())
    }

    /// It rests and keeps no move: nothing of it was made with its members' limits.
    pub(super) fn is_idle(&self, axes: &[Axis]) -> bool {
        self.phase == Phase::Idle
            && self.goal.is_none()
            && self.queue.is_empty()
            && self.halting.is_none()
            && self.disabling.is_none()
            && !self.interrupted
            && !self.moving(axes)
    }

    /// Every member is in position.
    pub(super) fn settled(&self, axes: &[Axis]) -> bool {
        self.members().all(|member| axes[member].in_position.settled())
    }

    /// One period on, before the axes' own.
    #[inline]
    pub(super) fn step(&mut self, axes: &mut [Axis], reports: &mut Reports) {
        if self.state == GroupState::GroupDisabled {
            return;
        }
        if self.phase == Phase::Planning {
            self.plan(axes);
        }
        if self.on_path {
            self.step_path(axes, reports);
            return;
        }
        if self.on_line && self.line.running() {
            self.line.advance(axes[usize::from(self.members[0])].period_s);
            for i in 0..self.count {
                let axis = &mut axes[usize::from(self.members[i])];
                if axis.follows_line {
                    let (state, turns) = self.line.member(i);
                    axis.write(state, turns);
                }
            }
            return;
        }
        match self.phase {
            Phase::Running if self.moving(axes) => self.direct.pass(),
            Phase::Running => self.run(axes, reports),
            Phase::Ramping if !self.moving(axes) => self.rested(axes, reports),
            Phase::Idle if self.state == GroupState::GroupStopping && !self.locked => {
                self.enter(GroupState::GroupStandby);
            }
            Phase::Idle | Phase::Ramping | Phase::Planning => {}
        }
    }

    /// Solves one member of a direct move; starts it when all are solved.
    fn plan(&mut self, axes: &mut [Axis]) {
        let Some(goal) = self.goal else {
            self.phase = Phase::Idle;
            return;
        };
        if !self.direct.solve_next(&self.members[..self.count], axes) {
            return;
        }
        self.leave_line(axes);
        for i in 0..self.count {
            let axis = &mut axes[usize::from(self.members[i])];
            axis.trajectory = self.direct.trajectory(i, goal.targets[i]);
            axis.in_position.clear();
        }
        self.begun = true;
        self.phase = Phase::Running;
        if self.direct.override_ratio() != self.override_ratio {
            self.plan_direct(axes, 1);
        }
    }

    /// Plans the active direct move from the present motion: `first_in` is 0 before a step, 1 within its own.
    pub(super) fn plan_direct(&mut self, axes: &[Axis], first_in: u64) {
        if let Some(goal) = self.goal {
            self.predict_and_plan(axes, &goal, first_in);
        }
    }

    fn predict_and_plan(&mut self, axes: &[Axis], goal: &Goal, first_in: u64) {
        let members = &self.members[..self.count];
        self.direct.predict(members, axes, self.on_line.then_some(&self.line), first_in);
        let targets = &goal.targets[..self.count];
        self.direct.begin(members, axes, targets, &goal.limits, self.override_ratio);
        for (i, member) in members.iter().enumerate() {
            self.direct.tighten(i, &axes[usize::from(*member)]);
        }
        self.phase = Phase::Planning;
    }

    /// Everything rests: the active move is held, or has arrived.
    fn run(&mut self, axes: &mut [Axis], reports: &mut Reports) {
        let Some(goal) = self.goal else {
            self.phase = Phase::Ramping;
            return;
        };
        let arrived = match goal.shape {
            GroupShape::Linear => self.line.arrived(),
            GroupShape::Path => self.path.arrived(),
            GroupShape::Direct => {
                self.members().zip(&goal.targets).all(|(member, target)| axes[member].place() == *target)
            }
        };
        if !arrived {
            if self.override_ratio > 0.0 {
                match goal.shape {
                    GroupShape::Linear => self.line.go(self.override_ratio),
                    GroupShape::Direct => self.plan_direct(axes, 1),
                    GroupShape::Path => {}
                }
            }
        } else if self.settled(axes) {
            reports.progress(goal.handle, Progress::Done);
            self.goal = None;
            self.next(axes, reports);
        }
    }

    /// Everything rests: what was the ramp for?
    pub(super) fn rested(&mut self, axes: &mut [Axis], reports: &mut Reports) {
        let continues = self.interrupted && self.begun && self.state == GroupState::GroupMoving;
        if !continues {
            self.leave_line(axes);
        }
        self.phase = Phase::Idle;
        if let Some(handle) = self.disabling.take() {
            reports.progress(handle, Progress::Done);
            self.fault = None;
            self.let_go(axes);
            self.enter(GroupState::GroupDisabled);
        } else if self.state == GroupState::GroupErrorStop || self.state == GroupState::GroupStopping {
            self.rest_members(axes);
        } else if self.interrupted {
            reports.progress(std::mem::take(&mut self.interrupting), Progress::Done);
        } else {
            if let Some(handle) = self.halting.take() {
                reports.progress(handle, Progress::Done);
            }
            match self.goal {
                Some(goal) => self.start(goal, axes),
                None => self.next(axes, reports),
            }
        }
    }

    /// The next move that waits, or rest.
    pub(super) fn next(&mut self, axes: &mut [Axis], reports: &mut Reports) {
        self.leave_line(axes);
        let mut lost = false;
        // At most GROUP_QUEUE times.
        while let Some(goal) = self.queue.pop() {
            reports.progress(goal.handle, Progress::Active);
            if goal.shape != GroupShape::Path {
                self.start(goal, axes);
                return;
            }
            let strays = lost && goal.path.joins;
            if !strays && self.check_start(&goal.path.start[..self.count], axes).is_ok() {
                self.follow_path(goal, axes);
                return;
            }
            // What was before it ended elsewhere; and where it begins, what is joined to it does not.
            lost = true;
            reports.progress(goal.handle, Progress::Aborted);
        }
        self.phase = Phase::Idle;
        self.rest_members(axes);
        self.enter(GroupState::GroupStandby);
    }

    /// Begins a move from rest.
    pub(super) fn start(&mut self, goal: Goal, axes: &mut [Axis]) {
        self.goal = Some(goal);
        self.enter(GroupState::GroupMoving);
        for member in self.members() {
            axes[member].in_position.clear();
            axes[member].enter(AxisState::SynchronizedMotion);
        }
        match goal.shape {
            GroupShape::Linear => {
                self.begin_line(&goal, axes);
            }
            GroupShape::Path => self.phase = Phase::Running,
            GroupShape::Direct => {
                self.begun = false;
                // Held by an override of 0 until that rises.
                self.phase = Phase::Running;
                if self.override_ratio > 0.0 {
                    self.plan_direct(axes, 1);
                }
            }
        }
    }

    fn begin_line(&mut self, goal: &Goal, axes: &mut [Axis]) {
        let members = &self.members[..self.count];
        self.line.begin(members, axes, &goal.targets[..self.count], &self.parameters.path_limits, &goal.limits);
        self.line.go(self.override_ratio);
        for member in self.members() {
            axes[member].trajectory.cancel();
            axes[member].follows_line = true;
        }
        self.on_line = true;
        self.begun = true;
        self.phase = Phase::Running;
    }

    /// Members follow their own trajectories again.
    pub(super) fn leave_line(&mut self, axes: &mut [Axis]) {
        if self.on_line || self.on_path {
            if std::mem::take(&mut self.on_path) {
                self.path.clear();
            }
            self.on_line = false;
            for member in self.members() {
                axes[member].follows_line = false;
            }
        }
    }

    /// Members that the group moved, and that rest now, are at a standstill.
    pub(super) fn rest_members(&mut self, axes: &mut [Axis]) {
        for member in self.members() {
            let axis = &mut axes[member];
            if axis.state == AxisState::SynchronizedMotion {
                axis.enter(AxisState::Standstill);
                if axis.locked {
                    axis.enter(AxisState::Stopping);
                }
            }
        }
    }

    /// Members are moved singly again.
    pub(super) fn let_go(&mut self, axes: &mut [Axis]) {
        self.leave_line(axes);
        self.rest_members(axes);
        for member in self.members() {
            axes[member].group = None;
        }
    }
}
