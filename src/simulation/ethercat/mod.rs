//! An EtherCAT segment: slave controllers that pass raw frames, with the simulated devices behind them.
//!
//! ```text
//! frame ─► Segment ─► datagram ─► Controller 0 ─► Controller 1 ─► … and back, changed
//!                                  │ registers, memory, FMMU, sync managers, SII, clock
//!                                  ├─ al_state ─► SimulatedDevice (process data, network state)
//!                                  └─ mailbox ─┬─► coe ─► SimulatedDevice (objects)
//!                                              └─► foe (files)
//! ```
//!
//! Nothing in it knows which master asks. Time is what the caller says it is.

mod al_state;
mod clock;
mod coe;
mod controller;
mod datagram;
mod foe;
mod mailbox;
mod memory;
mod pulses;
mod segment;
mod sii;

pub use foe::PASSWORD;
pub use mailbox::Manners;
pub use segment::{End, Segment, SegmentCommand, SegmentError, SegmentParameters};
