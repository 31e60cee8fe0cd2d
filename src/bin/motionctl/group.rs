//! `motionctl group`

use clap::{Args, Subcommand};
use motiond::client::{Error, OnLoss, Scope};
use serde_json::{Value, json};

use crate::cli::{Dynamics, Waiting};
use crate::keys::Keys;
use crate::shell::{Command, Outcome, Shell};

#[derive(Subcommand)]
pub enum Verb {
    /// Take the axes into the group
    Enable(Named),
    /// Let the axes go; a moving group ramps down first
    Disable(Named),
    /// Leave the error state, resetting each axis
    Reset(Named),
    /// Move every axis on its own, all arriving together
    Direct(Targets),
    /// Move along a straight line
    Linear(Targets),
    /// Come to rest on the path
    Halt(Named),
    /// Come to rest on the path, to be continued
    Interrupt(Named),
    /// Take the interrupted move up again
    Continue(Named),
}

#[derive(Args)]
pub struct Named {
    /// Group
    group: String,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Args)]
pub struct Targets {
    /// Group
    group: String,
    /// A target for each axis, as AXIS=VALUE
    #[arg(required = true, value_parser = target, value_name = "AXIS=VALUE")]
    targets: Vec<(String, f64)>,
    /// Targets are distances; axes left out stay
    #[arg(long, short)]
    relative: bool,
    #[command(flatten)]
    dynamics: Dynamics,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(verb: &Verb, shell: &mut Shell) -> Result<Outcome, Error> {
    match verb {
        Verb::Enable(named) => command("Enable", named, shell),
        Verb::Disable(named) => command("Disable", named, shell),
        Verb::Reset(named) => command("Reset", named, shell),
        Verb::Halt(named) => command("Halt", named, shell),
        // Whoever holds the group: a hold needs no lease.
        Verb::Interrupt(named) => give("Interrupt", named, shell),
        Verb::Continue(named) => command("Continue", named, shell),
        Verb::Direct(targets) => motion("MoveDirect", targets, shell),
        Verb::Linear(targets) => motion("MoveLinear", targets, shell),
    }
}

fn command(method: &str, named: &Named, shell: &mut Shell) -> Result<Outcome, Error> {
    shell.hold(Scope::Group(named.group.clone()), OnLoss::Finish)?;
    give(method, named, shell)
}

fn give(method: &str, named: &Named, shell: &mut Shell) -> Result<Outcome, Error> {
    let handle = shell.machine.command("Group", method, json!({ "group": named.group }))?;
    let label = format!("{} {}", method.to_lowercase(), named.group);
    shell.follow(vec![Command { label, handle, moves: None }], named.waiting)
}

fn motion(method: &str, motion: &Targets, shell: &mut Shell) -> Result<Outcome, Error> {
    let target = |(axis, value): &(String, f64)| json!({ "axis": axis, "value": value });
    let targets: Vec<Value> = motion.targets.iter().map(target).collect();
    let parameters = json!({ "group": motion.group, "targets": targets, "relative": motion.relative });
    shell.hold_to_move(Scope::Group(motion.group.clone()), motion.waiting)?;
    let _keys = if motion.waiting.wait { Keys::listen(shell, &motion.group)? } else { None };
    let handle = shell.machine.command("Group", method, motion.dynamics.to_move().add_to(parameters))?;
    let label = format!("move {}", motion.group);
    shell.follow(vec![Command { label, handle, moves: Some(("Group", motion.group.clone())) }], motion.waiting)
}

fn target(text: &str) -> Result<(String, f64), String> {
    let (axis, value) = text.split_once('=').ok_or("give each target as AXIS=VALUE, such as x=12.5")?;
    let value = value.parse().map_err(|_| format!("{value:?} is not a number"))?;
    Ok((axis.to_string(), value))
}
