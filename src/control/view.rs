//! The machine as JSON, field for field as the interface descriptions say.

use serde_json::{Value, json};

use super::dispatch::Reply;
use super::failure::{Failure, fields};
use crate::fault::Fault;
use crate::gateway::{
    AxisDescription, AxisFlags, AxisSnapshot, BusSnapshot, GroupDescription, GroupSnapshot, InForce,
    MachineDescription, MachineSnapshot, Snapshot,
};
use crate::kinematics::GroupTool;
use crate::limits::PAGE_BYTES;

/// A page of a list: items from the place `first` on, as many as fit; `next` where there are more.
pub fn page(name: &str, items: impl ExactSizeIterator<Item = Value>, first: Option<u64>) -> Result<Reply, Failure> {
    let total = items.len();
    let first = usize::try_from(first.unwrap_or(0)).unwrap_or(usize::MAX);
    if first > total {
        let hint = "give the `next` of the page before";
        return Err(Failure::parameter("first")).inspect_err(|_| tracing::debug!(first, total, hint));
    }
    let mut bytes = 0;
    let mut page = Vec::new();
    for item in items.skip(first) {
        bytes += item.to_string().len() + 1;
        if bytes > PAGE_BYTES && !page.is_empty() {
            break;
        }
        page.push(item);
    }
    let next = first + page.len();
    let mut reply = fields(json!({ name: page }));
    if next < total {
        reply.insert("next".to_string(), json!(next));
    }
    Ok(reply)
}

/// The cycle of a snapshot, and its time.
pub fn instant(machine: &MachineSnapshot) -> Reply {
    fields(json!({ "cycle": machine.cycle, "time_ns": machine.time_ns }))
}

/// A fault in words, by its number; null for 0.
pub fn fault(code: u16) -> Value {
    match Fault::from_code(code) {
        Some(fault) => json!({
            "code": code,
            "name": fault.name(),
            "cause": fault.cause(),
            "remedy": fault.remedy(),
        }),
        None => Value::Null,
    }
}

/// What an axis is, with the parameters that it has now.
pub fn axis_description(machine: &MachineDescription, place: usize, in_force: &InForce) -> Value {
    let axis = &machine.axes[place];
    let now = &in_force.figures.motion;
    let groups = machine.groups.iter().filter(|group| group.axes.iter().any(|member| member.index() == place));
    json!({
        "name": axis.name,
        "unit": axis.unit.symbol(),
        "velocity_limit": now.limits.velocity,
        "acceleration_limit": now.limits.acceleration,
        "jerk_limit": now.limits.jerk,
        "minimum": now.soft_limits.map(|limits| limits.0),
        "maximum": now.soft_limits.map(|limits| limits.1),
        "modulo": axis.modulo,
        "groups": groups.map(|group| &group.name).collect::<Vec<_>>(),
    })
}

/// How an axis is.
pub fn axis_status(axis: &AxisDescription, state: &AxisSnapshot) -> Value {
    let flag = |mask| state.flags.has(mask);
    json!({
        "name": axis.name,
        "unit": axis.unit.symbol(),
        "state": state.state.name(),
        "drive_state": crate::gateway::drive_state_name(state.drive_state),
        "setpoint": state.setpoint,
        "velocity": state.velocity,
        "acceleration": state.acceleration,
        "turns": state.turns,
        "actual": state.actual,
        "actual_velocity": state.actual_velocity,
        "following_error": state.following_error,
        "following_ratio": state.following_ratio,
        "torque_ratio": state.torque,
        "override": state.override_ratio,
        "active": handle(state.active),
        "operational": flag(AxisFlags::OPERATIONAL),
        "referenced": flag(AxisFlags::REFERENCED),
        "in_position": flag(AxisFlags::IN_POSITION),
        "positive_limit": flag(AxisFlags::POSITIVE_LIMIT),
        "negative_limit": flag(AxisFlags::NEGATIVE_LIMIT),
        "stopped": flag(AxisFlags::STOPPED),
        "stop_generation": state.stop_generation,
        "brake_open": flag(AxisFlags::BRAKE_OPEN),
        "warning": flag(AxisFlags::WARNING),
        "internal_limit": flag(AxisFlags::INTERNAL_LIMIT),
        "fresh": flag(AxisFlags::FRESH),
        "fault": fault(state.fault),
        "drive_error": (state.drive_error != 0).then_some(state.drive_error),
    })
}

/// What a group is.
pub fn group_description(machine: &MachineDescription, group: &GroupDescription) -> Value {
    json!({
        "name": group.name,
        "axes": group.axes.iter().map(|axis| &machine.axes[axis.index()].name).collect::<Vec<_>>(),
        "kinematics": group.tool.as_ref().map(GroupTool::word),
        "coordinates": super::tool::description(machine, group),
        "velocity_limit": group.path_limits.velocity,
        "acceleration_limit": group.path_limits.acceleration,
        "jerk_limit": group.path_limits.jerk,
    })
}

/// How a group is.
pub fn group_status(group: &GroupDescription, state: &GroupSnapshot, snapshot: &Snapshot) -> Value {
    json!({
        "name": group.name,
        "state": state.state.name(),
        "active": handle(state.active),
        "progress": state.progress,
        "path_velocity": state.path_velocity,
        "override": state.override_ratio,
        "interrupted": state.interrupted,
        "path_state": state.path_state.word(),
        "path_line": state.on_path.then_some(state.path_line),
        "path_back": state.path_back,
        "path_left": state.path_left.map(|left| left.distance),
        "path_time_left": super::path_acts::time_left(state),
        "path_steps": state.path_steps,
        "starved": state.starved,
        "stream_behind": state.stream_behind_s,
        "tool": super::tool::status(group, snapshot),
        "stopped": state.stopped,
        "stop_generation": state.stop_generation,
    })
}

/// How a bus is.
pub fn bus_status(name: &str, bus: &BusSnapshot) -> Value {
    let not_operational: Vec<u32> = (0..64).filter(|device| bus.not_operational >> device & 1 == 1).collect();
    json!({
        "name": name,
        "up": bus.up,
        "ring_whole": bus.ring_whole,
        "frames_lost": bus.frames_lost,
        "frames_late": bus.frames_late,
        "working_counter_errors": bus.working_counter_errors,
        "not_operational": not_operational,
    })
}

fn handle(number: u64) -> Option<u64> {
    (number != 0).then_some(number)
}
