//! There and back along a path, and line by line.
//!
//! ```text
//!            retreat            at rest               at rest, or advance
//! forward ───────────► to rest ─────────► back ─► to rest ────────────────► forward
//! ```
//!
//! Back it goes with the same follower on pieces that are turned round (see `mirror`), as far as pieces are kept; rests on the way are kept
//! as on the way there. Forward it goes on through the same places.
//!
//! In steps, it rests at the end of each line of the program and waits for the next step: at the end of the first piece behind which another
//! line begins, from which it can still be stopped. Lines that are shorter than a stop takes are passed together. Steps are of the way forward.

use crate::geometry::Piece;
use crate::limits::{LINE_SEARCH, MIRRORED_BEHIND, MIRRORED_PER_CYCLE, MIRRORED_PIECES};

use super::super::profile::State;
use super::PathMotion;
use super::margin::{MOST_CHANGE, Way, margin};
use super::mirror::{lag_back, mirrored};
use super::pieces::Pieces;
use super::place::Place;

/// A stop at the end of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Stop {
    /// None: it does not go in steps.
    #[default]
    None,
    /// Behind piece `after` a line begins that is not the one of that piece: is looked for.
    Sought { after: u64 },
    /// At the end of this piece.
    At(u64),
    /// It has come to rest there, and waits. On piece `next` it goes on.
    Waiting { next: u64 },
}

/// Motion along a path in both directions.
#[derive(Clone, Debug)]
pub struct Passage {
    path: PathMotion,
    /// Over pieces that are turned round.
    back: PathMotion,
    /// It is on the way back.
    on_way_back: bool,
    /// It shall be.
    retreats: bool,
    /// Number of the piece with which the way back begins.
    origin: u64,
    /// Pieces that are turned round.
    turned: u64,
    stop: Stop,
}

impl Passage {
    /// Without a path. Allocates what all paths need.
    pub fn new(period_s: f64) -> Passage {
        let mut back = PathMotion::over(Pieces::new(MIRRORED_PIECES, MIRRORED_BEHIND), period_s);
        back.back = true;
        let path = PathMotion::new(period_s);
        Passage { path, back, on_way_back: false, retreats: false, origin: 0, turned: 0, stop: Stop::None }
    }

    /// Forgets the path, and that it goes in steps.
    pub fn clear(&mut self) {
        self.path.clear();
        self.back.clear();
        (self.on_way_back, self.retreats) = (false, false);
        self.stop = Stop::None;
    }

    /// The path as it goes forward: what is known of it, and how far the motion is, whichever way it goes.
    pub fn path(&self) -> &PathMotion {
        &self.path
    }

    /// One piece more, behind the others. Returns false, and changes nothing, where there is no room.
    pub fn push(&mut self, piece: &Piece) -> bool {
        self.path.push(piece)
    }

    fn on(&self) -> &PathMotion {
        if self.on_way_back { &self.back } else { &self.path }
    }

    /// It moves.
    pub fn moving(&self) -> bool {
        self.on().moving()
    }

    /// Path units/s; negative on the way back.
    pub fn velocity(&self) -> f64 {
        if self.on_way_back { -self.back.velocity() } else { self.path.velocity() }
    }

    /// It rests at the end of the program.
    pub fn arrived(&self) -> bool {
        self.path.arrived() && !self.on_way_back
    }

    /// It is held up because no more of the path is known.
    pub fn starved(&self) -> bool {
        !self.on_way_back && (self.path.starved() || self.path.at_known_end())
    }

    /// It is on the way back, or about to be.
    pub fn retreats(&self) -> bool {
        self.retreats
    }

    /// It has gone back as far as it can.
    pub fn at_far_end(&self) -> bool {
        self.on_way_back && !self.back.moving() && self.path.behind() <= 0.0
    }

    /// It rests at the end of a line, and waits for the next step.
    pub fn waits(&self) -> bool {
        matches!(self.stop, Stop::Waiting { .. })
    }

    /// It goes in steps.
    pub fn in_steps(&self) -> bool {
        self.stop != Stop::None
    }

    /// Back along the path, or forward again.
    pub fn retreat(&mut self, back: bool) {
        self.retreats = back;
    }

    /// Rests at the end of each line from now on, or goes on without.
    pub fn set_steps(&mut self, on: bool) {
        if on != self.in_steps() {
            self.stop = if on { Stop::Sought { after: self.present() } } else { Stop::None };
            self.path.pieces.set_limit(None);
        }
    }

    /// On to the end of the next line, where it waits at the end of one.
    pub fn next_step(&mut self) -> bool {
        let Stop::Waiting { next } = self.stop else { return false };
        self.stop = Stop::Sought { after: next };
        self.path.pieces.set_limit(None);
        true
    }

    /// Number of the piece that it is on: at the end of one, of the next.
    pub fn present(&self) -> u64 {
        let Place { piece, x, .. } = self.path.place;
        let ended = self.path.pieces.get(piece).is_some_and(|piece| x >= piece.length);
        piece + u64::from(ended)
    }

    /// See [`PathMotion::launch`].
    pub fn launch(&mut self, velocity: f64) {
        self.path.launch(velocity);
    }

    /// One period on, at `ratio` of the programmed velocity; 0 comes to rest.
    #[inline(never)]
    pub fn step(&mut self, ratio: f64) {
        if self.retreats != self.on_way_back && !self.moving() {
            self.turn();
        }
        let ratio = if self.retreats == self.on_way_back { ratio } else { 0.0 };
        if self.on_way_back {
            self.turn_pieces();
            self.back.step(ratio);
            self.keep_place();
        } else {
            self.find_stop();
            // What is known is looked through before it leaves a rest.
            let looks = self.looks() && !self.moving();
            self.path.step(if self.waits() || looks { 0.0 } else { ratio });
            self.find_rest();
        }
    }

    /// Position, velocity and acceleration of an axis of the path; drive coordinates.
    #[inline(never)]
    pub fn member(&self, axis: usize) -> State {
        self.on().member(axis)
    }

    /// See [`PathMotion::within`].
    pub fn within(&self, share: f64, axis: usize) -> [f64; 4] {
        self.on().within(share, axis)
    }

    /// At rest: the other way.
    fn turn(&mut self) {
        if self.on_way_back {
            self.on_way_back = false;
            let Place { piece, x, .. } = self.path.place;
            // At the end of a piece it is on the next, where there is one.
            let ended = self.path.pieces.get(piece).is_some_and(|piece| x >= piece.length);
            if ended && self.path.pieces.get(piece + 1).is_some() {
                self.path.place = Place { piece: piece + 1, ..Place::default() };
            }
            self.path.pieces.go_back(self.path.place.piece);
            self.path.settle();
            if self.in_steps() {
                self.stop = Stop::Sought { after: self.path.place.piece };
                self.path.pieces.set_limit(None);
            }
        } else if !self.path.arrived() {
            let Place { mut piece, mut x, .. } = self.path.place;
            let pieces = &self.path.pieces;
            // At the beginning of a piece it is at the end of the one before.
            if x <= 0.0
                && let Some(before) = piece.checked_sub(1)
                && let Some(kept) = pieces.get(before)
            {
                (piece, x) = (before, kept.length);
            }
            let Some(length) = pieces.get(piece).map(|piece| piece.length) else { return };
            self.on_way_back = true;
            (self.origin, self.turned) = (piece, 0);
            self.back.clear();
            self.back.place = Place { piece: 0, x: length - x, ..Place::default() };
            self.keep_place();
        }
    }

    /// Some more of the way back. Bound: MIRRORED_PER_CYCLE.
    fn turn_pieces(&mut self) {
        let (room, more) = (self.back.room(), self.origin + 1 - self.turned);
        let count = (MIRRORED_PER_CYCLE as u64).min(room as u64).min(more);
        let Some(first) = self.origin.checked_sub(self.turned).filter(|_| count > 0) else { return };
        let lag = lag_back(&self.path.pieces, first, count, self.path.period_s);
        for _ in 0..count {
            let Some(number) = self.origin.checked_sub(self.turned) else { return };
            let behind = self.back.pieces.last().map_or((0.0, 0.0), |last| {
                (last.potential + last.envelope.potential(last.length), last.distance + last.length)
            });
            let Some(piece) = mirrored(&self.path.pieces, number, lag, behind) else { return };
            if !self.back.push(&piece) {
                return;
            }
            self.turned += 1;
        }
    }

    /// Where it is on the path, on the way back.
    fn keep_place(&mut self) {
        let Place { piece, x, .. } = self.back.place;
        let Some(number) = self.origin.checked_sub(piece) else { return };
        let length = self.path.pieces.get(number).map_or(0.0, |piece| piece.length);
        self.path.place = Place { piece: number, x: (length - x).max(0.0), ..Place::default() };
    }

    /// Where the next line begins. Bound: LINE_SEARCH.
    fn find_stop(&mut self) {
        if let Stop::At(number) = self.stop
            && self.path.place.piece > number
            && self.path.place.energy() > self.path.spare()
        {
            // It could not be stopped there.
            self.stop = Stop::Sought { after: self.path.place.piece };
            self.path.pieces.set_limit(None);
        }
        let mut lag = None;
        for _ in 0..LINE_SEARCH {
            let Stop::Sought { after } = self.stop else { return };
            let after = after.max(self.path.pieces.begin());
            let pieces = &self.path.pieces;
            let (Some(piece), Some(next)) = (pieces.get(after), pieces.get(after + 1)) else { return };
            let ends = next.line != piece.line;
            let found = ends && self.stop_at(after, &mut lag);
            self.stop = if found { Stop::At(after) } else { Stop::Sought { after: after + 1 } };
        }
    }

    /// The end of the line may be among what is known.
    fn looks(&self) -> bool {
        let Stop::Sought { after } = self.stop else { return false };
        self.path.pieces.get(after + 1).is_some()
    }

    /// It can still come to rest at the end of piece `number`, which is the limit then.
    fn stop_at(&mut self, number: u64, lag: &mut Option<f64>) -> bool {
        let PathMotion { pieces, place, period_s, .. } = &mut self.path;
        let Some(envelope) = pieces.get(place.piece).map(|piece| piece.envelope) else { return false };
        pieces.set_limit(Some(number));
        // Where the program rests it does so in any case.
        if pieces.get(number).is_some_and(|piece| piece.rests) {
            return true;
        }
        // The same for all ends of lines.
        let lag = *lag.get_or_insert_with(|| place.lag(pieces, MOST_CHANGE, *period_s));
        let way = Way { from: place.share, change: 0.0, period_s: *period_s, lag };
        // With two cycles to spare.
        let acceleration = envelope.at(place.x);
        let spare = 2.0 * *period_s * (place.velocity + acceleration * *period_s) * acceleration;
        let rests = place.velocity == 0.0 && place.share == 0.0;
        if number >= place.piece && (rests || margin(pieces, place, &way, 1.0).supply >= spare) {
            return true;
        }
        pieces.set_limit(None);
        false
    }

    /// It has come to rest at the end of a line.
    fn find_rest(&mut self) {
        let Stop::At(number) = self.stop else { return };
        if !self.path.moving() && self.present() > number && !self.path.arrived() {
            self.stop = Stop::Waiting { next: number + 1 };
        }
    }
}
