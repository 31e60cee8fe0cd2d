//! Other figures for an axis: judged by motion and by its drive, then taken over by all who hold a copy, in one cycle.
//!
//! | figures | change |
//! |---|---|
//! | velocity, acceleration, jerk, soft limits | where axis and group rest and nothing waits |
//! | gains, torque limit | while the drive holds nothing |
//! | velocity limit of the position loop | the same, or where the loop asks for less than both limits |
//! | in-position and following-error windows and times, stale cycles | at any time |

use super::Cycle;
use super::supervision::SupervisionParameters;
use crate::drive::TuningRefusal;
use crate::exchange::event::EventKind;
use crate::exchange::figures::AxisFigures;
use crate::exchange::pool::SlotAddress;
use crate::ids::{AxisId, Handle};
use crate::motion::{Reason, Rejection};

impl Cycle {
    /// Takes the figures in a slot over for an axis, or changes nothing.
    pub(super) fn set_figures(&mut self, handle: Handle, axis: AxisId, address: SlotAddress) -> Result<(), Rejection> {
        // A stale slot means that its claimer took the command back.
        let values = self.figures.take(address).ok_or(Rejection::of(Reason::WrongState))?;
        let figures = AxisFigures::from_values(&values);
        let slot = self.axes.get_mut(axis.index()).ok_or(Rejection::of(Reason::NoSuchAxis))?;
        if !figures.are_sound() {
            return Err(Rejection::of(Reason::NotFinite));
        }
        slot.drive.check_tuning(&figures.gains, figures.torque_limit).map_err(|refusal| match refusal {
            TuningRefusal::Enabled => Rejection::of(Reason::StillEnabled),
            TuningRefusal::Saturated { asked, clamp } => Rejection::with(Reason::LoopSaturated, asked, clamp),
        })?;
        self.motion.set_figures(handle, axis, &figures.motion)?;
        slot.drive.set_tuning(figures.gains, figures.torque_limit);
        let place = slot.drive.output_range();
        slot.drive.prepare(&mut self.buses[slot.bus].outputs[place]);
        slot.supervision.set_parameters(SupervisionParameters {
            following_window: figures.following_window,
            following_time_s: figures.following_time_s,
            stale_cycles_tolerated: figures.stale_cycles_tolerated,
            ..*slot.supervision.parameters()
        });
        self.outlet.event(EventKind::ParametersChanged { axis });
        Ok(())
    }
}
