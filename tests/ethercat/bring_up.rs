//! From power-on to OP, and what is said where it does not come to that.

use crate::support::rig::Rig;
use crate::wire::{SegmentWire, Tampered};
use motiond::config::{self, MachineConfig};
use motiond::daemon::assembly::{BusWire, assemble_over};
use motiond::fault::Fault;
use motiond::fieldbus::CyclicBus;
use motiond::fieldbus::ethercat::bring_up::{BringUpError, BroughtUp, Place, bring_up};
use motiond::fieldbus::ethercat::scan::{ScanError, scan};
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::simulation::ethercat::{Segment, SegmentParameters};

/// Two drives and a terminal.
pub fn machine() -> MachineConfig {
    let file = include_str!("../../config/ethercat-terminals.toml");
    config::parse(file, "config/ethercat-terminals.toml").unwrap_or_else(|error| panic!("{error}"))
}

pub fn segment(config: &MachineConfig) -> SegmentParameters {
    let devices = config.buses[0].simulation.devices.clone();
    let drift_ppb = (0..devices.len()).map(|place| 40_000.0 * place as f64 - 30_000.0).collect();
    SegmentParameters { devices, aliases: Vec::new(), drift_ppb, period_ns: config.period_ns }
}

#[test]
fn a_scan_tells_what_is_on_the_wire() {
    let config = machine();
    let mut wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap());
    let found = scan(&mut wire).unwrap();
    let names: Vec<&str> = found.iter().map(|device| device.name.as_str()).collect();
    assert_eq!(names, ["x-drive", "y-drive", "io"]);
    for (position, device) in found.iter().enumerate() {
        assert_eq!((usize::from(device.position), device.has_clock), (position, true));
        assert!(device.sii.mailbox.is_some_and(|mailbox| mailbox.coe && mailbox.foe), "{device:?}");
        assert_eq!(device.sii.sync_managers.len(), 4);
    }
    // Clocks that drift read whole nanoseconds.
    let delays: Vec<u32> = found.iter().map(|device| device.delay_ns).collect();
    assert!(delays.iter().zip([0_u32, 500, 1000]).all(|(delay, real)| delay.abs_diff(real) <= 2), "{delays:?}");
}

#[test]
fn an_empty_wire_says_so() {
    let parameters = SegmentParameters { devices: vec![], aliases: vec![], drift_ppb: vec![], period_ns: 1_000_000 };
    let mut wire = SegmentWire::to(Segment::new(&parameters).unwrap());
    assert_eq!(scan(&mut wire), Err(ScanError::NoDevices));
}

#[test]
fn every_device_comes_to_op_and_exchanges() {
    let config = machine();
    let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap());
    let BroughtUp { mut bus, .. } =
        bring_up(Box::new(wire.clone()), &config.buses[0].segment(config.period_ns)).unwrap();
    for place in 0..3 {
        assert!(
            wire.end().segment.is_operational(place),
            "device {place}: {:?}",
            (0..3).map(|d| bus.al_status(d)).collect::<Vec<_>>()
        );
    }
    let (mut inputs, outputs) = (vec![0; config.buses[0].input_bytes], vec![0; config.buses[0].output_bytes]);
    let mut start_ns = bus.wire().now_ns();
    for cycle in 0..1000 {
        start_ns += config.period_ns;
        bus.begin(&outputs, start_ns);
        let report = bus.finish(&mut inputs, start_ns + config.period_ns / 2);
        assert!(report.complete() && report.fresh == 0b111, "cycle {cycle}: {report:?}");
    }
}

#[test]
fn a_device_at_another_place_or_of_another_kind_is_named() {
    let config = machine();
    let mut wanted = config.buses[0].segment(config.period_ns);
    let attempt = |wanted: &_| {
        let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap());
        bring_up(Box::new(wire), wanted).map(drop).unwrap_err()
    };
    wanted.devices[1].place = Place::Position(7);
    let missing = BringUpError::Missing { device: "y-drive".into(), place: Place::Position(7) };
    assert_eq!(attempt(&wanted), missing);
    wanted.devices[1].place = Place::Position(1);
    wanted.devices[1].identity.product = Some(0xBEEF);
    let error = attempt(&wanted);
    assert!(matches!(&error, BringUpError::Identity { device, position: 1, .. } if device == "y-drive"), "{error}");
    wanted.devices[1].identity.product = None;
    wanted.devices.truncate(2);
    assert_eq!(attempt(&wanted), BringUpError::Count { configured: 2, found: 3, first: (2, "io".into()) });
}

#[test]
fn an_orderly_end_leaves_every_device_in_preop_and_no_fault_behind() {
    let (mut rig, wire) = crate::motion::rig_of(machine());
    rig.power_all();
    let off = |axis| motiond::exchange::command::Request::Power { axis: motiond::ids::AxisId(axis), on: false };
    let ends = [rig.send(off(0)), rig.send(off(1))];
    rig.run_until(2000, "both are off", |rig| ends.iter().all(|end| rig.is_done(*end)));
    // As long as the daemon goes on at its end.
    rig.run(10);
    drop(rig);
    assert!((0..3).all(|place| wire.end().segment.state_name(place) == "PREOP"));
    let config = machine();
    wire.clone().receive(&mut [0; 1514], wire.now_ns() + 5_000_000_000);
    let assembly = assemble_over(&config, |_| Ok(BusWire::Ethercat(Box::new(wire.clone()))))
        .unwrap_or_else(|error| panic!("{error}"));
    let mut rig = Rig::of(config, assembly.cycle, assembly.ends, assembly.simulations);
    rig.now_ns = wire.now_ns();
    rig.run(500);
    assert!(rig.snapshot.axes.iter().all(|axis| axis.fault == 0), "{:?}", rig.events);
    rig.power_all();
}

#[test]
fn a_panic_in_the_scan_is_a_fault_with_a_number_and_the_next_start_is_as_any() {
    let config = machine();
    let wire = SegmentWire::to(Segment::new(&segment(&config)).unwrap());
    let assemble = |wire: Box<dyn Wire>| {
        let mut wire = Some(wire);
        assemble_over(&config, |_| Ok(BusWire::Ethercat(wire.take().unwrap())))
    };
    for frames in [2, 50, 500] {
        // A library that fails an internal check in the middle of its scan.
        let mut left = frames;
        let failing = Tampered(wire.clone(), move |_: &SegmentWire, _: &mut [u8]| {
            left = u32::checked_sub(left, 1).expect("planted in the scan");
        });
        let Err(error) = assemble(Box::new(failing)) else { panic!("after {frames} frames") };
        assert_eq!(error.fault(), Some(Fault::BusNotUp));
        let words = error.to_string();
        assert!(
            words.starts_with("fault 2005 bus-not-up: bus \"field\": ") && words.contains("planted in the scan"),
            "{words}"
        );
    }
    assemble(Box::new(wire)).unwrap_or_else(|error| panic!("{error}"));
}
