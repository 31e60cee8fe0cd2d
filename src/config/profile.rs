//! What devices of a type have in common, in a file of its own beside the configuration.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::key::Kind;
use super::overlay::Overrides;
use super::reader::{At, Reader, tables};
use super::schema::ProfileFile;
use crate::limits::{MAX_BUS_DEVICES, MAX_BUSES};

/// Longest profile, bytes.
const MAX_BYTES: u64 = 1 << 20;

/// The profiles that a configuration names, by what it calls them: their text, or why there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles(BTreeMap<String, Result<String, String>>);

impl Profiles {
    /// Reads all that the text of a configuration names; their paths are relative to `directory`.
    pub fn of(text: &str, directory: &Path) -> Profiles {
        let (root, _) = DeTable::parse_recoverable(text);
        let mut profiles = BTreeMap::new();
        for bus in tables(root.get_ref(), "bus").take(MAX_BUSES) {
            for device in tables(bus, "device").take(MAX_BUS_DEVICES) {
                let Some(value) = device.get("profile").filter(|value| Kind::File.read(value.get_ref()).is_some())
                else {
                    continue;
                };
                let DeValue::String(name) = value.get_ref() else { continue };
                profiles.entry(name.to_string()).or_insert_with(|| text_of(&directory.join(name.as_ref())));
            }
        }
        Profiles(profiles)
    }

    /// A profile, checked by itself; else what is wrong, in one line.
    pub fn get(&self, name: &str) -> Result<ProfileFile, String> {
        let text = match self.0.get(name) {
            None => return Err("profiles are read beside a file".to_string()),
            Some(text) => text.as_ref().map_err(Clone::clone)?,
        };
        let (root, errors) = DeTable::parse_recoverable(text);
        if let Some(error) = errors.first() {
            return Err(format!("it is no TOML: {}", error.message().replace('\n', " ")));
        }
        let overrides = Overrides::new();
        let mut reader = Reader::new(text, root.get_ref(), &overrides);
        let read = reader.read::<ProfileFile>();
        let problems = reader.into_problems();
        match (read, problems.first()) {
            (Some(read), None) => Ok(read),
            (_, problem) => Err(problem.map_or_else(String::new, |problem| {
                format!(
                    "its line {}: {}: found {}, allowed: {}",
                    problem.line, problem.place, problem.found, problem.allowed
                )
            })),
        }
    }
}

fn text_of(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_BYTES {
        return Err(format!("it has {length} bytes; a profile has at most {MAX_BYTES}"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

/// What the device says, else its profile.
pub fn or_profile<T: Clone>(device: &At<Option<T>>, profile: Option<&At<Option<T>>>) -> Option<T> {
    device.value.clone().or_else(|| profile.and_then(|profile| profile.value.clone()))
}
