//! The whole core on virtual time: seeded lives of a machine, each 20 s long, full of commands and troubles, and judged
//! in every cycle and in every image on the wire (`MOTIOND_CASES`, `MOTIOND_SEED`).
//!
//! Case `n` has the seed `MOTIOND_SEED + n`, so one printed seed with `MOTIOND_CASES=1` is that case again.

mod book;
mod case;
mod client;
mod judge;
mod machine;
mod planted;
#[path = "../support/random.rs"]
mod support;
mod table;
mod trouble;
mod wire;

use case::{CYCLES, LEAST_COMMANDS, LEAST_TROUBLES, Outcome};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Cases without `MOTIOND_CASES`.
const CASES: usize = if cfg!(debug_assertions) { 8 } else { 1000 };
/// As many cases leave nothing out.
const COMPLETE: usize = 1000;
/// Failures that are told in full.
const TOLD: usize = 3;

fn replay(seed: u64) -> String {
    format!("MOTIOND_SEED={seed} MOTIOND_CASES=1 cargo test --release --test campaign -- --show-output seeded_lives")
}

#[test]
fn seeded_lives_hold_every_limit_and_end_every_command_once() {
    let (first, count) = (support::seed(20_262), support::cases(CASES));
    let config = machine::configuration();
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let results: Mutex<Vec<(u64, Result<Outcome, String>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |count| count.get()) {
            scope.spawn(|| {
                while failed.load(Ordering::Relaxed) < TOLD {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        break;
                    }
                    let seed = first.wrapping_add(index as u64);
                    let result = case::run(&config, seed);
                    failed.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
                    results.lock().expect("nobody panics here").push((seed, result));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("nobody panics here");
    results.sort_by_key(|(seed, _)| *seed);
    let mut sum = Outcome::none();
    let mut failures = Vec::new();
    for (seed, result) in &results {
        match result {
            Ok(outcome) => {
                assert!(outcome.cycles >= CYCLES && outcome.commands >= LEAST_COMMANDS);
                assert!(outcome.troubles >= LEAST_TROUBLES);
                sum.add(outcome);
            }
            Err(what) => failures.push(format!("{what}\nagain: {}", replay(*seed))),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    println!("{}", sum.table.print());
    let (cells, hit) = sum.table.cells();
    let Outcome { fingerprint, cycles, troubles, enablings, found_enabled, found_moving, cut_off, .. } = sum;
    println!(
        "seed {first}: {count} runs, {cycles} cycles, {} commands, {troubles} troubles, {enablings} enablings, \
         {found_enabled} drives found enabled after a restart ({found_moving} of them in motion), {cut_off} commands \
         cut off by the end of their daemon, {hit} of {cells} cells hit, fingerprint {fingerprint:016x}",
        sum.table.commands()
    );
    let missing = sum.table.missing();
    if count >= COMPLETE {
        assert!(missing.is_empty(), "could have been hit and were not: {missing:#?}");
        assert!(enablings > 0 && found_enabled > 0 && found_moving > 0);
    }
}

#[test]
fn the_same_seed_is_the_same_life_to_the_bit() {
    let config = machine::configuration();
    let fingerprint = |seed| case::run(&config, seed).unwrap_or_else(|what| panic!("{what}")).fingerprint;
    let seed = support::seed(20_262);
    assert_eq!(fingerprint(seed), fingerprint(seed), "seed {seed}");
    assert_ne!(fingerprint(seed), fingerprint(seed.wrapping_add(1)), "seed {seed}");
}
