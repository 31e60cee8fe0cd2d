//! The machine's events as log lines, for whoever reads the journal afterwards. A service follows the gateway's event log by
//! its sequence numbers; the real-time thread knows nothing of it.

use crate::gateway::{
    BusNews, Client, ErrorCode, EventKind, LoggedEvent, MachineDescription, PathNews, Subject, WireState,
};
use crate::ids::Handle;
use crate::limits::{EVENTS_PER_REPLY, GATEWAY_POLL_NS};
use crate::log;
use crate::service::{Life, Place, Sabotage};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long nothing need happen before the service looks up, and how often it tells of lines that were left out.
const LOOK: Duration = Duration::from_millis(500);

/// How long the end of the daemon waits for its last events to be written, at most.
const CATCH_UP: Duration = Duration::from_millis(500);

/// Between two attempts to send what the journal did not take.
const CATCHING_UP: Duration = Duration::from_millis(10);

/// Waits until the events so far are written: at the end of the daemon, before its services are stopped.
pub fn catch_up(client: &Client, cursor: &AtomicU64) {
    let deadline = Instant::now() + CATCH_UP;
    // The gateway takes events from the cycle at least this often.
    std::thread::sleep(Duration::from_nanos(2 * GATEWAY_POLL_NS));
    while cursor.load(Ordering::Relaxed) < client.last_event() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The last words: tells of lines that were left out, and waits a moment for a journal that is behind.
pub fn close() {
    log::tell_of_left_out();
    let deadline = Instant::now() + CATCH_UP;
    while log::send_kept() && Instant::now() < deadline {
        std::thread::sleep(CATCHING_UP);
    }
}

/// Writes events until the service ends. `cursor` is the newest one that was written; it outlives the service.
pub async fn follow(life: &Life, client: &Client, cursor: &AtomicU64, sabotage: &Sabotage) {
    let mut notice = client.event_notice();
    while !life.stopping() {
        life.beat.tick();
        sabotage.pass(Place::Loop);
        let _dropped = sabotage.dropped();
        notice.borrow_and_update();
        let after = cursor.load(Ordering::Relaxed);
        match client.events(after, EVENTS_PER_REPLY).await {
            Ok(events) if !events.is_empty() => {
                write_all(client.description(), after, &events, cursor);
                continue;
            }
            Ok(_) => {}
            // The gateway is being restarted; its events stay.
            Err(_) => tokio::time::sleep(LOOK).await,
        }
        let pause = if log::send_kept() { CATCHING_UP } else { LOOK };
        tokio::select! {
            // It fails when the gateway's state is gone, and that is so at the daemon's end alone.
            Ok(()) = notice.changed() => {}
            () = tokio::time::sleep(pause) => log::tell_of_left_out(),
        }
    }
}

fn write_all(machine: &MachineDescription, after: u64, events: &[LoggedEvent], cursor: &AtomicU64) {
    let missing = events.first().map_or(0, |first| first.sequence.saturating_sub(after + 1));
    if missing > 0 {
        tracing::warn!(name: "events_lost", missing, "events gave way before they were logged");
    }
    for event in events {
        write(machine, event);
        // Written, should the next one bring this service down.
        cursor.store(event.sequence, Ordering::Relaxed);
    }
}

/// The names of what an event concerns, as the fields of its line.
#[derive(Default)]
struct Names<'a> {
    axis: Option<&'a str>,
    group: Option<&'a str>,
    bus: Option<&'a str>,
    input: Option<&'a str>,
}

impl<'a> Names<'a> {
    fn of(machine: &'a MachineDescription, subject: Subject) -> Names<'a> {
        let mut names = Names::default();
        match subject {
            Subject::Machine => {}
            Subject::Axis(axis) => names.axis = machine.axes.get(axis.index()).map(|axis| axis.name.as_str()),
            Subject::Group(group) => names.group = machine.groups.get(group.index()).map(|group| group.name.as_str()),
            Subject::Bus(bus) => names.bus = machine.buses.get(bus.index()).map(String::as_str),
            Subject::Input(input) => names.input = machine.inputs.get(usize::from(input)).map(String::as_str),
        }
        names
    }
}

/// A line of this level and name about a subject, with the event's place in the log and in time.
macro_rules! line {
    ($level:ident, $name:literal, $machine:ident, $logged:ident, $subject:expr, { $($fields:tt)* }, $($words:tt)*) => {{
        let Names { axis, group, bus, input } = Names::of($machine, $subject);
        let (event_seq, cycle) = ($logged.sequence, $logged.event.cycle);
        tracing::$level!(name: $name, axis, group, bus, input, $($fields)* event_seq, cycle, $($words)*);
    }};
}

fn write_path(
    machine: &MachineDescription,
    logged: &LoggedEvent,
    subject: Subject,
    (handle, news, path_line): (u64, PathNews, u32),
) {
    macro_rules! news {
        ($name:literal, $($words:tt)*) => {
            line!(info, $name, machine, logged, subject, { handle, path_line, }, $($words)*)
        };
    }
    match news {
        PathNews::Begun => news!("path_begun", "path begun"),
        PathNews::Starved => news!("path_starved", "path rests: no more of it is known"),
        PathNews::Supplied => news!("path_supplied", "path waits no more"),
        PathNews::Held => news!("path_held", "path held in line {path_line}"),
        PathNews::Resumed => news!("path_resumed", "path is held no more"),
        PathNews::Retreating => news!("path_retreating", "path goes back from line {path_line}"),
        PathNews::Retreated => news!("path_retreated", "path can go back no further than line {path_line}"),
        PathNews::Advancing => news!("path_advancing", "path goes forward again from line {path_line}"),
        PathNews::Slowed(singularity) => {
            let words = singularity.to_string();
            line!(warn, "path_slowed", machine, logged, subject, { handle, path_line, },
                "path is slow in line {path_line}: {words}");
        }
        PathNews::LineEnded => news!("path_line_ended", "path rests at the end of a line, before line {path_line}"),
        PathNews::Ended => news!("path_ended", "path ended"),
    }
}

fn write(machine: &MachineDescription, logged: &LoggedEvent) {
    match logged.event.kind {
        // The daemon says itself that it started.
        EventKind::Started { .. } => {}
        EventKind::FaultRaised { fault, subject, detail } => {
            let own = ErrorCode::of_fault(fault, detail).map_or_else(String::new, |code| format!(" ({code})"));
            line!(error, "fault_raised", machine, logged, subject,
                { fault = fault.name(), fault_code = fault.code(), detail, }, "{}{own}; {}", fault.cause(), fault.remedy());
        }
        EventKind::FaultCleared { fault, subject } => {
            line!(info, "fault_cleared", machine, logged, subject,
                { fault = fault.name(), fault_code = fault.code(), }, "fault reset");
        }
        EventKind::Stopped { subject, generation } => {
            line!(warn, "stopped", machine, logged, subject, { generation, }, "stopped, and locked until released");
        }
        EventKind::Released { subject, generation } => {
            line!(info, "released", machine, logged, subject, { generation, }, "stop released");
        }
        EventKind::Power { axis, on } => {
            let words = if on { "drive enabled" } else { "drive disabled" };
            line!(info, "power", machine, logged, Subject::Axis(axis), { on, }, "{words}");
        }
        EventKind::Referenced { axis, on } => {
            let words = if on { "axis has its reference" } else { "axis lost its reference" };
            line!(info, "referenced", machine, logged, Subject::Axis(axis), { on, }, "{words}");
        }
        EventKind::ParametersChanged { axis } => {
            let words = "parameters changed; motionctl params diff shows which differ";
            line!(info, "parameters_changed", machine, logged, Subject::Axis(axis), {}, "{words}");
        }
        EventKind::SoftLimitReached { axis } => {
            line!(warn, "soft_limit_reached", machine, logged, Subject::Axis(axis), {}, "at rest at a soft limit");
        }
        EventKind::Path { group, handle: Handle(handle), news, line } => {
            write_path(machine, logged, Subject::Group(group), (handle, news, line));
        }
        EventKind::Device { bus, device, back: false } => {
            let device = machine.device(bus, device);
            line!(warn, "device_lost", machine, logged, Subject::Bus(bus), { device, },
                "device dropped out of the exchange; it is brought back as soon as it answers");
        }
        EventKind::Device { bus, device, back: true } => {
            let device = machine.device(bus, device);
            line!(info, "device_returned", machine, logged, Subject::Bus(bus), { device, },
                "device is operational again; its axes stay disabled until they are reset and powered on");
        }
        EventKind::Bus { bus, news: BusNews::NotRestored { device, obstacle } } => {
            let device = machine.device(bus, device);
            line!(error, "device_not_restored", machine, logged, Subject::Bus(bus), { device, },
                "device is back and cannot be made operational: {obstacle}; it is tried again");
        }
        EventKind::Bus { bus, news: BusNews::Emergency { device, code, register } } => {
            let device = machine.device(bus, device);
            line!(warn, "device_emergency", machine, logged, Subject::Bus(bus), { device, code, register, },
                "emergency {}; error register {register:02X}h; see the manual of the device", ErrorCode(code));
        }
        EventKind::Bus { bus, news: BusNews::RingBroken { before, behind } } => {
            let gap = machine.ring_gap(bus, before, behind);
            line!(
                warn,
                "ring_broken",
                machine,
                logged,
                Subject::Bus(bus),
                {},
                "ring broken {gap}; all devices are still reached, a second break would stop some"
            );
        }
        EventKind::Bus { bus, news: BusNews::RingWhole } => {
            line!(info, "ring_whole", machine, logged, Subject::Bus(bus), {}, "ring is whole again");
        }
        EventKind::Bus { bus, news: BusNews::Wire(WireState::BusOff) } => {
            line!(
                error,
                "can_bus_off",
                machine,
                logged,
                Subject::Bus(bus),
                {},
                "controller is off the bus after too many errors; see to cable, termination, bit rate and node ids"
            );
        }
        EventKind::Bus { bus, news: BusNews::Wire(WireState::Warning | WireState::Passive) } => {
            line!(
                warn,
                "can_errors",
                machine,
                logged,
                Subject::Bus(bus),
                {},
                "many errors on the wire; see to cable and termination"
            );
        }
        EventKind::Bus { bus, news: BusNews::Wire(WireState::Active) } => {
            line!(info, "can_good", machine, logged, Subject::Bus(bus), {}, "few errors on the wire again");
        }
        EventKind::Bus { bus, news: BusNews::QueueFull } => {
            line!(
                warn,
                "can_queue_full",
                machine,
                logged,
                Subject::Bus(bus),
                {},
                "interface takes no more frames; a longer queue may help (ip link set INTERFACE txqueuelen 128)"
            );
        }
        EventKind::BusRecovered { bus } => {
            line!(info, "bus_recovered", machine, logged, Subject::Bus(bus), {}, "bus exchanges again");
        }
        EventKind::Overrun { skipped } => {
            line!(warn, "overrun", machine, logged, Subject::Machine, { skipped, }, "the cycle missed its period");
        }
    }
}
