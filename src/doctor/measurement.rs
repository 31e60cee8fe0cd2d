//! Wake-ups of a real cyclic thread that does nothing else, and whether they fit the period.

use nix::time::{ClockId, clock_getres};
use serde::Serialize;

use super::ethtool::nic_facts;
use super::examination::Trial;
use super::finding::{Finding, Verdict};
use super::host::Host;
use super::smi;
use super::subject::Subject;
use crate::cycle::clock::{Clock, MonotonicClock};
use crate::cycle::memory::{self, MemoryPlan};
use crate::cycle::preparation::Provision;
use crate::cycle::rt_watch;
use crate::cycle::run::{CycleBody, Fallback, Stepped};
use crate::cycle::schedule::{SchedulePlan, Wake};
use crate::cycle::thread::{StartError, ThreadPlan, spawn};
use crate::cycle::timing::timing;
use crate::exchange::histogram::{Recorder, histogram};

/// Latency that the cycle's other work leaves room for: one part in this many of the period.
const COMFORTABLE_PART: u64 = 5;
/// Wake-ups below which the tail of a measurement says little.
const FEW_WAKE_UPS: u64 = 10_000;

/// What was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Wake-ups.
    pub wake_ups: u64,
    /// Half of them came at most this late, nanoseconds.
    pub p50_ns: u64,
    /// 99 % of them.
    pub p99_ns: u64,
    /// 99.9 % of them.
    pub p99_9_ns: u64,
    /// All of them.
    pub max_ns: u64,
    /// Periods that the measurement spans.
    pub periods: u64,
    /// Those of them in which the cycle could not run: it woke after half of the period had gone.
    pub skipped: u64,
    /// Page faults of the thread meanwhile; absent where /proc does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page_faults: Option<u64>,
    /// How often the CPU was taken from the thread meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemptions: Option<u64>,
    /// Whether the thread was under SCHED_FIFO.
    pub realtime: bool,
}

/// Notes how late each sleep ended, those that the schedule skips included.
struct NotingClock {
    clock: MonotonicClock,
    latency: Recorder,
}

impl Clock for NotingClock {
    fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    fn sleep_until(&mut self, deadline_ns: u64) {
        self.clock.sleep_until(deadline_ns);
        self.latency.record(self.clock.now_ns().saturating_sub(deadline_ns));
    }
}

/// A cycle without work, for a time.
struct Idle {
    duration_ns: u64,
    first_ns: Option<u64>,
}

impl CycleBody for Idle {
    fn step(&mut self, wake: &Wake, _: &dyn Clock) -> Stepped {
        let first_ns = *self.first_ns.get_or_insert(wake.deadline_ns);
        let leave = wake.shutdown || wake.deadline_ns.saturating_sub(first_ns) >= self.duration_ns;
        Stepped { leave, bus_late_ns: 0, shift_ns: 0 }
    }

    fn fallback_step(&mut self, _: &Wake) -> Fallback {
        Fallback::Standstill
    }
}

/// Prepares the process as the daemon does, tries every right, and measures for `seconds`; with 0 of them the rights are
/// tried and nothing is measured. To be called on the main thread before any other exists.
///
/// # Errors
/// Where the system gives no thread.
pub(super) fn measure(subject: &Subject, host: &Host, seconds: u64) -> Result<(Trial, Option<Measured>), StartError> {
    let process =
        memory::prepare(&MemoryPlan { lock: subject.lock_memory, heap_reserve_bytes: subject.heap_reserve_bytes });
    let (latency, latencies) = histogram();
    let (recorder, timing) = timing();
    let body = Idle { duration_ns: seconds * 1_000_000_000, first_ns: None };
    let plan = ThreadPlan {
        schedule: SchedulePlan::with_period(subject.period_ns),
        priority: subject.priority,
        cpu: subject.cpu,
        hold_cpu_latency: subject.hold_cpu_latency,
        ..ThreadPlan::with_period(subject.period_ns)
    };
    let clock = NotingClock { clock: MonotonicClock::with_final_spin(subject.spin_ns), latency };
    let thread = spawn(plan, process, clock, body, recorder)?;
    let tid = thread.status().tid();
    let preparation = thread.preparation().clone();
    // The thread's own files go with it, so they are read while it still runs, in the last moments that are sure.
    let before = rt_watch::read(tid).ok();
    // Each reaches every CPU.
    let smis = || smi::count(host, subject.cpu.unwrap_or(0));
    let smis_before = smis();
    let almost = std::time::Duration::from_nanos((seconds * 1_000_000_000).saturating_sub(2 * subject.period_ns));
    std::thread::sleep(almost);
    let smis = smi::between(smis_before, smis());
    let after = rt_watch::read(tid).ok();
    thread.join();

    let distribution = latencies.distribution();
    let at = |share| distribution.quantile(share).unwrap_or(0);
    let usage = before.zip(after);
    let measured = Measured {
        wake_ups: distribution.count(),
        p50_ns: at(0.5),
        p99_ns: at(0.99),
        p99_9_ns: at(0.999),
        max_ns: distribution.max_ns().unwrap_or(0),
        periods: timing.cycles().saturating_add(timing.skipped()),
        skipped: timing.skipped(),
        page_faults: usage.map(|(before, after)| {
            (after.minor_faults + after.major_faults).saturating_sub(before.minor_faults + before.major_faults)
        }),
        preemptions: usage
            .map(|(before, after)| after.involuntary_switches.saturating_sub(before.involuntary_switches)),
        realtime: !preparation.lacks(Provision::Scheduling),
    };
    let resolution = clock_getres(ClockId::CLOCK_MONOTONIC).ok();
    let trial = Trial {
        preparation,
        clock_resolution_ns: resolution.map(|time| time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64),
        nics: subject.interfaces.iter().map(|interface| nic_facts(interface)).collect(),
        smis: (seconds > 0).then_some(smis),
    };
    Ok((trial, (seconds > 0).then_some(measured)))
}

/// Whether what was measured fits a period: bad as soon as one period was skipped, a warning where the latest wake-up
/// took more than a fifth of it, or where the thread was not real-time and so nothing is promised.
pub fn judge(period_ns: u64, measured: &Measured) -> Finding {
    let finding = |verdict, found, hint| Finding {
        check: "wake-up",
        verdict,
        found,
        wanted: "no wake-up later than a fifth of the period",
        hint,
    };
    let period = microseconds(period_ns);
    let latest = microseconds(measured.max_ns);
    let hint = |hint: &str| Some(hint.to_string());
    if measured.wake_ups == 0 {
        return finding(Verdict::Unknown, "no wake-up was measured".into(), hint("measure for longer (--seconds)"));
    }
    let mend = "mend what else is found, the worst first, and measure again; or choose a longer period";
    if measured.skipped > 0 {
        let found =
            format!("{} of {} periods of {period} skipped, latest {latest}", measured.skipped, measured.periods);
        return finding(Verdict::Bad, found, hint(mend));
    }
    if measured.max_ns > period_ns / 2 {
        return finding(Verdict::Bad, format!("latest {latest}, beyond half of {period}"), hint(mend));
    }
    if measured.max_ns > period_ns / COMFORTABLE_PART {
        return finding(Verdict::Warn, format!("latest {latest}, more than a fifth of {period}"), hint(mend));
    }
    let found = format!("latest {latest} in {period}");
    if !measured.realtime {
        let found = format!("{found}, without SCHED_FIFO: a load would change it");
        return finding(Verdict::Warn, found, hint("grant SCHED_FIFO (see scheduling) and measure again"));
    }
    let few = if measured.wake_ups < FEW_WAKE_UPS { "; few wake-ups, measure longer to trust it" } else { "" };
    finding(Verdict::Good, format!("{found}{few}"), None)
}

/// Nanoseconds for people.
pub(super) fn microseconds(ns: u64) -> String {
    if ns.is_multiple_of(1000) { format!("{} µs", ns / 1000) } else { format!("{:.1} µs", ns as f64 / 1000.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Measured = Measured {
        wake_ups: 100_000,
        p50_ns: 4000,
        p99_ns: 9000,
        p99_9_ns: 12_000,
        max_ns: 31_000,
        periods: 100_000,
        skipped: 0,
        page_faults: Some(0),
        preemptions: Some(0),
        realtime: true,
    };

    #[test]
    fn the_period_decides_about_a_latency() {
        for (period_ns, measured, verdict) in [
            (1_000_000, CALM, Verdict::Good),
            (250_000, Measured { max_ns: 50_000, ..CALM }, Verdict::Good),
            (250_000, Measured { max_ns: 50_001, ..CALM }, Verdict::Warn),
            (250_000, Measured { max_ns: 125_001, ..CALM }, Verdict::Bad),
            (1_000_000, Measured { skipped: 1, ..CALM }, Verdict::Bad),
            (1_000_000, Measured { realtime: false, ..CALM }, Verdict::Warn),
            (1_000_000, Measured { realtime: false, skipped: 9, ..CALM }, Verdict::Bad),
            (1_000_000, Measured { wake_ups: 0, ..CALM }, Verdict::Unknown),
        ] {
            let finding = judge(period_ns, &measured);
            assert_eq!(finding.verdict, verdict, "{period_ns} {measured:?}: {}", finding.found);
            assert_eq!(finding.hint.is_some(), verdict != Verdict::Good);
        }
    }

    #[test]
    fn a_clock_that_wakes_late_is_noted_with_how_late() {
        let (latency, latencies) = histogram();
        let mut clock = NotingClock { clock: MonotonicClock::new(), latency };
        // A deadline that has long gone is as late as the clock is old.
        let gone_ns = clock.now_ns() - 5_000_000;
        clock.sleep_until(gone_ns);
        let distribution = latencies.distribution();
        assert_eq!(distribution.count(), 1);
        assert!(distribution.max_ns().unwrap() >= 5_000_000);
    }
}
