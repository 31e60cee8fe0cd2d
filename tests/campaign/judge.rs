//! What must hold from one cycle's state to the next: limits, continuity, and states that PLCopen permits.

use motiond::config::MachineConfig;
use motiond::exchange::snapshot::{AxisFlags, AxisSnapshot, GroupSnapshot, Snapshot};
use motiond::ids::AxisId;
use motiond::motion::{AxisState, GroupState, Limits, MotionFigures, axis_state, group_state};
use std::sync::Arc;

/// Rounding that a limit may be exceeded by, as a share of it.
const SLACK: f64 = 1e-6;

/// What the judge knows of a cycle besides its state.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Commands that were answered in it.
    pub commands: usize,
    /// Axes whose present place was given another name in it, one bit each.
    pub renamed: u64,
}

/// The judge of one daemon's life.
pub struct Judge {
    config: Arc<MachineConfig>,
    period_s: f64,
    /// Limits and windows of each axis, as far as the cycle has accepted them.
    in_force: Vec<MotionFigures>,
    before: Option<Snapshot>,
}

impl Judge {
    pub fn new(config: Arc<MachineConfig>) -> Judge {
        let period_s = config.period_ns as f64 * 1e-9;
        let in_force = config.axes.iter().map(|axis| axis.motion.figures()).collect();
        Judge { config, period_s, in_force, before: None }
    }

    /// An axis has other limits from this cycle on.
    pub fn changed(&mut self, axis: AxisId, figures: MotionFigures) {
        self.in_force[axis.index()] = figures;
    }

    pub fn look(&mut self, now: &Snapshot, seen: Seen) -> Result<(), String> {
        let config = Arc::clone(&self.config);
        for (index, axis) in now.axes.iter().enumerate() {
            let at = |what| format!("axis {}: {what}", config.axes[index].name);
            self.alone(now, index, axis).map_err(at)?;
            if let Some(before) = self.before.as_ref().map(|before| before.axes[index]) {
                let states = (before.state, axis.state);
                if !leads(states, seen.commands, &AXIS_PASSES, AxisState::ALL, axis_state::may_follow) {
                    return Err(at(format!("{:?} to {:?} is no arrow", before.state, axis.state)));
                }
                let renamed = seen.renamed >> index & 1 != 0;
                self.steps(index, &before, axis, renamed)
                    .map_err(|what| at(format!("{what}\n{before:?}\n{axis:?}")))?;
            }
        }
        for (index, group) in now.groups.iter().enumerate() {
            let at = |what: String| format!("group {}: {what}", config.groups[index].name);
            lawful(group).map_err(at)?;
            if let Some(before) = self.before.as_ref().map(|before| before.groups[index])
                && !leads(
                    (before.state, group.state),
                    seen.commands,
                    &GROUP_PASSES,
                    GroupState::ALL,
                    group_state::may_follow,
                )
            {
                return Err(at(format!("{:?} to {:?} is no arrow", before.state, group.state)));
            }
        }
        self.before = Some(now.clone());
        Ok(())
    }

    /// What one axis's state means by itself.
    fn alone(&self, now: &Snapshot, index: usize, axis: &AxisSnapshot) -> Result<(), String> {
        use AxisState::*;
        let wrong = |what: &str| Err(format!("{what}: {:?}\n{axis:?}", now.machine));
        let operational = axis.flags.has(AxisFlags::OPERATIONAL);
        if !(axis.setpoint.is_finite() && axis.velocity.is_finite() && axis.acceleration.is_finite()) {
            return wrong("the setpoint is no number");
        }
        if (axis.fault != 0) != (axis.state == ErrorStop) {
            return wrong("a fault without ErrorStop, or ErrorStop without a fault");
        }
        if !operational && !matches!(axis.state, Disabled | ErrorStop) {
            return wrong("motion without a drive that follows");
        }
        if matches!(axis.state, Disabled | Standstill) && axis.velocity != 0.0 {
            return wrong("moves at rest");
        }
        if matches!(axis.state, DiscreteMotion | ContinuousMotion) != (axis.active != 0) {
            return wrong("motion without a command, or a command without motion");
        }
        if axis.flags.has(AxisFlags::STOPPED) && matches!(axis.state, Standstill | DiscreteMotion | ContinuousMotion) {
            return wrong("goes on although it is stopped");
        }
        if now.machine.fault != 0 && matches!(axis.state, DiscreteMotion | ContinuousMotion) {
            return wrong("moves although the machine has a fault");
        }
        if axis.state == SynchronizedMotion {
            let id = AxisId(index as u8);
            let mut groups = self.config.groups.iter().zip(&now.groups);
            let moves = [GroupState::GroupMoving, GroupState::GroupStopping, GroupState::GroupErrorStop];
            if !groups.any(|(group, state)| group.motion.axes.contains(&id) && moves.contains(&state.state)) {
                return wrong("is moved by a group that does not move");
            }
        }
        if axis.state == Homing { wrong("homing was not asked for") } else { Ok(()) }
    }

    /// Limits and continuity from one cycle to the next.
    fn steps(&self, index: usize, before: &AxisSnapshot, now: &AxisSnapshot, renamed: bool) -> Result<(), String> {
        let axis = &self.config.axes[index].motion;
        let MotionFigures { limits, soft_limits, .. } = self.in_force[index];
        let Limits { velocity, acceleration, jerk } = limits;
        let follows = |axis: &AxisSnapshot| axis.flags.has(AxisFlags::OPERATIONAL);
        if !follows(now) {
            return Ok(());
        }
        let range = axis.modulo.unwrap_or(0.0);
        let way = |to: f64, from: f64| {
            if range > 0.0 { to - from - ((to - from) / range).round() * range } else { to - from }
        };
        // What the drive held so far is where an axis starts when its drive becomes operational.
        let start = AxisSnapshot { velocity: 0.0, acceleration: 0.0, ..*before };
        let before = if follows(before) { before } else { &start };
        exceeds("velocity", now.velocity, velocity)?;
        exceeds("acceleration", now.acceleration, acceleration)?;
        exceeds("jerk", (now.acceleration - before.acceleration) / self.period_s, jerk)?;
        let period_s = self.period_s;
        let gained = now.velocity - before.velocity;
        let expected = (now.acceleration + before.acceleration) / 2.0 * period_s;
        // With the jerk limited, velocity and place after a period differ from what the means of both ends say by at
        // most J T² / 4 and J T³ / 12; a phase may end within the period, so twice of the latter.
        if (gained - expected).abs() > jerk * period_s.powi(2) / 4.0 + SLACK * velocity {
            return Err(format!("the velocity jumps by {gained}, {expected} expected"));
        }
        let moved = way(now.setpoint, before.setpoint);
        let expected = (now.velocity + before.velocity) / 2.0 * period_s;
        let allowed = jerk * period_s.powi(3) / 6.0 + 1e-9 * (1.0 + now.setpoint.abs());
        // A place that is given another name does not move: the images, in increments, are judged all the same.
        if !renamed && (moved - expected).abs() > allowed {
            return Err(format!("the setpoint jumps by {moved}, {expected} expected"));
        }
        if let (Some((low, high)), true, false) = (soft_limits, now.flags.has(AxisFlags::REFERENCED), renamed) {
            let slack = 1e-6 * (high - low);
            let inside = |axis: &AxisSnapshot| axis.setpoint > low - slack && axis.setpoint < high + slack;
            if inside(before) && !inside(now) {
                return Err(format!("the setpoint leaves the soft limits {low}..{high}"));
            }
        }
        Ok(())
    }
}

fn exceeds(name: &str, value: f64, limit: f64) -> Result<(), String> {
    // Not `>`: a value that is no number exceeds every limit.
    if value.abs() <= limit * (1.0 + SLACK) { Ok(()) } else { Err(format!("{name} {value} of {limit}")) }
}

/// What a group's state means by itself.
fn lawful(group: &GroupSnapshot) -> Result<(), String> {
    use GroupState::*;
    let wrong = |what: &str| Err(format!("{what}: {group:?}"));
    match group.state {
        GroupDisabled | GroupStandby | GroupErrorStop if group.active != 0 => wrong("a command moves it at rest"),
        GroupMoving if group.active == 0 => wrong("moves without a command"),
        GroupStandby | GroupMoving if group.stopped => wrong("goes on although it is stopped"),
        GroupHoming => wrong("homing was not asked for"),
        _ if !(0.0..=1.0).contains(&group.progress) => wrong("has made no share of its way"),
        _ => Ok(()),
    }
}

/// Two arrows that one cycle may pass at once.
const AXIS_PASSES: [(AxisState, AxisState); 5] = [
    // Enabled, or reset, while it is locked.
    (AxisState::Disabled, AxisState::Stopping),
    (AxisState::ErrorStop, AxisState::Stopping),
    // Power goes where motion has come to rest.
    (AxisState::DiscreteMotion, AxisState::Disabled),
    (AxisState::ContinuousMotion, AxisState::Disabled),
    (AxisState::SynchronizedMotion, AxisState::Disabled),
];
const GROUP_PASSES: [(GroupState, GroupState); 2] = [
    // Disabled where a move is at rest, or reset while it is locked.
    (GroupState::GroupMoving, GroupState::GroupDisabled),
    (GroupState::GroupErrorStop, GroupState::GroupStopping),
];

/// Whether one cycle may lead from one state to another. Each command of a cycle beyond the first may add an arrow.
fn leads<S: Copy + PartialEq>(
    (from, to): (S, S),
    commands: usize,
    passes: &[(S, S)],
    all: &[S],
    may_follow: fn(S, S) -> bool,
) -> bool {
    let one = |from: S, to: S| may_follow(from, to) || passes.contains(&(from, to));
    if one(from, to) {
        return true;
    }
    let mut reached = vec![from];
    for _ in 0..commands.clamp(1, all.len()) {
        reached = all.iter().copied().filter(|next| reached.iter().any(|at| one(*at, *next))).collect();
    }
    reached.contains(&to)
}
