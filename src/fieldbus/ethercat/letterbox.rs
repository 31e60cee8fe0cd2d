//! One device's mailbox on the wire: which datagram its client wants, and what became of it.

use super::datagram::Target;
use super::errand::{Errand, Outcome};
use super::mailbox::client::PATIENCE;
use super::mailbox::exchange::{SEND_ACTIVATE, SEND_PDI_CONTROL, SEND_STATUS, SizeError};
use super::mailbox::{Access, Client, Report, Sizes, Transfer, Wanted};
use super::sii::MailboxAreas;

/// A device's mailbox and where it is.
#[derive(Clone, Debug)]
pub struct Letterbox {
    station: u16,
    areas: MailboxAreas,
    sizes: Sizes,
    client: Client,
    wanted: Wanted,
}

impl Letterbox {
    /// Of a device whose mailbox is on, or will be.
    ///
    /// # Errors
    /// Where its mailboxes are too small or too large.
    pub fn of(station: u16, areas: MailboxAreas) -> Result<Letterbox, SizeError> {
        let sizes = Sizes::new(areas.receive.length, areas.send.length)?;
        Ok(Letterbox { station, areas, sizes, client: Client::new(sizes, PATIENCE, 0), wanted: Wanted::Nothing })
    }

    /// The device's mailbox was switched off and on: what was under way is forgotten, and messages are counted anew.
    pub fn renew(&mut self) {
        self.client = Client::new(self.sizes, PATIENCE, 0);
        self.wanted = Wanted::Nothing;
    }

    /// Begins a transfer that may take so long; it is to be handed to every step from now on. False while one runs.
    pub fn begin(&mut self, now_ns: u64, limit_ns: u64) -> bool {
        self.client.begin(now_ns, limit_ns).is_ok()
    }

    /// No transfer runs, and nothing is looked for.
    pub fn rests(&self) -> bool {
        self.client.is_free() && self.wanted == Wanted::Nothing
    }

    /// Looks for a message of the device's own accord with the next steps.
    pub fn look(&mut self, now_ns: u64) {
        self.client.look(now_ns);
    }

    /// Takes what became of the errand before, if there was one, and decides on the next.
    pub fn step(&mut self, transfer: Option<&mut dyn Transfer>, outcome: Option<Outcome<'_>>, now_ns: u64) -> Report {
        let asked = self.wanted != Wanted::Nothing;
        let access = outcome.filter(|_| asked).map(|outcome| access(self.wanted, outcome));
        let turn = self.client.step(transfer, access, now_ns);
        self.wanted = turn.wanted;
        turn.report
    }

    /// The errand that was decided on; its data are put into `out`, which holds `MAX_MAILBOX_BYTES`.
    pub fn errand(&self, out: &mut [u8]) -> Option<Errand> {
        let at = |register| Target::Station(self.station, register);
        match self.wanted {
            Wanted::Nothing => None,
            Wanted::WriteMailbox(length) => {
                out.get_mut(..length)?.copy_from_slice(self.client.outgoing().get(..length)?);
                Some(Errand::write(at(self.areas.receive.start), length))
            }
            Wanted::PollStatus => Some(Errand::read(at(SEND_STATUS), 1)),
            Wanted::ReadMailbox(length) => Some(Errand::read(at(self.areas.send.start), length)),
            Wanted::AskRepeat(value) => {
                *out.first_mut()? = value;
                Some(Errand::write(at(SEND_ACTIVATE), 1))
            }
            Wanted::ReadRepeatAcknowledge => Some(Errand::read(at(SEND_PDI_CONTROL), 1)),
        }
    }
}

fn access(wanted: Wanted, outcome: Outcome<'_>) -> Access<'_> {
    let Outcome::Back { working_counter, data, .. } = outcome else { return Access::Lost };
    match (working_counter, wanted, data) {
        (0, ..) => Access::Refused,
        (_, Wanted::ReadMailbox(_), data) => Access::Mailbox(data),
        (_, Wanted::PollStatus | Wanted::ReadRepeatAcknowledge, [byte, ..]) => Access::Byte(*byte),
        _ => Access::Written,
    }
}
