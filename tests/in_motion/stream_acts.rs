//! What becomes of a stream beside everything else that is asked of its group, over the socket.

use motiond::client::{Ended, Error, Machine};
use motiond::gateway::{GroupState, Snapshot};
use serde_json::{Value, json};

use crate::held::{Held, until};
use crate::paths::{Program, assert_within_limits};
use crate::streams::{LONG, Stream, rests, run};

const COUNT: usize = 300;

fn at(held: &Held) -> [f64; 3] {
    [0, 1, 2].map(|axis| held.snapshot.axes[axis].setpoint)
}

/// Cycles until something holds, with each of them.
fn run_until(held: &mut Held, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Vec<Snapshot> {
    let mut snapshots = vec![held.snapshot.clone()];
    while !holds(&held.snapshot) {
        assert!(snapshots.len() < LONG as usize, "still not: {what}: {:?}", held.snapshot.groups[0]);
        run(held, 1, &mut snapshots);
    }
    snapshots
}

fn stands(now: &Snapshot) -> bool {
    now.groups[0].state == GroupState::GroupStandby
}

/// The group goes to x = `to`, straight.
fn move_to(held: &mut Held, to: f64, buffer: &str) -> u64 {
    let [_, y, z] = at(held);
    let targets = json!([{ "axis": "x", "value": to }, { "axis": "y", "value": y }, { "axis": "z", "value": z }]);
    held.command("Group", "MoveLinear", json!({ "group": "gantry", "targets": targets, "buffer": buffer }))
}

/// A stream that is given to its end and planned, and under way.
fn under_way(held: &mut Held) -> Stream {
    let mut stream = Stream::begin(held, json!({}));
    stream.points(1..COUNT + 1, COUNT);
    stream.end();
    stream.planned();
    held.run_until(LONG, "it is under way", |now| now.groups[0].path_distance > 0.8);
    assert!(!rests(&held.snapshot));
    stream
}

fn reason(error: &Error) -> &str {
    match error {
        Error::Refused { fields, .. } => fields["reason"].as_str().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stream_takes_the_place_of_a_move_only_where_that_was_said() {
    let mut held = Held::start();
    held.power_up();
    let x = at(&held)[0];
    let first = move_to(&mut held, x + 200.0, "aborting");
    let mut snapshots = run_until(&mut held, "it moves", |now| now.axes[0].velocity > 100.0);
    let mut machine = held.connect();
    let begin = json!({ "group": "gantry", "lease": held.lease() });
    let with = |buffer: &str| {
        let mut begin = begin.clone();
        (begin["buffer"], begin["request_id"]) = (json!(buffer), json!(7));
        begin
    };
    let refused = held.ask(&mut machine, "Stream", "Begin", begin.clone()).unwrap_err();
    assert_eq!(reason(&refused), "StillMoving");
    assert!(refused.hint().is_some_and(|hint| hint.contains("`buffer` aborting")), "{refused:?}");
    let refused = held.ask(&mut machine, "Stream", "Begin", with("buffered")).unwrap_err();
    assert_eq!(reason(&refused), "StreamBehind");
    // Neither changed anything of the move.
    run(&mut held, 5, &mut snapshots);
    assert!(held.snapshot.axes[0].velocity > 100.0);
    let aborting = with("aborting");
    let begun = std::thread::scope(|scope| {
        let asked = scope.spawn(|| machine.call("Stream", "Begin", aborting.clone()));
        until("it has begun", || {
            run(&mut held, 1, &mut snapshots);
            asked.is_finished().then_some(())
        });
        asked.join().unwrap().unwrap()
    });
    assert_eq!(machine.wait(first).unwrap(), Ended::Aborted);
    let mut stream = Stream::begun(machine, begin["lease"].clone(), &begun);
    assert!(stream.start[0] > x + 5.0 && stream.start[0] < x + 199.0, "{begun}");
    stream.points(1..COUNT + 1, COUNT);
    stream.end();
    stream.planned();
    snapshots.extend(run_until(&mut held, "it is under way", |now| now.groups[0].path_distance > 1.0));
    // Whoever lost the answer asks again, and does not halt the stream that began.
    assert_eq!(stream.machine.call("Stream", "Begin", aborting).unwrap(), begun);
    snapshots.extend(run_until(&mut held, "it is there", stands).split_off(1));
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    assert_within_limits(&held, &snapshots);
    held.end();
}

#[test]
fn a_move_takes_the_place_of_a_stream_within_every_limit() {
    let mut held = Held::start();
    held.power_up();
    let mut stream = under_way(&mut held);
    let x = stream.start[0];
    let mut snapshots = vec![held.snapshot.clone()];
    let instead = move_to(&mut held, x + 3.0, "aborting");
    snapshots.push(held.snapshot.clone());
    snapshots.extend(run_until(&mut held, "it is there", stands).split_off(1));
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Aborted);
    assert_eq!(stream.machine.wait(instead).unwrap(), Ended::Done);
    assert!((at(&held)[0] - x - 3.0).abs() < 1e-9, "{:?}", at(&held));
    assert_within_limits(&held, &snapshots);
    held.end();
}

#[test]
fn a_path_begins_behind_a_stream_that_was_given_to_its_end() {
    let mut held = Held::start();
    held.power_up();
    let mut stream = Stream::begin(&mut held, json!({}));
    stream.points(1..COUNT + 1, COUNT);
    stream.until("waiting", json!(0));
    held.run_until(LONG, "it is under way", |now| now.groups[0].path_distance > 0.8);
    let behind = json!({ "group": "gantry", "lease": stream.lease, "buffer": "buffered" });
    let mut machine = held.connect();
    let open = held.ask(&mut machine, "Path", "Begin", behind).unwrap_err();
    assert_eq!(reason(&open), "ProgramOpen");
    stream.end();
    stream.planned();
    let mut path = Program::begin_with(&mut held, json!({ "buffer": "buffered" }));
    let end = stream.start.clone();
    assert_eq!(path.start, end);
    path.lines_at(200.0, &[[end[0] + 20.0, end[1], end[2]]]);
    path.end();
    let snapshots = run_until(&mut held, "both are done", stands);
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    assert_eq!(path.machine.wait(path.handle).unwrap(), Ended::Done);
    assert!((at(&held)[0] - end[0] - 20.0).abs() < 1e-9);
    assert_within_limits(&held, &snapshots);
    held.end();
}

#[test]
fn back_and_by_steps_goes_no_stream() {
    let mut held = Held::start();
    held.power_up();
    // Steps are for paths: a stream does not wait at its points.
    held.command("Path", "SetSteps", json!({ "group": "gantry", "on": true }));
    let mut stream = under_way(&mut held);
    let act = json!({ "group": "gantry", "lease": stream.lease });
    for method in ["Retreat", "Advance", "Step"] {
        let refused = held.ask(&mut stream.machine, "Path", method, act.clone()).unwrap_err();
        assert_eq!(reason(&refused), "TimedPoints", "{method}");
        assert!(matches!(&refused, Error::Refused { fields, .. } if fields["hint"].to_string().contains("Interrupt")));
    }
    let mut snapshots = run_until(&mut held, "it is there", stands);
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    snapshots.push(held.snapshot.clone());
    assert_within_limits(&held, &snapshots);
    held.end();
}

#[test]
fn an_override_slows_a_stream_on_its_curve_and_above_one_counts_as_one() {
    let mut held = Held::start();
    held.power_up();
    let mut stream = under_way(&mut held);
    let mut snapshots = vec![held.snapshot.clone()];
    let set = |ratio: f64| json!({ "group": "gantry", "ratio": ratio });
    held.command("Group", "SetOverride", set(1.5));
    run(&mut held, 300, &mut snapshots);
    assert_eq!((held.snapshot.groups[0].path_velocity, held.snapshot.groups[0].stream_behind_s), (1.0, 0.0));
    snapshots.truncate(0);
    held.command("Group", "SetOverride", set(0.5));
    run(&mut held, 1000, &mut snapshots);
    let group = held.snapshot.groups[0];
    assert!((group.path_velocity - 0.5).abs() < 1e-6, "{group:?}");
    assert!((group.stream_behind_s - group.stream_held_s).abs() < 1e-9, "{group:?}");
    assert!((0.4..0.6).contains(&group.stream_behind_s), "{group:?}");
    assert_within_limits(&held, &snapshots);
    held.command("Group", "SetOverride", set(1.0));
    held.run_until(LONG, "it is there", stands);
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    held.end();
}

/// A client of its own with a lease of the group, whose stream is under way with points to 1.5 s, and who is gone.
fn gone(held: &mut Held, on_loss: &str) -> u64 {
    let held_by_all = held.lease();
    let mut machine: Machine = held.connect();
    machine.call("Lease", "Release", json!({ "lease": held_by_all })).unwrap();
    let scope = json!({ "group": "gantry", "ttl_ms": 60_000, "on_loss": on_loss, "holder": "stream" });
    let lease = machine.call("Lease", "Acquire", scope).unwrap()["lease"].take();
    let begun = held.ask(&mut machine, "Stream", "Begin", json!({ "group": "gantry", "lease": lease })).unwrap();
    let mut stream = Stream::begun(machine, lease, &begun);
    stream.points(1..151, COUNT);
    stream.until("waiting", json!(0));
    stream.handle
}

fn ended(held: &Held, handle: u64) -> Value {
    held.connect().call("Command", "Status", json!({ "handle": handle })).unwrap()
}

#[test]
fn a_client_that_dies_leaves_a_machine_that_rests_at_the_last_point_it_can_reach() {
    for on_loss in ["stop", "finish"] {
        let mut held = Held::start();
        held.power_up();
        let start = at(&held);
        let handle = gone(&mut held, on_loss);
        // Long before its lease is lost, the machine rests where the known curve ends: the last point waits for one behind it.
        let mut snapshots = run_until(&mut held, "it moves", |now| now.groups[0].path_distance > 0.5);
        let angle = 149.0 / COUNT as f64 * std::f64::consts::TAU;
        let wanted = start[1] + 60.0 * (angle / 2.0).sin().powi(4);
        until("it rests where the known curve ends", || {
            run(&mut held, 1, &mut snapshots);
            (rests(&held.snapshot) && (at(&held)[1] - wanted).abs() < 1e-6).then_some(())
        });
        assert_ne!(held.snapshot.groups[0].state, GroupState::GroupStopping);
        let place = at(&held);
        if on_loss == "stop" {
            snapshots.extend(run_until(&mut held, "its lease is lost", |now| {
                now.groups[0].state == GroupState::GroupStopping
            }));
            until("it is aborted", || (ended(&held, handle)["progress"]["state"] == "aborted").then_some(()));
        }
        run(&mut held, 300, &mut snapshots);
        assert!(rests(&held.snapshot) && at(&held) == place, "{on_loss}: {:?}", held.snapshot.groups[0]);
        assert_within_limits(&held, &snapshots);
        held.end();
    }
}
