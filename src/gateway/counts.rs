//! What the gateway tells the metrics: written by the gateway alone, read at any moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::exchange::histogram::{Histogram, Recorder, histogram};
use crate::fault::Fault;
use crate::ids::AxisId;
use crate::limits::{
    COMMAND_RING, EVENT_RING, GATEWAY_QUEUE, MAX_AXES, MAX_OUTSTANDING_COMMANDS, REPORT_RING, TARGET_SLOTS,
};

use super::submission::Method;

macro_rules! outcomes {
    ($( $variant:ident = $name:literal, $doc:literal; )*) => {
        /// What became of commands.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Outcome { $( #[doc = $doc] $variant, )* }

        impl Outcome {
            /// Every outcome.
            pub const ALL: &'static [Outcome] = &[ $( Outcome::$variant, )* ];

            /// Its name as a metric label.
            pub fn name(self) -> &'static str {
                match self { $( Outcome::$variant => $name, )* }
            }
        }
    };
}

outcomes! {
    Accepted = "accepted", "The cycle accepted it.";
    Rejected = "rejected", "The cycle refused it.";
    Refused = "refused", "The gateway refused it: lease, request id, targets.";
    QueueFull = "queue-full", "There was no place for it.";
    Silent = "silent", "The cycle did not answer.";
    Interrupted = "interrupted", "The gateway failed with it in hand.";
    Abandoned = "abandoned", "Its requester was gone before it was sent.";
    Done = "done", "It reached what it was for.";
    Aborted = "aborted", "Another command, or a stop, took its place.";
    Failed = "error", "A fault ended it.";
}

/// Where faults are seen, as [`Fault::class`] names it.
pub const FAULT_CLASSES: [&str; 5] = ["machine", "bus", "drive", "axis", "group"];

const METHODS: usize = Method::ALL.len();
const OUTCOMES: usize = Outcome::ALL.len();

struct Shared {
    commands: [[AtomicU64; OUTCOMES]; METHODS],
    faults: [[AtomicU64; FAULT_CLASSES.len()]; MAX_AXES],
    outstanding: AtomicUsize,
    command_ring: AtomicUsize,
    report_ring: AtomicUsize,
    event_ring: AtomicUsize,
    targets: AtomicUsize,
    inbox: AtomicUsize,
}

/// Counts of the gateway. Copies are of one.
#[derive(Clone)]
pub struct Counts {
    shared: Arc<Shared>,
    answer: Histogram,
}

/// One queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueDepth {
    /// Its name as a metric label.
    pub queue: &'static str,
    /// Items that wait.
    pub depth: usize,
    /// Items that can wait.
    pub capacity: usize,
}

/// Depths as the gateway sees them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Depths {
    pub outstanding: usize,
    pub command_ring: usize,
    pub report_ring: usize,
    pub event_ring: usize,
    pub targets: usize,
    pub inbox: usize,
}

impl Counts {
    pub(super) fn new() -> (Counts, Recorder) {
        let (recorder, answer) = histogram();
        let zero = || AtomicUsize::new(0);
        let shared = Arc::new(Shared {
            commands: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            faults: std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))),
            outstanding: zero(),
            command_ring: zero(),
            report_ring: zero(),
            event_ring: zero(),
            targets: zero(),
            inbox: zero(),
        });
        (Counts { shared, answer }, recorder)
    }

    pub(super) fn add(&self, method: Method, outcome: Outcome) {
        self.shared.commands[method as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_fault(&self, axis: AxisId, fault: Fault) {
        let class = FAULT_CLASSES.iter().position(|class| *class == fault.class());
        if let Some((axis, class)) = self.shared.faults.get(axis.index()).zip(class) {
            axis[class].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn set_depths(&self, depths: Depths) {
        let Depths { outstanding, command_ring, report_ring, event_ring, targets, inbox } = depths;
        self.shared.outstanding.store(outstanding, Ordering::Relaxed);
        self.shared.command_ring.store(command_ring, Ordering::Relaxed);
        self.shared.report_ring.store(report_ring, Ordering::Relaxed);
        self.shared.event_ring.store(event_ring, Ordering::Relaxed);
        self.shared.targets.store(targets, Ordering::Relaxed);
        self.shared.inbox.store(inbox, Ordering::Relaxed);
    }

    /// Commands of this kind with this outcome, since start.
    pub fn commands(&self, method: Method, outcome: Outcome) -> u64 {
        self.shared.commands[method as usize][outcome as usize].load(Ordering::Relaxed)
    }

    /// Faults of this axis since start, by class.
    pub fn faults(&self, axis: AxisId) -> [(&'static str, u64); FAULT_CLASSES.len()] {
        std::array::from_fn(|class| {
            let count = self.shared.faults.get(axis.index()).map_or(0, |axis| axis[class].load(Ordering::Relaxed));
            (FAULT_CLASSES[class], count)
        })
    }

    /// Every queue of the way to the cycle and back, as of the gateway's last round.
    pub fn queues(&self) -> [QueueDepth; 6] {
        let depth =
            |queue, depth: &AtomicUsize, capacity| QueueDepth { queue, depth: depth.load(Ordering::Relaxed), capacity };
        let shared = &*self.shared;
        [
            depth("gateway", &shared.inbox, GATEWAY_QUEUE),
            depth("commands", &shared.command_ring, COMMAND_RING),
            depth("targets", &shared.targets, TARGET_SLOTS),
            depth("outstanding", &shared.outstanding, MAX_OUTSTANDING_COMMANDS),
            depth("reports", &shared.report_ring, REPORT_RING),
            depth("events", &shared.event_ring, EVENT_RING),
        ]
    }

    /// Times from the gateway's taking a command to the cycle's answer.
    pub fn answer_latency(&self) -> &Histogram {
        &self.answer
    }
}
