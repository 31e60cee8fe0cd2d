//! The vocabulary of motion: limits, commands' parameters, states, and why a command is refused.

use crate::fault::Fault;
use crate::ids::{AxisId, Handle};
use crate::units::Setpoint;

/// Highest magnitudes of one axis or path, all positive and finite, in axis units per s, s², s³.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Velocity.
    pub velocity: f64,
    /// Acceleration and deceleration.
    pub acceleration: f64,
    /// Jerk.
    pub jerk: f64,
}

/// How a stream is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamPace {
    /// It begins when so much of it is there, or all of it, s.
    pub lead_s: f64,
    /// How much faster than its points it goes where it is behind.
    pub catch_up: f64,
}

/// How fast a command wants to move; each value is positive and at most the axis limit.
/// `None` takes the limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dynamics {
    /// Velocity.
    pub velocity: Option<f64>,
    /// Acceleration and deceleration.
    pub acceleration: Option<f64>,
    /// Jerk.
    pub jerk: Option<f64>,
}

/// When a move starts (PLCopen MC_BUFFER_MODE).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum BufferMode {
    /// Now, from the present position, velocity and acceleration; what was active or waiting ends as aborted.
    #[default]
    Aborting = 0,
    /// When everything accepted before it is done.
    Buffered = 1,
}

/// Which way a modulo axis goes to an absolute position (PLCopen MC_DIRECTION).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// The shorter way.
    #[default]
    Shortest = 0,
    /// Rising positions.
    Positive = 1,
    /// Falling positions.
    Negative = 2,
    /// As it moves now; the shorter way from rest.
    Current = 3,
}

/// The three point-to-point moves of PLCopen part 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum MoveKind {
    /// To a position in axis coordinates; needs a reference.
    Absolute = 0,
    /// By a distance from where the setpoint is when the move starts.
    Relative = 1,
    /// By a distance from the end of the present move (from the setpoint where there is none).
    Additive = 2,
}

/// The shape of a group move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GroupShape {
    /// Each axis on its own profile, all arriving together.
    Direct = 0,
    /// A straight line.
    Linear = 1,
    /// A path that comes in pieces.
    Path = 2,
}

/// State of an axis (PLCopen part 1).
///
/// ```text
///            power on                 move                       done
/// Disabled ───────────► Standstill ─────────► DiscreteMotion ──────────► Standstill
///    ▲  power off (any)     │  │ velocity, jog
///    └──────────────────────┘  └────────────► ContinuousMotion ── halt ► DiscreteMotion ► Standstill
/// any but Disabled, ErrorStop ── stop ► Stopping ── at rest and released ► Standstill
/// any ── axis fault ► ErrorStop ── reset ► Disabled, or Standstill where the drive is still enabled
/// Standstill ── its group moves ► SynchronizedMotion ── group at rest ► Standstill
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AxisState {
    /// The drive is not enabled; the setpoint follows the feedback.
    #[default]
    Disabled = 0,
    /// Enabled and at rest.
    Standstill = 1,
    /// Looking for its reference.
    Homing = 2,
    /// Moving to a place, or halting.
    DiscreteMotion = 3,
    /// Moving at a velocity without an end.
    ContinuousMotion = 4,
    /// Moved by its group.
    SynchronizedMotion = 5,
    /// Stopping, or stopped and locked until released.
    Stopping = 6,
    /// A fault stopped it; locked until reset.
    ErrorStop = 7,
}

/// State of a group (PLCopen part 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum GroupState {
    /// Not enabled: its axes are moved singly.
    #[default]
    GroupDisabled = 0,
    /// Enabled and at rest.
    GroupStandby = 1,
    /// Moving, halting or interrupted.
    GroupMoving = 2,
    /// Homing.
    GroupHoming = 3,
    /// Stopping, or stopped and locked until released.
    GroupStopping = 4,
    /// A member's fault stopped it; locked until reset.
    GroupErrorStop = 5,
}

/// How the path of a group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PathState {
    /// It follows none.
    #[default]
    None = 0,
    /// It has begun, and too little of it is there for it to move.
    Filling = 1,
    /// On its way forward.
    Moving = 2,
    /// Held, or coming to a hold: interrupted, halted or stopped, or by an override of 0.
    Held = 3,
    /// Held up because no more of it is known: at the end of that, or braking before it.
    Starved = 4,
    /// On its way back.
    Retreating = 5,
    /// At rest where it can go back no further.
    Retreated = 6,
    /// At rest at the end of a line of the program, for the next step.
    Waiting = 7,
    /// At its end, where its axes settle.
    Ending = 8,
}

impl PathState {
    /// As it is told.
    pub fn word(self) -> &'static str {
        match self {
            PathState::None => "none",
            PathState::Filling => "filling",
            PathState::Moving => "moving",
            PathState::Held => "held",
            PathState::Starved => "starved",
            PathState::Retreating => "retreating",
            PathState::Retreated => "retreated",
            PathState::Waiting => "waiting",
            PathState::Ending => "ending",
        }
    }
}

/// What an operator does with a path under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathAct {
    /// Back along it.
    Retreat,
    /// Forward again.
    Advance,
    /// Rest at the end of each line of the program (`true`), or go on there. Holds for later paths of the group, too.
    Steps(bool),
    /// On from the end of a line to the end of the next.
    Next,
    /// Ends the path of this command alone, whether it waits or moves.
    Cancel(Handle),
}

macro_rules! from_repr {
    ($type:ident { $($variant:ident),* }) => {
        impl $type {
            /// Every state, in the order of its number.
            pub const ALL: &'static [$type] = &[$($type::$variant),*];

            /// The state with this number, as it crosses the exchange.
            pub fn from_u8(value: u8) -> Option<$type> {
                Self::ALL.iter().copied().find(|state| *state as u8 == value)
            }

            /// The name in PLCopen's spelling.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => stringify!($variant)),* }
            }
        }
    };
}
from_repr!(AxisState {
    Disabled,
    Standstill,
    Homing,
    DiscreteMotion,
    ContinuousMotion,
    SynchronizedMotion,
    Stopping,
    ErrorStop
});
from_repr!(PathState { None, Filling, Moving, Held, Starved, Retreating, Retreated, Waiting, Ending });
from_repr!(GroupState { GroupDisabled, GroupStandby, GroupMoving, GroupHoming, GroupStopping, GroupErrorStop });

macro_rules! reasons {
    ($( $variant:ident = $code:literal, $name:literal, $retryable:literal, $hint:literal; )*) => {
        /// Why a command is refused. Numbers are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Reason { $( #[doc = $hint] $variant = $code, )* }

        impl Reason {
            /// Every reason, in the order of its number.
            pub const ALL: &'static [Reason] = &[ $( Reason::$variant, )* ];

            /// The reason with this number.
            pub fn from_code(code: u16) -> Option<Reason> {
                match code { $( $code => Some(Reason::$variant), )* _ => None }
            }

            /// Its name on the wire.
            pub fn name(self) -> &'static str {
                match self { $( Reason::$variant => $name, )* }
            }

            /// What the person at the machine can do.
            pub fn hint(self) -> &'static str {
                match self { $( Reason::$variant => $hint, )* }
            }

            /// Whether the same command may be accepted later without anybody's doing.
            pub fn retryable(self) -> bool {
                match self { $( Reason::$variant => $retryable, )* }
            }
        }
    };
}

reasons! {
    NoSuchAxis = 1, "NoSuchAxis", false, "the machine has no such axis";
    NoSuchGroup = 2, "NoSuchGroup", false, "the machine has no such group";
    NotPowered = 3, "NotPowered", false, "power the axis on first";
    WrongState = 4, "WrongState", true, "the state of the axis or group does not permit this command";
    NotReferenced = 5, "NotReferenced", false, "set the position (or home the axis) first: without a reference there are no absolute moves";
    SoftLimit = 6, "SoftLimit", false, "the target is outside the soft limits";
    VelocityLimit = 7, "VelocityLimit", false, "the velocity exceeds the limit";
    AccelerationLimit = 8, "AccelerationLimit", false, "the acceleration exceeds the limit";
    JerkLimit = 9, "JerkLimit", false, "the jerk exceeds the limit";
    NotFinite = 10, "NotFinite", false, "give a finite number in the permitted range";
    QueueFull = 11, "QueueFull", true, "wait until a buffered move ends";
    Stopped = 12, "Stopped", false, "release the stop first";
    InFault = 13, "InFault", false, "remove the cause of the fault, then reset";
    LimitSwitch = 14, "LimitSwitch", false, "move away from the active limit switch";
    NotPermitted = 15, "NotPermitted", false, "reset the fault of the machine that its status shows, close the emergency stop, hold the enabling device";
    InGroup = 16, "InGroup", false, "the axis is moved by its enabled group: command or disable the group";
    GroupNotEnabled = 17, "GroupNotEnabled", false, "enable the group first";
    OverrideRange = 18, "OverrideRange", false, "give an override between 0 and 200 %";
    JogExpired = 19, "JogExpired", false, "the jog request came too late: send it again with its present time";
    NotStopped = 20, "NotStopped", true, "the stop that this releases is over or was followed by another one";
    BusDown = 21, "BusDown", false, "recover the bus first";
    NoSuchOutput = 22, "NoSuchOutput", false, "the machine has no such output";
    StillMoving = 23, "StillMoving", true, "wait until the axis stands still";
    AxisInUse = 24, "AxisInUse", false, "the axis belongs to another enabled group: disable that one first";
    PositionRange = 25, "PositionRange", false, "the position is outside what the drive can represent";
    NothingToContinue = 26, "NothingToContinue", false, "there is no interrupted move";
    FaultPresent = 27, "FaultPresent", true, "the cause of the fault is still there";
    NoSuchBus = 28, "NoSuchBus", false, "the machine has no such bus";
    NotAtRest = 29, "NotAtRest", true, "limits change at rest only: wait until the axis stands still with nothing waiting, and its group keeps no move";
    StillEnabled = 30, "StillEnabled", false, "gains and torque limit change only while the drive holds nothing: disable the axis first";
    OutsideSoftLimits = 31, "OutsideSoftLimits", false, "the axis stands outside these soft limits: move it inside first";
    LoopSaturated = 32, "LoopSaturated", true, "the position loop asks for more than the new velocity limit: wait until the axis has settled, or disable it";
    PathStart = 33, "PathStart", true, "the path does not begin where the axis is now: begin it again";
    PathActive = 34, "PathActive", false, "nobody knows yet where the path of the group will end: give positions (of axes without a modulo), or wait until it rests";
    NoPath = 35, "NoPath", false, "the group follows no path: begin one first";
    NotWaiting = 36, "NotWaiting", true, "the path does not rest at the end of a line: switch steps on, and wait until it does";
    TimedPoints = 37, "TimedPoints", false, "the group follows timed points, which have their times: hold it with Interrupt, and let it go on with Continue";
    NotJoined = 38, "NotJoined", true, "what this path is to go on from has ended, or something waits behind it: begin the path again";
}

/// A refused command: it changed nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// The axis at which it was found (an index), where that is not the one that was named.
    pub axis: Option<u8>,
    /// What was found, in the unit of the quantity, or the number of a state; 0 where there is nothing to say.
    pub found: f64,
    /// What is allowed (the nearest bound); 0 where there is nothing to say.
    pub allowed: f64,
}

impl Rejection {
    /// A refusal without figures.
    pub fn of(reason: Reason) -> Rejection {
        Rejection { reason, axis: None, found: 0.0, allowed: 0.0 }
    }

    /// A refusal that says what was found and what is allowed.
    pub fn with(reason: Reason, found: f64, allowed: f64) -> Rejection {
        Rejection { reason, axis: None, found, allowed }
    }

    /// The same, found at this axis of a group.
    pub fn at(self, axis: usize) -> Rejection {
        Rejection { axis: Some(axis as u8), ..self }
    }
}

/// How far an accepted command has come. Every accepted command ends in exactly one of the last three.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// It moves now.
    Active,
    /// It reached what it was for.
    Done,
    /// Another command, or a stop, took its place.
    Aborted,
    /// A fault ended it.
    Failed(Fault),
}

/// Where motion reports the progress of commands. Implementations are bounded and never block.
pub trait Outcomes {
    /// `handle` has come to `progress`. Never called with [`Handle::NONE`].
    fn report(&mut self, handle: Handle, progress: Progress);

    /// Motion itself put an axis into ErrorStop for `fault` (limit switch, soft limit, a drive that left operation).
    /// Faults that the cycle raised are not told back.
    fn fault_raised(&mut self, _axis: AxisId, _fault: Fault) {}

    /// A velocity or jog command came to rest at a soft limit; it has ended as aborted.
    fn soft_limit_reached(&mut self, _axis: AxisId) {}
}

/// What an axis hears in each cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AxisInputs {
    /// The drive follows setpoints: enabled, mode confirmed, brake open.
    pub operational: bool,
    /// The target that the drive holds, or held last: where motion starts after enabling.
    pub held: Setpoint,
    /// Feedback velocity.
    pub actual_velocity: f64,
    /// Setpoint minus feedback at the instant of sampling.
    pub following_error: f64,
    /// The positive limit switch is active.
    pub positive_limit: bool,
    /// The negative limit switch is active.
    pub negative_limit: bool,
    /// Emergency stop closed, enabling device held, bus up: the axis may move.
    pub permitted: bool,
}

/// What an axis asks for in each cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AxisOutputs {
    /// Where to be when the next image takes effect.
    pub setpoint: Setpoint,
    /// The drive shall be enabled.
    pub power: bool,
    /// The drive shall stop by itself (CiA 402 quick stop).
    pub quick_stop: bool,
    /// The drive's fault shall be reset: true for one cycle a command.
    pub reset: bool,
}
