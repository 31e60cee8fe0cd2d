//! Leases as clients meet them.

use serde_json::{Value, json};

use super::fixture::{Client, Machine, context, takes_lease};
use crate::control::schema::INTERFACES;
use crate::control::{Role, permission};

const ACQUIRE: &str = "io.motiond.v1.Lease.Acquire";
const RESET: &str = "io.motiond.v1.Axis.Reset";

fn of_x(on_loss: &str) -> Value {
    json!({ "axis": "x", "ttl_ms": 60_000, "on_loss": on_loss, "holder": "alice" })
}

/// Lets the gateway and its cycle have many turns.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[test]
fn each_method_that_moves_takes_a_lease_and_a_stop_takes_none() {
    for interface in INTERFACES.iter() {
        for method in &interface.methods {
            let moves = matches!(interface.name.as_str(), name if ["Axis", "Group", "Machine", "Path", "Stream"].iter().any(|end| name.ends_with(end)));
            let changes = permission::needed(&interface.name, &method.name).unwrap() > Role::Observe;
            let name = format!("{}.{}", interface.name, method.name);
            let sets = ["Write", "RollBack"].contains(&method.name.as_str());
            let moves_nothing = ["Stop", "DryRun", "Picture"].contains(&method.name.as_str());
            assert_eq!(takes_lease(&name), moves && changes && !moves_nothing || sets, "{name}");
        }
    }
}

#[tokio::test]
async fn without_a_lease_nothing_moves_and_the_error_says_what_is_needed() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::of(&context(&machine));
    let cases = [
        (RESET, json!({ "axis": "x" }), json!(["x", null])),
        ("io.motiond.v1.Group.Enable", json!({ "group": "xy" }), json!([null, "xy"])),
        ("io.motiond.v1.Machine.Reset", json!({}), json!([null, null])),
    ];
    for (method, parameters, needed) in cases {
        let (error, told) = client.fail(method, parameters).await;
        assert_eq!(error, "io.motiond.v1.Lease.LeaseRequired", "{method}");
        assert_eq!(json!([told["axis"], told["group"]]), needed, "{method}");
    }
    for (axis, group) in [(json!("x"), json!(null)), (json!("nothing"), json!("xy"))] {
        let lease = json!({ "axis": axis, "group": group, "ttl_ms": 99, "on_loss": "stop", "holder": "alice" });
        client.fail(ACQUIRE, lease).await;
    }
    let (error, _) = client.fail(RESET, json!({ "axis": "x", "lease": "1-0000000000000000" })).await;
    assert_eq!(error, "io.motiond.v1.Lease.NoSuchLease");
    client.call("io.motiond.v1.Axis.Stop", json!({ "axis": "x" })).await;
    assert!(machine.requests().is_empty());
}

#[tokio::test(start_paused = true)]
async fn of_two_clients_one_gets_the_lease_and_the_other_is_told_who() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let (mut alice, mut bob) = (Client::of(&context), Client::of(&context));
    let token = alice.call(ACQUIRE, of_x("stop")).await["lease"].clone();
    let group = json!({ "group": "xy", "ttl_ms": 1000, "on_loss": "stop", "holder": "bob" });
    for (method, parameters) in [(ACQUIRE, group.clone()), (RESET, json!({ "axis": "x" }))] {
        let (error, told) = bob.fail(method, parameters).await;
        assert_eq!((error.as_str(), &told["holder"]), ("io.motiond.v1.Lease.LeaseHeld", &json!("alice")), "{method}");
        assert!(told["expires_in_ms"].as_u64().unwrap() <= 60_000, "{told}");
    }
    // Bob may stop what he does not hold; and whoever is shown the token may use it.
    bob.call("io.motiond.v1.Axis.Stop", json!({ "axis": "x" })).await;
    bob.call(RESET, json!({ "axis": "x", "lease": token })).await;
    let taken = bob.call("io.motiond.v1.Lease.TakeOver", group).await;
    let (error, _) = alice.fail(RESET, json!({ "axis": "x", "lease": token })).await;
    assert_eq!(error, "io.motiond.v1.Lease.NoSuchLease");
    bob.call(RESET, json!({ "axis": "y", "lease": taken["lease"] })).await;
    assert_eq!(machine.stops(), 2, "his own stop, and the one that alice chose for her loss");
}

#[tokio::test(start_paused = true)]
async fn holder_that_is_gone_loses_its_lease_after_the_grace_time_and_stops_once() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let (mut alice, mut again) = (Client::of(&context), Client::of(&context));
    let token = alice.call(ACQUIRE, of_x("stop")).await["lease"].clone();
    again.call(RESET, json!({ "axis": "x", "lease": token })).await;
    drop(alice);
    settle().await;
    tokio::time::advance(std::time::Duration::from_secs(5)).await;
    settle().await;
    assert_eq!(machine.stops(), 0, "a connection that has shown it is left");
    drop(again);
    for (seconds, stops) in [(1, 0), (2, 1), (100, 1)] {
        settle().await;
        tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
        settle().await;
        assert_eq!(machine.stops(), stops, "{seconds} s later");
    }
}

#[tokio::test]
async fn numbered_request_is_carried_out_once_over_the_wire() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let moved = |id: u64, distance: i32| json!({ "axis": "x", "distance": distance, "request_id": id });
    let method = "io.motiond.v1.Axis.MoveRelative";
    let first = client.call(method, moved(5, 3)).await;
    assert_eq!(client.call(method, moved(5, 3)).await, first);
    for (id, reason) in [(5, "RequestIdReused"), (4, "RequestIdOld")] {
        let (error, told) = client.fail(method, moved(id, 7)).await;
        assert_eq!((error.as_str(), &told["reason"]), ("io.motiond.v1.Lease.RequestIdRefused", &json!(reason)));
    }
    assert_eq!(machine.requests().len(), 1);
}

#[tokio::test]
async fn jog_that_was_overtaken_is_refused() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let jog = |sent_at_ns: u64| json!({ "axis": "x", "velocity": 2, "valid_ms": 200, "sent_at_ns": sent_at_ns });
    client.call("io.motiond.v1.Axis.Jog", jog(999_950_000_000)).await;
    let (error, told) = client.fail("io.motiond.v1.Axis.Jog", jog(999_940_000_000)).await;
    assert_eq!((error.as_str(), &told["reason"]), ("io.motiond.v1.Axis.Refused", &json!("JogOvertaken")));
    assert_eq!(machine.requests().len(), 1);
}
