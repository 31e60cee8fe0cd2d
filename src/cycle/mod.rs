//! The real-time cycle: it alone joins motion, drives and buses.
//!
//! [`Cycle::step`] is one cycle on one screen. Around it: `clock` and `schedule` (when a cycle starts), `thread` (who
//! runs it), `timing` (how well it kept time), `supervision`, `bus_watch` and `machine_inputs` (what must stop the
//! machine), `dispatch` and `figures` (commands), `outlet` (what it tells).
//!
//! Cost: every loop is bounded by the axes, groups, buses, inputs and outputs of the configuration and by
//! `limits::COMMANDS_PER_CYCLE`.

mod axis_slot;
mod body;
pub mod bus_watch;
pub mod clock;
mod discipline;
mod dispatch;
mod figures;
pub mod machine_analogs;
pub mod machine_inputs;
pub mod memory;
mod outlet;
pub mod panic_note;
mod path_watch;
pub mod preparation;
mod publish;
pub mod rights;
pub mod rt_watch;
pub mod run;
pub mod schedule;
pub mod supervision;
pub mod thread;
pub mod timing;

pub use crate::exchange::figures::AxisFigures;
pub use axis_slot::{AxisWiring, DriveLimitSwitches};

use crate::drive::{Demand, ParameterError};
use crate::exchange::CycleEnds;
use crate::exchange::command::StopScope;
use crate::exchange::event::{EventKind, Subject};
use crate::exchange::figures::FIGURES;
use crate::exchange::histogram::{Histogram, Recorder, histogram};
use crate::exchange::pool::SlotTaker;
use crate::exchange::ring::Receiver;
use crate::exchange::snapshot::SnapshotWriter;
use crate::exchange::stop::StopReader;
use crate::exchange::ticket::CommandReceiver;
use crate::fault::{Fault, FaultSet, Reaction, Scope, StopKind};
use crate::fieldbus::news::{BusNews, ErrorCode, NO_ERROR};
use crate::fieldbus::{CycleReport, CyclicBus};
use crate::geometry::Piece;
use crate::ids::{AxisId, BusId, GroupId, Handle};
use crate::limits::MAX_GROUP_AXES;
use crate::motion::{Axis, AxisInputs, AxisOutputs, AxisParameters, GroupParameters, Motion};
use crate::units::Setpoint;
use axis_slot::AxisSlot;
use body::{FallbackDrive, FallbackState};
use bus_watch::{BusChange, BusWatch, BusWatchParameters};
use discipline::Discipline;
use machine_analogs::{AnalogOutputParameters, AnalogPlace, MachineAnalogs};
use machine_inputs::{BitPlace, InputParameters, InputState, MachineInputs, OutputParameters};
use outlet::Outlet;
use path_watch::PathWatch;
use supervision::Finding;

/// One bus as it is handed to the cycle.
pub struct BusWiring {
    /// The bus, configured and ready to exchange.
    pub bus: Box<dyn CyclicBus>,
    /// Bytes from the master to the devices.
    pub output_bytes: usize,
    /// Bytes from the devices to the master.
    pub input_bytes: usize,
    /// When it counts as lost.
    pub watch: BusWatchParameters,
    /// For each device the emergencies that stop nothing, as [`ErrorCode::is_of`] has it; none where the list ends before it.
    pub tolerated_emergencies: Vec<Vec<u16>>,
}

/// A reaction to a fault that differs from the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReactionRule {
    /// The fault.
    pub fault: Fault,
    /// The axes that it holds for, one bit each.
    pub axes: u64,
    /// What happens.
    pub reaction: Reaction,
}

/// Everything a cycle is made of.
pub struct CycleParameters {
    /// Period, nanoseconds.
    pub period_ns: u64,
    /// Time after the start of a cycle until which inputs are waited for, nanoseconds.
    pub receive_deadline_ns: u64,
    /// Drives, in the order of the axes.
    pub axes: Vec<AxisWiring>,
    /// Axes of motion, in the same order.
    pub motion_axes: Vec<AxisParameters>,
    /// Groups.
    pub groups: Vec<GroupParameters>,
    /// Named inputs.
    pub inputs: Vec<InputParameters>,
    /// Named outputs.
    pub outputs: Vec<OutputParameters>,
    /// Named analogue inputs.
    pub analog_inputs: Vec<AnalogPlace>,
    /// Named analogue outputs.
    pub analog_outputs: Vec<AnalogOutputParameters>,
    /// Reactions that differ from [`Fault::reaction`]; the first that fits counts.
    pub reactions: Vec<ReactionRule>,
}

/// One bus in the cycle.
struct BusSlot {
    bus: Box<dyn CyclicBus>,
    outputs: Box<[u8]>,
    inputs: Box<[u8]>,
    watch: BusWatch,
    report: CycleReport,
    tolerated_emergencies: Box<[Vec<u16>]>,
    /// What the frames of a cycle took.
    round_trips: Recorder,
    /// One bit a device that drives axes and nothing else: its loss concerns those, that of any other the machine.
    drives: u64,
}

/// The machine, one period at a time.
pub struct Cycle {
    cycle: u64,
    cycle_start_ns: u64,
    receive_deadline_ns: u64,
    motion: Motion,
    paths: Box<[PathWatch]>,
    axes: Box<[AxisSlot]>,
    axis_inputs: Box<[AxisInputs]>,
    axis_outputs: Box<[AxisOutputs]>,
    buses: Box<[BusSlot]>,
    inputs: MachineInputs,
    input_state: InputState,
    analogs: MachineAnalogs,
    outputs_on: u64,
    machine_faults: FaultSet,
    machine_stopped: bool,
    reactions: Box<[ReactionRule]>,
    commands: CommandReceiver,
    targets: SlotTaker<MAX_GROUP_AXES>,
    figures: SlotTaker<FIGURES>,
    pieces: Box<[Receiver<Piece>]>,
    stops: StopReader,
    outlet: Outlet,
    snapshots: SnapshotWriter,
    skipped: u64,
    shutting_down: bool,
    /// Cycles in a row in which no drive was operational.
    off_cycles: u32,
    fallback: FallbackState,
    discipline: Discipline,
    shift_ns: i64,
    round_trips: Vec<Histogram>,
}

impl Cycle {
    /// Joins the parts. Allocates; `step` does not.
    ///
    /// # Errors
    /// Where a drive's parameters do not fit together.
    pub fn new(parameters: CycleParameters, buses: Vec<BusWiring>, ends: CycleEnds) -> Result<Cycle, ParameterError> {
        let period_s = parameters.period_ns as f64 * 1e-9;
        let (recorders, round_trips): (Vec<_>, _) = buses.iter().map(|_| histogram()).unzip();
        let mut buses: Box<[BusSlot]> = buses
            .into_iter()
            .zip(recorders)
            .map(|(wiring, round_trips)| BusSlot {
                bus: wiring.bus,
                outputs: vec![0; wiring.output_bytes].into(),
                inputs: vec![0; wiring.input_bytes].into(),
                watch: BusWatch::new(wiring.watch),
                tolerated_emergencies: wiring.tolerated_emergencies.into(),
                report: CycleReport::default(),
                round_trips,
                drives: 0,
            })
            .collect();
        for (bus, slot) in buses.iter_mut().enumerate() {
            slot.drives = drives_of(BusId(bus as u8), &parameters);
        }
        let drives =
            parameters.axes.iter().map(|wiring| FallbackDrive::new(wiring.bus, &wiring.drive.layout)).collect();
        let fallback = FallbackState::new(drives);
        let slot = |(index, wiring): (usize, AxisWiring)| {
            let delay_periods = buses[wiring.bus.index()].bus.feedback_delay_periods();
            AxisSlot::new(AxisId(index as u8), wiring, delay_periods, period_s)
        };
        let mut axes = parameters.axes.into_iter().enumerate().map(slot).collect::<Result<Box<[AxisSlot]>, _>>()?;
        // The first images must not be zeros: those would cut the voltage of a drive that is still in motion.
        for slot in &mut axes {
            let place = slot.drive.output_range();
            let outputs = &mut buses[slot.bus].outputs[place];
            slot.drive.prepare(outputs);
            slot.drive.encode(Demand::default(), &Setpoint::default(), outputs);
        }
        let CycleEnds { commands, targets, figures, pieces, stops, reports, events, snapshots } = ends;
        let mut cycle = Cycle {
            cycle: 0,
            cycle_start_ns: 0,
            receive_deadline_ns: parameters.receive_deadline_ns,
            axis_inputs: vec![AxisInputs::default(); axes.len()].into(),
            axis_outputs: vec![AxisOutputs::default(); axes.len()].into(),
            paths: parameters.groups.iter().map(|_| PathWatch::default()).collect(),
            motion: Motion::new(parameters.motion_axes, parameters.groups, period_s),
            axes,
            buses,
            inputs: MachineInputs::new(parameters.inputs, parameters.outputs),
            input_state: InputState::default(),
            analogs: MachineAnalogs::new(parameters.analog_inputs, parameters.analog_outputs),
            outputs_on: 0,
            machine_faults: FaultSet::default(),
            machine_stopped: false,
            reactions: parameters.reactions.into(),
            commands,
            targets,
            figures,
            pieces,
            stops,
            outlet: Outlet::new(reports, events),
            snapshots,
            skipped: 0,
            shutting_down: false,
            off_cycles: 0,
            fallback,
            discipline: Discipline::new(parameters.period_ns),
            shift_ns: 0,
            round_trips,
        };
        // Nor is 0 what every output may be.
        cycle.write_analogs();
        Ok(cycle)
    }

    /// What the frames of each bus took from sending to their return, readable at any time and from any thread.
    pub fn round_trips(&self) -> Vec<Histogram> {
        self.round_trips.clone()
    }

    /// One cycle that woke for the deadline `cycle_start_ns`; `skipped` whole periods were left out before it. The
    /// outputs of the former cycle go out first, so that their instant does not depend on how long computing takes.
    pub fn step(&mut self, cycle_start_ns: u64, skipped: u32) {
        self.exchange_images(cycle_start_ns);
        self.decide(skipped);
    }

    /// The first half: images go out and come in.
    fn exchange_images(&mut self, cycle_start_ns: u64) {
        self.cycle += 1;
        self.cycle_start_ns = cycle_start_ns;
        self.outlet.begin_cycle(self.cycle, cycle_start_ns);
        for slot in &mut self.buses {
            slot.bus.begin(&slot.outputs, cycle_start_ns);
        }
        let deadline_ns = cycle_start_ns + self.receive_deadline_ns;
        for slot in &mut self.buses {
            slot.report = slot.bus.finish(&mut slot.inputs, deadline_ns);
            if let Some(round_trip_ns) = slot.report.round_trip_ns {
                slot.round_trips.record(round_trip_ns);
            }
        }
        // The first bus with a clock of its own leads.
        let late_ns = self.buses.iter().find_map(|slot| slot.report.late_by_bus_clock_ns);
        self.shift_ns = self.discipline.shift_ns(late_ns);
    }

    /// How much later than a period after this cycle the next one shall start, to stay in step with the clock of a bus,
    /// nanoseconds.
    pub fn shift_ns(&self) -> i64 {
        self.shift_ns
    }

    /// The second half: from what came in to what goes out next.
    fn decide(&mut self, skipped: u32) {
        self.supervise(skipped);
        self.read_stops();
        self.take_commands();
        self.take_pieces();
        self.step_motion();
        self.encode_outputs();
        self.publish();
    }

    /// Raises a machine fault from outside the cycle's own checks (too many skipped periods, a lost service).
    fn raise(&mut self, fault: Fault, detail: f64) {
        self.machine_fault_raised(fault, self.reaction(fault, None), Subject::Machine, detail);
    }

    /// No drive that can be reached is operational.
    fn all_disabled(&self) -> bool {
        self.axes.iter().all(|slot| !slot.reached || !slot.drive.feedback().operational)
    }

    /// The end of the daemon: ramps every axis down, then takes the power away.
    fn shut_down(&mut self) {
        self.motion.stop_machine();
        self.machine_stopped = true;
        self.analogs.make_safe();
        for index in 0..self.axes.len() {
            // An axis that is off, or in a fault, needs no more than the stop.
            let _ = self.motion.power(Handle::NONE, AxisId(index as u8), false);
        }
    }

    /// Looks at what came in: the buses, the machine's inputs, each axis.
    fn supervise(&mut self, skipped: u32) {
        if skipped > 0 {
            self.skipped += u64::from(skipped);
            self.outlet.event(EventKind::Overrun { skipped });
        }
        self.watch_buses();
        self.watch_inputs();
        self.watch_axes();
    }

    fn watch_buses(&mut self) {
        for index in 0..self.buses.len() {
            let slot = &mut self.buses[index];
            let bus = BusId(index as u8);
            let change = slot.watch.look(&slot.report);
            if let Some(news) = slot.bus.take_news() {
                self.outlet.event(EventKind::Bus { bus, news });
                if let BusNews::Emergency { device, code, .. } = news {
                    self.emergency(bus, device, ErrorCode(code));
                }
            }
            let slot = &mut self.buses[index];
            if change == BusChange::default() {
                continue;
            }
            let (detail, drives) = (f64::from(slot.report.working_counter), slot.drives);
            if change.recovered {
                self.outlet.event(EventKind::BusRecovered { bus });
            }
            if change.dropped | change.returned != 0 {
                slot.bus.set_dropped(slot.watch.dropped());
                self.tell_devices(bus, change);
            }
            if let Some(fault) = change.down {
                self.machine_fault_raised(fault, self.reaction(fault, None), Subject::Bus(bus), detail);
            }
            if change.dropped & !drives != 0 {
                let fault = Fault::WorkingCounter;
                self.machine_fault_raised(fault, self.reaction(fault, None), Subject::Bus(bus), detail);
            }
        }
    }

    /// What a device says of itself stops its axes, or the machine where it drives none. Bounded by `MAX_AXES`.
    #[cold]
    fn emergency(&mut self, bus: BusId, device: u8, code: ErrorCode) {
        let tolerated = self.buses[bus.index()].tolerated_emergencies.get(usize::from(device));
        if code == NO_ERROR || tolerated.is_some_and(|codes| codes.iter().any(|of| code.is_of(*of))) {
            return;
        }
        let mut driven =
            self.axes.iter_mut().filter(|slot| slot.bus == bus.index() && slot.device == device).peekable();
        if driven.peek().is_some() {
            driven.for_each(|slot| slot.emergency = code);
        } else {
            let fault = Fault::TerminalEmergency;
            let reaction = self.reaction(fault, None);
            self.machine_fault_raised(fault, reaction, Subject::Bus(bus), f64::from(code.0));
        }
    }

    /// Bounded by `MAX_BUS_DEVICES`.
    fn tell_devices(&mut self, bus: BusId, change: BusChange) {
        let mut concerned = change.dropped | change.returned;
        while concerned != 0 {
            let device = concerned.trailing_zeros() as u8;
            concerned &= concerned - 1;
            let back = change.returned >> device & 1 != 0;
            self.outlet.event(EventKind::Device { bus, device, back });
        }
    }

    fn watch_inputs(&mut self) {
        let buses = &self.buses;
        self.analogs.read(|bus| &buses[bus.index()].inputs);
        let state = self.inputs.read(|bus, byte| buses[bus.index()].inputs[byte]);
        self.input_state = state;
        if !state.safe {
            self.raise(Fault::EmergencyStop, 0.0);
        }
        if !state.enabled && self.motion.axes().iter().any(|axis| axis.setpoint().velocity != 0.0) {
            self.raise(Fault::EnablingDevice, 0.0);
        }
        if let Some((input, fault, reaction)) = self.inputs.fault(state.active) {
            self.machine_fault_raised(fault, reaction, Subject::Input(input), 0.0);
        }
    }

    /// A machine fault is latched until it is reset; it is told, and stops what it must stop, once.
    fn machine_fault_raised(&mut self, fault: Fault, reaction: Reaction, subject: Subject, detail: f64) {
        if self.machine_faults.contains(fault) {
            return;
        }
        self.machine_faults.insert(fault);
        self.outlet.event(EventKind::FaultRaised { fault, subject, detail });
        self.motion.fault_all(fault, reaction);
    }

    /// What a fault does. Looked up only when a fault is raised; bounded by the rules of the configuration.
    fn reaction(&self, fault: Fault, axis: Option<AxisId>) -> Reaction {
        let concerns =
            |rule: &&ReactionRule| rule.fault == fault && axis.is_none_or(|axis| rule.axes >> axis.0 & 1 != 0);
        self.reactions.iter().find(concerns).map_or(fault.reaction(), |rule| rule.reaction)
    }

    /// Whether the cause of a machine fault is still there.
    fn machine_fault_present(&self, fault: Fault) -> bool {
        match fault {
            Fault::EmergencyStop => !self.input_state.safe,
            Fault::InputFault => self.inputs.fault(self.input_state.active).is_some(),
            Fault::BusLost => self.buses.iter().any(|slot| !slot.watch.up()),
            Fault::WorkingCounter => self.buses.iter().any(|slot| slot.watch.dropped() & !slot.drives != 0),
            _ => false,
        }
    }

    /// Decodes what each drive says and holds it against what it was told. Loops are bounded by `MAX_AXES`.
    #[inline(never)]
    fn watch_axes(&mut self) {
        let permitted = self.machine_faults.is_empty() && self.input_state.safe && self.input_state.enabled;
        let Cycle { axes, axis_inputs, buses, motion, input_state, outlet, .. } = self;
        let mut faulty = 0u64;
        for ((slot, inputs), seen) in axes.iter_mut().zip(axis_inputs).zip(motion.axes()) {
            let bus = &buses[slot.bus];
            slot.fresh = bus.report.fresh & slot.device_bit != 0;
            // Where its bytes end its map knows.
            let feedback = slot.drive.decode(&bus.inputs[slot.drive.input_range().start..], slot.fresh);
            slot.lost = bus.watch.dropped() & slot.device_bit != 0;
            slot.reached = bus.watch.up() & !slot.lost;
            let operational = feedback.operational && !slot.lost;
            if operational {
                slot.finding = slot.supervision.check(feedback, slot.fresh);
            } else {
                slot.supervision.rest_at(&feedback.held);
                slot.finding = Finding::default();
            }
            inputs.operational = operational;
            inputs.actual_velocity = feedback.velocity;
            inputs.following_error = slot.finding.following_error;
            inputs.permitted = permitted & slot.reached;
            // Motion starts from the held target; where it streams setpoints of its own it does not look at it.
            if !operational || !slot.was_operational {
                inputs.held = feedback.held;
            }
            inputs.positive_limit = input_state.positive_limits & slot.bit != 0;
            inputs.negative_limit = input_state.negative_limits & slot.bit != 0;
            if let Some(bits) = slot.limit_switches {
                inputs.positive_limit |= slot.limit_in_drive(bits.positive_bit);
                inputs.negative_limit |= slot.limit_in_drive(bits.negative_bit);
            }
            if operational != slot.was_operational {
                slot.was_operational = operational;
                outlet.event(EventKind::Power { axis: slot.id, on: operational });
            }
            if seen.referenced() != slot.was_referenced {
                slot.was_referenced = seen.referenced();
                outlet.event(EventKind::Referenced { axis: slot.id, on: seen.referenced() });
            }
            if slot.fault().is_some() {
                faulty |= slot.bit;
            }
        }
        while faulty != 0 {
            let index = faulty.trailing_zeros() as usize;
            faulty &= faulty - 1;
            if let Some((fault, detail)) = self.axes[index].fault() {
                self.axis_fault_raised(AxisId(index as u8), fault, detail);
            }
        }
    }

    /// An axis that already has a fault keeps the first one: what follows from it is not its cause. But where it still
    /// ramps, or holds, under our setpoints, a later fault can stop it harder.
    fn axis_fault_raised(&mut self, axis: AxisId, fault: Fault, detail: f64) {
        let reaction = self.reaction(fault, Some(axis));
        let slot = &mut self.axes[axis.index()];
        if self.motion.axes()[axis.index()].fault().is_none() {
            slot.fault_detail = detail;
        } else if reaction.stop == StopKind::Ramp || !slot.drive.feedback().operational {
            return;
        }
        self.motion.fault(axis, fault, reaction);
        if reaction.scope == Scope::All {
            self.motion.fault_all(fault, reaction);
        }
    }

    fn read_stops(&mut self) {
        let Cycle { motion, outlet, machine_stopped, stops, .. } = self;
        stops.poll(|scope, generation| {
            let subject = match scope {
                StopScope::Axis(axis) => {
                    motion.stop_axis(axis);
                    Subject::Axis(axis)
                }
                StopScope::Group(group) => {
                    motion.stop_group(group);
                    Subject::Group(group)
                }
                StopScope::Machine => {
                    motion.stop_machine();
                    *machine_stopped = true;
                    Subject::Machine
                }
            };
            outlet.event(EventKind::Stopped { subject, generation });
        });
    }

    fn step_motion(&mut self) {
        self.motion.step(self.cycle_start_ns, &self.axis_inputs, &mut self.axis_outputs, &mut self.outlet);
        for (index, (watch, group)) in self.paths.iter_mut().zip(self.motion.groups()).enumerate() {
            watch.look(GroupId(index as u8), group, &mut self.outlet);
        }
    }

    /// Tells each drive what motion wants of it, and everybody what became of its axis.
    #[inline(never)]
    fn encode_outputs(&mut self) {
        let axes = self.axes.iter_mut().zip(&self.axis_outputs).zip(self.motion.axes());
        for ((slot, wish), axis) in axes {
            if axis.fault().is_some() || slot.told_fault.is_some() {
                tell_fault(slot, axis, &mut self.outlet);
            }
            let demand = Demand { power: wish.power, quick_stop: wish.quick_stop, reset: wish.reset };
            if wish.reset {
                slot.supervision.clear();
                slot.emergency = NO_ERROR;
            }
            let begin = slot.drive.output_range().start;
            slot.drive.encode(demand, &wish.setpoint, &mut self.buses[slot.bus].outputs[begin..]);
            slot.supervision.record(&wish.setpoint);
        }
        let buses = &mut self.buses;
        self.outputs_on = self.inputs.write(!self.machine_faults.is_empty(), |bus, byte, bit, on| {
            let byte = &mut buses[bus.index()].outputs[byte];
            *byte = *byte & !(1 << bit) | u8::from(on) << bit;
        });
        self.write_analogs();
    }

    fn write_analogs(&mut self) {
        let buses = &mut self.buses;
        self.analogs.write(!self.machine_faults.is_empty(), |bus, byte, own| {
            let slot = buses.get_mut(bus.index());
            if let Some(place) = slot.and_then(|slot| slot.outputs.get_mut(byte..byte + own.len())) {
                place.copy_from_slice(own);
            }
        });
    }
}

/// Tells that an axis has got or lost a fault, whoever raised it: the cycle, a group, or motion itself (limit switches,
/// soft limits). A fault of the machine was told as such and is not repeated for each axis.
#[cold]
fn tell_fault(slot: &mut AxisSlot, axis: &Axis, outlet: &mut Outlet) {
    let fault = axis.fault();
    if fault == slot.told_fault {
        return;
    }
    let subject = Subject::Axis(slot.id);
    let before = std::mem::replace(&mut slot.told_fault, fault);
    let detail = std::mem::take(&mut slot.fault_detail);
    if let Some(fault) = before.filter(|fault| !fault.of_machine()) {
        outlet.event(EventKind::FaultCleared { fault, subject });
    }
    if let Some(fault) = fault.filter(|fault| !fault.of_machine()) {
        outlet.event(EventKind::FaultRaised { fault, subject, detail });
    }
}

/// The devices of a bus, one bit each, that drive axes and carry none of the machine's inputs and outputs.
fn drives_of(bus: BusId, parameters: &CycleParameters) -> u64 {
    let CycleParameters { axes, inputs, outputs, .. } = parameters;
    let mut drives = 0;
    for axis in axes.iter().filter(|axis| axis.bus == bus) {
        let layout = &axis.drive.layout;
        let holds = |first: usize, bytes: usize, place: BitPlace| {
            place.bus == bus && (first..first + bytes).contains(&place.byte)
        };
        let input = inputs.iter().any(|input| holds(layout.input_offset, layout.input_bytes(), input.place));
        let output = outputs.iter().any(|output| holds(layout.output_offset, layout.output_bytes(), output.place));
        if !input && !output {
            drives |= 1 << axis.device;
        }
    }
    drives
}
