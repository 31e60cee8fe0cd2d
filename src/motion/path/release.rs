//! The hardest braking that can be released before the motion runs back.
//!
//! What brakes with a share of the envelope keeps braking until that is released, which takes time and so speed: more of it than there is, and the
//! motion would turn round.

use super::PathMotion;
use super::place::{self, Place, advanced};

/// Steps in the search for a braking that can be released.
pub const RELEASES: usize = 8;
/// Stretches that they pass together, but for the last one.
pub const RELEASED: usize = 12;
/// The search ends when a release leaves no more than this share of the speed.
const CLOSE: f64 = 1e-3;
/// Of the acceleration that is counted with where there may be one try.
const SURE: f64 = 1.0 + 1e-3;
/// Faster than the release that ends at rest: what the envelope does meanwhile.
const HASTE: f64 = 1.1;

impl PathMotion {
    /// The hardest braking that can be released, with a `lag` that is not exceeded on the way; `place` is where that of `change` comes to, which
    /// may be too hard. Bound: RELEASES, which pass no more stretches than `RELEASED` and those of a cycle.
    pub(super) fn releasable(&self, from: Place, change: f64, place: Place, rate: f64, lag: f64) -> (f64, Place) {
        // With the lag that counts here, to rounding.
        let left = place.released(lag);
        if left >= 0.0 {
            return (change, place);
        }
        // What does not brake at the end of the cycle can go on, and so can a release from here on.
        let none = -from.share / self.period_s;
        let mut high = if from.share >= 0.0 {
            none.max(change)
        } else {
            let slowest = place::release(&self.pieces, from).unwrap_or(0.0);
            // A braking that was to end on what was known may have met pieces since that permit less: it is released as it was to be.
            let releasing = from.releasing(&self.pieces, self.period_s).unwrap_or(slowest).max(rate);
            none.max(HASTE * slowest).min(releasing)
        };
        let mut best = advanced(&self.pieces, from, high, self.period_s);
        let (mut low, mut below, mut above) = (change, left, best.released(lag));
        let (mut sides, mut stretches) = (0, from.stretches_to(&best));
        let mut aimed = Some(self.aimed(from, &best, lag)).filter(|aimed| *aimed > low && *aimed < high);
        for _ in 0..RELEASES {
            if stretches >= RELEASED || !(below < 0.0 && above > CLOSE * from.velocity) {
                break;
            }
            // Illinois' regula falsi, from where it is about.
            let falsi = low + (high - low) * (below / (below - above)).clamp(0.001, 0.999);
            let middle = aimed.take().unwrap_or(falsi);
            let place = advanced(&self.pieces, from, middle, self.period_s);
            let left = place.released(lag);
            if left >= 0.0 {
                (high, above, best) = (middle, left, place);
                if sides == 1 {
                    below *= 0.5;
                }
                sides = 1;
            } else {
                (low, below) = (middle, left);
                if sides == -1 {
                    above *= 0.5;
                }
                sides = -1;
            }
            stretches += from.stretches_to(&place);
        }
        (high, best)
    }

    /// The change of the share after which as much speed is left as a release of the share takes with this lag: with v′ = v + aT(u + u′)/2 and
    /// v′ = lu′²/2, where a is the greater one of here and where it comes to without braking. Rather too little braking than too much: where a
    /// cycle passes many stretches there is no second try.
    fn aimed(&self, from: Place, unbraked: &Place, lag: f64) -> f64 {
        let at = |place: &Place| self.pieces.get(place.piece).map_or(0.0, |piece| piece.envelope.at(place.x));
        let acceleration = SURE * place::greater(at(&from), at(unbraked));
        let half = 0.5 * acceleration * self.period_s;
        let kept = from.velocity + half * from.share;
        let share = (half - (half * half + 2.0 * lag * kept).max(0.0).sqrt()) / lag;
        (share - from.share) / self.period_s
    }
}
