//! `motionctl bus file`: a file of a device that no daemon runs (FoE), its firmware above all.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use motiond::commissioning::file::{DeviceFileError, FileJob, transfer};
use motiond::fieldbus::ethercat::files::Progress;
use motiond::fieldbus::ethercat::mailbox::FileName;
use motiond::fieldbus::ethercat::wire::Wire;

use crate::bus_wire::Interfaces;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Read a file of the device
    Read {
        #[command(flatten)]
        of: FileOfDevice,
        /// Where to put it; nothing is overwritten
        to: PathBuf,
    },
    /// Write a file to the device
    Write {
        #[command(flatten)]
        of: FileOfDevice,
        /// What to write
        from: PathBuf,
    },
}

#[derive(clap::Args)]
pub struct FileOfDevice {
    #[command(flatten)]
    device: Device,
    /// The file as the device knows it
    #[arg(value_parser = name)]
    name: FileName,
    /// The device's password, in hexadecimal digits
    #[arg(long, default_value = "0", value_parser = password)]
    password: u32,
    /// In the bootstrap state, as devices want it for their firmware; the device is left in INIT
    #[arg(long)]
    boot: bool,
}

fn name(text: &str) -> Result<FileName, String> {
    FileName::new(text).ok_or_else(|| "a name is 1 to 128 printable ASCII characters".to_string())
}

fn password(text: &str) -> Result<u32, String> {
    let digits = text.trim_start_matches("0x");
    u32::from_str_radix(digits, 16).map_err(|_| "a password is up to eight hexadecimal digits".to_string())
}

#[derive(clap::Args)]
pub struct Device {
    #[command(flatten)]
    pub interfaces: Interfaces,
    /// Place of the device on the wire, from 0
    #[arg(long, short)]
    pub position: u16,
}

impl Verb {
    pub fn device(&self) -> &Device {
        let (Verb::Read { of, .. } | Verb::Write { of, .. }) = self;
        &of.device
    }

    /// The file of this computer.
    pub fn file(&self) -> &Path {
        let (Verb::Read { to: file, .. } | Verb::Write { from: file, .. }) = self;
        file
    }

    pub fn writes(&self) -> bool {
        matches!(self, Verb::Write { .. })
    }

    /// Reads it, or writes `content`; how far it is stands on a terminal's line meanwhile.
    pub fn carry_out(&self, wire: &mut dyn Wire, content: Option<&[u8]>) -> Result<Vec<u8>, DeviceFileError> {
        let (Verb::Read { of, .. } | Verb::Write { of, .. }) = self;
        let FileOfDevice { device, name, password, boot } = of;
        let job = FileJob { position: device.position, name: *name, password: *password, boot: *boot, content };
        let mut errors = std::io::stderr();
        let shows = errors.is_terminal();
        let mut say = |words: String| {
            // Whoever does not see it can do without.
            let _ = write!(errors, "\r{words:<40}").and_then(|()| errors.flush());
        };
        let whole = content.map(|content| content.len() as u64);
        let mut progress = |progress| match (progress, whole) {
            _ if !shows => {}
            (Progress::Bytes(bytes), Some(whole)) => say(format!("{bytes} of {whole} bytes")),
            (Progress::Bytes(bytes), None) => say(format!("{bytes} bytes")),
            (Progress::Busy(_, 0), _) => say("the device is busy".to_string()),
            (Progress::Busy(done, entire), _) => say(format!("the device is busy: {done} of {entire}")),
        };
        let done = transfer(wire, &job, &mut progress);
        if shows {
            say("\r".to_string());
        }
        done
    }

    /// What was done, in words.
    pub fn words(&self, bytes: usize) -> String {
        let file = self.file().display();
        if self.writes() {
            format!("{file}: {bytes} bytes written to the device")
        } else {
            format!("{file}: {bytes} bytes read")
        }
    }
}
