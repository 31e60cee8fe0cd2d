//! Has the feedback arrived, too?

/// Watches the following error once the setpoint rests.
#[derive(Clone, Debug)]
pub(super) struct InPosition {
    window: f64,
    needed_cycles: u32,
    /// Of these, those that it still has to be inside.
    left_cycles: u32,
}

impl InPosition {
    /// A watch that is satisfied after `time_s` inside `window`; without a window (0 or less), as soon as the setpoint rests.
    pub fn new(window: f64, time_s: f64, period_s: f64) -> InPosition {
        let cycles = if window > 0.0 { (time_s / period_s - 1e-6).ceil() } else { 1.0 };
        let needed_cycles = (cycles as u32).max(1);
        InPosition { window, needed_cycles, left_cycles: needed_cycles }
    }

    /// One cycle.
    #[inline]
    pub fn watch(&mut self, rests: bool, following_error: f64) {
        if rests && (self.window <= 0.0 || following_error.abs() <= self.window) {
            self.left_cycles = self.left_cycles.saturating_sub(1);
        } else {
            self.left_cycles = self.needed_cycles;
        }
    }

    /// Starts anew.
    pub fn clear(&mut self) {
        self.left_cycles = self.needed_cycles;
    }

    pub fn settled(&self) -> bool {
        self.left_cycles == 0
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
