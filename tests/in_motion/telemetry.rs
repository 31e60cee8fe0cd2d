//! Recordings of a machine in motion: what they tell is what the cycle computed, and whatever becomes of those who read
//! them, every setpoint is the same to the last bit as in a run in which nobody did.

use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use motiond::client::{Column, Error, Machine, Sample, Selection};
use motiond::gateway::{AxisFlags, AxisSnapshot, Snapshot};
use motiond::limits::{CLIENT_WRITE_PATIENCE, LOSSLESS_ROUNDS};
use motiond::service::Phase;
use serde_json::json;

use crate::held::{Frame, HANG, Held, assert_identical, until};
use crate::services::end_hang;

/// Cycles from the first commands to the second ones.
const MEANWHILE: u64 = 2500;
/// Cycles that run until a recording has told them. They are spread over as many rounds at most, and a lossless stream
/// has a place for each: nobody is late, however busy the host.
const AT_ONCE: u64 = LOSSLESS_ROUNDS as u64 - 2;
/// Longer than anything takes: a hang is ended by the test.
const HANG_MS: u64 = 60_000;

/// A recording that a thread reads, from when it is told to.
struct Recorder {
    columns: Vec<Column>,
    begin: Sender<()>,
    told: Receiver<Result<Sample, Error>>,
}

impl Recorder {
    fn open(held: &Held, selection: Selection) -> Recorder {
        let mut machine: Machine = held.connect();
        let (columns_sender, columns) = channel();
        let (begin, begun) = channel();
        let (sender, told) = channel();
        std::thread::spawn(move || {
            let recording = machine.record(&selection).unwrap();
            columns_sender.send(recording.columns().to_vec()).unwrap();
            if begun.recv().is_err() {
                return;
            }
            for samples in recording {
                let told: Vec<_> = match samples {
                    Ok(samples) => samples.into_iter().map(Ok).collect(),
                    Err(error) => vec![Err(error)],
                };
                if told.into_iter().any(|told| sender.send(told).is_err()) {
                    return;
                }
            }
        });
        Recorder { columns: columns.recv_timeout(HANG).unwrap(), begin, told }
    }

    fn reading(held: &Held, selection: Selection) -> Recorder {
        let recorder = Recorder::open(held, selection);
        recorder.begin.send(()).unwrap();
        recorder
    }

    /// What comes next.
    fn next(&self) -> Result<Sample, Error> {
        self.told.recv_timeout(HANG).unwrap_or_else(|error| panic!("nothing is told: {error}"))
    }

    /// Lets cycles run until the first sample is here.
    fn first(&self, held: &mut Held, each: &mut impl FnMut(&Snapshot)) -> Sample {
        until("the first sample", || {
            step(held, each);
            self.told.try_recv().ok()
        })
        .unwrap()
    }

    /// Everything up to this cycle.
    fn up_to(&self, cycle: u64, samples: &mut Vec<Sample>) {
        while samples.last().is_none_or(|last| last.cycle < cycle) {
            samples.push(self.next().unwrap());
        }
    }

    /// Everything up to the end.
    fn rest(&self) -> (Vec<Sample>, Error) {
        let mut samples = Vec::new();
        loop {
            match self.next() {
                Ok(sample) => samples.push(sample),
                Err(error) => return (samples, error),
            }
        }
    }
}

fn step(held: &mut Held, each: &mut impl FnMut(&Snapshot)) {
    held.step();
    each(&held.snapshot);
}

/// So many cycles, all told by this recorder.
fn run_with(held: &mut Held, recorder: &Recorder, cycles: u64, mut each: impl FnMut(&Snapshot)) -> Vec<Sample> {
    let end = held.snapshot.machine.cycle + cycles;
    let mut samples = vec![recorder.first(held, &mut each)];
    while held.snapshot.machine.cycle < end {
        for _ in 0..AT_ONCE.min(end - held.snapshot.machine.cycle) {
            step(held, &mut each);
        }
        recorder.up_to(held.snapshot.machine.cycle, &mut samples);
    }
    samples
}

fn lossless() -> Selection {
    Selection::default()
}

fn latest() -> Selection {
    Selection { latest: true, ..Selection::default() }
}

/// What a quantity is, by the cycle itself.
fn value(axis: &AxisSnapshot, quantity: &str) -> f64 {
    match quantity {
        "state" => f64::from(axis.state as u8),
        "setpoint" => axis.setpoint,
        "turns" => axis.turns as f64,
        "velocity" => axis.velocity,
        "acceleration" => axis.acceleration,
        "actual" => axis.actual,
        "actual_velocity" => axis.actual_velocity,
        "following_error" => axis.following_error,
        "torque_ratio" => axis.torque,
        "override_ratio" => axis.override_ratio,
        "fresh" => f64::from(u8::from(axis.flags.has(AxisFlags::FRESH))),
        other => panic!("what is {other}?"),
    }
}

/// Each sample follows the one before, with as many cycles between as it says.
fn assert_accounts_for_every_cycle(samples: &[Sample]) {
    for pair in samples.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!(after.cycle, before.cycle + 1 + after.dropped, "after cycle {}", before.cycle);
    }
}

/// Everything in motion; then `meanwhile`, which may let up to [`MEANWHILE`] cycles run; then other targets.
fn run(meanwhile: impl FnOnce(&mut Held)) -> Vec<Frame> {
    let mut held = Held::start();
    held.power_up();
    let line = |x: f64, y: f64, z: f64| {
        let targets = [("x", x), ("y", y), ("z", z)].map(|(axis, value)| json!({ "axis": axis, "value": value }));
        json!({ "group": "gantry", "targets": targets, "velocity": 200.0 })
    };
    let turn = json!([{ "axis": "tilt", "value": 60.0 }, { "axis": "spin", "value": 200.0 }]);
    held.command("Group", "MoveLinear", line(900.0, 500.0, -150.0));
    held.command("Group", "MoveDirect", json!({ "group": "table", "targets": turn, "velocity": 0.1 }));
    held.command("Axis", "MoveVelocity", json!({ "axis": "belt", "velocity": 300.0 }));
    held.run(100);
    assert!(held.snapshot.axes.iter().all(|axis| axis.velocity != 0.0), "{:?}", held.snapshot.axes);
    let end = held.snapshot.machine.cycle + MEANWHILE;
    meanwhile(&mut held);
    held.run(end.checked_sub(held.snapshot.machine.cycle).expect("the test let too many cycles run"));
    held.command("Group", "MoveLinear", line(300.0, 200.0, -50.0));
    held.run(500);
    let frames = std::mem::take(&mut held.frames);
    held.end();
    frames
}

fn assert_moves_as_if_nobody_had_recorded(meanwhile: impl FnOnce(&mut Held)) {
    static UNDISTURBED: OnceLock<Vec<Frame>> = OnceLock::new();
    let disturbed = run(meanwhile);
    assert_identical(UNDISTURBED.get_or_init(|| run(|_| ())), &disturbed);
}

#[test]
fn a_lossless_recording_tells_every_cycle_once_as_the_cycle_computed_it() {
    assert_moves_as_if_nobody_had_recorded(|held| {
        let recorder = Recorder::reading(held, lossless());
        let names: Vec<String> =
            held.daemon().gateway().description().axes.iter().map(|axis| axis.name.clone()).collect();
        let mut snapshots = Vec::new();
        let samples = run_with(held, &recorder, 1500, |snapshot| snapshots.push(snapshot.clone()));
        assert!(samples.iter().all(|sample| sample.dropped == 0));
        assert_accounts_for_every_cycle(&samples);
        assert!(samples.len() > 1400, "{} samples", samples.len());
        assert_eq!(recorder.columns.len(), names.len() * 11);
        // It may begin with what telemetry had not taken when it was opened.
        for sample in samples.iter().filter(|sample| sample.cycle >= snapshots[0].machine.cycle) {
            let snapshot = snapshots.iter().find(|snapshot| snapshot.machine.cycle == sample.cycle).unwrap();
            assert_eq!(sample.time_ns, snapshot.machine.time_ns, "cycle {}", sample.cycle);
            for (column, told) in recorder.columns.iter().zip(&sample.values) {
                let axis = names.iter().position(|name| *name == column.axis).unwrap();
                let computed = value(&snapshot.axes[axis], &column.quantity);
                assert_eq!(
                    told.to_bits(),
                    computed.to_bits(),
                    "cycle {}, {column:?}: {told}, {computed}",
                    sample.cycle
                );
            }
        }
    });
}

#[test]
fn who_stops_reading_a_lossless_recording_loses_it_at_a_named_cycle_and_nobody_else_notices() {
    assert_moves_as_if_nobody_had_recorded(|held| {
        let deaf = Recorder::open(held, lossless());
        let since = Instant::now();
        let recorder = Recorder::reading(held, lossless());
        let samples = run_with(held, &recorder, 2000, |_| ());
        assert_accounts_for_every_cycle(&samples);
        assert!(samples.iter().all(|sample| sample.dropped == 0));
        held.connect().call("Machine", "Status", json!({})).unwrap();
        // What was sent before it stopped reading is there without a gap, and then why there is no more.
        deaf.begin.send(()).unwrap();
        let (told, end) = deaf.rest();
        assert_accounts_for_every_cycle(&told);
        assert!(told.len() > 10 && told.len() < samples.len(), "{} of {} samples", told.len(), samples.len());
        match end {
            Error::Lost(_) => assert!(since.elapsed() >= CLIENT_WRITE_PATIENCE, "closed without a word"),
            end => {
                assert_eq!((end.short_name(), end.field("reason")), ("Gap", Some(&json!("ClientLate"))), "{end:?}");
                assert_eq!(end.field("cycle"), Some(&json!(told.last().unwrap().cycle + 1)), "{end:?}");
            }
        }
    });
}

#[test]
fn a_slow_reader_of_the_latest_is_told_how_many_samples_it_missed() {
    assert_moves_as_if_nobody_had_recorded(|held| {
        let slow = Recorder::open(held, latest());
        // Far more than sockets hold, and faster than telemetry is prepared for.
        held.run(2000);
        slow.begin.send(()).unwrap();
        let mut samples = vec![slow.first(held, &mut |_| ())];
        // What is still missing is told with the next sample.
        let last = until("the samples have caught up", || {
            held.step();
            samples.extend(slow.told.try_iter().map(Result::unwrap));
            (samples.last()?.cycle > held.snapshot.machine.cycle - 40).then_some(held.snapshot.machine.cycle)
        });
        slow.up_to(last, &mut samples);
        assert_accounts_for_every_cycle(&samples);
        let dropped: u64 = samples.iter().map(|sample| sample.dropped).sum();
        assert!(dropped > 100, "{dropped} dropped");
        let metrics = held.scrape().unwrap();
        let counted = metrics.lines().find_map(|line| line.strip_prefix("motion_telemetry_dropped_total "));
        assert_eq!(counted.unwrap().parse(), Ok(dropped));
    });
}

/// What a failing service does to recordings: they end and say why, and the next one goes on.
fn assert_recordings_survive(trouble: &str) {
    assert_moves_as_if_nobody_had_recorded(|held| {
        let recorder = Recorder::reading(held, lossless());
        let before = run_with(held, &recorder, 100, |_| ());
        let mut saboteur = held.connect();
        let hangs = trouble == "hang";
        let asked = match trouble {
            "hang" => saboteur.call("Test", "Hang", json!({ "service": "telemetry", "milliseconds": HANG_MS })),
            place => saboteur.call("Test", "Panic", json!({ "service": "telemetry", "place": place })),
        };
        asked.unwrap();
        // It comes by the place where it encodes when there is something to encode.
        held.step();
        let (after, end) = recorder.rest();
        assert_eq!((end.short_name(), end.field("retryable")), ("Unavailable", Some(&json!(true))), "{end:?}");
        assert_accounts_for_every_cycle(&[&before[before.len() - 1..], &after].concat());
        until("telemetry is back", || {
            let (restarts, hung, phase) = held.service("telemetry");
            if hangs && hung == 1 {
                end_hang(held, "telemetry");
            }
            (restarts == 1 && hung == u64::from(hangs) && phase == Phase::Running).then_some(())
        });
        let next = Recorder::reading(held, lossless());
        let samples = run_with(held, &next, 100, |_| ());
        assert!(samples.iter().all(|sample| sample.dropped == 0));
        assert_accounts_for_every_cycle(&samples);
    });
}

#[test]
fn a_panic_in_the_midst_of_encoding_ends_recordings_with_a_reason_and_changes_no_setpoint() {
    assert_recordings_survive("task");
}

#[test]
fn telemetry_that_hangs_ends_recordings_with_a_reason_and_changes_no_setpoint() {
    assert_recordings_survive("hang");
}
