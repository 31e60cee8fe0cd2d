//! Real frames on a virtual CAN interface: the built daemon and `motion-sim`, each a process of its own. It runs where there is
//! such an interface: `tests/can/lane` is such a place.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/can.rs"]
mod can;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use can::{Interface, Master, Talker, patient_machine, simulation};
use daemon::until;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// One machine at a time: they are held to a period.
static ALONE: Mutex<()> = Mutex::new(());

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
    let nodes = simulation(&machine, &folder, name);
    Some(Bench { master: Master::start(&machine), nodes, _folder: folder, interface })
}

#[test]
fn nodes_are_brought_up_and_move() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
    drop(bench.interface);
}

#[test]
fn a_node_that_was_off_comes_back_and_is_not_powered_on() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
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
}

/// What `candump -L` shows: identifier and content of each frame.
fn captured(dump: &str) -> Vec<(u16, String)> {
    let frame = |line: &str| {
        let (identifier, content) = line.split_whitespace().nth(2)?.split_once('#')?;
        Some((u16::from_str_radix(identifier, 16).ok()?, content.to_string()))
    };
    dump.lines().filter_map(frame).collect()
}

#[test]
fn the_wire_has_the_order_of_cia_301() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut bench) = start("vorder") else { return };
    bench.master.make_ready(&["x", "y"]);
    bench.master.done("velocity x 20");
    let dump = Command::new("candump").args(["-L", "-n", "600", "vorder"]).output();
    let Ok(dump) = dump else {
        println!("skipped: can_vcan order: there is no candump (package can-utils)");
        return;
    };
    bench.master.done("halt x --wait");
    let frames = captured(&String::from_utf8_lossy(&dump.stdout));
    assert_eq!(frames.len(), 600, "{}", String::from_utf8_lossy(&dump.stderr));
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
    assert!(10 * whole >= 8 * (syncs.len() - 1), "{whole} of {} SYNCs are answered whole before the next", syncs.len());
    bench.master.end();
}
