//! `motionctl release`: ends the lock of the stop that is in force now, and of no later one.

use motiond::client::{Error, OnLoss, Scope};
use serde_json::json;

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axis or group [default: the whole machine]
    name: Option<String>,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let handle = match &arguments.name {
        None => {
            shell.hold(Scope::Machine, OnLoss::Finish)?;
            let status = shell.machine.call("Machine", "Status", json!({}))?;
            shell.machine.command("Machine", "Release", json!({ "generation": status["stop_generation"] }))?
        }
        Some(name) => release_named(shell, name)?,
    };
    let label = format!("release {}", arguments.name.as_deref().unwrap_or("machine"));
    shell.follow(vec![Command { label, handle, moves: None }], arguments.waiting)
}

fn release_named(shell: &mut Shell, name: &str) -> Result<u64, Error> {
    let scope = shell.scope(Some(name))?;
    shell.hold(scope.clone(), OnLoss::Finish)?;
    let (interface, parameter, _) = scope.named().unwrap_or(("Axis", "axis", name));
    let reply = shell.machine.call(interface, "Status", json!({ parameter: name }))?;
    let generation = &reply["status"]["stop_generation"];
    shell.machine.command(interface, "Release", json!({ parameter: name, "generation": generation }))
}
