//! Who is on a CANopen bus: every node id is asked what it is. Nobody is configured, started or stopped by that.

use crate::fieldbus::canopen::connection::{NODE_IDS, SDO_ANSWER, SDO_REQUEST, identifier, split};
use crate::fieldbus::canopen::frame::CanFrame;
use crate::fieldbus::canopen::sdo::{Bytes, Download, Step, Transfer, TransferError, Upload};
use crate::fieldbus::canopen::wire::{CanWire, NotSent, Received};
use crate::fieldbus::sdo::Address;

/// How long a node may take for an answer, nanoseconds.
const ANSWER_NS: u64 = 200_000_000;
/// From one frame to the next: a tenth of what 125 kbit/s carries.
const STEP_NS: u64 = 1_000_000;
/// CiA 402, in the lower half of 1000h; CiA 401 is a terminal.
const DRIVE: u32 = 402;
const TERMINAL: u32 = 401;

/// A node that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundNode {
    /// Its node id.
    pub node: u8,
    /// 1000h.
    pub device_type: u32,
    /// 1018h:1 to 4; `None` where it does not say.
    pub identity: [Option<u32>; 4],
    /// 1008h.
    pub name: Option<String>,
}

impl FoundNode {
    /// What it is, in a word.
    pub fn what(&self) -> &'static str {
        match self.device_type & 0xFFFF {
            DRIVE => "drive",
            TERMINAL => "terminal",
            _ => "device",
        }
    }
}

/// Why a bus could not be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SurveyError {
    /// The interface does not take frames.
    NotSent(NotSent),
    /// No node answered.
    Nobody,
}

impl std::fmt::Display for SurveyError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            SurveyError::NotSent(NotSent::Down) => "it is down: ip link set INTERFACE up type can bitrate 1000000",
            SurveyError::NotSent(NotSent::QueueFull) => {
                "it does not get rid of its frames: nobody on the wire acknowledges them, or the bit rate is another"
            }
            SurveyError::Nobody => {
                "no node answers: see to their supply, the bit rate, the cable and its termination; one without a node id \
                 answers nobody"
            }
        })
    }
}

impl std::error::Error for SurveyError {}

/// Asks every node id.
///
/// # Errors
/// Where the interface takes nothing, or nobody answers.
pub fn survey(wire: &mut dyn CanWire) -> Result<Vec<FoundNode>, SurveyError> {
    // All of them at once, so that those that are not there are waited for together.
    let device_type = Upload::new(Address::entry(0x1000, 0), false);
    let mut asked: Vec<(u8, Upload, bool)> = NODE_IDS.map(|node| (node, device_type.clone(), false)).collect();
    for (node, upload, _) in &mut asked {
        send(wire, *node, upload)?;
        let next_ns = wire.now_ns() + STEP_NS;
        wire.wait(next_ns);
    }
    let end_ns = wire.now_ns() + ANSWER_NS;
    while wire.now_ns() < end_ns {
        let now_ns = wire.now_ns();
        while let Some((node, bytes)) = answer(wire, now_ns) {
            if let Some((_, upload, done)) = asked.iter_mut().find(|(asked, ..)| *asked == node) {
                *done |= upload.take(&bytes) == Step::Done;
            }
        }
        wire.wait(now_ns + STEP_NS);
    }
    let mut found = Vec::new();
    for (node, upload, _) in asked.iter().filter(|(.., done)| *done) {
        let mut number =
            |subindex| read(wire, *node, Address::entry(0x1018, subindex)).ok().map(|bytes| little(&bytes));
        let identity = [number(1), number(2), number(3), number(4)];
        let name = read(wire, *node, Address::entry(0x1008, 0)).ok();
        let name = name.map(|bytes| String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_string());
        found.push(FoundNode { node: *node, device_type: little(upload.data()), identity, name });
    }
    if found.is_empty() { Err(SurveyError::Nobody) } else { Ok(found) }
}

/// Reads an object of a node.
///
/// # Errors
/// Where it refuses, or does not answer.
pub fn read(wire: &mut dyn CanWire, node: u8, address: Address) -> Result<Vec<u8>, TransferError> {
    let mut upload = Upload::new(address, false);
    carry_out(wire, node, &mut upload)?;
    Ok(upload.data().to_vec())
}

/// Writes an object of a node.
///
/// # Errors
/// Where it refuses, or does not answer; the node may have taken a value whose confirmation was lost.
pub fn write(wire: &mut dyn CanWire, node: u8, address: Address, value: &[u8]) -> Result<(), TransferError> {
    carry_out(wire, node, &mut Download::new(address, value, false)?)
}

/// Carries a transfer out, waiting for the node as long as it may take.
///
/// # Errors
/// As the transfer's.
pub fn carry_out(wire: &mut dyn CanWire, node: u8, transfer: &mut dyn Transfer) -> Result<(), TransferError> {
    let mut moved_ns = wire.now_ns();
    loop {
        let now_ns = wire.now_ns();
        if send(wire, node, transfer).is_err() || now_ns > moved_ns + ANSWER_NS {
            let error = transfer.abandon();
            let _ = send(wire, node, transfer);
            return Err(error);
        }
        while let Some((from, bytes)) = answer(wire, now_ns) {
            if from != node {
                continue;
            }
            moved_ns = now_ns;
            match transfer.take(&bytes) {
                Step::Continue | Step::NotForUs => {}
                Step::Done => {
                    let _ = send(wire, node, transfer);
                    return Ok(());
                }
                Step::Failed(error) => {
                    let _ = send(wire, node, transfer);
                    return Err(error);
                }
            }
        }
        wire.wait(now_ns + STEP_NS / 10);
    }
}

/// Sends what a transfer has to say, if anything.
fn send(wire: &mut dyn CanWire, node: u8, transfer: &mut dyn Transfer) -> Result<(), SurveyError> {
    let Some(bytes) = transfer.next() else { return Ok(()) };
    let now_ns = wire.now_ns();
    let sent = wire.send(&CanFrame::data(identifier(SDO_REQUEST, node), &bytes), now_ns);
    sent.map_err(SurveyError::NotSent)
}

/// The next SDO answer that came.
fn answer(wire: &mut dyn CanWire, now_ns: u64) -> Option<(u8, Bytes)> {
    loop {
        let Received::Frame { frame, .. } = wire.receive(now_ns)? else { continue };
        let (service, node) = split(frame.identifier());
        if let (SDO_ANSWER, Some(bytes)) = (service, frame.bytes().first_chunk::<8>()) {
            return Some((node, *bytes));
        }
    }
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
