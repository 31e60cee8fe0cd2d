//! The time-optimal way to rest at a position.
//!
//! In reduced coordinates (see `brake`), mirrored so that the target lies ahead of where stopping now would end, by
//! the `gap` e > 0. The way is: towards the velocity limit V as fast as possible, and at the right instant stop.
//! Going on towards V a little longer never moves the end of the stop back, so that instant is one root.
//!
//! While the jerk is +1 the velocity is `c + x²/2` at acceleration x with constant c, and `w = c + x²` in the formulas
//! of the stop. How far beyond the target a stop from there ends is, with q and r of that stop,
//!
//! `F(x) = w(q + r)/2 + x(w + c) + const`, `F′(x) = (x + q)(x + 2r)`,
//!
//! and while the acceleration is held at A, over w (velocity `w − A²/2`),
//!
//! `H(w) = (w − A²/2)²/2A + w(A + (q + r)/2) + const`.
//!
//! Both rise and are convex where they are searched: F′ is a product of two factors that are not negative, since
//! q ≥ |x| wherever x < 0; F″ ≥ 0 follows with q′ = x/q, r′ = x/r below and q′ = 0, r′ = 2x/A beyond w = A².
//! So Newton's iteration from the right end, or after one step from anywhere, descends to the root and cannot miss it.

use super::Profile;
use super::assembly::Assembly;
use super::brake::{Brake, Relaxed, peak};
use super::piece::State;
use crate::limits::PROFILE_ITERATIONS;
use crate::motion::Limits;

impl Profile {
    /// The fastest way to rest at `target`.
    pub fn to_position(start: State, target: f64, limits: &Limits) -> Profile {
        let problem = Problem::new(&start, target, limits);
        problem.solve(limits.velocity * limits.jerk).assemble(&problem, start, target, limits)
    }

    /// The duration of [`Profile::to_position`], for less than half its cost.
    pub fn duration_to_position_s(start: State, target: f64, limits: &Limits) -> f64 {
        let problem = Problem::new(&start, target, limits);
        problem.solve(limits.velocity * limits.jerk).time(&problem) / limits.jerk
    }
}

/// A start and a target in reduced coordinates, mirrored so that `gap` is not negative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Problem {
    sign: f64,
    relaxed: Relaxed,
    /// Velocity and acceleration after the release, mirrored.
    velocity: f64,
    acceleration: f64,
    /// How far beyond the end of an immediate stop the target lies.
    pub gap: f64,
    /// The immediate stop, mirrored.
    stop: Brake,
    /// The acceleration limit.
    limit: f64,
}

/// The solved times: a change of speed, a time at constant velocity, a stop. All mirrored as the problem is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// Jerk, time, and acceleration at the end of each phase towards the velocity limit.
    head: [(f64, f64, f64); 3],
    /// The velocity limit, and the time at it.
    cruise: Option<(f64, f64)>,
    tail: Brake,
}

const NOTHING: (f64, f64, f64) = (0.0, 0.0, 0.0);

impl Problem {
    pub fn new(start: &State, target: f64, limits: &Limits) -> Problem {
        let relaxed = Relaxed::new(start, limits);
        let limit = limits.acceleration;
        let (stop, distance) = Brake::new(relaxed.velocity, relaxed.acceleration, limit);
        let way = (target - start.position) * (limits.jerk * limits.jerk);
        let gap = way - relaxed.distance - distance;
        let sign = if gap < 0.0 { -1.0 } else { 1.0 };
        Problem {
            sign,
            relaxed,
            velocity: sign * relaxed.velocity,
            acceleration: sign * relaxed.acceleration,
            gap: sign * gap,
            stop: Brake { sign: sign * stop.sign, ..stop },
            limit,
        }
    }

    /// The course under the velocity limit `speed`. At most one Newton search, of [`PROFILE_ITERATIONS`] steps.
    pub fn solve(&self, speed: f64) -> Course {
        let a = self.acceleration;
        if self.gap <= 0.0 {
            Course { head: [NOTHING; 3], cruise: None, tail: self.stop }
        } else if self.velocity + a * a.abs() / 2.0 > speed {
            self.descend(speed)
        } else {
            self.climb(speed)
        }
    }

    /// Up to `speed`: jerk +1 up to at most A, hold, jerk −1.
    fn climb(&self, speed: f64) -> Course {
        let (a, limit) = (self.acceleration, self.limit);
        let c = self.velocity - a * a / 2.0;
        // Where the stop would reverse the velocity, it begins with this same jerk: F stays flat until there.
        let low = if c < 0.0 { a.max((-c).sqrt()) } else { a };
        // From this acceleration on, releasing it leads to `speed`.
        let full = (speed - c).max(0.0).sqrt().max(a);
        let top = full.min(limit);
        let mut gap = self.gap;
        if low < top {
            let rise = Rise::new(c, low, gap, limit);
            let beyond = rise.at(top).beyond;
            if beyond >= 0.0 {
                let x = rise.root(low, top, gap);
                return Course::turning([(1.0, x - a, x), NOTHING, NOTHING], x, c + x * x, limit);
            }
            gap = -beyond;
        }
        let rise = (1.0, top - a, top);
        if full <= limit {
            return Course::cruising([rise, (-1.0, top, 0.0), NOTHING], speed, gap, limit);
        }
        let w_top = c + limit * limit;
        let hold = Hold::new(w_top.max(0.0), gap, limit);
        let beyond = hold.at(speed).0;
        if beyond >= 0.0 {
            let w = hold.root(w_top.max(0.0), speed, gap);
            return Course::turning([rise, (0.0, (w - w_top) / limit, limit), NOTHING], limit, w, limit);
        }
        Course::cruising([rise, (0.0, (speed - w_top) / limit, limit), (-1.0, limit, 0.0)], speed, -beyond, limit)
    }

    /// Down to `speed`: jerk −1, hold, jerk +1. The stop begins with the first two: F is flat until the third.
    fn descend(&self, speed: f64) -> Course {
        let (a, limit) = (self.acceleration, self.limit);
        let brake = Brake::lowering(a, self.velocity - speed + a * a / 2.0, limit);
        let low = -brake.peak;
        let down = (-1.0, brake.first, low);
        let hold = (0.0, brake.hold, low);
        let rise = Rise::new(speed, low, self.gap, limit);
        let beyond = rise.at(0.0).beyond;
        if beyond >= 0.0 {
            let x = rise.root(low, 0.0, self.gap);
            return Course::turning([down, hold, (1.0, x - low, x)], x, speed + x * x, limit);
        }
        Course::cruising([down, hold, (1.0, brake.peak, 0.0)], speed, -beyond, limit)
    }
}

impl Course {
    /// Stops from acceleration `x` without having come to the velocity limit.
    fn turning(head: [(f64, f64, f64); 3], x: f64, w: f64, limit: f64) -> Course {
        Course { head, cruise: None, tail: Brake::lowering(x, w.max(0.0), limit) }
    }

    /// Goes on at the velocity limit over the rest of the gap, then stops.
    fn cruising(head: [(f64, f64, f64); 3], speed: f64, gap: f64, limit: f64) -> Course {
        Course { head, cruise: Some((speed, gap / speed)), tail: Brake::lowering(0.0, speed, limit) }
    }

    /// The lowest velocity limit that leaves it as it is: the velocity at which it would arrive without the stop.
    pub fn speed(&self) -> f64 {
        let Brake { first, hold, peak, .. } = self.tail;
        // The w of the stop, and the acceleration at which it begins; one below 0 is released at the lower velocity c.
        let (w, x) = (peak * (peak + hold), (first - peak).min(0.0));
        w - x * x
    }

    /// Its whole duration.
    pub fn time(&self, problem: &Problem) -> f64 {
        let head: f64 = self.head.iter().map(|phase| phase.1).sum();
        problem.relaxed.time + head + self.cruise.map_or(0.0, |(_, time)| time) + self.tail.time()
    }

    /// The profile in axis units.
    pub fn assemble(&self, problem: &Problem, start: State, target: f64, limits: &Limits) -> Profile {
        let sign = problem.sign;
        let mut assembly = Assembly::new(start, limits.jerk);
        assembly.relax(&problem.relaxed);
        for (jerk, time, acceleration) in self.head {
            assembly.add(sign * jerk, time, sign * acceleration);
        }
        if let Some((speed, time)) = self.cruise {
            assembly.cruise(sign * speed / limits.jerk, time);
        }
        let tail = Brake { sign: sign * self.tail.sign, ..self.tail };
        assembly.brake_to(&tail, State::rest(target))
    }
}

/// F over the acceleration at which the stop begins.
struct Rise {
    c: f64,
    constant: f64,
    limit: f64,
}

/// F at one point, and its slope there.
struct Point {
    beyond: f64,
    slope: f64,
}

impl Rise {
    /// With F(`low`) = −`gap`.
    fn new(c: f64, low: f64, gap: f64, limit: f64) -> Rise {
        let mut rise = Rise { c, constant: 0.0, limit };
        rise.constant = -gap - rise.at(low).beyond;
        rise
    }

    #[inline]
    fn at(&self, x: f64) -> Point {
        let w = (self.c + x * x).max(0.0);
        let (q, r) = peak(w, self.limit);
        Point { beyond: w * (q + r) / 2.0 + x * (w + self.c) + self.constant, slope: (x + q) * (x + 2.0 * r) }
    }

    /// The root, given that F(`low`) = −`gap` < 0 ≤ F(`top`).
    fn root(&self, low: f64, top: f64, gap: f64) -> f64 {
        // From x ≥ 0 on, F gains at least what it gains from rest: 2δ³. It is the root itself for a move from rest.
        let first = top.min(low.max(0.0) + (gap / 2.0).cbrt());
        newton(first, low, top, |x| {
            let point = self.at(x);
            (point.beyond, point.slope)
        })
    }
}

/// H over the w at which the stop begins.
struct Hold {
    constant: f64,
    limit: f64,
}

impl Hold {
    /// With H(`low`) = −`gap`.
    fn new(low: f64, gap: f64, limit: f64) -> Hold {
        let mut hold = Hold { constant: 0.0, limit };
        hold.constant = -gap - hold.at(low).0;
        hold
    }

    #[inline]
    fn at(&self, w: f64) -> (f64, f64) {
        let (a, (q, r)) = (self.limit, peak(w, self.limit));
        let v = w - a * a / 2.0;
        // q + r is 2√w with the derivative 1/√w, or A + w/A with 1/A: either way w/2 times it is r/2.
        (v * v / (2.0 * a) + w * (a + (q + r) / 2.0) + self.constant, v / a + a + q / 2.0 + r)
    }

    /// The root, given that H(`low`) = −`gap` < 0 ≤ H(`top`).
    fn root(&self, low: f64, top: f64, gap: f64) -> f64 {
        let (_, slope) = self.at(low);
        newton(top.min(low + gap / slope), low, top, |w| self.at(w))
    }
}

/// The root in [`low`, `top`] of a rising convex function (value, slope): from any `x` the first step leads to its
/// right, and each further one closer. Ends where rounding does not let it descend any more.
fn newton(x: f64, low: f64, top: f64, function: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut x = x;
    for step in 0..PROFILE_ITERATIONS {
        let (value, slope) = function(x);
        let next = (x - value / slope).max(low).min(top);
        if next == x || (step > 0 && next > x) {
            break;
        }
        x = next;
    }
    x
}
