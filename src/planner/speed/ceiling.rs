//! The greatest energy from which every slow place ahead is met, and what the program wants, as curves that can be followed.

use super::{FOLLOWING, PIECES_PASSED, Solved, Speeds, at_knot};

/// How steep the ceiling may fall, of the envelope.
pub(super) const STEEPEST: f64 = 0.98;
/// How steep the feed may fall: at an override of 2 it falls four times as steep.
pub(super) const FEED_STEEPEST: f64 = 0.24;
/// Of the rate: what following the ceiling into a slow place takes at most.
const SLOWING: f64 = 0.5;

impl Speeds {
    pub(super) fn ceiling(&self, solved: &mut [Solved]) {
        let count = self.entries.len();
        for solved in solved.iter_mut().skip(self.settled) {
            solved.control = solved.energy;
        }
        // No more at borders than the envelope counts on.
        for index in self.settled.max(1)..count {
            let most = solved[index].begins_with;
            let ((left, left_width), (right, right_width)) =
                ((solved[index - 1].control, solved[index - 1].width), (solved[index].control, solved[index].width));
            if at_knot((left, left_width), (right, right_width)) > most {
                let more =
                    |other: f64, own: f64, theirs: f64| other + (most - other).max(0.0) * (own + theirs) / theirs;
                if left > right && index > self.settled {
                    solved[index - 1].control = more(right, left_width, right_width).min(left);
                } else {
                    solved[index].control = more(left, right_width, left_width).min(right);
                }
            }
        }
        let rates = self.slowest_rates(solved);
        // Falling no steeper than braking does, and so that the brake can be released on the way into a slow place.
        let mut slope = STEEPEST;
        for index in (self.settled..count.saturating_sub(1)).rev() {
            let (here, next) = (&solved[index], &solved[index + 1]);
            let way = 0.5 * (here.width + next.width);
            let mean = 0.5 * (here.acceleration + here.leaving);
            let velocity = (2.0 * next.control.min(here.control)).sqrt().max(1e-9);
            let bend = SLOWING * rates[index] / (mean.max(1e-12) * velocity);
            slope = if next.landing.is_some() { STEEPEST } else { (slope + bend * way).min(STEEPEST) };
            let most = next.control + slope * way;
            if here.control <= most {
                slope = ((here.control - next.control) / way).max(0.0);
            }
            solved[index].control = solved[index].control.min(most);
        }
        self.round(solved, &rates, self.settled, FOLLOWING, |solved| &mut solved.control);
        // What is wanted is not waited for: it is what is known of it when a piece is given out.
        let open = self.open();
        for (solved, entry) in solved.iter_mut().zip(&self.entries).skip(open) {
            solved.feed = 0.5 * entry.stretch.feed.powi(2);
        }
        for index in (open..count.saturating_sub(1)).rev() {
            let way = 0.5 * (solved[index].width + solved[index + 1].width);
            solved[index].feed = solved[index].feed.min(solved[index + 1].feed + FEED_STEEPEST * way);
        }
        self.round(solved, &rates, open, FOLLOWING / 8.0, |solved| &mut solved.feed);
    }

    /// The first entry whose feed is not in a piece that has been given out.
    pub(super) fn open(&self) -> usize {
        if self.given > 0 { self.given + 1 } else { 0 }
    }

    /// The greatest curve below the control values that bends down no more than `share` of the rate permits: their lower convex
    /// hull, after a curve with that bend was added to all of them.
    fn round(
        &self,
        solved: &mut [Solved],
        rates: &[f64],
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
            let velocity = (2.0 * solved[index].cap).sqrt().max(1e-9);
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
}
