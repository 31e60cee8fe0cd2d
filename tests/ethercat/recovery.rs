//! A device that drops out stops its own axes and their groups; the others go on. It comes back by itself, and nothing is
//! powered on by that.

use crate::bring_up::{machine, segment};
use crate::motion::{X, move_to, rig_over};
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::config::MachineConfig;
use motiond::exchange::command::Request;
use motiond::exchange::event::{BusNews, EventKind, Subject};
use motiond::fault::Fault;
use motiond::fieldbus::news::Obstacle;
use motiond::ids::{AxisId, BusId};
use motiond::motion::{AxisState, Dynamics};
use motiond::simulation::ethercat::{Segment, SegmentCommand};

const Y: AxisId = AxisId(1);
/// Bus of the machine.
const FIELD: BusId = BusId(0);
/// mm/s
const VELOCITY: f64 = 100.0;

/// x, the terminal, then y at the end of the wire, so that y can be away without the others.
fn y_last() -> MachineConfig {
    let file = include_str!("../../config/ethercat-terminals.toml");
    let file = file.replace("position = 1", "position = 9").replace("position = 2", "position = 1");
    let file = file.replace("position = 9", "position = 2");
    motiond::config::parse(&file, "y-last.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// The devices on the wire in the order of their positions: x, terminal, y.
fn rig() -> (Rig, SegmentWire) {
    let config = y_last();
    let mut parameters = segment(&config);
    parameters.devices.swap(1, 2);
    let (rig, wire) = rig_over(config, Segment::new(&parameters).unwrap());
    wire.end().segment.device_mut(1).unwrap().set_input(0, true);
    (rig, wire)
}

fn faults(rig: &Rig) -> Vec<Fault> {
    let raised = rig.events.iter().filter_map(|event| match event.kind {
        EventKind::FaultRaised { fault, .. } => Some(fault),
        _ => None,
    });
    raised.collect()
}

fn told(rig: &Rig, device: u8, back: bool) -> usize {
    rig.events.iter().filter(|event| event.kind == EventKind::Device { bus: FIELD, device, back }).count()
}

/// x runs, y drops out by `drop`, and is back after `mend`.
fn y_drops_and_returns(away_cycles: u64, drop: SegmentCommand, mend: SegmentCommand) -> (Rig, SegmentWire) {
    let (mut rig, wire) = rig();
    rig.power_all();
    let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
    for axis in [X, Y] {
        rig.send(Request::Velocity { axis, velocity: VELOCITY, dynamics });
    }
    rig.run_until(1000, "both run", |rig| rig.snapshot.axes.iter().all(|axis| axis.velocity == VELOCITY));
    wire.end().segment.command(drop);
    rig.run(away_cycles);
    assert_eq!(rig.snapshot.axes[0].velocity, VELOCITY, "x goes on: {:?}", rig.events);
    assert_eq!(rig.snapshot.axes[1].state, AxisState::ErrorStop);
    assert_eq!((told(&rig, 1, false), told(&rig, 1, true)), (1, 0), "{:?}", rig.events);
    wire.end().segment.command(mend);
    rig.run_until(3000, "y is operational again", |rig| told(rig, 1, true) == 1);
    (rig, wire)
}

fn y_moves_again(mut rig: Rig, wire: &SegmentWire) {
    let turns = |wire: &SegmentWire| wire.end().segment.device(2).unwrap().plant().unwrap().position_turns;
    let rest = turns(wire);
    rig.run(500);
    assert!((turns(wire) - rest).abs() < 0.001, "nothing is powered on by coming back");
    assert_eq!(rig.snapshot.axes[1].state, AxisState::ErrorStop);
    assert!(wire.end().segment.is_operational(2));
    let reset = rig.send(Request::Reset { axis: Y });
    rig.run_until(3000, "y is reset", |rig| rig.is_done(reset));
    assert_eq!(rig.snapshot.axes[1].state, AxisState::Disabled);
    let power = rig.send(Request::Power { axis: Y, on: true });
    rig.run_until(3000, "y is on", |rig| rig.is_done(power));
    let moved = rig.send(move_to(Y, rig.snapshot.axes[1].setpoint + 20.0));
    rig.run_until(5000, "y has moved", |rig| rig.end_of(moved).is_some());
    assert!(rig.is_done(moved), "{:?}", rig.verdicts);
    assert_eq!(rig.snapshot.axes[0].velocity, VELOCITY, "x never stopped");
    let error = rig.snapshot.axes[1].following_error.abs();
    assert!(error < 0.1, "{error} mm");
}

#[test]
fn a_device_behind_a_broken_cable_comes_back() {
    let (rig, wire) = y_drops_and_returns(700, SegmentCommand::Cut(2), SegmentCommand::Mend);
    assert!(matches!(faults(&rig)[..], [Fault::DeviceLost, ..]), "{:?}", rig.events);
    y_moves_again(rig, &wire);
}

#[test]
fn a_device_that_was_switched_off_is_set_up_anew() {
    let (rig, wire) = y_drops_and_returns(700, SegmentCommand::PowerOff(2), SegmentCommand::PowerOn(2));
    y_moves_again(rig, &wire);
}

#[test]
fn a_short_break_still_stops_the_axis_within_its_limits() {
    let (rig, wire) = y_drops_and_returns(30, SegmentCommand::Cut(2), SegmentCommand::Mend);
    y_moves_again(rig, &wire);
}

#[test]
fn a_device_that_left_op_is_woken() {
    let (mut rig, wire) = rig();
    rig.power_all();
    rig.run(100);
    wire.end().segment.command(SegmentCommand::AlError(2, 0x1A));
    rig.run_until(50, "it is noticed", |rig| told(rig, 1, false) == 1);
    rig.run_until(3000, "y is operational again", |rig| told(rig, 1, true) == 1);
    assert_eq!(rig.snapshot.axes[0].state, AxisState::Standstill, "{:?}", rig.events);
    assert_eq!(rig.snapshot.axes[1].state, AxisState::ErrorStop);
}

#[test]
fn a_whole_segment_comes_back() {
    let (mut rig, wire) = rig();
    rig.power_all();
    wire.end().segment.command(SegmentCommand::Cut(0));
    rig.run(500);
    assert_eq!(faults(&rig).first(), Some(&Fault::BusLost));
    for device in 0..3 {
        wire.end().segment.command(SegmentCommand::PowerOff(device));
    }
    rig.run(500);
    for device in 0..3 {
        wire.end().segment.command(SegmentCommand::PowerOn(device));
    }
    wire.end().segment.command(SegmentCommand::Mend);
    rig.run_until(6000, "all are operational again", |rig| (0..3).all(|device| told(rig, device, true) == 1));
    wire.end().segment.device_mut(1).unwrap().set_input(0, true);
    rig.run(20);
    assert!((0..3).all(|device| wire.end().segment.is_operational(device)));
    assert!(rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop), "{:?}", rig.snapshot.axes);
    let machine = rig.send(Request::ResetMachine);
    rig.run(2);
    assert!(rig.is_done(machine), "{:?} {:?}", rig.end_of(machine), rig.events);
    for axis in [X, Y] {
        let reset = rig.send(Request::Reset { axis });
        rig.run_until(3000, "reset", |rig| rig.is_done(reset));
    }
    rig.power_all();
    let moved = rig.send(move_to(X, rig.snapshot.axes[0].setpoint + 50.0));
    rig.run_until(5000, "x has moved", |rig| rig.end_of(moved).is_some());
    assert!(rig.is_done(moved), "{:?}", rig.verdicts);
    assert!(rig.snapshot.axes[0].following_error.abs() < 0.1, "{:?}", rig.snapshot.axes[0]);
}

#[test]
fn another_device_in_the_place_is_refused_in_words() {
    let (mut rig, wire) = rig();
    rig.power_all();
    wire.end().segment.command(SegmentCommand::Exchange(2, 0xBEEF));
    rig.run_until(5000, "it is told", |rig| {
        rig.events
            .iter()
            .any(|event| matches!(event.kind, EventKind::Bus { news: BusNews::NotRestored { device: 1, .. }, .. }))
    });
    let obstacle = rig.events.iter().find_map(|event| match event.kind {
        EventKind::Bus { news: BusNews::NotRestored { obstacle, .. }, .. } => Some(obstacle),
        _ => None,
    });
    assert!(matches!(obstacle, Some(Obstacle::Identity { what: "product code", found: 0xBEEF, .. })), "{obstacle:?}");
    rig.run(6000);
    let times = rig.events.iter().filter(|event| matches!(event.kind, EventKind::Bus { .. })).count();
    assert_eq!((times, told(&rig, 1, true)), (1, 0), "told once, and never taken in");
    assert!(!wire.end().segment.is_operational(2));
}

#[test]
fn an_emergency_is_told_and_is_a_fault_until_it_is_reset() {
    let (mut rig, wire) = rig();
    rig.power_all();
    wire.end().segment.command(SegmentCommand::Emergency(2, 0x7500, 1));
    rig.run(100);
    let told = rig.events.iter().find_map(|event| match event.kind {
        EventKind::Bus { news: BusNews::Emergency { device, code, register }, .. } => Some((device, code, register)),
        _ => None,
    });
    assert_eq!(told, Some((1, 0x7500, 1)), "{:?}", rig.events);
    let raised = rig.events.iter().find_map(|event| match event.kind {
        EventKind::FaultRaised { fault, detail, subject } => Some((fault, detail, subject)),
        _ => None,
    });
    assert_eq!(raised, Some((Fault::DriveEmergency, f64::from(0x7500), Subject::Axis(AxisId(1)))), "{:?}", rig.events);
    // What went by is no fault any more, but only a person says so.
    wire.end().segment.command(SegmentCommand::Emergency(2, 0, 0));
    rig.run(100);
    assert_eq!(rig.snapshot.axes[1].state, AxisState::ErrorStop, "{:?}", rig.events);
    let reset = rig.send(Request::Reset { axis: AxisId(1) });
    rig.run(10);
    assert!(rig.is_done(reset), "{:?}", rig.events);
    assert_eq!(rig.snapshot.axes[1].fault, 0, "{:?}", rig.events);
}

#[test]
fn the_machines_terminal_stops_the_whole_machine_and_comes_back() {
    let (mut rig, wire) = crate::motion::rig_of(machine());
    rig.power_all();
    wire.end().segment.command(SegmentCommand::PowerOff(2));
    rig.run_until(50, "it is noticed", |rig| rig.snapshot.machine.fault == Fault::WorkingCounter.code());
    rig.run(200);
    assert!(rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop), "{:?}", rig.events);
    wire.end().segment.command(SegmentCommand::PowerOn(2));
    rig.run_until(3000, "it is operational again", |rig| told(rig, 2, true) == 1);
    wire.end().segment.device_mut(2).unwrap().set_input(0, true);
    rig.run(10);
    let machine = rig.send(Request::ResetMachine);
    rig.run(2);
    assert!(rig.is_done(machine), "{:?}", rig.events);
}
