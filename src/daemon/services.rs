//! The daemon's services: what each of them runs, one life after another.

use super::event_keeper::EventKeeper;
use super::journal;
use super::scrape::Scrape;
use super::systemd;
use crate::control;
use crate::cycle::clock::Clock;
use crate::cycle::thread::ThreadStatus;
use crate::gateway::{self, GatewayState};
use crate::limits::{CONTROL_STACK_BYTES, SERVICE_STACK_BYTES};
use crate::metrics;
use crate::programs::Runner;
use crate::rehearsal::Stage;
use crate::service::{Life, Place, Sabotage, Service};
use crate::telemetry::Follower;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

/// The gateway. Its state outlives its panics; one that hangs keeps it, and its successor waits for that in vain.
pub fn gateway(state: GatewayState, clock: impl Clock + Sync + 'static) -> Service {
    let state = Mutex::new(state);
    Service::new("gateway", SERVICE_STACK_BYTES, move |life: &Life| {
        let mut state = match state.try_lock() {
            Ok(state) => state,
            // A panic left it whole: the gateway's `recover` puts in order what was under way.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err("the life before still holds the exchange".to_string()),
        };
        state.run(&life.beat, life.stop_flag(), || clock.now_ns());
        Ok(())
    })
}

/// The planner of paths. Its state outlives its panics, but for the programs under way.
pub fn planner(runner: Runner, clock: impl Clock + Sync + 'static) -> Service {
    let runner = Mutex::new(runner);
    Service::new("planner", SERVICE_STACK_BYTES, move |life: &Life| {
        let mut runner = match runner.try_lock() {
            Ok(runner) => runner,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err("the life before still holds the rings of pieces".to_string()),
        };
        runner.run(&life.beat, life.stop_flag(), || clock.now_ns());
        Ok(())
    })
}

/// Dry runs for clients. Those under way are lost with a panic.
pub fn dry_runs(stage: Stage) -> Service {
    let stage = Mutex::new(stage);
    Service::new("dry-runs", SERVICE_STACK_BYTES, move |life: &Life| {
        let mut stage = match stage.try_lock() {
            Ok(stage) => stage,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err("the life before still runs something".to_string()),
        };
        stage.run(&life.beat, life.stop_flag());
        Ok(())
    })
}

/// The control and observe sockets.
pub fn control(context: Arc<control::Context>, entrances: Vec<control::Entrance>) -> Service {
    Service::new("control", CONTROL_STACK_BYTES, move |life: &Life| {
        control::serve(&context, &entrances, &life.beat, life.stop_flag()).map_err(|error| error.to_string())
    })
}

/// The samples for the streams of the control service.
pub fn telemetry(follower: Follower) -> Service {
    let follower = Arc::new(follower);
    let dying = Arc::clone(&follower);
    let service = Service::new("telemetry", SERVICE_STACK_BYTES, move |life: &Life| {
        follower.run(&life.beat, life.stop_flag());
        Ok(())
    });
    Service { on_death: Arc::new(move |_| dying.died()), ..service }
}

/// The metrics endpoint.
pub fn metrics(scrape: Arc<Scrape>, listener: TcpListener, sabotage: Sabotage) -> Service {
    Service::new("metrics", SERVICE_STACK_BYTES, move |life: &Life| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| error.to_string())?;
        let listener = listener.try_clone().map_err(|error| error.to_string())?;
        let scrape = Arc::clone(&scrape);
        let of_scrapes = sabotage.clone();
        let render = Rc::new(move || {
            of_scrapes.pass(Place::Task);
            let scrape = Arc::clone(&scrape);
            metrics::text(move || scrape.read())
        });
        let alive = || {
            life.beat.tick();
            sabotage.pass(Place::Loop);
            let _dropped = sabotage.dropped();
            !life.stopping()
        };
        tokio::task::LocalSet::new()
            .block_on(&runtime, metrics::http::serve(listener, render, alive))
            .map_err(|error| error.to_string())
    })
}

/// The machine's events in the log. `cursor`, its place among them, outlives its panics.
pub fn journal(client: gateway::Client, cursor: Arc<AtomicU64>, sabotage: Sabotage) -> Service {
    Service::new("journal", SERVICE_STACK_BYTES, move |life: &Life| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|error| error.to_string())?;
        runtime.block_on(journal::follow(life, &client, &cursor, &sabotage));
        Ok(())
    })
}

/// The machine's events in the state directory.
pub fn events(client: gateway::Client, keeper: EventKeeper) -> Service {
    Service::new("events", SERVICE_STACK_BYTES, move |life: &Life| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|error| error.to_string())?;
        runtime.block_on(keeper.follow(life, &client))
    })
}

/// The pings to the service manager, while the cycle goes on and no service is lost.
pub fn watchdog(timeout: Duration, status: Arc<ThreadStatus>, lost: Arc<AtomicBool>, sabotage: Sabotage) -> Service {
    Service::new("watchdog", SERVICE_STACK_BYTES, move |life: &Life| {
        let counters = || {
            sabotage.pass(Place::Loop);
            let _dropped = sabotage.dropped();
            vec![status.heartbeat()]
        };
        systemd::watchdog(life, timeout, counters, || !lost.load(Ordering::Relaxed));
        Ok(())
    })
}
