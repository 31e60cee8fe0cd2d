//! Objects by the second handle.

use super::super::bring_up::bring_up;
use super::super::desk::{IghDesk, IghDeskError};
use super::super::layer::LayerError;
use super::recorder::{Shared, recorder, segment};
use crate::fieldbus::ethercat::mailbox::Address;

fn desk() -> (Shared, IghDesk) {
    let (record, layer, objects) = recorder();
    let (_, desk) = bring_up(layer, objects, &segment()).unwrap();
    record.lock().unwrap().take();
    (record, desk)
}

#[test]
fn objects_are_read_and_written_at_the_device_that_is_meant() {
    let (record, desk) = desk();
    assert_eq!(desk.read(1, Address::entry(0x1018, 4)), Ok(4711_u32.to_le_bytes().to_vec()));
    assert_eq!(desk.write(0, Address::entry(0x6083, 0), &[1, 2, 3, 4]), Ok(()));
    assert_eq!(desk.write(1, Address::whole(0x1C12), &[0]), Ok(()));
    let expected = ["upload 1 1018:4", "download 0 6083:0 false [1, 2, 3, 4]", "download 1 1c12:0 true [0]"];
    assert_eq!(record.lock().unwrap().take(), expected);
}

#[test]
fn a_refusal_is_told_and_the_next_request_goes_on() {
    let (record, desk) = desk();
    assert_eq!(desk.read(2, Address::entry(0x1018, 1)), Err(IghDeskError::NoSuchDevice));
    assert_eq!(desk.read(0, Address::whole(0x1018)), Err(IghDeskError::CompleteRead));
    let io = LayerError::Os(libc::EIO);
    record.lock().unwrap().fails = Some(("upload", io));
    let refused = desk.read(0, Address::entry(0x6083, 0)).unwrap_err();
    assert_eq!(refused, IghDeskError::Refused(io));
    let text = "the device refused it, or did not answer; the kernel log has the abort code";
    assert_eq!(refused.to_string(), text);
    record.lock().unwrap().fails = None;
    assert!(desk.read(0, Address::entry(0x6083, 0)).is_ok());
}
