//! From places in a machine to places on a sheet.

use crate::planner::program::Point;
use crate::units::AxisUnit;

use super::super::report::DryRunReport;

/// cos 30°: what one unit of a horizontal axis is to the side.
const ACROSS: f64 = 0.866_025_403_784_438_6;
/// sin 30°.
const UP: f64 = 0.5;

/// How a path is looked at; axes by their place in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The first axis to the right, the second one up.
    Plane([usize; 2]),
    /// From above and aside, all three equally long: the first to the right and down, the second to the right and up, the
    /// third up.
    Isometric([usize; 3]),
}

impl View {
    /// The one that shows the most of a path: its first two axes that move, of one kind where there are two of it; isometric where
    /// three linear ones do.
    pub fn of(report: &DryRunReport) -> View {
        let moves = |axis: &usize| {
            let (low, high) = report.coordinates[*axis].range;
            high - low > 1e-9
        };
        let of = |unit: AxisUnit| -> Vec<usize> {
            (0..report.coordinates.len()).filter(|axis| report.coordinates[*axis].unit == unit).collect()
        };
        let (linear, rotary) = (of(AxisUnit::Millimetre), of(AxisUnit::Degree));
        let moving = |axes: &[usize]| axes.iter().copied().filter(moves).collect::<Vec<usize>>();
        match (moving(&linear)[..].first_chunk::<3>(), moving(&linear)[..].first_chunk::<2>()) {
            (Some(three), _) => return View::Isometric(*three),
            (_, Some(two)) => return View::Plane(*two),
            _ => {}
        }
        // One that moves with one that does not, or with itself where there is no other.
        let axes = if moving(&linear).is_empty() && !rotary.is_empty() { rotary } else { linear };
        let mut chosen = moving(&axes);
        chosen.extend(axes.iter().filter(|axis| !moves(axis)));
        let first = chosen.first().copied().unwrap_or(0);
        let mut two = [first, chosen.get(1).copied().unwrap_or(first)];
        two.sort_unstable();
        View::Plane(two)
    }

    /// The axes that are seen.
    pub fn axes(&self) -> &[usize] {
        match self {
            View::Plane(axes) => axes,
            View::Isometric(axes) => axes,
        }
    }

    /// Right and up of a place whose coordinates are those of [`View::axes`].
    pub fn project(&self, at: [f64; 3]) -> [f64; 2] {
        let [x, y, z] = at;
        match self {
            View::Plane(_) => [x, y],
            View::Isometric(_) => [ACROSS * (x + y), UP * (y - x) + z],
        }
    }

    /// The coordinates of a place that are seen.
    pub fn seen(&self, at: &Point) -> [f64; 3] {
        let mut seen = [0.0; 3];
        seen.iter_mut().zip(self.axes()).for_each(|(value, axis)| *value = at[*axis]);
        seen
    }
}
