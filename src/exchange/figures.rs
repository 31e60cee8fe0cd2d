//! The figures of one axis that can change while it runs. They cross into the cycle whole, in one slot of a pool
//! ([`super::pool`]), and are accepted or refused as a whole.

use crate::drive::ServoGains;
use crate::motion::{Limits, MotionFigures};

/// Values that the figures of an axis are in a slot.
pub const FIGURES: usize = 20;

/// All figures of an axis that can change while it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AxisFigures {
    /// How far and fast it may move, and when it is there.
    pub motion: MotionFigures,
    /// Following error allowed for any time, axis units; `None` does not watch it.
    pub following_window: Option<f64>,
    /// How long it may be larger, seconds.
    pub following_time_s: f64,
    /// Cycles in a row without fresh feedback that are ridden through.
    pub stale_cycles_tolerated: u32,
    /// Gains of the loops closed in the cycle.
    pub gains: ServoGains,
    /// Highest torque, as a ratio of the rated torque.
    pub torque_limit: f64,
}

impl AxisFigures {
    /// Figures without windows, soft limits and gains.
    pub fn plain(limits: Limits) -> AxisFigures {
        AxisFigures {
            motion: MotionFigures { limits, soft_limits: None, in_position_window: 0.0, in_position_time_s: 0.0 },
            following_window: None,
            following_time_s: 0.0,
            stale_cycles_tolerated: 0,
            gains: ServoGains::default(),
            torque_limit: 0.0,
        }
    }

    /// As they stand in a slot: what may be absent is preceded by 1, or 0 where it is.
    pub fn to_values(&self) -> [f64; FIGURES] {
        let AxisFigures { motion, gains, .. } = self;
        let present = |there: bool| if there { 1.0 } else { 0.0 };
        let (low, high) = motion.soft_limits.unwrap_or_default();
        [
            motion.limits.velocity,
            motion.limits.acceleration,
            motion.limits.jerk,
            present(motion.soft_limits.is_some()),
            low,
            high,
            motion.in_position_window,
            motion.in_position_time_s,
            present(self.following_window.is_some()),
            self.following_window.unwrap_or_default(),
            self.following_time_s,
            f64::from(self.stale_cycles_tolerated),
            gains.position_gain,
            gains.velocity_feed_forward,
            gains.velocity_limit,
            gains.velocity_gain,
            present(gains.integral_time_s.is_some()),
            gains.integral_time_s.unwrap_or_default(),
            gains.acceleration_feed_forward,
            self.torque_limit,
        ]
    }

    /// From how they stand in a slot.
    pub fn from_values(values: &[f64; FIGURES]) -> AxisFigures {
        let [
            velocity,
            acceleration,
            jerk,
            soft_limits,
            low,
            high,
            in_position_window,
            in_position_time_s,
            following,
            following_window,
            following_time_s,
            stale_cycles,
            position_gain,
            velocity_feed_forward,
            velocity_limit,
            velocity_gain,
            integral,
            integral_time_s,
            acceleration_feed_forward,
            torque_limit,
        ] = *values;
        AxisFigures {
            motion: MotionFigures {
                limits: Limits { velocity, acceleration, jerk },
                soft_limits: (soft_limits != 0.0).then_some((low, high)),
                in_position_window,
                in_position_time_s,
            },
            following_window: (following != 0.0).then_some(following_window),
            following_time_s,
            stale_cycles_tolerated: stale_cycles as u32,
            gains: ServoGains {
                position_gain,
                velocity_feed_forward,
                velocity_limit,
                velocity_gain,
                integral_time_s: (integral != 0.0).then_some(integral_time_s),
                acceleration_feed_forward,
            },
            torque_limit,
        }
    }

    /// Every figure is finite and of the sign that it must have. The configuration has checked more; this is what the
    /// cycle relies on.
    pub fn are_sound(&self) -> bool {
        let AxisFigures { motion, gains, .. } = self;
        let above_0 = |value: f64| value > 0.0 && value.is_finite();
        let from_0 = |value: f64| value >= 0.0 && value.is_finite();
        let Limits { velocity, acceleration, jerk } = motion.limits;
        let ordered = |(low, high): (f64, f64)| low < high && (high - low).is_finite();
        [velocity, acceleration, jerk].into_iter().all(above_0)
            && motion.soft_limits.is_none_or(ordered)
            && motion.in_position_window.is_finite()
            && from_0(motion.in_position_time_s)
            && self.following_window.is_none_or(above_0)
            && from_0(self.following_time_s)
            && [gains.position_gain, gains.velocity_feed_forward, gains.velocity_limit].into_iter().all(from_0)
            && from_0(gains.velocity_gain)
            && from_0(gains.acceleration_feed_forward)
            && gains.integral_time_s.is_none_or(above_0)
            && from_0(self.torque_limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each figure another one, so that a mix-up shows.
    fn figures() -> AxisFigures {
        AxisFigures {
            motion: MotionFigures {
                limits: Limits { velocity: 1.5, acceleration: 2.5, jerk: 3.5 },
                soft_limits: Some((-4.5, 5.5)),
                in_position_window: 6.5,
                in_position_time_s: 7.5,
            },
            following_window: Some(8.5),
            following_time_s: 9.5,
            stale_cycles_tolerated: 10,
            gains: ServoGains {
                position_gain: 11.5,
                velocity_feed_forward: 12.5,
                velocity_limit: 13.5,
                velocity_gain: 14.5,
                integral_time_s: Some(15.5),
                acceleration_feed_forward: 16.5,
            },
            torque_limit: 17.5,
        }
    }

    #[test]
    fn figures_come_out_of_a_slot_as_they_went_in() {
        let all = figures();
        let motion = MotionFigures { soft_limits: None, ..all.motion };
        let gains = ServoGains { integral_time_s: None, ..all.gains };
        for figures in [all, AxisFigures { motion, gains, following_window: None, ..all }] {
            assert_eq!(AxisFigures::from_values(&figures.to_values()), figures);
            assert!(figures.are_sound());
        }
    }

    #[test]
    fn a_value_that_is_no_number_is_never_sound() {
        let values = figures().to_values();
        for place in 0..FIGURES {
            // Those say whether something is there; 11 is a whole number.
            let says_whether = [3, 8, 16, 11].contains(&place);
            for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let mut values = values;
                values[place] = bad;
                assert_eq!(AxisFigures::from_values(&values).are_sound(), says_whether, "{bad} at {place}");
            }
        }
    }
}
