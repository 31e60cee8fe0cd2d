//! `motionctl path --dry-run` on good and bad files, and README's chapter of paths as it is written.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const README: &str = include_str!("../README.md");
const CHAPTER: &str = "## Paths";

fn motionctl(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_motionctl"));
    command.args(["path", "--dry-run"]).args(arguments);
    if !arguments.contains(&"--config") {
        command.args(["--config", "config/demo.toml"]);
    }
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A program that complains first does not read it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn report(arguments: &[&str], input: &str) -> Value {
    let ended = motionctl(&[arguments, &["--json"]].concat(), input);
    assert!(ended.status.success(), "{}", said(&ended.stderr));
    serde_json::from_slice(&ended.stdout).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// With `UPDATE=1` in the environment the file is written instead: read the difference before you commit it.
fn expect(file: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(file, found).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(file).unwrap_or_default();
    assert!(found == expected, "{} differs; found:\n{found}\nexpected:\n{expected}", file.display());
}

fn paths(directory: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|file| file.extension().is_some_and(|end| end == "path")).collect();
    files.sort();
    assert!(!files.is_empty(), "{directory}");
    files
}

#[test]
fn every_shipped_path_keeps_the_limits_and_its_tolerance() {
    for file in paths("config/paths") {
        let name = file.to_str().unwrap();
        let machine = match name.ends_with("scara.path") {
            true => ["--group", "arm", "--config", "config/scara.toml"],
            false => ["--group", "gantry", "--config", "config/demo.toml"],
        };
        let report = report(&[&[name][..], &machine[..]].concat(), "");
        assert_eq!(report["inside_soft_limits"], true, "{report}");
        // What the file says, rounding of its circles aside.
        assert!(number(&report["deviation"]["mm"]) <= 0.05 * 1.001, "{report}");
        assert!(number(&report["length_mm"]) > 100.0 && number(&report["duration_s"]) > 1.0, "{report}");
        for axis in report["axes"].as_array().unwrap().iter().chain([&report["tool"]]) {
            for order in ["velocity", "acceleration", "jerk"] {
                assert!(number(&axis[order]["share_of_limit"]) <= 1.0, "{axis}");
            }
        }
    }
}

#[test]
fn each_bad_path_is_refused_with_exactly_these_words() {
    for file in paths("tests/data/paths") {
        let name = file.to_str().unwrap();
        let ended = motionctl(&[name, "--group", "gantry"], "");
        assert_eq!(ended.status.code(), Some(4), "{name}: {}", said(&ended.stderr));
        let outside = said(&ended.stdout);
        let outside: Vec<&str> = outside.lines().filter(|line| line.starts_with("outside")).collect();
        let mut words = said(&ended.stderr);
        words.extend(outside.iter().map(|line| format!("{line}\n")));
        assert!(!words.is_empty(), "{name}");
        expect(&file.with_extension("expected"), &words);
    }
}

#[test]
fn mistakes_are_told_to_programs_as_well() {
    let ended = motionctl(&["-", "--group", "gantry", "--json"], "start 0 0 0\nline x=1\nline q=2\n1 2\n");
    assert_eq!((ended.status.code(), ended.stdout.len()), (Some(4), 0));
    let told: Value = serde_json::from_slice(&ended.stderr).unwrap();
    assert_eq!(told["error"], "Mistakes");
    let lines: Vec<&Value> = told["problems"].as_array().unwrap().iter().map(|problem| &problem["line"]).collect();
    assert_eq!(lines, [3, 4]);
}

#[test]
fn a_rotary_group_is_run_in_degrees_and_drawn() {
    let directory = tempfile::tempdir().unwrap();
    let svg = directory.path().join("table.svg");
    let path = "start tilt=0 spin=0\nfeed 90\ntolerance 0.1\nline tilt=45 spin=90\nline tilt=60 spin=180\n";
    let report = report(&["-", "--group", "table", "--svg", svg.to_str().unwrap()], path);
    assert_eq!(report["fastest"]["unit"], "deg/s");
    assert_eq!(number(&report["length_mm"]), 0.0);
    let whole = 45_f64.hypot(90.0) + 15_f64.hypot(90.0);
    assert!((number(&report["length_deg"]) - whole).abs() < 1e-9, "{report}");
    assert!((0.02..=0.1001).contains(&number(&report["deviation"]["deg"])), "{report}");
    let drawn = std::fs::read_to_string(svg).unwrap();
    assert!(drawn.contains("tilt (deg)") && drawn.contains("spin (deg)") && drawn.contains("deg/s"));
}

#[test]
fn where_the_tool_only_turns_its_fastest_joint_is_told() {
    let path = "start x=388.909 y=-35.355 z=-50 c=45\nfeed 30\nline c=90\n";
    let ended = motionctl(&["-", "--config", "config/scara.toml"], path);
    let words = said(&ended.stdout);
    assert!(words.contains("\nfastest    30.0 deg/s of rotation in line 3\n"), "{words}{}", said(&ended.stderr));
}

/// Half a million short lines, as a CAM system writes them: read and run as they come, through a pipe.
#[test]
fn a_long_stream_of_points_takes_little_memory() {
    let mut path = String::from("start 200 100 0\ntolerance 0.01\nfeed 300\n");
    for i in 1..=500_000_u32 {
        let angle = f64::from(i) * 1e-3;
        path += &format!(
            "{:.5} {:.5} {:.5}\n",
            100.0 + 100.0 * angle.cos(),
            100.0 + 100.0 * angle.sin(),
            -f64::from(i) * 1e-5
        );
    }
    let mut command = Command::new("sh");
    // KiB of address space, which is more than is used.
    command.args([
        "-c",
        "ulimit -v 400000; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_motionctl"),
        "path",
        "--dry-run",
        "-",
    ]);
    command.args(["--config", "config/demo.toml", "--group", "gantry", "--json"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(path.as_bytes()).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(report["elements"], 500_000);
    assert!(number(&report["deviation"]["mm"]) <= 0.0101, "{report}");
}

#[test]
fn what_the_command_line_lacks_is_told() {
    let one = |arguments: &[&str], input: &str, code: i32, words: &str| {
        let ended = motionctl(arguments, input);
        assert_eq!(ended.status.code(), Some(code), "{arguments:?}");
        let found = said(&ended.stderr);
        assert!(found.contains(words), "{arguments:?}: {found}");
    };
    one(&["-"], "", 2, "which group? --group with one of: gantry, table");
    one(&["-", "--group", "crane"], "", 2, "group \"crane\": found no such group, allowed: gantry, table");
    one(&["nowhere.path", "--group", "gantry"], "", 1, "nowhere.path: No such file");
    one(&["-", "--group", "gantry", "--start", "x=1"], "", 2, "--start: found a start without y, z");
    one(
        &["-", "--group", "gantry", "--svg", "/x.svg", "--view", "x"],
        "",
        2,
        "--view: found 1 axes, allowed: two or three",
    );
    one(
        &["-", "--group", "gantry", "--svg", "/nowhere/x.svg"],
        "start 0 0 0\n1 1 1\n",
        1,
        "/nowhere/x.svg: No such file",
    );
    let with_start = report(&["-", "--group", "gantry", "--start", "x=1,y=2,z=3"], "line x=2\n");
    assert_eq!(number(&with_start["length_mm"]), 1.0);
}

/// What is the same in each version of the planner: words, without numbers and the width of columns.
fn plain(text: &str) -> String {
    let word =
        |word: &str| if word.trim_end_matches(',').parse::<f64>().is_ok() { "#".to_string() } else { word.into() };
    let line = |line: &str| {
        line.split_whitespace().map(|found| word(found.trim_matches(['(', ')']))).collect::<Vec<_>>().join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_chapter_of_paths_is_as_it_is_written() {
    let (_, chapter) = README.split_once(&format!("\n{CHAPTER}\n")).expect("the chapter");
    let chapter = chapter.split("\n## ").next().unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("config"), directory.path().join("config"))
        .unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_motionctl")).parent().unwrap();
    let search = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let mut tried = 0;
    for block in chapter.split("\n```").skip(1).step_by(2).filter_map(|block| block.strip_prefix("text\n$ ")) {
        for part in block.split("\n$ ") {
            let (command, shown) = part.split_once('\n').unwrap_or((part, ""));
            if !command.contains("--dry-run") {
                // What needs a daemon is tried on one whose time a test holds (`tests/in_motion`).
                continue;
            }
            let mut run = Command::new("sh");
            let ended =
                run.args(["-c", &format!("{command} 2>&1")]).current_dir(&directory).env("PATH", &search).output();
            let found = said(&ended.unwrap().stdout);
            assert_eq!(plain(&found), plain(shown), "{command}\n{found}");
            tried += 1;
        }
    }
    assert!(tried >= 2, "{tried} commands");
    let example = chapter.split("```text\n").find(|block| block.starts_with("start ")).expect("the example");
    let example = example.split("```").next().unwrap();
    assert!(number(&report(&["-", "--group", "gantry"], example)["length_mm"]) > 50.0);
    let drawn = std::fs::read_to_string(directory.path().join("plate.svg")).unwrap();
    let shipped = std::fs::read_to_string("config/paths/plate.svg").unwrap();
    let title = |svg: &str| svg.lines().find(|line| line.contains("font-weight")).map(str::to_string);
    assert_eq!(title(&drawn), title(&shipped));
}
