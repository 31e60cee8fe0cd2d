//! Device descriptions of vendors: what is read of them, and that nothing in a file makes the reader fail otherwise than by
//! saying so.

use motiond::commissioning::esi::{EsiDevice, EsiProblem, describe, load_directory, parse};
use motiond::commissioning::profile::profile;
use motiond::fieldbus::ethercat::bring_up::RevisionPolicy;
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("data/esi/example.xml");

fn devices() -> Vec<EsiDevice> {
    parse(EXAMPLE.as_bytes(), "example.xml").unwrap().devices
}

#[test]
fn a_description_is_read_whole() {
    let esi = parse(EXAMPLE.as_bytes(), "example.xml").unwrap();
    assert_eq!((esi.vendor, esi.vendor_name.as_str()), (0xA5A, "Example Drives"));
    let drive = &esi.devices[0];
    assert_eq!((drive.product, drive.revision, drive.kind.as_str()), (0x192, 1, "ED-402"));
    assert_eq!((drive.name.as_str(), drive.vendor), ("ED-402 servo drive", 0xA5A));
    let managers: Vec<_> =
        drive.sync_managers.iter().map(|sm| (sm.usage.as_str(), sm.start, sm.bytes, sm.control)).collect();
    assert_eq!(managers[0], ("MBoxOut", 0x1000, 256, 0x26));
    assert_eq!(managers[3], ("Inputs", 0x1400, 8, 0x20));
    assert_eq!(drive.protocols, ["CoE", "FoE"]);
    assert!(drive.can_assign && drive.can_map);
    let entries: Vec<_> = drive.rx_pdos[0].entries.iter().map(|entry| (entry.index, entry.bits)).collect();
    assert_eq!(entries, [(0x6040, 16), (0x607A, 32), (0x6060, 8), (0, 8)]);
    assert_eq!((EsiDevice::default_bits(&drive.rx_pdos), EsiDevice::default_bits(&drive.tx_pdos)), (64, 64));
    let startup: Vec<_> =
        drive.startup().map(|command| (command.index, command.subindex, command.data.len())).collect();
    assert_eq!(startup, [(0x6060, 0, 1), (0x60C2, 2, 1), (0x6065, 0, 4), (0x10F1, 0, 6)]);
    assert_eq!((drive.modes[0].assign_activate, drive.modes[0].shift_ns), (0x300, -125_000));
}

#[test]
fn a_device_that_is_not_understood_is_named_and_the_others_stay() {
    let esi = parse(EXAMPLE.as_bytes(), "example.xml").unwrap();
    assert_eq!(esi.devices.len(), 2);
    let said: Vec<String> = esi.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "example.xml: device \"ED-000\": ProductCode of Type is missing",
            "example.xml: device \"EI-8\": StartAddress of Sm is \"#x1FFFF\", which is no number that fits",
        ]
    );
}

#[test]
fn the_nearest_revision_before_counts_else_the_nearest_after() {
    let devices = devices();
    let revision = |found| describe(&devices, 0xA5A, 0x192, found).map(|device| device.revision);
    assert_eq!([1, 3, 4, 5, 9, 0].map(revision), [Some(1), Some(1), Some(1), Some(5), Some(5), Some(1)]);
    assert_eq!(describe(&devices, 0xA5A, 0x193, 1), None);
}

#[test]
fn files_come_in_many_encodings() {
    let text = EXAMPLE.replace("ED-402 servo drive]", "Servo für ED-402]");
    let name = |bytes: &[u8]| parse(bytes, "x").unwrap().devices[0].name.clone();
    let wide =
        |unit: fn(u16) -> [u8; 2]| [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(unit).collect::<Vec<u8>>();
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(c).unwrap()).collect();
    let marked = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
    for bytes in [text.clone().into_bytes(), wide(u16::to_le_bytes), wide(u16::to_be_bytes), latin, marked] {
        assert_eq!(name(&bytes), "Servo für ED-402");
    }
}

#[test]
fn what_is_no_description_says_so() {
    let problem = |text: &str| parse(text.as_bytes(), "x").unwrap_err().problem;
    assert!(matches!(problem(""), EsiProblem::NotXml(_)));
    assert!(matches!(problem("<a>"), EsiProblem::NotXml(_)));
    assert_eq!(problem("<a/>"), EsiProblem::NotEsi);
    assert_eq!(problem("<EtherCATInfo/>"), EsiProblem::Missing("Vendor"));
    let laughs = "<!DOCTYPE a [<!ENTITY b \"c\">]><EtherCATInfo>&b;</EtherCATInfo>";
    assert!(matches!(problem(laughs), EsiProblem::NotXml(_)));
    let deep = format!("<EtherCATInfo>{}", "<a>".repeat(200_000));
    assert!(matches!(problem(&deep), EsiProblem::NotXml(_)));
    let deep = format!("<EtherCATInfo>{}{}</EtherCATInfo>", "<a>".repeat(200_000), "</a>".repeat(200_000));
    assert!(parse(deep.as_bytes(), "x").is_err());
}

#[test]
fn a_directory_is_read_as_far_as_it_goes() {
    let (devices, errors) = load_directory(std::path::Path::new("tests/data/esi")).unwrap();
    assert_eq!((devices.len(), errors.len()), (2, 2));
    let error = load_directory(std::path::Path::new("tests/data/nowhere")).unwrap_err().to_string();
    assert_eq!(error, "tests/data/nowhere: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn a_profile_out_of_a_description_is_taken_by_a_configuration() {
    let devices = devices();
    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name);
    for (device, name) in devices.iter().zip(["free.toml", "fixed.toml"]) {
        std::fs::write(place(name), profile(device, "Example Drives", "example.xml")).unwrap();
    }
    let shipped = include_str!("../config/ethercat-terminals.toml");
    let text = shipped.replace("position = 0", "position = 0\nprofile = \"free.toml\"\nrevision = 7");
    let text = text.replace("position = 1", "position = 1\nprofile = \"fixed.toml\"");
    // The second has no following error code or torque in its process data.
    std::fs::write(place("machine.toml"), text).unwrap();
    let machine = motiond::config::load(&place("machine.toml")).unwrap_or_else(|error| panic!("{error}"));
    let segment = machine.buses[0].segment(machine.period_ns);
    let [free, fixed, _] = &segment.devices[..] else { panic!("{segment:?}") };
    assert_eq!(
        (free.identity.vendor, free.identity.product, free.identity.revision),
        (Some(0xA5A), Some(0x192), Some(7))
    );
    assert_eq!(free.identity.revision_policy, RevisionPolicy::AtLeast);
    assert!(free.mapped && !fixed.mapped);
    let objects: Vec<_> = free.startup.iter().map(|write| (write.address.index, write.value.to_vec())).collect();
    assert_eq!(objects, [(0x6060, vec![8]), (0x60C2, vec![0xFD]), (0x6065, vec![0xE8, 3, 0, 0])]);
    let bits: Vec<_> = fixed.layout.outputs.iter().map(|entry| (entry.index, entry.bits)).collect();
    assert_eq!(bits, [(0x6040, 16), (0x6060, 8), (0x607A, 32)]);
    // While the machine runs nothing is read anew.
    std::fs::remove_file(place("free.toml")).unwrap();
    assert!(machine.with_overrides(&Default::default()).is_ok());
    let error = motiond::config::load(&place("machine.toml")).unwrap_err().to_string();
    assert!(
        error.contains("profile: found \"free.toml\", allowed: a profile that can be taken (No such file"),
        "{error}"
    );
    std::fs::write(place("free.toml"), "[device]\nwatchdog-ms = 100000\n").unwrap();
    let error = motiond::config::load(&place("machine.toml")).unwrap_err().to_string();
    assert!(
        error.contains("(its line 2: device.watchdog-ms: found 100000, allowed: a whole number from 0 to 1000)"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_mutated_description_never_panics(
        edits in proptest::collection::vec((0.0..1.0f64, 0usize..60, prop_oneof![
            Just("".to_string()), Just("<".to_string()), Just("</Device>".to_string()), Just("#x".to_string()),
            Just("-1".to_string()), Just("99999999999999999999999999999999999999999".to_string()), Just("&lt;".to_string()),
            Just("<Device>".to_string()), Just("<Entry/>".to_string()), Just("\u{0}".to_string()), ".{0,8}",
        ]), 1..6),
        cut in 0.0..1.2f64,
    ) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        for (place, length, piece) in edits {
            let start = (place * bytes.len() as f64) as usize;
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, piece.into_bytes());
        }
        bytes.truncate((cut * bytes.len() as f64) as usize);
        match parse(&bytes, "mutated.xml") {
            Ok(esi) => prop_assert!(esi.devices.len() + esi.errors.len() < 2000),
            Err(error) => prop_assert!(error.to_string().starts_with("mutated.xml: ")),
        }
    }

    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(parse(&bytes, "garbage.xml").is_err());
    }
}
