//! What it costs to cross the real-time border, beside well-known structures for the same purpose, in the same run.
//!
//! ```text
//! cargo bench --bench exchange
//! ```
//!
//! The ring carries commands, 64 in and out on one thread; its peers are rtrb (a ring of the same kind) and crossbeam's
//! ArrayQueue. The cell holds the state of 64 axes, published alone and beside a thread that reads without a pause; its
//! peers are triple_buffer (for one reader) and a mutex (which can make the publisher wait). The last table has each mean as a ratio to the product's.

use criterion::{Criterion, Throughput};
use crossbeam::queue::ArrayQueue;
use motiond::exchange::command::{Command, Request};
use motiond::exchange::snapshot::Shape;
use motiond::exchange::{latest, ring};
use motiond::ids::{AxisId, Handle};
use motiond::limits::SNAPSHOT_HISTORY;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Commands in and out at a time, and places in each ring.
const BATCH: usize = 64;
/// The state that one cycle publishes.
const WORDS: usize = Shape { axes: 64, groups: 8, buses: 4, analogs: 0 }.words();
/// The product's own entry in each group; its peers are compared with it.
const PRODUCT: &str = "motiond";

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    ring(&mut criterion);
    cell(&mut criterion, "cell published alone", false);
    cell(&mut criterion, "cell published beside a reader", true);
    criterion.final_summary();
    ratios();
}

fn ring(criterion: &mut Criterion) {
    let command = Command { handle: Handle(7), request: Request::Power { axis: AxisId(3), on: true } };
    let mut group = criterion.benchmark_group("ring of commands");
    group.throughput(Throughput::Elements(BATCH as u64));
    let (mut sender, mut receiver) = ring::channel::<Command>(BATCH);
    group.bench_function(PRODUCT, |bencher| {
        bencher.iter(|| {
            (0..BATCH).for_each(|_| sender.send(black_box(command)).expect("a place"));
            (0..BATCH).for_each(|_| {
                let _ = black_box(receiver.receive());
            });
        });
    });
    let (mut producer, mut consumer) = rtrb::RingBuffer::<Command>::new(BATCH);
    group.bench_function("rtrb", |bencher| {
        bencher.iter(|| {
            (0..BATCH).for_each(|_| producer.push(black_box(command)).expect("a place"));
            (0..BATCH).for_each(|_| {
                let _ = black_box(consumer.pop().ok());
            });
        });
    });
    let queue = ArrayQueue::<Command>::new(BATCH);
    group.bench_function("ArrayQueue", |bencher| {
        bencher.iter(|| {
            (0..BATCH).for_each(|_| queue.push(black_box(command)).expect("a place"));
            (0..BATCH).for_each(|_| {
                let _ = black_box(queue.pop());
            });
        });
    });
    group.finish();
}

fn cell(criterion: &mut Criterion, name: &str, read: bool) {
    let state = vec![42u64; WORDS];
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(8 * WORDS as u64));
    let (mut writer, reader) = latest::cell(WORDS, SNAPSHOT_HISTORY);
    let mut copy = vec![0; WORDS];
    let reading = Reading::start(read, move || {
        black_box(reader.read(&mut copy));
    });
    group.bench_function(PRODUCT, |bencher| bencher.iter(|| writer.publish(black_box(&state))));
    drop(reading);
    let (mut input, mut output) = triple_buffer::triple_buffer(&vec![0u64; WORDS]);
    let mut copy = vec![0; WORDS];
    let reading = Reading::start(read, move || copy.copy_from_slice(black_box(output.read())));
    group.bench_function("triple_buffer", |bencher| {
        bencher.iter(|| {
            input.input_buffer_mut().copy_from_slice(black_box(&state));
            input.publish();
        });
    });
    drop(reading);
    let mutex = Arc::new(Mutex::new(vec![0; WORDS]));
    let mut copy = vec![0; WORDS];
    let shared = Arc::clone(&mutex);
    let reading =
        Reading::start(read, move || copy.copy_from_slice(&shared.lock().unwrap_or_else(|held| held.into_inner())));
    group.bench_function("Mutex", |bencher| {
        bencher.iter(|| mutex.lock().expect("no panic").copy_from_slice(black_box(&state)));
    });
    drop(reading);
    group.finish();
}

/// A thread that reads without a pause, until it is dropped.
struct Reading(Option<(Arc<AtomicBool>, std::thread::JoinHandle<()>)>);

impl Reading {
    fn start(wanted: bool, mut read: impl FnMut() + Send + 'static) -> Reading {
        let stop = Arc::new(AtomicBool::new(false));
        Reading(wanted.then(|| {
            let stopped = Arc::clone(&stop);
            let reader = std::thread::spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    read();
                }
            });
            (stop, reader)
        }))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some((stop, reader)) = self.0.take() {
            stop.store(true, Ordering::Relaxed);
            reader.join().expect("the reader ends");
        }
    }
}

/// Each peer's mean beside the product's, from what criterion has noted of this run.
fn ratios() {
    let root = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target"), std::path::PathBuf::from);
    let mean_ns = |group: &str, name: &str| -> Option<f64> {
        let file = root.join("criterion").join(group).join(name).join("new/estimates.json");
        let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        estimates["mean"]["point_estimate"].as_f64()
    };
    let groups = [
        ("ring of commands", ["rtrb", "ArrayQueue"]),
        ("cell published alone", ["triple_buffer", "Mutex"]),
        ("cell published beside a reader", ["triple_buffer", "Mutex"]),
    ];
    println!("{:<32} {:<14} {:>10} {:>22}", "", "", "mean, ns", "of motiond's mean");
    for (group, peers) in groups {
        let Some(own) = mean_ns(group, PRODUCT) else { continue };
        println!("{group:<32} {PRODUCT:<14} {own:>10.1} {:>22}", 1.0);
        for peer in peers {
            if let Some(mean) = mean_ns(group, peer) {
                println!("{group:<32} {peer:<14} {mean:>10.1} {:>22.2}", mean / own);
            }
        }
    }
}
