//! Power, reset, faults and stops of one axis.
//!
//! Nothing re-enables by itself: whenever the drive leaves operation, or is told to stop by itself, the request for power falls.
//!
//! ```text
//! power on ─► request ─► operational: Standstill, done
//! power off ─► ramp (Stopping) ─► request falls: Disabled ─► not operational: done
//! ```

use crate::fault::{Fault, StopKind};
use crate::ids::Handle;

use super::axis::{Axis, Powering, Task};
use super::reports::Reports;
use super::soft_limits::stop_profile;
use super::trajectory::Trajectory;
use super::types::AxisState::*;
use super::types::{Progress, Reason, Rejection};

/// Share of the velocity limit above which an axis whose drive does not follow setpoints is not at rest.
const STILL: f64 = 0.02;
/// Faults below this number are of the machine or of a bus: their cause is there as long as motion is not permitted.
const FIRST_DRIVE_FAULT: u16 = 3000;

impl Axis {
    /// Why power may not be switched on, if so.
    pub(super) fn check_power_on(&self) -> Result<(), Rejection> {
        let still = STILL * self.parameters.limits.velocity;
        if self.state == ErrorStop {
            Err(Rejection::with(Reason::InFault, f64::from(self.fault.map_or(0, Fault::code)), 0.0))
        } else if self.locked {
            Err(Rejection::of(Reason::Stopped))
        } else if !self.permitted {
            Err(Rejection::of(Reason::NotPermitted))
        } else if !self.power && self.operational {
            // The drive is on its way down (or was found enabled and is being disabled).
            Err(Rejection::of(Reason::WrongState))
        } else if !self.operational && self.actual_velocity.abs() > still {
            // It coasts, or is pushed: to be held at one place all of a sudden would be a blow.
            Err(Rejection::with(Reason::StillMoving, self.actual_velocity, still))
        } else {
            Ok(())
        }
    }

    pub(super) fn power_on(&mut self, handle: Handle, reports: &mut Reports) {
        self.end_powering(Progress::Aborted, reports);
        self.power_off_at_rest = false;
        self.power = true;
        if self.operational {
            reports.progress(handle, Progress::Done);
        } else {
            self.powering = Some(Powering { handle, on: true });
            reports.progress(handle, Progress::Active);
        }
    }

    pub(super) fn power_off(&mut self, handle: Handle, reports: &mut Reports) {
        self.end_powering(Progress::Aborted, reports);
        if !self.operational {
            self.drop_power();
            reports.progress(handle, Progress::Done);
            return;
        }
        self.powering = Some(Powering { handle, on: false });
        reports.progress(handle, Progress::Active);
        if !self.power {
            return;
        }
        self.end_all(Progress::Aborted, reports);
        if self.at_rest() && !self.follows_line {
            self.trajectory.cancel();
            self.drop_power();
        } else {
            self.power_off_at_rest = true;
            if !matches!(self.state, ErrorStop | Stopping | SynchronizedMotion) {
                self.ramp();
                self.enter(Stopping);
            }
        }
    }

    /// The request for power falls.
    pub(super) fn drop_power(&mut self) {
        self.power = false;
        self.power_off_at_rest = false;
        match self.state {
            ErrorStop => {}
            Standstill | Stopping | Disabled => self.enter(Disabled),
            _ => {
                self.enter(Standstill);
                self.enter(Disabled);
            }
        }
    }

    fn end_powering(&mut self, progress: Progress, reports: &mut Reports) {
        if let Some(powering) = self.powering.take() {
            reports.progress(powering.handle, progress);
        }
    }

    /// The drive follows setpoints from now on.
    pub(super) fn enabled(&mut self, reports: &mut Reports) {
        if self.power && self.state == Disabled {
            self.enter(Standstill);
            if self.locked {
                self.enter(Stopping);
            }
        }
        if self.powering.is_some_and(|powering| powering.on) {
            self.end_powering(Progress::Done, reports);
        }
    }

    /// The drive does not follow any more.
    pub(super) fn drive_left(&mut self, reports: &mut Reports) -> Option<Fault> {
        let asked = !self.power;
        self.power = false;
        self.power_off_at_rest = false;
        self.end_powering(Progress::Done, reports);
        (!asked && self.state != ErrorStop).then_some(Fault::DriveLeftOperation)
    }

    /// ErrorStop. Whatever was active or waiting fails; the first fault stays, a later one can only stop harder.
    pub(super) fn fail(&mut self, fault: Fault, stop: StopKind, reports: &mut Reports) {
        self.end_all(Progress::Failed(fault), reports);
        if self.powering.is_some_and(|powering| powering.on) {
            self.end_powering(Progress::Failed(fault), reports);
        }
        if self.state != ErrorStop {
            self.fault = Some(fault);
            self.enter(ErrorStop);
            if !self.follows_line {
                self.ramp();
            }
        }
        if stop == StopKind::QuickStop && !self.quick_stop {
            // On a line it is written down the path with the others until its drive takes over.
            self.quick_stop = true;
        }
        if self.quick_stop || !self.operational {
            self.power = false;
            self.power_off_at_rest = false;
        }
    }

    /// Why the axis cannot be reset yet, if so.
    pub(super) fn check_reset(&self) -> Result<(), Rejection> {
        let still = STILL * self.parameters.limits.velocity;
        if self.state != ErrorStop {
            Ok(())
        } else if self.follows_line || !self.at_rest() {
            Err(Rejection::with(Reason::StillMoving, self.setpoint.velocity, 0.0))
        } else if self.quick_stop && self.actual_velocity.abs() > still {
            Err(Rejection::with(Reason::StillMoving, self.actual_velocity, still))
        } else if !self.permitted && self.fault.is_some_and(|fault| fault.code() < FIRST_DRIVE_FAULT) {
            Err(Rejection::with(Reason::FaultPresent, f64::from(self.fault.map_or(0, Fault::code)), 0.0))
        } else {
            Ok(())
        }
    }

    /// Leaves ErrorStop (nothing to do in other states).
    pub(super) fn reset(&mut self) {
        if self.state != ErrorStop {
            return;
        }
        self.fault = None;
        self.reset_pulse = true;
        self.quick_stop = false;
        self.trajectory.cancel();
        if self.power && self.operational && !self.power_off_at_rest {
            self.enter(Standstill);
            if self.locked {
                self.enter(Stopping);
            }
        } else {
            self.power = false;
            self.power_off_at_rest = false;
            self.enter(Disabled);
        }
    }

    /// Ramps down and stays locked; not for an axis that its group moves.
    pub(super) fn stop(&mut self, reports: &mut Reports) {
        if matches!(self.state, Disabled | ErrorStop | Stopping) {
            return;
        }
        self.end_all(Progress::Aborted, reports);
        self.ramp();
        self.enter(Stopping);
    }

    /// Comes to rest as fast as the axis limits permit.
    pub(super) fn ramp(&mut self) {
        self.task = Task::Rest;
        if self.at_rest() || !self.operational {
            self.trajectory.cancel();
            return;
        }
        let profile = stop_profile(self.present(), &self.parameters.limits, &self.soft_limits);
        self.trajectory = Trajectory::start(profile, self.setpoint.turns, None);
    }
}
