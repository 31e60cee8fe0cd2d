//! Reads a TOML file by the description of its keys, and finds everything that is wrong with it, not only the
//! first: a table is read whole, each key by itself, and what is left over is unknown.

use std::net::SocketAddr;
use std::ops::{Deref, Range};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Problem;
use super::key::{Key, Kind, Occurs, Presence, Scalar, Section};
use super::overlay::{Override, Overrides};
use super::parameter::Parameter;
use crate::fieldbus::mapping::PdoEntry;
use crate::units::{AxisUnit, Ratio};

/// A value and where it came from.
#[derive(Clone, Debug)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands, or would stand.
    pub place: Place,
}

/// A place in the file.
#[derive(Clone, Debug)]
pub struct Place {
    /// Line, from 1; the line of its table's header where the key is left out.
    pub line: usize,
    /// The key with the names of what it belongs to.
    pub path: String,
    /// The text that stands there, or the default in words; `None` where nothing is said.
    pub written: Option<String>,
    /// It comes from the overlay, and `line` is one of its lines.
    pub overlaid: bool,
}

impl<T> Deref for At<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A table while it is read.
#[derive(Clone)]
pub struct Scope<'t> {
    /// `None` where an optional table is left out: then each key is.
    table: Option<&'t DeTable<'t>>,
    line: usize,
    /// What stands before a key in messages.
    prefix: String,
    /// What stands before a key in the names of parameters.
    path: String,
    /// What the axis or group around it counts in.
    unit: Option<AxisUnit>,
}

/// Reads one file and gathers what is wrong with it.
pub struct Reader<'t> {
    text: &'t str,
    line_starts: Vec<usize>,
    root: &'t DeTable<'t>,
    overrides: &'t Overrides,
    parameters: Vec<Parameter>,
    problems: Vec<Problem>,
}

/// A table of the configuration as a Rust structure.
pub trait Table: Sized {
    /// Its keys and parts.
    const SECTION: &'static Section;

    /// Reads it. `None` if something in it is wrong, which the reader then knows.
    fn read(reader: &mut Reader<'_>, scope: &Scope<'_>) -> Option<Self>;
}

/// A part of a table: a table, an optional one, or a list of tables.
pub trait Nested: Sized {
    /// How often it may stand there.
    const OCCURS: Occurs;
    /// What it holds.
    const SECTION: &'static Section;

    /// Reads the part `name` of `scope`.
    fn read(reader: &mut Reader<'_>, scope: &Scope<'_>, name: &'static str) -> Option<Self>;
}

/// A type that a checked value becomes.
pub trait FromScalar: Sized {
    /// `None` if the kind of the key does not fit the type, which a test rules out.
    fn from_scalar(scalar: Scalar) -> Option<Self>;
}

/// A value, or a value that may be left out.
pub trait Field: Sized {
    /// From what stands there, or nothing.
    fn from_field(scalar: Option<Scalar>) -> Option<Self>;
}

impl<T: FromScalar> Field for T {
    fn from_field(scalar: Option<Scalar>) -> Option<T> {
        T::from_scalar(scalar?)
    }
}

impl<T: FromScalar> Field for Option<T> {
    fn from_field(scalar: Option<Scalar>) -> Option<Option<T>> {
        match scalar {
            None => Some(None),
            Some(scalar) => T::from_scalar(scalar).map(Some),
        }
    }
}

macro_rules! from_scalar {
    ($($variant:ident => $($type:ty),+;)+) => {$($(
        impl FromScalar for $type {
            fn from_scalar(scalar: Scalar) -> Option<Self> {
                match scalar { Scalar::$variant(value) => value.try_into().ok(), _ => None }
            }
        }
    )+)+};
}
from_scalar! {
    Switch => bool;
    Text => String;
    Whole => i64, u64, u32, u16, u8, usize;
    Number => f64;
    Ratio => Ratio;
    Texts => Vec<String>;
    Address => SocketAddr;
    Mapping => Vec<PdoEntry>;
    Codes => Vec<u16>;
    Numbers => Vec<f64>;
}

impl<'t> Reader<'t> {
    /// A reader of `text`, which has been parsed to `root`, with these overrides.
    pub fn new(text: &'t str, root: &'t DeTable<'t>, overrides: &'t Overrides) -> Reader<'t> {
        let line_starts = line_starts(text);
        Reader { text, line_starts, root, overrides, parameters: Vec::new(), problems: Vec::new() }
    }

    /// Reads the whole file.
    pub fn read<T: Table>(&mut self) -> Option<T> {
        let scope = Scope { table: Some(self.root), line: 0, prefix: String::new(), path: String::new(), unit: None };
        let read = T::read(self, &scope);
        self.unknown_overrides();
        read
    }

    /// Every key that was read, in the order of the description; taken out.
    pub fn take_parameters(&mut self) -> Vec<Parameter> {
        std::mem::take(&mut self.parameters)
    }

    /// Reports the overrides of keys that are not there.
    fn unknown_overrides(&mut self) {
        let known: Vec<String> = self.parameters.iter().filter(|p| p.live()).map(|p| p.name.clone()).collect();
        for (name, value) in self.overrides {
            if self.parameters.iter().any(|parameter| parameter.name == *name) {
                continue;
            }
            let allowed = match nearest(name, &known) {
                Some(near) => format!("the name of a parameter; did you mean {near}?"),
                None => "the name of a parameter, such as axis.NAME.limits.max-jerk-mm-per-s3".to_string(),
            };
            let place = Place { line: value.line, path: name.clone(), written: None, overlaid: true };
            self.report_found(&place, "an unknown name", allowed);
        }
    }

    /// What is wrong, in the order of the lines.
    pub fn into_problems(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }

    /// Notes that what stands at `place` cannot be.
    pub fn report(&mut self, place: &Place, allowed: impl Into<String>) {
        let found = place.written.clone().unwrap_or_else(|| "nothing".into());
        self.report_found(place, found, allowed);
    }

    /// The same, in words of its own for what was found.
    pub fn report_found(&mut self, place: &Place, found: impl Into<String>, allowed: impl Into<String>) {
        self.problems.push(Problem {
            line: place.line,
            overlaid: place.overlaid,
            place: place.path.clone(),
            found: found.into(),
            allowed: allowed.into(),
        });
    }

    /// How much is wrong so far.
    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Whether there is such a list at all.
    pub fn has(&self, list: &str) -> bool {
        self.root.contains_key(list)
    }

    /// The names of all tables in a list, also of those in which something is wrong.
    pub fn names(&self, list: &str) -> Vec<&'t str> {
        tables(self.root, list).filter_map(|table| text_at(table, "name")).collect()
    }

    /// The names of all devices on the bus of this name, also of those in which something is wrong.
    pub fn device_names(&self, bus: &str) -> Vec<&'t str> {
        let buses = tables(self.root, "bus").filter(|table| text_at(table, "name") == Some(bus));
        buses.flat_map(|bus| tables(bus, "device")).filter_map(|device| text_at(device, "name")).collect()
    }

    /// Reads one key.
    pub fn key<F: Field>(&mut self, scope: &Scope<'_>, key: &'static Key) -> Option<At<F>> {
        let name = scope.name_of(key);
        let found = scope.table.and_then(|table| table.get_key_value(name.as_str()));
        let written = found.as_ref().and_then(|(_, value)| self.text.get(value.span()));
        let mut parameter = Parameter::new(format!("{}{name}", scope.path), key, scope.unit, written);
        if let Some(value) = self.overrides.get(&parameter.name) {
            let scalar = self.overridden(scope, &name, value, &parameter);
            parameter.override_by(scalar.as_ref()?);
            self.parameters.push(parameter);
            let place = overlaid(scope, &name, value);
            return F::from_field(scalar).map(|value| At { value, place });
        }
        self.parameters.push(parameter);
        let place = match (&found, key.presence) {
            (Some((_, value)), _) => scope.place(&name, self.line(value.span()), Some(self.excerpt(value.span()))),
            (None, Presence::Default(text)) => scope.place(&name, scope.line, Some(format!("nothing, so {text}"))),
            (None, _) => scope.place(&name, scope.line, None),
        };
        let scalar = match (found, key.presence) {
            (Some((_, value)), _) => {
                let Some(scalar) = key.kind.read(value.get_ref()) else {
                    self.report(&place, key.kind.allowed());
                    return None;
                };
                Some(scalar)
            }
            (None, Presence::Required) => {
                self.report(&place, format!("{} (this key is required)", key.kind.allowed()));
                return None;
            }
            (None, Presence::Default(text)) => default(&key.kind, text),
            (None, Presence::Optional(_)) => None,
        };
        F::from_field(scalar).map(|value| At { value, place })
    }

    /// What an override says, if the key can have that.
    fn overridden(&mut self, scope: &Scope<'_>, name: &str, value: &Override, parameter: &Parameter) -> Option<Scalar> {
        let place = overlaid(scope, name, value);
        if !parameter.live() {
            let allowed = "a parameter that can change while the machine runs; this one is changed in the configuration, for \
                           the next start";
            self.report(&place, allowed);
            self.parameters.push(parameter.clone());
            return None;
        }
        let scalar = DeValue::parse(&value.text).ok().and_then(|value| parameter.key.kind.read(value.get_ref()));
        if scalar.is_none() {
            self.report(&place, parameter.key.kind.allowed());
            self.parameters.push(parameter.clone());
        }
        scalar
    }

    /// Reports every key of the scope that its section does not have.
    pub fn unknown_keys(&mut self, scope: &Scope<'_>, section: &'static Section) {
        let Some(table) = scope.table else { return };
        let known: Vec<String> = section
            .keys
            .iter()
            .map(|key| scope.name_of(key))
            .chain(section.parts.iter().map(|p| p.name.into()))
            .collect();
        for (key, _) in table.iter() {
            let name = key.get_ref().as_ref();
            if known.iter().any(|known| known == name) {
                continue;
            }
            let shown: String = name.chars().map(|c| if c.is_control() { '?' } else { c }).take(40).collect();
            let place = scope.place(&shown, self.line(key.span()), None);
            let other_unit = section
                .keys
                .iter()
                .find(|key| key.name.contains("{unit}") && (key.name_in("mm") == name || key.name_in("deg") == name));
            let allowed = if let (Some(key), Some(unit)) = (other_unit, scope.unit) {
                format!("{} (it counts in {})", key.name_in(unit.symbol()), unit.symbol())
            } else if let Some(near) = nearest(name, &known) {
                format!("did you mean {near}?")
            } else {
                format!("one of {}", known.join(", "))
            };
            self.report_found(&place, "an unknown key", allowed);
        }
    }

    fn line(&self, span: Range<usize>) -> usize {
        self.line_starts.partition_point(|start| *start <= span.start)
    }

    /// What stands there, short and on one line.
    fn excerpt(&self, span: Range<usize>) -> String {
        const MOST: usize = 60;
        let text = self.text.get(span).unwrap_or("");
        let line = text.lines().next().unwrap_or("");
        let shown: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).take(MOST).collect();
        if shown.len() < text.len() { format!("{shown}…") } else { shown }
    }

    /// What the axis or group in `table` counts in.
    fn unit_of(&self, section: &Section, table: &DeTable<'_>) -> Option<AxisUnit> {
        match section.title {
            "axis" => unit_of_kind(text_at(table, "kind")?),
            "group" => {
                // So is that of a machine whose tool has places in space, whatever its joints are.
                if let Some(DeValue::Table(kinematics)) = table.get("kinematics").map(|value| value.get_ref())
                    && matches!(text_at(kinematics, "type"), Some("scara" | "linear-delta" | "arm"))
                {
                    return Some(AxisUnit::Millimetre);
                }
                let DeValue::Array(members) = table.get("axes")?.get_ref() else { return None };
                // The path of a group with a linear axis is measured in millimetres.
                let units = members.iter().filter_map(|member| match member.get_ref() {
                    DeValue::String(name) => {
                        let mut axes = tables(self.root, "axis");
                        let axis = axes.find(|axis| text_at(axis, "name") == Some(name))?;
                        unit_of_kind(text_at(axis, "kind")?)
                    }
                    _ => None,
                });
                units.reduce(|a, b| if a == AxisUnit::Millimetre { a } else { b })
            }
            _ => None,
        }
    }

    fn inner<'s>(
        &self,
        scope: &Scope<'s>,
        section: &Section,
        table: &'s DeTable<'s>,
        line: usize,
        prefix: String,
        path: String,
    ) -> Scope<'s> {
        Scope { table: Some(table), line, prefix, path, unit: self.unit_of(section, table).or(scope.unit) }
    }

    fn wrong_table(&mut self, scope: &Scope<'_>, name: &str, value: &Spanned<DeValue<'_>>, allowed: String) {
        let place = scope.place(name, self.line(value.span()), Some(self.excerpt(value.span())));
        self.report(&place, allowed);
    }
}

impl<T: Table> Nested for T {
    const OCCURS: Occurs = Occurs::Once;
    const SECTION: &'static Section = T::SECTION;

    fn read(reader: &mut Reader<'_>, scope: &Scope<'_>, name: &'static str) -> Option<T> {
        match Option::<T>::read(reader, scope, name)? {
            Some(table) => Some(table),
            None => {
                let (prefix, path) = (format!("{}{name}.", scope.prefix), format!("{}{name}.", scope.path));
                let inner = Scope { table: None, prefix, path, ..scope.clone() };
                T::read(reader, &inner)
            }
        }
    }
}

/// A table, or `None` where something in it is wrong: what does not concern it is then still checked.
#[derive(Clone, Debug)]
pub struct Checked<T>(pub Option<T>);

impl<T: Table> Nested for Checked<T> {
    const OCCURS: Occurs = Occurs::Once;
    const SECTION: &'static Section = T::SECTION;

    fn read(reader: &mut Reader<'_>, scope: &Scope<'_>, name: &'static str) -> Option<Checked<T>> {
        Some(Checked(<T as Nested>::read(reader, scope, name)))
    }
}

impl<T: Table> Nested for Option<T> {
    const OCCURS: Occurs = Occurs::Optional;
    const SECTION: &'static Section = T::SECTION;

    fn read(reader: &mut Reader<'_>, scope: &Scope<'_>, name: &'static str) -> Option<Option<T>> {
        let Some(value) = scope.table.and_then(|table| table.get(name)) else { return Some(None) };
        let DeValue::Table(table) = value.get_ref() else {
            reader.wrong_table(scope, name, value, format!("a table [{}]", T::SECTION.title));
            return None;
        };
        let (prefix, path) = (format!("{}{name}.", scope.prefix), format!("{}{name}.", scope.path));
        let inner = reader.inner(scope, T::SECTION, table, reader.line(value.span()), prefix, path);
        T::read(reader, &inner).map(Some)
    }
}

impl<T: Table> Nested for Vec<T> {
    const OCCURS: Occurs = Occurs::Many;
    const SECTION: &'static Section = T::SECTION;

    /// Tables in which nothing is wrong, in the file's order, also where others are wrong.
    fn read(reader: &mut Reader<'_>, scope: &Scope<'_>, name: &'static str) -> Option<Vec<T>> {
        let Some(value) = scope.table.and_then(|table| table.get(name)) else { return Some(Vec::new()) };
        let list = match value.get_ref() {
            DeValue::Array(list) if list.iter().all(|item| matches!(item.get_ref(), DeValue::Table(_))) => list,
            _ => {
                reader.wrong_table(scope, name, value, format!("a list of tables [[{}]]", T::SECTION.title));
                return None;
            }
        };
        let mut read = Vec::new();
        for (index, item) in list.iter().enumerate() {
            let DeValue::Table(table) = item.get_ref() else { continue };
            let who = match text_at(table, "name") {
                Some(name) if Kind::Name.read(&DeValue::String(name.into())).is_some() => format!("\"{name}\""),
                _ => format!("#{}", index + 1),
            };
            let prefix = format!("{}{name} {who}: ", scope.prefix);
            let path = format!("{}{name}.{}.", scope.path, who.trim_matches('"'));
            let inner = reader.inner(scope, T::SECTION, table, reader.line(item.span()), prefix, path);
            read.extend(T::read(reader, &inner));
        }
        Some(read)
    }
}

impl Scope<'_> {
    /// A key's name here. Where the unit is not known, the one that is written, or millimetres.
    fn name_of(&self, key: &Key) -> String {
        let written = |unit| self.table.is_some_and(|table| table.contains_key(key.name_in(unit).as_str()));
        match self.unit {
            Some(unit) => key.name_in(unit.symbol()),
            None if written("deg") => key.name_in("deg"),
            None => key.name_in("mm"),
        }
    }

    fn place(&self, name: &str, line: usize, written: Option<String>) -> Place {
        Place { line, path: format!("{}{name}", self.prefix), written, overlaid: false }
    }

    /// The table itself as a place, for what concerns no single key.
    pub fn whole(&self) -> Place {
        let path = self.prefix.trim_end_matches([' ', ':', '.']).to_string();
        Place { line: self.line, path, written: None, overlaid: false }
    }
}

/// The place of an overridden key.
fn overlaid(scope: &Scope<'_>, name: &str, value: &Override) -> Place {
    let place = scope.place(name, value.line, Some(value.text.clone()));
    Place { overlaid: true, ..place }
}

/// Where each line of the text begins, bytes.
pub fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// A default from the description of a key; a test reads each.
pub fn default(kind: &Kind, text: &'static str) -> Option<Scalar> {
    kind.read(DeValue::parse(text).ok()?.get_ref())
}

fn unit_of_kind(kind: &str) -> Option<AxisUnit> {
    match kind {
        "linear" => Some(AxisUnit::Millimetre),
        "rotary" => Some(AxisUnit::Degree),
        _ => None,
    }
}

fn text_at<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    match table.get(key)?.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

/// The tables of a list.
pub(super) fn tables<'a>(table: &'a DeTable<'a>, list: &str) -> impl Iterator<Item = &'a DeTable<'a>> {
    let items = match table.get(list).map(|value| value.get_ref()) {
        Some(DeValue::Array(items)) => Some(items),
        _ => None,
    };
    items.into_iter().flat_map(|items| items.iter()).filter_map(|item| match item.get_ref() {
        DeValue::Table(table) => Some(table),
        _ => None,
    })
}

/// The known key that differs least, if it is close enough to be meant.
pub fn nearest<'k, T: AsRef<str>>(name: &str, known: &'k [T]) -> Option<&'k str> {
    if name.len() > 64 {
        return None;
    }
    let known = known.iter().map(AsRef::as_ref);
    let (distance, near) = known.map(|known| (edits(name, known), known)).min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + near.len() / 4 && distance < name.chars().count()).then_some(near)
}

/// Edits (insert, delete, replace) from one text to the other (Levenshtein 1966).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
