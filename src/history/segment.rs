//! One file of the store: a line a record, each with its own checksum.

use std::io;
use std::path::Path;

use serde_json::{Map, Value};

/// What a file holds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Segment {
    pub records: Vec<Map<String, Value>>,
    /// Bytes up to the end of the last sound line.
    pub sound_bytes: usize,
    /// Lines before that which are not sound.
    pub damaged: usize,
}

/// A record as a line: CRC-32 of the text in hexadecimal, a space, the text as JSON.
pub(super) fn line(record: &Map<String, Value>) -> String {
    let text = serde_json::to_string(record).unwrap_or_default();
    format!("{:08x} {text}\n", crc32fast::hash(text.as_bytes()))
}

/// Reads a file; one that is not there is empty.
pub(super) fn read(path: &Path) -> io::Result<Segment> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Segment::default()),
        Err(error) => Err(error),
    }
}

/// What stands behind the last sound line was being written when the daemon died.
pub(super) fn parse(bytes: &[u8]) -> Segment {
    let mut segment = Segment::default();
    let (mut at, mut damaged) = (0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        match parse_line(line) {
            Some(record) => {
                segment.records.push(record);
                segment.sound_bytes = at;
                segment.damaged += std::mem::take(&mut damaged);
            }
            None => damaged += 1,
        }
    }
    segment
}

fn parse_line(line: &[u8]) -> Option<Map<String, Value>> {
    let (sum, text) = line.strip_suffix(b"\n")?.split_at_checked(8)?;
    let text = text.strip_prefix(b" ")?;
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    if crc32fast::hash(text) != sum {
        return None;
    }
    serde_json::from_slice(text).ok()
}
