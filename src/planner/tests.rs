//! That a long element is planned in portions is not to be seen in what comes out.

use super::program::{Caps, Corner, Element, Feed, Point, Shape};
use super::{PathAxes, Planner};
use crate::geometry::{Arc, Piece};
use crate::limits::PIECES_PLANNED;
use crate::motion::Limits;

/// Pieces that come at once when something is settled, at most.
const AT_ONCE: usize = 2048;

fn planner() -> Planner {
    let limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk: 50_000.0 };
    Planner::new(PathAxes::new(vec![limits; 3], 3, 0.001), Point::default(), 1)
}

fn element(shape: Shape, corner: Corner, line: u32) -> Element {
    Element { shape, feed: Feed::Speed(150.0), caps: Caps::NONE, corner, line }
}

/// A line, so many turns, and a line again: with a corner that is rounded, and a rest behind it.
fn program(turns: u32) -> [Element; 3] {
    let at = |values: [f64; 3]| -> Point { std::array::from_fn(|axis| values.get(axis).copied().unwrap_or(0.0)) };
    let (from, to) = (at([10.0, 0.0, 0.0]), at([10.0, 0.0, 30.0]));
    let arc = Arc::about(&from[..3], &to[..3], [410.0, 0.0, 0.0], [0.0, 0.0, 1.0], true, turns).unwrap();
    let tolerance = Corner::Tolerance { linear: 0.05, rotary: 0.05 };
    [
        element(Shape::Line(from), tolerance, 1),
        element(Shape::Arc(arc), Corner::Stop, 2),
        element(Shape::Line(at([10.0, 5.0, 30.0])), tolerance, 3),
    ]
}

/// All pieces, taken as they come; no more are ready than a portion and what is settled at once.
fn taken(mut planner: Planner, pieces: &mut Vec<Piece>) {
    while let Some(piece) = planner.take() {
        assert!(planner.ready() <= PIECES_PLANNED + AT_ONCE, "{} are ready", planner.ready());
        pieces.push(piece);
    }
    assert!(!planner.is_busy() && planner.take().is_none());
}

#[test]
fn many_turns_are_planned_in_portions_and_come_out_as_they_do_at_once() {
    let elements = program(5);
    let nothing = element(Shape::Line(Point::default()), Corner::Exact, 2);
    // Whoever gives more at once has all planned that there is.
    let (mut whole, mut in_portions, mut one_by_one) = (Vec::new(), Vec::new(), Vec::new());
    let mut at_once = planner();
    for element in &elements {
        at_once.push(element);
        // An element without length is none.
        at_once.push(&Element { shape: Shape::Line(*at_once.end()), ..nothing });
    }
    at_once.finish(true);
    taken(at_once, &mut whole);
    assert!(whole.len() > 3 * PIECES_PLANNED, "{}", whole.len());
    // The last element waits until it is no more busy.
    let mut planner_of_portions = planner();
    for element in &elements {
        while planner_of_portions.is_busy() {
            assert!(planner_of_portions.ready() <= PIECES_PLANNED + AT_ONCE);
            in_portions.extend(planner_of_portions.take());
        }
        planner_of_portions.push(element);
    }
    planner_of_portions.finish(true);
    taken(planner_of_portions, &mut in_portions);
    assert!(whole == in_portions, "{} and {} pieces", whole.len(), in_portions.len());
    // However few are taken at a time.
    let mut slow = planner();
    slow.push(&elements[0]);
    slow.push(&elements[1]);
    let mut left = usize::MAX;
    while slow.is_busy() && left > 0 {
        one_by_one.extend(slow.take());
        left -= 1;
    }
    slow.push(&elements[2]);
    slow.finish(true);
    taken(slow, &mut one_by_one);
    assert!(whole == one_by_one, "{} and {} pieces", whole.len(), one_by_one.len());
    assert!(whole.iter().rev().skip(1).all(|piece| !piece.last) && whole.last().is_some_and(|piece| piece.last));
}

#[test]
fn a_rest_that_is_put_in_for_want_of_more_ends_a_long_element_where_it_would() {
    let elements = program(3);
    let run = |patient: bool| {
        let (mut planner, mut pieces) = (planner(), Vec::new());
        for element in &elements[..2] {
            planner.push(element);
        }
        planner.finish(false);
        if patient {
            while planner.is_busy() {
                pieces.extend(planner.take());
            }
        }
        planner.push(&elements[2]);
        planner.finish(true);
        taken_unbounded(planner, &mut pieces);
        pieces
    };
    let (patient, hasty) = (run(true), run(false));
    assert!(patient == hasty, "{} and {} pieces", patient.len(), hasty.len());
    assert_eq!(patient.iter().filter(|piece| piece.rests).count(), 2);
}

fn taken_unbounded(mut planner: Planner, pieces: &mut Vec<Piece>) {
    pieces.extend(std::iter::from_fn(|| planner.take()));
}
