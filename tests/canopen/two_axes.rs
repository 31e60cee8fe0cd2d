//! Two axes in one node, their objects 800h apart: each has its PDOs, its mode and its power state machine, and what befalls the
//! node befalls both.

use crate::motion::{move_to, rig_of};
use crate::support::rig::Rig;
use crate::wire::NetworkWire;
use motiond::config::{self, MachineConfig};
use motiond::exchange::command::Request;
use motiond::exchange::event::{EventKind, Subject};
use motiond::fault::Fault;
use motiond::ids::{AxisId, GroupId};
use motiond::motion::{AxisState, BufferMode, Dynamics, GroupShape};
use motiond::simulation::canopen::NetworkCommand;

const AXES: [AxisId; 2] = [AxisId(0), AxisId(1)];
/// Millimetres in a turn of the motors.
const LEADS: [f64; 2] = [20.0, 10.0];
/// Combinations of the modes of x and y, with their numbers.
const MODES: [([&str; 2], [i64; 2]); 4] =
    [(["csp", "csp"], [8, 8]), (["ip", "ip"], [7, 7]), (["csp", "ip"], [8, 7]), (["pp", "ip"], [1, 7])];

/// The shipped machine, both of whose motors hang on its first drive.
fn machine(modes: [&str; 2]) -> MachineConfig {
    let text = include_str!("../../config/can-two-axis.toml");
    let text = text.replace("[[bus.device]]\nname = \"y-drive\"\nnode-id = 2\n\n", "");
    let axis = |at: usize, drive: &str| {
        let written = format!("device = \"{drive}\"\nmode = \"csp\"");
        assert!(text.contains(&written));
        (written, format!("device = \"x-drive\"\ndevice-axis = {at}\nmode = \"{}\"", modes[at]))
    };
    let (x, y) = (axis(0, "x-drive"), axis(1, "y-drive"));
    let text = text.replace(&x.0, &x.1).replace(&y.0, &y.1);
    let text = if modes.contains(&"pp") { text.replace("axes = [\"x\", \"y\"]", "axes = [\"y\"]") } else { text };
    config::parse(&text, "two-axes.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn place(wire: &NetworkWire, axis: usize) -> f64 {
    wire.with_device(0, |device| device.plant_of(axis as u8).unwrap().position_turns) * LEADS[axis]
}

fn object(wire: &NetworkWire, index: u16, subindex: u8) -> i64 {
    let mut value = [0; 8];
    let bytes = wire.with_device(0, |device| device.upload(index, subindex, &mut value)).unwrap();
    // With its sign.
    i64::from_le_bytes(value) << (64 - 8 * bytes) >> (64 - 8 * bytes)
}

fn run_both(rig: &mut Rig) {
    let dynamics = Dynamics { velocity: Some(100.0), ..Dynamics::default() };
    for axis in AXES {
        rig.send(Request::Velocity { axis, velocity: 100.0, dynamics });
    }
    rig.run_until(1000, "both run", |rig| rig.snapshot.axes.iter().all(|axis| axis.velocity == 100.0));
}

#[test]
fn each_axis_has_its_mode_and_moves_alone_and_together() {
    for (modes, codes) in MODES {
        let (mut rig, wire, _) = rig_of(machine(modes));
        rig.power_all();
        assert_eq!([object(&wire, 0x6061, 0), object(&wire, 0x6861, 0)], codes, "{modes:?}");
        for axis in [0, 0x800] {
            assert_eq!([object(&wire, 0x60C2 + axis, 1), object(&wire, 0x60C2 + axis, 2)], [2, -3], "{modes:?}");
            assert_eq!(object(&wire, 0x6007 + axis, 0), 3, "{modes:?}: a lost master stops each axis");
        }
        for (axis, other) in [(1, 0), (0, 1)] {
            let (start, before) = (rig.snapshot.axes[axis].setpoint, [place(&wire, 0), place(&wire, 1)]);
            let moved = rig.send(move_to(AXES[axis], start + 50.0));
            rig.run_until(5000, "the move is done", |rig| rig.end_of(moved).is_some());
            assert!(rig.is_done(moved), "{modes:?}: {:?} {:?}", rig.verdicts, rig.events);
            let went = [0, 1].map(|axis| place(&wire, axis) - before[axis]);
            assert!((went[axis] - 50.0).abs() < 0.05 && went[other].abs() < 0.01, "{modes:?}: {went:?}");
        }
        if modes.contains(&"pp") {
            continue;
        }
        rig.send(Request::GroupEnable { group: GroupId(0) });
        rig.run(5);
        let (shape, whole) = (GroupShape::Linear, Dynamics::default());
        let line = rig.send_group_move(GroupId(0), shape, &[100.0, 80.0], true, whole, BufferMode::Aborting);
        rig.run_until(20_000, "the line is done", |rig| rig.end_of(line).is_some());
        assert!(rig.is_done(line), "{modes:?}: {:?} {:?}", rig.verdicts, rig.events);
    }
}

#[test]
fn what_befalls_the_node_befalls_both_axes() {
    type Befall = fn(&NetworkWire);
    let befalls: [(&str, Befall, &[Fault]); 3] = [
        ("off", |wire| wire.command(NetworkCommand::PowerOff(0)), &[Fault::DeviceLost; 2]),
        ("its heartbeat missing", |wire| wire.command(NetworkCommand::Mute(0, true)), &[Fault::DeviceLost; 2]),
        ("starts anew", |wire| wire.command(NetworkCommand::Restart(0)), &[Fault::DeviceLost; 2]),
    ];
    for (modes, _) in MODES {
        for (name, befall, expected) in befalls {
            for moving in [false, true] {
                let how = format!("{modes:?}, {name}, {}", if moving { "moving" } else { "standing" });
                let (mut rig, wire, _) = rig_of(machine(modes));
                rig.power_all();
                if moving {
                    run_both(&mut rig);
                }
                befall(&wire);
                rig.run(1500);
                let raised = rig.events.iter().filter_map(|event| match event.kind {
                    EventKind::FaultRaised { fault, subject: Subject::Axis(_), .. } => Some(fault),
                    _ => None,
                });
                let raised: Vec<Fault> = raised.collect();
                assert_eq!(raised, expected, "{how}: {:?}", rig.events);
                let off = |state| matches!(state, AxisState::ErrorStop | AxisState::Disabled);
                assert!(rig.snapshot.axes.iter().all(|axis| off(axis.state)), "{how}");
                // It comes back, is reset and moves.
                wire.command(NetworkCommand::PowerOn(0));
                wire.command(NetworkCommand::Mute(0, false));
                rig.run(6000);
                assert_eq!(wire.state_name(0), "Operational", "{how}");
                for axis in AXES {
                    rig.send(Request::Reset { axis });
                }
                rig.run(200);
                rig.power_all();
                for axis in AXES {
                    let start = rig.snapshot.axes[axis.index()].setpoint;
                    let moved = rig.send(move_to(axis, start + 10.0));
                    rig.run_until(5000, "it moves again", |rig| rig.end_of(moved).is_some());
                    assert!(rig.is_done(moved), "{how}: {:?}", rig.events);
                }
            }
        }
    }
}
