//! The built programs over their real socket: what a service manager, a terminal, a scraper and a bad client see.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::{Daemon, motiond, output, until};
use motiond::client::{Ended, Error, Machine, Move, OnLoss, Scope};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SLOW: Move = Move { velocity: Some(50.0), acceleration: None, jerk: None, buffered: false };

fn axis(machine: &mut Machine, name: &str) -> Value {
    let mut reply = machine.call("Axis", "Status", json!({ "axis": name })).unwrap();
    reply["status"].take()
}

fn until_faster(machine: &mut Machine, name: &str, velocity: f64) {
    until("the axis moves", || (axis(machine, name)["velocity"].as_f64().unwrap() >= velocity).then_some(()));
}

fn files(directory: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files.filter(|file| file.extension().is_some_and(|kind| kind == "toml")).collect();
    assert!(!files.is_empty(), "{directory} has no .toml file");
    files
}

#[test]
fn a_terminal_sees_the_machine_powers_and_moves_an_axis() {
    let daemon = Daemon::start();
    let status = daemon.done("status");
    for name in ["x", "y", "z", "tilt", "spin", "belt", "gantry", "table"] {
        assert!(status.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name} in:\n{status}");
    }
    daemon.done("power on --wait");
    assert_eq!(daemon.done("move x 150 --wait"), "move x to 150: done\n");
    let x = axis(&mut daemon.connect(), "x");
    assert_eq!((&x["setpoint"], &x["state"]), (&json!(150.0), &json!("Standstill")));
    assert!((x["actual"].as_f64().unwrap() - 150.0).abs() <= 0.02, "{x}");
}

#[test]
fn a_refused_move_names_axis_and_limit_and_changes_nothing() {
    let daemon = Daemon::start();
    daemon.done("power on x --wait");
    let refused = daemon.motionctl("move x 1300");
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("axis \"x\"") && words.contains("1300 mm asked, limit 1200 mm"), "{words}");
    assert_eq!(axis(&mut daemon.connect(), "x")["setpoint"], json!(100.0));
    assert_eq!(daemon.motionctl("move nobody 1").status.code(), Some(4));
    assert_eq!(daemon.motionctl("fly").status.code(), Some(2));
}

#[test]
fn without_a_daemon_motionctl_ends_with_3_and_says_what_to_do() {
    let mut daemon = Daemon::start();
    daemon.terminate();
    assert_eq!(daemon.ended().0, Some(0));
    let alone = daemon.motionctl("status");
    assert_eq!(alone.status.code(), Some(3), "{alone:?}");
    let words = String::from_utf8(alone.stderr).unwrap();
    assert!(words.contains("control.sock") && words.contains("Start it"), "{words}");
}

#[test]
fn sigterm_in_motion_ramps_down_disables_and_removes_the_socket() {
    const ACCELERATION: f64 = 300.0;
    let mut daemon = Daemon::start_with(|demo| {
        let gentle = format!("max-acceleration-mm-per-s2 = {ACCELERATION}");
        demo.replacen("max-acceleration-mm-per-s2 = 6000", &gentle, 1)
    });
    daemon.done("power on --wait");
    let mut machine = daemon.connect();
    machine.hold(Scope::Machine, OnLoss::Finish).unwrap();
    machine.move_to("x", 1200.0, Move { velocity: Some(300.0), ..Move::default() }).unwrap();
    until_faster(&mut machine, "x", 299.0);

    let samples = machine.connection().stream("io.motiond.v1.Telemetry.Subscribe", json!({ "axes": ["x"] }));
    let mut samples = samples.unwrap();
    let sample = |reply: Result<Value, Error>| {
        let reply = reply.ok()?;
        Some((reply["cycle"].as_f64()?, reply["axes"][0]["velocity"].as_f64()?, reply.to_string()))
    };
    let mut last = sample(samples.next().unwrap()).unwrap();
    assert!(last.1 > 0.0, "{}", last.2);
    daemon.terminate();
    for next in samples.map_while(sample) {
        let period_s = 1e-3;
        let change = (next.1 - last.1) / ((next.0 - last.0) * period_s);
        assert!(change >= -ACCELERATION * 1.001, "{change} mm/s² between\n{}\n{}", last.2, next.2);
        last = next;
    }
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("ramping down") && log.contains("every drive is disabled"), "{log}");
    assert!(last.1 < 150.0, "the stream ended before the ramp: {}", last.2);
    assert!(!daemon.socket().exists());
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let daemon = Daemon::start();
    let cycles = until("cycles", || daemon.metric("motion_cycles_total").filter(|cycles| *cycles > 0.0));
    until("more cycles", || daemon.metric("motion_cycles_total").filter(|now| *now > cycles));
    let text = daemon.scrape().unwrap();
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = match promtool.spawn() {
        Ok(promtool) => promtool,
        Err(error) => {
            println!("skipped: promtool_finds_nothing_wrong_with_the_metrics: promtool does not run here: {error}");
            return;
        }
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    assert!(said.status.success() && said.stdout.is_empty() && said.stderr.is_empty(), "{said:?}\n{text}");
}

#[test]
fn a_service_that_panics_comes_back_and_the_move_goes_on() {
    let daemon = Daemon::start();
    daemon.done("power on x --wait");
    let boot = daemon.connect().call("Machine", "Status", json!({})).unwrap()["boot_id"].clone();
    for (service, target) in
        [("gateway", 160.0), ("control", 100.0), ("metrics", 160.0), ("watchdog", 100.0), ("journal", 160.0)]
    {
        let mut machine = daemon.connect();
        machine.hold(Scope::Machine, OnLoss::Finish).unwrap();
        let handle = machine.move_to("x", target, SLOW).unwrap();
        // The control service takes its clients with it, maybe before it has answered this one.
        let _ = machine.call("Test", "Panic", json!({ "service": service }));
        let restarts = format!("motion_service_restarts_total{{service=\"{service}\"}}");
        until(&restarts, || daemon.metric(&restarts).filter(|count| *count == 1.0));
        let mut machine = until("a connection", || daemon.try_connect().ok());
        let ended = machine.wait(handle).unwrap_or_else(|error| panic!("{service}: {error}"));
        assert_eq!(ended, Ended::Done, "{service}");
        let x = machine.call("Axis", "Status", json!({ "axis": "x" })).unwrap();
        assert_eq!((&x["status"]["setpoint"], &x["boot_id"]), (&json!(target), &boot), "{service}");
    }
}

#[test]
fn a_session_that_panics_closes_its_connection_and_no_other() {
    let daemon = Daemon::start();
    let (mut victim, mut bystander) = (daemon.connect(), daemon.connect());
    let before = bystander.call("Machine", "Status", json!({})).unwrap();
    let error = victim.call("Test", "Panic", json!({ "service": "session" })).unwrap_err();
    assert!(matches!(error, Error::Lost(_)), "{error:?}");
    // Both calls may be answered within one cycle.
    let after = until("the cycle going on", || {
        let now = bystander.call("Machine", "Status", json!({})).unwrap();
        (now["cycle"].as_u64() > before["cycle"].as_u64()).then_some(now)
    });
    assert_eq!(before["boot_id"], after["boot_id"]);
    assert_eq!(daemon.metric("motion_service_restarts_total{service=\"control\"}"), Some(0.0));
}

#[test]
fn stop_ends_a_move_and_locks_until_released() {
    let daemon = Daemon::start();
    daemon.done("power on --wait");
    let mut machine = daemon.connect();
    for name in ["", " x"] {
        machine.hold(Scope::Axis("x".to_string()), OnLoss::Stop).unwrap();
        let handle = machine.move_to("x", 1100.0, SLOW).unwrap();
        machine.let_go();
        until_faster(&mut machine, "x", 49.0);
        daemon.done(&format!("stop{name}"));
        assert_eq!(machine.wait(handle).unwrap(), Ended::Aborted);
        until("rest", || (axis(&mut machine, "x")["velocity"] == json!(0.0)).then_some(()));
        assert_eq!(daemon.motionctl("move x 200").status.code(), Some(4), "locked by stop{name}");
        daemon.done(&format!("release{name} --wait"));
        assert_eq!(daemon.done("move x 100 --wait"), "move x to 100: done\n");
    }
}

#[test]
fn check_config_takes_every_shipped_configuration() {
    for file in files("config") {
        let said = output(motiond().arg("check-config").arg(&file));
        assert!(said.status.success() && said.stderr.is_empty() && !said.stdout.is_empty(), "{said:?}");
    }
}

#[test]
fn check_config_refuses_each_bad_configuration_with_exactly_these_words() {
    for file in files("tests/data") {
        let mut command = motiond();
        // The words name the file as it was given.
        command.arg("check-config").arg(file.file_name().unwrap()).current_dir(file.parent().unwrap());
        let said = output(&mut command);
        let expected = std::fs::read_to_string(file.with_extension("expected")).unwrap();
        assert_eq!(said.status.code(), Some(2), "{}: {said:?}", file.display());
        assert_eq!(String::from_utf8(said.stderr).unwrap(), expected, "{}", file.display());
        assert!(said.stdout.is_empty(), "{}", file.display());
    }
}

#[test]
fn a_second_daemon_leaves_the_socket_to_the_first() {
    let daemon = Daemon::start();
    let second = output(&mut daemon.twin());
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains("another daemon serves this socket"), "{words}");
    daemon.done("status");
}

#[test]
fn the_socket_of_a_killed_daemon_is_taken_over() {
    let daemon = Daemon::start();
    let boot = |daemon: &Daemon| daemon.connect().call("Machine", "Status", json!({})).unwrap()["boot_id"].clone();
    let first = boot(&daemon);
    let daemon = daemon.replaced();
    assert_ne!(boot(&daemon), first);
    daemon.done("status");
}

#[test]
fn a_client_is_answered_beside_300_idle_ones_and_one_that_sends_garbage() {
    let daemon = Daemon::start();
    let idle: Vec<UnixStream> = (0..300).map(|_| UnixStream::connect(daemon.socket()).unwrap()).collect();
    until("all are clients", || daemon.metric("motion_clients").filter(|clients| *clients >= 300.0));
    let mut garbage = UnixStream::connect(daemon.socket()).unwrap();
    let mut reader = garbage.try_clone().unwrap();
    let reading = std::thread::spawn(move || {
        let mut answers = Vec::new();
        let _ = reader.read_to_end(&mut answers);
        answers
    });
    let mut machine = daemon.connect();
    for piece in
        [&b"\0\0\0"[..], b"{\"method\":\0", b"[1,2]\0", b"\xff\xfe\0", &[b'['; 60_000], b"\0", &[b'x'; 100_000]]
    {
        // The daemon closes the connection on a request without an end.
        let _ = garbage.write_all(piece);
        machine.call("Machine", "Status", json!({})).unwrap();
    }
    daemon.done("power on x --wait");
    daemon.done("move x 110 --wait");
    drop(garbage);
    let answers = reading.join().unwrap();
    assert!(String::from_utf8_lossy(&answers).contains("InvalidRequest"), "{}", String::from_utf8_lossy(&answers));
    drop(idle);
    until("they are gone", || daemon.metric("motion_clients").filter(|clients| *clients <= 1.0));
}
