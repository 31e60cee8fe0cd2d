//! Drives without a cyclic mode over CAN: interpolated position (IP) and profile position (PP).

use crate::faults::{TABLE, befalls};
use crate::motion::{X, move_to, rig_of, rig_over};
use crate::wire::{NetworkWire, nodes_of};
use motiond::config::{self, MachineConfig};
use motiond::exchange::command::{Request, StopScope};
use motiond::fieldbus::canopen::frame::CanFrame;
use motiond::motion::Dynamics;

/// The shipped machine with x in a mode, and out of its group where it cannot be in one.
fn machine(mode: &str) -> MachineConfig {
    let text = include_str!("../../config/can-two-axis.toml").replacen("\"csp\"", &format!("\"{mode}\""), 1);
    let text = if mode == "pp" { text.replace("axes = [\"x\", \"y\"]", "axes = [\"y\"]") } else { text };
    config::parse(&text, "modes.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn object(wire: &NetworkWire, index: u16, subindex: u8) -> i64 {
    let mut value = [0; 8];
    let bytes = wire.with_device(0, |device| device.upload(index, subindex, &mut value)).unwrap();
    // With its sign.
    i64::from_le_bytes(value) << (64 - 8 * bytes) >> (64 - 8 * bytes)
}

fn place(wire: &NetworkWire) -> f64 {
    wire.with_device(0, |device| device.plant().unwrap().position_turns) * 20.0
}

/// What x's drive was told since the last look: controlword and target of its PDO.
fn told(wire: &NetworkWire) -> Vec<(u16, i32)> {
    let pdo = |(_, frame): (u64, CanFrame)| {
        let data = (frame.identifier() == 0x201).then(|| frame.bytes().to_vec())?;
        Some((u16::from_le_bytes([data[0], data[1]]), i32::from_le_bytes(data[3..7].try_into().unwrap())))
    };
    wire.log().into_iter().filter_map(pdo).collect()
}

#[test]
fn a_drive_is_brought_up_in_its_mode_and_enabled_where_it_stands() {
    for (mode, code, word) in [("ip", 7, 0x1F), ("pp", 1, 0x2F)] {
        let (mut rig, wire, _) = rig_of(machine(mode));
        rig.run(20);
        let before = place(&wire);
        told(&wire);
        rig.power_all();
        rig.run(50);
        assert_eq!((object(&wire, 0x6060, 0), object(&wire, 0x6061, 0)), (code, code), "{mode}");
        assert!((place(&wire) - before).abs() < 0.001, "{mode}: {before} mm before, {} now", place(&wire));
        let told = told(&wire);
        let first = told[0].1;
        assert!(told.iter().all(|(_, target)| *target == first), "{mode}: {told:?}");
        assert_eq!(told.last().unwrap().0, word, "{mode}");
        let interpolated = (object(&wire, 0x60C2, 1), object(&wire, 0x60C2, 2), object(&wire, 0x60C0, 0));
        assert_eq!(interpolated, (2, -3, 0), "{mode}");
        if mode == "pp" {
            let increments = 65_536 / 20;
            let limits = [0x6081, 0x6083, 0x6084].map(|index| object(&wire, index, 0));
            // 800 mm/s and 6000 mm/s², rounded down.
            let expected = [800.0, 6000.0, 6000.0].map(|limit| (limit * 3276.8_f64).floor() as i64);
            assert_eq!(limits, expected, "{increments}");
        }
    }
}

#[test]
fn moves_end_in_their_place_within_the_following_error() {
    for mode in ["ip", "pp"] {
        for divisor in 1..=4 {
            let (mut rig, wire, _) = rig_of(with_divisor(machine(mode), divisor));
            rig.power_all();
            for target in [400.0, 100.0, 100.5, 400.0] {
                let handle = rig.send(move_to(X, target));
                let (mut worst, mut farthest): (f64, f64) = (0.0, 0.0);
                let (from, mut last) = (place(&wire), place(&wire));
                let mut fastest: f64 = 0.0;
                while rig.end_of(handle).is_none() {
                    rig.step();
                    if std::env::var("TRACE").is_ok() && divisor==2 && mode=="pp" && target==400.0 {
                        let a = rig.snapshot.axes[0];
                        println!("{} sp {:.3} v {:.1} act {:.3} av {:.1} err {:.3} told {:?}", rig.cycles, a.setpoint, a.velocity, a.actual, (place(&wire)-last)*1000.0, a.following_error, told(&wire));
                    }
                    worst = worst.max(rig.snapshot.axes[0].following_error.abs());
                    farthest = farthest.max((place(&wire) - from) * (target - from).signum());
                    fastest = fastest.max((place(&wire) - last).abs() * 1000.0);
                    last = place(&wire);
                    assert!(rig.cycles < 60_000, "{mode}, {divisor}: {:?}", rig.snapshot.axes[0]);
                }
                assert!(rig.is_done(handle), "{mode}, {divisor}: {:?} {:?}", rig.verdicts, rig.events);
                let beyond = farthest - (target - from).abs();
                println!("{mode}, SYNC each {divisor}: to {target}: error {worst:.3} mm, {beyond:.4} mm beyond, {fastest:.0} mm/s");
                rig.run(100);
                assert!((place(&wire) - target).abs() < 0.02, "{mode}, {divisor}: {} mm, {target} wanted", place(&wire));
            }
        }
    }
}

fn with_divisor(mut config: MachineConfig, divisor: u32) -> MachineConfig {
    config.axes[0].wiring.supervision.following_window = Some(60.0);
    config.buses[0].divisor = divisor;
    config
}
