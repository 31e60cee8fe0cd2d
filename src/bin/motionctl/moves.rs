//! `motionctl move` and `motionctl velocity`

use clap::ValueEnum;
use motiond::client::{Error, OnLoss, Scope};
use serde_json::json;

use crate::cli::{Dynamics, Waiting};
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Arguments {
    /// Axis
    axis: String,
    /// Position, or distance with --relative or --additive
    target: f64,
    /// Move by a distance from where the axis is
    #[arg(long, short, conflicts_with = "additive")]
    relative: bool,
    /// Move by a distance from the end of the present move
    #[arg(long)]
    additive: bool,
    /// Which way an axis with a modulo goes to a position
    #[arg(long, conflicts_with_all = ["relative", "additive"])]
    direction: Option<Direction>,
    #[command(flatten)]
    dynamics: Dynamics,
    #[command(flatten)]
    waiting: Waiting,
}

#[derive(Clone, Copy, ValueEnum)]
enum Direction {
    Shortest,
    Positive,
    Negative,
    Current,
}

#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct VelocityArguments {
    /// Axis
    axis: String,
    /// Signed velocity
    velocity: f64,
    /// Acceleration and deceleration [default: the limit]
    #[arg(long, short, value_name = "PER_S2")]
    acceleration: Option<f64>,
    /// Jerk [default: the limit]
    #[arg(long, short, value_name = "PER_S3")]
    jerk: Option<f64>,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let axis = &arguments.axis;
    let (method, target) = match (arguments.relative, arguments.additive) {
        (true, _) => ("MoveRelative", "distance"),
        (_, true) => ("MoveAdditive", "distance"),
        _ => ("MoveAbsolute", "position"),
    };
    let mut parameters = json!({ "axis": axis, target: arguments.target });
    if let Some(name) = arguments.direction.and_then(|direction| direction.to_possible_value()) {
        parameters["direction"] = json!(name.get_name());
    }
    shell.hold_to_move(Scope::Axis(axis.clone()), arguments.waiting)?;
    let handle = shell.machine.command("Axis", method, arguments.dynamics.to_move().add_to(parameters))?;
    let label = format!("move {axis} {} {}", if target == "position" { "to" } else { "by" }, arguments.target);
    shell.follow(vec![Command { label, handle, moves: Some(("Axis", axis.clone())) }], arguments.waiting)
}

pub fn run_velocity(arguments: &VelocityArguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let VelocityArguments { axis, velocity, .. } = arguments;
    let mut parameters = json!({ "axis": axis, "velocity": velocity });
    for (name, value) in [("acceleration", arguments.acceleration), ("jerk", arguments.jerk)] {
        if let Some(value) = value {
            parameters[name] = json!(value);
        }
    }
    shell.hold(Scope::Axis(axis.clone()), OnLoss::Finish)?;
    let handle = shell.machine.command("Axis", "MoveVelocity", parameters)?;
    let label = format!("velocity {axis} {velocity}");
    shell.follow(vec![Command { label, handle, moves: None }], Waiting { wait: false })
}
