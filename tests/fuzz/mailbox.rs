//! What a device may answer over its mailbox: no bytes at any step make the client panic, write beyond the mailbox or
//! leave a transfer without an end.
//!
//! Four bytes choose the transfer, the sizes of the mailboxes and the length of what is written; the rest says what becomes
//! of each datagram. For a read of the mailbox, a number up to 240 is that many bytes that follow; otherwise, as for every
//! other datagram, 1 and 241 lose it, 2 and 242 refuse it, 3 and 243 leave it unknown, 4 is an empty mailbox, 5 holds still,
//! and anything else is what was hoped for, or the byte of the register.
#![no_main]

use libfuzzer_sys::fuzz_target;
use motiond::fieldbus::ethercat::mailbox::client::PATIENCE;
use motiond::fieldbus::ethercat::mailbox::{
    Access, Address, Client, DescribeEntry, DescribeObject, Download, FileName, FileRead, FileWrite, ListKind,
    ObjectList, Report, Sizes, Transfer, Upload, Wanted,
};
use motiond::limits::{MAX_LISTED_OBJECTS, MAX_SDO_BYTES};

const CYCLE_NS: u64 = 20_000_000;
const LIMIT_NS: u64 = 30_000_000_000;
/// Bytes that are taken of a file.
const FILE_LIMIT: u64 = 10_000;

/// A transfer, and the attention that its caller gives it between steps.
enum Any {
    Upload(Upload),
    Download(Download),
    List(ObjectList),
    Object(DescribeObject),
    Entry(DescribeEntry),
    Read(FileRead),
    Write(FileWrite),
}

impl Any {
    fn new(kind: u8, length: usize, receive: usize, send: usize) -> Any {
        let name = FileName::new("firmware").unwrap();
        let value = vec![0x5A; length];
        match kind % 9 {
            0 => Any::Upload(Upload::new(Address::entry(0x2000, 1))),
            1 => Any::Upload(Upload::new(Address::whole(0x2000))),
            2 => Any::Download(Download::new(Address::entry(0x2000, 1), &value).unwrap()),
            3 => Any::Download(Download::new(Address::whole(0x2000), &value).unwrap()),
            4 => Any::List(ObjectList::new(ListKind::All)),
            5 => Any::Object(DescribeObject::new(0x2000)),
            6 => Any::Entry(DescribeEntry::new(0x2000, 1)),
            7 => Any::Read(FileRead::new(name, 0, send, FILE_LIMIT)),
            _ => Any::Write(FileWrite::new(name, 0, receive)),
        }
    }

    fn transfer(&mut self) -> &mut dyn Transfer {
        match self {
            Any::Upload(transfer) => transfer,
            Any::Download(transfer) => transfer,
            Any::List(transfer) => transfer,
            Any::Object(transfer) => transfer,
            Any::Entry(transfer) => transfer,
            Any::Read(transfer) => transfer,
            Any::Write(transfer) => transfer,
        }
    }

    fn attend(&mut self) {
        match self {
            Any::Upload(upload) => {
                assert!(upload.data().len() <= MAX_SDO_BYTES && upload.announced() as usize <= MAX_SDO_BYTES);
                assert!(upload.data().len() <= upload.announced() as usize);
            }
            Any::Download(download) => assert!(download.data().iter().all(|byte| *byte == 0x5A)),
            Any::List(list) => assert!(list.indices().count() <= MAX_LISTED_OBJECTS),
            Any::Object(object) => drop(object.description()),
            Any::Entry(entry) => drop(entry.description()),
            Any::Read(read) => {
                assert!(read.total() <= FILE_LIMIT);
                read.release();
            }
            Any::Write(write) => {
                if write.give(&[0xA5; 50]) == 0 {
                    write.finish();
                }
            }
        }
    }
}

/// What is left of the input.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// What becomes of a datagram; once the input has ended, all are lost.
    fn access(&mut self, wanted: Wanted) -> Option<Access<'a>> {
        let Some(what) = self.byte() else { return Some(Access::Lost) };
        match (wanted, what) {
            (Wanted::Nothing, _) => None,
            (Wanted::ReadMailbox(_), 0..=240) => Some(Access::Mailbox(self.bytes(what.into()))),
            (_, 1 | 241) => Some(Access::Lost),
            (_, 2 | 242) => Some(Access::Refused),
            (_, 3 | 243) => None,
            (Wanted::PollStatus, 4) => Some(Access::Byte(0)),
            (Wanted::PollStatus, _) => Some(Access::Byte(0x08)),
            (Wanted::ReadRepeatAcknowledge, 5) => Some(Access::Byte(0)),
            (Wanted::ReadRepeatAcknowledge, _) => Some(Access::Byte(what)),
            (Wanted::ReadMailbox(_), _) => Some(Access::Mailbox(self.0)),
            (Wanted::WriteMailbox(_) | Wanted::AskRepeat(_), _) => Some(Access::Written),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let [kind, receive, send, length] = [(); 4].map(|()| input.byte().unwrap_or(0));
    let (receive, send) = (16 + u16::from(receive), 16 + u16::from(send));
    let mut client = Client::new(Sizes::new(receive, send).unwrap(), PATIENCE, 0);
    let mut now_ns = 0;
    // One transfer behind the other over one client, until the input ends.
    for number in 0..=u8::MAX {
        let kind = kind.wrapping_add(number);
        let mut any = Any::new(kind, usize::from(length) * 16, receive.into(), send.into());
        client.begin(now_ns, LIMIT_NS).unwrap();
        let began_ns = now_ns;
        let mut access = None;
        loop {
            let turn = client.step(Some(any.transfer()), access, now_ns);
            assert_eq!(client.outgoing().len(), usize::from(receive));
            any.attend();
            match turn.report {
                Report::Done => break,
                Report::Failed(error) => {
                    assert!(!error.to_string().is_empty());
                    break;
                }
                Report::Aside(_) | Report::Busy(_) | Report::Progress | Report::Nothing => {}
            }
            now_ns += CYCLE_NS;
            let longest_ns = LIMIT_NS + PATIENCE.room_ns + 10 * CYCLE_NS;
            assert!(now_ns - began_ns <= longest_ns, "a transfer without an end");
            access = input.access(turn.wanted);
        }
        assert!(client.is_free());
        if input.0.is_empty() {
            break;
        }
    }
});
