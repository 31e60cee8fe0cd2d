//! From intervals of the curve to stretches that take the cycle a few periods each, so that what may be done on them can differ
//! from one to the next.

use std::collections::VecDeque;

use crate::geometry::Cubic;
use crate::kinematics::Singularity;
use crate::limits::MAX_GROUP_AXES;
use crate::motion::Limits;

use super::program::Caps;
use super::spot::{Rows, Spot};
use super::track::Interval;

/// Intervals that are looked ahead at for how slow a stretch is.
const AHEAD: usize = 4;
/// Periods that a stretch takes, about, at the greatest velocity.
const PERIODS: f64 = 2.0;
/// An interval is divided into so many at most.
const MOST: f64 = 256.0;

/// What the tool may jerk changes by this factor at most from one stretch to the next: what brakes is to be released in time where there is
/// less.
const JERKIER: f64 = 1.5;

/// A stretch without its speeds.
#[derive(Clone, Debug)]
pub struct Stretch {
    pub begin: f64,
    pub length: f64,
    pub axes: [Cubic; MAX_GROUP_AXES],
    /// Those of the tool's coordinates, where they are others.
    pub tool: Option<Box<[Cubic; MAX_GROUP_AXES]>>,
    pub feed: f64,
    pub caps: Caps,
    pub line: u32,
    pub near: Option<Singularity>,
    pub rests: bool,
}

/// An interval and what is known of its ends.
#[derive(Clone, Debug)]
struct Known {
    interval: Interval,
    /// Energy that the axes permit at its beginning and end.
    begin: f64,
    end: f64,
    /// Acceleration that they permit.
    acceleration: f64,
}

/// Divides intervals.
#[derive(Clone, Debug)]
pub struct Splitter {
    limits: Vec<Limits>,
    tool: Option<Limits>,
    rows: Rows,
    period_s: f64,
    waiting: VecDeque<Known>,
    /// Energy at the end of the last interval that was divided.
    reached: f64,
    /// What the tool may jerk on the last stretch.
    jerk: f64,
}

impl Splitter {
    pub fn new(limits: Vec<Limits>, tool: Option<Limits>, rows: Rows, period_s: f64) -> Splitter {
        Splitter { limits, tool, rows, period_s, waiting: VecDeque::new(), reached: 0.0, jerk: f64::INFINITY }
    }

    fn spot(&self, interval: &Interval, x: f64) -> Spot {
        let cubics = interval.tool.as_deref().unwrap_or(&interval.axes);
        Spot::of(&interval.axes, cubics, x, self.rows, interval.caps.within(self.tool))
    }

    /// Energy that axes and program permit at `x` of an interval.
    fn energy(&self, interval: &Interval, x: f64) -> f64 {
        let spot = self.spot(interval, x);
        spot.cap(&self.limits).min(2.0 * interval.feed * interval.feed)
    }

    pub fn push(&mut self, interval: Interval) {
        let begin = self.energy(&interval, 0.0);
        let end = self.energy(&interval, interval.length);
        let places = [0.0, 0.5, 1.0].map(|share| self.spot(&interval, interval.length * share));
        let acceleration = places.iter().fold(f64::INFINITY, |least, spot| least.min(spot.straight(&self.limits)));
        self.waiting.push_back(Known { interval, begin, end, acceleration });
    }

    /// The stretches of the next interval, when enough behind it is known.
    pub fn next(&mut self, out: &mut Vec<Stretch>) -> bool {
        let ahead = self.waiting.iter().position(|known| known.interval.rests);
        if self.waiting.len() <= AHEAD && ahead.is_none() {
            return false;
        }
        // How slow the end of the first has to be for what follows it.
        let mut least = f64::INFINITY;
        let mut way = 0.0;
        for (index, known) in self.waiting.iter().enumerate().take(AHEAD + 1) {
            if index > 0 {
                least = least.min(known.begin + way);
                way += known.acceleration * known.interval.length;
            }
            least = least.min(if known.interval.rests { way } else { known.end + way });
            if known.interval.rests {
                break;
            }
        }
        let Some(Known { interval, begin, end, acceleration }) = self.waiting.pop_front() else { return false };
        let from = self.reached.min(begin);
        let to = if interval.rests { 0.0 } else { end.min(least).min(from + acceleration * interval.length) };
        let first = out.len();
        self.divide(&interval, from, to, acceleration, out);
        self.spread(&interval, &mut out[first..]);
        self.reached = to;
        true
    }

    /// What the tool may jerk on an interval.
    fn jerk(&self, interval: &Interval) -> f64 {
        interval.caps.within(self.tool).map_or(f64::INFINITY, |limits| limits.jerk)
    }

    /// Caps of the jerk change little by little. Where there are none nothing changes.
    fn spread(&mut self, interval: &Interval, stretches: &mut [Stretch]) {
        let own = self.jerk(interval);
        // Each of the next intervals is one stretch at least.
        let (mut ahead, mut factor, mut rests) = (f64::INFINITY, JERKIER, interval.rests);
        for Known { interval, .. } in self.waiting.iter().take(AHEAD) {
            if rests {
                break;
            }
            ahead = ahead.min(self.jerk(interval) * factor);
            factor *= JERKIER;
            rests = interval.rests;
        }
        let mut before = self.jerk;
        for stretch in stretches.iter_mut() {
            before = own.min(JERKIER * before);
            if before < own {
                stretch.caps.jerk = Some(before);
            }
        }
        for stretch in stretches.iter_mut().rev() {
            let here = stretch.caps.jerk.unwrap_or(own).min(own);
            if ahead < here {
                stretch.caps.jerk = Some(ahead);
            }
            ahead = JERKIER * ahead.min(here);
        }
        let last = stretches.last().and_then(|stretch| stretch.caps.jerk);
        self.jerk = if interval.rests { f64::INFINITY } else { last.unwrap_or(own).min(own) };
    }

    fn divide(&self, interval: &Interval, from: f64, to: f64, acceleration: f64, out: &mut Vec<Stretch>) {
        let time = PERIODS * self.period_s;
        let least = (0.25 * acceleration * time * time).max(interval.length / MOST);
        let mut borders = vec![0.0];
        let mut x = 0.0;
        while x < interval.length {
            let way_up = from + acceleration * x;
            let way_down = to + acceleration * (interval.length - x);
            let energy = self.energy(interval, x).min(way_up).min(way_down);
            x += (time * (2.0 * energy.max(0.0)).sqrt()).max(least);
            borders.push(x);
        }
        let scale = interval.length / x;
        let count = borders.len() - 1;
        for i in 0..count {
            let first = borders[i] * scale;
            let end = if i + 1 == count { interval.length } else { borders[i + 1] * scale };
            out.push(Stretch {
                begin: interval.begin + first,
                length: end - first,
                axes: interval.axes.map(|cubic| cubic.from(first)),
                tool: interval.tool.as_ref().map(|tool| Box::new(tool.map(|cubic| cubic.from(first)))),
                feed: interval.feed,
                caps: interval.caps,
                line: interval.line,
                near: interval.near,
                rests: interval.rests && i + 1 == count,
            });
        }
    }
}
