//! Axes whose loops are closed by the cycle: velocity (CSV) and torque (CST) for the drive, over raw frames.

use crate::faults::{TABLE, befalls};
use crate::motion::{X, move_to, rig_of};
use crate::wire::SegmentWire;
use motiond::config::{self, MachineConfig};
use motiond::exchange::command::{Request, StopScope};
use motiond::ids::GroupId;
use motiond::motion::{BufferMode, Dynamics, GroupShape};

/// Half of the rated torque for the highest acceleration, 6000 mm/s²: what the simulated motor is sized for.
const INERTIA: f64 = 0.5 / 6000.0;
/// Nothing but what each mode needs, with its feed-forward.
const CSV_OUTPUTS: &str = r#"["6040:00:16", "6060:00:8", "60FF:00:32", "60B1:00:32", "60B2:00:16"]"#;
const CST_OUTPUTS: &str = r#"["6040:00:16", "6060:00:8", "6071:00:16", "60B2:00:16"]"#;

/// The shipped machine, with x in a mode; `outputs` is what its drive is sent, where that is not the usual.
fn text(mode: &str, outputs: Option<&str>) -> String {
    let gains = match mode {
        "csv" => "position-per-s = 40",
        _ => &format!(
            "position-per-s = 40\nvelocity-s-per-mm = {}\nintegral-time-ms = 50\nacceleration-s2-per-mm = {INERTIA}",
            200.0 * INERTIA
        ),
    };
    let text = include_str!("../../config/ethercat-terminals.toml");
    let text = text.replacen("mode = \"csp\"", &format!("mode = \"{mode}\""), 1);
    let text = text.replacen("time-ms = 50\n", &format!("time-ms = 50\n\n[axis.gains]\n{gains}\n"), 1);
    let mapped = outputs.map_or(String::new(), |outputs| format!("position = 0\npdo-outputs = {outputs}"));
    if outputs.is_some() { text.replacen("position = 0", &mapped, 1) } else { text }
}

fn machine(mode: &str, outputs: Option<&str>) -> MachineConfig {
    let text = text(mode, outputs);
    config::parse(&text, "modes.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn object(wire: &SegmentWire, index: u16, subindex: u8) -> i32 {
    let mut value = [0; 4];
    let end = wire.end();
    let bytes = end.segment.device(0).unwrap().upload(index, subindex, &mut value).unwrap();
    // With its sign.
    i32::from_le_bytes(value) << (32 - 8 * bytes) >> (32 - 8 * bytes)
}

const MODES: [(&str, Option<&str>, i32, u16); 4] = [
    ("csv", None, 9, 0x60FF),
    ("csv", Some(CSV_OUTPUTS), 9, 0x60FF),
    ("cst", None, 10, 0x6071),
    ("cst", Some(CST_OUTPUTS), 10, 0x6071),
];

#[test]
fn a_drive_is_brought_up_in_its_mode_with_the_objects_that_it_needs() {
    for (mode, outputs, code, target) in MODES {
        let (mut rig, wire) = rig_of(machine(mode, outputs));
        rig.power_all();
        assert_eq!((object(&wire, 0x6060, 0), object(&wire, 0x6061, 0)), (code, code), "{mode} {outputs:?}");
        let count = object(&wire, 0x1600, 0) as u8;
        let mapped: Vec<u16> = (1..=count).map(|place| (object(&wire, 0x1600, place) >> 16) as u16).collect();
        assert!(mapped.contains(&target), "{mode} {outputs:?}: {mapped:04X?}");
        assert_eq!(mapped.contains(&0x607A), outputs.is_none(), "{mode} {outputs:?}: {mapped:04X?}");
        // At rest nothing is asked of it, and it stays where it is.
        let before = wire.end().segment.device(0).unwrap().plant().unwrap().position_turns;
        rig.run(3000);
        let after = wire.end().segment.device(0).unwrap().plant().unwrap().position_turns;
        assert!((after - before).abs() * 20.0 < 0.01, "{mode} {outputs:?}: it drifts by {} turns", after - before);
    }
}

#[test]
fn moves_stay_within_the_following_error_and_end_in_their_place() {
    for (mode, outputs, ..) in MODES {
        let config = machine(mode, outputs);
        let window = config.axes[0].wiring.supervision.following_window.unwrap();
        let (mut rig, wire) = rig_of(config);
        rig.power_all();
        let start = rig.snapshot.axes[0].setpoint;
        let mut worst: f64 = 0.0;
        for target in [start + 400.0, start + 100.0] {
            let handle = rig.send(move_to(X, target));
            while rig.end_of(handle).is_none() {
                rig.step();
                worst = worst.max(rig.snapshot.axes[0].following_error.abs());
                assert!(rig.cycles < 20_000, "{mode} {outputs:?}: {:?}", rig.snapshot.axes[0]);
            }
            assert!(rig.is_done(handle), "{mode} {outputs:?}: {:?} {:?}", rig.verdicts, rig.events);
            let turns = wire.end().segment.device(0).unwrap().plant().unwrap().position_turns;
            assert!((turns * 20.0 - target).abs() < 0.1, "{mode} {outputs:?}: {} mm, {target} wanted", turns * 20.0);
        }
        println!("{mode} {outputs:?}: following error at most {worst} mm of {window}");
        assert!(worst < window, "{mode} {outputs:?}: {worst} mm of {window}");
        rig.send(Request::GroupEnable { group: GroupId(0) });
        rig.run(5);
        let (group, shape, whole) = (GroupId(0), GroupShape::Linear, Dynamics::default());
        let line = rig.send_group_move(group, shape, &[50.0, 30.0], true, whole, BufferMode::Aborting);
        rig.run_until(20_000, "the line is done", |rig| rig.end_of(line).is_some());
        assert!(rig.is_done(line), "{mode} {outputs:?}: {:?} {:?}", rig.verdicts, rig.events);
    }
}

#[test]
fn a_stop_keeps_to_the_limits_of_the_axis() {
    for (mode, outputs, _, target) in MODES {
        let (mut rig, wire) = rig_of(machine(mode, outputs));
        rig.power_all();
        let dynamics = Dynamics { velocity: Some(400.0), ..Dynamics::default() };
        rig.send(Request::Velocity { axis: X, velocity: 400.0, dynamics });
        rig.run_until(1000, "x is in motion", |rig| rig.snapshot.axes[0].velocity == 400.0);
        rig.run(200);
        // What is asked of it is in the target, feed-forward and all, and nothing is added behind that.
        assert!(object(&wire, target, 0) > 0, "{mode} {outputs:?}: {target:04X}h");
        assert_eq!((object(&wire, 0x60B1, 0), object(&wire, 0x60B2, 0)), (0, 0), "{mode} {outputs:?}");
        let turns = |wire: &SegmentWire| wire.end().segment.device(0).unwrap().plant().unwrap().position_turns;
        let before = turns(&wire);
        rig.stop(StopScope::Axis(X));
        // The rig holds every setpoint against the limits.
        rig.run_until(1000, "x stands", |rig| rig.snapshot.axes[0].velocity == 0.0);
        rig.run(100);
        let went = (turns(&wire) - before) * 20.0;
        // 400² / (2 · 6000), what the jerk adds, and two cycles to the shaft.
        assert!((13.0..24.0).contains(&went), "{mode} {outputs:?}: {went} mm");
        let rest = turns(&wire);
        rig.run(1000);
        assert!((turns(&wire) - rest).abs() * 20.0 < 0.02, "{mode} {outputs:?}: it moves after the stop");
    }
}

#[test]
fn each_fault_of_the_segment_does_what_it_does_in_csp() {
    for mode in ["csv", "cst"] {
        let config = machine(mode, None);
        for row in TABLE {
            println!("{mode}: {}", row.0);
            befalls(&config, row, false);
            befalls(&config, row, true);
        }
    }
}

#[test]
fn an_axis_that_lacks_the_target_of_its_mode_is_refused() {
    for (mode, outputs, missing) in [("csv", CST_OUTPUTS, "60FFh"), ("cst", CSV_OUTPUTS, "6071h")] {
        let said = config::parse(&text(mode, Some(outputs)), "modes.toml").unwrap_err().to_string();
        assert!(said.contains(missing.trim_end_matches('h')), "{mode}: {said}");
    }
}
