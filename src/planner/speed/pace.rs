//! How long a piece takes, about: for who asks when a program will have ended.

use crate::geometry::Piece;
use crate::motion::Limits;
use crate::motion::profile::{Profile, State};

/// Seconds that a path unit takes behind a rest at the beginning of this piece, in the mean, where all of the way to the next rest is a landing.
pub fn between_rests(piece: &Piece) -> Option<f64> {
    let way = piece.landing.filter(|way| *way > 0.0)?;
    let Piece { envelope, feed, cap, .. } = piece;
    let velocity = (2.0 * feed.energy.min(*cap)).sqrt();
    let jerk = envelope.acceleration * envelope.rate;
    let limits = Limits { velocity, acceleration: envelope.acceleration, jerk };
    let possible = velocity > 0.0 && jerk > 0.0;
    possible.then(|| Profile::duration_to_position_s(State::rest(0.0), way, &limits) / way)
}

/// Seconds that a piece takes at an override of 1, with the acceleration that is planned, where nothing holds it up. What changes of the
/// acceleration cost is counted where the path leaves a rest (`first`) and where it comes to one: half of what the change takes.
pub fn duration(piece: &Piece, first: bool) -> f64 {
    let energy = |x: f64| {
        let w = piece.envelope.potential(x);
        let wanted = piece.ceiling.at(w).0.min(piece.feed.at(w).0);
        let landing = piece.landing.map_or(f64::INFINITY, |way| piece.envelope.acceleration * (way - x));
        let leaving = if first { w } else { f64::INFINITY };
        wanted.min(landing).min(leaving).max(0.0)
    };
    let [begin, middle, end] = [0.0, 0.5, 1.0].map(|share| (2.0 * energy(share * piece.length)).sqrt());
    // The acceleration is the same on each half, about.
    let half = |from: f64, to: f64| if from + to > 0.0 { piece.length / (from + to) } else { 0.0 };
    let change = 0.5 / piece.envelope.rate;
    half(begin, middle) + half(middle, end) + change * f64::from(u8::from(first) + u8::from(piece.rests))
}
