//! What the machine is: the names, units and limits behind the numbers of the exchange.

use super::in_force::InForce;
use crate::ids::{AxisId, BusId, GroupId};
use crate::kinematics::GroupTool;
use crate::motion::Limits;
use crate::units::AxisUnit;

/// A machine, as it is described to people and programs. Never changes while the daemon runs.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineDescription {
    /// Its name.
    pub name: String,
    /// Differs between two runs of the daemon: handles, tokens, times and stop generations belong to one.
    pub boot_id: String,
    /// Time from one cycle to the next, nanoseconds.
    pub period_ns: u64,
    /// Every bus is simulated.
    pub simulated: bool,
    /// Axes; [`AxisId`] counts them.
    pub axes: Vec<AxisDescription>,
    /// Groups; [`GroupId`] counts them.
    pub groups: Vec<GroupDescription>,
    /// Names of the buses; [`BusId`] counts them.
    pub buses: Vec<String>,
    /// Names of the devices of each bus, in the order of their bits.
    pub devices: Vec<Vec<String>>,
    /// Names of the digital inputs, in the order of their bits.
    pub inputs: Vec<String>,
    /// Names of the digital outputs, in the order of their bits.
    pub outputs: Vec<String>,
    /// Analogue inputs, in the order of [`crate::exchange::snapshot::Snapshot::analogs`].
    pub analog_inputs: Vec<AnalogDescription>,
    /// Analogue outputs, which follow them there.
    pub analog_outputs: Vec<AnalogDescription>,
}

/// One analogue input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogDescription {
    /// Its name.
    pub name: String,
    /// What its values are in; empty where nobody said.
    pub unit: String,
    /// The lowest and the highest value that there can be.
    pub range: (f64, f64),
}

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisDescription {
    /// Its name.
    pub name: String,
    /// What it counts in.
    pub unit: AxisUnit,
    /// The parameters that it started with; [`super::Client::in_force`] has those of now.
    pub at_start: InForce,
    /// Length of the modulo range, axis units.
    pub modulo: Option<f64>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupDescription {
    /// Its name.
    pub name: String,
    /// What its path is measured in.
    pub unit: AxisUnit,
    /// Its axes, in the order of targets.
    pub axes: Vec<AxisId>,
    /// Highest magnitudes of the tool along a path, and along a straight line.
    pub path_limits: Limits,
    /// The tool, where it has coordinates of its own.
    pub tool: Option<GroupTool>,
}

impl MachineDescription {
    /// The name of a device, by its place on its bus.
    pub fn device(&self, bus: BusId, device: u8) -> Option<&str> {
        self.devices.get(bus.index())?.get(usize::from(device)).map(String::as_str)
    }

    /// Between which devices a ring is broken; `None` stands for the interface at that end.
    pub fn ring_gap(&self, bus: BusId, before: Option<u8>, behind: Option<u8>) -> String {
        let name = |device: Option<u8>, end| device.map_or(end, |device| self.device(bus, device).unwrap_or_default());
        format!("between {} and {}", name(before, "the interface"), name(behind, "the redundant interface"))
    }

    /// The axis of this name.
    pub fn axis(&self, name: &str) -> Option<AxisId> {
        self.axes.iter().position(|axis| axis.name == name).map(|place| AxisId(place as u8))
    }

    /// The group of this name.
    pub fn group(&self, name: &str) -> Option<GroupId> {
        self.groups.iter().position(|group| group.name == name).map(|place| GroupId(place as u8))
    }

    /// The bus of this name.
    pub fn bus(&self, name: &str) -> Option<BusId> {
        self.buses.iter().position(|bus| bus == name).map(|place| BusId(place as u8))
    }

    /// The digital output of this name.
    pub fn output(&self, name: &str) -> Option<u8> {
        self.outputs.iter().position(|output| output == name).map(|place| place as u8)
    }

    /// The analogue output of this name.
    pub fn analog_output(&self, name: &str) -> Option<u8> {
        self.analog_outputs.iter().position(|output| output.name == name).map(|place| place as u8)
    }

    /// The axes of a group, one bit each; none for a group that there is not.
    pub(super) fn members(&self, group: GroupId) -> u64 {
        self.groups.get(group.index()).map_or(0, |group| group.axes.iter().map(|axis| 1 << axis.0).sum())
    }
}

/// A name for this run of the daemon: the kernel's random UUID, or time and process where /proc is not there.
pub fn boot_id() -> String {
    match std::fs::read_to_string("/proc/sys/kernel/random/uuid") {
        Ok(uuid) => uuid.trim().to_string(),
        Err(_) => {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            format!("{:x}-{:x}", since.as_nanos(), std::process::id())
        }
    }
}
