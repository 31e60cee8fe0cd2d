//! `motionctl bus`: the devices of a bus that no daemon runs.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use motiond::commissioning::interface::{self, InterfaceError};
use motiond::commissioning::skeleton::skeleton;
use motiond::commissioning::survey::{SurveyedDevice, survey};
use motiond::fieldbus::ethercat::register::AlState;
use motiond::fieldbus::ethercat::scan::ScanError;
use serde_json::{Value, json};

use crate::shell::print_line;
use crate::table::table;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Show the EtherCAT devices on a network interface; needs no daemon, but CAP_NET_RAW
    ///
    /// Every device is taken to PREOP and asked what it is; nothing moves. An interface that another master uses is left
    /// alone.
    Scan(ScanArguments),
}

#[derive(clap::Args)]
pub struct ScanArguments {
    /// The network interface
    #[arg(long, short)]
    interface: String,
    /// Write a configuration to start from into this new file; - prints it instead of the table
    #[arg(long, value_name = "FILE")]
    skeleton: Option<PathBuf>,
}

pub fn run(verb: &Verb, json: bool) -> ExitCode {
    let Verb::Scan(arguments) = verb;
    match scan(arguments, json) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            let (message, hint) = trouble.words();
            if json {
                eprintln!("{}", json!({ "error": trouble.name(), "message": message }));
            } else {
                eprintln!("motionctl: {message}");
                if let Some(hint) = hint {
                    eprintln!("  {hint}");
                }
            }
            ExitCode::FAILURE
        }
    }
}

enum Trouble {
    Interface(InterfaceError),
    Scan { interface: String, error: ScanError },
    Exists(PathBuf),
    NotWritten(PathBuf, io::Error),
}

impl Trouble {
    fn name(&self) -> &'static str {
        match self {
            Trouble::Interface(InterfaceError::Unknown { .. }) => "NoSuchInterface",
            Trouble::Interface(InterfaceError::Down(_)) => "InterfaceDown",
            Trouble::Interface(InterfaceError::NoLink(_)) => "NoLink",
            Trouble::Interface(InterfaceError::Busy { .. }) => "InterfaceBusy",
            Trouble::Interface(InterfaceError::NotPermitted) => "NotPermitted",
            Trouble::Interface(InterfaceError::System { .. }) => "Interface",
            Trouble::Scan { .. } => "Scan",
            Trouble::Exists(_) => "FileExists",
            Trouble::NotWritten(..) => "NotWritten",
        }
    }

    /// What is wrong, and what to do about it.
    fn words(&self) -> (String, Option<String>) {
        match self {
            Trouble::Interface(error) => (error.to_string(), Some(error.hint())),
            Trouble::Scan { interface, error } => (format!("interface {interface}: {error}"), None),
            Trouble::Exists(file) => (
                format!("{} exists already", file.display()),
                Some("nothing was overwritten; name a new file".to_string()),
            ),
            Trouble::NotWritten(file, error) => (format!("{}: {error}", file.display()), None),
        }
    }
}

fn scan(arguments: &ScanArguments, json: bool) -> Result<(), Trouble> {
    let ScanArguments { interface, skeleton: file } = arguments;
    let to_stdout = file.as_deref() == Some(Path::new("-"));
    if let Some(file) = file.as_ref().filter(|file| !to_stdout && file.exists()) {
        return Err(Trouble::Exists(file.clone()));
    }
    let mut wire = interface::open(interface).map_err(Trouble::Interface)?;
    let devices = survey(&mut wire).map_err(|error| Trouble::Scan { interface: interface.clone(), error })?;
    if to_stdout {
        print_line(skeleton(&devices, interface).trim_end());
        return Ok(());
    }
    if json {
        print_line(
            &json!({ "interface": interface, "devices": devices.iter().map(as_json).collect::<Vec<_>>() }).to_string(),
        );
    } else {
        print_line(&as_table(&devices));
    }
    if let Some(file) = file {
        let written = OpenOptions::new().write(true).create_new(true).open(file);
        let written = written.and_then(|mut open| open.write_all(skeleton(&devices, interface).as_bytes()));
        written.map_err(|error| Trouble::NotWritten(file.clone(), error))?;
        if !json {
            print_line(&format!(
                "\nwritten: {0}; look at its lines with CHECK, then: motiond check-config {0}",
                file.display()
            ));
        }
    }
    Ok(())
}

/// The bits of word 1Ch of the SII.
fn protocols(device: &SurveyedDevice) -> Vec<&'static str> {
    let bits = device.found.sii.protocols;
    let names = ["AoE", "EoE", "CoE", "FoE", "SoE", "VoE"];
    names.into_iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, name)| name).collect()
}

fn state(device: &SurveyedDevice) -> String {
    match &device.status {
        None => "?".to_string(),
        Some(status) => {
            let state = status.state.map_or("?", AlState::name);
            if status.error { format!("{state} ({})", status.code) } else { state.to_string() }
        }
    }
}

fn bytes(bits: u32) -> String {
    if bits.is_multiple_of(8) { format!("{} B", bits / 8) } else { format!("{bits} bit") }
}

fn as_table(devices: &[SurveyedDevice]) -> String {
    let heading = [
        "POS", "STATION", "ALIAS", "WHAT", "NAME", "VENDOR", "PRODUCT", "REVISION", "SERIAL", "PORTS", "CLOCK",
        "MAILBOX", "OUT", "IN", "STATE",
    ];
    let rows: Vec<Vec<String>> = devices
        .iter()
        .map(|device| {
            let found = &device.found;
            let linked =
                |ports: [bool; 4]| (0..4).filter(|port| ports[*port]).map(|port| port.to_string()).collect::<String>();
            let protocols = protocols(device);
            vec![
                found.position.to_string(),
                found.station.to_string(),
                if found.alias == 0 { "-".to_string() } else { found.alias.to_string() },
                device.nature().to_string(),
                device.name().to_string(),
                format!("{:#010x}", found.vendor),
                format!("{:#010x}", found.product),
                format!("{:#010x}", found.revision),
                found.serial.to_string(),
                device.ports.map_or("?".to_string(), linked),
                if found.has_clock { "yes" } else { "no" }.to_string(),
                if protocols.is_empty() { "-".to_string() } else { protocols.join(",") },
                bytes(device.output_bits()),
                bytes(device.input_bits()),
                state(device),
            ]
        })
        .collect();
    table(&heading, &rows, &[0, 1, 8, 12, 13])
}

fn as_json(device: &SurveyedDevice) -> Value {
    let found = &device.found;
    json!({
        "position": found.position,
        "station": found.station,
        "alias": found.alias,
        "nature": device.nature().to_string(),
        "name": device.name(),
        "vendor_id": found.vendor,
        "product_code": found.product,
        "revision": found.revision,
        "serial_number": found.serial,
        "ports": device.ports,
        "has_clock": found.has_clock,
        "mailbox": protocols(device),
        "output_bits": device.output_bits(),
        "input_bits": device.input_bits(),
        "state": state(device),
    })
}
