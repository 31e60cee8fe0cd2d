//! What the real-time thread needs of its host, what it got, and what to do about the rest.
//!
//! Each step of the preparation ends as done or as [`Degraded`] with a reason that has a stable name: the same in the
//! log, in the status and in the metric `motion_rt_degraded{reason}`. Under `require-realtime` anything degraded is a
//! [`Refusal`] to start.

use std::fmt;

/// One thing that the real-time thread needs of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Provision {
    /// An allocator that keeps what it has and takes one arena.
    Allocator,
    /// All present and future memory locked in RAM.
    MemoryLock,
    /// Memory that is touched before the cycle starts.
    Prefault,
    /// SCHED_FIFO at the configured priority.
    Scheduling,
    /// The configured CPU.
    Affinity,
    /// CPUs held out of deep sleep.
    CpuLatency,
}

impl Provision {
    /// All of them, in the order of preparation.
    pub const ALL: [Provision; 6] = [
        Provision::Allocator,
        Provision::MemoryLock,
        Provision::Prefault,
        Provision::Scheduling,
        Provision::Affinity,
        Provision::CpuLatency,
    ];

    /// Its stable name, as metric label and in the status.
    pub fn name(self) -> &'static str {
        match self {
            Provision::Allocator => "allocator",
            Provision::MemoryLock => "memory-lock",
            Provision::Prefault => "prefault",
            Provision::Scheduling => "scheduling",
            Provision::Affinity => "affinity",
            Provision::CpuLatency => "cpu-latency",
        }
    }
}

/// Something that the host did not give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degraded {
    /// What is lacking.
    pub reason: Provision,
    /// Why, with what was found.
    pub why: String,
    /// How to grant it.
    pub remedy: String,
}

impl fmt::Display for Degraded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}; {}", self.reason.name(), self.why, self.remedy)
    }
}

/// The outcome of one step: what was done, or what is lacking.
pub type Step = Result<(Provision, String), Degraded>;

/// The outcome of all steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preparation {
    /// What was done, in words.
    pub done: Vec<(Provision, String)>,
    /// What is lacking.
    pub degraded: Vec<Degraded>,
}

impl Preparation {
    /// Takes the outcome of a step.
    pub fn add(&mut self, step: Step) {
        match step {
            Ok(done) => self.done.push(done),
            Err(degraded) => self.degraded.push(degraded),
        }
    }

    /// Takes the outcomes of other steps.
    pub fn append(&mut self, other: Preparation) {
        self.done.extend(other.done);
        self.degraded.extend(other.degraded);
    }

    /// Whether this is lacking.
    pub fn lacks(&self, provision: Provision) -> bool {
        self.degraded.iter().any(|degraded| degraded.reason == provision)
    }

    /// Nothing, or the refusal to run without what is lacking.
    pub fn refusal(&self) -> Option<Refusal> {
        (!self.degraded.is_empty()).then(|| Refusal { lacking: self.degraded.clone() })
    }
}

/// The daemon does not start: `require-realtime` is in force and something is lacking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What, at least one.
    pub lacking: Vec<Degraded>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "real-time operation is required (require-realtime) but not possible:")?;
        self.lacking.iter().try_for_each(|degraded| write!(out, "\n  {degraded}"))
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_every_missing_right_and_its_remedy() {
        let mut preparation = Preparation::default();
        assert_eq!(preparation.refusal(), None);
        preparation.add(Ok((Provision::Allocator, "one arena".into())));
        assert_eq!(preparation.refusal(), None);
        for reason in [Provision::Scheduling, Provision::MemoryLock] {
            preparation.add(Err(Degraded { reason, why: "not allowed".into(), remedy: "allow it".into() }));
        }
        let text = preparation.refusal().unwrap().to_string();
        for part in ["require-realtime", "scheduling: not allowed; allow it", "memory-lock: not allowed; allow it"] {
            assert!(text.contains(part), "{text:?} lacks {part:?}");
        }
        assert!(preparation.lacks(Provision::Scheduling) && !preparation.lacks(Provision::Allocator));
    }

    #[test]
    fn names_are_distinct() {
        let mut names = Provision::ALL.map(Provision::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Provision::ALL.len());
    }
}
