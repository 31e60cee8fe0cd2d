//! Refreshes of a jog that were overtaken on their way never move anything.

use super::fixture::*;
use crate::gateway::*;
use crate::ids::AxisId;

fn jog(axis: AxisId, sent_at_ns: u64) -> Submission {
    let jog = Request::Jog { axis, velocity: 5.0, valid_until_ns: sent_at_ns + 200 * MS };
    Submission::from(jog).sent_at(sent_at_ns)
}

#[tokio::test(start_paused = true)]
async fn refresh_that_is_no_later_than_one_taken_is_refused() {
    let mut bench = Bench::new();
    let first = bench.now_ns - 50 * MS;
    bench.accepted(jog(X, first + MS)).await;
    for sent_at_ns in [first, first + MS] {
        let refusal = bench.refused(jog(X, sent_at_ns)).await;
        let overtaken = Refusal::JogOvertaken { axis: "x".into(), sent_at_ns, earliest_ns: first + MS + 1 };
        assert_eq!(refusal, overtaken);
    }
    bench.accepted(jog(Y, first)).await;
    bench.accepted(jog(X, first + 2 * MS)).await;
}

#[tokio::test(start_paused = true)]
async fn refresh_from_before_what_ended_the_jog_does_not_restart_it() {
    let halts: [Submission; 5] = [
        Request::Halt { axis: X }.into(),
        Request::Power { axis: X, on: false }.into(),
        line(vec![1.0, 2.0]).into(),
        Request::Release { scope: StopScope::Machine, generation: 1 }.into(),
        Request::GroupHalt { group: PLANE }.into(),
    ];
    for halt in halts {
        let mut bench = Bench::new();
        let before = bench.now_ns - MS;
        bench.accepted(jog(X, before)).await;
        bench.accepted(halt.clone()).await;
        assert_eq!(bench.refused(jog(X, before + MS / 2)).await.name(), "JogOvertaken", "{halt:?}");
        bench.now_ns += MS;
        bench.accepted(jog(X, bench.now_ns)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn refresh_goes_on_after_commands_that_end_no_jog() {
    let mut bench = Bench::new();
    let before = bench.now_ns - MS;
    let others: [Request; 3] =
        [Request::Override { axis: X, ratio: 0.5 }, Request::SetOutput { output: 0, on: true }, reset(TABLE)];
    for other in others {
        bench.accepted(other).await;
    }
    bench.accepted(jog(X, before)).await;
}

#[tokio::test(start_paused = true)]
async fn numbered_refresh_that_was_overtaken_stays_refused() {
    let mut bench = Bench::new();
    let request = LeaseRequest {
        scope: StopScope::Axis(X),
        ttl_ms: 500,
        policy: LossPolicy::Stop,
        holder: "alice".into(),
        uid: 1,
        pid: 2,
    };
    let token = bench.call(move |client| async move { client.acquire(request, None).await }).await.unwrap();
    let now_ns = bench.now_ns;
    bench.accepted(jog(X, now_ns).under(token).numbered(1)).await;
    for _ in 0..2 {
        let late = jog(X, now_ns - MS).under(token).numbered(2);
        assert_eq!(bench.refused(late).await.name(), "JogOvertaken");
    }
    let again = bench.ask(jog(X, now_ns).under(token).numbered(1)).await;
    bench.round();
    assert!(again.await.unwrap().is_ok(), "a replay is answered as before");
    assert_eq!(bench.take(), 0, "and moves nothing");
}
