//! The jerk-limited scalar profile: one axis, from any state, as fast as its limits allow.
//!
//! A [`Profile`] is at most [`PROFILE_PHASES`] phases of constant jerk and then a constant velocity, 0 for a
//! move to a position. It is solved once, in closed form but for one convex root, and then read with
//! [`Profile::at`] in every cycle. There is no failure: every finite state and every positive limits have a profile.
//!
//! | file | what it holds |
//! |---|---|
//! | `piece` | a state, and a phase of constant jerk |
//! | `brake` | reduced coordinates, the change of speed, stopping distance |
//! | `velocity` | profiles to a velocity |
//! | `position` | the time-optimal way to a position |
//! | `assembly` | from solved times to a profile that ends exactly |
//! | `synchronised` | profiles of a given duration |
//!
//! **From beyond the limits** the axis comes back at the permitted jerk: an acceleration beyond its limit is released
//! first, and a velocity beyond its limit is lowered as fast as acceleration and jerk allow. It never goes further
//! out than releasing the acceleration at full jerk makes inevitable.
//!
//! **Numbers.** Errors are rounding errors of the largest position, velocity and time in a profile; `tests/profile.rs`
//! names the tolerances. Inputs are finite, limits positive; with magnitudes within 1e±20 nothing overflows. Anything
//! else yields a meaningless profile, but in bounded time and without a panic.

mod assembly;
mod brake;
mod piece;
mod position;
mod synchronised;
mod velocity;

pub use brake::stopping_distance;
pub use piece::{Phase, State};

use crate::limits::PROFILE_PHASES;
use piece::Piece;

/// A motion of one axis over time, in seconds from its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Profile {
    /// In the order of time; those from `count` on repeat the last, which is the constant velocity after the end.
    pieces: [Piece; PROFILE_PHASES + 1],
    count: usize,
    duration_s: f64,
}

impl Profile {
    /// At rest at `position` for ever.
    pub fn rest(position: f64) -> Profile {
        Profile::constant(State::rest(position))
    }

    /// At `state.velocity` from the first instant, for ever.
    fn constant(state: State) -> Profile {
        Profile { pieces: [Piece::constant(0.0, state); PROFILE_PHASES + 1], count: 0, duration_s: 0.0 }
    }

    /// Where the axis is `t_s` after the start: before it at the start, and after the end on at the end's velocity.
    #[inline]
    pub fn at(&self, t_s: f64) -> State {
        let t_s = t_s.max(0.0);
        self.piece(t_s).at(t_s)
    }

    /// The jerk at `t_s`: at the border of two phases that of the later one.
    #[inline]
    pub fn jerk_at(&self, t_s: f64) -> f64 {
        self.piece(t_s).jerk
    }

    /// How long until the end state is reached.
    #[inline]
    pub fn duration_s(&self) -> f64 {
        self.duration_s
    }

    /// The state at the end, exactly: for a move to a position its target at rest, for a stop rest.
    #[inline]
    pub fn end(&self) -> State {
        self.pieces[PROFILE_PHASES].anchor()
    }

    /// Moves every position by `delta`, as when the coordinates of the axis change under it.
    pub fn shift(&mut self, delta: f64) {
        for piece in &mut self.pieces {
            piece.position += delta;
        }
    }

    /// The phases of constant jerk in the order of time, without the constant velocity after them.
    pub fn phases(&self) -> impl Iterator<Item = Phase> + '_ {
        let begins = core::iter::once(0.0).chain(self.pieces.iter().map(|piece| piece.until_s));
        self.pieces.iter().zip(begins).take(self.count).map(|(piece, begin_s)| piece.phase(begin_s))
    }

    /// The lowest and the highest position from `from_s` until the end: a move that starts in motion may pass beyond
    /// both its ends. What a velocity does after the end is not in it.
    pub fn extent(&self, from_s: f64) -> (f64, f64) {
        let last = self.at(from_s.max(self.duration_s)).position;
        self.phases().filter(|phase| phase.end_s > from_s).fold((last, last), |(low, high), phase| {
            let (phase_low, phase_high) = phase.extent(from_s);
            (low.min(phase_low), high.max(phase_high))
        })
    }

    /// The piece that covers `t_s`; at most `PROFILE_PHASES` comparisons.
    #[inline]
    fn piece(&self, t_s: f64) -> &Piece {
        let [phases @ .., after] = &self.pieces;
        phases.iter().find(|piece| t_s < piece.until_s).unwrap_or(after)
    }
}
