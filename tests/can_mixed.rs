//! One machine on two buses, each with frames of its own kind on an interface of its own kind: an EtherCAT drive on a virtual cable,
//! a CAN drive on a virtual CAN interface, both simulated by `motion-sim`, both in one group. It runs where there is such an
//! interface: `tests/can/lane` is such a place.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/can.rs"]
mod can;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[path = "support/undisturbed.rs"]
mod undisturbed;

use can::{Interface, Master, Talker, ip, simulation};
use daemon::until;
use motiond::client::{Machine, Sample, Selection};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use tempfile::TempDir;
use undisturbed::undisturbed;

/// Where the line goes, mm.
const TARGET: [f64; 2] = [400.0, 200.0];
/// How fast along it, mm/s, and how much faster each second: a second each way, and one and a quarter in between.
const VELOCITY: f64 = 200.0;
const ACCELERATION: f64 = 200.0;
/// Of the cycle, s.
const PERIOD_S: f64 = 5e-3;
/// Cycles from one SYNC to the next.
const DIVISOR: usize = 2;
/// Cycles from the computation of a setpoint to its being reached: over CAN it is sent a cycle later, applied at the next SYNC
/// and reached at the one behind that; over EtherCAT it is sent a cycle later, latched half a one behind the frame (SYNC0) and
/// reached a whole one later.
const CAN_REACHES: f64 = (2 * DIVISOR + 1) as f64;
const ETHERCAT_REACHES: f64 = 2.5;
/// Cycles from the sampling of feedback to the cycle in which the daemon has it: over CAN from SYNC to SYNC, over EtherCAT from
/// SYNC0 to the next frame.
const CAN_FETCHES: usize = DIVISOR;
/// Pairs of feedback that a figure is made of, at least, and how often the line is gone there and back for them, at most.
const ENOUGH: usize = 50;
const MOST_ROUNDS: usize = 10;

/// Both interfaces, and the drives on them.
struct Bench {
    field: Talker,
    _fast: Talker,
    _folders: [TempDir; 2],
    _interfaces: [Interface; 2],
}

/// `None` where there is no such place.
fn bench(machine: &str, cable: &str, bus: &str) -> Option<Bench> {
    let interface = match Interface::make(bus) {
        Ok(interface) => interface,
        Err(why) => {
            println!("skipped: can_mixed {bus}: {why}");
            return None;
        }
    };
    let far_end = format!("{cable}-far");
    if let Err(why) = ip(&format!("link add {cable} type veth peer name {far_end}")) {
        println!("skipped: can_mixed {bus}: no virtual cable: {why}");
        return None;
    }
    let cable = Interface { name: cable.to_string() };
    for end in [&cable.name, &far_end] {
        ip(&format!("link set {end} up")).unwrap();
    }
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    Some(Bench {
        field: simulation(machine, &folders[0], bus, "field"),
        _fast: simulation(machine, &folders[1], &far_end, "fast"),
        _folders: folders,
        _interfaces: [interface, cable],
    })
}

/// The mixed machine, with patience.
fn mixed_machine(cable: &str, interface: &str) -> String {
    let shipped = include_str!("../config/mixed-machine.toml");
    let patient =
        shipped.replace("\"can0\"", &format!("\"{interface}\"")).replace("\"enp3s0\"", &format!("\"{cable}\""));
    let patient = patient.replace("period-us = 1000", "period-us = 5000");
    let patient = patient.replace("cpu = 1\n", "max-skipped-periods = 1000\nhold-cpu-latency = false\n");
    let patient = patient.replace("[[bus.device]]\n", "[[bus.device]]\nwatchdog-ms = 1000\nheartbeat-ms = 200\n");
    let patient = patient.replace("interface =", "lost-frames-tolerated = 100\ninterface =");
    patient.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n")
}

#[test]
fn a_node_that_is_gone_stops_the_axis_on_the_other_bus() {
    undisturbed(|| {
        let machine = mixed_machine("vcable", "vmixed");
        let Some(mut bench) = bench(&machine, "vcable", "vmixed") else { return };
        let mut master = Master::start(&machine);
        assert!(master.said.contains("outputs wait for those of a slower bus"), "{}", master.said);
        master.make_ready(&["x", "y"]);
        master.done("group enable table");
        master.done("group linear table x=60 y=30 --wait");
        let at = |name| master.axis(name)["actual"].as_f64().unwrap();
        assert!((at("x") - 60.0).abs() < 0.5 && (at("y") - 30.0).abs() < 0.5, "{} {}", at("x"), at("y"));
        master.done("group linear table x=400 y=200 --velocity 40");
        until("x is in motion", || (master.axis("x")["velocity"].as_f64().unwrap() > 10.0).then_some(()));
        let before = master.latest();
        bench.field.befall("off y-drive");
        until("there is a fault", || master.faults(before).into_iter().next());
        until("x stands", || (master.axis("x")["velocity"] == 0.0).then_some(()));
        assert!(at("x") < 390.0, "x has stopped on the way: {}", at("x"));
        bench.field.befall("on y-drive");
        until("every device is operational", || master.every_device_is_operational().then_some(()));
        master.end();
    });
}

/// What is recorded of each axis, in this order; x comes first.
const QUANTITIES: [&str; 4] = ["actual", "velocity", "acceleration", "fresh"];

/// One axis in one cycle.
#[derive(Clone, Copy, Debug)]
struct Seen {
    actual: f64,
    velocity: f64,
    acceleration: f64,
    fresh: bool,
}

/// The samples of both axes by their cycle, and when each began, ns.
type Record = HashMap<u64, (u64, [Seen; 2])>;

/// Sets it when it goes out of scope, in whatever way.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Both axes in every cycle while something is done. Where this program does not keep up there is a gap.
fn recorded(master: &Master, done: impl FnOnce()) -> Record {
    let (over, (begun, begins)) = (AtomicBool::new(false), channel());
    let mut machine = Machine::open(&master.socket()).unwrap();
    let selection = Selection {
        axes: ["x", "y"].map(str::to_string).to_vec(),
        quantities: QUANTITIES.map(str::to_string).to_vec(),
        latest: true,
        ..Selection::default()
    };
    let samples: Vec<Sample> = std::thread::scope(|scope| {
        let over = &over;
        let recorder = scope.spawn(move || {
            let mut samples = Vec::new();
            let mut recording = machine.record(&selection).unwrap();
            begun.send(()).unwrap();
            while !over.load(Ordering::Relaxed) {
                samples.extend(recording.next().unwrap().unwrap());
            }
            samples
        });
        let ends = Ends(over);
        begins.recv().unwrap();
        done();
        drop(ends);
        recorder.join().unwrap()
    });
    let seen = |values: &[f64]| Seen {
        actual: values[0],
        velocity: values[1],
        acceleration: values[2],
        fresh: values[3] == 1.0,
    };
    let axes = |values: &[f64]| [seen(&values[..QUANTITIES.len()]), seen(&values[QUANTITIES.len()..])];
    samples.iter().map(|sample| (sample.cycle, (sample.time_ns, axes(&sample.values)))).collect()
}

/// How far the feedback is off the line at one instant, and how far the difference of the two buses' delays would bring it, mm.
#[derive(Clone, Copy, Debug)]
struct Pair {
    off: f64,
    due: f64,
}

/// Those of a part of the move: the median and the most, mm, and the median of what each is of what would be due.
#[derive(Clone, Copy, Debug)]
struct Off {
    pairs: usize,
    median: f64,
    most: f64,
    share: f64,
}

impl Off {
    fn of(pairs: &[Pair]) -> Off {
        let sorted = |quantity: fn(&Pair) -> f64| {
            let mut sorted: Vec<f64> = pairs.iter().map(quantity).collect();
            sorted.sort_by(f64::total_cmp);
            sorted
        };
        let (off, share) = (sorted(|pair| pair.off), sorted(|pair| pair.off / pair.due));
        Off { pairs: off.len(), median: off[off.len() / 2], most: off[off.len() - 1], share: share[share.len() / 2] }
    }
}

impl std::fmt::Display for Off {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Off { pairs, median, most, share } = self;
        write!(out, "{median:.3} mm, at most {most:.3} mm, {share:.3} of what is due, by {pairs} pairs")
    }
}

/// How far the feedback is off the line: at constant velocity, and while the velocity changes.
///
/// Feedback of two buses that is handed over in one cycle is not of one instant. What y's drive sampled at a SYNC comes with the
/// next one: in cycle `k` it is from the instant of cycle `k` - `DIVISOR`, and fresh in every `DIVISOR`-th cycle. What x's drive
/// sampled at SYNC0 comes with the next frame, half a cycle later: the cycles `k` and `k` + 1 have it from half a cycle before
/// and behind the instant of cycle `k`, and their middle is that instant's, to an eighth of the acceleration times the period's
/// square (0.001 mm here). Instants around which a period was skipped or feedback is missing are left out: there the buses were
/// not served at the same time, which is not what is measured.
fn deviation(record: &Record) -> [Vec<Pair>; 2] {
    let length = TARGET[0].hypot(TARGET[1]);
    // x is so long ahead, and by so much of what it goes meanwhile across the line.
    let (ahead_s, across) = ((CAN_REACHES - ETHERCAT_REACHES) * PERIOD_S, TARGET[1] / length);
    let (mut constant, mut changing) = (Vec::new(), Vec::new());
    for (cycle, (_, [_, y])) in record {
        // From the computation of what is reached at that instant, with a margin, to the cycle behind it.
        let first = cycle - (CAN_FETCHES + CAN_REACHES as usize + 2) as u64;
        let around: Vec<_> = (first..=cycle + 1).map_while(|cycle| record.get(&cycle)).collect();
        let whole = around.len() as u64 == cycle + 2 - first;
        let in_step = around.windows(2).all(|pair| ((pair[1].0 - pair[0].0) as f64) < 1.5e9 * PERIOD_S);
        if !(y.fresh && whole && in_step && around.iter().all(|(_, [x, _])| x.fresh)) {
            continue;
        }
        let actual_x = |cycle: u64| record[&cycle].1[0].actual;
        let instant = cycle - CAN_FETCHES as u64;
        let x = 0.5 * (actual_x(instant) + actual_x(instant + 1));
        let off = (x * TARGET[1] - y.actual * TARGET[0]).abs() / length;
        let due = record[&instant].1[0].velocity.abs() * ahead_s * across;
        let pair = Pair { off, due };
        let setpoints = || around.iter().map(|(_, [x, _])| x);
        if setpoints().all(|x| x.acceleration.abs() < 1e-6 && x.velocity.abs() > 1.0) {
            constant.push(pair);
        } else if setpoints().all(|x| x.acceleration.abs() > 1.0) {
            changing.push(pair);
        }
    }
    [constant, changing]
}

/// Moves along the line and back, with both buses newly brought up. `None` where there is no such place.
fn round(name: &str, compensated: bool) -> Option<[Vec<Pair>; 2]> {
    let (cable, bus) = (format!("c{name}"), format!("v{name}"));
    let machine = mixed_machine(&cable, &bus);
    let machine =
        machine.replace("kind = \"canopen\"\n", &format!("kind = \"canopen\"\ncycles-per-sync = {DIVISOR}\n"));
    let delay = if compensated { "" } else { "extra-delay-cycles = 0\n" };
    let machine = machine.replace("kind = \"ethercat\"\n", &format!("kind = \"ethercat\"\n{delay}"));
    // So many SYNCs and two more must pass before a watchdog does.
    let machine = machine.replace("lost-frames-tolerated = 100", "lost-frames-tolerated = 98");
    let _bench = bench(&machine, &cable, &bus)?;
    let mut master = Master::start(&machine);
    master.make_ready(&["x", "y"]);
    master.done("group enable table");
    let record = recorded(&master, || {
        for [x, y] in [TARGET, [0.0, 0.0]] {
            let how = format!("--velocity {VELOCITY} --acceleration {ACCELERATION} --wait");
            master.done(&format!("group linear table x={x} y={y} {how}"));
        }
    });
    master.end();
    Some(deviation(&record))
}

/// Round after round until there is enough to judge by: a host that takes the processor away has periods skipped, and where it
/// takes it for longer than a bus tolerates, that round is lost, and no other.
fn measured(name: &str, compensated: bool) -> Option<[Off; 2]> {
    let found = RefCell::new([Vec::new(), Vec::new()]);
    let (lacks, enough) = (Cell::new(false), || found.borrow().iter().all(|found| found.len() >= ENOUGH));
    for _ in 0..MOST_ROUNDS {
        undisturbed(|| match round(name, compensated) {
            Some(more) => found.borrow_mut().iter_mut().zip(more).for_each(|(found, more)| found.extend(more)),
            None => lacks.set(true),
        });
        if lacks.get() {
            return None;
        }
        if enough() {
            break;
        }
    }
    let found = found.into_inner();
    let pairs = found.each_ref().map(Vec::len);
    assert!(
        pairs.iter().all(|pairs| *pairs >= ENOUGH),
        "only {pairs:?} pairs of feedback with no skipped period around"
    );
    Some(found.each_ref().map(|found| Off::of(found)))
}

#[test]
fn a_line_on_two_buses_is_straight_by_the_feedback_of_both() {
    let Some(with) = measured("with", true) else { return };
    let Some(without) = measured("without", false) else { return };
    println!("SYNC each {} ms, {VELOCITY} mm/s, {ACCELERATION} mm/s²: the feedback is off the line by", 5 * DIVISOR);
    println!("  at constant velocity {}; without compensation {}", with[0], without[0]);
    println!("  while it changes     {}; without compensation {}", with[1], without[1]);
    for without in without {
        assert!((without.share - 1.0).abs() < 0.25, "{without}");
    }
    assert!(with[0].share < 0.2 && with[1].share < 0.4, "{with:?}");
}
