//! What a node on a CAN bus costs a cycle, in instructions: the bus's own exchange, counted by callgrind as the difference of two
//! runs, less the wire of the test.

use std::hint::black_box;
use std::process::{Command, ExitCode};

use motiond::fieldbus::CyclicBus;
use motiond::fieldbus::canopen::bring_up::bring_up;
use motiond::fieldbus::canopen::frame::CanFrame;

#[path = "../tests/support/agreeable.rs"]
mod agreeable;

use agreeable::{Agreeable, network};

/// One run to be counted.
fn run(nodes: usize, cycles: u64, kind: &str) {
    let network = network(nodes);
    let ids: Vec<u8> = network.nodes.iter().map(|node| node.node).collect();
    let (outputs, mut inputs) = (vec![0; 7 * nodes], vec![0; 7 * nodes]);
    let mut brought = bring_up(Box::new(Agreeable::new(&ids)), &network).unwrap();
    let start_ns = brought.bus.wire().now_ns();
    if kind == "bus" {
        for cycle in 1..=cycles {
            brought.bus.begin(black_box(&outputs), start_ns + cycle * network.period_ns);
            black_box(brought.bus.finish(black_box(&mut inputs), 0));
        }
        return;
    }
    // The wire alone: the same frames, sent and taken.
    let wire = brought.bus.wire();
    for cycle in 1..=cycles {
        let now_ns = start_ns + cycle * network.period_ns;
        while black_box(wire.receive(now_ns)).is_some() {}
        let _ = wire.send(&CanFrame::data(0x80, &[]), now_ns);
        for id in &ids {
            let _ = wire.send(black_box(&CanFrame::data(0x200 + u16::from(*id), &[0; 7])), now_ns);
        }
    }
}

fn count(nodes: usize, cycles: u64, kind: &str) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().unwrap())
        .args(["run", &nodes.to_string(), &cycles.to_string(), kind])
        .output()
        .expect("valgrind runs (Debian package valgrind)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let line = said.lines().find(|line| line.contains("Collected :")).unwrap_or_else(|| panic!("{said}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [verb, nodes, cycles, kind] = &arguments[..] {
        assert_eq!(verb, "run");
        run(nodes.parse().unwrap(), cycles.parse().unwrap(), kind);
        return ExitCode::SUCCESS;
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: can_cost: valgrind is not installed (Debian package valgrind)");
        return ExitCode::SUCCESS;
    }
    let per_cycle = |nodes, kind| (count(nodes, 3000, kind) - count(nodes, 1000, kind)) / 2000;
    println!("| nodes | instructions a cycle | per further node |");
    println!("|---:|---:|---:|");
    let mut before: Option<(usize, u64)> = None;
    for nodes in [1, 2, 4, 8, 16] {
        let cost = per_cycle(nodes, "bus") - per_cycle(nodes, "wire");
        let share = before.map(|(fewer, less)| (cost - less) as f64 / (nodes - fewer) as f64);
        println!("| {nodes} | {cost} | {} |", share.map_or(String::new(), |share| format!("{share:.0}")));
        before = Some((nodes, cost));
    }
    ExitCode::SUCCESS
}
