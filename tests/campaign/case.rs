//! One case: 20 s of a machine's life, its commands and its troubles, all from one seed.

use crate::client::Client;
use crate::machine::{Machine, Told};
use crate::support::Random;
use crate::table::{Kind, Table};
use crate::trouble::{Aftermath, DISTURBANCE_CYCLES, Mending, Trouble, mend_all};
use motiond::config::MachineConfig;
use motiond::exchange::event::EventKind;
use motiond::exchange::snapshot::AxisFlags;
use motiond::motion::AxisState;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Cycles of a case, before everything is brought to rest.
pub const CYCLES: u64 = 20_000;
pub const LEAST_COMMANDS: u64 = 30;
pub const LEAST_TROUBLES: usize = 3;
/// Cycles in which everything must be at rest once nothing is wrong any more.
const CALM_CYCLES: u64 = 20_000;
/// How long a trouble waits for an axis in the state that it shall meet.
const PATIENCE: u64 = 1_500;
/// Mean cycles between two changes of parameters.
const FIGURES_PAUSE: f64 = 150.0;
/// What is told of the way to a failure.
const REMEMBERED: usize = 12;

/// What one case has shown, or several.
#[derive(Clone)]
pub struct Outcome {
    pub fingerprint: u64,
    pub cycles: u64,
    pub commands: u64,
    pub troubles: usize,
    pub enablings: u64,
    /// Drives that a new daemon found enabled, and those of them that moved.
    pub found_enabled: u64,
    pub found_moving: u64,
    pub cut_off: usize,
    pub table: Table,
}

impl Outcome {
    /// Of no case.
    pub fn none() -> Outcome {
        Outcome {
            fingerprint: 0,
            cycles: 0,
            commands: 0,
            troubles: 0,
            enablings: 0,
            found_enabled: 0,
            found_moving: 0,
            cut_off: 0,
            table: Table::new(),
        }
    }

    pub fn add(&mut self, other: &Outcome) {
        self.fingerprint = self.fingerprint.rotate_left(1) ^ other.fingerprint;
        self.cycles += other.cycles;
        self.commands += other.commands;
        self.troubles += other.troubles;
        self.enablings += other.enablings;
        self.found_enabled += other.found_enabled;
        self.found_moving += other.found_moving;
        self.cut_off += other.cut_off;
        self.table.add(&other.table);
    }
}

/// A trouble that waits for its moment.
struct Waiting {
    from_cycle: u64,
    trouble: Trouble,
    axis: usize,
    state: AxisState,
}

struct Case {
    random: Random,
    machine: Machine,
    client: Client,
    table: Table,
    troubles: VecDeque<Waiting>,
    struck: usize,
    mendings: Vec<(u64, Mending)>,
    disturbed_until: u64,
    late: u32,
    commands: u64,
    /// Mean cycles between two commands.
    pause: f64,
    next_command: u64,
    /// Draws of other parameters: of their own, so that the other commands of a seed stay what they were.
    of_figures: Random,
    next_figures: u64,
    past: VecDeque<String>,
}

/// Runs one case; the error says what was wrong, when, and what led there.
pub fn run(config: &Arc<MachineConfig>, seed: u64) -> Result<Outcome, String> {
    let mut case = Case::new(config, seed);
    // A panic of the core is a failure of this case, and says so with its seed.
    let result = catch_unwind(AssertUnwindSafe(|| case.live().and_then(|()| case.calm_down())));
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        Err(text.or(panic.downcast_ref::<&str>().map(|text| text.to_string())).unwrap_or("a panic".into()))
    });
    if let Err(what) = result {
        let past = case.past.iter().map(|line| format!("\n  {line}")).collect::<String>();
        return Err(format!("seed {seed}, cycle {}: {what}\nbefore that:{past}", case.machine.cycles));
    }
    let (enablings, found_enabled, found_moving) = {
        let line = case.machine.line();
        (line.enablings, line.found_enabled, line.found_moving)
    };
    Ok(Outcome {
        fingerprint: case.machine.fingerprint,
        cycles: case.machine.cycles,
        commands: case.commands,
        troubles: case.struck,
        enablings,
        found_enabled,
        found_moving,
        cut_off: case.machine.cut_off,
        table: case.table,
    })
}

impl Case {
    fn new(config: &Arc<MachineConfig>, seed: u64) -> Case {
        let mut random = Random::new(seed);
        let count = LEAST_TROUBLES + random.below(6);
        let mut troubles: Vec<Waiting> = (0..count).map(|_| Waiting::new(&mut random, config.axes.len())).collect();
        troubles.sort_by_key(|waiting| waiting.from_cycle);
        Case {
            machine: Machine::new(config),
            client: Client::new(&mut random),
            table: Table::new(),
            troubles: troubles.into(),
            struck: 0,
            mendings: Vec::new(),
            disturbed_until: 0,
            late: 0,
            commands: 0,
            pause: random.magnitude(20.0, 500.0),
            next_command: 20,
            of_figures: Random::new(!seed),
            next_figures: 50,
            past: VecDeque::new(),
            random,
        }
    }

    fn live(&mut self) -> Result<(), String> {
        while self.machine.cycles < CYCLES || self.commands < LEAST_COMMANDS {
            self.mend();
            self.strike()?;
            if self.machine.cycles >= self.next_command {
                self.command();
            }
            if self.machine.cycles >= self.next_figures {
                self.figures();
            }
            self.step()?;
        }
        if self.struck < LEAST_TROUBLES { Err(format!("only {} troubles", self.struck)) } else { Ok(()) }
    }

    fn step(&mut self) -> Result<(), String> {
        let told = self.machine.step(std::mem::take(&mut self.late))?;
        self.hear(told);
        Ok(())
    }

    fn hear(&mut self, told: Told) {
        for event in told.events {
            self.remember(format!("{:?}", event.kind));
            if let EventKind::FaultRaised { fault, .. } = event.kind {
                self.table.raised(fault);
            }
        }
        for (cell, end) in told.ends {
            self.table.ended(cell, end);
        }
    }

    fn remember(&mut self, what: String) {
        if self.past.len() == REMEMBERED {
            self.past.pop_front();
        }
        self.past.push_back(format!("cycle {}: {what}", self.machine.cycles));
    }

    fn command(&mut self) {
        // At times several in one cycle.
        let burst = if self.random.chance(0.05) { 2 + self.random.below(6) } else { 1 };
        for _ in 0..burst {
            let cell = self.client.act(&mut self.machine, &mut self.random);
            self.commands += 1;
            self.table.sent(cell);
            self.remember(format!("{cell:?}"));
        }
        let pause = -self.random.unit().max(1e-9).ln() * self.pause;
        self.next_command = self.machine.cycles + 1 + pause as u64;
    }

    /// Other parameters for some axis, in whatever state it is.
    fn figures(&mut self) {
        let axis = self.of_figures.below(self.machine.config.axes.len());
        let cell = self.client.send(&mut self.machine, Kind::SetFigures, axis, &mut self.of_figures);
        self.table.sent(cell);
        self.remember(format!("{cell:?}"));
        let pause = -self.of_figures.unit().max(1e-9).ln() * FIGURES_PAUSE;
        self.next_figures = self.machine.cycles + 1 + pause as u64;
    }

    fn mend(&mut self) {
        let (now, machine) = (self.machine.cycles, &self.machine);
        self.mendings.retain(|(at, mending)| {
            if *at <= now {
                mending.mend(machine);
            }
            *at > now
        });
    }

    /// The next trouble, when its moment has come.
    fn strike(&mut self) -> Result<(), String> {
        let now = self.machine.cycles;
        let Some(waiting) = self.troubles.front().filter(|waiting| waiting.from_cycle <= now) else { return Ok(()) };
        let Waiting { trouble, axis, state, from_cycle } = *waiting;
        let states: Vec<AxisState> = self.machine.snapshot.axes.iter().map(|axis| axis.state).collect();
        let wanted = if trouble.concerns_one() { states[axis] == state } else { states.contains(&state) };
        if !wanted && now < (from_cycle + PATIENCE).min(CYCLES - 1) {
            return Ok(());
        }
        self.troubles.pop_front();
        self.struck += 1;
        self.client.trouble = Some(trouble);
        self.remember(format!("{} (axis {axis})", trouble.name()));
        if trouble.concerns_one() {
            self.table.struck(trouble, states[axis]);
        } else {
            states.iter().for_each(|state| self.table.struck(trouble, *state));
        }
        if trouble.disturbs_drives() {
            self.machine.line().excuse();
            self.disturbed_until = now + DISTURBANCE_CYCLES;
        }
        match trouble.strike(&self.machine, axis, &mut self.random) {
            Aftermath::Nothing => {}
            Aftermath::Mend(mending, cycles) => self.mendings.push((now + 1 + cycles, mending)),
            Aftermath::Late(periods) => self.late = periods,
            Aftermath::Restart(death, pause) => {
                let told = self.machine.restart(death, pause)?;
                self.hear(told);
                if now < self.disturbed_until {
                    self.machine.line().excuse();
                }
            }
        }
        Ok(())
    }

    /// Nothing is wrong any more, and a patient person puts things right: every command must end.
    fn calm_down(&mut self) -> Result<(), String> {
        mend_all(&self.machine);
        self.mendings.clear();
        self.troubles.clear();
        let end = self.machine.cycles + CALM_CYCLES;
        while !self.calm() {
            if self.machine.cycles >= end {
                let open = self.machine.book.closed();
                return Err(format!("no rest after {CALM_CYCLES} cycles: {open:?} {:#?}", self.machine.snapshot));
            }
            if self.machine.cycles.is_multiple_of(100) {
                self.put_right();
            }
            self.step()?;
        }
        self.machine.book.closed()
    }

    fn calm(&self) -> bool {
        let off = self
            .machine
            .snapshot
            .axes
            .iter()
            .all(|axis| axis.state == AxisState::Disabled && !axis.flags.has(AxisFlags::OPERATIONAL));
        off && self.machine.book.closed().is_ok()
    }

    fn put_right(&mut self) {
        let axes = self.machine.config.axes.len();
        let whole =
            [Kind::RecoverBus, Kind::ResetMachine, Kind::ReleaseMachine, Kind::ReleaseGroup, Kind::GroupDisable];
        for kind in whole {
            self.client.send(&mut self.machine, kind, 0, &mut self.random);
        }
        for axis in 0..axes {
            for kind in [Kind::ReleaseAxis, Kind::Reset, Kind::PowerOff] {
                self.client.send(&mut self.machine, kind, axis, &mut self.random);
            }
        }
    }
}

impl Waiting {
    fn new(random: &mut Random, axes: usize) -> Waiting {
        let trouble = Trouble::ALL[random.below(Trouble::ALL.len())];
        let mut axis = random.below(axes);
        while !trouble.befalls(axis) {
            axis = random.below(axes);
        }
        let states = [
            AxisState::Disabled,
            AxisState::Standstill,
            AxisState::DiscreteMotion,
            AxisState::ContinuousMotion,
            AxisState::SynchronizedMotion,
            AxisState::Stopping,
            AxisState::ErrorStop,
        ];
        let state = states[random.below(states.len())];
        let from_cycle = 100 + random.below((CYCLES - PATIENCE - 100) as usize) as u64;
        Waiting { from_cycle, trouble, axis, state }
    }
}
