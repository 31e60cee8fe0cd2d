//! The snapshot of one cycle, written in place into the newest-value cell.

use super::Cycle;
use super::axis_slot::AxisSlot;
use crate::exchange::command::StopScope;
use crate::exchange::snapshot::{AxisFlags, AxisSnapshot, BusSnapshot, GroupSnapshot, MachineSnapshot, PathLeft};
use crate::exchange::stop::StopReader;
use crate::fault::Fault;
use crate::ids::GroupId;
use crate::motion::path::{Passage, PathMotion};
use crate::motion::{Axis, Group, PathState, StreamClock};

impl Cycle {
    /// Publishes what this cycle saw and decided.
    pub(super) fn publish(&mut self) {
        let (motion, stops) = (&self.motion, &self.stops);
        let machine = MachineSnapshot {
            cycle: self.cycle,
            time_ns: self.cycle_start_ns,
            inputs: self.input_state.active,
            outputs: self.outputs_on,
            skipped: self.skipped,
            events_dropped: self.outlet.events_dropped,
            stop_generation: stops.seen(StopScope::Machine),
            stopped: self.machine_stopped,
            permitted: self.machine_faults.is_empty() && self.input_state.safe && self.input_state.enabled,
            fault: self.machine_faults.iter().next().map_or(0, Fault::code),
        };
        let axes = self.axes.iter().zip(motion.axes()).zip(stops.seen_axes());
        let axes = axes.map(|((slot, seen), stop)| axis(slot, seen, *stop));
        let groups = motion.groups().iter().enumerate().map(|(index, seen)| group(GroupId(index as u8), seen, stops));
        let buses = self.buses.iter().map(|slot| BusSnapshot {
            up: slot.watch.up(),
            ring_whole: slot.report.ring_whole,
            frames_lost: slot.watch.frames_lost,
            frames_late: slot.watch.frames_late,
            working_counter_errors: slot.watch.working_counter_errors,
            not_operational: slot.report.not_operational,
            dropped: slot.watch.dropped(),
            late_by_clock_ns: slot.report.late_by_bus_clock_ns.unwrap_or(0),
        });
        self.snapshots.publish(&machine, axes, groups, buses, self.analogs.values());
    }
}

#[inline]
fn axis(slot: &AxisSlot, axis: &Axis, stop_generation: u64) -> AxisSnapshot {
    let feedback = slot.drive.feedback();
    let setpoint = axis.setpoint();
    let (positive_limit, negative_limit) = axis.on_limit_switches();
    let flags = AxisFlags::default()
        .with(AxisFlags::OPERATIONAL, slot.operational())
        .with(AxisFlags::REFERENCED, axis.referenced())
        .with(AxisFlags::IN_POSITION, axis.in_position())
        .with(AxisFlags::POSITIVE_LIMIT, positive_limit)
        .with(AxisFlags::NEGATIVE_LIMIT, negative_limit)
        .with(AxisFlags::STOPPED, axis.locked())
        .with(AxisFlags::BRAKE_OPEN, feedback.brake_open)
        .with(AxisFlags::WARNING, feedback.warning)
        .with(AxisFlags::INTERNAL_LIMIT, feedback.internal_limit)
        .with(AxisFlags::FRESH, slot.fresh);
    AxisSnapshot {
        state: axis.state(),
        drive_state: feedback.state as u8,
        flags,
        fault: axis.fault().map_or(0, Fault::code),
        drive_error: feedback.error_code,
        setpoint: axis.position(),
        velocity: setpoint.velocity,
        acceleration: setpoint.acceleration,
        actual: axis.to_axis_coordinates(feedback.position),
        actual_velocity: feedback.velocity,
        following_error: slot.finding.following_error,
        following_ratio: slot.finding.following_ratio,
        torque: feedback.torque_ratio,
        override_ratio: axis.override_ratio(),
        active: axis.active().0,
        stop_generation,
        turns: setpoint.turns,
    }
}

fn group(id: GroupId, group: &Group, stops: &StopReader) -> GroupSnapshot {
    let (path, path_state) = (group.path().map(Passage::path), group.path_state());
    let left = path.and_then(|_| group.path_left());
    GroupSnapshot {
        state: group.state(),
        interrupted: group.interrupted(),
        stopped: group.locked(),
        active: group.active().0,
        progress: group.progress(),
        override_ratio: group.override_ratio(),
        path_velocity: group.path_velocity(),
        on_path: path.is_some(),
        path_state,
        path_back: group.path().is_some_and(Passage::retreats),
        path_steps: group.path_steps(),
        starved: path_state == PathState::Starved,
        path_line: path.map_or(0, PathMotion::line),
        path_distance: path.map_or(0.0, |_| group.path_distance()),
        path_supply_s: path.map_or(0.0, PathMotion::supply_s),
        stream_behind_s: group.stream().map_or(0.0, StreamClock::behind_s),
        stream_held_s: group.stream().map_or(0.0, StreamClock::held_s),
        path_left: left.map(|left| PathLeft { distance: left.distance, seconds: left.time_s }),
        path_behind: path.map_or(0.0, PathMotion::behind),
        stop_generation: stops.seen(StopScope::Group(id)),
    }
}
