//! One file of one device, where no daemon runs: its firmware above all.

use std::fmt;

use crate::fieldbus::ethercat::dialogue::{Dialogue, DialogueError};
use crate::fieldbus::ethercat::files::{Files, Progress};
use crate::fieldbus::ethercat::mailbox::{FileName, TransferError};
use crate::fieldbus::ethercat::register::AlState;
use crate::fieldbus::ethercat::ring_end;
use crate::fieldbus::ethercat::scan::{FoundDevice, ScanError, scan};
use crate::fieldbus::ethercat::setup::mailbox;
use crate::fieldbus::ethercat::wire::Wire;

/// How long a device may take to a state, nanoseconds: one that boots takes its time.
const STATE_NS: u64 = 10_000_000_000;

/// What is done with which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileJob<'a> {
    /// Place of the device on the wire, from 0.
    pub position: u16,
    /// The file as the device knows it.
    pub name: FileName,
    /// What the device asks for; 0 is none.
    pub password: u32,
    /// It is done in the bootstrap state, as devices want it for firmware.
    pub boot: bool,
    /// What is written; `None` reads.
    pub content: Option<&'a [u8]>,
}

/// Why it could not be read or written.
#[derive(Clone, Debug, PartialEq)]
pub enum DeviceFileError {
    /// The segment could not be scanned.
    Scan(ScanError),
    /// There is no device at this place.
    NoDevice {
        /// Its place on the wire, from 0.
        position: u16,
        /// So many answer.
        found: usize,
    },
    /// The device has no mailbox for files; `boot` tells in which state.
    NoFiles {
        /// It was to be in the bootstrap state.
        boot: bool,
    },
    /// The device does not go where it must.
    Device(DialogueError),
    /// The device refused it, or did not answer.
    Transfer(TransferError),
}

impl fmt::Display for DeviceFileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceFileError::Scan(error) => write!(out, "{error}"),
            DeviceFileError::NoDevice { position, found } => {
                write!(out, "there is no device at position {position}: {found} answer, counted from 0")
            }
            DeviceFileError::NoFiles { boot: false } => {
                out.write_str("the device takes no files in PREOP: its SII names no mailbox with FoE")
            }
            DeviceFileError::NoFiles { boot: true } => {
                out.write_str("the device has no bootstrap state: its SII names no mailbox for it")
            }
            DeviceFileError::Device(error) => write!(out, "{error}"),
            DeviceFileError::Transfer(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for DeviceFileError {}

/// Brings every device to PREOP, and the one that is meant to BOOT where that is asked for, and reads or writes a file; what
/// was read. A device that was in BOOT is left in INIT: with a new firmware it restarts, or wants to be switched off and on.
///
/// # Errors
/// Where there is no such device, or it refuses.
pub fn transfer(
    wire: &mut dyn Wire,
    job: &FileJob<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, DeviceFileError> {
    let found = scan(wire).map_err(DeviceFileError::Scan)?;
    let device = found.get(usize::from(job.position));
    let device = device.ok_or(DeviceFileError::NoDevice { position: job.position, found: found.len() })?;
    let done = with_device(&mut Dialogue::over(wire), device, job, progress);
    ring_end::leave(wire);
    done
}

fn with_device(
    dialogue: &mut Dialogue<'_>,
    device: &FoundDevice,
    job: &FileJob<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<u8>, DeviceFileError> {
    let FoundDevice { station, sii, .. } = device;
    let areas = if job.boot { sii.bootstrap } else { sii.mailbox };
    let none = DeviceFileError::NoFiles { boot: job.boot };
    let areas = areas.filter(|areas| areas.foe).ok_or(none.clone())?;
    if job.boot {
        let mut go = |state| dialogue.change_state(*station, state, STATE_NS).map_err(DeviceFileError::Device);
        go(AlState::Init)?;
        for write in mailbox(sii, Some(areas)) {
            let written = dialogue.write(*station, write.register, write.bytes());
            written.map_err(DeviceFileError::Device)?;
        }
        dialogue.change_state(*station, AlState::Bootstrap, STATE_NS).map_err(DeviceFileError::Device)?;
    }
    let mut files = Files::of(dialogue, *station, areas).map_err(|_| none)?;
    let done = match job.content {
        Some(content) => files.write(job.name, job.password, content, progress).map(|()| Vec::new()),
        None => files.read(job.name, job.password, progress),
    };
    if job.boot {
        // One that restarts by itself does not answer now.
        let _ = dialogue.request_state(*station, AlState::Init);
    }
    done.map_err(DeviceFileError::Transfer)
}
