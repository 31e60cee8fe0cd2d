//! What a dry run knows of an axis.

use crate::motion::Limits;
use crate::units::AxisUnit;

/// One axis of the group.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAxis {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: AxisUnit,
    /// The most that it may do.
    pub limits: Limits,
    /// Lowest and highest position, axis coordinates.
    pub soft_limits: Option<(f64, f64)>,
    /// Axis minus drive coordinates.
    pub offset: f64,
}
