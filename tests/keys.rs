//! Keys in front of a `motionctl` that follows a path, on a terminal of its own: the real programs.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use daemon::{Daemon, Killed, until};
use serde_json::{Value, json};

/// 200 mm at 2 mm/s: it goes on for much longer than any of this.
const PATH: &str = "relative\nfeed 2\nline x=100\nline y=100\n";

#[test]
fn space_holds_and_goes_on_and_signs_change_the_override() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("skipped: keys: no program script (Debian package bsdutils) to make a terminal");
        return;
    }
    let daemon = Daemon::start();
    daemon.done("enable gantry");
    let file = daemon.socket().with_file_name("long.path");
    std::fs::write(&file, PATH).unwrap();
    // It runs what it is given on a terminal, of which its own input are the keys.
    let line = format!(
        "exec {} --socket {} path {} --group gantry --wait",
        env!("CARGO_BIN_EXE_motionctl"),
        daemon.socket().display(),
        file.display()
    );
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
    let child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut terminal = Killed(child);
    let mut keys = terminal.0.stdin.take().unwrap();
    let mut screen = terminal.0.stdout.take().unwrap();
    let shown = std::thread::spawn(move || {
        let mut shown = Vec::new();
        let _ = screen.read_to_end(&mut shown);
        String::from_utf8_lossy(&shown).into_owned()
    });
    let group = || daemon.connect().call("Group", "Status", json!({ "group": "gantry" })).unwrap()["status"].take();
    let is = |what: &str, holds: &dyn Fn(&Value) -> bool| until(what, || Some(group()).filter(|group| holds(group)));
    let rests = |group: &Value| group["path_velocity"] == 0.0;
    let mut press = |key: &[u8]| keys.write_all(key).and_then(|()| keys.flush()).unwrap();
    is("it moves", &|group| !rests(group));
    press(b" ");
    is("it is held", &|group| group["interrupted"] == true && rests(group));
    press(b" ");
    is("it goes on", &|group| group["interrupted"] == false && !rests(group));
    press(b"+");
    is("it is faster", &|group| group["override"] == 1.1);
    press(b"--");
    is("it is slower", &|group| group["override"] == 0.9);
    // Somebody else may hold it as well, and not go on.
    daemon.done("group interrupt gantry --wait");
    is("it is held by another", &|group| group["interrupted"] == true && rests(group));
    assert_eq!(daemon.motionctl("group continue gantry").status.code(), Some(4));
    press(b" ");
    is("it goes on", &|group| group["interrupted"] == false && !rests(group));
    press(b"\x03");
    assert_eq!(terminal.ended("motionctl ends").code(), Some(130));
    is("it is stopped", &|group| group["stopped"] == true && rests(group));
    let shown = shown.join().unwrap();
    assert!(shown.contains("space holds and goes on") && shown.contains("override 100 %"), "{shown}");
}
