//! EtherCAT: a master of our own in the cycle, brought up with ethercrab.
//!
//! ```text
//! off the real-time thread:  bring_up ─┬─► scan (ethercrab)
//!                                      ├─► objects, files ──────────────────► mailbox ──┐
//!                                      └─► setup, synchronisation, ring_end ► dialogue ─┤
//! on it:                     exchange ─┬───────────────────────────────────► datagram ──┴─► wire (packet_socket, a ring of
//!                                      │                                                    two of them, or a simulation)
//!                                      └─► errands ─┬─► restoration ─► work (a plan of the bring-up)
//!                                                   ├─► letterbox ───► mailbox
//!                                                   └─► links
//! ```

pub mod bring_up;
pub mod correspondence;
pub mod datagram;
pub mod dialogue;
pub mod errand;
pub mod errands;
#[cfg(not(miri))]
mod ethercrab_scan;
pub mod exchange;
pub mod files;
pub mod letterbox;
pub mod links;
pub mod mailbox;
pub mod object_desk;
pub mod objects;
pub mod packet_socket;
pub mod plan;
pub mod register;
pub mod requests;
pub mod restoration;
pub mod ring;
pub mod ring_end;
mod ring_watch;
pub mod scan;
pub mod setup;
pub mod sii;
pub mod states;
pub mod synchronisation;
pub mod wire;
pub mod work;
