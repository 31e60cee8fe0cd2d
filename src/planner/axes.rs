//! The order of a group's axes inside the planner: the linear ones first, each kind as the group has them.

use crate::geometry::{Cubic, Piece};
use crate::limits::MAX_GROUP_AXES;
use crate::motion::Limits;
use crate::units::AxisUnit;

use super::PathAxes;
use super::program::Point;

/// Between a group's order of axes and the planner's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathOrder {
    /// Which axis of the group each of the planner's is.
    pub order: Vec<usize>,
    /// How many of the planner's, from the first on, are linear.
    pub linear: usize,
}

impl PathOrder {
    /// Of a group whose axes count in `units`; [`MAX_GROUP_AXES`] at most.
    pub fn new(units: &[AxisUnit]) -> PathOrder {
        let units = &units[..units.len().min(MAX_GROUP_AXES)];
        let of = |unit: AxisUnit| (0..units.len()).filter(move |axis| units[*axis] == unit);
        let order: Vec<usize> = of(AxisUnit::Millimetre).chain(of(AxisUnit::Degree)).collect();
        let linear = of(AxisUnit::Millimetre).count();
        PathOrder { order, linear }
    }

    /// How many axes.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// Values in the group's order as the planner has them; what is missing is 0.
    pub fn to_planner(&self, group: &[f64]) -> Point {
        let mut point = [0.0; MAX_GROUP_AXES];
        for (value, axis) in point.iter_mut().zip(&self.order) {
            *value = group.get(*axis).copied().unwrap_or(0.0);
        }
        point
    }

    /// Values in the planner's order as the group has them.
    pub fn from_planner(&self, point: &Point) -> Point {
        let mut group = [0.0; MAX_GROUP_AXES];
        for (value, axis) in point.iter().zip(&self.order) {
            group[*axis] = *value;
        }
        group
    }

    /// A piece of the planner's as the group has it.
    pub fn piece(&self, mut piece: Piece) -> Piece {
        let axes = piece.axes;
        piece.axes = [Cubic::default(); MAX_GROUP_AXES];
        for (cubic, axis) in axes.iter().zip(&self.order) {
            piece.axes[*axis] = *cubic;
        }
        piece
    }

    /// The planner's axes; `limits` and `soft_limits` in the group's order.
    pub fn axes(&self, limits: &[Limits], soft_limits: &[Option<(f64, f64)>], period_s: f64) -> PathAxes {
        let limits = self.order.iter().map(|axis| limits[*axis]).collect();
        let soft_limits = self.order.iter().map(|axis| soft_limits[*axis]).collect();
        PathAxes { soft_limits, ..PathAxes::new(limits, self.linear, period_s) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use AxisUnit::{Degree, Millimetre};

    #[test]
    fn linear_axes_come_first_and_go_back_to_their_places() {
        let order = PathOrder::new(&[Degree, Millimetre, Degree, Millimetre]);
        assert_eq!((order.order.as_slice(), order.linear), ([1, 3, 0, 2].as_slice(), 2));
        let point = order.to_planner(&[10.0, 1.0, 20.0, 2.0]);
        assert_eq!(point[..5], [1.0, 2.0, 10.0, 20.0, 0.0]);
        assert_eq!(order.from_planner(&point)[..5], [10.0, 1.0, 20.0, 2.0, 0.0]);
        let limits = [1.0, 2.0, 3.0, 4.0].map(|velocity| Limits { velocity, acceleration: 1.0, jerk: 1.0 });
        let axes = order.axes(&limits, &[None, Some((0.0, 1.0)), None, None], 0.001);
        assert_eq!(axes.limits.iter().map(|limits| limits.velocity).collect::<Vec<_>>(), [2.0, 4.0, 1.0, 3.0]);
        assert_eq!((axes.linear, axes.soft_limits[0]), (2, Some((0.0, 1.0))));
    }
}
