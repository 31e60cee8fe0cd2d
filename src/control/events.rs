//! `io.motiond.v1.Events`: what happened, in order, by cursor.

use serde_json::{Value, json};

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::{Interrupted, Reply};
use super::failure::{Failure, fields};
use super::replies::Replies;
use super::view;
use crate::gateway::{EventKind, LoggedEvent, MachineDescription, Refusal, Subject};
use crate::limits::EVENTS_PER_REPLY;

/// Answers a method of this interface.
pub async fn call(
    context: &Context,
    method: &str,
    parameters: &Parameters,
    replies: &mut Replies<'_>,
) -> Result<Reply, Interrupted> {
    let after = parameters.optional_whole("after")?;
    match method {
        "Read" => {
            let most = EVENTS_PER_REPLY as u64;
            let max = parameters.optional_whole("max")?.unwrap_or(most);
            if max == 0 || max > most {
                let hint = "read the rest with the `next` of the reply";
                return Err(Failure::out_of_range("max", max as f64, (1.0, most as f64), "events", hint).into());
            }
            Ok(batch(context, after.unwrap_or(0), max as usize).await?.0)
        }
        "Subscribe" if !replies.more() => Err(Failure::expected_more().into()),
        "Subscribe" => {
            let _stream = context.open_stream(replies.door())?;
            let mut notice = context.gateway.event_notice();
            let mut cursor = after.unwrap_or_else(|| context.gateway.last_event());
            loop {
                notice.borrow_and_update();
                let (reply, next) = batch(context, cursor, EVENTS_PER_REPLY).await?;
                if next > cursor {
                    cursor = next;
                    replies.push(reply).await?;
                } else if notice.changed().await.is_err() {
                    return Err(commands::refused(Refusal::Unavailable).into());
                }
            }
        }
        _ => Err(Failure::not_implemented(format!("io.motiond.v1.Events.{method}")).into()),
    }
}

/// The events after `after`, and the cursor behind them.
async fn batch(context: &Context, after: u64, max: usize) -> Result<(Reply, u64), Failure> {
    let events = context.gateway.events(after, max).await.map_err(commands::refused)?;
    let next = events.last().map_or(after, |event| event.sequence);
    let lost = events.first().map_or(0, |event| event.sequence.saturating_sub(after + 1));
    let machine = context.gateway.description();
    let list: Vec<Value> = events.iter().map(|event| view_event(machine, event)).collect();
    Ok((fields(json!({ "events": list, "next": next, "lost": lost })), next))
}

fn view_event(machine: &MachineDescription, logged: &LoggedEvent) -> Value {
    let event = &logged.event;
    let (kind, subject, rest) = match event.kind {
        EventKind::FaultRaised { fault, subject, detail } => {
            ("fault_raised", subject, json!({ "fault": view::fault(fault.code()), "detail": detail }))
        }
        EventKind::FaultCleared { fault, subject } => {
            ("fault_cleared", subject, json!({ "fault": view::fault(fault.code()) }))
        }
        EventKind::Stopped { subject, generation } => ("stopped", subject, json!({ "generation": generation })),
        EventKind::Released { subject, generation } => ("released", subject, json!({ "generation": generation })),
        EventKind::Power { axis, on } => ("power", Subject::Axis(axis), json!({ "on": on })),
        EventKind::Referenced { axis, on } => ("referenced", Subject::Axis(axis), json!({ "on": on })),
        EventKind::ParametersChanged { axis } => ("parameters_changed", Subject::Axis(axis), json!({})),
        EventKind::SoftLimitReached { axis } => ("soft_limit_reached", Subject::Axis(axis), json!({})),
        EventKind::BusRecovered { bus } => ("bus_recovered", Subject::Bus(bus), json!({})),
        EventKind::Overrun { skipped } => ("overrun", Subject::Machine, json!({ "skipped_periods": skipped })),
    };
    let mut view = fields(rest);
    view.insert("kind".to_string(), json!(kind));
    view.insert("sequence".to_string(), json!(logged.sequence));
    view.insert("cycle".to_string(), json!(event.cycle));
    view.insert("time_ns".to_string(), json!(event.time_ns));
    if let Some((place, name)) = subject_name(machine, subject) {
        view.insert(place.to_string(), json!(name));
    }
    Value::Object(view)
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
