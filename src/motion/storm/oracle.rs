//! What must hold at every cycle, and the book of handles.

use std::collections::{BTreeMap, HashMap};

use super::super::group::Phase;
use super::super::profile::State;
use super::super::*;
use crate::fault::Fault;
use crate::ids::{AxisId, Handle};
use crate::units::Setpoint;

/// Which commands are open; each ends once.
#[derive(Default)]
pub(super) struct Ledger {
    next: u64,
    open: HashMap<Handle, (&'static str, Option<Progress>)>,
    pub accepted: usize,
    pub hits: Hits,
}

/// How often each thing happened, over all storms.
pub(super) type Hits = BTreeMap<String, u64>;

impl Ledger {
    /// Gives a command its handle; `Some` if it was refused.
    pub fn submit(
        &mut self,
        name: &'static str,
        command: impl FnOnce(Handle) -> Result<(), Rejection>,
    ) -> Option<Rejection> {
        self.next += 1;
        let handle = Handle(self.next);
        match command(handle) {
            Ok(()) => {
                self.accepted += 1;
                self.open.insert(handle, (name, None));
                None
            }
            Err(rejection) => {
                *self.hits.entry(format!("{name} refused {}", rejection.reason.name())).or_default() += 1;
                Some(rejection)
            }
        }
    }

    pub fn open(&self) -> usize {
        self.open.len()
    }

    pub fn describe(&self) -> String {
        format!("{:?}", self.open)
    }
}

impl Outcomes for Ledger {
    fn report(&mut self, handle: Handle, progress: Progress) {
        let before = self.open.get_mut(&handle);
        let before = before.unwrap_or_else(|| panic!("{handle:?} is not open: {progress:?}"));
        let end = match progress {
            Progress::Active => "active",
            Progress::Done => "done",
            Progress::Aborted => "aborted",
            Progress::Failed(_) => "failed",
        };
        *self.hits.entry(format!("{} {end}", before.0)).or_default() += 1;
        if progress == Progress::Active {
            assert_eq!(before.1, None, "{handle:?} active twice");
            before.1 = Some(progress);
        } else {
            self.open.remove(&handle);
        }
    }

    fn fault_raised(&mut self, _axis: AxisId, fault: Fault) {
        assert!(fault != Fault::SoftLimit, "seed and cycle unknown: what was accepted leaves the soft limits");
        *self.hits.entry(format!("raised {}", fault.name())).or_default() += 1;
    }

    fn soft_limit_reached(&mut self, _axis: AxisId) {
        *self.hits.entry("soft limit reached".into()).or_default() += 1;
    }
}

/// Remembers the cycle before.
pub(super) struct Oracle {
    period_s: f64,
    before: Vec<Before>,
    pub hits: Hits,
}

#[derive(Clone, Copy, Default)]
struct Before {
    operational: bool,
    setpoint: Setpoint,
    state: AxisState,
}

/// Relative slack for rounding.
const SLACK: f64 = 1e-7;

impl Oracle {
    pub fn new(axes: usize, period_s: f64) -> Oracle {
        Oracle { period_s, before: vec![Before::default(); axes], hits: Hits::new() }
    }

    pub fn check(&mut self, motion: &Motion, inputs: &[AxisInputs], outputs: &[AxisOutputs], at: &dyn Fn() -> String) {
        for (index, axis) in motion.axes().iter().enumerate() {
            let at = || format!("{} axis {index} {:?} task {:?}", at(), axis.state(), axis.task);
            let (input, output) = (&inputs[index], &outputs[index]);
            let before = self.before[index];
            self.states(motion, axis, output, &at);
            if !input.operational {
                let place = Setpoint { velocity: 0.0, acceleration: 0.0, ..input.held };
                assert_eq!(output.setpoint, place, "{}: the setpoint follows the drive", at());
            } else if !before.operational {
                // The first setpoint after enabling starts from the held target.
                let start = Setpoint { velocity: 0.0, acceleration: 0.0, ..input.held };
                self.continuous(axis, &start, &output.setpoint, &at);
            } else {
                self.continuous(axis, &before.setpoint, &output.setpoint, &at);
                self.within(axis, &before, &output.setpoint, &at);
                self.between_cycles(motion, axis, &at);
            }
            self.before[index] =
                Before { operational: input.operational, setpoint: output.setpoint, state: axis.state() };
        }
        for group in motion.groups() {
            check_group(motion, group, &mut self.hits, at);
        }
    }

    fn states(&self, motion: &Motion, axis: &Axis, output: &AxisOutputs, at: &dyn Fn() -> String) {
        let Setpoint { position, velocity, .. } = output.setpoint;
        assert!(position.is_finite() && velocity.is_finite(), "{}: {:?}", at(), output.setpoint);
        if let Some(modulo) = axis.parameters.modulo {
            assert!((0.0..modulo).contains(&position), "{}: {position}", at());
        }
        match axis.state() {
            AxisState::Disabled => assert!(velocity == 0.0 && !(axis.operational && output.power), "{}", at()),
            AxisState::Standstill => assert!(velocity == 0.0 && output.power && axis.fault().is_none(), "{}", at()),
            AxisState::ErrorStop => assert!(axis.fault().is_some(), "{}", at()),
            AxisState::SynchronizedMotion => {
                let group = axis.group().unwrap_or_else(|| panic!("{}: no group", at()));
                let state = motion.groups()[group.index()].state();
                let moves = [GroupState::GroupMoving, GroupState::GroupStopping, GroupState::GroupErrorStop];
                assert!(moves.contains(&state), "{}: {state:?}", at());
            }
            AxisState::DiscreteMotion | AxisState::ContinuousMotion => {
                assert!(axis.group().is_none() && output.power, "{}", at());
            }
            AxisState::Stopping => assert!(output.power, "{}", at()),
            AxisState::Homing => panic!("{}: homing is not commanded", at()),
        }
        let moves = matches!(axis.state(), AxisState::DiscreteMotion | AxisState::ContinuousMotion);
        assert_eq!(moves, axis.active() != Handle::NONE, "{}: {:?}", at(), axis.active());
        assert!(moves || axis.waiting() == 0, "{}: moves wait for nothing", at());
        let enabling = axis.powering.is_some_and(|powering| powering.on);
        assert!(!enabling || (output.power && axis.state() != AxisState::ErrorStop), "{}: enabling for nothing", at());
        assert_eq!(axis.fault().is_some(), axis.state() == AxisState::ErrorStop, "{}", at());
        assert!(!(output.quick_stop && output.power), "{}: power with quick stop", at());
    }

    /// Position and velocity follow from velocity and acceleration, the acceleration from the jerk limit.
    fn continuous(&self, axis: &Axis, from: &Setpoint, to: &Setpoint, at: &dyn Fn() -> String) {
        let dt = self.period_s;
        let Limits { velocity: v, acceleration: a, jerk: j } = axis.parameters.limits;
        let moved =
            axis.parameters.modulo.map_or(0.0, |m| (to.turns - from.turns) as f64 * m) + to.position - from.position;
        let expected =
            (from.velocity + to.velocity) / 2.0 * dt + (from.acceleration - to.acceleration) / 12.0 * dt * dt;
        let magnitude = to.position.abs() + axis.parameters.modulo.unwrap_or(0.0);
        let slack = j * dt * dt * dt / 12.0 + SLACK * v * dt + 1e-9 * (1.0 + magnitude);
        assert!((moved - expected).abs() <= slack, "{}: moved {moved}, expected {expected}\n{from:?}\n{to:?}", at());
        let gained = to.velocity - from.velocity;
        let expected = (from.acceleration + to.acceleration) / 2.0 * dt;
        let slack = j * dt * dt / 4.0 + SLACK * (a * dt + v);
        assert!((gained - expected).abs() <= slack, "{}: gained {gained}, expected {expected}\n{from:?}\n{to:?}", at());
        let change = (to.acceleration - from.acceleration).abs();
        assert!(
            change <= j * dt * (1.0 + SLACK) + SLACK * a,
            "{}: jerk {} of {j}\n{from:?}\n{to:?}",
            at(),
            change / dt
        );
    }

    fn within(&self, axis: &Axis, before: &Before, setpoint: &Setpoint, at: &dyn Fn() -> String) {
        let limits = axis.parameters.limits;
        within_limits(&limits, setpoint.velocity, setpoint.acceleration, 0.0, at);
        if axis.soft_limits.in_force() && axis.soft_limits.contains(before.setpoint.position) {
            let allowed = axis.soft_limits;
            let excess = allowed.excess((setpoint.position, setpoint.position));
            assert!(excess <= 1e-6, "{}: {excess} beyond the soft limits {allowed:?}\n{setpoint:?}", at());
        }
        // A stop never speeds up, but near a soft limit it may turn back inwards.
        if axis.state() == AxisState::Stopping && before.state == AxisState::Stopping {
            let grows = setpoint.velocity.abs() > before.setpoint.velocity.abs()
                && setpoint.velocity * setpoint.acceleration > 0.0
                && before.setpoint.velocity * before.setpoint.acceleration > 0.0
                && setpoint.acceleration.abs() > before.setpoint.acceleration.abs() * (1.0 + SLACK);
            assert!(
                !grows || axis.follows_line || axis.soft_limits.in_force(),
                "{}: a stop accelerates\n{before:?}\n{setpoint:?}",
                at(),
                before = before.setpoint
            );
        }
    }

    /// Velocity, acceleration and jerk at points within the period that has just passed, from the formulas.
    fn between_cycles(&self, motion: &Motion, axis: &Axis, at: &dyn Fn() -> String) {
        let limits = &axis.parameters.limits;
        for share in [0.13, 0.37, 0.5, 0.71, 0.93] {
            if axis.follows_line {
                let group = &motion.groups()[axis.group().expect("a line has a group").index()];
                let Some(i) = group.members().position(|member| member == axis.index) else { continue };
                if let Some((state, jerk)) = group.line.member_within(i, share, self.period_s) {
                    within_limits(limits, state.velocity, state.acceleration, jerk, at);
                }
            } else if let Some((State { velocity, acceleration, .. }, jerk)) =
                axis.trajectory.within(share, self.period_s)
            {
                within_limits(limits, velocity, acceleration, jerk, at);
            }
        }
    }
}

fn within_limits(limits: &Limits, velocity: f64, acceleration: f64, jerk: f64, at: &dyn Fn() -> String) {
    assert!(velocity.abs() <= limits.velocity * (1.0 + SLACK), "{}: velocity {velocity} of {limits:?}", at());
    assert!(
        acceleration.abs() <= limits.acceleration * (1.0 + SLACK),
        "{}: acceleration {acceleration} of {limits:?}",
        at()
    );
    assert!(jerk.abs() <= limits.jerk * (1.0 + SLACK), "{}: jerk {jerk} of {limits:?}", at());
}

fn check_group(motion: &Motion, group: &Group, hits: &mut Hits, at: &dyn Fn() -> String) {
    let at = || format!("{} group {:?} {:?} {:?}", at(), group.axes(), group.state(), group.phase);
    let enabled = group.state() != GroupState::GroupDisabled;
    for member in group.members() {
        let mine = motion.axes()[member].group().is_some_and(|id| std::ptr::eq(&motion.groups()[id.index()], group));
        assert_eq!(mine, enabled, "{}: axis {member}", at());
    }
    match group.state() {
        GroupState::GroupDisabled => assert!(group.active() == Handle::NONE && group.waiting() == 0, "{}", at()),
        GroupState::GroupStandby => {
            assert!(group.active() == Handle::NONE && !group.moving(motion.axes()), "{}", at());
        }
        GroupState::GroupMoving => assert!(group.active() != Handle::NONE, "{}", at()),
        GroupState::GroupErrorStop => assert!(group.active() == Handle::NONE && group.waiting() == 0, "{}", at()),
        GroupState::GroupStopping => assert!(group.waiting() == 0, "{}", at()),
        GroupState::GroupHoming => panic!("{}: homing is not commanded", at()),
    }
    assert!((0.0..=1.0).contains(&group.progress()), "{}", at());
    if group.on_line {
        group.line.check_straight(motion.axes(), &group.members[..group.count], &at);
    }
    // All members of a direct move arrive in the same instant.
    let direct = group.goal.as_ref().is_some_and(|goal| goal.shape == GroupShape::Direct);
    if direct
        && group.direct.synchronised()
        && group.begun
        && group.phase == Phase::Running
        && group.override_ratio() > 0.0
    {
        *hits
            .entry(format!("cycles of direct moves, arriving together: {}", group.direct.synchronised()))
            .or_default() += 1;
        if !group.direct.synchronised() {
            return;
        }
        let mut left_s = group
            .members()
            .map(|member| motion.axes()[member].trajectory.left_s(motion.axes()[member].period_s))
            .filter(|left_s| *left_s > 0.0);
        if let Some(first_s) = left_s.next() {
            for other_s in left_s {
                assert!(
                    (other_s - first_s).abs() <= 1e-6 + 1e-9 * first_s,
                    "{}: arrive {first_s} and {other_s} from now",
                    at()
                );
            }
        }
    }
}
