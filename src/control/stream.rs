//! `io.motiond.v1.Stream`: timed points, batch by batch.

use std::sync::{Mutex, MutexGuard};

use serde_json::{Value, json};

use super::begun::Begun;
use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use super::group;
use super::path_begin;
use crate::gateway::{BufferMode, GroupSnapshot, PathBegin, StreamPace};
use crate::ids::{GroupId, Handle};
use crate::limits::{
    DEFAULT_STREAM_STOP_S, MAX_POSITION, MAX_PROGRAM_BATCHES, MAX_STREAM_CATCH_UP, MAX_STREAM_LEAD_S,
    MAX_STREAM_POINTS, MAX_STREAM_STOP_S, MIN_STREAM_STOP_PERIODS,
};
use crate::planner::points::TimedPoint;
use crate::planner::program::Point;
use crate::planner::reserve::{Quantity, Reserve};
use crate::programs::{Desk, PointError, PointFault, ProgramError, StreamGround};

/// A stream that points can be appended to.
struct Open {
    handle: Handle,
    begun: Begun,
    ground: StreamGround,
    /// It was given to its end.
    ended: bool,
}

/// Streams that are open, one a group at most.
pub struct Streams {
    desk: Desk,
    open: Mutex<Vec<Option<Open>>>,
}

impl Streams {
    /// None is open.
    pub fn new(desk: Desk, groups: usize) -> Streams {
        Streams { desk, open: Mutex::new((0..groups).map(|_| None).collect()) }
    }

    /// Where points are handed in.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    fn answered(&self, group: GroupId, parameters: &Parameters) -> Result<Option<Reply>, Failure> {
        self.open()[group.index()].as_ref().map_or(Ok(None), |open| open.begun.answer(parameters))
    }

    /// Where the axes are when the stream of a group ends, where that runs and was given to its end; `Err` where it runs and more may come.
    pub(super) fn end(&self, group: GroupId) -> Result<Option<Vec<f64>>, Handle> {
        let open = self.open();
        let running = open[group.index()].as_ref().filter(|open| self.desk.runs(group, open.handle));
        match running {
            None => Ok(None),
            Some(open) if !open.ended => Err(open.handle),
            Some(Open { ground, .. }) => Ok(Some(ground.end())),
        }
    }

    /// Held by the control service's one thread, for as long as one request is answered.
    fn open(&self) -> MutexGuard<'_, Vec<Option<Open>>> {
        self.open.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    let group = group::find(context, parameters.text("group")?)?;
    let unserved = || Failure::not_implemented(format!("io.motiond.v1.Stream.{method}"));
    let streams = context.timed.as_deref().ok_or_else(unserved)?;
    match method {
        "Begin" => begin(context, streams, group, parameters).await,
        "Points" => points(context, streams, group, parameters),
        "End" => end(context, streams, group, parameters),
        "Status" => Ok(status(context, streams, group)),
        _ => Err(unserved()),
    }
}

/// A number of seconds or a share in its range, or this where it is left out.
fn ranged(parameters: &Parameters, name: &str, otherwise: f64, (least, most): (f64, f64)) -> Result<f64, Failure> {
    let found = parameters.optional_float(name).unwrap_or(otherwise);
    if (least..=most).contains(&found) {
        return Ok(found);
    }
    let hint = format!("{name} is from {least} to {most}");
    let limit = if found > most { most } else { least };
    let range = json!({
        "reason": "StreamRange", "requested": found, "limit": limit, "unit": name, "hint": hint, "retryable": false
    });
    Err(Failure::Own("Refused", fields(range)))
}

/// What becomes of what the group does: the cycle refuses a stream where it moves.
async fn make_room(context: &Context, group: GroupId, parameters: &Parameters) -> Result<(), Failure> {
    match parameters.optional_text("buffer") {
        Some("aborting") if path_begin::moves(context, group) => path_begin::halt(context, group, parameters).await,
        Some("buffered") if path_begin::moves(context, group) => {
            let hint = "a stream is behind nothing, as its points are due from when it begins: wait until the group rests, or say aborting";
            Err(Failure::Own("Refused", fields(json!({ "reason": "StreamBehind", "hint": hint, "retryable": false }))))
        }
        _ => Ok(()),
    }
}

async fn begin(
    context: &Context,
    streams: &Streams,
    group: GroupId,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    if let Some(answer) = streams.answered(group, parameters)? {
        return Ok(answer);
    }
    let least_s = MIN_STREAM_STOP_PERIODS * context.gateway.description().period_ns as f64 * 1e-9;
    let stop_s = ranged(parameters, "stop", DEFAULT_STREAM_STOP_S.max(least_s), (least_s, MAX_STREAM_STOP_S))?;
    let lead_s = ranged(parameters, "lead", stop_s, (0.0, MAX_STREAM_LEAD_S))?;
    let catch_up = ranged(parameters, "catch_up", 0.0, (0.0, MAX_STREAM_CATCH_UP))?;
    streams.desk.check_room().map_err(refused)?;
    make_room(context, group, parameters).await?;
    let (start, ground) = streams.desk.stream(group, Reserve::new(stop_s, catch_up));
    let place = start.place.clone();
    let pace = StreamPace { lead_s, catch_up };
    let command =
        PathBegin { group, start: place.clone(), buffer: BufferMode::Aborting, joins: None, stream: Some(pace) };
    let accepted = commands::accepted(context, parameters, command).await;
    let hint = "the group moves: say `buffer` aborting to have it halted first, or wait until it rests";
    let accepted = accepted.map_err(|failure| failure.hinted("StillMoving", hint))?;
    let machine = context.gateway.description();
    let axes: Vec<&str> =
        machine.groups[group.index()].axes.iter().map(|axis| machine.axes[axis.index()].name.as_str()).collect();
    let spacing = ground.spacing_s();
    let answer = fields(json!({
        "handle": accepted.handle.0, "cycle": accepted.cycle, "axes": axes, "start": place, "room": MAX_STREAM_POINTS,
        "spacing": spacing, "stop": stop_s, "lead": lead_s, "catch_up": catch_up
    }));
    streams.desk.begin_stream(group, accepted.handle, start).map_err(refused)?;
    let begun = Begun::by(parameters, &answer)?;
    streams.open()[group.index()] = Some(Open { handle: accepted.handle, begun, ground, ended: false });
    Ok(answer)
}

/// The stream of this handle, if it is open and the lease is the one that it began under.
fn with_stream<T>(
    streams: &Streams,
    group: GroupId,
    parameters: &Parameters,
    act: impl FnOnce(&mut Open) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let handle = Handle(parameters.whole("handle")?);
    let mut open = streams.open();
    let open = open[group.index()].as_mut().filter(|open| open.handle == handle);
    let open = open.ok_or_else(|| refused(ProgramError::Ended))?;
    open.begun.check_lease(parameters)?;
    streams.desk.check_open(group, handle).map_err(refused)?;
    act(open)
}

fn points(context: &Context, streams: &Streams, group: GroupId, parameters: &Parameters) -> Result<Reply, Failure> {
    with_stream(streams, group, parameters, |open| {
        let batch = read(parameters, open.ground.axes())?;
        let due_s = due(context, group, open.handle);
        // A batch that is refused moves nothing, nor what the next one is checked against.
        let (ground, nodes) = open.ground.take(&batch).map_err(|error| unfit(context, group, error))?;
        let room = streams.desk.append_nodes(group, open.handle, nodes, MAX_STREAM_POINTS).map_err(refused)?;
        open.ground = ground;
        let lateness = streams.desk.lateness(group);
        let (mut late, mut latest) = (0, 0.0_f64);
        for point in &batch {
            let late_s = due_s.map_or(0.0, |due_s| due_s - point.time_s).max(0.0);
            lateness.record(late_s);
            late += u64::from(late_s > 0.0);
            latest = latest.max(late_s);
        }
        let buffered = buffered(&state(context, group), open);
        Ok(fields(json!({
            "room": room, "taken": open.ground.taken(), "buffered": buffered, "late": late, "lateness": latest
        })))
    })
}

fn end(context: &Context, streams: &Streams, group: GroupId, parameters: &Parameters) -> Result<Reply, Failure> {
    with_stream(streams, group, parameters, |open| {
        let (ground, nodes) = open.ground.close().map_err(|error| unfit(context, group, error))?;
        if !nodes.is_empty() {
            // There is always room for the last one.
            streams.desk.append_nodes(group, open.handle, nodes, MAX_STREAM_POINTS + 1).map_err(refused)?;
        }
        open.ground = ground;
        streams.desk.end(group, open.handle).map_err(refused)?;
        open.ended = true;
        Ok(Reply::new())
    })
}

/// The points of a request for so many axes: one at least.
///
/// # Errors
/// Names the parameter that makes no sense.
pub fn read(parameters: &Parameters, axes: usize) -> Result<Vec<TimedPoint>, Failure> {
    let times = numbers(parameters, "times")?.filter(|times| !times.is_empty());
    let times = times.ok_or_else(|| Failure::parameter("times"))?;
    let of_points = |name: &str| {
        let values = numbers(parameters, name)?;
        if values.as_ref().is_some_and(|values| values.len() != times.len() * axes) {
            return Err(Failure::parameter(name));
        }
        Ok(values)
    };
    let positions = of_points("positions")?.ok_or_else(|| Failure::parameter("positions"))?;
    let (velocities, accelerations) = (of_points("velocities")?, of_points("accelerations")?);
    let point = |values: &[f64], index: usize| {
        let mut point = Point::default();
        point.iter_mut().zip(&values[index * axes..(index + 1) * axes]).for_each(|(to, from)| *to = *from);
        point
    };
    let timed = |(index, time_s): (usize, &f64)| TimedPoint {
        time_s: *time_s,
        position: point(&positions, index),
        velocity: velocities.as_ref().map(|values| point(values, index)),
        acceleration: accelerations.as_ref().map(|values| point(values, index)),
    };
    Ok(times.iter().enumerate().map(timed).collect())
}

fn numbers(parameters: &Parameters, name: &str) -> Result<Option<Vec<f64>>, Failure> {
    let number = |value: &Value| value.as_f64().ok_or_else(|| Failure::parameter(name));
    parameters.optional_list(name).map(|list| list.iter().map(number).collect()).transpose()
}

fn state(context: &Context, group: GroupId) -> GroupSnapshot {
    context.gateway.snapshot().groups[group.index()]
}

/// The time of the stream of the points that are due now: where its curve is, and what it lost for want of points. `None` before it
/// began to move.
fn due(context: &Context, group: GroupId, handle: Handle) -> Option<f64> {
    let snapshot = context.gateway.snapshot();
    let state = &snapshot.groups[group.index()];
    if !state.on_path || state.active != handle.0 || state.path_distance <= 0.0 {
        return None;
    }
    let lost = state.stream_behind_s - state.stream_held_s;
    // What has passed since that cycle, at the rate at which points come due.
    let rate = if state.starved { 1.0 } else { state.path_velocity.min(1.0) };
    let age = (context.now_ns)().saturating_sub(snapshot.machine.time_ns) as f64 * 1e-9;
    Some(state.path_distance + lost + rate * age)
}

fn buffered(state: &GroupSnapshot, open: &Open) -> f64 {
    let at = if state.on_path && state.active == open.handle.0 { state.path_distance } else { 0.0 };
    (open.ground.end_s() - at).max(0.0)
}

fn status(context: &Context, streams: &Streams, group: GroupId) -> Reply {
    let state = state(context, group);
    let late = streams.desk.lateness(group).now();
    let room = streams.desk.stream_room(group);
    let open = streams.open();
    let open = open[group.index()].as_ref();
    let running = open.filter(|open| state.on_path && state.active == open.handle.0);
    fields(json!({
        "handle": running.map(|open| open.handle.0),
        "time": running.map_or(0.0, |_| state.path_distance),
        "end": open.map_or(0.0, |open| open.ground.end_s()),
        "buffered": running.map_or(0.0, |open| buffered(&state, open)),
        "behind": state.stream_behind_s,
        "held": state.stream_held_s,
        "starved": running.is_some() && state.starved,
        "late": late.points,
        "lateness": late.last_s,
        "greatest": late.greatest_s,
        "room": room,
        "waiting": MAX_STREAM_POINTS - room,
        "taken": open.map_or(0, |open| open.ground.taken()),
        "planned": running.is_some() && streams.desk.planned(group),
    }))
}

/// A stream that takes nothing.
fn refused(error: ProgramError) -> Failure {
    let hint = error.to_string();
    let full = |queue: &str, depth: usize, capacity: usize| {
        let full = json!({ "queue": queue, "depth": depth, "capacity": capacity, "hint": hint, "retryable": true });
        Failure::Own("QueueFull", fields(full))
    };
    match error {
        // Curves through points have no obstacles.
        ProgramError::Ended | ProgramError::Obstacle { .. } => {
            Failure::Own("Refused", fields(json!({ "reason": "StreamEnded", "hint": hint, "retryable": false })))
        }
        ProgramError::Full { room, .. } => full("points", MAX_STREAM_POINTS - room, MAX_STREAM_POINTS),
        ProgramError::Busy => full("batches", MAX_PROGRAM_BATCHES, MAX_PROGRAM_BATCHES),
        ProgramError::Unavailable => {
            let unavailable = json!({ "reason": "Unavailable", "hint": hint, "retryable": true });
            Failure::Own("Unavailable", fields(unavailable))
        }
    }
}

/// A point that is not taken, with the names that its client knows.
fn unfit(context: &Context, group: GroupId, error: PointError) -> Failure {
    let PointError { number, time_s, fault } = error;
    let machine = context.gateway.description();
    let axis = |place: usize| &machine.axes[machine.groups[group.index()].axes[place].index()];
    let (reason, place, requested, limit, unit) = match fault {
        PointFault::Number { axis, found } => ("NotFinite", Some(axis), found, Some(MAX_POSITION.copysign(found)), ""),
        PointFault::Elsewhere { axis, found, allowed } => ("StreamStart", Some(axis), found, Some(allowed), ""),
        PointFault::Early { found, allowed } => ("TooEarly", None, found, Some(allowed), "s"),
        PointFault::Far { found, allowed } => ("TooFar", None, found, Some(allowed), "s"),
        PointFault::SoftLimit { axis, found, allowed } => ("SoftLimit", Some(axis), found, Some(allowed), ""),
        PointFault::Limit(excess) => {
            let (reason, unit) = match excess.quantity {
                Quantity::Velocity => ("VelocityLimit", "/s"),
                Quantity::Acceleration => ("AccelerationLimit", "/s²"),
                Quantity::Jerk => ("JerkLimit", "/s³"),
            };
            (reason, Some(excess.axis), excess.needed, Some(excess.allowed), unit)
        }
    };
    // For people: six digits behind the point are more than any axis has.
    let rounded = |value: f64| (value * 1e6).round() / 1e6;
    let mut refused = fields(json!({
        "reason": reason, "point": number, "time": time_s, "requested": rounded(requested), "hint": error.to_string(),
        "retryable": false
    }));
    if let Some(limit) = limit {
        refused.insert("limit".into(), json!(limit));
    }
    match place {
        Some(place) => {
            refused.insert("axis".into(), json!(axis(place).name));
            refused.insert("unit".into(), json!(format!("{}{unit}", axis(place).unit.symbol())));
        }
        None => {
            refused.insert("unit".into(), json!(unit));
        }
    }
    if let PointFault::Limit(excess) = fault {
        refused.insert("points".into(), json!(rounded(excess.asked)));
    }
    Failure::Own("Refused", refused)
}
