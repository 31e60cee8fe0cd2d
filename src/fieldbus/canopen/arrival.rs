//! When a frame came, on the clock of the cycle.
//!
//! The kernel stamps a frame by CLOCK_REALTIME when the driver hands it over, which does not depend on when anybody looks. Here the
//! stamp becomes a time of CLOCK_MONOTONIC: both clocks are read one after the other, and the stamp's distance from the one is that
//! from the other. A wall clock that is set in between would move it anywhere; so it is held between the look that found nothing
//! and the one that found the frame, where it must be.
//!
//! Stamps of the controller itself are not used: it counts by a clock of its own, which drifts against the system's and has no
//! common reading with it.

/// Both clocks at one instant, nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// CLOCK_MONOTONIC.
    pub monotonic_ns: u64,
    /// CLOCK_REALTIME.
    pub realtime_ns: u64,
}

/// Readings for one that was not disturbed, at most.
const ATTEMPTS: usize = 3;
/// A reading that takes no longer was not disturbed, nanoseconds.
const UNDISTURBED_NS: u64 = 2_000;

impl Reading {
    /// Reads the wall clock between two readings of the other, which bound how far they may be apart; once more where something
    /// came in between. The closest counts. Bound: `ATTEMPTS`.
    pub fn take(mut monotonic_ns: impl FnMut() -> u64, mut realtime_ns: impl FnMut() -> u64) -> Reading {
        let (mut best, mut closest_ns) = (Reading::default(), u64::MAX);
        for _ in 0..ATTEMPTS {
            let before_ns = monotonic_ns();
            let realtime_ns = realtime_ns();
            let took_ns = monotonic_ns().saturating_sub(before_ns);
            if took_ns < closest_ns {
                (best, closest_ns) = (Reading { monotonic_ns: before_ns + took_ns / 2, realtime_ns }, took_ns);
            }
            if took_ns <= UNDISTURBED_NS {
                break;
            }
        }
        best
    }
}

/// What is known of an interface's frames while they are taken.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arrivals {
    /// Nothing waited then, nanoseconds.
    empty_ns: u64,
    /// Of this look, once it found a frame.
    reading: Option<Reading>,
}

impl Arrivals {
    /// A frame was found that the kernel stamped so: when it came. `read` is asked once in a look.
    pub fn found(&mut self, stamp_ns: u64, read: impl FnOnce() -> Reading) -> u64 {
        let Reading { monotonic_ns, realtime_ns } = *self.reading.get_or_insert_with(read);
        // What came while the frames before it were taken counts as come when that began.
        let age_ns = realtime_ns.saturating_sub(stamp_ns);
        monotonic_ns.saturating_sub(age_ns).max(self.empty_ns.min(monotonic_ns))
    }

    /// Nothing waits any more, in a look that was begun at this time or later.
    pub fn found_nothing(&mut self, now_ns: u64) {
        let looked_ns = self.reading.take().map_or(now_ns, |reading| reading.monotonic_ns);
        self.empty_ns = self.empty_ns.max(looked_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL_NS: u64 = 1_700_000_000_000_000_000;

    fn at(monotonic_ns: u64) -> Reading {
        Reading { monotonic_ns, realtime_ns: WALL_NS + monotonic_ns }
    }

    #[test]
    fn a_stamp_is_as_long_ago_on_one_clock_as_on_the_other() {
        let mut arrivals = Arrivals::default();
        arrivals.found_nothing(1_000);
        assert_eq!(arrivals.found(WALL_NS + 4_000, || at(9_000)), 4_000);
        // The clocks are read once in a look; what comes during it has come when it began.
        assert_eq!(arrivals.found(WALL_NS + 5_000, || unreachable!()), 5_000);
        assert_eq!(arrivals.found(WALL_NS + 9_500, || unreachable!()), 9_000);
        arrivals.found_nothing(8_000);
        assert_eq!(arrivals.found(WALL_NS + 12_000, || at(13_000)), 12_000);
    }

    #[test]
    fn a_wall_clock_that_is_set_moves_nothing_out_of_the_time_between_two_looks() {
        let mut arrivals = Arrivals::default();
        arrivals.found_nothing(1_000);
        let set = |by: i64| Reading { monotonic_ns: 9_000, realtime_ns: (WALL_NS + 9_000).wrapping_add_signed(by) };
        assert_eq!(arrivals.found(WALL_NS + 4_000, || set(3_600_000_000_000)), 1_000);
        arrivals = Arrivals::default();
        arrivals.found_nothing(1_000);
        assert_eq!(arrivals.found(WALL_NS + 4_000, || set(-3_600_000_000_000)), 9_000);
    }

    #[test]
    fn a_reading_that_was_disturbed_is_taken_again() {
        let mut times = [0, 900_000, 1_000_000, 1_001_000].into_iter();
        let mut walls = [WALL_NS + 10, WALL_NS + 1_000_400].into_iter();
        let reading = Reading::take(|| times.next().unwrap(), || walls.next().unwrap());
        assert_eq!(reading, Reading { monotonic_ns: 1_000_500, realtime_ns: WALL_NS + 1_000_400 });
    }
}
