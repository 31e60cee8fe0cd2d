//! `motionctl override`

use motiond::client::{Error, OnLoss};
use serde_json::json;

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axis or group
    name: String,
    /// Per cent of the velocity, 0 to 200
    percent: f64,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let Arguments { name, percent } = arguments;
    let ratio = percent / 100.0;
    let scope = shell.scope(Some(name))?;
    shell.hold(scope.clone(), OnLoss::Finish)?;
    let (interface, parameter, _) = scope.named().unwrap_or(("Axis", "axis", name));
    let handle = shell.machine.command(interface, "SetOverride", json!({ parameter: name, "ratio": ratio }))?;
    let label = format!("override {name} {percent} %");
    shell.follow(vec![Command { label, handle, moves: None }], Waiting { wait: false })
}
