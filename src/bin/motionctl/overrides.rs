//! `motionctl override`

use motiond::client::Error;
use serde_json::json;

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell, is_unknown};

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
    let handle = match shell.machine.command("Axis", "SetOverride", json!({ "axis": name, "ratio": ratio })) {
        Err(error) if is_unknown(&error, "NoSuchAxis") => {
            shell.machine.command("Group", "SetOverride", json!({ "group": name, "ratio": ratio }))?
        }
        other => other?,
    };
    let label = format!("override {name} {percent} %");
    shell.follow(vec![Command { label, handle, moves: None }], Waiting { wait: false })
}
