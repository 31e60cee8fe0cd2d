//! From an interface to nodes that are configured and started. On an ordinary thread; the same attendant goes on in the cycle.

use std::fmt;

use super::bus::{BusError, CanopenBus};
use super::connection::{ERROR_CONTROL, NMT, SYNC, identifier};
use super::plan::NetworkParameters;
use super::requests::{RequestEnds, Requests};
use super::wire::{CanWire, Received};
use crate::fieldbus::CyclicBus;
use crate::fieldbus::news::Obstacle;

/// How long all nodes may take to their start, nanoseconds: there are devices that need seconds from power-on.
const PATIENCE_NS: u64 = 10_000_000_000;
/// And for each node.
const NODE_PATIENCE_NS: u64 = 1_000_000_000;
/// From one frame to the next.
const STEP_NS: u64 = 1_000_000;

/// How long is listened for another master, nanoseconds: longer than from SYNC to SYNC in any configuration.
const LISTEN_NS: u64 = 50_000_000;
/// How often inputs are asked for before the first cycle.
const FIRST_INPUTS: u32 = 20;

/// Why a bus could not be brought up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BringUpError {
    /// Its nodes do not fit.
    Bus(BusError),
    /// Somebody else gives SYNC, or sends the heartbeat of a master.
    OtherMaster,
    /// A node is not there, or cannot be made operational.
    Node {
        /// Its name.
        name: String,
        /// Its node id.
        node: u8,
        /// Why.
        obstacle: Obstacle,
    },
}

impl fmt::Display for BringUpError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BringUpError::Bus(error) => write!(out, "{error}"),
            BringUpError::OtherMaster => out.write_str(
                "another master drives this bus (its SYNC or its heartbeat is heard): stop it first, for two would drive the \
                 same devices",
            ),
            BringUpError::Node { name, node, obstacle } => {
                write!(out, "device \"{name}\" (node id {node}): {obstacle}")?;
                match obstacle {
                    Obstacle::Silent => {
                        out.write_str("; see to its supply, its node id, the bit rate and the termination")
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for BringUpError {}

/// A bus that runs, and the way to the objects of its nodes.
#[derive(Debug)]
pub struct BroughtUp {
    /// The bus.
    pub bus: CanopenBus,
    /// Requests from outside.
    pub requests: RequestEnds,
}

/// Brings the nodes of a network up over a wire.
///
/// # Errors
/// Where one of them cannot be: the first in the order of the configuration.
pub fn bring_up(mut wire: Box<dyn CanWire>, network: &NetworkParameters) -> Result<BroughtUp, BringUpError> {
    if hears_master(&mut *wire, network.master) {
        return Err(BringUpError::OtherMaster);
    }
    let (requests, ends) = Requests::open();
    let mut bus = CanopenBus::new(wire, network, requests).map_err(BringUpError::Bus)?;
    bus.set_dropped(u64::MAX);
    let all = network.nodes.len();
    let start_ns = bus.wire().now_ns();
    let end_ns = start_ns + PATIENCE_NS + NODE_PATIENCE_NS * all as u64;
    loop {
        let now_ns = bus.wire().now_ns();
        bus.attend(now_ns);
        let missing = network.nodes.iter().enumerate().filter(|(device, _)| bus.operational() >> device & 1 == 0);
        let mut missing = missing.map(|(device, node)| (bus.obstacle(device), node)).peekable();
        if missing.peek().is_none() {
            break;
        }
        // What a node says of itself does not pass; silence may.
        let definite = |obstacle: &Obstacle| {
            matches!(
                obstacle,
                Obstacle::Identity { .. }
                    | Obstacle::Mode(_)
                    | Obstacle::Duplicate
                    | Obstacle::Object { abort: Some(_), .. }
            )
        };
        let found = missing.find_map(|(obstacle, node)| {
            let obstacle = if now_ns >= end_ns { Some(obstacle.unwrap_or(Obstacle::Silent)) } else { obstacle };
            obstacle.filter(|obstacle| now_ns >= end_ns || definite(obstacle)).map(|obstacle| (node, obstacle))
        });
        if let Some((node, obstacle)) = found {
            return Err(BringUpError::Node { name: node.name.clone(), node: node.node, obstacle });
        }
        bus.wire().wait(now_ns + STEP_NS);
    }
    bus.set_dropped(0);
    for _ in 0..FIRST_INPUTS {
        let now_ns = bus.wire().now_ns();
        bus.ask(now_ns);
        let next_ns = now_ns + network.sync_period_ns().max(STEP_NS);
        bus.wire().wait(next_ns);
        bus.attend(next_ns);
        if bus.answered() {
            break;
        }
    }
    while bus.take_news().is_some() {}
    Ok(BroughtUp { bus, requests: ends })
}

/// Listens for what only a master sends.
fn hears_master(wire: &mut dyn CanWire, own: u8) -> bool {
    let end_ns = wire.now_ns() + LISTEN_NS;
    // What waits was sent before anybody listened.
    let now_ns = wire.now_ns();
    while wire.receive(now_ns).is_some() {}
    while wire.now_ns() < end_ns {
        let now_ns = wire.now_ns();
        wire.wait(now_ns + STEP_NS);
        let now_ns = wire.now_ns();
        while let Some(received) = wire.receive(now_ns) {
            let of_master = [SYNC, NMT, identifier(ERROR_CONTROL, own)];
            if matches!(received, Received::Frame { frame, .. } if of_master.contains(&frame.identifier())) {
                return true;
            }
        }
    }
    false
}
