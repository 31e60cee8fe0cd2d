//! One window of wake-ups: of the cycle, in a process of its own, or of cyclictest.

use motiond::config;
use motiond::cycle::Cycle;
use motiond::cycle::clock::{Clock, MonotonicClock};
use motiond::cycle::memory::{self, MemoryPlan};
use motiond::cycle::run::{CycleBody, Fallback, Stepped};
use motiond::cycle::schedule::Wake;
use motiond::cycle::thread::{ThreadPlan, spawn};
use motiond::cycle::timing::timing;
use motiond::daemon::assembly::{Assembly, assemble};
use motiond::exchange::GatewayEnds;
use motiond::exchange::command::{Command as Order, Request};
use motiond::exchange::snapshot::Snapshot;
use motiond::ids::{AxisId, Handle};
use motiond::motion::{AxisState, Dynamics};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Wake-ups in a window: 2 s at 1 kHz.
pub const SAMPLES: usize = 2000;
/// Cycles within which the machine must be in motion.
const PATIENCE_CYCLES: u64 = 10_000;
/// The word that makes this program measure one window and print it.
pub const CHILD: &str = "window";
/// How fast every axis goes, in its units a second: slow enough to stay within its range for a window.
const VELOCITY: f64 = 15.0;

/// The CPU of both sides.
fn cpu() -> usize {
    std::thread::available_parallelism().map_or(0, |cpus| cpus.get() - 1)
}

fn numbers(lines: &str, field: impl Fn(&str) -> Option<u64>) -> Result<Vec<u64>, String> {
    let numbers: Vec<u64> = lines.lines().filter_map(field).collect();
    if numbers.is_empty() { Err(lines.lines().last().unwrap_or("no output").to_string()) } else { Ok(numbers) }
}

/// Latencies of cyclictest, nanoseconds.
pub fn cyclictest(samples: usize) -> Result<Vec<u64>, String> {
    let (cpu, samples) = (format!("-a{}", cpu()), format!("-l{samples}"));
    // Verbose and in nanoseconds, so that every wake-up is had as it was measured.
    let output = Command::new("cyclictest").args(["-m", "-p80", "-i1000", "-t1", "-v", "-N", &cpu, &samples]).output();
    let output = output.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_string());
    }
    numbers(&String::from_utf8_lossy(&output.stdout), |line| {
        // "   0:   17:   16750": thread, wake-up, latency.
        let mut fields = line.split(':').map(str::trim);
        let (thread, wake_up) = (fields.next()?, fields.next()?);
        (thread == "0" && wake_up.parse::<u64>().is_ok()).then(|| fields.next()?.parse().ok())?
    })
}

/// Latencies of the cycle, nanoseconds, from a process of its own: what an earlier window left behind touches no later
/// one, on either side.
pub fn cycle(samples: usize) -> Result<Vec<u64>, String> {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output =
        Command::new(program).args([CHILD, &samples.to_string()]).output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_string());
    }
    numbers(&String::from_utf8_lossy(&output.stdout), |line| line.parse().ok())
}

/// The demo machine's cycle, with a note of every wake-up from when it is told to.
struct Noting {
    cycle: Cycle,
    noting: Arc<AtomicBool>,
    latencies_ns: Vec<u64>,
}

impl CycleBody for Noting {
    fn step(&mut self, wake: &Wake, clock: &dyn Clock) -> Stepped {
        let stepped = CycleBody::step(&mut self.cycle, wake, clock);
        if self.noting.load(Ordering::Relaxed) && self.latencies_ns.len() < self.latencies_ns.capacity() {
            self.latencies_ns.push(wake.latency_ns());
        }
        Stepped { leave: self.latencies_ns.len() == self.latencies_ns.capacity(), ..stepped }
    }

    fn fallback_step(&mut self, wake: &Wake) -> Fallback {
        self.cycle.fallback_step(wake)
    }
}

/// Measures one window and prints it.
pub fn child() -> ExitCode {
    let samples = std::env::args().nth(2).and_then(|samples| samples.parse().ok()).unwrap_or(SAMPLES);
    let config = config::demo().expect("the demo machine is sound");
    let plan = MemoryPlan { lock: config.realtime.lock_memory, heap_reserve_bytes: config.realtime.heap_reserve_bytes };
    let process = memory::prepare(&plan);
    let Assembly { cycle, mut ends, .. } = assemble(&config).expect("the machine can be put together");
    let noting = Arc::new(AtomicBool::new(false));
    let body = Noting { cycle, noting: Arc::clone(&noting), latencies_ns: Vec::with_capacity(samples) };
    let plan = ThreadPlan { cpu: Some(cpu()), require_realtime: true, ..ThreadPlan::with_period(config.period_ns) };
    let thread = match spawn(plan, process, MonotonicClock::new(), body, timing().0) {
        Ok(thread) => thread,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Err(problem) = set_in_motion(&mut ends, config.axes.len()) {
        eprintln!("{problem}");
        return ExitCode::FAILURE;
    }
    noting.store(true, Ordering::Relaxed);
    let (_, body) = thread.join();
    for latency_ns in body.expect("the thread came to its end").latencies_ns {
        println!("{latency_ns}");
    }
    ExitCode::SUCCESS
}

/// Powers every axis and sets it in motion. On a loaded host the program may be held up so long between two steps that an
/// axis is at its end again, or faulty: that is no window.
fn set_in_motion(ends: &mut GatewayEnds, axes: usize) -> Result<(), String> {
    // The drives are heard before they are commanded.
    wait(ends, "cycling", |machine| machine.machine.cycle > 20)?;
    for axis in 0..axes {
        order(ends, Handle(1 + axis as u64), Request::Power { axis: AxisId(axis as u8), on: true });
    }
    wait(ends, "powered", |machine| machine.axes.iter().all(|axis| axis.state == AxisState::Standstill))?;
    for axis in 0..axes {
        let request = Request::Velocity { axis: AxisId(axis as u8), velocity: VELOCITY, dynamics: Dynamics::default() };
        order(ends, Handle(1 + (axes + axis) as u64), request);
    }
    wait(ends, "in motion", |machine| machine.axes.iter().all(|axis| axis.velocity == VELOCITY))
}

fn order(ends: &mut GatewayEnds, handle: Handle, request: Request) {
    ends.commands.send(Order { handle, request }).expect("the ring has a place");
}

/// Looks at the machine now and then until every axis is as asked.
fn wait(ends: &mut GatewayEnds, what: &str, done: impl Fn(&Snapshot) -> bool) -> Result<(), String> {
    loop {
        match ends.snapshots.read() {
            Some((_, machine)) if done(&machine) => return Ok(()),
            Some((_, machine)) if machine.machine.cycle > PATIENCE_CYCLES => {
                return Err(format!("not {what} after {PATIENCE_CYCLES} cycles: {:?}", machine.axes));
            }
            _ => {}
        }
        while ends.reports.receive().is_some() {}
        std::thread::sleep(Duration::from_millis(1));
    }
}
