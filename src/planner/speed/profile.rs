//! The energy that limits permit, forwards and backwards along the path.

use super::{End, PASSED, Solved, Speeds, at_knot};
use crate::planner::spot::Spot;

/// How far the energy at the border of two stretches may exceed what bends permit there.
const BORDER: f64 = 1.05;
/// How far towards its slower end the energy of a stretch is taken.
const SLOWER_END: f64 = 0.6;
/// Steps of the search for an energy.
const HALVINGS: u32 = 26;

impl Speeds {
    /// The greatest energy of each entry where nothing is used for braking or speeding up.
    pub(super) fn caps(&self) -> Vec<f64> {
        let passing = self.passing();
        let mut caps: Vec<f64> = Vec::with_capacity(self.entries.len());
        let mut borders: Vec<f64> = Vec::with_capacity(self.entries.len());
        for (entry, passing) in self.entries.iter().zip(passing) {
            let wanted = passing.min(2.0 * entry.stretch.feed.powi(2));
            let permitted = |spot: &Spot| spot.fast(&self.limits).min(wanted);
            let cap = |spot: &Spot| spot.bent(&self.limits).min(permitted(spot));
            let border = |spot: &Spot| (BORDER * spot.bent(&self.limits)).min(permitted(spot));
            let (begin, middle, end) = (cap(&entry.begin), cap(&entry.middle), cap(&entry.end));
            let middle = entry.quarters.iter().fold(middle, |least, spot| least.min(permitted(spot)));
            let slower = |at: f64| middle + SLOWER_END * (at - middle);
            caps.push(middle.min(slower(begin)).min(slower(end)));
            if let Some(last) = borders.last_mut() {
                *last = border(&entry.begin).min(*last);
            }
            borders.push(border(&entry.end));
        }
        // Where the mean of two neighbours is more than their border has, the greater of them is lowered.
        for index in 1..caps.len() {
            let (left, right) = (self.entries[index - 1].stretch.length, self.entries[index].stretch.length);
            let border = borders[index - 1];
            let excess = right * caps[index - 1] + left * caps[index] - border * (left + right);
            if excess <= 0.0 {
                continue;
            }
            let lowered = |cap: f64, by: f64| (cap - by).max(border.min(cap));
            if caps[index - 1].min(caps[index]) > border {
                (caps[index - 1], caps[index]) = (border, border);
            } else if caps[index - 1] > caps[index] {
                caps[index - 1] = lowered(caps[index - 1], excess / right);
            } else {
                caps[index] = lowered(caps[index], excess / left);
            }
        }
        for (cap, entry) in caps.iter_mut().zip(&self.entries) {
            *cap = cap.min(entry.lowered);
        }
        caps
    }

    /// The greatest energy of each entry with which no cycle passes more than so many of them as it looks at.
    pub(super) fn passing(&self) -> Vec<f64> {
        let count = self.entries.len();
        let mut passing = vec![f64::INFINITY; count];
        for first in 0..(count + 1).saturating_sub(PASSED) {
            let way: f64 = self.entries[first..first + PASSED].iter().map(|entry| entry.stretch.length).sum();
            let energy = 0.5 * (way / self.period_s).powi(2);
            passing[first..first + PASSED].iter_mut().for_each(|cap| *cap = cap.min(energy));
        }
        passing
    }

    /// Half of each of the stretches on both sides of the knot before `index`.
    pub(super) fn way(&self, index: usize) -> f64 {
        0.5 * (self.entries[index - 1].stretch.length + self.entries[index].stretch.length)
    }

    pub(super) fn profile(&self, solved: &mut [Solved], caps: &[f64], end: End) {
        let count = self.entries.len();
        for (solved, cap) in solved.iter_mut().zip(caps).skip(self.settled) {
            (solved.energy, solved.permitted) = (*cap, *cap);
        }
        // The greatest energy that is reached from `from` over `way` past `spot`.
        let reached = |spot: &Spot, from: f64, way: f64, cap: f64| {
            let fits = |energy: f64| energy - from <= way * spot.acceleration(&self.limits, 0.5 * (energy + from));
            if cap <= from || fits(cap) {
                return cap;
            }
            // What is faster leaves less.
            let (mut low, mut high) = (from, cap.min(from + way * spot.acceleration(&self.limits, from)));
            for _ in 0..HALVINGS {
                let middle = 0.5 * (low + high);
                if fits(middle) { low = middle } else { high = middle }
            }
            low
        };
        for index in self.settled..count {
            let (from, way) = match index {
                0 => (0.0, 0.5 * self.entries[0].stretch.length),
                _ => (solved[index - 1].energy, self.way(index)),
            };
            solved[index].energy = reached(&self.entries[index].begin, from, way, solved[index].energy);
        }
        for index in (self.settled..count).rev() {
            let (from, way) = match (index + 1 == count, end) {
                (true, End::Fastest) => continue,
                (true, _) => (0.0, 0.5 * self.entries[index].stretch.length),
                (false, _) => (solved[index + 1].energy, self.way(index + 1)),
            };
            solved[index].energy = reached(&self.entries[index].end, from, way, solved[index].energy);
        }
    }

    /// The profile's energy at the knot before `index`.
    pub(super) fn knot_energy(&self, solved: &[Solved], index: usize) -> f64 {
        let count = self.entries.len();
        if index == 0 || index == count {
            return solved[index.min(count - 1)].energy;
        }
        let side = |at: usize| (solved[at].energy, self.entries[at].stretch.length);
        at_knot(side(index - 1), side(index))
    }
}
