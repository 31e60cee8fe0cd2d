//! The whole daemon over raw frames under all guards: a packet socket on one end of a virtual cable, simulated drives on the
//! other, axes in motion, objects read, a drive that loses its supply and is brought back while the others go on.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use motiond::client::{Ended, Machine, OnLoss, Scope};
use motiond::config::{self, MachineConfig};
use motiond::daemon::{Daemon, End, Options};
use motiond::gateway::Client;
use motiond::limits::{ETHERCAT_FRAME_BYTES, MAX_GROUP_AXES};
use motiond::simulation::ethercat::{Segment, SegmentCommand, SegmentParameters};
use nix::sched::{CloneFlags, unshare};
use serde_json::{Value, json};

use crate::guard;
use crate::many_drives::many_drives;
use crate::ports::Ports;

/// As many as a bus may have, on a cable.
const ON_A_CABLE: usize = 64;
/// As many as the ring has that is cut at every place elsewhere.
const IN_A_RING: usize = 16;
/// How long the drives' thread waits for a frame, nanoseconds.
const LOOK_NS: u64 = 5_000_000;
/// No state is waited for longer than this, cycles.
const PATIENCE: u64 = 60_000;

/// A network of this process's own with two cables in it.
fn cable() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("no network of its own: {error}"))?;
    for words in [
        "link add fieldbus type veth peer name drives",
        "link add fieldbus2 type veth peer name drives2",
        "link set fieldbus up",
        "link set fieldbus2 up",
        "link set drives up",
        "link set drives2 up",
    ] {
        let run = Command::new("ip").args(words.split_whitespace()).output().map_err(|error| format!("ip: {error}"))?;
        if !run.status.success() {
            return Err(format!("ip {words}: {}", String::from_utf8_lossy(&run.stderr).trim()));
        }
    }
    Ok(())
}

fn machine(ring: bool) -> MachineConfig {
    // A host that takes the processor away is no fault of the thread: the cycle and the drives bear a second of it.
    let mut bus = "lost-frames-tolerated = 100\nworking-counter-errors-tolerated = 3".to_string();
    if ring {
        bus += "\nredundant-interface = \"fieldbus2\"";
    }
    let drives = if ring { IN_A_RING } else { ON_A_CABLE };
    let text = many_drives(drives, "[realtime]\nmax-skipped-periods = 1000", &bus, "watchdog-ms = 1000");
    let text = text.replace("window-mm = 2\n", "window-mm = 50\nstale-cycles-tolerated = 100\n");
    config::parse(&text, "drives.toml").unwrap_or_else(|error| panic!("{error}"))
}

/// The drives on the far end, until `over`.
fn drives(config: &MachineConfig, segment: Arc<Mutex<Segment>>, over: Arc<AtomicBool>) -> JoinHandle<()> {
    let second = config.buses[0].redundant_interface.as_ref().map(|_| "drives2");
    let mut ports = Ports::open("drives", second).unwrap();
    assert_eq!(config.buses[0].devices.len(), segment.lock().unwrap().len());
    std::thread::spawn(move || {
        let mut buffer = [0; ETHERCAT_FRAME_BYTES];
        while !over.load(Ordering::Relaxed) {
            let until_ns = ports.now_ns() + LOOK_NS;
            let received = ports.receive(&mut buffer, until_ns);
            let mut segment = segment.lock().unwrap();
            let now_ns = ports.now_ns();
            match received {
                Some((end, length)) => {
                    if let Some(out) = segment.pass_from(end, &mut buffer[..length], now_ns) {
                        ports.send(out, &buffer[..length]);
                    }
                }
                None => segment.advance(now_ns),
            }
        }
    })
}

fn ring_is(machine: &Client, whole: bool) {
    let end = machine.snapshot().machine.cycle + PATIENCE;
    while machine.snapshot().buses[0].ring_whole != Some(whole) {
        assert!(machine.snapshot().machine.cycle < end, "waited in vain for a ring that is whole: {whole}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn until(machine: &Client, what: &str, done: impl Fn(u64) -> bool) {
    let end = machine.snapshot().machine.cycle + PATIENCE;
    while !done(machine.snapshot().buses[0].not_operational) {
        assert!(machine.snapshot().machine.cycle < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What clients do meanwhile; how many objects were read.
fn busy(mut client: Machine, machine: &Client, segment: &Mutex<Segment>) -> u32 {
    let drives = segment.lock().unwrap().len();
    client.hold(Scope::Machine, OnLoss::Stop).unwrap();
    let mut done = |interface: &str, method: &str, parameters: Value| {
        let handle = client.command(interface, method, parameters).unwrap();
        assert_eq!(client.wait(handle).unwrap(), Ended::Done, "{method}");
    };
    for axis in 0..drives {
        done("Axis", "Power", json!({ "axis": format!("a{axis}"), "on": true }));
    }
    for (group, first) in (0..drives).step_by(MAX_GROUP_AXES).enumerate() {
        let group = format!("g{group}");
        done("Group", "Enable", json!({ "group": group }));
        for place in [50.0, 20.0] {
            let target = |axis| json!({ "axis": format!("a{axis}"), "value": place });
            let targets: Vec<Value> = (first..drives.min(first + MAX_GROUP_AXES)).map(target).collect();
            done("Group", "MoveLinear", json!({ "group": group, "targets": targets }));
        }
    }
    let mut reader = Machine::open(client.path()).unwrap();
    let mut read = 0;
    for index in [0x1000, 0x1008, 0x6041, 0x1018] {
        let object =
            json!({ "bus": "field", "device": "drive-1", "index": index, "subindex": u8::from(index == 0x1018) });
        reader.call("Device", "ReadObject", object).unwrap();
        read += 1;
    }
    // The last drive loses its supply, and is set up anew by the cycle's own errands.
    let last = drives - 1;
    segment.lock().unwrap().command(SegmentCommand::PowerOff(last));
    until(machine, "the last drive is missed", |not_operational| not_operational == 1 << last);
    segment.lock().unwrap().command(SegmentCommand::PowerOn(last));
    until(machine, "the last drive is back", |not_operational| not_operational == 0);
    // In a ring nobody misses a cable.
    if machine.snapshot().buses[0].ring_whole.is_some() {
        for cut in 0..=drives {
            segment.lock().unwrap().command(SegmentCommand::Cut(cut));
            ring_is(machine, false);
            segment.lock().unwrap().command(SegmentCommand::Mend);
            ring_is(machine, true);
        }
    }
    read
}

/// Runs it, tells what the guards found, and ends the process with 1 where there was anything.
pub fn run(ring: bool) {
    if let Err(why) = cable() {
        eprintln!("skipped: rt_discipline fieldbus: {why}");
        std::process::exit(0);
    }
    let config = machine(ring);
    let devices = config.buses[0].simulation.devices.clone();
    let parameters =
        SegmentParameters { devices, aliases: vec![], drift_ppb: vec![5000.0, -20_000.0], period_ns: config.period_ns };
    let segment = Segment::new(&parameters).unwrap();
    let segment = Arc::new(Mutex::new(if ring { segment.closed_to_a_ring() } else { segment }));
    let over = Arc::new(AtomicBool::new(false));
    let far_end = drives(&config, Arc::clone(&segment), Arc::clone(&over));
    let directory = tempfile::Builder::new().prefix("motiond-").tempdir().unwrap();
    let options =
        Options { socket: Some(directory.path().join("control.sock")), hooks: guard::hooks(), ..Options::default() };
    let daemon = Daemon::start(&config, &options).unwrap_or_else(|error| panic!("{error}"));
    let (machine, timing) = (daemon.gateway().clone(), daemon.timing().clone());
    let client = Machine::open(daemon.socket()).unwrap();
    let finished = AtomicBool::new(false);
    let (read, end) = std::thread::scope(|scope| {
        let busy = scope.spawn(|| {
            let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| busy(client, &machine, &segment)));
            finished.store(true, Ordering::Relaxed);
            read
        });
        let end = daemon.run(|| finished.load(Ordering::Relaxed));
        (busy.join().unwrap(), end)
    });
    over.store(true, Ordering::Relaxed);
    far_end.join().unwrap();
    let bus = machine.snapshot().buses[0];
    println!(
        "{} drives: {} cycles over raw frames, {} periods skipped, {end:?}",
        config.buses[0].devices.len(),
        timing.cycles(),
        timing.skipped()
    );
    println!("{} exchanges lost, {} late, {read:?} objects read", bus.frames_lost, bus.frames_late);
    let findings = guard::findings();
    println!("page faults {}", findings.page_faults);
    println!("forbidden calls {}", findings.forbidden_calls.iter().map(|(_, count)| count).sum::<u32>());
    for (call, count) in &findings.forbidden_calls {
        println!("system call {call} seen {count} times");
    }
    let disciplined = findings.page_faults == 0 && findings.forbidden_calls.is_empty();
    std::process::exit(i32::from(!(disciplined && read.is_ok() && end == End::Orderly)));
}
