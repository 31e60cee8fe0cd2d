//! The pieces that the cycle has of a path: some behind its place, and those ahead.

use crate::geometry::Piece;
use crate::limits::PATH_PIECES;

/// Pieces behind the present one that are kept.
const BEHIND: u64 = 8;

/// A ring of pieces, numbered since the path began.
#[derive(Clone, Debug)]
pub struct Pieces {
    kept: Box<[Piece]>,
    /// Number of the next piece.
    end: u64,
    /// Number of the oldest that may still be looked at.
    begin: u64,
    /// Numbers of pieces at whose end the path rests: a ring, from the first that is not passed to the newest.
    rests: Box<[u64]>,
    first_rest: usize,
    rest_count: usize,
}

impl Pieces {
    pub fn new() -> Pieces {
        Pieces {
            kept: vec![Piece::NOTHING; PATH_PIECES].into_boxed_slice(),
            end: 0,
            begin: 0,
            rests: vec![0; PATH_PIECES].into_boxed_slice(),
            first_rest: 0,
            rest_count: 0,
        }
    }

    pub fn clear(&mut self) {
        (self.begin, self.end) = (0, 0);
        (self.first_rest, self.rest_count) = (0, 0);
    }

    /// Pieces that there is room for, where the motion is on piece `present`.
    pub fn room(&self, present: u64) -> usize {
        PATH_PIECES - (self.end - self.begin.max(present.saturating_sub(BEHIND))) as usize
    }

    /// Behind the others, where there is room; what lies far behind `present` makes some.
    pub fn push(&mut self, piece: &Piece, present: u64) -> bool {
        self.begin = self.begin.max(present.saturating_sub(BEHIND));
        self.pass_rests(present);
        if self.room(present) == 0 {
            return false;
        }
        if piece.rests {
            self.rests[(self.first_rest + self.rest_count) % PATH_PIECES] = self.end;
            self.rest_count += 1;
        }
        self.kept[(self.end % PATH_PIECES as u64) as usize] = *piece;
        self.end += 1;
        true
    }

    #[inline]
    pub fn get(&self, number: u64) -> Option<&Piece> {
        (self.begin..self.end).contains(&number).then(|| &self.kept[(number % PATH_PIECES as u64) as usize])
    }

    /// Forgets the rests before piece `present`. Bound: those that were passed since.
    pub fn pass_rests(&mut self, present: u64) {
        while self.rest_count > 0 && self.rests[self.first_rest] < present {
            self.first_rest = (self.first_rest + 1) % PATH_PIECES;
            self.rest_count -= 1;
        }
    }

    /// The piece at whose end the path has to rest, as far as it is known: the next rest, or the last piece that there is.
    #[inline]
    pub fn rest(&self) -> Option<&Piece> {
        if self.rest_count > 0 { self.get(self.rests[self.first_rest]) } else { self.last() }
    }

    pub fn last(&self) -> Option<&Piece> {
        self.end.checked_sub(1).and_then(|last| self.get(last))
    }

    /// Pieces from `number` on.
    pub fn count_from(&self, number: u64) -> usize {
        self.end.saturating_sub(number) as usize
    }
}
