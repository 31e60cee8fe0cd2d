//! What it takes to make one node operational: known from the configuration, carried out by [`super::attendant`].

use super::connection::{EMERGENCY, PDOS, RECEIVE_PDO, SYNC, TRANSMIT_PDO, identifier, pdo};
use super::frame::MAX_FRAME_BYTES;
use crate::fieldbus::identity::{ExpectedIdentity, RevisionPolicy};
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry, axis_object, place};
use crate::fieldbus::modes::{AxisMode, PROFILE_POSITION, SUPPORTED_MODES, interpolation_time};
use crate::fieldbus::sdo::{Address, ObjectWrite};

// Communication objects (CiA 301).
const DEVICE_TYPE: u16 = 0x1000;
const SYNC_IDENTIFIER: u16 = 0x1005;
const SYNC_PERIOD: u16 = 0x1006;
const GUARD_TIME: u16 = 0x100C;
const LIFE_TIME_FACTOR: u16 = 0x100D;
const EMERGENCY_IDENTIFIER: u16 = 0x1014;
const HEARTBEAT_CONSUMER: u16 = 0x1016;
const HEARTBEAT_PRODUCER: u16 = 0x1017;
const IDENTITY: u16 = 0x1018;
const RECEIVE_PARAMETERS: u16 = 0x1400;
const RECEIVE_MAPPING: u16 = 0x1600;
const TRANSMIT_PARAMETERS: u16 = 0x1800;
const TRANSMIT_MAPPING: u16 = 0x1A00;
// Objects of a drive (CiA 402-2).
const ABORT_CONNECTION: u16 = 0x6007;
const INTERPOLATION_METHOD: u16 = 0x60C0;
const INTERPOLATION_DATA: u16 = 0x60C1;
const INTERPOLATION_TIME: u16 = 0x60C2;
const TARGET_POSITION: u16 = 0x607A;

/// The PDO is off.
const OFF: u32 = 1 << 31;
/// It is not asked for by remote frames.
const NOT_REMOTE: u32 = 1 << 30;
/// A transmission type: with each SYNC.
const WITH_EACH_SYNC: u8 = 1;
/// What an enabled drive does when it misses its master: a quick stop.
const QUICK_STOP: u16 = 3;
/// CiA 402, in the lower half of 1000h.
const DRIVE_PROFILE: u16 = 402;

/// One node as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeParameters {
    /// Its name.
    pub name: String,
    /// Its node id, 1 to 127.
    pub node: u8,
    /// It is a drive (CiA 402).
    pub drive: bool,
    /// The modes of its axes that are used.
    pub modes: Vec<AxisMode>,
    /// What it must be.
    pub identity: ExpectedIdentity,
    /// Its part of the process images.
    pub layout: DeviceLayout,
    /// Its PDOs can be mapped, and are: where not, the layout is what it has anyway.
    pub mapped: bool,
    /// How long it goes on without a heartbeat of the master's, milliseconds.
    pub watchdog_ms: u32,
    /// How often it sends its own, milliseconds.
    pub heartbeat_ms: u16,
    /// Objects that it is given behind its mapping, whenever it starts.
    pub startup: Vec<ObjectWrite>,
}

/// A bus as it is configured.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkParameters {
    /// Its nodes, in the order of the configuration: bit `n` of a report is `nodes[n]`.
    pub nodes: Vec<NodeParameters>,
    /// The master's own node id, under which it sends its heartbeat.
    pub master: u8,
    /// Time from one cycle to the next, nanoseconds.
    pub period_ns: u64,
    /// Cycles from one SYNC to the next.
    pub divisor: u32,
}

impl NetworkParameters {
    /// Time from one SYNC to the next, nanoseconds.
    pub fn sync_period_ns(&self) -> u64 {
        self.period_ns * u64::from(self.divisor.max(1))
    }
}

/// What may differ in a number that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// Nothing.
    Exactly,
    /// It may be larger.
    AtLeast,
    /// Only its lower half is looked at.
    LowerHalf,
}

impl Allowed {
    /// Whether a number is as it should be.
    pub fn fits(self, expected: u32, found: u32) -> bool {
        match self {
            Allowed::Exactly => found == expected,
            Allowed::AtLeast => found >= expected,
            Allowed::LowerHalf => found & 0xFFFF == expected & 0xFFFF,
        }
    }
}

/// How much a write matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A node that refuses it cannot be used.
    Needed,
    /// A node may do without the object.
    Optional,
    /// The heartbeat that a node sends: one that has none is guarded.
    Heartbeat,
    /// Only for a node that is guarded.
    WhereGuarded,
    /// Only for a node that is not guarded.
    WhereNotGuarded,
}

/// One thing to do, by SDO.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Hold an object against what it must be.
    Check {
        /// Which.
        address: Address,
        /// What it is.
        what: &'static str,
        /// What must stand there.
        expected: u32,
        /// What may differ.
        allowed: Allowed,
    },
    /// Hold a mode against those that the drive lists.
    Mode(AxisMode),
    /// Write an object.
    Write {
        /// Which, and what.
        write: ObjectWrite,
        /// How much it matters.
        need: Need,
    },
}

impl Task {
    /// The object that it is about.
    pub fn address(&self) -> Address {
        match self {
            Task::Check { address, .. } => *address,
            Task::Mode(wanted) => Address::entry(axis_object(SUPPORTED_MODES, wanted.axis), 0),
            Task::Write { write, .. } => write.address,
        }
    }
}

/// How one node is made operational.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its node id.
    pub node: u8,
    /// From boot-up to Operational.
    pub tasks: Box<[Task]>,
    /// How long it may be silent, nanoseconds.
    pub patience_ns: u64,
}

/// A node misses its time when it is silent for so many of its heartbeats.
const HEARTBEATS_MISSED: u64 = 3;

impl Plan {
    /// Of a node.
    pub fn of(node: &NodeParameters, network: &NetworkParameters) -> Plan {
        Plan {
            node: node.node,
            tasks: tasks(node, network).into(),
            patience_ns: HEARTBEATS_MISSED * u64::from(node.heartbeat_ms) * 1_000_000,
        }
    }
}

fn tasks(node: &NodeParameters, network: &NetworkParameters) -> Vec<Task> {
    let mut tasks = checks(node);
    let write = |index, subindex, value: &[u8], need| Task::Write {
        write: ObjectWrite { address: Address::entry(index, subindex), value: value.into() },
        need,
    };
    let consumer = u32::from(network.master) << 16 | node.watchdog_ms.min(u32::from(u16::MAX));
    let need = if node.drive { Need::WhereNotGuarded } else { Need::Optional };
    // Life guarding ends after two guard times.
    let guard_ms = (node.watchdog_ms / 2).clamp(1, u32::from(u16::MAX)) as u16;
    let period_us = (network.sync_period_ns() / 1000).min(u64::from(u32::MAX)) as u32;
    let emergency = u32::from(identifier(EMERGENCY, node.node));
    tasks.extend([
        write(HEARTBEAT_PRODUCER, 0, &node.heartbeat_ms.to_le_bytes(), Need::Heartbeat),
        write(GUARD_TIME, 0, &guard_ms.to_le_bytes(), Need::WhereGuarded),
        write(LIFE_TIME_FACTOR, 0, &[2], Need::WhereGuarded),
        write(HEARTBEAT_CONSUMER, 1, &consumer.to_le_bytes(), need),
        write(EMERGENCY_IDENTIFIER, 0, &emergency.to_le_bytes(), Need::Optional),
        write(SYNC_IDENTIFIER, 0, &u32::from(SYNC).to_le_bytes(), Need::Optional),
        write(SYNC_PERIOD, 0, &period_us.to_le_bytes(), Need::Optional),
    ]);
    let layout = &node.layout;
    let ways = [
        (RECEIVE_PARAMETERS, RECEIVE_MAPPING, RECEIVE_PDO, &layout.outputs, 0),
        (TRANSMIT_PARAMETERS, TRANSMIT_MAPPING, TRANSMIT_PDO, &layout.inputs, NOT_REMOTE),
    ];
    for (parameters, mapping, service, entries, flags) in ways {
        let pdos = pdos(entries);
        for number in 0..PDOS {
            let cob = u32::from(pdo(service, number, node.node)) | flags;
            let (parameters, mapping) = (parameters + number as u16, mapping + number as u16);
            let Some(entries) = pdos.get(number) else {
                tasks.push(write(parameters, 1, &(cob | OFF).to_le_bytes(), Need::Optional));
                continue;
            };
            tasks.push(write(parameters, 1, &(cob | OFF).to_le_bytes(), Need::Needed));
            tasks.push(write(parameters, 2, &[WITH_EACH_SYNC], Need::Needed));
            if node.mapped {
                tasks.push(write(mapping, 0, &[0], Need::Needed));
                for (place, entry) in entries.iter().enumerate() {
                    let PdoEntry { index, subindex, bits } = *entry;
                    let mapped = u32::from(index) << 16 | u32::from(subindex) << 8 | u32::from(bits);
                    tasks.push(write(mapping, place as u8 + 1, &mapped.to_le_bytes(), Need::Needed));
                }
                tasks.push(write(mapping, 0, &[entries.len() as u8], Need::Needed));
            }
            tasks.push(write(parameters, 1, &cob.to_le_bytes(), Need::Needed));
        }
    }
    let (value, exponent) = interpolation_time(network.sync_period_ns());
    for axis in axes(node) {
        let write = |index, subindex, value: &[u8], need| write(axis_object(index, axis), subindex, value, need);
        let maps = |index, subindex| place(&layout.outputs, axis_object(index, axis), subindex).is_some();
        tasks.push(write(ABORT_CONNECTION, 0, &QUICK_STOP.to_le_bytes(), Need::Optional));
        if maps(INTERPOLATION_DATA, 1) {
            // In a straight line; a drive that knows no other need not have it.
            tasks.push(write(INTERPOLATION_METHOD, 0, &0_i16.to_le_bytes(), Need::Optional));
        }
        let profile = node.modes.contains(&AxisMode { axis, mode: PROFILE_POSITION });
        let positions = maps(TARGET_POSITION, 0) || maps(INTERPOLATION_DATA, 1);
        let need = if positions && !profile { Need::Needed } else { Need::Optional };
        tasks.push(write(INTERPOLATION_TIME, 1, &[value], need));
        tasks.push(write(INTERPOLATION_TIME, 2, &exponent.to_le_bytes(), need));
    }
    tasks.extend(node.startup.iter().map(|write| Task::Write { write: write.clone(), need: Need::Needed }));
    tasks
}

/// The axes of a drive that are exchanged, the first where none is.
fn axes(node: &NodeParameters) -> Vec<u8> {
    if !node.drive {
        return Vec::new();
    }
    let mut axes: Vec<u8> = node.layout.outputs.iter().filter_map(PdoEntry::axis).collect();
    axes.sort_unstable();
    axes.dedup();
    if axes.is_empty() { vec![0] } else { axes }
}

fn checks(node: &NodeParameters) -> Vec<Task> {
    let mut checks = Vec::new();
    let mut check = |index, subindex, what, expected: Option<u32>, allowed| {
        let address = Address::entry(index, subindex);
        checks.extend(expected.map(|expected| Task::Check { address, what, expected, allowed }));
    };
    let ExpectedIdentity { vendor, product, revision, revision_policy, serial } = node.identity;
    let profile = node.drive.then_some(u32::from(DRIVE_PROFILE));
    check(DEVICE_TYPE, 0, "device profile", profile, Allowed::LowerHalf);
    check(IDENTITY, 1, "vendor id", vendor, Allowed::Exactly);
    check(IDENTITY, 2, "product code", product, Allowed::Exactly);
    match revision_policy {
        RevisionPolicy::Exact => check(IDENTITY, 3, "revision", revision, Allowed::Exactly),
        RevisionPolicy::AtLeast => check(IDENTITY, 3, "revision", revision, Allowed::AtLeast),
        RevisionPolicy::Any => {}
    }
    check(IDENTITY, 4, "serial number", serial, Allowed::Exactly);
    checks.extend(node.modes.iter().copied().map(Task::Mode));
    checks
}

/// The PDOs that hold these entries in their order, each as many as fit.
pub fn pdos(entries: &[PdoEntry]) -> Vec<&[PdoEntry]> {
    let mut pdos = Vec::new();
    let (mut first, mut bytes) = (0, 0);
    for (place, entry) in entries.iter().enumerate() {
        let length = usize::from(entry.bits / 8);
        if bytes + length > MAX_FRAME_BYTES && place > first {
            pdos.push(&entries[first..place]);
            (first, bytes) = (place, 0);
        }
        bytes += length;
    }
    if first < entries.len() {
        pdos.push(&entries[first..]);
    }
    pdos
}

/// Bytes of a PDO.
pub fn bytes_of(entries: &[PdoEntry]) -> usize {
    entries.iter().map(|entry| usize::from(entry.bits / 8)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(index: u16, bits: u8) -> PdoEntry {
        PdoEntry { index, subindex: 0, bits }
    }

    #[test]
    fn entries_fill_one_pdo_after_the_other() {
        let entries = [entry(0x6040, 16), entry(0x6060, 8), entry(0x607A, 32), entry(0x60B1, 32), entry(0x60B2, 16)];
        let found = pdos(&entries);
        assert_eq!(found, [&entries[..3], &entries[3..]]);
        assert_eq!(found.iter().map(|pdo| bytes_of(pdo)).collect::<Vec<_>>(), [7, 6]);
        assert!(pdos(&[]).is_empty());
    }

    #[test]
    fn a_pdo_is_off_while_it_is_mapped() {
        let layout = DeviceLayout {
            output_offset: 0,
            outputs: vec![entry(0x6040, 16), entry(0x6060, 8), entry(0x607A, 32)],
            input_offset: 0,
            inputs: vec![entry(0x6041, 16)],
        };
        let node = NodeParameters {
            name: "x".into(),
            node: 5,
            drive: true,
            modes: Vec::new(),
            identity: ExpectedIdentity { vendor: Some(7), ..ExpectedIdentity::default() },
            layout,
            mapped: true,
            watchdog_ms: 100,
            heartbeat_ms: 50,
            startup: Vec::new(),
        };
        let network = NetworkParameters { nodes: vec![node.clone()], master: 127, period_ns: 1_000_000, divisor: 4 };
        let plan = Plan::of(&node, &network);
        assert_eq!(plan.patience_ns, 150_000_000);
        let written = |wanted: u16| -> Vec<Vec<u8>> {
            let writes = plan.tasks.iter().filter_map(|task| match task {
                Task::Write { write, .. } if write.address.index == wanted => Some(write.value.to_vec()),
                _ => None,
            });
            writes.collect()
        };
        assert_eq!(written(0x1400), [vec![5, 2, 0, 0x80], vec![1], vec![5, 2, 0, 0]]);
        assert_eq!(
            written(0x1600),
            [vec![0], vec![16, 0, 0x40, 0x60], vec![8, 0, 0x60, 0x60], vec![32, 0, 0x7A, 0x60], vec![3]]
        );
        assert_eq!(written(0x1801), [vec![0x85, 2, 0, 0xC0]]);
        assert_eq!(written(0x1016), [vec![100, 0, 127, 0]]);
        assert_eq!(written(0x60C2), [vec![4], vec![0xFD]]);
        assert_eq!(written(0x1006), [4000_u32.to_le_bytes().to_vec()]);
    }
}
