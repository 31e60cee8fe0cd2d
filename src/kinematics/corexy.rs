//! Two motors that stand still and pull one belt (CoreXY, H-bot): one moves the tool along x + y, the other along x - y.

use super::conditioning::Conditioning;
use super::error::{self, ParameterError, Unreachable};
use super::scalar::Scalar;
use super::{Transformation, pass};
use crate::limits::MAX_GROUP_AXES;

/// Two coupled coordinates: the joint of the first is their sum, that of the second their difference, both in mm of
/// belt. The other joints are coordinates. It has no singularity; a joint is as fast as both coordinates together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CoreXy {
    coordinates: usize,
    first: usize,
    second: usize,
}

impl CoreXy {
    /// With 2 to [`MAX_GROUP_AXES`] `coordinates`, of which `first` and `second` (0 and 1 for CoreXY, 0 and 2 for CoreXZ)
    /// are coupled.
    pub fn new(coordinates: usize, first: usize, second: usize) -> Result<CoreXy, ParameterError> {
        let coordinates = error::count(coordinates, 2, MAX_GROUP_AXES)?;
        let first = error::coordinate("the first coupled coordinate", first, coordinates)?;
        let second = error::coordinate("the second coupled coordinate", second, coordinates)?;
        if first == second {
            return Err(ParameterError::SameCoordinate { what: "the coupled coordinates", index: first });
        }
        Ok(CoreXy { coordinates, first, second })
    }

    /// Sum and difference, times `scale`, in the places of the coupled two.
    fn couple<S: Scalar>(&self, from: &[S], to: &mut [S], scale: f64) -> Result<(), Unreachable> {
        pass(from, to);
        let (Some(first), Some(second)) = (from.get(self.first), from.get(self.second)) else {
            return Err(error::wrong_count("coordinate", from.len(), self.coordinates));
        };
        if let Some(place) = to.get_mut(self.first) {
            *place = (*first + *second) * scale;
        }
        if let Some(place) = to.get_mut(self.second) {
            *place = (*first - *second) * scale;
        }
        Ok(())
    }
}

impl Transformation for CoreXy {
    fn joints(&self) -> usize {
        self.coordinates
    }

    fn coordinates(&self) -> usize {
        self.coordinates
    }

    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        self.couple(joints, tool, 0.5)
    }

    fn joints_at<S: Scalar>(&self, tool: &[S], _near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        self.couple(tool, joints, 1.0)
    }

    fn conditioning_at(&self, _joints: &[f64]) -> Conditioning {
        Conditioning::PERFECT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_motor_moves_the_tool_along_a_diagonal() {
        let machine = CoreXy::new(3, 0, 1).unwrap();
        let mut joints = [0.0; 3];
        machine.inverse(&[30.0, 10.0, 5.0], &[0.0; 3], &mut joints).unwrap();
        assert_eq!(joints, [40.0, 20.0, 5.0]);
        let mut tool = [0.0; 3];
        machine.forward(&[40.0, 0.0, 0.0], &mut tool).unwrap();
        assert_eq!(tool, [20.0, 20.0, 0.0]);
        let jacobian = machine.jacobian(&[30.0, 10.0, 5.0], &[0.0; 3]).unwrap();
        assert_eq!(jacobian[0][..3], [1.0, 1.0, 0.0]);
        assert_eq!(jacobian[1][..3], [1.0, -1.0, 0.0]);
        assert_eq!(jacobian[2][..3], [0.0, 0.0, 1.0]);
    }

    #[test]
    fn impossible_couplings_are_refused() {
        assert!(CoreXy::new(1, 0, 0).is_err());
        assert!(CoreXy::new(3, 0, 3).is_err());
        assert_eq!(
            CoreXy::new(3, 2, 2),
            Err(ParameterError::SameCoordinate { what: "the coupled coordinates", index: 2 })
        );
    }
}
