//! What clients ask for.

use crate::exchange::command::{Request, StopScope};
use crate::ids::{GroupId, Handle};
use crate::motion::{BufferMode, Dynamics, GroupShape, Reason, StreamPace};

use super::in_force::ParameterChange;
use super::lease::LeaseToken;
use super::machine::MachineDescription;
use super::presence::Presence;
use super::refusal::{Refusal, Rejected};

/// A move of all axes of a group, with its targets.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMove {
    /// The group.
    pub group: GroupId,
    /// Straight, or each axis on its own.
    pub shape: GroupShape,
    /// One value an axis, in the group's order: positions in axis coordinates, or distances.
    pub targets: Vec<f64>,
    /// `targets` are distances.
    pub relative: bool,
    /// Of the path (linear), or shares of each axis limit (direct).
    pub dynamics: Dynamics,
    /// When.
    pub buffer: BufferMode,
}

/// A path of a group that begins; its handle is the number of its program.
#[derive(Clone, Debug, PartialEq)]
pub struct PathBegin {
    /// The group.
    pub group: GroupId,
    /// Where the axes are, or will be when it begins, axis coordinates, in the group's order.
    pub start: Vec<f64>,
    /// `Buffered`: behind what the group does; else it must rest.
    pub buffer: BufferMode,
    /// The command of the newest path of the group, where it goes on from that without a rest.
    pub joins: Option<Handle>,
    /// How it is followed, where it is a stream of timed points.
    pub stream: Option<StreamPace>,
}

/// A command as a client gives it.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Anything but what follows.
    Request(Request),
    /// A move of a group.
    GroupMove(GroupMove),
    /// A path begins.
    Path(PathBegin),
    /// Other parameters for an axis.
    Parameters(Box<ParameterChange>),
}

/// A command, and who gives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The command.
    pub order: Order,
    /// The lease that permits it; without one, nobody else must hold what it moves, and `presence` must be `None`.
    pub lease: Option<LeaseToken>,
    /// Its number under the lease: the same number again gets the same answer and moves nothing.
    pub request_id: Option<u64>,
    /// The connection that it came by; `None` for the daemon itself.
    pub presence: Option<Presence>,
    /// When a jog was sent, nanoseconds of CLOCK_MONOTONIC.
    pub sent_at_ns: Option<u64>,
}

/// A command that will be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// By what it can be followed.
    pub handle: Handle,
    /// The cycle that accepted it.
    pub cycle: u64,
}

impl From<Order> for Submission {
    fn from(order: Order) -> Submission {
        Submission { order, lease: None, request_id: None, presence: None, sent_at_ns: None }
    }
}

impl From<Request> for Submission {
    fn from(request: Request) -> Submission {
        Order::Request(request).into()
    }
}

impl From<GroupMove> for Submission {
    fn from(order: GroupMove) -> Submission {
        Order::GroupMove(order).into()
    }
}

impl From<PathBegin> for Submission {
    fn from(begin: PathBegin) -> Submission {
        Order::Path(begin).into()
    }
}

impl From<ParameterChange> for Submission {
    fn from(change: ParameterChange) -> Submission {
        Order::Parameters(Box::new(change)).into()
    }
}

impl Submission {
    /// The same, under a lease.
    pub fn under(self, lease: LeaseToken) -> Submission {
        Submission { lease: Some(lease), ..self }
    }

    /// The same, with its number under the lease.
    pub fn numbered(self, request_id: u64) -> Submission {
        Submission { request_id: Some(request_id), ..self }
    }

    /// The same, come by a connection: it needs a lease.
    pub fn by(self, presence: Presence) -> Submission {
        Submission { presence: Some(presence), ..self }
    }

    /// The same jog, sent at this time.
    pub fn sent_at(self, sent_at_ns: u64) -> Submission {
        Submission { sent_at_ns: Some(sent_at_ns), ..self }
    }
}

/// Whom a command concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concern {
    Axis(u8),
    Group(GroupId),
    Machine,
}

impl Concern {
    /// Why there is no such axis or group; `None` where there is.
    pub(super) fn missing(self, machine: &MachineDescription) -> Option<Rejected> {
        let (reason, index, count) = match self {
            Concern::Axis(axis) => (Reason::NoSuchAxis, axis, machine.axes.len()),
            Concern::Group(group) => (Reason::NoSuchGroup, group.0, machine.groups.len()),
            Concern::Machine => return None,
        };
        (usize::from(index) >= count).then(|| Rejected::known(reason))
    }

    /// The axes, one bit each; all bits for the machine.
    pub(super) fn axes(self, machine: &MachineDescription) -> u64 {
        match self {
            Concern::Axis(axis) => 1_u64.checked_shl(axis.into()).unwrap_or(0),
            Concern::Group(group) => machine.members(group),
            Concern::Machine => u64::MAX,
        }
    }

    /// What a client without a lease of all this is told.
    pub(super) fn lease_required(self, machine: &MachineDescription) -> Refusal {
        let axis = match self {
            Concern::Axis(axis) => machine.axes.get(usize::from(axis)).map(|axis| axis.name.clone()),
            _ => None,
        };
        let group = match self {
            Concern::Group(group) => machine.groups.get(group.index()).map(|group| group.name.clone()),
            _ => None,
        };
        Refusal::LeaseRequired { axis, group }
    }
}

impl From<StopScope> for Concern {
    fn from(scope: StopScope) -> Concern {
        match scope {
            StopScope::Axis(axis) => Concern::Axis(axis.0),
            StopScope::Group(group) => Concern::Group(group),
            StopScope::Machine => Concern::Machine,
        }
    }
}

/// The name of a command for metrics and log, and whom it concerns.
pub(super) fn describe(order: &Order) -> (Method, Concern) {
    let request = match order {
        Order::GroupMove(order) => return (Method::GroupMove, Concern::Group(order.group)),
        Order::Path(begin) => return (Method::GroupPath, Concern::Group(begin.group)),
        Order::Parameters(change) => return (Method::Parameters, Concern::Axis(change.axis.0)),
        Order::Request(request) => request,
    };
    match *request {
        Request::Power { axis, .. } => (Method::Power, Concern::Axis(axis.0)),
        Request::Reset { axis } => (Method::Reset, Concern::Axis(axis.0)),
        Request::Move { axis, .. } => (Method::Move, Concern::Axis(axis.0)),
        Request::Velocity { axis, .. } => (Method::Velocity, Concern::Axis(axis.0)),
        Request::Jog { axis, .. } => (Method::Jog, Concern::Axis(axis.0)),
        Request::Halt { axis } => (Method::Halt, Concern::Axis(axis.0)),
        Request::SetPosition { axis, .. } => (Method::SetPosition, Concern::Axis(axis.0)),
        Request::SetFigures { axis, .. } => (Method::Parameters, Concern::Axis(axis.0)),
        Request::Override { axis, .. } => (Method::Override, Concern::Axis(axis.0)),
        Request::GroupEnable { group } => (Method::GroupEnable, Concern::Group(group)),
        Request::GroupDisable { group } => (Method::GroupDisable, Concern::Group(group)),
        Request::GroupReset { group } => (Method::GroupReset, Concern::Group(group)),
        Request::GroupMove { group, .. } => (Method::GroupMove, Concern::Group(group)),
        Request::GroupPath { group, .. } => (Method::GroupPath, Concern::Group(group)),
        Request::PathAct { group, .. } => (Method::PathAct, Concern::Group(group)),
        Request::GroupHalt { group } => (Method::GroupHalt, Concern::Group(group)),
        Request::GroupInterrupt { group } => (Method::GroupInterrupt, Concern::Group(group)),
        Request::GroupContinue { group } => (Method::GroupContinue, Concern::Group(group)),
        Request::GroupOverride { group, .. } => (Method::GroupOverride, Concern::Group(group)),
        Request::Release { scope, .. } => (Method::Release, scope.into()),
        Request::SetOutput { .. } => (Method::SetOutput, Concern::Machine),
        Request::SetAnalogOutput { .. } => (Method::SetAnalogOutput, Concern::Machine),
        Request::RecoverBus { .. } => (Method::RecoverBus, Concern::Machine),
        Request::ResetMachine => (Method::ResetMachine, Concern::Machine),
    }
}

macro_rules! methods {
    ($( $variant:ident = $name:literal; )*) => {
        /// The kinds of commands, as metrics name them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "named after the requests")]
        pub enum Method { $( $variant, )* }

        impl Method {
            /// Every kind.
            pub const ALL: &'static [Method] = &[ $( Method::$variant, )* ];

            /// Its name as a metric label.
            pub fn name(self) -> &'static str {
                match self { $( Method::$variant => $name, )* }
            }
        }
    };
}

methods! {
    Power = "power";
    Reset = "reset";
    Move = "move";
    Velocity = "velocity";
    Jog = "jog";
    Halt = "halt";
    SetPosition = "set-position";
    Override = "override";
    Parameters = "parameters";
    GroupEnable = "group-enable";
    GroupDisable = "group-disable";
    GroupReset = "group-reset";
    GroupMove = "group-move";
    GroupPath = "group-path";
    PathAct = "path-act";
    GroupHalt = "group-halt";
    GroupInterrupt = "group-interrupt";
    GroupContinue = "group-continue";
    GroupOverride = "group-override";
    Release = "release";
    SetOutput = "set-output";
    SetAnalogOutput = "set-analog-output";
    RecoverBus = "recover-bus";
    ResetMachine = "reset-machine";
}
