//! Samples of the axes while they move, for any number of clients, on a thread of its own.
//!
//! ```text
//! exchange ─ every snapshot ─► Follower ─ rounds (encoded once a selection) ─► Stream ─► session, which writes them
//!                                 ▲                                              │
//!                                 └──────────────── inbox ◄── Telemetry::open ───┘
//! ```
//!
//! The follower takes what the cycle has published since its last round, each version once; so a stream can have every
//! cycle although nobody is woken for each. Clients that chose the same share what is encoded. A client that does
//! not keep up loses samples and is told how many ([`Delivery::Latest`]), or loses its stream
//! ([`Delivery::Lossless`]); it holds up nobody.

mod encode;
mod follower;
mod quantity;
mod selection;
mod stream;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam::channel::{Sender, TrySendError};
use tokio::sync::{mpsc, watch};

pub use follower::Follower;
#[cfg(test)]
pub(crate) use follower::Following;
pub use quantity::Quantity;
pub use selection::{Form, Selection};
pub use stream::{Ended, Round, Stream};

use crate::gateway;
use crate::limits::{LATEST_ROUNDS, LOSSLESS_ROUNDS, TELEMETRY_QUEUE};
use crate::service::Sabotage;
use stream::{Held, Subscriber};

/// What a client that does not keep up gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Fewer samples, and how many it missed.
    Latest,
    /// The end of its stream: what it got has no gap.
    Lossless,
}

/// The way to telemetry for sessions. Copies are of one.
#[derive(Clone)]
pub struct Telemetry {
    inbox: Sender<(Selection, Subscriber)>,
    deaths: watch::Receiver<u64>,
    counts: Arc<Counts>,
}

/// What telemetry tells the metrics.
#[derive(Debug, Default)]
struct Counts {
    dropped: AtomicU64,
    encoded: AtomicU64,
}

/// Telemetry of this machine: what sessions use, and what the service runs.
pub fn telemetry(gateway: gateway::Client) -> (Telemetry, Follower) {
    let (sender, inbox) = crossbeam::channel::bounded(TELEMETRY_QUEUE);
    let (deaths_sender, deaths) = watch::channel(0);
    let counts = Arc::new(Counts::default());
    let telemetry = Telemetry { inbox: sender, deaths, counts: Arc::clone(&counts) };
    (telemetry, Follower { gateway, inbox, deaths: deaths_sender, counts, sabotage: Sabotage::new() })
}

impl Telemetry {
    /// A stream of this selection from the next round on; `None` where too many wait for that.
    pub fn open(&self, selection: Selection, delivery: Delivery) -> Option<Stream> {
        let rounds = match delivery {
            Delivery::Latest => LATEST_ROUNDS,
            Delivery::Lossless => LOSSLESS_ROUNDS,
        };
        let (queue, waiting) = mpsc::channel::<Held>(rounds);
        let (subscriber, end) = Subscriber::new(delivery, queue);
        let stream = Stream::new(waiting, end, self.deaths.clone());
        match self.inbox.try_send((selection, subscriber)) {
            // Without a follower the stream ends at once, and says so.
            Ok(()) | Err(TrySendError::Disconnected(_)) => Some(stream),
            Err(TrySendError::Full(_)) => None,
        }
    }

    /// Samples that were due and that a client had no time for.
    pub fn dropped(&self) -> u64 {
        self.counts.dropped.load(Ordering::Relaxed)
    }

    /// Samples that were encoded: one for all who chose the same.
    pub fn encoded(&self) -> u64 {
        self.counts.encoded.load(Ordering::Relaxed)
    }
}
