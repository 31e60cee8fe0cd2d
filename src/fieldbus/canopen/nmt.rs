//! Network management: the states of a node, and what a master tells it (CiA 301, 7.3.2).

use super::connection;
use super::frame::CanFrame;

/// What a node takes part in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NmtState {
    /// It has just started, and goes on to Pre-operational by itself.
    BootUp,
    /// It takes part in nothing but network management.
    Stopped,
    /// It exchanges PDOs.
    Operational,
    /// It has SDOs and no PDOs.
    PreOperational,
}

impl NmtState {
    /// Of an error control message: a heartbeat, a boot-up message, or an answer to node guarding without its toggle bit.
    pub fn of(byte: u8) -> Option<NmtState> {
        match byte & 0x7F {
            0 => Some(NmtState::BootUp),
            4 => Some(NmtState::Stopped),
            5 => Some(NmtState::Operational),
            127 => Some(NmtState::PreOperational),
            _ => None,
        }
    }
}

/// What a master tells nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Command {
    /// Go to Operational.
    Start = 1,
    /// Go to Stopped.
    Stop = 2,
    /// Go to Pre-operational.
    EnterPreOperational = 128,
    /// Begin as after power-on, the application included.
    ResetNode = 129,
    /// Begin with the communication as after power-on.
    ResetCommunication = 130,
}

impl Command {
    /// The frame that tells one node, or all of them with node id 0.
    pub fn to(self, node: u8) -> CanFrame {
        CanFrame::data(connection::NMT, &[self as u8, node])
    }
}
