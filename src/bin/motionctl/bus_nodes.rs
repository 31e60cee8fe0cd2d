//! `motionctl bus scan` on a CAN interface.

use motiond::commissioning::can_skeleton::can_skeleton;
use motiond::commissioning::node_facts::facts;
use motiond::commissioning::nodes::{FoundNode, SurveyError, survey};
use motiond::fieldbus::canopen::restart::Netlink;
use motiond::fieldbus::canopen::socket::SocketCan;
use serde_json::{Value, json};

use crate::shell::print_line;
use crate::table::table;

/// ARPHRD_CAN (linux/if_arp.h).
const CAN_HARDWARE: &str = "280";

/// It is a CAN interface.
pub fn is_can(interface: &str) -> bool {
    let kind = std::fs::read_to_string(format!("/sys/class/net/{interface}/type"));
    kind.is_ok_and(|kind| kind.trim() == CAN_HARDWARE)
}

/// The nodes, and the wire on which they are; else why not.
pub fn scan(interface: &str) -> Result<(SocketCan, Vec<FoundNode>), String> {
    let mut wire = SocketCan::open(interface).map_err(|error| format!("CAN interface {interface}: {error}"))?;
    let nodes = survey(&mut wire).map_err(|error: SurveyError| format!("CAN interface {interface}: {error}"))?;
    Ok((wire, nodes))
}

/// Shows the nodes.
pub fn show(interface: &str, nodes: &[FoundNode], as_json: bool) {
    if as_json {
        let nodes: Vec<Value> = nodes.iter().map(node_as_json).collect();
        print_line(&json!({ "interface": interface, "nodes": nodes }).to_string());
    } else {
        print_line(&as_table(nodes));
    }
}

/// A configuration to start from; the nodes are asked for more.
pub fn skeleton(interface: &str, mut wire: SocketCan, nodes: Vec<FoundNode>) -> String {
    let ask = |node: FoundNode| {
        let facts = facts(&mut wire, &node);
        (node, facts)
    };
    let nodes: Vec<_> = nodes.into_iter().map(ask).collect();
    can_skeleton(&nodes, interface, Netlink(interface.to_string()).bit_rate())
}

fn as_table(nodes: &[FoundNode]) -> String {
    let heading = ["NODE", "WHAT", "NAME", "TYPE", "VENDOR", "PRODUCT", "REVISION", "SERIAL"];
    let number = |number: Option<u32>| number.map_or("-".to_string(), |number| format!("{number:#010x}"));
    let row = |node: &FoundNode| {
        let [vendor, product, revision, serial] = node.identity.map(number);
        let name = node.name.clone().unwrap_or("-".into());
        let kind = format!("{:#010x}", node.device_type);
        vec![node.node.to_string(), node.what().into(), name, kind, vendor, product, revision, serial]
    };
    table(&heading, &nodes.iter().map(row).collect::<Vec<_>>(), &[0])
}

fn node_as_json(node: &FoundNode) -> Value {
    let [vendor, product, revision, serial] = node.identity;
    json!({
        "node": node.node,
        "what": node.what(),
        "name": node.name,
        "device_type": node.device_type,
        "vendor": vendor,
        "product": product,
        "revision": revision,
        "serial": serial,
    })
}
