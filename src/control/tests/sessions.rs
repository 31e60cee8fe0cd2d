//! Order, stops, and the end of sessions.

use nix::sys::socket::{getsockopt, sockopt};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use super::fixture::{Client, Machine, context, message};
use crate::control::session::End;
use crate::limits::{MAX_PENDING_BYTES, MAX_PENDING_REQUESTS, MAX_REQUEST_BYTES};

const STATUS: &str = "io.motiond.v1.Machine.Status";
const STOP: &str = "io.motiond.v1.Machine.Stop";

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let machine = Machine::new();
    let (read, mut write) = Client::of(&context(&machine)).stream.into_split();
    let mut read = BufReader::new(read);
    let count = 3 * MAX_PENDING_REQUESTS;
    let name = |number| format!("io.motiond.v1.Axis.Number{number}");
    let requests: Vec<u8> = (0..count).flat_map(|number| message(json!({ "method": name(number) }))).collect();
    tokio::spawn(async move { write.write_all(&requests).await.map(|()| write) });
    for number in 0..count {
        let mut reply = Vec::new();
        read.read_until(0, &mut reply).await.unwrap();
        reply.pop();
        let reply: Value = serde_json::from_slice(&reply).unwrap();
        assert_eq!(reply["parameters"]["method"], name(number), "{reply}");
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
    let mut client = Client::holding(&context(&machine)).await;
    let oneway = json!({ "method": "io.motiond.v1.Axis.Reset", "parameters": { "axis": "y", "lease": client.lease }, "oneway": true });
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

#[tokio::test(start_paused = true)]
async fn a_stop_behind_hundreds_of_requests_is_carried_out_at_once() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    // The cycle is not run: nothing of this is answered.
    for _ in 0..900 {
        client.ask("io.motiond.v1.Axis.Reset", json!({ "axis": "x" })).await;
    }
    client.ask(STOP, json!({})).await;
    let before = tokio::time::Instant::now();
    while machine.stops() < 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(before.elapsed().as_millis(), 0, "the stop waited");
}

#[tokio::test]
async fn a_client_that_sends_many_requests_at_once_holds_up_nobody() {
    let machine = Machine::new();
    let context = context(&machine);
    let (mut flood, mut other) = (Client::of(&context), Client::of(&context));
    let many: Vec<u8> = (0..400).flat_map(|_| message(json!({ "method": STATUS, "parameters": {} }))).collect();
    flood.send(&many).await;
    other.call(STATUS, json!({})).await;
    let mut answers = vec![0; 1 << 20];
    let read = flood.stream.try_read(&mut answers).unwrap_or(0);
    let answered = answers[..read].iter().filter(|byte| **byte == 0).count();
    assert!(answered <= 20, "{answered} answers came before that of another client");
    for _ in answered..400 {
        flood.receive().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_of_one_client_is_bounded_and_then_its_socket_is_not_read() {
    let machine = Machine::new();
    let client = Client::of(&context(&machine));
    let kernel = getsockopt(&client.stream, sockopt::SndBuf).unwrap();
    // The cycle is not run: of this nothing is answered.
    let question =
        message(json!({ "method": "io.motiond.v1.Axis.Reset", "parameters": { "axis": "x".repeat(30_000) } }));
    let first = message(json!({ "method": "io.motiond.v1.Axis.Reset", "parameters": { "axis": "x" } }));
    let bytes: Vec<u8> = first.into_iter().chain(question.repeat(100)).collect();
    let (mut taken, mut idle_turns) = (0, 0);
    while idle_turns < 1000 {
        match client.stream.try_write(&bytes[taken..]) {
            Ok(more) => (taken, idle_turns) = (taken + more, 0),
            Err(_) => idle_turns += 1,
        }
        tokio::task::yield_now().await;
    }
    let allowed = MAX_PENDING_BYTES + 2 * MAX_REQUEST_BYTES + kernel;
    assert!((MAX_PENDING_BYTES..allowed).contains(&taken), "{taken} of {} taken, {allowed} allowed", bytes.len());
    assert!(allowed < bytes.len());
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
