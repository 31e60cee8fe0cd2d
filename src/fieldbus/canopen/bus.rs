//! The cyclic exchange of a CANopen bus.
//!
//! ```text
//! begin:   take what came since the last time │ SYNC │ RPDOs │ heartbeat │ one frame of the attendant's
//! finish:  hand over the inputs that came with the SYNC before
//! ```
//!
//! SYNC goes out at the same place of each cycle, or of every n-th. A node samples its inputs at SYNC and sends them; it applies
//! at a SYNC what it got since the one before. Nothing waits: what is not there in time is old. Cost: one receive a frame that
//! came, one send a PDO, and every loop is bounded by `limits::MAX_BUS_DEVICES`, the PDOs, or `MOST_RECEIVED`.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::attendant::Attendant;
use super::connection::{
    EMERGENCY, ERROR_CONTROL, PDOS, RECEIVE_PDO, SDO_ANSWER, SYNC, TRANSMIT_PDO, identifier, pdo, split,
};
use super::emergency::Emergency;
use super::figures::WireFigures;
use super::frame::{CanFrame, IDENTIFIERS, MAX_FRAME_BYTES, WireState};
use super::nmt::{Command, NmtState};
use super::node::{Node, Presence};
use super::plan::{NetworkParameters, Plan, bytes_of, pdos};
use super::requests::Requests;
use super::wire::{CanWire, NotSent, Received};
use crate::fieldbus::news::{BusNews, NewsQueue, Obstacle};
use crate::fieldbus::{CycleReport, CyclicBus};
use crate::limits::MAX_BUS_DEVICES;

/// Frames that are taken in a cycle, at most: several times as many as 1 Mbit/s carries in the longest one at 1 kHz.
const MOST_RECEIVED: usize = 64;
/// The shares of a node's watchdog after which the master's heartbeat goes out.
const HEARTBEATS_IN_WATCHDOG: u64 = 3;
/// No device has this identifier.
const NOBODY: u16 = u16::MAX;

/// One PDO to a node.
#[derive(Clone, Debug)]
struct Outgoing {
    device: u8,
    identifier: u16,
    bytes: Range<usize>,
}

/// One PDO of a node's.
#[derive(Clone, Debug)]
struct Incoming {
    device: u8,
    number: u8,
    bytes: Range<usize>,
}

/// Why a bus could not be made of its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusError {
    /// More nodes than there are bits in a report.
    TooManyNodes,
    /// A node exchanges more PDOs than have identifiers.
    TooManyPdos {
        /// Its name.
        node: String,
        /// As many.
        pdos: usize,
    },
}

impl std::fmt::Display for BusError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BusError::TooManyNodes => write!(out, "more than {MAX_BUS_DEVICES} nodes on one bus"),
            BusError::TooManyPdos { node, pdos } => write!(
                out,
                "device \"{node}\" exchanges {pdos} PDOs in one direction, at most {PDOS} have identifiers: map less"
            ),
        }
    }
}

impl std::error::Error for BusError {}

/// Nodes that are configured and exchange.
pub struct CanopenBus {
    wire: Box<dyn CanWire>,
    nodes: Box<[Node]>,
    attendant: Attendant,
    outgoing: Box<[Outgoing]>,
    incoming: Box<[Incoming]>,
    /// Which of `incoming` has an identifier; `NOBODY` where none has.
    by_identifier: Box<[u16]>,
    /// PDOs that each node sends, one bit each, and those that came since the last SYNC.
    expected: [u8; MAX_BUS_DEVICES],
    came: [u8; MAX_BUS_DEVICES],
    staged: Box<[u8]>,
    /// What is still to be told.
    news: NewsQueue,
    /// One bit a node that may be set up anew.
    dropped: u64,
    heartbeat: CanFrame,
    heartbeat_ns: u64,
    heartbeat_period_ns: u64,
    divisor: u32,
    /// Cycles until the next SYNC.
    until_sync: u32,
    /// A SYNC went out, so that something is expected.
    asked: bool,
    asked_now: bool,
    /// When it went out, by the clock of arrivals, and when the last answer to it came; that is `None` where the interface does
    /// not tell.
    asked_ns: u64,
    last_answer_ns: Option<u64>,
    /// Nodes that were operational at that SYNC.
    asked_of: u64,
    fresh: u64,
    answered: u64,
    lost: bool,
    late: bool,
    round_trip_ns: Option<u64>,
    wire_state: WireState,
    /// The controller is off its bus, for who restarts interfaces.
    off: Arc<AtomicBool>,
    figures: Arc<WireFigures>,
    queue_full: bool,
    queue_was_full: bool,
}

impl std::fmt::Debug for CanopenBus {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("CanopenBus")
            .field("nodes", &self.nodes)
            .field("doing", &self.attendant)
            .finish_non_exhaustive()
    }
}

impl CanopenBus {
    /// Lays out the PDOs. Every node counts as away until it says otherwise.
    ///
    /// # Errors
    /// Where the nodes do not fit.
    pub fn new(
        wire: Box<dyn CanWire>,
        network: &NetworkParameters,
        requests: Requests,
    ) -> Result<CanopenBus, BusError> {
        if network.nodes.len() > MAX_BUS_DEVICES {
            return Err(BusError::TooManyNodes);
        }
        let plans: Vec<Plan> = network.nodes.iter().map(|node| Plan::of(node, network)).collect();
        let (mut outgoing, mut incoming) = (Vec::new(), Vec::new());
        let mut expected = [0; MAX_BUS_DEVICES];
        let mut by_identifier = vec![NOBODY; usize::from(IDENTIFIERS)].into_boxed_slice();
        let mut input_bytes = 0;
        for (device, node) in network.nodes.iter().enumerate() {
            let too_many = |pdos| BusError::TooManyPdos { node: node.name.clone(), pdos };
            let (outputs, inputs) = (pdos(&node.layout.outputs), pdos(&node.layout.inputs));
            if let Some(count) = [outputs.len(), inputs.len()].into_iter().find(|count| *count > PDOS) {
                return Err(too_many(count));
            }
            let mut first = node.layout.output_offset;
            for (number, entries) in outputs.into_iter().enumerate() {
                let end = first + bytes_of(entries);
                let identifier = pdo(RECEIVE_PDO, number, node.node);
                outgoing.push(Outgoing { device: device as u8, identifier, bytes: first..end });
                first = end;
            }
            let mut first = node.layout.input_offset;
            for (number, entries) in inputs.into_iter().enumerate() {
                let end = first + bytes_of(entries);
                by_identifier[usize::from(pdo(TRANSMIT_PDO, number, node.node))] = incoming.len() as u16;
                incoming.push(Incoming { device: device as u8, number: number as u8, bytes: first..end });
                expected[device] |= 1 << number;
                first = end;
                input_bytes = input_bytes.max(end);
            }
        }
        let shortest_ms = network.nodes.iter().map(|node| node.watchdog_ms).filter(|ms| *ms > 0).min().unwrap_or(100);
        let nodes = plans.iter().map(|plan| Node::new(plan.node, plan.patience_ns));
        Ok(CanopenBus {
            wire,
            nodes: nodes.collect(),
            attendant: Attendant::new(plans, requests),
            outgoing: outgoing.into(),
            incoming: incoming.into(),
            by_identifier,
            expected,
            came: [0; MAX_BUS_DEVICES],
            staged: vec![0; input_bytes].into(),
            news: NewsQueue::default(),
            dropped: 0,
            heartbeat: CanFrame::data(identifier(ERROR_CONTROL, network.master), &[5]),
            heartbeat_ns: 0,
            heartbeat_period_ns: u64::from(shortest_ms) * 1_000_000 / HEARTBEATS_IN_WATCHDOG,
            divisor: network.divisor.max(1),
            until_sync: 0,
            asked: false,
            asked_now: false,
            asked_ns: 0,
            last_answer_ns: None,
            asked_of: 0,
            fresh: 0,
            answered: 0,
            lost: false,
            late: false,
            round_trip_ns: None,
            wire_state: WireState::Active,
            off: Arc::default(),
            figures: Arc::default(),
            queue_full: false,
            queue_was_full: false,
        })
    }

    /// One bit a node that exchanges process data.
    pub fn operational(&self) -> u64 {
        // Bound: MAX_BUS_DEVICES.
        self.nodes.iter().enumerate().fold(0, |bits, (place, node)| bits | u64::from(node.is_operational()) << place)
    }

    /// What is in the way of a node.
    pub fn obstacle(&self, device: usize) -> Option<Obstacle> {
        self.attendant.obstacle(device)
    }

    /// Set while the controller is off its bus.
    pub fn off(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.off)
    }

    /// What befalls the wire.
    pub fn figures(&self) -> Arc<WireFigures> {
        Arc::clone(&self.figures)
    }

    /// The wire, for what is done before the first cycle.
    pub fn wire(&mut self) -> &mut dyn CanWire {
        &mut *self.wire
    }

    /// What goes on without process data, for the time before the first cycle: configures nodes, and keeps those going that
    /// are.
    pub fn attend(&mut self, now_ns: u64) {
        let read_ns = self.take_all(now_ns);
        self.look_after(now_ns, read_ns);
    }

    /// Asks for inputs before the first cycle, so that it does not begin with none.
    pub fn ask(&mut self, now_ns: u64) {
        self.came = [0; MAX_BUS_DEVICES];
        self.asked = self.sync(now_ns);
        self.asked_of = self.operational();
    }

    /// Gives SYNC.
    fn sync(&mut self, now_ns: u64) -> bool {
        (self.asked_ns, self.last_answer_ns) = (self.wire.now_ns(), Some(0));
        self.send(&CanFrame::data(SYNC, &[]), now_ns)
    }

    /// Every node has given its inputs.
    pub fn answered(&self) -> bool {
        let nodes = self.nodes.len();
        self.came[..nodes] == self.expected[..nodes]
    }

    fn send(&mut self, frame: &CanFrame, now_ns: u64) -> bool {
        let sent = self.wire.send(frame, now_ns);
        if sent == Err(NotSent::QueueFull) {
            self.queue_full = true;
            self.figures.refuse();
        }
        sent.is_ok()
    }

    /// Takes what has come, and says until when the wire was read: until now, but where more waits than is taken at once.
    fn take_all(&mut self, now_ns: u64) -> u64 {
        let mut read_ns = now_ns;
        for _ in 0..MOST_RECEIVED {
            match self.wire.receive(now_ns) {
                Some(Received::Frame { frame, arrived_ns }) => {
                    read_ns = arrived_ns.unwrap_or(now_ns).min(now_ns);
                    if self.wire_state == WireState::BusOff {
                        // Who hears others is on the bus.
                        self.set_wire_state(WireState::Active);
                    }
                    self.take(&frame, arrived_ns, now_ns);
                }
                Some(Received::Error(error)) => {
                    if let Some(state) = error.state {
                        self.set_wire_state(state);
                    }
                }
                None => return now_ns,
            }
        }
        read_ns
    }

    fn set_wire_state(&mut self, state: WireState) {
        if state == WireState::BusOff && self.wire_state != WireState::BusOff {
            // Who was there has stopped meanwhile, and may not be there any more: each of them begins anew.
            self.nodes.iter_mut().for_each(Node::lose);
        }
        if state != self.wire_state {
            self.news.push(BusNews::Wire(state));
            self.figures.set_state(state);
        }
        self.wire_state = state;
        self.off.store(state == WireState::BusOff, Ordering::Release);
    }

    fn take(&mut self, frame: &CanFrame, arrived_ns: Option<u64>, now_ns: u64) {
        if frame.is_remote() {
            return;
        }
        let incoming = self.by_identifier.get(usize::from(frame.identifier())).copied().unwrap_or(NOBODY);
        if let Some(incoming) = self.incoming.get(usize::from(incoming)) {
            // What was there before SYNC is no answer to it, and too late for the one before.
            if arrived_ns.is_some_and(|arrived_ns| arrived_ns < self.asked_ns) {
                self.late = true;
                return;
            }
            let device = usize::from(incoming.device);
            // A PDO that is too short is none (CiA 301, 7.2.2.3); what is longer is cut off.
            let bytes = frame.bytes().get(..incoming.bytes.len());
            if let (Some(to), Some(from)) = (self.staged.get_mut(incoming.bytes.clone()), bytes) {
                to.copy_from_slice(from);
                let bit = 1 << incoming.number;
                self.late |= self.came[device] & bit != 0;
                self.came[device] |= bit;
                self.last_answer_ns = self.last_answer_ns.zip(arrived_ns).map(|(last_ns, ns)| last_ns.max(ns));
            }
            return;
        }
        let (service, id) = split(frame.identifier());
        let Some(device) = self.nodes.iter().position(|node| node.id == id) else { return };
        match service {
            EMERGENCY => {
                if let Some(Emergency { code, register }) = Emergency::decode(frame.bytes()) {
                    self.news.push(BusNews::Emergency { device: device as u8, code, register });
                }
            }
            ERROR_CONTROL => {
                if let [byte] = frame.bytes()
                    && let Some(state) = NmtState::of(*byte)
                {
                    self.nodes[device].take(state, arrived_ns.unwrap_or(now_ns));
                }
            }
            SDO_ANSWER => {
                if let Some(bytes) = frame.bytes().first_chunk::<MAX_FRAME_BYTES>() {
                    self.attendant.take(&mut self.nodes, id, bytes, now_ns);
                }
            }
            _ => {}
        }
    }

    /// Heartbeats, silence, guarding, and one frame of the attendant's. Silence is judged as of the last that was read: behind it
    /// a heartbeat may wait.
    fn look_after(&mut self, now_ns: u64, read_ns: u64) {
        if self.wire_state == WireState::BusOff {
            return;
        }
        if now_ns >= self.heartbeat_ns {
            // A time that was missed is not made up for.
            self.heartbeat_ns = now_ns + self.heartbeat_period_ns;
            let heartbeat = self.heartbeat;
            self.send(&heartbeat, now_ns);
        }
        for device in 0..self.nodes.len() {
            self.nodes[device].judge(read_ns);
            if self.nodes[device].ask(now_ns) {
                let asked = CanFrame::remote(identifier(ERROR_CONTROL, self.nodes[device].id), 1);
                self.send(&asked, now_ns);
            }
        }
        if let Some(frame) = self.attendant.next(&mut self.nodes, self.dropped, now_ns) {
            self.send(&frame, now_ns);
        }
        if let Some(news) = self.attendant.take_news() {
            self.news.push(news);
        }
    }

    /// What came since the last SYNC is what it brought.
    fn close(&mut self) {
        (self.fresh, self.answered) = (0, 0);
        for device in 0..self.nodes.len() {
            let came = std::mem::take(&mut self.came[device]);
            let whole = came == self.expected[device];
            let bit = 1 << device;
            if whole {
                self.answered |= bit;
                self.fresh |= bit;
            }
        }
        let heard_of = self.asked_of & self.answered;
        self.lost = self.asked && self.asked_of != 0 && heard_of == 0;
        let whole = self.asked_of != 0 && heard_of == self.asked_of;
        let last_ns = self.last_answer_ns.filter(|last_ns| whole && *last_ns > 0);
        self.round_trip_ns = last_ns.map(|last_ns| last_ns.saturating_sub(self.asked_ns));
    }

    fn all(&self) -> u64 {
        let nodes = self.nodes.len();
        if nodes >= 64 { u64::MAX } else { (1 << nodes) - 1 }
    }
}

/// At an orderly end every node is told to leave Operational: a drive stops as its 6007h says, and has no fault of a missed
/// heartbeat at the next start.
impl Drop for CanopenBus {
    fn drop(&mut self) {
        let now_ns = self.wire.now_ns();
        for device in 0..self.nodes.len() {
            if self.nodes[device].presence == Presence::Configured {
                let frame = Command::EnterPreOperational.to(self.nodes[device].id);
                self.send(&frame, now_ns);
            }
        }
    }
}

impl CyclicBus for CanopenBus {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        let now_ns = cycle_start_ns;
        // Before SYNC, so that an answer to this one is never taken for one to the last.
        let read_ns = self.take_all(now_ns);
        let first = !self.asked;
        self.asked_now = self.until_sync == 0;
        if self.asked_now {
            self.until_sync = self.divisor;
            self.close();
            let off = self.wire_state == WireState::BusOff;
            let sent = !off && self.sync(now_ns);
            self.lost |= !sent;
            (self.asked, self.asked_of) = (true, self.operational());
            if first {
                // Nothing was asked for yet.
                (self.lost, self.fresh, self.answered) = (false, 0, self.all());
                self.round_trip_ns = None;
            }
            for number in 0..self.outgoing.len() {
                let Outgoing { device, identifier, bytes } = &self.outgoing[number];
                if self.asked_of >> device & 1 == 0 {
                    continue;
                }
                let frame = CanFrame::data(*identifier, outputs.get(bytes.clone()).unwrap_or_default());
                self.send(&frame, now_ns);
            }
        }
        self.until_sync -= 1;
        self.look_after(now_ns, read_ns);
        let full = std::mem::take(&mut self.queue_full);
        if full && !self.queue_was_full {
            self.news.push(BusNews::QueueFull);
        }
        self.queue_was_full = full;
    }

    fn finish(&mut self, inputs: &mut [u8], _deadline_ns: u64) -> CycleReport {
        let nodes = self.nodes.len() as u16;
        let mut report = CycleReport {
            working_counter: nodes,
            working_counter_expected: nodes,
            devices: self.all(),
            not_operational: self.all() & !self.operational(),
            ..CycleReport::default()
        };
        if self.wire_state == WireState::BusOff {
            (report.lost, report.working_counter) = (true, 0);
            return report;
        }
        if !self.asked_now {
            // Nothing is due, and nothing is fresh; what was missing still is.
            report.lost = self.lost;
            report.not_operational |= self.asked_of & !self.answered;
            return report;
        }
        if let Some(place) = inputs.get_mut(..self.staged.len()) {
            place.copy_from_slice(&self.staged);
        }
        (report.lost, report.fresh) = (self.lost, self.fresh);
        report.working_counter = self.answered.count_ones() as u16;
        report.late = std::mem::take(&mut self.late);
        report.round_trip_ns = self.round_trip_ns.take();
        report
    }

    fn request_recovery(&mut self) {
        self.attendant.hurry();
    }

    fn set_dropped(&mut self, devices: u64) {
        self.dropped = devices;
    }

    fn take_news(&mut self) -> Option<BusNews> {
        self.news.pop()
    }

    /// A setpoint is sent behind the next SYNC, applied at the one behind that, reached after another one, sampled there, and
    /// fetched with the next: three times the divisor, and one cycle.
    fn feedback_delay_periods(&self) -> f64 {
        f64::from(3 * self.divisor + 1)
    }

    /// The same without the way back.
    fn actuation_delay_periods(&self) -> f64 {
        f64::from(2 * self.divisor + 1)
    }
}
