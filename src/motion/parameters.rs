//! What the configuration says about axes and groups; checked there, taken as it is here.

use crate::ids::AxisId;
use crate::limits::MAX_GROUP_AXES;
use crate::units::AxisUnit;

use super::types::Limits;

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisParameters {
    /// What it counts in. A path's length is measured over linear axes, over rotary ones where no linear axis moves.
    pub unit: AxisUnit,
    /// Highest velocity, acceleration and jerk of any motion of this axis.
    pub limits: Limits,
    /// Lowest and highest position, axis coordinates; in force once the axis has its reference. Not for modulo axes.
    pub soft_limits: Option<(f64, f64)>,
    /// Length of the modulo range, axis units (a turntable: 360); `None` for an axis with two ends.
    pub modulo: Option<f64>,
    /// A move is done when the following error has been within this for [`Self::in_position_time_s`], axis units.
    /// 0 or less: done when the setpoint arrives.
    pub in_position_window: f64,
    /// Settle time, seconds.
    pub in_position_time_s: f64,
    /// Axis coordinates minus drive coordinates at start (axes with an absolute encoder), axis units.
    pub offset: f64,
    /// The axis has its reference at start.
    pub referenced: bool,
}

impl AxisParameters {
    /// An axis without soft limits, modulo, in-position window or reference.
    pub fn plain(unit: AxisUnit, limits: Limits) -> AxisParameters {
        AxisParameters {
            unit,
            limits,
            soft_limits: None,
            modulo: None,
            in_position_window: 0.0,
            in_position_time_s: 0.0,
            offset: 0.0,
            referenced: false,
        }
    }
}

/// What of [`AxisParameters`] can change while the axis runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionFigures {
    /// Highest velocity, acceleration and jerk.
    pub limits: Limits,
    /// Lowest and highest position, axis coordinates.
    pub soft_limits: Option<(f64, f64)>,
    /// See [`AxisParameters::in_position_window`].
    pub in_position_window: f64,
    /// Settle time, seconds.
    pub in_position_time_s: f64,
}

impl AxisParameters {
    /// What of them can change while the axis runs.
    pub fn figures(&self) -> MotionFigures {
        MotionFigures {
            limits: self.limits,
            soft_limits: self.soft_limits,
            in_position_window: self.in_position_window,
            in_position_time_s: self.in_position_time_s,
        }
    }
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupParameters {
    /// Its axes, each once, in the order of a move's targets; 1 to [`MAX_GROUP_AXES`].
    pub axes: Vec<AxisId>,
    /// Highest velocity, acceleration and jerk along a line, mm (or degrees) per s, s², s³.
    pub path_limits: Limits,
}

const _: () = assert!(MAX_GROUP_AXES <= 16, "members are one bit each of a u16");
