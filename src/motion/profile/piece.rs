//! A state, and a phase of constant jerk.

/// Where an axis is and how it moves, in axis units, per s and per s².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// Position.
    pub position: f64,
    /// Velocity.
    pub velocity: f64,
    /// Acceleration.
    pub acceleration: f64,
}

impl State {
    /// At rest.
    pub fn rest(position: f64) -> State {
        State { position, velocity: 0.0, acceleration: 0.0 }
    }

    /// The state `time_s` later (earlier where negative) under constant jerk.
    #[inline]
    pub fn advanced(self, time_s: f64, jerk: f64) -> State {
        let State { position, velocity, acceleration } = self;
        State {
            position: position + time_s * (velocity + time_s * (acceleration / 2.0 + time_s * jerk / 6.0)),
            velocity: velocity + time_s * (acceleration + time_s * jerk / 2.0),
            acceleration: acceleration + time_s * jerk,
        }
    }
}

/// One phase of a profile, as a polynomial around the anchor: its beginning, or its end where that is known exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Piece {
    /// It holds for times below this (and from the end of the piece before it).
    pub until_s: f64,
    /// When the state below is.
    pub anchor_s: f64,
    pub position: f64,
    pub velocity: f64,
    pub acceleration: f64,
    pub jerk: f64,
}

impl Piece {
    pub fn new(until_s: f64, anchor_s: f64, state: State, jerk: f64) -> Piece {
        let State { position, velocity, acceleration } = state;
        Piece { until_s, anchor_s, position, velocity, acceleration, jerk }
    }

    /// The constant velocity of `state` from `begin_s` on.
    pub fn constant(begin_s: f64, state: State) -> Piece {
        Piece::new(f64::INFINITY, begin_s, State { acceleration: 0.0, ..state }, 0.0)
    }

    #[inline]
    pub fn anchor(&self) -> State {
        State { position: self.position, velocity: self.velocity, acceleration: self.acceleration }
    }

    #[inline]
    pub fn at(&self, t_s: f64) -> State {
        self.anchor().advanced(t_s - self.anchor_s, self.jerk)
    }

    pub fn phase(&self, begin_s: f64) -> Phase {
        Phase { begin_s, end_s: self.until_s, first: self.at(begin_s), last: self.at(self.until_s), jerk: self.jerk }
    }
}

/// A time of constant jerk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// When it begins, seconds from the start of the profile.
    pub begin_s: f64,
    /// When it ends.
    pub end_s: f64,
    /// The state at its beginning.
    pub first: State,
    /// The state at its end.
    pub last: State,
    /// The jerk in it.
    pub jerk: f64,
}

impl Phase {
    /// How long it is.
    pub fn length_s(&self) -> f64 {
        self.end_s - self.begin_s
    }

    /// The lowest and the highest position in it from `from_s` on (seconds from the start of the profile).
    pub(super) fn extent(&self, from_s: f64) -> (f64, f64) {
        let mut extent = (self.last.position, self.last.position);
        let mut look = |time_s: f64| {
            // Also false for the NaN of a phase without jerk or acceleration: it does not turn.
            if time_s >= 0.0 && time_s >= from_s - self.begin_s && time_s < self.length_s() {
                let position = self.first.advanced(time_s, self.jerk).position;
                extent = (extent.0.min(position), extent.1.max(position));
            }
        };
        look((from_s - self.begin_s).max(0.0));
        // The velocity is a parabola: it has at most two zeros, where the position turns.
        let State { velocity, acceleration, .. } = self.first;
        let root = (acceleration * acceleration - 2.0 * self.jerk * velocity).sqrt();
        let sum = -(acceleration + root.copysign(acceleration));
        look(sum / self.jerk);
        look(2.0 * velocity / sum);
        extent
    }
}
