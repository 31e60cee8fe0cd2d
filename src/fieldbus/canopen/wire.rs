//! The wire under a CANopen bus: a SocketCAN interface, or a simulated network.

use super::frame::{CanFrame, WireError};

/// What comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// A frame of another device.
    Frame {
        /// The frame.
        frame: CanFrame,
        /// When it came, by the clock of [`CanWire::now_ns`]; `None` where the interface does not tell.
        arrived_ns: Option<u64>,
    },
    /// What the controller tells of the wire.
    Error(WireError),
}

/// Why a frame was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The interface's queue is full (ENOBUFS, EAGAIN).
    QueueFull,
    /// The interface is down, or there is no such interface any more.
    Down,
}

/// A CAN wire. Nothing here waits but [`CanWire::wait`], allocates or fails for good.
pub trait CanWire: Send {
    /// Hands a frame to the controller.
    ///
    /// # Errors
    /// Where it did not take it.
    fn send(&mut self, frame: &CanFrame, now_ns: u64) -> Result<(), NotSent>;

    /// What has come in and was not taken yet, the oldest first.
    fn receive(&mut self, now_ns: u64) -> Option<Received>;

    /// The time, nanoseconds.
    fn now_ns(&self) -> u64;

    /// Lets time pass until then: only before the cycle runs.
    fn wait(&mut self, until_ns: u64);
}
