//! What the machine does when something fails, on virtual time: each fault is met in motion, seen, and left by command.

mod support;

use motiond::config;
use motiond::cycle::clock::VirtualClock;
use motiond::cycle::run::Outcome;
use motiond::cycle::thread::{ThreadPlan, spawn};
use motiond::cycle::timing::timing;
use motiond::cycle::{BusWiring, Cycle};
use motiond::exchange::command::{Request, StopScope};
use motiond::exchange::event::{EventKind, Subject, Verdict};
use motiond::exchange::open;
use motiond::exchange::snapshot::Shape;
use motiond::fault::Fault;
use motiond::fieldbus::mapping::place;
use motiond::fieldbus::sim::SimulatedBus;
use motiond::fieldbus::{CycleReport, CyclicBus};
use motiond::ids::{AxisId, BusId, GroupId, Handle};
use motiond::motion::{AxisState, BufferMode, Direction, Dynamics, GroupShape, MoveKind, Progress, Reason};
use motiond::simulation::{SimulatedFault, SimulatedFaultKind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use support::rig::Rig;

const X: AxisId = AxisId(0);
const BELT: AxisId = AxisId(5);
const GANTRY: GroupId = GroupId(0);
/// The terminal of the demo machine, and the bit of its enabling device.
const TERMINAL: u8 = 6;
const ENABLING_DEVICE: u8 = 1;

fn rig() -> Rig {
    Rig::new(config::demo().expect("the demo machine is sound"))
}

fn velocity(axis: AxisId, velocity: f64) -> Request {
    Request::Velocity { axis, velocity, dynamics: Dynamics::default() }
}

fn move_by(axis: AxisId, distance: f64) -> Request {
    Request::Move {
        axis,
        kind: MoveKind::Relative,
        target: distance,
        dynamics: Dynamics::default(),
        buffer: BufferMode::Aborting,
        direction: Direction::Shortest,
    }
}

fn refusal(rig: &Rig, handle: Handle) -> Option<Reason> {
    match rig.end_of(handle) {
        Some(Verdict::Rejected(rejection)) => Some(rejection.reason),
        _ => None,
    }
}

fn raised(rig: &Rig, fault: Fault, subject: Subject) -> usize {
    let same = |kind: &EventKind| matches!(kind, EventKind::FaultRaised { fault: f, subject: s, .. } if *f == fault && *s == subject);
    rig.events.iter().filter(|event| same(&event.kind)).count()
}

fn at_rest(rig: &Rig) -> bool {
    rig.snapshot.axes.iter().all(|axis| axis.velocity == 0.0)
}

/// Resets the machine and every axis, as somebody does who has removed the cause, and powers on.
fn reset_all(rig: &mut Rig) {
    let machine = rig.send(Request::ResetMachine);
    rig.run(2);
    assert!(rig.is_done(machine), "{:?}", rig.end_of(machine));
    let faulty = |rig: &Rig, axis: u8| rig.snapshot.axes[usize::from(axis)].state == AxisState::ErrorStop;
    let axes: Vec<u8> = (0..rig.config.axes.len() as u8).filter(|axis| faulty(rig, *axis)).collect();
    let resets: Vec<Handle> = axes.iter().map(|axis| rig.send(Request::Reset { axis: AxisId(*axis) })).collect();
    rig.run_until(3000, "every axis is reset", |rig| resets.iter().all(|reset| rig.is_done(*reset)));
    rig.power_all();
}

#[test]
fn a_lost_bus_stops_the_machine_and_moves_nothing_by_coming_back() {
    let mut rig = rig();
    rig.power_all();
    let belt = rig.send(velocity(BELT, 200.0));
    rig.run_until(2000, "the belt runs", |rig| rig.snapshot.axes[5].velocity == 200.0);
    let lost = SimulatedFault { kind: SimulatedFaultKind::LostFrame, device: 0, exchanges: u32::MAX };
    rig.simulations[0].inject(lost).unwrap();
    rig.run_until(20, "the bus counts as lost", |rig| rig.snapshot.machine.fault == Fault::BusLost.code());
    assert_eq!(rig.end_of(belt), Some(Verdict::Progress(Progress::Failed(Fault::BusLost))));
    rig.run(3000);
    assert!(rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop));
    assert_eq!(raised(&rig, Fault::BusLost, Subject::Bus(BusId(0))), 1, "told once");

    // The cable is back; the simulated devices are brought back by command only.
    rig.simulations[0].clear_faults().unwrap();
    rig.run(2000);
    assert!(rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop), "nothing comes back by itself");
    let early = rig.send(Request::ResetMachine);
    rig.run(2);
    assert_eq!(refusal(&rig, early), Some(Reason::FaultPresent));
    let recovery = rig.send(Request::RecoverBus { bus: BusId(0) });
    let count =
        |rig: &Rig, wanted: fn(&EventKind) -> bool| rig.events.iter().filter(|event| wanted(&event.kind)).count();
    let lost = |kind: &EventKind| matches!(kind, EventKind::Device { back: false, .. });
    let back = |kind: &EventKind| matches!(kind, EventKind::Device { back: true, .. });
    let devices = count(&rig, lost);
    assert!(devices > 1 && count(&rig, back) == 0, "{:?}", rig.events);
    rig.run_until(5000, "every device is back", |rig| count(rig, back) == devices);
    assert_eq!(count(&rig, |kind| matches!(kind, EventKind::BusRecovered { .. })), 1);
    assert!(rig.is_done(recovery));
    assert!(rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop), "a bus alone moves nothing");
    reset_all(&mut rig);
    let again = rig.send(velocity(BELT, 200.0));
    rig.run_until(2000, "the belt runs again", |rig| rig.snapshot.axes[5].velocity == 200.0);
    assert!(rig.end_of(again).is_none());
}

#[test]
fn an_axis_can_be_reset_in_the_same_cycle_as_the_machine_and_in_the_next() {
    for cycles_between in [0, 1, 2] {
        an_axis_can_be_reset_after_the_machine(cycles_between);
    }
}

fn an_axis_can_be_reset_after_the_machine(cycles_between: u64) {
    let mut rig = rig();
    rig.power_all();
    let lost = SimulatedFault { kind: SimulatedFaultKind::LostFrame, device: 0, exchanges: 5 };
    rig.simulations[0].inject(lost).unwrap();
    rig.run_until(20, "the bus counts as lost", |rig| rig.snapshot.machine.fault == Fault::BusLost.code());
    rig.run_until(3000, "at rest", at_rest);
    rig.run(100);
    let machine = rig.send(Request::ResetMachine);
    rig.run(cycles_between);
    let axis = rig.send(Request::Reset { axis: BELT });
    rig.run(2);
    assert!(rig.is_done(machine) && rig.is_done(axis), "{cycles_between}: {:?}", rig.verdicts);
}

#[test]
fn a_device_that_drops_out_stops_every_axis_within_its_limits() {
    let mut rig = rig();
    rig.power_all();
    rig.send(velocity(BELT, 200.0));
    let enabled = rig.send(Request::GroupEnable { group: GANTRY });
    rig.run_until(10, "the group is enabled", |rig| rig.is_done(enabled));
    let way = [200.0, 100.0, -20.0];
    let handle = rig.send_group_move(GANTRY, GroupShape::Linear, &way, true, Dynamics::default(), BufferMode::Aborting);
    rig.run_until(1000, "moving", |rig| rig.snapshot.groups[0].path_velocity > 50.0);
    let dropped = SimulatedFault { kind: SimulatedFaultKind::WrongWorkingCounter, device: TERMINAL, exchanges: 50 };
    rig.simulations[0].inject(dropped).unwrap();
    let fault = Fault::WorkingCounter;
    rig.run_until(20, "the fault is seen", |rig| rig.snapshot.machine.fault == fault.code());
    assert_eq!(rig.end_of(handle), Some(Verdict::Progress(Progress::Failed(fault))));
    // Drives that are still reached are ramped down by the cycle; the rig judges every setpoint on the way.
    rig.run_until(3000, "at rest", at_rest);
    assert!(rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop));
}

#[test]
fn letting_the_enabling_device_go_stops_motion_and_permits_none() {
    let mut rig = rig();
    rig.power_all();
    rig.simulations[0].set_input(TERMINAL, ENABLING_DEVICE, false).unwrap();
    rig.run(5);
    assert_eq!(rig.snapshot.machine.fault, 0, "let go at rest, it is no fault");
    let refused = rig.send(velocity(BELT, 200.0));
    rig.run(2);
    assert_eq!(refusal(&rig, refused), Some(Reason::NotPermitted));
    rig.simulations[0].set_input(TERMINAL, ENABLING_DEVICE, true).unwrap();
    rig.run(5);
    let belt = rig.send(velocity(BELT, 200.0));
    rig.run_until(2000, "the belt runs", |rig| rig.snapshot.axes[5].velocity == 200.0);

    rig.simulations[0].set_input(TERMINAL, ENABLING_DEVICE, false).unwrap();
    let fault = Fault::EnablingDevice;
    rig.run_until(10, "the fault is seen", |rig| rig.snapshot.machine.fault == fault.code());
    assert_eq!(rig.end_of(belt), Some(Verdict::Progress(Progress::Failed(fault))));
    rig.run_until(3000, "at rest", at_rest);
    rig.simulations[0].set_input(TERMINAL, ENABLING_DEVICE, true).unwrap();
    rig.run(100);
    assert!(rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::ErrorStop && axis.velocity == 0.0));
    assert_eq!(raised(&rig, fault, Subject::Machine), 1);
    reset_all(&mut rig);
}

#[test]
fn from_a_limit_switch_an_axis_moves_only_away() {
    let mut config = config::demo().expect("the demo machine is sound");
    // Without soft limits an axis can reach its switches; the one of x is at 1205 mm.
    config.axes[0].motion.soft_limits = None;
    let mut rig = Rig::new(config);
    rig.power_all();
    let onto = rig.send(velocity(X, 100.0));
    let state = |rig: &Rig| rig.snapshot.axes[0].state;
    rig.run_until(20_000, "x has met its switch", |rig| state(rig) == AxisState::ErrorStop);
    let fault = Fault::PositiveLimitSwitch;
    assert_eq!(rig.end_of(onto), Some(Verdict::Progress(Progress::Failed(fault))));
    rig.run_until(2000, "at rest", at_rest);
    let place = rig.snapshot.axes[0].actual;
    assert!(place > 1204.0 && place < 1210.0, "{place} mm");
    assert_eq!(raised(&rig, fault, Subject::Axis(X)), 1);
    let reset = rig.send(Request::Reset { axis: X });
    rig.run_until(3000, "reset", |rig| rig.is_done(reset));
    rig.power_all();
    for request in [velocity(X, 10.0), move_by(X, 1.0)] {
        let refused = rig.send(request);
        rig.run(2);
        assert_eq!(refusal(&rig, refused), Some(Reason::LimitSwitch), "{request:?}");
    }
    let away = rig.send(move_by(X, -50.0));
    rig.run_until(5000, "the move is over", |rig| rig.end_of(away).is_some());
    assert!(rig.is_done(away), "{:?} {:?}", rig.end_of(away), rig.events.last());
    let back = rig.send(move_by(X, 10.0));
    rig.run_until(5000, "the move is over", |rig| rig.end_of(back).is_some());
    assert!(rig.is_done(back), "off the switch both directions are free: {:?}", rig.end_of(back));
}

#[test]
fn endless_motion_ends_at_the_soft_limit_and_says_so() {
    let mut rig = rig();
    rig.power_all();
    let endless = rig.send(velocity(X, -50.0));
    rig.run_until(20_000, "the motion has ended", |rig| rig.end_of(endless).is_some());
    rig.run_until(100, "at rest", at_rest);
    assert_eq!(rig.end_of(endless), Some(Verdict::Progress(Progress::Aborted)));
    let axis = rig.snapshot.axes[0];
    assert!((axis.setpoint - 0.0).abs() < 1e-6 && axis.state == AxisState::Standstill, "{axis:?}");
    let told = |kind: &EventKind| *kind == EventKind::SoftLimitReached { axis: X };
    assert_eq!(rig.events.iter().filter(|event| told(&event.kind)).count(), 1);
}

#[test]
fn a_machine_stop_during_a_fault_is_not_refused_and_outlives_the_reset() {
    let mut rig = rig();
    rig.power_all();
    rig.send(velocity(BELT, 200.0));
    rig.run_until(2000, "the belt runs", |rig| rig.snapshot.axes[5].velocity == 200.0);
    let fault = SimulatedFault { kind: SimulatedFaultKind::DriveFault { code: 0x2310 }, device: 5, exchanges: 5 };
    rig.simulations[0].inject(fault).unwrap();
    rig.run_until(20, "the fault is seen", |rig| rig.snapshot.axes[5].state == AxisState::ErrorStop);
    let generation = rig.stop(StopScope::Machine);
    rig.run(2);
    assert!(rig.snapshot.machine.stopped);
    rig.run(500);
    let reset = rig.send(Request::Reset { axis: BELT });
    rig.run_until(3000, "reset", |rig| rig.end_of(reset).is_some());
    let refused = rig.send(move_by(X, 1.0));
    rig.run(2);
    assert_eq!(refusal(&rig, refused), Some(Reason::Stopped));
    let released = rig.send(Request::Release { scope: StopScope::Machine, generation });
    rig.run(3);
    assert!(rig.is_done(released) && !rig.snapshot.machine.stopped);
}

/// The simulated bus, with a panic where the cycle takes its inputs, and what the drives were told after it.
struct PlantedBus {
    bus: SimulatedBus,
    /// The exchange in which it panics, 0 for none.
    panic_at: Arc<AtomicU64>,
    exchanges: u64,
    sent: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl CyclicBus for PlantedBus {
    fn begin(&mut self, outputs: &[u8], cycle_start_ns: u64) {
        self.exchanges += 1;
        self.sent.lock().unwrap().push(outputs.to_vec());
        self.bus.begin(outputs, cycle_start_ns);
    }

    fn finish(&mut self, inputs: &mut [u8], deadline_ns: u64) -> CycleReport {
        assert_ne!(self.exchanges, self.panic_at.load(Ordering::Relaxed), "planted in the exchange");
        self.bus.finish(inputs, deadline_ns)
    }

    fn request_recovery(&mut self) {
        self.bus.request_recovery();
    }

    fn feedback_delay_periods(&self) -> f64 {
        self.bus.feedback_delay_periods()
    }
}

#[test]
fn a_panic_in_the_cycle_stops_every_drive_by_its_own_ramp_and_ends_the_process() {
    static ABORTS: AtomicU32 = AtomicU32::new(0);
    let config = config::demo().expect("the demo machine is sound");
    let (panic_at, sent) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(Vec::new())));
    let bus = &config.buses[0];
    let simulated = SimulatedBus::new(&bus.simulation).expect("the bus can be simulated");
    let simulation = simulated.control();
    let planted = PlantedBus { bus: simulated, panic_at: Arc::clone(&panic_at), exchanges: 0, sent: Arc::clone(&sent) };
    let wiring = BusWiring {
        bus: Box::new(planted),
        output_bytes: bus.output_bytes,
        input_bytes: bus.input_bytes,
        tolerated_emergencies: Vec::new(),
        watch: bus.watch,
    };
    let (cycle_ends, ends) = open(Shape { axes: config.axes.len(), groups: config.groups.len(), buses: 1, analogs: 0 });
    let cycle = Cycle::new(config.cycle_parameters(), vec![wiring], cycle_ends).expect("the cycle can be built");
    let mut rig = Rig::of(config, cycle, ends, vec![simulation]);
    rig.power_all();
    rig.send(move_by(X, 400.0));
    rig.send(velocity(BELT, 200.0));
    rig.run_until(2000, "at speed", |rig| rig.snapshot.axes[0].velocity > 200.0);
    sent.lock().unwrap().clear();

    // From here on the real-time thread's own code runs it: five more cycles, then the panic.
    panic_at.store(rig.cycles + 6, Ordering::Relaxed);
    let Rig { config, cycle, simulations, now_ns, .. } = rig;
    let plan = ThreadPlan {
        hold_cpu_latency: false,
        abort: || {
            ABORTS.fetch_add(1, Ordering::Relaxed);
        },
        ..ThreadPlan::with_period(config.period_ns)
    };
    let bound = plan.fallback_cycles as usize;
    let thread = spawn(plan, Default::default(), VirtualClock::new(now_ns), cycle, timing().0).expect("it runs");
    let status = thread.status();
    let (outcome, _cycle) = thread.join();
    assert_eq!(outcome, Outcome::Panicked);
    assert_eq!(ABORTS.load(Ordering::Relaxed), 1);
    assert!(status.panic_note().is_some_and(|note| note.contains("planted in the exchange")));
    for axis in 0..6 {
        let plant = simulations[0].plant(axis).unwrap();
        assert!(plant.velocity_turns_s.abs() < 0.02, "axis {axis} still turns: {plant:?}");
    }
    // Six images of the cycle, the last of them in the exchange that panicked; then quick stop, never voltage off.
    let sent = sent.lock().unwrap();
    assert!(sent.len() > 6 && sent.len() <= 6 + bound, "{} images", sent.len());
    for (number, image) in sent.iter().enumerate() {
        for axis in &config.axes {
            let layout = &axis.wiring.drive.layout;
            let at = layout.output_offset + place(&layout.outputs, 0x6040, 0).unwrap().0;
            let word = u16::from_le_bytes([image[at], image[at + 1]]);
            let quick_stop = number >= 6;
            assert_eq!(word & 0b110 == 0b010, quick_stop, "{}: image {number}: controlword {word:04x}", axis.name);
        }
    }
}
