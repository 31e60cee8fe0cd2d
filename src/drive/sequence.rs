//! The order in which a drive is enabled, stopped, disabled and reset. [`Sequence::observe`] hears the drive,
//! [`Sequence::advance`] hears motion and says what to send.
//!
//! ```text
//! Unheard ─ first answer ─► Disabled ─ power edge ─► Enabling ─ Operation Enabled ─► Releasing ─ brake open ─► Operational
//!    │                       ▲ ▲ ▲ ▲                    │ │                              │                        │ │
//!    │ found enabled         │ │ │ └── timeout, fault ──┘ │                              │   power off, at rest   │ │
//!    │                       │ │ │                        │                              ├────────────────────────┘ │
//!    │                       │ │ └── Leaving ◄── brake ── Engaging ◄─────────────────────┘                          │
//!    │                       │ │       ▲ ▲                 ▲                                                        │
//!    │                       │ │       │ └── Stopped ◄─────┤ at rest                                                │
//!    └──────────► Stopping ──┴─┼───────┴───────────────────┘           quick stop, power off in motion, own fault   │
//!                    ▲         │ left Fault, or refused                                                             │
//!                    └─────────┼────────────────────────────────────────────────────────────────────────────────────┘
//!                          Resetting ◄── reset command in Fault
//! ```
//!
//! Whenever the drive has lost its torque by itself, the brake closes at once and the phase is Disabled. Nothing but a
//! new rising edge of `power`, seen with no fault (or while it is reset) and no quick stop, leads out of Disabled.

use super::Demand;
use super::brake::HoldingBrake;
use super::cia402::{State, controlword, statusword};
use super::parameters::{DriveParameters, Timing};
use crate::fault::Fault;

/// Cycles with bit 7 low before the edge of a fault reset: one would do, two survive a lost frame.
const RESET_LOW_CYCLES: u32 = 2;
/// Fresh cycles at or below the standstill velocity in a row that make a standstill.
const STANDSTILL_CYCLES: u32 = 4;

/// How far the drive is. The diagram stands at the head of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No answer yet.
    Unheard,
    /// Not enabled, nor on the way.
    Disabled,
    /// On the way to Operation Enabled.
    Enabling,
    /// Operation Enabled; holds its place while the brake opens.
    Releasing,
    /// Follows setpoints.
    Operational,
    /// Told to stop by its own ramp. `taken_over`: it was enabled by us, so that it has a target to hold until it obeys.
    Stopping {
        /// Enabled by us.
        taken_over: bool,
    },
    /// At rest; holds while the brake closes.
    Engaging {
        /// By quick stop, so that it stays in Quick Stop Active.
        quick: bool,
    },
    /// Stopped by a quick stop that is still asked for.
    Stopped,
    /// Leaves operation.
    Leaving {
        /// After a quick stop: the voltage is disabled in one step.
        quick: bool,
    },
    /// A fault reset is under way.
    Resetting(ResetStep),
}

/// The edge of a fault reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetStep {
    /// Bit 7 is 0, for so many cycles in Fault.
    Low(u32),
    /// Bit 7 is 1.
    High,
    /// The drive left Fault for a fault reaction after the edge: there is no second edge.
    Dropped,
}

/// What the drive shows in a fresh cycle.
#[derive(Clone, Copy, Debug)]
pub struct Observation {
    /// 6041h.
    pub statusword: u16,
    /// 6061h shows the mode that is asked for.
    pub mode_confirmed: bool,
    /// The drive takes its targets.
    pub follows: bool,
    /// 603Fh.
    pub error_code: u16,
    /// Axis units/s.
    pub velocity: f64,
}

/// Where the drive's target comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The feedback.
    Follow,
    /// The last target stays.
    Hold,
    /// Motion's setpoint.
    Stream,
}

/// The sequence of one drive.
#[derive(Clone, Copy, Debug)]
pub struct Sequence {
    phase: Phase,
    /// Cycles since the phase began, by `advance`.
    cycles: u32,
    statusword: u16,
    state: State,
    mode_confirmed: bool,
    follows: bool,
    remote: bool,
    voltage_seen: bool,
    standing_cycles: u32,
    /// Power was seen off, with neither fault nor quick stop: its next rising edge counts.
    armed: bool,
    fault: Option<Fault>,
    fault_code: u16,
    brake: HoldingBrake,
    remote_bit: bool,
    standstill_velocity: f64,
    enable_cycles: u32,
    mode_cycles: u32,
    disable_cycles: u32,
    reset_cycles: u32,
    quick_stop_cycles: u32,
}

impl Sequence {
    /// The sequence of a drive that has not been heard yet.
    pub fn new(parameters: &DriveParameters, period_s: f64) -> Sequence {
        let cycles = |seconds: f64| super::cycles(seconds, period_s);
        let Timing { standstill_velocity, .. } = parameters.timing;
        Sequence {
            phase: Phase::Unheard,
            cycles: 0,
            statusword: 0,
            state: State::Unknown,
            mode_confirmed: false,
            follows: false,
            remote: false,
            voltage_seen: false,
            standing_cycles: 0,
            armed: false,
            fault: None,
            fault_code: 0,
            brake: HoldingBrake::new(&parameters.brake, cycles),
            remote_bit: parameters.remote_bit,
            standstill_velocity,
            enable_cycles: cycles(parameters.timing.enable_timeout_s),
            mode_cycles: cycles(parameters.timing.mode_timeout_s),
            disable_cycles: cycles(parameters.timing.disable_timeout_s),
            reset_cycles: cycles(parameters.timing.reset_timeout_s),
            quick_stop_cycles: cycles(parameters.timing.quick_stop_timeout_s),
        }
    }

    /// How far the drive is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// State by the last statusword.
    pub fn state(&self) -> State {
        self.state
    }

    /// The latched fault.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The code that belongs to a latched drive fault.
    pub fn fault_code(&self) -> u16 {
        self.fault_code
    }

    /// The holding brake.
    pub fn brake(&self) -> &HoldingBrake {
        &self.brake
    }

    /// Where the target comes from in this phase.
    #[inline]
    pub fn target(&self) -> Target {
        let in_operation = self.state == State::OperationEnabled;
        match self.phase {
            Phase::Operational => Target::Stream,
            Phase::Releasing => Target::Hold,
            Phase::Stopping { taken_over: true } | Phase::Engaging { .. } | Phase::Leaving { .. } if in_operation => {
                Target::Hold
            }
            _ => Target::Follow,
        }
    }

    /// The drive neither holds nor moves anything, nor is it on the way to that or from it.
    pub fn is_off(&self) -> bool {
        matches!(self.phase, Phase::Unheard | Phase::Disabled | Phase::Resetting(_))
    }

    /// Latches a fault that was found outside and stops the drive.
    pub fn raise(&mut self, fault: Fault) {
        self.latch(fault);
        if matches!(self.phase, Phase::Releasing | Phase::Operational) {
            self.enter(Phase::Stopping { taken_over: true });
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.cycles = 0;
        self.standing_cycles = 0;
    }

    /// The first fault stays; only a fault of the drive's own says more than another one.
    fn latch(&mut self, fault: Fault) {
        if self.fault.is_none() || fault == Fault::DriveFault && self.fault != Some(Fault::ResetRefused) {
            self.fault = Some(fault);
        }
    }

    /// The drive follows setpoints.
    #[inline]
    pub fn is_operational(&self) -> bool {
        matches!(self.phase, Phase::Operational)
    }

    /// The drive follows setpoints and shows what it showed in the last cycle (it confirms mode and targets, too, or it would not be operational):
    /// there is nothing to observe.
    #[inline]
    pub fn is_steady(&self, statusword: u16, confirmed: bool) -> bool {
        self.is_operational() && confirmed && (statusword ^ self.statusword) & statusword::OBSERVED == 0
    }

    /// Takes what the drive shows in a fresh cycle that is not steady.
    pub fn observe(&mut self, seen: &Observation) {
        self.statusword = seen.statusword;
        self.state = State::from_statusword(seen.statusword);
        self.mode_confirmed = seen.mode_confirmed;
        self.follows = seen.follows;
        self.remote = !self.remote_bit || seen.statusword & statusword::REMOTE != 0;
        let stands = seen.velocity.abs() <= self.standstill_velocity;
        self.standing_cycles = if stands { self.standing_cycles.saturating_add(1) } else { 0 };
        if let Phase::Resetting(step) = self.phase {
            self.observe_reset(step);
        } else if self.state.is_fault() {
            self.latch(Fault::DriveFault);
            if self.phase != Phase::Disabled {
                self.enter(Phase::Disabled);
            }
        } else {
            self.observe_phase(seen.statusword);
        }
        if self.state.is_fault() && self.fault_code == 0 {
            // Some drives show the code a few cycles after the fault.
            self.fault_code = seen.error_code;
        }
        self.guard_brake();
    }

    fn observe_phase(&mut self, word: u16) {
        let in_operation = self.state == State::OperationEnabled;
        let holds = in_operation || self.state == State::QuickStopActive;
        match self.phase {
            Phase::Unheard => {
                if holds {
                    // Enabled before this daemon started: it stops, and its brake closes only then.
                    self.brake.release();
                    self.brake.released();
                    self.enter(Phase::Stopping { taken_over: false });
                } else {
                    self.enter(Phase::Disabled);
                }
            }
            Phase::Disabled if holds => self.enter(Phase::Stopping { taken_over: false }),
            Phase::Enabling if in_operation => {
                self.voltage_seen = false;
                self.brake.release();
                self.enter(Phase::Releasing);
            }
            Phase::Releasing | Phase::Operational => self.observe_operation(word),
            Phase::Stopping { .. } | Phase::Engaging { .. } | Phase::Stopped | Phase::Leaving { .. } if !holds => {
                self.enter(Phase::Disabled);
            }
            // 0F would bring it back from a quick stop of its own.
            Phase::Engaging { quick: false } if !in_operation => self.phase = Phase::Engaging { quick: true },
            Phase::Stopping { .. } if self.standing_cycles >= STANDSTILL_CYCLES && self.cycles > 0 => self.end_stop(),
            _ => {}
        }
    }

    fn observe_operation(&mut self, word: u16) {
        let voltage = word & statusword::VOLTAGE_ENABLED != 0;
        if self.state != State::OperationEnabled {
            let lost_voltage = self.voltage_seen && !voltage;
            self.latch(if lost_voltage { Fault::VoltageLost } else { Fault::DriveLeftOperation });
            let stops = self.state == State::QuickStopActive;
            self.enter(if stops { Phase::Stopping { taken_over: false } } else { Phase::Disabled });
        } else if !self.mode_confirmed {
            self.raise(Fault::ModeRefused);
        } else if !self.remote {
            self.raise(Fault::DriveLeftOperation);
        } else if self.phase == Phase::Operational && !self.follows {
            self.raise(Fault::TargetNotTaken);
        } else if self.phase == Phase::Releasing && self.cycles >= self.brake.release_cycles().max(1) {
            self.brake.released();
            if self.follows {
                self.enter(Phase::Operational);
            }
        }
        self.voltage_seen |= voltage;
    }

    fn observe_reset(&mut self, step: ResetStep) {
        if !self.state.is_fault() {
            self.fault = None;
            self.fault_code = 0;
            self.enter(Phase::Disabled);
        } else if step == ResetStep::High && self.state == State::FaultReactionActive {
            self.phase = Phase::Resetting(ResetStep::Dropped);
        }
    }

    /// Without torque the brake is all that holds; in a fault reaction it waits for the standstill.
    fn guard_brake(&mut self) {
        let reacted = self.state == State::FaultReactionActive && self.standing_cycles >= STANDSTILL_CYCLES;
        if !self.state.has_torque() || reacted {
            self.brake.engage();
        }
    }

    /// The drive stands, or has had all its time to.
    fn end_stop(&mut self) {
        if self.brake.must_engage_after_stop() {
            self.brake.engage();
            self.enter(Phase::Engaging { quick: true });
        } else {
            self.enter(Phase::Stopped);
        }
    }

    /// Takes what motion wants in this cycle and returns the controlword. `velocity`: of the last setpoint, axis units/s.
    #[inline]
    pub fn advance(&mut self, demand: Demand, velocity: f64) -> u16 {
        if self.is_operational() && demand.power && !demand.quick_stop && !demand.reset {
            return controlword::ENABLE_OPERATION; // the steady flow
        }
        self.advance_changing(demand, velocity.abs() > self.standstill_velocity)
    }

    #[cold]
    fn advance_changing(&mut self, demand: Demand, moving: bool) -> u16 {
        self.cycles = self.cycles.saturating_add(1);
        if demand.reset {
            self.begin_reset();
        }
        // Power that is asked for while a reset is under way was asked for after it, and counts when the reset is done.
        let faulty = self.fault.is_some() && !matches!(self.phase, Phase::Resetting(_));
        if faulty || demand.quick_stop {
            self.armed = false;
        } else if !demand.power && self.phase != Phase::Unheard {
            self.armed = true;
        }
        self.advance_phase(demand, moving);
        self.controlword()
    }

    fn begin_reset(&mut self) {
        if matches!(self.phase, Phase::Resetting(_) | Phase::Unheard) {
            return;
        }
        if self.state.is_fault() {
            self.fault = Some(Fault::DriveFault);
            self.enter(Phase::Resetting(ResetStep::Low(0)));
        } else {
            self.fault = None;
            self.fault_code = 0;
        }
    }

    fn advance_phase(&mut self, demand: Demand, moving: bool) {
        match self.phase {
            Phase::Disabled if demand.power && self.armed => {
                self.armed = false;
                self.enter(Phase::Enabling);
            }
            Phase::Enabling if !demand.power || demand.quick_stop => self.enter(Phase::Disabled),
            Phase::Enabling => self.watch_enabling(),
            Phase::Releasing | Phase::Operational if demand.quick_stop || !demand.power && moving => {
                self.enter(Phase::Stopping { taken_over: true });
            }
            Phase::Releasing if !self.follows && self.cycles > self.brake.release_cycles().max(self.mode_cycles) => {
                self.raise(Fault::TargetNotTaken);
            }
            Phase::Releasing | Phase::Operational if !demand.power => {
                if self.brake.must_engage() {
                    self.brake.engage();
                    self.enter(Phase::Engaging { quick: false });
                } else {
                    self.enter(Phase::Leaving { quick: false });
                }
            }
            Phase::Stopping { .. } if self.cycles > self.quick_stop_cycles => self.end_stop(),
            Phase::Engaging { quick } if self.cycles > self.brake.engage_cycles() => {
                self.enter(if quick { Phase::Stopped } else { Phase::Leaving { quick: false } });
            }
            Phase::Resetting(step) => self.advance_reset(step),
            _ => {}
        }
        if self.phase == Phase::Stopped && !(demand.quick_stop && demand.power) {
            self.enter(Phase::Leaving { quick: true });
        }
    }

    fn watch_enabling(&mut self) {
        let late = self.cycles > self.enable_cycles;
        if !self.mode_confirmed && (late || self.cycles > self.mode_cycles) {
            self.latch(Fault::ModeRefused);
            self.enter(Phase::Disabled);
        } else if late {
            self.latch(Fault::EnableTimeout);
            self.enter(Phase::Disabled);
        }
    }

    fn advance_reset(&mut self, step: ResetStep) {
        if self.cycles > self.reset_cycles {
            self.fault = Some(Fault::ResetRefused);
            self.enter(Phase::Disabled);
            return;
        }
        if let (ResetStep::Low(cycles), State::Fault) = (step, self.state) {
            let next = if cycles < RESET_LOW_CYCLES { ResetStep::Low(cycles + 1) } else { ResetStep::High };
            self.phase = Phase::Resetting(next);
        }
    }

    fn controlword(&self) -> u16 {
        match self.phase {
            Phase::Unheard | Phase::Stopping { .. } | Phase::Stopped | Phase::Engaging { quick: true } => {
                controlword::QUICK_STOP
            }
            // A fault reaction is the drive's own affair: asking for no voltage might cut it short.
            Phase::Disabled | Phase::Resetting(_) if self.state == State::FaultReactionActive => {
                controlword::QUICK_STOP
            }
            Phase::Enabling => self.state.controlword_towards_operation(self.mode_confirmed && self.remote),
            Phase::Releasing | Phase::Operational | Phase::Engaging { quick: false } => controlword::ENABLE_OPERATION,
            Phase::Leaving { quick: false }
                if self.state == State::OperationEnabled && self.cycles <= self.disable_cycles =>
            {
                controlword::SWITCH_ON
            }
            Phase::Resetting(ResetStep::High) => controlword::FAULT_RESET,
            Phase::Disabled | Phase::Leaving { .. } | Phase::Resetting(_) => controlword::DISABLE_VOLTAGE,
        }
    }
}
