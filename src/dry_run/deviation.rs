//! How far the curve that is followed is off the programmed path, and the other way round.
//!
//! Both count the same way from the path's beginning, so that each place of one has its counterpart on the other; from there the nearest
//! place is looked for, no further than twice that gap. Places of the curve are looked at a few times in each piece; of the programmed path,
//! where its elements meet, which is where it is left. Both are upper bounds, and met where a corner is rounded.

use std::collections::VecDeque;

use crate::geometry::{Cubic, Piece};
use crate::limits::MAX_GROUP_AXES;
use crate::planner::program::{Point, Shape};

/// Places of each piece that are looked at.
const PLACES: usize = 4;
/// Elements on both sides of a place that may be nearer.
const ELEMENTS: usize = 64;
/// Pieces behind the place that is looked at which are kept.
const PIECES: usize = 32;
/// Steps of the search for the nearest place of a curve.
const STEPS: usize = 40;

/// The largest distances.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation {
    /// Over the linear axes, mm.
    pub linear: f64,
    /// The line of the program there.
    pub linear_line: u32,
    /// Over the rotary axes, deg.
    pub rotary: f64,
    /// The line of the program there.
    pub rotary_line: u32,
}

/// An element from where it begins.
#[derive(Clone, Debug)]
struct Programmed {
    shape: Shape,
    from: Point,
    begin: f64,
    end: f64,
    line: u32,
}

/// A stretch of the curve.
#[derive(Clone, Debug)]
struct Followed {
    begin: f64,
    end: f64,
    axes: [Cubic; MAX_GROUP_AXES],
}

/// A distance, over linear and rotary axes.
#[derive(Clone, Copy, Debug)]
struct Gap {
    linear: f64,
    rotary: f64,
}

impl Gap {
    fn whole(self) -> f64 {
        self.linear.hypot(self.rotary)
    }
}

/// Compares as both come.
#[derive(Clone, Debug)]
pub struct Comparison {
    axes: usize,
    linear: usize,
    elements: VecDeque<Programmed>,
    curve: VecDeque<Followed>,
    /// Ends of elements that were not looked at.
    ends: VecDeque<(f64, u32, Point)>,
    worst: Deviation,
}

impl Programmed {
    fn at(&self, sigma: f64, axes: usize) -> Point {
        let mut at = self.from;
        match &self.shape {
            Shape::Line(to) => {
                let share = ((sigma - self.begin) / (self.end - self.begin)).clamp(0.0, 1.0);
                at.iter_mut().zip(to).for_each(|(value, to)| *value += share * (to - *value));
            }
            Shape::Arc(arc) => {
                for (axis, value) in at.iter_mut().enumerate().take(axes) {
                    *value = arc.at((sigma - self.begin).clamp(0.0, arc.length()), 0, axis);
                }
            }
        }
        at
    }

    /// Where on it the nearest place to `point` is, between two.
    fn nearest(&self, point: &Point, low: f64, high: f64, axes: usize) -> f64 {
        match &self.shape {
            Shape::Line(to) => {
                let (mut along, mut square) = (0.0, 0.0);
                for axis in 0..axes {
                    let way = to[axis] - self.from[axis];
                    along += (point[axis] - self.from[axis]) * way;
                    square += way * way;
                }
                let share = if square > 0.0 { along / square } else { 0.0 };
                (self.begin + share * (self.end - self.begin)).clamp(self.begin, self.end)
            }
            Shape::Arc(_) => least(low.max(self.begin), high.min(self.end), |sigma| {
                let at = self.at(sigma, axes);
                (0..axes).map(|axis| (at[axis] - point[axis]).powi(2)).sum()
            }),
        }
    }
}

impl Followed {
    fn at(&self, sigma: f64, axes: usize) -> Point {
        let x = (sigma - self.begin).clamp(0.0, self.end - self.begin);
        let mut at = [0.0; MAX_GROUP_AXES];
        at.iter_mut().zip(&self.axes).take(axes).for_each(|(value, cubic)| *value = cubic.at(x));
        at
    }
}

/// Where a function with one low place is lowest. Bound: STEPS.
fn least(mut low: f64, mut high: f64, of: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..STEPS {
        let third = (high - low) / 3.0;
        if of(low + third) <= of(high - third) { high -= third } else { low += third }
    }
    0.5 * (low + high)
}

impl Comparison {
    pub fn new(axes: usize, linear: usize) -> Comparison {
        Comparison {
            axes,
            linear,
            elements: VecDeque::new(),
            curve: VecDeque::new(),
            ends: VecDeque::new(),
            worst: Deviation::default(),
        }
    }

    /// What was found.
    pub fn worst(&self) -> Deviation {
        self.worst
    }

    /// An element, over which the path counts from `begin` to `end`.
    pub fn program(&mut self, shape: Shape, from: Point, begin: f64, end: f64, line: u32) {
        if end > begin {
            let element = Programmed { shape, from, begin, end, line };
            self.ends.push_back((end, line, element.at(end, self.axes)));
            self.elements.push_back(element);
        }
    }

    /// The next piece of the curve.
    pub fn follow(&mut self, piece: &Piece) {
        let (begin, end) = (piece.distance, piece.distance + piece.length);
        let followed = Followed { begin, end, axes: piece.axes };
        for place in 1..=PLACES {
            let sigma = begin + piece.length * place as f64 / PLACES as f64;
            self.look_from_curve(&followed.at(sigma, self.axes), sigma);
        }
        self.curve.push_back(followed);
        self.look_from_ends(end, false);
        self.forget();
    }

    /// No more of it comes.
    pub fn end(&mut self) {
        self.look_from_ends(f64::INFINITY, true);
    }

    fn gap(&self, a: &Point, b: &Point) -> Gap {
        let square = |range: std::ops::Range<usize>| range.map(|axis| (a[axis] - b[axis]).powi(2)).sum::<f64>();
        Gap { linear: square(0..self.linear).sqrt(), rotary: square(self.linear..self.axes).sqrt() }
    }

    fn exceeds(&self, gap: Gap) -> bool {
        gap.linear > self.worst.linear || gap.rotary > self.worst.rotary
    }

    fn take(&mut self, gap: Gap, line: u32) {
        if gap.linear > self.worst.linear {
            (self.worst.linear, self.worst.linear_line) = (gap.linear, line);
        }
        if gap.rotary > self.worst.rotary {
            (self.worst.rotary, self.worst.rotary_line) = (gap.rotary, line);
        }
    }

    fn look_from_curve(&mut self, point: &Point, sigma: f64) {
        if self.elements.is_empty() {
            return;
        }
        let here = self.elements.partition_point(|element| element.end < sigma).min(self.elements.len() - 1);
        let element = &self.elements[here];
        let line = element.line;
        let mut best = self.gap(point, &element.at(sigma, self.axes));
        if !self.exceeds(best) {
            return;
        }
        let reach = 2.0 * best.whole();
        let first = here.saturating_sub(ELEMENTS);
        for element in self.elements.range(first..(here + ELEMENTS).min(self.elements.len())) {
            if element.end >= sigma - reach && element.begin <= sigma + reach {
                let nearest = element.nearest(point, sigma - reach, sigma + reach, self.axes);
                let gap = self.gap(point, &element.at(nearest, self.axes));
                if gap.whole() < best.whole() {
                    best = gap;
                }
            }
        }
        self.take(best, line);
    }

    /// The programmed ends that the curve has passed.
    fn look_from_ends(&mut self, known: f64, ended: bool) {
        while let Some((sigma, line, place)) = self.ends.front().copied() {
            if sigma > known || self.curve.is_empty() {
                return;
            }
            let here = self.curve.partition_point(|followed| followed.end < sigma).min(self.curve.len() - 1);
            let mut best = self.gap(&place, &self.curve[here].at(sigma, self.axes));
            if self.exceeds(best) {
                let reach = 2.0 * best.whole();
                if sigma + reach > known && !ended {
                    return;
                }
                for followed in &self.curve {
                    if followed.end >= sigma - reach && followed.begin <= sigma + reach {
                        let (low, high) = (followed.begin.max(sigma - reach), followed.end.min(sigma + reach));
                        let nearest = least(low, high, |sigma| {
                            let at = followed.at(sigma, self.axes);
                            (0..self.axes).map(|axis| (at[axis] - place[axis]).powi(2)).sum()
                        });
                        let gap = self.gap(&place, &followed.at(nearest, self.axes));
                        if gap.whole() < best.whole() {
                            best = gap;
                        }
                    }
                }
                self.take(best, line);
            }
            self.ends.pop_front();
        }
    }

    /// What nothing looks at any more.
    fn forget(&mut self) {
        let known = self.curve.back().map_or(0.0, |followed| followed.end);
        let waiting = self.ends.front().map_or(known, |(sigma, ..)| sigma.min(known));
        while self.curve.get(PIECES).is_some_and(|followed| followed.end < waiting) {
            self.curve.pop_front();
        }
        while self.elements.get(ELEMENTS).is_some_and(|element| element.end < known) {
            self.elements.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(values: &[f64]) -> Point {
        let mut point = [0.0; MAX_GROUP_AXES];
        point[..values.len()].copy_from_slice(values);
        point
    }

    fn piece(begin: f64, length: f64, axes: &[Cubic]) -> Piece {
        let mut piece = Piece { distance: begin, length, ..Piece::NOTHING };
        piece.axes[..axes.len()].copy_from_slice(axes);
        piece
    }

    /// A corner that is cut: the curve is nearer to the lines than to their corner.
    #[test]
    fn a_cut_corner_is_as_far_off_as_it_is_from_the_corner() {
        let mut comparison = Comparison::new(2, 2);
        comparison.program(Shape::Line(point(&[10.0, 0.0])), point(&[]), 0.0, 10.0, 1);
        comparison.program(Shape::Line(point(&[10.0, 10.0])), point(&[10.0]), 10.0, 20.0, 2);
        comparison.follow(&piece(0.0, 9.0, &[Cubic([0.0, 1.0, 0.0, 0.0])]));
        // Straight across, at the pace of the lines.
        comparison.follow(&piece(9.0, 2.0, &[Cubic([9.0, 0.5, 0.0, 0.0]), Cubic([0.0, 0.5, 0.0, 0.0])]));
        comparison.follow(&piece(11.0, 9.0, &[Cubic([10.0, 0.0, 0.0, 0.0]), Cubic([1.0, 1.0, 0.0, 0.0])]));
        comparison.end();
        let Deviation { linear, linear_line, rotary, .. } = comparison.worst();
        assert!((linear - 0.5_f64.sqrt()).abs() < 1e-9, "{linear}");
        assert_eq!((linear_line, rotary), (1, 0.0));
    }

    /// What is early or late on the same line is not off it; a rotary axis that is late is.
    #[test]
    fn being_late_on_the_path_counts_for_an_axis_that_does_not_go_along() {
        let mut comparison = Comparison::new(2, 2);
        comparison.program(Shape::Line(point(&[10.0, 10.0])), point(&[]), 0.0, 200_f64.sqrt(), 1);
        let bent = [Cubic([0.0, 0.7, 0.0, 0.0]), Cubic([0.0, 0.7, 0.0, 0.0])];
        comparison.follow(&piece(0.0, 200_f64.sqrt(), &bent));
        assert!(comparison.worst().linear < 1e-9, "{:?}", comparison.worst());
        let mut comparison = Comparison::new(2, 1);
        comparison.program(Shape::Line(point(&[10.0, 10.0])), point(&[]), 0.0, 200_f64.sqrt(), 7);
        let late = [Cubic([0.0, 0.5_f64.sqrt(), 0.0, 0.0]), Cubic([-1.0, 0.5_f64.sqrt(), 0.0, 0.0])];
        comparison.follow(&piece(0.0, 200_f64.sqrt(), &late));
        let Deviation { rotary, rotary_line, .. } = comparison.worst();
        assert!((0.49..=0.51).contains(&rotary) && rotary_line == 7, "{rotary}");
    }
}
