//! Panics of the service, planted at every place: nothing is lost silently and nothing is done twice.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinHandle;

use super::fixture::*;
use crate::exchange::event::{Report, Verdict};
use crate::gateway::*;
use crate::ids::Handle;
use crate::motion::{Progress, Rejection};
use crate::service::{Beat, Place};

#[tokio::test(start_paused = true)]
async fn panic_between_taking_and_sending_refuses_and_sends_nothing() {
    let line = || Submission::from(line(vec![1.0, 2.0]));
    for (order, place) in [(reset(X).into(), Place::Taken), (line(), Place::Taken), (line(), Place::Claimed)] {
        let mut bench = Bench::new();
        let asked = bench.ask(order).await;
        bench.gateway.sabotage().plant_panic(place);
        assert!(bench.round_and_restart());
        let refusal = asked.await.unwrap().unwrap_err();
        assert_eq!(refusal, Refusal::Interrupted);
        assert!(refusal.retryable());
        bench.round();
        assert_eq!(bench.take(), 0);
        assert_eq!(bench.gateway.ends.targets.claimed(), 0, "a slot was lost");
        bench.accepted(line()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn panic_after_sending_loses_no_answer() {
    let mut bench = Bench::new();
    let asked = bench.ask(line(vec![1.0, 2.0])).await;
    bench.gateway.sabotage().plant_panic(Place::Passed);
    assert!(bench.round_and_restart());
    assert_eq!(bench.gateway.ends.targets.claimed(), 1, "its slot is kept");
    assert_eq!(bench.take(), 1);
    let handle = bench.accept();
    bench.round();
    assert_eq!(asked.await.unwrap().unwrap().handle, handle);
}

#[tokio::test(start_paused = true)]
async fn panic_with_a_report_in_hand_deals_with_it_once() {
    for place in [Place::Reporting, Place::Reported] {
        let mut bench = Bench::new();
        let handle = bench.accepted(reset(X)).await;
        bench.progress(handle, Progress::Done);
        bench.gateway.sabotage().plant_panic(place);
        assert!(bench.round_and_restart());
        bench.round();
        assert_eq!(bench.client.counts().commands(Method::Reset, Outcome::Done), 1);
        let watch = bench.call(move |client| async move { client.watch(handle).await }).await.unwrap().unwrap();
        assert_eq!(watch.borrow().state, CommandState::Done);
    }
}

#[tokio::test(start_paused = true)]
async fn restarted_service_finds_leases_and_events() {
    let mut bench = Bench::new();
    let request = LeaseRequest {
        scope: StopScope::Machine,
        ttl_ms: 500,
        policy: LossPolicy::Stop,
        holder: "bob".into(),
        uid: 1,
        pid: 2,
    };
    let token = bench.call(|client| async move { client.acquire(request, None).await }).await.unwrap();
    let event = Event { cycle: 1, time_ns: 1, kind: EventKind::Overrun { skipped: 1 } };
    bench.cycle.events.send(event).unwrap();
    bench.round();
    for place in [Place::Loop, Place::Drop] {
        bench.gateway.sabotage().plant_panic(place);
        assert!(bench.round_and_restart(), "{place:?}");
    }
    assert_eq!(bench.refused(reset(X)).await.name(), "LeaseHeld");
    bench.accepted(Submission::from(reset(X)).under(token)).await;
    let events = bench.call(|client| async move { client.events(0, 10).await }).await.unwrap();
    assert_eq!(events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn numbered_command_that_a_panic_interrupted_may_be_tried_again() {
    let mut bench = Bench::new();
    let request = LeaseRequest {
        scope: StopScope::Machine,
        ttl_ms: 500,
        policy: LossPolicy::Stop,
        holder: "bob".into(),
        uid: 1,
        pid: 2,
    };
    let token = bench.call(|client| async move { client.acquire(request, None).await }).await.unwrap();
    let command = || Submission::from(reset(X)).under(token).numbered(1);
    let asked = bench.ask(command()).await;
    bench.gateway.sabotage().plant_panic(Place::Taken);
    assert!(bench.round_and_restart());
    assert_eq!(asked.await.unwrap(), Err(Refusal::Interrupted));
    bench.accepted(command()).await;
}

/// The loop as the daemon runs it: a thread of its own, started again after each panic.
#[tokio::test]
async fn service_that_panics_again_and_again_answers_every_command() {
    let Bench { client, mut gateway, mut cycle, .. } = Bench::new();
    let (beat, stop, sabotage) = (Beat::new(), Arc::new(AtomicBool::new(false)), gateway.sabotage().clone());
    let service = std::thread::spawn({
        let (beat, stop) = (beat.clone(), Arc::clone(&stop));
        move || {
            let mut panics = 0;
            let run = |gateway: &mut GatewayState| gateway.run(&beat, &stop, || 0);
            while catch_unwind(AssertUnwindSafe(|| run(&mut gateway))).is_err() {
                panics += 1;
            }
            panics
        }
    });
    let mut accepted = 0;
    for round in 0..50 {
        sabotage.plant_panic(Place::ALL[round % Place::ALL.len()]);
        let asked = tokio::spawn({
            let client = client.clone();
            async move { client.submit(line(vec![round as f64, 0.0])).await }
        });
        while !asked.is_finished() {
            if let Some(command) = cycle.commands.receive() {
                accepted += 1;
                cycle.reports.send(Report { handle: command.handle, cycle: 1, verdict: Verdict::Accepted }).unwrap();
            }
            tokio::task::yield_now().await;
        }
        match asked.await.unwrap() {
            Ok(_) => accepted -= 1,
            Err(refusal) => assert_eq!(refusal, Refusal::Interrupted, "round {round}"),
        }
    }
    assert_eq!(accepted, 0, "each one that the cycle accepted was answered so");
    assert!(beat.count() > 50, "it proved progress");
    stop.store(true, Ordering::Relaxed);
    assert!(service.join().unwrap() > 25);
}

/// A stream of pseudo-random words (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (word ^ word >> 27) % bound
    }
}

/// What the played cycle did with a command.
#[derive(Debug, PartialEq)]
enum Did {
    Accepted,
    Rejected,
}

#[tokio::test(start_paused = true)]
async fn every_command_is_answered_once_and_truly_whatever_panics() {
    let mut panics = 0;
    for seed in 0..60 {
        let mut random = Random(seed);
        let mut bench = Bench::new();
        let mut asked: Vec<JoinHandle<Result<Accepted, Refusal>>> = Vec::new();
        let mut did: HashMap<Handle, Did> = HashMap::new();
        let mut moving: Vec<Handle> = Vec::new();
        for step in 0..150 {
            match random.below(8) {
                0 | 1 => asked.push(bench.ask(reset(X)).await),
                2 => asked.push(bench.ask(line(vec![step as f64, 1.0])).await),
                3 => {
                    let place = Place::ALL[random.below(Place::ALL.len() as u64) as usize];
                    bench.gateway.sabotage().plant_panic(place);
                }
                4 | 5 => {
                    bench.now_ns += 40 * MS;
                    panics += usize::from(bench.round_and_restart());
                }
                6 => {
                    bench.take();
                    while let Some(command) = bench.taken.pop_front() {
                        let accept = random.below(3) > 0;
                        let verdict = match accept {
                            true => Verdict::Accepted,
                            false => Verdict::Rejected(Rejection::of(Reason::InFault)),
                        };
                        bench.report(command.handle, verdict);
                        let before = did.insert(command.handle, if accept { Did::Accepted } else { Did::Rejected });
                        assert_eq!(before, None, "seed {seed}: {:?} came twice", command.handle);
                        moving.extend(accept.then_some(command.handle));
                    }
                }
                _ => {
                    if let Some(handle) = moving.pop() {
                        bench.progress(handle, Progress::Done);
                    }
                }
            }
        }
        // Everything comes to its end.
        for _ in 0..8 {
            bench.round_and_restart();
            bench.take();
            while let Some(command) = bench.taken.pop_front() {
                bench.report(command.handle, Verdict::Rejected(Rejection::of(Reason::InFault)));
                did.insert(command.handle, Did::Rejected);
            }
        }
        for handle in moving {
            bench.progress(handle, Progress::Done);
        }
        bench.round();
        settle().await;
        let mut accepted = 0;
        for answer in asked {
            assert!(answer.is_finished(), "seed {seed}: a command without an answer");
            match answer.await.unwrap() {
                Ok(Accepted { handle, .. }) => {
                    accepted += 1;
                    assert_eq!(did.remove(&handle), Some(Did::Accepted), "seed {seed}: {handle:?}");
                }
                Err(Refusal::Rejected(_) | Refusal::Interrupted | Refusal::CycleSilent { .. }) => {}
                Err(other) => panic!("seed {seed}: {other:?}"),
            }
        }
        let left: Vec<_> = did.iter().filter(|(_, did)| **did == Did::Accepted).collect();
        assert!(left.is_empty(), "seed {seed}: carried out, but not said so: {left:?}");
        assert_eq!(bench.gateway.ledger.depth(), 0, "seed {seed}");
        assert_eq!(bench.gateway.ends.targets.claimed(), 0, "seed {seed}");
        let done: u64 = [Method::Reset, Method::GroupMove]
            .iter()
            .map(|method| bench.client.counts().commands(*method, Outcome::Done))
            .sum();
        assert_eq!(done, accepted, "seed {seed}: every accepted command ends once");
    }
    assert!(panics > 300, "only {panics} panics struck");
}
