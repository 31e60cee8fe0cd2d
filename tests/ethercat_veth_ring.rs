//! A ring of real cables: the built daemon with two interfaces, `motion-sim` at the other ends of both.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/veth.rs"]
mod veth;

use daemon::{output, until};
use serde_json::json;
use veth::{Bench, ip};

const RING: &str = "motion_bus_ring_whole{bus=\"field\"}";

/// What the events of one kind say.
fn told(bench: &Bench, kind: &str) -> Vec<String> {
    let events = bench.call("Events", "Read", json!({}));
    let of_kind = events["events"].as_array().unwrap().iter().filter(|event| event["kind"] == kind);
    of_kind.map(|event| event["words"].as_str().unwrap_or_default().to_string()).collect()
}

fn ring_whole(bench: &Bench) -> f64 {
    bench.samples().into_iter().find(|(name, _)| name == RING).unwrap_or_else(|| panic!("no {RING}")).1
}

#[test]
fn a_ring_is_cut_at_every_place_while_the_axes_move() {
    let mut bench = match Bench::start_ring("ring") {
        Ok(bench) => bench,
        Err(why) => return println!("skipped: ethercat_veth_ring: {why}"),
    };
    assert_eq!(ring_whole(&bench), 1.0);
    bench.done("power on x --wait");
    bench.done("power on y --wait");
    bench.done("move x --relative 900 --velocity 10");
    bench.done("move y --relative 500 --velocity 10");
    let gaps = [
        ("cut x-drive", "between the interface and x-drive"),
        ("cut y-drive", "between x-drive and y-drive"),
        ("cut io", "between y-drive and io"),
        ("cut end", "between io and the redundant interface"),
    ];
    for (place, (cut, gap)) in gaps.into_iter().enumerate() {
        bench.befall(cut);
        until("the break is told", || (told(&bench, "ring_broken").len() > place).then_some(()));
        assert_eq!(told(&bench, "ring_broken").last().map(String::as_str), Some(gap));
        assert_eq!(ring_whole(&bench), 0.0, "{cut}");
        bench.befall("mend");
        until("it is whole again", || (told(&bench, "ring_whole").len() > place).then_some(()));
        assert_eq!(ring_whole(&bench), 1.0, "{cut}");
    }
    // The same by the links themselves: one end loses it, and then the other.
    for (interface, gap) in [("fieldbus", gaps[0].1), ("fieldbus2", gaps[3].1)] {
        let master = bench.cable.networks[0].clone();
        let breaks = told(&bench, "ring_broken").len();
        ip(&format!("-n {master} link set {interface} down")).unwrap();
        until("the lost link is told", || (told(&bench, "ring_broken").len() > breaks).then_some(()));
        assert_eq!(told(&bench, "ring_broken").last().map(String::as_str), Some(gap));
        ip(&format!("-n {master} link set {interface} up")).unwrap();
        until("the link is back", || (ring_whole(&bench) == 1.0).then_some(()));
    }
    for axis in ["x", "y"] {
        let now = bench.status("Axis", json!({ "axis": axis }))["status"].take();
        assert_eq!(now["state"], "DiscreteMotion", "{now}\n{}", bench.done("events"));
    }
    bench.done("stop x");
    bench.done("stop y");
    bench.end();
    // The devices are still there, for who looks at them without a daemon.
    let scan = |interfaces: &str| {
        let mut scan = bench.cable.command(0, env!("CARGO_BIN_EXE_motionctl"));
        output(scan.args(["bus", "scan", "--interface"]).args(interfaces.split_whitespace()))
    };
    let found = String::from_utf8(scan("fieldbus --redundant-interface fieldbus2").stdout).unwrap();
    assert!(["x-drive", "y-drive", "io"].iter().all(|name| found.contains(name)), "{found}");
    let said = String::from_utf8(scan("fieldbus").stderr).unwrap();
    assert!(said.contains("no device answers") && said.contains("--redundant-interface"), "{said}");
}
