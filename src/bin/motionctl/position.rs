//! `motionctl set-position`

use motiond::client::{Error, OnLoss, Scope};

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
#[command(allow_negative_numbers = true)]
pub struct Arguments {
    /// Axis
    axis: String,
    /// What to call its place
    position: f64,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let Arguments { axis, position, waiting } = arguments;
    shell.hold(Scope::Axis(axis.clone()), OnLoss::Finish)?;
    let handle = shell.machine.set_position(axis, *position)?;
    let label = format!("position of {axis} is {position}");
    shell.follow(vec![Command { label, handle, moves: None }], *waiting)
}
