//! Whether positions go on as velocities say: a generator whose figures are good, but whose motion is torn, is no good.

use crate::limits::MAX_GROUP_AXES;
use crate::motion::Limits;

use super::peaks::Peak;

/// Rounding of a position, as a share of its magnitude and of one unit.
const ROUNDING: f64 = 1e-9;

/// Compares each look with the one before.
#[derive(Clone, Debug, Default)]
pub struct Continuity {
    before: Option<[[f64; 2]; MAX_GROUP_AXES]>,
    worst: Peak,
}

impl Continuity {
    /// Position and velocity of each axis, `seconds` after the last look.
    pub fn look(&mut self, states: &[[f64; 2]; MAX_GROUP_AXES], seconds: f64, limits: &[Limits], line: u32) {
        if let Some(before) = self.before {
            for ((now, before), limits) in states.iter().zip(&before).zip(limits) {
                let way = 0.5 * (now[1] + before[1]) * seconds;
                // What the mean of two velocities can be off, at the greatest jerk.
                let slack = limits.jerk * seconds.powi(3) / 12.0 + ROUNDING * (1.0 + now[0].abs());
                let gap = (now[0] - before[0] - way).abs();
                if gap > 2.0 * slack {
                    self.worst.take(gap, line);
                }
            }
        }
        self.before = Some(*states);
    }

    /// The largest step of a position that no velocity explains, axis units; 0 where there is none.
    pub fn worst(&self) -> Peak {
        self.worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_motion_goes_on_and_a_jump_is_none() {
        let limits = [Limits { velocity: 1.0, acceleration: 1.0, jerk: 6.0 }];
        let state = |t: f64| {
            let mut states = [[0.0; 2]; MAX_GROUP_AXES];
            states[0] = [100.0 + t * t * t, 3.0 * t * t];
            states
        };
        let mut continuity = Continuity::default();
        for i in 0..100 {
            continuity.look(&state(f64::from(i) * 0.01), 0.01, &limits, 1);
        }
        assert_eq!(continuity.worst(), Peak::default());
        let mut jumped = state(1.0);
        jumped[0][0] += 1e-4;
        continuity.look(&jumped, 0.01, &limits, 7);
        assert!((continuity.worst().value - 1e-4).abs() < 1e-5 && continuity.worst().line == 7);
    }
}
