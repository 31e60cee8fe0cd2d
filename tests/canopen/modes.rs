//! Drives without a cyclic mode over CAN: interpolated position (IP) and profile position (PP).

use crate::faults::{TABLE, befalls};
use crate::motion::{X, move_to, rig_of, rig_over};
use crate::wire::{NetworkWire, nodes_of};
use motiond::config::{self, MachineConfig};
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::exchange::command::{Request, StopScope};
use motiond::fieldbus::canopen::frame::CanFrame;
use motiond::motion::Dynamics;
use motiond::simulation::SimulatedDeviceKind;
use motiond::simulation::canopen::{Network, NetworkCommand};

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
    // The error of a drive with a profile of its own is what its hand-over takes beyond the delay by which it is judged.
    for (mode, window) in [("ip", [0.5; 4]), ("pp", [0.5, 4.0, 10.0, 16.0])] {
        for divisor in 1..=4_u32 {
            let mut config = machine(mode);
            config.buses[0].divisor = divisor;
            let window = window[divisor as usize - 1];
            config.axes[0].wiring.supervision.following_window = Some(window);
            let (mut rig, wire, _) = rig_of(config);
            rig.power_all();
            for target in [400.0, 100.0, 100.5, 400.0] {
                let handle = rig.send(move_to(X, target));
                let (from, way) = (place(&wire), target - place(&wire));
                let (mut worst, mut farthest, mut fastest): (f64, f64, f64) = (0.0, 0.0, 0.0);
                let mut last = from;
                while rig.end_of(handle).is_none() {
                    rig.step();
                    worst = worst.max(rig.snapshot.axes[0].following_error.abs());
                    farthest = farthest.max((place(&wire) - from) * way.signum());
                    fastest = fastest.max((place(&wire) - last).abs() * 1000.0);
                    last = place(&wire);
                    assert!(rig.cycles < 20_000, "{mode}, {divisor}: {:?}", rig.snapshot.axes[0]);
                }
                let how = format!("{mode}, a SYNC each {divisor} cycles, to {target}");
                assert!(rig.is_done(handle), "{how}: {:?} {:?}", rig.verdicts, rig.events);
                let beyond = farthest - way.abs();
                println!("{how}: error {worst:.3} mm, {beyond:.4} mm beyond, {fastest:.0} mm/s");
                assert!(worst < window, "{how}: {worst} mm of {window}");
                // The loops of the simulated drive overshoot a little, in any mode.
                assert!(beyond < 0.05 && fastest < 1.03 * 800.0, "{how}: {beyond} mm beyond, {fastest} mm/s");
                rig.run(100);
                assert!((place(&wire) - target).abs() < 0.02, "{how}: at {} mm", place(&wire));
            }
        }
    }
}

#[test]
fn a_stop_keeps_to_the_limits_and_ends_where_its_ramp_does() {
    for (mode, late) in [("ip", 0.0), ("pp", 400.0 * 0.014)] {
        let (mut rig, wire, _) = rig_of(machine(mode));
        rig.power_all();
        let dynamics = Dynamics { velocity: Some(400.0), ..Dynamics::default() };
        rig.send(Request::Velocity { axis: X, velocity: 400.0, dynamics });
        rig.run_until(1000, "x is in motion", |rig| rig.snapshot.axes[0].velocity == 400.0);
        rig.run(200);
        let before = place(&wire);
        rig.stop(StopScope::Axis(X));
        let mut farthest = before;
        for _ in 0..500 {
            rig.step();
            farthest = farthest.max(place(&wire));
        }
        assert_eq!(rig.snapshot.axes[0].velocity, 0.0, "{mode}");
        let end = rig.snapshot.axes[0].setpoint;
        assert!((place(&wire) - end).abs() < 0.02, "{mode}: at {} mm, the ramp ends at {end}", place(&wire));
        assert!(farthest - end < 0.05, "{mode}: {} mm beyond the end of the ramp", farthest - end);
        // 400² / (2 · 6000), what the jerk adds, and seven cycles to the shaft and back.
        let went = place(&wire) - before;
        assert!((13.0..24.0 + late).contains(&went), "{mode}: {went} mm");
    }
}

#[test]
fn a_drive_that_gets_no_more_targets_stops_where_it_could() {
    // The master is gone in motion. Without its heartbeat's watchdog the drive would come to the last target, which is no
    // farther than its own stop from where it is.
    let (mut rig, wire, _) = rig_of(machine("pp"));
    rig.power_all();
    wire.with_device(0, |device| device.download(0x6007, 0, &0_i16.to_le_bytes())).unwrap();
    let dynamics = Dynamics { velocity: Some(400.0), ..Dynamics::default() };
    rig.send(Request::Velocity { axis: X, velocity: 400.0, dynamics });
    rig.run_until(1000, "x is in motion", |rig| rig.snapshot.axes[0].velocity == 400.0);
    rig.run(200);
    wire.command(NetworkCommand::Cut(true));
    let before = place(&wire);
    rig.run(500);
    let went = place(&wire) - before;
    // 400² / (2 · 6000), and a target that comes each 14 ms.
    assert!((10.0..13.4 + 400.0 * 0.03).contains(&went), "{went} mm");
    let rest = place(&wire);
    rig.run(500);
    assert!((place(&wire) - rest).abs() < 0.01);
}

#[test]
fn each_fault_of_the_bus_does_what_it_does_in_csp() {
    for mode in ["ip", "pp"] {
        let config = machine(mode);
        for row in TABLE {
            println!("{mode}: {}", row.0);
            befalls(&config, row, false);
            befalls(&config, row, true);
        }
    }
}

#[test]
fn a_drive_whose_power_was_cycled_has_its_mode_and_its_limits_again() {
    for (mode, code) in [("ip", 7), ("pp", 1)] {
        let config = machine(mode);
        let mut nodes = nodes_of(&config.buses[0], config.period_ns);
        let SimulatedDeviceKind::Drive(drives) = &mut nodes.nodes[0].device.kind else { panic!("no drive") };
        // What it has by itself is another deceleration.
        drives[0].slow_down_deceleration_turns_s2 = 1.0;
        let (mut rig, wire, _) = rig_over(config, &nodes);
        rig.power_all();
        wire.command(NetworkCommand::PowerOff(0));
        rig.run(500);
        wire.command(NetworkCommand::PowerOn(0));
        rig.run(6000);
        let deceleration = if mode == "pp" { 6000 * 65_536 / 20 } else { 65_536 };
        assert_eq!(object(&wire, 0x6084, 0), deceleration, "{mode}");
        rig.send(Request::Reset { axis: X });
        rig.run(100);
        rig.power_all();
        assert_eq!(object(&wire, 0x6061, 0), code, "{mode}");
        let start = rig.snapshot.axes[0].setpoint;
        let handle = rig.send(move_to(X, start + 50.0));
        rig.run_until(3000, "the move is done", |rig| rig.end_of(handle).is_some());
        assert!(rig.is_done(handle), "{mode}: {:?}", rig.events);
    }
}

#[test]
fn a_mode_that_the_drive_does_not_list_is_refused_in_words() {
    for (mode, has, words) in [
        ("ip", 0x81, "it has no mode ip (6060h = 7): it has pp, csp (6502h = 00000081h)"),
        ("pp", 0xC0, "it has no mode pp (6060h = 1): it has ip, csp (6502h = 000000C0h)"),
        ("csp", 0x41, "it has no mode csp (6060h = 8): it has pp, ip (6502h = 00000041h)"),
    ] {
        let config = machine(mode);
        let mut nodes = nodes_of(&config.buses[0], config.period_ns);
        let SimulatedDeviceKind::Drive(drives) = &mut nodes.nodes[0].device.kind else { panic!("no drive") };
        drives[0].supported_modes = has;
        let wire = NetworkWire::to(Network::new(&nodes).unwrap());
        let assembled = assemble_over(&config, |_| Ok(BusWire::Can(Box::new(wire.clone()))));
        let Err(error) = assembled else { panic!("{mode}: taken") };
        let error = error.to_string();
        assert!(error.contains("\"x-drive\" (node id 1)") && error.contains(words), "{error}");
    }
}

#[test]
fn what_a_mode_cannot_do_is_refused_by_the_configuration() {
    let text = include_str!("../../config/can-two-axis.toml");
    let said = |text: &str| config::parse(text, "modes.toml").unwrap_err().to_string();
    let grouped = said(&text.replacen("\"csp\"", "\"pp\"", 1));
    assert!(grouped.contains("group[0].axes") || grouped.contains("group"), "{grouped}");
    assert!(grouped.contains("axis \"x\" in mode \"pp\"") && grouped.contains("its own way"), "{grouped}");
    for mode in ["ip", "pp"] {
        let other = if mode == "ip" { "607A:00:32" } else { "60C1:01:32" };
        let mapped = format!("node-id = 1\npdo-outputs = [\"6040:00:16\", \"6060:00:8\", \"{other}\"]");
        let lacking = text.replacen("\"csp\"", &format!("\"{mode}\""), 1).replacen("node-id = 1", &mapped, 1);
        let lacking = said(&lacking.replace("axes = [\"x\", \"y\"]", "axes = [\"y\"]"));
        let missing = if mode == "ip" { "60C1h:01, which IP needs" } else { "607Ah:00, which PP needs" };
        assert!(lacking.contains(missing), "{mode}: {lacking}");
        let gains = format!("mode = \"{mode}\"");
        let looped = text.replacen("mode = \"csp\"", &gains, 1).replacen(
            "[axis.following-error]",
            "[axis.gains]\nposition-per-s = 1\n\n[axis.following-error]",
            1,
        );
        assert!(said(&looped).contains(&format!("in {mode} the drive closes all loops")), "{}", said(&looped));
    }
}
