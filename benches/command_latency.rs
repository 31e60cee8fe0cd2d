//! How long a command takes from the client to the setpoint, beside a bare echo over the same kind of socket.
//!
//! ```text
//! cargo bench --bench command_latency                 20 pairs of windows, then 1000 commands: about 1 minute
//! cargo bench --bench command_latency -- 50 2000      more of both
//! ```
//!
//! The built daemon runs the demo's machine with its cycle at 1 kHz on the last CPU. A pair is two windows of 200 round
//! trips: a request that needs no cycle (`Machine.Status`), and as many bytes back from a process that does nothing but echo.
//! Each pair gives one ratio; the median of the ratios is told with a 95 % bootstrap interval.
//!
//! Then the conveyor, in motion, is given another velocity at a random moment, again and again, while every cycle is
//! recorded: from the moment before the request is written to the start of the first cycle whose setpoint differs. Half a
//! period of that is the wait for the next cycle, which nothing can shorten; how many cycles began in between tells what the
//! daemon adds. Ends with 0 and a line that says why where it cannot run.

#[allow(dead_code, reason = "others use the rest")]
#[path = "../tests/support/random.rs"]
mod random;
#[allow(dead_code, reason = "others use the rest")]
#[path = "wakeup/statistics.rs"]
mod statistics;

use motiond::client::{Machine, OnLoss, Scope, Selection};
use motiond::cycle::clock::{Clock, MonotonicClock};
use random::Random;
use serde_json::json;
use statistics::{Interval, Quantiles, median};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Pairs and commands unless asked for others.
const PAIRS: usize = 20;
const COMMANDS: usize = 1000;
/// Round trips in a window.
const WINDOW: usize = 200;
/// The word that makes this program echo.
const CHILD: &str = "echo";
const AXIS: &str = "belt";
/// Velocities of the conveyor, taken in turn.
const VELOCITIES: [f64; 2] = [300.0, 301.0];
/// Between two commands, more than the axis needs to its new velocity.
const PAUSE_MS: (f64, f64) = (40.0, 60.0);
/// Nothing takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A cycle: its start, and the velocity that it commands.
type Cycle = (u64, f64);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, socket] = &arguments[..]
        && word == CHILD
    {
        return echo(Path::new(socket));
    }
    let number = |place: usize, default| arguments.get(place).map_or(default, |text| text.parse().expect("a number"));
    let (pairs, commands) = (number(0, PAIRS), number(1, COMMANDS));
    let directory = tempfile::tempdir().expect("a directory");
    let (_daemon, mut machine) = match daemon(directory.path()) {
        Ok(daemon) => daemon,
        Err(why) => {
            println!("skipped: command latency: {why}");
            return ExitCode::SUCCESS;
        }
    };
    round_trips(&mut machine, directory.path(), pairs);
    set_in_motion(&mut machine);
    let (cycles, sent) = command(&mut machine, commands);
    tell(&cycles, &sent);
    ExitCode::SUCCESS
}

/// A process that does not outlive this one.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn daemon(directory: &Path) -> Result<(Killed, Machine), String> {
    let cpu = std::thread::available_parallelism().map_or(0, |cpus| cpus.get() - 1);
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo.toml");
    let demo = std::fs::read_to_string(demo).expect("the demo's configuration");
    let pinned = demo.replace("[realtime]", &format!("[realtime]\ncpu = {cpu}"));
    let (file, socket) = (directory.join("machine.toml"), directory.join("control.sock"));
    std::fs::write(&file, pinned).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_motiond"));
    command.arg("run").arg(file).args(["--simulate", "--metrics", "127.0.0.1:0", "--socket"]).arg(&socket);
    let mut child = Killed(command.stderr(Stdio::piped()).spawn().map_err(|error| error.to_string())?);
    let mut lines = BufReader::new(child.0.stderr.take().expect("a pipe")).lines();
    loop {
        let line = lines.next().and_then(Result::ok).ok_or("the daemon ended")?;
        if line.contains("degraded:") {
            return Err(format!("the cycle is not real-time here: {line}"));
        }
        if line.contains("ready: ") {
            break;
        }
    }
    // Whatever it says from now on, it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    let machine = Machine::open(&socket).map_err(|error| error.to_string())?;
    Ok((child, machine))
}

/// Gives back what it is sent.
fn echo(socket: &Path) -> ExitCode {
    let (mut stream, _) = UnixListener::bind(socket).expect("a socket").accept().expect("a client");
    let mut bytes = vec![0; 1 << 16];
    while let Ok(read @ 1..) = stream.read(&mut bytes) {
        stream.write_all(&bytes[..read]).expect("the client is there");
    }
    ExitCode::SUCCESS
}

fn round_trips(machine: &mut Machine, directory: &Path, pairs: usize) {
    let socket = directory.join("echo.sock");
    let program = std::env::current_exe().expect("this program");
    let _echo = Killed(Command::new(program).arg(CHILD).arg(&socket).spawn().expect("the echo"));
    let began = Instant::now();
    let mut stream = loop {
        match UnixStream::connect(&socket) {
            Ok(stream) => break stream,
            Err(error) if began.elapsed() > PATIENCE => panic!("no echo: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    };
    // As long as the daemon's answer.
    let status = machine.call("Machine", "Status", json!({})).expect("an answer");
    let mut bytes = serde_json::to_vec(&json!({ "parameters": status })).expect("text");
    let length = bytes.len();
    let mut of_echo = || {
        stream.write_all(&bytes).expect("the echo is there");
        stream.read_exact(&mut bytes).expect("the echo is there");
    };
    let mut of_daemon = || drop(machine.call("Machine", "Status", json!({})).expect("an answer"));
    let (mut echoes, mut answers) = (Vec::new(), Vec::new());
    for pair in 0..pairs {
        for first in [true, false] {
            if first == (pair % 2 == 0) {
                echoes.push(window(&mut of_echo));
            } else {
                answers.push(window(&mut of_daemon));
            }
        }
    }
    println!("{pairs} pairs of windows of {WINDOW} round trips of {length} bytes; median of pairs, µs");
    println!("{:<8} {:>10} {:>14}   ratio (95 % interval)", "", "bare echo", "Machine.Status");
    for index in 0..2 {
        let of = |side: &[Quantiles]| side.iter().map(|window| window.ns[index]).collect::<Vec<f64>>();
        let (echoes, answers) = (of(&echoes), of(&answers));
        let ratios: Vec<f64> = answers.iter().zip(&echoes).map(|(answer, echo)| answer / echo).collect();
        let Interval { median: middle, low, high } = Interval::of(&ratios);
        let (label, echo, answer) = (Quantiles::LABELS[index], median(&echoes) / 1000.0, median(&answers) / 1000.0);
        println!("{label:<8} {echo:>10.1} {answer:>14.1}   {middle:.2} ({low:.2} to {high:.2})");
    }
}

fn window(round_trip: &mut dyn FnMut()) -> Quantiles {
    let mut took = Vec::with_capacity(WINDOW);
    for _ in 0..WINDOW {
        let began = Instant::now();
        round_trip();
        took.push(began.elapsed().as_nanos() as u64);
    }
    Quantiles::of(took)
}

fn set_in_motion(machine: &mut Machine) {
    machine.hold(Scope::Machine, OnLoss::Stop).expect("a lease");
    let power = machine.power(AXIS, true).expect("power");
    machine.wait(power).expect("the end of power");
    machine.move_at(AXIS, VELOCITIES[0]).expect("a move");
    let began = Instant::now();
    loop {
        let status = machine.call("Axis", "Status", json!({ "axis": AXIS })).expect("a status");
        if status["status"]["velocity"] == VELOCITIES[0] {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "it does not come into motion: {status}");
    }
}

/// Every cycle, and when each command was sent.
fn command(machine: &mut Machine, commands: usize) -> (Vec<Cycle>, Vec<u64>) {
    let cycles = Arc::new(Mutex::new(Vec::<Cycle>::new()));
    let recorder = std::thread::spawn({
        let (cycles, mut machine) = (Arc::clone(&cycles), Machine::open(machine.path()).expect("a connection"));
        move || {
            let quantities = vec!["velocity".to_string()];
            let selection = Selection { axes: vec![AXIS.to_string()], quantities, ..Selection::default() };
            for samples in machine.record(&selection).expect("a recording") {
                let Ok(samples) = samples else { return };
                cycles
                    .lock()
                    .expect("no panic")
                    .extend(samples.iter().map(|sample| (sample.time_ns, sample.values[0])));
            }
        }
    });
    let mut random = Random::new(u64::from(std::process::id()));
    let clock = MonotonicClock::new();
    let mut sent = Vec::with_capacity(commands);
    for number in 0..commands {
        std::thread::sleep(Duration::from_secs_f64(random.within(PAUSE_MS.0, PAUSE_MS.1) / 1000.0));
        sent.push(clock.now_ns());
        machine.move_at(AXIS, VELOCITIES[(number + 1) % 2]).expect("a move");
    }
    std::thread::sleep(Duration::from_secs(1));
    let cycles = cycles.lock().expect("no panic").clone();
    assert!(!recorder.is_finished(), "the recording ended");
    (cycles, sent)
}

fn tell(cycles: &[Cycle], sent: &[u64]) {
    let (mut latencies_ns, mut taken) = (Vec::new(), [0_usize; 4]);
    for sent in sent {
        // The first cycle that began after it was sent.
        let next = cycles.partition_point(|(began, _)| began < sent);
        let Some(before) = next.checked_sub(1).map(|place| cycles[place].1) else { continue };
        let Some(passed) = cycles[next..].iter().position(|(_, velocity)| *velocity != before) else { continue };
        latencies_ns.push(cycles[next + passed].0 - sent);
        taken[passed.min(taken.len() - 1)] += 1;
    }
    let count = latencies_ns.len();
    let Quantiles { ns } = Quantiles::of(latencies_ns);
    println!(
        "{count} commands, from before the request is written to the start of the cycle with another setpoint, µs:"
    );
    for (label, ns) in Quantiles::LABELS.iter().zip(ns) {
        println!("{label:<8} {:>10.1}", ns / 1000.0);
    }
    let share = |taken: usize| 100.0 * taken as f64 / count as f64;
    let [next, second, third, later] = taken.map(share);
    println!(
        "in the first cycle that began after that {next:.1} %, the second {second:.1} %, the third {third:.1} %, a later one {later:.1} %"
    );
}
