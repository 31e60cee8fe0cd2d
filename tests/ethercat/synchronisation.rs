//! How devices are synchronised: from the configuration, or a vendor's description, to the registers, and read back.

use crate::bring_up::segment;
use crate::motion::{X, move_to, rig_over};
use crate::support::rig::Rig;
use crate::wire::{SegmentWire, Tampered};
use motiond::commissioning::esi;
use motiond::commissioning::profile::profile;
use motiond::config::{self, MachineConfig};
use motiond::fieldbus::ethercat::bring_up::bring_up;
use motiond::fieldbus::ethercat::datagram::{Command, Target};
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::simulation::ethercat::{End, Segment, SegmentCommand};

const PERIOD_NS: u64 = 1_000_000;
const SYNC_UNIT: u16 = 0x0980;
const SYNC_START: u16 = 0x0990;
const SYNC_CYCLES: u16 = 0x09A0;

/// The shipped machine with further lines for y, which is at the end of the wire then: it can be away without the others.
fn machine(lines: &str) -> MachineConfig {
    let file = include_str!("../../config/ethercat-terminals.toml");
    let file = file.replace("position = 1", "position = 9").replace("position = 2", "position = 1");
    let file = file.replace("position = 9", &format!("position = 2\n{lines}"));
    config::parse(&file, "synchronised.toml").unwrap_or_else(|error| panic!("{error}"))
}

fn segment_of(config: &MachineConfig) -> Segment {
    let mut parameters = segment(config);
    parameters.devices.swap(1, 2);
    Segment::new(&parameters).unwrap()
}

/// What stands in registers of the device at a place, by a frame of the test's own.
fn registers<const BYTES: usize>(wire: &SegmentWire, place: u16, register: u16) -> [u8; BYTES] {
    use motiond::fieldbus::ethercat::datagram::{Answer, Frame};
    let mut frame = Frame::new();
    let slot = frame.push(Command::Aprd, Target::Position(place, register), BYTES).unwrap();
    let now_ns = wire.now_ns();
    let mut bytes = frame.as_bytes().to_vec();
    assert_eq!(wire.end().segment.pass_from(End::First, &mut bytes, now_ns), Some(End::First));
    *Answer::to(&frame, &bytes).unwrap().data(slot).first_chunk().unwrap()
}

/// Behind multiples of the period, nanoseconds.
fn phase_ns(wire: &SegmentWire, place: u16) -> u64 {
    u64::from_le_bytes(registers(wire, place, SYNC_START)) % PERIOD_NS
}

#[test]
fn the_shift_of_sync0_is_written_and_again_when_the_device_comes_back() {
    let config = machine("sync0-shift-us = -125\nsync1-us = 20\ndc-assign-activate = 0x0700");
    let (mut rig, wire) = rig_over(config.clone(), segment_of(&config));
    wire.end().segment.device_mut(1).unwrap().set_input(0, true);
    let is_shifted = |wire: &SegmentWire| {
        assert_eq!([0, 1, 2].map(|place| phase_ns(wire, place)), [0, 0, 875_000]);
        assert_eq!(registers(wire, 2, SYNC_UNIT), [0, 7]);
        assert_eq!(registers(wire, 2, SYNC_CYCLES), [0x40, 0x42, 0x0F, 0, 0x20, 0x4E, 0, 0]);
        assert_eq!(registers(wire, 0, SYNC_UNIT), [0, 3]);
    };
    is_shifted(&wire);
    rig.power_all();
    let moved = rig.send(move_to(X, 20.0));
    rig.run_until(5000, "x has moved", |rig| rig.is_done(moved));
    is_shifted(&wire);
    wire.end().segment.command(SegmentCommand::PowerOff(2));
    rig.run(50);
    wire.end().segment.command(SegmentCommand::PowerOn(2));
    assert_eq!(registers(&wire, 2, SYNC_UNIT), [0, 0], "as at power-on");
    rig.run_until(5000, "it is operational again", |_| wire.end().segment.is_operational(2));
    is_shifted(&wire);
}

#[test]
fn a_device_that_is_not_to_be_synchronised_runs_by_its_frames() {
    let config = machine("dc-assign-activate = 0");
    let (mut rig, wire) = rig_over(config.clone(), segment_of(&config));
    wire.end().segment.device_mut(1).unwrap().set_input(0, true);
    assert_eq!(registers(&wire, 2, SYNC_UNIT), [0, 0]);
    rig.power_all();
    let y = motiond::ids::AxisId(1);
    let moved = rig.send(move_to(y, 20.0));
    rig.run_until(5000, "y has moved", |rig: &Rig| rig.is_done(moved));
    wire.end().segment.command(SegmentCommand::PowerOff(2));
    rig.run(50);
    wire.end().segment.command(SegmentCommand::PowerOn(2));
    rig.run_until(5000, "it is operational again", |_| wire.end().segment.is_operational(2));
    assert_eq!(registers(&wire, 2, SYNC_UNIT), [0, 0]);
}

#[test]
fn what_a_vendor_describes_comes_into_the_registers() {
    let described = esi::parse(include_bytes!("../data/esi/example.xml"), "example.xml").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    // The drive's objects at start are for another one than the simulated.
    let text = profile(&described.devices[0], "Example Drives", "example.xml");
    let (text, _) = text.split_once("[[startup]]").unwrap();
    std::fs::write(place("drive.toml"), text).unwrap();
    let file = include_str!("../../config/ethercat-two-axis.toml");
    let named = file.replace("position = 1", "position = 1\nprofile = \"drive.toml\"");
    std::fs::write(place("machine.toml"), named).unwrap();
    let config = config::load(&place("machine.toml")).unwrap_or_else(|error| panic!("{error}"));
    let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap());
    let wanted = config.buses[0].segment(config.period_ns);
    let _up = bring_up(Box::new(wire.clone()), &wanted).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((phase_ns(&wire, 0), phase_ns(&wire, 1)), (0, 875_000));
    assert_eq!(registers(&wire, 1, SYNC_UNIT), [0, 3]);
}

#[test]
fn a_device_that_does_not_take_the_shift_is_named() {
    let config = machine("sync0-shift-us = 40");
    // Writes of the start time come out a little different.
    let inexact = Tampered(SegmentWire::to(segment_of(&config)), |_: &SegmentWire, frame: &mut [u8]| {
        if frame[16] == Command::Fpwr as u8 && frame[20..22] == SYNC_START.to_le_bytes() {
            frame[27] ^= 0x10;
        }
    });
    let refused = bring_up(Box::new(inexact), &config.buses[0].segment(config.period_ns)).unwrap_err().to_string();
    assert!(refused.starts_with("device \"x-drive\": its SYNC0 shall be shifted by 0 ns, and it says "), "{refused}");
}
