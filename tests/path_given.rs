//! `motionctl path` and the machine that follows: the real programs.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use std::io::Write;
use std::process::{Child, Command, Output, Stdio};

use daemon::{Daemon, Killed, until};
use serde_json::{Value, json};

/// Gives a group, by `motionctl` with these words, what is written to its standard input.
fn piped(daemon: &Daemon, words: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
    command.arg("--socket").arg(daemon.socket()).args(words.split_whitespace());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn said(output: Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// Stays until an axis stands at this place.
fn stands(daemon: &Daemon, axis: &str, place: f64) {
    let mut machine = daemon.connect();
    until(&format!("{axis} stands at {place}"), || {
        let status = machine.call("Axis", "Status", json!({ "axis": axis })).unwrap();
        let number = |name: &str| status["status"].get(name).and_then(Value::as_f64).unwrap();
        ((number("setpoint") - place).abs() < 1e-6 && number("velocity") == 0.0).then_some(())
    });
}

#[test]
fn a_file_with_a_mistake_at_its_end_moves_nothing() {
    let daemon = Daemon::start();
    daemon.done("enable gantry");
    let file = daemon.socket().with_file_name("wrong.path");
    let given = || daemon.motionctl(&format!("path {} --group gantry", file.display()));
    for (text, complaint) in [
        ("relative\nfeed 50\nline x=100\nline q=5\n", ":4: line: found axis \"q\""),
        ("relative\nline x=100\nspline degree 2\npoint x=5\n", ":4: end: "),
        ("start x=0 y=0 z=0\nline x=10\narc x=20 radius 1 left\n", ":3: arc: "),
    ] {
        std::fs::write(&file, text).unwrap();
        let ended = given();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2), "{said}");
        assert!(said.contains(complaint) && said.contains("nothing of the path was begun"), "{said}");
    }
    let events = String::from_utf8(daemon.motionctl("events").stdout).unwrap();
    assert!(!events.contains("path begun"), "{events}");
    // An arc of a file that does not say where it begins: from x=100, where the machine is, it is one.
    std::fs::write(&file, "feed 300\narc x=120 radius 10 left\n").unwrap();
    daemon.done(&format!("path {} --group gantry --wait", file.display()));
}

#[test]
fn a_file_that_leaves_a_soft_limit_at_its_end_moves_nothing_and_is_told_where() {
    let daemon = Daemon::start();
    daemon.done("enable gantry");
    let directory = daemon.socket();
    let name = |file: &str| directory.with_file_name(file).display().to_string();
    let (near, far, here) = (name("near.path"), name("far.path"), name("here.path"));
    std::fs::write(&near, "start x=100 y=100 z=0\nline x=110\n").unwrap();
    std::fs::write(&far, "line x=120\n\nline x=2000\nline x=3000\n").unwrap();
    std::fs::write(&here, "start x=110 y=100 z=0\nline x=130 y=700\narc x=530 y=700 radius 200 right\n").unwrap();
    let refused = |words: &str, wanted: &str, code: i32| {
        let (status, found) = said(daemon.motionctl(&format!("path {words} --group gantry")));
        assert_eq!((status, found.as_str()), (Some(code), wanted), "{words}");
    };
    let beyond = |line: &str, axis: &str, to: i32, limit: i32| {
        format!(
            "motionctl: {line}: axis \"{axis}\": SoftLimit: {to} mm asked, limit {limit} mm\n  the path goes to {to}, the soft limit is {limit}; \
             nothing of the path was begun\n"
        )
    };
    refused(&far, &beyond(&format!("{far}:3"), "x", 2000, 1200), 4);
    // Behind one that is good, and from where that ends.
    refused(&format!("{near} {far}"), &beyond(&format!("{far}:3"), "x", 2000, 1200), 4);
    let (status, found) = said(daemon.motionctl(&format!("path {near} {here} --group gantry")));
    let wanted = format!("motionctl: {here}:3: axis \"y\": SoftLimit: 900");
    assert!(status == Some(4) && found.starts_with(&wanted), "{found}");
    let elsewhere = format!(
        "motionctl: {here}: the path begins at x=110, and the machine is at x=100.000000 then: move it there first\n  nothing of the path was begun\n"
    );
    refused(&here, &elsewhere, 2);
    let events = String::from_utf8(daemon.motionctl("events").stdout).unwrap();
    assert!(!events.contains("path begun"), "{events}");
    // What can be read only once is told likewise, by the daemon.
    let mut child = piped(&daemon, "path - --group gantry");
    child.stdin.take().unwrap().write_all(b"line x=101\nline x=2000\n").unwrap();
    let (status, found) = said(child.wait_with_output().unwrap());
    let wanted = "motionctl: -:2: axis \"x\": SoftLimit: 2000 mm asked, limit 1200 mm\n  the path goes to 2000, the soft limit is 1200\n";
    assert_eq!((status, found.as_str()), (Some(4), wanted));
}

#[test]
fn what_the_machine_cannot_follow_is_told_with_its_line_by_every_dry_run() {
    let scara = std::fs::read_to_string("config/scara.toml").unwrap();
    let daemon = Daemon::start_with(|_| scara);
    let file = daemon.socket().with_file_name("far.path").display().to_string();
    std::fs::write(&file, "feed 100\nline x=500 y=400\n").unwrap();
    let (status, found) =
        said(daemon.motionctl(&format!("path --dry-run {file} --group arm --start x=388.909,y=-35.355,z=-50,c=45")));
    assert!(status == Some(4) && found.starts_with(&format!("motionctl: {file}:2: OutOfReach: ")), "{found}");
    let (status, found) = said(daemon.motionctl(&format!(
        "path --dry-run {file} --group arm --start x=388.909,y=-35.355,z=-50,c=45 --config config/scara.toml"
    )));
    assert!(status == Some(4) && found.starts_with(&format!("motionctl: {file}:2: the tool at ")), "{found}");
}

#[test]
fn what_a_pipe_has_brought_is_followed_while_it_stays_open() {
    let daemon = Daemon::start();
    daemon.done("enable gantry");
    let mut child = Killed(piped(&daemon, "path - --group gantry --wait"));
    let mut pipe = child.0.stdin.take().unwrap();
    for (text, place) in [
        ("\u{feff}start x=100 y=100 z=0\nfeed 200\nline x=104\nline x=105\n", 105.0),
        ("line x=103\nline x=1", 103.0),
        ("07\narc x=109 radius 5 left\n", 109.0),
    ] {
        pipe.write_all(text.as_bytes()).unwrap();
        stands(&daemon, "x", place);
    }
    assert!(child.0.try_wait().unwrap().is_none(), "it has ended");
    drop(pipe);
    assert_eq!(child.ended("motionctl ends with its input").code(), Some(0));
    // Timed points likewise.
    let mut child = Killed(piped(&daemon, "stream gantry - --wait"));
    let mut pipe = child.0.stdin.take().unwrap();
    for (text, place) in [
        ("\u{feff}0.5 110 100 0 0 0 0 0 0 0\n1.0 111 100 0 0 0 0 0 0 0\n", 111.0),
        ("1.5 110 100 0 0 0 0 0 0 0\n2.0 109 100 0 0 0 0 0 0 0\n2.5 1", 109.0),
    ] {
        pipe.write_all(text.as_bytes()).unwrap();
        stands(&daemon, "x", place);
    }
    pipe.write_all(b"10 100 0 0 0 0 0 0 0\n").unwrap();
    drop(pipe);
    assert_eq!(child.ended("motionctl ends with its input").code(), Some(0));
    stands(&daemon, "x", 110.0);
}

#[test]
fn a_path_without_an_element_and_points_without_line_ends_are_refused() {
    let daemon = Daemon::start();
    daemon.done("enable gantry");
    let file = daemon.socket().with_file_name("odd.path").display().to_string();
    let refused = |words: &str, wanted: &str| {
        let (status, found) = said(daemon.motionctl(words));
        assert!(status == Some(2) && found.starts_with(&format!("motionctl: {wanted}")), "{found}");
    };
    std::fs::write(&file, "# nothing\n").unwrap();
    refused(&format!("path {file} --group gantry"), &format!("{file}:1: path: found no element, allowed: "));
    refused("path - --group gantry", "-:1: path: found no element, allowed: ");
    std::fs::write(&file, "0.5 110 100 0\r1.0 111 100 0\r").unwrap();
    refused(&format!("stream gantry {file}"), &format!("{file}:1: found a carriage return within a line, allowed: "));
}
