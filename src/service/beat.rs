//! Proof of progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A counter that a service advances once a round of its loop. Copies are of one counter.
#[derive(Clone, Debug, Default)]
pub struct Beat {
    count: Arc<AtomicU64>,
}

impl Beat {
    /// A counter at 0.
    pub fn new() -> Beat {
        Beat::default()
    }

    /// One more round.
    pub fn tick(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Rounds so far: whoever watches compares it with what it was.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }
}
