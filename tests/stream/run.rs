//! A stream followed cycle by cycle, and what is looked at in every one of them.

use motiond::motion::path::{Passage, PathMotion};
use motiond::motion::{StreamClock, StreamPace};
use motiond::planner::StreamPlanner;
use motiond::planner::points::{Node, Nodes, TimedPoint};
use motiond::planner::segment::Segment;

use crate::random::{Case, PERIOD_S};

/// Instants within a cycle that are looked at.
const INSTANTS: usize = 8;
/// Above a limit by rounding, and by what the search for a rate calls none.
const SLACK: f64 = 1e-6;

/// What the world does in a cycle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event {
    /// So many points arrive.
    pub points: usize,
    /// Override; 0 holds.
    pub ratio: f64,
    /// The runner lets what is known rest at its end, where the machine stands.
    pub flush: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Found {
    pub cycles: usize,
    pub arrived: bool,
    /// The greatest share of velocity, acceleration and jerk limits.
    pub peaks: [f64; 3],
    pub behind_s: f64,
    pub held_s: f64,
    /// The greatest rate and the least once it was under way, and cycles at exactly the rate 1.
    pub fastest: f64,
    pub exact: usize,
    /// The bits of every setpoint.
    pub bits: Vec<u64>,
}

/// The curve of a case, for comparison.
pub fn curve(case: &Case) -> Vec<Segment> {
    let mut nodes = Nodes::new(case.limits.len(), case.start);
    let mut before = *nodes.last();
    let mut segments = Vec::new();
    let mut look = |node: &Node| {
        segments.push(Segment::between(&before, node, case.limits.len(), PERIOD_S));
        before = *node;
    };
    for point in &case.points {
        nodes.push(point, &mut look);
    }
    nodes.end(&mut look);
    segments
}

fn on_curve(curve: &[Segment], time_s: f64, axis: usize) -> f64 {
    let index = curve.partition_point(|segment| segment.begin_s <= time_s).max(1) - 1;
    let segment = &curve[index];
    let part = (((time_s - segment.begin_s) / segment.part_s) as usize).min(segment.parts.len() - 1);
    segment.parts[part][axis].at(time_s - segment.begin_s - part as f64 * segment.part_s)
}

/// Tells the seed of a stream that fails.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this stream again: MOTIOND_SEED={} MOTIOND_CASES=1", self.0);
        }
    }
}

/// Follows `case` while `world` says what happens, for `most` cycles.
pub fn follow(case: &Case, most: usize, mut world: impl FnMut(usize, &PathMotion) -> Event) -> Found {
    let _told = Told(case.seed);
    let axes = case.limits.len();
    let curve = curve(case);
    let mut nodes = Nodes::new(axes, case.start);
    let mut planner = StreamPlanner::new(axes, PERIOD_S, case.reserve(), case.start, 1);
    let mut motion = Passage::new(PERIOD_S);
    let mut clock = StreamClock::new(StreamPace { lead_s: case.lead_s, catch_up: case.catch_up });
    let mut left: &[TimedPoint] = &case.points;
    let (mut found, mut supplied, mut ended) = (Found::default(), false, false);
    let mut before: Option<Vec<[f64; 4]>> = None;
    let (mut last_way, mut rested) = (0.0, false);
    for cycle in 0..most {
        let event = world(cycle, motion.path());
        let (now, later) = left.split_at(event.points.min(left.len()));
        left = later;
        for point in now {
            nodes.push(point, &mut |node| planner.push(node));
        }
        if left.is_empty() && !ended {
            ended = true;
            nodes.end(&mut |node| planner.push(node));
            planner.finish(true);
        } else if event.flush && !ended && motion.path().distance() > 0.0 && !motion.moving() {
            planner.finish(false);
        }
        while motion.path().room() > 0 {
            match planner.take() {
                Some(piece) => assert!(motion.push(&piece)),
                None => break,
            }
        }
        supplied |= motion.path().ends() || motion.path().supply_s() >= clock.lead_s() || motion.path().is_full();
        clock.step(&mut motion, if supplied { event.ratio } else { 0.0 }, PERIOD_S);
        if !motion.path().begun() {
            continue;
        }
        let way = motion.path().distance() - last_way;
        last_way = motion.path().distance();
        assert!(way >= 0.0, "cycle {cycle}: back by {way}");
        found.fastest = found.fastest.max(way / PERIOD_S);
        found.exact += usize::from(motion.velocity() == 1.0);
        for instant in 0..=INSTANTS {
            let share = instant as f64 / INSTANTS as f64;
            let state: Vec<[f64; 4]> = (0..axes).map(|axis| motion.within(share, axis)).collect();
            for (axis, state) in state.iter().enumerate() {
                let limits = &case.limits[axis];
                let bounds = [limits.velocity, limits.acceleration, limits.jerk];
                for (order, bound) in bounds.iter().enumerate() {
                    let used = state[order + 1].abs() / bound;
                    found.peaks[order] = found.peaks[order].max(used);
                    assert!(
                        used <= 1.0 + SLACK,
                        "cycle {cycle}+{share}, axis {axis}, derivative {}: uses {used}, {state:?}, {motion:?}",
                        order + 1,
                        motion = (motion.velocity(), motion.path().distance(), motion.starved(), event),
                    );
                }
                // Twice continuously differentiable: what a derivative changes by is what the next permits in that time.
                if let Some(before) = &before {
                    let step = PERIOD_S / INSTANTS as f64;
                    for (order, bound) in bounds.iter().enumerate() {
                        let gap = (state[order] - before[axis][order]).abs();
                        let most = if instant == 0 { 0.0 } else { bound * step * (1.0 + 1e-3) };
                        // What is slower than a millionth of the points' rate is a rest.
                        let rest =
                            if motion.moving() && !rested { 0.0 } else { [0.0, 1e-6, 1e-3 / case.stop_s * 1.5][order] };
                        let rounding = 1e-9 * (1.0 + state[order].abs()) + 1e-6 * bound * PERIOD_S;
                        let rounding = rounding + rest * limits.velocity;
                        assert!(
                            gap <= most + rounding,
                            "cycle {cycle}+{share}, axis {axis}: derivative {order} jumps by {gap}, at most {most}: {:?}",
                            (motion.velocity(), motion.path().distance()),
                        );
                    }
                }
            }
            before = Some(state);
        }
        for axis in 0..axes {
            let (at, wanted) = (motion.member(axis).position, on_curve(&curve, motion.path().distance(), axis));
            assert!((at - wanted).abs() < 1e-9 * (1.0 + wanted.abs()), "cycle {cycle}: axis {axis} at {at}, {wanted}");
            found.bits.push(at.to_bits());
        }
        rested = !motion.moving();
        found.cycles = cycle + 1;
        (found.behind_s, found.held_s) = (clock.behind_s(), clock.held_s());
        if motion.arrived() {
            found.arrived = true;
            break;
        }
    }
    found
}
