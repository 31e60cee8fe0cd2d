//! Timed points over the socket, while the machine follows them: in time, within limits, whatever becomes of those who give them.

use std::ffi::OsStr;

use motiond::client::{Ended, Machine};
use motiond::gateway::{GroupState, Snapshot};
use serde_json::{Value, json};

use crate::held::{Frame, Held, assert_identical, until};
use crate::paths::{AXES, assert_within_limits};

/// Cycles in which every stream of these tests has ended.
pub const LONG: u64 = 20_000;
const SPACING_S: f64 = 0.01;

/// A stream that is open.
pub struct Stream {
    pub machine: Machine,
    pub handle: u64,
    pub lease: Value,
    pub start: Vec<f64>,
}

impl Stream {
    pub fn begin(held: &mut Held, how: Value) -> Stream {
        let lease = held.lease();
        let mut machine = held.connect();
        let mut begin = how;
        (begin["group"], begin["lease"]) = (json!("gantry"), lease.clone());
        let begun = held.ask(&mut machine, "Stream", "Begin", begin).unwrap();
        Stream::begun(machine, lease, &begun)
    }

    pub fn begun(machine: Machine, lease: Value, begun: &Value) -> Stream {
        let start = begun["start"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
        Stream { machine, handle: begun["handle"].as_u64().unwrap(), lease, start }
    }

    pub fn with(&self, mut parameters: Value) -> Value {
        parameters["group"] = json!("gantry");
        parameters["handle"] = json!(self.handle);
        parameters["lease"] = self.lease.clone();
        parameters
    }

    /// Points `range` of a curve from where the stream begins to where it began, of so many points.
    pub fn points(&mut self, range: std::ops::Range<usize>, count: usize) -> Value {
        let times: Vec<f64> = range.clone().map(|i| i as f64 * SPACING_S).collect();
        let positions: Vec<f64> = range.flat_map(|i| self.place(i as f64 / count as f64)).collect();
        let points = self.with(json!({ "times": times, "positions": positions }));
        self.machine.call("Stream", "Points", points).unwrap()
    }

    pub fn place(&self, share: f64) -> [f64; AXES] {
        let angle = share * std::f64::consts::TAU;
        let size = (angle / 2.0).sin().powi(4);
        [
            self.start[0] + 40.0 * size * (3.0 * angle).sin(),
            self.start[1] + 60.0 * size,
            self.start[2] - 5.0 * size * (1.0 - (2.0 * angle).cos()),
        ]
    }

    pub fn end(&mut self) {
        let end = self.with(json!({}));
        self.machine.call("Stream", "End", end).unwrap();
    }

    pub fn status(&mut self) -> Value {
        self.machine.call("Stream", "Status", json!({ "group": "gantry" })).unwrap()
    }

    /// The planner has taken all that was given.
    fn taken(&mut self) {
        self.until("waiting", json!(0));
    }

    pub fn planned(&mut self) {
        self.until("planned", json!(true));
    }

    /// Until its status says so.
    pub fn until(&mut self, field: &str, value: Value) {
        until("the planner has come as far", || (self.status()[field] == value).then_some(()));
    }
}

pub fn rests(now: &Snapshot) -> bool {
    now.axes[..AXES].iter().all(|axis| axis.velocity == 0.0 && axis.acceleration == 0.0)
}

pub fn run(held: &mut Held, cycles: u64, snapshots: &mut Vec<Snapshot>) {
    for _ in 0..cycles {
        held.step();
        snapshots.push(held.snapshot.clone());
    }
}

/// The whole curve in batches of this size; every cycle from the one that accepted it.
fn run_in_batches(size: usize) -> Vec<Frame> {
    const COUNT: usize = 300;
    let mut held = Held::start();
    held.power_up();
    let mut stream = Stream::begin(&mut held, json!({}));
    let accepted = held.frames.len();
    let mut next = 1;
    while next <= COUNT {
        let end = (next + size).min(COUNT + 1);
        stream.points(next..end, COUNT);
        next = end;
    }
    stream.end();
    stream.planned();
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    for (axis, end) in held.snapshot.axes.iter().zip(&stream.start) {
        assert!((axis.setpoint - end).abs() < 1e-9, "{} instead of {end}", axis.setpoint);
    }
    held.axes_since(accepted)
}

#[test]
fn points_of_any_batches_give_the_same_setpoints_to_the_last_bit() {
    let whole = run_in_batches(300);
    assert!(whole.len() > 3000, "{}", whole.len());
    assert_identical(&whole, &run_in_batches(7));
}

#[test]
fn each_point_is_passed_at_its_time() {
    const COUNT: usize = 300;
    let mut held = Held::start();
    held.power_up();
    let mut stream = Stream::begin(&mut held, json!({ "lead": 0.5 }));
    stream.points(1..COUNT + 1, COUNT);
    stream.end();
    stream.planned();
    let mut snapshots = vec![held.snapshot.clone()];
    run(&mut held, 3100, &mut snapshots);
    assert_within_limits(&held, &snapshots);
    let begun = snapshots.iter().position(|now| now.groups[0].path_distance > 0.0).unwrap();
    for point in 1..=COUNT {
        let now = &snapshots[begun + point * 10 - 1];
        for (axis, wanted) in now.axes.iter().zip(stream.place(point as f64 / COUNT as f64)) {
            assert!((axis.setpoint - wanted).abs() < 1e-9, "point {point}: {} {wanted}", axis.setpoint);
        }
        assert_eq!(now.groups[0].stream_behind_s, 0.0);
    }
    assert_eq!(stream.status()["late"], 0);
    held.end();
}

#[test]
fn who_dies_leaves_the_machine_at_rest_on_the_curve_and_late_points_are_told() {
    const COUNT: usize = 300;
    let mut held = Held::start();
    held.power_up();
    let mut stream = Stream::begin(&mut held, json!({ "stop": 0.3 }));
    stream.points(1..150, COUNT);
    stream.taken();
    let mut snapshots = vec![held.snapshot.clone()];
    // The last point waits for the one behind it: the curve is known to the one before.
    run(&mut held, 2500, &mut snapshots);
    assert_within_limits(&held, &snapshots);
    assert!(rests(&held.snapshot) && held.snapshot.groups[0].on_path, "{:?}", held.snapshot.groups[0]);
    let known = stream.place(148.0 / COUNT as f64);
    until("it rests where the known curve ends", || {
        held.step();
        let at = [0, 1, 2].map(|axis| held.snapshot.axes[axis].setpoint);
        at.iter().zip(known).all(|(at, end)| (at - end).abs() < 1e-6).then_some(())
    });
    let status = stream.status();
    assert!(status["starved"] == true && status["behind"].as_f64() > Some(1.0) && status["held"] == 0.0, "{status}");
    let reply = stream.points(150..160, COUNT);
    assert!(reply["late"] == 10 && reply["lateness"].as_f64() > Some(0.5), "{reply}");
    stream.points(160..COUNT + 1, COUNT);
    stream.end();
    stream.planned();
    let [greatest, told] = [&stream.status()["greatest"], &reply["lateness"]].map(|told| told.as_f64().unwrap());
    assert!((greatest - told).abs() < 1e-9, "{greatest}, and the answer said {told}");
    let metrics = held.scrape().unwrap();
    let told = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name}{{group=\"gantry\"}} "))).unwrap();
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(told("motion_stream_points_total"), COUNT as f64);
    assert!(told("motion_stream_lateness_seconds_count") >= 10.0 && told("motion_stream_behind_seconds") > 1.0);
    let mut snapshots = vec![held.snapshot.clone()];
    while held.snapshot.groups[0].state != GroupState::GroupStandby {
        run(&mut held, 1, &mut snapshots);
        assert!(snapshots.len() < 5000);
    }
    assert_within_limits(&held, &snapshots);
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn a_hold_stands_on_the_curve_and_is_caught_up_where_that_was_asked_for() {
    const COUNT: usize = 300;
    let mut held = Held::start();
    held.power_up();
    let mut stream = Stream::begin(&mut held, json!({ "catch_up": 0.4, "stop": 0.4 }));
    stream.points(1..COUNT + 1, COUNT);
    stream.end();
    stream.planned();
    let mut snapshots = vec![held.snapshot.clone()];
    run(&mut held, 600, &mut snapshots);
    held.command("Group", "Interrupt", json!({ "group": "gantry" }));
    run(&mut held, 450, &mut snapshots);
    assert!(rests(&held.snapshot) && held.snapshot.groups[0].interrupted);
    let status = stream.status();
    assert!(status["held"].as_f64() > Some(0.1) && status["held"] == status["behind"], "{status}");
    held.command("Group", "Continue", json!({ "group": "gantry" }));
    snapshots.truncate(0);
    run(&mut held, 1900, &mut snapshots);
    assert_within_limits(&held, &snapshots);
    let status = stream.status();
    assert!(status["behind"].as_f64() < Some(0.06) && status["handle"] == stream.handle, "{status}");
    held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn a_stop_ends_the_stream_within_the_limits_and_locks_the_group() {
    const COUNT: usize = 300;
    let mut held = Held::start();
    held.power_up();
    let mut stream = Stream::begin(&mut held, json!({}));
    stream.points(1..COUNT + 1, COUNT);
    stream.end();
    stream.planned();
    let mut snapshots = vec![held.snapshot.clone()];
    run(&mut held, 1200, &mut snapshots);
    assert!(!rests(&held.snapshot));
    held.connect().call("Group", "Stop", json!({ "group": "gantry" })).unwrap();
    run(&mut held, 500, &mut snapshots);
    assert_within_limits(&held, &snapshots);
    assert!(rests(&held.snapshot));
    assert_eq!(held.snapshot.groups[0].state, GroupState::GroupStopping);
    assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Aborted);
    let more = stream.with(json!({ "times": [9.0], "positions": stream.start }));
    until("the stream is closed", || stream.machine.call("Stream", "Points", more.clone()).err());
    held.end();
}

#[test]
fn motionctl_streams_a_file_and_says_what_is_wrong_with_one() {
    let mut held = Held::start();
    held.power_up();
    let lease = held.lease();
    held.connect().call("Lease", "Release", json!({ "lease": lease })).unwrap();
    let at = [0, 1, 2].map(|axis| held.snapshot.axes[axis].setpoint);
    let folder = tempfile::tempdir().unwrap();
    let run = |held: &mut Held, text: String| {
        let file = folder.path().join("wave.points");
        std::fs::write(&file, text).unwrap();
        held.motionctl([OsStr::new("stream"), OsStr::new("gantry"), file.as_os_str(), OsStr::new("--wait")])
    };
    let mut wave = String::from("# time, then x y z\n");
    for i in 0..=200 {
        let angle = f64::from(i) / 200.0 * std::f64::consts::TAU;
        let x = at[0] + 10.0 * (1.0 - angle.cos()).powi(2);
        wave.push_str(&format!("{:.2} {x:.6} {:.6} {:.6}\n", f64::from(i) * 0.01, at[1], at[2]));
    }
    let (code, said) = run(&mut held, wave);
    assert!(code == Some(0) && said.ends_with("wave.points: done\n"), "{said}");
    let (code, said) = run(&mut held, "0.5 1 2\n".to_string());
    assert!(
        code == Some(2) && said.contains(":1: found 2 numbers behind the time, allowed: 3 positions (x, y, z)"),
        "{said}"
    );
    held.run_until(LONG, "it is halted", |now| now.groups[0].state == GroupState::GroupStandby);
    let (code, said) = run(&mut held, format!("0.01 {} {} {}\n0.02 0 0 0\n", at[0] + 5.0, at[1], at[2]));
    assert!(code == Some(4) && said.contains("Limit"), "{said}");
    held.end();
}
