//! Electronic data sheets of CANopen devices (EDS, and DCF with values for one device; CiA 306), and a profile made out of one.
//! What is not known is passed over, as every vendor's file has something of its own.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::{fmt, fs};

use ini::{Ini, ParseOption};

use super::wording::{MARK, plain};
use crate::fieldbus::mapping::PdoEntry;
use crate::limits::{MAX_EDS_BYTES, MAX_STARTUP_OBJECTS};

/// Objects about communication: the daemon gives these by itself.
const COMMUNICATION: std::ops::Range<u16> = 0x1000..0x2000;
/// PDOs that have an identifier from the predefined set.
const PDOS: u16 = 4;

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdsError {
    /// The file.
    pub file: String,
    /// What.
    pub problem: EdsProblem,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EdsProblem {
    /// It cannot be read.
    Unreadable(String),
    /// It is longer than any should be.
    TooLong(u64),
    /// It is no file of sections and keys.
    NotIni(String),
    /// It has sections, and none about a device.
    NotEds,
}

impl fmt::Display for EdsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.file)?;
        match &self.problem {
            EdsProblem::Unreadable(cause) => write!(out, "cannot be read: {cause}"),
            EdsProblem::TooLong(bytes) => write!(out, "has {bytes} bytes, at most {MAX_EDS_BYTES} are read"),
            EdsProblem::NotIni(cause) => write!(out, "is no file of sections and keys: {cause}"),
            EdsProblem::NotEds => out.write_str("is no electronic data sheet: it has no section DeviceInfo"),
        }
    }
}

impl std::error::Error for EdsError {}

/// One entry of a device's object dictionary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EdsEntry {
    /// Its name.
    pub name: String,
    /// Its data type (CiA 301 table 44); 0 where the file does not say.
    pub data_type: u16,
    /// It can be written.
    pub writable: bool,
    /// It can be mapped into a PDO.
    pub mappable: bool,
    /// What it is at power-on, as far as that is a number.
    pub default: Option<i64>,
    /// What it shall be (DCF).
    pub value: Option<i64>,
}

/// A device as its vendor describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eds {
    /// Who makes it.
    pub vendor_name: String,
    /// What it is called.
    pub product_name: String,
    /// 1018h:1, where the file says.
    pub vendor: Option<u32>,
    /// 1018h:2.
    pub product: Option<u32>,
    /// 1018h:3.
    pub revision: Option<u32>,
    /// Its PDOs can be mapped.
    pub can_map: bool,
    /// It can be given a node id by LSS.
    pub lss: bool,
    /// Its objects, by index and subindex.
    pub entries: BTreeMap<(u16, u8), EdsEntry>,
}

/// Reads a file.
///
/// # Errors
/// Where it cannot be read, or is no such file.
pub fn load(path: &Path) -> Result<Eds, EdsError> {
    let failed = |problem| EdsError { file: path.display().to_string(), problem };
    let unreadable = |error: std::io::Error| failed(EdsProblem::Unreadable(error.to_string()));
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if length > MAX_EDS_BYTES {
        return Err(failed(EdsProblem::TooLong(length)));
    }
    parse(&fs::read(path).map_err(unreadable)?, &path.display().to_string())
}

/// Reads the content of a file; `file` is what errors call it.
///
/// # Errors
/// Where it is no such file.
pub fn parse(content: &[u8], file: &str) -> Result<Eds, EdsError> {
    let failed = |problem| EdsError { file: file.to_string(), problem };
    // Names are in whatever letters the vendor's editor wrote.
    let text = String::from_utf8_lossy(content);
    let option = ParseOption { enabled_quote: false, enabled_escape: false, ..ParseOption::default() };
    let ini = Ini::load_from_str_opt(&text, option).map_err(|error| failed(EdsProblem::NotIni(error.to_string())))?;
    let mut eds = Eds::default();
    let mut known = false;
    for (section, properties) in ini.iter() {
        let Some(section) = section else { continue };
        // Names of sections and keys are in any case.
        let keys: BTreeMap<String, &str> =
            properties.iter().map(|(key, value)| (key.trim().to_ascii_lowercase(), value.trim())).collect();
        let text = |key: &str| keys.get(key).copied().unwrap_or_default();
        let number = |key: &str| number(text(key));
        if section.eq_ignore_ascii_case("DeviceInfo") {
            known = true;
            let identity = |key: &str| number(key).and_then(|number| u32::try_from(number).ok());
            eds.vendor_name = text("vendorname").to_string();
            eds.product_name = text("productname").to_string();
            eds.vendor = identity("vendornumber");
            eds.product = identity("productnumber");
            eds.revision = identity("revisionnumber");
            eds.can_map = number("granularity") != Some(0);
            eds.lss = number("lss_supported") == Some(1);
        } else if let Some(place) = place(section) {
            let access = text("accesstype").to_ascii_lowercase();
            let entry = EdsEntry {
                name: text("parametername").to_string(),
                data_type: number("datatype").and_then(|number| u16::try_from(number).ok()).unwrap_or(0),
                writable: matches!(access.as_str(), "rw" | "wo" | "rww" | "rwr"),
                mappable: number("pdomapping") == Some(1),
                default: number("defaultvalue"),
                value: number("parametervalue"),
            };
            eds.entries.insert(place, entry);
        }
    }
    if known { Ok(eds) } else { Err(failed(EdsProblem::NotEds)) }
}

/// Index and subindex of a section: `6040`, or `1018sub1`.
fn place(section: &str) -> Option<(u16, u8)> {
    let lower = section.to_ascii_lowercase();
    let (index, subindex) = lower.split_once("sub").unwrap_or((&lower, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if index.len() != 4 || !digits(index) || !digits(subindex) {
        return None;
    }
    Some((u16::from_str_radix(index, 16).ok()?, u8::from_str_radix(subindex, 16).ok()?))
}

/// Decimal, hexadecimal behind 0x, or octal behind 0. What depends on the node id is none.
fn number(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let value = if let Some(hexadecimal) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        i64::from_str_radix(hexadecimal, 16).ok()?
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8).ok()?
    } else {
        digits.parse().ok()?
    };
    Some(if negative { -value } else { value })
}

impl Eds {
    /// What its PDOs of one direction hold at power-on: behind 1600h or 1A00h.
    fn mapped(&self, mapping: u16) -> Vec<PdoEntry> {
        let number =
            |index, subindex| self.entries.get(&(index, subindex)).and_then(|entry| entry.value.or(entry.default));
        let mut entries = Vec::new();
        for index in mapping..mapping + PDOS {
            let count = number(index, 0).and_then(|count| u8::try_from(count).ok()).unwrap_or(0).min(64);
            let mapped = (1..=count).filter_map(|place| number(index, place)).filter(|mapped| *mapped != 0);
            entries.extend(mapped.map(|mapped| PdoEntry {
                index: (mapped >> 16) as u16,
                subindex: (mapped >> 8) as u8,
                bits: mapped as u8,
            }));
        }
        entries
    }
}

/// The text of a profile; `source` is where the description was read.
pub fn profile(eds: &Eds, source: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, eds, source);
    text
}

fn write(out: &mut String, eds: &Eds, source: &str) -> std::fmt::Result {
    let (product, vendor) = (plain(&eds.product_name), plain(&eds.vendor_name));
    writeln!(out, "# {product} by {vendor}, as {} describes it.", plain(source))?;
    writeln!(out, "# A node id by LSS: {}.", if eds.lss { "yes" } else { "no" })?;
    writeln!(out)?;
    writeln!(out, "[device]")?;
    for (key, number) in [("vendor-id", eds.vendor), ("product-code", eds.product), ("revision", eds.revision)] {
        match number {
            Some(number) => writeln!(out, "{key} = {number:#010x}")?,
            None => writeln!(out, "{MARK} {key} is not told")?,
        }
    }
    if eds.revision.is_some() {
        writeln!(out, "revision-policy = \"at-least\"")?;
    }
    let (outputs, inputs) = (eds.mapped(0x1600), eds.mapped(0x1A00));
    if eds.can_map {
        writeln!(out, "mapping = \"free\"")?;
    } else {
        writeln!(out, "mapping = \"fixed\" # the device has these PDOs and no others")?;
    }
    for (key, entries) in [("pdo-outputs", &outputs), ("pdo-inputs", &inputs)] {
        let words: Vec<String> = entries.iter().map(written).collect();
        let whole = !entries.is_empty() && entries.iter().all(|entry| matches!(entry.bits, 8 | 16 | 32 | 64));
        match (eds.can_map, whole) {
            (true, _) if entries.is_empty() => {}
            (true, _) => writeln!(out, "# {key} at power-on: {}", words.join(", "))?,
            (false, true) => writeln!(out, "{key} = [{}]", words.join(", "))?,
            (false, false) => writeln!(out, "{MARK} {key} has parts of no whole bytes, or none: {}", words.join(", "))?,
        }
    }
    let given = eds.entries.iter().filter(|((index, _), entry)| {
        !COMMUNICATION.contains(index) && entry.writable && entry.value.is_some() && entry.value != entry.default
    });
    for (place, (address, entry)) in given.enumerate() {
        if place == MAX_STARTUP_OBJECTS {
            writeln!(out, "\n{MARK} more than {MAX_STARTUP_OBJECTS} objects have values: the others are not written")?;
            break;
        }
        startup(out, *address, entry)?;
    }
    Ok(())
}

fn written(entry: &PdoEntry) -> String {
    format!("\"{:04X}:{:02X}:{}\"", entry.index, entry.subindex, entry.bits)
}

fn startup(out: &mut String, (index, subindex): (u16, u8), entry: &EdsEntry) -> std::fmt::Result {
    let value = entry.value.unwrap_or_default();
    let kind = match entry.data_type {
        0x02 => Some("i8"),
        0x03 => Some("i16"),
        0x04 => Some("i32"),
        0x15 => Some("i64"),
        0x01 | 0x05 => Some("u8"),
        0x06 => Some("u16"),
        0x07 => Some("u32"),
        0x1B => Some("u64"),
        _ => None,
    };
    writeln!(out)?;
    if !entry.name.is_empty() {
        writeln!(out, "# {}", plain(&entry.name))?;
    }
    let Some(kind) = kind else {
        return writeln!(out, "{MARK} {index:04X}h:{subindex:02X} = {value}: no number, and not written");
    };
    writeln!(out, "[[startup]]")?;
    writeln!(out, "index = {index:#06x}")?;
    writeln!(out, "subindex = {subindex}")?;
    writeln!(out, "type = \"{kind}\"")?;
    writeln!(out, "value = {value}")
}
