//! Caps of elements and feeds above limits, over the socket and from a file.

use serde_json::{Value, json};

use motiond::client::{Ended, Error};
use motiond::gateway::{GroupState, Snapshot};

use crate::held::{Held, until};
use crate::paths::{LONG, Program};

/// The tool's velocity and acceleration, and the change of that in a cycle by the period.
fn tool(before: &Snapshot, now: &Snapshot) -> [f64; 3] {
    let size = |of: &dyn Fn(usize) -> f64| (0..3).map(|axis| of(axis).powi(2)).sum::<f64>().sqrt();
    [
        size(&|axis| now.axes[axis].velocity),
        size(&|axis| now.axes[axis].acceleration),
        size(&|axis| (now.axes[axis].acceleration - before.axes[axis].acceleration) / 0.001),
    ]
}

/// The greatest of those on each line, to the end of the program.
fn peaks(held: &mut Held) -> Vec<[f64; 3]> {
    let (mut peaks, mut before) = (vec![[0.0; 3]; 8], held.snapshot.clone());
    until("the path ends", || {
        held.step();
        let now = held.snapshot.clone();
        let line = now.groups[0].path_line as usize;
        let mut found = tool(&before, &now);
        // What changes at the border of two lines is of both.
        if before.groups[0].path_line != now.groups[0].path_line {
            found[2] = 0.0;
        }
        peaks[line].iter_mut().zip(found).for_each(|(peak, found): (&mut f64, f64)| *peak = peak.max(found));
        before = now;
        (before.groups[0].state == GroupState::GroupStandby).then_some(())
    });
    peaks
}

#[test]
fn caps_over_the_socket_hold_for_their_elements_at_any_override() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let lease = program.lease.clone();
    let mut machine = held.connect();
    held.ask(&mut machine, "Group", "SetOverride", json!({ "group": "gantry", "ratio": 2.0, "lease": lease })).unwrap();
    let [x, y, z] = [program.start[0], program.start[1], program.start[2]];
    let line = |program: &mut Program, number: u32, to: [f64; 3], caps: Value| {
        let corner = json!({ "mode": "stop" });
        let line = json!({ "points": to, "feed": 150.0, "caps": caps, "corner": corner, "line": number });
        let line = program.with(line);
        program.machine.call("Path", "Lines", line).unwrap();
    };
    line(&mut program, 1, [x + 40.0, y, z], Value::Null);
    line(&mut program, 2, [x + 40.0, y + 40.0, z], json!({ "speed": 50.0, "acceleration": 200.0, "jerk": 3000.0 }));
    // What an append leaves out is as before; 0 caps nothing.
    line(&mut program, 3, [x, y + 40.0, z], Value::Null);
    line(&mut program, 4, [x, y, z], json!({ "speed": 0 }));
    program.end();
    program.planned();
    let peaks = peaks(&mut held);
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    for line in [2, 3] {
        let [velocity, acceleration, jerk] = peaks[line];
        assert!(velocity > 49.0 && velocity <= 50.0 * (1.0 + 1e-9), "{peaks:?}");
        assert!(acceleration > 150.0 && acceleration <= 200.0 * (1.0 + 1e-9), "{peaks:?}");
        assert!(jerk > 1000.0 && jerk <= 3000.0 * (1.0 + 1e-6), "{peaks:?}");
    }
    for line in [1, 4] {
        assert!(peaks[line][0] > 150.0 && peaks[line][1] > 400.0, "{peaks:?}");
    }
    held.end();
}

#[test]
fn what_is_no_cap_is_refused_with_what_was_found_and_allowed_and_changes_nothing() {
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let to = [program.start[0] + 5.0, program.start[1], program.start[2]];
    let mut asked = |caps: Value| {
        let line = program.with(json!({ "points": to, "feed": 100.0, "caps": caps, "line": 9 }));
        program.machine.call("Path", "Lines", line)
    };
    for (caps, found, least) in [
        (json!({ "speed": -5.0 }), -5.0, 1e-3),
        (json!({ "speed": 1e-4 }), 1e-4, 1e-3),
        (json!({ "speed": 10.0, "acceleration": -1.0 }), -1.0, 0.1),
        (json!({ "jerk": 0.5 }), 0.5, 1.0),
    ] {
        let refused = asked(caps.clone()).unwrap_err();
        let Error::Refused { fields, .. } = &refused else { panic!("{caps}: {refused:?}") };
        assert_eq!((&fields["reason"], &fields["line"]), (&json!("CapRange"), &json!(9)), "{caps}: {refused:?}");
        assert_eq!((&fields["requested"], &fields["limit"]), (&json!(found), &json!(least)), "{caps}");
    }
    for caps in [json!({ "speed": "fast" }), json!({ "velocity": 5.0 }), json!(5.0)] {
        let refused = asked(caps.clone()).unwrap_err();
        assert_eq!(refused.short_name(), "InvalidParameter", "{caps}: {refused:?}");
    }
    let status = program.machine.call("Path", "Status", json!({ "group": "gantry" })).unwrap();
    assert_eq!(status["taken"], 0, "{status}");
    held.end();
}

#[test]
fn a_feed_above_the_limits_is_followed_as_fast_as_they_permit_from_a_file_as_over_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fast.path");
    let mut found = Vec::new();
    for (feed, caps) in [("1e6", ""), ("1e6", "cap speed 30\n")] {
        let mut held = Held::start();
        held.power_up();
        let lease = held.lease();
        held.connect().call("Lease", "Release", json!({ "lease": lease })).unwrap();
        std::fs::write(&file, format!("relative\nfeed {feed}\n{caps}line x=60\nline x=-60\n")).unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_motionctl"));
        command.args(["path", "--wait", "--group", "gantry"]).arg(&file).env("MOTIOND_SOCKET", held.socket());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let (mut child, mut fastest) = (command.spawn().unwrap(), 0.0_f64);
        until("motionctl ends", || {
            held.step();
            fastest = fastest.max(held.snapshot.axes[0].velocity.abs());
            child.try_wait().unwrap()
        });
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let limit = held.daemon().gateway().description().groups[0].path_limits.velocity;
        assert!(fastest <= limit, "{fastest} of {limit}");
        found.push(fastest);
        held.end();
    }
    // And over the socket.
    let mut held = Held::start();
    held.power_up();
    let mut program = Program::begin(&mut held);
    let [x, y, z] = [program.start[0], program.start[1], program.start[2]];
    program.lines_at(1e6, &[[x + 60.0, y, z], [x, y, z]]);
    program.end();
    program.planned();
    let mut fastest = 0.0_f64;
    until("it is there", || {
        held.step();
        fastest = fastest.max(held.snapshot.axes[0].velocity.abs());
        (held.snapshot.groups[0].state == GroupState::GroupStandby).then_some(())
    });
    assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
    let [from_file, capped] = found[..] else { panic!("{found:?}") };
    assert!((from_file - fastest).abs() < 0.05 * fastest && fastest > 100.0, "{from_file} and {fastest}");
    assert!(capped > 29.0 && capped <= 30.0 * (1.0 + 1e-9), "{capped}");
    held.run_until(LONG, "it rests", |now| now.groups[0].state == GroupState::GroupStandby);
    held.end();
}
