//! `motiond doctor`: whether this host can run the cycle, what keeps it from it, and what to do about that. It reports
//! and never changes anything.
//!
//! ```text
//! Subject (what is configured) ─┐
//! Host (files of the kernel) ───┼─► checks ─► findings ─┐
//! Trial (rights, by trying) ────┘                       ├─► report, exit code
//! wake-ups of a real cyclic thread ─► measurement ──────┘
//! ```
//!
//! The checks are functions of an [`Examination`]: they read files below a root that tests plant, and see what was
//! tried as values. What cannot be read is [`Verdict::Unknown`], never an error: in a container or as an ordinary
//! user the rest of the report stands.

mod cpu_list;
mod ethtool;
mod examination;
mod finding;
mod host;
mod interrupts;
mod isolation;
mod kernel;
mod measurement;
mod memory;
mod network;
mod place;
mod platform;
mod power;
mod report;
mod rights;
mod run;
mod smi;
mod subject;
mod unit;
mod unit_check;

pub use ethtool::{NicFacts, nic_facts};
pub use examination::{Examination, Trial, examine};
pub use finding::{Finding, Verdict};
pub use host::{Host, Unread};
pub use measurement::{Measured, judge};
pub use report::Report;
pub use run::{Options, run};
pub use subject::Subject;
