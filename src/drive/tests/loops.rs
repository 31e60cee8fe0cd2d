//! CSV and CST against a point mass with friction, load and a quantising encoder.

use super::bench::*;
use crate::drive::*;
use crate::units::Setpoint;

/// Moves and returns the worst |position − planned| in degrees, planned at the instant of sampling.
fn track(bench: &mut Bench, distance: f64, duration_s: f64, cycles: u64) -> f64 {
    let start = bench.feedback.held.position;
    let mut worst = 0f64;
    for step in 0..cycles {
        let at = |step: i64| {
            let planned = smooth(distance, duration_s, (step + 1).max(0) as f64 * PERIOD_S);
            Setpoint { position: start + planned.position, ..planned }
        };
        let feedback = bench.cycle(|_| Wish { power: true, setpoint: at(step as i64), ..Wish::default() });
        worst = worst.max((feedback.position - at(step as i64 - 2).position).abs());
    }
    worst
}

fn rest(bench: &mut Bench, cycles: usize) -> Vec<(f64, Told)> {
    let held = bench.feedback.held;
    (0..cycles)
        .map(|_| {
            let feedback = bench.cycle(|_| Wish { power: true, setpoint: held, ..Wish::default() });
            (feedback.position - held.position, bench.told())
        })
        .collect()
}

#[test]
fn both_modes_follow_a_move_in_either_sense() {
    for mode in [Mode::Csv, Mode::Cst] {
        for inverted in [false, true] {
            let mut parameters = parameters(mode);
            parameters.scaling.inverted = inverted;
            let mut bench = Bench::operational(&parameters, Script::default());
            bench.script.motor.friction = 0.02;
            let worst = track(&mut bench, 180.0, 0.5, 1000);
            assert!(worst < 0.6, "{mode:?} inverted {inverted}: {worst} degrees off");
            let moved = bench.script.motor.position / PER_DEGREE * if inverted { -1.0 } else { 1.0 };
            assert!((moved - 180.0).abs() < 0.02, "{mode:?} inverted {inverted}: {moved}");
        }
    }
}

#[test]
fn there_is_no_drift_at_rest() {
    for mode in [Mode::Csv, Mode::Cst] {
        for (friction, load) in [(0.0, 0.0), (0.03, 0.0), (0.0, 0.2), (0.02, -0.3)] {
            let mut bench = Bench::operational(&parameters(mode), Script::default());
            bench.script.motor.friction = friction;
            bench.script.motor.load = load;
            rest(&mut bench, 2000);
            let errors: Vec<f64> = rest(&mut bench, 20_000).iter().map(|(error, _)| *error).collect();
            let worst = errors.iter().fold(0f64, |worst, error| worst.max(error.abs()));
            // Ten increments, where the load was taken over by the integral long ago.
            assert!(worst <= 10.0 / PER_DEGREE, "{mode:?} friction {friction} load {load}: {worst}");
            let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
            let drift = mean(&errors[15_000..]) - mean(&errors[..5000]);
            assert!(drift.abs() <= 3.0 / PER_DEGREE, "{mode:?} friction {friction} load {load}: drifts {drift}");
        }
    }
}

#[test]
fn enabling_makes_no_bump() {
    for mode in [Mode::Csv, Mode::Cst] {
        let mut script = Script::default();
        script.motor.position = 1_234_567.0;
        script.motor.friction = 0.01;
        let mut bench = Bench::new(&parameters(mode), script);
        bench.off();
        for _ in 0..200 {
            bench.powered();
            let told = bench.told();
            assert_eq!((told.velocity, told.torque), (0, 0), "{mode:?}");
            assert_eq!(bench.script.actual(), 1_234_567);
        }
        assert!(bench.feedback.operational);
    }
}

#[test]
fn the_second_enabling_starts_as_clean_as_the_first() {
    let mut bench = Bench::operational(&parameters(Mode::Cst), Script::default());
    bench.script.motor.load = 0.3;
    rest(&mut bench, 500);
    assert!(bench.told().torque > 250, "the integral holds the load");
    bench.script.motor.load = 0.0;
    bench.until(50, Bench::off, |bench| bench.script.state == SWITCH_ON_DISABLED);
    for _ in 0..100 {
        bench.off();
        assert_eq!(bench.told().torque, 0);
    }
    bench.script.motor.velocity = 0.0;
    bench.off();
    for _ in 0..30 {
        bench.powered();
        assert_eq!(bench.told().torque, 0);
    }
}

#[test]
fn a_vertical_load_is_held_while_the_brake_opens() {
    let brake = Brake::Output { bit: 0, set_opens: true, release_time_s: 0.1, engage_time_s: 0.05 };
    let mut bench = Bench::new(&DriveParameters { brake, ..parameters(Mode::Cst) }, Script::default());
    bench.off();
    bench.off();
    let mut enabled = 0;
    let mut step = |bench: &mut Bench| {
        let feedback = bench.powered();
        enabled += usize::from(feedback.state == State::OperationEnabled);
        // The brake lets go in the middle of its release time.
        bench.script.motor.load = if enabled > 50 { 0.2 } else { 0.0 };
        feedback
    };
    bench.until(300, &mut step, |bench| bench.feedback.operational);
    let held = bench.feedback.held.position;
    assert_eq!(held, 0.0);
    assert!(bench.feedback.position.abs() < 1.0, "sagged {} degrees", bench.feedback.position);
    assert!(bench.told().torque > 100, "{:?}", bench.told());
}

#[test]
fn anti_windup_recovers_from_saturation_without_a_large_overshoot() {
    // A blocked axis: the load takes all the torque for half a second, then lets go.
    let overshoot = |integral_time_s| {
        let mut parameters = parameters(Mode::Cst);
        parameters.gains.integral_time_s = integral_time_s;
        let mut bench = Bench::operational(&parameters, Script::default());
        let target = Setpoint { turns: 0, position: 30.0, velocity: 0.0, acceleration: 0.0 };
        let go = |bench: &mut Bench| bench.cycle(|_| Wish { power: true, setpoint: target, ..Wish::default() });
        bench.script.motor.friction = 2.0;
        let mut saturated = 0;
        for _ in 0..500 {
            go(&mut bench);
            saturated += usize::from(bench.told().torque == 1000);
            assert!(bench.told().torque.abs() <= 1000);
        }
        assert!(saturated > 400, "{saturated}");
        bench.script.motor.friction = 0.0;
        let mut highest = 0f64;
        for _ in 0..2000 {
            highest = highest.max(go(&mut bench).position);
        }
        assert!((bench.feedback.position - 30.0).abs() < 0.05, "{:?}", bench.feedback);
        highest - 30.0
    };
    let (with, without) = (overshoot(Some(0.05)), overshoot(None));
    assert!(with < 3.0, "overshoots by {with} degrees ({without} without an integral)");
}

#[test]
fn at_constant_velocity_the_delay_of_the_bus_is_no_position_error() {
    let mut bench = Bench::operational(&parameters(Mode::Csv), Script::default());
    let velocity = 500.0;
    for step in 1..=1000u64 {
        let position = step as f64 * velocity * PERIOD_S;
        let setpoint = Setpoint { turns: 0, position, velocity, acceleration: 0.0 };
        bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() });
    }
    let told = f64::from(bench.told().velocity) / PER_DEGREE;
    // One period of delay unaccounted for would ask for 30/s · 0.5 degrees = 15 degrees/s more or less.
    assert!((told - velocity).abs() < 1.0, "{told}");
}

#[test]
fn stale_feedback_holds_the_last_correction() {
    for mode in [Mode::Csv, Mode::Cst] {
        let mut bench = Bench::operational(&parameters(mode), Script::default());
        bench.script.motor.load = if mode == Mode::Cst { 0.2 } else { 0.0 };
        rest(&mut bench, 500);
        let before = bench.told();
        bench.fresh = false;
        for (_, told) in rest(&mut bench, 20) {
            assert_eq!((told.velocity, told.torque), (before.velocity, before.torque), "{mode:?}");
        }
        // Nor does a target that moves on without feedback open an error.
        bench.feedback.held.position += 1.0;
        for (_, told) in rest(&mut bench, 20) {
            assert_eq!((told.velocity, told.torque), (before.velocity, before.torque), "{mode:?}");
        }
    }
}

#[test]
fn the_output_limits_hold_whatever_is_asked() {
    for mode in [Mode::Csv, Mode::Cst] {
        let mut parameters = parameters(mode);
        parameters.torque_limit = 0.4;
        parameters.gains.velocity_limit = 50.0;
        let mut bench = Bench::operational(&parameters, Script::default());
        for position in [1000.0, -1000.0] {
            let setpoint = Setpoint { turns: 0, position, velocity: 9e9, acceleration: 9e9 };
            bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() });
            let told = bench.told();
            assert!(told.torque.abs() <= 400 && f64::from(told.velocity).abs() <= 50.0 * PER_DEGREE, "{told:?}");
            assert!(told.torque != 0 || told.velocity != 0);
        }
    }
}

#[test]
fn a_modulo_axis_turns_on_over_its_boundary_in_either_direction() {
    for (mode, sense) in [(Mode::Csv, 1.0), (Mode::Csv, -1.0), (Mode::Cst, 1.0), (Mode::Cst, -1.0)] {
        let mut parameters = parameters(mode);
        parameters.scaling.modulo = crate::units::Ratio::new(360, 1);
        let mut bench = Bench::operational(&parameters, Script::default());
        let mut worst = 0f64;
        for step in 0..3000u64 {
            let at = |step: i64| {
                let planned = smooth(sense * 1000.0, 2.5, (step + 1).max(0) as f64 * PERIOD_S);
                let turns = (planned.position / 360.0).floor();
                Setpoint { turns: turns as i64, position: planned.position - 360.0 * turns, ..planned }
            };
            let setpoint = at(step as i64);
            let feedback = bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() });
            let planned = at(step as i64 - 2);
            let turns = (feedback.turns - planned.turns) as f64;
            worst = worst.max((turns * 360.0 + feedback.position - planned.position).abs());
        }
        assert!(worst < 0.6, "{mode:?} {sense}: {worst} degrees off");
        assert_eq!(bench.feedback.turns, if sense > 0.0 { 2 } else { -3 });
    }
}
