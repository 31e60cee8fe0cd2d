//! `motionctl path --dry-run`: a path file on the virtual clock of the daemon, with its machine as it is.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use motiond::client::Error;
use motiond::dry_run::{AxisReport, CoordinateReport, Deviation, DryRunReport, Peak, ToolReport};
use motiond::kinematics::{Conditioning, Singularity};
use motiond::planner::{Nearest, Slowed};
use motiond::units::AxisUnit;
use serde_json::{Value, json};

use crate::path::{Arguments, place};
use crate::path_report::{as_json, as_words};
use crate::path_stream::{choose, usage};
use crate::shell::{Outcome, Shell, print_line};

/// Bytes of the file in one request: written as six each, they are still fewer than the daemon takes.
const PART: usize = 10 * 1024;
/// Before it is asked again whether there is room.
const PAUSE: Duration = Duration::from_millis(5);

/// Gives the file to the daemon and tells what it found.
///
/// # Errors
/// What the daemon has against it.
pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let path = match arguments.only_file() {
        Ok(only) => only,
        Err(words) => return Ok(usage(&words)),
    };
    let file = path.display().to_string();
    let text = match read(path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("motionctl: {file}: {error}");
            return Ok(Outcome::NotWritten);
        }
    };
    let (group, path_group) = match choose(arguments.group.as_deref(), shell)? {
        Ok(chosen) => chosen,
        Err(words) => return Ok(usage(&words)),
    };
    let start = match place("--start", &arguments.start, &path_group) {
        Ok(start) => start.map(|start| start[..path_group.count()].to_vec()),
        Err(words) => return Ok(usage(&words)),
    };
    let reply = match give((path, &text), &group, start.as_deref(), arguments, shell) {
        Ok(reply) => reply,
        Err(error) if error.short_name() == "Mistakes" => {
            mistakes(&file, &error, shell.json);
            return Ok(Outcome::Unfit);
        }
        Err(error) => return Err(error.of_file(path)),
    };
    let Some(report) = report(&reply["report"]) else { return Err(Error::NotUnderstood(reply.to_string())) };
    let picture = arguments.svg.as_deref();
    if let Some(svg) = picture
        && let Err(error) = std::fs::write(svg, drawn(&group, &reply["run"], shell)?)
    {
        eprintln!("motionctl: {}: {error}", svg.display());
        return Ok(Outcome::NotWritten);
    }
    if shell.json {
        print_line(&as_json(&file, &group, &report, picture).to_string());
    } else {
        print_line(&as_words(&file, &report, picture));
    }
    Ok(if report.inside() { Outcome::Done } else { Outcome::Unfit })
}

fn read(file: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().read_to_end(&mut bytes)?;
    } else {
        bytes = std::fs::read(file)?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The text part by part; returns the last answer.
fn give(
    (file, text): (&Path, &str),
    group: &str,
    start: Option<&[f64]>,
    arguments: &Arguments,
    shell: &mut Shell,
) -> Result<Value, Error> {
    let name = file.file_name().map(|name| name.to_string_lossy()).filter(|name| name != "-");
    let title = format!("{}, group {group}", name.unwrap_or("standard input".into()));
    let (mut rest, mut run) = (text, Value::Null);
    loop {
        let end = (0..=PART.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(0);
        let (part, behind) = rest.split_at(end);
        let last = behind.is_empty();
        let mut request = json!({ "group": group, "text": part, "run": run, "last": last, "start": start });
        if last && arguments.svg.is_some() {
            (request["picture"], request["title"]) = (json!(arguments.view), json!(title));
        }
        let reply = loop {
            match shell.machine.call("Path", "DryRun", request.clone()) {
                Err(error) if error.short_name() == "QueueFull" && !request["run"].is_null() => {
                    std::thread::sleep(PAUSE);
                }
                reply => break reply?,
            }
        };
        if last {
            return Ok(reply);
        }
        run = reply["run"].clone();
        rest = behind;
    }
}

fn drawn(group: &str, run: &Value, shell: &mut Shell) -> Result<String, Error> {
    let (mut picture, mut first) = (String::new(), json!(0));
    while !first.is_null() {
        let mut part = shell.machine.call("Path", "Picture", json!({ "group": group, "run": run, "first": first }))?;
        picture.push_str(part["svg"].as_str().unwrap_or_default());
        first = part["next"].take();
    }
    Ok(picture)
}

fn mistakes(file: &str, error: &Error, as_object: bool) {
    let problems = error.field("problems").cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let line = |problem: &Value| format!("{file}:{}: {}", problem["line"], text(&problem["problem"]));
    let lines: Vec<String> = problems.as_array().into_iter().flatten().map(line).collect();
    if as_object {
        let view = |problem: &Value| json!({ "line": problem["line"], "statement": problem["statement"], "message": problem["problem"] });
        let problems: Vec<Value> = problems.as_array().into_iter().flatten().map(view).collect();
        eprintln!("{}", json!({ "error": "Mistakes", "message": lines.join("\n"), "problems": problems }));
    } else {
        lines.iter().for_each(|line| eprintln!("motionctl: {line}"));
    }
}

/// The report as the daemon tells it; without places of the path, which it has drawn.
fn report(told: &Value) -> Option<DryRunReport> {
    let line = |value: &Value| value.as_u64().and_then(|line| u32::try_from(line).ok());
    let number = |name: &str| told[name].as_f64();
    let peak = |told: &Value| Some(Peak { value: told["value"].as_f64()?, line: line(&told["line"])? });
    let unit = |told: &Value| {
        if told["unit"] == AxisUnit::Degree.symbol() { AxisUnit::Degree } else { AxisUnit::Millimetre }
    };
    let coordinate = |told: &Value| {
        let (name, range) = (told["name"].as_str()?.to_string(), (told["lowest"].as_f64()?, told["highest"].as_f64()?));
        Some(CoordinateReport { name, unit: unit(told), range })
    };
    let tool = |told: &Value| {
        let [velocity, acceleration, jerk] = ["velocity", "acceleration", "jerk"].map(|name| &told[name]);
        let share = |told: &Value| told["share"].as_f64();
        Some(ToolReport {
            peaks: [peak(velocity)?, peak(acceleration)?, peak(jerk)?],
            shares: [share(velocity)?, share(acceleration)?, share(jerk)?],
        })
    };
    let which = |told: &Value| Singularity::ALL.into_iter().find(|known| told["what"] == known.to_string());
    let singularity = |told: &Value| {
        let conditioning = Conditioning { distance: told["distance"].as_f64()?, nearest: which(told) };
        Some(Nearest { conditioning, sigma: 0.0, line: line(&told["line"])? })
    };
    let slowed = |told: &Value| {
        let (singularity, share, line) = (which(told)?, told["share"].as_f64()?, line(&told["line"])?);
        Some((Slowed { singularity, share, line }, told["cycles"].as_u64()?))
    };
    let axis = |told: &Value| {
        let peaks = [&told["velocity"], &told["acceleration"], &told["jerk"]];
        let limits = (told["minimum"].as_f64(), told["maximum"].as_f64());
        Some(AxisReport {
            name: told["axis"].as_str()?.to_string(),
            unit: unit(told),
            range: (told["lowest"].as_f64()?, told["highest"].as_f64()?),
            soft_limits: limits.0.zip(limits.1),
            outside: line(&told["outside"]),
            peaks: [peak(peaks[0])?, peak(peaks[1])?, peak(peaks[2])?],
            shares: [peaks[0]["share"].as_f64()?, peaks[1]["share"].as_f64()?, peaks[2]["share"].as_f64()?],
        })
    };
    Some(DryRunReport {
        elements: told["elements"].as_u64()?,
        linear_length: number("linear_length")?,
        rotary_length: number("rotary_length")?,
        cycles: told["cycles"].as_u64()?,
        period_s: number("period")?,
        coordinates: told["coordinates"].as_array()?.iter().map(coordinate).collect::<Option<_>>()?,
        tool: tool(&told["tool"]),
        nearest: singularity(&told["singularity"]),
        slowed: told["slowed"].as_array()?.iter().map(slowed).collect::<Option<_>>()?,
        axes: told["axes"].as_array()?.iter().map(axis).collect::<Option<_>>()?,
        deviation: Deviation {
            linear: number("linear_deviation")?,
            linear_line: line(&told["linear_line"])?,
            rotary: number("rotary_deviation")?,
            rotary_line: line(&told["rotary_line"])?,
        },
        fastest: Peak { value: number("fastest")?, line: line(&told["fastest_line"])? },
        jump: Peak { value: number("jump")?, line: line(&told["jump_line"])? },
        trace: Vec::new(),
    })
}
