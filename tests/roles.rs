//! Who may do what at the sockets of a running daemon, by other users of this computer: needs root, to become them.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::{Daemon, output};
use motiond::client::Connection;
use nix::unistd::{Group, Uid};
use serde_json::{Value, json};
use std::fs::Permissions;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// `nobody` of Debian, in no group but its own.
const NOBODY: &str = "65534";

/// Sends what it was given through its standard input, which is a socket, and prints the reply.
const ASK: &str = r#"printf '%s\0' "$1" >&0; IFS= read -r -d '' reply <&0; printf '%s' "$reply""#;
/// The same with the end of a message alone, whose beginning somebody else has sent.
const END: &str = r#"printf '%s\0' "$1" >&0"#;

/// Says why a test does not run here, for those who count.
fn skipped(test: &str) -> bool {
    let tried = Command::new("setpriv").arg("--version").stdout(Stdio::null()).status();
    let why = match tried {
        _ if !Uid::effective().is_root() => "only root can become another user".to_string(),
        Err(error) => format!("setpriv (Debian package util-linux) does not run here: {error}"),
        Ok(_) => return false,
    };
    println!("skipped: {test}: {why}");
    true
}

/// A daemon whose directory everybody may enter, with a copy of `motionctl` that everybody may run.
fn open_to_all(change: impl FnOnce(String) -> String) -> (Daemon, PathBuf) {
    let daemon = Daemon::start_with(change);
    let directory = daemon.socket().parent().unwrap().to_path_buf();
    std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
    let motionctl = directory.join("motionctl");
    std::fs::copy(env!("CARGO_BIN_EXE_motionctl"), &motionctl).unwrap();
    (daemon, directory)
}

/// A command as nobody, in these groups besides.
fn as_nobody(groups: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY]);
    match groups {
        [] => command.arg("--clear-groups"),
        groups => {
            let gids = groups.iter().map(|name| Group::from_name(name).unwrap().unwrap().gid.to_string());
            command.arg("--groups").arg(gids.collect::<Vec<_>>().join(","))
        }
    };
    command
}

fn motionctl(directory: &Path, socket: &str, groups: &[&str], words: &str) -> Output {
    let mut command = as_nobody(groups);
    command.arg(directory.join("motionctl")).arg("--socket").arg(directory.join(socket));
    output(command.args(words.split_whitespace()))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Lets nobody run a script over this connection.
fn over(connection: &UnixStream, script: &str, text: &str) -> String {
    let mut command = as_nobody(&[]);
    command.args(["bash", "-c", script, "bash", text]);
    command.stdin(Stdio::from(OwnedFd::from(connection.try_clone().unwrap())));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn stop() -> String {
    json!({ "method": "io.motiond.v1.Machine.Stop" }).to_string()
}

fn generation(daemon: &Daemon) -> u64 {
    daemon.connect().call("Machine", "Status", json!({})).unwrap()["stop_generation"].as_u64().unwrap()
}

#[test]
fn a_user_outside_the_group_is_refused_on_control_and_may_observe() {
    if skipped("a_user_outside_the_group_is_refused_on_control_and_may_observe") {
        return;
    }
    let (daemon, directory) = open_to_all(|demo| demo);
    let refused = motionctl(&directory, "control.sock", &[], "status");
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(said(&refused).contains("Permission denied"), "{refused:?}");
    let seen = motionctl(&directory, "observe.sock", &[], "status");
    assert_eq!(seen.status.code(), Some(0), "{seen:?}");
    assert!(String::from_utf8_lossy(&seen.stdout).contains("gantry"), "{seen:?}");
    for words in ["stop", "power on x", "move x 10", "reset", "release"] {
        let refused = motionctl(&directory, "observe.sock", &[], words);
        assert_eq!(refused.status.code(), Some(4), "{words}: {refused:?}");
        assert!(said(&refused).contains("use the control socket"), "{words}: {refused:?}");
    }
    assert_eq!(generation(&daemon), 0, "an observer's stop was carried out");
}

#[test]
fn not_even_root_stops_the_machine_through_the_observe_socket() {
    let daemon = Daemon::start();
    let mut observer = Connection::open(&daemon.socket().with_file_name("observe.sock")).unwrap();
    observer.call("io.motiond.v1.Machine.Status", json!({})).unwrap();
    let error = observer.call("io.motiond.v1.Machine.Stop", json!({})).unwrap_err();
    assert_eq!((error.short_name(), error.field("needed")), ("PermissionDenied", Some(&json!("operate"))));
    assert_eq!(generation(&daemon), 0);
}

#[test]
fn groups_give_roles_on_the_control_socket() {
    if skipped("groups_give_roles_on_the_control_socket") {
        return;
    }
    // Groups of every Debian; none of them is nobody's.
    let keys = "group = \"daemon\"\noperate-groups = [\"bin\"]\ncommission-groups = [\"sys\"]\n";
    let (_daemon, directory) = open_to_all(|demo| {
        let changed = demo.replace("[control]\n", &format!("[control]\n{keys}"));
        assert_ne!(changed, demo, "the demo has no [control]");
        changed
    });
    let (operate, commission) = ("reset y", "set-position y 0");
    for (groups, role) in [(&["daemon"][..], 0), (&["daemon", "bin"], 1), (&["daemon", "sys"], 2)] {
        let seen = motionctl(&directory, "control.sock", groups, "status");
        assert_eq!(seen.status.code(), Some(0), "{groups:?}: {seen:?}");
        for (words, needed) in [(operate, 1), (commission, 2)] {
            let tried = motionctl(&directory, "control.sock", groups, words);
            let denied = said(&tried).contains("needs the role");
            assert_eq!(denied, role < needed, "{groups:?} {words}: {tried:?}");
        }
    }
}

#[test]
fn a_passed_socket_does_not_carry_its_first_owners_rights() {
    if skipped("a_passed_socket_does_not_carry_its_first_owners_rights") {
        return;
    }
    let daemon = Daemon::start();
    let mut socket = UnixStream::connect(daemon.socket()).unwrap();
    let mut own = Connection::over(socket.try_clone().unwrap());
    let request = json!({ "axis": "x", "ttl_ms": 60_000, "on_loss": "finish", "holder": "test" });
    let lease = own.call("io.motiond.v1.Lease.Acquire", request).unwrap()["lease"].take();
    let reset = json!({ "axis": "x", "lease": lease });
    own.call("io.motiond.v1.Axis.Reset", reset.clone()).unwrap();
    // Not even with the token.
    let theirs = json!({ "method": "io.motiond.v1.Axis.Reset", "parameters": reset }).to_string();
    let reply: Value = serde_json::from_str(&over(&socket, ASK, &theirs)).unwrap();
    assert_eq!(reply["error"], "io.motiond.v1.Machine.PermissionDenied", "{reply}");

    // It may see, as everybody may, but not stop.
    let status = over(&socket, ASK, r#"{"method":"io.motiond.v1.Machine.Status"}"#);
    assert!(status.contains("\"stop_generation\":0"), "{status}");
    let reply: Value = serde_json::from_str(&over(&socket, ASK, &stop())).unwrap();
    assert_eq!(reply["error"], "io.motiond.v1.Machine.PermissionDenied", "{reply}");
    assert!(reply["parameters"]["hint"].as_str().unwrap().contains("rights do not come with a socket"), "{reply}");

    // Half a message each: neither can use the other's part.
    let (begin, end) = (&stop()[..20], &stop()[20..]);
    socket.write_all(begin.as_bytes()).unwrap();
    over(&socket, END, end);
    let (mut reply, mut byte) = (Vec::new(), [1]);
    while byte != [0] {
        socket.read_exact(&mut byte).unwrap();
        reply.push(byte[0]);
    }
    let reply = String::from_utf8(reply).unwrap();
    assert!(reply.contains("PermissionDenied") && reply.contains("not known who sent"), "{reply}");
    own.call("io.motiond.v1.Axis.Reset", reset).unwrap();
    assert_eq!(generation(&daemon), 0, "a stop was carried out");
}
