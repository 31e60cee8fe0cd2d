//! Files in both directions.

use super::bench::{Bench, LIMIT_NS, Loss, value};
use super::device::Trick;
use crate::fieldbus::ethercat::mailbox::foe::FileErrorCode;
use crate::fieldbus::ethercat::mailbox::*;

const PASSWORD: u32 = 0x1234_5678;

fn name() -> FileName {
    FileName::new("ECATFW__drive.efw").unwrap()
}

fn bench(mailbox: u16, file: usize) -> Bench {
    let mut bench = Bench::new(mailbox.max(34), mailbox);
    bench.device.files.insert(b"ECATFW__drive.efw".to_vec(), value(file));
    bench
}

fn drive(bench: &mut Bench, transfer: &mut dyn Transfer) -> Option<Result<(), TransferError>> {
    match bench.cycle(Some(transfer)) {
        Report::Done => Some(Ok(())),
        Report::Failed(error) => Some(Err(error)),
        _ => None,
    }
}

fn read_with(bench: &mut Bench, read: &mut FileRead) -> Result<Vec<u8>, TransferError> {
    let mut file = Vec::new();
    bench.client.begin(bench.now_ns, LIMIT_NS).unwrap();
    for _ in 0..200_000 {
        let end = drive(bench, read);
        if let Some(packet) = read.packet() {
            file.extend(packet);
            read.release();
        }
        if let Some(result) = end {
            assert!(result.is_err() || read.total() == file.len() as u64);
            return result.map(|()| file);
        }
    }
    panic!("no end");
}

fn read(bench: &mut Bench, mailbox: usize) -> Result<Vec<u8>, TransferError> {
    read_with(bench, &mut FileRead::new(name(), PASSWORD, mailbox, 1_000_000))
}

fn write(bench: &mut Bench, mailbox: usize, file: &[u8]) -> Result<(), TransferError> {
    let mut write = FileWrite::new(name(), 7, mailbox);
    bench.client.begin(bench.now_ns, LIMIT_NS).unwrap();
    let mut given = 0;
    for _ in 0..200_000 {
        // A few bytes at a time, as they come from a disk.
        given += write.give(&file[given..file.len().min(given + 23)]);
        if given == file.len() {
            write.finish();
        }
        if let Some(result) = drive(bench, &mut write) {
            assert!(result.is_err() || write.total() == file.len() as u64);
            return result;
        }
    }
    panic!("no end");
}

#[test]
fn files_of_every_length_are_read_whole() {
    for mailbox in [16, 48, 128, 1486] {
        let room = usize::from(mailbox) - 12;
        let edges = [room * 3 - 1, room * 3, room * 3 + 1, 10_000];
        for length in (0..(room * 2 + 2).min(150)).chain(if mailbox > 100 { &edges[..] } else { &[] }.iter().copied()) {
            let mut bench = bench(mailbox, length);
            assert_eq!(read(&mut bench, mailbox.into()), Ok(value(length)), "{length} bytes through {mailbox}");
        }
    }
}

#[test]
fn files_of_every_length_are_written_whole() {
    for mailbox in [34, 48, 128, 1486] {
        let room = usize::from(mailbox) - 12;
        let edges = [room * 3 - 1, room * 3, room * 3 + 1, 10_000];
        for length in (0..(room * 2 + 2).min(150)).chain(if mailbox > 100 { &edges[..] } else { &[] }.iter().copied()) {
            let mut bench = bench(mailbox, 3);
            assert_eq!(write(&mut bench, mailbox.into(), &value(length)), Ok(()), "{length} bytes through {mailbox}");
            assert_eq!(bench.device.files[&b"ECATFW__drive.efw"[..]], value(length), "{length} bytes");
        }
    }
}

#[test]
fn a_lost_frame_anywhere_costs_no_byte() {
    for frame in 0..24 {
        for loss in [Loss::Before, Loss::Behind] {
            let mut bench = bench(48, 100);
            bench.losses.insert(frame, loss);
            assert_eq!(read(&mut bench, 48), Ok(value(100)), "read, {loss:?} at {frame}");
            let mut bench = self::bench(48, 100);
            bench.losses.insert(frame, loss);
            assert_eq!(write(&mut bench, 48, &value(120)), Ok(()), "write, {loss:?} at {frame}");
            assert_eq!(bench.device.files[&b"ECATFW__drive.efw"[..]], value(120), "write, {loss:?} at {frame}");
        }
    }
}

#[test]
fn a_busy_device_gets_the_same_again_after_a_pause() {
    for answer in 0..3 {
        let mut bench = bench(48, 100);
        bench.device.tricks.insert(answer, Trick::Busy);
        assert_eq!(write(&mut bench, 48, &value(80)), Ok(()), "busy at answer {answer}");
        assert_eq!(bench.device.files[&b"ECATFW__drive.efw"[..]], value(80));
        assert_eq!(bench.busy, 1);
        assert!(bench.now_ns > 100_000_000, "{}", bench.now_ns);
    }
    let mut bench = bench(48, 100);
    bench.device.tricks.insert(0, Trick::Busy);
    assert_eq!(read(&mut bench, 48), Ok(value(100)));
    assert_eq!(bench.busy, 1);
}

#[test]
fn a_device_that_is_busy_for_ever_is_given_up() {
    let mut bench = bench(48, 100);
    bench.device.tricks.extend((0..10_000).map(|answer| (answer, Trick::Busy)));
    assert_eq!(write(&mut bench, 48, &value(80)), Err(TransferError::Silent(Silence::TooSlow)), "by its limit");

    let mut write = FileWrite::new(name(), 0, 64);
    let busy = [12, 0, 0, 0, 0, 0x14, 6, 0, 30, 0, 100, 0, b'o', b'n', b'e', 0, b'x', 0];
    for _ in 0..3000 {
        write.next(&mut [0; 64]).unwrap();
        let Step::Busy(busy) = write.take(&busy) else { panic!("busy") };
        assert_eq!((busy.done, busy.entire, busy.words.bytes()), (30, 100, &b"one"[..]));
    }
    write.next(&mut [0; 64]).unwrap();
    assert_eq!(write.take(&busy), Step::Failed(TransferError::StillBusy));
}

#[test]
fn a_refusal_is_passed_on_with_the_devices_own_words() {
    let mut bench = bench(48, 100);
    bench.device.files.clear();
    let Err(TransferError::File { code, words }) = read(&mut bench, 48) else { panic!("refused") };
    assert_eq!(code, FileErrorCode(0x8001));
    assert_eq!(
        TransferError::File { code, words }.to_string(),
        "the device has no such file (FoE error 8001h): \"no such? file\""
    );
    let mut bench = self::bench(48, 100);
    let wrong = read_with(&mut bench, &mut FileRead::new(name(), 1, 48, 1000));
    assert!(matches!(wrong, Err(TransferError::File { code: FileErrorCode(0x800A), .. })));
}

#[test]
fn a_file_that_is_too_large_is_refused_and_the_device_told() {
    let mut bench = bench(48, 100);
    let result = read_with(&mut bench, &mut FileRead::new(name(), PASSWORD, 48, 99));
    assert_eq!(result, Err(TransferError::TooLarge { bytes: 100, room: 99 }));
    assert_eq!(bench.device.executed.last().unwrap()[..6], [5, 0, 0x03, 0x80, 0, 0]);
    assert_eq!(read_with(&mut bench, &mut FileRead::new(name(), PASSWORD, 48, 100)), Ok(value(100)));
}

#[test]
fn a_packet_out_of_turn_ends_the_transfer_and_the_device_is_told() {
    let mut read = FileRead::new(name(), 0, 64, 1000);
    let mut out = [0; 64];
    read.next(&mut out).unwrap();
    let second = [7, 0, 0, 0, 0, 0x14, 3, 0, 2, 0, 0, 0, 9];
    assert_eq!(read.take(&second), Step::Failed(TransferError::Packet { expected: 1, received: 2 }));
    assert_eq!(read.next(&mut out), Some(12));
    assert_eq!(out[6..12], [5, 0, 0x05, 0x80, 0, 0]);
    assert_eq!(read.packet(), None);
    assert_eq!(read.next(&mut out), None);
}

#[test]
fn emergencies_during_a_file_are_handed_out_and_change_nothing() {
    for answer in 0..3 {
        let mut bench = bench(48, 100);
        bench.device.tricks.insert(answer, Trick::EmergencyBefore(0x5000));
        assert_eq!(read(&mut bench, 48), Ok(value(100)));
        assert_eq!(bench.emergencies(), [0x5000]);
    }
}

#[test]
fn a_reader_that_takes_its_time_keeps_the_device_waiting_and_loses_nothing() {
    let mut bench = bench(48, 100);
    let mut read = FileRead::new(name(), PASSWORD, 48, 1000);
    bench.client.begin(bench.now_ns, LIMIT_NS).unwrap();
    let mut file = Vec::<u8>::new();
    for cycle in 0..2_000 {
        let end = drive(&mut bench, &mut read);
        if cycle % 100 == 99
            && let Some(packet) = read.packet()
        {
            file.extend(packet);
            read.release();
        }
        if end.is_some() {
            file.extend(read.packet().unwrap_or_default());
            assert_eq!(end, Some(Ok(())));
            assert_eq!(file, value(100));
            return;
        }
    }
    panic!("no end");
}
