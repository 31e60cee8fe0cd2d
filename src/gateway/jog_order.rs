//! Refreshes of a jog in the order of their sending: one that was overtaken never moves anything.

use crate::exchange::command::Request;
use crate::ids::AxisId;
use crate::limits::MAX_AXES;

use super::machine::MachineDescription;
use super::refusal::Refusal;
use super::submission::{Concern, Order};

/// For each axis, the time of sending (CLOCK_MONOTONIC, nanoseconds) that a refresh must at least have.
pub(super) struct JogOrder([u64; MAX_AXES]);

impl JogOrder {
    pub(super) fn new() -> JogOrder {
        JogOrder([0; MAX_AXES])
    }

    /// Refuses a refresh that was sent no later than one already taken, or before a command that ended the jog was taken.
    pub(super) fn check(&self, axis: AxisId, sent_at_ns: u64, machine: &MachineDescription) -> Result<(), Refusal> {
        let Some(&earliest_ns) = self.0.get(axis.index()) else { return Ok(()) };
        if sent_at_ns >= earliest_ns {
            return Ok(());
        }
        let axis = machine.axes.get(axis.index()).map(|axis| axis.name.clone()).unwrap_or_default();
        Err(Refusal::JogOvertaken { axis, sent_at_ns, earliest_ns })
    }

    /// Takes note of a command that goes to the cycle now. An override changes no jog, and outputs and buses none.
    pub(super) fn note(
        &mut self,
        order: &Order,
        concern: Concern,
        sent_at_ns: Option<u64>,
        now_ns: u64,
        machine: &MachineDescription,
    ) {
        let earliest_ns = match order {
            Order::Request(Request::Jog { .. }) => sent_at_ns.map_or(now_ns, |sent_at_ns| sent_at_ns.saturating_add(1)),
            Order::Request(Request::Override { .. } | Request::GroupOverride { .. }) => return,
            Order::Request(
                Request::SetOutput { .. } | Request::SetAnalogOutput { .. } | Request::RecoverBus { .. },
            ) => return,
            _ => now_ns,
        };
        let axes = concern.axes(machine);
        for (axis, earliest) in self.0.iter_mut().enumerate() {
            if axes >> axis & 1 == 1 {
                *earliest = earliest_ns.max(*earliest);
            }
        }
    }
}
