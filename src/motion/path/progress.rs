//! How far a motion along a path has come, and what is left of it.

use super::PathMotion;

/// A place along a path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Along {
    /// Path units since the path began.
    pub distance: f64,
    /// Seconds since it began, as planned, at an override of 1.
    pub time_s: f64,
}

impl Along {
    /// From `begin` to here; 0 where that is behind.
    pub fn since(self, begin: Along) -> Along {
        let left = |to: f64, from: f64| (to - from).max(0.0);
        Along { distance: left(self.distance, begin.distance), time_s: left(self.time_s, begin.time_s) }
    }
}

impl PathMotion {
    /// Where it is; where it will begin before there is a piece.
    pub fn here(&self) -> Along {
        let Some(here) = self.pieces.get(self.place.piece) else { return Along::default() };
        let done = if here.length > 0.0 { here.duration * self.place.x / here.length } else { 0.0 };
        Along { distance: here.distance + self.place.x, time_s: here.time + done }
    }

    /// Where the path ends, once that is known.
    pub fn end_along(&self) -> Option<Along> {
        let last = self.pieces.last().filter(|last| last.last)?;
        Some(Along { distance: last.distance + last.length, time_s: last.time + last.duration })
    }

    /// What is left of the path as it is planned, at an override of 1, once its end is known.
    pub fn left(&self) -> Option<Along> {
        self.end_along().map(|end| end.since(self.here()))
    }

    /// Where an axis rests at the end of the path, once that is known; drive coordinates.
    pub fn end(&self, axis: usize) -> Option<f64> {
        let last = self.pieces.last().filter(|last| last.last)?;
        Some(last.axes[axis].at(last.length))
    }

    /// Path units behind it that are kept: so far it can go back.
    pub fn behind(&self) -> f64 {
        self.pieces.get(self.pieces.begin()).map_or(0.0, |first| self.distance() - first.distance)
    }

    /// Pieces that it got since the path began.
    pub fn given(&self) -> u64 {
        self.pieces.end()
    }
}
