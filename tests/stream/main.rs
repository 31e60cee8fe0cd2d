//! Streams of timed points on the virtual clock, from points to every instant between two cycles (`MOTIOND_CASES`, `MOTIOND_SEED`).
//!
//! Stream `n` has the seed `MOTIOND_SEED + n`; a stream that fails tells its own.

mod claims;
mod random;
mod run;
#[path = "../support/random.rs"]
mod support;
