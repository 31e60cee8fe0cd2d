//! The pieces that the cycle has of a path: those behind its place, and those ahead.

use crate::geometry::Piece;

/// A ring of pieces, numbered since the path began.
#[derive(Clone, Debug)]
pub struct Pieces {
    kept: Box<[Piece]>,
    /// Pieces behind the present one that are kept.
    behind: u64,
    /// Number of the next piece.
    end: u64,
    /// Number of the oldest that may still be looked at.
    begin: u64,
    /// Numbers of pieces at whose end the path rests: a ring, from the oldest that is kept to the newest.
    rests: Box<[u64]>,
    /// Rests since the path began that are forgotten, that are passed, and all of them.
    forgotten: u64,
    passed: u64,
    known: u64,
    /// The path is to rest at the end of this piece, at the latest.
    limit: Option<u64>,
}

impl Pieces {
    /// Room for `most`, a power of two, of which `behind` are behind the present one. Allocates all of it.
    pub fn new(most: usize, behind: usize) -> Pieces {
        Pieces {
            kept: vec![Piece::NOTHING; most].into_boxed_slice(),
            behind: behind as u64,
            end: 0,
            begin: 0,
            rests: vec![0; most].into_boxed_slice(),
            forgotten: 0,
            passed: 0,
            known: 0,
            limit: None,
        }
    }

    pub fn clear(&mut self) {
        (self.begin, self.end) = (0, 0);
        (self.forgotten, self.passed, self.known) = (0, 0, 0);
        self.limit = None;
    }

    /// Pieces that there is room for, where the motion is on piece `present`.
    pub fn room(&self, present: u64) -> usize {
        self.kept.len() - (self.end - self.oldest(present)) as usize
    }

    fn oldest(&self, present: u64) -> u64 {
        self.begin.max(present.saturating_sub(self.behind))
    }

    /// Behind the others, where there is room; what lies far behind `present` makes some.
    #[inline(never)]
    pub fn push(&mut self, piece: &Piece, present: u64) -> bool {
        self.begin = self.oldest(present);
        self.pass_rests(present);
        // One for each that may be added: so there is room for those of all pieces that are kept.
        if self.forgotten < self.passed && self.numbered(self.forgotten) < self.begin {
            self.forgotten += 1;
        }
        if self.room(present) == 0 {
            return false;
        }
        if piece.rests {
            let slot = self.slot(self.known);
            self.rests[slot] = self.end;
            self.known += 1;
        }
        let slot = self.slot(self.end);
        self.kept[slot] = *piece;
        self.end += 1;
        true
    }

    #[inline]
    fn slot(&self, number: u64) -> usize {
        number as usize & (self.kept.len() - 1)
    }

    /// The number of the piece with this rest.
    #[inline]
    fn numbered(&self, rest: u64) -> u64 {
        self.rests[self.slot(rest)]
    }

    #[inline]
    pub fn get(&self, number: u64) -> Option<&Piece> {
        (self.begin..self.end).contains(&number).then(|| &self.kept[self.slot(number)])
    }

    /// Pieces from `number` on, `most` of them.
    #[inline]
    pub fn ahead(&self, number: u64, most: usize) -> impl Iterator<Item = &Piece> {
        let end = self.end.min(number + most as u64);
        let begin = if number < self.begin { end } else { number };
        (begin..end).map(|number| &self.kept[self.slot(number)])
    }

    #[inline]
    pub fn has(&self, number: u64) -> bool {
        (self.begin..self.end).contains(&number)
    }

    /// The oldest that is kept.
    pub fn begin(&self) -> u64 {
        self.begin
    }

    /// The number of the next piece.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Passes the rests before piece `present`. Bound: those that were passed since.
    pub fn pass_rests(&mut self, present: u64) {
        while self.passed < self.known && self.numbered(self.passed) < present {
            self.passed += 1;
        }
    }

    /// The motion is back on piece `present`: rests from there on are to come again. Bound: as many halvings as there are digits in what is kept.
    pub fn go_back(&mut self, present: u64) {
        let mut low = self.forgotten;
        while low < self.passed {
            let middle = low + (self.passed - low) / 2;
            if self.numbered(middle) < present { low = middle + 1 } else { self.passed = middle }
        }
    }

    /// The path is to rest at the end of piece `limit` at the latest, whatever is known behind it.
    pub fn set_limit(&mut self, limit: Option<u64>) {
        self.limit = limit;
    }

    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Number of the piece at whose end the path has to rest, as far as it is known: the next rest, or the last piece that there is.
    #[inline]
    pub fn rest_number(&self) -> Option<u64> {
        let known = if self.passed < self.known { self.numbered(self.passed) } else { self.end.checked_sub(1)? };
        Some(self.limit.map_or(known, |limit| limit.min(known)))
    }

    /// That piece.
    #[inline]
    pub fn rest(&self) -> Option<&Piece> {
        self.rest_number().and_then(|number| self.get(number))
    }

    pub fn last(&self) -> Option<&Piece> {
        self.end.checked_sub(1).and_then(|last| self.get(last))
    }

    /// Pieces from `number` on.
    pub fn count_from(&self, number: u64) -> usize {
        self.end.saturating_sub(number) as usize
    }
}
