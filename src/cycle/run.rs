//! The loop of the real-time thread: sleep, step, account; and what happens when a step panics.
//!
//! The loop itself knows neither rights nor threads, so all of it runs in tests on a virtual clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::clock::Clock;
use super::schedule::{Schedule, Wake};
use super::thread::{Phase, ThreadPlan, ThreadStatus};
use super::timing::TimingRecorder;

/// What runs once a period.
pub trait CycleBody: Send + 'static {
    /// One cycle. The clock is for reading only: the thread does the sleeping.
    fn step(&mut self, wake: &Wake, clock: &dyn Clock) -> Stepped;

    /// One period after `step` panicked, with whatever state that left: sends images that were built beforehand and
    /// tell every drive to stop quickly.
    fn fallback_step(&mut self, wake: &Wake) -> Fallback;
}

/// What a cycle says to the thread that ran it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stepped {
    /// It was the last one.
    pub leave: bool,
    /// How much later than its receive deadline the bus handed over the inputs, nanoseconds; 0 when in time.
    pub bus_late_ns: u64,
    /// How much later than a period from now the next cycle shall start, nanoseconds.
    pub shift_ns: i64,
}

/// How far the fallback has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// Something still moves.
    Moving,
    /// Nothing moves any more, or nothing can be reached.
    Standstill,
}

/// Calls on the real-time thread outside the cycle. For tests that hold the thread to its discipline: they arm an
/// allocator or a system-call filter for exactly the time of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// After the preparation, before the first sleep.
    pub before_loop: fn(),
    /// Before each cycle, with its number.
    pub before_step: fn(u64),
    /// After the last cycle.
    pub after_loop: fn(),
}

impl Default for Hooks {
    fn default() -> Hooks {
        Hooks { before_loop: || {}, before_step: |_| {}, after_loop: || {} }
    }
}

/// How the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The body left.
    Left,
    /// The body was asked to leave and did not within `shutdown_cycles`.
    ShutdownTimeout,
    /// It panicked; drives were stopped as far as possible.
    Panicked,
    /// It never ran.
    Refused,
}

/// A body with its clock, its schedule and its account.
pub struct CycleLoop<B, C> {
    plan: ThreadPlan,
    clock: C,
    body: B,
    timing: TimingRecorder,
    status: Arc<ThreadStatus>,
    schedule: Schedule,
}

impl<B: CycleBody, C: Clock> CycleLoop<B, C> {
    /// Ready to run; the grid of deadlines begins with [`CycleLoop::run`].
    pub fn new(plan: ThreadPlan, clock: C, body: B, timing: TimingRecorder, status: Arc<ThreadStatus>) -> Self {
        let schedule = Schedule::new(plan.schedule, 0);
        CycleLoop { plan, clock, body, timing, status, schedule }
    }

    /// Runs until the body leaves, does not leave in time, or panics. A panic ends in the plan's `abort`.
    pub fn run(&mut self) -> Outcome {
        self.status.set_phase(Phase::Running);
        (self.plan.hooks.before_loop)();
        self.schedule = Schedule::new(self.plan.schedule, self.clock.now_ns());
        // AssertUnwindSafe: after a panic only `fallback_step` sees the body, and it is made for that.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.cycles()));
        (self.plan.hooks.after_loop)();
        let outcome = outcome.unwrap_or_else(|payload| {
            // Dropping a payload runs code of whoever panicked, which may panic again.
            std::mem::forget(payload);
            self.fall_back();
            Outcome::Panicked
        });
        self.status.set_phase(Phase::Ended);
        outcome
    }

    /// Gives the body back.
    pub fn into_body(self) -> B {
        self.body
    }

    fn cycles(&mut self) -> Outcome {
        let mut cycles_of_shutdown = 0;
        // The life of the machine: ends when the body leaves, at the latest `shutdown_cycles` after it was asked.
        loop {
            let mut wake = self.sleep();
            wake.shutdown = self.status.shutdown_requested();
            self.timing.started(&wake);
            (self.plan.hooks.before_step)(wake.cycle);
            let stepped = self.body.step(&wake, &self.clock);
            let ended_ns = self.clock.now_ns();
            self.schedule.end(ended_ns, stepped.bus_late_ns);
            self.schedule.shift(stepped.shift_ns);
            self.timing.ended(&wake, ended_ns);
            self.status.beat(wake.cycle + 1);
            if stepped.leave {
                return Outcome::Left;
            }
            if wake.shutdown {
                cycles_of_shutdown += 1;
                if cycles_of_shutdown >= self.plan.shutdown_cycles {
                    return Outcome::ShutdownTimeout;
                }
            }
        }
    }

    /// Sleeps to the next cycle that may start. The schedule sends it back at most `max_skips + 1` times.
    fn sleep(&mut self) -> Wake {
        loop {
            self.clock.sleep_until(self.schedule.deadline_ns());
            if let Some(wake) = self.schedule.wake(self.clock.now_ns()) {
                return wake;
            }
        }
    }

    /// Stops the drives with images that were built beforehand, on the same grid of deadlines, then ends the process.
    fn fall_back(&mut self) {
        self.status.set_phase(Phase::Fallback);
        // The cycle that panicked has its period behind it.
        self.schedule.end(self.clock.now_ns(), 0);
        for _ in 0..self.plan.fallback_cycles {
            let mut wake = self.sleep();
            wake.shutdown = true;
            match catch_unwind(AssertUnwindSafe(|| self.body.fallback_step(&wake))) {
                Ok(Fallback::Moving) => self.schedule.end(self.clock.now_ns(), 0),
                Ok(Fallback::Standstill) => break,
                // From here on only the drives' own watchdogs can help, and the sooner the better.
                Err(payload) => {
                    std::mem::forget(payload);
                    break;
                }
            }
        }
        self.status.last_words();
        (self.plan.abort)();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::cycle::clock::VirtualClock;
    use crate::cycle::schedule::{OverrunCause, SchedulePlan};
    use crate::cycle::timing::{Timing, timing};

    const MS: u64 = 1_000_000;

    /// What a cycle of the script does.
    #[derive(Clone, Copy)]
    enum Act {
        /// Takes this long.
        Take(u64),
        /// Takes this long, because the bus was this much late.
        Late(u64, u64),
        Panic,
        Leave,
    }

    struct Script {
        acts: Vec<Act>,
        clock: VirtualClock,
        woke: Vec<Wake>,
        fallbacks: Vec<u64>,
        still_after: usize,
        fallback_panics: bool,
    }

    impl CycleBody for Script {
        fn step(&mut self, wake: &Wake, clock: &dyn Clock) -> Stepped {
            assert_eq!(clock.now_ns(), wake.woke_ns);
            self.woke.push(*wake);
            let act = self.acts.get(wake.cycle as usize).copied().unwrap_or(Act::Take(10_000));
            match act {
                Act::Take(ns) | Act::Late(ns, _) => self.clock.advance(ns),
                Act::Panic => panic!("planted"),
                Act::Leave => {}
            }
            let bus_late_ns = if let Act::Late(_, late_ns) = act { late_ns } else { 0 };
            Stepped { leave: matches!(act, Act::Leave), bus_late_ns, shift_ns: 0 }
        }

        fn fallback_step(&mut self, wake: &Wake) -> Fallback {
            self.fallbacks.push(wake.deadline_ns);
            assert!(!self.fallback_panics, "planted in the fallback");
            if self.fallbacks.len() > self.still_after { Fallback::Standstill } else { Fallback::Moving }
        }
    }

    fn plan() -> ThreadPlan {
        ThreadPlan {
            schedule: SchedulePlan { period_ns: MS, start_window_ns: MS / 2, max_skips: 3 },
            fallback_cycles: 100,
            shutdown_cycles: 50,
            abort: || {},
            ..ThreadPlan::with_period(MS)
        }
    }

    fn scripted(plan: ThreadPlan, clock: VirtualClock, acts: &[Act]) -> (CycleLoop<Script, VirtualClock>, Timing) {
        let body = Script {
            acts: acts.to_vec(),
            clock: clock.clone(),
            woke: Vec::new(),
            fallbacks: Vec::new(),
            still_after: 4,
            fallback_panics: false,
        };
        let (recorder, timing) = timing();
        (CycleLoop::new(plan, clock, body, recorder, Arc::new(ThreadStatus::new())), timing)
    }

    #[test]
    fn overruns_of_each_cause_reach_the_body_and_the_account_in_phase() {
        let acts = [Act::Take(10_000), Act::Take(2 * MS), Act::Late(MS + 600_000, 700_000), Act::Take(0), Act::Leave];
        // Sleeps: to cycles 0, 1, 2, 3, then late by more than the window before cycle 4.
        let clock = VirtualClock::late_by(0, [0, 0, 0, 0, 600_000]);
        let (mut cycles, timing) = scripted(plan(), clock, &acts);
        assert_eq!(cycles.run(), Outcome::Left);
        let woke: Vec<_> = cycles.body.woke.iter().map(|w| (w.deadline_ns / MS, w.skipped, w.cause)).collect();
        let expected = [
            (1, 0, None),
            (2, 0, None),
            // Two periods of execution end exactly on the deadline after the next: one is skipped.
            (4, 1, Some(OverrunCause::LongExecution)),
            (6, 1, Some(OverrunCause::BusLate)),
            (8, 1, Some(OverrunCause::LateWakeUp)),
        ];
        assert_eq!(woke, expected);
        assert!(cycles.body.woke.iter().all(|wake| wake.deadline_ns % MS == 0));
        assert_eq!((timing.cycles(), timing.skipped()), (5, 3));
        assert_eq!(OverrunCause::ALL.map(|cause| timing.overruns(cause)), [1, 1, 1]);
        assert_eq!(cycles.status.heartbeat(), 5);
    }

    #[test]
    fn a_panic_sends_quick_stops_in_phase_until_standstill_and_then_aborts() {
        static ABORTS: AtomicU32 = AtomicU32::new(0);
        fn count() {
            ABORTS.fetch_add(1, Ordering::Relaxed);
        }
        let plan = ThreadPlan { abort: count, ..plan() };
        let (mut cycles, timing) = scripted(plan, VirtualClock::new(0), &[Act::Take(10_000), Act::Panic]);
        assert_eq!(cycles.run(), Outcome::Panicked);
        assert_eq!(cycles.body.fallbacks, [3, 4, 5, 6, 7].map(|period| period * MS));
        assert_eq!(ABORTS.load(Ordering::Relaxed), 1);
        assert_eq!((cycles.status.heartbeat(), timing.cycles()), (1, 1), "a fallback is no heartbeat");
        assert_eq!(cycles.status.phase(), Phase::Ended);
    }

    #[test]
    fn a_fallback_without_standstill_is_bounded() {
        let (mut cycles, _) = scripted(plan(), VirtualClock::new(0), &[Act::Panic]);
        cycles.body.still_after = usize::MAX;
        assert_eq!(cycles.run(), Outcome::Panicked);
        assert_eq!(cycles.body.fallbacks.len(), 100);
    }

    #[test]
    fn a_panic_in_the_fallback_ends_it() {
        let (mut cycles, _) = scripted(plan(), VirtualClock::new(0), &[Act::Panic]);
        cycles.body.fallback_panics = true;
        assert_eq!(cycles.run(), Outcome::Panicked);
        assert_eq!(cycles.body.fallbacks.len(), 1);
    }

    #[test]
    fn a_request_to_end_reaches_the_body_which_leaves_in_its_own_time() {
        let acts = [[Act::Take(10_000); 20].as_slice(), &[Act::Leave]].concat();
        let (mut cycles, _) = scripted(plan(), VirtualClock::new(0), &acts);
        cycles.status.request_shutdown();
        assert_eq!(cycles.run(), Outcome::Left);
        assert!(cycles.body.woke.len() == 21 && cycles.body.woke.iter().all(|wake| wake.shutdown));
    }

    #[test]
    fn a_body_that_does_not_leave_is_left() {
        let (mut cycles, _) = scripted(plan(), VirtualClock::new(0), &[]);
        cycles.status.request_shutdown();
        assert_eq!(cycles.run(), Outcome::ShutdownTimeout);
        assert_eq!(cycles.body.woke.len(), 50);
    }

    #[test]
    fn too_many_skips_are_told_once_they_are_reached() {
        let acts = [[Act::Take(MS + 600_000); 6].as_slice(), &[Act::Take(0), Act::Leave]].concat();
        let (mut cycles, _) = scripted(plan(), VirtualClock::new(0), &acts);
        assert_eq!(cycles.run(), Outcome::Left);
        let told: Vec<_> = cycles.body.woke.iter().map(|wake| wake.too_many_skips).collect();
        assert_eq!(told, [false, false, false, false, true, true, true, false]);
    }
}
