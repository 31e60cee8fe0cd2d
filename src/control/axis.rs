//! `io.motiond.v1.Axis`: single axes.

use serde_json::json;

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, Unknown, fields};
use super::view;
use crate::gateway::{BufferMode, Direction, Dynamics, MoveKind, Request, StopScope, Submission};
use crate::ids::AxisId;
use crate::limits::MAX_JOG_VALIDITY_NS;

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    match method {
        "Describe" => return describe(context, parameters),
        "List" => return list(context, parameters),
        _ => {}
    }
    let axis = named(context, parameters)?;
    let request = match method {
        "Status" => return Ok(status(context, axis)),
        "Power" => Request::Power { axis, on: parameters.flag("on")? },
        "Reset" => Request::Reset { axis },
        "MoveAbsolute" => {
            let direction = direction(parameters.optional_text("direction"));
            to(axis, MoveKind::Absolute, parameters.float("position")?, direction, parameters)
        }
        "MoveRelative" => to(axis, MoveKind::Relative, parameters.float("distance")?, Direction::default(), parameters),
        "MoveAdditive" => to(axis, MoveKind::Additive, parameters.float("distance")?, Direction::default(), parameters),
        "MoveVelocity" => {
            let dynamics = Dynamics { velocity: None, ..dynamics(parameters) };
            Request::Velocity { axis, velocity: parameters.float("velocity")?, dynamics }
        }
        "Jog" => return commands::submit(context, parameters, jog(context, axis, parameters)?).await,
        "Halt" => Request::Halt { axis },
        "Release" => Request::Release { scope: StopScope::Axis(axis), generation: parameters.whole("generation")? },
        "SetPosition" => Request::SetPosition { axis, position: parameters.float("position")? },
        "SetOverride" => Request::Override { axis, ratio: parameters.float("ratio")? },
        _ => return Err(Failure::not_implemented(format!("io.motiond.v1.Axis.{method}"))),
    };
    commands::submit(context, parameters, request).await
}

/// Stops an axis at once.
pub fn stop(context: &Context, parameters: &Parameters) -> Result<Reply, Failure> {
    Ok(commands::stop(context, StopScope::Axis(named(context, parameters)?)))
}

/// The axis of this name.
pub fn find(context: &Context, name: &str) -> Result<AxisId, Failure> {
    context.gateway.description().axis(name).ok_or_else(|| Failure::unknown(Unknown::Axis, name))
}

fn named(context: &Context, parameters: &Parameters) -> Result<AxisId, Failure> {
    find(context, parameters.text("axis")?)
}

fn to(axis: AxisId, kind: MoveKind, target: f64, direction: Direction, parameters: &Parameters) -> Request {
    let dynamics = dynamics(parameters);
    Request::Move { axis, kind, target, dynamics, buffer: buffer(parameters), direction }
}

fn jog(context: &Context, axis: AxisId, parameters: &Parameters) -> Result<Submission, Failure> {
    let valid_ms = parameters.whole("valid_ms")?;
    let longest_ms = MAX_JOG_VALIDITY_NS / 1_000_000;
    if valid_ms == 0 || valid_ms > longest_ms {
        let hint = "refresh the jog more often instead";
        return Err(Failure::out_of_range("valid_ms", valid_ms as f64, (1.0, longest_ms as f64), "ms", hint));
    }
    let sent_at_ns = parameters.whole("sent_at_ns")?;
    let now_ns = (context.now_ns)();
    if sent_at_ns > now_ns {
        let hint = "give the CLOCK_MONOTONIC time of sending on this computer";
        return Err(Failure::out_of_range("sent_at_ns", sent_at_ns as f64, (0.0, now_ns as f64), "ns", hint));
    }
    let valid_until_ns = sent_at_ns.saturating_add(valid_ms * 1_000_000);
    let jog = Request::Jog { axis, velocity: parameters.float("velocity")?, valid_until_ns };
    Ok(Submission::from(jog).sent_at(sent_at_ns))
}

/// Velocity, acceleration and jerk, where they are given.
pub fn dynamics(parameters: &Parameters) -> Dynamics {
    Dynamics {
        velocity: parameters.optional_float("velocity"),
        acceleration: parameters.optional_float("acceleration"),
        jerk: parameters.optional_float("jerk"),
    }
}

/// When a move starts.
pub fn buffer(parameters: &Parameters) -> BufferMode {
    match parameters.optional_text("buffer") {
        Some("buffered") => BufferMode::Buffered,
        _ => BufferMode::Aborting,
    }
}

fn direction(name: Option<&str>) -> Direction {
    match name {
        Some("positive") => Direction::Positive,
        Some("negative") => Direction::Negative,
        Some("current") => Direction::Current,
        _ => Direction::Shortest,
    }
}

fn describe(context: &Context, parameters: &Parameters) -> Result<Reply, Failure> {
    let machine = context.gateway.description();
    let in_force = context.gateway.in_force();
    let axes = in_force.iter().enumerate().map(|(place, now)| view::axis_description(machine, place, now));
    view::page("axes", axes, parameters.optional_whole("first")?)
}

fn list(context: &Context, parameters: &Parameters) -> Result<Reply, Failure> {
    let snapshot = context.gateway.snapshot();
    let machine = context.gateway.description();
    let axes = machine.axes.iter().zip(&snapshot.axes).map(|(axis, state)| view::axis_status(axis, state));
    let mut reply = view::page("axes", axes, parameters.optional_whole("first")?)?;
    reply.extend(view::instant(&snapshot.machine));
    Ok(reply)
}

fn status(context: &Context, axis: AxisId) -> Reply {
    let snapshot = context.gateway.snapshot();
    let description = &context.gateway.description().axes[axis.index()];
    let mut reply = fields(json!({ "status": view::axis_status(description, &snapshot.axes[axis.index()]) }));
    reply.extend(view::instant(&snapshot.machine));
    reply
}
