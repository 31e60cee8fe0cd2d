//! What is left between a state and what must not be passed, in energy.
//!
//! From a state whose share u exceeds the slope c of a curve, u falls to c at the rate at least; meanwhile the energy gains on the curve by
//! (u − c)²/2 times the speed and the lag at most. Where that fits below, the curve can be followed from then on. What follows
//! the steepest braking, u = −1, is a line of the slope −1 in the potential.

use crate::geometry::Piece;

use super::super::profile::stopping_distance;
use super::super::types::Limits;
use super::pieces::Pieces;
use super::place::Place;

/// Of the rate: what following a ceiling leaves for coming to it.
const LEFT_FOR_MEETING: f64 = 0.5;

/// Of the share, from the fastest to the slowest, as slow as `LEFT_FOR_MEETING` leaves it.
pub const MOST_CHANGE: f64 = 2.0 / LEFT_FOR_MEETING;

/// A stop within the known path is counted on to take so many cycles more for a change of the share than its rate says. 3 leaves a
/// constant change in each cycle with which the next one can stop, too, from any state; 2 does not.
const STOP_CYCLES: f64 = 3.0;

/// Of a potential: what is lost where many are added.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// Within a cycle the energy may be so many times what axes permit: rounding, and what keeps to the ceiling.
const INSIDE: f64 = 1.001;

/// Path units²/s²; below 0 it is not kept.
#[derive(Clone, Copy, Debug)]
pub struct Margin {
    /// To what the axes permit.
    pub limits: f64,
    /// To what the program wants; passed by braking until it is kept.
    pub feed: f64,
    /// To a rest at the end of what is known.
    pub supply: f64,
}

impl Margin {
    #[inline]
    pub fn least(&self) -> f64 {
        self.limits.min(self.feed).min(self.supply)
    }
}

/// How a place was come to.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The share in the cycle before.
    pub from: f64,
    /// The change of the share since.
    pub change: f64,
    pub period_s: f64,
    /// acceleration / rate at its worst, for as long as a change of the share may take.
    pub lag: f64,
}

/// At `place`, at `ratio` of the programmed velocity.
#[inline]
pub fn margin(pieces: &Pieces, place: &Place, way: &Way, ratio: f64) -> Margin {
    let (Some(piece), Some(rest)) = (pieces.get(place.piece), pieces.rest()) else {
        return Margin { limits: 0.0, feed: 0.0, supply: 0.0 };
    };
    let energy = place.energy();
    let potential = piece.envelope.potential(place.x);
    let (ceiling, slope) = piece.ceiling.at(potential);
    let lag = way.lag;
    let acceleration = piece.envelope.at(place.x);
    let cycle = acceleration * way.period_s;
    let limits =
        ceiling - energy - gain(place, slope, lag / LEFT_FOR_MEETING, cycle) - passed(place, way, slope, acceleration);
    let feed = feed_margin(piece, place, potential, ratio, cycle);
    let end = rest.potential + rest.envelope.potential(rest.length);
    let known = if rest.still { f64::INFINITY } else { end - piece.potential - potential - ROUNDING * end };
    // The braking is released where the path ends.
    let last = rest.envelope.acceleration.max(rest.envelope.at(rest.length)) * way.period_s;
    let supply = supply(place, known, lag.max(rest.envelope.lag), cycle.max(last), limits.min(feed));
    Margin { limits, feed, supply }
}

/// What is left of the potential of the known path behind a stop. In the potential, and with the acceleration integrated over time
/// in the place of time, the share is an acceleration of 1 at most that changes by 1/lag at most: a scalar stop. It is counted on to be
/// slower than that by some cycles, since the change is the same throughout each of them. More than `enough` need not be exact.
#[inline]
fn supply(place: &Place, known: f64, lag: f64, cycle: f64, enough: f64) -> f64 {
    let released = place.velocity + 0.5 * place.share.max(0.0).powi(2) * lag;
    if released <= 0.0 {
        return known;
    }
    let slack = STOP_CYCLES * cycle;
    let lag = (lag + slack).max(slack * cycle / released);
    // Braking with everything, and releasing that, which takes at most lag²/6 of potential more.
    let roughly = known - place.energy() - gain(place, -1.0, lag, 0.0) - lag * lag / 6.0;
    if roughly >= enough.max(0.0) {
        return roughly;
    }
    // A braking that is under way can be released before it runs back, and no slower release than that is a stop.
    let braking = -place.share.min(0.0);
    let lag = if braking > 0.0 { lag.min(2.0 * place.velocity / (braking * braking)) } else { lag };
    let limits = Limits { velocity: f64::MAX, acceleration: 1.0, jerk: 1.0 / lag.max(f64::MIN_POSITIVE) };
    known - stopping_distance(place.velocity, place.share, &limits)
}

/// The least that is left to the ceiling between two places on a piece: at the second, or between them where the energy comes nearer to the ceiling
/// first and then falls behind it, as where that is lowest.
#[inline]
pub fn between(piece: &Piece, begin: &Place, end: &Place) -> f64 {
    let potentials = [begin, end].map(|place| piece.envelope.potential(place.x));
    let (first, first_slope) = piece.ceiling.at(potentials[0]);
    let (last, last_slope) = piece.ceiling.at(potentials[1]);
    let nearing = begin.share - first_slope;
    let leaving = last_slope - end.share;
    let mut least = INSIDE * last - end.energy();
    if nearing > 0.0 && leaving > 0.0 {
        // A parabola with these slopes.
        let lowest = 0.5 * nearing * nearing * (potentials[1] - potentials[0]) / (nearing + leaving);
        least = least.min(INSIDE * first - begin.energy() - lowest);
    }
    least
}

/// What the energy gains, at most, on a curve of this slope, until the share is as low: which takes a cycle at least, in which the
/// acceleration makes this velocity (`cycle`).
#[inline]
fn gain(place: &Place, slope: f64, lag: f64, cycle: f64) -> f64 {
    let excess = place.share - slope;
    if excess <= 0.0 {
        return 0.0;
    }
    let faster = if place.share > 0.0 { 0.5 * place.share * (place.share * lag).max(cycle) } else { 0.0 };
    0.5 * excess * (excess * lag).max(cycle) * (place.velocity + faster)
}

/// By how much the energy was further up on the curve where the share passed its slope within the cycle.
#[inline]
fn passed(place: &Place, way: &Way, slope: f64, acceleration: f64) -> f64 {
    let below = slope - place.share;
    if below <= 0.0 || way.from <= slope || way.change >= 0.0 {
        return 0.0;
    }
    0.5 * below * below * acceleration / -way.change * place.velocity
}

/// Between the feed and the energy that is there when the share has come to its slope, from above or from below.
#[inline]
fn feed_margin(piece: &Piece, place: &Place, potential: f64, ratio: f64, cycle: f64) -> f64 {
    let (feed, slope) = piece.feed.at(potential);
    let scale = ratio * ratio;
    let excess = place.share - (slope * scale).clamp(-1.0, 1.0);
    let lag = piece.envelope.at(place.x) / piece.envelope.rate;
    let change = 0.5 * excess.abs() * (excess.abs() * lag).max(cycle);
    if excess > 0.0 {
        // What stands gains nothing on a feed that falls.
        let faster = if place.share > 0.0 { 0.5 * place.share * (place.share * lag).max(cycle) } else { 0.0 };
        return feed * scale - place.energy() - change * (place.velocity + 0.5 * faster);
    }
    let velocity = (place.velocity - change).max(0.0);
    feed * scale - 0.5 * velocity * velocity
}
