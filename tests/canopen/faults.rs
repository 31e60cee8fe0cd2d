//! What a fault of the bus or of a node does, standing and moving: the table says beforehand which fault is raised and how far
//! the axis still goes.

use crate::motion::{X, machine, rig_of};
use crate::support::rig::Rig;
use crate::wire::NetworkWire;
use motiond::config::MachineConfig;
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::drive::Mode;
use motiond::exchange::command::Request;
use motiond::exchange::event::{BusNews, EventKind};
use motiond::fault::Fault;
use motiond::fieldbus::canopen::frame::WireState;
use motiond::fieldbus::canopen::wire::CanWire;
use motiond::ids::AxisId;
use motiond::motion::{AxisState, Dynamics};
use motiond::simulation::canopen::{Manners, Network, NetworkCommand};

/// How fast x goes, mm/s.
const VELOCITY: f64 = 400.0;
/// Cycles after which everything that stops has stopped: the devices' watchdogs take 100 of them.
const SETTLED: u64 = 1500;
/// Millimetres in a turn of x's motor.
const LEAD: f64 = 20.0;
/// The way until a fault is noticed: three exchanges of two cycles are tolerated, and setpoints take six cycles to the shaft.
const NOTICED: f64 = 16.0 * VELOCITY * 1e-3;
/// The way of a ramp within the limits: 400² / (2 · 6000), and what the jerk of 150000 adds.
const BY_RAMP: f64 = NOTICED + 13.4 + 8.0;
/// Heartbeats come each 50 ms, and three of them may be missing.
const BY_HEARTBEAT: f64 = VELOCITY * 0.2 + BY_RAMP;
/// The way of a drive that nobody reaches any more: 100 ms until it misses the heartbeat, and its quick stop.
const BY_WATCHDOG: f64 = VELOCITY * 0.135 + BY_RAMP + 0.8;
/// The way while another node babbles. Which frames still pass hangs on when it begins, and an exchange that gets through now and
/// then goes on moving: 107 mm were the most of 20 beginnings, four cycles apart.
const BY_BABBLE: f64 = 120.0;
/// What it goes farther in profile position until it takes another target: the hand-over of one takes two of the bus's delays.
const BY_HAND_OVER: f64 = VELOCITY * 0.014;
/// The way of a drive without supply, against the Coulomb friction of its motor.
const BY_FRICTION: f64 = 175.0;

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

pub type Row = (&'static str, fn(&mut Rig, &NetworkWire), Outcome);

#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    ("one frame lost", |_, wire| wire.command(NetworkCommand::Lose(1)), RiddenThrough),
    ("three frames lost", |_, wire| wire.command(NetworkCommand::Lose(3)), RiddenThrough),
    ("a whole exchange lost", |_, wire| wire.command(NetworkCommand::Lose(7)), RiddenThrough),
    ("three exchanges lost", |_, wire| wire.command(NetworkCommand::Lose(12)), RiddenThrough),
    ("many exchanges lost", |_, wire| wire.command(NetworkCommand::Lose(60)), Stops(Fault::BusLost, BY_RAMP)),
    ("x's PDO missing once", |_, wire| wire.command(NetworkCommand::Swallow(0, 1)), RiddenThrough),
    ("x's PDO missing three times", |_, wire| wire.command(NetworkCommand::Swallow(0, 3)), RiddenThrough),
    ("x's PDO missing for long", |_, wire| wire.command(NetworkCommand::Swallow(0, 200)), Stops(Fault::DeviceLost, BY_RAMP)),
    ("y's PDO missing for long", |_, wire| wire.command(NetworkCommand::Swallow(1, 200)), StopsOther(Fault::DeviceLost)),
    ("the terminal's PDO missing for long", |_, wire| wire.command(NetworkCommand::Swallow(2, 200)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("x's heartbeat missing", |_, wire| wire.command(NetworkCommand::Mute(0, true)), Stops(Fault::DeviceLost, BY_HEARTBEAT)),
    ("y's heartbeat missing", |_, wire| wire.command(NetworkCommand::Mute(1, true)), StopsOther(Fault::DeviceLost)),
    ("the terminal's heartbeat missing", |_, wire| wire.command(NetworkCommand::Mute(2, true)), Stops(Fault::WorkingCounter, BY_HEARTBEAT)),
    ("x starts anew by itself", |_, wire| wire.command(NetworkCommand::Restart(0)), Stops(Fault::DeviceLost, BY_RAMP)),
    ("y starts anew by itself", |_, wire| wire.command(NetworkCommand::Restart(1)), StopsOther(Fault::DeviceLost)),
    ("the terminal starts anew by itself", |_, wire| wire.command(NetworkCommand::Restart(2)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("x off", |_, wire| wire.command(NetworkCommand::PowerOff(0)), Stops(Fault::DeviceLost, BY_FRICTION)),
    ("y off", |_, wire| wire.command(NetworkCommand::PowerOff(1)), StopsOther(Fault::DeviceLost)),
    ("terminal off", |_, wire| wire.command(NetworkCommand::PowerOff(2)), Stops(Fault::WorkingCounter, BY_RAMP)),
    ("cable cut at the master", |_, wire| wire.command(NetworkCommand::Cut(true)), Stops(Fault::BusLost, BY_WATCHDOG)),
    ("many errors", |_, wire| wire.tell(WireState::Warning), RiddenThrough),
    ("error-passive", |_, wire| wire.tell(WireState::Passive), RiddenThrough),
    ("bus-off", |_, wire| wire.tell(WireState::BusOff), Stops(Fault::BusLost, BY_WATCHDOG)),
    ("queue full for a frame", |_, wire| wire.fill(1), RiddenThrough),
    ("queue full for an exchange", |_, wire| wire.fill(4), RiddenThrough),
    ("queue full for long", |_, wire| wire.fill(2000), Stops(Fault::BusLost, BY_WATCHDOG)),
    // Its emergencies come before everything but SYNC: first it has a fault, then there is no bus any more.
    ("y babbles", |_, wire| wire.command(NetworkCommand::Babble(1, true)), Stops(Fault::DriveEmergency, BY_BABBLE)),
    ("x's drive has a fault", |_, wire| wire.command(NetworkCommand::DriveFault(0, 0x7305)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("y's drive has a fault", |_, wire| wire.command(NetworkCommand::DriveFault(1, 0x2310)), StopsOther(Fault::DriveEmergency)),
    ("x: emergency, any fault", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x1000, 1)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, current", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x2310, 3)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, voltage", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x3220, 5)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, temperature", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x4310, 9)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, hardware", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x5530, 1)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, software", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x6320, 1)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, module", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x7500, 1)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, communication", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x8110, 0x11)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, from outside", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x9000, 1)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, additional functions", |_, wire| wire.command(NetworkCommand::Emergency(0, 0xF001, 1)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, vendor's", |_, wire| wire.command(NetworkCommand::Emergency(0, 0xFE01, 0x81)), Stops(Fault::DriveEmergency, BY_RAMP)),
    ("x: emergency, no fault any more", |_, wire| wire.command(NetworkCommand::Emergency(0, 0, 0)), RiddenThrough),
    ("x: emergency, tolerated", |_, wire| wire.command(NetworkCommand::Emergency(0, 0x4210, 9)), RiddenThrough),
    ("x: emergency, its class is tolerated", |_, wire| wire.command(NetworkCommand::Emergency(0, 0xFF07, 0x81)), RiddenThrough),
    ("the terminal: emergency", |_, wire| wire.command(NetworkCommand::Emergency(2, 0x5100, 1)), Stops(Fault::TerminalEmergency, BY_RAMP)),
    ("SDO silent", |_, wire| wire.command(NetworkCommand::Manners(0, Manners::Silent)), RiddenThrough),
    ("SDO garbage", |_, wire| wire.command(NetworkCommand::Manners(0, Manners::Garbage)), RiddenThrough),
    ("SDO refused", |_, wire| wire.command(NetworkCommand::Manners(0, Manners::Abort(0x0800_0000))), RiddenThrough),
    ("the cycle stalls for three periods", |rig, _| rig.step_after(3).unwrap(), RiddenThrough),
    // Longer than the watchdogs: the drives have stopped by themselves, and say so.
    ("the cycle stalls for 250 periods", |rig, _| rig.step_after(250).unwrap(), Stops(Fault::DriveEmergency, BY_WATCHDOG)),
];

fn turns(wire: &NetworkWire) -> f64 {
    wire.with_device(0, |device| device.plant().unwrap().position_turns)
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

fn operational(wire: &NetworkWire) -> bool {
    (0..3).all(|node| wire.state_name(node) == "Operational")
}

pub fn befalls(config: &MachineConfig, (name, befall, outcome): &Row, moving: bool) {
    let mut config = config.clone();
    config.buses[0].devices[0].tolerated_emergencies = TOLERATED.to_vec();
    let (mut rig, wire, _desks) = rig_of(config);
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
            assert!((went - planned).abs() < 4.0, "{how}: went {went} mm, {planned} planned");
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
        rig.run(6000);
        assert!(operational(&wire), "{how}: not every node is operational again: {:?}", rig.events);
        assert_eq!(rig.snapshot.buses[0].dropped, 0, "{how}: {:?}", rig.events);
    }
}

/// The cause of everything is taken away.
fn mend(rig: &mut Rig, wire: &NetworkWire) {
    for node in 0..3 {
        for command in [
            NetworkCommand::Mute(node, false),
            NetworkCommand::Babble(node, false),
            NetworkCommand::Swallow(node, 0),
            NetworkCommand::DriveFault(node, 0),
            NetworkCommand::Manners(node, Manners::Good),
            NetworkCommand::PowerOn(node),
        ] {
            wire.command(command);
        }
    }
    wire.command(NetworkCommand::Lose(0));
    wire.command(NetworkCommand::Cut(false));
    wire.tell(WireState::Active);
    wire.fill(0);
    wire.with_device(2, |device| device.set_input(0, true));
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

#[test]
fn what_the_wire_says_is_told_once() {
    let (mut rig, wire, _desks) = rig_of(machine());
    rig.power_all();
    for state in [WireState::Warning, WireState::Passive, WireState::Active] {
        wire.tell(state);
        rig.run(10);
    }
    wire.fill(2);
    rig.run(10);
    let told: Vec<BusNews> = rig
        .events
        .iter()
        .filter_map(|event| match event.kind {
            EventKind::Bus { news, .. } => Some(news),
            _ => None,
        })
        .collect();
    let wire = |state| BusNews::Wire(state);
    assert_eq!(told, [wire(WireState::Warning), wire(WireState::Passive), wire(WireState::Active), BusNews::QueueFull]);
}

/// The daemon is killed and another one comes, after so many milliseconds: what it finds stands still, or stops.
#[test]
fn a_restart_onto_enabled_drives_enables_nothing_and_every_drive_stops() {
    for (outage_ms, moving) in [(20, false), (20, true), (90, true), (500, false), (500, true)] {
        let config = machine();
        let (mut rig, wire, _desks) = rig_of(config.clone());
        rig.power_all();
        if moving {
            let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
            rig.send(Request::Velocity { axis: X, velocity: VELOCITY, dynamics });
            rig.run_until(1000, "x is in motion", |rig| rig.snapshot.axes[0].velocity == VELOCITY);
        }
        let before = turns(&wire);
        // Killed, it sends nothing any more.
        std::mem::forget(rig);
        let after_ns = wire.now_ns() + outage_ms * 1_000_000;
        CanWire::wait(&mut wire.clone(), after_ns);
        let assembly = assemble_over(&config, |_| Ok(BusWire::Can(Box::new(wire.clone()))))
            .unwrap_or_else(|error| panic!("{error}"));
        let mut rig = Rig::of(config, assembly.cycle, assembly.ends, assembly.simulations);
        rig.now_ns = wire.now_ns();
        rig.run(SETTLED);
        let how = format!("{outage_ms} ms, {}", if moving { "moving" } else { "standing" });
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

/// What is on the wire is not what is configured: said in words that name the node.
#[test]
fn nodes_that_are_others_are_refused_in_words() {
    type Mismatch = (&'static str, fn(&mut Network), &'static [&'static str]);
    let rows: [Mismatch; 5] = [
        (
            "one is not there",
            |n| n.command(NetworkCommand::PowerOff(1)),
            &["\"y-drive\" (node id 2)", "does not answer"],
        ),
        (
            "another product",
            |n| {
                n.command(NetworkCommand::Exchange(0, 77));
                n.command(NetworkCommand::PowerOn(0));
            },
            &["\"x-drive\" (node id 1)", "product code is 0x0000004d, expected is 0x00000192"],
        ),
        ("two with one id", |n| n.command(NetworkCommand::Twin(1, true)), &["\"y-drive\"", "two devices answer"]),
        (
            "it refuses everything",
            |n| n.command(NetworkCommand::Manners(0, Manners::Abort(0x0800_0022))),
            &["\"x-drive\"", "refuses object 1000h:00 with abort code 08000022h"],
        ),
        ("it answers nothing", |n| n.command(NetworkCommand::Manners(2, Manners::Silent)), &["\"io\" (node id 10)"]),
    ];
    for (name, change, words) in rows {
        let mut config = machine();
        config.buses[0].devices[0].identity.product_code = Some(402);
        let mut network = Network::new(&crate::wire::nodes_of(&config.buses[0], config.period_ns)).unwrap();
        change(&mut network);
        let wire = NetworkWire::to(network);
        let assembled = assemble_over(&config, |_| Ok(BusWire::Can(Box::new(wire.clone()))));
        let Err(error) = assembled else { panic!("{name}: taken") };
        let error = error.to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{name}: {error}");
    }
}

/// A drive that knows no heartbeat is guarded, and one that knows no block transfers gets segments.
#[test]
fn a_node_without_heartbeats_is_guarded() {
    let config = machine();
    let mut nodes = crate::wire::nodes_of(&config.buses[0], config.period_ns);
    nodes.nodes[0].has_heartbeat = false;
    nodes.nodes[0].blocks = false;
    let (mut rig, wire, _desks) = crate::motion::rig_over(config, &nodes);
    rig.power_all();
    let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
    rig.send(Request::Velocity { axis: X, velocity: VELOCITY, dynamics });
    rig.run(1000);
    assert_eq!(faults(&rig), []);
    let guarding = |(_, frame): &(u64, motiond::fieldbus::canopen::frame::CanFrame)| frame.is_remote();
    assert!(wire.log().iter().any(guarding));
    wire.command(NetworkCommand::Mute(0, true));
    rig.run(SETTLED);
    assert_eq!(faults(&rig).first(), Some(&Fault::DeviceLost));
    // Without the master it stops by itself.
    wire.command(NetworkCommand::Mute(0, false));
    rig.run(3000);
    assert!(operational(&wire));
    rig.send(Request::Reset { axis: AxisId(0) });
    rig.run(100);
    rig.power_all();
}
