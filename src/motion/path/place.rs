//! Where a path's motion is, and where it will be.

use crate::limits::{PIECES_AHEAD, PIECES_PASSED};

use super::super::profile::State;
use super::pieces::Pieces;
use crate::geometry::Piece;

/// Newton steps to the end of a piece.
const CROSSING_STEPS: usize = 3;
/// Of the length of a piece: how exactly its end is found.
const CROSSED: f64 = 1e-10;
/// Steps to the change that ends at rest, and stretches that they pass together but for the last one.
const RELEASE_STEPS: usize = 4;
pub const RELEASE_STRETCHES: usize = 10;
/// Stretches of a cycle on one piece, with one change of the share: as many as pieces, and one more where the share meets its bound on the way.
pub const STRETCHES: usize = PIECES_PASSED + 2;

/// A share that is none.
pub const NO_SHARE: f64 = 1e-12;
/// All but rounding.
const NEARLY: f64 = 1.0 - 1e-9;

/// The lesser of two numbers, in one instruction; the second where one is none.
#[inline]
pub fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The greater of two numbers, in one instruction; the second where one is none.
#[inline]
pub fn greater(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// A place on a path and the speed there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Number of the piece.
    pub piece: u64,
    /// From its beginning.
    pub x: f64,
    pub velocity: f64,
    /// Of the envelope, -1 to 1.
    pub share: f64,
}

impl Place {
    #[inline]
    pub fn energy(&self) -> f64 {
        0.5 * self.velocity * self.velocity
    }

    /// Stretches of a cycle from here to `end`, at most.
    #[inline]
    pub fn stretches_to(&self, end: &Place) -> usize {
        2 + end.piece.saturating_sub(self.piece) as usize
    }

    #[inline]
    pub fn member(&self, pieces: &Pieces, axis: usize) -> State {
        let [position, velocity, acceleration, _] = self.derivatives(pieces, axis, 0.0);
        State { position, velocity, acceleration }
    }

    /// Position, velocity, acceleration and jerk of an axis while the share changes by `change` 1/s.
    #[inline]
    pub fn derivatives(&self, pieces: &Pieces, axis: usize, change: f64) -> [f64; 4] {
        let Some(piece) = pieces.get(self.piece) else { return [0.0; 4] };
        let [position, first, second, third] = piece.axes[axis].derivatives(self.x);
        let v = self.velocity;
        let envelope = piece.envelope.at(self.x);
        let acceleration = self.share * envelope;
        let jerk = change * envelope + self.share * piece.envelope.slope * v;
        [
            position,
            first * v,
            first * acceleration + second * v * v,
            first * jerk + 3.0 * second * v * acceleration + third * v * v * v,
        ]
    }

    /// The rate at which its braking can be released before it runs back; `None` where it cannot. Bound: PIECES_AHEAD.
    ///
    /// With the lag l of the pieces on its way, a release of the share u takes u²l/2 of the speed and uvl − u³l²/3 of the potential:
    /// what lies further on than that and what a cycle passes does not count.
    /// A slower release, down to the one that comes to rest after 2v²/3u, takes 3v²/4u at most.
    #[inline(never)]
    pub fn releasing(&self, pieces: &Pieces, period_s: f64) -> Option<f64> {
        let braking = -self.share.min(0.0);
        let (square, speed) = (braking * braking, self.velocity);
        let (mut acceleration, mut rate, mut known) = (0.0_f64, f64::INFINITY, 0.0);
        let mut x = self.x;
        for next in pieces.ahead(self.piece, PIECES_AHEAD) {
            acceleration = greater(greater(acceleration, next.envelope.at(x)), next.envelope.at(next.length));
            rate = lesser(rate, next.envelope.rate);
            let lag = acceleration / rate;
            if speed < 0.5 * lag * square {
                return None;
            }
            known += next.envelope.potential(next.length) - next.envelope.potential(x);
            let way = braking * lag * (speed - square * lag * (1.0 / 3.0));
            let cycle = speed * acceleration * period_s;
            if next.rests || known >= way + cycle || (known - cycle) * braking >= 0.75 * speed * speed {
                break;
            }
            x = 0.0;
        }
        (speed >= 0.0).then_some(rate)
    }

    /// Its braking can be released before it runs back.
    #[inline]
    pub fn can_release(&self, pieces: &Pieces, period_s: f64) -> bool {
        let Some(piece) = pieces.get(self.piece) else { return true };
        // With the lag at its worst, or else with that of its way.
        self.released(piece.envelope.lag) >= 0.0 || self.releasing(pieces, period_s).is_some()
    }

    /// The speed that a release of its braking leaves, with that lag; below 0 it would run back.
    #[inline]
    pub fn released(&self, lag: f64) -> f64 {
        let braking = lesser(self.share, 0.0);
        self.velocity - 0.5 * lag * braking * braking
    }

    /// acceleration / rate at its worst on the way that a change of the share by `amount` takes from here, this cycle and the next included: less
    /// than the piece says, which counts on the greatest speed. Bound: PIECES_AHEAD.
    #[inline(never)]
    pub fn lag(&self, pieces: &Pieces, amount: f64, period_s: f64) -> f64 {
        let Some(piece) = pieces.get(self.piece) else { return 0.0 };
        let most = piece.envelope.lag;
        let (mut acceleration, mut rate, mut way) = (piece.envelope.at(self.x), f64::INFINITY, -self.x);
        // What lies behind those that are looked at is not seen.
        let mut seen = !pieces.has(self.piece + PIECES_AHEAD as u64);
        for next in pieces.ahead(self.piece, PIECES_AHEAD) {
            acceleration = greater(acceleration, next.envelope.at(next.length));
            rate = lesser(rate, next.envelope.rate);
            way += next.length;
            // It only grows.
            if acceleration >= NEARLY * most * rate {
                return most;
            }
            let speed = self.velocity + period_s * acceleration;
            if next.rests || way * rate >= speed * (2.0 * period_s * rate + amount) {
                seen = true;
                break;
            }
        }
        if seen { lesser(acceleration / rate, most) } else { most }
    }
}

/// `way` further on, at the same speed and share. Bound: PIECES_PASSED.
pub fn moved(pieces: &Pieces, from: Place, way: f64) -> Place {
    let mut place = Place { x: from.x + way, ..from };
    for _ in 0..PIECES_PASSED {
        let Some(piece) = pieces.get(place.piece) else { break };
        if place.x <= piece.length || piece.rests || pieces.get(place.piece + 1).is_none() {
            place.x = place.x.min(piece.length);
            break;
        }
        place.x -= piece.length;
        place.piece += 1;
    }
    place
}

/// The change of the share with which braking and speed end together, from here on; `None` where nothing brakes or moves.
pub fn release(pieces: &Pieces, from: Place) -> Option<f64> {
    let piece = pieces.get(from.piece)?;
    let braking = -from.share * piece.envelope.at(from.x);
    // Half the braking is the mean.
    (braking > 0.0 && from.velocity > 0.0).then(|| -from.share * braking / (2.0 * from.velocity))
}

/// A braking that is released from here on comes to rest within `seconds`: by which change of the share, when, and where.
/// Bound: RELEASE_STEPS, and RELEASE_STRETCHES.
pub fn comes_to_rest(pieces: &Pieces, from: Place, seconds: f64) -> Option<(f64, f64, Place)> {
    let mut change = release(pieces, from)?;
    if -from.share / change > seconds {
        return None;
    }
    let mut place = from;
    let mut stretches = 0;
    for step in 1..=RELEASE_STEPS {
        place = advanced(pieces, from, change, -from.share / change);
        stretches += from.stretches_to(&place);
        if step == RELEASE_STEPS || stretches >= RELEASE_STRETCHES {
            break;
        }
        // What the envelope does meanwhile.
        change *= 1.0 - (place.velocity / from.velocity).clamp(-0.5, 0.5);
    }
    let rest = -from.share / change;
    (place.velocity, place.share) = (0.0, 0.0);
    (rest <= seconds).then_some((change, rest, place))
}

/// After `seconds` in which the share changes by `change` 1/s until it meets its bound. Bound: two phases, PIECES_PASSED pieces.
///
/// On a piece s̈ = (u + u̇·t)·(α + α′·y) with y the way since: a power series, whose terms fall with α′·t² (planned below
/// 0.04, so that what is left out is below 1e-9 of the way).
pub fn advanced(pieces: &Pieces, from: Place, change: f64, seconds: f64) -> Place {
    advanced_past(pieces, from, change, seconds, |_, _, _| {})
}

/// The same, and the beginning and the end of each stretch on one piece, with one change of the share.
#[inline]
pub fn advanced_past(
    pieces: &Pieces,
    from: Place,
    change: f64,
    seconds: f64,
    mut past: impl FnMut(&Piece, &Place, &Place),
) -> Place {
    let mut place = from;
    let mut change = change;
    let mut left = seconds;
    let mut until_bound = match () {
        () if change > 0.0 => (1.0 - place.share) / change,
        () if change < 0.0 => (-1.0 - place.share) / change,
        () => f64::INFINITY,
    };
    for _ in 0..STRETCHES {
        if left <= 0.0 {
            break;
        }
        let Some(piece) = pieces.get(place.piece) else { break };
        if until_bound <= 0.0 {
            place.share = place.share.signum();
            (change, until_bound) = (0.0, f64::INFINITY);
        }
        let begin = place;
        let goes_on = !piece.rests && pieces.has(place.piece + 1);
        let (time, crosses) = stretch(piece, &mut place, change, lesser(left, until_bound), goes_on);
        past(piece, &begin, &place);
        if crosses {
            place.piece += 1;
            place.x = 0.0;
        }
        left -= time;
        until_bound -= time;
    }
    place
}

/// On one piece, for `most` seconds or to its end where it goes on there; returns how long, and whether it has come to the end.
#[inline(never)]
fn stretch(piece: &Piece, place: &mut Place, change: f64, most: f64, goes_on: bool) -> (f64, bool) {
    let to_end = piece.length - place.x;
    let mut time = most;
    let (way, crosses);
    if change == 0.0 && place.share.abs() <= NO_SHARE {
        place.share = 0.0;
        way = place.velocity * time;
        crosses = way > to_end && goes_on;
        if crosses {
            time = to_end / place.velocity;
        }
    } else {
        let series = Series::new(place, change, piece.envelope.at(place.x), piece.envelope.slope);
        way = series.way(time);
        crosses = way > to_end && goes_on;
        if crosses {
            time = series.time_to(to_end, way, time, piece.length);
        }
        place.velocity = series.speed(time);
        place.share = lesser(greater(place.share + change * time, -1.0), 1.0);
    }
    place.x = if crosses { piece.length } else { lesser(place.x + way, piece.length) };
    (time, crosses)
}

/// The way and the speed over time on one piece.
struct Series {
    way: [f64; 5],
    speed: [f64; 6],
}

impl Series {
    #[inline]
    fn new(place: &Place, change: f64, envelope: f64, slope: f64) -> Series {
        let (v, u, r) = (place.velocity, place.share, change);
        // The derivatives of the way, over the factorials of their orders less one.
        let second = u * envelope;
        let third = 0.5 * (r * envelope + u * slope * v);
        let fourth = slope * (r * v + 0.5 * u * second) * (1.0 / 3.0);
        let fifth = slope * (0.5 * r * second + (1.0 / 3.0) * u * third) * (1.0 / 4.0);
        let sixth = slope * ((1.0 / 3.0) * r * third + (1.0 / 4.0) * u * fourth) * (1.0 / 5.0);
        let way = [0.5 * second, (1.0 / 3.0) * third, 0.25 * fourth, 0.2 * fifth, (1.0 / 6.0) * sixth];
        Series { way, speed: [v, second, third, fourth, fifth, sixth] }
    }

    #[inline]
    fn way(&self, t: f64) -> f64 {
        let [b, c, d, e, f] = self.way;
        t * (self.speed[0] + t * (b + t * (c + t * (d + t * (e + t * f)))))
    }

    #[inline]
    fn speed(&self, t: f64) -> f64 {
        let [a, b, c, d, e, f] = self.speed;
        a + t * (b + t * (c + t * (d + t * (e + t * f))))
    }

    /// When it has gone `to_end`, before `most`, when it has gone `way`. Newton's steps, until what is left of the gap is less than `CROSSED` of
    /// `length`. Bound: CROSSING_STEPS.
    #[inline]
    fn time_to(&self, to_end: f64, way: f64, most: f64, length: f64) -> f64 {
        // From where it would be with the acceleration of now.
        let ([speed, ..], [half, third, ..]) = (self.speed, self.way);
        let steady = 2.0 * to_end / (speed + greater(speed * speed + 4.0 * half * to_end, 0.0).sqrt());
        let mut at = if steady <= most { steady } else { most * greater(to_end / way, 0.0) };
        let close = CROSSED * length;
        for _ in 0..CROSSING_STEPS {
            let speed = self.speed(at);
            let gap = self.way(at) - to_end;
            if speed <= 0.0 {
                break;
            }
            let step = gap / speed;
            at = lesser(greater(at - step, 0.0), most);
            // What the step leaves is its square times half the acceleration.
            if step * step * (half + 3.0 * third * at).abs() <= close {
                break;
            }
        }
        at
    }
}
