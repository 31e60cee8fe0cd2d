//! What happens to commands when the cycle or the gateway does not answer.

use std::time::Duration;

use super::fixture::*;
use crate::gateway::*;
use crate::limits::{CYCLE_PATIENCE_NS, GATEWAY_ANSWER_MS};
use crate::motion::Progress;

#[tokio::test(start_paused = true)]
async fn command_that_the_cycle_does_not_take_is_withdrawn_for_good() {
    let mut bench = Bench::new();
    let asked = bench.ask(line(vec![1.0, 2.0])).await;
    bench.round();
    bench.now_ns += CYCLE_PATIENCE_NS - 1;
    bench.round();
    settle().await;
    assert!(!asked.is_finished());
    bench.now_ns += 1;
    bench.round();
    assert_eq!(asked.await.unwrap(), Err(Refusal::CycleSilent { waited_ms: 300 }));
    assert_eq!(bench.take(), 0, "the cycle carried out what was refused");
    assert_eq!(bench.gateway.ends.targets.claimed(), 0);
    bench.accepted(reset(X)).await;
}

#[tokio::test(start_paused = true)]
async fn command_that_the_cycle_took_without_a_word_is_in_doubt() {
    let mut bench = Bench::new();
    let asked = bench.ask(reset(X)).await;
    bench.round();
    assert_eq!(bench.take(), 1);
    bench.now_ns += CYCLE_PATIENCE_NS;
    bench.round();
    settle().await;
    assert!(!asked.is_finished(), "its answer may be on its way");
    bench.now_ns += CYCLE_PATIENCE_NS / 2;
    bench.round();
    let Err(Refusal::Unknown { handle: Some(handle) }) = asked.await.unwrap() else { panic!("not in doubt") };
    assert!(bench.call(move |client| async move { client.watch(handle).await }).await.unwrap().is_none());
    // The cycle comes back: the command can be followed after all.
    assert_eq!(bench.accept(), handle);
    bench.progress(handle, Progress::Done);
    bench.round();
    let watch = bench.call(move |client| async move { client.watch(handle).await }).await.unwrap().unwrap();
    assert_eq!(watch.borrow().state, CommandState::Done);
}

#[tokio::test(start_paused = true)]
async fn answer_that_comes_with_the_end_of_patience_counts() {
    let mut bench = Bench::new();
    let asked = bench.ask(reset(X)).await;
    bench.round();
    bench.take();
    let handle = bench.accept();
    bench.now_ns += 10 * CYCLE_PATIENCE_NS;
    bench.round();
    assert_eq!(asked.await.unwrap().unwrap().handle, handle);
}

#[tokio::test(start_paused = true)]
async fn hung_gateway_refuses_and_does_not_send_later() {
    let mut bench = Bench::new();
    let asked = bench.ask(reset(X)).await;
    tokio::time::advance(Duration::from_millis(GATEWAY_ANSWER_MS)).await;
    assert_eq!(asked.await.unwrap(), Err(Refusal::Unavailable));
    bench.round();
    assert_eq!(bench.take(), 0, "the cycle carried out what was refused");
    assert_eq!(bench.client.counts().commands(Method::Reset, Outcome::Abandoned), 1);
}

#[tokio::test(start_paused = true)]
async fn gateway_that_hangs_after_sending_leaves_the_command_in_doubt() {
    let mut bench = Bench::new();
    let asked = bench.ask(reset(X)).await;
    bench.round();
    tokio::time::advance(Duration::from_millis(GATEWAY_ANSWER_MS)).await;
    assert_eq!(asked.await.unwrap(), Err(Refusal::Unknown { handle: None }));
}

#[tokio::test(start_paused = true)]
async fn command_of_a_client_that_is_gone_is_not_sent() {
    let mut bench = Bench::new();
    let asked = bench.ask(reset(X)).await;
    asked.abort();
    settle().await;
    bench.round();
    assert_eq!(bench.take(), 0);
}

#[tokio::test(start_paused = true)]
async fn stop_needs_neither_queue_nor_gateway() {
    let mut bench = Bench::new();
    let mut asked = Vec::new();
    for _ in 0..crate::limits::GATEWAY_QUEUE {
        let client = bench.client.clone();
        asked.push(tokio::spawn(async move { client.submit(reset(X)).await }));
    }
    settle().await;
    assert_eq!(bench.client.stop(StopScope::Axis(Y)), 1);
    let mut found = Vec::new();
    bench.cycle.stops.poll(|scope, generation| found.push((scope, generation)));
    assert_eq!(found, [(StopScope::Axis(Y), 1)]);
    assert_eq!(bench.client.stop_generation(StopScope::Axis(Y)), 1);
}
