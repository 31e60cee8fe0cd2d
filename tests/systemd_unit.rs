//! The shipped unit is one that systemd accepts, and it does not take away what the cycle needs.

use std::fs;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = "/usr/bin/motiond";

fn shipped() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/motiond.service");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn value<'a>(unit: &'a str, directive: &str) -> Option<&'a str> {
    unit.lines().find_map(|line| line.strip_prefix(directive)?.strip_prefix('='))
}

/// Runs systemd-analyze on the shipped unit with its program replaced by the one that was built: `verify` wants it to
/// exist. `None`, with the reason on stderr, where there is no systemd-analyze.
fn analyze(arguments: &[&str], unit: &str) -> Option<std::process::Output> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("motiond.service");
    fs::write(&file, unit.replace(PROGRAM, env!("CARGO_BIN_EXE_motiond"))).unwrap();
    match Command::new("systemd-analyze").args(arguments).arg(&file).env("LC_ALL", "C").output() {
        Ok(output) => Some(output),
        Err(error) => {
            eprintln!("skipped: systemd-analyze does not run here: {error}");
            None
        }
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let unit = shipped();
    assert!(unit.contains(PROGRAM));
    let Some(output) = analyze(&["verify", "--man=no"], &unit) else { return };
    let found = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && found.is_empty(), "{}\n{found}", output.status);
}

#[test]
fn systemd_would_find_a_directive_that_does_not_exist() {
    let unit = shipped().replace("LimitRTPRIO=", "LimitRealtime=");
    let Some(output) = analyze(&["verify", "--man=no"], &unit) else { return };
    assert!(String::from_utf8_lossy(&output.stderr).contains("LimitRealtime"), "{output:?}");
}

#[test]
fn the_unit_exposes_little() {
    let Some(output) = analyze(&["security", "--offline=true", "--threshold=22", "--no-pager"], &shipped()) else {
        return;
    };
    let found = String::from_utf8_lossy(&output.stdout);
    let verdict = found.lines().rev().find(|line| line.contains("exposure level")).unwrap_or("no verdict");
    assert!(output.status.success(), "{verdict}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_unit_leaves_the_cycle_what_it_needs() {
    let unit = shipped();
    for (directive, forbidden) in
        [("RestrictRealtime", "yes"), ("PrivateDevices", "yes"), ("ProcSubset", "pid"), ("PrivateUsers", "yes")]
    {
        assert_ne!(value(&unit, directive), Some(forbidden), "{directive}");
    }
    assert_eq!(value(&unit, "CPUSchedulingPolicy"), None);
    assert!(!unit.contains("~@resources") && !unit.contains("~@memlock"));
    assert_eq!(value(&unit, "LimitMEMLOCK"), Some("infinity"));
    assert_eq!(value(&unit, "Type"), Some("notify"));
    assert_eq!(value(&unit, "Restart"), Some("on-failure"));
    let number = |directive: &str| value(&unit, directive).unwrap_or("").parse::<u64>().unwrap_or(0);
    let default_priority = motiond::cycle::thread::ThreadPlan::with_period(1_000_000).priority;
    assert!(number("LimitRTPRIO") >= u64::from(default_priority));
    assert!(number("TimeoutStopSec") > motiond::limits::RT_SHUTDOWN_S, "the daemon gives up before systemd does");
    assert!(number("LimitNOFILE") as usize >= 2 * motiond::limits::MAX_CLIENTS);
}
