//! `motionctl set-output`

use motiond::client::{Error, OnLoss, Scope};
use serde_json::json;

use crate::cli::{Switch, Waiting};
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Digital output
    output: String,
    /// On or off
    switch: Switch,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let on = arguments.switch == Switch::On;
    shell.hold(Scope::Machine, OnLoss::Finish)?;
    let handle = shell.machine.command("Machine", "SetOutput", json!({ "output": arguments.output, "on": on }))?;
    let label = format!("output {} {}", arguments.output, if on { "on" } else { "off" });
    shell.follow(vec![Command { label, handle, moves: None }], Waiting { wait: false })
}
