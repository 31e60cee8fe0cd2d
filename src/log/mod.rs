//! Log lines of ordinary threads: as text to a terminal or a file, as entries with fields to the journal.
//!
//! A line with a `name` in the sources is of a kind that programs may look for: it has a stable `MESSAGE_ID` in the
//! journal ([`message_id`]) and an explanation in `systemd/motiond.catalog`. Its fields become `MOTION_…` fields. Lines
//! that come too often are left out and counted ([`limit`]): nobody who logs ever waits. The real-time thread logs nothing.

mod entry;
pub mod journal;
pub mod limit;
pub mod message_id;

use journal::Journal;
use limit::Limit;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::OnceLock;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Where journald takes entries.
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";

/// What knows of lines that were left out or kept, for [`tell_of_left_out`] and [`send_kept`].
static COUNTERS: OnceLock<(Limit, Option<Journal>)> = OnceLock::new();

/// Sends every line to the journal where stderr leads there, else to stderr. `RUST_LOG` chooses lines, `info` unless given.
/// To be called once.
pub fn init() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    let limit = Limit::new();
    let journal = stderr_is_the_journal().then(|| Journal::new(Path::new(JOURNAL_SOCKET)).ok()).flatten();
    let lines = tracing_subscriber::fmt::layer().with_target(false).with_writer(std::io::stderr);
    let output = match &journal {
        Some(journal) => journal.clone().boxed(),
        None => lines.boxed(),
    };
    tracing_subscriber::registry().with(output).with(limit.clone()).with(filter).init();
    let _ = COUNTERS.set((limit, journal));
}

/// Logs how many lines were left out since the last call, if any. To be called now and then, and at the end.
pub fn tell_of_left_out() {
    let Some((limit, journal)) = COUNTERS.get() else { return };
    for (of, suppressed) in limit.drain() {
        tracing::warn!(name: "lines_suppressed", of, suppressed, "lines that came too often were left out");
    }
    let lost = journal.as_ref().map_or(0, Journal::drain_lost);
    if lost > 0 {
        tracing::warn!(name: "lines_lost", lost, "the journal was behind for too long to take all lines");
    }
}

/// Sends what a journal that was behind did not take yet; whether there is more. To be called now and then.
pub fn send_kept() -> bool {
    COUNTERS.get().and_then(|(_, journal)| journal.as_ref()).is_some_and(Journal::send_kept)
}

/// Whether stderr is the stream that systemd names in `JOURNAL_STREAM` (`DEVICE:INODE`): a process that was started by a
/// service, its output redirected, has the variable but not the stream.
fn stderr_is_the_journal() -> bool {
    let Some(stream) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    let Ok(stderr) = std::fs::metadata("/proc/self/fd/2") else { return false };
    names(&stream, stderr.dev(), stderr.ino())
}

fn names(stream: &str, device: u64, inode: u64) -> bool {
    stream == format!("{device}:{inode}")
}
