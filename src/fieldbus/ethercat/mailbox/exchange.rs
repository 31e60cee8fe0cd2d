//! One message out, one in: which register of the device to touch next, so that one datagram a cycle is enough.
//!
//! ```text
//! Rest ─start─► Poll ─empty─► Write ─written─► Poll ─full─► Read ─► the message ─► Poll …
//!  ▲             └─full─► Read (an older message) ─► Poll         │
//!  └──────────── finish, or patience ends                         lost
//!                                                                 ▼
//!               Poll ◄─as asked─ Acknowledge ◄─written─ Repeat ◄─empty─ Check ─full─► Repeat or Read
//! ```
//!
//! A lost frame may have been lost before or behind the device. A write that may have arrived is written again under the
//! same number, which a device that has it already does not execute again. A read that may have emptied the mailbox is
//! looked after first (`Check`). Where the mailbox is empty, the device is asked to put the message there again. Where it is
//! full, the message may still be there, or the next one may have followed it. A device that numbers its messages is then
//! asked to repeat too: the one before comes as a duplicate, or else the lost one, and the one in the mailbox after it.
//! From a device that does not, or that does not repeat, the mailbox is read as it is.

use super::counter::{Counter, Order, Received};
use super::frame::Message;
use super::transfer::Silence;
use crate::limits::{MAX_MAILBOX_BYTES, MAX_OLD_MESSAGES, MIN_MAILBOX_BYTES};
use std::fmt;

/// Register with the status of the device's send mailbox (sync manager 1), one byte.
pub const SEND_STATUS: u16 = 0x080D;
/// Bit of [`SEND_STATUS`]: there is a message to read.
pub const SEND_FULL: u8 = 0x08;
/// Register with what the master asks of the device's send mailbox, one byte.
pub const SEND_ACTIVATE: u16 = 0x080E;
/// Register with what the device answers to it, one byte.
pub const SEND_PDI_CONTROL: u16 = 0x080F;
/// Bit of [`SEND_ACTIVATE`]: the sync manager is on.
const ENABLED: u8 = 0x01;
/// Bit of [`SEND_ACTIVATE`] that asks for the last message again by its change, and of [`SEND_PDI_CONTROL`] that follows it.
const REPEAT: u8 = 0x02;

/// Bytes of a device's two mailboxes, both in `MIN_MAILBOX_BYTES..=MAX_MAILBOX_BYTES`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    receive: u16,
    send: u16,
}

impl Sizes {
    /// `receive` of the mailbox that we write (sync manager 0), `send` of the one that we read (sync manager 1).
    pub fn new(receive: u16, send: u16) -> Result<Sizes, SizeError> {
        let allowed = MIN_MAILBOX_BYTES..=MAX_MAILBOX_BYTES;
        match [receive, send].into_iter().find(|bytes| !allowed.contains(&usize::from(*bytes))) {
            Some(bytes) => Err(SizeError { bytes }),
            None => Ok(Sizes { receive, send }),
        }
    }

    /// Bytes of the mailbox that we write.
    pub fn receive(self) -> usize {
        usize::from(self.receive)
    }

    /// Bytes of the mailbox that we read.
    pub fn send(self) -> usize {
        usize::from(self.send)
    }
}

/// A mailbox that is too small for an SDO or too large for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SizeError {
    /// Its bytes.
    pub bytes: u16,
}

impl fmt::Display for SizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a mailbox of {} bytes; {MIN_MAILBOX_BYTES} to {MAX_MAILBOX_BYTES} are possible", self.bytes)
    }
}

impl std::error::Error for SizeError {}

/// How long the parts of an exchange may take, nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Until the device takes a message.
    pub room_ns: u64,
    /// From there until it has answered.
    pub answer_ns: u64,
}

/// What is to be sent to the device next: one datagram, or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing.
    Nothing,
    /// Write the whole receive mailbox, of so many bytes: its last byte hands the message over.
    WriteMailbox(usize),
    /// Read [`SEND_STATUS`].
    PollStatus,
    /// Read the whole send mailbox, of so many bytes: its last byte frees it.
    ReadMailbox(usize),
    /// Write this byte to [`SEND_ACTIVATE`].
    AskRepeat(u8),
    /// Read [`SEND_PDI_CONTROL`].
    ReadRepeatAcknowledge,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access<'a> {
    /// The frame did not come back in time: the device may or may not have seen it.
    Lost,
    /// It came back, and the device had no part in it (working counter 0): mailbox full or empty, or device away.
    Refused,
    /// The write was taken.
    Written,
    /// The register that was read.
    Byte(u8),
    /// The mailbox that was read.
    Mailbox(&'a [u8]),
}

/// What an access brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// Nothing to act on.
    Nothing,
    /// The device has the message.
    Written,
    /// A new message of the device.
    Message {
        /// As it was read.
        mailbox: &'a [u8],
        /// It came when an answer could have come: our message was, or may have been, handed over before.
        answer: bool,
    },
    /// Patience has ended. The exchange rests.
    Silent(Silence),
}

/// What became of messages so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages that the device was asked to repeat.
    pub repeats: u32,
    /// Messages that came again although they had come, and were left out.
    pub duplicates: u32,
    /// Messages of the device that never came, by its numbers. One of them may have been an emergency.
    pub missed: u32,
}

/// The exchange with one device. Each call is one step of bounded length.
#[derive(Clone, Debug)]
pub struct Exchange {
    sizes: Sizes,
    patience: Patience,
    counter: Counter,
    received: Received,
    goal: Goal,
    place: Place,
    since_ns: u64,
    /// The repeat request as the device has it.
    repeat: bool,
    /// A repetition that the mailbox could be read without was not acknowledged: it is not asked for again.
    repeats_not: bool,
    /// Our message may have been handed over although no frame said so.
    uncertain: bool,
    /// Older messages read since the start of this one.
    old: u32,
    /// The device has answered a message of this exchange, so that both agree on the counter.
    agreed: bool,
    figures: Figures,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Rest,
    /// One look whether there is a message.
    Look,
    Send,
    Receive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Poll,
    Write,
    Read,
    /// A read was lost: is the message still there?
    Check,
    /// The device is to be asked to repeat; the mailbox is empty, or not.
    Repeat {
        empty: bool,
    },
    /// It has been asked.
    Acknowledge {
        empty: bool,
        asked_ns: u64,
    },
}

impl Exchange {
    /// An exchange with a device whose mailbox is on. `last_counter` is the number of the last message that it was sent
    /// since then, 0 where none was or where it is not known.
    pub fn new(sizes: Sizes, patience: Patience, last_counter: u8) -> Exchange {
        Exchange {
            sizes,
            patience,
            counter: Counter::after(last_counter),
            received: Received::default(),
            goal: Goal::Rest,
            place: Place::Poll,
            since_ns: 0,
            repeat: false,
            repeats_not: false,
            uncertain: false,
            old: 0,
            agreed: false,
            figures: Figures::default(),
        }
    }

    /// Bytes of the mailboxes.
    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// What became of messages so far.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// The number that the message to be written goes under.
    pub fn counter(&self) -> u8 {
        self.counter.current()
    }

    /// Nothing is under way.
    pub fn is_at_rest(&self) -> bool {
        self.goal == Goal::Rest
    }

    /// Sends a new message. With `clear`, messages that the device has ready are read before: they are no answers to it.
    pub fn start(&mut self, clear: bool, now_ns: u64) {
        self.counter.advance();
        (self.goal, self.since_ns, self.uncertain, self.old) = (Goal::Send, now_ns, false, 0);
        // A read that was lost is looked after before anything else.
        if !self.is_recovering() {
            self.place = if clear { Place::Poll } else { Place::Write };
        }
    }

    /// Waits for a further message of the device.
    pub fn receive(&mut self, now_ns: u64) {
        (self.goal, self.since_ns) = (Goal::Receive, now_ns);
    }

    /// Nothing more is waited for.
    pub fn finish(&mut self) {
        self.goal = Goal::Rest;
        if !self.is_recovering() {
            self.place = Place::Poll;
        }
    }

    /// The device has answered what it was sent.
    pub fn agree(&mut self) {
        self.agreed = true;
    }

    /// Looks once whether there is a message, unless something else is under way.
    pub fn look(&mut self, now_ns: u64) {
        if self.goal == Goal::Rest {
            (self.goal, self.since_ns) = (Goal::Look, now_ns);
        }
    }

    fn is_recovering(&self) -> bool {
        matches!(self.place, Place::Check | Place::Repeat { .. } | Place::Acknowledge { .. })
    }

    fn activate(&self) -> u8 {
        ENABLED | if self.repeat { 0 } else { REPEAT }
    }

    /// What is to be sent next.
    pub fn wanted(&self) -> Wanted {
        if self.goal == Goal::Rest {
            return Wanted::Nothing;
        }
        match self.place {
            Place::Poll | Place::Check => Wanted::PollStatus,
            Place::Write => Wanted::WriteMailbox(self.sizes.receive()),
            Place::Read => Wanted::ReadMailbox(self.sizes.send()),
            Place::Repeat { .. } => Wanted::AskRepeat(self.activate()),
            Place::Acknowledge { .. } => Wanted::ReadRepeatAcknowledge,
        }
    }

    /// Takes what became of the datagram that was wanted. What does not belong to it is passed over.
    pub fn happened<'a>(&mut self, access: Access<'a>, now_ns: u64) -> Event<'a> {
        if self.goal == Goal::Rest {
            return Event::Nothing;
        }
        let event = self.advance(access, now_ns);
        match event {
            Event::Written => {
                (self.goal, self.since_ns) = (Goal::Receive, now_ns);
                event
            }
            Event::Nothing => self.judge_patience(now_ns),
            _ => event,
        }
    }

    fn advance<'a>(&mut self, access: Access<'a>, now_ns: u64) -> Event<'a> {
        match (self.place, access) {
            (Place::Poll, Access::Byte(status)) => {
                let patient = self.goal != Goal::Send || self.old < MAX_OLD_MESSAGES;
                if status & SEND_FULL != 0 && patient {
                    self.place = Place::Read;
                } else if self.goal == Goal::Send {
                    self.place = Place::Write;
                } else if self.goal == Goal::Look {
                    self.goal = Goal::Rest;
                }
            }
            (Place::Write, Access::Written) => {
                self.place = Place::Poll;
                self.old = 0;
                return Event::Written;
            }
            (Place::Write, Access::Lost) => self.uncertain = true,
            // The device has not taken the last message yet, perhaps because we have not read its answer to it.
            (Place::Write, Access::Refused) => self.place = Place::Poll,
            (Place::Read, Access::Mailbox(mailbox)) => return self.take(mailbox),
            // Empty after all, or the device has gone meanwhile.
            (Place::Read, Access::Refused) => self.place = Place::Poll,
            (Place::Read, Access::Lost) => self.place = Place::Check,
            (Place::Check, Access::Byte(status)) => {
                let empty = status & SEND_FULL == 0;
                let asks = empty || self.received.counts() && !self.repeats_not;
                self.place = if asks { Place::Repeat { empty } } else { Place::Read };
            }
            (Place::Repeat { empty }, Access::Written) => {
                self.repeat = !self.repeat;
                self.figures.repeats = self.figures.repeats.saturating_add(1);
                self.place = Place::Acknowledge { empty, asked_ns: now_ns };
            }
            (Place::Acknowledge { .. }, Access::Byte(control)) if (control & REPEAT != 0) == self.repeat => {
                self.place = Place::Poll;
            }
            (Place::Acknowledge { empty: false, asked_ns }, _)
                if now_ns.saturating_sub(asked_ns) > self.patience.room_ns =>
            {
                self.repeats_not = true;
                self.place = Place::Poll;
            }
            _ => {}
        }
        Event::Nothing
    }

    fn take<'a>(&mut self, mailbox: &'a [u8]) -> Event<'a> {
        self.place = Place::Poll;
        // Garbage has no number: the reader of the message will say so.
        let order = match Message::decode(mailbox) {
            Ok(message) => self.received.take(message.header.counter, message.body),
            Err(_) => Order::New { missed: 0 },
        };
        match order {
            Order::Duplicate => {
                self.figures.duplicates = self.figures.duplicates.saturating_add(1);
                Event::Nothing
            }
            Order::New { missed } => {
                self.figures.missed = self.figures.missed.saturating_add(missed.into());
                let answer = self.goal == Goal::Receive || self.goal == Goal::Send && self.uncertain;
                match self.goal {
                    Goal::Look => self.goal = Goal::Rest,
                    Goal::Send => self.old += 1,
                    Goal::Rest | Goal::Receive => {}
                }
                Event::Message { mailbox, answer }
            }
        }
    }

    fn judge_patience<'a>(&mut self, now_ns: u64) -> Event<'a> {
        let waited_ns = now_ns.saturating_sub(self.since_ns);
        match self.goal {
            Goal::Rest => Event::Nothing,
            Goal::Look => {
                if waited_ns > self.patience.answer_ns {
                    self.goal = Goal::Rest;
                }
                Event::Nothing
            }
            Goal::Send if waited_ns > self.patience.room_ns => self.silent(Silence::NoRoom),
            // It may have taken our number for that of its last message, and the message for a repetition.
            Goal::Receive if waited_ns > self.patience.answer_ns && !self.agreed && !self.is_recovering() => {
                self.agreed = true;
                self.counter.advance();
                (self.goal, self.since_ns, self.place) = (Goal::Send, now_ns, Place::Write);
                self.uncertain = true;
                Event::Nothing
            }
            Goal::Receive if waited_ns > self.patience.answer_ns => {
                let recovering = self.is_recovering();
                self.silent(if recovering { Silence::NoRepeat } else { Silence::NoAnswer })
            }
            Goal::Send | Goal::Receive => Event::Nothing,
        }
    }

    fn silent<'a>(&mut self, silence: Silence) -> Event<'a> {
        (self.goal, self.place) = (Goal::Rest, Place::Poll);
        Event::Silent(silence)
    }
}
