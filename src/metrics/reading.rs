//! What is read of the machine for one scrape: numbers and names, no more.

use super::family::Buckets;

/// Everything that one scrape tells.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// When the daemon was started, seconds since 1970 UTC.
    pub start_time_s: f64,
    /// The cycle's own times and counts.
    pub cycle: CycleReading,
    /// The real-time thread.
    pub thread: ThreadReading,
    /// Every bus.
    pub buses: Vec<BusReading>,
    /// Every axis.
    pub axes: Vec<AxisReading>,
    /// Analogue inputs and outputs: which way, name, unit and value.
    pub analogs: Vec<(&'static str, String, String, f64)>,
    /// Each group's name, and how long what the cycle has of its path takes at the programmed velocities, seconds.
    pub paths: Vec<(String, f64)>,
    /// Streams of each group.
    pub streams: Vec<StreamReading>,
    /// Commands and those who send them.
    pub control: ControlReading,
}

/// Streams of one group.
#[derive(Clone, Debug, Default)]
pub struct StreamReading {
    /// The group's name.
    pub group: String,
    /// What the present stream is behind its points, seconds.
    pub behind_s: f64,
    /// Points that came.
    pub points: u64,
    /// Of those that came late, seconds.
    pub lateness: Buckets,
}

/// The cycle.
#[derive(Clone, Debug, Default)]
pub struct CycleReading {
    /// From deadline to wake-up, seconds.
    pub wakeup_latency: Buckets,
    /// From wake-up to the end of the cycle's work, seconds.
    pub execution: Buckets,
    /// Cycles since start.
    pub cycles: u64,
    /// Overruns by cause.
    pub overruns: Vec<(&'static str, u64)>,
    /// Configured period, seconds.
    pub period_s: f64,
}

/// The real-time thread.
#[derive(Clone, Debug, Default)]
pub struct ThreadReading {
    /// Page faults without disk access.
    pub minor_faults: u64,
    /// Page faults with disk access.
    pub major_faults: u64,
    /// Times that it was taken off its CPU.
    pub involuntary_switches: u64,
    /// What it lacks to be real-time, by reason; empty when nothing.
    pub degraded: Vec<&'static str>,
}

/// One bus.
#[derive(Clone, Debug, Default)]
pub struct BusReading {
    /// Its name.
    pub name: String,
    /// From the sending of a cycle's first frame to the return of its last, seconds.
    pub round_trip: Buckets,
    /// Exchanges without an answer.
    pub frames_lost: u64,
    /// Answers after their deadline.
    pub frames_late: u64,
    /// Exchanges with a wrong working counter.
    pub working_counter_errors: u64,
    /// By how much later than its place in the bus's own time the last cycle started, seconds.
    pub clock_error_s: f64,
    /// Whether the ring is whole; `None` where it is none.
    pub ring_whole: Option<bool>,
    /// Each device's name and whether it is operational.
    pub devices: Vec<(String, bool)>,
    /// Ports of its devices that have, or had, a cable.
    pub ports: Vec<PortReading>,
    /// Its wire, where it is a CAN bus.
    pub wire: Option<WireReading>,
}

/// The wire of a CAN bus.
#[derive(Clone, Debug, Default)]
pub struct WireReading {
    /// How the controller stands to it: a name of `WIRE_STATES`.
    pub state: &'static str,
    /// How often the controller told of many errors.
    pub warnings: u64,
    /// How often it went error-passive.
    pub passives: u64,
    /// How often it went off the bus.
    pub bus_offs: u64,
    /// Frames that the interface's queue had no room for.
    pub refused: u64,
    /// What the configuration sends as a share of what the wire carries.
    pub load_ratio: f64,
}

/// One port of a device.
#[derive(Clone, Debug, Default)]
pub struct PortReading {
    /// The device's name.
    pub device: String,
    /// Its number, from 0.
    pub port: usize,
    /// It has a link.
    pub link: bool,
    /// Errors by kind.
    pub errors: Vec<(&'static str, u32)>,
}

/// One axis.
#[derive(Clone, Debug, Default)]
pub struct AxisReading {
    /// Its name.
    pub name: String,
    /// Its PLCopen state.
    pub state: &'static str,
    /// |following error| of its window.
    pub following_error_ratio: f64,
    /// Torque of the rated torque.
    pub torque_ratio: f64,
    /// It has its reference.
    pub homed: bool,
    /// Faults since start, by class.
    pub faults: Vec<(&'static str, u64)>,
}

/// Commands and clients.
#[derive(Clone, Debug, Default)]
pub struct ControlReading {
    /// Commands by method and result.
    pub commands: Vec<(String, String, u64)>,
    /// Time of a command by stage, seconds.
    pub latency: Vec<(String, Buckets)>,
    /// Queues with depth and capacity.
    pub queues: Vec<(&'static str, usize, usize)>,
    /// Telemetry samples that nobody could take.
    pub telemetry_dropped: u64,
    /// The state directory takes no events.
    pub events_not_kept: bool,
    /// Events that the cycle had to drop.
    pub events_dropped: u64,
    /// Connected clients.
    pub clients: u64,
    /// Restarts of each service.
    pub restarts: Vec<(String, u64)>,
}
