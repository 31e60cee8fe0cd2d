//! Where a path's motion is, and where it will be.

use crate::limits::{PIECES_AHEAD, PIECES_PASSED};

use super::super::profile::State;
use super::pieces::Pieces;
use crate::geometry::Piece;

/// Newton steps to the end of a piece.
const CROSSING_STEPS: usize = 8;
/// Newton steps to the change that ends at rest.
const RELEASE_STEPS: usize = 4;

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
    /// what lies further on does not count. It takes a cycle at least, unless it comes to rest before, after 2v²/3u.
    pub fn releasing(&self, pieces: &Pieces, period_s: f64) -> Option<f64> {
        let braking = -self.share.min(0.0);
        let (mut acceleration, mut rate, mut known) = (0.0_f64, f64::INFINITY, 0.0);
        let mut x = self.x;
        for number in self.piece..self.piece + PIECES_AHEAD as u64 {
            let Some(next) = pieces.get(number) else { break };
            acceleration = acceleration.max(next.envelope.at(x)).max(next.envelope.at(next.length));
            rate = rate.min(next.envelope.rate);
            let lag = acceleration / rate;
            if self.velocity < 0.5 * lag * braking * braking {
                return None;
            }
            known += next.envelope.potential(next.length) - next.envelope.potential(x);
            let way = self.velocity * braking * lag - braking.powi(3) * lag * lag / 3.0;
            let way = way.max(self.velocity * acceleration * period_s);
            if next.rests || known >= way || known * braking >= 2.0 / 3.0 * self.velocity * self.velocity {
                break;
            }
            x = 0.0;
        }
        (self.velocity >= 0.0).then_some(rate)
    }

    /// acceleration / rate at its worst on the way that a change of the share by `amount` takes from here, this cycle and the next included: less
    /// than the piece says, which counts on the greatest speed. Bound: PIECES_AHEAD.
    pub fn lag(&self, pieces: &Pieces, amount: f64, period_s: f64) -> f64 {
        let Some(piece) = pieces.get(self.piece) else { return 0.0 };
        let (mut acceleration, mut rate, mut way) = (piece.envelope.at(self.x), f64::INFINITY, -self.x);
        for number in self.piece..self.piece + PIECES_AHEAD as u64 {
            let Some(next) = pieces.get(number) else { break };
            acceleration = acceleration.max(next.envelope.at(next.length));
            rate = rate.min(next.envelope.rate);
            way += next.length;
            let speed = self.velocity + period_s * acceleration;
            if next.rests || way >= speed * (2.0 * period_s + amount / rate) {
                break;
            }
        }
        (acceleration / rate).min(piece.envelope.lag)
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
/// Bound: RELEASE_STEPS.
pub fn comes_to_rest(pieces: &Pieces, from: Place, seconds: f64) -> Option<(f64, f64, Place)> {
    let mut change = release(pieces, from)?;
    if -from.share / change > seconds {
        return None;
    }
    let mut place = from;
    for _ in 0..RELEASE_STEPS {
        place = advanced(pieces, from, change, -from.share / change);
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
    for _ in 0..PIECES_PASSED + 2 {
        if left <= 0.0 {
            break;
        }
        let Some(piece) = pieces.get(place.piece) else { break };
        let until_bound = if change > 0.0 {
            (1.0 - place.share) / change
        } else if change < 0.0 {
            (-1.0 - place.share) / change
        } else {
            f64::INFINITY
        };
        if until_bound <= 0.0 {
            change = 0.0;
            place.share = place.share.signum();
            continue;
        }
        let begin = place;
        let mut time = left.min(until_bound);
        let series = Series::new(&place, change, piece.envelope.at(place.x), piece.envelope.slope);
        let to_end = piece.length - place.x;
        let way = series.way(time);
        let goes_on = !piece.rests && pieces.get(place.piece + 1).is_some();
        let crosses = way > to_end && goes_on;
        if crosses {
            // The way rises with time, and the speed changes little: Newton's steps from the mean speed.
            let mut at = time * (to_end / way).max(0.0);
            for _ in 0..CROSSING_STEPS {
                let speed = series.speed(at);
                let gap = series.way(at) - to_end;
                if gap.abs() <= 1e-13 * piece.length || speed <= 0.0 {
                    break;
                }
                at = (at - gap / speed).clamp(0.0, time);
            }
            time = at;
        }
        place.velocity = series.speed(time);
        place.share = (place.share + change * time).clamp(-1.0, 1.0);
        if crosses {
            place.x = piece.length;
            past(piece, &begin, &place);
            place.piece += 1;
            place.x = 0.0;
        } else {
            place.x = (place.x + way).min(piece.length);
            if time == until_bound {
                place.share = change.signum();
                change = 0.0;
            }
        }
        if !crosses {
            past(piece, &begin, &place);
        }
        left -= time;
    }
    place
}

/// The way over time on one piece.
struct Series([f64; 6]);

impl Series {
    #[inline]
    fn new(place: &Place, change: f64, envelope: f64, slope: f64) -> Series {
        let (v, u, r) = (place.velocity, place.share, change);
        let second = u * envelope / 2.0;
        let third = (r * envelope + u * slope * v) / 6.0;
        let fourth = slope * (r * v + u * second) / 12.0;
        let fifth = slope * (r * second + u * third) / 20.0;
        let sixth = slope * (r * third + u * fourth) / 30.0;
        Series([v, second, third, fourth, fifth, sixth])
    }

    #[inline]
    fn way(&self, t: f64) -> f64 {
        let [a, b, c, d, e, f] = self.0;
        t * (a + t * (b + t * (c + t * (d + t * (e + t * f)))))
    }

    #[inline]
    fn speed(&self, t: f64) -> f64 {
        let [a, b, c, d, e, f] = self.0;
        a + t * (2.0 * b + t * (3.0 * c + t * (4.0 * d + t * (5.0 * e + t * 6.0 * f))))
    }
}
