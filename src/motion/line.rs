//! A straight line of any number of axes: one scalar s along it, so that no axis ever leaves it.

use crate::limits::MAX_GROUP_AXES;
use crate::units::AxisUnit;

use super::axis::Axis;
use super::dynamics::viable_forwards;
use super::profile::{Profile, State};
use super::target::Target;
use super::trajectory::Trajectory;
use super::types::Limits;

/// Distances below this do not count for the length of a path, axis units.
const NO_DISTANCE: f64 = 1e-9;

/// One line, and where the group is on it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Drive coordinates at the start, in the frame of `turns`.
    origin: [f64; MAX_GROUP_AXES],
    turns: [i64; MAX_GROUP_AXES],
    /// Axis units a unit of path.
    direction: [f64; MAX_GROUP_AXES],
    targets: [Target; MAX_GROUP_AXES],
    length: f64,
    /// The most that path and axes permit along the line.
    hard: Limits,
    /// What the command wants of it; the jerk may have been raised in motion.
    wanted: Limits,
    s: Trajectory,
    state: State,
}

impl Line {
    pub fn none() -> Line {
        let nothing = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };
        Line {
            origin: [0.0; MAX_GROUP_AXES],
            turns: [0; MAX_GROUP_AXES],
            direction: [0.0; MAX_GROUP_AXES],
            targets: [Target::default(); MAX_GROUP_AXES],
            length: 0.0,
            hard: nothing,
            wanted: nothing,
            s: Trajectory::none(),
            state: State::default(),
        }
    }

    /// A line from where the members rest to `targets`, with the path's limits and what the command wants of them.
    /// Its length is that over the linear axes; over the rotary ones where no linear axis moves.
    pub fn begin(&mut self, members: &[u8], axes: &[Axis], targets: &[Target], path: &Limits, wanted: &Limits) {
        let mut linear = 0.0;
        let mut rotary = 0.0;
        for (i, (member, target)) in members.iter().zip(targets).enumerate().take(MAX_GROUP_AXES) {
            let axis = &axes[usize::from(*member)];
            self.origin[i] = axis.setpoint.position;
            self.turns[i] = axis.setpoint.turns;
            self.targets[i] = *target;
            let distance = target.seen_from(self.turns[i], axis.parameters.modulo) - self.origin[i];
            self.direction[i] = distance;
            if distance.abs() > NO_DISTANCE {
                match axis.parameters.unit {
                    AxisUnit::Millimetre => linear += distance * distance,
                    AxisUnit::Degree => rotary += distance * distance,
                }
            }
        }
        self.length = if linear > 0.0 { linear } else { rotary }.sqrt();
        self.hard = *path;
        for (member, direction) in members.iter().zip(&mut self.direction) {
            *direction = if self.length > 0.0 { *direction / self.length } else { 0.0 };
            let share = direction.abs();
            let limits = &axes[usize::from(*member)].parameters.limits;
            if share > 0.0 {
                self.hard.velocity = self.hard.velocity.min(limits.velocity / share);
                self.hard.acceleration = self.hard.acceleration.min(limits.acceleration / share);
                self.hard.jerk = self.hard.jerk.min(limits.jerk / share);
            }
        }
        self.wanted = Limits {
            velocity: wanted.velocity,
            acceleration: wanted.acceleration.min(self.hard.acceleration),
            jerk: wanted.jerk.min(self.hard.jerk),
        };
        self.state = State::rest(0.0);
        self.s = Trajectory::none();
    }

    /// Goes on to the end at `override_ratio` of the wanted velocity; comes to rest where that is 0.
    pub fn go(&mut self, override_ratio: f64) {
        // A jerk that had to be raised stays so: the way to brake that is left was reckoned with it.
        self.wanted.jerk = viable_forwards(&self.state, self.wanted, &self.hard).jerk;
        let velocity = (self.wanted.velocity * override_ratio).min(self.hard.velocity);
        if velocity == 0.0 {
            let profile = Profile::stop(self.state, &self.wanted);
            self.s = Trajectory::start(profile, 0, None);
            return;
        }
        let limits = Limits { velocity, ..self.wanted };
        let end = Target { turns: 0, position: self.length };
        self.s = Trajectory::start(Profile::to_position(self.state, self.length, &limits), 0, Some(end));
    }

    /// Comes to rest on the line as fast as path and axes permit.
    pub fn stop(&mut self) {
        if self.s.running() {
            self.s = Trajectory::start(Profile::stop(self.state, &self.hard), 0, None);
        }
    }

    #[inline]
    pub fn running(&self) -> bool {
        self.s.running()
    }

    /// It rests at its end.
    pub fn arrived(&self) -> bool {
        !self.s.running() && self.state.position == self.length
    }

    pub fn velocity(&self) -> f64 {
        self.state.velocity
    }

    /// Share of the line that is done.
    pub fn progress(&self) -> f64 {
        if self.length > 0.0 { (self.state.position / self.length).clamp(0.0, 1.0) } else { 1.0 }
    }

    /// One period on.
    #[inline]
    pub fn advance(&mut self, period_s: f64) {
        let setpoint = self.s.advance(period_s, None);
        self.state =
            State { position: setpoint.position, velocity: setpoint.velocity, acceleration: setpoint.acceleration };
    }

    /// Where a member is now, in the frame of the returned turn.
    #[inline]
    pub fn member(&self, i: usize) -> (State, i64) {
        if self.arrived() {
            return (State::rest(self.targets[i].position), self.targets[i].turns);
        }
        (self.member_at(i, &self.state), self.turns[i])
    }

    /// Where a member is `ticks` periods from now.
    pub fn member_ahead(&self, i: usize, ticks: u64, period_s: f64) -> (State, i64) {
        let state = if self.s.running() { self.s.ahead(ticks, period_s) } else { self.state };
        (self.member_at(i, &state), self.turns[i])
    }

    /// Where a member comes to rest if the line is stopped now.
    pub fn member_stopped(&self, i: usize, modulo: Option<f64>) -> Target {
        let state = if self.s.running() { Profile::stop(self.state, &self.hard).end() } else { self.state };
        Target::new(self.turns[i], self.member_at(i, &state).position, modulo)
    }

    #[inline]
    fn member_at(&self, i: usize, s: &State) -> State {
        let direction = self.direction[i];
        State {
            position: self.origin[i] + direction * s.position,
            velocity: direction * s.velocity,
            acceleration: direction * s.acceleration,
        }
    }
}

#[cfg(test)]
impl Line {
    /// State and jerk of a member at a share of the period that has just passed.
    pub fn member_within(&self, i: usize, share: f64, period_s: f64) -> Option<(State, f64)> {
        let (state, jerk) = self.s.within(share, period_s)?;
        Some((self.member_at(i, &state), self.direction[i] * jerk))
    }

    /// The members that follow it are as far along their own distances as one another.
    pub fn check_straight(&self, axes: &[Axis], members: &[u8], at: &dyn Fn() -> String) {
        let share = self.progress();
        for (i, member) in members.iter().enumerate() {
            let axis = &axes[usize::from(*member)];
            if !axis.follows_line {
                continue;
            }
            let modulo = axis.parameters.modulo;
            let place = axis.place().seen_from(self.turns[i], modulo);
            let end = self.targets[i].seen_from(self.turns[i], modulo);
            let expected = self.origin[i] + share * (end - self.origin[i]);
            let slack = 1e-9 + 1e-11 * (end.abs() + self.origin[i].abs());
            assert!((place - expected).abs() <= slack, "{}: axis {member} at {place}, the line at {expected}", at());
        }
    }
}
