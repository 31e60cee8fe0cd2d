//! How fast each stretch may be passed.
//!
//! With q′, q″, q‴ the derivatives of an axis along the path, its acceleration is q′a + q″v² and its jerk q′j + 3q″va + q‴v³. Each is
//! kept within its limit by leaving a share of it to each term, place by place:
//!
//! 1. `profile`: the energy E = v²/2 that limits permit, forwards and backwards along the path, where what the bends leave over
//!    is used for braking and speeding up;
//! 2. `envelope`: the acceleration along the path that is left at that energy, changing no faster along the path than a share of the jerk
//!    permits, and the rate at which the used share of it may change with the rest;
//! 3. `ceiling`: the greatest energy from which the next slow place is reached by braking with all of that, rounded where it falls so that
//!    it can be followed; `back`: the same for who goes back along the path; `landing`: the last way to a rest.
//!
//! What lies ahead of the known path is not guessed: a stretch is given out when its speeds are the same whether the path rests at the end of what is
//! known or goes on as fast as it can. Where what comes then is slower than both, so that what was given out could not be followed, the path goes
//! on as if it ended at what was known, until it can be.

mod back;
mod ceiling;
mod envelope;
mod landing;
mod pace;
mod profile;

use crate::geometry::{Ceiling, Cubic, Envelope, Piece};
use crate::kinematics::Singularity;
use crate::limits::{MAX_GROUP_AXES, MAX_PATH_WINDOW, PATH_BLOCK, PIECES_PASSED};
use crate::motion::Limits;

use super::program::Point;
use super::slowed::SlowPlaces;
use super::solved::{Landing, Solved};
use super::split::Stretch;
use super::spot::{Rows, Spot};

/// Where bends leave too little of the jerk the energy is lowered by a factor and looked at again, so many times at most.
const LOWERINGS: usize = 12;
/// That factor.
const LOWERED: f64 = 0.7;
/// Of the jerk that is left: for changes of the used share; the rest for changes of the envelope.
const SHARE: f64 = 0.75;
/// Of the rate: what following the ceiling takes at most.
const FOLLOWING: f64 = 0.5;
/// How much longer than its shortest a landing is, in units of a period's way.
const LANDING_PERIODS: f64 = 3.0;

/// Settled stretches that are looked at again with what follows.
const REVISED: usize = 3;
/// Of their ceiling, and of what their acceleration may fall by: what it may be above the one that it would have now.
const UNCHANGED: f64 = 1e-3;
/// Stretches that are settled at once where what follows cannot be met; twice as many each time that this was not enough.
const SLOWLY: usize = 8;
/// Stretches that stay when they have been given out.
const KEPT: usize = 16;
/// Stretches that a cycle passes at most: two less than it looks at.
const PASSED: usize = PIECES_PASSED - 2;
/// Stretches on each side of a place whose speeds say how much acceleration is reached there.
const AROUND: usize = 4;

/// What becomes of the path behind what is known.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// It rests there.
    Rest,
    /// The slowest that it can be.
    Slowest,
    /// The fastest.
    Fastest,
}

/// A stretch and what is known of its places.
#[derive(Clone, Debug)]
struct Entry {
    stretch: Stretch,
    begin: Spot,
    middle: Spot,
    end: Spot,
    /// A quarter from its beginning, and from its end.
    quarters: [Spot; 2],
    solved: Solved,
    /// To this its energy was lowered when what is before it was settled.
    lowered: f64,
    /// What it was for the slowest path behind what was known, when that went on from what was settled.
    slowest: Option<Solved>,
}

/// From stretches to pieces.
#[derive(Clone, Debug)]
pub struct Speeds {
    /// Of axes, and of the tool.
    limits: Vec<Limits>,
    tool: Option<Limits>,
    rows: Rows,
    period_s: f64,
    entries: Vec<Entry>,
    /// Entries in front whose speeds are settled; some of them are kept for what follows.
    settled: usize,
    /// Entries in front that have been given out.
    given: usize,
    /// Stretches since the last look.
    fresh: usize,
    /// Potential at the beginning of the next piece.
    potential: f64,
    /// When the next piece begins, as planned.
    time: f64,
    /// Seconds that a path unit takes since the last rest, where that is known as a whole.
    between_rests: Option<f64>,
    epoch: u32,
    slow: SlowPlaces,
}

/// The mean of two control values at the knot between stretches of these potentials.
fn at_knot((left, left_width): (f64, f64), (right, right_width): (f64, f64)) -> f64 {
    (right_width * left + left_width * right) / (left_width + right_width)
}

impl Speeds {
    pub fn new(limits: Vec<Limits>, tool: Option<Limits>, rows: Rows, period_s: f64, epoch: u32) -> Speeds {
        Speeds {
            limits,
            tool,
            rows,
            period_s,
            entries: Vec::new(),
            settled: 0,
            given: 0,
            fresh: 0,
            potential: 0.0,
            time: 0.0,
            between_rests: None,
            epoch,
            slow: SlowPlaces::default(),
        }
    }

    /// One stretch more; settles what can be settled after a number of them, and after one that rests.
    pub fn push(&mut self, stretch: Stretch, out: &mut impl FnMut(Piece)) {
        let spot = |share: f64| self.spot(&stretch, share);
        let (mut begin, middle, end) = (spot(0.0), spot(0.5), spot(1.0));
        let quarters = [spot(0.25), spot(0.75)];
        if let Some(before) = self.entries.last_mut() {
            // The third derivative jumps between stretches.
            for row in 0..=self.limits.len() {
                let third = before.end.third[row].max(begin.third[row]);
                (before.end.third[row], begin.third[row]) = (third, third);
            }
            // And so may what the tool may do.
            let caps = before.stretch.caps.and(stretch.caps).within(self.tool);
            (before.end.tool, begin.tool) = (caps, caps);
        }
        let rests = stretch.rests;
        self.entries.push(Entry {
            stretch,
            begin,
            middle,
            end,
            quarters,
            solved: Solved::default(),
            lowered: f64::INFINITY,
            slowest: None,
        });
        self.fresh += 1;
        if rests {
            self.finish(out);
        } else if self.fresh >= PATH_BLOCK {
            self.fresh = 0;
            self.settle(out);
        }
    }

    /// A piece that stands `at` a place, where there is nothing to be followed.
    pub fn stand(&self, at: &Point, distance: f64) -> Piece {
        let mut axes = [Cubic::default(); MAX_GROUP_AXES];
        for (cubic, at) in axes.iter_mut().zip(at).take(self.rows.axes) {
            *cubic = Cubic::constant(*at);
        }
        let (potential, time, epoch) = (self.potential, self.time, self.epoch);
        Piece { axes, distance, potential, time, epoch, landing: Some(0.0), rests: true, ..Piece::NOTHING }
    }

    /// Where singularities slow what has been given out.
    pub fn slow_places(&self) -> &SlowPlaces {
        &self.slow
    }

    /// What slows an entry, if a singularity does.
    fn slowed_by(&mut self, index: usize) -> Option<Singularity> {
        let Entry { stretch, begin, middle, end, .. } = &self.entries[index];
        let (near, line) = (stretch.near?, stretch.line);
        let left = |spot: &Spot| spot.left_by_axes(&self.limits, self.rows, stretch.feed);
        let share = left(begin).min(left(middle)).min(left(end));
        self.slow.look(near, share, line)
    }

    /// Everything up to a rest.
    fn finish(&mut self, out: &mut impl FnMut(Piece)) {
        self.fresh = 0;
        let mut most = SLOWLY;
        // Bound: `most` doubles.
        let solved = loop {
            let solved = self.solve(End::Rest);
            if self.can_be_met(&solved, End::Rest) || !self.settle_slowly(most) {
                break solved;
            }
            most *= 2;
        };
        self.take(&solved, self.entries.len());
        self.give(self.entries.len(), out);
        self.entries.clear();
        (self.settled, self.given) = (0, 0);
    }

    /// What is the same however the path goes on.
    fn settle(&mut self, out: &mut impl FnMut(Piece)) {
        let mut most = SLOWLY;
        // Bound: `most` doubles.
        let (slowest, fastest) = loop {
            let slowest = self.solve(End::Slowest);
            let fastest = self.solve(End::Fastest);
            let met = self.can_be_met(&slowest, End::Slowest) && self.can_be_met(&fastest, End::Fastest);
            if met || !self.settle_slowly(most) {
                break (slowest, fastest);
            }
            most *= 2;
        };
        for (entry, slowest) in self.entries.iter_mut().zip(&slowest) {
            entry.slowest = Some(*slowest);
        }
        let without = |solved: &Solved| Solved { feed: 0.0, back_feed: 0.0, steepest: 0.0, ..*solved };
        let differ = |(a, b): (&Solved, &Solved)| without(a) != without(b);
        let same = slowest.iter().zip(&fastest).position(differ).unwrap_or(fastest.len());
        // What a stretch may be passed with, and how much acceleration is reached around it, is known with those behind it.
        let same = same.min(self.entries.len().saturating_sub(AROUND.max(PASSED)));
        // What is given out must leave room for a landing at the end of what is known.
        let mut settled = same.saturating_sub(1);
        let mut room: f64 = self.entries[settled..].iter().map(|entry| entry.stretch.length).sum();
        while settled > self.settled {
            let Solved { acceleration, leaving, rate, .. } = fastest[settled - 1];
            if room >= 2.0 * self.landing_length(acceleration.max(leaving), rate) {
                break;
            }
            settled -= 1;
            room += self.entries[settled].stretch.length;
        }
        if self.entries.len() - settled > MAX_PATH_WINDOW {
            // Limits so far apart that a stop takes longer than is looked ahead: as slow as if the path ended here.
            settled = self.entries.len() - MAX_PATH_WINDOW;
            self.take(&slowest, settled);
        } else {
            self.take(&fastest, settled.max(self.settled));
        }
        let ready = self.windowed();
        self.give(ready, out);
        // Some settled stretches stay, for how what follows them comes out.
        let drop = self.given.saturating_sub(KEPT);
        self.entries.drain(..drop);
        self.settled -= drop;
        self.given -= drop;
    }

    fn take(&mut self, solved: &[Solved], until: usize) {
        let open = self.open();
        for (index, (entry, solved)) in self.entries.iter_mut().zip(solved).enumerate().take(until) {
            if index >= self.settled {
                entry.solved = *solved;
            } else if index >= open {
                (entry.solved.feed, entry.solved.back_feed) = (solved.feed, solved.back_feed);
            }
        }
        self.settled = self.settled.max(until);
        if let (Some(entry), Some(solved)) = (self.entries.get_mut(until), solved.get(until)) {
            entry.lowered = solved.permitted;
        }
    }

    /// What was settled can be followed with what is to come behind it: else it would come out slower now, or the acceleration would have to fall
    /// too steeply from what it is at the end of that.
    fn can_be_met(&self, solved: &[Solved], end: End) -> bool {
        let behind = solved.get(self.settled).filter(|_| self.settled > 0);
        let falls = |behind: &Solved| behind.acceleration - behind.leaving <= (1.0 + UNCHANGED) * behind.steepest;
        if !behind.is_none_or(falls) {
            return false;
        }
        let from = self.settled.saturating_sub(REVISED);
        let mut revised = solved.to_vec();
        self.ceiling(&mut revised, end, from);
        (from..self.settled).all(|index| (1.0 - UNCHANGED) * solved[index].control <= revised[index].control)
    }

    /// Settles stretches, so many at most, as they were for the slowest path, which goes on from what is settled. False where there are none.
    fn settle_slowly(&mut self, most: usize) -> bool {
        let known = self.entries[self.settled..].iter().take_while(|entry| entry.slowest.is_some()).count();
        // As with what is settled otherwise.
        let known = known.saturating_sub(AROUND.max(PASSED)).min(most);
        if known == 0 {
            return false;
        }
        let of = |(index, entry): (usize, &Entry)| match entry.slowest {
            Some(slowest) if index >= self.settled => slowest,
            _ => entry.solved,
        };
        let solved: Vec<Solved> = self.entries.iter().enumerate().map(of).collect();
        self.take(&solved, self.settled + known);
        true
    }

    /// Everything that limits say about the entries, where the settled ones stay what they are.
    fn solve(&self, end: End) -> Vec<Solved> {
        let mut caps = self.caps();
        // Where less energy has not helped so often, acceleration is looked at between the places, too.
        let mut strict = vec![false; self.entries.len()];
        // Bound: LOWERINGS.
        for lowering in 0..=LOWERINGS {
            let mut solved: Vec<Solved> = self.entries.iter().map(|entry| entry.solved).collect();
            self.profile(&mut solved, &caps, end);
            let tight = self.envelope(&mut solved, end, &strict);
            if tight.is_empty() || lowering == LOWERINGS {
                self.ceiling(&mut solved, end, self.settled);
                self.back(&mut solved);
                return solved;
            }
            for (index, lowered) in tight {
                strict[index] |= 2 * lowering > LOWERINGS;
                let near = index.saturating_sub(1).max(self.settled)..(index + 2).min(caps.len());
                for near in near {
                    caps[near] = caps[near].min(lowered * solved[index].energy);
                }
            }
        }
        Vec::new()
    }

    fn spot(&self, stretch: &Stretch, share: f64) -> Spot {
        let tool = stretch.tool.as_deref().unwrap_or(&stretch.axes);
        Spot::of(&stretch.axes, tool, stretch.length * share, self.rows, stretch.caps.within(self.tool))
    }

    /// Entries whose following ones are settled for as long as a change of the used share takes.
    fn windowed(&self) -> usize {
        let mut ready = self.given;
        while ready + 1 < self.settled && self.window(ready).is_some() {
            ready += 1;
        }
        ready
    }

    /// acceleration / rate at its worst from `index` on; `None` where too little is settled.
    fn window(&self, index: usize) -> Option<f64> {
        let (mut rate, mut acceleration, mut time) = (f64::INFINITY, 0.0_f64, 0.0);
        for (behind, entry) in self.entries[index..self.settled].iter().enumerate() {
            let solved = &entry.solved;
            rate = rate.min(solved.rate);
            acceleration = acceleration.max(solved.acceleration).max(solved.leaving);
            // It may be at the end of the first.
            if behind > 0 {
                time += entry.stretch.length / (2.0 * solved.cap).sqrt().max(1e-9);
            }
            if time > 2.0 / ((1.0 - FOLLOWING) * rate) + LANDING_PERIODS * self.period_s {
                return Some(acceleration / rate);
            }
        }
        let rests = self.settled == self.entries.len() && self.entries[self.settled - 1].stretch.rests;
        rests.then_some(acceleration / rate)
    }

    fn give(&mut self, until: usize, out: &mut impl FnMut(Piece)) {
        for index in self.given..until {
            let Some(lag) = self.window(index) else { return };
            let slowed_by = self.slowed_by(index);
            let entry = &self.entries[index];
            let Stretch { length, axes, begin, line, rests, .. } = entry.stretch.clone();
            let solved = entry.solved;
            let ceiling = |value: fn(&Solved) -> f64| {
                let side = |at: usize| (value(&self.entries[at].solved), self.entries[at].solved.width);
                let slope = |at: usize| match at {
                    0 => 0.0,
                    at if at == self.entries.len() => 0.0,
                    at => {
                        let ((left, left_width), (right, right_width)) = (side(at - 1), side(at));
                        2.0 * (right - left) / (left_width + right_width)
                    }
                };
                let energy = if index == 0 { side(0).0 } else { at_knot(side(index - 1), side(index)) };
                let bend = (slope(index + 1) - slope(index)) / solved.width;
                Ceiling { energy, slope: slope(index), bend }
            };
            let mut piece = Piece {
                length,
                axes,
                envelope: Envelope {
                    acceleration: solved.acceleration,
                    slope: (solved.leaving - solved.acceleration) / length,
                    rate: solved.rate,
                    lag,
                },
                ceiling: ceiling(|solved| solved.control),
                feed: ceiling(|solved| solved.feed),
                back_ceiling: ceiling(|solved| solved.back),
                back_feed: ceiling(|solved| solved.back_feed),
                cap: solved.cap,
                potential: self.potential,
                landing: solved.landing,
                distance: begin,
                time: self.time,
                epoch: self.epoch,
                line,
                slowed_by,
                rests,
                ..Piece::NOTHING
            };
            if index == 0 {
                self.between_rests = pace::between_rests(&piece);
            }
            let paced = self.between_rests.map(|pace| pace * length);
            piece.duration = paced.unwrap_or_else(|| pace::duration(&piece, index == 0));
            // Counted from the last rest, so that little is lost to rounding.
            self.potential = if rests { 0.0 } else { self.potential + solved.width };
            self.time += piece.duration;
            out(piece);
            self.given = index + 1;
        }
    }
}
