//! What clients and the cycle may do at random.

use super::super::*;
use super::oracle::Ledger;
use super::{AXES, GROUPS, Random};
use crate::fault::{Fault, Reaction, Scope, StopKind};
use crate::ids::{AxisId, GroupId, Handle};

fn dynamics(random: &mut Random, limits: &Limits) -> Dynamics {
    let mut share = |limit: f64| match random.below(3) {
        0 => None,
        _ => Some(limit * random.magnitude(0.01, 1.02)),
    };
    Dynamics { velocity: share(limits.velocity), acceleration: share(limits.acceleration), jerk: share(limits.jerk) }
}

fn distance(random: &mut Random) -> f64 {
    match random.below(8) {
        0 => 0.0,
        1 => random.magnitude(1e-9, 1e-3),
        2 => -random.magnitude(1e-6, 1.0),
        3 => f64::NAN,
        4 => random.between(-5000.0, 5000.0),
        _ => random.between(-200.0, 200.0),
    }
}

fn ratio(random: &mut Random) -> f64 {
    match random.below(6) {
        0 => 0.0,
        1 => 1.0,
        2 => random.between(-0.5, 2.5),
        3 => random.magnitude(1e-3, 1.0),
        _ => random.between(0.3, 2.0),
    }
}

/// How a storm blows.
#[derive(Clone, Copy)]
pub(super) struct Mood {
    /// Mean time between commands, seconds.
    pause_s: f64,
    /// Mean time between stops and faults, seconds.
    trouble_s: f64,
    /// One command in this many is for a single axis.
    singles: usize,
}

impl Mood {
    pub fn new(random: &mut Random) -> Mood {
        Mood {
            pause_s: random.magnitude(0.01, 3.0),
            trouble_s: random.magnitude(1.0, 10.0),
            singles: [1, 2, 20][random.below(3)],
        }
    }
}

/// Mostly nothing; at times one command, a burst, a stop, a release, a fault.
pub(super) fn random_commands(
    random: &mut Random,
    mood: Mood,
    motion: &mut Motion,
    ledger: &mut Ledger,
    (now_ns, period_s): (u64, f64),
    at: &dyn Fn() -> String,
) {
    if random.once_in((mood.pause_s / period_s).max(2.0) as usize) {
        let burst = if random.once_in(10) { 8 } else { 1 };
        for _ in 0..burst {
            one(random, mood, motion, ledger, now_ns, at);
        }
    }
    if random.once_in((mood.trouble_s / period_s) as usize) {
        let axis = AxisId(random.below(AXES) as u8);
        let group = GroupId(random.below(GROUPS.len()) as u8);
        match random.below(4) {
            0 => motion.stop_axis(axis),
            1 => motion.stop_group(group),
            2 => motion.stop_machine(),
            _ => {
                let reaction = Reaction {
                    scope: [Scope::Axis, Scope::Group, Scope::Group, Scope::All][random.below(4)],
                    stop: [StopKind::Ramp, StopKind::QuickStop][random.below(2)],
                };
                motion.fault(axis, Fault::ALL[random.below(Fault::ALL.len())], reaction);
            }
        }
    }
    if random.once_in((0.3 / period_s) as usize) {
        release_all(motion);
    }
    // Somebody at the machine puts things right.
    if random.once_in((0.1 / period_s) as usize) {
        repair(motion, ledger);
    }
}

/// Mean time between other figures for some axis, seconds: the chances to meet one at rest come and go.
const FIGURES_PAUSE_S: f64 = 0.03;

/// Mostly nothing; at times other figures for an axis: taken over whole where it rests, else changing nothing.
pub(super) fn random_figures(
    random: &mut Random,
    motion: &mut Motion,
    ledger: &mut Ledger,
    period_s: f64,
    at: &dyn Fn() -> String,
) {
    if !random.once_in((FIGURES_PAUSE_S / period_s).max(2.0) as usize) {
        return;
    }
    let index = random.below(AXES);
    let axis = &motion.axes()[index];
    let before = axis.parameters().figures();
    let mut wanted = before;
    if random.once_in(2) {
        wanted.limits = super::limits(random);
    }
    if random.once_in(2) && axis.parameters().modulo.is_none() {
        let (below, above) = (random.magnitude(0.1, 500.0), random.magnitude(0.1, 500.0));
        let here = if random.once_in(4) { distance(random) } else { axis.position() };
        wanted.soft_limits = here.is_finite().then_some((here - below, here + above));
    }
    if random.once_in(2) {
        wanted.in_position_window = [0.0, 0.5, 0.01][random.below(3)];
        wanted.in_position_time_s = random.between(0.0, 0.05);
    }
    let picture_before = random.once_in(20).then(|| picture(motion));
    let refused = ledger.submit("set_figures", |handle| motion.set_figures(handle, AxisId(index as u8), &wanted));
    let now = motion.axes()[index].parameters().figures();
    assert_eq!(now, if refused.is_some() { before } else { wanted }, "{}: axis {index} {refused:?}", at());
    if let (Some(before), Some(rejection)) = (picture_before, refused) {
        assert_eq!(before, picture(motion), "{}: a rejection ({rejection:?}) changed something", at());
    }
}

pub(super) fn release_all(motion: &mut Motion) {
    let _ = motion.release_machine();
    for axis in 0..AXES {
        let _ = motion.release_axis(AxisId(axis as u8));
    }
    for group in 0..GROUPS.len() {
        let _ = motion.release_group(GroupId(group as u8));
    }
}

fn repair(motion: &mut Motion, ledger: &mut Ledger) {
    for group in 0..GROUPS.len() {
        if motion.groups()[group].state() == GroupState::GroupErrorStop {
            ledger.submit("group_reset", |handle| motion.group_reset(handle, GroupId(group as u8)));
        }
    }
    for index in 0..AXES {
        let axis = AxisId(index as u8);
        match motion.axes()[index].state() {
            AxisState::ErrorStop => drop(ledger.submit("reset", |handle| motion.reset(handle, axis))),
            AxisState::Disabled => drop(ledger.submit("power", |handle| motion.power(handle, axis, true))),
            _ => {}
        }
    }
}

/// Everything off: every command must end.
pub(super) fn calm_down(motion: &mut Motion, ledger: &mut Ledger) {
    release_all(motion);
    for index in 0..AXES {
        ledger.submit("set_override", |handle| motion.set_override(handle, AxisId(index as u8), 1.0));
    }
    for group in 0..GROUPS.len() {
        ledger.submit("group_override", |handle| motion.group_override(handle, GroupId(group as u8), 1.0));
    }
    for index in 0..AXES {
        ledger.submit("power", |handle| motion.power(handle, AxisId(index as u8), false));
    }
}

/// What must not change when a command is refused.
fn picture(motion: &Motion) -> String {
    format!("{:?}{:?}{}", motion.axes(), motion.groups(), motion.stopped())
}

fn one(
    random: &mut Random,
    mood: Mood,
    motion: &mut Motion,
    ledger: &mut Ledger,
    now_ns: u64,
    at: &dyn Fn() -> String,
) {
    let before = random.once_in(100).then(|| picture(motion));
    let refused = if random.once_in(mood.singles) {
        axis_command(random, motion, ledger, now_ns)
    } else {
        group_command(random, motion, ledger)
    };
    if let (Some(before), Some(rejection)) = (before, refused) {
        assert_eq!(before, picture(motion), "{}: a rejection ({rejection:?}) changed something", at());
    }
}

fn axis_command(random: &mut Random, motion: &mut Motion, ledger: &mut Ledger, now_ns: u64) -> Option<Rejection> {
    let index = random.below(AXES);
    let axis = AxisId(index as u8);
    let limits = motion.axes()[index].parameters().limits;
    let velocity = limits.velocity * random.between(-1.05, 1.05);
    match random.below(22) {
        0 => ledger.submit("power", |handle| motion.power(handle, axis, false)),
        1 => ledger.submit("power", |handle| motion.power(handle, axis, true)),
        2 => ledger.submit("reset", |handle| motion.reset(handle, axis)),
        3 | 4 => {
            let dynamics = dynamics(random, &limits);
            ledger.submit("velocity", |handle| motion.velocity(handle, axis, velocity, dynamics))
        }
        5..=7 => {
            let velocity = if random.once_in(2) { velocity } else { limits.velocity * 0.3 };
            let until_ns = now_ns - 1_000_000 + random.word() % 210_000_000;
            ledger.submit("jog", |handle| motion.jog(handle, axis, velocity, until_ns, now_ns))
        }
        8 => ledger.submit("halt", |handle| motion.halt(handle, axis)),
        9 => {
            let position = distance(random);
            ledger.submit("set_position", |handle| motion.set_position(handle, axis, position))
        }
        10..=12 => {
            let ratio = ratio(random);
            ledger.submit("set_override", |handle| motion.set_override(handle, axis, ratio))
        }
        _ => {
            let request = MoveRequest {
                kind: [MoveKind::Absolute, MoveKind::Relative, MoveKind::Additive][random.below(3)],
                target: distance(random),
                dynamics: dynamics(random, &limits),
                buffer: [BufferMode::Aborting, BufferMode::Buffered][random.below(2)],
                direction: [Direction::Shortest, Direction::Positive, Direction::Negative, Direction::Current]
                    [random.below(4)],
            };
            ledger.submit("move_axis", |handle| motion.move_axis(handle, axis, request))
        }
    }
}

fn group_command(random: &mut Random, motion: &mut Motion, ledger: &mut Ledger) -> Option<Rejection> {
    let index = random.below(GROUPS.len());
    let group = GroupId(index as u8);
    match random.below(24) {
        0..=3 => ledger.submit("group_enable", |handle| motion.group_enable(handle, group)),
        4 => ledger.submit("group_disable", |handle| motion.group_disable(handle, group)),
        5 => ledger.submit("group_reset", |handle| motion.group_reset(handle, group)),
        6 => ledger.submit("group_halt", |handle| motion.group_halt(handle, group)),
        7 | 8 => ledger.submit("group_interrupt", |handle| motion.group_interrupt(handle, group)),
        9 | 10 => ledger.submit("group_continue", |handle| motion.group_continue(handle, group)),
        11 | 12 => {
            let ratio = ratio(random);
            ledger.submit("group_override", |handle| motion.group_override(handle, group, ratio))
        }
        _ => {
            let count = GROUPS[index].len();
            let shape = [GroupShape::Direct, GroupShape::Linear][random.below(2)];
            let relative = random.once_in(2);
            let reach = if random.once_in(2) { 300.0 } else { 20.0 };
            let mut targets = [0.0; 5];
            for target in &mut targets[..count] {
                *target = if random.once_in(60) { distance(random) } else { random.between(-reach, reach) };
            }
            let limits = match shape {
                GroupShape::Linear => motion.groups()[index].parameters.path_limits,
                _ => Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 },
            };
            let dynamics = dynamics(random, &limits);
            let buffer = [BufferMode::Aborting, BufferMode::Buffered][random.below(2)];
            ledger.submit("group_move", |handle: Handle| {
                let targets = &targets[..count];
                motion.group_move(handle, group, GroupMoveRequest { shape, targets, relative, dynamics, buffer })
            })
        }
    }
}
