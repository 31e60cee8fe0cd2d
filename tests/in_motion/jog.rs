//! A jog lives as long as its last refresh is valid, whatever became of the services that brought it.

use motiond::client::Error;
use motiond::cycle::clock::Clock;
use motiond::gateway::AxisState;
use motiond::service::Phase;
use serde_json::{Value, json};

use crate::held::{Held, until};
use crate::services::end_hang;

const BELT: usize = 5;
const VELOCITY: f64 = 300.0;
const VALID_MS: u64 = 150;
/// Longer than anything takes: a hang is ended by the test.
const HANG_MS: u64 = 60_000;
/// Cycles between two refreshes.
const REFRESH: u64 = 50;

fn jog(held: &Held) -> Value {
    json!({ "axis": "belt", "velocity": VELOCITY, "valid_ms": VALID_MS, "sent_at_ns": held.clock.now_ns() })
}

/// Whatever takes the refreshes away: the jog goes on to the end of its validity, in the very cycle of which it ramps
/// down within the limits, and it does not come back with the service.
fn assert_expires(service: &str, method: &str, parameters: Value) {
    let mut held = Held::start();
    held.power_up();
    let (mut last, mut valid_until_ns) = (Value::Null, 0);
    for _ in 0..10 {
        last = jog(&held);
        valid_until_ns = held.clock.now_ns() + VALID_MS * 1_000_000;
        held.command("Axis", "Jog", last.clone());
        held.run(REFRESH);
    }
    assert_eq!(held.snapshot.axes[BELT].velocity, VELOCITY);
    if !service.is_empty() {
        // The control service takes its connections with it, maybe before it has answered this one.
        let _ = held.connect().call("Test", method, parameters);
    }
    while held.snapshot.machine.time_ns < valid_until_ns {
        let before = held.snapshot.axes[BELT];
        held.step();
        let now = &held.snapshot;
        let ramps = now.axes[BELT].velocity < before.velocity;
        assert_eq!(ramps, now.machine.time_ns >= valid_until_ns, "{} ns, {valid_until_ns}", now.machine.time_ns);
    }
    held.ramp_to_rest(BELT);
    held.run_until(2, "it stands", |now| now.axes[BELT].state == AxisState::Standstill);
    if !service.is_empty() {
        until(&format!("{service} is back"), || {
            let (restarts, hangs, phase) = held.service(service);
            if hangs > 0 {
                end_hang(&held, service);
            }
            (restarts > 0 && phase == Phase::Running).then_some(())
        });
    }
    // The last refresh once more: it comes too late. The cycle must run for it to be judged.
    let again = std::thread::spawn({
        let mut machine = until("a connection", || held.try_connect().ok());
        until("a lease", || {
            let request = json!({ "ttl_ms": 60_000, "on_loss": "finish", "holder": "test" });
            last["lease"] = machine.call("Lease", "TakeOver", request).ok()?["lease"].take();
            Some(())
        });
        move || machine.call("Axis", "Jog", last)
    });
    until("an answer", || {
        held.step();
        again.is_finished().then_some(())
    });
    match again.join().unwrap() {
        Err(Error::Refused { name, fields }) if name.ends_with("Refused") => {
            assert_eq!(fields["reason"], "JogOvertaken")
        }
        // A gateway that has only just come back, or is about to.
        Err(error) if error.short_name() == "Unavailable" => {}
        other => panic!("{other:?}"),
    }
    held.run(100);
    assert_eq!(held.snapshot.axes[BELT].velocity, 0.0, "the jog came back");
    held.end();
}

#[test]
fn a_jog_that_nobody_refreshes_expires() {
    assert_expires("", "", Value::Null);
}

#[test]
fn a_jog_expires_when_control_dies() {
    assert_expires("control", "Panic", json!({ "service": "control" }));
}

#[test]
fn a_jog_expires_when_control_hangs() {
    assert_expires("control", "Hang", json!({ "service": "control", "milliseconds": HANG_MS }));
}

#[test]
fn a_jog_expires_when_the_gateway_dies() {
    assert_expires("gateway", "Panic", json!({ "service": "gateway" }));
}

#[test]
fn a_jog_expires_when_the_gateway_hangs() {
    assert_expires("gateway", "Hang", json!({ "service": "gateway", "milliseconds": HANG_MS }));
}
