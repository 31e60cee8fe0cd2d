//! One axis: its state, where it shall be, and one period of its motion.
//!
//! Commands are in `axis_move` (motion) and `axis_power` (power, reset, faults, stops). While the drive is not operational
//! the setpoint is the target that the drive holds, so that motion always starts from there.

use crate::fault::Fault;
use crate::ids::{GroupId, Handle};
use crate::limits::{AXIS_QUEUE, MAX_POSITION};
use crate::units::Setpoint;

use super::axis_state::may_follow;
use super::in_position::InPosition;
use super::parameters::AxisParameters;
use super::profile::State;
use super::queue::Queue;
use super::reports::Reports;
use super::soft_limits::SoftLimits;
use super::target::{Target, wrapped};
use super::trajectory::Trajectory;
use super::types::{AxisInputs, AxisOutputs, AxisState, Limits, Progress};

/// What an axis is doing on its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Task {
    /// Nothing: at rest, ramping down, or moved by its group.
    Rest,
    /// Going to a place.
    Move { target: Target, limits: Limits },
    /// Going at a velocity.
    Velocity { velocity: f64, limits: Limits },
    /// Going at a velocity until a time, then ramping down.
    Jog { velocity: f64, valid_until_ns: u64, expired: bool },
    /// Coming to rest.
    Halt,
}

/// A move that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    pub handle: Handle,
    pub target: Target,
    pub limits: Limits,
}

/// A power command without an end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Powering {
    pub handle: Handle,
    pub on: bool,
}

/// One axis.
#[derive(Clone, Debug)]
pub struct Axis {
    pub(super) index: usize,
    pub(super) parameters: AxisParameters,
    pub(super) period_s: f64,
    pub(super) state: AxisState,
    pub(super) setpoint: Setpoint,
    pub(super) trajectory: Trajectory,
    pub(super) task: Task,
    pub(super) active: Handle,
    pub(super) queue: Queue<Waiting, AXIS_QUEUE>,
    pub(super) override_ratio: f64,
    /// Axis coordinates minus drive coordinates.
    pub(super) offset: f64,
    pub(super) referenced: bool,
    /// Drive coordinates; infinite while they are not in force.
    pub(super) soft_limits: SoftLimits,
    /// The soft limits, from outside up to where the axis last rested.
    pub(super) reach: SoftLimits,
    pub(super) in_position: InPosition,
    pub(super) fault: Option<Fault>,

    /// The drive shall be enabled.
    pub(super) power: bool,
    /// Power falls as soon as the axis rests.
    pub(super) power_off_at_rest: bool,
    pub(super) powering: Option<Powering>,
    /// Latched until reset.
    pub(super) quick_stop: bool,
    /// True until the next outputs.
    pub(super) reset_pulse: bool,
    /// A stop of this axis.
    pub(super) stopped: bool,
    /// A stop of this axis, of a group that it belongs to, or of the machine.
    pub(super) locked: bool,

    /// The enabled group that it belongs to.
    pub(super) group: Option<GroupId>,
    /// Its group writes the setpoint.
    pub(super) follows_line: bool,

    pub(super) operational: bool,
    pub(super) permitted: bool,
    pub(super) positive_limit: bool,
    pub(super) negative_limit: bool,
    pub(super) actual_velocity: f64,
    /// Slower than this an axis on a limit switch is not moving onto it.
    pub(super) creep: f64,
}

/// Share of the velocity limit below which an axis on a limit switch is not moving onto it.
pub(super) const CREEP: f64 = 1e-6;

impl Axis {
    pub(super) fn new(index: usize, parameters: AxisParameters, period_s: f64) -> Axis {
        let in_position = InPosition::new(parameters.in_position_window, parameters.in_position_time_s, period_s);
        let mut axis = Axis {
            index,
            period_s,
            state: AxisState::Disabled,
            setpoint: Setpoint::default(),
            trajectory: Trajectory::none(),
            task: Task::Rest,
            active: Handle::NONE,
            queue: Queue::new(),
            override_ratio: 1.0,
            offset: parameters.offset,
            referenced: parameters.referenced,
            soft_limits: SoftLimits::NONE,
            reach: SoftLimits::NONE,
            in_position,
            fault: None,
            power: false,
            power_off_at_rest: false,
            powering: None,
            quick_stop: false,
            reset_pulse: false,
            stopped: false,
            locked: false,
            group: None,
            follows_line: false,
            operational: false,
            permitted: false,
            positive_limit: false,
            negative_limit: false,
            actual_velocity: 0.0,
            creep: CREEP * parameters.limits.velocity,
            parameters,
        };
        axis.place_soft_limits();
        axis
    }

    /// What the configuration says about it.
    pub fn parameters(&self) -> &AxisParameters {
        &self.parameters
    }

    /// PLCopen state.
    pub fn state(&self) -> AxisState {
        self.state
    }

    /// Where it shall be, drive coordinates: as in the last outputs.
    pub fn setpoint(&self) -> Setpoint {
        self.setpoint
    }

    /// Where it shall be, axis coordinates (modulo axes: within the modulo).
    pub fn position(&self) -> f64 {
        self.to_axis_coordinates(self.setpoint.position)
    }

    /// A drive position in axis coordinates (modulo axes: within the modulo).
    pub fn to_axis_coordinates(&self, position: f64) -> f64 {
        let position = position + self.offset;
        self.parameters.modulo.map_or(position, |modulo| wrapped(position, modulo).1)
    }

    /// Axis coordinates minus drive coordinates, axis units.
    pub fn offset(&self) -> f64 {
        self.offset
    }

    /// The command that moves it; [`Handle::NONE`] for none (and while its group moves it).
    pub fn active(&self) -> Handle {
        self.active
    }

    /// Moves that wait behind the active one.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Velocity override in force, ratio.
    pub fn override_ratio(&self) -> f64 {
        self.override_ratio
    }

    /// It has its reference: absolute moves are possible, soft limits are in force.
    pub fn referenced(&self) -> bool {
        self.referenced
    }

    /// The setpoint rests and the feedback has been inside the in-position window for the settle time.
    pub fn in_position(&self) -> bool {
        self.in_position.settled()
    }

    /// What stopped it.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// On its (positive, negative) limit switch, as of the last step.
    pub fn on_limit_switches(&self) -> (bool, bool) {
        (self.positive_limit, self.negative_limit)
    }

    /// Locked by a stop of itself, of a group that it belongs to, or of the machine.
    pub fn locked(&self) -> bool {
        self.locked
    }

    /// It asks for its drive to be enabled.
    pub fn powered(&self) -> bool {
        self.power
    }

    /// The enabled group that it belongs to.
    pub fn group(&self) -> Option<GroupId> {
        self.group
    }

    /// Puts the soft limits where the offset says, once there is a reference.
    pub(super) fn place_soft_limits(&mut self) {
        self.soft_limits = match (self.parameters.soft_limits, self.parameters.modulo) {
            (Some((low, high)), None) if self.referenced => {
                SoftLimits { low: low - self.offset, high: high - self.offset }
            }
            _ => SoftLimits::NONE,
        };
    }

    /// Position, velocity and acceleration of the setpoint, in the frame of its turn.
    pub(super) fn present(&self) -> State {
        let Setpoint { position, velocity, acceleration, .. } = self.setpoint;
        State { position, velocity, acceleration }
    }

    /// The place of the setpoint.
    pub(super) fn place(&self) -> Target {
        Target { turns: self.setpoint.turns, position: self.setpoint.position }
    }

    /// The setpoint rests.
    pub(super) fn at_rest(&self) -> bool {
        self.setpoint.velocity == 0.0 && self.setpoint.acceleration == 0.0
    }

    pub(super) fn enter(&mut self, state: AxisState) {
        debug_assert!(may_follow(self.state, state), "axis {}: {:?} → {state:?}", self.index, self.state);
        self.state = state;
    }

    /// Ends the active command and all that wait.
    pub(super) fn end_all(&mut self, progress: Progress, reports: &mut Reports) {
        reports.progress(std::mem::take(&mut self.active), progress);
        // At most AXIS_QUEUE times.
        while let Some(waiting) = self.queue.pop() {
            reports.progress(waiting.handle, progress);
        }
        self.task = Task::Rest;
    }

    /// Takes in what the axis hears; a fault that is due is raised by the caller.
    #[inline]
    pub(super) fn observe(&mut self, input: &AxisInputs, reports: &mut Reports) -> Option<Fault> {
        self.permitted = input.permitted;
        self.positive_limit = input.positive_limit;
        self.negative_limit = input.negative_limit;
        self.actual_velocity = input.actual_velocity;
        if !(input.operational && self.operational) {
            return self.follow_drive(input, reports);
        }
        let Setpoint { position, velocity, .. } = self.setpoint;
        if velocity == 0.0 {
            self.reach = self.soft_limits.reaching(position);
            return None;
        }
        // On whichever side: what that means for its direction is looked at then.
        if self.positive_limit | self.negative_limit {
            return self.left_range();
        }
        if position > self.reach.high || position < self.reach.low || position.abs() > MAX_POSITION {
            return self.left_range();
        }
        None
    }

    /// At an end of its range or beyond: whether it leaves it.
    #[cold]
    fn left_range(&self) -> Option<Fault> {
        let Setpoint { position, velocity, .. } = self.setpoint;
        if self.state == AxisState::ErrorStop {
            return None;
        }
        let creep = self.creep;
        if self.positive_limit && velocity > creep {
            Some(Fault::PositiveLimitSwitch)
        } else if self.negative_limit && velocity < -creep {
            Some(Fault::NegativeLimitSwitch)
        } else if self.reach.left(position, velocity, creep) {
            Some(Fault::SoftLimit)
        } else if position.abs() > MAX_POSITION {
            Some(Fault::SetpointRange)
        } else {
            None
        }
    }

    /// The drive is not operational, or has just become so: the setpoint is what it holds.
    fn follow_drive(&mut self, input: &AxisInputs, reports: &mut Reports) -> Option<Fault> {
        let was_operational = std::mem::replace(&mut self.operational, input.operational);
        self.trajectory.cancel();
        self.follows_line = false;
        let (turns, position) =
            self.parameters.modulo.map_or((0, input.held.position), |m| wrapped(input.held.position, m));
        let turns = input.held.turns.saturating_add(turns);
        self.setpoint = Setpoint { turns, position, velocity: 0.0, acceleration: 0.0 };
        if input.operational {
            self.enabled(reports);
            None
        } else if was_operational {
            self.drive_left(reports)
        } else {
            None
        }
    }

    /// Advances one period and says what the axis asks for.
    #[inline]
    pub(super) fn advance(&mut self, now_ns: u64, following_error: f64, reports: &mut Reports) -> AxisOutputs {
        if self.operational && !self.follows_line {
            if let Task::Jog { valid_until_ns, expired: false, .. } = self.task
                && now_ns >= valid_until_ns
            {
                self.expire_jog();
            }
            if self.trajectory.running() {
                self.setpoint = self.trajectory.advance(self.period_s, self.parameters.modulo);
            }
        }
        self.in_position.watch(self.operational && self.at_rest(), following_error);
        if !self.trajectory.running() && !self.follows_line {
            self.rested(reports);
        }
        AxisOutputs {
            setpoint: self.setpoint,
            power: self.power,
            quick_stop: self.quick_stop,
            reset: std::mem::take(&mut self.reset_pulse),
        }
    }

    /// The group's line puts the setpoint at `state`, in the frame of turn `turns`.
    #[inline]
    pub(super) fn write(&mut self, state: State, turns: i64) {
        let (whole, position) = self.parameters.modulo.map_or((0, state.position), |m| wrapped(state.position, m));
        self.setpoint =
            Setpoint { turns: turns + whole, position, velocity: state.velocity, acceleration: state.acceleration };
    }
}
