//! From the elements of a program to legs: stretches that are followed as one.
//!
//! Elements that are short compared with the tolerance are gathered into one leg, whose chord they leave by no more than a share of
//! the tolerance; what is followed later is still the elements themselves, but how finely somebody chopped a curve does not matter
//! any more. So are elements that are exact, where next to nothing turns between them and the leg is short. What a leg is depends on the program
//! alone, and not on how much of it was there when it was made.

use std::collections::VecDeque;

use crate::geometry::Arc;
use crate::limits::{EXACT_PATH_MM, MAX_EXACT_GATHERED_MM, MAX_FEED, MAX_GATHERED, MAX_GROUP_AXES};

use super::program::{Caps, Corner, Element, Feed, Point, Shape};

/// The share of the tolerance by which a leg's elements may leave its chord.
const CHORD_SHARE: f64 = 0.8;
/// Feeds of the elements of one leg differ by this factor at most; the slowest counts.
const FEED_FACTOR: f64 = 1.25;
/// Shorter elements are none, mm or deg: no axis resolves them, and a corner of them could only be passed as good as standing.
pub const SHORTEST: f64 = 1e-6;
/// Directions that differ by less go on straight.
const STRAIGHT: f64 = 1e-6;
/// Directions that differ by more are a corner where it is exact, radians: a stop.
const EXACT_TURN: f64 = 1e-3;

/// A place on the path, `sigma` units of path from its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub at: Point,
    pub sigma: f64,
    /// The line of the program that leads there.
    pub line: u32,
}

/// The curve of a leg.
#[derive(Clone, Debug)]
pub enum Way {
    /// The programmed places, the first and the last included.
    Lines(Vec<Mark>),
    Arc(Box<Arc>),
}

/// A stretch that is followed as one.
#[derive(Clone, Debug)]
pub struct Leg {
    pub way: Way,
    /// Where it begins and ends, units of path since the run began.
    pub begin: f64,
    pub end: f64,
    /// Directions at both ends.
    pub first: Point,
    pub last: Point,
    /// Velocity along the path that the program wants, units of path/s.
    pub feed: f64,
    pub caps: Caps,
    pub line: u32,
    pub corner: Corner,
    /// So far before its end and behind it a corner of a distance has a shape of its own, which no tolerance beside it is held against.
    pub shaped: f64,
    /// What is said of the corners inside it, where elements were gathered.
    pub inside: Corner,
    /// Elements were gathered into it.
    pub gathered: bool,
}

impl Leg {
    pub fn length(&self) -> f64 {
        self.end - self.begin
    }

    /// Coordinate `axis` at `sigma`, which is on it.
    pub fn at(&self, sigma: f64, axis: usize) -> f64 {
        match &self.way {
            Way::Arc(arc) => arc.at(sigma - self.begin, 0, axis),
            Way::Lines(marks) => {
                let next = marks.partition_point(|mark| mark.sigma <= sigma).clamp(1, marks.len() - 1);
                let (a, b) = (&marks[next - 1], &marks[next]);
                let share = (sigma - a.sigma) / (b.sigma - a.sigma);
                a.at[axis] + share.clamp(0.0, 1.0) * (b.at[axis] - a.at[axis])
            }
        }
    }

    /// Its second derivative at `sigma`: 0 on lines.
    pub fn bend(&self, sigma: f64, axis: usize) -> f64 {
        match &self.way {
            Way::Arc(arc) => arc.at(sigma - self.begin, 2, axis),
            Way::Lines(_) => 0.0,
        }
    }

    /// The line of the program at `sigma`.
    pub fn line_at(&self, sigma: f64) -> u32 {
        match &self.way {
            Way::Arc(_) => self.line,
            Way::Lines(marks) => marks[marks.partition_point(|mark| mark.sigma <= sigma).min(marks.len() - 1)].line,
        }
    }

    pub fn curvature(&self) -> f64 {
        match &self.way {
            Way::Arc(arc) => arc.curvature(),
            Way::Lines(_) => 0.0,
        }
    }

    /// Directions of its first and its last element.
    fn programmed(&self) -> [Point; 2] {
        let of = |marks: &[Mark]| direction(&marks[0].at, &marks[1].at, marks[1].sigma - marks[0].sigma);
        match &self.way {
            Way::Lines(marks) if self.gathered => [of(marks), of(&marks[marks.len() - 2..])],
            _ => [self.first, self.last],
        }
    }
}

/// What is not part of a leg yet.
#[derive(Clone, Debug)]
struct Waiting {
    shape: Shape,
    from: Point,
    to: Point,
    begin: f64,
    end: f64,
    feed: f64,
    caps: Caps,
    corner: Corner,
    line: u32,
}

impl Waiting {
    /// Of a line.
    fn direction(&self) -> Point {
        direction(&self.from, &self.to, self.end - self.begin)
    }
}

/// Gathers elements into legs.
#[derive(Clone, Debug)]
pub struct Gatherer {
    axes: usize,
    linear: usize,
    at: Point,
    sigma: f64,
    waiting: VecDeque<Waiting>,
    /// The corner in front of the first that waits.
    before: Corner,
}

/// From one place to another, `length` units of path further on.
fn direction(from: &Point, to: &Point, length: f64) -> Point {
    std::array::from_fn(|axis| (to[axis] - from[axis]) / length)
}

/// The change between two directions, of linear axes and of rotary ones; the first `linear` are linear.
fn turn(before: &Point, after: &Point, linear: usize) -> [f64; 2] {
    [distance(before, after, 0..linear), distance(before, after, linear..MAX_GROUP_AXES)]
}

/// Euclidean, of the coordinates in `range`.
fn distance(a: &Point, b: &Point, range: std::ops::Range<usize>) -> f64 {
    // From +0: the sum of nothing is -0, by which no tolerance is to be divided.
    a[range.clone()].iter().zip(&b[range]).fold(0.0, |sum, (a, b)| sum + (a - b) * (a - b)).sqrt()
}

impl Gatherer {
    /// From a rest at `start`. The first `linear` of the `axes` coordinates are linear axes; those behind them are 0.
    pub fn new(axes: usize, linear: usize, mut start: Point) -> Gatherer {
        start[axes..].fill(0.0);
        Gatherer { axes, linear, at: start, sigma: 0.0, waiting: VecDeque::new(), before: Corner::Stop }
    }

    /// Where the last element ends.
    pub fn end(&self) -> &Point {
        &self.at
    }

    /// Units of path that have been given.
    pub fn sigma(&self) -> f64 {
        self.sigma
    }

    /// One element more. One without length is none; that it stops counts for the one before: returns true where that is part of
    /// a leg already.
    pub fn push(&mut self, element: &Element) -> bool {
        let (to, length, linear) = match element.shape {
            Shape::Line(mut to) => {
                to[self.axes..].fill(0.0);
                (to, distance(&self.at, &to, 0..self.axes), distance(&self.at, &to, 0..self.linear))
            }
            Shape::Arc(arc) => {
                let mut to = self.at;
                for (axis, to) in to.iter_mut().enumerate().take(self.axes) {
                    *to = arc.at(arc.length(), 0, axis);
                }
                (to, arc.length(), arc.linear_length(self.linear))
            }
        };
        if length < SHORTEST {
            let stops = element.corner == Corner::Stop;
            match self.waiting.back_mut().filter(|_| stops) {
                Some(before) => before.corner = Corner::Stop,
                None => return stops,
            }
            return false;
        }
        let feed = match element.feed {
            Feed::Speed(speed) if linear > SHORTEST => speed * length / linear,
            Feed::Speed(speed) => speed,
            Feed::Duration(seconds) => length / seconds,
        };
        let feed = feed.min(MAX_FEED);
        let begin = self.sigma;
        self.sigma += length;
        let (from, end) = (self.at, self.sigma);
        let Element { shape, caps, corner, line, .. } = *element;
        self.waiting.push_back(Waiting { shape, from, to, begin, end, feed, caps, corner, line });
        self.at = to;
        false
    }

    /// The last element ends so, whatever it said. Returns false where it is part of a leg already, or there is none.
    pub fn set_corner(&mut self, corner: Corner) -> bool {
        match self.waiting.back_mut() {
            Some(last) => last.corner = corner,
            None => self.before = corner,
        }
        !self.waiting.is_empty()
    }

    /// The next leg, as soon as what comes later cannot change it: when enough elements are there, or at a rest, or where the run
    /// ends (`ended`).
    pub fn next(&mut self, ended: bool) -> Option<Leg> {
        let first = self.waiting.front()?;
        let mut most = 1;
        if matches!(first.shape, Shape::Line(_)) {
            // As many as may be gathered at all.
            while most < self.waiting.len() && most < MAX_GATHERED && self.goes_on(most) {
                most += 1;
            }
            // Until the next element is there the corner of the last may still be another.
            if most == self.waiting.len() && self.may_go_on(most) && !ended {
                return None;
            }
        }
        let mut gathered = 1;
        // Doubling, then halving: a chord that fits is found with few looks at its elements.
        let mut step = 1;
        while gathered < most {
            let more = (gathered + step).min(most);
            if self.fits(more) {
                gathered = more;
                step *= 2;
            } else if more == gathered + 1 {
                break;
            } else {
                step = ((more - gathered) / 2).max(1);
                while step > 0 && gathered < most {
                    if gathered + step <= most && self.fits(gathered + step) {
                        gathered += step;
                    }
                    step /= 2;
                }
                break;
            }
        }
        Some(self.leg(gathered))
    }

    /// Something could be gathered behind the first `count`. What is exact stays single behind a corner that is rounded over a distance, which
    /// may reach to the middle of a leg.
    fn may_go_on(&self, count: usize) -> bool {
        let last = &self.waiting[count - 1];
        match last.corner {
            Corner::Tolerance { .. } => true,
            Corner::Exact => {
                let length = last.end - self.waiting[0].begin;
                (count > 1 || length < MAX_EXACT_GATHERED_MM) && !matches!(self.before, Corner::Distance(_))
            }
            Corner::Stop | Corner::Distance(_) => false,
        }
    }

    /// The element at `index` may be gathered with those before it, as far as corners and feeds say: corners of one kind, and a stop behind them.
    fn goes_on(&self, index: usize) -> bool {
        let (before, element, first) = (&self.waiting[index - 1], &self.waiting[index], &self.waiting[0]);
        let (slow, fast) = (first.feed.min(element.feed), first.feed.max(element.feed));
        let alike = std::mem::discriminant(&element.corner) == std::mem::discriminant(&first.corner);
        self.may_go_on(index)
            && matches!(element.shape, Shape::Line(_))
            && (alike || element.corner == Corner::Stop)
            && fast <= slow * FEED_FACTOR
            && before.corner == first.corner
            && element.caps == first.caps
            && (first.corner != Corner::Exact || self.goes_on_exactly(before, element))
    }

    /// Next to nothing turns between the two, and the leg does not become too long.
    fn goes_on_exactly(&self, before: &Waiting, element: &Waiting) -> bool {
        let turn = turn(&before.direction(), &element.direction(), self.linear);
        element.end - self.waiting[0].begin <= MAX_EXACT_GATHERED_MM && turn.iter().all(|turn| *turn <= EXACT_TURN)
    }

    /// The first `count` elements stay close enough to their chord, at the same share of the way.
    fn fits(&self, count: usize) -> bool {
        let (first, last) = (&self.waiting[0], &self.waiting[count - 1]);
        let Some([linear, rotary]) = first.corner.within() else { return count == 1 };
        let chord = distance(&first.from, &last.to, 0..self.axes);
        let length = last.end - first.begin;
        // What turns back is no chord.
        if chord < 0.5 * length {
            return false;
        }
        let (linear, rotary) = (linear * CHORD_SHARE, rotary * CHORD_SHARE);
        self.waiting.iter().take(count - 1).all(|element| {
            let share = (element.end - first.begin) / length;
            let (mut off, mut off_rotary) = (0.0, 0.0);
            for axis in 0..self.axes {
                let on_chord = first.from[axis] + share * (last.to[axis] - first.from[axis]);
                let gap = (on_chord - element.to[axis]).powi(2);
                if axis < self.linear { off += gap } else { off_rotary += gap }
            }
            off <= linear * linear && off_rotary <= rotary * rotary
        })
    }

    fn leg(&mut self, count: usize) -> Leg {
        let last = self.waiting[count - 1].clone();
        let Waiting { shape, from, begin, line, caps, .. } = self.waiting[0].clone();
        let feed = self.waiting.iter().take(count).map(|element| element.feed).fold(f64::INFINITY, f64::min);
        let (end, corner, inside) = (last.end, last.corner, self.waiting[0].corner);
        let shaped = 0.0;
        let leg = match shape {
            Shape::Line(_) => {
                let mut marks = vec![Mark { at: from, sigma: begin, line }];
                marks.extend(self.waiting.iter().take(count).map(|element| Mark {
                    at: element.to,
                    sigma: element.end,
                    line: element.line,
                }));
                let direction = direction(&from, &last.to, end - begin);
                let (way, gathered) = (Way::Lines(marks), count > 1);
                let (first, last) = (direction, direction);
                Leg { way, begin, end, first, last, feed, caps, line, corner, shaped, inside, gathered }
            }
            Shape::Arc(arc) => {
                let direction =
                    |s: f64| std::array::from_fn(|axis| if axis < self.axes { arc.at(s, 1, axis) } else { 0.0 });
                let (first, last) = (direction(0.0), direction(arc.length()));
                let (way, gathered) = (Way::Arc(Box::new(arc)), false);
                Leg { way, begin, end, first, last, feed, caps, line, corner, shaped, inside, gathered }
            }
        };
        self.waiting.drain(..count);
        self.before = leg.corner;
        leg
    }
}

/// How the change of direction between two legs is passed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Join {
    /// At rest.
    Rest,
    /// Rounded, from this distance before it to the same behind it.
    Rounded(f64),
}

/// What the corner at the end of `before` asks for in front of `after`; the distance may be infinite where nothing turns.
pub fn join(before: &Leg, after: &Leg, linear: usize) -> Join {
    let turned = turn(&before.last, &after.first, linear);
    let used = if before.gathered || after.gathered { 1.0 - CHORD_SHARE * CHORD_SHARE } else { 1.0 };
    // A cubic spline whose knots are `d` around a corner leaves it by d/6 of the change of direction.
    let within =
        |[tolerance, rotary]: [f64; 2]| (6.0 * used * tolerance / turned[0]).min(6.0 * used * rotary / turned[1]);
    let turns = |[linear, rotary]: [f64; 2], least: f64| linear.max(rotary) > least;
    match before.corner {
        Corner::Stop => Join::Rest,
        Corner::Exact if turns(turn(&before.programmed()[1], &after.programmed()[0], linear), EXACT_TURN) => Join::Rest,
        Corner::Exact => Join::Rounded(within([EXACT_PATH_MM; 2])),
        Corner::Distance(distance) if turns(turned, STRAIGHT) => Join::Rounded(distance),
        Corner::Distance(_) => Join::Rounded(f64::INFINITY),
        Corner::Tolerance { linear, rotary } => Join::Rounded(within([linear, rotary])),
    }
}
