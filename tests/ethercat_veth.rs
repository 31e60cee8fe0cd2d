//! Real frames: the built daemon on one end of a virtual cable, `motion-sim` on the other, each in a network of its own.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::{HANG, Killed, drained, motiond, output, until};
use motiond::client::Machine;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use tempfile::TempDir;

/// Two networks and a cable between them, gone with it.
struct Cable {
    networks: [String; 2],
}

fn ip(words: &str) -> Result<(), String> {
    let run = Command::new("ip").args(words.split_whitespace()).output().map_err(|error| format!("ip: {error}"))?;
    if run.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&run.stderr).trim().to_string()) }
}

impl Cable {
    fn lay(name: &str) -> Result<Cable, String> {
        let networks = ["master", "segment"].map(|end| format!("motiond-{name}-{end}-{}", std::process::id()));
        let cable = Cable { networks };
        let [master, segment] = &cable.networks;
        ip(&format!("netns add {master}"))?;
        ip(&format!("netns add {segment}"))?;
        ip(&format!("-n {master} link add fieldbus type veth peer name drives netns {segment}"))?;
        ip(&format!("-n {master} link set fieldbus up"))?;
        ip(&format!("-n {master} link set lo up"))?;
        ip(&format!("-n {segment} link set drives up"))?;
        Ok(cable)
    }

    /// A program in one of the networks.
    fn command(&self, network: usize, program: &str) -> Command {
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
struct Bench {
    daemon: Killed,
    log: Receiver<String>,
    said: String,
    _simulation: Killed,
    commands: ChildStdin,
    answers: Receiver<String>,
    directory: TempDir,
    _cable: Cable,
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

impl Bench {
    fn start(name: &str) -> Result<Bench, String> {
        let cable = Cable::lay(name)?;
        let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
        let file = directory.path().join("machine.toml");
        let shipped = include_str!("../config/ethercat-terminals.toml");
        // Neither side has a processor of its own here: no watchdog and no skipped period may stop what is tested.
        let patient = shipped.replace("enp3s0", "fieldbus").replace("cpu = 1\n", "max-skipped-periods = 1000\n");
        let patient = patient.replace("[[bus.device]]\n", "[[bus.device]]\nwatchdog-ms = 1000\n");
        let patient = patient.replace("interface =", "lost-frames-tolerated = 100\ninterface =");
        let wide = patient.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n");
        std::fs::write(&file, wide).unwrap();
        let mut simulation = cable.command(1, env!("CARGO_BIN_EXE_motion-sim"));
        let simulation = piped(simulation.args(["--interface", "drives", "--config"]).arg(&file));
        let mut simulation = Killed(simulation);
        let answers = drained(simulation.0.stdout.take().unwrap());
        let errors = drained(simulation.0.stderr.take().unwrap());
        let first = answers.recv_timeout(HANG);
        let first = first.unwrap_or_else(|_| panic!("motion-sim: {}", errors.iter().collect::<String>()));
        assert!(first.contains("3 devices on drives: x-drive, y-drive, io"), "{first}");
        let commands = simulation.0.stdin.take().unwrap();
        let mut daemon = cable.command(0, env!("CARGO_BIN_EXE_motiond"));
        daemon.env("NO_COLOR", "1").args(["run", "--metrics", "127.0.0.1:0", "--socket"]);
        let mut daemon = Killed(piped(daemon.arg(directory.path().join("control.sock")).arg(&file)));
        let log = drained(daemon.0.stderr.take().unwrap());
        let said = String::new();
        let mut bench =
            Bench { daemon, log, said, _simulation: simulation, commands, answers, directory, _cable: cable };
        bench.line_with("ready: drives are disabled");
        Ok(bench)
    }

    fn line_with(&mut self, text: &str) {
        while !self.said.lines().last().is_some_and(|line| line.contains(text)) {
            let line = self.log.recv_timeout(HANG);
            let line = line.unwrap_or_else(|error| panic!("no line with {text:?} ({error}) in:\n{}", self.said));
            self.said.push_str(&line);
        }
    }

    /// Something happens to the drives.
    fn befall(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
        let answer = self.answers.recv_timeout(HANG).unwrap();
        assert_eq!(answer.trim(), format!("ok: {command}"));
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("control.sock")
    }

    fn done(&self, words: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        let run = output(command.arg("--socket").arg(self.socket()).args(words.split_whitespace()));
        assert_eq!(run.status.code(), Some(0), "motionctl {words}: {run:?}");
        String::from_utf8(run.stdout).unwrap()
    }

    fn status(&self, interface: &str, parameters: Value) -> Value {
        let mut machine = Machine::open(&self.socket()).unwrap();
        machine.connection().set_patience(Some(HANG)).unwrap();
        machine.call(interface, "Status", parameters).unwrap()
    }

    fn x(&self) -> Value {
        self.status("Axis", json!({ "axis": "x" }))["status"].take()
    }
}

/// Why it cannot run here, if so.
fn start(name: &str) -> Option<Bench> {
    match Bench::start(name) {
        Ok(bench) => Some(bench),
        Err(why) => {
            println!("skipped: ethercat_veth {name}: {why}");
            None
        }
    }
}

#[test]
fn drives_on_a_cable_are_brought_up_and_move() {
    let Some(mut bench) = start("move") else { return };
    let before = bench.x()["actual"].as_f64().unwrap();
    bench.done("power on x --wait");
    bench.done("power on y --wait");
    bench.done("move x --relative 50 --wait");
    let after = bench.x()["actual"].as_f64().unwrap();
    assert!((after - before - 50.0).abs() < 0.5, "from {before} to {after}");
    bench.done("group enable table");
    bench.done("group linear table x=60 y=20 --wait");
    bench.done("group disable table");
    // Lost and late frames are ridden through.
    bench.done("move x --relative 100 --velocity 40");
    for mishap in ["lose 3", "delay 3 1500", "duplicate 3", "corrupt 3"] {
        bench.befall(mishap);
    }
    until("the end of the move", || {
        let state = bench.x()["state"].take();
        assert!(
            state == "DiscreteMotion" || state == "Standstill",
            "{}\n{}",
            bench.done("status"),
            bench.done("events")
        );
        (state == "Standstill").then_some(())
    });
    assert!((bench.x()["setpoint"].as_f64().unwrap() - 160.0).abs() < 1e-6, "{}", bench.x());
    let id = nix::unistd::Pid::from_raw(bench.daemon.0.id().try_into().unwrap());
    nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
    let ended = bench.daemon.ended("the daemon");
    bench.said.extend(bench.log.iter());
    assert_eq!(ended.code(), Some(0), "{}", bench.said);
}

#[test]
fn an_empty_cable_is_told_before_anything_runs() {
    let cable = match Cable::lay("empty") {
        Ok(cable) => cable,
        Err(why) => {
            println!("skipped: ethercat_veth empty: {why}");
            return;
        }
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("machine.toml");
    let shipped = include_str!("../config/ethercat-terminals.toml");
    std::fs::write(&file, shipped.replace("enp3s0", "fieldbus")).unwrap();
    let mut daemon = cable.command(0, motiond().get_program().to_str().unwrap());
    daemon.env("NO_COLOR", "1").args(["run", "--metrics", "127.0.0.1:0", "--socket"]);
    let ended = output(daemon.arg(directory.path().join("control.sock")).arg(&file));
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("bus \"field\"") && said.contains("no device answers"), "{said}");
}
