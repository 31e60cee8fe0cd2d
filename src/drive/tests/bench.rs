//! A scripted drive, written from the tables of the standard and not from the code under test: it has its own state
//! machine (by controlword bits), its own counting and a point mass for a motor.

use crate::drive::*;
use crate::fieldbus::mapping::{DeviceLayout, PdoEntry};
use crate::units::{Ratio, Setpoint};

pub const PERIOD_S: f64 = 0.001;
/// Increments per degree: 100000 a motor turn, gear 36/5, 360 degrees.
pub const PER_DEGREE: f64 = 2000.0;

const OUTPUTS: [(u16, u8, u8); 6] =
    [(0x6040, 0, 16), (0x6060, 0, 8), (0x607A, 0, 32), (0x60FF, 0, 32), (0x6071, 0, 16), (0x60FE, 1, 32)];
const INPUTS: [(u16, u8, u8); 6] =
    [(0x6041, 0, 16), (0x6061, 0, 8), (0x6064, 0, 32), (0x6077, 0, 16), (0x603F, 0, 16), (0x60FD, 0, 32)];
const OUTPUT_BYTES: usize = 17;
const INPUT_BYTES: usize = 15;

fn entries(list: &[(u16, u8, u8)]) -> Vec<PdoEntry> {
    list.iter().map(|(index, subindex, bits)| PdoEntry { index: *index, subindex: *subindex, bits: *bits }).collect()
}

pub fn parameters(mode: Mode) -> DriveParameters {
    let ratio = |a, b| Ratio::new(a, b).unwrap();
    DriveParameters {
        layout: DeviceLayout {
            output_offset: 100,
            // A record stands where a target does.
            outputs: entries(&OUTPUTS.map(|entry| match entry {
                (0x607A, ..) if mode == Mode::Ip => (0x60C1, 1, 32),
                entry => entry,
            })),
            input_offset: 200,
            inputs: entries(&INPUTS),
        },
        mode,
        scaling: ScalingParameters {
            increments_per_motor_turn: ratio(100_000, 1),
            gear: ratio(36, 5),
            feed: ratio(360, 1),
            inverted: false,
            modulo: None,
            velocity_factor: ratio(1, 1),
        },
        gains: match mode {
            Mode::Csp | Mode::Ip | Mode::Pp => ServoGains::default(),
            Mode::Csv | Mode::Cst => ServoGains {
                position_gain: 30.0,
                velocity_feed_forward: 1.0,
                velocity_limit: 2000.0,
                velocity_gain: 0.004,
                integral_time_s: Some(0.05),
                acceleration_feed_forward: 1.0 / Motor::ACCELERATION,
            },
        },
        torque_limit: 1.0,
        profile_deceleration: 5000.0,
        feedback_delay_periods: 2.0,
        extrapolated_cycles: 0,
        extrapolated_velocity: 1000.0,
        brake: Brake::None,
        timing: Timing {
            enable_timeout_s: 0.2,
            mode_timeout_s: 0.1,
            disable_timeout_s: 0.05,
            reset_timeout_s: 0.1,
            quick_stop_timeout_s: 0.5,
            standstill_velocity: 2.0,
        },
        remote_bit: true,
    }
}

/// What the drive was told, read back by offsets counted by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub controlword: u16,
    pub mode: i8,
    pub position: i32,
    pub velocity: i32,
    pub torque: i16,
    pub digital: u32,
}

impl Told {
    pub fn read(bytes: &[u8]) -> Told {
        Told {
            controlword: u16::from_le_bytes(bytes[0..2].try_into().unwrap()),
            mode: bytes[2] as i8,
            position: i32::from_le_bytes(bytes[3..7].try_into().unwrap()),
            velocity: i32::from_le_bytes(bytes[7..11].try_into().unwrap()),
            torque: i16::from_le_bytes(bytes[11..13].try_into().unwrap()),
            digital: u32::from_le_bytes(bytes[13..17].try_into().unwrap()),
        }
    }
}

/// A point mass with Coulomb friction and a steady load, in increments and seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Motor {
    pub position: f64,
    pub velocity: f64,
    /// Ratio of the rated torque.
    pub friction: f64,
    /// Ratio of the rated torque.
    pub load: f64,
}

impl Motor {
    /// Degrees/s² at rated torque.
    pub const ACCELERATION: f64 = 20_000.0;

    /// One period of `torque` (ratio), in ten steps.
    pub fn turn(&mut self, torque: f64) {
        let (step_s, scale) = (PERIOD_S / 10.0, Motor::ACCELERATION * PER_DEGREE);
        for _ in 0..10 {
            let drive = torque - self.load;
            let next = self.velocity + drive * scale * step_s;
            let brake = self.friction * scale * step_s;
            self.velocity = if next.abs() <= brake { 0.0 } else { next - brake.copysign(next) };
            self.position += self.velocity * step_s;
        }
    }
}

/// What the scripted drive does besides obeying.
#[derive(Clone, Debug)]
pub struct Script {
    /// Low bits of the statusword.
    pub state: u16,
    pub voltage: bool,
    pub remote: bool,
    pub refuses_mode: bool,
    pub refuses_reset: bool,
    /// Never gets farther than this state.
    pub stuck_at: Option<u16>,
    /// 605Ah.
    pub quick_stop_option: u8,
    /// Exchanges that a step of the state machine takes.
    pub slowness: u32,
    pub error_code: u16,
    pub motor: Motor,
    pub told: Told,
    pub mode: i8,
    pub waited: u32,
    /// Exchanges until bit 12 of the statusword follows bit 4 of the controlword (IP, PP); `None` never does.
    pub answers_after: Option<u32>,
    /// Bit 12 of the statusword, and how long it is due.
    pub answer: bool,
    pub answer_due: u32,
    /// PP: the last target that it took, and how often it took one.
    pub taken: i32,
    pub times_taken: u32,
}

pub const SWITCH_ON_DISABLED: u16 = 0x40;
pub const READY: u16 = 0x21;
pub const SWITCHED_ON: u16 = 0x23;
pub const ENABLED: u16 = 0x27;
pub const QUICK_STOP: u16 = 0x07;
pub const REACTING: u16 = 0x0F;
pub const FAULT: u16 = 0x08;

impl Default for Script {
    fn default() -> Script {
        Script {
            state: SWITCH_ON_DISABLED,
            voltage: true,
            remote: true,
            refuses_mode: false,
            refuses_reset: false,
            stuck_at: None,
            quick_stop_option: 2,
            slowness: 0,
            error_code: 0,
            motor: Motor::default(),
            told: Told { controlword: 0, mode: 0, position: 0, velocity: 0, torque: 0, digital: 0 },
            mode: 0,
            waited: 0,
            answers_after: Some(0),
            answer: false,
            answer_due: 0,
            taken: 0,
            times_taken: 0,
        }
    }
}

impl Script {
    /// Where the motor is, as 6064h.
    pub fn actual(&self) -> i32 {
        self.motor.position.round() as i64 as i32
    }

    /// One exchange: lives one period with what it was told last, answers, then hears.
    pub fn exchange(&mut self, outputs: &[u8]) -> [u8; INPUT_BYTES] {
        self.live();
        let mut answer = [0; INPUT_BYTES];
        let word =
            self.state | u16::from(self.voltage) << 4 | u16::from(self.remote) << 9 | u16::from(self.answer) << 12;
        answer[0..2].copy_from_slice(&word.to_le_bytes());
        answer[2] = self.mode as u8;
        answer[3..7].copy_from_slice(&self.actual().to_le_bytes());
        answer[9..11].copy_from_slice(&self.error_code.to_le_bytes());
        let before = self.told.controlword;
        self.told = Told::read(outputs);
        self.obey(before);
        if !self.refuses_mode {
            self.mode = self.told.mode;
        }
        answer
    }

    fn live(&mut self) {
        match (self.state, self.mode) {
            (ENABLED, 7) if !self.answer => self.motor.velocity = 0.0,
            (ENABLED, 1 | 7 | 8) => {
                let target = if self.mode == 1 { self.taken } else { self.told.position };
                let step = target.wrapping_sub(self.actual());
                self.motor.velocity = f64::from(step) / PERIOD_S;
                self.motor.position = self.motor.position.round() + f64::from(step);
            }
            (ENABLED, 9) => {
                self.motor.velocity += 0.5 * (f64::from(self.told.velocity) - self.motor.velocity);
                self.motor.position += self.motor.velocity * PERIOD_S;
            }
            (ENABLED, 10) => self.motor.turn(f64::from(self.told.torque) / 1000.0),
            (QUICK_STOP | REACTING, _) => {
                let ramp = 1000.0 * PER_DEGREE * PERIOD_S;
                let left = (self.motor.velocity.abs() - ramp).max(0.0);
                self.motor.velocity = left.copysign(self.motor.velocity);
                self.motor.position += self.motor.velocity * PERIOD_S;
                if left == 0.0 && self.state == REACTING {
                    self.state = FAULT;
                } else if left == 0.0 && self.quick_stop_option <= 4 {
                    self.state = SWITCH_ON_DISABLED;
                }
            }
            _ if self.motor.velocity == 0.0 => {}
            _ => {
                let load = self.motor.load;
                self.motor.load = 0.0;
                self.motor.turn(-0.01 * self.motor.velocity.signum());
                self.motor.load = load;
                if self.motor.velocity.abs() < 0.02 * Motor::ACCELERATION * PER_DEGREE * PERIOD_S {
                    self.motor.velocity = 0.0;
                }
            }
        }
    }

    fn obey(&mut self, before: u16) {
        let word = self.told.controlword;
        let (on, voltage, run, operate) = (word & 1 != 0, word & 2 != 0, word & 4 != 0, word & 8 != 0);
        let reset_edge = word & 0x80 != 0 && before & 0x80 == 0;
        let next = match self.state {
            0x00 => SWITCH_ON_DISABLED,
            FAULT if reset_edge && !self.refuses_reset => SWITCH_ON_DISABLED,
            FAULT | REACTING => return,
            _ if !self.remote => return,
            _ if !voltage => SWITCH_ON_DISABLED,
            ENABLED if !run => QUICK_STOP,
            QUICK_STOP if !run => return,
            QUICK_STOP if on && operate && self.quick_stop_option >= 5 => ENABLED,
            QUICK_STOP => return,
            _ if !run => SWITCH_ON_DISABLED,
            SWITCH_ON_DISABLED if !on => READY,
            SWITCH_ON_DISABLED => return,
            _ if !on => READY,
            READY => SWITCHED_ON,
            _ if operate => ENABLED,
            _ => SWITCHED_ON,
        };
        self.answer(next);
        if next == self.state || self.stuck_at == Some(self.state) {
            self.waited = 0;
        } else if self.waited < self.slowness {
            self.waited += 1;
        } else {
            self.waited = 0;
            self.state = next;
            if next == SWITCH_ON_DISABLED {
                self.error_code = 0;
            }
        }
    }

    /// Bit 12 of the statusword by bit 4 of the controlword. A target is looked at when it is answered, not before.
    fn answer(&mut self, next: u16) {
        if self.state != ENABLED || next != ENABLED {
            (self.answer, self.answer_due, self.taken) = (false, 0, self.actual());
            return;
        }
        let asked = self.told.controlword & 0x10 != 0 && matches!(self.mode, 1 | 7);
        let Some(after) = self.answers_after else { return };
        if asked == self.answer {
            self.answer_due = 0;
        } else if self.answer_due < after {
            self.answer_due += 1;
        } else {
            (self.answer, self.answer_due) = (asked, 0);
            if asked {
                (self.taken, self.times_taken) = (self.told.position, self.times_taken + 1);
            }
        }
    }

    pub fn fail(&mut self, code: u16) {
        self.state = REACTING;
        self.error_code = code;
    }
}

/// What motion would ask for in one cycle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    pub power: bool,
    pub quick_stop: bool,
    pub reset: bool,
    pub setpoint: Setpoint,
}

/// Encodes it.
pub fn encode(drive: &mut Drive, wish: &Wish, outputs: &mut [u8]) {
    let Wish { power, quick_stop, reset, setpoint } = *wish;
    drive.encode(Demand { power, quick_stop, reset }, &setpoint, outputs);
}

/// A drive under test, the scripted one, and the image between them.
pub struct Bench {
    pub drive: Drive,
    pub script: Script,
    pub outputs: [u8; OUTPUT_BYTES],
    pub feedback: Feedback,
    pub fresh: bool,
    pub cycle: u64,
}

impl Bench {
    pub fn new(parameters: &DriveParameters, script: Script) -> Bench {
        let mut drive = Drive::new(parameters, PERIOD_S).unwrap();
        assert_eq!(drive.input_range(), 200..200 + INPUT_BYTES);
        assert_eq!(drive.output_range(), 100..100 + OUTPUT_BYTES);
        let mut outputs = [0; OUTPUT_BYTES];
        drive.prepare(&mut outputs);
        encode(&mut drive, &Wish::default(), &mut outputs);
        Bench { drive, script, outputs, feedback: Feedback::default(), fresh: true, cycle: 0 }
    }

    /// One cycle: exchange, decode, let `motion` look, encode.
    pub fn cycle(&mut self, motion: impl FnOnce(&Feedback) -> Wish) -> Feedback {
        let answer = self.script.exchange(&self.outputs);
        self.feedback = *self.drive.decode(&answer, self.fresh);
        encode(&mut self.drive, &motion(&self.feedback), &mut self.outputs);
        self.cycle += 1;
        self.feedback
    }

    /// One cycle that asks for power and stays where the drive is held.
    pub fn powered(&mut self) -> Feedback {
        self.cycle(|feedback| Wish { power: true, setpoint: feedback.held, ..Wish::default() })
    }

    /// One cycle that asks for nothing.
    pub fn off(&mut self) -> Feedback {
        self.cycle(|_| Wish::default())
    }

    /// What the drive will be told next.
    pub fn told(&self) -> Told {
        Told::read(&self.outputs)
    }

    /// Cycles with `step` until `done`, at most `limit`; returns how many.
    pub fn until(
        &mut self,
        limit: usize,
        mut step: impl FnMut(&mut Bench) -> Feedback,
        done: impl Fn(&Bench) -> bool,
    ) -> usize {
        for count in 1..=limit {
            step(self);
            if done(self) {
                return count;
            }
        }
        panic!("not within {limit} cycles: {:?} {:?}", self.feedback, self.script);
    }

    /// A bench whose drive is operational and at rest.
    pub fn operational(parameters: &DriveParameters, script: Script) -> Bench {
        let mut bench = Bench::new(parameters, script);
        bench.off();
        bench.off();
        bench.until(300, Bench::powered, |bench| bench.feedback.operational);
        bench
    }
}

/// Degrees at `time_s` of a smooth move from 0 over `distance` in `duration_s`, with velocity and acceleration.
pub fn smooth(distance: f64, duration_s: f64, time_s: f64) -> Setpoint {
    let t = (time_s / duration_s).clamp(0.0, 1.0);
    let position = distance * t * t * t * (10.0 - 15.0 * t + 6.0 * t * t);
    let velocity = distance / duration_s * 30.0 * t * t * (1.0 - t) * (1.0 - t);
    let acceleration = distance / (duration_s * duration_s) * 60.0 * t * (1.0 - 3.0 * t + 2.0 * t * t);
    Setpoint { turns: 0, position, velocity, acceleration }
}
