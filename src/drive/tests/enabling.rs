//! Enabling, disabling, quick stop, start-up.

use super::bench::*;
use crate::drive::*;
use crate::fault::Fault;
use crate::units::Setpoint;

fn csp() -> DriveParameters {
    parameters(Mode::Csp)
}

#[test]
fn the_walk_is_06_07_0f_with_the_mode_confirmed_before_0f() {
    let mut bench = Bench::new(&csp(), Script { slowness: 2, ..Script::default() });
    bench.off();
    bench.off();
    let mut words = vec![];
    for _ in 0..30 {
        bench.powered();
        let told = bench.told();
        assert_eq!(told.mode, 8);
        words.push(told.controlword);
    }
    words.dedup();
    assert_eq!(words, [0x06, 0x07, 0x0F]);
    assert!(bench.feedback.operational);
    assert_eq!(bench.feedback.state, State::OperationEnabled);
}

#[test]
fn enabling_never_jumps_even_with_a_turning_motor_and_wherever_it_is() {
    for start in [0.0, 123_456.0, -7.0, 2_147_483_000.0, -2_147_483_640.0, 5e12] {
        for inverted in [false, true] {
            for modulo in [None, crate::units::Ratio::new(360, 1)] {
                let mut parameters = csp();
                parameters.scaling.inverted = inverted;
                parameters.scaling.modulo = modulo;
                let mut bench = Bench::new(&parameters, Script::default());
                bench.script.motor.position = start;
                bench.off();
                bench.off();
                let mut enabled_at = None;
                for _ in 0..30 {
                    let actual_before = bench.script.actual();
                    bench.powered();
                    if bench.script.state == ENABLED {
                        // What it was given at the enabling exchange, and stays at from then on.
                        let place = *enabled_at.get_or_insert(actual_before);
                        assert_eq!(bench.script.told.position, place, "{start} inverted {inverted}");
                        assert_eq!(bench.told().position, place);
                        assert_eq!(bench.script.actual(), place);
                    } else {
                        assert_eq!(bench.told().position, bench.script.actual());
                        assert_eq!((bench.told().velocity, bench.told().torque), (0, 0));
                    }
                }
                assert!(bench.feedback.operational && enabled_at.is_some());
            }
        }
    }
}

#[test]
fn held_is_the_place_from_which_the_first_setpoint_changes_nothing() {
    let mut bench = Bench::operational(&csp(), Script::default());
    let held = bench.feedback.held;
    let before = bench.told().position;
    bench.cycle(|feedback| {
        assert_eq!(feedback.held, held);
        Wish { power: true, setpoint: Setpoint { velocity: 0.0, ..held }, ..Wish::default() }
    });
    assert_eq!(bench.told().position, before);
}

#[test]
fn power_on_without_an_edge_enables_nothing() {
    let mut bench = Bench::new(&csp(), Script::default());
    for _ in 0..50 {
        bench.powered();
        assert_eq!(bench.script.state, SWITCH_ON_DISABLED, "the first answer already met a power demand");
    }
    bench.off();
    bench.until(30, Bench::powered, |bench| bench.feedback.operational);
}

#[test]
fn a_mode_that_is_not_confirmed_is_refused_and_never_enabled() {
    let mut bench = Bench::new(&csp(), Script { refuses_mode: true, ..Script::default() });
    bench.off();
    let cycles = bench.until(300, Bench::powered, |bench| bench.feedback.fault.is_some());
    assert_eq!(bench.feedback.fault, Some(Fault::ModeRefused));
    assert!((100..110).contains(&cycles), "{cycles}");
    assert_ne!(bench.script.state, ENABLED);
    assert_eq!(bench.told().controlword, 0);
}

#[test]
fn a_mode_lost_in_operation_stops_the_drive() {
    let mut bench = Bench::operational(&csp(), Script::default());
    bench.script.refuses_mode = true;
    let answer_mode = 1i8;
    let mut answer = bench.script.exchange(&bench.outputs.clone());
    answer[2] = answer_mode as u8;
    let feedback = *bench.drive.decode(&answer, true);
    assert_eq!((feedback.operational, feedback.fault), (false, Some(Fault::ModeRefused)));
    encode(&mut bench.drive, &Wish { power: true, setpoint: feedback.held, ..Wish::default() }, &mut bench.outputs);
    assert_eq!(bench.told().controlword, 0x02);
}

#[test]
fn a_drive_that_gets_stuck_on_the_way_times_out() {
    for stuck in [SWITCH_ON_DISABLED, READY, SWITCHED_ON] {
        let mut bench = Bench::new(&csp(), Script { stuck_at: Some(stuck), ..Script::default() });
        bench.off();
        bench.off();
        let cycles = bench.until(300, Bench::powered, |bench| bench.feedback.fault.is_some());
        assert_eq!(bench.feedback.fault, Some(Fault::EnableTimeout), "{stuck:02X}");
        assert!((200..210).contains(&cycles), "{cycles}");
        assert_eq!(bench.told().controlword, 0);
        // Unstuck, it stays off: neither time nor the standing demand enable it.
        bench.script.stuck_at = None;
        for _ in 0..300 {
            bench.powered();
            assert_ne!(bench.script.state, ENABLED);
        }
        // A reset clears the latch, and a new edge of power enables.
        bench.cycle(|_| Wish { reset: true, ..Wish::default() });
        assert_eq!(bench.off().fault, None);
        bench.until(30, Bench::powered, |bench| bench.feedback.operational);
    }
}

#[test]
fn without_remote_the_drive_is_not_enabled_unless_it_has_no_such_bit() {
    let mut bench = Bench::new(&csp(), Script { remote: false, ..Script::default() });
    bench.off();
    bench.until(300, Bench::powered, |bench| bench.feedback.fault == Some(Fault::EnableTimeout));

    let parameters = DriveParameters { remote_bit: false, ..csp() };
    let mut bench = Bench::operational(&parameters, Script::default());
    let mut answer = bench.script.exchange(&bench.outputs.clone());
    answer[1] &= !0x02;
    assert!(bench.drive.decode(&answer, true).operational);
}

#[test]
fn power_off_at_rest_goes_through_disable_operation() {
    let mut bench = Bench::operational(&csp(), Script { slowness: 1, ..Script::default() });
    let mut words = vec![];
    for _ in 0..30 {
        bench.off();
        words.push(bench.told().controlword);
    }
    words.dedup();
    assert_eq!(words, [0x07, 0x00]);
    assert_eq!(bench.script.state, SWITCH_ON_DISABLED);
    assert_eq!(bench.feedback.fault, None);
}

#[test]
fn power_off_in_motion_stops_by_the_drives_ramp_first() {
    let mut bench = Bench::operational(&csp(), Script { quick_stop_option: 6, ..Script::default() });
    let move_at = |step: u64| Wish {
        power: true,
        setpoint: Setpoint { turns: 0, position: step as f64 * 0.2, velocity: 200.0, acceleration: 0.0 },
        ..Wish::default()
    };
    for step in 0..50 {
        bench.cycle(|_| move_at(step));
    }
    let mut words = vec![];
    for _ in 0..300 {
        bench.off();
        words.push(bench.told().controlword);
    }
    words.dedup();
    assert_eq!(words, [0x02, 0x00]);
    assert_eq!((bench.script.state, bench.feedback.fault), (SWITCH_ON_DISABLED, None));
}

#[test]
fn quick_stop_ends_in_its_option_and_never_returns_without_a_new_power_edge() {
    for option in 1..=8 {
        let mut bench = Bench::operational(&csp(), Script { quick_stop_option: option, ..Script::default() });
        for step in 0..100u64 {
            let position = step as f64 * 0.2;
            bench.cycle(|_| Wish {
                power: true,
                setpoint: Setpoint { turns: 0, position, velocity: 200.0, acceleration: 0.0 },
                ..Wish::default()
            });
        }
        for cycle in 0..400 {
            let feedback = bench.cycle(|f| Wish { power: true, quick_stop: true, setpoint: f.held, reset: false });
            assert_eq!(feedback.operational, cycle == 0, "605Ah = {option}");
        }
        let (rests_in, word) = if option <= 4 { (SWITCH_ON_DISABLED, 0x00) } else { (QUICK_STOP, 0x02) };
        assert_eq!((bench.script.state, bench.told().controlword), (rests_in, word), "605Ah = {option}");
        assert_eq!(bench.feedback.fault, None);
        // The demand goes, power stays: it is disabled, not re-enabled.
        for _ in 0..100 {
            bench.powered();
            assert_ne!(bench.script.state, ENABLED, "605Ah = {option}");
        }
        assert_eq!(bench.script.state, SWITCH_ON_DISABLED);
        bench.off();
        bench.until(30, Bench::powered, |bench| bench.feedback.operational);
    }
}

#[test]
fn a_power_edge_during_a_quick_stop_demand_does_not_count() {
    let mut bench = Bench::new(&csp(), Script::default());
    for _ in 0..5 {
        bench.cycle(|_| Wish { quick_stop: true, ..Wish::default() });
    }
    for _ in 0..5 {
        bench.cycle(|_| Wish { power: true, quick_stop: true, ..Wish::default() });
    }
    for _ in 0..50 {
        bench.powered();
        assert_eq!(bench.script.state, SWITCH_ON_DISABLED);
    }
}

#[test]
fn a_drive_found_enabled_is_stopped_and_disabled_and_never_taken_over() {
    for (option, power) in [(2, false), (6, false), (2, true), (6, true)] {
        let mut script = Script { state: ENABLED, quick_stop_option: option, ..Script::default() };
        // It coasts at 100 degrees/s in a mode that is not ours.
        script.motor.velocity = 100.0 * PER_DEGREE;
        script.motor.position = 9999.0;
        let mut bench = Bench::new(&csp(), script);
        let mut words = vec![bench.told().controlword];
        let mut moved = 0;
        for _ in 0..400 {
            let feedback = if power { bench.powered() } else { bench.off() };
            assert!(!feedback.operational && feedback.fault.is_none(), "{feedback:?}");
            assert_eq!((feedback.held.turns, feedback.held.position), (feedback.turns, feedback.position));
            assert_eq!(feedback.held.velocity, 0.0);
            moved += usize::from(feedback.velocity > 50.0);
            words.push(bench.told().controlword);
        }
        words.dedup();
        assert_eq!(words, [0x02, 0x00], "605Ah = {option}, power {power}");
        assert!(moved > 10, "the script did not move");
        assert_eq!(bench.script.state, SWITCH_ON_DISABLED);
        bench.off();
        bench.until(30, Bench::powered, |bench| bench.feedback.operational);
    }
}

#[test]
fn a_drive_enabled_by_somebody_else_later_is_disabled_too() {
    let mut bench = Bench::new(&csp(), Script::default());
    bench.off();
    bench.script.state = ENABLED;
    bench.off();
    assert_eq!(bench.told().controlword, 0x02);
    bench.until(50, Bench::off, |bench| bench.script.state == SWITCH_ON_DISABLED);
    assert_eq!(bench.feedback.fault, None);
}

#[test]
fn stale_feedback_keeps_its_values_counts_its_age_and_extrapolates_nothing() {
    let mut parameters = csp();
    parameters.gains.velocity_feed_forward = 1.0;
    let mut bench = Bench::operational(&parameters, Script::default());
    let mut step = 0u64;
    let mut go = |bench: &mut Bench| {
        step += 1;
        let position = step as f64 * 0.1;
        let setpoint = Setpoint { turns: 0, position, velocity: 100.0, acceleration: 0.0 };
        bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() })
    };
    for _ in 0..20 {
        go(&mut bench);
    }
    let last = bench.feedback;
    assert!((last.velocity - 100.0).abs() < 0.6, "{last:?}");
    bench.fresh = false;
    for age in 1..=5 {
        let feedback = go(&mut bench);
        assert_eq!(feedback.stale_cycles, age);
        let unchanged = Feedback { stale_cycles: 0, held: last.held, ..feedback };
        assert_eq!(unchanged, last);
    }
    bench.fresh = true;
    let feedback = go(&mut bench);
    assert_eq!(feedback.stale_cycles, 0);
    // Six periods' way over six periods.
    assert!((feedback.velocity - 100.0).abs() < 0.6, "{feedback:?}");
}

#[test]
fn a_setpoint_that_cannot_be_represented_is_not_sent_and_stops_the_drive() {
    let beyond = [f64::NAN, f64::INFINITY, -1e300, 1e18, 2_147_483_648.0 / PER_DEGREE + 1.0];
    for position in beyond {
        let mut bench = Bench::operational(&csp(), Script::default());
        let before = bench.told();
        let setpoint = Setpoint { turns: 0, position, velocity: 0.0, acceleration: 0.0 };
        bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() });
        assert_eq!(bench.told(), Told { controlword: 0x02, ..before }, "{position}");
        let feedback = bench.powered();
        assert_eq!((feedback.fault, feedback.operational), (Some(Fault::SetpointRange), false));
        bench.until(50, Bench::powered, |bench| bench.script.state == SWITCH_ON_DISABLED);
    }
    for (velocity, acceleration) in [(f64::NAN, 0.0), (0.0, f64::INFINITY)] {
        let mut bench = Bench::operational(&csp(), Script::default());
        bench.cycle(|f| Wish {
            power: true,
            setpoint: Setpoint { velocity, acceleration, ..f.held },
            ..Wish::default()
        });
        assert_eq!(bench.off().fault, Some(Fault::SetpointRange));
    }
}
