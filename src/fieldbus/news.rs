//! What a bus tells of its devices by itself, beside the report of each exchange.

pub use super::canopen::frame::WireState;
pub use super::error_code::{ErrorCode, NO_ERROR};
use std::fmt;

/// Something that a bus has to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusNews {
    /// A device that dropped out is back on the wire, and cannot be made operational. Told once for each obstacle.
    NotRestored {
        /// Its place in the bus's configuration.
        device: u8,
        /// What is in the way.
        obstacle: Obstacle,
    },
    /// A device told of a fault, or that its faults are gone, by an emergency message.
    Emergency {
        /// Its place in the bus's configuration.
        device: u8,
        /// Its code, as in object 603Fh; 0 is "no fault any more".
        code: u16,
        /// Its error register, object 1001h.
        register: u8,
    },
    /// The ring is broken, or has a break at another place than before: everything goes on, and the next one stops devices.
    RingBroken {
        /// The device before the break; `None` where that is the interface.
        before: Option<u8>,
        /// The device behind it; `None` where that is the redundant interface.
        behind: Option<u8>,
    },
    /// The ring is whole again.
    RingWhole,
    /// The bus's controller stands otherwise to its wire than before (CAN).
    Wire(WireState),
    /// The interface's queue is full, so that frames are not sent: told once, until it has room again (CAN).
    QueueFull,
}

/// Why a device that is back could not be made operational.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It does not take, or not give, what stands in this register.
    Register(u16),
    /// It does not go into a state.
    State {
        /// Where it was asked to go.
        wanted: &'static str,
        /// Its code for the reason; 0 where it gives none.
        code: u16,
    },
    /// It is another device than the one that was there.
    Identity {
        /// What differs.
        what: &'static str,
        /// What was there, or is configured.
        expected: u32,
        /// What it says.
        found: u32,
    },
    /// It says nothing.
    Silent,
    /// Another device answers to the same address.
    Duplicate,
    /// It refuses an object.
    Object {
        /// Index.
        index: u16,
        /// Subindex.
        subindex: u8,
        /// The code of its abort; `None` where it did not answer as it should.
        abort: Option<u32>,
    },
}

impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Register(register) => write!(out, "it does not answer as it should (register {register:04X}h)"),
            Obstacle::Silent => out.write_str("it does not answer"),
            Obstacle::Duplicate => out.write_str("two devices answer to its node id: one of them needs another"),
            Obstacle::State { wanted, code: 0 } => write!(out, "it does not go to {wanted}"),
            Obstacle::State { wanted, code } => write!(out, "it does not go to {wanted}: AL status code {code:04X}h"),
            Obstacle::Identity { what, expected, found } => {
                write!(out, "it is another device: its {what} is {found:#010x}, expected is {expected:#010x}")
            }
            Obstacle::Object { index, subindex, abort: Some(abort) } => {
                write!(out, "it refuses object {index:04X}h:{subindex:02X} with abort code {abort:08X}h")
            }
            Obstacle::Object { index, subindex, abort: None } => {
                write!(out, "it does not answer about object {index:04X}h:{subindex:02X} as it should")
            }
        }
    }
}
