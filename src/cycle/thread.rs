//! The real-time thread: how it is made and what others may know of it.
//!
//! [`spawn`] is the last step of a start: everything that allocates has happened. The thread prepares itself (signals
//! blocked, stack touched, pinned, SCHED_FIFO), tells whether it could, and then only sleeps and steps until the body
//! leaves. `RLIMIT_RTTIME` (LimitRTTIME= in the unit) ends the process should it ever stop sleeping.
//!
//! ```text
//!  Starting ──► Running ──────► Ended          the body left
//!     │            └─► Fallback ──► abort      it panicked: quick stop until standstill, bounded
//!     └─► Ended                                refused: require-realtime and something is lacking
//! ```

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;

use nix::sys::signal::SigSet;
use nix::unistd::gettid;

use super::clock::Clock;
use super::memory;
use super::panic_note::PanicNote;
use super::preparation::{Preparation, Provision, Refusal};
use super::rights::{self, CpuLatencyHold};
use super::run::{CycleBody, CycleLoop, Hooks, Outcome};
use super::schedule::SchedulePlan;
use super::timing::TimingRecorder;
use crate::limits::{MIN_PERIOD_NS, RT_FALLBACK_S, RT_SHUTDOWN_S, RT_STACK_BYTES, RT_STACK_PREFAULT_BYTES};

/// The name of the thread, as in /proc, top and traces.
pub const THREAD_NAME: &str = "motion-rt";

/// How the thread runs.
#[derive(Clone, Debug)]
pub struct ThreadPlan {
    /// When cycles run.
    pub schedule: SchedulePlan,
    /// SCHED_FIFO priority, 1 to 98.
    pub priority: u8,
    /// The CPU that it is pinned to, if any.
    pub cpu: Option<usize>,
    /// Hold `/dev/cpu_dma_latency`.
    pub hold_cpu_latency: bool,
    /// Refuse to run when anything is lacking.
    pub require_realtime: bool,
    /// Periods that a fallback lasts at most.
    pub fallback_cycles: u32,
    /// Periods that the body may take to leave after it was asked to.
    pub shutdown_cycles: u32,
    /// What ends the process after a fallback; returns in tests only.
    pub abort: fn(),
    /// For tests of the discipline.
    pub hooks: Hooks,
}

impl ThreadPlan {
    /// The usual plan for a period: SCHED_FIFO 80, not pinned, degraded where rights are lacking.
    pub fn with_period(period_ns: u64) -> ThreadPlan {
        let periods = |seconds: u64| (seconds * 1_000_000_000 / period_ns.max(MIN_PERIOD_NS)) as u32;
        ThreadPlan {
            schedule: SchedulePlan::with_period(period_ns),
            priority: 80,
            cpu: None,
            hold_cpu_latency: true,
            require_realtime: false,
            fallback_cycles: periods(RT_FALLBACK_S),
            shutdown_cycles: periods(RT_SHUTDOWN_S),
            abort: || std::process::abort(),
            hooks: Hooks::default(),
        }
    }
}

/// Where the thread is in its life; see the diagram above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Preparing.
    Starting,
    /// Cycling.
    Running,
    /// The cycle panicked; drives are being stopped.
    Fallback,
    /// Over.
    Ended,
}

/// What anybody may know of the thread, and the one thing anybody may ask of it.
pub struct ThreadStatus {
    phase: AtomicU8,
    tid: AtomicI32,
    heartbeat: AtomicU64,
    shutdown: AtomicBool,
    note: &'static PanicNote,
}

impl ThreadStatus {
    pub(super) fn new() -> ThreadStatus {
        ThreadStatus {
            phase: AtomicU8::new(Phase::Starting as u8),
            tid: AtomicI32::new(0),
            heartbeat: AtomicU64::new(0),
            shutdown: AtomicBool::new(false),
            note: PanicNote::leak(),
        }
    }

    /// Where it is in its life.
    pub fn phase(&self) -> Phase {
        // Acquire: partner of the Release in `set_phase`, so that who sees a fallback reads its note.
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Running,
            2 => Phase::Fallback,
            _ => Phase::Ended,
        }
    }

    pub(super) fn set_phase(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    /// Its id in /proc/self/task, 0 before it has one.
    pub fn tid(&self) -> i32 {
        self.tid.load(Ordering::Relaxed)
    }

    /// Rises by one with each finished cycle, and stands still in a fallback.
    pub fn heartbeat(&self) -> u64 {
        self.heartbeat.load(Ordering::Relaxed)
    }

    pub(super) fn beat(&self, cycles: u64) {
        self.heartbeat.store(cycles, Ordering::Relaxed);
    }

    /// Asks the body to come to rest and leave; it is told with each wake-up from then on.
    pub fn request_shutdown(&self) {
        self.shutdown.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked.
    pub fn shutdown_requested(&self) -> bool {
        self.shutdown.load(Ordering::Relaxed)
    }

    pub(super) fn last_words(&self) {
        self.note.write_to_stderr();
    }

    /// What the panic said, if there was one.
    pub fn panic_note(&self) -> Option<String> {
        self.note.text()
    }
}

/// Why the thread does not run.
#[derive(Debug)]
pub enum StartError {
    /// Something is lacking and `require_realtime` is in force.
    Refused(Refusal),
    /// The system gives no thread.
    Thread(io::Error),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::Refused(refusal) => refusal.fmt(out),
            StartError::Thread(error) => {
                write!(out, "no thread for the cycle: {error}; look at TasksMax= in the unit and at the memory left")
            }
        }
    }
}

impl std::error::Error for StartError {}

/// The running thread, as its owner holds it.
pub struct RtThread<B> {
    status: Arc<ThreadStatus>,
    preparation: Preparation,
    thread: JoinHandle<(Outcome, B)>,
    _cpu_latency: Option<CpuLatencyHold>,
}

impl<B> RtThread<B> {
    /// Its public side.
    pub fn status(&self) -> Arc<ThreadStatus> {
        Arc::clone(&self.status)
    }

    /// What it got of its host and what is lacking, the process's memory included.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// Waits for its end. The body comes back so that its memory is freed, and its bus closed, by an ordinary thread.
    pub fn join(self) -> (Outcome, Option<B>) {
        match self.thread.join() {
            Ok((outcome, body)) => (outcome, Some(body)),
            // A panic outside of any cycle: in a hook, or in the thread's own preparation.
            Err(_) => (Outcome::Panicked, None),
        }
    }
}

/// Starts the thread and waits until it is prepared. `process` is what [`memory::prepare`] said at the start of the
/// process. Call it last.
///
/// # Errors
/// With everything that is lacking, under `require_realtime`; or where there is no thread to be had.
pub fn spawn<B: CycleBody, C: Clock + 'static>(
    plan: ThreadPlan,
    process: Preparation,
    clock: C,
    body: B,
    timing: TimingRecorder,
) -> Result<RtThread<B>, StartError> {
    let mut preparation = process;
    let mut cpu_latency = None;
    if plan.hold_cpu_latency {
        preparation.add(rights::hold_cpu_latency(Path::new(rights::CPU_DMA_LATENCY)).map(|(hold, done)| {
            cpu_latency = Some(hold);
            done
        }));
    }
    let require_realtime = plan.require_realtime;
    let status = Arc::new(ThreadStatus::new());
    let (answer, answered) = mpsc::sync_channel(1);
    let of_thread = Arc::clone(&status);
    let thread = std::thread::Builder::new()
        .name(THREAD_NAME.into())
        .stack_size(RT_STACK_BYTES)
        .spawn(move || {
            prepare(&plan, &of_thread, &mut preparation);
            let refused = plan.require_realtime && preparation.refusal().is_some();
            // The receiver waits for exactly this, so sending succeeds and does not wait.
            let _ = answer.send(preparation);
            drop(answer);
            let mut cycles = CycleLoop::new(plan, clock, body, timing, of_thread);
            let outcome = if refused { Outcome::Refused } else { cycles.run() };
            PanicNote::give_back();
            (outcome, cycles.into_body())
        })
        .map_err(StartError::Thread)?;
    let preparation = answered.recv().unwrap_or_default();
    let refusal = preparation.refusal();
    let started = RtThread { status, preparation, thread, _cpu_latency: cpu_latency };
    match refusal {
        Some(refusal) if require_realtime => {
            started.join();
            Err(StartError::Refused(refusal))
        }
        _ => Ok(started),
    }
}

/// What the real-time thread does for itself. Real-time scheduling comes last, so that nothing before it can hold up
/// the CPU.
fn prepare(plan: &ThreadPlan, status: &ThreadStatus, preparation: &mut Preparation) {
    status.tid.store(gettid().as_raw(), Ordering::Relaxed);
    status.note.take_panics_of_this_thread();
    // It fails for no set of signals. Those that a fault of the program raises end the process all the same.
    let _ = SigSet::all().thread_block();
    memory::prefault_stack(RT_STACK_PREFAULT_BYTES);
    if !preparation.done.iter().any(|(provision, _)| *provision == Provision::MemoryLock) {
        preparation.add(memory::populate());
    }
    if let Some(cpu) = plan.cpu {
        preparation.add(rights::pin(cpu));
    }
    preparation.add(rights::schedule_fifo(plan.priority));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cycle::clock::MonotonicClock;
    use crate::cycle::run::{Fallback, Stepped};
    use crate::cycle::schedule::Wake;
    use crate::cycle::timing::timing;

    struct CountTo(u64, String);

    impl CycleBody for CountTo {
        fn step(&mut self, wake: &Wake, _: &dyn Clock) -> Stepped {
            if wake.cycle == 0 {
                self.1 = std::thread::current().name().unwrap_or("").into();
            }
            Stepped { leave: wake.cycle == self.0, bus_late_ns: 0, shift_ns: 0 }
        }

        fn fallback_step(&mut self, _: &Wake) -> Fallback {
            Fallback::Standstill
        }
    }

    fn start(plan: ThreadPlan) -> Result<RtThread<CountTo>, StartError> {
        spawn(plan, Preparation::default(), MonotonicClock::new(), CountTo(20, String::new()), timing().0)
    }

    #[test]
    fn a_thread_without_rights_runs_and_says_why_it_is_degraded() {
        let thread = start(ThreadPlan { cpu: Some(1023), ..ThreadPlan::with_period(250_000) }).unwrap();
        let (status, preparation) = (thread.status(), thread.preparation().clone());
        assert!(preparation.lacks(Provision::Affinity), "{preparation:?}");
        let (outcome, body) = thread.join();
        assert_eq!((outcome, body.unwrap().1.as_str()), (Outcome::Left, THREAD_NAME));
        assert_eq!((status.heartbeat(), status.phase()), (21, Phase::Ended));
        assert_ne!(status.tid(), 0);
    }

    #[test]
    fn a_thread_that_requires_its_rights_refuses_and_names_what_is_missing() {
        let plan = ThreadPlan { cpu: Some(1023), require_realtime: true, ..ThreadPlan::with_period(250_000) };
        let error = start(plan).map(|_| ()).unwrap_err();
        let StartError::Refused(refusal) = &error else { panic!("{error}") };
        assert!(refusal.lacking.iter().any(|lacking| lacking.reason == Provision::Affinity));
        assert!(error.to_string().contains("AllowedCPUs="), "{error}");
    }
}
