use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::segment::{line, parse};
use super::{Beginning, History, Store};
use crate::limits::{EVENT_JUMP, EVENTS_PER_SEGMENT};

fn event(sequence: u64) -> Map<String, Value> {
    let Value::Object(record) =
        json!({ "sequence": sequence, "kind": "power", "axis": "x", "on": true, "detail": 0.1 })
    else {
        unreachable!()
    };
    record
}

fn open(folder: &Path) -> (Store, History, Beginning) {
    Store::open(folder).unwrap()
}

fn sequences(history: &History) -> Vec<u64> {
    history.read(0, usize::MAX).iter().map(|event| event.sequence).collect()
}

#[test]
fn an_orderly_end_lets_the_next_life_go_on_with_the_next_number() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, history, beginning) = open(folder.path());
    assert_eq!(history.last(), 0);
    assert_eq!(beginning, Beginning { known: 0, after: 0, clean: true });
    store.append(&[event(1), event(2)]).unwrap();
    store.append(&[event(3)]).unwrap();
    store.close(3).unwrap();
    let (mut store, history, beginning) = open(folder.path());
    assert_eq!(sequences(&history), [1, 2, 3]);
    assert_eq!(history.read(1, 1)[0].record, event(2));
    assert_eq!(beginning, Beginning { known: 3, after: 3, clean: true });
    // A life without an event changes nothing.
    store.close(3).unwrap();
    assert_eq!(open(folder.path()).2, beginning);
}

#[test]
fn after_a_crash_no_number_is_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut given = Vec::new();
    for life in 0..4 {
        let (mut store, history, beginning) = open(folder.path());
        assert_eq!(beginning.clean, life == 0);
        assert_eq!(beginning.known, history.last());
        assert!(given.iter().all(|sequence| *sequence <= beginning.after), "{given:?} before {}", beginning.after);
        let first = beginning.after + 1;
        store.append(&[event(first), event(first + 1)]).unwrap();
        // One more was told and never written.
        given.extend([first, first + 1, first + 2]);
    }
    assert_eq!(given[3], EVENT_JUMP + 1);
}

#[test]
fn a_crash_at_any_byte_leaves_the_lines_before_it() {
    let lines: Vec<String> = (1..=4).map(|sequence| line(&event(sequence))).collect();
    let text = lines.concat();
    for cut in 0..=text.len() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("events.log"), &text[..cut]).unwrap();
        let (mut store, history, beginning) = open(folder.path());
        let mut ends = lines.iter().scan(0, |at, line| {
            *at += line.len();
            Some(*at)
        });
        let whole = ends.by_ref().take_while(|end| *end <= cut).count() as u64;
        assert_eq!(sequences(&history), (1..=whole).collect::<Vec<u64>>(), "cut at {cut}");
        assert_eq!(beginning.clean, whole == 0);
        store.append(&[event(beginning.after + 1)]).unwrap();
        let mut expected: Vec<u64> = (1..=whole).collect();
        expected.push(beginning.after + 1);
        assert_eq!(sequences(&open(folder.path()).1), expected, "cut at {cut}");
    }
}

#[test]
fn a_damaged_line_costs_itself_alone() {
    let mut bytes: Vec<u8> = (1..=3).flat_map(|sequence| line(&event(sequence)).into_bytes()).collect();
    let second = line(&event(1)).len() + 20;
    bytes[second] ^= 1;
    let segment = parse(&bytes);
    assert_eq!(segment.records, [event(1), event(3)]);
    assert_eq!((segment.damaged, segment.sound_bytes), (1, bytes.len()));
}

#[test]
fn the_store_is_bounded_and_keeps_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _, _) = open(folder.path());
    let count = 3 * EVENTS_PER_SEGMENT as u64 + 100;
    let mut largest = 0;
    for first in (1..=count).step_by(50) {
        let batch: Vec<_> = (first..(first + 50).min(count + 1)).map(event).collect();
        store.append(&batch).unwrap();
        let bytes = |name: &str| fs::metadata(folder.path().join(name)).map_or(0, |file| file.len());
        largest = largest.max(bytes("events.log") + bytes("events.log.1"));
    }
    assert!(largest <= 2 * EVENTS_PER_SEGMENT as u64 * line(&event(count)).len() as u64, "{largest}");
    let kept = sequences(&open(folder.path()).1);
    assert!(kept.len() > EVENTS_PER_SEGMENT, "{}", kept.len());
    assert_eq!(kept, (count + 1 - kept.len() as u64..=count).collect::<Vec<u64>>());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn what_could_not_be_written_is_written_by_the_next_attempt_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _, _) = open(folder.path());
    store.append(&[event(1)]).unwrap();
    // The folder is gone for a while, as with a disk that fell out.
    let away = folder.path().with_extension("away");
    store.file = None;
    fs::rename(folder.path(), &away).unwrap();
    assert!(store.append(&[event(2)]).is_err());
    fs::rename(&away, folder.path()).unwrap();
    // Half of a line that an attempt left.
    let half = line(&event(2));
    let mut text = fs::read_to_string(folder.path().join("events.log")).unwrap();
    text.push_str(&half[..half.len() / 2]);
    fs::write(folder.path().join("events.log"), text).unwrap();
    store.append(&[event(2), event(3)]).unwrap();
    assert_eq!(sequences(&open(folder.path()).1), [1, 2, 3]);
}
