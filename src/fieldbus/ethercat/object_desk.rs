//! Asks devices with a mailbox by way of the cycle.

use super::mailbox::TransferError;
use super::requests::Job;

/// Why nothing came of a request.
pub type DeskError = crate::fieldbus::object_desk::DeskError<TransferError>;
/// The way to the objects of one bus's devices.
pub type ObjectDesk = crate::fieldbus::object_desk::ObjectDesk<Job, TransferError>;
