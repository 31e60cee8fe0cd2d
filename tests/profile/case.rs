//! Random starts, targets and limits: any state, also beyond the limits, at any scale, with a share of the special
//! values that random ones never hit.

use crate::subject::{Limits, Profile, State, stopping_distance};
use crate::support::Random;

/// One problem.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub start: State,
    pub target: f64,
    pub limits: Limits,
}

/// Case `index` of the campaign with `seed`, whatever came before it.
pub fn nth(seed: u64, index: usize) -> (Random, Case) {
    let mut random = Random::new(seed ^ (index as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let case = any(&mut random);
    (random, case)
}

fn any(random: &mut Random) -> Case {
    let limits = limits(random);
    let mut start = start(random, &limits);
    let reach = reach(&limits);
    start.position = match random.below(8) {
        0..4 => 0.0,
        4..7 => random.within(-10.0, 10.0) * reach,
        _ => random.within(-1e6, 1e6) * reach,
    };
    let target = target(random, start, &limits);
    Case { start, target, limits }
}

/// A length to go by: the way in which the limits are just reached from rest.
pub fn reach(limits: &Limits) -> f64 {
    let Limits { velocity, acceleration, jerk } = *limits;
    if velocity * jerk >= acceleration * acceleration {
        velocity * (velocity / acceleration + acceleration / jerk)
    } else {
        2.0 * velocity * (velocity / jerk).sqrt()
    }
}

fn limits(random: &mut Random) -> Limits {
    let spread = |random: &mut Random, ratio: f64| random.magnitude(1.0 / ratio, ratio);
    let scale = match random.below(8) {
        0..4 => 1.0,
        4..7 => spread(random, 1e3),
        _ => spread(random, 1e12),
    };
    // How quickly the acceleration, and with it the velocity, is reached, seconds.
    let wide = random.chance(0.1);
    let build_up = if wide { spread(random, 1e6) } else { random.magnitude(1e-3, 1.0) };
    let acceleration = scale * random.magnitude(1.0, 1e4);
    let ratio = if wide { spread(random, 1e6) } else { spread(random, 1e2) };
    Limits { velocity: acceleration * build_up * ratio, acceleration, jerk: acceleration / build_up }
}

fn part(random: &mut Random, limit: f64) -> f64 {
    match random.below(16) {
        0..4 => 0.0,
        4 => limit * random.sign(),
        5 => limit * random.sign() * random.within(0.99, 1.01),
        6 | 7 => random.within(-3.0, 3.0) * limit,
        8 => random.within(-100.0, 100.0) * limit,
        9 => random.within(-1.0, 1.0) * limit * 1e-6,
        _ => random.within(-1.0, 1.0) * limit,
    }
}

fn start(random: &mut Random, limits: &Limits) -> State {
    let acceleration = part(random, limits.acceleration);
    let released = acceleration * acceleration.abs() / (2.0 * limits.jerk);
    let velocity = match random.below(8) {
        // Just releasing the acceleration leads to rest, or to the velocity limit.
        0 => -released,
        1 => random.sign() * limits.velocity - released,
        _ => part(random, limits.velocity),
    };
    let start = State { position: 0.0, velocity, acceleration };
    if random.chance(0.2) {
        // Half-way through another motion.
        let way = random.within(-2.0, 2.0) * reach(limits);
        let before = Profile::to_position(start, way, limits);
        let place = before.at(random.unit() * before.duration_s());
        return State { position: 0.0, ..place };
    }
    start
}

fn target(random: &mut Random, start: State, limits: &Limits) -> f64 {
    let reach = reach(limits);
    let stop = start.position + stopping_distance(start.velocity, start.acceleration, limits);
    match random.below(16) {
        0 => start.position,
        1 => stop,
        2 | 3 => stop + random.sign() * random.magnitude(1e-12, 1.0) * reach,
        4 => start.position + random.sign() * random.magnitude(1e-12, 1.0) * reach,
        5..8 => stop + random.within(-1.0, 1.0) * reach,
        8..11 => start.position + random.within(-100.0, 100.0) * reach,
        _ => start.position + random.within(-2.0, 2.0) * reach,
    }
}
