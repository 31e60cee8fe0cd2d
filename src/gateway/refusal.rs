//! Why a command was not accepted, in words and figures.

use std::fmt;

use crate::ids::{AxisId, Handle};
use crate::motion::{AxisState, GroupShape, GroupState, Reason, Rejection};

use super::machine::MachineDescription;
use super::submission::{Concern, Order};

/// Why a command was not accepted. Except for [`Refusal::Unknown`] it was not carried out and will not be.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// The cycle refused it.
    Rejected(Box<Rejected>),
    /// A group move has another number of targets than the group has axes.
    TargetCount {
        /// The group.
        group: String,
        /// Targets given.
        found: usize,
        /// Axes of the group.
        allowed: usize,
    },
    /// Too many wait.
    QueueFull {
        /// What is full.
        queue: &'static str,
        /// How many wait.
        depth: usize,
        /// How many can wait.
        capacity: usize,
    },
    /// The cycle did not take it in time, and it was withdrawn.
    CycleSilent {
        /// How long it waited, milliseconds.
        waited_ms: u64,
    },
    /// The gateway failed while it had the command in hand, before the cycle could take it.
    Interrupted,
    /// The gateway did not take it in time, and it was withdrawn.
    Unavailable,
    /// It was taken, but nobody said what became of it: read the status before anything else.
    Unknown {
        /// By what it can be followed, where it got that far.
        handle: Option<Handle>,
    },
    /// Somebody else holds the lease.
    LeaseHeld {
        /// Who.
        holder: String,
        /// When that lease ends unless it is renewed, milliseconds.
        expires_in_ms: u64,
    },
    /// It needs a lease that covers all that it concerns: this axis, this group, or, where both are `None`, the machine.
    LeaseRequired {
        /// The axis.
        axis: Option<String>,
        /// The group.
        group: Option<String>,
    },
    /// The lease has ended, or never was.
    NoSuchLease,
    /// All leases are given out.
    TooManyLeases {
        /// How many there can be.
        capacity: usize,
    },
    /// The time to live is outside its range.
    LeaseTime {
        /// Asked for, milliseconds.
        found_ms: u64,
        /// Shortest and longest, milliseconds.
        allowed_ms: (u64, u64),
    },
    /// The holder's name is empty or too long.
    HolderLength {
        /// Bytes given.
        found: usize,
        /// Most bytes.
        most: usize,
    },
    /// A later refresh of the jog, or a command that ended it, came before this refresh.
    JogOvertaken {
        /// The axis.
        axis: String,
        /// When it was sent, nanoseconds.
        sent_at_ns: u64,
        /// When it must have been sent at the earliest, nanoseconds.
        earliest_ns: u64,
    },
    /// Somebody else changed the parameters of the axis since the change was made from them.
    ParametersOvertaken {
        /// The axis.
        axis: String,
    },
    /// The same command with the same request id is being answered.
    RequestPending {
        /// The id.
        request_id: u64,
    },
    /// The request id was used with another command before.
    RequestIdReused {
        /// The id.
        request_id: u64,
    },
    /// The request id is lower than those that are remembered: it may have been carried out before.
    RequestIdOld {
        /// The id.
        request_id: u64,
        /// The highest one so far.
        latest: u64,
    },
}

/// A command that the cycle refused, with names and units.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// Why.
    pub reason: Reason,
    /// The cycle that said so; `None` where the gateway knew.
    pub cycle: Option<u64>,
    /// The axis at which it was found.
    pub axis: Option<String>,
    /// The group that was commanded.
    pub group: Option<String>,
    /// What was found or asked for, in `unit`.
    pub requested: Option<f64>,
    /// What is allowed, in `unit`.
    pub limit: Option<f64>,
    /// The unit of both.
    pub unit: Option<&'static str>,
    /// The state that does not permit it.
    pub state: Option<&'static str>,
    /// The event that tells more.
    pub event_sequence: Option<u64>,
}

impl Rejected {
    /// One that the gateway knows without asking, without figures.
    pub(super) fn known(reason: Reason) -> Rejected {
        Rejected {
            reason,
            cycle: None,
            axis: None,
            group: None,
            requested: None,
            limit: None,
            unit: None,
            state: None,
            event_sequence: None,
        }
    }

    /// Gives a rejection its names and units.
    pub(super) fn new(
        rejection: Rejection,
        cycle: u64,
        order: &Order,
        concern: Concern,
        machine: &MachineDescription,
    ) -> Rejected {
        let named = match concern {
            Concern::Axis(axis) => Some(axis),
            Concern::Group(_) | Concern::Machine => None,
        };
        let axis = rejection.axis.or(named).and_then(|axis| machine.axes.get(AxisId(axis).index()));
        let group = match concern {
            Concern::Group(group) => machine.groups.get(group.index()),
            Concern::Axis(_) | Concern::Machine => None,
        };
        let symbols = match (axis, group) {
            (Some(axis), _) => Some(symbols(axis.unit.symbol())),
            (None, Some(group)) => Some(symbols(group.unit.symbol())),
            (None, None) => None,
        };
        let direct = matches!(order, Order::GroupMove(order) if order.shape == GroupShape::Direct);
        let (figures, unit) = match rejection.reason {
            Reason::VelocityLimit | Reason::AccelerationLimit | Reason::JerkLimit if direct => {
                (true, Some("of the limit"))
            }
            Reason::VelocityLimit => (true, symbols.map(|symbols| symbols[1])),
            Reason::AccelerationLimit => (true, symbols.map(|symbols| symbols[2])),
            Reason::JerkLimit => (true, symbols.map(|symbols| symbols[3])),
            Reason::SoftLimit | Reason::PositionRange => (true, symbols.map(|symbols| symbols[0])),
            Reason::OutsideSoftLimits => (true, symbols.map(|symbols| symbols[0])),
            Reason::LoopSaturated => (true, symbols.map(|symbols| symbols[1])),
            Reason::OverrideRange => (true, Some("ratio")),
            Reason::QueueFull => (true, Some("moves")),
            _ => (rejection.found != 0.0 || rejection.allowed != 0.0, None),
        };
        let of_state = matches!(rejection.reason, Reason::WrongState | Reason::NotAtRest);
        let state = of_state.then(|| state_name(rejection.found, concern)).flatten();
        let figures = figures && !of_state;
        Rejected {
            reason: rejection.reason,
            cycle: Some(cycle),
            axis: axis.map(|axis| axis.name.clone()),
            group: group.map(|group| group.name.clone()),
            requested: figures.then_some(rejection.found).filter(|value| value.is_finite()),
            limit: figures.then_some(rejection.allowed).filter(|value| value.is_finite()),
            unit: unit.filter(|_| figures),
            state,
            event_sequence: None,
        }
    }
}

/// A unit and its rates.
fn symbols(unit: &'static str) -> [&'static str; 4] {
    if unit == "mm" { ["mm", "mm/s", "mm/s^2", "mm/s^3"] } else { ["deg", "deg/s", "deg/s^2", "deg/s^3"] }
}

fn state_name(number: f64, concern: Concern) -> Option<&'static str> {
    let number = number as u8;
    match concern {
        Concern::Axis(_) => AxisState::from_u8(number).map(AxisState::name),
        Concern::Group(_) => GroupState::from_u8(number).map(GroupState::name),
        Concern::Machine => None,
    }
}

impl Refusal {
    /// Its name on the wire and in metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::Rejected(rejected) => rejected.reason.name(),
            Refusal::TargetCount { .. } => "TargetCount",
            Refusal::QueueFull { .. } => "QueueFull",
            Refusal::CycleSilent { .. } => "CycleSilent",
            Refusal::Interrupted => "Interrupted",
            Refusal::Unavailable => "Unavailable",
            Refusal::Unknown { .. } => "Unknown",
            Refusal::LeaseHeld { .. } => "LeaseHeld",
            Refusal::LeaseRequired { .. } => "LeaseRequired",
            Refusal::NoSuchLease => "NoSuchLease",
            Refusal::TooManyLeases { .. } => "TooManyLeases",
            Refusal::LeaseTime { .. } => "LeaseTime",
            Refusal::HolderLength { .. } => "HolderLength",
            Refusal::JogOvertaken { .. } => "JogOvertaken",
            Refusal::ParametersOvertaken { .. } => "ParametersOvertaken",
            Refusal::RequestPending { .. } => "RequestPending",
            Refusal::RequestIdReused { .. } => "RequestIdReused",
            Refusal::RequestIdOld { .. } => "RequestIdOld",
        }
    }

    /// What the person at the machine can do.
    pub fn hint(&self) -> &'static str {
        match self {
            Refusal::Rejected(rejected) => rejected.reason.hint(),
            Refusal::TargetCount { .. } => "give each axis of the group one target",
            Refusal::QueueFull { .. } => "wait until earlier commands are answered or end",
            Refusal::CycleSilent { .. } => {
                "the command was withdrawn: read the status and the log of the daemon, then try again"
            }
            Refusal::Interrupted => "the command was not carried out and the service is being restarted: try again",
            Refusal::Unavailable => {
                "the command was withdrawn and the service is being restarted: try again; a stop works all the same"
            }
            Refusal::Unknown { .. } => "the command may have been carried out: read the status before anything else",
            Refusal::LeaseHeld { .. } => "wait until the holder releases the lease; a stop works all the same",
            Refusal::LeaseRequired { .. } => {
                "acquire a lease of all that the command concerns (io.motiond.v1.Lease.Acquire) and give its token"
            }
            Refusal::NoSuchLease => {
                "the lease ended by its time, with its last connection, or was taken over: acquire it again"
            }
            Refusal::TooManyLeases { .. } => "release a lease first",
            Refusal::LeaseTime { .. } => "give a time to live in the permitted range",
            Refusal::HolderLength { .. } => "give a name by which people know who holds the lease",
            Refusal::JogOvertaken { .. } => "send each refresh after the one before, with its present time",
            Refusal::ParametersOvertaken { .. } => {
                "nothing was changed: look at the parameters as they are now, then try again"
            }
            Refusal::RequestPending { .. } => "wait for the answer, or ask again with the same id",
            Refusal::RequestIdReused { .. } => "give each command under a lease a new request id",
            Refusal::RequestIdOld { .. } => "request ids rise: read the status, then go on with a higher id",
        }
    }

    /// Whether the same command may be accepted later without anybody's doing.
    pub fn retryable(&self) -> bool {
        match self {
            Refusal::Rejected(rejected) => rejected.reason.retryable(),
            Refusal::QueueFull { .. }
            | Refusal::CycleSilent { .. }
            | Refusal::Interrupted
            | Refusal::Unavailable
            | Refusal::LeaseHeld { .. }
            | Refusal::ParametersOvertaken { .. }
            | Refusal::RequestPending { .. } => true,
            Refusal::TargetCount { .. }
            | Refusal::Unknown { .. }
            | Refusal::LeaseRequired { .. }
            | Refusal::NoSuchLease
            | Refusal::TooManyLeases { .. }
            | Refusal::LeaseTime { .. }
            | Refusal::HolderLength { .. }
            | Refusal::JogOvertaken { .. }
            | Refusal::RequestIdReused { .. }
            | Refusal::RequestIdOld { .. } => false,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(group) = &self.group {
            write!(f, "group \"{group}\": ")?;
        }
        if let Some(axis) = &self.axis {
            write!(f, "axis \"{axis}\": ")?;
        }
        write!(f, "{}", self.reason.name())?;
        if let Some(state) = self.state {
            write!(f, " in state {state}")?;
        }
        if let (Some(requested), Some(limit)) = (self.requested, self.limit) {
            write!(f, ": found {requested}, allowed {limit}")?;
            if let Some(unit) = self.unit {
                write!(f, " {unit}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Rejected(rejected) => write!(f, "{rejected}")?,
            Refusal::TargetCount { group, found, allowed } => {
                write!(f, "group \"{group}\": {found} targets for {allowed} axes")?;
            }
            Refusal::QueueFull { queue, depth, capacity } => write!(f, "{queue}: {depth} of {capacity} places taken")?,
            Refusal::CycleSilent { waited_ms } => write!(f, "the cycle did not answer for {waited_ms} ms")?,
            Refusal::Interrupted => write!(f, "the gateway failed with the command in hand")?,
            Refusal::Unavailable => write!(f, "the gateway does not answer")?,
            Refusal::Unknown { .. } => write!(f, "the command was taken, but not answered")?,
            Refusal::LeaseHeld { holder, expires_in_ms } => {
                write!(f, "the lease is held by {holder} for another {expires_in_ms} ms")?;
            }
            Refusal::LeaseRequired { axis, group } => match (axis, group) {
                (Some(axis), _) => write!(f, "axis \"{axis}\" may be moved with a lease only")?,
                (None, Some(group)) => write!(f, "group \"{group}\" may be moved with a lease of all its axes only")?,
                (None, None) => write!(f, "this needs a lease of the machine")?,
            },
            Refusal::NoSuchLease => write!(f, "the lease has ended")?,
            Refusal::TooManyLeases { capacity } => write!(f, "all {capacity} leases are given out")?,
            Refusal::LeaseTime { found_ms, allowed_ms: (least, most) } => {
                write!(f, "a lease of {found_ms} ms; allowed are {least} to {most} ms")?;
            }
            Refusal::HolderLength { found, most } => {
                write!(f, "a holder's name of {found} bytes; 1 to {most} are allowed")?
            }
            Refusal::JogOvertaken { axis, sent_at_ns, earliest_ns } => {
                write!(
                    f,
                    "axis \"{axis}\": the jog of {sent_at_ns} ns was overtaken by what came at {earliest_ns} ns"
                )?;
            }
            Refusal::ParametersOvertaken { axis } => {
                write!(f, "axis \"{axis}\": its parameters were changed by somebody else meanwhile")?;
            }
            Refusal::RequestPending { request_id } => write!(f, "request id {request_id} is being answered")?,
            Refusal::RequestIdReused { request_id } => write!(f, "request id {request_id} was used before")?,
            Refusal::RequestIdOld { request_id, latest } => {
                write!(f, "request id {request_id} is older than what is remembered (latest {latest})")?;
            }
        }
        write!(f, "; {}", self.hint())
    }
}

impl std::error::Error for Refusal {}
