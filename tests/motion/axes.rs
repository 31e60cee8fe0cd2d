//! What one axis does with each command.

use crate::bench::*;
use motiond::fault::Fault;
use motiond::ids::Handle;
use motiond::limits::MAX_JOG_VALIDITY_NS;
use motiond::motion::*;
use motiond::units::AxisUnit;

#[test]
fn enabling_starts_from_the_held_target_without_a_jump() {
    let mut bench = Bench::new();
    bench.inputs[0].held.position = 123.456;
    bench.step();
    bench.accepted(|motion, handle| motion.power(handle, X, true));
    bench.steps(3);
    assert_eq!(bench.states()[0], AxisState::Standstill);
    assert_eq!(bench.outputs[0].setpoint.position, 123.456);
    let handle = bench.accepted(|motion, handle| motion.move_axis(handle, X, to(MoveKind::Relative, 1.0)));
    bench.step();
    assert!((bench.outputs[0].setpoint.position - 123.456).abs() < 1e-4);
    bench.until_end(handle);
    assert!((bench.position(X) - 124.456).abs() < 1e-12);
}

#[test]
fn additive_counts_from_the_commanded_end_and_relative_from_the_setpoint() {
    let mut bench = Bench::powered();
    let first = bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(100.0)));
    bench.steps(300);
    let second = bench.accepted(|motion, handle| motion.move_axis(handle, X, to(MoveKind::Additive, 50.0)));
    bench.until_end(second);
    assert_eq!((bench.end_of(first), bench.position(X)), (Some(Progress::Aborted), 150.0));
    bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(0.0)));
    bench.steps(300);
    let here = bench.position(X);
    let third = bench.accepted(|motion, handle| motion.move_axis(handle, X, to(MoveKind::Relative, 10.0)));
    bench.until_end(third);
    assert!((bench.position(X) - (here + 10.0)).abs() < 1e-9);
}

#[test]
fn buffered_moves_run_in_order_and_a_full_queue_says_its_depth() {
    let mut bench = Bench::powered();
    let buffered = |target| MoveRequest { buffer: BufferMode::Buffered, ..absolute(target) };
    let handles: Vec<Handle> =
        (1..=9).map(|i| bench.accepted(|motion, handle| motion.move_axis(handle, X, buffered(f64::from(i))))).collect();
    let refused = bench.refused(|motion, handle| motion.move_axis(handle, X, buffered(1.0)));
    assert_eq!(refused, Rejection::with(Reason::QueueFull, 8.0, 8.0));
    for (i, handle) in handles.into_iter().enumerate() {
        assert_eq!(bench.until_end(handle).0, Progress::Done);
        assert_eq!(bench.position(X), (i + 1) as f64);
    }
    bench.step();
    assert_eq!(bench.states()[0], AxisState::Standstill);
}

#[test]
fn an_override_of_zero_holds_and_two_hundred_percent_stays_within_the_axis_limit() {
    let mut bench = Bench::powered();
    let slow = MoveRequest { dynamics: Dynamics { velocity: Some(80.0), ..Dynamics::default() }, ..absolute(500.0) };
    let handle = bench.accepted(|motion, handle| motion.move_axis(handle, X, slow));
    bench.steps(500);
    assert!((bench.velocity(X) - 80.0).abs() < 1e-9);
    bench.accepted(|motion, handle| motion.set_override(handle, X, 2.0));
    bench.steps(500);
    assert!((bench.velocity(X) - 100.0).abs() < 1e-9);
    bench.accepted(|motion, handle| motion.set_override(handle, X, 0.0));
    bench.steps(1000);
    assert_eq!((bench.velocity(X), bench.end_of(handle), bench.states()[0]), (0.0, None, AxisState::DiscreteMotion));
    bench.accepted(|motion, handle| motion.set_override(handle, X, 1.0));
    assert_eq!(bench.until_end(handle).0, Progress::Done);
    assert_eq!(bench.position(X), 500.0);
    for bad in [-0.1, 2.1, f64::NAN] {
        let refused = bench.refused(|motion, handle| motion.set_override(handle, X, bad));
        assert_eq!(refused.reason, Reason::OverrideRange);
    }
}

#[test]
fn a_jog_runs_on_while_it_is_refreshed_and_ramps_down_when_it_is_not() {
    let mut bench = Bench::powered();
    let mut before = None;
    for _ in 0..10 {
        let now_ns = bench.now_ns;
        let handle = bench.accepted(|motion, handle| motion.jog(handle, X, 50.0, now_ns + 100_000_000, now_ns));
        bench.steps(50);
        if let Some(before) = before.replace(handle) {
            assert_eq!(bench.end_of(before), Some(Progress::Done));
        }
        assert_eq!(bench.states()[0], AxisState::ContinuousMotion);
    }
    assert!((bench.velocity(X) - 50.0).abs() < 1e-9);
    let (end, cycles) = bench.until_end(before.unwrap());
    // 50 ms of validity were left, then a ramp of 50 mm/s: 50 / 1000 s + 1000 / 20000 s.
    assert!(end == Progress::Done && (150..=153).contains(&cycles), "{cycles}");
    let now_ns = bench.now_ns;
    assert_eq!(bench.refused(|motion, handle| motion.jog(handle, X, 1.0, now_ns, now_ns)).reason, Reason::JogExpired);
    let too_long = now_ns + MAX_JOG_VALIDITY_NS + 1;
    assert_eq!(bench.refused(|motion, handle| motion.jog(handle, X, 1.0, too_long, now_ns)).reason, Reason::NotFinite);
}

#[test]
fn a_velocity_comes_to_rest_exactly_at_the_soft_limit_and_ends_as_aborted() {
    let mut bench = Bench::powered();
    let handle = bench.accepted(|motion, handle| motion.velocity(handle, X, 100.0, Dynamics::default()));
    assert_eq!(bench.until_end(handle).0, Progress::Aborted);
    assert_eq!((bench.position(X), bench.velocity(X), bench.soft_limits.as_slice()), (1000.0, 0.0, [X].as_slice()));
    let refused = bench.refused(|motion, handle| motion.velocity(handle, X, 1.0, Dynamics::default()));
    assert_eq!(refused, Rejection::with(Reason::SoftLimit, 1000.0, 1000.0));
    let refused = bench.refused(|motion, handle| motion.move_axis(handle, X, absolute(1000.5)));
    assert_eq!(refused, Rejection::with(Reason::SoftLimit, 1000.5, 1000.0));
    bench.accepted(|motion, handle| motion.velocity(handle, X, -1.0, Dynamics::default()));
}

#[test]
fn a_retarget_that_would_overshoot_the_soft_limit_is_refused() {
    let mut bench = Bench::powered();
    bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(1000.0)));
    while bench.position(X) < 990.0 || bench.velocity(X) < 60.0 {
        bench.step();
        assert!(bench.position(X) < 999.0);
    }
    let gentle = Dynamics { acceleration: Some(50.0), ..Dynamics::default() };
    let refused = bench
        .refused(|motion, handle| motion.move_axis(handle, X, MoveRequest { dynamics: gentle, ..absolute(900.0) }));
    assert_eq!((refused.reason, refused.allowed), (Reason::SoftLimit, 1000.0));
    assert!(refused.found > 1000.0);
}

#[test]
fn absolute_moves_need_a_reference_and_set_position_gives_it_without_moving() {
    let mut bench = Bench::new();
    let parameters = AxisParameters::plain(AxisUnit::Millimetre, LIMITS);
    bench.motion = Motion::new(vec![parameters], vec![], 0.001);
    bench.step();
    bench.accepted(|motion, handle| motion.power(handle, X, true));
    bench.steps(3);
    assert_eq!(
        bench.refused(|motion, handle| motion.move_axis(handle, X, absolute(1.0))).reason,
        Reason::NotReferenced
    );
    let before = bench.outputs[0].setpoint;
    bench.accepted(|motion, handle| motion.set_position(handle, X, 500.0));
    bench.step();
    assert_eq!((bench.outputs[0].setpoint, bench.position(X)), (before, 500.0));
    let handle = bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(510.0)));
    assert_eq!(bench.until_end(handle).0, Progress::Done);
    assert_eq!(bench.outputs[0].setpoint.position, 10.0);
}

#[test]
fn a_turntable_takes_the_way_it_is_told_and_counts_its_turns() {
    for (direction, turns, way) in [
        (Direction::Shortest, -1, -40.0),
        (Direction::Positive, 0, 320.0),
        (Direction::Negative, -1, -40.0),
        (Direction::Current, -1, -40.0),
    ] {
        let mut bench = Bench::powered();
        let handle = bench
            .accepted(|motion, handle| motion.move_axis(handle, TABLE, MoveRequest { direction, ..absolute(320.0) }));
        bench.until_end(handle);
        let setpoint = bench.outputs[2].setpoint;
        assert_eq!((setpoint.turns, setpoint.position), (turns, 320.0), "{direction:?}");
        assert_eq!(setpoint.turns as f64 * 360.0 + setpoint.position, way);
    }
    let mut bench = Bench::powered();
    bench.accepted(|motion, handle| motion.velocity(handle, TABLE, 100.0, Dynamics::default()));
    bench.steps(1000);
    let direction = Direction::Current;
    let handle =
        bench.accepted(|motion, handle| motion.move_axis(handle, TABLE, MoveRequest { direction, ..absolute(10.0) }));
    while bench.end_of(handle).is_none() {
        bench.step();
        assert!(bench.velocity(TABLE) >= 0.0);
    }
    assert_eq!((bench.outputs[2].setpoint.turns, bench.position(TABLE)), (1, 10.0));
}

#[test]
fn a_stop_locks_until_it_is_released_and_aborts_everything() {
    let mut bench = Bench::powered();
    let active = bench.accepted(|motion, handle| motion.move_axis(handle, X, absolute(500.0)));
    let buffered = MoveRequest { buffer: BufferMode::Buffered, ..absolute(0.0) };
    let waiting = bench.accepted(|motion, handle| motion.move_axis(handle, X, buffered));
    bench.steps(400);
    bench.motion.stop_axis(X);
    bench.step();
    assert!(bench.outputs[0].setpoint.acceleration < 0.0, "it decelerates in the cycle that reads the stop");
    assert_eq!((bench.end_of(active), bench.end_of(waiting)), (Some(Progress::Aborted), Some(Progress::Aborted)));
    bench.steps(500);
    assert_eq!((bench.states()[0], bench.velocity(X)), (AxisState::Stopping, 0.0));
    assert_eq!(bench.refused(|motion, handle| motion.move_axis(handle, X, absolute(0.0))).reason, Reason::Stopped);
    assert_eq!(bench.motion.release_axis(X), Ok(()));
    assert_eq!(bench.motion.release_axis(X).unwrap_err().reason, Reason::NotStopped);
    bench.step();
    assert_eq!(bench.states()[0], AxisState::Standstill);
}

#[test]
fn power_off_in_motion_ramps_down_before_the_drive_is_disabled() {
    let mut bench = Bench::powered();
    bench.accepted(|motion, handle| motion.velocity(handle, X, 100.0, Dynamics::default()));
    bench.steps(500);
    let off = bench.accepted(|motion, handle| motion.power(handle, X, false));
    bench.step();
    while bench.outputs[0].power {
        assert!(bench.states()[0] == AxisState::Stopping);
        bench.step();
    }
    assert_eq!((bench.velocity(X), bench.states()[0]), (0.0, AxisState::Disabled));
    assert_eq!(bench.until_end(off).0, Progress::Done);
}

#[test]
fn a_drive_that_leaves_operation_by_itself_faults_and_does_not_come_back_alone() {
    let mut bench = Bench::powered();
    let handle = bench.accepted(|motion, handle| motion.velocity(handle, X, 100.0, Dynamics::default()));
    bench.steps(100);
    bench.inputs[0].operational = false;
    bench.step();
    assert_eq!(bench.end_of(handle), Some(Progress::Failed(Fault::DriveLeftOperation)));
    assert_eq!(bench.faults, [(X, Fault::DriveLeftOperation)]);
    assert!(bench.outputs[0].quick_stop && !bench.outputs[0].power && bench.velocity(X) == 0.0);
    bench.accepted(|motion, handle| motion.reset(handle, X));
    bench.step();
    assert!(bench.outputs[0].reset && !bench.outputs[0].power);
    bench.step();
    assert!(!bench.outputs[0].reset && bench.states()[0] == AxisState::Disabled);
}

#[test]
fn running_onto_a_limit_switch_ramps_down_and_only_the_way_back_is_open() {
    let mut bench = Bench::powered();
    bench.accepted(|motion, handle| motion.velocity(handle, X, 100.0, Dynamics::default()));
    bench.steps(300);
    bench.inputs[0].positive_limit = true;
    bench.steps(500);
    let axis = &bench.motion.axes()[0];
    assert_eq!((axis.state(), axis.fault()), (AxisState::ErrorStop, Some(Fault::PositiveLimitSwitch)));
    assert!(bench.outputs[0].power && bench.velocity(X) == 0.0, "it holds its place");
    bench.accepted(|motion, handle| motion.reset(handle, X));
    bench.step();
    let refused = bench.refused(|motion, handle| motion.velocity(handle, X, 1.0, Dynamics::default()));
    assert_eq!(refused.reason, Reason::LimitSwitch);
    bench.accepted(|motion, handle| motion.velocity(handle, X, -1.0, Dynamics::default()));
    bench.steps(10);
    assert_eq!(bench.states()[0], AxisState::ContinuousMotion);
}

#[test]
fn an_axis_that_coasts_is_not_powered_on() {
    let mut bench = Bench::new();
    bench.step();
    bench.inputs[0].actual_velocity = -50.0;
    bench.step();
    // The bench's drives stand after each step: the axis has heard of the coasting in the one before.
    let (_, refused) = bench.submit(|motion, handle| motion.power(handle, X, true));
    let refused = refused.unwrap_err();
    assert_eq!((refused.reason, refused.found), (Reason::StillMoving, -50.0));
    bench.step();
    bench.accepted(|motion, handle| motion.power(handle, X, true));
}

#[test]
fn a_move_is_done_only_when_the_feedback_has_settled() {
    let mut bench = Bench::new();
    let parameters = AxisParameters {
        in_position_window: 0.1,
        in_position_time_s: 0.02,
        ..AxisParameters::plain(AxisUnit::Millimetre, LIMITS)
    };
    bench.motion = Motion::new(vec![parameters], vec![], 0.001);
    bench.step();
    bench.accepted(|motion, handle| motion.power(handle, X, true));
    bench.steps(3);
    let handle = bench.accepted(|motion, handle| motion.move_axis(handle, X, to(MoveKind::Relative, 1.0)));
    bench.inputs[0].following_error = 0.2;
    bench.steps(1000);
    assert!(bench.velocity(X) == 0.0 && bench.end_of(handle).is_none());
    bench.inputs[0].following_error = 0.05;
    assert_eq!(bench.until_end(handle), (Progress::Done, 20));
}

#[test]
fn a_fault_while_enabling_fails_the_power_command() {
    let mut bench = Bench::new();
    bench.step();
    let handle = bench.accepted(|motion, handle| motion.power(handle, X, true));
    bench.motion.fault(X, Fault::EnableTimeout, Fault::EnableTimeout.reaction());
    bench.step();
    assert_eq!(bench.end_of(handle), Some(Progress::Failed(Fault::EnableTimeout)));
    assert!(!bench.outputs[0].power && bench.states()[0] == AxisState::ErrorStop);
}

#[test]
fn a_machine_fault_stops_what_is_powered_and_leaves_the_rest_alone() {
    let mut bench = Bench::powered();
    let off = bench.accepted(|motion, handle| motion.power(handle, Y, false));
    bench.until_end(off);
    let handle = bench.accepted(|motion, handle| motion.velocity(handle, X, 100.0, Dynamics::default()));
    bench.steps(300);
    bench.motion.fault_all(Fault::EnablingDevice, Fault::EnablingDevice.reaction());
    bench.step();
    assert_eq!(bench.end_of(handle), Some(Progress::Failed(Fault::EnablingDevice)));
    assert_eq!(bench.states(), [AxisState::ErrorStop, AxisState::Disabled, AxisState::ErrorStop]);
    assert_eq!(bench.refused(|motion, handle| motion.reset(handle, X)).reason, Reason::StillMoving);
    bench.steps(500);
    bench.inputs[0].permitted = false;
    bench.step();
    assert_eq!(bench.refused(|motion, handle| motion.reset(handle, X)).reason, Reason::FaultPresent);
    bench.inputs[0].permitted = true;
    bench.step();
    bench.accepted(|motion, handle| motion.reset(handle, X));
    bench.step();
    assert_eq!(bench.states()[0], AxisState::Standstill);
}
