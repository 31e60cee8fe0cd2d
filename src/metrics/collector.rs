//! Readings as Prometheus metric families.

use super::family::{counters, gauges, histograms};
use super::reading::{BusReading, PortReading, Reading, StreamReading, WireReading};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

/// States of an axis that are told, one time series each.
const AXIS_STATES: [&str; 8] = [
    "Disabled",
    "Standstill",
    "Homing",
    "DiscreteMotion",
    "ContinuousMotion",
    "SynchronizedMotion",
    "Stopping",
    "ErrorStop",
];

/// How a CAN controller stands to its wire, one time series each.
const WIRE_STATES: [&str; 4] = ["error-active", "error-warning", "error-passive", "bus-off"];

/// Reads the machine at each scrape.
pub struct MachineCollector<R> {
    read: R,
}

impl<R: Fn() -> Reading + Send + Sync> MachineCollector<R> {
    /// A collector that calls `read` once a scrape.
    pub fn new(read: R) -> MachineCollector<R> {
        MachineCollector { read }
    }
}

impl<R: Fn() -> Reading + Send + Sync> Collector for MachineCollector<R> {
    fn desc(&self) -> Vec<&Desc> {
        // Families are made afresh at each scrape; the registry checks the names that `collect` gives.
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = families((self.read)());
        families.retain(|family| !family.get_metric().is_empty());
        families
    }
}

fn one(value: f64) -> Vec<(Vec<String>, f64)> {
    vec![(Vec::new(), value)]
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
}

/// Every family of a reading.
pub fn families(reading: Reading) -> Vec<MetricFamily> {
    let mut families = cycle_families(&reading);
    families.extend(bus_families(&reading));
    families.extend(wire_families(&reading));
    families.extend(axis_families(&reading));
    families.push(analogs(&reading));
    families.push(paths(&reading));
    families.extend(streams(&reading));
    families.extend(control_families(&reading));
    families
}

fn cycle_families(Reading { cycle, thread, .. }: &Reading) -> Vec<MetricFamily> {
    vec![
        histograms(
            "motion_cycle_wakeup_latency_seconds",
            "Time from the deadline of a cycle to its wake-up.",
            &[],
            vec![(Vec::new(), cycle.wakeup_latency.clone())],
        ),
        histograms(
            "motion_cycle_execution_seconds",
            "Time from the wake-up of a cycle to the end of its work.",
            &[],
            vec![(Vec::new(), cycle.execution.clone())],
        ),
        counters("motion_cycles_total", "Cycles since start.", &[], one(cycle.cycles as f64)),
        counters(
            "motion_cycle_overruns_total",
            "Cycles that missed at least one period, by cause.",
            &["cause"],
            cycle.overruns.iter().map(|(cause, count)| (vec![cause.to_string()], *count as f64)).collect(),
        ),
        gauges("motion_cycle_period_seconds", "Configured period of the cycle.", &[], one(cycle.period_s)),
        counters(
            "motion_rt_page_faults_total",
            "Page faults of the real-time thread since it started to cycle.",
            &["kind"],
            vec![
                (vec!["minor".to_string()], thread.minor_faults as f64),
                (vec!["major".to_string()], thread.major_faults as f64),
            ],
        ),
        counters(
            "motion_rt_involuntary_switches_total",
            "Times that the real-time thread was taken off its CPU.",
            &[],
            one(thread.involuntary_switches as f64),
        ),
        gauges(
            "motion_rt_degraded",
            "1 for each reason for which the cycle is not real-time; one series with reason \"none\" and 0 when there is none.",
            &["reason"],
            if thread.degraded.is_empty() {
                vec![(vec!["none".to_string()], 0.0)]
            } else {
                thread.degraded.iter().map(|reason| (vec![reason.to_string()], 1.0)).collect()
            },
        ),
    ]
}

fn bus_families(Reading { buses, .. }: &Reading) -> Vec<MetricFamily> {
    let each = |value: fn(&BusReading) -> u64| {
        buses.iter().map(|bus| (vec![bus.name.clone()], value(bus) as f64)).collect::<Vec<_>>()
    };
    let device_states = buses.iter().flat_map(|bus| {
        bus.devices.iter().flat_map(move |(device, operational)| {
            [("operational", *operational), ("not-operational", !*operational)]
                .map(|(state, on)| (vec![bus.name.clone(), device.clone(), state.to_string()], flag(on)))
        })
    });
    let ports = || buses.iter().flat_map(|bus| bus.ports.iter().map(move |port| (bus, port)));
    let port_labels =
        |bus: &BusReading, port: &PortReading| vec![bus.name.clone(), port.device.clone(), port.port.to_string()];
    let port_errors = ports().flat_map(|(bus, port)| {
        port.errors.iter().map(move |(kind, count)| {
            let mut labels = port_labels(bus, port);
            labels.push((*kind).to_string());
            (labels, f64::from(*count))
        })
    });
    vec![
        counters(
            "motion_bus_frames_lost_total",
            "Exchanges without an answer before the deadline.",
            &["bus"],
            each(|bus| bus.frames_lost),
        ),
        counters(
            "motion_bus_frames_late_total",
            "Answers that came after their deadline.",
            &["bus"],
            each(|bus| bus.frames_late),
        ),
        counters(
            "motion_bus_wkc_errors_total",
            "Exchanges with a wrong working counter (WKC).",
            &["bus"],
            each(|bus| bus.working_counter_errors),
        ),
        histograms(
            "motion_bus_round_trip_seconds",
            "Time from the sending of the first frame of a cycle to the return of its last, over CAN from SYNC to the arrival of \
             its last answer; only of cycles that lost none.",
            &["bus"],
            buses.iter().map(|bus| (vec![bus.name.clone()], bus.round_trip.clone())).collect(),
        ),
        gauges(
            "motion_bus_clock_error_seconds",
            "By how much later than its place in the time of the bus (distributed clocks) the last cycle started.",
            &["bus"],
            buses.iter().map(|bus| (vec![bus.name.clone()], bus.clock_error_s)).collect(),
        ),
        gauges(
            "motion_bus_ring_whole",
            "1 for a ring that is whole, 0 for one with a break: the next break stops devices.",
            &["bus"],
            buses.iter().filter_map(|bus| Some((vec![bus.name.clone()], flag(bus.ring_whole?)))).collect(),
        ),
        gauges(
            "motion_bus_device_state",
            "1 for the state that a device is in.",
            &["bus", "device", "state"],
            device_states.collect(),
        ),
        gauges(
            "motion_bus_port_link",
            "1 for a port of a device that has a link, 0 for one that had.",
            &["bus", "device", "port"],
            ports().map(|(bus, port)| (port_labels(bus, port), flag(port.link))).collect(),
        ),
        counters(
            "motion_bus_port_errors_total",
            "Errors at a port of a device: look at the cable and the plugs there.",
            &["bus", "device", "port", "kind"],
            port_errors.collect(),
        ),
    ]
}

/// Of CAN buses.
fn wire_families(Reading { buses, .. }: &Reading) -> Vec<MetricFamily> {
    let wires = || buses.iter().filter_map(|bus| Some((&bus.name, bus.wire.as_ref()?)));
    let each = |value: fn(&WireReading) -> f64| {
        wires().map(|(name, wire)| (vec![name.clone()], value(wire))).collect::<Vec<_>>()
    };
    let states = wires().flat_map(|(name, wire)| {
        WIRE_STATES.map(|state| (vec![name.clone(), state.to_string()], flag(wire.state == state)))
    });
    vec![
        gauges(
            "motion_can_state",
            "1 for how the controller of a CAN interface stands to its wire (ISO 11898-1).",
            &["bus", "state"],
            states.collect(),
        ),
        counters(
            "motion_can_error_warning_total",
            "Times that a CAN controller told of many errors on its wire.",
            &["bus"],
            each(|wire| wire.warnings as f64),
        ),
        counters(
            "motion_can_error_passive_total",
            "Times that a CAN controller went error-passive.",
            &["bus"],
            each(|wire| wire.passives as f64),
        ),
        counters(
            "motion_can_bus_off_total",
            "Times that a CAN controller went off its bus.",
            &["bus"],
            each(|wire| wire.bus_offs as f64),
        ),
        counters(
            "motion_can_queue_full_total",
            "Frames that were not sent because the queue of a CAN interface was full.",
            &["bus"],
            each(|wire| wire.refused as f64),
        ),
        gauges(
            "motion_can_load_ratio",
            "What a CAN bus carries by its configuration, as a share of what its wire can.",
            &["bus"],
            each(|wire| wire.load_ratio),
        ),
    ]
}

fn analogs(Reading { analogs, .. }: &Reading) -> MetricFamily {
    let labels = |way: &str, name: &str, unit: &str| [way, name, unit].map(str::to_string).to_vec();
    gauges(
        "motion_analog_value",
        "What an analogue input says, or an analogue output is set to, in the unit of the configuration.",
        &["direction", "name", "unit"],
        analogs.iter().map(|(way, name, unit, value)| (labels(way, name, unit), *value)).collect(),
    )
}

fn paths(Reading { paths, .. }: &Reading) -> MetricFamily {
    gauges(
        "motion_path_buffer_seconds",
        "How long what the cycle has of a group's path takes at the programmed velocities.",
        &["group"],
        paths.iter().map(|(group, seconds)| (vec![group.clone()], *seconds)).collect(),
    )
}

fn streams(Reading { streams, .. }: &Reading) -> [MetricFamily; 3] {
    let group = |stream: &StreamReading| vec![stream.group.clone()];
    [
        gauges(
            "motion_stream_behind_seconds",
            "By how much a group's stream of timed points is behind them.",
            &["group"],
            streams.iter().map(|stream| (group(stream), stream.behind_s)).collect(),
        ),
        counters(
            "motion_stream_points_total",
            "Timed points that came.",
            &["group"],
            streams.iter().map(|stream| (group(stream), stream.points as f64)).collect(),
        ),
        histograms(
            "motion_stream_lateness_seconds",
            "How late timed points came, of those that came after their time.",
            &["group"],
            streams.iter().map(|stream| (group(stream), stream.lateness.clone())).collect(),
        ),
    ]
}

fn axis_families(Reading { axes, .. }: &Reading) -> Vec<MetricFamily> {
    let each = |value: fn(&super::reading::AxisReading) -> f64| {
        axes.iter().map(|axis| (vec![axis.name.clone()], value(axis))).collect::<Vec<_>>()
    };
    let states = axes.iter().flat_map(|axis| {
        AXIS_STATES.map(|state| (vec![axis.name.clone(), state.to_string()], flag(axis.state == state)))
    });
    let faults = axes.iter().flat_map(|axis| {
        let fault = |(class, count): &(&str, u64)| (vec![axis.name.clone(), class.to_string()], *count as f64);
        axis.faults.iter().map(fault).collect::<Vec<_>>()
    });
    vec![
        gauges(
            "motion_axis_state",
            "1 for the PLCopen state that an axis is in.",
            &["axis", "state"],
            states.collect(),
        ),
        gauges(
            "motion_axis_following_error_ratio",
            "Following error of an axis as a share of its window.",
            &["axis"],
            each(|axis| axis.following_error_ratio),
        ),
        counters(
            "motion_axis_faults_total",
            "Faults of an axis since start, by class.",
            &["axis", "class"],
            faults.collect(),
        ),
        gauges(
            "motion_axis_torque_ratio",
            "Torque of a drive as a share of its rated torque.",
            &["axis"],
            each(|axis| axis.torque_ratio),
        ),
        gauges("motion_axis_homed", "1 for an axis that has its reference.", &["axis"], each(|axis| flag(axis.homed))),
    ]
}

fn control_families(Reading { control, start_time_s, .. }: &Reading) -> Vec<MetricFamily> {
    let queue = |value: fn(&(&'static str, usize, usize)) -> usize| {
        control.queues.iter().map(|entry| (vec![entry.0.to_string()], value(entry) as f64)).collect::<Vec<_>>()
    };
    let commands = control.commands.iter();
    let restarts = control.restarts.iter();
    vec![
        histograms(
            "motion_command_latency_seconds",
            "Time of a command by stage.",
            &["stage"],
            control.latency.iter().map(|(stage, buckets)| (vec![stage.clone()], buckets.clone())).collect(),
        ),
        counters(
            "motion_commands_total",
            "Commands by method and result.",
            &["method", "result"],
            commands.map(|(method, result, count)| (vec![method.clone(), result.clone()], *count as f64)).collect(),
        ),
        gauges("motion_queue_depth", "Entries that wait in a queue.", &["queue"], queue(|entry| entry.1)),
        gauges("motion_queue_capacity", "Places of a queue.", &["queue"], queue(|entry| entry.2)),
        counters(
            "motion_telemetry_dropped_total",
            "Telemetry samples that were dropped because a client did not keep up.",
            &[],
            one(control.telemetry_dropped as f64),
        ),
        counters(
            "motion_events_dropped_total",
            "Events that the cycle dropped because nobody took them.",
            &[],
            one(control.events_dropped as f64),
        ),
        gauges(
            "motion_events_not_kept",
            "1 while the state directory takes no events, so that they would not outlive the daemon.",
            &[],
            one(f64::from(u8::from(control.events_not_kept))),
        ),
        gauges("motion_clients", "Connected clients.", &[], one(control.clients as f64)),
        counters(
            "motion_service_restarts_total",
            "Restarts of a service after it failed.",
            &["service"],
            restarts.map(|(service, count)| (vec![service.clone()], *count as f64)).collect(),
        ),
        gauges(
            "motion_build_info",
            "1, with the version of the daemon.",
            &["version"],
            vec![(vec![env!("CARGO_PKG_VERSION").to_string()], 1.0)],
        ),
        gauges(
            "motion_start_time_seconds",
            "When the daemon was started, since 1970 UTC; every counter began at 0 then.",
            &[],
            one(*start_time_s),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::family::Buckets;
    use crate::metrics::reading::AxisReading;
    use crate::metrics::text;
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn reading() -> Reading {
        let mut reading = Reading::default();
        let buckets = Buckets { cumulative: vec![(1e-6, 3), (2e-6, 8)], count: 9, sum: 1.5e-5 };
        reading.cycle.wakeup_latency = buckets.clone();
        reading.cycle.execution = buckets.clone();
        reading.start_time_s = 1_700_000_000.5;
        reading.cycle.cycles = 9;
        reading.cycle.overruns = vec![("late-wakeup", 1), ("execution", 0)];
        reading.cycle.period_s = 1e-3;
        reading.buses.push(BusReading {
            name: "machine".to_string(),
            round_trip: buckets.clone(),
            devices: vec![("x".to_string(), true), ("y".to_string(), false)],
            ports: vec![PortReading { device: "x".to_string(), port: 1, link: true, errors: vec![("lost-link", 3)] }],
            wire: Some(WireReading {
                state: "error-passive",
                warnings: 5,
                passives: 3,
                bus_offs: 1,
                refused: 7,
                load_ratio: 0.625,
            }),
            ..BusReading::default()
        });
        reading.axes.push(AxisReading {
            name: "x \"odd\"\\name".to_string(),
            state: "Standstill",
            homed: true,
            faults: vec![("drive", 2)],
            ..AxisReading::default()
        });
        reading.analogs.push(("input", "pressure".to_string(), "bar".to_string(), 8.5));
        reading.paths.push(("gantry".to_string(), 1.25));
        reading.streams.push(StreamReading {
            group: "gantry".to_string(),
            behind_s: 0.25,
            points: 17,
            lateness: Buckets { cumulative: vec![(0.001, 2)], count: 3, sum: 0.5 },
        });
        reading.control.commands.push(("Axis.MoveAbsolute".to_string(), "accepted".to_string(), 4));
        reading.control.latency.push(("accepted".to_string(), buckets));
        reading.control.queues.push(("commands", 1, 256));
        reading.control.restarts.push(("metrics".to_string(), 0));
        reading
    }

    #[test]
    fn every_metric_of_a_reading_is_told_once_with_its_value() {
        let text = text(reading);
        for line in [
            "motion_cycle_wakeup_latency_seconds_bucket{le=\"0.000002\"} 8",
            "motion_cycle_wakeup_latency_seconds_bucket{le=\"+Inf\"} 9",
            "motion_cycle_overruns_total{cause=\"late-wakeup\"} 1",
            "motion_bus_port_link{bus=\"machine\",device=\"x\",port=\"1\"} 1",
            "motion_bus_port_errors_total{bus=\"machine\",device=\"x\",port=\"1\",kind=\"lost-link\"} 3",
            "motion_can_state{bus=\"machine\",state=\"error-passive\"} 1",
            "motion_can_state{bus=\"machine\",state=\"error-active\"} 0",
            "motion_can_error_warning_total{bus=\"machine\"} 5",
            "motion_can_error_passive_total{bus=\"machine\"} 3",
            "motion_can_bus_off_total{bus=\"machine\"} 1",
            "motion_can_queue_full_total{bus=\"machine\"} 7",
            "motion_can_load_ratio{bus=\"machine\"} 0.625",
            "motion_rt_degraded{reason=\"none\"} 0",
            "motion_bus_device_state{bus=\"machine\",device=\"y\",state=\"operational\"} 0",
            "motion_axis_state{axis=\"x \\\"odd\\\"\\\\name\",state=\"Standstill\"} 1",
            "motion_axis_faults_total{axis=\"x \\\"odd\\\"\\\\name\",class=\"drive\"} 2",
            "motion_analog_value{direction=\"input\",name=\"pressure\",unit=\"bar\"} 8.5",
            "motion_path_buffer_seconds{group=\"gantry\"} 1.25",
            "motion_stream_behind_seconds{group=\"gantry\"} 0.25",
            "motion_stream_points_total{group=\"gantry\"} 17",
            "motion_stream_lateness_seconds_count{group=\"gantry\"} 3",
            "motion_commands_total{method=\"Axis.MoveAbsolute\",result=\"accepted\"} 4",
            "motion_queue_capacity{queue=\"commands\"} 256",
            "motion_start_time_seconds 1700000000.5",
        ] {
            assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line}\n{text}");
        }
    }

    #[test]
    fn promtool_finds_nothing() {
        let Ok(mut promtool) = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
        else {
            println!("skipped: promtool_finds_nothing: promtool (Debian package prometheus) is not installed");
            return;
        };
        promtool.stdin.take().unwrap().write_all(text(reading).as_bytes()).unwrap();
        let output = promtool.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
    }
}
