use super::fixture::*;
use crate::fault::Fault;
use crate::gateway::*;

fn fault(cycle: u64) -> Event {
    let kind = EventKind::FaultRaised { fault: Fault::FollowingError, subject: Subject::Axis(Y), detail: 2.5 };
    Event { cycle, time_ns: cycle * MS, kind }
}

#[tokio::test(start_paused = true)]
async fn readers_do_not_take_events_from_each_other() {
    let mut bench = Bench::new();
    assert_eq!(bench.client.last_event(), 0);
    for cycle in 1..=3 {
        bench.cycle.events.send(fault(cycle)).unwrap();
    }
    bench.round();
    assert_eq!(bench.client.last_event(), 3);
    for _ in 0..2 {
        let events = bench.call(|client| async move { client.events(1, 10).await }).await.unwrap();
        assert_eq!(
            events,
            [LoggedEvent { sequence: 2, event: fault(2) }, LoggedEvent { sequence: 3, event: fault(3) }]
        );
    }
    assert_eq!(bench.client.counts().faults(Y)[3], ("axis", 3));
    assert_eq!(bench.client.counts().faults(X)[3], ("axis", 0));
}

#[tokio::test(start_paused = true)]
async fn reader_is_told_of_new_events() {
    let mut bench = Bench::new();
    let mut notice = bench.client.event_notice();
    assert!(!notice.has_changed().unwrap());
    bench.round();
    assert!(!notice.has_changed().unwrap(), "nothing happened");
    bench.cycle.events.send(fault(1)).unwrap();
    bench.round();
    assert!(notice.has_changed().unwrap());
    assert_eq!(*notice.borrow_and_update(), 1);
}
