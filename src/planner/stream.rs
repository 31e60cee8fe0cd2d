//! From nodes to pieces that the cycle follows: the curve is a path whose parameter is time, passed at the rate 1.
//!
//! All pieces say the same of how fast they may be passed (see [`super::reserve`]), so each is ready as soon as the node at its end
//! is known, and nothing that comes later changes what was given out. Only the newest waits: it may have to be the one where the curve rests.

use std::collections::VecDeque;

use crate::geometry::{Ceiling, Cubic, Piece};
use crate::limits::MAX_GROUP_AXES;

use super::points::Node;
use super::program::Point;
use super::reserve::Reserve;
use super::segment::Segment;

/// Makes the pieces of one stream.
#[derive(Clone, Debug)]
pub struct StreamPlanner {
    axes: usize,
    period_s: f64,
    reserve: Reserve,
    epoch: u32,
    last: Node,
    pieces: VecDeque<Piece>,
    newest: Option<Piece>,
    ended: bool,
}

impl StreamPlanner {
    /// A stream that begins at rest at `start`; its pieces carry `epoch`.
    pub fn new(axes: usize, period_s: f64, reserve: Reserve, start: Point, epoch: u32) -> StreamPlanner {
        let still = [0.0; MAX_GROUP_AXES];
        let last = Node { time_s: 0.0, position: start, velocity: still, acceleration: still, number: 0 };
        let axes = axes.min(MAX_GROUP_AXES);
        StreamPlanner { axes, period_s, reserve, epoch, last, pieces: VecDeque::new(), newest: None, ended: false }
    }

    /// One node more; nothing after the end.
    pub fn push(&mut self, node: &Node) {
        if self.ended {
            return;
        }
        let segment = Segment::between(&self.last, node, self.axes, self.period_s);
        let count = segment.parts.len();
        let begin = |part: usize| {
            if part == count { node.time_s } else { segment.begin_s + part as f64 * segment.part_s }
        };
        for (part, axes) in segment.parts.iter().enumerate() {
            let distance = begin(part);
            let length = begin(part + 1) - distance;
            let piece = Piece {
                length,
                axes: *axes,
                envelope: self.reserve.envelope(),
                ceiling: self.reserve.ceiling(),
                feed: Ceiling { energy: 0.5, slope: 0.0, bend: 0.0 },
                cap: self.reserve.ceiling().energy,
                potential: self.reserve.acceleration * distance,
                uniform: Some(self.reserve.landing_s()),
                distance,
                time: distance,
                duration: length,
                epoch: self.epoch,
                line: segment.number,
                ..Piece::NOTHING
            };
            self.pieces.extend(self.newest.replace(piece));
        }
        self.last = *node;
    }

    /// What is known is followed to its end, and rests there: because nothing follows (`last`), or what follows is not there in time.
    pub fn finish(&mut self, last: bool) {
        if self.ended {
            return;
        }
        self.ended = last;
        if let Some(newest) = self.newest.take() {
            // Where the curve comes to rest by itself, it does so in its own time.
            let still = [self.last.velocity, self.last.acceleration].as_flattened().iter().all(|value| *value == 0.0);
            self.pieces.push_back(Piece { rests: true, still, last, ..newest });
        } else if last {
            self.pieces.push_back(self.stand());
        }
    }

    /// All that there was is on its way, or there was nothing.
    fn stand(&self) -> Piece {
        let mut axes = [Cubic::default(); MAX_GROUP_AXES];
        for (cubic, at) in axes.iter_mut().zip(&self.last.position).take(self.axes) {
            *cubic = Cubic::constant(*at);
        }
        let (distance, epoch) = (self.last.time_s, self.epoch);
        let potential = self.reserve.acceleration * distance;
        let line = self.last.number;
        Piece {
            axes,
            distance,
            time: distance,
            potential,
            epoch,
            line,
            landing: Some(0.0),
            rests: true,
            last: true,
            ..Piece::NOTHING
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
}
