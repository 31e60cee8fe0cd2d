//! The last way to a rest, with one acceleration, rate and cap: any stop that fits lands exactly.

use super::envelope::between;
use super::{LANDING_PERIODS, LOWERED, LOWERINGS, Landing, Solved, Speeds};

/// How much longer than its shortest a landing gets at most, where a stretch is long: its end may be a slow place.
const LONGEST_LANDING: f64 = 8.0;

impl Speeds {
    /// How long the way is from which any stop that fits lands exactly.
    pub(super) fn landing_length(&self, acceleration: f64, rate: f64) -> f64 {
        // Releasing the whole acceleration takes 1/rate and this way; the speed before it is acceleration/2rate.
        let release = acceleration / (6.0 * rate * rate);
        let periods = LANDING_PERIODS * self.period_s;
        6.0 * release + acceleration / rate * periods + acceleration * periods * periods
    }

    /// The way to a rest at the end of the entries, given the acceleration at knots and the rate of stretches.
    pub(super) fn landing(&self, at: &[f64], least: &[f64], rate_of: &dyn Fn(usize) -> f64) -> Landing {
        let passing = self.passing();
        let mut first = self.entries.len();
        let mut landing = Landing { first, way: 0.0, acceleration: at[first], rate: f64::INFINITY, cap: f64::INFINITY };
        while first > self.settled {
            first -= 1;
            let most = self.straight_between(first, at[first].max(at[first + 1]));
            let longer = Landing {
                first,
                way: landing.way + self.entries[first].stretch.length,
                acceleration: landing.acceleration.min(at[first]).min(most),
                rate: landing.rate.min(rate_of(first)),
                cap: landing.cap.min(self.landing_cap(first)).min(passing[first]),
            };
            let length = self.landing_length(longer.acceleration, longer.rate);
            let infeasible = longer.acceleration < least[first - self.settled];
            if landing.way > 0.0 && (infeasible || longer.way > LONGEST_LANDING * length) {
                break;
            }
            landing = longer;
            if landing.way >= length {
                break;
            }
        }
        // As slow as leaves that acceleration and rate everywhere. Bound: LOWERINGS.
        for _ in 0..LOWERINGS {
            if self.fits(&landing) {
                break;
            }
            landing.cap *= LOWERED;
        }
        landing
    }

    /// Acceleration that is left between the places that are looked at, where much changes on a stretch and nothing is fast.
    fn straight_between(&self, index: usize, acceleration: f64) -> f64 {
        let stretch = &self.entries[index].stretch;
        if !self.uneven(index, acceleration) {
            return f64::INFINITY;
        }
        between()
            .fold(f64::INFINITY, |least, share| least.min(self.spot(stretch, share).acceleration(&self.limits, 0.0)))
    }

    /// What a landing counts on is left to it by the bends, everywhere and as fast as a rest at its end permits.
    fn fits(&self, landing: &Landing) -> bool {
        let &Landing { first, way, acceleration, rate, cap } = landing;
        let mut way = way;
        (first..self.entries.len()).all(|index| {
            let entry = &self.entries[index];
            let energy = cap.min(acceleration * way);
            way -= entry.stretch.length;
            let spots = [&entry.begin, &entry.quarters[0], &entry.middle, &entry.quarters[1], &entry.end];
            spots.iter().all(|spot| {
                acceleration <= spot.acceleration(&self.limits, energy) * (1.0 + 1e-9)
                    && acceleration * rate <= spot.jerk(&self.limits, energy, acceleration) * (1.0 + 1e-9)
            }) && (!self.uneven(index, acceleration)
                || between().all(|share| {
                    let spot = self.spot(&entry.stretch, share);
                    spot.holds(&self.limits, energy, acceleration, acceleration * rate)
                }))
        })
    }

    pub(super) fn land(&self, landing: &Landing, solved: &mut [Solved]) {
        let &Landing { first, way, acceleration, rate, cap } = landing;
        let mut distance = way;
        for (entry, solved) in self.entries.iter().zip(solved.iter_mut()).skip(first) {
            let length = entry.stretch.length;
            (solved.rate, solved.cap, solved.energy) = (rate, cap, cap.min(solved.energy));
            solved.width = acceleration * length;
            solved.landing = Some(distance);
            distance -= length;
        }
    }

    /// What limits and program permit on a stretch.
    fn landing_cap(&self, index: usize) -> f64 {
        let entry = &self.entries[index];
        let limit = 2.0 * entry.stretch.feed * entry.stretch.feed;
        [&entry.begin, &entry.middle, &entry.end].iter().fold(limit, |cap, spot| cap.min(spot.cap(&self.limits)))
    }
}
