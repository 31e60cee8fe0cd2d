//! What is asked of the objects of nodes from outside the cycle.

use super::sdo::{Download, Transfer, TransferError, Upload};

/// A transfer with a node.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a request is boxed as a whole")]
pub enum Job {
    /// Reads an object.
    Read(Upload),
    /// Writes an object.
    Write(Download),
}

impl Job {
    /// As what carries it out.
    pub fn as_transfer(&mut self) -> &mut dyn Transfer {
        match self {
            Job::Read(transfer) => transfer,
            Job::Write(transfer) => transfer,
        }
    }
}

/// One request.
pub type Request = crate::fieldbus::requests::Request<Job, TransferError>;
/// The end on the real-time thread.
pub type Requests = crate::fieldbus::requests::Requests<Job, TransferError>;
/// The end of who asks.
pub type RequestEnds = crate::fieldbus::requests::RequestEnds<Job, TransferError>;
/// Why nothing came of a request.
pub type DeskError = crate::fieldbus::object_desk::DeskError<TransferError>;
/// The way to the objects of one bus's nodes.
pub type ObjectDesk = crate::fieldbus::object_desk::ObjectDesk<Job, TransferError>;
