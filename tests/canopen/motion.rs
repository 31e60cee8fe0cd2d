//! Machines that move over CAN.

use motiond::config::{self, MachineConfig};
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::daemon::device_desk::Desk;
use motiond::exchange::command::Request;
use motiond::ids::{AxisId, GroupId};
use motiond::motion::{BufferMode, Direction, Dynamics, GroupShape, MoveKind};
use motiond::simulation::canopen::{Network, NetworkParameters};

use super::support::rig::Rig;
pub const X: AxisId = AxisId(0);

use super::wire::{NetworkWire, nodes_of};

pub fn machine() -> MachineConfig {
    config::load("config/can-two-axis.toml".as_ref()).unwrap_or_else(|error| panic!("{error}"))
}

/// The machine over a network of its simulated nodes.
pub fn rig_of(config: MachineConfig) -> (Rig, NetworkWire, Vec<Desk>) {
    let network = nodes_of(&config.buses[0], config.period_ns);
    rig_over(config, &network)
}

pub fn rig_over(config: MachineConfig, network: &NetworkParameters) -> (Rig, NetworkWire, Vec<Desk>) {
    let wire = NetworkWire::to(Network::new(network).unwrap());
    let assembly = assemble_over(&config, |_| Ok(BusWire::Can(Box::new(wire.clone()))));
    let assembly = assembly.unwrap_or_else(|error| panic!("{error}"));
    let mut rig = Rig::of(config, assembly.cycle, assembly.ends, assembly.simulations);
    rig.now_ns = wire.now_ns();
    (rig, wire, assembly.desks)
}

pub fn move_to(axis: AxisId, target: f64) -> Request {
    Request::Move {
        axis,
        kind: MoveKind::Absolute,
        target,
        dynamics: Dynamics::default(),
        buffer: BufferMode::Aborting,
        direction: Direction::Shortest,
    }
}

#[test]
fn axes_and_groups_move_over_can() {
    let (mut rig, wire, _) = rig_of(machine());
    rig.power_all();
    assert_eq!([0, 1, 2].map(|node| wire.state_name(node)), ["Operational"; 3]);
    let start = rig.snapshot.axes[0].setpoint;
    let handle = rig.send(move_to(X, start + 200.0));
    let mut worst: f64 = 0.0;
    while rig.end_of(handle).is_none() {
        rig.step();
        worst = worst.max(rig.snapshot.axes[0].following_error.abs());
        assert!(rig.cycles < 10_000, "{:?}", rig.snapshot);
    }
    assert!(rig.is_done(handle), "{:?} {:?}", rig.verdicts, rig.events);
    let turns = wire.with_device(0, |device| device.plant().unwrap().position_turns);
    let place = rig.snapshot.axes[0].actual;
    assert!((turns * 20.0 - place).abs() < 0.01, "{turns} turns of 20 mm, {place} mm");
    println!("following error at most {worst} mm");
    rig.send(Request::GroupEnable { group: GroupId(0) });
    rig.run(5);
    let whole = Dynamics::default();
    let line = rig.send_group_move(GroupId(0), GroupShape::Linear, &[50.0, 30.0], true, whole, BufferMode::Aborting);
    rig.run_until(20_000, "the line is done", |rig| rig.end_of(line).is_some());
    assert!(rig.is_done(line), "{:?} {:?}", rig.verdicts, rig.events);
    let bus = rig.snapshot.buses[0];
    assert_eq!((bus.frames_lost, bus.working_counter_errors), (0, 0), "{bus:?}");
}

#[test]
fn feedback_is_held_against_the_setpoint_of_its_instant() {
    for divisor in 1..=4 {
        let (mut rig, _wire, _) = rig_of(without_terminal(divisor));
        rig.power_all();
        let dynamics = Dynamics { velocity: Some(400.0), ..Dynamics::default() };
        rig.send(Request::Velocity { axis: X, velocity: 400.0, dynamics });
        rig.run_until(3000, "constant velocity", |rig| rig.snapshot.axes[0].velocity == 400.0);
        rig.run(200);
        // A period off would be 0.4 mm.
        for _ in 0..8 {
            rig.step();
            let error = rig.snapshot.axes[0].following_error;
            assert!(error.abs() < 0.1, "{error} mm at 400 mm/s with a SYNC each {divisor} cycles");
        }
    }
}

/// The same machine without its terminal, with a SYNC each so many cycles.
fn without_terminal(divisor: u32) -> MachineConfig {
    let text = std::fs::read_to_string("config/can-two-axis.toml").unwrap();
    let text = text.replace("cycles-per-sync = 2", &format!("cycles-per-sync = {divisor}"));
    let (head, _) = text.split_once("[[input]]").unwrap();
    let terminal = head.find("[[bus.device]]\nname = \"io\"").unwrap();
    let axes = head.find("[[axis]]").unwrap();
    config::parse(&format!("{}{}", &head[..terminal], &head[axes..]), "two axes").unwrap_or_else(|e| panic!("{e}"))
}
