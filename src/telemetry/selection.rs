//! What a client chose: which axes, what of them, how often.

use crate::ids::AxisId;

use super::quantity::Quantity;

/// What a sample looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// One structure an axis, one reply a sample: for displays.
    Rows,
    /// For each axis these quantities, many samples a reply: for recording.
    Columns(Vec<Quantity>),
}

/// What a client chose. Clients that chose the same share what is encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Axes, in the order of a sample.
    pub axes: Vec<AxisId>,
    /// What is told of each.
    pub form: Form,
    /// A sample is due in every cycle whose number this divides; at least 1.
    pub decimation: u64,
}

impl Selection {
    /// Whether a sample is due in this cycle.
    pub fn is_due(&self, cycle: u64) -> bool {
        cycle.is_multiple_of(self.decimation)
    }

    /// Samples that are due after the cycle `after` and before the cycle `before`.
    pub fn due_between(&self, after: u64, before: u64) -> u64 {
        (before.saturating_sub(1) / self.decimation).saturating_sub(after / self.decimation)
    }
}
