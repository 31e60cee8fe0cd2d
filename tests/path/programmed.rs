//! Where a program leads, and how far a place is from there.

use crate::case::Case;
use crate::subject::{ARC_ACCURACY, Corner, EXACT_PATH_MM, Point, Shape};

/// Shorter elements are none.
pub const SHORTEST: f64 = 1e-6;

/// Elements on each side whose corners may reach over one.
const NEIGHBOURS: usize = 6;

/// What an element leaves of freedom, linear and rotary.
type Freedom = [f64; 2];

/// An element as it is programmed, over the way since the program began.
#[derive(Clone, Debug)]
struct Part {
    begin: f64,
    end: f64,
    from: Point,
    to: Point,
    shape: Shape,
    corner: Corner,
    /// The corner of a distance that may reach this far, where all between have tolerances: what they are gathered into is rounded as one.
    reached_by: Option<usize>,
    /// Of a corner of a distance: by how much the direction changes to that of anything that it may reach, with what that may be off by itself.
    widest: Freedom,
}

/// All elements that have a length.
#[derive(Clone, Debug)]
pub struct Programmed {
    parts: Vec<Part>,
    axes: usize,
    linear: usize,
    /// The largest coordinate.
    pub size: f64,
}

impl Part {
    fn at(&self, sigma: f64, axis: usize) -> f64 {
        match self.shape {
            Shape::Arc(arc) => arc.at((sigma - self.begin).clamp(0.0, arc.length()), 0, axis),
            Shape::Line(_) => {
                let share = ((sigma - self.begin) / (self.end - self.begin)).clamp(0.0, 1.0);
                self.from[axis] + share * (self.to[axis] - self.from[axis])
            }
        }
    }

    fn direction(&self, at_end: bool, axis: usize) -> f64 {
        match self.shape {
            Shape::Arc(arc) => arc.at(if at_end { arc.length() } else { 0.0 }, 1, axis),
            Shape::Line(_) => (self.to[axis] - self.from[axis]) / (self.end - self.begin),
        }
    }

    fn curvature(&self) -> f64 {
        match self.shape {
            Shape::Arc(arc) => arc.curvature(),
            Shape::Line(_) => 0.0,
        }
    }

    fn round(&self) -> bool {
        matches!(self.shape, Shape::Arc(_))
    }
}

impl Programmed {
    pub fn of(case: &Case) -> Programmed {
        let axes = case.axes.limits.len();
        let mut parts: Vec<Part> = Vec::new();
        let (mut at, mut sigma, mut size) = (case.start, 0.0, 1.0_f64);
        for element in &case.elements {
            let (to, length) = match element.shape {
                Shape::Line(to) => (to, (0..axes).map(|axis| (to[axis] - at[axis]).powi(2)).sum::<f64>().sqrt()),
                Shape::Arc(arc) => {
                    let end = |axis: usize| if axis < axes { arc.at(arc.length(), 0, axis) } else { 0.0 };
                    (std::array::from_fn(end), arc.length())
                }
            };
            if length < SHORTEST {
                if let Some(last) = parts.last_mut().filter(|_| element.corner == Corner::Stop) {
                    last.corner = Corner::Stop;
                }
                continue;
            }
            let begin = sigma;
            sigma += length;
            size = to.iter().fold(size, |most, x| most.max(x.abs()));
            let (shape, corner) = (element.shape, element.corner);
            parts.push(Part { begin, end: sigma, from: at, to, shape, corner, reached_by: None, widest: [0.0; 2] });
            at = to;
        }
        let mut programmed = Programmed { parts, axes, linear: case.axes.linear, size };
        programmed.reach();
        programmed
    }

    /// What corners of a distance reach behind them.
    fn reach(&mut self) {
        let mut by = None;
        for index in 0..self.parts.len() {
            self.parts[index].reached_by = by;
            if let Some(by) = by
                && let Corner::Distance(distance) = self.parts[by].corner
                && self.parts[index].begin <= self.parts[by].end + distance
            {
                let turn = self.turned(by, index).map(|turn| distance * turn / 6.0);
                let own = match self.parts[index].corner {
                    Corner::Tolerance { linear, rotary } => [linear, rotary],
                    _ => [0.0; 2],
                };
                let widest = &mut self.parts[by].widest;
                *widest = std::array::from_fn(|kind| widest[kind].max(turn[kind] + own[kind]));
            }
            by = match self.parts[index].corner {
                Corner::Distance(_) => Some(index),
                Corner::Tolerance { .. } => by,
                Corner::Exact | Corner::Stop => None,
            };
        }
    }

    pub fn length(&self) -> f64 {
        self.parts.last().map_or(0.0, |part| part.end)
    }

    /// The last place.
    pub fn end(&self, start: &Point) -> Point {
        self.parts.last().map_or(*start, |part| part.to)
    }

    /// What rounding errors make of a coordinate.
    pub fn rounding(&self) -> f64 {
        1e-10 * (self.size + self.length())
    }

    /// Where the path must rest: stops, and corners that are exact.
    pub fn rests(&self) -> Vec<f64> {
        let last = self.parts.len().saturating_sub(1);
        (0..self.parts.len())
            .filter(|&index| match self.parts[index].corner {
                _ if index == last => true,
                Corner::Stop => true,
                Corner::Exact => self.turn(index).iter().any(|turn| *turn > 1.001e-3),
                _ => false,
            })
            .map(|index| self.parts[index].end)
            .collect()
    }

    /// The change of direction behind part `index`.
    fn turn(&self, index: usize) -> Freedom {
        self.turned(index, index + 1)
    }

    /// From the end of one part to the beginning of another.
    fn turned(&self, from: usize, to: usize) -> Freedom {
        let (Some(before), Some(after)) = (self.parts.get(from), self.parts.get(to)) else { return [0.0; 2] };
        let mut turn = [0.0; 2];
        for axis in 0..self.axes {
            turn[usize::from(axis >= self.linear)] +=
                (before.direction(true, axis) - after.direction(false, axis)).powi(2);
        }
        turn.map(f64::sqrt)
    }

    /// What the corner behind part `index` permits `away` from it.
    fn corner(&self, index: usize, away: f64) -> Freedom {
        let Some(part) = self.parts.get(index) else { return [0.0; 2] };
        match part.corner {
            Corner::Stop => [0.0; 2],
            Corner::Exact => [EXACT_PATH_MM; 2],
            Corner::Tolerance { linear, rotary } => [linear, rotary],
            // A cubic spline with knots at this distance; what an arc bends within it is off a little further on, too.
            Corner::Distance(distance) => {
                let near = [index, index + 1].map(|at| self.parts.get(at).map_or(0.0, Part::curvature));
                let bend = near[0].max(near[1]) * distance * distance / 8.0;
                if away <= distance {
                    let turn = self.turn(index);
                    [0, 1].map(|kind| (distance * turn[kind] / 6.0).max(part.widest[kind]) + 4.0 * bend)
                } else {
                    [bend; 2]
                }
            }
        }
    }

    fn freedom(&self, index: usize, sigma: f64) -> Freedom {
        let part = &self.parts[index];
        let own = if part.round() { ARC_ACCURACY } else { 0.0 };
        let near = index.saturating_sub(NEIGHBOURS)..(index + NEIGHBOURS).min(self.parts.len());
        // Directions that differ by a millionth go on straight.
        let straight = 1e-6 * (self.parts[near.end - 1].end - self.parts[near.start].begin);
        let mut freedom = [own + straight + self.rounding(); 2];
        // Corners of short elements reach over others.
        for near in part.reached_by.into_iter().chain(near) {
            let corner = &self.parts[near];
            let away = (sigma - corner.end).abs();
            let adjacent = near == index || near + 1 == index;
            if adjacent || matches!(corner.corner, Corner::Distance(distance) if away <= distance) {
                let more = self.corner(near, away);
                freedom =
                    std::array::from_fn(|kind| freedom[kind].max(more[kind] * (1.0 + 1e-6) + own + self.rounding()));
            }
        }
        freedom
    }

    /// How far `point` is from where part `index` is at `sigma`, as a share of what is permitted there.
    fn off(&self, index: usize, sigma: f64, point: &Point) -> f64 {
        let part = &self.parts[index];
        let mut off = [0.0; 2];
        for axis in 0..self.axes {
            off[usize::from(axis >= self.linear)] += (part.at(sigma, axis) - point[axis]).powi(2);
        }
        let freedom = self.freedom(index, sigma);
        (off[0].sqrt() / freedom[0]).max(off[1].sqrt() / freedom[1])
    }

    /// What is programmed there, for people.
    pub fn around(&self, sigma: f64) -> String {
        let index = self.parts.partition_point(|part| part.end < sigma).min(self.parts.len() - 1);
        let near = index.saturating_sub(2)..(index + 3).min(self.parts.len());
        let of = |index: usize| {
            let part = &self.parts[index];
            let shape = if part.round() { "arc" } else { "line" };
            format!("{shape} {:.3e} turn {:.2?} {:?}", part.end - part.begin, self.turn(index), part.corner)
        };
        let freedom = self.freedom(index, sigma);
        format!(
            "{freedom:?}, {:.3e} into {}",
            sigma - self.parts[index].begin,
            near.map(of).collect::<Vec<_>>().join("; ")
        )
    }

    /// How far `point` is from the nearest place of the path around `sigma`, as a share of what is permitted there.
    pub fn deviation(&self, sigma: f64, point: &Point) -> f64 {
        let index = self.parts.partition_point(|part| part.end < sigma).min(self.parts.len() - 1);
        let mut least = self.off(index, sigma, point);
        // Nearer than the same share of the way is seldom needed.
        for reach in [0, 1, 2, 4] {
            if least <= 1.0 {
                break;
            }
            for near in index.saturating_sub(reach)..(index + reach + 1).min(self.parts.len()) {
                let part = &self.parts[near];
                let steps = if part.round() || part.end - part.begin > 1.0 { 64 } else { 8 };
                let width = (part.end - part.begin) / f64::from(steps);
                for step in 0..steps {
                    let (mut low, mut high) =
                        (part.begin + f64::from(step) * width, part.begin + f64::from(step + 1) * width);
                    for _ in 0..40 {
                        let (a, b) = (low + 0.382 * (high - low), low + 0.618 * (high - low));
                        if self.off(near, a, point) < self.off(near, b, point) { high = b } else { low = a }
                    }
                    least = least.min(self.off(near, 0.5 * (low + high), point));
                    if least <= 1.0 {
                        return least;
                    }
                }
            }
        }
        least
    }
}
