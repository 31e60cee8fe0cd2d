//! Faults, losses of operation, and the reset by its edge.

use super::bench::*;
use crate::drive::*;
use crate::fault::Fault;

fn running() -> Bench {
    Bench::operational(&parameters(Mode::Csp), Script::default())
}

#[test]
fn leaving_operation_unasked_is_named_by_its_cause() {
    type Cause = fn(&mut Script);
    let causes: [(&str, Cause, Fault, u16); 7] = [
        ("safe torque off", |script| script.state = SWITCH_ON_DISABLED, Fault::DriveLeftOperation, 0),
        ("local disable", |script| script.state = SWITCHED_ON, Fault::DriveLeftOperation, 0),
        ("own quick stop", |script| script.state = QUICK_STOP, Fault::DriveLeftOperation, 0),
        ("local control", |script| script.remote = false, Fault::DriveLeftOperation, 0),
        ("undefined bits", |script| script.state = 0x01, Fault::DriveLeftOperation, 0),
        (
            "mains",
            |script| {
                script.state = SWITCH_ON_DISABLED;
                script.voltage = false;
            },
            Fault::VoltageLost,
            0,
        ),
        ("fault", |script| script.fail(0x7305), Fault::DriveFault, 0x7305),
    ];
    for (name, cause, fault, code) in causes {
        let mut bench = running();
        cause(&mut bench.script);
        let feedback = bench.powered();
        assert_eq!((feedback.fault, feedback.operational, feedback.error_code), (Some(fault), false, code), "{name}");
        // The cause goes, the latch stays, and nothing comes back by itself.
        bench.script.remote = true;
        bench.script.voltage = true;
        for _ in 0..100 {
            let feedback = bench.powered();
            assert_eq!((feedback.fault, feedback.operational), (Some(fault), false), "{name}");
            assert_eq!(bench.told().controlword & 0x80, 0, "{name}: reset without a command");
            assert_ne!(bench.told().controlword, 0x0F, "{name}");
        }
    }
}

#[test]
fn a_drive_without_the_voltage_bit_is_not_said_to_have_lost_its_voltage() {
    let mut bench = Bench::operational(&parameters(Mode::Csp), Script { voltage: false, ..Script::default() });
    bench.script.state = SWITCH_ON_DISABLED;
    assert_eq!(bench.powered().fault, Some(Fault::DriveLeftOperation));
}

#[test]
fn a_reset_is_one_rising_edge_after_zeros_and_then_dropped() {
    let mut bench = running();
    bench.script.fail(0x8611);
    bench.until(20, Bench::powered, |bench| bench.script.state == FAULT);
    let mut words = vec![];
    bench.cycle(|_| Wish { reset: true, ..Wish::default() });
    words.push(bench.told().controlword);
    assert!(bench.off().resetting);
    words.push(bench.told().controlword);
    for _ in 0..20 {
        bench.off();
        words.push(bench.told().controlword);
    }
    let high = words.iter().filter(|word| **word == 0x80).count();
    assert!(words[0] == 0 && words[1] == 0 && words[2] == 0x80 && (1..=3).contains(&high), "{words:02X?}");
    words.dedup();
    assert_eq!(words, [0x00, 0x80, 0x00]);
    assert_eq!((bench.feedback.fault, bench.feedback.resetting, bench.feedback.error_code), (None, false, 0));
    assert_eq!(bench.script.state, SWITCH_ON_DISABLED);
    bench.until(30, Bench::powered, |bench| bench.feedback.operational);
}

#[test]
fn power_that_is_asked_for_while_a_reset_is_under_way_comes_after_it() {
    let mut bench = running();
    bench.script.fail(0x8611);
    bench.until(20, Bench::off, |bench| bench.script.state == FAULT);
    bench.cycle(|_| Wish { reset: true, ..Wish::default() });
    assert!(bench.off().resetting);
    assert!(bench.powered().resetting, "the reset is not over yet");
    bench.until(50, Bench::powered, |bench| bench.feedback.operational);
}

#[test]
fn a_reset_with_power_still_demanded_does_not_enable() {
    let mut bench = running();
    bench.script.fail(1);
    bench.until(20, Bench::powered, |bench| bench.script.state == FAULT);
    bench.cycle(|_| Wish { power: true, reset: true, ..Wish::default() });
    bench.until(20, Bench::powered, |bench| bench.feedback.fault.is_none());
    for _ in 0..50 {
        bench.powered();
        assert_eq!(bench.script.state, SWITCH_ON_DISABLED);
    }
}

#[test]
fn a_refused_reset_is_told_after_its_time_and_each_command_makes_one_edge() {
    let mut bench = running();
    bench.script.fail(0x2310);
    bench.script.refuses_reset = true;
    bench.until(20, Bench::powered, |bench| bench.script.state == FAULT);
    for _ in 0..2 {
        let mut before = bench.told().controlword;
        let mut edges = 0;
        bench.cycle(|_| Wish { reset: true, ..Wish::default() });
        assert_eq!(bench.off().fault, Some(Fault::DriveFault), "a new attempt is open");
        let cycles = bench.until(
            300,
            |bench| {
                let feedback = bench.off();
                edges += u32::from(before & 0x80 == 0 && bench.told().controlword & 0x80 != 0);
                before = bench.told().controlword;
                feedback
            },
            |bench| bench.feedback.fault == Some(Fault::ResetRefused),
        );
        assert!((95..105).contains(&cycles), "{cycles}");
        assert_eq!(edges, 1);
        assert_eq!(bench.feedback.error_code, 0x2310);
        assert!(!bench.feedback.resetting);
        assert_eq!(bench.told().controlword, 0);
    }
    bench.script.refuses_reset = false;
    bench.cycle(|_| Wish { reset: true, ..Wish::default() });
    bench.until(20, Bench::off, |bench| bench.feedback.fault.is_none());
}

#[test]
fn a_reset_during_the_fault_reaction_waits_for_fault() {
    let mut bench = running();
    bench.script.motor.velocity = 50.0 * PER_DEGREE;
    bench.script.fail(1);
    bench.powered();
    bench.cycle(|_| Wish { reset: true, ..Wish::default() });
    for _ in 0..200 {
        let reacting = bench.feedback.state == State::FaultReactionActive;
        bench.off();
        assert!(!reacting || bench.told().controlword & 0x80 == 0 || bench.feedback.state == State::Fault);
    }
    assert_eq!(bench.feedback.fault, None);
}

#[test]
fn a_reset_outside_of_fault_makes_no_edge() {
    let mut bench = running();
    for _ in 0..5 {
        bench.cycle(|f| Wish { power: true, reset: true, setpoint: f.held, ..Wish::default() });
        assert_eq!(bench.told().controlword, 0x0F);
    }
    assert!(bench.powered().operational);
    let mut bench = Bench::new(&parameters(Mode::Csp), Script::default());
    for _ in 0..5 {
        bench.cycle(|_| Wish { reset: true, ..Wish::default() });
        assert_eq!(bench.told().controlword & 0x80, 0);
    }
}

#[test]
fn a_fault_found_at_start_up_is_told_and_not_reset_by_itself() {
    let mut bench =
        Bench::new(&parameters(Mode::Csp), Script { state: FAULT, error_code: 0x5441, ..Script::default() });
    for _ in 0..100 {
        let feedback = bench.powered();
        assert_eq!((feedback.fault, feedback.error_code), (Some(Fault::DriveFault), 0x5441));
        assert_eq!(bench.told().controlword & 0x80, 0);
    }
}

#[test]
fn a_code_that_comes_late_or_goes_early_is_kept_with_its_fault() {
    let mut bench = running();
    bench.script.fail(0);
    assert_eq!(bench.powered().error_code, 0);
    bench.script.error_code = 0x3210;
    assert_eq!(bench.powered().error_code, 0x3210);
    bench.script.error_code = 0;
    assert_eq!(bench.powered().error_code, 0x3210);
}

#[test]
fn a_fault_that_follows_a_loss_of_operation_takes_its_place() {
    let mut bench = running();
    bench.script.state = SWITCH_ON_DISABLED;
    assert_eq!(bench.powered().fault, Some(Fault::DriveLeftOperation));
    bench.script.fail(0x3220);
    let feedback = bench.powered();
    assert_eq!((feedback.fault, feedback.error_code), (Some(Fault::DriveFault), 0x3220));
}

#[test]
fn a_fault_that_comes_back_during_the_reset_gets_no_second_edge() {
    let mut bench = running();
    bench.script.fail(1);
    bench.script.refuses_reset = true;
    bench.until(20, Bench::powered, |bench| bench.script.state == FAULT);
    bench.cycle(|_| Wish { reset: true, ..Wish::default() });
    bench.until(10, Bench::off, |bench| bench.told().controlword == 0x80);
    bench.script.motor.velocity = 5.0 * PER_DEGREE;
    bench.script.fail(2);
    bench.until(10, Bench::off, |bench| bench.told().controlword != 0x80);
    for _ in 0..200 {
        bench.off();
        assert_eq!(bench.told().controlword & 0x80, 0);
    }
    assert_eq!(bench.feedback.fault, Some(Fault::ResetRefused));
}

#[test]
fn a_power_edge_during_a_fault_does_not_count() {
    for reset_later in [false, true] {
        let mut bench = running();
        bench.script.state = SWITCH_ON_DISABLED;
        bench.powered();
        bench.off();
        bench.off();
        bench.powered();
        if reset_later {
            bench.cycle(|f| Wish { power: true, reset: true, setpoint: f.held, ..Wish::default() });
        }
        for _ in 0..50 {
            bench.powered();
            assert_eq!(bench.script.state, SWITCH_ON_DISABLED, "reset later {reset_later}");
        }
    }
}
