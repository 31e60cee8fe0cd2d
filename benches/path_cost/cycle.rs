//! The cycle that is counted, and those that are not.

use std::collections::VecDeque;

use motiond::geometry::Piece;
use motiond::limits::PIECES_PER_CYCLE;
use motiond::motion::path::Passage;

pub const PERIOD_S: f64 = 0.001;
pub const FEED: f64 = 200.0;
/// The end of the name of what is counted, as callgrind shows it.
pub const COUNTED: &str = "path_cost::cycle::counted_cycle";

/// What is counted: the cycle's whole work on the path of one group.
#[inline(never)]
pub fn counted_cycle(motion: &mut Passage, ring: &mut VecDeque<Piece>, ratio: f64, axes: usize) -> f64 {
    for _ in 0..PIECES_PER_CYCLE {
        match ring.front() {
            Some(piece) if motion.push(piece) => drop(ring.pop_front()),
            _ => break,
        }
    }
    motion.step(ratio);
    (0..axes).map(|axis| motion.member(axis)).map(|state| state.position + state.velocity + state.acceleration).sum()
}

/// A cycle that is not counted.
#[inline(never)]
pub fn other_cycle(motion: &mut Passage, ratio: f64) {
    motion.step(ratio);
}
