//! The built daemon and its nodes on one virtual CAN interface. It is there where the kernel has one: `tests/can/lane` is such
//! a place.

use super::daemon::{HANG, Killed, drained, get, output, until};
use motiond::client::Machine;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use tempfile::TempDir;

/// A virtual interface, gone with it.
pub struct Interface {
    pub name: String,
}

pub fn ip(words: &str) -> Result<(), String> {
    let run = Command::new("ip").args(words.split_whitespace()).output().map_err(|error| format!("ip: {error}"))?;
    if run.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&run.stderr).trim().to_string()) }
}

impl Interface {
    /// Makes one; else why there is none.
    pub fn make(name: &str) -> Result<Interface, String> {
        ip(&format!("link add {name} type vcan"))?;
        let interface = Interface { name: name.to_string() };
        ip(&format!("link set {name} txqueuelen 256 up"))?;
        Ok(interface)
    }
}

impl Drop for Interface {
    fn drop(&mut self) {
        let _ = ip(&format!("link del {}", self.name));
    }
}

/// A program that takes lines and gives lines.
pub struct Talker {
    _program: Killed,
    commands: ChildStdin,
    pub answers: Receiver<String>,
    errors: Receiver<String>,
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

impl Talker {
    /// Starts it, and waits for its first line.
    pub fn start(command: &mut Command) -> Talker {
        let mut program = Killed(piped(command));
        let answers = drained(program.0.stdout.take().unwrap());
        let errors = drained(program.0.stderr.take().unwrap());
        let commands = program.0.stdin.take().unwrap();
        let mut talker = Talker { _program: program, commands, answers, errors };
        talker.line();
        talker
    }

    pub fn line(&mut self) -> String {
        let line = self.answers.recv_timeout(HANG);
        line.unwrap_or_else(|_| panic!("{}", self.errors.try_iter().collect::<String>())).trim().to_string()
    }

    /// What it says to a line.
    pub fn ask(&mut self, line: &str) -> String {
        writeln!(self.commands, "{line}").unwrap();
        self.line()
    }

    /// Something happens to the nodes.
    pub fn befall(&mut self, command: &str) {
        assert_eq!(self.ask(command), format!("ok: {command}"));
    }
}

/// The shipped machine, for a host that lends nobody a processor of its own: it cycles each 5 ms, and no watchdog and no
/// skipped period may stop what is tested.
pub fn patient_machine(interface: &str) -> String {
    let shipped = include_str!("../../config/can-two-axis.toml");
    let patient =
        shipped.replace("\"can0\"", &format!("\"{interface}\"")).replace("period-us = 1000", "period-us = 5000");
    let patient = patient
        .replace("cpu = 1\n", "max-skipped-periods = 1000\nhold-cpu-latency = false\n")
        .replace("cycles-per-sync = 2\n", "");
    let patient = patient.replace("[[bus.device]]\n", "[[bus.device]]\nwatchdog-ms = 1000\nheartbeat-ms = 200\n");
    let patient = patient.replace("interface =", "lost-frames-tolerated = 100\ninterface =");
    patient.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n")
}

/// `motion-sim` with the nodes of a machine.
pub fn simulation(machine: &str, directory: &TempDir, interface: &str, bus: &str) -> Talker {
    let file = directory.path().join("simulated.toml");
    std::fs::write(&file, machine).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_motion-sim"));
    Talker::start(command.args(["--interface", interface, "--bus", bus, "--config"]).arg(file))
}

/// A daemon.
pub struct Master {
    pub daemon: Killed,
    log: Receiver<String>,
    pub said: String,
    pub directory: TempDir,
}

fn run(directory: &TempDir) -> (Killed, Receiver<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_motiond"));
    command.env("NO_COLOR", "1").args(["run", "--metrics", "127.0.0.1:0", "--socket"]);
    let files = ["control.sock", "machine.toml"].map(|name| directory.path().join(name));
    let mut daemon = Killed(piped(command.args(files)));
    let log = drained(daemon.0.stderr.take().unwrap());
    (daemon, log)
}

impl Master {
    /// Starts it, and waits for its nodes.
    pub fn start(machine: &str) -> Master {
        let mut master = Master::starting(machine);
        master.line_with("ready: drives are disabled");
        master
    }

    /// Starts it.
    pub fn starting(machine: &str) -> Master {
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        std::fs::write(directory.path().join("machine.toml"), machine).unwrap();
        let (daemon, log) = run(&directory);
        Master { daemon, log, said: String::new(), directory }
    }

    /// It is killed, and another one comes.
    pub fn kill_and_restart(&mut self) {
        self.daemon.0.kill().unwrap();
        self.daemon.ended("the daemon that was killed");
        (self.daemon, self.log) = run(&self.directory);
        self.said.clear();
        self.line_with("ready: drives are disabled");
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = nix::unistd::Pid::from_raw(self.daemon.0.id().try_into().unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
    }

    pub fn line_with(&mut self, text: &str) {
        while !self.said.lines().last().is_some_and(|line| line.contains(text)) {
            let line = self.log.recv_timeout(HANG);
            let line = line.unwrap_or_else(|error| panic!("no line with {text:?} ({error}) in:\n{}", self.said));
            self.said.push_str(&line);
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    pub fn call(&self, interface: &str, method: &str, parameters: Value) -> Value {
        let mut machine = Machine::open(&self.socket()).unwrap();
        machine.connection().set_patience(Some(HANG)).unwrap();
        machine.call(interface, method, parameters).unwrap()
    }

    pub fn axis(&self, name: &str) -> Value {
        self.call("Axis", "Status", json!({ "axis": name }))["status"].take()
    }

    /// What `motionctl` says; its exit code must be 0.
    pub fn done(&self, words: &str) -> String {
        let run = self.motionctl(words);
        if run.status.code() != Some(0) {
            let look = |verb: &str| String::from_utf8(self.motionctl(verb).stdout).unwrap();
            panic!("motionctl {words}: {run:?}\n{}\n{}", look("status"), look("events"));
        }
        String::from_utf8(run.stdout).unwrap()
    }

    pub fn motionctl(&self, words: &str) -> std::process::Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        output(command.arg("--socket").arg(self.socket()).args(words.split_whitespace()))
    }

    /// The metrics as text.
    pub fn metrics(&self) -> String {
        let address = self.said.lines().find_map(|line| line.split_once("metrics on http://")).unwrap().1;
        get(address.trim_end_matches("/metrics"), "/metrics").unwrap()
    }

    /// The events of a kind since then.
    pub fn events(&self, mut after: u64, kind: &str) -> Vec<Value> {
        let mut found = Vec::new();
        loop {
            let batch = self.call("Events", "Read", json!({ "after": after }));
            let events = batch["events"].as_array().unwrap();
            if events.is_empty() {
                return found;
            }
            found.extend(events.iter().filter(|event| event["kind"] == kind).cloned());
            after = batch["next"].as_u64().unwrap();
        }
    }

    /// Where the events stand now.
    pub fn latest(&self) -> u64 {
        let mut after = 0;
        loop {
            let next = self.call("Events", "Read", json!({ "after": after }))["next"].as_u64().unwrap();
            if next == after {
                return after;
            }
            after = next;
        }
    }

    /// Names of the faults that were raised since then, in their order.
    pub fn faults(&self, after: u64) -> Vec<String> {
        let name = |event: &Value| event["fault"]["name"].as_str().unwrap_or_default().to_string();
        self.events(after, "fault_raised").iter().map(name).collect()
    }

    pub fn every_device_is_operational(&self) -> bool {
        let listed = self.call("Device", "List", json!({}));
        let devices = listed["devices"].as_array().unwrap();
        devices.iter().all(|device| device["operational"] == true && device["lost"] == false)
    }

    pub fn cycle(&self) -> u64 {
        self.call("Machine", "Status", json!({}))["cycle"].as_u64().unwrap()
    }

    /// Waits for so many cycles.
    pub fn cycles(&self, count: u64) {
        let start = self.cycle();
        until("the cycle has gone on", || (self.cycle() >= start + count).then_some(()));
    }

    /// Every device there, everything reset, the drives of these axes on.
    pub fn make_ready(&self, axes: &[&str]) {
        until("every device is operational", || self.every_device_is_operational().then_some(()));
        self.done("reset --wait");
        for name in axes {
            // A drive refuses a reset as long as it still reacts to its fault.
            until("the axis is reset", || {
                if self.axis(name)["state"] == "ErrorStop" {
                    self.done(&format!("reset {name} --wait"));
                }
                (self.axis(name)["state"] != "ErrorStop").then_some(())
            });
            self.done(&format!("power on {name} --wait"));
        }
    }

    /// What it said until it ended.
    pub fn rest(&mut self) -> String {
        self.said.extend(self.log.iter());
        self.said.clone()
    }

    pub fn end(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        let ended = self.daemon.ended("the daemon");
        self.said.extend(self.log.iter());
        assert_eq!(ended.code(), Some(0), "{}", self.said);
    }
}
