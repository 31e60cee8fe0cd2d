//! The newest value of a fixed number of words, from one writer to any number of readers.
//!
//! A seqlock with two halves. Version *v* stands in half *v* mod 2, so the writer always fills the half that
//! nobody is told to read, and a reader has to start again only when a whole version was completed during its
//! reading. A writer that dies half-way through leaves the last complete version readable. The writer is
//! wait-free; the words are relaxed atomics, so that a torn reading is possible, is seen and is thrown away,
//! but is never undefined behaviour.

use super::sync::{Arc, AtomicU64, Ordering, fence};
use crate::limits::LATEST_READ_ATTEMPTS;
use crossbeam::utils::CachePadded;

struct Shared {
    /// The number of the newest complete version; 0 before the first.
    newest: CachePadded<AtomicU64>,
    halves: [Box<[AtomicU64]>; 2],
}

/// The end that publishes.
pub struct Writer {
    shared: Arc<Shared>,
    newest: u64,
}

/// An end that reads.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// A version that is being written.
pub struct Publication<'a> {
    writer: &'a mut Writer,
}

/// A cell of `words` words, all 0.
pub fn cell(words: usize) -> (Writer, Reader) {
    let half = || (0..words).map(|_| AtomicU64::new(0)).collect();
    let shared = Arc::new(Shared { newest: CachePadded::new(AtomicU64::new(0)), halves: [half(), half()] });
    (Writer { shared: Arc::clone(&shared), newest: 0 }, Reader { shared })
}

impl Writer {
    /// Starts a version. Every word must be written: a word left out keeps what it was two versions ago.
    pub fn begin(&mut self) -> Publication<'_> {
        // Pairs with the fence in `Reader::read`: whoever sees a word stored after this fence also sees that
        // version `newest`, stored before it, has followed the one that stood in this half.
        fence(Ordering::Release);
        Publication { writer: self }
    }

    /// Publishes these words; surplus ones are left out.
    pub fn publish(&mut self, words: &[u64]) {
        let publication = self.begin();
        for (place, word) in publication.words().iter().zip(words) {
            place.store(*word, Ordering::Relaxed);
        }
        publication.commit();
    }
}

impl Publication<'_> {
    /// The words to fill, with relaxed stores.
    pub fn words(&self) -> &[AtomicU64] {
        &self.writer.shared.halves[(self.writer.newest.wrapping_add(1) & 1) as usize]
    }

    /// Makes the version the newest. Dropped without, it was never there.
    pub fn commit(self) {
        self.writer.newest = self.writer.newest.wrapping_add(1);
        // Pairs with the first load in `Reader::read`: the words of this version are seen with its number.
        self.writer.shared.newest.store(self.writer.newest, Ordering::Release);
    }
}

impl Reader {
    /// Copies the newest version (up to the length of `words`) and returns its number, 0 before the first.
    ///
    /// At most [`LATEST_READ_ATTEMPTS`] attempts; each fails only where a version was completed during it. `None`
    /// after that: the reader was held up at each of them, and what `words` holds is of no one version.
    pub fn read(&self, words: &mut [u64]) -> Option<u64> {
        for _ in 0..LATEST_READ_ATTEMPTS {
            // Pairs with the store in `Publication::commit`.
            let version = self.shared.newest.load(Ordering::Acquire);
            let half = &self.shared.halves[(version & 1) as usize];
            for (word, place) in words.iter_mut().zip(half) {
                *word = place.load(Ordering::Relaxed);
            }
            // Pairs with the fence in `Writer::begin`.
            fence(Ordering::Acquire);
            if self.shared.newest.load(Ordering::Relaxed) == version {
                return Some(version);
            }
        }
        None
    }

    /// The number of the newest version: one more a publication.
    pub fn version(&self) -> u64 {
        self.shared.newest.load(Ordering::Acquire)
    }
}
