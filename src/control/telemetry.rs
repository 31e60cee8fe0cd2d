//! `io.motiond.v1.Telemetry`: samples of the axes while they move. They come encoded; a session only writes them.

use serde_json::{Value, json};

use super::axis;
use super::call::Parameters;
use super::context::Context;
use super::dispatch::{Interrupted, Reply};
use super::failure::{Failure, fields};
use super::replies::Replies;
use crate::ids::AxisId;
use crate::limits::{LOSSLESS_ROUNDS, MIN_LATEST_INTERVAL_NS, TELEMETRY_QUEUE, TELEMETRY_ROUND_NS};
use crate::telemetry::{Delivery, Ended, Form, Quantity, Selection};

/// Ten samples a second for displays, unless asked otherwise.
const DEFAULT_INTERVAL_NS: u64 = 100_000_000;
/// At least a sample a minute.
const LONGEST_INTERVAL_NS: u64 = 60_000_000_000;

/// Answers a method of this interface.
pub async fn call(
    context: &Context,
    method: &str,
    parameters: &Parameters,
    replies: &mut Replies<'_>,
) -> Result<Reply, Interrupted> {
    if !replies.more() {
        return Err(Failure::expected_more().into());
    }
    let period_ns = context.gateway.description().period_ns;
    let axes = axes(context, parameters)?;
    match method {
        "Subscribe" => {
            let least = MIN_LATEST_INTERVAL_NS.div_ceil(period_ns).max(1);
            let usual = (DEFAULT_INTERVAL_NS / period_ns).max(least);
            let hint =
                "this stream is for displays: at most a sample every 10 ms, at least one a minute; Record is faster";
            let decimation = decimation(parameters, (least, LONGEST_INTERVAL_NS / period_ns), usual, hint)?;
            follow(context, Selection { axes, form: Form::Rows, decimation }, Delivery::Latest, None, replies).await
        }
        "Record" => {
            let hint = "1 is every cycle; at least one sample a minute";
            let decimation = decimation(parameters, (1, LONGEST_INTERVAL_NS / period_ns), 1, hint)?;
            let delivery = match parameters.optional_text("delivery") {
                Some("latest") => Delivery::Latest,
                _ => Delivery::Lossless,
            };
            let quantities = quantities(parameters)?;
            let columns = columns(context, &axes, &quantities);
            let selection = Selection { axes, form: Form::Columns(quantities), decimation };
            follow(context, selection, delivery, Some(columns), replies).await
        }
        _ => Err(Failure::not_implemented(format!("io.motiond.v1.Telemetry.{method}")).into()),
    }
}

/// Writes what telemetry has encoded, until that ends or the client does.
async fn follow(
    context: &Context,
    selection: Selection,
    delivery: Delivery,
    first: Option<Reply>,
    replies: &mut Replies<'_>,
) -> Result<Reply, Interrupted> {
    let _place = context.open_stream(replies.door())?;
    let mut stream = context.telemetry.open(selection, delivery).ok_or_else(inbox_full)?;
    if let Some(first) = first {
        replies.push(first).await?;
    }
    loop {
        let (mut dropped, round) = stream.next().await.map_err(ended)?;
        for reply in &round.replies {
            replies.push_sample(std::mem::take(&mut dropped), reply).await?;
        }
    }
}

fn ended(end: Ended) -> Failure {
    let (reason, cycle, hint) = match end {
        Ended::ClientLate(cycle) => {
            let behind_ms = LOSSLESS_ROUNDS as u64 * TELEMETRY_ROUND_NS / 1_000_000;
            let hint =
                format!("replies waited for more than {behind_ms} ms: read faster, choose less, or take `latest`");
            ("ClientLate", cycle, hint)
        }
        Ended::DaemonLate(cycle) => {
            let hint = "the daemon was held up, as on an overloaded computer; motion is not concerned: call again";
            ("DaemonLate", cycle, hint.to_string())
        }
        Ended::Interrupted => {
            let hint = "the telemetry service failed and is started again; motion is not concerned: call again";
            return Failure::Own(
                "Unavailable",
                fields(json!({ "reason": "Interrupted", "hint": hint, "retryable": true })),
            );
        }
    };
    Failure::Own("Gap", fields(json!({ "reason": reason, "cycle": cycle, "hint": hint, "retryable": true })))
}

fn inbox_full() -> Failure {
    let hint = "too many streams are being opened: try again later";
    Failure::Own("TooManyStreams", fields(json!({ "limit": TELEMETRY_QUEUE, "hint": hint, "retryable": true })))
}

fn columns(context: &Context, axes: &[AxisId], quantities: &[Quantity]) -> Reply {
    let machine = context.gateway.description();
    let column = |axis: &AxisId, quantity: &Quantity| {
        let axis = &machine.axes[axis.index()];
        json!({ "axis": axis.name, "quantity": quantity.name(), "unit": quantity.unit(axis.unit) })
    };
    let columns = axes.iter().flat_map(|axis| quantities.iter().map(move |quantity| column(axis, quantity)));
    fields(json!({ "dropped": 0, "columns": columns.collect::<Vec<Value>>(), "samples": [] }))
}

fn axes(context: &Context, parameters: &Parameters) -> Result<Vec<AxisId>, Failure> {
    let Some(names) = parameters.optional_list("axes") else {
        return Ok((0..context.gateway.description().axes.len()).map(|place| AxisId(place as u8)).collect());
    };
    once(names, "axes", |name| axis::find(context, name))
}

fn quantities(parameters: &Parameters) -> Result<Vec<Quantity>, Failure> {
    let Some(names) = parameters.optional_list("quantities") else { return Ok(Quantity::ALL.to_vec()) };
    once(names, "quantities", |name| Quantity::named(name).ok_or_else(|| Failure::parameter("quantities")))
}

/// What these names stand for, each at most once and at least one.
fn once<T: PartialEq>(
    names: &[Value],
    parameter: &str,
    find: impl Fn(&str) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let mut found = Vec::new();
    for name in names.iter().filter_map(Value::as_str) {
        let one = find(name)?;
        if found.contains(&one) {
            return Err(Failure::parameter(parameter));
        }
        found.push(one);
    }
    if found.is_empty() { Err(Failure::parameter(parameter)) } else { Ok(found) }
}

fn decimation(parameters: &Parameters, range: (u64, u64), usual: u64, hint: &str) -> Result<u64, Failure> {
    let decimation = parameters.optional_whole("decimation")?.unwrap_or(usual);
    if (range.0..=range.1).contains(&decimation) {
        return Ok(decimation);
    }
    Err(Failure::out_of_range("decimation", decimation as f64, (range.0 as f64, range.1 as f64), "cycles", hint))
}
