//! A wait-free bounded ring from one sender to one receiver.
//!
//! Neither end ever waits for, or spins on, the other: each operation is a fixed handful of instructions. A
//! multi-producer queue would not do: a sender that is preempted half-way through blocks a receiver of higher
//! priority on the same CPU (`tests/priority_inversion.rs` shows a second of it).
//!
//! An item is in the ring or it is not: an operation cannot panic half-way, so the ends can be used again after
//! their thread's panic. [`Receiver::peek`] and [`Receiver::advance`] let a receiver finish with an item before
//! it leaves the ring.
#![allow(unsafe_code)]

use super::sync::{Arc, AtomicUsize, Ordering, SharedCell};
use crossbeam::utils::CachePadded;
use std::fmt;
use std::mem::MaybeUninit;

/// The ring had no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// Items that wait.
    pub depth: usize,
    /// Items that can wait.
    pub capacity: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "queue is full: {} of {} places taken", self.depth, self.capacity)
    }
}

impl std::error::Error for Full {}

struct Shared<T> {
    /// Items received so far. Stored by the receiver (Release), loaded by the sender (Acquire): a place is
    /// written again only after the receiver has read it.
    head: CachePadded<AtomicUsize>,
    /// Items sent so far. Stored by the sender (Release), loaded by the receiver (Acquire): a place is read
    /// only after the sender has written it.
    tail: CachePadded<AtomicUsize>,
    /// The places; their number is a power of two.
    places: Box<[SharedCell<MaybeUninit<T>>]>,
}

// Safety: a place is touched by the sender alone while `head + capacity > index >= tail`, and by the receiver
// alone while `tail > index >= head`; the pairs of `head` and `tail` above order the change of hands. There
// is one sender and one receiver (neither is Clone, both need `&mut self`). Items are `Copy`: nothing is dropped.
unsafe impl<T: Send> Sync for Shared<T> {}
// Safety: nothing in it belongs to a thread; see above.
unsafe impl<T: Send> Send for Shared<T> {}

/// The end that puts items in.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
    tail: usize,
    /// `head` when last looked at: the cache line is fetched again only when the ring seems full.
    head_seen: usize,
}

/// The end that takes items out.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    head: usize,
    /// `tail` when last looked at: the cache line is fetched again only when the ring seems empty.
    tail_seen: usize,
}

/// A ring with `capacity` places.
///
/// # Panics
/// Unless `capacity` is a power of two.
pub fn channel<T: Copy + Send>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity.is_power_of_two(), "the capacity of a ring is a power of two, not {capacity}");
    let shared = Arc::new(Shared {
        head: CachePadded::new(AtomicUsize::new(0)),
        tail: CachePadded::new(AtomicUsize::new(0)),
        places: (0..capacity).map(|_| SharedCell::new(MaybeUninit::uninit())).collect(),
    });
    (Sender { shared: Arc::clone(&shared), tail: 0, head_seen: 0 }, Receiver { shared, head: 0, tail_seen: 0 })
}

impl<T: Copy + Send> Sender<T> {
    /// Puts an item in, or says how full the ring is.
    pub fn send(&mut self, item: T) -> Result<(), Full> {
        let capacity = self.shared.places.len();
        if self.tail.wrapping_sub(self.head_seen) == capacity {
            // Pairs with the store in `Receiver::advance`.
            self.head_seen = self.shared.head.load(Ordering::Acquire);
            let depth = self.tail.wrapping_sub(self.head_seen);
            if depth == capacity {
                return Err(Full { depth, capacity });
            }
        }
        self.shared.places[self.tail & (capacity - 1)].with_mut(|place| {
            // Safety: `tail - head < capacity`, so the receiver is done with this place (Acquire above, now or
            // earlier) and will not look at it before the store of `tail` below.
            unsafe { (*place).write(item) };
        });
        self.tail = self.tail.wrapping_add(1);
        // Pairs with the load in `Receiver::peek`.
        self.shared.tail.store(self.tail, Ordering::Release);
        Ok(())
    }

    /// Items that wait, as last known to the receiver or fewer.
    pub fn depth(&self) -> usize {
        self.tail.wrapping_sub(self.shared.head.load(Ordering::Acquire))
    }

    /// Items that can wait.
    pub fn capacity(&self) -> usize {
        self.shared.places.len()
    }
}

impl<T: Copy + Send> Receiver<T> {
    /// The oldest item, which stays in the ring until [`Receiver::advance`].
    pub fn peek(&mut self) -> Option<T> {
        if self.head == self.tail_seen {
            // Pairs with the store in `Sender::send`.
            self.tail_seen = self.shared.tail.load(Ordering::Acquire);
            if self.head == self.tail_seen {
                return None;
            }
        }
        let capacity = self.shared.places.len();
        Some(self.shared.places[self.head & (capacity - 1)].with(|place| {
            // Safety: `head < tail`, so the sender has written this place (Acquire above, now or earlier) and
            // will not touch it before the store of `head` in `advance`. `T` is `Copy`.
            unsafe { (*place).assume_init() }
        }))
    }

    /// Takes the item that [`Receiver::peek`] showed out of the ring; does nothing where it showed none.
    pub fn advance(&mut self) {
        if self.head != self.tail_seen {
            self.head = self.head.wrapping_add(1);
            // Pairs with the load in `Sender::send`.
            self.shared.head.store(self.head, Ordering::Release);
        }
    }

    /// Takes the oldest item out.
    pub fn receive(&mut self) -> Option<T> {
        let item = self.peek()?;
        self.advance();
        Some(item)
    }

    /// Items that wait, or more by those that were sent since.
    pub fn depth(&self) -> usize {
        self.shared.tail.load(Ordering::Acquire).wrapping_sub(self.head)
    }

    /// Items that can wait.
    pub fn capacity(&self) -> usize {
        self.shared.places.len()
    }
}
