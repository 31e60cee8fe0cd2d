//! What the cycle tells besides its state: the progress of each command, and events.

use crate::fault::Fault;
pub use crate::fieldbus::news::{BusNews, ErrorCode, WireState};
use crate::geometry::Singularity;
use crate::ids::{AxisId, BusId, GroupId, Handle};
use crate::motion::{Progress, Rejection};

/// The answer to one command, or its progress. Reports are never dropped: the gateway admits no more commands
/// than the ring has places for (`limits::REPORT_RING`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// The command.
    pub handle: Handle,
    /// The cycle that says so.
    pub cycle: u64,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It will be carried out.
    Accepted,
    /// It changed nothing.
    Rejected(Rejection),
    /// It was accepted, and has come this far.
    Progress(Progress),
}

/// Something that happened, with the cycle in which it was seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// The cycle.
    pub cycle: u64,
    /// CLOCK_MONOTONIC (or virtual) time, nanoseconds.
    pub time_ns: u64,
    /// What happened.
    pub kind: EventKind,
}

/// What an event concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The machine as a whole.
    Machine,
    /// One axis.
    Axis(AxisId),
    /// One group.
    Group(GroupId),
    /// One bus.
    Bus(BusId),
    /// One named digital input.
    Input(u8),
}

/// What happened to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathNews {
    /// It has begun.
    Begun,
    /// It rests because no more of it is known.
    Starved,
    /// It moves again, or is held otherwise.
    Supplied,
    /// It rests, held.
    Held,
    /// It is held no more.
    Resumed,
    /// It shall go back.
    Retreating,
    /// It rests where it can go back no further.
    Retreated,
    /// It shall go forward again.
    Advancing,
    /// It moves where so near a singularity slows it.
    Slowed(Singularity),
    /// It rests at the end of a line, for the next step.
    LineEnded,
    /// Its command has ended, whatever ended it.
    Ended,
}

impl PathNews {
    /// As events name it.
    pub fn name(self) -> &'static str {
        match self {
            PathNews::Begun => "path_begun",
            PathNews::Starved => "path_starved",
            PathNews::Supplied => "path_supplied",
            PathNews::Held => "path_held",
            PathNews::Resumed => "path_resumed",
            PathNews::Retreating => "path_retreating",
            PathNews::Retreated => "path_retreated",
            PathNews::Advancing => "path_advancing",
            PathNews::Slowed(_) => "path_slowed",
            PathNews::LineEnded => "path_line_ended",
            PathNews::Ended => "path_ended",
        }
    }
}

/// The kinds of events.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the fields are named after their types")]
pub enum EventKind {
    /// The daemon started, after one that ended in order (`clean`) or did not; `known` is the last event before that is
    /// still known. Only where events outlive the daemon.
    Started { clean: bool, known: u64 },
    /// A fault was raised. `detail` is the drive's error code (603Fh) for drive faults, else the measured value.
    FaultRaised { fault: Fault, subject: Subject, detail: f64 },
    /// A fault was reset.
    FaultCleared { fault: Fault, subject: Subject },
    /// A stop of this subject was read; it locks until released.
    Stopped { subject: Subject, generation: u64 },
    /// A stop was released.
    Released { subject: Subject, generation: u64 },
    /// A drive was enabled or disabled.
    Power { axis: AxisId, on: bool },
    /// An axis got (or lost) its reference.
    Referenced { axis: AxisId, on: bool },
    /// An axis has other figures: limits, windows or gains.
    ParametersChanged { axis: AxisId },
    /// A velocity or jog command came to rest at a soft limit.
    SoftLimitReached { axis: AxisId },
    /// A device of a bus dropped out of the exchange, or takes part again.
    Device { bus: BusId, device: u8, back: bool },
    /// What a bus tells by itself.
    Bus { bus: BusId, news: BusNews },
    /// A bus is exchanging again.
    BusRecovered { bus: BusId },
    /// A path of a group: `handle` is its command's, `line` the line of the program that it is on (0 where it begins and where it has ended).
    Path { group: GroupId, handle: Handle, news: PathNews, line: u32 },
    /// Periods were skipped.
    Overrun { skipped: u32 },
}
