//! Preallocated slots for what does not fit a command: the targets of group moves, the figures of an axis. They are
//! addressed by index and generation.
//!
//! ```text
//! free (even generation) ── claim ► claimed (odd generation) ── take, or withdraw ► free (the next even one)
//! ```
//!
//! The gateway claims and fills a slot, the cycle copies it out and frees it in one step. Nothing crosses as a
//! pointer: a slot whose claimer died is found again by its address and withdrawn, and an address whose
//! generation has passed opens nothing.

use super::sync::{Arc, AtomicU32, AtomicU64, Ordering};

/// The address of a claimed slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotAddress {
    /// Its place in the pool.
    pub index: u32,
    /// Its generation when it was claimed.
    pub generation: u32,
}

struct Slot<const N: usize> {
    /// Even: free. Odd: claimed. Rises by one a change.
    generation: AtomicU32,
    values: [AtomicU64; N],
}

type Slots<const N: usize> = Arc<Vec<Slot<N>>>;

/// The end that claims slots of `N` values.
pub struct SlotClaimer<const N: usize> {
    slots: Slots<N>,
    next: usize,
}

/// The end that empties slots.
pub struct SlotTaker<const N: usize> {
    slots: Slots<N>,
}

/// A pool of `slots` slots of `N` values each, all free.
pub fn pool<const N: usize>(slots: usize) -> (SlotClaimer<N>, SlotTaker<N>) {
    let slot = |_| Slot { generation: AtomicU32::new(0), values: std::array::from_fn(|_| AtomicU64::new(0)) };
    let slots: Slots<N> = Arc::new((0..slots).map(slot).collect());
    (SlotClaimer { slots: Arc::clone(&slots), next: 0 }, SlotTaker { slots })
}

impl<const N: usize> SlotClaimer<N> {
    /// Fills a free slot with `values` (what they leave out is 0); `None` when all are claimed.
    pub fn claim(&mut self, values: &[f64]) -> Option<SlotAddress> {
        let count = self.slots.len();
        for offset in 0..count {
            let index = (self.next + offset) % count;
            let slot = &self.slots[index];
            // Pairs with the exchange in `free`: the taker is done with the values.
            let generation = slot.generation.load(Ordering::Acquire);
            if generation & 1 == 1 {
                continue;
            }
            for (place, value) in slot.values.iter().enumerate() {
                value.store(values.get(place).copied().unwrap_or(0.0).to_bits(), Ordering::Relaxed);
            }
            let generation = generation.wrapping_add(1);
            // Pairs with the load in `take`: the values are there before the slot is claimed. Nobody else
            // changes a free slot, so a store is enough.
            slot.generation.store(generation, Ordering::Release);
            self.next = (index + 1) % count;
            return Some(SlotAddress { index: index as u32, generation });
        }
        None
    }

    /// Takes a claim back; `false` where the slot has been taken (or withdrawn) before.
    pub fn withdraw(&mut self, address: SlotAddress) -> bool {
        free(&self.slots, address)
    }

    /// Withdraws every claimed slot for which `keep` says no: after a claimer died between claiming and
    /// remembering. Returns how many.
    pub fn reclaim(&mut self, mut keep: impl FnMut(SlotAddress) -> bool) -> usize {
        let mut reclaimed = 0;
        for index in 0..self.slots.len() {
            let generation = self.slots[index].generation.load(Ordering::Relaxed);
            let address = SlotAddress { index: index as u32, generation };
            if generation & 1 == 1 && !keep(address) && free(&self.slots, address) {
                reclaimed += 1;
            }
        }
        reclaimed
    }

    /// Slots that can be claimed.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Slots that are claimed.
    pub fn claimed(&self) -> usize {
        self.slots.iter().filter(|slot| slot.generation.load(Ordering::Relaxed) & 1 == 1).count()
    }
}

impl<const N: usize> SlotTaker<N> {
    /// Copies the values out and frees the slot; `None` where the address is stale or was never given out.
    pub fn take(&mut self, address: SlotAddress) -> Option<[f64; N]> {
        let slot = self.slots.get(address.index as usize)?;
        // Pairs with the store in `claim`.
        if slot.generation.load(Ordering::Acquire) != address.generation {
            return None;
        }
        let values = std::array::from_fn(|place| f64::from_bits(slot.values[place].load(Ordering::Relaxed)));
        // Where the claimer withdrew the slot meanwhile, the copy is of no use and goes away here.
        free(&self.slots, address).then_some(values)
    }
}

/// One attempt, no loop: who frees a slot is decided by this exchange.
fn free<const N: usize>(slots: &[Slot<N>], address: SlotAddress) -> bool {
    let Some(slot) = slots.get(address.index as usize) else { return false };
    let SlotAddress { generation, .. } = address;
    // Release pairs with the load in `claim`: the values were read before they are written again.
    generation & 1 == 1
        && slot
            .generation
            .compare_exchange(generation, generation.wrapping_add(1), Ordering::Release, Ordering::Relaxed)
            .is_ok()
}
