//! From a file to a machine, or to everything that is wrong with the file.

use std::path::Path;

use toml::de::DeTable;

use super::error::{ConfigError, Problem};
use super::machine::MachineConfig;
use super::reader::{Reader, line_starts};
use super::schema::File;
use super::validate::validate;

/// The machine that `motiond demo` runs.
const DEMO: &str = include_str!("../../config/demo.toml");
/// Longest configuration, bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Reads and checks a file.
pub fn load(path: &Path) -> Result<MachineConfig, ConfigError> {
    let file = path.display().to_string();
    let unreadable = |cause: String| ConfigError::Unreadable { file: file.clone(), cause };
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > MAX_BYTES {
        return Err(unreadable(format!("it has {length} bytes; a configuration has at most {MAX_BYTES}")));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let problem = Problem {
            line,
            place: "text".into(),
            found: "bytes that are no UTF-8 text".into(),
            allowed: "a TOML file in UTF-8".into(),
        };
        ConfigError::Invalid { file: file.clone(), problems: vec![problem] }
    })?;
    parse(&text, &file)
}

/// Checks the text of a file; `file` is its name in messages.
pub fn parse(text: &str, file: &str) -> Result<MachineConfig, ConfigError> {
    let invalid = |problems| ConfigError::Invalid { file: file.into(), problems };
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut problems: Vec<Problem> = errors.iter().map(|error| syntax_problem(text, error)).collect();
        // What follows the first on a line is mostly its consequence.
        problems.sort_by_key(|problem| problem.line);
        problems.dedup_by_key(|problem| problem.line);
        return Err(invalid(problems));
    }
    let mut reader = Reader::new(text, root.get_ref());
    let read = reader.read::<File>();
    let machine = read.and_then(|file| validate(&mut reader, file));
    let problems = reader.into_problems();
    match machine {
        Some(machine) if problems.is_empty() => Ok(machine),
        _ => Err(invalid(problems)),
    }
}

/// The demonstration machine, which is built in.
pub fn demo() -> Result<MachineConfig, ConfigError> {
    parse(DEMO, "config/demo.toml")
}

/// What `motiond check-config` says: one line that sums the machine up, or one line a problem.
pub fn check(path: &Path) -> Result<String, ConfigError> {
    load(path).map(|machine| format!("{}: {}", path.display(), machine.summary()))
}

fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let starts = line_starts(text);
    let line = starts.partition_point(|line_start| *line_start <= start);
    let written = text.lines().nth(line - 1).unwrap_or("").trim();
    let shown: String = written.chars().map(|c| if c.is_control() { '?' } else { c }).take(60).collect();
    let found = if shown.is_empty() { "the end of the file".to_string() } else { format!("`{shown}`") };
    let allowed = format!("a line of TOML ({})", error.message().replace('\n', " "));
    Problem { line, place: "syntax".into(), found, allowed }
}
