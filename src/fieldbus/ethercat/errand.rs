//! One datagram beside the exchange: asked for in one cycle, and what became of it known in the next.

use super::datagram::{Command, Frame, Mark, Slot, Target};
use super::register::SYSTEM_TIME;

/// A datagram that somebody wants to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// What it does.
    pub command: Command,
    /// To whom.
    pub target: Target,
    /// Bytes of its data.
    pub length: usize,
    /// The reference clock is to be read by the same frame.
    pub with_reference: bool,
}

impl Errand {
    /// Reads registers of a device.
    pub fn read(target: Target, length: usize) -> Errand {
        let command = if matches!(target, Target::Position(..)) { Command::Aprd } else { Command::Fprd };
        Errand { command, target, length, with_reference: false }
    }

    /// Writes registers of a device.
    pub fn write(target: Target, length: usize) -> Errand {
        let command = if matches!(target, Target::Position(..)) { Command::Apwr } else { Command::Fpwr };
        Errand { command, target, length, with_reference: false }
    }
}

/// What became of an errand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// Its frame did not come back in time.
    Lost,
    /// It came back.
    Back {
        /// How many took part.
        working_counter: u16,
        /// Its data.
        data: &'a [u8],
        /// The system time that the reference clock showed, nanoseconds.
        reference_ns: Option<u64>,
    },
}

/// The frame of errands, laid out anew for each. Costs the bytes of its data.
#[derive(Debug)]
pub struct ErrandFrame {
    frame: Frame,
    empty: Mark,
    reference: Option<u16>,
    clock: Option<Slot>,
    slot: Option<Slot>,
}

impl ErrandFrame {
    /// `reference` is the station of the reference clock.
    pub fn new(reference: Option<u16>) -> ErrandFrame {
        let frame = Frame::new();
        ErrandFrame { empty: frame.mark(), frame, reference, clock: None, slot: None }
    }

    /// Lays the frame out for an errand; `None` where its data do not fit.
    pub fn lay_out(&mut self, errand: &Errand, data: &[u8]) -> Option<&mut Frame> {
        self.frame.cut(self.empty);
        let reference = self.reference.filter(|_| errand.with_reference);
        self.clock =
            reference.and_then(|station| self.frame.push(Command::Fprd, Target::Station(station, SYSTEM_TIME), 8));
        let slot = self.frame.push(errand.command, errand.target, errand.length)?;
        self.frame.data_mut(slot).copy_from_slice(data.get(..errand.length)?);
        self.slot = Some(slot);
        Some(&mut self.frame)
    }

    /// What an answer brings.
    pub fn outcome<'a>(&self, bytes: &'a [u8]) -> Option<Outcome<'a>> {
        let (slot, answer) = (self.slot?, super::datagram::Answer::to(&self.frame, bytes)?);
        let clock = self.clock.filter(|clock| answer.working_counter(*clock) == 1);
        let reference = clock.and_then(|clock| answer.data(clock).first_chunk::<8>().copied());
        Some(Outcome::Back {
            working_counter: answer.working_counter(slot),
            data: answer.data(slot),
            reference_ns: reference.map(u64::from_le_bytes),
        })
    }
}
