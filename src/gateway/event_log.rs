//! What happened, in order: a bounded log that any number of readers follow by sequence number.

use std::collections::VecDeque;

use crate::exchange::event::Event;

/// An event with its place in the log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoggedEvent {
    /// Rises by one an event; the first of all is 1, that of a later life follows those of the lives before.
    pub sequence: u64,
    /// What happened.
    pub event: Event,
}

/// The newest events. A reader keeps its own cursor: none takes an event from another.
pub(super) struct EventLog {
    events: VecDeque<Event>,
    capacity: usize,
    last: u64,
}

impl EventLog {
    pub(super) fn new(capacity: usize) -> EventLog {
        EventLog { events: VecDeque::with_capacity(capacity), capacity, last: 0 }
    }

    /// An empty log that goes on after this sequence number.
    pub(super) fn after(last: u64, capacity: usize) -> EventLog {
        EventLog { last, ..EventLog::new(capacity) }
    }

    /// Adds an event; the oldest gives way.
    pub(super) fn append(&mut self, event: Event) {
        if self.events.len() == self.capacity {
            self.events.pop_front();
        }
        self.events.push_back(event);
        self.last += 1;
    }

    /// At most `max` events after the sequence number `after`. The first has a higher one than `after + 1` where
    /// events in between have given way.
    pub(super) fn read(&self, after: u64, max: usize) -> Vec<LoggedEvent> {
        let first = self.last + 1 - self.events.len() as u64;
        let from = after.saturating_add(1).max(first);
        let place = usize::try_from(from - first).unwrap_or(usize::MAX).min(self.events.len());
        let events = self.events.range(place..).take(max);
        events.zip(from..).map(|(event, sequence)| LoggedEvent { sequence, event: *event }).collect()
    }

    /// The newest sequence number; 0 before the first event.
    pub(super) fn last(&self) -> u64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::event::EventKind;

    fn event(cycle: u64) -> Event {
        Event { cycle, time_ns: 0, kind: EventKind::Overrun { skipped: 1 } }
    }

    fn sequences(events: &[LoggedEvent]) -> Vec<u64> {
        assert!(events.iter().all(|logged| logged.event.cycle == logged.sequence * 10));
        events.iter().map(|logged| logged.sequence).collect()
    }

    #[test]
    fn readers_follow_by_cursor_and_the_oldest_gives_way() {
        let mut log = EventLog::new(4);
        assert_eq!(log.read(0, 10), []);
        for number in 1..=3 {
            log.append(event(number * 10));
        }
        assert_eq!(sequences(&log.read(0, 10)), [1, 2, 3]);
        assert_eq!(sequences(&log.read(1, 1)), [2]);
        assert_eq!(log.read(3, 10), []);
        for number in 4..=6 {
            log.append(event(number * 10));
        }
        assert_eq!(sequences(&log.read(0, 10)), [3, 4, 5, 6], "1 and 2 gave way");
        assert_eq!(sequences(&log.read(5, 10)), [6]);
        for after in [6, 7, u64::MAX] {
            assert_eq!(log.read(after, 10), [], "after {after}");
        }
        assert_eq!(log.last(), 6);
    }
}
