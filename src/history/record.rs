//! An event as it is told and kept: names instead of numbers, so that it means the same under another configuration.

use serde_json::{Map, Value, json};

use crate::gateway::{BusNews, ErrorCode, EventKind, LoggedEvent, MachineDescription, PathNews, Subject, WireState};
use crate::ids::BusId;

/// The event's fields as the interface describes them, but for the fault, of which there is the number.
pub fn record(machine: &MachineDescription, logged: &LoggedEvent) -> Map<String, Value> {
    let event = &logged.event;
    let (kind, subject, rest) = match event.kind {
        EventKind::Started { clean, .. } => ("started", Subject::Machine, json!({ "clean": clean })),
        EventKind::FaultRaised { fault, subject, detail } => {
            let mut fields = json!({ "fault": fault.code(), "detail": detail });
            if let Some(ErrorCode(code)) = ErrorCode::of_fault(fault, detail) {
                fields["code"] = json!(code);
                fields["words"] = json!(ErrorCode(code).meaning());
            }
            ("fault_raised", subject, fields)
        }
        EventKind::FaultCleared { fault, subject } => ("fault_cleared", subject, json!({ "fault": fault.code() })),
        EventKind::Stopped { subject, generation } => ("stopped", subject, json!({ "generation": generation })),
        EventKind::Released { subject, generation } => ("released", subject, json!({ "generation": generation })),
        EventKind::Power { axis, on } => ("power", Subject::Axis(axis), json!({ "on": on })),
        EventKind::Referenced { axis, on } => ("referenced", Subject::Axis(axis), json!({ "on": on })),
        EventKind::ParametersChanged { axis } => ("parameters_changed", Subject::Axis(axis), json!({})),
        EventKind::SoftLimitReached { axis } => ("soft_limit_reached", Subject::Axis(axis), json!({})),
        EventKind::Device { bus, device, back } => {
            let kind = if back { "device_returned" } else { "device_lost" };
            (kind, Subject::Bus(bus), device_fields(machine, bus, device, json!({})))
        }
        EventKind::Bus { bus, news: BusNews::NotRestored { device, obstacle } } => {
            let rest = json!({ "words": obstacle.to_string() });
            ("device_not_restored", Subject::Bus(bus), device_fields(machine, bus, device, rest))
        }
        EventKind::Bus { bus, news: BusNews::Emergency { device, code, register } } => {
            let words = format!("{}; error register {register:02X}h", ErrorCode(code).meaning());
            let rest = json!({ "code": code, "words": words });
            ("device_emergency", Subject::Bus(bus), device_fields(machine, bus, device, rest))
        }
        EventKind::Bus { bus, news: BusNews::RingBroken { before, behind } } => {
            let words = machine.ring_gap(bus, before, behind);
            ("ring_broken", Subject::Bus(bus), json!({ "words": words }))
        }
        EventKind::Bus { bus, news: BusNews::RingWhole } => ("ring_whole", Subject::Bus(bus), json!({})),
        EventKind::Bus { bus, news: BusNews::Wire(state) } => {
            let kind = match state {
                WireState::BusOff => "can_bus_off",
                WireState::Warning | WireState::Passive => "can_errors",
                WireState::Active => "can_good",
            };
            (kind, Subject::Bus(bus), json!({}))
        }
        EventKind::Bus { bus, news: BusNews::QueueFull } => ("can_queue_full", Subject::Bus(bus), json!({})),
        EventKind::BusRecovered { bus } => ("bus_recovered", Subject::Bus(bus), json!({})),
        EventKind::Path { group, handle, news, line } => {
            let line = (!matches!(news, PathNews::Begun | PathNews::Ended)).then_some(line);
            let mut rest = json!({ "handle": handle.0, "line": line });
            if let PathNews::Slowed(singularity) = news {
                rest["words"] = json!(singularity.to_string());
            }
            (news.name(), Subject::Group(group), rest)
        }
        EventKind::Overrun { skipped } => ("overrun", Subject::Machine, json!({ "skipped_periods": skipped })),
    };
    let mut view = match rest {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    view.insert("kind".to_string(), json!(kind));
    view.insert("sequence".to_string(), json!(logged.sequence));
    view.insert("cycle".to_string(), json!(event.cycle));
    view.insert("time_ns".to_string(), json!(event.time_ns));
    view.insert("boot_id".to_string(), json!(machine.boot_id));
    if let Some((place, name)) = subject_name(machine, subject) {
        view.insert(place.to_string(), json!(name));
    }
    view
}

fn device_fields(machine: &MachineDescription, bus: BusId, device: u8, mut rest: Value) -> Value {
    rest["device"] = json!(machine.device(bus, device));
    rest
}

fn subject_name(machine: &MachineDescription, subject: Subject) -> Option<(&'static str, &String)> {
    match subject {
        Subject::Machine => None,
        Subject::Axis(axis) => Some(("axis", &machine.axes.get(axis.index())?.name)),
        Subject::Group(group) => Some(("group", &machine.groups.get(group.index())?.name)),
        Subject::Bus(bus) => Some(("bus", machine.buses.get(bus.index())?)),
        Subject::Input(input) => Some(("input", machine.inputs.get(usize::from(input))?)),
    }
}
