//! What the cycle's part of a path costs, in instructions: pieces from the planner into the group's motion, a step of it, and the setpoint
//! of each axis. Each cycle is counted by itself by callgrind, so that the dearest one is seen.
//!
//! ```text
//! cargo bench --bench path_cost          the tables, some minutes; ends with 1 where a cycle costs too much
//! path_cost run PROGRAM                  one program to be counted
//! path_cost worst PASSED SEARCH RELEASE  one cycle that is made up
//! path_cost proven                       what no cycle exceeds, by the dearest calls of its parts
//! ```
//!
//! The programs are chopped into lines of 0.01 mm (deg for the axes beyond the third), 3 axes unless the name says otherwise; each axis may
//! do 200 units/s and 2000 units/s², the feed is 200 mm/s. "made up" are cycles on pieces that no planner makes, for which
//! searches take long.

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU32, Ordering};

use motiond::geometry::{Ceiling, Cubic, Envelope, Piece};
use motiond::limits::{MAX_GROUP_AXES, PIECES_AHEAD, PIECES_PER_CYCLE};
use motiond::motion::Limits;
use motiond::motion::path::Passage;
use motiond::motion::path::bound::{PARTS, Part};
use motiond::planner::program::{Caps, Corner, Element, Feed, Point, Shape};
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
    /// It flows at its feed, but for the beginning and the end: its mean counts.
    steady: bool,
    /// Goes back from time to time, or in steps.
    operator: Operator,
}

#[derive(Clone, Copy, PartialEq)]
enum Operator {
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

const PROGRAMS: [Program; 18] = [
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

/// Programs in which the dearest call of each part is looked for.
const LOOKED_AT: [&str; 3] = ["corners", "there and back", "in steps"];

/// What is counted: the cycle's whole work on the path of one group.
#[inline(never)]
fn counted_cycle(motion: &mut Passage, ring: &mut VecDeque<Piece>, ratio: f64, axes: usize) -> f64 {
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

/// A cycle that is not counted.
#[inline(never)]
fn other_cycle(motion: &mut Passage, ratio: f64) {
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
fn approach(motion: &mut Passage) {
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
    let mut motion = Passage::new(PERIOD_S);
    motion.push(&first);
    motion.push(&Piece { distance: 1e6, potential: 1e12, ..first });
    approach(&mut motion);
    let (way, speed) = (motion.path().distance(), motion.velocity());
    let share = -RATE * PERIOD_S * BRAKING_CYCLES as f64;
    let reach = PERIOD_S * (speed + 0.5 * PERIOD_S * share * STEEP);
    // And once more, with pieces that begin just behind.
    let length = reach / worst.passed.max(1) as f64;
    let high = Ceiling { energy: 1e20, slope: 0.9, bend: 0.0 };
    let low = Ceiling { energy: -1e20, ..high };
    let mut ring = VecDeque::new();
    let mut motion = Passage::new(PERIOD_S);
    let begin = Piece { length: way + if worst.passed == 0 { 2.0 * reach } else { length }, ..first };
    motion.push(&begin);
    let lag = if worst.released { 1e9 } else { 1e-9 };
    for index in 1..200 {
        let piece = Piece {
            length,
            distance: begin.length + (index - 1) as f64 * length,
            ceiling: if index < worst.passed || !worst.searches { high } else { low },
            feed: high,
            envelope: Envelope {
                lag: if index < 150 { lag } else { envelope.lag },
                // Beyond what the cycle reaches: the braking takes long to be released.
                rate: if worst.released && index > PIECES_AHEAD && index < 150 { 0.1 * RATE } else { RATE },
                ..envelope
            },
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
    assert_eq!((motion.path().distance(), motion.velocity()), (way, speed), "it comes to the same place");
    black_box(counted_cycle(black_box(&mut motion), &mut ring, 1.0, MAX_GROUP_AXES));
}

/// Instructions of one call of what is counted.
#[derive(Default)]
struct Call {
    all: u64,
    /// Function by function, those of itself alone.
    calls: HashMap<(u32, u32), (u64, u64)>,
}

/// Calls of `function` in a run, and the names of functions.
fn calls(function: &str, arguments: &[&str]) -> (Vec<Call>, HashMap<u32, String>) {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let out = std::env::temp_dir().join(format!("path_cost-{}-{run}", std::process::id()));
    let named = |option: &str| format!("--{option}={function}");
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
    let (mut calls, mut names) = (Vec::new(), HashMap::new());
    let (mut call, mut caller, mut called, mut times) = (Call::default(), 0, 0, None);
    let mut id_of = |value: &str| {
        let (id, name) = value.trim_start_matches('(').split_once(')').expect("(id) name");
        let id: u32 = id.parse().unwrap();
        if !name.is_empty() {
            names.insert(id, name.trim().to_string());
        }
        id
    };
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("fn=") {
            caller = id_of(value);
        } else if let Some(value) = line.strip_prefix("cfn=") {
            called = id_of(value);
        } else if let Some(value) = line.strip_prefix("calls=") {
            times = value.split(' ').next().and_then(|times| times.parse::<u64>().ok());
        } else if let Some(times) = times.take() {
            let cost: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            let entry = call.calls.entry((caller, called)).or_default();
            *entry = (entry.0 + times, entry.1 + cost);
        } else if let Some(value) = line.strip_prefix("totals: ") {
            call.all = value.trim().parse().unwrap();
            if call.all > 0 {
                calls.push(std::mem::take(&mut call));
            }
            call = Call::default();
        }
    }
    (calls, names)
}

/// Instructions of each counted cycle of a run.
fn count(arguments: &[&str]) -> Vec<u64> {
    calls("path_cost::counted_cycle", arguments).0.iter().map(|call| call.all).collect()
}

/// The name of a part as callgrind shows it.
fn symbol(part: &Part) -> String {
    format!("motiond::motion::path::{}", part.name)
}

/// Instructions of the dearest call of a part in a run, without those of other parts and of its turns.
fn dearest(part: &Part, arguments: &[&str]) -> u64 {
    let (calls, names) = calls(&symbol(part), arguments);
    let number = |part: &Part| {
        let name = symbol(part);
        names.iter().find(|(_, other)| **other == name).map(|(id, _)| *id)
    };
    let Some(own) = number(part) else { return 0 };
    let others: Vec<u32> = PARTS.iter().filter_map(number).filter(|id| *id != own).collect();
    let turned = |(name, each, _)| Some((number(PARTS.iter().find(|other| other.name == name)?)?, each));
    let turns: Option<(u32, u64)> = part.turns.and_then(turned);
    let of_call = |call: &Call| {
        // What is reached without passing another part.
        let mut reached = vec![own];
        let mut looked = 0;
        while looked < reached.len() {
            let from = reached[looked];
            looked += 1;
            let more = call.calls.keys().filter(|(caller, called)| *caller == from && !others.contains(called));
            let more: Vec<u32> = more.map(|(_, called)| *called).filter(|called| !reached.contains(called)).collect();
            reached.extend(more);
        }
        let to_others = || {
            let inner = |((caller, called), _): &(&(u32, u32), &(u64, u64))| {
                reached.contains(caller) && others.contains(called)
            };
            call.calls.iter().filter(inner)
        };
        let cost = call.all - to_others().map(|(_, (_, cost))| cost).sum::<u64>();
        let turned = turns.map_or(0, |(part, each)| {
            each * to_others().filter(|((_, called), _)| *called == part).map(|(_, (times, _))| times).sum::<u64>()
        });
        cost.saturating_sub(turned)
    };
    calls.iter().map(of_call).max().unwrap_or(0)
}

/// What no cycle exceeds: each part as dear as its dearest call, and as often as a cycle calls it at most.
fn proven() -> u64 {
    println!("\n| part | dearest call | there, at most | back |");
    println!("|---|---:|---:|---:|");
    let (mut there, mut back) = (0, 0);
    for part in &PARTS {
        let programs = LOOKED_AT.iter().map(|name| dearest(part, &["run", name]));
        let made_up = ["0", "1", "4", "7"].iter().map(|passed| dearest(part, &["worst", passed, "1", "1"]));
        let cost = programs.chain(made_up).max().unwrap_or(0);
        println!("| `{}` | {cost} | {} | {} |", part.name, part.forward, part.back);
        if let Some((_, each, most)) = part.turns {
            println!("| its turns | {each} | {most} | {most} |");
        }
        let turns = part.turns.map_or(0, |(_, each, most)| each * most as u64);
        there += cost * part.forward as u64 + turns;
        back += cost * part.back as u64 + turns;
    }
    println!("| instructions, at most | | {there} | {back} |");
    there.max(back)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["proven"] => {
            println!("{}", proven());
            return ExitCode::SUCCESS;
        }
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
    println!("| program | cycles | mean | dearest |");
    println!("|---|---:|---:|---:|");
    let (mut mean_most, mut worst_most) = (0, 0);
    for program in &PROGRAMS {
        let costs = count(&["run", program.name]);
        let mean = costs.iter().sum::<u64>() / costs.len() as u64;
        let worst = costs.iter().copied().max().unwrap_or(0);
        println!("| {}{} | {} | {mean} | {worst} |", program.name, if program.steady { " *" } else { "" }, costs.len());
        mean_most = if program.steady { mean.max(mean_most) } else { mean_most };
        worst_most = worst.max(worst_most);
    }
    println!("\n| pieces passed | braking | searching | releasing | both |");
    println!("|---:|---:|---:|---:|---:|");
    for passed in ["0", "1", "2", "3", "4", "5", "6", "7"] {
        let kinds = [("0", "0"), ("1", "0"), ("0", "1"), ("1", "1")];
        let costs = kinds.map(|(searches, released)| count(&["worst", passed, searches, released])[0]);
        println!("| {passed} | {} | {} | {} | {} |", costs[0], costs[1], costs[2], costs[3]);
        worst_most = costs.into_iter().fold(worst_most, u64::max);
    }
    let proven = proven();
    println!("\nsteady flow (*): {mean_most} instructions a cycle in the mean at most; allowed {MEAN_GOAL}");
    println!("the dearest cycle, made up or not: {worst_most}");
    println!("no cycle takes more than {proven}; allowed {WORST_GOAL}");
    ExitCode::from(u8::from(mean_most > MEAN_GOAL || worst_most > proven || proven > WORST_GOAL))
}
