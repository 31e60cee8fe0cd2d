//! Where the path went and how fast, in few places: those between two that are kept are on the line between them, to a tolerance
//! that grows where there are too many.

use crate::limits::{MAX_GROUP_AXES, PICTURE_PLACES};
use crate::planner::program::Point;

/// Places between two that are kept are looked at so many at a time.
const BETWEEN: usize = 24;
/// The tolerance at first, axis units.
const FINEST: f64 = 1e-3;
/// Of the largest speed: how far off speeds may be, at first.
const SPEED_SHARE: f64 = 0.01;
/// What that grows by where the tolerance doubles.
const FASTER: f64 = 1.25;

/// A place and the speed there.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spot {
    /// Axis coordinates, in the group's order.
    pub at: Point,
    /// Of the tool: over the linear axes, mm/s; over all where none is linear.
    pub speed: f64,
}

/// Keeps few of many places.
#[derive(Clone, Debug)]
pub struct Trace {
    axes: usize,
    kept: Vec<Spot>,
    between: Vec<Spot>,
    tolerance: f64,
    speed_share: f64,
    fastest: f64,
}

impl Trace {
    /// Of so many axes.
    pub fn new(axes: usize) -> Trace {
        Trace {
            axes: axes.min(MAX_GROUP_AXES),
            kept: Vec::new(),
            between: Vec::with_capacity(BETWEEN),
            tolerance: FINEST,
            speed_share: SPEED_SHARE,
            fastest: 0.0,
        }
    }

    /// The next place.
    pub fn push(&mut self, spot: Spot) {
        self.fastest = self.fastest.max(spot.speed);
        let Some(last) = self.kept.last() else { return self.kept.push(spot) };
        let close = self.between.len() < BETWEEN && self.between.iter().all(|between| self.on(last, &spot, between));
        if !close && let Some(before) = self.between.pop() {
            self.kept.push(before);
            self.between.clear();
            if self.kept.len() >= PICTURE_PLACES {
                self.thin();
            }
        }
        self.between.push(spot);
    }

    /// `spot` is on the line from `a` to `b`, and as fast as that says.
    fn on(&self, a: &Spot, b: &Spot, spot: &Spot) -> bool {
        let (mut along, mut square) = (0.0, 0.0);
        for axis in 0..self.axes {
            let way = b.at[axis] - a.at[axis];
            along += (spot.at[axis] - a.at[axis]) * way;
            square += way * way;
        }
        let share = if square > 0.0 { (along / square).clamp(0.0, 1.0) } else { 0.0 };
        let off: f64 =
            (0..self.axes).map(|axis| (a.at[axis] + share * (b.at[axis] - a.at[axis]) - spot.at[axis]).powi(2)).sum();
        let slower = a.speed + share * (b.speed - a.speed) - spot.speed;
        off <= self.tolerance * self.tolerance && slower.abs() <= self.speed_share * self.fastest
    }

    /// The same with a larger tolerance, until there is room again.
    fn thin(&mut self) {
        while self.kept.len() > PICTURE_PLACES * 3 / 4 {
            self.tolerance *= 2.0;
            self.speed_share = (self.speed_share * FASTER).min(1.0);
            let Trace { tolerance, speed_share, fastest, .. } = *self;
            let coarser = Trace { tolerance, speed_share, fastest, ..Trace::new(self.axes) };
            let kept = self.kept.drain(..).fold(coarser, |mut coarser, spot| {
                coarser.push(spot);
                coarser
            });
            self.kept = kept.spots();
        }
    }

    /// What was kept, the last place included.
    pub fn spots(mut self) -> Vec<Spot> {
        self.kept.extend(self.between.last().copied());
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot(x: f64, y: f64, speed: f64) -> Spot {
        let mut at = [0.0; MAX_GROUP_AXES];
        (at[0], at[1]) = (x, y);
        Spot { at, speed }
    }

    #[test]
    fn corners_stay_and_straight_ways_need_few_places() {
        let mut trace = Trace::new(2);
        for i in 0..=1000 {
            trace.push(spot(f64::from(i) * 0.1, 0.0, 100.0));
        }
        for i in 1..=1000 {
            trace.push(spot(100.0, f64::from(i) * 0.1, 100.0));
        }
        let spots = trace.spots();
        assert!(spots.len() < 100, "{}", spots.len());
        assert!(spots.contains(&spot(100.0, 0.0, 100.0)) && spots.last() == Some(&spot(100.0, 100.0, 100.0)));
    }

    #[test]
    fn however_long_the_path_is_the_places_are_bounded_and_near() {
        let mut trace = Trace::new(2);
        let circle = |i: u32| (f64::from(i) * 0.37).sin_cos();
        for i in 0..200_000 {
            let ((x, y), far) = (circle(i), f64::from(i) * 0.01);
            trace.push(spot(x + far, y, 100.0 + 50.0 * x));
        }
        let spots = trace.spots();
        assert!(spots.len() <= PICTURE_PLACES && spots.len() > PICTURE_PLACES / 8, "{}", spots.len());
    }
}
