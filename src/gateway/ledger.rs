//! The commands that the gateway answers for: those without an end, and the latest ones that have ended.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tokio::sync::{oneshot, watch};

use crate::exchange::pool::SlotAddress;
use crate::ids::Handle;
use crate::limits::{ENDED_COMMANDS, MAX_OUTSTANDING_COMMANDS};

use super::lease::LeaseToken;
use super::refusal::Refusal;
use super::status::CommandStatus;
use super::submission::{Accepted, Concern, Method, Order};

/// Where the answer to a command goes.
pub(super) type Requester = oneshot::Sender<Result<Accepted, Refusal>>;

/// How far the gateway knows a command to be.
///
/// ```text
/// Sending ──► Sent ──► Accepted ──► (ended)
///               │ ▲ silence: withdrawn ──► (gone)
///               └─┴ silence: Taken ── more silence ──► Doubtful ──► Accepted
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Being put into the ring: it is there or not.
    Sending,
    /// In the ring.
    Sent,
    /// The cycle has it, but has not answered.
    Taken,
    /// The same, and the requester was told so.
    Doubtful,
    /// The cycle accepted it.
    Accepted,
}

/// Which pool a slot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    Targets,
    Figures,
}

/// A command without an end.
pub(super) struct Record {
    pub handle: Handle,
    pub order: Order,
    pub method: Method,
    pub concern: Concern,
    pub slot: Option<(Pool, SlotAddress)>,
    pub stage: Stage,
    pub sent_ns: u64,
    pub deadline_ns: u64,
    pub requester: Option<Requester>,
    pub numbered: Option<(LeaseToken, u64)>,
    /// When a jog was sent by its client.
    pub jog_sent_ns: Option<u64>,
    pub status: Option<CommandStatus>,
    pub watch: Option<watch::Sender<CommandStatus>>,
}

/// All commands that the gateway answers for.
pub(super) struct Ledger {
    outstanding: BTreeMap<Handle, Record>,
    ended: HashMap<Handle, CommandStatus>,
    ended_order: VecDeque<Handle>,
}

impl Ledger {
    pub(super) fn new() -> Ledger {
        Ledger {
            outstanding: BTreeMap::new(),
            ended: HashMap::with_capacity(ENDED_COMMANDS),
            ended_order: VecDeque::with_capacity(ENDED_COMMANDS),
        }
    }

    /// Commands without an end.
    pub(super) fn depth(&self) -> usize {
        self.outstanding.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.depth() >= MAX_OUTSTANDING_COMMANDS
    }

    /// Whether an answer of the cycle is waited for.
    pub(super) fn is_waiting(&self) -> bool {
        self.outstanding.values().next_back().is_some_and(|record| record.stage != Stage::Accepted)
    }

    pub(super) fn insert(&mut self, record: Record) {
        self.outstanding.insert(record.handle, record);
    }

    pub(super) fn get(&mut self, handle: Handle) -> Option<&mut Record> {
        self.outstanding.get_mut(&handle)
    }

    pub(super) fn remove(&mut self, handle: Handle) -> Option<Record> {
        self.outstanding.remove(&handle)
    }

    pub(super) fn records(&mut self) -> impl Iterator<Item = &mut Record> {
        self.outstanding.values_mut()
    }

    /// The slots of commands that the cycle has not answered.
    pub(super) fn slots(&self) -> Vec<(Pool, SlotAddress)> {
        let unanswered = self.outstanding.values().filter(|record| record.stage != Stage::Accepted);
        unanswered.filter_map(|record| record.slot).collect()
    }

    /// A command has ended: it is remembered among the latest ones.
    pub(super) fn end(&mut self, handle: Handle, status: CommandStatus) {
        if let Some(watch) = self.remove(handle).and_then(|record| record.watch) {
            watch.send_replace(status);
        }
        if self.ended_order.len() >= ENDED_COMMANDS
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
        if self.ended.insert(handle, status).is_none() {
            self.ended_order.push_back(handle);
        }
    }

    /// The progress of an accepted command; of an ended one its end.
    pub(super) fn watch(&mut self, handle: Handle) -> Option<watch::Receiver<CommandStatus>> {
        if let Some(status) = self.ended.get(&handle) {
            return Some(watch::channel(*status).1);
        }
        let record = self.outstanding.get_mut(&handle)?;
        let status = record.status?;
        Some(record.watch.get_or_insert_with(|| watch::channel(status).0).subscribe())
    }
}
