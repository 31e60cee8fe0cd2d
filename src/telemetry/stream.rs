//! One client's stream: rounds of samples that wait for it, and how it ends.

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

use super::{Counts, Delivery};

/// Samples of one selection from one round, encoded: for each reply what follows its `dropped`.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The replies' ends: `"boot_id":…`, the rest of the parameters, `"continues":true` and the NUL.
    pub replies: Vec<Vec<u8>>,
    /// Samples in them.
    pub samples: u64,
    /// The cycle of the first sample.
    pub first_cycle: u64,
}

/// A round on its way, and how many samples before it the client has missed.
pub(super) type Held = (u64, Arc<Round>);

/// Why a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A lossless stream would have had a gap: its client did not take the round that begins with this cycle.
    ClientLate(u64),
    /// Likewise, because the daemon was held up and this cycle was no longer kept.
    DaemonLate(u64),
    /// The service failed.
    Interrupted,
}

/// The follower's end of a stream.
pub(super) struct Subscriber {
    delivery: Delivery,
    queue: mpsc::Sender<Held>,
    end: Arc<OnceLock<Ended>>,
    missed: u64,
}

/// The session's end.
#[derive(Debug)]
pub struct Stream {
    waiting: mpsc::Receiver<Held>,
    end: Arc<OnceLock<Ended>>,
    deaths: watch::Receiver<u64>,
}

impl Subscriber {
    pub(super) fn new(delivery: Delivery, queue: mpsc::Sender<Held>) -> (Subscriber, Arc<OnceLock<Ended>>) {
        let end = Arc::new(OnceLock::new());
        (Subscriber { delivery, queue, end: Arc::clone(&end), missed: 0 }, end)
    }

    /// Whether it goes on, after `lost` samples from the cycle `cycle` on were no longer kept.
    pub(super) fn lose(&mut self, lost: u64, cycle: u64, counts: &Counts) -> bool {
        match self.delivery {
            Delivery::Latest => {
                self.missed += lost;
                counts.dropped.fetch_add(lost, Ordering::Relaxed);
                true
            }
            Delivery::Lossless => self.end(Ended::DaemonLate(cycle)),
        }
    }

    /// Whether it goes on, after it was given this round or had no place for it.
    pub(super) fn give(&mut self, round: &Arc<Round>, counts: &Counts) -> bool {
        match self.queue.try_send((self.missed, Arc::clone(round))) {
            Ok(()) => {
                self.missed = 0;
                true
            }
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) => match self.delivery {
                Delivery::Latest => {
                    self.missed += round.samples;
                    counts.dropped.fetch_add(round.samples, Ordering::Relaxed);
                    true
                }
                Delivery::Lossless => self.end(Ended::ClientLate(round.first_cycle)),
            },
        }
    }

    /// Whether its client is still there.
    pub(super) fn is_wanted(&self) -> bool {
        !self.queue.is_closed()
    }

    fn end(&self, why: Ended) -> bool {
        // It ends once.
        let _ = self.end.set(why);
        false
    }
}

impl Stream {
    pub(super) fn new(
        waiting: mpsc::Receiver<Held>,
        end: Arc<OnceLock<Ended>>,
        mut deaths: watch::Receiver<u64>,
    ) -> Stream {
        deaths.borrow_and_update();
        Stream { waiting, end, deaths }
    }

    /// The next round with the number of samples missed before it; what waits is given before the end is told.
    ///
    /// # Errors
    /// The end of the stream.
    pub async fn next(&mut self) -> Result<(u64, Arc<Round>), Ended> {
        let next = tokio::select! {
            biased;
            next = self.waiting.recv() => next,
            // A follower that hangs keeps its end open.
            _ = self.deaths.changed() => None,
        };
        next.ok_or_else(|| self.end.get().copied().unwrap_or(Ended::Interrupted))
    }
}

#[cfg(test)]
impl Stream {
    /// What [`Stream::next`] would give without waiting; `Err(None)` where it would wait.
    pub(super) fn try_next(&mut self) -> Result<(u64, Arc<Round>), Option<Ended>> {
        match self.waiting.try_recv() {
            Ok(next) => Ok(next),
            Err(mpsc::error::TryRecvError::Empty) => Err(None),
            Err(mpsc::error::TryRecvError::Disconnected) => {
                Err(Some(self.end.get().copied().unwrap_or(Ended::Interrupted)))
            }
        }
    }
}
