//! `io.motiond.v1.Group`: groups of axes.

use serde_json::{Value, json};

use super::axis::{buffer, dynamics};
use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, Unknown, fields};
use super::tool::no_straight_line;
use super::{axis, view};
use crate::gateway::{GroupMove, GroupShape, Request, StopScope};
use crate::ids::{AxisId, GroupId};

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    match method {
        "Describe" => return describe(context, parameters),
        "List" => return list(context, parameters),
        _ => {}
    }
    let group = named(context, parameters)?;
    let request = match method {
        "Status" => return Ok(status(context, group)),
        "Enable" => Request::GroupEnable { group },
        "Disable" => Request::GroupDisable { group },
        "Reset" => Request::GroupReset { group },
        "MoveDirect" => return motion(context, group, GroupShape::Direct, parameters).await,
        "MoveLinear" => return motion(context, group, GroupShape::Linear, parameters).await,
        "Halt" => Request::GroupHalt { group },
        "Interrupt" => Request::GroupInterrupt { group },
        "Continue" => Request::GroupContinue { group },
        "Release" => Request::Release { scope: StopScope::Group(group), generation: parameters.whole("generation")? },
        "SetOverride" => Request::GroupOverride { group, ratio: parameters.float("ratio")? },
        _ => return Err(Failure::not_implemented(format!("io.motiond.v1.Group.{method}"))),
    };
    commands::submit(context, parameters, request).await
}

/// Stops a group at once.
pub fn stop(context: &Context, parameters: &Parameters) -> Result<Reply, Failure> {
    Ok(commands::stop(context, StopScope::Group(named(context, parameters)?)))
}

fn named(context: &Context, parameters: &Parameters) -> Result<GroupId, Failure> {
    find(context, parameters.text("group")?)
}

/// The group of this name.
pub fn find(context: &Context, name: &str) -> Result<GroupId, Failure> {
    context.gateway.description().group(name).ok_or_else(|| Failure::unknown(Unknown::Group, name))
}

async fn motion(
    context: &Context,
    group: GroupId,
    shape: GroupShape,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let description = &context.gateway.description().groups[group.index()];
    if let (GroupShape::Linear, Some(tool)) = (shape, &description.tool) {
        return Err(no_straight_line(description, tool));
    }
    let relative = parameters.optional_flag("relative").unwrap_or(false);
    let targets = targets(context, group, relative, parameters.optional_list("targets").unwrap_or_default())?;
    let (dynamics, buffer) = (dynamics(parameters), buffer(parameters));
    commands::submit(context, parameters, GroupMove { group, shape, targets, relative, dynamics, buffer }).await
}

/// One value an axis in the group's order, from targets by name: each axis at most once, and all of them unless they
/// are distances.
fn targets(context: &Context, group: GroupId, relative: bool, given: &[Value]) -> Result<Vec<f64>, Failure> {
    let machine = context.gateway.description();
    let axes: &[AxisId] = &machine.groups[group.index()].axes;
    let mut values = vec![None; axes.len()];
    for target in given {
        let name = target.get("axis").and_then(Value::as_str).ok_or_else(|| Failure::parameter("targets"))?;
        let value = target.get("value").and_then(Value::as_f64).ok_or_else(|| Failure::parameter("targets"))?;
        let axis = axis::find(context, name)?;
        let place = axes.iter().position(|member| *member == axis);
        let place = place.ok_or_else(|| unfit_target(name, "is not an axis of this group"))?;
        if values[place].replace(value).is_some() {
            return Err(unfit_target(name, "is given twice"));
        }
    }
    let complete = |(value, axis): (Option<f64>, &AxisId)| {
        let left_out = || unfit_target(&machine.axes[axis.index()].name, "has no target");
        if relative { Ok(value.unwrap_or(0.0)) } else { value.ok_or_else(left_out) }
    };
    values.into_iter().zip(axes).map(complete).collect()
}

fn unfit_target(axis: &str, problem: &str) -> Failure {
    let hint = format!("the axis {axis:?} {problem}: give each axis of the group one target");
    Failure::Own("Refused", fields(json!({ "reason": "TargetCount", "axis": axis, "hint": hint, "retryable": false })))
}

fn describe(context: &Context, parameters: &Parameters) -> Result<Reply, Failure> {
    let machine = context.gateway.description();
    let groups = machine.groups.iter().map(|group| view::group_description(machine, group));
    view::page("groups", groups, parameters.optional_whole("first")?)
}

fn list(context: &Context, parameters: &Parameters) -> Result<Reply, Failure> {
    let snapshot = context.gateway.snapshot();
    let machine = context.gateway.description();
    let groups = machine.groups.iter().zip(&snapshot.groups);
    let groups = groups.map(|(group, state)| view::group_status(group, state, &snapshot));
    let mut reply = view::page("groups", groups, parameters.optional_whole("first")?)?;
    reply.extend(view::instant(&snapshot.machine));
    Ok(reply)
}

fn status(context: &Context, group: GroupId) -> Reply {
    let snapshot = context.gateway.snapshot();
    let description = &context.gateway.description().groups[group.index()];
    let status = view::group_status(description, &snapshot.groups[group.index()], &snapshot);
    let mut reply = fields(json!({ "status": status }));
    reply.extend(view::instant(&snapshot.machine));
    reply
}
