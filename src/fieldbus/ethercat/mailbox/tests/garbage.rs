//! Anything at any time: no answer of a device makes a step panic or leaves a transfer without an end.

use super::bench::{LIMIT_NS, value};
use crate::fieldbus::ethercat::mailbox::client::PATIENCE;
use crate::fieldbus::ethercat::mailbox::*;
use crate::limits::{MAX_MAILBOX_BYTES, MAX_SDO_BYTES};
use proptest::prelude::*;

/// A transfer of each kind, and what of it can be looked at.
enum Any {
    Upload(Box<Upload>),
    Download(Box<Download>),
    List(Box<ObjectList>),
    Object(Box<DescribeObject>),
    Entry(Box<DescribeEntry>),
    Read(Box<FileRead>),
    Write(Box<FileWrite>),
}

impl Any {
    fn new(kind: u8, length: usize, sizes: (u16, u16)) -> Any {
        let name = FileName::new("f").unwrap();
        match kind % 9 {
            0 => Any::Upload(Box::new(Upload::new(Address::entry(0x2000, 1)))),
            1 => Any::Upload(Box::new(Upload::new(Address::whole(0x2000)))),
            2 => Any::Download(Box::new(Download::new(Address::entry(0x2000, 1), &value(length)).unwrap())),
            3 => Any::Download(Box::new(Download::new(Address::whole(0x2000), &value(length)).unwrap())),
            4 => Any::List(Box::new(ObjectList::new(ListKind::All))),
            5 => Any::Object(Box::new(DescribeObject::new(0x2000))),
            6 => Any::Entry(Box::new(DescribeEntry::new(0x2000, 1))),
            7 => Any::Read(Box::new(FileRead::new(name, 0, sizes.1.into(), 5000))),
            _ => Any::Write(Box::new(FileWrite::new(name, 0, sizes.0.into()))),
        }
    }

    fn transfer(&mut self) -> &mut dyn Transfer {
        match self {
            Any::Upload(transfer) => &mut **transfer,
            Any::Download(transfer) => &mut **transfer,
            Any::List(transfer) => &mut **transfer,
            Any::Object(transfer) => &mut **transfer,
            Any::Entry(transfer) => &mut **transfer,
            Any::Read(transfer) => &mut **transfer,
            Any::Write(transfer) => &mut **transfer,
        }
    }

    /// What a caller does between two steps, and what always holds.
    fn attend(&mut self) {
        match self {
            Any::Upload(upload) => assert!(upload.data().len() <= MAX_SDO_BYTES),
            Any::Download(_) => {}
            Any::List(list) => assert!(list.indices().count() <= 8192),
            Any::Object(object) => drop(object.description()),
            Any::Entry(entry) => drop(entry.description()),
            Any::Read(read) => {
                assert!(read.packet().is_none_or(|packet| packet.len() <= MAX_MAILBOX_BYTES) && read.total() <= 5000);
                read.release();
            }
            Any::Write(write) => {
                if write.give(&[7; 11]) == 0 {
                    write.finish();
                }
            }
        }
    }
}

/// One thing that comes of a datagram: bytes near to an answer, or anything.
#[derive(Clone, Debug)]
enum Came {
    Nothing,
    Lost,
    Refused,
    Fitting(u8),
    Mailbox(Vec<u8>),
}

/// Messages whose parts fit often enough to lead further in.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let sdo = prop_oneof![
        Just(vec![0x41u8]),
        Just(vec![0x43]),
        Just(vec![0x60]),
        Just(vec![0x00]),
        Just(vec![0x10]),
        Just(vec![0x01]),
        Just(vec![0x20]),
        Just(vec![0x30]),
        Just(vec![0x80]),
        any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let object = prop_oneof![4 => Just(vec![0x00u8, 0x20, 0x01]), 2 => Just(vec![0x00, 0x20, 0x00]), 1 => any::<[u8; 3]>().prop_map(Vec::from)];
    let size = prop_oneof![
        (0u32..200).prop_map(|size| size.to_le_bytes().to_vec()),
        any::<[u8; 4]>().prop_map(Vec::from),
        Just(Vec::new()),
    ];
    let data =
        prop_oneof![proptest::collection::vec(any::<u8>(), 0..40), proptest::collection::vec(any::<u8>(), 0..1500)];
    let can = (prop_oneof![Just(0x30u8), Just(0x20), Just(0x10), any::<u8>()], sdo, object, size, data.clone())
        .prop_map(|(service, command, object, size, data)| [vec![0, service], command, object, size, data].concat());
    let information =
        (prop_oneof![Just(2u8), Just(4), Just(6), Just(7), any::<u8>()], 0u16..5, any::<bool>(), data.clone())
            .prop_map(|(opcode, left, about, data)| {
                let about: &[u8] = if about { &[0x00, 0x20, 0x01] } else { &[0x01, 0x00] };
                [&[0, 0x80, opcode, 0][..], &left.to_le_bytes(), about, &data].concat()
            });
    let file = (0u8..8, 0u32..6, data.clone())
        .prop_map(|(opcode, number, data)| [&[opcode, 0][..], &number.to_le_bytes(), &data].concat());
    let body = prop_oneof![
        4 => can.prop_map(|body| (3u8, body)),
        2 => information.prop_map(|body| (3, body)),
        2 => file.prop_map(|body| (4, body)),
        1 => (any::<u8>(), data),
    ];
    (body, 0u8..8, prop_oneof![9 => Just(0i32), 1 => -3i32..3]).prop_map(|((protocol, body), counter, wrong)| {
        let length = (body.len() as i32 + wrong).max(0) as u16;
        [&length.to_le_bytes()[..], &[0, 0, 0, protocol | counter << 4], &body].concat()
    })
}

fn came() -> impl Strategy<Value = Came> {
    prop_oneof![
        1 => Just(Came::Nothing),
        1 => Just(Came::Lost),
        1 => Just(Came::Refused),
        12 => any::<u8>().prop_map(Came::Fitting),
        12 => message().prop_map(Came::Mailbox),
        1 => proptest::collection::vec(any::<u8>(), 0..1500).prop_map(Came::Mailbox),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn no_message_at_any_step_makes_a_transfer_panic_or_overrun(
        kind in any::<u8>(),
        length in 0usize..=4096,
        receive in 0usize..200,
        events in proptest::collection::vec((any::<u8>(), message()), 0..60),
    ) {
        let mut any = Any::new(kind, length, (receive as u16, 128));
        for (what, message) in events {
            match what % 8 {
                0..=2 => {
                    let mut out = vec![0xEE; receive + 8];
                    if let Some(written) = any.transfer().next(&mut out[..receive]) {
                        prop_assert!(written <= receive);
                    }
                    prop_assert_eq!(&out[receive..], [0xEE; 8]);
                }
                7 => drop(any.transfer().abandon(Silence::NoAnswer)),
                _ => drop(any.transfer().take(&message)),
            }
            any.attend();
        }
    }

    #[test]
    fn whatever_comes_of_its_datagrams_a_transfer_ends_within_its_limit(
        kind in any::<u8>(),
        length in 0usize..=4096,
        receive in 16u16..200,
        send in 16u16..200,
        events in proptest::collection::vec(came(), 1..80),
    ) {
        let mut any = Any::new(kind, length, (receive, send));
        let mut client = Client::new(Sizes::new(receive, send).unwrap(), PATIENCE, kind);
        client.begin(0, LIMIT_NS).unwrap();
        // The cycle is so long that a hundred steps make a limit; some ends take patience for a last word besides.
        let cycle_ns = LIMIT_NS / 100;
        let mut wanted = Wanted::Nothing;
        let mut ended = false;
        for step in 0..200u64 {
            let mut byte = 0;
            let mut access = None;
            match &events[step as usize % events.len()] {
                Came::Nothing => {}
                Came::Lost => access = Some(Access::Lost),
                Came::Refused => access = Some(Access::Refused),
                Came::Fitting(value) => byte = *value,
                Came::Mailbox(message) => {
                    byte = 0x08;
                    access = matches!(wanted, Wanted::ReadMailbox(_)).then_some(Access::Mailbox(message));
                }
            }
            let access = access.or(match wanted {
                Wanted::WriteMailbox(_) | Wanted::AskRepeat(_) => Some(Access::Written),
                Wanted::PollStatus | Wanted::ReadRepeatAcknowledge => Some(Access::Byte(byte)),
                Wanted::ReadMailbox(_) => Some(Access::Mailbox(&[])),
                Wanted::Nothing => None,
            });
            let turn = client.step(Some(any.transfer()), access, step * cycle_ns);
            any.attend();
            wanted = turn.wanted;
            if let Report::Done | Report::Failed(_) = turn.report {
                ended = true;
                break;
            }
        }
        prop_assert!(ended && client.is_free());
        let turn = client.step(None, None, u64::MAX);
        prop_assert_eq!((turn.report, turn.wanted), (Report::Nothing, Wanted::Nothing));
    }

    #[test]
    fn a_client_that_is_given_what_it_did_not_ask_for_does_not_panic(
        kind in any::<u8>(),
        events in proptest::collection::vec((came(), any::<u8>(), any::<u64>()), 1..200),
    ) {
        let sizes = (40, 40);
        let mut any = Any::new(kind, 100, sizes);
        let mut client = Client::new(Sizes::new(40, 40).unwrap(), PATIENCE, 0);
        for (came, what, now_ns) in &events {
            match what % 16 {
                0 => drop(client.begin(*now_ns, 1_000_000_000)),
                1 => client.look(*now_ns),
                _ => {}
            }
            let access = match came {
                Came::Nothing => None,
                Came::Lost => Some(Access::Lost),
                Came::Refused => Some(Access::Refused),
                Came::Fitting(byte) if byte % 2 == 0 => Some(Access::Written),
                Came::Fitting(byte) => Some(Access::Byte(*byte)),
                Came::Mailbox(message) => Some(Access::Mailbox(message)),
            };
            let transfer = if what % 5 == 0 { None } else { Some(any.transfer()) };
            client.step(transfer, access, *now_ns);
            prop_assert_eq!(client.outgoing().len(), 40);
            any.attend();
        }
    }
}
