//! Device descriptions of vendors: EtherCAT slave information files (ESI, ETG.2000). What is not known is passed over, as
//! every vendor's file has something of its own; what is needed and cannot be understood is told with its device.

use std::path::Path;
use std::{fmt, fs};

use roxmltree::{Document, Node, ParsingOptions};

use crate::limits::{MAX_ESI_BYTES, MAX_ESI_FILES, MAX_ESI_NODES};

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EsiError {
    /// The file.
    pub file: String,
    /// The device in it, by its type; none where it is about the file as a whole.
    pub device: Option<String>,
    /// What.
    pub problem: EsiProblem,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EsiProblem {
    /// It cannot be read.
    Unreadable(String),
    /// It is longer than any should be.
    TooLong(u64),
    /// It is no XML.
    NotXml(String),
    /// It is XML, and no ESI.
    NotEsi,
    /// Something that must be there is not.
    Missing(&'static str),
    /// A number is none, or does not fit.
    Number {
        /// Where it stands.
        place: &'static str,
        /// What stands there.
        found: String,
    },
}

impl fmt::Display for EsiError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.file)?;
        if let Some(device) = &self.device {
            write!(out, "device {device:?}: ")?;
        }
        match &self.problem {
            EsiProblem::Unreadable(cause) => write!(out, "cannot be read: {cause}"),
            EsiProblem::TooLong(bytes) => write!(out, "has {bytes} bytes, at most {MAX_ESI_BYTES} are read"),
            EsiProblem::NotXml(cause) => write!(out, "is no XML: {cause}"),
            EsiProblem::NotEsi => {
                out.write_str("is no EtherCAT slave information: its first element is not EtherCATInfo")
            }
            EsiProblem::Missing(what) => write!(out, "{what} is missing"),
            EsiProblem::Number { place, found } => write!(out, "{place} is {found:?}, which is no number that fits"),
        }
    }
}

impl std::error::Error for EsiError {}

/// A file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Esi {
    /// Vendor ID.
    pub vendor: u32,
    /// What the vendor is called.
    pub vendor_name: String,
    /// Its devices.
    pub devices: Vec<EsiDevice>,
    /// The devices that were not understood.
    pub errors: Vec<EsiError>,
}

/// A device of one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EsiDevice {
    /// Vendor ID.
    pub vendor: u32,
    /// Product code.
    pub product: u32,
    /// Revision number.
    pub revision: u32,
    /// Its type: what stands on it.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its sync managers, in their order.
    pub sync_managers: Vec<EsiSyncManager>,
    /// The protocols of its mailbox: AoE, EoE, CoE, FoE, SoE, VoE.
    pub protocols: Vec<String>,
    /// PDOs can be assigned by CoE.
    pub can_assign: bool,
    /// Entries can be mapped by CoE.
    pub can_map: bool,
    /// To the device.
    pub rx_pdos: Vec<EsiPdo>,
    /// From the device.
    pub tx_pdos: Vec<EsiPdo>,
    /// Objects that it wants at start.
    pub commands: Vec<EsiCommand>,
    /// Its ways to be synchronised.
    pub modes: Vec<EsiMode>,
}

/// A sync manager.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EsiSyncManager {
    /// What for: MBoxOut, MBoxIn, Outputs, Inputs.
    pub usage: String,
    /// Physical start address.
    pub start: u16,
    /// Bytes by default.
    pub bytes: u16,
    /// Control register.
    pub control: u8,
    /// It is to be enabled.
    pub enable: bool,
}

/// A process data object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EsiPdo {
    /// Its index.
    pub index: u16,
    /// Its name.
    pub name: String,
    /// The sync manager that it goes by by default; `None` where it is not assigned.
    pub sync_manager: Option<u8>,
    /// Its entries cannot be changed.
    pub fixed: bool,
    /// Index, sub-index, bits and name; a gap has the index 0.
    pub entries: Vec<EsiEntry>,
}

/// An entry of a PDO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EsiEntry {
    /// Object index; 0 is a gap.
    pub index: u16,
    /// Its sub-index.
    pub subindex: u8,
    /// Bits.
    pub bits: u16,
    /// Its name.
    pub name: String,
}

/// An object that is written at a change of state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EsiCommand {
    /// The changes: IP, PS, SO and others.
    pub transitions: Vec<String>,
    /// Object index.
    pub index: u16,
    /// Its sub-index.
    pub subindex: u8,
    /// What is written, as on the wire.
    pub data: Vec<u8>,
    /// What for.
    pub comment: String,
}

/// A way to be synchronised.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EsiMode {
    /// Its name.
    pub name: String,
    /// What belongs into register 0980h; 0 is without distributed clocks.
    pub assign_activate: u16,
    /// SYNC0 behind the start of the cycle, nanoseconds.
    pub shift_ns: i64,
    /// SYNC1 behind SYNC0, nanoseconds.
    pub sync1_ns: i64,
}

impl EsiDevice {
    /// Bits of the PDOs that are assigned by default.
    pub fn default_bits(pdos: &[EsiPdo]) -> u32 {
        let assigned = pdos.iter().filter(|pdo| pdo.sync_manager.is_some());
        assigned.flat_map(|pdo| &pdo.entries).map(|entry| u32::from(entry.bits)).sum()
    }

    /// The objects that it is to be given in PREOP.
    pub fn startup(&self) -> impl Iterator<Item = &EsiCommand> {
        self.commands.iter().filter(|command| command.transitions.iter().any(|change| change == "PS"))
    }
}

/// Reads a file.
///
/// # Errors
/// Where it cannot be read or is no ESI. Devices that are not understood stand beside the others.
pub fn load(path: &Path) -> Result<Esi, EsiError> {
    let failed = |problem| EsiError { file: path.display().to_string(), device: None, problem };
    let unreadable = |error: std::io::Error| failed(EsiProblem::Unreadable(error.to_string()));
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_ESI_BYTES {
        return Err(failed(EsiProblem::TooLong(length)));
    }
    parse(&fs::read(path).map_err(unreadable)?, &path.display().to_string())
}

/// Reads every `.xml` file of a directory, in the order of their names; also what was wrong with some of them.
///
/// # Errors
/// Where the directory cannot be read.
pub fn load_directory(directory: &Path) -> Result<(Vec<EsiDevice>, Vec<EsiError>), EsiError> {
    let entries = fs::read_dir(directory).map_err(|error| EsiError {
        file: directory.display().to_string(),
        device: None,
        problem: EsiProblem::Unreadable(error.to_string()),
    })?;
    let is_xml = |path: &Path| path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("xml"));
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).filter(|path| is_xml(path)).collect();
    files.sort();
    let (mut devices, mut errors) = (Vec::new(), Vec::new());
    for file in files.iter().take(MAX_ESI_FILES) {
        match load(file) {
            Ok(esi) => {
                devices.extend(esi.devices);
                errors.extend(esi.errors);
            }
            Err(error) => errors.push(error),
        }
    }
    Ok((devices, errors))
}

/// The description of a device that was found: of its own revision, else of the one before it that is nearest, else of the
/// nearest after it.
pub fn describe(devices: &[EsiDevice], vendor: u32, product: u32, revision: u32) -> Option<&EsiDevice> {
    let same = devices.iter().filter(|device| (device.vendor, device.product) == (vendor, product));
    same.min_by_key(|device| (device.revision > revision, device.revision.abs_diff(revision)))
}

/// Reads the bytes of a file; `file` is its name in messages.
///
/// # Errors
/// As [`load`].
pub fn parse(bytes: &[u8], file: &str) -> Result<Esi, EsiError> {
    let failed = |problem| EsiError { file: file.to_string(), device: None, problem };
    let text = decoded(bytes);
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_ESI_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(&text, options);
    let document = document.map_err(|error| failed(EsiProblem::NotXml(error.to_string())))?;
    let root = document.root_element();
    if root.tag_name().name() != "EtherCATInfo" {
        return Err(failed(EsiProblem::NotEsi));
    }
    let vendor = child(root, "Vendor").ok_or_else(|| failed(EsiProblem::Missing("Vendor")))?;
    let mut esi = Esi {
        vendor: needed(vendor, "Id", "Vendor Id").map_err(failed)?,
        vendor_name: name_of(vendor),
        ..Esi::default()
    };
    let devices = child(root, "Descriptions").and_then(|descriptions| child(descriptions, "Devices"));
    for device in devices.into_iter().flat_map(|devices| children(devices, "Device")) {
        match self::device(device, esi.vendor) {
            Ok(device) => esi.devices.push(device),
            Err(problem) => {
                let kind = child(device, "Type").map(text_of).filter(|kind| !kind.is_empty());
                let device = Some(kind.unwrap_or_else(|| format!("#{}", esi.devices.len() + esi.errors.len() + 1)));
                esi.errors.push(EsiError { file: file.to_string(), device, problem });
            }
        }
    }
    Ok(esi)
}

/// Text in what such files come in: UTF-8 or UTF-16 with their marks, else UTF-8, else Latin-1.
fn decoded(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], of: fn([u8; 2]) -> u16| {
        let (units, _) = bytes.as_chunks::<2>();
        String::from_utf16_lossy(&units.iter().map(|unit| of(*unit)).collect::<Vec<_>>())
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_string(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        },
    }
}

fn device(node: Node<'_, '_>, vendor: u32) -> Result<EsiDevice, EsiProblem> {
    let kind = child(node, "Type").ok_or(EsiProblem::Missing("Type"))?;
    let mut device = EsiDevice {
        vendor,
        product: attribute(kind, "ProductCode", "ProductCode of Type")?
            .ok_or(EsiProblem::Missing("ProductCode of Type"))?,
        revision: attribute(kind, "RevisionNo", "RevisionNo of Type")?.unwrap_or(0),
        kind: text_of(kind),
        name: name_of(node),
        ..EsiDevice::default()
    };
    if device.name.is_empty() {
        device.name.clone_from(&device.kind);
    }
    for sync_manager in children(node, "Sm") {
        device.sync_managers.push(EsiSyncManager {
            usage: text_of(sync_manager),
            start: attribute(sync_manager, "StartAddress", "StartAddress of Sm")?.unwrap_or(0),
            bytes: attribute(sync_manager, "DefaultSize", "DefaultSize of Sm")?.unwrap_or(0),
            control: attribute(sync_manager, "ControlByte", "ControlByte of Sm")?.unwrap_or(0),
            enable: is_set(sync_manager, "Enable"),
        });
    }
    if let Some(mailbox) = child(node, "Mailbox") {
        let known = ["AoE", "EoE", "CoE", "FoE", "SoE", "VoE"];
        device.protocols =
            known.iter().filter(|name| child(mailbox, name).is_some()).map(ToString::to_string).collect();
        if let Some(coe) = child(mailbox, "CoE") {
            (device.can_assign, device.can_map) = (is_set(coe, "PdoAssign"), is_set(coe, "PdoConfig"));
            for command in children(coe, "InitCmd") {
                device.commands.push(self::command(command)?);
            }
        }
    }
    device.rx_pdos = children(node, "RxPdo").map(pdo).collect::<Result<_, _>>()?;
    device.tx_pdos = children(node, "TxPdo").map(pdo).collect::<Result<_, _>>()?;
    for mode in child(node, "Dc").into_iter().flat_map(|dc| children(dc, "OpMode")) {
        device.modes.push(EsiMode {
            name: name_of(mode),
            assign_activate: optional(mode, "AssignActivate", "AssignActivate of OpMode")?.unwrap_or(0),
            shift_ns: optional(mode, "ShiftTimeSync0", "ShiftTimeSync0 of OpMode")?.unwrap_or(0),
            sync1_ns: optional(mode, "CycleTimeSync1", "CycleTimeSync1 of OpMode")?.unwrap_or(0),
        });
    }
    Ok(device)
}

fn pdo(node: Node<'_, '_>) -> Result<EsiPdo, EsiProblem> {
    let mut entries = Vec::new();
    for entry in children(node, "Entry") {
        entries.push(EsiEntry {
            index: needed(entry, "Index", "Index of Entry")?,
            subindex: optional(entry, "SubIndex", "SubIndex of Entry")?.unwrap_or(0),
            bits: needed(entry, "BitLen", "BitLen of Entry")?,
            name: name_of(entry),
        });
    }
    Ok(EsiPdo {
        index: needed(node, "Index", "Index of a PDO")?,
        name: name_of(node),
        sync_manager: attribute(node, "Sm", "Sm of a PDO")?,
        fixed: is_set(node, "Fixed"),
        entries,
    })
}

fn command(node: Node<'_, '_>) -> Result<EsiCommand, EsiProblem> {
    let data = child(node, "Data").map(text_of).unwrap_or_default();
    let data = hexadecimal(&data).ok_or(EsiProblem::Number { place: "Data of InitCmd", found: short(&data) })?;
    Ok(EsiCommand {
        transitions: children(node, "Transition").map(text_of).collect(),
        index: needed(node, "Index", "Index of InitCmd")?,
        subindex: optional(node, "SubIndex", "SubIndex of InitCmd")?.unwrap_or(0),
        data,
        comment: child(node, "Comment").map(text_of).unwrap_or_default(),
    })
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| (high << 4 | low) as u8).collect())
}

fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

/// The text of an element in one line.
fn text_of(node: Node<'_, '_>) -> String {
    let text: String = node.children().filter_map(|child| if child.is_text() { child.text() } else { None }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Its name: the English one, else the first.
fn name_of(node: Node<'_, '_>) -> String {
    let english = children(node, "Name").find(|name| name.attribute("LcId") == Some("1033"));
    english.or_else(|| child(node, "Name")).map(text_of).unwrap_or_default()
}

fn is_set(node: Node<'_, '_>, name: &str) -> bool {
    node.attribute(name).is_some_and(|value| matches!(value.trim(), "1" | "true"))
}

/// A number as the standard writes it: decimal, or hexadecimal behind `#x`.
fn number<T: TryFrom<i128>>(text: &str, place: &'static str) -> Result<T, EsiProblem> {
    let text = text.trim();
    let hexadecimal = ["#x", "#X", "0x", "0X"].iter().find_map(|mark| text.strip_prefix(mark));
    let number = match hexadecimal {
        Some(digits) => i128::from_str_radix(digits, 16),
        None => text.parse::<i128>(),
    };
    let number = number.ok().and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| EsiProblem::Number { place, found: short(text) })
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

fn attribute<T: TryFrom<i128>>(node: Node<'_, '_>, name: &str, place: &'static str) -> Result<Option<T>, EsiProblem> {
    node.attribute(name).map(|text| number(text, place)).transpose()
}

fn optional<T: TryFrom<i128>>(node: Node<'_, '_>, name: &str, place: &'static str) -> Result<Option<T>, EsiProblem> {
    child(node, name).map(text_of).filter(|text| !text.is_empty()).map(|text| number(&text, place)).transpose()
}

fn needed<T: TryFrom<i128>>(node: Node<'_, '_>, name: &str, place: &'static str) -> Result<T, EsiProblem> {
    optional(node, name, place)?.ok_or(EsiProblem::Missing(place))
}
