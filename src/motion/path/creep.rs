//! The last bit of a way to a rest at which no landing was planned: where the path goes back to the place where it began or rested, or rests at the end
//! of a line of the program.
//!
//! The follower comes to rest before such a place, but not exactly at it. What is left is passed from rest to rest, with the least acceleration and
//! rate of all pieces on it.

use crate::limits::{PIECES_AHEAD, PIECES_PASSED};

use super::super::profile::{Profile, State};
use super::super::types::Limits;
use super::place::{Place, moved};
use super::{Course, PathMotion};

/// Of the rate: what changes of the acceleration may take.
const RATE: f64 = 0.9;
/// Of the energy that is permitted.
const ENERGY: f64 = 0.9;
/// What is left to it, of the energy that a cycle makes from rest: a rest of the follower is exact to a part of a cycle.
const SPARE: f64 = 0.5;

/// On the way.
#[derive(Clone, Debug)]
pub struct Creep {
    /// Number of the piece at whose end it rests.
    border: u64,
    /// On all of the way, at the greatest override.
    limits: Limits,
    /// At an override of 1.
    feed: f64,
    profile: Profile,
    ticks: u64,
    /// What the profile was made for.
    ratio: f64,
}

impl PathMotion {
    /// One cycle of the last bit of the way to a border, if it is on that; false where it is not. Bound: PIECES_AHEAD.
    pub(super) fn creep(&mut self, ratio: f64) -> bool {
        let Some(border) = self.border() else {
            self.creep = None;
            return false;
        };
        if self.creep.as_ref().is_some_and(|creep| creep.border != border) && !self.moving() {
            self.creep = None;
        }
        let from = self.place;
        if self.creep.is_none() {
            if self.moving() || ratio <= 0.0 {
                return false;
            }
            let Some((left, limits, feed)) = self.bit(border) else { return false };
            if left <= 0.0 {
                self.arrive(border);
                self.course = Course::Rest;
                return true;
            }
            let profile = Profile::rest(0.0);
            self.creep = Some(Creep { border, limits, feed, profile, ticks: 0, ratio: 0.0 });
        }
        let left = self.left(border);
        let Some(creep) = self.creep.as_mut() else { return false };
        if creep.ratio != ratio || creep.ticks == 0 {
            let envelope = self.pieces.get(from.piece).map_or(1.0, |piece| piece.envelope.at(from.x));
            let state = State { position: 0.0, velocity: from.velocity, acceleration: from.share * envelope };
            let limits = Limits { velocity: (creep.feed * ratio).min(creep.limits.velocity), ..creep.limits };
            creep.profile = match left {
                Some(left) if limits.velocity > 0.0 => Profile::to_position(state, left, &limits),
                _ => Profile::stop(state, &creep.limits),
            };
            (creep.ticks, creep.ratio) = (0, ratio);
        }
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
            if ratio > 0.0 {
                self.arrive(border);
            }
        }
        true
    }

    /// At the border to the last digit, and on the next piece, where there is one.
    fn arrive(&mut self, border: u64) {
        let Some(piece) = self.pieces.get(border) else { return };
        self.place = Place { piece: border, x: piece.length, ..Place::default() };
        if self.pieces.get(border + 1).is_some() {
            self.place = Place { piece: border + 1, ..Place::default() };
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

    /// How much of the potential before a border is left to this.
    pub(super) fn spare(&self) -> f64 {
        if self.border().is_none() {
            return 0.0;
        }
        let cycle =
            self.pieces.get(self.place.piece).map_or(0.0, |piece| piece.envelope.at(self.place.x) * self.period_s);
        SPARE * cycle * cycle
    }

    /// The way to the end of piece `border`; `None` where that is far: more than a cycle passes, and than is left to this.
    fn left(&self, border: u64) -> Option<f64> {
        let here = self.pieces.get(self.place.piece)?;
        let (first, last) = (self.place.piece, self.pieces.get(border)?);
        let (mut left, mut number) = (-self.place.x, first);
        // Bound: PIECES_AHEAD.
        while number <= border && number < first + PIECES_AHEAD as u64 {
            left += self.pieces.get(number)?.length;
            number += 1;
        }
        let potential = last.potential + last.envelope.potential(last.length);
        let potential = potential - here.potential - here.envelope.potential(self.place.x);
        let near = border < first + PIECES_PASSED as u64 || potential <= 2.0 * self.spare();
        (number > border && near).then_some(left)
    }

    /// The way to the end of piece `border`, with what is permitted and wanted on all of it; `None` where that is far.
    fn bit(&self, border: u64) -> Option<(f64, Limits, f64)> {
        let left = self.left(border)?;
        let (mut energy, mut feed) = (f64::INFINITY, f64::INFINITY);
        let (mut acceleration, mut rate) = (f64::INFINITY, f64::INFINITY);
        for number in self.place.piece..=border {
            let piece = self.pieces.get(number)?;
            let whole = piece.envelope.potential(piece.length);
            energy = energy.min(piece.ceiling.least(whole)).min(piece.cap);
            feed = feed.min(piece.feed.least(whole));
            acceleration = acceleration.min(piece.envelope.acceleration).min(piece.envelope.at(piece.length));
            rate = rate.min(piece.envelope.rate);
        }
        let velocity = (2.0 * ENERGY * energy.max(0.0)).sqrt();
        let limits = Limits { velocity, acceleration, jerk: RATE * acceleration * rate };
        (velocity > 0.0 || left <= 0.0).then_some((left, limits, (2.0 * feed.max(0.0)).sqrt()))
    }
}
