//! The doors by which clients come in.

use std::os::unix::net::UnixListener;

/// Which listening socket a client came by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Door {
    /// Where clients command the machine, each within its role.
    #[default]
    Control,
    /// Where everybody sees it and nobody commands it, not even a stop.
    Observe,
}

impl Door {
    /// As in the log.
    pub fn name(self) -> &'static str {
        match self {
            Door::Control => "control",
            Door::Observe => "observe",
        }
    }
}

/// A listening socket and which door it is.
#[derive(Debug)]
pub struct Entrance {
    /// Which door.
    pub door: Door,
    /// Its socket.
    pub listener: UnixListener,
}
