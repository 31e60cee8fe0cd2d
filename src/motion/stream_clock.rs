//! The clock of a stream: how fast its curve is followed, and what it is behind its points.
//!
//! ```text
//! clock = the cycles since it began = time of the curve + behind;  behind = held + lost for want of points
//! ```

use crate::limits::CATCH_UP_S;

use super::path::Passage;
use super::types::StreamPace;

/// Why the curve is followed more slowly than its points say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// An override, or a hold.
    Held,
    /// Points are missing.
    Supply,
}

/// Of one stream.
#[derive(Clone, Debug)]
pub struct StreamClock {
    pace: StreamPace,
    begun: bool,
    /// Since it began.
    cycles: u64,
    behind_s: f64,
    held_s: f64,
    /// Of the present delay, until the curve is followed at its own rate again.
    cause: Option<Cause>,
}

/// Below 1 by more than this, a rate is slow.
const SLOW: f64 = 1e-9;
/// Less than this is rounding, s.
const NOTHING_S: f64 = 1e-9;

impl StreamClock {
    /// Of a stream that has not begun.
    pub fn new(pace: StreamPace) -> StreamClock {
        StreamClock { pace, begun: false, cycles: 0, behind_s: 0.0, held_s: 0.0, cause: None }
    }

    /// How much of the stream must be there for it to begin, s.
    pub fn lead_s(&self) -> f64 {
        self.pace.lead_s
    }

    /// What the curve is behind its points, s.
    pub fn behind_s(&self) -> f64 {
        self.behind_s
    }

    /// What of that was asked for, by overrides and holds, s.
    pub fn held_s(&self) -> f64 {
        self.held_s
    }

    /// One period on, at `ratio`: 0 holds, and what is above 1 counts as 1.
    pub fn step(&mut self, path: &mut Passage, ratio: f64, period_s: f64) {
        let ratio = ratio.min(1.0);
        if !self.begun && ratio > 0.0 && path.path().begun() {
            self.begun = true;
            // The curve begins at rest whatever the rate is: so it is right from the first instant on, where a stop would fit.
            path.launch(ratio);
        }
        if !self.begun || path.arrived() {
            path.step(if self.begun { ratio } else { 0.0 });
            return;
        }
        let before = path.path().distance();
        path.step(if ratio < 1.0 { ratio } else { 1.0 + self.faster() });
        self.cycles += 1;
        self.account(path, path.path().distance() - before, ratio, period_s);
    }

    fn faster(&self) -> f64 {
        self.pace.catch_up * (self.behind_s / CATCH_UP_S).min(1.0)
    }

    fn account(&mut self, path: &Passage, way: f64, ratio: f64, period_s: f64) {
        let lost = period_s - way;
        if ratio < 1.0 - SLOW {
            self.cause = Some(Cause::Held);
        } else if path.starved() {
            self.cause = Some(Cause::Supply);
        } else if path.velocity() >= 1.0 - SLOW {
            self.cause = None;
        }
        if self.cause == Some(Cause::Held) {
            self.held_s += lost;
        }
        let clock = self.cycles as f64 * period_s;
        let behind = clock - path.path().distance();
        self.behind_s = if behind > NOTHING_S { behind } else { 0.0 };
        self.held_s = self.held_s.clamp(0.0, self.behind_s);
    }
}
