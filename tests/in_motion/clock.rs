//! A clock that a test holds: the real-time thread sleeps until the test lets it go on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use motiond::cycle::clock::Clock;

/// Nothing takes this long, on however busy a host.
const HANG: Duration = Duration::from_secs(60);

/// How fast time goes once it is let go: a real-time thread that never slept would take the processor from those that
/// are to end it.
const PACE: Duration = Duration::from_micros(200);

/// Copies are of one clock.
#[derive(Clone)]
pub struct HeldClock(Arc<Held>);

struct Held {
    now_ns: AtomicU64,
    gate: Mutex<Gate>,
    changed: Condvar,
}

struct Gate {
    /// Sleeps until here return.
    open_until_ns: u64,
    /// What the thread that sleeps waits for.
    awaited_ns: Option<u64>,
    free: bool,
}

impl HeldClock {
    /// A clock that stands at `now_ns` and lets the first `ahead_ns` pass.
    pub fn new(now_ns: u64, ahead_ns: u64) -> HeldClock {
        let gate = Gate { open_until_ns: now_ns + ahead_ns, awaited_ns: None, free: false };
        HeldClock(Arc::new(Held { now_ns: AtomicU64::new(now_ns), gate: Mutex::new(gate), changed: Condvar::new() }))
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.0.gate.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Lets time pass, and waits until the thread has done what is due in it and sleeps again.
    pub fn advance(&self, by_ns: u64) {
        let mut gate = self.gate();
        gate.open_until_ns += by_ns;
        self.0.changed.notify_all();
        let at_work = |gate: &mut Gate| gate.awaited_ns.is_none_or(|awaited_ns| awaited_ns <= gate.open_until_ns);
        let waited = self.0.changed.wait_timeout_while(gate, HANG, at_work).unwrap().1;
        assert!(!waited.timed_out(), "the real-time thread does not come back to sleep");
    }

    /// Lets all time pass, a period in each [`PACE`].
    pub fn let_go(&self) {
        self.gate().free = true;
        self.0.changed.notify_all();
    }
}

impl Clock for HeldClock {
    fn now_ns(&self) -> u64 {
        self.0.now_ns.load(Ordering::Relaxed)
    }

    fn sleep_until(&mut self, deadline_ns: u64) {
        let mut gate = self.gate();
        while deadline_ns > gate.open_until_ns && !gate.free {
            gate.awaited_ns = Some(deadline_ns);
            self.0.changed.notify_all();
            gate = self.0.changed.wait(gate).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        gate.awaited_ns = None;
        let free = gate.free;
        drop(gate);
        if free {
            std::thread::sleep(PACE);
        }
        self.0.now_ns.fetch_max(deadline_ns, Ordering::Relaxed);
    }
}
