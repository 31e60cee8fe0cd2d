//! Paths over the socket: planned on one thread, followed on another, whatever becomes of those who give them.

use motiond::client::{Ended, Machine};
use motiond::dry_run::{DryRun, DryRunReport, RunAxis, RunGroup};
use motiond::gateway::GroupState;
use motiond::path_file::{Written, WrittenShape};
use motiond::planner::program::{Caps, Corner, Feed, Point};
use serde_json::{Value, json};

use crate::held::{Frame, Held, assert_identical, until};

/// The group gantry has x, y and z, in this order.
pub const AXES: usize = 3;
/// Points that fit one request.
const BATCH: usize = 500;
/// Cycles in which every path of these tests has ended.
pub const LONG: u64 = 20_000;

/// A program that is open.
pub struct Program {
    pub machine: Machine,
    pub handle: u64,
    pub lease: Value,
    pub start: Vec<f64>,
}

impl Program {
    pub fn begin(held: &mut Held) -> Program {
        Program::begin_with(held, json!({}))
    }

    pub fn begin_with(held: &mut Held, mut parameters: Value) -> Program {
        let lease = held.lease();
        let mut machine = held.connect();
        (parameters["group"], parameters["lease"]) = (json!("gantry"), lease.clone());
        let begun = held.ask(&mut machine, "Path", "Begin", parameters).unwrap();
        let start = begun["start"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        Program { machine, handle: begun["handle"].as_u64().unwrap(), lease, start }
    }

    pub fn with(&self, mut parameters: Value) -> Value {
        parameters["group"] = json!("gantry");
        parameters["handle"] = json!(self.handle);
        parameters["lease"] = self.lease.clone();
        parameters
    }

    pub fn lines(&mut self, points: &[[f64; AXES]]) {
        self.lines_at(300.0, points);
    }

    pub fn lines_at(&mut self, feed: f64, points: &[[f64; AXES]]) {
        for batch in points.chunks(BATCH) {
            let lines = json!({
                "points": batch.concat(), "feed": feed, "corner": { "mode": "tolerance", "linear": 0.02 }
            });
            let lines = self.with(lines);
            self.machine.call("Path", "Lines", lines).unwrap();
        }
    }

    pub fn end(&mut self) {
        let end = self.with(json!({}));
        self.machine.call("Path", "End", end).unwrap();
    }

    /// The planner has done what it can before the cycle takes something.
    pub fn planned(&mut self) {
        self.until("planned", json!(true));
    }

    /// The planner has taken all that was given.
    pub fn taken(&mut self) {
        self.until("waiting", json!(0));
    }

    fn until(&mut self, field: &str, value: Value) {
        until("the planner has come as far", || {
            let status = self.machine.call("Path", "Status", json!({ "group": "gantry" })).unwrap();
            (status[field] == value).then_some(())
        });
    }

    /// A curve in short chords from where the program begins.
    pub fn curve(&self, count: usize, size: f64) -> Vec<[f64; AXES]> {
        let at = |i: usize| {
            let angle = i as f64 / count as f64 * std::f64::consts::TAU;
            [
                self.start[0] + size * 12.0 * (2.0 * angle).sin(),
                self.start[1] + size * 20.0 * (1.0 - angle.cos()),
                self.start[2] - size * 3.0 * (1.0 - (3.0 * angle).cos()),
            ]
        };
        (1..=count).map(at).collect()
    }
}

pub fn group(held: &Held) -> motiond::gateway::GroupSnapshot {
    held.snapshot.groups[0]
}

pub fn rests(held: &Held) -> bool {
    held.snapshot.axes[..AXES].iter().all(|axis| axis.velocity == 0.0 && axis.acceleration == 0.0)
}

/// No axis leaves its limits, by the numbers of each cycle.
pub fn assert_within_limits(held: &Held, frames: &[motiond::gateway::Snapshot]) {
    let axes = &held.daemon().gateway().description().axes;
    for pair in frames.windows(2) {
        for (place, axis) in axes.iter().enumerate().take(AXES) {
            let limits = axis.at_start.figures.motion.limits;
            let (before, now) = (pair[0].axes[place], pair[1].axes[place]);
            let jerk = (now.acceleration - before.acceleration).abs() / 0.001;
            assert!(now.velocity.abs() <= limits.velocity * (1.0 + 1e-6), "{now:?}");
            assert!(now.acceleration.abs() <= limits.acceleration * (1.0 + 1e-6), "{now:?}");
            assert!(jerk <= limits.jerk * (1.0 + 1e-3), "{jerk} of {}: {before:?} {now:?}", limits.jerk);
        }
    }
}

/// The whole curve in batches of this size; every cycle from the one that accepted it.
fn run_in_batches(size: usize) -> Vec<Frame> {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let accepted = held.frames.len();
    // All of its pieces find room in the ring, so that how fast the planner is does not matter.
    let points = program.curve(3000, 0.4);
    for batch in points.chunks(size) {
        program.lines(batch);
    }
    program.end();
    program.planned();
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    let last = points.last().unwrap();
    for (axis, end) in held.snapshot.axes.iter().zip(last) {
        assert!((axis.setpoint - end).abs() < 1e-9, "{} instead of {end}", axis.setpoint);
    }
    held.axes_since(accepted)
}

#[test]
fn batches_of_any_size_give_the_same_setpoints_to_the_last_bit() {
    let whole = run_in_batches(BATCH);
    assert!(whole.len() > 300, "{}", whole.len());
    assert_identical(&whole, &run_in_batches(37));
    assert_identical(&whole, &run_in_batches(1));
}

/// Words of an axis in a frame that say what it was told: position, velocity, acceleration.
pub const TOLD: usize = 3;

/// What the axes are told in one cycle, as its bits.
type Told = [u64; AXES * TOLD];

fn at_rest(told: &Told) -> bool {
    told.chunks(TOLD).all(|axis| axis[1..].iter().all(|word| f64::from_bits(*word) == 0.0))
}

/// Axis minus drive coordinates on the demo's machine. Setpoints are in those of the drives, and shown in those of the axes.
const OFFSETS: [f64; AXES] = [0.0, 0.0, -50.0];

/// The same curve on the virtual clock, cycle by cycle.
fn dry_run(held: &Held, start: &[f64], points: &[[f64; AXES]]) -> (Vec<Told>, DryRunReport) {
    let machine = held.daemon().gateway().description();
    let path_limits = Some(machine.groups[0].path_limits);
    let axis = |axis: &motiond::gateway::AxisDescription| {
        let figures = &axis.at_start.figures.motion;
        let (limits, soft_limits) = (figures.limits, figures.soft_limits);
        RunAxis { name: axis.name.clone(), unit: axis.unit, limits, soft_limits, offset: 0.0 }
    };
    let place = |values: &[f64]| {
        let mut place = Point::default();
        place[..AXES].copy_from_slice(values);
        place
    };
    let axes = machine.axes[..AXES].iter().map(axis).collect();
    let mut dry = DryRun::of(RunGroup { axes, path_limits, tool: None, period_s: 0.001 }, &place(start)).unwrap();
    for (index, point) in points.iter().enumerate() {
        let (feed, corner) = (Feed::Speed(300.0), Corner::Tolerance { linear: 0.02, rotary: 0.02 });
        let (shape, to) = (WrittenShape::Line, place(point));
        let written = Written { shape, to, feed, caps: Caps::NONE, corner, line: index as u32 + 1 };
        let element = written.element(dry.order(), dry.end(), dry.offsets()).unwrap();
        dry.give(&element);
    }
    dry.end_path();
    let mut cycles = Vec::new();
    while dry.advance(1).unwrap() {
        let words = [0, 1, 2].map(|axis| {
            let state = dry.state(axis);
            let position = (state.position - OFFSETS[axis]) + OFFSETS[axis];
            [position, state.velocity, state.acceleration].map(f64::to_bits)
        });
        cycles.push(words.concat().try_into().unwrap());
    }
    (cycles, dry.report())
}

#[test]
fn a_dry_run_is_the_machine_in_motion_to_the_last_bit_and_so_is_that_of_the_daemon() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let accepted = held.frames.len();
    let points = program.curve(3000, 0.4);
    let (dry, report) = dry_run(&held, &program.start, &points);
    // The daemon's own, while the machine waits for the program.
    let mut text = String::from("feed 300\ntolerance 0.02\n");
    points.iter().for_each(|[x, y, z]| text.push_str(&format!("line x={x} y={y} z={z}\n")));
    let mut other = held.connect();
    let (mut rest, mut run) = (text.as_str(), Value::Null);
    let told = loop {
        let (part, behind) = rest.split_at(rest.len().min(9_999));
        let last = behind.is_empty();
        let request = json!({ "group": "gantry", "text": part, "run": run, "last": last });
        let mut reply = other.call("Path", "DryRun", request).unwrap();
        if last {
            break reply["report"].take();
        }
        (run, rest) = (reply["run"].take(), behind);
    };
    assert_eq!(told["cycles"], dry.len());
    assert_eq!(told["linear_deviation"], report.deviation.linear);
    for (told, expected) in told["axes"].as_array().unwrap().iter().zip(&report.axes) {
        assert_eq!(
            (told["lowest"].as_f64(), told["highest"].as_f64()),
            (Some(expected.range.0), Some(expected.range.1))
        );
        for (order, name) in ["velocity", "acceleration", "jerk"].iter().enumerate() {
            assert_eq!(told[name]["value"], expected.peaks[order].value);
            assert_eq!(told[name]["share"], expected.shares[order]);
        }
    }
    program.lines(&points);
    program.end();
    program.planned();
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    let told = |frame: &Frame| -> Told {
        let words: Vec<u64> = (0..AXES).flat_map(|axis| frame.words[8 * axis..8 * axis + TOLD].to_vec()).collect();
        words.try_into().unwrap()
    };
    let machine: Vec<Told> = held.frames[accepted..].iter().map(told).collect();
    let moving = |cycles: &[Told]| cycles.iter().position(|told| !at_rest(told)).unwrap();
    let (machine, dry) = (&machine[moving(&machine)..], &dry[moving(&dry)..]);
    assert!(dry.len() > 300, "{}", dry.len());
    for (cycle, (machine, dry)) in machine.iter().zip(dry).enumerate() {
        assert_eq!(machine, dry, "cycle {cycle}");
    }
    assert!(machine[dry.len()..].iter().all(at_rest));
    held.end();
}

#[test]
fn the_client_of_a_dry_run_that_goes_ends_it_and_mistakes_are_told_with_their_lines() {
    let held = Held::start();
    let mut machine = held.connect();
    let wrong = json!({ "group": "gantry", "text": "line x=1\nlien x=2\n" });
    let refused = machine.call("Path", "DryRun", wrong).unwrap_err();
    assert_eq!((refused.short_name(), refused.field("problems").unwrap()[0]["line"].as_u64()), ("Mistakes", Some(2)));
    // As many as there may be, each of days, whose clients go.
    for _ in 0..3 {
        let mut clients: Vec<Machine> = (0..motiond::limits::MAX_DRY_RUNS).map(|_| held.connect()).collect();
        for client in &mut clients {
            let long = json!({ "group": "gantry", "text": "feed 0.001\nline x=900\n", "last": false });
            // Where one of those before has not been missed yet.
            until("there is a place", || client.call("Path", "DryRun", long.clone()).ok());
        }
        let full = json!({ "group": "gantry", "text": "line x=1\n" });
        assert_eq!(machine.call("Path", "DryRun", full).unwrap_err().short_name(), "QueueFull");
    }
    until("there is a place", || {
        machine.call("Path", "DryRun", json!({ "group": "gantry", "text": "line x=101\n" })).ok()
    });
    held.end();
}

#[test]
fn a_program_behind_one_that_was_halted_has_all_its_room() {
    let mut held = Held::start();
    held.power_up();
    for _ in 0..10 {
        let mut program = Program::begin(&mut held);
        let points = program.curve(20_000, 1.0);
        program.lines(&points);
        held.command("Group", "Halt", json!({ "group": "gantry" }));
        held.run_until(LONG, "it is halted", |now| now.groups[0].state == GroupState::GroupStandby);
    }
    let mut program = Program::begin(&mut held);
    program.lines(&[[program.start[0] + 1.0, program.start[1], program.start[2]]]);
    program.end();
    program.planned();
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn who_gives_no_more_leaves_the_machine_at_rest_on_the_path_and_may_go_on() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let points = program.curve(3000, 1.0);
    program.lines(&points[..1500]);
    program.taken();
    let mut snapshots = Vec::new();
    for _ in 0..4000 {
        held.step();
        snapshots.push(held.snapshot.clone());
        // The planner looks in its own time.
        if rests(&held) {
            std::thread::yield_now();
        }
    }
    assert_within_limits(&held, &snapshots);
    assert!(rests(&held) && group(&held).on_path, "{:?}", group(&held));
    until("it rests where the known path ends", || {
        held.step();
        let at = [0, 1, 2].map(|axis| held.snapshot.axes[axis].setpoint);
        at.iter().zip(&points[1499]).all(|(at, end)| (at - end).abs() < 1e-6).then_some(())
    });
    assert_eq!(group(&held).active, program.handle);
    program.lines(&points[1500..]);
    program.end();
    program.planned();
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn a_planner_that_dies_leaves_the_machine_at_rest_on_the_path() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let points: Vec<[f64; AXES]> =
        (1..4000).map(|i| [program.start[0] + 0.2 * f64::from(i), program.start[1], program.start[2]]).collect();
    program.lines_at(100.0, &points);
    held.run_until(LONG, "it moves", |now| now.axes[0].velocity > 99.0);
    held.connect().call("Test", "Panic", json!({ "service": "planner", "place": "loop" })).unwrap();
    until("the planner is back", || (held.service("planner").0 == 1).then_some(()));
    let mut snapshots = Vec::new();
    for _ in 0..12_000 {
        held.step();
        snapshots.push(held.snapshot.clone());
    }
    assert_within_limits(&held, &snapshots);
    assert!(rests(&held) && group(&held).starved, "{:?}", group(&held));
    assert!(held.snapshot.axes[0].setpoint < points.last().unwrap()[0]);
    let more = program.with(json!({ "points": [1.0, 2.0, 3.0] }));
    let refused = program.machine.call("Path", "Lines", more).unwrap_err();
    assert_eq!(refused.short_name(), "Refused", "{refused}");
    held.command("Group", "Halt", json!({ "group": "gantry" }));
    held.run_until(100, "it is halted", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Aborted);
    // The next program is planned by the one that came back.
    let mut next = Program::begin(&mut held);
    let there = [next.start[0] - 5.0, next.start[1], next.start[2]];
    next.lines(&[there]);
    next.end();
    next.planned();
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(next.machine.wait(next.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn interrupt_and_override_hold_on_the_path_and_go_on_to_its_exact_end() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let points = program.curve(2000, 1.0);
    program.lines(&points);
    program.end();
    program.planned();
    held.run_until(LONG, "it moves", |now| now.groups[0].path_velocity > 50.0);
    held.command("Group", "Interrupt", json!({ "group": "gantry" }));
    held.run_until(2000, "it is held", |now| now.groups[0].path_velocity == 0.0);
    assert!(group(&held).interrupted && rests(&held));
    let distance = group(&held).path_distance;
    held.run(100);
    assert_eq!(group(&held).path_distance, distance);
    held.command("Group", "Continue", json!({ "group": "gantry" }));
    held.run_until(2000, "it moves again", |now| now.groups[0].path_velocity > 50.0);
    for ratio in [0.0, 2.0, 0.3, 1.0] {
        held.command("Group", "SetOverride", json!({ "group": "gantry", "ratio": ratio }));
        held.run(150);
    }
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    for (axis, end) in held.snapshot.axes.iter().zip(points.last().unwrap()) {
        assert!((axis.setpoint - end).abs() < 1e-9, "{} instead of {end}", axis.setpoint);
    }
    held.end();
}

#[test]
fn a_stop_ends_the_program_within_the_limits_and_locks_the_group() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let points: Vec<[f64; AXES]> =
        (1..900).map(|i| [program.start[0] + f64::from(i), program.start[1], program.start[2]]).collect();
    program.lines(&points);
    program.end();
    program.planned();
    held.run_until(LONG, "it moves", |now| now.axes[0].velocity > 299.9);
    held.connect().call("Group", "Stop", json!({ "group": "gantry" })).unwrap();
    held.step();
    held.ramp_to_rest(0);
    held.run(10);
    assert_eq!(group(&held).state, GroupState::GroupStopping);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Aborted);
    let more = program.with(json!({ "points": [1.0, 2.0, 3.0] }));
    until("the program is closed", || program.machine.call("Path", "Lines", more.clone()).err());
    held.end();
}

#[test]
fn a_path_without_an_element_is_done_at_once_and_one_begins_only_at_rest() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let lease = program.lease.clone();
    let mut machine = held.connect();
    let second = held.ask(&mut machine, "Path", "Begin", json!({ "group": "gantry", "lease": lease })).unwrap_err();
    assert!(second.to_string().contains("StillMoving"), "{second}");
    assert!(second.hint().is_some_and(|hint| hint.contains("`buffer`")), "{second:?}");
    program.end();
    until("it is done", || {
        held.step();
        (group(&held).state == GroupState::GroupStandby).then_some(())
    });
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn motionctl_follows_the_path_file_of_the_readme_and_says_where_one_begins_elsewhere() {
    let mut held = Held::start();
    held.power_up();
    let lease = held.lease();
    held.connect().call("Lease", "Release", json!({ "lease": lease })).unwrap();
    // A cycle at a time for as long as the program runs.
    let run = |held: &mut Held, arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_motionctl"));
        command.args(arguments).env("MOTIOND_SOCKET", held.socket());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        until("motionctl ends", || {
            held.step();
            child.try_wait().unwrap()
        });
        let output = child.wait_with_output().unwrap();
        (output.status.code(), [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat())
    };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/paths/plate.path");
    let (code, said) = run(&mut held, &["path", file, "--group", "gantry", "--wait"]);
    assert_eq!((code, said.as_str()), (Some(0), format!("path {file}: done\n").as_str()));
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    let (code, said) = run(&mut held, &["path", file, "--group", "gantry"]);
    assert!(code == Some(2) && said.contains("the path begins at x=100, and the machine is at x="), "{said}");
    held.run_until(LONG, "it is halted", |now| now.groups[0].state == GroupState::GroupStandby);
    // A dry run with the daemon's machine says what one with its configuration says.
    let (code, said) = run(&mut held, &["path", "--dry-run", file, "--group", "gantry"]);
    let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo.toml");
    let offline = run(&mut held, &["path", "--dry-run", file, "--config", config, "--group", "gantry"]);
    assert_eq!((code, said), offline);
    assert_eq!(offline.0, Some(0), "{}", offline.1);
    let (code, said) = run(&mut held, &["path", file, "--group", "crane"]);
    assert!(code == Some(2) && said.contains("--group with one of: gantry, table"), "{said}");
    held.end();
}
