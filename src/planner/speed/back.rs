//! The greatest energy from which every slow place behind is met by who goes back along the path.
//!
//! Limits of axes are the same in both directions, and so are the bends that can be followed. What differs is where the ceiling falls: towards
//! the beginning, and no steeper than braking does.

use super::ceiling::{FEED_STEEPEST, RELEASES, RELEASING, STEEPEST};
use super::{FOLLOWING, PIECES_PASSED, Solved, Speeds, at_knot};
use crate::limits::PIECES_AHEAD;

impl Speeds {
    /// After what limits leave on each entry is known.
    pub(super) fn back(&self, solved: &mut [Solved]) {
        let count = self.entries.len();
        for solved in solved.iter_mut().skip(self.settled) {
            solved.back = solved.energy;
        }
        self.keep_borders(solved);
        let rates = self.slowest_rates_back(solved);
        for index in self.settled.max(1)..count {
            let lag = self.lag_back(solved, index);
            let (here, next) = (&solved[index], &solved[index - 1]);
            let way = 0.5 * (here.width + next.width);
            let mut most = next.back + STEEPEST * way;
            let cycle = self.period_s * here.acceleration.max(here.leaving).max(next.acceleration);
            for _ in 0..RELEASES {
                let border = at_knot((most.min(here.back), here.width), (next.back, next.width));
                let speed = (2.0 * border).sqrt();
                let slope = RELEASING * (2.0 * speed / lag).sqrt().min(2.0 * speed / cycle);
                most = next.back + slope.min(STEEPEST) * way;
            }
            solved[index].back = here.back.min(most);
        }
        self.round_back(solved, &rates, self.settled, FOLLOWING, |solved| &mut solved.back);
        let open = self.open();
        for (solved, entry) in solved.iter_mut().zip(&self.entries).skip(open) {
            solved.back_feed = 0.5 * entry.stretch.feed.powi(2);
        }
        for index in open.max(1)..count {
            let way = 0.5 * (solved[index].width + solved[index - 1].width);
            solved[index].back_feed = solved[index].back_feed.min(solved[index - 1].back_feed + FEED_STEEPEST * way);
        }
        self.round_back(solved, &rates, open, FOLLOWING / 8.0, |solved| &mut solved.back_feed);
    }

    /// No more at borders than the envelope counts on.
    fn keep_borders(&self, solved: &mut [Solved]) {
        for index in self.settled.max(1)..solved.len() {
            let most = solved[index].begins_with;
            let [(left, left_width), (right, right_width)] =
                [index - 1, index].map(|at| (solved[at].back, solved[at].width));
            if at_knot((left, left_width), (right, right_width)) <= most {
                continue;
            }
            let more = |other: f64, own: f64, theirs: f64| other + (most - other).max(0.0) * (own + theirs) / theirs;
            if left > right && index > self.settled {
                solved[index - 1].back = more(right, left_width, right_width).min(left);
            } else {
                solved[index].back = more(left, right_width, left_width).min(right);
            }
        }
    }

    /// acceleration / rate at its worst on the way back of releasing a braking from entry `last`, and the cycles on it, as far as
    /// entries are kept.
    fn lag_back(&self, solved: &[Solved], last: usize) -> f64 {
        let (mut acceleration, mut rate, mut time) = (0.0_f64, f64::INFINITY, 0.0);
        // Bound: PIECES_AHEAD.
        for index in (0..=last).rev().take(PIECES_AHEAD) {
            let next = &solved[index];
            acceleration = acceleration.max(next.acceleration).max(next.leaving);
            rate = rate.min(next.rate);
            if index < last {
                time += self.entries[index].stretch.length / (2.0 * next.cap).sqrt().max(1e-9);
            }
            if time > 1.0 / rate + 2.0 * self.period_s {
                break;
            }
        }
        acceleration / rate
    }

    /// The least rate of those that a cycle on the way back looks at together.
    fn slowest_rates_back(&self, solved: &[Solved]) -> Vec<f64> {
        let mut rates: Vec<f64> = solved.iter().map(|solved| solved.rate).collect();
        for (last, here) in solved.iter().enumerate() {
            let velocity = (2.0 * here.cap).sqrt();
            let reach = self.period_s * (velocity + self.period_s * here.acceleration.max(here.leaving));
            let (mut rate, mut way, mut begin) = (here.rate, 0.0, last);
            // Bound: PIECES_PASSED.
            while begin > 0 && last - begin < PIECES_PASSED && way <= reach {
                begin -= 1;
                rate = rate.min(solved[begin].rate);
                way += self.entries[begin].stretch.length;
            }
            rates[begin..=last].iter_mut().for_each(|other| *other = other.min(rate));
        }
        rates
    }

    /// The greatest curve below the values of entries from `fixed` on that bends down no more than `share` of the rate permits: the lower
    /// convex hull, after a curve with that bend was added to all of them.
    fn round_back(
        &self,
        solved: &mut [Solved],
        rates: &[f64],
        fixed: usize,
        share: f64,
        value: impl Fn(&mut Solved) -> &mut f64,
    ) {
        let from = fixed.saturating_sub(2).min(solved.len());
        let (mut place, mut sum, mut slope) = (0.0, 0.0, 0.0);
        // Place, added curve, value.
        let mut points = Vec::with_capacity(solved.len() - from);
        let mut before = 0.0;
        for (solved, rate) in solved.iter_mut().zip(rates).skip(from) {
            let way = if points.is_empty() { 0.0 } else { 0.5 * (before + solved.width) };
            (place, sum, before) = (place + way, sum + slope * way, solved.width);
            let mean = 0.5 * (solved.acceleration + solved.leaving);
            let velocity = (2.0 * solved.cap).sqrt().max(1e-9);
            slope += share * rate / (mean.max(1e-12) * velocity) * solved.width;
            points.push((place, sum, *value(solved)));
        }
        let raised = |index: usize| {
            let (place, sum, value): (f64, f64, f64) = points[index];
            (place, value + sum)
        };
        let mut hull: Vec<usize> = Vec::new();
        for index in 0..points.len() {
            let (x, y) = raised(index);
            while let [.., a, b] = hull[..] {
                let ((ax, ay), (bx, by)) = (raised(a), raised(b));
                if (by - ay) * (x - ax) < (y - ay) * (bx - ax) {
                    break;
                }
                hull.pop();
            }
            hull.push(index);
        }
        for pair in hull.windows(2) {
            let ((ax, ay), (bx, by)) = (raised(pair[0]), raised(pair[1]));
            let ends = points[pair[0]].2.min(points[pair[1]].2);
            for index in (pair[0] + 1..pair[1]).filter(|index| from + index >= fixed) {
                let (x, sum, _) = points[index];
                let lowered = ay + (by - ay) * (x - ax) / (bx - ax) - sum;
                let value = value(&mut solved[from + index]);
                // Never below both ends, but for rounding.
                *value = value.min(lowered.max(ends));
            }
        }
    }
}
