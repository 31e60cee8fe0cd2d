//! What goes wrong on the simulated machine, and when.

/// What can go wrong. "Exchange" is one pair of `begin` and `finish` of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedFaultKind {
    /// The drive detects a fault with this error code (603Fh); a reset is refused until the cause is gone.
    DriveFault {
        /// 603Fh.
        code: u16,
    },
    /// Safe torque off: the power stage is cut at once.
    SafeTorqueOff,
    /// The drive loses its mains: statusword bit 4 falls, no torque.
    VoltageLoss,
    /// The encoder's reading stands still while the motor may move.
    StuckEncoder,
    /// The device takes part in the exchange, but its inputs are those of an earlier one and not fresh.
    StaleFeedback,
    /// The device takes no part in the exchange: the working counter misses its share.
    WrongWorkingCounter,
    /// The frame is lost on its way out: no device sees it.
    LostFrame,
    /// The frame is lost on its way back: the devices got their outputs.
    LostReply,
    /// The frame comes back after the deadline: it counts as lost, and is seen as late in the next exchange.
    LateFrame,
}

/// One fault, where and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatedFault {
    /// What goes wrong.
    pub kind: SimulatedFaultKind,
    /// The device, by its place on the bus; without meaning for faults of frames.
    pub device: u8,
    /// For how many exchanges, at least 1; `u32::MAX` until cleared.
    pub exchanges: u32,
}

/// When a fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultTime {
    /// At this exchange of the bus (0-based).
    Exchange(u64),
    /// At the first exchange at least this many nanoseconds after the first one, by the nominal period.
    TimeNs(u64),
}

/// A fault at a known time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduledFault {
    /// When it begins.
    pub at: FaultTime,
    /// What.
    pub fault: SimulatedFault,
}

/// Faults that come at random, from the seed of the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomFault {
    /// What goes wrong; the device is drawn at random.
    pub kind: SimulatedFaultKind,
    /// How often one begins: times in a million exchanges, on average.
    pub per_million_exchanges: u32,
    /// It lasts 1 to this many exchanges, drawn evenly.
    pub max_exchanges: u32,
}

/// Everything that goes wrong on one bus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultPlan {
    /// Faults at known times.
    pub scheduled: Vec<ScheduledFault>,
    /// Faults at random.
    pub random: Vec<RandomFault>,
}
