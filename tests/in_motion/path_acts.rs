//! What an operator does with a path under way, over the socket: back and forward, line by line, in the place of other moves and behind them.

use std::ffi::OsStr;

use motiond::client::{Ended, Machine};
use motiond::gateway::{GroupState, PathState, Snapshot};
use serde_json::{Value, json};

use crate::held::{Held, until};
use crate::paths::{AXES, LONG, Program, assert_within_limits, group, rests};

pub fn status(machine: &mut Machine) -> Value {
    machine.call("Path", "Status", json!({ "group": "gantry" })).unwrap()
}

/// Cycles until something holds, with each of them.
pub fn run_until(held: &mut Held, what: &str, holds: impl Fn(&Snapshot) -> bool) -> Vec<Snapshot> {
    let mut snapshots = vec![held.snapshot.clone()];
    while !holds(&held.snapshot) {
        assert!(snapshots.len() < LONG as usize, "still not: {what}: {:?}", held.snapshot.groups[0]);
        held.step();
        snapshots.push(held.snapshot.clone());
    }
    snapshots
}

/// The kinds of the events of paths since `after`, with their lines.
pub fn events(machine: &mut Machine, after: u64) -> Vec<String> {
    let read = machine.call("Events", "Read", json!({ "after": after })).unwrap();
    let kinds = read["events"].as_array().unwrap().iter().filter(|event| event["group"] == "gantry");
    kinds.filter_map(|event| event["kind"].as_str()?.strip_prefix("path_").map(str::to_string)).collect()
}

fn ended(held: &mut Held, program: &mut Program) {
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
}

fn at(held: &Held) -> [f64; AXES] {
    [0, 1, 2].map(|axis| held.snapshot.axes[axis].setpoint)
}

pub fn is_at(held: &Held, place: &[f64; AXES]) -> bool {
    at(held).iter().zip(place).all(|(at, end)| (at - end).abs() < 1e-9)
}

#[test]
fn back_along_the_path_and_forward_again_through_the_same_places_held_on_the_way() {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    let after = machine.call("Events", "Read", json!({ "after": 0 })).unwrap()["next"].as_u64().unwrap();
    let mut program = Program::begin(&mut held);
    let points = program.curve(2000, 1.0);
    program.lines(&points);
    program.end();
    program.planned();
    let mut seen = run_until(&mut held, "it is on its way", |now| now.groups[0].path_distance > 60.0);
    held.command("Path", "Retreat", json!({ "group": "gantry" }));
    let turned = group(&held).path_distance;
    seen.extend(run_until(&mut held, "it goes back", |now| now.groups[0].path_distance < turned - 20.0));
    assert_eq!(group(&held).path_state, PathState::Retreating);
    assert!(group(&held).path_velocity < -20.0 && group(&held).path_back, "{:?}", group(&held));
    held.command("Group", "Interrupt", json!({ "group": "gantry" }));
    seen.extend(run_until(&mut held, "it is held", |now| now.groups[0].path_velocity == 0.0));
    let told = status(&mut machine);
    assert_eq!((&told["state"], &told["back"], &told["starved"]), (&json!("held"), &json!(true), &json!(false)));
    assert!((told["behind"].as_f64().unwrap() - told["distance"].as_f64().unwrap()).abs() < 1e-9, "{told}");
    held.command("Group", "Continue", json!({ "group": "gantry" }));
    seen.extend(run_until(&mut held, "it is where it began", |now| now.groups[0].path_state == PathState::Retreated));
    let start: [f64; AXES] = program.start.clone().try_into().unwrap();
    assert!(is_at(&held, &start) && group(&held).path_behind == 0.0, "{:?}", held.snapshot);
    held.command("Path", "Advance", json!({ "group": "gantry" }));
    seen.extend(run_until(&mut held, "it is there", |now| now.groups[0].state == GroupState::GroupStandby));
    assert_within_limits(&held, &seen);
    assert!(is_at(&held, points.last().unwrap()));
    // There and back are one way: what it was at, at a distance, it is at again.
    let place = |now: &Snapshot| [0, 1, 2].map(|axis| now.axes[axis].setpoint);
    for now in seen.iter().filter(|now| now.groups[0].on_path && now.groups[0].path_distance > 0.0).step_by(7) {
        let near = |other: &&Snapshot| (other.groups[0].path_distance - now.groups[0].path_distance).abs() < 0.2;
        for other in seen.iter().filter(near) {
            let gap = place(now).iter().zip(place(other)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
            assert!(gap < 0.21, "{:?} and {:?}", now.groups[0], other.groups[0]);
        }
    }
    ended(&mut held, &mut program);
    until("the events are there", || {
        let told = events(&mut machine, after);
        let expected = ["begun", "retreating", "held", "resumed", "retreated", "advancing", "ended"];
        (told == expected).then_some(()).or_else(|| {
            held.step();
            None
        })
    });
    held.end();
}

#[test]
fn line_by_line_it_rests_at_the_end_of_each_and_says_so() {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    held.command("Path", "SetSteps", json!({ "group": "gantry", "on": true }));
    let mut program = Program::begin(&mut held);
    let [x, y, z] = program.start.clone().try_into().unwrap();
    let corners = [[x + 20.0, y, z], [x + 20.0, y + 15.0, z], [x, y + 15.0, z - 5.0]];
    let lines = json!({ "points": corners.concat(), "feed": 200.0, "corner": { "mode": "exact" }, "line": 10 });
    let lines = program.with(lines);
    program.machine.call("Path", "Lines", lines).unwrap();
    program.end();
    program.planned();
    let refused =
        held.ask(&mut machine, "Path", "Step", json!({ "group": "gantry", "lease": program.lease })).unwrap_err();
    assert!(refused.to_string().contains("NotWaiting"), "{refused}");
    for (corner, line) in corners[..2].iter().zip([11, 12]) {
        held.run_until(LONG, "it waits", |now| now.groups[0].path_state == PathState::Waiting);
        assert!(is_at(&held, corner) && rests(&held), "{:?}", held.snapshot);
        let told = status(&mut machine);
        assert_eq!((&told["state"], &told["line"], &told["steps"]), (&json!("waiting"), &json!(line), &json!(true)));
        held.run(50);
        assert!(is_at(&held, corner));
        held.command("Path", "Step", json!({ "group": "gantry" }));
    }
    ended(&mut held, &mut program);
    assert!(is_at(&held, &corners[2]));
    let told = status(&mut machine);
    assert_eq!((&told["state"], &told["steps"]), (&json!("none"), &json!(true)));
    // A rounded corner: it rests on the curve, on its way to the next line.
    let mut program = Program::begin(&mut held);
    program.lines_at(200.0, &[[x + 20.0, y + 15.0, z], [x + 20.0, y, z]]);
    program.end();
    program.planned();
    let seen = run_until(&mut held, "it waits", |now| now.groups[0].path_state == PathState::Waiting);
    let off = (at(&held)[0] - (x + 20.0)).hypot(at(&held)[1] - (y + 15.0));
    assert!(off < 1.0 && rests(&held), "{off}: {:?}", held.snapshot);
    held.command("Path", "SetSteps", json!({ "group": "gantry", "on": false }));
    assert_within_limits(&held, &seen);
    ended(&mut held, &mut program);
    held.end();
}

#[test]
fn held_and_starved_are_told_apart_and_what_is_left_with_the_end() {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    let mut program = Program::begin(&mut held);
    let points = program.curve(2000, 1.0);
    program.lines(&points[..1000]);
    let until_state = |held: &mut Held, machine: &mut Machine, state: &str| {
        until(state, || {
            held.step();
            let told = status(machine);
            (told["state"] == state && rests(held)).then_some(told)
        })
    };
    let told = until_state(&mut held, &mut machine, "starved");
    assert_eq!((&told["starved"], &told["left"]), (&json!(true), &Value::Null));
    held.command("Group", "Interrupt", json!({ "group": "gantry" }));
    let told = until_state(&mut held, &mut machine, "held");
    assert_eq!(told["starved"], json!(false));
    program.lines(&points[1000..]);
    program.end();
    program.planned();
    let told = until("the end is known", || {
        held.step();
        Some(status(&mut machine)).filter(|told| !told["left"].is_null())
    });
    let (left, seconds) = (told["left"].as_f64().unwrap(), told["time_left"].as_f64().unwrap());
    assert!(left > 40.0 && seconds > left / 300.0, "{told}");
    held.command("Group", "Continue", json!({ "group": "gantry" }));
    let from = held.snapshot.machine.cycle;
    held.run_until(LONG, "it is there", |now| now.groups[0].path_state == PathState::Ending);
    let took = (held.snapshot.machine.cycle - from) as f64 * 0.001;
    assert!((took - seconds).abs() < 0.25 * took + 0.05, "told {seconds} s, took {took} s");
    ended(&mut held, &mut program);
    held.end();
}

#[test]
fn moves_take_the_place_of_a_path_or_come_behind_it() {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    let mut program = Program::begin(&mut held);
    let points = program.curve(2000, 1.0);
    program.lines(&points);
    let target = |axes: [f64; AXES]| {
        let named = ["x", "y", "z"].iter().zip(axes).map(|(axis, value)| json!({ "axis": axis, "value": value }));
        named.collect::<Vec<Value>>()
    };
    let move_to = |held: &mut Held, machine: &mut Machine, targets: [f64; AXES], more: Value| {
        let mut parameters = json!({ "group": "gantry", "targets": target(targets), "lease": held.lease() });
        parameters.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        held.ask(machine, "Group", "MoveLinear", parameters)
    };
    held.run_until(LONG, "it moves", |now| now.groups[0].path_velocity > 50.0);
    // Its end is not known yet: behind it, a distance says nothing, and a position does.
    let behind = json!({ "relative": true, "buffer": "buffered" });
    let refused = move_to(&mut held, &mut machine, [1.0; AXES], behind).unwrap_err();
    assert!(refused.to_string().contains("PathActive"), "{refused}");
    let there = [points[1999][0] + 5.0, points[1999][1], points[1999][2]];
    let buffered = move_to(&mut held, &mut machine, there, json!({ "buffer": "buffered" })).unwrap();
    program.end();
    program.planned();
    let mut seen = run_until(&mut held, "both are done", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    assert_eq!(machine.wait(buffered["handle"].as_u64().unwrap()).unwrap(), Ended::Done);
    assert!(is_at(&held, &there), "{:?}", held.snapshot);
    // A move in the place of a path: from where that comes to rest.
    let mut program = Program::begin(&mut held);
    let points = program.curve(2000, 1.0);
    program.lines(&points);
    program.end();
    program.planned();
    seen.extend(run_until(&mut held, "it moves", |now| now.groups[0].path_velocity > 50.0));
    let instead = [there[0], there[1] + 3.0, there[2]];
    let aborting = move_to(&mut held, &mut machine, instead, json!({ "buffer": "aborting" })).unwrap();
    seen.extend(run_until(&mut held, "it is done", |now| now.groups[0].state == GroupState::GroupStandby));
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Aborted);
    assert_eq!(machine.wait(aborting["handle"].as_u64().unwrap()).unwrap(), Ended::Done);
    assert!(is_at(&held, &instead), "{:?}", held.snapshot);
    assert_within_limits(&held, &seen);
    held.end();
}

#[test]
fn a_path_begins_behind_moves_and_behind_another_path() {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    let [x, y, z] = at(&held);
    let lease = held.lease();
    let named = |x: f64| json!([{ "axis": "x", "value": x }, { "axis": "y", "value": y }, { "axis": "z", "value": z }]);
    let first = json!({ "group": "gantry", "targets": named(x + 10.0), "lease": lease });
    let first = held.ask(&mut machine, "Group", "MoveLinear", first).unwrap();
    // Elsewhere than the move ends there is no beginning.
    let mut begin = json!({ "group": "gantry", "lease": lease, "buffer": "buffered" });
    let unknown = held.ask(&mut machine, "Path", "Begin", begin.clone()).unwrap_err();
    assert!(unknown.to_string().contains("StartUnknown"), "{unknown}");
    begin["start"] = json!([x, y, z]);
    let elsewhere = held.ask(&mut machine, "Path", "Begin", begin).unwrap_err();
    assert!(elsewhere.to_string().contains("PathStart"), "{elsewhere}");
    let mut second = Program::begin_with(&mut held, json!({ "buffer": "buffered", "start": [x + 10.0, y, z] }));
    second.lines_at(200.0, &[[x + 20.0, y, z], [x + 20.0, y + 8.0, z]]);
    // Behind a program there is a place only when that is given to its end.
    let mut open = json!({ "group": "gantry", "lease": second.lease, "buffer": "buffered" });
    for start in [json!(null), json!([x + 20.0, y + 8.0, z])] {
        open["start"] = start;
        let open = held.ask(&mut machine, "Path", "Begin", open.clone()).unwrap_err();
        assert!(open.to_string().contains("ProgramOpen"), "{open}");
    }
    second.end();
    let mut third = Program::begin_with(&mut held, json!({ "buffer": "buffered" }));
    assert_eq!(third.start, [x + 20.0, y + 8.0, z]);
    third.lines_at(200.0, &[[x, y, z]]);
    third.end();
    let mut seen = Vec::new();
    until("all are done", || {
        held.step();
        seen.push(held.snapshot.clone());
        (group(&held).state == GroupState::GroupStandby).then_some(())
    });
    assert_eq!(machine.wait(first["handle"].as_u64().unwrap()).unwrap(), Ended::Done);
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Done);
    assert_eq!(third.machine.wait(third.handle).unwrap(), Ended::Done);
    assert!(is_at(&held, &[x, y, z]), "{:?}", held.snapshot);
    assert_within_limits(&held, &seen);
    held.end();
}

#[test]
fn a_path_takes_the_place_of_a_move_from_where_that_comes_to_rest_and_a_halt_ends_what_waits() {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    let [x, y, z] = at(&held);
    let lease = held.lease();
    let named = json!([{ "axis": "x", "value": x + 200.0 }, { "axis": "y", "value": y }, { "axis": "z", "value": z }]);
    let first = json!({ "group": "gantry", "targets": named, "lease": lease });
    let first = held.ask(&mut machine, "Group", "MoveLinear", first).unwrap();
    held.run_until(LONG, "it moves", |now| now.axes[0].velocity > 100.0);
    let begin = json!({ "group": "gantry", "lease": lease, "buffer": "aborting", "request_id": 7 });
    let begun = std::thread::scope(|scope| {
        let asked = scope.spawn(|| machine.call("Path", "Begin", begin.clone()));
        until("it has begun", || {
            held.step();
            asked.is_finished().then_some(())
        });
        asked.join().unwrap().unwrap()
    });
    let begins = begun["start"][0].as_f64().unwrap();
    assert!(begins > x + 5.0 && begins < x + 199.0, "{begun}");
    assert_eq!(machine.wait(first["handle"].as_u64().unwrap()).unwrap(), Ended::Aborted);
    let mut program = Program {
        machine: held.connect(),
        handle: begun["handle"].as_u64().unwrap(),
        lease: lease.clone(),
        start: vec![begins, y, z],
    };
    program.lines_at(100.0, &[[begins - 50.0, y, z]]);
    program.end();
    program.planned();
    held.run_until(LONG, "it moves", |now| now.groups[0].path_velocity > 20.0);
    // Whoever lost the answer asks again, and does not halt the path that began.
    assert_eq!(machine.call("Path", "Begin", begin).unwrap(), begun);
    let mut waits = Program::begin_with(&mut held, json!({ "buffer": "buffered" }));
    waits.lines_at(100.0, &[[begins, y, z]]);
    held.run_until(LONG, "it moves", |now| now.groups[0].path_velocity > 50.0);
    held.command("Group", "Halt", json!({ "group": "gantry" }));
    held.run_until(LONG, "it is halted", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Aborted);
    assert_eq!(waits.machine.wait(waits.handle).unwrap(), Ended::Aborted);
    let more = waits.with(json!({ "points": [begins, y, z] }));
    until("the program is closed", || {
        held.step();
        waits.machine.call("Path", "Lines", more.clone()).err()
    });
    held.end();
}

/// A group that follows a program, and one that waits behind it.
fn one_behind_another(held: &mut Held) -> (Program, Program) {
    let mut first = Program::begin(held);
    let [x, y, z] = [first.start[0], first.start[1], first.start[2]];
    first.lines_at(60.0, &[[x + 20.0, y, z], [x + 20.0, y + 10.0, z]]);
    first.end();
    first.planned();
    let mut second = Program::begin_with(held, json!({ "buffer": "buffered" }));
    second.lines_at(60.0, &[[x, y, z]]);
    held.run_until(LONG, "it moves", |now| now.axes[0].velocity > 10.0);
    (first, second)
}

pub fn cancel(held: &mut Held, program: &Program) -> Result<Value, motiond::client::Error> {
    let mut machine = held.connect();
    let cancel = json!({ "group": "gantry", "handle": program.handle, "lease": program.lease });
    held.ask(&mut machine, "Path", "Cancel", cancel)
}

#[test]
fn a_program_that_waits_is_cancelled_alone_and_status_says_whose_figures_it_tells() {
    let mut held = Held::start();
    held.power_up();
    let (mut first, mut second) = one_behind_another(&mut held);
    let told = status(&mut first.machine);
    assert_eq!((&told["handle"], &told["newest"]), (&json!(first.handle), &json!(second.handle)), "{told}");
    assert_eq!((&told["taken"], &told["planned"]), (&json!(1), &json!(false)), "{told}");
    cancel(&mut held, &second).unwrap();
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Aborted);
    // It takes nothing more; a second time there is nothing to cancel.
    let again = cancel(&mut held, &second).unwrap_err();
    assert!(again.to_string().contains("NoPath"), "{again}");
    let end = [first.start[0] + 20.0, first.start[1] + 10.0, first.start[2]];
    // Another one has its place.
    let begin = json!({ "buffer": "buffered", "start": end });
    let mut third = Program::begin_with(&mut held, begin);
    third.lines_at(60.0, &[[end[0], end[1] + 5.0, end[2]]]);
    third.end();
    let told = status(&mut first.machine);
    assert_eq!((&told["handle"], &told["newest"]), (&json!(first.handle), &json!(third.handle)), "{told}");
    ended(&mut held, &mut third);
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Done);
    assert!(is_at(&held, &[end[0], end[1] + 5.0, end[2]]), "{:?}", held.snapshot);
    let told = status(&mut first.machine);
    assert_eq!((&told["handle"], &told["newest"]), (&Value::Null, &json!(third.handle)), "{told}");
    held.end();
}

#[test]
fn a_program_that_moves_is_cancelled_to_a_rest_within_the_limits_and_a_move_behind_it_has_its_turn() {
    let mut held = Held::start();
    held.power_up();
    let mut first = Program::begin(&mut held);
    let [x, y, z] = [first.start[0], first.start[1], first.start[2]];
    first.lines_at(60.0, &[[x + 60.0, y, z]]);
    first.end();
    first.planned();
    held.run_until(LONG, "it moves", |now| now.axes[0].velocity > 40.0);
    let mut machine = held.connect();
    let named = json!([{ "axis": "x", "value": x }, { "axis": "y", "value": y }, { "axis": "z", "value": z + 3.0 }]);
    let behind = json!({ "group": "gantry", "targets": named, "buffer": "buffered", "lease": first.lease });
    let behind = held.ask(&mut machine, "Group", "MoveLinear", behind).unwrap();
    cancel(&mut held, &first).unwrap();
    let mut seen = Vec::new();
    until("the move behind it is done", || {
        held.step();
        seen.push(held.snapshot.clone());
        (group(&held).state == GroupState::GroupStandby).then_some(())
    });
    assert_within_limits(&held, &seen);
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Aborted);
    assert_eq!(machine.wait(behind["handle"].as_u64().unwrap()).unwrap(), Ended::Done);
    assert!(is_at(&held, &[x, y, z + 3.0]), "{:?}", held.snapshot);
    // It rested on the way: far from the end of its line.
    let farthest = seen.iter().map(|now| now.axes[0].setpoint).fold(x, f64::max);
    assert!(farthest < x + 40.0 && seen.iter().any(|now| now.axes[0].velocity == 0.0), "{farthest} from {x}");
    held.end();
}

#[test]
fn a_file_with_a_mistake_behind_a_path_ends_nothing_but_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mistake.path");
    let mut held = Held::start();
    held.power_up();
    let mut first = Program::begin(&mut held);
    let [x, y, z] = [first.start[0], first.start[1], first.start[2]];
    first.lines_at(40.0, &[[x + 30.0, y, z]]);
    first.end();
    first.planned();
    // The group is anybody's who may operate: motionctl takes the lease.
    let lease = first.lease.clone();
    held.connect().call("Lease", "Release", json!({ "lease": lease })).unwrap();
    for text in ["relative\nline x=-5\nline x=fast\n", "relative\nfeed 50\nline x=-5\nline x=1e6\n"] {
        std::fs::write(&file, text).unwrap();
        let words = ["path", "--group", "gantry", "--buffer", "buffered"].map(OsStr::new);
        let (code, said) = held.motionctl(words.into_iter().chain([file.as_os_str()]));
        assert!(code != Some(0) && (said.contains("fast") || said.contains("soft limit")), "{said}");
        assert_eq!(group(&held).active, first.handle, "{said}");
    }
    ended(&mut held, &mut first);
    assert!(is_at(&held, &[x + 30.0, y, z]), "{:?}", held.snapshot);
    held.end();
}
