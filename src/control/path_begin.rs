//! Where and when a path begins: at rest, behind what the group does, or after that has been halted.

use serde_json::json;

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::failure::{Failure, fields};
use super::path::{Paths, numbers};
use super::tool::nowhere;
use crate::gateway::{BufferMode, GroupState, Request};
use crate::ids::GroupId;
use crate::programs::ProgramStart;

/// The place, and whether it is behind something.
pub async fn start(
    context: &Context,
    paths: &Paths,
    group: GroupId,
    parameters: &Parameters,
) -> Result<(ProgramStart, BufferMode), Failure> {
    let moving = || moves(context, group);
    let here = || paths.desk().start(group).map_err(|why| nowhere(context, group, &why));
    match parameters.optional_text("buffer") {
        Some("aborting") if moving() => {
            halt(context, group, parameters).await?;
            Ok((here()?, BufferMode::Aborting))
        }
        Some("buffered") if moving() => {
            let place = place_behind(context, paths, group, parameters).await?;
            let start = paths.desk().start_at(group, place).map_err(|why| nowhere(context, group, &why))?;
            Ok((start, BufferMode::Buffered))
        }
        _ => Ok((here()?, BufferMode::Aborting)),
    }
}

/// The group is under way.
pub fn moves(context: &Context, group: GroupId) -> bool {
    context.gateway.snapshot().groups[group.index()].state == GroupState::GroupMoving
}

/// Halts the group and waits until it rests.
pub async fn halt(context: &Context, group: GroupId, parameters: &Parameters) -> Result<(), Failure> {
    let halt = commands::accepted_unnumbered(context, parameters, Request::GroupHalt { group }).await?;
    let watch = context.gateway.watch(halt.handle).await.map_err(commands::refused)?;
    let Some(mut watch) = watch else { return Ok(()) };
    while !watch.borrow_and_update().state.is_end() {
        if watch.changed().await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Where the axes are when what is before it ends: as it is given, or where the newest program of the group ends that has not ended.
async fn place_behind(
    context: &Context,
    paths: &Paths,
    group: GroupId,
    parameters: &Parameters,
) -> Result<Vec<f64>, Failure> {
    let refused = |reason: &str, hint: &str| {
        Failure::Own("Refused", fields(json!({ "reason": reason, "hint": hint, "retryable": false })))
    };
    let count = context.gateway.description().groups[group.index()].axes.len();
    if let Some(given) = numbers(parameters, "start")? {
        return if given.len() == count { Ok(given) } else { Err(Failure::parameter("start")) };
    }
    let of_stream = || context.timed.as_ref().map_or(Ok(None), |streams| streams.end(group));
    match paths.end(group).and_then(|end| if end.is_some() { Ok(end) } else { of_stream() }) {
        Ok(Some(place)) => Ok(place),
        Ok(None) => {
            // One that was cancelled is no more, and those before it go on.
            for (handle, place) in paths.ends_before(group) {
                let watch = context.gateway.watch(handle).await.map_err(commands::refused)?;
                if watch.is_some_and(|watch| !watch.borrow().state.is_end()) {
                    return Ok(place);
                }
            }
            Err(refused("StartUnknown", "say where the path begins: `start` is where the moves before it end"))
        }
        Err(_) => {
            Err(refused("ProgramOpen", "End the program before it first: a path behind another begins at its end"))
        }
    }
}
