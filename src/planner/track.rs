//! From legs to the curve that is followed: a cubic spline, twice continuously differentiable, with its control points on the
//! programmed path.
//!
//! Each control point is the programmed place at the mean of three knots (Schoenberg's operator): what is straight stays straight,
//! at the same pace; the curve never leaves the hull of four neighbouring control points; and around a corner it is off the path
//! from a knot before it to a knot behind it only, by a sixth of that distance times the change of direction. So where knots stand says how a corner is passed, and
//! a turn back is passed like any other corner. On arcs the control points stand outside by what their bend asks for, which leaves an error
//! of the fourth order.

use std::collections::VecDeque;

use crate::geometry::Cubic;
use crate::kinematics::Singularity;
use crate::limits::{ARC_ACCURACY, EXACT_PATH_MM, MAX_GROUP_AXES, SOFT_LIMIT_SLACK};

use super::legs::{Join, Leg, Mark, SHORTEST, Way};
use super::program::{Caps, Corner};

/// Intervals of the curve that may still change where a knot is added behind them: as far as a control point reaches.
const REACH: usize = 3;
/// Intervals that are known to be close enough in front of those that are looked at: a knot that is added changes some before it,
/// which may need one, too.
const SETTLED: usize = 4 * REACH;
/// Knots closer than this share of a leg's length are one.
const APART: f64 = 1e-9;
/// A knot is added within an interval so many times at most.
const REFINED: u32 = 12;
/// How far the curve may leave a soft limit that the path keeps to, mm or deg: half of what is no violation in motion.
const OUTSIDE: f64 = 0.5 * SOFT_LIMIT_SLACK;
/// Places within an interval, less one, at which it is looked at.
const BETWEEN: u32 = 6;
/// The error of the spline on a circle of radius r, with knots h apart at most, is r·(h/r)⁴ divided by this at most; by 72 where they
/// are equally far apart.
const ARC_ERROR: f64 = 24.0;
/// The first and the last interval on an arc, of the others.
const ARC_END: f64 = 0.6;
/// No more of an arc than this between two knots, radians.
const ARC_STEP: f64 = 0.4;

/// A cubic of each axis over a stretch of path.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Where it begins, units of path.
    pub begin: f64,
    pub length: f64,
    pub axes: [Cubic; MAX_GROUP_AXES],
    /// Those of the tool's coordinates, where they are others.
    pub tool: Option<Box<[Cubic; MAX_GROUP_AXES]>>,
    /// How far joints may have the tool off it, mm and deg.
    pub within: [f64; 2],
    /// Velocity that the program wants on it, units of path/s.
    pub feed: f64,
    pub caps: Caps,
    pub line: u32,
    /// Joints are near this on it.
    pub near: Option<Singularity>,
    /// The curve rests at its end.
    pub rests: bool,
}

/// Units of path that turn an arc by one radian: more than its radius where others go along.
fn pace(leg: &Leg) -> f64 {
    match &leg.way {
        Way::Arc(arc) => (arc.radius() / arc.curvature()).sqrt(),
        Way::Lines(_) => f64::INFINITY,
    }
}

#[derive(Clone, Copy, Debug)]
struct Knot {
    sigma: f64,
    /// How often the interval behind it was divided.
    refined: u32,
}

/// The curve from one rest to the next.
#[derive(Clone, Debug)]
pub struct Track {
    axes: usize,
    linear: usize,
    /// Lowest and highest place of each axis.
    range: [(f64, f64); MAX_GROUP_AXES],
    legs: VecDeque<Leg>,
    /// How far the last leg's beginning is rounded.
    rounded: f64,
    /// The corner there.
    before: Corner,
    knots: VecDeque<Knot>,
    /// Intervals in front of `knots` that have been handed out, and how many of the rest are known to be close enough.
    given: usize,
    verified: usize,
    ended: bool,
}

impl Track {
    /// A curve that begins at rest where its first leg does.
    pub fn new(axes: usize, linear: usize, soft_limits: &[Option<(f64, f64)>]) -> Track {
        let mut range = [(f64::NEG_INFINITY, f64::INFINITY); MAX_GROUP_AXES];
        range.iter_mut().zip(soft_limits).for_each(|(range, limits)| *range = limits.unwrap_or(*range));
        Track {
            axes,
            linear,
            range,
            legs: VecDeque::new(),
            rounded: 0.0,
            before: Corner::Stop,
            knots: VecDeque::new(),
            given: 0,
            verified: 0,
            ended: false,
        }
    }

    /// The last leg, which may still be rounded at its end.
    pub fn last(&self) -> Option<&Leg> {
        self.legs.back()
    }

    /// What one corner permits the other does, in kind; a stop is never passed.
    fn alike(corner: &Corner, other: &Corner) -> bool {
        *corner == Corner::Stop || std::mem::discriminant(corner) == std::mem::discriminant(other)
    }

    /// The last leg ends so, whatever was said before.
    pub fn set_corner(&mut self, corner: Corner) {
        if let Some(leg) = self.legs.back_mut() {
            leg.corner = corner;
        }
    }

    /// One leg more, joined to the last as `join` says (never at rest).
    pub fn push(&mut self, leg: Leg, join: Join) {
        if let (Some(last), Join::Rounded(wanted)) = (self.legs.back(), join) {
            let (before, after) = (last.length(), leg.length());
            let on_lines = matches!((&last.way, &leg.way), (Way::Lines(_), Way::Lines(_)));
            // Without knots of its own a corner reaches over the next ones, too, so they must permit that.
            let alike = [self.before, leg.corner].iter().all(|other| Track::alike(other, &last.corner));
            // A distance is to be kept where something turns.
            let kept = matches!(last.corner, Corner::Distance(_)) && wanted.is_finite();
            let smooth = on_lines && alike && !kept && wanted >= before.max(after);
            let natural = if on_lines { f64::INFINITY } else { self.natural(last, &leg, kept) };
            let rounded = if smooth { 0.0 } else { wanted.min(natural).min(before / 2.0).min(after / 2.0) };
            self.before = last.corner;
            if let Some(last) = self.legs.back_mut().filter(|_| kept) {
                last.shaped = rounded;
            }
            self.close_leg(rounded);
            self.rounded = rounded;
        } else {
            self.knots.push_back(Knot { sigma: leg.begin, refined: 0 });
        }
        self.legs.push_back(leg);
    }

    /// The last leg ends at rest.
    pub fn end(&mut self) {
        if !self.legs.is_empty() && !self.ended {
            self.close_leg(0.0);
        }
        self.ended = true;
    }

    /// How far a corner reaches at most, for what is round beside it to stay so.
    fn natural(&self, before: &Leg, after: &Leg, kept: bool) -> f64 {
        if kept { pace(before).min(pace(after)) * ARC_STEP } else { self.arc_step(before, after) }
    }

    /// Knots on an arc stand this far apart at most.
    fn arc_step(&self, before: &Leg, after: &Leg) -> f64 {
        let mut step = f64::INFINITY;
        for leg in [before, after] {
            if let Way::Arc(arc) = &leg.way {
                step = step.min(pace(leg) * (ARC_ERROR * ARC_ACCURACY / arc.radius()).powf(0.25).min(ARC_STEP));
            }
        }
        // Where the curvature jumps, a twelfth of the jump times the square of the step is what the curve is off.
        let jump = (before.curvature() - after.curvature()).abs();
        if jump > 0.0 {
            step = match (before.corner, before.corner.within()) {
                (_, Some([linear, _])) => step.min((6.0 * linear / jump).sqrt()),
                (Corner::Distance(distance), _) => step.min(distance),
                _ => step,
            };
        }
        step
    }

    /// Knots of the last leg, whose end is rounded from `rounded` before it.
    fn close_leg(&mut self, rounded: f64) {
        let Some(leg) = self.legs.back() else { return };
        let least = APART * leg.length().max(1e-3);
        let (mut from, to) = (leg.begin, leg.end - rounded);
        let mut add = Vec::new();
        if self.rounded > 0.0 {
            from += self.rounded;
            add.push(from);
        }
        let curvature = leg.curvature();
        if curvature > 0.0 {
            let step = self.arc_step(leg, leg);
            // Beside knots that stand close together, as at a rest, the error is greater: the intervals at both ends are shorter.
            let steps = ((to - from) / step + 2.0 * (1.0 - ARC_END)).ceil().max(2.0);
            let step = (to - from) / (steps - 2.0 * (1.0 - ARC_END));
            for i in 1..steps as usize {
                add.push(from + step * (i as f64 - 1.0 + ARC_END));
            }
        }
        if rounded > 0.0 {
            add.push(to);
        }
        add.push(leg.end);
        for sigma in add {
            let count = self.knots.len();
            if self.knots.back().is_none_or(|last| sigma > last.sigma + least) {
                self.knots.push_back(Knot { sigma, refined: 0 });
            } else if let Some(last) = self.knots.back_mut()
                && self.given + 1 < count
            {
                last.sigma = sigma;
            }
        }
    }

    /// Knot `index` of those that are kept; at both ends of the curve they stand one upon the other.
    fn knot(&self, index: isize) -> f64 {
        let last = self.knots.len() as isize - 1;
        self.knots[index.clamp(0, last) as usize].sigma
    }

    fn leg_at(&self, sigma: f64) -> &Leg {
        let found = self.legs.iter().find(|leg| sigma <= leg.end);
        found.unwrap_or_else(|| &self.legs[self.legs.len() - 1])
    }

    /// The control point whose knots are around knot `index`, one coordinate after the other.
    fn control(&self, index: isize) -> [f64; MAX_GROUP_AXES] {
        let [a, b, c] = [self.knot(index - 1), self.knot(index), self.knot(index + 1)];
        let site = (a + b + c) / 3.0;
        let leg = self.leg_at(site);
        // From the site, which is the mean of the three. Half the polar value of σ²: what a bend moves the control point by; and
        // where it is looked at, so that the polar value of σ³ is met too.
        let [p, q, r] = [a - site, b - site, c - site];
        let square = (p * q + p * r + q * r) / 6.0;
        let place = if square < 0.0 { site + p * q * r / (6.0 * square) } else { site };
        let mut point = [0.0; MAX_GROUP_AXES];
        for (axis, value) in point.iter_mut().enumerate().take(self.axes) {
            *value = leg.at(site, axis);
        }
        if c > a {
            for leg in &self.legs {
                let share = (leg.end.min(c) - leg.begin.max(a)) / (c - a);
                if share > 0.0 && leg.curvature() > 0.0 {
                    let whole = leg.begin <= a && leg.end >= c;
                    let middle = if whole { place } else { 0.5 * (leg.end.min(c) + leg.begin.max(a)) };
                    for (axis, value) in point.iter_mut().enumerate().take(self.axes) {
                        *value += share * square * leg.bend(middle, axis);
                    }
                }
            }
        }
        point
    }

    fn cubics(&self, index: usize) -> [Cubic; MAX_GROUP_AXES] {
        let at = index as isize;
        let knots = [-2, -1, 0, 1, 2, 3].map(|offset| self.knot(at + offset));
        let controls = [-1, 0, 1, 2].map(|offset| self.control(at + offset));
        let mut cubics = [Cubic::default(); MAX_GROUP_AXES];
        for (axis, cubic) in cubics.iter_mut().enumerate().take(self.axes) {
            *cubic = Cubic::of_spline(&knots, controls.map(|control| control[axis]));
        }
        cubics
    }

    /// The curve of interval `index` is where the program permits it: at the marks, and at some places between and beside them.
    fn close_enough(&self, index: usize) -> bool {
        let at = index as isize;
        let (begin, end) = (self.knot(at), self.knot(at + 1));
        let mut cubics = None;
        let mut corner = Corner::Stop;
        // Behind the last corner that has a shape of its own.
        let (mut behind, mut shaped_before) = (begin, 0.0);
        for leg in self.legs.iter().filter(|leg| leg.end + leg.shaped >= begin && leg.begin <= end) {
            let before = std::mem::replace(&mut corner, leg.corner);
            // What bends beside a corner of a distance would reach further than that.
            let shaped = leg.shaped.max(std::mem::replace(&mut shaped_before, leg.shaped)) > 0.0;
            let from = behind.max(leg.begin);
            // Where a shape ends what is beside it is off the most.
            let ends = [shaped && behind > leg.begin, leg.shaped > 0.0].map(u32::from);
            behind = leg.end + leg.shaped;
            let to = end.min(leg.end - leg.shaped);
            if from > to || (shaped && from >= to) {
                continue;
            }
            let marks: &[Mark] = match &leg.way {
                Way::Lines(_) if !leg.gathered && self.legs.len() < 2 => continue,
                Way::Lines(marks) => marks,
                // An arc's own knots are close enough: it is looked at where corners reach.
                Way::Arc(_)
                    if leg.begin < self.knot(at - REACH as isize) && leg.end > self.knot(at + 1 + REACH as isize) =>
                {
                    continue;
                }
                Way::Arc(_) => &[],
            };
            let cubics = cubics.get_or_insert_with(|| self.cubics(index));
            let otherwise = if shaped { EXACT_PATH_MM } else { f64::INFINITY };
            let near = |sigma: f64, corners: &[Corner]| self.near(cubics, begin, sigma, leg, corners, otherwise);
            let first = marks.partition_point(|mark| mark.sigma < from.max(leg.begin + SHORTEST));
            let marked = marks[first..]
                .iter()
                .take_while(|mark| mark.sigma <= to)
                .all(|mark| near(mark.sigma, &[if mark.sigma < leg.end { leg.inside } else { leg.corner }]));
            let between = || {
                (1 - ends[0]..BETWEEN + ends[1]).all(|step| {
                    let sigma = from + (to - from) * f64::from(step) / f64::from(BETWEEN);
                    near(sigma, &[leg.inside, leg.corner, before])
                })
            };
            if !marked || !between() {
                return false;
            }
        }
        true
    }

    /// The curve of interval `index` leaves no soft limit that the path keeps to. Only what bends beside an arc leads out of where the path is.
    fn keeps_inside(&self, index: usize) -> bool {
        let at = index as isize;
        let (begin, end) = (self.knot(at), self.knot(at + 1));
        let (from, to) = (self.knot(at - 2), self.knot(at + 3));
        let bends = |leg: &Leg| leg.curvature() > 0.0 && leg.end > from && leg.begin < to;
        let unlimited = self.range.iter().all(|(lowest, highest)| lowest.is_infinite() && highest.is_infinite());
        if unlimited || !self.legs.iter().any(bends) {
            return true;
        }
        let cubics = self.cubics(index);
        (0..self.axes).all(|axis| {
            let (lowest, highest) = self.range[axis];
            let (low, high) = cubics[axis].range(end - begin);
            if low >= lowest - OUTSIDE && high <= highest + OUTSIDE {
                return true;
            }
            // A path that leaves them itself is followed, and others say so.
            (0..=BETWEEN).any(|step| {
                let sigma = begin + (end - begin) * f64::from(step) / f64::from(BETWEEN);
                let place = self.leg_at(sigma).at(sigma, axis);
                place < lowest - OUTSIDE || place > highest + OUTSIDE
            })
        })
    }

    /// The cubics that begin at `begin` are within the largest tolerance of the corners at `sigma`, or within `otherwise` where they have none.
    fn near(&self, cubics: &[Cubic], begin: f64, sigma: f64, leg: &Leg, corners: &[Corner], otherwise: f64) -> bool {
        // Between single elements that are exact what joins them is enough.
        let counts = |corner: &&Corner| leg.gathered || **corner != Corner::Exact;
        let of_corners = corners.iter().filter(counts).filter_map(|corner| corner.within());
        let widest = of_corners.reduce(|a, b| [0, 1].map(|kind| a[kind].max(b[kind])));
        let [linear, rotary] = widest.unwrap_or([otherwise; 2]);
        if linear == f64::INFINITY {
            return true;
        }
        let (mut off, mut off_rotary) = (0.0, 0.0);
        for (axis, cubic) in cubics.iter().enumerate().take(self.axes) {
            let gap = (cubic.at(sigma - begin) - leg.at(sigma, axis)).powi(2);
            if axis < self.linear { off += gap } else { off_rotary += gap }
        }
        // Rounding on top of what the joins were given.
        let own = if leg.curvature() > 0.0 { ARC_ACCURACY } else { 1e-12 };
        let slack = 1.0 + 1e-9;
        off.sqrt() <= linear * slack + own && off_rotary.sqrt() <= rotary * slack + own
    }

    /// The next interval, when nothing that follows can change it.
    pub fn next(&mut self) -> Option<Interval> {
        loop {
            let intervals = self.knots.len().saturating_sub(1);
            let settled = if self.ended { intervals } else { intervals.saturating_sub(REACH) };
            if self.verified < settled {
                let index = self.verified;
                if self.knots[index].refined < REFINED && !(self.close_enough(index) && self.keeps_inside(index)) {
                    self.refine(index);
                } else {
                    self.verified += 1;
                }
                continue;
            }
            let ready = self.verified > self.given + SETTLED || (self.ended && self.verified == intervals);
            return (ready && self.given < intervals).then(|| self.give());
        }
    }

    fn refine(&mut self, index: usize) {
        let refined = self.knots[index].refined + 1;
        let sigma = 0.5 * (self.knots[index].sigma + self.knots[index + 1].sigma);
        self.knots[index].refined = refined;
        self.knots.insert(index + 1, Knot { sigma, refined });
        // What has been given out reaches two knots further.
        let first = if self.given > 0 { self.given + REACH - 1 } else { 0 };
        self.verified = index.saturating_sub(REACH).max(first).min(self.verified);
    }

    fn give(&mut self) -> Interval {
        let index = self.given;
        let (begin, end) = (self.knots[index].sigma, self.knots[index + 1].sigma);
        let inside = |leg: &&Leg| leg.end > begin + APART && leg.begin < end - APART;
        let feed = self.legs.iter().filter(inside).map(|leg| leg.feed).fold(f64::INFINITY, f64::min);
        let caps = self.legs.iter().filter(inside).fold(Caps::NONE, |caps, leg| caps.and(leg.caps));
        let line = self.legs.iter().find(|leg| leg.end > begin).map_or(0, |leg| leg.line_at(begin));
        let rests = self.ended && index + 2 == self.knots.len();
        let within = self.legs.iter().filter(inside).fold([f64::INFINITY; 2], |least, leg| {
            let within = [leg.corner, leg.inside].map(|corner| corner.left_to_joints());
            [0, 1].map(|kind| least[kind].min(within[0][kind]).min(within[1][kind]))
        });
        let (axes, length) = (self.cubics(index), end - begin);
        let interval = Interval { begin, length, axes, tool: None, within, feed, caps, line, near: None, rests };
        self.given += 1;
        // What no further control point looks at.
        while self.given > REACH + 1 {
            self.knots.pop_front();
            self.given -= 1;
            self.verified -= 1;
            self.dropped();
        }
        interval
    }

    fn dropped(&mut self) {
        let oldest = self.knots[0].sigma;
        while self.legs.len() > 1 && self.legs[0].end < oldest {
            self.legs.pop_front();
        }
    }
}
