//! Has the feedback arrived, too?

/// Watches the following error once the setpoint rests.
#[derive(Clone, Debug)]
pub(super) struct InPosition {
    window: f64,
    needed_cycles: u32,
    inside_cycles: u32,
}

impl InPosition {
    /// A watch that is satisfied after `time_s` inside `window`; without a window (0 or less), as soon as the setpoint rests.
    pub fn new(window: f64, time_s: f64, period_s: f64) -> InPosition {
        let cycles = if window > 0.0 { (time_s / period_s - 1e-6).ceil() } else { 1.0 };
        InPosition { window, needed_cycles: (cycles as u32).max(1), inside_cycles: 0 }
    }

    /// One cycle.
    #[inline]
    pub fn watch(&mut self, rests: bool, following_error: f64) {
        if rests && (self.window <= 0.0 || following_error.abs() <= self.window) {
            self.inside_cycles = self.inside_cycles.saturating_add(1);
        } else {
            self.inside_cycles = 0;
        }
    }

    /// Starts anew.
    pub fn clear(&mut self) {
        self.inside_cycles = 0;
    }

    pub fn settled(&self) -> bool {
        self.inside_cycles >= self.needed_cycles
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settles_only_after_the_whole_time_inside_in_one_go() {
        let mut watch = InPosition::new(0.1, 0.003, 0.001);
        for error in [0.05, 0.05, 0.2, 0.05, 0.05] {
            watch.watch(true, error);
            assert!(!watch.settled());
        }
        watch.watch(true, -0.1);
        assert!(watch.settled());
        watch.watch(false, 0.0);
        assert!(!watch.settled());
    }

    #[test]
    fn without_a_window_the_setpoint_decides() {
        let mut watch = InPosition::new(0.0, 1.0, 0.001);
        watch.watch(true, 5.0);
        assert!(watch.settled());
    }
}
