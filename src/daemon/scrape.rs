//! One reading of the machine for Prometheus.

use super::event_keeper::EventKeeper;
use crate::control;
use crate::cycle::rt_watch;
use crate::cycle::schedule::OverrunCause;
use crate::cycle::thread::ThreadStatus;
use crate::cycle::timing::Timing;
use crate::exchange::histogram::{CLASSIC_BOUNDS_NS, Histogram};
use crate::exchange::snapshot::AxisFlags;
use crate::fieldbus::canopen::figures::WireFigures;
use crate::fieldbus::canopen::frame::WireState;
use crate::fieldbus::ethercat::links::{LinkTable, PORTS, PortError};
use crate::gateway::{self, AnalogDescription, GroupSnapshot, Method, Outcome};
use crate::ids::{AxisId, GroupId};
use crate::metrics::family::Buckets;
use crate::metrics::reading::{
    AxisReading, BusReading, ControlReading, CycleReading, PortReading, Reading, StreamReading, ThreadReading,
    WireReading,
};
use crate::programs::LATENESS_BOUNDS_S;
use crate::service::ServiceStatus;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

/// Where a reading comes from.
pub struct Scrape {
    pub gateway: gateway::Client,
    pub control: Arc<control::Context>,
    pub timing: Timing,
    /// Of each bus.
    pub round_trips: Vec<Histogram>,
    pub status: Arc<ThreadStatus>,
    pub degraded: Vec<&'static str>,
    /// Known once the services run.
    /// Who keeps the events, where they outlive the daemon.
    pub keeper: Option<EventKeeper>,
    pub services: OnceLock<Arc<[ServiceStatus]>>,
    pub devices: Vec<Vec<String>>,
    /// Of each bus that has ports.
    pub links: Vec<Option<Arc<LinkTable>>>,
    /// Of each CAN bus, with its load.
    pub wires: Vec<Option<(Arc<WireFigures>, f64)>>,
    pub start_time_s: f64,
}

fn buckets(histogram: &Histogram) -> Buckets {
    let cumulative = histogram.cumulative();
    let bounds = CLASSIC_BOUNDS_NS.iter().map(|bound_ns| *bound_ns as f64 * 1e-9);
    Buckets {
        cumulative: bounds.zip(cumulative).collect(),
        count: cumulative[cumulative.len() - 1],
        sum: histogram.sum_ns() as f64 * 1e-9,
    }
}

/// Each port that has, or had, a cable.
fn ports(links: &LinkTable, devices: &[String]) -> Vec<PortReading> {
    let places =
        devices.iter().enumerate().flat_map(|(place, device)| (0..PORTS).map(move |port| (place, device, port)));
    let reading = |(place, device, port): (usize, &String, usize)| PortReading {
        device: device.clone(),
        port,
        link: links.has_link(place, port),
        errors: PortError::ALL.map(|error| (error.name(), links.errors(place, port, error))).to_vec(),
    };
    let used = |port: &PortReading| port.link || port.errors.iter().any(|(_, count)| *count > 0);
    places.map(reading).filter(used).collect()
}

fn wire(figures: &WireFigures, load_ratio: f64) -> WireReading {
    WireReading {
        state: figures.state().name(),
        warnings: figures.times(WireState::Warning),
        passives: figures.times(WireState::Passive),
        bus_offs: figures.times(WireState::BusOff),
        refused: figures.refused(),
        load_ratio,
    }
}

impl Scrape {
    /// Reads everything.
    pub fn read(&self) -> Reading {
        let snapshot = self.gateway.snapshot();
        let machine = self.gateway.description();
        let usage = rt_watch::read(self.status.tid()).unwrap_or_default();
        let overrun = |cause: &OverrunCause| (cause.name(), self.timing.overruns(*cause));
        let axes = machine.axes.iter().zip(&snapshot.axes).enumerate().map(|(index, (axis, now))| AxisReading {
            name: axis.name.clone(),
            state: now.state.name(),
            following_error_ratio: now.following_ratio,
            torque_ratio: now.torque,
            homed: now.flags.has(AxisFlags::REFERENCED),
            faults: self.gateway.counts().faults(AxisId(index as u8)).to_vec(),
        });
        let buses = machine.buses.iter().zip(&snapshot.buses).zip(&self.devices).zip(&self.links);
        let buses = buses.zip(&self.wires).zip(&self.round_trips);
        let buses = buses.map(|(((((name, now), devices), links), figures), round_trip)| BusReading {
            wire: figures.as_ref().map(|(figures, load_ratio)| wire(figures, *load_ratio)),
            ports: links.iter().flat_map(|links| ports(links, devices)).collect(),
            ring_whole: now.ring_whole,
            name: name.clone(),
            round_trip: buckets(round_trip),
            frames_lost: now.frames_lost,
            frames_late: now.frames_late,
            working_counter_errors: now.working_counter_errors,
            clock_error_s: now.late_by_clock_ns as f64 * 1e-9,
            devices: devices
                .iter()
                .enumerate()
                .map(|(place, device)| (device.clone(), now.not_operational >> place & 1 == 0))
                .collect(),
        });
        let (inputs, outputs) = (machine.analog_inputs.iter(), machine.analog_outputs.iter());
        let analogs = inputs.map(|input| ("input", input)).chain(outputs.map(|output| ("output", output)));
        let analogs = analogs.zip(&snapshot.analogs);
        let analogs = analogs
            .map(|((way, AnalogDescription { name, unit, .. }), value)| (way, name.clone(), unit.clone(), *value));
        let streams = machine.groups.iter().zip(&snapshot.groups).enumerate();
        let streams = streams.map(|(index, (group, state))| self.stream(GroupId(index as u8), &group.name, state));
        let paths = machine.groups.iter().zip(&snapshot.groups);
        let paths = paths.map(|(group, state)| (group.name.clone(), state.path_supply_s));
        Reading {
            start_time_s: self.start_time_s,
            cycle: CycleReading {
                wakeup_latency: buckets(&self.timing.wake_up),
                execution: buckets(&self.timing.execution),
                cycles: self.timing.cycles(),
                overruns: OverrunCause::ALL.iter().map(overrun).collect(),
                period_s: machine.period_ns as f64 * 1e-9,
            },
            thread: ThreadReading {
                minor_faults: usage.minor_faults,
                major_faults: usage.major_faults,
                involuntary_switches: usage.involuntary_switches,
                degraded: self.degraded.clone(),
            },
            buses: buses.collect(),
            axes: axes.collect(),
            analogs: analogs.collect(),
            paths: paths.collect(),
            streams: streams.flatten().collect(),
            control: self.control(snapshot.machine.events_dropped),
        }
    }

    fn stream(&self, group: GroupId, name: &str, state: &GroupSnapshot) -> Option<StreamReading> {
        let lateness = self.control.timed.as_ref()?.desk().lateness(group);
        let (cumulative, sum) = lateness.histogram();
        Some(StreamReading {
            group: name.to_string(),
            behind_s: state.stream_behind_s,
            points: lateness.points(),
            lateness: Buckets {
                cumulative: LATENESS_BOUNDS_S.into_iter().zip(cumulative).collect(),
                count: cumulative[cumulative.len() - 1],
                sum,
            },
        })
    }

    fn control(&self, events_dropped: u64) -> ControlReading {
        let counts = self.gateway.counts();
        let commands = Method::ALL.iter().flat_map(|method| {
            Outcome::ALL.iter().map(move |outcome| {
                (method.name().to_string(), outcome.name().to_string(), counts.commands(*method, *outcome))
            })
        });
        ControlReading {
            // What never happened is left out until it does: 20 methods by 8 results are mostly zeros.
            commands: commands.filter(|(_, _, count)| *count > 0).collect(),
            latency: vec![("answer".to_string(), buckets(counts.answer_latency()))],
            queues: counts.queues().iter().map(|queue| (queue.queue, queue.depth, queue.capacity)).collect(),
            telemetry_dropped: self.control.telemetry.dropped(),
            events_not_kept: self.keeper.as_ref().is_some_and(EventKeeper::is_failing),
            events_dropped,
            clients: self.control.clients.load(Ordering::Relaxed) as u64,
            restarts: self
                .services
                .get()
                .iter()
                .flat_map(|services| services.iter())
                .map(|service| (service.name.to_string(), service.restarts()))
                .collect(),
        }
    }
}
