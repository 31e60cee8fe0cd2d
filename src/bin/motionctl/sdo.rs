//! `motionctl sdo`: the objects of a device while the machine runs.

use std::fs;
use std::path::PathBuf;

use motiond::client::{Error, Machine};
use serde_json::{Value, json};

use crate::shell::{Outcome, Shell, print_line};

#[derive(clap::Subcommand)]
pub enum Verb {
    /// Read an object
    Read(Read),
    /// Write an object
    Write(Write),
    /// List the objects of a device
    List(List),
    /// Save every object that can be written to a file
    Backup(Backup),
    /// Write the objects of such a file back
    Restore(Backup),
}

#[derive(clap::Args)]
pub struct Read {
    /// Device, or BUS/DEVICE where several buses have one of that name
    device: String,
    /// Index and subindex, in hexadecimal digits: 6065 or 1018:01
    object: Object,
    /// How to read its bytes [default: in hexadecimal digits]
    #[arg(long, value_name = "TYPE")]
    r#as: Option<Type>,
    /// All subindices as one value
    #[arg(long)]
    complete: bool,
}

#[derive(clap::Args)]
pub struct Write {
    /// Device, or BUS/DEVICE where several buses have one of that name
    device: String,
    /// Index and subindex, in hexadecimal digits: 6065 or 1018:01
    object: Object,
    /// Its new value
    #[arg(allow_negative_numbers = true)]
    value: String,
    /// What the value is
    #[arg(long, value_name = "TYPE")]
    r#as: Type,
    /// All subindices as one value
    #[arg(long)]
    complete: bool,
}

#[derive(clap::Args)]
pub struct List {
    /// Device, or BUS/DEVICE where several buses have one of that name
    device: String,
}

#[derive(clap::Args)]
pub struct Backup {
    /// Device, or BUS/DEVICE where several buses have one of that name
    device: String,
    /// The file, JSON
    file: PathBuf,
}

/// What bytes mean, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Type {
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    F32,
    Text,
    /// Hexadecimal digits, as the bytes come
    Hex,
}

/// An object's place.
#[derive(Clone, Copy)]
pub struct Object {
    pub index: u16,
    pub subindex: u8,
}

impl std::str::FromStr for Object {
    type Err = String;

    fn from_str(text: &str) -> Result<Object, String> {
        let plain = text.trim_start_matches("0x");
        let (index, subindex) = plain.split_once(':').unwrap_or((plain, "0"));
        let wrong =
            |_| format!("{text:?} is no object: write its index and subindex in hexadecimal digits, as 1018:01");
        let index = u16::from_str_radix(index, 16).map_err(wrong)?;
        Ok(Object { index, subindex: u8::from_str_radix(subindex, 16).map_err(wrong)? })
    }
}

pub fn run(verb: &Verb, shell: &mut Shell) -> Result<Outcome, Error> {
    match verb {
        Verb::Read(arguments) => read(arguments, shell),
        Verb::Write(arguments) => write(arguments, shell),
        Verb::List(arguments) => list(arguments, shell),
        Verb::Backup(arguments) => backup(arguments, shell),
        Verb::Restore(arguments) => restore(arguments, shell),
    }
}

/// A device's bus and name.
struct Device {
    bus: String,
    name: String,
}

impl Device {
    /// By its name where one bus has it; what cannot be found is left to the daemon to refuse.
    fn find(machine: &mut Machine, given: &str) -> Result<Device, Error> {
        if let Some((bus, name)) = given.split_once('/') {
            return Ok(Device { bus: bus.into(), name: name.into() });
        }
        let mut first = 0;
        loop {
            let page = machine.call("Device", "List", json!({ "first": first }))?;
            let devices = page["devices"].as_array().map_or(&[][..], Vec::as_slice);
            let found = devices.iter().find(|device| device["name"] == given);
            if let Some(bus) = found.and_then(|device| device["bus"].as_str()) {
                return Ok(Device { bus: bus.into(), name: given.into() });
            }
            match page["next"].as_u64() {
                Some(next) => first = next,
                None => return Ok(Device { bus: String::new(), name: given.into() }),
            }
        }
    }

    fn ask(&self, machine: &mut Machine, method: &str, mut parameters: Value) -> Result<Value, Error> {
        parameters["bus"] = json!(self.bus);
        parameters["device"] = json!(self.name);
        machine.call("Device", method, parameters)
    }

    fn objects(&self, machine: &mut Machine) -> Result<Vec<Value>, Error> {
        let mut objects = Vec::new();
        let mut after = None;
        loop {
            let mut page = self.ask(machine, "ListObjects", json!({ "after": after }))?;
            if let Value::Array(items) = page["objects"].take() {
                objects.extend(items);
            }
            after = page["next"].as_u64();
            if after.is_none() {
                return Ok(objects);
            }
        }
    }
}

fn read(arguments: &Read, shell: &mut Shell) -> Result<Outcome, Error> {
    let device = Device::find(&mut shell.machine, &arguments.device)?;
    let Object { index, subindex } = arguments.object;
    let place = json!({ "index": index, "subindex": subindex, "complete": arguments.complete });
    let reply = device.ask(&mut shell.machine, "ReadObject", place)?;
    let digits = reply["value"].as_str().unwrap_or_default();
    shell.say(&reply, || decoded(digits, arguments.r#as.unwrap_or(Type::Hex)));
    Ok(Outcome::Done)
}

fn write(arguments: &Write, shell: &mut Shell) -> Result<Outcome, Error> {
    let Some(value) = encoded(&arguments.value, arguments.r#as) else {
        print_line(&format!("{:?} is no value of this type, or does not fit into it", arguments.value));
        return Ok(Outcome::Usage);
    };
    let device = Device::find(&mut shell.machine, &arguments.device)?;
    let Object { index, subindex } = arguments.object;
    let place = json!({ "index": index, "subindex": subindex, "complete": arguments.complete, "value": value });
    let reply = device.ask(&mut shell.machine, "WriteObject", place)?;
    shell.say(&reply, || format!("{index:04X}:{subindex:02X} written"));
    Ok(Outcome::Done)
}

fn list(arguments: &List, shell: &mut Shell) -> Result<Outcome, Error> {
    let device = Device::find(&mut shell.machine, &arguments.device)?;
    for object in device.objects(&mut shell.machine)? {
        shell.say(&object, || {
            let index = object["index"].as_u64().unwrap_or(0);
            let subindices = match object["max_subindex"].as_u64() {
                None | Some(0) => String::new(),
                Some(most) => format!(":00 to :{most:02X}"),
            };
            format!("{index:04X}{subindices:<12}  {}", object["name"].as_str().unwrap_or(""))
        });
    }
    Ok(Outcome::Done)
}

/// Objects that describe the process data, which the configuration sets, and those that command a drive (CiA 402): a backup
/// must not move anything.
fn is_ours(index: u64) -> bool {
    let mapping = matches!(index, 0x1600..=0x17FF | 0x1A00..=0x1BFF | 0x1C00..=0x1C3F);
    let command = matches!(
        index,
        0x6040 | 0x6042 | 0x6060 | 0x6071 | 0x607A | 0x60B0..=0x60B2 | 0x60B8 | 0x60C1 | 0x60FE | 0x60FF
    );
    mapping || command
}

fn backup(arguments: &Backup, shell: &mut Shell) -> Result<Outcome, Error> {
    let device = Device::find(&mut shell.machine, &arguments.device)?;
    let mut kept = Vec::new();
    let mut left_out = 0;
    for object in device.objects(&mut shell.machine)? {
        let index = object["index"].as_u64().unwrap_or(0);
        if is_ours(index) {
            continue;
        }
        for subindex in 0..=object["max_subindex"].as_u64().unwrap_or(0) {
            let place = json!({ "index": index, "subindex": subindex });
            // Gaps between subindices are no fault.
            let Ok(entry) = device.ask(&mut shell.machine, "DescribeEntry", place.clone()) else { continue };
            if entry["readable"] != true || entry["writable"] != true {
                continue;
            }
            match device.ask(&mut shell.machine, "ReadObject", place) {
                Ok(reply) => kept.push(json!({
                    "index": format!("{index:04X}"), "subindex": subindex, "name": entry["name"], "value": reply["value"],
                })),
                Err(_) => left_out += 1,
            }
        }
    }
    let count = kept.len();
    let content = json!({ "device": device.name, "objects": kept });
    if let Err(error) = fs::write(&arguments.file, format!("{content:#}\n")) {
        print_line(&format!("{}: {error}", arguments.file.display()));
        return Ok(Outcome::NotWritten);
    }
    print_line(&format!("{count} objects saved, {left_out} could not be read"));
    Ok(Outcome::Done)
}

fn restore(arguments: &Backup, shell: &mut Shell) -> Result<Outcome, Error> {
    let text = fs::read_to_string(&arguments.file).map_err(|error| error.to_string());
    let content = text.and_then(|text| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string()));
    let content = match content {
        Ok(content) => content,
        Err(error) => {
            print_line(&format!("{}: {error}", arguments.file.display()));
            return Ok(Outcome::NotWritten);
        }
    };
    let device = Device::find(&mut shell.machine, &arguments.device)?;
    let objects = content["objects"].as_array().map_or(&[][..], Vec::as_slice);
    let mut refused = 0;
    for object in objects {
        let index = object["index"].as_str().and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let index = index.filter(|index| !is_ours(u64::from(*index)));
        let place = json!({ "index": index, "subindex": object["subindex"], "value": object["value"] });
        if let Err(error) = device.ask(&mut shell.machine, "WriteObject", place) {
            refused += 1;
            let words = error.to_string();
            print_line(&format!("{}:{} {}", object["index"].as_str().unwrap_or("?"), object["subindex"], words));
        }
    }
    print_line(&format!("{} objects written, {refused} refused", objects.len() - refused));
    Ok(if refused == 0 { Outcome::Done } else { Outcome::NotWritten })
}

pub fn bytes(digits: &str) -> Option<Vec<u8>> {
    let pair = |place: usize| u8::from_str_radix(digits.get(place..place + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

pub fn decoded(digits: &str, kind: Type) -> String {
    let Some(bytes) = bytes(digits) else { return digits.to_string() };
    macro_rules! number {
        ($type:ty) => {
            bytes.as_slice().try_into().map(<$type>::from_le_bytes).map(|number| number.to_string())
        };
    }
    let number = match kind {
        Type::U8 => number!(u8),
        Type::U16 => number!(u16),
        Type::U32 => number!(u32),
        Type::U64 => number!(u64),
        Type::I8 => number!(i8),
        Type::I16 => number!(i16),
        Type::I32 => number!(i32),
        Type::I64 => number!(i64),
        Type::F32 => number!(f32),
        Type::Text => return String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_string(),
        Type::Hex => return digits.to_string(),
    };
    number.unwrap_or_else(|_| format!("{digits} ({} bytes, which is another type)", bytes.len()))
}

pub fn encoded(value: &str, kind: Type) -> Option<String> {
    macro_rules! number {
        ($type:ty) => {{
            let parsed = match value.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).ok().and_then(|number| <$type>::try_from(number).ok()),
                None => value.parse::<$type>().ok(),
            };
            parsed?.to_le_bytes().to_vec()
        }};
    }
    let bytes = match kind {
        Type::U8 => number!(u8),
        Type::U16 => number!(u16),
        Type::U32 => number!(u32),
        Type::U64 => number!(u64),
        Type::I8 => number!(i8),
        Type::I16 => number!(i16),
        Type::I32 => number!(i32),
        Type::I64 => number!(i64),
        Type::F32 => value.parse::<f32>().ok()?.to_le_bytes().to_vec(),
        Type::Text => value.as_bytes().to_vec(),
        Type::Hex => bytes(value)?,
    };
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_and_read_by_their_type() {
        for (value, kind, digits) in [
            ("10000", Type::U32, "10270000"),
            ("-2", Type::I16, "feff"),
            ("0xFFFFFFFF", Type::U32, "ffffffff"),
            ("1.5", Type::F32, "0000c03f"),
            ("abc", Type::Text, "616263"),
            ("0a0B", Type::Hex, "0a0b"),
        ] {
            assert_eq!(encoded(value, kind).as_deref(), Some(digits), "{value}");
        }
        assert_eq!((encoded("256", Type::U8), encoded("-1", Type::U32), encoded("abc", Type::Hex)), (None, None, None));
        assert_eq!((decoded("10270000", Type::U32), decoded("feff", Type::I16)), ("10000".into(), "-2".into()));
        assert!(decoded("feff", Type::U32).starts_with("feff (2 bytes"));
    }

    #[test]
    fn a_backup_holds_parameters_and_no_commands() {
        assert!([0x6040, 0x607A, 0x60FF, 0x1600, 0x1C12].into_iter().all(is_ours));
        assert!(![0x6065, 0x60C2, 0x6098, 0x2000, 0x6007].into_iter().any(is_ours));
    }

    #[test]
    fn an_object_is_an_index_and_perhaps_a_subindex() {
        let place = |text: &str| text.parse::<Object>().map(|object| (object.index, object.subindex));
        assert_eq!((place("6065"), place("0x1018:0a")), (Ok((0x6065, 0)), Ok((0x1018, 10))));
        assert!(place("12345").is_err() && place("10:xy").is_err());
    }
}
