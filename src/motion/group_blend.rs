//! Programs of paths that are joined: one motion, whose command changes where one ends and the next begins.
//!
//! ```text
//! goal: A        queue: B joins, C joins     pieces of A
//!                       │                    ◄─ "B joins here": B has a border, and its pieces are taken behind those of A
//! goal: B        queue: C joins              the motion is at the border: A is done, B is active
//! ```
//!
//! The motion itself knows nothing of this: it is that of one program with all elements. What is joined to a program goes on where that ends and can
//! begin nowhere else, so what ends the one before that ends it, too.

use crate::geometry::Piece;
use crate::ids::Handle;
use crate::limits::GROUP_QUEUE;

use super::group::{Goal, Group};
use super::group_path::PieceFate;
use super::path::Along;
use super::reports::Reports;
use super::types::{GroupShape, Progress, Reason, Rejection};

/// Where a program begins on the path of the one before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Border {
    /// The number of its first piece.
    pub piece: u64,
    pub at: Along,
}

impl Goal {
    fn is_path(&self, epoch: u32) -> bool {
        self.shape == GroupShape::Path && self.path.epoch == epoch
    }
}

impl Group {
    /// Behind program `before`, without a rest between them.
    pub(super) fn join_path(&mut self, mut goal: Goal, before: u32) -> Result<(), Rejection> {
        let newest = self.queue.last().or(self.goal.as_ref());
        if !newest.is_some_and(|newest| newest.is_path(before) && newest.path.stream.is_none()) {
            return Err(Rejection::of(Reason::NotJoined));
        }
        goal.path.joins = true;
        if !self.queue.push(goal) {
            return Err(Rejection::with(Reason::QueueFull, self.queue.len() as f64, GROUP_QUEUE as f64));
        }
        Ok(())
    }

    /// A piece of a program that waits. It waits, too, unless that is joined to one whose pieces are there. Bound: GROUP_QUEUE.
    pub(super) fn offer_waiting(&mut self, piece: &Piece) -> PieceFate {
        let (mut before, mut border) = (self.path_goal().is_some(), None);
        for goal in self.queue.iter_mut() {
            before &= goal.shape == GroupShape::Path && goal.path.joins;
            if !goal.is_path(piece.epoch) {
                before &= goal.path.border.is_some();
                continue;
            }
            if !before {
                return PieceFate::Later;
            }
            if piece.joins {
                let at = Along { distance: piece.distance, time_s: piece.time };
                goal.path.border = Some(Border { piece: self.path.path().given(), at });
                return PieceFate::Taken;
            }
            border = Some(goal.path.border);
            break;
        }
        match border {
            None => PieceFate::Dropped,
            Some(Some(_)) if self.path.push(piece) => PieceFate::Taken,
            Some(_) => PieceFate::Later,
        }
    }

    /// The motion is at the border to the next program, or behind it: that is the one that is followed now. Bound: GROUP_QUEUE.
    #[inline]
    pub(super) fn hand_over(&mut self, reports: &mut Reports) {
        while let Some(border) = self.next_border()
            && self.path.present() >= border.piece
            && let Some(next) = self.queue.pop()
        {
            if let Some(ended) = self.goal.replace(next) {
                reports.progress(ended.handle, Progress::Done);
            }
            reports.progress(next.handle, Progress::Active);
            (self.path_place.epoch, self.path_place.begin) = (next.path.epoch, border.at);
        }
    }

    /// Where the program that it follows ends and the next one goes on.
    fn next_border(&self) -> Option<Border> {
        self.queue.first().and_then(|goal| goal.path.border)
    }

    /// Ends the path of this command, as far as it waits, and those that are joined to it before and behind. Returns whether the active path is one
    /// of them, which goes on; `None` where there is no such path. Bound: the square of GROUP_QUEUE.
    pub(super) fn cancel_joined(&mut self, path: Handle, reports: &mut Reports) -> Option<bool> {
        let active = self.path_handle();
        if path == Handle::NONE {
            return None;
        }
        // The handles of those that are one motion with it.
        let (mut joined, mut count, mut moves) = ([Handle::NONE; GROUP_QUEUE], 0, active != Handle::NONE);
        let mut found = moves && active == path;
        for goal in self.queue.iter() {
            if !goal.path.joins {
                if found {
                    break;
                }
                (count, moves) = (0, false);
            }
            if goal.shape == GroupShape::Path {
                found |= goal.handle == path;
                joined[count] = goal.handle;
                count += 1;
            }
        }
        if !found {
            return None;
        }
        for handle in &joined[..count] {
            self.queue.take(|goal| goal.handle == *handle);
            reports.progress(*handle, Progress::Aborted);
        }
        Some(moves)
    }

    /// Path units since the program that it follows began; 0 where it has gone back behind that.
    pub fn path_distance(&self) -> f64 {
        self.path.path().here().since(self.path_place.begin).distance
    }

    /// What is left of that program as it is planned, at an override of 1, once its end is known.
    pub fn path_left(&self) -> Option<Along> {
        self.program_end().map(|end| end.since(self.path.path().here()))
    }

    /// Share of it that is done, once its end is known; 0 before.
    pub(super) fn path_progress(&self) -> f64 {
        let Some(end) = self.program_end() else { return 0.0 };
        let whole = end.since(self.path_place.begin).distance;
        if whole > 0.0 { (self.path_distance() / whole).min(1.0) } else { 1.0 }
    }

    fn program_end(&self) -> Option<Along> {
        self.next_border().map(|border| border.at).or_else(|| self.path.path().end_along())
    }
}
