//! `motionctl power`

use motiond::client::{Error, OnLoss, Scope};

use crate::cli::{Switch, Waiting};
use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// On or off
    switch: Switch,
    /// Axes [default: all]
    axes: Vec<String>,
    #[command(flatten)]
    waiting: Waiting,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let axes = if arguments.axes.is_empty() {
        shell.hold(Scope::Machine, OnLoss::Finish)?;
        shell.machine.axes()?
    } else {
        shell.hold_axes(&arguments.axes)?;
        arguments.axes.clone()
    };
    let on = arguments.switch == Switch::On;
    let mut commands = Vec::new();
    for axis in axes {
        let handle = shell.machine.power(&axis, on)?;
        commands.push(Command { label: format!("power {axis}"), handle, moves: None });
    }
    shell.follow(commands, arguments.waiting)
}
