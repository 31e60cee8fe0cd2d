//! Commands on their way into the cycle: fixed-size and `Copy`.

use crate::ids::{AxisId, BusId, GroupId, Handle};
use crate::motion::{BufferMode, Direction, Dynamics, GroupShape, MoveKind, PathAct, StreamPace};

/// A command that the gateway has numbered. It is answered by exactly one [`super::event::Report`] of
/// `Accepted` or `Rejected`, and after `Accepted` by exactly one end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command {
    /// Its number.
    pub handle: Handle,
    /// What shall happen.
    pub request: Request,
}

/// What a client can ask of the cycle. Stops are not here: they use no queue (see `stop`).
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "`axis`, `group`, `on` and the like say themselves; the others are described")]
pub enum Request {
    /// Enable or disable a drive. Done when the drive has followed.
    Power { axis: AxisId, on: bool },
    /// Leave ErrorStop; sends a fault reset to the drive where it needs one.
    Reset { axis: AxisId },
    /// Move to a place.
    Move {
        axis: AxisId,
        kind: MoveKind,
        /// Axis units, axis coordinates (absolute) or distance.
        target: f64,
        dynamics: Dynamics,
        buffer: BufferMode,
        direction: Direction,
    },
    /// Move at a signed velocity (axis units/s) until something else is asked for. `dynamics.velocity` is not used.
    Velocity { axis: AxisId, velocity: f64, dynamics: Dynamics },
    /// Move at a signed velocity (axis units/s) until `valid_until_ns` (CLOCK_MONOTONIC), unless refreshed.
    Jog { axis: AxisId, velocity: f64, valid_until_ns: u64 },
    /// Come to rest; other motion may take over before that.
    Halt { axis: AxisId },
    /// Call the present place this position (axis units); gives the axis its reference.
    SetPosition { axis: AxisId, position: f64 },
    /// Other figures for an axis, all of them; they wait in a slot of their pool (see [`super::figures`]).
    SetFigures {
        axis: AxisId,
        /// The slot that holds them.
        slot: u32,
        /// The slot's generation.
        slot_generation: u32,
    },
    /// Velocity override of an axis, ratio 0 to 2.
    Override { axis: AxisId, ratio: f64 },
    /// GroupDisabled → GroupStandby.
    GroupEnable { group: GroupId },
    /// → GroupDisabled; a moving group ramps down first.
    GroupDisable { group: GroupId },
    /// Leave GroupErrorStop, resetting each member.
    GroupReset { group: GroupId },
    /// Move all axes of a group; the target waits in a slot of the pool.
    GroupMove {
        group: GroupId,
        shape: GroupShape,
        /// The slot that holds the target: one value an axis of the group, in the group's order.
        slot: u32,
        /// The slot's generation.
        slot_generation: u32,
        /// Targets are distances.
        relative: bool,
        /// Of the path (linear: mm or deg per s, s², s³ along the line), or, direct, a share of each axis limit
        /// given as velocity, acceleration and jerk ratios in (0, 1].
        dynamics: Dynamics,
        buffer: BufferMode,
    },
    /// Begin a path; where it begins waits in a slot of the pool, in axis coordinates, its pieces come by the group's ring.
    GroupPath {
        group: GroupId,
        /// `Buffered`: behind what the group does; else it must rest.
        buffer: BufferMode,
        /// The number that its pieces carry.
        epoch: u32,
        /// The slot that holds its beginning: one value an axis of the group, in the group's order.
        slot: u32,
        /// The slot's generation.
        slot_generation: u32,
        /// The program that it goes on from without a rest.
        joins: Option<u32>,
        /// How it is followed, where it is a stream of timed points.
        stream: Option<StreamPace>,
    },
    /// Go back along the path, forward again, or by its lines.
    PathAct { group: GroupId, act: PathAct },
    /// Come to rest on the path; other motion may take over.
    GroupHalt { group: GroupId },
    /// Come to rest on the path and keep the move for `GroupContinue`.
    GroupInterrupt { group: GroupId },
    /// Take the interrupted move up again.
    GroupContinue { group: GroupId },
    /// Velocity override of a group, ratio 0 to 2.
    GroupOverride { group: GroupId, ratio: f64 },
    /// End the lock of a stop, if `generation` is still the latest stop of that scope.
    Release { scope: StopScope, generation: u64 },
    /// Switch a digital output.
    SetOutput { output: u8, on: bool },
    /// Set an analogue output to a value in its unit.
    SetAnalogOutput { output: u8, value: f64 },
    /// Bring a lost bus back.
    RecoverBus { bus: BusId },
    /// Clear machine faults whose causes are gone.
    ResetMachine,
}

/// Whom a stop concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StopScope {
    /// One axis (and, where its group moves it, that group).
    Axis(AxisId),
    /// A group's axes.
    Group(GroupId),
    /// Every axis.
    Machine,
}
