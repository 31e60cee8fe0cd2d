//! Events that outlive the daemon: a bounded store in the state directory, and what earlier lives left there.
//!
//! ```text
//! gateway's event log ─► record ─► Store (events.log, events.log.1)
//!                                    │ at the next start
//! clients ◄─ control ◄─ History ◄────┘
//! ```
//!
//! Sequence numbers go on over restarts and are never given twice. After an orderly end the next number follows; after
//! any other the numbers jump to the next multiple of [`EVENT_JUMP`](crate::limits::EVENT_JUMP), for clients may
//! have been told of events that were not written any more. The first event of each life says which it was.

mod past;
mod record;
mod segment;
mod store;
#[cfg(test)]
mod tests;

pub use past::{History, PastEvent};
pub use record::record;
pub use store::{Beginning, Store};
