//! All guards together, as hooks for the real-time thread: they are up exactly while it cycles.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use motiond::cycle::run::Hooks;
use nix::sys::resource::{UsageWho, getrusage};

use crate::{allocator, system_calls};

static FAULTS: AtomicI64 = AtomicI64::new(0);
static OVER: AtomicBool = AtomicBool::new(false);

/// What the guards saw.
pub struct Findings {
    /// Page faults of the loop.
    pub page_faults: i64,
    /// System calls outside the white-list, each with how often.
    pub forbidden_calls: Vec<(usize, u32)>,
}

/// Starts what the guards need on ordinary threads, and gives the hooks. One real-time thread a process.
pub fn hooks() -> Hooks {
    std::thread::spawn(|| system_calls::answer(&OVER));
    Hooks { before_loop: raise, before_step: |_| {}, after_loop: lower }
}

/// What was seen, after the thread has ended.
pub fn findings() -> Findings {
    OVER.store(true, Ordering::Relaxed);
    Findings { page_faults: FAULTS.load(Ordering::Relaxed), forbidden_calls: system_calls::seen() }
}

fn faults_of_this_thread() -> i64 {
    getrusage(UsageWho::RUSAGE_THREAD).map_or(-1, |usage| usage.minor_page_faults() + usage.major_page_faults())
}

fn raise() {
    if let Err(error) = system_calls::watch_this_thread(system_calls::OF_A_CYCLE) {
        eprintln!("skipped: system calls are not watched, the kernel refuses the filter: {error}");
    }
    FAULTS.store(faults_of_this_thread(), Ordering::Relaxed);
    system_calls::count(true);
    allocator::arm(true);
}

fn lower() {
    allocator::arm(false);
    system_calls::count(false);
    FAULTS.store(faults_of_this_thread() - FAULTS.load(Ordering::Relaxed), Ordering::Relaxed);
}
