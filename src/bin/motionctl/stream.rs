//! `motionctl stream GROUP FILE`: gives timed points to the daemon, as fast as it takes them, while the machine moves.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use motiond::client::{Error, Scope};
use motiond::path_file::ProblemKind;
use serde_json::{Value, json};

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

/// Read at a time, bytes.
const PART: usize = 64 * 1024;
/// Values of points in one request: it stays below what the daemon takes.
const VALUES: usize = 2400;
/// Before it is asked again whether there is room.
const PAUSE: Duration = Duration::from_millis(20);
/// Bytes of one line.
const MAX_LINE_BYTES: u64 = 4096;

#[derive(clap::Args)]
#[command(
    after_help = "Each line is a point: its time in s since the stream begins, then the positions of all axes of the group in its \
                  order, then, if the points have them, all velocities, and all accelerations. Numbers are separated by spaces or commas; \
                  what follows a # is a comment. The first point is reached from where the machine is; a point at time 0 is where it is."
)]
pub struct Arguments {
    /// The group that moves
    group: String,
    /// File of points; - for the standard input
    file: PathBuf,
    /// How long a stop on the curve may take: shorter leaves less of the limits to the points
    #[arg(long, value_name = "SECONDS")]
    stop: Option<f64>,
    /// How much of the stream is there before it begins to move [default: as long as --stop]
    #[arg(long, value_name = "SECONDS")]
    lead: Option<f64>,
    /// Share of its speed by which it goes faster where it is behind [default: 0]
    #[arg(long, value_name = "SHARE")]
    catch_up: Option<f64>,
    /// Where the group moves: halt it first; else that is refused
    #[arg(long, value_name = "MODE", value_parser = ["aborting"])]
    buffer: Option<String>,
    /// So many lines at most are sent at a time; what was read is sent, too, when no more is there at once
    #[arg(long, value_name = "LINES", default_value_t = 100)]
    batch: usize,
    #[command(flatten)]
    waiting: Waiting,
}

/// Points of one request.
#[derive(Default)]
struct Batch {
    times: Vec<f64>,
    values: Vec<f64>,
    /// Values of one point.
    width: usize,
}

/// A stream that is being given.
struct Stream<'a> {
    shell: &'a mut Shell,
    group: &'a str,
    handle: u64,
    axes: Vec<String>,
    batch: Batch,
    late: u64,
    latest: f64,
}

/// What ends the giving.
enum Trouble {
    Daemon(Error),
    /// Something about the file.
    Own(String),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Trouble {
        Trouble::Daemon(error)
    }
}

/// Gives the points of a file, from where the group is.
///
/// # Errors
/// What the daemon has against it.
pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let Arguments { group, file, stop, lead, catch_up, buffer, waiting, .. } = arguments;
    shell.hold_to_move(Scope::Group(group.clone()), *waiting)?;
    let begin = json!({ "group": group, "stop": stop, "lead": lead, "catch_up": catch_up, "buffer": buffer });
    let begun = shell.machine.call("Stream", "Begin", begin)?;
    let handle = begun["handle"].as_u64().unwrap_or_default();
    let axes: Vec<String> =
        begun["axes"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string).collect();
    let mut stream = Stream { shell, group, handle, axes, batch: Batch::default(), late: 0, latest: 0.0 };
    let given = stream.give(file, arguments.batch.max(1)).and_then(|()| stream.call("End", json!({})).map(drop));
    let Stream { shell, late, latest, .. } = stream;
    match given {
        Ok(()) => {}
        Err(trouble) => {
            // What was taken is not followed further than it has come.
            let _ = shell.machine.command("Group", "Halt", json!({ "group": group }));
            return match trouble {
                Trouble::Daemon(error) => Err(error),
                Trouble::Own(words) => {
                    eprintln!("motionctl: {words}");
                    Ok(Outcome::Usage)
                }
            };
        }
    }
    if late > 0 {
        eprintln!("motionctl: {late} points came late, by up to {latest:.3} s");
    }
    let label = format!("stream {}", file.display());
    shell.follow(vec![Command { label, handle, moves: Some(("Group", group.clone())) }], *waiting)
}

impl Stream<'_> {
    fn give(&mut self, file: &Path, lines: usize) -> Result<(), Trouble> {
        let not_read = |error: io::Error| Trouble::Own(format!("{}: {error}", file.display()));
        let source: Box<dyn Read> =
            if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file).map_err(not_read)?) };
        let mut source = BufReader::with_capacity(PART, source);
        let mut line = String::new();
        for number in 1_u64.. {
            line.clear();
            let count = source.by_ref().take(MAX_LINE_BYTES).read_line(&mut line).map_err(not_read)?;
            if count == 0 {
                break;
            }
            let mistake = |words: String| Trouble::Own(format!("{}:{number}: {words}", file.display()));
            let line = if number == 1 { line.trim_start_matches('\u{feff}') } else { &line[..] };
            if line.trim_end_matches(['\r', '\n']).contains('\r') {
                return Err(mistake(ProblemKind::CarriageReturn.to_string()));
            }
            if count as u64 == MAX_LINE_BYTES && !line.ends_with('\n') {
                return Err(mistake(format!("found a line of {MAX_LINE_BYTES} bytes or more")));
            }
            self.take(line).map_err(mistake)?;
            let full = self.batch.times.len() >= lines || self.batch.values.len() + self.batch.width > VALUES;
            // The next line may be long in coming.
            if full || !source.buffer().contains(&b'\n') {
                self.flush()?;
            }
        }
        self.flush()
    }

    /// One line, which may say nothing.
    fn take(&mut self, line: &str) -> Result<(), String> {
        let said = line.split('#').next().unwrap_or_default();
        let words = said.split([' ', '\t', ',', '\r', '\n']).filter(|word| !word.is_empty());
        let numbers = words.map(|word| {
            let number = word.parse::<f64>().ok().filter(|number| number.is_finite());
            number.ok_or_else(|| format!("found \"{word}\", allowed: a finite number"))
        });
        let numbers = numbers.collect::<Result<Vec<f64>, String>>()?;
        let Some((time, values)) = numbers.split_first() else { return Ok(()) };
        let axes = self.axes.len();
        if ![axes, 2 * axes, 3 * axes].contains(&values.len()) {
            return Err(format!(
                "found {} numbers behind the time, allowed: {axes} positions ({}), {} with velocities, {} with accelerations, too",
                values.len(),
                self.axes.join(", "),
                2 * axes,
                3 * axes
            ));
        }
        if !self.batch.times.is_empty() && self.batch.width != values.len() {
            self.flush().map_err(|trouble| match trouble {
                Trouble::Daemon(error) => error.to_string(),
                Trouble::Own(words) => words,
            })?;
        }
        self.batch.width = values.len();
        self.batch.times.push(*time);
        self.batch.values.extend(values);
        Ok(())
    }

    /// Waits for room where there is none.
    fn flush(&mut self) -> Result<(), Trouble> {
        let Batch { times, values, width } = std::mem::take(&mut self.batch);
        if times.is_empty() {
            return Ok(());
        }
        let axes = self.axes.len();
        let part = |index: usize| {
            let of_point = |point: &[f64]| point[index * axes..(index + 1) * axes].to_vec();
            (width > index * axes).then(|| values.chunks(width).flat_map(of_point).collect::<Vec<f64>>())
        };
        let points = json!({
            "times": times, "positions": part(0), "velocities": part(1), "accelerations": part(2)
        });
        loop {
            match self.call("Points", points.clone()) {
                Ok(reply) => {
                    self.late += reply["late"].as_u64().unwrap_or_default();
                    self.latest = self.latest.max(reply["lateness"].as_f64().unwrap_or_default());
                    return Ok(());
                }
                Err(Trouble::Daemon(error)) if error.short_name() == "QueueFull" => std::thread::sleep(PAUSE),
                Err(trouble) => return Err(trouble),
            }
        }
    }

    fn call(&mut self, method: &str, mut parameters: Value) -> Result<Value, Trouble> {
        parameters["group"] = json!(self.group);
        parameters["handle"] = json!(self.handle);
        Ok(self.shell.machine.call("Stream", method, parameters)?)
    }
}
