//! A bit of the way from rest to rest, with the least acceleration and rate of all pieces on it.
//!
//! So is passed what is left to a rest at which no landing was planned: where the path goes back to the place where it began or rested, or rests at the
//! end of a line of the program. The follower comes to rest before such a place, but not exactly at it. And so it leaves a rest from which the follower
//! finds no way: where what is permitted for a piece is so little that no constant change in a whole cycle keeps to it.

use crate::limits::PIECES_AHEAD;

use super::super::profile::{Profile, State};
use super::super::types::Limits;
use super::place::{Place, moved};
use super::{Course, PathMotion};

/// Of the rate: what changes of the acceleration may take.
const RATE: f64 = 0.9;
/// Of the energy that is permitted.
const ENERGY: f64 = 0.9;
/// What is left to it, of the energy that a cycle makes from rest: a rest of the follower is exact to a cycle or two.
const SPARE: f64 = 2.0;
/// Seconds at the permitted speed that one bit takes at most.
const LONG_S: f64 = 1.0;
/// A cycle in which the follower stands and is to move counts as much as it moves cycles in which it does.
pub(super) const STANDING: u32 = 16;
/// So much, and the rest is left so.
pub(super) const IDLE: u32 = 8 * STANDING;

/// On the way.
#[derive(Clone, Debug)]
pub struct Creep {
    /// Number of the piece on which it rests.
    end: u64,
    /// So far before the end of that.
    short: f64,
    /// On all of the way, at the greatest override.
    limits: Limits,
    /// At an override of 1.
    feed: f64,
    profile: Profile,
    ticks: u64,
    /// What the profile was made for.
    ratio: f64,
}

/// What may be passed so.
struct Bit {
    /// To the end of a piece.
    left: f64,
    /// How much of that is left for later.
    short: f64,
    /// What is permitted on all of it.
    limits: Limits,
    /// And what is wanted, at an override of 1.
    feed: f64,
}

impl PathMotion {
    /// One cycle of such a bit, if it is on one; false where it is not. Bound: PIECES_AHEAD.
    pub(super) fn creep(&mut self, ratio: f64) -> bool {
        let from = self.place;
        if self.creep.is_none() || !self.moving() {
            // What has begun ends where it was to end, whatever is asked for or known meanwhile: the follower could not take over on the way.
            let end = self.end_of_bit();
            if self.creep.as_ref().is_some_and(|creep| Some(creep.end) != end) {
                self.creep = None;
            }
            let Some(end) = end else { return false };
            if self.creep.is_none() {
                if self.moving() || ratio <= 0.0 {
                    return false;
                }
                let Some(Bit { left, short, limits, feed }) = self.bit(end) else { return false };
                self.idle = 0;
                if left <= 0.0 {
                    self.arrive(end);
                    self.course = Course::Rest;
                    return true;
                }
                let profile = Profile::rest(0.0);
                self.creep = Some(Creep { end, short, limits, feed, profile, ticks: 0, ratio: 0.0 });
            }
        }
        let fits = |creep: &Creep| creep.ratio == ratio && creep.ticks > 0;
        if !self.creep.as_ref().is_some_and(fits) {
            let left = self.creep.as_ref().and_then(|creep| Some(self.way_to(creep.end)? - creep.short));
            let envelope = self.pieces.get(from.piece).map_or(1.0, |piece| piece.envelope.at(from.x));
            let state = State { position: 0.0, velocity: from.velocity, acceleration: from.share * envelope };
            let Some(creep) = self.creep.as_mut() else { return false };
            let limits = Limits { velocity: (creep.feed * ratio).min(creep.limits.velocity), ..creep.limits };
            creep.profile = match left {
                Some(left) if limits.velocity > 0.0 => Profile::to_position(state, left, &limits),
                _ => Profile::stop(state, &creep.limits),
            };
            (creep.ticks, creep.ratio) = (0, ratio);
        }
        let Some(creep) = self.creep.as_mut() else { return false };
        let (end, whole) = (creep.end, creep.short <= 0.0);
        let begin_s = creep.ticks as f64 * self.period_s;
        creep.ticks += 1;
        let end_s = creep.ticks as f64 * self.period_s;
        let profile = creep.profile;
        let ended = end_s >= profile.duration_s();
        let (before, after) = (profile.at(begin_s), profile.at(end_s));
        self.course = Course::Landing { from, profile, begin_s };
        self.place = moved(&self.pieces, from, after.position - before.position);
        let envelope = self.pieces.get(self.place.piece).map_or(1.0, |piece| piece.envelope.at(self.place.x));
        (self.place.velocity, self.place.share) = (after.velocity.max(0.0), after.acceleration / envelope);
        if ended {
            (self.place.velocity, self.place.share) = (0.0, 0.0);
            self.creep = None;
            if ratio > 0.0 && whole {
                self.arrive(end);
            }
        }
        true
    }

    /// At the end of that piece to the last digit, and on the next piece, where there is one.
    fn arrive(&mut self, end: u64) {
        let Some(piece) = self.pieces.get(end) else { return };
        self.place = Place { piece: end, x: piece.length, ..Place::default() };
        if self.pieces.get(end + 1).is_some() {
            self.place = Place { piece: end + 1, ..Place::default() };
        }
    }

    /// Number of the piece at whose end it rests without a landing.
    fn border(&self) -> Option<u64> {
        let number = self.pieces.rest_number()?;
        let lands = || self.pieces.get(number).is_some_and(|piece| piece.landing.is_some() && piece.rests);
        (self.back || (self.pieces.limit() == Some(number) && !lands())).then_some(number)
    }

    /// It comes to rest at a border, and not at what is known of the path.
    pub(super) fn bordered(&self) -> bool {
        self.border().is_some()
    }

    /// What is left to it is passed from rest to rest.
    pub(super) fn near_border(&self) -> bool {
        self.border().is_some_and(|border| self.is_near(border))
    }

    /// How much of the potential before a border is left to this.
    pub(super) fn spare(&self) -> f64 {
        if self.border().is_none() {
            return 0.0;
        }
        let cycle =
            self.pieces.get(self.place.piece).map_or(0.0, |piece| piece.envelope.at(self.place.x) * self.period_s);
        SPARE * cycle * cycle
    }

    /// It cannot come much nearer otherwise.
    fn is_near(&self, border: u64) -> bool {
        let (Some(here), Some(last)) = (self.pieces.get(self.place.piece), self.pieces.get(border)) else {
            return false;
        };
        let potential = last.potential + last.envelope.potential(last.length);
        let potential = potential - here.potential - here.envelope.potential(self.place.x);
        potential <= 2.0 * self.spare()
    }

    /// Number of the piece at whose end a bit from here would end: a border that is near, or one on the way there; or the end of this piece, where
    /// the follower does not get on.
    fn end_of_bit(&self) -> Option<u64> {
        let farthest = self.place.piece + PIECES_AHEAD as u64 - 1;
        match self.border() {
            Some(border) if self.is_near(border) => Some(border.min(farthest)),
            _ => (self.idle >= IDLE).then_some(self.place.piece),
        }
    }

    /// The way to the end of piece `end`. Bound: PIECES_AHEAD.
    fn way_to(&self, end: u64) -> Option<f64> {
        let mut left = -self.place.x;
        for number in self.place.piece..=end {
            left += self.pieces.get(number)?.length;
        }
        Some(left)
    }

    /// The bit to the end of piece `end`, or less where that would take long: further on more may be permitted. Bound: PIECES_AHEAD.
    fn bit(&self, end: u64) -> Option<Bit> {
        let left = self.way_to(end)?;
        let (mut energy, mut feed) = (f64::INFINITY, f64::INFINITY);
        let (mut acceleration, mut rate, mut cap) = (f64::INFINITY, f64::INFINITY, f64::INFINITY);
        for number in self.place.piece..=end {
            let piece = self.pieces.get(number)?;
            let whole = piece.envelope.potential(piece.length);
            energy = energy.min(piece.ceiling.least(whole)).min(piece.cap);
            cap = cap.min(piece.cap);
            feed = feed.min(piece.feed.least(whole));
            acceleration = acceleration.min(piece.envelope.acceleration).min(piece.envelope.at(piece.length));
            rate = rate.min(piece.envelope.rate);
        }
        // From rest to rest no more than this is reached; a ceiling at rest, at both ends of a run, says nothing else.
        let energy = if energy > 0.0 { ENERGY * energy } else { cap.min(acceleration * left.max(0.0)) };
        let velocity = (2.0 * energy).sqrt();
        let limits = Limits { velocity, acceleration, jerk: RATE * acceleration * rate };
        let short = (left - velocity * LONG_S).max(0.0);
        let feed = (2.0 * feed.max(0.0)).sqrt();
        (velocity > 0.0 || left <= 0.0).then_some(Bit { left, short, limits, feed })
    }
}
