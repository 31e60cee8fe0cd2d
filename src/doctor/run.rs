//! The verb: measure, examine, report.

use std::process::ExitCode;

use super::examination::{Examination, Trial, examine};
use super::finding::{Finding, Verdict};
use super::host::Host;
use super::measurement::{judge, measure};
use super::report::Report;
use super::subject::Subject;

/// How the report is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How long wake-ups are measured, seconds; 0 leaves that out.
    pub seconds: u64,
    /// Print JSON.
    pub json: bool,
}

/// Examines this host and prints the report. To be called on the main thread before any other exists. The exit code is
/// [`Report::exit_code`].
pub fn run(subject: &Subject, options: Options) -> ExitCode {
    let host = Host::this();
    let (trial, measured, failed) = match measure(subject, &host, options.seconds) {
        Ok((trial, measured)) => (trial, measured, None),
        Err(error) => (Trial::default(), None, Some(error.to_string())),
    };
    let mut findings = examine(&Examination { host: &host, subject, trial: &trial });
    findings.extend(measured.as_ref().map(|measured| judge(subject.period_ns, measured)));
    findings.extend(failed.map(|error| Finding {
        check: "wake-up",
        verdict: Verdict::Bad,
        found: error,
        wanted: "a thread for the cycle",
        hint: Some("raise TasksMax= in the unit, or the memory of the container".into()),
    }));
    let report = Report::new(subject, findings, measured);
    let text = if options.json {
        // Plain structures of numbers and text: there is nothing that JSON could not hold.
        serde_json::to_string_pretty(&report).unwrap_or_default()
    } else {
        report.to_string()
    };
    // Whoever reads may have gone (`| head`): the exit code still says how it is.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{text}\n").as_bytes());
    ExitCode::from(report.exit_code())
}
