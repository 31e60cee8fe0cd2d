//! What a fault of the segment does, standing and moving: the table says beforehand which fault is raised and how far the
//! axis still goes.

use crate::bring_up::machine;
use crate::motion::{X, rig_of};
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::config::MachineConfig;
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::drive::Mode;
use motiond::exchange::command::Request;
use motiond::exchange::event::EventKind;
use motiond::fault::Fault;
use motiond::fieldbus::ethercat::scan::scan;
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::motion::{AxisState, Dynamics};
use motiond::simulation::ethercat::{Manners, Segment, SegmentCommand, SegmentParameters};

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
/// An emergency waits until it is its device's turn, which comes within ten cycles here, and until it is fetched.
const BY_EMERGENCY: f64 = 15.0 * VELOCITY * 1e-3 + 13.4 + 8.0;
/// The way of a drive that nobody reaches any more: 100 ms until its watchdog, and its quick stop.
const BY_WATCHDOG: f64 = VELOCITY * 0.1 + BY_RAMP + 0.8;

/// What it goes farther in profile position until it takes another target: the hand-over of one takes two of the bus's delays.
const BY_HAND_OVER: f64 = VELOCITY * 0.006;
/// The way of a drive without supply: against the Coulomb friction of its motor, which is 8 % of what it accelerates with,
/// 400² / (2 · 480).
const BY_FRICTION: f64 = 167.0;

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing: it is ridden through.
    RiddenThrough,
    /// This fault, and x goes at most so far, mm.
    Stops(Fault, f64),
    /// This fault of y, and x goes on.
    StopsOther(Fault),
}

use Outcome::{RiddenThrough, Stops, StopsOther};

/// Name, what befalls the machine, what becomes of it.
pub type Row = (&'static str, fn(&mut Rig, &SegmentWire), Outcome);

fn command(wire: &SegmentWire, command: SegmentCommand) {
    wire.end().segment.command(command);
}

#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    ("one frame lost", |_, wire| wire.end().mishap.lose = 1, RiddenThrough),
    ("two frames lost", |_, wire| wire.end().mishap.lose = 2, RiddenThrough),
    ("three frames lost", |_, wire| wire.end().mishap.lose = 3, RiddenThrough),
    ("four frames lost", |_, wire| wire.end().mishap.lose = 4, Stops(Fault::BusLost, BY_RAMP)),
    ("ten frames lost", |_, wire| wire.end().mishap.lose = 10, Stops(Fault::BusLost, BY_WATCHDOG)),
    ("frames lost until the watchdogs expire", |_, wire| wire.end().mishap.lose = 150, Stops(Fault::BusLost, BY_WATCHDOG)),
    ("one frame late", |_, wire| wire.end().mishap.delay = (1, 2_000_000), RiddenThrough),
    ("three frames late", |_, wire| wire.end().mishap.delay = (3, 2_000_000), RiddenThrough),
    ("three frames late by many periods", |_, wire| wire.end().mishap.delay = (3, 60_000_000), RiddenThrough),
    ("frames late for long", |_, wire| wire.end().mishap.delay = (200, 1_500_000), Stops(Fault::BusLost, BY_RAMP)),
    ("a frame twice", |_, wire| wire.end().mishap.duplicate = 1, RiddenThrough),
    ("frames twice for a while", |_, wire| wire.end().mishap.duplicate = 50, RiddenThrough),
    ("a frame corrupted", |_, wire| wire.end().mishap.corrupt = 1, RiddenThrough),
    ("three frames corrupted", |_, wire| wire.end().mishap.corrupt = 3, RiddenThrough),
    ("frames corrupted for long", |_, wire| wire.end().mishap.corrupt = 20, Stops(Fault::BusLost, BY_WATCHDOG)),
    ("x misses one exchange", |_, wire| command(wire, SegmentCommand::Deaf(0, 1)), RiddenThrough),
    ("x misses three exchanges", |_, wire| command(wire, SegmentCommand::Deaf(0, 3)), RiddenThrough),
    ("x misses four exchanges", |_, wire| command(wire, SegmentCommand::Deaf(0, 4)), Stops(Fault::DeviceLost, BY_RAMP)),
    ("x misses exchanges until its watchdog expires", |_, wire| command(wire, SegmentCommand::Deaf(0, 150)), Stops(Fault::DeviceLost, BY_WATCHDOG)),
    ("y misses three exchanges", |_, wire| command(wire, SegmentCommand::Deaf(1, 3)), RiddenThrough),
    ("y misses exchanges for long", |_, wire| command(wire, SegmentCommand::Deaf(1, 150)), StopsOther(Fault::DeviceLost)),
    ("the terminal misses three exchanges", |_, wire| command(wire, SegmentCommand::Deaf(2, 3)), RiddenThrough),
    ("the terminal misses exchanges for long", |_, wire| command(wire, SegmentCommand::Deaf(2, 150)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("cable cut at the master", |_, wire| command(wire, SegmentCommand::Cut(0)), Stops(Fault::BusLost, BY_WATCHDOG)),
    ("cable cut behind x", |_, wire| command(wire, SegmentCommand::Cut(1)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("cable cut behind y", |_, wire| command(wire, SegmentCommand::Cut(2)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("first device off", |_, wire| command(wire, SegmentCommand::PowerOff(0)), Stops(Fault::BusLost, BY_FRICTION)),
    ("second device off", |_, wire| command(wire, SegmentCommand::PowerOff(1)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("terminal off", |_, wire| command(wire, SegmentCommand::PowerOff(2)), Stops(Fault::WorkingCounter, BY_RAMP)),
    // A drive that loses its outputs tells so before the bus does.
    ("x falls out of OP", |_, wire| command(wire, SegmentCommand::AlError(0, 0x1A)), Stops(Fault::DriveFault, BY_RAMP)),
    ("y falls out of OP", |_, wire| command(wire, SegmentCommand::AlError(1, 0x2C)), StopsOther(Fault::DriveFault)),
    ("the terminal falls out of OP", |_, wire| command(wire, SegmentCommand::AlError(2, 0x1B)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("x loses SYNC0", |_, wire| command(wire, SegmentCommand::SyncLost(0)), Stops(Fault::DeviceLost, BY_RAMP)),
    ("y loses SYNC0", |_, wire| command(wire, SegmentCommand::SyncLost(1)), StopsOther(Fault::DeviceLost)),
    ("x's drive has a fault", |_, wire| command(wire, SegmentCommand::DriveFault(0, 0x7305)), Stops(Fault::DriveFault, BY_RAMP)),
    ("y's drive has a fault", |_, wire| command(wire, SegmentCommand::DriveFault(1, 0x2310)), StopsOther(Fault::DriveFault)),
    ("clock 200 ppm fast", |_, wire| command(wire, SegmentCommand::Drift(0, 200_000.0)), RiddenThrough),
    ("clock 200 ppm slow", |_, wire| command(wire, SegmentCommand::Drift(1, -200_000.0)), RiddenThrough),
    ("x: emergency, any fault", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x1000, 1)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, current", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x2310, 3)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, voltage", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x3220, 5)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, temperature", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x4310, 9)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, hardware", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x5530, 1)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, software", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x6320, 1)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, module", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x7500, 1)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, communication", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x8130, 0x11)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, from outside", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x9000, 1)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, vendor's", |_, wire| command(wire, SegmentCommand::Emergency(0, 0xFE01, 0x81)), Stops(Fault::DriveEmergency, BY_EMERGENCY)),
    ("x: emergency, no fault any more", |_, wire| command(wire, SegmentCommand::Emergency(0, 0, 0)), RiddenThrough),
    ("x: emergency, tolerated", |_, wire| command(wire, SegmentCommand::Emergency(0, 0x4210, 9)), RiddenThrough),
    ("x: emergency, its class is tolerated", |_, wire| command(wire, SegmentCommand::Emergency(0, 0xFF07, 0x81)), RiddenThrough),
    ("y: emergency", |_, wire| command(wire, SegmentCommand::Emergency(1, 0x7500, 1)), StopsOther(Fault::DriveEmergency)),
    ("the terminal: emergency", |_, wire| command(wire, SegmentCommand::Emergency(2, 0x5100, 1)), Stops(Fault::TerminalEmergency, BY_EMERGENCY)),
    ("mailbox silent", |_, wire| command(wire, SegmentCommand::Manners(0, Manners::Silent)), RiddenThrough),
    ("mailbox garbage", |_, wire| command(wire, SegmentCommand::Manners(0, Manners::Garbage)), RiddenThrough),
    ("the cycle stalls for two periods", |rig, _| rig.step_after(2).unwrap(), RiddenThrough),
    // Longer than the watchdogs: the drives have stopped by themselves, and say so.
    ("the cycle stalls for 150 periods", |rig, _| rig.step_after(150).unwrap(), Stops(Fault::DriveFault, BY_WATCHDOG)),
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

/// The emergencies of x that are tolerated in the table.
const TOLERATED: &[u16] = &[0x4210, 0xFF00];

pub fn befalls(config: &MachineConfig, (name, befall, outcome): &Row, moving: bool) {
    let mut config = config.clone();
    config.buses[0].devices[0].tolerated_emergencies = TOLERATED.to_vec();
    let (mut rig, wire) = rig_of(config);
    rig.power_all();
    if moving {
        let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
        rig.send(Request::Velocity { axis: X, velocity: VELOCITY, dynamics });
        rig.run_until(1000, "x is in motion", |rig| rig.snapshot.axes[0].velocity == VELOCITY);
    }
    assert_eq!(faults(&rig), [], "{name}: before");
    let before = turns(&wire);
    befall(&mut rig, &wire);
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
            let later = if rig.config.axes[0].wiring.drive.mode == Mode::Pp { BY_HAND_OVER } else { 0.0 };
            let most = if moving { most + later } else { 0.1 };
            assert!(went <= most, "{how}: went {went} mm, at most {most}");
            assert!(matches!(x.state, AxisState::ErrorStop | AxisState::Disabled), "{how}: {x:?}");
            // It stays at rest, whatever comes back.
            let rest = turns(&wire);
            mend(&mut rig, &wire);
            rig.run(SETTLED);
            assert!((turns(&wire) - rest).abs() * LEAD < 0.1, "{how}: it moved again");
        }
    }
    if *outcome != RiddenThrough {
        mend(&mut rig, &wire);
        rig.run(4000);
        let back = (0..3).all(|place| wire.end().segment.is_operational(place));
        assert!(back, "{how}: not every device is in OP again: {:?}", rig.events);
        assert_eq!(rig.snapshot.buses[0].dropped, 0, "{how}: {:?}", rig.events);
    }
}

/// The cause of everything is taken away.
fn mend(rig: &mut Rig, wire: &SegmentWire) {
    let mut end = wire.end();
    end.mishap = Default::default();
    for place in 0..3 {
        if !end.segment.is_powered(place) {
            end.segment.command(SegmentCommand::PowerOn(place));
        }
        end.segment.command(SegmentCommand::DriveFault(place, 0));
    }
    end.segment.command(SegmentCommand::Mend);
    end.segment.device_mut(2).unwrap().set_input(0, true);
    drop(end);
    rig.run(1);
}

#[test]
fn each_fault_does_what_the_table_says_at_rest() {
    let config = machine();
    TABLE.iter().for_each(|row| befalls(&config, row, false));
}

#[test]
fn each_fault_does_what_the_table_says_in_motion() {
    let config = machine();
    TABLE.iter().for_each(|row| befalls(&config, row, true));
}

/// Codes with which a device may leave OP; with each it is told, stops what hangs on it, and is taken back.
const AL_CODES: &[u16] = &[
    0x01, 0x02, 0x11, 0x12, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x24,
    0x25, 0x26, 0x27, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x2E, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x43,
    0x60, 0xF0, 0x8001, 0xFFFF,
];

#[test]
fn a_device_that_leaves_op_is_taken_back_whatever_its_code() {
    let (mut rig, wire) = rig_of(machine());
    for code in AL_CODES {
        rig.power_all();
        let before = rig.events.len();
        command(&wire, SegmentCommand::AlError(1, *code));
        rig.run(1000);
        let events = &rig.events[before..];
        let fault = |event: &motiond::exchange::event::Event| matches!(event.kind, EventKind::FaultRaised { .. });
        assert_eq!(events.iter().filter(|event| fault(event)).count(), 1, "{code:04X}h: {events:?}");
        assert!(wire.end().segment.is_operational(1), "{code:04X}h: {events:?}");
        assert_eq!(rig.snapshot.axes[0].state, AxisState::Standstill, "{code:04X}h: x stays enabled");
        let reset = rig.send(Request::Reset { axis: motiond::ids::AxisId(1) });
        rig.run_until(1000, "y is reset", |rig| rig.is_done(reset));
        rig.run(50);
    }
}

/// The daemon is killed and another one comes, after so many milliseconds: what it finds stands still, or stops.
#[test]
fn a_restart_onto_enabled_drives_enables_nothing_and_every_drive_stops() {
    for (outage_ms, moving) in [(20, false), (20, true), (90, true), (500, false), (500, true)] {
        let config = machine();
        let (mut rig, wire) = rig_of(config.clone());
        rig.power_all();
        if moving {
            let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
            rig.send(Request::Velocity { axis: X, velocity: VELOCITY, dynamics });
            rig.run_until(1000, "x is in motion", |rig| rig.snapshot.axes[0].velocity == VELOCITY);
        }
        let before = turns(&wire);
        // Killed, it sends nothing any more.
        std::mem::forget(rig);
        wire.clone().receive(&mut [0; 1514], wire.now_ns() + outage_ms * 1_000_000);
        let assembly = assemble_over(&config, |_| Ok(BusWire::Ethercat(Box::new(wire.clone()))))
            .unwrap_or_else(|error| panic!("{error}"));
        let mut rig = Rig::of(config, assembly.cycle, assembly.ends, assembly.simulations);
        rig.now_ns = wire.now_ns();
        rig.run(SETTLED);
        let how = format!("{outage_ms} ms, {}", if moving { "moving" } else { "standing" });
        // Where the drives' watchdogs expired, they tell that as their fault.
        let off = |state| matches!(state, AxisState::Disabled | AxisState::ErrorStop);
        assert!(rig.snapshot.axes.iter().all(|axis| off(axis.state)), "{how}: {:?}", rig.events);
        let enabled = |event: &motiond::exchange::event::Event| matches!(event.kind, EventKind::Power { on: true, .. });
        assert!(!rig.events.iter().any(enabled), "{how}: {:?}", rig.events);
        let went = (turns(&wire) - before).abs() * LEAD;
        assert!(went <= if moving { BY_WATCHDOG } else { 0.1 }, "{how}: went {went} mm");
        let rest = turns(&wire);
        rig.run(SETTLED);
        assert!((turns(&wire) - rest).abs() * LEAD < 0.01, "{how}: it moved again");
    }
}

/// What is on the wire is not what is configured: said in words that name the place.
#[test]
fn a_segment_that_is_another_one_is_refused_in_words() {
    type Mismatch = (&'static str, fn(&mut SegmentParameters), &'static [&'static str]);
    let rows: [Mismatch; 4] = [
        ("one device less", |wire| drop(wire.devices.pop()), &["no device at position 2", "\"io\""]),
        ("one device more", |wire| wire.devices.push(wire.devices[2].clone()), &["4 devices answer, 3 are configured"]),
        ("another kind", |wire| wire.devices.swap(1, 2), &["position 1", "\"y-drive\""]),
        ("none", |wire| wire.devices.clear(), &["no device answers", "cable"]),
    ];
    for (name, change, words) in rows {
        let mut config = machine();
        let mut parameters = crate::bring_up::segment(&config);
        // Both drives and the terminal are what they were when the machine was built.
        let built = scan(&mut SegmentWire::to(Segment::new(&parameters).unwrap())).unwrap();
        for (device, built) in config.buses[0].devices.iter_mut().zip(built) {
            device.identity.product_code = Some(built.product);
        }
        change(&mut parameters);
        let wire = SegmentWire::to(Segment::new(&parameters).unwrap());
        let error = assemble_over(&config, |_| Ok(BusWire::Ethercat(Box::new(wire.clone()))))
            .map(drop)
            .unwrap_err()
            .to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
    }
}
