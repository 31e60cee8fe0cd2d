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
    /// Go back along the path, from a hold or in motion
    Retreat(Named),
    /// Go forward along the path again
    Advance(Named),
    /// Rest at the end of each line of a path, or no more
    Steps(Steps),
    /// On to the end of the path's next line
    Step(Named),
}

#[derive(Args)]
pub struct Named {
    /// Group
    group: String,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Args)]
pub struct Steps {
    #[command(flatten)]
    named: Named,
    /// On or off
    #[arg(value_enum)]
    switch: Switch,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub enum Switch {
    On,
    Off,
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
        Verb::Retreat(named) => on_path("Retreat", named, json!({}), shell),
        Verb::Advance(named) => on_path("Advance", named, json!({}), shell),
        Verb::Step(named) => on_path("Step", named, json!({}), shell),
        Verb::Steps(Steps { named, switch }) => {
            on_path("SetSteps", named, json!({ "on": *switch == Switch::On }), shell)
        }
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

fn on_path(method: &str, named: &Named, mut parameters: Value, shell: &mut Shell) -> Result<Outcome, Error> {
    shell.hold(Scope::Group(named.group.clone()), OnLoss::Finish)?;
    parameters["group"] = json!(named.group);
    let handle = shell.machine.command("Path", method, parameters)?;
    let label =
        format!("{} {}", if method == "SetSteps" { "steps".into() } else { method.to_lowercase() }, named.group);
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
