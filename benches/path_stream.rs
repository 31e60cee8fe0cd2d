//! A path of a great many short lines, over the real socket to the built daemon: how fast it takes them, how fast the machine comes to the
//! end of them, and what that costs.
//!
//! ```sh
//! cargo bench --bench path_stream                  # 12 bursts, then 1,000,000 lines: about half a minute
//! cargo bench --bench path_stream -- 5000000       # more lines
//! ```
//!
//! The daemon runs the demo's machine, simulated, with its cycle at 1 kHz. Lines are 0.003 mm long, on a circle of 40 mm; their points are
//! written with six digits behind the point, in requests of nearly 64 KiB, each sent when the one before is answered.
//!
//! First as many as a program has room for, again and again: what the daemon reads, checks and keeps a second. Then one program at
//! 200 mm/s: how many lines the machine comes to the end of a second, from the first request to its rest. Memory and CPU time
//! are those of the daemon's process, as Linux counts them. Ends with 1 where less comes out than is asked for.

use std::collections::BTreeMap;
use std::f64::consts::TAU;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use motiond::client::{Ended, Machine, OnLoss, Scope};
use motiond::limits::MAX_REQUEST_BYTES;
use serde_json::{Value, json};

/// Lines a second that the daemon takes, and that the machine comes to the end of: what is asked for.
const TAKEN_GOAL: f64 = 200_000.0;
const FOLLOWED_GOAL: f64 = 50_000.0;
/// Unless asked for others.
const LINES: usize = 1_000_000;
const BURSTS: usize = 12;
const GROUP: &str = "gantry";
const FEED: f64 = 200.0;
/// mm.
const LINE: f64 = 0.003;
const RADIUS: f64 = 40.0;
/// Between two looks for room.
const PAUSE: Duration = Duration::from_millis(5);

/// A process that does not outlive this one.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn main() -> ExitCode {
    let lines = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(LINES);
    let directory = tempfile::tempdir().expect("a directory");
    let (daemon, mut machine) = daemon(directory.path());
    set_up(&mut machine);
    let mut wire = Wire::open(&directory.path().join("control.sock"));
    let taken = bursts(&mut machine, &mut wire);
    let followed = stream(&mut machine, &mut wire, &daemon, lines);
    ExitCode::from(u8::from(!(taken && followed)))
}

fn daemon(directory: &Path) -> (Killed, Machine) {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/config/demo.toml");
    let socket = directory.join("control.sock");
    let mut command = Command::new(env!("CARGO_BIN_EXE_motiond"));
    command.arg("run").arg(demo).args(["--simulate", "--metrics", "127.0.0.1:0", "--socket"]).arg(&socket);
    let mut child = Killed(command.stderr(Stdio::piped()).spawn().expect("the daemon starts"));
    let mut lines = BufReader::new(child.0.stderr.take().expect("a pipe")).lines();
    loop {
        let line = lines.next().and_then(Result::ok).expect("the daemon is ready before it ends");
        if line.contains("degraded:") {
            println!("{}", line.trim());
        }
        if line.contains("ready: ") {
            break;
        }
    }
    // Whatever it says from now on, it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    (child, Machine::open(&socket).expect("a connection"))
}

fn set_up(machine: &mut Machine) {
    machine.hold(Scope::Machine, OnLoss::Stop).expect("a lease");
    for axis in ["x", "y", "z"] {
        let power = machine.power(axis, true).expect("power");
        machine.wait(power).expect("the end of power");
    }
    machine.enable(GROUP).expect("the group is enabled");
}

/// Requests as they go over the wire, one at a time.
struct Wire {
    stream: BufReader<UnixStream>,
    answer: Vec<u8>,
}

impl Wire {
    fn open(socket: &Path) -> Wire {
        Wire { stream: BufReader::new(UnixStream::connect(socket).expect("a connection")), answer: Vec::new() }
    }

    fn ask(&mut self, request: &[u8]) -> Value {
        self.stream.get_mut().write_all(request).expect("the daemon is there");
        self.answer.clear();
        self.stream.read_until(0, &mut self.answer).expect("the daemon is there");
        self.answer.pop();
        serde_json::from_slice(&self.answer).expect("an answer")
    }
}

/// Requests with the lines of a program.
struct Batches {
    head: String,
    start: [f64; 3],
    next: usize,
    count: usize,
}

impl Batches {
    fn new(machine: &Machine, program: &Value, count: usize) -> Batches {
        let start = [0, 1, 2].map(|axis| program["start"][axis].as_f64().expect("a position"));
        let token = machine.leases()[0].token();
        let head = format!(
            "{{\"method\":\"io.motiond.v1.Path.Lines\",\"parameters\":{{\"group\":\"{GROUP}\",\"handle\":{},\"lease\":\"{token}\",\
             \"feed\":{FEED},\"corner\":{{\"mode\":\"tolerance\",\"linear\":0.01}},\"points\":[",
            program["handle"]
        );
        Batches { head, start, next: 1, count }
    }

    fn point(&self, line: usize) -> [f64; 3] {
        let (sin, cos) = (line as f64 * LINE / RADIUS).rem_euclid(TAU).sin_cos();
        [self.start[0] + RADIUS * (1.0 - cos), self.start[1] + RADIUS * sin, self.start[2]]
    }

    /// A request, and how many lines it has; `None` behind the last.
    fn next(&mut self) -> Option<(Vec<u8>, usize)> {
        if self.next > self.count {
            return None;
        }
        let first = self.next;
        let mut text = self.head.clone();
        while self.next <= self.count && text.len() < MAX_REQUEST_BYTES - 256 {
            let [x, y, z] = self.point(self.next);
            let comma = if self.next == first { "" } else { "," };
            write!(text, "{comma}{x:.6},{y:.6},{z:.6}").expect("text");
            self.next += 1;
        }
        write!(text, "],\"line\":{first}}}}}\0").expect("text");
        Some((text.into_bytes(), self.next - first))
    }
}

fn begin(machine: &mut Machine) -> Value {
    machine.call("Path", "Begin", json!({ "group": GROUP })).expect("a program")
}

fn full(answer: &Value) -> bool {
    answer["error"].as_str().is_some_and(|error| error.ends_with(".QueueFull"))
}

/// What the daemon takes, until a program is full; at once, so that the machine has no part in it.
fn bursts(machine: &mut Machine, wire: &mut Wire) -> bool {
    let mut rates = Vec::new();
    let (mut lines, mut seconds, mut bytes) = (0, 0.0, 0);
    for _ in 0..BURSTS {
        let program = begin(machine);
        let mut batches = Batches::new(machine, &program, usize::MAX);
        let mut requests = Vec::new();
        let mut room = program["room"].as_u64().expect("a number") as usize;
        while let Some((request, count)) = batches.next()
            && count <= room
        {
            room -= count;
            requests.push((request, count));
        }
        let began = Instant::now();
        for (request, _) in &requests {
            let answer = wire.ask(request);
            assert!(answer.get("error").is_none(), "{answer}");
        }
        let took = began.elapsed().as_secs_f64();
        let count: usize = requests.iter().map(|(_, count)| count).sum();
        rates.push(count as f64 / took);
        (lines, seconds) = (lines + count, seconds + took);
        bytes += requests.iter().map(|(request, _)| request.len()).sum::<usize>();
        let halt = machine.command("Group", "Halt", json!({ "group": GROUP })).expect("a halt");
        machine.wait(halt).expect("its end");
    }
    rates.sort_by(f64::total_cmp);
    let (least, median) = (rates[0], rates[rates.len() / 2]);
    println!(
        "taken: {lines} lines, {:.1} MB, in {BURSTS} bursts: {median:.0} lines a second in the median, {least:.0} at least; {:.2} of the \
         {TAKEN_GOAL:.0} asked for",
        bytes as f64 / 1e6,
        lines as f64 / seconds / TAKEN_GOAL
    );
    lines as f64 / seconds >= TAKEN_GOAL
}

/// One program from its beginning to its end.
fn stream(machine: &mut Machine, wire: &mut Wire, daemon: &Killed, count: usize) -> bool {
    let before = Usage::of(daemon);
    let cycle = |machine: &mut Machine| machine.call("Machine", "Status", json!({})).expect("a status");
    let first = cycle(machine);
    let began = Instant::now();
    let program = begin(machine);
    let handle = program["handle"].as_u64().expect("a number");
    let mut batches = Batches::new(machine, &program, count);
    let (mut given, mut waited, mut requests) = (0, 0, 0);
    let (mut supply, mut starved) = (f64::INFINITY, 0);
    let mut early = None;
    while let Some((request, lines)) = batches.next() {
        let mut answer = wire.ask(&request);
        while full(&answer) {
            // The answer named the room that there is.
            waited += 1;
            std::thread::sleep(PAUSE);
            answer = wire.ask(&request);
        }
        assert!(answer.get("error").is_none(), "{answer}");
        (given, requests) = (given + lines, requests + 1);
        let status = machine.call("Path", "Status", json!({ "group": GROUP })).expect("a status");
        if status["distance"].as_f64() > Some(100.0) {
            supply = supply.min(status["supply"].as_f64().unwrap_or(f64::INFINITY));
            starved += usize::from(status["starved"] == true);
        }
        if early.is_none() && given >= count / 10 {
            early = Some(Usage::of(daemon));
        }
    }
    let end = json!({ "group": GROUP, "handle": handle });
    machine.call("Path", "End", end).expect("the end");
    assert_eq!(machine.wait(handle).expect("an end"), Ended::Done);
    let took = began.elapsed().as_secs_f64();
    let after = Usage::of(daemon);
    let last = cycle(machine);
    let early = early.unwrap_or_else(|| Usage::of(daemon));
    let rate = count as f64 / took;
    println!(
        "followed: {count} lines of {LINE} mm in {took:.2} s, {requests} requests, {waited} times full: {rate:.0} lines a second, {:.2} of \
         the {FOLLOWED_GOAL:.0} asked for; at least {supply:.2} s of path with the cycle, {starved} times none",
        rate / FOLLOWED_GOAL
    );
    let number = |status: &Value, name: &str| status[name].as_u64().unwrap_or(0);
    println!("cycles: {}", number(&last, "cycle") - number(&first, "cycle"));
    println!(
        "memory: {:.1} MB before, {:.1} MB after a tenth, {:.1} MB at the end; {:.1} MB at most",
        before.resident, early.resident, after.resident, after.most
    );
    let used: Vec<String> = after
        .threads
        .iter()
        .map(|(thread, seconds)| (thread, seconds - before.threads.get(thread).unwrap_or(&0.0)))
        .filter(|(_, seconds)| *seconds >= 0.01)
        .map(|(thread, seconds)| format!("{thread} {:.1} %", 100.0 * seconds / took))
        .collect();
    println!("CPU of the daemon: {:.1} % of one; {}", 100.0 * (after.cpu_s - before.cpu_s) / took, used.join(", "));
    rate >= FOLLOWED_GOAL && starved == 0
}

/// What the daemon's process uses.
struct Usage {
    /// MB.
    resident: f64,
    most: f64,
    /// Since it began, s.
    cpu_s: f64,
    /// Of each of its threads.
    threads: BTreeMap<String, f64>,
}

impl Usage {
    fn of(daemon: &Killed) -> Usage {
        let place = format!("/proc/{}", daemon.0.id());
        let read = |file: &str| {
            let mut text = String::new();
            let mut file = std::fs::File::open(file).expect("the daemon is there");
            file.read_to_string(&mut text).expect("text");
            text
        };
        let status = read(&format!("{place}/status"));
        let kilobytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of this name");
            line.trim_end_matches("kB").trim().parse::<f64>().expect("a number") / 1000.0
        };
        // The tick of /proc is a hundredth on every Linux of today.
        let seconds = |stat: &str| {
            let numbers: Vec<&str> = stat.rsplit(") ").next().unwrap_or("").split(' ').collect();
            numbers[11..13].iter().map(|ticks| ticks.parse::<f64>().expect("a number") / 100.0).sum::<f64>()
        };
        let mut threads = BTreeMap::new();
        for thread in std::fs::read_dir(format!("{place}/task")).expect("the daemon is there").flatten() {
            let stat = read(&thread.path().join("stat").display().to_string());
            let name = stat.split(['(', ')']).nth(1).unwrap_or("?").to_string();
            *threads.entry(name).or_insert(0.0) += seconds(&stat);
        }
        Usage {
            resident: kilobytes("VmRSS:"),
            most: kilobytes("VmHWM:"),
            cpu_s: seconds(&read(&format!("{place}/stat"))),
            threads,
        }
    }
}
