//! What has befallen a wire since the start, for who watches it; written by the cycle, read by whoever likes to.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::frame::WireState;

/// The figures of one wire. They are told one by one: nothing hangs on their being of one instant.
#[derive(Debug, Default)]
pub struct WireFigures {
    state: AtomicU8,
    warnings: AtomicU64,
    passives: AtomicU64,
    bus_offs: AtomicU64,
    refused: AtomicU64,
}

impl WireFigures {
    /// How the controller stands to its wire.
    pub fn state(&self) -> WireState {
        let number = self.state.load(Ordering::Relaxed);
        WireState::ALL.into_iter().find(|state| *state as u8 == number).unwrap_or_default()
    }

    /// How often it went into a state; never for [`WireState::Active`], in which it begins.
    pub fn times(&self, state: WireState) -> u64 {
        self.counter(state).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }

    /// Frames that were not sent because the interface's queue was full.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn counter(&self, state: WireState) -> Option<&AtomicU64> {
        match state {
            WireState::Active => None,
            WireState::Warning => Some(&self.warnings),
            WireState::Passive => Some(&self.passives),
            WireState::BusOff => Some(&self.bus_offs),
        }
    }

    /// The controller is in another state than before.
    pub(super) fn set_state(&self, state: WireState) {
        self.state.store(state as u8, Ordering::Relaxed);
        if let Some(counter) = self.counter(state) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A frame was not sent.
    pub(super) fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
