//! A stop when nothing else works: the command ring is full, the gateway hangs, and a thousand clients are connected.

use std::io::Write;
use std::os::unix::net::UnixStream;

use motiond::client::Ended;
use motiond::gateway::AxisState;
use motiond::limits;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};

use crate::held::{Held, until};
use crate::services::end_hang;

const CLIENTS: usize = 1000;
/// Clients that wait for an answer of the cycle: more than the ring holds.
const ASKING: usize = limits::COMMAND_RING + 20;
/// Both ends of each connection are in this process, and other tests run beside this one.
const DESCRIPTORS: u64 = 2 * CLIENTS as u64 + 1000;
/// Longer than anything takes: the hang is ended by the test.
const HANG_MS: u64 = 60_000;
/// From the cycle that reads the request to the one that decelerates.
const WITHIN: u64 = 2;

/// Room for the descriptors; says so where there is none.
fn descriptors() -> bool {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let enough = hard >= DESCRIPTORS && setrlimit(Resource::RLIMIT_NOFILE, soft.max(DESCRIPTORS), hard).is_ok();
    if !enough {
        println!("skipped: stop with {CLIENTS} clients: RLIMIT_NOFILE is {hard}, {DESCRIPTORS} are needed");
    }
    enough
}

fn message(method: &str, parameters: Value) -> Vec<u8> {
    let mut message = json!({ "method": format!("io.motiond.v1.{method}"), "parameters": parameters }).to_string();
    message.push('\0');
    message.into_bytes()
}

#[test]
fn a_stop_with_a_full_ring_a_hung_gateway_and_a_thousand_clients_decelerates_at_once() {
    if !descriptors() {
        return;
    }
    let mut held = Held::start();
    held.power_up();
    let targets =
        [("x", 1100.0), ("y", 700.0), ("z", -200.0)].map(|(axis, value)| json!({ "axis": axis, "value": value }));
    let line = held.command("Group", "MoveLinear", json!({ "group": "gantry", "targets": targets, "velocity": 500.0 }));
    held.command("Axis", "MoveVelocity", json!({ "axis": "belt", "velocity": 300.0 }));
    let targets = [("tilt", 90.0), ("spin", 300.0)].map(|(axis, value)| json!({ "axis": axis, "value": value }));
    held.command("Group", "MoveDirect", json!({ "group": "table", "targets": targets, "velocity": 0.3 }));
    // Until the slowest of them no longer accelerates: from then on a lower velocity means deceleration.
    held.run(600);

    let clients: Vec<UnixStream> = (0..CLIENTS).map(|_| UnixStream::connect(held.socket()).unwrap()).collect();
    let mut operator = held.connect();
    let mut saboteur = held.connect();
    until("all are clients", || {
        let text = held.scrape().ok()?;
        let count = text.lines().find_map(|line| line.strip_prefix("motion_clients "))?.parse::<f64>().ok()?;
        (count >= CLIENTS as f64).then_some(())
    });
    let lease = held.lease();
    let override_of = |ratio: f64| json!({ "axis": "tilt", "ratio": ratio, "lease": lease });
    // No cycle runs meanwhile, so what is sent stays in the ring.
    for (number, mut client) in clients.iter().take(ASKING).enumerate() {
        let ratio = 0.5 + number as f64 / ASKING as f64;
        client.write_all(&message("Axis.SetOverride", override_of(ratio))).unwrap();
    }
    until("the ring is full", || (held.depth("commands") == limits::COMMAND_RING).then_some(()));
    let full = operator.call("Axis", "SetOverride", override_of(1.0)).unwrap_err();
    assert!(full.short_name() == "QueueFull" && format!("{full:?}").contains("\"commands\""), "{full:?}");
    saboteur.call("Test", "Hang", json!({ "service": "gateway", "milliseconds": HANG_MS })).unwrap();
    until("the gateway hangs", || {
        let answer = operator.call("Axis", "SetOverride", override_of(1.0)).unwrap_err();
        (answer.short_name() == "Unavailable").then_some(())
    });

    // The machine is as it was, and now it stops.
    let before = held.snapshot.clone();
    assert!(before.axes.iter().all(|axis| axis.velocity != 0.0), "{:?}", before.axes);
    let last_event = held.daemon().gateway().last_event();
    let generation = operator.stop().unwrap();
    let read = next_reads(&mut held, generation);
    let mut decelerates = vec![None; before.axes.len()];
    let mut last = before.clone();
    for _ in 0..2000 {
        for (index, decelerates) in decelerates.iter_mut().enumerate() {
            let (was, is) = (last.axes[index].velocity.abs(), held.snapshot.axes[index].velocity.abs());
            if is < was {
                decelerates.get_or_insert(held.snapshot.machine.cycle);
            }
            assert!(decelerates.is_none() || is <= was, "axis {index} is faster again");
        }
        last = held.snapshot.clone();
        held.step();
    }
    assert_eq!(held.daemon().gateway().last_event(), last_event, "the gateway has been at work");
    assert!(held.snapshot.axes.iter().all(|axis| axis.velocity == 0.0), "{:?}", held.snapshot.axes);
    for (axis, cycle) in decelerates.into_iter().enumerate() {
        let cycle = cycle.unwrap();
        println!("axis {axis}: stop read in cycle {read}, decelerates in cycle {cycle}");
        assert!(cycle - read <= WITHIN, "axis {axis}: stop read in cycle {read}, decelerates in cycle {cycle}");
    }

    end_hang(&held, "gateway");
    // The gateway comes back and tells it the same way.
    let event = until("the event", || {
        let mut machine = held.try_connect().ok()?;
        let events = machine.call("Events", "Read", json!({})).ok()?;
        events["events"].as_array()?.iter().find(|event| event["kind"] == "stopped").cloned()
    });
    assert_eq!((&event["cycle"], &event["generation"]), (&json!(read), &json!(generation)), "{event}");
    assert!(machine_is_locked(&held));
    let ended = until("the end of the line", || match operator.wait(line) {
        // A gateway that hung for so long is left alone for a while before it is started again.
        Err(error) if error.short_name() == "Unavailable" => None,
        ended => Some(ended.unwrap()),
    });
    assert_eq!(ended, Ended::Aborted);
    drop(clients);
    held.end();
}

/// The next cycle, which reads the stop; returns its number.
fn next_reads(held: &mut Held, generation: u64) -> u64 {
    held.step();
    assert_eq!(held.snapshot.machine.stop_generation, generation);
    held.snapshot.machine.cycle
}

fn machine_is_locked(held: &Held) -> bool {
    held.snapshot.machine.stopped && held.snapshot.axes.iter().all(|axis| axis.state == AxisState::Stopping)
}
