//! A client and a device on a wire that loses frames as a test asks, one datagram a cycle of a millisecond.

use super::device::Device;
use crate::fieldbus::ethercat::mailbox::client::PATIENCE;
use crate::fieldbus::ethercat::mailbox::*;
use std::collections::BTreeMap;

/// Where a frame is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Before the device: it never sees the frame.
    Before,
    /// Behind the device: it has acted on the frame.
    Behind,
}

pub struct Bench {
    pub client: Client,
    pub device: Device,
    pub asides: Vec<Aside>,
    /// Frames lost, by their number from 0.
    pub losses: BTreeMap<usize, Loss>,
    pub frames: usize,
    pub now_ns: u64,
    pub trace: Vec<Wanted>,
    pub busy: usize,
    /// What became of the frame of the cycle before.
    came: Came,
}

enum Came {
    Nothing,
    Lost,
    Refused,
    Written,
    Byte(u8),
    Mailbox(Vec<u8>),
}

pub const CYCLE_NS: u64 = 1_000_000;
pub const LIMIT_NS: u64 = 60_000_000_000;

impl Bench {
    pub fn new(receive: u16, send: u16) -> Bench {
        let sizes = Sizes::new(receive, send).unwrap();
        Bench {
            client: Client::new(sizes, PATIENCE, 0),
            device: Device::new(receive.into(), send.into()),
            asides: Vec::new(),
            losses: BTreeMap::new(),
            frames: 0,
            now_ns: 7,
            trace: Vec::new(),
            busy: 0,
            came: Came::Nothing,
        }
    }

    /// One cycle.
    pub fn cycle(&mut self, transfer: Option<&mut dyn Transfer>) -> Report {
        let access = match &self.came {
            Came::Nothing => None,
            Came::Lost => Some(Access::Lost),
            Came::Refused => Some(Access::Refused),
            Came::Written => Some(Access::Written),
            Came::Byte(byte) => Some(Access::Byte(*byte)),
            Came::Mailbox(bytes) => Some(Access::Mailbox(bytes)),
        };
        let turn = self.client.step(transfer, access, self.now_ns);
        self.now_ns += CYCLE_NS;
        self.came = if turn.wanted == Wanted::Nothing { Came::Nothing } else { self.carry(turn.wanted) };
        self.device.tick();
        match turn.report {
            Report::Aside(aside) => self.asides.push(aside),
            Report::Busy(_) => self.busy += 1,
            _ => {}
        }
        turn.report
    }

    fn carry(&mut self, wanted: Wanted) -> Came {
        self.trace.push(wanted);
        let loss = self.losses.get(&self.frames).copied();
        self.frames += 1;
        if loss == Some(Loss::Before) {
            return Came::Lost;
        }
        let came = match wanted {
            Wanted::Nothing => Came::Nothing,
            Wanted::WriteMailbox(length) => {
                assert_eq!(length, self.client.outgoing().len());
                if self.device.write_mailbox(self.client.outgoing()) { Came::Written } else { Came::Refused }
            }
            Wanted::PollStatus => Came::Byte(self.device.status()),
            Wanted::ReadMailbox(length) => match self.device.read_mailbox(length) {
                Some(message) => Came::Mailbox(message),
                None => Came::Refused,
            },
            Wanted::AskRepeat(value) => {
                self.device.write_activate(value);
                Came::Written
            }
            Wanted::ReadRepeatAcknowledge => Came::Byte(self.device.pdi_control()),
        };
        if loss == Some(Loss::Behind) { Came::Lost } else { came }
    }

    /// Runs a transfer to its end.
    pub fn run(&mut self, transfer: &mut dyn Transfer) -> Result<(), TransferError> {
        self.client.begin(self.now_ns, LIMIT_NS).unwrap();
        for _ in 0..LIMIT_NS / CYCLE_NS + 1000 {
            match self.cycle(Some(transfer)) {
                Report::Done => return Ok(()),
                Report::Failed(error) => return Err(error),
                _ => {}
            }
        }
        panic!("the transfer did not end; the last frames were {:?}", &self.trace[self.trace.len() - 20..]);
    }

    pub fn upload(&mut self, address: Address) -> Result<Vec<u8>, TransferError> {
        let mut upload = Upload::new(address);
        self.run(&mut upload).map(|()| upload.data().to_vec())
    }

    pub fn download(&mut self, address: Address, value: &[u8]) -> Result<(), TransferError> {
        self.run(&mut Download::new(address, value)?)
    }

    /// Lets the device come to rest.
    pub fn settle(&mut self) {
        for _ in 0..50 {
            self.client.look(self.now_ns);
            self.cycle(None);
        }
    }

    pub fn emergencies(&self) -> Vec<u16> {
        let code = |aside: &Aside| if let Aside::Emergency(emergency) = aside { Some(emergency.code) } else { None };
        self.asides.iter().filter_map(code).collect()
    }
}

/// Bytes of which no two neighbours are alike.
pub fn value(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 7 + place / 251 + 1) as u8).collect()
}
