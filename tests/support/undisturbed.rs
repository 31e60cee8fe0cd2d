//! Tests that hold several processes to a period, on hosts that lend nobody a processor of its own.
//!
//! Where the host takes the processor away, drives and master miss each other and say so, rightly: what fails then fails of the host. A thread
//! that asks for nothing but to be woken every few milliseconds tells whether that was so; then the test is run once more, from its beginning.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One machine at a time.
static ALONE: Mutex<()> = Mutex::new(());
/// How often the watch asks to be woken.
const TICK: Duration = Duration::from_millis(5);
/// Who is woken so late had no processor for several periods.
const STALL: Duration = Duration::from_millis(25);
/// Who is woken late by this much in all, for each second, had too little of it.
const SHARE: f64 = 0.2;
/// Runs at most.
const RUNS: usize = 5;

/// How the host treated a thread.
struct Watched {
    stalls: usize,
    late: Duration,
    all: Duration,
}

impl Watched {
    fn disturbed(&self) -> bool {
        self.stalls > 0 || self.late.as_secs_f64() > SHARE * self.all.as_secs_f64()
    }
}

/// From now on until it is over.
fn watch(over: &AtomicBool) -> Watched {
    let begun = Instant::now();
    let mut watched = Watched { stalls: 0, late: Duration::ZERO, all: Duration::ZERO };
    while !over.load(Ordering::Relaxed) {
        let before = Instant::now();
        std::thread::sleep(TICK);
        let late = before.elapsed().saturating_sub(TICK);
        watched.stalls += usize::from(late > STALL);
        watched.late += late;
    }
    watched.all = begun.elapsed();
    watched
}

/// Runs a test alone; where it fails and the host has disturbed it, again.
pub fn undisturbed(test: impl Fn()) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for run in 1..=RUNS {
        let over = AtomicBool::new(false);
        let (ended, watched) = std::thread::scope(|scope| {
            let watch = scope.spawn(|| watch(&over));
            let ended = catch_unwind(AssertUnwindSafe(&test));
            over.store(true, Ordering::Relaxed);
            (ended, watch.join().unwrap())
        });
        let Err(panic) = ended else { return };
        if !watched.disturbed() || run == RUNS {
            resume_unwind(panic);
        }
        let Watched { stalls, late, all } = watched;
        println!(
            "once more: the host gave no processor {stalls} times for over {STALL:?}, and was {late:.1?} late in {all:.1?}"
        );
    }
}
