//! Other gains and another torque limit: only while the drive holds nothing, and then whole.

use super::bench::*;
use crate::drive::*;
use crate::units::Setpoint;

#[test]
fn an_enabled_drive_keeps_its_gains_and_a_disabled_one_takes_others() {
    for mode in [Mode::Csp, Mode::Csv, Mode::Cst] {
        let parameters = parameters(mode);
        let gains = ServoGains { position_gain: parameters.gains.position_gain + 1.0, ..parameters.gains };
        let mut bench = Bench::operational(&parameters, Script::default());
        let drive = &mut bench.drive;
        assert_eq!(drive.check_tuning(&parameters.gains, parameters.torque_limit), Ok(()), "{mode:?}: as they are");
        assert_eq!(drive.check_tuning(&gains, parameters.torque_limit), Err(TuningRefusal::Enabled), "{mode:?}");
        assert_eq!(drive.check_tuning(&parameters.gains, 0.5), Err(TuningRefusal::Enabled), "{mode:?}");
        for _ in 0..200 {
            bench.off();
        }
        assert_eq!(bench.drive.check_tuning(&gains, 0.5), Ok(()), "{mode:?}");
        bench.drive.set_tuning(gains, 0.5);
        assert_eq!(bench.drive.check_tuning(&gains, 0.5), Ok(()), "{mode:?}");
    }
}

#[test]
fn a_velocity_limit_that_is_not_in_force_changes_at_rest() {
    let parameters = parameters(Mode::Csv);
    let mut bench = Bench::operational(&parameters, Script::default());
    for _ in 0..100 {
        bench.powered();
    }
    let limited = |velocity_limit| ServoGains { velocity_limit, ..parameters.gains };
    let told = bench.told();
    assert_eq!(bench.drive.check_tuning(&limited(30.0), parameters.torque_limit), Ok(()));
    bench.drive.set_tuning(limited(30.0), parameters.torque_limit);
    bench.powered();
    assert_eq!(bench.told(), told, "nothing that the drive is told has changed");
    // Pushed away so far that the loop asks for more than a lower limit.
    bench.script.motor.position += 2.0 * PER_DEGREE;
    bench.powered();
    bench.powered();
    let refused = bench.drive.check_tuning(&limited(1.0), parameters.torque_limit);
    assert!(matches!(refused, Err(TuningRefusal::Saturated { clamp: 1.0, asked }) if asked > 1.0), "{refused:?}");
}

#[test]
fn what_is_fed_forward_counts_against_a_velocity_limit() {
    for mode in [Mode::Csv, Mode::Cst] {
        let parameters = parameters(mode);
        let mut bench = Bench::operational(&parameters, Script::default());
        let limited = |velocity_limit| ServoGains { velocity_limit, ..parameters.gains };
        let fed_forward = 5.0 * parameters.gains.velocity_feed_forward;
        assert!(fed_forward > 0.0, "{mode:?}");
        // A constant 5 units/s that the motor follows: nearly all that is asked for is fed forward.
        for step in 1..=50 {
            let position = f64::from(step) * 5.0 * PERIOD_S;
            let setpoint = Setpoint { turns: 0, position, velocity: 5.0, acceleration: 0.0 };
            bench.cycle(|_| Wish { power: true, setpoint, ..Wish::default() });
        }
        let refused = bench.drive.check_tuning(&limited(0.5 * fed_forward), parameters.torque_limit);
        assert!(matches!(refused, Err(TuningRefusal::Saturated { .. })), "{mode:?}: {refused:?}");
        assert_eq!(bench.drive.check_tuning(&limited(3.0 * fed_forward), parameters.torque_limit), Ok(()), "{mode:?}");
    }
}
