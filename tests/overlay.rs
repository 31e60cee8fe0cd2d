//! What was persisted over a configuration: read at a start, checked whole with it, refused with file, line and remedy.

use motiond::config::{ConfigError, load, load_with};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo.toml")
}

fn overlay(text: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("parameters.toml");
    fs::write(&file, text).unwrap();
    (folder, file)
}

fn refusal(text: impl AsRef<[u8]>) -> String {
    let (_folder, file) = overlay(text);
    load_with(&demo(), &file).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn an_overlay_holds_instead_of_the_file_and_nothing_else_changes() {
    let (_folder, file) = overlay("axis.x.limits.max-velocity-mm-per-s = 500\n[axis.y.gains]\nposition-per-s = 7.5\n");
    let (plain, laid) = (load(&demo()).unwrap(), load_with(&demo(), &file).unwrap());
    assert_eq!(laid.axes[0].motion.limits.velocity, 500.0);
    assert_eq!(laid.axes[1].wiring.drive.gains.position_gain, 7.5);
    assert_eq!(laid.axes[0].motion.limits.jerk, plain.axes[0].motion.limits.jerk);
    assert_eq!(format!("{:?}", laid.axes[2]), format!("{:?}", plain.axes[2]));
    // A simulated motor is sized by the configuration.
    assert_eq!(format!("{:?}", laid.buses), format!("{:?}", plain.buses));
    let differences: Vec<String> = laid.origin.differences().collect();
    let expected = "axis.x.limits.max-velocity-mm-per-s = 500, configured is 800";
    assert!(differences.len() == 2 && differences[0] == expected, "{differences:?}");
}

#[test]
fn without_an_overlay_the_file_holds() {
    let folder = tempfile::tempdir().unwrap();
    let machine = load_with(&demo(), &folder.path().join("parameters.toml")).unwrap();
    assert_eq!(machine.origin.differences().count(), 0);
}

#[test]
fn an_overlay_that_does_not_fit_is_refused_with_line_key_found_allowed_and_remedy() {
    let cases: [(&str, &[&str]); 8] = [
        ("\naxis.x.limits.max-velocity-mm-per-s = -1", &[":2: axis \"x\": limits.max-velocity", "found -1", "above 0"]),
        ("axis.x.limits.max-velocity-mm-per-s = \"fast\"", &[":1:", "found \"fast\"", "a number above 0"]),
        ("axis.x.limits.max-velocity-mm-per-s = nan", &["found nan", "a number above 0"]),
        ("axis.q.limits.max-velocity-mm-per-s = 1", &[":1: axis.q.limits", "an unknown name", "did you mean axis."]),
        ("axis.x.mode = \"cst\"", &["found \"cst\"", "for the next start"]),
        ("machine.period-us = 500", &["found 500", "for the next start"]),
        ("axis.x.limits.max-velocity-mm-per-s = ", &[":1: syntax"]),
        ("[[axis]]\nname = \"x\"", &["axis", "an unknown name"]),
    ];
    for (text, parts) in cases {
        let refusal = refusal(text);
        for part in parts.iter().chain(&["parameters.toml", "move that file away"]) {
            assert!(refusal.contains(part), "{text:?} gives {refusal:?}, which lacks {part:?}");
        }
    }
    // It contradicts the file: the line is the file's, and it is said who is to blame.
    let refusal = refusal("axis.x.following-error.window-mm = 0.01");
    assert!(refusal.contains("demo.toml:") && refusal.contains("in-position.window-mm"), "{refusal}");
    assert!(refusal.contains("is good by itself"), "{refusal}");
}

#[test]
fn garbage_is_refused_and_never_a_panic() {
    let long = "x".repeat(100_000);
    let deep = format!("a = {}1{}", "[".repeat(500), "]".repeat(500));
    for text in ["\0\0\0", "=", "[", "axis", "axis.x", "axis = 3", "axis.x.limits = 7", "\"\" = 1", &long, &deep] {
        let refusal = refusal(text);
        assert!(refusal.contains("parameters.toml"), "{refusal}");
    }
    assert!(refusal([0xff, 0xfe, b'a']).contains("move that file away"));
    let (_folder, file) = overlay("");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(matches!(load_with(&demo(), &file), Err(ConfigError::Unreadable { .. })), "a directory");
}

#[test]
fn check_config_shows_what_is_persisted_and_run_refuses_what_does_not_fit() {
    let (folder, file) = overlay("axis.x.limits.max-velocity-mm-per-s = 500\n");
    let check = || {
        let mut check = Command::new(env!("CARGO_BIN_EXE_motiond"));
        let output =
            check.arg("check-config").arg(demo()).arg("--state-directory").arg(folder.path()).output().unwrap();
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    let (code, said) = check();
    let expected = "persisted: axis.x.limits.max-velocity-mm-per-s = 500, configured is 800";
    assert!(code == Some(0) && said.contains(expected), "{code:?} {said}");
    fs::write(&file, "axis.x.limits.max-velocity-mm-per-s = 0\n").unwrap();
    let (code, said) = check();
    assert!(code == Some(2) && said.contains("parameters.toml:1: axis \"x\""), "{code:?} {said}");
    let run = Command::new(env!("CARGO_BIN_EXE_motiond"))
        .arg("run")
        .arg(demo())
        .args(["--simulate", "--state-directory"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.code() == Some(2) && said.contains("move that file away"), "{:?} {said}", run.status);
}
