//! Who cannot use the master is told what to do.

use super::super::error::IghError;
use super::super::layer::LayerError;

fn text(error: LayerError) -> String {
    IghError::Open { master: 1, error }.to_string()
}

#[test]
fn a_missing_module_missing_rights_and_another_version_say_what_to_do() {
    let missing = text(LayerError::Os(libc::ENOENT));
    assert!(missing.starts_with("/dev/EtherCAT1: there is no such master: load the modules"), "{missing}");
    assert!(missing.contains("ethercatctl start"), "{missing}");
    let rights = text(LayerError::Os(libc::EACCES));
    assert!(rights.contains("udev rule") && rights.contains("MODE=\"0660\""), "{rights}");
    let version = text(LayerError::Version { expected: 31, found: 37 });
    for part in ["speaks version 37", "built for 31", "ETHERCAT_PATH=", "--features igh-from-source"] {
        assert!(version.contains(part), "{part}: {version}");
    }
    let other = text(LayerError::Os(libc::EMFILE));
    assert_eq!(other, format!("/dev/EtherCAT1: {}", std::io::Error::from_raw_os_error(libc::EMFILE)));
}

#[test]
fn a_host_without_the_master_says_so_instead_of_starting() {
    let error = super::super::start(31, &super::recorder::segment()).unwrap_err();
    let missing = IghError::Open { master: 31, error: LayerError::Os(libc::ENOENT) };
    assert_eq!(error, if super::super::BUILT { missing } else { IghError::NotBuilt });
}

#[test]
fn a_master_that_another_program_holds_says_so() {
    let error = LayerError::Os(libc::EBUSY);
    let busy = IghError::Call { call: "let itself be reserved", device: None, error }.to_string();
    assert!(busy.ends_with("end that, or take another igh-master-index"), "{busy}");
    assert!(IghError::NotBuilt.to_string().contains("cargo build --release --features igh"));
}
