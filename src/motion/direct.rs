//! Time-synchronised point to point: each member on its own profile, all arriving together.
//!
//! The slowest member sets the duration; the others go slower. One member is solved a cycle, from where the present motion will
//! have brought it when the last one is solved; then all start at once.

use crate::limits::MAX_GROUP_AXES;

use super::axis::Axis;
use super::dynamics::viable;
use super::line::Line;
use super::profile::{Profile, State};
use super::soft_limits::admits;
use super::target::Target;
use super::trajectory::Trajectory;
use super::types::{Limits, Rejection};

/// A plan in the making.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    count: usize,
    next: usize,
    /// Where each member will be when the motion starts, in the frame of `turns`.
    starts: [State; MAX_GROUP_AXES],
    turns: [i64; MAX_GROUP_AXES],
    goals: [f64; MAX_GROUP_AXES],
    limits: [Limits; MAX_GROUP_AXES],
    profiles: [Profile; MAX_GROUP_AXES],
    /// The override that it is made for.
    override_ratio: f64,
    duration_s: f64,
    /// A member is early: for the sake of its soft limits, or because the stop that it begins with ends at its target.
    hurried: bool,
    period_s: f64,
    /// Periods since the motion started.
    ticks: u64,
}

/// Share by which durations may differ and still be the same.
const SAME_TIME: f64 = 1e-9;

impl Direct {
    pub fn none() -> Direct {
        Direct {
            count: 0,
            next: 0,
            starts: [State::default(); MAX_GROUP_AXES],
            turns: [0; MAX_GROUP_AXES],
            goals: [0.0; MAX_GROUP_AXES],
            limits: [Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 }; MAX_GROUP_AXES],
            profiles: [Profile::rest(0.0); MAX_GROUP_AXES],
            override_ratio: 1.0,
            duration_s: 0.0,
            hurried: false,
            period_s: 0.0,
            ticks: 0,
        }
    }

    /// Where the present motion will have brought each member when a plan that is begun now is complete: its first member is
    /// solved `first_in` steps from now, before that step's advance (0: in the coming one).
    pub fn predict(&mut self, members: &[u8], axes: &[Axis], line: Option<&Line>, first_in: u64) {
        self.count = members.len().min(MAX_GROUP_AXES);
        let ticks = first_in + self.count.saturating_sub(1) as u64;
        for (i, member) in members.iter().enumerate().take(MAX_GROUP_AXES) {
            let axis = &axes[usize::from(*member)];
            self.period_s = axis.period_s;
            (self.starts[i], self.turns[i]) = match line {
                Some(line) if axis.follows_line => line.member_ahead(i, ticks, axis.period_s),
                _ if axis.trajectory.running() => {
                    (axis.trajectory.ahead(ticks, axis.period_s), axis.trajectory.turns())
                }
                _ => (axis.present(), axis.setpoint.turns),
            };
        }
    }

    /// The predicted place of a member.
    pub fn start_place(&self, i: usize, modulo: Option<f64>) -> Target {
        Target::new(self.turns[i], self.starts[i].position, modulo)
    }

    /// The predicted state of a member and the turn in whose frame it is.
    pub fn start(&self, i: usize) -> (State, i64) {
        (self.starts[i], self.turns[i])
    }

    /// Fixes targets, limits (shares of each axis's) and the duration, from the predicted starts: one solution a member.
    pub fn begin(&mut self, members: &[u8], axes: &[Axis], targets: &[Target], shares: &Limits, override_ratio: f64) {
        self.next = 0;
        self.hurried = false;
        self.ticks = 0;
        self.override_ratio = override_ratio;
        self.duration_s = 0.0;
        for (i, (member, target)) in members.iter().zip(targets).enumerate().take(MAX_GROUP_AXES) {
            let axis = &axes[usize::from(*member)];
            let hard = &axis.parameters.limits;
            let wanted = Limits {
                // An override of 0 is planned as 1: the group is held elsewhere.
                velocity: hard.velocity
                    * if override_ratio > 0.0 { (shares.velocity * override_ratio).min(1.0) } else { 1.0 },
                acceleration: hard.acceleration * shares.acceleration,
                jerk: hard.jerk * shares.jerk,
            };
            self.goals[i] = target.seen_from(self.turns[i], axis.parameters.modulo);
            self.limits[i] = viable(&self.starts[i], wanted, hard);
            self.profiles[i] = Profile::to_position(self.starts[i], self.goals[i], &self.limits[i]);
            self.duration_s = self.duration_s.max(self.profiles[i].duration_s());
        }
    }

    /// Refuses a member's way that would leave its soft limits.
    pub fn check(&self, i: usize, axis: &Axis) -> Result<(), Rejection> {
        admits(&self.profiles[i], &axis.parameters.limits, &axis.soft_limits)
            .map_err(|extent| axis.soft_limits.refusal(extent, axis.offset).at(axis.index))
    }

    /// What was accepted is not refused later: a member whose way would leave its soft limits now brakes with all that its axis permits.
    pub fn tighten(&mut self, i: usize, axis: &Axis) {
        if self.check(i, axis).is_err() {
            self.limits[i] = Limits { velocity: self.limits[i].velocity, ..axis.parameters.limits };
            self.profiles[i] = Profile::to_position(self.starts[i], self.goals[i], &self.limits[i]);
            self.duration_s = self.duration_s.max(self.profiles[i].duration_s());
        }
    }

    pub fn override_ratio(&self) -> f64 {
        self.override_ratio
    }

    /// Solves one member; true when all are. A member that would leave its soft limits by going slower (it turns round near one)
    /// does not wait for the others.
    pub fn solve_next(&mut self, members: &[u8], axes: &[Axis]) -> bool {
        let i = self.next;
        if i < self.count {
            self.next += 1;
            let rests = self.profiles[i].duration_s() == 0.0;
            if !rests && self.profiles[i].duration_s() < self.duration_s * (1.0 - SAME_TIME) {
                let (profile, _) =
                    Profile::to_position_in(self.starts[i], self.goals[i], &self.limits[i], self.duration_s);
                let axis = &axes[usize::from(members[i])];
                self.hurried |= profile.duration_s() < self.duration_s * (1.0 - SAME_TIME);
                if admits(&profile, &axis.parameters.limits, &axis.soft_limits).is_ok() {
                    self.profiles[i] = profile;
                } else {
                    self.hurried = true;
                }
            }
        }
        self.next >= self.count
    }

    /// One more period of the motion has passed.
    #[inline]
    pub fn pass(&mut self) {
        self.ticks += 1;
    }

    /// Share of the duration that has passed.
    pub fn progress(&self) -> f64 {
        if self.duration_s > 0.0 { (self.ticks as f64 * self.period_s / self.duration_s).min(1.0) } else { 1.0 }
    }

    /// All members arrive together.
    #[cfg(test)]
    pub fn synchronised(&self) -> bool {
        !self.hurried
    }

    /// The trajectory of a member.
    pub fn trajectory(&self, i: usize, target: Target) -> Trajectory {
        Trajectory::start(self.profiles[i], self.turns[i], Some(target))
    }
}

#[cfg(test)]
mod tests {
    use super::super::parameters::AxisParameters;
    use super::*;
    use crate::units::{AxisUnit, Setpoint};

    fn axis_near_its_limit() -> Axis {
        let limits = Limits { velocity: 200.0, acceleration: 1000.0, jerk: 20_000.0 };
        let parameters = AxisParameters {
            soft_limits: Some((-100.0, 100.0)),
            referenced: true,
            ..AxisParameters::plain(AxisUnit::Millimetre, limits)
        };
        let mut axis = Axis::new(0, parameters, 0.001);
        axis.setpoint = Setpoint { position: 98.0, velocity: 40.0, ..Setpoint::default() };
        axis
    }

    #[test]
    fn a_gentle_turn_before_a_soft_limit_is_refused_or_made_as_sharp_as_the_axis_can() {
        let axes = [axis_near_its_limit()];
        let mut direct = Direct::none();
        direct.predict(&[0], &axes, None, 0);
        let gentle = Limits { velocity: 1.0, acceleration: 0.05, jerk: 0.05 };
        direct.begin(&[0], &axes, &[Target { turns: 0, position: 0.0 }], &gentle, 1.0);
        let refused = direct.check(0, &axes[0]).unwrap_err();
        assert!(refused.found > 100.0 && refused.allowed == 100.0, "{refused:?}");
        direct.tighten(0, &axes[0]);
        assert!(direct.check(0, &axes[0]).is_ok());
        assert!(direct.profiles[0].extent(0.0).1 <= 100.0 && direct.duration_s >= direct.profiles[0].duration_s());
    }

    #[test]
    fn a_member_that_would_leave_its_soft_limits_by_going_slower_does_not_wait() {
        let mut axes = [axis_near_its_limit()];
        // Turning round with all its acceleration: releasing it early, for a slow way back, reaches farther.
        axes[0].setpoint = Setpoint { position: 99.6, velocity: 20.0, acceleration: -1000.0, ..Setpoint::default() };
        let turn = Profile::to_position(axes[0].present(), 0.0, &axes[0].parameters.limits).extent(0.0).1;
        axes[0].soft_limits.high = turn;
        let mut direct = Direct::none();
        direct.predict(&[0], &axes, None, 0);
        let whole = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };
        direct.begin(&[0], &axes, &[Target { turns: 0, position: 0.0 }], &whole, 1.0);
        direct.duration_s = 60.0;
        assert!(direct.solve_next(&[0], &axes));
        assert!(direct.check(0, &axes[0]).is_ok(), "{} beyond {turn}", direct.profiles[0].extent(0.0).1);
        assert!(!direct.synchronised());
    }
}
