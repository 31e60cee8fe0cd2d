//! There and back along a path and line by line, as an operator asks for it at any time.

use crate::case::Case;
use crate::claims::Verdict;
use crate::subject::{Passage, Piece, Planner};
use crate::support::Random;

/// How much of a limit may be used; the rest is rounding.
const FULL: f64 = 1.0 + 1e-9;
/// Cycles in which an operator does something.
const BUSY: usize = 12_000;
/// Cycles in which every path has ended.
const MOST: usize = 400_000;
/// Cycles in which the far end of what is kept is reached.
const LONG: usize = 100_000;

/// What is asked for from cycle to cycle.
struct Operator {
    /// Something new every so many cycles, about.
    often: f64,
    ratio: f64,
}

impl Operator {
    fn act(&mut self, passage: &mut Passage, random: &mut Random) {
        if !random.chance(1.0 / self.often) {
            return;
        }
        match random.below(8) {
            0 | 1 => passage.retreat(true),
            2 | 3 => passage.retreat(false),
            4 => self.ratio = if random.chance(0.5) { 0.0 } else { 1.0 },
            5 => self.ratio = random.within(0.0, 2.0),
            6 => passage.set_steps(random.chance(0.4)),
            _ => {
                passage.next_step();
            }
        }
    }
}

/// A path on its way, in both directions.
struct Walker<'a> {
    case: &'a Case,
    passage: Passage,
    pieces: Vec<Piece>,
    /// Those that the cycle has, or had.
    given: usize,
    before: Option<Vec<[f64; 4]>>,
    rounding: f64,
    between: f64,
}

impl<'a> Walker<'a> {
    fn new(case: &'a Case) -> Walker<'a> {
        let mut planner = Planner::new(case.axes.clone(), case.start, 1);
        case.elements.iter().for_each(|element| planner.push(element));
        planner.finish(true);
        let pieces: Vec<Piece> = std::iter::from_fn(|| planner.take()).collect();
        let far = pieces.iter().flat_map(|piece| piece.axes).fold(1.0, |far: f64, cubic| far.max(cubic.0[0].abs()));
        let passage = Passage::new(case.axes.period_s);
        Walker { case, passage, pieces, given: 0, before: None, rounding: 1e-11 * far, between: 0.5 }
    }

    fn supply(&mut self, most: usize) {
        for _ in 0..most {
            if self.given == self.pieces.len() || !self.passage.push(&self.pieces[self.given]) {
                return;
            }
            self.given += 1;
        }
    }

    fn step(&mut self, ratio: f64) -> Result<(), String> {
        self.passage.step(ratio);
        let count = self.case.axes.limits.len();
        let at = |share: f64| -> Vec<[f64; 4]> { (0..count).map(|axis| self.passage.within(share, axis)).collect() };
        let states = [0.0, self.between, 1.0].map(at);
        let period = self.case.axes.period_s;
        if let Some(before) = &self.before {
            self.reachable(before, &states[0], 0.0)?;
        }
        self.reachable(&states[0], &states[1], self.between * period)?;
        self.reachable(&states[1], &states[2], (1.0 - self.between) * period)?;
        for state in &states {
            self.within(state)?;
        }
        self.on_path(&states[2])?;
        let [_, _, last] = states;
        self.before = Some(last);
        Ok(())
    }

    fn within(&self, states: &[[f64; 4]]) -> Result<(), String> {
        for (axis, state) in states.iter().enumerate() {
            let limits = &self.case.axes.limits[axis];
            for (order, limit) in [limits.velocity, limits.acceleration, limits.jerk].into_iter().enumerate() {
                let used = state[order + 1].abs() / limit;
                if !(used <= FULL) {
                    return Err(format!("axis {axis} uses {used} of its limit of derivative {}", order + 1));
                }
            }
        }
        Ok(())
    }

    /// From one state to the other in this time, within the limits.
    fn reachable(&self, from: &[[f64; 4]], to: &[[f64; 4]], seconds: f64) -> Result<(), String> {
        for (axis, limits) in self.case.axes.limits.iter().enumerate() {
            let rounding = [self.rounding, 1e-7 * limits.velocity, 1e-6 * limits.acceleration];
            for (order, limit) in [limits.velocity, limits.acceleration, limits.jerk].into_iter().enumerate() {
                let change = (to[axis][order] - from[axis][order]).abs();
                if !(change <= limit * seconds * FULL + rounding[order]) {
                    return Err(format!("axis {axis}: derivative {order} changes by {change} in {seconds} s"));
                }
            }
        }
        Ok(())
    }

    /// Where the path is at the distance that is told, to rounding.
    fn on_path(&self, states: &[[f64; 4]]) -> Result<(), String> {
        let distance = self.passage.path().distance();
        let index = self.pieces.partition_point(|piece| piece.distance <= distance).saturating_sub(1);
        let piece = &self.pieces[index];
        for (axis, state) in states.iter().enumerate() {
            let programmed = piece.axes[axis].at((distance - piece.distance).min(piece.length));
            let slack = self.rounding + 1e-11 * distance;
            if !((state[0] - programmed).abs() <= slack) {
                return Err(format!("axis {axis} is at {} and the path at {programmed}", state[0]));
            }
        }
        Ok(())
    }

    fn told(&self, cycle: usize, ratio: f64, what: &str) -> String {
        let path = self.passage.path();
        format!(
            "cycle {cycle}, ratio {ratio}, {}, at {} of {}, line {}: {what}",
            if self.passage.retreats() { "back" } else { "forward" },
            path.distance(),
            self.pieces.last().map_or(0.0, |last| last.distance + last.length),
            path.line()
        )
    }
}

/// Whatever is asked for, every limit holds, the path is not left, and its end is reached when nothing more is.
pub fn storm(random: &mut Random, case: &Case) -> Verdict {
    let mut walker = Walker::new(case);
    let mut operator = Operator { often: random.magnitude(3.0, 1500.0), ratio: 1.0 };
    let scarce = random.chance(0.3);
    for cycle in 0..MOST {
        let busy = cycle < BUSY;
        if busy {
            operator.act(&mut walker.passage, random);
        } else {
            operator.ratio = 1.0;
            walker.passage.retreat(false);
            walker.passage.set_steps(false);
        }
        let most = if scarce && busy { random.below(3) } else { usize::MAX };
        walker.supply(most);
        walker.between = random.unit();
        let ratio = operator.ratio;
        if walker.given > 0 {
            walker.step(ratio).map_err(|what| walker.told(cycle, ratio, &what))?;
        }
        if walker.passage.arrived() {
            return walker.ended().map(|()| cycle);
        }
    }
    Err(walker.told(MOST, operator.ratio, "did not arrive"))
}

/// From a place anywhere, as far back as there is something, to rest there; and on to the end.
pub fn to_the_far_end(random: &mut Random, case: &Case) -> Verdict {
    let mut walker = Walker::new(case);
    walker.supply(usize::MAX);
    let whole = walker.pieces.last().map_or(0.0, |last| last.distance + last.length);
    let turn = random.unit() * whole;
    let (mut cycle, mut back) = (0, 0);
    while !walker.passage.arrived() {
        walker.supply(usize::MAX);
        walker.between = random.unit();
        walker.step(1.0).map_err(|what| walker.told(cycle, 1.0, &what))?;
        if back == 0 && walker.passage.path().distance() >= turn {
            walker.passage.retreat(true);
            back = cycle;
        }
        if walker.passage.retreats() {
            if walker.passage.at_far_end() {
                walker.passage.retreat(false);
            } else if cycle > back + LONG {
                return Err(walker.told(cycle, 1.0, "does not come to the far end"));
            }
        }
        cycle += 1;
        if cycle > MOST {
            return Err(walker.told(cycle, 1.0, "did not arrive"));
        }
    }
    walker.ended().map(|()| cycle)
}

/// Line by line, each to the end of a piece behind which another line begins.
pub fn line_by_line(random: &mut Random, case: &Case) -> Verdict {
    let mut walker = Walker::new(case);
    walker.passage.set_steps(true);
    let (mut cycle, mut steps) = (0, 0);
    while !walker.passage.arrived() {
        walker.supply(usize::MAX);
        walker.between = random.unit();
        let ratio = if random.chance(0.002) { 0.0 } else { 1.0 };
        walker.step(ratio).map_err(|what| walker.told(cycle, ratio, &what))?;
        if walker.passage.waits() {
            let distance = walker.passage.path().distance();
            let after = walker.pieces.partition_point(|piece| piece.distance < distance - 1e-12 * distance);
            let (Some(before), Some(next)) = (walker.pieces.get(after.wrapping_sub(1)), walker.pieces.get(after))
            else {
                return Err(walker.told(cycle, ratio, "waits nowhere"));
            };
            if before.line == next.line || walker.passage.moving() {
                let off = distance - next.distance;
                return Err(walker.told(cycle, ratio, &format!("waits within a line, {off:e} behind its beginning")));
            }
            steps += 1;
            walker.passage.next_step();
        }
        cycle += 1;
        if cycle > 10 * MOST {
            return Err(walker.told(cycle, ratio, "did not arrive"));
        }
    }
    let lines = walker.pieces.windows(2).filter(|pair| pair[0].line != pair[1].line).count();
    if steps != lines {
        return Err(format!("{steps} steps, {lines} lines"));
    }
    walker.ended().map(|()| cycle)
}

impl Walker<'_> {
    fn ended(&self) -> Result<(), String> {
        let Some(last) = self.pieces.last() else { return Ok(()) };
        for axis in 0..self.case.axes.limits.len() {
            let state = self.passage.member(axis);
            let end = last.axes[axis].at(last.length);
            if !((state.position - end).abs() <= self.rounding) || state.velocity != 0.0 || state.acceleration != 0.0 {
                return Err(format!("axis {axis} ends as {state:?}, the path at {end}"));
            }
        }
        Ok(())
    }
}
