//! From a checked configuration to a cycle that is ready to run, and the other ends of its exchange.

use crate::config::MachineConfig;
use crate::cycle::{BusWiring, Cycle};
use crate::drive::ParameterError;
use crate::exchange::snapshot::Shape;
use crate::exchange::{GatewayEnds, open};
use crate::fieldbus::sim::{SimulatedBus, SimulatedBusError};
use crate::simulation::control::SimulationControl;
use std::fmt;

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
    let cycle = Cycle::new(config.cycle_parameters(), buses, cycle_ends).map_err(AssemblyError::Drive)?;
    Ok(Assembly { cycle, ends, simulations })
}
