//! What README says a user sees: every dry run of a path; and the way from unknown drives to the first move, every command of that chapter as
//! written. That in a network and with a `/run/netns` of its own, with `motion-sim` at the other end of the cable.

#[allow(dead_code, reason = "each test program uses a part")]
#[path = "support/daemon.rs"]
mod daemon;

use daemon::output;
use std::path::Path;
use std::process::Command;

const README: &str = include_str!("../README.md");
const CHAPTER: &str = "### From unknown drives to the first move";
/// Before what a command prints.
const MARK: &str = "@@@ ";

/// A block: its language, and its lines.
struct Block {
    language: &'static str,
    text: &'static str,
}

fn chapter() -> &'static str {
    let (_, chapter) = README.split_once(CHAPTER).expect("the chapter");
    chapter.split("\n### ").next().unwrap()
}

fn blocks(of: &'static str) -> Vec<Block> {
    let fenced = of.split("\n```").skip(1).step_by(2);
    fenced
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap();
            Block { language, text }
        })
        .collect()
}

/// The commands of a block with a prompt before each, and what is shown of each.
fn shown(text: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => commands.push((command, Vec::new())),
            None => commands.last_mut().expect("a command first").1.push(line),
        }
    }
    commands
}

/// What is the same in each run: words, without the numbers and the width of columns.
fn plain(lines: &[&str]) -> Vec<String> {
    let word = |word: &str| {
        let number = word.trim_start_matches('-').trim_end_matches([',', '%']);
        let is_number = number.parse::<f64>().is_ok();
        if is_number { word.replace(number, "#").replace('-', "") } else { word.to_string() }
    };
    let line = |line: &&str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    lines.iter().map(line).filter(|line| !line.is_empty()).collect()
}

/// The commands as one script. A program that stays is left running, and waited for until it says that it is there.
fn script() -> (String, Vec<(&'static str, Vec<&'static str>)>) {
    let mut script = String::from(
        "set -e\nmount -t tmpfs none /run/netns 2>/dev/null || { mkdir -p /run/netns; mount -t tmpfs none /run/netns; }\n",
    );
    script += "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n";
    let mut expected = Vec::new();
    let stays = |command: &str, log: &str, says: &str| {
        format!("{command} >{log} 2>&1 &\ntimeout 60 sh -c \"until grep -q '{says}' {log}; do sleep 0.05; done\"\n")
    };
    for Block { language, text } in blocks(chapter()) {
        match language {
            // For a card that is there: everything else of the chapter is tried without.
            "sh" if text.contains("ethtool") => {}
            "sh" if text.contains("motion-sim") => {
                let (before, last) = text.rsplit_once('\n').unwrap();
                script += &format!("{before}\n{}", stays(last, "simulation.log", "devices on"));
            }
            "sh" if text.starts_with("motiond run") => script += &stays(text.trim(), "daemon.log", "ready"),
            "sh" => script += &format!("{text}\n"),
            _ => {
                for (command, lines) in shown(text) {
                    script += &format!("echo '{MARK}{command}'\n{command}\n");
                    expected.push((command, lines));
                }
            }
        }
    }
    // In order, so that nothing of it outlives the test.
    script += "kill $(jobs -p)\nwait\n";
    (script, expected)
}

#[test]
fn the_way_to_the_first_move_is_as_it_is_written() {
    let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
    let here = directory.path();
    let (script, expected) = script();
    assert!(expected.len() >= 8, "{expected:?}");
    std::os::unix::fs::symlink(Path::new(env!("CARGO_MANIFEST_DIR")).join("config"), here.join("config")).unwrap();
    // What a user has from the vendor of a drive.
    std::fs::write(here.join("new-firmware.efw"), vec![0xA5; 50_000]).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_motiond")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    for (what, needed) in [("a network of its own", "unshare --net --mount true"), ("chrt", "chrt -f 50 true")] {
        let words: Vec<&str> = needed.split_whitespace().collect();
        let tried = Command::new(words[0]).args(&words[1..]).output();
        if !tried.is_ok_and(|tried| tried.status.success()) {
            return println!("skipped: readme: {what} is not to be had here ({needed})");
        }
    }
    let mut run = Command::new("unshare");
    run.args(["--net", "--mount", "bash", "-c", &format!("ip link set lo up\n{script}")]);
    let ended = output(run.current_dir(here).env("PATH", path).env("NO_COLOR", "1"));
    let [said, complaints] = [&ended.stdout, &ended.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let log = |name: &str| std::fs::read_to_string(here.join(name)).unwrap_or_default();
    let logs = || format!("{complaints}\n{}\n{}", log("simulation.log"), log("daemon.log"));
    assert!(ended.status.success(), "{:?}\n{said}\n{}", ended.status, logs());
    let mut found = said.split(MARK).skip(1);
    for (command, lines) in expected {
        let (ran, printed) = found.next().and_then(|part| part.split_once('\n')).unwrap_or_default();
        assert_eq!(ran, command, "{said}\n{}", logs());
        // Whether a host that others use lets every period run is not what is tried here.
        let printed: Vec<&str> = printed.lines().filter(|line| !line.starts_with("skipped periods: ")).collect();
        assert_eq!(plain(&printed), plain(&lines), "{command}\n{said}");
    }
}

#[test]
fn dry_runs_print_what_is_shown() {
    let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
    let here = directory.path();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    std::os::unix::fs::symlink(&config, here.join("config")).unwrap();
    let programs = Path::new(env!("CARGO_BIN_EXE_motiond")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let texts = blocks(README).into_iter().filter(|block| block.language == "text" && block.text.starts_with("$ "));
    let dry = |command: &str| command.contains("motionctl path --dry-run") && command.contains("--config");
    let mut tried = 0;
    for (command, lines) in texts.flat_map(|block| shown(block.text)).filter(|(command, _)| dry(command)) {
        let mut run = Command::new("bash");
        run.args(["-c", &format!("{{ {command}; }} 2>&1")]);
        let printed = output(run.current_dir(here).env("PATH", &path).env("NO_COLOR", "1")).stdout;
        assert_eq!(String::from_utf8_lossy(&printed).lines().collect::<Vec<_>>(), lines, "{command}");
        tried += 1;
    }
    assert_eq!(tried, 5);
    let [drawn, kept] = [here.join("plate.svg"), config.join("paths/plate.svg")];
    assert!(std::fs::read(drawn).unwrap() == std::fs::read(kept).unwrap(), "config/paths/plate.svg is another picture");
}
