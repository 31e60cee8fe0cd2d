//! The real-time thread with a stand-in for the machine, for violations that end the process: how it ends can be
//! counted here.

use std::sync::atomic::{AtomicU32, Ordering};

use motiond::cycle::clock::{Clock, MonotonicClock};
use motiond::cycle::memory::{self, MemoryPlan};
use motiond::cycle::preparation::Provision;
use motiond::cycle::run::{CycleBody, Fallback, Stepped};
use motiond::cycle::schedule::Wake;
use motiond::cycle::thread::{ThreadPlan, spawn};
use motiond::cycle::timing::timing;
use nix::sys::resource::{Resource, setrlimit};

use crate::plant::{self, Plant};

const PERIOD_NS: u64 = 1_000_000;
/// The cycle in which a violation is planted.
const PLANTED_IN: u64 = 100;
const RT_TIME_LIMIT_US: u64 = 200_000;

struct Body(Plant);

static QUICK_STOPS: AtomicU32 = AtomicU32::new(0);

impl CycleBody for Body {
    fn step(&mut self, wake: &Wake, _: &dyn Clock) -> Stepped {
        if wake.cycle == PLANTED_IN {
            plant::misbehave(self.0);
        }
        Stepped { leave: wake.cycle > PLANTED_IN, bus_late_ns: 0, shift_ns: 0 }
    }

    fn fallback_step(&mut self, _: &Wake) -> Fallback {
        let sent = QUICK_STOPS.fetch_add(1, Ordering::Relaxed) + 1;
        if sent == 25 { Fallback::Standstill } else { Fallback::Moving }
    }
}

pub fn run(plant: Plant) {
    let process = memory::prepare(&MemoryPlan { lock: true, heap_reserve_bytes: 4 << 20 });
    // As LimitRTTIME= in the unit sets it; microseconds.
    setrlimit(Resource::RLIMIT_RTTIME, RT_TIME_LIMIT_US, RT_TIME_LIMIT_US).unwrap();
    fn abort() {
        eprintln!("quick stops {}", QUICK_STOPS.load(Ordering::Relaxed));
        std::process::abort();
    }
    let plan = ThreadPlan { abort, ..ThreadPlan::with_period(PERIOD_NS) };
    let thread = spawn(plan, process, MonotonicClock::new(), Body(plant), timing().0).unwrap();
    if plant == Plant::Spin && thread.preparation().lacks(Provision::Scheduling) {
        // Without SCHED_FIFO there is no such limit, and spinning harms nobody.
        println!("not real-time");
        std::process::exit(0);
    }
    thread.join();
    panic!("{plant:?} was survived");
}
