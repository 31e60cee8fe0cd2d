//! The built daemon on one end of a virtual cable, `motion-sim` on the other, each in a network of its own.

use super::daemon::{HANG, Killed, drained, get, output};
use motiond::client::Machine;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use tempfile::TempDir;

/// Two networks and a cable between them, gone with it.
pub struct Cable {
    pub networks: [String; 2],
}

pub fn ip(words: &str) -> Result<(), String> {
    let run = Command::new("ip").args(words.split_whitespace()).output().map_err(|error| format!("ip: {error}"))?;
    if run.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&run.stderr).trim().to_string()) }
}

impl Cable {
    pub fn lay(name: &str) -> Result<Cable, String> {
        let networks = ["master", "segment"].map(|end| format!("motiond-{name}-{end}-{}", std::process::id()));
        let cable = Cable { networks };
        let [master, segment] = &cable.networks;
        ip(&format!("netns add {master}"))?;
        ip(&format!("netns add {segment}"))?;
        // Nothing but EtherCAT on it; where there is no IPv6 there is nothing to switch off.
        for network in &cable.networks {
            let _ = ip(&format!("netns exec {network} sysctl -qw net.ipv6.conf.default.disable_ipv6=1"));
        }
        ip(&format!("-n {master} link add fieldbus type veth peer name drives netns {segment}"))?;
        // The way back of a ring, for who closes one.
        ip(&format!("-n {master} link add fieldbus2 type veth peer name drives2 netns {segment}"))?;
        for interface in ["fieldbus", "fieldbus2", "lo"] {
            ip(&format!("-n {master} link set {interface} up"))?;
        }
        for interface in ["drives", "drives2"] {
            ip(&format!("-n {segment} link set {interface} up"))?;
        }
        Ok(cable)
    }

    /// Packets and bytes that an end has sent, and those that it has got.
    pub fn traffic(&self, network: usize, interface: &str) -> [(u64, u64); 2] {
        let words = ["-n", &self.networks[network], "-s", "-j", "link", "show", interface];
        let shown = output(Command::new("ip").args(words)).stdout;
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        let of = |way: &str| {
            let way = &shown[0]["stats64"][way];
            (way["packets"].as_u64().unwrap(), way["bytes"].as_u64().unwrap())
        };
        [of("tx"), of("rx")]
    }

    /// What an HTTP server in the master's network answers.
    pub fn get(&self, address: &str, path: &str) -> String {
        let network = std::fs::File::open(format!("/run/netns/{}", self.networks[0])).unwrap();
        std::thread::scope(|scope| {
            let visitor = scope.spawn(|| {
                nix::sched::setns(&network, nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
                get(address, path).unwrap()
            });
            visitor.join().unwrap()
        })
    }

    /// A program in one of the networks.
    pub fn command(&self, network: usize, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.networks[network], program]);
        command
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for network in &self.networks {
            let _ = ip(&format!("netns del {network}"));
        }
    }
}

/// A daemon and its drives.
pub struct Bench {
    pub daemon: Killed,
    pub log: Receiver<String>,
    pub said: String,
    _simulation: Killed,
    pub commands: ChildStdin,
    pub answers: Receiver<String>,
    pub directory: TempDir,
    pub cable: Cable,
}

pub fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// A daemon in the master's network.
fn run(cable: &Cable, directory: &TempDir) -> (Killed, Receiver<String>) {
    let mut daemon = cable.command(0, env!("CARGO_BIN_EXE_motiond"));
    daemon.env("NO_COLOR", "1").args(["run", "--metrics", "127.0.0.1:0", "--socket"]);
    let files = ["control.sock", "machine.toml"].map(|name| directory.path().join(name));
    let mut daemon = Killed(piped(daemon.args(files)));
    let log = drained(daemon.0.stderr.take().unwrap());
    (daemon, log)
}

/// The shipped machine with terminals, for a host that lends neither side a processor of its own: no watchdog and no skipped
/// period may stop what is tested.
fn patient_machine() -> String {
    let shipped = include_str!("../../config/ethercat-terminals.toml");
    let patient = shipped.replace("enp3s0", "fieldbus").replace("cpu = 1\n", "max-skipped-periods = 1000\n");
    let patient = patient.replace("[[bus.device]]\n", "[[bus.device]]\nwatchdog-ms = 1000\n");
    let patient = patient.replace("interface =", "lost-frames-tolerated = 100\ninterface =");
    patient.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n")
}

impl Bench {
    pub fn start(name: &str) -> Result<Bench, String> {
        let told = "3 devices on drives: x-drive, y-drive, io";
        Bench::over(name, &patient_machine(), told, env!("CARGO_BIN_EXE_motion-sim"))
    }

    /// The same in a ring.
    pub fn start_ring(name: &str) -> Result<Bench, String> {
        let machine = patient_machine().replace("interface =", "redundant-interface = \"fieldbus2\"\ninterface =");
        let simulation = concat!(env!("CARGO_BIN_EXE_motion-sim"), " --redundant-interface drives2");
        Bench::over(name, &machine, "3 devices on drives and drives2: x-drive, y-drive, io", simulation)
    }

    /// With these drives; `simulation` is how motion-sim is run, and `told` what it says then.
    pub fn over(name: &str, machine: &str, told: &str, simulation: &str) -> Result<Bench, String> {
        let cable = Cable::lay(name)?;
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        let file = directory.path().join("machine.toml");
        std::fs::write(&file, machine).unwrap();
        let mut words = simulation.split_whitespace();
        let mut simulation = cable.command(1, words.next().unwrap());
        simulation.args(words);
        let simulation = piped(simulation.args(["--interface", "drives", "--config"]).arg(&file));
        let mut simulation = Killed(simulation);
        let answers = drained(simulation.0.stdout.take().unwrap());
        let errors = drained(simulation.0.stderr.take().unwrap());
        let first = answers.recv_timeout(HANG);
        let first = first.unwrap_or_else(|_| panic!("motion-sim: {}", errors.iter().collect::<String>()));
        assert!(first.contains(told), "{first}");
        let commands = simulation.0.stdin.take().unwrap();
        let (daemon, log) = run(&cable, &directory);
        let said = String::new();
        let mut bench = Bench { daemon, log, said, _simulation: simulation, commands, answers, directory, cable };
        bench.line_with("ready: drives are disabled");
        Ok(bench)
    }

    /// The daemon is killed, and another one comes.
    pub fn kill_and_restart(&mut self) {
        self.daemon.0.kill().unwrap();
        self.daemon.ended("the daemon that was killed");
        (self.daemon, self.log) = run(&self.cable, &self.directory);
        self.said.clear();
        self.line_with("ready: drives are disabled");
    }

    /// Sends the daemon a signal.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = nix::unistd::Pid::from_raw(self.daemon.0.id().try_into().unwrap());
        nix::sys::signal::kill(id, signal).unwrap();
    }

    /// Calls a method.
    pub fn call(&self, interface: &str, method: &str, parameters: Value) -> Value {
        let mut machine = Machine::open(&self.socket()).unwrap();
        machine.connection().set_patience(Some(HANG)).unwrap();
        machine.call(interface, method, parameters).unwrap()
    }

    pub fn line_with(&mut self, text: &str) {
        while !self.said.lines().last().is_some_and(|line| line.contains(text)) {
            let line = self.log.recv_timeout(HANG);
            let line = line.unwrap_or_else(|error| panic!("no line with {text:?} ({error}) in:\n{}", self.said));
            self.said.push_str(&line);
        }
    }

    /// Something happens to the drives.
    pub fn befall(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
        let answer = self.answers.recv_timeout(HANG).unwrap();
        assert_eq!(answer.trim(), format!("ok: {command}"));
    }

    /// What motion-sim says to a question.
    pub fn ask(&mut self, question: &str) -> String {
        writeln!(self.commands, "{question}").unwrap();
        self.answers.recv_timeout(HANG).unwrap().trim().to_string()
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    pub fn done(&self, words: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        let run = output(command.arg("--socket").arg(self.socket()).args(words.split_whitespace()));
        if run.status.code() != Some(0) {
            let look = |verb: &str| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
                output(command.arg("--socket").arg(self.socket()).arg(verb)).stdout
            };
            let [status, events] = ["status", "events"].map(|verb| String::from_utf8(look(verb)).unwrap());
            panic!("motionctl {words}: {run:?}\n{status}\n{events}");
        }
        String::from_utf8(run.stdout).unwrap()
    }

    pub fn status(&self, interface: &str, parameters: Value) -> Value {
        self.call(interface, "Status", parameters)
    }

    /// What the metrics say; each sample with its labels.
    pub fn samples(&self) -> Vec<(String, f64)> {
        let address = self.said.lines().find_map(|line| line.split_once("metrics on http://")).unwrap().1;
        let text = self.cable.get(address.trim_end_matches("/metrics"), "/metrics");
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_string(), value.parse().ok()?))
        };
        text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
    }

    pub fn end(&mut self) {
        self.signal(nix::sys::signal::Signal::SIGTERM);
        let ended = self.daemon.ended("the daemon");
        self.said.extend(self.log.iter());
        assert_eq!(ended.code(), Some(0), "{}", self.said);
    }

    pub fn x(&self) -> Value {
        self.status("Axis", json!({ "axis": "x" }))["status"].take()
    }
}

/// Why it cannot run here, if so.
pub fn start(name: &str) -> Option<Bench> {
    match Bench::start(name) {
        Ok(bench) => Some(bench),
        Err(why) => {
            println!("skipped: ethercat_veth {name}: {why}");
            None
        }
    }
}
