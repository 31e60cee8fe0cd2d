//! How well the cycle kept time: histograms and counters that the real-time thread writes and anybody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::schedule::{OverrunCause, Wake};
use crate::exchange::histogram::{Histogram, Recorder, histogram};

#[derive(Default)]
struct Counters {
    cycles: AtomicU64,
    skipped: AtomicU64,
    overruns: [AtomicU64; OverrunCause::ALL.len()],
}

/// The end that the real-time thread writes.
pub struct TimingRecorder {
    wake_up: Recorder,
    execution: Recorder,
    period: Recorder,
    counters: Arc<Counters>,
    last_woke_ns: Option<u64>,
}

/// An end that reads, at any time and from any thread.
#[derive(Clone)]
pub struct Timing {
    /// From a cycle's deadline to its start, nanoseconds.
    pub wake_up: Histogram,
    /// From a cycle's start to its end, the bus's waiting included, nanoseconds.
    pub execution: Histogram,
    /// From start to start of cycles that follow each other, nanoseconds.
    pub period: Histogram,
    counters: Arc<Counters>,
}

/// Both ends, empty. Allocates.
pub fn timing() -> (TimingRecorder, Timing) {
    let ((wake_up, wake_ups), (execution, executions), (period, periods)) = (histogram(), histogram(), histogram());
    let counters = Arc::new(Counters::default());
    let recorder = TimingRecorder { wake_up, execution, period, counters: Arc::clone(&counters), last_woke_ns: None };
    (recorder, Timing { wake_up: wake_ups, execution: executions, period: periods, counters })
}

/// Only the recorder writes: a load and a store cannot lose a count.
fn add(counter: &AtomicU64, value: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(value), Ordering::Relaxed);
}

impl TimingRecorder {
    /// Counts the start of a cycle.
    #[inline]
    pub fn started(&mut self, wake: &Wake) {
        self.wake_up.record(wake.latency_ns());
        if let Some(last_ns) = self.last_woke_ns.replace(wake.woke_ns) {
            self.period.record(wake.woke_ns.saturating_sub(last_ns));
        }
        if let Some(cause) = wake.cause {
            add(&self.counters.overruns[cause.index()], 1);
            add(&self.counters.skipped, u64::from(wake.skipped));
        }
    }

    /// Counts its end.
    #[inline]
    pub fn ended(&mut self, wake: &Wake, ended_ns: u64) {
        self.execution.record(ended_ns.saturating_sub(wake.woke_ns));
        add(&self.counters.cycles, 1);
    }
}

impl Timing {
    /// Cycles that ran.
    pub fn cycles(&self) -> u64 {
        self.counters.cycles.load(Ordering::Relaxed)
    }

    /// Periods that were skipped.
    pub fn skipped(&self) -> u64 {
        self.counters.skipped.load(Ordering::Relaxed)
    }

    /// Overruns with this cause; one overrun may skip several periods.
    pub fn overruns(&self, cause: OverrunCause) -> u64 {
        self.counters.overruns[cause.index()].load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cycle_counts_once_and_an_overrun_with_its_cause() {
        let (mut recorder, timing) = timing();
        let mut wake = Wake {
            cycle: 0,
            deadline_ns: 1_000_000,
            woke_ns: 1_000_010,
            skipped: 0,
            cause: None,
            skips_in_a_row: 0,
            too_many_skips: false,
            shutdown: false,
        };
        recorder.started(&wake);
        recorder.ended(&wake, 1_000_020);
        wake =
            Wake { deadline_ns: 4_000_000, woke_ns: 4_000_005, skipped: 2, cause: Some(OverrunCause::BusLate), ..wake };
        recorder.started(&wake);
        recorder.ended(&wake, 4_000_105);
        assert_eq!((timing.cycles(), timing.skipped()), (2, 2));
        assert_eq!(OverrunCause::ALL.map(|cause| timing.overruns(cause)), [0, 0, 1]);
        let (wake_up, execution) = (timing.wake_up.distribution(), timing.execution.distribution());
        assert_eq!((wake_up.min_ns(), wake_up.max_ns()), (Some(5), Some(10)));
        assert_eq!((execution.min_ns(), execution.max_ns()), (Some(10), Some(100)));
        assert_eq!(timing.period.distribution().count(), 1);
        assert_eq!(timing.period.distribution().max_ns(), Some(2_999_995));
    }
}
