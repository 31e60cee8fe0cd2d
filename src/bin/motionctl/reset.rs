//! `motionctl reset`

use motiond::client::{Error, OnLoss, Scope};
use serde_json::{Value, json};

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axes [default: the machine, and every axis that is in ErrorStop]
    axes: Vec<String>,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let mut axes = arguments.axes.clone();
    let mut commands = Vec::new();
    if axes.is_empty() {
        shell.hold(Scope::Machine, OnLoss::Finish)?;
        let handle = shell.machine.command("Machine", "Reset", json!({}))?;
        commands.push(Command { label: "reset machine".to_string(), handle, moves: None });
        let stopped = shell.machine.all("Axis", "List")?.into_iter().filter(|axis| axis["state"] == "ErrorStop");
        axes = stopped.filter_map(|axis| axis["name"].as_str().map(ToOwned::to_owned)).collect();
        for group in shell.machine.all("Group", "List")? {
            if let (Some(name), Some("GroupErrorStop")) = (group["name"].as_str(), group["state"].as_str()) {
                let handle = shell.machine.command("Group", "Reset", json!({ "group": name }))?;
                commands.push(Command { label: format!("reset {name}"), handle, moves: None });
                axes.retain(|axis| !is_member(shell, name, axis));
            }
        }
    }
    if !arguments.axes.is_empty() {
        shell.hold_axes(&axes)?;
    }
    for axis in axes {
        let handle = shell.machine.command("Axis", "Reset", json!({ "axis": axis }))?;
        commands.push(Command { label: format!("reset {axis}"), handle, moves: None });
    }
    shell.follow(commands, arguments.waiting)
}

/// A group resets its own axes.
fn is_member(shell: &mut Shell, group: &str, axis: &str) -> bool {
    let groups = shell.machine.all("Group", "Describe").unwrap_or_default();
    let group = groups.into_iter().find(|known| known["name"] == group);
    group.is_some_and(|group| group["axes"].as_array().is_some_and(|axes| axes.contains(&Value::from(axis))))
}
