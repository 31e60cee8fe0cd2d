//! What a key of the configuration is: its kind, range, default, unit, and when a change of it takes effect.
//!
//! Each key is described once, as data. The reader checks files by it, and `config/reference.toml` and the
//! documentation are checked against it.

use std::net::SocketAddr;

use toml::Spanned;
use toml::de::{DeFloat, DeInteger, DeValue};

use crate::fieldbus::mapping::PdoEntry;
use crate::units::Ratio;

/// One key.
#[derive(Debug)]
pub struct Key {
    /// As it stands in the file. `{unit}` stands for `mm` or `deg`, by the kind of the axis.
    pub name: &'static str,
    /// What it is for.
    pub what: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// What holds where it is left out.
    pub presence: Presence,
    /// When a change takes effect.
    pub change: Change,
}

/// A table of keys.
#[derive(Debug)]
pub struct Section {
    /// Its path in the file, such as `axis.limits`.
    pub title: &'static str,
    /// What it describes.
    pub what: &'static str,
    /// Its keys.
    pub keys: &'static [Key],
    /// The tables inside it.
    pub parts: &'static [Part],
}

/// A table inside a table.
#[derive(Debug)]
pub struct Part {
    /// Its key.
    pub name: &'static str,
    /// How often it may stand there.
    pub occurs: Occurs,
    /// What it holds.
    pub section: &'static Section,
}

/// How often a table may stand in the one around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occurs {
    /// Once; left out, it is as if it were empty.
    Once,
    /// Once or not at all, which are different things.
    Optional,
    /// As a list, `[[name]]`.
    Many,
}

/// What holds where a key is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It may not be left out.
    Required,
    /// This, as it would stand in the file.
    Default(&'static str),
    /// What these words say.
    Optional(&'static str),
}

/// When a change of a key takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// At the next start of the daemon.
    Restart,
    /// While the machine runs; forgotten at its end.
    Live,
    /// While the machine runs, and it can be kept in the file.
    LiveKept,
}

/// What may stand at a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// Text for people, 1 to 80 characters on one line.
    Text,
    /// A name: 1 to 32 letters, digits, `-`, `_`.
    Name,
    /// A network interface, 1 to 15 characters.
    Interface,
    /// An absolute path, short enough for a socket.
    Path,
    /// A file, relative to the configuration.
    File,
    /// A whole number between these.
    Whole(i64, i64),
    /// A number between these, both included.
    Number(f64, f64),
    /// A number above 0, up to this.
    Above0(f64),
    /// A decimal number above 0, up to this, taken exactly as written.
    Decimal(i64),
    /// A ratio of whole numbers as text: `"101:1"`.
    Gear,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of 1 to so many different names.
    Names(usize),
    /// An IP address and port.
    Address,
    /// Process data objects as text, `"6040:00:16"` for index, sub-index, bits.
    Mapping,
    /// A list of error codes (CiA 301), none of them "no error".
    ErrorCodes,
    /// A list of so many numbers between these, both included.
    Numbers(usize, f64, f64),
}

/// A value that its kind has checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar {
    /// Of [`Kind::Switch`].
    Switch(bool),
    /// Of [`Kind::Text`], [`Kind::Name`], [`Kind::Interface`], [`Kind::Path`], [`Kind::File`] and [`Kind::Choice`].
    Text(String),
    /// Of [`Kind::Whole`].
    Whole(i64),
    /// Of [`Kind::Number`] and [`Kind::Above0`].
    Number(f64),
    /// Of [`Kind::Decimal`] and [`Kind::Gear`].
    Ratio(Ratio),
    /// Of [`Kind::Names`].
    Texts(Vec<String>),
    /// Of [`Kind::Address`].
    Address(SocketAddr),
    /// Of [`Kind::Mapping`].
    Mapping(Vec<PdoEntry>),
    /// Of [`Kind::ErrorCodes`].
    Codes(Vec<u16>),
    /// Of [`Kind::Numbers`].
    Numbers(Vec<f64>),
}

/// Longest text for people, characters.
const TEXT_CHARS: usize = 80;
/// Longest name, characters.
const NAME_CHARS: usize = 32;
/// Longest name of a network interface (IFNAMSIZ, less its final NUL), bytes.
const INTERFACE_BYTES: usize = 15;
/// Longest path of a Unix socket (sun_path, less its final NUL), bytes.
const PATH_BYTES: usize = 107;
/// Longest name of a file, bytes.
const FILE_BYTES: usize = 255;
/// Longest process data mapping of one direction, objects.
const MAPPING_OBJECTS: usize = 64;
/// Longest list of error codes.
const ERROR_CODES: usize = 16;

impl Kind {
    /// The value, if it is one of this kind.
    pub fn read(&self, value: &DeValue<'_>) -> Option<Scalar> {
        match (*self, value) {
            (Kind::Switch, DeValue::Boolean(on)) => Some(Scalar::Switch(*on)),
            (Kind::Text, DeValue::String(text)) => {
                let fits = !text.trim().is_empty() && text.chars().count() <= TEXT_CHARS;
                (fits && !text.chars().any(char::is_control)).then(|| Scalar::Text(text.to_string()))
            }
            (Kind::Name, DeValue::String(text)) => is_name(text).then(|| Scalar::Text(text.to_string())),
            (Kind::Interface, DeValue::String(text)) => {
                let plain = |c: char| c.is_ascii_graphic() && c != '/' && c != ':';
                let fits = (1..=INTERFACE_BYTES).contains(&text.len()) && text.chars().all(plain);
                (fits && *text != "." && *text != "..").then(|| Scalar::Text(text.to_string()))
            }
            (Kind::Path, DeValue::String(text)) => {
                let fits = text.starts_with('/') && !text.ends_with('/') && text.len() <= PATH_BYTES;
                (fits && !text.chars().any(char::is_control)).then(|| Scalar::Text(text.to_string()))
            }
            (Kind::File, DeValue::String(text)) => {
                let fits = !text.is_empty() && !text.ends_with('/') && text.len() <= FILE_BYTES;
                (fits && !text.chars().any(char::is_control)).then(|| Scalar::Text(text.to_string()))
            }
            (Kind::Whole(min, max), DeValue::Integer(integer)) => {
                whole(integer).filter(|number| (min..=max).contains(number)).map(Scalar::Whole)
            }
            (Kind::Number(min, max), _) => {
                number(value).filter(|number| (min..=max).contains(number)).map(Scalar::Number)
            }
            (Kind::Above0(max), _) => {
                number(value).filter(|number| *number > 0.0 && *number <= max).map(Scalar::Number)
            }
            (Kind::Decimal(max), DeValue::Integer(integer)) => {
                let ratio = Ratio::new(whole(integer)?, 1)?;
                (ratio.numerator() <= max).then_some(Scalar::Ratio(ratio))
            }
            (Kind::Decimal(max), DeValue::Float(float)) => {
                let ratio = decimal(float)?;
                (ratio.as_f64() <= max as f64).then_some(Scalar::Ratio(ratio))
            }
            (Kind::Gear, DeValue::String(text)) => gear(text).map(Scalar::Ratio),
            (Kind::Choice(words), DeValue::String(text)) => {
                words.iter().find(|word| **word == *text).map(|word| Scalar::Text(word.to_string()))
            }
            (Kind::Names(most), DeValue::Array(list)) => {
                let mut names: Vec<String> = Vec::new();
                for item in list.iter() {
                    match item.get_ref() {
                        DeValue::String(name) if is_name(name) && !names.iter().any(|known| *known == *name) => {
                            names.push(name.to_string());
                        }
                        _ => return None,
                    }
                }
                (1..=most).contains(&names.len()).then_some(Scalar::Texts(names))
            }
            (Kind::Address, DeValue::String(text)) => text.parse().ok().map(Scalar::Address),
            (Kind::Mapping, DeValue::Array(list)) => {
                let entries: Option<Vec<PdoEntry>> = list
                    .iter()
                    .map(|item| match item.get_ref() {
                        DeValue::String(text) => pdo_entry(text),
                        _ => None,
                    })
                    .collect();
                entries.filter(|entries| (1..=MAPPING_OBJECTS).contains(&entries.len())).map(Scalar::Mapping)
            }
            (Kind::ErrorCodes, DeValue::Array(list)) => {
                let code = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
                    DeValue::Integer(integer) => u16::try_from(whole(integer)?).ok().filter(|code| *code != 0),
                    _ => None,
                };
                let codes: Option<Vec<u16>> = list.iter().map(code).collect();
                codes.filter(|codes| (1..=ERROR_CODES).contains(&codes.len())).map(Scalar::Codes)
            }
            (Kind::Numbers(count, min, max), DeValue::Array(list)) => {
                let one =
                    |item: &Spanned<DeValue<'_>>| number(item.get_ref()).filter(|number| (min..=max).contains(number));
                let numbers: Option<Vec<f64>> = list.iter().map(one).collect();
                numbers.filter(|numbers| numbers.len() == count).map(Scalar::Numbers)
            }
            _ => None,
        }
    }

    /// What may stand there, in words.
    pub fn allowed(&self) -> String {
        match *self {
            Kind::Switch => "true or false".into(),
            Kind::Text => format!("text in quotes, 1 to {TEXT_CHARS} characters"),
            Kind::Name => format!("a name in quotes: 1 to {NAME_CHARS} letters, digits, - or _"),
            Kind::Interface => format!("a network interface in quotes, up to {INTERFACE_BYTES} characters"),
            Kind::Path => format!("an absolute path in quotes, up to {PATH_BYTES} bytes"),
            Kind::File => format!("a file in quotes, relative to this one, up to {FILE_BYTES} bytes"),
            Kind::Whole(min, max) => format!("a whole number from {min} to {max}"),
            Kind::Number(min, max) => format!("a number from {min} to {max}"),
            Kind::Above0(max) => format!("a number above 0 up to {max}"),
            Kind::Decimal(max) => format!("a decimal number above 0 up to {max}, taken exactly"),
            Kind::Gear => "two whole numbers from 1 to 1000000000 as \"A:B\"".into(),
            Kind::Choice(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", "),
            Kind::Names(most) => format!("a list of 1 to {most} different names"),
            Kind::Address => "an IP address and port in quotes, such as \"127.0.0.1:9464\"".into(),
            Kind::Mapping => format!(
                "a list of 1 to {MAPPING_OBJECTS} objects \"INDEX:SUB:BITS\" (index and sub-index hexadecimal; 8, 16, 32 or 64 bits)"
            ),
            Kind::ErrorCodes => format!("a list of 1 to {ERROR_CODES} error codes from 0x0001 to 0xFFFF"),
            Kind::Numbers(count, min, max) => format!("a list of {count} numbers from {min} to {max}"),
        }
    }
}

impl Key {
    /// Its name on an axis or group that counts in this unit (`mm` or `deg`).
    pub fn name_in(&self, unit: &str) -> String {
        self.name.replace("{unit}", unit)
    }

    /// What its value counts, by the end of its name; `None` for counts, words and names.
    pub fn unit(&self) -> Option<&'static str> {
        /// Longer endings first: the first match counts.
        const UNITS: [(&str, &str); 30] = [
            ("-{unit}-per-s3", "mm/s³ or deg/s³"),
            ("-{unit}-per-s2", "mm/s² or deg/s²"),
            ("-{unit}-per-s", "mm/s or deg/s"),
            ("-kbit-per-s", "kbit/s"),
            ("-mm-per-turn", "mm per turn of the load"),
            ("-per-motor-turn", "increments per turn of the motor"),
            ("-{unit}", "mm or deg"),
            ("-nm-s2-per-rad", "N·m·s²/rad"),
            ("-nm-s-per-rad", "N·m·s/rad"),
            ("-kg-m2", "kg·m²"),
            ("-rpm", "turns of the motor per minute"),
            ("-nm", "N·m"),
            ("-mm", "mm"),
            ("-deg", "deg"),
            ("-hz", "Hz"),
            ("-s2-per-{unit}", "s²/mm or s²/deg"),
            ("-s-per-{unit}", "s/mm or s/deg"),
            ("-per-s2", "1/s²"),
            ("-per-s", "1/s"),
            ("per-million-exchanges", "times in a million exchanges"),
            ("exchanges", "exchanges"),
            ("-us", "µs"),
            ("-ms", "ms"),
            ("-s", "s"),
            ("-mib", "MiB"),
            ("-kib", "KiB"),
            ("-percent", "%"),
            ("-periods", "cycle periods"),
            ("-frames-tolerated", "frames in a row"),
            ("-tolerated", "cycles in a row"),
        ];
        UNITS.iter().find(|(ending, _)| self.name.ends_with(ending)).map(|(_, unit)| *unit)
    }
}

impl Key {
    /// What the reference says about it, one line after the other.
    pub fn reference(&self) -> [String; 2] {
        let unit = self.unit().map(|unit| format!("{unit}; ")).unwrap_or_default();
        let left_out = match self.presence {
            Presence::Required => "required".to_string(),
            Presence::Default(text) => format!("default {text}"),
            Presence::Optional(words) => format!("left out: {words}"),
        };
        let facts = format!("{unit}{}; {left_out}; live: {}", self.kind.allowed(), self.change.words());
        [self.what.trim().to_string(), facts]
    }
}

impl Change {
    /// In words.
    pub fn words(&self) -> &'static str {
        match self {
            Change::Restart => "no",
            Change::Live => "yes, not kept",
            Change::LiveKept => "yes, kept",
        }
    }
}

/// 1 to 32 letters, digits, `-`, `_`: safe in messages, metric labels and shells.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=NAME_CHARS).contains(&text.len()) && text.chars().all(plain)
}

fn whole(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A finite number; whole numbers may stand for any.
fn number(value: &DeValue<'_>) -> Option<f64> {
    let number: f64 = match value {
        DeValue::Integer(integer) => whole(integer)? as f64,
        DeValue::Float(float) => float.as_str().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// Exactly what is written: `12.7` is 127/10.
fn decimal(float: &DeFloat<'_>) -> Option<Ratio> {
    let (digits, exponent) = match float.as_str().split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (float.as_str(), 0),
    };
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let after = after.trim_end_matches('0');
    let digits: i64 = format!("{before}{after}").parse().ok()?;
    let scale = exponent.checked_sub(i32::try_from(after.len()).ok()?)?;
    let power = 10_i64.checked_pow(scale.unsigned_abs())?;
    if scale >= 0 { Ratio::new(digits.checked_mul(power)?, 1) } else { Ratio::new(digits, power) }
}

fn gear(text: &str) -> Option<Ratio> {
    let (motor, load) = text.split_once(':')?;
    let turns = |text: &str| -> Option<i64> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|turns| plain && (1..=1_000_000_000).contains(turns))
    };
    Ratio::new(turns(motor.trim())?, turns(load.trim())?)
}

fn pdo_entry(text: &str) -> Option<PdoEntry> {
    let mut parts = text.split(':');
    let (index, subindex, bits) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let entry = PdoEntry {
        index: u16::from_str_radix(index, 16).ok()?,
        subindex: u8::from_str_radix(subindex, 16).ok()?,
        bits: bits.parse().ok()?,
    };
    matches!(entry.bits, 8 | 16 | 32 | 64).then_some(entry)
}
