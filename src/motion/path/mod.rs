//! Motion along a path: one scalar, and the greatest speed from which everything ahead can be met.
//!
//! The state is the way s, the speed v and the share u of the acceleration envelope that is in use (see
//! [`crate::geometry::piece`]): s̈ = u·envelope(s), |u| ≤ 1, |u̇| ≤ rate. So the limits of every axis hold whatever u does, as long as
//! the energy stays below the ceiling of each piece. In each cycle u̇ is the greatest constant that leaves a state from which that goes on:
//! `margin` says whether it does, from the state alone, without looking along the path. Braking with all that there is always does,
//! so a hold, an override and a stop take effect at once, in both directions, anywhere on the path.
//!
//! The last stretch before a rest has one envelope, and is passed on a scalar profile that ends exactly there.
//!
//! | file | what it is |
//! |---|---|
//! | `passage` | there and back on it, and line by line |
//! | `pieces` | the pieces that the cycle has |
//! | `mirror` | a piece for who goes back |
//! | `place` | where the path's motion is, and where it will be |
//! | `margin` | what is left between a state and what must not be passed |
//! | `creep` | the last bit to a rest for which there is no landing |
//!
//! Cost of a cycle, at most, where *p* of its pieces are passed (p ≤ [`crate::limits::PIECES_PASSED`] − 1, see `planner::speed`):
//!
//! | what | how often |
//! |---|---|
//! | evaluations of a step: p + 2 stretches of a series, each with `CROSSING_STEPS` of Newton, and one margin | 3, and S = min(`SEARCHES`, `CROSSINGS` / (p + 1)) in the search for the greatest u̇ |
//! | evaluations without a margin | `RELEASE_STEPS`, and min(S, `RELEASES`) in the search for a braking that can be released, and 2 |
//! | looks ahead along [`crate::limits::PIECES_AHEAD`] pieces | 3, and one with each evaluation in the search for a braking |
//! | pieces that come | [`crate::limits::PIECES_PER_CYCLE`] |
//! | setpoints | one an axis |
//!
//! So 3 + S evaluations pass `CROSSINGS` + 3 (p + 1) pieces at most, however many a cycle passes. `cargo bench --bench path_cost` measures cycles
//! that are made up to take the search for the greatest u̇ to its bound, for each p and 16 axes. The search for a braking is not among them:
//! where it goes to its bound with all looks ahead, a cycle takes more.

mod creep;
mod margin;
mod mirror;
mod passage;
#[cfg(test)]
mod passage_tests;
mod pieces;
mod place;
#[cfg(test)]
mod tests;

use crate::geometry::Piece;
use crate::limits::{PATH_HISTORY, PATH_PIECES, PIECES_PASSED};

use super::profile::{Profile, State};
use super::types::Limits;
use creep::{Creep, IDLE, STANDING};
use margin::{MOST_CHANGE, Margin, Way, margin};
pub use passage::Passage;
use pieces::Pieces;
use place::{Place, advanced, advanced_past};

/// Evaluations in the search for the greatest u̇.
const SEARCHES: usize = 24;
/// Pieces that all evaluations of a search pass together: where a cycle passes two, as planned, they are none the fewer.
const CROSSINGS: usize = 56;
/// Steps in the search for a braking that can be released.
const RELEASES: usize = 24;
/// And where no more of the energy than this is left to what must not be passed.
const NEAR: f64 = 1e-9;
/// Of the rate: what is no going on.
const CREEPING: f64 = 0.01;
/// Slower than this, path units/s, with no more in use than a cycle releases, is a rest for what shall come to one.
const REST: f64 = 1e-6;
/// Cycles in a row in which a guess that leaves next to nothing is taken without a look at what is faster: where more speed would leave more, it is
/// found all the same.
const TRUSTED: u32 = 7;
/// And where it leaves no more than this of the energy, faster than so much, path units/s.
const TRUSTED_NEAR: f64 = 1e-8;
const FLOWING: f64 = 1.0;
/// Less than this of the share is in use in steady flow.
const STEADY: f64 = 1e-4;
/// Changes of two cycles that differ in their sign, and by less than this share otherwise, take turns.
const IN_TURNS: f64 = 0.5;
/// The search ends when the interval is this share of the rate wide.
const CLOSE: f64 = 1e-7;

/// What the last step did, for what happens within it.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "the cycle allocates nothing")]
enum Course {
    Rest,
    /// With this u̇ from this place, for so long; then it rests.
    Share {
        from: Place,
        change: f64,
        seconds: f64,
    },
    /// Along a profile, from this place on.
    Landing {
        from: Place,
        profile: Profile,
        begin_s: f64,
    },
}

/// On the way to a rest.
#[derive(Clone, Debug)]
struct Landing {
    profile: Profile,
    ticks: u64,
    /// What it was made for.
    ratio: f64,
    feed: f64,
}

/// A step that might be taken.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// Of the share, 1/s.
    change: f64,
    margin: Margin,
    place: Place,
    /// Nothing faster was looked at.
    trusted: bool,
}

impl Step {
    fn left(&self) -> f64 {
        self.margin.least()
    }

    /// It leaves something, and next to nothing.
    fn close(&self) -> bool {
        (0.0..=NEAR * self.place.energy()).contains(&self.left())
    }
}

/// Evaluations of a search that stays between two places: fewer where each passes many pieces, but all of them from a rest, which may have to be
/// left very slowly; there nothing brakes, and no other search follows.
fn searches(from: Place, to: Place) -> usize {
    if from.velocity == 0.0 {
        return SEARCHES;
    }
    SEARCHES.min(CROSSINGS / (1 + to.piece.saturating_sub(from.piece) as usize))
}

/// Motion along the pieces of a path.
#[derive(Clone, Debug)]
pub struct PathMotion {
    pieces: Pieces,
    place: Place,
    landing: Option<Landing>,
    creep: Option<Creep>,
    /// Its pieces are those of the way back.
    back: bool,
    course: Course,
    /// Of the share, in the last cycle and in the one before, 1/s.
    changes: [f64; 2],
    /// Cycles in which a guess was trusted since one faster was looked at.
    trusted: u32,
    /// Grows where it is to move and stands, and falls slowly.
    idle: u32,
    period_s: f64,
    /// The last piece has been passed.
    arrived: bool,
    /// It comes, or came, to rest because no more of the path is known.
    starved: bool,
}

impl PathMotion {
    /// Without a path. Allocates what all paths need.
    pub fn new(period_s: f64) -> PathMotion {
        PathMotion::over(Pieces::new(PATH_PIECES, PATH_HISTORY), period_s)
    }

    fn over(pieces: Pieces, period_s: f64) -> PathMotion {
        PathMotion {
            pieces,
            place: Place::default(),
            landing: None,
            creep: None,
            back: false,
            course: Course::Rest,
            changes: [0.0; 2],
            trusted: 0,
            idle: 0,
            period_s,
            arrived: false,
            starved: false,
        }
    }

    /// Forgets the path; the next piece begins another, at rest.
    pub fn clear(&mut self) {
        self.pieces.clear();
        self.place = Place::default();
        self.landing = None;
        self.creep = None;
        self.course = Course::Rest;
        self.changes = [0.0; 2];
        self.arrived = false;
        self.starved = false;
    }

    /// It rests at its place, which something else has brought it to.
    fn settle(&mut self) {
        self.landing = None;
        self.creep = None;
        self.course = Course::Rest;
        self.changes = [0.0; 2];
        self.arrived = false;
        self.starved = false;
    }

    /// Pieces that there is room for.
    pub fn room(&self) -> usize {
        self.pieces.room(self.place.piece)
    }

    /// One piece more, behind the others. Returns false, and changes nothing, where there is no room.
    pub fn push(&mut self, piece: &Piece) -> bool {
        self.pieces.push(piece, self.place.piece)
    }

    /// Pieces that are not passed yet.
    pub fn ahead(&self) -> usize {
        self.pieces.count_from(self.place.piece)
    }

    /// It has a first piece.
    pub fn begun(&self) -> bool {
        self.pieces.last().is_some()
    }

    /// There is no room for another piece.
    pub fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// Share of the way that is done, once the end of the program is known; 0 before.
    pub fn progress(&self) -> f64 {
        match self.pieces.last() {
            Some(last) if last.last && last.distance + last.length > 0.0 => {
                (self.distance() / (last.distance + last.length)).min(1.0)
            }
            Some(last) if last.last => 1.0,
            _ => 0.0,
        }
    }

    /// The path is known up to a rest.
    pub fn ends(&self) -> bool {
        self.pieces.last().is_some_and(|piece| piece.rests)
    }

    /// It rests at the end of the program.
    pub fn arrived(&self) -> bool {
        self.arrived
    }

    /// It rests where what is known of the path was planned to an end, and the program goes on.
    fn at_known_end(&self) -> bool {
        let Place { piece, x, .. } = self.place;
        let next = self.pieces.get(piece + 1);
        let here = self.pieces.get(piece);
        !self.moving() && next.is_none() && here.is_some_and(|here| !here.last && x >= here.length)
    }

    /// It moves.
    pub fn moving(&self) -> bool {
        self.place.velocity > 0.0 || self.place.share != 0.0
    }

    /// It is held up because no more of the path is known.
    pub fn starved(&self) -> bool {
        self.starved && !self.bordered()
    }

    /// Path units/s.
    pub fn velocity(&self) -> f64 {
        self.place.velocity
    }

    /// Path units since the path began.
    pub fn distance(&self) -> f64 {
        self.pieces.get(self.place.piece).map_or(0.0, |piece| piece.distance + self.place.x)
    }

    /// The line of the program.
    pub fn line(&self) -> u32 {
        self.pieces.get(self.place.piece).map_or(0, |piece| piece.line)
    }

    /// Seconds that are left of the program as it is planned, at an override of 1, once its end is known.
    pub fn time_left_s(&self) -> Option<f64> {
        let last = self.pieces.last().filter(|last| last.last)?;
        let here = self.pieces.get(self.place.piece)?;
        let done = if here.length > 0.0 { here.duration * self.place.x / here.length } else { 0.0 };
        Some((last.time + last.duration - here.time - done).max(0.0))
    }

    /// Path units that are left of the program, once its end is known.
    pub fn distance_left(&self) -> Option<f64> {
        let last = self.pieces.last().filter(|last| last.last)?;
        Some((last.distance + last.length - self.distance()).max(0.0))
    }

    /// Where an axis rests at the end of the program, once that is known; drive coordinates.
    pub fn end(&self, axis: usize) -> Option<f64> {
        let last = self.pieces.last().filter(|last| last.last)?;
        Some(last.axes[axis].at(last.length))
    }

    /// Path units behind it that are kept: so far it can go back.
    pub fn behind(&self) -> f64 {
        self.pieces.get(self.pieces.begin()).map_or(0.0, |first| self.distance() - first.distance)
    }

    /// Seconds that the known path takes at the programmed velocities, at least: for those who keep it supplied. Bound: what is kept.
    pub fn supply_s(&self) -> f64 {
        let Some(last) = self.pieces.last() else { return 0.0 };
        let speed = (2.0 * last.feed.energy).sqrt();
        if speed > 0.0 { (last.distance + last.length - self.distance()) / speed } else { 0.0 }
    }

    /// From rest to `velocity` without a way, where nothing of the path moves at its first place whatever the velocity is, and a stop
    /// fits on what is known. Else it stays at rest.
    pub fn launch(&mut self, velocity: f64) {
        let place = Place { velocity, ..self.place };
        let lag = place.lag(&self.pieces, MOST_CHANGE, self.period_s);
        let way = Way { from: 0.0, change: 0.0, period_s: self.period_s, lag };
        let margin = margin(&self.pieces, &place, &way, 1.0);
        if !self.moving() && margin.limits >= 0.0 && margin.supply >= 0.0 {
            self.place = place;
        }
    }

    /// One period on, at `ratio` of the programmed velocity; 0 comes to rest.
    pub fn step(&mut self, ratio: f64) {
        self.pieces.pass_rests(self.place.piece);
        let Some(piece) = self.pieces.get(self.place.piece) else {
            self.course = Course::Rest;
            self.starved = !self.arrived;
            return;
        };
        let landing = self.landing_distance(piece);
        if self.creep(ratio) {
            self.landing = None;
            self.starved = false;
        } else if let Some(distance) = landing {
            self.land(ratio, distance);
        } else {
            self.landing = None;
            self.go(ratio);
            self.stand_still();
        }
    }

    /// How far behind the beginning of the present piece the path rests, where its landing has begun.
    fn landing_distance(&self, piece: &Piece) -> Option<f64> {
        let rest = self.pieces.rest().filter(|rest| rest.rests && !rest.still)?;
        let way = rest.distance + rest.length - piece.distance;
        piece.landing.or_else(|| piece.uniform.filter(|within| way - self.place.x <= *within).map(|_| way))
    }

    /// At the end of the curve, where that comes to rest whatever the speed along it is.
    fn stand_still(&mut self) {
        let mut place = self.place;
        if self.pieces.get(place.piece).is_some_and(|piece| piece.still && place.x >= piece.length) {
            (place.velocity, place.share) = (0.0, 0.0);
            self.rest_at_end(&mut place);
            self.place = place;
        }
    }

    /// The greatest change of the share that can be answered for.
    fn go(&mut self, ratio: f64) {
        let from = self.place;
        let rate = self.rate();
        let found = self.greatest(from, rate, ratio);
        let Step { change, margin: judged, place, trusted } = found.unwrap_or_else(|hardest| hardest);
        self.trusted = if trusted { self.trusted + 1 } else { 0 };
        let open = self.bordered() || !self.pieces.rest().is_some_and(|rest| rest.rests);
        self.starved =
            open && judged.supply <= judged.limits.min(judged.feed) && judged.supply <= 0.01 * from.energy().max(1.0);
        let rests = self.starved && (!self.bordered() || self.near_border());
        let waits = ratio == 0.0 || (self.starved && !self.bordered());
        let idles = !waits && place.velocity < REST && self.creeps(from, change, rate);
        let stands = from.velocity == 0.0 && from.share == 0.0;
        self.idle = match () {
            () if waits => 0,
            () if idles || stands => self.idle.saturating_add(STANDING),
            () => self.idle.saturating_sub(1),
        };
        self.follow(from, change, place, rate, ratio == 0.0 || rests || self.idle >= IDLE);
    }

    /// The step with that change, or the one with the hardest braking where that leaves too little. Bound: `searches` and three.
    fn greatest(&self, from: Place, rate: f64, ratio: f64) -> Result<Step, Step> {
        let lag = from.lag(&self.pieces, MOST_CHANGE, self.period_s);
        let spare = self.spare();
        let judged = |change: f64| {
            let mut inside = f64::INFINITY;
            let place = advanced_past(&self.pieces, from, change, self.period_s, |piece, begin, end| {
                inside = inside.min(margin::between(piece, begin, end));
            });
            let way = Way { from: from.share, change, period_s: self.period_s, lag };
            let mut margin = margin(&self.pieces, &place, &way, ratio);
            margin.limits = margin.limits.min(inside);
            margin.supply -= spare;
            Step { change, margin, place, trusted: false }
        };
        let least = if from.velocity == 0.0 && from.share == 0.0 { 0.0 } else { -rate };
        if ratio <= 0.0 {
            return Ok(judged(-rate));
        }
        // What the last cycle did is a good guess.
        // No clamp in here: it panics where a bound is no number.
        let last = self.changes[0].max(least).min(rate);
        let mut guess = None;
        if from.velocity > FLOWING && self.trusted < TRUSTED {
            let likely = self.likely(from).max(least).min(rate);
            let found = judged(likely);
            if (0.0..=TRUSTED_NEAR * found.place.energy()).contains(&found.left()) {
                return Ok(Step { trusted: true, ..found });
            }
            guess = (likely == last).then_some(found);
        }
        let fastest = judged(rate);
        if fastest.left() >= 0.0 {
            return Ok(fastest);
        }
        let guess = guess.unwrap_or_else(|| judged(last));
        self.search(guess, fastest, least, judged)
    }

    /// The change that is likely in a flow: that of the last cycle, or of the one before where they take turns, or that with which nothing is in use.
    fn likely(&self, from: Place) -> f64 {
        let [last, before] = self.changes;
        let in_turns = last * before < 0.0 && (last + before).abs() < IN_TURNS * last.abs();
        match () {
            () if from.share.abs() < STEADY => -from.share / self.period_s,
            () if in_turns => before,
            () => last,
        }
    }

    /// Between a guess, the fastest step, which leaves too little, and the least change. Bound: `searches`, and one.
    fn search(&self, guess: Step, fastest: Step, least: f64, judged: impl Fn(f64) -> Step) -> Result<Step, Step> {
        let rate = fastest.change;
        let (mut high, mut above) = (rate, fastest.left());
        let mut safe: Option<Step> = None;
        let (mut below, mut kept) = (0.0, 0);
        let mut widths = [f64::INFINITY; 2];
        let mut found = guess;
        for _ in 0..searches(self.place, fastest.place) {
            let left = found.left();
            if left >= 0.0 {
                let close = found.close();
                safe = Some(found);
                below = left;
                if kept == 1 {
                    above *= 0.5;
                }
                kept = 1;
                if close {
                    break;
                }
            } else if found.change == least {
                return Err(found);
            } else {
                (high, above) = (found.change, left);
                if kept == -1 {
                    below *= 0.5;
                }
                kept = -1;
            }
            let Some(Step { change: low, .. }) = safe else {
                found = judged(least);
                continue;
            };
            let width = high - low;
            if width < CLOSE * rate {
                break;
            }
            // Illinois' regula falsi, and a half where that is slow.
            let share = if width > 0.5 * widths[0] { 0.5 } else { (below / (below - above)).clamp(0.001, 0.999) };
            found = judged(low + width * share);
            widths = [widths[1], width];
        }
        safe.ok_or_else(|| judged(-rate))
    }

    /// u̇ on every piece that this cycle can reach. Bound: PIECES_PASSED.
    fn rate(&self) -> f64 {
        let Place { piece, x, velocity, .. } = self.place;
        let Some(first) = self.pieces.get(piece) else { return 0.0 };
        let reach = self.period_s * (velocity + first.envelope.at(x) * self.period_s);
        let mut way = first.length - x;
        let mut rate = first.envelope.rate;
        let mut rests = first.rests;
        for next in 1..PIECES_PASSED as u64 {
            if rests || way > reach {
                break;
            }
            let Some(piece) = self.pieces.get(piece + next) else { break };
            rate = rate.min(piece.envelope.rate);
            rests = piece.rests;
            way += piece.length;
        }
        rate
    }

    /// Next to nothing is in use, and no more is taken.
    fn creeps(&self, from: Place, change: f64, rate: f64) -> bool {
        change <= CREEPING * rate && from.share.abs() <= rate * self.period_s
    }

    /// Takes the step, unless it would run back: then as much less braking as that takes.
    fn follow(&mut self, from: Place, change: f64, found: Place, rate: f64, rests: bool) {
        // What is left of a braking to rest is released, and is none; and so is what creeps to the end of what is known.
        let acceleration = self.pieces.get(from.piece).map_or(0.0, |piece| piece.envelope.at(from.x));
        let left = from.velocity.abs().max(found.velocity).max(0.5 * from.share * from.share * acceleration / rate);
        if rests && left < REST && self.creeps(from, change, rate) {
            self.place = Place { velocity: 0.0, share: 0.0, ..from };
            let seconds = from.share.abs() / rate;
            self.course = match from.share {
                0.0 => Course::Rest,
                share => Course::Share { from, change: -rate.copysign(share), seconds },
            };
            self.changes = [0.0; 2];
            return;
        }
        if from.velocity == 0.0 && from.share <= 0.0 && change <= 0.0 {
            self.place = Place { velocity: 0.0, share: 0.0, ..from };
            self.course = Course::Rest;
            return;
        }
        if let Some((release, seconds, place)) = place::comes_to_rest(&self.pieces, from, self.period_s)
            && change <= release
        {
            self.course = Course::Share { from, change: release, seconds };
            self.place = place;
            return;
        }
        let (mut change, mut place) = (change, found);
        if place.releasing(&self.pieces, self.period_s).is_none() {
            // Bound: RELEASES. A release from here on can go on; one that is little more than what comes to rest mostly can, too, unless changes
            // have to be slower further on; and so can what does not brake yet.
            let slowest = place::release(&self.pieces, from).unwrap_or(0.0);
            let releasing = from.releasing(&self.pieces, self.period_s).map_or(rate, |releasing| releasing.max(rate));
            let (mut low, mut high) = (change, (1.1 * slowest).max(change).min(releasing));
            let gentle = advanced(&self.pieces, from, high, self.period_s);
            if gentle.releasing(&self.pieces, self.period_s).is_none() {
                (low, high) = (high, releasing);
            }
            for _ in 0..searches(from, place).min(RELEASES) {
                let middle = 0.5 * (low + high);
                let place = advanced(&self.pieces, from, middle, self.period_s);
                if place.releasing(&self.pieces, self.period_s).is_some() {
                    high = middle;
                } else {
                    low = middle;
                }
            }
            change = high;
            place = advanced(&self.pieces, from, change, self.period_s);
        }
        self.course = Course::Share { from, change, seconds: self.period_s };
        self.changes = [change, self.changes[0]];
        self.place = place;
    }

    /// On the profile to a rest.
    fn land(&mut self, ratio: f64, distance: f64) {
        let from = self.place;
        let Some(piece) = self.pieces.get(from.piece) else { return };
        let feed = piece.feed.energy;
        let fits = |landing: &Landing| landing.ratio == ratio && landing.feed == feed;
        if !self.landing.as_ref().is_some_and(fits) {
            let envelope = &piece.envelope;
            let limits = Limits {
                velocity: (2.0 * feed).sqrt().mul_add(ratio, 0.0).min((2.0 * piece.cap).sqrt()),
                acceleration: envelope.acceleration,
                jerk: envelope.acceleration * envelope.rate,
            };
            let state =
                State { position: 0.0, velocity: from.velocity, acceleration: from.share * envelope.acceleration };
            let left = distance - from.x;
            let profile = if limits.velocity > 0.0 && left > 0.0 {
                Profile::to_position(state, left, &limits)
            } else {
                Profile::stop(state, &Limits { velocity: (2.0 * piece.cap).sqrt(), ..limits })
            };
            self.landing = Some(Landing { profile, ticks: 0, ratio, feed });
        }
        let acceleration = piece.envelope.acceleration;
        let Some(landing) = self.landing.as_mut() else { return };
        let begin_s = landing.ticks as f64 * self.period_s;
        landing.ticks += 1;
        let end_s = landing.ticks as f64 * self.period_s;
        let profile = landing.profile;
        let (before, after) = (profile.at(begin_s), profile.at(end_s));
        let ended = end_s >= profile.duration_s();
        self.course = Course::Landing { from, profile, begin_s };
        let mut place = place::moved(&self.pieces, from, after.position - before.position);
        (place.velocity, place.share) = (after.velocity.max(0.0), after.acceleration / acceleration);
        if ended {
            (place.velocity, place.share) = (0.0, 0.0);
            if ratio > 0.0 {
                self.rest_at_end(&mut place);
            }
        }
        self.place = place;
    }

    /// At the end of the landing, to the last digit; the next step begins what is behind it.
    fn rest_at_end(&mut self, place: &mut Place) {
        // Bound: what is kept.
        while let Some(piece) = self.pieces.get(place.piece) {
            if piece.rests {
                place.x = piece.length;
                self.arrived |= piece.last;
                self.landing = None;
                if !piece.last && self.pieces.get(place.piece + 1).is_some() {
                    place.piece += 1;
                    place.x = 0.0;
                }
                return;
            }
            place.piece += 1;
        }
    }

    /// Position, velocity and acceleration of an axis of the path; drive coordinates.
    #[inline]
    pub fn member(&self, axis: usize) -> State {
        self.place.member(&self.pieces, axis)
    }
}

impl PathMotion {
    /// Position, velocity, acceleration and jerk of an axis at a share of the period that has just passed; for who looks closer than
    /// a cycle does.
    pub fn within(&self, share: f64, axis: usize) -> [f64; 4] {
        let seconds = share * self.period_s;
        let (place, change) = match &self.course {
            Course::Rest => (self.place, 0.0),
            Course::Share { seconds: end, .. } if seconds >= *end && *end < self.period_s => (self.place, 0.0),
            Course::Share { from, change, .. } => {
                let place = advanced(&self.pieces, *from, *change, seconds);
                // Where the share has met its bound it changes no more.
                let held = place.share.abs() >= 1.0 && place.share * change > 0.0;
                (place, if held { 0.0 } else { *change })
            }
            Course::Landing { from, profile, begin_s } => {
                let (before, after) = (profile.at(*begin_s), profile.at(begin_s + seconds));
                let mut place = place::moved(&self.pieces, *from, after.position - before.position);
                let envelope = self.pieces.get(place.piece).map(|piece| piece.envelope).unwrap_or_default();
                let acceleration = envelope.at(place.x).max(f64::MIN_POSITIVE);
                (place.velocity, place.share) = (after.velocity, after.acceleration / acceleration);
                let changing = place.share * envelope.slope * place.velocity;
                (place, (profile.jerk_at(begin_s + seconds) - changing) / acceleration)
            }
        };
        place.derivatives(&self.pieces, axis, change)
    }
}
