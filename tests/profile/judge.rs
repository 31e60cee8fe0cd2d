//! Looks at every phase of a profile by its formula: limits, continuity, and that nothing leaves further what it has
//! come back to.

use crate::case::Case;
use crate::subject::{Limits, Phase, Profile, State};

/// Tolerances are this many units in the last place of the largest position, velocity, acceleration and time in the
/// profile: times are sums of seconds, so a velocity is known no better than acceleration × time is.
pub const ROUNDING: f64 = 64.0 * f64::EPSILON;

/// The magnitudes that rounding errors of a profile are in proportion to.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    pub position: f64,
    pub velocity: f64,
    pub acceleration: f64,
}

impl Tolerance {
    pub fn of(start: &State, profile: &Profile, limits: &Limits) -> Tolerance {
        let time_s = profile.duration_s();
        let (mut p, mut v, mut a) = (start.position.abs(), start.velocity.abs(), start.acceleration.abs());
        for state in profile.phases().flat_map(|phase| [phase.first, phase.last]) {
            p = p.max(state.position.abs());
            v = v.max(state.velocity.abs());
            a = a.max(state.acceleration.abs());
        }
        Tolerance {
            position: ROUNDING * (p + v * time_s),
            velocity: ROUNDING * (v + a * time_s),
            acceleration: ROUNDING * (a + limits.jerk * time_s),
        }
    }

    pub fn near(&self, one: State, other: State) -> bool {
        (one.position - other.position).abs() <= self.position
            && (one.velocity - other.velocity).abs() <= self.velocity
            && (one.acceleration - other.acceleration).abs() <= self.acceleration
    }
}

/// The bounds of a value that may start outside ±limit, but then only comes back.
struct Bounds {
    low: f64,
    high: f64,
}

impl Bounds {
    fn around(limit: f64, inevitable: [f64; 2]) -> Bounds {
        let [a, b] = inevitable;
        Bounds { low: a.min(b).min(-limit), high: a.max(b).max(limit) }
    }

    fn hold(&self, value: f64, tolerance: f64) -> bool {
        value >= self.low - tolerance && value <= self.high + tolerance
    }
}

/// What the velocity comes to if the acceleration is just released at full jerk.
pub fn released(state: &State, limits: &Limits) -> f64 {
    state.velocity + state.acceleration * state.acceleration.abs() / (2.0 * limits.jerk)
}

/// Every phase of `profile` from `start` under `limits`; the velocity limit is `speed`.
pub fn phases(start: &State, limits: &Limits, speed: f64, profile: &Profile) -> Result<Tolerance, String> {
    let tolerance = Tolerance::of(start, profile, limits);
    if !profile.duration_s().is_finite() || profile.duration_s() < 0.0 {
        return Err(format!("lasts {} s", profile.duration_s()));
    }
    let mut before = *start;
    let mut time_s = 0.0;
    let count = profile.phases().count();
    for (index, phase) in profile.phases().enumerate() {
        let at = |what: &str| format!("{what} in phase {index} of {count}, {phase:?}, before it {before:?}");
        if phase.begin_s != time_s || phase.end_s <= phase.begin_s {
            return Err(at("times are not in order"));
        }
        if !tolerance.near(before, phase.first) {
            return Err(at("jump"));
        }
        if !(phase.jerk == 0.0 || phase.jerk.abs() == limits.jerk) {
            return Err(at("jerk is not the limit"));
        }
        // From the state in which the phase begins on nothing leaves further, so bounds shrink from phase to phase.
        // Acceleration is linear: its ends decide. Velocity is a parabola: its ends and its turning point.
        let bounds = Bounds::around(limits.acceleration, [before.acceleration; 2]);
        if !bounds.hold(phase.last.acceleration, tolerance.acceleration) {
            return Err(at("acceleration beyond its limit"));
        }
        // Releasing takes the longer the less exactly the acceleration is known.
        let slack = tolerance.velocity + 2.0 * before.acceleration.abs() * tolerance.acceleration / limits.jerk;
        let bounds = Bounds::around(speed, [before.velocity, released(&before, limits)]);
        for velocity in extremes(&phase) {
            if !bounds.hold(velocity, slack) {
                return Err(at(&format!("velocity {velocity} beyond {} to {}", bounds.low, bounds.high)));
            }
        }
        before = phase.last;
        time_s = phase.end_s;
    }
    if time_s != profile.duration_s() {
        return Err(format!("phases end at {time_s} s, the profile at {} s", profile.duration_s()));
    }
    if !tolerance.near(before, profile.end()) {
        return Err(format!("jump at the end from {before:?} to {:?}", profile.end()));
    }
    Ok(tolerance)
}

fn extremes(phase: &Phase) -> [f64; 3] {
    let turn_s = (-phase.first.acceleration / phase.jerk).clamp(0.0, phase.length_s());
    let turn_s = if turn_s.is_finite() { turn_s } else { 0.0 };
    [phase.first.velocity, phase.first.advanced(turn_s, phase.jerk).velocity, phase.last.velocity]
}

/// A profile to rest at the case's target.
pub fn to_rest(case: &Case, profile: &Profile) -> Result<Tolerance, String> {
    let tolerance = phases(&case.start, &case.limits, case.limits.velocity, profile)?;
    let (end, end_s) = (State::rest(case.target), profile.duration_s());
    if profile.end() != end || profile.at(end_s) != end || profile.at(2.0 * end_s + 1.0) != end {
        return Err(format!("ends in {:?}, not exactly at rest at {}", profile.end(), case.target));
    }
    Ok(tolerance)
}
