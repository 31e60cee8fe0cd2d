//! Paths of all kinds, planned and followed: the limits of every axis hold at every instant, whatever is asked for on the way.

use super::PathMotion;
use crate::limits::MAX_GROUP_AXES;
use crate::motion::Limits;
use crate::planner::program::{Caps, Corner, Element, Feed, Point, Shape};
use crate::planner::{PathAxes, Planner};

pub fn axes(count: usize, linear: usize, v: f64, a: f64, j: f64) -> PathAxes {
    let limits = Limits { velocity: v, acceleration: a, jerk: j };
    PathAxes::new(vec![limits; count], linear, 0.001)
}

pub fn point(values: &[f64]) -> Point {
    let mut point = [0.0; MAX_GROUP_AXES];
    point[..values.len()].copy_from_slice(values);
    point
}

#[derive(Debug, Default)]
pub struct Found {
    pub cycles: usize,
    pub peaks: [f64; 3],
    pub worst: Vec<String>,
    pub reached: bool,
}

/// Follows what `planner` makes, with an override for each cycle.
pub fn follow(axes: &PathAxes, planner: &mut Planner, most: usize, mut ratio: impl FnMut(usize) -> f64) -> Found {
    let mut motion = PathMotion::new(axes.period_s);
    let mut found = Found::default();
    let count = axes.limits.len();
    let mut before: Option<Vec<[f64; 4]>> = None;
    for cycle in 0..most {
        while motion.room() > 0 {
            match planner.take() {
                Some(piece) => assert!(motion.push(&piece)),
                None => break,
            }
        }
        motion.step(ratio(cycle));
        for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
            let state: Vec<[f64; 4]> = (0..count).map(|axis| motion.within(share, axis)).collect();
            for (axis, state) in state.iter().enumerate() {
                let limits = &axes.limits[axis];
                let bounds = [limits.velocity, limits.acceleration, limits.jerk];
                for order in 0..3 {
                    let used = state[order + 1].abs() / bounds[order];
                    if used > found.peaks[order] {
                        found.peaks[order] = used;
                        if used > 1.0 && found.worst.len() < 6 {
                            found.worst.push(format!(
                                "cycle {cycle}+{share} axis {axis} order {} uses {used}: {:?}",
                                order + 1,
                                motion.place
                            ));
                        }
                    }
                }
            }
            if share == 0.0
                && let Some(before) = &before
            {
                for axis in 0..count {
                    let gap = (state[axis][0] - before[axis][0]).abs();
                    assert!(gap < 1e-6, "cycle {cycle}: axis {axis} jumps by {gap}, {:?}", motion.place);
                    let jump = (state[axis][2] - before[axis][2]).abs() / axes.limits[axis].acceleration;
                    if jump > 1e-3 && found.worst.len() < 6 {
                        found.worst.push(format!("cycle {cycle} axis {axis} acceleration jumps {jump}"));
                    }
                }
            }
            if share == 1.0 {
                before = Some(state);
            }
        }
        found.cycles = cycle + 1;
        if motion.arrived() {
            found.reached = true;
            break;
        }
    }
    found
}

pub fn polyline(axes: &PathAxes, points: &[Vec<f64>], speed: f64, tolerance: f64) -> Planner {
    let mut planner = Planner::new(axes.clone(), point(&points[0]), 1);
    let corner = Corner::Tolerance { linear: tolerance, rotary: tolerance };
    for (line, at) in points.iter().enumerate().skip(1) {
        planner.push(&Element {
            shape: Shape::Line(point(at)),
            feed: Feed::Speed(speed),
            caps: Caps::NONE,
            corner,
            line: line as u32,
        });
    }
    planner.finish(true);
    planner
}

#[test]
fn a_circle_in_short_chords_is_as_fast_as_its_feed() {
    let axes = axes(3, 3, 200.0, 2000.0, 2e6);
    let count = 11_780;
    let at = |i: usize| {
        let angle = i as f64 / count as f64 * std::f64::consts::TAU;
        vec![30.0 * angle.cos(), 30.0 * angle.sin(), 0.0]
    };
    let points: Vec<Vec<f64>> = (0..=count).map(at).collect();
    let mut planner = polyline(&axes, &points, 200.0, 0.02);
    let found = follow(&axes, &mut planner, 10_000, |_| 1.0);
    assert!(found.reached && found.worst.is_empty(), "{found:?}");
    let shortest = std::f64::consts::TAU * 30.0 / 200.0 + 0.1;
    assert!(found.cycles as f64 * 0.001 < 1.05 * shortest, "{found:?}");
}

#[test]
fn random_lines_keep_every_limit() {
    for (seed, jerk) in [(1_u64, 2e6), (2, 2e6), (3, 5e4), (4, 5e4)] {
        let mut state = seed;
        let mut random = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
        };
        let axes = axes(3, 3, 200.0, 2000.0, jerk);
        let points: Vec<Vec<f64>> = (0..60).map(|_| (0..3).map(|_| random()).collect()).collect();
        let mut planner = polyline(&axes, &points, 200.0, 0.02);
        let found = follow(&axes, &mut planner, 100_000, |cycle| if cycle % 700 < 500 { 1.0 } else { 0.0 });
        assert!(found.reached && found.worst.is_empty(), "seed {seed}: {found:?}");
    }
}
