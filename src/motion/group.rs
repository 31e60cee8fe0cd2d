//! One group of axes.

use crate::ids::{AxisId, Handle};

use super::parameters::GroupParameters;
use super::types::GroupState;

/// One group: its state and what it is doing.
#[derive(Clone, Debug)]
pub struct Group {
    parameters: GroupParameters,
    state: GroupState,
}

impl Group {
    pub(super) fn new(parameters: GroupParameters) -> Group {
        Group { parameters, state: GroupState::GroupDisabled }
    }

    /// Its axes, in the order of a move's targets.
    pub fn axes(&self) -> &[AxisId] {
        &self.parameters.axes
    }

    /// PLCopen state.
    pub fn state(&self) -> GroupState {
        self.state
    }

    /// The command that moves it; [`Handle::NONE`] for none.
    pub fn active(&self) -> Handle {
        Handle::NONE
    }

    /// Moves that wait behind the active one.
    pub fn waiting(&self) -> usize {
        0
    }

    /// A move is interrupted and can be continued.
    pub fn interrupted(&self) -> bool {
        false
    }

    /// Locked by a stop of itself, of a member, or of the machine.
    pub fn locked(&self) -> bool {
        false
    }

    /// Share of the active move that is done, 0 to 1.
    pub fn progress(&self) -> f64 {
        0.0
    }

    /// Velocity override in force, ratio.
    pub fn override_ratio(&self) -> f64 {
        1.0
    }

    /// Velocity along the line (linear moves), units per second.
    pub fn path_velocity(&self) -> f64 {
        0.0
    }
}
