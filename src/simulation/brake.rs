//! The holding brake: it takes time to open and to close, and holds by friction.

use crate::simulation::parameters::BrakeParameters;

/// A brake, closed at power-on.
#[derive(Clone, Copy, Debug)]
pub struct Brake {
    holding_torque_nm: f64,
    release_time_s: f64,
    engage_time_s: f64,
    release: bool,
    /// Until it has done what it was told, seconds.
    left_s: f64,
}

impl Brake {
    /// A closed brake.
    pub fn new(parameters: &BrakeParameters) -> Brake {
        Brake {
            holding_torque_nm: parameters.holding_torque_nm,
            release_time_s: parameters.release_time_s,
            engage_time_s: parameters.engage_time_s,
            release: false,
            left_s: 0.0,
        }
    }

    /// Goes on by `dt_s` under the signal; the friction torque on the shaft.
    pub fn step(&mut self, release: bool, dt_s: f64) -> f64 {
        if release != self.release {
            self.release = release;
            self.left_s = if release { self.release_time_s } else { self.engage_time_s };
        }
        self.left_s = (self.left_s - dt_s).max(0.0);
        if self.holds() { self.holding_torque_nm } else { 0.0 }
    }

    /// It holds with full torque: engaged, or told to open but not open yet.
    fn holds(&self) -> bool {
        self.release == (self.left_s > 0.0)
    }

    /// It is fully open and told to be.
    pub fn released(&self) -> bool {
        self.release && self.left_s == 0.0
    }

    /// It holds and is told to.
    pub fn engaged(&self) -> bool {
        !self.release && self.left_s == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::parameters::BrakeControl;

    #[test]
    fn it_holds_until_open_and_is_free_until_closed() {
        let mut brake = Brake::new(&BrakeParameters {
            control: BrakeControl::Drive,
            holding_torque_nm: 5.0,
            release_time_s: 0.003,
            engage_time_s: 0.002,
        });
        let mut torques = Vec::new();
        for n in 0..12 {
            torques.push(brake.step((2..7).contains(&n), 0.001));
        }
        assert_eq!(torques, [5.0, 5.0, 5.0, 5.0, 0.0, 0.0, 0.0, 0.0, 5.0, 5.0, 5.0, 5.0]);
        assert!(brake.engaged() && !brake.released());
    }
}
