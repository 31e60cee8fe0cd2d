//! The only data that crosses the real-time border: commands and stops inward; reports, events and
//! snapshots outward. Every structure is bounded and fixed at start; neither side ever waits for the other.

pub mod command;
pub mod event;
pub mod snapshot;
