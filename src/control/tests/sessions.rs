//! Order, stops, and the end of sessions.

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::fixture::{Client, Machine, context, message};
use crate::control::session::End;
use crate::limits::MAX_PENDING_REQUESTS;

const STATUS: &str = "io.motiond.v1.Machine.Status";
const STOP: &str = "io.motiond.v1.Machine.Stop";

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::of(&context(&machine));
    let count = 3 * MAX_PENDING_REQUESTS as u64;
    for _ in 0..count {
        client.ask("io.motiond.v1.Axis.Reset", json!({ "axis": "x" })).await;
    }
    for handle in 1..=count {
        assert_eq!(client.receive().await["parameters"]["handle"], handle);
    }
}

#[tokio::test]
async fn what_was_asked_before_the_end_is_answered() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    for _ in 0..3 {
        client.ask(STATUS, json!({})).await;
    }
    client.stream.shutdown().await.unwrap();
    for _ in 0..3 {
        client.receive_for(STATUS).await;
    }
    assert!(client.is_closed().await);
    assert_eq!(client.session.await.unwrap(), End::Closed);
}

#[tokio::test]
async fn a_oneway_request_is_carried_out_without_a_reply() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::of(&context(&machine));
    let oneway = json!({ "method": "io.motiond.v1.Axis.Reset", "parameters": { "axis": "y" }, "oneway": true });
    client.send(&message(oneway)).await;
    client.call(STATUS, json!({})).await;
    assert_eq!(machine.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_no_other_request() {
    let machine = Machine::new();
    let context = context(&machine);
    let mut client = Client::of(&context);
    // The cycle is not run, so this request is not answered until the patience with the gateway ends.
    client.ask("io.motiond.v1.Axis.Reset", json!({ "axis": "x" })).await;
    client.ask(STOP, json!({})).await;
    client.ask("io.motiond.v1.Axis.Stop", json!({ "axis": "y" })).await;
    let before = tokio::time::Instant::now();
    while machine.stops() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(before.elapsed().as_millis(), 0, "the stop waited");
    let reply = client.receive_for("io.motiond.v1.Axis.Reset").await;
    assert_eq!(reply["error"], "io.motiond.v1.Axis.Unavailable");
    assert_eq!(client.receive_for(STOP).await["parameters"]["generation"], 1);
    assert_eq!(client.receive_for("io.motiond.v1.Axis.Stop").await["error"], json!(null));
}

#[tokio::test]
async fn a_stop_on_a_streaming_connection_is_carried_out_at_once() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    client.ask_more("io.motiond.v1.Events.Subscribe", json!({})).await;
    client.ask(STOP, json!({})).await;
    while machine.stops() < 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_given_up_and_holds_up_nobody() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let mut deaf = Client::of(&context);
    let mut other = Client::of(&context);
    let axes = json!({ "decimation": 10 });
    deaf.ask_more("io.motiond.v1.Telemetry.Subscribe", axes).await;
    while !deaf.session.is_finished() {
        other.call(STATUS, json!({})).await;
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(deaf.session.await.unwrap(), End::NotReading);
    other.call(STATUS, json!({})).await;
}
