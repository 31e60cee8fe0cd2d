//! Requests of `io.motiond.v1.Path` that nobody would make, one a line: what is taken is planned, and followed for some hundred cycles in
//! which every axis keeps its limits.
//!
//! The first byte says which axes there are, the second what an operator does; each line behind them begins with `l`, `a` or `s` for Lines, Arc
//! or Spline, or with `.` for a path that is known to here; the rest of it are parameters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::control::call::Parameters;
use motiond::control::path::Pen;
use motiond::control::schema::INTERFACES;
use motiond::gateway::Presence;
use motiond::limits::PIECES_PER_CYCLE;
use motiond::motion::Limits;
use motiond::motion::path::PathMotion;
use motiond::planner::program::{Point, Shape};
use motiond::planner::{PathOrder, Planner};
use motiond::programs::Ground;
use motiond::units::AxisUnit::{Degree, Millimetre};
use serde_json::value::RawValue;

const PERIOD_S: f64 = 0.001;
const CYCLES: usize = 600;
const ELEMENTS: usize = 400;
/// Longer arcs take the time of an input without telling more.
const LONGEST_ARC: f64 = 1e4;
/// Rounding.
const FULL: f64 = 1.0 + 1e-6;

fuzz_target!(|input: &[u8]| {
    let [shape, operator, lines @ ..] = input else { return };
    let units = [Millimetre, Degree, Millimetre, Millimetre, Degree];
    let count = 2 + usize::from(shape % 4);
    let order = PathOrder::new(&units[..count]);
    let jerk = [2e6, 5e4, 3e3][usize::from(shape / 4 % 3)];
    let axis = |axis: usize| Limits { velocity: 200.0 / (1 + axis) as f64, acceleration: 2000.0, jerk };
    let limits: Vec<Limits> = (0..count).map(axis).collect();
    let fastest = limits[0].velocity;
    let soft_limits = vec![Some((-500.0, 500.0)); count];
    let axes = order.axes(&limits, &soft_limits, PERIOD_S);
    let mut planner = Planner::new(axes.clone(), Point::default(), 0);
    let mut pen = Pen::new(Ground { order, fastest, soft_limits, at: Point::default(), walk: None });
    let mut motion = PathMotion::new(PERIOD_S);
    let interface = INTERFACES.iter().find(|interface| interface.name == "io.motiond.v1.Path").expect("paths");
    let mut left = ELEMENTS;
    for line in lines.split(|byte| *byte == b'\n') {
        let method = match line.first() {
            Some(b'l') => "Lines",
            Some(b'a') => "Arc",
            Some(b's') => "Spline",
            Some(b'.') => {
                planner.finish(false);
                continue;
            }
            _ => continue,
        };
        let Ok(text) = std::str::from_utf8(&line[1..]) else { continue };
        let Ok(text) = RawValue::from_string(format!("{{\"group\":\"g\",\"handle\":1{text}}}")) else { continue };
        let Ok(checked) = interface.method(method).expect("a method").check(Some(&text)) else { continue };
        let Ok(elements) = pen.write(method, &Parameters::new(checked, Presence::default())) else { continue };
        for element in elements.iter().take(left) {
            if matches!(&element.shape, Shape::Arc(arc) if arc.length() > LONGEST_ARC) {
                return;
            }
            planner.push(element);
        }
        left -= elements.len().min(left);
    }
    planner.finish(true);
    let mut in_hand = None;
    for cycle in 0..CYCLES {
        for _ in 0..PIECES_PER_CYCLE {
            in_hand = in_hand.take().or_else(|| planner.take());
            match &in_hand {
                Some(piece) if motion.push(piece) => in_hand = None,
                _ => break,
            }
        }
        let ratio = match operator % 4 {
            0 => 1.0,
            1 => [1.0, 0.0][cycle / (3 + usize::from(operator / 4)) % 2],
            2 => 2.0,
            _ => f64::from((cycle as u32).wrapping_mul(u32::from(*operator)) % 200) / 100.0,
        };
        motion.step(ratio);
        for (axis, limits) in axes.limits.iter().enumerate() {
            for share in [0.0, 0.5, 1.0] {
                let [position, velocity, acceleration, jerk] = motion.within(share, axis);
                assert!(position.is_finite() && jerk.is_finite(), "cycle {cycle}, axis {axis}: {position}, {jerk}");
                let used = [velocity / limits.velocity, acceleration / limits.acceleration, jerk / limits.jerk];
                assert!(used.iter().all(|used| used.abs() <= FULL), "cycle {cycle}+{share}, axis {axis} uses {used:?}");
            }
        }
        if motion.arrived() {
            break;
        }
    }
});
