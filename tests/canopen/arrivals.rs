//! What the time of a frame's arrival is good for, and what is counted of a wire.

use crate::wire::{NetworkWire, nodes_of};
use motiond::config;
use motiond::fieldbus::canopen::bring_up::bring_up;
use motiond::fieldbus::canopen::bus::CanopenBus;
use motiond::fieldbus::canopen::frame::{CanFrame, WireState};
use motiond::fieldbus::canopen::load::{Load, frame_bits, load};
use motiond::fieldbus::canopen::requests::{Job, Request, RequestEnds};
use motiond::fieldbus::canopen::sdo::Upload;
use motiond::fieldbus::sdo::Address;
use motiond::fieldbus::{CycleReport, CyclicBus};
use motiond::simulation::canopen::{Network, NetworkCommand};

const PERIOD_NS: u64 = 1_000_000;
/// Behind the first exchange, which asked for nothing before.
const BEGUN: u64 = 10;

/// The shipped machine's bus with a SYNC in each cycle, and drives that can wait for their master.
struct Bench {
    bus: CanopenBus,
    requests: RequestEnds,
    wire: NetworkWire,
    outputs: Vec<u8>,
    inputs: Vec<u8>,
    now_ns: u64,
    /// Bits of SYNC and PDOs in a cycle, and those that the wire carries.
    load: Load,
}

impl Bench {
    fn new() -> Bench {
        let text = std::fs::read_to_string("config/can-two-axis.toml").unwrap();
        let text =
            text.replace("cycles-per-sync = 2\n", "").replace("[[bus.device]]", "[[bus.device]]\nwatchdog-ms = 1000");
        // Three nodes are more than this wire carries in a millisecond at 80 %.
        let text = text.replace("kind = \"canopen\"", "kind = \"canopen\"\nmax-load-percent = 100");
        let config = config::parse(&text, "patient").unwrap_or_else(|error| panic!("{error}"));
        let bus = &config.buses[0];
        let wire = NetworkWire::to(Network::new(&nodes_of(bus, PERIOD_NS)).unwrap());
        let brought = bring_up(Box::new(wire.clone()), &bus.network(PERIOD_NS)).unwrap();
        let now_ns = wire.now_ns();
        let mut bench = Bench {
            bus: brought.bus,
            requests: brought.requests,
            wire,
            outputs: vec![0; bus.output_bytes],
            inputs: vec![0; bus.input_bytes],
            now_ns,
            load: load(&bus.network(PERIOD_NS), bus.bit_rate.unwrap()),
        };
        for _ in 0..BEGUN {
            bench.step();
        }
        bench
    }

    fn step(&mut self) -> CycleReport {
        self.step_after(PERIOD_NS)
    }

    fn step_after(&mut self, ns: u64) -> CycleReport {
        self.now_ns += ns;
        self.bus.begin(&self.outputs, self.now_ns);
        self.bus.finish(&mut self.inputs, self.now_ns)
    }
}

#[test]
fn the_round_trip_is_that_of_the_frames_on_the_wire() {
    let mut bench = Bench::new();
    let report = bench.step();
    assert!(report.complete(), "{report:?}");
    // SYNC, the drives' PDOs of seven bytes, the terminal's of one; those of the master come behind. A bit takes a microsecond.
    let bits = frame_bits(0) + 2 * frame_bits(7) + frame_bits(1);
    assert_eq!(report.round_trip_ns, Some(1000 * bits));
    bench.wire.forget_stamps();
    bench.step();
    let report = bench.step();
    assert!(report.complete() && report.round_trip_ns.is_none(), "{report:?}");
}

#[test]
fn what_comes_before_sync_and_is_seen_behind_it_is_late_and_no_answer_to_it() {
    let mut bench = Bench::new();
    bench.wire.look_away();
    let missing = bench.step();
    assert!(missing.lost && missing.fresh == 0, "{missing:?}");
    let late = bench.step();
    assert!(late.complete() && late.late && late.fresh == 0b111, "{late:?}");
    assert!(late.round_trip_ns.is_some(), "of its own answers alone: {late:?}");
    let report = bench.step();
    assert!(report.complete() && !report.late, "{report:?}");
}

#[test]
fn a_node_whose_heartbeat_waits_behind_other_frames_is_not_lost() {
    let mut bench = Bench::new();
    // The processor was away for longer than three heartbeats take; more waits than is taken at once.
    let stall_ns = 200 * PERIOD_NS;
    let stranger = |at: u64| (CanFrame::data(0x7FF, &[]), bench.now_ns + at * PERIOD_NS / 2);
    bench.wire.strangers((1..=300).map(stranger).collect::<Vec<_>>().into_iter());
    bench.step_after(stall_ns);
    for _ in 0..20 {
        let report = bench.step();
        assert_eq!(report.not_operational, 0, "{report:?}");
    }
    // Silence is silence all the same.
    bench.wire.command(NetworkCommand::Mute(0, true));
    let lost = (0..400).any(|_| bench.step().not_operational == 1);
    assert!(lost, "a node without a heartbeat is lost");
}

#[test]
fn what_befalls_the_wire_is_counted() {
    let mut bench = Bench::new();
    let figures = bench.bus.figures();
    assert_eq!(figures.state(), WireState::Active);
    // Twice the same is once.
    for state in [WireState::Warning, WireState::Passive, WireState::Passive, WireState::Warning, WireState::BusOff] {
        bench.wire.tell(state);
        bench.step();
        assert_eq!(figures.state(), state);
    }
    let times = |state| figures.times(state);
    assert_eq!([WireState::Warning, WireState::Passive, WireState::BusOff].map(times), [2, 1, 1]);
    bench.wire.tell(WireState::Active);
    bench.wire.fill(3);
    for _ in 0..5 {
        bench.step();
    }
    assert_eq!((figures.state(), figures.refused()), (WireState::Active, 3));
}

#[test]
fn objects_are_read_and_an_emergency_is_told_beside_a_wire_that_has_room_for_a_frame() {
    let mut bench = Bench::new();
    assert!(bench.load.has_room() && bench.load.cyclic_bits > 600, "{:?}", bench.load);
    let (mut asked, mut read, mut cycles) = (false, 0, 0);
    while read < 100 {
        if !asked {
            let job = Job::Read(Upload::new(Address::entry(0x1008, 0), false));
            bench.requests.requests.push(Box::new(Request { device: 1, job, result: None })).unwrap();
            asked = true;
        }
        if cycles % 50 == 0 {
            bench.wire.command(NetworkCommand::Emergency(1, 0, 0));
        }
        let report = bench.step();
        assert!(report.complete() && !report.late, "cycle {cycles}: {report:?}");
        if let Ok(answer) = bench.requests.answers.pop() {
            assert_eq!(answer.result, Some(Ok(())));
            (asked, read) = (false, read + 1);
        }
        cycles += 1;
        assert!(cycles < 1000, "only {read} objects were read in a thousand cycles");
    }
    println!("{read} objects of seven bytes in {cycles} cycles of {PERIOD_NS} ns");
}
