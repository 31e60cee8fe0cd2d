//! When a failed service is started again, and when it is given up. Pure: time comes in as a number.

use crate::limits::SERVICE_FAILURES;

/// How patiently a service is brought back. Times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RestartPolicy {
    /// Pause before the first restart; each further failure doubles it.
    pub first_pause_ns: u64,
    /// Longest pause.
    pub longest_pause_ns: u64,
    /// Failures within `within_ns` that are borne; one more and the service is lost. At most
    /// `limits::SERVICE_FAILURES - 1`.
    pub failures_borne: usize,
    /// How long a failure is remembered.
    pub within_ns: u64,
    /// A service without progress for this long is treated as dead.
    pub hang_after_ns: u64,
}

impl Default for RestartPolicy {
    /// Back within 50 ms after a single failure; lost after about 8 s of failing at once, or of hanging on to what the
    /// next one needs.
    fn default() -> RestartPolicy {
        RestartPolicy {
            first_pause_ns: 50_000_000,
            longest_pause_ns: 2_000_000_000,
            failures_borne: SERVICE_FAILURES - 1,
            within_ns: 60_000_000_000,
            hang_after_ns: 2_000_000_000,
        }
    }
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is started again then.
    RestartAt(u64),
    /// It cannot be brought back.
    Lost,
}

/// The failures and the progress of one service.
#[derive(Clone, Debug)]
pub struct Record {
    policy: RestartPolicy,
    failures: [Option<u64>; SERVICE_FAILURES],
    next: usize,
    count: u64,
    progress_ns: u64,
}

impl Record {
    /// A service that never failed.
    pub fn new(policy: RestartPolicy) -> Record {
        Record { policy, failures: [None; SERVICE_FAILURES], next: 0, count: 0, progress_ns: 0 }
    }

    /// It begins, its heartbeat at 0.
    pub fn started(&mut self, now_ns: u64) {
        self.count = 0;
        self.progress_ns = now_ns;
    }

    /// Looks at its heartbeat: whether it hangs.
    pub fn hangs(&mut self, count: u64, now_ns: u64) -> bool {
        if count != self.count {
            self.count = count;
            self.progress_ns = now_ns;
        }
        now_ns.saturating_sub(self.progress_ns) > self.policy.hang_after_ns
    }

    /// It failed.
    pub fn failed(&mut self, now_ns: u64) -> Verdict {
        self.failures[self.next] = Some(now_ns);
        self.next = (self.next + 1) % self.failures.len();
        let recent = |failed_ns: &&u64| now_ns.saturating_sub(**failed_ns) <= self.policy.within_ns;
        let failures = self.failures.iter().flatten().filter(recent).count();
        if failures > self.policy.failures_borne {
            return Verdict::Lost;
        }
        let doubled = self.policy.first_pause_ns.saturating_mul(1 << (failures - 1));
        Verdict::RestartAt(now_ns.saturating_add(doubled.min(self.policy.longest_pause_ns)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn the_pause_doubles_up_to_its_longest_and_then_the_service_is_lost() {
        let mut record = Record::new(RestartPolicy::default());
        let (mut now_ns, mut pauses_ms) = (5 * S, Vec::new());
        while let Verdict::RestartAt(at_ns) = record.failed(now_ns) {
            pauses_ms.push((at_ns - now_ns) / 1_000_000);
            now_ns = at_ns;
        }
        assert_eq!(pauses_ms, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn failures_that_are_far_apart_are_forgotten() {
        let mut record = Record::new(RestartPolicy::default());
        for hour in 0..1000 {
            let now_ns = hour * 3600 * S;
            assert_eq!(record.failed(now_ns), Verdict::RestartAt(now_ns + 50_000_000), "hour {hour}");
        }
    }

    #[test]
    fn a_service_hangs_only_when_its_heartbeat_stands_still_for_too_long() {
        let mut record = Record::new(RestartPolicy { hang_after_ns: 2 * S, ..RestartPolicy::default() });
        record.started(10 * S);
        assert!(!record.hangs(0, 12 * S));
        assert!(record.hangs(0, 12 * S + 1));
        assert!(!record.hangs(1, 13 * S), "it woke up");
        assert!(!record.hangs(1, 15 * S));
        assert!(record.hangs(1, 15 * S + 1));
        record.started(20 * S);
        assert!(!record.hangs(0, 21 * S), "a new one starts afresh");
    }
}
