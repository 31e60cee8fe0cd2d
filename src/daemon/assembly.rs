//! From a checked configuration to a cycle that is ready to run, and the other ends of its exchange.

use crate::commissioning::interface::{self, InterfaceError};
use crate::config::MachineConfig;
use crate::config::machine::BusConfig;
use crate::config::schema::{BusKind, BusMaster};
use crate::cycle::{BusWiring, Cycle};
use crate::drive::ParameterError;
use crate::exchange::snapshot::Shape;
use crate::exchange::{GatewayEnds, open};
use crate::fault::Fault;
use crate::fieldbus::CyclicBus;
use crate::fieldbus::ethercat::bring_up::{BringUpError, BroughtUp, bring_up};
use crate::fieldbus::ethercat::links::LinkTable;
use crate::fieldbus::ethercat::object_desk::ObjectDesk;
use crate::fieldbus::ethercat::wire::Wire;
use crate::fieldbus::igh;
use crate::fieldbus::igh::desk::IghDesk;
use crate::fieldbus::igh::error::IghError;
use crate::fieldbus::sim::{SimulatedBus, SimulatedBusError};
use crate::simulation::control::SimulationControl;
use std::fmt;
use std::sync::Arc;

/// A machine put together.
pub struct Assembly {
    /// To be run by the real-time thread.
    pub cycle: Cycle,
    /// The ends of the exchange that ordinary threads hold.
    pub ends: GatewayEnds,
    /// The handle of each simulated bus, in the order of the buses.
    pub simulations: Vec<SimulationControl>,
    /// The way to the objects of the devices of each bus; `None` for one that is simulated in the daemon.
    pub desks: Vec<Option<ObjectDesk>>,
    /// The same by the kernel's master; `None` for a bus that has another one.
    pub kernel_desks: Vec<Option<IghDesk>>,
    /// What is known of the ports of the devices of each bus, likewise.
    pub links: Vec<Option<Arc<LinkTable>>>,
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
    /// A network interface cannot be used.
    Interface {
        /// The bus.
        bus: String,
        /// Why.
        error: InterfaceError,
    },
    /// The devices of a bus are not as configured, or do not do what they are asked.
    BringUp {
        /// The bus.
        bus: String,
        /// What is wrong.
        error: BringUpError,
    },
    /// The same, where the kernel's master has them.
    Igh {
        /// The bus.
        bus: String,
        /// What is wrong.
        error: IghError,
    },
    /// A drive's parameters do not fit together.
    Drive(ParameterError),
}

impl AssemblyError {
    /// The fault that it is; `None` where the configuration is wrong, and trying again is of no use.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            AssemblyError::Interface { .. } | AssemblyError::BringUp { .. } | AssemblyError::Igh { .. } => {
                Some(Fault::BusNotUp)
            }
            AssemblyError::Bus { .. } | AssemblyError::Drive(_) => None,
        }
    }
}

impl fmt::Display for AssemblyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fault) = self.fault() {
            write!(f, "fault {} {}: ", fault.code(), fault.name())?;
        }
        match self {
            AssemblyError::Bus { bus, error } => write!(f, "bus \"{bus}\": {error}"),
            AssemblyError::Interface { bus, error: error @ InterfaceError::NotPermitted } => {
                write!(f, "bus \"{bus}\": {error}; the unit must let it have that and AF_PACKET")
            }
            AssemblyError::Interface { bus, error } => write!(f, "bus \"{bus}\": {error}; {}", error.hint()),
            AssemblyError::BringUp { bus, error } => write!(f, "bus \"{bus}\": {error}"),
            AssemblyError::Igh { bus, error } => write!(f, "bus \"{bus}\": {error}"),
            AssemblyError::Drive(error) => write!(f, "a drive cannot be driven so: {error}"),
        }
    }
}

impl std::error::Error for AssemblyError {}

/// Puts a machine together. Where it has real buses, their devices are then operational and want to be exchanged with.
///
/// # Errors
/// Where a bus cannot be brought up, or a simulated device or a drive not be built from its parameters.
pub fn assemble(config: &MachineConfig) -> Result<Assembly, AssemblyError> {
    assemble_over(config, |bus| {
        let interface = bus.interface.as_deref().unwrap_or_default();
        let opened = interface::wire(interface, bus.redundant_interface.as_deref(), bus.socket);
        opened.map_err(|error| AssemblyError::Interface { bus: bus.name.clone(), error })
    })
}

/// The same over wires of the caller's, one for each EtherCAT bus.
///
/// # Errors
/// As [`assemble`], and those of `wire_of`.
pub fn assemble_over(
    config: &MachineConfig,
    mut wire_of: impl FnMut(&BusConfig) -> Result<Box<dyn Wire>, AssemblyError>,
) -> Result<Assembly, AssemblyError> {
    let mut buses = Vec::new();
    let mut simulations = Vec::new();
    let (mut desks, mut links) = (Vec::new(), Vec::new());
    let mut kernel_desks: Vec<Option<IghDesk>> = Vec::new();
    kernel_desks.resize_with(config.buses.len(), || None);
    for (bus, kernel_desk) in config.buses.iter().zip(&mut kernel_desks) {
        let built: Box<dyn CyclicBus> = match bus.kind {
            BusKind::Ethercat if bus.master == BusMaster::Igh => {
                tracing::info!(bus = bus.name, devices = bus.devices.len(), "the kernel brings the bus up");
                let started = igh::start(bus.igh_master_index, &bus.segment(config.period_ns));
                let (built, desk) = started.map_err(|error| AssemblyError::Igh { bus: bus.name.clone(), error })?;
                *kernel_desk = Some(desk);
                desks.push(None);
                links.push(None);
                Box::new(built)
            }
            BusKind::Ethercat => {
                let built = ethercat(bus, wire_of(bus)?, config.period_ns)?;
                desks.push(Some(ObjectDesk::new(built.requests)));
                links.push(Some(built.links));
                Box::new(built.bus)
            }
            BusKind::Simulated | BusKind::Canopen => {
                let simulated = SimulatedBus::new(&bus.simulation)
                    .map_err(|error| AssemblyError::Bus { bus: bus.name.clone(), error })?;
                simulations.push(simulated.control());
                desks.push(None);
                links.push(None);
                Box::new(simulated)
            }
        };
        buses.push(BusWiring {
            bus: built,
            output_bytes: bus.output_bytes,
            input_bytes: bus.input_bytes,
            watch: bus.watch,
            tolerated_emergencies: bus.devices.iter().map(|device| device.tolerated_emergencies.clone()).collect(),
        });
    }
    let shape = Shape {
        axes: config.axes.len(),
        groups: config.groups.len(),
        buses: config.buses.len(),
        analogs: config.analog_inputs.len() + config.analog_outputs.len(),
    };
    let (cycle_ends, ends) = open(shape);
    let cycle = Cycle::new(config.cycle_parameters(), buses, cycle_ends).map_err(AssemblyError::Drive)?;
    Ok(Assembly { cycle, ends, simulations, desks, kernel_desks, links })
}

fn ethercat(bus: &BusConfig, wire: Box<dyn Wire>, period_ns: u64) -> Result<BroughtUp, AssemblyError> {
    tracing::info!(bus = bus.name, devices = bus.devices.len(), "bringing the bus up");
    bring_up(wire, &bus.segment(period_ns)).map_err(|error| AssemblyError::BringUp { bus: bus.name.clone(), error })
}
