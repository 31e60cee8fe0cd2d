//! A holder that is lost in motion: what it had chosen for that happens, once. Whoever does not hold an axis, repeats a
//! request or sends it too late moves nothing.

#[path = "../support/random.rs"]
mod random;

use motiond::client::{Ended, Machine};
use motiond::cycle::clock::Clock;
use motiond::gateway::{AxisState, StopScope};
use motiond::ids::AxisId;
use motiond::limits::LEASE_GRACE_NS;
use random::Random;
use serde_json::{Value, json};

use crate::held::{Held, until};

const BELT: usize = 5;
const SCOPE: StopScope = StopScope::Axis(AxisId(BELT as u8));
const VELOCITY: f64 = 300.0;
const TTL_MS: u64 = 1000;
/// From the cycle that reads a stop to the one that decelerates.
const WITHIN: u64 = 2;

fn request(ttl_ms: u64, on_loss: &str, holder: &str) -> Value {
    json!({ "axis": "belt", "ttl_ms": ttl_ms, "on_loss": on_loss, "holder": holder })
}

/// The belt's lease.
fn acquire(machine: &mut Machine, ttl_ms: u64, on_loss: &str) -> Value {
    machine.call("Lease", "Acquire", request(ttl_ms, on_loss, "holder")).unwrap()["lease"].take()
}

fn go(lease: &Value, velocity: f64) -> Value {
    json!({ "axis": "belt", "velocity": velocity, "lease": lease })
}

/// A machine that stands, and nobody holds it.
fn standing() -> Held {
    let mut held = Held::start();
    held.power_up();
    let mut machine = held.connect();
    let lease = held.lease();
    machine.call("Lease", "Release", json!({ "lease": lease })).unwrap();
    held
}

/// One who holds the belt, which is at its velocity.
fn moving(on_loss: &str) -> (Held, Machine, Value) {
    let mut held = standing();
    let mut holder = held.connect();
    let lease = acquire(&mut holder, 60_000, on_loss);
    held.ask(&mut holder, "Axis", "MoveVelocity", go(&lease, VELOCITY)).unwrap();
    held.run_until(2000, "the belt is at its velocity", |now| now.axes[BELT].velocity == VELOCITY);
    (held, holder, lease)
}

fn generation(held: &Held) -> u64 {
    held.daemon().gateway().stop_generation(SCOPE)
}

/// The gateway looks at the clock when it likes; it has to have looked at this moment of it.
fn looked(held: &Held) {
    let mut asking = held.connect();
    for _ in 0..2 {
        asking.call("Lease", "List", json!({})).unwrap();
    }
}

/// The stop came now; it ramps down within the limits, locks, and is the only one for a long time.
fn assert_stops_once(held: &mut Held) {
    until("the stop", || (generation(held) == 1).then_some(()));
    held.run(WITHIN);
    assert!(held.snapshot.axes[BELT].velocity < VELOCITY, "{:?}", held.snapshot.axes[BELT]);
    held.ramp_to_rest(BELT);
    let rest = held.snapshot.axes[BELT].setpoint;
    held.run(2000);
    looked(held);
    assert_eq!((generation(held), held.snapshot.axes[BELT].setpoint), (1, rest), "once, and then it rests");
    let events = held.connect().call("Events", "Read", json!({})).unwrap();
    let stopped = |event: &&Value| event["kind"] == "stopped" && event["axis"] == "belt";
    assert_eq!(events["events"].as_array().unwrap().iter().filter(stopped).count(), 1, "{events}");
}

/// Nothing that this lease could do reaches the cycle.
fn assert_fenced(held: &mut Held, machine: &mut Machine, lease: &Value) {
    let now = held.clock.now_ns();
    for (method, parameters) in [
        ("MoveVelocity", go(lease, -VELOCITY)),
        ("MoveRelative", json!({ "axis": "belt", "distance": 10.0, "lease": lease })),
        ("Jog", json!({ "axis": "belt", "velocity": 5.0, "valid_ms": 200, "sent_at_ns": now, "lease": lease })),
        ("Halt", json!({ "axis": "belt", "lease": lease })),
        ("Power", json!({ "axis": "belt", "on": false, "lease": lease })),
        ("SetOverride", json!({ "axis": "belt", "ratio": 0.5, "lease": lease })),
        ("Release", json!({ "axis": "belt", "generation": 1, "lease": lease })),
    ] {
        let refused = machine.call("Axis", method, parameters).unwrap_err();
        assert_eq!(refused.short_name(), "NoSuchLease", "{method}: {refused:?}");
    }
    assert_eq!(machine.call("Lease", "Renew", json!({ "lease": lease })).unwrap_err().short_name(), "NoSuchLease");
    assert_eq!(held.depth("commands"), 0);
}

#[test]
fn a_holder_that_hangs_in_motion_has_its_axis_stopped_once_when_its_time_is_over() {
    let mut held = standing();
    let mut holder = held.connect();
    let lease = acquire(&mut holder, TTL_MS, "stop");
    let over_ns = held.clock.now_ns() + TTL_MS * 1_000_000;
    held.ask(&mut holder, "Axis", "MoveVelocity", go(&lease, VELOCITY)).unwrap();
    while held.clock.now_ns() + 1_000_000 < over_ns {
        held.step();
        assert!(generation(&held) == 0, "before its time");
    }
    looked(&held);
    assert_eq!((generation(&held), held.snapshot.axes[BELT].velocity), (0, VELOCITY));
    // Its connection is there still.
    held.run(2);
    assert_stops_once(&mut held);
    assert_fenced(&mut held, &mut holder, &lease);
    // Another one can take it up again, by its own release of the stop.
    let next = acquire(&mut holder, 60_000, "stop");
    held.ask(&mut holder, "Axis", "Release", json!({ "axis": "belt", "generation": 1, "lease": next })).unwrap();
    held.ask(&mut holder, "Axis", "MoveVelocity", go(&next, VELOCITY)).unwrap();
    held.run_until(2000, "it moves again", |now| now.axes[BELT].velocity == VELOCITY);
    held.end();
}

#[test]
fn a_holder_that_renews_keeps_its_axis_moving() {
    let mut held = standing();
    let mut holder = held.connect();
    let lease = acquire(&mut holder, TTL_MS, "stop");
    held.ask(&mut holder, "Axis", "MoveVelocity", go(&lease, VELOCITY)).unwrap();
    for _ in 0..6 {
        held.run(TTL_MS / 2);
        holder.call("Lease", "Renew", json!({ "lease": lease })).unwrap();
    }
    assert_eq!((generation(&held), held.snapshot.axes[BELT].velocity), (0, VELOCITY));
    held.end();
}

#[test]
fn a_holder_that_dies_in_motion_has_its_axis_stopped_once_after_the_grace_time() {
    let (mut held, holder, lease) = moving("stop");
    drop(holder);
    let mut other = held.connect();
    until("the death is seen", || {
        let leases = other.call("Lease", "List", json!({})).unwrap();
        (leases["leases"][0]["connections"] == 0).then_some(())
    });
    looked(&held);
    held.run(LEASE_GRACE_NS / 1_000_000 - 10);
    looked(&held);
    assert_eq!((generation(&held), held.snapshot.axes[BELT].velocity), (0, VELOCITY), "within the grace time");
    held.run(20);
    assert_stops_once(&mut held);
    assert_fenced(&mut held, &mut other, &lease);
    held.end();
}

#[test]
fn what_a_lost_holder_wanted_finished_comes_to_its_end() {
    let mut held = standing();
    let mut holder = held.connect();
    let lease = acquire(&mut holder, TTL_MS, "finish");
    let from = held.snapshot.axes[BELT].setpoint;
    let motion = json!({ "axis": "belt", "distance": 700.0, "velocity": VELOCITY, "lease": lease });
    let handle = held.ask(&mut holder, "Axis", "MoveRelative", motion).unwrap()["handle"].as_u64().unwrap();
    held.run(TTL_MS + 100);
    until("the loss", || holder.call("Lease", "List", json!({})).unwrap()["leases"][0].is_null().then_some(()));
    assert_fenced(&mut held, &mut holder, &lease);
    assert_eq!(held.snapshot.axes[BELT].state, AxisState::DiscreteMotion, "it is lost in motion");
    held.run(4000);
    assert_eq!(holder.wait(handle).unwrap(), Ended::Done);
    let moved = held.snapshot.axes[BELT].setpoint - from;
    assert!((moved - 700.0).abs() < 1e-6, "{moved}");
    assert_eq!(generation(&held), 0);
    held.end();
}

#[test]
fn whoever_is_taken_over_from_is_fenced_off_and_its_choice_is_carried_out_once() {
    for on_loss in ["finish", "stop"] {
        let (mut held, mut former, lease) = moving(on_loss);
        let mut next = held.connect();
        let refused = next.call("Lease", "Acquire", request(60_000, "stop", "next")).unwrap_err();
        assert_eq!(refused.short_name(), "LeaseHeld");
        let mut given = next.call("Lease", "TakeOver", request(60_000, "stop", "next")).unwrap();
        assert_fenced(&mut held, &mut former, &lease);
        if on_loss == "stop" {
            assert_stops_once(&mut held);
        } else {
            held.run(100);
            assert_eq!((generation(&held), held.snapshot.axes[BELT].velocity), (0, VELOCITY));
            held.ask(&mut next, "Axis", "MoveVelocity", go(&given["lease"].take(), -VELOCITY)).unwrap();
            held.run_until(3000, "it obeys", |now| now.axes[BELT].velocity == -VELOCITY);
        }
        held.end();
    }
}

#[test]
fn a_repeated_request_gets_its_first_answer_and_moves_nothing_again() {
    let mut held = standing();
    let mut holder = held.connect();
    let lease = acquire(&mut holder, 60_000, "stop");
    let motion = |distance: f64, id: u64| json!({ "axis": "belt", "distance": distance, "velocity": VELOCITY, "lease": lease, "request_id": id });
    let first = held.ask(&mut holder, "Axis", "MoveRelative", motion(50.0, 7)).unwrap();
    held.run(2000);
    assert_eq!(holder.wait(first["handle"].as_u64().unwrap()).unwrap(), Ended::Done);
    let rest = held.snapshot.axes[BELT].setpoint;
    let replay = |held: &mut Held, motion: Value| {
        let mut another = held.connect();
        let answer = held.ask(&mut another, "Axis", "MoveRelative", motion);
        held.run(500);
        assert_eq!(held.snapshot.axes[BELT].setpoint, rest, "it moved");
        answer
    };
    let again = replay(&mut held, motion(50.0, 7)).unwrap();
    assert_eq!((&again["handle"], &again["cycle"]), (&first["handle"], &first["cycle"]));
    for (distance, id, reason) in [(51.0, 7, "Reused"), (50.0, 6, "Old")] {
        let refused = replay(&mut held, motion(distance, id)).unwrap_err();
        assert_eq!(refused.short_name(), "RequestIdRefused", "{refused:?}");
        assert!(refused.field("reason").unwrap().as_str().unwrap().contains(reason), "{refused:?}");
    }
    held.end();
}

#[test]
fn a_refresh_of_a_jog_that_comes_late_never_starts_it_again() {
    let mut held = standing();
    let mut holder = held.connect();
    let lease = acquire(&mut holder, 60_000, "stop");
    let jog = |sent_at_ns: u64| json!({ "axis": "belt", "velocity": VELOCITY, "valid_ms": 200, "sent_at_ns": sent_at_ns, "lease": lease });
    let sent = held.clock.now_ns();
    held.ask(&mut holder, "Axis", "Jog", jog(sent)).unwrap();
    held.run(50);
    let overtaken = held.clock.now_ns();
    held.run(10);
    held.ask(&mut holder, "Axis", "Halt", json!({ "axis": "belt", "lease": lease })).unwrap();
    held.run_until(2000, "it rests", |now| now.axes[BELT].velocity == 0.0);
    held.run(5);
    let rest = held.snapshot.axes[BELT].setpoint;
    for sent_at_ns in [sent, overtaken] {
        assert!(held.ask(&mut holder, "Axis", "Jog", jog(sent_at_ns)).is_err(), "sent at {sent_at_ns}");
        held.run(300);
        assert_eq!(held.snapshot.axes[BELT].setpoint, rest, "it moved");
    }
    held.end();
}

#[test]
fn of_two_who_fight_the_holder_alone_is_obeyed() {
    let seed = std::env::var("MOTIOND_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_123);
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut held = standing();
    let mut fighters = [held.connect(), held.connect()];
    let mut tokens = [Value::Null, Value::Null];
    let (mut holder, mut asked): (Option<usize>, f64) = (None, 0.0);
    for round in 0..120 {
        let who = (random.next() % 2) as usize;
        let what = random.next() % 6;
        let holds = holder == Some(who);
        let fighter = &mut fighters[who];
        let token = tokens[who].clone();
        let place = format!("seed {seed}, round {round}: {who} does {what}, {holder:?} holds");
        match what {
            0 => {
                let given = fighter.call("Lease", "Acquire", request(60_000, "finish", "fighter"));
                assert_eq!(given.is_ok(), holder.is_none(), "{place}: {given:?}");
                if let Ok(mut given) = given {
                    tokens[who] = given["lease"].take();
                    holder = Some(who);
                }
            }
            1 => {
                let mut given = fighter.call("Lease", "TakeOver", request(60_000, "finish", "fighter")).unwrap();
                tokens[who] = given["lease"].take();
                holder = Some(who);
            }
            2 if !token.is_null() && random.next().is_multiple_of(3) => {
                let released = fighter.call("Lease", "Release", json!({ "lease": token }));
                assert_eq!(released.is_ok(), holds, "{place}: {released:?}");
                if holds {
                    holder = None;
                }
            }
            _ => {
                let velocity = random.within(-VELOCITY, VELOCITY);
                let answer = held.ask(fighter, "Axis", "MoveVelocity", go(&token, velocity));
                assert_eq!(answer.is_ok(), holds, "{place}: {answer:?}");
                if holds {
                    asked = velocity;
                }
            }
        }
        // Whatever else moved it would show in a few cycles.
        held.run_until(3000, &place, |now| now.axes[BELT].velocity == asked);
        held.run(20);
        assert_eq!(held.snapshot.axes[BELT].velocity, asked, "{place}");
    }
    assert_eq!(generation(&held), 0);
    held.end();
}
