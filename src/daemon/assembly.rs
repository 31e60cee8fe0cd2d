//! From a checked configuration to a cycle that is ready to run, and the other ends of its exchange.

use super::device_desk::Desk;
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
use crate::fieldbus::aligned::{self, AlignedBus};
use crate::fieldbus::canopen;
use crate::fieldbus::canopen::figures::WireFigures;
use crate::fieldbus::canopen::restart::{Keeper, Netlink};
use crate::fieldbus::canopen::socket::SocketCan;
use crate::fieldbus::canopen::wire::CanWire;
use crate::fieldbus::ethercat;
use crate::fieldbus::ethercat::bring_up::{BringUpError, BroughtUp, bring_up};
use crate::fieldbus::ethercat::links::LinkTable;
use crate::fieldbus::ethercat::wire::Wire;
use crate::fieldbus::igh;
use crate::fieldbus::igh::error::IghError;
use crate::fieldbus::sim::{SimulatedBus, SimulatedBusError};
use crate::ids::AxisId;
use crate::simulation::control::SimulationControl;
use std::sync::Arc;
use std::{fmt, io};

/// A machine put together.
pub struct Assembly {
    /// To be run by the real-time thread.
    pub cycle: Cycle,
    /// The ends of the exchange that ordinary threads hold.
    pub ends: GatewayEnds,
    /// The handle of each simulated bus, in the order of the buses.
    pub simulations: Vec<SimulationControl>,
    /// The way to the objects of the devices of each bus.
    pub desks: Vec<Desk>,
    /// Who restarts the interface of each CAN bus, with the name of the bus and of its interface.
    pub can_keepers: Vec<(String, String, Keeper)>,
    /// What is known of the ports of the devices of each bus, likewise.
    pub links: Vec<Option<Arc<LinkTable>>>,
    /// What befalls the wire of each CAN bus, likewise, and how full it is by the configuration, 1 is full.
    pub wires: Vec<Option<(Arc<WireFigures>, f64)>>,
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
    /// The nodes of a CANopen bus are not as configured, or do not do what they are asked.
    Nodes {
        /// The bus.
        bus: String,
        /// What is wrong.
        error: canopen::bring_up::BringUpError,
    },
    /// A SocketCAN interface cannot be used.
    Can {
        /// The bus.
        bus: String,
        /// The interface.
        interface: String,
        /// Why.
        error: io::Error,
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
            AssemblyError::Interface { .. }
            | AssemblyError::BringUp { .. }
            | AssemblyError::Nodes { .. }
            | AssemblyError::Can { .. }
            | AssemblyError::Igh { .. } => Some(Fault::BusNotUp),
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
            AssemblyError::Nodes { bus, error } => write!(f, "bus \"{bus}\": {error}"),
            AssemblyError::Can { bus, interface, error } => {
                write!(f, "bus \"{bus}\": CAN interface \"{interface}\": {error}; {}", can_hint(error))
            }
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
        if bus.kind == BusKind::Canopen {
            return match SocketCan::open(interface) {
                Ok(socket) => Ok(BusWire::Can(Box::new(socket))),
                Err(error) => {
                    Err(AssemblyError::Can { bus: bus.name.clone(), interface: interface.to_string(), error })
                }
            };
        }
        let opened = interface::wire(interface, bus.redundant_interface.as_deref(), bus.socket);
        let opened = opened.map_err(|error| AssemblyError::Interface { bus: bus.name.clone(), error });
        opened.map(BusWire::Ethercat)
    })
}

/// What to do about a CAN interface that cannot be used.
fn can_hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ENODEV) => "`ip -brief link show type can` lists those that there are",
        Some(libc::EAFNOSUPPORT) => "this kernel has no CAN: load can_raw, or install a kernel that has it",
        Some(libc::EPERM | libc::EACCES) => "the unit must let it have AF_CAN",
        _ => "see `ip -details link show`",
    }
}

/// The wire of a bus.
pub enum BusWire {
    /// Of an EtherCAT bus.
    Ethercat(Box<dyn Wire>),
    /// Of a CAN bus.
    Can(Box<dyn CanWire>),
}

/// The same over wires of the caller's, one for each EtherCAT or CAN bus, of its kind.
///
/// # Errors
/// As [`assemble`], and those of `wire_of`.
///
/// # Panics
/// Where a wire is of another kind than its bus.
pub fn assemble_over(
    config: &MachineConfig,
    mut wire_of: impl FnMut(&BusConfig) -> Result<BusWire, AssemblyError>,
) -> Result<Assembly, AssemblyError> {
    let mut buses = Vec::new();
    let (mut simulations, mut can_keepers) = (Vec::new(), Vec::new());
    let (mut desks, mut links, mut wires) = (Vec::new(), Vec::new(), Vec::new());
    for bus in &config.buses {
        let mut wire_figures = None;
        let built: Box<dyn CyclicBus> = match bus.kind {
            BusKind::Ethercat if bus.master == BusMaster::Igh => {
                tracing::info!(bus = bus.name, devices = bus.devices.len(), "the kernel brings the bus up");
                let started = igh::start(bus.igh_master_index, &bus.segment(config.period_ns));
                let (built, desk) = started.map_err(|error| AssemblyError::Igh { bus: bus.name.clone(), error })?;
                desks.push(Desk::Kernel(desk));
                links.push(None);
                Box::new(built)
            }
            BusKind::Ethercat => {
                let BusWire::Ethercat(wire) = wire_of(bus)? else { panic!("a CAN wire for an EtherCAT bus") };
                let built = ethercat(bus, wire, config.period_ns)?;
                desks.push(Desk::Mailboxes(ethercat::object_desk::ObjectDesk::new(built.requests)));
                links.push(Some(built.links));
                Box::new(built.bus)
            }
            BusKind::Canopen => {
                let BusWire::Can(wire) = wire_of(bus)? else { panic!("an EtherCAT wire for a CAN bus") };
                tracing::info!(bus = bus.name, devices = bus.devices.len(), "bringing the bus up");
                let network = bus.network(config.period_ns);
                let built = canopen::bring_up::bring_up(wire, &network)
                    .map_err(|error| AssemblyError::Nodes { bus: bus.name.clone(), error })?;
                desks.push(Desk::Nodes(canopen::requests::ObjectDesk::new(built.requests)));
                links.push(None);
                let load = canopen::load::load(&network, bus.bit_rate.unwrap_or_default());
                wire_figures = Some((built.bus.figures(), load.share));
                let interface = bus.interface.clone().unwrap_or_default();
                let keeper = Keeper::new(Box::new(Netlink(interface.clone())), built.bus.off());
                can_keepers.push((bus.name.clone(), interface, keeper));
                Box::new(built.bus)
            }
            BusKind::Simulated => {
                let simulated = SimulatedBus::new(&bus.simulation)
                    .map_err(|error| AssemblyError::Bus { bus: bus.name.clone(), error })?;
                simulations.push(simulated.control());
                desks.push(Desk::Nothing);
                links.push(None);
                Box::new(simulated)
            }
        };
        wires.push(wire_figures);
        buses.push(BusWiring {
            bus: built,
            output_bytes: bus.output_bytes,
            input_bytes: bus.input_bytes,
            watch: bus.watch,
            tolerated_emergencies: bus.devices.iter().map(|device| device.tolerated_emergencies.clone()).collect(),
        });
    }
    align(config, &mut buses);
    let shape = Shape {
        axes: config.axes.len(),
        groups: config.groups.len(),
        buses: config.buses.len(),
        analogs: config.analog_inputs.len() + config.analog_outputs.len(),
    };
    let (cycle_ends, ends) = open(shape);
    let cycle = Cycle::new(config.cycle_parameters(), buses, cycle_ends).map_err(AssemblyError::Drive)?;
    Ok(Assembly { cycle, ends, simulations, desks, can_keepers, links, wires })
}

/// Has the outputs of faster buses wait for those of slower ones, where axes on both move together.
fn align(config: &MachineConfig, buses: &mut Vec<BusWiring>) {
    let delays: Vec<f64> = buses.iter().map(|wiring| wiring.bus.actuation_delay_periods()).collect();
    let fixed: Vec<Option<u32>> = config.buses.iter().map(|bus| bus.extra_delay).collect();
    let bus_of = |axis: &AxisId| config.axes[axis.index()].wiring.bus.index();
    let together: Vec<Vec<usize>> =
        config.groups.iter().map(|group| group.motion.axes.iter().map(bus_of).collect()).collect();
    let waits = aligned::waits(&delays, &fixed, &together);
    let align = |((wiring, cycles), bus): ((BusWiring, f64), &BusConfig)| {
        if cycles == 0.0 {
            return wiring;
        }
        tracing::info!(bus = bus.name, cycles, "outputs wait for those of a slower bus of the same group");
        let layouts = bus.devices.iter().map(|device| &device.layout);
        let bus = Box::new(AlignedBus::new(wiring.bus, layouts, wiring.output_bytes, cycles));
        BusWiring { bus, ..wiring }
    };
    *buses = std::mem::take(buses).into_iter().zip(waits).zip(&config.buses).map(align).collect();
}

fn ethercat(bus: &BusConfig, wire: Box<dyn Wire>, period_ns: u64) -> Result<BroughtUp, AssemblyError> {
    tracing::info!(bus = bus.name, devices = bus.devices.len(), "bringing the bus up");
    bring_up(wire, &bus.segment(period_ns)).map_err(|error| AssemblyError::BringUp { bus: bus.name.clone(), error })
}
