//! Random programs for random machines.

use crate::subject::*;
use crate::support::Random;

pub const MACHINES: [&str; 6] = ["identity", "gantry", "CoreXY", "SCARA", "linear delta", "arm"];

/// One program, the machine that follows it, and where it begins.
#[derive(Clone, Debug)]
pub struct Case {
    pub axes: PathAxes,
    /// Joints, and the tool in the planner's order.
    pub start: Point,
    pub tool: Point,
    pub elements: Vec<Element>,
    /// How far the tool may be off it, mm and deg.
    pub within: [f64; 2],
}

fn machine(random: &mut Random, which: usize) -> (Machine, Vec<f64>) {
    let size = random.magnitude(100.0, 1500.0);
    let mut any = |count: usize, most: f64| (0..count).map(|_| random.within(-most, most)).collect::<Vec<_>>();
    match which {
        0 => {
            let start = any(3, size);
            (Identity::new(3).unwrap().into(), start)
        }
        1 => {
            let mut start = any(3, size);
            start.push(0.0);
            (Gantry::new(3, 1, 0, 2.0, 10.0).unwrap().into(), start)
        }
        2 => {
            let start = any(3, size);
            (CoreXy::new(3, 0, 1).unwrap().into(), start)
        }
        3 => {
            let start = vec![random.within(-170.0, 170.0), random.sign() * random.within(5.0, 170.0), 0.0, 30.0];
            let share = if random.chance(0.2) { 0.5 } else { random.within(0.3, 0.7) };
            (Scara::new(size * share, size * (1.0 - share)).unwrap().into(), start)
        }
        4 => {
            let delta = LinearDelta::regular(0.5 * size, size).unwrap();
            (delta.into(), vec![0.9 * size, 0.9 * size, 0.9 * size])
        }
        _ => {
            let parameters = ArmParameters {
                a1: 0.1 * size,
                a2: -0.05 * size,
                b: 0.0,
                c1: 0.5 * size,
                c2: 0.6 * size,
                c3: 0.6 * size,
                c4: 0.1 * size,
                offsets: [0.0; 6],
                reversed: [false; 6],
            };
            let start = vec![
                random.within(-90.0, 90.0),
                random.within(0.0, 50.0),
                random.within(30.0, 100.0),
                random.within(-60.0, 60.0),
                random.sign() * random.within(3.0, 80.0),
                random.within(-60.0, 60.0),
            ];
            (Arm::new(parameters).unwrap().into(), start)
        }
    }
}

fn limits(random: &mut Random, linear: bool) -> Limits {
    let velocity = if linear { random.magnitude(50.0, 1000.0) } else { random.magnitude(40.0, 500.0) };
    let acceleration = velocity * random.magnitude(3.0, 30.0);
    Limits { velocity, acceleration, jerk: acceleration * random.magnitude(8.0, 100.0) }
}

/// Units of the tool's coordinates, in their order.
fn units(machine: &Machine) -> Vec<AxisUnit> {
    use AxisUnit::{Degree, Millimetre};
    match machine {
        Machine::Scara(_) => vec![Millimetre, Millimetre, Millimetre, Degree],
        Machine::Arm(_) => [[Millimetre; 3], [Degree; 3]].concat(),
        _ => vec![Millimetre; 3],
    }
}

impl Case {
    pub fn any(random: &mut Random, which: usize) -> Case {
        loop {
            let (machine, mut start) = machine(random, which);
            let further = if which == 5 { 0 } else { random.below(2) };
            let mut units = units(&machine);
            units.extend(vec![AxisUnit::Degree; further]);
            start.extend(vec![5.0; further]);
            if let Machine::Gantry(_) = machine {
                // The second motor is where the tool has it.
                let mut tool = [0.0; MAX_GROUP_AXES];
                let kinematics = Kinematics::new(machine, further).unwrap();
                kinematics.forward(&start, &mut tool[..3 + further]).unwrap();
                let near = start.clone();
                kinematics.inverse(&tool[..3 + further], &near, &mut start).unwrap();
            }
            let kinematics = Kinematics::new(machine, further).unwrap();
            let order = PathOrder::new(&units);
            let joints = kinematics.joints();
            let mechanism = Mechanism { kinematics, order: order.clone(), soft_limits: vec![None; joints] };
            let limits: Vec<Limits> = (0..joints).map(|joint| limits(random, !mechanism.turns(joint))).collect();
            let tool = random.chance(0.8).then(|| self::limits(random, true));
            let axes =
                PathAxes { tool, mechanism: Some(mechanism.clone()), ..PathAxes::new(limits, order.linear, 0.001) };
            let mut at = [0.0; MAX_GROUP_AXES];
            at[..joints].copy_from_slice(&start);
            let Ok(place) = mechanism.tool(&start) else { continue };
            let tool = order.to_planner(&place);
            let mut case = Case { axes, start: at, tool, elements: Vec::new(), within: [0.0; 2] };
            case.write(random, &mechanism);
            if !case.elements.is_empty() {
                return case;
            }
        }
    }

    fn write(&mut self, random: &mut Random, mechanism: &Mechanism) {
        let [linear, rotary] = [random.magnitude(5e-3, 0.5), random.magnitude(5e-3, 0.5)];
        let exact = EXACT_PATH_MM * (1.0 + JOINT_SHARE);
        let (corner, within) = match random.below(6) {
            0 => (Corner::Exact, [exact; 2]),
            1 => (Corner::Stop, [exact; 2]),
            _ => (Corner::Tolerance { linear, rotary }, [linear, rotary]),
        };
        self.within = within;
        let feed = random.magnitude(20.0, 1000.0);
        let range = random.magnitude(2.0, 60.0);
        let (joints, count) = (mechanism.joints(), mechanism.coordinates());
        let (mut from, mut posture) = (self.tool, self.start);
        for line in 1..=2 + random.below(12) as u32 {
            let mut to = posture;
            to[..joints].iter_mut().for_each(|joint| *joint += range * random.within(-1.0, 1.0));
            let Ok(place) = mechanism.tool(&to[..joints]) else { continue };
            let mut target = mechanism.order.to_planner(&place);
            let first_rotary = mechanism.order.linear;
            // In the turn next to where it is.
            for (value, from) in target[first_rotary..count].iter_mut().zip(&from[first_rotary..count]) {
                *value += ((from - *value) / 360.0).round() * 360.0;
            }
            let middle: [f64; 3] =
                std::array::from_fn(|i| 0.5 * (from[i] + target[i]) + 0.3 * range * random.within(-1.0, 1.0));
            let arc = Arc::through(&from[..count], middle, &target[..count]);
            let shape = match arc {
                Ok(arc) if random.chance(0.3) && arc.radius() < 2000.0 => Shape::Arc(arc),
                _ => Shape::Line(target),
            };
            self.elements.push(Element { shape, feed: Feed::Speed(feed), caps: Caps::NONE, corner, line });
            (from, posture) = (target, to);
        }
    }

    /// The programmed place at `sigma`, and whether it is in an element.
    pub fn programmed(&self, sigma: f64) -> Point {
        let count = self.axes.coordinates();
        let (mut from, mut begin) = (self.tool, 0.0);
        for element in &self.elements {
            let (to, length) = match element.shape {
                Shape::Line(to) => {
                    (to, from[..count].iter().zip(&to).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt())
                }
                Shape::Arc(arc) => {
                    let mut to = from;
                    (0..count).for_each(|axis| to[axis] = arc.at(arc.length(), 0, axis));
                    (to, arc.length())
                }
            };
            if sigma <= begin + length {
                let mut at = from;
                for axis in 0..count {
                    at[axis] = match element.shape {
                        Shape::Line(_) => from[axis] + (sigma - begin) / length * (to[axis] - from[axis]),
                        Shape::Arc(arc) => arc.at(sigma - begin, 0, axis),
                    };
                }
                return at;
            }
            (from, begin) = (to, begin + length);
        }
        from
    }
}
