//! Feedback that does not come in every cycle: held, or gone on at the velocity that was measured last.

use super::bench::{Bench, PER_DEGREE, PERIOD_S, Script, Wish, parameters};
use crate::drive::parameters::{DriveParameters, Mode};
use crate::units::{Ratio, Setpoint};
use proptest::prelude::*;

const CYCLES: u32 = 5;

fn extrapolating(mode: Mode) -> DriveParameters {
    DriveParameters { extrapolated_cycles: CYCLES, ..parameters(mode) }
}

/// A cycle in which the axis runs at this velocity, degrees/s.
fn run(bench: &mut Bench, place: &mut f64, velocity: f64) {
    *place += velocity * PERIOD_S;
    let setpoint = Setpoint { turns: 0, position: *place, velocity, acceleration: 0.0 };
    bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() });
}

/// Where the motor was when the drive answered last, degrees.
fn truth(bench: &Bench) -> f64 {
    f64::from(bench.script.actual()) / PER_DEGREE
}

#[test]
fn at_constant_velocity_what_is_extrapolated_is_where_the_motor_is() {
    for mode in [Mode::Csp, Mode::Csv] {
        let mut bench = Bench::operational(&extrapolating(mode), Script::default());
        let mut place = bench.feedback.held.position;
        for _ in 0..200 {
            run(&mut bench, &mut place, 500.0);
        }
        let known = bench.feedback.position;
        bench.fresh = false;
        for stale in 1..=CYCLES + 3 {
            run(&mut bench, &mut place, 500.0);
            let off = bench.feedback.position - truth(&bench);
            assert_eq!(bench.feedback.stale_cycles, stale);
            assert_eq!(bench.feedback.extrapolated, stale <= CYCLES);
            if stale <= CYCLES {
                // Increments are whole.
                assert!(off.abs() < 3.0 / PER_DEGREE, "{mode:?}: {off} degrees off after {stale} cycles");
            } else {
                let gone = bench.feedback.position - known;
                assert!((gone - 0.5 * f64::from(CYCLES)).abs() < 0.01, "{mode:?}: it goes no farther: {gone}");
            }
        }
        bench.fresh = true;
        run(&mut bench, &mut place, 500.0);
        assert!(!bench.feedback.extrapolated && bench.feedback.stale_cycles == 0);
        assert_eq!(bench.feedback.position, truth(&bench), "{mode:?}");
    }
}

#[test]
fn no_loop_is_closed_over_a_guess_that_has_come_to_its_end() {
    let mut bench = Bench::operational(&extrapolating(Mode::Csv), Script::default());
    let mut place = bench.feedback.held.position;
    for _ in 0..200 {
        run(&mut bench, &mut place, 500.0);
    }
    bench.fresh = false;
    for _ in 0..CYCLES {
        run(&mut bench, &mut place, 500.0);
    }
    let told = bench.told().velocity;
    // The setpoint goes on, and the last guess stands: what was corrected last stays.
    for _ in 0..200 {
        run(&mut bench, &mut place, 500.0);
        assert_eq!(bench.told().velocity, told);
    }
}

#[test]
fn a_wild_last_measurement_is_not_followed() {
    let mut bench = Bench::new(&extrapolating(Mode::Csp), Script::default());
    bench.off();
    bench.script.motor.position += 90.0 * PER_DEGREE;
    bench.off();
    let known = bench.feedback.position;
    assert!(bench.feedback.velocity > 50_000.0, "{} degrees/s", bench.feedback.velocity);
    bench.fresh = false;
    for _ in 0..CYCLES {
        bench.off();
    }
    let gone = bench.feedback.position - known;
    assert!((gone - 1000.0 * f64::from(CYCLES) * PERIOD_S).abs() < 0.01, "{gone} degrees");
}

#[test]
fn the_loop_of_the_cycle_keeps_a_load_where_it_shall_be_while_nothing_is_heard() {
    let worst = |parameters: &DriveParameters| {
        let mut bench = Bench::operational(parameters, Script::default());
        let mut place = bench.feedback.held.position;
        let mut worst: f64 = 0.0;
        for cycle in 0..4000_u32 {
            bench.fresh = cycle % 12 >= 4;
            // Up and down again: corrections that were right before a gap are wrong behind it.
            let velocity = 600.0 * (f64::from(cycle) * 0.01).sin();
            run(&mut bench, &mut place, velocity);
            if cycle > 500 {
                worst = worst.max((place - truth(&bench)).abs());
            }
        }
        worst
    };
    let (held, extrapolated) = (worst(&parameters(Mode::Csv)), worst(&extrapolating(Mode::Csv)));
    println!("{held:.4} degrees held, {extrapolated:.4} extrapolated");
    assert!(extrapolated <= held, "{held} held, {extrapolated} extrapolated");
}

proptest! {
    /// Whatever is lost, what is measured next is what a drive says that never guesses.
    #[test]
    fn no_guess_outlives_the_next_measurement(
        steps in prop::collection::vec((any::<bool>(), any::<i32>(), -200_000..200_000_i32), 1..200),
        modulo in any::<bool>(),
        inverted in any::<bool>(),
    ) {
        let mut held = parameters(Mode::Csp);
        held.scaling.modulo = modulo.then(|| Ratio::new(360, 1).unwrap());
        held.scaling.inverted = inverted;
        let guessing = DriveParameters { extrapolated_cycles: CYCLES, ..held.clone() };
        let mut benches = [&held, &guessing].map(|parameters| Bench::new(parameters, Script::default()));
        for (fresh, wild, step) in steps {
            for bench in &mut benches {
                // Now and then an encoder that says anything at all.
                let moved = if wild % 16 == 0 { f64::from(wild) } else { f64::from(step) };
                bench.script.motor.position = (bench.script.motor.position + moved).rem_euclid(4e9);
                bench.fresh = fresh;
                bench.off();
            }
            let [held, guessing] = benches.each_ref().map(|bench| bench.feedback);
            prop_assert!(guessing.position.is_finite());
            prop_assert_eq!(held.stale_cycles, guessing.stale_cycles);
            if fresh {
                prop_assert_eq!(held, guessing);
            }
        }
    }
}
