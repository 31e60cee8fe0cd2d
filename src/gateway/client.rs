//! The way to the cycle for everybody who is not the gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::{Sender, TrySendError};
use tokio::sync::{oneshot, watch};

use crate::exchange::command::StopScope;
use crate::exchange::latest::Reading;
use crate::exchange::snapshot::{Snapshot, SnapshotReader};
use crate::exchange::stop::StopBoard;
use crate::ids::Handle;
use crate::limits::{GATEWAY_ANSWER_MS, GATEWAY_QUEUE};

use super::counts::Counts;
use super::event_log::LoggedEvent;
use super::in_force::InForce;
use super::lease::{HeldLease, LeaseRequest, LeaseToken};
use super::machine::MachineDescription;
use super::presence::Presence;
use super::refusal::Refusal;
use super::status::CommandStatus;
use super::submission::{Accepted, Submission};

/// A request to the gateway.
pub(super) enum Message {
    Submit {
        submission: Submission,
        claim: Claim,
        reply: oneshot::Sender<Result<Accepted, Refusal>>,
    },
    Watch {
        handle: Handle,
        reply: oneshot::Sender<Option<watch::Receiver<CommandStatus>>>,
    },
    Events {
        after: u64,
        max: usize,
        reply: oneshot::Sender<Vec<LoggedEvent>>,
    },
    Acquire {
        request: LeaseRequest,
        presence: Option<Presence>,
        take_over: bool,
        reply: oneshot::Sender<Result<LeaseToken, Refusal>>,
    },
    Renew {
        token: LeaseToken,
        presence: Option<Presence>,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    Release {
        token: LeaseToken,
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
    Leases {
        reply: oneshot::Sender<Vec<HeldLease>>,
    },
}

/// Who has a submission: the gateway takes it, or the client that waits no longer does. Never both, so that a
/// client which was told "not carried out" can rely on it.
#[derive(Clone)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    fn new() -> Claim {
        Claim(Arc::new(AtomicBool::new(false)))
    }

    /// Whether the caller is the first.
    pub(super) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// Takes a submission back when its client goes away before the gateway has taken it: what nobody waits for any more is
/// not carried out.
struct TakeBack(Claim);

impl Drop for TakeBack {
    fn drop(&mut self) {
        self.0.take();
    }
}

/// The way to the cycle. Copies are of one; every method may be called from any thread.
///
/// [`Client::stop`], [`Client::snapshot`], [`Client::in_force`] and [`Client::description`] do not need the gateway; the
/// others are answered by it, within [`GATEWAY_ANSWER_MS`] or with a refusal. They need a tokio runtime with its timer.
#[derive(Clone)]
pub struct Client {
    pub(super) machine: Arc<MachineDescription>,
    pub(super) inbox: Sender<Message>,
    pub(super) stops: StopBoard,
    pub(super) snapshots: SnapshotReader,
    pub(super) last_event: watch::Receiver<u64>,
    pub(super) in_force: watch::Receiver<Vec<InForce>>,
    pub(super) counts: Counts,
}

impl Client {
    /// What the machine is.
    pub fn description(&self) -> &MachineDescription {
        &self.machine
    }

    /// The newest state of the machine; cycle 0 before the first.
    pub fn snapshot(&self) -> Snapshot {
        loop {
            // A failed reading means that the cycle went on many times meanwhile; the next one starts afresh. A dead
            // cycle fails none.
            if let Some((_, snapshot)) = self.snapshots.read() {
                return snapshot;
            }
            std::thread::yield_now();
        }
    }

    /// The number of the newest state: one more a cycle.
    pub fn snapshot_version(&self) -> u64 {
        self.snapshots.version()
    }

    /// The state of this number, if it is kept still.
    ///
    /// # Errors
    /// [`Reading::NotYet`] and [`Reading::Overwritten`].
    pub fn snapshot_of(&self, version: u64) -> Result<Snapshot, Reading> {
        self.snapshots.read_version(version)
    }

    /// Stops. Returns the generation that a release must name. Works with the gateway hung and every queue full.
    pub fn stop(&self, scope: StopScope) -> u64 {
        self.stops.request(scope)
    }

    /// The newest stop of a scope; 0 before the first.
    pub fn stop_generation(&self, scope: StopScope) -> u64 {
        self.stops.generation(scope)
    }

    /// Gives a command; answered when the cycle has accepted or refused it.
    pub async fn submit(&self, submission: impl Into<Submission>) -> Result<Accepted, Refusal> {
        let (reply, mut answer) = oneshot::channel();
        let claim = Claim::new();
        self.post(Message::Submit { submission: submission.into(), claim: claim.clone(), reply })?;
        let take_back = TakeBack(claim);
        match tokio::time::timeout(Duration::from_millis(GATEWAY_ANSWER_MS), &mut answer).await {
            // The gateway lost it by a panic before it was sent.
            Ok(Err(_)) => Err(Refusal::Interrupted),
            Ok(Ok(answer)) => answer,
            Err(_) if take_back.0.take() => Err(Refusal::Unavailable),
            // The gateway has it. Its answer may have come just now.
            Err(_) => answer.try_recv().unwrap_or(Err(Refusal::Unknown { handle: None })),
        }
    }

    /// The progress of an accepted command, of the latest ended ones the end; `None` for a handle that is unknown or
    /// forgotten. The sender stays until the end, so a closed channel has shown it.
    pub async fn watch(&self, handle: Handle) -> Result<Option<watch::Receiver<CommandStatus>>, Refusal> {
        self.ask(|reply| Message::Watch { handle, reply }).await
    }

    /// At most `max` events after the sequence number `after`.
    pub async fn events(&self, after: u64, max: usize) -> Result<Vec<LoggedEvent>, Refusal> {
        self.ask(|reply| Message::Events { after, max, reply }).await
    }

    /// The newest event's sequence number; 0 before the first.
    pub fn last_event(&self) -> u64 {
        *self.last_event.borrow()
    }

    /// The newest event's sequence number, to wait for the next one.
    pub fn event_notice(&self) -> watch::Receiver<u64> {
        self.last_event.clone()
    }

    /// Takes a lease of what nobody holds. With a presence, as with every later showing of the token, the lease is lost a
    /// grace time after the last connection that has shown it is gone.
    pub async fn acquire(&self, request: LeaseRequest, presence: Option<Presence>) -> Result<LeaseToken, Refusal> {
        self.ask(|reply| Message::Acquire { request, presence, take_over: false, reply }).await?
    }

    /// The same of what others may hold: theirs are lost, with what they had chosen for that.
    pub async fn take_over(&self, request: LeaseRequest, presence: Option<Presence>) -> Result<LeaseToken, Refusal> {
        self.ask(|reply| Message::Acquire { request, presence, take_over: true, reply }).await?
    }

    /// Lengthens a lease by its time to live from now.
    pub async fn renew(&self, token: LeaseToken, presence: Option<Presence>) -> Result<(), Refusal> {
        self.ask(|reply| Message::Renew { token, presence, reply }).await?
    }

    /// Ends a lease; motion goes on.
    pub async fn release(&self, token: LeaseToken) -> Result<(), Refusal> {
        self.ask(|reply| Message::Release { token, reply }).await?
    }

    /// Who holds what, the oldest lease first.
    pub async fn leases(&self) -> Result<Vec<HeldLease>, Refusal> {
        self.ask(|reply| Message::Leases { reply }).await
    }

    /// The parameters of each axis, as far as the cycle is known to have accepted them.
    pub fn in_force(&self) -> Vec<InForce> {
        self.in_force.borrow().clone()
    }

    /// What the gateway tells the metrics.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    fn post(&self, message: Message) -> Result<(), Refusal> {
        self.inbox.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => {
                Refusal::QueueFull { queue: "gateway", depth: self.inbox.len(), capacity: GATEWAY_QUEUE }
            }
            TrySendError::Disconnected(_) => Refusal::Unavailable,
        })
    }

    async fn ask<T>(&self, message: impl FnOnce(oneshot::Sender<T>) -> Message) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.post(message(reply))?;
        match tokio::time::timeout(Duration::from_millis(GATEWAY_ANSWER_MS), answer).await {
            Ok(answer) => answer.map_err(|_| Refusal::Interrupted),
            Err(_) => Err(Refusal::Unavailable),
        }
    }
}
