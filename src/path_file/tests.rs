//! What files mean, and what is said of those that mean nothing.

use super::*;
use crate::limits::{MAX_GROUP_AXES, MAX_PATH_LINE_BYTES, MAX_PATH_PROBLEMS};
use crate::planner::program::{Caps, Corner, Feed, Point};
use crate::units::AxisUnit;

fn group(axes: &[(&str, AxisUnit)]) -> PathGroup {
    let axis = |(name, unit): &(&str, AxisUnit)| GroupAxis { name: (*name).to_string(), unit: *unit };
    PathGroup::new(axes.iter().map(axis).collect(), 800.0)
}

fn gantry() -> PathGroup {
    group(&[("x", AxisUnit::Millimetre), ("y", AxisUnit::Millimetre), ("z", AxisUnit::Millimetre)])
}

fn point(values: &[f64]) -> Point {
    let mut point = [0.0; MAX_GROUP_AXES];
    point[..values.len()].copy_from_slice(values);
    point
}

/// The elements of a text, read in parts of `part` bytes, and what is wrong with it.
fn read_in(group: PathGroup, text: &[u8], part: usize) -> (Vec<Written>, Vec<String>) {
    let mut reader = PathReader::new(group, None);
    let mut elements = Vec::new();
    for bytes in text.chunks(part) {
        reader.read(bytes, &mut |_, written| elements.push(*written));
    }
    reader.end(&mut |_, written| elements.push(*written));
    (elements, reader.problems().iter().map(ToString::to_string).collect())
}

fn read(text: &str) -> Vec<Written> {
    let (elements, problems) = read_in(gantry(), text.as_bytes(), 4096);
    assert!(problems.is_empty(), "{problems:#?}");
    elements
}

fn refused(text: &str) -> Vec<String> {
    read_in(gantry(), text.as_bytes(), 4096).1
}

#[test]
fn lines_keep_what_is_not_named_and_settings_hold() {
    let read =
        read("start x=1 y=2 z=3\nline x=10\nfeed 200\ntolerance 0.02 rotary 0.1\nline y=5 feed 50 # slow\n7 8 9\r\n");
    assert_eq!(
        read.iter().map(|e| e.to).collect::<Vec<_>>(),
        [point(&[10.0, 2.0, 3.0]), point(&[10.0, 5.0, 3.0]), point(&[7.0, 8.0, 9.0])]
    );
    assert_eq!(read.iter().map(|e| e.feed).collect::<Vec<_>>(), [800.0, 50.0, 200.0].map(Feed::Speed));
    let within = Corner::Tolerance { linear: 0.02, rotary: 0.1 };
    assert_eq!(read.iter().map(|e| e.corner).collect::<Vec<_>>(), [Corner::Exact, within, within]);
    assert_eq!(read.iter().map(|e| e.line).collect::<Vec<_>>(), [2, 5, 6]);
}

#[test]
fn relative_places_count_from_the_beginning_of_the_element() {
    let read = read("start 1 1 1\nrelative\nline x=2\n1 1 1\narc x=10 centre x=5 right\nabsolute\nline z=0");
    let ends: Vec<Point> = read.iter().map(|e| e.to).collect();
    assert_eq!(ends, [[3.0, 1.0, 1.0], [4.0, 2.0, 2.0], [14.0, 2.0, 2.0], [14.0, 2.0, 0.0]].map(|at| point(&at)));
    let WrittenShape::Arc(ArcForm::Centre { centre, left, .. }) = read[2].shape else { panic!("{:?}", read[2]) };
    assert_eq!((centre, left), ([9.0, 2.0, 2.0], false));
}

#[test]
fn durations_and_corners_are_all_there() {
    let read = read(
        "start 0 0 0\nline x=1 duration 1.5\nline x=2 inverse-time 2 corner stop\nline x=3 corner distance 0.5\ncorner exact\nduration 3\n4 0 0",
    );
    let feeds: Vec<Feed> = read.iter().map(|e| e.feed).collect();
    assert_eq!(feeds, [Feed::Duration(1.5), Feed::Duration(0.5), Feed::Speed(800.0), Feed::Duration(3.0)]);
    let corners: Vec<Corner> = read.iter().map(|e| e.corner).collect();
    assert_eq!(corners, [Corner::Exact, Corner::Stop, Corner::Distance(0.5), Corner::Exact]);
}

#[test]
fn an_arc_is_the_same_circle_however_it_is_given() {
    let length = |text: &str| {
        let group = gantry();
        let element = read(text)[0].element(group.order(), &point(&[10.0, 0.0]), &Point::default()).unwrap();
        let crate::planner::program::Shape::Arc(arc) = element.shape else { panic!("{element:?}") };
        arc.length()
    };
    let quarter = 5.0 * std::f64::consts::PI;
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
    near(length("start 10 0 0\narc x=0 y=10 centre x=0 y=0 left"), quarter);
    near(length("start 10 0 0\narc x=0 y=10 centre x=0 y=0 left turns 2"), 9.0 * quarter);
    near(length("start 10 0 0\narc x=0 y=10 through x=7.0710678118 y=7.0710678118"), quarter);
    near(length("start 10 0 0\narc x=0 y=10 radius 10 left"), quarter);
    near(length("start 10 0 0\narc x=0 y=10 radius -10 left"), 3.0 * quarter);
    near(length("start 10 0 0\nnormal x=0 y=0 z=-1\narc x=0 y=10 centre x=0 y=0 right"), quarter);
    near(length("start 10 0 0\narc x=0 z=10 centre x=0 z=0 normal y right"), quarter);
    near(length("start 10 0 0\narc centre x=0 left"), 4.0 * quarter);
}

#[test]
fn two_linear_axes_and_a_rotary_one_turn_in_their_plane() {
    let axes = [("c", AxisUnit::Degree), ("x", AxisUnit::Millimetre), ("y", AxisUnit::Millimetre)];
    let text = b"start 0 10 0\narc c=90 x=0 y=10 through x=7.0710678118 y=7.0710678118\n";
    let (elements, problems) = read_in(group(&axes), text, 7);
    assert!(problems.is_empty(), "{problems:?}");
    let group = group(&axes);
    let offsets = point(&[1000.0, 100.0, 0.0]);
    let from = point(&[-90.0, 0.0, -1000.0]);
    let element = elements[0].element(group.order(), &from, &offsets).unwrap();
    let crate::planner::program::Shape::Arc(arc) = element.shape else { panic!("{element:?}") };
    assert!((arc.linear_length(2) - 5.0 * std::f64::consts::PI).abs() < 1e-6, "{}", arc.linear_length(2));
    let end = [0, 1, 2].map(|axis| arc.at(arc.length(), 0, axis));
    for (found, wanted) in end.into_iter().zip([-100.0, 10.0, -910.0]) {
        assert!((found - wanted).abs() < 1e-9, "{end:?}");
    }
}

#[test]
fn a_spline_becomes_lines_that_end_where_it_does() {
    let text = "start 0 0 0\ntolerance 0.02\nspline degree 2 weight 1 duration 2\npoint x=0 y=10 weight 0.70710678118654752\n10 10 0\nknots 0 0 0\nknots 1 1 1\nend\nline x=20";
    let read = read(text);
    let (last, lines) = read.split_last().unwrap();
    assert_eq!(last.to, point(&[20.0, 10.0, 0.0]));
    assert!((39..=64).contains(&lines.len()), "{}", lines.len());
    for line in lines {
        assert!(((line.to[0] - 10.0).hypot(line.to[1]) - 10.0).abs() < 1e-9 && line.line == 3, "{line:?}");
    }
    let whole: f64 = lines.iter().map(|line| if let Feed::Duration(seconds) = line.feed { seconds } else { 0.0 }).sum();
    assert!((whole - 2.0).abs() < 1e-9, "{whole}");
    assert_eq!(lines[lines.len() - 1].corner, Corner::Tolerance { linear: 0.02, rotary: 0.02 });
    let Corner::Tolerance { linear, rotary } = lines[0].corner else { panic!("{:?}", lines[0]) };
    assert!((linear - 0.018).abs() < 1e-12 && (rotary - 0.018).abs() < 1e-12);
}

#[test]
fn the_parts_that_a_file_comes_in_do_not_matter() {
    let text = "start 0 0 0\ntolerance 0.05\n1 2 3\n# remark\n\nline x=4\narc x=0 y=0 radius 9 left\nspline\n1 1 1\n2 0 0\n3 1 1\nend";
    let whole = read(text);
    for part in [1, 2, 3, 7, 64] {
        let (elements, problems) = read_in(gantry(), text.as_bytes(), part);
        assert!(problems.is_empty() && elements == whole, "parts of {part}");
    }
}

#[test]
fn every_problem_is_told_with_its_line_up_to_a_number_of_them() {
    let text = "start 0 0 0\nline x=nan\nline w=1\nline x=1 x=2\n1 2\narc x=5 centre x=1 left\nfoo\nfeed -5\ncorner round\nline x=1 y\nend\n";
    let found = refused(text);
    assert_eq!(
        found,
        [
            "2: line: found \"nan\", allowed: a finite number",
            "3: line: found axis \"w\", allowed: x, y, z",
            "4: line: found axis x twice, allowed: once",
            "5: point: found 2 numbers, allowed: 3, one for each axis of the group",
            "7: statement: found \"foo\", allowed: start, line, arc, spline, feed, duration, inverse-time, cap, tolerance, corner, normal, absolute, relative, or a number for each axis",
            "8: feed: found -5, allowed: 0.0008 mm/s at least",
            "9: corner: found \"round\", allowed: exact, stop, distance and a number (mm), or a line \"tolerance\"",
            "10: line: found \"y\", allowed: coordinates such as x=10, feed, duration, inverse-time, cap, tolerance, corner",
            "11: end: found outside of a spline, allowed: between \"spline\" and \"end\"",
        ]
    );
    assert_eq!(refused(&"foo\n".repeat(1000)).len(), MAX_PATH_PROBLEMS);
}

#[test]
fn a_feed_above_what_the_path_may_do_is_one_and_what_is_none_is_refused() {
    let read = read("start 0 0 0\nfeed 5000\nline x=10\nline x=20 feed 1e12\n");
    assert_eq!(read.iter().map(|e| e.feed).collect::<Vec<_>>(), [5000.0, 1e12].map(Feed::Speed));
    for (text, problem) in [
        ("feed 0", "2: feed: found 0, allowed: 0.0008 mm/s at least"),
        ("feed -100", "2: feed: found -100, allowed: 0.0008 mm/s at least"),
        ("feed nan", "2: feed: found \"nan\", allowed: a finite number"),
        ("feed inf", "2: feed: found \"inf\", allowed: a finite number"),
        ("feed", "2: feed: found no number, allowed: one behind this word"),
    ] {
        assert_eq!(refused(&format!("start 0 0 0\n{text}\nline x=1\n")), [problem], "{text}");
    }
}

#[test]
fn caps_hold_until_others_do_and_what_is_not_named_is_not_capped() {
    let read = read(
        "start 0 0 0\nline x=1\ncap speed 50 acceleration 400\nline x=2\nline x=3 cap jerk 900 feed 20\nspline cap speed 9\n4 0 0\n5 1 0\n5 2 0\nend\n\
         arc x=5 y=4 radius 1 left cap jerk 7\ncap speed 0 acceleration 5\nline x=6\ncap none\n7 8 9\n",
    );
    let caps = |velocity: f64, acceleration: f64, jerk: f64| {
        let [velocity, acceleration, jerk] = [velocity, acceleration, jerk].map(|cap| (cap > 0.0).then_some(cap));
        Caps { velocity, acceleration, jerk }
    };
    let mut found: Vec<(u32, Caps)> = read.iter().map(|e| (e.line, e.caps)).collect();
    found.dedup();
    let wanted = [
        (2, Caps::NONE),
        (4, caps(50.0, 400.0, 0.0)),
        (5, caps(0.0, 0.0, 900.0)),
        (6, caps(9.0, 0.0, 0.0)),
        (11, caps(0.0, 0.0, 7.0)),
        (13, caps(0.0, 5.0, 0.0)),
        (15, Caps::NONE),
    ];
    assert_eq!(found, wanted);
    let kinds = "allowed: none, or some of speed, acceleration, jerk, each with a number";
    for (text, problem) in [
        ("cap", format!("2: cap: found no cap, {kinds}")),
        ("cap velocity 5", format!("2: cap: found \"velocity\", {kinds}")),
        ("cap speed -5", "2: cap: speed cap: found -5, allowed: 0 mm/s at least".into()),
        ("cap speed 1e-9", "2: cap: speed cap: found 0.000000001, allowed: 0.001 mm/s at least".into()),
        ("cap acceleration 0.01", "2: cap: acceleration cap: found 0.01, allowed: 0.1 mm/s² at least".into()),
        ("cap speed 5 jerk fast", "2: cap: found \"fast\", allowed: a finite number".into()),
        ("cap speed 5 speed 6", "2: cap: found \"speed\", allowed: nothing more on this line".into()),
    ] {
        assert_eq!(refused(&format!("start 0 0 0\n{text}\nline x=1\n")), [problem], "{text}");
    }
}

#[test]
fn nothing_is_given_out_behind_a_problem() {
    let (elements, problems) = read_in(gantry(), b"start 0 0 0\n1 1 1\n2 2\n3 3 3\n", 64);
    assert_eq!((elements.len(), problems.len()), (1, 1));
}

#[test]
fn a_path_says_where_it_begins() {
    let one = |text: &str, wanted: &str| assert_eq!(refused(text), [wanted]);
    one(
        "1 2 3\n4 5 6\n",
        "1: point: found an element, but nothing says where the path begins, allowed: a line \"start\" with every axis before it",
    );
    one("start x=1\nline x=2", "1: start: found a start without y, z, allowed: every axis of the group");
    one(
        "start 0 0 0\nline x=2\nstart 0 0 0",
        "3: start: found a start where it is known already, allowed: once, before the first element",
    );
}

#[test]
fn arcs_that_are_none_are_refused_in_words() {
    let one = |arc: &str, wanted: &str| {
        let found = refused(&format!("start 10 0 0\n{arc}\n"));
        assert_eq!(found, [format!("2: arc: {wanted}")]);
    };
    one(
        "arc x=0 y=20 centre x=0 y=0 left",
        "the arc begins 10 mm from its centre and ends 20 mm from it, allowed: 0.01 mm more or less",
    );
    one(
        "arc x=0 y=10 centre x=0 y=0",
        "found no direction, allowed: left (counter-clockwise, seen against the normal) or right",
    );
    one("arc x=0 y=10 left", "found no circle, allowed: centre, through or radius");
    one("arc x=0 y=10 radius 2 left", "the arc's ends are 14.142136 mm apart, further than twice its radius of 2 mm");
    one("arc x=30 through x=20", "the three points of the arc lie on a line");
    one("arc x=0 centre x=5 radius 5 left", "found \"several of centre, through, radius\", allowed: one of them");
    one("arc x=0 centre x=5 left right", "found left or right twice, allowed: once");
    one("arc x=0 centre x=5 left normal w", "found axis \"w\", allowed: x, y, z");
    one("arc x=0 centre x=5 left turns 1.5", "found \"1.5 (not whole)\", allowed: a finite number");
}

#[test]
fn splines_that_are_none_are_refused_in_words() {
    let one = |spline: &str, line: u32, wanted: &str| {
        let found = refused(&format!("start 0 0 0\n{spline}"));
        assert_eq!(found, [format!("{line}: {wanted}")]);
    };
    one(
        "spline\n1 1 1\nend",
        4,
        "end: found 2 control points, the place before the spline included, allowed: 4 or more for degree 3",
    );
    one(
        "spline degree 1\n1 1 1\nknots 0 1\nend",
        5,
        "end: found 2 knots, allowed: 4 (control points, with the place before the spline, + degree + 1) or none",
    );
    one("spline degree 1\n1 1 1\nknots 0 1 0\nend", 4, "knots: found knot 0 behind 1, allowed: knots that do not fall");
    one(
        "spline degree 1\n1 1 1\nknots 0 1 2 3\nend",
        5,
        "end: found knots that do not begin and end with one value 2 times each, allowed: those that do, so that the spline begins where the path is and ends at its last point",
    );
    one("spline\n1 1 1\n", 3, "end: found the end of the file in the spline of line 2, allowed: \"end\" first");
    one("spline degree 99\n1 1 1\nend", 2, "spline: degree: found 99, allowed: 1 to 9");
    one(
        "spline degree 2\n1 1 1\nfeed 3\nend",
        4,
        "spline: found \"feed\" within a spline, allowed: points, \"knots\", \"end\"; degree 1 to 9 stands behind \"spline\"",
    );
}

#[test]
fn what_is_no_text_or_too_long_is_refused() {
    let found = read_in(gantry(), b"start 0 0 0\n\xff\xfe\n1 2 3\n", 5).1;
    assert_eq!(found, ["2: text: found bytes that are no text, allowed: UTF-8"]);
    let long = format!("start 0 0 0\n{}\n", " ".repeat(MAX_PATH_LINE_BYTES + 1));
    for part in [3, 100_000] {
        let found = read_in(gantry(), long.as_bytes(), part).1;
        assert_eq!(found, ["2: line: found a line of more than 4096 bytes, allowed: 4096"]);
    }
    assert_eq!(refused("start 0 0 1e8"), ["1: start: coordinate: found 100000000, allowed: -10000000 to 10000000"]);
    assert_eq!(refused("start 0 0 1e300"), ["1: start: coordinate: found 1e300, allowed: -10000000 to 10000000"]);
    assert_eq!(refused("start 0 0 0\nfeed 1e-300\n1 1 1"), ["2: feed: found 1e-300, allowed: 0.0008 mm/s at least"]);
    assert_eq!(refused("start 0 0 1e999"), ["1: start: found \"1e999\", allowed: a finite number"]);
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let text = "\u{feff}start 0 0 0\r\nline x=1\r\n";
    for part in [1, 2, 64] {
        let (elements, problems) = read_in(gantry(), text.as_bytes(), part);
        assert!(problems.is_empty() && elements.len() == 1, "{problems:?}");
    }
    let further = "found \"\u{feff}line\"";
    assert!(refused("start 0 0 0\n\u{feff}line x=1\n")[0].contains(further));
}

#[test]
fn lines_that_end_with_carriage_returns_alone_are_told() {
    let wanted = "found a carriage return within a line, allowed: lines that end with LF or CR LF";
    let long = format!("# a remark\rstart 0 0 0\r{}", "line x=1\r".repeat(1000));
    for text in ["start 0 0 0\rline x=1\r", "# a remark\rstart 0 0 0\rline x=1", &long] {
        for part in [3, 100_000] {
            assert_eq!(read_in(gantry(), text.as_bytes(), part).1, [format!("1: text: {wanted}")]);
        }
    }
    assert_eq!(read("start 0 0 0\r\r\nline x=1\r\n\r\n").len(), 1);
}

#[test]
fn a_path_without_an_element_is_none() {
    let wanted = "path: found no element, allowed: line, arc, spline, or a number for each axis of the group";
    for (text, line) in [("", 1), ("# a remark\n\n", 2), ("start 0 0 0\nfeed 20\n# end", 3)] {
        assert_eq!(refused(text), [format!("{line}: {wanted}")]);
    }
}
