//! Dry runs of paths whose figures are known.

use super::picture::{View, picture};
use super::*;
use crate::geometry::Arc;
use crate::limits::{MAX_GROUP_AXES, PICTURE_PLACES};
use crate::motion::Limits;
use crate::motion::profile::{Profile, State};
use crate::planner::program::{Caps, Corner, Element, Feed, Point, Shape};
use crate::units::AxisUnit;

fn axes(names: &[(&str, AxisUnit)]) -> Vec<RunAxis> {
    let limits = Limits { velocity: 500.0, acceleration: 2000.0, jerk: 50_000.0 };
    let axis = |(name, unit): &(&str, AxisUnit)| RunAxis {
        name: (*name).to_string(),
        unit: *unit,
        limits,
        soft_limits: None,
        offset: 0.0,
    };
    names.iter().map(axis).collect()
}

fn gantry() -> Vec<RunAxis> {
    axes(&[("x", AxisUnit::Millimetre), ("y", AxisUnit::Millimetre), ("z", AxisUnit::Millimetre)])
}

fn point(values: &[f64]) -> Point {
    let mut point = [0.0; MAX_GROUP_AXES];
    point[..values.len()].copy_from_slice(values);
    point
}

fn line(to: &[f64], speed: f64, corner: Corner, line: u32) -> Element {
    Element { shape: Shape::Line(point(to)), feed: Feed::Speed(speed), caps: Caps::NONE, corner, line }
}

fn run(axes: Vec<RunAxis>, start: &[f64], elements: &[Element]) -> DryRunReport {
    let mut run = DryRun::new(axes, 0.001, &point(start));
    for element in elements {
        run.push(element).unwrap();
    }
    run.finish().unwrap()
}

#[test]
fn a_straight_line_takes_what_its_profile_takes() {
    let report = run(gantry(), &[0.0], &[line(&[200.0, 0.0, 0.0], 300.0, Corner::Exact, 1)]);
    let limits = Limits { velocity: 300.0, acceleration: 2000.0, jerk: 50_000.0 };
    let shortest = Profile::to_position(State::rest(0.0), 200.0, &limits).duration_s();
    let duration = report.duration_s();
    assert!(duration > shortest - 0.001 && duration < 1.1 * shortest, "{duration} {shortest}");
    assert!((report.linear_length - 200.0).abs() < 1e-9 && report.rotary_length == 0.0 && report.elements == 1);
    assert!(report.fastest.value > 299.0 && report.fastest.value < 300.01, "{:?}", report.fastest);
    let [velocity, acceleration, jerk] = report.axes[0].shares;
    assert!((0.59..0.601).contains(&velocity) && acceleration <= 1.0 && acceleration > 0.9, "{:?}", report.axes[0]);
    assert!(jerk <= 1.0 && jerk > 0.5, "{jerk}");
    assert_eq!(report.axes[1].peaks, [Peak::default(); 3]);
    assert!(report.deviation.linear < 1e-9, "{:?}", report.deviation);
    let (low, high) = report.axes[0].range;
    assert!(low.abs() < 1e-9 && (high - 200.0).abs() < 1e-9);
}

#[test]
fn a_corner_is_passed_within_its_tolerance_and_that_is_found() {
    let corner = Corner::Tolerance { linear: 0.1, rotary: 0.1 };
    // A blunt one, where a stop would take longer.
    let elements = [line(&[50.0, 0.0, 0.0], 100.0, corner, 1), line(&[100.0, 15.0, 0.0], 100.0, corner, 2)];
    let report = run(gantry(), &[0.0], &elements);
    assert!((0.05..=0.1 + 1e-9).contains(&report.deviation.linear), "{:?}", report.deviation);
    assert_eq!(report.deviation.linear_line, 1);
}

#[test]
fn the_first_line_that_leaves_the_soft_limits_is_named() {
    let mut axes = gantry();
    // In axis coordinates, which are 1000 more than the drive's.
    (axes[1].soft_limits, axes[1].offset) = (Some((1000.0, 1030.0)), 1000.0);
    let mut run = DryRun::new(axes, 0.001, &point(&[0.0, 1010.0]));
    let arc = Arc::about(&[0.0, 20.0, 0.0], &[10.0, 30.0, 0.0], [0.0, 30.0, 0.0], [0.0, 0.0, 1.0], true, 1).unwrap();
    run.push(&line(&[0.0, 20.0, 0.0], 100.0, Corner::Exact, 4)).unwrap();
    run.push(&Element {
        shape: Shape::Arc(arc),
        feed: Feed::Speed(100.0),
        caps: Caps::NONE,
        corner: Corner::Exact,
        line: 5,
    })
    .unwrap();
    run.push(&line(&[0.0, 0.0, 0.0], 100.0, Corner::Exact, 6)).unwrap();
    let report = run.finish().unwrap();
    assert_eq!((report.axes[1].outside, report.inside()), (Some(5), false), "{:?}", report.axes[1]);
    assert!((report.axes[1].range.1 - 1040.0).abs() < 1e-3, "{:?}", report.axes[1].range);
}

#[test]
fn nothing_takes_no_time() {
    let report = run(gantry(), &[1.0, 2.0, 3.0], &[]);
    assert_eq!((report.cycles, report.elements, report.duration_s()), (0, 0, 0.0));
    let report = run(gantry(), &[1.0, 2.0, 3.0], &[line(&[1.0, 2.0, 3.0], 1.0, Corner::Stop, 1)]);
    assert_eq!((report.cycles, report.elements), (0, 0));
    assert!(picture(&report, View::of(&report), "nothing").ends_with("</svg>\n"));
}

#[test]
fn a_group_in_any_order_comes_back_in_its_order() {
    let mut axes = axes(&[("c", AxisUnit::Degree), ("x", AxisUnit::Millimetre)]);
    axes[0].offset = 5.0;
    let mut run = DryRun::new(axes, 0.001, &point(&[5.0, 0.0]));
    // The planner has x first.
    run.push(&line(&[100.0, 90.0], 100.0, Corner::Exact, 1)).unwrap();
    let report = run.finish().unwrap();
    assert_eq!(report.axes.iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>(), ["c", "x"]);
    assert!((report.axes[0].range.1 - 95.0).abs() < 1e-9 && (report.axes[1].range.1 - 100.0).abs() < 1e-9);
    assert!((report.rotary_length - 90.0).abs() < 1e-9 && (report.linear_length - 100.0).abs() < 1e-9);
    let last = report.trace.last().unwrap();
    assert!((last.at[0] - 95.0).abs() < 1e-9 && (last.at[1] - 100.0).abs() < 1e-9 && last.speed == 0.0, "{last:?}");
}

#[test]
fn a_picture_is_bounded_however_long_the_path_is() {
    let corner = Corner::Tolerance { linear: 0.02, rotary: 0.02 };
    let elements: Vec<Element> = (1..=20_000_u32)
        .map(|i| {
            let angle = f64::from(i) * 0.05;
            let radius = 10.0 + f64::from(i) * 0.002;
            line(&[radius * angle.cos(), radius * angle.sin(), 0.001 * f64::from(i)], 400.0, corner, i)
        })
        .collect();
    let report = run(gantry(), &[10.0], &elements);
    assert!(report.trace.len() <= PICTURE_PLACES && report.trace.len() > 1000, "{}", report.trace.len());
    assert!(report.deviation.linear <= 0.02 * 1.000_001, "{:?}", report.deviation);
    for axis in &report.axes {
        assert!(axis.shares.iter().all(|share| *share <= 1.0), "{axis:?}");
    }
    let view = View::of(&report);
    assert_eq!(view, View::Isometric([0, 1, 2]));
    for view in [view, View::Plane([0, 1])] {
        let svg = picture(&report, view, "a <spiral> & more");
        assert!(svg.contains("a &lt;spiral&gt; &amp; more") && svg.len() < 1_000_000, "{}", svg.len());
    }
}
