//! There and back and line by line: on the path, within the limits of every axis, whatever is asked for on the way.

use super::Passage;
use super::tests::{axes, point};
use crate::geometry::Piece;
use crate::planner::program::{Caps, Corner, Element, Feed, Shape};
use crate::planner::{PathAxes, Planner};

/// Rounding.
const FULL: f64 = 1.0 + 1e-9;
/// Cycles in which each of these paths has ended.
const LONG: usize = 200_000;

struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn within(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn once_in(&mut self, count: f64) -> bool {
        self.unit() * count < 1.0
    }
}

/// A path on its way, looked at within each cycle.
struct Walk {
    axes: PathAxes,
    passage: Passage,
    pieces: Vec<Piece>,
    given: usize,
    before: Option<Vec<[f64; 4]>>,
    random: Random,
}

impl Walk {
    /// Lines to places at random, of all kinds of corners.
    fn random(seed: u64, jerk: f64) -> Walk {
        let mut random = Random(seed);
        let axes = axes(3, 3, 200.0, 2000.0, jerk);
        let mut planner = Planner::new(axes.clone(), point(&[0.0; 3]), 1);
        for line in 1..40 {
            let size = 10_f64.powf(random.within(-1.0, 1.0));
            let to: Vec<f64> = (0..3).map(|_| random.within(-size, size)).collect();
            let corner = match (random.unit() * 6.0) as u32 {
                0 => Corner::Stop,
                1 => Corner::Exact,
                2 => Corner::Distance(0.2),
                _ => Corner::Tolerance { linear: 0.02, rotary: 0.02 },
            };
            let feed = Feed::Speed(random.within(10.0, 250.0));
            planner.push(&Element { shape: Shape::Line(point(&to)), feed, caps: Caps::NONE, corner, line });
        }
        planner.finish(true);
        Walk::over(axes, planner, random)
    }

    fn over(axes: PathAxes, mut planner: Planner, random: Random) -> Walk {
        let pieces = std::iter::from_fn(|| planner.take()).collect();
        Walk { passage: Passage::new(axes.period_s), axes, pieces, given: 0, before: None, random }
    }

    fn step(&mut self, ratio: f64) {
        while self.given < self.pieces.len() && self.passage.push(&self.pieces[self.given]) {
            self.given += 1;
        }
        self.passage.step(ratio);
        let inside = self.random.unit();
        for share in [0.0, inside, 1.0] {
            let states: Vec<[f64; 4]> = (0..3).map(|axis| self.passage.within(share, axis)).collect();
            for (state, limits) in states.iter().zip(&self.axes.limits) {
                let bounds = [limits.velocity, limits.acceleration, limits.jerk];
                for (used, bound) in state[1..].iter().zip(bounds) {
                    assert!(used.abs() <= bound * FULL, "{used} of {bound} at {share}: {}", self.told());
                }
            }
            if share == 0.0
                && let Some(before) = &self.before
            {
                for ((now, before), limits) in states.iter().zip(before).zip(&self.axes.limits) {
                    let jumps = [now[0] - before[0], now[1] - before[1], now[2] - before[2]];
                    // What is left of a braking may be let go.
                    let slack = [1e-9, 1e-5, 2e-3 * limits.acceleration];
                    let within = jumps.iter().zip(slack).all(|(jump, slack)| jump.abs() <= slack);
                    assert!(within, "{before:?} becomes {now:?}: {}", self.told());
                }
            }
            if share == 1.0 {
                self.on_path(&states);
                self.before = Some(states);
            }
        }
    }

    /// Where the planned path is at the distance that is told.
    fn on_path(&self, states: &[[f64; 4]]) {
        let distance = self.passage.path().distance();
        let index = self.pieces.partition_point(|piece| piece.distance <= distance).saturating_sub(1);
        let piece = &self.pieces[index];
        for (state, cubic) in states.iter().zip(&piece.axes) {
            let there = cubic.at((distance - piece.distance).min(piece.length));
            assert!((state[0] - there).abs() < 1e-9, "at {} instead of {there}: {}", state[0], self.told());
        }
    }

    fn told(&self) -> String {
        let path = self.passage.path();
        let way = if self.passage.retreats() { "back" } else { "forward" };
        format!("{way}, at {} in line {}", path.distance(), path.line())
    }

    fn run_to_the_end(&mut self) {
        self.passage.retreat(false);
        self.passage.set_steps(false);
        for _ in 0..LONG {
            self.step(1.0);
            if self.passage.arrived() {
                let last = self.pieces.last().unwrap();
                for axis in 0..3 {
                    let end = last.axes[axis].at(last.length);
                    assert!((self.passage.member(axis).position - end).abs() < 1e-12);
                }
                return;
            }
        }
        panic!("does not arrive: {}", self.told());
    }
}

#[test]
fn whatever_is_asked_for_it_stays_on_the_path_within_the_limits() {
    for (seed, jerk) in [(1, 2e6), (2, 2e6), (3, 5e4), (4, 5e4), (5, 5e4)] {
        let mut walk = Walk::random(seed, jerk);
        let mut ratio = 1.0;
        for _ in 0..6000 {
            if walk.random.once_in(120.0) {
                match (walk.random.unit() * 8.0) as u32 {
                    0 | 1 => walk.passage.retreat(true),
                    2 | 3 => walk.passage.retreat(false),
                    4 => ratio = 0.0,
                    5 => ratio = walk.random.within(0.0, 2.0),
                    6 => {
                        let on = walk.random.unit() < 0.5;
                        walk.passage.set_steps(on);
                    }
                    _ => {
                        ratio = 1.0;
                        walk.passage.next_step();
                    }
                }
            }
            walk.step(ratio);
            if walk.passage.arrived() {
                break;
            }
        }
        walk.run_to_the_end();
    }
}

#[test]
fn back_it_goes_to_the_exact_beginning_past_every_rest() {
    let mut walk = Walk::random(7, 5e4);
    while walk.passage.path().distance() < 30.0 {
        walk.step(1.0);
    }
    walk.passage.retreat(true);
    let mut fastest: f64 = 0.0;
    for _ in 0..LONG {
        walk.step(1.0);
        fastest = fastest.min(walk.passage.velocity());
        if walk.passage.at_far_end() {
            break;
        }
    }
    assert_eq!((walk.passage.path().distance(), walk.passage.path().behind()), (0.0, 0.0));
    assert!(fastest < -20.0, "{fastest}");
    for axis in 0..3 {
        assert!(walk.passage.member(axis).position.abs() < 1e-12);
    }
    walk.run_to_the_end();
}

#[test]
fn back_it_goes_no_further_than_pieces_are_kept_and_takes_as_long_as_forward_about() {
    let axes = axes(3, 3, 200.0, 2000.0, 5e4);
    let mut planner = Planner::new(axes.clone(), point(&[0.0; 3]), 1);
    for line in 1..=4000_u32 {
        let angle = f64::from(line) * 0.01;
        let to = point(&[20.0 * angle.sin(), 20.0 - 20.0 * angle.cos(), 0.1 * angle]);
        let corner = Corner::Tolerance { linear: 0.02, rotary: 0.02 };
        planner.push(&Element { shape: Shape::Line(to), feed: Feed::Speed(100.0), caps: Caps::NONE, corner, line });
    }
    planner.finish(true);
    let mut walk = Walk::over(axes, planner, Random(1));
    let whole = walk.pieces.last().map(|last| last.distance + last.length).unwrap();
    while walk.passage.path().distance() < 0.75 * whole {
        walk.step(1.0);
    }
    let (from, behind) = (walk.passage.path().distance(), walk.passage.path().behind());
    assert!(behind > 100.0 && behind < 0.75 * whole, "{behind} of {whole}");
    walk.passage.retreat(true);
    let mut cycles = 0;
    while !walk.passage.at_far_end() {
        walk.step(1.0);
        cycles += 1;
        assert!(cycles < LONG, "{}", walk.told());
    }
    let way = from - walk.passage.path().distance();
    // What it takes to come to rest first is not in what was behind it then.
    assert!(way <= behind && way > 0.98 * behind, "{way} of {behind}");
    let shortest = way / 100.0;
    assert!(cycles as f64 * 0.001 < 1.2 * shortest + 0.3, "{cycles} cycles, {shortest} s");
    walk.run_to_the_end();
}

#[test]
fn each_step_ends_at_a_line_and_a_program_of_steps_comes_to_its_end() {
    for (seed, jerk) in [(11, 2e6), (12, 5e4)] {
        let mut walk = Walk::random(seed, jerk);
        walk.passage.set_steps(true);
        let mut stops = Vec::new();
        for cycle in 0.. {
            assert!(cycle < LONG, "{}", walk.told());
            walk.step(1.0);
            if walk.passage.arrived() {
                break;
            }
            if walk.passage.waits() {
                let distance = walk.passage.path().distance();
                assert!(!walk.passage.moving() && stops.last().is_none_or(|last| *last < distance));
                stops.push(distance);
                let resting = distance;
                (0..20).for_each(|_| walk.step(1.0));
                assert_eq!(walk.passage.path().distance(), resting);
                assert!(walk.passage.next_step() && !walk.passage.next_step());
            }
        }
        let borders = walk.pieces.windows(2).filter(|pair| pair[0].line != pair[1].line);
        let borders: Vec<f64> = borders.map(|pair| pair[1].distance).collect();
        assert_eq!(stops.len(), borders.len(), "seed {seed}");
        assert!(stops.iter().zip(&borders).all(|(stop, border)| (stop - border).abs() < 1e-9), "seed {seed}");
    }
}

#[test]
fn what_is_left_is_known_with_the_end_and_is_about_what_it_takes() {
    let mut walk = Walk::random(21, 5e4);
    walk.step(1.0);
    assert!(walk.given == walk.pieces.len());
    let whole = walk.pieces.last().map(|last| last.distance + last.length).unwrap();
    let (distance, told) = (walk.passage.path().left().unwrap().distance, walk.passage.path().left().unwrap().time_s);
    assert!((distance - whole).abs() < 0.01);
    let mut cycles = 0;
    let (mut before, mut halfway) = (told, None);
    while !walk.passage.arrived() {
        walk.step(1.0);
        cycles += 1;
        let left = walk.passage.path().left().unwrap().time_s;
        assert!(left <= before);
        before = left;
        if halfway.is_none() && walk.passage.path().distance() > 0.5 * whole {
            halfway = Some((cycles, left));
        }
    }
    let took = cycles as f64 * 0.001;
    assert!((told - took).abs() < 0.05 * took, "told {told} s, took {took} s");
    let (at, left) = halfway.unwrap();
    let took = (cycles - at) as f64 * 0.001;
    assert!((left - took).abs() < 0.05 * took, "halfway told {left} s, took {took} s");
    assert!(before < 1e-3, "{before}");
}
