//! Node ids and bit rates by LSS, and who is there.

use motiond::commissioning::nodes::survey;
use motiond::fieldbus::canopen::lss::{Lss, LssAddress, LssError};
use motiond::fieldbus::canopen::wire::CanWire;
use motiond::simulation::canopen::{Network, NetworkCommand};

use crate::motion::machine;
use crate::wire::{NetworkWire, nodes_of};

fn network() -> NetworkWire {
    let config = machine();
    NetworkWire::to(Network::new(&nodes_of(&config.buses[0], config.period_ns)).unwrap())
}

/// Vendor, product, revision and serial number of the simulated y-drive.
const Y: LssAddress = LssAddress([0x0A5A, 402, 1, 2]);

#[test]
fn a_survey_finds_every_node_and_says_when_there_is_none() {
    let mut wire = network();
    let found = survey(&mut wire).unwrap();
    let known: Vec<_> = found.iter().map(|node| (node.node, node.what(), node.name.as_deref().unwrap())).collect();
    assert_eq!(known, [(1, "drive", "x-drive"), (2, "drive", "y-drive"), (10, "terminal", "io")]);
    assert_eq!(found[1].identity.map(Option::unwrap), Y.0);
    wire.command(NetworkCommand::Cut(true));
    assert!(survey(&mut wire).unwrap_err().to_string().contains("no node answers"));
}

#[test]
fn a_device_without_a_node_id_is_found_and_gets_one() {
    let mut wire = network();
    let mut lss = Lss::new(&mut wire).unwrap();
    assert_eq!(lss.fast_scan(), Ok(None));
    wire.command(NetworkCommand::ForgetId(1));
    assert_eq!(wire.state_name(1), "without a node id");
    let mut lss = Lss::new(&mut wire).unwrap();
    assert_eq!(lss.fast_scan(), Ok(Some(Y)));
    assert_eq!(lss.set_node_id(0), Err(LssError::NodeId(0)));
    assert_eq!(lss.set_node_id(44), Ok(()));
    assert_eq!(lss.store(), Ok(()));
    lss.release().unwrap();
    let next_ns = wire.now_ns() + 10_000_000;
    wire.wait(next_ns);
    let nodes: Vec<u8> = survey(&mut wire).unwrap().iter().map(|node| node.node).collect();
    assert_eq!(nodes, [1, 10, 44]);
}

#[test]
fn a_device_is_selected_by_its_address() {
    let mut wire = network();
    let mut lss = Lss::new(&mut wire).unwrap();
    assert_eq!(lss.select(&LssAddress([1, 2, 3, 4])), Err(LssError::NoSuchDevice));
    assert_eq!(lss.set_node_id(7), Err(LssError::Silent));
    assert_eq!(lss.select(&Y), Ok(()));
    assert_eq!(lss.set_bit_rate(300), Err(LssError::BitRate(300)));
    assert_eq!(lss.set_bit_rate(250), Ok(()));
    assert_eq!(lss.set_node_id(9), Ok(()));
    lss.release().unwrap();
    let next_ns = wire.now_ns() + 10_000_000;
    wire.wait(next_ns);
    let nodes: Vec<u8> = survey(&mut wire).unwrap().iter().map(|node| node.node).collect();
    assert_eq!(nodes, [1, 9, 10]);
}
