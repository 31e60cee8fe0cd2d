//! The object that the cycle owns: commands in, one period a step, outcomes out.

use crate::fault::{Fault, Reaction};
use crate::ids::{AxisId, GroupId, Handle};

use super::axis::Axis;
use super::group::Group;
use super::parameters::{AxisParameters, GroupParameters};
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
#[derive(Clone, Debug)]
pub struct Motion {
    axes: Vec<Axis>,
    groups: Vec<Group>,
}

impl Motion {
    /// Everything disabled. `period_s` is what one step advances.
    pub fn new(axes: Vec<AxisParameters>, groups: Vec<GroupParameters>, period_s: f64) -> Motion {
        let _ = period_s;
        Motion { axes: axes.into_iter().map(Axis::new).collect(), groups: groups.into_iter().map(Group::new).collect() }
    }

    /// Every axis, by [`AxisId::index`].
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// Every group, by [`GroupId::index`].
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Enables the drive, or ramps down and disables it. Done when the drive has followed.
    pub fn power(&mut self, handle: Handle, axis: AxisId, on: bool) -> Result<(), Rejection> {
        let _ = (handle, axis, on);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Leaves ErrorStop: to Standstill where the drive is still enabled, else to Disabled.
    pub fn reset(&mut self, handle: Handle, axis: AxisId) -> Result<(), Rejection> {
        let _ = (handle, axis);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Moves to a place.
    pub fn move_axis(&mut self, handle: Handle, axis: AxisId, request: MoveRequest) -> Result<(), Rejection> {
        let _ = (handle, axis, request);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Moves at a signed velocity until something else is asked for.
    pub fn velocity(
        &mut self,
        handle: Handle,
        axis: AxisId,
        velocity: f64,
        dynamics: Dynamics,
    ) -> Result<(), Rejection> {
        let _ = (handle, axis, velocity, dynamics);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Moves at a signed velocity until `valid_until_ns`, unless refreshed by another jog; then ramps down.
    pub fn jog(
        &mut self,
        handle: Handle,
        axis: AxisId,
        velocity: f64,
        valid_until_ns: u64,
        now_ns: u64,
    ) -> Result<(), Rejection> {
        let _ = (handle, axis, velocity, valid_until_ns, now_ns);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Comes to rest; other motion may take over before that.
    pub fn halt(&mut self, handle: Handle, axis: AxisId) -> Result<(), Rejection> {
        let _ = (handle, axis);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Calls the present place this position; gives the axis its reference.
    pub fn set_position(&mut self, handle: Handle, axis: AxisId, position: f64) -> Result<(), Rejection> {
        let _ = (handle, axis, position);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Sets the velocity override, ratio 0 to 2; takes effect at once.
    pub fn set_override(&mut self, handle: Handle, axis: AxisId, ratio: f64) -> Result<(), Rejection> {
        let _ = (handle, axis, ratio);
        Err(Rejection::of(Reason::WrongState))
    }

    /// GroupDisabled → GroupStandby.
    pub fn group_enable(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let _ = (handle, group);
        Err(Rejection::of(Reason::WrongState))
    }

    /// → GroupDisabled; a moving group ramps down first.
    pub fn group_disable(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let _ = (handle, group);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Leaves GroupErrorStop, resetting each member.
    pub fn group_reset(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let _ = (handle, group);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Moves all axes of a group.
    pub fn group_move(
        &mut self,
        handle: Handle,
        group: GroupId,
        request: GroupMoveRequest<'_>,
    ) -> Result<(), Rejection> {
        let _ = (handle, group, request);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Comes to rest on the path; other motion may take over.
    pub fn group_halt(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let _ = (handle, group);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Comes to rest on the path and keeps the move for [`Motion::group_continue`].
    pub fn group_interrupt(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let _ = (handle, group);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Takes the interrupted move up again.
    pub fn group_continue(&mut self, handle: Handle, group: GroupId) -> Result<(), Rejection> {
        let _ = (handle, group);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Sets the velocity override of a group, ratio 0 to 2.
    pub fn group_override(&mut self, handle: Handle, group: GroupId, ratio: f64) -> Result<(), Rejection> {
        let _ = (handle, group, ratio);
        Err(Rejection::of(Reason::WrongState))
    }

    /// Stops an axis (and, where its group moves it, that group); locked until released. Never refused.
    pub fn stop_axis(&mut self, axis: AxisId) {
        let _ = axis;
    }

    /// Ends the lock of [`Motion::stop_axis`].
    pub fn release_axis(&mut self, axis: AxisId) -> Result<(), Rejection> {
        let _ = axis;
        Err(Rejection::of(Reason::NotStopped))
    }

    /// Stops the axes of a group; locked until released. Never refused.
    pub fn stop_group(&mut self, group: GroupId) {
        let _ = group;
    }

    /// Ends the lock of [`Motion::stop_group`].
    pub fn release_group(&mut self, group: GroupId) -> Result<(), Rejection> {
        let _ = group;
        Err(Rejection::of(Reason::NotStopped))
    }

    /// Stops every axis; locked until released. Never refused.
    pub fn stop_machine(&mut self) {}

    /// Ends the lock of [`Motion::stop_machine`].
    pub fn release_machine(&mut self) -> Result<(), Rejection> {
        Err(Rejection::of(Reason::NotStopped))
    }

    /// A fault of one axis. Its enabled group stops with it, whatever the scope.
    pub fn fault(&mut self, axis: AxisId, fault: Fault, reaction: Reaction) {
        let _ = (axis, fault, reaction);
    }

    /// A fault of the machine: every axis that is powered goes to ErrorStop.
    pub fn fault_all(&mut self, fault: Fault, reaction: Reaction) {
        let _ = (fault, reaction);
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
        let _ = (now_ns, inputs, outputs, outcomes);
    }
}
