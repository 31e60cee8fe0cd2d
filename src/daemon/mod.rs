//! The composition root: builds every part from the configuration, joins them, and takes them down again.
//!
//! Order of a start: memory, machine, gateway, real-time thread, and only then the doors by which clients come in: whoever
//! is answered talks to a machine that cycles. Order of an end: ramp down and disable, then the doors, then the gateway.

pub mod activation;
pub mod assembly;
mod can_keepers;
pub mod describe;
pub mod device_desk;
mod doors;
pub mod event_keeper;
mod journal;
pub mod parameter_file;
mod roles;
mod scrape;
mod services;
pub mod state_directory;
mod systemd;
mod test_bench;

use crate::config::MachineConfig;
use crate::control;
use crate::cycle::clock::{Clock, MonotonicClock};
use crate::cycle::memory::{self, MemoryPlan};
use crate::cycle::preparation::Preparation;
use crate::cycle::run::{Hooks, Outcome};
use crate::cycle::schedule::SchedulePlan;
use crate::cycle::thread::{Phase, RtThread, StartError as RtError, ThreadPlan, ThreadStatus, spawn};
use crate::cycle::timing::{Timing, timing};
use crate::cycle::{Cycle, rt_watch};
use crate::gateway::{self, gateway};
use crate::history::{Beginning, Store};
use crate::programs::programs;
use crate::rehearsal::rehearsals;
use crate::service::{Death, Sabotage, ServiceStatus, Supervisor};
use crate::telemetry;
use activation::{Passed, PassedError};
use assembly::{AssemblyError, assemble};
use device_desk::DeviceDesk;
use doors::Doors;
use event_keeper::EventKeeper;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use parameter_file::ParameterFile;
use state_directory::StateDirectory;
use std::fmt;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use test_bench::TestBench;

/// How often the daemon looks after its real-time thread.
const LOOK: Duration = Duration::from_millis(100);

/// Cycles before the doors are opened: every drive has been heard by then.
const FIRST_CYCLES: u64 = 20;
/// How long they may take before the doors are opened all the same.
const FIRST_CYCLES_PATIENCE: Duration = Duration::from_secs(5);

/// What a start may change of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Another place for the control socket.
    pub socket: Option<PathBuf>,
    /// Another address for the metrics.
    pub metrics: Option<SocketAddr>,
    /// Sockets that were passed to the daemon; they take the place of those that it would open.
    pub passed: Arc<Passed>,
    /// Where the daemon keeps what must outlive it.
    pub state: Option<StateDirectory>,
    /// Serve the test-only interface.
    pub test_commands: bool,
    /// Calls on the real-time thread, for tests that hold it to its discipline.
    pub hooks: Hooks,
}

/// Why the daemon does not start. The text says what to do.
#[derive(Debug)]
pub enum StartError {
    /// A bus of a kind that this version cannot run.
    NotBuilt(crate::config::NotBuilt),
    /// The machine cannot be put together.
    Machine(AssemblyError),
    /// The real-time thread does not run.
    RealTime(RtError),
    /// A passed socket cannot be used.
    Passed(PassedError),
    /// A socket cannot be opened.
    Socket {
        /// Where.
        place: String,
        /// Why.
        error: std::io::Error,
    },
    /// A user group that has a role does not exist.
    Group {
        /// The key in `[control]`.
        key: &'static str,
        /// The group.
        name: String,
    },
    /// The state directory cannot be used.
    State {
        /// Where.
        place: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A thread or a signal descriptor cannot be had.
    System(std::io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::NotBuilt(error) => error.fmt(f),
            StartError::Machine(error) => error.fmt(f),
            StartError::RealTime(error) => error.fmt(f),
            StartError::Passed(error) => error.fmt(f),
            StartError::Socket { place, error } => write!(f, "cannot listen on {place}: {error}"),
            StartError::Group { key, name } => {
                write!(f, "[control] {key}: there is no user group {name:?} on this computer (groupadd makes one)")
            }
            StartError::State { place, error } => {
                write!(f, "the state directory {} cannot be used: {error}", place.display())
            }
            StartError::System(error) => write!(f, "the system refuses: {error}"),
        }
    }
}

impl std::error::Error for StartError {}

/// A running daemon.
pub struct Daemon {
    rt: RtThread<Cycle>,
    status: Arc<ThreadStatus>,
    timing: Timing,
    gateway: gateway::Client,
    journalled: Arc<AtomicU64>,
    keeper: Option<EventKeeper>,
    socket: PathBuf,
    own_sockets: Vec<PathBuf>,
    metrics: Option<SocketAddr>,
    supervisor: Supervisor,
    signals: SignalFd,
}

/// How the daemon came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Asked to, and every drive was ramped down and disabled.
    Orderly,
    /// Asked to, but a drive did not let go in time.
    NotDisabled,
    /// The real-time thread failed; the drives were told to stop.
    Failed,
}

impl Daemon {
    /// Starts everything. To be called on the main thread, before any other thread exists.
    ///
    /// # Errors
    /// Whatever keeps the machine from running; nothing is left behind then.
    pub fn start(config: &MachineConfig, options: &Options) -> Result<Daemon, StartError> {
        Daemon::start_on(config, options, MonotonicClock::with_final_spin(config.realtime.spin_ns))
    }

    /// The same on a clock of the caller's: a test that holds it decides when each cycle runs, while every service runs
    /// as ever on its own thread. The supervisor alone keeps to the system's time, for it watches threads.
    ///
    /// # Errors
    /// As [`Daemon::start`].
    pub fn start_on<C>(config: &MachineConfig, options: &Options, clock: C) -> Result<Daemon, StartError>
    where
        C: Clock + Clone + Sync + 'static,
    {
        config.runnable().map_err(StartError::NotBuilt)?;
        let signals = block_signals().map_err(StartError::System)?;
        let plan =
            MemoryPlan { lock: config.realtime.lock_memory, heap_reserve_bytes: config.realtime.heap_reserve_bytes };
        let process = memory::prepare(&plan);

        for difference in config.origin.differences() {
            tracing::info!(name: "parameter_persisted", "persisted over the configuration: {difference}");
        }
        let Doors { entrances, access, socket, metrics, own: own_sockets } = doors::open(config, options)?;

        let assembly = assemble(config).map_err(StartError::Machine)?;
        let (mut ends, groups) = (assembly.ends, config.groups.len());
        let rings = std::mem::take(&mut ends.pieces);
        let (client, mut state) = gateway(describe::machine(config), ends);
        let (desk, runner) = programs(client.clone(), rings);
        let (telemetry, follower) = telemetry::telemetry(client.clone());
        let mut context = control::Context::new(client.clone(), telemetry);
        context.access = access;
        context.parameters = Some(Arc::new(ParameterFile::new(config, options.state.clone())));
        context.paths = Some(Arc::new(control::Paths::new(desk.clone(), groups)));
        context.timed = Some(Arc::new(control::Streams::new(desk, groups)));
        let (dry_runs, stage) = rehearsals();
        context.dry_runs = Some(Arc::new(control::DryRuns::new(dry_runs)));
        context.devices = Some(Arc::new(DeviceDesk::new(config, assembly.desks)));
        context.now_ns = Arc::new({
            let clock = clock.clone();
            move || clock.now_ns()
        });
        let mut last_of_before = 0;
        let keeper = match &options.state {
            Some(folder) => {
                let (store, history, beginning) = Store::open(folder.path())
                    .map_err(|error| StartError::State { place: folder.path().to_path_buf(), error })?;
                let Beginning { known, after, clean } = beginning;
                state.continue_events(after, known, clean, clock.now_ns());
                context.history = history;
                last_of_before = after;
                Some(EventKeeper::new(store, after))
            }
            None => {
                tracing::info!("without a state directory, events and parameters do not outlive the daemon");
                None
            }
        };
        let [journal_sabotage, metrics_sabotage, watchdog_sabotage] = std::array::from_fn(|_| Sabotage::new());
        if options.test_commands {
            let mut sabotages = vec![
                ("gateway", state.sabotage().clone()),
                ("control", context.sabotage.clone()),
                ("planner", runner.sabotage().clone()),
                ("dry-runs", stage.sabotage().clone()),
                ("journal", journal_sabotage.clone()),
                ("metrics", metrics_sabotage.clone()),
                ("telemetry", follower.sabotage().clone()),
                ("watchdog", watchdog_sabotage.clone()),
            ];
            sabotages.extend(keeper.iter().map(|keeper| ("events", keeper.sabotage.clone())));
            context.tests = Some(Arc::new(TestBench::new(config, assembly.simulations, sabotages)));
        }

        let (recorder, timing) = timing();
        let plan = ThreadPlan { hooks: options.hooks, ..thread_plan(config) };
        let round_trips = assembly.cycle.round_trips();
        can_keepers::spawn(assembly.can_keepers).map_err(StartError::System)?;
        let rt = spawn(plan, process, clock.clone(), assembly.cycle, recorder).map_err(StartError::RealTime)?;
        let status = rt.status();
        report_preparation(rt.preparation());
        wait_for_cycles(&client);

        context.degraded = rt.preparation().degraded.iter().map(|lack| lack.to_string()).collect();
        let context = Arc::new(context);
        let scrape = Arc::new(scrape::Scrape {
            links: assembly.links,
            wires: assembly.wires,
            gateway: client.clone(),
            control: Arc::clone(&context),
            timing: timing.clone(),
            round_trips,
            status: Arc::clone(&status),
            degraded: rt.preparation().degraded.iter().map(|lack| lack.reason.name()).collect(),
            keeper: keeper.clone(),
            services: OnceLock::new(),
            devices: describe::devices(config),
            start_time_s: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        });
        let metrics_address = metrics.as_ref().and_then(|listener| listener.local_addr().ok());
        let lost = Arc::new(AtomicBool::new(false));
        let mut services = vec![services::gateway(state, clock.clone()), services::control(context, entrances)];
        services.push(services::planner(runner, clock));
        services.push(services::dry_runs(stage));
        services.push(services::telemetry(follower));
        let journalled = Arc::new(AtomicU64::new(last_of_before));
        services.push(services::journal(client.clone(), Arc::clone(&journalled), journal_sabotage));
        if let Some(keeper) = &keeper {
            services.push(services::events(client.clone(), keeper.clone()));
        }
        if let Some(listener) = metrics {
            services.push(services::metrics(Arc::clone(&scrape), listener, metrics_sabotage));
        }
        if let Some(timeout) = systemd::watchdog_timeout() {
            services.push(services::watchdog(timeout, Arc::clone(&status), Arc::clone(&lost), watchdog_sabotage));
        }
        let supervisor = Supervisor::start(services, || MonotonicClock::new().now_ns(), {
            let (client, lost) = (client.clone(), Arc::clone(&lost));
            // Not brought back: the machine is brought to rest; without pings the service manager then restarts the daemon.
            move |service, death: &Death| {
                tracing::error!(name: "service_lost", service, %death, "a service is lost: the machine is stopped");
                client.stop(gateway::StopScope::Machine);
                lost.store(true, Ordering::Relaxed);
            }
        })
        .map_err(StartError::System)?;
        let _ = scrape.services.set(supervisor.statuses());
        if let Some(address) = metrics_address {
            // With port 0 this is the only place that tells which one it became.
            tracing::info!("metrics on http://{address}/metrics");
        }
        tracing::info!(name: "ready", machine = config.name, socket = %socket.display(), "ready: drives are disabled");
        systemd::ready("cycling; drives are disabled until they are powered");
        Ok(Daemon {
            rt,
            status,
            timing,
            gateway: client,
            journalled,
            keeper,
            socket,
            own_sockets,
            metrics: metrics_address,
            supervisor,
            signals,
        })
    }

    /// Where the control socket is.
    pub fn socket(&self) -> &std::path::Path {
        &self.socket
    }

    /// Where Prometheus is answered.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// How the cycle has kept time so far.
    pub fn timing(&self) -> &Timing {
        &self.timing
    }

    /// The newest state and the description of the machine.
    pub fn gateway(&self) -> &gateway::Client {
        &self.gateway
    }

    /// What the cycle lacks to be real-time, in words.
    pub fn degraded(&self) -> Vec<String> {
        self.rt.preparation().degraded.iter().map(|lack| lack.to_string()).collect()
    }

    /// The services, as anybody may see them.
    pub fn services(&self) -> Arc<[ServiceStatus]> {
        self.supervisor.statuses()
    }

    /// Page faults and switches of the real-time thread so far.
    pub fn usage(&self) -> rt_watch::ThreadUsage {
        rt_watch::read(self.status.tid()).unwrap_or_default()
    }

    /// Waits for SIGTERM, SIGINT, or until `done` says so; then takes the machine down.
    pub fn run(self, mut done: impl FnMut() -> bool) -> End {
        // Without real-time rights, on a busy machine, the thread may not have come to its first cycle yet.
        while matches!(self.status.phase(), Phase::Starting | Phase::Running) && !done() {
            if self.signalled() {
                tracing::info!(name: "stopping", "asked to end: ramping down");
                break;
            }
        }
        self.end()
    }

    /// Waits at most [`LOOK`] for a signal.
    fn signalled(&self) -> bool {
        let mut descriptors = [PollFd::new(self.signals.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(LOOK).unwrap_or(PollTimeout::NONE);
        poll(&mut descriptors, timeout).is_ok_and(|ready| ready > 0)
            && matches!(self.signals.read_signal(), Ok(Some(_)))
    }

    fn end(self) -> End {
        systemd::stopping("ramping down");
        self.status.request_shutdown();
        let (outcome, _cycle) = self.rt.join();
        journal::catch_up(&self.gateway, &self.journalled);
        if let Some(keeper) = &self.keeper {
            keeper.close(&self.gateway);
        }
        for service in self.supervisor.stop() {
            tracing::warn!(service, "did not end in time");
        }
        for socket in &self.own_sockets {
            let _ = std::fs::remove_file(socket);
        }
        let end = match outcome {
            Outcome::Left => {
                tracing::info!(name: "ended", "every drive is disabled");
                End::Orderly
            }
            Outcome::ShutdownTimeout => {
                tracing::error!(name: "not_disabled", "a drive did not let go in time: its own watchdog must stop it now");
                End::NotDisabled
            }
            Outcome::Panicked | Outcome::Refused => {
                let note = self.status.panic_note().unwrap_or_default();
                tracing::error!(name: "cycle_failed", "the real-time thread failed: {note}");
                End::Failed
            }
        };
        journal::close();
        end
    }
}

/// SIGTERM and SIGINT come through a descriptor; blocked before any thread exists, they interrupt none.
fn block_signals() -> std::io::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    Ok(SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)
}

/// Waits until the machine has cycled a few times, so that the first client finds inputs that have been read.
fn wait_for_cycles(client: &gateway::Client) {
    let began = std::time::Instant::now();
    while client.snapshot().machine.cycle < FIRST_CYCLES {
        if began.elapsed() > FIRST_CYCLES_PATIENCE {
            tracing::warn!("the machine has hardly cycled in {FIRST_CYCLES_PATIENCE:?}: the host is overloaded");
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn thread_plan(config: &MachineConfig) -> ThreadPlan {
    let realtime = &config.realtime;
    ThreadPlan {
        schedule: SchedulePlan {
            max_skips: realtime.max_skipped_periods,
            ..SchedulePlan::with_period(config.period_ns)
        },
        priority: realtime.priority,
        cpu: realtime.cpu,
        hold_cpu_latency: realtime.hold_cpu_latency,
        require_realtime: config.require_realtime(),
        ..ThreadPlan::with_period(config.period_ns)
    }
}

fn report_preparation(preparation: &Preparation) {
    for (provision, done) in &preparation.done {
        tracing::info!(step = provision.name(), "{done}");
    }
    for lack in &preparation.degraded {
        tracing::warn!(name: "degraded", reason = lack.reason.name(), "degraded: {}; {}", lack.why, lack.remedy);
    }
}
