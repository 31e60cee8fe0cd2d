use crate::exchange::command::StopScope;
use crate::exchange::stop::{StopReader, board};
use crate::ids::{AxisId, GroupId};
use crate::limits::{MAX_AXES, MAX_GROUPS};
use std::thread;

const AXIS: StopScope = StopScope::Axis(AxisId(2));
const GROUP: StopScope = StopScope::Group(GroupId(1));

fn poll(reader: &mut StopReader) -> Vec<(StopScope, u64)> {
    let mut found = Vec::new();
    reader.poll(|scope, generation| found.push((scope, generation)));
    found
}

#[test]
fn each_stop_is_read_once_machine_first() {
    let (board, mut reader) = board(4, 2);
    assert_eq!(poll(&mut reader), []);
    assert_eq!(board.request(AXIS), 1);
    assert_eq!(board.request(GROUP), 1);
    assert_eq!(board.request(StopScope::Machine), 1);
    assert_eq!(board.request(AXIS), 2);
    assert_eq!(poll(&mut reader), [(StopScope::Machine, 1), (GROUP, 1), (AXIS, 2)]);
    assert_eq!(poll(&mut reader), []);
    assert_eq!(reader.seen(AXIS), 2);
}

#[test]
fn release_must_name_the_newest_stop() {
    let (board, mut reader) = board(4, 2);
    assert!(!reader.releases(AXIS, 0), "no stop, nothing to release");
    let first = board.request(AXIS);
    assert!(!reader.releases(AXIS, first), "not read yet");
    poll(&mut reader);
    assert!(reader.releases(AXIS, first));
    let second = board.request(AXIS);
    assert!(!reader.releases(AXIS, first), "a newer one waits to be read");
    poll(&mut reader);
    assert!(!reader.releases(AXIS, first));
    assert!(reader.releases(AXIS, second));
}

#[test]
fn every_axis_and_group_of_the_largest_machine_has_its_own_generation() {
    let (board, mut reader) = board(MAX_AXES, MAX_GROUPS);
    let scopes = (0..MAX_GROUPS)
        .map(|group| StopScope::Group(GroupId(group as u8)))
        .chain((0..MAX_AXES).map(|axis| StopScope::Axis(AxisId(axis as u8))));
    for scope in scopes {
        assert_eq!(board.request(scope), 1, "{scope:?}");
        assert_eq!(poll(&mut reader), [(scope, 1)]);
    }
}

#[test]
fn scope_that_cannot_be_is_not_stopped() {
    let (board, mut reader) = board(MAX_AXES, MAX_GROUPS);
    for scope in [StopScope::Axis(AxisId(64)), StopScope::Axis(AxisId(255)), StopScope::Group(GroupId(16))] {
        assert_eq!(board.request(scope), 0);
        assert_eq!((board.generation(scope), reader.seen(scope)), (0, 0));
    }
    assert_eq!(poll(&mut reader), []);
}

#[test]
fn stops_from_many_threads_are_all_counted() {
    let (board, mut reader) = board(4, 2);
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| (0..100).for_each(|_| assert_ne!(board.request(AXIS), 0)));
        }
    });
    assert_eq!(poll(&mut reader), [(AXIS, 400)]);
}
