//! The claims of `tests/profile.rs` against wrong formulas: each must be found within 10,000 cases.
//!
//! A mutant is one replacement in the sources of the profile. The copy is compiled by `rustc` together with the claims and
//! run; the product's sources know nothing of it. To add one, add a row to [`MUTANTS`]: the text must occur exactly once
//! in its file, so that a row that has gone stale fails here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const CASES: usize = 10_000;

/// File, formula, wrong formula.
const MUTANTS: &[(&str, &str, &str)] = &[
    ("piece.rs", "(acceleration / 2.0 + time_s * jerk / 6.0)", "(acceleration / 2.0 + time_s * jerk / 3.0)"),
    ("piece.rs", "(acceleration + time_s * jerk / 2.0)", "(acceleration + time_s * jerk)"),
    ("piece.rs", "look(2.0 * velocity / sum);", ""),
    ("piece.rs", "acceleration * acceleration - 2.0 * self.jerk", "acceleration * acceleration + 2.0 * self.jerk"),
    ("mod.rs", "t_s < piece.until_s", "t_s < piece.anchor_s"),
    ("brake.rs", "if w > limit * limit {", "if w > 2.0 * limit * limit {"),
    ("brake.rs", "(limit, w / limit)", "(limit, limit)"),
    ("brake.rs", "first: (a + q).max(0.0)", "first: q"),
    ("brake.rs", "if u + a * a.abs() / 2.0 < 0.0", "if u < 0.0"),
    ("brake.rs", "if u + a * a.abs() / 2.0 < 0.0", "if u + a * a / 2.0 < 0.0"),
    ("brake.rs", "w * (a + brake.peak + brake.hold / 2.0)", "w * (a + brake.peak + brake.hold)"),
    ("brake.rs", "- a * a * a / 6.0", "- a * a * a / 3.0"),
    ("brake.rs", "let w = (u + a * a / 2.0).max(0.0);", "let w = (u + a * a).max(0.0);"),
    ("brake.rs", "if acceleration.abs() <= limit {", "if acceleration.abs() <= 1.01 * limit {"),
    ("brake.rs", "(a / 2.0 - time / 6.0)", "(a / 2.0 + time / 6.0)"),
    ("brake.rs", "time * (a + limit) / 2.0", "time * (a - limit) / 2.0"),
    ("position.rs", "- relaxed.distance - distance", "- distance"),
    ("position.rs", "a * a.abs() / 2.0 > speed", "a * a / 2.0 > speed"),
    ("position.rs", "a * a.abs() / 2.0 > speed", "a * a.abs() / 2.0 > 1.001 * speed"),
    ("position.rs", "let low = if c < 0.0 { a.max((-c).sqrt()) } else { a };", "let low = a;"),
    ("position.rs", "let full = (speed - c).max(0.0).sqrt().max(a);", "let full = speed.sqrt().max(a);"),
    (
        "position.rs",
        "let full = (speed - c).max(0.0).sqrt().max(a);",
        "let full = (0.999 * speed - c).max(0.0).sqrt().max(a);",
    ),
    ("position.rs", "let w_top = c + limit * limit;", "let w_top = c + limit * limit / 2.0;"),
    ("position.rs", "(0.0, (speed - w_top) / limit, limit)", "(0.0, 1.001 * (speed - w_top) / limit, limit)"),
    ("position.rs", "self.velocity - speed + a * a / 2.0", "self.velocity - speed"),
    (
        "position.rs",
        "let rise = Rise::new(speed, low, self.gap, limit);",
        "let rise = Rise::new(speed, 0.0, self.gap, limit);",
    ),
    ("position.rs", "x * (w + self.c)", "x * (w - self.c)"),
    ("position.rs", "w * (q + r) / 2.0 + x", "w * q + x"),
    ("position.rs", "v * v / (2.0 * a) + w", "v * v / a + w"),
    ("position.rs", "let v = w - a * a / 2.0;", "let v = w;"),
    ("position.rs", "for step in 0..PROFILE_ITERATIONS {", "for step in 0..2 {"),
    ("position.rs", "slope: (x + q) * (x + 2.0 * r)", "slope: (x + q) * (x + r)"),
    ("assembly.rs", "let jerk = brake.sign * self.jerk;", "let jerk = self.jerk;"),
    ("assembly.rs", "acceleration: -brake.sign * brake.peak", "acceleration: -brake.peak"),
    (
        "velocity.rs",
        "relaxed.velocity - velocity * limits.jerk",
        "relaxed.velocity - velocity * limits.jerk * 1.000001",
    ),
    ("synchronised.rs", "low_late >= 0.0", "low_late >= -1e-4 * time"),
    ("synchronised.rs", "low_late /= 2.0;", "low_late *= 2.0;"),
    ("synchronised.rs", "let mut high = time / problem.gap;", "let mut high = 0.5 * time / problem.gap;"),
];

/// A program that runs every claim and prints which case it first fails in.
fn program(root: &Path, sources: &Path) -> String {
    let product = |file: &str| format!("{}/src/{file}", root.display());
    let test = |file: &str| format!("{}/tests/{file}", root.display());
    format!(
        r#"#![allow(dead_code, unused)]
#[path = "{}"] mod limits;
#[path = "{}"] mod fault;
#[path = "{}"] mod ids;
#[path = "{}"] mod units;
mod motion {{
    #[path = "{}"] pub mod types;
    pub use types::*;
    #[path = "{}/mod.rs"] pub mod profile;
}}
mod subject {{
    pub use crate::motion::Limits;
    pub use crate::motion::profile::*;
}}
#[path = "{}"] mod support;
#[path = "{}"] mod case;
#[path = "{}"] mod judge;
#[path = "{}"] mod claims;
fn main() {{
    for claim in claims::CLAIMS {{
        if let Err((index, _)) = claims::campaign(claim, support::seed(20261), {CASES}) {{
            println!("{{}} in case {{index}}", claim.0);
        }}
    }}
}}
"#,
        product("limits.rs"),
        product("fault.rs"),
        product("ids.rs"),
        product("units.rs"),
        product("motion/types.rs"),
        sources.display(),
        test("support/random.rs"),
        test("profile/case.rs"),
        test("profile/judge.rs"),
        test("profile/claims.rs"),
    )
}

/// What the claims say of the sources with one replacement: the claims that fail, one a line; empty where none does.
fn verdict(root: &Path, name: &str, replacement: Option<&(&str, &str, &str)>) -> String {
    let place = tempfile::tempdir().expect("a temporary directory");
    let sources = place.path().join("profile");
    fs::create_dir(&sources).expect("a directory for the sources");
    let original = root.join("src/motion/profile");
    for entry in fs::read_dir(&original).expect("the sources") {
        let file = entry.expect("a source").path();
        let mut text = fs::read_to_string(&file).expect("a source");
        if let Some((_, formula, wrong)) = replacement.filter(|mutant| file.ends_with(mutant.0)) {
            let found = text.matches(formula).count();
            assert_eq!(found, 1, "{name}: {formula:?} must occur once in {}", file.display());
            text = text.replace(formula, wrong);
        }
        fs::write(sources.join(file.file_name().expect("a name")), text).expect("a copy");
    }
    let (main, program_file) = (place.path().join("main.rs"), place.path().join("claims"));
    fs::write(&main, program(root, &sources)).expect("the program");
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let built = Command::new(rustc)
        .args(["--edition", "2024", "-C", "opt-level=1", "-o"])
        .args([&program_file, &main])
        .output()
        .expect("rustc runs");
    assert!(built.status.success(), "{name} does not compile:\n{}", String::from_utf8_lossy(&built.stderr));
    let run = Command::new(&program_file).env_remove("MOTIOND_SEED").output().expect("the program runs");
    let mut failed = String::from_utf8_lossy(&run.stdout).into_owned();
    if !run.status.success() {
        failed += "panicked\n";
    }
    failed
}

#[test]
fn every_wrong_formula_is_found_and_the_right_ones_are_not() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(verdict(&root, "the product", None), "", "the claims hold of the product");
    let missed: Vec<String> = MUTANTS
        .iter()
        .filter_map(|mutant| {
            let name = format!("{}: {} => {}", mutant.0, mutant.1, mutant.2);
            let failed = verdict(&root, &name, Some(mutant));
            println!("{name}\n    found by {}", failed.trim().replace('\n', ", "));
            failed.is_empty().then_some(name)
        })
        .collect();
    assert!(missed.is_empty(), "not found within {CASES} cases:\n{}", missed.join("\n"));
}
