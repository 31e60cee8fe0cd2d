//! Programs that are joined come out as one program with the elements of all.

use super::program::{Caps, Corner, Element, Feed, Point, Shape};
use super::{Mechanism, PathAxes, PathOrder, Planner};
use crate::geometry::Piece;
use crate::kinematics::{Kinematics, Scara};
use crate::motion::{Limits, path::PathMotion};
use crate::units::AxisUnit;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    fn corner(&mut self) -> Corner {
        match self.below(5) {
            0 => Corner::Stop,
            1 => Corner::Exact,
            2 => Corner::Distance(0.1 + 2.0 * self.unit()),
            _ => Corner::Tolerance { linear: 0.05, rotary: 0.05 },
        }
    }

    /// Lines long and short, so that some of them are gathered.
    fn elements(&mut self, mut at: Point) -> Vec<Element> {
        let mut corner = self.corner();
        let line = |line: usize| {
            let size = if self.below(3) == 0 { 8.0 } else { 0.05 };
            at[..3].iter_mut().for_each(|value| *value += size * (self.unit() - 0.2));
            if self.below(4) == 0 {
                corner = self.corner();
            }
            let feed = Feed::Speed(20.0 + 80.0 * self.unit().round());
            Element { shape: Shape::Line(at), feed, caps: Caps::NONE, corner, line: line as u32 }
        };
        (0..60).map(line).collect()
    }
}

const LIMITS: Limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk: 50_000.0 };

/// Three axes that are the coordinates, or the joints of a SCARA arm.
#[derive(Clone, Copy, PartialEq)]
enum Moves {
    Axes,
    Joints,
}

/// Where the joints are at first.
const POSTURE: [f64; 4] = [-90.0, 100.0, 0.0, 0.0];

impl Moves {
    fn axes(self) -> PathAxes {
        if self == Moves::Axes {
            return PathAxes::new(vec![LIMITS; 3], 3, 0.001);
        }
        let kinematics = Kinematics::new(Scara::new(300.0, 200.0).unwrap(), 0).unwrap();
        let mm = AxisUnit::Millimetre;
        let order = PathOrder::new(&[mm, mm, mm, AxisUnit::Degree]);
        let (linear, mechanism) = (order.linear, Some(Mechanism { kinematics, order, soft_limits: vec![None; 4] }));
        PathAxes { tool: Some(LIMITS), mechanism, ..PathAxes::new(vec![LIMITS; 4], linear, 0.001) }
    }

    fn planner(self) -> Planner {
        let mut start = Point::default();
        if self == Moves::Joints {
            start[..4].copy_from_slice(&POSTURE);
        }
        Planner::new(self.axes(), start, 1)
    }
}

fn drain(planner: &mut Planner, pieces: &mut Vec<Piece>) {
    pieces.extend(std::iter::from_fn(|| planner.take()));
}

/// Every setpoint, as its bits; within the limits, and torn nowhere.
fn setpoints(pieces: &[Piece]) -> Vec<[u64; 4]> {
    let (mut motion, mut next, mut cycles) = (PathMotion::new(0.001), 0, Vec::new());
    let mut before = None;
    while !motion.arrived() && cycles.len() < 100_000 {
        while next < pieces.len() && motion.push(&pieces[next]) {
            next += 1;
        }
        motion.step(1.0);
        let now = [0, 1, 2, 3].map(|axis| motion.member(axis));
        for (now, before) in now.iter().zip(before.unwrap_or(now)) {
            let jerk = (now.acceleration - before.acceleration).abs() / 0.001;
            assert!(now.velocity.abs() <= LIMITS.velocity * (1.0 + 1e-6), "{now:?}");
            assert!(now.acceleration.abs() <= LIMITS.acceleration * (1.0 + 1e-6), "{now:?}");
            assert!(jerk <= LIMITS.jerk * (1.0 + 1e-3), "{jerk}: {before:?} {now:?}");
            assert!((now.position - before.position).abs() <= 0.001 * LIMITS.velocity * (1.0 + 1e-6), "{now:?}");
        }
        before = motion.begun().then_some(now);
        cycles.push(now.map(|axis| axis.position.to_bits()));
    }
    assert!(motion.arrived());
    cycles
}

#[test]
fn what_is_split_at_any_element_is_the_same_motion_to_the_last_bit() {
    split_and_whole(Moves::Axes, 60);
}

#[test]
fn of_joints_too() {
    split_and_whole(Moves::Joints, 24);
}

fn split_and_whole(moves: Moves, seeds: u64) {
    let mut compared = 0;
    for seed in 0..seeds {
        let mut random = Random(seed);
        let mut elements = random.elements(*moves.planner().end());
        let border = random.below(elements.len() + 1);
        let transition = (border > 0 && random.below(2) == 0).then(|| random.corner());
        let (mut parts, mut joined) = (Vec::new(), moves.planner());
        for (index, element) in elements.iter().enumerate() {
            if index == border {
                joined.join(2, transition);
            }
            joined.push(element);
            drain(&mut joined, &mut parts);
        }
        if border == elements.len() {
            joined.join(2, transition);
        }
        joined.finish(true);
        drain(&mut joined, &mut parts);
        let mut late = false;
        if let Some(transition) = transition {
            // What was to be no tolerance is part of the curve already: the corner before it was rounded for that.
            let corner = std::mem::replace(&mut elements[border - 1].corner, transition);
            late = corner != transition && !matches!(corner, Corner::Tolerance { .. });
        }
        let (mut whole, mut alone) = (Vec::new(), moves.planner());
        elements.iter().for_each(|element| alone.push(element));
        alone.finish(true);
        drain(&mut alone, &mut whole);
        // One place says where the second begins, and what belongs to which is told by their numbers.
        let joins: Vec<usize> = (0..parts.len()).filter(|place| parts[*place].joins).collect();
        assert_eq!(joins.len(), 1, "seed {seed}");
        let begin = joins[0];
        assert!(parts[..begin].iter().all(|piece| piece.epoch == 1), "seed {seed}");
        assert!(parts[begin..].iter().all(|piece| piece.epoch == 2), "seed {seed}");
        assert!(
            begin == 0 || (parts[begin - 1].distance + parts[begin - 1].length - parts[begin].distance).abs() < 1e-9
        );
        assert_eq!(parts.iter().filter(|piece| piece.last).count(), 1, "seed {seed}");
        parts.remove(begin);
        let of_second = parts.iter().skip(begin).filter(|piece| piece.length > 0.0).count();
        assert_eq!(of_second == 0, border == elements.len(), "seed {seed}");
        let (parts, mut whole) = (setpoints(&parts), setpoints(&whole));
        if late {
            continue;
        }
        compared += 1;
        if border == elements.len() {
            // It stands one cycle longer where the second has nothing.
            whole.resize(parts.len(), *whole.last().unwrap());
        }
        assert_eq!(
            parts.iter().zip(&whole).position(|(part, whole)| part != whole),
            None,
            "seed {seed}, border {border}"
        );
        assert_eq!(parts.len(), whole.len(), "seed {seed}");
    }
    assert!(2 * compared > seeds, "{compared}");
}

#[test]
fn each_program_has_what_it_comes_nearest_to_itself() {
    let line = |to: [f64; 3], line: u32| {
        let corner = Corner::Tolerance { linear: 0.05, rotary: 0.05 };
        let to = std::array::from_fn(|axis| to.get(axis).copied().unwrap_or(0.0));
        Element { shape: Shape::Line(to), feed: Feed::Speed(100.0), caps: Caps::NONE, corner, line }
    };
    // Stretched to all but the whole reach of 500 mm, and away from there.
    let programs = [[line([498.0, 0.0, 0.0], 1), line([450.0, 0.0, 0.0], 2)], [line([350.0, 0.0, 0.0], 1); 2]];
    let mut planner = Moves::Joints.planner();
    for (epoch, program) in (1..).zip(&programs) {
        if epoch > 1 {
            planner.join(epoch, None);
        }
        program.iter().for_each(|element| planner.push(element));
    }
    planner.finish(true);
    while planner.take().is_some() {}
    let [first, second] = [1, 2].map(|epoch| planner.nearest_of(epoch).unwrap());
    let distances = [first, second].map(|nearest| nearest.conditioning.distance);
    assert!(distances[0] < 0.25 && distances[1] > distances[0] + 0.1, "{distances:?}");
    assert_eq!((planner.nearest(), first.line, second.line, planner.nearest_of(3)), (Some(second), 1, 1, None));
}
