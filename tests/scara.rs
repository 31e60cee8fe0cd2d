//! An arm whose joints are no coordinates of its tool, by the built programs over their socket: paths in coordinates of the tool, what is
//! refused before it is a part of one, and what is shown.

use serde_json::{Value, json};

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod process;

use motiond::client::{Ended, Error, Machine};
use process::{Daemon, until};

const PATH: &str = "config/paths/scara.path";
const CONFIG: &str = "config/scara.toml";

/// A daemon with the arm, on a host on which other tests take the processor for longer than a machine would bear.
fn arm() -> Daemon {
    let daemon = Daemon::start_with(|_| {
        let shipped = std::fs::read_to_string(CONFIG).unwrap();
        let patient = shipped.replace("max-skipped-periods = 100 ", "max-skipped-periods = 1000 ");
        assert_ne!(patient, shipped, "{CONFIG} has another bound for skipped periods");
        patient.replace("[[bus.device]]\nname = ", "[[bus.device]]\nwatchdog-ms = 1000\nname = ")
    });
    for axis in ["shoulder", "elbow", "quill", "rotation"] {
        daemon.done(&format!("power on {axis} --wait"));
    }
    daemon.done("group enable arm --wait");
    daemon
}

/// A program that is open.
struct Program {
    machine: Machine,
    lease: Value,
    begun: Value,
}

impl Program {
    fn begin(daemon: &Daemon) -> Program {
        let mut machine = daemon.connect();
        let scope = json!({ "group": "arm", "ttl_ms": 30_000, "on_loss": "stop", "holder": "test" });
        let lease = machine.call("Lease", "Acquire", scope).unwrap()["lease"].clone();
        let begun = machine.call("Path", "Begin", json!({ "group": "arm", "lease": lease })).unwrap();
        Program { machine, lease, begun }
    }

    fn call(&mut self, method: &str, mut parameters: Value) -> Result<Value, Error> {
        parameters["group"] = json!("arm");
        parameters["lease"] = self.lease.clone();
        if matches!(method, "Lines" | "Arc" | "End") {
            parameters["handle"] = self.begun["handle"].clone();
        }
        let interface = if method == "MoveLinear" { "Group" } else { "Path" };
        self.machine.call(interface, method, parameters)
    }

    fn lines(&mut self, points: &[[f64; 4]]) -> Result<Value, Error> {
        self.call(
            "Lines",
            json!({ "points": points.concat(), "feed": 300.0, "corner": { "mode": "exact" }, "line": 7 }),
        )
    }

    fn refused(&mut self, points: &[[f64; 4]]) -> Value {
        match self.lines(points) {
            Err(Error::Refused { fields, .. }) => Value::Object(fields),
            other => panic!("{points:?}: {other:?}"),
        }
    }
}

fn near(found: &Value, wanted: f64) {
    assert!((found.as_f64().unwrap() - wanted).abs() < 0.01, "{found} instead of {wanted}");
}

#[test]
fn the_arm_follows_a_path_in_coordinates_of_its_tool() {
    let daemon = arm();
    let printed = daemon.done(&format!("path {PATH} --wait"));
    assert!(printed.contains("done"), "{printed}");
    // Where it ends is where it began.
    let printed = daemon.done("status");
    assert!(printed.contains("tool at x 388.9") && printed.contains(" mm, y -35.3"), "{printed}");
    let status = daemon.connect().call("Group", "Status", json!({ "group": "arm" })).unwrap();
    for (found, wanted) in status["status"]["tool"].as_array().unwrap().iter().zip([388.909, -35.355, -50.0, 45.0]) {
        near(&found["setpoint"], wanted);
    }
}

#[test]
fn what_the_arm_cannot_follow_is_refused_before_it_is_part_of_a_path() {
    let daemon = arm();
    let mut program = Program::begin(&daemon);
    assert_eq!(program.begun["axes"], json!(["x", "y", "z", "c"]));
    for (found, wanted) in program.begun["start"].as_array().unwrap().iter().zip([388.909, -35.355, -50.0, 45.0]) {
        near(found, wanted);
    }
    // Out of reach, in the second of two.
    let refused = program.refused(&[[400.0, 0.0, -50.0, 45.0], [500.0, 400.0, -50.0, 45.0]]);
    assert_eq!(
        (&refused["reason"], &refused["element"], &refused["line"]),
        (&json!("OutOfReach"), &json!(1), &json!(8))
    );
    near(&refused["limit"], 550.0);
    assert!(refused["requested"].as_f64().unwrap() > 550.0, "{refused}");
    assert!(refused["hint"].as_str().unwrap().contains("the shoulder"), "{refused}");
    // Too near to the border of the reach.
    let refused = program.refused(&[[549.999, 0.0, -50.0, 45.0]]);
    assert_eq!((&refused["reason"], &refused["limit"]), (&json!("Singular"), &json!(0.01)), "{refused}");
    near(&refused["at"][0], 549.999);
    // A joint beyond its limit: the shoulder at more than 170 degrees, in the third of three.
    let round = [[0.0, 390.0, -50.0, 45.0], [-390.0, 0.0, -50.0, 45.0], [-120.0, -370.0, -50.0, 45.0]];
    let refused = program.refused(&round);
    assert_eq!((&refused["reason"], &refused["unit"]), (&json!("SoftLimit"), &json!("deg")), "{refused}");
    assert_eq!((&refused["axis"], &refused["element"]), (&json!("shoulder"), &json!(2)), "{refused}");
    // The quill.
    let refused = program.refused(&[[400.0, 0.0, 5.0, 45.0]]);
    assert_eq!((&refused["axis"], &refused["limit"]), (&json!("quill"), &json!(0.0)), "{refused}");
    // Straight through the shoulder's axis, where a fold of the arm would be needed that it does not have.
    let refused = program.refused(&[[-388.909, 35.355, -50.0, 45.0]]);
    assert_eq!(refused["reason"], json!("OutOfReach"), "{refused}");
    // None of that changed anything.
    program.lines(&[[400.0, 0.0, -50.0, 45.0], [300.0, 100.0, -60.0, 90.0]]).unwrap();
    program.call("End", json!({})).unwrap();
    let handle = program.begun["handle"].as_u64().unwrap();
    assert_eq!(program.machine.wait(handle).unwrap(), Ended::Done);
    let status = program.machine.call("Group", "Status", json!({ "group": "arm" })).unwrap();
    for (found, wanted) in status["status"]["tool"].as_array().unwrap().iter().zip([300.0, 100.0, -60.0, 90.0]) {
        near(&found["setpoint"], wanted);
    }
    let told = program.machine.call("Path", "Status", json!({ "group": "arm" })).unwrap();
    assert!(told["singularity"]["distance"].as_f64().unwrap() > 0.5 && told["obstacle_line"].is_null(), "{told}");
    let targets = json!([{ "axis": "shoulder", "value": 0.0 }]);
    let refused = program.call("MoveLinear", json!({ "targets": targets, "relative": true })).unwrap_err();
    assert_eq!(refused.field("reason"), Some(&json!("Kinematics")), "{refused}");
}

#[test]
fn a_dry_run_tells_of_tool_joints_and_singularities() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_motionctl"));
    let picture = tempfile::tempdir().unwrap();
    let svg = picture.path().join("arm.svg");
    command.args([
        "path",
        "--dry-run",
        PATH,
        "--config",
        CONFIG,
        "--posture",
        "shoulder=-45,elbow=90,quill=-50,rotation=0",
    ]);
    let output = process::output(command.arg("--svg").arg(&svg).arg("--json"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let used =
        |of: &Value| ["velocity", "acceleration", "jerk"].map(|order| of[order]["share_of_limit"].as_f64().unwrap());
    let all = report["axes"].as_array().unwrap().iter().map(used).chain([used(&report["tool"])]);
    for shares in all {
        assert!(shares.iter().all(|share| *share <= 1.0), "{report}");
    }
    assert!(used(&report["tool"]).iter().any(|share| *share > 0.5), "{report}");
    assert!(report["deviation"]["mm"].as_f64().unwrap() <= 0.05, "{report}");
    assert!(report["singularity"]["distance"].as_f64().unwrap() > 0.01, "{report}");
    assert_eq!(report["coordinates"][0]["name"], "x");
    assert!(std::fs::read_to_string(svg).unwrap().contains("x (mm)"));
}

#[test]
fn timed_points_are_those_of_the_joints() {
    let daemon = arm();
    let mut program = Program::begin(&daemon);
    let begin = json!({ "group": "arm", "lease": program.lease, "buffer": "aborting" });
    let begun = program.machine.call("Stream", "Begin", begin).unwrap();
    assert_eq!(begun["axes"], json!(["shoulder", "elbow", "quill", "rotation"]));
    let start: Vec<f64> = begun["start"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    let of = |mut parameters: Value| {
        parameters["group"] = json!("arm");
        parameters["handle"] = begun["handle"].clone();
        parameters["lease"] = program.lease.clone();
        parameters
    };
    // The elbow straight, through the singularity, where no path goes: a wave from where it is to 10 degrees beyond, and back.
    let count = 400;
    let place = |i: i32| {
        let rise = (f64::from(i) / f64::from(count) * std::f64::consts::PI).sin().powi(4);
        [start[0], start[1] - rise * (start[1] + 10.0), start[2], start[3]]
    };
    let times: Vec<f64> = (1..=count).map(|i| f64::from(i) * 0.01).collect();
    let beyond = json!({ "times": [10.0, 20.0], "positions": [start[0], 170.0, start[2], start[3], start[0], start[1], start[2], start[3]] });
    match program.machine.call("Stream", "Points", of(beyond)) {
        Err(Error::Refused { fields, .. }) => {
            assert_eq!((&fields["reason"], &fields["axis"]), (&json!("SoftLimit"), &json!("elbow")), "{fields:?}");
        }
        other => panic!("{other:?}"),
    }
    let points = json!({ "times": times, "positions": (1..=count).flat_map(place).collect::<Vec<f64>>() });
    program.machine.call("Stream", "Points", of(points)).unwrap();
    program.machine.call("Stream", "End", of(json!({}))).unwrap();
    let lowest = std::cell::Cell::new(f64::MAX);
    until("it is there", || {
        let status = daemon.connect().call("Axis", "Status", json!({ "axis": "elbow" })).unwrap();
        lowest.set(lowest.get().min(status["status"]["setpoint"].as_f64().unwrap()));
        let stream = daemon.connect().call("Stream", "Status", json!({ "group": "arm" })).unwrap();
        (stream["handle"].is_null()).then_some(())
    });
    assert!(lowest.get() < -9.0, "{}", lowest.get());
    assert_eq!(program.machine.wait(begun["handle"].as_u64().unwrap()).unwrap(), Ended::Done);
}

#[test]
fn a_singularity_that_slows_a_path_is_told_once_with_group_line_and_posture() {
    let daemon = arm();
    let mut program = Program::begin(&daemon);
    // Almost stretched, four times within a second; what is between leaves the neighbourhood for a moment.
    let (near, off) = ([549.5, 0.0, -50.0, 45.0], [545.0, 0.0, -50.0, 45.0]);
    program
        .lines(&[[450.0, 0.0, -50.0, 45.0], near, off, near, off, near, off, near, [450.0, 0.0, -50.0, 45.0]])
        .unwrap();
    program.call("End", json!({})).unwrap();
    let handle = program.begun["handle"].as_u64().unwrap();
    assert_eq!(program.machine.wait(handle).unwrap(), Ended::Done);
    let told = || {
        let events = daemon.connect().call("Events", "Read", json!({ "after": 0 })).unwrap()["events"].clone();
        let slowed = |event: &&Value| event["kind"] == "path_slowed";
        events.as_array().unwrap().iter().filter(slowed).cloned().collect::<Vec<Value>>()
    };
    let slowed = told();
    assert_eq!(slowed.len(), 1, "{slowed:?}");
    assert_eq!((&slowed[0]["group"], &slowed[0]["handle"]), (&json!("arm"), &json!(handle)), "{slowed:?}");
    assert_eq!((&slowed[0]["words"], &slowed[0]["line"]), (&json!("the arm is stretched"), &json!(8)), "{slowed:?}");
    let words = daemon.done("events");
    assert!(words.contains("path slowed, line 8: the arm is stretched"), "{words}");
    // What is far from one tells nothing.
    let begun = program.call("Begin", json!({})).unwrap();
    program.begun = begun;
    program.lines(&[[400.0, 50.0, -50.0, 45.0]]).unwrap();
    program.call("End", json!({})).unwrap();
    let handle = program.begun["handle"].as_u64().unwrap();
    assert_eq!(program.machine.wait(handle).unwrap(), Ended::Done);
    assert_eq!(told().len(), 1);
}

#[test]
fn a_dry_run_says_how_much_and_for_how_long_a_singularity_slows_it() {
    let text = "start x=450 y=0 z=-50 c=45\nfeed 300\ntolerance 0.05\nline x=549.5\nline x=450\n";
    let run = |file: &std::path::Path, machine_readable: bool| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_motionctl"));
        command.args(["path", "--dry-run", "--config", CONFIG]).arg(file);
        if machine_readable {
            command.arg("--json");
        }
        let output = process::output(&mut command);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("near.path");
    std::fs::write(&file, text).unwrap();
    let report: Value = serde_json::from_str(&run(&file, true)).unwrap();
    let slowed = &report["slowed"];
    assert_eq!(slowed.as_array().unwrap().len(), 1, "{report}");
    assert_eq!(slowed[0]["what"], "the arm is stretched");
    let (share, seconds) = (slowed[0]["share_of_feed"].as_f64().unwrap(), slowed[0]["duration_s"].as_f64().unwrap());
    assert!((0.01..0.8).contains(&share) && (0.01..1.0).contains(&seconds), "{slowed}");
    assert!((4..=5).contains(&slowed[0]["line"].as_u64().unwrap()), "{slowed}");
    let words = run(&file, false);
    assert!(words.contains("slowed     for 0.") && words.contains(" % of the feed in line "), "{words}");
    // The daemon's own dry run says the same.
    let daemon = arm();
    let words = daemon.done(&format!("path --dry-run {}", file.display()));
    assert!(words.contains("slowed     for 0.") && words.contains(": the arm is stretched"), "{words}");
    std::fs::write(&file, text.replace("549.5", "500")).unwrap();
    let report: Value = serde_json::from_str(&run(&file, true)).unwrap();
    assert_eq!(report["slowed"], json!([]), "{report}");
}
