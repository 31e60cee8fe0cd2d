//! Interpolated position and profile position: what the controlword's bit 4 and the statusword's bit 12 are for.

use proptest::prelude::*;

use super::bench::*;
use crate::drive::*;
use crate::fault::Fault;
use crate::units::{Ratio, Setpoint};

const MODES: [Mode; 2] = [Mode::Ip, Mode::Pp];
/// The bit of both.
const BIT: u16 = 0x10;

fn at(position: f64, velocity: f64) -> Setpoint {
    Setpoint { turns: 0, position, velocity, acceleration: 0.0 }
}

/// Follows this setpoint.
fn follow(bench: &mut Bench, setpoint: Setpoint) -> Feedback {
    bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() })
}

#[test]
fn the_bit_comes_when_the_drive_is_enabled_and_goes_with_operation() {
    for (mode, code, operation) in [(Mode::Ip, 7, 0x1F), (Mode::Pp, 1, 0x2F)] {
        let mut bench = Bench::new(&parameters(mode), Script { slowness: 2, ..Script::default() });
        bench.off();
        bench.off();
        let mut words = vec![];
        for _ in 0..40 {
            bench.powered();
            let told = bench.told();
            assert_eq!(told.mode, code);
            assert!(told.controlword & BIT == 0 || bench.feedback.state == State::OperationEnabled, "{mode:?}");
            words.push(told.controlword);
        }
        words.dedup();
        let walk: &[u16] = if mode == Mode::Ip { &[0x06, 0x07, 0x0F, 0x1F] } else { &[0x06, 0x07, 0x0F, 0x3F, 0x2F] };
        assert_eq!(words, walk, "{mode:?}");
        assert!(bench.feedback.operational, "{mode:?}");
        let mut words = vec![bench.told().controlword];
        for _ in 0..30 {
            bench.off();
            words.push(bench.told().controlword);
        }
        words.dedup();
        assert_eq!(words, [operation, 0x07, 0x00], "{mode:?}");
    }
}

#[test]
fn enabling_never_jumps_wherever_it_is_and_however_long_the_answer_takes() {
    for mode in MODES {
        for start in [0.0, 123_456.0, -7.0, 2_147_483_000.0, -2_147_483_640.0, 5e12] {
            for (inverted, answers_after) in [(false, 0), (true, 7), (false, 60)] {
                let mut parameters = parameters(mode);
                parameters.scaling.inverted = inverted;
                parameters.scaling.modulo = Ratio::new(360, 1).filter(|_| inverted);
                let script = Script { answers_after: Some(answers_after), ..Script::default() };
                let mut bench = Bench::new(&parameters, script);
                bench.script.motor.position = start;
                bench.off();
                bench.off();
                let place = bench.script.actual();
                for _ in 0..200 {
                    bench.powered();
                    assert_eq!((bench.told().position, bench.script.actual()), (place, place), "{mode:?} {start}");
                    assert!(!bench.feedback.operational || bench.script.times_taken > 0);
                }
                assert!(bench.feedback.operational, "{mode:?} {start}: {:?}", bench.feedback);
            }
        }
    }
}

#[test]
fn a_motor_that_turns_is_held_where_it_was_when_it_was_enabled() {
    for mode in MODES {
        let mut bench = Bench::new(&parameters(mode), Script::default());
        bench.script.motor.velocity = 300.0 * PER_DEGREE;
        bench.off();
        bench.off();
        let mut enabled_at = None;
        for _ in 0..40 {
            let before = bench.script.actual();
            bench.powered();
            if bench.script.state == ENABLED {
                let place = *enabled_at.get_or_insert(before);
                let told = bench.told().position;
                assert!((told - place).abs() <= 2000, "{mode:?}: enabled at {place}, told {told}");
            } else {
                assert_eq!(bench.told().position, bench.script.actual(), "{mode:?}");
            }
        }
        assert!(bench.feedback.operational && enabled_at.is_some(), "{mode:?}");
    }
}

#[test]
fn a_drive_that_never_answers_is_not_moved_and_is_stopped_in_time() {
    for mode in MODES {
        let mut bench = Bench::new(&parameters(mode), Script { answers_after: None, ..Script::default() });
        bench.off();
        bench.off();
        let mut enabled = 0;
        while bench.feedback.fault.is_none() {
            bench.powered();
            enabled += u32::from(bench.feedback.state == State::OperationEnabled);
            assert!(!bench.feedback.operational && enabled < 150, "{mode:?}");
        }
        assert_eq!(bench.feedback.fault, Some(Fault::TargetNotTaken), "{mode:?}");
        assert!((100..110).contains(&enabled), "{mode:?}: {enabled}");
        bench.until(50, Bench::powered, |bench| bench.script.state == SWITCH_ON_DISABLED);
        // It is reset, and answers now.
        bench.script.answers_after = Some(0);
        bench.cycle(|_| Wish { reset: true, ..Wish::default() });
        assert_eq!(bench.off().fault, None);
        bench.until(40, Bench::powered, |bench| bench.feedback.operational);
    }
}

#[test]
fn interpolation_that_ends_in_operation_stops_the_drive_at_once() {
    let mut bench = Bench::operational(&parameters(Mode::Ip), Script::default());
    for step in 0..50 {
        follow(&mut bench, at(f64::from(step) * 0.1, 100.0));
    }
    (bench.script.answer, bench.script.answers_after) = (false, None);
    let feedback = follow(&mut bench, at(5.0, 100.0));
    assert_eq!((feedback.operational, feedback.fault), (false, Some(Fault::TargetNotTaken)));
    assert_eq!(bench.told().controlword, 0x02);
}

#[test]
fn a_target_that_is_not_taken_in_operation_stops_the_drive_in_time() {
    let mut bench = Bench::operational(&parameters(Mode::Pp), Script::default());
    bench.script.answers_after = None;
    let mut step = 0;
    let cycles = bench.until(
        200,
        |bench| {
            step += 1;
            follow(bench, at(f64::from(step) * 0.01, 10.0))
        },
        |bench| bench.feedback.fault.is_some(),
    );
    assert_eq!(bench.feedback.fault, Some(Fault::TargetNotTaken));
    assert!((100..110).contains(&cycles), "{cycles}");
    assert_eq!(bench.told().controlword, 0x02);
}

#[test]
fn a_mode_lost_in_operation_stops_the_drive() {
    for mode in MODES {
        let mut bench = Bench::operational(&parameters(mode), Script::default());
        let mut answer = bench.script.exchange(&bench.outputs.clone());
        answer[2] = 8;
        let feedback = *bench.drive.decode(&answer, true);
        assert_eq!((feedback.operational, feedback.fault), (false, Some(Fault::ModeRefused)), "{mode:?}");
        encode(&mut bench.drive, &Wish { power: true, setpoint: feedback.held, ..Wish::default() }, &mut bench.outputs);
        assert_eq!(bench.told().controlword, 0x02, "{mode:?}");
    }
}

#[test]
fn a_fault_in_motion_takes_the_bit_and_a_reset_begins_with_it_anew() {
    for mode in MODES {
        let mut bench = Bench::operational(&parameters(mode), Script::default());
        for step in 0..50 {
            follow(&mut bench, at(f64::from(step) * 0.1, 100.0));
        }
        bench.script.fail(0x2310);
        for _ in 0..100 {
            bench.powered();
            assert!(bench.told().controlword & BIT == 0, "{mode:?}");
        }
        assert_eq!((bench.feedback.fault, bench.script.state), (Some(Fault::DriveFault), FAULT), "{mode:?}");
        assert_eq!(bench.told().position, bench.script.actual(), "{mode:?}: it follows the feedback");
        bench.cycle(|_| Wish { reset: true, ..Wish::default() });
        bench.until(20, Bench::off, |bench| bench.feedback.fault.is_none() && bench.script.state == SWITCH_ON_DISABLED);
        let place = bench.script.actual();
        bench.until(40, Bench::powered, |bench| bench.feedback.operational);
        assert_eq!((bench.told().position, bench.script.actual()), (place, place), "{mode:?}");
    }
}

#[test]
fn records_are_what_targets_are_in_csp() {
    let run = |mode| {
        let mut bench = Bench::operational(&parameters(mode), Script::default());
        let mut targets = Vec::new();
        for step in 0..400 {
            follow(&mut bench, smooth(90.0, 0.4, f64::from(step) * PERIOD_S));
            targets.push((bench.told().position, bench.script.actual()));
        }
        targets
    };
    assert_eq!(run(Mode::Ip), run(Mode::Csp));
}

#[test]
fn a_target_is_ahead_of_its_setpoint_by_the_way_of_a_stop() {
    let mut bench = Bench::operational(&parameters(Mode::Pp), Script::default());
    // 6084h is 5000 deg/s²: 200² / (2 · 5000) = 4 deg.
    for (velocity, ahead) in [(200.0, 4.0), (-200.0, -4.0), (0.0, 0.0)] {
        bench.until(
            10,
            |bench| follow(bench, at(20.0, velocity)),
            |bench| bench.told().position == ((20.0 + ahead) * PER_DEGREE) as i32,
        );
    }
}

/// A drive that answers when it likes, asked for this ramp and then for its end; fails where a rule of the hand-over is broken.
fn hand_over(answers: &[u32], stale: &[bool], velocity: f64) -> Result<(), TestCaseError> {
    let parameters = parameters(Mode::Pp);
    let mut bench = Bench::operational(&parameters, Script::default());
    let (mut before, mut setpoints) = (bench.told(), Vec::new());
    let mut answers = answers.iter().cycle();
    for cycle in 0..600 {
        // Each answer takes its own time.
        if bench.script.answer_due == 0 {
            bench.script.answers_after = answers.next().copied();
        }
        bench.fresh = !stale[cycle % stale.len()];
        let shown = bench.script.answer;
        // It goes for a while, and ends at rest.
        let time_s = (cycle.min(300) as f64) * PERIOD_S;
        let setpoint = at(time_s * velocity, if cycle < 300 { velocity } else { 0.0 });
        setpoints.push(setpoint.position + 1e-4 * setpoint.velocity * setpoint.velocity.abs());
        follow(&mut bench, setpoint);
        let told = bench.told();
        let (rises, falls) =
            (told.controlword & !before.controlword & BIT, before.controlword & !told.controlword & BIT);
        prop_assert!(bench.feedback.operational, "{:?}", bench.feedback);
        prop_assert!(rises == 0 || !shown, "a target before the last answer fell");
        prop_assert!(falls == 0 || shown, "a target withdrawn before it was taken");
        prop_assert!(told.controlword & 0x20 != 0, "a target that waits for the one before");
        if told.controlword & BIT != 0 {
            prop_assert_eq!(told.position, before.position, "607Ah moves while it is offered");
        }
        if rises != 0 && setpoints.len() > 1 {
            let newest = setpoints[setpoints.len() - 2] * PER_DEGREE;
            prop_assert!(
                (f64::from(told.position) - newest).abs() <= 1.0,
                "offered is {}, newest {newest}",
                told.position
            );
        }
        before = told;
    }
    let end = (0.3 * velocity * PER_DEGREE).round();
    prop_assert!((f64::from(bench.script.taken) - end).abs() <= 1.0, "taken {}, end {}", bench.script.taken, end);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn whenever_a_drive_answers_it_gets_the_newest_target_by_the_rules(
        answers in prop::collection::vec(0_u32..40, 1..20),
        stale in prop::collection::vec(prop::bool::weighted(0.2), 1..50),
        velocity in -500.0..500.0_f64,
    ) {
        prop_assume!(stale.iter().any(|stale| !stale));
        hand_over(&answers, &stale, velocity)?;
    }
}
