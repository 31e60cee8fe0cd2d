//! Bytes on the wire, against examples worked out by hand from the standards.

use crate::fieldbus::ethercat::mailbox::foe::FileErrorCode;
use crate::fieldbus::ethercat::mailbox::frame::{FrameError, Header, MailboxError, Message, Protocol};
use crate::fieldbus::ethercat::mailbox::*;
use crate::limits::{MAX_MAILBOX_BYTES, MAX_SDO_BYTES};

#[test]
fn a_header_is_written_as_the_standard_lays_it_out_and_read_back() {
    let header =
        Header { length: 0x0102, address: 0x1001, channel: 5, priority: 3, protocol: Protocol::Can, counter: 6 };
    assert_eq!(header.encode(), [0x02, 0x01, 0x01, 0x10, 0xC5, 0x63]);
    assert_eq!(Header::decode(&header.encode()), Ok(header));
}

#[test]
fn every_protocol_number_survives_a_round_trip() {
    for number in 0..16 {
        let header = Header::decode(&[0, 0, 0, 0, 0, number]).unwrap();
        assert_eq!(header.encode()[5], number, "{:?}", header.protocol);
    }
}

#[test]
fn what_is_no_message_says_why() {
    for length in 0..6 {
        let decoded = Message::decode(&[1, 0, 0, 0, 0, 0x13, 9][..length]);
        assert_eq!(decoded, Err(FrameError::Truncated { bytes: length }));
    }
    assert_eq!(Message::decode(&[0, 0, 0, 0, 0, 0x13, 9]), Err(FrameError::Empty));
    assert_eq!(Message::decode(&[2, 0, 0, 0, 0, 0x13, 9]), Err(FrameError::Overlong { length: 2, room: 1 }));
    assert_eq!(Message::decode(&[1, 0, 0, 0, 0, 0x13, 9]).unwrap().body, [9]);
    assert_eq!(MailboxError::decode(&[1, 0, 2]), None);
}

fn first_message(transfer: &mut dyn Transfer, mailbox: usize) -> Vec<u8> {
    let mut out = vec![0xEE; mailbox];
    let length = transfer.next(&mut out).unwrap();
    assert!(out[length..].iter().all(|byte| *byte == 0), "nothing old behind the message");
    out.truncate(length);
    out
}

#[test]
fn requests_are_the_bytes_that_a_device_expects() {
    let statusword = Address::entry(0x6041, 0);
    assert_eq!(
        first_message(&mut Upload::new(statusword), 128),
        [10, 0, 0, 0, 0, 0x03, 0x00, 0x20, 0x40, 0x41, 0x60, 0, 0, 0, 0, 0]
    );
    assert_eq!(
        first_message(&mut Upload::new(Address::parts(0x1C12)), 128),
        [10, 0, 0, 0, 0, 0x03, 0x00, 0x20, 0x50, 0x12, 0x1C, 1, 0, 0, 0, 0]
    );
    for (value, command) in [(&[1u8][..], 0x2F), (&[1, 2], 0x2B), (&[1, 2, 3], 0x27), (&[1, 2, 3, 4], 0x23)] {
        let mut expected = vec![10, 0, 0, 0, 0, 0x03, 0x00, 0x20, command, 0x60, 0x60, 0];
        expected.extend(value);
        expected.resize(16, 0);
        let mut download = Download::new(Address::entry(0x6060, 0), value).unwrap();
        assert_eq!(first_message(&mut download, 128), expected);
    }
    let mut download = Download::new(Address::whole(0x1C12), &[1, 0, 0x00, 0x16]).unwrap();
    assert_eq!(
        first_message(&mut download, 128),
        [14, 0, 0, 0, 0, 0x03, 0x00, 0x20, 0x31, 0x12, 0x1C, 0, 4, 0, 0, 0, 1, 0, 0x00, 0x16]
    );
    assert_eq!(
        first_message(&mut ObjectList::new(ListKind::Backup), 128),
        [8, 0, 0, 0, 0, 0x03, 0x00, 0x80, 0x01, 0, 0, 0, 4, 0]
    );
    assert_eq!(
        first_message(&mut DescribeEntry::new(0x1018, 4), 128),
        [10, 0, 0, 0, 0, 0x03, 0x00, 0x80, 0x05, 0, 0, 0, 0x18, 0x10, 4, 0x78]
    );
    let name = FileName::new("fw").unwrap();
    assert_eq!(
        first_message(&mut FileRead::new(name, 0x0403_0201, 128, 1000), 128),
        [8, 0, 0, 0, 0, 0x04, 1, 0, 1, 2, 3, 4, b'f', b'w']
    );
    assert_eq!(
        first_message(&mut FileWrite::new(name, 0, 128), 128),
        [8, 0, 0, 0, 0, 0x04, 2, 0, 0, 0, 0, 0, b'f', b'w']
    );
}

#[test]
fn nothing_is_written_beyond_a_mailbox_that_is_too_small() {
    for room in 0..16 {
        let mut out = vec![0xEE; room];
        assert_eq!(Upload::new(Address::entry(0x1000, 0)).next(&mut out), None, "{room}");
        assert_eq!(Download::new(Address::entry(0x1000, 0), &[0; 9]).unwrap().next(&mut out), None, "{room}");
        assert_eq!(DescribeEntry::new(0x1000, 0).next(&mut out), None, "{room}");
    }
    let long = FileName::new(&"n".repeat(128)).unwrap();
    assert_eq!(FileRead::new(long, 0, 128, 1).next(&mut [0; 128]), None);
    assert!(Sizes::new(15, 128).is_err() && Sizes::new(128, MAX_MAILBOX_BYTES as u16 + 1).is_err());
}

#[test]
fn a_value_or_a_name_that_cannot_be_sent_is_refused_before_anything_is() {
    assert!(Download::new(Address::entry(0x2000, 1), &[0; MAX_SDO_BYTES]).is_ok());
    let refused = Download::new(Address::entry(0x2000, 1), &[0; MAX_SDO_BYTES + 1]).map(|_| ());
    let (bytes, room) = (MAX_SDO_BYTES as u64 + 1, MAX_SDO_BYTES as u64);
    assert_eq!(refused, Err(TransferError::TooLarge { bytes, room }));
    for name in ["", "\n", "naïve", &"n".repeat(129)] {
        assert_eq!(FileName::new(name), None, "{name:?}");
    }
}

#[test]
fn reasons_are_said_in_words_with_their_number() {
    assert_eq!(AbortCode(0x0602_0000).to_string(), "the device has no such object (abort code 06020000h)");
    assert_eq!(
        AbortCode(0xDEAD_BEEF).to_string(),
        "a code of the vendor's: look it up in the device's manual (abort code DEADBEEFh)"
    );
    assert_eq!(
        MailboxError { detail: 2 }.to_string(),
        "the device refused the mailbox: the device does not speak this mailbox protocol (detail 2)"
    );
    for code in [0x8008, 0x0008] {
        let said = FileErrorCode(code).to_string();
        assert!(said.starts_with("the device takes files only in its bootstrap state (FoE error "), "{said}");
    }
    assert_eq!(Address::whole(0x1C12).to_string(), "1C12h:00 (complete access)");
}
