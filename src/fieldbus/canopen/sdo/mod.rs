//! The SDO client: objects of a node, read and written in frames of eight bytes (CiA 301, 7.2.4).
//!
//! Nothing here does I/O or knows the time. A [`Transfer`] gives the frames to send and takes the node's, so that the
//! real-time thread can serve a node beside its process data.
//!
//! | module | what it is |
//! |---|---|
//! | [`upload`], [`download`] | reading and writing an object: expedited, in segments, in blocks with a checksum |
//! | [`transfer`] | what both have in common, and how they fail |

mod command;
pub mod download;
pub mod transfer;
pub mod upload;

pub use download::Download;
pub use transfer::{Bytes, Step, Transfer, TransferError};
pub use upload::Upload;

#[cfg(test)]
mod tests;
