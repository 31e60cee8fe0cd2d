//! Real frames: the built daemon on one end of a virtual cable, `motion-sim` on the other, each in a network of its own.

#[path = "support/capture.rs"]
mod capture;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[path = "support/many_drives.rs"]
mod many_drives;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/veth.rs"]
mod veth;

use capture::{Capture, Passing};
use daemon::{motiond, output, until};
use many_drives::many_drives;
use motiond::client::{Machine, Selection};
use serde_json::json;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use veth::{Bench, Cable, start};

/// One machine at a time: they are held to a period.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn drives_on_a_cable_are_brought_up_and_move() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut bench) = start("move") else { return };
    // Nobody else drives the same devices.
    let mut second = bench.cable.command(0, motiond().get_program().to_str().unwrap());
    second.env("NO_COLOR", "1").args(["run", "--metrics", "127.0.0.1:0", "--socket"]);
    let refused =
        output(second.arg(bench.directory.path().join("second.sock")).arg(bench.directory.path().join("machine.toml")));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("interface fieldbus is used by another EtherCAT master"), "{said}");
    let before = bench.x()["actual"].as_f64().unwrap();
    bench.done("power on x --wait");
    bench.done("power on y --wait");
    bench.done("move x --relative 50 --wait");
    let after = bench.x()["actual"].as_f64().unwrap();
    assert!((after - before - 50.0).abs() < 0.5, "from {before} to {after}");
    bench.done("group enable table");
    bench.done("group linear table x=60 y=20 --wait");
    bench.done("group disable table");
    // Lost and late frames are ridden through.
    bench.done("move x --relative 100 --velocity 40");
    for mishap in ["lose 3", "delay 3 1500", "duplicate 3", "corrupt 3"] {
        bench.befall(mishap);
    }
    until("the end of the move", || {
        let state = bench.x()["state"].take();
        assert!(
            state == "DiscreteMotion" || state == "Standstill",
            "{}\n{}",
            bench.done("status"),
            bench.done("events")
        );
        (state == "Standstill").then_some(())
    });
    assert!((bench.x()["setpoint"].as_f64().unwrap() - 160.0).abs() < 1e-6, "{}", bench.x());
    bench.end();
}

#[test]
fn an_empty_cable_is_told_before_anything_runs() {
    let cable = match Cable::lay("empty") {
        Ok(cable) => cable,
        Err(why) => {
            println!("skipped: ethercat_veth empty: {why}");
            return;
        }
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("machine.toml");
    let shipped = include_str!("../config/ethercat-terminals.toml");
    std::fs::write(&file, shipped.replace("enp3s0", "fieldbus")).unwrap();
    let mut daemon = cable.command(0, motiond().get_program().to_str().unwrap());
    daemon.env("NO_COLOR", "1").args(["run", "--metrics", "127.0.0.1:0", "--socket"]);
    let ended = output(daemon.arg(directory.path().join("control.sock")).arg(&file));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("fault 2005 bus-not-up: bus \"field\": no device answers"), "{said}");
}

/// The samples of a histogram's quantile: the bounds of the bucket that it falls into, microseconds.
fn quantile(samples: &[(String, f64)], histogram: &str, share: f64) -> String {
    let start = format!("{histogram}_bucket{{");
    let buckets = samples.iter().filter(|(name, _)| name.starts_with(&start));
    let bound = |name: &str| -> Option<f64> { name.split_once("le=\"")?.1.split_once('"')?.0.parse().ok() };
    let buckets: Vec<(f64, f64)> = buckets.filter_map(|(name, count)| Some((bound(name)?, *count))).collect();
    let wanted = buckets.iter().map(|(_, count)| *count).fold(0.0, f64::max) * share;
    let above = buckets.iter().position(|(_, count)| *count >= wanted).unwrap();
    let lower = if above == 0 { 0.0 } else { buckets[above - 1].0 * 1e6 };
    format!("{lower:.0} to {:.0} us", buckets[above].0 * 1e6)
}

/// Until when a cycle waits for its answers, from its start: half of the period, unless configured.
const DEADLINE_NS: u64 = 500_000;
/// A stamp and the end of a wait for it may be so far apart.
const GRAIN_NS: u64 = 50_000;

/// Why the drives were not heard in a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The cycle came so late that its frame could not be back.
    SentLate,
    /// The answer came behind the deadline.
    AnsweredLate,
    /// Nothing on the wire says why.
    Unexplained,
}

/// `frames` are those that were sent in the cycle that began at `start_ns`, as many as an exchange has.
fn cause(start_ns: u64, frames: &[Passing]) -> Cause {
    let deadline_ns = start_ns + DEADLINE_NS;
    let sent_ns = frames.iter().map(|frame| frame.sent_ns).max();
    let back_ns = frames.iter().map(|frame| frame.back_ns).max();
    let all_back = !frames.is_empty() && frames.iter().all(|frame| frame.back_ns.is_some());
    match (sent_ns, back_ns.flatten()) {
        (Some(sent_ns), Some(_)) if all_back && sent_ns + GRAIN_NS > deadline_ns => Cause::SentLate,
        (_, Some(back_ns)) if all_back && back_ns + GRAIN_NS > deadline_ns => Cause::AnsweredLate,
        _ => Cause::Unexplained,
    }
}

/// The cycles, when each began and whether all drives were heard, from the word `begun` until `over`; how many are missing.
fn cycles(mut machine: Machine, axes: Vec<String>, begun: &Sender<()>, over: &AtomicBool) -> (Vec<(u64, bool)>, u64) {
    let selection = Selection { axes, quantities: vec!["fresh".to_string()], latest: true, ..Selection::default() };
    let (mut cycles, mut dropped) = (Vec::new(), 0);
    let recording = machine.record(&selection).unwrap();
    begun.send(()).unwrap();
    for samples in recording {
        for sample in samples.unwrap() {
            dropped += sample.dropped;
            cycles.push((sample.time_ns, sample.values.iter().all(|fresh| *fresh == 1.0)));
        }
        if over.load(Ordering::Relaxed) {
            break;
        }
    }
    (cycles, dropped)
}

/// Matches each cycle in which drives were not heard with what passed on the wire, and tells how long frames were on it. How
/// many there were.
fn explain(count: usize, cycles: &[(u64, bool)], frames: &[Passing], a_cycle: usize) -> usize {
    let mut lost = Vec::new();
    for (place, (start_ns, _)) in cycles.iter().enumerate().filter(|(_, (_, heard))| !heard) {
        let next_ns = cycles.get(place + 1).map_or(u64::MAX, |(next_ns, _)| *next_ns);
        let first = frames.partition_point(|frame| frame.sent_ns < *start_ns);
        let own: Vec<Passing> =
            frames[first..].iter().take_while(|frame| frame.sent_ns < next_ns).take(a_cycle).copied().collect();
        let cause = cause(*start_ns, &own);
        if cause == Cause::Unexplained {
            println!("{count} drives: unexplained: the cycle of {start_ns}: {own:?}");
        }
        lost.push(cause);
    }
    let of = |cause| lost.iter().filter(|other| **other == cause).count();
    let [sent_late, answered_late, unexplained] = [Cause::SentLate, Cause::AnsweredLate, Cause::Unexplained].map(of);
    println!(
        "{count} drives: {} cycles recorded, {} without an answer in time: {sent_late} sent late, {answered_late} answered \
         late, {unexplained} unexplained",
        cycles.len(),
        lost.len()
    );
    let mut trips: Vec<u64> = frames.iter().filter_map(|frame| Some(frame.back_ns? - frame.sent_ns)).collect();
    trips.sort_unstable();
    let at = |share: f64| trips[((trips.len() - 1) as f64 * share) as usize] as f64 / 1000.0;
    println!(
        "{count} drives: round trip on the wire p50 {:.0} us, p99 {:.0} us, most {:.0} us of {} frames",
        at(0.5),
        at(0.99),
        at(1.0),
        trips.len()
    );
    assert_eq!(unexplained, 0, "{count} drives");
    lost.len()
}

/// So many drives at 1 kHz, both programs with a real-time priority and, where there are two, a processor of their own.
fn many(count: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("many-{count}");
    let two = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
    // A host that is busy with other things may take the processor away for a while.
    let cpu = if two { "cpu = 1" } else { "" };
    let machine = format!("[realtime]\npriority = 80\nmax-skipped-periods = 1000\n{cpu}");
    let bus = "lost-frames-tolerated = 100\nworking-counter-errors-tolerated = 100";
    let text = many_drives(count, &machine, bus, "watchdog-ms = 1000");
    let text = text.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n");
    let rights = Command::new("chrt").args(["-f", "75", "true"]).status().is_ok_and(|status| status.success());
    let pinned = if two { "taskset -c 0 " } else { "" };
    let first = if rights { format!("chrt -f 75 {pinned}") } else { String::new() };
    let simulation = format!("{first}{}", env!("CARGO_BIN_EXE_motion-sim"));
    let mut bench = match Bench::over(&name, &text, &format!("{count} devices on drives: drive-0"), &simulation) {
        Ok(bench) => bench,
        Err(why) => {
            println!("skipped: ethercat_veth {name}: {why}");
            return;
        }
    };
    let status =
        |bench: &Bench, axis: usize| bench.status("Axis", json!({ "axis": format!("a{axis}") }))["status"].take();
    let all_in = |bench: &Bench, state: &str| {
        until(state, || (0..count).all(|axis| status(bench, axis)["state"] == state).then_some(()));
    };
    (0..count).for_each(|axis| drop(bench.done(&format!("power on a{axis}"))));
    all_in(&bench, "Standstill");
    let before: Vec<f64> = (0..count).map(|axis| status(&bench, axis)["setpoint"].as_f64().unwrap()).collect();
    let groups = count.div_ceil(motiond::limits::MAX_GROUP_AXES);
    (0..groups).for_each(|group| drop(bench.done(&format!("group enable g{group}"))));
    // The first drive and the last: one in each frame.
    let axes = vec!["a0".to_string(), format!("a{}", count - 1)];
    let over = Arc::new(AtomicBool::new(false));
    let (begin, begun) = channel();
    let capture = Capture::of(&bench.cable.networks[0]);
    let recorder = {
        let (machine, over) = (Machine::open(&bench.socket()).unwrap(), Arc::clone(&over));
        std::thread::spawn(move || cycles(machine, axes, &begin, &over))
    };
    begun.recv().unwrap();
    let (samples, traffic) = (bench.samples(), bench.cable.traffic(0, "fieldbus"));
    for group in 0..groups {
        let axes = (0..count).skip(group * motiond::limits::MAX_GROUP_AXES).take(motiond::limits::MAX_GROUP_AXES);
        let targets: Vec<String> = axes.map(|axis| format!("a{axis}=100")).collect();
        bench.done(&format!("group linear g{group} --relative --velocity 80 {}", targets.join(" ")));
    }
    all_in(&bench, "Standstill");
    let (last, passed) = (bench.samples(), bench.cable.traffic(0, "fieldbus"));
    over.store(true, Ordering::Relaxed);
    let (recorded, dropped) = recorder.join().unwrap();
    let on_the_wire = capture.end();
    for (axis, before) in before.iter().enumerate() {
        let now = status(&bench, axis);
        assert!((now["setpoint"].as_f64().unwrap() - before - 100.0).abs() < 1e-6, "a{axis}: {now}");
        assert!((now["actual"].as_f64().unwrap() - before - 100.0).abs() < 0.5, "a{axis}: {now}");
    }
    let value = |samples: &[(String, f64)], name: &str| {
        let found = samples.iter().filter(|(sample, _)| sample == name || sample.starts_with(&format!("{name}{{")));
        found.map(|(_, value)| value).sum::<f64>()
    };
    let since = |name: &str| value(&last, name) - value(&samples, name);
    let operational = |(name, value): &&(String, f64)| {
        name.starts_with("motion_bus_device_state{") && name.contains("state=\"operational\"") && *value == 1.0
    };
    assert_eq!(last.iter().filter(operational).count(), count, "devices in OP");
    assert_eq!(value(&last, "motion_axis_faults_total"), 0.0, "{}", bench.done("events"));
    let cycles = since("motion_cycles_total");
    let (lost, late) = (value(&last, "motion_bus_frames_lost_total"), value(&last, "motion_bus_frames_late_total"));
    let overruns = value(&last, "motion_cycle_overruns_total");
    let wrong = value(&last, "motion_bus_wkc_errors_total");
    let bytes = (passed[0].1 - traffic[0].1) as f64 / cycles;
    let frames = (passed[0].0 - traffic[0].0) as f64 / cycles;
    println!("{count} drives: {cycles} cycles, {frames:.2} frames and {bytes:.0} bytes a cycle");
    for (what, histogram) in [
        ("round trip", "motion_bus_round_trip_seconds"),
        ("wake-up", "motion_cycle_wakeup_latency_seconds"),
        ("execution", "motion_cycle_execution_seconds"),
    ] {
        let [half, most] = [0.5, 0.99].map(|share| quantile(&last, histogram, share));
        println!("{count} drives: {what} p50 {half}, p99 {most}");
    }
    println!(
        "{count} drives: {lost} exchanges lost, {late} cycles with late answers, {overruns} overruns, {wrong} wrong counters"
    );
    last.iter().filter(|(name, value)| name.starts_with("motion_cycle_overruns") && *value > 0.0).for_each(
        |(name, value)| {
            println!("{count} drives: {name} {value}");
        },
    );
    let lacking: Vec<&String> = last
        .iter()
        .filter(|(name, value)| name.starts_with("motion_rt_degraded") && *value > 0.0)
        .map(|(name, _)| name)
        .collect();
    if overruns > 0.0 || lost > 0.0 || !lacking.is_empty() || !rights {
        println!("{count} drives: this host did not hold 1 kHz, or not with a real-time priority: {lacking:?}");
    }
    println!("{count} drives: {dropped} cycles are missing in the recording");
    let explained = explain(count, &recorded, &on_the_wire, frames.round() as usize);
    // Everything that the daemon counts meanwhile is among them, or in a cycle that is missing.
    let counted = since("motion_bus_frames_lost_total");
    assert!(counted <= explained as f64 + dropped as f64, "{count} drives: {counted} counted, {explained} explained");
    // A frame that is on its way between two looks is none that is lost.
    bench.end();
    let [[sent, got], [given, taken]] =
        [bench.cable.traffic(0, "fieldbus"), bench.cable.traffic(1, "drives")].map(|ways| ways.map(|way| way.0));
    assert_eq!((sent, given), (taken, got), "frames lost on the cable");
    assert!(given == sent, "the drives gave {given} of {sent} frames back");
    // So each exchange that counts as lost is one whose answer came after its deadline.
    assert!(lost == 0.0 || late > 0.0 || overruns > 0.0, "{lost} lost without a late answer or an overrun");
}

#[test]
fn two_drives_at_one_kilohertz() {
    many(2);
}

#[test]
fn sixteen_drives_at_one_kilohertz() {
    many(16);
}

#[test]
fn sixty_four_drives_at_one_kilohertz() {
    many(64);
}
