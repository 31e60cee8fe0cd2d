//! The configuration key by key, as parameters with names: what the reader read, for those who list or change it.

use toml::de::DeValue;

use super::key::{Change, Key, Kind, Presence, Scalar};
use crate::units::AxisUnit;

/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 400;

/// One key of one table, and what it says.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its path in the file: `axis.x.limits.max-jerk-mm-per-s3`. Where the path leads through a list, the table is called by its
    /// name.
    pub name: String,
    /// What it is.
    pub key: &'static Key,
    /// As it stands in the file, or its default; `None` where it is left out and has none.
    pub written: Option<String>,
    /// What holds instead, and was not read from the file.
    pub overridden: Option<f64>,
    unit: Option<AxisUnit>,
}

impl Parameter {
    /// A key with this text in the file, on an axis or group that counts in `unit`.
    pub(super) fn new(name: String, key: &'static Key, unit: Option<AxisUnit>, written: Option<&str>) -> Parameter {
        let default = match key.presence {
            Presence::Default(text) => Some(text),
            _ => None,
        };
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let written = written.or(default).map(|text| one_line(text).chars().take(SHOWN_CHARS).collect());
        Parameter { name, key, written, overridden: None, unit }
    }

    /// Something else holds.
    pub(super) fn override_by(&mut self, scalar: &Scalar) {
        self.overridden = number(scalar);
    }

    /// What holds instead, where it is another value.
    pub fn override_in_force(&self) -> Option<f64> {
        self.overridden.filter(|value| self.configured() != Some(*value))
    }

    /// It can change while the machine runs: figures of axes, all of them numbers.
    pub fn live(&self) -> bool {
        self.key.change == Change::LiveKept
    }

    /// The number in the file, or the default one.
    pub fn configured(&self) -> Option<f64> {
        let value = DeValue::parse(self.written.as_deref()?).ok()?;
        number(&self.key.kind.read(value.get_ref())?)
    }

    /// What its value counts.
    pub fn unit(&self) -> Option<String> {
        let both = self.key.unit()?;
        Some(match (both.split_once(" or "), self.unit) {
            (Some((millimetres, _)), Some(AxisUnit::Millimetre)) => millimetres.to_string(),
            (Some((_, degrees)), Some(AxisUnit::Degree)) => degrees.to_string(),
            _ => both.to_string(),
        })
    }

    /// The lowest and highest number that may stand there by itself; what goes with other keys may be less.
    pub fn range(&self) -> Option<(f64, f64)> {
        match self.key.kind {
            Kind::Whole(least, most) => Some((least as f64, most as f64)),
            Kind::Number(least, most) => Some((least, most)),
            Kind::Above0(most) => Some((0.0, most)),
            _ => None,
        }
    }
}

fn number(scalar: &Scalar) -> Option<f64> {
    match scalar {
        Scalar::Number(number) => Some(*number),
        Scalar::Whole(whole) => Some(*whole as f64),
        _ => None,
    }
}
