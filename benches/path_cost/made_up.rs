//! Cycles on pieces that no planner makes, for which searches take long.

use std::collections::VecDeque;
use std::hint::black_box;

use motiond::geometry::{Ceiling, Cubic, Envelope, Piece};
use motiond::limits::{MAX_GROUP_AXES, PIECES_AHEAD};
use motiond::motion::path::Passage;

use crate::cycle::{FEED, PERIOD_S, counted_cycle, other_cycle};

/// Pieces that are passed in the cycle that costs the most.
#[derive(Clone, Copy)]
pub struct Worst {
    /// As many end in it.
    pub passed: usize,
    /// What they end with is permitted to the half of what may be done, so that the search goes on to its end.
    pub searches: bool,
    /// Braking cannot be released in time, so that another search follows.
    pub released: bool,
}

/// Acceleration of the cycles that are made up: the speed changes so much within one that the ends of pieces are hard to find.
const STEEP: f64 = 2e4;
const RATE: f64 = 100.0;
const BRAKING_CYCLES: usize = 5;

/// Before the cycle that is counted: at the feed for a while, and then braking.
fn approach(motion: &mut Passage) {
    (0..400).for_each(|_| other_cycle(motion, 1.0));
    (0..BRAKING_CYCLES).for_each(|_| other_cycle(motion, 0.0));
}

/// Comes to such a cycle.
pub fn run(worst: Worst) {
    let bound = Ceiling { energy: 0.5 * FEED * FEED, slope: 0.0, bend: 0.0 };
    let axis = Cubic([1.0, 0.5, 1e-3, 1e-4]);
    let envelope = Envelope { acceleration: STEEP, slope: 0.0, rate: RATE, lag: STEEP / RATE };
    let first = Piece {
        length: 1e6,
        axes: [axis; MAX_GROUP_AXES],
        envelope,
        ceiling: bound,
        feed: bound,
        cap: bound.energy,
        potential: -1e12,
        ..Piece::NOTHING
    };
    // Once to see where it comes to.
    let mut motion = Passage::new(PERIOD_S);
    motion.push(&first);
    motion.push(&Piece { distance: 1e6, potential: 1e12, ..first });
    approach(&mut motion);
    let (way, speed) = (motion.path().distance(), motion.velocity());
    let share = -RATE * PERIOD_S * BRAKING_CYCLES as f64;
    let reach = PERIOD_S * (speed + 0.5 * PERIOD_S * share * STEEP);
    // And once more, with pieces that begin just behind.
    let length = reach / worst.passed.max(1) as f64;
    let high = Ceiling { energy: 1e20, slope: 0.9, bend: 0.0 };
    let low = Ceiling { energy: -1e20, ..high };
    let mut ring = VecDeque::new();
    let mut motion = Passage::new(PERIOD_S);
    let begin = Piece { length: way + if worst.passed == 0 { 2.0 * reach } else { length }, ..first };
    motion.push(&begin);
    let lag = if worst.released { 1e9 } else { 1e-9 };
    for index in 1..200 {
        let piece = Piece {
            length,
            distance: begin.length + (index - 1) as f64 * length,
            ceiling: if index < worst.passed || !worst.searches { high } else { low },
            feed: high,
            envelope: Envelope {
                lag: if index < 150 { lag } else { envelope.lag },
                // Beyond what the cycle reaches: the braking takes long to be released.
                rate: if worst.released && index > PIECES_AHEAD && index < 150 { 0.1 * RATE } else { RATE },
                ..envelope
            },
            potential: if index < 150 { 0.0 } else { 1e12 },
            ..first
        };
        if index < 192 {
            assert!(motion.push(&piece));
        } else {
            ring.push_back(piece);
        }
    }
    approach(&mut motion);
    assert_eq!((motion.path().distance(), motion.velocity()), (way, speed), "it comes to the same place");
    black_box(counted_cycle(black_box(&mut motion), &mut ring, 1.0, MAX_GROUP_AXES));
}
