//! Random programs of paths, planned and followed: every limit at every instant, the programmed path within its tolerance, whatever
//! is asked for on the way and however the pieces come.
//!
//! ```sh
//! cargo test --release --test path -- --show-output
//! MOTIOND_CASES=100000 MOTIOND_CYCLES=10000 cargo test --release --test path -- --show-output   # a campaign
//! MOTIOND_CASES=1 MOTIOND_SEED=20500 MOTIOND_CYCLES=5000 cargo test --release --test path       # one program again
//! ```
//!
//! Program `n` has the seed `MOTIOND_SEED + n`.

#![allow(clippy::neg_cmp_op_on_partial_ord, reason = "what is no number is wrong, too")]
#![allow(clippy::needless_range_loop, reason = "an axis is a place in several arrays")]

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
    pub use motiond::planner::program::{Corner, Element, Feed, Point, Shape};
    pub use motiond::planner::{PathAxes, Planner};
}

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use claims::{CLAIMS, Claim};
use support::{cases, seed};

/// Programs without `MOTIOND_CASES`.
const CASES: usize = 2_500;
/// Cycles that a program takes, about, at most, without `MOTIOND_CYCLES`.
const CYCLES: usize = 5_000;

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
    for claim in CLAIMS {
        let begun = std::time::Instant::now();
        let (looked_at, failed) = campaign(claim, seed, count, cycles);
        let taken = begun.elapsed().as_secs_f64();
        println!("seed {seed}: {}: {count} programs, {looked_at} cycles, {taken:.1} s", claim.0);
        assert!(failed.is_empty(), "{} of {count}:\n{}", failed.len(), failed.join("\n"));
    }
}
