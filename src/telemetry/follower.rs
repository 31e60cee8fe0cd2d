//! The service: takes every snapshot once, and gives each stream its rounds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam::channel::Receiver;
use tokio::sync::watch;

use crate::gateway::{self, Reading, Snapshot};
use crate::limits::{SNAPSHOT_HISTORY, TELEMETRY_QUEUE, TELEMETRY_ROUND_NS};
use crate::service::{Beat, Place, Sabotage};

use super::Counts;
use super::encode::Batch;
use super::selection::Selection;
use super::stream::{Round, Subscriber};

/// What outlives a failure of the service. The streams do not: they end, and their clients are told.
pub struct Follower {
    pub(super) gateway: gateway::Client,
    pub(super) inbox: Receiver<(Selection, Subscriber)>,
    pub(super) deaths: watch::Sender<u64>,
    pub(super) counts: Arc<Counts>,
    pub(super) sabotage: Sabotage,
}

/// One life of the service.
pub(crate) struct Following {
    next_version: u64,
    /// The last cycle that was taken.
    cycle: u64,
    groups: Vec<Group>,
}

/// The streams of one selection.
struct Group {
    selection: Selection,
    subscribers: Vec<Subscriber>,
    batch: Batch,
}

impl Follower {
    /// Serves until `stop`, a round every [`TELEMETRY_ROUND_NS`].
    pub fn run(&self, beat: &Beat, stop: &AtomicBool) {
        let mut following = self.begin();
        while !stop.load(Ordering::Relaxed) {
            beat.tick();
            self.sabotage.pass(Place::Loop);
            self.round(&mut following);
            let _dropped = self.sabotage.dropped();
            std::thread::sleep(Duration::from_nanos(TELEMETRY_ROUND_NS));
        }
    }

    /// A life died: its streams end, even where it hangs and holds on to them.
    pub fn died(&self) {
        self.deaths.send_modify(|deaths| *deaths += 1);
    }

    /// Whom tests ask to make it fail.
    pub fn sabotage(&self) -> &Sabotage {
        &self.sabotage
    }

    /// From what comes next on.
    pub(crate) fn begin(&self) -> Following {
        let cycle = self.gateway.snapshot().machine.cycle;
        Following { next_version: self.gateway.snapshot_version() + 1, cycle, groups: Vec::new() }
    }

    /// One round. Bounded: the snapshots that are kept, for each stream there is.
    pub(crate) fn round(&self, following: &mut Following) {
        for _ in 0..TELEMETRY_QUEUE {
            let Ok((selection, subscriber)) = self.inbox.try_recv() else { break };
            following.join(selection, subscriber);
        }
        following.groups.retain_mut(|group| {
            group.subscribers.retain(Subscriber::is_wanted);
            !group.subscribers.is_empty()
        });
        for _ in 0..SNAPSHOT_HISTORY {
            match self.gateway.snapshot_of(following.next_version) {
                Ok(snapshot) => {
                    following.next_version += 1;
                    self.take(following, &snapshot);
                }
                Err(Reading::Overwritten) => {
                    // Half of what is kept lies behind the newest: time to catch up.
                    let newest = self.gateway.snapshot_version();
                    following.next_version =
                        following.next_version.max(newest.saturating_sub(SNAPSHOT_HISTORY as u64 / 2));
                }
                Err(_) => break,
            }
        }
        for group in &mut following.groups {
            if let Some(round) = std::mem::take(&mut group.batch).finish() {
                group.give(round, &self.counts);
            }
        }
    }

    /// Adds a snapshot to what is due. One of a cycle that was taken already has nothing new to tell.
    fn take(&self, following: &mut Following, snapshot: &Snapshot) {
        let cycle = snapshot.machine.cycle;
        let before = following.cycle;
        if cycle <= before {
            return;
        }
        following.cycle = cycle;
        for group in &mut following.groups {
            let lost = group.selection.due_between(before, cycle);
            if lost > 0 {
                group.lose(lost, before + 1, &self.counts);
            }
            if group.selection.is_due(cycle) {
                self.sabotage.pass(Place::Task);
                group.batch.add(&group.selection, self.gateway.description(), snapshot);
                self.counts.encoded.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl Following {
    fn join(&mut self, selection: Selection, subscriber: Subscriber) {
        match self.groups.iter_mut().find(|group| group.selection == selection) {
            Some(group) => group.subscribers.push(subscriber),
            None => self.groups.push(Group { selection, subscribers: vec![subscriber], batch: Batch::default() }),
        }
    }
}

impl Group {
    /// Samples are missing: what was put together before them goes first.
    fn lose(&mut self, lost: u64, cycle: u64, counts: &Counts) {
        if let Some(round) = std::mem::take(&mut self.batch).finish() {
            self.give(round, counts);
        }
        self.subscribers.retain_mut(|subscriber| subscriber.lose(lost, cycle, counts));
    }

    fn give(&mut self, round: Round, counts: &Counts) {
        let round = Arc::new(round);
        self.subscribers.retain_mut(|subscriber| subscriber.give(&round, counts));
    }
}
