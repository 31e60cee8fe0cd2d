//! Failures on purpose, planted by tests and by the test-only command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

/// Where a service can be made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Place {
    /// In its loop: where it has a runtime, that ends with it, and every task in it.
    Loop = 1,
    /// In a `Drop`.
    Drop = 2,
    /// With a request taken from its queue, but not yet passed on.
    Taken = 3,
    /// With a request passed on, but not yet noted as such.
    Passed = 4,
    /// With a report seen, but not yet dealt with.
    Reporting = 5,
    /// With a report dealt with, but not yet taken from its ring.
    Reported = 6,
    /// With a slot claimed, but not yet noted.
    Claimed = 7,
    /// In the task of one client, which alone ends.
    Task = 8,
}

impl Place {
    /// Every place.
    pub const ALL: [Place; 8] = [
        Place::Loop,
        Place::Drop,
        Place::Taken,
        Place::Passed,
        Place::Reporting,
        Place::Reported,
        Place::Claimed,
        Place::Task,
    ];

    /// Its name for the test-only command.
    pub fn name(self) -> &'static str {
        match self {
            Place::Loop => "loop",
            Place::Drop => "drop",
            Place::Taken => "taken",
            Place::Passed => "passed",
            Place::Reporting => "reporting",
            Place::Reported => "reported",
            Place::Claimed => "claimed",
            Place::Task => "task",
        }
    }

    /// The place of this name.
    pub fn named(name: &str) -> Option<Place> {
        Place::ALL.into_iter().find(|place| place.name() == name)
    }
}

/// At most one failure that waits for its service to come by. Costs one load a place where nothing is planted.
#[derive(Clone, Debug, Default)]
pub struct Sabotage {
    planted: Arc<AtomicU8>,
    hang_ms: Arc<AtomicU64>,
    /// One hangs, and shall.
    hung: Arc<AtomicBool>,
}

impl Sabotage {
    /// Nothing planted.
    pub fn new() -> Sabotage {
        Sabotage::default()
    }

    /// The service panics once, the next time that it comes by.
    pub fn plant_panic(&self, place: Place) {
        self.planted.store(place as u8, Ordering::Release);
    }

    /// The service hangs once, at its next step: its successor does not.
    pub fn plant_hang(&self, milliseconds: u64) {
        self.hang_ms.store(milliseconds, Ordering::Release);
    }

    /// Ends a hang, or takes it back.
    pub fn end_hang(&self) {
        self.hang_ms.store(0, Ordering::Release);
        self.hung.store(false, Ordering::Release);
    }

    /// Whether what was planted has not struck yet, or a hang is not over.
    pub fn is_planted(&self) -> bool {
        self.planted.load(Ordering::Acquire) != 0
            || self.hang_ms.load(Ordering::Acquire) != 0
            || self.hung.load(Ordering::Acquire)
    }

    /// The service comes by.
    ///
    /// # Panics
    /// Where that was planted for this place.
    pub fn pass(&self, place: Place) {
        if place == Place::Loop {
            self.hang();
        }
        if self.planted.load(Ordering::Relaxed) == place as u8 {
            self.planted.store(0, Ordering::Release);
            panic!("planted by a test: {place:?}");
        }
    }

    /// To be dropped: the service comes by in a `Drop`, unless a panic is under way already.
    pub fn dropped(&self) -> impl Drop + '_ {
        PanicsInDrop(self)
    }

    fn hang(&self) {
        if self.hang_ms.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.hung.store(true, Ordering::Release);
        for _ in 0..self.hang_ms.swap(0, Ordering::AcqRel) {
            if !self.hung.load(Ordering::Acquire) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.hung.store(false, Ordering::Release);
    }
}

struct PanicsInDrop<'a>(&'a Sabotage);

impl Drop for PanicsInDrop<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.pass(Place::Drop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planted_panic_strikes_once_and_only_at_its_place() {
        let sabotage = Sabotage::new();
        sabotage.plant_panic(Place::Drop);
        sabotage.pass(Place::Loop);
        assert!(sabotage.is_planted());
        assert!(std::panic::catch_unwind(|| sabotage.pass(Place::Drop)).is_err());
        assert!(!sabotage.is_planted());
        sabotage.pass(Place::Drop);
    }

    #[test]
    fn hang_ends_by_itself() {
        let sabotage = Sabotage::new();
        sabotage.plant_hang(2);
        sabotage.pass(Place::Drop);
        assert!(sabotage.is_planted());
        sabotage.pass(Place::Loop);
        assert!(!sabotage.is_planted());
    }
}
