//! What a fault of the segment does, standing and moving: the table says beforehand which fault is raised and how far the
//! axis still goes.

use crate::bring_up::machine;
use crate::motion::{X, rig_of};
use crate::support::rig::Rig;
use crate::wire::{Ended, SegmentWire};
use motiond::exchange::command::Request;
use motiond::exchange::event::EventKind;
use motiond::fault::Fault;
use motiond::motion::{AxisState, Dynamics};
use motiond::simulation::ethercat::{Manners, SegmentCommand};

/// How fast x goes, mm/s.
const VELOCITY: f64 = 400.0;
/// Cycles after which everything that stops has stopped: the devices' watchdogs take 100 of them.
const SETTLED: u64 = 1500;
/// Millimetres in a turn of x's motor.
const LEAD: f64 = 20.0;
/// The way until a fault is noticed: a cycle until the devices are asked which of them it is, three are tolerated, the next
/// is not, and setpoints take two to the shaft.
const NOTICED: f64 = 7.0 * VELOCITY * 1e-3;
/// The way of a ramp within the limits: 400² / (2 · 6000), and what the jerk of 150000 adds.
const BY_RAMP: f64 = NOTICED + 13.4 + 8.0;
/// The way of a drive that nobody reaches any more: 100 ms until its watchdog, and its quick stop.
const BY_WATCHDOG: f64 = VELOCITY * 0.1 + BY_RAMP + 0.8;

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// Nothing: it is ridden through.
    RiddenThrough,
    /// This fault, and x goes at most so far, mm.
    Stops(Fault, f64),
    /// This fault of y, and x goes on.
    StopsOther(Fault),
}

use Outcome::{RiddenThrough, Stops, StopsOther};

/// Name, what befalls the segment, what becomes of it.
type Row = (&'static str, fn(&mut Ended), Outcome);

const TABLE: &[Row] = &[
    ("one frame lost", |end| end.mishap.lose = 1, RiddenThrough),
    ("two frames lost", |end| end.mishap.lose = 2, RiddenThrough),
    ("three frames lost", |end| end.mishap.lose = 3, RiddenThrough),
    ("ten frames lost", |end| end.mishap.lose = 10, Stops(Fault::BusLost, BY_WATCHDOG)),
    ("one frame late", |end| end.mishap.delay = (1, 2_000_000), RiddenThrough),
    ("three frames late", |end| end.mishap.delay = (3, 2_000_000), RiddenThrough),
    ("three frames late by many periods", |end| end.mishap.delay = (3, 60_000_000), RiddenThrough),
    ("a frame twice", |end| end.mishap.duplicate = 1, RiddenThrough),
    ("frames twice for a while", |end| end.mishap.duplicate = 50, RiddenThrough),
    ("a frame corrupted", |end| end.mishap.corrupt = 1, RiddenThrough),
    ("three frames corrupted", |end| end.mishap.corrupt = 3, RiddenThrough),
    ("frames corrupted for long", |end| end.mishap.corrupt = 20, Stops(Fault::BusLost, BY_WATCHDOG)),
    ("cable cut at the master", |end| end.segment.command(SegmentCommand::Cut(0)), Stops(Fault::BusLost, BY_WATCHDOG)),
    ("cable cut behind x", |end| end.segment.command(SegmentCommand::Cut(1)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("cable cut behind y", |end| end.segment.command(SegmentCommand::Cut(2)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("first device off", |end| end.segment.command(SegmentCommand::PowerOff(0)), Stops(Fault::BusLost, BY_WATCHDOG)),
    (
        "second device off",
        |end| end.segment.command(SegmentCommand::PowerOff(1)),
        Stops(Fault::WorkingCounter, BY_RAMP),
    ),
    ("terminal off", |end| end.segment.command(SegmentCommand::PowerOff(2)), Stops(Fault::WorkingCounter, BY_RAMP)),
    // A drive that loses its outputs tells so before the bus does.
    (
        "x falls out of OP",
        |end| end.segment.command(SegmentCommand::AlError(0, 0x1A)),
        Stops(Fault::DriveFault, BY_RAMP),
    ),
    ("y falls out of OP", |end| end.segment.command(SegmentCommand::AlError(1, 0x2C)), StopsOther(Fault::DriveFault)),
    (
        "the terminal falls out of OP",
        |end| end.segment.command(SegmentCommand::AlError(2, 0x1B)),
        Stops(Fault::WorkingCounter, BY_RAMP),
    ),
    ("clock 200 ppm fast", |end| end.segment.command(SegmentCommand::Drift(0, 200_000.0)), RiddenThrough),
    ("clock 200 ppm slow", |end| end.segment.command(SegmentCommand::Drift(1, -200_000.0)), RiddenThrough),
    ("an emergency", |end| end.segment.command(SegmentCommand::Emergency(0, 0x7500, 1)), RiddenThrough),
    ("mailbox silent", |end| end.segment.command(SegmentCommand::Manners(0, Manners::Silent)), RiddenThrough),
    ("mailbox garbage", |end| end.segment.command(SegmentCommand::Manners(0, Manners::Garbage)), RiddenThrough),
];

fn turns(wire: &SegmentWire) -> f64 {
    wire.end().segment.device(0).unwrap().plant().unwrap().position_turns
}

fn faults(rig: &Rig) -> Vec<Fault> {
    let raised = rig.events.iter().filter_map(|event| match event.kind {
        EventKind::FaultRaised { fault, .. } => Some(fault),
        _ => None,
    });
    raised.collect()
}

fn befalls((name, befall, outcome): &Row, moving: bool) {
    let (mut rig, wire) = rig_of(machine());
    rig.power_all();
    if moving {
        let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
        rig.send(Request::Velocity { axis: X, velocity: VELOCITY, dynamics });
        rig.run_until(1000, "x is in motion", |rig| rig.snapshot.axes[0].velocity == VELOCITY);
    }
    assert_eq!(faults(&rig), [], "{name}: before");
    let before = turns(&wire);
    befall(&mut wire.end());
    rig.run(SETTLED);
    let how = format!("{name}, {}", if moving { "moving" } else { "standing" });
    let went = (turns(&wire) - before).abs() * LEAD;
    let x = rig.snapshot.axes[0];
    match *outcome {
        RiddenThrough | StopsOther(_) => {
            let expected = if let StopsOther(fault) = *outcome { Some(fault) } else { None };
            assert_eq!(faults(&rig).first().copied(), expected, "{how}: {:?}", rig.events);
            assert_eq!(x.fault, 0, "{how}: {x:?}");
            let planned = if moving { VELOCITY * SETTLED as f64 * 1e-3 } else { 0.0 };
            assert!((went - planned).abs() < 2.0, "{how}: went {went} mm, {planned} planned");
        }
        Stops(fault, most) => {
            assert_eq!(faults(&rig).first(), Some(&fault), "{how}: {:?}", rig.events);
            let most = if moving { most } else { 0.1 };
            assert!(went <= most, "{how}: went {went} mm, at most {most}");
            assert!(matches!(x.state, AxisState::ErrorStop | AxisState::Disabled), "{how}: {x:?}");
            // It stays at rest, whatever comes back.
            wire.end().mishap = Default::default();
            wire.end().segment.command(SegmentCommand::Mend);
            let rest = turns(&wire);
            rig.run(SETTLED);
            assert!((turns(&wire) - rest).abs() * LEAD < 0.1, "{how}: it moved again");
        }
    }
}

#[test]
fn each_fault_does_what_the_table_says_at_rest() {
    TABLE.iter().for_each(|row| befalls(row, false));
}

#[test]
fn each_fault_does_what_the_table_says_in_motion() {
    TABLE.iter().for_each(|row| befalls(row, true));
}
