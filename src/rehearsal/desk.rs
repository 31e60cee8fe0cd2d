//! Where dry runs are asked for.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam::channel::{Sender, TrySendError};
use tokio::sync::oneshot;

use super::stage::Message;
use super::{Machine, Outcome, Sheet};
use crate::gateway::Absence;
use crate::limits::{DRY_RUN_TEXT_BYTES, MAX_DRY_RUNS};

/// Why nothing is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// As many run as may.
    Full,
    /// Less text would fit; with the bytes that do.
    Room(usize),
    /// Too many parts wait.
    Busy,
    /// The service is not there, or was restarted since.
    Unavailable,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Full => write!(f, "{MAX_DRY_RUNS} dry runs are under way: wait for one to end"),
            Refusal::Room(room) => write!(f, "{room} bytes fit now: give less, or wait"),
            Refusal::Busy => write!(f, "too many parts wait: give larger ones, or wait"),
            Refusal::Unavailable => write!(f, "the dry run is lost with its service: begin another one"),
        }
    }
}

impl std::error::Error for Refusal {}

/// What both ends know of one dry run.
#[derive(Debug)]
pub(super) struct Ticket {
    /// Bytes of text that wait.
    pub waiting: AtomicUsize,
    /// Dry runs that there are.
    open: Arc<AtomicUsize>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The clients' end.
#[derive(Clone, Debug)]
pub struct Desk {
    sender: Sender<Message>,
    open: Arc<AtomicUsize>,
}

/// A dry run that is being given. Dropping it ends it, unless its end was asked for.
#[derive(Debug)]
pub struct Rehearsal {
    sender: Sender<Message>,
    ticket: Arc<Ticket>,
    number: u64,
}

impl Desk {
    pub(super) fn new(sender: Sender<Message>, open: Arc<AtomicUsize>) -> Desk {
        Desk { sender, open }
    }

    /// Begins one, which ends with its connection. `number` is its own among all.
    ///
    /// # Errors
    /// Where there are too many, or nobody runs them.
    pub fn begin(&self, number: u64, machine: Machine, absence: Absence) -> Result<Rehearsal, Refusal> {
        if self.open.fetch_add(1, Ordering::Relaxed) >= MAX_DRY_RUNS {
            self.open.fetch_sub(1, Ordering::Relaxed);
            return Err(Refusal::Full);
        }
        let ticket = Arc::new(Ticket { waiting: AtomicUsize::new(0), open: Arc::clone(&self.open) });
        let rehearsal = Rehearsal { sender: self.sender.clone(), ticket: Arc::clone(&ticket), number };
        rehearsal.post(Message::Begin { number, machine: Box::new(machine), ticket, absence })?;
        Ok(rehearsal)
    }
}

impl Rehearsal {
    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Bytes of text that fit now.
    pub fn room(&self) -> usize {
        DRY_RUN_TEXT_BYTES.saturating_sub(self.ticket.waiting.load(Ordering::Relaxed))
    }

    /// More of the text, cut anywhere.
    ///
    /// # Errors
    /// Where it is not taken; nothing of it is, then.
    pub fn append(&self, text: &str) -> Result<(), Refusal> {
        let room = self.room();
        if text.len() > room {
            return Err(Refusal::Room(room));
        }
        self.ticket.waiting.fetch_add(text.len(), Ordering::Relaxed);
        let posted = self.post(Message::Text { number: self.number, text: text.as_bytes().into() });
        if posted.is_err() {
            self.ticket.waiting.fetch_sub(text.len(), Ordering::Relaxed);
        }
        posted
    }

    /// The text ends. What is returned gets what was found; it gets nothing where the service fails.
    ///
    /// # Errors
    /// Where that is not taken.
    pub fn end(&self, sheet: Option<Sheet>) -> Result<oneshot::Receiver<Outcome>, Refusal> {
        let (answer, receiver) = oneshot::channel();
        self.post(Message::End { number: self.number, sheet, answer })?;
        Ok(receiver)
    }

    fn post(&self, message: Message) -> Result<(), Refusal> {
        self.sender.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::Busy,
            TrySendError::Disconnected(_) => Refusal::Unavailable,
        })
    }
}
