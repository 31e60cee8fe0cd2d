//! What a dry run found, for people and for programs.

use std::path::Path;

use motiond::dry_run::{AxisReport, CoordinateReport, DryRunReport, Peak, ToolReport};
use motiond::planner::{Nearest, Slowed};
use motiond::units::AxisUnit;
use serde_json::{Value, json};

use crate::table::{fixed, table};

/// What is said of the limits: velocity, acceleration, jerk.
const ORDERS: [&str; 3] = ["velocity", "acceleration", "jerk"];

/// The largest share in front of which nothing is wrong: rounding aside.
const WHOLE: f64 = 1.0 + 1e-9;

/// The tool's speed of a path on which only its angles change, rounding aside, mm/s.
const STILL: f64 = 1e-6;

pub fn as_words(file: &str, report: &DryRunReport, picture: Option<&Path>) -> String {
    let mut lengths = Vec::new();
    if report.linear_length > 0.0 {
        lengths.push(format!("{} mm", fixed(report.linear_length, 3)));
    }
    if report.rotary_length > 0.0 {
        lengths.push(format!("{} deg", fixed(report.rotary_length, 3)));
    }
    let length = if lengths.is_empty() { "no way at all".to_string() } else { lengths.join(" and ") };
    let elements = format!("{} element{}", report.elements, if report.elements == 1 { "" } else { "s" });
    let period = fixed(report.period_s * 1e6, 0);
    let mut lines = vec![
        format!("{file}: {elements}, {length}"),
        format!("duration   {} s ({} cycles of {period} µs)", fixed(report.duration_s(), 3), report.cycles),
    ];
    lines.extend(fastest(report));
    lines.push(format!("deviation  {}", deviation(report)));
    let heading = ["AXIS", "FROM", "TO", "UNIT", "VELOCITY", "", "ACCELERATION", "", "JERK", ""];
    let mut rows: Vec<Vec<String>> = Vec::new();
    if report.nearest.is_some()
        || report.coordinates.iter().any(|of| report.axes.iter().all(|axis| axis.name != of.name))
    {
        rows.extend(report.coordinates.iter().map(coordinate));
    }
    rows.extend(report.tool.as_ref().map(|tool| self::tool(tool, unit(report))));
    rows.extend(report.axes.iter().map(row));
    lines.push(table(&heading, &rows, &[1, 2, 4, 5, 6, 7, 8, 9]));
    lines.extend(report.nearest.and_then(nearest));
    lines.extend(report.slowed.iter().map(|(slowed, cycles)| self::slowed(slowed, *cycles as f64 * report.period_s)));
    lines.extend(report.axes.iter().filter_map(outside));
    lines.extend(report.axes.iter().flat_map(beyond));
    lines.extend((report.jump.value > 0.0).then(|| {
        let Peak { value, line } = report.jump;
        format!("torn       a position jumps by {} in line {line}: a fault of this program", fixed(value, 6))
    }));
    lines.extend(picture.map(|picture| format!("picture    {}", picture.display())));
    lines.join("\n")
}

fn unit(report: &DryRunReport) -> &'static str {
    if has_linear(report) { "mm" } else { "deg" }
}

fn has_linear(report: &DryRunReport) -> bool {
    report.coordinates.iter().any(|of| of.unit.symbol() == "mm")
}

fn has_rotary(report: &DryRunReport) -> bool {
    report.coordinates.iter().any(|of| of.unit.symbol() == "deg")
}

/// The speed of the tool; of the fastest of what turns, where only that moves.
fn fastest(report: &DryRunReport) -> Option<String> {
    let Peak { value, line } = report.fastest;
    if value > STILL {
        return Some(format!("fastest    {} {}/s in line {line}", fixed(value, 1), unit(report)));
    }
    let turning = report.axes.iter().filter(|axis| axis.unit == AxisUnit::Degree && axis.peaks[0].value > 0.0);
    let axis = turning.max_by(|one, other| one.peaks[0].value.total_cmp(&other.peaks[0].value))?;
    let Peak { value, line } = axis.peaks[0];
    Some(format!("fastest    {} {}/s of {} in line {line}", fixed(value, 1), axis.unit.symbol(), axis.name))
}

fn deviation(report: &DryRunReport) -> String {
    let of = |value: f64, unit: &str, line: u32| {
        let place = if line > 0 { format!(" in line {line}") } else { String::new() };
        format!("{} {unit}{place}", fixed(value, 6))
    };
    let found = &report.deviation;
    let linear = has_linear(report).then(|| of(found.linear, "mm", found.linear_line));
    let rotary = has_rotary(report).then(|| of(found.rotary, "deg", found.rotary_line));
    linear.into_iter().chain(rotary).collect::<Vec<_>>().join(", ")
}

fn row(axis: &AxisReport) -> Vec<String> {
    let AxisReport { name, unit, range: (low, high), peaks, shares, .. } = axis;
    let mut row = vec![name.clone(), fixed(*low, 3), fixed(*high, 3), unit.symbol().to_string()];
    for (Peak { value, .. }, share) in peaks.iter().zip(shares) {
        row.push(fixed(*value, 1));
        row.push(format!("{} %", fixed(share * 100.0, 1)));
    }
    row
}

/// Where it is only told how far the path goes.
fn coordinate(coordinate: &CoordinateReport) -> Vec<String> {
    let CoordinateReport { name, unit, range: (low, high) } = coordinate;
    let mut row = vec![name.clone(), fixed(*low, 3), fixed(*high, 3), unit.symbol().to_string()];
    row.extend((0..6).map(|_| String::new()));
    row
}

fn tool(tool: &ToolReport, unit: &str) -> Vec<String> {
    let mut row = vec!["tool".to_string(), String::new(), String::new(), unit.to_string()];
    for (Peak { value, .. }, share) in tool.peaks.iter().zip(tool.shares) {
        row.push(fixed(*value, 1));
        row.push(format!("{} %", fixed(share * 100.0, 1)));
    }
    row
}

fn nearest(nearest: Nearest) -> Option<String> {
    let (distance, line) = (nearest.conditioning.distance, nearest.line);
    let what = nearest.conditioning.nearest?;
    Some(format!("nearest    {} from a singularity in line {line}: {what}", fixed(distance, 3)))
}

fn slowed(slowed: &Slowed, seconds: f64) -> String {
    let Slowed { singularity, share, line } = slowed;
    let (seconds, share) = (fixed(seconds, 3), fixed(share * 100.0, 1));
    format!("slowed     for {seconds} s, down to {share} % of the feed in line {line}: {singularity}")
}

fn outside(axis: &AxisReport) -> Option<String> {
    let (line, (least, most)) = (axis.outside?, axis.soft_limits?);
    let ((low, high), unit) = (axis.range, axis.unit.symbol());
    let found = if high > most { high } else { low };
    let (found, name) = (fixed(found, 3), &axis.name);
    Some(format!(
        "outside    axis \"{name}\" from line {line} on: found {found} {unit}, allowed: {least} to {most} {unit}"
    ))
}

/// What would be a fault of the planner.
fn beyond(axis: &AxisReport) -> Vec<String> {
    let of = |order: usize| {
        let share = axis.shares[order];
        let (name, Peak { line, .. }) = (&axis.name, axis.peaks[order]);
        let what = ORDERS[order];
        (share > WHOLE).then(|| {
            format!("beyond     axis \"{name}\": {what} is {} % of its limit in line {line}", fixed(share * 100.0, 4))
        })
    };
    (0..3).filter_map(of).collect()
}

pub fn as_json(file: &str, group: &str, report: &DryRunReport, picture: Option<&Path>) -> Value {
    let axis = |axis: &AxisReport| {
        let AxisReport { name, unit, range: (low, high), soft_limits, outside, peaks, shares } = axis;
        let mut object = json!({
            "name": name, "unit": unit.symbol(), "from": low, "to": high,
            "soft_limits": soft_limits.map(|(least, most)| [least, most]), "outside_from_line": outside,
        });
        for (order, what) in ORDERS.iter().enumerate() {
            let Peak { value, line } = peaks[order];
            object[*what] = json!({ "peak": value, "share_of_limit": shares[order], "line": line });
        }
        object
    };
    let coordinate = |of: &CoordinateReport| json!({ "name": of.name, "unit": of.unit.symbol(), "from": of.range.0, "to": of.range.1 });
    let tool = |tool: &ToolReport| {
        let mut object = json!({});
        for (order, what) in ORDERS.iter().enumerate() {
            let Peak { value, line } = tool.peaks[order];
            object[*what] = json!({ "peak": value, "share_of_limit": tool.shares[order], "line": line });
        }
        object
    };
    let singularity = report.nearest.and_then(|near| {
        let what = near.conditioning.nearest?.to_string();
        Some(json!({ "what": what, "distance": near.conditioning.distance, "line": near.line }))
    });
    let slowed = |(slowed, cycles): &(Slowed, u64)| {
        let Slowed { singularity, share, line } = slowed;
        let seconds = *cycles as f64 * report.period_s;
        json!({ "what": singularity.to_string(), "share_of_feed": share, "line": line, "duration_s": seconds })
    };
    let found = &report.deviation;
    json!({
        "file": file,
        "group": group,
        "elements": report.elements,
        "length_mm": report.linear_length,
        "length_deg": report.rotary_length,
        "duration_s": report.duration_s(),
        "cycles": report.cycles,
        "fastest": { "speed": report.fastest.value, "unit": format!("{}/s", unit(report)), "line": report.fastest.line },
        "deviation": {
            "mm": found.linear, "mm_line": found.linear_line, "deg": found.rotary, "deg_line": found.rotary_line,
        },
        "jump": { "value": report.jump.value, "line": report.jump.line },
        "inside_soft_limits": report.inside(),
        "axes": report.axes.iter().map(axis).collect::<Vec<_>>(),
        "coordinates": report.coordinates.iter().map(coordinate).collect::<Vec<_>>(),
        "tool": report.tool.as_ref().map(tool),
        "singularity": singularity,
        "slowed": report.slowed.iter().map(slowed).collect::<Vec<_>>(),
        "svg": picture,
    })
}
