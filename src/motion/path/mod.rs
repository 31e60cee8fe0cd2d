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
//! | `bound` | what a cycle does at most |
//! | `passage` | there and back on it, and line by line |
//! | `pieces` | the pieces that the cycle has |
//! | `mirror` | a piece for who goes back |
//! | `place` | where the path's motion is, and where it will be |
//! | `progress` | how far it has come |
//! | `search` | the greatest change of the share |
//! | `release` | the hardest braking from which it need not run back |
//! | `margin` | what is left between a state and what must not be passed |
//! | `creep` | the last bit to a rest for which there is no landing |
//!
//! What a cycle does at most is in `bound`: every loop has one, and searches end with the last step that they know to be safe when what they
//! may look at is used up. In a flow, one look or two are enough.

pub mod bound;
mod creep;
mod margin;
mod mirror;
mod passage;
#[cfg(test)]
mod passage_tests;
mod pieces;
mod place;
mod progress;
mod release;
mod search;
#[cfg(test)]
mod tests;

use crate::geometry::{Piece, Singularity};
use crate::limits::{PATH_HISTORY, PATH_PIECES, PIECES_PASSED};

use super::profile::{Profile, State};
use super::types::Limits;
use creep::{Creep, IDLE, STANDING};
use margin::{MOST_CHANGE, Way, margin};
pub use passage::Passage;
use pieces::Pieces;
use place::{Place, advanced};
pub use progress::Along;
use search::{Search, Step};

/// Of the rate: what is no going on.
const CREEPING: f64 = 0.01;
/// Slower than this, path units/s, with no more in use than a cycle releases, is a rest for what shall come to one.
const REST: f64 = 1e-6;

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
    /// Of the share, in the last cycle, 1/s.
    change: f64,
    /// Cycles since the fastest step was looked at.
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
            change: 0.0,
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
        self.change = 0.0;
        self.arrived = false;
        self.starved = false;
    }

    /// It rests at its place, which something else has brought it to.
    fn settle(&mut self) {
        self.landing = None;
        self.creep = None;
        self.course = Course::Rest;
        self.change = 0.0;
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

    /// What slows it where it is, if a singularity does.
    pub fn slowed_by(&self) -> Option<Singularity> {
        self.pieces.get(self.place.piece).and_then(|piece| piece.slowed_by)
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
        let search = Search::new(&self.pieces, from, rate, ratio, self.spare(), self.period_s);
        let lag = search.lag;
        let Step { change, margin, inside, place } = search.greatest(self.change, &mut self.trusted);
        let short = margin.supply <= margin.limits.min(inside).min(margin.feed);
        let short = short && margin.supply <= 0.01 * from.energy().max(1.0);
        self.starved = short && (self.bordered() || !self.pieces.rest().is_some_and(|rest| rest.rests));
        let rests = self.starved && (!self.bordered() || self.near_border());
        let waits = ratio == 0.0 || (self.starved && !self.bordered());
        let idles = !waits && place.velocity < REST && self.creeps(from, change, rate);
        let stands = from.velocity == 0.0 && from.share == 0.0;
        self.idle = match () {
            () if waits => 0,
            () if idles || stands => self.idle.saturating_add(STANDING),
            () => self.idle.saturating_sub(1),
        };
        self.follow(from, change, place, (rate, lag), ratio == 0.0 || rests || self.idle >= IDLE);
    }

    /// u̇ on every piece that this cycle can reach. Bound: PIECES_PASSED.
    fn rate(&self) -> f64 {
        let Place { piece, x, velocity, share } = self.place;
        let Some(first) = self.pieces.get(piece) else { return 0.0 };
        // What brakes throughout the cycle gets no faster.
        let fastest = (share + first.envelope.rate * self.period_s).clamp(0.0, 1.0);
        let reach = self.period_s * (velocity + fastest * first.envelope.at(x) * self.period_s);
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
    fn follow(&mut self, from: Place, change: f64, found: Place, (rate, lag): (f64, f64), rests: bool) {
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
            self.change = 0.0;
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
        if !place.can_release(&self.pieces, self.period_s) {
            (change, place) = self.releasable(from, change, place, rate, lag);
        }
        self.course = Course::Share { from, change, seconds: self.period_s };
        self.change = change;
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
        self.landing = None;
        // Bound: PIECES_PASSED. It is there but for rounding; else it lands once more, from here.
        for number in place.piece..place.piece + PIECES_PASSED as u64 {
            let Some(piece) = self.pieces.get(number) else { return };
            if piece.rests {
                (place.piece, place.x) = (number, piece.length);
                self.arrived |= piece.last;
                if !piece.last && self.pieces.get(number + 1).is_some() {
                    (place.piece, place.x) = (number + 1, 0.0);
                }
                return;
            }
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
