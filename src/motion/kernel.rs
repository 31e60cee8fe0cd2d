//! The object that the cycle owns: commands in, one period a step, outcomes out.

use crate::fault::{Fault, Reaction, Scope, StopKind};
use crate::geometry::Piece;
use crate::ids::{AxisId, GroupId, Handle};

use super::axis::Axis;
use super::group::Group;
use super::group_path::{PathRequest, PieceFate};
use super::parameters::{AxisParameters, GroupParameters, MotionFigures};
use super::reports::Reports;
use super::types::*;

/// A move of one axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MoveRequest {
    /// What `target` means.
    pub kind: MoveKind,
    /// Axis units: a position in axis coordinates (absolute; modulo axes take it modulo), or a distance.
    pub target: f64,
    /// How fast.
    pub dynamics: Dynamics,
    /// When.
    pub buffer: BufferMode,
    /// Which way a modulo axis goes to an absolute position.
    pub direction: Direction,
}

/// A move of all axes of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupMoveRequest<'a> {
    /// Its shape.
    pub shape: GroupShape,
    /// One value an axis, in the group's order: positions in axis coordinates, or distances.
    pub targets: &'a [f64],
    /// `targets` are distances.
    pub relative: bool,
    /// Linear: of the path. Direct: shares of each axis limit, in (0, 1].
    pub dynamics: Dynamics,
    /// When.
    pub buffer: BufferMode,
}

/// All axes and groups of a machine.
///
/// A command method returns `Ok` when the command is accepted; its progress is then reported by the next
/// [`Motion::step`], which belongs to the same cycle. A rejection changes nothing.
///
/// A discrete move is done when the setpoint is at its target and the feedback has been in the in-position window for the
/// settle time; there is no time-out of its own, since an axis that never gets there is a following error. Members of an enabled group
/// are moved by the group only, at rest as well. A halt, a stop and a fault ramp with the full axis (path) limits.
#[derive(Clone, Debug)]
pub struct Motion {
    axes: Vec<Axis>,
    groups: Vec<Group>,
    reports: Reports,
    /// A stop of the machine.
    stopped: bool,
}

impl Motion {
    /// Everything disabled. `period_s` is what one step advances. The parameters are taken as the configuration checked them:
    /// limits positive and finite, group axes existing and each once.
    pub fn new(axes: Vec<AxisParameters>, groups: Vec<GroupParameters>, period_s: f64) -> Motion {
        let reports = Reports::new(axes.len(), groups.len());
        let axes: Vec<Axis> =
            axes.into_iter().enumerate().map(|(index, parameters)| Axis::new(index, parameters, period_s)).collect();
        let exists = |axis: &AxisId| axis.index() < axes.len();
        let groups = groups
            .into_iter()
            .map(|mut parameters| {
                parameters.axes.retain(exists);
                Group::new(parameters, period_s)
            })
            .collect();
        Motion { axes, groups, reports, stopped: false }
    }

    /// Every axis, by [`AxisId::index`].
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Every group, by [`GroupId::index`].
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Locked by a stop of the machine.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// Enables the drive, or ramps down and disables it. Done when the drive has followed. An axis that coasts is not enabled. Switching a member of an enabled group
    /// off disables that group, too.
    pub fn power(&mut self, handle: Handle, axis: AxisId, on: bool) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        if on {
            self.axes[axis].check_power_on()?;
            self.axes[axis].power_on(handle, &mut self.reports);
            return Ok(());
        }
        if let Some(group) = self.axes[axis].group().and_then(|group| self.groups.get_mut(group.index()))
            && group.state() != GroupState::GroupErrorStop
        {
            group.disable(Handle::NONE, &mut self.axes, &mut self.reports);
        }
        self.axes[axis].power_off(handle, &mut self.reports);
        Ok(())
    }

    /// Leaves ErrorStop: to Standstill where the drive is still enabled, else to Disabled. Done at once; nothing to do in other states.
    pub fn reset(&mut self, handle: Handle, axis: AxisId) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        self.axes[axis].check_reset()?;
        self.axes[axis].reset();
        self.reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// Moves to a place. A buffered move is refused behind a velocity or a jog, which have no end.
    pub fn move_axis(&mut self, handle: Handle, axis: AxisId, request: MoveRequest) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        self.axes[axis].move_to(handle, request, &mut self.reports)
    }

    /// Moves at a signed velocity until something else is asked for. Reaching a soft limit it comes to rest there and
    /// ends as aborted.
    pub fn velocity(
        &mut self,
        handle: Handle,
        axis: AxisId,
        velocity: f64,
        dynamics: Dynamics,
    ) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        self.axes[axis].move_at(handle, velocity, dynamics, &mut self.reports)
    }

    /// Moves at a signed velocity until `valid_until_ns` (at most [`crate::limits::MAX_JOG_VALIDITY_NS`] from now), unless
    /// another jog takes it over (this one is done then); then ramps down and is done.
    pub fn jog(
        &mut self,
        handle: Handle,
        axis: AxisId,
        velocity: f64,
        valid_until_ns: u64,
        now_ns: u64,
    ) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        self.axes[axis].jog(handle, velocity, valid_until_ns, now_ns, &mut self.reports)
    }

    /// Comes to rest; other motion may take over before that.
    pub fn halt(&mut self, handle: Handle, axis: AxisId) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        self.axes[axis].halt(handle, &mut self.reports)
    }

    /// Calls the present place this position; gives the axis its reference. Only at rest (Disabled, Standstill); nothing moves.
    pub fn set_position(&mut self, handle: Handle, axis: AxisId, position: f64) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        self.axes[axis].set_position(position)?;
        self.reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// Why an axis may not get these figures now, if so; see [`Motion::set_figures`].
    pub fn check_figures(&self, axis: AxisId, figures: &MotionFigures) -> Result<(), Rejection> {
        let axis = self.axes.get(axis.index()).ok_or(Rejection::of(Reason::NoSuchAxis))?;
        axis.check_figures(figures)?;
        let group = axis.group().and_then(|group| self.groups.get(group.index()));
        if axis.needs_rest(figures) && group.is_some_and(|group| !group.is_idle(&self.axes)) {
            return Err(axis.not_at_rest());
        }
        Ok(())
    }

    /// Gives an axis other figures. Limits and soft limits change only while neither the axis nor its group has anything to do,
    /// so that no motion is ever made of two sets of limits, and soft limits only to such as hold the present setpoint;
    /// windows change at any time, and settling then begins anew.
    pub fn set_figures(&mut self, handle: Handle, axis: AxisId, figures: &MotionFigures) -> Result<(), Rejection> {
        self.check_figures(axis, figures)?;
        let axis = self.admit_axis(axis)?;
        self.axes[axis].set_figures(figures);
        self.reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// Sets the velocity override, ratio 0 (holds; commands stay active) to 2 (at most the axis limit); takes effect at once.
    pub fn set_override(&mut self, handle: Handle, axis: AxisId, ratio: f64) -> Result<(), Rejection> {
        let axis = self.admit_axis(axis)?;
        self.axes[axis].set_override(ratio)?;
        self.reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// GroupDisabled → GroupStandby. Every member must be at a standstill and in no other enabled group.
    pub fn group_enable(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let index = self.admit_group(group)?;
        self.groups[index].enable(group, handle, &mut self.axes, &mut self.reports)
    }

    /// → GroupDisabled; a moving group ramps down first.
    pub fn group_disable(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].disable(handle, &mut self.axes, &mut self.reports);
        Ok(())
    }

    /// Whether an axis may move, known before the next [`Motion::step`]: a reset of the machine counts at once.
    pub fn set_permitted(&mut self, axis: AxisId, permitted: bool) {
        if let Some(axis) = self.axes.get_mut(axis.index()) {
            axis.permitted = permitted;
        }
    }

    /// Leaves GroupErrorStop, resetting each member: to GroupStandby, or GroupDisabled where a member has lost its power.
    pub fn group_reset(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].reset(handle, &mut self.axes, &mut self.reports)
    }

    /// Moves all axes of a group. A direct move starts when it is planned, one axis a cycle; a line that takes over from
    /// motion starts when that has come to rest on its own path.
    pub fn group_move(
        &mut self,
        handle: Handle,
        group: GroupId,
        request: GroupMoveRequest<'_>,
    ) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].move_to(handle, &request, &mut self.axes, &mut self.reports)
    }

    /// Begins a path from rest; what it is made of comes by [`Motion::offer_piece`].
    pub fn group_path(&mut self, handle: Handle, group: GroupId, request: PathRequest<'_>) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].begin_path(handle, &request, &mut self.axes, &mut self.reports)
    }

    /// What an operator does with the path of a group.
    pub fn group_path_act(&mut self, handle: Handle, group: GroupId, act: PathAct) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].act_on_path(handle, act, &mut self.axes, &mut self.reports)
    }

    /// A piece of the path of a group, behind those before it.
    #[inline]
    pub fn offer_piece(&mut self, group: GroupId, piece: &Piece) -> PieceFate {
        self.groups.get_mut(group.index()).map_or(PieceFate::Dropped, |group| group.offer(piece))
    }

    /// Comes to rest on the path; other motion may take over.
    pub fn group_halt(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].halt(handle, &mut self.axes, &mut self.reports)
    }

    /// Comes to rest on the path and keeps the move for [`Motion::group_continue`].
    pub fn group_interrupt(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].interrupt(handle, &mut self.axes, &mut self.reports)
    }

    /// Takes the interrupted move up again: the same line, the same targets.
    pub fn group_continue(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].resume(handle, &mut self.axes, &mut self.reports)
    }

    /// Sets the velocity override of a group, ratio 0 to 2.
    pub fn group_override(&mut self, handle: Handle, group: GroupId, ratio: f64) -> Result<(), Rejection> {
        let group = self.admit_group(group)?;
        self.groups[group].set_override(ratio, &mut self.axes)?;
        self.reports.progress(handle, Progress::Done);
        Ok(())
    }

    /// Stops an axis (and, where its group is enabled, that group, on its path); locked until released. Never refused.
    pub fn stop_axis(&mut self, axis: AxisId) {
        if let Some(axis) = self.axes.get_mut(axis.index()) {
            axis.stopped = true;
            self.update_locks();
        }
    }

    /// Stops the axes of a group, enabled or not; locked until released. Never refused.
    pub fn stop_group(&mut self, group: GroupId) {
        if let Some(group) = self.groups.get_mut(group.index()) {
            group.stopped = true;
            self.update_locks();
        }
    }

    /// Stops every axis; locked until released. Never refused.
    pub fn stop_machine(&mut self) {
        self.stopped = true;
        self.update_locks();
    }

    /// Ends the lock of [`Motion::stop_axis`].
    pub fn release_axis(&mut self, axis: AxisId) -> Result<(), Rejection> {
        let axis = self.axes.get_mut(axis.index()).ok_or(Rejection::of(Reason::NoSuchAxis))?;
        let stopped = std::mem::take(&mut axis.stopped);
        self.released(stopped)
    }

    /// Ends the lock of [`Motion::stop_group`].
    pub fn release_group(&mut self, group: GroupId) -> Result<(), Rejection> {
        let group = self.groups.get_mut(group.index()).ok_or(Rejection::of(Reason::NoSuchGroup))?;
        let stopped = std::mem::take(&mut group.stopped);
        self.released(stopped)
    }

    /// Ends the lock of [`Motion::stop_machine`].
    pub fn release_machine(&mut self) -> Result<(), Rejection> {
        let stopped = std::mem::take(&mut self.stopped);
        self.released(stopped)
    }

    fn released(&mut self, was_stopped: bool) -> Result<(), Rejection> {
        self.update_locks();
        if was_stopped { Ok(()) } else { Err(Rejection::of(Reason::NotStopped)) }
    }

    /// A fault of one axis: it goes to ErrorStop, and its enabled group to GroupErrorStop, stopping on its path. With the scope
    /// of the whole machine every powered axis goes to ErrorStop.
    pub fn fault(&mut self, axis: AxisId, fault: Fault, reaction: Reaction) {
        let Some(failed) = self.axes.get_mut(axis.index()) else { return };
        failed.fail(fault, reaction.stop, &mut self.reports);
        if reaction.scope == Scope::All {
            self.fault_all(fault, reaction);
        } else if let Some(group) = failed.group().and_then(|group| self.groups.get_mut(group.index())) {
            group.fail(Fault::MemberFault, &mut self.axes, &mut self.reports);
        }
    }

    /// A fault of the machine: every axis that is powered, or moving, goes to ErrorStop. Axes that are Disabled stay so: there
    /// is nothing to stop.
    pub fn fault_all(&mut self, fault: Fault, reaction: Reaction) {
        for axis in &mut self.axes {
            if axis.power || axis.operational || axis.state() != AxisState::Disabled {
                let stop = if axis.power || axis.operational { reaction.stop } else { StopKind::Ramp };
                axis.fail(fault, stop, &mut self.reports);
            }
        }
        for group in &mut self.groups {
            group.fail(fault, &mut self.axes, &mut self.reports);
        }
    }

    /// Advances everything by exactly one period: called once for each image that is sent. Slices are indexed
    /// by axis; missing elements are skipped.
    pub fn step(
        &mut self,
        now_ns: u64,
        inputs: &[AxisInputs],
        outputs: &mut [AxisOutputs],
        outcomes: &mut impl Outcomes,
    ) {
        for (index, input) in (0..self.axes.len()).zip(inputs) {
            if let Some(fault) = self.axes[index].observe(input, &mut self.reports) {
                self.reports.fault(index, fault);
                self.fault(AxisId(index as u8), fault, fault.reaction());
            }
        }
        for group in &mut self.groups {
            group.step(&mut self.axes, &mut self.reports);
        }
        for ((axis, input), output) in self.axes.iter_mut().zip(inputs).zip(outputs) {
            *output = axis.advance(now_ns, input.following_error, &mut self.reports);
        }
        self.reports.flush(outcomes);
    }

    /// Who is locked by which stop; whatever became locked stops.
    fn update_locks(&mut self) {
        for axis in &mut self.axes {
            axis.locked = self.stopped || axis.stopped;
        }
        for group in self.groups.iter().filter(|group| group.stopped) {
            for member in group.members() {
                self.axes[member].locked = true;
            }
        }
        for group in &mut self.groups {
            group.locked = group.stopped || group.members().any(|member| self.axes[member].locked);
            if group.locked {
                group.stop(&mut self.axes, &mut self.reports);
            }
        }
        for axis in &mut self.axes {
            if axis.locked && axis.group().is_none() {
                axis.stop(&mut self.reports);
            }
        }
    }

    fn admit_axis(&mut self, axis: AxisId) -> Result<usize, Rejection> {
        if axis.index() >= self.axes.len() {
            return Err(Rejection::of(Reason::NoSuchAxis));
        }
        self.reports.admit()?;
        Ok(axis.index())
    }

    fn admit_group(&mut self, group: GroupId) -> Result<usize, Rejection> {
        if group.index() >= self.groups.len() {
            return Err(Rejection::of(Reason::NoSuchGroup));
        }
        self.reports.admit()?;
        Ok(group.index())
    }
}
