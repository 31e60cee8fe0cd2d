//! The same target later: a move that takes a given time, by a lower top speed.

use super::super::Limits;
use super::{Profile, State};
use crate::limits::SYNCHRONISED_SOLVES;

/// How exactly the duration must be met, as a share of it.
const DURATION_TOLERANCE: f64 = 1e-12;

/// Searches the top speed at which the move takes `duration_s`. A lower top speed never makes a move shorter, so one
/// bisection finds it, unless the duration jumps over the wanted one (a start that must brake anyway).
pub(super) fn solve(start: State, target: f64, limits: &Limits, duration_s: f64) -> (Profile, bool) {
    let at_speed = |velocity: f64| Profile::to_position(start, target, &Limits { velocity, ..*limits });
    let close = |profile: &Profile| (profile.duration_s() - duration_s).abs() <= DURATION_TOLERANCE * duration_s;
    let fastest = at_speed(limits.velocity);
    if fastest.duration_s() >= duration_s || close(&fastest) {
        return (fastest, close(&fastest));
    }
    // In the inverse of the speed the duration is nearly straight (the time at full speed), so the search goes there.
    let (mut low, mut high) = (1.0 / limits.velocity, 2.0 / limits.velocity);
    let mut below = fastest;
    let mut above = None;
    let mut solves = 1;
    while solves < SYNCHRONISED_SOLVES {
        let slowness = match above {
            None => high,
            Some(_) => low + (high - low) / 2.0,
        };
        let profile = at_speed(1.0 / slowness);
        solves += 1;
        if close(&profile) {
            return (profile, true);
        }
        if profile.duration_s() < duration_s {
            below = profile;
            low = slowness;
            if above.is_none() {
                high = slowness * 4.0;
            }
        } else {
            high = slowness;
            above = Some(profile);
        }
    }
    (above.unwrap_or(below), false)
}
