//! Real frames: the built daemon on one end of a virtual cable, `motion-sim` on the other, each in a network of its own.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[path = "support/many_drives.rs"]
mod many_drives;

use daemon::{HANG, Killed, drained, get, motiond, output, until};
use many_drives::many_drives;
use motiond::client::Machine;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// One machine at a time: they are held to a period.
static ALONE: Mutex<()> = Mutex::new(());

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
        // Nothing but EtherCAT on it; where there is no IPv6 there is nothing to switch off.
        for network in &cable.networks {
            let _ = ip(&format!("netns exec {network} sysctl -qw net.ipv6.conf.default.disable_ipv6=1"));
        }
        ip(&format!("-n {master} link add fieldbus type veth peer name drives netns {segment}"))?;
        ip(&format!("-n {master} link set fieldbus up"))?;
        ip(&format!("-n {master} link set lo up"))?;
        ip(&format!("-n {segment} link set drives up"))?;
        Ok(cable)
    }

    /// Packets and bytes that an end has sent, and those that it has got.
    fn traffic(&self, network: usize, interface: &str) -> [(u64, u64); 2] {
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
    fn get(&self, address: &str, path: &str) -> String {
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
    cable: Cable,
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

impl Bench {
    fn start(name: &str) -> Result<Bench, String> {
        let shipped = include_str!("../config/ethercat-terminals.toml");
        // Neither side has a processor of its own here: no watchdog and no skipped period may stop what is tested.
        let patient = shipped.replace("enp3s0", "fieldbus").replace("cpu = 1\n", "max-skipped-periods = 1000\n");
        let patient = patient.replace("[[bus.device]]\n", "[[bus.device]]\nwatchdog-ms = 1000\n");
        let patient = patient.replace("interface =", "lost-frames-tolerated = 100\ninterface =");
        let wide = patient.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n");
        Bench::over(name, &wide, "3 devices on drives: x-drive, y-drive, io", env!("CARGO_BIN_EXE_motion-sim"))
    }

    /// With these drives; `simulation` is how motion-sim is run, and `told` what it says then.
    fn over(name: &str, machine: &str, told: &str, simulation: &str) -> Result<Bench, String> {
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
        let mut daemon = cable.command(0, env!("CARGO_BIN_EXE_motiond"));
        daemon.env("NO_COLOR", "1").args(["run", "--metrics", "127.0.0.1:0", "--socket"]);
        let mut daemon = Killed(piped(daemon.arg(directory.path().join("control.sock")).arg(&file)));
        let log = drained(daemon.0.stderr.take().unwrap());
        let said = String::new();
        let mut bench = Bench { daemon, log, said, _simulation: simulation, commands, answers, directory, cable };
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

    /// What the metrics say; each sample with its labels.
    fn samples(&self) -> Vec<(String, f64)> {
        let address = self.said.lines().find_map(|line| line.split_once("metrics on http://")).unwrap().1;
        let text = self.cable.get(address.trim_end_matches("/metrics"), "/metrics");
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_string(), value.parse().ok()?))
        };
        text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
    }

    fn end(&mut self) {
        let id = nix::unistd::Pid::from_raw(self.daemon.0.id().try_into().unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
        let ended = self.daemon.ended("the daemon");
        self.said.extend(self.log.iter());
        assert_eq!(ended.code(), Some(0), "{}", self.said);
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
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
    bench.end();
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

/// The samples of a histogram's quantile: the bounds of the bucket that it falls into, microseconds.
fn quantile(samples: &[(String, f64)], histogram: &str, share: f64) -> String {
    let start = format!("{histogram}_bucket{{");
    let buckets = samples.iter().filter(|(name, _)| name.starts_with(&start));
    let bound = |name: &str| -> Option<f64> { name.split_once("le=\"")?.1.split_once('"')?.0.parse().ok() };
    let buckets: Vec<(f64, f64)> = buckets.filter_map(|(name, count)| Some((bound(name)?, *count))).collect();
    let wanted = buckets.iter().map(|(_, count)| *count).fold(0.0, f64::max) * share;
    let above = buckets.iter().position(|(_, count)| *count >= wanted).unwrap();
    let lower = if above == 0 { 0.0 } else { buckets[above - 1].0 * 1e6 };
    format!("{lower:.0} to {:.0} us", buckets[above].0 * 1e6)
}

/// So many drives at 1 kHz, both programs with a real-time priority and, where there are two, a processor of their own.
fn many(count: usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let name = format!("many-{count}");
    let two = std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
    // A host that is busy with other things may take the processor away for a while.
    let cpu = if two { "cpu = 1" } else { "" };
    let machine = format!("[realtime]\npriority = 80\nmax-skipped-periods = 1000\n{cpu}");
    let bus = "lost-frames-tolerated = 100\nworking-counter-errors-tolerated = 100";
    let text = many_drives(count, &machine, bus, "watchdog-ms = 1000");
    let text = text.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n");
    let rights = Command::new("chrt").args(["-f", "75", "true"]).status().is_ok_and(|status| status.success());
    let pinned = if two { "taskset -c 0 " } else { "" };
    let first = if rights { format!("chrt -f 75 {pinned}") } else { String::new() };
    let simulation = format!("{first}{}", env!("CARGO_BIN_EXE_motion-sim"));
    let mut bench = match Bench::over(&name, &text, &format!("{count} devices on drives: drive-0"), &simulation) {
        Ok(bench) => bench,
        Err(why) => {
            println!("skipped: ethercat_veth {name}: {why}");
            return;
        }
    };
    let status =
        |bench: &Bench, axis: usize| bench.status("Axis", json!({ "axis": format!("a{axis}") }))["status"].take();
    let all_in = |bench: &Bench, state: &str| {
        until(state, || (0..count).all(|axis| status(bench, axis)["state"] == state).then_some(()));
    };
    (0..count).for_each(|axis| drop(bench.done(&format!("power on a{axis}"))));
    all_in(&bench, "Standstill");
    let before: Vec<f64> = (0..count).map(|axis| status(&bench, axis)["setpoint"].as_f64().unwrap()).collect();
    let groups = count.div_ceil(motiond::limits::MAX_GROUP_AXES);
    (0..groups).for_each(|group| drop(bench.done(&format!("group enable g{group}"))));
    let (samples, traffic) = (bench.samples(), bench.cable.traffic(0, "fieldbus"));
    for group in 0..groups {
        let axes = (0..count).skip(group * motiond::limits::MAX_GROUP_AXES).take(motiond::limits::MAX_GROUP_AXES);
        let targets: Vec<String> = axes.map(|axis| format!("a{axis}=100")).collect();
        bench.done(&format!("group linear g{group} --relative --velocity 80 {}", targets.join(" ")));
    }
    all_in(&bench, "Standstill");
    let (last, passed) = (bench.samples(), bench.cable.traffic(0, "fieldbus"));
    for (axis, before) in before.iter().enumerate() {
        let now = status(&bench, axis);
        assert!((now["setpoint"].as_f64().unwrap() - before - 100.0).abs() < 1e-6, "a{axis}: {now}");
        assert!((now["actual"].as_f64().unwrap() - before - 100.0).abs() < 0.5, "a{axis}: {now}");
    }
    let value = |samples: &[(String, f64)], name: &str| {
        let found = samples.iter().filter(|(sample, _)| sample == name || sample.starts_with(&format!("{name}{{")));
        found.map(|(_, value)| value).sum::<f64>()
    };
    let since = |name: &str| value(&last, name) - value(&samples, name);
    let operational = |(name, value): &&(String, f64)| {
        name.starts_with("motion_bus_device_state{") && name.contains("state=\"operational\"") && *value == 1.0
    };
    assert_eq!(last.iter().filter(operational).count(), count, "devices in OP");
    assert_eq!(value(&last, "motion_axis_faults_total"), 0.0, "{}", bench.done("events"));
    let cycles = since("motion_cycles_total");
    let (lost, late) = (value(&last, "motion_bus_frames_lost_total"), value(&last, "motion_bus_frames_late_total"));
    let overruns = value(&last, "motion_cycle_overruns_total");
    let wrong = value(&last, "motion_bus_wkc_errors_total");
    let bytes = (passed[0].1 - traffic[0].1) as f64 / cycles;
    let frames = (passed[0].0 - traffic[0].0) as f64 / cycles;
    println!("{count} drives: {cycles} cycles, {frames:.2} frames and {bytes:.0} bytes a cycle");
    for (what, histogram) in [
        ("round trip", "motion_bus_round_trip_seconds"),
        ("wake-up", "motion_cycle_wakeup_latency_seconds"),
        ("execution", "motion_cycle_execution_seconds"),
    ] {
        let [half, most] = [0.5, 0.99].map(|share| quantile(&last, histogram, share));
        println!("{count} drives: {what} p50 {half}, p99 {most}");
    }
    println!(
        "{count} drives: {lost} exchanges lost, {late} cycles with late answers, {overruns} overruns, {wrong} wrong counters"
    );
    last.iter().filter(|(name, value)| name.starts_with("motion_cycle_overruns") && *value > 0.0).for_each(
        |(name, value)| {
            println!("{count} drives: {name} {value}");
        },
    );
    let lacking: Vec<&String> = last
        .iter()
        .filter(|(name, value)| name.starts_with("motion_rt_degraded") && *value > 0.0)
        .map(|(name, _)| name)
        .collect();
    if overruns > 0.0 || lost > 0.0 || !lacking.is_empty() || !rights {
        println!("{count} drives: this host did not hold 1 kHz, or not with a real-time priority: {lacking:?}");
    }
    // A frame that is on its way between two looks is none that is lost.
    bench.end();
    let [[sent, got], [given, taken]] =
        [bench.cable.traffic(0, "fieldbus"), bench.cable.traffic(1, "drives")].map(|ways| ways.map(|way| way.0));
    assert_eq!((sent, given), (taken, got), "frames lost on the cable");
    assert!(given == sent, "the drives gave {given} of {sent} frames back");
    // So each exchange that counts as lost is one whose answer came after its deadline.
    assert!(lost == 0.0 || late > 0.0 || overruns > 0.0, "{lost} lost without a late answer or an overrun");
}

#[test]
fn two_drives_at_one_kilohertz() {
    many(2);
}

#[test]
fn sixteen_drives_at_one_kilohertz() {
    many(16);
}

#[test]
fn sixty_four_drives_at_one_kilohertz() {
    many(64);
}
