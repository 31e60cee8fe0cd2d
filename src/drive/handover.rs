//! How a drive takes its targets where that needs a word of its own: a bit of the controlword, and the drive's answer in the
//! statusword (CiA 402-2, interpolated position and profile position).
//!
//! Interpolated position: bit 4 has the drive go from record to record (60C1h:01), one a period, and statusword bit 12 says that
//! it does. Without either the drive holds.
//!
//! Profile position: the drive reads 607Ah where bit 4 rises, and says so with bit 12; only then may the bit fall, and rise again
//! when bit 12 has fallen. Bit 5 has each target replace the one before. So targets go out as fast as the drive answers, always
//! the newest.
//!
//! ```text
//! Free: bit 4 = 0, 607Ah moves ─ another target ─► Offered: bit 4 = 1, 607Ah stands ─ bit 12 = 1 ─► Withdrawn: bit 4 = 0
//!   ▲                                                                                                  │ bit 12 = 0
//!   └──────────────────────────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! A target that is offered stood in the outputs in the cycle before already: it is in the drive when the bit comes, in whatever
//! order a bus carries the two, and is no place between two targets where a bus makes its outputs wait.

use super::cia402::{controlword, statusword};
use super::parameters::Mode;

/// How far the hand-over of a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Free,
    Offered,
    Withdrawn,
}

/// The hand-over of one drive's targets.
#[derive(Clone, Copy, Debug)]
pub struct Handover {
    mode: Mode,
    /// Targets need no word of their own.
    silent: bool,
    step: Step,
    /// Statusword bit 12, in operation.
    answer: bool,
    /// What stands in the outputs, increments.
    written: i64,
    /// What was offered last, since the drive is in operation.
    offered: Option<i64>,
    /// The drive has taken a target since it is in operation.
    taken: bool,
    /// Cycles that it has been owing an answer, and that it may.
    waited_cycles: u32,
    patience_cycles: u32,
}

impl Handover {
    /// For a drive in this mode, which may take so many cycles for an answer.
    pub fn new(mode: Mode, patience_cycles: u32) -> Handover {
        Handover {
            mode,
            silent: !matches!(mode, Mode::Ip | Mode::Pp),
            step: Step::Free,
            answer: false,
            written: 0,
            offered: None,
            taken: false,
            waited_cycles: 0,
            patience_cycles,
        }
    }

    /// Targets need no word of their own: they are followed as they come.
    #[inline]
    pub fn is_silent(&self) -> bool {
        self.silent
    }

    /// Takes what a drive in operation shows; out of operation the bit has no meaning here.
    #[inline]
    pub fn observe(&mut self, word: u16, in_operation: bool) {
        self.answer = in_operation && word & statusword::MODE_ANSWER != 0;
    }

    /// The drive takes what it is given, as far as it has said anything.
    #[inline]
    pub fn follows(&self) -> bool {
        let answers = || match self.mode {
            Mode::Ip => self.answer,
            _ => self.taken && self.waited_cycles <= self.patience_cycles,
        };
        self.silent || answers()
    }

    /// The drive is not in operation, and the target is where it stands.
    pub fn rest(&mut self, target: i64) {
        *self = Handover { written: target, ..Handover::new(self.mode, self.patience_cycles) };
    }

    /// The target that goes out and the bits that go with it, for a drive in operation whose newest target this is.
    pub fn hand(&mut self, target: i64) -> (i64, u16) {
        match self.mode {
            Mode::Csp | Mode::Csv | Mode::Cst => (target, 0),
            Mode::Ip => (target, controlword::ENABLE_INTERPOLATION),
            Mode::Pp => self.offer(target),
        }
    }

    fn offer(&mut self, target: i64) -> (i64, u16) {
        let before = self.step;
        match self.step {
            Step::Offered if self.answer => (self.step, self.taken) = (Step::Withdrawn, true),
            Step::Withdrawn if !self.answer => self.step = Step::Free,
            _ => {}
        }
        let due = self.step == Step::Free && self.offered != Some(self.written);
        if due && !self.answer {
            (self.step, self.offered) = (Step::Offered, Some(self.written));
        }
        // A drive that shows bit 12 unasked owes its fall.
        let owes = self.step != Step::Free || due && self.answer;
        self.waited_cycles = if owes && self.step == before { self.waited_cycles.saturating_add(1) } else { 0 };
        if self.step == Step::Offered {
            return (self.written, controlword::NEW_SETPOINT | controlword::CHANGE_IMMEDIATELY);
        }
        self.written = target;
        (target, controlword::CHANGE_IMMEDIATELY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: u16 = controlword::NEW_SETPOINT | controlword::CHANGE_IMMEDIATELY;
    const WAIT: u16 = controlword::CHANGE_IMMEDIATELY;

    /// One that is in operation at 100.
    fn handover(patience_cycles: u32) -> Handover {
        let mut handover = Handover::new(Mode::Pp, patience_cycles);
        handover.rest(100);
        handover
    }

    #[test]
    fn a_target_is_offered_until_it_is_taken_and_the_newest_is_next() {
        let mut handover = handover(50);
        // The place where it stands goes first.
        assert_eq!(handover.hand(100), (100, OFFER));
        assert!(!handover.follows(), "nothing is taken yet");
        assert_eq!([103, 105].map(|target| handover.hand(target)), [(100, OFFER); 2], "it stands while it is offered");
        handover.observe(0x1000, true);
        assert_eq!(handover.hand(107), (107, WAIT));
        assert!(handover.follows());
        assert_eq!(handover.hand(109), (109, WAIT), "the answer has not fallen");
        handover.observe(0, true);
        assert_eq!(handover.hand(111), (109, OFFER), "the newest that stood there in the cycle before");
        handover.observe(0x1000, true);
        assert_eq!(handover.hand(113), (113, WAIT));
        handover.observe(0, true);
        assert_eq!(handover.hand(113), (113, OFFER));
        handover.observe(0x1000, true);
        handover.hand(113);
        handover.observe(0, true);
        // What it has already is not offered again.
        assert_eq!([113; 3].map(|target| handover.hand(target)), [(113, WAIT); 3]);
    }

    #[test]
    fn an_answer_that_does_not_come_or_does_not_fall_is_noticed() {
        for stuck in [0, 0x1000] {
            let mut handover = handover(10);
            handover.hand(100);
            handover.observe(0x1000, true);
            handover.hand(100);
            assert!(handover.follows());
            if stuck == 0 {
                handover.observe(0, true);
                handover.hand(200);
            }
            handover.observe(stuck, true);
            let cycles = (1..100).find(|_| {
                handover.hand(200);
                !handover.follows()
            });
            assert!(cycles.is_some_and(|cycles| (10..=12).contains(&cycles)), "{stuck:#x}: {cycles:?}");
        }
    }

    #[test]
    fn out_of_operation_nothing_is_offered_and_the_answer_means_nothing() {
        let mut handover = handover(10);
        handover.hand(100);
        handover.observe(0x1000, false);
        handover.rest(300);
        assert!(!handover.follows());
        assert_eq!(handover.hand(300), (300, OFFER), "it begins anew");
    }
}
