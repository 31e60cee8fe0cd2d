//! Files of paths that nobody would write, in parts of any size: each is read to its end, and what is given out can be planned.
#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::limits::{MAX_PATH_COORDINATE, MAX_PATH_PROBLEMS};
use motiond::path_file::{GroupAxis, PathGroup, PathReader, Written};
use motiond::planner::program::{Corner, Feed, Point};
use motiond::units::AxisUnit::{Degree, Millimetre};

fuzz_target!(|input: &[u8]| {
    let Some((part, text)) = input.split_first() else { return };
    let axes = [("x", Millimetre), ("c", Degree), ("y", Millimetre), ("z", Millimetre)];
    let axes = axes[..2 + usize::from(part % 3)].iter();
    let axes = axes.map(|(name, unit)| GroupAxis { name: (*name).to_string(), unit: *unit }).collect();
    let group = PathGroup::new(axes, 800.0);
    let mut at: Option<Point> = None;
    let mut lines = 0;
    let mut take = |from: &Point, written: &Written| {
        let finite = written.to.iter().all(|value| value.abs() <= MAX_PATH_COORDINATE);
        let feed = match written.feed {
            Feed::Speed(speed) => speed > 0.0 && speed.is_finite(),
            Feed::Duration(seconds) => seconds > 0.0 && seconds <= 1e6,
        };
        let corner = match written.corner {
            Corner::Tolerance { linear, rotary } => linear > 0.0 && rotary > 0.0,
            Corner::Distance(distance) => distance > 0.0,
            Corner::Stop | Corner::Exact => true,
        };
        assert!(finite && feed && corner && written.line >= lines, "{written:?}");
        assert!(at.is_none_or(|at| at == *from), "{written:?} begins at {from:?}, and not at {at:?}");
        lines = written.line;
        at = Some(written.to);
        let order = group.order();
        let element = written.element(order, &order.to_planner(from), &Point::default());
        element.unwrap_or_else(|error| panic!("{written:?} from {from:?}: {error}"));
    };
    let mut reader = PathReader::new(group.clone(), None);
    for bytes in text.chunks(1 + usize::from(part / 3)) {
        reader.read(bytes, &mut take);
    }
    reader.end(&mut take);
    assert!(reader.problems().len() <= MAX_PATH_PROBLEMS);
    for problem in reader.problems() {
        assert!(problem.line >= 1 && problem.line as usize <= 1 + text.split(|byte| *byte == b'\n').count(), "{problem}");
        assert!(problem.to_string().contains(": "), "{problem}");
    }
});
