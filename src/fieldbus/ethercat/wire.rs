//! What carries frames: a network interface, two of them with a ring between, or a simulated segment.

/// A way to the devices. No call allocates, locks or logs.
pub trait Wire: Send {
    /// Gives a frame to the wire at `now_ns`; false where that takes none, as without a link. Never waits.
    fn send(&mut self, frame: &[u8], now_ns: u64) -> bool;

    /// Takes the next frame that has arrived, waiting no longer than `deadline_ns` for it; its length.
    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize>;

    /// The time that deadlines are in: CLOCK_MONOTONIC, or that of a simulation.
    fn now_ns(&self) -> u64;

    /// How the ring is; `None` where the wire has one end only.
    fn ring(&self) -> Option<RingState> {
        None
    }
}

/// How a ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RingState {
    /// No frame has told.
    #[default]
    Unknown,
    /// What is sent at one port comes in at the other.
    Whole,
    /// What is sent at a port comes back to it.
    Broken {
        /// So many devices are between the first port and the break.
        before: u16,
        /// So many are between the break and the second port.
        behind: u16,
    },
}
