//! Programs that share one path: where one ends, the next begins without a rest.

use std::collections::VecDeque;

use crate::geometry::Piece;

use super::legs::SHORTEST;

/// The programs of a path, from the one that its pieces belong to now.
#[derive(Clone, Debug)]
pub struct Borders {
    epoch: u32,
    /// Units of path at which each of the next ones begins, and its number.
    ahead: VecDeque<(f64, u32)>,
}

impl Borders {
    /// Of a path of one program.
    pub fn new(epoch: u32) -> Borders {
        Borders { epoch, ahead: VecDeque::new() }
    }

    /// From `sigma` on the path is that of program `epoch`.
    pub fn add(&mut self, sigma: f64, epoch: u32) {
        self.ahead.push_back((sigma, epoch));
    }

    /// The next piece of the path: it belongs to the program in which it begins.
    pub fn give(&mut self, piece: Piece, out: &mut VecDeque<Piece>) {
        self.pass(piece.distance, piece.time, out);
        out.push_back(Piece { epoch: self.epoch, ..piece });
    }

    /// The path is given out up to this `distance`, where it is at this `time`: programs that begin there, or before, do so. Says for each of
    /// them where that is.
    pub fn pass(&mut self, distance: f64, time: f64, out: &mut VecDeque<Piece>) {
        while let Some((sigma, epoch)) = self.ahead.front().copied() {
            if sigma > distance + SHORTEST {
                return;
            }
            self.ahead.pop_front();
            self.epoch = epoch;
            out.push_back(Piece { distance, time, epoch, joins: true, ..Piece::NOTHING });
        }
    }
}
