//! What stands on a segment, device by device, as far as it tells.

use std::fmt;

use crate::fieldbus::ethercat::dialogue::Dialogue;
use crate::fieldbus::ethercat::mailbox::{Address, TransferError};
use crate::fieldbus::ethercat::objects::Objects;
use crate::fieldbus::ethercat::register::{AlStatus, DL_STATUS};
use crate::fieldbus::ethercat::ring_end;
use crate::fieldbus::ethercat::scan::{FoundDevice, ScanError, scan};
use crate::fieldbus::ethercat::sii::SiiPdo;
use crate::fieldbus::ethercat::wire::Wire;
use crate::fieldbus::mapping::axis_object;
use crate::limits::MAX_DEVICE_AXES;

// Objects (CiA 301, CiA 402-2, ETG.1000.6).
const DEVICE_TYPE: u16 = 0x1000;
const DEVICE_NAME: u16 = 0x1008;
const OUTPUT_ASSIGNMENT: u16 = 0x1C12;
const INPUT_ASSIGNMENT: u16 = 0x1C13;
const ENCODER_RESOLUTION: u16 = 0x608F;
const GEAR_RATIO: u16 = 0x6091;
const FEED_CONSTANT: u16 = 0x6092;
const SUPPORTED_MODES: u16 = 0x6502;
const CONTROLWORD: u16 = 0x6040;
/// Low word of 1000h of a drive.
const DRIVE_PROFILE: u32 = 402;
/// PDOs of one direction and entries of one PDO that are looked at.
const MAX_PDOS: u8 = 16;
const MAX_ENTRIES: u8 = 64;

/// What a drive says of one of its axes; `None` where it has no such object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DriveFacts {
    /// 608Fh: encoder increments in so many motor turns.
    pub encoder: Option<(u32, u32)>,
    /// 6091h: motor turns in so many shaft turns, which the drive's own positions have in them.
    pub gear: Option<(u32, u32)>,
    /// 6092h: position units in so many shaft turns.
    pub feed: Option<(u32, u32)>,
    /// 6502h: a bit for each mode of operation, from 1.
    pub modes: Option<u32>,
}

/// What a device tells through its mailbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MailboxFacts {
    /// 1000h.
    pub device_type: Option<u32>,
    /// 1008h.
    pub name: Option<String>,
    /// Bits of process data to it and from it, as mapped now.
    pub mapped_bits: [Option<u32>; 2],
    /// Its axes, where it is a drive.
    pub axes: Vec<DriveFacts>,
    /// Why it told no more.
    pub failed: Option<TransferError>,
}

/// One device.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyedDevice {
    /// As the scan found it.
    pub found: FoundDevice,
    /// Its application layer; `None` where it did not answer.
    pub status: Option<AlStatus>,
    /// Which of its ports have a link; `None` where it did not answer.
    pub ports: Option<[bool; 4]>,
    /// What it tells through its mailbox, where that speaks CoE.
    pub mailbox: Option<MailboxFacts>,
}

/// What a device is to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A CiA 402 drive.
    Drive,
    /// Process data and no drive.
    Terminal,
    /// No process data: couplers, junctions.
    Coupler,
}

impl fmt::Display for Nature {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Nature::Drive => "drive",
            Nature::Terminal => "terminal",
            Nature::Coupler => "coupler",
        })
    }
}

impl SurveyedDevice {
    /// What it is called: by its mailbox, else by its SII.
    pub fn name(&self) -> &str {
        let told = self.mailbox.as_ref().and_then(|mailbox| mailbox.name.as_deref());
        told.filter(|_| self.found.name.is_empty()).unwrap_or(&self.found.name)
    }

    /// What it is: by its device type, else by what it can map.
    pub fn nature(&self) -> Nature {
        let device_type = self.mailbox.as_ref().and_then(|mailbox| mailbox.device_type);
        let maps_controlword = || {
            let entries = self.found.sii.rx_pdos.iter().flat_map(|pdo| &pdo.entries);
            entries.into_iter().any(|(index, ..)| *index == CONTROLWORD)
        };
        match device_type {
            Some(device_type) if device_type & 0xFFFF == DRIVE_PROFILE => return Nature::Drive,
            // 0: no profile, as modular devices say.
            None | Some(0) if maps_controlword() => return Nature::Drive,
            _ => {}
        }
        let bits = [self.output_bits(), self.input_bits()];
        if bits == [0, 0] { Nature::Coupler } else { Nature::Terminal }
    }

    /// Bits of process data to it.
    pub fn output_bits(&self) -> u32 {
        self.bits(0, &self.found.sii.rx_pdos)
    }

    /// Bits of process data from it.
    pub fn input_bits(&self) -> u32 {
        self.bits(1, &self.found.sii.tx_pdos)
    }

    fn bits(&self, way: usize, pdos: &[SiiPdo]) -> u32 {
        let mapped = self.mailbox.as_ref().and_then(|mailbox| mailbox.mapped_bits[way]);
        mapped.unwrap_or_else(|| {
            let assigned = pdos.iter().filter(|pdo| pdo.sync_manager.is_some());
            assigned.flat_map(|pdo| &pdo.entries).map(|(.., bits)| u32::from(*bits)).sum()
        })
    }
}

/// Brings every device to PREOP and asks it what it is. Takes its time, and leaves the devices where they are.
///
/// # Errors
/// As [`scan`].
pub fn survey(wire: &mut dyn Wire) -> Result<Vec<SurveyedDevice>, ScanError> {
    let found = scan(wire)?;
    let mut dialogue = Dialogue::over(wire);
    let mut devices = Vec::with_capacity(found.len());
    for found in found {
        let mailbox = mailbox(&mut dialogue, &found);
        let ports = dialogue
            .read::<2>(found.station, DL_STATUS)
            .ok()
            .map(|[low, _]| [4, 5, 6, 7].map(|bit| low >> bit & 1 == 1));
        let status = dialogue.al_status(found.station).ok();
        devices.push(SurveyedDevice { status, ports, mailbox, found });
    }
    ring_end::leave(wire);
    Ok(devices)
}

fn mailbox(dialogue: &mut Dialogue<'_>, found: &FoundDevice) -> Option<MailboxFacts> {
    let areas = found.sii.mailbox.filter(|areas| areas.coe)?;
    let mut objects = Objects::of(dialogue, found.station, areas).ok()?;
    let mut facts = MailboxFacts::default();
    facts.failed = ask(&mut objects, &mut facts).err();
    Some(facts)
}

fn ask(objects: &mut Objects<'_, '_>, facts: &mut MailboxFacts) -> Result<(), TransferError> {
    facts.device_type = number(objects, DEVICE_TYPE, 0)?;
    let name = value(objects, DEVICE_NAME, 0)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    facts.name = name.map(|name| name.trim_matches(['\0', ' ']).to_string()).filter(|name| !name.is_empty());
    for (way, assignment) in [OUTPUT_ASSIGNMENT, INPUT_ASSIGNMENT].into_iter().enumerate() {
        facts.mapped_bits[way] = mapped_bits(objects, assignment)?;
    }
    if facts.device_type.is_none_or(|device_type| device_type & 0xFFFF != DRIVE_PROFILE) {
        return Ok(());
    }
    for axis in 0..MAX_DEVICE_AXES as u8 {
        let base = axis_object(0, axis);
        if axis > 0 && number(objects, CONTROLWORD + base, 0)?.is_none() {
            break;
        }
        facts.axes.push(DriveFacts {
            encoder: pair(objects, ENCODER_RESOLUTION + base)?,
            gear: pair(objects, GEAR_RATIO + base)?,
            feed: pair(objects, FEED_CONSTANT + base)?,
            modes: number(objects, SUPPORTED_MODES + base, 0)?,
        });
    }
    Ok(())
}

/// The object, or nothing where the device has none.
fn value(objects: &mut Objects<'_, '_>, index: u16, subindex: u8) -> Result<Option<Vec<u8>>, TransferError> {
    match objects.read(Address::entry(index, subindex)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.error, TransferError::Aborted { .. }) => Ok(None),
        Err(error) => Err(error.error),
    }
}

/// The same as a number; of a longer one the low four bytes.
fn number(objects: &mut Objects<'_, '_>, index: u16, subindex: u8) -> Result<Option<u32>, TransferError> {
    let bytes = value(objects, index, subindex)?.filter(|bytes| !bytes.is_empty());
    Ok(bytes.map(|bytes| bytes.iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))))
}

/// Subindices 1 and 2.
fn pair(objects: &mut Objects<'_, '_>, index: u16) -> Result<Option<(u32, u32)>, TransferError> {
    Ok(number(objects, index, 1)?.zip(number(objects, index, 2)?))
}

fn mapped_bits(objects: &mut Objects<'_, '_>, assignment: u16) -> Result<Option<u32>, TransferError> {
    let Some(count) = number(objects, assignment, 0)? else { return Ok(None) };
    let mut bits = 0;
    for place in 1..=count.min(u32::from(MAX_PDOS)) as u8 {
        let Some(pdo) = number(objects, assignment, place)? else { continue };
        let entries = number(objects, pdo as u16, 0)?.unwrap_or(0);
        for entry in 1..=entries.min(u32::from(MAX_ENTRIES)) as u8 {
            bits += number(objects, pdo as u16, entry)?.unwrap_or(0) & 0xFF;
        }
    }
    Ok(Some(bits))
}
