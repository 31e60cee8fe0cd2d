//! This program again, in a process of its own, told by a variable what to run there.

use std::fmt;
use std::process::{Command, ExitStatus};

use crate::plant::Plant;
use crate::{daemon, fieldbus, stand_in};

const VARIABLE: &str = "MOTIOND_PLANT";
/// How long all axes move together in a run, seconds.
pub const SECONDS: &str = "MOTIOND_DISCIPLINE_S";

/// What a run said and how it ended.
pub struct Report {
    pub status: ExitStatus,
    said: String,
}

impl Report {
    pub fn says(&self, text: &str) -> bool {
        self.said.contains(text)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n{}", self.status, self.said)
    }
}

fn command(plant: Plant) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::does_as_it_is_told", "--nocapture"]).env(VARIABLE, format!("{plant:?}"));
    command.current_dir("/");
    command
}

fn report(command: &mut Command) -> std::io::Result<Report> {
    let output = command.output()?;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    said.lines().filter(|line| line.starts_with("skipped: ")).for_each(|line| eprintln!("{line}"));
    Ok(Report { status: output.status, said })
}

/// Runs for as long as the surroundings say, which is what the discipline is held for.
pub fn run() -> Report {
    report(&mut command(Plant::Nothing)).unwrap()
}

/// Runs a little, with a violation planted.
pub fn run_with(plant: Plant) -> Report {
    report(command(plant).env(SECONDS, "1")).unwrap()
}

/// Runs a little without any right; `None`, with the reason, where nobody may read this program.
pub fn run_as_nobody() -> Option<Report> {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    match report(command(Plant::Nothing).uid(NOBODY).gid(NOBODY).env(SECONDS, "3")) {
        Ok(report) => Some(report),
        Err(error) => {
            eprintln!("skipped: user {NOBODY} cannot run this program: {error}");
            None
        }
    }
}

/// The run itself. Passes at once when no parent asked for it.
#[test]
fn does_as_it_is_told() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let plant = Plant::ALL.into_iter().find(|plant| format!("{plant:?}") == told).unwrap();
    match plant {
        Plant::Panic | Plant::Spin => stand_in::run(plant),
        Plant::Cable => fieldbus::run(false),
        Plant::Ring => fieldbus::run(true),
        Plant::Can => crate::can::run(),
        _ => daemon::run(plant),
    }
}
