//! A configuration to start from, out of what nodes tell.

use motiond::commissioning::can_skeleton::can_skeleton;
use motiond::commissioning::node_facts::{NodeFacts, Pdos, facts};
use motiond::commissioning::nodes::{FoundNode, survey};
use motiond::commissioning::survey::DriveFacts;
use motiond::config;
use motiond::fieldbus::canopen::sdo::TransferError;
use motiond::simulation::canopen::Network;

use crate::motion::machine;
use crate::wire::{NetworkWire, nodes_of};

fn node(node: u8, profile: u32) -> FoundNode {
    FoundNode { node, device_type: profile, identity: [Some(1), None, None, None], name: None }
}

fn drive(id: u8) -> (FoundNode, NodeFacts) {
    let pdos = || Pdos { count: 4, mapped: vec![(0x6040, 0, 16)] };
    let axes = vec![DriveFacts { encoder: Some((4096, 1)), modes: Some(1 << 7), ..DriveFacts::default() }];
    (node(id, 402), NodeFacts { axes, pdos: [pdos(), pdos()], ..NodeFacts::default() })
}

fn check(text: &str) {
    config::parse(text, "skeleton").unwrap_or_else(|error| panic!("{error}\n{text}"));
}

#[test]
fn what_nodes_tell_is_a_configuration() {
    let config = machine();
    let mut wire = NetworkWire::to(Network::new(&nodes_of(&config.buses[0], config.period_ns)).unwrap());
    let nodes = survey(&mut wire).unwrap();
    let nodes: Vec<_> = nodes.into_iter().map(|node| (node.clone(), facts(&mut wire, &node))).collect();
    assert!(nodes.iter().all(|(_, facts)| facts.failed.is_none()), "{nodes:?}");
    let text = can_skeleton(&nodes, "can0", Some(500_000));
    check(&text);
    assert!(text.contains("bit-rate-kbit-per-s = 500\ncycles-per-sync = 2 # "), "{text}");
}

#[test]
fn as_many_nodes_as_there_may_be_get_a_pace_that_their_wire_carries() {
    let mut slow = 0;
    for kbit_per_s in [125, 250, 500, 1000] {
        for count in 1..=40 {
            let text = can_skeleton(&(1..=count).map(drive).collect::<Vec<_>>(), "can0", Some(1000 * kbit_per_s));
            if text.contains("divide them among two") {
                slow += 1;
                continue;
            }
            check(&text);
        }
    }
    println!("{slow} of 160 are too many");
    assert!(slow < 80, "{slow} of 160");
}

#[test]
fn what_a_configuration_has_no_place_for_is_told_and_left_out() {
    let terminal = NodeFacts { digital: [0, 2], analog: [4, 0], ..NodeFacts::default() };
    let silent = NodeFacts { failed: Some(TransferError::Silent), ..NodeFacts::default() };
    let none = NodeFacts { axes: drive(1).1.axes, ..NodeFacts::default() };
    let nodes = [drive(1), (node(2, 401), terminal), (node(3, 410), NodeFacts::default()), (node(4, 402), silent)];
    let text = can_skeleton(&nodes, "can0", None);
    check(&text);
    for words in [
        "digital-outputs = 16",
        "it has 4 analogue inputs (6401h), which pdo-inputs and [[analog-input]] take in",
        "node 3 has profile 410, and is neither drive nor terminal: left out",
        "# CHECK: it did not tell everything: ",
        "# CHECK: the drive does not tell its modes (6502h)",
        "PDOs to it: 4, mapped now: 6040:00:16",
    ] {
        assert!(text.contains(words), "{words} in:\n{text}");
    }
    let text = can_skeleton(&[(node(5, 402), none)], "can0", None);
    assert!(text.contains("it has no PDO from it, so that it cannot exchange"), "{text}");
}
