//! Dry runs for clients: path files, part by part, on a thread of their own that nobody waits for but those who asked.
//!
//! ```text
//! control ─ Desk ─► parts of text ─► Stage: reader, planner and generator on the virtual clock ─► what was found
//! ```
//!
//! Each runs for a few milliseconds in its turn, and ends with the connection that asked for it.

mod desk;
mod stage;
#[cfg(test)]
mod tests;

pub use desk::{Desk, Refusal, Rehearsal};
pub use stage::Stage;

use std::sync::Arc;

use crate::dry_run::{DryRunError, DryRunReport, RunAxis};
use crate::geometry::ArcError;
use crate::limits::DRY_RUN_QUEUE;
use crate::path_file::{PathGroup, Problem};
use crate::planner::program::Point;

/// What a path file is run on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The group, as path files name it.
    pub group: PathGroup,
    /// Its axes.
    pub axes: Vec<RunAxis>,
    /// What a cycle takes, s.
    pub period_s: f64,
    /// Where a path begins that does not say it; axis coordinates, in the group's order.
    pub start: Point,
}

/// What picture is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The axes of the picture, by their places in the group: two or three; else those that show the most.
    pub axes: Vec<usize>,
    /// What stands above it.
    pub title: String,
}

/// What came of a dry run.
#[derive(Debug)]
pub enum Outcome {
    /// It came to its end. With the picture, where that was wanted.
    Report(Box<DryRunReport>, Option<String>),
    /// The text has mistakes.
    Mistakes(Vec<Problem>),
    /// An arc that there is not, with its line.
    Arc(u32, ArcError),
    /// The motion stands still.
    Stuck(DryRunError),
    /// The motion takes longer than is run.
    TooLong,
}

/// Both ends.
pub fn rehearsals() -> (Desk, Stage) {
    let (sender, inbox) = crossbeam::channel::bounded(DRY_RUN_QUEUE);
    let open = Arc::default();
    (Desk::new(sender, Arc::clone(&open)), Stage::new(inbox))
}
