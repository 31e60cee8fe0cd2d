//! The scalar profile against `rsruckig`, an independent solver of the same problem: never slower than it.

#[path = "profile/judge.rs"]
mod judge;
#[path = "support/random.rs"]
mod support;

/// What `judge` looks at, as in `tests/profile.rs`.
mod subject {
    pub use motiond::motion::Limits;
    pub use motiond::motion::profile::*;
}

/// `judge` knows a problem by this name.
mod case {
    use crate::subject::{Limits, State};

    #[derive(Clone, Copy, Debug)]
    pub struct Case {
        pub start: State,
        pub target: f64,
        pub limits: Limits,
    }
}

use case::Case;
use rsruckig::prelude::*;
use subject::{Limits, Profile, State, stopping_distance};
use support::{Random, cases, seed};

/// Durations are compared to this part of themselves: it is what the oracle promises of positions.
const TOLERANCE: f64 = 1e-6;

/// Metre-scaled, as the oracle's absolute tolerances want it, and inside all limits, also after releasing the
/// acceleration: beyond them it means something else by "fastest".
fn metre_scaled(random: &mut Random) -> Case {
    let limits = Limits {
        velocity: random.magnitude(0.1, 10.0),
        acceleration: random.magnitude(0.3, 30.0),
        jerk: random.magnitude(1.0, 300.0),
    };
    let still = random.chance(0.2);
    let start = loop {
        let mut part = |limit: f64| if still || random.chance(0.1) { 0.0 } else { random.within(-0.99, 0.99) * limit };
        let start = State { position: 0.0, velocity: part(limits.velocity), acceleration: part(limits.acceleration) };
        if judge::released(&start, &limits).abs() < 0.99 * limits.velocity {
            break start;
        }
    };
    let target = match random.below(4) {
        0 => {
            stopping_distance(start.velocity, start.acceleration, &limits) + random.sign() * random.magnitude(1e-9, 1.0)
        }
        1 => random.sign() * random.magnitude(1e-9, 10.0),
        _ => random.within(-10.0, 10.0),
    };
    Case { start, target, limits }
}

/// What the oracle says: its duration, and by how much (relative) it leaves a limit or misses the target.
fn oracle(case: &Case) -> Option<(f64, f64)> {
    let Case { start, target, limits } = *case;
    let mut input = InputParameter::<1>::new(None);
    input.current_position[0] = start.position;
    input.current_velocity[0] = start.velocity;
    input.current_acceleration[0] = start.acceleration;
    input.target_position[0] = target;
    input.max_velocity[0] = limits.velocity;
    input.max_acceleration[0] = limits.acceleration;
    input.max_jerk[0] = limits.jerk;
    let mut trajectory = Trajectory::<1>::new(None);
    Ruckig::<1, ThrowErrorHandler>::new(None, 0.001).calculate(&input, &mut trajectory).ok()?;
    let profile = &trajectory.get_profiles()[0][0];
    let (mut state, mut excess) = (start, 0.0f64);
    let brakes = (0..2).map(|index| (profile.brake.t[index], profile.brake.j[index]));
    let phases = (0..7).map(|index| (profile.t[index], profile.j[index]));
    for (time_s, jerk) in brakes.chain(phases).filter(|(time_s, _)| *time_s > 0.0) {
        let turn_s = -state.acceleration / jerk;
        let turn = if turn_s > 0.0 && turn_s < time_s { state.advanced(turn_s, jerk).velocity } else { 0.0 };
        state = state.advanced(time_s, jerk);
        for (found, limit) in [
            (turn, limits.velocity),
            (state.velocity, limits.velocity),
            (state.acceleration, limits.acceleration),
            (jerk, limits.jerk),
        ] {
            excess = excess.max(found.abs() / limit - 1.0);
        }
    }
    let miss = (state.position - target).abs().max(state.velocity.abs()).max(state.acceleration.abs());
    Some((trajectory.get_duration(), excess.max(miss)))
}

#[test]
fn no_move_takes_longer_than_the_oracle_needs() {
    let (seed, count) = (seed(20262), cases(200_000));
    let (mut failed, mut broke, mut slower, mut agreed) = (0, 0, 0, 0);
    let mut largest = (0.0f64, None);
    for index in 0..count {
        let case = metre_scaled(&mut Random::new(seed ^ (index as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93)));
        let profile = Profile::to_position(case.start, case.target, &case.limits);
        if let Err(what) = judge::to_rest(&case, &profile) {
            panic!("seed {seed} case {index}: {what}\n{case:?}");
        }
        let ours = profile.duration_s();
        let Some((theirs, excess)) = oracle(&case) else {
            failed += 1;
            continue;
        };
        if excess > TOLERANCE {
            broke += 1;
            continue;
        }
        assert!(
            ours <= theirs * (1.0 + TOLERANCE),
            "seed {seed} case {index}: {ours} s, the oracle {theirs} s (excess {excess})\n{case:?}\n{profile:#?}"
        );
        if theirs > ours * (1.0 + TOLERANCE) {
            slower += 1;
            if theirs / ours > largest.0 {
                largest = (theirs / ours, Some(case));
            }
        } else {
            agreed += 1;
        }
    }
    println!(
        "seed {seed}: of {count} cases {agreed} agree within {TOLERANCE:e}; the oracle failed in {failed}, left a limit or \
         missed the target in {broke}, took longer in {slower} (most: {} times, {:?})",
        largest.0, largest.1
    );
    assert!(agreed > count / 2, "the oracle has to be of use");
}
