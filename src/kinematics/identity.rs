//! Axes along the coordinates: joint i is coordinate i.

use super::conditioning::Conditioning;
use super::error::{self, ParameterError, Unreachable};
use super::scalar::Scalar;
use super::{Transformation, pass};
use crate::limits::MAX_GROUP_AXES;

/// A machine whose joints are its tool's coordinates. It has no singularity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Identity {
    coordinates: usize,
}

impl Identity {
    /// With 1 to [`MAX_GROUP_AXES`] coordinates.
    pub fn new(coordinates: usize) -> Result<Identity, ParameterError> {
        Ok(Identity { coordinates: error::count(coordinates, 1, MAX_GROUP_AXES)? })
    }
}

impl Transformation for Identity {
    fn joints(&self) -> usize {
        self.coordinates
    }

    fn coordinates(&self) -> usize {
        self.coordinates
    }

    fn tool_at<S: Scalar>(&self, joints: &[S], tool: &mut [S]) -> Result<(), Unreachable> {
        pass(joints, tool);
        Ok(())
    }

    fn joints_at<S: Scalar>(&self, tool: &[S], _near: &[f64], joints: &mut [S]) -> Result<(), Unreachable> {
        pass(tool, joints);
        Ok(())
    }

    fn conditioning_at(&self, _joints: &[f64]) -> Conditioning {
        Conditioning::PERFECT
    }
}
