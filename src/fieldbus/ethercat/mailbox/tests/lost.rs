//! Frames that are lost on their way to a device or on their way back.

use super::bench::{Bench, Loss, value};
use super::device::Trick;
use crate::fieldbus::ethercat::mailbox::*;
use proptest::prelude::*;

const OBJECT: Address = Address::entry(0x2000, 1);

fn bench() -> Bench {
    let mut bench = Bench::new(32, 32);
    bench.device.values.insert((0x2000, 1), value(16 + 3 * 20));
    bench
}

/// Frames that both transfers take when none is lost.
fn undisturbed() -> usize {
    let mut bench = bench();
    bench.download(OBJECT, &value(90)).unwrap();
    bench.upload(OBJECT).unwrap();
    bench.frames
}

/// Every message was executed once, in its turn: five of the download, five of the upload.
fn judge(bench: &mut Bench, what: &str) {
    assert_eq!(bench.download(OBJECT, &value(90)), Ok(()), "{what}");
    assert_eq!(bench.upload(OBJECT), Ok(value(90)), "{what}");
    assert_eq!(bench.device.executed.len(), 10, "{what}");
    assert_eq!(bench.client.figures().missed, 0, "{what}");
    assert_eq!(bench.asides, [], "{what}");
}

#[test]
fn one_lost_frame_anywhere_costs_time_and_nothing_else() {
    for frame in 0..undisturbed() {
        for loss in [Loss::Before, Loss::Behind] {
            let mut bench = bench();
            bench.losses.insert(frame, loss);
            judge(&mut bench, &format!("{loss:?} at frame {frame}"));
        }
    }
}

#[test]
fn any_two_lost_frames_cost_time_and_nothing_else() {
    let frames = undisturbed();
    for first in 0..frames {
        for second in first + 1..(first + 12).min(frames + 8) {
            for losses in [[Loss::Before, Loss::Behind], [Loss::Behind, Loss::Before], [Loss::Behind; 2]] {
                let mut bench = bench();
                bench.losses.extend([(first, losses[0]), (second, losses[1])]);
                judge(&mut bench, &format!("{losses:?} at frames {first} and {second}"));
            }
        }
    }
}

#[test]
fn a_burst_of_lost_frames_costs_time_and_nothing_else() {
    for first in 0..undisturbed() {
        for length in [3, 10, 50] {
            for loss in [Loss::Before, Loss::Behind] {
                let mut bench = bench();
                bench.losses.extend((first..first + length).map(|frame| (frame, loss)));
                judge(&mut bench, &format!("{length} frames from {first} on, {loss:?}"));
            }
        }
    }
}

#[test]
fn a_lost_answer_is_asked_for_again_by_the_repeat_bit() {
    let mut bench = bench();
    bench.device.values.insert((0x2000, 1), vec![1]);
    bench.losses.insert(3, Loss::Behind);
    assert_eq!(bench.upload(OBJECT), Ok(vec![1]));
    bench.losses.insert(bench.frames + 3, Loss::Behind);
    assert_eq!(bench.upload(OBJECT), Ok(vec![1]));
    use Wanted::*;
    let request = [PollStatus, WriteMailbox(32), PollStatus, ReadMailbox(32), PollStatus];
    let rest = [ReadRepeatAcknowledge, PollStatus, ReadMailbox(32)];
    let expected: Vec<_> = [&request[..], &[AskRepeat(0x03)], &rest, &request, &[AskRepeat(0x01)], &rest].concat();
    assert_eq!(bench.trace, expected, "the bit changes each time and the sync manager stays on");
    assert_eq!((bench.client.figures().repeats, bench.device.executed.len()), (2, 2));
}

#[test]
fn a_write_that_may_have_arrived_goes_again_under_its_number_and_is_executed_once() {
    let mut bench = bench();
    bench.losses.insert(1, Loss::Behind);
    assert_eq!(bench.upload(OBJECT), Ok(value(76)));
    assert_eq!(bench.device.executed.len(), 4, "nothing was executed twice");
}

#[test]
fn a_device_that_does_not_repeat_is_given_up_by_name() {
    let mut bench = bench();
    bench.device.repeats = false;
    bench.losses.insert(3, Loss::Behind);
    assert_eq!(bench.upload(OBJECT), Err(TransferError::Silent(Silence::NoRepeat)));
    assert_eq!(bench.upload(OBJECT), Ok(value(76)), "and works again afterwards");
}

#[test]
fn an_emergency_that_is_lost_is_asked_for_again_even_where_the_answer_has_followed_it() {
    for loss in [Loss::Before, Loss::Behind] {
        for frame in 0..8 {
            let mut bench = bench();
            bench.download(OBJECT, &value(70)).unwrap();
            bench.device.tricks.insert(bench.device.answers, Trick::EmergencyBefore(0x3210));
            bench.losses.insert(bench.frames + frame, loss);
            assert_eq!(bench.upload(OBJECT), Ok(value(70)), "{loss:?} at frame {frame}");
            assert_eq!(bench.emergencies(), [0x3210], "{loss:?} at frame {frame}");
            assert_eq!(bench.client.figures().missed, 0, "{loss:?} at frame {frame}");
        }
    }
    let mut alone = bench();
    alone.device.emergency(0x3210);
    alone.losses.insert(1, Loss::Behind);
    alone.settle();
    assert_eq!(alone.emergencies(), [0x3210]);
}

#[test]
fn a_device_that_does_not_repeat_is_read_as_it_is_while_its_mailbox_is_full() {
    let mut bench = bench();
    bench.device.repeats = false;
    bench.download(OBJECT, &value(70)).unwrap();
    for turn in 1..3 {
        bench.losses.insert(bench.frames + 3, Loss::Before);
        let since_ns = bench.now_ns;
        assert_eq!(bench.upload(OBJECT), Ok(value(70)));
        assert_eq!(bench.client.figures().repeats, 1, "it is asked once and never again");
        let took_ns = bench.now_ns - since_ns;
        assert!(took_ns < if turn == 1 { 150_000_000 } else { 30_000_000 }, "turn {turn}: {took_ns} ns");
    }
}

#[test]
fn a_device_that_is_away_for_a_while_is_served_as_soon_as_it_is_back() {
    let mut bench = bench();
    bench.losses.extend((2..2 + 1_500).map(|frame| (frame, Loss::Before)));
    assert_eq!(bench.upload(OBJECT), Ok(value(76)));
    let mut gone = self::bench();
    gone.losses.extend((0..100_000).map(|frame| (frame, Loss::Before)));
    assert_eq!(gone.upload(OBJECT), Err(TransferError::Silent(Silence::NoRoom)));
}

#[test]
fn a_device_that_takes_the_first_message_for_an_old_one_gets_it_again() {
    let mut bench = bench();
    bench.device.set_counter_in(1);
    assert_eq!(bench.upload(OBJECT), Ok(value(76)));
    assert_eq!(bench.device.ignored, 1);
}

#[test]
fn devices_that_do_not_count_their_messages_are_understood() {
    let mut bench = bench();
    bench.device.counts = false;
    bench.device.values.insert((0x2000, 2), vec![1]);
    for _ in 0..3 {
        assert_eq!(bench.upload(OBJECT), Ok(value(76)));
        assert_eq!(bench.download(Address::entry(0x2000, 2), &[7]), Ok(()));
        assert_eq!(bench.download(Address::entry(0x2000, 2), &[7]), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn however_many_frames_are_lost_no_value_is_ever_wrong(
        losses in proptest::collection::vec((0usize..2000, any::<bool>()), 0..600),
        tricks in proptest::collection::vec(0usize..60, 0..10),
        length in 0usize..200,
        latency in 1u32..20,
        repeats in prop_oneof![4 => Just(true), 1 => Just(false)],
    ) {
        let mut bench = bench();
        bench.download(OBJECT, &value(length)).unwrap();
        bench.upload(OBJECT).unwrap();
        bench.device.latency = latency;
        bench.device.repeats = repeats;
        let (frames, answers) = (bench.frames, bench.device.answers);
        bench.losses = losses
            .into_iter()
            .map(|(frame, before)| (frames + frame, if before { Loss::Before } else { Loss::Behind }))
            .collect();
        bench.device.tricks =
            tricks.into_iter().map(|answer| (answers + answer, Trick::EmergencyBefore(0x4210))).collect();
        let mut stored = value(length);
        for turn in 0..6 {
            let next = value(length + turn);
            match bench.upload(OBJECT) {
                Ok(read) => prop_assert_eq!(&read, &stored, "turn {}", turn),
                Err(error) => prop_assert!(matches!(error, TransferError::Silent(_)) , "turn {}: {}", turn, error),
            }
            match bench.download(OBJECT, &next) {
                Ok(()) => prop_assert_eq!(&bench.device.values[&(0x2000, 1)], &next, "turn {}", turn),
                Err(error) => prop_assert!(matches!(error, TransferError::Silent(_)), "turn {}: {}", turn, error),
            }
            bench.settle();
            // A write whose answer was lost may have been made or not.
            let held = bench.device.values[&(0x2000, 1)].clone();
            prop_assert!(held == stored || held == next, "turn {}", turn);
            stored = held;
        }
        let told = bench.device.emergencies;
        let heard = bench.emergencies().len();
        prop_assert!(heard == told || bench.client.figures().missed > 0, "{} of {} emergencies", heard, told);
        prop_assert!(heard <= told);
    }
}
