use super::fixture::*;
use crate::gateway::*;
use crate::ids::AxisId;
use crate::limits::{LEASE_ANSWERS, LEASE_GRACE_NS};
use crate::motion::Rejection;

fn request(scope: StopScope, policy: LossPolicy) -> LeaseRequest {
    LeaseRequest { scope, ttl_ms: 500, policy, holder: "alice".into(), uid: 1000, pid: 77 }
}

async fn acquire(bench: &mut Bench, scope: StopScope, policy: LossPolicy) -> Result<LeaseToken, Refusal> {
    bench.call(move |client| async move { client.acquire(request(scope, policy), None).await }).await
}

fn stops(bench: &mut Bench) -> Vec<StopScope> {
    let mut found = Vec::new();
    bench.cycle.stops.poll(|scope, _| found.push(scope));
    found
}

#[tokio::test(start_paused = true)]
async fn lease_keeps_others_out_of_what_it_covers() {
    let mut bench = Bench::new();
    let token = acquire(&mut bench, StopScope::Group(PLANE), LossPolicy::Finish).await.unwrap();
    bench.now_ns += 100 * MS;
    let held = Refusal::LeaseHeld { holder: "alice".into(), expires_in_ms: 400 };
    assert_eq!(bench.refused(reset(X)).await, held);
    assert_eq!(bench.refused(line(vec![1.0, 2.0])).await, held);
    assert_eq!(bench.refused(Request::ResetMachine).await, held);
    bench.accepted(reset(TABLE)).await;
    bench.accepted(Submission::from(reset(X)).under(token)).await;
    assert_eq!(bench.client.stop(StopScope::Axis(X)), 1, "a stop needs no lease");
    let connected = |request: Request| Submission::from(request).by(Presence::default());
    bench.accepted(connected(Request::GroupInterrupt { group: PLANE })).await;
    assert_eq!(bench.refused(connected(Request::GroupContinue { group: PLANE })).await, held, "a hold needs none, too");
    for scope in [StopScope::Axis(Y), StopScope::Group(PLANE), StopScope::Machine] {
        assert_eq!(acquire(&mut bench, scope, LossPolicy::Finish).await, Err(held.clone()), "{scope:?}");
    }
    acquire(&mut bench, StopScope::Axis(TABLE), LossPolicy::Finish).await.unwrap();
    bench.call(move |client| async move { client.release(token).await }).await.unwrap();
    bench.accepted(reset(X)).await;
    assert_eq!(bench.refused(Submission::from(reset(X)).under(token)).await, Refusal::NoSuchLease);
}

#[tokio::test(start_paused = true)]
async fn epochs_rise_and_secrets_differ() {
    let mut bench = Bench::new();
    let first = acquire(&mut bench, StopScope::Machine, LossPolicy::Finish).await.unwrap();
    bench.call(move |client| async move { client.release(first).await }).await.unwrap();
    let second = acquire(&mut bench, StopScope::Machine, LossPolicy::Finish).await.unwrap();
    assert!(second.epoch > first.epoch && second.secret != first.secret);
    let guessed = LeaseToken { secret: second.secret ^ 1, ..second };
    assert_eq!(bench.refused(Submission::from(reset(X)).under(guessed)).await, Refusal::NoSuchLease);
}

#[tokio::test(start_paused = true)]
async fn lease_ends_with_its_time_to_live_unless_renewed_and_stops_once() {
    let mut bench = Bench::new();
    let token = acquire(&mut bench, StopScope::Axis(Y), LossPolicy::Stop).await.unwrap();
    bench.now_ns += 499 * MS;
    bench.call(move |client| async move { client.renew(token, None).await }).await.unwrap();
    bench.now_ns += 499 * MS;
    bench.round();
    assert_eq!(stops(&mut bench), []);
    bench.now_ns += MS;
    bench.round();
    assert_eq!(stops(&mut bench), [StopScope::Axis(Y)]);
    bench.now_ns += 1000 * MS;
    bench.round();
    assert_eq!(stops(&mut bench), [], "stopped twice");
    assert_eq!(
        bench.call(move |client| async move { client.renew(token, None).await }).await,
        Err(Refusal::NoSuchLease)
    );
    bench.accepted(reset(Y)).await;
}

#[tokio::test(start_paused = true)]
async fn lease_that_lets_motion_finish_stops_nothing() {
    let mut bench = Bench::new();
    acquire(&mut bench, StopScope::Machine, LossPolicy::Finish).await.unwrap();
    bench.now_ns += 500 * MS;
    bench.round();
    assert_eq!(stops(&mut bench), []);
    bench.accepted(reset(Y)).await;
}

#[tokio::test(start_paused = true)]
async fn lease_is_lost_a_grace_time_after_its_last_connection_and_stops_once() {
    let mut bench = Bench::new();
    let long = LeaseRequest { ttl_ms: 60_000, ..request(StopScope::Axis(X), LossPolicy::Stop) };
    let (first, second) = (Presence::default(), Presence::default());
    let shown = Some(first.clone());
    let token = bench.call(move |client| async move { client.acquire(long, shown).await }).await.unwrap();
    bench.accepted(Submission::from(reset(X)).under(token).by(second.clone())).await;
    drop(first);
    bench.round();
    bench.now_ns += 2 * LEASE_GRACE_NS;
    bench.round();
    assert_eq!(stops(&mut bench), [], "one connection is left");
    drop(second);
    bench.round();
    bench.now_ns += LEASE_GRACE_NS - 1;
    let third = Presence::default();
    let shown = Some(third.clone());
    bench.call(move |client| async move { client.renew(token, shown).await }).await.unwrap();
    bench.now_ns += 2 * LEASE_GRACE_NS;
    bench.round();
    assert_eq!(stops(&mut bench), [], "it came back in time");
    drop(third);
    bench.round();
    bench.now_ns += LEASE_GRACE_NS;
    bench.round();
    assert_eq!(stops(&mut bench), [StopScope::Axis(X)]);
    bench.now_ns += 60_000 * MS;
    bench.round();
    assert_eq!(stops(&mut bench), [], "stopped twice");
}

#[tokio::test(start_paused = true)]
async fn who_comes_by_a_connection_needs_a_lease_of_all_that_moves() {
    let mut bench = Bench::new();
    let presence = Presence::default();
    let by = |submission: Submission| submission.by(presence.clone());
    let required = |axis: Option<&str>, group: Option<&str>| Refusal::LeaseRequired {
        axis: axis.map(Into::into),
        group: group.map(Into::into),
    };
    assert_eq!(bench.refused(by(reset(X).into())).await, required(Some("x"), None));
    assert_eq!(bench.refused(by(line(vec![1.0, 2.0]).into())).await, required(None, Some("plane")));
    assert_eq!(bench.refused(by(Request::ResetMachine.into())).await, required(None, None));
    let token = acquire(&mut bench, StopScope::Axis(X), LossPolicy::Finish).await.unwrap();
    let under = |submission: Submission| submission.under(token).by(presence.clone());
    bench.accepted(under(reset(X).into())).await;
    assert_eq!(bench.refused(under(reset(Y).into())).await, required(Some("y"), None));
    assert_eq!(bench.refused(under(line(vec![1.0, 2.0]).into())).await, required(None, Some("plane")));
    assert_eq!(bench.refused(under(Request::ResetMachine.into())).await, required(None, None));
    assert_eq!(bench.refused(by(reset(X).into())).await.name(), "LeaseHeld");
    bench.call(move |client| async move { client.release(token).await }).await.unwrap();
    let token = acquire(&mut bench, StopScope::Machine, LossPolicy::Finish).await.unwrap();
    for order in [reset(TABLE).into(), line(vec![1.0, 2.0]).into(), Request::ResetMachine.into()] {
        let order: Submission = order;
        bench.accepted(order.under(token).by(presence.clone())).await;
    }
}

#[tokio::test(start_paused = true)]
async fn lease_that_is_taken_over_is_lost_once_and_its_token_fenced_off() {
    let mut bench = Bench::new();
    let [x, y, table] = [X, Y, TABLE].map(StopScope::Axis);
    let mut former = Vec::new();
    for (scope, policy) in [(x, LossPolicy::Stop), (y, LossPolicy::Finish), (table, LossPolicy::Stop)] {
        former.push(acquire(&mut bench, scope, policy).await.unwrap());
    }
    let plane = LeaseRequest { holder: "carol".into(), ..request(StopScope::Group(PLANE), LossPolicy::Finish) };
    let token = bench.call(move |client| async move { client.take_over(plane, None).await }).await.unwrap();
    assert_eq!(stops(&mut bench), [x], "of x alone that was chosen");
    for (axis, token) in [X, Y].into_iter().zip(&former) {
        assert_eq!(bench.refused(Submission::from(reset(axis)).under(*token)).await, Refusal::NoSuchLease);
    }
    bench.accepted(Submission::from(reset(TABLE)).under(former[2])).await;
    bench.accepted(Submission::from(line(vec![1.0, 2.0])).under(token)).await;
    bench.now_ns += 400 * MS;
    let held = bench.call(|client| async move { client.leases().await }).await.unwrap();
    let shown: Vec<_> = held.iter().map(|held| (held.request.holder.as_str(), held.expires_in_ms)).collect();
    assert_eq!(shown, [("alice", 100), ("carol", 100)]);
    bench.now_ns += 400 * MS;
    bench.round();
    assert_eq!(stops(&mut bench), [table], "what was taken over stops no second time");
}

#[tokio::test(start_paused = true)]
async fn command_after_the_time_to_live_moves_nothing_even_before_the_loss_is_seen() {
    let mut bench = Bench::new();
    let token = acquire(&mut bench, StopScope::Axis(X), LossPolicy::Stop).await.unwrap();
    bench.now_ns += 500 * MS;
    assert_eq!(bench.refused(Submission::from(reset(X)).under(token)).await, Refusal::NoSuchLease);
    assert_eq!(stops(&mut bench), [StopScope::Axis(X)]);
    // And it is in nobody's way.
    acquire(&mut bench, StopScope::Axis(X), LossPolicy::Stop).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn lease_that_nobody_waits_for_any_more_is_not_given() {
    let mut bench = Bench::new();
    let client = bench.client.clone();
    let asked = tokio::spawn(async move { client.acquire(request(StopScope::Machine, LossPolicy::Stop), None).await });
    settle().await;
    asked.abort();
    settle().await;
    bench.round();
    assert_eq!(bench.call(|client| async move { client.leases().await }).await.unwrap(), []);
}

#[test]
fn token_is_read_as_it_is_written_and_nonsense_is_nobodys() {
    let token = LeaseToken { epoch: 12, secret: 0xab };
    assert_eq!(token.to_string(), "12-00000000000000ab");
    assert_eq!(token.to_string().parse(), Ok(token));
    for text in ["", "12", "12-", "-1-2", "x-y", "12-00000000000000ab0", "99999999999999999999-1"] {
        let parsed: Result<LeaseToken, Refusal> = text.parse();
        assert!(
            parsed != Ok(token) && parsed.is_ok_and(|found| found.secret == 0xab0) == text.ends_with("ab0"),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn leases_are_of_something_and_bounded_in_time() {
    let mut bench = Bench::new();
    for ttl_ms in [0, 99, 60_001, u64::MAX] {
        let request = LeaseRequest { ttl_ms, ..request(StopScope::Machine, LossPolicy::Stop) };
        let refusal = bench.call(move |client| async move { client.acquire(request, None).await }).await.unwrap_err();
        assert_eq!(refusal, Refusal::LeaseTime { found_ms: ttl_ms, allowed_ms: (100, 60_000) });
    }
    for holder in ["".to_string(), "x".repeat(129)] {
        let request = LeaseRequest { holder, ..request(StopScope::Machine, LossPolicy::Stop) };
        let refusal = bench.call(move |client| async move { client.acquire(request, None).await }).await.unwrap_err();
        assert_eq!(refusal.name(), "HolderLength");
    }
    let nothing = acquire(&mut bench, StopScope::Axis(AxisId(3)), LossPolicy::Stop).await.unwrap_err();
    assert_eq!(nothing.name(), "NoSuchAxis");
}

#[tokio::test(start_paused = true)]
async fn numbered_command_is_carried_out_once_and_answered_again() {
    let mut bench = Bench::new();
    let token = acquire(&mut bench, StopScope::Machine, LossPolicy::Finish).await.unwrap();
    let command = |axis, id| Submission::from(reset(axis)).under(token).numbered(id);
    let asked = bench.ask(command(X, 7)).await;
    bench.round();
    assert_eq!(bench.refused_again(command(X, 7)).await, Refusal::RequestPending { request_id: 7 });
    bench.take();
    let handle = bench.accept();
    bench.round();
    let first = asked.await.unwrap();
    assert_eq!(first, Ok(Accepted { handle, cycle: 1 }));
    let again = bench.ask(command(X, 7)).await;
    bench.round();
    assert_eq!((again.await.unwrap(), bench.take()), (first, 0), "answered again, not carried out again");
    assert_eq!(bench.refused(command(Y, 7)).await, Refusal::RequestIdReused { request_id: 7 });
    assert_eq!(bench.refused(command(Y, 6)).await, Refusal::RequestIdOld { request_id: 6, latest: 7 });
    bench.accepted(command(Y, 8)).await;
}

#[tokio::test(start_paused = true)]
async fn rejection_is_replayed_but_what_was_not_tried_may_be_tried_again() {
    let mut bench = Bench::new();
    let token = acquire(&mut bench, StopScope::Machine, LossPolicy::Finish).await.unwrap();
    let command = |id| Submission::from(reset(X)).under(token).numbered(id);
    let asked = bench.ask(command(1)).await;
    bench.round();
    bench.take();
    bench.reject(Rejection::of(Reason::InFault));
    bench.round();
    let refusal = asked.await.unwrap().unwrap_err();
    assert_eq!(bench.refused(command(1)).await, refusal);

    let asked = bench.ask(command(2)).await;
    bench.round();
    bench.now_ns += crate::limits::CYCLE_PATIENCE_NS;
    bench.round();
    assert_eq!(asked.await.unwrap().unwrap_err().name(), "CycleSilent");
    bench.accepted(command(2)).await;
}

#[tokio::test(start_paused = true)]
async fn request_id_older_than_what_is_remembered_is_never_carried_out() {
    let mut bench = Bench::new();
    let long = LeaseRequest { ttl_ms: 60_000, ..request(StopScope::Machine, LossPolicy::Stop) };
    let token = bench.call(move |client| async move { client.acquire(long, None).await }).await.unwrap();
    let command = |id| Submission::from(reset(X)).under(token).numbered(id);
    let latest = LEASE_ANSWERS as u64 + 1;
    for id in 1..=latest {
        bench.accepted(command(id)).await;
    }
    assert_eq!(bench.refused(command(1)).await, Refusal::RequestIdOld { request_id: 1, latest });
    let again = bench.ask(command(2)).await;
    bench.round();
    assert!(again.await.unwrap().is_ok());
    assert_eq!(bench.take(), 0);
}
