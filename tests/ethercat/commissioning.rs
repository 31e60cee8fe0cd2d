//! From unknown devices to a configuration: what they tell, and a file that is taken as it stands.

use crate::bring_up::{machine, segment};
use crate::wire::SegmentWire;
use motiond::commissioning::skeleton::{MARK, skeleton};
use motiond::commissioning::survey::{Nature, SurveyedDevice, survey};
use motiond::config::{self, MachineConfig};
use motiond::fieldbus::ethercat::bring_up::{Place, bring_up};
use motiond::fieldbus::ethercat::register::AlState;
use motiond::fieldbus::ethercat::wire::Wire;
use motiond::simulation::ethercat::{Manners, Segment, SegmentCommand};

fn wire_of(config: &MachineConfig) -> SegmentWire {
    SegmentWire::to(Segment::new(&segment(config)).unwrap())
}

fn surveyed(config: &MachineConfig) -> Vec<SurveyedDevice> {
    survey(&mut wire_of(config)).unwrap()
}

fn taken(text: &str) -> MachineConfig {
    config::parse(text, "skeleton.toml").unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn devices_tell_what_they_are() {
    let devices = surveyed(&machine());
    let natures: Vec<Nature> = devices.iter().map(SurveyedDevice::nature).collect();
    assert_eq!(natures, [Nature::Drive, Nature::Drive, Nature::Terminal]);
    let drive = &devices[0];
    let facts = drive.mailbox.as_ref().unwrap();
    assert_eq!((facts.device_type.map(|kind| kind & 0xFFFF), facts.failed), (Some(402), None));
    assert_eq!((facts.name.as_deref(), drive.name()), (Some("x-drive"), "x-drive"));
    assert_eq!(facts.axes.len(), 1);
    assert_eq!(facts.axes[0].encoder, Some((1_048_576, 1)));
    assert_eq!((devices[2].input_bits(), devices[2].output_bits()), (8, 8));
    let layout = &machine().buses[0].devices[0].layout;
    assert_eq!(drive.output_bits() as usize, layout.output_bytes() * 8);
    assert_eq!(drive.input_bits() as usize, layout.input_bytes() * 8);
    for device in &devices {
        assert_eq!(device.status.unwrap().state, Some(AlState::PreOperational));
    }
    // The last one has nothing behind it.
    let links: Vec<usize> =
        devices.iter().map(|device| device.ports.unwrap().iter().filter(|port| **port).count()).collect();
    assert_eq!(links, [2, 2, 1]);
}

#[test]
fn a_skeleton_is_taken_as_it_stands_and_brings_the_same_segment_up() {
    let wire = wire_of(&machine());
    let text = skeleton(&survey(&mut wire.clone()).unwrap(), "enp3s0", &[]);
    println!("{text}");
    let config = taken(&text);
    let bus = &config.buses[0];
    assert_eq!((bus.devices.len(), config.axes.len()), (3, 2));
    for (device, found) in bus.devices.iter().zip(survey(&mut wire.clone()).unwrap()) {
        let identity = device.identity;
        assert_eq!(identity.vendor_id, Some(found.found.vendor));
        assert_eq!((identity.product_code, identity.revision), (Some(found.found.product), Some(found.found.revision)));
    }
    for axis in &config.axes {
        assert!(axis.motion.limits.velocity <= 36.0, "{:?}", axis.motion.limits);
        assert_eq!(axis.wiring.drive.scaling.increments_per_motor_turn.as_f64(), 1_048_576.0);
    }
    assert!(text.matches(MARK).count() > 10, "what must be filled in is marked");
    let brought = bring_up(Box::new(wire.clone()), &bus.segment(config.period_ns));
    assert!(brought.is_ok(), "{:?}", brought.err());
}

/// A wire behind which the first device has these manners, whatever is done to it.
struct Mannered(SegmentWire, Manners);

impl Wire for Mannered {
    fn send(&mut self, frame: &[u8], now_ns: u64) -> bool {
        self.0.end().segment.command(SegmentCommand::Manners(0, self.1));
        self.0.send(frame, now_ns)
    }

    fn receive(&mut self, buffer: &mut [u8], deadline_ns: u64) -> Option<usize> {
        self.0.receive(buffer, deadline_ns)
    }

    fn now_ns(&self) -> u64 {
        self.0.now_ns()
    }
}

#[test]
fn what_a_silent_device_does_not_tell_is_marked() {
    for manners in [Manners::Silent, Manners::Garbage] {
        let devices = survey(&mut Mannered(wire_of(&machine()), manners)).unwrap();
        assert_eq!(devices[0].nature(), Nature::Drive, "by its SII");
        assert!(devices[0].mailbox.as_ref().unwrap().failed.is_some(), "{:?}", devices[0].mailbox);
        let text = skeleton(&devices, "enp3s0", &[]);
        assert!(text.contains("its mailbox did not tell everything"), "{text}");
        assert!(text.contains("encoder-increments-per-motor-turn = 1000 # CHECK"), "{text}");
        taken(&text);
    }
}

#[test]
fn a_coupler_is_configured_and_exchanges_nothing() {
    let file = include_str!("../../config/ethercat-terminals.toml");
    let coupled = file.replacen(
        "[[bus.device]]",
        "[[bus.device]]\nname = \"coupler\"\nkind = \"coupler\"\nposition = 3\n\n[[bus.device]]",
        1,
    );
    let config = taken(&coupled);
    let mut wire = wire_of(&config);
    // The configuration lists it first, and the wire of this test has the devices as they are listed.
    let mut wanted = config.buses[0].segment(config.period_ns);
    for (place, device) in wanted.devices.iter_mut().enumerate() {
        device.place = Place::Position(place as u16);
    }
    let devices = survey(&mut wire).unwrap();
    assert_eq!(devices[0].nature(), Nature::Coupler);
    let text = skeleton(&devices, "enp3s0", &[]);
    assert_eq!(taken(&text).buses[0].devices.len(), 4, "{text}");
    let brought = bring_up(Box::new(wire.clone()), &wanted);
    assert!(brought.is_ok(), "{:?}", brought.err());
}
