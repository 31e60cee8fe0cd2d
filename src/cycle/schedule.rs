//! When cycles run: absolute deadlines on one grid, and what happens when one is missed.
//!
//! Deadline *k* is `start + k · period`. A cycle that cannot start inside the *start window* behind its deadline does
//! not run at all: its period is skipped, and the next cycle starts on the grid again. So outputs leave at the same
//! phase whatever happened before, and nothing ever runs twice to catch up.
//!
//! Skips *in a row* are the skipped periods since the last cycle that ran with none before it. Past the configured
//! number the cycle is told so ([`Wake::too_many_skips`]) and stops the machine. From then on a late wake-up no longer
//! skips, so that the ramp-down reaches the drives even on a host that wakes late every time.
//!
//! ```text
//!  deadline            window end        next deadline
//!     │── starts here: on time ──│── starts here: skip to ─►│
//! ```

/// What made the cycle miss a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OverrunCause {
    /// The kernel woke the thread too late: look at the host.
    LateWakeUp,
    /// The cycle took too long (or was preempted): look at the load of the cycle and at what else may run on its CPU.
    LongExecution,
    /// A bus handed over its inputs after the receive deadline: look at the bus.
    BusLate,
}

impl OverrunCause {
    /// Every cause, in the order of [`OverrunCause::index`].
    pub const ALL: [OverrunCause; 3] = [OverrunCause::LateWakeUp, OverrunCause::LongExecution, OverrunCause::BusLate];

    /// Its name, as in logs and as metric label.
    pub fn name(self) -> &'static str {
        match self {
            OverrunCause::LateWakeUp => "late-wake-up",
            OverrunCause::LongExecution => "long-execution",
            OverrunCause::BusLate => "bus-late",
        }
    }

    /// Its place in arrays of causes.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// What the schedule is made of. All times in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchedulePlan {
    /// Distance of two deadlines; `limits::MIN_PERIOD_NS ..= MAX_PERIOD_NS`.
    pub period_ns: u64,
    /// How long after its deadline a cycle may still start; less than the period.
    pub start_window_ns: u64,
    /// Skips in a row that the machine runs through; one more stops it.
    pub max_skips: u32,
}

impl SchedulePlan {
    /// The plan for a period: a start window of half of it, and `limits::DEFAULT_MAX_SKIPS`.
    pub fn with_period(period_ns: u64) -> SchedulePlan {
        SchedulePlan { period_ns, start_window_ns: period_ns / 2, max_skips: crate::limits::DEFAULT_MAX_SKIPS }
    }
}

/// Why and when a cycle runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// Cycles that ran before this one.
    pub cycle: u64,
    /// The instant on the grid that this cycle belongs to.
    pub deadline_ns: u64,
    /// When it really started.
    pub woke_ns: u64,
    /// Periods skipped since the cycle before.
    pub skipped: u32,
    /// Why they were skipped; the first cause where there were several.
    pub cause: Option<OverrunCause>,
    /// Skips in a row, these included.
    pub skips_in_a_row: u32,
    /// More skips in a row than the plan allows: the machine shall stop.
    pub too_many_skips: bool,
    /// The daemon was asked to end: come to rest, disable, then leave.
    pub shutdown: bool,
}

impl Wake {
    /// How late it started.
    pub fn latency_ns(&self) -> u64 {
        self.woke_ns.saturating_sub(self.deadline_ns)
    }
}

/// The grid of deadlines and its account of what was missed.
#[derive(Clone, Debug)]
pub struct Schedule {
    plan: SchedulePlan,
    deadline_ns: u64,
    cycle: u64,
    skipped: u32,
    cause: Option<OverrunCause>,
    in_a_row: u32,
    woke_ns: u64,
}

impl Schedule {
    /// A grid whose first deadline is one period after `now_ns`.
    pub fn new(plan: SchedulePlan, now_ns: u64) -> Schedule {
        Schedule {
            plan,
            deadline_ns: now_ns.saturating_add(plan.period_ns),
            cycle: 0,
            skipped: 0,
            cause: None,
            in_a_row: 0,
            woke_ns: now_ns,
        }
    }

    /// The instant to sleep to.
    pub fn deadline_ns(&self) -> u64 {
        self.deadline_ns
    }

    /// Judges a wake-up: the cycle to run, or `None` when its period is skipped and the thread shall sleep to the new
    /// deadline. It returns `None` at most `max_skips + 1` times between two cycles.
    pub fn wake(&mut self, now_ns: u64) -> Option<Wake> {
        let late_ns = now_ns.saturating_sub(self.deadline_ns);
        if late_ns <= self.plan.start_window_ns {
            if self.skipped == 0 {
                self.in_a_row = 0;
            }
        } else {
            if !self.too_many_skips() {
                self.skip_past(now_ns, OverrunCause::LateWakeUp);
                return None;
            }
            // Stopping: run on the latest deadline rather than wait for a better phase that may never come.
            let missed = late_ns / self.plan.period_ns;
            if missed > 0 {
                self.skip(missed, OverrunCause::LateWakeUp);
            }
        }
        let wake = Wake {
            cycle: self.cycle,
            deadline_ns: self.deadline_ns,
            woke_ns: now_ns,
            skipped: self.skipped,
            cause: self.cause,
            skips_in_a_row: self.in_a_row,
            too_many_skips: self.too_many_skips(),
            shutdown: false,
        };
        self.woke_ns = now_ns;
        self.skipped = 0;
        self.cause = None;
        Some(wake)
    }

    /// Closes the cycle that [`Schedule::wake`] gave out and sets the next deadline. `bus_late_ns`: how much later than
    /// its receive deadline the bus handed over the inputs.
    pub fn end(&mut self, ended_ns: u64, bus_late_ns: u64) {
        self.cycle += 1;
        let wake_late_ns = self.woke_ns.saturating_sub(self.deadline_ns);
        self.deadline_ns = self.deadline_ns.saturating_add(self.plan.period_ns);
        let excess_ns = ended_ns.saturating_sub(self.deadline_ns.saturating_add(self.plan.start_window_ns));
        if excess_ns > 0 {
            // The first of these without which the next deadline had been kept.
            let cause = if bus_late_ns >= excess_ns {
                OverrunCause::BusLate
            } else if wake_late_ns >= excess_ns {
                OverrunCause::LateWakeUp
            } else {
                OverrunCause::LongExecution
            };
            self.skip_past(ended_ns, cause);
        }
    }

    /// Moves the next deadline and the grid behind it, to stay in step with a bus: by a small part of a period.
    pub fn shift(&mut self, shift_ns: i64) {
        self.deadline_ns = self.deadline_ns.saturating_add_signed(shift_ns);
    }

    fn too_many_skips(&self) -> bool {
        self.in_a_row > self.plan.max_skips
    }

    /// Skips to the first deadline that is not yet past.
    fn skip_past(&mut self, now_ns: u64, cause: OverrunCause) {
        let late_ns = now_ns.saturating_sub(self.deadline_ns);
        self.skip(late_ns.div_ceil(self.plan.period_ns), cause);
    }

    fn skip(&mut self, periods: u64, cause: OverrunCause) {
        self.deadline_ns = self.deadline_ns.saturating_add(periods.saturating_mul(self.plan.period_ns));
        let periods = u32::try_from(periods).unwrap_or(u32::MAX);
        self.skipped = self.skipped.saturating_add(periods);
        self.in_a_row = self.in_a_row.saturating_add(periods);
        self.cause = self.cause.or(Some(cause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const PLAN: SchedulePlan = SchedulePlan { period_ns: MS, start_window_ns: MS / 2, max_skips: 3 };

    /// A schedule with deadlines at 1 ms, 2 ms …, which has run the cycle of 1 ms on time, to `ended_ns`.
    fn after_first(ended_ns: u64, bus_late_ns: u64) -> Schedule {
        let mut schedule = Schedule::new(PLAN, 0);
        let first = schedule.wake(MS).unwrap();
        assert_eq!((first.cycle, first.deadline_ns, first.skipped, first.cause), (0, MS, 0, None));
        schedule.end(ended_ns, bus_late_ns);
        schedule
    }

    #[test]
    fn deadlines_do_not_drift_with_lateness_inside_the_window() {
        let mut schedule = Schedule::new(PLAN, 0);
        for cycle in 0..10_000u64 {
            let deadline_ns = (cycle + 1) * MS;
            assert_eq!(schedule.deadline_ns(), deadline_ns);
            let late_ns = cycle * 7919 % (MS / 2 + 1);
            let wake = schedule.wake(deadline_ns + late_ns).unwrap();
            assert_eq!((wake.cycle, wake.latency_ns(), wake.skipped), (cycle, late_ns, 0));
            schedule.end(deadline_ns + late_ns + 100_000, 0);
        }
    }

    #[test]
    fn overrun_skips_whole_periods_and_keeps_phase() {
        // Execution ends 2.6 periods after the next deadline: deadlines 2, 3 and 4 ms are gone.
        let mut schedule = after_first(4 * MS + 600_000, 0);
        assert_eq!(schedule.deadline_ns(), 5 * MS);
        let wake = schedule.wake(5 * MS).unwrap();
        assert_eq!((wake.cycle, wake.skipped, wake.skips_in_a_row), (1, 3, 3));
        assert_eq!(wake.cause, Some(OverrunCause::LongExecution));
        assert!(!wake.too_many_skips);
    }

    #[test]
    fn a_late_wake_up_sleeps_on_to_the_grid() {
        let mut schedule = after_first(MS + 1, 0);
        assert_eq!(schedule.wake(2 * MS + 500_001), None);
        assert_eq!(schedule.deadline_ns(), 3 * MS);
        let wake = schedule.wake(3 * MS + 10).unwrap();
        assert_eq!((wake.cycle, wake.deadline_ns, wake.skipped), (1, 3 * MS, 1));
        assert_eq!(wake.cause, Some(OverrunCause::LateWakeUp));
    }

    #[test]
    fn the_cause_is_what_alone_would_have_kept_the_deadline() {
        for (ended_ns, woke_late_ns, bus_late_ns, cause) in [
            (2 * MS + 600_000, 0, 100_000, OverrunCause::BusLate),
            (2 * MS + 600_000, 0, 99_999, OverrunCause::LongExecution),
            (2 * MS + 600_000, 100_000, 0, OverrunCause::LateWakeUp),
            (2 * MS + 600_000, 99_999, 99_999, OverrunCause::LongExecution),
        ] {
            let mut schedule = Schedule::new(PLAN, 0);
            schedule.wake(MS + woke_late_ns).unwrap();
            schedule.end(ended_ns, bus_late_ns);
            let wake = schedule.wake(schedule.deadline_ns()).unwrap();
            assert_eq!(wake.cause, Some(cause), "ended {ended_ns} woke late {woke_late_ns} bus late {bus_late_ns}");
        }
    }

    #[test]
    fn ending_inside_the_next_window_is_no_overrun() {
        let mut schedule = after_first(2 * MS + 500_000, 0);
        let wake = schedule.wake(2 * MS + 500_000).unwrap();
        assert_eq!((wake.deadline_ns, wake.skipped), (2 * MS, 0));
    }

    #[test]
    fn more_than_n_skips_in_a_row_are_too_many_and_an_on_time_cycle_forgives() {
        let mut schedule = Schedule::new(PLAN, 0);
        let mut seen = Vec::new();
        for _ in 0..5 {
            let wake = schedule.wake(schedule.deadline_ns()).unwrap();
            seen.push((wake.skips_in_a_row, wake.too_many_skips));
            // Each execution costs one period too many.
            schedule.end(wake.deadline_ns + MS + 600_000, 0);
        }
        assert_eq!(seen, [(0, false), (1, false), (2, false), (3, false), (4, true)]);
        let wake = schedule.wake(schedule.deadline_ns()).unwrap();
        schedule.end(wake.woke_ns, 0);
        let first_on_time = schedule.wake(schedule.deadline_ns()).unwrap();
        assert_eq!(first_on_time.skipped, 0);
        schedule.end(first_on_time.woke_ns, 0);
        let next = schedule.wake(schedule.deadline_ns()).unwrap();
        assert_eq!((next.skips_in_a_row, next.too_many_skips), (0, false));
    }

    #[test]
    fn a_host_that_always_wakes_late_still_gets_its_stop() {
        let mut schedule = Schedule::new(PLAN, 0);
        let mut refused = 0;
        let wake = loop {
            match schedule.wake(schedule.deadline_ns() + 700_000) {
                Some(wake) => break wake,
                None => refused += 1,
            }
            assert!(refused <= PLAN.max_skips + 1);
        };
        assert!(wake.too_many_skips);
        for _ in 0..10 {
            schedule.end(schedule.deadline_ns() + 750_000, 0);
            assert!(schedule.wake(schedule.deadline_ns() + 700_000).is_some_and(|wake| wake.too_many_skips));
        }
    }

    #[test]
    fn a_machine_that_slept_for_hours_skips_them_at_once() {
        let mut schedule = after_first(MS + 1, 0);
        let hours_ns = 5 * 3600 * 1000 * MS;
        assert_eq!(schedule.wake(hours_ns + 1), None);
        let wake = schedule.wake(schedule.deadline_ns()).unwrap();
        assert_eq!(wake.deadline_ns, hours_ns + MS);
        assert!(wake.too_many_skips && wake.deadline_ns.is_multiple_of(MS));
    }

    #[test]
    fn random_lateness_never_leaves_the_grid_nor_counts_a_period_twice() {
        let mut seed = 0x9e37_79b9_7f4a_7c15u64;
        let mut random = |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below
        };
        let mut schedule = Schedule::new(PLAN, 0);
        let (mut now_ns, mut ran, mut skipped) = (0u64, 0u64, 0u64);
        for _ in 0..100_000 {
            now_ns = now_ns.max(schedule.deadline_ns()) + random(MS + 300_000) * (random(4) / 3);
            let Some(wake) = schedule.wake(now_ns) else { continue };
            ran += 1;
            skipped += u64::from(wake.skipped);
            assert_eq!(wake.deadline_ns, (ran + skipped) * MS, "cycle {}", wake.cycle);
            assert_eq!(wake.skipped > 0, wake.cause.is_some());
            now_ns += random(MS * 9 / 5);
            schedule.end(now_ns, 0);
        }
    }
}
