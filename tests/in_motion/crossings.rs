//! What comes between while the machine goes from one program to the next without a rest.

use motiond::client::Ended;
use motiond::gateway::{AxisState, GroupState, PathState};
use motiond::kinematics::{Kinematics, Scara, Transformation};
use serde_json::{Value, json};

use crate::blends::{around_a_corner, begin, blend, corner, end_of, set_override, standby};
use crate::held::{Frame, Held, until};
use crate::path_acts::{is_at, run_until, status};
use crate::paths::{AXES, LONG, Program, TOLD, group, rests};

/// What the first `axes` axes were told in each cycle: position, velocity, acceleration.
fn told(frames: &[Frame], axes: usize) -> Vec<Vec<[f64; TOLD]>> {
    let axis = |frame: &Frame, axis: usize| [0, 1, 2].map(|order| f64::from_bits(frame.words[8 * axis + order]));
    frames.iter().map(|frame| (0..axes).map(|place| axis(frame, place)).collect()).collect()
}

/// Every cycle within the limits of every axis, from one to the next as well; returns what was told.
fn within_limits(held: &Held, since: usize, axes: usize) -> Vec<Vec<[f64; TOLD]>> {
    let told = told(&held.frames[since..], axes);
    let description = held.daemon().gateway().description();
    for (cycle, pair) in told.windows(2).enumerate() {
        for (axis, (before, now)) in description.axes.iter().zip(pair[0].iter().zip(&pair[1])) {
            let limits = axis.at_start.figures.motion.limits;
            let [moved, jerk] = [now[0] - before[0], (now[2] - before[2]) / 0.001].map(f64::abs);
            let name = &axis.name;
            assert!(moved <= 0.001 * limits.velocity * (1.0 + 1e-6), "{name}, {cycle}: {before:?} {now:?}");
            assert!(now[1].abs() <= limits.velocity * (1.0 + 1e-6), "{name}, {cycle}: {now:?}");
            assert!(now[2].abs() <= limits.acceleration * (1.0 + 1e-6), "{name}, {cycle}: {now:?}");
            assert!(jerk <= limits.jerk * (1.0 + 1e-3), "{name}, {cycle}: jerk {jerk}, {before:?} {now:?}");
        }
    }
    told
}

/// How far a place is from the nearest one between two neighbours of these.
fn off(place: [f64; 2], line: &[[f64; 2]]) -> f64 {
    let between = |pair: &[[f64; 2]]| {
        let along = [0, 1].map(|axis| pair[1][axis] - pair[0][axis]);
        let gap = [0, 1].map(|axis| place[axis] - pair[0][axis]);
        let length = along[0] * along[0] + along[1] * along[1];
        let share = if length > 0.0 { (along[0] * gap[0] + along[1] * gap[1]) / length } else { 0.0 }.clamp(0.0, 1.0);
        (gap[0] - share * along[0]).hypot(gap[1] - share * along[1])
    };
    line.windows(2).map(between).fold(f64::INFINITY, f64::min)
}

/// Around the corner; `act` is asked for in the middle of it, with the first program's commands and the place of the corner.
fn passage(act: impl Fn(&mut Held, [u64; 2], f64)) -> Vec<[f64; 2]> {
    let mut held = Held::start();
    held.power_up();
    let (mut first, mut second, [x, y, z]) = around_a_corner(&mut held, corner(20.0));
    second.end();
    second.planned();
    let since = held.frames.len();
    act(&mut held, [first.handle, second.handle], x);
    run_until(&mut held, "it is there", standby);
    let told = within_limits(&held, since, AXES);
    assert_eq!(end_of(&mut held, &mut first), Ended::Done);
    assert_eq!(end_of(&mut held, &mut second), Ended::Done);
    assert!(is_at(&held, &[x + 60.0, y + 60.0, z]));
    held.end();
    told.iter().map(|axes| [axes[0][0], axes[1][0]]).collect()
}

#[test]
fn override_and_interrupt_work_across_the_border_on_the_same_path() {
    let alone = passage(|_, _, _| ());
    let disturbed = passage(|held, [first, second], x| {
        let interrupted = |held: &mut Held, active: u64| {
            held.command("Group", "Interrupt", json!({ "group": "gantry" }));
            held.run_until(2000, "it is held", |now| now.groups[0].path_velocity == 0.0);
            held.run(50);
            assert!(rests(held) && group(held).interrupted && group(held).active == active, "{:?}", group(held));
            held.command("Group", "Continue", json!({ "group": "gantry" }));
        };
        held.run_until(LONG, "it is in the corner", |now| now.axes[0].setpoint > x + 45.0);
        set_override(held, 0.3);
        held.run(100);
        interrupted(held, first);
        set_override(held, 1.5);
        let before = |now: &motiond::gateway::Snapshot| now.groups[0].active == first;
        held.run_until(LONG, "the border is near", |now| {
            now.groups[0].path_left.is_some_and(|left| left.distance < 2.0) || !before(now)
        });
        set_override(held, 0.1);
        assert_eq!(group(held).active, first);
        held.run_until(LONG, "it is behind the border", |now| now.groups[0].active == second);
        assert!(group(held).path_velocity > 0.0 && group(held).path_distance < 0.1, "{:?}", group(held));
        interrupted(held, second);
        set_override(held, 2.0);
        held.run(20);
        set_override(held, 1.0);
    });
    let worst = disturbed.iter().map(|place| off(*place, &alone)).fold(0.0, f64::max);
    assert!(worst < 1e-4, "{worst} mm off the path");
}

#[test]
fn a_stop_or_a_fault_on_either_side_of_the_border_ends_what_is_under_way() {
    for (act, behind) in [("stop", false), ("stop", true), ("fault", false), ("fault", true)] {
        let mut held = Held::start();
        held.power_up();
        let (mut first, mut second, [x, ..]) = around_a_corner(&mut held, corner(20.0));
        let since = held.frames.len();
        second.taken();
        run_until(&mut held, "it is in the corner", |now| match behind {
            true => now.groups[0].active == second.handle,
            false => now.axes[0].setpoint > x + 45.0,
        });
        assert_eq!(group(&held).active, if behind { second.handle } else { first.handle });
        if act == "stop" {
            held.connect().call("Group", "Stop", json!({ "group": "gantry" })).unwrap();
            run_until(&mut held, "it is stopped", |now| now.groups[0].state == GroupState::GroupStopping);
        } else {
            let fault = json!({ "fault": "drive_fault", "axis": "z", "code": 0x7305, "cycles": 5 });
            held.connect().call("Test", "Inject", fault).unwrap();
            run_until(&mut held, "it is at fault", |now| now.groups[0].state == GroupState::GroupErrorStop);
        }
        held.run_until(LONG, "it rests", |now| now.axes[..2].iter().all(|axis| axis.velocity == 0.0));
        // The axis whose drive has failed goes its own way.
        within_limits(&held, since, 2);
        let ends = |ended: &Ended| match act {
            "stop" => *ended == Ended::Aborted,
            _ => matches!(ended, Ended::Failed { .. }),
        };
        let [of_first, of_second] = [&mut first, &mut second].map(|program| end_of(&mut held, program));
        assert!(if behind { of_first == Ended::Done } else { ends(&of_first) }, "{act}: {of_first:?}");
        assert!(ends(&of_second), "{act}: {of_second:?}");
        let more = second.with(json!({ "points": [1.0, 2.0, 3.0] }));
        until("the program is closed", || second.machine.call("Path", "Lines", more.clone()).err());
        // And nothing of them is left for those that come.
        if act == "stop" {
            let lock = status_of_group(&mut held)["stop_generation"].clone();
            held.command("Group", "Release", json!({ "group": "gantry", "generation": lock }));
        } else {
            held.run(200);
            held.command("Group", "Reset", json!({ "group": "gantry" }));
            held.run_until(LONG, "it is reset", |now| {
                now.axes[..AXES].iter().all(|axis| [AxisState::Standstill, AxisState::Disabled].contains(&axis.state))
            });
            held.power_up();
        }
        held.run_until(LONG, "it stands by", standby);
        let mut next = Program::begin(&mut held);
        let there = [next.start[0] - 5.0, next.start[1], next.start[2]];
        next.lines_at(60.0, &[there]);
        next.end();
        assert_eq!(end_of(&mut held, &mut next), Ended::Done);
        assert!(is_at(&held, &there));
        held.end();
    }
}

/// Begins a path of 60 mm along x; with it where it begins.
fn along_x(held: &mut Held) -> (Program, [f64; 3]) {
    let mut program = Program::begin(held);
    let [x, y, z] = [program.start[0], program.start[1], program.start[2]];
    program.lines_at(60.0, &[[x + 60.0, y, z]]);
    (program, [x, y, z])
}

fn status_of_group(held: &mut Held) -> Value {
    held.connect().call("Group", "Status", json!({ "group": "gantry" })).unwrap()["status"].take()
}

#[test]
fn what_is_halted_in_the_very_cycle_is_not_gone_on_from_and_says_so() {
    let mut held = Held::start();
    held.power_up();
    let (mut first, [x, y, z]) = along_x(&mut held);
    run_until(&mut held, "it moves", |now| now.axes[0].velocity > 50.0);
    let (mut one, mut other) = (held.connect(), held.connect());
    let halt = json!({ "group": "gantry", "lease": first.lease });
    let join = json!({ "group": "gantry", "lease": first.lease, "buffer": "blending" });
    // Both wait for the cycle, the halt before the path.
    let (halted, refused) = std::thread::scope(|scope| {
        let halt = scope.spawn(|| one.call("Group", "Halt", halt));
        until("the halt waits", || (held.depth("commands") == 1).then_some(()));
        let join = scope.spawn(|| other.call("Path", "Begin", join));
        until("the path waits", || (held.depth("commands") == 2).then_some(()));
        held.step();
        (halt.join().unwrap(), join.join().unwrap())
    });
    halted.unwrap();
    let refused = refused.unwrap_err();
    assert_eq!(refused.field("reason"), Some(&json!("NotJoined")), "{refused:?}");
    assert_eq!(refused.field("retryable"), Some(&json!(true)), "{refused:?}");
    assert_eq!(end_of(&mut held, &mut first), Ended::Aborted);
    run_until(&mut held, "it rests", standby);
    // Asked for again it begins there.
    let (mut second, how) = begin(&mut held, first.lease.clone(), json!({}));
    assert_eq!(how, "aborting");
    assert!(second.start[0] > x && second.start[0] < x + 60.0, "{:?}", second.start);
    second.lines_at(60.0, &[[x, y, z]]);
    second.end();
    assert_eq!(end_of(&mut held, &mut second), Ended::Done);
    assert!(is_at(&held, &[x, y, z]));
    held.end();
}

#[test]
fn where_the_planner_loses_the_first_before_it_hears_of_the_second_that_takes_nothing() {
    let mut held = Held::start();
    held.power_up();
    let (mut first, [x, y, z]) = along_x(&mut held);
    first.taken();
    run_until(&mut held, "it moves", |now| now.axes[0].velocity > 50.0);
    let mut machine = held.connect();
    let join = json!({ "group": "gantry", "lease": first.lease, "buffer": "blending" });
    let begun = std::thread::scope(|scope| {
        let join = scope.spawn(|| machine.call("Path", "Begin", join));
        until("the path waits", || (held.depth("commands") == 1).then_some(()));
        held.connect().call("Test", "Panic", json!({ "service": "planner", "place": "loop" })).unwrap();
        until("the planner is back", || (held.service("planner").0 == 1).then_some(()));
        held.step();
        join.join().unwrap().unwrap()
    });
    assert_eq!(begun["buffer"], "blending");
    let mut second =
        Program { machine, handle: begun["handle"].as_u64().unwrap(), lease: first.lease.clone(), start: Vec::new() };
    let more = second.with(json!({ "points": [x, y, z], "feed": 60.0 }));
    let refused = until("it takes nothing", || second.machine.call("Path", "Lines", more.clone()).err());
    assert_eq!(refused.field("reason"), Some(&json!("ProgramEnded")), "{refused:?}");
    held.run_until(LONG, "it rests on the path", |now| now.groups[0].path_velocity == 0.0);
    held.command("Group", "Halt", json!({ "group": "gantry" }));
    held.run_until(LONG, "it is halted", standby);
    assert_eq!(end_of(&mut held, &mut first), Ended::Aborted);
    assert_eq!(end_of(&mut held, &mut second), Ended::Aborted);
    let mut back = Program::begin(&mut held);
    back.lines_at(60.0, &[[x, y, z]]);
    back.end();
    assert_eq!(end_of(&mut held, &mut back), Ended::Done);
    held.end();
}

/// Batches until the planner, which hangs, has room for no more.
fn fill(table: &mut Program) {
    let at = table.start.clone();
    for batch in 0.. {
        let points = [at[0] + 0.01 * f64::from(batch % 2 + 1), at[1]];
        let lines =
            json!({ "group": "table", "handle": table.handle, "lease": table.lease, "points": points, "feed": 1.0 });
        if let Err(full) = table.machine.call("Path", "Lines", lines) {
            assert_eq!((full.short_name(), full.field("queue")), ("QueueFull", Some(&json!("batches"))), "{full:?}");
            return;
        }
    }
}

#[test]
fn where_the_planner_has_no_room_a_path_is_refused_and_nothing_has_changed() {
    // A planner that hangs for as long as two seconds is given up, on a host that takes so long to fill its queue.
    let told = (0..5).any(|_| {
        let mut held = Held::start();
        held.power_up();
        let (mut first, [x, y, z]) = along_x(&mut held);
        first.taken();
        let mut machine = held.connect();
        let table = json!({ "group": "table", "lease": first.lease });
        let begun = held.ask(&mut machine, "Path", "Begin", table).unwrap();
        let start = begun["start"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        let (handle, lease) = (begun["handle"].as_u64().unwrap(), first.lease.clone());
        let mut table = Program { machine, handle, lease, start };
        let mut saboteur = held.connect();
        saboteur.call("Test", "Hang", json!({ "service": "planner", "milliseconds": 60_000 })).unwrap();
        fill(&mut table);
        let before = held.snapshot.machine.cycle;
        let join = json!({ "group": "gantry", "lease": first.lease, "buffer": "blending" });
        let refused = held.connect().call("Path", "Begin", join).unwrap_err();
        let newest = status(&mut first.machine)["newest"].clone();
        let more = first.with(json!({ "points": [x + 60.0, y + 60.0, z] }));
        saboteur.call("Test", "Hang", json!({ "service": "planner", "milliseconds": 0 })).unwrap();
        let given = until("there is room", || match first.machine.call("Path", "Lines", more.clone()) {
            Err(full) if full.short_name() == "QueueFull" => None,
            given => Some(given),
        });
        if held.service("planner").1 > 0 {
            held.end();
            return false;
        }
        assert_eq!((refused.short_name(), refused.field("queue")), ("QueueFull", Some(&json!("batches"))));
        assert_eq!(refused.field("retryable"), Some(&json!(true)), "{refused:?}");
        assert_eq!((newest, held.snapshot.machine.cycle), (json!(first.handle), before), "no cycle was asked");
        given.unwrap();
        let mut second = blend(&mut held, &first, json!({}));
        second.lines_at(60.0, &[[x, y + 60.0, z]]);
        second.end();
        assert_eq!(end_of(&mut held, &mut first), Ended::Done);
        assert_eq!(end_of(&mut held, &mut second), Ended::Done);
        assert!(is_at(&held, &[x, y + 60.0, z]));
        held.end();
        true
    });
    assert!(told, "the host was too slow, five times");
}

#[test]
fn joints_blend_within_their_limits_and_the_tool_passes_the_corner_as_it_shall() {
    const JOINTS: usize = 4;
    let mut held = Held::start_on("scara.toml", None);
    held.power_up();
    let lease = held.lease();
    let mut machine = held.connect();
    let mut begun = |held: &mut Held, how: Value| {
        let mut how = how;
        (how["group"], how["lease"]) = (json!("arm"), lease.clone());
        held.ask(&mut machine, "Path", "Begin", how).unwrap()
    };
    let first = begun(&mut held, json!({}));
    let start: Vec<f64> = first["start"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    let [corner, end] = [[start[0] - 80.0, start[1]], [start[0] - 80.0, start[1] + 80.0]];
    let mut client = held.connect();
    let mut line = |program: &Value, [x, y]: [f64; 2]| {
        let points = [x, y, start[2], start[3]];
        let line = json!({ "group": "arm", "handle": program["handle"], "lease": lease, "points": points, "feed": 200.0,
            "corner": { "mode": "tolerance", "linear": 0.02 } });
        client.call("Path", "Lines", line).unwrap();
    };
    let since = held.frames.len();
    line(&first, corner);
    let distance = 20.0;
    let second =
        begun(&mut held, json!({ "buffer": "blending", "transition": { "mode": "distance", "distance": distance } }));
    assert_eq!(second["buffer"], "blending");
    // Of its tool, as those of a path are.
    let told: Vec<f64> = second["start"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    assert!(told.iter().zip([corner[0], corner[1], start[2], start[3]]).all(|(is, shall)| (is - shall).abs() < 1e-6));
    line(&second, end);
    let [one, other] = [&first, &second].map(|program| program["handle"].as_u64().unwrap());
    let close = json!({ "group": "arm", "handle": other, "lease": lease });
    held.connect().call("Path", "End", close).unwrap();
    let seen = run_until(&mut held, "it is there", standby);
    let mut machine = held.connect();
    assert_eq!([one, other].map(|handle| machine.wait(handle).unwrap()), [Ended::Done, Ended::Done]);
    let passing = seen.iter().find(|now| now.groups[0].active == other).unwrap();
    assert!(passing.groups[0].path_velocity > 20.0, "{:?}", passing.groups[0]);
    let joints = within_limits(&held, since, JOINTS);
    let arm = Kinematics::new(Scara::new(300.0, 250.0).unwrap(), 0).unwrap();
    let tool = |axes: &Vec<[f64; TOLD]>| {
        let (positions, mut place) = (axes.iter().map(|axis| axis[0]).collect::<Vec<f64>>(), [0.0; JOINTS]);
        arm.forward(&positions, &mut place).unwrap();
        [place[0], place[1]]
    };
    let places: Vec<[f64; 2]> = joints.iter().map(tool).collect();
    let away = |place: &[f64; 2]| (place[0] - corner[0]).hypot(place[1] - corner[1]);
    let nearest = places.iter().map(away).fold(f64::INFINITY, f64::min);
    let expected = distance * 2.0_f64.sqrt() / 6.0;
    assert!((nearest - expected).abs() < 0.1, "{nearest}, not {expected}");
    for (cycle, pair) in places.windows(2).enumerate() {
        let speed = (pair[1][0] - pair[0][0]).hypot(pair[1][1] - pair[0][1]) / 0.001;
        assert!(speed <= 200.0 * (1.0 + 1e-4), "{cycle}: {speed} mm/s");
        let off = (pair[1][1] - corner[1]).abs().min((pair[1][0] - corner[0]).abs());
        assert!(away(&pair[1]) < distance || off <= 0.02, "{cycle}: {off} mm off the path");
    }
    assert!((places.last().unwrap()[1] - end[1]).abs() < 1e-3, "{:?}", places.last());
    held.end();
}

#[test]
fn each_program_is_told_of_the_singularity_that_it_comes_nearest_to_itself() {
    let mut held = Held::start_on("scara.toml", None);
    held.power_up();
    let lease = held.lease();
    let mut machine = held.connect();
    let mut told = Vec::new();
    // To all but the whole reach and back; and further back.
    for (line, ways) in [(10, vec![538.0, 450.0]), (20, vec![420.0])] {
        let begin = json!({ "group": "arm", "lease": lease, "buffer": "blending" });
        let begun = held.ask(&mut machine, "Path", "Begin", begin).unwrap();
        let rest: Vec<&Value> = begun["start"].as_array().unwrap()[1..].iter().collect();
        let points: Vec<Value> = ways
            .iter()
            .flat_map(|x| [vec![json!(x)], rest.iter().map(|value| (*value).clone()).collect()].concat())
            .collect();
        let lines = json!({ "group": "arm", "handle": begun["handle"], "lease": lease, "points": points, "feed": 300.0,
            "corner": { "mode": "tolerance", "linear": 0.02 }, "line": line });
        machine.call("Path", "Lines", lines).unwrap();
        if line == 20 {
            let end = json!({ "group": "arm", "handle": begun["handle"], "lease": lease });
            machine.call("Path", "End", end).unwrap();
        }
        // Of the first when it rests where it ends, for it is given no more; of the second when all is planned.
        until("all is known", || {
            held.step();
            let known = match line {
                10 => group(&held).path_state == PathState::Starved,
                _ => machine.call("Path", "Status", json!({ "group": "arm" })).unwrap()["planned"] == true,
            };
            known.then_some(())
        });
        let mut status = machine.call("Path", "Status", json!({ "group": "arm" })).unwrap();
        assert_eq!(status["newest"], begun["handle"]);
        told.push(status["singularity"].take());
    }
    let [first, second] =
        [0, 1].map(|place: usize| (told[place]["distance"].as_f64().unwrap(), told[place]["line"].clone()));
    assert!(first.0 < 0.45 && second.0 > first.0 + 0.2, "{told:?}");
    assert_eq!((first.1, second.1), (json!(10), json!(20)), "{told:?}");
    run_until(&mut held, "it is there", standby);
    held.end();
}

/// The group is anybody's who may operate: motionctl takes the lease.
fn let_go(held: &Held) {
    let lease = held.lease();
    held.connect().call("Lease", "Release", json!({ "lease": lease })).unwrap();
}

#[test]
fn motionctl_gives_files_that_are_one_motion() {
    let mut held = Held::start();
    held.power_up();
    let [x, y, z] = [0, 1, 2].map(|axis| held.snapshot.axes[axis].setpoint);
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let there = file("there.path", format!("start x={x} y={y} z={z}\nfeed 60\ntolerance 0.02\nline x={}\n", x + 60.0));
    let aside = file("aside.path", format!("feed 60\ntolerance 0.02\nline y={}\n", y + 60.0));
    let back = file("back.path", format!("feed 200\nline x={x}\nline y={y}\n"));
    let refused = |held: &mut Held, options: &[&str], complaint: &str| {
        let (code, said) = held.motionctl([&["path", &there, &aside, "--group", "gantry"], options].concat());
        assert!(code == Some(2) && said.contains(complaint), "{code:?} {said}");
    };
    let of = "found \"round\", allowed: corner exact, corner stop, corner distance and a number (mm)";
    refused(&mut held, &["--buffer", "blending", "--transition", "round 5"], of);
    refused(&mut held, &["--buffer", "buffered", "--transition", "corner stop"], "allowed: with --buffer blending");
    refused(&mut held, &["--dry-run"], "found 2 files, allowed: one");
    let wrong = file("wrong.path", "line x=1\nline q=1\n".into());
    let (code, said) = held.motionctl(["path", &there, &wrong, "--group", "gantry"]);
    assert!(
        code == Some(2) && said.contains("wrong.path:2: ") && said.contains("nothing of the path was begun"),
        "{said}"
    );
    // All of both is known before it moves.
    set_override(&mut held, 0.0);
    let_go(&held);
    let blending = ["--buffer", "blending", "--transition", "corner distance 5"];
    let (code, said) = held.motionctl([&["path", &there, &aside, "--group", "gantry"], &blending[..]].concat());
    assert!(code == Some(0) && said.matches(": accepted (handle ").count() == 2, "{said}");
    assert!(!said.contains("too late"), "{said}");
    let handles: Vec<u64> =
        said.lines().map(|line| line.rsplit([' ', ')']).nth(1).unwrap().parse::<u64>().unwrap()).collect();
    let since = held.frames.len();
    set_override(&mut held, 1.0);
    let seen = run_until(&mut held, "it is there", standby);
    assert!(is_at(&held, &[x + 60.0, y + 60.0, z]));
    let passing = seen.iter().find(|now| now.groups[0].active == handles[1]).unwrap();
    assert!(passing.groups[0].path_velocity > 10.0, "{:?}", passing.groups[0]);
    let told = within_limits(&held, since, AXES);
    let nearest = told.iter().map(|axes| (axes[0][0] - x - 60.0).hypot(axes[1][0] - y)).fold(f64::INFINITY, f64::min);
    assert!((nearest - 5.0 * 2.0_f64.sqrt() / 6.0).abs() < 0.05, "{nearest}");
    let mut machine = held.connect();
    assert!(handles.iter().all(|handle| machine.wait(*handle).unwrap() == Ended::Done));
    let_go(&held);
    // Without a word of it each begins at rest behind the other.
    let (code, said) = held.motionctl(["path", &back, &there, "--group", "gantry", "--wait"]);
    assert!(code == Some(0) && said.matches(": done").count() == 2, "{said}");
    assert!(is_at(&held, &[x + 60.0, y, z]));
    held.end();
}
