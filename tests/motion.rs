//! What axes and groups promise at the border of the kernel: one claim a test, on an ideal drive that follows at once.

use motiond::fault::{Fault, Reaction, Scope, StopKind};
use motiond::ids::{AxisId, GroupId, Handle};
use motiond::limits::MAX_JOG_VALIDITY_NS;
use motiond::motion::*;
use motiond::units::AxisUnit;

const PERIOD_NS: u64 = 1_000_000;
const LIMITS: Limits = Limits { velocity: 100.0, acceleration: 1000.0, jerk: 20_000.0 };
const X: AxisId = AxisId(0);
const Y: AxisId = AxisId(1);
const TABLE: AxisId = AxisId(2);
const XY: GroupId = GroupId(0);
const ALL: GroupId = GroupId(1);

/// X and Y with soft limits of ±1000 mm, a turntable; drives that do in the next cycle what they are told.
struct Bench {
    motion: Motion,
    inputs: Vec<AxisInputs>,
    outputs: Vec<AxisOutputs>,
    now_ns: u64,
    next: u64,
    reports: Vec<(Handle, Progress)>,
    faults: Vec<(AxisId, Fault)>,
    soft_limits: Vec<AxisId>,
}

struct Listener<'a>(&'a mut Vec<(Handle, Progress)>, &'a mut Vec<(AxisId, Fault)>, &'a mut Vec<AxisId>);

impl Outcomes for Listener<'_> {
    fn report(&mut self, handle: Handle, progress: Progress) {
        self.0.push((handle, progress));
    }
    fn fault_raised(&mut self, axis: AxisId, fault: Fault) {
        self.1.push((axis, fault));
    }
    fn soft_limit_reached(&mut self, axis: AxisId) {
        self.2.push(axis);
    }
}

impl Bench {
    fn new() -> Bench {
        let linear = AxisParameters {
            soft_limits: Some((-1000.0, 1000.0)),
            referenced: true,
            ..AxisParameters::plain(AxisUnit::Millimetre, LIMITS)
        };
        let table =
            AxisParameters { modulo: Some(360.0), referenced: true, ..AxisParameters::plain(AxisUnit::Degree, LIMITS) };
        let path_limits = Limits { velocity: 150.0, acceleration: 1500.0, jerk: 30_000.0 };
        let groups = vec![
            GroupParameters { axes: vec![X, Y], path_limits },
            GroupParameters { axes: vec![X, Y, TABLE], path_limits },
        ];
        let motion = Motion::new(vec![linear.clone(), linear, table], groups, PERIOD_NS as f64 * 1e-9);
        let input = AxisInputs { permitted: true, ..AxisInputs::default() };
        Bench {
            motion,
            inputs: vec![input; 3],
            outputs: vec![AxisOutputs::default(); 3],
            now_ns: 0,
            next: 0,
            reports: Vec::new(),
            faults: Vec::new(),
            soft_limits: Vec::new(),
        }
    }

    /// All three powered.
    fn powered() -> Bench {
        let mut bench = Bench::new();
        bench.step();
        for axis in [X, Y, TABLE] {
            let handle = bench.accepted(|motion, handle| motion.power(handle, axis, true));
            bench.until_end(handle);
        }
        bench
    }

    fn step(&mut self) {
        let mut listener = Listener(&mut self.reports, &mut self.faults, &mut self.soft_limits);
        self.motion.step(self.now_ns, &self.inputs, &mut self.outputs, &mut listener);
        for (input, output) in self.inputs.iter_mut().zip(&self.outputs) {
            if input.operational {
                input.held = output.setpoint;
            }
            input.operational = output.power && !output.quick_stop;
            input.actual_velocity = 0.0;
        }
        self.now_ns += PERIOD_NS;
    }

    fn steps(&mut self, count: usize) {
        for _ in 0..count {
            self.step();
        }
    }

    fn submit(
        &mut self,
        command: impl FnOnce(&mut Motion, Handle) -> Result<(), Rejection>,
    ) -> (Handle, Result<(), Rejection>) {
        self.next += 1;
        let handle = Handle(self.next);
        (handle, command(&mut self.motion, handle))
    }

    fn accepted(&mut self, command: impl FnOnce(&mut Motion, Handle) -> Result<(), Rejection>) -> Handle {
        let (handle, answer) = self.submit(command);
        assert_eq!(answer, Ok(()));
        handle
    }

    fn refused(&mut self, command: impl FnOnce(&mut Motion, Handle) -> Result<(), Rejection>) -> Rejection {
        self.submit(command).1.expect_err("it must be refused")
    }

    fn end_of(&self, handle: Handle) -> Option<Progress> {
        self.reports.iter().find(|(of, progress)| *of == handle && *progress != Progress::Active).map(|(_, end)| *end)
    }

    fn until_end(&mut self, handle: Handle) -> (Progress, usize) {
        for cycles in 0..100_000 {
            if let Some(end) = self.end_of(handle) {
                return (end, cycles);
            }
            self.step();
        }
        panic!("{handle:?} never ends; axes {:?}", self.states());
    }

    fn states(&self) -> Vec<AxisState> {
        self.motion.axes().iter().map(Axis::state).collect()
    }

    fn position(&self, axis: AxisId) -> f64 {
        self.motion.axes()[axis.index()].position()
    }

    fn velocity(&self, axis: AxisId) -> f64 {
        self.outputs[axis.index()].setpoint.velocity
    }

    fn group(&self, group: GroupId) -> &Group {
        &self.motion.groups()[group.index()]
    }

    fn enable(&mut self, group: GroupId) {
        let handle = self.accepted(|motion, handle| motion.group_enable(handle, group));
        self.step();
        assert_eq!(self.end_of(handle), Some(Progress::Done));
    }
}

fn to(kind: MoveKind, target: f64) -> MoveRequest {
    MoveRequest {
        kind,
        target,
        dynamics: Dynamics::default(),
        buffer: BufferMode::Aborting,
        direction: Direction::Shortest,
    }
}

fn absolute(target: f64) -> MoveRequest {
    to(MoveKind::Absolute, target)
}

fn group_to(shape: GroupShape, targets: &[f64]) -> GroupMoveRequest<'_> {
    GroupMoveRequest { shape, targets, relative: false, dynamics: Dynamics::default(), buffer: BufferMode::Aborting }
}

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
fn a_line_is_straight_and_its_members_are_refused_single_motion() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let targets = [300.0, 100.0];
    let handle = bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &targets)));
    bench.step();
    assert_eq!(bench.states()[..2], [AxisState::SynchronizedMotion; 2]);
    assert_eq!(bench.refused(|motion, handle| motion.halt(handle, X)).reason, Reason::InGroup);
    while bench.end_of(handle).is_none() {
        bench.step();
        assert!((bench.position(X) - 3.0 * bench.position(Y)).abs() < 1e-9);
        assert!(bench.velocity(X) <= 100.0 + 1e-9, "the cap of the faster axis holds");
    }
    assert_eq!((bench.position(X), bench.position(Y)), (300.0, 100.0));
    assert_eq!((bench.group(XY).state(), bench.states()[0]), (GroupState::GroupStandby, AxisState::Standstill));
}

#[test]
fn direct_moves_arrive_together_even_when_they_take_over_in_motion() {
    let mut bench = Bench::powered();
    bench.enable(ALL);
    let first = bench
        .accepted(|motion, handle| motion.group_move(handle, ALL, group_to(GroupShape::Direct, &[200.0, -20.0, 90.0])));
    bench.steps(500);
    let second = bench
        .accepted(|motion, handle| motion.group_move(handle, ALL, group_to(GroupShape::Direct, &[-50.0, 60.0, 10.0])));
    let mut arrivals = [0; 3];
    let mut cycle = 0;
    while bench.end_of(second).is_none() {
        bench.step();
        cycle += 1;
        for (arrival, output) in arrivals.iter_mut().zip(&bench.outputs) {
            if output.setpoint.velocity != 0.0 {
                *arrival = cycle;
            }
        }
    }
    assert_eq!(bench.end_of(first), Some(Progress::Aborted));
    assert!(arrivals.iter().max().unwrap() - arrivals.iter().min().unwrap() <= 1, "{arrivals:?}");
    assert_eq!((bench.position(X), bench.position(Y), bench.position(TABLE)), (-50.0, 60.0, 10.0));
}

#[test]
fn an_interrupted_line_is_continued_on_the_same_line() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let handle =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    let interrupt = bench.accepted(|motion, handle| motion.group_interrupt(handle, XY));
    assert_eq!(bench.until_end(interrupt).0, Progress::Done);
    assert!(bench.group(XY).interrupted() && bench.velocity(X) == 0.0 && bench.end_of(handle).is_none());
    bench.accepted(|motion, handle| motion.group_continue(handle, XY));
    while bench.end_of(handle).is_none() {
        bench.step();
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9 && bench.velocity(X) >= 0.0);
    }
    assert_eq!(bench.end_of(handle), Some(Progress::Done));
    let refused = bench.refused(|motion, handle| motion.group_continue(handle, XY));
    assert_eq!(refused.reason, Reason::NothingToContinue);
}

#[test]
fn a_members_fault_stops_the_others_on_the_line() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let handle =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    bench.motion.fault(X, Fault::FollowingError, Reaction { scope: Scope::Group, stop: StopKind::Ramp });
    while bench.velocity(Y) != 0.0 {
        bench.step();
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9);
    }
    bench.step();
    assert_eq!(bench.end_of(handle), Some(Progress::Failed(Fault::MemberFault)));
    assert_eq!(bench.states()[..2], [AxisState::ErrorStop, AxisState::Standstill]);
    assert_eq!(bench.group(XY).state(), GroupState::GroupErrorStop);
    bench.accepted(|motion, handle| motion.group_reset(handle, XY));
    bench.step();
    assert_eq!(bench.states()[..2], [AxisState::Standstill; 2]);
    assert_eq!(bench.group(XY).state(), GroupState::GroupStandby);
}

#[test]
fn the_stop_of_one_member_stops_its_group_on_the_line() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    bench.motion.stop_axis(Y);
    bench.step();
    while bench.velocity(X) != 0.0 {
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9);
        bench.step();
    }
    bench.steps(2);
    assert_eq!(bench.states()[..2], [AxisState::Standstill, AxisState::Stopping]);
    assert_eq!(bench.group(XY).state(), GroupState::GroupStopping);
    bench.motion.release_axis(Y).unwrap();
    bench.steps(2);
    assert_eq!(bench.group(XY).state(), GroupState::GroupStandby);
    assert_eq!(bench.states()[1], AxisState::Standstill);
}

#[test]
fn a_stop_of_its_group_locks_a_member_that_was_reset_by_itself_too() {
    let mut bench = Bench::powered();
    bench.accepted(|motion, handle| motion.group_enable(handle, XY));
    bench.step();
    bench.motion.fault(X, Fault::FollowingError, Reaction { scope: Scope::Group, stop: StopKind::Ramp });
    bench.steps(3);
    bench.accepted(|motion, handle| motion.reset(handle, X));
    bench.step();
    assert_eq!(bench.motion.groups()[0].state(), GroupState::GroupErrorStop);
    assert_eq!(bench.motion.axes()[0].state(), AxisState::Standstill);
    bench.motion.stop_group(XY);
    bench.step();
    assert_eq!(bench.motion.axes()[0].state(), AxisState::Stopping);
    bench.motion.release_group(XY).unwrap();
    bench.step();
    assert_eq!(bench.motion.axes()[0].state(), AxisState::Standstill);
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
fn an_axis_belongs_to_one_enabled_group_at_a_time() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let refused = bench.refused(|motion, handle| motion.group_enable(handle, ALL));
    assert_eq!((refused.reason, refused.axis), (Reason::AxisInUse, Some(0)));
    bench.accepted(|motion, handle| motion.group_disable(handle, XY));
    bench.enable(ALL);
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
fn a_direct_move_that_would_overshoot_a_soft_limit_is_refused() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Direct, &[1000.0, 1.0])));
    while bench.position(X) < 985.0 {
        bench.step();
    }
    let dynamics = Dynamics { acceleration: Some(0.05), ..Dynamics::default() };
    let gentle = GroupMoveRequest { dynamics, ..group_to(GroupShape::Direct, &[900.0, 0.0]) };
    let refused = bench.refused(|motion, handle| motion.group_move(handle, XY, gentle));
    assert_eq!((refused.reason, refused.axis, refused.allowed), (Reason::SoftLimit, Some(0), 1000.0));
    assert!(refused.found > 1000.0);
    let sharp = group_to(GroupShape::Direct, &[900.0, 0.0]);
    let handle = bench.accepted(|motion, handle| motion.group_move(handle, XY, sharp));
    while bench.end_of(handle).is_none() {
        bench.step();
        assert!(bench.position(X) <= 1000.0);
    }
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

#[test]
fn a_line_that_takes_over_in_motion_starts_when_the_group_rests_on_its_path() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[300.0, 150.0])));
    bench.steps(1000);
    let second =
        bench.accepted(|motion, handle| motion.group_move(handle, XY, group_to(GroupShape::Linear, &[0.0, 200.0])));
    while bench.velocity(X) > 0.0 {
        bench.step();
        assert!((bench.position(X) - 2.0 * bench.position(Y)).abs() < 1e-9);
    }
    let (x, y) = (bench.position(X), bench.position(Y));
    while bench.end_of(second).is_none() {
        bench.step();
        let (dx, dy) = (bench.position(X) - x, bench.position(Y) - y);
        assert!((dx * (200.0 - y) - dy * (0.0 - x)).abs() < 1e-6, "off the line from the place of rest");
    }
    assert_eq!((bench.position(X), bench.position(Y)), (0.0, 200.0));
}

#[test]
fn buffered_group_moves_pass_through_every_target() {
    let mut bench = Bench::powered();
    bench.enable(XY);
    let mut handles = Vec::new();
    for (shape, targets) in [
        (GroupShape::Linear, [10.0, 20.0]),
        (GroupShape::Direct, [-5.0, 3.0]),
        (GroupShape::Linear, [-5.0, 3.0]),
        (GroupShape::Linear, [7.0, 3.0]),
    ] {
        let request = GroupMoveRequest { buffer: BufferMode::Buffered, ..group_to(shape, &targets) };
        handles.push((bench.accepted(|motion, handle| motion.group_move(handle, XY, request)), targets));
    }
    for (handle, [x, y]) in handles {
        assert_eq!(bench.until_end(handle).0, Progress::Done);
        assert_eq!((bench.position(X), bench.position(Y)), (x, y));
    }
}
