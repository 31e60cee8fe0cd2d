//! The built programs, as somebody uses them who has unknown CANopen nodes: `motionctl bus scan` with `motion-sim` as the nodes, then
//! `motiond check-config` and a first move with the configuration that was written. It runs where there is a CAN interface:
//! `tests/can/lane` is such a place.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/can.rs"]
mod can;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use can::{Interface, Master, patient_machine, simulation};
use daemon::{motiond, output};
use std::process::{Command, Output};

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn from_unknown_nodes_to_the_first_move() {
    let _interface = match Interface::make("vscan") {
        Ok(interface) => interface,
        Err(why) => {
            println!("skipped: can_scan: {why}");
            return;
        }
    };
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let _nodes = simulation(&patient_machine("vscan"), &directory, "vscan", "field");
    let motionctl = |words: &[&str]| -> Output {
        output(Command::new(env!("CARGO_BIN_EXE_motionctl")).args(words).current_dir(here))
    };
    let scan = ["bus", "scan", "--interface", "vscan", "--skeleton", "machine.toml"];
    let run = motionctl(&scan);
    let table = words(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{}", words(&run.stderr));
    assert!(table.contains("x-drive") && table.contains("\nwritten: machine.toml"), "{table}");
    // Nothing is overwritten, and the other way shows the same.
    let again = motionctl(&scan);
    assert_eq!(again.status.code(), Some(1));
    assert!(words(&again.stderr).contains("machine.toml exists already"), "{}", words(&again.stderr));
    let text = std::fs::read_to_string(here.join("machine.toml")).unwrap();
    println!("{text}");
    let shown = motionctl(&["bus", "scan", "--interface", "vscan", "--skeleton", "-"]);
    assert_eq!(words(&shown.stdout), text);
    for line in [
        "kind = \"canopen\"",
        "name = \"drive-1\"",
        "node-id = 2",
        "vendor-id = 0x00000a5a",
        "digital-inputs = 8",
        "mode = \"csp\"",
        "# PDOs to it: 4, mapped now: nothing",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    // Such an interface has no bit rate to be read.
    let marked = |key: &str| text.lines().any(|line| line.starts_with(key) && line.contains("# CHECK:"));
    assert!(marked("bit-rate-kbit-per-s = 1000") && marked("encoder-increments-per-motor-turn = "));

    let checked = output(motiond().args(["check-config", "machine.toml"]).current_dir(here));
    assert_eq!(checked.status.code(), Some(0), "{}", words(&checked.stderr));
    let said = words(&checked.stdout);
    assert!(said.contains("ok: 2 axes, 0 groups, 1 bus with 3 devices"), "{said}");

    // Nobody lends a processor of its own here.
    let text = text.replace("period-us = 1000", "period-us = 5000");
    let text = text.replace("[[bus]]", "[realtime]\nmax-skipped-periods = 1000\nhold-cpu-latency = false\n\n[[bus]]");
    let text = text.replace("interface =", "lost-frames-tolerated = 100\ninterface =");
    let text = text.replace("[[bus.device]]", "[[bus.device]]\nwatchdog-ms = 1000\nheartbeat-ms = 200");
    let text = text.replace("time-ms = 50", "time-ms = 1000\nstale-cycles-tolerated = 100");
    let mut master = Master::start(&text);
    master.make_ready(&["axis-1", "axis-2"]);
    let before = master.axis("axis-1")["actual"].as_f64().unwrap();
    master.done("move axis-1 --relative 20 --wait");
    let moved = master.axis("axis-1")["actual"].as_f64().unwrap() - before;
    assert!((moved - 20.0).abs() < 1.0, "moved by {moved} deg");
    master.end();
}
