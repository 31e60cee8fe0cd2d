//! From the elements of a program to pieces that the cycle follows. Never on the real-time thread.
//!
//! ```text
//! elements ─► legs ─► track ─► (joints) ─► split ─► speed ─► pieces
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`program`] | elements as they are asked for |
//! | [`axes`] | the order of a group's axes in here |
//! | `legs` | what is short is gathered; how corners are joined |
//! | `halt` | where a stop is sooner than a rounded corner |
//! | `track` | the curve that is followed |
//! | [`mechanism`] | a machine whose joints are not its coordinates |
//! | `joints` | the curves of its joints |
//! | [`walk`] | whether such a machine can follow an element, before it is one of a program |
//! | `nearest` | the singularity that each program comes nearest to |
//! | [`slowed`] | where singularities slow it |
//! | `split` | stretches that take a few periods each |
//! | `speed` | how fast each may be passed; `ceiling` in it rounds that, `spot` is what limits leave at one place, `solved` what is settled |
//!
//! A long element is planned in portions of about [`crate::limits::PIECES_PLANNED`] pieces, as they are taken: neither memory nor what one call
//! takes grows with its length, but for the knots of its curve.
//!
//! A stream of timed points takes a way of its own: `points` (what they leave out), `segment` (the curve between two of them), `reserve`
//! (whether limits hold on it), `stream` (its pieces).
//!
//! What comes out depends on the elements alone, and not on how many of them came at a time, or when.

pub mod axes;
mod borders;
#[cfg(test)]
mod corner_tests;
#[cfg(test)]
mod exact_tests;
mod halt;
#[cfg(test)]
mod inside_tests;
#[cfg(test)]
mod join_tests;
mod joints;
mod legs;
pub mod mechanism;
mod nearest;
pub mod points;
pub mod program;
pub mod reserve;
pub mod segment;
pub mod slowed;
mod solved;
mod speed;
mod split;
mod spot;
mod stream;
#[cfg(test)]
mod tests;
mod track;
pub mod walk;

use std::collections::VecDeque;

use crate::geometry::Piece;
use crate::limits::{MAX_GROUP_AXES, PIECES_PLANNED};
use crate::motion::Limits;

pub use axes::PathOrder;
use borders::Borders;
use joints::JointTrack;
pub use joints::Obstacle;
use legs::{Gatherer, Join, Leg, join};
pub use mechanism::{Mechanism, PathFault};
pub use nearest::Nearest;
use nearest::NearestPlaces;
use program::{Corner, Element, Point};
pub use slowed::Slowed;
use speed::Speeds;
use split::Splitter;
use spot::Rows;
pub use stream::StreamPlanner;
use track::Track;
pub use walk::{Astray, Walk};

/// The axes of a path, the linear ones first.
#[derive(Clone, Debug, PartialEq)]
pub struct PathAxes {
    /// Limits of each axis, axis units; with a mechanism of each joint, in the group's order.
    pub limits: Vec<Limits>,
    /// How many of the coordinates, from the first on, are linear.
    pub linear: usize,
    /// What one cycle advances.
    pub period_s: f64,
    /// Of the tool: of its linear coordinates together; of all together where none is linear.
    pub tool: Option<Limits>,
    /// Lowest and highest place of each axis: what is rounded keeps to it where the elements do. Empty where there is none, and with a mechanism,
    /// which has those of its joints.
    pub soft_limits: Vec<Option<(f64, f64)>>,
    /// Where joints are no coordinates of the tool.
    pub mechanism: Option<Mechanism>,
}

impl PathAxes {
    /// Axes that are the coordinates, with nothing else to limit them.
    pub fn new(limits: Vec<Limits>, linear: usize, period_s: f64) -> PathAxes {
        PathAxes { limits, linear, period_s, tool: None, soft_limits: Vec::new(), mechanism: None }
    }

    /// How many coordinates the program has.
    pub fn coordinates(&self) -> usize {
        let count = self.mechanism.as_ref().map_or(self.limits.len(), Mechanism::coordinates);
        count.min(MAX_GROUP_AXES)
    }
}

/// Plans one program, and those that are joined to it: elements in, pieces out.
#[derive(Clone, Debug)]
pub struct Planner {
    axes: PathAxes,
    gatherer: Gatherer,
    track: Track,
    joints: Option<JointTrack>,
    splitter: Splitter,
    speeds: Speeds,
    borders: Borders,
    pieces: VecDeque<Piece>,
    /// The curve ends at rest and is planned to there, before that of this leg begins.
    resting: Option<Option<Leg>>,
    /// What it has is planned to its end.
    ending: Option<Ending>,
    /// There is something to do.
    busy: bool,
    ended: bool,
}

/// How far a program is on the way to its end.
#[derive(Clone, Copy, Debug)]
struct Ending {
    /// Nothing follows.
    last: bool,
    /// Every leg is part of the curve.
    curve: bool,
}

impl Planner {
    /// A program that begins at rest at `start`; its pieces carry `epoch`. With a mechanism `start` are its joints, and where its
    /// tool has no such place the program has come to its [`Planner::obstacle`].
    pub fn new(axes: PathAxes, start: Point, epoch: u32) -> Planner {
        let count = axes.coordinates();
        let linear = axes.linear.min(count);
        let joints = axes.limits.len().min(MAX_GROUP_AXES);
        let mut limits = axes.limits.clone();
        limits.truncate(joints);
        let mut tool = start;
        let track = axes.mechanism.as_ref().map(|mechanism| {
            let mut track = JointTrack::new(mechanism.clone(), limits.clone(), start, epoch);
            match mechanism.tool(&start[..joints]) {
                Ok(place) => tool = mechanism.order.to_planner(&place),
                Err(why) => track.refuse(PathFault::Unreachable(why)),
            }
            track
        });
        let of_tool = if linear > 0 { linear } else { count };
        let rows = Rows { axes: joints, tool: of_tool };
        Planner {
            gatherer: Gatherer::new(count, linear, tool),
            track: Track::new(count, linear, &axes.soft_limits),
            joints: track,
            splitter: Splitter::new(limits.clone(), axes.tool, rows, axes.period_s),
            speeds: Speeds::new(limits, axes.tool, rows, axes.period_s, epoch),
            borders: Borders::new(epoch),
            pieces: VecDeque::new(),
            resting: None,
            ending: None,
            busy: false,
            ended: false,
            axes,
        }
    }

    /// The singularity that the newest program came nearest to so far.
    pub fn nearest(&self) -> Option<Nearest> {
        self.joints.as_ref().map(JointTrack::nearest).and_then(NearestPlaces::newest)
    }

    /// The same of program `epoch`.
    pub fn nearest_of(&self, epoch: u32) -> Option<Nearest> {
        self.joints.as_ref().and_then(|joints| joints.nearest().of(epoch))
    }

    /// Where singularities slow what was planned so far the most: at most one place for each.
    pub fn slowed(&self) -> impl Iterator<Item = Slowed> {
        self.speeds.slow_places().found()
    }

    /// Why the program is not followed to its end, as far as it is planned: the path rests on the way, and nothing more of it is planned.
    pub fn obstacle(&self) -> Option<Obstacle> {
        self.joints.as_ref().and_then(JointTrack::obstacle)
    }

    /// Where the last element ends.
    pub fn end(&self) -> &Point {
        self.gatherer.end()
    }

    /// Units of path that were asked for.
    pub fn distance(&self) -> f64 {
        self.gatherer.sigma()
    }

    /// One element more; nothing after [`Planner::finish`]. A long one is planned in portions, as pieces are taken: what was not planned yet of
    /// those before it is planned first, so who gives as many as there are waits while it [is busy](Planner::is_busy).
    pub fn push(&mut self, element: &Element) {
        self.work(usize::MAX);
        if !self.ended && self.obstacle().is_none() {
            let mut element = *element;
            if let Some(joints) = &mut self.joints {
                joints.go_on(element.line);
                element.corner = element.corner.for_joints();
            }
            if self.gatherer.push(&element) {
                self.track.set_corner(Corner::Stop);
            }
            self.busy = true;
            self.work(PIECES_PLANNED);
        }
    }

    /// What is pushed from now on is of another program, which carries `epoch`, on the same path: as if all were one. `corner` is how what
    /// was pushed last ends, where that is not what it said; the corner before that is rounded for what it said, unless that was a tolerance. A piece that [joins](Piece::joins) comes before the pieces of that program.
    pub fn join(&mut self, epoch: u32, corner: Option<Corner>) {
        self.work(usize::MAX);
        if let Some(corner) = corner {
            let corner = if self.joints.is_some() { corner.for_joints() } else { corner };
            if !self.gatherer.set_corner(corner) {
                self.track.set_corner(corner);
            }
        }
        let begin = self.gatherer.sigma();
        self.borders.add(begin, epoch);
        if let Some(joints) = &mut self.joints {
            joints.join(begin, epoch);
        }
    }

    /// What is known is planned to its end, where it rests: because nothing follows (`last`), or what follows is not there in time.
    pub fn finish(&mut self, last: bool) {
        self.work(usize::MAX);
        self.ending = Some(Ending { last, curve: false });
        self.busy = true;
        self.work(PIECES_PLANNED);
    }

    /// The next piece that is ready.
    pub fn take(&mut self) -> Option<Piece> {
        // The last one is known as such only at the end. Bound: what is looked ahead at.
        while self.busy && self.pieces.len() < 2 {
            self.work(PIECES_PLANNED);
        }
        self.pieces.pop_front()
    }

    /// Some of what it has is not planned yet: that is done as pieces are taken.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Pieces that are ready.
    pub fn ready(&self) -> usize {
        self.pieces.len()
    }

    /// Goes on until nothing is left to be done, or about `most` pieces are ready.
    fn work(&mut self, most: usize) {
        while self.busy {
            if !self.advance(self.ending.is_some(), most) {
                return;
            }
            match &mut self.ending {
                Some(Ending { curve: curve @ false, .. }) => {
                    *curve = true;
                    self.end_track(None);
                }
                Some(Ending { last, .. }) => {
                    let last = *last;
                    (self.ending, self.busy) = (None, false);
                    self.close(last);
                }
                None => self.busy = false,
            }
        }
    }

    /// Everything is planned; nothing follows where that is the `last`.
    fn close(&mut self, last: bool) {
        if self.ended {
            return;
        }
        self.ended = last;
        if self.obstacle().is_some() {
            return;
        }
        let at = self.joints.as_ref().map_or(*self.gatherer.end(), JointTrack::at);
        let stand = self.speeds.stand(&at, self.gatherer.sigma());
        self.borders.pass(stand.distance, stand.time, &mut self.pieces);
        if !last {
            return;
        }
        if self.pieces.back().is_none_or(|piece| piece.joins) {
            // All that there was is on its way, or there was nothing.
            self.borders.give(stand, &mut self.pieces);
        }
        if let Some(piece) = self.pieces.back_mut() {
            piece.last = true;
        }
    }

    /// Returns false where it stops because so many pieces are ready.
    fn advance(&mut self, ended: bool, most: usize) -> bool {
        loop {
            if !self.follow(most) {
                return false;
            }
            if let Some(behind) = self.resting.take() {
                let count = self.axes.coordinates();
                self.track = Track::new(count, self.axes.linear.min(count), &self.axes.soft_limits);
                if let Some(leg) = behind {
                    self.track.push(leg, Join::Rest);
                    continue;
                }
            }
            let Some(leg) = self.gatherer.next(ended) else { return true };
            let joined = self.track.last().map(|last| match join(last, &leg, self.axes.linear) {
                // What a corner costs joints is not known from the directions of the tool.
                Join::Rounded(rounded) if self.joints.is_none() && halt::is_sooner(last, &leg, rounded, &self.axes) => {
                    Join::Rest
                }
                join => join,
            });
            match joined {
                Some(Join::Rest) => self.end_track(Some(leg)),
                Some(rounded) => self.track.push(leg, rounded),
                None => self.track.push(leg, Join::Rest),
            }
        }
    }

    /// The curve ends here at rest; this leg is the first of the next one.
    fn end_track(&mut self, behind: Option<Leg>) {
        self.track.end();
        self.resting = Some(behind);
    }

    /// From the curve to pieces. Returns false where it stops because so many are ready.
    fn follow(&mut self, most: usize) -> bool {
        let mut stretches = Vec::new();
        loop {
            if self.pieces.len() >= most {
                return false;
            }
            let Some(interval) = self.track.next() else { return true };
            match &mut self.joints {
                None => self.splitter.push(interval),
                Some(joints) => {
                    joints.push(interval);
                    while let Some(interval) = joints.next() {
                        self.splitter.push(interval);
                    }
                }
            }
            while self.splitter.next(&mut stretches) {}
            let (pieces, borders) = (&mut self.pieces, &mut self.borders);
            for stretch in stretches.drain(..) {
                self.speeds.push(stretch, &mut |piece| borders.give(piece, pieces));
            }
        }
    }
}
