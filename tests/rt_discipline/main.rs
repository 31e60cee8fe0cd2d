//! The discipline of the real-time thread: no allocation and no free, no page fault, no system call but those that a
//! cycle needs, while the whole daemon moves every axis of the demo's machine for busy clients and scrapes. The simulated
//! drives run on that thread and are held to the same. Each planted violation must be found.
//!
//! Every run is a process of its own (this program again, with `MOTIOND_PLANT` set), because a violation may end it and
//! because memory is prepared once a process. `MOTIOND_DISCIPLINE_S` sets for how long all axes move together; 5 s unless
//! set.
#![allow(unsafe_code)]

#[path = "../support/agreeable.rs"]
mod agreeable;
mod allocator;
mod can;
mod child;
mod daemon;
mod fieldbus;
mod guard;
mod load;
#[path = "../support/many_drives.rs"]
mod many_drives;
mod plant;
#[allow(dead_code, reason = "no link is lost here")]
#[path = "../../src/bin/motion-sim/ports.rs"]
mod ports;
#[path = "../support/random.rs"]
mod random;
mod stand_in;
mod system_calls;
#[path = "../support/undisturbed.rs"]
mod undisturbed;

use std::os::unix::process::ExitStatusExt;

use child::{Report, run_with};
use plant::Plant;
use undisturbed::undisturbed;

#[global_allocator]
static ALLOCATOR: allocator::Guarded = allocator::Guarded;

fn died_of_abort(report: &Report) -> bool {
    report.status.signal() == Some(nix::libc::SIGABRT)
}

#[test]
fn all_axes_move_for_busy_clients_and_scrapes_in_discipline() {
    let report = child::run();
    println!("{report}");
    assert!(report.status.success(), "{report}");
    assert!(report.says("page faults 0") && report.says("forbidden calls 0"), "{report}");
}

/// The other end of the cable has a period, too.
fn over_raw_frames(plant: Plant) {
    let report = run_with(plant);
    println!("{report}");
    assert!(report.status.success(), "{report}");
    let skipped = report.says("skipped: rt_discipline fieldbus");
    assert!(skipped || report.says("page faults 0") && report.says("forbidden calls 0"), "{report}");
}

#[test]
fn drives_on_a_cable_move_and_come_back_in_discipline() {
    undisturbed(|| over_raw_frames(Plant::Cable));
}

#[test]
fn a_can_bus_exchanges_and_mends_in_discipline() {
    let report = run_with(Plant::Can);
    println!("{report}");
    assert!(report.status.success() && report.says("without an allocation"), "{report}");
}

#[test]
fn a_ring_is_cut_in_discipline() {
    undisturbed(|| over_raw_frames(Plant::Ring));
}

#[test]
fn a_planted_allocation_is_found() {
    let report = run_with(Plant::Allocation);
    assert!(died_of_abort(&report) && report.says("allocation on the real-time thread"), "{report}");
}

#[test]
fn a_planted_free_is_found() {
    let report = run_with(Plant::Free);
    assert!(died_of_abort(&report) && report.says("free on the real-time thread"), "{report}");
}

#[test]
fn a_planted_reallocation_is_found() {
    let report = run_with(Plant::Reallocation);
    assert!(died_of_abort(&report) && report.says("reallocation on the real-time thread"), "{report}");
}

#[test]
fn a_planted_page_fault_is_found() {
    let report = run_with(Plant::PageFault);
    assert!(report.status.code() == Some(1) && report.says("page faults 1"), "{report}");
}

#[test]
fn a_planted_system_call_is_found_and_named() {
    let report = run_with(Plant::SystemCall);
    let named = format!("system call {} ", nix::libc::SYS_getppid);
    assert!(report.status.code() == Some(1) && report.says("forbidden calls 1") && report.says(&named), "{report}");
}

#[test]
fn a_fault_of_a_drive_fails_the_run() {
    let report = run_with(Plant::DriveFault);
    assert!(report.status.code() == Some(1) && report.says("problem: a fault: "), "{report}");
}

#[test]
fn a_panic_of_a_service_fails_the_run() {
    let report = run_with(Plant::SessionPanic);
    assert!(report.status.code() == Some(1) && report.says("panics 1,"), "{report}");
}

#[test]
fn a_panic_is_silent_stops_the_drives_and_then_ends_the_process() {
    let report = run_with(Plant::Panic);
    assert!(died_of_abort(&report) && report.says("quick stops 25"), "{report}");
    assert!(report.says("motiond: the real-time thread panicked at tests/rt_discipline/plant.rs:"), "{report}");
    assert!(!report.says("RUST_BACKTRACE"), "the usual hook has spoken: {report}");
}

#[test]
fn a_thread_that_never_sleeps_is_ended_by_its_limit() {
    let report = run_with(Plant::Spin);
    if report.says("not real-time") {
        eprintln!("skipped: no right to SCHED_FIFO, and so no LimitRTTIME");
        return;
    }
    assert_eq!(report.status.signal(), Some(nix::libc::SIGKILL), "{report}");
}

#[test]
fn an_ordinary_user_gets_the_same_discipline_without_locked_memory() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: not root, so all_axes_move_for_busy_clients_and_scrapes_in_discipline is this test");
        return;
    }
    let Some(report) = child::run_as_nobody() else { return };
    assert!(report.status.success(), "{report}");
    assert!(report.says("page faults 0") && report.says("lacking memory-lock"), "{report}");
}
