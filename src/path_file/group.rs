//! What a reader knows of the axes that a path is for.

use crate::planner::axes::PathOrder;
use crate::units::AxisUnit;

/// One axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupAxis {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: AxisUnit,
}

/// The axes of a path, in the group's order.
#[derive(Clone, Debug, PartialEq)]
pub struct PathGroup {
    axes: Vec<GroupAxis>,
    order: PathOrder,
    most_speed: f64,
}

impl PathGroup {
    /// 1 to [`crate::limits::MAX_GROUP_AXES`] axes of different names. `most_speed` is the velocity limit of the group's path: what is
    /// taken where a file says no feed, and what no feed may exceed.
    pub fn new(axes: Vec<GroupAxis>, most_speed: f64) -> PathGroup {
        let units: Vec<AxisUnit> = axes.iter().map(|axis| axis.unit).collect();
        PathGroup { axes, order: PathOrder::new(&units), most_speed }
    }

    /// Its axes.
    pub fn axes(&self) -> &[GroupAxis] {
        &self.axes
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.order.count()
    }

    /// The planner's order of them.
    pub fn order(&self) -> &PathOrder {
        &self.order
    }

    /// mm/s, or deg/s where no axis is linear.
    pub fn most_speed(&self) -> f64 {
        self.most_speed
    }

    /// The axes that arcs turn in: the first three linear ones.
    pub fn space(&self) -> &[usize] {
        &self.order.order[..self.order.linear.min(3)]
    }

    /// The place of an axis in the group.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.axes.iter().position(|axis| axis.name == name)
    }

    /// Names, for messages.
    pub fn names(&self, which: &[usize]) -> String {
        which.iter().map(|axis| self.axes[*axis].name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The symbol of a speed.
    pub fn speed_unit(&self) -> &'static str {
        if self.order.linear > 0 { "mm/s" } else { "deg/s" }
    }
}
