//! Drives without a cyclic mode over EtherCAT: interpolated position (IP) and profile position (PP), over raw frames.

use crate::bring_up::segment;
use crate::faults::{TABLE, befalls};
use crate::motion::{X, move_to, rig_of};
use crate::wire::SegmentWire;
use motiond::config::{self, MachineConfig};
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::simulation::SimulatedDeviceKind;
use motiond::simulation::ethercat::Segment;

/// The shipped machine with x in a mode, and out of its group where it cannot be in one.
fn machine(mode: &str) -> MachineConfig {
    let text = include_str!("../../config/ethercat-terminals.toml").replacen("\"csp\"", &format!("\"{mode}\""), 1);
    let text = if mode == "pp" { text.replace("axes = [\"x\", \"y\"]", "axes = [\"y\"]") } else { text };
    config::parse(&text, "handed-over.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn object(wire: &SegmentWire, index: u16, subindex: u8) -> i64 {
    let mut value = [0; 8];
    let end = wire.end();
    let bytes = end.segment.device(0).unwrap().upload(index, subindex, &mut value).unwrap();
    // With its sign.
    i64::from_le_bytes(value) << (64 - 8 * bytes) >> (64 - 8 * bytes)
}

fn place(wire: &SegmentWire) -> f64 {
    wire.end().segment.device(0).unwrap().plant().unwrap().position_turns * 20.0
}

#[test]
fn a_drive_is_brought_up_in_its_mode_with_the_objects_that_it_needs() {
    for (mode, code, target) in [("ip", 7, 0x60C1_0120), ("pp", 1, 0x607A_0020)] {
        let (mut rig, wire) = rig_of(machine(mode));
        rig.run(20);
        let before = place(&wire);
        rig.power_all();
        rig.run(100);
        assert_eq!((object(&wire, 0x6060, 0), object(&wire, 0x6061, 0)), (code, code), "{mode}");
        assert_eq!((object(&wire, 0x1600, 0), object(&wire, 0x1600, 3)), (3, target), "{mode}");
        assert!((place(&wire) - before).abs() < 0.001, "{mode}: it moved to {} mm", place(&wire));
        assert_eq!((object(&wire, 0x60C2, 1), object(&wire, 0x60C2, 2)), (1, -3), "{mode}");
    }
}

#[test]
fn moves_end_in_their_place_within_the_following_error() {
    for mode in ["ip", "pp"] {
        let config = machine(mode);
        let window = config.axes[0].wiring.supervision.following_window.unwrap();
        let (mut rig, wire) = rig_of(config);
        rig.power_all();
        for target in [400.0, 100.0, 100.5] {
            let handle = rig.send(move_to(X, target));
            let mut worst: f64 = 0.0;
            while rig.end_of(handle).is_none() {
                rig.step();
                worst = worst.max(rig.snapshot.axes[0].following_error.abs());
                assert!(rig.cycles < 20_000, "{mode}: {:?}", rig.snapshot.axes[0]);
            }
            assert!(rig.is_done(handle), "{mode}: {:?} {:?}", rig.verdicts, rig.events);
            println!("{mode} to {target}: following error at most {worst:.3} mm of {window}");
            assert!(worst < window, "{mode}: {worst} mm of {window}");
            rig.run(100);
            assert!((place(&wire) - target).abs() < 0.02, "{mode}: at {} mm, {target} wanted", place(&wire));
        }
    }
}

#[test]
fn each_fault_of_the_segment_does_what_it_does_in_csp() {
    for mode in ["ip", "pp"] {
        let config = machine(mode);
        for row in TABLE {
            println!("{mode}: {}", row.0);
            befalls(&config, row, false);
            befalls(&config, row, true);
        }
    }
}

#[test]
fn a_mode_that_the_drive_does_not_list_is_refused_in_words() {
    for (mode, has, words) in [
        ("ip", 0x81, "it has no mode ip (6060h = 7): it has pp, csp (6502h = 00000081h)"),
        ("csp", 0x41, "it has no mode csp (6060h = 8): it has pp, ip (6502h = 00000041h)"),
    ] {
        let config = machine(mode);
        let mut parameters = segment(&config);
        let SimulatedDeviceKind::Drive(drives) = &mut parameters.devices[0].kind else { panic!("no drive") };
        drives[0].supported_modes = has;
        let wire = SegmentWire::to(Segment::new(&parameters).unwrap());
        let assembled = assemble_over(&config, |_| Ok(BusWire::Ethercat(Box::new(wire.clone()))));
        let Err(error) = assembled else { panic!("{mode}: taken") };
        let error = error.to_string();
        assert!(error.contains("x-drive") && error.contains(words), "{error}");
    }
}
