//! How late the cycle wakes up, beside `cyclictest` on the same CPU in the same minutes.
//!
//! ```text
//! cargo bench --bench wakeup                  50 pairs of windows idle, 50 under load: about 8 minutes
//! cargo bench --bench wakeup -- 10            fewer pairs
//! ```
//!
//! A pair is two windows of 2 s, one of the cycle (the demo machine, every axis in motion, on the daemon's own real-time
//! thread) and one of cyclictest (Debian package rt-tests), in turn before and after each other, both SCHED_FIFO 80 at
//! 1 kHz on the last CPU. The load is stress-ng on every CPU and a second daemon with 8 busy clients and scrapes.
//! Each pair gives one ratio a quantile; the median of the ratios is told with a 95 % bootstrap interval. Ends with 1
//! where the upper end of the interval of p50 or p99 is above 1.15, with 0 and a line that says why where it cannot run.

mod load;
#[path = "../../tests/support/random.rs"]
mod random;
mod statistics;
mod window;

use load::Load;
use statistics::{Interval, Quantiles};
use std::process::{Command, ExitCode, Stdio};

/// Pairs under each condition.
const PAIRS: usize = 50;
/// The most that the cycle may be later than cyclictest, as a ratio.
const ALLOWED: f64 = 1.15;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|word| word == window::CHILD) {
        return window::child();
    }
    let pairs = arguments.first().map_or(PAIRS, |pairs| pairs.parse().expect("a number of pairs"));
    if let Err(why) = possible() {
        println!("skipped: wakeup: {why}");
        return ExitCode::SUCCESS;
    }
    let idle = condition("idle", pairs);
    let loaded = {
        let _load = Load::start();
        condition("loaded", pairs)
    };
    if idle && loaded {
        return ExitCode::SUCCESS;
    }
    println!("the upper end of an interval is above {ALLOWED}");
    ExitCode::FAILURE
}

/// Both sides need real-time rights, and cyclictest and stress-ng have to be there.
fn possible() -> Result<(), String> {
    for (program, package) in [("cyclictest", "rt-tests"), ("stress-ng", "stress-ng")] {
        let found = Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.map_err(|error| format!("{program}: {error} (Debian package {package})"))?;
    }
    window::cyclictest(50).map(|_| ()).map_err(|why| format!("cyclictest: {why} (does it have real-time rights?)"))
}

/// A window of each, in this order.
fn pair(cycle_first: bool) -> Result<(Quantiles, Quantiles), String> {
    let ours = || window::cycle(window::SAMPLES).map(Quantiles::of);
    let theirs = || window::cyclictest(window::SAMPLES).map(Quantiles::of);
    if cycle_first {
        let ours = ours()?;
        return Ok((ours, theirs()?));
    }
    let theirs = theirs()?;
    Ok((ours()?, theirs))
}

/// Runs the pairs of one condition and tells what came out; false where the cycle is too late.
fn condition(name: &str, pairs: usize) -> bool {
    let (mut cycle, mut peer) = (Vec::new(), Vec::new());
    let mut repeated = 0;
    while cycle.len() < pairs {
        match pair(cycle.len() % 2 == 0) {
            Ok((ours, theirs)) => {
                cycle.push(ours);
                peer.push(theirs);
            }
            Err(problem) => {
                eprintln!("{name}: a pair is repeated: {problem}");
                repeated += 1;
                assert!(repeated <= pairs, "hardly a pair can be measured");
            }
        }
    }
    println!("\n{name}, {pairs} pairs of {} wake-ups   median of pairs, µs", window::SAMPLES);
    if repeated > 0 {
        println!("({repeated} pairs were repeated: the machine did not come into motion in time)");
    }
    println!("{:<8} {:>10} {:>12}   ratio (95 % interval)", "", "cycle", "cyclictest");
    let mut good = true;
    for (index, label) in Quantiles::LABELS.iter().enumerate() {
        let of = |side: &[Quantiles]| side.iter().map(|window| window.ns[index]).collect::<Vec<f64>>();
        let (ours, theirs) = (of(&cycle), of(&peer));
        let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let Interval { median, low, high } = Interval::of(&ratios);
        println!(
            "{label:<8} {:>10.1} {:>12.1}   {median:.3} ({low:.3} to {high:.3})",
            statistics::median(&ours) / 1000.0,
            statistics::median(&theirs) / 1000.0,
        );
        // The tail of a window is a handful of wake-ups: it is told, and judged by nobody.
        good &= index >= 2 || high <= ALLOWED;
    }
    good
}
