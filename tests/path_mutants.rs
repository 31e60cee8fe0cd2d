//! The claims of `tests/path` against wrong formulas of the planner and of the motion along a path: each must be found within
//! 10,000 programs.
//!
//! A mutant is one replacement in the sources. The copy is compiled by `rustc` together with the claims and run; the product's
//! sources know nothing of it. To add one, add a row to [`MUTANTS`]: the text must occur exactly once in its file, so that a row that
//! has gone stale fails here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

const CASES: usize = 10_000;
/// Of the product itself, so many: the others are looked at in `tests/path`.
const CASES_OF_PRODUCT: usize = 100;
const CYCLES: usize = 2_000;
const SEED: u64 = 20_401;

/// File in `src`, formula, wrong formula.
const MUTANTS: &[(&str, &str, &str)] = &[
    // What the energy gains until the share is as low as a ceiling's slope.
    (
        "motion/path/margin.rs",
        "0.5 * excess * greater(excess * lag, cycle) * (place.velocity + faster)",
        "0.2 * excess * greater(excess * lag, cycle) * (place.velocity + faster)",
    ),
    // The way that a stop takes.
    ("motion/path/margin.rs", "known - stopping_distance(", "1.05 * known - stopping_distance("),
    // How long a change of the share takes.
    ("motion/path/place.rs", "lesser(acceleration / rate, most)", "(0.2 * acceleration / rate)"),
    // From one piece to the next.
    ("motion/path/place.rs", "const CROSSING_STEPS: usize = 3;", "const CROSSING_STEPS: usize = 0;"),
    (
        "motion/path/place.rs",
        "slope * (r * v + 0.5 * u * second) * (1.0 / 3.0)",
        "slope * (r * v + 0.5 * u * second) * 2.0",
    ),
    // The slowest of the pieces that a cycle reaches.
    ("motion/path/mod.rs", "rate = rate.min(piece.envelope.rate);", ""),
    // Ceilings.
    ("planner/speed/ceiling.rs", "const STEEPEST: f64 = 0.98;", "const STEEPEST: f64 = 1.3;"),
    ("planner/speed/ceiling.rs", "const RELEASING: f64 = 0.9;", "const RELEASING: f64 = 2.0;"),
    ("planner/speed/ceiling.rs", "slope += share * rates[index]", "slope += 4.0 * share * rates[index]"),
    // The envelope's share of the jerk.
    ("planner/speed/envelope.rs", "((1.0 - SHARE) * jerk(i, &at) / velocity)", "(jerk(i, &at) / velocity)"),
    ("planner/speed/envelope.rs", "SHARE * jerk(index, at) / at[index]", "1.1 * jerk(index, at) / at[index]"),
    // What limits leave at a place.
    ("planner/spot.rs", "/ (2.0 * self.second[axis])", "/ self.second[axis]"),
    ("planner/spot.rs", "velocity * (3.0 * second * acceleration", "velocity * (second * acceleration"),
    // How far a chord is off its elements, and a spline off its circle.
    ("planner/legs.rs", "const CHORD_SHARE: f64 = 0.8;", "const CHORD_SHARE: f64 = 1.2;"),
    ("planner/track.rs", "const ARC_ERROR: f64 = 24.0;", "const ARC_ERROR: f64 = 2400.0;"),
    // What an arc's bend moves a control point by.
    ("planner/track.rs", "share * square * leg.bend", "0.5 * share * square * leg.bend"),
];

/// A program that looks at cases until one fails, and prints which.
fn program(root: &Path, sources: &Path, cases: usize) -> String {
    let product = |file: &str| format!("{}/src/{file}", root.display());
    let copy = |file: &str| format!("{}/{file}", sources.display());
    let test = |file: &str| format!("{}/tests/{file}", root.display());
    format!(
        r#"#![allow(dead_code, unused)]
#[path = "{}"] mod limits;
#[path = "{}"] mod fault;
#[path = "{}"] mod ids;
#[path = "{}"] mod units;
#[path = "{}"] mod geometry;
#[path = "{}"] mod kinematics;
#[path = "{}"] mod planner;
mod motion {{
    #[path = "{}"] pub mod types;
    pub use types::*;
    #[path = "{}"] pub mod profile;
    #[path = "{}"] pub mod path;
}}
mod subject {{
    pub use crate::geometry::{{Arc, Piece}};
    pub use crate::limits::{{ARC_ACCURACY, EXACT_PATH_MM, MAX_GROUP_AXES}};
    pub use crate::motion::Limits;
    pub use crate::motion::path::{{Passage, PathMotion}};
    pub use crate::planner::program::{{Caps, Corner, Element, Feed, Point, Shape}};
    pub use crate::planner::{{PathAxes, Planner}};
}}
#[path = "{}"] mod support;
#[path = "{}"] mod case;
#[path = "{}"] mod programmed;
#[path = "{}"] mod follow;
#[path = "{}"] mod there_and_back;
#[path = "{}"] mod claims;
#[path = "{}"] mod capped;
fn main() {{
    for case in 0..{cases}_u64 {{
        for claim in &claims::CLAIMS[..1] {{
            let look = || claims::look(claim, {SEED} + case, {CYCLES});
            match std::panic::catch_unwind(look) {{
                Ok(Ok(_)) => {{}}
                Ok(Err(what)) => return println!("case {{case}}: {{}}", what.lines().next().unwrap_or_default()),
                Err(_) => return println!("case {{case}}: a panic"),
            }}
        }}
    }}
}}
"#,
        product("limits.rs"),
        product("fault.rs"),
        product("ids.rs"),
        product("units.rs"),
        product("geometry/mod.rs"),
        product("kinematics/mod.rs"),
        copy("planner/mod.rs"),
        product("motion/types.rs"),
        product("motion/profile/mod.rs"),
        copy("motion/path/mod.rs"),
        test("support/random.rs"),
        test("path/case.rs"),
        test("path/programmed.rs"),
        test("path/follow.rs"),
        test("path/there_and_back.rs"),
        test("path/claims.rs"),
        test("path/capped.rs"),
    )
}

/// Copies a directory of sources, with one replacement.
fn copy(from: &Path, to: &Path, name: &str, replacement: Option<&(&str, &str, &str)>) {
    fs::create_dir_all(to).expect("a directory for the sources");
    for entry in fs::read_dir(from).expect("the sources") {
        let file = entry.expect("a source").path();
        let copied = to.join(file.file_name().expect("a name"));
        if file.is_dir() {
            copy(&file, &copied, name, replacement);
            continue;
        }
        let mut text = fs::read_to_string(&file).expect("a source");
        if let Some((_, formula, wrong)) = replacement.filter(|mutant| file.ends_with(mutant.0)) {
            let found = text.matches(formula).count();
            assert_eq!(found, 1, "{name}: {formula:?} must occur once in {}", file.display());
            text = text.replace(formula, wrong);
        }
        fs::write(copied, text).expect("a copy");
    }
}

/// What the claims say of the sources with one replacement; empty where they hold in so many cases.
fn verdict(root: &Path, name: &str, replacement: Option<&(&str, &str, &str)>, cases: usize) -> String {
    let place = tempfile::tempdir().expect("a temporary directory");
    let sources = place.path().join("src");
    for part in ["planner", "motion/path"] {
        copy(&root.join("src").join(part), &sources.join(part), name, replacement);
    }
    let (main, program_file) = (place.path().join("main.rs"), place.path().join("claims"));
    fs::write(&main, program(root, &sources, cases)).expect("the program");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = Command::new(rustc)
        .args(["--edition", "2024", "-C", "opt-level=1", "-o"])
        .args([&program_file, &main])
        .output()
        .expect("rustc runs");
    assert!(built.status.success(), "{name} does not compile:\n{}", String::from_utf8_lossy(&built.stderr));
    let run = Command::new(&program_file).output().expect("the program runs");
    let mut failed = String::from_utf8_lossy(&run.stdout).into_owned();
    if !run.status.success() {
        failed += "it aborts\n";
    }
    failed
}

#[test]
fn every_wrong_formula_is_found_and_the_right_ones_are_not() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let (next, missed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let look = || {
        loop {
            // Relaxed: each number is taken once, whoever takes it.
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number == 0 {
                assert_eq!(verdict(&root, "the product", None, CASES_OF_PRODUCT), "", "the claims hold of the product");
                continue;
            }
            let Some(mutant) = MUTANTS.get(number - 1) else { return };
            let name = format!("{}: {} => {}", mutant.0, mutant.1, mutant.2);
            let failed = verdict(&root, &name, Some(mutant), CASES);
            println!("{name}\n    found in {}", failed.trim());
            if failed.is_empty() {
                missed.lock().expect("no panic").push(name);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(look);
        }
    });
    let missed = missed.into_inner().expect("no panic");
    assert!(missed.is_empty(), "not found within {CASES} programs:\n{}", missed.join("\n"));
}
