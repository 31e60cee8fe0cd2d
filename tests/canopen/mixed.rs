//! One machine on two buses: a straight line of an axis over EtherCAT and one over CAN, by what their shafts really do.

#[path = "../ethercat/wire.rs"]
#[allow(dead_code, reason = "each test program uses a part")]
mod segment_wire;

use motiond::config;
use motiond::config::schema::BusKind;
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::exchange::command::Request;
use motiond::ids::GroupId;
use motiond::motion::{BufferMode, Dynamics, GroupShape};
use motiond::simulation::canopen::Network;
use motiond::simulation::ethercat::{Segment, SegmentParameters};
use segment_wire::SegmentWire;

use super::support::rig::Rig;
use super::wire::{NetworkWire, nodes_of};

/// Millimetres in a turn of each motor.
const LEADS: [f64; 2] = [20.0, 10.0];
/// Where the line goes.
const TARGET: [f64; 2] = [300.0, 150.0];

/// How far the shafts are off the line: at most, and at constant velocity; both drives are in this mode.
fn deviation(mode: &str, cycles_per_sync: u32, compensated: bool) -> (f64, f64) {
    let text = std::fs::read_to_string("config/mixed-machine.toml").unwrap();
    let text = text.replace("\"csp\"", &format!("\"{mode}\""));
    let text = text.replace("kind = \"canopen\"", &format!("kind = \"canopen\"\ncycles-per-sync = {cycles_per_sync}"));
    let delay = if compensated { "" } else { "extra-delay-cycles = 0\n" };
    let text = text.replace("kind = \"ethercat\"\n", &format!("kind = \"ethercat\"\n{delay}"));
    let config = config::parse(&text, "mixed").unwrap_or_else(|error| panic!("{error}"));
    let devices = config.buses[0].simulation.devices.clone();
    let parameters = SegmentParameters { devices, aliases: vec![], drift_ppb: vec![], period_ns: config.period_ns };
    let segment = SegmentWire::to(Segment::new(&parameters).unwrap());
    let network = NetworkWire::to(Network::new(&nodes_of(&config.buses[1], config.period_ns)).unwrap());
    let assembly = assemble_over(&config, |bus| {
        Ok(if bus.kind == BusKind::Canopen {
            BusWire::Can(Box::new(network.clone()))
        } else {
            BusWire::Ethercat(Box::new(segment.clone()))
        })
    });
    let assembly = assembly.unwrap_or_else(|error| panic!("{error}"));
    let start_ns = motiond::fieldbus::ethercat::wire::Wire::now_ns(&segment).max(network.now_ns());
    let mut rig = Rig::of(config, assembly.cycle, assembly.ends, assembly.simulations);
    rig.now_ns = start_ns;
    rig.power_all();
    rig.send(Request::GroupEnable { group: GroupId(0) });
    rig.run(5);
    let dynamics = Dynamics::default();
    let line = rig.send_group_move(GroupId(0), GroupShape::Linear, &TARGET, false, dynamics, BufferMode::Aborting);
    let shafts = || {
        let x = segment.end().segment.device(0).unwrap().plant().unwrap().position_turns * LEADS[0];
        let y = network.with_device(0, |device| device.plant().unwrap().position_turns) * LEADS[1];
        [x, y]
    };
    let length = TARGET[0].hypot(TARGET[1]);
    let (mut most, mut steady): (f64, f64) = (0.0, 0.0);
    while rig.end_of(line).is_none() {
        rig.step();
        assert!(rig.cycles < 20_000, "{:?}", rig.snapshot);
        let [x, y] = shafts();
        let off = (x * TARGET[1] - y * TARGET[0]).abs() / length;
        most = most.max(off);
        let constant = rig.snapshot.axes.iter().all(|axis| axis.acceleration.abs() < 1e-9 && axis.velocity > 1.0);
        if constant && (0.3..0.8).contains(&(x / TARGET[0])) {
            steady = steady.max(off);
        }
    }
    assert!(rig.is_done(line), "{:?} {:?}", rig.verdicts, rig.events);
    assert!(steady > 0.0, "there was no constant velocity");
    (most, steady)
}

#[test]
fn a_line_on_two_buses_is_straight() {
    for (mode, cycles_per_sync) in [("csp", 1), ("csp", 2), ("csp", 4), ("ip", 1), ("ip", 4)] {
        let (with, without) = (deviation(mode, cycles_per_sync, true), deviation(mode, cycles_per_sync, false));
        println!(
            "{mode}, SYNC each {cycles_per_sync} ms: off the line at most {:.4} mm, {:.4} mm at 500 mm/s; \
             without compensation {:.4} mm and {:.4} mm",
            with.0, with.1, without.0, without.1
        );
        // x is so many milliseconds ahead, at 500 mm/s along the line and so many of them across it.
        let length = TARGET[0].hypot(TARGET[1]);
        let off = (f64::from(2 * cycles_per_sync + 1) - 2.5) * 0.5 * TARGET[0] * TARGET[1] / (length * length);
        assert!((without.1 / off - 1.0).abs() < 0.2, "{} mm off, {off} mm expected", without.1);
        assert!(with.1 < 0.1 * without.1 + 0.01 && with.0 < 0.2 * without.0 + 0.02, "{with:?} {without:?}");
    }
}
