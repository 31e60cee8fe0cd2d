//! A whole machine on virtual time: the production cycle over simulated devices, driven by a test instead of the
//! real-time thread and the gateway, and judged in every cycle.

use motiond::config::MachineConfig;
use motiond::cycle::Cycle;
use motiond::daemon::assembly::{Assembly, assemble};
use motiond::exchange::GatewayEnds;
use motiond::exchange::command::{Command, Request, StopScope};
use motiond::exchange::event::{Event, Verdict};
use motiond::exchange::snapshot::{AxisFlags, AxisSnapshot, Snapshot};
use motiond::ids::Handle;
use motiond::motion::{AxisState, BufferMode, Dynamics, GroupShape, Progress};
use motiond::simulation::control::SimulationControl;
use std::collections::BTreeMap;

/// Rounding that a limit may be exceeded by, as a share of it.
const SLACK: f64 = 1e-6;

/// A machine and what it has told so far.
pub struct Rig {
    pub config: MachineConfig,
    pub cycle: Cycle,
    pub ends: GatewayEnds,
    pub simulations: Vec<SimulationControl>,
    pub now_ns: u64,
    pub cycles: u64,
    pub snapshot: Snapshot,
    pub events: Vec<Event>,
    /// Everything that was told of each command, in order.
    pub verdicts: BTreeMap<u64, Vec<Verdict>>,
    /// FNV-1a of every setpoint of every cycle: two runs are the same run when it is the same.
    pub fingerprint: u64,
    next_handle: u64,
}

#[allow(dead_code, reason = "each test program uses a part")]
impl Rig {
    pub fn new(config: MachineConfig) -> Rig {
        let Assembly { cycle, ends, simulations, .. } = assemble(&config).expect("the machine can be put together");
        Rig::of(config, cycle, ends, simulations)
    }

    /// A machine that was put together otherwise.
    pub fn of(config: MachineConfig, cycle: Cycle, ends: GatewayEnds, simulations: Vec<SimulationControl>) -> Rig {
        Rig {
            config,
            cycle,
            ends,
            simulations,
            now_ns: 1_000_000_000,
            cycles: 0,
            snapshot: Snapshot::default(),
            events: Vec::new(),
            verdicts: BTreeMap::new(),
            fingerprint: 0xcbf2_9ce4_8422_2325,
            next_handle: 1,
        }
    }

    /// One cycle, after leaving `skipped` periods out. Panics with what is wrong.
    pub fn step_after(&mut self, skipped: u32) -> Result<(), String> {
        let period_ns = self.config.period_ns;
        self.now_ns += period_ns * (1 + u64::from(skipped));
        self.now_ns = self.now_ns.saturating_add_signed(self.cycle.shift_ns());
        self.cycle.step(self.now_ns, skipped);
        self.cycles += 1;
        while let Some(report) = self.ends.reports.receive() {
            self.take_verdict(report.handle, report.verdict)?;
        }
        while let Some(event) = self.ends.events.receive() {
            self.events.push(event);
        }
        let (_, snapshot) = self.ends.snapshots.read().ok_or("no snapshot")?;
        let before = std::mem::replace(&mut self.snapshot, snapshot);
        for index in 0..self.snapshot.axes.len() {
            let axis = &self.snapshot.axes[index];
            for word in [axis.setpoint.to_bits(), axis.velocity.to_bits(), axis.turns as u64] {
                self.fingerprint = (self.fingerprint ^ word).wrapping_mul(0x0100_0000_01b3);
            }
            if let Some(before) = before.axes.get(index) {
                self.judge_axis(index, before, &self.snapshot.axes[index])
                    .map_err(|what| format!("cycle {}: axis {}: {what}", self.cycles, self.config.axes[index].name))?;
            }
        }
        Ok(())
    }

    pub fn step(&mut self) {
        self.step_after(0).unwrap_or_else(|what| panic!("{what}"));
    }

    pub fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step();
        }
    }

    /// Runs until `done` holds; panics after `cycles`.
    pub fn run_until(&mut self, cycles: u64, what: &str, done: impl Fn(&Rig) -> bool) {
        for _ in 0..cycles {
            if done(self) {
                return;
            }
            self.step();
        }
        let axes = self.snapshot.axes.iter().map(|axis| format!("{axis:?}\n")).collect::<String>();
        let machine = self.snapshot.machine;
        panic!("after {cycles} cycles still not: {what}\n{machine:?}\n{axes}{:?}\n{:?}", self.events, self.verdicts);
    }

    pub fn send(&mut self, request: Request) -> Handle {
        let handle = Handle(self.next_handle);
        self.next_handle += 1;
        self.ends.commands.send(Command { handle, request }).expect("the ring has a place");
        self.verdicts.insert(handle.0, Vec::new());
        handle
    }

    pub fn send_group_move(
        &mut self,
        group: motiond::ids::GroupId,
        shape: GroupShape,
        targets: &[f64],
        relative: bool,
        dynamics: Dynamics,
        buffer: BufferMode,
    ) -> Handle {
        let slot = self.ends.targets.claim(targets).expect("a slot is free");
        self.send(Request::GroupMove {
            group,
            shape,
            slot: slot.index,
            slot_generation: slot.generation,
            relative,
            dynamics,
            buffer,
        })
    }

    pub fn stop(&mut self, scope: StopScope) -> u64 {
        self.ends.stops.request(scope)
    }

    /// How a command ended, if it has.
    pub fn end_of(&self, handle: Handle) -> Option<Verdict> {
        self.verdicts[&handle.0].iter().copied().find(is_end)
    }

    pub fn is_done(&self, handle: Handle) -> bool {
        matches!(self.end_of(handle), Some(Verdict::Progress(Progress::Done)))
    }

    /// Accepted commands that have not ended.
    pub fn outstanding(&self) -> usize {
        self.verdicts.values().filter(|told| told.iter().all(|verdict| !is_end(verdict))).count()
    }

    /// Powers every axis on and waits for it.
    pub fn power_all(&mut self) {
        // The drives are heard once before they are commanded, as they are when a daemon has started.
        self.run(20);
        for index in 0..self.config.axes.len() {
            self.send(Request::Power { axis: motiond::ids::AxisId(index as u8), on: true });
        }
        self.run_until(10_000, "every axis in standstill", |rig| {
            rig.snapshot.axes.iter().all(|axis| axis.state == AxisState::Standstill)
        });
    }

    fn take_verdict(&mut self, handle: Handle, verdict: Verdict) -> Result<(), String> {
        let told = self.verdicts.get_mut(&handle.0).ok_or(format!("{handle:?} was never sent"))?;
        let wrong = |what: &str| Err(format!("{handle:?} {what}: {told:?} then {verdict:?}"));
        if told.iter().any(is_end) {
            return wrong("has ended before");
        }
        let first = matches!(verdict, Verdict::Accepted | Verdict::Rejected(_));
        if first != told.is_empty() {
            return wrong("is answered out of order");
        }
        told.push(verdict);
        Ok(())
    }

    /// Limits and continuity of one axis from one cycle to the next, and the states' arrows.
    fn judge_axis(&self, index: usize, before: &AxisSnapshot, now: &AxisSnapshot) -> Result<(), String> {
        let config = &self.config.axes[index];
        let period_s = self.config.period_ns as f64 * 1e-9;
        let limits = config.motion.limits;
        if !legal(before.state, now.state) {
            return Err(format!("{} to {} is no arrow", before.state.name(), now.state.name()));
        }
        let follows = |axis: &AxisSnapshot| axis.flags.has(AxisFlags::OPERATIONAL) && axis.state != AxisState::Disabled;
        if !follows(now) || !follows(before) {
            return Ok(());
        }
        if now.velocity.abs() > limits.velocity * (1.0 + SLACK) {
            return Err(format!("velocity {} of {}", now.velocity, limits.velocity));
        }
        if now.acceleration.abs() > limits.acceleration * (1.0 + SLACK) {
            return Err(format!("acceleration {} of {}", now.acceleration, limits.acceleration));
        }
        let jerk = (now.acceleration - before.acceleration).abs() / period_s;
        if jerk > limits.jerk * (1.0 + SLACK) + 1e-6 {
            return Err(format!("jerk {jerk} of {}", limits.jerk));
        }
        let range = config.motion.modulo.unwrap_or(0.0);
        let mut moved = now.setpoint - before.setpoint;
        if range > 0.0 {
            moved -= (moved / range).round() * range;
        }
        // With the jerk limited, the place after a period differs from the mean of the velocities by at most J T³ / 12;
        // a phase may end within the period, so twice of that.
        let mean = (now.velocity + before.velocity) / 2.0 * period_s;
        let allowed = limits.jerk * period_s.powi(3) / 6.0 + 1e-9 * (1.0 + now.setpoint.abs());
        let referenced_now = now.flags.has(AxisFlags::REFERENCED) && !before.flags.has(AxisFlags::REFERENCED);
        let set_position = referenced_now || now.velocity == 0.0 && before.velocity == 0.0;
        if (moved - mean).abs() > allowed && !set_position {
            return Err(format!("jumped by {moved}, {mean} expected: {before:?} {now:?}"));
        }
        if let (Some((low, high)), true) = (config.motion.soft_limits, now.flags.has(AxisFlags::REFERENCED)) {
            let slack = 1e-6 * (high - low);
            let inside = |axis: &AxisSnapshot| axis.setpoint > low - slack && axis.setpoint < high + slack;
            if inside(before) && !inside(now) {
                return Err(format!("setpoint {} leaves the soft limits {low}..{high}", now.setpoint));
            }
        }
        Ok(())
    }
}

pub fn is_end(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Rejected(_) => true,
        Verdict::Progress(progress) => *progress != Progress::Active,
        Verdict::Accepted => false,
    }
}

/// The arrows of PLCopen's diagram, with what one cycle may pass through at once.
pub fn legal(from: AxisState, to: AxisState) -> bool {
    use AxisState::*;
    match (from, to) {
        _ if from == to => true,
        (_, Disabled | ErrorStop) => true,
        (Disabled, Standstill | Stopping) => true,
        (ErrorStop, Standstill | Stopping) => true,
        (Stopping, Standstill) => true,
        (Disabled | ErrorStop | Stopping, _) => false,
        (SynchronizedMotion, DiscreteMotion | ContinuousMotion | Homing) => false,
        (DiscreteMotion | ContinuousMotion, Homing | SynchronizedMotion) => false,
        _ => true,
    }
}
