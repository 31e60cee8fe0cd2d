//! `motionctl wait`

use motiond::client::Error;

use crate::shell::{Command, Outcome, Shell};

#[derive(clap::Args)]
pub struct Arguments {
    /// The handle that the command was accepted with
    handle: u64,
}

pub fn run(arguments: &Arguments, shell: &mut Shell) -> Result<Outcome, Error> {
    let handle = arguments.handle;
    shell.wait(&Command { label: format!("command {handle}"), handle, moves: None })
}
