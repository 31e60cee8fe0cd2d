//! The mailbox of an EtherCAT device: objects read, written and listed, files, emergencies (ETG.1000.4, ETG.1000.6).
//!
//! Nothing here does I/O. [`Client`] says which datagram to send and takes what became of it, one a cycle, so that the
//! real-time thread can serve mailboxes beside its process data; a [`Transfer`] makes the messages and takes the answers.
//!
//! | module | what it is |
//! |---|---|
//! | [`client`] | one device, one transfer at a time |
//! | [`exchange`] | which register to touch next; lost frames, repetition, patience |
//! | [`counter`] | numbers of messages, duplicates |
//! | [`frame`] | mailbox header, refusal of a mailbox |
//! | [`transfer`] | what transfers have in common, and how they fail |
//! | [`sdo`] | addresses of objects, abort codes |
//! | [`upload`], [`download`] | reading and writing an object |
//! | [`information`] | which objects there are |
//! | [`emergency`] | faults that the device tells of |
//! | [`foe`] | reading and writing a file |
//!
//! A device may send anything: no answer can make a step panic, allocate or run on, and each transfer ends within the
//! patience that its caller sets. An emergency between two answers is handed out, never dropped.

mod bytes;
pub mod client;
pub mod counter;
pub mod download;
pub mod emergency;
pub mod exchange;
pub mod foe;
pub mod frame;
pub mod information;
pub mod sdo;
pub mod transfer;
pub mod upload;

pub use client::{Client, Report, Turn};
pub use download::Download;
pub use emergency::Emergency;
pub use exchange::{Access, Patience, Sizes, Wanted};
pub use foe::{FileName, FileRead, FileWrite};
pub use information::{DescribeEntry, DescribeObject, ListKind, ObjectList};
pub use sdo::{AbortCode, Address};
pub use transfer::{Aside, Silence, Step, Transfer, TransferError};
pub use upload::Upload;

#[cfg(test)]
mod tests;
