//! The application layer's states, and why a device refuses one (ETG.1000.6, ETG.1020).

/// A state, as its bits in AL control and AL status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum AlState {
    /// No communication.
    Init = 1,
    /// Mailbox.
    PreOperational = 2,
    /// Mailbox, for files only.
    Bootstrap = 3,
    /// Mailbox and inputs.
    SafeOperational = 4,
    /// Mailbox, inputs and outputs.
    Operational = 8,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A state that there is.
    State(AlState),
    /// Bits that mean nothing.
    Unknown,
}

impl Asked {
    /// Of AL control.
    pub fn of(control: u8) -> Asked {
        match control & 0x0F {
            1 => Asked::State(AlState::Init),
            2 => Asked::State(AlState::PreOperational),
            3 => Asked::State(AlState::Bootstrap),
            4 => Asked::State(AlState::SafeOperational),
            8 => Asked::State(AlState::Operational),
            _ => Asked::Unknown,
        }
    }
}

/// AL status codes that a simulated device gives.
pub mod code {
    /// Invalid requested state change.
    pub const INVALID_CHANGE: u16 = 0x11;
    /// Unknown requested state.
    pub const UNKNOWN_STATE: u16 = 0x12;
    /// Invalid mailbox configuration for bootstrap.
    pub const BOOT_MAILBOX: u16 = 0x15;
    /// Invalid mailbox configuration.
    pub const MAILBOX: u16 = 0x16;
    /// Process data watchdog.
    pub const WATCHDOG: u16 = 0x1B;
    /// Invalid output configuration.
    pub const OUTPUTS: u16 = 0x1D;
    /// Invalid input configuration.
    pub const INPUTS: u16 = 0x1E;
    /// SYNC0 stopped.
    pub const SYNC_STOPPED: u16 = 0x2C;
    /// No SYNC0 was seen.
    pub const NO_SYNC: u16 = 0x2D;
    /// Invalid SYNC0 cycle time.
    pub const SYNC_CYCLE: u16 = 0x35;
}

/// Whether one state may follow the other: one step up, or any way down; bootstrap is beside INIT.
pub fn may_follow(from: AlState, to: AlState) -> bool {
    match (from, to) {
        (AlState::Bootstrap, to) => matches!(to, AlState::Init | AlState::Bootstrap),
        (from, AlState::Bootstrap) => from == AlState::Init,
        (from, to) => to <= from || to as u8 == from as u8 * 2,
    }
}
