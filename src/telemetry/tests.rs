//! A follower over a cycle that the test plays, and streams that read or do not.

use serde_json::{Value, json};

use crate::exchange::snapshot::{AxisSnapshot, BusSnapshot, GroupSnapshot, MachineSnapshot, Shape, SnapshotWriter};
use crate::exchange::{self, CycleEnds};
use crate::gateway::{AxisDescription, AxisFigures, InForce, MachineDescription, gateway};
use crate::ids::AxisId;
use crate::limits::{LATEST_ROUNDS, LOSSLESS_ROUNDS, MAX_AXES, MAX_REPLY_BYTES, SNAPSHOT_HISTORY};
use crate::motion::{AxisState, Limits};
use crate::units::AxisUnit;

use super::*;

struct Bench {
    telemetry: Telemetry,
    follower: Follower,
    following: Following,
    snapshots: SnapshotWriter,
    cycle: u64,
    axes: usize,
    _other_ends: (
        exchange::ticket::CommandReceiver,
        exchange::ring::Sender<exchange::event::Report>,
        crate::gateway::GatewayState,
    ),
}

impl Bench {
    fn new(axes: usize) -> Bench {
        let limits = Limits { velocity: 1.0, acceleration: 1.0, jerk: 1.0 };
        let axis = |place: usize| AxisDescription {
            name: format!("axis-{place}"),
            unit: AxisUnit::Millimetre,
            at_start: InForce { figures: AxisFigures::plain(limits), overrides: Default::default(), latest: None },
            modulo: None,
        };
        let machine = MachineDescription {
            name: "test".to_string(),
            boot_id: "boot".to_string(),
            period_ns: 1_000_000,
            simulated: true,
            axes: (0..axes).map(axis).collect(),
            groups: vec![],
            buses: vec![],
            devices: vec![],
            inputs: vec![],
            outputs: vec![],
            analog_inputs: vec![],
            analog_outputs: vec![],
        };
        let (cycle, ends) = exchange::open(Shape { axes, groups: 0, buses: 0, analogs: 0 });
        let (client, gateway) = gateway(machine, ends);
        let (telemetry, follower) = telemetry(client);
        let following = follower.begin();
        let CycleEnds { snapshots, commands, reports, .. } = cycle;
        Bench { telemetry, follower, following, snapshots, cycle: 0, axes, _other_ends: (commands, reports, gateway) }
    }

    /// So many cycles; each number of each axis tells its cycle, its axis and what it is.
    fn cycles(&mut self, count: u64) {
        for _ in 0..count {
            self.cycle += 1;
            let machine =
                MachineSnapshot { cycle: self.cycle, time_ns: self.cycle * 1_000_000, ..MachineSnapshot::default() };
            let cycle = self.cycle;
            self.snapshots.publish(
                &machine,
                (0..self.axes).map(|place| axis_at(cycle, place)),
                std::iter::empty::<GroupSnapshot>(),
                std::iter::empty::<BusSnapshot>(),
                &[],
            );
        }
    }

    fn round(&mut self) {
        self.follower.round(&mut self.following);
    }

    fn record(&mut self, axes: &[u8], quantities: &[Quantity], decimation: u64, delivery: Delivery) -> Stream {
        let axes = axes.iter().map(|axis| AxisId(*axis)).collect();
        let selection = Selection { axes, form: Form::Columns(quantities.to_vec()), decimation };
        let stream = self.telemetry.open(selection, delivery).unwrap();
        self.round();
        stream
    }
}

fn axis_at(cycle: u64, place: usize) -> AxisSnapshot {
    let base = cycle as f64 + place as f64 / 128.0;
    AxisSnapshot {
        state: AxisState::DiscreteMotion,
        setpoint: base + 0.1,
        velocity: -base / 3.0,
        actual: base * 1e-9,
        turns: -(cycle as i64),
        ..AxisSnapshot::default()
    }
}

/// The replies as a session would write them.
fn parse(rest: &[u8]) -> Value {
    let text = [b"{\"parameters\":{\"dropped\":0,".as_slice(), rest.strip_suffix(b"\0").unwrap()].concat();
    assert!(text.len() < MAX_REPLY_BYTES, "{}", text.len());
    serde_json::from_slice(&text).unwrap()
}

/// Everything that waits: (missed before, samples) of each round.
fn waiting(stream: &mut Stream) -> Vec<(u64, Vec<Value>)> {
    let mut rounds = Vec::new();
    while let Ok((missed, round)) = stream.try_next() {
        let replies = round.replies.iter().map(|reply| parse(reply));
        let samples = replies.flat_map(|reply| reply["parameters"]["samples"].as_array().unwrap().clone());
        rounds.push((missed, samples.collect::<Vec<Value>>()));
    }
    rounds
}

fn cycles_of(rounds: &[(u64, Vec<Value>)]) -> Vec<u64> {
    rounds.iter().flat_map(|(_, samples)| samples.iter().map(|sample| sample["cycle"].as_u64().unwrap())).collect()
}

#[test]
fn a_lossless_stream_has_every_cycle_once_with_every_bit() {
    let mut bench = Bench::new(3);
    bench.cycles(7);
    bench.round();
    let mut stream = bench.record(&[2, 0], &Quantity::ALL, 1, Delivery::Lossless);
    let mut rounds = Vec::new();
    for count in [1, 10, 0, 100, 33] {
        bench.cycles(count);
        bench.round();
        rounds.extend(waiting(&mut stream));
    }
    assert_eq!(cycles_of(&rounds), (8..=151).collect::<Vec<u64>>());
    for (missed, samples) in rounds {
        assert_eq!(missed, 0);
        for sample in samples {
            let cycle = sample["cycle"].as_u64().unwrap();
            assert_eq!(sample["time_ns"], cycle * 1_000_000);
            let expected: Vec<u64> = [2, 0]
                .into_iter()
                .flat_map(|place| Quantity::ALL.map(|quantity| quantity.of(&axis_at(cycle, place)).to_bits()))
                .collect();
            let values = sample["values"].as_array().unwrap().iter();
            assert_eq!(values.map(|value| value.as_f64().unwrap().to_bits()).collect::<Vec<u64>>(), expected);
        }
    }
}

#[test]
fn who_chose_the_same_shares_what_is_encoded() {
    let mut bench = Bench::new(2);
    let mut streams: Vec<Stream> =
        (0..20).map(|_| bench.record(&[0, 1], &[Quantity::Actual], 1, Delivery::Lossless)).collect();
    let mut other = bench.record(&[1], &[Quantity::Actual], 5, Delivery::Latest);
    bench.cycles(10);
    bench.round();
    assert_eq!(bench.telemetry.encoded(), 12, "10 cycles of one selection, 2 of the other");
    for stream in &mut streams {
        assert_eq!(cycles_of(&waiting(stream)), (1..=10).collect::<Vec<u64>>());
    }
    assert_eq!(cycles_of(&waiting(&mut other)), [5, 10]);
    drop(streams);
    bench.cycles(10);
    bench.round();
    assert_eq!(bench.telemetry.encoded(), 14, "nobody is left who chose the first");
}

#[test]
fn who_does_not_read_a_lossless_stream_loses_it_without_a_gap_before() {
    let mut bench = Bench::new(1);
    let mut deaf = bench.record(&[0], &[Quantity::Actual], 1, Delivery::Lossless);
    let mut reader = bench.record(&[0], &[Quantity::Actual], 1, Delivery::Lossless);
    let rounds = LOSSLESS_ROUNDS as u64 + 5;
    let mut read = Vec::new();
    for _ in 0..rounds {
        bench.cycles(10);
        bench.round();
        read.extend(waiting(&mut reader));
    }
    assert_eq!(cycles_of(&read), (1..=rounds * 10).collect::<Vec<u64>>());
    let kept = LOSSLESS_ROUNDS as u64 * 10;
    assert_eq!(cycles_of(&waiting(&mut deaf)), (1..=kept).collect::<Vec<u64>>());
    assert_eq!(deaf.try_next(), Err(Some(Ended::ClientLate(kept + 1))));
    assert_eq!(bench.telemetry.dropped(), 0);
}

#[test]
fn who_does_not_read_a_latest_stream_is_told_how_much_was_missed() {
    let mut bench = Bench::new(1);
    let mut slow = bench.record(&[0], &[Quantity::Actual], 2, Delivery::Latest);
    for _ in 0..LATEST_ROUNDS + 3 {
        bench.cycles(10);
        bench.round();
    }
    let first = LATEST_ROUNDS as u64 * 10;
    assert_eq!(cycles_of(&waiting(&mut slow)), (2..=first).step_by(2).collect::<Vec<u64>>());
    bench.cycles(10);
    bench.round();
    let rounds = waiting(&mut slow);
    assert_eq!((rounds.len(), rounds[0].0), (1, 15));
    assert_eq!(rounds[0].1[0]["cycle"], first + 30 + 2);
    assert_eq!(bench.telemetry.dropped(), 15);
}

#[test]
fn a_follower_that_comes_too_late_says_so() {
    let mut bench = Bench::new(1);
    let mut lossless = bench.record(&[0], &[Quantity::Actual], 1, Delivery::Lossless);
    let mut latest = bench.record(&[0], &[Quantity::Actual], 10, Delivery::Latest);
    bench.cycles(5);
    bench.round();
    let count = 2 * SNAPSHOT_HISTORY as u64;
    bench.cycles(count);
    bench.round();
    assert_eq!(cycles_of(&waiting(&mut lossless)), [1, 2, 3, 4, 5]);
    assert_eq!(lossless.try_next(), Err(Some(Ended::DaemonLate(6))));
    let rounds = waiting(&mut latest);
    let cycles = cycles_of(&rounds);
    assert_eq!(cycles.last(), Some(&(bench.cycle / 10 * 10)));
    assert_eq!(rounds[0].0 + cycles.len() as u64, bench.cycle / 10, "each due sample was told or counted");
}

#[test]
fn everything_of_the_largest_machine_fits_its_replies() {
    let mut bench = Bench::new(MAX_AXES);
    let all: Vec<u8> = (0..MAX_AXES as u8).collect();
    let mut stream = bench.record(&all, &Quantity::ALL, 1, Delivery::Lossless);
    bench.cycles(10);
    bench.round();
    assert_eq!(cycles_of(&waiting(&mut stream)), (1..=10).collect::<Vec<u64>>());
}

#[test]
fn rows_are_for_displays() {
    let mut bench = Bench::new(2);
    let selection = Selection { axes: vec![AxisId(1)], form: Form::Rows, decimation: 10 };
    let mut stream = bench.telemetry.open(selection, Delivery::Latest).unwrap();
    bench.round();
    bench.cycles(10);
    bench.round();
    let (missed, round) = stream.try_next().unwrap();
    assert_eq!((missed, round.replies.len()), (0, 1));
    let sample = parse(&round.replies[0]);
    assert_eq!((&sample["parameters"]["cycle"], &sample["continues"]), (&json!(10), &json!(true)));
    assert_eq!(sample["parameters"]["axes"][0]["name"], "axis-1");
    assert_eq!(sample["parameters"]["axes"][0]["turns"], -10);
}

#[tokio::test]
async fn the_death_of_the_service_ends_its_streams_even_where_it_holds_on_to_them() {
    let mut bench = Bench::new(1);
    let mut stream = bench.record(&[0], &[Quantity::Actual], 1, Delivery::Lossless);
    bench.cycles(3);
    bench.round();
    bench.follower.died();
    assert_eq!(stream.next().await.unwrap().1.samples, 3, "what waited is given first");
    assert_eq!(stream.next().await, Err(Ended::Interrupted));
    // The next life serves those who come after.
    bench.following = bench.follower.begin();
    let mut next = bench.record(&[0], &[Quantity::Actual], 1, Delivery::Lossless);
    bench.cycles(2);
    bench.round();
    assert_eq!(cycles_of(&waiting(&mut next)), [4, 5]);
}
