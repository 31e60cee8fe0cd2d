//! `motionctl params`: the configuration by names, and its changes while the machine runs.

use std::collections::BTreeMap;

use motiond::client::{Error, OnLoss, Scope};
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell};
use crate::table::table;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Show parameters: those of axes that can change now, or all
    List(List),
    /// Show all about some parameters
    Get(Get),
    /// Change parameters: of one axis all or none
    Set(Set),
    /// Show what is not as configured, or not as it will be at the next start
    Diff,
    /// Keep the parameters as they are now for the next start
    Persist,
    /// Give the parameters of axes the values that were persisted, or those of the configuration
    RollBack(RollBack),
}

#[derive(clap::Args)]
pub struct List {
    /// How their names begin, such as axis.x. or axis.x.limits.
    #[arg(default_value = "")]
    prefix: String,
    /// Those that change at a restart only, too
    #[arg(long)]
    all: bool,
}

#[derive(clap::Args)]
pub struct Get {
    /// Names
    #[arg(required = true)]
    names: Vec<String>,
}

#[derive(clap::Args)]
pub struct Set {
    /// Such as axis.x.limits.max-velocity-mm-per-s=400
    #[arg(required = true, value_name = "NAME=VALUE", value_parser = assignment)]
    values: Vec<Assignment>,
}

#[derive(clap::Args)]
pub struct RollBack {
    /// Axes [default: all whose parameters differ]
    axes: Vec<String>,
    /// Back to what
    #[arg(long)]
    to: To,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum To {
    /// What was persisted last, else the configuration
    Persisted,
    /// What the configuration says
    Configured,
}

/// An axis, the name of one of its parameters, and a value.
#[derive(Clone)]
struct Assignment {
    axis: String,
    name: String,
    value: f64,
}

fn assignment(text: &str) -> Result<Assignment, String> {
    let (name, value) = text.split_once('=').ok_or("there is no = in it")?;
    let axis = axis_of(name).ok_or("names of parameters that can change begin with axis.NAME.")?;
    let value: f64 = value.trim().parse().map_err(|_| format!("{value:?} is no number"))?;
    if !value.is_finite() {
        return Err(format!("{value} is no finite number"));
    }
    Ok(Assignment { axis: axis.to_string(), name: name.to_string(), value })
}

fn axis_of(name: &str) -> Option<&str> {
    name.strip_prefix("axis.")?.split_once('.').map(|(axis, _)| axis)
}

pub fn run(verb: &Verb, shell: &mut Shell) -> Result<Outcome, Error> {
    match verb {
        Verb::List(arguments) => list(arguments, shell),
        Verb::Get(arguments) => get(arguments, shell),
        Verb::Set(arguments) => set(arguments, shell),
        Verb::Diff => diff(shell),
        Verb::Persist => persist(shell),
        Verb::RollBack(arguments) => roll_back(arguments, shell),
    }
}

fn list(arguments: &List, shell: &mut Shell) -> Result<Outcome, Error> {
    let mut parameters = shell.machine.parameters(&arguments.prefix)?;
    if !arguments.all {
        parameters.retain(|parameter| parameter["live"] == true);
    }
    shell.say(&json!({ "parameters": parameters }), || {
        if parameters.is_empty() {
            return "there are none that begin so; --all shows those that change at a restart only, too".to_string();
        }
        let row = |parameter: &Value| {
            let note = match (parameter["live"] == true, parameter["value"] == parameter["configured"]) {
                (false, _) => "restart",
                (true, false) => "changed",
                (true, true) => "",
            };
            vec![text(&parameter["name"]), text(&parameter["value"]), text(&parameter["unit"]), note.to_string()]
        };
        let rows: Vec<Vec<String>> = parameters.iter().map(row).collect();
        table(&["PARAMETER", "VALUE", "UNIT", ""], &rows, &[1])
    });
    Ok(Outcome::Done)
}

fn get(arguments: &Get, shell: &mut Shell) -> Result<Outcome, Error> {
    let mut found = Vec::new();
    for name in &arguments.names {
        let parameters = shell.machine.parameters(name)?;
        match parameters.into_iter().find(|parameter| parameter["name"] == **name) {
            Some(parameter) => found.push(parameter),
            None => {
                let hint = "motionctl params list --all shows all names";
                let fields = [("problem", format!("there is no parameter {name}")), ("hint", hint.to_string())];
                let fields = fields.into_iter().map(|(key, value)| (key.to_string(), json!(value))).collect();
                return Err(Error::Refused { name: "NoSuchParameter".to_string(), fields });
            }
        }
    }
    shell.say(&json!({ "parameters": found }), || found.iter().map(in_words).collect::<Vec<_>>().join("\n"));
    Ok(Outcome::Done)
}

fn in_words(parameter: &Value) -> String {
    let unit = parameter["unit"].as_str().map(|unit| format!(" {unit}")).unwrap_or_default();
    let change =
        if parameter["live"] == true { "while the machine runs" } else { "at a restart, in the configuration" };
    let shown = |name: &str| text(&parameter[name]);
    format!(
        "{} = {}{unit}\n  {}\n  allowed     {}\n  changes     {change}\n  configured  {}\n  persisted   {}",
        shown("name"),
        shown("value"),
        shown("description"),
        shown("allowed"),
        shown("configured"),
        shown("persisted"),
    )
}

fn set(arguments: &Set, shell: &mut Shell) -> Result<Outcome, Error> {
    let mut of_axes: BTreeMap<&str, Vec<(String, f64)>> = BTreeMap::new();
    for Assignment { axis, name, value } in &arguments.values {
        of_axes.entry(axis).or_default().push((name.clone(), *value));
    }
    for (axis, values) in of_axes {
        shell.hold(Scope::Axis(axis.to_string()), OnLoss::Finish)?;
        let changed = shell.machine.set_parameters(axis, &values)?;
        tell_changes(axis, &changed, shell);
    }
    if !shell.json {
        crate::shell::print_line("until the daemon ends; motionctl params persist keeps them");
    }
    Ok(Outcome::Done)
}

fn tell_changes(axis: &str, changed: &[Value], shell: &Shell) {
    shell.say(&json!({ "axis": axis, "changed": changed }), || {
        if changed.is_empty() {
            return format!("axis {axis}: nothing is different");
        }
        let line = |change: &Value| {
            format!("{}: {} (was {})", text(&change["name"]), text(&change["value"]), text(&change["before"]))
        };
        changed.iter().map(line).collect::<Vec<_>>().join("\n")
    });
}

fn diff(shell: &mut Shell) -> Result<Outcome, Error> {
    let differences = shell.machine.differences()?;
    shell.say(&json!({ "differences": differences }), || {
        if differences.is_empty() {
            return "every parameter is as configured".to_string();
        }
        let row = |difference: &Value| {
            ["name", "value", "persisted", "configured", "unit"].map(|column| text(&difference[column])).to_vec()
        };
        let rows: Vec<Vec<String>> = differences.iter().map(row).collect();
        table(&["PARAMETER", "NOW", "NEXT START", "CONFIGURED", "UNIT"], &rows, &[1, 2, 3])
    });
    Ok(Outcome::Done)
}

fn persist(shell: &mut Shell) -> Result<Outcome, Error> {
    let reply = shell.machine.call("Parameters", "Persist", json!({}))?;
    shell.say(&reply, || match reply["values"].as_u64() {
        Some(0) => format!("{}: nothing differs from the configuration any more", text(&reply["file"])),
        Some(1) => format!("{}: 1 value holds instead of the configuration's", text(&reply["file"])),
        _ => format!("{}: {} values hold instead of the configuration's", text(&reply["file"]), reply["values"]),
    });
    Ok(Outcome::Done)
}

fn roll_back(arguments: &RollBack, shell: &mut Shell) -> Result<Outcome, Error> {
    let (to_persisted, other) = if arguments.to == To::Persisted { (true, "persisted") } else { (false, "configured") };
    let mut axes = arguments.axes.clone();
    if axes.is_empty() {
        let differences = shell.machine.differences()?;
        let differs = differences.iter().filter(|difference| difference["value"] != difference[other]);
        axes = differs.filter_map(|difference| axis_of(difference["name"].as_str()?)).map(String::from).collect();
        axes.dedup();
        if axes.is_empty() {
            shell.say(&json!({ "changed": [] }), || format!("every parameter is as {other}"));
            return Ok(Outcome::Done);
        }
    }
    for axis in &axes {
        shell.hold(Scope::Axis(axis.clone()), OnLoss::Finish)?;
        let changed = shell.machine.roll_parameters_back(axis, to_persisted)?;
        tell_changes(axis, &changed, shell);
    }
    Ok(Outcome::Done)
}

/// As it is read: text without quotes, a dash for nothing.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_string(),
        Value::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_names_an_axis_and_a_finite_number() {
        let good = assignment("axis.x.limits.max-jerk-mm-per-s3=-1.5e3").ok().unwrap();
        assert_eq!((good.axis.as_str(), good.value), ("x", -1500.0));
        for bad in ["axis.x.a", "group.g.a=1", "axis.x=1", "axis.x.a=fast", "axis.x.a=NaN", "axis.x.a=inf", "=1"] {
            assert!(assignment(bad).is_err(), "{bad}");
        }
    }
}
