//! Values of every length go in and out whole, in every form that a transfer can take.

use super::bench::{Bench, value};
use crate::fieldbus::ethercat::mailbox::*;
use crate::limits::MAX_SDO_BYTES;

/// Mailboxes of devices: the smallest possible, odd ones, usual ones, the largest of a frame.
const MAILBOXES: [(u16, u16); 6] = [(16, 16), (17, 33), (34, 20), (64, 48), (128, 128), (1486, 1486)];

#[test]
fn values_of_every_length_are_read_whole() {
    for (receive, send) in MAILBOXES {
        let mut bench = Bench::new(receive, send);
        for length in (0..=usize::from(send).min(150) * 3).chain([MAX_SDO_BYTES - 1, MAX_SDO_BYTES]) {
            bench.device.values.insert((0x2000, 3), value(length));
            assert_eq!(bench.upload(Address::entry(0x2000, 3)), Ok(value(length)), "{length} bytes through {send}");
        }
        assert_eq!(bench.asides, []);
    }
}

#[test]
fn values_of_every_length_are_written_whole() {
    for (receive, send) in MAILBOXES {
        let mut bench = Bench::new(receive, send);
        bench.device.values.insert((0x2000, 3), Vec::new());
        bench.device.whole.insert((0x2001, 1), Vec::new());
        for length in (0..=usize::from(receive).min(150) * 3).chain([MAX_SDO_BYTES - 1, MAX_SDO_BYTES]) {
            assert_eq!(bench.download(Address::entry(0x2000, 3), &value(length)), Ok(()), "{length} bytes");
            assert_eq!(bench.device.values[&(0x2000, 3)], value(length), "{length} bytes through {receive}");
            assert_eq!(bench.download(Address::parts(0x2001), &value(length)), Ok(()), "{length} bytes");
            assert_eq!(bench.device.whole[&(0x2001, 1)], value(length), "{length} bytes through {receive}");
        }
        assert_eq!(bench.asides, []);
    }
}

#[test]
fn values_are_read_whole_however_the_device_cuts_them() {
    for first_room in [0, 1, 5, 100] {
        for segment_room in [1, 2, 6, 7, 8, 39] {
            let mut bench = Bench::new(48, 48);
            bench.device.first_room = first_room;
            bench.device.segment_room = segment_room;
            bench.device.never_expedites = true;
            for length in 0..100 {
                bench.device.values.insert((0x2000, 0), value(length));
                bench.device.whole.insert((0x2000, 0), value(length));
                let what = format!("{length} bytes, {first_room} first, {segment_room} a segment");
                assert_eq!(bench.upload(Address::entry(0x2000, 0)), Ok(value(length)), "{what}");
                assert_eq!(bench.upload(Address::whole(0x2000)), Ok(value(length)), "{what}, complete access");
            }
        }
    }
}

#[test]
fn one_message_takes_three_frames_and_a_transfer_one_frame_more() {
    let mut bench = Bench::new(128, 128);
    bench.device.values.insert((0x6041, 0), vec![0x37, 0x02]);
    bench.upload(Address::entry(0x6041, 0)).unwrap();
    assert_eq!(
        bench.trace,
        [Wanted::PollStatus, Wanted::WriteMailbox(128), Wanted::PollStatus, Wanted::ReadMailbox(128)],
        "a look whether something older is there, the request, the answer"
    );
}

#[test]
fn messages_are_numbered_one_to_seven_over_all_transfers() {
    let mut bench = Bench::new(128, 128);
    bench.device.values.insert((0x6041, 0), vec![0x37, 0x02]);
    for turn in 0..40 {
        assert_eq!(bench.upload(Address::entry(0x6041, 0)), Ok(vec![0x37, 0x02]), "{turn}");
    }
    assert_eq!((bench.device.executed.len(), bench.device.ignored), (40, 0));
}

#[test]
fn a_device_that_says_the_value_is_longer_than_it_sends_is_not_believed() {
    let mut upload = Upload::new(Address::entry(0x1008, 0));
    let mut out = [0; 64];
    upload.next(&mut out).unwrap();
    // Eight bytes announced, two sent, then a last segment of three.
    let first = [12, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x41, 0x08, 0x10, 0, 8, 0, 0, 0, b'a', b'b'];
    assert_eq!(upload.take(&first), Step::Continue);
    upload.next(&mut out).unwrap();
    let last = [10, 0, 0, 0, 0, 0x23, 0x00, 0x30, 0x09, b'c', b'd', b'e', 0, 0, 0, 0];
    assert_eq!(upload.take(&last), Step::Done);
    assert_eq!((upload.data(), upload.announced()), (&b"abcde"[..], 8));
}

#[test]
fn an_answer_in_the_command_without_a_size_is_four_bytes() {
    let mut upload = Upload::new(Address::entry(0x1000, 0));
    upload.next(&mut [0; 64]).unwrap();
    let answer = [10, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x42, 0x00, 0x10, 0, 0x92, 0x01, 0x02, 0x00];
    assert_eq!(upload.take(&answer), Step::Done);
    assert_eq!(upload.data(), [0x92, 0x01, 0x02, 0x00]);
}
