//! The greatest energy from which every slow place ahead is met, and what the program wants, as curves that can be followed.

use super::{End, FOLLOWING, PIECES_PASSED, Solved, Speeds, at_knot};
use crate::limits::PIECES_AHEAD;

/// How steep the ceiling may fall, of the envelope.
pub(super) const STEEPEST: f64 = 0.98;
/// How steep the feed may fall: at an override of 2 it falls four times as steep.
pub(super) const FEED_STEEPEST: f64 = 0.24;
/// Looks at how fast the ceiling is, to round it.
const ROUNDS: usize = 4;
/// How much of that a braking that can be released may be.
pub(super) const RELEASING: f64 = 0.9;
/// Steps to how steep that is.
pub(super) const RELEASES: usize = 4;

impl Speeds {
    pub(super) fn ceiling(&self, solved: &mut [Solved], end: End, from: usize) {
        let count = self.entries.len();
        for solved in solved.iter_mut().skip(from) {
            solved.control = solved.energy;
        }
        // No more at borders than the envelope counts on.
        for index in from.max(1)..count {
            let most = solved[index].begins_with;
            let ((left, left_width), (right, right_width)) =
                ((solved[index - 1].control, solved[index - 1].width), (solved[index].control, solved[index].width));
            if at_knot((left, left_width), (right, right_width)) > most {
                let more =
                    |other: f64, own: f64, theirs: f64| other + (most - other).max(0.0) * (own + theirs) / theirs;
                if left > right && index > from {
                    solved[index - 1].control = more(right, left_width, right_width).min(left);
                } else {
                    solved[index].control = more(left, right_width, left_width).min(right);
                }
            }
        }
        // Behind what is known it may have to be as slow as can be, after no more potential than is left with the slowest way on.
        if let (End::Slowest, Some(last)) = (end, solved.last_mut()) {
            last.control = last.control.min(0.5 * STEEPEST * last.width);
        }
        let rates = self.slowest_rates(solved);
        let lags = self.lags(solved);
        // Falling no steeper than braking does, and no steeper than the speed permits: releasing a braking takes half its share squared
        // times the lag of it, and a cycle at least.
        for index in (from..count.saturating_sub(1)).rev() {
            let (here, next) = (&solved[index], &solved[index + 1]);
            let way = 0.5 * (here.width + next.width);
            let mut most = next.control + STEEPEST * way;
            if here.landing.is_none() {
                let cycle = self.period_s * here.acceleration.max(here.leaving).max(next.leaving);
                for _ in 0..RELEASES {
                    // Where it is that steep: at the border between the two.
                    let border = at_knot((most.min(here.control), here.width), (next.control, next.width));
                    let speed = (2.0 * border).sqrt();
                    let slope = RELEASING * (2.0 * speed / lags[index]).sqrt().min(2.0 * speed / cycle);
                    most = next.control + slope.min(STEEPEST) * way;
                }
            }
            solved[index].control = here.control.min(most);
        }
        self.round_ceiling(solved, &rates, from);
        // What is wanted is not waited for: it is what is known of it when a piece is given out.
        let open = self.open();
        for (solved, entry) in solved.iter_mut().zip(&self.entries).skip(open) {
            solved.feed = 0.5 * entry.stretch.feed.powi(2);
        }
        for index in (open..count.saturating_sub(1)).rev() {
            let way = 0.5 * (solved[index].width + solved[index + 1].width);
            solved[index].feed = solved[index].feed.min(solved[index + 1].feed + FEED_STEEPEST * way);
        }
        let speeds: Vec<f64> = solved.iter().map(|solved| (2.0 * solved.cap).sqrt()).collect();
        self.round(solved, &rates, &speeds, open, FOLLOWING / 8.0, |solved| &mut solved.feed);
    }

    /// The first entry whose feed is not in a piece that has been given out.
    pub(super) fn open(&self) -> usize {
        if self.given > 0 { self.given + 1 } else { 0 }
    }

    /// How fast the ceiling may bend depends on the speed, and that on how it bends: the faster it is taken to be, the slower it
    /// comes out. From what is surely too fast, nearer to what comes out, and in the end no less than that.
    fn round_ceiling(&self, solved: &mut [Solved], rates: &[f64], from: usize) {
        let controls: Vec<f64> = solved.iter().map(|solved| solved.control).collect();
        let mut speeds: Vec<f64> = solved.iter().map(|solved| (2.0 * solved.cap).sqrt()).collect();
        for round in 0..=ROUNDS {
            for (solved, control) in solved.iter_mut().zip(&controls).skip(from) {
                solved.control = *control;
            }
            self.round(solved, rates, &speeds, from, FOLLOWING, |solved| &mut solved.control);
            if round == ROUNDS {
                break;
            }
            for (index, speed) in speeds.iter_mut().enumerate() {
                let near = &solved[index.saturating_sub(1)..(index + 2).min(solved.len())];
                let found = near.iter().fold(0.0_f64, |most, solved| most.max(solved.control));
                let found = (2.0 * found).sqrt();
                *speed = if round + 1 < ROUNDS { found.max((found * *speed).sqrt()) } else { found.max(*speed) };
            }
        }
    }

    /// The greatest curve below the control values that bends down no more than `share` of the rate permits: their lower convex
    /// hull, after a curve with that bend was added to all of them.
    fn round(
        &self,
        solved: &mut [Solved],
        rates: &[f64],
        speeds: &[f64],
        fixed: usize,
        share: f64,
        value: impl Fn(&mut Solved) -> &mut f64,
    ) {
        let count = solved.len();
        let from = fixed.saturating_sub(2).min(count);
        // Place and added curve of each control value.
        let mut added = Vec::with_capacity(count - from);
        let (mut place, mut sum, mut slope) = (0.0, 0.0, 0.0);
        for index in from..count {
            if index > from {
                let way = 0.5 * (solved[index - 1].width + solved[index].width);
                place += way;
                sum += slope * way;
            }
            added.push((place, sum));
            let mean = 0.5 * (solved[index].acceleration + solved[index].leaving);
            let velocity = speeds[index].max(1e-9);
            slope += share * rates[index] / (mean.max(1e-12) * velocity) * solved[index].width;
        }
        let mut raised = |index: usize| {
            let (place, sum) = added[index - from];
            (place, *value(&mut solved[index]) + sum)
        };
        let points: Vec<(f64, f64)> = (from..count).map(&mut raised).collect();
        let mut hull: Vec<usize> = Vec::new();
        for (index, &(x, y)) in points.iter().enumerate() {
            while let [.., a, b] = hull[..] {
                let ((ax, ay), (bx, by)) = (points[a], points[b]);
                if (by - ay) * (x - ax) < (y - ay) * (bx - ax) {
                    break;
                }
                hull.pop();
            }
            hull.push(index);
        }
        for pair in hull.windows(2) {
            let ends = [pair[0], pair[1]].map(|index| points[index].1 - added[index].1);
            let ((ax, ay), (bx, by)) = (points[pair[0]], points[pair[1]]);
            for index in pair[0] + 1..pair[1] {
                if from + index < fixed {
                    continue;
                }
                let (x, sum) = added[index];
                let lowered = ay + (by - ay) * (x - ax) / (bx - ax) - sum;
                let value = value(&mut solved[from + index]);
                // Never below both ends, but for rounding.
                *value = value.min(lowered.max(ends[0].min(ends[1])));
            }
        }
    }

    /// The rate that counts on each entry: the least of those that a cycle looks at together.
    fn slowest_rates(&self, solved: &[Solved]) -> Vec<f64> {
        let mut rates: Vec<f64> = solved.iter().map(|solved| solved.rate).collect();
        for (first, here) in solved.iter().enumerate() {
            let velocity = (2.0 * here.cap).sqrt();
            let reach = self.period_s * (velocity + self.period_s * here.acceleration.max(here.leaving));
            let (mut rate, mut way, mut end) = (here.rate, 0.0, first + 1);
            // Bound: PIECES_PASSED.
            while end < solved.len() && end < first + PIECES_PASSED && way <= reach {
                rate = rate.min(solved[end].rate);
                way += self.entries[end].stretch.length;
                end += 1;
            }
            rates[first..end].iter_mut().for_each(|other| *other = other.min(rate));
        }
        rates
    }

    /// acceleration / rate at its worst on the way of releasing a braking from each entry, and the cycles on it.
    fn lags(&self, solved: &[Solved]) -> Vec<f64> {
        let lag = |first: usize| {
            let (mut acceleration, mut rate, mut time) = (0.0_f64, f64::INFINITY, 0.0);
            // Who releases a braking does not count on what makes it slower further on.
            let speed = (2.0 * solved[first].cap).sqrt().max(1e-9);
            // Bound: PIECES_AHEAD.
            for (index, next) in solved.iter().enumerate().skip(first).take(PIECES_AHEAD) {
                acceleration = acceleration.max(next.acceleration).max(next.leaving);
                rate = rate.min(next.rate);
                if index > first {
                    time += self.entries[index].stretch.length / speed;
                }
                if time > 1.0 / rate + 2.0 * self.period_s {
                    break;
                }
            }
            acceleration / rate
        };
        (0..solved.len()).map(lag).collect()
    }
}
