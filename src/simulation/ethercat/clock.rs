//! The clock of a controller: a local one that is off by some parts per billion, and the system time that a loop makes of
//! it (ETG.1000.4, distributed clocks).

/// Share of a difference that is taken away at once.
const PROPORTIONAL: f64 = 0.125;
/// Share of a difference that changes the rate, per nanosecond between two comparisons.
const INTEGRAL: f64 = 0.01;
/// What one comparison moves the clock by at most, nanoseconds: the loop turns it, and does not set it.
const MOST_NS: f64 = 10_000.0;
/// How far the loop changes the rate at most, ppb.
const MOST_PPB: f64 = 1e6;
/// The loop's filter, as a share of the newest difference.
const FILTER: f64 = 0.25;

/// One clock.
#[derive(Clone, Debug)]
pub struct Clock {
    /// How fast it runs, ppb above the time of the simulation.
    drift_ppb: f64,
    /// Its reading at `since_ns`, nanoseconds.
    local: f64,
    since_ns: u64,
    /// What the loop adds to the rate, ppb.
    correction_ppb: f64,
    /// What the loop has added to the reading, nanoseconds.
    shift: f64,
    compared_ns: Option<u64>,
    /// Filtered difference of the system time, nanoseconds.
    difference: f64,
}

impl Clock {
    /// One that started at an arbitrary time and drifts.
    pub fn new(start_ns: u64, drift_ppb: f64) -> Clock {
        Clock {
            drift_ppb,
            local: start_ns as f64,
            since_ns: 0,
            correction_ppb: 0.0,
            shift: 0.0,
            compared_ns: None,
            difference: 0.0,
        }
    }

    /// Drifts differently from now on.
    pub fn set_drift(&mut self, drift_ppb: f64, now_ns: u64) {
        self.local = self.local_at(now_ns);
        self.since_ns = now_ns;
        self.drift_ppb = drift_ppb;
    }

    fn local_at(&self, now_ns: u64) -> f64 {
        let passed = now_ns.saturating_sub(self.since_ns) as f64;
        self.local + passed * (1.0 + self.drift_ppb * 1e-9)
    }

    /// The local time, nanoseconds: what the loop has made of it.
    pub fn local_ns(&self, now_ns: u64) -> u64 {
        let since = self.compared_ns.map_or(0.0, |compared| now_ns.saturating_sub(compared) as f64);
        (self.local_at(now_ns) + self.shift + since * self.correction_ppb * 1e-9) as u64
    }

    /// The local copy of the system time, with the offset that the master wrote.
    pub fn system_ns(&self, now_ns: u64, offset: u64) -> u64 {
        self.local_ns(now_ns).wrapping_add(offset)
    }

    /// The system time of the reference has come by; the clock follows it.
    pub fn compare(&mut self, received_ns: u64, delay_ns: u32, offset: u64, now_ns: u64) {
        let own = self.system_ns(now_ns, offset);
        let difference = own.wrapping_sub(received_ns.wrapping_add(u64::from(delay_ns))) as i64 as f64;
        let since = self.compared_ns.map_or(0.0, |compared| now_ns.saturating_sub(compared) as f64);
        self.shift += since * self.correction_ppb * 1e-9 - (PROPORTIONAL * difference).clamp(-MOST_NS, MOST_NS);
        if since > 0.0 {
            let corrected_ppb = self.correction_ppb - INTEGRAL * difference / since * 1e9;
            self.correction_ppb = corrected_ppb.clamp(-MOST_PPB, MOST_PPB);
        }
        self.compared_ns = Some(now_ns);
        self.difference += FILTER * (difference - self.difference);
    }

    /// Register 092Ch: bit 31 says that the own time is behind.
    pub fn difference_register(&self) -> u32 {
        let magnitude = self.difference.abs().min(f64::from(0x7FFF_FFFF_u32)) as u32;
        if self.difference < 0.0 { magnitude | 0x8000_0000 } else { magnitude }
    }

    /// The master has set the loop back.
    pub fn reset(&mut self, now_ns: u64) {
        if let Some(compared_ns) = &mut self.compared_ns {
            self.shift += now_ns.saturating_sub(*compared_ns) as f64 * self.correction_ppb * 1e-9;
            *compared_ns = now_ns.max(*compared_ns);
        }
        (self.correction_ppb, self.difference) = (0.0, 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_drifts_follows_the_reference() {
        let reference = Clock::new(5_000, 0.0);
        let mut clock = Clock::new(1_000_000_000, 200_000.0);
        let offset = 5_000_u64.wrapping_sub(1_000_000_000);
        let mut worst = 0;
        for cycle in 1..=4000_u64 {
            let now = cycle * 1_000_000;
            clock.compare(reference.local_ns(now), 0, offset, now);
            let error = clock.system_ns(now, offset).wrapping_sub(reference.system_ns(now, 0)) as i64;
            if cycle > 2000 {
                worst = worst.max(error.abs());
            }
        }
        assert!(worst < 100, "{worst} ns off");
        assert!(clock.difference_register() & 0x7FFF_FFFF < 100);
        // Between two comparisons it runs on at the rate of the reference.
        let (now, later) = (4_000_000_000, 4_000_900_000);
        let passed = clock.system_ns(later, offset) - clock.system_ns(now, offset);
        assert!(passed.abs_diff(900_000) < 50, "{passed}");
    }

    #[test]
    fn a_time_that_is_far_off_moves_a_clock_but_little() {
        // Masters write zeros to all clocks before they set them up.
        let mut clock = Clock::new(1_000_000_000, 0.0);
        let offset = 800_000_000_000_000_000;
        let before = clock.system_ns(1_000_000, offset);
        clock.compare(0, 0, offset, 1_000_000);
        assert!(clock.system_ns(1_000_000, offset).abs_diff(before) <= 10_000);
        // A master that sets its offset by the local time sets the system time.
        let offset = 5_000_000_000_000_u64.wrapping_sub(clock.local_ns(2_000_000));
        assert_eq!(clock.system_ns(2_000_000, offset), 5_000_000_000_000);
    }
}
