//! The one service that talks to the cycle: it owns the outer ends of the exchange and everything that must outlive
//! a connection: handles, the progress of commands, leases, request ids, the event log.
//!
//! ```text
//! clients ─ Client ─► inbox ─► GatewayState ─► command ring, slots ─► cycle
//!    ▲  ▲                          │  ▲
//!    │  └── answers, watches ◄─────┘  └── reports, events ◄────────── cycle
//!    └───── snapshots, stop board (directly) ◄──────────────────────► cycle
//! ```
//!
//! - A command is answered once, after the cycle has accepted or refused it, or with a [`Refusal`] that says whether it
//!   may have been carried out. Only [`Refusal::Unknown`] leaves that open; every other one is a promise, kept by
//!   tickets and claims of which exactly one side gets each.
//! - The cycle alone decides about commands; the gateway gives its refusals names and units.
//! - A panic of the service loses nothing: see [`GatewayState::recover`].
//! - A stop does not pass here.

mod client;
mod counts;
mod event_log;
mod in_force;
mod jog_order;
mod lease;
mod ledger;
mod machine;
mod presence;
mod refusal;
mod replay;
mod state;
mod status;
mod submission;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use tokio::sync::watch;

pub use crate::exchange::command::{Request, StopScope};
pub use crate::exchange::event::{BusNews, ErrorCode, Event, EventKind, PathNews, Subject, WireState};
pub use crate::exchange::figures::AxisFigures;
pub use crate::exchange::latest::Reading;
pub use crate::exchange::snapshot::{
    AxisFlags, AxisSnapshot, BusSnapshot, GroupSnapshot, MachineSnapshot, PathLeft, Snapshot, drive_state_name,
};
pub use crate::motion::{
    AxisState, BufferMode, Direction, Dynamics, GroupShape, GroupState, Limits, MoveKind, PathAct, PathState, Reason,
    StreamPace,
};
pub use client::Client;
pub use counts::{Counts, FAULT_CLASSES, Outcome, QueueDepth};
pub use event_log::LoggedEvent;
pub use in_force::{Asked, InForce, Overrides, ParameterChange};
pub use lease::{HeldLease, LeaseRequest, LeaseToken, LossPolicy};
pub use machine::{AnalogDescription, AxisDescription, GroupDescription, MachineDescription, boot_id};
pub use presence::{Absence, Presence};
pub use refusal::{Refusal, Rejected};
pub use state::GatewayState;
pub use status::{CommandState, CommandStatus};
pub use submission::{Accepted, GroupMove, Method, Order, PathBegin, Submission};

/// Where the pieces of one group's paths go.
pub type PieceSender = crate::exchange::ring::Sender<crate::geometry::Piece>;

use crate::exchange::GatewayEnds;
use crate::ids::Handle;
use crate::limits::{EVENT_LOG, GATEWAY_QUEUE};
use crate::service::Sabotage;

/// A gateway for this machine: what clients use, and what its service runs.
pub fn gateway(machine: MachineDescription, ends: GatewayEnds) -> (Client, GatewayState) {
    let machine = Arc::new(machine);
    let (sender, inbox) = crossbeam::channel::bounded(GATEWAY_QUEUE);
    let (last_event_sender, last_event) = watch::channel(0);
    let at_start = machine.axes.iter().map(|axis| axis.at_start.clone()).collect();
    let (in_force_sender, in_force) = watch::channel(at_start);
    let (counts, answer_latency) = Counts::new();
    let client = Client {
        machine: Arc::clone(&machine),
        inbox: sender,
        stops: ends.stops.clone(),
        snapshots: ends.snapshots.clone(),
        last_event,
        in_force,
        counts: counts.clone(),
    };
    let state = GatewayState {
        machine,
        ends,
        inbox,
        ledger: ledger::Ledger::new(),
        leases: lease::Leases::new(),
        jogs: jog_order::JogOrder::new(),
        events: event_log::EventLog::new(EVENT_LOG),
        last_event: last_event_sender,
        in_force: in_force_sender,
        counts,
        answer_latency,
        sabotage: Sabotage::new(),
        handle: Handle::NONE,
        in_hand: None,
    };
    (client, state)
}
