//! SYNC0 of a device: pulses by its system time.

/// When they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pulses {
    period_ns: u64,
    /// System time of the next one; never, where that is the end of time.
    next_ns: u64,
    /// There was one.
    seen: bool,
}

impl Pulses {
    /// From `start_ns` on, told at `system_ns`: a start in the past never comes.
    pub fn starting(period_ns: u64, start_ns: u64, system_ns: u64) -> Pulses {
        let next_ns = if start_ns > system_ns { start_ns } else { u64::MAX };
        Pulses { period_ns, next_ns, seen: false }
    }

    /// There are none any more.
    pub fn stop(&mut self) {
        (self.next_ns, self.seen) = (u64::MAX, false);
    }

    /// From one to the next.
    pub fn period_ns(&self) -> u64 {
        self.period_ns
    }

    /// System time of the next one, where there will be one.
    pub fn next_ns(&self) -> Option<u64> {
        (self.next_ns < u64::MAX).then_some(self.next_ns)
    }

    /// There was none and there will be none.
    pub fn never_come(&self) -> bool {
        !self.seen && self.next_ns == u64::MAX
    }

    /// How long ago the next one was by the system time, and what comes behind it; `None` where it is still to come.
    pub fn passed(&self, system_ns: u64) -> Option<(u64, Pulses)> {
        let ago_ns = system_ns.checked_sub(self.next_ns)?;
        Some((ago_ns, Pulses { next_ns: self.next_ns + self.period_ns, seen: true, ..*self }))
    }
}
