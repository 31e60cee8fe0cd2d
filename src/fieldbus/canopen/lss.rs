//! Layer setting services: node ids and bit rates of devices that have none, or another one (CiA 305). By an ordinary thread, on a
//! bus that no daemon runs.

use std::fmt;

use super::connection::{LSS_DEVICE, LSS_MASTER, NODE_IDS};
use super::frame::CanFrame;
use super::wire::{CanWire, NotSent, Received};

/// How long a device may take for an answer, nanoseconds.
const ANSWER_NS: u64 = 50_000_000;
/// How often an answer is looked for, nanoseconds.
const LOOK_NS: u64 = 1_000_000;
/// The bit rates of the standard's table, kbit/s, in its order; 6 is reserved.
pub const BIT_RATES: [(u32, u8); 8] = [(1000, 0), (800, 1), (500, 2), (250, 3), (125, 4), (50, 6), (20, 7), (10, 8)];

const SWITCH_GLOBAL: u8 = 0x04;
const SET_NODE_ID: u8 = 0x11;
const SET_BIT_RATE: u8 = 0x13;
const STORE: u8 = 0x17;
const SELECT: u8 = 0x40;
const SELECTED: u8 = 0x44;
const FOUND: u8 = 0x4F;
const FAST_SCAN: u8 = 0x51;
/// Bit number of a fast scan that asks whether anybody is there.
const ANYBODY: u8 = 0x80;

/// Which device: vendor, product, revision and serial number (1018h), of which no two have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LssAddress(pub [u32; 4]);

impl fmt::Display for LssAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [vendor, product, revision, serial] = self.0;
        write!(out, "vendor {vendor:#010x}, product {product:#010x}, revision {revision:#010x}, serial {serial:#010x}")
    }
}

/// Why a setting was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LssError {
    /// The interface does not take frames.
    NotSent(NotSent),
    /// No device has this address, or it knows no LSS.
    NoSuchDevice,
    /// The device does not answer.
    Silent,
    /// It refuses: its code, and the vendor's own behind FFh.
    Refused {
        /// What was asked.
        what: &'static str,
        /// Its code.
        code: u8,
        /// The vendor's code.
        specific: u8,
    },
    /// No node id, 1 to 127.
    NodeId(u8),
    /// No bit rate of the standard's table.
    BitRate(u32),
}

impl fmt::Display for LssError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LssError::NotSent(NotSent::Down) => out.write_str("it is down"),
            LssError::NotSent(NotSent::QueueFull) => {
                out.write_str("it does not get rid of its frames: the bit rate of the devices may be another")
            }
            LssError::NoSuchDevice => out.write_str("no device with this address answers to LSS"),
            LssError::Silent => out.write_str("the device does not answer"),
            LssError::Refused { what, code: 0xFF, specific } => {
                write!(out, "the device refuses {what}, with its vendor's code {specific:02X}h")
            }
            LssError::Refused { what, code, .. } => write!(out, "the device refuses {what} (code {code})"),
            LssError::NodeId(node) => write!(out, "node id {node}, 1 to 127 are possible"),
            LssError::BitRate(rate) => {
                let rates = BIT_RATES.map(|(rate, _)| rate.to_string()).join(", ");
                write!(out, "{rate} kbit/s, possible are {rates}")
            }
        }
    }
}

impl std::error::Error for LssError {}

/// The master's side, on one wire.
pub struct Lss<'a> {
    wire: &'a mut dyn CanWire,
}

impl<'a> Lss<'a> {
    /// Over a wire. Every device waits for its address from then on.
    ///
    /// # Errors
    /// Where the interface takes nothing.
    pub fn new(wire: &'a mut dyn CanWire) -> Result<Lss<'a>, LssError> {
        let mut lss = Lss { wire };
        lss.release()?;
        Ok(lss)
    }

    /// No device is configured any more: one that was given a node id starts with it.
    ///
    /// # Errors
    /// Where the interface takes nothing.
    pub fn release(&mut self) -> Result<(), LssError> {
        self.send(&[SWITCH_GLOBAL, 0])
    }

    fn send(&mut self, content: &[u8]) -> Result<(), LssError> {
        let mut bytes = [0; 8];
        bytes[..content.len()].copy_from_slice(content);
        let now_ns = self.wire.now_ns();
        // What came before is no answer.
        while self.wire.receive(now_ns).is_some() {}
        self.wire.send(&CanFrame::data(LSS_MASTER, &bytes), now_ns).map_err(LssError::NotSent)
    }

    /// The answer that begins with `command`, if one comes in time.
    fn answer(&mut self, command: u8) -> Option<[u8; 8]> {
        let end_ns = self.wire.now_ns() + ANSWER_NS;
        loop {
            let now_ns = self.wire.now_ns();
            while let Some(received) = self.wire.receive(now_ns) {
                let Received::Frame { frame, .. } = received else { continue };
                if frame.identifier() == LSS_DEVICE
                    && let Some(bytes) = frame.bytes().first_chunk::<8>()
                    && bytes[0] == command
                {
                    return Some(*bytes);
                }
            }
            if now_ns >= end_ns {
                return None;
            }
            self.wire.wait(now_ns + LOOK_NS);
        }
    }

    fn ask(&mut self, number: u32, bit: u8, part: u8, next: u8) -> Result<bool, LssError> {
        let [a, b, c, d] = number.to_le_bytes();
        self.send(&[FAST_SCAN, a, b, c, d, bit, part, next])?;
        Ok(self.answer(FOUND).is_some())
    }

    /// One device without a node id, found bit by bit; `None` where there is none. It is then the one that is configured. Takes
    /// some seconds.
    ///
    /// # Errors
    /// Where the interface takes nothing, or the device does not answer as it did.
    pub fn fast_scan(&mut self) -> Result<Option<LssAddress>, LssError> {
        if !self.ask(0, ANYBODY, 0, 0)? {
            return Ok(None);
        }
        let mut address = [0_u32; 4];
        for part in 0..4_u8 {
            let number = &mut address[usize::from(part)];
            let mut found = 0;
            for bit in (0..32_u8).rev() {
                // Who answers has a 0 there.
                if !self.ask(found, bit, part, part)? {
                    found |= 1 << bit;
                }
            }
            *number = found;
            if !self.ask(found, 0, part, (part + 1) % 4)? {
                return Err(LssError::Silent);
            }
        }
        Ok(Some(LssAddress(address)))
    }

    /// Takes one device to be configured.
    ///
    /// # Errors
    /// Where there is none.
    pub fn select(&mut self, address: &LssAddress) -> Result<(), LssError> {
        for (command, number) in (SELECT..).zip(address.0) {
            let [a, b, c, d] = number.to_le_bytes();
            self.send(&[command, a, b, c, d])?;
        }
        self.answer(SELECTED).map(drop).ok_or(LssError::NoSuchDevice)
    }

    fn set(&mut self, what: &'static str, content: &[u8]) -> Result<(), LssError> {
        self.send(content)?;
        match self.answer(content[0]) {
            None => Err(LssError::Silent),
            Some([_, 0, ..]) => Ok(()),
            Some([_, code, specific, ..]) => Err(LssError::Refused { what, code, specific }),
        }
    }

    /// Gives the selected device a node id; it takes it when it is released.
    ///
    /// # Errors
    /// Where it does not take it.
    pub fn set_node_id(&mut self, node: u8) -> Result<(), LssError> {
        if !NODE_IDS.contains(&node) {
            return Err(LssError::NodeId(node));
        }
        self.set("the node id", &[SET_NODE_ID, node])
    }

    /// Gives the selected device a bit rate, kbit/s; it takes it at its next power-on, once it is stored.
    ///
    /// # Errors
    /// Where it does not take it.
    pub fn set_bit_rate(&mut self, kbit_per_s: u32) -> Result<(), LssError> {
        let place = BIT_RATES.iter().find(|(rate, _)| *rate == kbit_per_s);
        let (_, place) = place.ok_or(LssError::BitRate(kbit_per_s))?;
        self.set("the bit rate", &[SET_BIT_RATE, 0, *place])
    }

    /// Has the selected device keep what it was given.
    ///
    /// # Errors
    /// Where it cannot.
    pub fn store(&mut self) -> Result<(), LssError> {
        self.set("to keep it", &[STORE])
    }
}
