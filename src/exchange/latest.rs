//! The newest value of a fixed number of words, and those before it, from one writer to any number of readers.
//!
//! A seqlock with *n* places. Version *v* stands in place *v* mod *n*, so the writer always fills the place that
//! nobody is told to read: a reader finds the newest *n* − 1 versions, and has to start again only when that many were
//! completed during its reading. A writer that dies half-way through leaves the last complete version
//! readable. The writer is wait-free; the words are relaxed atomics, so that a torn reading is possible, is
//! seen and is thrown away, but is never undefined behaviour.

use super::sync::{Arc, AtomicU64, Ordering, fence};
use crate::limits::LATEST_READ_ATTEMPTS;
use crossbeam::utils::CachePadded;

struct Shared {
    /// The number of the newest complete version; 0 before the first.
    newest: CachePadded<AtomicU64>,
    /// One place after another.
    words: Box<[AtomicU64]>,
    /// Words of a place.
    length: usize,
    /// Places less one; the number of places is a power of two.
    mask: u64,
}

/// What became of an attempt to read one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// It was read whole.
    Whole,
    /// It has not been published.
    NotYet,
    /// A later one has taken its place, or is about to; what was read is of no one version.
    Overwritten,
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

/// A cell of `words` words, all 0, in `places` places.
///
/// # Panics
/// Where the number of places is no power of two above 1.
pub fn cell(words: usize, places: usize) -> (Writer, Reader) {
    assert!(places > 1 && places.is_power_of_two(), "{places} places");
    let shared = Arc::new(Shared {
        newest: CachePadded::new(AtomicU64::new(0)),
        words: (0..words * places).map(|_| AtomicU64::new(0)).collect(),
        length: words,
        mask: places as u64 - 1,
    });
    (Writer { shared: Arc::clone(&shared), newest: 0 }, Reader { shared })
}

impl Shared {
    /// The words of a version's place.
    #[inline]
    fn place(&self, version: u64) -> &[AtomicU64] {
        let first = (version & self.mask) as usize * self.length;
        &self.words[first..first + self.length]
    }

    /// Whether the writer may be filling the place of `version`, once `newest` is known to be complete.
    fn gives_way(&self, version: u64, newest: u64) -> bool {
        newest.wrapping_sub(version) >= self.mask
    }
}

impl Writer {
    /// Starts a version. Every word must be written: a word left out keeps what it was as many versions ago as there are
    /// places.
    pub fn begin(&mut self) -> Publication<'_> {
        // Pairs with the fence in `Reader::read`: whoever sees a word stored after this fence also sees that
        // version `newest`, stored before it, has come, after which the one that stood in this place is not read.
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
        self.writer.shared.place(self.writer.newest.wrapping_add(1))
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
    /// At most [`LATEST_READ_ATTEMPTS`] attempts; each fails only where as many versions as there are places, less one,
    /// were completed during it. `None` after that: the reader was held up at each of them, and what `words` holds is
    /// of no one version.
    pub fn read(&self, words: &mut [u64]) -> Option<u64> {
        for _ in 0..LATEST_READ_ATTEMPTS {
            let version = self.version();
            if self.copy(version, words) {
                return Some(version);
            }
        }
        None
    }

    /// Copies this version (up to the length of `words`), if it is still there.
    pub fn read_version(&self, version: u64, words: &mut [u64]) -> Reading {
        let newest = self.version();
        if version > newest {
            Reading::NotYet
        } else if self.shared.gives_way(version, newest) || !self.copy(version, words) {
            Reading::Overwritten
        } else {
            Reading::Whole
        }
    }

    /// Whether the words of a version that has been published were copied before they were overwritten.
    fn copy(&self, version: u64, words: &mut [u64]) -> bool {
        for (word, place) in words.iter_mut().zip(self.shared.place(version)) {
            *word = place.load(Ordering::Relaxed);
        }
        // Pairs with the fence in `Writer::begin`.
        fence(Ordering::Acquire);
        !self.shared.gives_way(version, self.shared.newest.load(Ordering::Relaxed))
    }

    /// The number of the newest version: one more a publication.
    pub fn version(&self) -> u64 {
        // Pairs with the store in `Publication::commit`.
        self.shared.newest.load(Ordering::Acquire)
    }
}
