//! Small concurrent programs over the exchange, compiled once for each kind of atomics.
//!
//! The first thread is the one that writes: loom 0.7 remembers only the last access to an atomic, so it does not
//! try the order "store, then load" where it first met a load, then another thread's load and store.

use super::command::{Command, Request, StopScope};
use super::{latest, pool, ring, stop, ticket};
use crate::ids::Handle;
use loom::thread;

pub fn ring_passes_every_item_once_and_in_order() {
    let (mut sender, mut receiver) = ring::channel::<u32>(2);
    let sending = thread::spawn(move || (1..=3).filter(|item| sender.send(*item).is_ok()).collect::<Vec<u32>>());
    let mut received: Vec<u32> = (0..2).filter_map(|_| receiver.receive()).collect();
    let sent = sending.join().unwrap();
    while let Some(item) = receiver.receive() {
        received.push(item);
    }
    assert_eq!(sent, received);
    assert!(sent.starts_with(&[1, 2]));
}

pub fn ring_reuses_a_place_only_after_it_was_read() {
    let (mut sender, mut receiver) = ring::channel::<u32>(1);
    sender.send(1).unwrap();
    let sending = thread::spawn(move || sender.send(2).is_ok());
    assert_eq!(receiver.peek(), Some(1));
    assert_eq!(receiver.receive(), Some(1));
    let second = sending.join().unwrap();
    assert_eq!(receiver.receive(), second.then_some(2));
}

pub fn latest_is_never_torn() {
    let (mut writer, reader) = latest::cell(2, 2);
    let reading = thread::spawn(move || {
        let mut words = [0; 2];
        reader.read(&mut words).map(|version| (version, words))
    });
    for version in 1..=3 {
        writer.publish(&[version, version]);
    }
    if let Some((version, words)) = reading.join().unwrap() {
        assert_eq!(words, [version, version]);
    }
}

pub fn latest_keeps_earlier_versions_whole() {
    let (mut writer, reader) = latest::cell(2, 4);
    for version in 1..=3 {
        writer.publish(&[version, version]);
    }
    let reading = thread::spawn(move || {
        let mut words = [0; 2];
        (reader.read_version(1, &mut words), words)
    });
    // The second takes the place of version 1.
    for version in 4..=5 {
        writer.publish(&[version, version]);
    }
    let (read, words) = reading.join().unwrap();
    assert_ne!(read, latest::Reading::NotYet);
    assert!(read == latest::Reading::Overwritten || words == [1, 1], "{words:?}");
}

pub fn latest_never_goes_back() {
    let (mut writer, reader) = latest::cell(1, 2);
    let second = reader.clone();
    let reading = thread::spawn(move || {
        let mut word = [0];
        let first = second.read(&mut word).unwrap_or(0);
        (first, second.read(&mut word).unwrap_or(first))
    });
    writer.publish(&[1]);
    let _not_committed = writer.begin();
    writer.publish(&[2]);
    let (first, second) = reading.join().unwrap();
    assert!(first <= second, "{first} then {second}");
    let mut word = [0];
    assert_eq!((reader.read(&mut word), word), (Some(2), [2]), "a dropped publication was never there");
}

pub fn pool_hands_over_whole_targets() {
    let (mut claimer, mut taker) = pool::pool::<2>(1);
    let first = pool::SlotAddress { index: 0, generation: 1 };
    let taking = thread::spawn(move || (taker.take(first), taker));
    assert_eq!(claimer.claim(&[1.0, 2.0]), Some(first));
    let second = claimer.claim(&[3.0, 4.0]);
    let (taken, mut taker) = taking.join().unwrap();
    assert!(taken.is_none() || taken == Some([1.0, 2.0]), "{taken:?}");
    assert!(taken.is_none() || taker.take(first).is_none(), "a stale address opened a slot");
    if let Some(second) = second {
        assert_eq!(taker.take(second), Some([3.0, 4.0]));
    }
}

pub fn pool_slot_is_taken_or_withdrawn_never_both() {
    let (mut claimer, mut taker) = pool::pool::<2>(1);
    let address = claimer.claim(&[1.0, 2.0]).unwrap();
    let taking = thread::spawn(move || (taker.take(address), taker));
    let withdrawn = claimer.withdraw(address);
    let next = claimer.claim(&[3.0, 4.0]);
    let (taken, mut taker) = taking.join().unwrap();
    assert_ne!(taken.is_some(), withdrawn);
    assert!(taken.is_none() || taken == Some([1.0, 2.0]), "{taken:?}");
    if let Some(next) = next {
        assert_eq!(taker.take(next), Some([3.0, 4.0]));
    }
}

pub fn command_is_taken_or_withdrawn_never_both() {
    let (mut sender, mut receiver) = ticket::commands(2);
    let command = Command { handle: Handle(7), request: Request::ResetMachine };
    sender.send(command).unwrap();
    let taking = thread::spawn(move || (receiver.receive(), receiver));
    let withdrawn = sender.withdraw(Handle(7));
    let (taken, mut receiver) = taking.join().unwrap();
    assert_ne!(taken.is_some(), withdrawn, "{taken:?}");
    assert_eq!(receiver.receive(), None);
}

pub fn stops_at_once_are_both_counted() {
    let (board, mut reader) = stop::board(1, 1);
    let other = board.clone();
    let stopping = thread::spawn(move || other.request(StopScope::Machine));
    let ours = board.request(StopScope::Machine);
    reader.poll(|_, _| {});
    let theirs = stopping.join().unwrap();
    reader.poll(|_, _| {});
    assert_ne!(ours, theirs);
    assert_eq!(reader.seen(StopScope::Machine), 2);
}

pub fn release_never_swallows_a_newer_stop() {
    let (board, mut reader) = stop::board(1, 1);
    let first = board.request(StopScope::Machine);
    reader.poll(|_, _| {});
    let stopping = thread::spawn(move || board.request(StopScope::Machine));
    let released = reader.releases(StopScope::Machine, first);
    let second = stopping.join().unwrap();
    let mut found = None;
    reader.poll(|scope, generation| found = Some((scope, generation)));
    assert_eq!(found, Some((StopScope::Machine, second)), "released: {released}");
    assert!(!reader.releases(StopScope::Machine, first));
    assert!(reader.releases(StopScope::Machine, second));
}
