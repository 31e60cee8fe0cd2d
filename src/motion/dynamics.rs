//! What a command may ask of the limits, and what the present state asks of a command.

use crate::limits::{MAX_OVERRIDE, MIN_DYNAMICS_SHARE, MIN_OVERRIDE};

use super::profile::State;
use super::types::{Dynamics, Limits, Reason, Rejection};

/// The limits of a command that wants `dynamics` where `limits` hold. Nothing is clipped: what exceeds is refused.
pub(super) fn resolved(dynamics: Dynamics, limits: &Limits) -> Result<Limits, Rejection> {
    Ok(Limits {
        velocity: share(dynamics.velocity, limits.velocity, Reason::VelocityLimit)?,
        acceleration: share(dynamics.acceleration, limits.acceleration, Reason::AccelerationLimit)?,
        jerk: share(dynamics.jerk, limits.jerk, Reason::JerkLimit)?,
    })
}

fn share(wanted: Option<f64>, limit: f64, reason: Reason) -> Result<f64, Rejection> {
    let Some(wanted) = wanted else { return Ok(limit) };
    let lowest = limit * MIN_DYNAMICS_SHARE;
    if !wanted.is_finite() || wanted < lowest {
        return Err(Rejection::with(Reason::NotFinite, wanted, lowest));
    }
    if wanted > limit { Err(Rejection::with(reason, wanted, limit)) } else { Ok(wanted) }
}

/// A signed velocity within `limits`: 0, or large enough to be meant.
pub(super) fn signed_velocity(velocity: f64, limits: &Limits) -> Result<f64, Rejection> {
    if velocity != 0.0 {
        share(Some(velocity.abs()), limits.velocity, Reason::VelocityLimit)
            .map_err(|r| Rejection { found: velocity, ..r })?;
    }
    Ok(velocity)
}

/// An override in range: 0, or from [`MIN_OVERRIDE`] to [`MAX_OVERRIDE`].
pub(super) fn override_ratio(ratio: f64) -> Result<f64, Rejection> {
    if ratio == 0.0 || (MIN_OVERRIDE..=MAX_OVERRIDE).contains(&ratio) {
        return Ok(ratio);
    }
    let allowed = if ratio > 0.0 && ratio < MIN_OVERRIDE { MIN_OVERRIDE } else { MAX_OVERRIDE };
    Err(Rejection::with(Reason::OverrideRange, ratio, allowed))
}

/// The limits of a command from `start` on, with the jerk raised (never above `hard`) where releasing the present acceleration at
/// the wanted jerk would carry the velocity beyond `hard`: a gentle command that follows a sharp one.
pub(super) fn viable(start: &State, wanted: Limits, hard: &Limits) -> Limits {
    let room = if start.acceleration > 0.0 { hard.velocity - start.velocity } else { hard.velocity + start.velocity };
    released_within(room, start, wanted, hard)
}

/// The same for motion that must never run back, either (along a path).
pub(super) fn viable_forwards(start: &State, wanted: Limits, hard: &Limits) -> Limits {
    let room = if start.acceleration > 0.0 { hard.velocity - start.velocity } else { start.velocity };
    released_within(room, start, wanted, hard)
}

fn released_within(room: f64, start: &State, wanted: Limits, hard: &Limits) -> Limits {
    let needed = start.acceleration * start.acceleration / 2.0;
    if needed <= room * wanted.jerk {
        return wanted;
    }
    let jerk = if needed < room * hard.jerk { needed / room } else { hard.jerk };
    Limits { jerk, ..wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARD: Limits = Limits { velocity: 100.0, acceleration: 1000.0, jerk: 10_000.0 };

    #[test]
    fn what_exceeds_a_limit_is_refused_and_never_clipped() {
        let ask = |velocity| resolved(Dynamics { velocity: Some(velocity), ..Dynamics::default() }, &HARD);
        assert_eq!(ask(100.0).unwrap().velocity, 100.0);
        assert_eq!(ask(100.1).unwrap_err(), Rejection::with(Reason::VelocityLimit, 100.1, 100.0));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300] {
            assert_eq!(ask(bad).unwrap_err().reason, Reason::NotFinite, "{bad}");
        }
        for bad in [-0.1, 2.01, f64::NAN, f64::INFINITY, 1e-9] {
            assert_eq!(override_ratio(bad).unwrap_err().reason, Reason::OverrideRange, "{bad}");
        }
        assert_eq!((override_ratio(0.0), override_ratio(2.0)), (Ok(0.0), Ok(2.0)));
    }

    #[test]
    fn a_gentle_command_after_a_sharp_one_stays_below_the_velocity_limit() {
        let start = State { position: 0.0, velocity: 60.0, acceleration: 800.0 };
        let gentle = Limits { velocity: 10.0, acceleration: 10.0, jerk: 100.0 };
        let limits = viable(&start, gentle, &HARD);
        let peak = start.velocity + start.acceleration * start.acceleration / (2.0 * limits.jerk);
        assert!(peak <= HARD.velocity * (1.0 + 1e-12), "{peak}");
        assert!(limits.jerk > gentle.jerk && limits.jerk <= HARD.jerk);
        assert_eq!(viable(&State { acceleration: 1.0, ..start }, gentle, &HARD), gentle);
    }
}
