//! One axis.

use crate::fault::Fault;
use crate::ids::Handle;
use crate::units::Setpoint;

use super::parameters::AxisParameters;
use super::types::AxisState;

/// One axis: its state, where it shall be, and what it is doing.
#[derive(Clone, Debug)]
pub struct Axis {
    parameters: AxisParameters,
    state: AxisState,
    setpoint: Setpoint,
}

impl Axis {
    pub(super) fn new(parameters: AxisParameters) -> Axis {
        Axis { parameters, state: AxisState::Disabled, setpoint: Setpoint::default() }
    }

    /// What the configuration says about it.
    pub fn parameters(&self) -> &AxisParameters {
        &self.parameters
    }

    /// PLCopen state.
    pub fn state(&self) -> AxisState {
        self.state
    }

    /// Where it shall be, drive coordinates: as in the last outputs.
    pub fn setpoint(&self) -> Setpoint {
        self.setpoint
    }

    /// Where it shall be, axis coordinates (modulo axes: within the modulo).
    pub fn position(&self) -> f64 {
        self.to_axis_coordinates(self.setpoint.position)
    }

    /// A drive position in axis coordinates (modulo axes: within the modulo).
    pub fn to_axis_coordinates(&self, position: f64) -> f64 {
        let position = position + self.parameters.offset;
        self.parameters.modulo.map_or(position, |modulo| position.rem_euclid(modulo))
    }

    /// The command that moves it; [`Handle::NONE`] for none.
    pub fn active(&self) -> Handle {
        Handle::NONE
    }

    /// Moves that wait behind the active one.
    pub fn waiting(&self) -> usize {
        0
    }

    /// Velocity override in force, ratio.
    pub fn override_ratio(&self) -> f64 {
        1.0
    }

    /// It has its reference: absolute moves are possible, soft limits are in force.
    pub fn referenced(&self) -> bool {
        self.parameters.referenced
    }

    /// The setpoint rests and the feedback has been inside the in-position window for the settle time.
    pub fn in_position(&self) -> bool {
        false
    }

    /// What stopped it.
    pub fn fault(&self) -> Option<Fault> {
        None
    }

    /// Locked by a stop of itself, of a group that it belongs to, or of the machine.
    pub fn locked(&self) -> bool {
        false
    }

    /// It asks for its drive to be enabled.
    pub fn powered(&self) -> bool {
        false
    }
}
