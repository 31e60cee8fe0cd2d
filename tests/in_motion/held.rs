//! A whole daemon in this process, with its real socket and services on threads of their own, whose cycles the test lets
//! run one at a time: what the machine does is the same in every run, and not a cycle of it goes unseen.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use motiond::client::{Error, Machine};
use motiond::cycle::clock::{Clock, MonotonicClock};
use motiond::daemon::state_directory::StateDirectory;
use motiond::daemon::{Daemon, End, Options, parameter_file};
use motiond::gateway::{AxisState, Snapshot};
use motiond::service::ServiceStatus;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clock::HeldClock;

/// Nothing takes this long, on however busy a host: who comes here hangs.
pub const HANG: Duration = Duration::from_secs(60);
/// Between two looks at a service.
const PAUSE: Duration = Duration::from_millis(1);
/// Cycles that run by themselves at the start.
const FIRST_CYCLES: u64 = 40;

/// Looks until there is something to return.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < HANG, "waited in vain: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Words of a frame that are of axes: six of them, eight words each. How much of a path is known is told by others.
const AXIS_WORDS: usize = 48;

/// What one cycle commanded, and what it met: every number of it as its bits.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub cycle: u64,
    pub words: Vec<u64>,
}

impl Frame {
    fn of(snapshot: &Snapshot) -> Frame {
        let axes = snapshot.axes.iter().flat_map(|axis| {
            let numbers = [axis.setpoint, axis.velocity, axis.acceleration, axis.actual, axis.following_error];
            numbers.map(f64::to_bits).into_iter().chain([axis.turns as u64, axis.state as u64, axis.flags.0.into()])
        });
        let groups = snapshot.groups.iter().flat_map(|group| {
            [group.progress.to_bits(), group.path_velocity.to_bits(), group.state as u64, group.interrupted.into()]
        });
        Frame { cycle: snapshot.machine.cycle, words: axes.chain(groups).collect() }
    }
}

/// Demands that two runs were the same, to the last bit.
pub fn assert_identical(undisturbed: &[Frame], disturbed: &[Frame]) {
    for (expected, found) in undisturbed.iter().zip(disturbed) {
        if let Some(place) = expected.words.iter().zip(&found.words).position(|(expected, found)| expected != found) {
            let (was, is) = (expected.words[place], found.words[place]);
            panic!("cycle {}, word {place}: {is:x}, undisturbed {was:x}", found.cycle);
        }
    }
    assert_eq!(undisturbed, disturbed, "cycles or their number differ");
}

/// The daemon on the demo's machine, and everything that it has done since it was taken over.
pub struct Held {
    pub clock: HeldClock,
    daemon: Option<Daemon>,
    directory: TempDir,
    period_ns: u64,
    pub snapshot: Snapshot,
    pub frames: Vec<Frame>,
}

impl Held {
    pub fn start() -> Held {
        Held::start_with(None)
    }

    /// The same, with what was persisted in a state directory.
    pub fn start_with(state: Option<&Path>) -> Held {
        Held::start_on("demo.toml", state)
    }

    /// On another machine: that of a file in config.
    pub fn start_on(machine: &str, state: Option<&Path>) -> Held {
        let state = StateDirectory::open(state).unwrap();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(machine);
        let mut config = match &state {
            Some(state) => motiond::config::load_with(&file, &parameter_file::place(state)).unwrap(),
            None => motiond::config::load(&file).unwrap(),
        };
        config.realtime.lock_memory = false;
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        let options = Options {
            socket: Some(directory.path().join("control.sock")),
            metrics: Some(([127, 0, 0, 1], 0).into()),
            state,
            test_commands: true,
            ..Options::default()
        };
        let clock = HeldClock::new(MonotonicClock::new().now_ns(), FIRST_CYCLES * config.period_ns);
        let daemon = Daemon::start_on(&config, &options, clock.clone()).unwrap();
        clock.advance(0);
        let snapshot = daemon.gateway().snapshot();
        let period_ns = config.period_ns;
        Held { clock, daemon: Some(daemon), directory, period_ns, snapshot, frames: Vec::new() }
    }

    pub fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().unwrap()
    }

    /// One cycle.
    pub fn step(&mut self) {
        self.clock.advance(self.period_ns);
        let snapshot = self.daemon().gateway().snapshot();
        assert_eq!(snapshot.machine.cycle, self.snapshot.machine.cycle + 1, "a cycle went unseen");
        self.frames.push(Frame::of(&snapshot));
        self.snapshot = snapshot;
    }

    pub fn run(&mut self, cycles: u64) {
        (0..cycles).for_each(|_| self.step());
    }

    /// Cycles until something holds.
    pub fn run_until(&mut self, cycles: u64, what: &str, holds: impl Fn(&Snapshot) -> bool) {
        for _ in 0..cycles {
            if holds(&self.snapshot) {
                return;
            }
            self.step();
        }
        panic!("after {cycles} cycles still not: {what}: {:?}", self.snapshot);
    }

    /// `motionctl` with these words, while cycles go on: its exit code, and what it said.
    pub fn motionctl<S: AsRef<std::ffi::OsStr>>(
        &mut self,
        words: impl IntoIterator<Item = S>,
    ) -> (Option<i32>, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_motionctl"));
        command.args(words).env("MOTIOND_SOCKET", self.socket());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap();
        until("motionctl ends", || {
            self.step();
            child.try_wait().unwrap()
        });
        let output = child.wait_with_output().unwrap();
        (output.status.code(), [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat())
    }

    /// What is known of the axes since frame `first`, numbered from there: when it began is the same place in each.
    pub fn axes_since(mut self, first: usize) -> Vec<Frame> {
        let frames = self.frames.split_off(first);
        self.end();
        let numbered = frames.into_iter().zip(0..);
        numbered.map(|(frame, cycle)| Frame { cycle, words: frame.words[..AXIS_WORDS].to_vec() }).collect()
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    pub fn connect(&self) -> Machine {
        self.try_connect().unwrap()
    }

    pub fn try_connect(&self) -> Result<Machine, Error> {
        let mut machine = Machine::open(&self.socket())?;
        machine.connection().set_patience(Some(HANG))?;
        Ok(machine)
    }

    /// How many wait in a queue of the gateway.
    pub fn depth(&self, queue: &str) -> usize {
        self.daemon().gateway().counts().queues().iter().find(|found| found.queue == queue).unwrap().depth
    }

    /// A lease of everything, whoever held it before.
    pub fn lease(&self) -> Value {
        let request = json!({ "ttl_ms": 60_000, "on_loss": "finish", "holder": "test" });
        let given = self.connect().call("Lease", "TakeOver", request);
        given.unwrap_or_else(|error| panic!("no lease: {error}: {error:?}"))["lease"].take()
    }

    /// Gives a command that the next cycle accepts; returns its handle.
    pub fn command(&mut self, interface: &str, method: &str, mut parameters: Value) -> u64 {
        let mut machine = self.connect();
        parameters["lease"] = self.lease();
        let reply = self.ask(&mut machine, interface, method, parameters.clone());
        let reply = reply.unwrap_or_else(|error| panic!("{interface}.{method} {parameters}: {error}"));
        assert_eq!(reply["cycle"], self.snapshot.machine.cycle, "{interface}.{method} was not accepted in this cycle");
        until("the gateway has looked", || (self.depth("commands") == 0).then_some(()));
        reply["handle"].as_u64().unwrap()
    }

    /// Asks for something that the next cycle answers, if the gateway lets it through to it.
    pub fn ask(
        &mut self,
        machine: &mut Machine,
        interface: &str,
        method: &str,
        parameters: Value,
    ) -> Result<Value, Error> {
        // What it told of the command before must not be taken for this one.
        until("the gateway has looked", || (self.depth("commands") == 0).then_some(()));
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| machine.call(interface, method, parameters));
            until("the command waits for the cycle", || {
                (self.depth("commands") == 1 || asked.is_finished()).then_some(())
            });
            self.step();
            asked.join().unwrap()
        })
    }

    /// Powers every axis and enables the groups.
    pub fn power_up(&mut self) {
        let machine = self.daemon().gateway().description().clone();
        for axis in &machine.axes {
            self.command("Axis", "Power", json!({ "axis": axis.name, "on": true }));
        }
        self.run_until(5000, "every axis stands", |now| {
            now.axes.iter().all(|axis| axis.state == AxisState::Standstill)
        });
        for group in &machine.groups {
            self.command("Group", "Enable", json!({ "group": group.name }));
        }
        self.run(5);
    }

    /// Cycles until an axis stands, which it must do by a ramp within its limits; it comes from a positive velocity.
    pub fn ramp_to_rest(&mut self, axis: usize) {
        let limits = self.daemon().gateway().description().axes[axis].at_start.figures.motion.limits;
        let period_s = self.period_ns as f64 * 1e-9;
        let mut cycles = 0;
        while self.snapshot.axes[axis].velocity != 0.0 {
            let before = self.snapshot.axes[axis];
            self.step();
            cycles += 1;
            let now = self.snapshot.axes[axis];
            let jerk = (now.acceleration - before.acceleration).abs() / period_s;
            assert!((0.0..=before.velocity).contains(&now.velocity), "{before:?} {now:?}");
            assert!(now.acceleration.abs() <= limits.acceleration * (1.0 + 1e-6), "{now:?}");
            assert!(jerk <= limits.jerk * (1.0 + 1e-6), "{jerk} of {}: {before:?} {now:?}", limits.jerk);
            assert!(cycles < 2000, "it does not come to rest: {now:?}");
        }
    }

    /// How a service is.
    pub fn service(&self, name: &str) -> (u64, u64, motiond::service::Phase) {
        let services = self.daemon().services();
        let found: &ServiceStatus = services.iter().find(|service| service.name == name).unwrap();
        (found.restarts(), found.hangs(), found.phase())
    }

    /// What /metrics answers.
    pub fn scrape(&self) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.daemon().metrics().unwrap())?;
        stream.set_read_timeout(Some(HANG))?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: motiond\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.contains("motion_cycles_total") { Ok(answer) } else { Err(std::io::Error::other(answer)) }
    }

    /// Ramps down, disables and ends.
    pub fn end(mut self) {
        self.clock.let_go();
        let daemon = self.daemon.take().unwrap();
        assert_eq!(daemon.run(|| true), End::Orderly);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A test that fails must not leave a thread behind that nobody lets go on.
        self.clock.let_go();
        if let Some(daemon) = self.daemon.take() {
            daemon.run(|| true);
        }
    }
}
