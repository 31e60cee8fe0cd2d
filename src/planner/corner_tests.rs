//! A corner is passed as it says, whatever stands beside it.

use super::program::{Caps, Corner, Element, Feed, Point, Shape};
use super::{PathAxes, Planner};
use crate::geometry::{Arc, Piece};
use crate::limits::{ARC_ACCURACY, EXACT_PATH_MM};
use crate::motion::Limits;

const RADIUS: f64 = 40.0;
const WAY: f64 = 60.0;

/// From the origin along x, and then in a right angle away from there: straight, or on a circle, as the first or the second element.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Lines,
    /// The second, as many short lines.
    Chopped,
    ToArc,
    FromArc,
}

fn at(values: [f64; 2]) -> Point {
    std::array::from_fn(|axis| values.get(axis).copied().unwrap_or(0.0))
}

fn arc(from: [f64; 2], to: [f64; 2], centre: [f64; 2]) -> Shape {
    let place = |[x, y]: [f64; 2]| [x, y, 0.0];
    Shape::Arc(Arc::about(&place(from), &place(to), place(centre), [0.0, 0.0, 1.0], true, 0).unwrap())
}

/// Where the corner is, and the elements on both sides.
fn shapes(form: Form) -> ([f64; 2], Vec<Shape>, Vec<Shape>) {
    let corner = [WAY, 0.0];
    let line = |to: [f64; 2]| Shape::Line(at(to));
    let round = arc(corner, [WAY - RADIUS, RADIUS], [WAY - RADIUS, 0.0]);
    match form {
        Form::Lines => (corner, vec![line(corner)], vec![line([WAY, WAY])]),
        Form::Chopped => {
            (corner, vec![line(corner)], (1..=600).map(|step| line([WAY, 0.1 * f64::from(step)])).collect())
        }
        Form::ToArc => (corner, vec![line(corner)], vec![round]),
        Form::FromArc => {
            let end = [-RADIUS, RADIUS];
            (end, vec![arc([0.0, 0.0], end, [-RADIUS, 0.0])], vec![line([-RADIUS, RADIUS + WAY])])
        }
    }
}

fn element(shape: Shape, corner: Corner) -> Element {
    Element { shape, feed: Feed::Speed(60.0), caps: Caps::NONE, corner, line: 1 }
}

/// Places a hundredth of a mm apart on the path that is followed.
fn followed(elements: &[Element], jerk: f64) -> Vec<[f64; 2]> {
    let limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk };
    let mut planner = Planner::new(PathAxes::new(vec![limits; 3], 3, 0.001), Point::default(), 1);
    elements.iter().for_each(|element| planner.push(element));
    planner.finish(true);
    let pieces: Vec<Piece> = std::iter::from_fn(|| planner.take()).collect();
    let of = |piece: &Piece| {
        let count = (piece.length / 0.01).ceil() as usize;
        let place = |step: usize| {
            let x = piece.length * step as f64 / count as f64;
            [0, 1].map(|axis| piece.axes[axis].at(x))
        };
        (0..=count).map(place).collect::<Vec<_>>()
    };
    pieces.iter().filter(|piece| piece.length > 0.0).flat_map(of).collect()
}

/// How near the path comes to the corner, and how far it is off the programmed one more than `distance` away from that.
fn passage(form: Form, corner: [f64; 2], distance: f64, places: &[[f64; 2]]) -> (f64, f64) {
    let away = |at: &[f64; 2]| (at[0] - corner[0]).hypot(at[1] - corner[1]);
    let round = |[x, y]: &[f64; 2], centre: f64| ((x - centre).hypot(*y) - RADIUS).abs();
    let off = |at: &[f64; 2]| match form {
        Form::Lines | Form::Chopped => at[1].abs().min((at[0] - WAY).abs()),
        Form::ToArc => at[1].abs().min(round(at, WAY - RADIUS)),
        Form::FromArc => (at[0] - corner[0]).abs().min(round(at, -RADIUS)),
    };
    let nearest = places.iter().map(away).fold(f64::INFINITY, f64::min);
    (nearest, places.iter().filter(|at| away(at) > distance).map(off).fold(0.0, f64::max))
}

const TOLERANCES: [Corner; 2] =
    [Corner::Tolerance { linear: 0.01, rotary: 0.01 }, Corner::Tolerance { linear: 0.001, rotary: 0.001 }];

#[test]
fn a_corner_of_a_distance_is_rounded_over_that_distance_whatever_is_beside_it() {
    for form in [Form::Lines, Form::Chopped, Form::ToArc, Form::FromArc] {
        for distance in [0.5, 2.0, 5.0] {
            let of_distance = Corner::Distance(distance);
            for beside in [TOLERANCES[0], TOLERANCES[1], Corner::Exact, Corner::Stop, of_distance] {
                if form == Form::Chopped && !TOLERANCES.contains(&beside) {
                    // Its elements are shorter than the distance.
                    continue;
                }
                let (corner, before, after) = shapes(form);
                let mut elements: Vec<Element> = before.iter().map(|shape| element(*shape, of_distance)).collect();
                if form == Form::Lines {
                    elements.insert(0, element(Shape::Line(at([0.5 * WAY, 0.0])), beside));
                }
                elements.extend(after.iter().map(|shape| element(*shape, beside)));
                let places = followed(&elements, 50_000.0);
                let (nearest, off) = passage(form, corner, distance, &places);
                // A sixth of the distance times the change of direction; a circle turns a little within the distance.
                let expected = distance * 2.0_f64.sqrt() / 6.0;
                let slack = if matches!(form, Form::Lines | Form::Chopped) { 1e-4 } else { 0.1 * distance / RADIUS };
                assert!(
                    (nearest / expected - 1.0).abs() < slack,
                    "{form:?} {distance} {beside:?}: {nearest}, not {expected}"
                );
                let permitted = match beside {
                    Corner::Tolerance { linear, .. } => linear.max(EXACT_PATH_MM),
                    _ => EXACT_PATH_MM,
                };
                let permitted = permitted + ARC_ACCURACY;
                assert!(off <= permitted, "{form:?} {distance} {beside:?}: {off}");
            }
        }
    }
}

#[test]
fn what_is_beside_a_corner_of_a_distance_stays_as_it_is_however_large_both_are() {
    // Radius, distance, length of the line.
    for (radius, distance, way) in
        [(40.0, 16.0, 400.0), (10.0, 5.0, 60.0), (100.0, 20.0, 400.0), (1000.0, 400.0, 3000.0)]
    {
        let to_arc = [way, 0.0];
        let from_arc = [-radius, radius];
        let forms = [
            (
                to_arc,
                [way - radius, 0.0],
                1,
                [Shape::Line(at(to_arc)), arc(to_arc, [way - radius, radius], [way - radius, 0.0])],
            ),
            (
                from_arc,
                [-radius, 0.0],
                0,
                [arc([0.0, 0.0], from_arc, [-radius, 0.0]), Shape::Line(at([-radius, radius + way]))],
            ),
        ];
        for ((corner, centre, across, shapes), beside) in
            forms.into_iter().flat_map(|form| [(form, Corner::Exact), (form, Corner::Stop)])
        {
            let elements = [element(shapes[0], Corner::Distance(distance)), element(shapes[1], beside)];
            let from = |place: &[f64; 2], to: [f64; 2]| (place[0] - to[0]).hypot(place[1] - to[1]);
            let off =
                |place: &[f64; 2]| (place[across] - corner[across]).abs().min((from(place, centre) - radius).abs());
            let places = followed(&elements, 50_000.0);
            let outside = places.iter().filter(|place| from(place, corner) > distance);
            let off = outside.map(off).fold(0.0, f64::max);
            assert!(off <= EXACT_PATH_MM + ARC_ACCURACY, "{radius} {distance} {way} {beside:?} {across}: {off}");
        }
    }
}

#[test]
fn a_corner_of_a_distance_is_no_stop_where_a_stop_were_sooner() {
    // Sharp and fast, with little jerk: within a tolerance it stops there.
    let turn_back = [Shape::Line(at([WAY, 0.0])), Shape::Line(at([0.2 * WAY, 10.0]))];
    let nearest = |corner: Corner| {
        let elements = turn_back.map(|shape| Element { feed: Feed::Speed(200.0), ..element(shape, corner) });
        let away = |at: &[f64; 2]| (at[0] - WAY).hypot(at[1]);
        followed(&elements, 5000.0).iter().map(away).fold(f64::INFINITY, f64::min)
    };
    assert!(nearest(Corner::Tolerance { linear: 0.2, rotary: 0.2 }) < 1e-9);
    assert!(nearest(Corner::Distance(0.6)) > 0.19);
}
