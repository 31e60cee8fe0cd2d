//! Programs whose figures are known.

use crate::subject::*;

const LIMITS: Limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk: 50_000.0 };

fn point(values: &[f64]) -> Point {
    let mut point = [0.0; MAX_GROUP_AXES];
    point[..values.len()].copy_from_slice(values);
    point
}

fn units(linear: usize, rotary: usize) -> Vec<AxisUnit> {
    [vec![AxisUnit::Millimetre; linear], vec![AxisUnit::Degree; rotary]].concat()
}

fn axes(machine: impl Into<Machine>, units: &[AxisUnit], soft_limits: Vec<Option<(f64, f64)>>) -> PathAxes {
    let kinematics = Kinematics::new(machine, 0).unwrap();
    let order = PathOrder::new(units);
    let (linear, joints) = (order.linear, kinematics.joints());
    let mechanism = Some(Mechanism { kinematics, order, soft_limits });
    PathAxes { mechanism, ..PathAxes::new(vec![LIMITS; joints], linear, 0.001) }
}

fn scara(soft_limits: Vec<Option<(f64, f64)>>) -> PathAxes {
    axes(Scara::new(300.0, 200.0).unwrap(), &units(3, 1), soft_limits)
}

fn line(to: &[f64], feed: f64, line: u32) -> Element {
    let corner = Corner::Tolerance { linear: 0.05, rotary: 0.05 };
    Element { shape: Shape::Line(point(to)), feed: Feed::Speed(feed), caps: Caps::NONE, corner, line }
}

/// Plans and follows a program; where it rested, and after how many cycles.
fn run(axes: &PathAxes, start: &[f64], elements: &[Element]) -> (Planner, PathMotion, usize) {
    let mut planner = Planner::new(axes.clone(), point(start), 1);
    elements.iter().for_each(|element| planner.push(element));
    planner.finish(true);
    let mut motion = PathMotion::new(axes.period_s);
    let (mut cycles, mut standing) = (0, 0);
    while standing < 100 && !motion.arrived() {
        while motion.room() > 0
            && let Some(piece) = planner.take()
        {
            assert!(motion.push(&piece));
        }
        motion.step(1.0);
        cycles += 1;
        standing = if motion.moving() { 0 } else { standing + 1 };
    }
    (planner, motion, cycles)
}

fn joints(motion: &PathMotion, count: usize) -> Vec<f64> {
    (0..count).map(|joint| motion.within(1.0, joint)[0]).collect()
}

#[test]
fn axes_that_are_coordinates_move_as_they_would_without_a_machine() {
    let mut with = axes(Identity::new(3).unwrap(), &units(3, 0), vec![None; 3]);
    // So that no corner is passed sooner by a stop in it, which is not looked for with a machine.
    with.limits = vec![Limits { jerk: 2e6, ..LIMITS }; 3];
    let without = PathAxes { mechanism: None, ..with.clone() };
    // What is set aside for the joints.
    let corner = |share: f64| Corner::Tolerance { linear: 0.1 * share, rotary: 0.1 * share };
    let program = |share: f64| {
        let places = [[50.0, 0.0, 0.0], [50.0, 30.0, 5.0], [0.0, 30.0, 5.0], [0.0, 0.0, 0.0]];
        let of = |(place, to): (usize, &[f64; 3])| Element { corner: corner(share), ..line(to, 150.0, place as u32) };
        places.iter().enumerate().map(of).collect::<Vec<Element>>()
    };
    let (mut one, mut other) = (Planner::new(with, point(&[]), 1), Planner::new(without, point(&[]), 1));
    program(1.0).iter().for_each(|element| one.push(element));
    program(1.0 - JOINT_SHARE).iter().for_each(|element| other.push(element));
    [&mut one, &mut other].into_iter().for_each(|planner| planner.finish(true));
    while let Some(expected) = other.take() {
        let found = one.take().expect("as many pieces");
        assert!((found.length - expected.length).abs() < 1e-9 && (found.distance - expected.distance).abs() < 1e-9);
        assert!((found.cap - expected.cap).abs() < 1e-4 * (1.0 + expected.cap), "{found:?} {expected:?}");
        for (found, expected) in found.axes.iter().zip(&expected.axes) {
            let x = 0.5 * expected.0[0].abs().max(1.0).min(found.0[0].abs().max(1.0)) * 1e-3;
            assert!((found.at(x) - expected.at(x)).abs() < 1e-9, "{found:?} {expected:?}");
        }
    }
    assert!(one.take().is_none());
}

#[test]
fn past_a_singularity_the_path_is_slow_and_tells_of_it() {
    let axes = scara(vec![None; 4]);
    // Stretched to all but the whole reach of 500 mm, and along the border.
    let start = [-40.0, 40.0, 0.0, 0.0];
    let tool = axes.mechanism.as_ref().unwrap().tool(&start).unwrap();
    let there =
        |far: f64| [line(&[far, 0.0, tool[2], tool[3]], 200.0, 1), line(&[300.0, 0.0, tool[2], tool[3]], 200.0, 2)];
    let (far, motion, cycles) = run(&axes, &start, &there(480.0));
    assert!(motion.arrived() && far.nearest().unwrap().conditioning.distance > 0.3);
    assert_eq!(far.slowed().count(), 0);
    let (near, motion, slow_cycles) = run(&axes, &start, &there(499.9));
    let nearest = near.nearest().unwrap();
    assert!(motion.arrived() && nearest.conditioning.distance < 0.1, "{nearest:?}");
    assert!(nearest.line <= 2 && near.obstacle().is_none());
    assert!(slow_cycles > cycles + 100, "{slow_cycles} cycles near the border, {cycles} away from it");
    let slowed: Vec<Slowed> = near.slowed().collect();
    let [Slowed { singularity: Singularity::ArmStretched, share, line }] = slowed[..] else { panic!("{slowed:?}") };
    assert!((0.001..0.5).contains(&share) && line <= 2, "{slowed:?}");
}

#[test]
fn pieces_say_what_slows_them_and_only_where_it_does() {
    let axes = scara(vec![None; 4]);
    let start = [-40.0, 40.0, 0.0, 0.0];
    let tool = axes.mechanism.as_ref().unwrap().tool(&start).unwrap();
    let slowed = |feed: f64| {
        let mut planner = Planner::new(axes.clone(), point(&start), 1);
        [499.9, 300.0].iter().for_each(|x| planner.push(&line(&[*x, 0.0, tool[2], tool[3]], feed, 1)));
        planner.finish(true);
        let pieces: Vec<_> = std::iter::from_fn(|| planner.take()).collect();
        for piece in pieces.iter().filter(|piece| piece.slowed_by.is_some()) {
            let sine = piece.axes[1].at(0.0).to_radians().sin();
            assert!(sine < 0.25, "slowed with the elbow at {:?}", piece.axes[1]);
        }
        (pieces.iter().filter(|piece| piece.slowed_by.is_some()).count(), pieces.len())
    };
    let (few, all) = slowed(200.0);
    assert!(few > 0 && few < all / 2, "{few} of {all}");
    // Who goes there slowly is not slowed.
    assert_eq!(slowed(0.5).0, 0);
}

#[test]
fn a_path_into_a_singularity_rests_before_it() {
    let axes = scara(vec![None; 4]);
    let start = [0.0, 60.0, 0.0, 0.0];
    let tool = axes.mechanism.as_ref().unwrap().tool(&start).unwrap();
    // Straight out, beyond the reach, in the second of two.
    let way = |far: f64, down: f64| [tool[0] * far, tool[1] * far, tool[2] - down, tool[3]];
    let (planner, motion, _) = run(&axes, &start, &[line(&way(1.05, 5.0), 100.0, 4), line(&way(1.5, 5.0), 100.0, 5)]);
    let obstacle = planner.obstacle().expect("it is out of reach");
    assert!(matches!(obstacle.fault, PathFault::Unreachable(_)) && obstacle.line == 5, "{obstacle:?}");
    assert!(!motion.arrived() && !motion.moving(), "a program that is not followed to its end is not done");
    let rested = joints(&motion, 4);
    let sine = rested[1].to_radians().sin();
    assert!(sine > LEAST_CONDITIONING && motion.distance() > 0.0, "{rested:?}");
}

#[test]
fn a_joint_at_its_soft_limit_is_no_further() {
    let mut soft_limits = vec![None; 4];
    soft_limits[0] = Some((-60.0, 30.0));
    let axes = scara(soft_limits);
    let start = [0.0, 60.0, 0.0, 0.0];
    let mechanism = axes.mechanism.clone().unwrap();
    let tool = mechanism.tool(&start).unwrap();
    let (sine, cosine) = 45.0_f64.to_radians().sin_cos();
    let turned = [tool[0] * cosine - tool[1] * sine, tool[0] * sine + tool[1] * cosine, tool[2], tool[3]];
    // What is looked at beforehand says the same.
    let mut walk = Walk::new(mechanism.clone(), point(&start));
    let from = mechanism.order.to_planner(&tool);
    let astray = walk.take(&line(&turned, 100.0, 3), &from).unwrap_err();
    let PathFault::SoftLimit { joint: 0, found, allowed } = astray.fault else { panic!("{astray:?}") };
    assert!(allowed == 30.0 && found > 30.0, "{astray:?}");
    let (planner, motion, _) = run(&axes, &start, &[line(&turned, 100.0, 3)]);
    assert!(matches!(planner.obstacle().unwrap().fault, PathFault::SoftLimit { joint: 0, .. }));
    assert!(joints(&motion, 4)[0] <= 30.0, "{:?}", joints(&motion, 4));
}

#[test]
fn a_cap_of_an_element_holds_for_the_tool_of_a_machine_and_for_no_other_element() {
    let axes = scara(vec![None; 4]);
    let start = [-40.0, 60.0, 0.0, 0.0];
    let tool = axes.mechanism.as_ref().unwrap().tool(&start).unwrap();
    let to = |x: f64, y: f64| [tool[0] + x, tool[1] + y, tool[2], tool[3]];
    let caps = Caps { velocity: Some(40.0), acceleration: Some(150.0), jerk: Some(4000.0) };
    let mut elements =
        [line(&to(-60.0, 0.0), 200.0, 1), line(&to(-60.0, 60.0), 200.0, 2), line(&to(0.0, 60.0), 200.0, 3)];
    elements[1].caps = caps;
    let mut planner = Planner::new(axes.clone(), point(&start), 1);
    elements.iter().for_each(|element| planner.push(element));
    planner.finish(true);
    let mut motion = PathMotion::new(axes.period_s);
    let kinematics = axes.mechanism.as_ref().unwrap().kinematics;
    let mut peaks = [[0.0_f64; 3]; 2];
    while !motion.arrived() {
        while motion.room() > 0
            && let Some(piece) = planner.take()
        {
            assert!(motion.push(&piece));
        }
        motion.step(1.6);
        // Lengths are those of the tool.
        let on = usize::from((60.0..=120.0).contains(&motion.distance()));
        for share in [0.3, 0.7, 1.0] {
            let joints: Vec<Jet> = (0..4).map(|joint| Jet::new(motion.within(share, joint))).collect();
            let mut place = [Jet::constant(0.0); 4];
            kinematics.forward(&joints, &mut place).unwrap();
            let states = place.map(Jet::derivatives);
            for order in 1..=3 {
                let size = states[..3].iter().map(|state| state[order] * state[order]).sum::<f64>().sqrt();
                peaks[on][order - 1] = peaks[on][order - 1].max(size);
            }
        }
    }
    let [others, capped] = peaks;
    let caps = [40.0, 150.0, 4000.0];
    // A cycle at the border may begin before it.
    assert!(capped.iter().zip(caps).all(|(found, cap)| *found <= cap * 1.001), "{capped:?}");
    assert!(capped[0] > 39.0 && others.iter().zip(caps).all(|(found, cap)| *found > 2.0 * cap), "{peaks:?}");
}

#[test]
fn an_arm_whose_tool_stands_at_the_pole_of_its_angles_begins_a_path_in_any_direction() {
    let (a1, a2, b, c1, c2, c3, c4) = (100.0, -135.0, 0.0, 615.0, 705.0, 755.0, 85.0);
    let parameters = ArmParameters { a1, a2, b, c1, c2, c3, c4, offsets: [0.0; 6], reversed: [false; 6] };
    let axes = axes(Arm::new(parameters).unwrap(), &units(3, 3), vec![None; 6]);
    let mechanism = axes.mechanism.clone().unwrap();
    let near = [10.0, 20.0, 30.0, 5.0, 40.0, 6.0];
    let mut tool = mechanism.tool(&near).unwrap();
    (tool[3], tool[4], tool[5]) = (20.0, 90.0, 10.0);
    let (start, _) = mechanism.reach(&tool, &point(&near)).unwrap();
    // Only the difference of a and c is decided there: c is taken as 0.
    let told = mechanism.tool(&start[..6]).unwrap();
    assert!((told[3] - 10.0).abs() < 1e-6 && (told[4] - 90.0).abs() < 1e-6 && told[5] == 0.0, "{told:?}");
    for (coordinate, way) in [(0, 30.0), (3, 30.0), (4, -30.0), (5, 30.0)] {
        let mut to = told;
        to[coordinate] += way;
        let element = line(&to, 50.0, 1);
        Walk::new(mechanism.clone(), start).take(&element, &told).unwrap();
        let (planner, motion, _) = run(&axes, &start, &[element]);
        assert!(motion.arrived() && planner.obstacle().is_none(), "{coordinate}");
        let ended = joints(&motion, 6);
        let (exact, _) = mechanism.reach(&to, &point(&ended)).unwrap();
        assert!((0..6).all(|joint| (ended[joint] - exact[joint]).abs() < 1e-4), "{ended:?} {exact:?}");
    }
}

#[test]
fn an_elbow_stays_on_its_side() {
    let axes = scara(vec![None; 4]);
    for side in [-1.0, 1.0] {
        let start = [20.0 * side, 70.0 * side, 0.0, 0.0];
        let tool = axes.mechanism.as_ref().unwrap().tool(&start).unwrap();
        let to = [tool[0], -tool[1], tool[2], tool[3]];
        let (_, motion, _) = run(&axes, &start, &[line(&to, 200.0, 1)]);
        let ended = joints(&motion, 4);
        assert!(motion.arrived() && ended[1] * side > 0.0, "{ended:?}");
        let place = axes.mechanism.as_ref().unwrap().tool(&ended).unwrap();
        assert!((0..4).all(|axis| (place[axis] - to[axis]).abs() < 1e-6), "{place:?} {to:?}");
    }
}

#[test]
fn the_limits_of_the_tool_hold_where_axes_could_do_more() {
    let tool = Limits { velocity: 50.0, acceleration: 300.0, jerk: 5000.0 };
    let axes = PathAxes { tool: Some(tool), ..PathAxes::new(vec![LIMITS; 2], 2, 0.001) };
    let elements = [line(&[30.0, 30.0], 1000.0, 1), line(&[60.0, 0.0], 1000.0, 2)];
    let mut planner = Planner::new(axes.clone(), point(&[]), 1);
    elements.iter().for_each(|element| planner.push(element));
    planner.finish(true);
    let mut motion = PathMotion::new(0.001);
    let mut peaks = [0.0_f64; 3];
    while !motion.arrived() {
        while motion.room() > 0
            && let Some(piece) = planner.take()
        {
            motion.push(&piece);
        }
        motion.step(1.0);
        let states = [0, 1].map(|axis| motion.within(0.5, axis));
        for (order, peak) in peaks.iter_mut().enumerate() {
            *peak = peak.max(states[0][order + 1].hypot(states[1][order + 1]));
        }
    }
    let used = [peaks[0] / tool.velocity, peaks[1] / tool.acceleration, peaks[2] / tool.jerk];
    assert!(used.iter().all(|used| *used <= 1.0 && *used > 0.7), "{used:?}");
}
