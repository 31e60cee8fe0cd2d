//! Programs that are exact at their corners, chopped finely: what is gathered, and what is not.

use super::program::{Caps, Corner, Element, Feed, Point, Shape};
use super::{PathAxes, Planner};
use crate::geometry::Piece;
use crate::limits::{EXACT_PATH_MM, MAX_EXACT_GATHERED_MM};
use crate::motion::Limits;

const FEED: f64 = 200.0;
const RADIUS: f64 = 30.0;

fn planner() -> Planner {
    let limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk: 2e6 };
    Planner::new(PathAxes::new(vec![limits; 3], 3, 0.001), Point::default(), 1)
}

fn line(to: Point, corner: Corner, number: u32) -> Element {
    Element { shape: Shape::Line(to), feed: Feed::Speed(FEED), caps: Caps::NONE, corner, line: number }
}

/// `way` along a circle.
fn circle(way: f64) -> Point {
    let (sin, cos) = (way / RADIUS).sin_cos();
    let mut at = Point::default();
    (at[0], at[1]) = (RADIUS * cos - RADIUS, RADIUS * sin);
    at
}

/// Chords of so many mm, so many of them.
fn chords(chord: f64, count: u32) -> Vec<Element> {
    (1..=count).map(|number| line(circle(f64::from(number) * chord), Corner::Exact, number)).collect()
}

/// As many elements at a time as `batch` says.
fn pieces(elements: &[Element], batch: usize) -> Vec<Piece> {
    let (mut planner, mut pieces) = (planner(), Vec::new());
    for batch in elements.chunks(batch) {
        batch.iter().for_each(|element| planner.push(element));
        pieces.extend(std::iter::from_fn(|| planner.take()));
    }
    planner.finish(true);
    pieces.extend(std::iter::from_fn(|| planner.take()));
    pieces
}

fn rests(pieces: &[Piece]) -> usize {
    pieces.iter().filter(|piece| piece.rests).count()
}

fn duration(pieces: &[Piece]) -> f64 {
    pieces.last().map_or(0.0, |last| last.time + last.duration)
}

#[test]
fn an_exact_circle_of_short_chords_is_passed_at_its_feed() {
    let pieces = pieces(&chords(0.01, 6_000), usize::MAX);
    assert_eq!(rests(&pieces), 1);
    // With what the axes leave for bends, and time to speed up and to brake.
    let took = duration(&pieces);
    assert!(took < 60.0 / FEED * 1.1 + 0.2, "{took} s");
}

#[test]
fn it_stays_within_what_is_exact() {
    for chord in [0.002, 0.01, 0.029] {
        let mut most = 0.0_f64;
        for piece in pieces(&chords(chord, 3_000), usize::MAX) {
            for step in 0..=20 {
                let x = piece.length * f64::from(step) / 20.0;
                let [a, b, c] = [0, 1, 2].map(|axis| piece.axes[axis].at(x));
                most = most.max(((a + RADIUS).hypot(b) - RADIUS).abs()).max(c.abs());
            }
        }
        assert!(most > 0.0 && most <= EXACT_PATH_MM, "{most} mm with chords of {chord}");
    }
}

#[test]
fn however_many_elements_come_at_a_time_the_pieces_are_the_same() {
    let mut elements = chords(0.01, 700);
    // And on, with all else that corners and lines may be.
    let mut at = circle(7.0);
    for number in 701..1_300 {
        let corner = match number / 50 % 4 {
            0 => Corner::Tolerance { linear: 0.01, rotary: 0.01 },
            1 => Corner::Distance(0.1),
            _ => Corner::Exact,
        };
        at[0] += [0.003, 0.2, 0.04][number as usize / 20 % 3];
        at[1] += 1e-5 * f64::from(number % 7);
        elements.push(line(at, corner, number));
    }
    let whole = pieces(&elements, usize::MAX);
    for batch in [1, 2, 7, 64, 500] {
        let parts = pieces(&elements, batch);
        assert!(parts == whole, "{} and {} pieces, {batch} at a time", parts.len(), whole.len());
    }
}

#[test]
fn a_corner_among_short_lines_is_a_rest_at_its_place() {
    let at = |x: f64, y: f64| {
        let mut at = Point::default();
        (at[0], at[1]) = (x, y);
        at
    };
    let there = (1..=100).map(|number| line(at(0.01 * f64::from(number), 0.0), Corner::Exact, number));
    // It turns by 0.0011.
    let slope = |number: u32| at(1.0 + 0.01 * f64::from(number), 1.1e-5 * f64::from(number));
    let elements: Vec<Element> =
        there.chain((1..=100).map(|number| line(slope(number), Corner::Exact, 100 + number))).collect();
    let pieces = pieces(&elements, usize::MAX);
    assert_eq!(rests(&pieces), 2);
    let corner = pieces.iter().find(|piece| piece.rests).expect("a rest");
    assert!((corner.axes[0].at(corner.length) - 1.0).abs() < 1e-12 && corner.axes[1].at(corner.length).abs() < 1e-12);
}

#[test]
fn what_is_not_short_keeps_its_ends() {
    let step = 1.1 * MAX_EXACT_GATHERED_MM;
    let elements: Vec<Element> = (1..=40)
        .map(|number| {
            let mut at = Point::default();
            at[0] = step * f64::from(number);
            line(at, Corner::Exact, number)
        })
        .collect();
    let pieces = pieces(&elements, usize::MAX);
    assert_eq!(rests(&pieces), 1);
    for number in 1..40 {
        let end = step * f64::from(number);
        assert!(pieces.iter().any(|piece| (piece.distance - end).abs() < 1e-9 && piece.line == number + 1), "{end}");
    }
}
