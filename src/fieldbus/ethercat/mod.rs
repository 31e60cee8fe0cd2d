//! EtherCAT: a master of our own in the cycle, brought up with ethercrab.
//!
//! ```text
//! off the real-time thread:  bring_up ─► scan (ethercrab), objects ─► mailbox ─┐
//!                               └─► setup (registers) ────────────► dialogue ──┤
//! on it:                     exchange ──────────────────────────► datagram ────┴─► wire (packet_socket, or a simulation)
//! ```

pub mod bring_up;
pub mod datagram;
pub mod dialogue;
#[cfg(not(miri))]
mod ethercrab_scan;
pub mod exchange;
pub mod mailbox;
pub mod objects;
pub mod packet_socket;
pub mod register;
pub mod scan;
pub mod setup;
pub mod sii;
pub mod wire;
