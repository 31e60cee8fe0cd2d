//! The holding brake: who switches it, how long it takes, and whether it is open.
//!
//! The order is kept by [`super::sequence`]: enable → release → wait → operational; and on the way out (power off,
//! quick stop at standstill, fault) engage → wait while the drive holds its torque → leave operation. Where the drive
//! has lost its torque the brake closes at once.

use super::parameters::Brake;

/// The brake of one axis.
#[derive(Clone, Copy, Debug)]
pub struct HoldingBrake {
    /// The cycle switches it; else the drive does, or there is none.
    switched_here: bool,
    exists: bool,
    set_opens: bool,
    release_cycles: u32,
    engage_cycles: u32,
    open_command: bool,
    open: bool,
}

impl HoldingBrake {
    /// A closed brake; `cycles` turns seconds into cycles.
    pub fn new(brake: &Brake, cycles: impl Fn(f64) -> u32) -> HoldingBrake {
        let none = HoldingBrake {
            switched_here: false,
            exists: false,
            set_opens: true,
            release_cycles: 0,
            engage_cycles: 0,
            open_command: false,
            open: false,
        };
        match *brake {
            Brake::None => none,
            Brake::Drive { release_time_s, engage_time_s } => HoldingBrake {
                exists: true,
                release_cycles: cycles(release_time_s),
                engage_cycles: cycles(engage_time_s),
                ..none
            },
            Brake::Output { set_opens, release_time_s, engage_time_s, .. } => HoldingBrake {
                switched_here: true,
                exists: true,
                set_opens,
                release_cycles: cycles(release_time_s),
                engage_cycles: cycles(engage_time_s),
                ..none
            },
        }
    }

    /// Commands it open.
    pub fn release(&mut self) {
        self.open_command = true;
    }

    /// The release time has passed.
    pub fn released(&mut self) {
        self.open = self.open_command;
    }

    /// Commands it closed; from now on it does not count as open.
    pub fn engage(&mut self) {
        self.open_command = false;
        self.open = false;
    }

    /// It is commanded open and the cycle has to close it before the drive may let go.
    pub fn must_engage(&self) -> bool {
        self.switched_here && self.open_command
    }

    /// After a quick stop somebody, the cycle or the drive, has to close it before the voltage may go: an order to disable
    /// the voltage takes the torque at once, without waiting for a brake.
    pub fn must_engage_after_stop(&self) -> bool {
        self.exists && self.open_command
    }

    /// Cycles from the command until it is open.
    pub fn release_cycles(&self) -> u32 {
        self.release_cycles
    }

    /// Cycles from the command, or from the drive's own standstill, until it holds.
    pub fn engage_cycles(&self) -> u32 {
        self.engage_cycles
    }

    /// It is open, or there is none.
    pub fn is_open(&self) -> bool {
        !self.exists || self.open
    }

    /// The bit of 60FEh:01.
    pub fn bit(&self) -> bool {
        self.open_command == self.set_opens
    }
}
