//! The programs that are counted, and how they are followed.

use std::collections::VecDeque;
use std::hint::black_box;

use motiond::limits::PIECES_PER_CYCLE;
use motiond::motion::Limits;
use motiond::motion::path::Passage;
use motiond::planner::program::{Caps, Corner, Element, Feed, Point, Shape};
use motiond::planner::{PathAxes, Planner};

use crate::cycle::{FEED, PERIOD_S, counted_cycle};

const CHOP: f64 = 0.01;

/// A program to be counted.
pub struct Program {
    pub name: &'static str,
    pub axes: usize,
    pub jerk: f64,
    pub corner: Corner,
    pub shape: fn(f64, &mut Point),
    /// How far the parameter of the shape goes.
    pub end: f64,
    /// What the operator does in each cycle.
    pub ratio: fn(usize) -> f64,
    /// It flows at its feed, but for the beginning and the end: its mean counts.
    pub steady: bool,
    /// Goes back from time to time, or in steps.
    pub operator: Operator,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Operator {
    Watches,
    GoesBack,
    GoesInSteps,
}
use Operator::{GoesBack, GoesInSteps, Watches};

const ROUNDED: Corner = Corner::Tolerance { linear: 0.02, rotary: 0.02 };
const HARDLY: Corner = Corner::Tolerance { linear: 1e-4, rotary: 1e-4 };

fn line(way: f64, at: &mut Point) {
    (at[0], at[1], at[2]) = (0.6 * way, 0.8 * way, 0.0);
}

fn circle(way: f64, at: &mut Point) {
    let (sin, cos) = (way / 30.0).sin_cos();
    (at[0], at[1], at[2]) = (30.0 * cos - 30.0, 30.0 * sin, 0.0);
}

fn lissajous(phase: f64, at: &mut Point) {
    at.iter_mut().enumerate().for_each(|(k, value)| *value = 50.0 * ((1.0 + 0.13 * k as f64) * phase / 100.0).sin());
}

/// Straight for a millimetre, and then another way.
fn zigzag(way: f64, at: &mut Point) {
    let (whole, part) = (way.floor(), way.fract());
    let corner = |n: f64| {
        let hash = |k: f64| (1000.0 * (n * (12.9898 + k)).sin()).fract();
        [hash(0.0), hash(7.0), hash(31.0)]
    };
    let (from, to) = (corner(whole), corner(whole + 1.0));
    (0..3).for_each(|axis| at[axis] = from[axis] + part * (to[axis] - from[axis]));
}

fn whole(_: usize) -> f64 {
    1.0
}

/// Every override there is, and holds.
fn fidgety(cycle: usize) -> f64 {
    [1.0, 0.0, 2.0, 0.3, 1.0, 0.0, 0.7, 1e-4][cycle / 37 % 8]
}

pub const PROGRAMS: [Program; 18] = [
    Program {
        name: "line",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: line,
        end: 400.0,
        ratio: whole,
        steady: true,
        operator: Watches,
    },
    Program {
        name: "circle",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: circle,
        end: 180.0,
        ratio: whole,
        steady: true,
        operator: Watches,
    },
    Program {
        name: "circle, soft",
        axes: 3,
        jerk: 5e4,
        corner: ROUNDED,
        shape: circle,
        end: 180.0,
        ratio: whole,
        steady: true,
        operator: Watches,
    },
    Program {
        name: "lissajous",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: lissajous,
        end: 400.0,
        ratio: whole,
        steady: true,
        operator: Watches,
    },
    Program {
        name: "lissajous, soft",
        axes: 3,
        jerk: 5e4,
        corner: ROUNDED,
        shape: lissajous,
        end: 400.0,
        ratio: whole,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "lissajous, 16 axes",
        axes: 16,
        jerk: 2e6,
        corner: ROUNDED,
        shape: lissajous,
        end: 100.0,
        ratio: whole,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "zigzag",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: zigzag,
        end: 200.0,
        ratio: whole,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "zigzag, soft",
        axes: 3,
        jerk: 5e4,
        corner: ROUNDED,
        shape: zigzag,
        end: 200.0,
        ratio: whole,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "circle, hardly rounded",
        axes: 3,
        jerk: 2e6,
        corner: HARDLY,
        shape: circle,
        end: 60.0,
        ratio: whole,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "zigzag, hardly rounded",
        axes: 3,
        jerk: 2e6,
        corner: HARDLY,
        shape: zigzag,
        end: 60.0,
        ratio: whole,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "line, exact",
        axes: 3,
        jerk: 2e6,
        corner: Corner::Exact,
        shape: line,
        end: 60.0,
        ratio: whole,
        steady: true,
        operator: Watches,
    },
    Program {
        name: "line, fidgety",
        axes: 3,
        jerk: 5e4,
        corner: ROUNDED,
        shape: line,
        end: 400.0,
        ratio: fidgety,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "lissajous, fidgety",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: lissajous,
        end: 300.0,
        ratio: fidgety,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "zigzag, fidgety",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: zigzag,
        end: 100.0,
        ratio: fidgety,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "circle, exact",
        axes: 3,
        jerk: 2e6,
        corner: Corner::Exact,
        shape: circle,
        end: 60.0,
        ratio: whole,
        steady: true,
        operator: Watches,
    },
    Program {
        name: "corners",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: zigzag,
        end: 12.0,
        ratio: fidgety,
        steady: false,
        operator: Watches,
    },
    Program {
        name: "there and back",
        axes: 3,
        jerk: 5e4,
        corner: HARDLY,
        shape: lissajous,
        end: 60.0,
        ratio: fidgety,
        steady: false,
        operator: GoesBack,
    },
    Program {
        name: "in steps",
        axes: 3,
        jerk: 2e6,
        corner: HARDLY,
        shape: lissajous,
        end: 3.0,
        ratio: fidgety,
        steady: false,
        operator: GoesInSteps,
    },
];

/// Follows one to its end.
pub fn run(program: &Program) {
    let limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk: program.jerk };
    let axes = PathAxes::new(vec![limits; program.axes], 3, PERIOD_S);
    let mut at = Point::default();
    (program.shape)(0.0, &mut at);
    let mut planner = Planner::new(axes, at, 0);
    let mut motion = Passage::new(PERIOD_S);
    let mut ring = VecDeque::new();
    let count = (program.end / CHOP) as usize;
    let mut next = 1;
    for cycle in 0.. {
        while ring.len() < 2 * PIECES_PER_CYCLE {
            if let Some(piece) = planner.take() {
                ring.push_back(piece);
            } else if next > count {
                break;
            } else {
                (program.shape)(next as f64 * CHOP, &mut at);
                at[program.axes..].fill(0.0);
                let line = next as u32;
                planner.push(&Element {
                    shape: Shape::Line(at),
                    feed: Feed::Speed(FEED),
                    caps: Caps::NONE,
                    corner: program.corner,
                    line,
                });
                next += 1;
                if next > count {
                    planner.finish(true);
                }
            }
        }
        match program.operator {
            Watches => {}
            GoesBack => motion.retreat(cycle / 100 % 3 == 2),
            GoesInSteps if cycle == 0 => motion.set_steps(true),
            GoesInSteps => drop(motion.next_step()),
        }
        // The first pieces come before it moves, as in the daemon.
        let ratio = if cycle < 150 { 0.0 } else { (program.ratio)(cycle) };
        black_box(counted_cycle(black_box(&mut motion), &mut ring, black_box(ratio), program.axes));
        if motion.arrived() {
            return;
        }
    }
}
