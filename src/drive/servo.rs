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
//! stays and nothing is integrated.

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
        }
    }

    /// Starts at rest at `held`: the output begins at zero and rises with the error only, so enabling makes no bump.
    pub fn start(&mut self, held: &Setpoint) {
        self.history = [*held; SETPOINT_HISTORY];
        self.integral = 0.0;
        self.correction = 0.0;
    }

    /// Velocity for the drive (CSV), axis units/s.
    pub fn velocity(&mut self, setpoint: &Setpoint, feedback: &Feedback) -> f64 {
        let before = self.past(0).velocity;
        self.push(setpoint);
        if feedback.stale_cycles == 0 {
            self.correction = self.gains.position_gain * self.position_error(feedback);
        }
        // The velocity is held for one period, so the mean of its two ends covers the distance between two setpoints.
        let feed_forward = self.gains.velocity_feed_forward * 0.5 * (before + setpoint.velocity);
        clamp(feed_forward + self.correction, self.gains.velocity_limit)
    }

    /// Torque for the drive (CST), as a ratio of the rated torque.
    pub fn torque(&mut self, setpoint: &Setpoint, feedback: &Feedback) -> f64 {
        self.push(setpoint);
        let feed_forward = self.gains.acceleration_feed_forward * setpoint.acceleration;
        if feedback.stale_cycles == 0 {
            let planned = self.gains.velocity_feed_forward * self.sampled_velocity();
            let wanted = planned + self.gains.position_gain * self.position_error(feedback);
            let error = clamp(wanted, self.gains.velocity_limit) - feedback.velocity;
            let proportional = self.gains.velocity_gain * error;
            if let Some(integral_time_s) = self.gains.integral_time_s {
                // Anti-windup: what cannot go out is not integrated.
                let asked = proportional + self.integral + feed_forward;
                let winds_up = asked.abs() > self.torque_limit && (asked > 0.0) == (error > 0.0);
                if !winds_up {
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
