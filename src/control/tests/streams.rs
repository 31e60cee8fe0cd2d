//! Requests that are answered more than once.

use std::sync::atomic::Ordering;

use serde_json::json;

use super::fixture::{Client, Machine, context};
use crate::control::Context;
use crate::control::session::End;
use crate::limits::MAX_STREAMS;

const WAIT: &str = "io.motiond.v1.Command.Wait";
const EVENTS: &str = "io.motiond.v1.Events.Subscribe";
const TELEMETRY: &str = "io.motiond.v1.Telemetry.Subscribe";
const RECORD: &str = "io.motiond.v1.Telemetry.Record";

async fn wait_for_a_stream(context: &Context) {
    while context.streams.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn waiting_tells_each_state_up_to_the_end() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let motion = json!({ "axis": "x", "position": 5 });
    let handle = client.call("io.motiond.v1.Axis.MoveAbsolute", motion).await["handle"].as_u64().unwrap();
    client.ask_more(WAIT, json!({ "handle": handle })).await;
    let first = client.receive_for(WAIT).await;
    assert_eq!((&first["parameters"]["progress"]["state"], &first["continues"]), (&json!("accepted"), &json!(true)));
    machine.activate(handle);
    assert_eq!(client.receive_for(WAIT).await["parameters"]["progress"]["state"], "active");
    machine.finish(handle);
    let last = client.receive_for(WAIT).await;
    assert_eq!((&last["parameters"]["progress"]["state"], &last["continues"]), (&json!("done"), &json!(false)));
    // The connection goes on.
    assert_eq!(client.call(WAIT, json!({ "handle": handle })).await["progress"]["state"], "done");
}

#[tokio::test]
async fn a_command_that_a_fault_ends_says_which() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let handle = client.call("io.motiond.v1.Axis.Reset", json!({ "axis": "x" })).await["handle"].as_u64().unwrap();
    machine.fail(handle, crate::fault::Fault::FollowingError);
    let progress = client.call(WAIT, json!({ "handle": handle })).await["progress"].clone();
    assert_eq!((&progress["state"], &progress["fault"]["code"]), (&json!("error"), &json!(4001)));
    assert!(!progress["fault"]["remedy"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn the_end_of_a_client_ends_its_streams() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let handle = {
        let mut client = Client::holding(&context).await;
        client.call("io.motiond.v1.Axis.Reset", json!({ "axis": "x" })).await["handle"].clone()
    };
    let wait_without_more = json!({ "method": WAIT, "parameters": { "handle": handle } });
    for request in [
        json!({ "method": WAIT, "parameters": { "handle": handle }, "more": true }),
        wait_without_more,
        json!({ "method": EVENTS, "more": true }),
        json!({ "method": TELEMETRY, "more": true }),
    ] {
        let mut client = Client::of(&context);
        client.send(&super::fixture::message(request.clone())).await;
        wait_for_a_stream(&context).await;
        drop(client.stream);
        assert_eq!(client.session.await.unwrap(), End::Closed, "{request}");
        assert_eq!(context.streams.load(Ordering::Relaxed), 0, "{request}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_are_read_by_cursor_and_no_reader_takes_them_from_another() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let (mut one, mut two) = (Client::of(&context), Client::of(&context));
    one.ask_more(EVENTS, json!({ "after": 0 })).await;
    machine.happen(3);
    assert_eq!(one.receive_for(EVENTS).await["parameters"]["next"], 3);
    machine.happen(60);
    let mut next = 3;
    while next < 63 {
        let reply = one.receive_for(EVENTS).await;
        let events = reply["parameters"]["events"].as_array().unwrap().clone();
        assert_eq!(events[0]["sequence"], next + 1);
        next = reply["parameters"]["next"].as_u64().unwrap();
        assert_eq!(events.last().unwrap()["sequence"], next);
    }
    let page = two.call("io.motiond.v1.Events.Read", json!({ "max": 5 })).await;
    assert_eq!((&page["next"], &page["lost"]), (&json!(5), &json!(0)));
    let page = two.call("io.motiond.v1.Events.Read", json!({ "after": 63 })).await;
    assert_eq!((&page["next"], &page["events"]), (&json!(63), &json!([])));
    let (error, _) = two.fail("io.motiond.v1.Events.Read", json!({ "max": 1000 })).await;
    assert_eq!(error, "io.motiond.v1.Events.OutOfRange");
}

#[tokio::test(start_paused = true)]
async fn telemetry_tells_the_chosen_axes_at_the_chosen_rate() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let mut client = Client::of(&context);
    client.ask_more(TELEMETRY, json!({ "axes": ["y"], "decimation": 20 })).await;
    wait_for_a_stream(&context).await;
    let mut cycle = 0;
    for _ in 0..5 {
        tokio::time::advance(std::time::Duration::from_millis(20)).await;
        let sample = client.receive_for(TELEMETRY).await;
        assert_eq!(sample["parameters"]["axes"].as_array().unwrap().len(), 1);
        assert_eq!(sample["parameters"]["axes"][0]["name"], "y");
        assert!(sample["parameters"]["cycle"].as_u64().unwrap() > cycle);
        cycle = sample["parameters"]["cycle"].as_u64().unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_names_its_columns_and_then_has_every_cycle() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let mut client = Client::of(&context);
    client.ask_more(RECORD, json!({ "axes": ["a", "x"], "quantities": ["velocity", "state"] })).await;
    let first = client.receive_for(RECORD).await;
    let columns = &first["parameters"]["columns"];
    assert_eq!(columns.as_array().unwrap().len(), 4);
    assert_eq!(columns[0], json!({ "axis": "a", "quantity": "velocity", "unit": "deg/s" }));
    assert_eq!(columns[3], json!({ "axis": "x", "quantity": "state", "unit": "1" }));
    assert_eq!((&first["parameters"]["samples"], &first["continues"]), (&json!([]), &json!(true)));
    for cycle in 1..=30 {
        tokio::time::advance(std::time::Duration::from_millis(1)).await;
        let reply = client.receive_for(RECORD).await["parameters"].clone();
        assert_eq!((&reply["samples"][0]["cycle"], &reply["dropped"]), (&json!(cycle), &json!(0)));
        assert_eq!(reply["samples"][0]["values"], json!([0.0, 0.0, 0.0, 0.0]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_recording_with_a_gap_ends_and_says_where() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let mut client = Client::of(&context);
    client.ask_more(RECORD, json!({})).await;
    client.receive_for(RECORD).await;
    tokio::time::advance(std::time::Duration::from_millis(1)).await;
    assert_eq!(client.receive_for(RECORD).await["parameters"]["samples"][0]["cycle"], 1);
    // The cycles 2 to 8 were never published.
    tokio::time::advance(std::time::Duration::from_millis(8)).await;
    let last = client.receive_for(RECORD).await;
    assert_eq!((&last["error"], &last["continues"]), (&json!("io.motiond.v1.Telemetry.Gap"), &json!(false)));
    assert_eq!((&last["parameters"]["reason"], &last["parameters"]["cycle"]), (&json!("DaemonLate"), &json!(2)));
    // The connection goes on.
    client.call("io.motiond.v1.Machine.Status", json!({})).await;
}

#[tokio::test]
async fn recordings_of_what_there_is_not_are_refused() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    for (parameters, error) in [
        (json!({ "decimation": 0 }), "io.motiond.v1.Telemetry.OutOfRange"),
        (json!({ "decimation": 60_001 }), "io.motiond.v1.Telemetry.OutOfRange"),
        (json!({ "axes": ["q"] }), "io.motiond.v1.Telemetry.Refused"),
        (json!({ "axes": [] }), "org.varlink.service.InvalidParameter"),
        (json!({ "quantities": [] }), "org.varlink.service.InvalidParameter"),
        (json!({ "quantities": ["colour"] }), "org.varlink.service.InvalidParameter"),
        (json!({ "quantities": ["state", "state"] }), "org.varlink.service.InvalidParameter"),
        (json!({ "delivery": "sometimes" }), "org.varlink.service.InvalidParameter"),
    ] {
        client.ask_more(RECORD, parameters.clone()).await;
        assert_eq!(client.receive_for(RECORD).await["error"], error, "{parameters}");
    }
}

#[tokio::test]
async fn telemetry_that_is_faster_than_displays_need_is_refused() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    for (parameters, error) in [
        (json!({ "decimation": 9 }), "io.motiond.v1.Telemetry.OutOfRange"),
        (json!({ "decimation": 0 }), "io.motiond.v1.Telemetry.OutOfRange"),
        (json!({ "axes": ["q"] }), "io.motiond.v1.Telemetry.Refused"),
        (json!({ "axes": ["x", "x"] }), "org.varlink.service.InvalidParameter"),
        (json!({ "mode": "other" }), "org.varlink.service.InvalidParameter"),
    ] {
        client.ask_more(TELEMETRY, parameters.clone()).await;
        assert_eq!(client.receive_for(TELEMETRY).await["error"], error, "{parameters}");
    }
}

#[tokio::test]
async fn streams_are_bounded_over_all_clients() {
    let machine = Machine::new();
    let context = context(&machine);
    context.streams.store(MAX_STREAMS, Ordering::Relaxed);
    let mut client = Client::of(&context);
    client.ask_more(EVENTS, json!({})).await;
    assert_eq!(client.receive_for(EVENTS).await["error"], "io.motiond.v1.Events.TooManyStreams");
    assert_eq!(context.streams.load(Ordering::Relaxed), MAX_STREAMS);
}
