//! Real frames on a virtual CAN interface: the built daemon and `motion-sim`, each a process of its own. It runs where there is
//! such an interface: `tests/can/lane` is such a place.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/can.rs"]
mod can;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[path = "support/undisturbed.rs"]
mod undisturbed;

use can::{Interface, Master, Talker, patient_machine, simulation};
use daemon::until;
use std::process::Command;
use tempfile::TempDir;
use undisturbed::undisturbed;

/// An interface with simulated nodes and a daemon; `None` where there is no such interface.
struct Bench {
    master: Master,
    nodes: Talker,
    _folder: TempDir,
    interface: Interface,
}

/// Makes an interface, or says that this is skipped.
fn interface(name: &str) -> Option<Interface> {
    match Interface::make(name) {
        Ok(interface) => Some(interface),
        Err(why) => {
            println!("skipped: can_vcan {name}: {why}");
            None
        }
    }
}

fn start(name: &str) -> Option<Bench> {
    let interface = interface(name)?;
    let folder = tempfile::tempdir().unwrap();
    let machine = patient_machine(name);
    let nodes = simulation(&machine, &folder, name, "field");
    Some(Bench { master: Master::start(&machine), nodes, _folder: folder, interface })
}

/// The value of a metric.
fn metric(master: &Master, name: &str) -> f64 {
    let text = master.metrics();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {text}"));
    line.trim().parse().unwrap()
}

#[test]
fn nodes_are_brought_up_and_move() {
    undisturbed(|| {
        let Some(mut bench) = start("vmove") else { return };
        let master = &bench.master;
        master.make_ready(&["x", "y"]);
        let before = master.axis("x")["actual"].as_f64().unwrap();
        master.done("move x --relative 50 --wait");
        let after = master.axis("x")["actual"].as_f64().unwrap();
        assert!((after - before - 50.0).abs() < 0.5, "from {before} to {after}");
        master.done("group enable table");
        master.done("group linear table x=60 y=20 --wait");
        master.done("group disable table");
        let value = |name: &str| metric(master, name);
        let answered = value("motion_bus_round_trip_seconds_count{bus=\"field\"}");
        println!(
            "SYNC to the last answer: {:.6} s on average",
            value("motion_bus_round_trip_seconds_sum{bus=\"field\"}") / answered
        );
        assert!(answered > 100.0, "frames come with their time");
        let load = value("motion_can_load_ratio{bus=\"field\"}");
        assert!((0.05..0.8).contains(&load), "a load of {load}");
        // Objects of every transfer: in one frame, in segments, in blocks.
        assert!(master.done("sdo read x-drive 1018:01 --as u32").contains("2650"), "the vendor");
        assert!(master.done("sdo read x-drive 1008:00 --as text").contains("x-drive"));
        let note = "a note of the user's that is longer than what goes in segments, and goes in blocks both ways";
        let mut write = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        write.arg("--socket").arg(master.socket()).args(["sdo", "write", "x-drive", "2000:00", note, "--as", "text"]);
        let written = daemon::output(&mut write);
        assert!(written.status.success(), "{written:?}");
        assert!(master.done("sdo read x-drive 2000:00 --as text").contains(note));
        bench.master.end();
        // Without a daemon: an object, and who is there.
        let bus = |words: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
            let run = daemon::output(command.args(["bus", "sdo"]).args(words.split_whitespace()));
            String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).trim().to_string()
        };
        assert_eq!(bus("read --interface vmove --node 2 1018:01 --as u32"), "2650");
        assert_eq!(bus("write --interface vmove --node 2 6065 77 --as u32"), "6065:00 written");
        assert_eq!(bus("read --interface vmove --node 2 6065 --as u32"), "77");
        assert!(
            bus("read --interface vmove --node 2 3000").contains("06020000"),
            "{}",
            bus("read --interface vmove --node 2 3000")
        );
        let mut scan = Command::new(env!("CARGO_BIN_EXE_motionctl"));
        let scanned = daemon::output(scan.args(["bus", "scan", "--interface", &bench.interface.name]));
        let said = String::from_utf8_lossy(&scanned.stdout);
        assert!(scanned.status.success(), "{scanned:?}");
        let rows: Vec<Vec<&str>> = said.lines().skip(1).map(|line| line.split_whitespace().take(3).collect()).collect();
        assert_eq!(rows, [["1", "drive", "x-drive"], ["2", "drive", "y-drive"], ["10", "terminal", "io"]], "{said}");
    });
}

#[test]
fn a_node_that_was_off_comes_back_and_is_not_powered_on() {
    undisturbed(|| {
        let Some(mut bench) = start("voff") else { return };
        bench.master.make_ready(&["x", "y"]);
        let before = bench.master.latest();
        bench.nodes.befall("off x-drive");
        until("x has a fault", || bench.master.faults(before).into_iter().next());
        assert_eq!(bench.master.axis("y")["state"], "Standstill", "y stays enabled");
        bench.nodes.befall("on x-drive");
        until("every device is operational", || bench.master.every_device_is_operational().then_some(()));
        assert!(bench.master.events(before, "power").iter().all(|event| event["on"] != true));
        bench.master.make_ready(&["x"]);
        bench.master.done("move x --relative 10 --wait");
        bench.master.end();
    });
}

/// What `candump -L` shows: identifier and content of each frame.
fn captured(dump: &str) -> Vec<(u16, String)> {
    let frame = |line: &str| {
        let (identifier, content) = line.split_whitespace().nth(2)?.split_once('#')?;
        Some((u16::from_str_radix(identifier, 16).ok()?, content.to_string()))
    };
    dump.lines().filter_map(frame).collect()
}

/// Of how many SYNCs every answer came before the next one, and of how many it might.
fn answered(frames: &[(u16, String)]) -> (usize, usize) {
    let syncs: Vec<usize> = frames.iter().enumerate().filter(|(_, frame)| frame.0 == 0x080).map(|(at, _)| at).collect();
    assert!(syncs.len() > 50, "{frames:?}");
    // Between two SYNCs: one RPDO to each node, and one TPDO of each, but where a process came too late.
    let mut whole = 0;
    for pair in syncs.windows(2) {
        let between = &frames[pair[0] + 1..pair[1]];
        let count = |identifier: u16| between.iter().filter(|frame| frame.0 == identifier).count();
        assert!(frames[pair[0]].1.is_empty(), "SYNC has no content");
        let receive = [0x201, 0x202, 0x20A].map(count);
        assert!(receive.iter().all(|count| *count <= 1), "{between:?}");
        let transmit = [0x181, 0x182, 0x18A].map(count);
        if receive == [1; 3] && transmit == [1; 3] {
            whole += 1;
            // The master's are behind SYNC without anything of its own between, and a node answers the SYNC, not an RPDO.
            let own: Vec<u16> = between.iter().map(|frame| frame.0).filter(|id| (0x200..0x280).contains(id)).collect();
            assert_eq!(own, [0x201, 0x202, 0x20A], "{between:?}");
        }
    }
    (whole, syncs.len() - 1)
}

#[test]
fn the_wire_has_the_order_of_cia_301() {
    undisturbed(|| {
        let Some(mut bench) = start("vorder") else { return };
        bench.master.make_ready(&["x", "y"]);
        bench.master.done("velocity x 20");
        // Where others have the processor, answers are late: then once more.
        until("four of five SYNCs are answered whole before the next", || {
            let Ok(dump) = Command::new("candump").args(["-L", "-n", "600", "vorder"]).output() else {
                println!("skipped: can_vcan order: there is no candump (package can-utils)");
                return Some(());
            };
            let frames = captured(&String::from_utf8_lossy(&dump.stdout));
            assert_eq!(frames.len(), 600, "{}", String::from_utf8_lossy(&dump.stderr));
            let (whole, all) = answered(&frames);
            println!("{whole} of {all} SYNCs are answered whole before the next");
            (10 * whole >= 8 * all).then_some(())
        });
        bench.master.done("halt x --wait");
        bench.master.end();
    });
}

/// What motion-sim is told, what it is told to take it back, and which fault comes first; none where it is ridden through. 100
/// lost exchanges and three missed PDOs are tolerated; the watchdogs of the devices take a second, heartbeats come each 200 ms.
const TABLE: &[(&str, &str, &[&str])] = &[
    ("lose 1", "mend", &[]),
    ("lose 20", "mend", &[]),
    ("swallow x-drive 1", "mend", &[]),
    ("swallow io 2", "mend", &[]),
    ("emergency x-drive 0", "mend", &[]),
    ("sdo x-drive silent", "sdo x-drive good", &[]),
    ("sdo y-drive garbage", "sdo y-drive good", &[]),
    ("swallow x-drive 100", "swallow x-drive 0", &["device-lost"]),
    ("swallow io 100", "swallow io 0", &["working-counter"]),
    ("mute x-drive on", "mute x-drive off", &["device-lost"]),
    ("restart x-drive", "mend", &["device-lost", "drive-emergency"]),
    ("restart io", "mend", &["working-counter"]),
    ("off x-drive", "on x-drive", &["device-lost"]),
    ("off io", "on io", &["working-counter"]),
    ("cut", "mend", &["bus-lost", "device-lost", "working-counter"]),
    ("babble y-drive on", "babble y-drive off", &["drive-emergency"]),
    ("emergency x-drive 0x7500", "mend", &["drive-emergency"]),
    ("emergency io 0x5100", "mend", &["terminal-emergency"]),
    ("fault x-drive 0x7305", "fault x-drive 0", &["drive-emergency", "drive-fault"]),
];

#[test]
fn each_fault_on_the_wire_does_what_the_table_says() {
    undisturbed(|| {
        let Some(mut bench) = start("vfaults") else { return };
        let Bench { master, nodes, .. } = &mut bench;
        for (command, back, faults) in TABLE {
            for moving in [false, true] {
                let how = format!("{command}, {}", if moving { "moving" } else { "standing" });
                master.make_ready(&["x", "y"]);
                if moving {
                    let there = master.axis("x")["setpoint"].as_f64().unwrap();
                    let velocity = if there < 600.0 { 40.0 } else { -40.0 };
                    master.done(&format!("velocity x -- {velocity}"));
                    until("x is in motion", || (master.axis("x")["velocity"] == velocity).then_some(()));
                }
                let before = master.latest();
                nodes.befall(command);
                if faults.is_empty() {
                    master.cycles(100);
                    assert_eq!(master.faults(before), [""; 0], "{how}\n{}", master.done("events"));
                    nodes.befall(back);
                    master.done("halt x --wait");
                    continue;
                }
                let first = until(&how, || master.faults(before).into_iter().next());
                assert!(faults.contains(&first.as_str()), "{how}: {first}\n{}", master.done("events"));
                until("x stands", || (master.axis("x")["velocity"] == 0.0).then_some(()));
                nodes.befall(back);
                until(&how, || master.every_device_is_operational().then_some(()));
                let powered = master.events(before, "power").iter().any(|event| event["on"] == true);
                assert!(!powered, "{how}: something was powered on by itself\n{}", master.done("events"));
            }
        }
        bench.master.end();
    });
}

#[test]
fn a_daemon_that_is_killed_or_stopped_leaves_drives_that_stop_by_themselves() {
    undisturbed(|| {
        let Some(mut bench) = start("vkilled") else { return };
        let Bench { master, nodes, .. } = &mut bench;
        for moving in [false, true] {
            master.make_ready(&["x", "y"]);
            if moving {
                master.done("velocity x 40");
                until("x is in motion", || (master.axis("x")["velocity"] == 40.0).then_some(()));
            }
            master.kill_and_restart();
            assert!(master.events(0, "power").iter().all(|event| event["on"] != true));
            let place = master.axis("x")["actual"].as_f64().unwrap();
            master.cycles(100);
            let there = master.axis("x")["actual"].as_f64().unwrap();
            assert!((there - place).abs() < 0.01, "from {place} to {there}");
        }
        // Stopped for longer than the drives wait for its heartbeat.
        master.make_ready(&["x", "y"]);
        master.done("velocity x 40");
        let before = master.latest();
        master.signal(nix::sys::signal::Signal::SIGSTOP);
        until("the drive has noticed", || {
            (nodes.ask("state x-drive") == "x-drive is in Pre-operational").then_some(())
        });
        master.signal(nix::sys::signal::Signal::SIGCONT);
        until("x has a fault", || master.faults(before).into_iter().next());
        until("every device is back", || (master.events(before, "device_returned").len() == 3).then_some(()));
        assert!(master.events(before, "power").iter().all(|event| event["on"] != true));
        master.make_ready(&["x"]);
        bench.master.end();
    });
}

/// Error frames as a controller would give them, put on the wire by somebody else.
#[test]
fn error_frames_are_told_and_bus_off_stops_the_machine() {
    undisturbed(|| {
        let Some(mut bench) = start("verror") else { return };
        let master = &bench.master;
        let inject = |frame: &str| {
            let mut send = Command::new("cansend");
            let sent = daemon::output(send.args(["verror", frame]));
            assert!(sent.status.success(), "{sent:?}");
        };
        master.make_ready(&["x", "y"]);
        let before = master.latest();
        // Error-passive, active again.
        inject("20000004#0020000000000000");
        until("it is told", || master.events(before, "can_errors").pop());
        assert_eq!(metric(master, "motion_can_state{bus=\"field\",state=\"error-passive\"}"), 1.0);
        inject("20000004#0040000000000000");
        until("it is told", || master.events(before, "can_good").pop());
        assert_eq!(master.faults(before), [""; 0]);
        master.done("velocity x 20");
        inject("20000040#0000000000000000");
        until("it is told", || master.events(before, "can_bus_off").pop());
        // The nodes of this wire are still heard, so that the bus is there again; its nodes are set up anew.
        until("x stands", || (master.axis("x")["velocity"] == 0.0).then_some(()));
        until("every device is operational", || master.every_device_is_operational().then_some(()));
        assert!(!master.faults(before).is_empty());
        assert!(master.events(before, "power").iter().all(|event| event["on"] != true));
        for (name, count) in [("error_warning", 0.0), ("error_passive", 1.0), ("bus_off", 1.0)] {
            assert_eq!(metric(master, &format!("motion_can_{name}_total{{bus=\"field\"}}")), count, "{name}");
        }
        assert_eq!(metric(master, "motion_can_state{bus=\"field\",state=\"error-active\"}"), 1.0);
        master.make_ready(&["x"]);
        bench.master.end();
    });
}

/// A queueing discipline that takes too little: frames are refused with ENOBUFS.
#[test]
fn an_interface_that_takes_too_little_is_told_of() {
    undisturbed(|| {
        let Some(mut bench) = start("vfull") else { return };
        bench.master.make_ready(&["x", "y"]);
        let before = bench.master.latest();
        let tc = |words: &str| {
            let mut tc = Command::new("tc");
            daemon::output(tc.args(words.split_whitespace()))
        };
        // A frame of 16 bytes passes each 16 ms.
        let slow = tc("qdisc add dev vfull root tbf rate 8kbit burst 32 limit 32");
        if !slow.status.success() {
            println!("skipped: can_vcan full: tc: {}", String::from_utf8_lossy(&slow.stderr).trim());
            return;
        }
        until("it is told", || bench.master.events(before, "can_queue_full").pop());
        assert!(tc("qdisc del dev vfull root").status.success());
        assert!(metric(&bench.master, "motion_can_queue_full_total{bus=\"field\"}") > 0.0);
        until("every device is operational", || bench.master.every_device_is_operational().then_some(()));
        bench.master.make_ready(&["x", "y"]);
        bench.master.done("move x --relative 1 --wait");
        bench.master.end();
    });
}

/// What is on the wire is not what is configured: the daemon says so in words that name the node, and ends.
#[test]
fn nodes_that_are_others_are_refused_in_words() {
    undisturbed(|| {
        let Some(_interface) = interface("vother") else { return };
        let folder = tempfile::tempdir().unwrap();
        let machine = patient_machine("vother").replace("node-id = 1\n", "node-id = 1\nproduct-code = 402\n");
        let mut nodes = simulation(&machine, &folder, "vother", "field");
        let rows: [(&[&str], &[&str], &str); 4] = [
            (
                &["exchange x-drive 77", "on x-drive"],
                &["exchange x-drive 402", "on x-drive"],
                "product code is 0x0000004d",
            ),
            (&["twin y-drive on"], &["twin y-drive off"], "\"y-drive\" (node id 2): two devices answer"),
            (&["sdo x-drive abort"], &["sdo x-drive good"], "refuses object 1000h:00 with abort code 08000000h"),
            (&["off io"], &["on io"], "\"io\" (node id 10): it does not answer"),
        ];
        for (commands, back, words) in rows {
            commands.iter().for_each(|command| nodes.befall(command));
            let mut master = Master::starting(&machine);
            let ended = master.daemon.ended("the daemon");
            let said = master.rest();
            assert_eq!(ended.code(), Some(1), "{said}");
            assert!(said.contains("fault 2005 bus-not-up") && said.contains(words), "{commands:?}: {said}");
            back.iter().for_each(|command| nodes.befall(command));
        }
        // And a second daemon leaves the bus to the first.
        let mut first = Master::start(&machine);
        let mut second = Master::starting(&machine);
        assert_eq!(second.daemon.ended("the second daemon").code(), Some(1));
        let said = second.rest();
        assert!(said.contains("another master drives this bus"), "{said}");
        first.make_ready(&["x"]);
        first.end();
    });
}
