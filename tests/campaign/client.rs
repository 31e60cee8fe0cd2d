//! A client that commands at random: mostly what the state of the machine calls for, at times anything.

use crate::machine::Machine;
use crate::support::Random;
use crate::table::{Cell, Kind, Subject};
use crate::trouble::Trouble;
use motiond::exchange::command::{Request, StopScope};
use motiond::exchange::snapshot::AxisFlags;
use motiond::ids::{AxisId, BusId, GroupId};
use motiond::limits::MAX_JOG_VALIDITY_NS;
use motiond::motion::{AxisState, BufferMode, Direction, Dynamics, GroupShape, GroupState, Limits, MoveKind};

const GROUP: GroupId = GroupId(0);
/// The limits of a direct move are shares of each axis's.
const WHOLE: Limits = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };

pub struct Client {
    /// Share of commands that are taken at random.
    wild: f64,
    /// What befell the machine last.
    pub trouble: Option<Trouble>,
}

impl Client {
    pub fn new(random: &mut Random) -> Client {
        Client { wild: random.within(0.1, 0.6), trouble: None }
    }

    /// Sends one command, or a stop; says which.
    pub fn act(&mut self, machine: &mut Machine, random: &mut Random) -> Cell {
        let (kind, axis) = if random.chance(self.wild) {
            (Kind::ALL[random.below(Kind::SetFigures as usize)], random.below(machine.config.axes.len()))
        } else {
            sensible(machine, random)
        };
        self.send(machine, kind, axis, random)
    }

    pub fn send(&mut self, machine: &mut Machine, kind: Kind, axis: usize, random: &mut Random) -> Cell {
        let state = match kind.subject() {
            Subject::Axis => machine.snapshot.axes[axis].state as usize,
            Subject::Group => machine.snapshot.groups[0].state as usize,
            Subject::Machine => machine_state(machine),
        };
        let id = AxisId(axis as u8);
        let mut cell = Cell { kind, state, trouble: self.trouble, renames: None };
        let scope = match kind.subject() {
            Subject::Axis => StopScope::Axis(id),
            Subject::Group => StopScope::Group(GROUP),
            Subject::Machine => StopScope::Machine,
        };
        let request = match kind {
            Kind::StopAxis | Kind::StopGroup | Kind::StopMachine => {
                machine.stop(scope);
                return cell;
            }
            Kind::ReleaseAxis | Kind::ReleaseGroup | Kind::ReleaseMachine => {
                let stale = u64::from(random.chance(0.1));
                Request::Release { scope, generation: machine.stop_generation(scope).wrapping_sub(stale) }
            }
            Kind::PowerOn => Request::Power { axis: id, on: true },
            Kind::PowerOff => Request::Power { axis: id, on: false },
            Kind::Reset => Request::Reset { axis: id },
            Kind::Absolute | Kind::Relative | Kind::Additive => axis_move(machine, kind, axis, random),
            Kind::Velocity => {
                let limits = machine.config.axes[axis].motion.limits;
                let dynamics = Dynamics { velocity: None, ..dynamics(random, &limits) };
                Request::Velocity { axis: id, velocity: velocity(random, limits.velocity), dynamics }
            }
            Kind::Jog => {
                let limit = machine.config.axes[axis].motion.limits.velocity;
                let validity_ns = random.within(0.0, 1.02 * MAX_JOG_VALIDITY_NS as f64) as u64;
                let valid_until_ns = machine.now_ns() + validity_ns;
                Request::Jog { axis: id, velocity: velocity(random, limit), valid_until_ns }
            }
            Kind::SetFigures => figures(machine, axis, random),
            Kind::Halt => Request::Halt { axis: id },
            Kind::SetPosition => {
                cell.renames = Some(id);
                Request::SetPosition { axis: id, position: new_name(machine, axis, random) }
            }
            Kind::Override => Request::Override { axis: id, ratio: ratio(random) },
            Kind::GroupEnable => Request::GroupEnable { group: GROUP },
            Kind::GroupDisable => Request::GroupDisable { group: GROUP },
            Kind::GroupReset => Request::GroupReset { group: GROUP },
            Kind::GroupDirect | Kind::GroupLinear => group_move(machine, kind, random),
            Kind::GroupHalt => Request::GroupHalt { group: GROUP },
            Kind::GroupInterrupt => Request::GroupInterrupt { group: GROUP },
            Kind::GroupContinue => Request::GroupContinue { group: GROUP },
            Kind::GroupOverride => Request::GroupOverride { group: GROUP, ratio: ratio(random) },
            Kind::SetOutput => Request::SetOutput { output: random.below(3) as u8, on: random.chance(0.5) },
            Kind::RecoverBus => Request::RecoverBus { bus: BusId(u8::from(random.chance(0.05))) },
            Kind::ResetMachine => Request::ResetMachine,
        };
        machine.send(request, cell);
        cell
    }
}

fn machine_state(machine: &Machine) -> usize {
    let snapshot = &machine.snapshot;
    if !snapshot.buses[0].up {
        3
    } else if snapshot.machine.fault != 0 {
        2
    } else {
        usize::from(snapshot.machine.stopped)
    }
}

/// What a person at the machine would do next.
fn sensible(machine: &Machine, random: &mut Random) -> (Kind, usize) {
    let snapshot = &machine.snapshot;
    let axis = random.below(snapshot.axes.len());
    let repair = random.chance(0.7);
    if repair && !snapshot.buses[0].up {
        return (Kind::RecoverBus, axis);
    }
    if repair && snapshot.machine.fault != 0 {
        return (Kind::ResetMachine, axis);
    }
    if repair && snapshot.machine.stopped {
        return (Kind::ReleaseMachine, axis);
    }
    let group = snapshot.groups[0];
    let mut members = machine.config.groups[0].motion.axes.iter();
    let ready = members.all(|axis| snapshot.axes[axis.index()].state == AxisState::Standstill);
    let worth = group.state != GroupState::GroupDisabled || ready || random.chance(0.2);
    if worth && random.chance(0.35) {
        return (for_group(group.state, group.stopped, group.override_ratio, random), axis);
    }
    let seen = &snapshot.axes[axis];
    let kind = match seen.state {
        _ if seen.override_ratio == 0.0 && random.chance(0.5) => Kind::Override,
        AxisState::Disabled if !seen.flags.has(AxisFlags::REFERENCED) && random.chance(0.3) => Kind::SetPosition,
        AxisState::Disabled if seen.flags.has(AxisFlags::STOPPED) => release(machine, random),
        AxisState::Disabled => Kind::PowerOn,
        AxisState::ErrorStop => pick(random, &[Kind::Reset, Kind::Reset, Kind::GroupReset]),
        AxisState::Stopping => release(machine, random),
        AxisState::SynchronizedMotion => for_group(group.state, group.stopped, group.override_ratio, random),
        _ => pick(
            random,
            &[Kind::Absolute, Kind::Absolute, Kind::Relative, Kind::Additive, Kind::Velocity, Kind::Jog, Kind::Halt],
        ),
    };
    (kind, axis)
}

fn release(machine: &Machine, random: &mut Random) -> Kind {
    if machine.snapshot.machine.stopped {
        Kind::ReleaseMachine
    } else {
        pick(random, &[Kind::ReleaseAxis, Kind::ReleaseGroup])
    }
}

fn for_group(state: GroupState, stopped: bool, ratio: f64, random: &mut Random) -> Kind {
    match state {
        _ if ratio == 0.0 && random.chance(0.5) => Kind::GroupOverride,
        GroupState::GroupDisabled => Kind::GroupEnable,
        GroupState::GroupErrorStop => Kind::GroupReset,
        GroupState::GroupStopping if stopped => pick(random, &[Kind::ReleaseGroup, Kind::ReleaseAxis]),
        _ => pick(
            random,
            &[Kind::GroupDirect, Kind::GroupLinear, Kind::GroupLinear, Kind::GroupInterrupt, Kind::GroupContinue],
        ),
    }
}

fn pick(random: &mut Random, kinds: &[Kind]) -> Kind {
    kinds[random.below(kinds.len())]
}

fn dynamics(random: &mut Random, limits: &Limits) -> Dynamics {
    let mut share = |limit: f64| match random.below(40) {
        0 => Some(limit * 1.01),
        1 => Some(f64::NAN),
        2..=19 => None,
        _ => Some(limit * random.magnitude(0.03, 1.0)),
    };
    Dynamics { velocity: share(limits.velocity), acceleration: share(limits.acceleration), jerk: share(limits.jerk) }
}

fn velocity(random: &mut Random, limit: f64) -> f64 {
    match random.below(20) {
        0 => 0.0,
        1 => limit * 1.01,
        _ => random.sign() * limit * random.magnitude(0.02, 1.0),
    }
}

fn ratio(random: &mut Random) -> f64 {
    match random.below(8) {
        0 => 0.0,
        1 => 2.01,
        2..=4 => 1.0,
        _ => random.magnitude(0.05, 2.0),
    }
}

/// Where an axis may go: mostly inside its soft limits.
fn place(machine: &Machine, axis: usize, random: &mut Random) -> f64 {
    let motion = &machine.config.axes[axis].motion;
    let (low, high) = motion.soft_limits.unwrap_or((0.0, motion.modulo.unwrap_or(1000.0)));
    let beyond = if random.chance(0.05) { 0.2 * (high - low) } else { 0.0 };
    random.within(low - beyond, high + beyond)
}

fn distance(machine: &Machine, axis: usize, random: &mut Random) -> f64 {
    match random.below(20) {
        0 => 0.0,
        1 => random.sign() * random.magnitude(1e-9, 1e-3),
        2 => f64::INFINITY,
        3..=8 => place(machine, axis, random) - machine.snapshot.axes[axis].setpoint,
        _ => random.sign() * random.magnitude(0.1, 200.0),
    }
}

/// Mostly where it is, or near: else nothing would be inside the soft limits any more.
fn new_name(machine: &Machine, axis: usize, random: &mut Random) -> f64 {
    let present = machine.snapshot.axes[axis].setpoint;
    match random.below(10) {
        0 => f64::NAN,
        1 => place(machine, axis, random),
        2..=5 => present + random.within(-5.0, 5.0),
        _ => present,
    }
}

fn axis_move(machine: &Machine, kind: Kind, axis: usize, random: &mut Random) -> Request {
    let (kind, target) = match kind {
        Kind::Absolute => (MoveKind::Absolute, place(machine, axis, random)),
        Kind::Relative => (MoveKind::Relative, distance(machine, axis, random)),
        _ => (MoveKind::Additive, distance(machine, axis, random)),
    };
    let directions = [Direction::Shortest, Direction::Positive, Direction::Negative, Direction::Current];
    Request::Move {
        axis: AxisId(axis as u8),
        kind,
        target,
        dynamics: dynamics(random, &machine.config.axes[axis].motion.limits),
        buffer: buffer(random),
        direction: directions[random.below(4)],
    }
}

fn group_move(machine: &mut Machine, kind: Kind, random: &mut Random) -> Request {
    let config = std::sync::Arc::clone(&machine.config);
    let group = &config.groups[0].motion;
    let relative = random.chance(0.4);
    let one = |axis: &AxisId, random: &mut Random| match relative {
        true => distance(machine, axis.index(), random),
        false => place(machine, axis.index(), random),
    };
    let targets: Vec<f64> = group.axes.iter().map(|axis| one(axis, random)).collect();
    let (shape, limits) = match kind {
        Kind::GroupDirect => (GroupShape::Direct, WHOLE),
        _ => (GroupShape::Linear, group.path_limits),
    };
    let (slot, slot_generation) = machine.claim(&targets);
    let dynamics = dynamics(random, &limits);
    Request::GroupMove { group: GROUP, shape, slot, slot_generation, relative, dynamics, buffer: buffer(random) }
}

/// Other parameters for an axis, at times those of the configuration. Limits are no higher than those: what goes over
/// the wire is judged by them.
fn figures(machine: &mut Machine, axis: usize, random: &mut Random) -> Request {
    let mut figures = machine.config.axes[axis].figures();
    if random.chance(0.8) {
        let motion = &mut figures.motion;
        for limit in [&mut motion.limits.velocity, &mut motion.limits.acceleration, &mut motion.limits.jerk] {
            *limit *= random.magnitude(0.2, 1.0);
        }
        if let Some((low, high)) = &mut motion.soft_limits {
            let range = *high - *low;
            *low += random.within(0.0, 0.3) * range;
            *high -= random.within(0.0, 0.3) * range;
        }
        motion.in_position_time_s *= random.within(0.5, 2.0);
        figures.following_time_s *= random.within(1.0, 2.0);
        if random.chance(0.3) {
            figures.gains.position_gain *= random.within(0.8, 1.0);
            figures.torque_limit *= random.within(0.9, 1.0);
        }
    }
    let (slot, slot_generation) = machine.claim_figures(figures);
    Request::SetFigures { axis: AxisId(axis as u8), slot, slot_generation }
}

fn buffer(random: &mut Random) -> BufferMode {
    if random.chance(0.35) { BufferMode::Buffered } else { BufferMode::Aborting }
}
