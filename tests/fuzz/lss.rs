//! Whatever comes over a CAN wire while node ids and bit rates are given (LSS): to the master, among the answers of a device, and to
//! the device, among the requests of a master.

#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::config::machine::{Address, BusConfig};
use motiond::fieldbus::canopen::connection::{LSS_DEVICE, LSS_MASTER};
use motiond::fieldbus::canopen::frame::{CanFrame, WireError};
use motiond::fieldbus::canopen::lss::{BIT_RATES, Lss, LssAddress, LssError};
use motiond::fieldbus::canopen::wire::{CanWire, NotSent, Received};
use motiond::simulation::canopen::{Network, NetworkCommand, NetworkParameters, SimulatedNodeParameters};
use std::collections::VecDeque;
use std::sync::OnceLock;

/// The shipped machine.
fn shipped() -> &'static (BusConfig, u64) {
    static SHIPPED: OnceLock<(BusConfig, u64)> = OnceLock::new();
    SHIPPED.get_or_init(|| {
        let machine = motiond::config::parse(include_str!("../../config/can-two-axis.toml"), "shipped").unwrap();
        (machine.buses[0].clone(), machine.period_ns)
    })
}

/// What befalls the wire at the master's next look or request.
#[derive(Clone, Copy)]
enum Mishap {
    /// Nothing, so many times.
    Pass(u8),
    /// This comes to the master.
    Comes(Received),
    /// Another master sends this.
    Sent(CanFrame),
    /// The interface takes nothing.
    Refused(NotSent),
}

struct Wire {
    network: Network,
    mishaps: VecDeque<Mishap>,
    now_ns: u64,
}

impl Wire {
    fn next(&mut self) -> Option<Mishap> {
        match self.mishaps.front_mut()? {
            Mishap::Pass(left @ 1..) => {
                *left -= 1;
                None
            }
            _ => self.mishaps.pop_front(),
        }
    }
}

impl CanWire for Wire {
    fn send(&mut self, frame: &CanFrame, now_ns: u64) -> Result<(), NotSent> {
        match self.next() {
            Some(Mishap::Refused(why)) => return Err(why),
            Some(Mishap::Sent(other)) => {
                self.network.send(other, now_ns);
            }
            _ => {}
        }
        if self.network.send(*frame, now_ns) { Ok(()) } else { Err(NotSent::QueueFull) }
    }

    fn receive(&mut self, now_ns: u64) -> Option<Received> {
        match self.next() {
            Some(Mishap::Comes(received)) => return Some(received),
            Some(Mishap::Sent(other)) => {
                self.network.send(other, now_ns);
            }
            _ => {}
        }
        let (frame, came_ns) = self.network.receive(now_ns)?;
        Some(Received::Frame { frame, arrived_ns: Some(came_ns) })
    }

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn wait(&mut self, until_ns: u64) {
        self.now_ns = until_ns;
    }
}

fn mishap(chunk: &[u8]) -> Mishap {
    let mut bytes = [0; 10];
    bytes[..chunk.len()].copy_from_slice(chunk);
    let [kind, length, content @ ..] = bytes;
    let bytes = &content[..usize::from(length % 9)];
    let comes = |frame| Mishap::Comes(Received::Frame { frame, arrived_ns: None });
    match kind % 7 {
        0 => Mishap::Pass(length),
        1 => comes(CanFrame::data(LSS_DEVICE, bytes)),
        2 => comes(CanFrame::data(u16::from(length), bytes)),
        3 => Mishap::Comes(Received::Error(WireError::decode(length.into(), &content))),
        4 => Mishap::Sent(CanFrame::data(LSS_MASTER, bytes)),
        5 => Mishap::Refused(if length & 1 == 0 { NotSent::Down } else { NotSent::QueueFull }),
        _ => comes(CanFrame::remote(LSS_DEVICE, length)),
    }
}

fuzz_target!(|input: &[u8]| {
    let (config, period_ns) = shipped();
    let nodes = config.devices.iter().zip(&config.simulation.devices).map(|(device, simulated)| SimulatedNodeParameters {
        node: if let Address::Node(node) = device.address { node } else { 0 },
        device: simulated.clone(),
        has_heartbeat: true,
        blocks: true,
    });
    let network = NetworkParameters { nodes: nodes.collect(), bit_rate: 1_000_000, period_ns: *period_ns };
    let mut network = Network::new(&network).unwrap();
    let (how, rest) = input.split_first().unwrap_or((&0, &[]));
    for node in (0..3).filter(|node| how >> node & 1 != 0) {
        network.command(NetworkCommand::ForgetId(node));
    }
    let mishaps = rest.chunks(10).take(200).map(mishap).collect();
    let mut wire = Wire { network, mishaps, now_ns: 1 };
    let undisturbed = wire.mishaps.is_empty();
    if let Ok(mut lss) = Lss::new(&mut wire) {
        let found = if how >> 3 & 1 == 0 { lss.fast_scan() } else { lss.select(&LssAddress([0x0A5A, 402, 1, 2])).map(|()| None) };
        if undisturbed && how >> 3 & 1 == 0 {
            // One of those that have no node id, and only where there is one.
            assert_eq!(found.is_ok_and(|found| found.is_some()), how & 7 != 0);
        }
        let node = how >> 4;
        let set = lss.set_node_id(node);
        assert_eq!(matches!(set, Err(LssError::NodeId(_))), node == 0);
        let (rate, _) = BIT_RATES[usize::from(how >> 5)];
        let set = lss.set_bit_rate(rate);
        assert!(!matches!(set, Err(LssError::BitRate(_))));
        let _ = lss.store().map_err(|error| error.to_string());
        let _ = lss.release();
    }
    // Whatever was asked of them, devices have a node id or none, and go on.
    wire.network.advance(wire.now_ns + 1_000_000_000);
    for node in 0..3 {
        assert_ne!(wire.network.state_name(node), "off");
    }
});
