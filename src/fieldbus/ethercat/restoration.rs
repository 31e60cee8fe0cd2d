//! Makes devices that dropped out operational again while the others go on: one errand a cycle.
//!
//! ```text
//! Ask ─answers under its address─────────────────────────────► Do (wake it, or all of it again)
//!  └─► Before ─the one before it is there─► Here ─a new one─► Address ─► Do (all of it)
//! ```
//!
//! A device that answers in SAFEOP kept its power, and its drive may still be ramping down: it is only woken. Where that does
//! not help, and where it was switched off, everything is done as at bring-up, in the same order. It is looked for at its
//! place on the wire, behind the device that was before it at bring-up: without that one the place may be another's.
//!
//! Cost: a step is a bounded few operations and copies at most one mailbox or one object.

use super::datagram::Target;
use super::errand::{Errand, Outcome};
use super::letterbox::Letterbox;
use super::plan::Plan;
use super::register::{AL_STATUS, AlState, AlStatus, STATION_ADDRESS};
use super::work::{Next, Work};
use crate::fieldbus::news::Obstacle;

/// How often a look that is lost is repeated.
const ATTEMPTS: u32 = 5;
/// After an attempt that failed, nanoseconds.
const PAUSE_NS: u64 = 2_000_000_000;
/// After one that came to its end, until the exchange must have noticed, nanoseconds.
const NOTICE_NS: u64 = 200_000_000;

/// Where a restoration stands.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there is one, and a box would be made on the real-time thread")]
enum Step {
    /// Nobody is restored.
    Rest,
    /// Does it answer under its address?
    Ask,
    /// Is the one before it there?
    Before,
    /// Who is at its place?
    Here,
    /// Give it its address.
    Address,
    /// Take its address away again: it is another device.
    Renounce,
    /// Its tasks.
    Do(Work),
}

/// What is known of one device.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    /// Not before this instant again.
    not_before_ns: u64,
    /// Waking it did not help.
    in_full: bool,
    told: Option<Obstacle>,
}

/// The restoration of the devices of one bus, one at a time.
#[derive(Debug)]
pub struct Restoration {
    plans: Box<[Plan]>,
    records: Box<[Record]>,
    /// Whose turn it is.
    device: usize,
    step: Step,
    attempts: u32,
    obstacle: Option<(u8, Obstacle)>,
}

impl Restoration {
    /// By these plans, one a device in the order of the configuration.
    pub fn new(plans: Vec<Plan>) -> Restoration {
        let records = vec![Record::default(); plans.len()].into();
        Restoration { records, plans: plans.into(), device: 0, step: Step::Rest, attempts: 0, obstacle: None }
    }

    /// A device whose obstacle is to be told, once.
    pub fn take_obstacle(&mut self) -> Option<(u8, Obstacle)> {
        self.obstacle.take()
    }

    /// Tries every device again at once, and tells again what is in the way.
    pub fn hurry(&mut self) {
        for record in &mut self.records {
            (record.not_before_ns, record.told) = (0, None);
        }
    }

    /// The device that is being restored: its mailbox is in use.
    pub fn device(&self) -> Option<usize> {
        (!matches!(self.step, Step::Rest)).then_some(self.device)
    }

    /// A device's mailbox.
    pub fn letterbox(&mut self, device: usize) -> Option<&mut Letterbox> {
        self.plans.get_mut(device)?.letterbox.as_mut()
    }

    /// The next errand, its data in `out`; `missing` has one bit a device that is not operational. `system_ns` is the system
    /// time that the master's own clock makes of this instant.
    pub fn next(&mut self, missing: u64, now_ns: u64, system_ns: Option<u64>, out: &mut [u8]) -> Option<Errand> {
        if matches!(self.step, Step::Rest) {
            self.choose(missing, now_ns)?;
        }
        let plan = self.plans.get_mut(self.device)?;
        let mut write = |target, bytes: [u8; 2]| {
            out.first_chunk_mut::<2>().map(|place| *place = bytes)?;
            Some(Errand::write(target, 2))
        };
        match &mut self.step {
            Step::Rest => None,
            Step::Ask => Some(Errand::read(Target::Station(plan.station, AL_STATUS), AlStatus::BYTES)),
            Step::Before => Some(Errand::read(Target::Position(plan.position.wrapping_sub(1), STATION_ADDRESS), 2)),
            Step::Here => Some(Errand::read(Target::Position(plan.position, STATION_ADDRESS), 2)),
            Step::Address => write(Target::Position(plan.position, STATION_ADDRESS), plan.station.to_le_bytes()),
            Step::Renounce => write(Target::Station(plan.station, STATION_ADDRESS), [0, 0]),
            Step::Do(work) => {
                let errand = work.errand(plan, now_ns, system_ns, out);
                if errand.is_none() {
                    // What is missing for it may be there the next time.
                    self.done(now_ns);
                }
                errand
            }
        }
    }

    /// Takes what became of the errand.
    pub fn take(&mut self, outcome: Outcome<'_>, now_ns: u64) {
        let Some(plan) = self.plans.get_mut(self.device) else { return };
        if let Step::Do(work) = &mut self.step {
            return match work.take(plan, outcome, now_ns) {
                Next::More => {}
                Next::Done => self.done(now_ns),
                Next::Failed(obstacle) => self.fail(obstacle, now_ns),
            };
        }
        let Outcome::Back { working_counter, data, .. } = outcome else {
            self.attempts += 1;
            if self.attempts > ATTEMPTS {
                self.step = Step::Rest;
            }
            return;
        };
        let word = data.first_chunk::<2>().map_or(0, |bytes| u16::from_le_bytes(*bytes));
        let in_full = self.records.get(self.device).is_some_and(|record| record.in_full);
        self.attempts = 0;
        self.step = match (&self.step, working_counter) {
            (Step::Ask, 1) => {
                let status = AlStatus::of(data);
                // From SAFEOP on it has kept what was written to it.
                let kept =
                    status.and_then(|status| status.state).is_some_and(|state| state >= AlState::SafeOperational);
                if !in_full && status.is_some_and(|status| status.is_operational()) {
                    // It never left OP. If the exchange goes on without it all the same, it is set up anew.
                    return self.done(now_ns);
                }
                Step::Do(Work::new(in_full || !kept, now_ns))
            }
            (Step::Ask, 0) if plan.before.is_some() => Step::Before,
            (Step::Ask, 0) => Step::Here,
            (Step::Before, 1) if Some(word) == plan.before => Step::Here,
            (Step::Here, 1) if word == 0 => Step::Address,
            (Step::Address, 1) => Step::Do(Work::new(true, now_ns)),
            // It is still away.
            _ => Step::Rest,
        };
    }

    /// The next device in turn that is missing and whose pause is over. Bounded by the devices.
    fn choose(&mut self, missing: u64, now_ns: u64) -> Option<()> {
        for (device, record) in self.records.iter_mut().enumerate() {
            if missing >> device & 1 == 0 {
                *record = Record::default();
            }
        }
        let devices = self.plans.len();
        let due = |device: &usize| missing >> device & 1 != 0 && now_ns >= self.records[*device].not_before_ns;
        self.device = (1..=devices).map(|ahead| (self.device + ahead) % devices).find(due)?;
        (self.step, self.attempts) = (Step::Ask, 0);
        Some(())
    }

    fn done(&mut self, now_ns: u64) {
        self.step = Step::Rest;
        if let Some(record) = self.records.get_mut(self.device) {
            record.not_before_ns = now_ns.saturating_add(NOTICE_NS);
            // Where the exchange does not find it complete, all of it is done the next time.
            record.in_full = true;
        }
    }

    fn fail(&mut self, obstacle: Obstacle, now_ns: u64) {
        let stranger = matches!(obstacle, Obstacle::Identity { .. });
        self.step = if stranger { Step::Renounce } else { Step::Rest };
        let Some(record) = self.records.get_mut(self.device) else { return };
        record.not_before_ns = now_ns.saturating_add(PAUSE_NS);
        record.in_full = true;
        if record.told != Some(obstacle) {
            record.told = Some(obstacle);
            self.obstacle = Some((self.device as u8, obstacle));
        }
    }
}
