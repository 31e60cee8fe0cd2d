//! From unknown devices to a configuration: what they tell, and a file that is taken as it stands.

use crate::bring_up::{machine, segment};
use crate::wire::{SegmentWire, Tampered};
use motiond::commissioning::skeleton::skeleton;
use motiond::commissioning::survey::{DriveFacts, MailboxFacts, Nature, SurveyedDevice, survey};
use motiond::commissioning::wording::MARK;
use motiond::config::{self, MachineConfig};
use motiond::fieldbus::ethercat::bring_up::{Place, bring_up};
use motiond::fieldbus::ethercat::register::AlState;
use motiond::fieldbus::ethercat::scan::FoundDevice;
use motiond::fieldbus::ethercat::sii::{Sii, SiiPdo};
use motiond::simulation::ethercat::{Manners, Segment, SegmentCommand};
use proptest::prelude::*;

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
    let text = skeleton(&survey(&mut wire.clone()).unwrap(), "enp3s0", None, &[]);
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

#[test]
fn what_a_silent_device_does_not_tell_is_marked() {
    for manners in [Manners::Silent, Manners::Garbage] {
        let devices = survey(&mut Tampered(wire_of(&machine()), |wire: &SegmentWire, _: &mut [u8]| {
            wire.end().segment.command(SegmentCommand::Manners(0, manners));
        }))
        .unwrap();
        assert_eq!(devices[0].nature(), Nature::Drive, "by its SII");
        assert!(devices[0].mailbox.as_ref().unwrap().failed.is_some(), "{:?}", devices[0].mailbox);
        let text = skeleton(&devices, "enp3s0", None, &[]);
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
    let text = skeleton(&devices, "enp3s0", None, &[]);
    assert_eq!(taken(&text).buses[0].devices.len(), 4, "{text}");
    let brought = bring_up(Box::new(wire.clone()), &wanted);
    assert!(brought.is_ok(), "{:?}", brought.err());
}

fn any_pair() -> impl Strategy<Value = Option<(u32, u32)>> {
    let number = || prop_oneof![Just(0), Just(1), Just(u32::MAX), 1..100_000_u32, any::<u32>()];
    proptest::option::of((number(), number()))
}

fn any_device() -> impl Strategy<Value = SurveyedDevice> {
    let facts = (any_pair(), any_pair(), any_pair(), any::<Option<u32>>());
    let facts = facts.prop_map(|(encoder, gear, feed, modes)| DriveFacts { encoder, gear, feed, modes });
    let mailbox = (any::<Option<u32>>(), any::<Option<String>>(), any::<[Option<u8>; 2]>(), facts, any::<bool>());
    let mailbox = mailbox.prop_map(|(device_type, name, bits, facts, is_drive)| MailboxFacts {
        device_type: if is_drive { Some(402) } else { device_type },
        name,
        mapped_bits: bits.map(|bits| bits.map(u32::from)),
        axes: vec![facts],
        failed: None,
    });
    let identity = any::<[u32; 4]>();
    let pdo = (any::<[u8; 3]>(), any::<bool>());
    let device = (any::<String>(), any::<u16>(), identity, proptest::option::of(mailbox), pdo);
    device.prop_map(|(name, alias, [vendor, product, revision, serial], mailbox, (bits, assigned))| SurveyedDevice {
        found: FoundDevice {
            position: 0,
            station: 0x1000,
            alias,
            name,
            vendor,
            product,
            revision,
            serial,
            has_clock: true,
            delay_ns: 0,
            sii: Sii {
                rx_pdos: vec![SiiPdo {
                    index: 0x1600,
                    sync_manager: assigned.then_some(2),
                    entries: bits.map(|bits| (0x6040, 0, bits)).to_vec(),
                }],
                ..Sii::default()
            },
        },
        status: None,
        ports: None,
        mailbox,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_devices_say_the_skeleton_is_taken(mut devices in proptest::collection::vec(any_device(), 0..70)) {
        for (position, device) in devices.iter_mut().enumerate() {
            device.found.position = position as u16;
        }
        let text = skeleton(&devices, "enp3s0", None, &[]);
        let has_drive = devices.iter().take(64).any(|device| device.nature() == Nature::Drive);
        match config::parse(&text, "skeleton.toml") {
            Ok(config) => prop_assert_eq!(config.buses[0].devices.len(), devices.len().min(64)),
            Err(error) => prop_assert!(!has_drive && error.to_string().lines().count() == 1, "{}\n{}", error, text),
        }
    }
}
