//! A drive's own way to a target: the trapezoid of profile position (CiA 402-2, linear ramps).

/// What the profile keeps to, increments and seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProfileLimits {
    /// 6081h.
    pub velocity: f64,
    /// 6083h.
    pub acceleration: f64,
    /// 6084h.
    pub deceleration: f64,
}

/// Velocity at the end of a step of `dt_s` towards a target that is `distance` away: as fast as can still stop there.
pub fn next_velocity(distance: f64, velocity: f64, limits: &ProfileLimits, dt_s: f64) -> f64 {
    let ahead = if distance < 0.0 { -1.0 } else { 1.0 };
    let (distance, velocity) = (distance * ahead, velocity * ahead);
    let ProfileLimits { velocity: highest, acceleration, deceleration } = *limits;
    // With velocity v at its end, what is left after the step is v² / 2a of stopping.
    let left = (distance - 0.5 * velocity * dt_s).max(0.0);
    let half = 0.5 * dt_s;
    let wanted = (deceleration * ((half * half + 2.0 * left / deceleration).sqrt() - half)).min(highest);
    let faster = if velocity < 0.0 { deceleration } else { acceleration };
    ahead * wanted.min(velocity + faster * dt_s).max(velocity - deceleration * dt_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs from rest to `distance`; returns its time, highest velocity and farthest place.
    fn run(distance: f64, limits: &ProfileLimits, dt_s: f64) -> (f64, f64, f64) {
        let (mut place, mut velocity, mut time_s) = (0.0_f64, 0.0_f64, 0.0_f64);
        let (mut fastest, mut farthest) = (0.0_f64, 0.0_f64);
        while (distance - place).abs() > 0.5 || velocity.abs() > limits.deceleration * dt_s {
            let next = next_velocity(distance - place, velocity, limits, dt_s);
            let change = (next - velocity) / dt_s;
            assert!(change.abs() <= limits.acceleration.max(limits.deceleration) * (1.0 + 1e-9), "{change}");
            place += 0.5 * (velocity + next) * dt_s;
            velocity = next;
            time_s += dt_s;
            fastest = fastest.max(velocity.abs());
            farthest = farthest.max(place.abs());
            assert!(time_s < 100.0, "{place} of {distance}, {velocity}");
        }
        (time_s, fastest, farthest)
    }

    #[test]
    fn a_trapezoid_takes_the_time_of_its_closed_form_and_ends_in_its_place() {
        let limits = ProfileLimits { velocity: 1000.0, acceleration: 2000.0, deceleration: 4000.0 };
        for distance in [5000.0, -5000.0_f64] {
            let (time_s, fastest, farthest) = run(distance, &limits, 0.0005);
            // 0.5 s up over 250, 0.25 s down over 125, the rest at 1000/s.
            let expected = 0.5 + 0.25 + (5000.0 - 250.0 - 125.0) / 1000.0;
            assert!((time_s - expected).abs() < 0.01, "{time_s} s, {expected} s expected");
            assert!((999.0..=1000.0).contains(&fastest) && farthest <= 5000.5, "{fastest}, {farthest}");
        }
        // Too short for its velocity: a triangle.
        let (time_s, fastest, _) = run(300.0, &limits, 0.0005);
        let peak = (2.0 * 300.0 / (1.0 / 2000.0 + 1.0 / 4000.0_f64)).sqrt();
        assert!((fastest - peak).abs() < 5.0 && (time_s - peak / 2000.0 - peak / 4000.0).abs() < 0.01, "{fastest}");
    }

    #[test]
    fn a_target_behind_it_is_reached_by_turning_round() {
        let limits = ProfileLimits { velocity: 1000.0, acceleration: 2000.0, deceleration: 2000.0 };
        let (mut place, mut velocity) = (0.0_f64, 800.0);
        for _ in 0..4000 {
            let next = next_velocity(10.0 - place, velocity, &limits, 0.0005);
            place += 0.5 * (velocity + next) * 0.0005;
            velocity = next;
        }
        assert!((place - 10.0).abs() < 0.5 && velocity.abs() < 1.0, "{place} {velocity}");
    }
}
