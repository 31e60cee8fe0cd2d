//! The greatest change of the share from which the motion goes on.
//!
//! What a step leaves falls with the change, but for where what is faster is permitted more. So a change that leaves next to nothing is aimed at, by
//! what is known of the curves that are to be met; and from time to time the fastest step is looked at, too.

use super::margin::{self, MOST_CHANGE, Margin, Way, margin};
use super::pieces::Pieces;
use super::place::{NO_SHARE, Place, advanced_past, greater, lesser, moved};

/// Steps that are looked at.
pub const SEARCHES: usize = 15;
/// Stretches that they pass together, but for the last one: fewer looks where a cycle passes many pieces.
pub const SEARCHED: usize = 40;
/// Looks that follow the curves; then the interval between a step that leaves something and one that does not is divided.
const AIMS: usize = 5;
/// Next to nothing: of the energy, and of what a cycle makes of it.
const NEAR: f64 = 1e-6;
const NEAR_OF_CYCLE: f64 = 1e-4;
/// Cycles in a row in which nothing faster is looked at: where more speed would leave more, it is found all the same.
const TRUSTED: u32 = 15;
/// Faster than so much, path units/s, a change is aimed at.
const FLOWING: f64 = 1.0;
/// Shares that are none where a change is aimed at: what goes evenly is soon told where it comes to.
const EVEN: f64 = 1e-6;
/// The search ends when the interval is this share of the rate wide.
const CLOSE: f64 = 1e-7;

/// A step that might be taken.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Of the share, 1/s.
    pub change: f64,
    /// At its end.
    pub margin: Margin,
    /// The least that is left to the limits on its way.
    pub inside: f64,
    pub place: Place,
}

impl Step {
    #[inline]
    fn left(&self) -> f64 {
        lesser(self.inside, self.margin.least())
    }
}

/// A search: what all steps of a cycle have in common.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    pub pieces: &'a Pieces,
    pub from: Place,
    /// The greatest change.
    pub rate: f64,
    /// The least.
    least: f64,
    pub lag: f64,
    pub ratio: f64,
    /// Of the potential before a rest: what is left to what follows.
    pub spare: f64,
    pub period_s: f64,
}

impl<'a> Search<'a> {
    pub fn new(pieces: &'a Pieces, from: Place, rate: f64, ratio: f64, spare: f64, period_s: f64) -> Search<'a> {
        let least = if from.velocity == 0.0 && from.share == 0.0 { 0.0 } else { -rate };
        let lag = from.lag(pieces, MOST_CHANGE, period_s);
        Search { pieces, from, rate, least, lag, ratio, spare, period_s }
    }

    /// The step with that change.
    #[inline(never)]
    fn judged(&self, change: f64) -> Step {
        let Search { pieces, from, lag, ratio, spare, period_s, .. } = *self;
        let mut inside = f64::INFINITY;
        let place = advanced_past(pieces, from, change, period_s, |piece, begin, end| {
            inside = lesser(margin::between(piece, begin, end), inside);
        });
        let way = Way { from: from.share, change, period_s, lag };
        let mut margin = margin(pieces, &place, &way, ratio);
        margin.supply -= spare;
        Step { change, margin, inside, place }
    }

    /// The greatest that leaves something, or the hardest braking where that leaves too little. `last` is what the last cycle did; `trusted` counts
    /// cycles in which nothing faster was looked at. Bound: SEARCHES and one, which pass no more stretches than `SEARCHED`
    /// and twice those of a cycle.
    #[inline(never)]
    pub fn greatest(&self, last: f64, trusted: &mut u32) -> Step {
        let Search { from, rate, least, .. } = *self;
        if self.ratio <= 0.0 {
            return self.judged(-rate);
        }
        let flows = from.velocity > FLOWING;
        let (mut safe, mut failed): (Option<Step>, Option<(f64, f64)>) = (None, None);
        let (mut below, mut before) = (0.0, None);
        let (mut sides, mut widths) = (0, [f64::INFINITY; 2]);
        let mut stretches = 0;
        let mut change = if flows { self.within(self.aimed()) } else { rate };
        for look in 0..SEARCHES {
            let found = self.judged(change);
            let left = found.left();
            if left >= 0.0 {
                if change == rate {
                    *trusted = 0;
                    return found;
                }
                safe = Some(found);
                below = left;
                if sides == 1
                    && let Some((_, above)) = &mut failed
                {
                    *above *= 0.5;
                }
                sides = 1;
                if left <= self.near(&found) {
                    break;
                }
            } else if change <= least {
                *trusted = 0;
                return found;
            } else {
                failed = Some((change, left));
                if sides == -1 {
                    below *= 0.5;
                }
                sides = -1;
            }
            stretches += from.stretches_to(&found.place);
            if stretches >= SEARCHED {
                break;
            }
            let wanted = match before {
                _ if look >= AIMS => None,
                _ if !flows => (look == 0).then_some(last),
                None => self.corrected(&found),
                Some(before) => secant(before, (change, left)),
            };
            let wanted = wanted.map(|wanted| self.within(wanted));
            before = Some((change, left));
            change = match (&safe, failed) {
                (None, None) => least,
                (None, Some((high, _))) => wanted.filter(|wanted| *wanted < high).unwrap_or(least),
                (Some(safe), None) => wanted.filter(|wanted| *wanted > safe.change).unwrap_or(rate),
                (Some(safe), Some((high, above))) => {
                    let width = high - safe.change;
                    if width < CLOSE * rate {
                        break;
                    }
                    // Illinois' regula falsi, and a half where that is slow.
                    let halves = width > 0.5 * widths[0];
                    widths = [widths[1], width];
                    let share = if halves { 0.5 } else { (below / (below - above)).clamp(0.001, 0.999) };
                    let between = |wanted: &f64| *wanted > safe.change && *wanted < high;
                    wanted.filter(between).unwrap_or(safe.change + width * share)
                }
            };
        }
        let Some(safe) = safe else {
            *trusted = 0;
            return self.judged(-rate);
        };
        let looked = failed.is_some_and(|(change, _)| change == rate);
        *trusted = if looked { 0 } else { *trusted + 1 };
        if *trusted <= TRUSTED {
            return safe;
        }
        *trusted = 0;
        let fastest = self.judged(rate);
        if fastest.left() >= 0.0 { fastest } else { safe }
    }

    /// Next to nothing is left.
    fn near(&self, found: &Step) -> f64 {
        let Place { piece, x, velocity, .. } = found.place;
        let acceleration = self.pieces.get(piece).map_or(0.0, |piece| piece.envelope.at(x));
        lesser(NEAR * found.place.energy(), NEAR_OF_CYCLE * acceleration * self.period_s * velocity)
    }

    /// What meets the greatest share is as fast as the fastest.
    fn within(&self, change: f64) -> f64 {
        let Search { from, rate, least, period_s, .. } = *self;
        if from.share + change * period_s >= 1.0 { rate } else { lesser(greater(change, least), rate) }
    }

    /// The change that leaves next to nothing, as far as that can be told from here.
    #[inline(never)]
    fn aimed(&self) -> f64 {
        let Search { pieces, from, lag, ratio, period_s, .. } = *self;
        let Some(piece) = pieces.get(from.piece) else { return self.rate };
        let speeds_up = from.share * piece.envelope.at(from.x) * period_s;
        let near = moved(pieces, from, (from.velocity + 0.5 * speeds_up) * period_s);
        let Some(piece) = pieces.get(near.piece) else { return self.rate };
        let change = margin::aimed(piece, &near, lag, period_s, ratio);
        match () {
            () if (from.share + change * period_s).abs() > EVEN => change,
            () if from.share.abs() <= NO_SHARE => 0.0,
            () => -from.share / period_s,
        }
    }

    /// The change that leaves next to nothing, as far as that can be told from a step that leaves more or less; `None` where it cannot.
    #[inline(never)]
    fn corrected(&self, found: &Step) -> Option<f64> {
        let Step { change, mut margin, inside, place } = *found;
        if margin.supply < margin.limits.min(margin.feed) {
            return None;
        }
        // What is left on the way says little about what is faster.
        if inside < 0.0 {
            margin.limits = margin.limits.min(inside);
        }
        let piece = self.pieces.get(place.piece)?;
        Some(change + margin::corrected(piece, &place, &margin, self.lag, self.period_s, self.ratio))
    }
}

/// Where nothing is left, by two steps and what they leave.
fn secant((first, left): (f64, f64), (second, right): (f64, f64)) -> Option<f64> {
    let slope = (right - left) / (second - first);
    (slope < 0.0).then_some(second - right / slope)
}
