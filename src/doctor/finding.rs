//! What a check says.

use serde::Serialize;
use std::fmt;

use super::host::Unread;

/// How a thing stands, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It could not be read; it may be good or bad.
    Unknown,
    /// The cycle runs, less well than it could.
    Warn,
    /// The cycle cannot run as it should.
    Bad,
}

impl Verdict {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Unknown => "unknown",
            Verdict::Warn => "warn",
            Verdict::Bad => "bad",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.word())
    }
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's stable name.
    pub check: &'static str,
    /// How it stands.
    pub verdict: Verdict,
    /// What is there, or why that cannot be told.
    pub found: String,
    /// What should be.
    pub wanted: &'static str,
    /// The command or directive that makes it so; absent where all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What one check makes of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// How it stands.
    pub verdict: Verdict,
    /// What is there.
    pub found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A check's outcome: any number of judgements (none where there is nothing to judge), or why it cannot judge.
pub type Examined = Result<Vec<Judgement>, Unread>;

/// All is well.
pub fn good(found: impl Into<String>) -> Examined {
    Ok(vec![Judgement { verdict: Verdict::Good, found: found.into(), hint: None }])
}

/// Not as good as it could be.
pub fn warn(found: impl Into<String>, hint: impl Into<String>) -> Examined {
    Ok(vec![Judgement { verdict: Verdict::Warn, found: found.into(), hint: Some(hint.into()) }])
}

/// Not good.
pub fn bad(found: impl Into<String>, hint: impl Into<String>) -> Examined {
    Ok(vec![Judgement { verdict: Verdict::Bad, found: found.into(), hint: Some(hint.into()) }])
}

/// It does not concern this host or this configuration.
pub fn nothing() -> Examined {
    Ok(Vec::new())
}
