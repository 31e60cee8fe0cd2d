//! Everything beside the exchange, one errand a cycle: devices that are brought back, mailboxes, and now and then a look at the
//! ports.
//!
//! Restoration and mailboxes take turns, and go before the ports. A device's mailbox is looked into where the exchange has seen that there is
//! something in it, and serves a request from outside the cycle one message at a time.

use std::sync::Arc;

use super::errand::{Errand, Outcome};
use super::links::{LinkTable, Links};
use super::mailbox::{Aside, Report, Transfer};
use super::objects::OBJECT_NS;
use super::plan::Plan;
use super::requests::{Request, Requests};
use super::restoration::Restoration;
use crate::fieldbus::news::BusNews;
use crate::limits::MAX_MAILBOX_BYTES;

/// For whom an errand is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Nobody,
    Restoration,
    /// The mailbox of this device.
    Mailbox(usize),
    Links,
}

/// What came back, for the owner to look at in the next cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    Lost,
    Answer { working_counter: u16, length: usize, reference_ns: Option<u64> },
}

/// What the exchange knows when it asks for an errand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Situation {
    /// Now, nanoseconds.
    pub now_ns: u64,
    /// The system time that the master's own clock makes of it.
    pub system_ns: Option<u64>,
    /// One bit a device that is not operational.
    pub missing: u64,
    /// One bit a device that may be set up anew.
    pub dropped: u64,
    /// One bit a device with a message in its mailbox.
    pub letters: u64,
}

/// The errands of one bus.
pub struct Errands {
    restoration: Restoration,
    links: Links,
    requests: Requests,
    buffer: Box<[u8; MAX_MAILBOX_BYTES]>,
    whose: Whose,
    back: Back,
    /// The mailboxes have the next turn.
    turn_of_mail: bool,
    /// Whose mailbox is served, with the request that it is served for.
    serving: Option<usize>,
    request: Option<Box<Request>>,
    news: Option<BusNews>,
}

impl std::fmt::Debug for Errands {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Errands").field("whose", &self.whose).field("serving", &self.serving).finish_non_exhaustive()
    }
}

impl Errands {
    /// For devices with these plans; requests from outside come by `requests`.
    pub fn new(plans: Vec<Plan>, requests: Requests) -> Errands {
        let stations: Vec<u16> = plans.iter().map(|plan| plan.station).collect();
        Errands {
            links: Links::of(&stations),
            restoration: Restoration::new(plans),
            requests,
            buffer: Box::new([0; MAX_MAILBOX_BYTES]),
            whose: Whose::Nobody,
            back: Back::Lost,
            turn_of_mail: false,
            serving: None,
            request: None,
            news: None,
        }
    }

    /// What is known of the ports.
    pub fn link_table(&self) -> Arc<LinkTable> {
        self.links.table()
    }

    /// Tries what has failed again at once.
    pub fn hurry(&mut self) {
        self.restoration.hurry();
    }

    /// What is to be told.
    pub fn take_news(&mut self) -> Option<BusNews> {
        let obstacle = self.restoration.take_obstacle();
        let obstacle = obstacle.map(|(device, obstacle)| BusNews::NotRestored { device, obstacle });
        self.news.take().or(obstacle)
    }

    /// The data of the errand that [`Errands::next`] gave.
    pub fn data(&self) -> &[u8] {
        &self.buffer[..]
    }

    /// Takes what came back, if an errand was under way, and gives the next.
    pub fn next(&mut self, situation: &Situation) -> Option<Errand> {
        self.settle(situation.now_ns);
        self.turn_of_mail = !self.turn_of_mail;
        let errand = if self.turn_of_mail {
            self.mail(situation).or_else(|| self.restore(situation))
        } else {
            self.restore(situation).or_else(|| self.mail(situation))
        };
        let errand = errand.or_else(|| {
            self.whose = Whose::Links;
            self.links.next(&mut self.buffer[..])
        });
        if errand.is_none() {
            self.whose = Whose::Nobody;
        }
        self.back = Back::Lost;
        errand
    }

    /// The errand's frame is back. Copies its data.
    pub fn returned(&mut self, outcome: Outcome<'_>) {
        let Outcome::Back { working_counter, data, reference_ns } = outcome else { return };
        if let Some(place) = self.buffer.get_mut(..data.len()) {
            place.copy_from_slice(data);
            self.back = Back::Answer { working_counter, length: data.len(), reference_ns };
        }
    }

    fn restore(&mut self, situation: &Situation) -> Option<Errand> {
        let Situation { now_ns, system_ns, missing, dropped, .. } = *situation;
        self.whose = Whose::Restoration;
        self.restoration.next(missing & dropped, now_ns, system_ns, &mut self.buffer[..])
    }

    /// The next errand of a mailbox: of the one that is served, of one that a request is for, or of one with a message in it.
    fn mail(&mut self, situation: &Situation) -> Option<Errand> {
        let Situation { now_ns, missing, letters, .. } = *situation;
        if self.serving.is_none() {
            self.accept(letters & !missing, now_ns);
        }
        let device = self.serving?;
        if self.restoration.device() == Some(device) {
            // Its mailbox is switched off and on again: what was asked of it must be asked anew.
            self.give_back();
            return None;
        }
        let letterbox = self.restoration.letterbox(device)?;
        let errand = letterbox.errand(&mut self.buffer[..]);
        self.whose = Whose::Mailbox(device);
        if errand.is_none() {
            // It rests, or pauses.
            let report = letterbox.step(transfer(&mut self.request), None, now_ns);
            self.judge(device, report);
        }
        errand
    }

    fn accept(&mut self, letters: u64, now_ns: u64) {
        if let Some(request) = self.requests.receive() {
            let device = usize::from(request.device);
            self.request = Some(request);
            self.serving = Some(device);
            let free = self.restoration.device() != Some(device);
            match self.restoration.letterbox(device) {
                Some(letterbox) if free => {
                    if letterbox.begin(now_ns, OBJECT_NS) {
                        letterbox.step(transfer(&mut self.request), None, now_ns);
                    } else {
                        self.give_back();
                    }
                }
                _ => self.give_back(),
            }
        } else if letters != 0 {
            let device = letters.trailing_zeros() as usize;
            if let Some(letterbox) = self.restoration.letterbox(device) {
                letterbox.look(now_ns);
                letterbox.step(None, None, now_ns);
                self.serving = Some(device);
            }
        }
    }

    /// The request, if there is one, goes back as it is: not carried out.
    fn give_back(&mut self) {
        self.serving = None;
        if let Some(request) = self.request.take() {
            self.requests.answer(request);
        }
    }

    fn settle(&mut self, now_ns: u64) {
        let whose = std::mem::replace(&mut self.whose, Whose::Nobody);
        let outcome = match self.back {
            Back::Lost => Outcome::Lost,
            Back::Answer { working_counter, length, reference_ns } => {
                Outcome::Back { working_counter, data: &self.buffer[..length], reference_ns }
            }
        };
        match whose {
            Whose::Nobody => {}
            Whose::Restoration => self.restoration.take(outcome, now_ns),
            Whose::Links => self.links.take(outcome),
            Whose::Mailbox(device) => {
                if self.restoration.device() == Some(device) {
                    return;
                }
                let Some(letterbox) = self.restoration.letterbox(device) else { return };
                let report = letterbox.step(transfer(&mut self.request), Some(outcome), now_ns);
                self.judge(device, report);
            }
        }
    }

    fn judge(&mut self, device: usize, report: Report) {
        match report {
            Report::Aside(Aside::Emergency(emergency)) => {
                let (code, register) = (emergency.code, emergency.register.0);
                self.news = Some(BusNews::Emergency { device: device as u8, code, register });
            }
            Report::Done => self.finish(Ok(())),
            Report::Failed(error) => self.finish(Err(error)),
            Report::Nothing | Report::Progress | Report::Busy(_) | Report::Aside(_) => {}
        }
        if self.request.is_none() && self.restoration.letterbox(device).is_none_or(|letterbox| letterbox.rests()) {
            self.serving = None;
        }
    }

    fn finish(&mut self, result: Result<(), super::mailbox::TransferError>) {
        if let Some(mut request) = self.request.take() {
            request.result = Some(result);
            self.requests.answer(request);
        }
    }
}

fn transfer(request: &mut Option<Box<Request>>) -> Option<&mut dyn Transfer> {
    request.as_mut().map(|request| request.job.as_transfer())
}
