//! The loops that the cycle closes: position (CSV), and position over velocity (CST).
//!
//! ```text
//! setpoint ─ delay ─►(−)─► position gain ─►(+)─► CSV: velocity
//!                     ▲                     ▲ velocity feed-forward
//!                 feedback                  └─►(−)─► PI ─►(+)─► CST: torque
//!                                                ▲ velocity  ▲ acceleration feed-forward (inertia)
//! ```
//!
//! Feedback is compared with the setpoint of the instant at which it was sampled, else constant velocity would show as a
//! position error of velocity × delay; feed-forwards take the newest setpoint. On stale feedback the last correction
//! stays, unless the position is extrapolated, and nothing is integrated.

use super::Feedback;
use super::parameters::ServoGains;
use crate::limits::SETPOINT_HISTORY;
use crate::units::Setpoint;

/// The loops of one axis.
#[derive(Clone, Copy, Debug)]
pub struct Servo {
    gains: ServoGains,
    torque_limit: f64,
    period_s: f64,
    modulo: f64,
    delay_periods: usize,
    delay_fraction: f64,
    history: [Setpoint; SETPOINT_HISTORY],
    newest: usize,
    integral: f64,
    correction: f64,
    /// Velocity asked for last, before the clamp.
    asked: f64,
}

impl Servo {
    /// Loops at rest. `feedback_delay_periods` is 0 to `SETPOINT_HISTORY - 2`, `modulo` 0 for a linear axis.
    pub fn new(gains: ServoGains, torque_limit: f64, feedback_delay_periods: f64, modulo: f64, period_s: f64) -> Servo {
        Servo {
            gains,
            torque_limit,
            period_s,
            modulo,
            delay_periods: feedback_delay_periods as usize,
            delay_fraction: feedback_delay_periods.fract(),
            history: [Setpoint::default(); SETPOINT_HISTORY],
            newest: 0,
            integral: 0.0,
            correction: 0.0,
            asked: 0.0,
        }
    }

    /// Starts at rest at `held`: the output begins at zero and rises with the error only, so enabling makes no bump.
    pub fn start(&mut self, held: &Setpoint) {
        self.history = [*held; SETPOINT_HISTORY];
        self.integral = 0.0;
        self.correction = 0.0;
        self.asked = 0.0;
    }

    /// Other gains and torque limit, for loops that do not run, or where they differ in the velocity limit only.
    pub fn set_gains(&mut self, gains: ServoGains, torque_limit: f64) {
        (self.gains, self.torque_limit) = (gains, torque_limit);
    }

    /// Magnitude of the velocity that the loops asked for last, feed-forward and correction together, before it was
    /// clamped; axis units/s.
    pub fn asked_velocity(&self) -> f64 {
        self.asked.abs()
    }

    /// Velocity for the drive (CSV), axis units/s.
    pub fn velocity(&mut self, setpoint: &Setpoint, feedback: &Feedback) -> f64 {
        let before = self.past(0).velocity;
        self.push(setpoint);
        if feedback.stale_cycles == 0 || feedback.extrapolated {
            self.correction = self.gains.position_gain * self.position_error(feedback);
        }
        // The velocity is held for one period, so the mean of its two ends covers the distance between two setpoints.
        let feed_forward = self.gains.velocity_feed_forward * 0.5 * (before + setpoint.velocity);
        self.asked = feed_forward + self.correction;
        clamp(self.asked, self.gains.velocity_limit)
    }

    /// Torque for the drive (CST), as a ratio of the rated torque.
    pub fn torque(&mut self, setpoint: &Setpoint, feedback: &Feedback) -> f64 {
        self.push(setpoint);
        let feed_forward = self.gains.acceleration_feed_forward * setpoint.acceleration;
        if feedback.stale_cycles == 0 || feedback.extrapolated {
            let planned = self.gains.velocity_feed_forward * self.sampled_velocity();
            self.asked = planned + self.gains.position_gain * self.position_error(feedback);
            let error = clamp(self.asked, self.gains.velocity_limit) - feedback.velocity;
            let proportional = self.gains.velocity_gain * error;
            if let Some(integral_time_s) = self.gains.integral_time_s {
                // Anti-windup: what cannot go out is not integrated.
                let asked = proportional + self.integral + feed_forward;
                let winds_up = asked.abs() > self.torque_limit && (asked > 0.0) == (error > 0.0);
                if !winds_up && feedback.stale_cycles == 0 {
                    let step = proportional * self.period_s / integral_time_s;
                    self.integral = clamp(self.integral + step, self.torque_limit);
                }
            }
            self.correction = proportional + self.integral;
        }
        clamp(self.correction + feed_forward, self.torque_limit)
    }

    fn push(&mut self, setpoint: &Setpoint) {
        self.newest = (self.newest + 1) % SETPOINT_HISTORY;
        self.history[self.newest] = *setpoint;
    }

    /// The setpoint of `age` periods ago.
    fn past(&self, age: usize) -> &Setpoint {
        &self.history[(self.newest + SETPOINT_HISTORY - age) % SETPOINT_HISTORY]
    }

    /// Setpoint minus feedback at the instant of sampling, axis units.
    fn position_error(&self, feedback: &Feedback) -> f64 {
        let error = |setpoint: &Setpoint| {
            let turns = setpoint.turns.wrapping_sub(feedback.turns) as f64;
            turns * self.modulo + (setpoint.position - feedback.position)
        };
        let (late, early) = (error(self.past(self.delay_periods)), error(self.past(self.delay_periods + 1)));
        late + self.delay_fraction * (early - late)
    }

    fn sampled_velocity(&self) -> f64 {
        let (late, early) = (self.past(self.delay_periods).velocity, self.past(self.delay_periods + 1).velocity);
        late + self.delay_fraction * (early - late)
    }
}

/// `value` within ± `limit`; unlike `f64::clamp` it cannot panic.
fn clamp(value: f64, limit: f64) -> f64 {
    value.min(limit).max(-limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_S: f64 = 0.001;

    fn servo(gains: ServoGains) -> Servo {
        let mut servo = Servo::new(gains, 1.0, 2.0, 0.0, PERIOD_S);
        servo.start(&Setpoint::default());
        servo
    }

    fn stiff() -> ServoGains {
        ServoGains {
            position_gain: 10.0,
            velocity_feed_forward: 1.0,
            velocity_limit: 1000.0,
            velocity_gain: 0.01,
            integral_time_s: Some(0.01),
            acceleration_feed_forward: 0.001,
        }
    }

    #[test]
    fn the_velocity_fed_forward_adds_up_to_the_distance_planned() {
        let mut servo = servo(ServoGains { position_gain: 0.0, ..stiff() });
        let mut covered = 0.0;
        for step in 1..=500 {
            // Constant acceleration: 100 units/s².
            let time_s = f64::from(step) * PERIOD_S;
            let (position, velocity) = (50.0 * time_s * time_s, 100.0 * time_s);
            let setpoint = Setpoint { turns: 0, position, velocity, acceleration: 100.0 };
            covered += servo.velocity(&setpoint, &Feedback::default()) * PERIOD_S;
            assert!((covered - position).abs() < 1e-9, "after {step}: {covered} instead of {position}");
        }
    }

    #[test]
    fn what_cannot_go_out_is_not_integrated() {
        let mut servo = servo(stiff());
        // 90 units/s short: 0.9 of the torque by proportion, the integral may only add the last tenth.
        let behind = Feedback { velocity: -90.0, ..Feedback::default() };
        let mut torque = 0.0;
        for _ in 0..1000 {
            torque = servo.torque(&Setpoint::default(), &behind);
        }
        assert_eq!(torque, 1.0);
        let after = servo.torque(&Setpoint::default(), &Feedback::default());
        assert!((0.0..0.2).contains(&after), "the integral wound up to {after}");
    }

    #[test]
    fn the_integral_stays_within_the_torque_even_against_a_feed_forward() {
        let mut servo = servo(stiff());
        let braking = Setpoint { acceleration: -4000.0, ..Setpoint::default() };
        for _ in 0..1000 {
            servo.torque(&braking, &Feedback { velocity: -10.0, ..Feedback::default() });
        }
        assert!(servo.integral.abs() <= 1.0, "{}", servo.integral);
    }

    #[test]
    fn an_error_counts_whole_turns() {
        let mut servo = Servo::new(ServoGains { velocity_limit: 1e9, ..stiff() }, 1.0, 0.0, 360.0, PERIOD_S);
        servo.start(&Setpoint { turns: 3, position: 1.0, ..Setpoint::default() });
        let feedback = Feedback { turns: 2, position: 359.0, ..Feedback::default() };
        let setpoint = Setpoint { turns: 3, position: 1.0, ..Setpoint::default() };
        assert!((servo.velocity(&setpoint, &feedback) - 20.0).abs() < 1e-9);
    }

    #[test]
    fn a_delay_between_two_periods_is_interpolated() {
        let mut servo = Servo::new(stiff(), 1.0, 1.25, 0.0, PERIOD_S);
        servo.start(&Setpoint::default());
        for position in [1.0, 2.0, 4.0, 8.0] {
            servo.push(&Setpoint { position, ..Setpoint::default() });
        }
        assert_eq!(servo.position_error(&Feedback::default()), 0.75 * 4.0 + 0.25 * 2.0);
    }
}
