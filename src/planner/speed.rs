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
//!    it can be followed; `back`: the same for who goes back along the path.
//!
//! What lies ahead of the known path is not guessed: a stretch is given out when its speeds are the same whether the path rests at the end of what is
//! known or goes on as fast as it can.

mod back;
mod ceiling;
mod landing;
mod pace;

use crate::geometry::{Ceiling, Cubic, Envelope, Piece};
use crate::kinematics::Singularity;
use crate::limits::{MAX_GROUP_AXES, MAX_PATH_WINDOW, PATH_BLOCK, PIECES_PASSED};
use crate::motion::Limits;

use super::program::Point;
use super::slowed::SlowPlaces;
use super::solved::{Landing, Solved};
use super::split::Stretch;
use super::spot::{Rows, Spot};

/// Of the acceleration: what is left anywhere.
const LEAST: f64 = 1e-6;
/// Of the jerk: what bends leave over at least, else the energy there is lowered by a factor and looked at again, so many times at most.
const LEFT_OVER: f64 = 0.15;
/// That factor.
const LOWERED: f64 = 0.7;
/// And how often.
const LOWERINGS: usize = 12;
/// The factor where a limit does not hold between the ends of a stretch.
const EASED: f64 = 0.95;
/// Parts of a stretch on which much changes: limits are looked at between them, too.
const BETWEEN: u32 = 16;
/// How far the energy at the border of two stretches may exceed what bends permit there.
const BORDER: f64 = 1.05;
/// Of the jerk that is left: for changes of the used share; the rest for changes of the envelope.
const SHARE: f64 = 0.75;
/// Of the rate: what following the ceiling takes at most.
const FOLLOWING: f64 = 0.5;
/// How far towards its slower end the energy of a stretch is taken.
const SLOWER_END: f64 = 0.6;
/// Steps of the search for an energy.
const HALVINGS: u32 = 26;
/// The envelope changes by no more than this in s², so that a cycle's motion is a short series.
const STEEPNESS: f64 = 0.04;
/// How much longer than its shortest a landing is, in units of a period's way.
const LANDING_PERIODS: f64 = 3.0;

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

/// Places within a stretch on which much changes, as shares of it.
fn between() -> impl Iterator<Item = f64> {
    (1..BETWEEN).map(|part| f64::from(part) / f64::from(BETWEEN))
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
        let solved = self.solve(End::Rest);
        self.take(&solved, self.entries.len());
        self.give(self.entries.len(), out);
        self.entries.clear();
        (self.settled, self.given) = (0, 0);
    }

    /// What is the same however the path goes on.
    fn settle(&mut self, out: &mut impl FnMut(Piece)) {
        let slowest = self.solve(End::Slowest);
        let fastest = self.solve(End::Fastest);
        let without = |solved: &Solved| Solved { feed: 0.0, back_feed: 0.0, ..*solved };
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

    /// By how much the acceleration may fall along each entry at least, however the path goes on: at the greatest speed.
    fn falling(&self) -> Vec<f64> {
        let mut solved: Vec<Solved> = self.entries.iter().map(|entry| entry.solved).collect();
        self.profile(&mut solved, &self.caps(), End::Fastest);
        let fall = |(index, entry): (usize, &Entry)| {
            let energy = [index, index + 1]
                .iter()
                .fold(solved[index].energy, |most, knot| most.max(self.knot_energy(&solved, *knot)));
            let jerk = [&entry.begin, &entry.middle, &entry.end].iter().fold(f64::INFINITY, |least, spot| {
                let left = spot.jerk(&self.limits, energy, spot.acceleration(&self.limits, energy));
                least.min(left)
            });
            // Where less is left the energy is lowered.
            let jerk = jerk.max(LEFT_OVER * entry.middle.jerk(&self.limits, 0.0, 0.0));
            (1.0 - SHARE) * jerk / (2.0 * energy).sqrt().max(1e-9) * entry.stretch.length
        };
        self.entries.iter().enumerate().map(fall).collect()
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
                self.ceiling(&mut solved, end);
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

    /// The greatest energy of each entry where nothing is used for braking or speeding up.
    fn caps(&self) -> Vec<f64> {
        let passing = self.passing();
        let mut caps: Vec<f64> = Vec::with_capacity(self.entries.len());
        let mut borders: Vec<f64> = Vec::with_capacity(self.entries.len());
        for (entry, passing) in self.entries.iter().zip(passing) {
            let wanted = passing.min(2.0 * entry.stretch.feed.powi(2));
            let permitted = |spot: &Spot| spot.fast(&self.limits).min(wanted);
            let cap = |spot: &Spot| spot.bent(&self.limits).min(permitted(spot));
            let border = |spot: &Spot| (BORDER * spot.bent(&self.limits)).min(permitted(spot));
            let (begin, middle, end) = (cap(&entry.begin), cap(&entry.middle), cap(&entry.end));
            let middle = entry.quarters.iter().fold(middle, |least, spot| least.min(permitted(spot)));
            let slower = |at: f64| middle + SLOWER_END * (at - middle);
            caps.push(middle.min(slower(begin)).min(slower(end)));
            if let Some(last) = borders.last_mut() {
                *last = border(&entry.begin).min(*last);
            }
            borders.push(border(&entry.end));
        }
        // Where the mean of two neighbours is more than their border has, the greater of them is lowered.
        for index in 1..caps.len() {
            let (left, right) = (self.entries[index - 1].stretch.length, self.entries[index].stretch.length);
            let border = borders[index - 1];
            let excess = right * caps[index - 1] + left * caps[index] - border * (left + right);
            if excess <= 0.0 {
                continue;
            }
            let lowered = |cap: f64, by: f64| (cap - by).max(border.min(cap));
            if caps[index - 1].min(caps[index]) > border {
                (caps[index - 1], caps[index]) = (border, border);
            } else if caps[index - 1] > caps[index] {
                caps[index - 1] = lowered(caps[index - 1], excess / right);
            } else {
                caps[index] = lowered(caps[index], excess / left);
            }
        }
        for (cap, entry) in caps.iter_mut().zip(&self.entries) {
            *cap = cap.min(entry.lowered);
        }
        caps
    }

    /// The greatest energy of each entry with which no cycle passes more than so many of them as it looks at.
    fn passing(&self) -> Vec<f64> {
        let count = self.entries.len();
        let mut passing = vec![f64::INFINITY; count];
        for first in 0..(count + 1).saturating_sub(PASSED) {
            let way: f64 = self.entries[first..first + PASSED].iter().map(|entry| entry.stretch.length).sum();
            let energy = 0.5 * (way / self.period_s).powi(2);
            passing[first..first + PASSED].iter_mut().for_each(|cap| *cap = cap.min(energy));
        }
        passing
    }

    /// Half of each of the stretches on both sides of the knot before `index`.
    fn way(&self, index: usize) -> f64 {
        0.5 * (self.entries[index - 1].stretch.length + self.entries[index].stretch.length)
    }

    fn profile(&self, solved: &mut [Solved], caps: &[f64], end: End) {
        let count = self.entries.len();
        for (solved, cap) in solved.iter_mut().zip(caps).skip(self.settled) {
            (solved.energy, solved.permitted) = (*cap, *cap);
        }
        // The greatest energy that is reached from `from` over `way` past `spot`.
        let reached = |spot: &Spot, from: f64, way: f64, cap: f64| {
            let fits = |energy: f64| energy - from <= way * spot.acceleration(&self.limits, 0.5 * (energy + from));
            if cap <= from || fits(cap) {
                return cap;
            }
            // What is faster leaves less.
            let (mut low, mut high) = (from, cap.min(from + way * spot.acceleration(&self.limits, from)));
            for _ in 0..HALVINGS {
                let middle = 0.5 * (low + high);
                if fits(middle) { low = middle } else { high = middle }
            }
            low
        };
        for index in self.settled..count {
            let (from, way) = match index {
                0 => (0.0, 0.5 * self.entries[0].stretch.length),
                _ => (solved[index - 1].energy, self.way(index)),
            };
            solved[index].energy = reached(&self.entries[index].begin, from, way, solved[index].energy);
        }
        for index in (self.settled..count).rev() {
            let (from, way) = match (index + 1 == count, end) {
                (true, End::Fastest) => continue,
                (true, _) => (0.0, 0.5 * self.entries[index].stretch.length),
                (false, _) => (solved[index + 1].energy, self.way(index + 1)),
            };
            solved[index].energy = reached(&self.entries[index].end, from, way, solved[index].energy);
        }
    }

    /// The profile's energy at the knot before `index`.
    fn knot_energy(&self, solved: &[Solved], index: usize) -> f64 {
        let count = self.entries.len();
        if index == 0 || index == count {
            return solved[index.min(count - 1)].energy;
        }
        let side = |at: usize| (solved[at].energy, self.entries[at].stretch.length);
        at_knot(side(index - 1), side(index))
    }

    /// Returns entries at which the bends leave too little of the jerk, or which use more of a limit than is planned with; and by which
    /// factor their energy is to be lowered.
    fn envelope(&self, solved: &mut [Solved], end: End, strict: &[bool]) -> Vec<(usize, f64)> {
        let count = self.entries.len();
        let knots: Vec<f64> = (0..=count).map(|index| self.knot_energy(solved, index)).collect();
        let middles: Vec<f64> = (0..count)
            .map(|i| (0.25 * (knots[i] + knots[i + 1]) + 0.5 * solved[i].energy).max(solved[i].energy))
            .collect();
        let spot = |index: usize| if index < count { &self.entries[index].begin } else { &self.entries[count - 1].end };
        let mut at: Vec<f64> = (0..=count).map(|i| spot(i).acceleration(&self.limits, knots[i])).collect();
        self.reachable(&mut at, end);
        // What is settled is looked at, too: what follows comes out as it did when that was settled.
        for index in 0..count {
            // A straight line between two knots must not pass above what there is between them.
            let entry = &self.entries[index];
            let middle = entry.middle.acceleration(&self.limits, middles[index]);
            let energy = |share: f64| {
                let (left, right) = ((1.0 - share) * (1.0 - share), share * share);
                let energy =
                    left * knots[index] + right * knots[index + 1] + (1.0 - left - right) * solved[index].energy;
                energy.max(solved[index].energy)
            };
            let quarter = |share: f64, spot: &Spot| (share, spot.acceleration(&self.limits, energy(share)));
            let seen = [(0.5, middle), quarter(0.25, &entry.quarters[0]), quarter(0.75, &entry.quarters[1])];
            let between = strict[index].then(between).into_iter().flatten();
            let more = between
                .map(|share| (share, self.spot(&entry.stretch, share).most_acceleration(&self.limits, energy(share))));
            for (share, most) in seen.into_iter().chain(more) {
                let excess = (1.0 - share) * at[index] + share * at[index + 1] - most;
                if excess <= 0.0 {
                    continue;
                }
                let weight = |knot: usize| if knot == index { 1.0 - share } else { share };
                let (greater, smaller) =
                    if at[index] > at[index + 1] { (index, index + 1) } else { (index + 1, index) };
                at[greater] = (at[greater] - excess / weight(greater)).max(at[smaller].min(most));
                at[smaller] = at[smaller].min((most - weight(greater) * at[greater]) / weight(smaller)).max(0.0);
            }
        }
        let jerk = |index: usize, at: &[f64]| {
            let entry = &self.entries[index];
            let mean = 0.5 * (at[index] + at[index + 1]);
            let begin = entry.begin.jerk(&self.limits, knots[index], at[index]);
            let end = entry.end.jerk(&self.limits, knots[index + 1], at[index + 1]);
            begin.min(end).min(entry.middle.jerk(&self.limits, middles[index], mean))
        };
        let fixed = self.settled;
        // What is settled stays, its end included.
        for index in 0..fixed {
            (at[index], at[index + 1]) = (solved[index].acceleration, solved[index].leaving);
        }
        if end == End::Slowest {
            // From anywhere it may have to fall from here on, as gently as it falls where the path goes on fast.
            let mut fall = 0.0;
            at[count] = 0.0;
            for (index, falling) in self.falling().iter().enumerate().skip(fixed).rev() {
                fall += falling;
                if index > fixed || fixed == 0 {
                    at[index] = at[index].min(fall);
                }
            }
        }
        // A little is always left: the potential must rise.
        for (knot, at) in at.iter_mut().enumerate().skip(fixed + usize::from(fixed > 0)) {
            let of = self.limits.iter().chain(&spot(knot).tool);
            *at = at.max(of.fold(f64::INFINITY, |least, limits| least.min(LEAST * limits.acceleration)));
        }
        let caps: Vec<f64> = (0..count).map(|i| middles[i].max(knots[i]).max(knots[i + 1])).collect();
        let steepest: Vec<f64> = (0..count)
            .map(|i| {
                let velocity = (2.0 * caps[i]).sqrt().max(1e-9);
                let steepness = STEEPNESS / (self.period_s * self.period_s);
                ((1.0 - SHARE) * jerk(i, &at) / velocity).min(steepness) * self.entries[i].stretch.length
            })
            .collect();
        for index in fixed..count {
            at[index + 1] = at[index + 1].min(at[index] + steepest[index]);
        }
        let backwards = |at: &mut [f64], from: usize| {
            for index in (fixed..from).rev() {
                if index > fixed || fixed == 0 {
                    at[index] = at[index].min(at[index + 1] + steepest[index]);
                }
            }
        };
        backwards(&mut at, count);
        let rate = |index: usize, at: &[f64]| SHARE * jerk(index, at) / at[index].max(at[index + 1]).max(1e-12);
        // The least acceleration that a knot can have behind what is settled.
        let mut least = if fixed > 0 { at[fixed] } else { 0.0 };
        let least: Vec<f64> = (fixed..count)
            .map(|index| {
                let here = least;
                least -= steepest[index];
                here
            })
            .collect();
        let landing = (end == End::Rest).then(|| self.landing(&at, &least, &|index| rate(index, &at)));
        if let Some(landing) = &landing {
            at[landing.first..].fill(landing.acceleration);
            backwards(&mut at, landing.first);
        }
        for index in fixed..count {
            let solved = &mut solved[index];
            (solved.acceleration, solved.leaving) = (at[index], at[index + 1]);
            solved.begins_with = knots[index];
            solved.rate = rate(index, &at);
            solved.width = 0.5 * (at[index] + at[index + 1]) * self.entries[index].stretch.length;
            solved.cap = caps[index];
            solved.landing = None;
        }
        let landing_from = landing.as_ref().map_or(count, |landing| landing.first);
        let tight = (fixed..count).filter_map(|index| {
            let entry = &self.entries[index];
            if jerk(index, &at) < LEFT_OVER * entry.middle.jerk(&self.limits, 0.0, 0.0) {
                return Some((index, LOWERED));
            }
            (index < landing_from && !self.holds(index, &solved[index], knots[index + 1])).then_some((index, EASED))
        });
        let tight = tight.collect();
        if let Some(landing) = landing {
            self.land(&landing, solved);
        }
        tight
    }

    /// Limits hold between the ends of an entry, too, where the energy is a parabola over the potential and not over the way.
    fn holds(&self, index: usize, solved: &Solved, ends_with: f64) -> bool {
        let entry = &self.entries[index];
        let slope = (solved.leaving - solved.acceleration) / entry.stretch.length;
        let held = |share: f64, spot: &Spot| {
            let acceleration = solved.acceleration + share * (solved.leaving - solved.acceleration);
            let way = 0.5 * (solved.acceleration + acceleration) * share * entry.stretch.length / solved.width;
            let (left, right) = ((1.0 - way) * (1.0 - way), way * way);
            let energy = left * solved.begins_with + right * ends_with + (1.0 - left - right) * solved.energy;
            let jerk = solved.rate * acceleration + slope.abs() * (2.0 * energy).sqrt();
            spot.holds(&self.limits, energy, acceleration, jerk)
        };
        let spots = [(0.25, &entry.quarters[0]), (0.5, &entry.middle), (0.75, &entry.quarters[1])];
        let most = solved.acceleration.max(solved.leaving);
        let uneven = || entry.middle.uneven(&self.limits, entry.stretch.length, most);
        spots.iter().all(|(share, spot)| held(*share, spot))
            && (!uneven() || between().all(|share| held(share, &self.spot(&entry.stretch, share))))
    }

    fn spot(&self, stretch: &Stretch, share: f64) -> Spot {
        let tool = stretch.tool.as_deref().unwrap_or(&stretch.axes);
        Spot::of(&stretch.axes, tool, stretch.length * share, self.rows, stretch.caps.within(self.tool))
    }

    /// No more acceleration at a knot than is reached on the way to the greatest speed around it: what is more only makes changes of
    /// the share slow.
    fn reachable(&self, at: &mut [f64], end: End) {
        let count = self.entries.len();
        let of = |entry: &Entry| {
            [&entry.begin, &entry.middle, &entry.end].iter().fold(0.0_f64, |most, spot| {
                let energy = spot.cap(&self.limits).min(2.0 * entry.stretch.feed.powi(2));
                most.max((2.0 * energy).sqrt() * SHARE * spot.jerk(&self.limits, 0.0, 0.0))
            })
        };
        let squares: Vec<f64> = self.entries.iter().map(of).collect();
        for (knot, at) in at.iter_mut().enumerate() {
            if end == End::Fastest && knot + AROUND > count {
                return;
            }
            let near = knot.saturating_sub(AROUND)..(knot + AROUND).min(count);
            let most = squares[near].iter().fold(0.0_f64, |a, b| a.max(*b));
            *at = at.min(most.sqrt());
        }
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
