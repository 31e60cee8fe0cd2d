//! What one cycle costs, in instructions: the production cycle over drives that follow perfectly, counted by
//! callgrind as the difference of two run lengths, so that start-up cancels out; those drives' own part is counted by
//! itself and left out.
//!
//! ```text
//! cargo bench --bench cycle_cost         the table, about a minute; ends with 1 where a further axis costs too much
//! cycle_cost run AXES CYCLES KIND        one run to be counted
//! ```
//!
//! The axes are linear, in cyclic synchronous position, watched for their following error, with soft limits; every
//! cycle publishes its snapshot.

use motiond::config;
use motiond::cycle::{BusWiring, Cycle};
use motiond::exchange::command::{Command, Request};
use motiond::exchange::snapshot::Shape;
use motiond::exchange::{GatewayEnds, open};
use motiond::fieldbus::mapping::{DeviceLayout, place};
use motiond::fieldbus::{CycleReport, CyclicBus};
use motiond::ids::{AxisId, Handle};
use motiond::motion::{AxisState, BufferMode, Direction, Dynamics, MoveKind};
use std::fmt::Write;
use std::hint::black_box;
use std::process::{Command as Process, ExitCode};

const PERIOD_NS: u64 = 1_000_000;
/// Instructions that one more moving axis may cost a cycle.
const GOAL: u64 = 600;
/// The most that the costs of further axes may differ from each other, as a ratio, for the cost to count as linear.
const LINEAR: f64 = 1.05;

/// Where one drive's objects stand in the images.
struct Places {
    controlword: usize,
    mode: usize,
    target: usize,
    statusword: usize,
    mode_shown: usize,
    position: usize,
}

impl Places {
    fn of(device: &DeviceLayout) -> Places {
        let output = |index| device.output_offset + place(&device.outputs, index, 0).unwrap().0;
        let input = |index| device.input_offset + place(&device.inputs, index, 0).unwrap().0;
        Places {
            controlword: output(0x6040),
            mode: output(0x6060),
            target: output(0x607a),
            statusword: input(0x6041),
            mode_shown: input(0x6061),
            position: input(0x6064),
        }
    }
}

/// Drives that reach each target within one period and change state at once.
struct PerfectDrives {
    places: Vec<Places>,
    outputs: Vec<u8>,
    inputs: Vec<u8>,
    fresh: u64,
}

impl PerfectDrives {
    fn new(layouts: Vec<DeviceLayout>, output_bytes: usize, input_bytes: usize) -> PerfectDrives {
        let fresh = u64::MAX >> (64 - layouts.len());
        let places = layouts.iter().map(Places::of).collect();
        PerfectDrives { places, outputs: vec![0; output_bytes], inputs: vec![0; input_bytes], fresh }
    }
}

impl CyclicBus for PerfectDrives {
    fn begin(&mut self, outputs: &[u8], _cycle_start_ns: u64) {
        for at in &self.places {
            let statusword: u16 = match self.outputs[at.controlword] & 0x8f {
                0x06 => 0x0631,
                0x07 => 0x0633,
                0x0f => 0x0637,
                _ => 0x0650,
            };
            self.inputs[at.statusword..][..2].copy_from_slice(&statusword.to_le_bytes());
            self.inputs[at.mode_shown] = self.outputs[at.mode];
            if statusword == 0x0637 {
                self.inputs[at.position..][..4].copy_from_slice(&self.outputs[at.target..][..4]);
            }
        }
        self.outputs.copy_from_slice(outputs);
    }

    fn finish(&mut self, inputs: &mut [u8], _deadline_ns: u64) -> CycleReport {
        inputs.copy_from_slice(&self.inputs);
        let working_counter = 3 * self.places.len() as u16;
        CycleReport {
            working_counter,
            working_counter_expected: working_counter,
            fresh: self.fresh,
            ..CycleReport::default()
        }
    }

    fn request_recovery(&mut self) {}

    fn feedback_delay_periods(&self) -> f64 {
        2.0
    }
}

fn machine(axes: usize) -> String {
    let mut text = "[machine]\nname = \"cost\"\n[[bus]]\nname = \"field\"\nkind = \"simulated\"\n".to_string();
    for axis in 0..axes {
        writeln!(text, "[[bus.device]]\nname = \"d{axis}\"").unwrap();
    }
    for axis in 0..axes {
        writeln!(
            text,
            "[[axis]]\nname = \"a{axis}\"\nkind = \"linear\"\nbus = \"field\"\ndevice = \"d{axis}\"\nmode = \"csp\"\n\
             reference = \"absolute\"\n[axis.mechanics]\nencoder-increments-per-motor-turn = 1_048_576\n\
             lead-mm-per-turn = 20\n[axis.limits]\nmax-velocity-mm-per-s = 500\nmax-acceleration-mm-per-s2 = 500\n\
             max-jerk-mm-per-s3 = 500\nmin-position-mm = -20_000\nmax-position-mm = 20_000\n\
             [axis.following-error]\nwindow-mm = 2\ntime-ms = 20"
        )
        .unwrap();
    }
    text
}

struct Bench {
    cycle: Cycle,
    ends: GatewayEnds,
    now_ns: u64,
    handle: u64,
    axes: usize,
}

impl Bench {
    fn new(axes: usize) -> Bench {
        let config = config::parse(&machine(axes), "cost.toml").unwrap_or_else(|error| panic!("{error}"));
        let bus = &config.buses[0];
        let layouts = bus.devices.iter().map(|device| device.layout.clone()).collect();
        let wiring = BusWiring {
            bus: Box::new(PerfectDrives::new(layouts, bus.output_bytes, bus.input_bytes)),
            output_bytes: bus.output_bytes,
            input_bytes: bus.input_bytes,
            tolerated_emergencies: Vec::new(),
            watch: bus.watch,
        };
        let (cycle_ends, ends) = open(Shape { axes, groups: 0, buses: 1, analogs: 0 });
        let cycle = Cycle::new(config.cycle_parameters(), vec![wiring], cycle_ends).unwrap();
        let mut bench = Bench { cycle, ends, now_ns: PERIOD_NS, handle: 0, axes };
        bench.run(10);
        for axis in 0..axes {
            bench.send(Request::Power { axis: AxisId(axis as u8), on: true });
        }
        bench.run(1000);
        let (_, snapshot) = bench.ends.snapshots.read().unwrap();
        assert!(snapshot.axes.iter().all(|axis| axis.state == AxisState::Standstill), "{snapshot:?}");
        bench
    }

    fn send(&mut self, request: Request) {
        self.handle += 1;
        self.ends.commands.send(Command { handle: Handle(self.handle), request }).unwrap();
    }

    fn move_all(&mut self, target: f64) {
        for axis in 0..self.axes {
            self.send(Request::Move {
                axis: AxisId(axis as u8),
                kind: MoveKind::Absolute,
                // Each axis its own target, so that no two solve the same.
                target: target + axis as f64,
                dynamics: Dynamics::default(),
                buffer: BufferMode::Aborting,
                direction: Direction::Shortest,
            });
        }
    }

    fn run(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.now_ns += PERIOD_NS;
            self.cycle.step(black_box(self.now_ns), 0);
        }
        while self.ends.reports.receive().is_some() {}
        while self.ends.events.receive().is_some() {}
    }
}

/// The drives alone, all of them enabled.
fn run_drives(axes: usize, cycles: usize) {
    let config = config::parse(&machine(axes), "cost.toml").unwrap_or_else(|error| panic!("{error}"));
    let bus = &config.buses[0];
    let layouts = bus.devices.iter().map(|device| device.layout.clone()).collect();
    let mut drives = PerfectDrives::new(layouts, bus.output_bytes, bus.input_bytes);
    let (mut outputs, mut inputs) = (vec![0; bus.output_bytes], vec![0; bus.input_bytes]);
    for at in &drives.places {
        outputs[at.controlword] = 0x0f;
    }
    for cycle in 0..cycles as u64 {
        drives.begin(black_box(&outputs), cycle * PERIOD_NS);
        drives.finish(black_box(&mut inputs), 0);
    }
}

/// One run to be counted.
fn run(axes: usize, cycles: usize, kind: &str) {
    if kind == "drives" {
        return run_drives(axes, cycles);
    }
    let mut bench = Bench::new(axes);
    match kind {
        "still" => bench.run(cycles),
        // 36 s of it lie before the target: every counted cycle moves.
        "moving" => {
            bench.move_all(15_000.0);
            bench.run(100);
            bench.run(cycles);
        }
        // The last cycle takes a new target for every axis, in the middle of its motion.
        "retargeted" | "not-retargeted" => {
            bench.move_all(15_000.0);
            bench.run(500 + cycles);
            if kind == "retargeted" {
                bench.move_all(-7_000.0);
            }
            bench.run(1);
        }
        _ => panic!("no run of kind {kind}"),
    }
}

/// Instructions of one run, counted by callgrind.
fn count(axes: usize, cycles: usize, kind: &str) -> u64 {
    let this = std::env::current_exe().unwrap();
    let output = Process::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args(["run", &axes.to_string(), &cycles.to_string(), kind])
        .output()
        .expect("valgrind runs (Debian package valgrind)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let line = said.lines().find(|line| line.contains("Collected :")).unwrap_or_else(|| panic!("{said}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [verb, axes, cycles, kind] = &arguments[..] {
        assert_eq!(verb, "run");
        run(axes.parse().unwrap(), cycles.parse().unwrap(), kind);
        return ExitCode::SUCCESS;
    }
    if Process::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: cycle_cost: valgrind is not installed (Debian package valgrind)");
        return ExitCode::SUCCESS;
    }
    let per_cycle = |axes, kind| (count(axes, 3000, kind) - count(axes, 1000, kind)) / 2000;
    println!("| axes | at rest | all moving | per further moving axis | all retargeted at once |");
    println!("|---:|---:|---:|---:|---:|");
    let mut before: Option<(usize, u64)> = None;
    let mut shares: Vec<f64> = Vec::new();
    for axes in [1, 2, 4, 8, 16, 32, 64] {
        let drives = per_cycle(axes, "drives");
        let (still, moving) = (per_cycle(axes, "still") - drives, per_cycle(axes, "moving") - drives);
        let retargeted = moving + count(axes, 0, "retargeted") - count(axes, 0, "not-retargeted");
        shares.extend(before.map(|(fewer, cost)| (moving - cost) as f64 / (axes - fewer) as f64));
        let share = if before.is_some() { shares.last() } else { None };
        let share = share.map_or(String::new(), |share| format!("{share:.0}"));
        println!("| {axes} | {still} | {moving} | {share} | {retargeted} |");
        before = Some((axes, moving));
    }
    let (least, most) =
        shares.iter().fold((f64::MAX, 0.0f64), |(least, most), share| (least.min(*share), most.max(*share)));
    println!("\na further moving axis: {most:.0} instructions a cycle at most; allowed {GOAL}");
    if most <= GOAL as f64 && most / least <= LINEAR {
        return ExitCode::SUCCESS;
    }
    println!("too much, or not linear: {least:.0} to {most:.0}, allowed ratio {LINEAR}");
    ExitCode::FAILURE
}
