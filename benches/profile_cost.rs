//! What the scalar profile costs, in instructions, counted by `valgrind --tool=callgrind` as the difference of two run
//! lengths of this program.
//!
//! ```text
//! cargo bench --bench profile_cost                  the table
//! cargo bench --bench profile_cost -- 10000000      with the dearest of so many cases instead of a million
//! ```
//!
//! The dearest of a million cases cannot each be run under valgrind. So each is timed here, the fastest of five runs,
//! and the slowest [`CANDIDATES`] of them are counted one by one.

#[path = "../tests/profile/case.rs"]
mod case;
#[path = "../tests/support/random.rs"]
mod support;

/// `case` knows the product by this name.
mod subject {
    pub use motiond::motion::Limits;
    pub use motiond::motion::profile::*;
}

use case::Case;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};
use subject::{Profile, State};

const SEED: u64 = 20263;
/// Cases of which a mean is taken.
const SAMPLE: usize = 20_000;
/// Slow cases that are counted one by one.
const CANDIDATES: usize = 64;

/// What can be measured: a name for people, one for the command line, and what is done with a case.
struct Subject {
    title: &'static str,
    name: &'static str,
    work: fn(&Case),
}

const SUBJECTS: &[Subject] = &[
    Subject { title: "to a position from any state", name: "position", work: to_position },
    Subject {
        title: "to a position from rest",
        name: "rest",
        work: |case| to_position(&Case { start: State::rest(case.start.position), ..*case }),
    },
    Subject { title: "to a position in 1.5 times the least duration", name: "synchronised", work: synchronised },
    Subject {
        title: "only the duration to a position",
        name: "duration",
        work: |case| {
            black_box(Profile::duration_to_position_s(case.start, case.target, &case.limits));
        },
    },
    Subject {
        title: "a stop",
        name: "stop",
        work: |case| {
            black_box(Profile::stop(black_box(case.start), &case.limits));
        },
    },
];

fn to_position(case: &Case) {
    black_box(Profile::to_position(black_box(case.start), case.target, &case.limits));
}

fn synchronised(case: &Case) {
    let least_s = Profile::duration_to_position_s(case.start, case.target, &case.limits);
    black_box(Profile::to_position_in(case.start, case.target, &case.limits, 1.5 * least_s));
}

/// Reads 100 setpoints of each profile, at evenly spaced times.
fn setpoints(profile: &Profile) {
    let profile = black_box(profile);
    for step in 0..100 {
        black_box(profile.at(black_box(profile.duration_s() * 0.01 * f64::from(step))));
    }
}

/// Runs inside valgrind: `rounds` times what is measured, with everything else the same.
fn measured(what: &str, rounds: usize) {
    if let Some(index) = what.strip_prefix("case:") {
        let (_, case) = case::nth(SEED, index.parse().expect("an index"));
        (0..rounds).for_each(|_| to_position(black_box(&case)));
        return;
    }
    let cases: Vec<Case> = (0..SAMPLE).map(|index| case::nth(SEED, index).1).collect();
    if what == "setpoint" {
        let profiles: Vec<Profile> = cases
            .iter()
            .take(SAMPLE / 100)
            .map(|case| Profile::to_position(case.start, case.target, &case.limits))
            .collect();
        (0..rounds).for_each(|_| profiles.iter().for_each(setpoints));
        return;
    }
    let subject = SUBJECTS.iter().find(|subject| subject.name == what).expect("a known subject");
    (0..rounds).for_each(|_| cases.iter().for_each(|case| (subject.work)(black_box(case))));
}

/// Instructions of a whole run under callgrind.
fn instructions(what: &str, rounds: usize) -> u64 {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe().expect("this program"))
        .args(["measured", what, &rounds.to_string()])
        .output()
        .expect("valgrind runs");
    let text = String::from_utf8_lossy(&output.stderr);
    let count = text.lines().find_map(|line| line.split_once("Collected :"));
    count.unwrap_or_else(|| panic!("no count from callgrind:\n{text}")).1.trim().parse().expect("a count")
}

/// Instructions of `runs` more rounds than one, per round.
fn difference(what: &str, runs: usize) -> f64 {
    (instructions(what, 1 + runs) as f64 - instructions(what, 1) as f64) / runs as f64
}

/// The cases among `count` that take longest here, slowest first.
fn slowest(count: usize) -> Vec<(Duration, usize)> {
    let mut found: Vec<(Duration, usize)> = Vec::new();
    for index in 0..count {
        let (_, case) = case::nth(SEED, index);
        let once = || {
            let begin = Instant::now();
            to_position(black_box(&case));
            begin.elapsed()
        };
        let mut least = once();
        // The first run tells most of them apart; only what may belong to the slowest is looked at again.
        let threshold = if found.len() < CANDIDATES { Duration::ZERO } else { found[CANDIDATES - 1].0 };
        for _ in 0..4 {
            if least <= threshold {
                break;
            }
            least = least.min(once());
        }
        if least > threshold {
            let place = found.partition_point(|other| other.0 > least);
            found.insert(place, (least, index));
            found.truncate(CANDIDATES);
        }
    }
    found
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [mode, what, rounds] = &arguments[..] {
        assert_eq!(mode, "measured");
        return measured(what, rounds.parse().expect("a number of rounds"));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: valgrind is not installed (apt-get install valgrind)");
        return;
    }
    let count = arguments.first().map_or(1_000_000, |count| count.parse().expect("a number of cases"));
    println!("seed {SEED}, instructions by callgrind, mean of {SAMPLE} cases");
    for subject in SUBJECTS {
        println!("{:50} {:8.0}", subject.title, difference(subject.name, 1) / SAMPLE as f64);
    }
    println!("{:50} {:8.0}", "one setpoint of a profile", difference("setpoint", 1) / SAMPLE as f64);
    let slow = slowest(count);
    let dearest = slow.iter().map(|(_, index)| (difference(&format!("case:{index}"), 10), *index));
    let (most, index) = dearest.fold((0.0, 0), |most, next| if next.0 > most.0 { next } else { most });
    println!("{:50} {most:8.0}   the dearest of {count} cases, number {index}", "to a position from any state");
}
