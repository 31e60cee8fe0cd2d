//! Ordinary services on threads of their own: a panic stays inside, a hang is treated as a death, the dead are brought
//! back after a pause, and one that cannot be brought back is told to whoever stops the machine.
//!
//! ```text
//!             ┌───────────── pause over ─────────────┐
//!             ▼                                      │
//!  start ─► Running ── panics, fails, ends, hangs ─► Pausing
//!             │                                      │ too many failures
//!             └── stop ─► Stopped                    └─► Lost
//! ```
//!
//! A thread cannot be killed. One that hangs is *abandoned*: its stop flag is raised, so that it leaves when it wakes,
//! and its heartbeat and result no longer count. What it holds on to meanwhile its successor cannot have; a successor
//! that needs it fails and is tried again, until the abandoned one has let go or the service is lost.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use tracing::{error, info, warn};

use super::Beat;
use super::restart::{Record, RestartPolicy, Verdict};
use crate::limits::{SUPERVISOR_POLL_MS, SUPERVISOR_STACK_BYTES};

/// What a service does; called anew for each life. It runs until [`Life::stopping`] and beats at least once in each
/// `hang_after_ns`. State that shall outlive a panic lives outside.
pub type Body = Arc<dyn Fn(&Life) -> Result<(), String> + Send + Sync>;

/// One service to be kept alive.
#[derive(Clone)]
pub struct Service {
    /// Name of the service and of its thread (15 bytes are visible).
    pub name: &'static str,
    /// Stack of its thread; all of it is locked in RAM where memory is locked.
    pub stack_bytes: usize,
    /// How patiently it is brought back.
    pub policy: RestartPolicy,
    /// What it does.
    pub body: Body,
    /// Called by the supervisor after each death, before a restart: what others must do about it.
    pub on_death: Arc<dyn Fn(&Death) + Send + Sync>,
}

impl Service {
    /// A service with the usual patience.
    pub fn new(
        name: &'static str,
        stack_bytes: usize,
        body: impl Fn(&Life) -> Result<(), String> + Send + Sync + 'static,
    ) -> Service {
        Service {
            name,
            stack_bytes,
            policy: RestartPolicy::default(),
            body: Arc::new(body),
            on_death: Arc::new(|_| {}),
        }
    }
}

/// One life of a service, as its body sees it.
pub struct Life {
    /// To be advanced once a round.
    pub beat: Beat,
    /// Lives of this service before.
    pub number: u64,
    stop: Arc<AtomicBool>,
}

impl Life {
    /// The body shall return: the daemon ends, or this life was abandoned.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The same as a flag to hand on.
    pub fn stop_flag(&self) -> &Arc<AtomicBool> {
        &self.stop
    }
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// It returned without being asked.
    Ended,
    /// It gave up.
    Failed(String),
    /// It panicked.
    Panicked(String),
    /// It made no progress.
    Hung,
}

impl std::fmt::Display for Death {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Death::Ended => write!(out, "ended without being asked"),
            Death::Failed(why) => write!(out, "failed: {why}"),
            Death::Panicked(why) => write!(out, "panicked: {why}"),
            Death::Hung => write!(out, "made no progress"),
        }
    }
}

/// Where a service is; see the diagram above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Alive.
    Running,
    /// Dead, to be started again.
    Pausing,
    /// Dead for good.
    Lost,
    /// Ended with the daemon.
    Stopped,
}

/// What anybody may know of a service.
pub struct ServiceStatus {
    /// Its name.
    pub name: &'static str,
    restarts: AtomicU64,
    hangs: AtomicU64,
    phase: AtomicU8,
}

impl ServiceStatus {
    /// How often it was started again.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// How often it hung.
    pub fn hangs(&self) -> u64 {
        self.hangs.load(Ordering::Relaxed)
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Pausing,
            2 => Phase::Lost,
            _ => Phase::Stopped,
        }
    }

    fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }
}

enum Message {
    /// Service, life, how it ended (`Ok` when it was asked to).
    Ended(usize, u64, Result<(), Death>),
    Stop,
}

/// The running supervisor, as its owner holds it.
pub struct Supervisor {
    statuses: Arc<[ServiceStatus]>,
    beat: Beat,
    inbox: Sender<Message>,
    thread: JoinHandle<Vec<&'static str>>,
}

impl Supervisor {
    /// Starts the services in this order, on threads of their own. `now_ns` is any clock that does not go back; `on_lost` is called on the supervisor's thread with
    /// the service that cannot be brought back: it stops the machine.
    ///
    /// # Errors
    /// Where the system gives no thread for the supervisor itself.
    pub fn start(
        services: Vec<Service>,
        now_ns: impl Fn() -> u64 + Send + 'static,
        on_lost: impl Fn(&'static str, &Death) + Send + 'static,
    ) -> std::io::Result<Supervisor> {
        let statuses: Arc<[ServiceStatus]> = services
            .iter()
            .map(|service| ServiceStatus {
                name: service.name,
                restarts: AtomicU64::new(0),
                hangs: AtomicU64::new(0),
                phase: AtomicU8::new(Phase::Pausing as u8),
            })
            .collect();
        // Bounded by the services: each has one message on its way at most, and an abandoned life one.
        let (inbox, messages) = unbounded();
        let beat = Beat::new();
        let keeper = Keeper {
            kept: services.into_iter().map(Kept::new).collect(),
            statuses: Arc::clone(&statuses),
            now_ns: Box::new(now_ns),
            on_lost: Box::new(on_lost),
            inbox: inbox.clone(),
            messages,
            beat: beat.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("supervisor".into())
            .stack_size(SUPERVISOR_STACK_BYTES)
            .spawn(move || keeper.keep())?;
        Ok(Supervisor { statuses, beat, inbox, thread })
    }

    /// Every service, in the order of the start.
    pub fn statuses(&self) -> Arc<[ServiceStatus]> {
        Arc::clone(&self.statuses)
    }

    /// The supervisor's own proof of progress, for the watchdog.
    pub fn beat(&self) -> Beat {
        self.beat.clone()
    }

    /// Ends every service, the last started first, and waits for each up to `limits::SERVICE_STOP_MS`. Returns the
    /// names of those that did not end.
    pub fn stop(self) -> Vec<&'static str> {
        // It fails only when the supervisor's thread is gone, which joining tells.
        let _ = self.inbox.send(Message::Stop);
        self.thread.join().unwrap_or_else(|_| vec!["supervisor"])
    }
}

/// A service with what is known of it.
struct Kept {
    service: Service,
    record: Record,
    lives: u64,
    alive: Option<Alive>,
    restart_at_ns: Option<u64>,
}

struct Alive {
    beat: Beat,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Kept {
    fn new(service: Service) -> Kept {
        let record = Record::new(service.policy);
        Kept { service, record, lives: 0, alive: None, restart_at_ns: Some(0) }
    }
}

type OnLost = Box<dyn Fn(&'static str, &Death) + Send>;

struct Keeper {
    kept: Vec<Kept>,
    statuses: Arc<[ServiceStatus]>,
    now_ns: Box<dyn Fn() -> u64 + Send>,
    on_lost: OnLost,
    inbox: Sender<Message>,
    messages: Receiver<Message>,
    beat: Beat,
}

impl Keeper {
    fn keep(mut self) -> Vec<&'static str> {
        loop {
            self.beat.tick();
            let now_ns = (self.now_ns)();
            for index in 0..self.kept.len() {
                self.look_after(index, now_ns);
            }
            match self.messages.recv_timeout(Duration::from_millis(SUPERVISOR_POLL_MS)) {
                Ok(Message::Ended(index, life, end)) => self.ended(index, life, end),
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return self.stop_all(),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn look_after(&mut self, index: usize, now_ns: u64) {
        let kept = &mut self.kept[index];
        if kept.restart_at_ns.is_some_and(|at_ns| at_ns <= now_ns) {
            self.begin(index, now_ns);
        } else if kept.alive.as_ref().is_some_and(|alive| kept.record.hangs(alive.beat.count(), now_ns)) {
            self.statuses[index].hangs.fetch_add(1, Ordering::Relaxed);
            if let Some(alive) = kept.alive.take() {
                alive.stop.store(true, Ordering::Relaxed);
            }
            self.died(index, Death::Hung);
        }
    }

    fn begin(&mut self, index: usize, now_ns: u64) {
        let kept = &mut self.kept[index];
        kept.restart_at_ns = None;
        let life = Life { beat: Beat::new(), number: kept.lives, stop: Arc::new(AtomicBool::new(false)) };
        let (beat, stop, number) = (life.beat.clone(), Arc::clone(&life.stop), life.number);
        kept.lives += 1;
        if number > 0 {
            self.statuses[index].restarts.fetch_add(1, Ordering::Relaxed);
        }
        let (body, inbox) = (Arc::clone(&kept.service.body), self.inbox.clone());
        let spawned = std::thread::Builder::new()
            .name(kept.service.name.into())
            .stack_size(kept.service.stack_bytes)
            .spawn(move || {
                let end = live(&body, &life);
                // Nobody listens any more once the supervisor has ended.
                let _ = inbox.send(Message::Ended(index, number, end));
            });
        match spawned {
            Ok(thread) => {
                kept.alive = Some(Alive { beat, stop, thread });
                kept.record.started(now_ns);
                self.statuses[index].set(Phase::Running);
            }
            Err(error) => self.died(index, Death::Failed(format!("no thread: {error}"))),
        }
    }

    fn ended(&mut self, index: usize, life: u64, end: Result<(), Death>) {
        let kept = &mut self.kept[index];
        // An abandoned life's end changes nothing: its successor is another.
        if life + 1 == kept.lives && kept.alive.take().is_some() {
            self.died(index, end.err().unwrap_or(Death::Ended));
        }
    }

    fn died(&mut self, index: usize, death: Death) {
        let kept = &mut self.kept[index];
        let (name, status) = (kept.service.name, &self.statuses[index]);
        let now_ns = (self.now_ns)();
        contain(|| (kept.service.on_death)(&death));
        match kept.record.failed(now_ns) {
            Verdict::RestartAt(at_ns) => {
                warn!(name: "service_died", service = name, %death, pause_ms = (at_ns - now_ns) / 1_000_000, "a service died, to be restarted");
                kept.restart_at_ns = Some(at_ns);
                status.set(Phase::Pausing);
            }
            Verdict::Lost => {
                error!(service = name, %death, "a service cannot be brought back");
                status.set(Phase::Lost);
                contain(|| (self.on_lost)(name, &death));
            }
        }
    }

    fn stop_all(mut self) -> Vec<&'static str> {
        let mut left = Vec::new();
        for (kept, status) in self.kept.iter_mut().zip(self.statuses.iter()).rev() {
            let Some(alive) = kept.alive.take() else {
                if status.phase() == Phase::Pausing {
                    status.set(Phase::Stopped);
                }
                continue;
            };
            alive.stop.store(true, Ordering::Relaxed);
            if ends_in_time(&alive.thread) {
                info!(service = kept.service.name, "ended");
                status.set(Phase::Stopped);
            } else {
                warn!(service = kept.service.name, "does not end and is left behind");
                left.push(kept.service.name);
            }
        }
        left
    }
}

fn ends_in_time(thread: &JoinHandle<()>) -> bool {
    // Polls because a join has no time-out; at most SERVICE_STOP_MS rounds of a millisecond.
    for _ in 0..crate::limits::SERVICE_STOP_MS {
        if thread.is_finished() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    thread.is_finished()
}

/// One life, from which no panic comes out.
fn live(body: &Body, life: &Life) -> Result<(), Death> {
    let end = catch_unwind(AssertUnwindSafe(|| body(life)));
    match end {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(Death::Failed(why)),
        Err(payload) => {
            let why = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
                (Some(text), _) => (*text).to_owned(),
                (_, Some(text)) => text.clone(),
                _ => "(no message)".to_owned(),
            };
            contain(|| drop(payload));
            Err(Death::Panicked(why))
        }
    }
}

/// Calls what belongs to others; their panic is not the supervisor's.
fn contain(call: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(call)) {
        // Dropping it could panic in turn; a leak of a message does no harm.
        std::mem::forget(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);
    const MS: u64 = 1_000_000;

    /// A supervisor over one service and time that the test moves.
    struct Bench {
        supervisor: Supervisor,
        now_ns: Arc<AtomicU64>,
        lives: Receiver<u64>,
        deaths: Receiver<Death>,
        lost: Receiver<&'static str>,
    }

    fn bench(body: impl Fn(&Life) -> Result<(), String> + Send + Sync + 'static) -> Bench {
        let ((lived, lives), (died, deaths), (gone, lost)) = (unbounded(), unbounded(), unbounded());
        let now_ns = Arc::new(AtomicU64::new(1));
        let clock = Arc::clone(&now_ns);
        let mut service = Service::new("subject", 256 << 10, move |life| {
            lived.send(life.number).unwrap();
            body(life)
        });
        service.on_death = Arc::new(move |death| died.send(death.clone()).unwrap());
        let read = move || clock.load(Ordering::Relaxed);
        let supervisor = Supervisor::start(vec![service], read, move |name, _| gone.send(name).unwrap()).unwrap();
        Bench { supervisor, now_ns, lives, deaths, lost }
    }

    fn until_stopped(life: &Life) {
        while !life.stopping() {
            life.beat.tick();
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_panic_stays_inside_and_the_service_comes_back_after_its_pause() {
        let bench = bench(|life| {
            assert!(life.number > 0, "planted");
            until_stopped(life);
            Ok(())
        });
        assert_eq!(bench.lives.recv_timeout(PATIENCE), Ok(0));
        assert_eq!(bench.deaths.recv_timeout(PATIENCE), Ok(Death::Panicked("planted".into())));
        assert!(bench.lives.is_empty(), "no restart before the pause is over");
        bench.now_ns.fetch_add(50 * MS, Ordering::Relaxed);
        assert_eq!(bench.lives.recv_timeout(PATIENCE), Ok(1));
        let statuses = bench.supervisor.statuses();
        assert_eq!(bench.supervisor.stop(), Vec::<&str>::new());
        assert_eq!((statuses[0].restarts(), statuses[0].hangs(), statuses[0].phase()), (1, 0, Phase::Stopped));
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_stays_inside_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("planted in Drop");
            }
        }
        let bench = bench(|life| {
            if life.number == 0 {
                std::panic::panic_any(Bomb);
            }
            until_stopped(life);
            Ok(())
        });
        assert_eq!(bench.deaths.recv_timeout(PATIENCE), Ok(Death::Panicked("(no message)".into())));
        bench.now_ns.fetch_add(50 * MS, Ordering::Relaxed);
        assert_eq!(bench.lives.iter().nth(1), Some(1));
        assert!(bench.supervisor.stop().is_empty());
    }

    #[test]
    fn a_service_that_always_fails_is_lost_and_the_machine_is_told_once() {
        let bench = bench(|_| Err("no socket".into()));
        for _ in 0..crate::limits::SERVICE_FAILURES {
            assert_eq!(bench.deaths.recv_timeout(PATIENCE), Ok(Death::Failed("no socket".into())));
            bench.now_ns.fetch_add(2_000 * MS, Ordering::Relaxed);
        }
        assert_eq!(bench.lost.recv_timeout(PATIENCE), Ok("subject"));
        assert_eq!(bench.supervisor.statuses()[0].phase(), Phase::Lost);
        bench.supervisor.stop();
        assert_eq!(bench.lives.iter().count(), crate::limits::SERVICE_FAILURES, "a lost service is not started again");
        assert_eq!(bench.lost.iter().count(), 0);
    }

    #[test]
    fn a_service_that_returns_unasked_is_dead() {
        let bench = bench(|_| Ok(()));
        assert_eq!(bench.deaths.recv_timeout(PATIENCE), Ok(Death::Ended));
        bench.supervisor.stop();
    }

    #[test]
    fn a_hung_life_is_abandoned_told_to_stop_and_succeeded() {
        let (wake, woken) = unbounded::<()>();
        let (told, tells) = unbounded();
        let bench = bench(move |life| {
            if life.number == 0 {
                woken.recv().unwrap();
                told.send(life.stopping()).unwrap();
                return Ok(());
            }
            until_stopped(life);
            Ok(())
        });
        assert_eq!(bench.lives.recv_timeout(PATIENCE), Ok(0));
        bench.now_ns.fetch_add(2_001 * MS, Ordering::Relaxed);
        assert_eq!(bench.deaths.recv_timeout(PATIENCE), Ok(Death::Hung));
        bench.now_ns.fetch_add(50 * MS, Ordering::Relaxed);
        assert_eq!(bench.lives.recv_timeout(PATIENCE), Ok(1));
        wake.send(()).unwrap();
        assert_eq!(tells.recv_timeout(PATIENCE), Ok(true), "it finds its stop flag raised when it wakes");
        let statuses = bench.supervisor.statuses();
        assert!(bench.supervisor.stop().is_empty());
        assert_eq!((statuses[0].restarts(), statuses[0].hangs()), (1, 1));
        assert!(bench.deaths.is_empty(), "the end of an abandoned life is no death");
    }
}
