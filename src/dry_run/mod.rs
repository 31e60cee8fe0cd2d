//! A whole path on the virtual clock, with the planner and the generator of the daemon: how long it takes, how near it comes to the
//! limits, how far it is off what was programmed, and a picture. Pure: elements in, a report out; memory does not grow with the path.
//!
//! | file | what it is |
//! |---|---|
//! | `run` | [`DryRun`]: elements through planner and generator |
//! | `axis` | [`RunGroup`], [`RunAxis`]: what it knows of a group and its axes |
//! | `peaks` | the most that each axis does, within cycles as well |
//! | `continuity` | whether positions go on as velocities say |
//! | `deviation` | the programmed path beside the curve that is followed |
//! | `tool` | where the tool of a machine is, and its curve |
//! | `trace` | where the path went, thinned |
//! | `report` | [`DryRunReport`] |
//! | [`picture`] | the path as a drawing (SVG), coloured by speed |

mod axis;
mod continuity;
mod deviation;
mod peaks;
pub mod picture;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod tool;
mod trace;

pub use axis::{RunAxis, RunGroup, RunTool};
pub use deviation::Deviation;
pub use peaks::Peak;
pub use report::{AxisReport, CoordinateReport, DryRunError, DryRunReport, ToolReport};
pub use run::DryRun;
pub use trace::Spot;
