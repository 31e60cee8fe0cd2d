//! One cycle's observable state on its way out, as 64-bit words for the newest-value cell.
//!
//! The writer fills words in place; readers get owned structures. The layout depends only on how many axes,
//! groups, buses and analogue inputs and outputs the machine has.

use super::latest::{self, Reader, Reading, Writer};
use super::sync::{AtomicU64, Ordering};
use crate::limits::SNAPSHOT_HISTORY;
use crate::motion::{AxisState, GroupState, PathState};

/// Words of the machine's part.
pub const MACHINE_WORDS: usize = 8;
/// Words of one axis.
pub const AXIS_WORDS: usize = 14;
/// Words of one group.
pub const GROUP_WORDS: usize = 13;
/// Words of one bus.
pub const BUS_WORDS: usize = 7;

/// How many of each a machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Axes.
    pub axes: usize,
    /// Groups.
    pub groups: usize,
    /// Buses.
    pub buses: usize,
    /// Analogue inputs and outputs together.
    pub analogs: usize,
}

impl Shape {
    /// Words of a snapshot.
    pub const fn words(self) -> usize {
        MACHINE_WORDS + self.axes * AXIS_WORDS + self.groups * GROUP_WORDS + self.buses * BUS_WORDS + self.analogs
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

/// The name of a CiA 402 state by its number in [`AxisSnapshot::drive_state`].
pub fn drive_state_name(number: u8) -> &'static str {
    crate::drive::State::from_u8(number).unwrap_or_default().name()
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

    /// The same with `mask`, too, where it is `on`.
    #[inline]
    pub fn with(self, mask: u32, on: bool) -> AxisFlags {
        AxisFlags(self.0 | (u32::from(on) * mask))
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
    /// It follows a path.
    pub on_path: bool,
    /// How that is.
    pub path_state: PathState,
    /// It goes back along the path, or shall.
    pub path_back: bool,
    /// Its paths rest at the end of each line.
    pub path_steps: bool,
    /// Its path is held up because no more of it is known, and nothing else holds it.
    pub starved: bool,
    /// The line of the path's program.
    pub path_line: u32,
    /// How far it is on its path, units.
    pub path_distance: f64,
    /// How long what is known of the path takes at the programmed velocities, s.
    pub path_supply_s: f64,
    /// What is left of the path once its end is known.
    pub path_left: Option<PathLeft>,
    /// How far it can go back, units of path.
    pub path_behind: f64,
    /// What a stream is behind its points, s.
    pub stream_behind_s: f64,
    /// What of that overrides and holds asked for, s.
    pub stream_held_s: f64,
    /// Path velocity (linear moves, paths), units per second; negative on the way back along a path.
    pub path_velocity: f64,
    /// Stop generation of the group that the cycle has read.
    pub stop_generation: u64,
}

/// What is left of a path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PathLeft {
    /// Units of path.
    pub distance: f64,
    /// As it is planned, at an override of 1; s.
    pub seconds: f64,
}

/// One bus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusSnapshot {
    /// Exchanging; false after a bus fault until it is recovered.
    pub up: bool,
    /// The ring is whole; `None` where it is none.
    pub ring_whole: Option<bool>,
    /// Exchanges without an answer.
    pub frames_lost: u64,
    /// Answers that came after their deadline.
    pub frames_late: u64,
    /// Exchanges with a wrong working counter.
    pub working_counter_errors: u64,
    /// One bit a device that is not operational.
    pub not_operational: u64,
    /// One bit a device that dropped out of the exchange.
    pub dropped: u64,
    /// By how much later than its place in the bus's own time the cycle started, nanoseconds; 0 where it has no clock.
    pub late_by_clock_ns: i64,
}

/// A whole snapshot, as readers get it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The machine as a whole.
    pub machine: MachineSnapshot,
    /// Every axis, in the configuration's order.
    pub axes: Vec<AxisSnapshot>,
    /// Every group, in the configuration's order.
    pub groups: Vec<GroupSnapshot>,
    /// Every bus, in the configuration's order.
    pub buses: Vec<BusSnapshot>,
    /// What each analogue input says, then what each analogue output is set to, in the configuration's order.
    pub analogs: Vec<f64>,
}

/// The cycle's end.
pub struct SnapshotWriter {
    cell: Writer,
    shape: Shape,
}

/// A reader's end.
#[derive(Clone)]
pub struct SnapshotReader {
    cell: Reader,
    shape: Shape,
}

/// A newest-value cell for snapshots of this shape, with the latest [`SNAPSHOT_HISTORY`] less one.
pub fn snapshots(shape: Shape) -> (SnapshotWriter, SnapshotReader) {
    let (writer, reader) = latest::cell(shape.words(), SNAPSHOT_HISTORY);
    (SnapshotWriter { cell: writer, shape }, SnapshotReader { cell: reader, shape })
}

impl SnapshotWriter {
    /// Publishes one cycle's state, written in place as the iterators yield it; each must yield as many as the
    /// shape says (of one that yields fewer, the rest would be of a snapshot long ago).
    pub fn publish(
        &mut self,
        machine: &MachineSnapshot,
        axes: impl Iterator<Item = AxisSnapshot>,
        groups: impl Iterator<Item = GroupSnapshot>,
        buses: impl Iterator<Item = BusSnapshot>,
        analogs: &[f64],
    ) {
        let shape = self.shape;
        let publication = self.cell.begin();
        let (head, rest) = publication.words().split_at(MACHINE_WORDS);
        let (axis_words, rest) = rest.split_at(shape.axes * AXIS_WORDS);
        let (group_words, rest) = rest.split_at(shape.groups * GROUP_WORDS);
        let (bus_words, analog_words) = rest.split_at(shape.buses * BUS_WORDS);
        if let Some(words) = head.first_chunk() {
            store(words, machine.to_words());
        }
        for (words, axis) in axis_words.as_chunks().0.iter().zip(axes) {
            store(words, axis.to_words());
        }
        for (words, group) in group_words.as_chunks().0.iter().zip(groups) {
            store(words, group.to_words());
        }
        for (words, bus) in bus_words.as_chunks().0.iter().zip(buses) {
            store(words, bus.to_words());
        }
        for (word, analog) in analog_words.iter().zip(analogs) {
            word.store(analog.to_bits(), Ordering::Relaxed);
        }
        publication.commit();
    }
}

#[inline]
fn store<const N: usize>(places: &[AtomicU64; N], words: [u64; N]) {
    for (place, word) in places.iter().zip(words) {
        place.store(word, Ordering::Relaxed);
    }
}

impl SnapshotReader {
    /// The newest snapshot and its version (0 before the first); `None` where the reader was held up again and
    /// again (see [`Reader::read`]): try later.
    pub fn read(&self) -> Option<(u64, Snapshot)> {
        let mut words = vec![0; self.shape.words()];
        let version = self.cell.read(&mut words)?;
        Some((version, Snapshot::from_words(self.shape, &words)))
    }

    /// The snapshot of this version, if it is there: of the latest [`SNAPSHOT_HISTORY`] less one.
    ///
    /// # Errors
    /// [`Reading::NotYet`] and [`Reading::Overwritten`].
    pub fn read_version(&self, version: u64) -> Result<Snapshot, Reading> {
        let mut words = vec![0; self.shape.words()];
        match self.cell.read_version(version, &mut words) {
            Reading::Whole => Ok(Snapshot::from_words(self.shape, &words)),
            other => Err(other),
        }
    }

    /// The number of the newest snapshot: one more a cycle.
    pub fn version(&self) -> u64 {
        self.cell.version()
    }

    /// How many of each the machine has.
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

impl Snapshot {
    /// Reads words that [`SnapshotWriter::publish`] has written.
    ///
    /// # Panics
    /// Where there are fewer words than the shape has.
    pub fn from_words(shape: Shape, words: &[u64]) -> Snapshot {
        let (machine, rest) = words.split_at(MACHINE_WORDS);
        let (axes, rest) = rest.split_at(shape.axes * AXIS_WORDS);
        let (groups, rest) = rest.split_at(shape.groups * GROUP_WORDS);
        let (buses, analogs) = rest.split_at(shape.buses * BUS_WORDS);
        Snapshot {
            machine: machine.first_chunk().map(MachineSnapshot::from_words).unwrap_or_default(),
            axes: axes.as_chunks().0.iter().map(AxisSnapshot::from_words).collect(),
            groups: groups.as_chunks().0.iter().map(GroupSnapshot::from_words).collect(),
            buses: buses.as_chunks().0.iter().take(shape.buses).map(BusSnapshot::from_words).collect(),
            analogs: analogs.iter().take(shape.analogs).map(|word| f64::from_bits(*word)).collect(),
        }
    }
}

impl MachineSnapshot {
    /// As words.
    #[inline]
    pub fn to_words(&self) -> [u64; MACHINE_WORDS] {
        let packed = u64::from(self.fault) | u64::from(self.stopped) << 16 | u64::from(self.permitted) << 17;
        [
            self.cycle,
            self.time_ns,
            self.inputs,
            self.outputs,
            self.skipped,
            self.events_dropped,
            self.stop_generation,
            packed,
        ]
    }

    /// From words.
    pub fn from_words(words: &[u64; MACHINE_WORDS]) -> MachineSnapshot {
        let [cycle, time_ns, inputs, outputs, skipped, events_dropped, stop_generation, packed] = *words;
        MachineSnapshot {
            cycle,
            time_ns,
            inputs,
            outputs,
            skipped,
            events_dropped,
            stop_generation,
            stopped: packed >> 16 & 1 == 1,
            permitted: packed >> 17 & 1 == 1,
            fault: packed as u16,
        }
    }
}

impl AxisSnapshot {
    /// As words.
    #[inline]
    pub fn to_words(&self) -> [u64; AXIS_WORDS] {
        let packed = u64::from(self.fault)
            | u64::from(self.drive_error) << 16
            | u64::from(self.state as u8) << 32
            | u64::from(self.drive_state) << 40;
        [
            packed,
            u64::from(self.flags.0),
            self.setpoint.to_bits(),
            self.velocity.to_bits(),
            self.acceleration.to_bits(),
            self.actual.to_bits(),
            self.actual_velocity.to_bits(),
            self.following_error.to_bits(),
            self.following_ratio.to_bits(),
            self.torque.to_bits(),
            self.override_ratio.to_bits(),
            self.active,
            self.stop_generation,
            self.turns as u64,
        ]
    }

    /// From words; a state number that does not exist reads as the default.
    pub fn from_words(words: &[u64; AXIS_WORDS]) -> AxisSnapshot {
        let packed = words[0];
        let quantity = |word: usize| f64::from_bits(words[word]);
        AxisSnapshot {
            state: AxisState::from_u8((packed >> 32) as u8).unwrap_or_default(),
            drive_state: (packed >> 40) as u8,
            flags: AxisFlags(words[1] as u32),
            fault: packed as u16,
            drive_error: (packed >> 16) as u16,
            setpoint: quantity(2),
            velocity: quantity(3),
            acceleration: quantity(4),
            actual: quantity(5),
            actual_velocity: quantity(6),
            following_error: quantity(7),
            following_ratio: quantity(8),
            torque: quantity(9),
            override_ratio: quantity(10),
            active: words[11],
            stop_generation: words[12],
            turns: words[13] as i64,
        }
    }
}

impl GroupSnapshot {
    /// As words.
    #[inline]
    pub fn to_words(&self) -> [u64; GROUP_WORDS] {
        let packed = u64::from(self.state as u8)
            | u64::from(self.interrupted) << 8
            | u64::from(self.stopped) << 9
            | u64::from(self.on_path) << 10
            | u64::from(self.starved) << 11
            | u64::from(self.path_back) << 12
            | u64::from(self.path_steps) << 13
            | u64::from(self.path_left.is_some()) << 14
            | u64::from(self.path_state as u8) << 16
            | u64::from(self.path_line) << 32;
        [
            packed,
            self.active,
            self.progress.to_bits(),
            self.override_ratio.to_bits(),
            self.path_velocity.to_bits(),
            self.stop_generation,
            self.path_distance.to_bits(),
            self.path_supply_s.to_bits(),
            self.path_left.unwrap_or_default().distance.to_bits(),
            self.path_left.unwrap_or_default().seconds.to_bits(),
            self.path_behind.to_bits(),
            self.stream_behind_s.to_bits(),
            self.stream_held_s.to_bits(),
        ]
    }

    /// From words; a state number that does not exist reads as the default.
    pub fn from_words(words: &[u64; GROUP_WORDS]) -> GroupSnapshot {
        let [packed, active, progress, override_ratio, path_velocity, stop_generation, path @ ..] = *words;
        let [distance, supply, left, seconds, behind, stream_behind_s, stream_held_s] = path.map(f64::from_bits);
        let left = PathLeft { distance: left, seconds };
        GroupSnapshot {
            state: GroupState::from_u8(packed as u8).unwrap_or_default(),
            interrupted: packed >> 8 & 1 == 1,
            stopped: packed >> 9 & 1 == 1,
            active,
            progress: f64::from_bits(progress),
            override_ratio: f64::from_bits(override_ratio),
            path_velocity: f64::from_bits(path_velocity),
            stop_generation,
            on_path: packed >> 10 & 1 == 1,
            starved: packed >> 11 & 1 == 1,
            path_back: packed >> 12 & 1 == 1,
            path_steps: packed >> 13 & 1 == 1,
            path_state: PathState::from_u8((packed >> 16) as u8).unwrap_or_default(),
            path_left: (packed >> 14 & 1 == 1).then_some(left),
            path_behind: behind,
            stream_behind_s,
            stream_held_s,
            path_line: (packed >> 32) as u32,
            path_distance: distance,
            path_supply_s: supply,
        }
    }
}

impl BusSnapshot {
    /// As words.
    #[inline]
    pub fn to_words(&self) -> [u64; BUS_WORDS] {
        [
            u64::from(self.up) | self.ring_whole.map_or(0, |whole| 2 + 4 * u64::from(whole)),
            self.frames_lost,
            self.frames_late,
            self.working_counter_errors,
            self.not_operational,
            self.dropped,
            self.late_by_clock_ns as u64,
        ]
    }

    /// From words.
    pub fn from_words(words: &[u64; BUS_WORDS]) -> BusSnapshot {
        let [bits, frames_lost, frames_late, working_counter_errors, not_operational, dropped, late_by_clock] = *words;
        BusSnapshot {
            up: bits & 1 != 0,
            ring_whole: (bits & 2 != 0).then_some(bits & 4 != 0),
            frames_lost,
            frames_late,
            working_counter_errors,
            not_operational,
            dropped,
            late_by_clock_ns: late_by_clock as i64,
        }
    }
}
