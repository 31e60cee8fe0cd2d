//! Buses: how process images reach the devices.
//!
//! | module | what it is |
//! |---|---|
//! | [`ethercat`], [`igh`] | EtherCAT, by our own master or by the kernel's |
//! | [`canopen`] | CANopen on a SocketCAN interface |
//! | [`sim`] | devices inside the process |
//! | [`aligned`] | a bus that waits for a slower one |
//! | [`mapping`], [`sdo`], [`identity`], [`error_code`], [`modes`], [`news`] | what devices have in common, whatever their bus |
//! | [`requests`], [`object_desk`] | objects asked for while the cycle runs |
//!
//! A builder on an ordinary thread scans and configures a network, then hands over a boxed
//! [`CyclicBus`]; from then on only the real-time thread calls it.

pub mod aligned;
pub mod canopen;
pub mod error_code;
pub mod ethercat;
pub mod identity;
pub mod igh;
pub mod mapping;
pub mod modes;
pub mod news;
pub mod object_desk;
pub mod requests;
pub mod sdo;
pub mod sim;

use news::BusNews;

/// One bus as the cycle sees it. No call allocates, locks, logs or waits past its deadline.
pub trait CyclicBus: Send {
    /// Sends the outputs at a fixed phase of the cycle. `cycle_start_ns` is the deadline that the
    /// cycle woke for (CLOCK_MONOTONIC or virtual).
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64);

    /// Takes the inputs that have arrived, waiting no longer than `deadline_ns`. Bytes of devices that
    /// did not answer stay as they were.
    fn finish(&mut self, inputs: &mut [u8], deadline_ns: u64) -> CycleReport;

    /// Asks for devices that dropped out to be brought back now; returns at once. A bus may also do so by itself.
    fn request_recovery(&mut self);

    /// Tells the bus, whenever that changes, on which devices nobody counts any more, one bit each: these it may set up anew.
    fn set_dropped(&mut self, _devices: u64) {}

    /// Something that the bus tells by itself, once; at most one a cycle is asked for.
    fn take_news(&mut self) -> Option<BusNews> {
        None
    }

    /// How old feedback is when `finish` hands it over: periods from the computation of a setpoint to the
    /// sampling of the feedback that should match it. At most `SETPOINT_HISTORY - 2`.
    fn feedback_delay_periods(&self) -> f64;

    /// Periods from the computation of a setpoint to its being reached. One that is sent a period later, latched by the device
    /// and reached after another one takes two.
    fn actuation_delay_periods(&self) -> f64 {
        2.0
    }
}

/// How one exchange went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CycleReport {
    /// Working counter received (EtherCAT), or devices that answered.
    pub working_counter: u16,
    /// Working counter of a complete exchange.
    pub working_counter_expected: u16,
    /// No answer came before the deadline.
    pub lost: bool,
    /// An answer to an earlier exchange came late.
    pub late: bool,
    /// One bit a device (by its place in the bus's configuration): there is one.
    pub devices: u64,
    /// One bit a device: its inputs are fresh.
    pub fresh: u64,
    /// One bit a device: it is not in its operational state.
    pub not_operational: u64,
    /// From the sending of the first frame to the arrival of the last, nanoseconds; `None` where one is missing, nobody tells
    /// when it came, or there are no frames.
    pub round_trip_ns: Option<u64>,
    /// The cable is a ring, and it is whole; `None` where it is none.
    pub ring_whole: Option<bool>,
    /// By how much later than its place in the bus's own time the cycle started, nanoseconds: at most half a period, or
    /// negative. `None` where the bus has no clock, or did not say.
    pub late_by_bus_clock_ns: Option<i64>,
}

impl CycleReport {
    /// Every device took part and answered in time.
    pub fn complete(&self) -> bool {
        !self.lost && self.working_counter == self.working_counter_expected && self.not_operational == 0
    }
}
