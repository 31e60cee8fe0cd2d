//! What is left between a state and what must not be passed, in energy.
//!
//! From a state whose share u exceeds the slope c of a curve, u falls to c at the rate at least; meanwhile the energy gains on the curve by
//! (u − c)²/2 times the speed and the lag at most. Where that fits below, the curve can be followed from then on. What follows
//! the steepest braking, u = −1, is a line of the slope −1 in the potential.

use crate::geometry::Piece;

use super::super::profile::stopping_distance;
use super::super::types::Limits;
use super::pieces::Pieces;
use super::place::{Place, greater, lesser};

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

/// Of what a cycle makes: as much is left where a change is aimed at.
const AIM: f64 = 1e-6;

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
        lesser(lesser(self.limits, self.feed), self.supply)
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
#[inline(never)]
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
    let last = greater(rest.envelope.acceleration, rest.envelope.at(rest.length)) * way.period_s;
    let supply = supply(place, known, greater(lag, rest.envelope.lag), greater(cycle, last), lesser(limits, feed));
    Margin { limits, feed, supply }
}

/// What is left of the potential of the known path behind a stop. In the potential, and with the acceleration integrated over time
/// in the place of time, the share is an acceleration of 1 at most that changes by 1/lag at most: a scalar stop. It is counted on to be
/// slower than that by some cycles, since the change is the same throughout each of them. More than `enough` need not be exact.
#[inline]
fn supply(place: &Place, known: f64, lag: f64, cycle: f64, enough: f64) -> f64 {
    let released = place.velocity + 0.5 * greater(place.share, 0.0).powi(2) * lag;
    if released <= 0.0 {
        return known;
    }
    let slack = STOP_CYCLES * cycle;
    let lag = greater(lag + slack, slack * cycle / released);
    // Braking with everything, and releasing that, which takes at most lag²/6 of potential more.
    let roughly = known - place.energy() - gain(place, -1.0, lag, 0.0) - lag * lag / 6.0;
    if roughly >= greater(enough, 0.0) {
        return roughly;
    }
    // A braking that is under way can be released before it runs back, and no slower release than that is a stop.
    let braking = -lesser(place.share, 0.0);
    let lag = if braking > 0.0 { lag.min(2.0 * place.velocity / (braking * braking)) } else { lag };
    let limits = Limits { velocity: f64::MAX, acceleration: 1.0, jerk: 1.0 / lag.max(f64::MIN_POSITIVE) };
    known - stopping_distance(place.velocity, place.share, &limits)
}

/// The least that is left to the ceiling between two places on a piece: at the second, or between them where the energy comes nearer to the ceiling
/// first and then falls behind it, as where that is lowest.
#[inline(never)]
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
        least = lesser(INSIDE * first - begin.energy() - lowest, least);
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
    let faster = if place.share > 0.0 { 0.5 * place.share * greater(place.share * lag, cycle) } else { 0.0 };
    0.5 * excess * greater(excess * lag, cycle) * (place.velocity + faster)
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
    let excess = place.share - lesser(greater(slope * scale, -1.0), 1.0);
    let lag = piece.envelope.at(place.x) / piece.envelope.rate;
    let change = 0.5 * excess.abs() * greater(excess.abs() * lag, cycle);
    if excess > 0.0 {
        // What stands gains nothing on a feed that falls.
        let faster = if place.share > 0.0 { 0.5 * place.share * greater(place.share * lag, cycle) } else { 0.0 };
        return feed * scale - place.energy() - change * (place.velocity + 0.5 * faster);
    }
    let velocity = greater(place.velocity - change, 0.0);
    feed * scale - 0.5 * velocity * velocity
}

/// A curve that the energy is to come to and not to pass, seen from a place: in a frame that moves along with it, over the speed.
#[derive(Clone, Copy, Debug)]
struct Meeting {
    /// What the acceleration makes of the speed in a cycle.
    cycle: f64,
    /// For a change of the share.
    lag: f64,
    /// What lies below the curve's slope counts as what lies above it does.
    both: bool,
}

impl Meeting {
    /// What half a cycle with `excess` of the share over the slope gains, and what it gains until it is gone.
    #[inline]
    fn gain(&self, excess: f64) -> f64 {
        let lasting = if excess > 0.0 || self.both { greater(excess.abs() * self.lag, self.cycle) } else { 0.0 };
        0.5 * excess * (self.cycle + lasting)
    }

    /// The excess that gains so much.
    #[inline]
    fn excess(&self, gain: f64) -> f64 {
        let Meeting { cycle, lag, both } = *self;
        if gain < 0.0 && !both {
            return 2.0 * gain / cycle;
        }
        let size = gain.abs();
        let excess = if size * lag <= cycle * cycle {
            size / cycle
        } else {
            ((cycle * cycle + 8.0 * lag * size).sqrt() - cycle) / (2.0 * lag)
        };
        excess.copysign(gain)
    }
}

/// The limits and the feed at a place: what is left to the curve, and the excess of the share over its slope.
#[inline]
fn curves(piece: &Piece, place: &Place, lag: f64, period_s: f64, ratio: f64) -> [(Meeting, f64, f64); 2] {
    let energy = place.energy();
    let potential = piece.envelope.potential(place.x);
    let acceleration = piece.envelope.at(place.x);
    let cycle = acceleration * period_s;
    let (ceiling, slope) = piece.ceiling.at(potential);
    let (feed, feed_slope) = piece.feed.at(potential);
    let scale = ratio * ratio;
    let limits = Meeting { cycle, lag: lag / LEFT_FOR_MEETING, both: false };
    let wanted = Meeting { cycle, lag: acceleration / piece.envelope.rate, both: true };
    [(limits, ceiling - energy, place.share - slope), (wanted, feed * scale - energy, place.share - feed_slope * scale)]
}

/// The change of the share with which a cycle leaves next to nothing to its curves, which ends near `place`, where its speed and share are those of
/// its beginning.
#[inline]
pub fn aimed(piece: &Piece, place: &Place, lag: f64, period_s: f64, ratio: f64) -> f64 {
    let change = |(meeting, left, excess): (Meeting, f64, f64)| {
        // Half of a cycle with the share of its beginning, and half with that of its end.
        let gain = left / place.velocity - meeting.cycle * (place.share - 0.5 * excess + AIM);
        (meeting.excess(gain) - excess) / period_s
    };
    let [limits, feed] = curves(piece, place, lag, period_s, ratio);
    lesser(change(limits), change(feed))
}

/// By how much the change of the share is to differ for as little to be left, where a cycle leaves `margin` at `place`.
#[inline]
pub fn corrected(piece: &Piece, place: &Place, margin: &Margin, lag: f64, period_s: f64, ratio: f64) -> f64 {
    let change = |(meeting, _, excess): (Meeting, f64, f64), left: f64| {
        let gain = meeting.gain(excess) + left / place.velocity - AIM * meeting.cycle;
        (meeting.excess(gain) - excess) / period_s
    };
    let [limits, feed] = curves(piece, place, lag, period_s, ratio);
    lesser(change(limits, margin.limits), change(feed, margin.feed))
}
