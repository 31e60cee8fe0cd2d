//! Requests of `io.motiond.v1.Stream` that nobody would make, one a line: points that are taken are planned, and followed for some
//! hundred cycles in which every axis keeps its limits, soft limits included, and stays on the curve, whatever an operator does and however late
//! points come.
//!
//! The first byte says how many axes there are, the second what an operator does, the third how long a stop takes and how fast is caught
//! up; each line behind them begins with `p` for Points, the rest of which are parameters, or with `.` for a time in which nothing comes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::control::call::Parameters;
use motiond::control::schema::INTERFACES;
use motiond::control::stream;
use motiond::gateway::Presence;
use motiond::geometry::Piece;
use motiond::limits::PIECES_PER_CYCLE;
use motiond::motion::path::Passage;
use motiond::motion::{Limits, StreamClock, StreamPace};
use motiond::planner::StreamPlanner;
use motiond::planner::points::Node;
use motiond::planner::program::Point;
use motiond::planner::reserve::Reserve;
use motiond::programs::{StreamGround, StreamStart};
use serde_json::value::RawValue;

const PERIOD_S: f64 = 0.001;
/// Of each time in which nothing comes, and of the one behind the end.
const CYCLES: usize = 300;
/// Times in which nothing comes, at most.
const TIMES: usize = 4;
const POINTS: usize = 400;
/// Soft limits.
const FAR: f64 = 500.0;
/// Rounding.
const FULL: f64 = 1.0 + 1e-6;

/// What follows the points.
struct Machine {
    limits: Vec<Limits>,
    planner: StreamPlanner,
    in_hand: Option<Piece>,
    motion: Passage,
    clock: StreamClock,
    supplied: bool,
    operator: u8,
    cycle: usize,
}

impl Machine {
    fn run(&mut self, cycles: usize) {
        for _ in 0..cycles {
            for _ in 0..PIECES_PER_CYCLE {
                self.in_hand = self.in_hand.take().or_else(|| self.planner.take());
                match &self.in_hand {
                    Some(piece) if self.motion.push(piece) => self.in_hand = None,
                    _ => break,
                }
            }
            self.step();
            if self.motion.arrived() {
                break;
            }
        }
    }

    fn step(&mut self) {
        let ratio = match self.operator % 4 {
            0 => 1.0,
            1 => [1.0, 0.0][self.cycle / (3 + usize::from(self.operator / 4)) % 2],
            2 => 2.0,
            _ => f64::from((self.cycle as u32).wrapping_mul(u32::from(self.operator)) % 200) / 100.0,
        };
        self.cycle += 1;
        let path = self.motion.path();
        self.supplied |= path.ends() || path.supply_s() >= self.clock.lead_s() || path.is_full();
        self.clock.step(&mut self.motion, if self.supplied { ratio } else { 0.0 }, PERIOD_S);
        if !self.motion.path().begun() {
            return;
        }
        for (axis, limits) in self.limits.iter().enumerate() {
            for share in [0.0, 0.5, 1.0] {
                let [position, velocity, acceleration, jerk] = self.motion.within(share, axis);
                let (cycle, behind) = (self.cycle, self.clock.behind_s());
                assert!(
                    position.abs() <= FAR + 1e-5 && jerk.is_finite(),
                    "cycle {cycle}, axis {axis}: {position}, {jerk}"
                );
                assert!(behind >= 0.0 && self.clock.held_s() <= behind, "cycle {cycle}: {behind}");
                let used = [velocity / limits.velocity, acceleration / limits.acceleration, jerk / limits.jerk];
                assert!(used.iter().all(|used| used.abs() <= FULL), "cycle {cycle}+{share}, axis {axis} uses {used:?}");
            }
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let [shape, operator, pace, lines @ ..] = input else { return };
    let count = 1 + usize::from(shape % 4);
    let jerk = [2e6, 5e4, 3e3][usize::from(shape / 4 % 3)];
    let limits: Vec<Limits> =
        (0..count).map(|axis| Limits { velocity: 200.0 / (1 + axis) as f64, acceleration: 2000.0, jerk }).collect();
    let catch_up = [0.0, 0.1, 0.5][usize::from(pace / 8 % 3)];
    let reserve = Reserve::new([0.05, 0.1, 0.2, 0.4, 1.0, 3.0, 10.0, 0.07][usize::from(pace % 8)], catch_up);
    let start = StreamStart { place: vec![0.0; count], period_s: PERIOD_S, reserve };
    let mut ground = StreamGround::new(&start, limits.clone(), vec![Some((-FAR, FAR)); count]);
    let mut machine = Machine {
        limits,
        planner: StreamPlanner::new(count, PERIOD_S, reserve, Point::default(), 0),
        in_hand: None,
        motion: Passage::new(PERIOD_S),
        clock: StreamClock::new(StreamPace { lead_s: f64::from(pace / 24) * 0.02, catch_up }),
        supplied: false,
        operator: *operator,
        cycle: 0,
    };
    let interface = INTERFACES.iter().find(|interface| interface.name == "io.motiond.v1.Stream").expect("streams");
    let method = interface.method("Points").expect("a method");
    let (mut left, mut times) = (POINTS, TIMES);
    for line in lines.split(|byte| *byte == b'\n') {
        match line.first() {
            Some(b'p') => {}
            Some(b'.') if times > 0 => {
                times -= 1;
                machine.run(CYCLES);
                if machine.motion.path().distance() > 0.0 && !machine.motion.moving() {
                    machine.planner.finish(false);
                }
                continue;
            }
            _ => continue,
        }
        let Ok(text) = std::str::from_utf8(&line[1..]) else { continue };
        let Ok(text) = RawValue::from_string(format!("{{\"group\":\"g\",\"handle\":1{text}}}")) else { continue };
        let Ok(checked) = method.check(Some(&text)) else { continue };
        let Ok(points) = stream::read(&Parameters::new(checked, Presence::default()), count) else { continue };
        if points.len() > left {
            break;
        }
        let taken = ground.taken();
        match ground.take(&points) {
            Ok((next, nodes)) => {
                left -= points.len();
                assert_eq!(next.taken() as usize, taken as usize + points.len());
                nodes.iter().for_each(|node: &Node| machine.planner.push(node));
                ground = next;
            }
            Err(error) => {
                assert!(error.number >= taken, "{error}");
                assert!(error.to_string().starts_with(&format!("point {} at ", error.number)), "{error}");
            }
        }
    }
    if let Ok((_, nodes)) = ground.close() {
        nodes.iter().for_each(|node| machine.planner.push(node));
        machine.planner.finish(true);
    }
    machine.run(CYCLES);
});
