//! All checks over one host.

use super::ethtool::NicFacts;
use super::finding::{Examined, Finding, Verdict};
use super::host::{Host, Unread};
use super::subject::Subject;
use super::{interrupts, isolation, kernel, memory, network, platform, power, rights, unit_check};
use crate::cycle::preparation::{Degraded, Preparation, Provision};

/// What no file tells, found by trying.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// What the cyclic thread got of its host, and what it did not get.
    pub preparation: Preparation,
    /// The resolution of CLOCK_MONOTONIC, nanoseconds.
    pub clock_resolution_ns: Option<u64>,
    /// What each network interface of the subject says of itself.
    pub nics: Vec<NicFacts>,
    /// System management interrupts while wake-ups were measured; `None` where they were not.
    pub smis: Option<Result<u32, Unread>>,
}

impl Trial {
    /// What the thread did not get.
    pub fn lack(&self, provision: Provision) -> Option<&Degraded> {
        self.preparation.degraded.iter().find(|degraded| degraded.reason == provision)
    }

    /// What it got, in words.
    pub fn got(&self, provision: Provision) -> Option<&str> {
        self.preparation.done.iter().find(|(done, _)| *done == provision).map(|(_, words)| words.as_str())
    }
}

/// Everything that checks look at.
#[derive(Clone, Copy, Debug)]
pub struct Examination<'a> {
    /// The host's files.
    pub host: &'a Host,
    /// What it is judged for.
    pub subject: &'a Subject,
    /// What was tried.
    pub trial: &'a Trial,
}

/// One check: a stable name, what should be, and how to find out.
pub(super) struct Check {
    pub name: &'static str,
    pub wanted: &'static str,
    pub examine: fn(&Examination<'_>) -> Examined,
}

/// Runs every check; the worst findings come first, else in the order of the checks.
pub fn examine(examination: &Examination<'_>) -> Vec<Finding> {
    let tables = [
        rights::CHECKS,
        unit_check::CHECKS,
        kernel::CHECKS,
        isolation::CHECKS,
        interrupts::CHECKS,
        power::CHECKS,
        platform::CHECKS,
        memory::CHECKS,
        network::CHECKS,
    ];
    let mut findings: Vec<Finding> =
        tables.into_iter().flatten().flat_map(|check| findings(check, examination)).collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    findings
}

fn findings(check: &Check, examination: &Examination<'_>) -> Vec<Finding> {
    // Files hold what others wrote: nothing in them may drive the terminal.
    let plain = |text: String| text.replace(|c: char| c.is_control(), " ");
    let finding = |verdict, found: String, hint: Option<String>| Finding {
        check: check.name,
        verdict,
        found: plain(found),
        wanted: check.wanted,
        hint: hint.map(plain),
    };
    match (check.examine)(examination) {
        Ok(judgements) => {
            judgements.into_iter().map(|judged| finding(judged.verdict, judged.found, judged.hint)).collect()
        }
        Err(unread) => {
            let hint = match &unread {
                Unread::Absent(_) => "mount /proc and /sys here, or run it outside of the container",
                Unread::Refused(..) => "run it as root",
                Unread::Garbled(..) => "look at the file by hand",
            };
            vec![finding(Verdict::Unknown, unread.to_string(), Some(hint.to_string()))]
        }
    }
}
