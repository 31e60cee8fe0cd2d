//! Timed points: where all axes are at given times, and how they pass there.
//!
//! A point may say with which velocity and acceleration it is passed. What it leaves out is estimated from itself, the point behind it and
//! the two before it, so that it depends on the points alone and not on when they came. With h₀, h₁, h₂ the times and d₀, d₁, d₂ the
//! slopes of the chords, of which h₂ is the one behind the point, with c = (d₂ − d₁) / (h₁ + h₂) and
//! e = (c − (d₁ − d₀) / (h₀ + h₁)) / (h₀ + h₁ + h₂), as of the cubic through the four places,
//!
//! - velocity: (h₂d₁ + h₁d₂) / (h₁ + h₂) − eh₁h₂,
//! - acceleration: of the parabola through the velocities, where the point and both its neighbours say theirs; else 2c + 2e(h₁ − h₂).
//!
//! A parabola through three places will not do: its velocity is off by h²q‴/6, and the quintic between two such points has nine times the
//! jerk of the curve that they are from, however close they are.
//!
//! Before the first point the axes rest, so that its h₀ and d₀ are 0. What the last point leaves out is 0.

use crate::limits::MAX_GROUP_AXES;

use super::program::Point;

/// A point as it is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimedPoint {
    /// Since the stream began, s.
    pub time_s: f64,
    /// One value an axis, in the group's order.
    pub position: Point,
    /// Likewise, units/s.
    pub velocity: Option<Point>,
    /// Likewise, units/s².
    pub acceleration: Option<Point>,
}

/// A point of which everything is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Since the stream began, s.
    pub time_s: f64,
    /// One value an axis, in the group's order.
    pub position: Point,
    /// Likewise, units/s.
    pub velocity: Point,
    /// Likewise, units/s².
    pub acceleration: Point,
    /// Its number: the first that was given is 1, the start 0.
    pub number: u32,
}

/// Makes nodes of points.
#[derive(Clone, Debug)]
pub struct Nodes {
    axes: usize,
    last: Node,
    /// The velocity of the last node was given, not estimated.
    last_said: bool,
    /// From the node before the last to that: the time, and the slopes.
    before: (f64, Point),
    waiting: Option<TimedPoint>,
}

impl Nodes {
    /// From a rest at `start`, at time 0.
    pub fn new(axes: usize, start: Point) -> Nodes {
        let still = [0.0; MAX_GROUP_AXES];
        let last = Node { time_s: 0.0, position: start, velocity: still, acceleration: still, number: 0 };
        Nodes { axes: axes.min(MAX_GROUP_AXES), last, last_said: true, before: (0.0, still), waiting: None }
    }

    /// When the last point is.
    pub fn time_s(&self) -> f64 {
        self.waiting.map_or(self.last.time_s, |point| point.time_s)
    }

    /// The last node.
    pub fn last(&self) -> &Node {
        &self.last
    }

    /// A point that is the start has a number, too.
    pub fn count(&mut self) {
        self.last.number = self.last.number.saturating_add(1);
    }

    /// One point more, later than the others; `out` gets each node that is known now: two at most.
    pub fn push(&mut self, point: &TimedPoint, out: &mut impl FnMut(&Node)) {
        if let Some(waiting) = self.waiting.take() {
            let settled = self.between(&waiting, point);
            self.settle(settled, waiting.velocity.is_some(), out);
        }
        match (point.velocity, point.acceleration) {
            (Some(velocity), Some(acceleration)) => {
                self.settle(self.node(point, velocity, acceleration), true, out);
            }
            _ => self.waiting = Some(*point),
        }
    }

    /// Nothing follows; `out` gets the last node, where it was not known yet.
    pub fn end(&mut self, out: &mut impl FnMut(&Node)) {
        if let Some(point) = self.waiting.take() {
            let still = [0.0; MAX_GROUP_AXES];
            let node = self.node(&point, point.velocity.unwrap_or(still), point.acceleration.unwrap_or(still));
            self.settle(node, true, out);
        }
    }

    fn node(&self, point: &TimedPoint, velocity: Point, acceleration: Point) -> Node {
        let TimedPoint { time_s, position, .. } = *point;
        Node { time_s, position, velocity, acceleration, number: self.last.number.saturating_add(1) }
    }

    fn settle(&mut self, node: Node, said: bool, out: &mut impl FnMut(&Node)) {
        let time_s = node.time_s - self.last.time_s;
        let mut slopes = Point::default();
        for (axis, slope) in slopes.iter_mut().enumerate().take(self.axes) {
            *slope = (node.position[axis] - self.last.position[axis]) / time_s;
        }
        (self.last, self.last_said, self.before) = (node, said, (time_s, slopes));
        out(&self.last);
    }

    fn between(&self, point: &TimedPoint, next: &TimedPoint) -> Node {
        let (before, after) = (point.time_s - self.last.time_s, next.time_s - point.time_s);
        let whole = before + after;
        let (earlier, slopes) = &self.before;
        let (mut velocity, mut acceleration) = ([0.0; MAX_GROUP_AXES], [0.0; MAX_GROUP_AXES]);
        for axis in 0..self.axes {
            let first = (point.position[axis] - self.last.position[axis]) / before;
            let second = (next.position[axis] - point.position[axis]) / after;
            let bend = (second - first) / whole;
            let twist = (bend - (first - slopes[axis]) / (earlier + before)) / (earlier + whole);
            velocity[axis] = (after * first + before * second) / whole - twist * before * after;
            acceleration[axis] = match (self.last_said, point.velocity, next.velocity) {
                (true, Some(here), Some(next)) => {
                    let first = (here[axis] - self.last.velocity[axis]) / before;
                    let second = (next[axis] - here[axis]) / after;
                    (after * first + before * second) / whole
                }
                _ => 2.0 * (bend + twist * (before - after)),
            };
        }
        self.node(point, point.velocity.unwrap_or(velocity), point.acceleration.unwrap_or(acceleration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::planner::segment::Segment;

    fn point(time_s: f64, position: f64) -> TimedPoint {
        let mut place = Point::default();
        place[0] = position;
        TimedPoint { time_s, position: place, velocity: None, acceleration: None }
    }

    fn given(points: &[TimedPoint], ends: bool) -> Vec<Node> {
        let mut nodes = Nodes::new(1, Point::default());
        let mut out = Vec::new();
        for point in points {
            nodes.push(point, &mut |node| out.push(*node));
        }
        if ends {
            nodes.end(&mut |node| out.push(*node));
        }
        out
    }

    #[test]
    fn a_cubic_from_a_rest_is_estimated_as_it_is_whatever_the_times_are() {
        let cubic = |time: f64| point(time, time * time * (3.0 - 2.0 * time));
        let nodes = given(&[0.1, 0.15, 0.35, 0.4, 0.7].map(cubic), false);
        assert_eq!(nodes.len(), 4);
        for node in &nodes {
            let time = node.time_s;
            assert!((node.velocity[0] - 6.0 * time * (1.0 - time)).abs() < 1e-12, "{node:?}");
            assert!((node.acceleration[0] - (6.0 - 12.0 * time)).abs() < 1e-10, "{node:?}");
        }
    }

    #[test]
    fn positions_alone_ask_for_hardly_more_jerk_than_the_curve_that_they_are_from() {
        // sin⁴ over 4 s, whose jerk is at most (π/4)³ · 80 · 10.94.
        let wave = |time: f64| point(time, 80.0 * (std::f64::consts::PI * time / 4.0).sin().powi(4));
        let jerk = |step: f64| {
            let times = (1..=(4.0 / step).round() as u32).map(|i| f64::from(i) * step);
            let nodes = given(&times.map(wave).collect::<Vec<_>>(), true);
            let mut from = *Nodes::new(1, Point::default()).last();
            let mut most = 0.0_f64;
            for node in &nodes {
                let parts = Segment::between(&from, node, 1, 0.001).parts;
                most = parts.iter().fold(most, |most, part| most.max(part[0].derivatives(0.0)[3].abs()));
                from = *node;
            }
            most
        };
        for (step, most) in [(0.05, 560.0), (0.02, 460.0), (0.01, 440.0), (0.002, 430.0)] {
            assert!((420.0..most).contains(&jerk(step)), "{step}: {}", jerk(step));
        }
    }

    #[test]
    fn what_is_given_is_kept_and_known_at_once() {
        let full = TimedPoint { velocity: Some([2.0; 16]), acceleration: Some([5.0; 16]), ..point(0.1, 1.0) };
        let nodes = given(&[full], false);
        assert_eq!((nodes.len(), nodes[0].velocity[0], nodes[0].acceleration[0]), (1, 2.0, 5.0));
        // Where velocities are said, accelerations are those of the velocities.
        let said = |time: f64| TimedPoint { velocity: Some([time * time; 16]), ..point(time, 9.0) };
        let nodes = given(&[said(0.1), said(0.2), said(0.3)], false);
        assert_eq!(nodes.len(), 2);
        assert!((nodes[1].acceleration[0] - 0.4).abs() < 1e-12, "{:?}", nodes[1]);
    }

    #[test]
    fn the_last_point_rests_unless_it_says_otherwise() {
        let nodes = given(&[point(0.1, 1.0), point(0.2, 3.0)], true);
        assert_eq!((nodes.len(), nodes[1].velocity[0], nodes[1].acceleration[0], nodes[1].number), (2, 0.0, 0.0, 2));
        let moving = TimedPoint { velocity: Some([4.0; 16]), ..point(0.2, 3.0) };
        assert_eq!(given(&[point(0.1, 1.0), moving], true)[1].velocity[0], 4.0);
    }
}
