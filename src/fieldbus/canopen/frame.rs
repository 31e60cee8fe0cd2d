//! What goes over a CAN wire: classic frames with 11-bit identifiers (CiA 301), and what the controller tells of the wire.

use std::fmt;

/// Most bytes of a frame.
pub const MAX_FRAME_BYTES: usize = 8;
/// Identifiers are below this.
pub const IDENTIFIERS: u16 = 0x800;

/// A classic frame with an 11-bit identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CanFrame {
    identifier: u16,
    length: u8,
    remote: bool,
    bytes: [u8; MAX_FRAME_BYTES],
}

impl CanFrame {
    /// A frame of at most eight bytes; what is more is left out, as are the upper bits of the identifier.
    pub fn data(identifier: u16, content: &[u8]) -> CanFrame {
        let mut bytes = [0; MAX_FRAME_BYTES];
        let length = content.len().min(MAX_FRAME_BYTES);
        bytes[..length].copy_from_slice(&content[..length]);
        CanFrame { identifier: identifier & (IDENTIFIERS - 1), length: length as u8, remote: false, bytes }
    }

    /// A request for the frame of this identifier.
    pub fn remote(identifier: u16, length: u8) -> CanFrame {
        let length = length.min(MAX_FRAME_BYTES as u8);
        CanFrame { identifier: identifier & (IDENTIFIERS - 1), length, remote: true, bytes: [0; MAX_FRAME_BYTES] }
    }

    /// Its identifier (COB-ID), below 800h.
    pub fn identifier(&self) -> u16 {
        self.identifier
    }

    /// Its content; nothing in a remote frame.
    pub fn bytes(&self) -> &[u8] {
        if self.remote { &[] } else { &self.bytes[..usize::from(self.length)] }
    }

    /// How long it says it is, bytes.
    pub fn length(&self) -> u8 {
        self.length
    }

    /// It asks for a frame and holds none.
    pub fn is_remote(&self) -> bool {
        self.remote
    }
}

impl fmt::Debug for CanFrame {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:03X}#", self.identifier)?;
        if self.remote {
            return write!(out, "R{}", self.length);
        }
        self.bytes().iter().try_for_each(|byte| write!(out, "{byte:02X}"))
    }
}

/// How a controller stands to its wire (ISO 11898-1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum WireState {
    /// It takes part.
    #[default]
    Active,
    /// Many errors: something is wrong with the wire.
    Warning,
    /// So many that it may no longer tell others of them.
    Passive,
    /// It is off the bus until it is restarted.
    BusOff,
}

impl WireState {
    /// All of them.
    pub const ALL: [WireState; 4] = [WireState::Active, WireState::Warning, WireState::Passive, WireState::BusOff];

    /// As a metric label.
    pub fn name(self) -> &'static str {
        match self {
            WireState::Active => "error-active",
            WireState::Warning => "error-warning",
            WireState::Passive => "error-passive",
            WireState::BusOff => "bus-off",
        }
    }
}

/// What the controller tells of the wire by an error frame (linux/can/error.h).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireError {
    /// Its state, where it says so.
    pub state: Option<WireState>,
    /// It was restarted after bus-off.
    pub restarted: bool,
    /// Nobody acknowledged a frame: no other device is on the wire.
    pub unacknowledged: bool,
    /// Frames were lost because nobody took them in time.
    pub overrun: bool,
}

impl WireError {
    const CONTROLLER: u32 = 0x0004;
    const ACKNOWLEDGE: u32 = 0x0020;
    const BUS_OFF: u32 = 0x0040;
    const RESTARTED: u32 = 0x0100;

    /// Of an error frame: its identifier without flags, and its eight bytes.
    pub fn decode(class: u32, bytes: &[u8; MAX_FRAME_BYTES]) -> WireError {
        let controller = if class & WireError::CONTROLLER != 0 { bytes[1] } else { 0 };
        let state = if class & WireError::BUS_OFF != 0 {
            Some(WireState::BusOff)
        } else if controller & 0x30 != 0 {
            Some(WireState::Passive)
        } else if controller & 0x0C != 0 {
            Some(WireState::Warning)
        } else if controller & 0x40 != 0 || class & WireError::RESTARTED != 0 {
            Some(WireState::Active)
        } else {
            None
        };
        WireError {
            state,
            restarted: class & WireError::RESTARTED != 0,
            unacknowledged: class & WireError::ACKNOWLEDGE != 0,
            overrun: controller & 0x03 != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_hold_eight_bytes_and_eleven_bits() {
        let frame = CanFrame::data(0xF81, &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!((frame.identifier(), frame.bytes()), (0x781, &[1, 2, 3, 4, 5, 6, 7, 8][..]));
        assert_eq!(format!("{:?}", CanFrame::data(0x80, &[])), "080#");
        let remote = CanFrame::remote(0x705, 1);
        assert_eq!((remote.bytes(), remote.length(), remote.is_remote()), (&[][..], 1, true));
    }

    #[test]
    fn error_frames_say_how_the_controller_stands() {
        let of = |class, controller| WireError::decode(class, &[0, controller, 0, 0, 0, 0, 0, 0]).state;
        assert_eq!(of(0x40, 0), Some(WireState::BusOff));
        assert_eq!(of(0x04, 0x20), Some(WireState::Passive));
        assert_eq!(of(0x04, 0x08), Some(WireState::Warning));
        assert_eq!(of(0x04, 0x40), Some(WireState::Active));
        assert_eq!(of(0x20, 0x10), None);
        assert!(WireError::decode(0x20, &[0; 8]).unacknowledged);
        assert!(WireError::decode(0x100, &[0; 8]).restarted);
    }
}
