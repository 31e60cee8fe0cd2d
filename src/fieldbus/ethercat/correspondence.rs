//! Messages with one device by its mailbox while no cycle runs: one step after the other, as fast as the device is.

use super::dialogue::Dialogue;
use super::errand::Outcome;
use super::letterbox::Letterbox;
use super::mailbox::exchange::SizeError;
use super::mailbox::{Report, Transfer};
use super::sii::MailboxAreas;
use crate::limits::MAX_MAILBOX_BYTES;

/// Between two looks for an answer, nanoseconds.
const LOOK_NS: u64 = 200_000;

/// The master's side of it.
pub struct Correspondence<'a, 'w> {
    dialogue: &'a mut Dialogue<'w>,
    letterbox: Box<Letterbox>,
    buffer: Box<[u8; MAX_MAILBOX_BYTES]>,
    /// How many took part in the errand before, and its bytes; `Some(None)` where its frame was lost.
    before: Option<Option<(u16, usize)>>,
}

impl<'a, 'w> Correspondence<'a, 'w> {
    /// With a device whose mailboxes these are, and are on.
    ///
    /// # Errors
    /// Where they are too small or too large.
    pub fn with(
        dialogue: &'a mut Dialogue<'w>,
        station: u16,
        areas: MailboxAreas,
    ) -> Result<Correspondence<'a, 'w>, SizeError> {
        let letterbox = Box::new(Letterbox::of(station, areas)?);
        Ok(Correspondence { dialogue, letterbox, buffer: Box::new([0; MAX_MAILBOX_BYTES]), before: None })
    }

    /// Begins a transfer that may take so long altogether. The one before must have come to its end.
    pub fn begin(&mut self, limit_ns: u64) {
        self.letterbox.begin(self.dialogue.now_ns(), limit_ns);
        self.before = None;
    }

    /// One step of the transfer, and a pause where the device has no answer yet. The last one reports that it is done, or has
    /// failed; how many there are is bounded by the patience with the device.
    pub fn step(&mut self, transfer: &mut dyn Transfer) -> Report {
        let Correspondence { dialogue, letterbox, buffer, before } = self;
        let outcome = before.take().map(|back| match back {
            Some((working_counter, length)) => {
                Outcome::Back { working_counter, data: &buffer[..length], reference_ns: None }
            }
            None => Outcome::Lost,
        });
        let report = letterbox.step(Some(transfer), outcome, dialogue.now_ns());
        if matches!(report, Report::Done | Report::Failed(_)) {
            return report;
        }
        let errand = letterbox.errand(&mut buffer[..]);
        *before = errand.map(|errand| {
            let asked = dialogue.ask(errand.command, errand.target, &mut buffer[..errand.length]);
            asked.ok().map(|working_counter| (working_counter, errand.length))
        });
        // It has not answered yet, or has no room.
        let waits = match before {
            None | Some(Some((0, _))) => true,
            Some(Some((_, 1))) => buffer[0] == 0,
            Some(_) => false,
        };
        if waits && report == Report::Nothing {
            dialogue.pause(LOOK_NS);
        }
        report
    }
}
