//! `motiond demo`: the built-in machine moves, commanded through its own socket like any other client would, and shows
//! how its cycle kept time.

use crate::client::{Ended, Error, Machine, Move, OnLoss, SYSTEM_SOCKET, Scope, progress, user_socket};
use crate::config;
use crate::cycle::schedule::OverrunCause;
use crate::cycle::timing::Timing;
use crate::daemon::{Daemon, End, Options};
use crate::exchange::histogram::Histogram;
use crate::gateway::MachineDescription;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often the live line is drawn.
const LIVE: Duration = Duration::from_millis(100);
/// Telemetry is taken every this many cycles, at the fastest that the socket gives it.
const TELEMETRY_CYCLES: u64 = 10;

/// Runs the demo; `once` leaves after the moves, else it stays until Ctrl-C.
pub fn run(once: bool) -> ExitCode {
    let config = match config::demo() {
        Ok(config) => config,
        Err(error) => return fail(&error),
    };
    let options = Options { socket: Some(socket()), metrics: Some(metrics(config.metrics)), ..Options::default() };
    let daemon = match Daemon::start(&config, &options) {
        Ok(daemon) => daemon,
        Err(error) => return fail(&error),
    };
    println!("motiond {}", config.name);
    for lack in daemon.degraded() {
        println!("degraded: {lack}");
    }
    if daemon.degraded().is_empty() {
        println!("real-time: SCHED_FIFO {}, memory locked", config.realtime.priority);
    }
    println!();

    let (socket, metrics) = (daemon.socket().to_path_buf(), daemon.metrics());
    let machine = daemon.gateway().description().clone();
    let timing = daemon.timing().clone();
    let finished = Arc::new(AtomicBool::new(false));
    let show = std::thread::Builder::new().name("demo".to_string()).spawn({
        let finished = Arc::clone(&finished);
        move || {
            let shown = show(&socket, &machine, &timing);
            match &shown {
                Ok(()) => places(&socket, metrics, once),
                Err(error) => eprintln!("\nmotiond demo: {error}"),
            }
            // After a failure there is nothing to stay for.
            finished.store(once || shown.is_err(), Ordering::Relaxed);
            shown.is_ok()
        }
    });
    let end = daemon.run(|| finished.load(Ordering::Relaxed));
    // Ctrl-C in the middle of a move leaves the thread waiting for a daemon that is gone: it ends with the process.
    let shown = match show {
        Ok(show) if show.is_finished() => show.join().unwrap_or(false),
        _ => true,
    };
    match (shown, end) {
        (true, End::Orderly) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("motiond demo: {error}");
    ExitCode::FAILURE
}

/// The system's socket for root, the user's own for anybody else: where `motionctl` looks for it.
fn socket() -> PathBuf {
    if nix::unistd::geteuid().is_root() { PathBuf::from(SYSTEM_SOCKET) } else { user_socket() }
}

/// The configured address, or any free port where that one is taken.
fn metrics(configured: Option<SocketAddr>) -> SocketAddr {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let wanted = configured.unwrap_or(free);
    if std::net::TcpListener::bind(wanted).is_ok() { wanted } else { free }
}

fn places(socket: &Path, metrics: Option<SocketAddr>, once: bool) {
    println!("\nsocket   {}", socket.display());
    if let Some(metrics) = metrics {
        println!("metrics  http://{metrics}/metrics");
    }
    if !once {
        println!("\nThe drives stay enabled: try `motionctl status` in another terminal. Ctrl-C ends the demo.");
    }
}

/// The moves, and the table of how they went.
fn show(socket: &Path, machine: &MachineDescription, timing: &Timing) -> Result<(), Error> {
    let worst = Arc::new(Mutex::new(BTreeMap::new()));
    watch_following_errors(socket, Arc::clone(&worst))?;
    let mut show = Show { machine: Machine::open(socket)?, live: std::io::stdout().is_terminal() };

    show.machine.hold(Scope::Machine, OnLoss::Stop)?;
    let axes = show.machine.axes()?;
    let enabled = axes.iter().map(|axis| show.machine.power(axis, true)).collect::<Result<Vec<_>, _>>()?;
    for handle in enabled {
        show.finish("power on", handle)?;
    }
    for group in ["gantry", "table"] {
        let handle = show.machine.enable(group)?;
        show.finish(&format!("enable {group}"), handle)?;
    }
    show.machine.move_at("belt", 400.0)?;
    let slower = Move { velocity: Some(300.0), ..Move::default() };
    let corners = [(900.0, 150.0), (900.0, 650.0), (200.0, 650.0), (200.0, 150.0)];
    let above = |(x, y)| [("x", x), ("y", y), ("z", 0.0)];
    let down = |(x, y)| [("x", x), ("y", y), ("z", -60.0)];
    for (number, corner) in corners.into_iter().enumerate() {
        let tilted =
            [("tilt", if number % 2 == 0 { 60.0 } else { -45.0 }), ("spin", 90.0 * (number + 1) as f64 % 360.0)];
        let table = show.machine.move_direct("table", &tilted, Move::default())?;
        let over = show.machine.move_linear("gantry", &above(corner), Move::default())?;
        let plunge = show.machine.move_linear("gantry", &down(corner), Move { buffered: true, ..slower })?;
        let lift = show.machine.move_linear("gantry", &above(corner), Move { buffered: true, ..slower })?;
        show.finish(&format!("corner {}: over", number + 1), over)?;
        show.finish(&format!("corner {}: down", number + 1), plunge)?;
        show.finish(&format!("corner {}: up", number + 1), lift)?;
        show.finish(&format!("corner {}: table", number + 1), table)?;
    }
    let halted = show.machine.halt("belt")?;
    show.finish("belt to rest", halted)?;
    for group in ["gantry", "table"] {
        let handle = show.machine.disable(group)?;
        show.finish(&format!("disable {group}"), handle)?;
    }
    table(machine, timing, &worst.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    Ok(())
}

/// The demo as it goes on.
struct Show {
    machine: Machine,
    live: bool,
}

impl Show {
    /// Draws the live line until the command has ended.
    fn finish(&mut self, what: &str, handle: u64) -> Result<(), Error> {
        loop {
            let reply = self.machine.call("Command", "Status", json!({ "handle": handle }))?;
            if let crate::client::Progress::Ended(ended) = progress(&reply)? {
                let clear = if self.live { "\r\x1b[K" } else { "" };
                return match ended {
                    Ended::Done => {
                        println!("{clear}{what}: {}", self.positions()?);
                        Ok(())
                    }
                    Ended::Aborted => Err(Error::NotUnderstood(format!("{what} was aborted by somebody else"))),
                    Ended::Failed { cause, .. } => {
                        println!("{clear}{what} failed: {cause}");
                        self.faults()?;
                        Err(Error::NotUnderstood(format!("{what} did not end as it should")))
                    }
                };
            }
            if self.live {
                print!("\r\x1b[K{what} … {}", self.positions()?);
                let _ = std::io::stdout().flush();
            }
            std::thread::sleep(LIVE);
        }
    }

    /// Tells what each axis has, and what to do about it.
    fn faults(&mut self) -> Result<(), Error> {
        for axis in self.machine.all("Axis", "List")? {
            let word = |field: &str| axis.pointer(field).and_then(Value::as_str).unwrap_or_default();
            if axis.pointer("/fault/name").is_some() {
                let error = axis.get("following_error").and_then(Value::as_f64).unwrap_or_default();
                println!(
                    "  {}: {}; {} (following error {error:.3})",
                    word("/name"),
                    word("/fault/cause"),
                    word("/fault/remedy")
                );
            }
        }
        Ok(())
    }

    fn positions(&mut self) -> Result<String, Error> {
        let axes = self.machine.all("Axis", "List")?;
        let text = |axis: &Value| {
            let word = |field| axis.get(field).and_then(Value::as_str).unwrap_or("?");
            let actual = axis.get("actual").and_then(Value::as_f64).unwrap_or(f64::NAN);
            // Rounded first: what would show as -0.00 is 0.00.
            let actual = (actual * 100.0).round() / 100.0 + 0.0;
            format!("{} {actual:.2} {}", word("name"), word("unit"))
        };
        Ok(axes.iter().map(text).collect::<Vec<_>>().join("  "))
    }
}

/// Keeps the largest following error of each axis, from a telemetry stream of its own.
fn watch_following_errors(socket: &Path, worst: Arc<Mutex<BTreeMap<String, f64>>>) -> Result<(), Error> {
    let mut machine = Machine::open(socket)?;
    let watch = move || {
        let subscribe = "io.motiond.v1.Telemetry.Subscribe";
        let Ok(stream) = machine.connection().stream(subscribe, json!({ "decimation": TELEMETRY_CYCLES })) else {
            return;
        };
        for sample in stream.map_while(Result::ok) {
            let mut worst = worst.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            for axis in sample.get("axes").and_then(Value::as_array).into_iter().flatten() {
                let name = axis.get("name").and_then(Value::as_str).unwrap_or_default();
                let error = axis.get("following_error").and_then(Value::as_f64).unwrap_or_default().abs();
                let entry = worst.entry(name.to_string()).or_insert(0.0);
                *entry = error.max(*entry);
            }
        }
    };
    // Without the thread the table lacks a column, and the moves go on.
    let _ = std::thread::Builder::new().name("demo-telemetry".to_string()).spawn(watch);
    Ok(())
}

fn table(machine: &MachineDescription, timing: &Timing, worst: &BTreeMap<String, f64>) {
    println!("\ncycle of {} µs       p50        p99      p99.9        max", machine.period_ns / 1000);
    let row = |name: &str, histogram: &Histogram| {
        let distribution = histogram.distribution();
        let at = |quantile| distribution.quantile(quantile).map_or("-".to_string(), microseconds);
        let max = distribution.max_ns().map_or("-".to_string(), microseconds);
        println!("{name:<14} {:>10} {:>10} {:>10} {max:>10}", at(0.5), at(0.99), at(0.999));
    };
    row("wake-up", &timing.wake_up);
    row("execution", &timing.execution);
    let overruns: u64 = OverrunCause::ALL.iter().map(|cause| timing.overruns(*cause)).sum();
    println!("\n{} cycles, {overruns} overruns, {} periods skipped", timing.cycles(), timing.skipped());
    println!("\naxis     largest following error");
    for axis in &machine.axes {
        let error = worst.get(&axis.name).map_or("-".to_string(), |error| format!("{error:.4} {}", axis.unit.symbol()));
        println!("{:<8} {error}", axis.name);
    }
}

fn microseconds(ns: u64) -> String {
    format!("{:.1} µs", ns as f64 / 1000.0)
}
