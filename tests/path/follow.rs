//! Follows a path cycle by cycle, and says what is wrong with a cycle.

use crate::capped::Elements;
use crate::case::Case;
use crate::programmed::Programmed;
use crate::subject::{PathMotion, Piece, Planner, Point};
use crate::support::Random;

/// How much of a limit may be used; the rest is rounding.
const FULL: f64 = 1.0 + 1e-9;

/// What is asked for from cycle to cycle.
#[derive(Clone, Debug)]
pub enum Overrides {
    Constant(f64),
    /// Another value every so many cycles, about; a share of them are holds.
    Storm {
        cycles: usize,
        holds: f64,
    },
    Wave {
        cycles: f64,
    },
}

impl Overrides {
    pub fn any(random: &mut Random) -> Overrides {
        match random.below(6) {
            0 => Overrides::Constant(1.0),
            1 => Overrides::Constant(random.within(0.2, 2.0)),
            2 => Overrides::Wave { cycles: random.magnitude(5.0, 3000.0) },
            _ => Overrides::Storm { cycles: random.magnitude(1.0, 2000.0) as usize + 1, holds: random.unit() * 0.8 },
        }
    }

    fn next(&self, cycle: usize, before: f64, random: &mut Random) -> f64 {
        match *self {
            Overrides::Constant(value) => value,
            Overrides::Wave { cycles } => 1.0 - (cycle as f64 / cycles * std::f64::consts::TAU).cos(),
            Overrides::Storm { cycles, holds } => {
                if !random.chance(1.0 / cycles as f64) {
                    return before;
                }
                match () {
                    () if random.chance(holds) => 0.0,
                    () if random.chance(0.2) => 1.0,
                    () if random.chance(0.2) => 2.0,
                    () if random.chance(0.2) => random.magnitude(1e-4, 1.0),
                    () => random.within(0.0, 2.0),
                }
            }
        }
    }
}

/// How pieces come.
#[derive(Clone, Debug)]
pub enum Supply {
    /// As many as there is room for.
    Whole,
    /// A random number of them now and then.
    Batches { most: usize, chance: f64 },
    /// The program itself comes while it is followed; it is planned to a rest now and then.
    Live { most: usize, chance: f64, finish: f64 },
}

impl Supply {
    pub fn any(random: &mut Random) -> Supply {
        match random.below(5) {
            0 | 1 => Supply::Whole,
            2 => Supply::Batches { most: 1 + random.below(40), chance: random.magnitude(0.01, 1.0) },
            _ => Supply::Live {
                most: 1 + random.below(300),
                chance: random.magnitude(0.005, 1.0),
                finish: if random.chance(0.5) { random.magnitude(1e-3, 1.0) } else { 0.0 },
            },
        }
    }
}

/// A path on its way.
pub struct Follower<'a> {
    pub case: &'a Case,
    pub programmed: Programmed,
    pub planner: Planner,
    /// What was given of the program.
    elements: Elements,
    pub motion: PathMotion,
    /// Elements that the planner has.
    pushed: usize,
    taken: usize,
    pub cycle: usize,
    pub ratio: f64,
    before: Option<Vec<[f64; 4]>>,
    distance: f64,
    /// Rests that are still to come.
    rests: Vec<f64>,
    finished: bool,
    /// The last piece that was handed over, unless the path rests behind it.
    last: Option<Piece>,
    /// A piece that found no room.
    waiting: Option<Piece>,
    /// The greatest used share of each order's limits.
    pub peaks: [f64; 3],
}

impl<'a> Follower<'a> {
    pub fn new(case: &'a Case) -> Follower<'a> {
        let programmed = Programmed::of(case);
        let mut rests = programmed.rests();
        rests.reverse();
        Follower {
            case,
            programmed,
            elements: Elements::default(),
            planner: Planner::new(case.axes.clone(), case.start, 1),
            motion: PathMotion::new(case.axes.period_s),
            pushed: 0,
            taken: 0,
            cycle: 0,
            ratio: 1.0,
            before: None,
            distance: 0.0,
            rests,
            finished: false,
            last: None,
            waiting: None,
            peaks: [0.0; 3],
        }
    }

    pub fn push(&mut self, count: usize) {
        for element in self.case.elements.iter().skip(self.pushed).take(count) {
            self.planner.push(element);
            self.elements.push(self.planner.distance(), element.caps);
            self.pushed += 1;
        }
        if self.pushed == self.case.elements.len() && !self.finished {
            self.planner.finish(true);
            self.finished = true;
        }
    }

    pub fn hand_over(&mut self, most: usize) -> Result<(), String> {
        for _ in 0..most {
            let Some(piece) = self.waiting.take().or_else(|| self.planner.take()) else { break };
            if self.motion.room() == 0 {
                if self.motion.push(&piece) {
                    return Err("a piece was taken where there was no room".into());
                }
                self.waiting = Some(piece);
                break;
            }
            self.check(&piece)?;
            self.permitted(&piece)?;
            if let Some(before) = &self.last {
                self.continuous(before, &piece)?;
            }
            self.last = (!piece.rests).then_some(piece);
            if !self.motion.push(&piece) {
                return Err("a piece was refused where there was room".into());
            }
            self.taken += 1;
        }
        Ok(())
    }

    /// The curve of a piece is where the program permits it.
    fn check(&self, piece: &Piece) -> Result<(), String> {
        let values = [piece.length, piece.envelope.acceleration, piece.envelope.rate, piece.envelope.lag, piece.cap];
        if !values.iter().all(|value| value.is_finite() && *value >= 0.0) || (piece.length <= 0.0 && !piece.last) {
            return Err(format!("no piece: {piece:?}"));
        }
        if piece.length == 0.0 {
            return Ok(());
        }
        for share in [0.0, 0.3, 0.5, 0.8, 1.0] {
            let x = share * piece.length;
            let mut point: Point = [0.0; crate::subject::MAX_GROUP_AXES];
            for (axis, value) in point.iter_mut().enumerate().take(self.case.axes.limits.len()) {
                *value = piece.axes[axis].at(x);
            }
            let deviation = self.programmed.deviation(piece.distance + x, &point);
            if !(deviation <= 1.0) {
                let at = piece.distance + x;
                return Err(format!(
                    "piece {} at {at}, line {}: {deviation} of the tolerance, {}",
                    self.taken,
                    piece.line,
                    self.programmed.around(at)
                ));
            }
        }
        Ok(())
    }

    /// Two pieces meet in place, direction and curvature, and in what may be done there.
    fn continuous(&self, before: &Piece, piece: &Piece) -> Result<(), String> {
        let at = |what: &str, a: f64, b: f64| {
            Err(format!(
                "piece {} at {}, line {}: {what} jumps from {a} to {b}",
                self.taken, piece.distance, piece.line
            ))
        };
        let v = (2.0 * piece.ceiling.energy.min(piece.cap)).sqrt();
        for (axis, limits) in self.case.axes.limits.iter().enumerate() {
            let [p, first, second, _] = before.axes[axis].derivatives(before.length);
            let now = piece.axes[axis].derivatives(0.0);
            if !((p - now[0]).abs() <= self.programmed.rounding()) {
                return at("the place", p, now[0]);
            }
            if !((first - now[1]).abs() * v <= 1e-8 * limits.velocity) {
                return at("the direction", first, now[1]);
            }
            // What rounded places make of it where elements are next to nothing.
            let rounded = f64::EPSILON * self.programmed.size / piece.length.min(before.length).powi(2);
            if !(((second - now[2]).abs() - 8.0 * rounded) * v * v <= 1e-6 * limits.acceleration) {
                return at("the curvature", second, now[2]);
            }
        }
        let (ends, begins) = (before.envelope.at(before.length), piece.envelope.acceleration);
        if !((ends - begins).abs() <= 1e-9 * before.envelope.acceleration.max(begins)) {
            return at("the acceleration", ends, begins);
        }
        let (ends, _) = before.ceiling.at(before.envelope.potential(before.length));
        if !((ends - piece.ceiling.energy).abs() <= 1e-9 * before.ceiling.energy.max(ends)) {
            return at("the ceiling", ends, piece.ceiling.energy);
        }
        Ok(())
    }

    /// The limits of every axis hold whatever the share does, up to the ceiling.
    fn permitted(&self, piece: &Piece) -> Result<(), String> {
        let envelope = &piece.envelope;
        for step in 0..=8 {
            let x = f64::from(step) / 8.0 * piece.length;
            let (energy, _) = piece.ceiling.at(envelope.potential(x));
            let most = envelope.at(x);
            // On a landing the rest is always reached.
            let landing = piece.landing.map_or(f64::INFINITY, |way| most * (way - x).max(0.0));
            let since = piece.potential + envelope.potential(x);
            let v = (2.0 * energy.clamp(0.0, piece.cap).min(landing).min(since)).sqrt();
            for (axis, limits) in self.case.axes.limits.iter().enumerate() {
                let [_, first, second, third] = piece.axes[axis].derivatives(x);
                for (share, change) in [(1.0, 1.0), (1.0, -1.0), (-1.0, 1.0), (-1.0, -1.0), (0.0, 1.0), (0.0, -1.0)] {
                    {
                        let (a, j) = (share * most, change * envelope.rate * most + share * envelope.slope * v);
                        let used = [
                            (first * v).abs() / limits.velocity,
                            (first * a + second * v * v).abs() / limits.acceleration,
                            (first * j + 3.0 * second * v * a + third * v * v * v).abs() / limits.jerk,
                        ];
                        if !used.iter().all(|used| *used <= FULL) {
                            return Err(format!(
                                "piece {} at {}, line {}: axis {axis} may use {used:?} at {step}/8 with {share} and {change}, length {:.3e} a {:.3e} slope {:.3e} energy {energy:.4e} cap {:.4e} landing {:?}",
                                self.taken,
                                piece.distance,
                                piece.line,
                                piece.length,
                                most,
                                envelope.slope,
                                piece.cap,
                                piece.landing
                            ));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    pub fn supply(&mut self, supply: &Supply, random: &mut Random) -> Result<(), String> {
        match *supply {
            Supply::Whole => {
                self.push(usize::MAX);
                self.hand_over(usize::MAX)
            }
            Supply::Batches { most, chance } => {
                self.push(usize::MAX);
                if random.chance(chance) { self.hand_over(1 + random.below(most)) } else { Ok(()) }
            }
            Supply::Live { most, chance, finish } => {
                if random.chance(chance) {
                    self.push(1 + random.below(most));
                    if !self.finished && random.chance(finish) {
                        self.planner.finish(false);
                    }
                }
                self.hand_over(8)
            }
        }
    }

    /// One cycle, and what is wrong with it.
    pub fn step(&mut self, ratio: f64, between: f64) -> Result<(), String> {
        self.ratio = ratio;
        self.motion.step(ratio);
        self.cycle += 1;
        if self.taken == 0 {
            // Without a path it is nowhere.
            return Ok(());
        }
        let count = self.case.axes.limits.len();
        let at = |motion: &PathMotion, share: f64| -> Vec<[f64; 4]> {
            (0..count).map(|axis| motion.within(share, axis)).collect()
        };
        let first = at(&self.motion, 0.0);
        let last = at(&self.motion, 1.0);
        if let Some(before) = &self.before {
            self.joined(before, &first)?;
        }
        self.within(&first, 0.0)?;
        self.within(&last, 1.0)?;
        let inside = at(&self.motion, between);
        self.within(&inside, between)?;
        let way = (self.distance, self.motion.distance());
        for states in [&first, &inside, &last] {
            self.elements.within(states, &self.case.axes, way)?;
        }
        self.reachable(&first, &inside, between * self.case.axes.period_s)?;
        self.reachable(&inside, &last, (1.0 - between) * self.case.axes.period_s)?;
        for axis in 0..count {
            let state = self.motion.member(axis);
            self.same(axis, &last[axis], &[state.position, state.velocity, state.acceleration])?;
        }
        self.before = Some(last);
        self.progress()
    }

    fn joined(&self, before: &[[f64; 4]], now: &[[f64; 4]]) -> Result<(), String> {
        (0..before.len()).try_for_each(|axis| self.same(axis, &before[axis], &now[axis][..3]))
    }

    /// Position, velocity and acceleration are the same but for rounding.
    fn same(&self, axis: usize, before: &[f64; 4], now: &[f64]) -> Result<(), String> {
        let limits = &self.case.axes.limits[axis];
        let slack = [self.programmed.rounding(), 1e-7 * limits.velocity, 1e-6 * limits.acceleration];
        for order in 0..3 {
            let gap = (before[order] - now[order]).abs();
            if !(gap <= slack[order]) {
                return Err(format!("axis {axis}: derivative {order} jumps from {} to {}", before[order], now[order]));
            }
        }
        Ok(())
    }

    fn within(&mut self, states: &[[f64; 4]], share: f64) -> Result<(), String> {
        for (axis, state) in states.iter().enumerate() {
            let limits = &self.case.axes.limits[axis];
            for (order, limit) in [limits.velocity, limits.acceleration, limits.jerk].into_iter().enumerate() {
                let used = state[order + 1].abs() / limit;
                self.peaks[order] = self.peaks[order].max(used);
                if !(used <= FULL) {
                    return Err(format!(
                        "axis {axis} uses {used} of its limit of derivative {} at {share} of the cycle",
                        order + 1
                    ));
                }
            }
        }
        Ok(())
    }

    /// From one state to the other in this time, within the limits: whatever happens between.
    fn reachable(&self, from: &[[f64; 4]], to: &[[f64; 4]], seconds: f64) -> Result<(), String> {
        for (axis, limits) in self.case.axes.limits.iter().enumerate() {
            let rounding = [self.programmed.rounding(), 1e-7 * limits.velocity, 1e-6 * limits.acceleration];
            for (order, limit) in [limits.velocity, limits.acceleration, limits.jerk].into_iter().enumerate() {
                let change = (to[axis][order] - from[axis][order]).abs();
                if !(change <= limit * seconds * FULL + rounding[order]) {
                    return Err(format!("axis {axis}: derivative {order} changes by {change} in {seconds} s"));
                }
            }
        }
        Ok(())
    }

    fn progress(&mut self) -> Result<(), String> {
        let distance = self.motion.distance();
        let length = self.programmed.length();
        if !(distance >= self.distance - 1e-12 * (1.0 + length)) {
            return Err(format!("runs back from {} to {distance}", self.distance));
        }
        if !(distance <= length * (1.0 + 1e-12) + 1e-12) {
            return Err(format!("at {distance} beyond the end {length}"));
        }
        self.distance = distance;
        let near = 1e-9 * (1.0 + length);
        if let Some(next) = self.rests.last() {
            if (distance - next).abs() <= near && self.motion.velocity() == 0.0 {
                self.rests.pop();
            } else if distance > next + near {
                return Err(format!("passes the rest at {next}, is at {distance}"));
            }
        }
        Ok(())
    }

    /// What must be true at the end.
    pub fn ended(&self) -> Result<(), String> {
        let end = self.programmed.end(&self.case.start);
        for axis in 0..self.case.axes.limits.len() {
            let state = self.motion.member(axis);
            let off = (state.position - end[axis]).abs();
            if !(off <= 1e-12 * (1.0 + end[axis].abs() + self.case.start[axis].abs()))
                || state.velocity != 0.0
                || state.acceleration != 0.0
            {
                return Err(format!("axis {axis} ends as {state:?}, programmed {}", end[axis]));
            }
        }
        if !self.rests.is_empty() || self.motion.moving() {
            return Err(format!("rests at {:?} were passed", self.rests));
        }
        Ok(())
    }

    /// To the end, with these overrides for as long as the program takes about, and the full velocity from then on.
    pub fn run(&mut self, overrides: &Overrides, supply: &Supply, random: &mut Random) -> Result<(), String> {
        const STORM: usize = 20_000;
        const MOST: usize = 400_000;
        for cycle in 0..MOST {
            let ratio = if cycle < STORM { overrides.next(cycle, self.ratio, random) } else { 1.0 };
            let calm = if cycle < STORM { supply } else { &Supply::Whole };
            self.supply(calm, random)?;
            let between = random.unit();
            self.step(ratio, between).map_err(|what| {
                format!("cycle {cycle}, ratio {ratio}, at {}, line {}: {what}", self.distance, self.motion.line())
            })?;
            if self.motion.arrived() {
                return self.ended();
            }
        }
        Err(format!("did not arrive in {MOST} cycles: at {} of {}", self.distance, self.programmed.length()))
    }
}
