//! What becomes of motion when the `motionctl` that asked for it is interrupted, killed or stopped: the real programs and
//! signals.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::{Daemon, Killed, drained, until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;

/// A move that goes on for much longer than any of this.
const LONG_MOVE: &str = "move x 1100 --velocity 5 --wait";
const JOG: &str = "jog x 5";

/// A running `motionctl` that moves x.
struct Moving {
    daemon: Daemon,
    process: Killed,
    stderr: Receiver<String>,
}

impl Moving {
    fn by(words: &str) -> Moving {
        let daemon = Daemon::start();
        daemon.done("power on x --wait");
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        command.arg("--socket").arg(daemon.socket()).args(words.split_whitespace());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut process = Killed(child);
        let stderr = drained(process.0.stderr.take().unwrap());
        let moving = Moving { daemon, process, stderr };
        moving.until_x("it moves at its velocity", |x| x["velocity"] == 5.0);
        moving
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.0.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end of the program; returns its exit code and what it said.
    fn ended(&mut self) -> (Option<i32>, String) {
        let status = self.process.ended("motionctl ends");
        (status.code(), self.stderr.iter().collect())
    }

    fn x(&self) -> Value {
        self.daemon.connect().call("Axis", "Status", json!({ "axis": "x" })).unwrap()["status"].take()
    }

    fn until_x(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        until(what, || Some(self.x()).filter(&holds))
    }

    /// How often x was stopped by a stop.
    fn stops(&self) -> usize {
        let events = self.daemon.connect().call("Events", "Read", json!({})).unwrap();
        let events = events["events"].as_array().unwrap();
        assert!(!events.iter().any(|event| event["kind"] == "fault_raised"), "{events:?}");
        events.iter().filter(|event| event["kind"] == "stopped" && event["axis"] == "x").count()
    }

    fn leases(&self) -> Value {
        self.daemon.connect().call("Lease", "List", json!({})).unwrap()["leases"].take()
    }

    /// At rest and locked by one stop, held by nobody; it moves again when the lock is released, not before.
    fn assert_stopped_once(&self) {
        let x = self.until_x("it rests", |x| x["velocity"] == 0.0 && x["stopped"] == true);
        assert_eq!((self.stops(), self.leases()), (1, json!([])), "{x}");
        let refused = self.daemon.motionctl("move x 1");
        assert_eq!(refused.status.code(), Some(4), "{refused:?}");
        assert_eq!(self.x()["setpoint"], x["setpoint"], "it moved");
        self.daemon.done("release x");
        self.daemon.done("move x --relative 1 --wait");
        assert_eq!(self.stops(), 1);
    }

    /// At rest without a stop: the next command just moves it.
    fn assert_expired(&self) {
        let x = self.until_x("it rests", |x| x["velocity"] == 0.0);
        assert_eq!((x["stopped"].clone(), self.stops()), (json!(false), 0), "{x}");
        until("nobody holds it", || (self.leases() == json!([])).then_some(()));
        assert_eq!(self.x()["setpoint"], x["setpoint"], "it moved");
        self.daemon.done("move x --relative 1 --wait");
    }
}

#[test]
fn ctrl_c_stops_what_is_waited_for() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut moving = Moving::by(LONG_MOVE);
        moving.signal(signal);
        let (code, said) = moving.ended();
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("x: stopped and locked; end the lock with: motionctl release x"), "{said}");
        moving.assert_stopped_once();
    }
}

#[test]
fn ctrl_c_ends_a_jog_and_gives_the_axis_back() {
    let mut moving = Moving::by(JOG);
    moving.signal(Signal::SIGINT);
    assert_eq!(moving.ended(), (Some(130), String::new()));
    assert_eq!(moving.leases(), json!([]), "it was given back before the program ended");
    moving.assert_expired();
}

#[test]
fn a_killed_client_loses_its_lease_and_what_it_moved_stops_once() {
    let mut moving = Moving::by(LONG_MOVE);
    moving.signal(Signal::SIGKILL);
    assert_eq!(moving.ended().0, None);
    moving.assert_stopped_once();
}

#[test]
fn a_jog_whose_client_is_killed_expires() {
    let mut moving = Moving::by(JOG);
    moving.signal(Signal::SIGKILL);
    assert_eq!(moving.ended().0, None);
    moving.assert_expired();
}

#[test]
fn a_client_that_hangs_loses_its_lease_and_moves_nothing_when_it_goes_on() {
    let mut moving = Moving::by(LONG_MOVE);
    moving.signal(Signal::SIGSTOP);
    let x = moving.until_x("it rests", |x| x["velocity"] == 0.0 && x["stopped"] == true);
    moving.signal(Signal::SIGCONT);
    // Its move was aborted while it hung.
    let (code, said) = moving.ended();
    assert_eq!(code, Some(5), "{said}");
    assert_eq!(moving.x()["setpoint"], x["setpoint"], "it moved");
    moving.assert_stopped_once();
}

#[test]
fn a_jog_whose_client_hangs_expires_and_does_not_come_back() {
    let mut moving = Moving::by(JOG);
    moving.signal(Signal::SIGSTOP);
    let x = moving.until_x("it rests", |x| x["velocity"] == 0.0);
    until("its lease expires", || (moving.leases() == json!([])).then_some(()));
    moving.signal(Signal::SIGCONT);
    let (code, said) = moving.ended();
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("lease"), "{said}");
    assert_eq!(moving.x()["setpoint"], x["setpoint"], "it moved");
    moving.assert_expired();
}
