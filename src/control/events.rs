//! `io.motiond.v1.Events`: what happened, in order, by cursor.

use serde_json::{Map, Value, json};

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::{Interrupted, Reply};
use super::failure::{Failure, fields};
use super::replies::Replies;
use super::view;
use crate::gateway::{EventKind, LoggedEvent, Refusal};
use crate::history::record;
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

/// The events after `after`, and the cursor behind them: those of earlier lives first.
async fn batch(context: &Context, after: u64, max: usize) -> Result<(Reply, u64), Failure> {
    let past = context.history.read(after, max);
    if let (Some(first), Some(last)) = (past.first(), past.last()) {
        let lost = first.sequence.saturating_sub(after + 1);
        let list: Vec<Value> = past.iter().map(|event| view(event.record.clone())).collect();
        return Ok((fields(json!({ "events": list, "next": last.sequence, "lost": lost })), last.sequence));
    }
    let events = context.gateway.events(after, max).await.map_err(commands::refused)?;
    let next = events.last().map_or(after, |event| event.sequence);
    let lost = events.first().map_or(0, |event| lost_before(event, after));
    let machine = context.gateway.description();
    let list: Vec<Value> = events.iter().map(|event| view(record(machine, event))).collect();
    Ok((fields(json!({ "events": list, "next": next, "lost": lost })), next))
}

/// Events between `after` and this one that are no longer kept. The numbers that a start leaves out were nobody's.
fn lost_before(event: &LoggedEvent, after: u64) -> u64 {
    match event.event.kind {
        EventKind::Started { known, .. } => known.saturating_sub(after),
        _ => event.sequence.saturating_sub(after + 1),
    }
}

/// A record with its fault in words.
fn view(mut record: Map<String, Value>) -> Value {
    if let Some(fault) = record.get_mut("fault") {
        *fault = fault.as_u64().and_then(|code| u16::try_from(code).ok()).map_or(Value::Null, view::fault);
    }
    Value::Object(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::tests::fixture;
    use crate::exchange::event::Event;
    use crate::fault::Fault;
    use crate::gateway::Subject;
    use crate::ids::AxisId;
    use crate::limits::MAX_REPLY_BYTES;

    #[test]
    fn a_full_reply_of_the_longest_events_has_room() {
        let mut machine = fixture::Machine::new().client().description().clone();
        machine.boot_id = crate::gateway::boot_id();
        machine.axes[0].name = "x".repeat(32);
        let length = |fault: &Fault| {
            let (fault, subject) = (*fault, Subject::Axis(AxisId(0)));
            let kind = EventKind::FaultRaised { fault, subject, detail: -1.234_567_890_123_456_7e-300 };
            let event = Event { cycle: u64::MAX, time_ns: u64::MAX, kind };
            let longest = view(record(&machine, &LoggedEvent { sequence: u64::MAX, event }));
            serde_json::to_string(&longest).unwrap().len() + 1
        };
        let longest = Fault::ALL.iter().map(length).max().unwrap();
        assert!(EVENTS_PER_REPLY * longest + 256 <= MAX_REPLY_BYTES, "{longest} bytes an event");
    }
}
