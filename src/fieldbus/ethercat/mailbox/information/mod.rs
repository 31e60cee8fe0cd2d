//! SDO information: which objects a device has, and what they are (ETG.1000.6).
//!
//! ```text
//! CoE header       u16, service 8
//! opcode           7 bits: 1 list, 3 object, 5 entry, each answered by the next number; 7 refused. Bit 7: more follows
//! reserved         u8
//! fragments left   u16, counts down to 0
//! data             of the first fragment: what was asked about, then the answer; of the others: the answer goes on
//! ```

mod description;
mod inquiry;

pub use description::{EntryDescription, ObjectAccess, ObjectCode, ObjectDescription};
use inquiry::{Inquiry, Request};

use super::transfer::{Silence, Step, Transfer, TransferError};
use crate::limits::{MAX_DESCRIPTION_BYTES, MAX_LISTED_OBJECTS};

/// Which objects are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// All.
    All,
    /// Those that can be mapped into outputs.
    Outputs,
    /// Those that can be mapped into inputs.
    Inputs,
    /// Those to be stored for the replacement of the device.
    Backup,
    /// Those to be written at start-up.
    Startup,
}

impl ListKind {
    fn number(self) -> u16 {
        match self {
            ListKind::All => 1,
            ListKind::Outputs => 2,
            ListKind::Inputs => 3,
            ListKind::Backup => 4,
            ListKind::Startup => 5,
        }
    }
}

/// The device's list of its objects.
#[derive(Clone, Debug)]
pub struct ObjectList(Inquiry<{ 2 * MAX_LISTED_OBJECTS }>);

impl ObjectList {
    /// Asks for the objects of a kind.
    pub const fn new(kind: ListKind) -> ObjectList {
        ObjectList(Inquiry::new(Request::List(kind)))
    }

    /// Their indices, in the device's order; whole once the transfer is done.
    pub fn indices(&self) -> impl Iterator<Item = u16> {
        self.0.bytes().chunks_exact(2).filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)))
    }
}

/// The question what an object is.
#[derive(Clone, Debug)]
pub struct DescribeObject(Inquiry<MAX_DESCRIPTION_BYTES>);

impl DescribeObject {
    /// Asks about the object at `index`.
    pub const fn new(index: u16) -> DescribeObject {
        DescribeObject(Inquiry::new(Request::Object { index }))
    }

    /// The answer, once the transfer is done; nothing where the device's answer is cut off.
    pub fn description(&self) -> Option<ObjectDescription<'_>> {
        ObjectDescription::decode(self.0.bytes())
    }
}

/// The question what a part of an object is.
#[derive(Clone, Debug)]
pub struct DescribeEntry(Inquiry<MAX_DESCRIPTION_BYTES>);

impl DescribeEntry {
    /// Asks about one part, with its unit, default, minimum and maximum where the device has them.
    pub const fn new(index: u16, subindex: u8) -> DescribeEntry {
        DescribeEntry(Inquiry::new(Request::Entry { index, subindex }))
    }

    /// The answer, once the transfer is done; nothing where the device's answer is cut off.
    pub fn description(&self) -> Option<EntryDescription<'_>> {
        EntryDescription::decode(self.0.bytes())
    }
}

macro_rules! transfer_of_an_inquiry {
    ($($inquiry:ident)*) => {$(
        impl Transfer for $inquiry {
            fn next(&mut self, out: &mut [u8]) -> Option<usize> {
                self.0.next(out)
            }

            fn take(&mut self, answer: &[u8]) -> Step {
                self.0.take(answer)
            }

            fn abandon(&mut self, silence: Silence) -> TransferError {
                self.0.abandon(silence)
            }
        }
    )*};
}

transfer_of_an_inquiry!(ObjectList DescribeObject DescribeEntry);
