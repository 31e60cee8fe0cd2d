//! `motionctl enable` and `motionctl disable`: drives and groups, to the end.

use motiond::client::{Error, OnLoss, Scope};
use serde_json::{Value, json};

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axes or groups [default: every axis]
    names: Vec<String>,
}

pub fn run(arguments: &Arguments, on: bool, shell: &mut Shell) -> Result<Outcome, Error> {
    let mut outcome = Outcome::Done;
    if arguments.names.is_empty() {
        let axes = shell.machine.axes()?;
        shell.hold(Scope::Machine, OnLoss::Finish)?;
        return power(&axes, on, shell);
    }
    for name in &arguments.names {
        let scope = shell.scope(Some(name))?;
        shell.hold(scope.clone(), OnLoss::Finish)?;
        outcome = outcome.and(match &scope {
            Scope::Group(group) => of_group(group, on, shell)?,
            _ => power(std::slice::from_ref(name), on, shell)?,
        });
        shell.machine.let_go();
    }
    Ok(outcome)
}

fn power(axes: &[String], on: bool, shell: &mut Shell) -> Result<Outcome, Error> {
    let mut commands = Vec::new();
    for axis in axes {
        let handle = shell.machine.power(axis, on)?;
        let label = format!("{axis} {}", if on { "enabled" } else { "disabled" });
        commands.push(Command { label, handle, moves: None });
    }
    shell.follow(commands, Waiting { wait: true })
}

/// The drives before the group, and after it.
fn of_group(group: &str, on: bool, shell: &mut Shell) -> Result<Outcome, Error> {
    let groups = shell.machine.all("Group", "Describe")?;
    let described = groups.iter().find(|known| known["name"] == group);
    let axes = described.and_then(|group| group["axes"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let axes: Vec<String> = axes.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    let status = shell.machine.call("Group", "Status", json!({ "group": group }))?;
    let disabled = status["status"]["state"] == "GroupDisabled";
    let mut outcome = Outcome::Done;
    if on {
        outcome = power(&axes, on, shell)?;
    }
    if outcome == Outcome::Done && disabled == on {
        let handle = if on { shell.machine.enable(group)? } else { shell.machine.disable(group)? };
        let label = format!("{group} {}", if on { "enabled" } else { "disabled" });
        outcome = shell.follow(vec![Command { label, handle, moves: None }], Waiting { wait: true })?;
    }
    if !on && outcome == Outcome::Done {
        outcome = power(&axes, on, shell)?;
    }
    Ok(outcome)
}
