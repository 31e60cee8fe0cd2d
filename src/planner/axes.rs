//! The order in which a planner has the axes of a group: the linear ones first.

use crate::geometry::{Cubic, Piece};
use crate::limits::MAX_GROUP_AXES;
use crate::units::AxisUnit;

use super::program::Point;

/// Which axis of a group stands where in a planner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathOrder {
    /// By the planner's place, the place in the group.
    pub order: Vec<usize>,
    /// How many of them, from the first on, are linear.
    pub linear: usize,
}

impl PathOrder {
    /// For a group of axes with these units.
    pub fn new(units: &[AxisUnit]) -> PathOrder {
        let of = |unit: AxisUnit| (0..units.len()).filter(move |place| units[*place] == unit);
        let mut order: Vec<usize> = of(AxisUnit::Millimetre).collect();
        let linear = order.len();
        order.extend(of(AxisUnit::Degree));
        PathOrder { order, linear }
    }

    /// A place of the group as the planner has it.
    pub fn to_planner(&self, group: &[f64]) -> Point {
        let mut point = [0.0; MAX_GROUP_AXES];
        for (value, place) in point.iter_mut().zip(&self.order) {
            *value = group.get(*place).copied().unwrap_or(0.0);
        }
        point
    }

    /// A place of the planner's as the group has it.
    pub fn from_planner(&self, point: &Point) -> Point {
        let mut group = [0.0; MAX_GROUP_AXES];
        for (value, place) in point.iter().zip(&self.order) {
            group[*place] = *value;
        }
        group
    }

    /// A piece of the planner's as the group has it.
    pub fn piece(&self, mut piece: Piece) -> Piece {
        let axes = piece.axes;
        piece.axes = [Cubic::default(); MAX_GROUP_AXES];
        for (cubic, place) in axes.iter().zip(&self.order) {
            piece.axes[*place] = *cubic;
        }
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_come_first_and_go_back_to_their_places() {
        use AxisUnit::{Degree, Millimetre};
        let order = PathOrder::new(&[Degree, Millimetre, Degree, Millimetre]);
        assert_eq!((order.order.as_slice(), order.linear), ([1, 3, 0, 2].as_slice(), 2));
        let group = [1.0, 2.0, 3.0, 4.0];
        let point = order.to_planner(&group);
        assert_eq!(point[..4], [2.0, 4.0, 1.0, 3.0]);
        assert_eq!(order.from_planner(&point)[..4], group);
    }
}
