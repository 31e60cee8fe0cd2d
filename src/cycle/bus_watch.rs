//! Is a bus there? Counts incomplete exchanges, tells a lost bus from a device that dropped out, and notices when a
//! lost bus is back.

use crate::fault::Fault;
use crate::fieldbus::CycleReport;

/// What one bus is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusWatchParameters {
    /// Exchanges in a row without an answer that are ridden through.
    pub lost_frames_tolerated: u32,
    /// Exchanges in a row with a wrong working counter that are ridden through.
    pub working_counter_errors_tolerated: u32,
}

/// Complete exchanges in a row after which a lost bus counts as recovered.
const COMPLETE_TO_RECOVER: u32 = 10;

/// What changed in one cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusChange {
    /// Nothing to tell.
    None,
    /// The bus went down.
    Down(Fault),
    /// The bus is back after a recovery was asked for.
    Recovered,
}

/// The watch over one bus.
#[derive(Clone, Debug)]
pub struct BusWatch {
    parameters: BusWatchParameters,
    up: bool,
    recovering: bool,
    lost_in_a_row: u32,
    wrong_in_a_row: u32,
    complete_in_a_row: u32,
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
            recovering: false,
            lost_in_a_row: 0,
            wrong_in_a_row: 0,
            complete_in_a_row: 0,
            frames_lost: 0,
            frames_late: 0,
            working_counter_errors: 0,
        }
    }

    /// Whether motion may rely on it.
    pub fn up(&self) -> bool {
        self.up
    }

    /// Somebody asked for recovery; without that a bus that went down stays down.
    pub fn recover(&mut self) {
        self.recovering = !self.up;
        self.complete_in_a_row = 0;
    }

    /// Takes one exchange's report.
    pub fn look(&mut self, report: &CycleReport) -> BusChange {
        let wrong =
            !report.lost && (report.working_counter != report.working_counter_expected || report.not_operational != 0);
        self.frames_late += u64::from(report.late);
        self.frames_lost += u64::from(report.lost);
        self.working_counter_errors += u64::from(wrong);
        self.lost_in_a_row = if report.lost { self.lost_in_a_row.saturating_add(1) } else { 0 };
        // A lost frame tells nothing about who would have taken part: it neither counts nor clears.
        self.wrong_in_a_row = match (report.lost, wrong) {
            (true, _) => self.wrong_in_a_row,
            (false, true) => self.wrong_in_a_row.saturating_add(1),
            (false, false) => 0,
        };
        self.complete_in_a_row = if report.complete() { self.complete_in_a_row.saturating_add(1) } else { 0 };

        if self.up {
            let fault = if self.lost_in_a_row > self.parameters.lost_frames_tolerated {
                Fault::BusLost
            } else if self.wrong_in_a_row > self.parameters.working_counter_errors_tolerated {
                Fault::WorkingCounter
            } else {
                return BusChange::None;
            };
            self.up = false;
            self.recovering = false;
            return BusChange::Down(fault);
        }
        if self.recovering && self.complete_in_a_row >= COMPLETE_TO_RECOVER {
            self.up = true;
            self.recovering = false;
            return BusChange::Recovered;
        }
        BusChange::None
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
        fresh: 7,
        not_operational: 0,
    };
    const LOST: CycleReport = CycleReport { working_counter: 0, lost: true, fresh: 0, ..GOOD };
    const WRONG: CycleReport = CycleReport { working_counter: 6, fresh: 3, ..GOOD };

    fn watch() -> BusWatch {
        BusWatch::new(BusWatchParameters { lost_frames_tolerated: 2, working_counter_errors_tolerated: 1 })
    }

    #[test]
    fn as_many_lost_frames_as_allowed_are_ridden_through() {
        let mut watch = watch();
        for _ in 0..5 {
            assert_eq!(watch.look(&LOST), BusChange::None);
            assert_eq!(watch.look(&LOST), BusChange::None);
            assert_eq!(watch.look(&GOOD), BusChange::None);
        }
        assert_eq!((watch.frames_lost, watch.up()), (10, true));
        watch.look(&LOST);
        watch.look(&LOST);
        assert_eq!(watch.look(&LOST), BusChange::Down(Fault::BusLost));
        assert_eq!(watch.look(&LOST), BusChange::None, "told once");
    }

    #[test]
    fn a_wrong_working_counter_is_not_forgotten_over_a_lost_frame() {
        let mut watch = watch();
        assert_eq!(watch.look(&WRONG), BusChange::None);
        assert_eq!(watch.look(&LOST), BusChange::None);
        assert_eq!(watch.look(&WRONG), BusChange::Down(Fault::WorkingCounter));
    }

    #[test]
    fn a_lost_bus_comes_back_only_when_asked_and_only_when_whole() {
        let mut watch = watch();
        while watch.up() {
            watch.look(&LOST);
        }
        for _ in 0..50 {
            assert_eq!(watch.look(&GOOD), BusChange::None);
        }
        watch.recover();
        for _ in 0..COMPLETE_TO_RECOVER - 1 {
            assert_eq!(watch.look(&GOOD), BusChange::None);
        }
        watch.look(&WRONG);
        for _ in 0..COMPLETE_TO_RECOVER - 1 {
            assert_eq!(watch.look(&GOOD), BusChange::None);
        }
        assert_eq!(watch.look(&GOOD), BusChange::Recovered);
        assert!(watch.up());
    }
}
