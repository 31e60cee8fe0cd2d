//! The whole core on virtual time: the demo machine, from power on to power off.

mod support;

use motiond::config;
use motiond::exchange::command::{Request, StopScope};
use motiond::exchange::event::{EventKind, Verdict};
use motiond::exchange::snapshot::AxisFlags;
use motiond::fault::Fault;
use motiond::ids::{AxisId, GroupId};
use motiond::motion::{AxisState, BufferMode, Direction, Dynamics, GroupShape, GroupState, MoveKind, Progress, Reason};
use motiond::simulation::{SimulatedFault, SimulatedFaultKind};
use support::rig::Rig;

const X: AxisId = AxisId(0);
const Y: AxisId = AxisId(1);
const BELT: AxisId = AxisId(5);
const GANTRY: GroupId = GroupId(0);

fn rig() -> Rig {
    Rig::new(config::demo().expect("the demo machine is sound"))
}

fn move_to(axis: AxisId, target: f64) -> Request {
    Request::Move {
        axis,
        kind: MoveKind::Absolute,
        target,
        dynamics: Dynamics::default(),
        buffer: BufferMode::Aborting,
        direction: Direction::Shortest,
    }
}

#[test]
fn every_axis_powers_on_without_moving() {
    let mut rig = rig();
    rig.run(20);
    let places: Vec<f64> = (0..6).map(|axis| rig.simulations[0].plant(axis).unwrap().position_turns).collect();
    rig.power_all();
    rig.run(1000);
    for (axis, place) in places.iter().enumerate() {
        let moved = rig.simulations[0].plant(axis).unwrap().position_turns - place;
        // Half a degree of the motor: what friction, gravity and the loops need to find their rest.
        assert!(moved.abs() < 1.5e-3, "axis {axis} moved by {moved} motor turns while it was powered on");
    }
}

#[test]
fn a_move_reaches_its_place_at_the_load() {
    let mut rig = rig();
    rig.power_all();
    let before = rig.simulations[0].plant(0).unwrap().position_turns;
    let start = rig.snapshot.axes[0].setpoint;
    let target = start + 100.0;
    let handle = rig.send(move_to(X, target));
    rig.run_until(5000, "the move is done", |rig| rig.end_of(handle).is_some());
    assert!(rig.is_done(handle), "{:?}", rig.verdicts[&handle.0]);
    let axis = rig.snapshot.axes[0];
    assert_eq!(axis.setpoint, target);
    assert!((axis.actual - target).abs() < 0.05, "{axis:?}");
    // The plant is asked itself, past all scaling of ours: motor turns = distance / feed × gear.
    let scaling = rig.config.axes[0].wiring.drive.scaling;
    let sign = if scaling.inverted { -1.0 } else { 1.0 };
    let expected = sign * 100.0 / scaling.feed.as_f64() * scaling.gear.as_f64();
    let moved = rig.simulations[0].plant(0).unwrap().position_turns - before;
    assert!((moved - expected).abs() < 1e-2 * expected.abs().max(0.1), "{moved} motor turns, {expected} expected");
}

#[test]
fn following_error_stays_small_at_every_speed() {
    let mut rig = rig();
    rig.power_all();
    let start = rig.snapshot.axes[0].setpoint;
    let handle = rig.send(move_to(X, start + 400.0));
    let mut worst: f64 = 0.0;
    while rig.end_of(handle).is_none() {
        rig.step();
        worst = worst.max(rig.snapshot.axes[0].following_ratio);
        assert!(rig.cycles < 20_000);
    }
    println!("worst following ratio {worst}");
    // One cycle of delay left uncompensated would be 0.8 mm at full speed.
    assert!(worst < 0.08, "{worst}");
}

#[test]
fn a_stop_brakes_within_two_cycles_and_locks_until_released() {
    let mut rig = rig();
    rig.power_all();
    let start = rig.snapshot.axes[0].setpoint;
    let handle = rig.send(move_to(X, start + 400.0));
    rig.run_until(2000, "at speed", |rig| rig.snapshot.axes[0].velocity > 100.0);
    let generation = rig.stop(StopScope::Axis(X));
    rig.step();
    rig.step();
    assert!(rig.snapshot.axes[0].acceleration < rig.config.axes[0].motion.limits.acceleration);
    assert_eq!(rig.snapshot.axes[0].state, AxisState::Stopping);
    assert_eq!(rig.end_of(handle), Some(Verdict::Progress(Progress::Aborted)));
    rig.run_until(5000, "at rest", |rig| rig.snapshot.axes[0].velocity == 0.0);
    let refused = rig.send(move_to(X, start));
    rig.run(2);
    assert!(matches!(rig.end_of(refused), Some(Verdict::Rejected(rejection)) if rejection.reason == Reason::Stopped));
    let stale = rig.send(Request::Release { scope: StopScope::Axis(X), generation: generation + 1 });
    let released = rig.send(Request::Release { scope: StopScope::Axis(X), generation });
    rig.run(2);
    assert!(matches!(rig.end_of(stale), Some(Verdict::Rejected(rejection)) if rejection.reason == Reason::NotStopped));
    assert!(rig.is_done(released));
    rig.run(2);
    assert_eq!(rig.snapshot.axes[0].state, AxisState::Standstill);
}

#[test]
fn a_group_goes_straight_and_its_axes_arrive_together() {
    let mut rig = rig();
    rig.power_all();
    let enabled = rig.send(Request::GroupEnable { group: GANTRY });
    rig.run_until(10, "the group is enabled", |rig| rig.is_done(enabled));
    let start: Vec<f64> = rig.snapshot.axes[..3].iter().map(|axis| axis.setpoint).collect();
    let way = [60.0, 40.0, -20.0];
    let handle = rig.send_group_move(GANTRY, GroupShape::Linear, &way, true, Dynamics::default(), BufferMode::Aborting);
    let length: f64 = way.iter().map(|part: &f64| part * part).sum::<f64>().sqrt();
    while rig.end_of(handle).is_none() {
        rig.step();
        let gone: Vec<f64> = (0..3).map(|axis| rig.snapshot.axes[axis].setpoint - start[axis]).collect();
        let along: f64 = gone.iter().zip(way).map(|(gone, way)| gone * way / length).sum();
        for axis in 0..3 {
            let off = gone[axis] - along * way[axis] / length;
            assert!(off.abs() < 1e-9, "axis {axis} is {off} mm off the line after {along} mm");
        }
        assert!(rig.cycles < 20_000);
    }
    assert!(rig.is_done(handle), "{:?}", rig.verdicts[&handle.0]);
    assert_eq!(rig.snapshot.groups[0].state, GroupState::GroupStandby);
}

#[test]
fn a_drive_fault_stops_its_group_and_nothing_comes_back_by_itself() {
    let mut rig = rig();
    rig.power_all();
    let enabled = rig.send(Request::GroupEnable { group: GANTRY });
    rig.run_until(10, "the group is enabled", |rig| rig.is_done(enabled));
    let way = [100.0, 80.0, -20.0];
    let handle = rig.send_group_move(GANTRY, GroupShape::Linear, &way, true, Dynamics::default(), BufferMode::Aborting);
    rig.run_until(1000, "moving", |rig| rig.snapshot.groups[0].path_velocity > 50.0);
    let fault = SimulatedFault { kind: SimulatedFaultKind::DriveFault { code: 0x7305 }, device: 1, exchanges: 5 };
    rig.simulations[0].inject(fault).unwrap();
    rig.run_until(100, "the move has ended", |rig| rig.end_of(handle).is_some());
    assert!(matches!(rig.end_of(handle), Some(Verdict::Progress(Progress::Failed(_)))), "{:?}", rig.end_of(handle));
    rig.run_until(5000, "at rest", |rig| rig.snapshot.axes.iter().all(|axis| axis.velocity == 0.0));
    rig.run(2000);
    let y = rig.snapshot.axes[1];
    assert_eq!((y.state, y.fault, y.drive_error), (AxisState::ErrorStop, Fault::DriveFault.code(), 0x7305));
    assert!(!y.flags.has(AxisFlags::OPERATIONAL));
    assert_eq!(rig.snapshot.groups[0].state, GroupState::GroupErrorStop);
    assert!(rig.snapshot.axes[0].state == AxisState::Standstill || rig.snapshot.axes[0].state == AxisState::ErrorStop);
    let raised = |event: &motiond::exchange::event::Event| matches!(event.kind, EventKind::FaultRaised { fault: Fault::DriveFault, detail, .. } if detail == f64::from(0x7305));
    assert_eq!(rig.events.iter().filter(|event| raised(event)).count(), 1);

    let reset = rig.send(Request::GroupReset { group: GANTRY });
    rig.run_until(3000, "reset", |rig| rig.end_of(reset).is_some());
    assert!(rig.is_done(reset), "{:?}", rig.end_of(reset));
    rig.run(500);
    assert_eq!(rig.snapshot.axes[1].state, AxisState::Disabled, "a reset does not enable");
}

#[test]
fn an_open_emergency_stop_stops_everything_and_holds_until_reset() {
    let mut rig = rig();
    rig.power_all();
    let belt = rig.send(Request::Velocity { axis: BELT, velocity: 200.0, dynamics: Dynamics::default() });
    rig.run_until(2000, "the belt runs", |rig| rig.snapshot.axes[5].velocity == 200.0);
    let terminal = 6;
    rig.simulations[0].set_input(terminal, 0, false).unwrap();
    rig.run_until(10, "the fault is seen", |rig| rig.snapshot.machine.fault == Fault::EmergencyStop.code());
    assert!(matches!(rig.end_of(belt), Some(Verdict::Progress(Progress::Failed(Fault::EmergencyStop)))));
    rig.run(3000);
    assert!(
        rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop && axis.actual_velocity.abs() < 1.0)
    );
    let early = rig.send(Request::ResetMachine);
    rig.run(2);
    assert!(
        matches!(rig.end_of(early), Some(Verdict::Rejected(rejection)) if rejection.reason == Reason::FaultPresent)
    );
    rig.simulations[0].set_input(terminal, 0, true).unwrap();
    rig.run(5);
    let reset = rig.send(Request::ResetMachine);
    rig.run(2);
    assert!(rig.is_done(reset));
    let resets: Vec<_> = (0..6).map(|axis| rig.send(Request::Reset { axis: AxisId(axis) })).collect();
    rig.run_until(3000, "every axis is reset", |rig| resets.iter().all(|reset| rig.is_done(*reset)));
    rig.power_all();
}

#[test]
fn an_axis_that_ramps_for_one_fault_is_stopped_harder_by_a_worse_one() {
    let mut rig = rig();
    rig.power_all();
    rig.send(Request::Velocity { axis: BELT, velocity: 400.0, dynamics: Dynamics::default() });
    rig.run_until(2000, "the belt runs", |rig| rig.snapshot.axes[5].velocity == 400.0);
    let terminal = 6;
    rig.simulations[0].set_input(terminal, 1, false).unwrap();
    rig.run_until(10, "the fault is seen", |rig| rig.snapshot.machine.fault == Fault::EnablingDevice.code());
    rig.run(20);
    assert!(rig.snapshot.axes[5].velocity > 0.0 && rig.snapshot.axes[5].flags.has(AxisFlags::OPERATIONAL), "it ramps");
    let blind = SimulatedFault { kind: SimulatedFaultKind::StaleFeedback, device: 5, exchanges: 100 };
    rig.simulations[0].inject(blind).unwrap();
    rig.run_until(20, "its drive stops by itself", |rig| !rig.snapshot.axes[5].flags.has(AxisFlags::OPERATIONAL));
    assert_eq!(rig.snapshot.axes[5].fault, Fault::EnablingDevice.code(), "the first fault stays");
}

#[test]
fn an_interpolated_axis_moves_in_its_group_and_a_profiled_one_alone() {
    let text = include_str!("../config/demo.toml").replacen("mode = \"csp\"", "mode = \"ip\"", 1);
    let (before, belt) = text.split_once("name = \"belt\"").unwrap();
    let belt = belt.replacen("mode = \"csv\"", "mode = \"pp\"", 1);
    let belt = belt.replacen("[axis.gains]\nposition-per-s = 25\n", "", 1);
    let text = format!("{before}name = \"belt\"{belt}");
    let mut rig = Rig::new(config::parse(&text, "modes.toml").unwrap_or_else(|error| panic!("{error}")));
    rig.power_all();
    let enabled = rig.send(Request::GroupEnable { group: GANTRY });
    rig.run_until(10, "the group is enabled", |rig| rig.is_done(enabled));
    let (shape, whole) = (GroupShape::Linear, Dynamics::default());
    let line = rig.send_group_move(GANTRY, shape, &[900.0, 650.0, -60.0], false, whole, BufferMode::Aborting);
    let motor = |rig: &Rig| rig.simulations[0].plant(BELT.index()).unwrap().position_turns;
    let before = motor(&rig);
    let round = Request::Move {
        axis: BELT,
        kind: MoveKind::Relative,
        target: 3210.0,
        dynamics: Dynamics::default(),
        buffer: BufferMode::Aborting,
        direction: Direction::Shortest,
    };
    let round = rig.send(round);
    let mut worst: [f64; 2] = [0.0; 2];
    while rig.end_of(line).is_none() || rig.end_of(round).is_none() {
        rig.step();
        for (worst, axis) in worst.iter_mut().zip([X, BELT]) {
            *worst = rig.snapshot.axes[axis.index()].following_ratio.max(*worst);
        }
        assert!(rig.cycles < 20_000, "{:?}", rig.snapshot);
    }
    assert!(rig.is_done(line) && rig.is_done(round), "{:?}", rig.events);
    // 251.5 mm a turn of the drum, ten turns of the motor.
    let went = (motor(&rig) - before) * 25.15;
    assert!((went - 3210.0).abs() < 0.2, "{went} mm");
    println!("following ratios at most {worst:?}");
    assert!(worst.iter().all(|worst| *worst < 0.2), "{worst:?}");
}

#[test]
fn a_skipped_period_does_not_make_a_setpoint_catch_up() {
    let mut rig = rig();
    rig.power_all();
    let start = rig.snapshot.axes[1].setpoint;
    let handle = rig.send(move_to(Y, start + 200.0));
    let mut cycles = 0;
    while rig.end_of(handle).is_none() {
        cycles += 1;
        // The rig's own judgement sees to it that each setpoint is one period from the last, skipped or not.
        rig.step_after(u32::from(cycles % 50 == 0)).unwrap();
        assert!(cycles < 20_000);
    }
    assert!(rig.is_done(handle), "{:?}", rig.end_of(handle));
}

#[test]
fn the_same_run_is_the_same_to_the_bit() {
    let fingerprint = || {
        let mut rig = rig();
        rig.power_all();
        let start = rig.snapshot.axes[0].setpoint;
        rig.send(move_to(X, start + 123.456));
        rig.run(3000);
        rig.fingerprint
    };
    assert_eq!(fingerprint(), fingerprint());
}

#[test]
fn the_gantry_goes_around_at_full_speed_without_a_fault() {
    let mut rig = rig();
    rig.power_all();
    let enabled = rig.send(Request::GroupEnable { group: GANTRY });
    rig.run_until(10, "the group is enabled", |rig| rig.is_done(enabled));
    let mut worst = [0.0; 3];
    for corner in [(900.0, 150.0), (900.0, 650.0), (200.0, 650.0), (200.0, 150.0)] {
        for z in [0.0, -60.0, 0.0] {
            let target = [corner.0, corner.1, z];
            let handle = rig.send_group_move(
                GANTRY,
                GroupShape::Linear,
                &target,
                false,
                Dynamics::default(),
                BufferMode::Aborting,
            );
            while rig.end_of(handle).is_none() {
                rig.step();
                for (worst, axis) in worst.iter_mut().zip(&rig.snapshot.axes) {
                    *worst = axis.following_ratio.max(*worst);
                }
                assert!(rig.cycles < 40_000);
            }
            assert!(rig.is_done(handle), "to {target:?}: {:?}\n{:?}", rig.end_of(handle), rig.events);
        }
    }
    println!("worst following ratios {worst:?}");
    assert!(worst.iter().all(|worst| *worst < 0.05), "{worst:?}");
}
