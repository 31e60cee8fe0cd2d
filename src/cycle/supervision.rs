//! Is the axis where it was told to be? Following error against the setpoint of the instant at which the
//! feedback was sampled, freshness of the feedback, and an encoder that stands still while it should not.
//!
//! The bus knows how many periods pass between the computation of a setpoint and the sampling of the feedback that
//! should match it ([`crate::fieldbus::CyclicBus::feedback_delay_periods`]); a ring of past setpoints gives the one
//! to compare with, so that speed alone is no error.

use crate::drive::Feedback;
use crate::fault::Fault;
use crate::limits::{HANDOVER_HISTORY, SETPOINT_HISTORY};
use crate::units::Setpoint;

/// What one axis is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SupervisionParameters {
    /// Following error allowed for any time, axis units; `None` does not watch it.
    pub following_window: Option<f64>,
    /// How long it may be larger, seconds.
    pub following_time_s: f64,
    /// Cycles in a row without fresh feedback that are ridden through.
    pub stale_cycles_tolerated: u32,
    /// Length of the modulo range, axis units; `None` for axes that have none.
    pub modulo: Option<f64>,
}

/// What one cycle's look at an axis found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Finding {
    /// Setpoint minus feedback at the instant of sampling, axis units.
    pub following_error: f64,
    /// |following error| of its window; 0 without one.
    pub following_ratio: f64,
    /// What must be raised now.
    pub fault: Option<Fault>,
}

/// The watch over one axis. Each call costs a bounded few operations.
#[derive(Clone, Debug)]
pub struct Supervision {
    parameters: SupervisionParameters,
    /// Length of the modulo range, 0 without one.
    range: f64,
    /// The following error that is allowed, infinite where it is not watched.
    window: f64,
    period_s: f64,
    /// Turns and position of past setpoints, a ring in the first places: no more than the delay asks for.
    history: [(i64, f64); HANDOVER_HISTORY],
    /// The number of the last of these places: one less than a power of two.
    last: usize,
    newest: usize,
    /// Where the setpoint of the sampling instant stands: so many places on from the newest, and this share of the way to
    /// the one before.
    sampled: usize,
    share_back: Option<f64>,
    outside_cycles: u32,
    stale_cycles: u32,
    /// The feedback when it was outside its window first, and whether it is the same since.
    outside_at: (i64, f64),
    unchanged: bool,
}

impl Supervision {
    /// A watch for feedback that is `delay_periods` old (0 to `HANDOVER_HISTORY - 2`).
    pub fn new(parameters: SupervisionParameters, delay_periods: f64, period_s: f64) -> Supervision {
        // The newest entry was computed one period before the check, so a delay of n periods is n - 1 entries back.
        let back = (delay_periods.clamp(0.0, (HANDOVER_HISTORY - 2) as f64) - 1.0).max(0.0);
        let short = delay_periods <= (SETPOINT_HISTORY - 2) as f64;
        let last = if short { SETPOINT_HISTORY } else { HANDOVER_HISTORY } - 1;
        Supervision {
            parameters,
            range: parameters.modulo.unwrap_or(0.0),
            window: parameters.following_window.unwrap_or(f64::INFINITY),
            period_s,
            history: [(0, 0.0); HANDOVER_HISTORY],
            last,
            newest: 0,
            sampled: last + 1 - back as usize,
            share_back: Some(back.fract()).filter(|share| *share > 0.0),
            outside_cycles: 0,
            stale_cycles: 0,
            outside_at: (0, 0.0),
            unchanged: false,
        }
    }

    /// Judges by other windows and times from now on.
    pub fn set_parameters(&mut self, parameters: SupervisionParameters) {
        self.parameters = parameters;
        self.range = parameters.modulo.unwrap_or(0.0);
        self.window = parameters.following_window.unwrap_or(f64::INFINITY);
    }

    /// What it judges by.
    pub fn parameters(&self) -> &SupervisionParameters {
        &self.parameters
    }

    /// Notes the setpoint that this cycle computed.
    pub fn record(&mut self, setpoint: &Setpoint) {
        self.newest = self.after(self.newest, 1);
        self.history[self.newest] = (setpoint.turns, setpoint.position);
    }

    /// The axis does not follow setpoints: the past is where it is, so that enabling starts without an error.
    pub fn rest_at(&mut self, place: &Setpoint) {
        let place = (place.turns, place.position);
        if self.outside_cycles != 0 || self.history[self.newest] != place || self.history[self.oldest()] != place {
            self.history[..=self.last].fill(place);
        }
        self.outside_cycles = 0;
    }

    fn oldest(&self) -> usize {
        self.after(self.newest, 1)
    }

    /// So many places on in the ring.
    #[inline]
    fn after(&self, place: usize, steps: usize) -> usize {
        (place + steps) & self.last & (HANDOVER_HISTORY - 1)
    }

    /// The setpoint of the sampling instant minus this feedback, axis units. Called before this cycle's `record`.
    fn error_of(&self, turns: i64, position: f64) -> f64 {
        let error_at = |steps: usize| {
            let (there, setpoint) = self.history[self.after(self.newest, steps)];
            (there - turns) as f64 * self.range + (setpoint - position)
        };
        let near = error_at(self.sampled);
        self.share_back.map_or(near, |share| near + share * (error_at(self.sampled - 1) - near))
    }

    /// Looks at one cycle's feedback of an axis that follows setpoints.
    #[inline(always)] // one caller a program, in the loop over the axes
    pub fn check(&mut self, feedback: &Feedback, fresh: bool) -> Finding {
        let Feedback { turns, position, .. } = *feedback;
        let (following_error, mut fault) =
            if fresh { (self.error_of(turns, position), None) } else { self.stale(feedback) };
        let following_ratio = following_error.abs() / self.window;
        if fresh {
            // NaN is not inside.
            if following_ratio <= 1.0 {
                (self.outside_cycles, self.stale_cycles) = (0, 0);
            } else {
                fault = self.outside(turns, position);
            }
        }
        Finding { following_error, following_ratio, fault }
    }

    /// One more cycle without fresh feedback: the following error, as far as it is known, and a fault by its age.
    #[cold]
    fn stale(&mut self, feedback: &Feedback) -> (f64, Option<Fault>) {
        self.stale_cycles = self.stale_cycles.saturating_add(1);
        let fault = (self.stale_cycles > self.parameters.stale_cycles_tolerated).then_some(Fault::StaleFeedback);
        // What is not known is not judged: an old position against a new setpoint is no following error. A guess is shown, and stops nothing.
        let guessed = feedback.extrapolated;
        (if guessed { self.error_of(feedback.turns, feedback.position) } else { 0.0 }, fault)
    }

    /// One more cycle outside the window.
    #[cold]
    fn outside(&mut self, turns: i64, position: f64) -> Option<Fault> {
        self.stale_cycles = 0;
        self.parameters.following_window?;
        if self.outside_cycles == 0 {
            (self.outside_at, self.unchanged) = ((turns, position), true);
        }
        self.unchanged &= self.outside_at == (turns, position);
        self.outside_cycles = self.outside_cycles.saturating_add(1);
        // Not one increment of change for as long as the error was outside: the encoder, not the load.
        let stuck = self.unchanged && self.outside_cycles > 3;
        let late = f64::from(self.outside_cycles) * self.period_s > self.parameters.following_time_s;
        late.then_some(if stuck { Fault::EncoderStuck } else { Fault::FollowingError })
    }

    /// Forgets what it counted, after a reset.
    pub fn clear(&mut self) {
        self.outside_cycles = 0;
        self.stale_cycles = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_S: f64 = 0.001;

    fn seen(turns: i64, position: f64) -> Feedback {
        Feedback { turns, position, ..Feedback::default() }
    }

    fn watch(delay: f64) -> Supervision {
        let parameters = SupervisionParameters {
            following_window: Some(1.0),
            following_time_s: 0.010,
            stale_cycles_tolerated: 3,
            modulo: Some(360.0),
        };
        Supervision::new(parameters, delay, PERIOD_S)
    }

    fn at(position: f64) -> Setpoint {
        Setpoint { position, ..Setpoint::default() }
    }

    #[test]
    fn an_axis_that_follows_perfectly_has_no_error_at_any_speed_and_delay() {
        for delay in [1.0, 2.0, 2.5, 5.0, 14.0, 14.5, 42.0, 62.0] {
            let mut watch = watch(delay);
            for cycle in 0..200 {
                let velocity = 7.0;
                if cycle > HANDOVER_HISTORY {
                    let sampled = velocity * (f64::from(cycle as u32) - delay);
                    let finding = watch.check(&seen(0, sampled), true);
                    assert!(finding.following_error.abs() < 1e-9, "delay {delay} cycle {cycle}: {finding:?}");
                    assert_eq!(finding.fault, None);
                }
                watch.record(&at(velocity * f64::from(cycle as u32)));
            }
        }
    }

    #[test]
    fn a_delay_that_is_wrong_by_one_cycle_shows_as_velocity_times_period() {
        let mut watch = watch(2.0);
        for cycle in 0..100 {
            if cycle > SETPOINT_HISTORY {
                let error = watch.check(&seen(0, 7.0 * (f64::from(cycle as u32) - 3.0)), true).following_error;
                assert!((error - 7.0).abs() < 1e-9, "{error}");
            }
            watch.record(&at(7.0 * f64::from(cycle as u32)));
        }
    }

    #[test]
    fn an_error_is_a_fault_only_after_its_time() {
        let mut watch = watch(2.0);
        watch.rest_at(&at(0.0));
        for cycle in 1..=10 {
            assert_eq!(watch.check(&seen(0, -1.5 - f64::from(cycle) * 1e-3), true).fault, None, "cycle {cycle}");
        }
        assert_eq!(watch.check(&seen(0, -1.6), true).fault, Some(Fault::FollowingError));
        watch.clear();
        assert_eq!(watch.check(&seen(0, -1.7), true).fault, None);
    }

    #[test]
    fn feedback_without_any_change_is_named_a_stuck_encoder() {
        let mut watch = watch(2.0);
        watch.rest_at(&at(0.0));
        let fault = (0..30).find_map(|cycle| {
            watch.record(&at(f64::from(cycle)));
            watch.check(&seen(0, 0.0), true).fault
        });
        assert_eq!(fault, Some(Fault::EncoderStuck));
    }

    #[test]
    fn stale_feedback_is_ridden_through_then_a_fault() {
        let mut watch = watch(2.0);
        watch.rest_at(&at(5.0));
        for _ in 0..3 {
            assert_eq!(watch.check(&seen(0, -100.0), false), Finding::default());
        }
        assert_eq!(watch.check(&seen(0, -100.0), false).fault, Some(Fault::StaleFeedback));
        assert_eq!(watch.check(&seen(0, 5.0), true).fault, None);
    }

    #[test]
    fn a_guess_is_shown_and_stops_nothing_but_by_its_age() {
        let mut watch = watch(1.0);
        watch.rest_at(&at(5.0));
        let guess = Feedback { extrapolated: true, ..seen(0, -95.0) };
        for _ in 0..3 {
            let shown = Finding { following_error: 100.0, following_ratio: 100.0, fault: None };
            assert_eq!(watch.check(&guess, false), shown);
        }
        assert_eq!(watch.check(&guess, false).fault, Some(Fault::StaleFeedback));
    }

    #[test]
    fn turns_count_in_the_error() {
        let mut watch = watch(2.0);
        watch.rest_at(&Setpoint { turns: 3, position: 1.0, ..Setpoint::default() });
        let error = watch.check(&seen(2, 359.5), true).following_error;
        assert!((error - 1.5).abs() < 1e-9, "{error}");
    }

    #[test]
    fn a_feedback_that_is_no_number_is_a_fault() {
        let mut watch = watch(2.0);
        watch.rest_at(&at(0.0));
        let fault = (0..20).find_map(|_| watch.check(&seen(0, f64::NAN), true).fault);
        assert_eq!(fault, Some(Fault::FollowingError));
    }
}
