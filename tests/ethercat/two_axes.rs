//! Two axes in one device: one mapping of both, each with its own power state machine, and what befalls the device befalls
//! both.

use crate::bring_up::segment;
use crate::motion::{move_to, rig_over};
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::commissioning::skeleton::skeleton;
use motiond::commissioning::survey::survey;
use motiond::config::{self, MachineConfig};
use motiond::exchange::command::Request;
use motiond::exchange::event::{EventKind, Subject};
use motiond::fault::Fault;
use motiond::ids::{AxisId, GroupId};
use motiond::motion::{AxisState, BufferMode, Dynamics, GroupShape};
use motiond::simulation::ethercat::{Segment, SegmentCommand};

const X: AxisId = AxisId(0);
const Y: AxisId = AxisId(1);
const Z: AxisId = AxisId(2);
/// The place of the drive with two axes, behind the one of z.
const BOTH: usize = 1;
/// Millimetres in a turn of the motors of x and y.
const LEADS: [f64; 2] = [20.0, 10.0];
/// mm/s
const VELOCITY: f64 = 100.0;

/// The shipped drive with two axes, and in front of it one of z.
fn machine() -> MachineConfig {
    let shipped = include_str!("../../config/ethercat-dual-drive.toml");
    let text = shipped.replacen("position = 0", "position = 1", 1);
    let (axis, _) = shipped.split_once("[[axis]]").unwrap().1.split_once("[[axis]]").unwrap();
    let z = axis.replace("name = \"x\"", "name = \"z\"").replace("device = \"drive\"", "device = \"z-drive\"");
    let (head, axes) = text.split_once("[[axis]]").unwrap();
    let (axes, group) = axes.split_once("[[group]]").unwrap();
    let text =
        format!("{head}[[bus.device]]\nname = \"z-drive\"\nposition = 0\n\n[[axis]]{axes}[[axis]]{z}[[group]]{group}");
    config::parse(&text, "two-axes.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn rig() -> (Rig, SegmentWire) {
    let config = machine();
    let mut parameters = segment(&config);
    // On the wire z comes first.
    parameters.devices.swap(0, 1);
    rig_over(config, Segment::new(&parameters).unwrap())
}

fn place(wire: &SegmentWire, axis: AxisId) -> f64 {
    let turns = wire.end().segment.device(BOTH).unwrap().plant_of(axis.0).unwrap().position_turns;
    turns * LEADS[axis.index()]
}

fn faults(rig: &Rig) -> Vec<(Fault, Subject)> {
    let raised = rig.events.iter().filter_map(|event| match event.kind {
        EventKind::FaultRaised { fault, subject, .. } => Some((fault, subject)),
        _ => None,
    });
    raised.collect()
}

fn run_all(rig: &mut Rig) {
    let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
    for axis in [X, Y, Z] {
        rig.send(Request::Velocity { axis, velocity: VELOCITY, dynamics });
    }
    rig.run_until(1000, "all run", |rig| rig.snapshot.axes.iter().all(|axis| axis.velocity == VELOCITY));
}

/// These come back by reset and power, and move.
fn move_again(rig: &mut Rig, wire: &SegmentWire, axes: &[AxisId]) {
    for axis in axes.iter().copied() {
        if rig.snapshot.axes[axis.index()].state == AxisState::ErrorStop {
            let reset = rig.send(Request::Reset { axis });
            rig.run_until(3000, "reset", |rig| rig.is_done(reset));
        }
        let power = rig.send(Request::Power { axis, on: true });
        rig.run_until(3000, "power", |rig| rig.is_done(power));
    }
    for axis in axes.iter().copied() {
        let (start, before) = (rig.snapshot.axes[axis.index()].setpoint, place(wire, axis));
        let moved = rig.send(move_to(axis, start + 20.0));
        rig.run_until(5000, "it moves again", |rig| rig.end_of(moved).is_some());
        assert!(rig.is_done(moved), "{:?}", rig.verdicts);
        assert!((place(wire, axis) - before - 20.0).abs() < 0.05, "{axis:?}");
    }
}

#[test]
fn both_axes_are_mapped_side_by_side_and_read_so() {
    let (_rig, wire) = rig();
    let end = wire.end();
    let device = end.segment.device(BOTH).unwrap();
    let read = |index, subindex| {
        let mut value = [0; 4];
        device.upload(index, subindex, &mut value).unwrap_or_else(|abort| panic!("{index:04X}h: {abort:?}"));
        u32::from_le_bytes(value)
    };
    for (assignment, first, controlword) in [(0x1C12, 0x1600, 0x6040), (0x1C13, 0x1A00, 0x6041)] {
        assert_eq!([read(assignment, 0), read(assignment, 1), read(assignment, 2)], [2, first, first + 0x10]);
        for axis in 0..2_u32 {
            let mapped = (controlword + 0x800 * axis) << 16 | 16;
            assert_eq!(read((first + 0x10 * axis) as u16, 1), mapped, "{first:04X}h of axis {axis}");
        }
    }
    assert_eq!(device.process_data_bytes(), (2 * 13, 2 * 19));
}

#[test]
fn each_axis_moves_alone_and_both_together() {
    let (mut rig, wire) = rig();
    rig.power_all();
    for (axis, other) in [(Y, X), (X, Y)] {
        let (start, before) = (rig.snapshot.axes[axis.index()].setpoint, [X, Y].map(|axis| place(&wire, axis)));
        let moved = rig.send(move_to(axis, start + 50.0));
        rig.run_until(5000, "the move is done", |rig| rig.end_of(moved).is_some());
        assert!(rig.is_done(moved), "{:?} {:?}", rig.verdicts, rig.events);
        let went = [X, Y].map(|axis| place(&wire, axis) - before[axis.index()]);
        assert!((went[axis.index()] - 50.0).abs() < 0.05 && went[other.index()].abs() < 0.01, "{axis:?}: {went:?}");
    }
    rig.send(Request::GroupEnable { group: GroupId(0) });
    rig.run(5);
    let before = [X, Y].map(|axis| place(&wire, axis));
    let whole = Dynamics::default();
    let line = rig.send_group_move(GroupId(0), GroupShape::Linear, &[60.0, 30.0], true, whole, BufferMode::Aborting);
    let mut furthest: f64 = 0.0;
    while rig.end_of(line).is_none() {
        rig.step();
        let went = [X, Y].map(|axis| place(&wire, axis) - before[axis.index()]);
        furthest = furthest.max((went[0] - 2.0 * went[1]).abs());
        assert!(rig.cycles < 60_000, "{:?}", rig.events);
    }
    assert!(rig.is_done(line), "{:?} {:?}", rig.verdicts, rig.events);
    let went = [X, Y].map(|axis| place(&wire, axis) - before[axis.index()]);
    assert!((went[0] - 60.0).abs() < 0.05 && (went[1] - 30.0).abs() < 0.05, "{went:?}");
    println!("at most {furthest} mm off the line");
    assert!(furthest < 0.5, "{furthest} mm off the line");
    assert_eq!(faults(&rig), []);
    assert_eq!(rig.snapshot.buses[0].working_counter_errors, 0);
}

#[test]
fn a_fault_of_the_second_axis_stops_that_and_no_other() {
    let (mut rig, wire) = rig();
    rig.power_all();
    run_all(&mut rig);
    wire.end().segment.command(SegmentCommand::AxisFault(BOTH, 1, 0x7305));
    rig.run(500);
    assert_eq!(faults(&rig), [(Fault::DriveFault, Subject::Axis(Y))], "{:?}", rig.events);
    let states = [X, Y, Z].map(|axis| rig.snapshot.axes[axis.index()].state);
    assert_eq!(states, [AxisState::ContinuousMotion, AxisState::ErrorStop, AxisState::ContinuousMotion]);
    assert_eq!(rig.snapshot.axes[0].velocity, VELOCITY, "x goes on");
    let rest = place(&wire, Y);
    rig.run(200);
    assert!((place(&wire, Y) - rest).abs() < 0.001, "y stands");
    let read = |index| {
        let mut value = [0; 2];
        wire.end().segment.device(BOTH).unwrap().upload(index, 0, &mut value).unwrap();
        u16::from_le_bytes(value)
    };
    assert_eq!((read(0x603F), read(0x683F)), (0, 0x7305));
    assert_eq!((read(0x6041) & 0x6F, read(0x6841) & 0x4F), (0x27, 0x08), "x is enabled, y in Fault");
    wire.end().segment.command(SegmentCommand::AxisFault(BOTH, 1, 0));
    move_again(&mut rig, &wire, &[Y]);
    assert_eq!(rig.snapshot.axes[0].velocity, VELOCITY, "x goes on");
}

#[test]
fn a_fault_of_the_second_axis_stops_its_group() {
    let (mut rig, wire) = rig();
    rig.power_all();
    rig.send(Request::GroupEnable { group: GroupId(0) });
    rig.run(5);
    let whole = Dynamics::default();
    let line = rig.send_group_move(GroupId(0), GroupShape::Linear, &[300.0, 300.0], true, whole, BufferMode::Aborting);
    rig.run_until(2000, "in the middle", |rig| rig.snapshot.axes[0].velocity > VELOCITY);
    wire.end().segment.command(SegmentCommand::AxisFault(BOTH, 1, 0x7305));
    rig.run(1000);
    assert!(rig.end_of(line).is_some() && !rig.is_done(line), "{:?}", rig.verdicts);
    assert_eq!(rig.snapshot.axes[0].velocity, 0.0, "x stops with its group: {:?}", rig.snapshot.axes[0]);
    assert_eq!(rig.snapshot.axes[1].state, AxisState::ErrorStop);
    // x is stopped by its master, not by its drive: that one has no fault.
    let mut code = [0; 2];
    wire.end().segment.device(BOTH).unwrap().upload(0x603F, 0, &mut code).unwrap();
    assert_eq!(code, [0, 0]);
}

#[test]
fn a_device_that_is_off_stops_both_axes_and_brings_both_back() {
    let (mut rig, wire) = rig();
    rig.power_all();
    run_all(&mut rig);
    wire.end().segment.command(SegmentCommand::PowerOff(BOTH));
    rig.run(700);
    let lost = [(Fault::DeviceLost, Subject::Axis(X)), (Fault::DeviceLost, Subject::Axis(Y))];
    assert_eq!(faults(&rig), lost, "{:?}", rig.events);
    let states = [X, Y, Z].map(|axis| rig.snapshot.axes[axis.index()].state);
    assert_eq!(states, [AxisState::ErrorStop, AxisState::ErrorStop, AxisState::ContinuousMotion]);
    wire.end().segment.command(SegmentCommand::PowerOn(BOTH));
    rig.run_until(3000, "it is operational again", |_| wire.end().segment.is_operational(BOTH));
    rig.run(100);
    assert_eq!(rig.snapshot.buses[0].dropped, 0);
    assert_eq!(rig.snapshot.axes[2].velocity, VELOCITY, "z goes on");
    move_again(&mut rig, &wire, &[X, Y]);
    assert_eq!(rig.snapshot.axes[2].velocity, VELOCITY, "z goes on");
}

#[test]
fn a_skeleton_has_both_axes_and_is_taken() {
    let config = machine();
    let mut parameters = segment(&config);
    parameters.devices.swap(0, 1);
    let mut wire = SegmentWire::to(Segment::new(&parameters).unwrap());
    let text = skeleton(&survey(&mut wire).unwrap(), "enp3s0", None, &[]);
    let found = config::parse(&text, "skeleton.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let names: Vec<&str> = found.axes.iter().map(|axis| axis.name.as_str()).collect();
    assert_eq!(names, ["axis-0", "axis-1", "axis-1-1"], "{text}");
    assert_eq!(found.buses[0].devices[1].layout.outputs, config.buses[0].devices[0].layout.outputs);
}

#[test]
fn only_the_axes_that_are_used_are_mapped() {
    let shipped = include_str!("../../config/ethercat-dual-drive.toml");
    let (text, _) = shipped.split_once("[[group]]").unwrap();
    // The first axis of the drive is not used.
    let (head, axes) = text.split_once("[[axis]]").unwrap();
    let (_, second) = axes.split_once("[[axis]]").unwrap();
    let config = config::parse(&format!("{head}[[axis]]{second}"), "second.toml").unwrap_or_else(|e| panic!("{e}"));
    let outputs: Vec<u16> = config.buses[0].devices[0].layout.outputs.iter().map(|entry| entry.index).collect();
    assert_eq!(outputs, [0x6840, 0x6860, 0x687A, 0x68FF, 0x6871]);
    let (mut rig, wire) = rig_over(config.clone(), Segment::new(&segment(&config)).unwrap());
    rig.power_all();
    let moved = rig.send(move_to(AxisId(0), rig.snapshot.axes[0].setpoint + 30.0));
    rig.run_until(5000, "it has moved", |rig| rig.end_of(moved).is_some());
    assert!(rig.is_done(moved), "{:?}", rig.verdicts);
    let turns = |axis| wire.end().segment.device(0).unwrap().plant_of(axis).unwrap().position_turns;
    assert!((turns(1) - 3.0).abs() < 0.01 && turns(0) == 0.0, "{} {}", turns(0), turns(1));
}

#[test]
fn eight_axes_hang_on_one_device_and_move_together() {
    let shipped = include_str!("../../config/ethercat-dual-drive.toml");
    let (head, rest) = shipped.split_once("[[axis]]").unwrap();
    let (axis, _) = rest.split_once("[[axis]]").unwrap();
    let mut text = head.to_string();
    for number in 0..8 {
        let axis = axis.replace("name = \"x\"", &format!("name = \"a{number}\""));
        text += &format!("[[axis]]{}", axis.replace("device-axis = 0", &format!("device-axis = {number}")));
    }
    text += "[[group]]\nname = \"all\"\naxes = [\"a0\", \"a1\", \"a2\", \"a3\", \"a4\", \"a5\", \"a6\", \"a7\"]\n\
             path-velocity-mm-per-s = 500\npath-acceleration-mm-per-s2 = 3000\npath-jerk-mm-per-s3 = 80_000\n";
    let config = config::parse(&text, "eight.toml").unwrap_or_else(|error| panic!("{error}"));
    let (mut rig, wire) = rig_over(config.clone(), Segment::new(&segment(&config)).unwrap());
    rig.power_all();
    rig.send(Request::GroupEnable { group: GroupId(0) });
    rig.run(5);
    let targets: Vec<f64> = (0..8).map(|number| 20.0 * f64::from(number)).collect();
    let (group, shape, whole) = (GroupId(0), GroupShape::Linear, Dynamics::default());
    let line = rig.send_group_move(group, shape, &targets, true, whole, BufferMode::Aborting);
    rig.run_until(5000, "the line is done", |rig| rig.end_of(line).is_some());
    assert!(rig.is_done(line), "{:?} {:?}", rig.verdicts, rig.events);
    rig.run(100);
    for number in 0..8 {
        let turns = wire.end().segment.device(0).unwrap().plant_of(number).unwrap().position_turns;
        assert!((turns - f64::from(number)).abs() < 0.01, "axis {number}: {turns} turns");
    }
    wire.end().segment.command(SegmentCommand::AxisFault(0, 7, 0x2310));
    rig.run(20);
    assert_eq!(faults(&rig), [(Fault::DriveFault, Subject::Axis(AxisId(7)))]);
}
