//! Lines as entries of the journal, in journald's native protocol (systemd, `JOURNAL_NATIVE_PROTOCOL`).
//!
//! ```text
//! MESSAGE=…            the line as a terminal would show it, without time and level
//! PRIORITY=3|4|6|7     error, warning, info, debug
//! MESSAGE_ID=…         of lines with a name
//! MOTION_AXIS=x        each field of the line by its own name: MOTION_GROUP, MOTION_EVENT_SEQ, MOTION_FAULT, MOTION_UID, …
//! ```
//!
//! Nobody who logs waits for journald: what it does not take at once (its socket holds 10 entries where nobody raised
//! `net.unix.max_dgram_qlen`) is kept, in order, and sent with a later line or by [`Journal::send_kept`]; what cannot be kept
//! either is counted. (`tracing-journald` sends with a blocking socket, to a fixed path, and has one prefix for every
//! field, so it has no `MESSAGE_ID` beside `MOTION_AXIS`.)

use super::entry::Entry;
use super::message_id;
use std::collections::VecDeque;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Entries that are kept for a journald that is behind: some 300 bytes each, a few kilobytes where a client's request is long.
const MAX_KEPT: usize = 1024;

/// The way to journald. Copies are of one.
#[derive(Clone)]
pub struct Journal {
    socket: Arc<UnixDatagram>,
    /// Looked up for each entry: journald makes the socket anew when it is restarted.
    path: PathBuf,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Vec<u8>>,
    lost: u64,
}

impl Journal {
    /// Entries go to the datagram socket at `path`, which need not be there yet.
    ///
    /// # Errors
    /// Where the system gives no socket.
    pub fn new(path: &Path) -> std::io::Result<Journal> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Journal { socket: Arc::new(socket), path: path.to_path_buf(), kept: Arc::default() })
    }

    /// Lines that could not even be kept since the last call.
    pub fn drain_lost(&self) -> u64 {
        std::mem::take(&mut self.kept().lost)
    }

    /// Sends what was kept, as far as journald takes it now; whether there is more.
    pub fn send_kept(&self) -> bool {
        self.send_in_order(&mut self.kept())
    }

    fn send_in_order(&self, kept: &mut Kept) -> bool {
        while let Some(entry) = kept.entries.front() {
            if self.socket.send_to(entry, &self.path).is_err() {
                return true;
            }
            kept.entries.pop_front();
        }
        false
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for Journal {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let entry = encode(event.metadata(), &Entry::of(event));
        let mut kept = self.kept();
        if kept.entries.len() < MAX_KEPT {
            kept.entries.push_back(entry);
        } else {
            kept.lost += 1;
        }
        self.send_in_order(&mut kept);
    }
}

fn encode(metadata: &Metadata<'_>, entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    let priority = match *metadata.level() {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    };
    put(&mut bytes, "MESSAGE", &entry.line());
    put(&mut bytes, "PRIORITY", priority);
    put(&mut bytes, "SYSLOG_IDENTIFIER", "motiond");
    if let Some(id) = message_id::of(metadata.name()) {
        put(&mut bytes, "MESSAGE_ID", &format!("{id:032x}"));
    }
    if let (Some(file), Some(line)) = (metadata.file(), metadata.line()) {
        put(&mut bytes, "CODE_FILE", file);
        put(&mut bytes, "CODE_LINE", &line.to_string());
    }
    for (name, value) in &entry.fields {
        put(&mut bytes, &field_name(name), value);
    }
    bytes
}

/// The field's name in the journal: capitals, digits and underscores alone are allowed there.
fn field_name(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("MOTION_{}", name.chars().map(allowed).collect::<String>())
}

/// `NAME=value`, or with its length where the value has line breaks.
fn put(bytes: &mut Vec<u8>, name: &str, value: &str) {
    bytes.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        bytes.push(b'\n');
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        bytes.push(b'=');
    }
    bytes.extend_from_slice(value.as_bytes());
    bytes.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::entry::MAX_TEXT_BYTES;
    use super::*;
    use std::collections::BTreeMap;
    use tracing_subscriber::layer::SubscriberExt;

    /// A journald that keeps what it gets.
    struct Fake {
        socket: UnixDatagram,
        path: PathBuf,
        _directory: tempfile::TempDir,
    }

    impl Fake {
        fn new() -> Fake {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("socket");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_nonblocking(true).unwrap();
            Fake { socket, path, _directory: directory }
        }

        /// The next entry; each field once.
        fn entry(&self) -> BTreeMap<String, String> {
            let mut bytes = vec![0; 1 << 20];
            let length = self.socket.recv(&mut bytes).expect("an entry");
            parse(&bytes[..length])
        }
    }

    fn parse(mut bytes: &[u8]) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        while !bytes.is_empty() {
            let end = bytes.iter().position(|byte| matches!(byte, b'=' | b'\n')).expect("a name");
            let name = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let (start, length) = match bytes[end] {
                b'=' => (end + 1, bytes[end + 1..].iter().position(|byte| *byte == b'\n').expect("an end")),
                _ => (end + 9, u64::from_le_bytes(bytes[end + 1..end + 9].try_into().unwrap()) as usize),
            };
            let value = String::from_utf8(bytes[start..start + length].to_vec()).unwrap();
            assert_eq!(bytes[start + length], b'\n', "{name}");
            assert!(fields.insert(name.clone(), value).is_none(), "{name} twice");
            bytes = &bytes[start + length + 1..];
        }
        fields
    }

    fn log(journal: &Journal, lines: impl FnOnce()) {
        tracing::subscriber::with_default(tracing_subscriber::registry().with(journal.clone()), lines);
    }

    #[test]
    fn a_named_line_is_an_entry_with_its_id_and_every_field() {
        let fake = Fake::new();
        let journal = Journal::new(&fake.path).unwrap();
        log(&journal, || {
            let (axis, group) = (Some("x"), None::<&str>);
            tracing::error!(name: "fault_raised", axis, group, fault = "following-error", event_seq = 17, "it stops");
        });
        let mut entry = fake.entry();
        let mut take = |name: &str| entry.remove(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(take("MESSAGE"), "it stops axis=\"x\" fault=\"following-error\" event_seq=17");
        assert_eq!(take("PRIORITY"), "3");
        assert_eq!(take("SYSLOG_IDENTIFIER"), "motiond");
        assert_eq!(take("MESSAGE_ID"), format!("{:032x}", message_id::of("fault_raised").unwrap()));
        assert_eq!(take("MOTION_AXIS"), "x");
        assert_eq!(take("MOTION_FAULT"), "following-error");
        assert_eq!(take("MOTION_EVENT_SEQ"), "17");
        assert!(take("CODE_FILE").ends_with("journal.rs"));
        take("CODE_LINE");
        assert!(entry.is_empty(), "{entry:?}");
    }

    #[test]
    fn levels_become_priorities_and_a_line_without_a_name_has_no_id() {
        let fake = Fake::new();
        let journal = Journal::new(&fake.path).unwrap();
        log(&journal, || {
            tracing::error!("a line");
            tracing::warn!("a line");
            tracing::info!("a line");
            tracing::debug!("a line");
        });
        for priority in ["3", "4", "6", "7"] {
            let entry = fake.entry();
            assert_eq!((entry["MESSAGE"].as_str(), entry["PRIORITY"].as_str()), ("a line", priority));
            assert!(!entry.contains_key("MESSAGE_ID"));
        }
    }

    #[test]
    fn whatever_a_client_sends_stays_inside_its_field_and_is_cut_when_long() {
        let fake = Fake::new();
        let journal = Journal::new(&fake.path).unwrap();
        let parameters = "{\"a\":1}\nMESSAGE=forged\n\nMOTION_UID=0\n";
        log(&journal, || {
            tracing::info!(name: "command", parameters, uid = 1000u32, "command");
            tracing::info!(name: "command", parameters = "é".repeat(100_000), "command");
        });
        let entry = fake.entry();
        assert_eq!((entry["MOTION_PARAMETERS"].as_str(), entry["MOTION_UID"].as_str()), (parameters, "1000"));
        assert!(!entry["MESSAGE"].contains('\n'), "{}", entry["MESSAGE"]);
        let long = &fake.entry()["MOTION_PARAMETERS"];
        assert!(
            (MAX_TEXT_BYTES - 4..MAX_TEXT_BYTES + 4).contains(&long.len()) && long.ends_with('…'),
            "{}",
            long.len()
        );
    }

    #[test]
    fn a_journal_that_is_behind_holds_nobody_up_and_gets_every_line_in_order() {
        let fake = Fake::new();
        let journal = Journal::new(&fake.path).unwrap();
        // Nobody reads: the kernel takes some datagrams and refuses the rest.
        let lines = MAX_KEPT as u64;
        log(&journal, || (0..lines).for_each(|number| tracing::info!(number, "a line")));
        assert!(journal.send_kept(), "the kernel took {lines} datagrams");
        for number in 0..lines {
            assert_eq!(fake.entry()["MOTION_NUMBER"], number.to_string());
            journal.send_kept();
        }
        assert!(!journal.send_kept());
        assert_eq!(journal.drain_lost(), 0);
    }

    #[test]
    fn without_a_journald_a_bounded_number_of_lines_is_kept_for_the_next_one() {
        let fake = Fake::new();
        std::fs::remove_file(&fake.path).unwrap();
        let journal = Journal::new(&fake.path).unwrap();
        log(&journal, || (0..MAX_KEPT + 5).for_each(|number| tracing::info!(number, "a line")));
        assert_eq!((journal.drain_lost(), journal.drain_lost()), (5, 0));
        let restarted = Fake { socket: UnixDatagram::bind(&fake.path).unwrap(), ..fake };
        assert!(journal.send_kept(), "more than the kernel takes at once");
        assert_eq!(restarted.entry()["MOTION_NUMBER"], "0");
    }
}
