//! Where the tool is and how it moves, by the joints; and its curve beside the programmed one.

use crate::geometry::{Cubic, Piece};
use crate::kinematics::{Jet, Kinematics, Scalar, Transformation};
use crate::limits::MAX_GROUP_AXES;
use crate::planner::program::Point;
use crate::planner::{Mechanism, PathOrder};

/// A tool with coordinates of its own; places in the planner's order.
#[derive(Clone, Debug)]
pub struct RunningTool {
    kinematics: Kinematics,
    order: PathOrder,
    /// Where it was last: angles go on from there.
    at: Point,
}

impl RunningTool {
    /// At a place.
    pub fn new(mechanism: &Mechanism, at: Point) -> RunningTool {
        RunningTool { kinematics: mechanism.kinematics, order: mechanism.order.clone(), at }
    }

    /// Where it is with these joints, which are given with three derivatives, and the derivatives of that. `None` where its
    /// angles are undecided.
    pub fn state(&mut self, joints: &[[f64; 4]; MAX_GROUP_AXES]) -> Option<[[f64; 4]; MAX_GROUP_AXES]> {
        let jets = joints.map(Jet::new);
        let mut tool = [Jet::constant(0.0); MAX_GROUP_AXES];
        let (joints, coordinates) = (self.kinematics.joints(), self.kinematics.coordinates());
        self.kinematics.forward(&jets[..joints], &mut tool[..coordinates]).ok()?;
        let mut state = [[0.0; 4]; MAX_GROUP_AXES];
        for (place, (state, coordinate)) in state.iter_mut().zip(&self.order.order).enumerate() {
            *state = tool[*coordinate].derivatives();
            if place >= self.order.linear {
                state[0] += ((self.at[place] - state[0]) / 360.0).round() * 360.0;
            }
            self.at[place] = state[0];
        }
        Some(state)
    }

    /// The curve of the tool on a piece of the joints: cubics with its places and directions at both ends.
    pub fn piece(&mut self, piece: &Piece) -> Option<Piece> {
        let ends = [0.0, piece.length];
        let [begin, end] = ends.map(|x| self.state(&piece.axes.map(|cubic| cubic.derivatives(x))));
        let (begin, end, length) = (begin?, end?, piece.length);
        let axes = std::array::from_fn(|axis| {
            let ([from, slope, ..], [to, end_slope, ..]) = (begin[axis], end[axis]);
            if length <= 0.0 {
                return Cubic::constant(from);
            }
            let mean = (to - from) / length;
            let second = (3.0 * mean - 2.0 * slope - end_slope) / length;
            Cubic([from, slope, second, (slope + end_slope - 2.0 * mean) / (length * length)])
        });
        Some(Piece { axes, ..*piece })
    }
}
