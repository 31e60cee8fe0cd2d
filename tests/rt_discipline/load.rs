//! Busy clients of every kind over the real socket, and scrapes: they keep every axis moving, and each interface busy.

use std::fmt;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use motiond::client::{Ended, Error, Machine};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::random::Random;

/// No answer takes this long, on however busy a host.
const HANG: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Shared {
    over: AtomicBool,
    accepted: AtomicU64,
    refused: AtomicU64,
    ended: AtomicU64,
    readings: AtomicU64,
    samples: AtomicU64,
    events: AtomicU64,
    scrapes: AtomicU64,
    problems: Mutex<Vec<String>>,
    /// The token under which all of them command.
    lease: Mutex<Value>,
}

/// What the clients did and saw.
pub struct Counts(Arc<Shared>);

impl Counts {
    /// Everything of it happened, and nothing that must not.
    pub fn sound(&self) -> bool {
        let Shared { accepted, refused, ended, readings, samples, events, scrapes, .. } = &*self.0;
        let all = [accepted, refused, ended, readings, samples, events, scrapes];
        all.iter().all(|count| count.load(Ordering::Relaxed) > 0) && self.0.problems.lock().unwrap().is_empty()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { accepted, refused, ended, readings, samples, events, scrapes, problems, .. } = &*self.0;
        let [accepted, refused, ended, readings, samples, events, scrapes] =
            [accepted, refused, ended, readings, samples, events, scrapes].map(|count| count.load(Ordering::Relaxed));
        write!(
            out,
            "commands: {accepted} accepted, {ended} of them waited for, {refused} refused; {readings} readings, "
        )?;
        write!(out, "{samples} samples, {events} events, {scrapes} scrapes")?;
        problems.lock().unwrap().iter().try_for_each(|problem| write!(out, "\nproblem: {problem}"))
    }
}

/// The running clients.
pub struct Load {
    socket: PathBuf,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    /// Powers the machine up, and keeps it busy from then on.
    pub fn start(socket: PathBuf, metrics: SocketAddr) -> Load {
        let shared = Arc::new(Shared::default());
        let mut first = Busy::new(&socket, &shared, 0);
        let axes = first.machine.axes().unwrap();
        let on = |axis: &String| first.command("Axis", "Power", json!({ "axis": axis, "on": true })).unwrap();
        let powered: Vec<u64> = axes.iter().map(on).collect();
        for handle in powered {
            assert_eq!(first.machine.wait(handle).unwrap(), Ended::Done);
        }
        type Role = fn(&mut Busy);
        let roles: [(&'static str, Role); 11] = [
            ("gantry", |busy| busy.group("gantry", &[("x", 100.0, 1100.0), ("y", 100.0, 700.0), ("z", -250.0, 0.0)])),
            ("table", |busy| busy.group("table", &[("tilt", -100.0, 100.0), ("spin", 0.0, 359.0)])),
            ("belt", Busy::belt),
            ("override", Busy::overrides),
            ("stop", Busy::stops),
            ("wrong", Busy::wrong),
            ("garbage", Busy::garbage),
            ("status", Busy::status),
            ("lists", Busy::lists),
            ("telemetry", |busy| busy.stream("Telemetry", json!({ "decimation": 10 }))),
            ("events", |busy| busy.stream("Events", json!({ "after": 0 }))),
        ];
        let mut threads: Vec<JoinHandle<()>> = (1..)
            .zip(roles)
            .map(|(seed, (name, role))| {
                let mut busy = Busy::new(&socket, &shared, seed);
                let run = move || {
                    while !busy.over() {
                        role(&mut busy);
                    }
                };
                std::thread::Builder::new().name(name.into()).spawn(run).unwrap()
            })
            .collect();
        let scraping = Arc::clone(&shared);
        threads.push(std::thread::spawn(move || {
            while !scraping.over.load(Ordering::Relaxed) {
                scrape(metrics, &scraping);
            }
        }));
        Load { socket, shared, threads }
    }

    /// Asks the test-only interface for something on purpose, and does not wait for what becomes of it.
    pub fn ask(&self, method: &str, parameters: Value) {
        let _ = Machine::open(&self.socket).unwrap().call("Test", method, parameters);
    }

    /// Whatever ends from now on ends because the test does.
    pub fn over(&self) {
        self.shared.over.store(true, Ordering::Relaxed);
    }

    /// Whether it has come to an end by itself.
    pub fn has_failed(&self) -> bool {
        self.shared.over.load(Ordering::Relaxed)
    }

    /// Waits for all of them. The daemon has ended.
    pub fn end(self) -> Counts {
        for thread in self.threads {
            if thread.join().is_err() {
                self.shared.problems.lock().unwrap().push("a client panicked".into());
            }
        }
        Counts(self.shared)
    }
}

fn scrape(metrics: SocketAddr, shared: &Shared) {
    let attempt = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(metrics)?;
        stream.set_read_timeout(Some(HANG))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: {metrics}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    match attempt() {
        Ok(answer) if answer.contains("motion_cycles_total") => {
            shared.scrapes.fetch_add(1, Ordering::Relaxed);
        }
        other if !shared.over.load(Ordering::Relaxed) => {
            shared.problems.lock().unwrap().push(format!("scrape {other:?}"))
        }
        _ => {}
    }
}

/// One client.
struct Busy {
    machine: Machine,
    socket: PathBuf,
    shared: Arc<Shared>,
    random: Random,
}

impl Busy {
    fn new(socket: &Path, shared: &Arc<Shared>, seed: u64) -> Busy {
        let mut machine = Machine::open(socket).unwrap();
        machine.connection().set_patience(Some(HANG)).unwrap();
        Busy { machine, socket: socket.into(), shared: Arc::clone(shared), random: Random::new(seed) }
    }

    fn over(&self) -> bool {
        self.shared.over.load(Ordering::Relaxed)
    }

    fn problem(&self, what: impl FnOnce() -> String) {
        // The end of the daemon takes the connections with it.
        if !self.shared.over.swap(true, Ordering::Relaxed) {
            self.shared.problems.lock().unwrap().push(what());
        }
    }

    /// A call that the daemon may refuse.
    fn call(&mut self, interface: &str, method: &str, mut parameters: Value) -> Option<Value> {
        let reads = matches!(method, "Status" | "List" | "Describe" | "Stop");
        if matches!(interface, "Axis" | "Group" | "Machine") && !reads {
            parameters["lease"] = self.shared.lease.lock().unwrap().clone();
        }
        let answer = self.machine.call(interface, method, parameters.clone());
        if let Err(error) = &answer
            && matches!(error.short_name(), "NoSuchLease" | "LeaseRequired")
        {
            return self.with_a_lease(interface, method, parameters);
        }
        let (count, value) = match answer {
            Ok(reply) if reply.get("handle").is_some() => (&self.shared.accepted, Some(reply)),
            Ok(reply) => (&self.shared.readings, Some(reply)),
            Err(Error::Refused { .. }) => (&self.shared.refused, None),
            Err(error) => {
                self.problem(|| format!("{interface}.{method} {parameters}: {error}"));
                return None;
            }
        };
        count.fetch_add(1, Ordering::Relaxed);
        value
    }

    /// Takes a lease for all clients, where there is none any more, and tries once again.
    fn with_a_lease(&mut self, interface: &str, method: &str, parameters: Value) -> Option<Value> {
        let shared = Arc::clone(&self.shared);
        let mut lease = shared.lease.lock().unwrap();
        if *lease == parameters["lease"] {
            let request = json!({ "ttl_ms": 60_000, "on_loss": "finish", "holder": "load" });
            *lease = self.machine.call("Lease", "TakeOver", request).ok()?["lease"].take();
        }
        drop(lease);
        self.call(interface, method, parameters)
    }

    fn command(&mut self, interface: &str, method: &str, parameters: Value) -> Option<u64> {
        self.call(interface, method, parameters)?["handle"].as_u64()
    }

    fn wait(&mut self, handle: Option<u64>) {
        let Some(handle) = handle else { return };
        match self.machine.wait(handle) {
            Ok(Ended::Done | Ended::Aborted) => {
                self.shared.ended.fetch_add(1, Ordering::Relaxed);
            }
            // Others have ended so many commands meanwhile that this one is forgotten.
            Err(Error::Refused { name, .. }) if name.ends_with("NoSuchCommand") => {}
            other => self.problem(|| format!("command {handle}: {other:?}")),
        }
    }

    /// A group's axes: together along lines and directly, interrupted, continued and halted, and each on its own.
    fn group(&mut self, group: &str, axes: &[(&str, f64, f64)]) {
        let named = json!({ "group": group });
        let enabled = self.command("Group", "Enable", named.clone());
        self.wait(enabled);
        for round in 0..8 {
            let targets: Vec<Value> = axes
                .iter()
                .map(|(axis, low, high)| json!({ "axis": axis, "value": self.random.within(*low, *high) }))
                .collect();
            let method = if self.random.chance(0.5) { "MoveLinear" } else { "MoveDirect" };
            let buffer = if self.random.chance(0.5) { "buffered" } else { "aborting" };
            let parameters = json!({ "group": group, "targets": targets, "buffer": buffer });
            let moving = self.command("Group", method, parameters);
            if round % 4 == 2 {
                let interrupted = self.command("Group", "Interrupt", named.clone());
                self.wait(interrupted);
                self.command("Group", "Continue", named.clone());
            }
            if round % 4 == 3 {
                self.command("Group", "Halt", named.clone());
            }
            if round % 2 == 0 {
                self.wait(moving);
            }
        }
        let disabled = self.command("Group", "Disable", named);
        self.wait(disabled);
        for _ in 0..6 {
            let mut moving = None;
            for (axis, low, high) in axes {
                let position = self.random.within(*low, *high);
                let parameters = json!({ "axis": axis, "position": position, "buffer": "aborting" });
                moving = self.command("Axis", "MoveAbsolute", parameters);
            }
            if self.random.chance(0.5) {
                self.wait(moving);
            }
        }
    }

    /// A conveyor: velocities, jogs with their refreshes, additive moves, halts.
    fn belt(&mut self) {
        for _ in 0..20 {
            let velocity = self.random.within(100.0, 900.0);
            self.command("Axis", "MoveVelocity", json!({ "axis": "belt", "velocity": velocity }));
        }
        for _ in 0..100 {
            let now: Duration = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into();
            let jog =
                json!({ "axis": "belt", "velocity": -300.0, "valid_ms": 150, "sent_at_ns": now.as_nanos() as u64 });
            self.command("Axis", "Jog", jog);
        }
        let moving = self.command("Axis", "MoveAdditive", json!({ "axis": "belt", "distance": 200.0 }));
        self.wait(moving);
        self.command("Axis", "MoveRelative", json!({ "axis": "belt", "distance": -200.0 }));
        self.command("Axis", "Halt", json!({ "axis": "belt" }));
    }

    fn overrides(&mut self) {
        let axis = ["x", "y", "z", "tilt", "spin", "belt"][self.random.below(6)];
        let group = ["gantry", "table"][self.random.below(2)];
        let ratio = self.random.within(0.5, 1.5);
        self.command("Axis", "SetOverride", json!({ "axis": axis, "ratio": ratio }));
        self.command("Group", "SetOverride", json!({ "group": group, "ratio": ratio }));
        let on = self.random.chance(0.5);
        self.command("Machine", "SetOutput", json!({ "output": "vacuum", "on": on }));
    }

    /// Now and then a stop, and its release.
    fn stops(&mut self) {
        let Some(begun) = self.cycle() else { return };
        while self.cycle().is_some_and(|cycle| cycle < begun + 2000) {}
        let scopes = [
            ("Axis", json!({ "axis": "belt" })),
            ("Group", json!({ "group": "table" })),
            ("Group", json!({ "group": "gantry" })),
            ("Axis", json!({ "axis": "x" })),
            ("Machine", json!({})),
        ];
        let (interface, mut scope) = scopes[self.random.below(scopes.len())].clone();
        let Some(stopped) = self.call(interface, "Stop", scope.clone()) else { return };
        scope["generation"] = stopped["generation"].clone();
        while !self.over() {
            let released = self.command(interface, "Release", scope.clone());
            if released.is_some() {
                return self.wait(released);
            }
        }
    }

    fn cycle(&mut self) -> Option<u64> {
        self.call("Machine", "Status", json!({}))?["cycle"].as_u64()
    }

    /// What must be refused.
    fn wrong(&mut self) {
        let wrong = [
            ("Axis", "MoveAbsolute", json!({ "axis": "x", "position": 5000.0 })),
            ("Axis", "MoveAbsolute", json!({ "axis": "x", "position": 5.0, "velocity": 1e9 })),
            ("Axis", "MoveAbsolute", json!({ "axis": "x", "position": "near" })),
            ("Axis", "Power", json!({ "axis": "nobody", "on": true })),
            ("Axis", "Jog", json!({ "axis": "belt", "velocity": 1.0, "valid_ms": 100, "sent_at_ns": 1 })),
            ("Axis", "Release", json!({ "axis": "y", "generation": 77 })),
            ("Group", "MoveLinear", json!({ "group": "gantry", "targets": [{ "axis": "x", "value": 1.0 }] })),
            ("Group", "Fly", json!({ "group": "gantry" })),
            ("Machine", "SetOutput", json!({ "output": "nothing", "on": true })),
        ];
        for (interface, method, parameters) in wrong {
            if let Some(reply) = self.call(interface, method, parameters) {
                self.problem(|| format!("{interface}.{method} was not refused: {reply}"));
            }
        }
    }

    /// Bytes that are no request, on a connection of their own.
    fn garbage(&mut self) {
        let Ok(mut stream) = std::os::unix::net::UnixStream::connect(&self.socket) else { return };
        for piece in [&b"{\"method\":\0"[..], b"\xff\xfe\0\0", b"[1,2]\0", &[b'x'; 70_000]] {
            // The daemon closes the connection on the last one.
            let _ = stream.write_all(piece);
        }
        let _ = stream.set_read_timeout(Some(HANG));
        let _ = stream.read_to_end(&mut Vec::new());
        self.cycle();
    }

    fn status(&mut self) {
        for axis in ["x", "y", "z", "tilt", "spin", "belt"] {
            self.call("Axis", "Status", json!({ "axis": axis }));
        }
        self.cycle();
    }

    fn lists(&mut self) {
        for interface in ["Axis", "Group"] {
            self.call(interface, "List", json!({}));
            self.call(interface, "Describe", json!({}));
        }
        self.call("Events", "Read", json!({ "after": 0 }));
    }

    /// A stream until the end. A fault that was raised is a problem.
    fn stream(&mut self, interface: &str, parameters: Value) {
        let shared = Arc::clone(&self.shared);
        let name = format!("io.motiond.v1.{interface}.Subscribe");
        let stream = match self.machine.connection().stream(&name, parameters) {
            Ok(stream) => stream,
            Err(error) => return self.problem(|| format!("{name}: {error}")),
        };
        for reply in stream {
            match reply {
                Ok(reply) => {
                    if let Some(events) = reply["events"].as_array() {
                        shared.events.fetch_add(events.len() as u64, Ordering::Relaxed);
                        for event in events.iter().filter(|event| event["kind"] == "fault_raised") {
                            shared.problems.lock().unwrap().push(format!("a fault: {event}"));
                        }
                    } else {
                        shared.samples.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Err(_) if shared.over.load(Ordering::Relaxed) => return,
                Err(error) => {
                    shared.problems.lock().unwrap().push(format!("{name}: {error}"));
                    shared.over.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    }
}
