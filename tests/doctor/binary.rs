//! The built program as people and scripts run it.

use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

fn motiond() -> Command {
    Command::new(env!("CARGO_BIN_EXE_motiond"))
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// The exit code that --help promises for a verdict.
fn promised(report: &Value) -> i32 {
    match report["verdict"].as_str() {
        Some("good") => 0,
        Some("warn" | "unknown") => 3,
        Some("bad") => 1,
        other => panic!("verdict {other:?}"),
    }
}

fn finding<'a>(report: &'a Value, check: &str) -> &'a Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == check).unwrap_or_else(|| panic!("no {check} in {report}"))
}

#[test]
fn the_program_measures_and_exits_as_its_verdict_promises() {
    let output = motiond().args(["doctor", "--seconds", "1", "--period", "2000", "--json"]).output().unwrap();
    let report = report(&output);
    assert_eq!(code(&output), promised(&report), "{report}");
    assert_eq!(report["period_ns"], 2_000_000);
    let wake_up = &report["wake_up"];
    let at = |field: &str| wake_up[field].as_u64().unwrap();
    assert!(at("wake_ups") > 0 && at("periods") >= 500, "{wake_up}");
    assert!(at("p50_ns") <= at("p99_ns") && at("p99_ns") <= at("p99_9_ns") && at("p99_9_ns") <= at("max_ns"));
    finding(&report, "wake-up");
}

#[test]
fn a_person_sees_the_worst_first_and_a_conclusion_last() {
    let output = motiond().args(["doctor", "--seconds", "0", "--cpu", "1023"]).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(code(&output), 1, "{text}");
    assert!(text.lines().nth(2).unwrap().starts_with("bad"), "{text}");
    assert!(text.contains("affinity") && text.contains("do: set cpu in [realtime]"), "{text}");
    assert!(text.trim_end().ends_with("not ready for a period of 1000 µs"), "{text}");
}

#[test]
fn wrong_arguments_and_configurations_exit_with_2_and_help_tells_all_codes() {
    for arguments in [&["--period", "3"][..], &["--seconds", "x"], &["/nowhere.toml"]] {
        let output = motiond().arg("doctor").args(arguments).output().unwrap();
        assert_eq!(code(&output), 2, "{arguments:?}: {output:?}");
    }
    let help = String::from_utf8(motiond().args(["doctor", "--help"]).output().unwrap().stdout).unwrap();
    for code in ["0  all", "1  something is bad", "2  wrong", "3  nothing is bad"] {
        assert!(help.contains(code), "{code:?} in {help}");
    }
}

#[test]
fn an_ordinary_user_without_limits_gets_a_report_that_names_them() {
    if !nix::unistd::geteuid().is_root() {
        println!("skipped: doctor as another user: only root can become one");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
    // The folder of the build may be closed to others.
    let program = directory.path().join("motiond");
    std::fs::copy(env!("CARGO_BIN_EXE_motiond"), &program).unwrap();
    let output = Command::new("prlimit")
        .args(["--rtprio=0:0", "--memlock=8388608:8388608", "setpriv"])
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"])
        .arg(&program)
        .args(["doctor", "--seconds", "1", "--json"])
        .output()
        .unwrap();
    let report = report(&output);
    assert_eq!((code(&output), promised(&report)), (1, 1), "{report}");
    for (check, hint) in [("scheduling", "LimitRTPRIO=80"), ("memory-lock", "LimitMEMLOCK=infinity")] {
        let finding = finding(&report, check);
        assert_eq!(finding["verdict"], "bad", "{finding}");
        assert!(finding["hint"].as_str().unwrap().contains(hint), "{finding}");
    }
    assert_eq!(report["wake_up"]["realtime"], false);
}
