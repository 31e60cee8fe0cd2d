//! The wire of a CANopen network: one frame at a time, at its speed, the lowest identifier first.

use std::collections::VecDeque;

use super::node::{Manners, Node};
use crate::fieldbus::canopen::frame::CanFrame;
use crate::simulation::drive::DriveDisturbance;
use crate::simulation::{SimulatedDevice, SimulatedDeviceParameters};

/// Frames of the master's that wait, at most: what a real interface's queue holds.
const MASTER_QUEUE: usize = 128;
/// Frames for the master that it does not take, at most.
const TO_MASTER: usize = 4096;

/// One node at power-on.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedNodeParameters {
    /// Its node id.
    pub node: u8,
    /// Its device.
    pub device: SimulatedDeviceParameters,
    /// It knows heartbeats; where not, it can be guarded.
    pub has_heartbeat: bool,
    /// It knows block transfers.
    pub blocks: bool,
}

/// A network at power-on.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkParameters {
    /// Its nodes.
    pub nodes: Vec<SimulatedNodeParameters>,
    /// Speed of the wire, bit/s.
    pub bit_rate: u32,
    /// Time between two SYNCs, nanoseconds, that the devices are made for.
    pub period_ns: u64,
}

/// What may befall a network. Nodes count from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NetworkCommand {
    /// A node loses its supply.
    PowerOff(usize),
    /// It has it back, and is as at power-on.
    PowerOn(usize),
    /// It begins anew by itself.
    Restart(usize),
    /// It sends no heartbeats, or does again.
    Mute(usize, bool),
    /// So many of its PDOs are not sent.
    Swallow(usize, u32),
    /// It fills the wire with emergencies, or no longer.
    Babble(usize, bool),
    /// Another one has its node id, or no longer.
    Twin(usize, bool),
    /// It has no node id any more.
    ForgetId(usize),
    /// It sends an emergency: error code and error register.
    Emergency(usize, u16, u8),
    /// Its drive has a fault with this code; 0 takes the cause away.
    DriveFault(usize, u16),
    /// What it does to those who ask by SDO.
    Manners(usize, Manners),
    /// A new one with this product code is in its place, without supply.
    Exchange(usize, u32),
    /// So many of the next frames of anybody's are lost.
    Lose(u32),
    /// The cable to the master breaks, or is mended.
    Cut(bool),
}

#[derive(Debug)]
struct Member {
    node: Node,
    parameters: SimulatedNodeParameters,
    powered: bool,
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Master,
    Node(usize),
}

/// The nodes on their wire.
#[derive(Debug)]
pub struct Network {
    members: Vec<Member>,
    bit_ns: f64,
    period_ns: u64,
    now_ns: u64,
    from_master: VecDeque<CanFrame>,
    /// With the time at which they came, ns.
    to_master: VecDeque<(CanFrame, u64)>,
    sending: Option<(Sender, CanFrame, u64)>,
    lose: u32,
    cut: bool,
}

impl Network {
    /// A network at power-on; the text of an error says what to change.
    pub fn new(parameters: &NetworkParameters) -> Result<Network, String> {
        let members = parameters.nodes.iter().map(|node| member(node, parameters.period_ns));
        Ok(Network {
            members: members.collect::<Result<_, _>>()?,
            bit_ns: 1e9 / f64::from(parameters.bit_rate.max(1)),
            period_ns: parameters.period_ns,
            now_ns: 0,
            from_master: VecDeque::new(),
            to_master: VecDeque::new(),
            sending: None,
            lose: 0,
            cut: false,
        })
    }

    /// A node's device.
    pub fn device(&self, node: usize) -> Option<&SimulatedDevice> {
        self.members.get(node).map(|member| member.node.device())
    }

    /// A node's device, to change what the world does to it.
    pub fn device_mut(&mut self, node: usize) -> Option<&mut SimulatedDevice> {
        self.members.get_mut(node).map(|member| member.node.device_mut())
    }

    /// In which state a node is.
    pub fn state_name(&self, node: usize) -> &'static str {
        match self.members.get(node) {
            Some(member) if member.powered => member.node.state_name(),
            _ => "off",
        }
    }

    /// The master hands a frame to its controller. False where that is full.
    pub fn send(&mut self, frame: CanFrame, now_ns: u64) -> bool {
        self.advance(now_ns);
        let room = self.from_master.len() < MASTER_QUEUE;
        if room {
            self.from_master.push_back(frame);
            self.advance(now_ns);
        }
        room
    }

    /// What has come to the master's end by now, and when.
    pub fn receive(&mut self, now_ns: u64) -> Option<(CanFrame, u64)> {
        self.advance(now_ns);
        self.to_master.pop_front()
    }

    /// When the frame on the wire will have passed; `None` where the wire is idle.
    pub fn busy_until_ns(&self) -> Option<u64> {
        self.sending.map(|(_, _, end_ns)| end_ns)
    }

    /// Time goes on; frames pass.
    pub fn advance(&mut self, now_ns: u64) {
        loop {
            match self.sending {
                Some((sender, frame, end_ns)) if end_ns <= now_ns => {
                    self.sending = None;
                    self.pass_time(end_ns);
                    self.deliver(sender, &frame);
                }
                Some(_) => break,
                None => {
                    if !self.begin() {
                        break;
                    }
                }
            }
        }
        // Whoever's time it is speaks, on a wire that may be idle.
        self.pass_time(now_ns.max(self.now_ns));
        if self.sending.is_none() {
            self.begin();
        }
    }

    fn pass_time(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        for member in &mut self.members {
            member.node.advance(now_ns);
        }
    }

    /// The frame with the lowest identifier goes first.
    fn begin(&mut self) -> bool {
        let master = self.from_master.front().map(|frame| (frame.identifier(), Sender::Master));
        let nodes = self.members.iter().enumerate().filter(|(_, member)| member.powered);
        let waiting = nodes.filter_map(|(place, m)| m.node.waiting().map(|f| (f.identifier(), Sender::Node(place))));
        let Some((_, sender)) = master.into_iter().chain(waiting).min_by_key(|(identifier, _)| *identifier) else {
            return false;
        };
        let frame = match sender {
            Sender::Master => self.from_master.pop_front(),
            Sender::Node(place) => {
                let node = &mut self.members[place].node;
                let frame = node.waiting().copied();
                node.sent();
                frame
            }
        };
        let Some(frame) = frame else { return false };
        let end_ns = self.now_ns + (self.bit_ns * f64::from(bits(&frame))) as u64;
        self.sending = Some((sender, frame, end_ns));
        true
    }

    fn deliver(&mut self, sender: Sender, frame: &CanFrame) {
        if self.lose > 0 {
            self.lose -= 1;
            return;
        }
        if sender == Sender::Master && self.cut {
            return;
        }
        for (place, member) in self.members.iter_mut().enumerate() {
            if member.powered && sender != Sender::Node(place) {
                member.node.take(frame);
            }
        }
        if sender != Sender::Master && !self.cut && self.to_master.len() < TO_MASTER {
            self.to_master.push_back((*frame, self.now_ns));
        }
    }

    /// Something befalls it.
    pub fn command(&mut self, command: NetworkCommand) {
        let period_ns = self.period_ns;
        match command {
            NetworkCommand::Lose(frames) => self.lose = frames,
            NetworkCommand::Cut(cut) => self.cut = cut,
            NetworkCommand::PowerOff(place)
            | NetworkCommand::PowerOn(place)
            | NetworkCommand::Restart(place)
            | NetworkCommand::Mute(place, _)
            | NetworkCommand::Swallow(place, _)
            | NetworkCommand::Babble(place, _)
            | NetworkCommand::Twin(place, _)
            | NetworkCommand::ForgetId(place)
            | NetworkCommand::Emergency(place, ..)
            | NetworkCommand::DriveFault(place, _)
            | NetworkCommand::Manners(place, _)
            | NetworkCommand::Exchange(place, _) => {
                let now_ns = self.now_ns;
                if let Some(member) = self.members.get_mut(place) {
                    member.command(command, period_ns, now_ns);
                }
            }
        }
    }
}

impl Member {
    fn command(&mut self, command: NetworkCommand, period_ns: u64, now_ns: u64) {
        let node = &mut self.node;
        match command {
            NetworkCommand::PowerOff(_) => {
                self.powered = false;
                node.device_mut().lose_supply();
            }
            NetworkCommand::PowerOn(_) if !self.powered => {
                // As at its first start, where the world has left it.
                if let Ok(fresh) = member(&self.parameters, period_ns) {
                    let before = std::mem::replace(&mut self.node, fresh.node);
                    self.node.twin = before.twin;
                    self.node.device_mut().keep_surroundings_of(before.device());
                    self.node.advance(now_ns);
                    self.powered = true;
                }
            }
            NetworkCommand::Exchange(_, product) => {
                self.parameters.device.identity.product = product;
                self.powered = false;
            }
            NetworkCommand::Restart(_) => node.restart(),
            NetworkCommand::Mute(_, mute) => node.mute = mute,
            NetworkCommand::Swallow(_, frames) => node.swallow = frames,
            NetworkCommand::Babble(_, babbles) => node.babbles = babbles,
            NetworkCommand::Twin(_, twin) => node.twin = twin,
            NetworkCommand::ForgetId(_) => node.forget_id(),
            NetworkCommand::Emergency(_, code, register) => node.emergency(code, register),
            NetworkCommand::DriveFault(_, code) => {
                let fault = (code != 0).then_some(code);
                node.device_mut().set_disturbance(DriveDisturbance { fault, ..DriveDisturbance::default() });
            }
            NetworkCommand::Manners(_, manners) => node.manners = manners,
            NetworkCommand::PowerOn(_) | NetworkCommand::Lose(_) | NetworkCommand::Cut(_) => {}
        }
    }
}

fn member(parameters: &SimulatedNodeParameters, period_ns: u64) -> Result<Member, String> {
    let device = SimulatedDevice::new(&parameters.device, period_ns)
        .map_err(|error| format!("device \"{}\": {error}", parameters.device.name))?;
    let node = Node::new(parameters.node, device, parameters.has_heartbeat, parameters.blocks);
    Ok(Member { node, parameters: parameters.clone(), powered: true })
}

/// Bits of a frame on the wire at worst: with all stuff bits, and the three between two frames (ISO 11898-1).
fn bits(frame: &CanFrame) -> u32 {
    let data = 8 * frame.bytes().len() as u32;
    data + 47 + (34 + data - 1) / 4
}
