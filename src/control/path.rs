//! `io.motiond.v1.Path`: programs of paths, element by element.

use serde_json::{Map, Value, json};

use super::call::Parameters;
use super::context::Context;
use super::dispatch::Reply;
use super::dry_run;
use super::failure::{Failure, fields};
use super::group;
use super::open_paths::Paths;
use super::path_begin;
use super::tool::{self, coordinates};
use crate::gateway::PathAct;
use crate::ids::{GroupId, Handle};
use crate::limits::{MAX_ARC_TURNS, MAX_PROGRAM_ELEMENTS};
use crate::path_file::{ArcForm, Spline, SplineError, Written, WrittenShape};
use crate::planner::program::{Caps, Corner, Element, Feed, Point};
use crate::programs::{DraftError, Ground, ProgramError, Unfit};

/// How a program goes on: from where, and with what its next elements do not say.
#[derive(Clone, Debug)]
pub struct Pen {
    ground: Ground,
    feed: Option<Feed>,
    caps: Caps,
    corner: Corner,
}

/// Why elements of a request are not taken.
#[derive(Debug)]
pub enum Misfit {
    /// The request makes no sense.
    Request(Failure),
    /// The element of this place, with its line.
    Element(usize, u32, DraftError),
}

impl From<Failure> for Misfit {
    fn from(failure: Failure) -> Misfit {
        Misfit::Request(failure)
    }
}

impl Pen {
    /// At the beginning of a program.
    pub fn new(ground: Ground) -> Pen {
        let corner = Corner::Tolerance { linear: DEFAULT_TOLERANCE, rotary: DEFAULT_TOLERANCE };
        Pen { ground, feed: None, caps: Caps::NONE, corner }
    }

    /// Where the axes are when what it has written ends.
    pub fn end(&self) -> Vec<f64> {
        self.ground.axes()
    }

    /// The elements of a request, Lines, Arc or Spline, all of them or none.
    ///
    /// # Errors
    /// Says what is wrong, and changes nothing.
    pub fn write(&mut self, method: &str, parameters: &Parameters) -> Result<Vec<Element>, Misfit> {
        let reader: Reader = match method {
            "Lines" => lines,
            "Arc" => arc,
            _ => spline,
        };
        let feed = feed(parameters)?.or(self.feed).ok_or_else(no_feed)?;
        let corner = corner(parameters, "corner")?.unwrap_or(self.corner);
        let caps = caps(parameters)?.unwrap_or(self.caps);
        let written = reader(parameters, self, How { feed, caps, corner })?;
        // A batch that is refused moves nothing, nor where the next one begins.
        let mut ground = self.ground.clone();
        let mut elements = Vec::with_capacity(written.len());
        for (index, element) in written.iter().enumerate() {
            elements.push(ground.take(element).map_err(|error| Misfit::Element(index, element.line, error))?);
        }
        *self = Pen { ground, feed: Some(feed), caps, corner };
        Ok(elements)
    }
}

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    let group = group::find(context, parameters.text("group")?)?;
    let unserved = || Failure::not_implemented(format!("io.motiond.v1.Path.{method}"));
    if let ("DryRun" | "Picture", runs) = (method, context.dry_runs.as_deref()) {
        let runs = runs.ok_or_else(unserved)?;
        return if method == "DryRun" {
            dry_run::run(context, runs, group, parameters).await
        } else {
            dry_run::picture(runs, parameters)
        };
    }
    let paths = context.paths.as_deref().ok_or_else(unserved)?;
    match method {
        "Begin" => path_begin::begin(context, paths, group, parameters).await,
        "Lines" | "Arc" | "Spline" => append(context, paths, group, method, parameters),
        "End" => {
            let handle = Handle(parameters.whole("handle")?);
            paths.with_program(group, handle, parameters, |open| {
                paths.desk().end(group, handle).map_err(refused)?;
                open.ended = true;
                Ok(())
            })?;
            Ok(Map::new())
        }
        "Cancel" => {
            let act = PathAct::Cancel(Handle(parameters.whole("handle")?));
            super::path_acts::act(context, group, act, parameters).await
        }
        "Retreat" => super::path_acts::act(context, group, PathAct::Retreat, parameters).await,
        "Advance" => super::path_acts::act(context, group, PathAct::Advance, parameters).await,
        "Step" => super::path_acts::act(context, group, PathAct::Next, parameters).await,
        "SetSteps" => {
            let on = parameters.optional_flag("on").ok_or_else(|| Failure::parameter("on"))?;
            super::path_acts::act(context, group, PathAct::Steps(on), parameters).await
        }
        "Status" => Ok(status(context, paths, group)),
        _ => Err(unserved()),
    }
}

/// Corners are rounded by so much unless the client says otherwise, mm or deg.
const DEFAULT_TOLERANCE: f64 = 0.01;

/// How the elements of a request are passed.
struct How {
    feed: Feed,
    caps: Caps,
    corner: Corner,
}

/// How elements are made of a request.
type Reader = fn(&Parameters, &Pen, How) -> Result<Vec<Written>, Failure>;

fn append(
    context: &Context,
    paths: &Paths,
    group: GroupId,
    method: &str,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let handle = Handle(parameters.whole("handle")?);
    let room = paths.with_program(group, handle, parameters, |open| {
        // What finds no room moves nothing either.
        let mut pen = open.pen.clone();
        let elements = pen.write(method, parameters).map_err(|misfit| match misfit {
            Misfit::Request(failure) => failure,
            Misfit::Element(element, line, error) => unfit(context, group, element, line, error),
        })?;
        let room = paths.desk().append(group, handle, elements).map_err(refused)?;
        open.pen = pen;
        Ok(room)
    })?;
    Ok(fields(json!({ "room": room, "taken": paths.desk().taken(group) })))
}

fn lines(parameters: &Parameters, pen: &Pen, How { feed, caps, corner }: How) -> Result<Vec<Written>, Failure> {
    let values = numbers(parameters, "points")?.ok_or_else(|| Failure::parameter("points"))?;
    let axes = pen.ground.order.order.len();
    if values.is_empty() || values.len() % axes != 0 {
        return Err(Failure::parameter("points"));
    }
    let first = line(parameters)?;
    let written = |(index, place): (usize, &[f64])| {
        let line = first.wrapping_add(index as u32);
        Written { shape: WrittenShape::Line, to: point(place), feed, caps, corner, line }
    };
    Ok(values.chunks(axes).enumerate().map(written).collect())
}

fn arc(parameters: &Parameters, pen: &Pen, How { feed, caps, corner }: How) -> Result<Vec<Written>, Failure> {
    let end = numbers(parameters, "end")?.filter(|end| end.len() == pen.ground.order.count());
    let end = end.ok_or_else(|| Failure::parameter("end"))?;
    let normal = vector(parameters, "normal")?.unwrap_or([0.0, 0.0, 1.0]);
    let left = parameters.optional_flag("left").unwrap_or(true);
    let turns =
        u32::try_from(parameters.optional_whole("turns")?.unwrap_or(0)).ok().filter(|turns| *turns <= MAX_ARC_TURNS);
    let turns = turns.ok_or_else(|| Failure::parameter("turns"))?;
    let (centre, via) = (vector(parameters, "centre")?, vector(parameters, "via")?);
    let circle = match (centre, via, parameters.optional_float("radius")) {
        (Some(centre), None, None) => ArcForm::Centre { centre, normal, left, turns },
        (None, Some(via), None) => ArcForm::Through(via),
        (None, None, Some(radius)) => ArcForm::Radius { radius, normal, left },
        _ => return Err(Failure::parameter("centre")),
    };
    let line = line(parameters)?;
    Ok(vec![Written { shape: WrittenShape::Arc(circle), to: point(&end), feed, caps, corner, line }])
}

fn spline(parameters: &Parameters, pen: &Pen, How { feed, caps, corner }: How) -> Result<Vec<Written>, Failure> {
    let order = &pen.ground.order;
    let axes = order.count();
    let points = numbers(parameters, "points")?.filter(|values| !values.is_empty() && values.len() % axes == 0);
    let points = points.ok_or_else(|| Failure::parameter("points"))?;
    let count = points.len() / axes;
    // With the place before it.
    let weights = numbers(parameters, "weights")?.unwrap_or_else(|| vec![1.0; count + 1]);
    if weights.len() != count + 1 {
        return Err(Failure::parameter("weights"));
    }
    let mut spline = Spline::from(order.from_planner(&pen.ground.at));
    if let Some(degree) = parameters.optional_whole("degree")? {
        spline.degree = usize::try_from(degree).map_err(|_| Failure::parameter("degree"))?;
    }
    let unfit = |element: usize, error: SplineError| {
        let found =
            json!({ "reason": "NoSuchSpline", "element": element, "hint": error.to_string(), "retryable": false });
        Failure::Own("Refused", fields(found))
    };
    spline.controls[0].1 = weights[0];
    for (index, (at, weight)) in points.chunks(axes).zip(&weights[1..]).enumerate() {
        spline.push(point(at), *weight).map_err(|error| unfit(index, error))?;
    }
    for knot in numbers(parameters, "knots")?.unwrap_or_default() {
        spline.push_knot(knot).map_err(|error| unfit(0, error))?;
    }
    let is_linear = |axis: usize| order.order[..order.linear].contains(&axis);
    spline.lines(axes, is_linear, feed, caps, corner, line(parameters)?).map_err(|error| unfit(0, error))
}

/// Values of a group's axes; no more of them than it has.
fn point(values: &[f64]) -> Point {
    let mut point = Point::default();
    point.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
    point
}

fn line(parameters: &Parameters) -> Result<u32, Failure> {
    u32::try_from(parameters.optional_whole("line")?.unwrap_or(0)).map_err(|_| Failure::parameter("line"))
}

fn feed(parameters: &Parameters) -> Result<Option<Feed>, Failure> {
    match (parameters.optional_float("feed"), parameters.optional_float("duration")) {
        (None, None) => Ok(None),
        (Some(speed), None) => Ok(Some(Feed::Speed(speed))),
        (None, Some(seconds)) => Ok(Some(Feed::Duration(seconds))),
        (Some(_), Some(_)) => Err(Failure::parameter("duration")),
    }
}

/// What is absent or 0 caps nothing.
fn caps(parameters: &Parameters) -> Result<Option<Caps>, Failure> {
    let Some(given) = parameters.optional_object("caps") else { return Ok(None) };
    let cap = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            let value = value.as_f64().ok_or_else(|| Failure::parameter(format!("caps.{name}")))?;
            Ok((value != 0.0).then_some(value))
        }
    };
    Ok(Some(Caps { velocity: cap("speed")?, acceleration: cap("acceleration")?, jerk: cap("jerk")? }))
}

fn no_feed() -> Failure {
    let hint = "say how fast: the first append of a program has a feed or a duration";
    Failure::Own("Refused", fields(json!({ "reason": "NoFeed", "hint": hint, "retryable": false })))
}

/// How an element ends, as the parameter of this name says.
pub(super) fn corner(parameters: &Parameters, of: &str) -> Result<Option<Corner>, Failure> {
    let Some(given) = parameters.optional_object(of) else { return Ok(None) };
    let number = |name: &str| given.get(name).and_then(Value::as_f64);
    let needed = |name: &str| number(name).ok_or_else(|| Failure::parameter(format!("{of}.{name}")));
    let corner = match given.get("mode").and_then(Value::as_str) {
        Some("stop") => Corner::Stop,
        Some("exact") => Corner::Exact,
        Some("distance") => Corner::Distance(needed("distance")?),
        Some("tolerance") => {
            let linear = needed("linear")?;
            Corner::Tolerance { linear, rotary: number("rotary").unwrap_or(linear) }
        }
        _ => return Err(Failure::parameter(of)),
    };
    Ok(Some(corner))
}

pub(super) fn numbers(parameters: &Parameters, name: &str) -> Result<Option<Vec<f64>>, Failure> {
    let number = |value: &Value| value.as_f64().ok_or_else(|| Failure::parameter(name));
    parameters.optional_list(name).map(|list| list.iter().map(number).collect()).transpose()
}

fn vector(parameters: &Parameters, name: &str) -> Result<Option<[f64; 3]>, Failure> {
    let three = |values: Vec<f64>| values.try_into().map_err(|_| Failure::parameter(name));
    numbers(parameters, name)?.map(three).transpose()
}

fn status(context: &Context, paths: &Paths, group: GroupId) -> Reply {
    let snapshot = context.gateway.snapshot();
    let state = &snapshot.groups[group.index()];
    let room = paths.desk().room(group);
    let mut progress = super::path_acts::progress(state);
    let more = fields(json!({
        "handle": state.on_path.then_some(state.active),
        "distance": state.path_distance,
        "line": state.path_line,
        "supply": state.path_supply_s,
        "starved": state.starved,
        "newest": paths.desk().newest_program(group).map(|handle| handle.0),
        "waiting": MAX_PROGRAM_ELEMENTS - room,
        "taken": paths.desk().taken(group),
        "planned": paths.desk().planned(group),
        "singularity": paths.desk().nearest(group).map(|near| json!({
            "what": near.singularity.to_string(), "distance": near.distance, "line": near.line
        })),
        "obstacle_line": paths.desk().obstacle(group),
    }));
    progress.extend(more);
    progress
}

/// A program that takes nothing.
pub(super) fn refused(error: ProgramError) -> Failure {
    let hint = error.to_string();
    match error {
        ProgramError::Ended => {
            Failure::Own("Refused", fields(json!({ "reason": "ProgramEnded", "hint": hint, "retryable": false })))
        }
        ProgramError::Obstacle { line } => Failure::Own(
            "Refused",
            fields(json!({ "reason": "Obstacle", "line": line, "hint": hint, "retryable": false })),
        ),
        ProgramError::Full { room, .. } => {
            let (depth, capacity) = (MAX_PROGRAM_ELEMENTS - room, MAX_PROGRAM_ELEMENTS);
            queue_full("elements", depth, capacity, &hint)
        }
        ProgramError::Busy => {
            queue_full("batches", crate::limits::MAX_PROGRAM_BATCHES, crate::limits::MAX_PROGRAM_BATCHES, &hint)
        }
        ProgramError::Unavailable => {
            let unavailable = json!({ "reason": "Unavailable", "hint": hint, "retryable": true });
            Failure::Own("Unavailable", fields(unavailable))
        }
    }
}

fn queue_full(queue: &str, depth: usize, capacity: usize, hint: &str) -> Failure {
    let full = json!({ "queue": queue, "depth": depth, "capacity": capacity, "hint": hint, "retryable": true });
    Failure::Own("QueueFull", fields(full))
}

/// An element that is not taken, with the names that its client knows.
pub(super) fn unfit(context: &Context, group: GroupId, element: usize, line: u32, error: DraftError) -> Failure {
    let mut refused =
        fields(json!({ "element": element, "line": line, "hint": error.to_string(), "retryable": false }));
    match (&error, Unfit::of(&error, &coordinates(context, group))) {
        (DraftError::Path(astray), _) => tool::astray(context, group, astray, &mut refused),
        (_, Unfit { reason, axis, requested, limit, unit }) => {
            let said = json!({ "reason": reason, "axis": axis, "requested": requested, "limit": limit, "unit": unit });
            refused.extend(fields(said).into_iter().filter(|(_, value)| !value.is_null()));
        }
    }
    Failure::Own("Refused", refused)
}
