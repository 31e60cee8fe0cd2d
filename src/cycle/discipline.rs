//! Keeps the cycle in step with the clock of a bus (distributed clocks): a PI controller that shifts the next deadline by
//! what the bus says of the present one.
//!
//! The bus measures where in its own time the cycle's deadline falls, not the frame: a late wake-up is no error of phase. The
//! integral learns how far the two clocks run apart, and goes on with that while the bus says nothing.

/// Share of the error that the next deadline is shifted by.
const PROPORTIONAL: f64 = 0.05;
/// Share of the error that the integral takes up.
const INTEGRAL: f64 = 0.0008;
/// A deadline is shifted by at most this share of the period: fast enough to be in step within 200 cycles from anywhere, and
/// too little to be seen by drives.
const MOST_SHIFT: f64 = 0.005;
/// Clocks run apart by at most this share; what is more is no clock.
const MOST_DRIFT: f64 = 0.001;

/// The controller.
#[derive(Clone, Debug)]
pub struct Discipline {
    period_ns: f64,
    /// Nanoseconds a cycle.
    drift: f64,
    /// What of the last shifts was less than a nanosecond.
    rest: f64,
}

impl Discipline {
    /// For cycles of this period.
    pub fn new(period_ns: u64) -> Discipline {
        Discipline { period_ns: period_ns as f64, drift: 0.0, rest: 0.0 }
    }

    /// How much later the next deadline shall come, nanoseconds. `late_ns` is by how much this one came later than its
    /// place in the bus's time; `None` where the bus does not say.
    pub fn shift_ns(&mut self, late_ns: Option<i64>) -> i64 {
        let most = MOST_SHIFT * self.period_ns;
        let mut wanted = self.rest - self.drift;
        if let Some(late_ns) = late_ns {
            let late = late_ns as f64;
            wanted -= PROPORTIONAL * late;
            // While it is far off, the integral would learn the distance, not the drift.
            if (PROPORTIONAL * late).abs() < most {
                let most_drift = MOST_DRIFT * self.period_ns;
                self.drift = (self.drift + INTEGRAL * late).clamp(-most_drift, most_drift);
            }
        }
        let shift = wanted.clamp(-most, most).round();
        self.rest = (wanted - shift).clamp(-1.0, 1.0);
        shift as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_NS: u64 = 1_000_000;

    /// The error of each cycle; the bus's clock runs by `drift_ppm` faster than ours. `says` tells whether it is heard.
    fn errors(first_ns: f64, drift_ppm: f64, says: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut discipline = Discipline::new(PERIOD_NS);
        let mut error = first_ns;
        (0..6000)
            .map(|cycle| {
                let shift = discipline.shift_ns(says(cycle).then_some(error as i64));
                error += drift_ppm * 1e-6 * PERIOD_NS as f64 + shift as f64;
                error
            })
            .collect()
    }

    #[test]
    fn from_anywhere_and_with_any_drift_of_quartz_it_comes_into_step_and_stays() {
        for first_ns in [-500_000.0, -300.0, 0.0, 40_000.0, 499_999.0] {
            for drift_ppm in [-200.0, -20.0, 0.0, 7.3, 200.0] {
                let errors = errors(first_ns, drift_ppm, |_| true);
                let late = errors[1500..].iter().fold(0.0_f64, |most, error| most.max(error.abs()));
                assert!(late < 100.0, "{first_ns} ns, {drift_ppm} ppm: {late} ns");
            }
        }
    }

    #[test]
    fn a_bus_that_falls_silent_is_followed_by_what_was_learnt() {
        let errors = errors(0.0, 100.0, |cycle| cycle < 4000);
        // 100 ppm over two thousand cycles would be 200 µs.
        let last = errors[5999];
        assert!(last.abs() < 4_000.0, "{last} ns");
    }

    #[test]
    fn no_error_moves_a_deadline_by_more_than_its_bound() {
        let mut discipline = Discipline::new(PERIOD_NS);
        for late_ns in [i64::MIN, -1_000_000_000, 500_000, i64::MAX, 0, -500_000] {
            assert!(discipline.shift_ns(Some(late_ns)).abs() <= 5000, "{late_ns}");
        }
    }
}
