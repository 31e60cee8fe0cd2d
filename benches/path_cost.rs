//! What the cycle's part of a path costs, in instructions: pieces from the planner into the group's motion, a step of it, and the setpoint
//! of each axis. Each cycle is counted by itself by callgrind, so that the dearest one is seen.
//!
//! ```text
//! cargo bench --bench path_cost          the tables, some minutes; ends with 1 where a cycle costs too much
//! path_cost run PROGRAM                  one program to be counted
//! path_cost worst SEED                   cycles made up to cost as much as they can
//! ```
//!
//! The programs are chopped into lines of 0.01 mm (deg for the axes beyond the third), 3 axes unless the name says otherwise; each axis may
//! do 200 units/s and 2000 units/s², the feed is 200 mm/s. "made up" are cycles on pieces that no planner makes: each loop
//! runs to its bound.

use std::collections::VecDeque;
use std::f64::consts::TAU;
use std::hint::black_box;
use std::process::{Command, ExitCode};

use motiond::geometry::{Ceiling, Cubic, Envelope, Piece};
use motiond::limits::{MAX_GROUP_AXES, PIECES_PER_CYCLE};
use motiond::motion::Limits;
use motiond::motion::path::PathMotion;
use motiond::planner::program::{Corner, Element, Feed, Point, Shape};
use motiond::planner::{PathAxes, Planner};

/// Instructions of a cycle in steady flow, in the mean.
const MEAN_GOAL: u64 = 4_000;
/// Of any cycle.
const WORST_GOAL: u64 = 60_000;
const PERIOD_S: f64 = 0.001;
const CHOP: f64 = 0.01;
const FEED: f64 = 200.0;

/// A program to be counted.
struct Program {
    name: &'static str,
    axes: usize,
    jerk: f64,
    corner: Corner,
    shape: fn(f64, &mut Point),
    /// How far the parameter of the shape goes.
    end: f64,
    /// What the operator does in each cycle.
    ratio: fn(usize) -> f64,
    /// It flows steadily, so that its mean counts.
    steady: bool,
}

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

const PROGRAMS: [Program; 14] = [
    Program { name: "line", axes: 3, jerk: 2e6, corner: ROUNDED, shape: line, end: 400.0, ratio: whole, steady: true },
    Program {
        name: "circle",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: circle,
        end: 180.0,
        ratio: whole,
        steady: true,
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
    },
    Program {
        name: "lissajous, soft",
        axes: 3,
        jerk: 5e4,
        corner: ROUNDED,
        shape: lissajous,
        end: 400.0,
        ratio: whole,
        steady: true,
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
    },
    Program {
        name: "zigzag",
        axes: 3,
        jerk: 2e6,
        corner: ROUNDED,
        shape: zigzag,
        end: 200.0,
        ratio: whole,
        steady: true,
    },
    Program {
        name: "zigzag, soft",
        axes: 3,
        jerk: 5e4,
        corner: ROUNDED,
        shape: zigzag,
        end: 200.0,
        ratio: whole,
        steady: true,
    },
    Program {
        name: "circle, hardly rounded",
        axes: 3,
        jerk: 2e6,
        corner: HARDLY,
        shape: circle,
        end: 60.0,
        ratio: whole,
        steady: true,
    },
    Program {
        name: "zigzag, hardly rounded",
        axes: 3,
        jerk: 2e6,
        corner: HARDLY,
        shape: zigzag,
        end: 60.0,
        ratio: whole,
        steady: true,
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
    },
];

/// What is counted: the cycle's whole work on the path of one group.
#[inline(never)]
fn counted_cycle(motion: &mut PathMotion, ring: &mut VecDeque<Piece>, ratio: f64, axes: usize) -> f64 {
    for _ in 0..PIECES_PER_CYCLE {
        match ring.front() {
            Some(piece) if motion.push(piece) => drop(ring.pop_front()),
            _ => break,
        }
    }
    motion.step(ratio);
    (0..axes).map(|axis| motion.member(axis)).map(|state| state.position + state.velocity + state.acceleration).sum()
}

fn run(program: &Program) {
    let limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk: program.jerk };
    let axes = PathAxes { limits: vec![limits; program.axes], linear: 3, period_s: PERIOD_S };
    let mut at = Point::default();
    (program.shape)(0.0, &mut at);
    let mut planner = Planner::new(axes, at, 0);
    let mut motion = PathMotion::new(PERIOD_S);
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
                    corner: program.corner,
                    line,
                });
                next += 1;
                if next > count {
                    planner.finish(true);
                }
            }
        }
        // The first pieces come before it moves, as in the daemon.
        let ratio = if cycle < 150 { 0.0 } else { (program.ratio)(cycle) };
        black_box(counted_cycle(black_box(&mut motion), &mut ring, black_box(ratio), program.axes));
        if motion.arrived() {
            return;
        }
    }
}

/// A cycle that is not counted.
#[inline(never)]
fn other_cycle(motion: &mut PathMotion, ratio: f64) {
    motion.step(ratio);
}

/// Pieces that are passed in the cycle that costs the most.
#[derive(Clone, Copy)]
struct Worst {
    /// As many end in it.
    passed: usize,
    /// What they end with is permitted to the half of what may be done, so that the search goes on to its end.
    searches: bool,
    /// Braking cannot be released in time, so that another search follows.
    released: bool,
}

/// Acceleration of the cycles that are made up: the speed changes so much within one that the ends of pieces are hard to find.
const STEEP: f64 = 2e4;
const RATE: f64 = 100.0;
const BRAKING_CYCLES: usize = 5;

/// Before the cycle that is counted: at the feed for a while, and then braking.
fn approach(motion: &mut PathMotion) {
    (0..400).for_each(|_| other_cycle(motion, 1.0));
    (0..BRAKING_CYCLES).for_each(|_| other_cycle(motion, 0.0));
}

fn made_up(worst: Worst) {
    let bound = Ceiling { energy: 0.5 * FEED * FEED, slope: 0.0, bend: 0.0 };
    let axis = Cubic([1.0, 0.5, 1e-3, 1e-4]);
    let envelope = Envelope { acceleration: STEEP, slope: 0.0, rate: RATE, lag: STEEP / RATE };
    let first = Piece {
        length: 1e6,
        axes: [axis; MAX_GROUP_AXES],
        envelope,
        ceiling: bound,
        feed: bound,
        cap: bound.energy,
        potential: -1e12,
        ..Piece::NOTHING
    };
    // Once to see where it comes to.
    let mut motion = PathMotion::new(PERIOD_S);
    motion.push(&first);
    motion.push(&Piece { distance: 1e6, potential: 1e12, ..first });
    approach(&mut motion);
    let (way, speed) = (motion.distance(), motion.velocity());
    let share = -RATE * PERIOD_S * BRAKING_CYCLES as f64;
    let reach = PERIOD_S * (speed + 0.5 * PERIOD_S * share * STEEP);
    eprintln!("at {way} with {speed} and {share}: {reach} in the next cycle");
    // And once more, with pieces that begin just behind.
    let length = reach / worst.passed.max(1) as f64;
    let high = Ceiling { energy: 1e20, slope: 0.9, bend: 0.0 };
    let low = Ceiling { energy: -1e20, ..high };
    let mut ring = VecDeque::new();
    let mut motion = PathMotion::new(PERIOD_S);
    let begin = Piece { length: way + if worst.passed == 0 { 2.0 * reach } else { length }, ..first };
    motion.push(&begin);
    let lag = if worst.released { 1e9 } else { 1e-9 };
    for index in 1..200 {
        let piece = Piece {
            length,
            distance: begin.length + (index - 1) as f64 * length,
            ceiling: if index < worst.passed || !worst.searches { high } else { low },
            feed: high,
            envelope: Envelope { lag: if index < 150 { lag } else { envelope.lag }, ..envelope },
            potential: if index < 150 { 0.0 } else { 1e12 },
            ..first
        };
        if index < 192 {
            assert!(motion.push(&piece));
        } else {
            ring.push_back(piece);
        }
    }
    approach(&mut motion);
    assert_eq!((motion.distance(), motion.velocity()), (way, speed), "it comes to the same place");
    let before = motion.ahead();
    black_box(counted_cycle(black_box(&mut motion), &mut ring, 1.0, MAX_GROUP_AXES));
    eprintln!("passed {}", before as isize + 8 - motion.ahead() as isize);
}

/// Instructions of each counted cycle of a run.
fn count(arguments: &[&str]) -> Vec<u64> {
    let out = std::env::temp_dir().join(format!("path_cost-{}", std::process::id()));
    let named = |option: &str| format!("--{option}=path_cost::counted_cycle");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--combine-dumps=yes", &named("toggle-collect"), &named("dump-before")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .args(arguments)
        .output()
        .expect("valgrind runs (Debian package valgrind)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let text = std::fs::read_to_string(&out).unwrap();
    let _ = std::fs::remove_file(&out);
    let of_line = |line: &str| line.strip_prefix("summary: ").and_then(|count| count.trim().parse().ok());
    text.lines().filter_map(of_line).filter(|count| *count > 0).collect()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", name] => {
            run(PROGRAMS.iter().find(|program| program.name == *name).expect("a program of this name"));
            return ExitCode::SUCCESS;
        }
        ["worst", passed, searches, released] => {
            let worst =
                Worst { passed: passed.parse().unwrap(), searches: *searches == "1", released: *released == "1" };
            made_up(worst);
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: path_cost: valgrind is not installed (Debian package valgrind)");
        return ExitCode::SUCCESS;
    }
    for program in &PROGRAMS {
        let mut costs = count(&["run", program.name]);
        costs.sort_unstable();
        let mean = costs.iter().sum::<u64>() / costs.len() as u64;
        println!("{:<24} cycles {} mean {mean} worst {}", program.name, costs.len(), costs.last().unwrap());
    }
    for (searches, released) in [("0", "0"), ("1", "0"), ("0", "1"), ("1", "1")] {
        for passed in ["0", "1", "2", "4", "7"] {
            let costs = count(&["worst", passed, searches, released]);
            println!("passed {passed} searches {searches} released {released}: {costs:?}");
        }
    }
    ExitCode::SUCCESS
}
