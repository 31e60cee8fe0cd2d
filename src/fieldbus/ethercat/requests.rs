//! What is asked of the mailboxes of devices from outside the cycle.

use super::mailbox::{DescribeEntry, DescribeObject, Download, ObjectList, Transfer, TransferError, Upload};

/// A transfer with a device.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a request is boxed as a whole")]
pub enum Job {
    /// Reads an object.
    Read(Upload),
    /// Writes an object.
    Write(Download),
    /// Lists objects.
    List(ObjectList),
    /// Describes an object.
    Object(DescribeObject),
    /// Describes an entry of an object.
    Entry(DescribeEntry),
}

impl Job {
    /// As what carries it out.
    pub fn as_transfer(&mut self) -> &mut dyn Transfer {
        match self {
            Job::Read(transfer) => transfer,
            Job::Write(transfer) => transfer,
            Job::List(transfer) => transfer,
            Job::Object(transfer) => transfer,
            Job::Entry(transfer) => transfer,
        }
    }
}

/// One request.
pub type Request = crate::fieldbus::requests::Request<Job, TransferError>;
/// The end on the real-time thread.
pub type Requests = crate::fieldbus::requests::Requests<Job, TransferError>;
/// The end of who asks.
pub type RequestEnds = crate::fieldbus::requests::RequestEnds<Job, TransferError>;
