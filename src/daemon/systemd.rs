//! What the daemon tells systemd: ready, stopping, alive.
//!
//! The watchdog is pinged by an ordinary thread, and only while everything that must go on goes on: the cycle's
//! heartbeat, the supervisor's, and whatever else is handed in. A cycle that is in its fallback, or a machine that was
//! stopped because a service is lost, gets no more pings, and systemd restarts the daemon.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

use crate::service::Life;

/// Pings within one watchdog time: two may be late or lost.
const PINGS_PER_TIMEOUT: u32 = 3;
/// Longest sleep between two looks at whether to end.
const LOOK_MS: u64 = 50;

/// The daemon runs: buses are scanned, or it runs degraded. `status` is a line for `systemctl status`.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The daemon has begun to end.
pub fn stopping(status: &str) {
    tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

fn tell(state: &[NotifyState<'_>]) {
    // Without systemd this does nothing. A manager that cannot be reached acts on its own time-outs.
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "systemd cannot be told");
    }
}

/// How often systemd wants to hear from this process; `None` without a watchdog.
pub fn watchdog_timeout() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}

/// Remembers counters that must rise from ping to ping.
#[derive(Debug, Default)]
pub struct Vitals {
    last: Vec<u64>,
}

impl Vitals {
    /// Whether each counter has changed since the last look. The first look only remembers, and is a yes: whoever
    /// starts the watchdog has just seen the cycle run.
    pub fn advanced(&mut self, counters: &[u64]) -> bool {
        let first = self.last.is_empty();
        let advanced = first || self.last.iter().zip(counters).all(|(last, now)| last != now);
        self.last.clear();
        self.last.extend_from_slice(counters);
        advanced
    }
}

/// The body of the watchdog's service: pings while `counters` advance and `healthy` holds. One look without either
/// brings no ping, and pings go on when they recover in time.
pub fn watchdog(life: &Life, timeout: Duration, counters: impl Fn() -> Vec<u64>, healthy: impl Fn() -> bool) {
    let interval = timeout / PINGS_PER_TIMEOUT;
    let looks = (interval.as_millis() as u64).div_ceil(LOOK_MS).max(1);
    let mut vitals = Vitals::default();
    while !life.stopping() {
        if vitals.advanced(&counters()) && healthy() {
            tell(&[NotifyState::Watchdog]);
        }
        // Bounded by the watchdog's own time, in slices so that the end of the daemon does not wait for it.
        for _ in 0..looks {
            if life.stopping() {
                return;
            }
            life.beat.tick();
            std::thread::sleep(interval / looks as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_needs_every_counter_to_have_moved() {
        let mut vitals = Vitals::default();
        assert!(vitals.advanced(&[10, 5]));
        assert!(vitals.advanced(&[11, 6]));
        assert!(!vitals.advanced(&[12, 6]), "the second stands still");
        assert!(!vitals.advanced(&[12, 7]), "the first stands still");
        assert!(vitals.advanced(&[13, 8]), "both go on");
    }
}
