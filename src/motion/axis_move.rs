//! Motion of one axis on its own: point to point, velocity, jog, halt.

use crate::ids::Handle;
use crate::limits::{AXIS_QUEUE, MAX_JOG_VALIDITY_NS, MAX_POSITION};

use super::axis::{Axis, Task, Waiting};
use super::dynamics::{override_ratio, resolved, signed_velocity, viable};
use super::kernel::MoveRequest;
use super::profile::{Profile, State, stopping_distance};
use super::reports::Reports;
use super::soft_limits::{admits, stop_profile};
use super::target::{Target, wrapped};
use super::trajectory::Trajectory;
use super::types::AxisState::*;
use super::types::{BufferMode, Direction, Dynamics, Limits, MoveKind, Progress, Reason, Rejection};

/// Share of a modulo range by which a target counts as reached, when a direction is asked for.
const SAME_PLACE: f64 = 1e-9;

impl Axis {
    /// Why no command may move this axis now, if so.
    pub(super) fn check_motion(&self) -> Result<(), Rejection> {
        match self.state {
            ErrorStop => {
                return Err(Rejection::with(Reason::InFault, f64::from(self.fault.map_or(0, |f| f.code())), 0.0));
            }
            Disabled => return Err(Rejection::of(Reason::NotPowered)),
            _ => {}
        }
        if self.group.is_some() {
            Err(Rejection::of(Reason::InGroup))
        } else if self.locked {
            Err(Rejection::of(Reason::Stopped))
        } else if self.state == Stopping || self.power_off_at_rest {
            Err(Rejection::of(Reason::WrongState))
        } else if !self.permitted {
            Err(Rejection::of(Reason::NotPermitted))
        } else {
            Ok(())
        }
    }

    /// Moves to a place.
    pub(super) fn move_to(
        &mut self,
        handle: Handle,
        request: MoveRequest,
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        self.check_motion()?;
        let limits = resolved(request.dynamics, &self.parameters.limits)?;
        let buffered = request.buffer == BufferMode::Buffered && self.task != Task::Rest;
        if buffered && matches!(self.task, Task::Velocity { .. } | Task::Jog { .. }) {
            // It would wait for the end of something that has none.
            return Err(Rejection::of(Reason::WrongState));
        }
        let target = self.target(&request, &limits, buffered)?;
        if buffered {
            if !self.queue.push(Waiting { handle, target, limits }) {
                return Err(Rejection::with(Reason::QueueFull, self.queue.len() as f64, AXIS_QUEUE as f64));
            }
            return Ok(());
        }
        self.check_switches(target.seen_from(self.setpoint.turns, self.parameters.modulo) - self.setpoint.position)?;
        let task = Task::Move { target, limits };
        let trajectory = self.admitted(self.plan(&task)?)?;
        self.begin(handle, task, trajectory, reports);
        Ok(())
    }

    /// Moves at a signed velocity.
    pub(super) fn move_at(
        &mut self,
        handle: Handle,
        velocity: f64,
        dynamics: Dynamics,
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        self.check_motion()?;
        let limits = resolved(Dynamics { velocity: None, ..dynamics }, &self.parameters.limits)?;
        let velocity = signed_velocity(velocity, &self.parameters.limits)?;
        self.check_switches(velocity)?;
        let task = Task::Velocity { velocity, limits };
        let trajectory = self.admitted(self.plan(&task)?)?;
        self.begin(handle, task, trajectory, reports);
        Ok(())
    }

    /// Moves at a signed velocity for a short time. A jog takes an earlier one over, which is then done.
    pub(super) fn jog(
        &mut self,
        handle: Handle,
        velocity: f64,
        valid_until_ns: u64,
        now_ns: u64,
        reports: &mut Reports,
    ) -> Result<(), Rejection> {
        self.check_motion()?;
        let velocity = signed_velocity(velocity, &self.parameters.limits)?;
        let Some(validity_ns) = valid_until_ns.checked_sub(now_ns).filter(|validity_ns| *validity_ns > 0) else {
            return Err(Rejection::of(Reason::JogExpired));
        };
        if validity_ns > MAX_JOG_VALIDITY_NS {
            return Err(Rejection::with(
                Reason::NotFinite,
                validity_ns as f64 * 1e-9,
                MAX_JOG_VALIDITY_NS as f64 * 1e-9,
            ));
        }
        self.check_switches(velocity)?;
        let task = Task::Jog { velocity, valid_until_ns, expired: false };
        if let Task::Jog { velocity: present, expired: false, .. } = self.task
            && present == velocity
        {
            self.task = task;
            reports.progress(std::mem::replace(&mut self.active, handle), Progress::Done);
            reports.progress(handle, Progress::Active);
            return Ok(());
        }
        let trajectory = self.admitted(self.plan(&task)?)?;
        if matches!(self.task, Task::Jog { .. }) {
            reports.progress(std::mem::take(&mut self.active), Progress::Done);
        }
        self.begin(handle, task, trajectory, reports);
        Ok(())
    }

    /// Comes to rest; done at once where it rests already.
    pub(super) fn halt(&mut self, handle: Handle, reports: &mut Reports) -> Result<(), Rejection> {
        match self.check_motion() {
            // Coming to rest needs nobody's permission.
            Err(Rejection { reason: Reason::NotPermitted, .. }) | Ok(()) => {}
            Err(rejection) => return Err(rejection),
        }
        if self.state == Standstill {
            reports.progress(handle, Progress::Done);
            return Ok(());
        }
        self.end_all(Progress::Aborted, reports);
        self.ramp();
        self.active = handle;
        self.task = Task::Halt;
        self.enter(DiscreteMotion);
        reports.progress(handle, Progress::Active);
        Ok(())
    }

    /// Calls the present place `position`.
    pub(super) fn set_position(&mut self, position: f64) -> Result<(), Rejection> {
        if self.group.is_some() {
            return Err(Rejection::of(Reason::InGroup));
        }
        match self.state {
            Disabled | Standstill => {}
            ErrorStop => {
                return Err(Rejection::with(Reason::InFault, f64::from(self.fault.map_or(0, |f| f.code())), 0.0));
            }
            Stopping => return Err(Rejection::of(Reason::WrongState)),
            _ => return Err(Rejection::of(Reason::StillMoving)),
        }
        if !position.is_finite() {
            return Err(Rejection::with(Reason::NotFinite, position, MAX_POSITION));
        }
        if position.abs() > MAX_POSITION {
            return Err(Rejection::with(Reason::PositionRange, position, MAX_POSITION));
        }
        let offset = position - self.setpoint.position;
        self.offset = self.parameters.modulo.map_or(offset, |modulo| wrapped(offset, modulo).1);
        self.referenced = true;
        self.place_soft_limits();
        Ok(())
    }

    /// Sets the velocity override.
    pub(super) fn set_override(&mut self, ratio: f64) -> Result<(), Rejection> {
        self.override_ratio = override_ratio(ratio)?;
        if !self.follows_line && self.group.is_none() {
            self.solve_again();
        }
        Ok(())
    }

    /// The validity of a jog is over.
    pub(super) fn expire_jog(&mut self) {
        if let Task::Jog { expired, .. } = &mut self.task {
            *expired = true;
            let task = self.task;
            self.ramp();
            self.task = task;
        }
    }

    /// The setpoint rests: what was it for?
    #[inline]
    pub(super) fn rested(&mut self, reports: &mut Reports) {
        match self.state {
            Standstill | Disabled => {
                if self.power_off_at_rest {
                    self.drop_power();
                }
            }
            DiscreteMotion | ContinuousMotion => self.task_rested(reports),
            Stopping => {
                if self.power_off_at_rest {
                    self.drop_power();
                } else if !self.locked {
                    self.enter(Standstill);
                }
            }
            ErrorStop => {
                if self.power_off_at_rest {
                    self.drop_power();
                }
            }
            SynchronizedMotion | Homing => {}
        }
    }

    fn task_rested(&mut self, reports: &mut Reports) {
        match self.task {
            Task::Move { target, .. } if self.place() == target => {
                if self.in_position.settled() {
                    self.done(reports);
                }
            }
            Task::Halt | Task::Jog { expired: true, .. } => self.done(reports),
            Task::Velocity { velocity, .. } | Task::Jog { velocity, .. } if self.against_soft_limit(velocity) => {
                if self.override_ratio > 0.0 {
                    self.end_all(Progress::Aborted, reports);
                    reports.soft_limit(self.index);
                    self.enter(Standstill);
                }
            }
            Task::Velocity { velocity: 0.0, .. } | Task::Jog { velocity: 0.0, .. } => {}
            Task::Move { .. } | Task::Velocity { .. } | Task::Jog { .. } => {
                if self.override_ratio > 0.0 {
                    self.solve_again();
                }
            }
            Task::Rest => self.enter(Standstill),
        }
    }

    /// The active command has reached what it was for; the next one begins.
    fn done(&mut self, reports: &mut Reports) {
        reports.progress(std::mem::take(&mut self.active), Progress::Done);
        self.task = Task::Rest;
        let Some(Waiting { handle, target, limits }) = self.queue.pop() else {
            self.enter(Standstill);
            return;
        };
        self.active = handle;
        self.task = Task::Move { target, limits };
        self.in_position.clear();
        self.enter(DiscreteMotion);
        reports.progress(handle, Progress::Active);
        self.solve_again();
    }

    /// Takes over from whatever was active.
    fn begin(&mut self, handle: Handle, task: Task, trajectory: Trajectory, reports: &mut Reports) {
        self.end_all(Progress::Aborted, reports);
        self.active = handle;
        self.task = task;
        self.keep_jerk();
        self.trajectory = trajectory;
        self.in_position.clear();
        self.enter(if matches!(task, Task::Move { .. }) { DiscreteMotion } else { ContinuousMotion });
        reports.progress(handle, Progress::Active);
    }

    /// A jerk that has to be raised stays so for the task: the way to brake that is left is reckoned with it.
    fn keep_jerk(&mut self) {
        let start = self.present();
        if let Task::Move { limits, .. } | Task::Velocity { limits, .. } = &mut self.task {
            limits.jerk = viable(&start, *limits, &self.parameters.limits).jerk;
        }
    }

    /// Plans the present task anew from the present state: another override, or the way is free again.
    fn solve_again(&mut self) {
        if matches!(self.task, Task::Rest | Task::Halt | Task::Jog { expired: true, .. }) {
            return;
        }
        self.keep_jerk();
        let planned = self.plan(&self.task).and_then(|trajectory| self.admitted(trajectory));
        // What was accepted is never refused later: where it cannot go on at once it comes to rest first, inside the limits.
        self.trajectory = planned.unwrap_or_else(|_| {
            let profile = stop_profile(self.present(), &self.parameters.limits, &self.soft_limits);
            Trajectory::start(profile, self.setpoint.turns, None)
        });
    }

    /// The trajectory of a task from the present state, at the present override.
    fn plan(&self, task: &Task) -> Result<Trajectory, Rejection> {
        let hard = &self.parameters.limits;
        let start = self.present();
        let turns = self.setpoint.turns;
        let hold = |limits| {
            let profile = Profile::stop(start, &viable(&start, limits, hard));
            Trajectory::start(profile, turns, None)
        };
        match *task {
            Task::Move { target, limits } => {
                let velocity = (limits.velocity * self.override_ratio).min(hard.velocity);
                if velocity == 0.0 {
                    return Ok(hold(limits));
                }
                let limits = viable(&start, Limits { velocity, ..limits }, hard);
                let profile = Profile::to_position(start, target.seen_from(turns, self.parameters.modulo), &limits);
                Ok(Trajectory::start(profile, turns, Some(target)))
            }
            Task::Velocity { velocity, limits } => self.plan_velocity(velocity, limits, hold),
            Task::Jog { velocity, .. } => self.plan_velocity(velocity, *hard, hold),
            Task::Halt | Task::Rest => Ok(hold(*hard)),
        }
    }

    /// Towards a soft limit a velocity is a move to that limit: it cruises at the velocity and comes to rest there.
    fn plan_velocity(
        &self,
        velocity: f64,
        limits: Limits,
        hold: impl Fn(Limits) -> Trajectory,
    ) -> Result<Trajectory, Rejection> {
        let hard = &self.parameters.limits;
        let start = self.present();
        let wanted = (velocity * self.override_ratio).clamp(-hard.velocity, hard.velocity);
        if self.against_soft_limit(velocity) {
            let position = self.setpoint.position;
            return Err(self.soft_limits.refusal((position, position), self.offset));
        }
        if wanted == 0.0 {
            return Ok(hold(limits));
        }
        let limits = viable(&start, Limits { velocity: wanted.abs(), ..limits }, hard);
        let bound = if wanted > 0.0 { self.soft_limits.high } else { self.soft_limits.low };
        if bound.is_finite() {
            let end = Target { turns: 0, position: bound };
            return Ok(Trajectory::start(Profile::to_position(start, bound, &limits), self.setpoint.turns, Some(end)));
        }
        Ok(Trajectory::start(Profile::to_velocity(start, wanted, &limits), self.setpoint.turns, None))
    }

    /// At or beyond the soft limit in the direction of `velocity`.
    fn against_soft_limit(&self, velocity: f64) -> bool {
        let position = self.setpoint.position;
        (velocity > 0.0 && position >= self.soft_limits.high) || (velocity < 0.0 && position <= self.soft_limits.low)
    }

    /// Refuses a trajectory that would leave the soft limits, unless no stop could prevent it.
    fn admitted(&self, trajectory: Trajectory) -> Result<Trajectory, Rejection> {
        admits(trajectory.profile(), &self.parameters.limits, &self.soft_limits)
            .map_err(|extent| self.soft_limits.refusal(extent, self.offset))?;
        Ok(trajectory)
    }

    /// On an active limit switch only motion away from it is accepted.
    pub(super) fn check_switches(&self, direction: f64) -> Result<(), Rejection> {
        if (direction > 0.0 && self.positive_limit) || (direction < 0.0 && self.negative_limit) {
            return Err(Rejection::of(Reason::LimitSwitch));
        }
        Ok(())
    }

    /// Where a move ends, if it may go there.
    fn target(&self, request: &MoveRequest, limits: &Limits, buffered: bool) -> Result<Target, Rejection> {
        if !request.target.is_finite() {
            return Err(Rejection::with(Reason::NotFinite, request.target, MAX_POSITION));
        }
        let planned_end = self.queue.last().map_or_else(|| self.commanded_end(), |waiting| waiting.target);
        let base = if buffered || request.kind == MoveKind::Additive { planned_end } else { self.place() };
        let target = match request.kind {
            MoveKind::Relative | MoveKind::Additive => base.shifted(request.target, self.parameters.modulo),
            MoveKind::Absolute => {
                let start = if buffered { State::rest(base.position) } else { self.present() };
                self.absolute(request.target, request.direction, base.turns, start, limits)?
            }
        };
        self.check_target(target, if buffered { base } else { self.place() })?;
        Ok(target)
    }

    /// Where the active command ends.
    fn commanded_end(&self) -> Target {
        match self.task {
            Task::Move { target, .. } => target,
            Task::Halt if self.trajectory.running() => self.trajectory.end(self.parameters.modulo),
            _ => self.place(),
        }
    }

    /// An absolute position, seen from `start` in turn `turns`.
    pub(super) fn absolute(
        &self,
        target: f64,
        direction: Direction,
        turns: i64,
        start: State,
        limits: &Limits,
    ) -> Result<Target, Rejection> {
        if !self.referenced {
            return Err(Rejection::of(Reason::NotReferenced));
        }
        let position = target - self.offset;
        let Some(modulo) = self.parameters.modulo else { return Ok(Target { turns: 0, position }) };
        let position = wrapped(position, modulo).1;
        // Seen from where it could stop, so that no turn is chosen that needs a way back.
        let base = start.position
            + stopping_distance(start.velocity, start.acceleration, &viable(&start, *limits, &self.parameters.limits));
        let ahead = (base - position) / modulo;
        let direction = match direction {
            Direction::Current if start.velocity > 0.0 => Direction::Positive,
            Direction::Current if start.velocity < 0.0 => Direction::Negative,
            other => other,
        };
        let whole = match direction {
            Direction::Positive => (ahead - SAME_PLACE).ceil(),
            Direction::Negative => (ahead + SAME_PLACE).floor(),
            Direction::Shortest | Direction::Current => ahead.round(),
        };
        Ok(Target { turns: turns.saturating_add(whole as i64), position })
    }

    /// Refuses a target outside the soft limits (from outside: further out than `base`) or beyond what can be represented.
    pub(super) fn check_target(&self, target: Target, base: Target) -> Result<(), Rejection> {
        let modulo = self.parameters.modulo;
        let distance = target.seen_from(base.turns, modulo) - base.position;
        let largest = distance.abs().max(target.position.abs());
        if largest.is_nan() || largest > MAX_POSITION {
            return Err(Rejection::with(Reason::PositionRange, largest, MAX_POSITION));
        }
        if modulo.is_none() && !self.permitted_end(target.position, base.position) {
            return Err(self.soft_limits.refusal((target.position, target.position), self.offset));
        }
        Ok(())
    }

    /// Inside the soft limits; from outside, anywhere that is no way back out.
    fn permitted_end(&self, target: f64, base: f64) -> bool {
        if self.soft_limits.contains(target) {
            return true;
        }
        if self.soft_limits.contains(base) {
            return false;
        }
        let stop = stop_profile(self.present(), &self.parameters.limits, &self.soft_limits).end().position;
        if base > self.soft_limits.high {
            (self.soft_limits.low..=base.min(stop)).contains(&target)
        } else {
            (base.max(stop)..=self.soft_limits.high).contains(&target)
        }
    }
}
