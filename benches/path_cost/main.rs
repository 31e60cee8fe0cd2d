//! What the cycle's part of a path costs, in instructions: pieces from the planner into the group's motion, a step of it, and the setpoint
//! of each axis. Each cycle is counted by itself by callgrind, so that the dearest one is seen.
//!
//! ```text
//! cargo bench --bench path_cost          the tables, some minutes; ends with 1 where a cycle costs too much
//! path_cost run PROGRAM                  one program to be counted
//! path_cost worst PASSED SEARCH RELEASE  one cycle that is made up
//! path_cost proven                       what no cycle exceeds, by the dearest calls of its parts
//! ```
//!
//! The programs are chopped into lines of 0.01 mm (deg for the axes beyond the third), 3 axes unless the name says otherwise; each axis may
//! do 200 units/s and 2000 units/s², the feed is 200 mm/s. "made up" are cycles on pieces that no planner makes, for which
//! searches take long.

mod callgrind;
mod cycle;
mod made_up;
mod programs;

use std::process::{Command, ExitCode};

use callgrind::{count, dearest};
use made_up::Worst;
use motiond::motion::path::bound::PARTS;
use programs::PROGRAMS;

/// Instructions of a cycle in steady flow, in the mean.
const MEAN_GOAL: u64 = 4_000;
/// Of any cycle.
const WORST_GOAL: u64 = 60_000;
/// Programs in which the dearest call of each part is looked for.
const LOOKED_AT: [&str; 3] = ["corners", "there and back", "in steps"];

/// What no cycle exceeds: each part as dear as its dearest call, and as often as a cycle calls it at most.
fn proven() -> u64 {
    println!("\n| part | dearest call | there, at most | back |");
    println!("|---|---:|---:|---:|");
    let (mut there, mut back) = (0, 0);
    for part in &PARTS {
        let programs = LOOKED_AT.iter().map(|name| dearest(part, &["run", name]));
        let made_up = ["0", "1", "4", "7"].iter().map(|passed| dearest(part, &["worst", passed, "1", "1"]));
        let cost = programs.chain(made_up).max().unwrap_or(0);
        assert!(cost > 0, "{} is nowhere called: has it another name, or none of its own?", part.name);
        println!("| `{}` | {cost} | {} | {} |", part.name, part.forward, part.back);
        if let Some((_, each, most)) = part.turns {
            println!("| its turns | {each} | {most} | {most} |");
        }
        let turns = part.turns.map_or(0, |(_, each, most)| each * most as u64);
        there += cost * part.forward as u64 + turns;
        back += cost * part.back as u64 + turns;
    }
    println!("| instructions, at most | | {there} | {back} |");
    there.max(back)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["proven"] => {
            println!("{}", proven());
            return ExitCode::SUCCESS;
        }
        ["run", name] => {
            programs::run(PROGRAMS.iter().find(|program| program.name == *name).expect("a program of this name"));
            return ExitCode::SUCCESS;
        }
        ["worst", passed, searches, released] => {
            let worst =
                Worst { passed: passed.parse().unwrap(), searches: *searches == "1", released: *released == "1" };
            made_up::run(worst);
            return ExitCode::SUCCESS;
        }
        _ => {}
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped: path_cost: valgrind is not installed (Debian package valgrind)");
        return ExitCode::SUCCESS;
    }
    println!("| program | cycles | mean | dearest |");
    println!("|---|---:|---:|---:|");
    let (mut mean_most, mut worst_most) = (0, 0);
    for program in &PROGRAMS {
        let costs = count(&["run", program.name]);
        let mean = costs.iter().sum::<u64>() / costs.len() as u64;
        let worst = costs.iter().copied().max().unwrap_or(0);
        println!("| {}{} | {} | {mean} | {worst} |", program.name, if program.steady { " *" } else { "" }, costs.len());
        mean_most = if program.steady { mean.max(mean_most) } else { mean_most };
        worst_most = worst.max(worst_most);
    }
    println!("\n| pieces passed | braking | searching | releasing | both |");
    println!("|---:|---:|---:|---:|---:|");
    for passed in ["0", "1", "2", "3", "4", "5", "6", "7"] {
        let kinds = [("0", "0"), ("1", "0"), ("0", "1"), ("1", "1")];
        let costs = kinds.map(|(searches, released)| count(&["worst", passed, searches, released])[0]);
        println!("| {passed} | {} | {} | {} | {} |", costs[0], costs[1], costs[2], costs[3]);
        worst_most = costs.into_iter().fold(worst_most, u64::max);
    }
    let proven = proven();
    println!("\nsteady flow (*): {mean_most} instructions a cycle in the mean at most; allowed {MEAN_GOAL}");
    println!("the dearest cycle, made up or not: {worst_most}");
    println!("no cycle takes more than {proven}; allowed {WORST_GOAL}");
    ExitCode::from(u8::from(mean_most > MEAN_GOAL || worst_most > proven || proven > WORST_GOAL))
}
