//! Whatever comes over a CAN wire while nodes are configured and exchange: frames of strangers among those of the nodes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::config::machine::{Address, BusConfig};
use motiond::fieldbus::CyclicBus;
use motiond::fieldbus::canopen::bus::CanopenBus;
use motiond::fieldbus::canopen::frame::{CanFrame, WireError};
use motiond::fieldbus::canopen::requests::Requests;
use motiond::fieldbus::canopen::wire::{CanWire, NotSent, Received};
use motiond::simulation::canopen::{Network, NetworkParameters, SimulatedNodeParameters};
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

/// The nodes, and the strangers.
struct Wire {
    network: Network,
    /// What comes by itself: after so many receptions, this frame in the place of the next one.
    strangers: VecDeque<(u8, Received)>,
    now_ns: u64,
}

impl CanWire for Wire {
    fn send(&mut self, frame: &CanFrame, now_ns: u64) -> Result<(), NotSent> {
        self.now_ns = now_ns;
        if self.network.send(*frame, now_ns) { Ok(()) } else { Err(NotSent::QueueFull) }
    }

    fn receive(&mut self, now_ns: u64) -> Option<Received> {
        self.now_ns = now_ns;
        if let Some((left, _)) = self.strangers.front_mut() {
            if *left == 0 {
                return self.strangers.pop_front().map(|(_, received)| received);
            }
            *left -= 1;
        }
        self.network.receive(now_ns).map(|(frame, came_ns)| Received::Frame { frame, arrived_ns: Some(came_ns) })
    }

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn wait(&mut self, until_ns: u64) {
        self.now_ns = until_ns;
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
    let strangers = input.chunks(12).map(|chunk| {
        let mut bytes = [0; 12];
        bytes[..chunk.len()].copy_from_slice(chunk);
        let [wait, low, high, length, content @ ..] = bytes;
        let identifier = u16::from_le_bytes([low, high]);
        let content = &content[..usize::from(length & 0xF).min(8)];
        // With a time that may be any, or none.
        let arrived_ns = (length & 0x80 == 0).then(|| u64::from(length) * 10_000_000);
        let frame = |frame| Received::Frame { frame, arrived_ns };
        let received = match identifier >> 14 {
            3 => Received::Error(WireError::decode(identifier.into(), &bytes[4..].try_into().unwrap())),
            2 => frame(CanFrame::remote(identifier, length)),
            _ => frame(CanFrame::data(identifier, content)),
        };
        (wait, received)
    });
    let wire = Wire { network: Network::new(&network).unwrap(), strangers: strangers.take(400).collect(), now_ns: 0 };
    let (requests, _ends) = Requests::open();
    let mut bus = CanopenBus::new(Box::new(wire), &config.network(*period_ns), requests).unwrap();
    bus.set_dropped(u64::MAX);
    let (outputs, mut inputs) = (vec![0; config.output_bytes], vec![0; config.input_bytes]);
    for cycle in 1..400 {
        bus.begin(&outputs, cycle * period_ns);
        let report = bus.finish(&mut inputs, 0);
        assert_eq!(report.fresh & !report.devices, 0);
        assert!(report.working_counter <= report.working_counter_expected);
        bus.take_news();
    }
});
