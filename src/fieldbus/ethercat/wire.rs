//! What carries frames: a network interface, or a simulated segment.

/// A way to the devices. Neither call allocates, locks or logs.
pub trait Wire: Send {
    /// Gives a frame to the wire at `now_ns`; false where that takes none, as without a link. Never waits.
    fn send(&mut self, frame: &[u8], now_ns: u64) -> bool;

    /// Takes the next frame that has arrived, waiting no longer than `deadline_ns` for it; its length.
    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize>;

    /// The time that deadlines are in: CLOCK_MONOTONIC, or that of a simulation.
    fn now_ns(&self) -> u64;
}
