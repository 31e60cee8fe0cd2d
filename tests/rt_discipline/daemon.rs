//! The whole daemon on the demo's machine under all guards, with every axis in motion, busy clients and scrapes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use motiond::cycle::rt_watch;
use motiond::cycle::run::Hooks;
use motiond::cycle::thread::THREAD_NAME;
use motiond::daemon::{Daemon, End, Options};
use motiond::gateway::Client;
use nix::libc;
use serde_json::json;

use crate::load::Load;
use crate::plant::{self, Plant};
use crate::{child, guard};

/// Between two looks at the machine.
const LOOK: Duration = Duration::from_millis(2);
/// A look that comes later than this many cycles after the one before does not tell whether an axis moved in between.
const SEEN_TOGETHER: u64 = 50;

static PANICS: AtomicU64 = AtomicU64::new(0);

fn seconds() -> u64 {
    std::env::var(child::SECONDS).ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// How long the axes have moved, in cycles.
#[derive(Debug, Default)]
struct Motion {
    each: Vec<u64>,
    together: u64,
}

/// Follows the machine until all axes have moved together for so many cycles; `None` where they do not come to it.
fn watch(machine: &Client, load: &Load, wanted: u64) -> Option<Motion> {
    let mut motion = Motion { each: vec![0; machine.description().axes.len()], together: 0 };
    let mut last = machine.snapshot();
    let end = last.machine.cycle + 5 * wanted + 60_000;
    while motion.together < wanted {
        std::thread::sleep(LOOK);
        let now = machine.snapshot();
        let passed = now.machine.cycle - last.machine.cycle;
        if passed <= SEEN_TOGETHER {
            let mut together = true;
            for ((before, now), moved) in last.axes.iter().zip(&now.axes).zip(&mut motion.each) {
                let moves = before.velocity != 0.0 && now.velocity != 0.0;
                *moved += if moves { passed } else { 0 };
                together &= moves;
            }
            motion.together += if together { passed } else { 0 };
        }
        if now.machine.cycle > end || load.has_failed() {
            println!("all axes together in motion for {} of {wanted} cycles only: {motion:?}", motion.together);
            return None;
        }
        last = now;
    }
    Some(motion)
}

/// Runs the daemon with a violation planted, tells what the guards found, and ends the process with 1 where there was
/// anything.
pub fn run(plant: Plant) {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
    let mut config = motiond::config::demo().unwrap();
    // A host that takes the processor away is no fault of the thread: the cycle and the drives bear a second of it.
    config.realtime.max_skipped_periods = 1000;
    for device in config.buses.iter_mut().flat_map(|bus| &mut bus.simulation.devices) {
        device.watchdog_ns = 1_000_000_000;
    }
    let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
    plant::prepare(plant);
    let options = Options {
        socket: Some(directory.path().join("control.sock")),
        metrics: Some(([127, 0, 0, 1], 0).into()),
        test_commands: true,
        hooks: Hooks { before_step: plant::before_step, ..guard::hooks() },
        ..Options::default()
    };
    let daemon = Daemon::start(&config, &options).unwrap();
    for lack in daemon.degraded() {
        println!("lacking {lack}");
    }
    check_thread();
    let (machine, services, timing) = (daemon.gateway().clone(), daemon.services(), daemon.timing().clone());
    let load = Load::start(daemon.socket().to_path_buf(), daemon.metrics().unwrap());
    let (finished, wanted) = (AtomicBool::new(false), seconds() * 1_000_000_000 / config.period_ns);
    let (motion, end) = std::thread::scope(|scope| {
        let motion = scope.spawn(|| {
            let motion = watch(&machine, &load, wanted);
            match plant {
                Plant::DriveFault => load.ask("Inject", json!({ "fault": "drive_fault", "axis": "x", "code": 0x7500 })),
                Plant::SessionPanic => load.ask("Panic", json!({ "service": "session" })),
                _ => plant::strike(),
            }
            let then = machine.snapshot().machine.cycle + 200;
            while machine.snapshot().machine.cycle < then {
                std::thread::sleep(LOOK);
            }
            load.over();
            finished.store(true, Ordering::Relaxed);
            motion
        });
        let end = daemon.run(|| finished.load(Ordering::Relaxed));
        (motion.join().unwrap(), end)
    });
    let counts = load.end();
    let last = machine.snapshot().machine;
    let names = machine.description().axes.iter().map(|axis| axis.name.clone());
    println!("{} cycles, {} periods skipped, {end:?}", timing.cycles(), timing.skipped());
    if let Some(motion) = &motion {
        let each: Vec<String> = names.zip(&motion.each).map(|(name, cycles)| format!("{name} {cycles}")).collect();
        println!("cycles in motion: {} all together, {}", motion.together, each.join(", "));
    }
    println!("{counts}");
    println!("{} events dropped", last.events_dropped);
    let restarts: u64 = services.iter().map(|service| service.restarts()).sum();
    println!("panics {}, restarts {restarts}", PANICS.load(Ordering::Relaxed));
    let findings = guard::findings();
    println!("page faults {}", findings.page_faults);
    println!("forbidden calls {}", findings.forbidden_calls.iter().map(|(_, count)| count).sum::<u32>());
    for (call, count) in &findings.forbidden_calls {
        println!("system call {call} seen {count} times");
    }
    let disciplined = findings.page_faults == 0 && findings.forbidden_calls.is_empty();
    let sound = PANICS.load(Ordering::Relaxed) == 0 && restarts == 0 && end == End::Orderly && counts.sound();
    std::process::exit(i32::from(!(disciplined && sound && motion.is_some())));
}

/// Its name, that no signal is delivered to it, and that an ordinary thread can watch it.
fn check_thread() {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
    let status = |task: std::path::PathBuf| std::fs::read_to_string(task.join("status")).ok();
    let value =
        |text: &str, key: &str| text.lines().find_map(|line| line.strip_prefix(key).map(|v| v.trim().to_owned()));
    let text = tasks.filter_map(status).find(|text| value(text, "Name:").as_deref() == Some(THREAD_NAME));
    let text = text.unwrap_or_else(|| panic!("no thread is called {THREAD_NAME}"));
    let blocked = u64::from_str_radix(&value(&text, "SigBlk:").unwrap(), 16).unwrap();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD, libc::SIGXCPU] {
        assert_ne!(blocked >> (signal - 1) & 1, 0, "signal {signal} is not blocked");
    }
    let tid = value(&text, "Pid:").unwrap().parse().unwrap();
    assert!(rt_watch::read(tid).unwrap().minor_faults > 0, "it has touched its stack");
}
