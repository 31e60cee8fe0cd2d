//! Which parameters each axis has now: what it started with, then what the cycle has accepted.
//!
//! The gateway writes them when it hears of an acceptance, in the order of the cycle; everybody may read them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::exchange::figures::AxisFigures;
use crate::ids::{AxisId, Handle};

/// Parameters that are not as the configuration has them: name and value. To the gateway names are no more than that.
pub type Overrides = BTreeMap<String, f64>;

/// The parameters of one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// All its figures.
    pub figures: AxisFigures,
    /// What of them is not as in the configuration.
    pub overrides: Arc<Overrides>,
    /// The latest change, and the overrides before it.
    pub latest: Option<(Handle, Arc<Overrides>)>,
}

/// Other parameters for an axis. Two are the same where the same was asked for.
#[derive(Clone, Debug)]
pub struct ParameterChange {
    /// The axis.
    pub axis: AxisId,
    /// What the client asked for.
    pub asked: Asked,
    /// The overrides that the change was made from: if others are in force by then, it is refused.
    pub base: Arc<Overrides>,
    /// The overrides after it.
    pub overrides: Arc<Overrides>,
    /// The figures after it.
    pub figures: AxisFigures,
}

/// What a client asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// These values.
    Values(Overrides),
    /// Those that were persisted.
    Persisted,
    /// Those of the configuration.
    Configured,
}

impl PartialEq for ParameterChange {
    fn eq(&self, other: &ParameterChange) -> bool {
        self.axis == other.axis && self.asked == other.asked
    }
}

impl InForce {
    /// Takes an accepted change in; twice the same changes nothing more.
    pub(super) fn accept(&mut self, handle: Handle, change: &ParameterChange) {
        if self.latest.as_ref().is_some_and(|(latest, _)| *latest >= handle) {
            return;
        }
        self.latest = Some((handle, Arc::clone(&self.overrides)));
        self.figures = change.figures;
        self.overrides = Arc::clone(&change.overrides);
    }
}
