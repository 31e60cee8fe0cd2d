//! `motionctl describe`: what the machine is.

use motiond::client::Error;
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell};
use crate::table::table;

pub fn run(shell: &mut Shell) -> Result<Outcome, Error> {
    let machine = shell.machine.call("Machine", "Describe", json!({}))?;
    let axes = shell.machine.all("Axis", "Describe")?;
    let groups = shell.machine.all("Group", "Describe")?;
    let service = shell.machine.connection().call("org.varlink.service.GetInfo", json!({}))?;
    let whole = json!({ "machine": machine, "axes": axes, "groups": groups, "interfaces": service["interfaces"] });
    shell.say(&whole, || {
        let mut parts = vec![machine_in_words(&machine), axes_in_words(&axes)];
        if !groups.is_empty() {
            parts.push(groups_in_words(&groups));
        }
        parts.push(format!(
            "interfaces (motionctl interfaces NAME prints one)\n  {}",
            list(&service["interfaces"], "\n  ")
        ));
        parts.join("\n\n")
    });
    Ok(Outcome::Done)
}

fn machine_in_words(machine: &Value) -> String {
    let kind = if machine["simulated"] == true { ", every bus simulated" } else { "" };
    let period_us = machine["period_ns"].as_f64().unwrap_or(0.0) / 1000.0;
    let mut lines =
        vec![format!("{}: motiond {}, cycle of {period_us} µs{kind}", text(machine, "name"), text(machine, "version"))];
    for (list_name, title) in [("buses", "buses"), ("inputs", "inputs"), ("outputs", "outputs")] {
        let names = list(&machine[list_name], ", ");
        if !names.is_empty() {
            lines.push(format!("  {title:<8} {names}"));
        }
    }
    lines.join("\n")
}

fn axes_in_words(axes: &[Value]) -> String {
    let row = |axis: &Value| {
        let range = match (axis["minimum"].as_f64(), axis["maximum"].as_f64(), axis["modulo"].as_f64()) {
            (Some(minimum), Some(maximum), _) => format!("{minimum} to {maximum}"),
            (_, _, Some(modulo)) => format!("endless, modulo {modulo}"),
            _ => "unlimited".to_string(),
        };
        let mut row = vec![text(axis, "name").to_string(), text(axis, "unit").to_string(), range];
        row.extend(limits(axis));
        row.push(list(&axis["groups"], ", "));
        row
    };
    let rows: Vec<Vec<String>> = axes.iter().map(row).collect();
    table(&["AXIS", "UNIT", "RANGE", "MAX /s", "MAX /s²", "MAX /s³", "GROUPS"], &rows, &[3, 4, 5])
}

fn groups_in_words(groups: &[Value]) -> String {
    let row = |group: &Value| {
        let mut row = vec![text(group, "name").to_string(), list(&group["axes"], ", ")];
        row.extend(limits(group));
        row
    };
    let rows: Vec<Vec<String>> = groups.iter().map(row).collect();
    table(&["GROUP", "AXES", "MAX /s", "MAX /s²", "MAX /s³"], &rows, &[2, 3, 4])
}

fn limits(of: &Value) -> [String; 3] {
    ["velocity_limit", "acceleration_limit", "jerk_limit"].map(|name| of[name].as_f64().unwrap_or(0.0).to_string())
}

fn list(names: &Value, separator: &str) -> String {
    let names: Vec<&str> = names.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    names.join(separator)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("")
}
