//! Changes of parameters: one after the other, and known as far as the cycle has accepted them.

use std::sync::Arc;

use super::fixture::*;
use crate::gateway::*;
use crate::ids::AxisId;
use crate::limits::CYCLE_PATIENCE_NS;
use crate::motion::Rejection;
use crate::service::Place;

fn velocity(velocity: f64) -> AxisFigures {
    AxisFigures::plain(Limits { velocity, acceleration: 1000.0, jerk: 10_000.0 })
}

/// A change made from what the bench's client knows to be in force.
fn change(bench: &Bench, axis: AxisId, value: f64) -> ParameterChange {
    let base = Arc::clone(&bench.client.in_force()[axis.index()].overrides);
    let overrides = Overrides::from([("v".to_string(), value)]);
    let asked = Asked::Values(overrides.clone());
    ParameterChange { axis, asked, base, overrides: Arc::new(overrides), figures: velocity(value) }
}

fn in_force(bench: &Bench, axis: AxisId) -> f64 {
    bench.client.in_force()[axis.index()].figures.motion.limits.velocity
}

#[tokio::test(start_paused = true)]
async fn a_change_is_in_force_when_the_cycle_has_accepted_it_and_not_before() {
    let mut bench = Bench::new();
    let asked = bench.ask(change(&bench, X, 50.0)).await;
    bench.round();
    assert_eq!((bench.take(), in_force(&bench, X)), (1, 100.0));
    bench.reject(Rejection::of(Reason::NotAtRest));
    bench.round();
    assert_eq!(asked.await.unwrap().unwrap_err().name(), "NotAtRest");
    assert_eq!((in_force(&bench, X), bench.gateway.ends.figures.claimed()), (100.0, 0));
    let handle = bench.accepted(change(&bench, X, 50.0)).await;
    assert_eq!((in_force(&bench, X), in_force(&bench, Y)), (50.0, 100.0));
    let latest = bench.client.in_force()[0].latest.clone();
    assert_eq!(latest, Some((handle, Arc::new(Overrides::new()))), "with what it was made from");
    assert_eq!(bench.gateway.ends.figures.claimed(), 0);
}

#[tokio::test(start_paused = true)]
async fn of_two_changes_made_from_the_same_parameters_the_second_is_refused() {
    let mut bench = Bench::new();
    let (first, second, other) = (change(&bench, X, 50.0), change(&bench, X, 60.0), change(&bench, Y, 70.0));
    let asked = bench.ask(first).await;
    let overtaken = bench.refused_again(second.clone()).await;
    assert!(overtaken.name() == "ParametersOvertaken" && overtaken.retryable(), "{overtaken:?}");
    bench.ask(other).await;
    bench.round();
    assert_eq!(bench.take(), 2, "another axis is another matter");
    bench.accept();
    bench.accept();
    bench.round();
    asked.await.unwrap().unwrap();
    assert_eq!(bench.refused(second).await.name(), "ParametersOvertaken", "also when the first is done");
    assert_eq!((in_force(&bench, X), in_force(&bench, Y)), (50.0, 70.0));
    bench.accepted(change(&bench, X, 60.0)).await;
    assert_eq!(in_force(&bench, X), 60.0);
}

#[tokio::test(start_paused = true)]
async fn an_acceptance_that_comes_late_is_in_force_all_the_same() {
    let mut bench = Bench::new();
    let asked = bench.ask(change(&bench, X, 50.0)).await;
    bench.round();
    assert_eq!(bench.take(), 1);
    for _ in 0..4 {
        bench.now_ns += CYCLE_PATIENCE_NS;
        bench.round();
    }
    assert_eq!(asked.await.unwrap().unwrap_err().name(), "Unknown");
    assert_eq!(in_force(&bench, X), 100.0);
    bench.accept();
    bench.round();
    assert_eq!(in_force(&bench, X), 50.0);
}

#[tokio::test(start_paused = true)]
async fn a_panic_loses_neither_slot_nor_change() {
    for (place, sent) in [(Place::Claimed, false), (Place::Taken, false), (Place::Passed, true)] {
        let mut bench = Bench::new();
        let asked = bench.ask(change(&bench, X, 50.0)).await;
        bench.gateway.sabotage().plant_panic(place);
        assert!(bench.round_and_restart());
        assert_eq!((bench.take(), bench.gateway.ends.figures.claimed()), (usize::from(sent), usize::from(sent)));
        if sent {
            bench.accept();
            bench.gateway.sabotage().plant_panic(Place::Reported);
            assert!(bench.round_and_restart());
            bench.round();
            asked.await.unwrap().unwrap();
        } else {
            assert_eq!(asked.await.unwrap(), Err(Refusal::Interrupted));
            bench.accepted(change(&bench, X, 50.0)).await;
        }
        assert_eq!((in_force(&bench, X), bench.gateway.ends.figures.claimed()), (50.0, 0), "{place:?}");
    }
}
