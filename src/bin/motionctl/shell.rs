//! What every verb needs: the machine, and how to tell what came of it.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use motiond::client::{Ended, Error, Machine, OnLoss, Progress, Scope};
use serde_json::{Value, json};

use crate::cli::Waiting;
use crate::interrupt::Interrupt;

/// How often a progress line is drawn.
const DRAW: Duration = Duration::from_millis(100);

/// The machine, and how its replies are printed.
pub struct Shell {
    pub machine: Machine,
    pub json: bool,
    interrupt: Option<Interrupt>,
}

/// What became of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Aborted,
    Failed,
    /// Samples were lost.
    Gap,
    /// Ctrl-C came before what was asked for was there.
    Interrupted,
    /// A file could not be written, or not all that was asked for was.
    NotWritten,
    /// The command line means nothing.
    Usage,
    /// A path file has mistakes, or leads where the machine must not go.
    Unfit,
}

impl Outcome {
    pub fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Outcome::Done => 0,
            Outcome::Aborted => 5,
            Outcome::Failed => 6,
            Outcome::Gap => 7,
            Outcome::Interrupted => 130,
            Outcome::NotWritten => 1,
            Outcome::Usage => 2,
            Outcome::Unfit => 4,
        })
    }

    /// The worse of two.
    pub fn and(self, other: Outcome) -> Outcome {
        if (self as u8) < (other as u8) { other } else { self }
    }
}

/// A command under way.
pub struct Command {
    /// What to call it.
    pub label: String,
    /// Its handle.
    pub handle: u64,
    /// Interface and name of what moves, where a progress line makes sense.
    pub moves: Option<(&'static str, String)>,
}

impl Shell {
    pub fn open(socket: &Path, json: bool) -> Result<Shell, Error> {
        Ok(Shell { machine: Machine::open(socket)?, json, interrupt: None })
    }

    /// What a name means, the machine where there is none. An unknown one is left to the daemon to refuse.
    pub fn scope(&mut self, name: Option<&str>) -> Result<Scope, Error> {
        let Some(name) = name else { return Ok(Scope::Machine) };
        let is_group = self.machine.groups()?.iter().any(|group| group == name);
        Ok(if is_group { Scope::Group(name.to_string()) } else { Scope::Axis(name.to_string()) })
    }

    /// Takes a lease and keeps it until this program ends or lets it go.
    pub fn hold(&mut self, scope: Scope, on_loss: OnLoss) -> Result<(), Error> {
        let interrupt = match &self.interrupt {
            Some(interrupt) => interrupt,
            None => self.interrupt.insert(Interrupt::await_signals(self.machine.path())?),
        };
        self.machine.hold(scope, on_loss)?;
        if let Some(lease) = self.machine.leases().last() {
            interrupt.note(lease, on_loss);
        }
        Ok(())
    }

    /// Takes a lease of each of these axes.
    pub fn hold_axes(&mut self, axes: &[String]) -> Result<(), Error> {
        axes.iter().try_for_each(|axis| self.hold(Scope::Axis(axis.clone()), OnLoss::Finish))
    }

    /// Takes a lease for a move: what this program waits for stops with it.
    pub fn hold_to_move(&mut self, scope: Scope, waiting: Waiting) -> Result<(), Error> {
        self.hold(scope, if waiting.wait { OnLoss::Stop } else { OnLoss::Finish })
    }

    /// Prints a reply: as JSON where it was asked for, else as `words` say it.
    pub fn say(&self, reply: &Value, words: impl FnOnce() -> String) {
        if self.json { print_line(&reply.to_string()) } else { print_line(&words()) }
    }

    /// Tells of accepted commands, and stays until their ends where that was asked for.
    pub fn follow(&mut self, commands: Vec<Command>, waiting: Waiting) -> Result<Outcome, Error> {
        let mut outcome = Outcome::Done;
        for command in commands {
            if waiting.wait {
                outcome = outcome.and(self.wait(&command)?);
            } else {
                self.say(&json!({ "handle": command.handle }), || {
                    format!("{}: accepted (handle {})", command.label, command.handle)
                });
            }
        }
        Ok(outcome)
    }

    /// Progress is drawn as it goes on.
    pub fn draws(&self) -> bool {
        !self.json && std::io::stdout().is_terminal()
    }

    /// Stays until a command has ended, with a line of progress on a terminal.
    pub fn wait(&mut self, command: &Command) -> Result<Outcome, Error> {
        let ended = match &command.moves {
            Some(moves) if self.draws() => self.wait_drawing(command, moves)?,
            _ => self.machine.wait(command.handle)?,
        };
        let (outcome, word, words) = told(&ended);
        let mut reply = json!({ "handle": command.handle, "state": word });
        if let (Ended::Failed { code, .. }, Value::Object(fields)) = (&ended, &mut reply) {
            fields.insert("fault".to_string(), json!(code));
        }
        self.say(&reply, || format!("{}: {words}", command.label));
        Ok(outcome)
    }

    fn wait_drawing(&mut self, command: &Command, moves: &(&'static str, String)) -> Result<Ended, Error> {
        let (interface, name) = moves;
        let parameter = if *interface == "Group" { "group" } else { "axis" };
        loop {
            let reply = self.machine.call("Command", "Status", json!({ "handle": command.handle }))?;
            let progress = motiond::client::progress(&reply)?;
            if let Progress::Ended(ended) = progress {
                print_over("");
                return Ok(ended);
            }
            let reply = self.machine.call(interface, "Status", json!({ parameter: name }))?;
            let status = &reply["status"];
            let line = if *interface == "Group" {
                let share = status["progress"].as_f64().unwrap_or(0.0);
                let ratio = status["override"].as_f64().unwrap_or(1.0) * 100.0;
                let held = if status["interrupted"] == true { "  held" } else { "" };
                format!("{}: {}  {:5.1} %  override {ratio:.0} %{held}", command.label, bar(share), share * 100.0)
            } else {
                let unit = status["unit"].as_str().unwrap_or("");
                let number = |name: &str| status[name].as_f64().unwrap_or(0.0);
                format!(
                    "{}: {:10.3} {unit}  {:10.3} {unit}/s",
                    command.label,
                    number("actual"),
                    number("actual_velocity")
                )
            };
            print_over(&line);
            std::thread::sleep(DRAW);
        }
    }
}

/// How a command ended: for exit codes, for programs, and in words.
pub fn told(ended: &Ended) -> (Outcome, &'static str, String) {
    match ended {
        Ended::Done => (Outcome::Done, "done", "done".to_string()),
        Ended::Aborted => {
            (Outcome::Aborted, "aborted", "aborted: another command or a stop took its place".to_string())
        }
        Ended::Failed { code, cause, remedy } => {
            (Outcome::Failed, "error", format!("fault {code}: {cause}\n  {remedy}"))
        }
    }
}

fn bar(share: f64) -> String {
    let filled = (share.clamp(0.0, 1.0) * 24.0) as usize;
    format!("[{}{}]", "#".repeat(filled), ".".repeat(24 - filled))
}

/// Prints a line; the end of a pipe ends the program silently.
pub fn print_line(line: &str) {
    if writeln!(std::io::stdout(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// Prints a line in the place of the last one.
pub fn print_over(line: &str) {
    print!("\r\x1b[K{line}");
    let _ = std::io::stdout().flush();
}

/// Tells the person at the machine what went wrong and what to do about it.
pub fn complain(error: &Error, json: bool) -> ExitCode {
    if json {
        let mut report = json!({ "error": error.short_name(), "message": error.to_string() });
        if let (Error::Refused { name, fields }, Value::Object(report)) = (error, &mut report) {
            report.insert("error".to_string(), json!(name));
            report.insert("parameters".to_string(), Value::Object(fields.clone()));
        }
        eprintln!("{report}");
    } else {
        eprintln!("motionctl: {error}");
        if let Some(hint) = error.hint() {
            eprintln!("  {hint}");
        }
    }
    ExitCode::from(match error {
        Error::CannotConnect { .. } | Error::Lost(_) => 3,
        Error::Refused { .. } => 4,
        Error::NotUnderstood(_) => 1,
    })
}

/// Whether the daemon refused for this reason.
pub fn has_reason(error: &Error, reason: &str) -> bool {
    error.field("reason").and_then(Value::as_str) == Some(reason)
}
