//! Faults on a real cable: the built daemon and `motion-sim`, each a process in a network of its own. What the table says is
//! raised is raised first, nothing moves any more, everything comes back, and nothing by itself is powered on.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/veth.rs"]
mod veth;

use daemon::until;
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use veth::{Bench, start};

/// One machine at a time: they are held to a period.
static ALONE: Mutex<()> = Mutex::new(());

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// Nothing.
    RiddenThrough,
    /// One of these faults comes first: which one is seen first depends on where the frames were.
    Stops(&'static [&'static str]),
}

use Outcome::{RiddenThrough, Stops};

/// What motion-sim is told, what it is told to take it back, and what becomes of it. 100 lost frames and three missed
/// exchanges are tolerated; the watchdogs of the devices take a second.
const TABLE: &[(&str, &str, Outcome)] = &[
    ("lose 1", "mend", RiddenThrough),
    ("lose 50", "mend", RiddenThrough),
    ("delay 20 3000", "mend", RiddenThrough),
    ("duplicate 200", "mend", RiddenThrough),
    ("corrupt 50", "mend", RiddenThrough),
    ("deaf x-drive 1", "mend", RiddenThrough),
    ("deaf io 2", "mend", RiddenThrough),
    ("drift x-drive 200", "drift x-drive 0", RiddenThrough),
    ("drift y-drive -200", "drift y-drive 0", RiddenThrough),
    ("emergency x-drive 0", "mend", RiddenThrough),
    ("mailbox x-drive silent", "mailbox x-drive good", RiddenThrough),
    ("mailbox y-drive garbage", "mailbox y-drive good", RiddenThrough),
    ("lose 300", "mend", Stops(&["bus-lost"])),
    ("lose 1500", "mend", Stops(&["bus-lost"])),
    ("deaf x-drive 200", "mend", Stops(&["device-lost"])),
    ("deaf y-drive 1500", "mend", Stops(&["device-lost", "drive-fault"])),
    ("deaf io 200", "mend", Stops(&["working-counter"])),
    ("cut x-drive", "mend", Stops(&["bus-lost"])),
    ("cut y-drive", "mend", Stops(&["working-counter", "device-lost"])),
    ("cut io", "mend", Stops(&["working-counter"])),
    ("off x-drive", "on x-drive", Stops(&["bus-lost"])),
    ("off y-drive", "on y-drive", Stops(&["working-counter", "device-lost"])),
    ("off io", "on io", Stops(&["working-counter"])),
    ("al-error x-drive 0x1a", "mend", Stops(&["drive-fault", "device-lost"])),
    ("al-error io 0x1b", "mend", Stops(&["working-counter"])),
    ("sync-lost y-drive", "mend", Stops(&["device-lost", "drive-fault"])),
    ("emergency x-drive 0x7500", "mend", Stops(&["drive-emergency"])),
    ("emergency io 0x5100", "mend", Stops(&["terminal-emergency"])),
    ("fault x-drive 0x7305", "fault x-drive 0", Stops(&["drive-fault"])),
];

/// Where the events stand now.
fn latest(bench: &Bench) -> u64 {
    let mut after = 0;
    loop {
        let batch = bench.call("Events", "Read", json!({ "after": after }));
        let next = batch["next"].as_u64().unwrap();
        if next == after {
            return after;
        }
        after = next;
    }
}

/// The events of a kind since then.
fn events(bench: &Bench, mut after: u64, kind: &str) -> Vec<Value> {
    let mut found = Vec::new();
    loop {
        let batch = bench.call("Events", "Read", json!({ "after": after }));
        let events = batch["events"].as_array().unwrap();
        if events.is_empty() {
            return found;
        }
        found.extend(events.iter().filter(|event| event["kind"] == kind).cloned());
        after = batch["next"].as_u64().unwrap();
    }
}

fn faults(bench: &Bench, after: u64) -> Vec<String> {
    let name = |event: &Value| event["fault"]["name"].as_str().unwrap_or_default().to_string();
    events(bench, after, "fault_raised").iter().map(name).collect()
}

fn axis(bench: &Bench, name: &str) -> Value {
    bench.status("Axis", json!({ "axis": name }))["status"].take()
}

fn every_device_is_operational(bench: &Bench) -> bool {
    let listed = bench.call("Device", "List", json!({}));
    let devices = listed["devices"].as_array().unwrap();
    devices.iter().all(|device| device["operational"] == true && device["lost"] == false)
}

/// Everything as before the fault: the machine and its axes reset, the drives on.
fn make_ready(bench: &mut Bench) {
    until("every device is operational", || every_device_is_operational(bench).then_some(()));
    bench.done("reset --wait");
    for name in ["x", "y"] {
        // A drive refuses a reset as long as it still reacts to its fault.
        until("the axis is reset", || {
            if axis(bench, name)["state"] == "ErrorStop" {
                bench.done(&format!("reset {name} --wait"));
            }
            (axis(bench, name)["state"] != "ErrorStop").then_some(())
        });
        bench.done(&format!("power on {name} --wait"));
    }
}

fn befalls(bench: &mut Bench, (command, back, outcome): &(&str, &str, Outcome), moving: bool) {
    let how = format!("{command}, {}", if moving { "moving" } else { "standing" });
    make_ready(bench);
    if moving {
        let there = axis(bench, "x")["setpoint"].as_f64().unwrap();
        let velocity = if there < 600.0 { 40.0 } else { -40.0 };
        bench.done(&format!("velocity x -- {velocity}"));
        until("x is in motion", || (axis(bench, "x")["velocity"] == velocity).then_some(()));
    }
    let before = latest(bench);
    bench.befall(command);
    match outcome {
        RiddenThrough => {
            let cycle = |bench: &Bench| bench.status("Machine", json!({}))["cycle"].as_u64().unwrap();
            let start = cycle(bench);
            until("the cycle has gone on", || (cycle(bench) > start + 400).then_some(()));
            assert_eq!(faults(bench, before), [""; 0], "{how}\n{}", bench.done("events"));
            bench.befall(back);
            bench.done("halt x --wait");
        }
        Stops(allowed) => {
            let first = until(&how, || faults(bench, before).into_iter().next());
            assert!(allowed.contains(&first.as_str()), "{how}: {first}\n{}", bench.done("events"));
            until("x stands", || (axis(bench, "x")["velocity"] == 0.0).then_some(()));
            bench.befall(back);
            until(&how, || every_device_is_operational(bench).then_some(()));
            let powered = events(bench, before, "power").iter().any(|event| event["on"] == true);
            assert!(!powered, "{how}: something was powered on by itself\n{}", bench.done("events"));
        }
    }
}

#[test]
fn each_fault_on_the_cable_does_what_the_table_says() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut bench) = start("faults") else { return };
    for row in TABLE {
        for moving in [false, true] {
            befalls(&mut bench, row, moving);
        }
    }
    // A drive of x that leaves alone stops x and not y.
    make_ready(&mut bench);
    let before = latest(&bench);
    bench.befall("fault y-drive 0x2310");
    until("y has its fault", || faults(&bench, before).into_iter().next());
    assert_eq!(axis(&bench, "x")["state"], "Standstill", "x stays enabled");
    bench.befall("fault y-drive 0");
    make_ready(&mut bench);
    bench.end();
}

#[test]
fn a_daemon_that_is_killed_or_stopped_leaves_drives_that_stop_by_themselves() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut bench) = start("killed") else { return };
    for moving in [false, true] {
        make_ready(&mut bench);
        if moving {
            bench.done("velocity x 40");
            until("x is in motion", || (axis(&bench, "x")["velocity"] == 40.0).then_some(()));
        }
        bench.kill_and_restart();
        assert_eq!(events(&bench, 0, "power").iter().filter(|event| event["on"] == true).count(), 0);
        let still = |bench: &Bench| axis(bench, "x")["actual"].as_f64().unwrap();
        let place = still(&bench);
        let cycle = |bench: &Bench| bench.status("Machine", json!({}))["cycle"].as_u64().unwrap();
        let start = cycle(&bench);
        until("the cycle has gone on", || (cycle(&bench) > start + 300).then_some(()));
        assert!((still(&bench) - place).abs() < 0.01, "from {place} to {}", still(&bench));
    }
    // Stopped for longer than the watchdogs of the drives take.
    make_ready(&mut bench);
    bench.done("velocity x 40");
    let before = latest(&bench);
    bench.signal(nix::sys::signal::Signal::SIGSTOP);
    until("the drive has noticed", || (bench.ask("state x-drive") == "x-drive is in SAFEOP").then_some(()));
    bench.signal(nix::sys::signal::Signal::SIGCONT);
    let first = until("a fault is told", || faults(&bench, before).into_iter().next());
    assert!(["cycle-overrun", "drive-fault", "device-lost", "bus-lost"].contains(&first.as_str()), "{first}");
    until("x stands", || (axis(&bench, "x")["velocity"] == 0.0).then_some(()));
    until("every device has come back", || (events(&bench, before, "device_returned").len() >= 3).then_some(()));
    make_ready(&mut bench);
    bench.end();
}
