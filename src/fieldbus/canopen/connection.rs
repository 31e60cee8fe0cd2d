//! Who sends what under which identifier: the predefined connection set (CiA 301, 7.3.3), by node id.

use std::ops::RangeInclusive;

/// Node ids (CiA 301).
pub const NODE_IDS: RangeInclusive<u8> = 1..=127;
/// PDOs of each direction that have an identifier from the set.
pub const PDOS: usize = 4;

/// NMT commands of the master.
pub const NMT: u16 = 0x000;
/// SYNC.
pub const SYNC: u16 = 0x080;
/// LSS, from the master.
pub const LSS_MASTER: u16 = 0x7E5;
/// LSS, from a device.
pub const LSS_DEVICE: u16 = 0x7E4;

/// Emergencies of a node.
pub const EMERGENCY: u16 = 0x080;
/// The first PDO of a node's; the next ones follow at [`NEXT_PDO`].
pub const TRANSMIT_PDO: u16 = 0x180;
/// The first PDO to a node.
pub const RECEIVE_PDO: u16 = 0x200;
/// From one PDO of a direction to the next.
pub const NEXT_PDO: u16 = 0x100;
/// SDO answers of a node.
pub const SDO_ANSWER: u16 = 0x580;
/// SDO requests to a node.
pub const SDO_REQUEST: u16 = 0x600;
/// Boot-up, heartbeat and node guarding.
pub const ERROR_CONTROL: u16 = 0x700;

/// The identifier of a service to or from a node.
pub fn identifier(service: u16, node: u8) -> u16 {
    service + u16::from(node)
}

/// The identifier of a node's PDO, counted from 0.
pub fn pdo(service: u16, number: usize, node: u8) -> u16 {
    identifier(service + NEXT_PDO * number as u16, node)
}

/// The service and the node of an identifier.
pub fn split(identifier: u16) -> (u16, u8) {
    (identifier & 0x780, (identifier & 0x7F) as u8)
}
