//! `motionctl completions` and `motionctl man`: what the command line says of itself, for shells and for `man`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli;

#[derive(clap::Args)]
pub struct Completions {
    /// Shell
    shell: Shell,
}

#[derive(clap::Args)]
pub struct Man {
    /// Write a page for each verb into this directory [default: print the page of motionctl]
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
}

pub fn completions(arguments: &Completions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command(), "motionctl", &mut script);
    ended(io::stdout().write_all(&script))
}

pub fn man(arguments: &Man) -> ExitCode {
    ended(match &arguments.out {
        None => clap_mangen::Man::new(command()).render(&mut io::stdout()),
        Some(directory) => pages(directory),
    })
}

fn pages(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(command(), directory)
}

fn command() -> clap::Command {
    cli::Arguments::command().name("motionctl")
}

fn ended(done: io::Result<()>) -> ExitCode {
    match done {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("motionctl: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
