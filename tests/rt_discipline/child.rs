//! One run in a process of its own: a real-time thread with all guards up, and at most one planted violation.

use std::fmt;
use std::hint::black_box;
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicU32, Ordering};

use motiond::cycle::clock::{Clock, MonotonicClock};
use motiond::cycle::memory::{self, MemoryPlan};
use motiond::cycle::preparation::Provision;
use motiond::cycle::rt_watch;
use motiond::cycle::run::{CycleBody, Fallback, Hooks, Outcome, Stepped};
use motiond::cycle::schedule::Wake;
use motiond::cycle::thread::{THREAD_NAME, ThreadPlan, spawn};
use motiond::cycle::timing::timing;
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};

use crate::guard;

const VARIABLE: &str = "MOTIOND_PLANT";
const PERIOD_NS: u64 = 1_000_000;
/// The cycle in which a violation is planted.
const PLANTED_IN: u64 = 100;

const RT_TIME_LIMIT_US: u64 = 200_000;

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    Nothing,
    Allocation,
    Free,
    Reallocation,
    PageFault,
    SystemCall,
    Panic,
    /// Never sleeps again.
    Spin,
}

const PLANTS: [Plant; 8] = [
    Plant::Nothing,
    Plant::Allocation,
    Plant::Free,
    Plant::Reallocation,
    Plant::PageFault,
    Plant::SystemCall,
    Plant::Panic,
    Plant::Spin,
];

/// What a run said and how it ended.
pub struct Report {
    pub status: ExitStatus,
    said: String,
}

impl Report {
    pub fn says(&self, text: &str) -> bool {
        self.said.contains(text)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}\n{}", self.status, self.said)
    }
}

fn command(plant: Plant) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child::does_as_it_is_told", "--nocapture"]).env(VARIABLE, format!("{plant:?}"));
    command.current_dir("/");
    command
}

fn report(command: &mut Command) -> std::io::Result<Report> {
    let output = command.output()?;
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    said.lines().filter(|line| line.starts_with("skipped: ")).for_each(|line| eprintln!("{line}"));
    Ok(Report { status: output.status, said })
}

/// Runs this program again with a violation planted.
pub fn run(plant: Plant) -> Report {
    report(&mut command(plant)).unwrap()
}

/// The same without any right; `None`, with the reason, where nobody may read this program.
pub fn run_as_nobody(plant: Plant) -> Option<Report> {
    use std::os::unix::process::CommandExt;
    const NOBODY: u32 = 65534;
    match report(command(plant).uid(NOBODY).gid(NOBODY)) {
        Ok(report) => Some(report),
        Err(error) => {
            eprintln!("skipped: user {NOBODY} cannot run this program: {error}");
            None
        }
    }
}

/// A cycle that computes a little and does at most one thing wrong.
struct Body {
    plant: Plant,
    cycles: u64,
    sums: Vec<u64>,
    freed: Option<Box<u64>>,
    page: *mut u8,
}

// Safety: the page belongs to the body alone.
unsafe impl Send for Body {}

static QUICK_STOPS: AtomicU32 = AtomicU32::new(0);

impl CycleBody for Body {
    fn step(&mut self, wake: &Wake, clock: &dyn Clock) -> Stepped {
        let index = wake.cycle as usize % self.sums.len();
        self.sums[index] = self.sums[index].wrapping_add(clock.now_ns());
        if wake.cycle == PLANTED_IN {
            self.misbehave();
        }
        Stepped { leave: wake.cycle == self.cycles, bus_late_ns: 0 }
    }

    fn fallback_step(&mut self, _: &Wake) -> Fallback {
        let sent = QUICK_STOPS.fetch_add(1, Ordering::Relaxed) + 1;
        if sent == 25 { Fallback::Standstill } else { Fallback::Moving }
    }
}

impl Body {
    fn misbehave(&mut self) {
        match self.plant {
            Plant::Nothing => {}
            Plant::Allocation => drop(black_box(Box::new(1u64))),
            Plant::Free => drop(black_box(self.freed.take())),
            Plant::Reallocation => {
                self.sums.reserve_exact(1 << 16);
                black_box(&mut self.sums);
            }
            // Safety: the page is mapped for reading and writing, and belongs to this body.
            Plant::PageFault => unsafe { self.page.write_volatile(1) },
            // Safety: it takes nothing and cannot fail.
            Plant::SystemCall => drop(black_box(unsafe { libc::syscall(libc::SYS_getppid) })),
            Plant::Panic => panic!("planted"),
            Plant::Spin => loop {
                std::hint::spin_loop();
            },
        }
    }
}

/// A page that is mapped but not present: the next touch faults, whether memory is locked or not.
fn absent_page() -> *mut u8 {
    const BYTES: usize = 4096;
    // Safety: a fresh private mapping, which nobody else knows.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let page = libc::mmap(std::ptr::null_mut(), BYTES, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        assert_ne!(page, libc::MAP_FAILED);
        libc::munlock(page, BYTES);
        libc::madvise(page, BYTES, libc::MADV_DONTNEED);
        page.cast()
    }
}

fn cycles() -> u64 {
    let seconds = std::env::var("MOTIOND_DISCIPLINE_S").ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(2);
    seconds * 1_000_000_000 / PERIOD_NS
}

/// The run itself. Passes at once when no parent asked for it.
#[test]
fn does_as_it_is_told() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let plant = PLANTS.into_iter().find(|plant| format!("{plant:?}") == told).unwrap();
    let process = memory::prepare(&MemoryPlan { lock: true, heap_reserve_bytes: 4 << 20 });
    let hooks = if matches!(plant, Plant::Panic | Plant::Spin) { Hooks::default() } else { guard::hooks() };
    // As LimitRTTIME= in the unit sets it; microseconds.
    setrlimit(Resource::RLIMIT_RTTIME, RT_TIME_LIMIT_US, RT_TIME_LIMIT_US).unwrap();
    fn abort() {
        eprintln!("quick stops {}", QUICK_STOPS.load(Ordering::Relaxed));
        std::process::abort();
    }
    let plan = ThreadPlan { hooks, abort, ..ThreadPlan::with_period(PERIOD_NS) };
    let body = Body { plant, cycles: cycles(), sums: vec![0; 512], freed: Some(Box::new(1)), page: absent_page() };
    let (recorder, times) = timing();
    let thread = spawn(plan, process, MonotonicClock::new(), body, recorder).unwrap();
    let status = thread.status();
    for degraded in &thread.preparation().degraded {
        println!("lacking {degraded}");
    }
    if plant == Plant::Spin && thread.preparation().lacks(Provision::Scheduling) {
        // Without SCHED_FIFO there is no such limit, and spinning harms nobody.
        println!("not real-time");
        std::process::exit(0);
    }
    check_thread(status.tid());
    let (outcome, body) = thread.join();
    assert_eq!(outcome, Outcome::Left);
    assert!(body.unwrap().sums.iter().all(|sum| *sum > 0));
    assert_eq!(times.cycles(), cycles() + 1);
    let findings = guard::findings();
    println!("page faults {}", findings.page_faults);
    println!("forbidden calls {}", findings.forbidden_calls.iter().map(|(_, count)| count).sum::<u32>());
    for (call, count) in &findings.forbidden_calls {
        println!("system call {call} seen {count} times");
    }
    std::process::exit(i32::from(findings.page_faults != 0 || !findings.forbidden_calls.is_empty()));
}

/// Its name, that no signal is delivered to it, and that an ordinary thread can watch it.
fn check_thread(tid: i32) {
    let text = std::fs::read_to_string(format!("/proc/self/task/{tid}/status")).unwrap();
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().to_owned();
    assert_eq!(value("Name:"), THREAD_NAME);
    let blocked = u64::from_str_radix(&value("SigBlk:"), 16).unwrap();
    for signal in [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD, libc::SIGXCPU] {
        assert_ne!(blocked >> (signal - 1) & 1, 0, "signal {signal} is not blocked");
    }
    assert!(rt_watch::read(tid).unwrap().minor_faults > 0, "it has touched its stack");
}
