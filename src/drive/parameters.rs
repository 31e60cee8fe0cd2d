//! What a drive has to be told once, at start, and what can be wrong with it.

use std::fmt;

use crate::fieldbus::mapping::DeviceLayout;
use crate::limits::SETPOINT_HISTORY;
use crate::units::Ratio;

/// Longest time that a drive may be given for anything, s.
const MAX_SECONDS: f64 = 600.0;
/// Largest gain or figure in axis units: far above any machine, far below where products overflow.
const MAX_FIGURE: f64 = 1e12;

/// What the drive is given in each cycle, by its number in 6060h and 6061h (CiA 402-2, modes of operation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i8)]
pub enum Mode {
    /// Cyclic synchronous position: the drive closes all loops.
    #[default]
    Csp = 8,
    /// Cyclic synchronous velocity: the cycle closes the position loop.
    Csv = 9,
    /// Cyclic synchronous torque: the cycle closes the position and the velocity loop.
    Cst = 10,
    /// Interpolated position: as cyclic synchronous position, by records (60C1h) instead of targets.
    Ip = 7,
    /// Profile position: the drive makes a profile of its own to each target that it is handed.
    Pp = 1,
}

impl Mode {
    /// Its number in 6060h and 6061h.
    pub fn code(self) -> i8 {
        self as i8
    }

    /// The drive closes the position loop, and is given positions.
    pub fn takes_position(self) -> bool {
        matches!(self, Mode::Csp | Mode::Ip | Mode::Pp)
    }

    /// Its usual abbreviation.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Csp => "CSP",
            Mode::Csv => "CSV",
            Mode::Cst => "CST",
            Mode::Ip => "IP",
            Mode::Pp => "PP",
        }
    }
}

/// How the drive counts, and what moves behind its motor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScalingParameters {
    /// Position increments (6064h, 607Ah) per turn of the motor (608Fh).
    pub increments_per_motor_turn: Ratio,
    /// Motor turns per load turn (6091h), for example 101/3.
    pub gear: Ratio,
    /// Axis units per load turn: millimetres of feed (6092h), or 360 for degrees.
    pub feed: Ratio,
    /// Positive axis units are negative increments.
    pub inverted: bool,
    /// Axis units after which the position begins again; `None` for a linear axis.
    pub modulo: Option<Ratio>,
    /// Units of 606Ch and 60FFh per increment/s; 1/1 where the drive counts velocity in increments/s.
    pub velocity_factor: Ratio,
}

/// Gains of the loops that the cycle closes. In CSP only the two feed-forwards count, and only where the drive maps
/// the offsets 60B1h and 60B2h; zero keeps those at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServoGains {
    /// Velocity per position error, 1/s (CSV, CST).
    pub position_gain: f64,
    /// Share of the setpoint's velocity that is fed forward, 0 to 1 (CSV, CST; 60B1h in CSP).
    pub velocity_feed_forward: f64,
    /// Highest velocity asked of the velocity loop, axis units/s (CSV, CST).
    pub velocity_limit: f64,
    /// Torque, as a ratio of the rated torque, per axis unit/s of velocity error (CST).
    pub velocity_gain: f64,
    /// Reset time of the velocity loop, s; `None` for a proportional loop (CST).
    pub integral_time_s: Option<f64>,
    /// Torque, as a ratio of the rated torque, per axis unit/s² of the setpoint: the inertia (CST; 60B2h otherwise).
    pub acceleration_feed_forward: f64,
}

/// The holding brake, and who switches it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Brake {
    /// There is none.
    #[default]
    None,
    /// The drive opens it after enabling and closes it before it lets the torque go.
    Drive {
        /// From Operation Enabled until the brake is open, s.
        release_time_s: f64,
        /// From the standstill after a quick stop until the brake holds, s; the voltage stays so long.
        engage_time_s: f64,
    },
    /// The cycle switches it by one bit of 60FEh:01.
    Output {
        /// The bit, 0 to 31. CiA 402-2 reserves bit 0 for "set brake".
        bit: u8,
        /// The bit is 1 while the brake shall be open; false where 1 sets the brake (CiA 402-2).
        set_opens: bool,
        /// From the command until the brake is open, s.
        release_time_s: f64,
        /// From the command until the brake holds, s; the drive holds its torque so long.
        engage_time_s: f64,
    },
}

/// How long the drive may take for what it is told, and when it counts as standing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// From power on to Operation Enabled, s.
    pub enable_timeout_s: f64,
    /// From power on to 6061h showing the mode, and for each answer that the mode asks of the drive (IP, PP), s.
    pub mode_timeout_s: f64,
    /// From power off (brake closed, axis at rest) to having left Operation Enabled; then the voltage is disabled, s.
    pub disable_timeout_s: f64,
    /// From fault reset to having left Fault, s.
    pub reset_timeout_s: f64,
    /// Longest quick stop; then the brake closes and the voltage is disabled even in motion, s.
    pub quick_stop_timeout_s: f64,
    /// At or below this velocity (axis units/s) the axis stands still for a brake.
    pub standstill_velocity: f64,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            enable_timeout_s: 5.0,
            mode_timeout_s: 1.0,
            disable_timeout_s: 1.0,
            reset_timeout_s: 2.0,
            quick_stop_timeout_s: 5.0,
            standstill_velocity: 1.0,
        }
    }
}

/// One drive.
#[derive(Clone, Debug, PartialEq)]
pub struct DriveParameters {
    /// What its process data hold.
    pub layout: DeviceLayout,
    /// What it is given in each cycle.
    pub mode: Mode,
    /// How it counts.
    pub scaling: ScalingParameters,
    /// Gains of the loops closed in the cycle.
    pub gains: ServoGains,
    /// Highest torque that the cycle asks for, as a ratio of the rated torque (6076h); goes also to 6072h, 60E0h and
    /// 60E1h where they are mapped.
    pub torque_limit: f64,
    /// Periods from the computation of a setpoint to the sampling of the feedback that should match it
    /// (`CyclicBus::feedback_delay_periods`); 0 to `SETPOINT_HISTORY - 2`. Only for loops closed in the cycle.
    pub feedback_delay_periods: f64,
    /// So many cycles in a row without fresh feedback it is extrapolated at the velocity that was measured last; 0 holds it.
    pub extrapolated_cycles: u32,
    /// How fast the drive's own profile stops (6084h), axis units/s²; only in profile position.
    pub profile_deceleration: f64,
    /// What is measured last may be wild: it goes on at this velocity at most, axis units/s.
    pub extrapolated_velocity: f64,
    /// The holding brake.
    pub brake: Brake,
    /// Time limits.
    pub timing: Timing,
    /// The drive serves statusword bit 9 (remote): it is not enabled while the bit is 0, and losing the bit in
    /// operation is a fault. False for drives that leave the bit at 0.
    pub remote_bit: bool,
}

impl DriveParameters {
    /// Periods from the computation of a setpoint to the feedback that is held against it. In profile position there are two
    /// delays of the bus from one target to the next (its bit and the answer up, both down), and a drive that goes no faster
    /// than its setpoint never makes up for them.
    pub fn following_delay_periods(&self) -> f64 {
        self.feedback_delay_periods * if self.mode == Mode::Pp { 3.0 } else { 1.0 }
    }

    /// Every figure finite and in its range; `highest_velocity` is what 60FFh can hold, axis units/s.
    pub(super) fn check(&self, period_s: f64, highest_velocity: f64) -> Result<(), ParameterError> {
        let range = |what, found: f64, lowest: f64, highest: f64| {
            // Written so that NaN is out of range.
            if found >= lowest && found <= highest {
                Ok(())
            } else {
                Err(ParameterError::Range { what, found, lowest, highest })
            }
        };
        range("period", period_s, 1e-6, 1.0)?;
        let gains = &self.gains;
        range("position gain", gains.position_gain, 0.0, MAX_FIGURE)?;
        range("velocity feed-forward", gains.velocity_feed_forward, 0.0, 2.0)?;
        range("velocity gain", gains.velocity_gain, 0.0, MAX_FIGURE)?;
        range("acceleration feed-forward", gains.acceleration_feed_forward, 0.0, MAX_FIGURE)?;
        range(
            "velocity limit",
            gains.velocity_limit,
            0.0,
            if self.mode.takes_position() { MAX_FIGURE } else { highest_velocity },
        )?;
        range("integral time", gains.integral_time_s.unwrap_or(period_s), period_s, MAX_SECONDS)?;
        // 6071h is 16 bits of per mille.
        range("torque limit", self.torque_limit, 0.0, 32.767)?;
        if self.mode == Mode::Pp {
            range("deceleration of the drive's profile", self.profile_deceleration, 1e-6, MAX_FIGURE)?;
        }
        range("feedback delay", self.feedback_delay_periods, 0.0, (SETPOINT_HISTORY - 2) as f64)?;
        range("enable timeout", self.timing.enable_timeout_s, 0.0, MAX_SECONDS)?;
        range("mode timeout", self.timing.mode_timeout_s, 0.0, MAX_SECONDS)?;
        range("disable timeout", self.timing.disable_timeout_s, 0.0, MAX_SECONDS)?;
        range("reset timeout", self.timing.reset_timeout_s, 0.0, MAX_SECONDS)?;
        range("quick-stop timeout", self.timing.quick_stop_timeout_s, 0.0, MAX_SECONDS)?;
        range("standstill velocity", self.timing.standstill_velocity, 0.0, MAX_FIGURE)?;
        let (bit, release_time_s, engage_time_s) = match self.brake {
            Brake::None => (0, 0.0, 0.0),
            Brake::Drive { release_time_s, engage_time_s } => (0, release_time_s, engage_time_s),
            Brake::Output { bit, release_time_s, engage_time_s, .. } => (bit, release_time_s, engage_time_s),
        };
        range("brake output bit", f64::from(bit), 0.0, 31.0)?;
        range("brake release time", release_time_s, 0.0, MAX_SECONDS)?;
        range("brake engage time", engage_time_s, 0.0, MAX_SECONDS)
    }
}

/// Why a drive cannot be built from its parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterError {
    /// The outputs lack an object.
    MissingOutput {
        /// Index.
        index: u16,
        /// Sub-index.
        subindex: u8,
        /// The mode that needs it.
        mode: Mode,
    },
    /// The inputs lack an object.
    MissingInput {
        /// Index.
        index: u16,
        /// Sub-index.
        subindex: u8,
        /// The mode that needs it.
        mode: Mode,
    },
    /// An object has a length other than CiA 402's.
    Length {
        /// Index.
        index: u16,
        /// Sub-index.
        subindex: u8,
        /// Mapped bits.
        found: u8,
        /// Bits of the object.
        expected: u8,
    },
    /// The product of encoder, gear and feed cannot be kept exactly.
    Ratio {
        /// Which product.
        what: &'static str,
    },
    /// A figure is not finite or out of range.
    Range {
        /// Which one.
        what: &'static str,
        /// What was given.
        found: f64,
        /// Lowest permitted.
        lowest: f64,
        /// Highest permitted.
        highest: f64,
    },
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ParameterError::MissingOutput { index, subindex, mode } => {
                write!(f, "the outputs (RxPDO) lack {index:04X}h:{subindex:02X}, which {} needs: map it", mode.name())
            }
            ParameterError::MissingInput { index, subindex, mode } => {
                write!(f, "the inputs (TxPDO) lack {index:04X}h:{subindex:02X}, which {} needs: map it", mode.name())
            }
            ParameterError::Length { index, subindex, found, expected } => {
                write!(f, "{index:04X}h:{subindex:02X} is mapped with {found} bits; the object has {expected}")
            }
            ParameterError::Ratio { what } => {
                write!(f, "{what} has too large a numerator or denominator to be kept exactly: use rounder numbers")
            }
            ParameterError::Range { what, found, lowest, highest } => {
                write!(f, "{what} is {found}; allowed is {lowest} to {highest}")
            }
        }
    }
}

impl std::error::Error for ParameterError {}
