//! `io.motiond.v1.Telemetry`: samples of the axes while they move.
//!
//! Only the newest state is sent: a sample is taken when the one before is on its way, so a
//! client that reads slowly gets fewer samples and holds up nobody.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::axis;
use super::call::Parameters;
use super::context::Context;
use super::dispatch::{Interrupted, Reply};
use super::failure::{Failure, fields};
use super::replies::Replies;
use super::view;
use crate::ids::AxisId;
use crate::limits::MIN_LATEST_INTERVAL_NS;

/// Ten samples a second, unless asked otherwise.
const DEFAULT_INTERVAL_NS: u64 = 100_000_000;

/// Answers a method of this interface.
pub async fn call(
    context: &Context,
    method: &str,
    parameters: &Parameters,
    replies: &mut Replies<'_>,
) -> Result<Reply, Interrupted> {
    if method != "Subscribe" {
        return Err(Failure::not_implemented(format!("io.motiond.v1.Telemetry.{method}")).into());
    }
    if !replies.more() {
        return Err(Failure::expected_more().into());
    }
    let axes = selection(context, parameters)?;
    let decimation = decimation(context, parameters)?;
    let _stream = context.open_stream(replies.door())?;
    let interval_ns = decimation.saturating_mul(context.gateway.description().period_ns);
    let mut ticks = tokio::time::interval(Duration::from_nanos(interval_ns));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last: Option<u64> = None;
    loop {
        ticks.tick().await;
        let snapshot = context.gateway.snapshot();
        let cycle = snapshot.machine.cycle;
        // A cycle that stands still has nothing new to tell.
        if last == Some(cycle) {
            continue;
        }
        let dropped = last.map_or(0, |last| (cycle.saturating_sub(last) / decimation).saturating_sub(1));
        context.telemetry_dropped.fetch_add(dropped, Ordering::Relaxed);
        last = Some(cycle);
        let machine = context.gateway.description();
        let sample = |axis: &AxisId| view::axis_sample(&machine.axes[axis.index()], &snapshot.axes[axis.index()]);
        let mut reply = view::instant(&snapshot.machine);
        reply.extend(fields(json!({
            "dropped": dropped,
            "axes": axes.iter().map(sample).collect::<Vec<Value>>(),
        })));
        replies.push(reply).await?;
    }
}

fn selection(context: &Context, parameters: &Parameters) -> Result<Vec<AxisId>, Failure> {
    let Some(names) = parameters.optional_list("axes") else {
        return Ok((0..context.gateway.description().axes.len()).map(|place| AxisId(place as u8)).collect());
    };
    let mut axes = Vec::new();
    for name in names.iter().filter_map(Value::as_str) {
        let axis = axis::find(context, name)?;
        if axes.contains(&axis) {
            return Err(Failure::parameter("axes"));
        }
        axes.push(axis);
    }
    Ok(axes)
}

fn decimation(context: &Context, parameters: &Parameters) -> Result<u64, Failure> {
    let period_ns = context.gateway.description().period_ns;
    let least = MIN_LATEST_INTERVAL_NS.div_ceil(period_ns).max(1);
    let most = 60_000_000_000 / period_ns;
    let decimation = match parameters.optional_whole("decimation")? {
        Some(decimation) => decimation,
        None => (DEFAULT_INTERVAL_NS / period_ns).max(least),
    };
    if (least..=most).contains(&decimation) {
        return Ok(decimation);
    }
    let hint = "this stream is for displays: at most a sample every 10 ms, at least one a minute";
    Err(Failure::out_of_range("decimation", decimation as f64, (least as f64, most as f64), "cycles", hint))
}
