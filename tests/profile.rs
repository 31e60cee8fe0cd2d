//! The scalar profile over random cases: limits between any two instants, the target, continuity, and durations
//! against closed forms.

mod support;

use motiond::motion::Limits;
use motiond::motion::profile::{Profile, State, stopping_distance};
use support::{Random, cases, seed};

const RELATIVE: f64 = 1e-9;

#[derive(Clone, Copy, Debug)]
struct Case {
    start: State,
    target: f64,
    limits: Limits,
}

/// Any state, also beyond the limits, at any scale; a share of special values, which random ones never hit.
fn case(random: &mut Random) -> Case {
    let scale = if random.chance(0.5) { 1.0 } else { random.magnitude(1e-3, 1e4) };
    let velocity = scale * random.magnitude(0.1, 100.0);
    let acceleration = velocity * random.magnitude(0.1, 1000.0);
    let jerk = acceleration * random.magnitude(0.1, 1000.0);
    let limits = Limits { velocity, acceleration, jerk };
    let within = |random: &mut Random, limit: f64| match random.below(8) {
        0 | 1 => 0.0,
        2 => limit * if random.chance(0.5) { 1.0 } else { -1.0 },
        3 => random.within(-2.0, 2.0) * limit,
        _ => random.within(-1.0, 1.0) * limit,
    };
    let start = State {
        position: if random.chance(0.3) { 0.0 } else { random.within(-1e3, 1e3) * scale },
        velocity: within(random, velocity),
        acceleration: within(random, acceleration),
    };
    let stop = start.position + stopping_distance(start.velocity, start.acceleration, &limits);
    let reach = velocity * (velocity / acceleration + acceleration / jerk);
    let target = match random.below(8) {
        0 => start.position,
        1 => stop,
        2 => stop + random.within(-1.0, 1.0) * reach * 1e-6,
        3 | 4 => start.position + random.within(-1.0, 1.0) * reach * 100.0,
        _ => start.position + random.within(-2.0, 2.0) * reach,
    };
    Case { start, target, limits }
}

/// What is wrong with a profile, if anything: every phase is looked at by its formulas, not by sampling.
fn judge(case: &Case, profile: &Profile) -> Result<(), String> {
    let Case { start, target, limits } = *case;
    let place = start.position.abs() + target.abs() + profile.extent(0.0).1.abs() + profile.extent(0.0).0.abs();
    let mut state = start;
    let mut time = 0.0;
    // A start beyond a limit may come back, but the excess never grows beyond what releasing the acceleration takes.
    let released = start.velocity + start.acceleration * start.acceleration.abs() / (2.0 * limits.jerk);
    let top_velocity = limits.velocity.max(start.velocity.abs()).max(released.abs());
    let top_acceleration = limits.acceleration.max(start.acceleration.abs());
    for phase in profile.phases() {
        let (begins_s, length_s, from, jerk) = (phase.begin_s, phase.length_s(), phase.first, phase.jerk);
        let near = |a: f64, b: f64, scale: f64| (a - b).abs() <= RELATIVE * scale;
        if !near(begins_s, time, time + 1e-9) || length_s < 0.0 || !length_s.is_finite() {
            return Err(format!("phase begins at {begins_s} after {time}, lasts {length_s}"));
        }
        if !near(from.position, state.position, place)
            || !near(from.velocity, state.velocity, top_velocity)
            || !near(from.acceleration, state.acceleration, top_acceleration)
        {
            return Err(format!("jump from {state:?} to {from:?} at {begins_s}"));
        }
        if jerk.abs() > limits.jerk * (1.0 + RELATIVE) {
            return Err(format!("jerk {jerk}"));
        }
        state = from.advanced(length_s, jerk);
        time = begins_s + length_s;
        // Acceleration is linear: its ends decide. Velocity is a parabola: its ends and its turning point.
        let mut velocities = vec![from.velocity, state.velocity];
        let turn_s = -from.acceleration / jerk;
        if turn_s > 0.0 && turn_s < length_s {
            velocities.push(from.advanced(turn_s, jerk).velocity);
        }
        for velocity in velocities {
            if velocity.abs() > top_velocity * (1.0 + RELATIVE) {
                return Err(format!("velocity {velocity} of {top_velocity} in the phase at {begins_s}"));
            }
        }
        for acceleration in [from.acceleration, state.acceleration] {
            if acceleration.abs() > top_acceleration * (1.0 + RELATIVE) {
                return Err(format!("acceleration {acceleration} of {top_acceleration}"));
            }
        }
        // Outside its limit the acceleration only shrinks.
        if from.acceleration.abs() > limits.acceleration * (1.0 + RELATIVE)
            && state.acceleration.abs() > from.acceleration.abs() * (1.0 + RELATIVE)
        {
            return Err(format!("acceleration leaves further: {} to {}", from.acceleration, state.acceleration));
        }
    }
    if (state.position - target).abs() > RELATIVE * place
        || state.velocity.abs() > RELATIVE * top_velocity * 10.0
        || state.acceleration.abs() > RELATIVE * top_acceleration * 10.0
    {
        return Err(format!("ends at {state:?}, not at rest at {target}"));
    }
    if profile.at(profile.duration_s()) != State::rest(target) || profile.at(time * 2.0 + 1.0) != State::rest(target) {
        return Err("does not stay at the target".to_string());
    }
    let before = profile.at(-1.0);
    if (before.position - start.position).abs() > RELATIVE * place {
        return Err(format!("starts at {before:?}"));
    }
    Ok(())
}

#[test]
fn any_start_reaches_any_target_within_its_limits() {
    let seed = seed(1);
    let count = cases(1_000_000);
    println!("seed {seed}, {count} cases");
    for index in 0..count {
        let mut random = Random::new(seed.wrapping_add(index as u64 * 7919));
        let case = case(&mut random);
        let profile = Profile::to_position(case.start, case.target, &case.limits);
        if let Err(what) = judge(&case, &profile) {
            panic!("seed {seed} case {index}: {what}\n{case:?}\n{profile:#?}");
        }
    }
}

/// Rest to rest, by hand: the four cases of a symmetric jerk-limited move.
fn rest_to_rest_s(distance: f64, limits: &Limits) -> f64 {
    let Limits { velocity: v, acceleration: a, jerk: j } = *limits;
    let d = distance.abs();
    if v >= a * a / j {
        if d >= v * (v / a + a / j) {
            d / v + v / a + a / j
        } else if d >= 2.0 * a.powi(3) / (j * j) {
            a / j + ((a / j).powi(2) + 4.0 * d / a).sqrt()
        } else {
            (32.0 * d / j).cbrt()
        }
    } else if d >= 2.0 * v * (v / j).sqrt() {
        d / v + 2.0 * (v / j).sqrt()
    } else {
        (32.0 * d / j).cbrt()
    }
}

#[test]
fn rest_to_rest_takes_the_closed_form() {
    let seed = seed(2);
    let mut random = Random::new(seed);
    for index in 0..cases(100_000) {
        let Case { start, target, limits } = case(&mut random);
        let profile = Profile::to_position(State::rest(start.position), target, &limits);
        let expected = rest_to_rest_s(target - start.position, &limits);
        let found = profile.duration_s();
        // A distance that is the difference of two large coordinates is known only to their rounding.
        let coarse = (start.position.abs() + target.abs()) * 1e-15 / (target - start.position).abs().max(1e-300);
        assert!(
            (found - expected).abs() <= (1e-8 + coarse) * expected || expected < 1e-9,
            "seed {seed} case {index}: {found} s, closed form {expected} s, from {} to {target} {limits:?}",
            start.position
        );
    }
}

#[test]
fn a_change_of_velocity_takes_the_closed_form() {
    let seed = seed(3);
    let mut random = Random::new(seed);
    for index in 0..cases(100_000) {
        let Case { limits, .. } = case(&mut random);
        let (v0, v1) = (random.within(-1.0, 1.0) * limits.velocity, random.within(-1.0, 1.0) * limits.velocity);
        let profile = Profile::to_velocity(State { velocity: v0, ..State::default() }, v1, &limits);
        let (gap, Limits { acceleration: a, jerk: j, .. }) = ((v1 - v0).abs(), limits);
        let expected = if gap <= a * a / j { 2.0 * (gap / j).sqrt() } else { gap / a + a / j };
        let found = profile.duration_s();
        assert!((found - expected).abs() <= 1e-9 * expected, "seed {seed} case {index}: {found} s, {expected} s");
        let way = (v0 + v1) * expected / 2.0;
        let scale = limits.velocity * expected;
        assert!((profile.end().position - way).abs() <= 1e-9 * scale, "seed {seed} case {index}");
    }
}

#[test]
fn a_synchronised_move_takes_the_time_that_it_was_given() {
    let seed = seed(4);
    let mut random = Random::new(seed);
    let (mut met, mut gaps) = (0, 0);
    for index in 0..cases(20_000) {
        let case = case(&mut random);
        let fastest = Profile::to_position(case.start, case.target, &case.limits);
        let wanted = fastest.duration_s() * random.within(1.0, 5.0);
        let (profile, exact) = Profile::to_position_in(case.start, case.target, &case.limits, wanted);
        if let Err(what) = judge(&case, &profile) {
            panic!("seed {seed} case {index}: {what}\n{case:?}\n{profile:#?}");
        }
        assert!(exact, "seed {seed} case {index}: {wanted} s, at least {} s {case:?}", fastest.duration_s());
        if (profile.duration_s() - wanted).abs() <= 1e-9 * wanted {
            met += 1;
        } else {
            gaps += 1;
        }
    }
    println!("seed {seed}: {met} met, {gaps} in a gap");
    assert!(met > gaps);
}

#[test]
fn a_higher_limit_makes_no_move_from_rest_longer() {
    let seed = seed(5);
    let mut random = Random::new(seed);
    for index in 0..cases(100_000) {
        let Case { start, target, limits } = case(&mut random);
        let start = State::rest(start.position);
        let duration = |limits: &Limits| Profile::to_position(start, target, limits).duration_s();
        let before = duration(&limits);
        let more = random.within(1.0, 3.0);
        let raised = match random.below(3) {
            0 => Limits { velocity: limits.velocity * more, ..limits },
            1 => Limits { acceleration: limits.acceleration * more, ..limits },
            _ => Limits { jerk: limits.jerk * more, ..limits },
        };
        let after = duration(&raised);
        let coarse = (start.position.abs() + target.abs()) * 1e-15 / (target - start.position).abs().max(1e-300);
        assert!(
            after <= before * (1.0 + 1e-9 + coarse),
            "seed {seed} case {index}: {before} s, then {after} s to {target}: {start:?} {limits:?} {raised:?}"
        );
    }
}

#[test]
fn results_scale_with_units() {
    let seed = seed(6);
    let mut random = Random::new(seed);
    for index in 0..cases(100_000) {
        let Case { start, target, limits } = case(&mut random);
        let factor = 1024.0; // exact in binary, so that nothing is rounded anew
        let profile = Profile::to_position(start, target, &limits);
        let State { position, velocity, acceleration } = start;
        let scaled = Profile::to_position(
            State { position: position * factor, velocity: velocity * factor, acceleration: acceleration * factor },
            target * factor,
            &Limits {
                velocity: limits.velocity * factor,
                acceleration: limits.acceleration * factor,
                jerk: limits.jerk * factor,
            },
        );
        let (a, b) = (profile.duration_s(), scaled.duration_s());
        assert!((a - b).abs() <= 1e-9 * a.max(1e-9), "seed {seed} case {index}: {a} {b}");
    }
}
