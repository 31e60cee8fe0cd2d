//! A segment that is not the one that is configured: what is said, and what is let pass.

use crate::bring_up::{machine, segment};
use crate::motion::rig_over;
use crate::wire::SegmentWire;
use motiond::config;
use motiond::fieldbus::ethercat::bring_up::{BroughtUp, Place, RevisionPolicy, SegmentParameters, bring_up};
use motiond::fieldbus::ethercat::mailbox::Address;
use motiond::fieldbus::ethercat::objects::ObjectWrite;
use motiond::simulation::ethercat::{Segment, SegmentCommand};

fn wire() -> SegmentWire {
    let mut parameters = segment(&machine());
    parameters.aliases = vec![0, 21, 0];
    SegmentWire::to(Segment::new(&parameters).unwrap())
}

fn wanted() -> SegmentParameters {
    let config = machine();
    config.buses[0].segment(config.period_ns)
}

fn attempt(change: impl FnOnce(&mut SegmentParameters)) -> Result<BroughtUp, String> {
    let mut wanted = wanted();
    change(&mut wanted);
    bring_up(Box::new(wire()), &wanted).map_err(|error| error.to_string())
}

fn startup(index: u16, value: &[u8]) -> ObjectWrite {
    ObjectWrite { address: Address::entry(index, 0), value: value.into() }
}

type Row = (&'static str, fn(&mut SegmentParameters), Option<&'static str>);

/// What is wrong, how it comes, and what is said.
const TABLE: &[Row] = &[
    ("as configured", |_| {}, None),
    ("by its alias", |wanted| wanted.devices[1].place = Place::Alias(21), None),
    (
        "nobody at that place",
        |wanted| wanted.devices[1].place = Place::Position(7),
        Some("there is no device at position 7, where \"y-drive\" is expected"),
    ),
    (
        "nobody with that alias",
        |wanted| wanted.devices[1].place = Place::Alias(22),
        Some("there is no device at alias 22, where \"y-drive\" is expected"),
    ),
    (
        "one device as two",
        |wanted| wanted.devices[0].place = Place::Alias(21),
        Some("there is no device at position 1, where \"y-drive\" is expected"),
    ),
    (
        "one more than configured",
        |wanted| wanted.devices.truncate(2),
        Some("3 devices answer, 2 are configured: nothing is said of the one at position 2 (io)"),
    ),
    (
        "another vendor",
        |wanted| wanted.devices[0].identity.vendor = Some(2),
        Some("the device at position 0 is not \"x-drive\": its vendor is 0x00000a5a, configured is 0x00000002"),
    ),
    (
        "another product",
        |wanted| wanted.devices[0].identity.product = Some(0x5000),
        Some("the device at position 0 is not \"x-drive\": its product code is 0x00000192, configured is 0x00005000"),
    ),
    (
        "another serial number",
        |wanted| wanted.devices[2].identity.serial = Some(99),
        Some("the device at position 2 is not \"io\": its serial number is 0x00000003, configured is 0x00000063"),
    ),
    (
        "two that changed places",
        |wanted| {
            (wanted.devices[1].place, wanted.devices[2].place) = (Place::Position(2), Place::Position(1));
            wanted.devices[1].identity.product = Some(402);
        },
        Some("the device at position 2 is not \"y-drive\": its product code is 0x00000191, configured is 0x00000192"),
    ),
    ("the same revision", |wanted| revision(wanted, 1, RevisionPolicy::Exact), None),
    (
        "a later revision than that exact one",
        |wanted| revision(wanted, 0, RevisionPolicy::Exact),
        Some("the device at position 0 is not \"x-drive\": its revision is 0x00000001, configured is 0x00000000"),
    ),
    ("a later revision", |wanted| revision(wanted, 0, RevisionPolicy::AtLeast), None),
    (
        "an earlier revision",
        |wanted| revision(wanted, 2, RevisionPolicy::AtLeast),
        Some("the device at position 0 is not \"x-drive\": its revision is 0x00000001, configured is 0x00000002"),
    ),
    ("any revision", |wanted| revision(wanted, 77, RevisionPolicy::Any), None),
    (
        "an object that the drive does not have",
        |wanted| wanted.devices[0].startup = vec![startup(0x6FFF, &[1])],
        Some("device \"x-drive\": object 6FFFh:00: the device has no such object (abort code 06020000h)"),
    ),
    (
        "a value beyond the object's range",
        |wanted| wanted.devices[1].startup = vec![startup(0x605A, &[9, 0])],
        Some("device \"y-drive\": object 605Ah:00: the value is too high (abort code 06090031h)"),
    ),
];

fn revision(wanted: &mut SegmentParameters, revision: u32, policy: RevisionPolicy) {
    wanted.devices[0].identity.revision = Some(revision);
    wanted.devices[0].identity.revision_policy = policy;
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    let mut wrong = Vec::new();
    for (name, change, expected) in TABLE {
        let said = attempt(change).err();
        if said.as_deref() != *expected {
            wrong.push(format!("{name}:\n  said     {said:?}\n  expected {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn objects_at_start_are_written_and_written_again_when_the_device_comes_back() {
    let file = include_str!("../../config/ethercat-terminals.toml");
    let written = "position = 2\n\n[[bus.device.startup]]\nindex = 0x6067\ntype = \"u32\"\nvalue = 20\n\n\
                   [[bus.device.startup]]\nindex = 0x60C2\nsubindex = 2\ntype = \"i8\"\nvalue = -3\n";
    let file = file
        .replace("position = 2", "position = 9")
        .replace("position = 1", written)
        .replace("position = 9", "position = 1");
    let config = config::parse(&file, "startup.toml").unwrap_or_else(|error| panic!("{error}"));
    let mut parameters = segment(&config);
    parameters.devices.swap(1, 2);
    let (mut rig, wire) = rig_over(config, Segment::new(&parameters).unwrap());
    let object = |index, subindex| {
        let mut value = [0; 8];
        let length = wire.end().segment.device(2).unwrap().upload(index, subindex, &mut value).unwrap();
        value[..length].to_vec()
    };
    assert_eq!((object(0x6067, 0), object(0x60C2, 2)), (vec![20, 0, 0, 0], vec![0xFD]));
    wire.end().segment.command(SegmentCommand::PowerOff(2));
    rig.run(50);
    wire.end().segment.command(SegmentCommand::PowerOn(2));
    assert_ne!(object(0x6067, 0), [20, 0, 0, 0], "as at power-on");
    rig.run_until(5000, "it is operational again", |_| wire.end().segment.is_operational(2));
    assert_eq!(object(0x6067, 0), [20, 0, 0, 0]);
}
