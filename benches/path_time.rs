//! How long paths of many short lines take, planned and run by the dry run: duration, peaks as shares of the limits, deviation.
//!
//! ```sh
//! cargo bench --bench path_time                   # the paths of benches/path/paths.py (python3)
//! cargo bench --bench path_time -- DIRECTORY      # *.points there
//! ```
//!
//! In a .points file each line is a point, coordinates separated by spaces, the first one where the path begins; lines that begin with #
//! are its parameters, of which `units` counts here. Each axis may do 200 units/s and 2000 units/s²; the tolerance is 0.02 mm and
//! deg; the feed is 200 mm/s over the first three axes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use motiond::dry_run::{DryRun, DryRunReport, RunAxis};
use motiond::motion::Limits;
use motiond::path_file::{Written, WrittenShape};
use motiond::planner::program::{Caps, Corner, Feed, Point};
use motiond::units::AxisUnit;

const VELOCITY: f64 = 200.0;
const ACCELERATION: f64 = 2000.0;
const JERKS: [f64; 2] = [2e6, 5e4];
const TOLERANCE: f64 = 0.02;
const FEED: f64 = 200.0;
const PERIOD_S: f64 = 0.001;

struct Points {
    name: String,
    units: Vec<AxisUnit>,
    points: Vec<Point>,
}

fn main() {
    let named = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let directory = named.map_or_else(generated, |directory| Ok(PathBuf::from(directory)));
    let files = directory.and_then(|directory| points_files(&directory));
    let files = match files {
        Ok(files) => files,
        Err(why) => return println!("skipped: path_time: {why}"),
    };
    println!(
        "{:<14} {:>6} {:>5} {:>9} {:>9}   {:>5} {:>5} {:>5}   {:>11} {:>11}   {:>7}",
        "path", "lines", "axes", "jerk", "duration", "v %", "a %", "j %", "off, mm", "off, deg", "CPU"
    );
    for file in files {
        let Points { name, units, points } = read(&file);
        for jerk in JERKS {
            let begun = Instant::now();
            let report = run(&units, &points, jerk);
            let taken = begun.elapsed().as_secs_f64();
            let [v, a, j] =
                [0, 1, 2].map(|order| 100.0 * report.axes.iter().map(|axis| axis.shares[order]).fold(0.0, f64::max));
            if report.jump.value > 0.0 {
                println!("{name}: a position jumps by {:.6} in line {}", report.jump.value, report.jump.line);
            }
            println!(
                "{name:<14} {:>6} {:>5} {jerk:>9.0} {:>7.3} s   {v:>5.1} {a:>5.1} {j:>5.1}   {:>11.6} {:>11.6}   {taken:>5.2} s",
                points.len() - 1,
                units.len(),
                report.duration_s(),
                report.deviation.linear,
                report.deviation.rotary,
            );
        }
    }
}

fn generated() -> Result<PathBuf, String> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("path-points");
    let script = "benches/path/paths.py";
    let ran = Command::new("python3").arg(script).arg(&directory).status();
    match ran {
        Ok(status) if status.success() => Ok(directory),
        Ok(status) => Err(format!("python3 {script}: {status}")),
        Err(error) => Err(format!("python3 {script}: {error}")),
    }
}

fn points_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "points"));
    files.sort();
    if files.is_empty() { Err(format!("{} has no .points file", directory.display())) } else { Ok(files) }
}

fn read(file: &Path) -> Points {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let units = text.lines().find_map(|line| line.strip_prefix("# units: "));
    let unit = |word: &str| if word == "deg" { AxisUnit::Degree } else { AxisUnit::Millimetre };
    let of_line = |line: &str| {
        let mut point = Point::default();
        for (value, word) in point.iter_mut().zip(line.split_whitespace()) {
            *value = word.parse().unwrap_or_else(|error| panic!("{}: {word}: {error}", file.display()));
        }
        point
    };
    let lines = || text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let count = lines().next().map_or(0, |line| line.split_whitespace().count());
    Points {
        name: file.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        units: units
            .map_or_else(|| vec![AxisUnit::Millimetre; count], |units| units.split_whitespace().map(unit).collect()),
        points: lines().map(of_line).collect(),
    }
}

fn run(units: &[AxisUnit], points: &[Point], jerk: f64) -> DryRunReport {
    let limits = Limits { velocity: VELOCITY, acceleration: ACCELERATION, jerk };
    let axis = |(index, unit): (usize, &AxisUnit)| RunAxis {
        name: index.to_string(),
        unit: *unit,
        limits,
        soft_limits: None,
        offset: 0.0,
    };
    let mut run = DryRun::new(units.iter().enumerate().map(axis).collect(), PERIOD_S, &points[0]);
    let linear = units.iter().filter(|unit| **unit == AxisUnit::Millimetre).count();
    for (line, pair) in points.windows(2).enumerate() {
        let way: f64 = (0..3).map(|axis| (pair[1][axis] - pair[0][axis]).powi(2)).sum::<f64>().sqrt();
        // A feed counts over all linear axes, and here over the first three.
        let feed = if linear > 3 && way > 0.0 { Feed::Duration(way / FEED) } else { Feed::Speed(FEED) };
        let corner = Corner::Tolerance { linear: TOLERANCE, rotary: TOLERANCE };
        let written =
            Written { shape: WrittenShape::Line, to: pair[1], feed, caps: Caps::NONE, corner, line: line as u32 + 1 };
        let element = written.element(run.order(), run.end(), run.offsets()).expect("a line");
        run.push(&element).unwrap_or_else(|error| panic!("{error}"));
    }
    run.finish().unwrap_or_else(|error| panic!("{error}"))
}
