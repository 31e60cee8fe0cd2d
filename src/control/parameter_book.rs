//! What the control service must know of the configuration to show and change parameters. The daemon's root implements it,
//! because it alone knows the configuration and where things are kept.

use std::sync::Arc;

use crate::gateway::{AxisFigures, Overrides};
use crate::ids::AxisId;

/// One key of the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its path: `axis.x.limits.max-jerk-mm-per-s3`.
    pub name: String,
    /// As it stands in the file, or its default; `None` where it is left out.
    pub configured: Option<String>,
    /// The same as a number, where it is one.
    pub configured_number: Option<f64>,
    /// What it counts.
    pub unit: Option<String>,
    /// What may stand there, in words.
    pub allowed: String,
    /// The same in numbers.
    pub range: Option<(f64, f64)>,
    /// What it is for.
    pub what: &'static str,
    /// It can change while the machine runs.
    pub live: bool,
}

/// A value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The parameter.
    pub name: String,
    /// What was found there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
}

/// Why nothing was persisted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPersisted {
    /// The daemon was given no place for it.
    NoStateDirectory,
    /// The file could not be written.
    NotWritten(String),
}

/// The configuration by parameters, and what is kept of their changes. Calls may take milliseconds, or as long as the disk
/// takes.
pub trait ParameterBook: Send + Sync {
    /// Every key that holds, in the order of the configuration.
    fn parameters(&self) -> &[Parameter];

    /// What holds at the next start instead of the file's values, over all axes.
    fn persisted(&self) -> Arc<Overrides>;

    /// The figures of an axis with these overrides over all axes, if the configuration is good with them.
    fn figures(&self, axis: AxisId, overrides: &Overrides) -> Result<AxisFigures, Vec<Misfit>>;

    /// Keeps these overrides, over all axes; returns the file.
    fn persist(&self, overrides: &Overrides) -> Result<String, NotPersisted>;

    /// How a number is written in the file.
    fn written(&self, number: f64) -> String;
}
