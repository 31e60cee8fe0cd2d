//! Why an element is not taken, as who gave it is told: by the daemon, or before anything is given to one.

use super::draft::DraftError;

/// The reason by its name in the interface, and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit<'a> {
    /// The reason.
    pub reason: &'static str,
    /// The axis or coordinate that it is about.
    pub axis: Option<&'a str>,
    /// What was asked for.
    pub requested: Option<f64>,
    /// What is allowed.
    pub limit: Option<f64>,
    /// The unit of both.
    pub unit: Option<&'a str>,
}

impl<'a> Unfit<'a> {
    /// For who knows coordinates by these names and units. Of what the machine cannot follow, figures are left to who knows its joints.
    pub fn of(error: &DraftError, coordinates: &[(&'a str, &'a str)]) -> Unfit<'a> {
        let none = |reason| Unfit { reason, axis: None, requested: None, limit: None, unit: None };
        let figures = |reason, requested: f64, limit: f64, unit| Unfit {
            requested: Some(requested),
            limit: Some(limit),
            unit: Some(unit),
            ..none(reason)
        };
        match error {
            DraftError::Position { axis, found } => {
                let (name, unit) = coordinates[*axis];
                Unfit { axis: Some(name), requested: Some(*found), unit: Some(unit), ..none("NotFinite") }
            }
            DraftError::SoftLimit { axis, found, allowed } => {
                let (name, unit) = coordinates[*axis];
                Unfit { axis: Some(name), ..figures("SoftLimit", *found, *allowed, unit) }
            }
            DraftError::Path(_) => none("Unfollowed"),
            DraftError::Arc(_) => none("NoSuchArc"),
            DraftError::Feed { found, allowed } => figures("FeedRange", *found, *allowed, "per s, or s"),
            DraftError::Cap { found, allowed, .. } => {
                figures("CapRange", *found, *allowed, "mm or deg per s, s² or s³")
            }
            DraftError::Corner { found } => figures("CornerRange", *found, 0.0, "mm or deg"),
        }
    }
}
