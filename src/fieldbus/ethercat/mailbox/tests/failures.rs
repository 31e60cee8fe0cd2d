//! Devices that refuse, contradict themselves, say something else in between, or say nothing.

use super::bench::{Bench, LIMIT_NS, value};
use super::device::Trick;
use crate::fieldbus::ethercat::mailbox::client::{Occupied, PATIENCE};
use crate::fieldbus::ethercat::mailbox::frame::{FrameError, MailboxError, Protocol};
use crate::fieldbus::ethercat::mailbox::*;
use crate::limits::MAX_SDO_BYTES;

const OBJECT: Address = Address::entry(0x2000, 1);

/// A device with a value of four messages, and the trick at its answer of this number. Both know each other's numbers.
fn bench(answer: usize, trick: Trick) -> Bench {
    let mut bench = Bench::new(32, 32);
    bench.device.values.insert((0x2000, 1), value(16 + 3 * 20));
    bench.upload(OBJECT).unwrap();
    (bench.device.answers, bench.now_ns, bench.frames) = (0, 0, 0);
    bench.device.executed.clear();
    bench.trace.clear();
    bench.device.tricks.insert(answer, trick);
    bench
}

/// What reading and what writing bring with a trick at each of their answers; afterwards the device is well, and the next
/// transfers must be too.
fn at_each_answer(trick: &Trick, judge: impl Fn(usize, Result<(), TransferError>, &Bench)) {
    for answer in 0..4 {
        for reads in [true, false] {
            let mut bench = bench(answer, trick.clone());
            let result = if reads {
                bench.upload(OBJECT).map(|read| assert_eq!(read, value(76)))
            } else {
                bench.download(OBJECT, &value(76))
            };
            judge(answer, result, &bench);
            bench.device.tricks.clear();
            bench.settle();
            assert_eq!(bench.upload(OBJECT), Ok(value(76)), "{trick:?} at answer {answer}, read again");
            assert_eq!(bench.download(OBJECT, &value(75)), Ok(()), "{trick:?} at answer {answer}, written again");
            assert_eq!(bench.upload(OBJECT), Ok(value(75)), "{trick:?} at answer {answer}");
        }
    }
}

/// The abort that the client sent last, if its last message is one.
fn last_abort(bench: &Bench) -> Option<u32> {
    let last = bench.device.executed.last()?;
    (last[..3] == [0x00, 0x20, 0x80]).then(|| {
        assert_eq!(last[3..6], [0x00, 0x20, 1], "the object that the abort is about");
        u32::from_le_bytes(last[6..10].try_into().unwrap())
    })
}

#[test]
fn an_abort_at_any_answer_ends_the_transfer_with_its_reason() {
    at_each_answer(&Trick::Abort(0x0800_0022), |_, result, bench| {
        assert_eq!(result, Err(TransferError::Aborted { code: AbortCode(0x0800_0022) }));
        assert_eq!(last_abort(bench), None, "who has given up need not be told");
    });
}

#[test]
fn a_refusal_of_the_mailbox_at_any_answer_ends_the_transfer_with_its_reason() {
    at_each_answer(&Trick::Refuse(7), |_, result, _| {
        assert_eq!(result, Err(TransferError::Refused(MailboxError { detail: 7 })));
    });
}

#[test]
fn an_emergency_between_any_two_messages_is_handed_out_and_changes_nothing() {
    at_each_answer(&Trick::EmergencyBefore(0x3210), |_, result, bench| {
        assert_eq!(result, Ok(()));
        assert_eq!(bench.emergencies(), [0x3210]);
        assert_eq!(bench.client.figures().missed, 0);
    });
}

#[test]
fn an_emergency_in_the_place_of_an_answer_is_handed_out_and_the_answer_found_missing() {
    at_each_answer(&Trick::EmergencyInstead(0x7305), |_, result, bench| {
        assert_eq!(result, Err(TransferError::Silent(Silence::NoAnswer)));
        assert_eq!(bench.emergencies(), [0x7305]);
        assert_eq!(last_abort(bench), Some(0x0504_0000));
    });
}

#[test]
fn an_emergency_is_heard_while_no_transfer_runs() {
    let mut bench = Bench::new(32, 32);
    for code in [0x8611, 0x0000] {
        bench.device.emergency(code);
        bench.settle();
    }
    assert_eq!(bench.emergencies(), [0x8611, 0x0000]);
    assert!(bench.trace.len() > 50 && !bench.trace.contains(&Wanted::WriteMailbox(32)));
}

#[test]
fn messages_of_other_protocols_are_handed_out_and_change_nothing() {
    at_each_answer(&Trick::ProtocolBefore(2), |_, result, bench| {
        assert_eq!(result, Ok(()));
        assert_eq!(bench.asides, [Aside::Protocol(Protocol::Ethernet)]);
    });
}

#[test]
fn an_answer_that_comes_twice_under_one_number_counts_once() {
    at_each_answer(&Trick::Twice, |answer, result, bench| {
        assert_eq!(result, Ok(()), "answer {answer}");
        let after_the_end = answer == 3;
        assert_eq!(bench.client.figures().duplicates, u32::from(!after_the_end), "answer {answer}");
    });
}

#[test]
fn a_segment_out_of_turn_ends_the_transfer_and_the_device_is_told() {
    at_each_answer(&Trick::WrongToggle, |answer, result, bench| {
        if answer == 0 {
            assert_eq!(result, Ok(()), "bit 4 of a first answer is complete access, which says nothing new");
            return;
        }
        assert_eq!(result, Err(TransferError::Toggle));
        assert_eq!(last_abort(bench), Some(0x0503_0000));
    });
}

#[test]
fn an_answer_about_another_object_is_named_once_no_better_one_comes() {
    for reads in [true, false] {
        let mut bench = bench(0, Trick::WrongObject);
        let result = if reads { bench.upload(OBJECT).map(|_| ()) } else { bench.download(OBJECT, &value(3)) };
        assert_eq!(result, Err(TransferError::Object { asked: OBJECT, index: 0x2001, subindex: 1 }));
        assert_eq!(bench.asides, [Aside::Late]);
        assert_eq!(last_abort(&bench), Some(0x0504_0000));
    }
}

#[test]
fn a_late_answer_to_an_earlier_transfer_is_not_taken_for_the_present_one() {
    let mut bench = bench(0, Trick::Late(2_150));
    bench.device.values.insert((0x2000, 2), vec![5]);
    assert_eq!(bench.upload(OBJECT), Err(TransferError::Silent(Silence::NoAnswer)));
    // It comes while the next one waits for its own.
    bench.device.latency = 300;
    assert_eq!(bench.upload(Address::entry(0x2000, 2)), Ok(vec![5]));
    assert_eq!(bench.asides, [Aside::Late]);
}

#[test]
fn a_late_abort_of_an_earlier_transfer_does_not_end_the_present_one() {
    let mut bench = bench(0, Trick::ForeignAbort(0x0504_0000));
    bench.device.values.insert((0x2000, 1), value(12));
    assert_eq!(bench.upload(OBJECT), Ok(value(12)));
    assert_eq!(bench.asides, [Aside::Late]);
}

#[test]
fn an_older_answer_about_the_same_object_is_read_away_before_it_is_asked_again() {
    let mut bench = bench(0, Trick::Late(2_150));
    assert_eq!(bench.upload(OBJECT), Err(TransferError::Silent(Silence::NoAnswer)));
    bench.device.values.insert((0x2000, 1), vec![9, 9]);
    for _ in 0..200 {
        bench.cycle(None);
    }
    assert_eq!(bench.upload(OBJECT), Ok(vec![9, 9]));
    assert_eq!(bench.asides, [Aside::Late]);
}

#[test]
fn a_command_that_does_not_belong_there_is_named() {
    for (answer, command) in [(0, 0x60), (0, 0x00), (2, 0x60), (1, 0xE0)] {
        let mut bench = bench(answer, Trick::Command(command));
        assert_eq!(bench.upload(OBJECT), Err(TransferError::Command { received: command }), "answer {answer}");
        assert_eq!(last_abort(&bench), Some(0x0504_0000), "answer {answer}");
    }
}

#[test]
fn garbage_at_any_answer_ends_the_transfer_by_name() {
    at_each_answer(&Trick::Garbage(vec![0xFF; 32]), |_, result, _| {
        let error = FrameError::Overlong { length: 0xFFFF, room: 26 };
        assert_eq!(result, Err(TransferError::Garbage(error)));
    });
    at_each_answer(&Trick::Garbage(vec![0; 32]), |_, result, _| {
        assert_eq!(result, Err(TransferError::Garbage(FrameError::Empty)));
    });
}

#[test]
fn an_answer_that_is_cut_off_ends_the_transfer_by_name() {
    for cut in 1..=2 {
        at_each_answer(&Trick::CutOff(cut), |answer, result, _| {
            assert!(matches!(result, Err(TransferError::CutOff { .. })), "{cut} bytes at answer {answer}: {result:?}");
        });
    }
    for cut in 3..=9 {
        let mut bench = bench(0, Trick::CutOff(cut));
        let result = bench.upload(OBJECT);
        assert_eq!(result, Err(TransferError::CutOff { bytes: cut - 2 }), "{cut} bytes");
        assert_eq!(last_abort(&bench), Some(0x0800_0000));
    }
}

#[test]
fn a_device_that_stops_answering_is_given_up_after_its_patience_and_told() {
    at_each_answer(&Trick::Silence, |answer, result, bench| {
        assert_eq!(result, Err(TransferError::Silent(Silence::NoAnswer)), "answer {answer}");
        assert_eq!(last_abort(bench), Some(0x0504_0000));
    });
    let mut bench = bench(1, Trick::Silence);
    bench.upload(OBJECT).unwrap_err();
    let waited_ns = bench.now_ns - PATIENCE.answer_ns;
    assert!(waited_ns < 30_000_000, "{waited_ns} ns more than its patience");
}

#[test]
fn a_device_that_never_takes_a_message_is_given_up() {
    let mut bench = bench(0, Trick::Silence);
    bench.device.latency = u32::MAX;
    bench.device.write_mailbox(&[0; 32]);
    assert_eq!(bench.upload(OBJECT), Err(TransferError::Silent(Silence::NoRoom)));
    assert!(bench.now_ns < 150_000_000, "{} ns", bench.now_ns);
}

#[test]
fn a_device_that_makes_emergencies_without_end_stalls_nothing() {
    let mut bench = bench(0, Trick::Silence);
    bench.client.begin(bench.now_ns, LIMIT_NS).unwrap();
    let mut upload = Upload::new(OBJECT);
    let mut result = Report::Nothing;
    for _ in 0..10_000 {
        bench.device.emergency(0xFF00);
        result = bench.cycle(Some(&mut upload));
        if bench.client.is_free() {
            break;
        }
    }
    assert_eq!(result, Report::Failed(TransferError::Silent(Silence::NoAnswer)));
    assert!(bench.emergencies().len() > 500, "{}", bench.emergencies().len());
}

#[test]
fn a_slow_transfer_ends_at_its_limit() {
    let mut bench = bench(0, Trick::EmergencyBefore(1));
    bench.device.latency = 1_000;
    bench.client.begin(bench.now_ns, 2_500_000_000).unwrap();
    let mut upload = Upload::new(OBJECT);
    let error = loop {
        match bench.cycle(Some(&mut upload)) {
            Report::Failed(error) => break error,
            Report::Done => panic!("done"),
            _ => {}
        }
    };
    assert_eq!(error, TransferError::Silent(Silence::TooSlow));
    assert!((2_500_000_000..2_700_000_000).contains(&bench.now_ns), "{}", bench.now_ns);
}

#[test]
fn a_value_that_is_too_large_or_larger_than_announced_is_refused() {
    let mut bench = Bench::new(128, 128);
    bench.device.values.insert((0x2000, 1), value(MAX_SDO_BYTES + 1));
    let (bytes, room) = (MAX_SDO_BYTES as u64 + 1, MAX_SDO_BYTES as u64);
    assert_eq!(bench.upload(OBJECT), Err(TransferError::TooLarge { bytes, room }));
    assert_eq!(last_abort(&bench), Some(0x0504_0005));

    let mut upload = Upload::new(OBJECT);
    upload.next(&mut [0; 64]).unwrap();
    let first = [10, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x41, 0x00, 0x20, 1, 5, 0, 0, 0];
    assert_eq!(upload.take(&first), Step::Continue);
    upload.next(&mut [0; 64]).unwrap();
    let segment = [10, 0, 0, 0, 0, 0x23, 0x00, 0x30, 0x01, 1, 2, 3, 4, 5, 6, 7];
    assert_eq!(upload.take(&segment), Step::Failed(TransferError::TooLong { announced: 5 }));
}

#[test]
fn segments_that_bring_nothing_end_the_transfer() {
    let mut upload = Upload::new(OBJECT);
    upload.next(&mut [0; 64]).unwrap();
    let first = [10, 0, 0, 0, 0, 0x13, 0x00, 0x30, 0x41, 0x00, 0x20, 1, 5, 0, 0, 0];
    assert_eq!(upload.take(&first), Step::Continue);
    upload.next(&mut [0; 64]).unwrap();
    let segment = [10, 0, 0, 0, 0, 0x23, 0x00, 0x30, 0x0E, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(upload.take(&segment), Step::Failed(TransferError::EmptySegment));
}

#[test]
fn a_client_runs_one_transfer_at_a_time() {
    let mut bench = Bench::new(32, 32);
    bench.client.begin(0, LIMIT_NS).unwrap();
    assert_eq!(bench.client.begin(0, LIMIT_NS), Err(Occupied));
}

#[test]
fn a_request_that_does_not_fit_the_mailbox_fails_at_once() {
    let mut bench = Bench::new(32, 32);
    let name = FileName::new(&"n".repeat(100)).unwrap();
    let result = bench.run(&mut FileRead::new(name, 0, 32, 1000));
    assert_eq!((result, bench.frames), (Err(TransferError::MailboxTooSmall), 0));
}
