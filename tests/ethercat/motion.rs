//! The whole machine over a segment: drives are enabled, axes move, and feedback is compared with what it belongs to.

use crate::bring_up::{machine, segment};
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::config::MachineConfig;
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::daemon::device_desk::Desk;
use motiond::exchange::command::Request;
use motiond::fieldbus::ethercat::object_desk::ObjectDesk;
use motiond::fieldbus::ethercat::ring::Ring;
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::ids::{AxisId, GroupId};
use motiond::motion::{BufferMode, Direction, Dynamics, GroupShape, MoveKind};
use motiond::simulation::ethercat::{Segment, SegmentCommand};

pub const X: AxisId = AxisId(0);

/// A machine on a segment, and the other end of its wire.
pub fn rig_of(config: MachineConfig) -> (Rig, SegmentWire) {
    let segment = Segment::new(&segment(&config)).unwrap();
    let (rig, wire) = rig_over(config, segment);
    // The emergency stop is a closed contact.
    wire.end().segment.device_mut(2).unwrap().set_input(0, true);
    (rig, wire)
}

/// The same on a segment of the caller's.
pub fn rig_over(config: MachineConfig, segment: Segment) -> (Rig, SegmentWire) {
    let (rig, wire, _) = rig_with_desk(config, segment);
    (rig, wire)
}

/// The same with the way to the devices' objects.
pub fn rig_with_desk(config: MachineConfig, segment: Segment) -> (Rig, SegmentWire, ObjectDesk) {
    let wire = SegmentWire::to(segment);
    let assembly = assemble_over(&config, |bus| {
        let (first, last) = (Box::new(wire.clone()), Box::new(wire.at_last()));
        let wire: Box<dyn Wire> =
            if bus.redundant_interface.is_some() { Box::new(Ring::between(first, last)) } else { first };
        Ok(BusWire::Ethercat(wire))
    });
    let mut assembly = assembly.unwrap_or_else(|error| panic!("{error}"));
    let Desk::Mailboxes(desk) = assembly.desks.remove(0) else { panic!("no desk") };
    let mut rig = Rig::of(config, assembly.cycle, assembly.ends, assembly.simulations);
    rig.now_ns = wire.now_ns();
    (rig, wire, desk)
}

pub fn move_to(axis: AxisId, target: f64) -> Request {
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
fn axes_and_groups_move_over_raw_frames() {
    let (mut rig, wire) = rig_of(machine());
    rig.power_all();
    let start = rig.snapshot.axes[0].setpoint;
    let handle = rig.send(move_to(X, start + 200.0));
    let mut worst: f64 = 0.0;
    while rig.end_of(handle).is_none() {
        rig.step();
        worst = worst.max(rig.snapshot.axes[0].following_error.abs());
        assert!(rig.cycles < 10_000, "{:?}", rig.snapshot);
    }
    assert!(rig.is_done(handle), "{:?} {:?}", rig.verdicts, rig.events);
    let turns = wire.end().segment.device(0).unwrap().plant().unwrap().position_turns;
    let place = rig.snapshot.axes[0].actual;
    assert!((turns * 20.0 - place).abs() < 0.01, "{turns} turns of 20 mm, {place} mm");
    println!("following error at most {worst} mm");
    rig.send(Request::GroupEnable { group: GroupId(0) });
    rig.run(5);
    let whole = Dynamics::default();
    let line = rig.send_group_move(GroupId(0), GroupShape::Linear, &[50.0, 30.0], true, whole, BufferMode::Aborting);
    rig.run_until(20_000, "the line is done", |rig| rig.end_of(line).is_some());
    assert!(rig.is_done(line), "{:?} {:?}", rig.verdicts, rig.events);
    let bus = rig.snapshot.buses[0];
    assert_eq!((bus.frames_lost, bus.working_counter_errors), (0, 0), "{bus:?}");
}

#[test]
fn feedback_is_held_against_the_setpoint_of_its_instant() {
    let (mut rig, _wire) = rig_of(machine());
    rig.power_all();
    let limits = rig.config.axes[0].motion.limits;
    let dynamics = Dynamics { velocity: Some(400.0), ..Dynamics::default() };
    assert!(limits.velocity > 400.0, "{limits:?}");
    rig.send(Request::Velocity { axis: X, velocity: 400.0, dynamics });
    rig.run_until(3000, "constant velocity", |rig| rig.snapshot.axes[0].velocity == 400.0);
    rig.run(200);
    // A period off would be 0.4 mm.
    let error = rig.snapshot.axes[0].following_error;
    assert!(error.abs() < 0.1, "{error} mm at 400 mm/s");
}

#[test]
fn the_cycle_comes_into_step_with_the_clock_of_the_bus() {
    let (mut rig, wire) = rig_of(machine());
    rig.power_all();
    for drift_ppb in [0.0, 200_000.0, -200_000.0] {
        // The reference clock itself.
        wire.end().segment.command(SegmentCommand::Drift(0, drift_ppb));
        rig.run(4000);
        let late = |rig: &mut Rig| {
            rig.step();
            rig.snapshot.buses[0].late_by_clock_ns.unsigned_abs()
        };
        let worst = (0..1000).map(|_| late(&mut rig)).max().unwrap();
        println!("{drift_ppb} ppb: {worst} ns");
        assert!(worst < 1000, "{drift_ppb} ppb: {worst} ns out of step");
    }
    // A cycle that is left out is no error of phase.
    rig.step_after(2).unwrap();
    assert!(rig.snapshot.buses[0].late_by_clock_ns.unsigned_abs() < 1000);
}

#[test]
fn the_two_axes_to_begin_with_move_together() {
    let file = include_str!("../../config/ethercat-two-axis.toml");
    let config =
        motiond::config::parse(file, "config/ethercat-two-axis.toml").unwrap_or_else(|error| panic!("{error}"));
    let segment = Segment::new(&segment(&config)).unwrap();
    let (mut rig, _wire) = rig_over(config, segment);
    rig.power_all();
    rig.send(Request::GroupEnable { group: GroupId(0) });
    rig.run(5);
    let whole = Dynamics::default();
    let line = rig.send_group_move(GroupId(0), GroupShape::Linear, &[50.0, 30.0], true, whole, BufferMode::Aborting);
    rig.run_until(20_000, "the line is done", |rig| rig.end_of(line).is_some());
    assert!(rig.is_done(line), "{:?} {:?}", rig.verdicts, rig.events);
}
