//! Where events are written: two files, of which the older gives way when the newer is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::past::{History, PastEvent};
use super::segment;
use crate::limits::{EVENT_JUMP, EVENTS_PER_SEGMENT};

const NEWER: &str = "events.log";
const OLDER: &str = "events.log.1";
/// The key of the record that an orderly end leaves.
const CLOSED: &str = "closed";

/// How this life begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// The last number that was written before.
    pub known: u64,
    /// The events of this life have higher numbers than this one.
    pub after: u64,
    /// The life before ended in order, and nothing of it is missing.
    pub clean: bool,
}

/// The store of this life's events.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    pub(super) file: Option<File>,
    /// Records in the newer file.
    records: usize,
    /// Bytes of them; what stands behind is of an attempt that failed.
    bytes: u64,
}

impl Store {
    /// Opens the store in this folder, with what is in it. A line that a crash left unfinished is cut off.
    ///
    /// # Errors
    /// Where the files cannot be read or written.
    pub fn open(folder: &Path) -> io::Result<(Store, History, Beginning)> {
        let older = segment::read(&folder.join(OLDER))?;
        let newer = segment::read(&folder.join(NEWER))?;
        let damaged = older.damaged + newer.damaged;
        if damaged > 0 {
            tracing::warn!(damaged, folder = %folder.display(), "lines of earlier events are damaged and left out");
        }
        let records = newer.records.len();
        let mut store = Store { folder: folder.to_path_buf(), file: None, records, bytes: newer.sound_bytes as u64 };
        store.file()?;

        let (mut events, mut closed): (Vec<PastEvent>, bool) = (Vec::new(), true);
        for record in older.records.into_iter().chain(newer.records) {
            if record.contains_key(CLOSED) {
                closed = true;
                continue;
            }
            let Some(sequence) = record.get("sequence").and_then(Value::as_u64) else { continue };
            // Only a foreign hand could bring numbers that do not rise.
            if events.last().is_none_or(|last| last.sequence < sequence) {
                events.push(PastEvent { sequence, record });
                closed = false;
            }
        }
        let history = History::new(events);
        let known = history.last();
        let after = if closed { known } else { (known / EVENT_JUMP + 1) * EVENT_JUMP };
        Ok((store, history, Beginning { known, after, clean: closed }))
    }

    /// Writes these records and waits until the disk has them. After an error nothing of them is there, and they can be
    /// tried again.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub fn append(&mut self, records: &[Map<String, Value>]) -> io::Result<()> {
        if self.records + records.len() > EVENTS_PER_SEGMENT && self.records > 0 {
            self.rotate()?;
        }
        let text: String = records.iter().map(segment::line).collect();
        let written = self.write(&text);
        if written.is_err() {
            // What was written of it is cut off before the next attempt.
            self.file = None;
        }
        written?;
        self.records += records.len();
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// The orderly end: the next life goes on with the next number.
    ///
    /// # Errors
    /// As [`Store::append`].
    pub fn close(&mut self, last: u64) -> io::Result<()> {
        self.append(&[Map::from_iter([(CLOSED.to_string(), json!(last))])])
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        let file = self.file()?;
        file.write_all(text.as_bytes())?;
        file.sync_data()
    }

    /// The newer file, from its last sound line on.
    fn file(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let file = OpenOptions::new().append(true).create(true).open(self.folder.join(NEWER))?;
            file.set_len(self.bytes)?;
            self.file = Some(file);
        }
        self.file.as_mut().ok_or_else(|| io::Error::other("the file was not kept"))
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        fs::rename(self.folder.join(NEWER), self.folder.join(OLDER))?;
        (self.records, self.bytes) = (0, 0);
        self.file()?;
        File::open(&self.folder)?.sync_all()
    }
}
