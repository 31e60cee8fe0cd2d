//! What is claimed of profiles. Each claim looks at one case and says what is wrong, if anything.

use crate::case::{self, Case, reach};
use crate::judge::{self, ROUNDING, Tolerance};
use crate::subject::{Limits, Profile, State, stopping_distance};
use crate::support::Random;

pub type Verdict = Result<(), String>;

/// A claim and its name, as a test is named.
pub type Claim = (&'static str, fn(&mut Random, &Case) -> Verdict);

pub const CLAIMS: &[Claim] = &[
    ("any_start_reaches_any_target_within_its_limits", reaches),
    ("any_start_reaches_any_velocity_within_its_limits", velocity),
    ("a_profile_is_what_its_phases_say_at_every_time", evaluation),
    ("a_move_from_rest_takes_the_closed_form", rest_to_rest),
    ("a_change_of_velocity_takes_the_closed_form", change_of_velocity),
    ("a_stop_takes_no_longer_than_the_closed_form", stop),
    ("the_rest_of_the_way_takes_the_rest_of_the_time", remainder),
    ("a_higher_limit_makes_no_move_longer", raised_limit),
    ("results_scale_with_units_and_mirror", units),
    ("a_move_takes_the_time_that_it_is_given", synchronised),
    ("a_move_stays_within_its_extent", extent),
];

fn solve(case: &Case) -> Profile {
    Profile::to_position(case.start, case.target, &case.limits)
}

fn reaches(_: &mut Random, case: &Case) -> Verdict {
    let profile = solve(case);
    judge::to_rest(case, &profile)?;
    let announced = Profile::duration_to_position_s(case.start, case.target, &case.limits);
    close("announced duration", announced, profile.duration_s(), ROUNDING * profile.duration_s())
}

fn velocity(random: &mut Random, case: &Case) -> Verdict {
    let wanted = case.limits.velocity * if random.chance(0.3) { 0.0 } else { random.within(-1.0, 1.0) };
    let profile = Profile::to_velocity(case.start, wanted, &case.limits);
    let tolerance = judge::phases(&case.start, &case.limits, case.limits.velocity, &profile)?;
    let end = profile.end();
    if end.velocity != wanted || end.acceleration != 0.0 || profile.at(profile.duration_s()) != end {
        return Err(format!("ends in {end:?}, not exactly at velocity {wanted}"));
    }
    let later = profile.at(profile.duration_s() + 3.0);
    close("goes on", later.position, end.position + 3.0 * wanted, tolerance.position + ROUNDING * wanted.abs() * 3.0)?;
    if wanted == 0.0 {
        let stop = case.start.position + stopping_distance(case.start.velocity, case.start.acceleration, &case.limits);
        close("stopping distance", end.position, stop, tolerance.position)?;
    }
    Ok(())
}

fn evaluation(random: &mut Random, case: &Case) -> Verdict {
    let profile = solve(case);
    let tolerance = Tolerance::of(&case.start, &profile, &case.limits);
    for phase in profile.phases() {
        let inside_s = phase.begin_s + random.unit() * phase.length_s();
        let (found, by_formula) = (profile.at(inside_s), phase.first.advanced(inside_s - phase.begin_s, phase.jerk));
        if !tolerance.near(found, by_formula) || (inside_s < phase.end_s && profile.jerk_at(inside_s) != phase.jerk) {
            return Err(format!("{found:?} at {inside_s} s, by the formula {by_formula:?}"));
        }
    }
    if !tolerance.near(profile.at(0.0), case.start) || profile.at(-1.0) != profile.at(0.0) {
        return Err(format!("starts in {:?}", profile.at(0.0)));
    }
    let mut moved = profile;
    let shift = random.within(-1.0, 1.0) * reach(&case.limits);
    moved.shift(shift);
    let at_s = random.unit() * profile.duration_s();
    let (before, after) = (profile.at(at_s), moved.at(at_s));
    close("shifted", after.position, before.position + shift, tolerance.position + ROUNDING * shift.abs())
}

fn rest_to_rest(_: &mut Random, case: &Case) -> Verdict {
    let start = State::rest(case.start.position);
    let found = solve(&Case { start, ..*case }).duration_s();
    let way = (case.target - start.position).abs();
    // The four shapes of a symmetric move: with or without constant acceleration, with or without full velocity.
    let Limits { velocity: v, acceleration: a, jerk: j } = case.limits;
    let expected = if v >= a * a / j {
        if way >= v * (v / a + a / j) {
            way / v + v / a + a / j
        } else if way >= 2.0 * a * a * a / (j * j) {
            a / j + ((a / j) * (a / j) + 4.0 * way / a).sqrt()
        } else {
            (32.0 * way / j).cbrt()
        }
    } else if way >= 2.0 * v * (v / j).sqrt() {
        way / v + 2.0 * (v / j).sqrt()
    } else {
        (32.0 * way / j).cbrt()
    };
    close("duration", found, expected, ROUNDING * expected)
}

fn change_of_velocity(random: &mut Random, case: &Case) -> Verdict {
    let Limits { velocity, acceleration: a, jerk: j } = case.limits;
    let (from, to) = (random.within(-1.0, 1.0) * velocity, random.within(-1.0, 1.0) * velocity);
    let profile = Profile::to_velocity(State { velocity: from, ..State::rest(0.0) }, to, &case.limits);
    let change = (to - from).abs();
    let expected = if change <= a * a / j { 2.0 * (change / j).sqrt() } else { change / a + a / j };
    // The change is the difference of two velocities, each rounded.
    let tolerance = ROUNDING * expected * (velocity / change).max(1.0);
    close("duration", profile.duration_s(), expected, tolerance)?;
    let way = (from + to) * expected / 2.0;
    close("way", profile.end().position, way, velocity * tolerance)
}

/// Every stop releases the acceleration, and what speed is then left is lowered from rest to rest of the
/// acceleration, in at most the time of the closed form. (Faster is possible: both overlap.)
fn stop(_: &mut Random, case: &Case) -> Verdict {
    let Limits { acceleration: a, jerk: j, .. } = case.limits;
    let left = judge::released(&case.start, &case.limits).abs();
    let bound =
        case.start.acceleration.abs() / j + if left <= a * a / j { 2.0 * (left / j).sqrt() } else { left / a + a / j };
    let found = Profile::stop(case.start, &case.limits).duration_s();
    // What is left can be nothing but rounding, of which the time is the root.
    let rounding = ROUNDING * (case.start.velocity.abs() + case.start.acceleration * case.start.acceleration / j);
    let tolerance = 2.0 * (rounding / j).sqrt().min(rounding / (left * j).sqrt().min(a)) + ROUNDING * bound;
    if found <= bound + tolerance { Ok(()) } else { Err(format!("{found} s, by the closed form {bound} s")) }
}

/// How exactly a duration is known: its root can be as ill-conditioned as √ε (a way that just ends in a stop).
fn time_tolerance_s(case: &Case, profile: &Profile) -> f64 {
    let tolerance = Tolerance::of(&case.start, profile, &case.limits);
    // The time in which the tolerance of position, velocity, acceleration is gone through at full jerk, and what the
    // limits make of it: nothing changes faster.
    let j = case.limits.jerk;
    4.0 * ((32.0 * tolerance.position / j).cbrt().max(2.0 * (tolerance.velocity / j).sqrt()))
        + tolerance.position / case.limits.velocity
        + 1e-9 * profile.duration_s()
}

fn remainder(random: &mut Random, case: &Case) -> Verdict {
    let profile = solve(case);
    let now_s = random.unit() * profile.duration_s();
    let later = Case { start: profile.at(now_s), ..*case };
    let rest = solve(&later);
    judge::to_rest(&later, &rest)?;
    let expected = profile.duration_s() - now_s;
    close(
        &format!("after {now_s} s of {}", profile.duration_s()),
        rest.duration_s(),
        expected,
        time_tolerance_s(case, &profile),
    )
}

fn raised_limit(random: &mut Random, case: &Case) -> Verdict {
    let Limits { velocity, acceleration, jerk } = case.limits;
    let inside = case.start.velocity.abs() <= velocity
        && case.start.acceleration.abs() <= acceleration
        && judge::released(&case.start, &case.limits).abs() <= velocity;
    let more = random.within(1.0, 3.0);
    let raised = match random.below(3) {
        0 => Limits { velocity: velocity * more, ..case.limits },
        1 => Limits { acceleration: acceleration * more, ..case.limits },
        _ => Limits { jerk: jerk * more, ..case.limits },
    };
    // Beyond a limit there is nothing to compare: a raised limit changes what has to be come back to.
    let start = if inside { case.start } else { State::rest(case.start.position) };
    let case = Case { start, ..*case };
    let (before, after) = (solve(&case), solve(&Case { limits: raised, ..case }));
    if after.duration_s() <= before.duration_s() + time_tolerance_s(&case, &before) {
        return Ok(());
    }
    Err(format!("{} s, with {raised:?} {} s", before.duration_s(), after.duration_s()))
}

fn units(random: &mut Random, case: &Case) -> Verdict {
    // Powers of two round nothing anew, so the results have the same bits.
    let power = |random: &mut Random| (random.below(21) as f64 - 10.0).exp2();
    let (length, time) = (random.sign() * power(random), power(random));
    let (velocity, acceleration) = (length / time, length / (time * time));
    let state = |state: State| State {
        position: state.position * length,
        velocity: state.velocity * velocity,
        acceleration: state.acceleration * acceleration,
    };
    let limits = Limits {
        velocity: case.limits.velocity * velocity.abs(),
        acceleration: case.limits.acceleration * acceleration.abs(),
        jerk: case.limits.jerk * (acceleration / time).abs(),
    };
    let (one, other) = (solve(case), Profile::to_position(state(case.start), case.target * length, &limits));
    let at_s = random.unit() * one.duration_s();
    if one.duration_s() * time == other.duration_s() && state(one.at(at_s)) == other.at(at_s * time) {
        return Ok(());
    }
    Err(format!("length × {length}, time × {time}: {one:?} becomes {other:?}"))
}

fn synchronised(random: &mut Random, case: &Case) -> Verdict {
    let fastest = solve(case);
    let factor = match random.below(8) {
        0 => random.magnitude(1.0, 1e4),
        1 => 1.0 + random.magnitude(1e-9, 1.0),
        _ => random.within(0.9, 5.0),
    };
    let wanted = fastest.duration_s() * factor;
    let (profile, in_time) = Profile::to_position_in(case.start, case.target, &case.limits, wanted);
    judge::to_rest(case, &profile)?;
    if wanted < fastest.duration_s() {
        return if profile == fastest && (!in_time || wanted * (1.0 + 1e-8) > fastest.duration_s()) {
            Ok(())
        } else {
            Err(format!("{wanted} s is less than the fastest takes: {in_time} {profile:?}"))
        };
    }
    if !in_time {
        return Err(format!("takes {} s, not {wanted} s", profile.duration_s()));
    }
    // A gap that is itself only known within rounding is made up at an equally uncertain velocity.
    let tolerance = Tolerance::of(&case.start, &fastest, &case.limits).position;
    let stop = case.start.position + stopping_distance(case.start.velocity, case.start.acceleration, &case.limits);
    let uncertain = tolerance / (case.target - stop).abs();
    if uncertain < 1e-3 {
        close("duration", profile.duration_s(), wanted, (1e-9 + 100.0 * uncertain) * wanted)?;
    }
    Ok(())
}

fn extent(random: &mut Random, case: &Case) -> Verdict {
    let profile = solve(case);
    let tolerance = Tolerance::of(&case.start, &profile, &case.limits);
    let from_s = if random.chance(0.5) { 0.0 } else { random.within(0.0, 1.1) * profile.duration_s() };
    let (low, high) = profile.extent(from_s);
    let (mut nearest_low, mut nearest_high) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut look = |at_s: f64| {
        let position = profile.at(at_s).position;
        nearest_low = nearest_low.min(position);
        nearest_high = nearest_high.max(position);
    };
    look(from_s);
    look(from_s.max(profile.duration_s()));
    for phase in profile.phases() {
        for step in 0..=4 {
            let at_s = phase.begin_s + phase.length_s() * f64::from(step) / 4.0;
            if at_s >= from_s {
                look(at_s);
            }
        }
    }
    if nearest_low < low - tolerance.position || nearest_high > high + tolerance.position {
        return Err(format!("from {from_s} s within {low} to {high}, seen {nearest_low} to {nearest_high}"));
    }
    // Between two looks, a quarter of the longest phase apart, it can go out only as far as speed allows.
    let speed = profile.phases().flat_map(|phase| [phase.first, phase.last]).map(|state| state.velocity.abs());
    let length_s = profile.phases().map(|phase| phase.length_s()).fold(0.0, f64::max);
    let accelerated = case.limits.acceleration.max(case.start.acceleration.abs()) * length_s;
    let between = (speed.fold(0.0, f64::max) + accelerated) * length_s / 4.0 + tolerance.position;
    if nearest_low > low + between || nearest_high < high - between {
        return Err(format!("from {from_s} s only {nearest_low} to {nearest_high}, announced {low} to {high}"));
    }
    Ok(())
}

fn close(what: &str, found: f64, expected: f64, tolerance: f64) -> Verdict {
    if (found - expected).abs() <= tolerance {
        return Ok(());
    }
    Err(format!("{what}: {found}, expected {expected} ± {tolerance}"))
}

/// Looks at `count` cases; the first that fails, with what is needed to look at it again.
pub fn campaign(claim: &Claim, seed: u64, count: usize) -> Result<(), (usize, String)> {
    for index in 0..count {
        let (mut random, case) = case::nth(seed, index);
        claim.1(&mut random, &case).map_err(|what| {
            (index, format!("{} seed {seed} case {index}: {what}\n{case:?}\n{:#?}", claim.0, solve(&case)))
        })?;
    }
    Ok(())
}
