//! Electronic data sheets: what is read of them, and that nothing in a file makes the reader fail otherwise than by saying so.

use motiond::commissioning::eds::{Eds, EdsProblem, parse, profile};
use proptest::prelude::*;

const EXAMPLE: &str = include_str!("data/eds/example.dcf");

fn example() -> Eds {
    parse(EXAMPLE.as_bytes(), "example.dcf").unwrap()
}

#[test]
fn a_data_sheet_is_read_whole() {
    let eds = example();
    assert_eq!((eds.vendor_name.as_str(), eds.vendor), ("Example Drives", Some(0xA5A)));
    assert_eq!((eds.product, eds.revision), (Some(402), Some(0x1_0002)));
    assert!(eds.can_map && eds.lss && eds.product_name.starts_with("ED-402 \"CAN\""), "{}", eds.product_name);
    let window = &eds.entries[&(0x6065, 0)];
    assert_eq!((window.data_type, window.writable, window.mappable), (7, true, true));
    assert_eq!((window.default, window.value), (Some(2000), Some(0xFFFF_FFFF)));
    assert_eq!(eds.entries[&(0x60C2, 2)].value, Some(-4));
    assert_eq!(eds.entries[&(0x6085, 0)].name, "Quick stop deceleration", "keys are in any case");
    // What depends on the node id is no number of the device's.
    assert_eq!(eds.entries[&(0x1400, 1)].default, None);
    // Octal.
    assert_eq!(eds.entries[&(0x2001, 0)].value, Some(0o17));
}

#[test]
fn its_profile_is_one_that_a_configuration_takes() {
    let text = profile(&example(), "example.dcf");
    for line in [
        "vendor-id = 0x00000a5a",
        "product-code = 0x00000192",
        "revision-policy = \"at-least\"",
        "mapping = \"free\"",
        "# pdo-outputs at power-on: \"6040:00:16\", \"607A:00:32\"",
        "# CHECK: 2001h:00 = 15: no number, and not written",
    ] {
        assert!(text.lines().any(|written| written == line), "{line}\n{text}");
    }
    // Of the values only those that differ, and none about communication.
    let objects: Vec<&str> = text.lines().filter(|line| line.starts_with("index")).collect();
    assert_eq!(objects, ["index = 0x6065", "index = 0x60c2"]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("drive.toml"), &text).unwrap();
    let machine = include_str!("../config/can-two-axis.toml");
    let machine = machine.replace("node-id = 1\n", "node-id = 1\nprofile = \"drive.toml\"\n");
    let file = folder.path().join("machine.toml");
    std::fs::write(&file, machine).unwrap();
    let machine = motiond::config::load(&file).unwrap_or_else(|error| panic!("{error}"));
    let device = &machine.buses[0].devices[0];
    assert_eq!(device.identity.product_code, Some(402));
    let startup: Vec<_> = device.startup.iter().map(|write| (write.address.index, write.value.to_vec())).collect();
    assert_eq!(startup, [(0x6065, vec![0xFF; 4]), (0x60C2, vec![0xFC])]);
}

#[test]
fn a_device_whose_pdos_are_fixed_says_what_they_hold() {
    let text = profile(&parse(EXAMPLE.replace("Granularity=8", "Granularity=0").as_bytes(), "fixed").unwrap(), "fixed");
    assert!(text.contains("mapping = \"fixed\"") && text.contains("pdo-outputs = [\"6040:00:16\", \"607A:00:32\"]"));
    assert!(text.contains("# CHECK: pdo-inputs has parts of no whole bytes, or none"), "{text}");
}

#[test]
fn what_is_no_data_sheet_is_refused_in_words() {
    let problem = |text: &str| parse(text.as_bytes(), "x.eds").unwrap_err();
    assert_eq!(problem("").problem, EdsProblem::NotEds);
    assert_eq!(
        problem("[6040]\nDataType=6").to_string(),
        "x.eds: is no electronic data sheet: it has no section DeviceInfo"
    );
    assert!(matches!(problem("[DeviceInfo\nx").problem, EdsProblem::NotIni(_)));
}

proptest! {
    #[test]
    fn whatever_stands_in_a_file_it_is_read_or_refused(
        at in 0..EXAMPLE.len(),
        cut in 0_usize..200,
        put in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut text = EXAMPLE.as_bytes().to_vec();
        let end = (at + cut).min(text.len());
        text.splice(at..end, put);
        if let Ok(eds) = parse(&text, "fuzzed") {
            let _ = profile(&eds, "fuzzed");
        }
    }

    #[test]
    fn whatever_bytes_there_are_they_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes, "fuzzed");
    }
}
