//! The events of earlier lives, as they were found at the start.

use serde_json::{Map, Value};

/// An event of an earlier life.
#[derive(Clone, Debug, PartialEq)]
pub struct PastEvent {
    /// Its number.
    pub sequence: u64,
    /// As [`super::record`] made it.
    pub record: Map<String, Value>,
}

/// The events of earlier lives; never changes while the daemon runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    events: Vec<PastEvent>,
}

impl History {
    /// Of events whose numbers rise.
    pub(super) fn new(events: Vec<PastEvent>) -> History {
        History { events }
    }

    /// At most `max` events after the sequence number `after`.
    pub fn read(&self, after: u64, max: usize) -> &[PastEvent] {
        let first = self.events.partition_point(|event| event.sequence <= after);
        let rest = &self.events[first..];
        &rest[..rest.len().min(max)]
    }

    /// The newest sequence number; 0 where there is none.
    pub fn last(&self) -> u64 {
        self.events.last().map_or(0, |event| event.sequence)
    }
}
