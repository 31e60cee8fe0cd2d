//! From a checked configuration to a cycle that is ready to run, and the other ends of its exchange.

use crate::config::MachineConfig;
use crate::cycle::{AxisWiring, BusWiring, Cycle, CycleParameters, DriveLimitSwitches, ReactionRule};
use crate::drive::ParameterError;
use crate::exchange::snapshot::Shape;
use crate::exchange::{GatewayEnds, open};
use crate::fieldbus::sim::{SimulatedBus, SimulatedBusError};
use crate::simulation::control::SimulationControl;
use std::fmt;

/// Share of the period until which inputs are waited for: the rest is for computing.
const RECEIVE_SHARE: (u64, u64) = (1, 2);

/// A machine put together.
pub struct Assembly {
    /// To be run by the real-time thread.
    pub cycle: Cycle,
    /// The ends of the exchange that ordinary threads hold.
    pub ends: GatewayEnds,
    /// The handle of each simulated bus, in the order of the buses.
    pub simulations: Vec<SimulationControl>,
}

/// Why a machine could not be put together.
#[derive(Debug)]
pub enum AssemblyError {
    /// A bus cannot be simulated so.
    Bus {
        /// Its name.
        bus: String,
        /// What is wrong.
        error: SimulatedBusError,
    },
    /// A drive's parameters do not fit together.
    Drive(ParameterError),
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AssemblyError::Bus { bus, error } => write!(f, "bus \"{bus}\": {error}"),
            AssemblyError::Drive(error) => write!(f, "a drive cannot be driven so: {error}"),
        }
    }
}

impl std::error::Error for AssemblyError {}

/// Puts a machine together, every bus of it simulated.
///
/// # Errors
/// Where a simulated device or a drive cannot be built from its parameters.
pub fn assemble(config: &MachineConfig) -> Result<Assembly, AssemblyError> {
    let mut buses = Vec::new();
    let mut simulations = Vec::new();
    for bus in &config.buses {
        let simulated =
            SimulatedBus::new(&bus.simulation).map_err(|error| AssemblyError::Bus { bus: bus.name.clone(), error })?;
        simulations.push(simulated.control());
        buses.push(BusWiring {
            bus: Box::new(simulated),
            output_bytes: bus.output_bytes,
            input_bytes: bus.input_bytes,
            watch: bus.watch,
        });
    }
    let shape = Shape { axes: config.axes.len(), groups: config.groups.len(), buses: config.buses.len() };
    let (cycle_ends, ends) = open(shape);
    let cycle = Cycle::new(parameters(config), buses, cycle_ends).map_err(AssemblyError::Drive)?;
    Ok(Assembly { cycle, ends, simulations })
}

fn parameters(config: &MachineConfig) -> CycleParameters {
    let wiring = |axis: &crate::config::machine::AxisConfig| AxisWiring {
        bus: axis.bus,
        device: axis.device as u8,
        drive: axis.drive.clone(),
        supervision: axis.supervision,
        limit_switches: axis
            .drive_limit_switches
            .map(|bits| DriveLimitSwitches { negative_bit: bits.negative_bit, positive_bit: bits.positive_bit }),
    };
    CycleParameters {
        period_ns: config.period_ns,
        receive_deadline_ns: config.period_ns * RECEIVE_SHARE.0 / RECEIVE_SHARE.1,
        axes: config.axes.iter().map(wiring).collect(),
        motion_axes: config.axes.iter().map(|axis| axis.motion.clone()).collect(),
        groups: config.groups.iter().map(|group| group.motion.clone()).collect(),
        inputs: config.inputs.iter().map(|input| input.parameters).collect(),
        outputs: config.outputs.iter().map(|output| output.parameters).collect(),
        reactions: config
            .reactions
            .iter()
            .map(|rule| ReactionRule { fault: rule.fault, axes: rule.axes, reaction: rule.reaction })
            .collect(),
    }
}
