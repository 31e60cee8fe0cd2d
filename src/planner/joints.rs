//! From the tool's curve to those of the joints: cubic splines, twice continuously differentiable, over the same length of path.
//!
//! The control point of three knots comes from the exact value and derivatives at the middle one (the dual functional of de
//! Boor and Fix), and so from nothing but its neighbourhood: a curve that is such a spline already comes out as it went in. Knots
//! are added until the tool is where it shall be to a share of the tolerance, and until the third derivative, which is one
//! number on each interval, is near enough to the exact one for the jerk that it costs.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::geometry::Cubic;
use crate::kinematics::{Conditioning, Singularity};
use crate::limits::{MAX_GROUP_AXES, NEAR_CONDITIONING, SOFT_LIMIT_SLACK};
use crate::motion::Limits;

use super::mechanism::{Joints, Mechanism, PathFault, positions};
use super::nearest::{Nearest, NearestPlaces};
use super::program::Point;
use super::track::Interval;

/// Intervals of the curve that may still change where a knot is added behind them: as far as a control point reaches.
const REACH: usize = 3;
/// Intervals that are known to be close enough in front of those that are looked at.
const SETTLED: usize = 4 * REACH;
/// From one knot to the next a rotary joint turns by this at most, deg: so the turn that it is in is never in doubt.
const TURN: f64 = 20.0;
/// An interval is divided into two, and each half again, so many times at most.
const DIVIDED: u32 = 40;
/// And so many times only for the sake of the jerk.
const SMOOTHED: u32 = 12;
/// Of the jerk limits: what the third derivative may be off by.
const ROUGH: f64 = 0.05;
/// Rounding of a control point, in units of the last place.
const ROUNDED: f64 = 64.0;
/// Of what the tool may be off: what is found at three places of an interval.
const FOUND: f64 = 0.7;

/// Why a path ends before its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Obstacle {
    /// What is wrong.
    pub fault: PathFault,
    /// Units of path since it began.
    pub sigma: f64,
    /// The line of the program.
    pub line: u32,
}

#[derive(Clone, Debug)]
struct Knot {
    sigma: f64,
    joints: Joints,
    conditioning: Conditioning,
    /// The tool's curve behind it; before the last one, of the last.
    source: Arc<Interval>,
    /// How often the interval behind it was divided.
    divided: u32,
}

/// The joints' curve from one rest to the next, and so on.
#[derive(Clone, Debug)]
pub struct JointTrack {
    mechanism: Mechanism,
    limits: Vec<Limits>,
    knots: VecDeque<Knot>,
    /// Intervals in front of `knots` that have been handed out, and how many of the rest are known to be close enough.
    given: usize,
    verified: usize,
    /// Nothing comes behind the last knot of this curve.
    ended: bool,
    /// Where the last curve rested.
    at: Point,
    nearest: NearestPlaces,
    obstacle: Option<Obstacle>,
}

/// Value and derivatives of the tool's curve at `sigma`.
fn tool_at(source: &Interval, sigma: f64) -> Joints {
    source.axes.map(|cubic| cubic.derivatives(sigma - source.begin))
}

impl JointTrack {
    /// From a rest with the joints `at` a place, in program `epoch`; `limits` are those of the joints.
    pub fn new(mechanism: Mechanism, limits: Vec<Limits>, at: Point, epoch: u32) -> JointTrack {
        JointTrack {
            mechanism,
            limits,
            knots: VecDeque::new(),
            given: 0,
            verified: 0,
            ended: false,
            at,
            nearest: NearestPlaces::new(epoch),
            obstacle: None,
        }
    }

    /// From `begin` on the path is that of program `epoch`.
    pub fn join(&mut self, begin: f64, epoch: u32) {
        self.nearest.join(begin, epoch);
    }

    /// The newest program goes on with this line.
    pub fn go_on(&mut self, line: u32) {
        self.nearest.go_on(line);
    }

    /// The singularities that the programs of the path came nearest to so far.
    pub fn nearest(&self) -> &NearestPlaces {
        &self.nearest
    }

    /// Why the path is not followed any further.
    pub fn obstacle(&self) -> Option<Obstacle> {
        self.obstacle
    }

    /// Nothing of it can be followed.
    pub fn refuse(&mut self, fault: PathFault) {
        self.obstacle.get_or_insert(Obstacle { fault, sigma: 0.0, line: 0 });
    }

    /// The joints at the last rest.
    pub fn at(&self) -> Point {
        self.at
    }

    fn count(&self) -> usize {
        self.mechanism.joints()
    }

    /// The tool's curve goes on.
    pub fn push(&mut self, interval: Interval) {
        if self.obstacle.is_some() {
            return;
        }
        let source = Arc::new(interval);
        match self.march(&source) {
            Ok(()) => self.ended = source.rests,
            Err(fault) => self.stop(fault, self.knots.back().map_or(source.begin, |knot| knot.sigma), source.line),
        }
    }

    /// Knots up to its end, near enough to one another for postures and turns to be known.
    fn march(&mut self, source: &Arc<Interval>) -> Result<(), PathFault> {
        match self.knots.back_mut() {
            Some(last) => last.source = Arc::clone(source),
            None => {
                let near = self.at;
                self.add(source, source.begin, &near, 0)?;
            }
        }
        // Places that are still to be reached, the nearest last, and how often the way there was divided. Bound: DIVIDED.
        let mut ahead = vec![(source.begin + source.length, 0)];
        while let (Some(&(sigma, divided)), Some(last)) = (ahead.last(), self.knots.back_mut()) {
            last.divided = divided;
            let (from, before) = (last.sigma, positions(&last.joints));
            self.add(source, sigma, &before, divided)?;
            let far = |joint: usize| {
                self.mechanism.turns(joint)
                    && self.knots.back().is_some_and(|knot| (knot.joints[joint][0] - before[joint]).abs() > TURN)
            };
            if !(0..self.count()).any(far) {
                ahead.pop();
                continue;
            }
            self.knots.pop_back();
            let middle = 0.5 * (from + sigma);
            if divided >= DIVIDED || middle <= from || middle >= sigma {
                return Err(PathFault::Bent(self.mechanism.kinematics_conditioning(&before)));
            }
            ahead.pop();
            ahead.extend([(sigma, divided + 1), (middle, divided + 1)]);
        }
        Ok(())
    }

    /// One knot more behind the last.
    fn add(&mut self, source: &Arc<Interval>, sigma: f64, near: &Point, divided: u32) -> Result<(), PathFault> {
        let (joints, conditioning) = self.joints_at(source, sigma, near)?;
        self.knots.push_back(Knot { sigma, joints, conditioning, source: Arc::clone(source), divided });
        Ok(())
    }

    fn joints_at(&mut self, source: &Interval, sigma: f64, near: &Point) -> Result<(Joints, Conditioning), PathFault> {
        let (joints, conditioning) =
            self.mechanism.follow(&tool_at(source, sigma), near).map_err(PathFault::Unreachable)?;
        self.nearest.note(Nearest { conditioning, sigma, line: source.line }, source.begin);
        Ok((joints, conditioning))
    }

    /// The path rests where it is known to be good.
    fn stop(&mut self, fault: PathFault, sigma: f64, line: u32) {
        self.obstacle.get_or_insert(Obstacle { fault, sigma, line });
        self.ended = true;
    }

    /// Knot `index` of those that are kept; at both ends of the curve they stand one upon the other.
    fn knot(&self, index: isize) -> &Knot {
        let last = self.knots.len() as isize - 1;
        &self.knots[index.clamp(0, last) as usize]
    }

    /// The control point whose knots are around knot `index`.
    fn control(&self, index: isize) -> Point {
        let knot = self.knot(index);
        let [before, behind] = [index - 1, index + 1].map(|other| self.knot(other).sigma - knot.sigma);
        knot.joints
            .map(|[value, first, second, _]| value + first * (before + behind) / 3.0 + second * before * behind / 6.0)
    }

    fn cubics(&self, index: usize) -> [Cubic; MAX_GROUP_AXES] {
        let at = index as isize;
        let knots = [-2, -1, 0, 1, 2, 3].map(|offset| self.knot(at + offset).sigma);
        let controls = [-1, 0, 1, 2].map(|offset| self.control(at + offset));
        let mut cubics = [Cubic::default(); MAX_GROUP_AXES];
        for (joint, cubic) in cubics.iter_mut().enumerate().take(self.count()) {
            *cubic = Cubic::of_spline(&knots, controls.map(|control| control[joint]));
        }
        cubics
    }

    /// Which interval is to be divided for interval `index` to be good enough, if any.
    fn look(&mut self, index: usize) -> Result<Option<usize>, PathFault> {
        let Knot { sigma: begin, source, joints, divided, .. } = self.knots[index].clone();
        let length = self.knots[index + 1].sigma - begin;
        let (near, cubics) = (positions(&joints), self.cubics(index));
        let (middle, _) = self.joints_at(&source, begin + 0.5 * length, &near)?;
        for share in [0.5, 0.25, 0.75] {
            let tool = positions(&tool_at(&source, begin + share * length));
            let exact = match share {
                0.5 => positions(&middle),
                _ => self.mechanism.reach(&tool, &near).map_err(PathFault::Unreachable)?.0,
            };
            let found = cubics.map(|cubic| cubic.at(share * length));
            let good = self
                .mechanism
                .gap(&found, &exact, &tool)
                .is_ok_and(|(linear, rotary)| linear <= FOUND * source.within[0] && rotary <= FOUND * source.within[1]);
            if !good && divided >= DIVIDED {
                return Err(PathFault::Bent(self.mechanism.kinematics_conditioning(&near)));
            }
            if !good {
                return Ok(Some(index));
            }
        }
        if self.rough(index, &middle, &cubics) {
            // What is long near it makes it so (a control point reaches so far), or it is long itself.
            let longest = (index.saturating_sub(2).max(self.first())..=index + 2)
                .filter(|other| other + 1 < self.knots.len() && self.knots[*other].divided < SMOOTHED)
                .max_by(|a, b| self.length(*a).total_cmp(&self.length(*b)));
            if let Some(longest) = longest {
                return Ok(Some(longest));
            }
        }
        self.inside(&cubics, length)?;
        Ok(None)
    }

    fn length(&self, index: usize) -> f64 {
        self.knots[index + 1].sigma - self.knots[index].sigma
    }

    /// The third derivative of interval `index` is so far from the `exact` one in its middle that it costs a share of the jerk, at the
    /// greatest speed that there can be.
    fn rough(&self, index: usize, exact: &Joints, cubics: &[Cubic; MAX_GROUP_AXES]) -> bool {
        let (length, sigma) = (self.length(index), self.knots[index].sigma);
        let middle = sigma + 0.5 * length;
        let permitted = |joints: &Joints| {
            let mut speed = 2.0 * self.knots[index].source.feed;
            for (limits, [_, first, second, third]) in self.limits.iter().zip(joints) {
                let Limits { velocity, acceleration, jerk } = limits;
                let bends = (acceleration / second.abs()).sqrt().min((jerk / third.abs()).cbrt());
                speed = speed.min(velocity / first.abs()).min(bends);
            }
            speed
        };
        let of = |(limits, [_, first, ..]): (&Limits, &[f64; 4])| limits.acceleration / first.abs();
        let acceleration = self.limits.iter().zip(exact).map(of).fold(f64::INFINITY, f64::min);
        // What is slow near it makes it slow.
        let near = index.saturating_sub(2)..(index + 4).min(self.knots.len());
        let energy = self.knots.range(near).fold(permitted(exact).powi(2), |least, knot| {
            least.min(permitted(&knot.joints).powi(2) + 2.0 * acceleration * (knot.sigma - middle).abs())
        });
        let speed = energy.sqrt();
        let off = |((limits, exact), cubic): ((&Limits, &[f64; 4]), &Cubic)| {
            let off = (6.0 * cubic.0[3] - exact[3]).abs();
            let rounding = ROUNDED * f64::EPSILON * (1.0 + exact[0].abs()) / length.powi(3);
            off > rounding && off * speed.powi(3) > ROUGH * limits.jerk
        };
        self.limits.iter().zip(exact).zip(cubics).any(off)
    }

    /// Every joint stays where it may be.
    fn inside(&self, cubics: &[Cubic; MAX_GROUP_AXES], length: f64) -> Result<(), PathFault> {
        for (joint, (cubic, limits)) in cubics.iter().zip(&self.mechanism.soft_limits).enumerate() {
            let Some((lowest, highest)) = *limits else { continue };
            let (low, high) = cubic.range(length);
            if high > highest + SOFT_LIMIT_SLACK {
                return Err(PathFault::SoftLimit { joint, found: high, allowed: highest });
            }
            if low < lowest - SOFT_LIMIT_SLACK {
                return Err(PathFault::SoftLimit { joint, found: low, allowed: lowest });
            }
        }
        Ok(())
    }

    /// The first interval that may still be divided: what has been given out reaches two knots further.
    fn first(&self) -> usize {
        if self.given > 0 { self.given + REACH - 1 } else { 0 }
    }

    fn divide(&mut self, index: usize) -> Result<(), PathFault> {
        let Knot { sigma: begin, source, joints, divided, .. } = self.knots[index].clone();
        let sigma = begin + 0.5 * self.length(index);
        let (joints, conditioning) = self.joints_at(&source, sigma, &positions(&joints))?;
        self.knots[index].divided = divided + 1;
        self.knots.insert(index + 1, Knot { sigma, joints, conditioning, source, divided: divided + 1 });
        self.verified = index.saturating_sub(REACH).max(self.first()).min(self.verified);
        Ok(())
    }

    /// The next interval, when nothing that follows can change it.
    pub fn next(&mut self) -> Option<Interval> {
        loop {
            let intervals = self.knots.len().saturating_sub(1);
            let settled = if self.ended { intervals } else { intervals.saturating_sub(REACH) };
            if self.verified < settled {
                let index = self.verified;
                let divided = self.look(index).and_then(|which| which.map(|which| self.divide(which)).transpose());
                match divided {
                    Ok(Some(())) => {}
                    Ok(None) => self.verified += 1,
                    Err(fault) => {
                        let (sigma, line) = (self.knots[index].sigma, self.knots[index].source.line);
                        self.knots.truncate(index + 1);
                        self.stop(fault, sigma, line);
                    }
                }
                continue;
            }
            let ready = self.verified > self.given + SETTLED || (self.ended && self.verified == intervals);
            if ready && self.given < intervals {
                return Some(self.give());
            }
            if self.ended {
                self.rest();
            }
            return None;
        }
    }

    /// Everything was given: the next curve begins where this one rests.
    fn rest(&mut self) {
        if let Some(last) = self.knots.back() {
            self.at = positions(&last.joints);
        }
        self.knots.clear();
        (self.given, self.verified, self.ended) = (0, 0, false);
    }

    /// The singularity that interval `index` is near to.
    fn near(&self, index: usize) -> Option<Singularity> {
        let [begin, end] = [index, index + 1].map(|index| self.knots[index].conditioning);
        let Conditioning { distance, nearest } = if end.distance < begin.distance { end } else { begin };
        nearest.filter(|_| distance < NEAR_CONDITIONING)
    }

    fn give(&mut self) -> Interval {
        let index = self.given;
        let Knot { sigma: begin, ref source, .. } = self.knots[index];
        let tool = source.axes.map(|cubic| cubic.from(begin - source.begin));
        let interval = Interval {
            begin,
            length: self.length(index),
            axes: self.cubics(index),
            tool: Some(Box::new(tool)),
            within: source.within,
            feed: source.feed,
            caps: source.caps,
            line: source.line,
            near: self.near(index),
            rests: self.ended && index + 2 == self.knots.len(),
        };
        self.given += 1;
        // What no further control point looks at.
        while self.given > REACH + 1 {
            self.knots.pop_front();
            self.given -= 1;
            self.verified -= 1;
        }
        interval
    }
}
