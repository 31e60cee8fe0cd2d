//! One device's mailbox, one transfer at a time, one step a cycle.

use super::exchange::{Access, Event, Exchange, Figures, Patience, Sizes, Wanted};
use super::frame;
use super::transfer::{Aside, Silence, Step, Transfer, TransferError, aside};
use crate::limits::{MAILBOX_ANSWER_PATIENCE_NS, MAILBOX_BUSY_PAUSE_NS, MAILBOX_ROOM_PATIENCE_NS, MAX_MAILBOX_BYTES};
use std::fmt;

/// What a step brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Nothing to act on.
    Nothing,
    /// The device answered, and the transfer goes on: a file's packet may be there to be stored, or wanted.
    Progress,
    /// The device has no time; it is asked again after a pause.
    Busy(super::foe::Busy),
    /// A message that belongs to no transfer, or to none that runs.
    Aside(Aside),
    /// The transfer is done.
    Done,
    /// The transfer has failed.
    Failed(TransferError),
}

/// What a step brought, and the datagram to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// What it brought.
    pub report: Report,
    /// What to send; the bytes of a write are in [`Client::outgoing`].
    pub wanted: Wanted,
}

/// How long things may take unless the device's description says otherwise: what ETG.2000 gives for a description that says
/// nothing.
pub const PATIENCE: Patience = Patience { room_ns: MAILBOX_ROOM_PATIENCE_NS, answer_ns: MAILBOX_ANSWER_PATIENCE_NS };

/// A transfer is running already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupied;

impl fmt::Display for Occupied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a transfer with this device is running already")
    }
}

impl std::error::Error for Occupied {}

/// Our side of one device's mailbox.
///
/// A cycle makes one [`Client::step`] with what became of the datagram of the cycle before, and sends the one that it is
/// given. A step copies at most one mailbox and one value; it neither allocates nor waits.
#[derive(Clone, Debug)]
pub struct Client {
    exchange: Exchange,
    phase: Phase,
    deadline_ns: u64,
    /// The first message of a transfer is still to come.
    first: bool,
    out: [u8; MAX_MAILBOX_BYTES],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Rest,
    /// The transfer is asked for its next message.
    Ready,
    /// A message is on its way, or its answer.
    Waiting,
    /// The device has no time until then.
    Pause {
        until_ns: u64,
    },
    /// The transfer has ended, and its last word is on its way.
    LastWord(Report),
}

impl Client {
    /// The client of a device whose mailbox is on. `last_counter` is the number of the last message that it was sent since
    /// then, 0 where none was or where it is not known.
    pub fn new(sizes: Sizes, patience: Patience, last_counter: u8) -> Client {
        Client {
            exchange: Exchange::new(sizes, patience, last_counter),
            phase: Phase::Rest,
            deadline_ns: 0,
            first: false,
            out: [0; MAX_MAILBOX_BYTES],
        }
    }

    /// Begins a transfer, which is to be handed to every step until it is reported done or failed. It fails with
    /// [`Silence::TooSlow`] when it takes longer than `limit_ns` as a whole.
    pub fn begin(&mut self, now_ns: u64, limit_ns: u64) -> Result<(), Occupied> {
        if self.phase != Phase::Rest {
            return Err(Occupied);
        }
        (self.phase, self.deadline_ns, self.first) = (Phase::Ready, now_ns.saturating_add(limit_ns), true);
        Ok(())
    }

    /// No transfer is running.
    pub fn is_free(&self) -> bool {
        self.phase == Phase::Rest
    }

    /// Looks for a message of the device's own accord (an emergency) with the next steps, unless a transfer runs, which looks
    /// anyway.
    pub fn look(&mut self, now_ns: u64) {
        if self.phase == Phase::Rest {
            self.exchange.look(now_ns);
        }
    }

    /// What became of messages so far.
    pub fn figures(&self) -> Figures {
        self.exchange.figures()
    }

    /// The bytes that [`Wanted::WriteMailbox`] writes.
    pub fn outgoing(&self) -> &[u8] {
        self.out.get(..self.exchange.sizes().receive()).unwrap_or_default()
    }

    /// Takes what became of the datagram that was wanted last (nothing where nothing was wanted, or where it is not known),
    /// and says what to send next. `transfer` is the one that was begun; without it the answers go aside, and it ends in
    /// silence.
    pub fn step(&mut self, transfer: Option<&mut dyn Transfer>, happened: Option<Access<'_>>, now_ns: u64) -> Turn {
        let handed_over = transfer.is_some();
        let mut nobody = Nobody;
        let transfer = transfer.unwrap_or(&mut nobody);
        let mut report = self.judge(transfer, happened.unwrap_or(Access::Lost), now_ns);
        let goes_on = self.phase != Phase::Ready || !handed_over || self.send_next(transfer, now_ns);
        // A message that was read just now is not lost over it: the failure can wait for the next step.
        if !goes_on && report == Report::Nothing {
            report = self.end(Report::Failed(TransferError::MailboxTooSmall));
        }
        let wanted = self.exchange.wanted();
        if matches!(wanted, Wanted::WriteMailbox(_)) {
            frame::stamp(&mut self.out, self.exchange.counter());
        }
        Turn { report, wanted }
    }

    fn judge(&mut self, transfer: &mut dyn Transfer, access: Access<'_>, now_ns: u64) -> Report {
        let report = match self.exchange.happened(access, now_ns) {
            Event::Nothing => Report::Nothing,
            Event::Written => match self.phase {
                Phase::LastWord(report) => self.end(report),
                _ => Report::Nothing,
            },
            Event::Message { mailbox, answer: true } if self.phase == Phase::Waiting => {
                let step = transfer.take(mailbox);
                self.follow(transfer, step, now_ns)
            }
            Event::Message { mailbox, .. } => Report::Aside(aside(mailbox)),
            Event::Silent(silence) => match self.phase {
                Phase::LastWord(report) => self.end(report),
                Phase::Rest => Report::Nothing,
                _ => {
                    let error = transfer.abandon(silence);
                    // What it did not take it need not be told the end of.
                    if silence == Silence::NoRoom {
                        self.end(Report::Failed(error))
                    } else {
                        self.last_word(transfer, Report::Failed(error), now_ns)
                    }
                }
            },
        };
        if report == Report::Nothing { self.judge_time(transfer, now_ns) } else { report }
    }

    fn judge_time(&mut self, transfer: &mut dyn Transfer, now_ns: u64) -> Report {
        match self.phase {
            Phase::Ready | Phase::Waiting | Phase::Pause { .. } if now_ns >= self.deadline_ns => {
                let error = transfer.abandon(Silence::TooSlow);
                self.last_word(transfer, Report::Failed(error), now_ns)
            }
            Phase::Pause { until_ns } if now_ns >= until_ns => {
                self.phase = Phase::Ready;
                Report::Nothing
            }
            _ => Report::Nothing,
        }
    }

    fn follow(&mut self, transfer: &mut dyn Transfer, step: Step, now_ns: u64) -> Report {
        if !matches!(step, Step::NotForUs(_)) {
            self.exchange.agree();
        }
        match step {
            Step::NotForUs(aside) => Report::Aside(aside),
            Step::Continue => {
                self.exchange.finish();
                self.phase = Phase::Ready;
                Report::Progress
            }
            Step::More => {
                self.exchange.receive(now_ns);
                Report::Progress
            }
            Step::Busy(busy) => {
                self.exchange.finish();
                self.phase = Phase::Pause { until_ns: now_ns.saturating_add(MAILBOX_BUSY_PAUSE_NS) };
                Report::Busy(busy)
            }
            Step::Done => self.last_word(transfer, Report::Done, now_ns),
            Step::Failed(error) => self.last_word(transfer, Report::Failed(error), now_ns),
        }
    }

    /// Sends what the transfer still has to say at its end, and reports the end behind it.
    fn last_word(&mut self, transfer: &mut dyn Transfer, report: Report, now_ns: u64) -> Report {
        if self.write(transfer).is_none() {
            return self.end(report);
        }
        self.exchange.start(false, now_ns);
        self.phase = Phase::LastWord(report);
        Report::Nothing
    }

    fn end(&mut self, report: Report) -> Report {
        self.exchange.finish();
        self.phase = Phase::Rest;
        report
    }

    /// Sends the transfer's next message where it has one. False where there is not even a first.
    fn send_next(&mut self, transfer: &mut dyn Transfer, now_ns: u64) -> bool {
        if self.write(transfer).is_none() {
            return !self.first;
        }
        self.exchange.start(self.first, now_ns);
        (self.phase, self.first) = (Phase::Waiting, false);
        true
    }

    fn write(&mut self, transfer: &mut dyn Transfer) -> Option<usize> {
        transfer.next(self.out.get_mut(..self.exchange.sizes().receive())?)
    }
}

/// In the place of a transfer that the caller did not hand over.
struct Nobody;

impl Transfer for Nobody {
    fn next(&mut self, _out: &mut [u8]) -> Option<usize> {
        None
    }

    fn take(&mut self, answer: &[u8]) -> Step {
        Step::NotForUs(aside(answer))
    }

    fn abandon(&mut self, silence: Silence) -> TransferError {
        TransferError::Silent(silence)
    }
}
