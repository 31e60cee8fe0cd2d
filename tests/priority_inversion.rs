//! Why the real-time border has single-producer rings: on one CPU, a real-time consumer of a multi-producer queue
//! waits for a normal-priority producer that it has itself preempted in the middle of a push.
//!
//! A measurement of wall time by nature, so our ring is held against crossbeam's `ArrayQueue` in the same run: where that
//! one did not block (RT throttling ends the block after about a second), nothing is claimed. Needs the right to
//! SCHED_FIFO; about 8 s.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use motiond::exchange::ring;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use thread_priority::{
    RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

const CAPACITY: usize = 1024;
/// A wait that nothing but the inversion explains: noise of a shared host stays below.
const BLOCKED: Duration = Duration::from_millis(300);
/// Our ring's longest wait is shorter than the peer's by at least this factor.
const MARGIN: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(6);

/// The highest CPU that this process may use.
fn cpu() -> usize {
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap();
    (0..CpuSet::count()).rfind(|cpu| allowed.is_set(*cpu).unwrap_or(false)).unwrap()
}

fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu).unwrap();
    sched_setaffinity(Pid::from_raw(0), &set).unwrap();
}

fn become_real_time() -> Result<(), String> {
    let priority = ThreadPriority::Crossplatform(ThreadPriorityValue::try_from(90_u8)?);
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    set_thread_priority_and_policy(thread_native_id(), priority, policy).map_err(|error| format!("{error:?}"))
}

/// The consumer's longest single receive, with a producer of normal priority on the same CPU. Ends when a receive was
/// blocked, or after `duration`.
fn longest_receive(
    cpu: usize,
    duration: Duration,
    mut send: impl FnMut(u64) -> bool + Send + 'static,
    mut receive: impl FnMut() -> bool + Send + 'static,
) -> Result<(Duration, Duration), String> {
    let ended = Arc::new(AtomicBool::new(false));
    let producer = thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            pin(cpu);
            let mut item = 0;
            while !ended.load(Ordering::Relaxed) {
                if send(item) {
                    item += 1;
                } else {
                    thread::yield_now();
                }
            }
        }
    });
    let consumer = thread::spawn(move || {
        pin(cpu);
        become_real_time()?;
        let started = Instant::now();
        let mut longest = Duration::ZERO;
        while started.elapsed() < duration && longest < BLOCKED {
            // Preempts the producer wherever it is.
            thread::sleep(Duration::from_micros(20));
            for _ in 0..2 * CAPACITY {
                let before = Instant::now();
                let received = receive();
                longest = longest.max(before.elapsed());
                if !received {
                    break;
                }
            }
        }
        Ok((longest, started.elapsed()))
    });
    let measured = consumer.join().unwrap();
    ended.store(true, Ordering::Relaxed);
    producer.join().unwrap();
    measured
}

#[test]
fn receiver_never_waits_for_a_preempted_sender() {
    match fs::read_to_string("/proc/sys/kernel/sched_rt_runtime_us") {
        Ok(limit) if limit.trim() == "-1" => {
            println!("skipped: without RT throttling the peer would block this CPU for good");
            return;
        }
        _ => {}
    }
    let cpu = cpu();
    let queue = Arc::new(ArrayQueue::new(CAPACITY));
    let (pushed, popped) = (Arc::clone(&queue), queue);
    let peer = longest_receive(cpu, PATIENCE, move |item| pushed.push(item).is_ok(), move || popped.pop().is_some());
    let (peer, after) = match peer {
        Ok(measured) => measured,
        Err(reason) => {
            println!("skipped: no right to SCHED_FIFO here ({reason})");
            return;
        }
    };
    let (mut sender, mut receiver) = ring::channel::<u64>(CAPACITY);
    let (ours, during) = longest_receive(
        cpu,
        // Twice as long as the peer needed to block.
        (2 * after).clamp(Duration::from_secs(1), PATIENCE),
        move |item| sender.send(item).is_ok(),
        move || receiver.receive().is_some(),
    )
    .unwrap();
    println!("longest receive: ArrayQueue {peer:?} within {after:?}, ring {ours:?} within {during:?}");
    if peer < BLOCKED {
        println!("skipped: the peer did not block within {PATIENCE:?}, so there is nothing to hold our ring against");
        return;
    }
    assert!(ours * MARGIN < peer, "our ring waited {ours:?}, the multi-producer queue {peer:?}");
}
