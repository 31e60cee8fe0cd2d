//! A machine that outlives its daemons: the production cycle and schedule on virtual time, over one simulated bus.

use crate::book::{Book, End};
use crate::judge::{Judge, Seen};
use crate::table::Cell;
use crate::wire::{Line, Wire};
use motiond::config::{self, MachineConfig};
use motiond::cycle::clock::{Clock, VirtualClock};
use motiond::cycle::run::{CycleBody, Fallback};
use motiond::cycle::schedule::{Schedule, SchedulePlan, Wake};
use motiond::cycle::{BusWiring, Cycle};
use motiond::exchange::command::{Command, Request, StopScope};
use motiond::exchange::event::{Event, Report, Verdict};
use motiond::exchange::figures::AxisFigures;
use motiond::exchange::snapshot::{Shape, Snapshot};
use motiond::exchange::{GatewayEnds, open};
use motiond::fieldbus::CyclicBus;
use motiond::fieldbus::sim::SimulatedBus;
use motiond::ids::{AxisId, Handle};
use motiond::limits::RT_FALLBACK_S;
use motiond::simulation::control::SimulationControl;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Cycles in which an orderly end must be over.
const SHUTDOWN_CYCLES: u32 = 20_000;

/// The machine of the campaign, checked.
pub fn configuration() -> Arc<MachineConfig> {
    let machine = config::parse(include_str!("machine.toml"), "tests/campaign/machine.toml");
    Arc::new(machine.unwrap_or_else(|error| panic!("{error}")))
}

/// One life of the daemon.
struct Life {
    cycle: Cycle,
    ends: GatewayEnds,
    schedule: Schedule,
    judge: Judge,
    cycles: u64,
}

pub type Tamper = fn(&mut Vec<Report>, &mut Snapshot);

/// How a daemon ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Without a word.
    Killed,
    /// As SIGTERM asks for.
    Orderly,
    /// After a panic of the real-time thread: its fallback, then the end.
    Panicked,
}

/// What one cycle told.
#[derive(Debug, Default)]
pub struct Told {
    pub ends: Vec<(Cell, End)>,
    pub events: Vec<Event>,
}

pub struct Machine {
    pub config: Arc<MachineConfig>,
    pub simulation: SimulationControl,
    pub snapshot: Snapshot,
    pub cycles: u64,
    /// FNV-1a over every state that was published and every verdict and event: the same for the same run only.
    pub fingerprint: u64,
    pub book: Book<Cell>,
    pub cut_off: usize,
    /// Makes what the cycle tells wrong, to see whether that is found.
    pub tamper: Option<Tamper>,
    line: Arc<Mutex<Line>>,
    clock: VirtualClock,
    life: Life,
    next_handle: u64,
    /// Figures on their way in, by handle; those without one yet.
    wanted: BTreeMap<u64, (AxisId, AxisFigures)>,
    claimed: Option<AxisFigures>,
}

impl Life {
    fn begin(config: &Arc<MachineConfig>, line: &Arc<Mutex<Line>>, now_ns: u64) -> Life {
        let bus = &config.buses[0];
        let wiring = BusWiring {
            bus: Box::new(Wire(Arc::clone(line))),
            output_bytes: bus.output_bytes,
            input_bytes: bus.input_bytes,
            tolerated_emergencies: Vec::new(),
            watch: bus.watch,
        };
        let shape =
            Shape { axes: config.axes.len(), groups: config.groups.len(), buses: config.buses.len(), analogs: 0 };
        let (cycle_ends, ends) = open(shape);
        let cycle = Cycle::new(config.cycle_parameters(), vec![wiring], cycle_ends).expect("the drives fit");
        let plan = SchedulePlan {
            max_skips: config.realtime.max_skipped_periods,
            ..SchedulePlan::with_period(config.period_ns)
        };
        Life { cycle, ends, schedule: Schedule::new(plan, now_ns), judge: Judge::new(Arc::clone(config)), cycles: 0 }
    }
}

impl Machine {
    pub fn new(config: &Arc<MachineConfig>) -> Machine {
        let bus = SimulatedBus::new(&config.buses[0].simulation).expect("the bus can be simulated");
        let simulation = bus.control();
        let line = Arc::new(Mutex::new(Line::new(config, bus)));
        let clock = VirtualClock::new(1_000_000_000);
        let life = Life::begin(config, &line, clock.now_ns());
        Machine {
            config: Arc::clone(config),
            simulation,
            snapshot: Snapshot::default(),
            cycles: 0,
            fingerprint: 0xcbf2_9ce4_8422_2325,
            book: Book::new(),
            cut_off: 0,
            tamper: None,
            line,
            clock,
            life,
            next_handle: 1,
            wanted: BTreeMap::new(),
            claimed: None,
        }
    }

    /// One cycle; the thread wakes `late_periods` after its deadline.
    pub fn step(&mut self, late_periods: u32) -> Result<Told, String> {
        self.step_with(late_periods, false).map(|(told, _)| told)
    }

    fn step_with(&mut self, late_periods: u32, shutdown: bool) -> Result<(Told, bool), String> {
        let late_ns = u64::from(late_periods) * self.config.period_ns;
        let schedule = &mut self.life.schedule;
        self.clock.sleep_until(schedule.deadline_ns() + late_ns);
        let wake = loop {
            match schedule.wake(self.clock.now_ns()) {
                Some(wake) => break Wake { shutdown, ..wake },
                None => self.clock.sleep_until(schedule.deadline_ns()),
            }
        };
        let stepped = CycleBody::step(&mut self.life.cycle, &wake, &self.clock);
        schedule.end(self.clock.now_ns(), stepped.bus_late_ns);
        self.cycles += 1;
        self.life.cycles += 1;
        let told = self.listen()?;
        Ok((told, stepped.leave))
    }

    /// Takes what the cycle told, and judges it.
    fn listen(&mut self) -> Result<Told, String> {
        let mut told = Told::default();
        let mut seen = Seen::default();
        let mut reports: Vec<Report> = std::iter::from_fn(|| self.life.ends.reports.receive()).collect();
        let mut snapshot = self.life.ends.snapshots.read().ok_or("no snapshot")?.1;
        if let Some(tamper) = &self.tamper {
            tamper(&mut reports, &mut snapshot);
        }
        for report in reports {
            let (cell, end) = self.book.told(report.handle, report.verdict)?;
            if let (Some((axis, figures)), Verdict::Accepted) = (self.wanted.remove(&report.handle.0), report.verdict) {
                self.life.judge.changed(axis, figures.motion);
            }
            seen.commands += usize::from(report.cycle == self.life.cycles);
            if let (Some(axis), Some(End::Done)) = (cell.renames, end) {
                seen.renamed |= 1 << axis.0;
            }
            self.note(&[report.handle.0, end.map_or(9, |end| end as u64)]);
            told.ends.extend(end.map(|end| (cell, end)));
        }
        self.book.answered()?;
        while let Some(event) = self.life.ends.events.receive() {
            let text = format!("{event:?}");
            text.bytes().for_each(|byte| self.note(&[u64::from(byte)]));
            told.events.push(event);
        }
        self.snapshot = snapshot;
        self.note_snapshot();
        self.life.judge.look(&self.snapshot, seen)?;
        match self.line().problem() {
            Some(problem) => Err(problem),
            None => Ok(told),
        }
    }

    fn note(&mut self, words: &[u64]) {
        for word in words {
            self.fingerprint = (self.fingerprint ^ word).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn note_snapshot(&mut self) {
        let snapshot = std::mem::take(&mut self.snapshot);
        self.note(&snapshot.machine.to_words());
        snapshot.axes.iter().for_each(|axis| self.note(&axis.to_words()));
        snapshot.groups.iter().for_each(|group| self.note(&group.to_words()));
        self.snapshot = snapshot;
    }

    pub fn line(&self) -> std::sync::MutexGuard<'_, Line> {
        self.line.lock().expect("nobody panics with the line")
    }

    pub fn send(&mut self, request: Request, cell: Cell) {
        if let Request::Power { axis, on: true } = request {
            self.line().asked(axis.index());
        }
        let handle = Handle(self.next_handle);
        self.next_handle += 1;
        if let (Request::SetFigures { axis, .. }, Some(figures)) = (request, self.claimed.take()) {
            self.wanted.insert(handle.0, (axis, figures));
        }
        self.life.ends.commands.send(Command { handle, request }).expect("the ring has a place");
        self.book.sent(handle, cell);
    }

    /// Puts the targets of a group move into a slot.
    pub fn claim(&mut self, targets: &[f64]) -> (u32, u32) {
        let slot = self.life.ends.targets.claim(targets).expect("a slot is free");
        (slot.index, slot.generation)
    }

    /// Puts figures into a slot of theirs.
    pub fn claim_figures(&mut self, figures: AxisFigures) -> (u32, u32) {
        let slot = self.life.ends.figures.claim(&figures.to_values()).expect("a slot is free");
        self.claimed = Some(figures);
        (slot.index, slot.generation)
    }

    pub fn stop(&mut self, scope: StopScope) {
        self.life.ends.stops.request(scope);
    }

    /// The newest stop of a scope.
    pub fn stop_generation(&self, scope: StopScope) -> u64 {
        self.life.ends.stops.generation(scope)
    }

    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// The daemon ends, and after `pause_periods` another one comes onto the same drives.
    pub fn restart(&mut self, death: Death, pause_periods: u32) -> Result<Told, String> {
        let mut told = Told::default();
        match death {
            Death::Killed => {}
            Death::Panicked => self.fall_back()?,
            Death::Orderly => {
                let mut cycles = 0;
                loop {
                    let (more, leave) = self.step_with(0, true)?;
                    told.ends.extend(more.ends);
                    if leave {
                        break;
                    }
                    cycles += 1;
                    if cycles > SHUTDOWN_CYCLES {
                        return Err(format!("the daemon does not end: {:#?}", self.snapshot));
                    }
                }
                self.book.closed()?;
            }
        }
        self.cut_off += self.book.cut_off();
        self.clock.advance(u64::from(pause_periods) * self.config.period_ns);
        {
            let mut line = self.line();
            line.orphaned();
            // A daemon that starts brings its devices into operation.
            line.bus.request_recovery();
        }
        self.wanted.clear();
        self.life = Life::begin(&self.config, &self.line, self.clock.now_ns());
        Ok(told)
    }

    /// What the real-time thread does when a cycle has panicked.
    fn fall_back(&mut self) -> Result<(), String> {
        let limit = RT_FALLBACK_S * 1_000_000_000 / self.config.period_ns;
        for _ in 0..limit {
            let deadline_ns = self.life.schedule.deadline_ns();
            self.clock.sleep_until(deadline_ns);
            let wake = self.life.schedule.wake(deadline_ns).ok_or("a punctual wake-up is skipped")?;
            let fallback = self.life.cycle.fallback_step(&wake);
            self.life.schedule.end(deadline_ns, 0);
            if let Some(problem) = self.line().problem() {
                return Err(problem);
            }
            if fallback == Fallback::Standstill {
                break;
            }
        }
        Ok(())
    }
}
