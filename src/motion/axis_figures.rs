//! Other figures for an axis: limits, soft limits, in-position window.
//!
//! Whatever was reckoned with the limits of an axis (a trajectory, a way to brake, the caps of its group's line) is made anew by the
//! next command, and until then there is nothing of the kind: limits change only where nothing is under way.

use super::axis::{Axis, CREEP, Task};
use super::in_position::InPosition;
use super::parameters::MotionFigures;
use super::soft_limits::SoftLimits;
use super::trajectory::Trajectory;
use super::types::{Reason, Rejection};
use crate::ids::Handle;

impl Axis {
    /// Why its figures may not become these now, if so, as far as the axis itself knows.
    pub(super) fn check_figures(&self, figures: &MotionFigures) -> Result<(), Rejection> {
        if !self.needs_rest(figures) {
            return Ok(());
        }
        if !self.is_idle() {
            return Err(self.not_at_rest());
        }
        match (figures.soft_limits, self.parameters.modulo) {
            (Some((low, high)), None) if self.referenced && figures.soft_limits != self.parameters.soft_limits => {
                let range = SoftLimits { low: low - self.offset, high: high - self.offset };
                let position = self.setpoint.position;
                if range.contains(position) {
                    return Ok(());
                }
                let refusal = range.refusal((position, position), self.offset);
                Err(Rejection { reason: Reason::OutsideSoftLimits, ..refusal })
            }
            _ => Ok(()),
        }
    }

    /// These figures differ from the present ones in what motion is made of.
    pub(super) fn needs_rest(&self, figures: &MotionFigures) -> bool {
        figures.limits != self.parameters.limits || figures.soft_limits != self.parameters.soft_limits
    }

    /// The refusal of figures that need rest: with the number of the present state.
    pub(super) fn not_at_rest(&self) -> Rejection {
        Rejection::with(Reason::NotAtRest, f64::from(self.state as u8), 0.0)
    }

    /// It rests, and nothing that it has accepted is still to be done.
    fn is_idle(&self) -> bool {
        self.at_rest()
            && !self.trajectory.running()
            && !self.follows_line
            && self.task == Task::Rest
            && self.active == Handle::NONE
            && self.queue.is_empty()
    }

    /// Takes these figures over. Every value that is derived from them is made anew here.
    pub(super) fn set_figures(&mut self, figures: &MotionFigures) {
        let settles_otherwise = (figures.in_position_window, figures.in_position_time_s)
            != (self.parameters.in_position_window, self.parameters.in_position_time_s);
        if self.needs_rest(figures) {
            // It is over; nothing of the former limits is left.
            self.trajectory = Trajectory::none();
        }
        self.parameters.limits = figures.limits;
        self.parameters.soft_limits = figures.soft_limits;
        self.parameters.in_position_window = figures.in_position_window;
        self.parameters.in_position_time_s = figures.in_position_time_s;
        self.creep = CREEP * figures.limits.velocity;
        self.place_soft_limits();
        if self.setpoint.velocity == 0.0 {
            self.reach = self.soft_limits.reaching(self.setpoint.position);
        }
        if settles_otherwise {
            self.in_position = InPosition::new(figures.in_position_window, figures.in_position_time_s, self.period_s);
        }
    }
}
