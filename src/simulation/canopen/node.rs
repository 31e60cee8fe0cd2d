//! One simulated node.

use std::collections::VecDeque;

use super::lss::{LssDevice, Reaction};
use super::objects::{CommunicationObjects, PDOS, Way};
use super::sdo_server::{Objects, SdoServer};
use crate::fieldbus::canopen::frame::CanFrame;
use crate::simulation::sdo_abort::SdoAbort;
use crate::simulation::{NetworkState, SimulatedDevice};

/// Longest value of an object, bytes.
const LONGEST: usize = 4096;
/// The node id of a device that has none (CiA 305).
const NO_ID: u8 = 255;
/// Bits of a PDO.
const PDO_BITS: u32 = 64;
/// A missed heartbeat or life guarding (CiA 301 Table 26).
const LIFE_GUARD_ERROR: u16 = 0x8130;

/// What a node does to those who ask by SDO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    /// It answers.
    #[default]
    Good,
    /// It does not.
    Silent,
    /// It answers with bytes that are no answer.
    Garbage,
    /// It aborts everything with this code.
    Abort(u32),
}

/// NMT states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum State {
    Stopped = 4,
    Operational = 5,
    PreOperational = 127,
}

/// Where the bytes of a PDO stand in the device's process data.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    identifier: u16,
    first: usize,
    bytes: usize,
    synchronous: bool,
}

/// A node and its device.
#[derive(Clone, Debug)]
pub struct Node {
    id: u8,
    device: SimulatedDevice,
    objects: CommunicationObjects,
    has_heartbeat: bool,
    server: SdoServer,
    lss: LssDevice,
    state: State,
    receive: Vec<Part>,
    transmit: Vec<Part>,
    /// What came since the last SYNC, laid out as the device's outputs.
    outputs: Vec<u8>,
    outputs_came: bool,
    inputs: Vec<u8>,
    out: VecDeque<CanFrame>,
    now_ns: u64,
    heartbeat_at_ns: u64,
    master_heard_ns: Option<u64>,
    guard_toggle: bool,
    told_of_master: bool,
    last_code: u16,
    /// What it does to those who ask by SDO.
    pub manners: Manners,
    /// It sends no heartbeat and no answer to guarding.
    pub mute: bool,
    /// So many of its PDOs are not sent.
    pub swallow: u32,
    /// It fills the wire with its emergencies.
    pub babbles: bool,
    /// Another one with its id is on the wire: its boot-up messages come twice.
    pub twin: bool,
}

impl Node {
    /// A node at power-on: it sends its boot-up message.
    pub fn new(id: u8, device: SimulatedDevice, has_heartbeat: bool, blocks: bool) -> Node {
        let mut node = Node {
            id,
            objects: CommunicationObjects::new(id, has_heartbeat),
            has_heartbeat,
            lss: LssDevice::new([1, 2, 3, 4].map(|part| number(&device, 0x1018, part))),
            device,
            server: SdoServer::new(blocks),
            state: State::PreOperational,
            receive: Vec::new(),
            transmit: Vec::new(),
            outputs: Vec::new(),
            outputs_came: false,
            inputs: Vec::new(),
            out: VecDeque::new(),
            now_ns: 0,
            heartbeat_at_ns: 0,
            master_heard_ns: None,
            guard_toggle: false,
            told_of_master: false,
            last_code: 0,
            manners: Manners::Good,
            mute: false,
            swallow: 0,
            babbles: false,
            twin: false,
        };
        // Heartbeats, not outputs, tell it that the master is there.
        node.device.set_watchdog_ns(0);
        node.start();
        node
    }

    /// Its device.
    pub fn device(&self) -> &SimulatedDevice {
        &self.device
    }

    /// Its device, to change what the world does to it.
    pub fn device_mut(&mut self) -> &mut SimulatedDevice {
        &mut self.device
    }

    /// Its node id; `None` where it has none.
    pub fn id(&self) -> Option<u8> {
        (self.id <= 127).then_some(self.id)
    }

    /// It has no node id from now on, and says nothing until it is given one.
    pub fn forget_id(&mut self) {
        self.id = NO_ID;
        self.start();
    }

    /// In which NMT state it is.
    pub fn state_name(&self) -> &'static str {
        if self.id().is_none() {
            return "without a node id";
        }
        match self.state {
            State::Stopped => "Stopped",
            State::Operational => "Operational",
            State::PreOperational => "Pre-operational",
        }
    }

    /// What it wants to send next.
    pub fn waiting(&self) -> Option<&CanFrame> {
        self.out.front()
    }

    /// It was sent.
    pub fn sent(&mut self) {
        self.out.pop_front();
    }

    /// Sends an emergency.
    pub fn emergency(&mut self, code: u16, register: u8) {
        let [low, high] = code.to_le_bytes();
        self.out.push_back(CanFrame::data(0x80 + u16::from(self.id), &[low, high, register, 0, 0, 0, 0, 0]));
    }

    /// Begins anew by itself, its communication with it.
    pub fn restart(&mut self) {
        self.start();
    }

    fn start(&mut self) {
        self.leave(State::PreOperational);
        self.objects = CommunicationObjects::new(self.id, self.has_heartbeat);
        self.server = SdoServer::new(self.server.blocks);
        self.out.clear();
        (self.master_heard_ns, self.told_of_master, self.guard_toggle) = (None, false, false);
        for way in [Way::Receive, Way::Transmit] {
            for number in 0..PDOS as u16 {
                // Nothing is mapped until the master says what.
                let _ = self.device.download(way.mapping() + number, 0, &[0]);
            }
        }
        if self.id().is_none() {
            return;
        }
        let boot_up = CanFrame::data(0x700 + u16::from(self.id), &[0]);
        self.out.push_back(boot_up);
        if self.twin {
            self.out.push_back(boot_up);
        }
    }

    fn leave(&mut self, state: State) {
        self.state = state;
        self.outputs_came = false;
        self.device.set_network_state(NetworkState::PreOperational);
    }

    fn operate(&mut self) {
        if self.state == State::Operational {
            return;
        }
        self.receive = self.assign(Way::Receive, 0x1C12);
        self.transmit = self.assign(Way::Transmit, 0x1C13);
        let (outputs, inputs) = self.device.process_data_bytes();
        (self.outputs, self.inputs) = (vec![0; outputs], vec![0; inputs]);
        self.device.set_network_state(NetworkState::Operational);
        self.state = State::Operational;
    }

    /// The PDOs that are on make up the process data, one behind the other.
    fn assign(&mut self, way: Way, assignment: u16) -> Vec<Part> {
        let mut parts = Vec::new();
        let _ = self.device.download(assignment, 0, &[0]);
        let mut first = 0;
        for number in 0..PDOS {
            let Some(identifier) = self.objects.identifier(way, number) else { continue };
            let mapping = way.mapping() + number as u16;
            let bytes = (self.mapped_bits(mapping) / 8) as usize;
            parts.push(Part { identifier, first, bytes, synchronous: self.objects.is_synchronous(way, number) });
            let _ = self.device.download(assignment, parts.len() as u8, &mapping.to_le_bytes());
            first += bytes;
        }
        let _ = self.device.download(assignment, 0, &[parts.len() as u8]);
        parts
    }

    fn number(&self, index: u16, subindex: u8) -> u32 {
        number(&self.device, index, subindex)
    }

    fn mapped_bits(&self, mapping: u16) -> u32 {
        (1..=self.number(mapping, 0) as u8).map(|place| self.number(mapping, place) & 0xFF).sum()
    }

    /// Time goes on.
    pub fn advance(&mut self, now_ns: u64) {
        let elapsed_ns = now_ns.saturating_sub(self.now_ns);
        self.now_ns = now_ns;
        self.device.advance(elapsed_ns);
        if self.id().is_none() {
            return;
        }
        let heartbeat_ns = u64::from(self.objects.heartbeat_ms()) * 1_000_000;
        if heartbeat_ns > 0 && now_ns >= self.heartbeat_at_ns {
            self.heartbeat_at_ns = now_ns + heartbeat_ns;
            if !self.mute {
                self.out.push_back(CanFrame::data(0x700 + u16::from(self.id), &[self.state as u8]));
            }
        }
        let patience_ms = self.objects.consumed().map_or(self.objects.life_time_ms(), |(_, ms)| ms);
        if let Some(heard_ns) = self.master_heard_ns
            && patience_ms > 0
            && now_ns > heard_ns + u64::from(patience_ms) * 1_000_000
            && !self.told_of_master
        {
            self.told_of_master = true;
            self.emergency(LIFE_GUARD_ERROR, 0x11);
            if self.state == State::Operational {
                self.leave(State::PreOperational);
            }
        }
        let code = self.number(0x603F, 0) as u16;
        if code != self.last_code {
            self.last_code = code;
            let register = self.number(0x1001, 0) as u8;
            self.emergency(code, register);
        }
        if self.babbles && self.out.len() < 4 {
            self.emergency(0xFF00, 0x81);
        }
    }

    /// Takes a frame from the wire.
    pub fn take(&mut self, frame: &CanFrame) {
        if let (0x7E5, Some(bytes)) = (frame.identifier(), frame.bytes().first_chunk::<8>()) {
            match self.lss.take(bytes, self.id()) {
                Reaction::Nothing => {}
                Reaction::Answer(answer) => self.out.push_back(CanFrame::data(0x7E4, &answer)),
                Reaction::Begin(id) => {
                    self.id = id;
                    self.start();
                }
            }
            return;
        }
        if self.id().is_none() {
            return;
        }
        let id = u16::from(self.id);
        match (frame.identifier(), frame.bytes()) {
            (0x000, [command, node]) if *node == 0 || *node == self.id => self.command(*command),
            (0x080, _) => self.sync(),
            (identifier, _) if frame.is_remote() && identifier == 0x700 + id => {
                self.hear_master();
                if !self.mute {
                    let byte = self.state as u8 | u8::from(self.guard_toggle) << 7;
                    self.guard_toggle = !self.guard_toggle;
                    self.out.push_back(CanFrame::data(identifier, &[byte]));
                }
            }
            (identifier, [_]) if identifier > 0x700 => {
                if self.objects.consumed().is_some_and(|(node, _)| identifier == 0x700 + u16::from(node)) {
                    self.hear_master();
                }
            }
            (identifier, bytes) if identifier == 0x600 + id && self.state != State::Stopped => {
                if let Some(request) = bytes.first_chunk::<8>() {
                    self.sdo(*request);
                }
            }
            (identifier, bytes) => self.pdo(identifier, bytes),
        }
    }

    fn hear_master(&mut self) {
        (self.master_heard_ns, self.told_of_master) = (Some(self.now_ns), false);
    }

    fn command(&mut self, command: u8) {
        match command {
            1 => self.operate(),
            2 => self.leave(State::Stopped),
            128 => self.leave(State::PreOperational),
            129 | 130 => self.start(),
            _ => {}
        }
    }

    fn pdo(&mut self, identifier: u16, bytes: &[u8]) {
        if self.state != State::Operational {
            return;
        }
        if let Some(part) = self.receive.iter().find(|part| part.identifier == identifier)
            && let Some(bytes) = bytes.get(..part.bytes)
        {
            self.outputs[part.first..part.first + part.bytes].copy_from_slice(bytes);
            self.outputs_came = true;
            if !part.synchronous {
                self.apply();
            }
        }
    }

    fn apply(&mut self) {
        if std::mem::take(&mut self.outputs_came) {
            self.device.write_process_data(&self.outputs);
        }
    }

    /// Inputs are sampled, and then outputs applied, at the same instant.
    fn sync(&mut self) {
        if self.state != State::Operational {
            return;
        }
        self.device.read_process_data(&mut self.inputs);
        self.apply();
        for part in &self.transmit {
            if self.swallow > 0 {
                self.swallow -= 1;
                continue;
            }
            if part.synchronous {
                let bytes = &self.inputs[part.first..part.first + part.bytes];
                self.out.push_back(CanFrame::data(part.identifier, bytes));
            }
        }
    }

    fn sdo(&mut self, request: [u8; 8]) {
        let mut server = std::mem::replace(&mut self.server, SdoServer::new(false));
        let answers = match self.manners {
            Manners::Good => server.answer(request, self),
            Manners::Silent => Vec::new(),
            Manners::Garbage => vec![[0xE7, 0x5A, 0xA5, 0x33, 0xFF, 0x00, 0x12, 0x34]],
            // To an abort of the master's nobody answers.
            Manners::Abort(_) if request[0] == 0x80 => Vec::new(),
            Manners::Abort(code) => {
                let [a, b, c, d] = code.to_le_bytes();
                vec![[0x80, request[1], request[2], request[3], a, b, c, d]]
            }
        };
        self.server = server;
        let identifier = 0x580 + u16::from(self.id);
        self.out.extend(answers.iter().map(|answer| CanFrame::data(identifier, answer)));
    }
}

/// An object of a device as a number; 0 where there is none.
fn number(device: &SimulatedDevice, index: u16, subindex: u8) -> u32 {
    let mut buffer = [0; 8];
    let length = device.upload(index, subindex, &mut buffer).unwrap_or(0);
    buffer[..length.min(4)].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

impl Objects for Node {
    fn read(&mut self, index: u16, subindex: u8) -> Result<Vec<u8>, u32> {
        if (0x1C00..0x1D00).contains(&index) {
            return Err(SdoAbort::NoObject.code());
        }
        if self.objects.has(index) {
            return self.objects.read(index, subindex).map_err(SdoAbort::code);
        }
        let mut buffer = [0; LONGEST];
        let length = self.device.upload(index, subindex, &mut buffer).map_err(SdoAbort::code)?;
        Ok(buffer[..length].to_vec())
    }

    fn write(&mut self, index: u16, subindex: u8, value: &[u8]) -> Result<(), u32> {
        if (0x1C00..0x1D00).contains(&index) {
            return Err(SdoAbort::NoObject.code());
        }
        if self.objects.has(index) {
            self.objects.write(index, subindex, value).map_err(SdoAbort::code)?;
            if index == 0x1017 {
                self.heartbeat_at_ns = self.now_ns;
            }
            return Ok(());
        }
        let way = match index {
            0x1600..0x1604 => Some(Way::Receive),
            0x1A00..0x1A04 => Some(Way::Transmit),
            _ => None,
        };
        if let Some(way) = way {
            let number = usize::from(index - way.mapping());
            // A PDO is off while it is mapped.
            if self.objects.identifier(way, number).is_some() {
                return Err(SdoAbort::DeviceState.code());
            }
            let count = value.first().copied().unwrap_or(0);
            let bits: u32 = (1..=count).map(|place| self.number(index, place) & 0xFF).sum();
            if subindex == 0 && bits > PDO_BITS {
                return Err(SdoAbort::PdoLength.code());
            }
        }
        self.device.download(index, subindex, value).map_err(SdoAbort::code)
    }
}
