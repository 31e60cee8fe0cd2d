//! The report: for a person a table, worst first; for programs JSON.

use serde::Serialize;
use std::fmt::{self, Write};

use super::finding::{Finding, Verdict};
use super::measurement::{Measured, microseconds};
use super::subject::Subject;

/// Everything that the doctor has to say.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The period that the host is judged for, nanoseconds.
    pub period_ns: u64,
    /// The SCHED_FIFO priority.
    pub priority: u8,
    /// The CPU that the cycle is pinned to.
    pub cpu: Option<usize>,
    /// The worst of all findings.
    pub verdict: Verdict,
    /// The measurement; absent where none was made.
    pub wake_up: Option<Measured>,
    /// One for each thing that was looked at, worst first.
    pub findings: Vec<Finding>,
}

impl Report {
    /// From what was found; sorts it.
    pub fn new(subject: &Subject, mut findings: Vec<Finding>, wake_up: Option<Measured>) -> Report {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        Report {
            period_ns: subject.period_ns,
            priority: subject.priority,
            cpu: subject.cpu,
            verdict: findings.first().map_or(Verdict::Unknown, |worst| worst.verdict),
            wake_up,
            findings,
        }
    }

    /// For scripts: 0 all good, 1 something bad, 3 nothing bad, but something to better or not known.
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Verdict::Good => 0,
            Verdict::Unknown | Verdict::Warn => 3,
            Verdict::Bad => 1,
        }
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == verdict).count()
    }

    fn conclusion(&self) -> String {
        let period = microseconds(self.period_ns);
        match self.verdict {
            Verdict::Good => format!("this host runs a period of {period}"),
            Verdict::Unknown => format!("nothing speaks against a period of {period}, but not all could be read"),
            Verdict::Warn => format!("a period of {period} runs here, less well than it could"),
            Verdict::Bad => format!("not ready for a period of {period}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cpu = self.cpu.map_or("not pinned".into(), |cpu| format!("CPU {cpu}"));
        writeln!(out, "cycle of {}, SCHED_FIFO {}, {cpu}\n", microseconds(self.period_ns), self.priority)?;
        let width = self.findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
        for finding in &self.findings {
            writeln!(out, "{:<7}  {:<width$}  {}", finding.verdict, finding.check, finding.found)?;
            if let Some(hint) = &finding.hint {
                writeln!(out, "{:<7}  {:<width$}  wanted: {}", "", "", finding.wanted)?;
                writeln!(out, "{:<7}  {:<width$}  do: {hint}", "", "")?;
            }
        }
        if let Some(measured) = &self.wake_up {
            write!(out, "\n{}", table(measured))?;
        }
        let counts = [Verdict::Bad, Verdict::Warn, Verdict::Unknown, Verdict::Good]
            .map(|verdict| format!("{} {verdict}", self.count(verdict)));
        write!(out, "\n{}: {}", counts.join(", "), self.conclusion())
    }
}

fn table(measured: &Measured) -> String {
    let us = |ns: u64| format!("{:.1} µs", ns as f64 / 1000.0);
    let mut text = format!("{:<10}{:>12}{:>12}{:>12}{:>12}\n", "", "p50", "p99", "p99.9", "max");
    let [p50, p99, p99_9, max] = [measured.p50_ns, measured.p99_ns, measured.p99_9_ns, measured.max_ns].map(us);
    // Writing to a String does not fail.
    let _ = writeln!(text, "{:<10}{p50:>12}{p99:>12}{p99_9:>12}{max:>12}", "wake-up");
    let _ = write!(text, "{} of {} periods skipped", measured.skipped, measured.periods);
    if let (Some(faults), Some(preemptions)) = (measured.page_faults, measured.preemptions) {
        let _ = write!(text, ", {faults} page faults, preempted {preemptions} times");
    }
    if !measured.realtime {
        text.push_str(", not real-time");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(check: &'static str, verdict: Verdict) -> Finding {
        let hint = (verdict != Verdict::Good).then(|| format!("mend {check}"));
        Finding { check, verdict, found: format!("{check} is so"), wanted: "better", hint }
    }

    #[test]
    fn the_worst_comes_first_and_decides() {
        let subject = Subject::default();
        for (verdicts, code) in [
            (vec![Verdict::Good], 0),
            (vec![Verdict::Good, Verdict::Unknown], 3),
            (vec![Verdict::Unknown, Verdict::Warn], 3),
            (vec![Verdict::Warn, Verdict::Bad, Verdict::Good], 1),
            (vec![], 3),
        ] {
            let findings = verdicts.iter().map(|verdict| finding(verdict.word(), *verdict)).collect();
            let report = Report::new(&subject, findings, None);
            assert_eq!(report.exit_code(), code, "{verdicts:?}");
            let shown = report.to_string();
            let worst = verdicts.iter().max();
            assert!(worst.is_none_or(|worst| shown.lines().nth(2).unwrap().starts_with(worst.word())), "{shown}");
            assert_eq!(shown.contains("do: mend bad"), verdicts.contains(&Verdict::Bad), "{shown}");
        }
    }
}
