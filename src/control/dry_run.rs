//! `DryRun` and `Picture` of `io.motiond.v1.Path`: path files on the virtual clock of the daemon's own machine.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};

use super::call::Parameters;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use super::tool::coordinates;
use crate::dry_run::{
    AxisReport, CoordinateReport, DryRunError, DryRunReport, Peak, RunAxis, RunGroup, RunTool, ToolReport,
};
use crate::gateway::Absence;
use crate::ids::GroupId;
use crate::limits::{DRY_RUN_TEXT_BYTES, MAX_DRY_RUNS, PICTURE_BYTES_PER_REPLY};
use crate::path_file::{GroupAxis, PathGroup, Problem};
use crate::planner::program::Point;
use crate::planner::{Obstacle, Slowed};
use crate::rehearsal::{Desk, Machine, Outcome, Refusal, Rehearsal, Sheet};

/// Dry runs that are being given, and the pictures of those that have ended: of connections that are there.
pub struct DryRuns {
    desk: Desk,
    next: AtomicU64,
    open: Mutex<Vec<(Absence, Rehearsal)>>,
    pictures: Mutex<Vec<(Absence, u64, String)>>,
}

impl DryRuns {
    /// There are none.
    pub fn new(desk: Desk) -> DryRuns {
        DryRuns { desk, next: AtomicU64::new(1), open: Mutex::default(), pictures: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Vec<(Absence, Rehearsal)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pictures(&self) -> MutexGuard<'_, Vec<(Absence, u64, String)>> {
        self.pictures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets those of connections that have gone.
    fn sweep(&self) {
        self.open().retain(|(absence, _)| !absence.come());
        self.pictures().retain(|(absence, ..)| !absence.come());
    }
}

/// More of the text of a dry run, or its first part; answers with what was found behind the last.
pub async fn run(context: &Context, runs: &DryRuns, group: GroupId, parameters: &Parameters) -> Result<Reply, Failure> {
    let text = parameters.text("text")?;
    let presence = parameters.presence();
    runs.sweep();
    let number = match parameters.optional_whole("run")? {
        Some(number) => number,
        None => {
            let number = runs.next.fetch_add(1, Ordering::Relaxed);
            let machine = machine(context, group, parameters)?;
            // A connection has one at a time.
            runs.open().retain(|(absence, _)| !absence.is_of(presence));
            let begun = runs.desk.begin(number, machine, presence.absence()).map_err(refused)?;
            runs.open().push((presence.absence(), begun));
            number
        }
    };
    let last = parameters.optional_flag("last").unwrap_or(true);
    let sheet = if last { sheet(context, group, parameters)? } else { None };
    let ended = {
        let mut open = runs.open();
        let place = open.iter().position(|(absence, run)| absence.is_of(presence) && run.number() == number);
        let place = place.ok_or_else(|| refused(Refusal::Unavailable))?;
        let run = &open[place].1;
        run.append(text).map_err(refused)?;
        if !last {
            let room = run.room();
            return Ok(fields(json!({ "run": number, "room": room })));
        }
        // What is returned keeps the run; the rehearsal itself is of no more use.
        let ended = run.end(sheet).map_err(refused)?;
        open.swap_remove(place);
        ended
    };
    let outcome = ended.await.map_err(|_| refused(Refusal::Unavailable))?;
    let report = match outcome {
        Outcome::Report(report, picture) => {
            if let Some(picture) = picture {
                let mut pictures = runs.pictures();
                pictures.retain(|(absence, ..)| !absence.is_of(presence));
                if pictures.len() >= MAX_DRY_RUNS {
                    pictures.remove(0);
                }
                pictures.push((presence.absence(), number, picture));
            }
            view(&report)
        }
        Outcome::Mistakes(problems) => return Err(mistakes(&problems)),
        Outcome::Arc(line, error) => {
            let hint = error.to_string();
            let arc = json!({ "reason": "NoSuchArc", "line": line, "hint": hint, "retryable": false });
            return Err(Failure::Own("Refused", fields(arc)));
        }
        Outcome::Stuck(ref error @ DryRunError::Astray { line, ref astray }) => {
            let mut refused = fields(json!({ "line": line, "hint": error.to_string(), "retryable": false }));
            super::tool::astray(context, group, astray, &mut refused);
            return Err(Failure::Own("Refused", refused));
        }
        Outcome::Stuck(error) => {
            let mut stuck = fields(json!({ "reason": "Stuck", "hint": error.to_string(), "retryable": false }));
            if let DryRunError::Obstacle(Obstacle { line, .. }) | DryRunError::Stuck { line, .. } = error {
                stuck.insert("line".into(), json!(line));
            }
            return Err(Failure::Own("Refused", stuck));
        }
        Outcome::TooLong => {
            let hint = "the motion takes more than a week: is a feed lacking?";
            return Err(Failure::Own(
                "Refused",
                fields(json!({ "reason": "TooLong", "hint": hint, "retryable": false })),
            ));
        }
    };
    Ok(fields(json!({ "run": number, "room": DRY_RUN_TEXT_BYTES, "report": report })))
}

/// A part of the picture of a run of this connection.
pub fn picture(runs: &DryRuns, parameters: &Parameters) -> Result<Reply, Failure> {
    let number = parameters.whole("run")?;
    let first = parameters.optional_whole("first")?.unwrap_or(0) as usize;
    let pictures = runs.pictures();
    let of = |(absence, of, _): &&(Absence, u64, String)| absence.is_of(parameters.presence()) && *of == number;
    let Some((.., picture)) = pictures.iter().find(of) else {
        let hint = "there is no such picture: ask for it with the last part of the text, on this connection";
        return Err(Failure::Own(
            "Refused",
            fields(json!({ "reason": "NoPicture", "hint": hint, "retryable": false })),
        ));
    };
    let rest = picture.get(first..).ok_or_else(|| Failure::parameter("first"))?;
    let end = (0..=PICTURE_BYTES_PER_REPLY.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(0);
    let next = (end < rest.len()).then_some(first + end);
    Ok(fields(json!({ "svg": &rest[..end], "next": next })))
}

/// The daemon's machine as it is now: its axes where they are, with the limits that are in force.
fn machine(context: &Context, group: GroupId, parameters: &Parameters) -> Result<Machine, Failure> {
    let machine = context.gateway.description();
    let (in_force, snapshot) = (context.gateway.in_force(), context.gateway.snapshot());
    let of = &machine.groups[group.index()];
    let named = match &of.tool {
        Some(tool) => tool.coordinates.iter().map(|of| GroupAxis { name: of.name.clone(), unit: of.unit }).collect(),
        None => {
            let axes = of.axes.iter().map(|axis| &machine.axes[axis.index()]);
            axes.map(|axis| GroupAxis { name: axis.name.clone(), unit: axis.unit }).collect::<Vec<GroupAxis>>()
        }
    };
    // In axis coordinates, as programs are: what setpoints they lead to is the same to the last bit.
    let axes = of.axes.iter().map(|axis| {
        let (described, figures) = (&machine.axes[axis.index()], &in_force[axis.index()].figures.motion);
        RunAxis {
            name: described.name.clone(),
            unit: described.unit,
            limits: figures.limits,
            soft_limits: figures.soft_limits,
            offset: 0.0,
        }
    });
    let posture: Vec<f64> = of.axes.iter().map(|axis| snapshot.axes[axis.index()].setpoint).collect();
    // Where its angles are undecided the file, or its client, has to say where it begins.
    let present = of.tool.as_ref().map_or_else(|| Some(posture.clone()), |tool| tool.place(&posture));
    let mut start = Point::default();
    start.iter_mut().zip(present.iter().flatten()).for_each(|(to, from)| *to = *from);
    if let Some(given) = parameters.optional_list("start") {
        if given.len() != named.len() {
            return Err(Failure::parameter("start"));
        }
        for (to, value) in start.iter_mut().zip(given) {
            *to = value.as_f64().ok_or_else(|| Failure::parameter("start"))?;
        }
    }
    let run = RunGroup {
        axes: axes.collect(),
        path_limits: Some(of.path_limits),
        tool: of.tool.clone().map(|tool| RunTool { tool, posture }),
        period_s: machine.period_ns as f64 * 1e-9,
    };
    Ok(Machine { group: PathGroup::new(named, of.path_limits.velocity), run, start })
}

/// What picture is asked for; an empty list leaves the choice of axes to whoever draws it.
fn sheet(context: &Context, group: GroupId, parameters: &Parameters) -> Result<Option<Sheet>, Failure> {
    let Some(named) = parameters.optional_list("picture") else { return Ok(None) };
    let machine = context.gateway.description();
    let of = &machine.groups[group.index()];
    let names = coordinates(context, group);
    let find = |name: &Value| {
        let place = names.iter().position(|(known, _)| Some(*known) == name.as_str());
        place.ok_or_else(|| Failure::parameter("picture"))
    };
    let axes: Vec<usize> = named.iter().map(find).collect::<Result<_, _>>()?;
    if !matches!(axes.len(), 0 | 2 | 3) {
        return Err(Failure::parameter("picture"));
    }
    let title = parameters.optional_text("title").map_or_else(|| format!("group {}", of.name), str::to_string);
    Ok(Some(Sheet { axes, title }))
}

fn view(report: &DryRunReport) -> Value {
    let axis = |axis: &AxisReport| {
        let peak = |order: usize| {
            let Peak { value, line } = axis.peaks[order];
            json!({ "value": value, "share": axis.shares[order], "line": line })
        };
        json!({
            "axis": axis.name,
            "unit": axis.unit.symbol(),
            "lowest": axis.range.0,
            "highest": axis.range.1,
            "minimum": axis.soft_limits.map(|(least, _)| least),
            "maximum": axis.soft_limits.map(|(_, most)| most),
            "outside": axis.outside,
            "velocity": peak(0),
            "acceleration": peak(1),
            "jerk": peak(2),
        })
    };
    let peak = |of: &ToolReport, order: usize| {
        let Peak { value, line } = of.peaks[order];
        json!({ "value": value, "share": of.shares[order], "line": line })
    };
    let tool = |of: &ToolReport| json!({ "velocity": peak(of, 0), "acceleration": peak(of, 1), "jerk": peak(of, 2) });
    let coordinate = |of: &CoordinateReport| json!({ "name": of.name, "unit": of.unit.symbol(), "lowest": of.range.0, "highest": of.range.1 });
    let singularity = report.nearest.and_then(|near| {
        let what = near.conditioning.nearest?.to_string();
        Some(json!({ "what": what, "distance": near.conditioning.distance, "line": near.line }))
    });
    let slowed = |(slowed, cycles): &(Slowed, u64)| {
        let Slowed { singularity, share, line } = slowed;
        json!({ "what": singularity.to_string(), "share": share, "line": line, "cycles": cycles })
    };
    json!({
        "coordinates": report.coordinates.iter().map(coordinate).collect::<Vec<_>>(),
        "tool": report.tool.as_ref().map(tool),
        "singularity": singularity,
        "slowed": report.slowed.iter().map(slowed).collect::<Vec<_>>(),
        "elements": report.elements,
        "linear_length": report.linear_length,
        "rotary_length": report.rotary_length,
        "duration": report.duration_s(),
        "cycles": report.cycles,
        "period": report.period_s,
        "axes": report.axes.iter().map(axis).collect::<Vec<_>>(),
        "linear_deviation": report.deviation.linear,
        "linear_line": report.deviation.linear_line,
        "rotary_deviation": report.deviation.rotary,
        "rotary_line": report.deviation.rotary_line,
        "fastest": report.fastest.value,
        "fastest_line": report.fastest.line,
        "jump": report.jump.value,
        "jump_line": report.jump.line,
    })
}

fn mistakes(problems: &[Problem]) -> Failure {
    let view = |problem: &Problem| {
        // The line has a field of its own.
        let words = problem.to_string();
        let words = words.split_once(": ").map_or(words.as_str(), |(_, words)| words);
        json!({ "line": problem.line, "statement": problem.statement, "problem": words })
    };
    let hint = problems.first().map_or_else(String::new, Problem::to_string);
    let problems: Vec<Value> = problems.iter().map(view).collect();
    Failure::Own("Mistakes", fields(json!({ "problems": problems, "hint": hint, "retryable": false })))
}

fn refused(error: Refusal) -> Failure {
    let hint = error.to_string();
    let full = |queue: &str, depth: usize, capacity: usize| {
        let full = json!({ "queue": queue, "depth": depth, "capacity": capacity, "hint": hint, "retryable": true });
        Failure::Own("QueueFull", fields(full))
    };
    match error {
        Refusal::Full => full("dry runs", MAX_DRY_RUNS, MAX_DRY_RUNS),
        Refusal::Room(room) => full("text", DRY_RUN_TEXT_BYTES - room, DRY_RUN_TEXT_BYTES),
        Refusal::Busy => full("parts of text", crate::limits::DRY_RUN_QUEUE, crate::limits::DRY_RUN_QUEUE),
        Refusal::Unavailable => {
            let unavailable: Map<String, Value> =
                fields(json!({ "reason": "Unavailable", "hint": hint, "retryable": true }));
            Failure::Own("Unavailable", unavailable)
        }
    }
}
