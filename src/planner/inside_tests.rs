//! What is rounded beside an arc leaves no soft limit that the elements keep to.

use super::program::{Caps, Corner, Element, Feed, Point, Shape};
use super::{PathAxes, Planner};
use crate::geometry::Arc;
use crate::limits::SOFT_LIMIT_SLACK;
use crate::motion::Limits;

const LIMITS: Limits = Limits { velocity: 800.0, acceleration: 4000.0, jerk: 50_000.0 };

/// A rectangle whose corners are round, along the lowest place of both axes.
fn rectangle(radius: f64, corner: Corner) -> Vec<Element> {
    let (a, b) = (radius, 3.0 * radius);
    let line = |x: f64, y: f64| Shape::Line(at(x, y));
    let arc = |from: [f64; 2], to: [f64; 2], centre: [f64; 2]| {
        let place = |[x, y]: [f64; 2]| [x, y, 0.0];
        Shape::Arc(Arc::about(&place(from), &place(to), place(centre), [0.0, 0.0, 1.0], true, 0).unwrap())
    };
    let shapes = [
        line(b, 0.0),
        arc([b, 0.0], [b + a, a], [b, a]),
        line(b + a, b),
        arc([b + a, b], [b, b + a], [b, b]),
        line(a, b + a),
        arc([a, b + a], [0.0, b], [a, b]),
        line(0.0, a),
        arc([0.0, a], [a, 0.0], [a, a]),
    ];
    shapes.map(|shape| Element { shape, feed: Feed::Speed(300.0), caps: Caps::NONE, corner, line: 1 }).to_vec()
}

fn at(x: f64, y: f64) -> Point {
    let mut point = Point::default();
    (point[0], point[1]) = (x, y);
    point
}

/// The lowest and the highest place of x and y, where it goes on as it began, and how many pieces that are.
fn ranges(radius: f64, corner: Corner, soft_limits: &[Option<(f64, f64)>]) -> ([(f64, f64); 2], usize) {
    let axes = PathAxes { soft_limits: soft_limits.to_vec(), ..PathAxes::new(vec![LIMITS; 3], 3, 0.001) };
    let mut planner = Planner::new(axes, at(radius, 0.0), 1);
    rectangle(radius, corner).iter().for_each(|element| planner.push(element));
    planner.finish(true);
    let mut ranges = [(f64::INFINITY, f64::NEG_INFINITY); 2];
    let mut count = 0;
    while let Some(piece) = planner.take() {
        count += 1;
        for (range, cubic) in ranges.iter_mut().zip(&piece.axes) {
            let (low, high) = cubic.range(piece.length);
            *range = (range.0.min(low), range.1.max(high));
        }
    }
    (ranges, count)
}

#[test]
fn what_is_rounded_beside_an_arc_stays_inside_the_soft_limits() {
    for radius in [1.0, 20.0, 300.0] {
        let most = 4.0 * radius;
        let inside = [Some((0.0, most)), Some((0.0, most)), None];
        let mut left = 0;
        for corner in [
            Corner::Exact,
            Corner::Tolerance { linear: 0.02, rotary: 0.02 },
            Corner::Tolerance { linear: 20.0, rotary: 20.0 },
            Corner::Distance(0.3 * radius),
        ] {
            let leaves = |(low, high): (f64, f64)| low < -SOFT_LIMIT_SLACK || high > most + SOFT_LIMIT_SLACK;
            let (free, _) = ranges(radius, corner, &[None; 3]);
            left += usize::from(free.into_iter().any(leaves));
            let (kept, count) = ranges(radius, corner, &inside);
            assert!(!kept.into_iter().any(leaves), "{radius} {corner:?}: {kept:?}, {free:?} without limits");
            // What leaves them itself is planned as it is without any.
            let beyond = ranges(radius, corner, &[Some((0.5 * radius, 3.5 * radius)), None, None]);
            assert!(beyond.0[0].0 < 0.01 * radius && beyond.1 <= 2 * count, "{radius} {corner:?}: {beyond:?}");
        }
        assert!(left > 0 || radius == 1.0, "nothing is rounded outside");
    }
}
