//! The book of commands: each is answered at once, and each accepted one ends once.

use motiond::exchange::event::Verdict;
use motiond::ids::Handle;
use motiond::motion::Progress;
use std::collections::BTreeMap;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    Rejected,
    Done,
    Aborted,
    Error,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Sent,
    Accepted,
    Active,
}

/// Commands without an end; `T` is what their sender wants to remember of them.
#[derive(Debug)]
pub struct Book<T> {
    open: BTreeMap<u64, (Stage, T)>,
}

impl<T: Copy + std::fmt::Debug> Book<T> {
    pub fn new() -> Book<T> {
        Book { open: BTreeMap::new() }
    }

    pub fn sent(&mut self, handle: Handle, what: T) {
        self.open.insert(handle.0, (Stage::Sent, what));
    }

    /// Takes what the cycle tells; the sender's note and the end, if it is one.
    pub fn told(&mut self, handle: Handle, verdict: Verdict) -> Result<(T, Option<End>), String> {
        let Some((stage, what)) = self.open.get_mut(&handle.0) else {
            return Err(format!("{handle:?} was never sent, or has ended: {verdict:?}"));
        };
        let what = *what;
        let end = match (*stage, verdict) {
            (Stage::Sent, Verdict::Accepted) => {
                *stage = Stage::Accepted;
                None
            }
            (Stage::Sent, Verdict::Rejected(_)) => Some(End::Rejected),
            (Stage::Accepted, Verdict::Progress(Progress::Active)) => {
                *stage = Stage::Active;
                None
            }
            (Stage::Accepted | Stage::Active, Verdict::Progress(Progress::Done)) => Some(End::Done),
            (Stage::Accepted | Stage::Active, Verdict::Progress(Progress::Aborted)) => Some(End::Aborted),
            (Stage::Accepted | Stage::Active, Verdict::Progress(Progress::Failed(_))) => Some(End::Error),
            (stage, verdict) => return Err(format!("{handle:?} {what:?} is {stage:?} and told {verdict:?}")),
        };
        if end.is_some() {
            self.open.remove(&handle.0);
        }
        Ok((what, end))
    }

    /// Every command that was sent has been answered.
    pub fn answered(&self) -> Result<(), String> {
        match self.open.iter().find(|(_, (stage, _))| *stage == Stage::Sent) {
            Some((handle, (_, what))) => Err(format!("command {handle} {what:?} was not answered")),
            None => Ok(()),
        }
    }

    /// Every command has ended.
    pub fn closed(&self) -> Result<(), String> {
        if self.open.is_empty() { Ok(()) } else { Err(format!("these commands have no end: {:?}", self.open)) }
    }

    /// The daemon is gone and its commands with it; how many.
    pub fn cut_off(&mut self) -> usize {
        std::mem::take(&mut self.open).len()
    }
}
