//! Random programs: all kinds of elements, over axes of very different limits.

use crate::programmed::SHORTEST;
use crate::subject::{Arc, Caps, Corner, Element, Feed, Limits, MAX_GROUP_AXES, PathAxes, Point, Shape};
use crate::support::Random;

/// Elements of a program at most.
const ELEMENTS: usize = 3_000;

/// One program, and the axes that follow it.
#[derive(Clone, Debug)]
pub struct Case {
    pub axes: PathAxes,
    pub start: Point,
    pub elements: Vec<Element>,
}

/// What a program is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Any,
    /// Lines within a tolerance only: what has no length of its own in it.
    Lines,
}

/// The case of this seed, which takes so many cycles, about, at most.
pub fn of(seed: u64, kind: Kind, cycles: usize) -> (Random, Case) {
    let mut random = Random::new(seed);
    let case = Writer::any(&mut random, kind, cycles);
    (random, case)
}

/// What goes on from here, all axes.
fn limits(random: &mut Random, count: usize) -> Vec<Limits> {
    let one = |random: &mut Random| Limits {
        velocity: random.magnitude(10.0, 1000.0),
        acceleration: random.magnitude(100.0, 20_000.0),
        jerk: random.magnitude(1e3, 1e7),
    };
    if random.chance(0.4) {
        return vec![one(random); count];
    }
    (0..count).map(|_| one(random)).collect()
}

/// Writes a program.
struct Writer<'a> {
    random: &'a mut Random,
    case: Case,
    kind: Kind,
    at: Point,
    /// Seconds that are left, about.
    left_s: f64,
    feed: f64,
    duration: bool,
    corner: Corner,
}

impl Writer<'_> {
    fn any(random: &mut Random, kind: Kind, cycles: usize) -> Case {
        let count = 2 + random.below(8);
        let linear = if random.chance(0.5) { count.min(3) } else { random.below(count + 1) };
        let period_s = random.magnitude(0.25e-3, 4e-3);
        let axes = PathAxes::new(limits(random, count), linear, period_s);
        let mut start = [0.0; MAX_GROUP_AXES];
        if random.chance(0.5) {
            let far = random.magnitude(1.0, 1e4);
            start[..count].fill_with(|| random.within(-far, far));
        }
        let share = if random.chance(0.2) { random.magnitude(1e-3, 1.0) } else { random.within(0.2, 1.0) };
        let left_s = cycles as f64 * share * period_s;
        let case = Case { axes, start, elements: Vec::new() };
        let corner = Corner::Tolerance { linear: 0.02, rotary: 0.02 };
        let mut writer = Writer { random, case, kind, at: start, left_s, feed: 1.0, duration: false, corner };
        while writer.left_s > 0.0 && writer.case.elements.len() < ELEMENTS {
            writer.phrase();
        }
        writer.case
    }

    fn count(&self) -> usize {
        self.case.axes.limits.len()
    }

    /// Some elements of one kind.
    fn phrase(&mut self) {
        if self.random.chance(0.5) || self.case.elements.is_empty() {
            let fastest = self.case.axes.limits.iter().fold(0.0_f64, |most, limits| most.max(limits.velocity));
            let slow = if self.random.chance(0.1) { 1e-4 } else { 0.03 };
            self.feed = fastest * self.random.magnitude(slow, 2.0);
            self.duration = self.random.chance(0.2);
        }
        if self.random.chance(0.4) || self.case.elements.is_empty() {
            self.corner = self.any_corner();
        }
        let size = self.random.magnitude(1e-2, 100.0);
        let times = 1 + self.random.below(20);
        match self.random.below(if self.kind == Kind::Lines { 6 } else { 10 }) {
            0 => (0..times).for_each(|_| self.step(size)),
            1 => self.walk(size),
            2 => self.curve(size),
            3 => self.back_and_forth(size),
            4 => self.straight_in_parts(size),
            5 => self.nothing(),
            6 | 7 => self.arc(size),
            8 => (0..times).for_each(|_| {
                self.corner = self.any_corner();
                self.step(size);
            }),
            _ => (0..times.min(4)).for_each(|_| self.arc(size)),
        }
    }

    fn any_corner(&mut self) -> Corner {
        let random = &mut *self.random;
        let tolerance = Corner::Tolerance { linear: random.magnitude(1e-3, 1.0), rotary: random.magnitude(1e-3, 1.0) };
        match random.below(if self.kind == Kind::Lines { 1 } else { 8 }) {
            0..4 => tolerance,
            4 => Corner::Stop,
            5 => Corner::Exact,
            _ => Corner::Distance(random.magnitude(1e-3, 10.0)),
        }
    }

    fn line(&mut self, to: Point) {
        let length = (0..self.count()).map(|axis| (to[axis] - self.at[axis]).powi(2)).sum::<f64>().sqrt();
        self.add(Shape::Line(to), to, length);
    }

    fn add(&mut self, shape: Shape, to: Point, length: f64) {
        let slowest = (0..self.count())
            .filter(|axis| to[*axis] != self.at[*axis] || matches!(shape, Shape::Arc(_)))
            .map(|axis| {
                let Limits { velocity, acceleration, jerk } = self.case.axes.limits[axis];
                length / velocity + 0.2 * (length / acceleration).sqrt() + 0.5 * (length / jerk).cbrt()
            })
            .fold(length / self.feed, f64::max);
        // No element that takes longer than the rest of the program.
        if slowest > 2.0 * self.left_s.max(0.0) + 100.0 * self.case.axes.period_s {
            self.left_s -= 0.01 * self.left_s.abs() + self.case.axes.period_s;
            return;
        }
        let feed = if self.duration { Feed::Duration((length / self.feed).max(1e-12)) } else { Feed::Speed(self.feed) };
        let line = self.case.elements.len() as u32 + 1;
        self.case.elements.push(Element { shape, feed, caps: Caps::NONE, corner: self.corner, line });
        self.left_s -= slowest;
        // An arc begins where the planner says that the path is.
        if length >= SHORTEST {
            self.at = to;
        }
    }

    /// A direction of length 1 over some of the axes.
    fn direction(&mut self) -> Point {
        let count = self.count();
        let mut way = [0.0; MAX_GROUP_AXES];
        loop {
            let share = if self.random.chance(0.3) { 0.3 } else { 0.9 };
            way[..count].fill_with(|| if self.random.chance(share) { self.random.within(-1.0, 1.0) } else { 0.0 });
            let size = way.iter().map(|x| x * x).sum::<f64>().sqrt();
            if size > 1e-3 {
                return way.map(|x| x / size);
            }
        }
    }

    fn along(&self, way: &Point, length: f64) -> Point {
        std::array::from_fn(|axis| self.at[axis] + way[axis] * length)
    }

    fn step(&mut self, size: f64) {
        let way = self.direction();
        let length = size * self.random.magnitude(0.1, 1.0);
        self.line(self.along(&way, length));
    }

    /// Steps at random in one box.
    fn walk(&mut self, size: f64) {
        let (middle, count) = (self.at, self.count());
        for _ in 0..5 + self.random.below(60) {
            if self.left_s < 0.0 {
                return;
            }
            let mut to = middle;
            to[..count].iter_mut().for_each(|x| *x += size * self.random.within(-1.0, 1.0));
            self.line(to);
        }
    }

    /// A curve that somebody chopped finely.
    fn curve(&mut self, size: f64) {
        let (middle, count) = (self.at, self.count());
        let waves: Vec<[f64; 2]> = (0..count)
            .map(|_| {
                let height = if self.random.chance(0.7) { size * self.random.unit() } else { 0.0 };
                [height, self.random.within(0.3, 3.0)]
            })
            .collect();
        let step = self.random.magnitude(1e-3, 0.3);
        let mut angle = 0.0;
        for _ in 0..10 + self.random.below(600) {
            if self.left_s < 0.0 {
                return;
            }
            angle += step;
            let at = |axis: usize| middle[axis] + waves[axis][0] * (waves[axis][1] * angle).sin();
            let to = std::array::from_fn(|axis| if axis < count { at(axis) } else { 0.0 });
            self.line(to);
        }
    }

    fn back_and_forth(&mut self, size: f64) {
        let (from, way) = (self.at, self.direction());
        for _ in 0..1 + self.random.below(6) {
            self.line(self.along(&way, size));
            self.line(from);
        }
    }

    fn straight_in_parts(&mut self, size: f64) {
        let way = self.direction();
        let parts = 1 + self.random.below(100);
        for _ in 0..parts {
            let length = size / parts as f64 * self.random.within(0.1, 2.0);
            self.line(self.along(&way, length));
        }
    }

    /// Elements that are none, and some that nearly are.
    fn nothing(&mut self) {
        for _ in 0..1 + self.random.below(3) {
            let way = self.direction();
            let length = match self.random.below(3) {
                0 => 0.0,
                1 if self.kind == Kind::Any => self.random.magnitude(1e-12, 1e-6),
                _ => self.random.magnitude(1e-6, 1e-3),
            };
            self.line(self.along(&way, length));
        }
    }

    /// About any axis, of up to three turns, with what goes along.
    fn arc(&mut self, size: f64) {
        if self.case.axes.linear < 2 || self.count() < 3 {
            return self.step(size);
        }
        let count = self.count();
        let mut unit = || [0; 3].map(|_| self.random.within(-1.0, 1.0));
        let (mut normal, mut radius) = (unit(), unit());
        if self.case.axes.linear < 3 {
            (normal, radius[2]) = ([0.0, 0.0, normal[2].signum()], 0.0);
        } else if self.random.chance(0.5) {
            let main = self.random.below(3);
            normal = std::array::from_fn(|axis| if axis == main { 1.0 } else { 0.0 });
        }
        let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let length = dot(normal, normal).sqrt();
        if length < 0.1 {
            return self.step(size);
        }
        normal = normal.map(|x| x / length);
        let off = dot(radius, normal);
        radius = std::array::from_fn(|axis| radius[axis] - off * normal[axis]);
        let far = dot(radius, radius).sqrt();
        if far < 0.1 {
            return self.step(size);
        }
        radius = radius.map(|x| x / far * size);
        let quarter = [
            normal[1] * radius[2] - normal[2] * radius[1],
            normal[2] * radius[0] - normal[0] * radius[2],
            normal[0] * radius[1] - normal[1] * radius[0],
        ];
        let angle = self.random.within(0.01, std::f64::consts::TAU);
        let (sin, cos) = angle.sin_cos();
        let rise = if self.random.chance(0.4) { size * self.random.within(-1.0, 1.0) } else { 0.0 };
        let mut to = self.at;
        for axis in 0..3 {
            to[axis] += radius[axis] * (cos - 1.0) + quarter[axis] * sin + rise * normal[axis];
        }
        if self.random.chance(0.5) {
            to[3.min(count)..count].fill_with(|| size * self.random.within(-2.0, 2.0));
        }
        let centre = std::array::from_fn(|axis| self.at[axis] - radius[axis]);
        let turns = if self.random.chance(0.2) { self.random.below(3) as u32 } else { 0 };
        let left = self.random.chance(0.5);
        if let Ok(arc) = Arc::about(&self.at[..count], &to[..count], centre, normal, left, turns) {
            self.add(Shape::Arc(arc), to, arc.length());
        }
    }
}
