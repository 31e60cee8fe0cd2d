//! A machine whose configuration has been checked: everything the daemon builds it from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::{NotBuilt, Problem};
use super::load::parse_with;
use super::overlay::{Overrides, written};
use super::parameter::Parameter;
use super::profile::Profiles;
use super::schema::{BusKind, BusMaster, DeviceKind, RevisionWord};
use crate::cycle::bus_watch::BusWatchParameters;
use crate::cycle::machine_analogs::{AnalogOutputParameters, AnalogPlace};
use crate::cycle::machine_inputs::{InputParameters, OutputParameters};
use crate::cycle::{AxisFigures, AxisWiring, CycleParameters, ReactionRule};
use crate::drive::Mode;
use crate::fault::{Fault, Reaction};
use crate::fieldbus::canopen::plan::{NetworkParameters, NodeParameters};
use crate::fieldbus::ethercat::bring_up::{self, DeviceParameters, SegmentParameters};
use crate::fieldbus::ethercat::packet_socket::SocketOptions;
use crate::fieldbus::ethercat::synchronisation::Synchronisation;
use crate::fieldbus::identity::{ExpectedIdentity, RevisionPolicy};
use crate::fieldbus::igh;
use crate::fieldbus::mapping::DeviceLayout;
use crate::fieldbus::modes::AxisMode;
use crate::fieldbus::sdo::ObjectWrite;
use crate::fieldbus::sim::SimulatedBusParameters;
use crate::ids::AxisId;
use crate::kinematics::GroupTool;
use crate::motion::{AxisParameters, GroupParameters};
use crate::units::AxisUnit;

/// A machine that can be built.
#[derive(Clone, Debug)]
pub struct MachineConfig {
    /// Where it comes from.
    pub origin: Arc<Origin>,
    /// Its name.
    pub name: String,
    /// Time from one cycle to the next, nanoseconds.
    pub period_ns: u64,
    /// Time after the start of a cycle until which inputs are waited for, nanoseconds.
    pub receive_deadline_ns: u64,
    /// The real-time thread.
    pub realtime: RealtimeConfig,
    /// The control socket.
    pub control: ControlConfig,
    /// Where Prometheus is answered; `None` nowhere.
    pub metrics: Option<SocketAddr>,
    /// Buses; [`crate::ids::BusId`] counts them.
    pub buses: Vec<BusConfig>,
    /// Axes; [`AxisId`] counts them.
    pub axes: Vec<AxisConfig>,
    /// Groups; [`crate::ids::GroupId`] counts them.
    pub groups: Vec<GroupConfig>,
    /// Named digital inputs.
    pub inputs: Vec<InputConfig>,
    /// Named digital outputs.
    pub outputs: Vec<OutputConfig>,
    /// Named analogue inputs.
    pub analog_inputs: Vec<AnalogInputConfig>,
    /// Named analogue outputs.
    pub analog_outputs: Vec<AnalogOutputConfig>,
    /// Reactions that differ from [`Fault::reaction`]; the first that fits counts.
    pub reactions: Vec<ReactionRule>,
}

/// A configuration as it was read.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The file's name as given.
    pub file: String,
    /// Its text.
    pub text: String,
    /// Every key that holds, by name.
    pub parameters: Vec<Parameter>,
    /// The profiles that it names, as they were read.
    pub profiles: Profiles,
}

/// How the real-time thread runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealtimeConfig {
    /// What the file says about refusing to start without real-time rights; see [`MachineConfig::require_realtime`].
    pub require: Option<bool>,
    /// SCHED_FIFO priority.
    pub priority: u8,
    /// The CPU that it is pinned to.
    pub cpu: Option<usize>,
    /// Periods that may be skipped in a row.
    pub max_skipped_periods: u32,
    /// Keep all memory in RAM.
    pub lock_memory: bool,
    /// Keep the CPUs out of deep sleep.
    pub hold_cpu_latency: bool,
    /// Heap that is touched and kept, bytes.
    pub heap_reserve_bytes: usize,
    /// Busy waiting before each cycle, nanoseconds.
    pub spin_ns: u64,
}

/// The control socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlConfig {
    /// Where it is.
    pub socket: PathBuf,
    /// The user group that may use it; `None` is the group of the daemon's user.
    pub group: Option<String>,
    /// User groups whose members operate; `None` is the group that owns the socket.
    pub operate_groups: Option<Vec<String>>,
    /// User groups whose members commission; `None` is those that operate.
    pub commission_groups: Option<Vec<String>>,
    /// Whether there is an observe socket.
    pub observe: bool,
    /// Where that is; `None` is beside the control socket.
    pub observe_socket: Option<PathBuf>,
}

/// One bus.
#[derive(Clone, Debug)]
pub struct BusConfig {
    /// Its name.
    pub name: String,
    /// How it reaches its devices.
    pub kind: BusKind,
    /// Who looks after it, where it is EtherCAT.
    pub master: BusMaster,
    /// Which of the kernel's masters, where it is one of those.
    pub igh_master_index: u32,
    /// The network interface of a real bus, where that is not the kernel's matter.
    pub interface: Option<String>,
    /// The interface at the other end of its ring, where it is one.
    pub redundant_interface: Option<String>,
    /// How frames go through the interfaces of an EtherCAT bus.
    pub socket: SocketOptions,
    /// The speed of a CAN bus, bit/s.
    pub bit_rate: Option<u32>,
    /// The daemon's own node id on a CAN bus.
    pub master_node: u8,
    /// Cycles from one exchange to the next: more than one only on a CAN bus.
    pub divisor: u32,
    /// Cycles that its outputs wait; `None` is what aligns it with the other buses of its groups.
    pub extra_delay: Option<u32>,
    /// What its exchanges are held to.
    pub watch: BusWatchParameters,
    /// Its devices, in the order of the process image.
    pub devices: Vec<DeviceConfig>,
    /// Bytes of its outputs.
    pub output_bytes: usize,
    /// Bytes of its inputs.
    pub input_bytes: usize,
    /// The same bus inside the daemon, with a device that fits each axis and terminal.
    pub simulation: SimulatedBusParameters,
}

/// One device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceConfig {
    /// Its name, one of its bus.
    pub name: String,
    /// What it is.
    pub kind: DeviceKind,
    /// Where it is found.
    pub address: Address,
    /// The modes of its axes that are used, where it is a drive.
    pub modes: Vec<AxisMode>,
    /// What it must say it is.
    pub identity: Identity,
    /// Its process data are mapped: where not, the layout is what it has anyway.
    pub mapped: bool,
    /// How long a drive waits for the daemon before it stops by itself, milliseconds.
    pub watchdog_ms: u32,
    /// How often it sends its heartbeat, where its bus is CAN, milliseconds.
    pub heartbeat_ms: u16,
    /// How it is synchronised, where its bus has clocks.
    pub synchronisation: Synchronisation,
    /// Error codes of emergencies that stop nothing; one that ends in 00 stands for its class.
    pub tolerated_emergencies: Vec<u16>,
    /// Objects that it is given whenever it starts.
    pub startup: Vec<ObjectWrite>,
    /// Bits at the front of its inputs and of its outputs that are digital, where it is a terminal.
    pub digital_bits: [u32; 2],
    /// Its place in the process image of its bus.
    pub layout: DeviceLayout,
}

/// Where a device is found on its bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// By its place in the list (simulated buses).
    Listed,
    /// By its place on the wire, from 0.
    Position(u16),
    /// By its station alias.
    Alias(u16),
    /// By its CANopen node id.
    Node(u8),
}

/// What a device must say it is (1018h); `None` is not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// 1018h:1.
    pub vendor_id: Option<u32>,
    /// 1018h:2.
    pub product_code: Option<u32>,
    /// 1018h:3.
    pub revision: Option<u32>,
    /// How near to it.
    pub revision_policy: RevisionWord,
    /// 1018h:4.
    pub serial_number: Option<u32>,
}

/// One axis.
#[derive(Clone, Debug)]
pub struct AxisConfig {
    /// Its name.
    pub name: String,
    /// What it counts in, how far and fast it may move, when it is there.
    pub motion: AxisParameters,
    /// Its drive, where that is, and what its feedback is held to. `feedback_delay_periods` of the drive is what a
    /// simulated bus has, until the bus that is built says its own.
    pub wiring: AxisWiring,
}

/// One group.
#[derive(Clone, Debug)]
pub struct GroupConfig {
    /// Its name.
    pub name: String,
    /// What its path is measured in: millimetres as soon as one axis is linear.
    pub unit: AxisUnit,
    /// Its axes and the limits of its path.
    pub motion: GroupParameters,
    /// Its tool, where that has coordinates of its own.
    pub tool: Option<GroupTool>,
}

/// One named digital input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputConfig {
    /// Its name.
    pub name: String,
    /// Where it is and what it is for.
    pub parameters: InputParameters,
}

/// One named digital output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputConfig {
    /// Its name.
    pub name: String,
    /// Where it is and what it does on a fault.
    pub parameters: OutputParameters,
}

/// One named analogue input.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogInputConfig {
    /// Its name.
    pub name: String,
    /// What its values are in; empty where nobody says.
    pub unit: String,
    /// Where it is and what its numbers mean.
    pub parameters: AnalogPlace,
}

/// One named analogue output.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogOutputConfig {
    /// Its name.
    pub name: String,
    /// What its values are in; empty where nobody says.
    pub unit: String,
    /// Where it is, what it may be set to, and what is safe.
    pub parameters: AnalogOutputParameters,
}

impl Origin {
    /// What holds instead of the file's values, one sentence each.
    pub fn differences(&self) -> impl Iterator<Item = String> {
        self.parameters.iter().filter_map(|parameter| {
            let value = written(parameter.override_in_force()?);
            let configured = parameter.written.as_deref().unwrap_or("nothing");
            Some(format!("{} = {value}, configured is {configured}", parameter.name))
        })
    }
}

impl BusConfig {
    /// What an EtherCAT bus is brought up to. Only devices of such a bus have a position or an alias.
    pub fn segment(&self, period_ns: u64) -> SegmentParameters {
        let device = |device: &DeviceConfig| DeviceParameters {
            name: device.name.clone(),
            place: match device.address {
                Address::Alias(alias) => bring_up::Place::Alias(alias),
                Address::Position(position) => bring_up::Place::Position(position),
                Address::Listed | Address::Node(_) => bring_up::Place::Position(0),
            },
            modes: device.modes.clone(),
            identity: device.identity.expected(),
            layout: device.layout.clone(),
            mapped: device.mapped,
            watchdog_ms: device.watchdog_ms,
            synchronisation: device.synchronisation,
            startup: device.startup.clone(),
        };
        SegmentParameters { devices: self.devices.iter().map(device).collect(), period_ns }
    }
}

impl BusConfig {
    /// What a CANopen bus is brought up to. Only devices of such a bus have a node id.
    pub fn network(&self, period_ns: u64) -> NetworkParameters {
        let node = |device: &DeviceConfig| NodeParameters {
            name: device.name.clone(),
            node: if let Address::Node(node) = device.address { node } else { 0 },
            drive: device.kind == DeviceKind::Drive,
            modes: device.modes.clone(),
            identity: device.identity.expected(),
            layout: device.layout.clone(),
            mapped: device.mapped,
            watchdog_ms: device.watchdog_ms,
            heartbeat_ms: device.heartbeat_ms,
            startup: device.startup.clone(),
        };
        NetworkParameters {
            nodes: self.devices.iter().map(node).collect(),
            master: self.master_node,
            period_ns,
            divisor: self.divisor,
        }
    }
}

impl Identity {
    /// The same as a bus holds a device against it.
    fn expected(&self) -> ExpectedIdentity {
        ExpectedIdentity {
            vendor: self.vendor_id,
            product: self.product_code,
            revision: self.revision,
            revision_policy: match self.revision_policy {
                RevisionWord::Exact => RevisionPolicy::Exact,
                RevisionWord::AtLeast => RevisionPolicy::AtLeast,
                RevisionWord::Any => RevisionPolicy::Any,
            },
            serial: self.serial_number,
        }
    }
}

impl AxisConfig {
    /// What of an axis with other limits is more than its drive was given at start for a profile of its own.
    fn beyond_its_profile(&self, changed: &AxisConfig) -> Vec<Problem> {
        if self.wiring.drive.mode != Mode::Pp {
            return Vec::new();
        }
        let (given, wanted) = (self.motion.limits, changed.motion.limits);
        let symbol = self.motion.unit.symbol();
        let limits = [
            (format!("velocity-{symbol}-per-s"), given.velocity, wanted.velocity),
            (format!("acceleration-{symbol}-per-s2"), given.acceleration, wanted.acceleration),
        ];
        let beyond = limits.into_iter().filter(|(_, given, wanted)| wanted > given);
        let problem = |(key, given, wanted)| Problem {
            line: 0,
            overlaid: true,
            place: format!("axis \"{}\": limits.max-{key}", self.name),
            found: format!("{wanted}"),
            allowed: format!("up to {given}: so much the drive was given at start, for its own profile (mode pp)"),
        };
        beyond.map(problem).collect()
    }

    /// What of it can change while the machine runs.
    pub fn figures(&self) -> AxisFigures {
        let AxisWiring { drive, supervision, .. } = &self.wiring;
        AxisFigures {
            motion: self.motion.figures(),
            following_window: supervision.following_window,
            following_time_s: supervision.following_time_s,
            stale_cycles_tolerated: supervision.stale_cycles_tolerated,
            gains: drive.gains,
            torque_limit: drive.torque_limit,
        }
    }
}

impl MachineConfig {
    /// The machine of the same file with other overrides, checked as the file was and against what the drives were given at
    /// start; else everything that is wrong. Its
    /// buses stay what they are: a simulated motor is sized by the file, and no limit that is set later changes it.
    pub fn with_overrides(&self, overrides: &Overrides) -> Result<MachineConfig, Vec<Problem>> {
        let machine = parse_with(&self.origin.text, &self.origin.file, overrides, self.origin.profiles.clone())?;
        let beyond: Vec<Problem> = self
            .axes
            .iter()
            .zip(&machine.axes)
            .flat_map(|(at_start, axis)| at_start.beyond_its_profile(axis))
            .collect();
        if !beyond.is_empty() {
            return Err(beyond);
        }
        Ok(MachineConfig { buses: self.buses.clone(), ..machine })
    }

    /// What of an axis's parameters holds instead of the file's values, by name.
    pub fn overrides_of(&self, axis: &str) -> BTreeMap<String, f64> {
        let prefix = format!("axis.{axis}.");
        let of_axis = self.origin.parameters.iter().filter(|parameter| parameter.name.starts_with(&prefix));
        of_axis.filter_map(|parameter| Some((parameter.name.clone(), parameter.override_in_force()?))).collect()
    }

    /// The same machine with every bus simulated and a device that fits each axis and terminal.
    pub fn simulated(mut self) -> MachineConfig {
        for bus in &mut self.buses {
            bus.kind = BusKind::Simulated;
        }
        self
    }

    /// Whether to refuse to start without real-time rights: as configured, else with any real bus.
    pub fn require_realtime(&self) -> bool {
        self.realtime.require.unwrap_or_else(|| self.buses.iter().any(|bus| bus.kind != BusKind::Simulated))
    }

    /// Every bus is simulated.
    pub fn is_simulated(&self) -> bool {
        self.buses.iter().all(|bus| bus.kind == BusKind::Simulated)
    }

    /// Whether this version can run every bus.
    pub fn runnable(&self) -> Result<(), NotBuilt> {
        for bus in &self.buses {
            let name = || bus.name.clone();
            match bus.kind {
                BusKind::Ethercat if bus.master == BusMaster::Igh && !igh::BUILT => {
                    return Err(NotBuilt::Igh { bus: name() });
                }
                BusKind::Simulated | BusKind::Ethercat | BusKind::Canopen => {}
            }
        }
        Ok(())
    }

    /// What the cycle is made of, besides its buses.
    pub fn cycle_parameters(&self) -> CycleParameters {
        CycleParameters {
            period_ns: self.period_ns,
            receive_deadline_ns: self.receive_deadline_ns,
            axes: self.axes.iter().map(|axis| axis.wiring.clone()).collect(),
            motion_axes: self.axes.iter().map(|axis| axis.motion.clone()).collect(),
            groups: self.groups.iter().map(|group| group.motion.clone()).collect(),
            inputs: self.inputs.iter().map(|input| input.parameters).collect(),
            outputs: self.outputs.iter().map(|output| output.parameters).collect(),
            analog_inputs: self.analog_inputs.iter().map(|input| input.parameters).collect(),
            analog_outputs: self.analog_outputs.iter().map(|output| output.parameters).collect(),
            reactions: self.reactions.clone(),
        }
    }

    /// The machine in one line.
    pub fn summary(&self) -> String {
        let count = |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let devices = self.buses.iter().map(|bus| bus.devices.len()).sum();
        format!(
            "ok: {}, {}, {} with {}, {}, {}, period {} µs",
            count(self.axes.len(), "axis", "axes"),
            count(self.groups.len(), "group", "groups"),
            count(self.buses.len(), "bus", "buses"),
            count(devices, "device", "devices"),
            count(self.inputs.len(), "input", "inputs"),
            count(self.outputs.len(), "output", "outputs"),
            self.period_ns / 1000,
        )
    }

    /// What a fault does, `axis` being the one that it concerns.
    pub fn reaction(&self, fault: Fault, axis: Option<AxisId>) -> Reaction {
        let concerns = |reaction: &&ReactionRule| {
            reaction.fault == fault && axis.is_none_or(|axis| reaction.axes >> axis.0 & 1 != 0)
        };
        self.reactions.iter().find(concerns).map_or(fault.reaction(), |reaction| reaction.reaction)
    }
}
