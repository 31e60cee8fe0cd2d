//! The acceleration along the path that is left at that energy, and how fast the used share of it may change.

use super::{AROUND, End, Entry, LOWERED, SHARE, Solved, Speeds};
use crate::planner::spot::Spot;

/// Of the acceleration: what is left anywhere.
const LEAST: f64 = 1e-6;
/// Of the jerk: what bends leave over at least, else the energy there is lowered.
const LEFT_OVER: f64 = 0.15;
/// The factor where a limit does not hold between the ends of a stretch.
const EASED: f64 = 0.95;
/// Parts of a stretch on which much changes: limits are looked at between them, too.
const BETWEEN: u32 = 16;
/// The envelope changes by no more than this in s², so that a cycle's motion is a short series.
const STEEPNESS: f64 = 0.04;

/// Places within a stretch on which much changes, as shares of it.
pub(super) fn between() -> impl Iterator<Item = f64> {
    (1..BETWEEN).map(|part| f64::from(part) / f64::from(BETWEEN))
}

impl Speeds {
    /// By how much the acceleration may fall along each entry at least, however the path goes on: at the greatest speed.
    pub(super) fn falling(&self) -> Vec<f64> {
        let mut solved: Vec<Solved> = self.entries.iter().map(|entry| entry.solved).collect();
        self.profile(&mut solved, &self.caps(), End::Fastest);
        let fall = |(index, entry): (usize, &Entry)| {
            let energy = [index, index + 1]
                .iter()
                .fold(solved[index].energy, |most, knot| most.max(self.knot_energy(&solved, *knot)));
            let jerk = [&entry.begin, &entry.middle, &entry.end].iter().fold(f64::INFINITY, |least, spot| {
                let left = spot.jerk(&self.limits, energy, spot.acceleration(&self.limits, energy));
                least.min(left)
            });
            // Where less is left the energy is lowered.
            let jerk = jerk.max(LEFT_OVER * entry.middle.jerk(&self.limits, 0.0, 0.0));
            (1.0 - SHARE) * jerk / (2.0 * energy).sqrt().max(1e-9) * entry.stretch.length
        };
        self.entries.iter().enumerate().map(fall).collect()
    }

    /// Returns entries at which the bends leave too little of the jerk, or which use more of a limit than is planned with; and by which
    /// factor their energy is to be lowered.
    pub(super) fn envelope(&self, solved: &mut [Solved], end: End, strict: &[bool]) -> Vec<(usize, f64)> {
        let count = self.entries.len();
        let knots: Vec<f64> = (0..=count).map(|index| self.knot_energy(solved, index)).collect();
        let middles: Vec<f64> = (0..count)
            .map(|i| (0.25 * (knots[i] + knots[i + 1]) + 0.5 * solved[i].energy).max(solved[i].energy))
            .collect();
        let spot = |index: usize| if index < count { &self.entries[index].begin } else { &self.entries[count - 1].end };
        let mut at: Vec<f64> = (0..=count).map(|i| spot(i).acceleration(&self.limits, knots[i])).collect();
        self.reachable(&mut at, end);
        // What is settled is looked at, too: what follows comes out as it did when that was settled.
        for index in 0..count {
            // A straight line between two knots must not pass above what there is between them.
            let entry = &self.entries[index];
            let middle = entry.middle.acceleration(&self.limits, middles[index]);
            let energy = |share: f64| {
                let (left, right) = ((1.0 - share) * (1.0 - share), share * share);
                let energy =
                    left * knots[index] + right * knots[index + 1] + (1.0 - left - right) * solved[index].energy;
                energy.max(solved[index].energy)
            };
            let quarter = |share: f64, spot: &Spot| (share, spot.acceleration(&self.limits, energy(share)));
            let seen = [(0.5, middle), quarter(0.25, &entry.quarters[0]), quarter(0.75, &entry.quarters[1])];
            let between = strict[index].then(between).into_iter().flatten();
            let more = between
                .map(|share| (share, self.spot(&entry.stretch, share).most_acceleration(&self.limits, energy(share))));
            for (share, most) in seen.into_iter().chain(more) {
                let excess = (1.0 - share) * at[index] + share * at[index + 1] - most;
                if excess <= 0.0 {
                    continue;
                }
                let weight = |knot: usize| if knot == index { 1.0 - share } else { share };
                let (greater, smaller) =
                    if at[index] > at[index + 1] { (index, index + 1) } else { (index + 1, index) };
                at[greater] = (at[greater] - excess / weight(greater)).max(at[smaller].min(most));
                at[smaller] = at[smaller].min((most - weight(greater) * at[greater]) / weight(smaller)).max(0.0);
            }
        }
        let jerk = |index: usize, at: &[f64]| {
            let entry = &self.entries[index];
            let mean = 0.5 * (at[index] + at[index + 1]);
            let begin = entry.begin.jerk(&self.limits, knots[index], at[index]);
            let end = entry.end.jerk(&self.limits, knots[index + 1], at[index + 1]);
            begin.min(end).min(entry.middle.jerk(&self.limits, middles[index], mean))
        };
        let fixed = self.settled;
        // What is settled stays, its end included.
        for index in 0..fixed {
            (at[index], at[index + 1]) = (solved[index].acceleration, solved[index].leaving);
        }
        if end == End::Slowest {
            // From anywhere it may have to fall from here on, as gently as it falls where the path goes on fast.
            let mut fall = 0.0;
            at[count] = 0.0;
            for (index, falling) in self.falling().iter().enumerate().skip(fixed).rev() {
                fall += falling;
                if index > fixed || fixed == 0 {
                    at[index] = at[index].min(fall);
                }
            }
        }
        // A little is always left: the potential must rise.
        for (knot, at) in at.iter_mut().enumerate().skip(fixed + usize::from(fixed > 0)) {
            let of = self.limits.iter().chain(&spot(knot).tool);
            *at = at.max(of.fold(f64::INFINITY, |least, limits| least.min(LEAST * limits.acceleration)));
        }
        let caps: Vec<f64> = (0..count).map(|i| middles[i].max(knots[i]).max(knots[i + 1])).collect();
        let steepest: Vec<f64> = (0..count)
            .map(|i| {
                let velocity = (2.0 * caps[i]).sqrt().max(1e-9);
                let steepness = STEEPNESS / (self.period_s * self.period_s);
                ((1.0 - SHARE) * jerk(i, &at) / velocity).min(steepness) * self.entries[i].stretch.length
            })
            .collect();
        for index in fixed..count {
            at[index + 1] = at[index + 1].min(at[index] + steepest[index]);
        }
        let backwards = |at: &mut [f64], from: usize| {
            for index in (fixed..from).rev() {
                if index > fixed || fixed == 0 {
                    at[index] = at[index].min(at[index + 1] + steepest[index]);
                }
            }
        };
        backwards(&mut at, count);
        let rate = |index: usize, at: &[f64]| SHARE * jerk(index, at) / at[index].max(at[index + 1]).max(1e-12);
        // The least acceleration that a knot can have behind what is settled.
        let mut least = if fixed > 0 { at[fixed] } else { 0.0 };
        let least: Vec<f64> = (fixed..count)
            .map(|index| {
                let here = least;
                least -= steepest[index];
                here
            })
            .collect();
        let landing = (end == End::Rest).then(|| self.landing(&at, &least, &|index| rate(index, &at)));
        if let Some(landing) = &landing {
            at[landing.first..].fill(landing.acceleration);
            backwards(&mut at, landing.first);
        }
        for index in fixed..count {
            let solved = &mut solved[index];
            (solved.acceleration, solved.leaving) = (at[index], at[index + 1]);
            solved.begins_with = knots[index];
            solved.rate = rate(index, &at);
            solved.width = 0.5 * (at[index] + at[index + 1]) * self.entries[index].stretch.length;
            solved.cap = caps[index];
            solved.steepest = steepest[index];
            solved.landing = None;
        }
        let landing_from = landing.as_ref().map_or(count, |landing| landing.first);
        let tight = (fixed..count).filter_map(|index| {
            let entry = &self.entries[index];
            if jerk(index, &at) < LEFT_OVER * entry.middle.jerk(&self.limits, 0.0, 0.0) {
                return Some((index, LOWERED));
            }
            (index < landing_from && !self.holds(index, &solved[index], knots[index + 1])).then_some((index, EASED))
        });
        let tight = tight.collect();
        if let Some(landing) = landing {
            self.land(&landing, solved);
        }
        tight
    }

    /// Limits hold between the ends of an entry, too, where the energy is a parabola over the potential and not over the way.
    fn holds(&self, index: usize, solved: &Solved, ends_with: f64) -> bool {
        let entry = &self.entries[index];
        let slope = (solved.leaving - solved.acceleration) / entry.stretch.length;
        let held = |share: f64, spot: &Spot| {
            let acceleration = solved.acceleration + share * (solved.leaving - solved.acceleration);
            let way = 0.5 * (solved.acceleration + acceleration) * share * entry.stretch.length / solved.width;
            let (left, right) = ((1.0 - way) * (1.0 - way), way * way);
            let energy = left * solved.begins_with + right * ends_with + (1.0 - left - right) * solved.energy;
            let jerk = solved.rate * acceleration + slope.abs() * (2.0 * energy).sqrt();
            spot.holds(&self.limits, energy, acceleration, jerk)
        };
        let spots = [(0.25, &entry.quarters[0]), (0.5, &entry.middle), (0.75, &entry.quarters[1])];
        let most = solved.acceleration.max(solved.leaving);
        spots.iter().all(|(share, spot)| held(*share, spot))
            && (!self.uneven(index, most) || between().all(|share| held(share, &self.spot(&entry.stretch, share))))
    }

    /// See [`Spot::uneven`].
    pub(super) fn uneven(&self, index: usize, acceleration: f64) -> bool {
        let entry = &self.entries[index];
        entry.middle.uneven(&self.limits, entry.stretch.length, acceleration)
    }

    /// No more acceleration at a knot than is reached on the way to the greatest speed around it: what is more only makes changes of
    /// the share slow.
    fn reachable(&self, at: &mut [f64], end: End) {
        let count = self.entries.len();
        let of = |entry: &Entry| {
            [&entry.begin, &entry.middle, &entry.end].iter().fold(0.0_f64, |most, spot| {
                let energy = spot.cap(&self.limits).min(2.0 * entry.stretch.feed.powi(2));
                most.max((2.0 * energy).sqrt() * SHARE * spot.jerk(&self.limits, 0.0, 0.0))
            })
        };
        let squares: Vec<f64> = self.entries.iter().map(of).collect();
        for (knot, at) in at.iter_mut().enumerate() {
            if end == End::Fastest && knot + AROUND > count {
                return;
            }
            let near = knot.saturating_sub(AROUND)..(knot + AROUND).min(count);
            let most = squares[near].iter().fold(0.0_f64, |a, b| a.max(*b));
            *at = at.min(most.sqrt());
        }
    }
}
