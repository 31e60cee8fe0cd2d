//! Analogue terminals: numbers over raw frames, in the unit of the configuration.

use crate::bring_up::segment;
use crate::motion::rig_over;
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::commissioning::skeleton::skeleton;
use motiond::commissioning::survey::survey;
use motiond::config::{self, MachineConfig};
use motiond::cycle::clock::VirtualClock;
use motiond::cycle::run::CycleBody;
use motiond::cycle::schedule::Wake;
use motiond::exchange::command::Request;
use motiond::exchange::event::Verdict;
use motiond::fault::Fault;
use motiond::motion::Reason;
use motiond::simulation::ethercat::{Segment, SegmentCommand};

// Places on the wire.
const IO: usize = 1;
const INPUTS: usize = 2;
const OUTPUTS: usize = 3;
/// Turns a minute of the pump that one count makes.
const PUMP: f64 = 3000.0 / 32767.0;

fn machine() -> MachineConfig {
    let text = include_str!("../../config/ethercat-analog.toml");
    config::parse(text, "config/ethercat-analog.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn rig() -> (Rig, SegmentWire) {
    let config = machine();
    let segment = Segment::new(&segment(&config)).unwrap();
    let (mut rig, wire) = rig_over(config, segment);
    wire.end().segment.device_mut(IO).unwrap().set_input(0, true);
    // Until SYNC0 has begun: only from then on the terminals put out and take in.
    rig.run(300);
    assert!(rig.snapshot.machine.permitted, "{:?}", rig.events);
    (rig, wire)
}

/// What the terminal puts out at its two channels.
fn put_out(wire: &SegmentWire) -> [i16; 2] {
    [0x7000, 0x7010].map(|index| {
        let mut value = [0; 2];
        wire.end().segment.device(OUTPUTS).unwrap().upload(index, 1, &mut value).unwrap();
        i16::from_le_bytes(value)
    })
}

fn set(rig: &mut Rig, output: u8, value: f64) -> Verdict {
    let handle = rig.send(Request::SetAnalogOutput { output, value });
    rig.run(5);
    rig.end_of(handle).unwrap()
}

/// The next cycle, as the real-time thread begins it.
fn wake(rig: &mut Rig, shutdown: bool) -> Wake {
    rig.now_ns += rig.config.period_ns;
    Wake {
        cycle: rig.cycles,
        deadline_ns: rig.now_ns,
        woke_ns: rig.now_ns,
        skipped: 0,
        cause: None,
        skips_in_a_row: 0,
        too_many_skips: false,
        shutdown,
    }
}

#[test]
fn inputs_are_read_in_their_unit() {
    let (mut rig, wire) = rig();
    for (pressure, level, expected) in [
        (0_i64, 0_i64, [0.0, 0.0]),
        (32767, 30_000, [16.0, 800.0]),
        (-32768, 15_000, [-16.0 * 32768.0 / 32767.0, 400.0]),
        (16_384, -300, [16.0 * 16_384.0 / 32767.0, -8.0]),
    ] {
        let mut end = wire.end();
        let terminal = end.segment.device_mut(INPUTS).unwrap();
        // A status beside it is no part of the number.
        assert!(terminal.set_number(0x6000, 1, 0x55AA) && terminal.set_number(0x6000, 0x11, pressure));
        assert!(terminal.set_number(0x6010, 0x11, level) && !terminal.set_number(0x6020, 0x11, 0));
        drop(end);
        rig.run(5);
        let read = &rig.snapshot.analogs[..2];
        assert!(
            read.iter().zip(expected).all(|(read, expected)| (read - expected).abs() < 1e-9),
            "{read:?} {expected:?}"
        );
    }
}

#[test]
fn outputs_are_set_in_their_unit_and_within_their_limits() {
    let (mut rig, wire) = rig();
    rig.run(5);
    assert_eq!(put_out(&wire), [0, 3277], "the safe values at start");
    assert!(matches!(set(&mut rig, 0, 1500.0), Verdict::Progress(_)));
    assert!(matches!(set(&mut rig, 1, 100.0), Verdict::Progress(_)));
    assert_eq!(put_out(&wire), [(1500.0 / PUMP).round() as i16, 32767]);
    assert_eq!(rig.snapshot.analogs[2..], [1500.0, 100.0]);
    for (value, nearest) in [(-0.1, 0.0), (2500.1, 2500.0), (f64::NAN, 2500.0)] {
        let Verdict::Rejected(rejection) = set(&mut rig, 0, value) else { panic!("{value} was taken") };
        assert_eq!((rejection.reason, rejection.allowed), (Reason::NotFinite, nearest));
    }
    let Verdict::Rejected(rejection) = set(&mut rig, 2, 0.0) else { panic!("there is no third output") };
    assert_eq!(rejection.reason, Reason::NoSuchOutput);
    assert_eq!(put_out(&wire), [(1500.0 / PUMP).round() as i16, 32767], "what is refused changes nothing");
}

#[test]
fn a_fault_of_the_machine_makes_outputs_safe_that_do_not_keep() {
    let (mut rig, wire) = rig();
    set(&mut rig, 0, 1500.0);
    set(&mut rig, 1, 50.0);
    wire.end().segment.device_mut(IO).unwrap().set_input(0, false);
    rig.run(5);
    assert_eq!(rig.snapshot.machine.fault, Fault::EmergencyStop.code());
    assert_eq!(put_out(&wire), [0, 16384]);
    // It cannot be set while the fault is there, and stays safe behind it until somebody sets it.
    set(&mut rig, 0, 1500.0);
    assert_eq!(put_out(&wire)[0], 0);
    wire.end().segment.device_mut(IO).unwrap().set_input(0, true);
    rig.run(5);
    let reset = rig.send(Request::ResetMachine);
    rig.run(5);
    assert!(rig.is_done(reset), "{:?}", rig.events);
    assert_eq!(put_out(&wire), [0, 16384]);
    set(&mut rig, 0, 750.0);
    assert_eq!(put_out(&wire), [(750.0 / PUMP).round() as i16, 16384]);
}

#[test]
fn the_end_of_the_daemon_makes_every_output_safe() {
    let (mut rig, wire) = rig();
    rig.power_all();
    set(&mut rig, 0, 1500.0);
    set(&mut rig, 1, 50.0);
    let clock = VirtualClock::new(0);
    let left = (0..3000).any(|_| {
        let wake = wake(&mut rig, true);
        CycleBody::step(&mut rig.cycle, &wake, &clock).leave
    });
    assert!(left, "the axis is off in time");
    assert_eq!(put_out(&wire), [0, 3277]);
}

#[test]
fn where_the_cycle_has_failed_every_output_is_safe() {
    let (mut rig, wire) = rig();
    set(&mut rig, 0, 1500.0);
    set(&mut rig, 1, 50.0);
    for _ in 0..5 {
        let wake = wake(&mut rig, false);
        CycleBody::fallback_step(&mut rig.cycle, &wake);
    }
    assert_eq!(put_out(&wire), [0, 3277]);
}

#[test]
fn a_terminal_that_is_lost_stops_the_machine_and_comes_back_safe() {
    let (mut rig, wire) = rig();
    rig.power_all();
    set(&mut rig, 0, 1500.0);
    wire.end().segment.command(SegmentCommand::PowerOff(OUTPUTS));
    rig.run_until(50, "it is noticed", |rig| rig.snapshot.machine.fault == Fault::WorkingCounter.code());
    rig.run(300);
    wire.end().segment.command(SegmentCommand::PowerOn(OUTPUTS));
    rig.run_until(3000, "it is operational again", |_| wire.end().segment.is_operational(OUTPUTS));
    rig.run(50);
    assert_eq!(put_out(&wire)[0], 0, "nothing runs by coming back");
}

#[test]
fn what_does_not_fit_is_said_where_it_stands() {
    let text = include_str!("../../config/ethercat-analog.toml");
    let rows = [
        ("index = 0x7000", "index = 0x7020", "an object among the pdo-outputs of \"analog-out\"; 7020:01 is none"),
        ("index = 0x7000\n", "index = 0x7000\ntype = \"i32\"\n", "a type of 16 bits, as this object has"),
        ("full-scale = 3000", "full-scale = 0", "another value than zero (0)"),
        ("highest = 2500", "highest = 3001", "which is what the type can represent"),
        ("safe-value = 0", "safe-value = -1", "from 0 to 2500: what it may be set to"),
        (
            "device = \"analog-out\"\nindex = 0x7000",
            "device = \"x-drive\"\nindex = 0x7000",
            "a device of kind \"terminal\"",
        ),
        ("index = 0x7010", "index = 0x7000", "an object of its own (analog-output \"pump\" has this one)"),
        ("raw-full-scale = 30_000", "raw-full-scale = 32_768", "up to 32767, the highest number of the type"),
        ("name = \"level\"", "name = \"pressure\"", "a name of its own"),
    ];
    for (before, after, words) in rows {
        assert!(text.contains(before), "{before}");
        let error = config::parse(&text.replacen(before, after, 1), "analog.toml").unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_skeleton_has_every_number_in_counts_and_brings_the_segment_up() {
    let parameters = segment(&machine());
    let mut wire = SegmentWire::to(Segment::new(&parameters).unwrap());
    let text = skeleton(&survey(&mut wire).unwrap(), "enp3s0", None, &[]);
    let config = config::parse(&text, "skeleton.toml").unwrap_or_else(|error| panic!("{error}\n{text}"));
    let names = |names: Vec<&str>| names.join(" ");
    let inputs = names(config.analog_inputs.iter().map(|input| input.name.as_str()).collect());
    assert_eq!(inputs, "terminal-2-6000-01 terminal-2-6000-11 terminal-2-6010-01 terminal-2-6010-11");
    let outputs = names(config.analog_outputs.iter().map(|output| output.name.as_str()).collect());
    assert_eq!(outputs, "terminal-3-7000-01 terminal-3-7010-01");
    let (mut rig, wire) = rig_over(config, Segment::new(&parameters).unwrap());
    wire.end().segment.device_mut(INPUTS).unwrap().set_number(0x6010, 0x11, -1234);
    rig.run(300);
    assert_eq!(rig.snapshot.analogs[..4], [0.0, 0.0, 0.0, -1234.0]);
}
