//! What one cycle tells: reports of commands and events, through rings that never block.

use crate::exchange::event::{Event, EventKind, Report, Verdict};
use crate::exchange::ring::Sender;
use crate::ids::{AxisId, Handle};
use crate::motion::{Outcomes, Progress};

/// The outward rings, stamped with the present cycle.
pub struct Outlet {
    reports: Sender<Report>,
    events: Sender<Event>,
    cycle: u64,
    time_ns: u64,
    /// Events that found the ring full since start.
    pub events_dropped: u64,
    /// Reports that found the ring full since start; stays 0 as long as the gateway keeps to its admission.
    pub reports_dropped: u64,
}

impl Outlet {
    /// Both rings, empty.
    pub fn new(reports: Sender<Report>, events: Sender<Event>) -> Outlet {
        Outlet { reports, events, cycle: 0, time_ns: 0, events_dropped: 0, reports_dropped: 0 }
    }

    /// Stamps what follows with this cycle.
    pub fn begin_cycle(&mut self, cycle: u64, time_ns: u64) {
        self.cycle = cycle;
        self.time_ns = time_ns;
    }

    /// Time of the present cycle.
    pub fn time_ns(&self) -> u64 {
        self.time_ns
    }

    /// Tells what became of a command.
    pub fn verdict(&mut self, handle: Handle, verdict: Verdict) {
        if handle != Handle::NONE && self.reports.send(Report { handle, cycle: self.cycle, verdict }).is_err() {
            self.reports_dropped += 1;
        }
    }

    /// Tells what happened; a full ring drops the newest and counts it.
    pub fn event(&mut self, kind: EventKind) {
        if self.events.send(Event { cycle: self.cycle, time_ns: self.time_ns, kind }).is_err() {
            self.events_dropped += 1;
        }
    }
}

impl Outcomes for Outlet {
    fn report(&mut self, handle: Handle, progress: Progress) {
        self.verdict(handle, Verdict::Progress(progress));
    }

    fn soft_limit_reached(&mut self, axis: AxisId) {
        self.event(EventKind::SoftLimitReached { axis });
    }
}
