//! Lists of objects, and what they are.

use super::bench::{Bench, Loss};
use super::device::Trick;
use crate::fieldbus::ethercat::mailbox::information::{ObjectAccess, ObjectCode};
use crate::fieldbus::ethercat::mailbox::*;
use crate::limits::MAX_LISTED_OBJECTS;

fn bench(mailbox: u16, objects: u16) -> Bench {
    let mut bench = Bench::new(32, mailbox);
    bench.device.names = (0..objects).map(|number| (0x1000 + number, "Modes of operation")).collect();
    bench
}

fn list(bench: &mut Bench, kind: ListKind) -> Result<Vec<u16>, TransferError> {
    let mut list = ObjectList::new(kind);
    bench.run(&mut list).map(|()| list.indices().collect())
}

#[test]
fn lists_of_every_length_come_whole_in_as_many_fragments_as_they_take() {
    for mailbox in [16, 33, 128, 1486] {
        for objects in (0..150).chain([1000, MAX_LISTED_OBJECTS as u16]) {
            if objects > 150 && mailbox < 128 {
                continue;
            }
            let mut bench = bench(mailbox, objects);
            let expected: Vec<u16> = (0..objects).map(|number| 0x1000 + number).collect();
            assert_eq!(list(&mut bench, ListKind::All), Ok(expected), "{objects} objects through {mailbox} bytes");
        }
    }
}

#[test]
fn a_list_of_a_kind_is_the_list_of_that_kind() {
    for kind in [ListKind::Outputs, ListKind::Inputs, ListKind::Backup, ListKind::Startup] {
        let mut bench = bench(128, 7);
        assert_eq!(list(&mut bench, kind), Ok(vec![0x1000, 0x1002, 0x1004, 0x1006]), "{kind:?}");
    }
}

#[test]
fn a_list_that_is_too_long_is_refused() {
    let mut bench = bench(1486, MAX_LISTED_OBJECTS as u16 + 1);
    assert!(matches!(list(&mut bench, ListKind::All), Err(TransferError::TooLarge { room: 16384, .. })));
}

#[test]
fn an_object_and_its_parts_are_described() {
    for mailbox in [16, 20, 31, 128] {
        let mut bench = bench(mailbox, 3);
        let mut object = DescribeObject::new(0x1002);
        bench.run(&mut object).unwrap();
        let description = object.description().unwrap();
        assert_eq!((description.data_type, description.max_subindex), (7, 2));
        assert_eq!((description.code, description.name), (ObjectCode::Record, &b"Modes of operation"[..]));

        let mut entry = DescribeEntry::new(0x1002, 1);
        bench.run(&mut entry).unwrap();
        let description = entry.description().unwrap();
        assert_eq!((description.data_type, description.bits), (7, 32));
        assert_eq!(description.unit, Some(0x0403_0201));
        assert_eq!(description.default, Some(&[5, 6, 7, 8][..]));
        assert_eq!(description.minimum, None);
        assert_eq!(description.maximum, Some(&[9, 10, 11, 12][..]));
        assert_eq!(description.name, b"Modes of operation");
        let access = description.access;
        assert_eq!((access.readable(), access.writable()), ([true; 3], [true; 3]));
        assert!(access.is_backup() && !access.maps_to_inputs() && !access.maps_to_outputs() && !access.is_setting());
    }
    assert!(ObjectAccess(0x40).maps_to_outputs() && ObjectAccess(0x80).maps_to_inputs());
    assert_eq!(ObjectAccess(0x0A).readable(), [false, true, false]);
    assert_eq!(ObjectAccess(0x0A).writable(), [true, false, false]);
}

#[test]
fn an_object_that_there_is_none_of_is_refused_with_the_reason() {
    let mut bench = bench(64, 3);
    let error = TransferError::Aborted { code: AbortCode(0x0602_0000) };
    assert_eq!(bench.run(&mut DescribeObject::new(0x5000)), Err(error));
    assert_eq!(bench.run(&mut DescribeEntry::new(0x5000, 1)), Err(error));
}

#[test]
fn emergencies_between_fragments_are_handed_out_and_change_nothing() {
    for fragment in 0..5 {
        let mut bench = bench(32, 50);
        bench.device.tricks.insert(fragment, Trick::EmergencyBefore(0x4210));
        assert_eq!(list(&mut bench, ListKind::All).map(|list| list.len()), Ok(50), "before fragment {fragment}");
        assert_eq!(bench.emergencies(), [0x4210]);
    }
}

#[test]
fn a_fragment_that_never_comes_is_noticed() {
    for fragment in 1..5 {
        let mut bench = bench(32, 50);
        bench.device.tricks.insert(fragment, Trick::Silence);
        // 104 bytes of 20 each: fragments with 5 … 0 left.
        let expected = 5 - fragment as u16;
        let result = list(&mut bench, ListKind::All);
        assert_eq!(result, Err(TransferError::Fragments { expected, received: expected - 1 }));
        bench.device.tricks.clear();
        bench.settle();
        assert_eq!(list(&mut bench, ListKind::All).map(|list| list.len()), Ok(50), "and the next list is whole");
    }
    let mut bench = bench(32, 50);
    bench.device.tricks.insert(5, Trick::Silence);
    assert_eq!(list(&mut bench, ListKind::All), Err(TransferError::Silent(Silence::NoAnswer)));
}

#[test]
fn a_device_without_sdo_information_is_named() {
    let mut bench = bench(64, 3);
    bench.device.tricks.insert(0, Trick::Refuse(4));
    assert!(matches!(list(&mut bench, ListKind::All), Err(TransferError::Refused(error)) if error.detail == 4));
}

#[test]
fn lost_frames_lose_no_fragment() {
    for frame in 0..20 {
        for loss in [Loss::Before, Loss::Behind] {
            let mut bench = bench(32, 50);
            bench.losses.insert(frame, loss);
            let listed = list(&mut bench, ListKind::All).map(|list| list.len());
            let missed = bench.client.figures().missed;
            // A device that has its next fragment ready at once overwrites the lost one: that is noticed, never passed over.
            assert!(listed == Ok(50) || listed.is_err() && missed == 1, "{loss:?} at frame {frame}: {listed:?}");
        }
    }
}

#[test]
fn a_description_that_is_cut_off_is_none() {
    for cut in 6..13 {
        let mut bench = bench(64, 3);
        bench.device.tricks.insert(0, Trick::CutOff(cut));
        let mut entry = DescribeEntry::new(0x1001, 1);
        let result = bench.run(&mut entry);
        let cut_off = matches!(result, Err(TransferError::CutOff { .. }));
        assert!(cut_off || entry.description().is_none(), "{cut} bytes: {result:?} {:?}", entry.description());
    }
}
