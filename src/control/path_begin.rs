//! Where and when a path begins: at rest, behind what the group does, after that has been halted, or on the path of the program before it.

use serde_json::json;

use super::begun::Begun;
use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use super::open_paths::{Closing, Paths};
use super::path::{Pen, corner, numbers, refused, unfit};
use super::tool::{coordinates, nowhere};
use crate::gateway::{BufferMode, GroupState, PathBegin, Request};
use crate::ids::GroupId;
use crate::limits::MAX_PROGRAM_ELEMENTS;
use crate::planner::program::Corner;
use crate::programs::{ProgramError, ProgramStart, check_corner};

/// How a path begins, in PLCopen's words.
enum Buffer<'a> {
    /// At rest.
    Aborting,
    /// At rest, when what is before it is done.
    Buffered,
    /// Without a rest, on the path of this program, which ends in this corner, or as it says.
    Blending(Closing<'a>, Option<Corner>),
}

impl Buffer<'_> {
    fn word(&self) -> &'static str {
        match self {
            Buffer::Aborting => "aborting",
            Buffer::Buffered => "buffered",
            Buffer::Blending(..) => "blending",
        }
    }

    fn mode(&self) -> BufferMode {
        match self {
            Buffer::Aborting => BufferMode::Aborting,
            Buffer::Buffered | Buffer::Blending(..) => BufferMode::Buffered,
        }
    }
}

/// To whom has not said what becomes of what the group does.
const MOVING: &str = "the group moves: `buffer` says what becomes of that (buffered: the path begins behind it; blending: it goes on from \
                      the path before it; aborting: that is halted first); or wait until it rests";

/// Begins one.
pub async fn begin(
    context: &Context,
    paths: &Paths,
    group: GroupId,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    if let Some(answer) = paths.answered(group, parameters)? {
        return Ok(answer);
    }
    paths.desk().check_room().map_err(refused)?;
    let (start, buffer) = start(context, paths, group, parameters).await?;
    let ground = paths.desk().ground(group, &start);
    let joins = if let Buffer::Blending(before, _) = &buffer { Some(before.handle) } else { None };
    let command = PathBegin { group, start: start.place.clone(), buffer: buffer.mode(), joins, stream: None };
    let accepted = commands::accepted(context, parameters, command).await;
    let accepted = accepted.map_err(|failure| failure.hinted("StillMoving", MOVING))?;
    let axes: Vec<&str> = coordinates(context, group).into_iter().map(|(name, _)| name).collect();
    let answer = fields(json!({
        "handle": accepted.handle.0, "cycle": accepted.cycle, "axes": axes, "start": start.programmed,
        "room": MAX_PROGRAM_ELEMENTS, "buffer": buffer.word()
    }));
    let behind = match buffer.mode() {
        BufferMode::Buffered => {
            // One that is forgotten has ended; without its command it would take the place of those under way.
            let command = context.gateway.watch(accepted.handle).await.map_err(commands::refused)?;
            Some(command.ok_or_else(|| refused(ProgramError::Ended))?)
        }
        BufferMode::Aborting => None,
    };
    let begun = match &buffer {
        Buffer::Blending(before, corner) => paths.desk().join((group, before.handle), accepted.handle, *corner, behind),
        Buffer::Aborting | Buffer::Buffered => paths.desk().begin_behind(group, accepted.handle, start, behind),
    };
    begun.map_err(refused)?;
    paths.put(group, accepted.handle, Begun::by(parameters, &answer)?, Pen::new(ground));
    Ok(answer)
}

/// The place, and whether it is behind something.
async fn start<'a>(
    context: &Context,
    paths: &'a Paths,
    group: GroupId,
    parameters: &Parameters,
) -> Result<(ProgramStart, Buffer<'a>), Failure> {
    let moving = || moves(context, group);
    let here = || paths.desk().start(group).map_err(|why| nowhere(context, group, &why));
    let behind = |place| paths.desk().start_at(group, place).map_err(|why| nowhere(context, group, &why));
    let buffer = parameters.optional_text("buffer");
    let transition = transition(context, group, parameters)?;
    if buffer == Some("blending")
        && let Some(before) = paths.close(group, parameters)?
    {
        check_end(context, group, parameters, &before.end)?;
        return Ok((behind(before.end.clone())?, Buffer::Blending(before, transition)));
    }
    match buffer {
        Some("aborting") if moving() => {
            halt(context, group, parameters).await?;
            Ok((here()?, Buffer::Aborting))
        }
        // What comes too late to go on from something is behind it.
        Some("buffered" | "blending") if moving() => {
            let place = place_behind(context, paths, group, parameters).await?;
            Ok((behind(place)?, Buffer::Buffered))
        }
        _ => Ok((here()?, Buffer::Aborting)),
    }
}

/// How what is before it shall end.
fn transition(context: &Context, group: GroupId, parameters: &Parameters) -> Result<Option<Corner>, Failure> {
    let corner = corner(parameters, "transition")?;
    corner.map_or(Ok(()), check_corner).map_err(|error| unfit(context, group, 0, 0, error))?;
    Ok(corner)
}

/// How far from where the program before it ends a start may be given, axis units.
const AT_END: f64 = 1e-6;

/// A start, where one is given, is where the program before it ends.
fn check_end(context: &Context, group: GroupId, parameters: &Parameters, end: &[f64]) -> Result<(), Failure> {
    let Some(given) = given_start(context, group, parameters)? else { return Ok(()) };
    if given.iter().zip(end).all(|(given, end)| (given - end).abs() <= AT_END) {
        return Ok(());
    }
    Err(not_begun(
        "StartElsewhere",
        &format!("it goes on where the program before it ends, at {end:?}: leave `start` out, or give that"),
    ))
}

fn given_start(context: &Context, group: GroupId, parameters: &Parameters) -> Result<Option<Vec<f64>>, Failure> {
    let count = context.gateway.description().groups[group.index()].axes.len();
    match numbers(parameters, "start")? {
        Some(given) if given.len() != count => Err(Failure::parameter("start")),
        given => Ok(given),
    }
}

fn not_begun(reason: &str, hint: &str) -> Failure {
    Failure::Own("Refused", fields(json!({ "reason": reason, "hint": hint, "retryable": false })))
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
    let given = given_start(context, group, parameters)?;
    let of_stream = || context.timed.as_ref().map_or(Ok(None), |streams| streams.end(group));
    let end = paths.end(group).and_then(|end| if end.is_some() { Ok(end) } else { of_stream() });
    // What a program that is open ends with is not known, and nothing more could be given to it.
    let end = end.map_err(|_| {
        not_begun("ProgramOpen", "End the program before it first: a path behind another begins at its end")
    })?;
    if let Some(place) = given.or(end) {
        return Ok(place);
    }
    // One that was cancelled is no more, and those before it go on.
    for (handle, place) in paths.ends_before(group) {
        let watch = context.gateway.watch(handle).await.map_err(commands::refused)?;
        if watch.is_some_and(|watch| !watch.borrow().state.is_end()) {
            return Ok(place);
        }
    }
    Err(not_begun("StartUnknown", "say where the path begins: `start` is where the moves before it end"))
}
