//! How late the cycle wakes up while a hostile crowd is at the daemon's sockets, beside the same daemon without it.
//!
//! ```text
//! cargo bench --bench crowd                  20 pairs of windows: about 2 minutes
//! cargo bench --bench crowd -- 50            more pairs
//! ```
//!
//! A pair is two windows of 2 s of one daemon (the demo machine, drives disabled, SCHED_FIFO 80 at 1 kHz on the last CPU),
//! one alone and one with the crowd of `tests/crowd`: 992 idle and 8 busy clients, some that die in a request, never read,
//! send garbage or a message of 200 MB, all the while. Each pair gives one ratio a quantile; the median of the ratios is
//! told with a 95 % bootstrap interval. Ends with 0 and a line that says why where it cannot run.

#[allow(dead_code, reason = "the test uses the rest")]
#[path = "../tests/support/crowd.rs"]
mod crowd;
#[allow(dead_code, reason = "others use the rest")]
#[path = "../tests/support/random.rs"]
mod random;
#[allow(dead_code, reason = "the other benchmark has every wake-up")]
#[path = "wakeup/statistics.rs"]
mod statistics;

use crowd::{Crowd, Doors};
use motiond::config;
use motiond::daemon::{Daemon, Options};
use statistics::Interval;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Pairs unless asked for others.
const PAIRS: usize = 20;
/// How long a window lasts.
const WINDOW: Duration = Duration::from_secs(2);
/// The word that makes this program run the daemon.
const CHILD: &str = "daemon";
/// Shares of the wake-ups, and how they are called.
const QUANTILES: [(f64, &str); 4] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9"), (1.0, "max")];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [word, socket] = &arguments[..]
        && word == CHILD
    {
        return child(Path::new(socket));
    }
    let pairs = arguments.first().map_or(PAIRS, |pairs| pairs.parse().expect("a number of pairs"));
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("control.sock");
    let measured = crowd::make_room().and_then(|()| Measured::start(&socket));
    let mut measured = match measured {
        Ok(measured) => measured,
        Err(why) => {
            println!("skipped: crowd: {why}");
            return ExitCode::SUCCESS;
        }
    };
    let doors = Doors::of(&socket);
    let (mut alone, mut crowded, mut answers) = (Vec::new(), Vec::new(), 0);
    for pair in 0..pairs {
        for first in [true, false] {
            if first == (pair % 2 == 0) {
                measured.mark();
                std::thread::sleep(WINDOW);
                alone.push(measured.mark());
            } else {
                let mut crowd = Crowd::gather(&doors);
                measured.mark();
                let began = Instant::now();
                while began.elapsed() < WINDOW {
                    crowd.misbehave();
                    crowd.send_huge();
                }
                crowded.push(measured.mark());
                answers += crowd.leave();
            }
        }
    }
    println!("{pairs} pairs of windows of {WINDOW:?}; the busy clients got {answers} answers   median of pairs, µs");
    println!("{:<8} {:>10} {:>12}   ratio (95 % interval)", "", "alone", "with a crowd");
    for (index, (_, label)) in QUANTILES.iter().enumerate() {
        let of = |side: &[[f64; 4]]| side.iter().map(|window| window[index]).collect::<Vec<f64>>();
        let (alone, crowded) = (of(&alone), of(&crowded));
        let ratios: Vec<f64> = crowded.iter().zip(&alone).map(|(crowded, alone)| crowded / alone).collect();
        let Interval { median, low, high } = Interval::of(&ratios);
        println!(
            "{label:<8} {:>10.1} {:>12.1}   {median:.3} ({low:.3} to {high:.3})",
            statistics::median(&alone) / 1000.0,
            statistics::median(&crowded) / 1000.0,
        );
    }
    ExitCode::SUCCESS
}

/// The daemon in a process of its own, which tells its wake-ups when it is asked to.
struct Measured {
    process: Child,
    ask: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl Measured {
    fn start(socket: &Path) -> Result<Measured, String> {
        let program = std::env::current_exe().map_err(|error| error.to_string())?;
        let mut command = Command::new(program);
        command.arg(CHILD).arg(socket).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().map_err(|error| error.to_string())?;
        let (ask, told) = (process.stdin.take().expect("a pipe"), process.stdout.take().expect("a pipe"));
        let mut measured = Measured { process, ask, told: BufReader::new(told).lines() };
        match measured.told.next() {
            Some(Ok(line)) if line == "ready" => Ok(measured),
            Some(Ok(line)) => Err(line),
            _ => Err("the daemon ended".to_string()),
        }
    }

    /// How late the wake-ups since the last mark were, nanoseconds, by [`QUANTILES`].
    fn mark(&mut self) -> [f64; 4] {
        writeln!(self.ask, "mark").expect("the daemon is there");
        let line = self.told.next().expect("the daemon is there").expect("a line");
        let numbers: Vec<f64> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
        numbers.try_into().expect("one number a quantile")
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the daemon until nobody asks any more.
fn child(socket: &Path) -> ExitCode {
    let mut config = config::demo().expect("the demo machine is sound");
    config.realtime.cpu = Some(std::thread::available_parallelism().map_or(0, |cpus| cpus.get() - 1));
    let metrics = "127.0.0.1:0".parse().ok();
    let options = Options { socket: Some(socket.to_path_buf()), metrics, ..Options::default() };
    let daemon = match Daemon::start(&config, &options) {
        Ok(daemon) => daemon,
        Err(error) => {
            println!("{error}");
            return ExitCode::FAILURE;
        }
    };
    if let Some(lack) = daemon.degraded().first() {
        println!("the cycle is not real-time here: {lack}");
        return ExitCode::FAILURE;
    }
    println!("ready");
    let done = Arc::new(AtomicBool::new(false));
    std::thread::spawn({
        let (done, wake_up) = (Arc::clone(&done), daemon.timing().wake_up.clone());
        move || {
            let mut before = wake_up.distribution();
            for _ in std::io::stdin().lines() {
                let now = wake_up.distribution();
                let window = now.since(&before);
                before = now;
                let late = QUANTILES.map(|(share, _)| window.quantile(share).unwrap_or(0).to_string());
                println!("{}", late.join(" "));
            }
            done.store(true, Ordering::Relaxed);
        }
    });
    daemon.run(|| done.load(Ordering::Relaxed));
    ExitCode::SUCCESS
}
