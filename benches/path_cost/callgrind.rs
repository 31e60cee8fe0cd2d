//! Counts instructions: of cycles, and of calls within them.

use std::collections::HashMap;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use motiond::motion::path::bound::{PARTS, Part};

use crate::cycle::COUNTED;

/// Instructions of one call of what is counted.
#[derive(Default)]
struct Call {
    all: u64,
    /// Function by function, those of itself alone.
    calls: HashMap<(u32, u32), (u64, u64)>,
}

/// Calls of `function` in a run, and the names of functions.
fn calls(function: &str, arguments: &[&str]) -> (Vec<Call>, HashMap<u32, String>) {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let out = std::env::temp_dir().join(format!("path_cost-{}-{run}", std::process::id()));
    let named = |option: &str| format!("--{option}={function}");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--combine-dumps=yes", &named("toggle-collect"), &named("dump-before")])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .args(arguments)
        .output()
        .expect("valgrind runs (Debian package valgrind)");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let text = std::fs::read_to_string(&out).unwrap();
    let _ = std::fs::remove_file(&out);
    let (mut calls, mut names) = (Vec::new(), HashMap::new());
    let (mut call, mut caller, mut called, mut times) = (Call::default(), 0, 0, None);
    let mut id_of = |value: &str| {
        let (id, name) = value.trim_start_matches('(').split_once(')').expect("(id) name");
        let id: u32 = id.parse().unwrap();
        if !name.is_empty() {
            names.insert(id, name.trim().to_string());
        }
        id
    };
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("fn=") {
            caller = id_of(value);
        } else if let Some(value) = line.strip_prefix("cfn=") {
            called = id_of(value);
        } else if let Some(value) = line.strip_prefix("calls=") {
            times = value.split(' ').next().and_then(|times| times.parse::<u64>().ok());
        } else if let Some(times) = times.take() {
            let cost: u64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            let entry = call.calls.entry((caller, called)).or_default();
            *entry = (entry.0 + times, entry.1 + cost);
        } else if let Some(value) = line.strip_prefix("totals: ") {
            call.all = value.trim().parse().unwrap();
            if call.all > 0 {
                calls.push(std::mem::take(&mut call));
            }
            call = Call::default();
        }
    }
    (calls, names)
}

/// Instructions of each counted cycle of a run.
pub fn count(arguments: &[&str]) -> Vec<u64> {
    calls(COUNTED, arguments).0.iter().map(|call| call.all).collect()
}

/// The name of a part as callgrind shows it.
fn symbol(part: &Part) -> String {
    format!("motiond::motion::path::{}", part.name)
}

/// Instructions of the dearest call of a part in a run, without those of other parts and of its turns.
pub fn dearest(part: &Part, arguments: &[&str]) -> u64 {
    let (calls, names) = calls(&symbol(part), arguments);
    let number = |part: &Part| {
        let name = symbol(part);
        names.iter().find(|(_, other)| **other == name).map(|(id, _)| *id)
    };
    let Some(own) = number(part) else { return 0 };
    let others: Vec<u32> = PARTS.iter().filter_map(number).filter(|id| *id != own).collect();
    let turned = |(name, each, _)| Some((number(PARTS.iter().find(|other| other.name == name)?)?, each));
    let turns: Option<(u32, u64)> = part.turns.and_then(turned);
    let of_call = |call: &Call| {
        // What is reached without passing another part.
        let mut reached = vec![own];
        let mut looked = 0;
        while looked < reached.len() {
            let from = reached[looked];
            looked += 1;
            let more = call.calls.keys().filter(|(caller, called)| *caller == from && !others.contains(called));
            let more: Vec<u32> = more.map(|(_, called)| *called).filter(|called| !reached.contains(called)).collect();
            reached.extend(more);
        }
        let to_others = || {
            let inner = |((caller, called), _): &(&(u32, u32), &(u64, u64))| {
                reached.contains(caller) && others.contains(called)
            };
            call.calls.iter().filter(inner)
        };
        let cost = call.all - to_others().map(|(_, (_, cost))| cost).sum::<u64>();
        let turned = turns.map_or(0, |(part, each)| {
            each * to_others().filter(|((_, called), _)| *called == part).map(|(_, (times, _))| times).sum::<u64>()
        });
        cost.saturating_sub(turned)
    };
    calls.iter().map(of_call).max().unwrap_or(0)
}
