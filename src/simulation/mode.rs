//! What a mode of operation makes of the controlword's bits 4 to 6 and of the statusword's bit 12 (CiA 402-2).

use crate::simulation::servo::{Servo, ServoMode};

/// Modes of operation (6060h).
pub const PROFILE_POSITION: i8 = 1;
/// Interpolated position.
pub const INTERPOLATED_POSITION: i8 = 7;
/// Cyclic synchronous position.
pub const CYCLIC_POSITION: i8 = 8;
const CYCLIC_VELOCITY: i8 = 9;
const CYCLIC_TORQUE: i8 = 10;

/// Enable interpolation (interpolated position), new setpoint (profile position).
const BY_MODE: u16 = 1 << 4;
const IMMEDIATELY: u16 = 1 << 5;
const RELATIVE: u16 = 1 << 6;

/// Positions that the master gives, increments.
#[derive(Clone, Copy, Debug, Default)]
pub struct Targets {
    /// 607Ah.
    pub target: i32,
    /// 60B0h.
    pub offset: i32,
    /// 60C1h:01.
    pub record: i32,
    /// 60C2h, seconds.
    pub period_s: f64,
}

/// The mode that a drive is in, and how far it is in it.
#[derive(Clone, Copy, Debug)]
pub struct ModeState {
    mode: i8,
    /// Bit 4 of the controlword as it came last.
    bit: bool,
    interpolates: bool,
    /// A target was taken and its bit stands, or nothing more can be taken.
    acknowledges: bool,
    /// What is next when the target is reached, and whether it is counted from that.
    next_target: Option<(i32, bool)>,
}

impl Default for ModeState {
    /// In cyclic synchronous position.
    fn default() -> ModeState {
        ModeState { mode: CYCLIC_POSITION, bit: false, interpolates: false, acknowledges: false, next_target: None }
    }
}

impl ModeState {
    /// 6061h.
    pub fn mode(&self) -> i8 {
        self.mode
    }

    /// Begins another mode.
    pub fn change(&mut self, mode: i8) {
        *self = ModeState { mode, bit: self.bit, ..ModeState::default() };
    }

    /// Which loop follows the master.
    pub fn servo_mode(&self) -> ServoMode {
        match self.mode {
            PROFILE_POSITION => ServoMode::Profile,
            CYCLIC_VELOCITY => ServoMode::Velocity,
            CYCLIC_TORQUE => ServoMode::Torque,
            _ => ServoMode::Position,
        }
    }

    /// Its reference is on the way from one target of the master to the next.
    pub fn goes_by_segments(&self) -> bool {
        self.mode == CYCLIC_POSITION || self.mode == INTERPOLATED_POSITION && self.interpolates
    }

    /// The drive closes the position loop.
    pub fn holds_position(&self) -> bool {
        !matches!(self.mode, CYCLIC_VELOCITY | CYCLIC_TORQUE)
    }

    /// In interpolated position without leave to interpolate it comes to rest.
    pub fn waits(&self) -> bool {
        self.mode == INTERPOLATED_POSITION && !self.interpolates
    }

    /// Bit 12 of the statusword of a drive that follows its master.
    pub fn answer(&self) -> bool {
        match self.mode {
            PROFILE_POSITION => self.acknowledges,
            INTERPOLATED_POSITION => self.interpolates,
            _ => true,
        }
    }

    /// The drive no longer follows its master; a halt keeps what is to be done.
    pub fn leave(&mut self, halts: bool) {
        self.interpolates = false;
        if !halts {
            (self.next_target, self.acknowledges) = (None, false);
        }
    }

    /// New outputs came. `follows`: the drive is enabled, follows its master and does not halt.
    pub fn take(&mut self, controlword: u16, follows: bool, targets: &Targets, servo: &mut Servo) {
        let rises = controlword & BY_MODE != 0 && !self.bit;
        self.bit = controlword & BY_MODE != 0;
        match self.mode {
            CYCLIC_POSITION if follows => {
                servo.retarget(targets.target.wrapping_add(targets.offset), targets.period_s);
            }
            INTERPOLATED_POSITION => {
                let active = follows && (rises || self.interpolates && self.bit);
                match (self.interpolates, active) {
                    (false, true) => servo.hold_reference(),
                    (true, false) => servo.leave_segment(),
                    _ => {}
                }
                self.interpolates = active;
                if active {
                    servo.retarget(targets.record, targets.period_s);
                }
            }
            PROFILE_POSITION if follows && rises => {
                let relative = controlword & RELATIVE != 0;
                if controlword & IMMEDIATELY != 0 || servo.arrived() {
                    self.next_target = None;
                    servo.aim(targets.target, relative);
                    self.acknowledges = true;
                } else if self.next_target.is_none() {
                    self.next_target = Some((targets.target, relative));
                    self.acknowledges = true;
                }
            }
            _ => {}
        }
        self.acknowledges &= self.bit || self.next_target.is_some();
    }

    /// The target that was to come next is the present one where that is reached.
    pub fn go_on(&mut self, servo: &mut Servo) {
        if let Some((target, relative)) = self.next_target
            && servo.arrived()
        {
            self.next_target = None;
            servo.aim(target, relative);
            self.acknowledges &= self.bit;
        }
    }
}
