//! Which door and which role let a request through.

use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde_json::{Value, json};

use super::fixture::{Client, Machine, context, message};
use crate::control::schema::INTERFACES;
use crate::control::{Door, Role, permission};
use crate::limits::{MAX_OBSERVED_STREAMS, MAX_OBSERVERS};

const DENIED: &str = "io.motiond.v1.Machine.PermissionDenied";

/// A call of a method whose only fault is its sender: parameters are looked at afterwards.
async fn ask(client: &mut Client, method: &str) -> Value {
    client.ask(method, json!({})).await;
    client.receive_for(method).await
}

#[tokio::test]
async fn the_observe_door_refuses_every_method_that_changes_anything() {
    let machine = Machine::new();
    let mut client = Client::through(Door::Observe, &context(&machine));
    for interface in INTERFACES.iter() {
        for method in &interface.methods {
            let name = format!("{}.{}", interface.name, method.name);
            let reply = ask(&mut client, &name).await;
            let needed = permission::needed(&interface.name, &method.name).unwrap();
            assert_eq!(reply["error"] == DENIED, needed > Role::Observe, "{name}: {reply}");
            if needed > Role::Observe {
                let told = &reply["parameters"];
                assert_eq!((&told["role"], &told["needed"]), (&json!("observe"), &json!(needed.name())), "{name}");
                assert!(told["hint"].as_str().unwrap().contains("use the control socket"), "{name}: {reply}");
            }
        }
    }
    assert!(machine.requests().is_empty(), "an observer's request reached the cycle");
}

#[tokio::test]
async fn an_observer_stops_nothing() {
    let machine = Machine::new();
    let context = context(&machine);
    let mut observer = Client::through(Door::Observe, &context);
    for (method, parameters) in [
        ("io.motiond.v1.Machine.Stop", json!({})),
        ("io.motiond.v1.Axis.Stop", json!({ "axis": "x" })),
        ("io.motiond.v1.Group.Stop", json!({ "group": "xy" })),
    ] {
        assert_eq!(observer.fail(method, parameters).await.0, DENIED, "{method}");
    }
    let mut operator = Client::of(&context);
    let stopped = operator.call("io.motiond.v1.Machine.Stop", json!({})).await;
    assert_eq!(stopped["generation"], 1, "a stop came before this one");
}

#[tokio::test]
async fn a_message_with_descriptors_beside_it_is_nobodys_and_opens_nothing_here() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let given = std::fs::File::open("/dev/null").unwrap();
    let stop = message(json!({ "method": "io.motiond.v1.Machine.Stop" }));
    let before = open();
    for _ in 0..50 {
        let descriptors = [given.as_raw_fd(); 100];
        let (bytes, beside) = ([std::io::IoSlice::new(&stop)], [ControlMessage::ScmRights(&descriptors)]);
        let sent = sendmsg::<()>(client.stream.as_raw_fd(), &bytes, &beside, MsgFlags::empty(), None).unwrap();
        assert_eq!(sent, stop.len());
        let reply = client.receive_for("io.motiond.v1.Machine.Stop").await;
        assert_eq!(reply["error"], DENIED);
        assert!(reply["parameters"]["hint"].as_str().unwrap().contains("without descriptors"), "{reply}");
    }
    // Other tests of this program open and close some meanwhile, but not thousands.
    assert!(open() < before + 1000, "descriptors were kept");
    client.call("io.motiond.v1.Machine.Stop", json!({})).await;
}

#[tokio::test]
async fn observers_leave_streams_and_places_for_who_commands_the_machine() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let _streams: Vec<_> = (0..MAX_OBSERVED_STREAMS).map(|_| context.open_stream(Door::Observe).unwrap()).collect();
    let mut observer = Client::through(Door::Observe, &context);
    observer.ask_more("io.motiond.v1.Events.Subscribe", json!({})).await;
    let reply = observer.receive_for("io.motiond.v1.Events.Subscribe").await;
    assert_eq!(reply["error"], "io.motiond.v1.Events.TooManyStreams");
    assert_eq!(reply["parameters"]["limit"], MAX_OBSERVED_STREAMS);
    assert!(context.open_stream(Door::Control).is_ok());

    let context = Arc::clone(&context);
    let _clients: Vec<_> = (0..MAX_OBSERVERS).map(|_| context.admit(Door::Observe).unwrap()).collect();
    assert_eq!(context.admit(Door::Observe).unwrap_err(), MAX_OBSERVERS);
    assert!(context.admit(Door::Control).is_ok());
}
