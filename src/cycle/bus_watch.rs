//! Is a bus there, and each of its devices? Counts what is lost and what is incomplete, and tells a lost bus from a device
//! that dropped out.

use crate::fault::Fault;
use crate::fieldbus::CycleReport;
use crate::limits::MAX_BUS_DEVICES;

/// What one bus is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusWatchParameters {
    /// Exchanges in a row without an answer that are ridden through.
    pub lost_frames_tolerated: u32,
    /// Exchanges in a row in which a device takes no part that are ridden through.
    pub working_counter_errors_tolerated: u32,
}

/// Exchanges in a row after which a lost bus, or a device that dropped out, counts as back.
const GOOD_TO_RETURN: u32 = 10;

/// What one exchange changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusChange {
    /// The bus went down.
    pub down: Option<Fault>,
    /// The bus exchanges again.
    pub recovered: bool,
    /// One bit a device that dropped out.
    pub dropped: u64,
    /// One bit a device that takes part again.
    pub returned: u64,
}

/// The watch over one bus. Each look costs a few operations, and some more a device while one is incomplete.
#[derive(Clone, Debug)]
pub struct BusWatch {
    parameters: BusWatchParameters,
    up: bool,
    lost_in_a_row: u32,
    answered_in_a_row: u32,
    /// One bit a device that dropped out.
    dropped: u64,
    /// One bit a device whose counters below are not both at rest.
    unsettled: u64,
    missed_in_a_row: [u32; MAX_BUS_DEVICES],
    good_in_a_row: [u32; MAX_BUS_DEVICES],
    /// Exchanges without an answer since start.
    pub frames_lost: u64,
    /// Answers that came late since start.
    pub frames_late: u64,
    /// Exchanges with a wrong working counter since start.
    pub working_counter_errors: u64,
}

impl BusWatch {
    /// A watch over a bus that is up.
    pub fn new(parameters: BusWatchParameters) -> BusWatch {
        BusWatch {
            parameters,
            up: true,
            lost_in_a_row: 0,
            answered_in_a_row: 0,
            dropped: 0,
            unsettled: 0,
            missed_in_a_row: [0; MAX_BUS_DEVICES],
            good_in_a_row: [0; MAX_BUS_DEVICES],
            frames_lost: 0,
            frames_late: 0,
            working_counter_errors: 0,
        }
    }

    /// Whether motion may rely on it.
    pub fn up(&self) -> bool {
        self.up
    }

    /// One bit a device that dropped out.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes one exchange's report.
    pub fn look(&mut self, report: &CycleReport) -> BusChange {
        self.frames_late += u64::from(report.late);
        self.frames_lost += u64::from(report.lost);
        let mut change = BusChange::default();
        if report.lost {
            // It tells nothing about who would have taken part: that neither counts nor clears.
            self.answered_in_a_row = 0;
            self.lost_in_a_row = self.lost_in_a_row.saturating_add(1);
            if self.up && self.lost_in_a_row > self.parameters.lost_frames_tolerated {
                self.up = false;
                change.down = Some(Fault::BusLost);
            }
            return change;
        }
        self.lost_in_a_row = 0;
        self.answered_in_a_row = self.answered_in_a_row.saturating_add(1);
        if !self.up && self.answered_in_a_row >= GOOD_TO_RETURN {
            self.up = true;
            change.recovered = true;
        }
        // Feedback that is only old is no missing device.
        let incomplete = report.working_counter != report.working_counter_expected;
        let missing = report.not_operational | if incomplete { !report.fresh & report.devices } else { 0 };
        self.working_counter_errors += u64::from(incomplete || report.not_operational != 0);
        self.look_at_devices(missing, &mut change);
        change
    }

    /// Bounded by the devices.
    fn look_at_devices(&mut self, missing: u64, change: &mut BusChange) {
        let mut concerned = missing | self.unsettled;
        while concerned != 0 {
            let (device, bit) = (concerned.trailing_zeros() as usize, concerned & concerned.wrapping_neg());
            concerned &= !bit;
            let (missed, good) = (&mut self.missed_in_a_row[device], &mut self.good_in_a_row[device]);
            if missing & bit != 0 {
                (*missed, *good) = (missed.saturating_add(1), 0);
                if self.dropped & bit == 0 && *missed > self.parameters.working_counter_errors_tolerated {
                    change.dropped |= bit;
                }
            } else {
                (*missed, *good) = (0, good.saturating_add(1));
                if self.dropped & bit != 0 && *good >= GOOD_TO_RETURN {
                    change.returned |= bit;
                }
            }
        }
        self.dropped = (self.dropped | change.dropped) & !change.returned;
        self.unsettled = missing | self.dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: CycleReport = CycleReport {
        working_counter: 9,
        working_counter_expected: 9,
        lost: false,
        late: false,
        devices: 7,
        fresh: 7,
        not_operational: 0,
        round_trip_ns: None,
        ring_whole: None,
        late_by_bus_clock_ns: None,
    };
    const LOST: CycleReport = CycleReport { working_counter: 0, lost: true, fresh: 0, ..GOOD };
    const WRONG: CycleReport = CycleReport { working_counter: 6, fresh: 3, ..GOOD };
    const NOTHING: BusChange = BusChange { down: None, recovered: false, dropped: 0, returned: 0 };

    fn watch() -> BusWatch {
        BusWatch::new(BusWatchParameters { lost_frames_tolerated: 2, working_counter_errors_tolerated: 1 })
    }

    #[test]
    fn as_many_lost_frames_as_allowed_are_ridden_through() {
        let mut watch = watch();
        for _ in 0..5 {
            assert_eq!(watch.look(&LOST), NOTHING);
            assert_eq!(watch.look(&LOST), NOTHING);
            assert_eq!(watch.look(&GOOD), NOTHING);
        }
        assert_eq!((watch.frames_lost, watch.up()), (10, true));
        watch.look(&LOST);
        watch.look(&LOST);
        assert_eq!(watch.look(&LOST), BusChange { down: Some(Fault::BusLost), ..NOTHING });
        assert_eq!(watch.look(&LOST), NOTHING, "told once");
        for _ in 0..GOOD_TO_RETURN - 1 {
            assert_eq!(watch.look(&GOOD), NOTHING);
        }
        assert_eq!(watch.look(&GOOD), BusChange { recovered: true, ..NOTHING });
    }

    #[test]
    fn a_missing_device_is_not_forgotten_over_a_lost_frame() {
        let mut watch = watch();
        assert_eq!(watch.look(&WRONG), NOTHING);
        assert_eq!(watch.look(&LOST), NOTHING);
        assert_eq!(watch.look(&WRONG), BusChange { dropped: 0b100, ..NOTHING });
        assert_eq!(watch.look(&WRONG), NOTHING, "told once");
        assert!(watch.up() && watch.dropped() == 1 << 2);
    }

    #[test]
    fn a_device_is_back_when_it_took_part_for_long_enough() {
        let mut watch = watch();
        watch.look(&WRONG);
        watch.look(&WRONG);
        for _ in 0..3 {
            for _ in 0..GOOD_TO_RETURN - 1 {
                assert_eq!(watch.look(&GOOD), NOTHING);
            }
            assert_eq!(watch.look(&WRONG), NOTHING);
        }
        for _ in 0..GOOD_TO_RETURN - 1 {
            assert_eq!(watch.look(&GOOD), NOTHING);
        }
        assert_eq!(watch.look(&GOOD), BusChange { returned: 0b100, ..NOTHING });
        assert_eq!(watch.dropped(), 0);
        assert_eq!(watch.look(&GOOD), NOTHING);
        assert_eq!(watch.unsettled, 0);
    }

    #[test]
    fn devices_count_for_themselves_and_old_feedback_is_no_missing_device() {
        let mut watch = watch();
        let other = CycleReport { working_counter: 6, fresh: 6, ..GOOD };
        let stale = CycleReport { fresh: 6, ..GOOD };
        let out = CycleReport { not_operational: 0b10, ..GOOD };
        for report in [WRONG, other, WRONG, other, stale, stale, out] {
            assert_eq!(watch.look(&report), NOTHING);
        }
        assert_eq!(watch.look(&out), BusChange { dropped: 0b10, ..NOTHING });
    }
}
