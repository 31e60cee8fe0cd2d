//! `motionctl path FILE`: gives a path file to the daemon, as fast as it takes it, while the machine moves.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use motiond::client::{Ended, Error, Progress, Scope, progress};
use motiond::path_file::{ArcForm, GroupAxis, PathGroup, PathReader, Written, WrittenShape};
use motiond::planner::program::{Caps, Corner, Feed, Point};
use motiond::units::AxisUnit;
use serde_json::{Value, json};

use crate::keys::Keys;
use crate::path::Arguments;
use crate::path_check;
use crate::path_ground;
use crate::shell::{Command, Outcome, Shell, has_reason, told};

/// Read at a time, bytes.
const PART: usize = 64 * 1024;
/// Values of points in one request: it stays below what the daemon takes.
const VALUES: usize = 2400;
/// Before it is asked again whether there is room.
const PAUSE: Duration = Duration::from_millis(20);

/// Lines that differ in nothing but their places.
struct Batch {
    feed: Feed,
    caps: Caps,
    corner: Corner,
    first: u32,
    points: Vec<f64>,
}

/// A program that is being given.
struct Stream<'a> {
    shell: &'a mut Shell,
    file: &'a Path,
    group: String,
    handle: u64,
    axes: usize,
    path_group: PathGroup,
    /// Where the machine is.
    start: Point,
    /// No element has come yet.
    first: bool,
    batch: Option<Batch>,
    refused: Option<Trouble>,
}

/// What ends the giving.
enum Trouble {
    Daemon(Error),
    /// Things about the file or the command line.
    Own(Vec<String>),
}

/// Gives files to the daemon, from where the group is or will be.
///
/// # Errors
/// What the daemon or a file has against it.
pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let Arguments { files, group, buffer, transition, waiting, .. } = arguments;
    let blends = buffer.as_deref() == Some("blending");
    if transition.is_some() && !blends {
        return Ok(usage(
            "--transition: found a corner between files that do not blend, allowed: with --buffer blending",
        ));
    }
    let (group, path_group) = match choose(group.as_deref(), shell)? {
        Ok(chosen) => chosen,
        Err(words) => return Ok(usage(&words)),
    };
    if !path_check::all_right(files, &path_group, path_ground::known(shell, &group, &path_group)?)? {
        return Ok(Outcome::Usage);
    }
    shell.hold_to_move(Scope::Group(group.clone()), *waiting)?;
    let mut commands = Vec::new();
    let mut keys = None;
    // The one that the next file blends with has not been given its End.
    let mut open = None;
    for (number, file) in files.iter().enumerate() {
        let mut begin = json!({ "group": group, "buffer": buffer });
        if number > 0 {
            begin["buffer"] = json!(if blends { "blending" } else { "buffered" });
            begin["transition"] = transition.map_or(Value::Null, corner);
        }
        let last = commands.last().map(|command: &Command| command.handle);
        let begun = match begun(shell, &begin, last) {
            Ok(Ok(begun)) => begun,
            Ok(Err(ended)) => {
                let outcome = give_up(&files[number - 1..], &ended);
                return Ok(shell.follow(commands, *waiting)?.and(outcome));
            }
            Err(error) => {
                open.map_or(Ok(Value::Null), |handle| end(shell, &group, handle))?;
                return Err(error);
            }
        };
        if waiting.wait && keys.is_none() && !files.iter().any(|file| file == Path::new("-")) {
            keys = Keys::listen(shell, &group)?;
        }
        let handle = begun["handle"].as_u64().unwrap_or_default();
        if let Err(trouble) = give(shell, &group, file, path_group.clone(), &begun) {
            // Nothing of a file with a mistake is followed further than it has come; what is before it goes on, where it is a motion of its own.
            let _ = cancel(shell, &begin["group"], handle);
            return match trouble {
                Trouble::Daemon(error) => Err(error),
                Trouble::Own(words) => {
                    words.iter().for_each(|words| eprintln!("motionctl: {words}"));
                    Ok(Outcome::Usage)
                }
            };
        }
        if blends && number + 1 < files.len() {
            open = Some(handle);
        } else {
            end(shell, &group, handle)?;
        }
        let late =
            if number > 0 && blends && begun["buffer"] != "blending" { ", which came too late to blend" } else { "" };
        let label = format!("path {}{late}", file.display());
        commands.push(Command { label, handle, moves: Some(("Group", group.clone())) });
    }
    shell.follow(commands, *waiting)
}

/// Begins a program; where as many wait as may, when one of them has ended. `Err` inside where the one of file `last` did not come to its end:
/// what is behind it would begin wherever the machine was halted.
fn begun(shell: &mut Shell, begin: &Value, last: Option<u64>) -> Result<Result<Value, Ended>, Error> {
    loop {
        if let Some(ended) = broken_off(shell, last)? {
            return Ok(Err(ended));
        }
        let begun = match shell.machine.call("Path", "Begin", begin.clone()) {
            Err(error) if error.short_name() == "QueueFull" || has_reason(&error, "QueueFull") => {
                std::thread::sleep(PAUSE);
                continue;
            }
            begun => begun?,
        };
        // Halted since it was asked, and at rest already: nothing of the file has been given yet.
        if begun["buffer"] == "aborting"
            && let Some(ended) = broken_off(shell, last)?
        {
            cancel(shell, &begin["group"], begun["handle"].as_u64().unwrap_or_default())?;
            return Ok(Err(ended));
        }
        return Ok(Ok(begun));
    }
}

/// How a command ended that did not come to its end.
fn broken_off(shell: &mut Shell, handle: Option<u64>) -> Result<Option<Ended>, Error> {
    let Some(handle) = handle else { return Ok(None) };
    let reply = shell.machine.call("Command", "Status", json!({ "handle": handle }))?;
    match progress(&reply)? {
        Progress::Ended(ended) if ended != Ended::Done => Ok(Some(ended)),
        _ => Ok(None),
    }
}

/// Tells that the first of these files ended so, and that the others are not begun.
fn give_up(files: &[PathBuf], ended: &Ended) -> Outcome {
    let (outcome, _, words) = told(ended);
    let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    eprintln!("motionctl: path {}: {words}", names[0]);
    eprintln!("  not begun: {}", names[1..].join(", "));
    outcome
}

fn cancel(shell: &mut Shell, group: &Value, handle: u64) -> Result<u64, Error> {
    shell.machine.command("Path", "Cancel", json!({ "group": group, "handle": handle }))
}

fn end(shell: &mut Shell, group: &str, handle: u64) -> Result<Value, Error> {
    shell.machine.call("Path", "End", json!({ "group": group, "handle": handle }))
}

/// All elements of a file, to the program that has begun.
fn give(shell: &mut Shell, group: &str, file: &Path, path_group: PathGroup, begun: &Value) -> Result<(), Trouble> {
    let mut start = Point::default();
    for (to, from) in start.iter_mut().zip(begun["start"].as_array().into_iter().flatten()) {
        *to = from.as_f64().unwrap_or_default();
    }
    let (group, handle) = (group.to_string(), begun["handle"].as_u64().unwrap_or_default());
    let axes = path_group.count();
    let mut reader = PathReader::new(path_group.clone(), None);
    reader.presume(start);
    let mut stream =
        Stream { shell, file, group, handle, axes, path_group, start, first: true, batch: None, refused: None };
    let given = stream.give(&mut reader);
    let failed = given.err().or(stream.refused.take());
    let problems = reader.problems().iter().map(|problem| format!("{}:{problem}", file.display()));
    match failed {
        None if reader.problems().is_empty() => Ok(()),
        None => Err(Trouble::Own(problems.collect())),
        Some(Trouble::Own(words)) => Err(Trouble::Own(problems.chain(words).collect())),
        Some(Trouble::Daemon(error)) => {
            problems.for_each(|problem| eprintln!("motionctl: {problem}"));
            Err(Trouble::Daemon(error))
        }
    }
}

/// The group of this name, or the only one, and the coordinates of its paths.
pub fn choose(name: Option<&str>, shell: &mut Shell) -> Result<Result<(String, PathGroup), String>, Error> {
    let groups = shell.machine.all("Group", "Describe")?;
    let found = groups.iter().find(|group| name.is_none_or(|name| group["name"] == name));
    let Some(group) = found.filter(|_| name.is_some() || groups.len() == 1) else {
        let names: Vec<&str> = groups.iter().filter_map(|group| group["name"].as_str()).collect();
        return Ok(Err(format!("which group? --group with one of: {}", names.join(", "))));
    };
    let of = |coordinate: &Value| {
        let unit = if coordinate["unit"] == "deg" { AxisUnit::Degree } else { AxisUnit::Millimetre };
        GroupAxis { name: coordinate["name"].as_str().unwrap_or_default().to_string(), unit }
    };
    let members = group["coordinates"].as_array().into_iter().flatten().map(of).collect();
    let speed = group["velocity_limit"].as_f64().unwrap_or(f64::MAX);
    Ok(Ok((group["name"].as_str().unwrap_or_default().to_string(), PathGroup::new(members, speed))))
}

pub fn usage(words: &str) -> Outcome {
    eprintln!("motionctl: {words}");
    Outcome::Usage
}

impl Stream<'_> {
    /// What was read is sent before the source is asked for more, which may be long in coming.
    fn give(&mut self, reader: &mut PathReader) -> Result<(), Trouble> {
        let file = self.file;
        let not_read = |error: io::Error| Trouble::Own(vec![format!("{}: {error}", file.display())]);
        let mut source: Box<dyn Read> =
            if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file).map_err(not_read)?) };
        let mut part = vec![0; PART];
        while self.refused.is_none() && reader.problems().is_empty() {
            match source.read(&mut part) {
                Ok(0) => break,
                Ok(count) => {
                    reader.read(&part[..count], &mut |from, written| self.take(from, written));
                    self.flush();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(not_read(error)),
            }
        }
        reader.end(&mut |from, written| self.take(from, written));
        self.flush();
        Ok(())
    }

    fn take(&mut self, from: &Point, written: &Written) {
        if self.first {
            self.first = false;
            self.refused = path_check::elsewhere(self.file, &self.path_group, &self.start, from)
                .map(|words| Trouble::Own(vec![words]));
        }
        let WrittenShape::Arc(form) = written.shape else { return self.take_line(written) };
        self.flush();
        let mut arc = parameters(written.feed, written.caps, written.corner, written.line);
        arc["end"] = json!(written.to[..self.axes]);
        let plane = match form {
            ArcForm::Centre { centre, normal, left, turns } => {
                arc["centre"] = json!(centre);
                arc["turns"] = json!(turns);
                Some((normal, left))
            }
            ArcForm::Through(via) => {
                arc["via"] = json!(via);
                None
            }
            ArcForm::Radius { radius, normal, left } => {
                arc["radius"] = json!(radius);
                Some((normal, left))
            }
        };
        if let Some((normal, left)) = plane {
            (arc["normal"], arc["left"]) = (json!(normal), json!(left));
        }
        self.append("Arc", arc);
    }

    fn take_line(&mut self, written: &Written) {
        let fits = |batch: &Batch| {
            let next = batch.first.wrapping_add((batch.points.len() / self.axes) as u32);
            batch.feed == written.feed
                && batch.caps == written.caps
                && batch.corner == written.corner
                && next == written.line
                && batch.points.len() + self.axes <= VALUES
        };
        if !self.batch.as_ref().is_some_and(fits) {
            self.flush();
        }
        let Written { feed, caps, corner, line, .. } = *written;
        let batch = self.batch.get_or_insert_with(|| Batch { feed, caps, corner, first: line, points: Vec::new() });
        batch.points.extend(&written.to[..self.axes]);
    }

    fn flush(&mut self) {
        if let Some(batch) = self.batch.take() {
            let mut lines = parameters(batch.feed, batch.caps, batch.corner, batch.first);
            lines["points"] = json!(batch.points);
            self.append("Lines", lines);
        }
    }

    /// Waits for room where there is none.
    fn append(&mut self, method: &str, parameters: Value) {
        while self.refused.is_none() {
            match self.call(method, parameters.clone()) {
                Ok(_) => return,
                Err(error) if error.short_name() == "QueueFull" => std::thread::sleep(PAUSE),
                Err(error) => self.refused = Some(Trouble::Daemon(error.of_file(self.file))),
            }
        }
    }

    fn call(&mut self, method: &str, mut parameters: Value) -> Result<Value, Error> {
        parameters["group"] = json!(self.group);
        parameters["handle"] = json!(self.handle);
        self.shell.machine.call("Path", method, parameters)
    }
}

fn corner(corner: Corner) -> Value {
    match corner {
        Corner::Stop => json!({ "mode": "stop" }),
        Corner::Exact => json!({ "mode": "exact" }),
        Corner::Distance(distance) => json!({ "mode": "distance", "distance": distance }),
        Corner::Tolerance { linear, rotary } => json!({ "mode": "tolerance", "linear": linear, "rotary": rotary }),
    }
}

fn parameters(feed: Feed, caps: Caps, corner: Corner, line: u32) -> Value {
    let corner = self::corner(corner);
    let Caps { velocity, acceleration, jerk } = caps;
    let caps = json!({ "speed": velocity, "acceleration": acceleration, "jerk": jerk });
    match feed {
        Feed::Speed(speed) => json!({ "feed": speed, "caps": caps, "corner": corner, "line": line }),
        Feed::Duration(seconds) => json!({ "duration": seconds, "caps": caps, "corner": corner, "line": line }),
    }
}
