//! What is to be told at the end of the cycle: commands come before the step, their answers before their progress.

use crate::fault::Fault;
use crate::ids::{AxisId, Handle};
use crate::limits::{AXIS_QUEUE, COMMAND_RING, GROUP_QUEUE};

use super::types::{Outcomes, Progress, Reason, Rejection};

/// Handles that an axis can hold: active, waiting, power.
const AXIS_HANDLES: usize = AXIS_QUEUE + 2;
/// Handles that a group can hold: active, waiting, halt, interrupt, disable.
const GROUP_HANDLES: usize = GROUP_QUEUE + 4;
/// Faults that one axis can raise by itself in one cycle.
const AXIS_FAULTS: usize = 2;
/// Reports that one handle causes here: active, and one end.
const REPORTS_PER_HANDLE: usize = 2;

/// Bounded lists, allocated once: every handle that is held or arrives has its places.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    progress: Vec<(Handle, Progress)>,
    faults: Vec<(AxisId, Fault)>,
    soft_limits: Vec<AxisId>,
    arrivals: usize,
}

impl Reports {
    pub fn new(axes: usize, groups: usize) -> Reports {
        let handles = axes * AXIS_HANDLES + groups * GROUP_HANDLES + COMMAND_RING;
        Reports {
            progress: Vec::with_capacity(handles * REPORTS_PER_HANDLE),
            faults: Vec::with_capacity(axes * AXIS_FAULTS),
            soft_limits: Vec::with_capacity(axes),
            arrivals: 0,
        }
    }

    /// Admits one more command before the next step.
    pub fn admit(&mut self) -> Result<(), Rejection> {
        if self.arrivals >= COMMAND_RING {
            return Err(Rejection::with(Reason::QueueFull, self.arrivals as f64, COMMAND_RING as f64));
        }
        self.arrivals += 1;
        Ok(())
    }

    pub fn progress(&mut self, handle: Handle, progress: Progress) {
        debug_assert!(self.progress.len() < self.progress.capacity(), "every handle has its places");
        if handle != Handle::NONE && self.progress.len() < self.progress.capacity() {
            self.progress.push((handle, progress));
        }
    }

    pub fn fault(&mut self, axis: usize, fault: Fault) {
        if self.faults.len() < self.faults.capacity() {
            self.faults.push((AxisId(axis as u8), fault));
        }
    }

    pub fn soft_limit(&mut self, axis: usize) {
        if self.soft_limits.len() < self.soft_limits.capacity() {
            self.soft_limits.push(AxisId(axis as u8));
        }
    }

    /// Tells everything, in the order in which it came about.
    pub fn flush(&mut self, outcomes: &mut impl Outcomes) {
        for (axis, fault) in self.faults.drain(..) {
            outcomes.fault_raised(axis, fault);
        }
        for axis in self.soft_limits.drain(..) {
            outcomes.soft_limit_reached(axis);
        }
        for (handle, progress) in self.progress.drain(..) {
            outcomes.report(handle, progress);
        }
        self.arrivals = 0;
    }
}
