//! Events outlive the daemon: the built program, killed and ended, on a directory that keeps them.

#[path = "support/daemon.rs"]
#[allow(dead_code, reason = "every program uses a part of it")]
mod daemon;

use daemon::{Daemon, motiond, output, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// The events after a cursor as a client reads them, and how many of them are said to be lost.
fn read(daemon: &Daemon, mut after: u64) -> (Vec<Value>, u64) {
    let mut machine = daemon.connect();
    let (mut events, mut lost) = (Vec::new(), 0);
    loop {
        let batch = machine.call("Events", "Read", json!({ "after": after })).unwrap();
        let next = batch["next"].as_u64().unwrap();
        lost += batch["lost"].as_u64().unwrap();
        if next == after {
            return (events, lost);
        }
        events.extend(batch["events"].as_array().unwrap().iter().cloned());
        after = next;
    }
}

fn sequences(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect()
}

/// Waits until an event is in the file, on which a kill cannot touch it.
fn kept(state: &std::path::Path, sequence: u64) {
    let needle = format!("\"sequence\":{sequence}");
    until("the event in the file", || {
        let text = fs::read_to_string(state.join("events.log")).ok()?;
        text.split([',', '}']).any(|field| field == needle).then_some(())
    });
}

#[test]
fn events_are_read_by_the_same_cursor_after_kills_in_motion_and_orderly_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::keeping_in(folder.path());
    let mut known: Vec<Value> = Vec::new();
    let mut boots = BTreeSet::new();
    for (life, kill) in [true, false, true, true, false].into_iter().enumerate() {
        let cursor = known.last().map_or(0, |event| event["sequence"].as_u64().unwrap());
        let (fresh, lost) = read(&daemon, cursor);
        assert_eq!(lost, 0, "life {life}");
        assert_eq!(fresh[0]["kind"], "started", "life {life}: {fresh:?}");
        assert!(boots.insert(fresh[0]["boot_id"].to_string()), "each life has its own");
        // In motion when it is killed.
        daemon.done("power on x --wait");
        daemon.done("jog x 5 --for 0.2");
        let last = daemon.connect().call("Events", "Read", json!({ "after": cursor })).unwrap();
        kept(folder.path(), last["next"].as_u64().unwrap());
        let (all, lost) = read(&daemon, 0);
        assert_eq!(lost, 0, "life {life}");
        assert_eq!(all[..known.len()], known, "life {life}: what was read before is the same");
        let numbers = sequences(&all);
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        known = all;
        daemon = if kill {
            daemon.replaced()
        } else {
            daemon.terminate();
            let (_, log) = daemon.ended();
            assert!(!log.contains("gave way"), "life {life}: {log}");
            daemon.again()
        };
        let (all, _) = read(&daemon, 0);
        let numbers = sequences(&all);
        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        let place = all.iter().rposition(|event| event["kind"] == "started").unwrap();
        assert_eq!(all[place]["clean"], !kill, "life {life}");
        assert_eq!(numbers[place] == numbers[place - 1] + 1, !kill, "life {life}: {numbers:?}");
        // An orderly end has events of its own, the drives let go.
        assert_eq!(all[..known.len()], known);
        known = all[..place].to_vec();
    }
    assert!(daemon.done("events").contains("after an orderly end"));
}

#[test]
fn a_state_directory_that_cannot_be_used_keeps_the_daemon_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("events.log")).unwrap();
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo.toml");
    let mut run = motiond();
    run.args(["run", demo, "--simulate", "--socket"]).arg(folder.path().join("control.sock"));
    let ended = output(run.arg("--state-directory").arg(folder.path()));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("the state directory") && said.contains("cannot be used"), "{said}");
}

/// A file system with hardly any room, until it is dropped.
struct Tiny(tempfile::TempDir);

impl Tiny {
    fn mount() -> Result<Tiny, String> {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(folder.path()).output();
        let mount = mount.map_err(|error| error.to_string())?;
        if mount.status.success() { Ok(Tiny(folder)) } else { Err(String::from_utf8_lossy(&mount.stderr).into_owned()) }
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_is_told_once_and_touches_nothing_else() {
    let tiny = match Tiny::mount() {
        Ok(tiny) => tiny,
        Err(why) => {
            println!("skipped: a full disk: {}", why.trim());
            return;
        }
    };
    let state = tiny.0.path();
    let mut daemon = Daemon::keeping_in(state);
    let filler = state.join("filler");
    let mut room = 256 * 1024;
    while room > 0 {
        // The file system takes what it can, page by page.
        let grown = fs::read(&filler).map_or(0, |bytes| bytes.len()) + room;
        if fs::write(&filler, vec![1; grown]).is_err() {
            room /= 2;
        }
    }
    let before = sequences(&read(&daemon, 0).0);
    until("the failure", || {
        daemon.done("power on x --wait");
        daemon.done("power off x --wait");
        (daemon.metric("motion_events_not_kept") == Some(1.0)).then_some(())
    });
    let told = sequences(&read(&daemon, 0).0);
    assert!(told.len() > before.len(), "events are served as ever");
    fs::remove_file(&filler).unwrap();
    until("room again", || (daemon.metric("motion_events_not_kept") == Some(0.0)).then_some(()));
    kept(state, *told.last().unwrap());
    daemon.terminate();
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(log.matches("events cannot be written").count(), 1, "{log}");
    let daemon = daemon.again();
    let kept = sequences(&read(&daemon, 0).0);
    assert_eq!(kept[..told.len()], told, "none is missing, none is there twice");
}
