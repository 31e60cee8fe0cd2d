//! From a file to a machine, or to everything that is wrong with the file.

use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::error::{ConfigError, Problem};
use super::machine::{MachineConfig, Origin};
use super::overlay::{self, Overrides};
use super::profile::Profiles;
use super::reader::{Reader, line_starts};
use super::schema::File;
use super::validate::validate;

/// The machine that `motiond demo` runs.
const DEMO: &str = include_str!("../../config/demo.toml");
/// Longest configuration, bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Reads and checks a file.
pub fn load(path: &Path) -> Result<MachineConfig, ConfigError> {
    let text = text_of(path)?;
    let profiles = Profiles::of(&text, path.parent().unwrap_or(Path::new("")));
    let file = path.display().to_string();
    parse_with(&text, &file, &Overrides::new(), profiles).map_err(|problems| ConfigError::Invalid { file, problems })
}

/// The same with what was persisted over it, where there is such a file.
pub fn load_with(path: &Path, overlay: &Path) -> Result<MachineConfig, ConfigError> {
    let machine = load(path)?;
    if !overlay.exists() {
        return Ok(machine);
    }
    let place = overlay.display().to_string();
    let text = text_of(overlay).map_err(|error| match error {
        ConfigError::Invalid { problems, .. } => not_overlaid(&machine, &place, in_overlay(problems)),
        other => other,
    })?;
    overlay_with(&machine, &text, &place)
}

/// A machine with the text of an overlay over its file; `overlay` is its name in messages.
pub fn overlay_with(machine: &MachineConfig, text: &str, overlay: &str) -> Result<MachineConfig, ConfigError> {
    let overrides = overlay::read(text).map_err(|errors| in_overlay(syntax_problems(text, &errors)));
    let overlaid = overrides.and_then(|overrides| machine.with_overrides(&overrides));
    overlaid.map_err(|problems| not_overlaid(machine, overlay, problems))
}

fn not_overlaid(machine: &MachineConfig, overlay: &str, problems: Vec<Problem>) -> ConfigError {
    ConfigError::Overlay { overlay: overlay.to_string(), file: machine.origin.file.clone(), problems }
}

fn in_overlay(problems: Vec<Problem>) -> Vec<Problem> {
    problems.into_iter().map(|problem| Problem { overlaid: true, ..problem }).collect()
}

/// The text of a file.
fn text_of(path: &Path) -> Result<String, ConfigError> {
    let file = path.display().to_string();
    let unreadable = |cause: String| ConfigError::Unreadable { file: file.clone(), cause };
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > MAX_BYTES {
        return Err(unreadable(format!("it has {length} bytes; a configuration has at most {MAX_BYTES}")));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            1 + error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        let problem = Problem {
            line,
            overlaid: false,
            place: "text".into(),
            found: "bytes that are no UTF-8 text".into(),
            allowed: "a TOML file in UTF-8".into(),
        };
        ConfigError::Invalid { file: file.clone(), problems: vec![problem] }
    })
}

/// Checks the text of a file that names no profiles; `file` is its name in messages.
pub fn parse(text: &str, file: &str) -> Result<MachineConfig, ConfigError> {
    parse_with(text, file, &Overrides::new(), Profiles::default())
        .map_err(|problems| ConfigError::Invalid { file: file.into(), problems })
}

/// The same with overrides; else everything that is wrong.
pub(super) fn parse_with(
    text: &str,
    file: &str,
    overrides: &Overrides,
    profiles: Profiles,
) -> Result<MachineConfig, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(syntax_problems(text, &errors));
    }
    let mut reader = Reader::new(text, root.get_ref(), overrides);
    let read = reader.read::<File>();
    let machine = read.and_then(|file| validate(&mut reader, file, &profiles));
    let parameters = reader.take_parameters();
    let problems = reader.into_problems();
    match machine {
        Some(machine) if problems.is_empty() => {
            let origin = Origin { file: file.into(), text: text.into(), parameters, profiles };
            Ok(MachineConfig { origin: Arc::new(origin), ..machine })
        }
        _ => Err(problems),
    }
}

/// The demonstration machine, which is built in.
pub fn demo() -> Result<MachineConfig, ConfigError> {
    parse(DEMO, "config/demo.toml")
}

/// What `motiond check-config` says: one line that sums the machine up and one for each value that was persisted over it, or one
/// line a problem.
pub fn check(path: &Path, overlay: Option<&Path>) -> Result<String, ConfigError> {
    let machine = overlay.map_or_else(|| load(path), |overlay| load_with(path, overlay))?;
    let persisted = machine.origin.differences().map(|difference| format!("\n  persisted: {difference}"));
    Ok(format!("{}: {}{}", path.display(), machine.summary(), persisted.collect::<String>()))
}

fn syntax_problems(text: &str, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = errors.iter().map(|error| syntax_problem(text, error)).collect();
    // What follows the first on a line is mostly its consequence.
    problems.sort_by_key(|problem| problem.line);
    problems.dedup_by_key(|problem| problem.line);
    problems
}

fn syntax_problem(text: &str, error: &toml::de::Error) -> Problem {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let starts = line_starts(text);
    let line = starts.partition_point(|line_start| *line_start <= start);
    let written = text.lines().nth(line - 1).unwrap_or("").trim();
    let shown: String = written.chars().map(|c| if c.is_control() { '?' } else { c }).take(60).collect();
    let found = if shown.is_empty() { "the end of the file".to_string() } else { format!("`{shown}`") };
    let allowed = format!("a line of TOML ({})", error.message().replace('\n', " "));
    Problem { line, overlaid: false, place: "syntax".into(), found, allowed }
}
