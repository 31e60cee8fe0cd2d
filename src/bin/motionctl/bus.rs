//! `motionctl bus`: the devices of a bus that no daemon runs.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use motiond::commissioning::eds::{self, EdsError};
use motiond::commissioning::esi::{EsiDevice, EsiError, describe, load, load_directory};
use motiond::commissioning::file::DeviceFileError;
use motiond::commissioning::interface::InterfaceError;
use motiond::commissioning::object::DeviceObjectError;
use motiond::commissioning::profile::profile;
use motiond::commissioning::skeleton::skeleton;
use motiond::commissioning::survey::{SurveyedDevice, survey};
use motiond::commissioning::wording::plain;
use motiond::fieldbus::canopen::socket::SocketCan;
use motiond::fieldbus::ethercat::mailbox::TransferError;
use motiond::fieldbus::ethercat::register::AlState;
use motiond::fieldbus::ethercat::scan::ScanError;
use serde_json::{Value, json};

use crate::bus_file;
use crate::bus_lss;
use crate::bus_nodes::{self, is_can};
use crate::bus_sdo;
use crate::bus_wire::Interfaces;
use crate::shell::print_line;
use crate::table::table;

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Show the EtherCAT devices on a network interface, or the nodes on a CAN interface; needs no daemon, but CAP_NET_RAW
    ///
    /// Every EtherCAT device is taken to PREOP and asked what it is; nothing moves. An interface that another master uses is
    /// left alone. CANopen nodes are asked what they are and stay as they are.
    Scan(ScanArguments),
    /// Read or write an object of a device; needs no daemon, but CAP_NET_RAW
    ///
    /// As with a scan, every EtherCAT device is taken to PREOP, and an interface that another master uses is left alone. A
    /// CANopen node (--node) stays as it is.
    #[command(subcommand)]
    Sdo(crate::bus_sdo::Verb),
    /// Read or write a file of a device (FoE), its firmware above all; needs no daemon, but CAP_NET_RAW
    ///
    /// As with a scan, every device is taken to PREOP; with --boot this one goes to its bootstrap state, and is left in INIT.
    #[command(subcommand)]
    File(crate::bus_file::Verb),
    /// Give CANopen devices their node ids and bit rates (LSS); needs no daemon, but CAP_NET_RAW
    #[command(subcommand)]
    Lss(bus_lss::Verb),
    /// Make a device profile out of a CANopen device's data sheet (EDS, or DCF with values)
    ImportEds(ImportEdsArguments),
    /// Make a drive profile out of a vendor's device description (ESI)
    ImportEsi(ImportArguments),
}

#[derive(clap::Args)]
pub struct ScanArguments {
    #[command(flatten)]
    interfaces: Interfaces,
    /// Write a configuration to start from into this new file; - prints it instead of the table
    #[arg(long, value_name = "FILE")]
    skeleton: Option<PathBuf>,
    /// Vendors' device descriptions (ESI, *.xml), for names and the skeleton
    #[arg(long, value_name = "DIR")]
    esi: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct ImportEdsArguments {
    /// The data sheet
    file: PathBuf,
    /// Write the profile into this new file [default: print it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct ImportArguments {
    /// The description
    file: PathBuf,
    /// Product code of the device, where the file has several
    #[arg(long, value_parser = number)]
    product: Option<u32>,
    /// Its revision [default: the latest]
    #[arg(long, value_parser = number)]
    revision: Option<u32>,
    /// Write the profile into this new file [default: print it]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Decimal, or hexadecimal behind 0x.
pub fn number(text: &str) -> Result<u32, std::num::ParseIntError> {
    match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    }
}

pub fn run(verb: &Verb, json: bool) -> ExitCode {
    let done = match verb {
        Verb::Scan(arguments) => scan(arguments, json),
        Verb::ImportEds(arguments) => import_eds(arguments),
        Verb::ImportEsi(arguments) => import_esi(arguments),
        Verb::Sdo(verb) => sdo(verb, json),
        Verb::File(verb) => file(verb, json),
        Verb::Lss(verb) => bus_lss::run(verb, json).map_err(Trouble::Value),
    };
    match done {
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
    Scan {
        interface: String,
        error: ScanError,
    },
    /// A value that is none.
    Value(String),
    Object {
        interface: String,
        error: DeviceObjectError,
    },
    File {
        interface: String,
        error: DeviceFileError,
    },
    Esi(EsiError),
    Eds(EdsError),
    /// No device of the description, or several: these are there.
    Choice(PathBuf, Vec<String>),
    Exists(PathBuf),
    NotRead(PathBuf, io::Error),
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
            Trouble::Value(_) => "Value",
            Trouble::Object { .. } => "Object",
            Trouble::File { .. } => "File",
            Trouble::Esi(_) => "Esi",
            Trouble::Eds(_) => "Eds",
            Trouble::Choice(..) => "Choice",
            Trouble::Exists(_) => "FileExists",
            Trouble::NotRead(..) => "NotRead",
            Trouble::NotWritten(..) => "NotWritten",
        }
    }

    /// What is wrong, and what to do about it.
    fn words(&self) -> (String, Option<String>) {
        match self {
            Trouble::Interface(error) => (error.to_string(), Some(error.hint())),
            Trouble::Scan { interface, error } => {
                let ring = "where the devices are in a ring, name its other interface too: --redundant-interface";
                let hint = (*error == ScanError::NoDevices).then(|| ring.to_string());
                (format!("interface {interface}: {error}"), hint)
            }
            Trouble::Value(words) => (words.clone(), None),
            Trouble::Object { interface, error } => (format!("interface {interface}: {error}"), None),
            Trouble::File { interface, error } => {
                let boot = "it may want its bootstrap state for that file: --boot";
                let hint =
                    matches!(error, DeviceFileError::Transfer(TransferError::File { code, .. }) if code.wants_boot());
                (format!("interface {interface}: {error}"), hint.then(|| boot.to_string()))
            }
            Trouble::Esi(error) => (error.to_string(), None),
            Trouble::Eds(error) => (error.to_string(), None),
            Trouble::Choice(file, there) if there.is_empty() => {
                (format!("{} has no device that can be understood", file.display()), None)
            }
            Trouble::Choice(file, there) => (
                format!("{}: which device? Name one with --product, and --revision", file.display()),
                Some(there.join("\n  ")),
            ),
            Trouble::Exists(file) => (
                format!("{} exists already", file.display()),
                Some("nothing was overwritten; name a new file".to_string()),
            ),
            Trouble::NotRead(file, error) | Trouble::NotWritten(file, error) => {
                (format!("{}: {error}", file.display()), None)
            }
        }
    }
}

fn scan(arguments: &ScanArguments, json: bool) -> Result<(), Trouble> {
    let ScanArguments { interfaces, skeleton: file, esi } = arguments;
    let Interfaces { interface, redundant_interface } = interfaces;
    let to_stdout = file.as_deref() == Some(Path::new("-"));
    if let Some(file) = file.as_ref().filter(|file| !to_stdout && file.exists()) {
        return Err(Trouble::Exists(file.clone()));
    }
    if is_can(interface) {
        if esi.is_some() || redundant_interface.is_some() {
            return Err(Trouble::Value("a CAN interface has no --esi and no --redundant-interface".into()));
        }
        let (wire, nodes) = bus_nodes::scan(interface).map_err(Trouble::Value)?;
        if !to_stdout {
            bus_nodes::show(interface, &nodes, json);
        }
        let skeleton = || bus_nodes::skeleton(interface, wire, nodes);
        return file.as_ref().map_or(Ok(()), |file| write_skeleton(file, &skeleton(), to_stdout, json));
    }
    let known = match esi {
        Some(directory) => {
            let (known, errors) = load_directory(directory).map_err(Trouble::Esi)?;
            errors.iter().for_each(|error| eprintln!("motionctl: {error}"));
            known
        }
        None => Vec::new(),
    };
    let mut wire = interfaces.open().map_err(Trouble::Interface)?;
    let devices = survey(&mut *wire).map_err(|error| Trouble::Scan { interface: interface.clone(), error })?;
    let written = || skeleton(&devices, interface, redundant_interface.as_deref(), &known);
    if to_stdout {
        return write_skeleton(Path::new("-"), &written(), true, json);
    }
    if json {
        print_line(
            &json!({ "interface": interface, "devices": devices.iter().map(as_json).collect::<Vec<_>>() }).to_string(),
        );
    } else {
        print_line(&as_table(&devices, &known));
    }
    file.as_ref().map_or(Ok(()), |file| write_skeleton(file, &written(), false, json))
}

fn write_skeleton(file: &Path, text: &str, to_stdout: bool, json: bool) -> Result<(), Trouble> {
    if to_stdout {
        print_line(text.trim_end());
        return Ok(());
    }
    write_new(file, text.as_bytes())?;
    if !json {
        print_line(&format!(
            "\nwritten: {0}; look at its lines with CHECK, then: motiond check-config {0}",
            file.display()
        ));
    }
    Ok(())
}

fn sdo(verb: &bus_sdo::Verb, json: bool) -> Result<(), Trouble> {
    let bus_sdo::Device { interfaces, position, node } = verb.device();
    let value = verb.value().map_err(Trouble::Value)?;
    let interface = &interfaces.interface;
    let said = match (node, position) {
        (Some(node), _) => {
            let failed = |error: &dyn std::fmt::Display| Trouble::Value(format!("CAN interface {interface}: {error}"));
            let mut wire = SocketCan::open(interface).map_err(|error| failed(&error))?;
            verb.ask_node(&mut wire, *node, value.as_deref()).map_err(|error| failed(&error))?
        }
        (None, position) => {
            let mut wire = interfaces.open().map_err(Trouble::Interface)?;
            let said = verb.carry_out(&mut *wire, position.unwrap_or(0), value.as_deref());
            said.map_err(|error| Trouble::Object { interface: interface.clone(), error })?
        }
    };
    print_line(&if json { json!({ "value": said }).to_string() } else { said });
    Ok(())
}

fn file(verb: &bus_file::Verb, json: bool) -> Result<(), Trouble> {
    let (interfaces, file) = (&verb.device().interfaces, verb.file());
    let not_read = |error| Trouble::NotRead(file.to_path_buf(), error);
    let content = verb.writes().then(|| std::fs::read(file).map_err(not_read)).transpose()?;
    if !verb.writes() && file.exists() {
        return Err(Trouble::Exists(file.to_path_buf()));
    }
    let mut wire = interfaces.open().map_err(Trouble::Interface)?;
    let read = verb.carry_out(&mut *wire, content.as_deref());
    let read = read.map_err(|error| Trouble::File { interface: interfaces.interface.clone(), error })?;
    if !verb.writes() {
        write_new(file, &read)?;
    }
    let bytes = content.map_or(read.len(), |content| content.len());
    print_line(&if json { json!({ "bytes": bytes }).to_string() } else { verb.words(bytes) });
    Ok(())
}

fn import_eds(arguments: &ImportEdsArguments) -> Result<(), Trouble> {
    let ImportEdsArguments { file, out } = arguments;
    let described = eds::load(file).map_err(Trouble::Eds)?;
    let source = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let text = eds::profile(&described, &source);
    match out {
        Some(out) => write_new(out, text.as_bytes()),
        None => {
            print_line(text.trim_end());
            Ok(())
        }
    }
}

fn import_esi(arguments: &ImportArguments) -> Result<(), Trouble> {
    let ImportArguments { file, product, revision, out } = arguments;
    let esi = load(file).map_err(Trouble::Esi)?;
    esi.errors.iter().for_each(|error| eprintln!("motionctl: {error}"));
    let wanted = |device: &&EsiDevice| {
        product.is_none_or(|product| product == device.product)
            && revision.is_none_or(|revision| revision == device.revision)
    };
    let fitting: Vec<&EsiDevice> = esi.devices.iter().filter(wanted).collect();
    let several = fitting.iter().any(|device| device.product != fitting[0].product);
    let latest = fitting.into_iter().max_by_key(|device| device.revision);
    let Some(device) = latest.filter(|_| !several) else {
        let there = esi.devices.iter().map(|device| {
            let EsiDevice { product, revision, kind, name, .. } = device;
            format!("--product {product:#010x} --revision {revision:#010x}   {kind}: {name}")
        });
        return Err(Trouble::Choice(file.clone(), there.collect()));
    };
    let source = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let text = profile(device, &esi.vendor_name, &source);
    match out {
        Some(out) => write_new(out, text.as_bytes()),
        None => {
            print_line(text.trim_end());
            Ok(())
        }
    }
}

fn write_new(file: &Path, content: &[u8]) -> Result<(), Trouble> {
    let written = OpenOptions::new().write(true).create_new(true).open(file);
    let written = written.and_then(|mut open| open.write_all(content));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Trouble::Exists(file.to_path_buf()),
        _ => Trouble::NotWritten(file.to_path_buf(), error),
    })
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

fn as_table(devices: &[SurveyedDevice], known: &[EsiDevice]) -> String {
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
                describe(known, found.vendor, found.product, found.revision)
                    .map_or_else(|| plain(device.name()), |known| plain(&known.name)),
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
