//! `motionctl status`

use motiond::client::Error;
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell};
use crate::table::{fixed, table};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axes to show [default: the whole machine]
    axes: Vec<String>,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    if !arguments.axes.is_empty() {
        for axis in &arguments.axes {
            let reply = shell.machine.call("Axis", "Status", json!({ "axis": axis }))?;
            shell.say(&reply, || axis_in_words(&reply["status"]));
        }
        return Ok(Outcome::Done);
    }
    let machine = shell.machine.call("Machine", "Status", json!({}))?;
    let axes = shell.machine.all("Axis", "List")?;
    let groups = shell.machine.all("Group", "List")?;
    let whole = json!({ "machine": machine, "axes": axes, "groups": groups });
    shell.say(&whole, || {
        let mut parts = vec![machine_in_words(&machine), axes_in_words(&axes)];
        if !groups.is_empty() {
            parts.push(groups_in_words(&groups));
        }
        parts.join("\n\n")
    });
    Ok(Outcome::Done)
}

fn machine_in_words(machine: &Value) -> String {
    let mut lines = Vec::new();
    let stopped = machine["stopped"] == true;
    lines.push(format!(
        "machine: cycle {}, {}, {}",
        machine["cycle"],
        if machine["permitted"] == true {
            "motion permitted"
        } else {
            "motion not permitted (a fault, the emergency stop or the enabling device)"
        },
        if stopped { "stopped (motionctl release)" } else { "not stopped" },
    ));
    if let Some(why) = machine["degraded"].as_array() {
        let why: Vec<&str> = why.iter().filter_map(Value::as_str).collect();
        lines.push(format!("degraded: {}", why.join("; ")));
    }
    if machine["skipped_periods"] != 0 {
        lines.push(format!("skipped periods: {}", machine["skipped_periods"]));
    }
    lines.extend(fault_in_words(&machine["fault"]));
    for bus in machine["buses"].as_array().into_iter().flatten() {
        lines.push(format!(
            "bus {}: {}{}, {} frames lost, {} late, {} working counter errors",
            text(bus, "name"),
            if bus["up"] == true { "up" } else { "down (motionctl recover)" },
            if bus["ring_whole"] == false { ", ring broken (motionctl events)" } else { "" },
            bus["frames_lost"],
            bus["frames_late"],
            bus["working_counter_errors"],
        ));
    }
    for (name, title) in [("inputs", "inputs on"), ("outputs", "outputs on")] {
        let on = machine[name].as_array().into_iter().flatten().filter(|signal| signal["on"] == true);
        let on: Vec<&str> = on.map(|signal| text(signal, "name")).collect();
        if !on.is_empty() {
            lines.push(format!("{title}: {}", on.join(", ")));
        }
    }
    for (name, title) in [("analog_inputs", "analog inputs"), ("analog_outputs", "analog outputs")] {
        let analogs = machine[name].as_array().into_iter().flatten();
        let value = |analog: &Value| {
            let (value, unit) = (fixed(number(analog, "value"), 3), text(analog, "unit"));
            format!("{} {value}{}{unit}", text(analog, "name"), if unit.is_empty() { "" } else { " " })
        };
        let values: Vec<String> = analogs.map(value).collect();
        if !values.is_empty() {
            lines.push(format!("{title}: {}", values.join(", ")));
        }
    }
    lines.join("\n")
}

fn axes_in_words(axes: &[Value]) -> String {
    let rows: Vec<Vec<String>> = axes.iter().map(axis_row).collect();
    table(&["AXIS", "STATE", "DRIVE", "ACTUAL", "VELOCITY", "UNIT", "OVERRIDE", "NOTES"], &rows, &[3, 4, 6])
}

fn axis_row(axis: &Value) -> Vec<String> {
    vec![
        text(axis, "name").to_string(),
        text(axis, "state").to_string(),
        text(axis, "drive_state").to_string(),
        fixed(number(axis, "actual"), 3),
        fixed(number(axis, "actual_velocity"), 3),
        text(axis, "unit").to_string(),
        format!("{:.0} %", number(axis, "override") * 100.0),
        notes(axis),
    ]
}

/// What is out of the ordinary.
fn notes(axis: &Value) -> String {
    let mut notes = Vec::new();
    if let Some(fault) = axis["fault"]["name"].as_str() {
        notes.push(fault.to_string());
    }
    let facts = [
        ("stopped", true, "stopped"),
        ("referenced", false, "no reference"),
        ("positive_limit", true, "positive limit switch"),
        ("negative_limit", true, "negative limit switch"),
        ("fresh", false, "no fresh feedback"),
        ("warning", true, "drive warning"),
        ("internal_limit", true, "internal limit"),
    ];
    notes.extend(facts.iter().filter(|(name, is, _)| axis[*name] == *is).map(|(_, _, note)| (*note).to_string()));
    notes.join(", ")
}

fn axis_in_words(axis: &Value) -> String {
    let unit = text(axis, "unit");
    let mut lines = vec![
        format!("axis {}: {}, drive {}", text(axis, "name"), text(axis, "state"), text(axis, "drive_state")),
        format!("  position   {:.4} {unit} (setpoint {:.4})", number(axis, "actual"), number(axis, "setpoint")),
        format!(
            "  velocity   {:.4} {unit}/s (setpoint {:.4})",
            number(axis, "actual_velocity"),
            number(axis, "velocity")
        ),
        format!(
            "  following  {:.4} {unit}, {:.0} % of the permitted",
            number(axis, "following_error"),
            number(axis, "following_ratio") * 100.0
        ),
        format!("  torque     {:.0} % of the rated", number(axis, "torque_ratio") * 100.0),
        format!("  override   {:.0} %", number(axis, "override") * 100.0),
    ];
    let notes = notes(axis);
    if !notes.is_empty() {
        lines.push(format!("  notes      {notes}"));
    }
    lines.extend(fault_in_words(&axis["fault"]));
    lines.join("\n")
}

fn groups_in_words(groups: &[Value]) -> String {
    let row = |group: &Value| {
        let facts = [("stopped", "stopped"), ("interrupted", "interrupted")];
        let facts = facts.iter().filter(|(name, _)| group[*name] == true).map(|(_, note)| note.to_string());
        let line = group["path_line"].as_u64().map(|line| format!("line {line}"));
        let place =
            |of: &Value| format!("{} {} {}", text(of, "name"), fixed(number(of, "actual"), 3), text(of, "unit"));
        let tool: Vec<String> = group["tool"].as_array().into_iter().flatten().map(place).collect();
        let tool = (!tool.is_empty()).then(|| format!("tool at {}", tool.join(", ")));
        let left = group["path_time_left"].as_f64().map(|seconds| format!("{seconds:.1} s left"));
        let behind = Some(number(group, "stream_behind")).filter(|seconds| *seconds >= 0.0005);
        let behind = behind.map(|seconds| format!("{seconds:.3} s behind its points"));
        let path = line.into_iter().chain(path_in_words(group)).chain(left).chain(behind);
        let notes: Vec<String> = tool.into_iter().chain(path).chain(facts).collect();
        vec![
            text(group, "name").to_string(),
            text(group, "state").to_string(),
            format!("{:.0} %", number(group, "progress") * 100.0),
            fixed(number(group, "path_velocity"), 3),
            format!("{:.0} %", number(group, "override") * 100.0),
            notes.join(", "),
        ]
    };
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    table(&["GROUP", "STATE", "PROGRESS", "VELOCITY", "OVERRIDE", "NOTES"], &rows, &[2, 3, 4])
}

/// What a path does, where it does not simply go on.
fn path_in_words(group: &Value) -> Option<String> {
    let words = match text(group, "path_state") {
        "filling" => "waits for enough of its path",
        "held" if group["path_back"] == true => "held on the way back",
        "held" => "held",
        "starved" => "waits for more of its path",
        "retreating" => "goes back",
        "retreated" => "at the far end of the way back",
        "waiting" => "waits for the next step",
        "ending" => "settles",
        _ => return None,
    };
    Some(words.to_string())
}

fn fault_in_words(fault: &Value) -> Vec<String> {
    if fault.is_null() {
        return Vec::new();
    }
    vec![
        format!("fault {} {}: {}", fault["code"], text(fault, "name"), text(fault, "cause")),
        format!("  {}", text(fault, "remedy")),
    ]
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("")
}

fn number(value: &Value, name: &str) -> f64 {
    value[name].as_f64().unwrap_or(0.0)
}
