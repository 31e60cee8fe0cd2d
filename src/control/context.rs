//! What every session of the control service shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use serde_json::json;

use super::access::Access;
use super::device_objects::DeviceObjects;
use super::door::Door;
use super::dry_run::DryRuns;
use super::failure::{Failure, fields};
use super::open_paths::Paths;
use super::parameter_book::ParameterBook;
use super::places::Places;
use super::stream::Streams;
use super::test_commands::TestCommands;
use crate::gateway;
use crate::history::History;
use crate::limits::{MAX_CLIENTS, MAX_OBSERVED_STREAMS, MAX_OBSERVERS, MAX_STREAMS, STOP_RESERVE};
use crate::service::Sabotage;
use crate::telemetry::Telemetry;

/// Hears of every answered request: the method's full name and `ok` or the error's bare name.
pub type CallCounter = Arc<dyn Fn(&str, &'static str) + Send + Sync>;

/// What every session of the control service shares. It outlives a restart of the service.
pub struct Context {
    /// The way to the cycle.
    pub gateway: gateway::Client,
    /// Where streams of samples come from.
    pub telemetry: Telemetry,
    /// Events of the daemon's earlier lives.
    pub history: History,
    /// Who has which role.
    pub access: Access,
    /// Why the cycle is not real-time; empty when it is.
    pub degraded: Vec<String>,
    /// The configuration by parameters; `None` where nobody gave it.
    pub parameters: Option<Arc<dyn ParameterBook>>,
    /// Where paths are handed in; `None` where nobody takes them.
    pub paths: Option<Arc<Paths>>,
    /// Where points of streams are handed in; `None` where nobody takes them.
    pub timed: Option<Arc<Streams>>,
    /// Where dry runs are asked for; `None` where nobody does them.
    pub dry_runs: Option<Arc<DryRuns>>,
    /// The devices and their objects; `None` where nobody gave them.
    pub devices: Option<Arc<dyn DeviceObjects>>,
    /// Faults on purpose, where the daemon was started for them.
    pub tests: Option<Arc<dyn TestCommands>>,
    /// Counts answered requests for the metrics.
    pub counter: Option<CallCounter>,
    /// CLOCK_MONOTONIC in nanoseconds.
    pub now_ns: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// Whom tests ask to make the service fail.
    pub sabotage: Sabotage,
    /// Clients connected now.
    pub clients: AtomicUsize,
    /// Those of them that came by the observe door.
    pub observers: AtomicUsize,
    /// Clients beyond the limit, who may stop and nothing else.
    pub stopping: AtomicUsize,
    /// Sessions that ended by a panic.
    pub session_panics: AtomicU64,
    /// Streams open now.
    pub streams: AtomicUsize,
    /// Those of them whose clients came by the observe door.
    pub observed_streams: AtomicUsize,
}

impl Context {
    /// A context without clients.
    pub fn new(gateway: gateway::Client, telemetry: Telemetry) -> Context {
        Context {
            gateway,
            telemetry,
            history: History::default(),
            access: Access::default(),
            degraded: Vec::new(),
            parameters: None,
            paths: None,
            timed: None,
            dry_runs: None,
            devices: None,
            tests: None,
            counter: None,
            now_ns: Arc::new(monotonic_ns),
            sabotage: Sabotage::new(),
            clients: AtomicUsize::new(0),
            observers: AtomicUsize::new(0),
            stopping: AtomicUsize::new(0),
            session_panics: AtomicU64::new(0),
            streams: AtomicUsize::new(0),
            observed_streams: AtomicUsize::new(0),
        }
    }

    /// Takes a place among the streams for a client of this door, until what is returned is dropped.
    pub fn open_stream(&self, door: Door) -> Result<Places<'_>, Failure> {
        let full = |limit: usize| {
            let hint = "close a stream, or try again later";
            Failure::Own("TooManyStreams", fields(json!({ "limit": limit, "hint": hint, "retryable": true })))
        };
        let (all, observed) = ((&self.streams, MAX_STREAMS), (&self.observed_streams, MAX_OBSERVED_STREAMS));
        Places::take(door, all, observed).map_err(full)
    }

    /// Takes a place among the clients of this door, likewise; else the limit.
    pub fn admit(&self, door: Door) -> Result<Places<'_>, usize> {
        Places::take(door, (&self.clients, MAX_CLIENTS), (&self.observers, MAX_OBSERVERS))
    }

    /// Takes a place among those who may only stop, likewise: where all others are taken, a stop still gets through.
    pub fn admit_to_stop(&self, door: Door) -> Result<Places<'_>, usize> {
        match door {
            Door::Control => Places::take(door, (&self.stopping, STOP_RESERVE), (&self.observers, MAX_OBSERVERS)),
            // Nothing can be stopped from there.
            Door::Observe => Err(MAX_OBSERVERS),
        }
    }

    /// Tells the metrics of an answered request. Names that clients make up are not counted by name.
    pub fn count(&self, method: &str, outcome: &'static str) {
        if let Some(counter) = &self.counter {
            let known = !matches!(outcome, "InterfaceNotFound" | "MethodNotFound");
            counter(if known { method } else { "unknown" }, outcome);
        }
    }
}

fn monotonic_ns() -> u64 {
    let now =
        nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map_or(std::time::Duration::ZERO, Into::into);
    now.as_nanos() as u64
}
