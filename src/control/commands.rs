//! Commands to the cycle, and how refusals read on the wire.

use serde_json::{Value, json};

use super::call::Parameters;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use crate::gateway::{Accepted, Refusal, Rejected, StopScope, Submission};

/// Gives a command under the lease and number in `parameters`, and answers with handle and cycle once the cycle has
/// accepted it.
pub async fn submit(
    context: &Context,
    parameters: &Parameters,
    submission: impl Into<Submission>,
) -> Result<Reply, Failure> {
    let accepted = accepted(context, parameters, submission).await?;
    Ok(fields(json!({ "handle": accepted.handle.0, "cycle": accepted.cycle })))
}

/// The same without an answer.
pub async fn accepted(
    context: &Context,
    parameters: &Parameters,
    submission: impl Into<Submission>,
) -> Result<Accepted, Failure> {
    let mut submission = permitted(parameters, submission)?;
    if let Some(request_id) = parameters.optional_whole("request_id")? {
        submission = submission.numbered(request_id);
    }
    context.gateway.submit(submission).await.map_err(refused)
}

/// A command that comes before the one that has the number.
pub async fn accepted_unnumbered(
    context: &Context,
    parameters: &Parameters,
    submission: impl Into<Submission>,
) -> Result<Accepted, Failure> {
    context.gateway.submit(permitted(parameters, submission)?).await.map_err(refused)
}

fn permitted(parameters: &Parameters, submission: impl Into<Submission>) -> Result<Submission, Failure> {
    let submission = submission.into().by(parameters.presence().clone());
    match parameters.optional_text("lease") {
        Some(token) => Ok(submission.under(token.parse().map_err(refused)?)),
        None => Ok(submission),
    }
}

/// Stops, through no queue.
pub fn stop(context: &Context, scope: StopScope) -> Reply {
    fields(json!({ "generation": context.gateway.stop(scope) }))
}

/// A refusal in the words of the interface descriptions.
pub fn refused(refusal: Refusal) -> Failure {
    let (hint, retryable, reason) = (refusal.hint(), refusal.retryable(), refusal.name());
    match refusal {
        Refusal::Rejected(rejected) => rejection(*rejected, hint, retryable),
        Refusal::QueueFull { queue, depth, capacity } => Failure::Own(
            "QueueFull",
            fields(json!({
                "queue": queue, "depth": depth, "capacity": capacity, "hint": hint, "retryable": retryable
            })),
        ),
        Refusal::CycleSilent { .. } | Refusal::Interrupted | Refusal::Unavailable => {
            Failure::Own("Unavailable", fields(json!({ "reason": reason, "hint": hint, "retryable": retryable })))
        }
        Refusal::Unknown { handle } => {
            let handle = handle.map(|handle| handle.0);
            let unknown = json!({ "reason": reason, "handle": handle, "hint": hint, "retryable": retryable });
            Failure::Own("Unavailable", fields(unknown))
        }
        Refusal::TargetCount { group, found, allowed } => Failure::Own(
            "Refused",
            fields(json!({
                "reason": reason, "group": group, "requested": found, "limit": allowed, "unit": "targets", "hint": hint,
                "retryable": retryable
            })),
        ),
        Refusal::LeaseHeld { holder, expires_in_ms } => Failure::Lease(
            "LeaseHeld",
            fields(json!({
                "holder": holder, "expires_in_ms": expires_in_ms, "hint": hint, "retryable": retryable
            })),
        ),
        Refusal::LeaseRequired { axis, group } => {
            let required = json!({ "axis": axis, "group": group, "hint": hint, "retryable": retryable });
            Failure::Lease("LeaseRequired", fields(required))
        }
        Refusal::NoSuchLease => Failure::Lease("NoSuchLease", fields(json!({ "hint": hint, "retryable": retryable }))),
        Refusal::RequestPending { request_id } | Refusal::RequestIdReused { request_id } => Failure::Lease(
            "RequestIdRefused",
            fields(json!({ "reason": reason, "request_id": request_id, "hint": hint, "retryable": retryable })),
        ),
        Refusal::RequestIdOld { request_id, latest } => Failure::Lease(
            "RequestIdRefused",
            fields(json!({
                "reason": reason, "request_id": request_id, "latest": latest, "hint": hint, "retryable": retryable
            })),
        ),
        Refusal::TooManyLeases { capacity } => {
            let full = json!({ "limit": capacity, "hint": hint, "retryable": retryable });
            Failure::Lease("TooManyLeases", fields(full))
        }
        Refusal::LeaseTime { found_ms, allowed_ms: (least, most) } => {
            Failure::out_of_range("ttl_ms", found_ms as f64, (least as f64, most as f64), "ms", hint)
        }
        Refusal::HolderLength { found, most } => {
            Failure::out_of_range("holder", found as f64, (1.0, most as f64), "bytes", hint)
        }
        Refusal::ParametersOvertaken { axis } => {
            let overtaken = json!({ "reason": reason, "axis": axis, "hint": hint, "retryable": retryable });
            Failure::Own("Refused", fields(overtaken))
        }
        Refusal::JogOvertaken { axis, sent_at_ns, earliest_ns } => Failure::Own(
            "Refused",
            fields(json!({
                "reason": reason, "axis": axis, "requested": sent_at_ns as f64, "limit": earliest_ns as f64,
                "unit": "ns", "hint": hint, "retryable": retryable
            })),
        ),
    }
}

fn rejection(rejected: Rejected, hint: &str, retryable: bool) -> Failure {
    let mut refused = fields(json!({ "reason": rejected.reason.name(), "hint": hint, "retryable": retryable }));
    let figures: [(&str, Option<Value>); 8] = [
        ("axis", rejected.axis.map(Value::from)),
        ("group", rejected.group.map(Value::from)),
        ("state", rejected.state.map(Value::from)),
        ("requested", rejected.requested.map(Value::from)),
        ("limit", rejected.limit.map(Value::from)),
        ("unit", rejected.unit.map(Value::from)),
        ("cycle", rejected.cycle.map(Value::from)),
        ("event_sequence", rejected.event_sequence.map(Value::from)),
    ];
    refused.extend(figures.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))));
    Failure::Own("Refused", refused)
}
