//! Reduced coordinates, and the fastest change of speed in them.
//!
//! With velocities times J, positions times J² and times times J, the jerk limit becomes 1 and everything is
//! expressed in accelerations: a time *is* a change of acceleration. Only the acceleration limit A is left.
//!
//! The fastest way from speed `u`, acceleration `a` (|a| ≤ A) to speed 0, acceleration 0: jerk −1 until the
//! acceleration is −q, hold, jerk +1. Along jerk −1 the speed is `w − a²/2` with `w = u + a²/2`, so without the
//! limit q = √w; with it q = A, and the hold takes the rest. With `r = w/q` both cases are one formula:
//!
//! - duration `(a + q) + (r − q) + q`
//! - distance `w(a + (q + r)/2) − a³/6`
//!
//! This needs `u + a|a|/2 ≥ 0`, the speed that is left when the acceleration is just released; the other half is
//! its mirror image.

use super::piece::State;
use crate::motion::Limits;

/// Peak `q` and ratio `r = w/q` of the change of speed with `w`.
#[inline]
pub(super) fn peak(w: f64, limit: f64) -> (f64, f64) {
    if w > limit * limit {
        (limit, w / limit)
    } else {
        let q = w.sqrt();
        (q, q)
    }
}

/// A change of speed to 0: three phases whose times are differences of accelerations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Brake {
    /// +1 where the speed is lowered, −1 for the mirror image.
    pub sign: f64,
    /// Time with jerk −sign.
    pub first: f64,
    /// Time at the acceleration −sign·`peak`.
    pub hold: f64,
    /// Time with jerk +sign; also the peak of the acceleration.
    pub peak: f64,
}

impl Brake {
    /// From `w` and acceleration `a` in the half where the speed is lowered.
    #[inline]
    pub fn lowering(a: f64, w: f64, limit: f64) -> Brake {
        let (q, r) = peak(w, limit);
        // Never negative but for rounding: where a < 0, q ≥ |a|.
        Brake { sign: 1.0, first: (a + q).max(0.0), hold: r - q, peak: q }
    }

    /// From speed `u` and acceleration `a`, |a| ≤ `limit`, and its distance.
    pub fn new(u: f64, a: f64, limit: f64) -> (Brake, f64) {
        let sign = if u + a * a.abs() / 2.0 < 0.0 { -1.0 } else { 1.0 };
        let (u, a) = (sign * u, sign * a);
        let w = (u + a * a / 2.0).max(0.0);
        let brake = Brake { sign, ..Brake::lowering(a, w, limit) };
        let distance = w * (a + brake.peak + brake.hold / 2.0) - a * a * a / 6.0;
        (brake, sign * distance)
    }

    pub fn time(&self) -> f64 {
        self.first + self.hold + self.peak
    }
}

/// A start in reduced coordinates, after an acceleration beyond its limit has been released to it. No faster profile
/// does anything else meanwhile: whatever it wants, it wants to get back inside first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Relaxed {
    /// Time of the release, with jerk −sign(acceleration); 0 for a start inside the limit.
    pub time: f64,
    /// Way of the release.
    pub distance: f64,
    /// Velocity after it.
    pub velocity: f64,
    /// Acceleration after it.
    pub acceleration: f64,
}

impl Relaxed {
    pub fn new(start: &State, limits: &Limits) -> Relaxed {
        let Limits { acceleration: limit, jerk, .. } = *limits;
        let (velocity, acceleration) = (start.velocity * jerk, start.acceleration);
        if acceleration.abs() <= limit {
            return Relaxed { time: 0.0, distance: 0.0, velocity, acceleration };
        }
        let sign = acceleration.signum();
        let (speed, a) = (sign * velocity, sign * acceleration);
        let time = a - limit;
        Relaxed {
            time,
            distance: sign * time * (speed + time * (a / 2.0 - time / 6.0)),
            velocity: sign * (speed + time * (a + limit) / 2.0),
            acceleration: sign * limit,
        }
    }
}

/// The way from velocity `velocity` and acceleration `acceleration` to rest, stopping as fast as the limits allow.
pub fn stopping_distance(velocity: f64, acceleration: f64, limits: &Limits) -> f64 {
    let relaxed = Relaxed::new(&State { position: 0.0, velocity, acceleration }, limits);
    let (_, distance) = Brake::new(relaxed.velocity, relaxed.acceleration, limits.acceleration);
    (relaxed.distance + distance) / (limits.jerk * limits.jerk)
}
