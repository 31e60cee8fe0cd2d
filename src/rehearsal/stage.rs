//! Runs what was asked for, each for a while in its turn.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::Receiver;
use tokio::sync::oneshot;

use super::desk::Ticket;
use super::{Machine, Outcome, Sheet};
use crate::dry_run::DryRun;
use crate::dry_run::picture::{View, picture};
use crate::gateway::Absence;
use crate::limits::{DRY_RUN_BYTES_PER_TURN, DRY_RUN_CYCLES_PER_TURN, DRY_RUN_QUEUE, LONGEST_DRY_RUN_S};
use crate::path_file::{PathReader, Written};
use crate::service::{Beat, Place, Sabotage};

/// How often it looks for something to do.
const POLL: Duration = Duration::from_millis(20);

/// What the desk hands in.
#[derive(Debug)]
pub(super) enum Message {
    Begin { number: u64, machine: Box<Machine>, ticket: Arc<Ticket>, absence: Absence },
    Text { number: u64, text: Box<[u8]> },
    End { number: u64, sheet: Option<Sheet>, answer: oneshot::Sender<Outcome> },
}

/// The other end: what the service does. What is under way is lost with a panic.
#[derive(Debug)]
pub struct Stage {
    inbox: Receiver<Message>,
    runs: VecDeque<Run>,
    sabotage: Sabotage,
}

/// One dry run.
#[derive(Debug)]
struct Run {
    number: u64,
    machine: Box<Machine>,
    /// Counts among those that are open for as long as it is here.
    ticket: Arc<Ticket>,
    absence: Absence,
    reader: PathReader,
    text: VecDeque<Box<[u8]>>,
    /// How much of the first part was read.
    read: usize,
    elements: VecDeque<Written>,
    dry: Option<DryRun>,
    end: Option<(Option<Sheet>, oneshot::Sender<Outcome>)>,
    /// The reader was told.
    closed: bool,
    /// What came of it, before its end was asked for.
    outcome: Option<Outcome>,
}

impl Stage {
    pub(super) fn new(inbox: Receiver<Message>) -> Stage {
        Stage { inbox, runs: VecDeque::new(), sabotage: Sabotage::new() }
    }

    /// Whom tests ask to make it fail.
    pub fn sabotage(&self) -> &Sabotage {
        &self.sabotage
    }

    /// Serves until `stop`.
    pub fn run(&mut self, beat: &Beat, stop: &AtomicBool) {
        self.runs.clear();
        let mut idle = true;
        while !stop.load(Ordering::Relaxed) {
            beat.tick();
            if idle && let Ok(message) = self.inbox.recv_timeout(POLL) {
                self.take(message);
            }
            idle = !self.turn();
        }
    }

    /// One turn of each. Returns whether one of them had something to do.
    pub fn turn(&mut self) -> bool {
        self.sabotage.pass(Place::Loop);
        for _ in 0..DRY_RUN_QUEUE {
            let Ok(message) = self.inbox.try_recv() else { break };
            self.take(message);
        }
        let mut busy = false;
        for _ in 0..self.runs.len() {
            let Some(mut run) = self.runs.pop_front() else { break };
            // One that fails takes nothing with it: neither the others nor, by way of the service, the machine.
            let turn = catch_unwind(AssertUnwindSafe(|| run.turn()));
            match turn.unwrap_or(Turn::Over) {
                Turn::Over => {}
                turn => {
                    busy |= turn == Turn::Done;
                    self.runs.push_back(run);
                }
            }
        }
        let _dropped = self.sabotage.dropped();
        busy
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Begin { number, machine, ticket, absence } => {
                let mut reader = PathReader::new(machine.group.clone(), None);
                reader.presume(machine.start);
                self.runs.push_back(Run {
                    number,
                    machine,
                    ticket,
                    absence,
                    reader,
                    text: VecDeque::new(),
                    read: 0,
                    elements: VecDeque::new(),
                    dry: None,
                    end: None,
                    closed: false,
                    outcome: None,
                });
            }
            Message::Text { number, text } => {
                if let Some(run) = self.runs.iter_mut().find(|run| run.number == number) {
                    run.text.push_back(text);
                }
            }
            // Where it was lost, so is the answer's other end.
            Message::End { number, sheet, answer } => {
                if let Some(run) = self.runs.iter_mut().find(|run| run.number == number) {
                    run.end = Some((sheet, answer));
                }
            }
        }
    }
}

/// What a turn came to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// There is more to do.
    Done,
    /// It waits for more.
    Waits,
    /// It has ended.
    Over,
}

impl Run {
    fn turn(&mut self) -> Turn {
        // Nobody is left to be told: neither its client, nor who gives it for that.
        let given_up = self.end.as_ref().is_some_and(|(_, answer)| answer.is_closed());
        let left = self.end.is_none() && Arc::strong_count(&self.ticket) == 1;
        if self.absence.come() || given_up || left {
            return Turn::Over;
        }
        if self.outcome.is_none() {
            match self.work() {
                Ok(turn) => return turn,
                Err(outcome) => self.outcome = Some(outcome),
            }
        }
        // What follows makes it no better.
        self.forget_text();
        match (self.end.take(), self.outcome.take()) {
            (Some((_, answer)), Some(outcome)) => {
                let _ = answer.send(outcome);
                Turn::Over
            }
            (end, outcome) => {
                (self.end, self.outcome) = (end, outcome);
                Turn::Waits
            }
        }
    }

    fn forget_text(&mut self) {
        let bytes: usize = self.text.drain(..).map(|part| part.len()).sum();
        self.ticket.waiting.fetch_sub(bytes - self.read, Ordering::Relaxed);
        self.read = 0;
    }

    /// One step, or what comes of it.
    fn work(&mut self) -> Result<Turn, Outcome> {
        if !self.reader.problems().is_empty() {
            self.elements.clear();
            self.dry = None;
            if self.reader.full() || self.closed {
                return Err(Outcome::Mistakes(self.reader.problems().to_vec()));
            }
        }
        if let Some(dry) = &mut self.dry
            && dry.advance(DRY_RUN_CYCLES_PER_TURN).map_err(Outcome::Stuck)?
        {
            return if dry.time_s() > LONGEST_DRY_RUN_S { Err(Outcome::TooLong) } else { Ok(Turn::Done) };
        }
        if let Some(written) = self.elements.pop_front() {
            let Machine { run, start, .. } = &*self.machine;
            let start = self.reader.start().unwrap_or(start);
            let dry = match self.dry.take() {
                Some(dry) => dry,
                None => DryRun::of(run.clone(), start).map_err(Outcome::Stuck)?,
            };
            let dry = self.dry.insert(dry);
            let element = written.element(dry.order(), dry.end(), dry.offsets());
            dry.give(&element.map_err(|error| Outcome::Arc(written.line, error))?);
            return Ok(Turn::Done);
        }
        if let Some(part) = self.text.front() {
            let end = part.len().min(self.read + DRY_RUN_BYTES_PER_TURN);
            let elements = &mut self.elements;
            self.reader.read(&part[self.read..end], &mut |_, written| elements.push_back(*written));
            self.ticket.waiting.fetch_sub(end - self.read, Ordering::Relaxed);
            self.read = end;
            if end == part.len() {
                self.text.pop_front();
                self.read = 0;
            }
            return Ok(Turn::Done);
        }
        if self.end.is_none() {
            return Ok(Turn::Waits);
        }
        if !self.closed {
            self.closed = true;
            let elements = &mut self.elements;
            self.reader.end(&mut |_, written| elements.push_back(*written));
            return Ok(Turn::Done);
        }
        let Some(mut dry) = self.dry.take() else {
            // No element at all, which the reader has told.
            return Err(Outcome::Mistakes(self.reader.problems().to_vec()));
        };
        // The rest of it is run.
        dry.end_path();
        if dry.advance(1).map_err(Outcome::Stuck)? {
            self.dry = Some(dry);
            return Ok(Turn::Done);
        }
        Err(self.report(dry))
    }

    fn report(&mut self, dry: DryRun) -> Outcome {
        let report = dry.report();
        let sheet = self.end.as_mut().and_then(|(sheet, _)| sheet.take());
        let drawn = sheet.map(|Sheet { axes, title }| {
            let view = match axes[..] {
                [x, y] => View::Plane([x, y]),
                [x, y, z] => View::Isometric([x, y, z]),
                _ => View::of(&report),
            };
            picture(&report, view, &title)
        });
        Outcome::Report(Box::new(report), drawn)
    }
}
