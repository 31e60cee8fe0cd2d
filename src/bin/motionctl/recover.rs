//! `motionctl recover`

use motiond::client::{Error, OnLoss, Scope};
use serde_json::json;

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Bus
    bus: String,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    shell.hold(Scope::Machine, OnLoss::Finish)?;
    let handle = shell.machine.command("Machine", "RecoverBus", json!({ "bus": arguments.bus }))?;
    let label = format!("recover {}", arguments.bus);
    shell.follow(vec![Command { label, handle, moves: None }], arguments.waiting)
}
