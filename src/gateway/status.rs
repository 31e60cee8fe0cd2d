//! How far a command has come.

use crate::fault::Fault;
use crate::motion::Progress;

/// How far an accepted command has come.
///
/// ```text
/// Accepted ──► Active ──► Done | Aborted | Failed
///     └──────────────────► Done | Aborted | Failed
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CommandState {
    /// It will be carried out.
    Accepted,
    /// It moves now.
    Active,
    /// It reached what it was for.
    Done,
    /// Another command, or a stop, took its place.
    Aborted,
    /// A fault ended it.
    Failed(Fault),
}

impl CommandState {
    /// Nothing more comes of it.
    pub fn is_end(self) -> bool {
        matches!(self, CommandState::Done | CommandState::Aborted | CommandState::Failed(_))
    }

    /// Its name on the wire and in metrics.
    pub fn name(self) -> &'static str {
        match self {
            CommandState::Accepted => "accepted",
            CommandState::Active => "active",
            CommandState::Done => "done",
            CommandState::Aborted => "aborted",
            CommandState::Failed(_) => "error",
        }
    }
}

impl From<Progress> for CommandState {
    fn from(progress: Progress) -> CommandState {
        match progress {
            Progress::Active => CommandState::Active,
            Progress::Done => CommandState::Done,
            Progress::Aborted => CommandState::Aborted,
            Progress::Failed(fault) => CommandState::Failed(fault),
        }
    }
}

/// How far a command has come, and since when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CommandStatus {
    /// How far.
    pub state: CommandState,
    /// The cycle that said so.
    pub cycle: u64,
}
