//! Stop requests: one generation per axis, group and machine, raised by any thread, read first in each cycle.
//!
//! A stop uses no queue, so it works with every ring full and the gateway hung. It locks until a release that
//! names the generation which it ends: a release never undoes a stop that its sender did not know of.

use super::command::StopScope;
use super::sync::{Arc, AtomicU64, Ordering};
use crate::ids::{AxisId, GroupId};
use crate::limits::{MAX_AXES, MAX_GROUPS};

/// Rises with every stop of whatever scope, after that of the scope itself.
const ANY: usize = 0;
const MACHINE: usize = 1;
const GROUPS: usize = 2;
const AXES: usize = GROUPS + MAX_GROUPS;
const GENERATIONS: usize = AXES + MAX_AXES;

/// Where stops are requested. Copies are of one board.
#[derive(Clone)]
pub struct StopBoard {
    generations: Arc<Vec<AtomicU64>>,
}

/// The cycle's view of the board.
pub struct StopReader {
    board: StopBoard,
    axes: usize,
    groups: usize,
    seen: [u64; GENERATIONS],
}

/// A board for this many axes and groups, and its reader.
///
/// # Panics
/// Where there are more of either than `limits` allows.
pub fn board(axes: usize, groups: usize) -> (StopBoard, StopReader) {
    assert!(
        axes <= MAX_AXES && groups <= MAX_GROUPS,
        "{axes} axes and {groups} groups exceed {MAX_AXES} and {MAX_GROUPS}"
    );
    let board = StopBoard { generations: Arc::new((0..GENERATIONS).map(|_| AtomicU64::new(0)).collect()) };
    (board.clone(), StopReader { board, axes, groups, seen: [0; GENERATIONS] })
}

fn place(scope: StopScope) -> Option<usize> {
    match scope {
        StopScope::Machine => Some(MACHINE),
        StopScope::Group(group) if group.index() < MAX_GROUPS => Some(GROUPS + group.index()),
        StopScope::Axis(axis) if axis.index() < MAX_AXES => Some(AXES + axis.index()),
        StopScope::Group(_) | StopScope::Axis(_) => None,
    }
}

impl StopBoard {
    /// Asks for a stop; returns its generation, which a release must name. A scope that cannot be is not stopped
    /// (generation 0): who turns names into scopes has refused it before.
    pub fn request(&self, scope: StopScope) -> u64 {
        // An atomic addition: of two threads that stop at once neither is lost. Release, with the loads of the
        // reader: what the requester did before its stop is seen by the cycle that stops.
        place(scope).map_or(0, |place| {
            let generation = self.generations[place].fetch_add(1, Ordering::Release) + 1;
            self.generations[ANY].fetch_add(1, Ordering::Release);
            generation
        })
    }

    /// The newest generation of a scope; 0 before the first stop.
    pub fn generation(&self, scope: StopScope) -> u64 {
        place(scope).map_or(0, |place| self.generations[place].load(Ordering::Acquire))
    }
}

impl StopReader {
    /// Calls `each` for every scope of the machine that was stopped since the last call, with its newest
    /// generation: machine first, then groups, then axes. One load where nothing was stopped, else 2 + groups + axes.
    #[inline]
    pub fn poll(&mut self, each: impl FnMut(StopScope, u64)) {
        // Pairs with the last addition in `StopBoard::request`: whoever sees it sees the scope's own generation. A stop
        // between this load and those of `find` is found now, and looked for once more in the next cycle.
        let any = self.board.generations[ANY].load(Ordering::Acquire);
        if any != self.seen[ANY] {
            self.seen[ANY] = any;
            self.find(each);
        }
    }

    fn find(&mut self, mut each: impl FnMut(StopScope, u64)) {
        self.look(MACHINE, 1, |_| StopScope::Machine, &mut each);
        self.look(GROUPS, self.groups, |group| StopScope::Group(GroupId(group as u8)), &mut each);
        self.look(AXES, self.axes, |axis| StopScope::Axis(AxisId(axis as u8)), &mut each);
    }

    #[inline]
    fn look(
        &mut self,
        first: usize,
        count: usize,
        scope: impl Fn(usize) -> StopScope,
        each: &mut impl FnMut(StopScope, u64),
    ) {
        let generations = &self.board.generations[first..first + count];
        let seen = &mut self.seen[first..first + count];
        for (place, (generation, seen)) in generations.iter().zip(seen).enumerate() {
            // Pairs with the addition in `StopBoard::request`.
            let generation = generation.load(Ordering::Acquire);
            if generation != *seen {
                *seen = generation;
                each(scope(place), generation);
            }
        }
    }

    /// The generation that the cycle has read last; 0 before the first stop.
    pub fn seen(&self, scope: StopScope) -> u64 {
        place(scope).map_or(0, |place| self.seen[place])
    }

    /// The same for every axis, in their order.
    #[inline]
    pub fn seen_axes(&self) -> &[u64] {
        &self.seen[AXES..]
    }

    /// Whether a release that names `generation` ends the stop of this scope: it was read, and none followed,
    /// not even one that has not been read yet.
    pub fn releases(&self, scope: StopScope, generation: u64) -> bool {
        generation != 0 && self.seen(scope) == generation && self.board.generation(scope) == generation
    }
}
