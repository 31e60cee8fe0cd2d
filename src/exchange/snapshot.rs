//! One cycle's observable state on its way out, as 64-bit words for the newest-value cell.
//!
//! The writer fills words in place; readers get owned structures. The layout depends only on how many axes,
//! groups and buses the machine has.

use crate::motion::{AxisState, GroupState};

/// Words of the machine's part.
pub const MACHINE_WORDS: usize = 8;
/// Words of one axis.
pub const AXIS_WORDS: usize = 14;
/// Words of one group.
pub const GROUP_WORDS: usize = 6;
/// Words of one bus.
pub const BUS_WORDS: usize = 5;

/// How many of each a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Axes.
    pub axes: usize,
    /// Groups.
    pub groups: usize,
    /// Buses.
    pub buses: usize,
}

impl Shape {
    /// Words of a snapshot.
    pub fn words(self) -> usize {
        MACHINE_WORDS + self.axes * AXIS_WORDS + self.groups * GROUP_WORDS + self.buses * BUS_WORDS
    }
}

/// The machine as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MachineSnapshot {
    /// Cycles since start.
    pub cycle: u64,
    /// When the cycle started, nanoseconds.
    pub time_ns: u64,
    /// Named digital inputs, one bit each.
    pub inputs: u64,
    /// Named digital outputs, one bit each.
    pub outputs: u64,
    /// Periods skipped since start.
    pub skipped: u64,
    /// Events dropped because nobody took them.
    pub events_dropped: u64,
    /// Stop generation of the machine that the cycle has read.
    pub stop_generation: u64,
    /// The machine is locked by a stop.
    pub stopped: bool,
    /// Emergency stop closed and enabling device held (where there are any).
    pub permitted: bool,
    /// Number of the machine fault, 0 for none.
    pub fault: u16,
}

/// One axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AxisSnapshot {
    /// PLCopen state.
    pub state: AxisState,
    /// CiA 402 state, as `drive::cia402::State`'s number.
    pub drive_state: u8,
    /// Yes-or-no facts.
    pub flags: AxisFlags,
    /// Number of its fault, 0 for none.
    pub fault: u16,
    /// The drive's own error code (603Fh), 0 for none.
    pub drive_error: u16,
    /// Setpoint, axis coordinates (modulo axes: within the modulo).
    pub setpoint: f64,
    /// Setpoint velocity.
    pub velocity: f64,
    /// Setpoint acceleration.
    pub acceleration: f64,
    /// Feedback position, axis coordinates (modulo axes: within the modulo).
    pub actual: f64,
    /// Feedback velocity.
    pub actual_velocity: f64,
    /// Setpoint minus feedback at the instant of sampling.
    pub following_error: f64,
    /// |following error| of its window; 0 without one.
    pub following_ratio: f64,
    /// Feedback torque of the rated torque.
    pub torque: f64,
    /// Velocity override in force, ratio.
    pub override_ratio: f64,
    /// The command that moves it, 0 for none.
    pub active: u64,
    /// Stop generation of the axis that the cycle has read.
    pub stop_generation: u64,
    /// Whole modulo ranges of the setpoint.
    pub turns: i64,
}

/// Yes-or-no facts of an axis, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AxisFlags(pub u32);

impl AxisFlags {
    /// The drive follows setpoints.
    pub const OPERATIONAL: u32 = 1 << 0;
    /// The axis has its reference.
    pub const REFERENCED: u32 = 1 << 1;
    /// The feedback has been inside the in-position window for the settle time.
    pub const IN_POSITION: u32 = 1 << 2;
    /// The positive limit switch is active.
    pub const POSITIVE_LIMIT: u32 = 1 << 3;
    /// The negative limit switch is active.
    pub const NEGATIVE_LIMIT: u32 = 1 << 4;
    /// Locked by a stop of this axis, its group or the machine.
    pub const STOPPED: u32 = 1 << 5;
    /// The holding brake is open (or there is none).
    pub const BRAKE_OPEN: u32 = 1 << 6;
    /// The drive warns (statusword bit 7).
    pub const WARNING: u32 = 1 << 7;
    /// The drive limits something inside (statusword bit 11).
    pub const INTERNAL_LIMIT: u32 = 1 << 8;
    /// Its feedback is fresh.
    pub const FRESH: u32 = 1 << 9;

    /// Whether all bits of `mask` are set.
    pub fn has(self, mask: u32) -> bool {
        self.0 & mask == mask
    }

    /// The same with `mask` set or cleared.
    pub fn set(self, mask: u32, on: bool) -> AxisFlags {
        AxisFlags(if on { self.0 | mask } else { self.0 & !mask })
    }
}

/// One group.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GroupSnapshot {
    /// PLCopen state.
    pub state: GroupState,
    /// A move is interrupted and can be continued.
    pub interrupted: bool,
    /// Locked by a stop.
    pub stopped: bool,
    /// The command that moves it, 0 for none.
    pub active: u64,
    /// Share of the active move that is done, 0 to 1.
    pub progress: f64,
    /// Velocity override in force, ratio.
    pub override_ratio: f64,
    /// Path velocity (linear moves), units per second.
    pub path_velocity: f64,
    /// Stop generation of the group that the cycle has read.
    pub stop_generation: u64,
}

/// One bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusSnapshot {
    /// Exchanging; false after a bus fault until it is recovered.
    pub up: bool,
    /// Exchanges without an answer.
    pub frames_lost: u64,
    /// Answers that came after their deadline.
    pub frames_late: u64,
    /// Exchanges with a wrong working counter.
    pub working_counter_errors: u64,
    /// One bit a device that is not operational.
    pub not_operational: u64,
}
