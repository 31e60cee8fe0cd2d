//! Random programs of paths, planned and followed: every limit at every instant, the programmed path within its tolerance, whatever
//! is asked for on the way and however the pieces come.
//!
//! ```sh
//! cargo test --release --test path -- --show-output
//! MOTIOND_CASES=100000 MOTIOND_CYCLES=10000 cargo test --release --test path -- --show-output   # a campaign
//! MOTIOND_CLAIM=every_limit cargo test --release --test path -- --show-output                   # what is claimed under that name
//! MOTIOND_CASES=1 MOTIOND_SEED=20500 MOTIOND_CYCLES=2000 cargo test --release --test path       # one program again
//! ```
//!
//! Program `n` has the seed `MOTIOND_SEED + n`.

#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "what is no number is wrong, too")]
#![allow(clippy::needless_range_loop, reason = "an axis is a place in several arrays")]

mod capped;
mod case;
mod claims;
mod follow;
mod programmed;
#[path = "../support/random.rs"]
mod support;
mod there_and_back;

/// What is looked at.
mod subject {
    pub use motiond::geometry::{Arc, Piece};
    pub use motiond::limits::{ARC_ACCURACY, EXACT_PATH_MM, MAX_GROUP_AXES};
    pub use motiond::motion::Limits;
    pub use motiond::motion::path::{Passage, PathMotion};
    pub use motiond::planner::program::{Caps, Corner, Element, Feed, Point, Shape};
    pub use motiond::planner::{PathAxes, Planner};
}

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use claims::{CLAIMS, Claim};
use support::{cases, seed};

/// Programs without `MOTIOND_CASES`.
const CASES: usize = 2_500;
/// Cycles that a program takes, about, at most, without `MOTIOND_CYCLES`.
const CYCLES: usize = 2_000;

/// What was wrong once, by claim, seed and cycles.
const ONCE_WRONG: [(usize, u64, usize); 41] = [
    (0, 957, 2_000),
    (0, 5_000_220, 2_000),
    (0, 21_099, 2_000),
    (0, 3_001_088, 5_000),
    (0, 7_002_093, 10_000),
    (0, 8_002_580, 5_000),
    (0, 8_004_063, 5_000),
    (0, 8_004_366, 5_000),
    (0, 8_005_656, 5_000),
    (0, 8_008_597, 5_000),
    (0, 8_010_485, 5_000),
    (0, 8_011_599, 5_000),
    (0, 8_028_376, 5_000),
    (0, 8_029_747, 5_000),
    (0, 9_002_437, 5_000),
    (0, 9_004_341, 5_000),
    (0, 9_014_525, 5_000),
    (0, 9_039_545, 5_000),
    (0, 40_025_544, 5_000),
    (0, 61_046_695, 7_500),
    (0, 80_000_663, 8_000),
    (0, 80_008_383, 8_000),
    (0, 80_008_928, 8_000),
    (0, 80_037_337, 8_000),
    (0, 80_048_339, 8_000),
    (1, 265, 2_000),
    (1, 578, 2_000),
    (1, 5_000_498, 2_000),
    (1, 500_997, 2_000),
    (1, 9_700_122, 5_000),
    (2, 282, 2_000),
    (2, 1_190, 2_000),
    (2, 5_000_090, 2_000),
    (2, 5_000_245, 2_000),
    (2, 5_000_945, 2_000),
    (2, 5_001_199, 2_000),
    (2, 9_700_122, 5_000),
    (3, 8, 2_000),
    (3, 7_101_450, 10_000),
    (4, 703_731, 2_000),
    (4, 9_700_122, 5_000),
];

/// Looks at `count` cases on all processors; how many cycles that were, and what is wrong.
fn campaign(claim: &Claim, seed: u64, count: usize, cycles: usize) -> (usize, Vec<String>) {
    let (next, looked_at, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    let look = || {
        loop {
            // Relaxed: each number is taken once, whoever takes it.
            let case = next.fetch_add(1, Ordering::Relaxed);
            if case >= count {
                return;
            }
            match claims::look(claim, seed + case as u64, cycles) {
                Ok(cycles) => _ = looked_at.fetch_add(cycles, Ordering::Relaxed),
                Err(what) => failed.lock().expect("no panic").push(what),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(look);
        }
    });
    (looked_at.into_inner(), failed.into_inner().expect("no panic"))
}

#[test]
fn random_programs() {
    let cycles = std::env::var("MOTIOND_CYCLES").ok();
    let cycles = cycles.map_or(CYCLES, |cycles| cycles.parse().expect("MOTIOND_CYCLES is a whole number"));
    let (count, seed) = (cases(CASES), seed(20_401));
    let wanted = std::env::var("MOTIOND_CLAIM").unwrap_or_default();
    assert!(CLAIMS.iter().any(|claim| claim.0.contains(&wanted)), "MOTIOND_CLAIM={wanted}: nothing is claimed so");
    let mut wrong = Vec::new();
    for (index, claim) in CLAIMS.iter().enumerate().filter(|(_, claim)| claim.0.contains(&wanted)) {
        // What is claimed of the way back and of steps is looked at in half as many.
        let count = if index == 0 { count } else { count.div_ceil(2) };
        let begun = std::time::Instant::now();
        let (looked_at, failed) = campaign(claim, seed, count, cycles);
        let taken = begun.elapsed().as_secs_f64();
        println!("seed {seed}: {}: {count} programs, {looked_at} cycles, {taken:.1} s", claim.0);
        wrong.extend(failed);
    }
    assert!(wrong.is_empty(), "{} programs:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_was_wrong_once() {
    for (claim, seed, cycles) in ONCE_WRONG {
        if let Err(what) = claims::look(&CLAIMS[claim], seed, cycles) {
            panic!("{what}");
        }
    }
}
