use super::fixture::*;
use crate::exchange::pool::SlotAddress;
use crate::fault::Fault;
use crate::gateway::*;
use crate::ids::{GroupId, Handle};
use crate::limits::{COMMAND_RING, ENDED_COMMANDS, GATEWAY_QUEUE, MAX_OUTSTANDING_COMMANDS};
use crate::motion::{Progress, Rejection};

#[tokio::test(start_paused = true)]
async fn accepted_command_is_followed_to_its_end() {
    let mut bench = Bench::new();
    let asked = bench.ask(reset(X)).await;
    bench.round();
    assert!(!asked.is_finished(), "answered before the cycle decided");
    assert_eq!(bench.take(), 1);
    let handle = bench.accept();
    bench.round();
    assert_eq!(asked.await.unwrap(), Ok(Accepted { handle, cycle: 1 }));

    let mut watch = bench.call(|client| async move { client.watch(handle).await }).await.unwrap().unwrap();
    assert_eq!(*watch.borrow_and_update(), CommandStatus { state: CommandState::Accepted, cycle: 1 });
    bench.progress(handle, Progress::Active);
    bench.round();
    assert_eq!(*watch.borrow_and_update(), CommandStatus { state: CommandState::Active, cycle: 2 });
    bench.progress(handle, Progress::Failed(Fault::DriveFault));
    bench.round();
    let end = CommandStatus { state: CommandState::Failed(Fault::DriveFault), cycle: 3 };
    watch.changed().await.expect("the end is shown before the channel closes");
    assert_eq!(*watch.borrow_and_update(), end);
    let late = bench.call(|client| async move { client.watch(handle).await }).await.unwrap().unwrap();
    assert_eq!(*late.borrow(), end, "the end can be asked for later");

    let count = |outcome| bench.client.counts().commands(Method::Reset, outcome);
    assert_eq!([count(Outcome::Accepted), count(Outcome::Failed), count(Outcome::Done)], [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn unknown_handle_has_no_progress() {
    let mut bench = Bench::new();
    let found = bench.call(|client| async move { client.watch(Handle(1)).await }).await.unwrap();
    assert!(found.is_none());
}

#[tokio::test(start_paused = true)]
async fn handles_rise_and_are_never_reused() {
    let mut bench = Bench::new();
    let first = bench.accepted(reset(X)).await;
    bench.ask(reset(X)).await;
    bench.round();
    bench.take();
    bench.reject(Rejection::of(Reason::InFault));
    bench.round();
    let third = bench.accepted(reset(X)).await;
    assert!(third.0 > first.0 + 1, "{first:?} {third:?}");
}

async fn rejected(order: impl Into<Submission>, rejection: Rejection) -> Rejected {
    let mut bench = Bench::new();
    let asked = bench.ask(order).await;
    bench.round();
    bench.take();
    bench.reject(rejection);
    bench.round();
    match asked.await.unwrap() {
        Err(Refusal::Rejected(rejected)) => *rejected,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn rejection_gets_names_units_and_figures() {
    let velocity = Rejection::with(Reason::VelocityLimit, 120.0, 100.0);
    let order = Request::Velocity { axis: TABLE, velocity: 120.0, dynamics: Dynamics::default() };
    let refused = rejected(order, velocity).await;
    assert_eq!(refused.axis.as_deref(), Some("table"));
    assert_eq!((refused.requested, refused.limit, refused.unit), (Some(120.0), Some(100.0), Some("deg/s")));
    assert_eq!(
        Refusal::Rejected(Box::new(refused)).to_string(),
        "axis \"table\": VelocityLimit: found 120, allowed 100 deg/s; the velocity exceeds the limit"
    );

    let refused = rejected(line(vec![0.0, 900.0]), Rejection::with(Reason::SoftLimit, 900.0, 500.0).at(1)).await;
    assert_eq!((refused.group.as_deref(), refused.axis.as_deref()), (Some("plane"), Some("y")));
    assert_eq!((refused.requested, refused.limit, refused.unit), (Some(900.0), Some(500.0), Some("mm")));

    let refused = rejected(line(vec![0.0, 9.0]), Rejection::with(Reason::JerkLimit, 2.0, 1.0)).await;
    assert_eq!((refused.axis, refused.unit), (None, Some("mm/s^3")), "of the path");
    let direct = GroupMove { shape: GroupShape::Direct, ..line(vec![0.0, 9.0]) };
    let refused = rejected(direct, Rejection::with(Reason::JerkLimit, 2.0, 1.0)).await;
    assert_eq!(refused.unit, Some("of the limit"));
}

#[tokio::test(start_paused = true)]
async fn rejection_by_state_names_the_state() {
    let refused =
        rejected(reset(X), Rejection::with(Reason::WrongState, f64::from(AxisState::Homing as u8), 0.0)).await;
    assert_eq!((refused.state, refused.requested, refused.unit), (Some("Homing"), None, None));
    let refused = rejected(
        Request::GroupHalt { group: PLANE },
        Rejection::with(Reason::WrongState, f64::from(GroupState::GroupDisabled as u8), 0.0),
    )
    .await;
    assert_eq!((refused.state, refused.group.as_deref()), (Some("GroupDisabled"), Some("plane")));
}

#[tokio::test(start_paused = true)]
async fn rejection_of_what_there_is_not_has_no_names() {
    let refused = rejected(reset(crate::ids::AxisId(200)), Rejection::with(Reason::NoSuchAxis, 200.0, 3.0)).await;
    assert_eq!((refused.axis, refused.group, refused.limit), (None, None, Some(3.0)));
}

#[tokio::test(start_paused = true)]
async fn group_move_carries_its_targets_in_a_slot() {
    let mut bench = Bench::new();
    let asked = bench.ask(line(vec![1.5, -2.5])).await;
    bench.round();
    bench.take();
    let Request::GroupMove { slot: index, slot_generation: generation, .. } = bench.taken[0].request else {
        panic!("{:?}", bench.taken)
    };
    let target = bench.cycle.targets.take(SlotAddress { index, generation }).unwrap();
    assert_eq!(target[..3], [1.5, -2.5, 0.0]);
    bench.accept();
    bench.round();
    asked.await.unwrap().unwrap();
    assert_eq!(bench.gateway.ends.targets.claimed(), 0);
}

#[tokio::test(start_paused = true)]
async fn slot_that_the_cycle_leaves_is_freed_with_its_answer() {
    let mut bench = Bench::new();
    bench.accepted(line(vec![1.0, 2.0])).await;
    bench.ask(line(vec![1.0, 2.0])).await;
    bench.round();
    bench.take();
    assert_eq!(bench.gateway.ends.targets.claimed(), 1);
    bench.reject(Rejection::of(Reason::GroupNotEnabled));
    bench.round();
    assert_eq!(bench.gateway.ends.targets.claimed(), 0);
}

#[tokio::test(start_paused = true)]
async fn group_move_must_have_a_target_an_axis() {
    let mut bench = Bench::new();
    let refusal = bench.refused(line(vec![1.0, 2.0, 3.0])).await;
    assert_eq!(refusal, Refusal::TargetCount { group: "plane".into(), found: 3, allowed: 2 });
    let refusal = bench.refused(GroupMove { group: GroupId(7), ..line(vec![1.0]) }).await;
    assert_eq!(refusal.name(), "NoSuchGroup");
    assert_eq!(bench.gateway.ends.targets.claimed(), 0);
}

#[tokio::test(start_paused = true)]
async fn full_command_ring_refuses_at_once_with_depth_and_capacity() {
    let mut bench = Bench::new();
    let mut asked = Vec::new();
    for _ in 0..COMMAND_RING {
        asked.push(bench.ask(line(vec![1.0, 2.0])).await);
    }
    bench.round();
    let full = Refusal::QueueFull { queue: "commands", depth: COMMAND_RING, capacity: COMMAND_RING };
    let refused = bench.ask(line(vec![1.0, 2.0])).await;
    bench.round();
    assert_eq!(refused.await.unwrap(), Err(full));
    assert_eq!(bench.gateway.ends.targets.claimed(), COMMAND_RING, "the refused one holds no slot");
    assert!(asked.iter().all(|asked| !asked.is_finished()));
    assert_eq!(bench.client.stop(StopScope::Machine), 1, "a stop uses no queue");
}

#[tokio::test(start_paused = true)]
async fn outstanding_commands_are_bounded() {
    let mut bench = Bench::new();
    let mut handles = Vec::new();
    for _ in 0..MAX_OUTSTANDING_COMMANDS {
        handles.push(bench.accepted(reset(X)).await);
    }
    let capacity = MAX_OUTSTANDING_COMMANDS;
    let full = Refusal::QueueFull { queue: "outstanding", depth: capacity, capacity };
    assert_eq!(bench.refused(reset(X)).await, full);
    bench.progress(handles[5], Progress::Done);
    bench.accepted(reset(X)).await;
    assert_eq!(bench.refused(reset(X)).await, full);
}

#[tokio::test(start_paused = true)]
async fn full_inbox_refuses_at_once() {
    let mut bench = Bench::new();
    let mut asked = Vec::new();
    for _ in 0..GATEWAY_QUEUE {
        let client = bench.client.clone();
        asked.push(tokio::spawn(async move { client.submit(reset(X)).await }));
    }
    settle().await;
    let refused = bench.ask(reset(X)).await.await.unwrap();
    let capacity = GATEWAY_QUEUE;
    assert_eq!(refused, Err(Refusal::QueueFull { queue: "gateway", depth: capacity, capacity }));
    bench.round();
    assert_eq!(bench.take(), COMMAND_RING);
}

#[tokio::test(start_paused = true)]
async fn only_the_latest_ends_are_remembered() {
    let mut bench = Bench::new();
    let mut handles = Vec::new();
    while handles.len() < ENDED_COMMANDS + 10 {
        let mut asked = Vec::new();
        for _ in 0..128 {
            let client = bench.client.clone();
            asked.push(tokio::spawn(async move { client.submit(reset(X)).await }));
        }
        settle().await;
        bench.round();
        bench.take();
        while !bench.taken.is_empty() {
            let handle = bench.accept();
            bench.progress(handle, Progress::Done);
            handles.push(handle);
        }
        bench.round();
    }
    let forgotten = handles[handles.len() - ENDED_COMMANDS - 1];
    let oldest = handles[handles.len() - ENDED_COMMANDS];
    assert!(bench.call(move |client| async move { client.watch(forgotten).await }).await.unwrap().is_none());
    assert!(bench.call(move |client| async move { client.watch(oldest).await }).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn reports_of_unknown_commands_change_nothing() {
    let mut bench = Bench::new();
    bench.report(Handle(99), crate::exchange::event::Verdict::Accepted);
    bench.progress(Handle(99), Progress::Done);
    bench.progress(Handle::NONE, Progress::Aborted);
    bench.round();
    assert_eq!(bench.gateway.ends.reports.depth(), 0);
    bench.accepted(reset(X)).await;
}

#[tokio::test(start_paused = true)]
async fn snapshot_and_description_need_no_gateway() {
    let bench = Bench::new();
    assert_eq!(bench.client.snapshot().axes.len(), 3);
    assert_eq!(bench.client.description().axis("table"), Some(TABLE));
    assert_eq!(bench.client.description().group("plane"), Some(PLANE));
    assert_eq!(bench.client.description().output("coolant"), Some(0));
    assert_eq!(bench.client.description().axis("z"), None);
}
