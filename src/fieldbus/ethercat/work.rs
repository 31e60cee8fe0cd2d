//! The tasks of one device's [`Plan`], carried out one errand at a time.

use super::datagram::Target;
use super::errand::{Errand, Outcome};
use super::letterbox::Letterbox;
use super::mailbox::{Address, Download, Report, Transfer, TransferError};
use super::objects::OBJECT_NS;
use super::plan::{Plan, Task, WAKE};
use super::register::{
    AL_CONTROL, AL_STATUS, AlState, AlStatus, CLOCK_SPEED_START, SII_CONTROL, SII_DATA, SYNC_START_TIME, SYSTEM_TIME,
    SYSTEM_TIME_DELAY, SYSTEM_TIME_OFFSET,
};
use super::setup::RegisterWrite;
use crate::fieldbus::news::Obstacle;

/// How often an errand that is lost, or that nobody takes part in, is tried again.
const ATTEMPTS: u32 = 5;
/// How long the SII may take for two words, nanoseconds.
const SII_NS: u64 = 200_000_000;
/// Bit of the SII's status, in its second byte: busy.
const SII_BUSY: u8 = 0x80;
/// What the clock's speed counter starts with; writing it sets the clock's filter back (ETG.1000.4).
const SPEED_START: u16 = 0x1000;

/// How the work goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// There is another errand.
    More,
    /// All tasks are done.
    Done,
    /// This is in the way.
    Failed(Obstacle),
}

/// How far the work has come.
#[derive(Debug)]
pub struct Work {
    /// All tasks of the plan, or only those that wake the device.
    in_full: bool,
    task: usize,
    /// What of the task comes next.
    phase: usize,
    /// Since when.
    since_ns: u64,
    attempts: u32,
    download: Option<Download>,
    /// What is written in the phases of a task.
    writes: [Option<RegisterWrite>; 4],
    /// The system time of the errand under way, by the master's own clock.
    system_ns: Option<u64>,
}

/// How a task goes on.
enum Verdict {
    /// The same errand again: it is waited for something.
    Wait,
    Advance,
    TaskDone,
    Failed(Obstacle),
}

impl Work {
    /// Begins with the first task.
    pub fn new(in_full: bool, now_ns: u64) -> Work {
        let (download, writes, system_ns) = (None, [None; 4], None);
        Work { in_full, task: 0, phase: 0, since_ns: now_ns, attempts: 0, download, writes, system_ns }
    }

    /// The next errand, its data in `out`.
    pub fn errand(&mut self, plan: &mut Plan, now_ns: u64, system_ns: Option<u64>, out: &mut [u8]) -> Option<Errand> {
        let Plan { tasks, letterbox, station, .. } = plan;
        let task = if self.in_full { tasks.get(self.task)? } else { WAKE.get(self.task)? };
        let at = |register| Target::Station(*station, register);
        match (task, self.phase) {
            (Task::Object(write), 0) => {
                let letterbox = letterbox.as_mut()?;
                if self.download.is_none() {
                    self.download = Download::new(write.address, &write.value).ok();
                    letterbox.begin(now_ns, OBJECT_NS);
                    letterbox.step(transfer(&mut self.download), None, now_ns);
                }
                // A device that is given time is not asked meanwhile, but the turn goes on.
                return Some(letterbox.errand(out).unwrap_or(Errand::read(at(AL_STATUS), AlStatus::BYTES)));
            }
            (Task::State { .. }, 1) => return Some(Errand::read(at(AL_STATUS), AlStatus::BYTES)),
            (Task::Identity { .. }, 1) => return Some(Errand::read(at(SII_CONTROL), 2)),
            (Task::Identity { .. }, 2) => return Some(Errand::read(at(SII_DATA), 4)),
            (Task::Clock { leads, .. }, 0) => {
                self.system_ns = system_ns;
                return Some(Errand { with_reference: !leads, ..Errand::read(at(SYSTEM_TIME), 8) });
            }
            (Task::Write(write), _) => self.writes[0] = Some(*write),
            (Task::State { state, .. }, _) => {
                let asked = [*state as u8 | AlStatus::ACKNOWLEDGE, 0];
                self.writes[0] = Some(RegisterWrite::new(AL_CONTROL, &asked));
            }
            (Task::Identity { word, .. }, _) => {
                let [low, high] = word.to_le_bytes();
                // Read two words from there.
                self.writes[0] = Some(RegisterWrite::new(SII_CONTROL, &[0, 1, low, high, 0, 0]));
            }
            (Task::Sync0 { synchronisation, period_ns }, 0) => {
                self.writes = synchronisation.writes(*period_ns, system_ns?).map(Some);
            }
            (Task::Sync0 { .. }, 4) => return Some(Errand::read(at(SYNC_START_TIME), 8)),
            (Task::Object(_) | Task::Clock { .. } | Task::Sync0 { .. }, _) => {}
        }
        let piece = (*self.writes.get(self.phase)?)?;
        out.get_mut(..piece.bytes().len())?.copy_from_slice(piece.bytes());
        Some(Errand::write(at(piece.register), piece.bytes().len()))
    }

    /// Takes what became of the errand.
    pub fn take(&mut self, plan: &mut Plan, outcome: Outcome<'_>, now_ns: u64) -> Next {
        let Plan { tasks, letterbox, .. } = plan;
        let task = if self.in_full { tasks.get(self.task) } else { WAKE.get(self.task) };
        let Some(task) = task else { return Next::Done };
        let verdict = match (task, outcome) {
            (Task::Object(write), outcome) => self.object(letterbox.as_mut(), write.address, outcome, now_ns),
            (task, Outcome::Back { working_counter: 1, data, reference_ns }) => {
                self.attempts = 0;
                self.judge(task, letterbox.as_mut(), data, reference_ns, now_ns)
            }
            (task, _) => {
                self.attempts += 1;
                if self.attempts > ATTEMPTS {
                    Verdict::Failed(Obstacle::Register(register(task)))
                } else {
                    Verdict::Wait
                }
            }
        };
        match verdict {
            Verdict::Wait => Next::More,
            Verdict::Advance => {
                self.phase += 1;
                Next::More
            }
            Verdict::TaskDone => {
                *self = Work { task: self.task + 1, ..Work::new(self.in_full, now_ns) };
                let tasks = if self.in_full { tasks.len() } else { WAKE.len() };
                if self.task < tasks { Next::More } else { Next::Done }
            }
            Verdict::Failed(obstacle) => Next::Failed(obstacle),
        }
    }

    /// The device took part in the errand.
    fn judge(
        &mut self,
        task: &Task,
        letterbox: Option<&mut Letterbox>,
        data: &[u8],
        reference_ns: Option<u64>,
        now_ns: u64,
    ) -> Verdict {
        let waited_ns = now_ns.saturating_sub(self.since_ns);
        match (task, self.phase) {
            (Task::Write(_), _) => Verdict::TaskDone,
            (Task::State { .. }, 0) => Verdict::Advance,
            (Task::State { state, patience_ns }, _) => {
                let Some(status) = AlStatus::of(data) else { return Verdict::Wait };
                let obstacle = Obstacle::State { wanted: state.name(), code: status.code.0 };
                if status.state == Some(*state) && !status.error {
                    // From INIT on the mailbox is off, and counts anew when it is on again.
                    if let (AlState::Init, Some(letterbox)) = (state, letterbox) {
                        letterbox.renew();
                    }
                    Verdict::TaskDone
                } else if status.error || waited_ns > *patience_ns {
                    Verdict::Failed(obstacle)
                } else {
                    Verdict::Wait
                }
            }
            (Task::Identity { .. }, 0) => Verdict::Advance,
            (Task::Identity { .. }, 1) => match data {
                [_, high, ..] if high & SII_BUSY == 0 => Verdict::Advance,
                _ if waited_ns > SII_NS => Verdict::Failed(Obstacle::Register(SII_CONTROL)),
                _ => Verdict::Wait,
            },
            (Task::Identity { what, expected, .. }, _) => {
                let found = data.first_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
                if found == *expected {
                    Verdict::TaskDone
                } else {
                    Verdict::Failed(Obstacle::Identity { what, expected: *expected, found })
                }
            }
            (Task::Object(_), _) => Verdict::Wait,
            (Task::Clock { delay_ns, .. }, 0) => {
                let Some(bytes) = data.first_chunk::<8>() else { return Verdict::Wait };
                let local_ns = u64::from_le_bytes(*bytes);
                // Where the reference is away, the master's own clock says what it would show.
                let reference_ns = reference_ns.or(self.system_ns).unwrap_or(local_ns);
                let system_ns = reference_ns.wrapping_add(u64::from(*delay_ns));
                let offset = system_ns.wrapping_sub(local_ns).to_le_bytes();
                self.writes = [
                    None,
                    Some(RegisterWrite::new(SYSTEM_TIME_OFFSET, &offset)),
                    Some(RegisterWrite::new(SYSTEM_TIME_DELAY, &delay_ns.to_le_bytes())),
                    Some(RegisterWrite::new(CLOCK_SPEED_START, &SPEED_START.to_le_bytes())),
                ];
                Verdict::Advance
            }
            (Task::Clock { .. }, 3) => Verdict::TaskDone,
            (Task::Sync0 { synchronisation, period_ns }, 4) => {
                let start_ns = data.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
                match synchronisation.out_of_phase(start_ns, *period_ns) {
                    None => Verdict::TaskDone,
                    Some(_) => Verdict::Failed(Obstacle::Register(SYNC_START_TIME)),
                }
            }
            (Task::Clock { .. } | Task::Sync0 { .. }, _) => Verdict::Advance,
        }
    }

    fn object(
        &mut self,
        letterbox: Option<&mut Letterbox>,
        address: Address,
        outcome: Outcome<'_>,
        now_ns: u64,
    ) -> Verdict {
        let failed = |abort| Obstacle::Object { index: address.index, subindex: address.subindex, abort };
        let Some(letterbox) = letterbox else { return Verdict::Failed(failed(None)) };
        match letterbox.step(transfer(&mut self.download), Some(outcome), now_ns) {
            Report::Done => Verdict::TaskDone,
            Report::Failed(TransferError::Aborted { code }) => Verdict::Failed(failed(Some(code.0))),
            Report::Failed(_) => Verdict::Failed(failed(None)),
            _ => Verdict::Wait,
        }
    }
}

fn transfer(download: &mut Option<Download>) -> Option<&mut dyn Transfer> {
    download.as_mut().map(|download| download as &mut dyn Transfer)
}

/// What a task is about, for who looks for what went wrong.
fn register(task: &Task) -> u16 {
    match task {
        Task::Write(write) => write.register,
        Task::State { .. } => AL_CONTROL,
        Task::Identity { .. } => SII_CONTROL,
        Task::Object(_) => 0,
        Task::Clock { .. } => SYSTEM_TIME,
        Task::Sync0 { .. } => SYNC_START_TIME,
    }
}
