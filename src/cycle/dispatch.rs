//! From a command of the exchange to a call of motion; the one place where the two meet.

use super::Cycle;
use super::machine_analogs::AnalogRefusal;
use crate::exchange::command::{Command, Request, StopScope};
use crate::exchange::event::{EventKind, Subject, Verdict};
use crate::exchange::pool::SlotAddress;
use crate::fault::FaultSet;
use crate::ids::GroupId;
use crate::limits::{COMMANDS_PER_CYCLE, PIECES_PER_CYCLE};
use crate::motion::{GroupMoveRequest, MoveRequest, PathRequest, PieceFate, Progress, Reason, Rejection};

impl Cycle {
    /// Takes at most `COMMANDS_PER_CYCLE` commands. Each is answered in this cycle.
    pub(super) fn take_commands(&mut self) {
        for _ in 0..COMMANDS_PER_CYCLE {
            let Some(command) = self.commands.receive() else { return };
            self.take(command);
        }
    }

    /// Takes at most `PIECES_PER_CYCLE` pieces of each group's path; those of ended programs go away.
    pub(super) fn take_pieces(&mut self) {
        // Bound: MAX_GROUPS times PIECES_PER_CYCLE.
        for (group, ring) in self.pieces.iter_mut().enumerate() {
            for _ in 0..PIECES_PER_CYCLE {
                let Some(piece) = ring.peek() else { break };
                if self.motion.offer_piece(GroupId(group as u8), &piece) == PieceFate::Later {
                    break;
                }
                ring.advance();
            }
        }
    }

    fn take(&mut self, command: Command) {
        // Motion reports progress only from `step`, so `Accepted` always comes first.
        let verdict = match self.carry_out(command) {
            Ok(()) => Verdict::Accepted,
            Err(rejection) => Verdict::Rejected(rejection),
        };
        self.outlet.verdict(command.handle, verdict);
        if verdict == Verdict::Accepted && ends_at_once(&command.request) {
            self.outlet.verdict(command.handle, Verdict::Progress(Progress::Done));
        }
    }

    fn carry_out(&mut self, Command { handle, request }: Command) -> Result<(), Rejection> {
        let now_ns = self.cycle_start_ns;
        let motion = &mut self.motion;
        match request {
            Request::Power { axis, on } => motion.power(handle, axis, on),
            Request::Reset { axis } => motion.reset(handle, axis),
            Request::Move { axis, kind, target, dynamics, buffer, direction } => {
                motion.move_axis(handle, axis, MoveRequest { kind, target, dynamics, buffer, direction })
            }
            Request::Velocity { axis, velocity, dynamics } => motion.velocity(handle, axis, velocity, dynamics),
            Request::Jog { axis, velocity, valid_until_ns } => {
                motion.jog(handle, axis, velocity, valid_until_ns, now_ns)
            }
            Request::Halt { axis } => motion.halt(handle, axis),
            Request::SetPosition { axis, position } => motion.set_position(handle, axis, position),
            Request::SetFigures { axis, slot, slot_generation } => {
                self.set_figures(handle, axis, SlotAddress { index: slot, generation: slot_generation })
            }
            Request::Override { axis, ratio } => motion.set_override(handle, axis, ratio),
            Request::GroupEnable { group } => motion.group_enable(handle, group),
            Request::GroupDisable { group } => motion.group_disable(handle, group),
            Request::GroupReset { group } => motion.group_reset(handle, group),
            Request::GroupMove { group, shape, slot, slot_generation, relative, dynamics, buffer } => {
                // A stale slot means that its claimer took the command back: it changes nothing.
                let address = SlotAddress { index: slot, generation: slot_generation };
                let target = self.targets.take(address).ok_or(Rejection::of(Reason::WrongState))?;
                let axes = motion.groups().get(group.index()).map_or(0, |group| group.axes().len());
                let targets = &target[..axes.min(target.len())];
                motion.group_move(handle, group, GroupMoveRequest { shape, targets, relative, dynamics, buffer })
            }
            Request::GroupPath { group, buffer, epoch, slot, slot_generation, joins, stream } => {
                let address = SlotAddress { index: slot, generation: slot_generation };
                let start = self.targets.take(address).ok_or(Rejection::of(Reason::WrongState))?;
                let axes = motion.groups().get(group.index()).map_or(0, |group| group.axes().len());
                let start = &start[..axes.min(start.len())];
                motion.group_path(handle, group, PathRequest { epoch, start, buffer, joins, stream })
            }
            Request::PathAct { group, act } => motion.group_path_act(handle, group, act),
            Request::GroupHalt { group } => motion.group_halt(handle, group),
            Request::GroupInterrupt { group } => motion.group_interrupt(handle, group),
            Request::GroupContinue { group } => motion.group_continue(handle, group),
            Request::GroupOverride { group, ratio } => motion.group_override(handle, group, ratio),
            Request::Release { scope, generation } => self.release(scope, generation),
            Request::SetOutput { output, on } => {
                if self.inputs.switch(output, on) {
                    return Ok(());
                }
                let count = self.inputs.output_count() as f64;
                Err(Rejection::with(Reason::NoSuchOutput, f64::from(output), count))
            }
            Request::SetAnalogOutput { output, value } => match self.analogs.set(output, value) {
                Ok(()) => Ok(()),
                Err(AnalogRefusal::NoSuchOutput(count)) => {
                    Err(Rejection::with(Reason::NoSuchOutput, f64::from(output), count as f64))
                }
                Err(AnalogRefusal::OutOfRange(nearest)) => Err(Rejection::with(Reason::NotFinite, value, nearest)),
            },
            Request::RecoverBus { bus } => {
                let count = self.buses.len() as f64;
                let slot = self.buses.get_mut(bus.index());
                let slot = slot.ok_or(Rejection::with(Reason::NoSuchBus, f64::from(bus.0), count))?;
                slot.bus.request_recovery();
                Ok(())
            }
            Request::ResetMachine => self.reset_machine(),
        }
    }

    /// Ends a stop that nobody has renewed.
    fn release(&mut self, scope: StopScope, generation: u64) -> Result<(), Rejection> {
        let latest = self.stops.seen(scope);
        if !self.stops.releases(scope, generation) {
            return Err(Rejection::with(Reason::NotStopped, generation as f64, latest as f64));
        }
        let subject = match scope {
            StopScope::Axis(axis) => {
                self.motion.release_axis(axis)?;
                Subject::Axis(axis)
            }
            StopScope::Group(group) => {
                self.motion.release_group(group)?;
                Subject::Group(group)
            }
            StopScope::Machine => {
                self.motion.release_machine()?;
                self.machine_stopped = false;
                Subject::Machine
            }
        };
        self.outlet.event(EventKind::Released { subject, generation });
        Ok(())
    }

    /// Clears the machine's own faults, if all their causes are gone. Axes and groups are reset by their own commands.
    fn reset_machine(&mut self) -> Result<(), Rejection> {
        let faults = self.machine_faults;
        if let Some(fault) = faults.iter().find(|fault| self.machine_fault_present(*fault)) {
            return Err(Rejection::with(Reason::FaultPresent, f64::from(fault.code()), 0.0));
        }
        self.machine_faults = FaultSet::default();
        let permitted = self.input_state.safe && self.input_state.enabled;
        for (slot, inputs) in self.axes.iter().zip(&mut self.axis_inputs) {
            inputs.permitted = permitted && slot.reached;
            self.motion.set_permitted(slot.id, inputs.permitted);
        }
        for fault in faults.iter() {
            self.outlet.event(EventKind::FaultCleared { fault, subject: Subject::Machine });
        }
        Ok(())
    }
}

/// Commands that are done when they are accepted and that motion never hears of.
fn ends_at_once(request: &Request) -> bool {
    matches!(
        request,
        Request::Release { .. }
            | Request::SetOutput { .. }
            | Request::SetAnalogOutput { .. }
            | Request::RecoverBus { .. }
            | Request::ResetMachine
    )
}
