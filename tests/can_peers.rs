//! The built daemon over another stack's nodes: drives written in Python over PyPI's `canopen`, on a virtual CAN interface. And
//! that stack's client asks the simulated nodes, so that both ends of our SDO are held against something else. It runs where there
//! is such an interface (`tests/can/lane`), with `MOTIOND_PYTHON` naming a Python that has the package.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/can.rs"]
mod can;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[path = "support/undisturbed.rs"]
mod undisturbed;

use can::{Interface, Master, Talker, patient_machine, simulation};
use daemon::{output, until};
use std::process::Command;
use undisturbed::undisturbed;

/// The interface and the Python; else says that this is skipped.
fn place(name: &str) -> Option<(Interface, String)> {
    let Ok(python) = std::env::var("MOTIOND_PYTHON") else {
        println!("skipped: can_peers {name}: MOTIOND_PYTHON names no Python with the package canopen");
        return None;
    };
    match Interface::make(name) {
        Ok(interface) => Some((interface, python)),
        Err(why) => {
            println!("skipped: can_peers {name}: {why}");
            None
        }
    }
}

/// The two drives of the shipped machine; its terminal is left out.
fn machine(interface: &str) -> String {
    let whole = patient_machine(interface);
    let (head, _) = whole.split_once("[[input]]").unwrap();
    let (before, rest) =
        head.split_once("[[bus.device]]\nwatchdog-ms = 1000\nheartbeat-ms = 200\nname = \"io\"").unwrap();
    // As long a period as there is: what does not keep up with its frames hears its master too late.
    format!("{before}{}", &rest[rest.find("[[axis]]").unwrap()..])
        .replace("period-us = 5000", "period-us = 10000")
        .replace("lost-frames-tolerated = 100", "lost-frames-tolerated = 50")
}

fn drives(python: &str, interface: &str, nodes: &[&str]) -> Talker {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/can/drives.py");
    Talker::start(Command::new(python).args([script, interface]).args(nodes))
}

#[test]
fn drives_of_another_stack_are_brought_up_move_and_survive_a_restart() {
    undisturbed(|| {
        let Some((_interface, python)) = place("vpeer") else { return };
        let mut nodes = drives(&python, "vpeer", &["1", "2"]);
        let mut master = Master::start(&machine("vpeer"));
        assert!(nodes.ask("state 1").contains("OPERATIONAL"));
        master.make_ready(&["x", "y"]);
        master.done("move x --relative 50 --wait");
        assert!((master.axis("x")["actual"].as_f64().unwrap() - 50.0).abs() < 0.01, "{}", master.axis("x"));
        master.done("group enable table");
        master.done("group linear table x=60 y=20 --wait");
        master.done("group disable table");
        // One frame, segments, and a block transfer that this stack turns into segments or refuses.
        assert!(master.done("sdo read x-drive 1018:01 --as u32").contains("741"), "the vendor");
        assert!(master.done("sdo read x-drive 1008:00 --as text").contains("a drive of another make"));
        let note = "a note that is much longer than one frame and than what goes in segments by itself";
        let mut write = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        write.arg("--socket").arg(master.socket()).args(["sdo", "write", "x-drive", "2001:00", note, "--as", "text"]);
        let written = output(&mut write);
        assert!(written.status.success(), "{written:?}");
        assert_eq!(nodes.ask("note 1"), note);
        assert!(master.done("sdo read x-drive 2001:00 --as text").contains(note));
        let refused = master.motionctl("sdo read x-drive 3000:00");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("06020000"), "{refused:?}");
        // An emergency is a fault of its axis.
        let before = master.latest();
        assert_eq!(nodes.ask("emergency 2 0x7500"), "ok: emergency 2 0x7500");
        assert_eq!(until("y has a fault", || master.faults(before).into_iter().next()), "drive-emergency");
        assert_eq!(master.axis("x")["state"], "Standstill", "x stays enabled");
        // It starts anew by itself in motion, and is set up again.
        master.make_ready(&["x", "y"]);
        master.done("velocity x 20");
        let before = master.latest();
        assert_eq!(nodes.ask("restart 1"), "ok: restart 1");
        until("x has a fault", || master.faults(before).into_iter().next());
        until("every device is operational", || master.every_device_is_operational().then_some(()));
        assert!(master.events(before, "power").iter().all(|event| event["on"] != true), "nothing powers itself on");
        // All of them are killed, and others come.
        master.make_ready(&["x", "y"]);
        let before = master.latest();
        drop(nodes);
        until("the machine has a fault", || master.faults(before).into_iter().next());
        let mut nodes = drives(&python, "vpeer", &["1", "2"]);
        until("every device is operational", || master.every_device_is_operational().then_some(()));
        master.make_ready(&["x", "y"]);
        assert_eq!(nodes.ask("state 1"), "enabled OPERATIONAL");
        // The daemon is killed in motion: the drives miss its heartbeat. Another daemon comes, and powers nothing on.
        master.done("velocity x 20");
        master.daemon.0.kill().unwrap();
        until("the drive has noticed", || (nodes.ask("state 1") == "fault PRE-OPERATIONAL").then_some(()));
        master.kill_and_restart();
        assert!(master.events(0, "power").iter().all(|event| event["on"] != true));
        master.make_ready(&["x"]);
        master.done("move x --relative 1 --wait");
        master.end();
    });
}

/// Drives without a cyclic mode, as another stack's programmer understands CiA 402-2.
#[test]
fn drives_of_another_stack_follow_records_and_go_from_target_to_target() {
    undisturbed(|| {
        let Some((_interface, python)) = place("vmodes") else { return };
        let mut nodes = drives(&python, "vmodes", &["1", "2"]);
        let text = machine("vmodes").replacen("\"csp\"", "\"ip\"", 1).replacen("\"csp\"", "\"pp\"", 1);
        let mut master = Master::start(&text.replace("axes = [\"x\", \"y\"]", "axes = [\"x\"]"));
        master.make_ready(&["x", "y"]);
        // 6061h, and 6081h of the axis's limit: 500 mm/s of 65536 increments for 10 mm.
        assert_eq!([nodes.ask("mode 1"), nodes.ask("mode 2")], ["7 0", "1 3276800"]);
        let at = |master: &Master, axis: &str| master.axis(axis)["actual"].as_f64().unwrap();
        for (axis, target) in [("x", 50.0), ("y", 80.0), ("x", 10.0), ("y", 79.0)] {
            master.done(&format!("move {axis} {target} --wait"));
            until("it is there", || ((at(&master, axis) - target).abs() < 0.01).then_some(()));
        }
        master.done("group enable table");
        master.done("group linear table x=60 --wait");
        master.done("group disable table");
        // A stop in motion ends where its ramp does, and it stays enabled.
        for axis in ["x", "y"] {
            master.done(&format!("velocity {axis} 40"));
            until("it moves", || (master.axis(axis)["velocity"].as_f64().unwrap() > 39.0).then_some(()));
            master.done(&format!("stop {axis}"));
            until("it stands", || (master.axis(axis)["velocity"].as_f64().unwrap() == 0.0).then_some(()));
            until("it is where the ramp ends", || {
                let shown = master.axis(axis);
                assert!(shown["fault"].is_null(), "{shown}");
                ((shown["actual"].as_f64()? - shown["setpoint"].as_f64()?).abs() < 0.01).then_some(())
            });
            master.done(&format!("release {axis}"));
            assert_eq!(nodes.ask(if axis == "x" { "state 1" } else { "state 2" }), "enabled OPERATIONAL");
        }
        // One after the other starts anew in motion: it is a fault, and they come back without another start of the daemon.
        for (node, axis) in [(1, "x"), (2, "y")] {
            master.make_ready(&["x", "y"]);
            master.done(&format!("velocity {axis} 20"));
            let before = master.latest();
            let restart = format!("restart {node}");
            assert_eq!(nodes.ask(&restart), format!("ok: {restart}"));
            until("it has a fault", || master.faults(before).into_iter().next());
            until("every device is operational", || master.every_device_is_operational().then_some(()));
            assert!(master.events(before, "power").iter().all(|event| event["on"] != true), "nothing powers itself on");
            master.make_ready(&["x", "y"]);
            master.done(&format!("move {axis} --relative 5 --wait"));
        }
        // The daemon is killed in motion: the drives miss its heartbeat, and another daemon has them again.
        master.done("velocity y 20");
        master.daemon.0.kill().unwrap();
        until("the drive has noticed", || (nodes.ask("state 2") == "fault PRE-OPERATIONAL").then_some(()));
        master.kill_and_restart();
        master.make_ready(&["y"]);
        master.done("move y --relative 1 --wait");
        master.end();
    });
}

#[test]
fn a_mode_that_a_drive_of_another_stack_lacks_is_told_in_words() {
    undisturbed(|| {
        let Some((_interface, python)) = place("vlacks") else { return };
        let _nodes = drives(&python, "vlacks", &["1", "2"]);
        let gains = "[axis.gains]\nposition-per-s = 1\n\n[axis.following-error]";
        let text = machine("vlacks").replacen("\"csp\"", "\"csv\"", 1).replacen("[axis.following-error]", gains, 1);
        let mut master = Master::starting(&text);
        master.line_with("it has no mode csv (6060h = 9): it has pp, ip, csp (6502h = 000000C1h)");
    });
}

#[test]
fn the_simulated_nodes_serve_the_client_of_another_stack() {
    undisturbed(|| {
        let Some((_interface, python)) = place("vclient") else { return };
        let folder = tempfile::tempdir().unwrap();
        let mut nodes = simulation(&patient_machine("vclient"), &folder, "vclient", "field");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/can/client.py");
        let mut client = Talker::start(Command::new(python).args([script, "vclient"]));
        nodes.befall("forget-id y-drive");
        assert_eq!(client.ask("go"), "14 checks");
    });
}
