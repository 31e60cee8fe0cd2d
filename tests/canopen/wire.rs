//! A simulated network as the wire of the production bus, on the virtual clock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use motiond::config::machine::{Address, BusConfig};
use motiond::fieldbus::canopen::frame::{CanFrame, WireError, WireState};
use motiond::fieldbus::canopen::wire::{CanWire, NotSent, Received};
use motiond::simulation::SimulatedDevice;
use motiond::simulation::canopen::{Network, NetworkCommand, NetworkParameters, SimulatedNodeParameters};

#[derive(Debug)]
struct Inner {
    network: Network,
    now_ns: u64,
    errors: Vec<WireError>,
    bus_off: bool,
    full: u32,
    /// Frames come with the time of their arrival.
    stamps: bool,
    /// So many looks find nothing, whatever waits.
    blind: u32,
    /// What waits before everything else.
    strangers: VecDeque<(CanFrame, u64)>,
    /// Everything that the master sent and got, with its time, as `candump` would show it.
    log: Vec<(u64, CanFrame)>,
}

/// One end of a network; clones are the same end.
#[derive(Clone, Debug)]
pub struct NetworkWire(Arc<Mutex<Inner>>);

impl NetworkWire {
    pub fn to(network: Network) -> NetworkWire {
        let (errors, log) = (Vec::new(), Vec::new());
        NetworkWire(Arc::new(Mutex::new(Inner {
            network,
            now_ns: 1_000_000_000,
            errors,
            bus_off: false,
            full: 0,
            stamps: true,
            blind: 0,
            strangers: VecDeque::new(),
            log,
        })))
    }

    /// From now on nobody is told when a frame came.
    pub fn forget_stamps(&self) {
        self.0.lock().unwrap().stamps = false;
    }

    /// The next look finds nothing, as if everything came just behind it.
    pub fn look_away(&self) {
        self.0.lock().unwrap().blind = 1;
    }

    /// Frames of somebody else have come at these times, before anything that waits.
    pub fn strangers(&self, frames: impl Iterator<Item = (CanFrame, u64)>) {
        self.0.lock().unwrap().strangers.extend(frames);
    }

    pub fn command(&self, command: NetworkCommand) {
        self.0.lock().unwrap().network.command(command);
    }

    pub fn now_ns(&self) -> u64 {
        self.0.lock().unwrap().now_ns
    }

    /// The controller tells of the wire.
    pub fn tell(&self, state: WireState) {
        let mut inner = self.0.lock().unwrap();
        inner.bus_off = state == WireState::BusOff;
        inner.errors.push(WireError { state: Some(state), ..WireError::default() });
    }

    /// So many frames find the queue full.
    pub fn fill(&self, frames: u32) {
        self.0.lock().unwrap().full = frames;
    }

    pub fn state_name(&self, node: usize) -> &'static str {
        self.0.lock().unwrap().network.state_name(node)
    }

    pub fn with_device<T>(&self, node: usize, look: impl FnOnce(&mut SimulatedDevice) -> T) -> T {
        look(self.0.lock().unwrap().network.device_mut(node).unwrap())
    }

    pub fn log(&self) -> Vec<(u64, CanFrame)> {
        std::mem::take(&mut self.0.lock().unwrap().log)
    }
}

impl CanWire for NetworkWire {
    fn send(&mut self, frame: &CanFrame, now_ns: u64) -> Result<(), NotSent> {
        let mut inner = self.0.lock().unwrap();
        inner.now_ns = inner.now_ns.max(now_ns);
        if inner.bus_off {
            return Err(NotSent::Down);
        }
        if inner.full > 0 {
            inner.full -= 1;
            return Err(NotSent::QueueFull);
        }
        inner.log.push((now_ns, *frame));
        if inner.network.send(*frame, now_ns) { Ok(()) } else { Err(NotSent::QueueFull) }
    }

    fn receive(&mut self, now_ns: u64) -> Option<Received> {
        let mut inner = self.0.lock().unwrap();
        inner.now_ns = inner.now_ns.max(now_ns);
        if !inner.errors.is_empty() {
            return Some(Received::Error(inner.errors.remove(0)));
        }
        if inner.blind > 0 {
            inner.blind -= 1;
            return None;
        }
        let stranger = inner.strangers.pop_front();
        let received = stranger.or_else(|| inner.network.receive(now_ns));
        let (frame, came_ns) = received.filter(|_| !inner.bus_off)?;
        inner.log.push((now_ns, frame));
        Some(Received::Frame { frame, arrived_ns: inner.stamps.then_some(came_ns) })
    }

    fn now_ns(&self) -> u64 {
        NetworkWire::now_ns(self)
    }

    fn wait(&mut self, until_ns: u64) {
        let mut inner = self.0.lock().unwrap();
        inner.now_ns = until_ns;
        inner.network.advance(until_ns);
    }
}

/// The simulated nodes of a configured bus.
pub fn nodes_of(bus: &BusConfig, period_ns: u64) -> NetworkParameters {
    let node = |(device, simulated): (&motiond::config::machine::DeviceConfig, &_)| SimulatedNodeParameters {
        node: if let Address::Node(node) = device.address { node } else { panic!("no node id") },
        device: Clone::clone(simulated),
        has_heartbeat: true,
        blocks: true,
    };
    NetworkParameters {
        nodes: bus.devices.iter().zip(&bus.simulation.devices).map(node).collect(),
        bit_rate: bus.bit_rate.unwrap(),
        period_ns: period_ns * u64::from(bus.divisor),
    }
}
