//! The house is tidy: modules name each other only along the arrows of `src/lib.rs`, files hold one noun, the
//! real-time side has none of the calls that it must not make, and nothing is left half-done.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines after which a source file must be split.
const MAX_LINES: usize = 700;

/// What each module may name, besides itself and the modules that everybody may name.
const ARROWS: &[(&str, &[&str])] = &[
    ("limits", &[]),
    ("units", &[]),
    ("ids", &[]),
    ("fault", &[]),
    ("geometry", &["kinematics::Singularity"]),
    ("kinematics", &[]),
    ("planner", &["geometry", "kinematics", "motion::Limits", "motion::profile"]),
    ("path_file", &["geometry", "planner::axes", "planner::program"]),
    ("dry_run", &["geometry", "kinematics", "planner", "motion::Limits", "motion::path", "motion::profile"]),
    ("rehearsal", &["dry_run", "gateway", "geometry", "path_file", "planner", "service"]),
    ("motion", &["geometry"]),
    ("programs", &["gateway", "geometry", "kinematics", "path_file", "planner", "service"]),
    ("drive", &["fieldbus::mapping"]),
    ("fieldbus", &["simulation"]),
    ("simulation", &["fieldbus::mapping", "fieldbus::canopen::frame", "exchange::ring"]),
    ("exchange", &["geometry", "motion", "drive::State", "drive::ServoGains", "fieldbus::news"]),
    ("cycle", &["exchange", "geometry", "motion", "drive", "fieldbus"]),
    ("config", &["cycle", "kinematics", "motion", "drive", "fieldbus", "simulation"]),
    ("gateway", &["exchange", "geometry", "kinematics", "motion", "service"]),
    ("telemetry", &["gateway", "service"]),
    ("history", &["gateway"]),
    (
        "control",
        &[
            "gateway",
            "kinematics",
            "telemetry",
            "history",
            "service",
            "programs",
            "path_file",
            "planner",
            "rehearsal",
            "dry_run",
        ],
    ),
    ("metrics", &["gateway", "service"]),
    ("service", &[]),
    ("log", &[]),
    ("client", &[]),
    ("commissioning", &["fieldbus"]),
    ("doctor", &["config", "cycle", "exchange::histogram"]),
    ("main", &["daemon", "demo", "config", "doctor", "limits", "log"]),
    ("lib", &[]),
];
/// What each program in `src/bin` may name of the library.
const PROGRAMS: &[(&str, &[&str])] = &[
    (
        "motionctl",
        &[
            "client",
            "commissioning",
            "fieldbus::ethercat",
            "fieldbus::canopen",
            "config",
            "path_file",
            "kinematics",
            "planner",
            "programs",
            "dry_run",
            "units::AxisUnit",
        ],
    ),
    ("motion-sim", &["simulation", "config", "fieldbus::ethercat", "fieldbus::canopen", "limits"]),
];
const EVERYBODY: &[&str] = &["limits", "units", "ids", "fault"];

/// Modules whose code runs on the real-time thread, and the files in them that only prepare it.
const REAL_TIME: &[&str] = &[
    "src/cycle",
    "src/geometry",
    "src/kinematics",
    "src/motion",
    "src/drive",
    "src/fieldbus/ethercat/mailbox",
    "src/exchange/ring.rs",
    "src/exchange/latest.rs",
    "src/exchange/stop.rs",
    "src/exchange/pool.rs",
    "src/exchange/ticket.rs",
    "src/exchange/figures.rs",
    "src/exchange/snapshot.rs",
    "src/fieldbus/ethercat/datagram.rs",
    "src/fieldbus/ethercat/errand.rs",
    "src/fieldbus/ethercat/errands.rs",
    "src/fieldbus/ethercat/exchange.rs",
    "src/fieldbus/ethercat/letterbox.rs",
    "src/fieldbus/ethercat/links.rs",
    "src/fieldbus/ethercat/requests.rs",
    "src/fieldbus/ethercat/restoration.rs",
    "src/fieldbus/ethercat/ring.rs",
    "src/fieldbus/ethercat/ring_watch.rs",
    "src/fieldbus/ethercat/states.rs",
    "src/fieldbus/ethercat/synchronisation.rs",
    "src/fieldbus/ethercat/work.rs",
    "src/fieldbus/ethercat/packet_socket.rs",
    "src/fieldbus/ethercat/wire.rs",
    "src/fieldbus/aligned.rs",
    "src/fieldbus/canopen/arrival.rs",
    "src/fieldbus/canopen/attendant.rs",
    "src/fieldbus/canopen/bus.rs",
    "src/fieldbus/canopen/connection.rs",
    "src/fieldbus/canopen/emergency.rs",
    "src/fieldbus/canopen/figures.rs",
    "src/fieldbus/canopen/frame.rs",
    "src/fieldbus/canopen/nmt.rs",
    "src/fieldbus/canopen/node.rs",
    "src/fieldbus/canopen/sdo",
    "src/fieldbus/requests.rs",
    "src/fieldbus/igh/exchange.rs",
    "src/fieldbus/igh/layer.rs",
];
const PREPARES: &[&str] =
    &["src/cycle/memory.rs", "src/cycle/rights.rs", "src/cycle/thread.rs", "src/cycle/rt_watch.rs"];
/// Calls that lock, block, format or log.
const FORBIDDEN_IN_REAL_TIME: &[&str] = &[
    "Mutex",
    "RwLock",
    "Condvar",
    "ArrayQueue",
    "SegQueue",
    "try_recv",
    "println!",
    "eprintln!",
    "format!",
    "tracing::",
    ".to_string()",
    "thread::sleep",
    "AtomicCell",
];

fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ending| ending == "rs") {
                found.push(entry);
            }
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The code of a file without its comments and its unit tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let body = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let lines = body.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

fn is_test_file(path: &Path) -> bool {
    // `motion/storm` is the property test of motion, compiled for tests only.
    let test_folder = |part: std::path::Component<'_>| part.as_os_str() == "tests" || part.as_os_str() == "storm";
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("tests.rs"))
        || path.components().any(test_folder)
}

/// Paths behind `crate::` in the library, or `motiond::` in programs, as "module::item…" strings.
fn names(code: &str, marker: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(marker) {
        let rest = &code[at + marker.len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split('}').next().unwrap();
            found.extend(list.split(',').map(|name| name.trim().to_string()).filter(|name| !name.is_empty()));
        } else {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            found.push(rest[..end].to_string());
        }
    }
    found
}

#[test]
fn modules_name_each_other_only_along_the_arrows() {
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")).into_iter().filter(|path| !is_test_file(path)) {
        let within = path.strip_prefix(root().join("src")).unwrap();
        let module = within.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if module == "daemon" || module == "demo" {
            continue; // the composition root names everything
        }
        if module == "bin" {
            let program = within.iter().nth(1).unwrap().to_str().unwrap();
            let (_, allowed) = PROGRAMS.iter().find(|(known, _)| *known == program).expect("a row in PROGRAMS");
            for name in names(&code(&path), "motiond::") {
                if !allowed.iter().any(|arrow| name.starts_with(arrow)) {
                    wrong.push(format!("{}: {program} may not name {name}", within.display()));
                }
            }
            continue;
        }
        let Some(allowed) = arrows.get(module) else {
            wrong.push(format!("{}: module {module} has no row in ARROWS", within.display()));
            continue;
        };
        let marker = if module == "main" { "motiond::" } else { "crate::" };
        for name in names(&code(&path), marker) {
            let target = name.split("::").next().unwrap();
            let free = target == module || EVERYBODY.contains(&target) || module == "lib";
            if !free && !allowed.iter().any(|arrow| name == *arrow || name.starts_with(&format!("{arrow}::"))) {
                wrong.push(format!("{}: {module} may not name {name}", within.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "against the arrows:\n{}", wrong.join("\n"));
}

#[test]
fn the_real_time_side_has_no_call_that_locks_blocks_formats_or_logs() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")).into_iter().filter(|path| !is_test_file(path)) {
        let within = path.strip_prefix(root()).unwrap().to_str().unwrap().to_string();
        if !REAL_TIME.iter().any(|place| within.starts_with(place)) || PREPARES.contains(&within.as_str()) {
            continue;
        }
        for (number, line) in code(&path).lines().enumerate() {
            for call in FORBIDDEN_IN_REAL_TIME.iter().filter(|call| line.contains(**call)) {
                wrong.push(format!("{within}:{}: {call}", number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "on the real-time side:\n{}", wrong.join("\n"));
}

#[test]
fn a_source_file_holds_one_noun() {
    let long: Vec<_> = sources(&root().join("src"))
        .into_iter()
        .map(|path| (fs::read_to_string(&path).unwrap().lines().count(), path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{}: {lines} lines, at most {MAX_LINES}", path.display()))
        .collect();
    assert!(long.is_empty(), "look for the second noun:\n{}", long.join("\n"));
}

#[test]
fn nothing_is_left_half_done() {
    let marks = [
        concat!("to", "do!("),
        concat!("unimplem", "ented!("),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("#[ig", "nore"),
    ];
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        let folder = root().join(folder);
        if !folder.exists() {
            continue;
        }
        for path in sources(&folder) {
            for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
                for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                    wrong.push(format!("{}:{}: {mark}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut section = "";
    let mut explained = false;
    let mut wrong = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line;
        } else if line.starts_with('#') {
            explained = true;
            continue;
        } else if section.contains("dependencies") && line.contains('=') && !explained {
            // A package right below an explained one shares its reason (hyper and its helpers).
            wrong.push(line.to_string());
        } else if line.is_empty() {
            explained = false;
        }
    }
    assert!(wrong.is_empty(), "no reason given for:\n{}", wrong.join("\n"));
}
