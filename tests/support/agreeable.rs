//! Nodes that agree to everything, on a wire without a speed: what a bus itself costs and does, and nothing of what is behind it.
//! Nothing here allocates after it was made.

use motiond::fieldbus::canopen::frame::CanFrame;
use motiond::fieldbus::canopen::wire::{CanWire, NotSent, Received};

/// Frames that wait for the master, at most.
const WAITING: usize = 512;
/// From one heartbeat to the next, nanoseconds.
const HEARTBEAT_NS: u64 = 50_000_000;

/// The wire and its nodes.
pub struct Agreeable {
    /// Node ids.
    nodes: Vec<u8>,
    operational: Vec<bool>,
    waiting: Vec<CanFrame>,
    first: usize,
    count: usize,
    syncs: u64,
    now_ns: u64,
    heartbeat_ns: u64,
    /// After so many SYNCs the first node starts anew by itself, and tells of a fault before.
    pub restarts_after: u64,
}

impl Agreeable {
    pub fn new(nodes: &[u8]) -> Agreeable {
        Agreeable {
            nodes: nodes.to_vec(),
            operational: vec![false; nodes.len()],
            waiting: vec![CanFrame::data(0, &[]); WAITING],
            first: 0,
            count: 0,
            syncs: 0,
            now_ns: 1_000_000_000,
            heartbeat_ns: 0,
            restarts_after: u64::MAX,
        }
    }

    fn give(&mut self, identifier: u16, bytes: &[u8]) {
        assert!(self.count < WAITING, "nobody takes what the nodes send");
        self.waiting[(self.first + self.count) % WAITING] = CanFrame::data(identifier, bytes);
        self.count += 1;
    }

    fn sync(&mut self) {
        self.syncs += 1;
        for place in 0..self.nodes.len() {
            let node = u16::from(self.nodes[place]);
            if self.syncs == self.restarts_after && place == 0 {
                self.give(0x80 + node, &[0x00, 0x75, 1, 0, 0, 0, 0, 0]);
                self.give(0x700 + node, &[0]);
                self.operational[0] = false;
            }
            if self.operational[place] {
                // Switch on disabled, mode 8, position 0.
                self.give(0x180 + node, &[0x50, 0x06, 8, 0, 0, 0, 0]);
            }
        }
    }
}

impl CanWire for Agreeable {
    fn send(&mut self, frame: &CanFrame, now_ns: u64) -> Result<(), NotSent> {
        self.now_ns = now_ns;
        let identifier = frame.identifier();
        match (identifier, frame.bytes()) {
            (0x080, _) => self.sync(),
            (0x000, [command, node]) => {
                let (command, node) = (*command, *node);
                if let Some(place) = self.nodes.iter().position(|other| *other == node) {
                    self.operational[place] = command == 1;
                    self.give(0x700 + u16::from(node), &[if command == 1 { 5 } else { 0 }]);
                }
            }
            (0x600..0x680, &[command, low, high, subindex, ..]) => {
                let answer = 0x580 + (identifier - 0x600);
                if command == 0x40 {
                    // CiA 402, whatever is asked.
                    self.give(answer, &[0x43, low, high, subindex, 0x92, 0x01, 0x02, 0x00]);
                } else if command >> 5 == 1 {
                    self.give(answer, &[0x60, low, high, subindex, 0, 0, 0, 0]);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn receive(&mut self, now_ns: u64) -> Option<Received> {
        if now_ns >= self.heartbeat_ns {
            self.heartbeat_ns = now_ns + HEARTBEAT_NS;
            for place in 0..self.nodes.len() {
                let state = if self.operational[place] { 5 } else { 127 };
                self.give(0x700 + u16::from(self.nodes[place]), &[state]);
            }
        }
        if self.count == 0 {
            return None;
        }
        let frame = self.waiting[self.first];
        self.first = (self.first + 1) % WAITING;
        self.count -= 1;
        Some(Received::Frame { frame, arrived_ns: Some(now_ns) })
    }

    fn now_ns(&self) -> u64 {
        self.now_ns
    }

    fn wait(&mut self, until_ns: u64) {
        self.now_ns = until_ns;
    }
}

/// A network of so many drives with an RPDO and a TPDO of seven bytes each.
pub fn network(drives: usize) -> motiond::fieldbus::canopen::plan::NetworkParameters {
    use motiond::fieldbus::canopen::plan::{NetworkParameters, NodeParameters};
    use motiond::fieldbus::mapping::{DeviceLayout, PdoEntry};
    let entry = |(index, bits)| PdoEntry { index, subindex: 0, bits };
    let node = |place: usize| NodeParameters {
        name: format!("d{place}"),
        node: place as u8 + 1,
        drive: true,
        modes: Vec::new(),
        identity: Default::default(),
        layout: DeviceLayout {
            output_offset: 7 * place,
            outputs: [(0x6040, 16), (0x6060, 8), (0x607A, 32)].map(entry).to_vec(),
            input_offset: 7 * place,
            inputs: [(0x6041, 16), (0x6061, 8), (0x6064, 32)].map(entry).to_vec(),
        },
        mapped: true,
        watchdog_ms: 100,
        heartbeat_ms: 50,
        startup: Vec::new(),
    };
    NetworkParameters { nodes: (0..drives).map(node).collect(), master: 127, period_ns: 1_000_000, divisor: 1 }
}
