//! Files of a device, its firmware above all, where no daemon runs (FoE).

use crate::bring_up::{machine, segment};
use crate::many_drives::many_drives;
use crate::wire::SegmentWire;
use motiond::commissioning::file::{DeviceFileError, FileJob, transfer};
use motiond::config;
use motiond::fieldbus::ethercat::bring_up::bring_up;
use motiond::fieldbus::ethercat::files::Progress;
use motiond::fieldbus::ethercat::mailbox::{FileName, Silence, TransferError};
use motiond::fieldbus::ethercat::ring::Ring;
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::simulation::ethercat::{Manners, PASSWORD, Segment, SegmentCommand};

fn wire() -> SegmentWire {
    SegmentWire::to(Segment::new(&segment(&machine())).unwrap())
}

fn job<'a>(name: &str, content: Option<&'a [u8]>) -> FileJob<'a> {
    let boot = name.starts_with("firmware");
    FileJob { position: 1, name: FileName::new(name).unwrap(), password: 0, boot, content }
}

fn carried_out(wire: &mut dyn Wire, job: &FileJob<'_>) -> Result<Vec<u8>, DeviceFileError> {
    transfer(wire, job, &mut |_| {})
}

/// Bytes that no packet has twice.
fn content(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place / 7) as u8 ^ (place as u8)).collect()
}

fn code(result: Result<Vec<u8>, DeviceFileError>) -> u32 {
    match result {
        Err(DeviceFileError::Transfer(TransferError::File { code, .. })) => code.0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_written_and_read_again() {
    let mut wire = wire();
    // A packet in PREOP holds 116 bytes.
    for length in [0, 1, 115, 116, 117, 232, 20_000] {
        let written = content(length);
        carried_out(&mut wire, &job("parameters.csv", Some(&written))).unwrap();
        assert_eq!(carried_out(&mut wire, &job("parameters.csv", None)).unwrap(), written, "{length} bytes");
    }
    assert_eq!(wire.end().segment.state_name(1), "PREOP");
}

#[test]
fn firmware_is_written_in_the_bootstrap_state_and_the_segment_comes_up_behind_it() {
    let mut wire = wire();
    let (firmware, mut seen) = (content(50_000), Vec::new());
    transfer(&mut wire, &job("firmware.efw", Some(&firmware)), &mut |progress| seen.push(progress)).unwrap();
    assert_eq!(wire.end().segment.state_name(1), "INIT");
    assert!(seen.contains(&Progress::Busy(50, 100)), "a device erases now and then");
    assert_eq!(seen.last(), Some(&Progress::Bytes(50_000)));
    assert!(
        seen.is_sorted_by(
            |one, next| !matches!((one, next), (Progress::Bytes(one), Progress::Bytes(next)) if one > next)
        )
    );
    assert_eq!(carried_out(&mut wire, &job("firmware.efw", None)).unwrap(), firmware);
    let config = machine();
    bring_up(Box::new(wire), &config.buses[0].segment(config.period_ns)).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_a_device_refuses_is_told_in_its_words() {
    let mut wire = wire();
    assert_eq!(code(carried_out(&mut wire, &job("nothing", None))), 0x8001);
    let outside = FileJob { boot: false, ..job("firmware.efw", Some(&[1])) };
    let refused = carried_out(&mut wire, &outside);
    let words = refused.as_ref().unwrap_err().to_string();
    assert!(words.contains("only in its bootstrap state") && words.contains("go to BOOT first"), "{words}");
    assert_eq!(code(refused), 0x8008);
    assert_eq!(code(carried_out(&mut wire, &FileJob { boot: true, ..job("notes", Some(&[1])) })), 0x8009);
    let locked = job("locked.bin", Some(&[1, 2]));
    assert_eq!(code(carried_out(&mut wire, &locked)), 0x800A);
    carried_out(&mut wire, &FileJob { password: PASSWORD, ..locked }).unwrap();
    let large = content((1 << 20) + 1);
    assert_eq!(code(carried_out(&mut wire, &job("firmware.efw", Some(&large)))), 0x8003);
    let nobody = carried_out(&mut wire, &FileJob { position: 7, ..job("notes", None) });
    assert_eq!(nobody, Err(DeviceFileError::NoDevice { position: 7, found: 3 }));
}

#[test]
fn frames_that_are_lost_doubled_or_late_change_nothing() {
    let mut wire = wire();
    let written = content(3000);
    for round in 0..40_u32 {
        {
            let mut end = wire.end();
            end.mishap.lose = round % 3;
            end.mishap.duplicate = round % 5;
            end.mishap.corrupt = round % 2;
            end.mishap.delay = (round % 4, 3_000_000);
        }
        carried_out(&mut wire, &job("notes", Some(&written))).unwrap_or_else(|error| panic!("round {round}: {error}"));
        assert_eq!(carried_out(&mut wire, &job("notes", None)).unwrap(), written, "round {round}");
    }
}

#[test]
fn a_device_that_falls_silent_or_says_garbage_ends_it() {
    // Garbage is set aside, as it may come from anything.
    for manners in [Manners::Silent, Manners::Garbage] {
        let mut wire = wire();
        let (far, mut told) = (wire.clone(), 0);
        let failed = transfer(&mut wire, &job("notes", Some(&content(5000))), &mut |_| {
            told += 1;
            if told == 10 {
                far.end().segment.command(SegmentCommand::Manners(1, manners));
            }
        });
        let silent = DeviceFileError::Transfer(TransferError::Silent(Silence::NoAnswer));
        assert_eq!(failed, Err(silent), "{manners:?}");
        // Once it behaves again, it is as before.
        wire.end().segment.command(SegmentCommand::Manners(1, Manners::Good));
        carried_out(&mut wire, &job("notes", Some(&[1, 2, 3]))).unwrap();
    }
}

#[test]
fn a_device_that_loses_its_supply_ends_it() {
    let mut wire = wire();
    let far = wire.clone();
    let failed = transfer(&mut wire, &job("firmware.efw", Some(&content(50_000))), &mut |_| {
        far.end().segment.command(SegmentCommand::PowerOff(1));
    });
    assert!(matches!(failed, Err(DeviceFileError::Transfer(TransferError::Silent(_)))), "{failed:?}");
}

#[test]
fn a_file_goes_around_a_ring() {
    let config = config::parse(&many_drives(3, "", "redundant-interface = \"b\"", ""), "ring.toml").unwrap();
    let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap().closed_to_a_ring());
    let mut ring = Ring::between(Box::new(wire.clone()), Box::new(wire.at_last()));
    let written = content(1000);
    carried_out(&mut ring, &job("notes", Some(&written))).unwrap();
    assert_eq!(carried_out(&mut ring, &job("notes", None)).unwrap(), written);
}
