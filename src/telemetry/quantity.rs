//! What can be recorded of an axis.

use crate::gateway::{AxisFlags, AxisSnapshot};
use crate::units::AxisUnit;

/// A number that each axis has in each cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// PLCopen state, by its place in the interface's `AxisSample.state`: 0 Disabled to 7 ErrorStop.
    State,
    /// Setpoint, axis coordinates (modulo axes: within the modulo).
    Setpoint,
    /// Whole modulo ranges of the setpoint.
    Turns,
    /// Setpoint velocity.
    Velocity,
    /// Setpoint acceleration.
    Acceleration,
    /// Feedback position, axis coordinates.
    Actual,
    /// Feedback velocity.
    ActualVelocity,
    /// Setpoint minus feedback at the instant of sampling.
    FollowingError,
    /// Feedback torque of the rated torque.
    TorqueRatio,
    /// Velocity override in force.
    OverrideRatio,
    /// 1 where the drive was heard in this cycle; else its feedback is that of an earlier one.
    Fresh,
}

impl Quantity {
    /// Every quantity, in the order of columns.
    pub const ALL: [Quantity; 11] = [
        Quantity::State,
        Quantity::Setpoint,
        Quantity::Turns,
        Quantity::Velocity,
        Quantity::Acceleration,
        Quantity::Actual,
        Quantity::ActualVelocity,
        Quantity::FollowingError,
        Quantity::TorqueRatio,
        Quantity::OverrideRatio,
        Quantity::Fresh,
    ];

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Quantity::State => "state",
            Quantity::Setpoint => "setpoint",
            Quantity::Turns => "turns",
            Quantity::Velocity => "velocity",
            Quantity::Acceleration => "acceleration",
            Quantity::Actual => "actual",
            Quantity::ActualVelocity => "actual_velocity",
            Quantity::FollowingError => "following_error",
            Quantity::TorqueRatio => "torque_ratio",
            Quantity::OverrideRatio => "override_ratio",
            Quantity::Fresh => "fresh",
        }
    }

    /// The quantity of this name.
    pub fn named(name: &str) -> Option<Quantity> {
        Quantity::ALL.into_iter().find(|quantity| quantity.name() == name)
    }

    /// What it counts in, for an axis of this unit; 1 for pure numbers.
    pub fn unit(self, axis: AxisUnit) -> &'static str {
        match (self, axis) {
            (Quantity::State | Quantity::Turns, _) => "1",
            (Quantity::TorqueRatio | Quantity::OverrideRatio | Quantity::Fresh, _) => "1",
            (Quantity::Setpoint | Quantity::Actual | Quantity::FollowingError, unit) => unit.symbol(),
            (Quantity::Velocity | Quantity::ActualVelocity, AxisUnit::Millimetre) => "mm/s",
            (Quantity::Velocity | Quantity::ActualVelocity, AxisUnit::Degree) => "deg/s",
            (Quantity::Acceleration, AxisUnit::Millimetre) => "mm/s²",
            (Quantity::Acceleration, AxisUnit::Degree) => "deg/s²",
        }
    }

    /// Its value.
    pub fn of(self, axis: &AxisSnapshot) -> f64 {
        match self {
            Quantity::State => f64::from(axis.state as u8),
            Quantity::Setpoint => axis.setpoint,
            Quantity::Turns => axis.turns as f64,
            Quantity::Velocity => axis.velocity,
            Quantity::Acceleration => axis.acceleration,
            Quantity::Actual => axis.actual,
            Quantity::ActualVelocity => axis.actual_velocity,
            Quantity::FollowingError => axis.following_error,
            Quantity::TorqueRatio => axis.torque,
            Quantity::OverrideRatio => axis.override_ratio,
            Quantity::Fresh => f64::from(u8::from(axis.flags.has(AxisFlags::FRESH))),
        }
    }
}
