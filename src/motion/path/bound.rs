//! What a cycle does at most, part by part.
//!
//! The parts are the functions in which a cycle's instructions are spent, none of which is inlined. `cargo bench --bench path_cost` counts the
//! instructions of the dearest call of each that it finds, without those of other parts, and multiplies them with these numbers: no cycle takes
//! more than the sum.

use crate::limits::{LINE_SEARCH, MAX_GROUP_AXES, MIRRORED_PER_CYCLE, PIECES_PER_CYCLE};

use super::place::{RELEASE_STRETCHES, STRETCHES};
use super::release::{RELEASED, RELEASES};
use super::search::{SEARCHED, SEARCHES};

/// Steps that a search looks at, with the hardest braking or the fastest step.
const JUDGED: usize = SEARCHES + 1;
/// Stretches of these: all but those of the last look, with that, and with the step behind it.
const SEARCHING: usize = SEARCHED - 1 + 2 * STRETCHES;
/// Of what is looked at to come to rest within the cycle.
const RESTING: usize = RELEASE_STRETCHES - 1 + STRETCHES;
/// Of the search for a braking that can be released.
const RELEASING: usize = RELEASED - 1 + STRETCHES;

/// A part of a cycle.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The end of the function's name.
    pub name: &'static str,
    /// How often it is called at most, in a cycle on the way there, line by line, and on the way back.
    pub forward: usize,
    /// See `forward`.
    pub back: usize,
    /// A part that it calls in a loop, so many instructions of its own in each turn of that, and how often in a cycle at most.
    pub turns: Option<(&'static str, u64, usize)>,
}

const fn part(name: &'static str, forward: usize, back: usize) -> Part {
    Part { name, forward, back, turns: None }
}

/// As often either way.
const fn always(name: &'static str, most: usize) -> Part {
    part(name, most, most)
}

/// All parts.
pub const PARTS: [Part; 14] = [
    // In steps of the search, of a release to rest, and of the search for a braking that can be released.
    always("place::stretch", SEARCHING + RESTING + RELEASING),
    always("margin::between", SEARCHING),
    Part { turns: Some(("place::stretch", 45, SEARCHING)), ..always("search::Search::judged", JUDGED) },
    // With each step of the search, and at the ends of lines.
    part("margin::margin", JUDGED + LINE_SEARCH, JUDGED),
    Part { turns: Some(("search::Search::judged", 60, JUDGED)), ..always("search::Search::greatest", 1) },
    always("search::Search::aimed", 1),
    // After the first look.
    always("search::Search::corrected", 1),
    // What lies ahead: before the search, and before the ends of lines.
    part("place::Place::lag", 2, 1),
    // Whether the present braking, and that of the step, can be released.
    always("place::Place::releasing", 2),
    // From the planner, and turned round.
    part("pieces::Pieces::push", PIECES_PER_CYCLE, PIECES_PER_CYCLE + MIRRORED_PER_CYCLE),
    part("mirror::mirrored", 0, MIRRORED_PER_CYCLE),
    part("mirror::lag_back", 0, 1),
    always("passage::Passage::member", MAX_GROUP_AXES),
    // All that is left.
    always("passage::Passage::step", 1),
];

const _: () = assert!(RELEASES <= RELEASED && SEARCHES <= SEARCHED, "a step has a stretch at least");
