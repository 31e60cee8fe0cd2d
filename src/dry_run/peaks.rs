//! The most that each axis does, and where.

use crate::limits::MAX_GROUP_AXES;
use crate::motion::path::PathMotion;

/// Shares of a period at which each cycle is looked at.
pub const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// The largest magnitude of a quantity, and the line of the program that it was found in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peak {
    /// Axis units per s, s² or s³.
    pub value: f64,
    /// 0 where nothing moved.
    pub line: u32,
}

impl Peak {
    /// Takes a value where it is larger.
    pub fn take(&mut self, value: f64, line: u32) {
        if value > self.value {
            *self = Peak { value, line };
        }
    }
}

/// Peaks of velocity, acceleration and jerk, in the planner's order of axes.
pub type Peaks = [[Peak; 3]; MAX_GROUP_AXES];

/// Takes what the last cycle did at `share` of its period; returns positions and derivatives.
pub fn look(motion: &PathMotion, share: f64, axes: usize, line: u32, peaks: &mut Peaks) -> [[f64; 4]; MAX_GROUP_AXES] {
    let mut states = [[0.0; 4]; MAX_GROUP_AXES];
    for (axis, (state, peaks)) in states.iter_mut().zip(peaks).enumerate().take(axes) {
        *state = motion.within(share, axis);
        let [_, derivatives @ ..] = *state;
        for (peak, value) in peaks.iter_mut().zip(derivatives) {
            peak.take(value.abs(), line);
        }
    }
    states
}
