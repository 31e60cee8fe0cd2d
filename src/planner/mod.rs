//! From the elements of a program to pieces that the cycle follows. Never on the real-time thread.
//!
//! ```text
//! elements ─► legs ─► track ─► split ─► speed ─► pieces
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`program`] | elements as they are asked for |
//! | [`axes`] | the order of a group's axes in here |
//! | `legs` | what is short is gathered; how corners are joined |
//! | `halt` | where a stop is sooner than a rounded corner |
//! | `track` | the curve that is followed |
//! | `split` | stretches that take a few periods each |
//! | `speed` | how fast each may be passed; `ceiling` in it rounds that, `spot` is what limits leave at one place, `solved` what is settled |
//!
//! A stream of timed points takes a way of its own: `points` (what they leave out), `segment` (the curve between two of them), `reserve`
//! (whether limits hold on it), `stream` (its pieces).
//!
//! What comes out depends on the elements alone, and not on how many of them came at a time, or when.

pub mod axes;
mod halt;
mod legs;
pub mod points;
pub mod program;
pub mod reserve;
pub mod segment;
mod solved;
mod speed;
mod split;
mod spot;
mod stream;
mod track;

use std::collections::VecDeque;

use crate::geometry::Piece;
use crate::limits::MAX_GROUP_AXES;
use crate::motion::Limits;

pub use axes::PathOrder;
use legs::{Gatherer, Join, join};
use program::{Element, Point};
use speed::Speeds;
use split::Splitter;
pub use stream::StreamPlanner;
use track::Track;

/// The axes of a path, the linear ones first.
#[derive(Clone, Debug, PartialEq)]
pub struct PathAxes {
    /// Limits of each axis, axis units.
    pub limits: Vec<Limits>,
    /// How many of them, from the first on, are linear.
    pub linear: usize,
    /// What one cycle advances.
    pub period_s: f64,
}

/// Plans one program: elements in, pieces out.
#[derive(Clone, Debug)]
pub struct Planner {
    axes: PathAxes,
    gatherer: Gatherer,
    track: Track,
    splitter: Splitter,
    speeds: Speeds,
    pieces: VecDeque<Piece>,
    ended: bool,
}

impl Planner {
    /// A program that begins at rest at `start`; its pieces carry `epoch`.
    pub fn new(axes: PathAxes, start: Point, epoch: u32) -> Planner {
        let count = axes.limits.len().min(MAX_GROUP_AXES);
        let linear = axes.linear.min(count);
        Planner {
            gatherer: Gatherer::new(count, linear, start),
            track: Track::new(count, linear),
            splitter: Splitter::new(axes.limits.clone(), axes.period_s),
            speeds: Speeds::new(axes.limits.clone(), axes.period_s, epoch),
            pieces: VecDeque::new(),
            ended: false,
            axes,
        }
    }

    /// Where the last element ends.
    pub fn end(&self) -> &Point {
        self.gatherer.end()
    }

    /// Units of path that were asked for.
    pub fn distance(&self) -> f64 {
        self.gatherer.sigma()
    }

    /// One element more; nothing after [`Planner::finish`].
    pub fn push(&mut self, element: &Element) {
        if !self.ended {
            if self.gatherer.push(element) {
                self.track.stop();
            }
            self.advance(false);
        }
    }

    /// What is known is planned to its end, where it rests: because nothing follows (`last`), or what follows is not there in time.
    pub fn finish(&mut self, last: bool) {
        self.advance(true);
        self.end_track();
        if last && !self.ended {
            self.ended = true;
            if self.pieces.is_empty() {
                // All that there was is on its way, or there was nothing.
                self.pieces.push_back(self.speeds.stand(self.gatherer.end(), self.gatherer.sigma()));
            }
            if let Some(piece) = self.pieces.back_mut() {
                piece.last = true;
            }
        }
    }

    /// The next piece that is ready.
    pub fn take(&mut self) -> Option<Piece> {
        self.pieces.pop_front()
    }

    /// Pieces that are ready.
    pub fn ready(&self) -> usize {
        self.pieces.len()
    }

    fn advance(&mut self, ended: bool) {
        while let Some(leg) = self.gatherer.next(ended) {
            let joined = self.track.last().map(|last| match join(last, &leg, self.axes.linear) {
                Join::Rounded(rounded) if halt::is_sooner(last, &leg, rounded, &self.axes) => Join::Rest,
                join => join,
            });
            match joined {
                Some(Join::Rest) => {
                    self.end_track();
                    self.track.push(leg, Join::Rest);
                }
                Some(rounded) => self.track.push(leg, rounded),
                None => self.track.push(leg, Join::Rest),
            }
            self.follow();
        }
    }

    /// The curve ends here at rest.
    fn end_track(&mut self) {
        self.track.end();
        self.follow();
        self.track = Track::new(self.axes.limits.len().min(MAX_GROUP_AXES), self.axes.linear);
    }

    fn follow(&mut self) {
        let mut stretches = Vec::new();
        while let Some(interval) = self.track.next() {
            self.splitter.push(interval);
        }
        while self.splitter.next(&mut stretches) {}
        let pieces = &mut self.pieces;
        for stretch in stretches {
            self.speeds.push(stretch, &mut |piece| pieces.push_back(piece));
        }
    }
}
