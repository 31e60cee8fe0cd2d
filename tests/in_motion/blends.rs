//! Programs that go on from one another without a rest, over the socket: one motion, whose command changes on the way.

use motiond::client::Ended;
use motiond::gateway::{GroupState, PathState, Snapshot};
use serde_json::{Value, json};

use crate::held::{Frame, Held, until};
use crate::path_acts::{cancel, events, is_at, run_until, status};
use crate::paths::{AXES, LONG, Program, TOLD, assert_within_limits, group, rests};

/// A program that goes on from the newest one; the answer must say so.
pub fn blend(held: &mut Held, before: &Program, parameters: Value) -> Program {
    let (program, how) = begin(held, before.lease.clone(), parameters);
    assert_eq!(how, "blending");
    program
}

/// What `blending` comes to.
pub fn begin(held: &mut Held, lease: Value, mut parameters: Value) -> (Program, Value) {
    parameters["buffer"] = json!("blending");
    let mut machine = held.connect();
    (parameters["group"], parameters["lease"]) = (json!("gantry"), lease.clone());
    let mut begun = held.ask(&mut machine, "Path", "Begin", parameters).unwrap();
    let start = begun["start"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    (Program { machine, handle: begun["handle"].as_u64().unwrap(), lease, start }, begun["buffer"].take())
}

pub fn end_of(held: &mut Held, program: &mut Program) -> Ended {
    let mut ended = None;
    std::thread::scope(|scope| {
        let wait = scope.spawn(|| program.machine.wait(program.handle).unwrap());
        until("the command has ended", || {
            held.step();
            wait.is_finished().then_some(())
        });
        ended = Some(wait.join().unwrap());
    });
    ended.unwrap()
}

pub fn set_override(held: &mut Held, ratio: f64) {
    held.command("Group", "SetOverride", json!({ "group": "gantry", "ratio": ratio }));
}

pub fn standby(now: &Snapshot) -> bool {
    now.groups[0].state == GroupState::GroupStandby
}

/// What the axes were told from the first motion on.
fn told(frames: &[Frame]) -> Vec<Vec<u64>> {
    let words = |frame: &Frame| (0..AXES).flat_map(|axis| frame.words[8 * axis..8 * axis + TOLD].to_vec()).collect();
    let told: Vec<Vec<u64>> = frames.iter().map(words).collect();
    let first = told.iter().position(|now| now != &told[0]).unwrap();
    told[first..].to_vec()
}

/// The whole curve, in as many programs as there are borders and one; held until all is planned. Every cycle of it, and the commands.
fn run_in_programs(borders: &[usize]) -> (Vec<Frame>, Vec<Snapshot>, Vec<u64>) {
    let mut held = Held::start();
    held.power_up();
    set_override(&mut held, 0.0);
    let mut program = Program::begin(&mut held);
    let points = program.curve(3000, 0.4);
    let mut handles = vec![program.handle];
    let mut from = 0;
    for border in borders {
        program.lines(&points[from..*border]);
        program = blend(&mut held, &program, json!({}));
        handles.push(program.handle);
        from = *border;
        assert!(program.start.iter().zip(points[from - 1]).all(|(is, end)| (is - end).abs() < 1e-9));
    }
    program.lines(&points[from..]);
    program.end();
    program.planned();
    // All of its pieces are with the cycle.
    held.run(600);
    let accepted = held.frames.len();
    set_override(&mut held, 1.0);
    let seen = run_until(&mut held, "it is there", standby);
    assert!(is_at(&held, points.last().unwrap()), "{:?}", held.snapshot);
    assert_within_limits(&held, &seen);
    for handle in &handles {
        assert_eq!(program.machine.wait(*handle).unwrap(), Ended::Done);
    }
    let frames = held.frames[accepted - 1..].to_vec();
    held.end();
    (frames, seen, handles)
}

#[test]
fn programs_that_blend_move_like_one_to_the_last_bit_and_their_commands_change_on_the_way() {
    let (whole, ..) = run_in_programs(&[]);
    let whole = told(&whole);
    assert!(whole.len() > 300, "{}", whole.len());
    for borders in [vec![1500], vec![700, 701, 2000]] {
        let (parts, seen, handles) = run_in_programs(&borders);
        let parts = told(&parts);
        for (cycle, (parts, whole)) in parts.iter().zip(&whole).enumerate() {
            assert_eq!(parts, whole, "{borders:?}, cycle {cycle}");
        }
        let mut active: Vec<u64> = seen.iter().map(|now| now.groups[0].active).collect();
        active.dedup();
        // The one with a single short line may be passed within a cycle.
        active.retain(|handle| *handle != 0);
        assert!(
            active.len() >= handles.len() - 1 && active.iter().all(|handle| handles.contains(handle)),
            "{active:?}"
        );
        for pair in seen.windows(2) {
            let [before, now] = [pair[0].groups[0], pair[1].groups[0]];
            if before.active != now.active && now.active != 0 {
                assert!(now.path_velocity > 20.0, "{now:?}");
                assert!(now.path_distance < 1.0 && before.path_distance > 0.1, "{before:?} {now:?}");
                let left = before.path_left.unwrap();
                assert!(left.distance < 1.0 && left.seconds < 0.01 && before.progress > 0.9, "{before:?}");
                assert!(now.progress < 0.5, "{now:?}");
            }
        }
    }
}

/// A program along x to a corner, and one from there along y that blends with it; the first moves.
pub fn around_a_corner(held: &mut Held, transition: Value) -> (Program, Program, [f64; AXES]) {
    let mut first = Program::begin(held);
    let [x, y, z] = [first.start[0], first.start[1], first.start[2]];
    first.lines_at(60.0, &[[x + 60.0, y, z]]);
    let mut second = blend(held, &first, transition);
    assert_eq!(second.start, [x + 60.0, y, z]);
    second.lines_at(60.0, &[[x + 60.0, y + 60.0, z]]);
    (first, second, [x, y, z])
}

pub fn corner(distance: f64) -> Value {
    json!({ "transition": { "mode": "distance", "distance": distance } })
}

#[test]
fn a_corner_at_the_border_is_rounded_as_the_transition_says_and_events_are_of_both() {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    let after = machine.call("Events", "Read", json!({ "after": 0 })).unwrap()["next"].as_u64().unwrap();
    let (mut first, mut second, [x, y, z]) = around_a_corner(&mut held, corner(5.0));
    // The first one takes nothing more.
    let more = first.with(json!({ "points": [x, y, z], "feed": 1.0 }));
    assert!(first.machine.call("Path", "Lines", more).unwrap_err().to_string().contains("ProgramEnded"));
    second.end();
    second.planned();
    let seen = run_until(&mut held, "it is there", standby);
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Done);
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Done);
    assert!(is_at(&held, &[x + 60.0, y + 60.0, z]), "{:?}", held.snapshot);
    assert_within_limits(&held, &seen);
    let gap = |now: &Snapshot| (now.axes[0].setpoint - (x + 60.0)).hypot(now.axes[1].setpoint - y);
    let nearest = seen.iter().map(gap).fold(f64::INFINITY, f64::min);
    // A sixth of the distance times the change of direction.
    assert!((nearest - 5.0 * 2.0_f64.sqrt() / 6.0).abs() < 0.05, "{nearest}");
    let passed = seen.iter().find(|now| now.groups[0].active == second.handle).unwrap();
    assert!(passed.groups[0].path_velocity > 10.0 && (gap(passed) - nearest).abs() < 0.1, "{:?}", passed.groups[0]);
    until("the events are there", || {
        held.step();
        (events(&mut machine, after) == ["begun", "ended", "begun", "ended"]).then_some(())
    });
    held.end();
}

#[test]
fn a_stop_as_transition_rests_at_the_border_and_goes_on() {
    let mut held = Held::start();
    held.power_up();
    let (mut first, mut second, [x, y, z]) = around_a_corner(&mut held, json!({ "transition": { "mode": "stop" } }));
    second.end();
    second.planned();
    let seen = run_until(&mut held, "it is there", standby);
    assert!(seen.iter().any(|now| (now.axes[0].setpoint - (x + 60.0)).abs() < 1e-9 && now.axes[1].setpoint == y));
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Done);
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Done);
    assert!(is_at(&held, &[x + 60.0, y + 60.0, z]));
    held.end();
}

#[test]
fn a_halt_in_the_blend_stops_on_the_path_and_ends_both_and_so_does_a_cancel_of_either() {
    let mut held = Held::start();
    held.power_up();
    for act in ["halt", "first", "second", "second, behind the border"] {
        let (mut first, mut second, [x, y, z]) = around_a_corner(&mut held, corner(20.0));
        second.end();
        second.planned();
        let passed = act.contains("behind");
        let mut seen = run_until(&mut held, "it is in the corner", |now| match passed {
            true => now.groups[0].active == second.handle,
            false => now.axes[0].setpoint > x + 45.0,
        });
        assert_eq!(group(&held).active, if passed { second.handle } else { first.handle });
        if act == "halt" {
            held.command("Group", "Halt", json!({ "group": "gantry" }));
        } else {
            cancel(&mut held, if act == "first" { &first } else { &second }).unwrap();
        }
        seen.extend(run_until(&mut held, "it rests", standby));
        assert_within_limits(&held, &seen);
        let expected = if passed { Ended::Done } else { Ended::Aborted };
        assert_eq!(first.machine.wait(first.handle).unwrap(), expected, "{act}");
        assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Aborted, "{act}");
        let more = second.with(json!({ "points": [x, y, z] }));
        until("the program is closed", || second.machine.call("Path", "Lines", more.clone()).err());
        // On the path: between the corner and what is cut off it; and back for the next.
        let now = [0, 1].map(|axis| held.snapshot.axes[axis].setpoint);
        assert!(now[0] <= x + 60.0 && now[1] >= y && now[0] - x > 45.0 && now[1] < y + 59.0, "{now:?}");
        let mut back = Program::begin(&mut held);
        back.lines_at(200.0, &[[x, y, z]]);
        back.end();
        back.planned();
        run_until(&mut held, "it is back", standby);
    }
    held.end();
}

#[test]
fn what_comes_too_late_to_blend_is_buffered_or_begins_at_rest_and_says_so() {
    let mut held = Held::start();
    held.power_up();
    let lease = held.lease();
    let (mut first, how) = begin(&mut held, lease, json!({}));
    assert_eq!(how, "aborting", "nothing moves");
    let [x, y, z] = [first.start[0], first.start[1], first.start[2]];
    first.lines_at(60.0, &[[x + 20.0, y, z]]);
    let elsewhere = json!({ "group": "gantry", "buffer": "blending", "start": [x, y, z], "lease": first.lease });
    let refused = held.ask(&mut held.connect(), "Path", "Begin", elsewhere).unwrap_err();
    assert!(refused.to_string().contains("StartElsewhere"), "{refused}");
    let wrong = json!({ "group": "gantry", "buffer": "blending", "lease": first.lease,
        "transition": { "mode": "distance", "distance": -1.0 } });
    let refused = held.ask(&mut held.connect(), "Path", "Begin", wrong).unwrap_err();
    assert!(refused.to_string().contains("CornerRange"), "{refused}");
    // It takes elements still.
    first.lines_at(60.0, &[[x + 20.0, y + 20.0, z]]);
    first.end();
    let (mut second, how) = begin(&mut held, first.lease.clone(), json!({}));
    assert_eq!((how, second.start.as_slice()), (json!("buffered"), [x + 20.0, y + 20.0, z].as_slice()));
    second.lines_at(60.0, &[[x, y + 20.0, z]]);
    // A move behind it stands between it and another program.
    let named = json!([{ "axis": "x", "value": x }, { "axis": "y", "value": y }, { "axis": "z", "value": z }]);
    let mut behind = json!({ "group": "gantry", "targets": named, "buffer": "buffered", "lease": first.lease });
    behind = held.ask(&mut held.connect(), "Group", "MoveLinear", behind).unwrap();
    let third = json!({ "group": "gantry", "buffer": "blending", "lease": first.lease });
    let refused = held.ask(&mut held.connect(), "Path", "Begin", third).unwrap_err();
    assert!(refused.to_string().contains("NotJoined"), "{refused}");
    second.end();
    second.planned();
    run_until(&mut held, "all is done", standby);
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Done);
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Done);
    assert_eq!(second.machine.wait(behind["handle"].as_u64().unwrap()).unwrap(), Ended::Done);
    assert!(is_at(&held, &[x, y, z]));
    held.end();
}

#[test]
fn without_elements_in_time_the_first_is_done_at_its_end_and_the_second_goes_on_from_there() {
    let mut held = Held::start();
    held.power_up();
    let mut first = Program::begin(&mut held);
    let [x, y, z] = [first.start[0], first.start[1], first.start[2]];
    first.lines_at(60.0, &[[x + 20.0, y, z]]);
    let mut second = blend(&mut held, &first, json!({}));
    assert_eq!(end_of(&mut held, &mut first), Ended::Done);
    assert!(is_at(&held, &[x + 20.0, y, z]) && rests(&held), "{:?}", held.snapshot);
    until("it is starved", || {
        held.step();
        (group(&held).active == second.handle && group(&held).path_state == PathState::Starved).then_some(())
    });
    second.lines_at(60.0, &[[x + 20.0, y + 20.0, z]]);
    second.taken();
    // One that is begun while the one before it stands where that ends.
    until("it is there", || {
        held.step();
        is_at(&held, &[x + 20.0, y + 20.0, z]).then_some(())
    });
    let mut third = blend(&mut held, &second, json!({}));
    assert_eq!(end_of(&mut held, &mut second), Ended::Done);
    let told = status(&mut third.machine);
    assert_eq!((&told["handle"], &told["distance"]), (&json!(third.handle), &json!(0.0)), "{told}");
    third.lines_at(60.0, &[[x, y, z]]);
    third.end();
    assert_eq!(end_of(&mut held, &mut third), Ended::Done);
    assert!(is_at(&held, &[x, y, z]));
    held.end();
}

#[test]
fn programs_that_have_no_elements_are_done_where_they_stand() {
    let mut held = Held::start();
    held.power_up();
    // Neither has one.
    let mut first = Program::begin(&mut held);
    let mut second = blend(&mut held, &first, json!({}));
    second.end();
    assert_eq!(end_of(&mut held, &mut second), Ended::Done);
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Done);
    // The first has none, then the middle, then the last; on the way and at rest.
    for without in 0..3 {
        let mut programs: Vec<Program> = Vec::new();
        let mut at = [0, 1, 2].map(|axis| held.snapshot.axes[axis].setpoint);
        for number in 0..3 {
            let mut program = match programs.last() {
                None => Program::begin(&mut held),
                Some(before) => blend(&mut held, before, json!({})),
            };
            if number != without {
                at[number] += 10.0;
                program.lines_at(60.0, &[at]);
            }
            programs.push(program);
        }
        programs[2].end();
        for program in &mut programs {
            assert_eq!(end_of(&mut held, program), Ended::Done, "{without}");
        }
        held.run_until(LONG, "it rests", standby);
        assert!(is_at(&held, &at), "{without}");
    }
    held.end();
}

#[test]
fn a_planner_that_dies_between_the_two_leaves_the_machine_on_the_path_and_a_halt_ends_both() {
    let mut held = Held::start();
    held.power_up();
    let (mut first, mut second, [x, y, _]) = around_a_corner(&mut held, corner(5.0));
    held.connect().call("Test", "Panic", json!({ "service": "planner", "place": "loop" })).unwrap();
    until("the planner is back", || (held.service("planner").0 == 1).then_some(()));
    let mut seen = Vec::new();
    for _ in 0..4000 {
        held.step();
        seen.push(held.snapshot.clone());
    }
    assert_within_limits(&held, &seen);
    assert!(rests(&held), "{:?}", group(&held));
    let now = [0, 1].map(|axis| held.snapshot.axes[axis].setpoint);
    assert!(now[0] <= x + 60.0 && now[1] < y + 60.0, "{now:?}");
    let more = second.with(json!({ "points": [1.0, 2.0, 3.0] }));
    assert_eq!(second.machine.call("Path", "Lines", more).unwrap_err().short_name(), "Refused");
    held.command("Group", "Halt", json!({ "group": "gantry" }));
    held.run_until(LONG, "it is halted", standby);
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Aborted);
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Aborted);
    held.end();
}

#[test]
fn back_across_the_border_and_forward_again_the_second_stays_active() {
    let mut held = Held::start();
    held.power_up();
    let (mut first, mut second, [x, y, z]) = around_a_corner(&mut held, corner(5.0));
    second.end();
    second.planned();
    let mut seen = run_until(&mut held, "it is behind the border", |now| now.axes[1].setpoint > y + 20.0);
    held.command("Path", "Retreat", json!({ "group": "gantry" }));
    seen.extend(run_until(&mut held, "it is before the border", |now| now.axes[0].setpoint < x + 40.0));
    assert_eq!((group(&held).active, group(&held).path_distance), (second.handle, 0.0));
    held.command("Path", "Advance", json!({ "group": "gantry" }));
    seen.extend(run_until(&mut held, "it is there", standby));
    assert_within_limits(&held, &seen);
    assert!(is_at(&held, &[x + 60.0, y + 60.0, z]));
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Done);
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn who_lost_the_answer_asks_again_and_begins_no_third() {
    let mut held = Held::start();
    held.power_up();
    let mut first = Program::begin(&mut held);
    let [x, y, z] = [first.start[0], first.start[1], first.start[2]];
    first.lines_at(60.0, &[[x + 20.0, y, z]]);
    // Another's lease ends nothing of it.
    let mut other = json!({ "group": "gantry", "buffer": "blending", "lease": "none of them" });
    assert!(held.ask(&mut held.connect(), "Path", "Begin", other.clone()).is_err());
    (other["lease"], other["request_id"]) = (first.lease.clone(), json!(9));
    let begun = held.ask(&mut held.connect(), "Path", "Begin", other.clone()).unwrap();
    assert_eq!(held.ask(&mut held.connect(), "Path", "Begin", other).unwrap(), begun);
    let handle = begun["handle"].as_u64().unwrap();
    let mut second =
        Program { machine: held.connect(), handle, lease: first.lease.clone(), start: first.start.clone() };
    second.lines_at(60.0, &[[x, y, z]]);
    second.end();
    assert_eq!(end_of(&mut held, &mut first), Ended::Done);
    assert_eq!(end_of(&mut held, &mut second), Ended::Done);
    held.end();
}
