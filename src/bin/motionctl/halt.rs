//! `motionctl halt`

use motiond::client::Error;

use crate::cli::Waiting;
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// Axes
    #[arg(required = true)]
    axes: Vec<String>,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    shell.hold_axes(&arguments.axes)?;
    let mut commands = Vec::new();
    for axis in &arguments.axes {
        let handle = shell.machine.halt(axis)?;
        commands.push(Command { label: format!("halt {axis}"), handle, moves: Some(("Axis", axis.clone())) });
    }
    shell.follow(commands, arguments.waiting)
}
