//! Time as the cycle sees it: a reading and an absolute sleep, real or virtual.
//!
//! Nothing in the core asks the system for the time; whoever runs it hands in a clock, so that every test of it
//! runs on [`VirtualClock`], sleeps nowhere and asserts nothing about wall time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::time::{ClockId, ClockNanosleepFlags, clock_gettime, clock_nanosleep};

use crate::limits::SLEEP_RETRIES;

const NS_PER_S: u64 = 1_000_000_000;

/// Where the cycle's time comes from.
pub trait Clock: Send {
    /// The present, nanoseconds since an arbitrary start; never goes back.
    fn now_ns(&self) -> u64;

    /// Waits for an instant; returns at once when it has passed. May return late, as any sleep.
    fn sleep_until(&mut self, deadline_ns: u64);
}

/// `CLOCK_MONOTONIC`, with absolute `clock_nanosleep`.
#[derive(Clone, Debug, Default)]
pub struct MonotonicClock {
    spin_ns: u64,
}

impl MonotonicClock {
    /// A clock that sleeps to its deadlines.
    pub fn new() -> MonotonicClock {
        MonotonicClock::default()
    }

    /// A clock that wakes `spin_ns` early and then spins on the clock: less wake-up latency for a CPU that is never
    /// idle. Off (0) unless configured; bounded by the sleep's own lateness and `spin_ns`.
    pub fn with_final_spin(spin_ns: u64) -> MonotonicClock {
        MonotonicClock { spin_ns }
    }
}

impl Clock for MonotonicClock {
    #[inline]
    fn now_ns(&self) -> u64 {
        // A vDSO read. It fails only for a clock that does not exist, and this one always does.
        clock_gettime(ClockId::CLOCK_MONOTONIC)
            .map_or(0, |time| time.tv_sec() as u64 * NS_PER_S + time.tv_nsec() as u64)
    }

    fn sleep_until(&mut self, deadline_ns: u64) {
        let wake_ns = deadline_ns.saturating_sub(self.spin_ns);
        let request = TimeSpec::new((wake_ns / NS_PER_S) as i64, (wake_ns % NS_PER_S) as i64);
        // An absolute sleep is taken up again where it was interrupted. The real-time thread blocks every signal, so
        // an interruption is a debugger's; after SLEEP_RETRIES of them the cycle runs early rather than loop here.
        for _ in 0..SLEEP_RETRIES {
            match clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &request) {
                Err(Errno::EINTR) => continue,
                _ => break,
            }
        }
        if self.spin_ns > 0 {
            while self.now_ns() < deadline_ns {
                std::hint::spin_loop();
            }
        }
    }
}

/// A clock that moves only when it is told to. Clones share one time, so that a test's body can let a cycle take time.
#[derive(Clone, Debug, Default)]
pub struct VirtualClock {
    now_ns: Arc<AtomicU64>,
    lateness_ns: VecDeque<u64>,
}

impl VirtualClock {
    /// A clock that stands at `now_ns` and wakes exactly on its deadlines.
    pub fn new(now_ns: u64) -> VirtualClock {
        VirtualClock { now_ns: Arc::new(AtomicU64::new(now_ns)), lateness_ns: VecDeque::new() }
    }

    /// The same, but its first sleeps wake late by these times, one each.
    pub fn late_by(now_ns: u64, lateness_ns: impl IntoIterator<Item = u64>) -> VirtualClock {
        VirtualClock { lateness_ns: lateness_ns.into_iter().collect(), ..VirtualClock::new(now_ns) }
    }

    /// Lets time pass.
    pub fn advance(&self, by_ns: u64) {
        self.now_ns.fetch_add(by_ns, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now_ns(&self) -> u64 {
        self.now_ns.load(Ordering::Relaxed)
    }

    fn sleep_until(&mut self, deadline_ns: u64) {
        let late_ns = self.lateness_ns.pop_front().unwrap_or(0);
        self.now_ns.fetch_max(deadline_ns.saturating_add(late_ns), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_moves_only_when_told() {
        let mut clock = VirtualClock::late_by(100, [7]);
        assert_eq!(clock.now_ns(), 100);
        clock.sleep_until(200);
        assert_eq!(clock.now_ns(), 207, "the first sleep is scripted to be late");
        clock.sleep_until(300);
        assert_eq!(clock.now_ns(), 300);
        clock.sleep_until(250);
        assert_eq!(clock.now_ns(), 300, "a deadline in the past returns at once");
        clock.clone().advance(5);
        assert_eq!(clock.now_ns(), 305, "clones share the time");
    }

    #[test]
    fn the_monotonic_clock_never_wakes_before_its_deadline() {
        for mut clock in [MonotonicClock::new(), MonotonicClock::with_final_spin(50_000)] {
            let deadline_ns = clock.now_ns() + 300_000;
            clock.sleep_until(deadline_ns);
            assert!(clock.now_ns() >= deadline_ns);
            clock.sleep_until(0);
        }
    }
}
