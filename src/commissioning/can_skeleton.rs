//! A configuration to start from for the nodes of a CANopen bus, as [`super::skeleton`] is for the devices of an EtherCAT segment.

use std::fmt::Write;

use super::node_facts::{MOST_BYTES, NodeFacts, Pdos};
use super::nodes::FoundNode;
use super::skeleton::{AxisPlace, write_axis, write_end, write_head};
use super::survey::DriveFacts;
use super::wording::{MARK, plain};
use crate::fieldbus::canopen::load::load;
use crate::fieldbus::canopen::plan::{NetworkParameters, NodeParameters};
use crate::fieldbus::identity::ExpectedIdentity;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
use crate::limits::{MAX_AXES, MAX_BUS_DEVICES};

/// What is taken for a bit rate that nobody tells, kbit/s: most drives are delivered with it or with half of it.
const USUAL_KBIT_PER_S: u32 = 1000;
/// How full the wire may be unless it is told otherwise (`max-load-percent`).
const MOST_LOAD: f64 = 0.8;
/// Cycles, in µs, and cycles from one SYNC to the next that are tried, the fastest first.
/// A watchdog must bear the exchanges that may be lost, so that none is slower than 20 ms.
const PACES: [(u32, u32); 6] = [(1000, 1), (1000, 2), (1000, 4), (2000, 4), (5000, 2), (5000, 4)];
/// Bytes that a drive gets, and gives, in a PDO for each of its axes: control or status, mode, position.
const DRIVE_BYTES: usize = 7;
/// As a device is configured where nothing else is said.
const WATCHDOG_MS: u32 = 100;
const HEARTBEAT_MS: u16 = 50;

/// The text of a configuration for these nodes on this interface, with its bit rate in bit/s where it tells that.
pub fn can_skeleton(nodes: &[(FoundNode, NodeFacts)], interface: &str, bit_rate: Option<u32>) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, &nodes[..nodes.len().min(MAX_BUS_DEVICES)], interface, bit_rate);
    text
}

fn name(node: &FoundNode) -> String {
    format!("{}-{}", node.what(), node.node)
}

fn is_drive(node: &FoundNode) -> bool {
    node.what() == "drive"
}

fn write(
    out: &mut String,
    nodes: &[(FoundNode, NodeFacts)],
    interface: &str,
    bit_rate: Option<u32>,
) -> std::fmt::Result {
    let kbit_per_s = bit_rate.map(|rate| rate / 1000);
    let pace = pace(nodes, kbit_per_s.unwrap_or(USUAL_KBIT_PER_S));
    let (period_us, divisor) = pace.unwrap_or(PACES[PACES.len() - 1]);
    write_head(out, interface, period_us)?;
    writeln!(out, "kind = \"canopen\"")?;
    writeln!(out, "interface = {interface:?}")?;
    match kbit_per_s {
        Some(rate) => writeln!(out, "bit-rate-kbit-per-s = {rate}")?,
        None => writeln!(
            out,
            "bit-rate-kbit-per-s = {USUAL_KBIT_PER_S} {MARK} the interface does not tell its bit rate; what fits it depends on it"
        )?,
    }
    if divisor > 1 {
        writeln!(out, "cycles-per-sync = {divisor} # as fast as the wire carries all of them")?;
    }
    if pace.is_none() {
        writeln!(out, "{MARK} these nodes are more than one wire carries: divide them among two")?;
    }
    for (node, facts) in nodes {
        write_node(out, node, facts)?;
    }
    let drives = || nodes.iter().filter(|(node, _)| is_drive(node));
    let axes = drives().flat_map(|(node, facts)| (0..facts.axes.len().max(1)).map(move |axis| (node, facts, axis)));
    for (node, facts, axis) in axes.take(MAX_AXES) {
        let place =
            AxisPlace { number: node.node.into(), device: &name(node), axis: axis as u8, axes: facts.axes.len() };
        write_axis(out, &place, &facts.axes.get(axis).copied().unwrap_or_else(DriveFacts::default))?;
    }
    if drives().next().is_none() {
        write_end(out)?;
    }
    Ok(())
}

fn write_node(out: &mut String, node: &FoundNode, facts: &NodeFacts) -> std::fmt::Result {
    let [vendor, product, revision, serial] = node.identity;
    writeln!(out)?;
    let told = node.name.as_deref().map_or_else(|| "a node without a name".to_string(), plain);
    let serial = serial.map_or(String::new(), |serial| format!(", serial number {serial}"));
    writeln!(out, "# {told}{serial}")?;
    if let Some(why) = &facts.failed {
        writeln!(out, "{MARK} it did not tell everything: {}", plain(&why.to_string()))?;
    }
    for (way, Pdos { count, mapped }) in ["to it", "from it"].into_iter().zip(&facts.pdos) {
        let entries: Vec<String> =
            mapped.iter().map(|(index, subindex, bits)| format!("{index:04X}:{subindex:02X}:{bits}")).collect();
        let mapped = if entries.is_empty() { "nothing".to_string() } else { entries.join(" ") };
        writeln!(out, "# PDOs {way}: {count}, mapped now: {mapped}")?;
        if *count == 0 && facts.failed.is_none() && node.what() == "drive" {
            writeln!(out, "{MARK} it has no PDO {way}, so that it cannot exchange")?;
        }
    }
    if !matches!(node.what(), "drive" | "terminal") {
        let profile = node.device_type & 0xFFFF;
        writeln!(out, "{MARK} node {} has profile {profile}, and is neither drive nor terminal: left out", node.node)?;
        return Ok(());
    }
    writeln!(out, "[[bus.device]]")?;
    writeln!(out, "name = \"{}\"", name(node))?;
    if !is_drive(node) {
        writeln!(out, "kind = \"terminal\"")?;
    }
    writeln!(out, "node-id = {}", node.node)?;
    for (key, number) in [("vendor-id", vendor), ("product-code", product), ("revision", revision)] {
        if let Some(number) = number {
            writeln!(out, "{key} = {number:#010x}")?;
        }
    }
    if is_drive(node) {
        return Ok(());
    }
    for ((key, object), bytes) in
        [("digital-inputs", "6000h"), ("digital-outputs", "6200h")].into_iter().zip(facts.digital)
    {
        if bytes == MOST_BYTES {
            writeln!(
                out,
                "{key} = {} {MARK} it may have more ({object}), and this is all that there can be",
                8 * bytes
            )?;
        } else if bytes > 0 {
            writeln!(out, "{key} = {}", 8 * bytes)?;
        }
    }
    if facts.digital == [0, 0] {
        writeln!(out, "digital-inputs = 8 {MARK} it tells of no digital inputs and outputs (6000h, 6200h)")?;
    }
    for ((what, object), count) in
        [("inputs", "6401h"), ("outputs", "6411h")].into_iter().zip(facts.analog).filter(|(_, count)| *count > 0)
    {
        writeln!(
            out,
            "{MARK} it has {count} analogue {what} ({object}), which pdo-{what} and [[analog-{}]] take in",
            &what[..what.len() - 1]
        )?;
    }
    Ok(())
}

/// The fastest pace at which the wire carries what these nodes exchange.
fn pace(nodes: &[(FoundNode, NodeFacts)], kbit_per_s: u32) -> Option<(u32, u32)> {
    // Only how long the PDOs are counts here.
    let bytes = |count: usize| vec![PdoEntry { index: 0, subindex: 0, bits: 8 }; count];
    let parameters = |(node, facts): &(FoundNode, NodeFacts)| {
        let axes = facts.axes.len().max(1);
        let [inputs, outputs] = if is_drive(node) {
            [DRIVE_BYTES * axes; 2]
        } else {
            let [inputs, outputs] = facts.digital.map(usize::from);
            [inputs.max(1), outputs]
        };
        NodeParameters {
            name: name(node),
            node: node.node,
            drive: is_drive(node),
            modes: Vec::new(),
            identity: ExpectedIdentity::default(),
            layout: DeviceLayout { output_offset: 0, outputs: bytes(outputs), input_offset: 0, inputs: bytes(inputs) },
            mapped: true,
            watchdog_ms: WATCHDOG_MS,
            heartbeat_ms: HEARTBEAT_MS,
            startup: Vec::new(),
        }
    };
    let known = nodes.iter().filter(|(node, _)| matches!(node.what(), "drive" | "terminal"));
    let nodes: Vec<NodeParameters> = known.map(parameters).collect();
    PACES.into_iter().find(|(period_us, divisor)| {
        let period_ns = u64::from(*period_us) * 1000;
        let load = load(
            &NetworkParameters { nodes: nodes.clone(), master: 127, period_ns, divisor: *divisor },
            1000 * kbit_per_s,
        );
        load.share <= MOST_LOAD && load.has_room()
    })
}
