//! Bytes that a client may send: each session ends without a panic and without a hang, all that it answers is one whole
//! reply after another as the interfaces describe them, and no setpoint of the machine behind it becomes anything but a
//! number. `@lease` in the bytes stands for the token of a lease of the whole machine.
#![no_main]

mod machine;

use libfuzzer_sys::fuzz_target;
use machine::Machine;
use motiond::control::Door;
use motiond::control::schema::INTERFACES;
use motiond::control::session::{self, End};
use nix::sys::socket::{setsockopt, sockopt};
use serde_json::Value;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const ACQUIRE: &[u8] = b"{\"method\":\"io.motiond.v1.Lease.Acquire\",\
    \"parameters\":{\"ttl_ms\":60000,\"on_loss\":\"finish\",\"holder\":\"fuzz\"}}\0";

fuzz_target!(|bytes: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(talk(bytes));
});

async fn talk(bytes: &[u8]) {
    let mut machine = Machine::new();
    let (mut client, served) = UnixStream::pair().unwrap();
    setsockopt(&served, sockopt::PassCred, &true).unwrap();
    let session = tokio::spawn(session::serve(served, Door::Control, Arc::clone(&machine.context)));
    client.write_all(ACQUIRE).await.unwrap();
    let mut given = Vec::new();
    while given.last() != Some(&0) {
        machine.turn().await;
        let _ = client.try_read_buf(&mut given);
    }
    given.pop();
    let given: Value = serde_json::from_slice(&given).unwrap();
    let lease = given["parameters"]["lease"].as_str().unwrap_or_else(|| panic!("{given}"));
    let bytes = with_lease(bytes, lease.as_bytes());
    let (mut read, mut write) = client.into_split();
    let writing = tokio::spawn(async move {
        // A session that gives up on a client closes the connection before all is written.
        let _ = write.write_all(&bytes).await;
        write
    });
    let reading = tokio::spawn(async move {
        let mut answers = Vec::new();
        let _ = read.read_to_end(&mut answers).await;
        answers
    });
    // A session that hangs is one that libFuzzer's time limit for an input ends.
    while !writing.is_finished() {
        machine.turn().await;
    }
    // The end of what the client says.
    drop(writing.await.unwrap());
    while !(session.is_finished() && reading.is_finished()) {
        machine.turn().await;
    }
    let end = session.await.unwrap();
    assert!(matches!(end, End::Closed | End::Oversize), "{end:?}");
    judge(&reading.await.unwrap());
    machine.judge();
}

fn with_lease(bytes: &[u8], lease: &[u8]) -> Vec<u8> {
    const PLACE: &[u8] = b"@lease";
    let mut result = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(PLACE.len()).position(|window| window == PLACE) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(lease);
        rest = &rest[at + PLACE.len()..];
    }
    result.extend_from_slice(rest);
    result
}

/// Whole replies; each error is one that its interface describes, with the parameters that it has there.
fn judge(answers: &[u8]) {
    assert!(answers.is_empty() || answers.ends_with(&[0]), "half a reply");
    for answer in answers.split(|byte| *byte == 0).filter(|answer| !answer.is_empty()) {
        let reply: Value = serde_json::from_slice(answer)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(answer)));
        assert!(reply["parameters"].is_object(), "{reply}");
        let Some(error) = reply.get("error") else { continue };
        let (interface, name) = error.as_str().and_then(|name| name.rsplit_once('.')).expect("interface.Error");
        let interface = INTERFACES.iter().find(|known| known.name == interface);
        let described = interface.and_then(|interface| interface.errors.iter().find(|(known, _)| known == name));
        let (_, kind) = described.unwrap_or_else(|| panic!("{error} is not described"));
        assert!(kind.accepts(&reply["parameters"]), "{error} is not described so: {reply}");
    }
}
