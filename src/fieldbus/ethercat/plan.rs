//! What it takes to make one device operational again: known at bring-up, carried out by [`super::restoration`].

use super::letterbox::Letterbox;
use super::objects::ObjectWrite;
use super::register::{AlState, SII_CONFIGURATION};
use super::setup::RegisterWrite;
use super::synchronisation::Synchronisation;

/// How long a device may take to INIT or PREOP, nanoseconds (ETG.1020: 3 s).
const PRE_OPERATIONAL_NS: u64 = 3_000_000_000;
/// The same to SAFEOP and OP, nanoseconds (ETG.1020: 10 s).
const OPERATIONAL_NS: u64 = 10_000_000_000;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Write registers.
    Write(RegisterWrite),
    /// Go into a state; an error that stands is acknowledged.
    State {
        /// Which.
        state: AlState,
        /// How long it may take, nanoseconds.
        patience_ns: u64,
    },
    /// Hold two words of the SII against what they must be.
    Identity {
        /// The first of the words.
        word: u16,
        /// What stands there.
        what: &'static str,
        /// What must stand there.
        expected: u32,
    },
    /// Write an object.
    Object(ObjectWrite),
    /// Set the device's clock to the system time.
    Clock {
        /// From the reference clock to this device, nanoseconds.
        delay_ns: u32,
        /// It is the reference clock itself, and gets its time from the master's.
        leads: bool,
    },
    /// Start SYNC0, in phase with everybody else's, and see that it is.
    Sync0 {
        /// How.
        synchronisation: Synchronisation,
        /// Time from pulse to pulse, nanoseconds.
        period_ns: u64,
    },
}

impl Task {
    /// Into a state, in the time that the standard gives.
    pub fn state(state: AlState) -> Task {
        let patience_ns = if state >= AlState::SafeOperational { OPERATIONAL_NS } else { PRE_OPERATIONAL_NS };
        Task::State { state, patience_ns }
    }
}

/// For a device that kept its power: everything that was written to it still stands.
pub const WAKE: [Task; 2] = [
    Task::State { state: AlState::SafeOperational, patience_ns: OPERATIONAL_NS },
    Task::State { state: AlState::Operational, patience_ns: OPERATIONAL_NS },
];

/// How one device is made operational again.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its station address.
    pub station: u16,
    /// Its place on the wire, from 0.
    pub position: u16,
    /// The station address of the device before it; `None` for the first.
    pub before: Option<u16>,
    /// Its mailbox, where it has one.
    pub letterbox: Option<Letterbox>,
    /// From power-on to OP.
    pub tasks: Box<[Task]>,
}

/// The clock of one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockParameters {
    /// From the reference clock to this device, nanoseconds.
    pub delay_ns: u32,
    /// It is the reference clock.
    pub leads: bool,
    /// How the device is synchronised.
    pub synchronisation: Synchronisation,
    /// Time between two pulses of SYNC0, nanoseconds.
    pub period_ns: u64,
}

/// Of what a [`Plan`] is made.
#[derive(Clone, Debug, Default)]
pub struct PlanParameters {
    /// What must stand in the SII: word, what it is, value.
    pub identity: Vec<(u16, &'static str, u32)>,
    /// The mailbox's sync managers.
    pub mailbox: Vec<RegisterWrite>,
    /// Objects, in their order.
    pub objects: Vec<ObjectWrite>,
    /// Sync managers, FMMUs and watchdog.
    pub process_data: Vec<RegisterWrite>,
    /// Its clock, where it has one that is used.
    pub clock: Option<ClockParameters>,
}

impl PlanParameters {
    /// The tasks, in the order of the standard's states.
    pub fn tasks(self) -> Box<[Task]> {
        let mut tasks = vec![Task::state(AlState::Init)];
        // The EtherCAT side has the SII.
        tasks.push(Task::Write(RegisterWrite::new(SII_CONFIGURATION, &[0, 0])));
        tasks.extend(self.identity.into_iter().map(|(word, what, expected)| Task::Identity { word, what, expected }));
        tasks.extend(self.mailbox.into_iter().map(Task::Write));
        tasks.push(Task::state(AlState::PreOperational));
        tasks.extend(self.objects.into_iter().map(Task::Object));
        tasks.extend(self.process_data.into_iter().map(Task::Write));
        if let Some(ClockParameters { delay_ns, leads, synchronisation, period_ns }) = self.clock {
            tasks.push(Task::Clock { delay_ns, leads });
            if synchronisation.is_on() {
                tasks.push(Task::Sync0 { synchronisation, period_ns });
            }
        }
        tasks.extend(WAKE);
        tasks.into()
    }
}
