//! Commands to a group: enable, moves, halt, interrupt, continue, stops, faults.

use crate::fault::Fault;
use crate::ids::{GroupId, Handle};
use crate::limits::{GROUP_QUEUE, MAX_GROUP_AXES};

use super::axis::Axis;
use super::direct::Direct;
use super::dynamics::{override_ratio, resolved};
use super::group::{Goal, Group, Phase};
use super::group_path::PathStart;
use super::kernel::GroupMoveRequest;
use super::profile::State;
use super::reports::Reports;
use super::soft_limits::stop_profile;
use super::target::Target;
use super::types::GroupState::*;
use super::types::{AxisState, BufferMode, Direction, GroupShape, Limits, Progress, Reason, Rejection};

/// The limits of a direct move are shares of each axis's.
const WHOLE: Limits = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };

impl Group {
    /// Takes the members over. They must be powered, at a standstill, and in no other enabled group.
    pub(super) fn enable(
        &mut self,
        id: GroupId,
        handle: Handle,
        axes: &mut [Axis],
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        match self.state {
            GroupDisabled => {}
            GroupErrorStop => return Err(Rejection::of(Reason::InFault)),
            _ if self.disabling.is_some() => return Err(Rejection::of(Reason::WrongState)),
            _ => {
                reports.progress(handle, Progress::Done);
                return Ok(());
            }
        }
        for member in self.members() {
            let axis = &axes[member];
            if axis.group.is_some() {
                return Err(Rejection::of(Reason::AxisInUse).at(member));
            }
            let reason = match axis.state {
                AxisState::Standstill if axis.locked => Reason::Stopped,
                AxisState::Standstill => continue,
                AxisState::Disabled => Reason::NotPowered,
                AxisState::ErrorStop => Reason::InFault,
                AxisState::Stopping => Reason::Stopped,
                _ => Reason::StillMoving,
            };
            return Err(Rejection::of(reason).at(member));
        }
        for member in self.members() {
            axes[member].group = Some(id);
        }
        self.phase = Phase::Idle;
        self.enter(GroupStandby);
        reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// Lets the members go, at rest.
    pub(super) fn disable(&mut self, handle: Handle, axes: &mut [Axis], reports: &mut Reports) {
        if self.state == GroupDisabled {
            reports.progress(handle, Progress::Done);
            return;
        }
        if let Some(earlier) = self.disabling.replace(handle) {
            reports.progress(earlier, Progress::Aborted);
        }
        reports.progress(handle, Progress::Active);
        self.end_all(Progress::Aborted, reports);
        if self.state != GroupErrorStop {
            if self.moving(axes) {
                self.enter(GroupStopping);
            }
            self.ramp(axes);
        }
        if !self.moving(axes) {
            self.disabling = None;
            reports.progress(handle, Progress::Done);
            self.phase = Phase::Idle;
            self.fault = None;
            self.let_go(axes);
            if self.state == GroupMoving {
                self.enter(GroupStandby);
            }
            self.enter(GroupDisabled);
        } else {
            self.phase = Phase::Ramping;
        }
    }

    /// Leaves GroupErrorStop and resets the members.
    pub(super) fn reset(&mut self, handle: Handle, axes: &mut [Axis], reports: &mut Reports) -> Result<(), Rejection> {
        if self.state == GroupErrorStop {
            if self.phase != Phase::Idle || self.moving(axes) {
                return Err(Rejection::of(Reason::StillMoving));
            }
            for member in self.members() {
                axes[member].check_reset().map_err(|rejection| rejection.at(member))?;
            }
            for member in self.members() {
                axes[member].reset();
            }
            self.fault = None;
            if self.members().all(|member| axes[member].power && axes[member].operational) {
                self.enter(GroupStandby);
                if self.locked {
                    self.enter(GroupStopping);
                }
            } else {
                self.let_go(axes);
                self.enter(GroupDisabled);
            }
        }
        reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// Moves all members.
    pub(super) fn move_to(
        &mut self,
        handle: Handle,
        request: &GroupMoveRequest<'_>,
        axes: &mut [Axis],
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        self.check_motion(request, axes)?;
        let limits = match request.shape {
            GroupShape::Linear => resolved(request.dynamics, &self.parameters.path_limits)?,
            GroupShape::Direct => resolved(request.dynamics, &WHOLE)?,
            // A path has a command of its own.
            GroupShape::Path => return Err(Rejection::of(Reason::WrongState)),
        };
        let busy = self.goal.is_some() || self.halting.is_some();
        let mut goal = Goal {
            handle,
            shape: request.shape,
            targets: [Target::default(); MAX_GROUP_AXES],
            limits,
            path: PathStart::NONE,
        };
        if request.buffer == BufferMode::Buffered && busy {
            if self.queue.is_full() {
                return Err(Rejection::with(Reason::QueueFull, self.queue.len() as f64, GROUP_QUEUE as f64));
            }
            for (i, member) in self.members().enumerate() {
                let base = known(self.planned_end(i, &axes[member]), request, &axes[member])?;
                let start = (State::rest(base.position), base.turns);
                goal.targets[i] = self.target(&axes[member], request, i, base, start)?;
            }
            self.queue.push(goal);
            return Ok(());
        }
        let resting = !self.moving(axes);
        // It comes to rest on its path, and begins there.
        let leaves_path = self.on_path && !resting;
        match request.shape {
            _ if leaves_path => {
                for (i, member) in self.members().enumerate() {
                    let axis = &axes[member];
                    let base = known(None, request, axis)?;
                    goal.targets[i] = self.target(axis, request, i, base, (State::rest(base.position), base.turns))?;
                    check_switches(axis, goal.targets[i], base)?;
                }
            }
            GroupShape::Linear => {
                for (i, member) in self.members().enumerate() {
                    let axis = &axes[member];
                    let base = if resting { axis.place() } else { self.stopped_place(i, axis) };
                    goal.targets[i] = self.target(axis, request, i, base, (State::rest(base.position), base.turns))?;
                    check_switches(axis, goal.targets[i], base)?;
                }
            }
            GroupShape::Path => {}
            GroupShape::Direct => {
                let direct = self.direct_plan(request, &mut goal, axes)?;
                self.direct = direct;
            }
        }
        self.end_all(Progress::Aborted, reports);
        reports.progress(handle, Progress::Active);
        self.goal = Some(goal);
        self.begun = false;
        if resting {
            self.leave_line(axes);
            self.start(goal, axes);
        } else if request.shape == GroupShape::Direct && self.override_ratio > 0.0 && !leaves_path {
            self.phase = Phase::Planning;
        } else {
            self.ramp(axes);
        }
        Ok(())
    }

    /// Targets and first solution of a direct move, from where the members will be when it starts.
    fn direct_plan(&self, request: &GroupMoveRequest<'_>, goal: &mut Goal, axes: &[Axis]) -> Result<Direct, Rejection> {
        let members = &self.members[..self.count];
        let mut direct = Direct::none();
        direct.predict(members, axes, self.on_line.then_some(&self.line), 0);
        for (i, member) in self.members().enumerate() {
            let axis = &axes[member];
            let place = direct.start_place(i, axis.parameters.modulo);
            goal.targets[i] = self.target(axis, request, i, place, direct.start(i))?;
            check_switches(axis, goal.targets[i], place)?;
        }
        let targets = &goal.targets[..self.count];
        direct.begin(members, axes, targets, &goal.limits, self.override_ratio);
        for (i, member) in self.members().enumerate() {
            direct.check(i, &axes[member])?;
        }
        Ok(direct)
    }

    fn check_motion(&self, request: &GroupMoveRequest<'_>, axes: &[Axis]) -> Result<(), Rejection> {
        if request.targets.len() != self.count {
            self.check_ready(axes)?;
            return Err(Rejection::with(Reason::NotFinite, request.targets.len() as f64, self.count as f64));
        }
        self.check_ready(axes)
    }

    /// It may be moved.
    pub(super) fn check_ready(&self, axes: &[Axis]) -> Result<(), Rejection> {
        match self.state {
            GroupDisabled => return Err(Rejection::of(Reason::GroupNotEnabled)),
            GroupErrorStop => {
                return Err(Rejection::with(Reason::InFault, f64::from(self.fault.map_or(0, Fault::code)), 0.0));
            }
            _ => {}
        }
        if self.locked {
            return Err(Rejection::of(Reason::Stopped));
        }
        if self.state == GroupStopping {
            return Err(Rejection::of(Reason::WrongState));
        }
        self.check_permitted(axes)
    }

    fn check_permitted(&self, axes: &[Axis]) -> Result<(), Rejection> {
        match self.members().find(|member| !axes[*member].permitted) {
            Some(member) => Err(Rejection::of(Reason::NotPermitted).at(member)),
            None => Ok(()),
        }
    }

    /// The target of member `i`, seen from `base`.
    fn target(
        &self,
        axis: &Axis,
        request: &GroupMoveRequest<'_>,
        i: usize,
        base: Target,
        (start, turns): (State, i64),
    ) -> Result<Target, Rejection> {
        let value = request.targets[i];
        let at = |rejection: Rejection| rejection.at(axis.index);
        if !value.is_finite() {
            return Err(at(Rejection::with(Reason::NotFinite, value, 0.0)));
        }
        let target = if request.relative {
            base.shifted(value, axis.parameters.modulo)
        } else {
            axis.absolute(value, Direction::Shortest, turns, start, &axis.parameters.limits).map_err(at)?
        };
        axis.check_target(target, base).map_err(at)?;
        Ok(target)
    }

    /// Where a member rests when everything accepted so far is done; `None` where that is not known: behind a path.
    pub(super) fn planned_end(&self, i: usize, axis: &Axis) -> Option<Target> {
        match (self.queue.last(), &self.goal) {
            (Some(goal), _) | (None, Some(goal)) if goal.shape != GroupShape::Path => Some(goal.targets[i]),
            (Some(_), _) => None,
            (None, Some(_)) => self.path_end(i, axis),
            (None, None) if self.on_path && self.path.moving() => None,
            (None, None) => Some(self.stopped_place(i, axis)),
        }
    }

    /// Where a member rests when the present motion is stopped now (or is being stopped).
    fn stopped_place(&self, i: usize, axis: &Axis) -> Target {
        let modulo = axis.parameters.modulo;
        if self.on_line && axis.follows_line {
            self.line.member_stopped(i, modulo)
        } else if axis.trajectory.running() {
            let profile = stop_profile(axis.present(), &axis.parameters.limits, &axis.soft_limits);
            Target::new(axis.setpoint.turns, profile.end().position, modulo)
        } else {
            axis.place()
        }
    }

    /// Comes to rest on the path; other motion may take over.
    pub(super) fn halt(&mut self, handle: Handle, axes: &mut [Axis], reports: &mut Reports) -> Result<(), Rejection> {
        match self.state {
            GroupDisabled => return Err(Rejection::of(Reason::GroupNotEnabled)),
            GroupErrorStop => {
                return Err(Rejection::with(Reason::InFault, f64::from(self.fault.map_or(0, Fault::code)), 0.0));
            }
            GroupStopping => return Err(Rejection::of(if self.locked { Reason::Stopped } else { Reason::WrongState })),
            GroupStandby => {
                reports.progress(handle, Progress::Done);
                return Ok(());
            }
            GroupMoving | GroupHoming => {}
        }
        self.end_all(Progress::Aborted, reports);
        self.halting = Some(handle);
        reports.progress(handle, Progress::Active);
        self.ramp(axes);
        Ok(())
    }

    /// The same of the active path alone: what waits behind it stays.
    pub(super) fn rest_from_path(&mut self, handle: Handle, axes: &mut [Axis], reports: &mut Reports) {
        if let Some(goal) = self.goal.take() {
            reports.progress(goal.handle, Progress::Aborted);
        }
        reports.progress(std::mem::take(&mut self.interrupting), Progress::Aborted);
        self.interrupted = false;
        self.begun = false;
        self.halting = Some(handle);
        reports.progress(handle, Progress::Active);
        self.ramp(axes);
    }

    /// Comes to rest on the path and keeps the move.
    pub(super) fn interrupt(
        &mut self,
        handle: Handle,
        axes: &mut [Axis],
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        match self.state {
            GroupDisabled => return Err(Rejection::of(Reason::GroupNotEnabled)),
            GroupErrorStop => {
                return Err(Rejection::with(Reason::InFault, f64::from(self.fault.map_or(0, Fault::code)), 0.0));
            }
            GroupMoving if self.goal.is_some() => {}
            _ => return Err(Rejection::of(Reason::WrongState)),
        }
        if self.interrupted && self.interrupting == Handle::NONE {
            reports.progress(handle, Progress::Done);
            return Ok(());
        }
        reports.progress(std::mem::replace(&mut self.interrupting, handle), Progress::Aborted);
        reports.progress(handle, Progress::Active);
        if !self.interrupted {
            self.interrupted = true;
            self.ramp(axes);
        }
        Ok(())
    }

    /// Takes the interrupted move up again, from wherever the group is.
    pub(super) fn resume(&mut self, handle: Handle, axes: &mut [Axis], reports: &mut Reports) -> Result<(), Rejection> {
        if self.state == GroupDisabled {
            return Err(Rejection::of(Reason::GroupNotEnabled));
        }
        let (true, Some(goal)) = (self.interrupted, self.goal) else {
            return Err(Rejection::of(Reason::NothingToContinue));
        };
        self.check_permitted(axes)?;
        self.interrupted = false;
        reports.progress(std::mem::take(&mut self.interrupting), Progress::Aborted);
        reports.progress(handle, Progress::Done);
        match goal.shape {
            GroupShape::Linear if self.begun => {
                self.line.go(self.override_ratio);
                self.phase = Phase::Running;
            }
            // Not yet begun: it begins when the ramp before it is over.
            GroupShape::Linear => self.phase = Phase::Ramping,
            GroupShape::Path => self.phase = Phase::Running,
            GroupShape::Direct if self.override_ratio > 0.0 => self.plan_direct(axes, 0),
            GroupShape::Direct => self.ramp(axes),
        }
        Ok(())
    }

    /// Sets the velocity override: of a line at once, of a direct move as soon as it is planned anew; 0 holds at once.
    pub(super) fn set_override(&mut self, ratio: f64, axes: &mut [Axis]) -> Result<(), Rejection> {
        let before = std::mem::replace(&mut self.override_ratio, override_ratio(ratio)?);
        let Some(goal) = self.goal else { return Ok(()) };
        if before == ratio || self.state != GroupMoving || self.interrupted {
            return Ok(());
        }
        match (goal.shape, self.phase) {
            (GroupShape::Linear, Phase::Running) => self.line.go(ratio),
            (GroupShape::Direct, Phase::Running | Phase::Planning) if ratio == 0.0 => {
                self.ramp(axes);
                // Held, not ended: at rest it waits for an override above 0.
                self.phase = if self.on_line { Phase::Ramping } else { Phase::Running };
            }
            (GroupShape::Direct, Phase::Running) => self.plan_direct(axes, 0),
            // A plan in the making is completed first; then it is compared with the override.
            _ => {}
        }
        Ok(())
    }

    /// Ramps down on the path and stays locked.
    pub(super) fn stop(&mut self, axes: &mut [Axis], reports: &mut Reports) {
        match self.state {
            GroupDisabled => return,
            GroupStandby | GroupMoving | GroupHoming => {
                self.end_all(Progress::Aborted, reports);
                self.enter(GroupStopping);
                self.ramp(axes);
            }
            // A member that has been reset by itself stands still beside one that is at fault.
            GroupStopping | GroupErrorStop => {}
        }
        for member in self.members() {
            let axis = &mut axes[member];
            if axis.locked && matches!(axis.state, AxisState::Standstill | AxisState::SynchronizedMotion) {
                axis.enter(AxisState::Stopping);
            }
        }
    }

    /// A member's fault, or one of the machine: ramps down on the path.
    pub(super) fn fail(&mut self, fault: Fault, axes: &mut [Axis], reports: &mut Reports) {
        if self.state == GroupDisabled {
            return;
        }
        self.end_all(Progress::Failed(fault), reports);
        if self.state != GroupErrorStop {
            self.fault = Some(fault);
            self.enter(GroupErrorStop);
        }
        self.ramp(axes);
    }

    /// Ends moves, halts and interruptions; a disable goes on.
    fn end_all(&mut self, progress: Progress, reports: &mut Reports) {
        if let Some(goal) = self.goal.take() {
            reports.progress(goal.handle, progress);
        }
        // At most GROUP_QUEUE times.
        while let Some(goal) = self.queue.pop() {
            reports.progress(goal.handle, progress);
        }
        if let Some(handle) = self.halting.take() {
            reports.progress(handle, progress);
        }
        reports.progress(std::mem::take(&mut self.interrupting), progress);
        self.interrupted = false;
        self.begun = false;
    }

    /// Comes to rest: on the line if the group is on one, else each member within its limits.
    fn ramp(&mut self, axes: &mut [Axis]) {
        self.line.stop();
        for member in self.members() {
            let axis = &mut axes[member];
            if !axis.follows_line && axis.trajectory.running() {
                axis.ramp();
            }
        }
        self.phase = Phase::Ramping;
    }
}

/// Where a move begins, if that is known. Else a position will do for an axis that is no modulo axis, seen from where it is.
fn known(base: Option<Target>, request: &GroupMoveRequest<'_>, axis: &Axis) -> Result<Target, Rejection> {
    match base {
        Some(base) => Ok(base),
        None if request.relative || axis.parameters.modulo.is_some() => {
            Err(Rejection::of(Reason::PathActive).at(axis.index))
        }
        None => Ok(axis.place()),
    }
}

/// On an active limit switch only motion away from it is accepted.
fn check_switches(axis: &Axis, target: Target, from: Target) -> Result<(), Rejection> {
    let distance = target.seen_from(from.turns, axis.parameters.modulo) - from.position;
    axis.check_switches(distance).map_err(|rejection| rejection.at(axis.index))
}
